"""What is solved: `equation ⟹ unknown = solution` means that there is no other solution.

`verify` substitutes the solution back (that it is one); here it is shown that it lies in its
domain and that no other point of the domain solves the equation: the system is linear with an
invertible matrix, or strictly monotone in its unknown, or a polynomial whose other factors vanish
nowhere, or an initial value problem of first order with smooth coefficients.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.matrices.expressions.matexpr import MatrixExpr

from ngdlib.derive.domain import Condition, Refuted, conditions, demand, is_of_kind
from ngdlib.derive.domain import check as check_domain
from ngdlib.derive.language import BINDING, JUMPS, E, Undecided, nodes, put

if TYPE_CHECKING:
    from ngdlib.derive.author import Derivation, Step


def check(d: Derivation, step: Step) -> None:
    """No other point of the domain solves the equations, and the solution is one of its points.

    Raises Refuted or Undecided.
    """
    for unknown, solution in zip(step.lhs, step.rhs, strict=True):
        _inside(d, step, unknown, d.unfold(solution))
    equations = [d.unfold(put(e.lhs, {}), step.lhs) - d.unfold(e.rhs, step.lhs)
                 if not isinstance(e.lhs, MatrixExpr)
                 else d.unfold(e.lhs, step.lhs) + -1 * d.unfold(e.rhs, step.lhs)
                 for e in step.equations]  # fmt: skip
    if any(isinstance(u, sp.MatrixSymbol) for u in step.lhs):
        if len(step.lhs) > 1 or len(equations) > 1:
            raise Undecided("one matrix equation in one unknown matrix can be decided")
        _matrix(d, equations[0], step.lhs[0])
        return
    functions = [u for u in step.lhs if isinstance(u, AppliedUndef)]
    if any(nodes(e, sp.Derivative) & _binding(e, functions) for e in equations):
        _initial_value(d, step)
        return
    if any(_binding(e, step.lhs) - nodes(e, sp.Derivative) for e in equations):
        raise Undecided("what stands under an integral or a sum is not solved for")
    if any(e.has(*JUMPS) for e in equations):
        raise Undecided("an equation that jumps may have another solution behind the jump")
    names = {u: u if isinstance(u, sp.Symbol) else sp.Dummy(str(u)) for u in step.lhs}
    equations = [e.doit().xreplace(names) for e in equations]
    if any(
        isinstance(f, AppliedUndef) and f.func == u.func
        for e in equations
        for f in nodes(e, AppliedUndef)
        for u in functions
    ):
        raise Undecided("the unknown function stands there at other places, too")
    for case in d.cases(*equations):
        case = {s: value for s, value in case.items() if s not in step.lhs}
        _scalars(d, [put(e, case) for e in equations], list(names.values()), step, case)


def _binding(x: Any, unknowns: Iterable) -> set:
    """The derivatives, integrals and sums in which an unknown stands."""
    found = nodes(x, (sp.Derivative, *BINDING))
    found = {n for n in found if any(n.has(u) for u in unknowns)}
    return {n for n in found if not (isinstance(n, E) and n.discrete)}


def _inside(d: Derivation, step: Step, unknown: Any, solution: Any) -> None:
    """The solution lies in the domain of its unknown."""
    where = d.domain.get(unknown)
    if isinstance(where, tuple | sp.Range):
        values = list(where) if isinstance(where, tuple) else []
        if solution not in values:
            raise Undecided(f"it is not shown that {unknown} = {solution} is in its domain")
    check_domain(d, step, [solution])
    if isinstance(where, str) and not is_of_kind(d, solution, where):
        raise Undecided(f"it is not shown that {solution} is {where}, as {unknown} is")
    if not isinstance(where, sp.Interval):
        return
    for case in d.cases(solution):
        value = put(solution, case)
        low, high = (d.unfold(put(end, case)) for end in (where.start, where.end))
        if low != -sp.oo:
            sign = "positive" if where.left_open else "nonnegative"
            demand(d, Condition(value - low, sign), case=case)
        if high != sp.oo:
            sign = "positive" if where.right_open else "nonnegative"
            demand(d, Condition(high - value, sign), case=case)


# Scalars


def _scalars(
    d: Derivation, equations: list[Any], unknowns: list[Any], step: Step, case: Mapping
) -> None:
    if len(equations) < len(unknowns):
        raise Undecided(f"{len(equations)} equations do not determine {len(unknowns)} unknowns")
    slopes = sp.Matrix([[sp.diff(e, u).doit() for u in unknowns] for e in equations])
    slopes = slopes.applyfunc(lambda s: sp.simplify(s) if s.has(*unknowns) else s)
    if not slopes.has(*unknowns):
        why: Exception = Undecided("")
        for rows in itertools.combinations(range(len(equations)), len(unknowns)):
            try:
                _nowhere_zero(d, slopes.extract(list(rows), list(range(len(unknowns)))).det(), case)
                return
            except (Refuted, Undecided) as found:
                why = found
        raise why
    if len(unknowns) > 1:
        raise Undecided("a system that is not linear is not decided")
    (unknown,), (solution,) = unknowns, (d.unfold(put(s, case)) for s in step.rhs)
    for equation in equations:
        if _one_root(d, equation, unknown, solution, case):
            return
    raise Undecided(f"the equation may have other solutions than {unknown} = {solution}")


def _one_root(d: Derivation, equation: Any, unknown: Any, solution: Any, case: Mapping) -> bool:
    above = sp.numer(sp.together(equation))
    for form in dict.fromkeys((equation, above, sp.factor(above))):
        with suppress(Refuted, Undecided):
            _nowhere_zero(d, sp.diff(form, unknown), case)
            return True
    for form in dict.fromkeys((equation, sp.factor(above))):
        zeros = [f for f in sp.Mul.make_args(form) if not _is_nowhere_zero(d, f, case)]
        if 0 < len(zeros) < len(sp.Mul.make_args(form)):  # the others take no root away
            return _one_root(d, sp.Mul(*zeros), unknown, solution, case)
    rest = sp.expand(above)
    if not rest.is_polynomial(unknown):
        return False
    divided = False
    for _ in range(8):
        quotient, remainder = sp.div(rest, unknown - solution, unknown)
        if sp.simplify(remainder) != 0:
            break
        rest, divided = sp.simplify(quotient), True
        if not rest.has(unknown):
            break
    if not divided:
        return False
    with suppress(Refuted, Undecided):
        _nowhere_zero(d, sp.factor(rest), case)
        return True
    return False


def _is_nowhere_zero(d: Derivation, x: Any, case: Mapping) -> bool:
    with suppress(Refuted, Undecided):
        _nowhere_zero(d, x, case)
        return True
    return False


def _nowhere_zero(d: Derivation, x: Any, case: Mapping) -> None:
    for needed in conditions(x):
        demand(d, needed, case=case)
    demand(d, Condition(x, "nonzero"), case=case)


# Matrices


def _matrix(d: Derivation, equation: Any, unknown: Any) -> None:
    """The equation is linear, C·unknown + rest = 0, and C is invertible."""
    terms = sp.expand(equation).doit()
    terms = terms.args if isinstance(terms, sp.MatAdd) else (terms,)
    coefficients = []
    for term in terms:
        if not term.has(unknown):
            continue
        factors = term.args if isinstance(term, sp.MatMul) else (term,)
        if factors[-1] != unknown or any(f.has(unknown) for f in factors[:-1]):
            raise Undecided(f"the equation is not of the form matrix · {unknown} = …")
        rest = factors[:-1]
        if all(not isinstance(f, MatrixExpr) for f in rest):
            rest = (*rest, sp.Identity(unknown.shape[0]))
        coefficients.append(sp.MatMul(*rest) if len(rest) > 1 else rest[0])
    if not coefficients:
        raise Undecided(f"nothing is left of {unknown} in the equation")
    whole = sp.MatAdd(*coefficients) if len(coefficients) > 1 else coefficients[0]
    for case in d.cases(whole):
        demand(d, Condition(put(whole, case), "invertible"), case=case)


# Initial values


def _initial_value(d: Derivation, step: Step) -> None:
    """a f′ = b on an interval, with one value of f: by Picard and Lindelöf f is the only one.

    a and b are continuous on the domain, and a is nowhere zero there; b is linear in f and a free
    of it, or both have derivatives in f, whatever it may be. The value is given in the domain or
    at its end, where all this holds too.
    """
    told = "the equation has many solutions: give a value, as in Eq(f(0), 1)"
    if len(step.lhs) != 1 or not isinstance(step.lhs[0], AppliedUndef) or len(step.equations) != 2:
        raise Undecided(told)
    f = step.lhs[0]
    if len(f.args) != 1:
        raise Undecided(f"a differential equation in one variable can be decided, got {f}")
    (t,) = f.args
    law, value = sorted(step.equations, key=lambda e: not e.has(sp.Derivative))
    slope = sp.Derivative(f, t)
    if not law.has(slope) or value.has(sp.Derivative) or value.has(f):
        raise Undecided(told)
    starts = [g for g in value.atoms(AppliedUndef) if g.func == f.func]
    if len(starts) != 1:
        raise Undecided(told)
    c, y, p = (sp.Dummy(name, real=True) for name in ("c", str(f), "p"))
    given = (value.lhs - value.rhs).xreplace({starts[0]: c})
    if given.has(t) or given.has(AppliedUndef) or sp.diff(given, c).has(c):
        raise Undecided(f"expected one value of {f}, as in Eq(f(0), 1), got {value}")
    demand(d, Condition(d.unfold(sp.diff(given, c)), "nonzero"))
    where, start = d.where(t), starts[0].args[0]
    if not (start.is_number and where.start <= start <= where.end):
        raise Undecided(f"{f} is not given at a point of its domain")
    flat = sp.expand((law.lhs - law.rhs).xreplace({slope: p}).xreplace({f: y}))
    a, b = sp.diff(flat, p), flat.subs(p, 0)
    if flat.has(AppliedUndef, sp.Derivative) or a.has(p):
        raise Undecided(f"the equation is not of the form a·{slope} = b")
    linear = not (a.has(y) or sp.diff(b, y).has(y))
    parts = [d.unfold(x) for x in ((a, sp.diff(b, y), b.subs(y, 0)) if linear else (a, b))]
    if any(part.has(*JUMPS) for part in parts):
        raise Undecided(f"the equation jumps in {t}")
    values = () if linear else ((y, d.where(f)),)
    first = {t: start, y: d.unfold(-given.subs(c, 0) / sp.diff(given, c))}
    wanted = [needed for part in parts for needed in conditions(part, not linear, values)]
    for needed in (*wanted, Condition(parts[0], "nonzero", values)):
        demand(d, needed)
        try:
            demand(d, needed._replace(expression=put(needed.expression, first)))
        except (Refuted, Undecided):
            raise Undecided(f"{needed} does not hold where {starts[0]} is given") from None
