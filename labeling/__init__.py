"""Experts choose: links, the bench, votes, agreement and consensus. Imports storage only."""
