"""Two builds of one commit are the same, byte for byte, every cell run anew."""

import difflib
import hashlib
import os
import shutil
import subprocess
import sys

from book.execute import cache_folder
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
    # every cell runs anew, but what a derivation has proved need not be proved again
    proved = [cache_folder(folder).parent / "verified" for folder in (HTML.parent, build)]
    shutil.copytree(*proved)
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


def test_build_exists():
    assert (HTML / "index.html").exists(), "run `make book` first"
    assert not (ROOT / "_build" / "unfinished").exists(), "the last build was interrupted"
    assert os.path.getsize(HTML / "index.html") > 0
