"""A tiny world where the truth is known: pictures of coloured shapes, and a tiny VLM for them."""
