"""What a data set consists of: numbers, doubts, and a page with pictures."""
