"""Where the next trial lies in the search space, and how ranges grow."""
