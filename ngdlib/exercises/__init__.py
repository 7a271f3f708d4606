"""Exercises that answer back: reading, comparing and checking answers.

grammar    what a person typed, as a tree
intervals  the value of a tree at a point, enclosed
compare    two trees on a domain: equal, different at a witness, cannot tell
items      an answer to an item of an exercise set: score, kind, feedback, witness
dice       the one random generator of Python and JavaScript
author     the validator of exercise sets: python -m ngdlib.exercises.author
checker.js the same grammar, verdicts and feedback for the page
"""

from ngdlib.exercises.compare import Verdict, Witness, compare
from ngdlib.exercises.grammar import AnswerError, latex, parse
from ngdlib.exercises.items import Result, check_item, draw, points

__all__ = [
    "AnswerError",
    "Result",
    "Verdict",
    "Witness",
    "check_item",
    "compare",
    "draw",
    "latex",
    "parse",
    "points",
]
