"""What stands on a line: expressions that print unevaluated, replacement, unfolding, sizes."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.matrices import MatrixBase
from sympy.matrices.expressions.matexpr import MatrixElement, MatrixExpr

MATRIX_KINDS = ("any", "symmetric", "positive definite", "invertible")


class DerivationError(Exception):
    """A step that does not follow.

    name      the derivation
    step      its number, from 1
    residual  how far the two sides differ at the witness point; 0 where they agree there, but
              sympy could not prove it
    witness   the point, a dict from names to numbers (None where there is none)
    """

    def __init__(
        self, name: str, step: int, message: str, residual: float, witness: dict[str, Any] | None
    ) -> None:
        at = ", ".join(f"{k} = {v}" for k, v in (witness or {}).items())
        said = [f"residual {residual:.3g}"] if 0 < residual < math.inf else []
        said += [f"at {at}"] if at else []
        more = f" ({' '.join(said)})" if said else ""
        told = re.sub(r"\b_(?=\w)", "", f"{message}{more}")  # sympy's mark of a symbol of our own
        super().__init__(f"{name}, step {step}: {told}")
        self.name, self.step, self.residual, self.witness = name, step, residual, witness


class Undecided(Exception):
    """Sympy can neither prove nor refute that an expression vanishes."""


class Foreign(Undecided):
    """What there is no rule for: a smaller step would not help."""


class Unfit(ValueError):
    """Input of another form than was expected, seen only when it is used."""


class E(sp.Expr):
    """The expectation of an expression, unevaluated: prints as 𝔼, is a sum or an integral.

    E(f, (y, [0, 1], [1 - q, q]))      over the values of y, with their probabilities
    E(f, (x, -oo, oo, density))        over an interval, with a density

    Raises ValueError for an `over` of another form, or for values and probabilities that differ
    in number.
    """

    is_commutative = True

    def __new__(cls, integrand: Any, over: tuple) -> E:
        if not isinstance(over, tuple | sp.Tuple) or len(over) not in (3, 4):
            raise ValueError(
                "over: expected (variable, values, probabilities) or (variable, low, high, "
                f"density), got {over!r}"
            )
        if len(over) == 3 and not all(isinstance(p, list | tuple | sp.Tuple) for p in over[1:]):
            raise ValueError(f"over: expected lists of values and probabilities, got {over!r}")
        if not isinstance(over[0], sp.Symbol):
            raise ValueError(f"over: expected a symbol first, got {over[0]!r}")
        if len(over) == 3:
            values, weights = (_numbers(part, over) for part in over[1:])
            if len(values) != len(weights):
                raise ValueError(
                    f"over: expected one probability per value, got {len(values)} values and "
                    f"{len(weights)} probabilities"
                )
            over = (over[0], values, weights)
        return sp.Expr.__new__(cls, sp.sympify(integrand), sp.Tuple(*over))

    @property
    def variable(self) -> sp.Symbol:
        return self.args[1][0]

    @property
    def discrete(self) -> bool:
        return len(self.args[1]) == 3

    @property
    def bound_symbols(self) -> list:
        return [self.variable]

    @property
    def free_symbols(self) -> set:
        return set().union(*(a.free_symbols for a in self.args)) - {self.variable}

    def terms(self, held: bool = False) -> list[tuple[Any, Any]]:
        """(probability, integrand) at each outcome of a discrete variable; `held` as in `put`."""
        integrand, (y, values, weights) = self.args
        pairs = zip(values, weights, strict=True)
        return [(put(w, {y: v}, held=held), put(integrand, {y: v}, held=held)) for v, w in pairs]

    def as_integral(self) -> sp.Integral:
        integrand, (x, low, high, density) = self.args
        return sp.Integral(integrand * density, (x, low, high))

    def doit(self, **hints: Any) -> Any:
        if self.discrete:
            return sp.Add(*(w * f for w, f in self.terms())).doit(**hints)
        return self.as_integral().doit(**hints)

    def _eval_subs(self, old: Any, new: Any) -> Any:
        return self if old == self.variable else None

    def _latex(self, printer: Any) -> str:
        variable, inner = printer._print(self.variable), printer._print(self.args[0])
        return rf"\mathbb{{E}}_{{{variable}}}\left[{inner}\right]"

    def _sympystr(self, printer: Any) -> str:
        return f"E_{self.variable}[{printer._print(self.args[0])}]"


def _numbers(part: Any, over: tuple) -> sp.Tuple:
    listed = [sp.sympify(x) if not isinstance(x, list | tuple) else None for x in part]
    if not all(isinstance(x, sp.Expr) and not isinstance(x, MatrixExpr) for x in listed):
        raise ValueError(f"over: expected lists of numbers or scalar expressions, got {over!r}")
    return sp.Tuple(*listed)


BINDING = (sp.Integral, sp.Sum, sp.Product, E)
UNEVALUATED = (E, sp.Derivative, sp.Integral, sp.Sum, sp.Product, sp.Subs)


#: What sympy shortens when it makes it: x/x is 1 to it, and nothing is left of the zero below.
SHORTENED = (sp.Add, sp.Mul, sp.Pow, sp.Function, sp.Max, sp.Min)
#: What is a number by the time that it counts: places and ends.
COUNTED = (sp.Indexed, sp.KroneckerDelta, sp.core.relational.Relational)


def put(x: Any, replacements: Mapping, capture: bool = False, held: bool = False) -> Any:
    """`x` with parts replaced: leaves bound variables alone, and evaluates no derivative, integral,
    sum or expectation. What a derivative is taken in stays: the derivative is taken first.

    A bound variable that stands in what is put in is renamed first, unless with `capture`: the
    meaning of a name, such as the score s of an outcome y, is bound by an expectation over y.
    With `held` nothing cancels: what a line needs to be defined can be read off it.
    """
    x = sp.sympify(x)
    how = (capture, held)
    return _put(x, replacements, how, _done(frozenset(replacements.items()), how))


@lru_cache(maxsize=800)
def _done(replacements: frozenset, how: tuple) -> dict:
    """What `put` made of each expression: a line and its mutants differ in one place only."""
    return {}


def _put(x: Any, replacements: Mapping, how: tuple, done: dict) -> Any:
    if x in replacements:
        return sp.sympify(replacements[x])
    if not x.args or not replacements:
        return x
    if x not in done:
        done[x] = _put_inside(x, replacements, how, done)
    return done[x]


def made(x: Any, args: list, held: bool) -> Any:
    """As `x`, of other parts; with `held` nothing is shortened."""
    if all(a is b for a, b in zip(args, x.args, strict=True)):
        return x
    return x.func(*args, evaluate=False) if held and isinstance(x, SHORTENED) else x.func(*args)


def _put_inside(x: Any, replacements: Mapping, how: tuple, done: dict) -> Any:
    capture, held = how
    if held and isinstance(x, COUNTED):
        return put(x, replacements, capture)
    bound = set(getattr(x, "bound_symbols", ()))
    if bound & set(replacements):
        replacements = {k: v for k, v in replacements.items() if k not in bound}
        done = _done(frozenset(replacements.items()), how)
    if bound and not capture and not isinstance(x, sp.Lambda):
        there = set().union(*(getattr(a, "free_symbols", set()) for a in x.args))
        coming = [sp.sympify(v) for k, v in replacements.items() if _occurs(k, x, there)]
        clash = bound & set().union(*(v.free_symbols for v in coming)) if coming else set()
        if clash:
            x = x.xreplace({b: sp.Dummy(b.name, **b._assumptions_orig) for b in clash})
    if isinstance(x, sp.Derivative) and (moved := _moved(x, replacements, how)):
        return moved
    args = [_put(a, replacements, how, done) for a in x.args]
    if held and isinstance(x, sp.Sum | sp.Product | sp.Integral):
        args[1:] = [put(limit, replacements, capture) for limit in x.args[1:]]
    return made(x, args, held)


def _moved(x: Any, replacements: Mapping, how: tuple) -> Any:
    """A derivative that is taken first and then put elsewhere, where it must be: at x = q that of
    x·q in x is q, not that of q²; at x = 2 there is nothing left to take it in."""
    free, variables = x.expr.free_symbols, [v for v, _ in x.variable_count]
    places = {v: sp.sympify(replacements.get(v, v)) for v in variables}
    rest = {k: v for k, v in replacements.items() if k not in places}
    if how[0]:  # the meaning of a name may depend on what the derivative is taken in
        places = {v: at for v, at in places.items() if v in replacements}
    there = free - set(places) - set(rest)
    coming = [sp.sympify(v) for k, v in rest.items() if _occurs(k, x.expr, free)]
    there = there.union(*(v.free_symbols for v in coming))
    if len(set(places.values())) < len(places):
        raise Foreign(f"{x} is not known where two of its letters come to one place")
    if there & set(places.values()):
        inner = {v: sp.Dummy(str(v)) for v in places}
        body = put(x.expr, {**rest, **inner}, *how)
        slope = sp.Derivative(body, *((inner.get(v, v), n) for v, n in x.variable_count))
        return sp.Subs(slope, tuple(inner.values()), tuple(places.values()))
    places = {v: at for v, at in places.items() if v in replacements}
    if all(isinstance(at, sp.Indexed | sp.Symbol) for at in places.values()):
        return None
    return sp.Subs(put(x, rest, *how), tuple(places), tuple(places.values()))


#: What stands on a line, beside functions: those are looked at where their arguments are known.
HELD = (
    sp.Symbol, sp.Rational, sp.NumberSymbol, sp.Add, sp.Mul, sp.Pow, sp.Function, sp.Indexed,
    sp.IndexedBase, sp.Determinant, sp.Trace, sp.Permanent, sp.DotProduct, MatrixExpr,
    MatrixBase, MatrixElement, sp.UnevaluatedExpr, sp.Max, sp.Min, *UNEVALUATED,
)  # fmt: skip
TERMS = 1000  # of a sum or product that is written out
#: Functions that jump: what holds between the ends of an interval need not hold at them.
JUMPS = (sp.sign, sp.Heaviside, sp.Piecewise, sp.KroneckerDelta)
NO_NUMBER = (sp.oo, -sp.oo, sp.nan, sp.zoo)  # legal as ends; elsewhere "no number", says `domain`
_TESTS = (sp.core.relational.Relational, sp.And, sp.Or, sp.Not, sp.true.func, sp.false.func)


def as_sympy(x: Any) -> Any:
    """As a sympy object, left exactly as written; matrices immutable. ValueError for what no line
    can hold: a float, a limit, a complex number, a set, an integral without ends."""
    if isinstance(x, bool | str | float):
        raise ValueError(
            f"expression: expected a sympy expression or an integer, got {x!r} "
            "(write Rational(1, 2) for 0.5)"
        )
    x = x if x is None else sp.sympify(x)
    x = sp.ImmutableMatrix(x) if isinstance(x, MatrixBase) else x
    strange = () if isinstance(x, sp.Expr | MatrixBase) else (x, "")
    strange = strange or _strange(x)
    if strange:
        part, advice = strange
        raise ValueError(
            "expression: expected real numbers, symbols, functions, derivatives, integrals, sums, "
            f"expectations or matrices, got {str(part)[:80]}{advice}"
        )
    return x


@lru_cache(maxsize=50000)
def _strange(x: Any) -> tuple:
    """The first part of an expression that no line can hold, and what to write in its place."""
    if isinstance(x, sp.MatrixSymbol) or x in NO_NUMBER:
        return ()
    if isinstance(x, sp.Float):
        return x, " (write Rational(1, 2) for 0.5)"
    if isinstance(x, sp.Limit | sp.Order):
        return x, " (write what is left out: `expand`)"
    if isinstance(x, sp.Subs) and len(set(x.point)) < len(x.point):
        return x, " (no two letters at one place: sympy takes them for one)"
    if isinstance(x, sp.Integral | sp.Sum | sp.Product) and any(len(e) != 3 for e in x.limits):
        return x, " (give it two ends: (x, 0, 1))"
    if not isinstance(x, HELD) or not (x.is_commutative or not isinstance(x, sp.Symbol)):
        return x, ""
    if isinstance(x, sp.Function | sp.Pow | sp.MatPow) and not isinstance(x, AppliedUndef):
        numbers = x.args[1:] if isinstance(x, sp.MatPow) else x.args
        if any(isinstance(part, MatrixExpr | MatrixBase) for part in numbers):
            return x, " (a function of numbers, not of matrices)"
    if isinstance(x, sp.Derivative) and not all(
        isinstance(v, sp.Symbol | sp.Indexed) for v in x.variables
    ):
        entries = ", entry by entry" if x.has(MatrixExpr) else ""
        return x, f" (a derivative in a symbol{entries})"
    return next((found for part in _parts(x) if (found := _strange(part))), ())


def _parts(x: Any) -> Iterable:
    """What an expression is made of: limits, branches and their tests taken apart."""
    if isinstance(x, MatrixBase):
        return x
    if isinstance(x, sp.Piecewise):
        return [part for branch in x.args for part in (branch[0], *_sides(branch[1]))]
    if isinstance(x, UNEVALUATED):
        return [part for arg in x.args for part in _flat(arg)]
    if isinstance(x, MatrixExpr):  # a Lambda is a function of its entries, or of their places
        parts = [part for arg in x.args for part in _flat(arg)]
        return [part.expr if isinstance(part, sp.Lambda) else part for part in parts]
    return x.args


def _flat(x: Any) -> list:
    return [part for arg in x for part in _flat(arg)] if isinstance(x, sp.Tuple) else [x]


def _sides(test: Any) -> tuple:
    """What a condition compares; itself where it is none that can be computed."""
    if not isinstance(test, _TESTS):
        return (test,)
    if isinstance(test, sp.core.relational.Relational):
        return test.args
    return tuple(side for part in test.args for side in _sides(part))


def shape(x: Any) -> tuple:
    shape = tuple(x.shape) if isinstance(x, MatrixExpr | MatrixBase) else ()
    return () if shape == (1, 1) else shape


def uses(x: Any, what: Any) -> bool:
    if isinstance(what, AppliedUndef):
        return x.has(what.func)
    return x.has(what.base) if isinstance(what, sp.Indexed) else what in x.free_symbols


@lru_cache(maxsize=50000)
def nodes(x: Any, kind: Any) -> frozenset:
    """The parts of a kind, as `atoms`: found once in what a line and its mutants share."""
    found = frozenset().union(*(nodes(a, kind) for a in x.args if isinstance(a, sp.Basic)))
    return found | {x} if isinstance(x, kind) else found


@lru_cache(maxsize=20000)
def names_in(x: Any) -> frozenset:
    """The symbols that an expression depends on, and those of the sizes of its matrices."""
    return frozenset(x.free_symbols).union(*(m.shape for m in nodes(x, sp.MatrixSymbol)))


def unfold_one(x: Any, what: Any, meaning: Any, held: bool = False) -> Any:
    if isinstance(what, AppliedUndef):

        def is_it(e: Any) -> bool:
            return isinstance(e, what.func)

        free = what.args
    elif isinstance(what, sp.Indexed):

        def is_it(e: Any) -> bool:
            return isinstance(e, sp.Indexed) and e.base == what.base

        free = what.indices
    else:
        return put(x, {what: meaning}, capture=True, held=held)

    def unfolded(e: Any) -> Any:
        given = e.args if isinstance(what, AppliedUndef) else e.indices
        return put(meaning, dict(zip(free, given, strict=True)), held=held)

    return rebuilt(x, is_it, unfolded, _unfolded(what, meaning, held), held)


@lru_cache(maxsize=800)
def _unfolded(what: Any, meaning: Any, held: bool) -> dict:
    return {}


def rebuilt(x: Any, is_it: Any, change: Any, done: dict, held: bool = False) -> Any:
    """`x` with each part that `is_it` changed, innermost first; `done` is kept for the next one."""
    if x not in done:
        args = [rebuilt(a, is_it, change, done, held) for a in x.args]
        new = made(x, args, held and not isinstance(x, COUNTED))
        done[x] = change(new) if is_it(new) else new
    return done[x]


def put_back(x: Any, solutions: Mapping) -> Any:
    """An equation's side with the solutions in the place of the unknowns; for an unknown f(t), of
    f(0) and of derivatives too."""
    functions = {
        u: s
        for u, s in solutions.items()
        if isinstance(u, AppliedUndef) and all(isinstance(a, sp.Symbol) for a in u.args)
    }
    for unknown, solution in functions.items():
        x = x.replace(
            unknown.func,
            lambda *a, u=unknown, s=solution: put(s, dict(zip(u.args, a, strict=True))),
        )
    return put(x, {u: s for u, s in solutions.items() if u not in functions})


@lru_cache(maxsize=20000)
def canonical(x: Any) -> Any:
    """The expression as sympy would order it; nothing in it is evaluated or simplified."""
    if isinstance(x, MatrixBase):
        return sp.ImmutableMatrix(*x.shape, [canonical(a) for a in x])
    if not x.args:
        return x
    args = [canonical(a) if isinstance(a, sp.Basic) else a for a in x.args]
    return x.func(*args)


def _occurs(what: Any, x: Any, free: set) -> bool:
    return what in free if isinstance(what, sp.Symbol) else x.has(what)


class Entry(sp.Symbol):
    """A scalar standing for one entry of an indexed symbol, such as p[2]."""

    def __new__(cls, base: Any, indices: tuple) -> Entry:
        entry = sp.Symbol.__xnew__(cls, f"{base}[{', '.join(map(str, indices))}]")
        entry.base = base
        return entry


def scalars(x: Any) -> list[Any]:
    """A side as a list of scalars: matrices entry by entry, and entries of indexed symbols,
    in sums over a listed size too, as symbols."""
    return list(_scalars(x))


@lru_cache(maxsize=4000)
def _scalars(x: Any) -> tuple:
    if isinstance(x, MatrixExpr | MatrixBase) or x.has(MatrixExpr):
        try:
            if isinstance(x, MatrixExpr):
                size(x)
            x = x.replace(_of_expression, lambda e: e.func(e.arg.as_explicit()).doit()).doit()
            x = x.as_explicit() if isinstance(x, MatrixExpr) else x
        except Unfit:
            raise
        except Exception as why:
            raise Foreign(f"sympy cannot write out {str(x)[:200]}") from why
    x = spelled_out(x)
    if x.has(sp.Indexed):
        x = x.xreplace({e: Entry(e.base, e.indices) for e in x.atoms(sp.Indexed)})
    return tuple(x) if isinstance(x, MatrixBase) else (x,)


def _of_expression(x: Any) -> bool:
    """Is it the determinant, permanent or trace of a matrix that is not written out?"""
    return isinstance(x, sp.Determinant | sp.Permanent | sp.Trace) and isinstance(x.arg, MatrixExpr)


def spelled_out(x: Any, held: bool = False) -> Any:
    """Sums and products over listed integers term by term: sympy's own way is slow. `held` as in
    `put`."""
    if not isinstance(x, sp.Basic | MatrixBase) or not x.has(sp.Sum, sp.Product):
        return x
    if isinstance(x, MatrixBase):
        return x.applyfunc(lambda entry: spelled_out(entry, held))
    if isinstance(x, sp.Sum | sp.Product) and all(n.is_Integer for n in x.limits[-1][1:]):
        *inner, (k, low, high) = x.limits
        body = x.func(x.function, *inner) if inner else x.function
        places = range(int(low), int(high) + 1)
        if len(places) > TERMS:
            raise Unfit(f"sum: expected at most {TERMS} terms, got {len(places)}")
        terms = [spelled_out(put(body, {k: i}, held=held), held) for i in places]
        whole = sp.Add if isinstance(x, sp.Sum) else sp.Mul
        return whole(*terms, evaluate=not held)
    return made(x, [spelled_out(part, held) for part in x.args], held)


def size(matrix: Any) -> tuple[int, int]:
    for n in matrix.shape:
        if not sp.sympify(n).is_Integer:
            raise Unfit(f"domain: expected sizes for {n}, e.g. {{{n}: [2, 3]}}, got none")
    return tuple(int(n) for n in matrix.shape)
