"""What a person typed, as a tree: `grammar.py`, and `grammar.js` for the page."""
