"""The ledger: what the sources claim, what the book's own checks decide.

A check is one function, fed a statement as data:

    @claim("S1-22", verdict="holds", where="the-score", paraphrase="...", correct="...",
           truth=score, control=score_with_the_wrong_sign, control_name="the sign flipped")
    def mean_of_the_score(statement) -> Evidence:
        ...
        return Evidence(passed=worst < 1e-12, numbers={"largest mean": worst}, says="...")

Called with `truth` it must pass; called with `control`, the source's own false version or a named
popular error, it must fail. A check that cannot fail is a defect.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

VERDICTS = (
    "holds",
    "holds under conditions",
    "first order only",
    "false as stated",
    "empirical",
    "opinion",
)


@dataclass(frozen=True)
class Evidence:
    """What a check found.

    passed   does the statement under test agree with what was computed?
    numbers  {what: value}, finite or infinite floats: the numbers that decide
    says     one sentence for the reader
    """

    passed: bool
    numbers: Mapping[str, float] = field(default_factory=dict)
    says: str = ""

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
    check: Callable[[Any], Evidence] | None = None
    truth: Any = None
    control: Any = None
    control_name: str = ""
    reasons: str = ""
    citation: str = ""

    def evidence(self) -> Evidence:
        """The check run now, on the statement that the book asserts."""
        return self.check(self.truth)

    def control_evidence(self) -> Evidence:
        """The check run now, on the false statement that it must refuse."""
        return self.check(self.control)


_COLLECTED: list[Claim] = []


def claim(
    id: str,
    *,
    verdict: str,
    where: str,
    paraphrase: str,
    correct: str,
    truth: Any = None,
    control: Any = None,
    control_name: str = "",
    reasons: str = "",
    citation: str = "",
) -> Callable[[Callable], Callable]:
    """Decide a claim by the decorated check.

    verdict       one of `VERDICTS`
    where         MyST label of the place in the chapter
    paraphrase    the claim in the book's own words
    correct       the correct statement, a full sentence
    truth, control  the statement under test as the book asserts it, and a false version of it
    control_name  what the false version is
    reasons       for an opinion, instead of a check
    citation      for an empirical claim that a publication decides: its key in references.bib

    Raises ValueError for an unknown verdict or an empty text.
    """
    if verdict not in VERDICTS:
        raise ValueError(f"verdict: expected one of {VERDICTS}, got {verdict!r}")
    texts = {"id": id, "where": where, "paraphrase": paraphrase, "correct": correct}
    if verdict == "opinion":
        texts["reasons"] = reasons
    elif not citation:
        texts["control_name"] = control_name
    for name, text in texts.items():
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f"{name}: expected a text for claim {id!r}, got {text!r}")

    def register(check: Callable) -> Callable:
        _COLLECTED.append(
            Claim(
                id, verdict, where, paraphrase, correct, None if verdict == "opinion" else check,
                truth, control, control_name, reasons, citation,
            )
        )  # fmt: skip
        return check

    return register


def opinion(id: str, *, where: str, paraphrase: str, correct: str, reasons: str) -> None:
    """Record an opinion: no check could decide it, reasons are given instead."""
    claim(
        id, verdict="opinion", where=where, paraphrase=paraphrase, correct=correct, reasons=reasons
    )(None)
