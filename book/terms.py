"""Words explained where they stand: a term's meaning comes into each page that names it.

    explain(out)                # in every page below `out`, after the formulas are typeset
    python -m book.terms        # where a chapter uses a term before it marks it

An author writes {term}`nats`, or {term}`$F$ <Fisher information>` for a symbol. On the page that is
a link to the list of key terms, which holds the only copy of the meaning; its text is put at the
page's end, out of sight, as the link's description, and `static/terms.js` shows it beside the word.
The first mark of a term on a page is underlined.
"""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
from docutils import nodes
from sphinx import addnodes

from book.execute import ROOT, notebooks

LIST = ROOT / "chapters" / "key-terms.md"
_ENTRY = re.compile(r"((?:<dt id=\"term-[^\"]+\">.*?</dt>\s*)+)<dd>(.*?)</dd>", re.S)
_NAME = re.compile(r'<dt id="(term-[^"]+)">(.*?)<a class="headerlink"', re.S)
_MARK = re.compile(
    r'<a class="reference internal" href="([^"]*#(term-[^"]+))">'
    r'<span class="xref std std-term">(.*?)</span></a>',
    re.S,
)
_LINK = re.compile(r"</?a\b[^>]*>")
_ID = re.compile(r'\sid="[^"]*"')  # of the list's own citations: a copy has none


def explain(out: Path) -> None:
    """Gives the pages in `out` the meanings of the terms that they name."""
    found = list(out.rglob("key-terms.html"))
    if not found:  # a page made alone, with other parameters
        return
    meanings = read(found[0].read_text(encoding="utf-8"))
    for file in sorted(out.rglob("*.html")):
        page = file.read_text(encoding="utf-8")
        if "std-term" in page and 'class="ngd-meanings"' not in page:
            file.write_text(explained(page, meanings), encoding="utf-8")


def read(page: str) -> dict[str, tuple[str, str]]:
    """The list of key terms: id -> (the term, its meaning), both as HTML without links and ids."""
    entries = {}
    for names, meaning in _ENTRY.findall(page):
        terms = [(name, term) for name, term in _NAME.findall(names)]
        for name, _ in terms:
            entries[name] = (terms[0][1], _ID.sub("", _LINK.sub("", _MARK.sub(r"\3", meaning))))
    return entries


def explained(page: str, meanings: dict[str, tuple[str, str]]) -> str:
    """The page with each term marked, and the meanings of those that it names at its end."""
    named: dict[str, str] = {}

    def mark(match: re.Match) -> str:
        link, name, text = match.groups()
        if name not in meanings:
            return match[0]
        first = "" if name in named else " ngd-first"
        named[name] = link
        return (
            f'<a class="ngd-term{first}" href="{link}" aria-describedby="meaning-{name[5:]}">'
            f"{text}</a>"
        )

    start, article, rest = page.partition('<article class="bd-article"')
    body, end, rest = rest.partition("</article>")
    body = _MARK.sub(mark, body)
    if named:
        # without the words' own description a screen reader would read the terms' twice
        boxes = "".join(
            f'<div id="meaning-{name[5:]}"><strong>{term}</strong> {meaning}</div>'
            for name, (term, meaning) in sorted(meanings.items())
            if name in named
        )
        body += f'<div class="ngd-meanings" hidden>{boxes}</div>'
    return start + article + body + end + rest


def set_symbols(app, doctree) -> None:
    """In the text of a term, `$...$` is a formula."""
    for reference in doctree.findall(addnodes.pending_xref):
        if reference.get("reftype") == "term" and "$" in reference.astext():
            inline = reference[0]
            parts = re.split(r"\$([^$]+)\$", inline.astext())
            inline.clear()
            for n, part in enumerate(parts):
                if part:
                    inline += nodes.math(part, part) if n % 2 else nodes.Text(part)


# --- terms before their mark ----------------------------------------------------------------------


def unmarked(book: nbformat.NotebookNode, entries: list[tuple[str, ...]]) -> list[str]:
    """The terms that a chapter's prose uses before it marks them, or without: "cell: term".

    entries: the terms of the list, each with the names that stand for it.
    """
    text = []
    for cell in book.cells:
        if cell.cell_type == "markdown":
            prose = re.sub(
                r"\$[^$]*\$|^#.*$|^\([\w-]+\)=$|\]\([^)]*\)", " ", cell.source, flags=re.M
            )
            text.append((cell.id, prose))
    found = []
    for entry in entries:
        any_of = "|".join(map(re.escape, entry))
        word = re.compile(rf"(?<![\w`<-])(?:{any_of})s?(?![\w`>-])", re.I)
        role = re.compile(rf"\{{term\}}`(?:[^`<]*<)?(?:{any_of})>?`", re.I)
        for name, prose in text:
            used = word.search(re.sub(r"\{[\w:]+\}`[^`]*`", lambda m: " " * len(m[0]), prose))
            marked = role.search(prose)
            if used and not (marked and marked.start() < used.start()):
                found.append(f"{name}: {entry[0]}")
            if used or marked:
                break
    return found


def names(text: str) -> list[tuple[str, ...]]:
    """The terms of the list, each with those that stand for it."""
    glossary = text.partition("```{glossary}\n")[2].partition("\n```")[0]
    heads = re.findall(r"(?:^\S.*\n)+", glossary, flags=re.M)
    return [tuple(line.strip() for line in head.splitlines()) for head in heads]


def setup(app) -> None:
    app.connect("doctree-read", set_symbols)


if __name__ == "__main__":
    entries = names(LIST.read_text(encoding="utf-8"))
    for file in notebooks():
        for line in unmarked(nbformat.read(file, 4), entries):
            print(f"{file.name}, {line}")
