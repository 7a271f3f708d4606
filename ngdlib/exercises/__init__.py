"""Exercises that answer back: reading, comparing and checking answers.

grammar    what a person typed, as a tree
intervals  the value of a tree at a point, enclosed
compare    two trees on a domain: equal, different at a witness, cannot tell
items      an answer to an item of an exercise set: score, kind, feedback, witness
dice       the one random generator of Python and JavaScript
boxes      the questions as they stand in a chapter's page; page.js and page.css make them answer
answers    check("bernoulli.q1", answer) in a notebook, by the name of the question
notebook   the reader's notebook of a set
author     validates the sets and writes their notebooks: python -m ngdlib.exercises.author
checker.js the same grammar, verdicts and feedback for the page
"""

from ngdlib.exercises.answers import Checked, check, solution, summary, variant
from ngdlib.exercises.boxes import boxes, progress
from ngdlib.exercises.compare import Verdict, Witness, compare
from ngdlib.exercises.grammar import AnswerError, latex, parse
from ngdlib.exercises.items import Result, check_item, draw, points

__all__ = [
    "AnswerError",
    "Checked",
    "Result",
    "Verdict",
    "Witness",
    "boxes",
    "check",
    "check_item",
    "compare",
    "draw",
    "latex",
    "parse",
    "points",
    "progress",
    "solution",
    "summary",
    "variant",
]
