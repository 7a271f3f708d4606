"""The reader's notebook: checks by name, and its cells as they are written."""
