"""The ledger: what the sources claim, what the book's own checks decide.

    registry   what a claim is; the files of checks; what is wrong with them
    attack     false versions made from each truth: the 1 % rule, and the trivial statements
    quotes     every number that a text prints, against what the check computed
    show       the box of a chapter, and the ledger

CONTRIBUTING.md, 'Add a claim', says how an author uses it.
"""

from ngdlib.claims.attack import KINDS, Attacked, attacked, attacks
from ngdlib.claims.registry import (
    CHECKS,
    SOURCES,
    VERDICTS,
    Claim,
    Evidence,
    Source,
    claim,
    defects,
    disagreements,
    load_chapter,
    opinion,
    places,
    register,
    summary,
    written_chapters,
)
from ngdlib.claims.show import Table, box, counts, exceptions, gathered, ledger, number, prose

__all__ = [
    "CHECKS",
    "KINDS",
    "SOURCES",
    "VERDICTS",
    "Attacked",
    "Claim",
    "Evidence",
    "Source",
    "Table",
    "attacked",
    "attacks",
    "box",
    "claim",
    "counts",
    "defects",
    "disagreements",
    "exceptions",
    "gathered",
    "ledger",
    "load_chapter",
    "number",
    "opinion",
    "places",
    "prose",
    "register",
    "summary",
    "written_chapters",
]
