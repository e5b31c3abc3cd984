"""Runs that repeat the chosen settings on the report split, and how many of them are enough."""
