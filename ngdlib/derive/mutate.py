"""What mutates: a derivation with one mistake in it must be refused."""

from __future__ import annotations

import itertools
import random
import warnings
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import sympy as sp
from scipy.integrate import quad
from sympy.matrices import MatrixBase
from sympy.matrices.expressions.matexpr import MatrixExpr

from ngdlib.derive.compute import samples
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
    dice = random.Random(f"mutant:{d.name}:{step.number}")
    if step.relation == "solve" or step.order != original.order:
        pairs = d.pairs(step)
    else:
        sides = ((step.lhs, original.lhs), (step.rhs, original.rhs))
        pairs = [(d.unfold(a), d.unfold(b)) for a, b in sides if a != b]
    try:
        for left, right in pairs:
            for case in d.cases(left, right):
                found = samples(d, step, left, right, case, dice)
                for a, b, point, _ in itertools.islice(found, 2):
                    here = {s: sp.Float(str(round(float(v), 6)), 90) for s, v in point.items()}
                    if any(_differ(x, y, here, step) for x, y in zip(a, b, strict=True)):
                        return True
    except (ValueError, TypeError, ZeroDivisionError, NotImplementedError, Undecided):
        return False
    return False


def _differ(x: Any, y: Any, point: Mapping, step: Step) -> bool:
    def gap(at: Mapping) -> Any:
        return abs(_value(x, at) - _value(y, at))

    if step.order is None:
        return not gap(point) < 1e-6
    large, small = (gap({**point, step.var: sp.Float(f"1e-{k}", 90)}) for k in (3, 5))
    return small > 1e-45 and float(sp.log(large / small, 10)) / 2 < step.order - 0.3


@lru_cache(maxsize=4000)
def _derived(x: Any) -> Any:
    return x.doit(simplify=False)  # of derivatives; they are only evaluated


def _value(x: Any, point: Mapping) -> Any:
    """The value of a scalar expression, apart from `number`: derivatives by sympy's rules,
    integrals by scipy."""

    def integrated(node: Any) -> Any:
        node = node.as_integral() if isinstance(node, E) else node
        ((variable, low, high),) = node.limits
        body = sp.lambdify(variable, put(node.function, point).doit(), modules=["scipy", "numpy"])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a mutant's integral may diverge
            return sp.Float(quad(body, float(low), float(high))[0])

    x = x.replace(
        lambda e: isinstance(e, sp.Integral) or (isinstance(e, E) and not e.discrete), integrated
    )
    x = _derived(x).subs(point)
    found = sp.N(x.doit() if x.has(*UNEVALUATED) else x, 60)
    if not found.is_number or found.has(sp.nan, sp.zoo, sp.oo):
        raise ValueError(f"{found} is no number")
    return found
