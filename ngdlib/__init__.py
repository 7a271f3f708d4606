"""The library under The Natural Gradient."""

from pathlib import Path

__version__ = "0.1.0"

_PACKED = Path(__file__).resolve().parent / "_texts"  # in an installed wheel
HOME = _PACKED if _PACKED.is_dir() else Path(__file__).resolve().parent.parent
"""The folder with `exercises/` and `chapters/checks/`: the checkout, or their copy in a wheel."""
