"""A study of very many trials: what a sweep's driver and the analysis do with it."""
