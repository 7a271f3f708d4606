"""The questions as they stand in a chapter's page."""
