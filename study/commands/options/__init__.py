"""Command lines: what their options mean, and the spaces and runs that they ask for."""
