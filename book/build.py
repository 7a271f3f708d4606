"""Build the book: execute what changed, then make the pages with warnings as errors.

The tools that make the pages take seconds to load: they do so while the notebooks run.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=ROOT, help="where `_build` goes")
    options = parser.parse_args()
    if os.environ.get("PYTHONHASHSEED") != "0":  # the order of sets shows in some outputs
        os.execve(
            sys.executable, [sys.executable, *sys.argv], {**os.environ, "PYTHONHASHSEED": "0"}
        )
    started = time.monotonic()
    build = options.output.resolve() / "_build"
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.path.append(str(ROOT))  # where `book.pages` is
    bootstrap, authors = (importlib.import_module(f"book.{n}") for n in ("bootstrap", "authors"))
    with bootstrap.alone(build / "lock"):
        if faults := authors.faults():
            sys.exit("\n".join(["[book] not built:", *faults]))
        make(build, started)


def make(build: Path, started: float) -> None:
    execute = [sys.executable, ROOT / "book" / "execute.py", "--build", build]
    executing = subprocess.Popen(execute)
    gc.disable()  # it runs once and briefly
    try:
        jupyter_book = load()
        if executing.wait():
            sys.exit("[book] not built: a notebook failed")
    finally:  # also where this process is told to end
        executing.terminate()
    print("[book] making the pages", flush=True)
    unfinished = build / "unfinished"
    if unfinished.exists():  # an earlier build was interrupted: trust nothing of it
        for folder in ("html", ".doctrees"):
            shutil.rmtree(build / folder, ignore_errors=True)
    unfinished.touch()
    pages = ["build", str(ROOT), "--path-output", str(build.parent)]
    try:
        with redirect_stdout(None):  # what it says of itself; warnings and errors stay
            jupyter_book([*pages, "-W", "--keep-going", "-n", "-q"], standalone_mode=False)
    except Exception as error:
        sys.exit(f"[book] not built: {error}")
    unfinished.unlink()
    print(f"[book] ready in {time.monotonic() - started:.0f} s: {build / 'html' / 'index.html'}")
    sys.stdout.flush()
    os._exit(0)  # all is written; Python would take half a second to free its memory


LATER = """sphinx.application sphinx.builders.epub3 sphinx.builders.html sphinx.builders.latex
    sphinx.domains.c sphinx.domains.cpp sphinx.domains.std sphinx.ext.doctest myst_nb.sphinx_ext
    myst_nb.ext.download sphinx_book_theme sphinx_copybutton sphinx_design.extension
    sphinx_jupyterbook_latex.events sphinx_togglebutton sphinx_thebe sphinx_external_toc.events
    sphinxcontrib.bibtex.style.referencing.basic_foot pybtex.style.formatting.unsrt latexcodec
    jinja2.ext sqlalchemy.dialects.sqlite jupyter_book.sphinx book.pages hatchling.builders.wheel"""


def load() -> Callable:
    """Jupyter Book's command, with what it and its extensions would import later."""
    for name in LATER.split():
        importlib.import_module(name)
    return importlib.import_module("jupyter_book.cli.main").main


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("\n[book] stopped; what has run is kept")
