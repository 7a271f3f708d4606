"""Terms: their meanings come from one list; a term used before it is marked is found."""

import nbformat
import pytest

from book.execute import notebooks
from book.terms import LIST, explained, names, read, unmarked

PAGE = """<h1>x</h1><article class="bd-article">{}</article><footer></footer>"""
LINK = (
    '<a class="reference internal" href="key-terms.html#term-{0}">'
    '<span class="xref std std-term">{1}</span></a>'
)
ENTRIES = (
    '<dl><dt id="term-nats">nats<a class="headerlink" href="#term-nats">#</a></dt>'
    '<dt id="term-nat">nat<a class="headerlink" href="#term-nat">#</a></dt>'
    '<dd><p>A <a class="x" href="#term-bit"><em>unit</em></a>.</p></dd>'
    '<dt id="term-bit">bit<a class="headerlink" href="#term-bit">#</a></dt>'
    "<dd><p>Two.</p></dd></dl>"
)


def test_meanings_are_read_from_the_list():
    meanings = read(ENTRIES)
    assert meanings["term-nat"] == meanings["term-nats"] == ("nats", "<p>A <em>unit</em>.</p>")
    assert meanings["term-bit"] == ("bit", "<p>Two.</p>")


def test_a_page_has_the_meanings_of_the_terms_that_it_names():
    words = LINK.format("nat", "nats") + LINK.format("nat", "a nat") + LINK.format("gone", "gone")
    page = explained(PAGE.format(words), read(ENTRIES))
    assert page.count('class="ngd-term ngd-first"') == 1 and page.count('class="ngd-term"') == 1
    assert page.count('href="key-terms.html#term-nat" aria-describedby="meaning-nat"') == 2
    assert page.count('<div id="meaning-') == 1 and "std-term" in page  # what the list lacks stays
    assert explained(PAGE.format("no term"), read(ENTRIES)) == PAGE.format("no term")


def chapter(*prose: str) -> nbformat.NotebookNode:
    cells = [nbformat.v4.new_markdown_cell(text, id=f"c{n}") for n, text in enumerate(prose)]
    return nbformat.v4.new_notebook(cells=cells)


def test_a_term_before_its_mark_is_listed():
    terms = [("chart", "coordinates"), ("KL divergence",)]
    assert unmarked(chapter("A {term}`chart`.", "Charts."), terms) == []
    assert unmarked(chapter("Charts.", "A {term}`chart`."), terms) == ["c0: chart"]
    assert unmarked(chapter("Some charts and a {term}`chart`."), terms) == ["c0: chart"]
    assert unmarked(chapter("A {term}`ruler <KL divergence>`."), terms) == []
    assert unmarked(chapter("Some {term}`coordinates`, a chart."), terms) == []
    assert unmarked(chapter("Coordinates, a {term}`chart`."), terms) == ["c0: chart"]
    assert unmarked(chapter("Charted. $chart$", "(chart)=\n# A chart"), terms) == []


def test_the_list_has_what_the_chapters_use():
    known = [name for entry in names(LIST.read_text(encoding="utf-8")) for name in entry]
    assert len(known) == len(set(known))
    for term in ("nats", "to leading order", "Fisher length", "dual", "log-partition", "L²"):
        assert term in known


OTHER_SENSES = {  # the word is there, but it means something else
    "coordinates": ["oblique: angle", "default-ruler: natural gradient"],
    "mixture": ["arrows-read: angle"],
    "fisher-metric": ["gram: angle", "kl-factor: natural gradient"],
    "function-space": ["projection-read: angle"],
    "ledger": ["ledger-sources: basin"],  # the title of a source
    "bernoulli": ["what-fails: Lagrange multiplier", "pitfalls: precision"],
}


@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_each_page_marks_a_term_where_it_first_uses_it(path):
    found = unmarked(nbformat.read(path, 4), names(LIST.read_text(encoding="utf-8")))
    assert sorted(found) == sorted(OTHER_SENSES.get(path.stem, []))
