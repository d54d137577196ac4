"""Parts of pages that are too large for one file; a page of `screens/` draws them."""
