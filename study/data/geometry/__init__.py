"""Polygons, masks and keypoints as numbers."""
