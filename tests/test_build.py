"""The machinery around the pages: the cache key, reruns, quoted numbers, figures, references."""

import re
import subprocess
import sys

import nbformat
import pytest

from book import execute, rerun
from ngdlib.plots import figure
from ngdlib.prose import quoted_at
from tests.conftest import ROOT


def chapter(source: str) -> nbformat.NotebookNode:
    cell = nbformat.v4.new_code_cell(source, metadata={"tags": ["parameters"]})
    return nbformat.v4.new_notebook(cells=[cell])


CELL = """
eta = 0.5  # step size, in (0, 10]
y = 1  # the toss, one of {0, 1}
n = 3  # steps, in [1, 9]
"""
KNOWN = rerun.parameters(chapter(CELL))


def test_parameters_are_read():
    assert {n: (p.default, p.allowed) for n, p in KNOWN.items()} == {
        "eta": (0.5, "in (0, 10]"),
        "y": (1, "one of {0, 1}"),
        "n": (3, "in [1, 9]"),
    }
    assert rerun.read_arguments(["eta=2", "y=0", "n=9"], KNOWN) == {"eta": 2.0, "y": 0, "n": 9}


@pytest.mark.parametrize(
    ("argument", "complaint"),
    [
        ("eta=0", r"eta: expected float in \(0, 10\], got 0.0"),
        ("eta=nan", "eta: expected float"),
        ("eta=__import__('os')", "eta: expected float"),
        ("y=2", "y: expected int one of"),
        ("y=0.5", "y: expected int"),
        ("n=10", "n: expected int in"),
        ("lr=1", "no parameter 'lr'"),
        ("eta", "expected name=value"),
    ],
)
def test_bad_parameters_are_refused(argument, complaint):
    with pytest.raises(ValueError, match=complaint):
        rerun.read_arguments([argument], KNOWN)


def test_rerun_lists_what_there_is():
    """The command names the chapters, and the parameters of a chapter, when asked for another."""
    script = str(ROOT / "book" / "rerun.py")
    for arguments, wanted in ((["nothing"], "bernoulli"), (["bernoulli", "nope=1"], "in [")):
        answer = subprocess.run(
            [sys.executable, script, *arguments], capture_output=True, text=True
        )
        assert answer.returncode != 0
        assert wanted in answer.stderr


def test_rerun_writes_a_page(tmp_path):
    """A chapter runs with every parameter changed, and its page says so without another host."""
    book = nbformat.read(ROOT / "chapters" / "bernoulli.ipynb", as_version=4)
    values = {}
    for p in rerun.parameters(book).values():
        candidates = [0, 1, 2, 3, 5] if type(p.default) is int else [0.3, 0.7, 1.5, -0.5]
        values[p.name] = next(v for v in candidates if v != p.default and p.holds(v))
    arguments = [f"{name}={value}" for name, value in values.items()]
    script = str(ROOT / "book" / "rerun.py")
    subprocess.run(
        [sys.executable, script, "bernoulli", *arguments, "--output", str(tmp_path)], check=True
    )
    assert len(list(tmp_path.glob("bernoulli*.ipynb"))) == 1
    page = next(tmp_path.glob("*/bernoulli.html")).read_text(encoding="utf-8")
    assert 'data-rerun="changed"' in page
    assert "The text quotes" in page  # some number of the prose is another one here
    assert not re.search(r'(?:src|href)="https?://[^"]+\.(?:js|css)', page)


def test_cache_key_follows_the_library(tmp_path, monkeypatch):
    """Another byte in the library is another cache; the same bytes are the same one."""
    for name in ("ngdlib", "chapters/checks", "exercises"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "requirements.lock").write_text("numpy==2")
    (tmp_path / "ngdlib" / "a.py").write_text("x = 1")
    monkeypatch.setattr(execute, "ROOT", tmp_path)
    first = execute.cache_folder(tmp_path)
    assert execute.cache_folder(tmp_path) == first
    (tmp_path / "ngdlib" / "a.py").write_text("x = 2")
    assert execute.cache_folder(tmp_path) != first


def test_failing_cell_fails_the_run(tmp_path):
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 / 0")])
    nbformat.write(book, tmp_path / "bad.ipynb")
    assert execute.run_notebook(tmp_path / "bad.ipynb").err is not None
    book.cells[0].source = "1 / 1"
    nbformat.write(book, tmp_path / "good.ipynb")
    assert execute.run_notebook(tmp_path / "good.ipynb").err is None


@pytest.mark.parametrize(
    ("text", "value", "agrees"),
    [
        ("0.622", 0.62245933, True),
        ("0.622", 0.6226, False),
        ("10,203", 10203.04, True),
        ("−1.5", -1.5000001, True),
        ("−1.5", 1.5, False),
        ("2.0e-4", 2.0003e-4, True),
        ("2.0e-4", 2.1e-4, False),
        ("16", 16.2, True),
    ],
)
def test_quoted_numbers(text, value, agrees, capsys):
    if agrees:
        quoted_at(True)(text, value)
    else:
        with pytest.raises(AssertionError, match="the text says"):
            quoted_at(True)(text, value)
    quoted_at(True, False)(text, value)  # away from the defaults nothing fails, a line is printed
    assert bool(capsys.readouterr().out) is not agrees


def test_quoted_refuses_what_is_no_number():
    with pytest.raises(ValueError, match="text"):
        quoted_at(True)("about six", 6.0)
    with pytest.raises(ValueError, match="value"):
        quoted_at(True)("6", [6.0, 6.0])


def draw(capsys_display: list, name: str = "a-figure", caption: str = "Look at $q$.") -> str:
    with figure(name, caption=caption, alt="A line <from> 0 to 1") as (_, ax):
        ax.plot([0, 1], [0, 1])
    return capsys_display[-1]._repr_html_()


def test_figures_are_the_same_bytes_and_described(monkeypatch):
    shown = []
    monkeypatch.setattr("ngdlib.plots.display", shown.append)
    first, second = draw(shown), draw(shown)
    assert first == second
    assert first != draw(shown, name="another")
    assert 'role="img" aria-label="A line &lt;from&gt; 0 to 1"' in first
    assert r"\(q\)" in first
    assert "<text" in first and "currentColor" in first
    with pytest.raises(ValueError, match="caption"):
        draw(shown, caption=" ")
    with pytest.raises(ValueError, match="name"):
        draw(shown, name="a figure")


def citation_faults(keys: set[str], texts: dict[str, str]) -> list[str]:
    found = []
    for where, text in texts.items():
        for group in re.findall(r"\{cite(?::\w+)?\}`([^`]+)`", text):
            unknown = {key.strip() for key in group.split(",")} - keys
            found += [f"{where} cites {key}, which references.bib lacks" for key in sorted(unknown)]
    return found


def test_citations_resolve():
    keys = set(re.findall(r"^@\w+\{([^,]+),", (ROOT / "references.bib").read_text("utf-8"), re.M))
    texts = {
        str(file.relative_to(ROOT)): file.read_text("utf-8")
        for file in (ROOT / "chapters").iterdir()
        if file.suffix in (".ipynb", ".md")
    }
    assert citation_faults(keys, texts) == []
    assert citation_faults(keys, {"x.md": "{cite:p}`nobody1900`"})  # negative control
