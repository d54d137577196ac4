"""Models and what goes into them: weights, pictures, texts as tensors; log-probabilities out."""
