"""Frames of stored videos: which ones are taken, decoded under limits, kept as pictures."""
