"""What the search says: curves, importance, early stopping, cross-tuning, luck."""
