"""How good a detector is: its detections, their metrics, and what a record says of them."""
