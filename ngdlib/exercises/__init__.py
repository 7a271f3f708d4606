"""Exercises that answer back: reading, comparing and checking answers.

reading   what a person typed, as a tree: grammar.py, and grammar.js for the page
judging   whether it is right: values enclosed (intervals), two formulas compared (compare), an
          answer to an item scored and answered (items), the dice of both; beside each its
          JavaScript, and node.py, which runs that in Python's tests
sets      the files of questions: reading them (files, hidden), what an author is told and notebooks
          that are written (author: python -m ngdlib.exercises.sets.author), the table of objectives
page      the questions as they stand in a chapter: boxes.py writes them, page.js makes them answer
notebook  the reader's notebook: check("bernoulli.q1", answer) by the name of the question
          (answers), and its cells as they are written (cells)
classroom  handing out to a class, collecting, grading in a sandbox, giving back

Sets lean on judging, judging on reading; page and notebook lean on all three, classroom on all.
"""

from ngdlib.exercises.judging.compare import Verdict, Witness, compare
from ngdlib.exercises.judging.items import Result, check_item, draw, points
from ngdlib.exercises.notebook.answers import Checked, check, solution, summary, variant
from ngdlib.exercises.page.boxes import boxes, progress
from ngdlib.exercises.reading.grammar import AnswerError, latex, parse

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
