"""What a value of a configuration must satisfy, and what a wrong one was meant to be."""
