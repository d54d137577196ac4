"""Scoring unlabeled pairs: what a model thinks of two answers that nobody has compared yet."""
