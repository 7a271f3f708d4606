"""What is defined: a line must have a real value on the whole domain that is printed with it.

`conditions` reads off an expression what it needs (a logarithm a positive argument, a fraction a
denominator without zero), from the line as it is written, before anything cancels; `demand` proves
that on the domain, by the signs of `ngdlib.derive.signs`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from itertools import combinations
from typing import TYPE_CHECKING, Any

import sympy as sp
from sympy.core.evalf import PrecisionExhausted
from sympy.core.function import AppliedUndef
from sympy.core.relational import Relational
from sympy.matrices import MatrixBase
from sympy.matrices.expressions.matexpr import MatrixExpr

from ngdlib.derive.language import (
    BINDING,
    JUMPS,
    NO_NUMBER,
    E,
    Entry,
    Foreign,
    Undecided,
    canonical,
    nodes,
    put,
    scalars,
    spelled_out,
)
from ngdlib.derive.signs import Condition, Refuted, Space

if TYPE_CHECKING:
    from ngdlib.derive.author import Derivation, Step

# What an expression needs

_ONE = sp.S.One
_NEEDS: dict[Any, Any] = {
    sp.log: lambda x: [(x, "positive")],
    sp.asin: lambda x: [(_ONE - x, "nonnegative"), (_ONE + x, "nonnegative")],
    sp.acos: lambda x: [(_ONE - x, "nonnegative"), (_ONE + x, "nonnegative")],
    sp.atanh: lambda x: [(_ONE - x, "positive"), (_ONE + x, "positive")],
    sp.LambertW: lambda x: [(x + sp.exp(-1), "nonnegative")],
    sp.acosh: lambda x: [(x - 1, "nonnegative")],
    sp.acot: lambda x: [(x, "nonzero")],
    sp.tan: lambda x: [(sp.cos(x), "nonzero")],
    sp.sec: lambda x: [(sp.cos(x), "nonzero")],
    sp.cot: lambda x: [(sp.sin(x), "nonzero")],
    sp.csc: lambda x: [(sp.sin(x), "nonzero")],
    sp.coth: lambda x: [(x, "nonzero")],
    sp.csch: lambda x: [(x, "nonzero")],
    sp.gamma: lambda x: [(x, "positive")],
    sp.loggamma: lambda x: [(x, "positive")],
    sp.polygamma: lambda x: [(x, "positive")],
    sp.factorial: lambda x: [(x + 1, "positive")],
}
_EVERYWHERE = (
    sp.exp, sp.sin, sp.cos, sp.sinh, sp.cosh, sp.tanh, sp.sech, sp.atan, sp.asinh, sp.erf, sp.erfc,
    sp.Abs, sp.sign, sp.Max, sp.Min, sp.Piecewise, sp.KroneckerDelta, sp.Heaviside, AppliedUndef,
)  # fmt: skip


def known(d: Derivation, sides: list[Any]) -> None:
    """It is known of every function where it is defined; raises Foreign, before a number is sought.
    A function of the listed values, such as a binomial coefficient, is a number by then."""
    for side in sides:
        if _unknown(side):
            for case in d.cases(side):
                if names := _unknown(canonical(spelled_out(put(side, case)))):
                    raise Foreign(
                        f"expected functions whose domain is known here, got {', '.join(names)}"
                    )


def _unknown(x: Any) -> list[str]:
    heads = {type(f) for f in nodes(x, sp.Function)}
    return sorted(h.__name__ for h in heads if not issubclass(h, (*_NEEDS, *_EVERYWHERE)))


def conditions(x: Any, strict: bool = False, bound: tuple = ()) -> Iterator[Condition]:
    """What `x` needs to be defined and real; `strict` inside a derivative, which needs more."""
    if isinstance(x, MatrixBase):
        for entry in x:
            yield from conditions(entry, strict, bound)
        return
    if not getattr(x, "args", ()) or isinstance(x, sp.MatrixSymbol | sp.Indexed):
        if x in NO_NUMBER:
            raise Foreign(f"expected real numbers, got {x}")
        return
    if isinstance(x, E) and x.discrete:
        for weight, value in x.terms(held=True):
            yield from conditions(weight, strict, bound)
            yield from conditions(value, strict, bound)
        return
    if isinstance(x, BINDING):
        bodies, inner = _bodies(x), bound
        counters: dict[Any, Any] = {}
        for variable, low, high in _limits(x):
            if isinstance(x, sp.Sum | sp.Product):
                low, high = put(low, counters), put(high, counters)
                if not all(end.is_infinite or end.is_integer for end in (low, high)):
                    raise Foreign(f"expected whole numbers as ends, got {x}")
                counters[variable] = counter = _counter(variable, low)
                bodies = [put(body, {variable: counter}, held=True) for body in bodies]
                variable = counter
            elif not (low == -sp.oo or high == sp.oo):
                yield Condition(high - low, "positive", inner)
            for end in (low, high):
                if not end.is_infinite:
                    yield from conditions(end, strict, inner)
            inner = (*inner, (variable, _between(x, low, high)))
        for body in bodies:
            yield from conditions(body, strict, inner)
        return
    if isinstance(x, sp.Derivative):
        yield from conditions(x.expr, True, bound)
        return
    if isinstance(x, sp.Subs):
        at = dict(zip(x.variables, x.point, strict=True))
        for needed in conditions(x.expr, strict, bound):
            yield needed._replace(expression=put(needed.expression, at))
        for point in x.point:
            yield from conditions(point, strict, bound)
        return
    if isinstance(x, sp.Inverse) or (isinstance(x, sp.MatPow) and x.exp.is_negative):
        yield Condition(x.base if isinstance(x, sp.MatPow) else x.arg, "invertible", bound)
    elif isinstance(x, sp.Pow):
        base, power = x.args
        if power.is_integer:
            if not power.is_nonnegative:
                yield Condition(base, "nonzero", bound)
        elif not base.is_positive:
            least = "nonnegative" if power.is_positive and not strict else "positive"
            yield Condition(base, least, bound)
    elif isinstance(x, sp.Function):
        for kind, needs in _NEEDS.items():
            if isinstance(x, kind):
                if len(x.args) > 1 and not (kind == sp.polygamma and x.args[0].is_Integer):
                    raise Foreign(f"expected functions whose domain is known here, got {x}")
                for needed, sign in needs(x.args[-1]):
                    yield Condition(needed, "positive" if strict else sign, bound)
                break
        else:
            if not isinstance(x, _EVERYWHERE) and not canonical(x).is_Rational:
                raise Foreign(f"expected functions whose domain is known here, got {x.func}")
    if strict:  # no derivative where two branches meet
        for meeting in kinks(x):
            yield Condition(meeting, "nonzero", bound)
    for part in x.args:
        if isinstance(x, sp.Piecewise):
            yield from conditions(part[0], strict, bound)
            for test in part[1].atoms(Relational):
                yield from conditions(test.lhs, False, bound)
                yield from conditions(test.rhs, False, bound)
        elif isinstance(part, sp.Basic):
            yield from conditions(part, strict, bound)
    if isinstance(x, sp.Piecewise) and sp.simplify(sp.Or(*(test for _, test in x.args))) != True:  # noqa: E712
        raise Foreign(f"expected a last branch (…, True) for all that is left, got {x}")


def _bodies(x: Any) -> list[Any]:
    """What stands under an integral, a sum or an expectation."""
    return [x.args[0], x.args[1][3]] if isinstance(x, E) else [x.function]


def _limits(x: Any) -> Iterator[tuple[Any, Any, Any]]:
    """The variables that it binds, the outermost first, with their ends in order."""
    for variable, low, high in reversed((x.as_integral() if isinstance(x, E) else x).limits):
        swapped = low == sp.oo or high == -sp.oo
        if isinstance(x, sp.Integral) and low.is_number and high.is_number:
            swapped = swapped or bool(low > high)
        yield (variable, high, low) if swapped else (variable, low, high)


def _between(x: Any, low: Any, high: Any) -> sp.Interval:
    counts = isinstance(x, sp.Sum | sp.Product)
    return sp.Interval(low, high) if counts else sp.Interval.open(low, high)


@lru_cache(maxsize=100)
def _counter(variable: Any, low: Any) -> sp.Symbol:
    """The index of a sum, which counts from a whole number."""
    if not low.is_integer:
        return variable
    above = {"positive": True} if low.is_positive else {}
    above = above or ({"nonnegative": True} if low.is_nonnegative else {})
    return sp.Symbol(variable.name, integer=True, **above)


def kinks(x: Any) -> list[Any]:
    """What vanishes where `x` passes from one branch to another."""
    if isinstance(x, sp.Abs | sp.sign | sp.Heaviside):
        return [x.args[0]]
    if isinstance(x, sp.KroneckerDelta):
        return [x.args[0] - x.args[1]]
    if isinstance(x, sp.Max | sp.Min):
        return [one - other for one, other in combinations(x.args, 2)]
    if isinstance(x, sp.Piecewise):
        tests = [test for _, condition in x.args for test in condition.atoms(Relational)]
        return [test.lhs - test.rhs for test in tests]
    return []


def spelled(x: Any, held: bool = False) -> Any:
    """A side with its sums over listed integers term by term, where it is no matrix."""
    return x if x.has(MatrixExpr) else spelled_out(x, held)


def check(d: Derivation, step: Step, sides: list[Any]) -> None:
    """Every side has a real value on the whole domain. Raises Refuted or Undecided."""
    seen: set[Any] = set()
    for side in sides:
        for case in d.cases(side):
            whole = spelled(put(side, case, held=True), held=True)
            entries = {e: Entry(e.base, e.indices) for e in whole.atoms(sp.Indexed)}
            for needed in conditions(whole):
                x = canonical(needed.expression)
                needed = needed._replace(expression=x.xreplace(entries) if entries else x)
                if needed not in seen:
                    seen.add(needed)
                    demand(d, needed, step.var, case)


def expectations(x: Any, bound: tuple = ()) -> Iterator[tuple[E, tuple]]:
    """The expectations in an expression, each with the variables bound around it."""
    parts = x if isinstance(x, MatrixBase) else x.args
    if isinstance(x, E):
        yield x, bound
    if isinstance(x, E) and x.discrete:
        parts = [part for pair in x.terms() for part in pair]
    elif isinstance(x, BINDING):
        for _, *ends in _limits(x):
            for end in ends:
                yield from expectations(end, bound)
        parts = _bodies(x)
        bound = (*bound, *((v, _between(x, *ends)) for v, *ends in _limits(x)))
    elif isinstance(x, sp.Subs):
        at = dict(zip(x.variables, x.point, strict=True))
        yield from ((put(e, at), inside) for e, inside in expectations(x.expr, bound))
        parts = x.point
    for part in parts:
        if isinstance(part, sp.Basic):
            yield from expectations(part, bound)


# Whether a condition holds


def closed(bound: tuple) -> tuple:
    """The intervals of what is bound, with their ends."""
    spans = ((v, where) for v, where in bound if isinstance(where, sp.Interval))
    return tuple((v, sp.Interval(where.start, where.end)) for v, where in spans)


def demand(d: Derivation, needed: Condition, var: Any = None, case: Mapping | None = None) -> None:
    """Prove a condition on the domain; with an expansion's `var`, wherever `var` is near enough 0.

    Raises Refuted, with a point where it fails, or Undecided.
    """
    key = (needed, var, frozenset((case or {}).items()))
    if key not in d.proved:
        _prove(d, needed, var, case)
        d.proved.add(key)


def _prove(d: Derivation, needed: Condition, var: Any, case: Mapping | None) -> None:
    x, within = needed.expression, needed.bound
    endless = any(end.is_infinite for _, where in within for end in where.args[:2])
    summed = var is not None and x.has(var) and any(x.has(variable) for variable, _ in within)
    if needed.sign == "invertible":
        if summed and endless:
            raise Undecided(f"it is not shown that {needed} in one neighbourhood of {var} = 0")
        if var is not None and not x.has(*JUMPS):  # there, and so all around it
            needed = Condition(put(x, {var: sp.S.Zero}).doit(), "invertible", closed(within))
        _demand_invertible(d, needed)
        return
    if isinstance(x, sp.Determinant) and needed.sign == "nonzero":
        if _invertible(d.within(within), x.arg):
            return
    x, needed = _determinants_positive(d, needed)
    written: dict[Any, Any] = {}
    if x.has(MatrixExpr):
        x, written = _entries_named(d, needed, case or {})
        diagonal = {e for m in written.values() for e in m.free_symbols if e.is_positive}
        above = tuple((e, sp.Interval.open(0, sp.oo)) for e in sorted(diagonal, key=str))
        needed = needed._replace(bound=(*needed.bound, *above))
    try:
        x = x.doit()
    except Exception:  # of sympy, which cannot take an integral or a derivative in it
        raise Undecided(f"it is not known whether {needed}") from None
    if var is None or not x.has(var):
        _prove_of(d, needed, x, needed.sign, case, written)
        return
    if summed:  # 1 + h·x for all x, and one range of h
        low, high = (sp.Rational(side, 100) if side in around(d, var) else 0 for side in (-1, 1))
        there = needed._replace(bound=((var, sp.Interval.open(low, high)), *needed.bound))
        with suppress(Refuted, Undecided):
            _prove_of(d, there, x, needed.sign, case, written)
            return
        if endless:
            raise Undecided(f"it is not shown that {needed} in one neighbourhood of {var} = 0")
        needed = needed._replace(bound=(*closed(within), *needed.bound[len(within) :]))
    for side in around(d, var):
        leading, sign = _leading(x, var, side, needed.sign)
        asked = needed if leading.is_number else Condition(leading, sign, needed.bound)
        _prove_of(d, asked, leading, sign, case, written)


def _prove_of(
    d: Derivation, needed: Condition, x: Any, sign: str, case: Mapping | None, written: Mapping
) -> None:
    """Prove the sign that a condition comes to. `written` are its matrices in their entries."""
    if x.has(*NO_NUMBER):
        raise Foreign("a part of the line has no value")
    if x.is_number:
        if not _is(needed, x, sign):
            raise Refuted(needed, {})
        return
    space = Space(d, x, needed.bound, case or {})
    if not any(_kind(d, m) == "invertible" for m in written):  # of which no sample is at hand
        space.refute(needed, sign, written)
    found = space.sign(space.expression)
    good = {"positive": found == 1, "nonzero": found in (1, -1), "nonnegative": found in (1, 0.5)}
    if not good[sign]:
        raise Undecided(f"it is not shown that {needed} on the whole domain")
    if sign != "nonnegative" or x.has(*JUMPS):  # which an open interval hands on to its ends
        for symbol, end in space.closed_ends():
            there = space.expression.subs(symbol, end)
            try:
                if there.has(*NO_NUMBER):
                    raise Refuted(needed, {})
                demand(d, Condition(there, sign, needed.bound), case=case)
            except Refuted as why:
                raise Refuted(needed, {space.named(symbol): end, **why.witness}) from None
            except Undecided:
                raise Undecided(f"it is not shown that {needed} at {symbol} = {end}") from None


def _is(needed: Condition, x: Any, sign: str) -> bool:
    if x.has(*NO_NUMBER, sp.I):
        return False
    try:
        value = x if x.is_Rational else x.evalf(30, maxn=300, strict=True)
    except PrecisionExhausted:  # it may be 0
        raise Undecided(f"it is not known whether {needed}") from None
    if not value.is_real:
        return False
    return bool({"positive": value > 0, "nonnegative": value >= 0, "nonzero": value != 0}[sign])


def around(d: Derivation, var: Any) -> list[int]:
    """On which sides of 0, 1 and -1, an expansion's variable is, however near; Undecided where 0 is
    not at its domain."""
    where = d.where(var)
    if isinstance(d.domain.get(var), tuple | sp.Range):
        raise Foreign(f"{var} has listed values, which do not come near 0")
    for distance in (-where.start, where.end):
        if distance != sp.oo:
            try:
                demand(d, Condition(distance, "nonnegative"))
            except (Refuted, Undecided):
                raise Undecided(f"{var} = 0 is not shown to be at or in its domain") from None
    right = [] if where.end.is_nonpositive else [1]
    return right if where.start.is_nonnegative else [*right, -1]


def _leading(x: Any, var: Any, side: int, sign: str) -> tuple[Any, str]:
    """The condition on `x` for small `var` on one side of 0: on its leading coefficient."""
    u = _beside(var)
    x = x.subs(var, side * u)
    for power in range(8):
        leading = x.subs(u, 0) if power == 0 else None
        if leading is None or leading.has(*NO_NUMBER):
            leading = sp.limit(sp.expand(x) / u**power, u, 0, "+")
        if leading.has(*NO_NUMBER):
            break
        if leading != 0 and sp.simplify(leading) != 0:
            return leading, ("nonzero" if sign == "nonzero" else "positive")
    raise Undecided(f"the sign of {x.subs(u, side * var)} near {var} = 0 is not known")


@lru_cache(maxsize=100)
def _beside(var: Any) -> sp.Dummy:
    return sp.Dummy(var.name, positive=True)


# Matrices


def _demand_invertible(d: Derivation, needed: Condition) -> None:
    if not _invertible(d.within(needed.bound), needed.expression):
        raise Undecided(f"{needed.expression} need not be invertible: say what it is in the domain")


def _determinants_positive(d: Derivation, needed: Condition) -> tuple[Any, Condition]:
    """A condition with each determinant of a positive definite matrix as a number above 0."""
    found = [e for e in nodes(needed.expression, sp.Determinant)]
    found = [e for e in found if _definite(d.within(needed.bound), e.arg) == 1]
    names = {e: sp.Dummy("det", positive=True) for e in found}
    above = tuple((name, sp.Interval.open(0, sp.oo)) for name in names.values())
    x = needed.expression.xreplace(names)
    return x, needed._replace(expression=x, bound=(*needed.bound, *above))


def _entries_named(d: Derivation, needed: Condition, case: Mapping) -> tuple[Any, dict]:
    """The expression in the entries of its matrices, and these. A positive definite matrix is L·Lᵀ
    for a lower triangular L with a positive diagonal, and every L gives one."""
    written: dict[Any, Any] = {}
    for m in sorted(nodes(needed.expression, sp.MatrixSymbol), key=str):
        rows, columns = (put(n, case) for n in m.shape)
        if not (rows.is_Integer and columns.is_Integer and max(rows, columns) <= 3):
            raise Undecided(f"it is not known whether {needed}")
        kind, entries = (
            _kind(d, m),
            sp.Matrix(rows, columns, lambda i, j, m=m: _entry(m.name, i, j)),
        )
        if kind == "positive definite":
            below = sp.Matrix(rows, rows, lambda i, j, e=entries: e[i, j] if j < i else 0)
            entries = below + sp.diag(*(_entry(m.name, i, i, True) for i in range(rows)))
            entries = entries * entries.T
        elif kind == "symmetric":
            entries = sp.Matrix(rows, rows, lambda i, j, e=entries: e[min(i, j), max(i, j)])
        written[m] = sp.ImmutableMatrix(entries)
    try:
        (x,) = scalars(put(needed.expression, written))
    except Exception:  # of sympy, which cannot write every matrix out
        raise Undecided(f"it is not known whether {needed}") from None
    return x, written


@lru_cache(maxsize=200)
def _entry(name: str, row: int, column: int, diagonal: bool = False) -> sp.Dummy:
    known = {"positive": True} if diagonal else {"real": True}
    return sp.Dummy(f"{name}_{row + 1}{column + 1}", **known)


def _positive(d: Derivation, scalar: Any, sign: str = "positive") -> bool:
    if scalar == 1:
        return True
    try:
        for part in conditions(scalar):
            demand(d, part)
        demand(d, Condition(scalar, sign))
    except (Refuted, Undecided):
        return False
    return True


def _kind(d: Derivation, matrix: Any) -> str:
    for known, kind in d.domain.items():
        if isinstance(known, sp.MatrixSymbol) and known.name == matrix.name:
            return kind
    return "any"


def is_of_kind(d: Derivation, x: Any, kind: str) -> bool:
    """Is a matrix shown to be of one of the kinds that a domain names?"""
    if kind == "positive definite":
        return _definite(d, x) == 1
    if kind == "invertible":
        return _invertible(d, x)
    return kind == "any" or x == x.T or _definite(d, x) > 0


def _factors(x: Any) -> tuple[Any, list[Any]]:
    """Scalar coefficient and matrix factors."""
    if not isinstance(x, sp.MatMul):
        return _ONE, [x]
    scalars = [a for a in x.args if not isinstance(a, MatrixExpr | MatrixBase)]
    return sp.Mul(*scalars), [a for a in x.args if isinstance(a, MatrixExpr | MatrixBase)]


def _invertible(d: Derivation, x: Any) -> bool:
    if isinstance(x, sp.Transpose | sp.Inverse):
        return _invertible(d, x.arg)
    if isinstance(x, sp.MatrixSymbol):
        return _kind(d, x) in ("positive definite", "invertible")
    if isinstance(x, sp.Identity):
        return True
    if isinstance(x, sp.MatPow):
        return _invertible(d, x.base)
    if isinstance(x, MatrixBase):
        return x.is_square and _positive(d, x.det(), "nonzero")
    scalar, factors = _factors(x)
    if isinstance(x, sp.MatMul) and all(f.shape[0] == f.shape[1] for f in factors):
        return _positive(d, scalar, "nonzero") and all(_invertible(d, f) for f in factors)
    return _definite(d, x) == 1


def _definite(d: Derivation, x: Any) -> float:
    """1: positive definite; 0.5: positive semidefinite; 0: not known."""
    if isinstance(x, sp.Identity):
        return 1
    if isinstance(x, sp.MatrixSymbol):
        return 1 if _kind(d, x) == "positive definite" else 0
    if isinstance(x, sp.Inverse | sp.Transpose):
        return 1 if _definite(d, x.arg) == 1 else 0
    if isinstance(x, sp.MatAdd):
        parts = [_definite(d, a) for a in x.args]
        return 0 if 0 in parts else max(parts)
    if isinstance(x, sp.MatMul):
        scalar, factors = _factors(x)
        whole = 1.0 if _positive(d, scalar) else 0.5 * _positive(d, scalar, "nonnegative")
        while whole and len(factors) > 1:
            if factors[0].T != factors[-1]:
                return 0
            square = factors[0].shape[0] == factors[0].shape[1]
            whole = whole if square and _invertible(d, factors[0]) else 0.5
            factors = factors[1:-1]
        return min(whole, _definite(d, factors[0])) if factors and whole else whole
    return 0
