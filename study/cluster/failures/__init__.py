"""What can go wrong while trials run: Ray's end, a trial's, and one that falls silent."""
