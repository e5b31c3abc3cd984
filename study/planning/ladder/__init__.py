"""Ladders of lengths that turn out too short: when they grow, and which trials go on."""
