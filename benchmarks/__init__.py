"""Measurements against the project's budgets and against named peers; run by hand."""
