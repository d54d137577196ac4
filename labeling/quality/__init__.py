"""How good the labels are: what annotators do, and what pulls their choices besides the answers."""
