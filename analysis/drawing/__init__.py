"""Frames for figures, and how each is drawn on given Axes."""
