"""Collecting: which file is whose, and what is wrong with it. Nothing is dropped in silence.

    found = collect(Path("submissions"), released, key)

Files are looked for in the folder and in all below it, or in the zip that a platform lets download,
under the names that Canvas, Moodle and nbgrader give them, or `<student>.ipynb`, or
`<student>/….ipynb`. Where no name helps, the seal in the notebook does. A zip that a student handed
in is looked into as well. Nothing is unpacked to the disk.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from datetime import datetime
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import IO, Any, NamedTuple
from zoneinfo import ZoneInfo

from ngdlib.exercises.classroom import key as keys
from ngdlib.exercises.classroom.release import Released
from ngdlib.exercises.classroom.roster import Student, normal

LARGEST = 10_000_000  # bytes of a notebook that is opened
CELLS = 1000
FILES, BYTES = (20_000, 200), (2 * 10**9, 5 * 10**7)  # read of a zip, and of a zip in it
IDLE = (".DS_Store", "desktop.ini")  # what macOS, Windows and Jupyter put there by themselves
IDLE_FOLDERS = (".ipynb_checkpoints", "__MACOSX")
STAMP = "timestamp.txt"  # nbgrader's
LINK = "a link, or no plain file; not opened"
NO_NOTEBOOK = "not a notebook (.ipynb); not opened"
# lastnamefirstname[_LATE]_<user>_<attachment>_<file>; users are numbers
CANVAS = re.compile(r"(?P<name>[^_]+)(?P<late>_LATE)?_(?P<user>\d+)_(?P<file>\d+)_.+", flags=re.S)
MOODLE = re.compile(r"(?P<name>.+)_(?P<user>\d+)_assignsubmission_.*", flags=re.S)


class Submission(NamedTuple):
    """path: of the notebook below the folder or in the zip, or None; digest: of its bytes; cells:
    [(name, code)] in their order; when: it was handed in; notes: what the instructor should
    know."""

    student: Student
    path: PurePosixPath | None
    digest: str
    cells: list[tuple[str, str]]
    when: datetime | None
    notes: list[str]


class Collected(NamedTuple):
    """submissions: one for each student of the roster; strays: what belongs to nobody."""

    submissions: list[Submission]
    strays: list[str]


class _Entry(NamedTuple):
    """A file as it was found: its path, the zips on the way as folders; the time it carries; its
    bytes, or why there are none."""

    path: PurePosixPath
    when: datetime
    data: bytes
    fault: str


class _File(NamedTuple):
    path: PurePosixPath
    when: datetime
    late: bool | None  # as Canvas says, whose files carry the time of the download; else None
    cells: list[tuple[str, str]]
    digest: str
    fault: str
    notes: list[str]


def collect(where: Path, released: Released, key: bytes) -> Collected:
    """What every student of the roster handed in. where: a folder, or a zip. Raises ValueError
    where it is neither."""
    where = Path(where).expanduser()
    if not where.is_dir() and not zipfile.is_zipfile(where):
        raise ValueError(f"SUBMISSIONS: expected a folder or a zip, got {where}")
    by_name, by_id = {}, {s.id: s for s in released.roster.students}
    for student in released.roster.students:
        for alias in student.aliases:
            by_name.setdefault(alias, []).append(student)
    named = {alias: s[0] for alias, s in by_name.items() if len(s) == 1}
    seals = {keys.seal(key, released.chapter, s): s for s in by_id}
    files: dict[str, list[_File]] = {s: [] for s in by_id}
    strays, stamps = [], {}
    for entry in _entries(where):
        shown = str(entry.path)
        if entry.path.name == STAMP:
            stamps[entry.path.parent] = entry
            continue
        owner, late = _owner(entry.path, named, released.chapter)
        file, mark = _opened(entry, late)
        of = seals.get(str(mark.get("seal")))
        if owner is None and of:
            owner = by_id[of]
            file.notes.append(f"{shown}: its name is nobody's; the seal inside is of {of}")
        elif owner is None:
            whose = "" if file.fault == NO_NOTEBOOK else "whose it is cannot be told; "
            strays.append(f"{shown}: {whose}{file.fault or 'not graded'}")
            continue
        elif of and of != owner.id:
            file.notes.append(
                f"{shown}: this is the notebook of {of}, graded with {owner.id}'s numbers"
            )
        elif not of and not file.fault:
            file.notes.append(f"{shown}: it carries no seal of this class")
        chapter = mark.get("set") or _asked(file.cells) or released.chapter
        if chapter != released.chapter:
            file.notes.append(f"{shown}: it is a notebook of the set {str(chapter)[:40]}")
        files[owner.id].append(file)
    for mine in files.values():
        mine[:] = [_stamped(file, stamps, released.chapter) for file in mine]
    return Collected([_submission(by_id[s], files[s], released) for s in by_id], strays)


def _entries(where: Path) -> Iterator[_Entry]:
    """The files below a folder or in a zip, and links, which are not followed."""
    if where.is_file():
        yield from _zipped(where, PurePosixPath(), datetime.now())
        return
    for path in sorted(_below(where)):
        below, info = PurePosixPath(path.relative_to(where)), path.lstat()
        when = datetime.fromtimestamp(info.st_mtime)
        if not stat.S_ISREG(info.st_mode):
            yield _Entry(below, when, b"", LINK)
        elif below.suffix.lower() == ".zip":
            yield from _zipped(path, below, when)
        elif fault := _refused(below, info.st_size):
            yield _Entry(below, when, b"", fault)
        else:
            yield _Entry(below, when, path.read_bytes(), "")


def _below(folder: Path) -> list[Path]:
    """The files below a folder, and links to folders."""
    out = []
    for where, folders, names in os.walk(folder, followlinks=False):
        folders[:] = [f for f in folders if f not in IDLE_FOLDERS]
        links = [f for f in folders if Path(where, f).is_symlink()]
        out += [Path(where, f) for f in links + names if f not in IDLE]
    return out


def _zipped(
    file: Path | IO[bytes], base: PurePosixPath, when: datetime, depth: int = 0
) -> Iterator[_Entry]:
    """The files in a zip, and in the zips in it. base: its path; when: the time of what has none.

    What it says of itself is not believed: no more is read than may be, and nothing is written.
    """
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        yield _Entry(base, when, b"", "damaged: this is no zip")
        return
    inside, left = archive.infolist(), BYTES[depth]
    for info in inside[: FILES[depth]]:
        path = base / _name(info)
        if info.is_dir() or path.name in IDLE or set(path.parts) & set(IDLE_FOLDERS):
            continue
        inner, data = path.suffix.lower() == ".zip", b""
        if stat.S_ISLNK(info.external_attr >> 16):
            fault = LINK
        elif inner and depth:
            fault = "a zip in a zip; not opened"
        elif not (fault := _refused(path, info.file_size, inner)):
            data, fault = _unpacked(archive, info, min(LARGEST, left))
        left -= len(data)
        try:
            then = datetime(*info.date_time)
        except ValueError:
            then = when
        if inner and not fault:
            yield from _zipped(BytesIO(data), path, then, depth + 1)
        else:
            yield _Entry(path, then, data, fault)
    if len(inside) > FILES[depth]:
        fault = f"{len(inside)} files in a zip; the first {FILES[depth]} were looked at"
        yield _Entry(base, when, b"", fault)


def _name(info: zipfile.ZipInfo) -> PurePosixPath:
    """The path of a file in a zip, without what would lead out of it."""
    name = info.filename
    if not info.flag_bits & 0x800:  # macOS writes UTF-8 and does not say so
        try:
            name = name.encode("cp437").decode("utf-8")
        except UnicodeError:
            pass
    parts = [part[:200] for part in re.split(r"[/\\]", name) if part not in ("", ".", "..")]
    return PurePosixPath(*parts or ["(a file without a name)"])


def _unpacked(archive: zipfile.ZipFile, info: zipfile.ZipInfo, most: int) -> tuple[bytes, str]:
    """(the bytes of a file in a zip, or why there are none)."""
    try:
        with archive.open(info) as file:
            data = file.read(most + 1)
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, RuntimeError, OSError, EOFError):
        return b"", "damaged, or locked with a password"  # RuntimeError: locked, or not implemented
    except ValueError:
        return b"", "damaged"
    return (data, "") if len(data) <= most else (b"", f"more than {most / 1e6:.0f} MB; not opened")


def _refused(path: PurePosixPath, size: int, archive: bool = False) -> str:
    """Why a file is not opened, by its name and size; "" where it is."""
    name = path.name.lower()
    if not archive and ".ipynb" not in name and name != STAMP:  # a browser may add .txt or .json
        return NO_NOTEBOOK
    return f"{size / 1e6:.0f} MB are too large for a notebook; not opened" if size > LARGEST else ""


def _owner(
    path: PurePosixPath, named: dict[str, Student], chapter: str
) -> tuple[Student | None, bool | None]:
    """(whose a file is by the names in its path, whether Canvas calls it late).

    Folders come first: the platform names them, the student the file.
    """
    for part in [*path.parts[:-1], path.name.partition(".ipynb")[0]]:
        part = re.sub(r"(?i)\.(zip|ipynb)$", "", part)
        if normal(part) == normal(chapter):
            continue
        if moodle := MOODLE.fullmatch(part):
            found = named.get(f"moodle {moodle['user']}") or named.get(normal(moodle["name"]))
            if found:
                return found, None
        if found := named.get(normal(part)):
            return found, None
        if canvas := CANVAS.fullmatch(part):
            found = named.get(f"canvas {canvas['user']}") or named.get(normal(canvas["name"]))
            if found:
                return found, bool(canvas["late"])
    first = path.stem.partition("_")[0]
    return named.get(normal(first)), None


def _opened(entry: _Entry, late: bool | None) -> tuple[_File, dict[str, Any]]:
    """A file with its cells, or with what is wrong, and the mark that the release put into it."""

    def bad(fault: str) -> tuple[_File, dict[str, Any]]:
        notes = [f"{entry.path}: {fault}"]
        return _File(entry.path, entry.when, late, [], "", fault, notes), {}

    if entry.fault:
        return bad(entry.fault)
    try:
        book = json.loads(entry.data)
        code = [c for c in book["cells"] if c.get("cell_type") == "code"]
        cells = [(str(c.get("id", k))[:60], "".join(c["source"])) for k, c in enumerate(code)]
        mark = book.get("metadata", {}).get("ngd", {})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return bad("damaged: this is no notebook")
    if len(cells) > CELLS:
        return bad(f"{len(cells)} cells are too many for a notebook")
    digest = hashlib.sha256(entry.data).hexdigest()
    file = _File(entry.path, entry.when, late, cells, digest, "", [])
    return file, mark if isinstance(mark, dict) else {}


def _asked(cells: list[tuple[str, str]]) -> str:
    """The set whose questions a notebook checks; "" where it checks none."""
    found = re.search(r"check\(\"([a-z-]{1,40})\.", "\n".join(code for _, code in cells))
    return found[1] if found else ""


def _stamped(file: _File, stamps: dict[PurePosixPath, _Entry], chapter: str) -> _File:
    """A file with the time that nbgrader wrote beside it, if it did."""
    stamp = stamps.get(file.path.parent)
    if stamp is None or file.path.parent.name != chapter:
        return file
    try:
        day, hour, *zone = stamp.data[:100].decode().split()
        when = datetime.fromisoformat(f"{day} {hour}")
        if zone:
            when = when.replace(tzinfo=ZoneInfo(zone[0])).astimezone().replace(tzinfo=None)
    except (ValueError, KeyError, OSError):
        return file._replace(notes=[*file.notes, f"{stamp.path}: cannot be read"])
    return file._replace(when=when)


def _submission(student: Student, files: list[_File], released: Released) -> Submission:
    """The last that can be read counts; of the others it is said."""
    notes = [note for file in files for note in file.notes]
    good = sorted((f for f in files if not f.fault), key=lambda f: (f.when, str(f.path)))
    if not good:
        return Submission(student, None, "", [], None, notes or ["nothing was handed in"])
    last = good[-1]
    if len(good) > 1:
        notes.append(f"handed in {len(good)} times: the last counts, {last.path}")
    if last.late:
        notes.append("late, as Canvas says")
    elif last.late is None and released.due and last.when > released.due:
        late = str(last.when - released.due).partition(".")[0]
        notes.append(f"late by {late}")
    return Submission(student, last.path, last.digest, last.cells, last.when, notes)
