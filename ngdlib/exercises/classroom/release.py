"""Handing out: each student's notebook, with their own numbers.

    released = release(folder, key, Path("exercises/bernoulli.yml"), Path("roster.csv"))

Below the folder of the class stands a folder for each set: `set/` is what was handed out, so that a
later change of the book does not change what is graded; `notebooks/<student>/<set>.ipynb`.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from ngdlib.exercises.classroom import key as keys
from ngdlib.exercises.classroom import roster
from ngdlib.exercises.notebook.cells import INSTALL, source
from ngdlib.exercises.sets.files import load, public
from ngdlib.exercises.sets.hidden import hidden_of

HEAD = """# {title}: questions for {name}

These questions belong to the chapter *{title}*. Write each answer into its cell and run it; the
check below says whether it is right and, where it can, which mistake was made. The numbers are
yours: those of others differ.

- **Hand in** this file, `{chapter}.ipynb`{due}. What counts is what you typed; it is read and
  checked anew. Functions are also tried on cases that you do not see.
- **Formulas** are text in quotes, typed as usual: `"1/(p(1-p))"`, `"p^2"`, `"sqrt(p)"`, `"log(p)"`
  (the natural one).
- **Hints** are folded under the question and free.
- Answers are in their variables when the notebook is run from its first cell to its last: try
  *Restart and run all* before you hand it in."""


class Released:
    """A set that was handed out to a class, as it stands below the folder of the class."""

    def __init__(self, folder: Path, chapter: str) -> None:
        self.folder, self.chapter = Path(folder).expanduser() / chapter, chapter
        if not (self.folder / "release.json").is_file():
            raise ValueError(f"SET: {chapter} has not been released from {self.folder.parent}")

    @cached_property
    def data(self) -> dict[str, Any]:
        """The set as it was handed out, derivations and all."""
        return json.loads((self.sets / f"{self.chapter}.json").read_text(encoding="utf-8"))

    @cached_property
    def hidden(self) -> Mapping[str, Any]:
        return hidden_of(self.sets / f"{self.chapter}.yml")

    @cached_property
    def roster(self) -> roster.Roster:
        return roster.read(self.folder / "roster.csv")

    @property
    def sets(self) -> Path:
        return self.folder / "set"

    @cached_property
    def due(self) -> datetime | None:
        text = json.loads((self.folder / "release.json").read_text(encoding="utf-8"))["due"]
        return datetime.fromisoformat(text) if text else None

    def seeds(self, key: bytes, student: str) -> dict[str, str]:
        items = self.data["items"]
        return {i["id"]: keys.seed(key, self.chapter, student, i["id"]) for i in items}

    def notebook(self, key: bytes, student: roster.Student, site: str = "", wheel: str = "") -> str:
        """The text of a student's notebook."""
        due = f", by {self.due:%d %B %Y, %H:%M}" if self.due else ""
        head = HEAD.format(
            title=self.data["title"].strip(), name=student.name, chapter=self.chapter, due=due
        )
        mark = {"set": self.chapter, "student": student.id}
        mark["seal"] = keys.seal(key, self.chapter, student.id)
        text = source(self.data, self.seeds(key, student.id), head, {"ngd": mark})
        book = json.loads(text)
        there = f"{site.rstrip('/')}/notebooks/{wheel}" if site else f"../{wheel}"
        install = {"cell_type": "code", "id": "install", "metadata": {}, "execution_count": None}
        install |= {"outputs": [], "source": INSTALL.format(wheel=wheel, there=there)}
        book["cells"].insert(1, install)
        return json.dumps(book, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def free(data: Mapping[str, Any]) -> dict[str, Any]:
    """A set with hints that are free: nobody can know who opened them."""
    items = [
        {**item, "hints": [{**hint, "cost": 0} for hint in item["hints"]]} for item in data["items"]
    ]
    return {**data, "items": items}


def same_for_all(data: Mapping[str, Any]) -> dict[str, str]:
    """{item: why} of the items whose answer is one for the whole class.

    Raises ValueError for an item of kind formula, numeric or matrix that has no variants and does
    not say why not.
    """
    out = {}
    for item in data["items"]:
        if item["kind"] == "function" or item.get("variant"):
            continue
        if item["kind"] in ("formula", "numeric", "matrix") and "one_for_all" not in item:
            raise ValueError(
                f"{data['chapter']}.{item['id']}: expected `variant`, or `one_for_all` with the "
                "reason why there is none"
            )
        out[item["id"]] = item.get("one_for_all", "options and lines are the same for all")
    return out


def release(
    folder: Path,
    key: bytes,
    path: Path,
    students: Path,
    due: str = "",
    site: str = "",
    wheel: Path | None = None,
) -> Released:
    """Write the notebooks of a set for all students of a roster, and what grading needs.

    due: date and time (ISO) after which a submission is late; site: where the book is published,
    with its wheel; without it `wheel` is put beside the notebooks. A second release of the same set
    adds who is new. Raises ValueError where the set has changed since the first.
    """
    chapter, folder = path.stem, Path(folder).expanduser()
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in path.parent.glob("*.yml")))
        raise ValueError(f"SET: expected one of {known}, got {chapter!r}")
    data = free(public(load(path)))
    same_for_all(data)
    if due:
        try:
            datetime.fromisoformat(due)
        except ValueError:
            raise ValueError(f"DUE: expected 2026-12-01 23:59 or the like, got {due!r}") from None
    roster.read(students)
    for file in [path, path.with_suffix(".py")]:
        kept = folder / chapter / "set" / file.name
        if not file.exists():
            continue
        if kept.exists() and kept.read_bytes() != file.read_bytes():
            raise ValueError(
                f"{chapter} was released as it stands in {kept.parent}, and has changed since; "
                f"remove {folder / chapter} to begin anew"
            )
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, kept)
    kept = folder / chapter / "set" / f"{chapter}.json"
    kept.write_text(json.dumps(data, ensure_ascii=False, sort_keys=True), encoding="utf-8")
    if students.expanduser().resolve() != (folder / chapter / "roster.csv").resolve():
        shutil.copyfile(students.expanduser(), folder / chapter / "roster.csv")
    when = {"due": due, "site": site, "released": datetime.now().isoformat(timespec="seconds")}
    (folder / chapter / "release.json").write_text(json.dumps(when) + "\n", encoding="utf-8")
    released = Released(folder, chapter)
    out = released.folder / "notebooks"
    for student in released.roster.students:
        (out / student.id).mkdir(parents=True, exist_ok=True)
        text = released.notebook(key, student, site, wheel.name if wheel else "")
        (out / student.id / f"{chapter}.ipynb").write_text(text, encoding="utf-8")
    if wheel and not site:
        shutil.copy(wheel, out)
    return released
