"""The commands of a class; the Makefile calls them.

python -m ngdlib.exercises.classroom new
python -m ngdlib.exercises.classroom release --set bernoulli --roster roster.csv
python -m ngdlib.exercises.classroom grade --submissions downloads
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from ngdlib.exercises.classroom import key as keys
from ngdlib.exercises.classroom.collect import collect
from ngdlib.exercises.classroom.export import export, manual
from ngdlib.exercises.classroom.grade import grade
from ngdlib.exercises.classroom.pages import feedback, report
from ngdlib.exercises.classroom.release import Released, release, same_for_all
from ngdlib.exercises.classroom.sandbox import UNSAFE, trouble
from ngdlib.exercises.notebook.answers import chapters
from ngdlib.exercises.sets.files import ROOT


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="classroom", description=__doc__.split("\n")[0])
    parser.add_argument(
        "--class", dest="folder", type=Path, default=Path("~/ngd-class"), help="the class's folder"
    )
    jobs = parser.add_subparsers(dest="job", required=True)
    jobs.add_parser("new", help="a folder for a class, with a new key")
    job = jobs.add_parser("release", help="write each student's notebook")
    job.add_argument("--set", default="", help="a chapter with exercises, such as bernoulli")
    job.add_argument("--roster", default="", help="a CSV file: one student a line")
    job.add_argument("--due", default="", help="when it is late, such as '2026-12-01 23:59'")
    job.add_argument("--site", default="", help="address of the published book, with its wheel")
    job = jobs.add_parser("grade", help="grade what was handed in")
    job.add_argument("--submissions", default="", help="a folder with notebooks, or a zip")
    job.add_argument("--set", default="", help="which set, where more than one was released")
    job.add_argument("--unsafe", action="store_true", help=UNSAFE)
    options = parser.parse_args(arguments)
    options.folder = options.folder.expanduser()
    try:
        return {"new": _new, "release": _release, "grade": _grade}[options.job](options)
    except (ValueError, RuntimeError) as error:
        print(f"[class] {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\n[class] stopped; the same command goes on from here", file=sys.stderr)
        return 130


def _new(options: argparse.Namespace) -> int:
    keys.create(options.folder)
    print(f"[class] {options.folder / keys.NAME} is the key: keep a copy, show it to nobody")
    return 0


def _release(options: argparse.Namespace) -> int:
    key = keys.read(options.folder)
    if not options.set:
        raise ValueError(f"SET: name one of {', '.join(chapters())}")
    if not options.roster:
        raise ValueError("ROSTER: name the table of your students: ROSTER=roster.csv")
    wheel, roster = _wheel(options.folder), Path(options.roster)
    path = ROOT / "exercises" / f"{options.set}.yml"
    out = release(options.folder, key, path, roster, options.due, options.site, wheel)
    items, students = out.data["items"], out.roster.students
    own = len(items) - len(same_for_all(out.data))
    print(f"[class] {len(students)} notebooks in {out.folder / 'notebooks'}")
    print(f"[class] {len(items)} questions; {own} of them differ from student to student")
    if not options.site:
        print(f"[class] hand out {wheel.name} with them: it is there, too")
    return 0


def _wheel(folder: Path) -> Path:
    """The wheel that the site publishes, made here."""
    from hatchling.builders.wheel import WheelBuilder  # only where the book is made

    made = WheelBuilder(str(ROOT)).build(directory=str(folder / "wheel"), versions=["standard"])
    return Path(next(made))


def _grade(options: argparse.Namespace) -> int:
    key = keys.read(options.folder)
    known = sorted(p.parent.name for p in options.folder.glob("*/release.json"))
    if not options.set and len(known) != 1:
        raise ValueError(f"SET: name one of {', '.join(known) or '(none was released)'}")
    if not options.submissions:
        raise ValueError("SUBMISSIONS: name the folder or the zip: SUBMISSIONS=submissions.zip")
    released = Released(options.folder, options.set or known[0])
    if options.unsafe:
        print(f"[class] {UNSAFE}", file=sys.stderr)
    elif why := trouble():
        raise RuntimeError(
            f"{why}. Nothing was graded: students' code is run in a sandbox only. "
            f"UNSAFE=yes grades without; {UNSAFE}"
        )
    start = time.monotonic()
    found = collect(Path(options.submissions), released, key)
    results = grade(released, key, found, unsafe=options.unsafe, tell=Bar())
    results = manual(released, results)
    when = {s.student.id: s.when for s in found.submissions}
    export(released, results, when)
    feedback(released, key, results)
    print(report(released, results, found.strays))
    took = time.monotonic() - start
    print(f"[class] {took:.0f} s; grades, feedback and report.html in {released.folder}")
    return 0


class Bar:
    """How far it is: a bar that grows in a terminal, else a line now and then."""

    def __init__(self) -> None:
        self.start, self.first = time.monotonic(), None

    def __call__(self, done: int, of: int) -> None:
        self.first = done if self.first is None else self.first
        now = done - self.first
        left = (time.monotonic() - self.start) / now * (of - done) if now else 0
        text = f"{done} of {of} graded" + (f", {left:.0f} s left" if now and left else "")
        if sys.stderr.isatty():
            full = 30 * done // of
            bar = "█" * full + "░" * (30 - full)
            end = "\n" if done == of else ""
            print(f"\r{bar} {text}\033[K", end=end, file=sys.stderr, flush=True)
        elif now == 0 or done == of or done % 10 == 0:
            print(f"[class] {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code) if code == 130 else sys.exit(code)
