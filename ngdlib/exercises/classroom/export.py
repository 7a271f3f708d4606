"""Grades in the forms that Canvas, Moodle and nbgrader have, and the points of manual items.

    export(released, results)      # grades.csv, canvas.csv, moodle.csv, nbgrader.csv
    manual(released, results)      # puts in the points of manual.csv, and keeps that file

Where the roster came from Canvas or Moodle, its file goes back with the grades put in: their
import finds every student again. Otherwise students are named by id, name and e-mail address, by
which Moodle's import of grades can be told to find them. nbgrader's columns are those of its own
export (nbgrader/plugins/export.py, CsvExportPlugin).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from ngdlib.exercises.classroom.pages import total
from ngdlib.exercises.classroom.release import Released

CANVAS = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
CANVAS_MORE = ["Integration ID", "Root Account"]  # that an export may have between these
MOODLE = ["Full name", "ID number", "Email address", "Grade", "Feedback comments"]
NBGRADER = (
    "assignment duedate timestamp student_id last_name first_name email raw_score "
    "late_submission_penalty score max_score"
).split()


def export(
    released: Released, results: Sequence[Mapping[str, Any]], when: Mapping[str, datetime | None]
) -> None:
    """Write the tables. when: {student: the time of what was handed in}."""
    of = {r["student"]: total(r) for r in results}
    students = released.roster.students
    possible = next(iter(of.values()))[1]
    items = [item["id"] for item in released.data["items"]]
    own = [
        {
            "student": s.id,
            "name": s.name,
            **{i["id"]: "" if i["earned"] is None else f"{i['earned']:g}" for i in r["items"]},
            "total": f"{of[s.id][0]:g}",
            "of": f"{possible:g}",
            "waiting": "yes" if of[s.id][2] else "",
            "notes": "; ".join(r["notes"] + r["stopped"]),
        }
        for s, r in zip(students, results, strict=True)
    ]
    folder = released.folder
    columns = ["student", "name", *items, "total", "of", "waiting", "notes"]
    _write(folder / "grades.csv", columns, own)
    separator = released.roster.separator
    _write(folder / "canvas.csv", *_canvas(released, of, possible), separator)
    _write(folder / "moodle.csv", *_moodle(released, of), separator)
    _write(folder / "nbgrader.csv", NBGRADER, _nbgrader(released, of, when))


def _canvas(released: Released, of: Mapping, possible: float) -> tuple[list[str], list[dict]]:
    roster, title = released.roster, released.data["title"].strip()
    if roster.form == "canvas":
        kept = [c for c in roster.columns if c in CANVAS + CANVAS_MORE]
        # the column of the assignment, if Canvas has it already: its name ends with its number
        there = [c for c in roster.columns if c.rpartition(" (")[0] == title]
        rows = [(s.id, {c: s.row.get(c, "") for c in kept}) for s in roster.students]
    else:
        kept, there = CANVAS, []
        rows = [(s.id, {"Student": s.name, "SIS Login ID": s.id}) for s in roster.students]
    column = there[0] if there else title
    points = {"Student": "    Points Possible", column: f"{possible:g}"}
    return [*kept, column], [points, *({**row, column: f"{of[i][0]:.2f}"} for i, row in rows)]


def _moodle(released: Released, of: Mapping) -> tuple[list[str], list[dict]]:
    roster = released.roster
    comments = {i: "Some points are still to be given." if w else "" for i, (_, _, w) in of.items()}
    graded = {
        i: {"Grade": f"{e:.2f}", "Feedback comments": comments[i]} for i, (e, _, _) in of.items()
    }
    if roster.form == "moodle":
        return roster.columns, [{**s.row, **graded[s.id]} for s in roster.students]
    known = [
        {
            "Full name": s.name,
            "ID number": s.row.get("ID number", s.id),
            "Email address": s.email,
        }
        for s in roster.students
    ]
    return MOODLE, [{**k, **graded[s.id]} for k, s in zip(known, roster.students, strict=True)]


def _nbgrader(released: Released, of: Mapping, when: Mapping) -> Iterable[dict[str, Any]]:
    for student in released.roster.students:
        first, _, last = student.name.rpartition(" ")
        earned, possible, _ = of[student.id]
        yield {
            "assignment": released.chapter,
            "duedate": released.due or "",
            "timestamp": when.get(student.id) or "",
            "student_id": student.id,
            "last_name": student.row.get("last_name", last),
            "first_name": student.row.get("first_name", first),
            "email": student.email,
            "raw_score": earned,
            "late_submission_penalty": 0.0,
            "score": earned,
            "max_score": possible,
        }


def manual(released: Released, results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The results with what the instructor has put into `manual.csv`; the file then has a row for
    every answer to a manual item. Raises ValueError for points that an item does not have."""
    file = released.folder / "manual.csv"
    rubrics = {i["id"]: i["rubric"] for i in released.data["items"] if i["kind"] == "manual"}
    given: dict[tuple[str, str], Mapping[str, str]] = {}
    if file.is_file():
        with file.open(encoding="utf-8-sig", newline="") as table:
            given = {(row["student"], row["item"]): row for row in csv.DictReader(table)}
    rows = []
    for result in results:
        for item in result["items"]:
            if item["kind"] != "manual":
                continue
            row = given.get((result["student"], item["id"]), {})
            # points for an answer that has changed since are asked for again
            same = _safe(item["answer"]).split() == row.get("answer", "").split()
            points = (row.get("points") or "").strip() if same else ""
            item["says"] = row.get("comment", "") if same else ""
            if not item["answer"].strip():
                item["earned"] = 0.0
                continue
            if points:
                item["earned"] = _points(points, item["possible"], file, result["student"])
            rubric = "; ".join(f"{r['points']:g}: {r['text']}" for r in rubrics[item["id"]])
            rows.append(
                {
                    "student": result["student"],
                    "item": item["id"],
                    "answer": item["answer"],
                    "rubric": rubric,
                    "points": points,
                    "comment": item["says"],
                }
            )
    if rows:
        _write(file, ["student", "item", "answer", "rubric", "points", "comment"], rows)
    return results


def _points(text: str, possible: float, file: Path, student: str) -> float:
    try:
        points = float(text)
    except ValueError:
        points = -1.0
    if not 0 <= points <= possible:
        raise ValueError(f"{file}: points: expected 0 to {possible:g} for {student}, got {text!r}")
    return points


def _write(
    file: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]], separator: str = ","
) -> None:
    part = file.with_suffix(".part")
    with part.open("w", encoding="utf-8", errors="replace", newline="") as out:
        table = csv.DictWriter(out, columns, restval="", extrasaction="ignore", delimiter=separator)
        table.writeheader()
        table.writerows({k: _safe(v) for k, v in row.items()} for row in rows)
    part.replace(file)


def _safe(value: Any) -> Any:
    """A text that a spreadsheet would run as a formula, with a mark that it is text."""
    risky = isinstance(value, str) and re.match(r"[=+\-@\t\r].", value)
    return f"'{value}" if risky and not _is_number(value) else value


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
