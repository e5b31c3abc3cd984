"""Faults in a running sweep, and whether it survives them: `python -m benchmarks chaos`."""
