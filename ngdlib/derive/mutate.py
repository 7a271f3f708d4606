"""What mutates: a derivation with one mistake in it must be refused."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import mpmath as mp
import sympy as sp
from scipy.integrate import quad
from sympy.matrices import MatrixBase
from sympy.matrices.expressions.matexpr import MatrixExpr

from ngdlib.derive.compute import Point, samples
from ngdlib.derive.language import UNEVALUATED, E, Undecided, put

if TYPE_CHECKING:
    from ngdlib.derive.author import Derivation, Step


def mutants(d: Derivation) -> Iterator[tuple[str, Derivation]]:
    """Derivations with one mistake in them, each with what was done: every one must be refused.

    The mistakes: a sign flipped, a factor or a term dropped, a factor inverted, a chart swapped
    (q for 1 - q, two variables exchanged), the order of a remainder raised. A change that leaves
    the line true is no mistake, and is left out: that is decided by sympy's own numerical
    evaluation, apart from `verify`. The same derivation gives the same mutants.
    """
    for step in d.steps:
        seen: set[Any] = {(step.lhs, step.rhs, step.order)}
        for what, changed in _mistakes(d, step):
            key = (changed.lhs, changed.rhs, changed.order)
            if key not in seen and _is_wrong(d, changed, step):
                yield f"step {step.number}: {what}", d.with_step(changed)
            seen.add(key)


def _mistakes(d: Derivation, step: Step) -> Iterator[tuple[str, Step]]:
    if step.relation == "solve":
        for i, (unknown, side) in enumerate(zip(step.lhs, step.rhs, strict=True)):
            for kind, what, new in _mistakes_in(d, side):
                rhs = (*step.rhs[:i], new, *step.rhs[i + 1 :])
                yield f"{kind} in {unknown}: {what}", replace(step, rhs=rhs)
        return
    for kind, what, new in _mistakes_in(d, step.rhs):
        yield f"{kind} on the right: {what}", replace(step, rhs=new)
    if not step.chained:
        for kind, what, new in _mistakes_in(d, step.lhs):
            yield f"{kind} on the left: {what}", replace(step, lhs=new)
    if step.order is not None:
        yield "order of the remainder raised", replace(step, order=step.order + 1)


def _mistakes_in(d: Derivation, x: Any) -> Iterator[tuple[str, Any, Any]]:
    return itertools.chain(_local_mistakes(x), _swapped_charts(d, x))


def _local_mistakes(x: Any) -> Iterator[tuple[str, Any, Any]]:
    """Mistakes at every node, outermost first."""
    if not isinstance(x, MatrixBase) and x != 0:
        yield "sign flipped", x, -x
    if isinstance(x, sp.Add | sp.MatAdd):
        for i, term in enumerate(x.args):
            rest = [*x.args[:i], *x.args[i + 1 :]]
            yield "term dropped", term, x.func(*rest)
    if isinstance(x, sp.Mul | sp.MatMul):
        for i, factor in enumerate(x.args):
            if factor == -1:
                continue
            rest = [*x.args[:i], *x.args[i + 1 :]]
            if not isinstance(factor, MatrixExpr | MatrixBase):
                yield "factor dropped", factor, x.func(*rest)
                yield "factor inverted", factor, x.func(*rest, 1 / factor)
            elif isinstance(factor, sp.Inverse):
                rest.insert(i, factor.arg)
                yield "factor inverted", factor, x.func(*rest)
    if isinstance(x, sp.Integer | sp.Rational) and x not in (0, 1, -1):
        yield "factor dropped", x, sp.S.One
    heads = 1 if isinstance(x, (*UNEVALUATED, sp.Lambda)) else len(x.args)
    if isinstance(x, MatrixBase):
        for i in range(len(x)):
            for kind, what, new in _local_mistakes(x[i]):
                entries = list(x)
                entries[i] = new
                yield kind, what, sp.ImmutableMatrix(*x.shape, entries)
    elif not isinstance(x, sp.Indexed | sp.MatrixSymbol):
        for i, part in enumerate(x.args[:heads]):
            for kind, what, new in _local_mistakes(part):
                with suppress(ValueError, TypeError):  # e.g. a matrix power of a half
                    yield kind, what, x.func(*x.args[:i], new, *x.args[i + 1 :])


def _swapped_charts(d: Derivation, x: Any) -> Iterator[tuple[str, Any, Any]]:
    symbols = sorted((s for s in x.free_symbols if isinstance(s, sp.Symbol)), key=str)
    symbols = [s for s in symbols if not isinstance(d.domain.get(s), tuple | sp.Range)]
    for s in symbols:
        if d.domain.get(s) == sp.Interval.open(0, 1):
            yield "chart swapped", f"{s} for 1 - {s}", put(x, {s: 1 - s})
        if d.domain.get(s) == sp.Interval.open(0, sp.oo):
            yield "chart swapped", f"{s} for 1/{s}", put(x, {s: 1 / s})
    for s, t in itertools.combinations(symbols, 2):
        yield "chart swapped", f"{s} and {t} exchanged", put(x, {s: t, t: s})


def _is_wrong(d: Derivation, step: Step, original: Step) -> bool:
    """Is a changed line false? Where the line it came from is true, it is false where what was
    changed has another value: by `evalf` of sympy and quadrature of scipy, which `verify` does
    not use. What cannot be evaluated is not a line of mathematics and no mutant."""
    if step.relation == "solve" or step.order != original.order:
        pairs = d.pairs(step)
    else:
        sides = ((step.lhs, original.lhs), (step.rhs, original.rhs))
        pairs = [(d.unfold(a), d.unfold(b)) for a, b in sides if a != b]
    try:
        for left, right in pairs:
            for case in d.cases(left, right):
                found = samples(d, step, left, right, case, "mutant")
                for a, b, point, _ in itertools.islice(found, 2):
                    if any(_differ(x, y, point, step) for x, y in zip(a, b, strict=True)):
                        return True
    except (ValueError, TypeError, ZeroDivisionError, NotImplementedError, Undecided):
        return False
    return False


def _differ(x: Any, y: Any, point: Point, step: Step) -> bool:
    if x == y:
        return False

    def gap(at: Point) -> Any:
        return abs(_value(x, at) - _value(y, at))

    if step.order is None:
        return not gap(point) < 1e-6
    large, small = (gap(point.near(step.var, k)) for k in (3, 5))
    return small > 1e-45 and float(sp.log(large / small, 10)) / 2 < step.order - 0.3


def _value(x: Any, point: Point) -> Any:
    """The value of a scalar expression, apart from `number`: by sympy's own arithmetic, node by
    node, derivatives by sympy's rules, integrals by scipy."""
    found = sp.N(_valued(x, point), 60)
    if not found.is_number or found.has(sp.nan, sp.zoo, sp.oo):
        raise ValueError(f"{found} is no number")
    return found


def _valued(x: Any, point: Point) -> Any:
    key = ("evalf", x)
    if key not in point.found:
        point.found[key] = _valued_anew(x, point)
    return point.found[key]


def _valued_anew(x: Any, point: Point) -> Any:
    if x.is_Symbol and x in point:
        return sp.Float(mp.nstr(point[x], 30), 90)
    if x.is_NumberSymbol:
        return x.evalf(90)
    if not x.args:
        return x
    if isinstance(x, E) and x.discrete:
        return sp.Add(*(_valued(w, point) * _valued(f, point) for w, f in x.terms()))
    if isinstance(x, E | sp.Integral):
        return _by_scipy(x.as_integral() if isinstance(x, E) else x, point)
    if isinstance(x, sp.Derivative):
        return _valued(_derived(x), point)
    if isinstance(x, sp.Subs):
        return _valued(
            _derived(x.expr).xreplace(dict(zip(x.variables, x.point, strict=True))), point
        )
    if isinstance(x, sp.Sum | sp.Product | sp.Piecewise):
        return x.doit().subs(point)
    return x.func(*(_valued(a, point) for a in x.args))


@lru_cache(maxsize=4000)
def _derived(x: Any) -> Any:
    return x.doit(simplify=False)  # of derivatives; they are only evaluated


def _by_scipy(integral: Any, point: Point) -> Any:
    ((variable, low, high),) = integral.limits
    others = integral.function.free_symbols - {variable}
    body = put(integral.function, {s: _valued(s, point) for s in others}).doit()
    body = sp.lambdify(variable, body, modules=["scipy", "numpy"])
    ends = (float(_valued(end, point)) for end in (low, high))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a mutant's integral may diverge
        return sp.Float(quad(body, *ends)[0])
