"""Reading what is given as an answer: a string, a number, a sympy expression, rows of a matrix.

Nothing in an answer is evaluated by Python.
"""

from __future__ import annotations

import math
import numbers
import re
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from ngdlib.exercises.reading.grammar import (
    FUNCTIONS,
    MAX_NODES,
    AnswerError,
    Tree,
    canonical,
    parse,
    unknown_name,
)


def read(answer: Any, names: Sequence[str], polynomial: bool = False) -> Tree:
    """The tree of a string, a number or a sympy expression. Raises AnswerError."""
    if isinstance(answer, str):
        return parse(answer, names, polynomial)
    if isinstance(answer, np.ndarray) and answer.size == 1:
        answer = answer.item()
    if isinstance(answer, numbers.Real) and not isinstance(answer, (bool, np.bool_)):
        if isinstance(answer, numbers.Rational):
            return parse(f"({answer.numerator})/({answer.denominator})", ())
        if not math.isfinite(answer):
            raise AnswerError("A finite number is expected.", 0)
        return parse(repr(float(answer)), ())
    sympy = sys.modules.get("sympy")
    if sympy is not None and isinstance(answer, sympy.Expr):
        return _Sympy(sympy, names).tree(answer)
    raise AnswerError(f"A formula is expected here, not {type(answer).__name__}.", 0)


class _Sympy:
    """A sympy expression as a tree of the grammar: a walk over its nodes, nothing evaluated."""

    def __init__(self, sympy: Any, names: Sequence[str]) -> None:
        self.sp = sympy
        self.names = {canonical(n): n for n in names}
        self.left = 2 * MAX_NODES

    def tree(self, x: Any) -> Tree:
        sp = self.sp
        self.left -= 1
        if self.left < 0:
            raise AnswerError("This formula is too long: simplify it.", 0)
        if isinstance(x, sp.Symbol):
            if canonical(x.name) not in self.names:
                raise AnswerError(unknown_name(x.name, self.names), 0)
            return ("var", self.names[canonical(x.name)])
        if isinstance(x, sp.Rational):
            return parse(f"({x.p})/({x.q})" if x.q != 1 else f"({x.p})", ())
        if isinstance(x, sp.Float):
            return read(float(x), ())
        if x is sp.pi or x is sp.E:
            return ("const", "pi" if x is sp.pi else "e")
        if isinstance(x, (sp.Add, sp.Mul)):
            op = "+" if isinstance(x, sp.Add) else "*"
            out = self.tree(x.args[0])
            for part in x.args[1:]:
                out = (op, out, self.tree(part))
            return out
        if isinstance(x, sp.Pow):
            return ("^", self.tree(x.base), self.tree(x.exp))
        name = FUNCTIONS.get(type(x).__name__.lower(), "")
        if isinstance(x, sp.Function) and name and len(x.args) == 1:
            inner = self.tree(x.args[0])
            if name.startswith("1/"):
                return ("/", ("num", "1"), ("fn", name[2:], inner))
            return ("fn", name, inner)
        raise AnswerError(f"“{type(x).__name__[:20]}” is not known here.", 0)


def read_rows(text: str) -> list[list[tuple[str, int]]]:
    """The entries of a matrix and where each begins: [[a, b], [c, d]], [a, b; c, d], or a LaTeX
    matrix environment. Raises AnswerError."""
    begin = re.match(r"\s*\$*\s*\\begin\{([a-zA-Z]*matrix)\}", text)
    if begin:
        end = text.find(f"\\end{{{begin[1]}}}")
        if end < 0:
            raise AnswerError("This matrix is never closed.", 0)
        rows = _split(text, begin.end(), end, "\\\\")
        rows = [r for r in rows if text[r[0] : r[1]].strip()]
        return [[_entry(text, *e) for e in _split(text, a, b, "&")] for a, b in rows]
    low, high = _strip(text, 0, len(text))
    if text[low : low + 1] != "[" or text[high - 1 : high] != "]" or high - low < 2:
        raise AnswerError("Write a matrix as [[a, b], [c, d]].", low)
    low, high = low + 1, high - 1
    inner = _strip(text, low, high)
    if text[inner[0] : inner[0] + 1] == "[" and text[inner[1] - 1] == "]":
        rows = []
        for a, b in _split(text, *inner, ","):
            a, b = _strip(text, a, b)
            if b - a < 2 or text[a] != "[" or text[b - 1] != "]":
                raise AnswerError("Write a matrix as [[a, b], [c, d]].", a)
            rows.append((a + 1, b - 1))
    else:
        rows = _split(text, low, high, ";")
    return [[_entry(text, *e) for e in _split(text, a, b, ",")] for a, b in rows]


def _entry(text: str, low: int, high: int) -> tuple[str, int]:
    low, high = _strip(text, low, high)
    return text[low:high], low


def _strip(text: str, low: int, high: int) -> tuple[int, int]:
    while low < high and text[low] in " \t\n\r":
        low += 1
    while low < high and text[high - 1] in " \t\n\r":
        high -= 1
    return low, high


def _split(text: str, low: int, high: int, at: str) -> list[tuple[int, int]]:
    """The parts of text[low:high] between `at`s that stand in no bracket."""
    out, depth, start, i = [], 0, low, low
    while i < high:
        c = text[i]
        depth += (c in "([{") - (c in ")]}")
        if depth < 0:
            raise AnswerError(f"This {c} closes nothing.", i)
        if depth == 0 and text.startswith(at, i):
            out.append((start, i))
            i += len(at)
            start = i
        else:
            i += 1
    if depth:
        raise AnswerError("A bracket is never closed.", low)
    return [*out, (start, high)]


def rows_of(answer: Any) -> list[list[tuple[Any, int]]]:
    """Rows of (entry, position); a vector is a row of its own."""
    if isinstance(answer, str):
        return _even(read_rows(answer))
    sympy = sys.modules.get("sympy")
    if sympy is not None and isinstance(answer, sympy.MatrixBase):
        answer = answer.tolist()
    if isinstance(answer, np.ndarray):
        answer = answer.tolist() if answer.ndim else [answer.tolist()]
    if not isinstance(answer, (list, tuple)) or not answer:
        raise AnswerError("A matrix is expected: [[a, b], [c, d]].", 0)
    if not any(isinstance(row, (list, tuple)) for row in answer):
        answer = [answer]
    if not all(isinstance(row, (list, tuple)) for row in answer):
        raise AnswerError("All rows of a matrix must be lists.", 0)
    out = [[(entry, 0) for entry in row] for row in answer]
    return _even(out)


def _even(rows: list[list[tuple[Any, int]]]) -> list[list[tuple[Any, int]]]:
    if not rows or not rows[0]:
        raise AnswerError("A matrix is expected: [[a, b], [c, d]].", 0)
    odd = next((row for row in rows if len(row) != len(rows[0])), None)
    if odd is not None:
        raise AnswerError("Every row needs as many entries.", odd[0][1] if odd else 0)
    return rows
