"""A training run: planned, assembled, stepped, watched, stopped, saved."""
