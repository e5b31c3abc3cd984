"""Figures: each as a frame, and how that is drawn on given Axes."""
