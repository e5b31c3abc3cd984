"""From an annotation file to iteration i's augmented batch, as a pure function of (seed, i)."""
