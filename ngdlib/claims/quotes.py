"""Every number that a text prints, against the value that a check has for it."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
import unicodedata
from collections.abc import Callable, Mapping

import numpy as np

WORDS = "one two three four five six seven eight nine ten eleven twelve".split()
_WORD = {w: float(i) for i, w in enumerate(WORDS, 1)} | {"twenty": 20.0, "hundred": 100.0}
_MULTIPLES = {"twice": 2.0, "double": 2.0, "half": 0.5, "thrice": 3.0}
NUMERAL = re.compile(
    r"(?<![\w^_])[−-]?\d+(?:,\d{3})*(?:\.\d+)?(?:/\d+)?|[−-]?[½¼¾⅓⅔⅛]|\b(?:twice|half|double|thrice)\b"
    r"|\b(?:" + "|".join(_WORD) + r") times\b"
)


def unquoted(correct: str, fact: str, quotes: Mapping[str, float | bool]) -> list[str]:
    """What is wrong with the numbers that the texts print, a sentence each.

    Each piece that ``quotes`` names stands in a text. A piece with one number is compared with the
    value: to the digits that it prints, at least to 0.5 %, and to 1e-6 where it is an integer, a
    fraction or a word and no 'about' stands before it. A piece with several is a formula, and has a
    truth value. No number stands outside such pieces.
    """
    found = []
    for piece, value in quotes.items():
        where = [text for text in (correct, fact) if piece in text]
        if not where:
            found.append(f"quotes: {piece!r} stands neither in `correct` nor in `fact`")
        elif isinstance(value, bool | np.bool_):
            if not value:
                found.append(f"quotes: the check found {piece!r} false")
        else:
            about = any(f"about {piece}" in text or piece.startswith("about ") for text in where)
            found += _compared(piece, float(value), about)
    for name, text in (("correct", correct), ("fact", fact)):
        covered = text
        for piece in sorted(quotes, key=len, reverse=True):
            covered = covered.replace(piece, "\0" * len(piece))
        for numeral in NUMERAL.finditer(covered):
            found.append(
                f"{name} prints {numeral[0]!r} and the check asserts no value for it: add it to "
                f"the Evidence, quotes={{{numeral[0]!r}: ...}}"
            )
    return found


def decreed(check: Callable) -> list[str]:
    """What a check says without having computed it, a sentence each: a quote that is True by its
    source, and a number that is a constant."""
    found = []
    for call in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(check)))):
        if not (isinstance(call, ast.Call) and getattr(call.func, "id", "") == "Evidence"):
            continue
        given = dict(zip(("passed", "numbers", "says", "quotes"), call.args, strict=False))
        given |= {keyword.arg: keyword.value for keyword in call.keywords}
        for field, (said, is_said) in _SAID.items():
            for each in ast.walk(given.get(field, ast.Pass())):
                if isinstance(each, ast.Dict):
                    found += [
                        f"{field}: {ast.unparse(key)} is {said}: compute it"
                        for key, value in zip(each.keys, each.values, strict=True)
                        if isinstance(value, ast.Constant) and is_said(value.value)
                    ]
    return found


_SAID = {
    "numbers": ("a constant", lambda value: True),
    "quotes": ("True by decree", lambda value: value is True),
}


def _compared(piece: str, value: float, about: bool) -> list[str]:
    numerals = NUMERAL.findall(piece)
    if len(numerals) != 1:
        return [f"quotes: {piece!r} prints {len(numerals)} numbers, so give it a truth value"]
    printed, unit = read(numerals[0])
    if "/" in numerals[0] and about:  # about 1/443: the 443 is rounded
        top = float(numerals[0].split("/")[0].replace("−", "-"))
        agrees = abs(top / value - top / printed) <= 0.5
    else:
        slack = 0.005 if about or unit < 1 else 1e-6
        agrees = abs(value - printed) <= min(unit / 2, slack * (abs(printed) or 1)) * (1 + 1e-9)
    return [] if agrees else [f"the text prints {piece!r}, the check has {value!r}"]


def read(numeral: str) -> tuple[float, float]:
    """The number that a numeral prints, and the unit of its last digit (1 where it is exact)."""
    word = numeral.removesuffix(" times")
    if word in _MULTIPLES or word in _WORD:
        return _MULTIPLES.get(word) or _WORD[word], 1.0
    sign, digits = (-1, numeral[1:]) if numeral[0] in "−-" else (1, numeral)
    if len(digits) == 1 and not digits.isdecimal():
        return sign * unicodedata.numeric(digits), 1.0
    top, _, bottom = digits.replace(",", "").partition("/")
    decimals = len(top.partition(".")[2])
    return sign * float(top) / float(bottom or 1), 10.0**-decimals
