"""What several test files need: the project's folders, its notebooks, hypothesis without clocks."""

from pathlib import Path

import hypothesis

ROOT = Path(__file__).resolve().parent.parent

# The same examples on every run, and no verdict that depends on how fast the machine is.
hypothesis.settings.register_profile("book", deadline=None, derandomize=True, max_examples=60)
hypothesis.settings.load_profile("book")
