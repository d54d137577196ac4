"""pairwright doctor: looks at the machine, the workspace and its work, and says what to do."""
