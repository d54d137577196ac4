"""Choosing what to label next: where the model is unsure, and a random part to measure by."""
