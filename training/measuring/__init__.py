"""What a model is worth: figures with intervals, and what they are made of."""
