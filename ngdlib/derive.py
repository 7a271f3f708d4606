"""The derivation engine: a chain of sympy steps that verifies itself and typesets itself.

    q = Symbol("q")
    d = Derivation("variance", title="The variance of a toss", domain={q: Interval.open(0, 1)})
    d.equal(E((y - q) ** 2, (y, [0, 1], [1 - q, q])), q * (1 - q), because="two outcomes")
    d                       # in a notebook: verified first, then printed

Every step is checked twice: numerically at 50 digits, at random points of the declared domain, and
symbolically. Both must agree. Where sympy cannot decide, `verify` asks for a finer step: numerics
alone never earn the mark. What is printed is the very expression that was verified, in the order
in which its author wrote it; derivatives, integrals, sums and expectations print unevaluated.
"""

from __future__ import annotations

import html
import itertools
import math
import random
import signal
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import mpmath as mp
import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.matrices import MatrixBase
from sympy.matrices.expressions.matexpr import MatrixExpr

DIGITS = 50  # precision at which a step is checked numerically
POINTS = 6  # random points of the domain per step (and per listed case)
GUARD = 20  # digits beyond DIGITS, lost to cancellation and to numerical differentiation
TOLERANCE = mp.mpf(10) ** -30  # relative; closed forms
TOLERANCE_QUADRATURE = mp.mpf(10) ** -15  # relative; where an integral or infinite sum is met
LIMIT_SECONDS = 20  # after which a symbolic check gives up: "split the step"
KINDS = ("any", "symmetric", "positive definite", "invertible")


class DerivationError(Exception):
    """A step that does not follow.

    name      the derivation
    step      its number, from 1
    residual  how far the two sides differ at the witness point; 0 where they agree there, but
              sympy could not prove it
    witness   the point, a dict from names to numbers (None where there is none)
    """

    def __init__(
        self, name: str, step: int, message: str, residual: float, witness: dict[str, float] | None
    ) -> None:
        at = ", ".join(f"{k} = {v}" for k, v in (witness or {}).items())
        super().__init__(
            f"{name}, step {step}: {message} (residual {residual:.3g}{' at ' + at if at else ''})"
        )
        self.name, self.step, self.residual, self.witness = name, step, residual, witness


class Undecided(Exception):
    """Sympy can neither prove nor refute that an expression vanishes."""


# Expectations


class E(sp.Expr):
    """The expectation of an expression, unevaluated: prints as 𝔼, is a sum or an integral.

    E(f, (y, [0, 1], [1 - q, q]))      over the values of y, with their probabilities
    E(f, (x, -oo, oo, density))        over an interval, with a density

    Raises ValueError for an `over` of another form, or for values and probabilities that differ
    in number.
    """

    def __new__(cls, integrand: Any, over: tuple) -> E:
        if not isinstance(over, tuple | sp.Tuple) or len(over) not in (3, 4):
            raise ValueError(
                "over: expected (variable, values, probabilities) or (variable, low, high, "
                f"density), got {over!r}"
            )
        if not isinstance(over[0], sp.Symbol):
            raise ValueError(f"over: expected a symbol first, got {over[0]!r}")
        if len(over) == 3:
            values, weights = (sp.Tuple(*part) for part in over[1:])
            if len(values) != len(weights):
                raise ValueError(
                    f"over: expected one probability per value, got {len(values)} values and "
                    f"{len(weights)} probabilities"
                )
            over = (over[0], values, weights)
        return sp.Expr.__new__(cls, sp.sympify(integrand), sp.Tuple(*over))

    is_commutative = True

    @property
    def free_symbols(self) -> set:
        integrand, (variable, *rest) = self.args
        inner = integrand.free_symbols.union(*(part.free_symbols for part in rest))
        return inner - {variable}

    def terms(self) -> list[tuple[Any, Any, Any]]:
        """(value, probability, integrand at the value) for each outcome of a discrete variable."""
        integrand, (variable, values, weights) = self.args
        return [
            (v, w.subs(variable, v), integrand.subs(variable, v))
            for v, w in zip(values, weights, strict=True)
        ]

    def doit(self, **hints: Any) -> Any:
        if len(self.args[1]) == 3:
            return sp.Add(*(w * f for _, w, f in self.terms())).doit(**hints)
        integrand, (variable, low, high, density) = self.args
        return sp.Integral(integrand * density, (variable, low, high)).doit(**hints)

    def _eval_subs(self, old: Any, new: Any) -> Any:
        return self if old == self.args[1][0] else None

    def _latex(self, printer: Any) -> str:
        integrand, over = self.args
        return (
            rf"\mathbb{{E}}_{{{printer._print(over[0])}}}\left[{printer._print(integrand)}\right]"
        )

    def _sympystr(self, printer: Any) -> str:
        return f"E_{self.args[1][0]}[{printer._print(self.args[0])}]"


# Steps


@dataclass(frozen=True)
class Step:
    """One line of a derivation: what stands on it, and why it follows.

    relation  "equal" | "expand" (equal to order `order` in `var`) | "solve" (`equations` imply
              that `lhs`, the unknowns, equal `rhs`)
    chained   the line continues the one above it, whose right side is its left side
    """

    number: int
    relation: str
    lhs: Any
    rhs: Any
    because: str
    chained: bool = False
    var: Any = None
    order: int | None = None
    equations: tuple = ()
    names: tuple = ()

    def _tex(self, expression: Any) -> str:
        return sp.latex(expression, order="none", ln_notation=False, symbol_names=dict(self.names))

    @property
    def left_latex(self) -> str:
        """What stands left of the relation sign; empty on a line that continues another."""
        if self.relation == "solve":
            return r",\quad ".join(self._tex(e) for e in self.equations)
        return "" if self.chained else self._tex(self.lhs)

    @property
    def right_latex(self) -> str:
        """The relation sign and what follows it."""
        if self.relation == "solve":
            pairs = zip(self.lhs, self.rhs, strict=True)
            return r"\Longrightarrow\quad " + r",\quad ".join(
                f"{self._tex(u)} = {self._tex(s)}" for u, s in pairs
            )
        rest = "" if self.order is None else f" + O({self._tex(self.var**self.order)})"
        return f"= {self._tex(self.rhs)}{rest}"

    @property
    def latex(self) -> str:
        """The line as a formula that stands by itself."""
        left = self.left_latex or self._tex(self.lhs)
        return f"{left} {self.right_latex}"

    def as_dict(self) -> dict[str, Any]:
        """The line as plain data: number, relation, lhs, rhs, because, latex (all JSON)."""
        many = self.relation == "solve"
        return {
            "number": self.number,
            "relation": self.relation,
            "lhs": [str(x) for x in self.equations] if many else str(self.lhs),
            "rhs": [str(x) for x in self.rhs] if many else str(self.rhs),
            "because": self.because,
            "latex": self.latex,
        }


@dataclass(frozen=True)
class StepVerdict:
    """How a step was verified: the symbolic method, and the largest numeric residual."""

    number: int
    symbolic: str
    residual: float
    points: int
    slope: float | None = None

    def __str__(self) -> str:
        text = f"proved by sympy ({self.symbolic}); {self.points} random points at {DIGITS} digits"
        if self.slope is not None:
            text += f"; measured order of the remainder {self.slope:.2f}"
        return text


@dataclass(frozen=True)
class Verified:
    """The verdicts of a derivation that follows, a step each."""

    name: str
    steps: tuple[StepVerdict, ...]

    @property
    def residual(self) -> float:
        """The largest numeric residual of any step."""
        return max((s.residual for s in self.steps), default=0.0)


class Derivation:
    """A chain of relations that verifies itself and prints itself.

    name       identifier: letters, digits, hyphens
    title      what is derived
    buys       one sentence: what it will buy the reader
    domain     {symbol: set}: a sympy Interval (its ends may use symbols listed before it), a list
               of values (each is tried: `{y: [0, 1]}`, `{K: [2, 3, 4]}`); for a MatrixSymbol one of
               "any", "symmetric", "positive definite", "invertible". Symbols not listed are real.
    valid_for  what it was verified for when the text says "for all n", e.g. "K = 2, 3, 4"
    tex        {symbol: LaTeX of its name}; names only: expressions print themselves

    Functions left undefined, as in `Function("L")(q)`, stand for any smooth function; the numeric
    check tries a random one.
    """

    def __init__(
        self,
        name: str,
        *,
        title: str = "",
        buys: str = "",
        domain: Mapping[Any, Any] | None = None,
        valid_for: str | None = None,
        tex: Mapping[Any, str] | None = None,
    ) -> None:
        if not isinstance(name, str) or not name.replace("-", "").isalnum():
            raise ValueError(f"name: expected letters, digits and hyphens, got {name!r}")
        for symbol in tex or {}:
            if not isinstance(symbol, sp.Symbol | sp.MatrixSymbol):
                raise ValueError(f"tex: expected a symbol as key, got {symbol!r}")
        self.name, self.title, self.buys, self.valid_for = name, title, buys, valid_for
        self.tex = dict(tex or {})
        self.domain = {
            symbol: _domain_of(symbol, where) for symbol, where in (domain or {}).items()
        }
        self.definitions: list[tuple[Any, Any]] = []
        self.steps: list[Step] = []
        self._verified: Verified | None = None

    # Building

    def define(self, what: Any, meaning: Any) -> Derivation:
        """Give a symbol, or a function applied to symbols, its meaning: printed by name, checked
        by its meaning. `d.define(sigma(z), 1 / (1 + exp(-z)))`.

        Raises ValueError for anything else on the left, and for a definition in terms of itself.
        """
        meaning = sp.sympify(meaning)
        function = isinstance(what, AppliedUndef) and all(a.is_Symbol for a in what.args)
        if not (function or isinstance(what, sp.Symbol | sp.MatrixSymbol)):
            raise ValueError(f"what: expected a symbol or a function of symbols, got {what!r}")
        if meaning.has(what.func) if function else what in meaning.free_symbols:
            raise ValueError(f"meaning: expected an expression without {what}, got {meaning}")
        self.definitions.append((what, meaning))
        self._verified = None
        return self

    def equal(self, lhs: Any, rhs: Any, because: str) -> Derivation:
        """A line `lhs = rhs`. Scalars, or matrices of one shape."""
        return self._add("equal", lhs, rhs, because)

    def then(self, rhs: Any, because: str) -> Derivation:
        """The next line of the chain: what stood on the right equals `rhs`."""
        last = self._last()
        return self._add(
            last.relation, last.rhs, rhs, because, chained=True, var=last.var, order=last.order
        )

    def expand(
        self, lhs: Any, rhs: Any, var: Any, order: int, because: str, chained: bool = False
    ) -> Derivation:
        """A line `lhs = rhs + O(var**order)`: the coefficients below `order` are compared
        symbolically, and the order of the remainder is measured."""
        if not isinstance(var, sp.Symbol):
            raise ValueError(f"var: expected a symbol, got {var!r}")
        if not isinstance(order, int) or isinstance(order, bool) or order < 1:
            raise ValueError(f"order: expected an integer from 1, got {order!r}")
        return self._add("expand", lhs, rhs, because, var=var, order=order, chained=chained)

    def then_expand(self, rhs: Any, var: Any, order: int, because: str) -> Derivation:
        """The next line of the chain: what stood on the right equals `rhs + O(var**order)`."""
        return self.expand(self._last().rhs, rhs, var, order, because, chained=True)

    def solve(self, equation: Any, unknown: Any, solution: Any, because: str) -> Derivation:
        """A line `equation ⟹ unknown = solution`; lists of the same length for a system.

        The solution is substituted back, and must be a point of the unknown's domain everywhere.
        """
        equations, unknowns, solutions = (
            tuple(x) if isinstance(x, list | tuple | sp.Tuple) else (x,)
            for x in (equation, unknown, solution)
        )
        for e in equations:
            if not isinstance(e, sp.Equality):
                raise ValueError(f"equation: expected sympy.Eq(left, right), got {e!r}")
        if len(unknowns) != len(solutions):
            raise ValueError(
                f"solution: expected one for each of {len(unknowns)} unknowns, got {len(solutions)}"
            )
        for u, s in zip(unknowns, solutions, strict=True):
            if sp.sympify(s).has(u):
                raise ValueError(f"solution: expected no {u} in it, got {s}")
        return self._add("solve", unknowns, solutions, because, equations=equations)

    def expectation(self, integrand: Any, over: tuple, equals: Any, because: str) -> Derivation:
        """A line `𝔼[integrand] = equals`; see `E` for `over`."""
        return self._add("equal", E(integrand, over), equals, because)

    def _last(self) -> Step:
        if not self.steps or self.steps[-1].relation == "solve":
            raise ValueError("then: expected a line `left = right` before it")
        return self.steps[-1]

    def _add(self, relation: str, lhs: Any, rhs: Any, because: str, **more: Any) -> Derivation:
        if not isinstance(because, str) or not because.strip():
            raise ValueError(f"because: expected a reason of a few words, got {because!r}")
        lhs, rhs = (
            tuple(map(_sympify, x)) if relation == "solve" else _sympify(x) for x in (lhs, rhs)
        )
        if relation != "solve" and _shape(lhs) != _shape(rhs):
            raise ValueError(f"rhs: expected the shape {_shape(lhs)} of lhs, got {_shape(rhs)}")
        self.steps.append(
            Step(
                len(self.steps) + 1,
                relation,
                lhs,
                rhs,
                because,
                names=tuple(self.tex.items()),
                **more,
            )
        )
        self._verified = None
        return self

    # Checking

    def verify(self) -> Verified:
        """Check every step, numerically and symbolically.

        Raises DerivationError at the first step that does not follow, or that sympy cannot decide.
        """
        if not self.steps:
            raise ValueError(f"{self.name}: expected at least one step, got none")
        if self._verified is None:
            self._verified = Verified(self.name, tuple(self._check(step) for step in self.steps))
        return self._verified

    def _check(self, step: Step) -> StepVerdict:
        try:
            residual, points, slope = self._check_numbers(step)
            method = self._check_symbols(step)
        except Undecided as why:
            raise DerivationError(
                self.name, step.number, f"{why}: split the step into smaller ones", 0.0, None
            ) from None
        return StepVerdict(step.number, method, residual, points, slope)

    def _pairs(self, step: Step) -> list[tuple[Any, Any]]:
        """The two sides that must agree, definitions unfolded."""
        if step.relation == "solve":
            back = dict(zip(step.lhs, step.rhs, strict=True))
            return [
                tuple(self._unfold(_substitute(side, back)) for side in (e.lhs, e.rhs))
                for e in step.equations
            ]
        return [(self._unfold(step.lhs), self._unfold(step.rhs))]

    def _unfold(self, expression: Any) -> Any:
        for _ in range(len(self.definitions) + 1):
            before = expression
            for what, meaning in self.definitions:
                if isinstance(what, AppliedUndef):
                    expression = expression.replace(what.func, sp.Lambda(what.args, meaning))
                else:
                    expression = expression.xreplace({what: meaning})
            if expression == before:
                return expression
        raise ValueError("define: expected definitions that do not refer to each other in a circle")

    def _cases(self, *expressions: Any) -> list[dict[Any, Any]]:
        """Every combination of the listed values of the symbols in use."""
        used = set().union(*(e.free_symbols for e in expressions))
        used |= {n for e in expressions for m in e.atoms(sp.MatrixSymbol) for n in m.shape}
        listed = {s: w for s, w in self.domain.items() if isinstance(w, tuple) and s in used}
        cases = [dict(zip(listed, c, strict=True)) for c in itertools.product(*listed.values())]
        if len(cases) > 64:
            raise ValueError(
                f"domain: expected at most 64 combinations of values, got {len(cases)}"
            )
        return cases

    def _check_symbols(self, step: Step) -> str:
        methods = []
        for left, right in self._pairs(step):
            for case in self._cases(left, right):
                for entry in self._entries(left, right, case):
                    difference = self._with_assumptions(entry, step.var)
                    with _guarded():
                        if step.relation == "expand":
                            methods.append(_vanishes_to_order(*difference, step.order))
                        else:
                            methods.append(_vanishes(*difference))
        ranks = [name for name, _ in LADDER]
        return max(methods, key=lambda m: ranks.index(m) if m in ranks else -1)

    def _entries(self, left: Any, right: Any, case: Mapping) -> list[Any]:
        """left - right in one case, as scalars: matrices entry by entry, symbolic ones written
        out for their size."""
        sides = []
        for side in (left, right):
            side = _substitute(side, case)
            for matrix in sorted(side.atoms(sp.MatrixSymbol), key=str):
                side = _substitute(side, {matrix: self._written_out(matrix)})
            side = side.doit() if isinstance(side, MatrixExpr | MatrixBase) else side
            side = side.as_explicit() if isinstance(side, MatrixExpr) else side
            sides.append(list(side) if isinstance(side, MatrixBase) else [side])
        return [a - b for a, b in zip(*sides, strict=True)]

    def _written_out(self, matrix: Any) -> sp.ImmutableMatrix:
        rows, columns = (_size(matrix, n) for n in matrix.shape)
        kind = self.domain.get(matrix, "any")

        def entry(i: int, j: int) -> sp.Symbol:
            if kind in ("symmetric", "positive definite"):
                i, j = min(i, j), max(i, j)
            return sp.Symbol(f"{matrix.name}_{i + 1}_{j + 1}", real=True)

        return sp.ImmutableMatrix(rows, columns, entry)

    def _with_assumptions(self, expression: Any, var: Any) -> tuple[Any, dict[Any, Any], Any]:
        """The expression in symbols that know their sign; what turns them into symbols that know
        their bounds; and the expansion variable among them."""
        known, bounds = {}, {}
        for symbol in sorted(expression.free_symbols, key=str):
            where = self.domain.get(symbol)
            low, high = (
                (where.inf, where.sup) if isinstance(where, sp.Interval) else (-sp.oo, sp.oo)
            )
            low, high = (x if x.is_number else s * sp.oo for x, s in ((low, -1), (high, 1)))
            signs: dict[str, bool] = {"real": True}
            if low >= 0:
                signs["nonnegative" if low == 0 and where.contains(0) == True else "positive"] = (
                    True  # noqa: E712
                )
            elif high <= 0:
                signs["nonpositive" if high == 0 and where.contains(0) == True else "negative"] = (
                    True  # noqa: E712
                )
            name = sp.Symbol(symbol.name, **signs)
            known[symbol] = name
            u = sp.Symbol(f"u_{symbol.name}", positive=True)
            if symbol == var:
                continue
            if low.is_finite and high.is_finite:
                bounds[name] = (low + high * u) / (1 + u)
            elif low.is_finite and low != 0:
                bounds[name] = low + u
            elif high.is_finite and high != 0:
                bounds[name] = high - u
        return expression.xreplace(known), bounds, known.get(var, var)

    # Numbers

    def _check_numbers(self, step: Step) -> tuple[float, int, float | None]:
        dice = random.Random(f"{self.name}:{step.number}")
        worst, count, slopes = mp.mpf(0), 0, []
        for left, right in self._pairs(step):
            for case in self._cases(left, right):
                for _ in range(POINTS):
                    l, r, point, shown = self._sample(left, right, case, dice, step.var)
                    count += 1
                    if step.relation == "expand":
                        slopes.append(self._slope(step, l, r, point, shown))
                        continue
                    residual, scale, exact = _residual(l, r, point)
                    if not residual <= scale * (TOLERANCE if exact else TOLERANCE_QUADRATURE):
                        raise DerivationError(
                            self.name, step.number, "the two sides differ", float(residual), shown
                        )
                    worst = max(worst, residual)
        if step.relation == "solve":
            self._check_in_domain(step, dice)
        return float(worst), count, min(slopes, default=None)

    def _slope(self, step: Step, left: Any, right: Any, point: Mapping, shown: Mapping) -> float:
        """The slope of log |left - right| against log |var| as var goes to 0."""
        found = []
        for k in (6, 8):
            at = {**point, step.var: mp.mpf(10) ** -k}
            found.append(_residual(left, right, at)[0])
        if found[1] < mp.mpf(10) ** -(DIGITS + 10):
            return math.inf  # no remainder at all
        slope = float(mp.log10(found[0] / found[1]) / 2)
        if slope < step.order - 0.05:
            raise DerivationError(
                self.name,
                step.number,
                f"expected a remainder of order {step.order}, measured order {slope:.2f}",
                float(found[0]),
                {**shown, str(step.var): 1e-6},
            )
        return slope

    def _check_in_domain(self, step: Step, dice: random.Random) -> None:
        """Is the solution a point of the unknown's domain, near the edges of the domain too?"""
        for unknown, solution in zip(step.lhs, step.rhs, strict=True):
            where = self.domain.get(unknown)
            value = self._unfold(solution)
            for case in self._cases(value):
                for edge in [False] * POINTS + [True] * POINTS:
                    left, _, point, shown = self._sample(value, sp.S(0), case, dice, None, edge)
                    for entry in left:
                        found = mp.mpmathify(_number(entry, point))
                        inside = mp.isfinite(found) and mp.im(found) == 0
                        if inside and isinstance(where, sp.Interval):
                            low, high = (
                                _number(_sympify(x), point) for x in (where.inf, where.sup)
                            )
                            inside = low <= mp.re(found) <= high
                        if not inside:
                            raise DerivationError(
                                self.name,
                                step.number,
                                f"{unknown} = {mp.nstr(found, 6)} is outside its domain",
                                math.inf,
                                shown,
                            )

    def _sample(
        self,
        left: Any,
        right: Any,
        case: Mapping,
        dice: random.Random,
        var: Any,
        edge: bool = False,
    ) -> tuple[list[Any], list[Any], dict[Any, Any], dict[str, float]]:
        """Both sides as scalars, and a random point of the domain to evaluate them at."""
        sides = [_substitute(side, case) for side in (left, right)]
        matrices = sorted(set().union(*(s.atoms(sp.MatrixSymbol) for s in sides)), key=str)
        functions = sorted({f.func for s in sides for f in s.atoms(AppliedUndef)}, key=str)
        shown: dict[str, float] = {str(k): float(v) for k, v in case.items()}
        for matrix in matrices:
            sample = _random_matrix(matrix, self.domain.get(matrix, "any"), dice)
            shown[matrix.name] = sample.tolist()
            sides = [_substitute(side, {matrix: sample}) for side in sides]
        for function in functions:
            instance = _random_function(dice)
            sides = [side.replace(function, instance) for side in sides]
        scalars = []
        for side in sides:
            side = side.doit() if isinstance(side, MatrixExpr | MatrixBase) else side
            scalars.append(list(side) if isinstance(side, MatrixBase) else [side])
        used = {s for side in scalars for entry in side for s in entry.free_symbols} - {var}
        point: dict[Any, Any] = {}
        with mp.workdps(DIGITS + GUARD):
            order = [s for s in self.domain if not isinstance(s, sp.MatrixSymbol)]
            rest = sorted(used - set(order), key=str)
            for symbol in [*order, *rest]:
                where = self.domain.get(symbol, sp.Reals)
                if symbol in used or isinstance(where, sp.Interval):
                    low, high = (
                        _number(_substitute(x, case), point) for x in (where.inf, where.sup)
                    )
                    point[symbol] = _random_point(low, high, dice, edge)
        for symbol in used:
            shown[str(symbol)] = float(point[symbol])
        return *scalars, point, shown

    # Showing

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """HTML, LaTeX and plain text. Verifies first: what does not follow is not shown."""
        verdicts = self.verify().steps
        return {
            "text/html": _as_html(self, verdicts),
            "text/latex": _as_latex(self),
            "text/plain": _as_text(self),
        }


def _domain_of(symbol: Any, where: Any) -> Any:
    if isinstance(symbol, sp.MatrixSymbol):
        if where not in KINDS:
            raise ValueError(f"domain: expected one of {KINDS} for {symbol}, got {where!r}")
        return where
    if not isinstance(symbol, sp.Symbol):
        raise ValueError(f"domain: expected a symbol, got {symbol!r}")
    if isinstance(where, list | tuple | range | sp.FiniteSet):
        values = tuple(sp.sympify(v) for v in where)
        if values and all(v.is_number for v in values):
            return values
    if isinstance(where, sp.Interval):
        return where
    if where == sp.Reals:
        return sp.Interval(-sp.oo, sp.oo)
    raise ValueError(
        f"domain: expected an Interval or a list of values for {symbol}, got {where!r}"
    )


def _sympify(x: Any) -> Any:
    """As a sympy object, left exactly as written; matrices immutable."""
    if isinstance(x, bool | str | float):
        raise ValueError(
            f"expression: expected a sympy expression or an integer, got {x!r} "
            "(write Rational(1, 2), not 0.5)"
        )
    x = sp.sympify(x)
    return sp.ImmutableMatrix(x) if isinstance(x, MatrixBase) else x


def _shape(x: Any) -> tuple:
    shape = getattr(x, "shape", ())
    return () if shape == (1, 1) else tuple(shape)


def _size(matrix: Any, n: Any) -> int:
    if not getattr(n, "is_Integer", False):
        raise ValueError(f"domain: expected sizes for {n} of {matrix}, e.g. {{{n}: [2, 3]}}")
    return int(n)


def _substitute(x: Any, replacements: Mapping) -> Any:
    """Substitution that leaves derivatives and expectations unevaluated."""
    x = sp.sympify(x)
    if not replacements or not (x.free_symbols or x.atoms(AppliedUndef)):
        return x
    return x.subs(replacements, simultaneous=len(replacements) > 1)


# Symbols


def _logs(x: Any) -> Any:
    return sp.expand_log(sp.expand(x))


#: Ways to show that an expression vanishes, cheap ones first; the mark's title names the one used.
LADDER: tuple[tuple[str, Any], ...] = (
    ("as written", lambda x: x),
    ("expanded", sp.expand),
    ("common denominator", lambda x: sp.expand(sp.numer(sp.together(x)))),
    ("cancelled", sp.cancel),
    ("logarithms expanded", lambda x: sp.expand(_logs(x))),
    ("logarithms, common denominator", lambda x: sp.expand(sp.numer(sp.together(_logs(x))))),
    ("powers combined", lambda x: sp.expand(sp.powsimp(sp.expand(sp.powdenest(x)), force=False))),
    ("exponentials", lambda x: sp.cancel(sp.expand(x.rewrite(sp.exp), power_exp=True))),
    ("trigonometry", lambda x: sp.trigsimp(x)),
    ("simplified", lambda x: sp.simplify(x) if sp.count_ops(x) <= 250 else x),
)


def _vanishes(x: Any, bounds: Mapping, _var: Any = None) -> str:
    """The name of the method that shows x = 0. Raises Undecided where none does."""
    x = x.doit()
    forms = [x]
    if bounds and x.free_symbols & set(bounds):
        forms.append(x.subs(bounds))
    for name, method in LADDER:
        for form in forms:
            if method(form) == 0:
                return name
    raise Undecided(f"sympy cannot show that {sp.sstr(x)[:200]} vanishes")


def _vanishes_to_order(x: Any, bounds: Mapping, var: Any, order: int) -> str:
    """As `_vanishes`, for each Taylor coefficient of x in `var` below `order`."""
    methods = []
    for k in range(order):
        coefficient = x.subs(var, 0).doit()
        if coefficient.has(sp.nan, sp.zoo):
            coefficient = sp.limit(x, var, 0)
        methods.append(_vanishes(coefficient, bounds))
        if k + 1 < order:
            x = sp.diff(x.doit(), var)
    ranks = [name for name, _ in LADDER]
    return max(methods, key=ranks.index)


@contextmanager
def _guarded() -> Iterator[None]:
    """Stops a symbolic check that runs away (in the main thread, where alone it can be stopped)."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: Any) -> None:
        raise Undecided(f"sympy came to no verdict in {LIMIT_SECONDS} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, LIMIT_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


# Numbers

_UNEVALUATED = (E, sp.Derivative, sp.Integral, sp.Sum, sp.Product, sp.Subs)


def _number(x: Any, point: Mapping) -> Any:
    """The value of a scalar expression at a point, by mpmath at its present precision.

    Derivatives are taken numerically, integrals by quadrature and sums term by term, so that the
    check does not lean on sympy's own rules for them.
    """
    if x.is_Rational:
        return mp.mpf(int(x.p)) / int(x.q)
    inner = _outermost(x)
    if not inner:
        return _compiled(x)(point)
    dummies = {node: sp.Dummy() for node in inner}
    values = {dummy: _evaluate(node, point) for node, dummy in dummies.items()}
    return _compiled(x.xreplace(dummies))({**point, **values})


def _outermost(x: Any) -> set:
    if isinstance(x, _UNEVALUATED):
        return {x}
    return set().union(*(_outermost(a) for a in x.args)) if x.args else set()


def _evaluate(node: Any, point: Mapping) -> Any:
    if isinstance(node, E):
        if len(node.args[1]) == 3:
            return mp.fsum(_number(w, point) * _number(f, point) for _, w, f in node.terms())
        integrand, (variable, low, high, density) = node.args
        return _evaluate(sp.Integral(integrand * density, (variable, low, high)), point)
    if isinstance(node, sp.Derivative):
        pairs = node.variable_count
        for v, _ in pairs:
            if not v.is_Symbol:
                raise Undecided(f"the derivative with respect to {v} is not one in a symbol")
        names = [v for v, _ in pairs]

        def value(*coordinates: Any) -> Any:
            return _number(node.expr, {**point, **dict(zip(names, coordinates, strict=True))})

        if len(names) == 1:
            return mp.diff(value, point[names[0]], int(pairs[0][1]))
        return mp.diff(value, tuple(point[n] for n in names), tuple(int(n) for _, n in pairs))
    if isinstance(node, sp.Subs):
        new = {v: _number(p, point) for v, p in zip(node.variables, node.point, strict=True)}
        return _number(node.expr, {**point, **new})
    (variable, low, high), *more = node.limits
    body = node.func(node.function, *more) if more else node.function
    low, high = _number(low, point), _number(high, point)

    def term(t: Any) -> Any:
        return _number(body, {**point, variable: t})

    if isinstance(node, sp.Integral):
        return mp.quad(term, [low, high])
    if isinstance(node, sp.Sum) and mp.isinf(high):
        return mp.nsum(term, [int(low), mp.inf])
    values = [term(mp.mpf(k)) for k in range(int(low), int(high) + 1)]
    return mp.fsum(values) if isinstance(node, sp.Sum) else mp.fprod(values)


_CACHE: dict[Any, Any] = {}


def _compiled(x: Any) -> Any:
    if x not in _CACHE:
        if len(_CACHE) > 4000:
            _CACHE.clear()
        names = sorted(x.free_symbols, key=str)
        function = sp.lambdify(names, x, modules="mpmath", dummify=True)
        _CACHE[x] = names, function
    names, function = _CACHE[x]
    return lambda point: function(*(point[n] for n in names))


def _residual(left: list, right: list, point: Mapping) -> tuple[Any, Any, bool]:
    """The largest difference of two lists of scalars, the scale it is judged by, and whether
    closed forms alone were met."""
    exact = not any(e.has(sp.Integral, E) or _infinite(e) for e in [*left, *right])
    with mp.workdps(DIGITS + GUARD):
        residual, scale = mp.mpf(0), mp.mpf(1)
        for a, b in zip(left, right, strict=True):
            a, b = _number(a, point), _number(b, point)
            residual = max(residual, mp.fabs(a - b)) if mp.isfinite(a - b) else mp.inf
            scale = max(scale, mp.fabs(a), mp.fabs(b))
        return residual, scale, exact


def _infinite(x: Any) -> bool:
    return any(limit[2] == sp.oo for s in x.atoms(sp.Sum) for limit in s.limits)


def _random_point(low: Any, high: Any, dice: random.Random, edge: bool) -> Any:
    """A point of the open interval; with `edge`, one close to an end of it."""
    part = mp.mpf(dice.uniform(0.04, 0.96))
    if edge:
        part = mp.mpf(10) ** -dice.uniform(3, 6)
        part = part if dice.random() < 0.5 else 1 - part
    if mp.isinf(low) and mp.isinf(high):
        return 3 * (2 * part - 1) if not edge else (2 * part - 1) * 12
    if mp.isinf(high):
        return low + part / (1 - part)
    if mp.isinf(low):
        return high - part / (1 - part)
    return low + (high - low) * part


def _random_matrix(matrix: Any, kind: str, dice: random.Random) -> sp.ImmutableMatrix:
    rows, columns = (_size(matrix, n) for n in matrix.shape)
    m = sp.Matrix(rows, columns, lambda i, j: sp.Rational(dice.randint(-40, 40), 17))
    if kind == "symmetric":
        m = m + m.T
    if kind == "positive definite":
        m = m * m.T + sp.eye(rows) / 3
    if kind == "invertible":
        m = m + 7 * sp.eye(rows)
    return sp.ImmutableMatrix(m)


def _random_function(dice: random.Random) -> Any:
    """A smooth function without special properties, standing for an undefined one."""
    coefficients = [sp.Rational(dice.randint(20, 90), 60) for _ in range(9)]

    def instance(*args: Any) -> Any:
        a, b, c = coefficients[:3]
        mix = sum(coefficients[3 + i % 6] * x for i, x in enumerate(args))
        return a * sp.exp(b * mix / 2) + c * sp.sin(mix + a) + b

    return instance


# Printing


def _as_text(d: Derivation) -> str:
    lines = [d.title or d.name]
    for step in d.steps:
        data = step.as_dict()
        left = ", ".join(data["lhs"]) if step.relation == "solve" else data["lhs"]
        if step.relation == "solve":
            right = ", ".join(f"{u} = {s}" for u, s in zip(step.lhs, step.rhs, strict=True))
            line = f"{left}  =>  {right}"
        else:
            rest = "" if step.order is None else f" + O({step.var}**{step.order})"
            line = f"{'' if step.chained else left} = {data['rhs']}{rest}"
        lines.append(f"  {step.number}. {line}   ({step.because}) [verified]")
    if d.valid_for:
        lines.append(f"  Verified for {d.valid_for}.")
    return "\n".join(lines)


def _as_latex(d: Derivation) -> str:
    rows = [
        rf"{s.left_latex} &{s.right_latex} && \text{{{_tex_text(s.because)}}}\ \checkmark"
        for s in d.steps
    ]
    return "\\begin{align*}\n" + " \\\\\n".join(rows) + "\n\\end{align*}"


def _tex_text(text: str) -> str:
    for special in "\\&%$#_{}":
        text = text.replace(special, "" if special == "\\" else "\\" + special)
    return text


def _as_html(d: Derivation, verdicts: Iterable[StepVerdict]) -> str:
    rows = []
    for step, verdict in zip(d.steps, verdicts, strict=True):
        rows.append(
            f"<li>\\({step.latex}\\) <span>{html.escape(step.because)}</span> "
            f'<span title="{html.escape(str(verdict))}">✓</span></li>'
        )
    return (
        f'<figure class="ngd-derivation tex2jax_process mathjax_process"><ol>{"".join(rows)}</ol>'
        "</figure>"
    )
