"""What computes: both sides of a line at random points of the domain, in high precision."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import mpmath as mp
import sympy as sp
from sympy.core.function import AppliedUndef

from ngdlib.derive.language import (
    MATRIX_KINDS,
    UNEVALUATED,
    DerivationError,
    E,
    Foreign,
    Undecided,
    names_in,
    nodes,
    put,
    rebuilt,
    scalars,
    size,
)

if TYPE_CHECKING:
    from ngdlib.derive.author import Derivation, Step

DIGITS = 50  # precision at which a step is checked numerically
EDGES = 4  # further ones, close to an end of the domain or far out
GUARD = 20  # digits beyond DIGITS, lost to cancellation and to numerical differentiation
POINTS = 6  # random points of the domain a step (and a listed case); 2 where integrals are met
TOLERANCE = mp.mpf(10) ** -30  # relative; closed forms
TOLERANCE_QUADRATURE = mp.mpf(10) ** -15  # relative; where an integral or infinite sum is met
#: The digits of each look at the sides, and how close they must be; before what rests on integrals
#: is computed at length, a look at low precision refuses what is plainly wrong.
LOOKS = {False: ((DIGITS + GUARD, TOLERANCE),), True: ((15, 1e-6), (DIGITS, TOLERANCE_QUADRATURE))}
NO_QUADRATURE = (
    "an integral is not computed closely enough to compare the sides: it converges too slowly, or "
    "has no value"
)


def check(
    d: Derivation, step: Step, sides: Sequence[int] = (1,)
) -> tuple[float, int, float | None, int]:
    """The largest residual, the number of points, the measured order of an expansion, and the
    digits of agreement that were demanded. An expansion is measured on these sides of 0.

    Raises DerivationError at a point where the line does not hold.
    """
    worst, count, slopes, demanded = mp.mpf(0), 0, [], TOLERANCE
    for left, right in d.pairs(step):
        slow = _by_quadrature(left) or _by_quadrature(right)
        demanded = max(demanded, TOLERANCE_QUADRATURE if slow else TOLERANCE)
        any_function = bool(nodes(left, AppliedUndef) | nodes(right, AppliedUndef))
        for case in d.cases(left, right):
            found = samples(d, step, left, right, case)
            edges = samples(d, step, left, right, case, "edges")
            found = itertools.chain(
                itertools.islice(found, 2 if slow else POINTS),
                itertools.islice(edges, 0 if slow or step.order or any_function else EDGES),
            )
            in_turn = itertools.cycle(sides)
            for a, b, point, shown in found:
                count += 1
                if step.relation == "expand":
                    slopes.append(_slope(d, step, a, b, point, shown, next(in_turn)))
                    continue
                for digits, least in LOOKS[slow]:
                    residual, scale = _residual(a, b, point, digits)
                    if residual <= scale * least:
                        continue
                    if _shaky(a, b, point, digits, residual):
                        if digits < DIGITS:
                            continue
                        raise Foreign(NO_QUADRATURE)
                    how = "the two sides differ" if mp.isfinite(residual) else "a side has no value"
                    raise DerivationError(d.name, step.number, how, float(residual), shown)
                worst = max(worst, residual)
    return float(worst), count, min(slopes, default=None), round(-float(mp.log10(demanded)))


def _slope(
    d: Derivation, step: Step, left: Any, right: Any, point: Point, shown: Mapping, side: int
) -> float:
    """The slope of log |left - right| against log |var| as var goes to 0 from a side, 1 or -1."""
    for scale in (6, 26):  # the second for what varies on a scale of its own, such as 1e-9
        digits = DIGITS + GUARD + (scale - 6) * (step.order + 1)
        near, nearer = (
            _residual(left, right, point.near(step.var, k, side), digits)[0]
            for k in (scale, scale + 2)
        )
        if nearer < mp.mpf(10) ** -(digits - 10):
            return math.inf  # no remainder at all
        slope = float(mp.log10(near / nearer) / 2) if mp.isfinite(near) else -math.inf
        if slope >= step.order - 0.05:
            break
    else:
        if _shaky(left, right, point.near(step.var, 6, side), DIGITS, near):
            raise Foreign(NO_QUADRATURE)
        raise DerivationError(
            d.name,
            step.number,
            f"expected a remainder of order {step.order}, measured order {slope:.2f}",
            float(near),
            {**shown, str(step.var): side * 1e-6},
        )
    return slope


class Point(dict):
    """The numbers of the symbols at a sample point, and the values that were found there: a line
    and its mutants are evaluated at the same points, and differ in one place only."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.found: dict[Any, Any] = {}

    def near(self, var: Any, k: int, side: int = 1) -> Point:
        """This point, with `var` at ±10^-k."""
        if (var, k, side) not in self.found:
            self.found[var, k, side] = Point({**self, var: side * mp.mpf(10) ** -k})
        return self.found[var, k, side]


def samples(
    d: Derivation,
    step: Step,
    left: Any,
    right: Any,
    case: Mapping,
    purpose: str = "",
) -> Iterator[tuple[list[Any], list[Any], Point, dict[str, Any]]]:
    """Both sides as scalars, and random points of the domain to evaluate them at, without end.

    Each purpose has points of its own. With "edges" every point is close to an end of the domain.
    Undefined functions are the same in every sample; so are matrices with "edges".
    """
    case_shown: dict[str, Any] = {str(k): float(v) for k, v in case.items()}
    left, right = put(left, case), put(right, case)
    heads = {f.func for side in (left, right) for f in nodes(side, AppliedUndef)}
    for head in sorted(heads, key=str):
        left, right = (_with_instance(d, step, head, side) for side in (left, right))
    matrices = nodes(left, sp.MatrixSymbol) | nodes(right, sp.MatrixSymbol)
    kinds = {put(m, case): kind for m, kind in d.domain.items() if kind in MATRIX_KINDS}
    instances: dict[Any, Any] = {}
    for k in itertools.count():
        seed = f"{purpose}:{d.name}:{step.number}:{k}"
        if k == 0 or (matrices and purpose != "edges"):
            for m in sorted(matrices, key=str):
                dice = random.Random(f"{seed}:{m}")
                instances[m] = _random_matrix(m, kinds.get(m, "any"), dice)
            sides = [scalars(put(side, instances)) for side in (left, right)]
            used = set().union(*(names_in(x) for side in sides for x in side)) - {step.var}
        key = (seed, tuple(case.items()), tuple(instances.values()))
        point = d.points.setdefault(key, Point())
        _place(point, d, used, case, seed, purpose == "edges")
        shown = {m.name: [[float(x) for x in row] for row in instances[m].tolist()]
                 for m in instances}  # fmt: skip
        shown |= {str(s): float(point[s]) for s in sorted(used, key=str)}
        yield *sides, point, case_shown | shown


def _with_instance(d: Derivation, step: Step, head: Any, x: Any) -> Any:
    """An expression with an undefined function replaced by a random one."""
    if head not in d.instances:
        random_one = _random_function(random.Random(f"{d.name}:{head}"))
        d.instances[head] = (_in_range(d, head, random_one), {})
    instance, done = d.instances[head]
    return rebuilt(x, lambda e: isinstance(e, head), lambda e: instance(*e.args), done)


def _place(point: Point, d: Derivation, used: set, case: Mapping, seed: str, edge: bool) -> None:
    """Give each symbol its random number, the same whatever else is used beside it."""
    listed = [
        s for s, w in d.domain.items()
        if isinstance(w, sp.Interval) and not isinstance(s, AppliedUndef) and s not in point
    ]  # fmt: skip
    rest = used - set(listed) - set(point)
    with mp.workdps(DIGITS + GUARD):
        for symbol in [*listed, *sorted(rest, key=str)]:
            where = d.sampled.get(symbol, d.where(symbol))
            low, high = (number(put(x, case), point) for x in (where.start, where.end))
            dice = random.Random(f"{seed}:{sp.srepr(symbol)}")
            point[symbol] = _random_number(low, high, dice, edge)


def number(x: Any, point: Mapping) -> Any:
    """The value of a scalar expression at a point, by mpmath at its present precision.

    Derivatives are taken numerically, integrals by quadrature and sums term by term, so that the
    check does not lean on sympy's own rules for them.
    """
    return _function(x)(point)


@lru_cache(maxsize=50000)
def _function(x: Any) -> Any:
    """An expression as a function of a point; made of those of its parts, which its mutants
    share."""
    if x.is_Symbol:
        return lambda point: point[x]
    if x.is_Integer:
        n = int(x)
        return lambda point: mp.mpf(n)
    if x.is_Rational:
        top, bottom = int(x.p), int(x.q)
        return lambda point: mp.mpf(top) / bottom
    if x in (sp.nan, sp.zoo):
        return lambda point: mp.nan
    if x in _NUMBERS:
        return lambda point: +_NUMBERS[x]
    if x.is_Add or x.is_Mul:
        first, *rest = map(_function, x.args)
        return _sum(first, rest) if x.is_Add else _product(first, rest)
    if x.is_Pow:
        return _power(*x.args)
    if isinstance(x, UNEVALUATED):
        return lambda point: _remembered(x, point)
    if isinstance(x, sp.Function | sp.Max | sp.Min) and not isinstance(x, sp.Piecewise):
        named, parts = _named(x.func, len(x.args)), [_function(a) for a in x.args]
        return lambda point: named(*(part(point) for part in parts))
    names, unevaluated, whole = _plan(x)
    inner = [_function(node) for node in unevaluated]
    return lambda point: whole(*(point[n] for n in names), *(part(point) for part in inner))


_NUMBERS = {sp.pi: mp.pi, sp.E: mp.e, sp.oo: mp.inf, -sp.oo: -mp.inf}


def _sum(first: Any, rest: list) -> Any:
    def value(point: Mapping) -> Any:
        total = first(point)
        for part in rest:
            total = total + part(point)
        return total

    return value


def _product(first: Any, rest: list) -> Any:
    def value(point: Mapping) -> Any:
        total = first(point)
        for part in rest:
            total = total * part(point)
        return total

    return value


def _power(base: Any, power: Any) -> Any:
    base = _function(base)
    if power.is_Integer:
        n = abs(int(power))
        return (lambda point: base(point) ** n) if power > 0 else lambda point: 1 / base(point) ** n
    if power in (sp.S.Half, -sp.S.Half):
        return (
            (lambda point: mp.sqrt(base(point)))
            if power > 0
            else lambda point: 1 / mp.sqrt(base(point))
        )
    exponent = _function(power)
    return lambda point: base(point) ** exponent(point)


@lru_cache(maxsize=500)
def _named(function: Any, arguments: int) -> Any:
    """The mpmath function of a named function, such as log."""
    dummies = [sp.Dummy() for _ in range(arguments)]
    return sp.lambdify(dummies, function(*dummies), modules="mpmath")


@lru_cache(maxsize=4000)
def _plan(x: Any) -> tuple[list, list, Any]:
    """The symbols and unevaluated parts of an expression, and the mpmath function of them."""
    inner = sorted(_outermost(x), key=sp.default_sort_key)
    dummies = [sp.Dummy() for _ in inner]
    x = x.xreplace(dict(zip(inner, dummies, strict=True)))
    names = sorted(x.free_symbols - set(dummies), key=str)
    texts = [str(n) for n in names]
    clash = len(set(texts)) < len(texts) or any(hasattr(mp, text) for text in texts)
    return names, inner, sp.lambdify([*names, *dummies], x, modules="mpmath", dummify=clash)


def _outermost(x: Any) -> set:
    """The unevaluated parts of an expression that are inside no other."""
    if isinstance(x, UNEVALUATED):
        return {x}
    return set().union(*(_outermost(a) for a in x.args)) if x.args else set()


def _remembered(node: Any, point: Mapping) -> Any:
    if not isinstance(point, Point):
        return _evaluate(node, point)
    key = (node, mp.mp.prec)
    if key not in point.found:
        point.found[key] = _evaluate(node, point)
    return point.found[key]


def _evaluate(node: Any, point: Mapping) -> Any:
    if isinstance(node, E):
        if node.discrete:
            return mp.fsum(number(w, point) * number(f, point) for w, f in node.terms())
        node = node.as_integral()
    if isinstance(node, sp.Derivative):
        names, orders = zip(*node.variable_count, strict=True)
        if not all(isinstance(n, sp.Symbol) for n in names):
            raise Undecided(f"{node} is not a derivative in a symbol")
        if not set(names) <= node.expr.free_symbols:
            return mp.mpf(0)

        def value(*coordinates: Any) -> Any:
            return number(node.expr, {**point, **dict(zip(names, coordinates, strict=True))})

        if len(names) == 1:
            return mp.diff(value, point[names[0]], int(orders[0]))
        return mp.diff(value, tuple(point[n] for n in names), tuple(map(int, orders)))
    if isinstance(node, sp.Subs):
        new = {v: number(p, point) for v, p in zip(node.variables, node.point, strict=True)}
        return number(node.expr, {**point, **new})
    *more, (variable, low, high) = node.limits  # the last limits are the outermost
    body = node.func(node.function, *more) if more else node.function
    low, high = number(low, point), number(high, point)

    def term(t: Any) -> Any:
        return number(body, {**point, variable: t})

    if isinstance(node, sp.Integral):
        try:
            return mp.quad(term, _parts(low, high))
        except ZeroDivisionError:  # a pole: the integral has no value, and the line is refused
            return mp.nan
    if mp.isinf(high):
        endless = mp.nsum if isinstance(node, sp.Sum) else mp.nprod
        return endless(term, [int(low), mp.inf])
    values = [term(mp.mpf(k)) for k in range(int(low), int(high) + 1)]
    return mp.fsum(values) if isinstance(node, sp.Sum) else mp.fprod(values)


_cut: list[float] = []  # where integrals are cut in two, as a part of the way


def _parts(low: Any, high: Any) -> list[Any]:
    if mp.isinf(low) and mp.isinf(high):
        return [low, *_cut, high]
    if mp.isinf(high):
        return [low, *(low + 1 + part for part in _cut), high]
    if mp.isinf(low):
        return [low, *(high - 1 - part for part in _cut), high]
    return [low, *(low + part * (high - low) for part in _cut), high]


def _shaky(left: list, right: list, point: Point, digits: int, residual: Any) -> bool:
    """Does a side change, by a hundredth of what they differ by, when integrals are cut in two and
    taken to more digits? Then it is the quadrature that is off, or an integral has no value."""
    sides = [*left, *right]
    if not any(map(_holds_integrals, sides)):
        return False
    with mp.workdps(digits):
        before = [number(x, point) for x in sides]
    _cut.append(0.37)
    try:
        with mp.workdps(digits + 2 * GUARD):
            after = [number(x, Point(point)) for x in sides]
    finally:
        _cut.clear()
    return not all(mp.fabs(x - y) <= residual / 100 for x, y in zip(before, after, strict=True))


def _residual(left: list, right: list, point: Mapping, digits: int) -> tuple[Any, Any]:
    """The largest difference of two lists of scalars, and the scale it is judged by."""
    with mp.workdps(digits):
        residual, scale = mp.mpf(0), mp.mpf(1)
        for x, y in zip(left, right, strict=True):
            a, b = number(x, point), number(y, point)
            residual = max(residual, mp.fabs(a - b)) if mp.isfinite(a - b) else mp.inf
            scale = max(scale, mp.fabs(a), mp.fabs(b))
        return residual, scale


@lru_cache(maxsize=4000)
def _by_quadrature(x: Any) -> bool:
    """Does the value of an expression rest on an integral or an infinite sum?"""
    return _holds_integrals(x) or any(
        limit[2] == sp.oo for node in x.atoms(sp.Sum) for limit in node.limits
    )


def _holds_integrals(x: Any) -> bool:
    return bool(nodes(x, sp.Integral)) or any(not e.discrete for e in nodes(x, E))


def _random_number(low: Any, high: Any, dice: random.Random, edge: bool) -> Any:
    """A point of the open interval; with `edge`, one close to an end of it, or far out."""
    part = mp.mpf(dice.uniform(0.04, 0.96))
    if edge:
        part = mp.mpf(10) ** -dice.uniform(3, 6)
        part = part if dice.random() < 0.5 else 1 - part
    if mp.isinf(low) and mp.isinf(high):
        return (2 * part - 1) * (12 if edge else 3)
    if mp.isinf(high):
        return low + part / (1 - part)
    if mp.isinf(low):
        return high - part / (1 - part)
    return low + (high - low) * part


def _random_matrix(matrix: Any, kind: str, dice: random.Random) -> sp.ImmutableMatrix:
    """A matrix of rational numbers."""
    rows, columns = size(matrix)
    m = sp.Matrix(rows, columns, lambda i, j: sp.Rational(dice.randint(-40, 40), 17))
    if kind == "symmetric":
        m = m + m.T
    if kind == "positive definite":
        m = m * m.T + sp.eye(rows) / 3
    if kind == "invertible":
        m = m + 7 * sp.eye(rows)
    return sp.ImmutableMatrix(m)


def _in_range(d: Derivation, head: Any, function: Any) -> Any:
    """The function, brought into the intervals that the domain gives its values."""
    ranges = {f: w for f, w in d.domain.items() if isinstance(f, AppliedUndef) and f.func == head}

    def instance(*args: Any) -> Any:
        value = function(*args)
        turn = sp.sin(value)  # between -1 and 1, so that nothing is lost to rounding far out
        for what, where in ranges.items():
            same = dict(zip(what.args, args, strict=True))
            if all(a == b or isinstance(a, sp.Symbol) for a, b in same.items()):
                low, high = (put(e, same) for e in (where.start, where.end))
                for f in low.atoms(AppliedUndef) | high.atoms(AppliedUndef):
                    if f.func == head:
                        low, high = (e.xreplace({f: instance(*f.args)}) for e in (low, high))
                if high == sp.oo:
                    return low + sp.exp(turn) if low != -sp.oo else value
                part = 1 / (1 + sp.exp(-turn))
                return low + (high - low) * part if low != -sp.oo else high - sp.exp(turn)
        return value

    return instance


def _random_function(dice: random.Random) -> Any:
    """A smooth function without special properties, standing for an undefined one."""
    a, b, c, *weights = (sp.Rational(dice.randint(20, 90), 60) for _ in range(9))

    def instance(*args: Any) -> Any:
        mix = sum(w * x for w, x in zip(itertools.cycle(weights), args, strict=False))
        return a * sp.exp(b * mix / 2) + c * sp.sin(mix + a) + b

    return instance
