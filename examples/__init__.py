"""Worlds and data to try Pairwright on: a tiny world with a known truth, and photographs.

Nothing in here imports the product's rooms. Simulated experts speak its HTTP interface only.
"""
