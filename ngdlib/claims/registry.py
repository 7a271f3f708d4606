"""What a claim is, the files of checks, and what is wrong with them.

A check is one function, fed a statement as data:

    @claim("S1-22", verdict="holds", where="the-score", paraphrase="...", correct="...",
           truth=score, control=score_with_the_wrong_sign, control_name="the sign flipped")
    def mean_of_the_score(statement) -> Evidence:
        ...
        return Evidence(passed=worst < 1e-12, numbers={"largest mean": worst}, says="...")

Called with `truth` it must pass; called with `control`, the source's own false version or a named
popular error, it must fail, and so must every false version that `attack` makes of the truth.
"""

from __future__ import annotations

import importlib.util
import json
import math
import re
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from ngdlib import HOME
from ngdlib.claims.attack import KINDS
from ngdlib.claims.quotes import decreed, unquoted

VERDICTS = (
    "holds",
    "holds under conditions",
    "first order only",
    "false as stated",
    "empirical",
    "opinion",
)


class Source(NamedTuple):
    """One of the texts that the claims were found in; the ledger's page says what it is."""

    title: str
    author: str
    year: str


SOURCES = {
    "basin-note": Source("Fisher geometry and basin selection", "miryusupov.com", "2026"),
    "course-unit": Source("24-02: Natural Gradient Descent", "a course unit", "undated"),
    "function-space-post": Source(
        "Some Comments and Discussion on Natural Gradient Methods", "Thomas Harvey", "2025"
    ),
    "mixture-page": Source("Natural Gradient Descent", "MATH-CS COMPASS", "read in 2026"),
}


@dataclass(frozen=True)
class Evidence:
    """What a check found.

    passed   does the statement under test agree with what was computed?
    numbers  {what: value}, finite or infinite floats: the numbers that decide, with names that a
             reader understands
    says     one sentence for the reader
    quotes   {a piece of `correct` or `fact`, as printed: the value that the check has for it}. A
             piece that is a formula has a truth value: did the check compare it? True as such is
             refused, and so is a constant among the numbers: they compare nothing
    """

    passed: bool
    numbers: Mapping[str, float] = field(default_factory=dict)
    says: str = ""
    quotes: Mapping[str, float | bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        try:
            numbers = {str(name): float(value) for name, value in self.numbers.items()}
        except (TypeError, ValueError):
            raise ValueError(f"numbers: expected one float a name, got {self.numbers!r}") from None
        if any(math.isnan(value) for value in numbers.values()):
            raise ValueError(f"numbers: expected no nan, got {numbers!r}")
        object.__setattr__(self, "passed", bool(self.passed))
        object.__setattr__(self, "numbers", numbers)


@dataclass(frozen=True)
class Claim:
    """A claim of a source, in the book's own words, with the check that decides it."""

    id: str
    verdict: str
    where: str
    paraphrase: str
    correct: str
    heard: str = ""
    fact: str = ""
    check: Callable[[Any], Evidence] | None = None
    truth: Any = None
    control: Any = None
    control_name: str = ""
    exceptions: Mapping[str, str] = field(default_factory=dict)
    reasons: str = ""
    citation: str = ""
    at: str = ""

    def evidence(self) -> Evidence:
        """The check run on the statement that the book asserts: once, for all who ask.

        Raises TypeError where the check returns something else.
        """
        return self._of_the_truth

    def control_evidence(self) -> Evidence:
        """The check run now, on the false statement that it must refuse; TypeError as above."""
        return run_check(self, self.control)

    @cached_property
    def _of_the_truth(self) -> Evidence:
        return run_check(self, self.truth)


_COLLECTED: list[Claim] = []
LONGEST = {"heard": 130, "fact": 190}


def claim(
    id: str,
    *,
    verdict: str,
    where: str,
    paraphrase: str,
    correct: str,
    heard: str = "",
    fact: str = "",
    truth: Any = None,
    control: Any = None,
    control_name: str = "",
    exceptions: Mapping[str, str] | None = None,
    reasons: str = "",
    citation: str = "",
) -> Callable[[Callable], Callable]:
    """Decide a claim by the decorated check.

    verdict       one of `VERDICTS`
    where         MyST label of a heading of the chapter
    paraphrase    the claim in the book's own words
    correct       the correct statement, a full sentence
    heard, fact   the claim and what is true of it, a short sentence each, for the chapter's box;
                  a claim without them stands in the ledger only
    truth, control  the statement under test as the book asserts it, and a false version of it
    control_name  what the false version is, in words
    exceptions    {kind of attack: why such a version is not false}, the kinds being `KINDS`
    reasons       for an opinion, instead of a check
    citation      for an empirical claim that a publication decides: its key in references.bib

    Raises ValueError, with file and line, for an unknown verdict and an empty or too long text.
    """
    caller = sys._getframe(1)
    at = f"{Path(caller.f_code.co_filename).name}:{caller.f_lineno}"
    return _claim(
        id, verdict, where, paraphrase, correct, heard, fact, truth, control, control_name,
        exceptions or {}, reasons, citation, at,
    )  # fmt: skip


def opinion(
    id: str,
    *,
    where: str,
    paraphrase: str,
    correct: str,
    reasons: str,
    heard: str = "",
    fact: str = "",
) -> None:
    """Record an opinion: no check could decide it, reasons are given instead."""
    caller = sys._getframe(1)
    at = f"{Path(caller.f_code.co_filename).name}:{caller.f_lineno}"
    _claim(
        id, "opinion", where, paraphrase, correct, heard, fact, None, None, "", {}, reasons, "", at
    )


def _claim(
    id, verdict, where, paraphrase, correct, heard, fact, truth, control, control_name, exceptions,
    reasons, citation, at,
) -> Callable[[Callable], Callable]:  # fmt: skip
    if verdict not in VERDICTS:
        raise ValueError(f"{at}: verdict: expected one of {VERDICTS}, got {verdict!r}")
    texts = {"id": id, "where": where, "paraphrase": paraphrase, "correct": correct}
    if verdict == "opinion":
        texts["reasons"] = reasons
    elif not citation:
        texts["control_name"] = control_name
    if heard or fact:
        texts |= {"heard": heard, "fact": fact}
    for name, text in texts.items():
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f"{at}: {name}: expected a text for claim {id!r}, got {text!r}")
        if len(text) > LONGEST.get(name, 10**6):
            raise ValueError(
                f"{at}: {name}: expected at most {LONGEST[name]} characters for the box, got "
                f"{len(text)} for claim {id!r}"
            )
    if verdict == "opinion" and (truth is not None or control is not None):
        raise ValueError(
            f"{at}: verdict: expected another than 'opinion' for {id!r}, which has a check"
        )
    for kind, why in exceptions.items():
        if kind not in KINDS or not str(why).strip():
            raise ValueError(
                f"{at}: exceptions: expected a reason for each of some of {tuple(KINDS)}, got "
                f"{kind!r}: {why!r} for claim {id!r}"
            )
    made = Claim(
        id, verdict, where, paraphrase, correct, heard, fact, None, truth, control, control_name,
        dict(exceptions), reasons, citation, at,
    )  # fmt: skip
    _COLLECTED.append(made)

    def attach(check: Callable[[Any], Evidence]) -> Callable[[Any], Evidence]:
        if verdict != "opinion":
            place = next(i for i, each in enumerate(_COLLECTED) if each is made)
            _COLLECTED[place] = replace(made, check=check)
        return check

    return attach


# Chapters


ENTRY = ("id", "source", "chapter", "audit")
CHECKS = HOME / "chapters" / "checks"


def register(folder: Path = CHECKS) -> dict[str, dict[str, Any]]:
    """{id: entry} of every claim that the book must decide, in the order of the sources.

    An entry has `id`, `source`, `chapter`, `audit` (a first verdict, or None) and, where a second
    audit differs, `second_audit` and `second_audit_says`, a word on how it differs. Raises
    ValueError, with the line, for other fields, an unknown verdict and an id that comes again.
    """
    file = Path(folder) / "register.json"
    text = file.read_text(encoding="utf-8")
    try:
        entries = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"register.json:{error.lineno}: expected JSON: {error.msg}") from None
    found: dict[str, dict[str, Any]] = {}
    for entry in entries:
        id = entry.get("id")
        line = text[: text.find(f'"{id}"')].count("\n") + 1
        if not set(ENTRY) <= set(entry) <= {*ENTRY, "second_audit", "second_audit_says"}:
            raise ValueError(f"register.json:{line}: expected the fields {ENTRY}, got {entry!r}")
        verdicts = {entry["audit"], entry.get("second_audit")} - {None}
        if not verdicts <= set(VERDICTS):
            raise ValueError(f"register.json:{line}: expected some of {VERDICTS}, got {verdicts}")
        if id in found:
            raise ValueError(f"register.json:{line}: expected each id once, got {id!r} again")
        found[id] = entry
    return found


def written_chapters(folder: Path = CHECKS) -> list[str]:
    """The chapters that have a file of checks, in alphabetical order."""
    files = (f for f in Path(folder).glob("*.py") if f.stem != "__init__")
    return sorted(f.stem.replace("_", "-") for f in files)


def load_chapter(chapter: str, folder: Path = CHECKS) -> list[Claim]:
    """The claims that a chapter decides, in the order of the register.

    Raises ValueError for a chapter without a file of checks, an id that the register does not
    have, and an id decided twice.
    """
    file = Path(folder) / f"{chapter.replace('-', '_')}.py"
    if not file.is_file():
        known = ", ".join(written_chapters(folder)) or "none"
        raise ValueError(f"chapter: expected one of {known}, got {chapter!r}")
    claims = _run_file(file, file.stat().st_mtime_ns)
    known_ids = list(register(folder))
    found: dict[str, str] = {}
    for each in claims:
        if each.id not in known_ids:
            raise ValueError(f"{each.at}: id: expected one of register.json, got {each.id!r}")
        if each.id in found:
            raise ValueError(
                f"{each.at}: id: expected each claim once, got {each.id!r} twice, first in "
                f"{found[each.id]}"
            )
        found[each.id] = each.at
    return sorted(claims, key=lambda each: known_ids.index(each.id))


@lru_cache(maxsize=64)
def _run_file(file: Path, _changed: int) -> tuple[Claim, ...]:
    kept, _COLLECTED[:] = list(_COLLECTED), []
    try:
        spec = importlib.util.spec_from_file_location(f"checks_{file.stem}", file)
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module  # dataclasses of a check look their module up
        # from the source: compiled files are told apart by the second and the size only
        exec(compile(file.read_bytes(), str(file), "exec"), module.__dict__)
        return tuple(_COLLECTED)
    finally:
        _COLLECTED[:] = kept


def places(chapter: str, folder: Path = CHECKS) -> dict[str, str]:
    """{label: heading} of the labelled headings and admonitions of a chapter, from its notebook.

    Empty where the notebook does not stand beside the checks, as in an installed package.
    """
    notebook = Path(folder).parent / f"{chapter}.ipynb"
    if not notebook.is_file():
        return {}
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    text = "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    headings = re.findall(r"^\(([\w-]+)\)=\s*\n+#+ (.*)", text, flags=re.M)
    boxes = re.findall(
        r"^[`:]{3,}\{admonition\} (.*)\n(?::.*\n)*?:name: ([\w-]+)", text, flags=re.M
    )
    return {label: title.strip() for label, title in headings + [(b, a) for a, b in boxes]}


def defects(chapter: str, folder: Path = CHECKS, *, run: bool = True) -> list[str]:
    """What is wrong with a chapter's claims, a sentence each with file and line; empty when all is
    well.

    Every claim of the chapter in the register is decided, at a heading of the chapter, by a check
    that passes with the truth, fails with the control, and has a value for every number that the
    text prints. ``run=False`` leaves the checks out. The attacks are `attack.attacked`.
    """
    entries, headings = register(folder), places(chapter, folder)
    claims = load_chapter(chapter, folder)
    decided = {each.id for each in claims}
    file = f"{chapter.replace('-', '_')}.py"
    found = [
        f"{file}: {id}: the register puts it in {chapter}, which does not decide it"
        for id, entry in entries.items()
        if entry["chapter"] == chapter and id not in decided
    ]
    for each in claims:
        if entries[each.id]["chapter"] != chapter:
            found.append(
                f"{each.at}: {each.id}: belongs to {entries[each.id]['chapter']}, not to {chapter}"
            )
        if headings and each.where not in headings:
            found.append(
                f"{each.at}: {each.id}: where: expected the label of a heading of {chapter}.ipynb, "
                f"one of {', '.join(headings)}, got {each.where!r}"
            )
        if each.verdict == "opinion":
            found += [f"{each.at}: {each.id}: {d}" for d in unquoted(each.correct, each.fact, {})]
        if each.verdict == "opinion" or (each.check is None and each.citation) or not run:
            continue
        found += [f"{each.at}: {each.id}: {defect}" for defect in _defects_of_check(each)]
    return found


def _defects_of_check(each: Claim) -> list[str]:
    if each.check is None:
        return ["has no check: decorate one with this claim"]
    found = []
    try:
        evidence = each.evidence()
        if not evidence.passed:
            found.append(f"the check refuses the truth; it found {dict(evidence.numbers)}")
        else:
            found += unquoted(each.correct, each.fact, evidence.quotes)
            found += decreed(each.check)
    except Exception as error:
        found.append(f"the check of the truth raised {error!r}")
    try:
        if each.control_evidence().passed:
            found.append(f"the check cannot fail: it passes {each.control_name!r}")
    except Exception as error:
        found.append(f"the check of the control raised {error!r}")
    return found


def run_check(each: Claim, statement: Any) -> Evidence:
    """The evidence for a statement; TypeError where the check returns something else."""
    evidence = each.check(statement)
    if not isinstance(evidence, Evidence):
        raise TypeError(f"expected Evidence, got {type(evidence).__name__}")
    return evidence


# Counts


def every_claim(folder: Path) -> list[tuple[str, Claim]]:
    """(chapter, claim) for all that is decided, in the order of the register."""
    found = [(c, each) for c in written_chapters(folder) for each in load_chapter(c, folder)]
    place = {id: i for i, id in enumerate(register(folder))}
    return sorted(found, key=lambda pair: place[pair[1].id])


def disagreements(folder: Path = CHECKS) -> list[dict[str, Any]]:
    """The claims where the book's verdict is not the first audit's: id, chapter, verdict, audit,
    and the second audit's verdict where there is one."""
    entries = register(folder)
    return [
        {
            "id": each.id,
            "chapter": chapter,
            "verdict": each.verdict,
            "audit": entries[each.id]["audit"],
            "second_audit": entries[each.id].get("second_audit"),
        }
        for chapter, each in every_claim(folder)
        if entries[each.id]["audit"] not in (None, each.verdict)
    ]


def summary(folder: Path = CHECKS) -> dict[str, Any]:
    """Counts: `total` and `decided` claims, `by_verdict` and `by_source` (decided ones), and
    `disagreements` with the first audit."""
    entries, claims = register(folder), [each for _, each in every_claim(folder)]
    verdicts = Counter(each.verdict for each in claims)
    sources = Counter(entries[each.id]["source"] for each in claims)
    return {
        "total": len(entries),
        "decided": len(claims),
        "by_verdict": {v: verdicts[v] for v in VERDICTS},
        "by_source": dict(sorted(sources.items())),
        "disagreements": len(disagreements(folder)),
    }
