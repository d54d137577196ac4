"""A model as judge: which of two answers it takes to be better, asked in both orders."""
