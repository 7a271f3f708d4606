"""What several test files need: the project's folders, its notebooks, hypothesis without clocks."""

from pathlib import Path

import hypothesis

ROOT = Path(__file__).resolve().parent.parent

# The same examples on every run, and no verdict that depends on how fast the machine is.
hypothesis.settings.register_profile("book", deadline=None, derandomize=True, max_examples=60)
hypothesis.settings.load_profile("book")


def pytest_collection_modifyitems(items):
    """The longest test first, so that no worker has to wait for it at the end."""
    items.sort(key=lambda item: item.name != "test_second_build_is_identical")
