"""What stands on a line by name: one symbol has one name, and what a symbol was made with stands in
the domain, which is printed. To sympy Symbol("x", positive=True) and Symbol("x") are two symbols,
and of the first it takes |x| = x for granted; a reader sees one letter, and only the domain."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import sympy as sp
from sympy.core.function import AppliedUndef

from ngdlib.derive.language import BINDING, E, Unfit, names_in, nodes, uses
from ngdlib.derive.typeset import latex

if TYPE_CHECKING:
    from ngdlib.derive.author import Derivation

_OF_ALL_NUMBERS = ("commutative", "real", "extended_real", "complex", "finite", "hermitian")
_A_REAL_FUNCTION = sp.Function("f", real=True)._kwargs.items()


def check(d: Derivation) -> None:
    """Raises Unfit where a name or an assumption would be read in another way than it is meant."""
    written = list(_written(d))
    symbols = set().union(*(nodes(x, sp.Symbol) for x in written))
    matrices = set().union(*(nodes(x, sp.MatrixSymbol) for x in written))
    printed: dict[str, Any] = {}
    for symbol in sorted(symbols, key=sp.srepr):
        name = _spelled(latex(symbol, tuple(d.tex.items())))
        other = printed.setdefault(name, symbol)
        if other != symbol:
            raise Unfit(
                f"names: expected one symbol that prints as {name}, got {sp.srepr(other)} and "
                f"{sp.srepr(symbol)}"
            )
    for matrix in matrices:
        if any(m.name == matrix.name and m.shape != matrix.shape for m in matrices):
            raise Unfit(f"names: expected one shape of the matrix {matrix}, got two")
    heads: dict[str, Any] = {}
    for f in sorted(set().union(*(nodes(x, AppliedUndef) for x in written)), key=sp.srepr):
        if f.func._kwargs.items() - _A_REAL_FUNCTION or f.func != heads.setdefault(
            f.func.__name__, f.func
        ):
            raise Unfit(
                f"names: expected one function that prints as {f.func.__name__}, of which only the "
                f"domain says more than that it is real, got one with assumptions: write "
                f"Function({f.func.__name__!r}), and {{{f}: …}} in the domain"
            )
    free = set(d.domain) | set().union(*map(names_in, written)) - _placeholders(d)
    for symbol in symbols - set().union(*(m.shape for m in matrices)):  # sizes are listed anyway
        for key, value in sorted(symbol._assumptions_orig.items()):
            if key not in _OF_ALL_NUMBERS or not value:
                _demand_said(d, symbol, key, value, written, symbol in free)


def _written(d: Derivation) -> Iterator[Any]:
    """All that is printed, but for definitions that no line uses."""
    for symbol, where in d.domain.items():
        yield symbol
        if isinstance(where, sp.Interval):
            yield from (where.start, where.end)
    rest, found = list(d.definitions), _lines(d)
    while found:
        yield from found
        used = [(w, m) for w, m in rest if any(uses(x, w) for x in found)]
        rest = [pair for pair in rest if pair not in used]
        found = [side for pair in used for side in pair]


def _lines(d: Derivation) -> list[Any]:
    parts = [part for s in d.steps for part in (*s.equations, s.lhs, s.rhs)]
    return [x for part in parts for x in (part if isinstance(part, tuple) else (part,))]


def _spelled(name: str) -> str:
    """θ and \\theta are one letter."""
    return "".join(
        "\\" + unicodedata.name(c).split()[-1].lower()
        if "GREEK SMALL LETTER" in unicodedata.name(c, "")
        else c
        for c in name
    )


class Span(NamedTuple):
    """Where a symbol has its values: between two ends; at the whole numbers alone, or at all."""

    low: Any
    high: Any
    left_open: bool
    right_open: bool
    whole: bool


def _placeholders(d: Derivation) -> set:
    """The arguments and places for which a definition holds, such as the k of p[k], which do not
    stand on the lines."""
    given = set()
    for what, _ in d.definitions:
        given.update(what.indices if isinstance(what, sp.Indexed) else getattr(what, "args", ()))
    return given - set().union(*map(names_in, _lines(d)))


def _demand_said(
    d: Derivation, symbol: Any, key: str, value: bool, written: list, free: bool
) -> None:
    """The domain of a symbol, or the ends that bind it, say what it was made with."""
    for place in _places(d, symbol, written, free):
        if not (value and _says(place, key.removeprefix("extended_"))):
            raise Unfit(
                f"domain: expected a condition for {symbol}, which was made with {key}={value}, "
                "got none that says so: only the domain is printed"
            )


def _places(d: Derivation, symbol: Any, written: list, free: bool) -> Iterator[Span | tuple]:
    """Each set of values that a symbol takes: in the domain, and where it is bound."""
    where = d.domain.get(symbol, sp.Interval(-sp.oo, sp.oo))
    if isinstance(where, sp.Interval):
        where = Span(where.start, where.end, where.left_open, where.right_open, False)
    elif isinstance(where, sp.Range):
        where = Span(where.start, where.stop - 1, False, False, True)
    if free:
        yield where
    for node in set().union(*(nodes(x, BINDING) for x in written)):
        for variable, low, high, *_ in [node.args[1]] if isinstance(node, E) else node.limits:
            if variable == symbol and isinstance(node, E) and node.discrete:
                yield tuple(low)
            elif variable == symbol:
                counts = isinstance(node, sp.Sum | sp.Product)
                yield Span(low, high, not counts, not counts, counts and bool(low.is_integer))


def _says(place: Span | tuple, key: str) -> bool:
    if not isinstance(place, Span):
        return all(getattr(v, f"is_{key}", None) for v in place)
    above = place.low.is_nonnegative and (place.left_open or place.low.is_positive)
    below = place.high.is_nonpositive and (place.right_open or place.high.is_negative)
    said = {
        "positive": above,
        "nonnegative": place.low.is_nonnegative,
        "negative": below,
        "nonpositive": place.high.is_nonpositive,
        "nonzero": above or below,
        "integer": place.whole,
        "rational": place.whole,
    }
    return bool(said.get(key))
