"""What an author slips on is found before anything runs, with file and line."""

import json
import re

import nbformat
import pytest

from book import authors, citations
from tests.conftest import ROOT

FILES = sorted((ROOT / "chapters").glob("*.ipynb"))


@pytest.fixture
def house(tmp_path):
    v4 = nbformat.v4
    (tmp_path / "chapters").mkdir()
    (tmp_path / "exercises").mkdir()
    cells = [
        v4.new_markdown_cell("# Title\n\nA price of \\$5, $x$ and `$`.\n\n$$x\n= y$$", id="a"),
        v4.new_code_cell("s = '$'", id="b"),
        v4.new_markdown_cell("Fine.\n\nA formula $x^2 and\nmore.", id="c"),
    ]
    book = json.dumps(v4.new_notebook(cells=cells), indent=1, ensure_ascii=False)
    lines = json.loads(book)
    for cell in lines["cells"]:
        cell["source"] = cell["source"].splitlines(keepends=True)
    (tmp_path / "chapters" / "one.ipynb").write_text(json.dumps(lines, indent=1))
    (tmp_path / "exercises" / "one.yml").write_text("items:\n  - prompt: What is $q$?\n")
    return tmp_path


def line_of(file, text: str) -> int:
    return next(k for k, s in enumerate(file.read_text().splitlines(), 1) if text in s)


def test_a_dollar_without_partner_is_found(house):
    file = house / "chapters" / "one.ipynb"
    where = f"chapters/one.ipynb:{line_of(file, 'A formula $x')}: a `$` without"
    (found,) = authors.faults(house)
    assert found.startswith(where)
    (house / "exercises" / "one.yml").write_text("items:\n\n  - prompt: What is $q?\n")
    assert authors.faults(house)[1].startswith("exercises/one.yml:3: a `$`")
    text = file.read_text().replace("$x^2 and", "$x^2$ and")
    file.write_text(text)
    (house / "exercises" / "one.yml").unlink()
    assert authors.faults(house) == []


def test_broken_json_is_named(house):
    file = house / "chapters" / "one.ipynb"
    lines = file.read_text().splitlines()
    lines[4] += " oops"
    file.write_text("\n".join(lines))
    (found,) = [f for f in authors.faults(house) if "not a notebook" in f]
    assert found.startswith("chapters/one.ipynb:5: not a notebook: ")


def test_a_formula_is_found_in_its_source(house):
    file = house / "chapters" / "one.ipynb"
    file.write_text(file.read_text().replace("$x^2 and", r"$\\foo x$ and"))
    assert authors.places(r"\foo  x", house) == [
        f"chapters/one.ipynb:{line_of(file, 'foo x')}",
    ]


def test_the_book_has_no_such_slip():
    assert authors.faults() == []


def test_what_the_page_folds_is_folded_in_jupyterlab(house):
    v4 = nbformat.v4
    file = house / "chapters" / "two.ipynb"
    cells = [
        v4.new_code_cell("1", id=tag, metadata={"tags": [tag]})
        for tag in ("hide-input", "checks", "remove-input", "parameters")
    ]
    nbformat.write(v4.new_notebook(cells=cells), file)
    assert authors.fold(file) and not authors.fold(file)
    cells = nbformat.read(file, 4).cells
    folded = [cell.metadata.get("jupyter", {}).get("source_hidden", False) for cell in cells]
    assert folded == [True, True, True, False]
    cells[0].metadata.tags = []
    nbformat.write(v4.new_notebook(cells=cells), file)
    assert authors.fold(file)
    assert "jupyter" not in nbformat.read(file, 4).cells[0].metadata


def test_citations_say_who_and_when():
    def slips(text: str) -> list[str]:
        return [what for _, what in citations.faults(text)]

    right = "[Amari (1998)](#amari1998) and more ([Moré, 1978](#more1978); [Rao, 1945](#rao1945))"
    assert slips(right) == []
    assert slips("See [below](#a-heading)") == [
        "[below](#a-heading): references.bib has no a-heading"
    ]
    (bare,) = slips("by {cite:t}`amari1998`")
    assert "a bare key in JupyterLab" in bare
    wrong = ("[Amari (1999)](#amari1998)", "[Amari, 1998](#amari1998)", "([Rao (1945)](#rao1945))")
    for text in wrong:
        assert "expected [" in slips(f"Fine.\n\n{text}")[0]
        assert [line for line, _ in citations.faults(f"Fine.\n\n{text}")] == [2]


def test_the_page_numbers_what_a_notebook_cites():
    text = "[Amari (1998)](#amari1998) ([Moré, 1978](#more1978); [Rao, 1945](#rao1945)) [a](b.md)"
    roles = "{cite:t}`amari1998` {cite:p}`more1978,rao1945` [a](b.md)"
    assert citations.to_roles(text) == roles


def beside(text: str) -> list[str]:
    """Words that place one panel of a figure beside another: on a phone it stands above or below.
    ("Left:" and "(left)" in a caption are written for both.)"""
    panel = r"(?:panel|map|drawing|picture|plot|diagram|figure)s?"
    return re.findall(rf"\b(?:left|right)(?:-hand|most)? {panel}\b", text, flags=re.I)


def test_no_sentence_points_at_a_panel_by_its_side():
    found = [
        (file.name, words)
        for file in FILES
        for cell in nbformat.read(file, 4).cells
        for words in beside(re.sub(r'"\s*\n\s*"', "", cell.source))
    ]
    assert found == []
    assert beside("What the left map lacks, the right-hand panel has.") == [
        "left map",
        "right-hand panel",
    ]
