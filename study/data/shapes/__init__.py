"""The embedded data set: generated images in COCO format."""
