"""Folders of images with a class each, which a backbone is pre-trained on."""
