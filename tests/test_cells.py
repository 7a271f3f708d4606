"""The form of a chapter's cells: what is refused, and what a mark says that was checked."""

import nbformat
import pytest

from book.cells import LINES, WIDTH, check, counted, faults, label
from book.execute import notebooks


def chapter(*cells: tuple[str, str]) -> nbformat.NotebookNode:
    """A hook and prose, then cells given as (tag or "", source)."""
    v4 = nbformat.v4
    made = [v4.new_code_cell("demo()", id="hook", metadata={"tags": ["remove-input"]})]
    made.append(v4.new_markdown_cell("Prose.", id="prose"))
    for n, (tag, source) in enumerate(cells):
        made.append(v4.new_code_cell(source, id=f"c{n}", metadata={"tags": [tag] if tag else []}))
    return v4.new_notebook(cells=made)


def test_the_chapters_have_the_form():
    check(notebooks())


@pytest.mark.parametrize(
    ("tag", "source", "complaint"),
    [
        ("", "\n\n".join(["x = 1"] * LINES), None),
        ("", "\n\n".join(["x = 1"] * (LINES + 1)), "line 25: open code of 13 lines"),
        ("", "x = " + "1" * (WIDTH - 4), None),
        ("", "y = 1\nx = " + "1" * (WIDTH - 3), "line 2: open code 77 characters wide"),
        ("parameters", "x = " + "1" * (WIDTH - 3), "line 1: open code 77 characters wide"),
        ("", "x = 1\nassert x == 1", "line 2: proof-reading in open code"),
        ("", "for x in 1, 2:\n    quoted('1', x)", "line 2: proof-reading"),
        ("", "stated('1', x)", "line 1: proof-reading"),
        ("", "quoted = quoted_at(True)", "line 1: proof-reading"),
        ("hide-input", "quoted = quoted_at(True)\n" + "x" * 200, None),
        ("checks", "\n".join(["assert True"] * 50), None),
        ("checks", "x = 1", "line 1: a cell tagged `checks` that checks nothing"),
        ("checks", "assert x\nwith figure('a'):\n    pass", "line 2: a cell tagged `checks` draws"),
    ],
)
def test_faults_are_named_with_cell_and_line(tag, source, complaint):
    found = faults(chapter((tag, source)), "a.ipynb")
    if complaint is None:
        assert found == []
    else:
        assert len(found) == 1 and found[0].startswith(f"a.ipynb, cell c0, {complaint}")


def test_prose_follows_the_hook():
    book = chapter(("hide-input", "import numpy"))
    del book.cells[1]
    assert faults(book, "a.ipynb") == [
        "a.ipynb, cell c0, line 1: prose must follow the opening hook"
    ]


@pytest.mark.parametrize(
    ("source", "numbers", "statements"),
    [
        ("quoted('1', x)\nassert x\nstated('2', y)", 2, 1),
        ("for t, x in (('1', 1), ('2', 2)):\n    quoted(t, x)\n    assert x", 2, 2),
        ("for x, t in zip(xs, ('1', '2', '3'), strict=True):\n    quoted(t, x)", 3, 0),
        ("for x in xs:\n    for t in '1', '2':\n        quoted(t, x)", 2, 0),
        ("def f():\n    return requoted('1', 1)", 0, 0),
    ],
)
def test_what_a_cell_checks_is_counted(source, numbers, statements):
    assert counted(source) == (numbers, statements)


def test_a_mark_says_what_was_checked():
    assert label(["quoted('1', 1)"], "") == "✓ 1 number checked"
    assert (
        label(["assert x", "quoted('1', 1)\nassert y"], "") == "✓ 1 number and 2 statements checked"
    )
    rerun = label(["quoted('1', 1)\nquoted('2', 2)"], "The text quotes 1 for the default …")
    assert rerun == "checked: 1 number with another result than in the text"
    loop = "for text, rule in rules:\n    quoted(text, rule)"  # one call, as many numbers as rules
    rerun = label([loop], "The text quotes 1 …\nThe text quotes 2 …\nIn this run it is not so.")
    numbers, statements = (
        "2 numbers with another result than in the text",
        "1 statement not true here",
    )
    assert rerun == f"checked: {numbers} and {statements}"
