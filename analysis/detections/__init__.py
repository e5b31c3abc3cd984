"""What the detections that confirm runs keep say of images and mistakes."""
