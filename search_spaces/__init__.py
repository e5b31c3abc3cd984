"""One file per regime: the question, the ranges, and what is fixed. Copy one to make your own."""
