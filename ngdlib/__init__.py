"""The library under The Natural Gradient."""
