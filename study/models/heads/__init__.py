"""What is found in a region of interest: boxes, masks, keypoints."""
