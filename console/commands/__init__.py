"""Commands, one file per noun. Each reads its options, makes one call and shows the result."""
