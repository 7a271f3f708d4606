"""Collecting: which file is whose, and what is wrong with it. Nothing is dropped in silence.

    found = collect(Path("submissions"), released, key)

Files are looked for in the folder and in all below it, under the names that Canvas, Moodle and
nbgrader give them, or `<student>.ipynb`, or `<student>/….ipynb`. Where no name helps, the seal in
the notebook does.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from ngdlib.exercises.classroom import key as keys
from ngdlib.exercises.classroom.release import Released
from ngdlib.exercises.classroom.roster import Student, normal

LARGEST = 10_000_000  # bytes of a notebook that is opened
CELLS = 1000
# lastnamefirstname[_LATE]_<user>_<attachment>_<file>; users are numbers
CANVAS = re.compile(r"(?P<name>[^_]+)(?P<late>_LATE)?_(?P<user>\d+)_(?P<file>\d+)_.+")
MOODLE = re.compile(r"(?P<name>.+)_(?P<user>\d+)_assignsubmission_\w+")


class Submission(NamedTuple):
    """path: of the notebook, or None; digest: of its bytes; cells: [(name, code)] in their order;
    when: it was handed in; notes: what the instructor should know."""

    student: Student
    path: Path | None
    digest: str
    cells: list[tuple[str, str]]
    when: datetime | None
    notes: list[str]


class Collected(NamedTuple):
    """submissions: one for each student of the roster; strays: what belongs to nobody."""

    submissions: list[Submission]
    strays: list[str]


class _File(NamedTuple):
    path: Path
    when: datetime
    late: bool
    cells: list[tuple[str, str]]
    digest: str
    fault: str
    notes: list[str]


def collect(folder: Path, released: Released, key: bytes) -> Collected:
    """What every student of the roster handed in. Raises ValueError where there is no folder."""
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise ValueError(f"SUBMISSIONS: expected a folder, got {folder}")
    by_name, by_id = {}, {s.id: s for s in released.roster.students}
    for student in released.roster.students:
        for alias in student.aliases:
            by_name.setdefault(alias, []).append(student)
    named = {alias: s[0] for alias, s in by_name.items() if len(s) == 1}
    seals = {keys.seal(key, released.chapter, s): s for s in by_id}
    files: dict[str, list[_File]] = {s: [] for s in by_id}
    strays = []
    for path in sorted(_below(folder)):
        shown = str(path.relative_to(folder))
        if path.name == "timestamp.txt":
            continue
        if path.suffix != ".ipynb":
            strays.append(f"{shown}: not a notebook (.ipynb); not opened")
            continue
        owner, late = _owner(path.relative_to(folder), named, released.chapter)
        file, mark = _opened(path, shown, late, released.chapter)
        of = seals.get(str(mark.get("seal")))
        if owner is None and of:
            owner = by_id[of]
            file.notes.append(f"{shown}: its name is nobody's; the seal inside is of {of}")
        elif owner is None:
            strays.append(f"{shown}: whose it is cannot be told; {file.fault or 'not graded'}")
            continue
        elif of and of != owner.id:
            file.notes.append(
                f"{shown}: this is the notebook of {of}, graded with {owner.id}'s numbers"
            )
        elif not of and not file.fault:
            file.notes.append(f"{shown}: it carries no seal of this class")
        if mark.get("set", released.chapter) != released.chapter:
            file.notes.append(f"{shown}: it is a notebook of the set {str(mark['set'])[:40]}")
        files[owner.id].append(file)
    return Collected([_submission(by_id[s], files[s], released, folder) for s in by_id], strays)


def _below(folder: Path) -> list[Path]:
    """The files below a folder, and links to folders, which are not followed. What Jupyter and
    macOS put there by themselves is left out."""
    out = []
    for where, folders, names in os.walk(folder, followlinks=False):
        folders[:] = [f for f in folders if f not in (".ipynb_checkpoints", "__MACOSX")]
        links = [f for f in folders if Path(where, f).is_symlink()]
        out += [Path(where, f) for f in links + names if f not in (".DS_Store", "desktop.ini")]
    return out


def _owner(path: Path, named: dict[str, Student], chapter: str) -> tuple[Student | None, bool]:
    """(whose a file is by the names in its path, whether Canvas calls it late).

    Folders come first: the platform names them, the student the file.
    """
    for part in [*path.parts[:-1], path.stem]:
        if normal(part) == normal(chapter):
            continue
        if moodle := MOODLE.fullmatch(part):
            found = named.get(f"moodle {moodle['user']}") or named.get(normal(moodle["name"]))
            if found:
                return found, False
        if found := named.get(normal(part)):
            return found, False
    if canvas := CANVAS.fullmatch(path.stem):
        found = named.get(f"canvas {canvas['user']}") or named.get(normal(canvas["name"]))
        return found, bool(canvas["late"])
    first = path.stem.partition("_")[0]
    return named.get(normal(first)), False


def _opened(path: Path, shown: str, late: bool, chapter: str) -> tuple[_File, dict[str, Any]]:
    """A file with its cells, or with what is wrong, and the mark that the release put into it."""
    stamp = path.with_name("timestamp.txt")
    info = path.lstat()
    when = datetime.fromtimestamp(info.st_mtime)
    notes: list[str] = []
    if path.parent.name == chapter and stamp.is_file() and not stamp.is_symlink():  # nbgrader's
        try:
            with stamp.open(encoding="utf-8") as file:
                day, hour, *zone = file.read(100).split()
            when = datetime.fromisoformat(f"{day} {hour}")
            if zone:
                when = when.replace(tzinfo=ZoneInfo(zone[0])).astimezone().replace(tzinfo=None)
        except (ValueError, UnicodeDecodeError, KeyError, OSError):
            notes.append(f"{shown}: timestamp.txt cannot be read")

    def bad(fault: str) -> tuple[_File, dict[str, Any]]:
        return _File(path, when, late, [], "", fault, [*notes, f"{shown}: {fault}"]), {}

    if path.is_symlink() or not path.is_file():
        return bad("a link, or no plain file; not opened")
    if info.st_size > LARGEST:
        return bad(f"{info.st_size / 1e6:.0f} MB are too large for a notebook; not opened")
    data = path.read_bytes()
    try:
        book = json.loads(data)
        code = [c for c in book["cells"] if c.get("cell_type") == "code"]
        cells = [(str(c.get("id", k))[:60], "".join(c["source"])) for k, c in enumerate(code)]
        mark = book.get("metadata", {}).get("ngd", {})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return bad("damaged: this is no notebook")
    if len(cells) > CELLS:
        return bad(f"{len(cells)} cells are too many for a notebook")
    digest = hashlib.sha256(data).hexdigest()
    return _File(path, when, late, cells, digest, "", notes), mark if isinstance(mark, dict) else {}


def _submission(
    student: Student, files: list[_File], released: Released, folder: Path
) -> Submission:
    """The last that can be read counts; of the others it is said."""
    notes = [note for file in files for note in file.notes]
    good = sorted((f for f in files if not f.fault), key=lambda f: (f.when, str(f.path)))
    if not good:
        return Submission(student, None, "", [], None, notes or ["nothing was handed in"])
    last = good[-1]
    if len(good) > 1:
        shown = last.path.relative_to(folder)
        notes.append(f"handed in {len(good)} times: the last counts, {shown}")
    if released.due and last.when > released.due:
        late = str(last.when - released.due).partition(".")[0]
        notes.append(f"late by {late}")
    elif last.late:
        notes.append("late, as Canvas says")
    return Submission(student, last.path, last.digest, last.cells, last.when, notes)
