"""What the stored detections of confirm runs say about images and mistakes."""
