"""What the benchmark of the console's pages needs: the pages, and a workspace that fills them."""
