"""Numbers quoted in the text, each asserted beside the sentence that quotes it.

A chapter's worked example has its parameters in one cell. Right after it stands

    quoted = quoted_at(eta == 0.1, y == 1)

which is true at the default parameters. From there on

    quoted("0.622", value)               the value rounds to the digits that the text prints
    quoted("4", value)                   an integer or a fraction ("½", "−3/2") is meant exactly
    quoted("0.5", value, exactly=True)   a decimal that the text means exactly
    quoted("440", value, rounded=True)   an integer that the text gives as a round number

Rerun with other parameters, the same call prints what the number is now instead of failing, under
its name: the expression that computes it, or ``name`` where one is given.
"""

from __future__ import annotations

import ast
import linecache
import math
import re
import sys
import unicodedata
from collections.abc import Callable
from types import FrameType

import numpy as np

from ngdlib.validate import count, instance, real_array

EXACT = 1e-9  # relative; absolute where the text says 0


def quoted_at(*at_defaults: bool) -> Callable[..., None]:
    """A checker of quoted numbers: asserts where every condition holds, reports otherwise."""
    assert_it = all(bool(condition) for condition in at_defaults)

    def quoted(
        text: str,
        value: float,
        name: str | None = None,
        *,
        exactly: bool = False,
        rounded: bool = False,
    ) -> None:
        """``text``: the number as printed ("0.622", "10,203", "−1.5", "2e-4", "½", "−3/2");
        ``value``: a scalar. Integers and fractions are meant exactly (to a relative 1e-9, for
        what is computed in floating point) unless ``rounded``, decimals with ``exactly``.
        ``name``: what the number is called where it has changed.

        Raises AssertionError where the text is wrong at the defaults; ValueError where ``text``
        is not a number, ``value`` is not one, or the call says both ``exactly`` and ``rounded``,
        or ``rounded`` of a fraction.
        """
        number, unit, bare = _parse(text)
        if rounded and (exactly or unit == 0):
            what = "a fraction" if unit == 0 else "exactly as well"
            raise ValueError(f"rounded: expected a number with a last digit, got {what}")
        computed = _scalar(value)
        if exactly or (bare and not rounded):
            agrees = math.isclose(computed, number, rel_tol=EXACT, abs_tol=0 if number else EXACT)
            means = f"{text} exactly"
        else:
            half = unit / 2 * (1 + 1e-9)
            agrees, means = math.isclose(computed, number, rel_tol=1e-12, abs_tol=half), text
        if assert_it:
            assert agrees, f"the text says {means}, the code gives {computed!r}"
        elif not agrees:
            name = name or _expression(sys._getframe(1))
            here = f"{computed:.5g}".replace("-", "\N{MINUS SIGN}")
            if not math.isfinite(computed):
                here = "no number" if math.isnan(computed) else "infinite"
            called = f"{name} is" if name else "it is"
            print(f"The text quotes {text} for the default parameters; here {called} {here}.")

    return quoted


def short(value: float, decimals: int = 3) -> str:
    """A number as a table shows it: so many decimals, from 10^5 on in powers of ten, "—" for none.

    A legal rerun may bring 1e40, or end where there is no number.
    """
    value, decimals = _scalar(value), count("decimals", decimals)
    if not math.isfinite(value):
        return "—"
    return f"{value:.1e}" if abs(value) >= 1e5 else f"{value:.{decimals}f}"


def _scalar(value: float) -> float:
    """One number, nan and infinity among them; a truth value is none."""
    array = real_array("value", value, checked=False)
    if array.size != 1 or np.asarray(value).dtype == bool:
        what = f"shape {array.shape}" if array.size != 1 else repr(value)
        raise ValueError(f"value: expected one number, got {what}")
    return array.item()


def _expression(frame: FrameType) -> str:
    """The second argument of the call that a frame is at, as it is written; "" if unknown."""
    try:
        spans = list(frame.f_code.co_positions())
        first, last, start, end = spans[frame.f_lasti // 2]
        lines = linecache.getlines(frame.f_code.co_filename)[first - 1 : last]
        encoded = [line.encode() for line in lines]  # columns count bytes
        encoded[-1] = encoded[-1][:end]
        encoded[0] = encoded[0][start:]
        value = ast.parse(b"".join(encoded).decode(), mode="eval").body.args[1]
        return "" if isinstance(value, ast.Constant) else ast.unparse(value)
    except (IndexError, TypeError, SyntaxError, AttributeError, ValueError):
        return ""


def _parse(text: str) -> tuple[float, float, bool]:
    """The number that ``text`` prints, the unit of its last digit (0 for a fraction), and whether
    it is a bare integer or a fraction."""
    instance("text", text, str, "a number as printed, such as '0.622'")
    plain = text.strip().replace("\N{MINUS SIGN}", "-")
    fraction = re.fullmatch(r"([+-]?)(?:(\d+)/([1-9]\d*)|([¼-¾⅐-⅞]))", plain)
    if fraction is not None:
        sign, above, below, one_sign = fraction.groups()
        size = unicodedata.numeric(one_sign) if one_sign else int(above) / int(below)
        return -size if sign == "-" else size, 0.0, True
    match = re.fullmatch(
        r"([+-]?)(\d+|[1-9]\d{0,2}(?:,\d{3})+)(?:\.(\d*))?(?:[eE]([+-]?\d+))?", plain
    )
    if match is None or not math.isfinite(size := float(plain.replace(",", ""))):
        raise ValueError(f"text: expected a number as printed, such as '0.622', got {text!r}")
    decimals = len(match[3] or "")
    exponent = int(match[4] or 0)
    bare = match[3] is None and match[4] is None
    return size, float(f"1e{exponent - decimals}"), bare


def said_at(*at_defaults: bool) -> Callable[[str, bool], None]:
    """A checker of sentences that a result may overturn: ``said(sentence, true)`` asserts where
    every condition holds; elsewhere it prints the sentence if it is not true there."""
    assert_it = all(bool(condition) for condition in at_defaults)

    def said(sentence: str, true: bool) -> None:
        instance("sentence", sentence, str, "a sentence")
        instance("true", true, bool | np.bool_, "True or False")
        if assert_it:
            assert true, f"the text says: {sentence}"
        elif not true:
            print(f"The text says: {sentence} In this run it is not so.")

    return said
