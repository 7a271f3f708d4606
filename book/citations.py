"""Citations that read everywhere: on a page of the book, in JupyterLab, in a bare text editor.

A notebook cites by a link whose words say who and when, and whose address is a key of
`references.bib`:

    [Amari (1998)](#amari1998) shows that ...          as a part of the sentence
    ... ([Rao, 1945](#rao1945); [Jeffreys, 1946](#jeffreys1946)).           in brackets

JupyterLab shows the words as they stand. On the page they become the roles {cite:t} and {cite:p},
which number the sources and lead to the bibliography.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ngdlib.claims.works import works

ROOT = Path(__file__).resolve().parent.parent
LINK = r"\[[^\]\[]+\]\(#[\w-]+\)"
CITED = re.compile(rf"(?P<bracketed>\({LINK}(?:; {LINK})*\))|{LINK}")


def link(key: str, bracketed: bool, root: Path = ROOT) -> str:
    """How a notebook cites one work. KeyError for a key that references.bib lacks."""
    who, year = works(root)[key]
    words = who if not year else f"{who}, {year}" if bracketed else f"{who} ({year})"
    return f"[{words}](#{key})"


def faults(text: str, root: Path = ROOT) -> Iterator[tuple[int, str]]:
    """(line from 0, what is wrong) of each citation that says other words than its work's, or that
    JupyterLab could not show."""
    for found in re.finditer(rf"(?P<role>{{cite[:\w]*}}`[^`]*`)|{CITED.pattern}", text):
        line = text.count("\n", 0, found.start())
        if found["role"]:
            yield line, f"{found['role']} is a bare key in JupyterLab: see book/citations.py"
            continue
        for words in re.findall(LINK, found[0]):
            key = re.search(r"#([\w-]+)\)$", words)[1]
            if key not in works(root):
                yield line, f"{words}: references.bib has no {key}"
            elif words != (right := link(key, bool(found["bracketed"]), root)):
                yield line, f"{words}: expected {right}"


def to_roles(text: str) -> str:
    """A text with its citations as the roles that the page numbers."""

    def role(found: re.Match) -> str:
        keys = ",".join(re.findall(r"\(#([\w-]+)\)", found[0]))
        return f"{{cite:{'p' if found['bracketed'] else 't'}}}`{keys}`"

    return CITED.sub(role, text)


def read(app, docname: str, source: list[str]) -> None:
    source[0] = to_roles(source[0])


def setup(app) -> None:
    app.connect("source-read", read)
