"""The loop itself: what decisions become data, what to collect next, and where a round stands.

Imports labeling, training and storage; only the console imports it.
"""
