"""Measuring with what others made: benchmarks, red-team suites, and results of other tools.

These figures stand beside those of the project's own pairs and are never mixed with them: they come
from other labels, so that what annotators have in common does not flatter the model.
"""
