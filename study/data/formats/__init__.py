"""Where data sets come from: a file for each format."""
