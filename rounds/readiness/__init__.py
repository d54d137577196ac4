"""Is a dataset version fit to train on? What blocks, what to look at, and what is fine."""
