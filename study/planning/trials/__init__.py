"""The trials of a study: as they ought to be, as they are, and which result is the best."""
