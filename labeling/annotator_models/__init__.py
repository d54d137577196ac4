"""What votes alone say about who cast them: models that estimate truth and annotators together."""
