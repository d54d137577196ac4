"""What changed from one checkpoint to another on the same prompts: fixed, broken, or neither."""
