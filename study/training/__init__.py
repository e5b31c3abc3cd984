"""One run: the loop, its state, and its evaluation. Knows no Ray."""
