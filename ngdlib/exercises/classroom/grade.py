"""Grading: each submission in a sandbox of its own, judged out here, kept as soon as it is done.

    results = grade(released, key, collected)

Of a submission only the code of its cells is used. A sandbox runs it and hands out the answers as
plain data; they are checked here as the reader's notebook would, functions also on hidden cases.
Each result is a file of its own, named for the student and marked with what it was made from: run
again, only what is missing or has changed is graded.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import multiprocessing
import os
import re
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import ngdlib
from ngdlib.exercises.classroom import key as keys
from ngdlib.exercises.classroom.collect import Collected, Submission
from ngdlib.exercises.classroom.release import Released
from ngdlib.exercises.classroom.sandbox import Dead, Failed, Session
from ngdlib.exercises.notebook.answers import Checked, check
from ngdlib.exercises.notebook.cells import variable

Result = dict[str, Any]


def grade(
    released: Released,
    key: bytes,
    collected: Collected,
    *,
    unsafe: bool = False,
    processes: int | None = None,
    tell: Callable[[int, int], None] = lambda done, of: None,
) -> list[Result]:
    """The result of every submission, in the order of the roster.

    tell: is told how many are done, and of how many. Raises RuntimeError where a sandbox does not
    start or a grading process is killed; what is done is kept.
    """
    out = released.folder / "graded"
    out.mkdir(exist_ok=True)
    mark = {s.student.id: _fingerprint(released, key, s) for s in collected.submissions}
    kept = {s: _kept(out / f"{s}.json", mark[s]) for s in mark}
    todo = [s for s in collected.submissions if kept[s.student.id] is None]
    failed: list[str] = []
    tell(len(mark) - len(todo), len(mark))
    context = multiprocessing.get_context("fork")
    _ = released.data, released.hidden  # read once, before the fork
    with ProcessPoolExecutor(
        processes or os.cpu_count(),
        mp_context=context,
        initializer=_start,
        initargs=(os.getpid(), released, key, unsafe),
    ) as pool:
        jobs = {pool.submit(_one, s): s.student.id for s in todo}
        try:
            for done, job in enumerate(as_completed(jobs), len(mark) - len(todo) + 1):
                student = jobs[job]
                try:
                    kept[student] = {**job.result(), "made from": mark[student]}
                    _write(out / f"{student}.json", kept[student])
                except RuntimeError as error:  # no sandbox, or the grading process was killed
                    failed.append(f"{student}: {error}")
                tell(done, len(mark))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    if failed:
        raise RuntimeError(
            f"{len(failed)} could not be graded ({failed[0]}); run the same command again for them"
        )
    notes = {s.student.id: s.notes for s in collected.submissions}
    return [{**kept[s], "notes": notes[s]} for s in mark]


_JOB: tuple[Released, bytes, bool]  # what a grading process works at


def _start(parent: int, *job: Any) -> None:
    """A grading process, and its sandbox with it, ends when the first process does."""
    global _JOB
    _JOB = job
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    if os.getppid() != parent:
        os._exit(1)


def _one(submission: Submission) -> Result:
    released, key, unsafe = _JOB
    return one(released, key, submission, unsafe)


def _fingerprint(released: Released, key: bytes, submission: Submission) -> str:
    parts = [submission.digest, keys.seal(key, released.chapter, submission.student.id)]
    parts += [ngdlib.__version__]
    for file in sorted(released.sets.iterdir()):
        if file.is_file():
            parts.append(hashlib.sha256(file.read_bytes()).hexdigest())
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _kept(file: Path, mark: str) -> Result | None:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if found.get("made from") == mark else None


def _write(file: Path, result: Result) -> None:
    part = file.with_suffix(".part")
    part.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    part.replace(file)


# --- one submission -------------------------------------------------------------------------------


def one(released: Released, key: bytes, submission: Submission, unsafe: bool = False) -> Result:
    """The result of one submission: {student, items, stopped, seconds}."""
    start, student = time.monotonic(), submission.student.id
    with Session(_to_run(released, key, submission), unsafe) as session:
        items = list(_items(released, key, student, session, bool(submission.cells)))
        stopped = [f"a cell was stopped: {session.errors[c]}" for c in session.lethal]
    seconds = round(time.monotonic() - start, 2)
    return {"student": student, "items": items, "stopped": stopped, "seconds": seconds}


def _to_run(released: Released, key: bytes, submission: Submission) -> list[tuple[str, str]]:
    """The cells with a student's work: those that were handed out as they are need not run."""
    book = json.loads(released.notebook(key, submission.student))
    idle = {
        "".join(cell["source"]).strip()
        for cell in book["cells"]
        if cell["cell_type"] == "code" and cell["id"] != "set-up"
    }
    cells = [(n, c) for n, c in submission.cells if c.strip() not in idle and n != "install"]
    return [(f"{k}: {name}", code) for k, (name, code) in enumerate(cells)]


def _items(
    released: Released, key: bytes, student: str, session: Session, handed_in: bool
) -> Iterator[Result]:
    """Each item's result. All answers are fetched before any function sees a hidden case."""
    chapter, seeds = released.chapter, released.seeds(key, student)
    data = released.data["items"]
    given = {i["id"]: _given(i, session) if handed_in else ("", "") for i in data}
    tried = False
    for item in data:
        name = item["id"]
        answer, trouble = given[name]
        base = {"id": name, "title": item["title"], "possible": float(item["points"])}
        if item["kind"] == "manual":
            text = answer if isinstance(answer, str) else json.dumps(answer)
            yield {**base, "kind": "manual", "earned": None, "answer": text, "says": ""}
            continue
        private = None
        if answer == "a function" and item["kind"] == "function":
            if tried:
                session.restart()  # what it has seen of another's hidden cases is gone
            tried, answer = True, _called(item, session)
        if name in released.hidden:
            private = keys.hidden(key, released.hidden[name], chapter, student, name)
        checked = check(
            f"{chapter}.{name}", answer, seed=seeds[name], folder=released.sets, private=private
        )
        yield {**base, **_said(checked, answer), "trouble": "" if checked.earned else trouble}


def _said(checked: Checked, answer: Any) -> Result:
    typed = "" if callable(answer) or not checked.answered else answer
    if not isinstance(typed, str):
        typed = json.dumps(typed, ensure_ascii=False)
    says = checked.graded(typed if len(typed) <= 400 else f"{typed[:400]} …")
    return {"kind": checked.result.kind, "earned": round(checked.earned, 4), "says": says}


def _given(item: Mapping, session: Session) -> tuple[Any, str]:
    """(the answer to an item as plain data, what went wrong in its cell)."""
    name = item["name"] if item["kind"] == "function" else variable(item)
    try:
        answer = session.ask("get", name)
    except Failed:
        answer = ""
    except Dead as error:
        return "", str(error)
    for cell, code in session.cells:
        if cell in session.errors and re.search(rf"\b{re.escape(name)}\b", code):
            return answer, f"The cell of this answer stopped with {session.errors[cell]}"
    return answer, ""


def _called(item: Mapping, session: Session) -> Callable:
    """A student's function, called in the sandbox. Once it hangs it is not called again."""
    dead: list[Exception] = []

    def function(*arguments: Any) -> Any:
        if dead:
            raise dead[0]
        given = [a.tolist() if hasattr(a, "tolist") else a for a in arguments]
        try:
            return session.ask("call", item["name"], given=given)
        except Failed as error:
            kind, words = error.args
            raise type(kind, (Exception,), {})(words) from None
        except Dead as error:
            dead.append(
                type("TimeoutError" if error.hung else "SystemExit", (Exception,), {})(error)
            )
            raise dead[0] from None

    return function
