"""Run directories as pandas frames, and what their columns mean."""
