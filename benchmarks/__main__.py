"""`make bench`: build times, page weight, demo readiness and frame times, the checker of exercises,
beside their budgets; closed forms beside geomstats; the softmax Fisher beside jax and curvlinops;
the mixture's beside scipy and jax; the basin sweep beside numpy, torch and jax; TRPO on CartPole.

    python -m benchmarks               everything below, but digits and cartpole
    python -m benchmarks build pages   only these
    python -m benchmarks digits        the runs of the chapter on K-FAC, which it writes anew
    python -m benchmarks cartpole      those of the chapter on trust regions

Build times are wall-clock seconds of `make book` on this machine, with the packages installed.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
HTML = ROOT / "_build" / "html"


class Row(NamedTuple):
    """One measured quantity and the budget it is held against (None: no budget)."""

    what: str
    value: float
    unit: str
    budget: float | None


def timed(*command: object, cwd: Path) -> float:
    started = time.monotonic()
    subprocess.run([str(part) for part in command], cwd=cwd, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - started


def build() -> Iterator[Row]:
    """A clean checkout built by `make book` in a folder of its own, then again after an edit."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "book")
        subprocess.run(["git", "clone", "-q", str(ROOT), str(copy)], check=True)
        shutil.copytree(ROOT / "_build" / "vendor", copy / "_build" / "vendor")
        # the packages are those of this environment; the library is the clone's own
        (copy / ".venv").symlink_to(ROOT / ".venv")
        for name in ("requirements.lock", "pyproject.toml"):  # what that environment is made from
            shutil.copy(ROOT / name, copy)
        os.environ["PYTHONPATH"] = str(copy)
        command = ["make", f"PYTHON={sys.executable}", "book"]
        yield Row("clean checkout to executed book", timed(*command, cwd=copy), "s", 90)
        chapter = copy / "chapters" / "bernoulli.ipynb"
        book = json.loads(chapter.read_text(encoding="utf-8"))
        cell = next(c for c in book["cells"] if c["cell_type"] == "code")
        for edit in range(1, 4):
            cell["source"].append(f"\n# edit {edit}")
            chapter.write_text(json.dumps(book), encoding="utf-8")
            yield Row(f"one chapter edited, edit {edit}", timed(*command, cwd=copy), "s", 10)
        exercises = copy / "exercises" / "bernoulli.yml"
        exercises.write_text(exercises.read_text(encoding="utf-8") + "# edited\n", "utf-8")
        yield Row("one set of exercises edited", timed(*command, cwd=copy), "s", None)
        yield Row("nothing edited", timed(*command, cwd=copy), "s", None)
        del os.environ["PYTHONPATH"]


def pages() -> Iterator[Row]:
    """What a reader downloads: each chapter's own page, and the scripts and styles all share."""
    static, mathjax = HTML / "_static", HTML / "_static" / "vendor" / "mathjax" / "tex-chtml.js"
    shared = [static / name for name in ("book.css", "book.js", "first.js", "exercises.js")]
    yield Row("scripts and styles of a chapter, gzipped", weight(*shared), "kB", None)
    yield Row("what an exercise loads when it is worked, gzipped", weight(mathjax), "kB", None)
    for page in sorted((HTML / "chapters").glob("*.html")):
        yield Row(f"page {page.stem}, gzipped", weight(page), "kB", None)


def weight(*files: Path) -> float:
    return sum(len(gzip.compress(file.read_bytes(), 9, mtime=0)) for file in files) / 1000


def demos() -> Iterator[Row]:
    """Weight, readiness after navigation, and frame times while dragging, of each demo."""
    from benchmarks.demo_frames import measure

    for row in measure(HTML):
        yield Row(*row)


def live() -> Iterator[Row]:
    """From the click on 'Run this page' to what the first cell shows."""
    from benchmarks.live import measure

    for row in measure():
        yield Row(*row)


def checker() -> Iterator[Row]:
    """Milliseconds a check, the size of the page's script, and sympy beside it."""
    from benchmarks.checker import measure

    for row in measure(HTML):
        yield Row(*row)


def geomstats() -> Iterator[Row]:
    """Closed forms beside geomstats: differences, and times as ratios in one run."""
    from benchmarks.geomstats import measure

    for row in measure():
        yield Row(*row)


def grading() -> Iterator[Row]:
    """A class's submissions, beside nbgrader and otter."""
    from benchmarks.grading import measure

    for row in measure():
        yield Row(*row)


def fisher() -> Iterator[Row]:
    """The exact Fisher matrix of softmax regression beside jax and curvlinops, in one run."""
    from benchmarks.fisher import measure

    for row in measure():
        yield Row(*row)


def mixture() -> Iterator[Row]:
    """A million Fisher matrices of two heaps beside scipy and jax, and errors against mpmath."""
    from benchmarks.mixture import measure

    for row in measure():
        yield Row(*row)


def kfac() -> Iterator[Row]:
    """One K-FAC step of 784-256-10 beside torch, curvlinops and kfac-jax, in one run."""
    from benchmarks.kfac import measure

    for row in measure():
        yield Row(*row)


def digits() -> Iterator[Row]:
    """Five optimisers on scikit-learn's digits: tunes, runs, times; writes its file."""
    from benchmarks.digits import measure

    for row in measure():
        yield Row(*row)


def cartpole() -> Iterator[Row]:
    """TRPO with a small numpy policy on gymnasium's CartPole, ten seeds; writes its file."""
    from benchmarks.cartpole import measure

    for row in measure():
        yield Row(*row)


def basins() -> Iterator[Row]:
    """The basin sweep beside plain numpy, torch and jax, in one run."""
    from benchmarks.basins import measure

    for row in measure():
        yield Row(*row)


SUITES = {
    "build": build,
    "pages": pages,
    "demos": demos,
    "live": live,
    "checker": checker,
    "geomstats": geomstats,
    "grading": grading,
    "fisher": fisher,
    "mixture": mixture,
    "kfac": kfac,
    "digits": digits,
    "cartpole": cartpole,
    "basins": basins,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "suites", nargs="*", help=f"any of {', '.join(SUITES)}; default all but digits and cartpole"
    )
    writes = ("digits", "cartpole")
    chosen = parser.parse_args().suites or [name for name in SUITES if name not in writes]
    if unknown := set(chosen) - set(SUITES):
        parser.error(f"no such suite: {', '.join(sorted(unknown))}")
    for name in chosen:
        print(f"\n{name}: {SUITES[name].__doc__.splitlines()[0]}")
        for row in SUITES[name]():
            verdict = "" if row.budget is None else f"   budget {row.budget:g}"
            if row.budget is not None and row.value > row.budget:
                verdict += "   OVER"
            print(f"  {row.what:<48} {row.value:10.1f} {row.unit:<5}{verdict}", flush=True)


if __name__ == "__main__":
    main()
