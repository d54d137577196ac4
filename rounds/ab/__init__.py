"""Checkpoints against each other by blind votes: who wins how often, and how sure that is."""
