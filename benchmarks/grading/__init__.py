"""Seconds to grade one submission, beside nbgrader 0.9.6 and otter-grader 7.0.0 in the same run.

Ours grades the eight questions of a chapter, in a sandbox; the others only the one function among
them, each in a kernel, with its tests in the notebook (nbgrader) or beside it (otter). They have
their own lock and environment, made here on first use.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat

from ngdlib.exercises.classroom import key as keys
from ngdlib.exercises.classroom.collect import collect
from ngdlib.exercises.classroom.export import NBGRADER
from ngdlib.exercises.classroom.grade import grade
from ngdlib.exercises.classroom.pages import total
from ngdlib.exercises.classroom.release import release
from ngdlib.exercises.sets.files import ROOT
from tests.classroom import people

HERE = Path(__file__).resolve().parent
ENVIRONMENT = ROOT / "_build" / "grading-venv"
STUDENTS = 20
TEST = "assert np.allclose(landings(0.2, 1, 0.1), [0.28, 0.29187513, 0.28544776])"
Row = tuple[str, float, str, float | None]


def measure() -> Iterator[Row]:
    """Rows (what, value, unit, budget)."""
    bin = _environment()
    with tempfile.TemporaryDirectory() as folder:
        ours = _ours(Path(folder, "ours"))
        nbgrader = _nbgrader(Path(folder, "nbgrader"), bin)
        otter = _otter(Path(folder, "otter"), bin)
    yield "grading a submission", ours, "s", 0.5
    yield "nbgrader: ours / theirs", ours / nbgrader, "", 0.1
    yield "otter: ours / theirs", ours / otter, "", 0.1


def _environment() -> Path:
    """The programs of the peers' environment, made from its lock where there is none yet."""
    if not (ENVIRONMENT / "bin" / "otter").exists():
        uv = [sys.executable, "-m", "uv"]
        subprocess.run([*uv, "venv", "-q", "--python", sys.executable, ENVIRONMENT], check=True)
        lock = ["--require-hashes", "-r", HERE / "requirements.lock"]
        python = ["--python", ENVIRONMENT / "bin" / "python"]
        subprocess.run([*uv, "pip", "install", "-q", *python, *lock], check=True)
    return ENVIRONMENT / "bin"


def _ours(folder: Path) -> float:
    key, inbox = keys.create(folder), folder / "inbox"
    students = people.roster(folder / "roster.csv", STUDENTS)
    book = ROOT / "exercises" / "bernoulli.yml"
    released = release(folder, key, book, folder / "roster.csv", site="https://example.org")
    for student in students:
        people.save(people.filled(released, key, student), inbox, student)
    start = time.perf_counter()
    results = grade(released, key, collect(inbox, released, key))
    seconds = (time.perf_counter() - start) / STUDENTS
    assert all(total(r)[0] == 17 for r in results), "all answers were right"
    return seconds


def _nbgrader(folder: Path, bin: Path) -> float:
    def marked(name: str, code: str, **more: object) -> nbformat.NotebookNode:
        cell = nbformat.v4.new_code_cell(code)
        mark = {"grade_id": name, "schema_version": 3, "locked": False, "task": False}
        cell.metadata["nbgrader"] = {**mark, "grade": False, "solution": False, **more}
        return cell

    answer = marked("answer", "### BEGIN SOLUTION\n### END SOLUTION", solution=True)
    test = marked("test", f"import numpy as np\n{TEST}", grade=True, points=3, locked=True)
    source = folder / "source" / "ps1" / "ps1.ipynb"
    source.parent.mkdir(parents=True)
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    nbformat.write(nbformat.v4.new_notebook(cells=[answer, test], metadata=kernel), source)
    answer.source = f"import numpy as np\n{people.LANDINGS}"
    handed_in = nbformat.v4.new_notebook(cells=[answer, test], metadata=kernel)
    (folder / "nbgrader_config.py").write_text(
        "c = get_config()\nc.CourseDirectory.course_id = 'x'"
    )
    _run(folder, bin / "nbgrader", "generate_assignment", "ps1")
    for k in range(STUDENTS):
        file = folder / "submitted" / f"s{k}" / "ps1" / "ps1.ipynb"
        file.parent.mkdir(parents=True)
        nbformat.write(handed_in, file)
    start = time.perf_counter()
    _run(folder, bin / "nbgrader", "autograde", "ps1")
    seconds = (time.perf_counter() - start) / STUDENTS
    _run(folder, bin / "nbgrader", "export")
    head, *lines = (folder / "grades.csv").read_text().splitlines()
    assert head.split(",") == NBGRADER, f"ours has other columns: {head}"
    assert [line.split(",")[-2] for line in lines] == ["3.0"] * STUDENTS, lines
    return seconds


def _otter(folder: Path, bin: Path) -> float:
    (folder / "tests").mkdir(parents=True)
    case = {"code": f">>> import numpy as np\n>>> {TEST}", "hidden": False, "locked": False}
    suite = {"cases": [case], "scored": True, "setup": "", "teardown": "", "type": "doctest"}
    test = {"name": "q6", "points": 3, "suites": [suite]}
    (folder / "tests" / "q6.py").write_text(f"OK_FORMAT = True\ntest = {test!r}\n")
    _run(folder, bin / "otter", "generate", "-t", "tests", "--no-environment")
    cells = [nbformat.v4.new_code_cell(f"import numpy as np\n{people.LANDINGS}")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / "s.ipynb")
    out, times = folder / "out", []
    out.mkdir()
    for _ in range(3):  # the first one compiles what it imports
        start = time.perf_counter()
        _run(folder, bin / "otter", "run", "-a", "autograder.zip", "-o", out, "s.ipynb")
        times.append(time.perf_counter() - start)
    seconds = min(times)
    found = json.loads(next(out.glob("results.json")).read_text())
    assert found["tests"] and sum(t.get("score", 0) for t in found["tests"]) == 3, found
    return seconds


def _run(folder: Path, *command: object) -> None:
    path = f"{ENVIRONMENT / 'bin'}{os.pathsep}{os.environ['PATH']}"
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    run = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env={**kept, "PATH": path, "JUPYTER_PREFER_ENV_PATH": "1"},
        capture_output=True,
        text=True,
    )
    if run.returncode:
        raise RuntimeError(f"{command[0]}: {run.stderr[-2000:]}")
