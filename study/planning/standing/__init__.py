"""How a study stands while it runs: its part, the time that it has taken, and what is left."""
