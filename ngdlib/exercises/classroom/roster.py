"""The class: a table of students, as the learning platform exports it.

    students = read(Path("roster.csv"))

Five forms are read by their header: a plain table (`student`, and if you like `name`, `email`),
Canvas's exported gradebook, Moodle's grading worksheet, Moodle's exported grades or list of
participants, nbgrader's table of students. Grades go back in the form in which the roster came.
Columns are as Canvas (app/models/gradebook_exporter.rb) and Moodle (mod/assign/feedback/offline,
grade/import/csv/tests/load_data_test.php) write and read them; separators are a comma, or the
semicolon or tab that both may be set to, and that spreadsheets write.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

ID = re.compile(r"[\w@+-][\w.@+-]{0,79}")  # it becomes the name of a folder
FORMS = {  # form: (columns that tell it, columns that may name the student, in this order)
    "canvas": (("Student", "ID", "Section"), ("SIS Login ID", "SIS User ID", "ID")),
    "moodle": (("Identifier", "Grade"), ("ID number", "Email address", "Identifier")),
    "moodle list": (("First name", "Email address"), ("ID number", "Username", "Email address")),
    "nbgrader": (("id", "last_name", "first_name"), ("id",)),
    "plain": (("student",), ("student",)),
}


class Student(NamedTuple):
    """id: names folders and draws; aliases: what a platform may call a submission by, in the form
    of `normal`; row: of the roster, as it was read."""

    id: str
    name: str
    email: str
    aliases: frozenset[str]
    row: Mapping[str, str]


class Roster(NamedTuple):
    """form: a key of FORMS; columns: of the file; notes: rows that are no students (Canvas puts
    `Points Possible` and its test student there); separator: of the columns."""

    form: str
    columns: list[str]
    students: list[Student]
    notes: list[Mapping[str, str]]
    separator: str = ","


def read(path: Path) -> Roster:
    """The roster in a CSV file. Raises ValueError with the line of what is wrong."""
    path = Path(path).expanduser()
    if not path.is_file():
        raise ValueError(f"ROSTER: there is no file {path}")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            separator = max(",;\t", key=file.readline().count)
            file.seek(0)
            table = csv.DictReader(file, delimiter=separator)
            rows = [(table.line_num, row) for row in table]
            columns = list(table.fieldnames or [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path}: expected a CSV file in UTF-8: {error}") from None
    form = next((f for f, (told, _) in FORMS.items() if set(told) <= set(columns)), None)
    if form is None:
        known = "; ".join(f"{f}: {', '.join(told)}" for f, (told, _) in FORMS.items())
        raise ValueError(f"{path}: expected the columns of one of {known}; got {columns}")
    students: dict[str, Student] = {}
    notes = []
    for line, row in rows:
        row = {k: (v or "").strip() for k, v in row.items() if isinstance(k, str)}
        if form == "canvas" and _is_note(row):
            notes.append(row)
            continue
        student = _student(form, row)
        if not ID.fullmatch(student.id):
            raise ValueError(f"{path}, line {line}: {student.id!r} cannot name a student")
        if normal(student.id) in map(normal, students):
            raise ValueError(f"{path}, line {line}: {student.id} stands here twice")
        students[student.id] = student
    if not students:
        raise ValueError(f"{path}: no student stands in it")
    return Roster(form, columns, list(students.values()), notes, separator)


def _is_note(row: Mapping[str, str]) -> bool:
    first, rest = (
        row["Student"],
        [row[c] for c in ("ID", "SIS Login ID", "SIS User ID") if c in row],
    )
    if first == "Student, Test":
        return True
    return not any(rest) and (not first or "Points Possible" in first or "Manual Posting" in first)


def _student(form: str, row: Mapping[str, str]) -> Student:
    named = next((row[c] for c in FORMS[form][1] if row.get(c)), "")
    email = row.get("Email address") or row.get("email", "")
    name = row.get("Student") or row.get("Full name") or row.get("name", "")
    if form == "moodle list":
        name = f"{row['First name']} {row.get('Last name') or row.get('Surname', '')}".strip()
    if form == "nbgrader":
        name = f"{row['first_name']} {row['last_name']}".strip()
    last, comma, first = name.partition(",")  # Canvas: Lovelace, Ada
    aliases = {normal(x) for x in (named, email, name, row.get("SIS Login ID", "")) if x}
    aliases |= {normal(f"{first} {last}"), normal(f"{last} {first}")} if comma else set()
    if form == "canvas":
        aliases.add(f"canvas {row['ID']}")
    if form == "moodle":
        aliases.add(f"moodle {row['Identifier'].rpartition(' ')[2]}")
        named = named.replace("Participant ", "participant-")
    shown = f"{first.strip()} {last.strip()}" if comma else name
    return Student(named, shown or named, email, frozenset(aliases), row)


def normal(text: str) -> str:
    """Letters and digits alone, in lower case, accents taken off: how platforms write names."""
    flat = unicodedata.normalize("NFKD", text).casefold()
    return "".join(c for c in flat if c.isalnum())
