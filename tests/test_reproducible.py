"""Two builds of one commit are the same: the pages byte for byte; and what every cell shows, which
`book/execute.py --again` compares and a control here tries."""

import difflib
import hashlib
import os
import shutil
import subprocess
import sys

import nbformat
from nbformat.v4 import new_code_cell, new_notebook, new_output

from tests.conftest import ROOT

HTML = ROOT / "_build" / "html"


def fingerprints(folder) -> dict[str, str]:
    """The hash of every page, script and style that a reader loads."""
    kinds = {".html", ".js", ".css", ".svg", ".png"}
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.suffix in kinds
    }


def lines_apart(one, other) -> list[str]:
    """The first lines in which two text files differ, for the message of a failure."""
    texts = [
        f.read_text("utf-8", "replace").splitlines() if f.exists() else [] for f in (one, other)
    ]
    return [line[:300] for line in difflib.unified_diff(*texts, n=0, lineterm="")][2:8]


def test_second_build_is_identical(tmp_path):
    """A build from nothing, and one over it that makes a single page anew."""
    build = tmp_path / "_build"
    command = [sys.executable, ROOT / "book" / "build.py", "--output", tmp_path]
    first = fingerprints(HTML)
    shutil.copytree(HTML.parent / "executed", build / "executed")
    for _ in range(2):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        second = fingerprints(build / "html")
        changed = sorted(name for name in first if first[name] != second.get(name))
        assert [(name, *lines_apart(HTML / name, build / "html" / name)) for name in changed] == []
        assert set(first) == set(second)
        (build / ".doctrees" / "chapters" / "bernoulli.doctree").unlink()


def test_a_changed_byte_is_seen(tmp_path):
    """Negative control."""
    (tmp_path / "a.html").write_text("<p>1</p>")
    before = fingerprints(tmp_path)
    (tmp_path / "a.html").write_text("<p>2</p>")
    assert fingerprints(tmp_path) != before
    (tmp_path / "b.html").write_text("<p>1</p>")
    assert lines_apart(tmp_path / "a.html", tmp_path / "b.html")[-2:] == ["-<p>2</p>", "+<p>1</p>"]


def test_a_cell_that_shows_something_else_is_seen(tmp_path):
    """Negative control of `--again`: words, a figure's drawing and a table."""
    picture = {
        "image/svg+xml": "<svg><g/></svg>",
        "text/plain": "<IPython.core.display.SVG object>",
    }
    shown = {
        "print(1)": new_output("stream", text="2\n"),
        "from IPython.display import SVG\nSVG('<svg><path/></svg>')": new_output(
            "execute_result", picture
        ),
        "1": new_output("execute_result", {"text/html": "<p>1</p>", "text/plain": "1"}),
        "2": new_output("execute_result", {"text/plain": "2"}),
    }
    cells = [
        new_code_cell(code, outputs=[output], execution_count=1) for code, output in shown.items()
    ]
    nbformat.write(new_notebook(cells=cells), tmp_path / "shown.ipynb")
    command = [sys.executable, "-m", "pytest", "-q", "--nbval", tmp_path / "shown.ipynb"]
    said = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path).stdout
    assert "3 failed, 1 passed" in said, said


def test_build_exists():
    assert (HTML / "index.html").exists(), "run `make book` first"
    assert not (ROOT / "_build" / "unfinished").exists(), "the last build was interrupted"
    assert os.path.getsize(HTML / "index.html") > 0
