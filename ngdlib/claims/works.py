"""Who wrote what, and when: the entries of references.bib as the text names them."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from pathlib import Path

from ngdlib import HOME

_ACCENTS = dict(
    zip("`'^\"~=.uvcHk", "\u0300\u0301\u0302\u0308\u0303\u0304\u0307\u0306\u030c\u0327\u030b\u0328",
        strict=True)
)  # fmt: skip
_LETTERS = {"o": "ø", "O": "Ø", "aa": "å", "AA": "Å", "l": "ł", "L": "Ł", "ss": "ß", "i": "i"}
_LETTERS |= {"ae": "æ", "AE": "Æ", "oe": "œ", "OE": "Œ", "j": "j"}


@cache
def works(home: Path = HOME) -> dict[str, tuple[str, str]]:
    """key -> (who, year) of each entry of references.bib: ("Martens and Grosse", "2015"); a year
    may be ""."""
    found = {}
    text = (home / "references.bib").read_text(encoding="utf-8")
    for key, body in re.findall(r"(?ms)^@\w+\{([^,\s]+),(.*?)\n\}", text):
        fields = dict(re.findall(r"(?m)^\s*(\w+)\s*=\s*[{\"]?(.*?)[}\"]?,?\s*$", body))
        if "author" not in fields:
            continue
        names = [family(name) for name in re.split(r"\s+and\s+", fields["author"])]
        alone = len(names) < 3 and names[-1] != "others"
        who = " and ".join(names) if alone else f"{names[0]} et al."
        found[key] = (who, fields.get("year", ""))
    return found


def family(name: str) -> str:
    """The family name in a name as BibTeX writes it: "Last, First", "First Last", "{A Group}"."""
    group = re.fullmatch(r"\{(.*)\}", name.strip())
    if group:
        return plain(group[1])
    last, comma, _ = name.partition(",")
    if comma:
        return plain(last)
    first_small = re.search(r"(?<=\s)[a-z].*", name.strip())  # "Ludwig van Beethoven"
    return plain(first_small[0] if first_small else name.split()[-1])


def plain(latex: str) -> str:
    """LaTeX's accents and letters as Unicode, without braces: {\\"u} is ü."""

    def accented(found: re.Match) -> str:
        return unicodedata.normalize("NFC", found[2] + _ACCENTS[found[1]])

    text = re.sub(r"\\(i|j)(?![A-Za-z])", r"\1", latex)
    text = re.sub(r"\\([`'^\"~=.])\s*\{?([A-Za-z])\}?", accented, text)
    text = re.sub(r"\\([uvcHk])(?:\s+|(?=\{))\{?([A-Za-z])\}?", accented, text)
    text = re.sub(r"\\([A-Za-z]+)(?:\{\}|\s)?", lambda m: _LETTERS.get(m[1], m[0]), text)
    return " ".join(re.sub(r"[{}]", "", text).split())
