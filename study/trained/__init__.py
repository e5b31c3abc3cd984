"""A detector that was trained to be used: its folder, the module that it is, what it finds."""
