"""Published and own weights, read and fitted to a model."""
