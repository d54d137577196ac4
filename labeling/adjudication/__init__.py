"""The lead's side of the bench: disputed and reported pairs with every vote, decided here."""
