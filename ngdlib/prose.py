"""Numbers quoted in the text, each asserted beside the sentence that quotes it.

A chapter's worked example has its parameters in one cell. Right after it stands

    quoted = quoted_at(eta == 0.1, y == 1)

which is true at the default parameters. From there on ``quoted("0.622", value)`` asserts that the
computed value rounds to the digits printed in the text. Rerun with other parameters, the same call
prints what the number is now instead of failing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import numpy as np


def quoted_at(*at_defaults: bool) -> Callable[..., None]:
    """A checker of quoted numbers: asserts where every condition holds, reports otherwise."""
    assert_it = all(bool(condition) for condition in at_defaults)

    def quoted(text: str, value: float) -> None:
        """``text``: the digits as printed ("0.622", "10,203", "−1.5", "2e-4"); ``value``: a scalar.

        Raises AssertionError where the text is wrong at the defaults, ValueError where ``text``
        is not a number or ``value`` is not one.
        """
        number, unit = _parse(text)
        array = np.asarray(value, dtype=float)
        if array.size != 1:
            raise ValueError(f"value: expected one number, got shape {array.shape}")
        computed = array.item()
        agrees = math.isclose(computed, number, rel_tol=1e-12, abs_tol=unit / 2 * (1 + 1e-9))
        if assert_it:
            assert agrees, f"the text says {text}, the code gives {computed!r}"
        elif not agrees:
            print(f"The text quotes {text} for the default parameters; here it is {computed:.5g}.")

    return quoted


def _parse(text: str) -> tuple[float, float]:
    """The number that ``text`` prints and the unit of its last digit."""
    plain = text.strip().replace("\N{MINUS SIGN}", "-").replace(",", "")
    match = re.fullmatch(r"([+-]?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d+))?", plain)
    if match is None:
        raise ValueError(f"text: expected a number as printed, such as '0.622', got {text!r}")
    decimals = len(match[3] or "")
    exponent = int(match[4] or 0)
    return float(plain), 10.0 ** (exponent - decimals)
