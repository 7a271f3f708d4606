"""What several test files need: the project's folders, its notebooks, hypothesis without clocks."""

import os
from pathlib import Path

import hypothesis

ROOT = Path(__file__).resolve().parent.parent
os.environ["NGD_PAGE"] = "1"  # figures as on a page; a test of Jupyter takes it away

# The same examples on every run, and no verdict that depends on how fast the machine is.
hypothesis.settings.register_profile("book", deadline=None, derandomize=True, max_examples=60)
hypothesis.settings.load_profile("book")


#: Files whose tests, or what their tests share, take longest.
LONG = "test_reproducible", "test_paper", "test_build", "test_live", "test_lab", "test_firefox"


def pytest_collection_modifyitems(items):
    """The longest first, so that no worker has to wait for them at the end."""
    places = {name: k for k, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.path.stem, len(LONG)))
