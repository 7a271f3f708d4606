"""Checking answers by the name of their question, in a notebook.

    check("bernoulli.q1", "σ(z)")                 # shows the verdict, the points and the feedback
    variant("bernoulli.q4", seed="7")             # the question with other numbers
    solution("bernoulli.q1")                      # how it is worked out
    summary(result_q1, result_q2)                 # the points of some checks, added up

Verdicts and feedback are those of the page: both come from `exercises/<chapter>.yml`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ngdlib.exercises.judging.items import (
    FIRST,
    Result,
    as_read,
    blank_item,
    check_item,
    draw,
    fill,
    points,
    undoubled,
)
from ngdlib.exercises.notebook import cells as notebook
from ngdlib.exercises.reading.given import read_rows
from ngdlib.exercises.reading.grammar import AnswerError, latex
from ngdlib.exercises.sets.files import ROOT, load, with_steps

FOLDER = ROOT / "exercises"


@dataclass(frozen=True)
class Shown:
    """A text that shows itself: Markdown in Jupyter, plain elsewhere."""

    text: str

    def _repr_markdown_(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Checked:
    """What a check found; shows itself.

    name      of the question, such as "bernoulli.q1"
    title     of the question
    result    score, kind, feedback, witness, position and wrong, as `check_item` gives them
    earned    points, less what the opened hints cost; 0 where nothing was graded
    possible  points of the question
    hints     how many were opened
    read      how a typed formula was understood, in LaTeX; "" where that does not apply
    caret     two lines: what was typed, and a mark under what cannot be read; or ""
    about     the name of the option that the feedback is about, or ""
    tip       where to go on after a verdict without reasons, or ""
    options   of a choice that is right: each option with its explanation
    """

    name: str
    title: str
    result: Result
    earned: float
    possible: float
    hints: int = 0
    read: str = ""
    caret: str = ""
    about: str = ""
    tip: str = ""
    options: tuple[str, ...] = ()

    @property
    def answered(self) -> bool:
        """False while the answer is still empty."""
        return self.result.kind != "empty"

    @property
    def verdict(self) -> str:
        """In two or three words."""
        if self.result.score is None:
            words = {
                "empty": "Not answered yet",
                "incomplete": "Not complete yet",
                "unreadable": "Cannot be read",
                "manual": "Not decided here",
            }
            return words.get(self.result.kind, "Undecided")
        if self.result.score == 1:
            return "✓ Right"
        return "Partly right" if self.result.score else "✗ Not right yet"

    def _head(self) -> str:
        if self.result.score is None and self.answered:
            return "this try does not count"
        opened = f" ({self.hints} hint{'s' if self.hints > 1 else ''} opened)" if self.hints else ""
        return f"{self.earned:g} of {notebook.amount(self.possible)}{opened}"

    def _words(self) -> str:
        """The feedback, without what the verdict has said already."""
        text = undoubled(self.result.feedback)
        about = f"`{self.about}` is wrong: " if self.about else ""
        return about + (text or self.tip)

    def _repr_markdown_(self) -> str:
        return self._shown(f"**{self.verdict}** · {self._head()} · `{self.name}`")

    def graded(self, typed: str) -> str:
        """The same in Markdown for the feedback of a class, where each try counts and nobody tries
        again. typed: the answer, where it was no formula."""
        head = f"**{self.verdict.removesuffix(' yet')}** · {self.earned:g} of "
        return replace(self, tip="")._shown(head + notebook.amount(self.possible), typed)

    def _shown(self, head: str, typed: str = "") -> str:
        parts = [head]
        if typed and not self.read and not self.caret:
            parts.append(f"Your answer:\n\n{_fenced(typed)}")
        if self.caret:
            parts.append(_fenced(self.caret))
        if self.read:
            parts.append(rf"Your answer: $\displaystyle {self.read}$")
        words = self._words()
        parts.append(words if self._is_authors() else _escaped(words))
        parts.append("\n".join(f"- {option}" for option in self.options))
        return "\n\n".join(part for part in parts if part)

    def _is_authors(self) -> bool:
        """Whether the feedback is Markdown from the set, or the checker's own plain text."""
        kind, wrong = self.result.kind, self.result.wrong
        own = kind in ("terms", "power", "limit", "entry", "order")  # with formulas of the tutor's
        return kind == "equal" or kind.startswith("known:") or own or bool(wrong)

    def __repr__(self) -> str:
        parts = [f"{self.verdict} · {self._head()} · {self.name}", self.caret, self._words()]
        return "\n".join(part for part in [*parts, *self.options] if part)


def check(
    name: str,
    answer: Any,
    *,
    seed: str = FIRST,
    hints: int = 0,
    folder: Path = FOLDER,
    private: Mapping | None = None,
) -> Checked:
    """Check an answer to a question of the book.

    name     "<chapter>.<question>", such as "bernoulli.q1"
    answer   formula or number: a string, a number, a sympy expression; matrix: nested lists, an
             array, a sympy matrix or a string; choice: the name of an option, or a list of them;
             function: the function; derivation: the names of the lines in order, or a formula for
             each blank, {name: formula}
    seed     of the variant, where the question has them
    hints    how many hints were opened
    folder   where the sets are
    private  hidden cases of a function: where a class has them, they alone give points

    What is not filled in yet ("", None, ..., nested too, or a function that returns such) earns
    nothing and is no mistake. Once a choice is right, each of its options is explained. Raises
    ValueError for an unknown name or a wrong number of hints; never because of the answer.
    """
    item, values = _item(name, seed, folder)
    if not isinstance(hints, int) or not 0 <= hints <= len(item["hints"]):
        raise ValueError(f"hints: expected 0 to {len(item['hints'])}, got {hints!r}")
    if item["kind"] == "function":
        result = _check_function(item, answer, values, private)
    elif is_blank(answer):
        result = Result(None, "empty", "")
    else:
        answer = _plain(answer)
        result = check_item(item, answer, values)
    unreadable = result.kind == "unreadable"
    bare = result.feedback == "Not yet." and item["hints"][hints:]
    return Checked(
        name=name,
        title=_filled(item["title"], values),
        result=result,
        earned=points(item, result, hints),
        possible=float(item["points"]),
        hints=hints,
        read="" if unreadable or result.kind == "empty" else _typeset(item, answer),
        caret=_caret(item, answer, values, result) if unreadable else "",
        about=_about(item, result),
        tip=f"Try {_next_hint(item, hints)}." if bare else "",
        options=_explained(item, values) if result.kind == "equal" else (),
    )


def _about(item: Mapping, result: Result) -> str:
    """The option that the feedback is about, where the feedback does not name it."""
    if item["kind"] != "choice" or not result.wrong:
        return ""
    return "" if result.feedback.startswith(f"{result.wrong[0]}: ") else result.wrong[0]


def _next_hint(item: Mapping, hints: int) -> str:
    name = notebook.hint_name(item, hints).lower()
    return "the hint" if name == "hint" else name


def _explained(item: Mapping, values: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(
        f"{'✓' if option.get('right') else '✗'} `{option['id']}`: "
        + _filled(option["feedback"], values)
        for option in item.get("options", [])
    )


def variant(name: str, seed: str, *, folder: Path = FOLDER) -> Shown:
    """A question with the numbers that `seed` draws. Raises ValueError for an unknown name, and
    for a question that has only one variant."""
    item, values = _item(name, seed, folder)
    if not values:
        chapter = name.partition(".")[0]
        others = [i["id"] for i in _set(chapter, folder)["items"] if "variant" in i]
        known = ", ".join(f"{chapter}.{i}" for i in others) or "none of this chapter"
        raise ValueError(f"name: expected a question with variants ({known}), got {name!r}")
    item = with_steps(item)
    how = f'Check it with `check("{name}", ..., seed="{seed}")`.'
    head = f"**{_filled(item['title'], values)}**"
    parts = [head, notebook.question(item, values), how, *notebook.hints(item, values)]
    return Shown("\n\n".join(parts))


def solution(name: str, *, seed: str = FIRST, folder: Path = FOLDER) -> Shown:
    """The worked solution of a question. Raises ValueError for an unknown name."""
    item, values = _item(name, seed, folder)
    title, text = (_filled(item[key], values) for key in ("title", "solution"))
    return Shown(f"**{title}: worked solution**\n\n{text}")


@dataclass(frozen=True)
class Summary:
    """The points of some checks; shows itself as a table. earned, possible: their sums."""

    checks: tuple[Checked, ...]

    @property
    def earned(self) -> float:
        return sum(c.earned for c in self.checks)

    @property
    def possible(self) -> float:
        return sum(c.possible for c in self.checks)

    def _repr_markdown_(self) -> str:
        rows = ["| question | | points | of |", "|:--|:--|--:|--:|"]
        rows += [
            f"| `{c.name}` {c.title} | {c.verdict} | {c.earned:g} | {c.possible:g} |"
            for c in self.checks
        ]
        return "\n".join([*rows, f"| **in all** | | **{self.earned:g}** | **{self.possible:g}** |"])

    def __repr__(self) -> str:
        rows = [(c.name, c.verdict, f"{c.earned:g} of {c.possible:g}") for c in self.checks]
        rows.append(("in all", "", f"{self.earned:g} of {self.possible:g}"))
        wide = [max(len(row[k]) for row in rows) for k in range(3)]
        return "\n".join(f"{a:{wide[0]}}  {b:{wide[1]}}  {c:>{wide[2]}}" for a, b, c in rows)


def summary(*checks: Checked) -> Summary:
    """The points of these checks, each and in all. Where a question was checked more than once, the
    last one counts. Raises ValueError for anything that `check` has not given back."""
    for one in checks:
        if not isinstance(one, Checked):
            raise ValueError(f"checks: expected results of check(), got {type(one).__name__}")
    return Summary(tuple({one.name: one for one in checks}.values()))


# --- finding a question ---------------------------------------------------------------------------


def chapters(folder: Path = FOLDER) -> list[str]:
    """The chapters that have an exercise set, by name."""
    return sorted(path.stem for path in Path(folder).glob("*.yml"))


def _item(name: str, seed: str, folder: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """(item, values of its variant)."""
    chapter, _, wanted = str(name).partition(".")
    known = chapters(folder)
    if chapter not in known:
        raise ValueError(
            f"name: expected <chapter>.<question> with a chapter among "
            f"{', '.join(known) or '(there is none)'}, got {name!r}"
        )
    items = {item["id"]: item for item in _set(chapter, folder)["items"]}
    if wanted not in items:
        known = ", ".join(f"{chapter}.{i}" for i in items)
        raise ValueError(f"name: expected one of {known}, got {name!r}")
    return items[wanted], draw(items[wanted], str(seed))


def _set(chapter: str, folder: Path) -> Mapping:
    path = Path(folder) / f"{chapter}.yml"
    return _loaded(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=16)
def _loaded(path: Path, changed: int) -> Mapping:
    return load(path).data


def _filled(text: str, values: Mapping[str, str]) -> str:
    return fill(text, values).strip()


# --- answers that are not there yet ---------------------------------------------------------------


def is_blank(answer: Any, depth: int = 3) -> bool:
    """Whether nothing is filled in: "", None, ..., and lists, arrays and dicts of such."""
    if isinstance(answer, np.ndarray) and answer.dtype.kind in "OUS":
        answer = answer.tolist()
    if isinstance(answer, Mapping):
        answer = list(answer.values())
    if isinstance(answer, (list, tuple, set)):
        return depth > 0 and all(is_blank(part, depth - 1) for part in answer)
    return answer is None or answer is ... or (isinstance(answer, str) and not answer.strip())


def _plain(answer: Any, depth: int = 3) -> Any:
    """An answer with "" wherever a part of it is None or ..."""
    if isinstance(answer, Mapping) and depth:
        return {key: _plain(part, depth - 1) for key, part in answer.items()}
    if isinstance(answer, (list, tuple)) and depth:
        return [_plain(part, depth - 1) for part in answer]
    return "" if answer is None or answer is ... else answer


def _check_function(
    item: Mapping, answer: Any, values: Mapping[str, str], private: Mapping | None
) -> Result:
    """Not written yet is a function that returns nothing, or ..., in every case."""
    if private:
        item = {**item, "cases": [{**case, "points": 0} for case in item["cases"]]}
    if not callable(answer):
        empty = Result(None, "empty", "")
        return empty if is_blank(answer) else check_item(item, answer, values)
    returned: list[Any] = []

    def watched(*arguments: Any) -> Any:
        returned.append(True)
        value = answer(*arguments)
        returned[-1] = value
        return value

    result = check_item(item, watched, values, private)
    if all(value is None or value is ... for value in returned):
        return Result(None, "empty", f"{item['name']} returns nothing yet.")
    return result


# --- showing what was typed -----------------------------------------------------------------------


def _typeset(item: Mapping, answer: Any) -> str:
    """A typed formula as it was understood, in LaTeX."""
    try:
        if item["kind"] in ("formula", "numeric") and isinstance(answer, str):
            return _latex(item, answer)
        if item["kind"] == "matrix" and any(isinstance(x, str) for x in _leaves(answer)):
            rows = read_rows(answer) if isinstance(answer, str) else _entries(answer)
            body = r" \\ ".join(" & ".join(_latex(item, x) for x, _ in row) for row in rows)
            return rf"\begin{{pmatrix}} {body} \end{{pmatrix}}"
        if "blanks" in item and isinstance(answer, Mapping):
            blanks = [(blank_item(item, b), answer.get(b["id"], "")) for b in item["blanks"]]
            return r",\quad ".join(_latex(blank, text) for blank, text in blanks)
    except AnswerError:  # a shape is refused before the entries are read
        pass
    return ""


def _latex(item: Mapping, answer: Any) -> str:
    return latex(as_read(item, answer), item.get("vars", {}))


def _entries(answer: Sequence) -> list[list[tuple[Any, int]]]:
    rows = answer if isinstance(answer[0], (list, tuple)) else [[entry] for entry in answer]
    return [[(entry, 0) for entry in row] for row in rows]


def _leaves(answer: Any, depth: int = 3) -> Iterator[Any]:
    if isinstance(answer, (list, tuple)) and depth:
        for part in answer:
            yield from _leaves(part, depth - 1)
    else:
        yield answer


def _caret(item: Mapping, answer: Any, values: Mapping[str, str], result: Result) -> str:
    """The text that cannot be read and a mark under the place; "" where there is no such text."""
    text = _unread(item, answer, values)
    if not isinstance(text, str) or not text.strip() or result.position is None:
        return ""
    line, mark = AnswerError(result.feedback, result.position).caret(text).split("\n")
    start = max(0, len(mark) - 60)
    before, after = "…" * bool(start), "…" * (len(line) > start + 90)
    return f"{before}{line[start : start + 90]}{after}\n{' ' * len(before)}{mark[start:]}"


def _unread(item: Mapping, answer: Any, values: Mapping[str, str]) -> Any:
    """The part of an answer that the position in an unreadable result is about."""
    if item["kind"] in ("formula", "numeric", "matrix") and isinstance(answer, str):
        return answer
    if item["kind"] == "matrix":
        return next((part for part in _leaves(answer) if not _readable(item, part)), None)
    if "blanks" in item and isinstance(answer, Mapping):
        given = ((blank, answer.get(blank["id"], "")) for blank in item["blanks"])
        kinds = ((x, check_item(blank_item(item, blank), x, values).kind) for blank, x in given)
        return next((x for x, kind in kinds if kind == "unreadable"), None)
    return None


def _readable(item: Mapping, part: Any) -> bool:
    try:
        as_read(item, part)
    except AnswerError:
        return False
    return True


def _fenced(text: str) -> str:
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{fence}text\n{text}\n{fence}"


def _escaped(text: str) -> str:
    """Plain text as Markdown that shows it unchanged, formulas in $ excepted."""
    parts = re.split(r"(\$[^$]+\$)", text)
    return "".join(
        part if k % 2 else re.sub(r"([\\`*_{}\[\]<>#|~])", r"\\\1", part)
        for k, part in enumerate(parts)
    )
