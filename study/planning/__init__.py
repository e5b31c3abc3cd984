"""What a study tries next, when it stops, and what it costs. Needs neither torch nor Ray."""
