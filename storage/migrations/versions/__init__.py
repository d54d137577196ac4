"""Revisions in order; each leads to the next."""
