"""The derivation engine: a chain of sympy steps that verifies itself and typesets itself.

    q, y = symbols("q y")
    d = Derivation("variance", title="The variance of a toss", domain={q: Interval.open(0, 1)})
    d.expectation((y - q) ** 2, (y, [0, 1], [1 - q, q]), q * (1 - q), because="two outcomes")
    d                       # in a notebook: verified first, then printed

Every step is checked twice: numerically at 50 digits, at random points of the declared domain, and
symbolically. Both must agree. Where sympy cannot decide, `verify` asks for a finer step: numerics
alone never earn the mark. What is printed is the very expression that was verified, in the order
in which its author wrote it; derivatives, integrals, sums and expectations print unevaluated.
"""

from __future__ import annotations

import hashlib
import html
import itertools
import json
import math
import os
import random
import re
import signal
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import mpmath as mp
import sympy as sp
from scipy.integrate import quad
from sympy.core.function import AppliedUndef
from sympy.matrices import MatrixBase
from sympy.matrices.expressions.matexpr import MatrixExpr
from sympy.printing.latex import LatexPrinter

DIGITS = 50  # precision at which a step is checked numerically
GUARD = 20  # digits beyond DIGITS, lost to cancellation and to numerical differentiation
POINTS = 6  # random points of the domain a step (and a listed case); 2 where integrals are met
TOLERANCE = mp.mpf(10) ** -30  # relative; closed forms
TOLERANCE_QUADRATURE = mp.mpf(10) ** -15  # relative; where an integral or infinite sum is met
LIMIT_SECONDS = 20  # of processor time, after which a symbolic check gives up: "split the step"
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
        super().__init__(
            f"{name}, step {step}: {message} (residual {residual:.3g}{' at ' + at if at else ''})"
        )
        self.name, self.step, self.residual, self.witness = name, step, residual, witness


class Undecided(Exception):
    """Sympy can neither prove nor refute that an expression vanishes."""


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

    def terms(self) -> list[tuple[Any, Any]]:
        """(probability, integrand) at each outcome of a discrete variable."""
        integrand, (y, values, weights) = self.args
        pairs = zip(values, weights, strict=True)
        return [(put(w, {y: v}), put(integrand, {y: v})) for v, w in pairs]

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


_UNEVALUATED = (E, sp.Derivative, sp.Integral, sp.Sum, sp.Product, sp.Subs)


def put(x: Any, replacements: Mapping) -> Any:
    """`x` with parts replaced: leaves bound variables alone, and evaluates no derivative, integral,
    sum or expectation. What a derivative is taken in stays: the derivative is taken first."""
    x = sp.sympify(x)
    if x in replacements:
        return replacements[x]
    if not x.args:
        return x
    bound = set(getattr(x, "bound_symbols", ()))
    if bound & set(replacements):
        replacements = {k: v for k, v in replacements.items() if k not in bound}
    if isinstance(x, sp.Derivative):
        after = {v: replacements[v] for v, _ in x.variable_count if v in replacements}
        if after and not all(isinstance(v, sp.Indexed | sp.Symbol) for v in after.values()):
            rest = {k: v for k, v in replacements.items() if k not in after}
            return sp.Subs(put(x, rest), tuple(after), tuple(after.values()))
    args = [put(a, replacements) for a in x.args]
    return x if all(a is b for a, b in zip(args, x.args, strict=True)) else x.func(*args)


class Printer(LatexPrinter):
    """Sympy's LaTeX in the order of the textbooks: what an author ordered with `evaluate=False`
    stays as it is; in what sympy has ordered, a sum does not begin with a minus sign where it need
    not, and in a product come symbols, then sums, then functions."""

    def _as_ordered_terms(self, expr: Any, order: Any = None) -> list:
        terms = list(expr.args)
        if tuple(terms) == sp.Add(*terms).args and terms[0].could_extract_minus_sign():
            first = next((t for t in terms if not t.could_extract_minus_sign()), terms[0])
            terms.remove(first)
            terms.insert(0, first)
        return terms

    def _print_Mul(self, expr: Any) -> str:
        if expr.args != sp.Mul(*expr.args).args or not expr.is_commutative:
            return super()._print_Mul(expr)
        if expr.args[0].is_Number and expr.args[0] < 0:
            rest = -expr
            tex = self._print(rest)
            return rf"- \left({tex}\right)" if rest.is_Add else f"- {tex}"
        args = sorted(expr.args, key=_place)
        return super()._print_Mul(sp.Mul(*args, evaluate=False))


def _place(factor: Any) -> int:
    base = factor.as_base_exp()[0]
    if factor.is_Number:
        return 0
    if base.is_Add:
        return 2
    if isinstance(factor, sp.exp) or isinstance(base, sp.Function) != isinstance(
        base, AppliedUndef
    ):
        return 3
    return 4 if isinstance(base, _UNEVALUATED) else 1


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
        settings = {"order": "none", "inv_trig_style": "full", "symbol_names": dict(self.names)}
        return Printer(settings).doprint(expression)

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
            found = r",\quad ".join(f"{self._tex(u)} = {self._tex(s)}" for u, s in pairs)
            return rf"\;\Longrightarrow\; {found}"
        return f"= {self._tex(self.rhs)}{self._rest()}"

    def _rest(self) -> str:
        if self.order is None:
            return ""
        power = rf"O\left({self._tex(self.var**self.order)}\right)"
        return f" + {power}"

    @property
    def latex(self) -> str:
        """The line as a formula that stands by itself."""
        return f"{self.left_latex or self._tex(self.lhs)} {self.right_latex}"

    @property
    def text(self) -> str:
        """The line in plain characters."""
        if self.relation == "solve":
            pairs = zip(self.lhs, self.rhs, strict=True)
            found = ", ".join(f"{u} = {s}" for u, s in pairs)
            return f"{', '.join(f'{e.lhs} = {e.rhs}' for e in self.equations)}  =>  {found}"
        rest = "" if self.order is None else f" + O({self.var**self.order})"
        return f"{'' if self.chained else self.lhs} = {self.rhs}{rest}".strip()

    def as_dict(self) -> dict[str, Any]:
        """The line as plain data, strings all: relation, lhs, rhs, because, latex, text."""
        many = self.relation == "solve"
        return {
            "number": self.number,
            "relation": self.relation,
            "lhs": "; ".join(map(str, self.equations)) if many else str(self.lhs),
            "rhs": "; ".join(map(str, self.rhs)) if many else str(self.rhs),
            "because": self.because,
            "latex": self.latex,
            "text": self.text,
        }


@dataclass(frozen=True)
class StepVerdict:
    """How a step was verified: the symbolic method, and the largest numeric residual.

    slope is the measured order of the remainder, for an expansion; inf where there is none.
    """

    number: int
    symbolic: str
    residual: float
    points: int
    slope: float | None = None

    def __str__(self) -> str:
        text = f"proved by sympy ({self.symbolic}); checked at {self.points} random points, "
        if self.slope is None:
            return text + f"{DIGITS} digits"
        order = "no remainder" if math.isinf(self.slope) else f"order {self.slope:.2f}"
        return text + f"measured remainder: {order}"


@dataclass(frozen=True)
class Verified:
    """The verdicts of a derivation that follows, one a step."""

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
    domain     {symbol: set}, where the set is
               an Interval (its ends may use symbols listed before it);
               a list of values, each of which is tried: `{y: [0, 1]}`, `{K: [2, 3, 4]}`;
               a Range of integers, likewise: `{k: Range(1, K + 1)}`;
               for a MatrixSymbol one of "any", "symmetric", "positive definite", "invertible".
               An IndexedBase takes the Interval of its entries. What is not listed is real.
    valid_for  what it was verified for where the text says "for all n"; made from the domain
               where sizes are listed in it
    tex        {symbol: LaTeX of its name}; names only: expressions print themselves

    Functions left undefined, as `Function("L")(q)`, stand for any smooth function; the numeric
    check tries a random one. Raises ValueError for a domain of another form.
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
        if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*", name):
            raise ValueError(f"name: expected letters, digits and hyphens, got {name!r}")
        for symbol in tex or {}:
            if not isinstance(symbol, sp.Symbol | sp.MatrixSymbol):
                raise ValueError(f"tex: expected a symbol as key, got {symbol!r}")
        self.name, self.title, self.buys = name, title or name, buys
        self.tex = dict(tex or {})
        self.domain = {symbol: _domain_of(symbol, w) for symbol, w in (domain or {}).items()}
        self.definitions: list[tuple[Any, Any]] = []
        self.steps: list[Step] = []
        self._valid_for = valid_for
        self._verdicts: dict[Step, StepVerdict] = {}

    # Building

    def define(self, what: Any, meaning: Any) -> Derivation:
        """Give a symbol, or a function applied to symbols, its meaning: printed by name, checked
        by its meaning. `d.define(sigma(z), 1 / (1 + exp(-z)))`, `d.define(p[k], ...)`.

        Raises ValueError for anything else on the left, and for a definition in terms of itself.
        """
        meaning = _sympify(meaning)
        if isinstance(what, AppliedUndef):
            head, free = what.func, what.args
        elif isinstance(what, sp.Indexed):
            head, free = what.base, what.indices
        else:
            head, free = what, ()
            if not isinstance(what, sp.Symbol | sp.MatrixSymbol):
                raise ValueError(f"what: expected a symbol or a function of them, got {what!r}")
        if not all(isinstance(a, sp.Symbol) for a in free):
            raise ValueError(f"what: expected symbols as arguments, got {what!r}")
        if meaning.has(head):
            raise ValueError(f"meaning: expected an expression without {head}, got {meaning}")
        self.definitions.append((what, meaning))
        self._verdicts.clear()
        return self

    def equal(self, lhs: Any, rhs: Any, because: str) -> Derivation:
        """A line `lhs = rhs`. Scalars, or matrices of one shape."""
        return self._add("equal", lhs, rhs, because)

    def then(self, rhs: Any, because: str) -> Derivation:
        """The next line of the chain: what stood on the right equals `rhs` (to the same order)."""
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
        if not isinstance(order, int) or isinstance(order, bool) or not 1 <= order <= 7:
            raise ValueError(f"order: expected an integer from 1 to 7, got {order!r}")
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
            if not isinstance(u, sp.Symbol | sp.MatrixSymbol | AppliedUndef):
                raise ValueError(f"unknown: expected a symbol or a function of symbols, got {u!r}")
            if _sympify(s).has(u):
                raise ValueError(f"solution: expected no {u} in it, got {s}")
            if not any(e.has(u) for e in equations):
                raise ValueError(f"unknown: expected a part of the equation, got {u}")
        return self._add("solve", unknowns, solutions, because, equations=equations)

    def expectation(self, integrand: Any, over: tuple, equals: Any, because: str) -> Derivation:
        """A line `𝔼[integrand] = equals`; see `E` for `over`."""
        return self._add("equal", E(integrand, over), equals, because)

    def _last(self) -> Step:
        if not self.steps or self.steps[-1].relation == "solve":
            raise ValueError("then: expected a line `left = right` before it, got none")
        return self.steps[-1]

    def _add(self, relation: str, lhs: Any, rhs: Any, because: str, **more: Any) -> Derivation:
        if not isinstance(because, str) or not because.strip():
            raise ValueError(f"because: expected a reason of a few words, got {because!r}")
        if relation == "solve":
            lhs, rhs = tuple(map(_sympify, lhs)), tuple(map(_sympify, rhs))
        else:
            lhs, rhs = _sympify(lhs), _sympify(rhs)
            if _shape(lhs) != _shape(rhs):
                raise ValueError(
                    f"rhs: expected shape {_shape(lhs)}, that of lhs, got {_shape(rhs)}"
                )
        names = tuple(self.tex.items())
        number = len(self.steps) + 1
        self.steps.append(Step(number, relation, lhs, rhs, because, names=names, **more))
        return self

    def with_step(self, changed: Step) -> Derivation:
        """A copy in which one line (by its number) is another; a chain goes on from it."""
        copy = Derivation(self.name, title=self.title, buys=self.buys, tex=self.tex)
        copy.domain, copy._valid_for = self.domain, self._valid_for
        copy.definitions, copy._verdicts = list(self.definitions), dict(self._verdicts)
        copy.steps = [changed if s.number == changed.number else s for s in self.steps]
        after = changed.number
        if after < len(copy.steps) and copy.steps[after].chained:
            copy.steps[after] = replace(copy.steps[after], lhs=changed.rhs)
        return copy

    @property
    def valid_for(self) -> str:
        """The sizes it was verified for; empty where nothing is said for all sizes."""
        if self._valid_for is not None:
            return self._valid_for
        listed = [(n, w) for n, w in self.domain.items() if n in self.sizes]
        return "; ".join(f"{n} = {', '.join(map(str, w))}" for n, w in listed)

    @property
    def sizes(self) -> set:
        """The symbols with listed values that are the size of a matrix or the end of a sum."""
        found = set()
        for step in self.steps:
            for side in _sides(step):
                found.update(n for m in side.atoms(sp.MatrixSymbol) for n in m.shape)
                found.update(n for s in side.atoms(sp.Sum) for limit in s.limits for n in limit[1:])
        return {n for n in found if isinstance(self.domain.get(n), tuple)}

    # Checking

    def verify(self) -> Verified:
        """Check every step, numerically and symbolically.

        Raises DerivationError at the first step that does not follow, or that sympy cannot decide.
        """
        if not self.steps:
            raise ValueError(f"{self.name}: expected at least one step, got none")
        memory = self._memory()
        if memory and memory.exists():
            verdicts = json.loads(memory.read_text(encoding="utf-8"))
            return Verified(self.name, tuple(StepVerdict(**v) for v in verdicts))
        for step in self.steps:
            if step not in self._verdicts:
                self._verdicts[step] = self._check(step)
        verified = Verified(self.name, tuple(self._verdicts[step] for step in self.steps))
        if memory:
            unfinished = memory.with_suffix(f".{os.getpid()}")
            unfinished.write_text(json.dumps([asdict(v) for v in verified.steps]), encoding="utf-8")
            unfinished.replace(memory)
        return verified

    def _memory(self) -> Path | None:
        """Where the verdicts of this very derivation are kept: a file in the folder NGD_VERIFIED,
        which `book/execute.py` makes anew for each state of the library. None outside a build."""
        folder = os.environ.get("NGD_VERIFIED")
        if not folder:
            return None
        steps = [tuple(vars(step).values()) for step in self.steps]
        whole = sp.srepr((self.name, self.domain, self.definitions, steps))
        return Path(folder, hashlib.sha256(whole.encode()).hexdigest()[:32] + ".json")

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
        if step.relation != "solve":
            return [(self._unfold(step.lhs), self._unfold(step.rhs))]
        back = dict(zip(step.lhs, step.rhs, strict=True))
        return [
            (self._unfold(put(e.lhs, back)), self._unfold(put(e.rhs, back))) for e in step.equations
        ]

    def _unfold(self, x: Any) -> Any:
        """The expression with every defined name replaced by its meaning."""
        for _ in range(len(self.definitions) + 1):
            before = x
            for what, meaning in self.definitions:
                x = _unfold_one(x, what, meaning)
            if x == before and not any(_uses(x, what) for what, _ in self.definitions):
                return x
        raise ValueError("define: expected definitions that do not refer to each other in a circle")

    def _cases(self, *expressions: Any) -> list[dict[Any, Any]]:
        """Every combination of the listed values of the symbols in use."""
        used = set().union(*(x.free_symbols for x in expressions))
        used |= {n for x in expressions for m in x.atoms(sp.MatrixSymbol) for n in m.shape}
        for symbol, where in reversed(self.domain.items()):
            if symbol in used and isinstance(where, sp.Range):
                used |= where.free_symbols  # the sizes that it depends on
        cases: list[dict[Any, Any]] = [{}]
        for symbol, where in self.domain.items():
            if symbol in used and isinstance(where, tuple | sp.Range):
                cases = [
                    {**case, symbol: value}
                    for case in cases
                    for value in (where if isinstance(where, tuple) else put(where, case))
                ]
        if len(cases) > 128:
            raise ValueError(f"domain: expected at most 128 combinations, got {len(cases)}")
        return cases

    def _where(self, symbol: Any) -> sp.Interval:
        """The interval of a symbol; of an entry of an indexed one, its base's."""
        where = self.domain.get(symbol)
        if where is None and isinstance(symbol, _Entry):
            where = self.domain.get(symbol.base)
        return where if isinstance(where, sp.Interval) else sp.Interval(-sp.oo, sp.oo)

    # Symbols

    def _check_symbols(self, step: Step) -> str:
        methods = []
        for left, right in self._pairs(step):
            for case in self._cases(left, right):
                written = {
                    m: _written_out(put(m, case), self.domain.get(m, "any"))
                    for m in left.atoms(sp.MatrixSymbol) | right.atoms(sp.MatrixSymbol)
                }
                sides = (_scalars(put(side, {**case, **written})) for side in (left, right))
                for a, b in zip(*sides, strict=True):
                    with _guarded():
                        methods.append(self._method(step, a - b))
        return _weakest(methods)

    def _method(self, step: Step, difference: Any) -> str:
        """The method that shows that a difference vanishes, in symbols that know their domain."""
        known, bounds = {}, {}
        for symbol in sorted(difference.free_symbols, key=str):
            where = self._where(symbol)
            low = where.start if where.start.is_number else -sp.oo
            high = where.end if where.end.is_number else sp.oo
            signs: dict[str, bool] = {"real": True}
            if low >= 0:
                signs["positive" if low > 0 or where.left_open else "nonnegative"] = True
            elif high <= 0:
                signs["negative" if high < 0 or where.right_open else "nonpositive"] = True
            name = known[symbol] = sp.Dummy(symbol.name, **signs)
            u = sp.Dummy(f"u_{symbol.name}", positive=True)
            if symbol == step.var:
                continue
            if low.is_finite and high.is_finite:
                bounds[name] = (u, (low + high * u) / (1 + u))
            elif low.is_finite and low != 0:
                bounds[name] = (u, low + u)
            elif high.is_finite and high != 0:
                bounds[name] = (u, high - u)
        difference = difference.xreplace(known)
        if step.relation == "expand":
            var = known.get(step.var, step.var)
            return _vanishes_to_order(difference, bounds, var, step.order)
        return _vanishes(difference, bounds)

    # Numbers

    def _check_numbers(self, step: Step) -> tuple[float, int, float | None]:
        dice = random.Random(f"{self.name}:{step.number}")
        worst, count, slopes = mp.mpf(0), 0, []
        for left, right in self._pairs(step):
            slow = _by_quadrature(left) or _by_quadrature(right)
            tolerance = TOLERANCE_QUADRATURE if slow else TOLERANCE
            for case in self._cases(left, right):
                samples = self._samples(step, left, right, case, dice)
                for a, b, point, shown in itertools.islice(samples, 2 if slow else POINTS):
                    count += 1
                    if step.relation == "expand":
                        slopes.append(self._slope(step, a, b, point, shown))
                        continue
                    if slow:  # a look at low precision first, which refuses what is plainly wrong
                        residual, scale = _residual(a, b, point, 15)
                    if not slow or residual <= scale * 1e-6:
                        residual, scale = _residual(a, b, point, DIGITS if slow else None)
                    if not residual <= scale * tolerance:
                        raise DerivationError(
                            self.name, step.number, "the two sides differ", float(residual), shown
                        )
                    worst = max(worst, residual)
        if step.relation == "solve":
            self._check_solution(step, dice)
        return float(worst), count, min(slopes, default=None)

    def _slope(self, step: Step, left: Any, right: Any, point: Mapping, shown: Mapping) -> float:
        """The slope of log |left - right| against log |var| as var goes to 0."""
        near, nearer = (
            _residual(left, right, {**point, step.var: mp.mpf(10) ** -k})[0] for k in (6, 8)
        )
        if nearer < mp.mpf(10) ** -(DIGITS + 10):
            return math.inf  # no remainder at all
        slope = float(mp.log10(near / nearer) / 2) if mp.isfinite(near) else -math.inf
        if slope < step.order - 0.05:
            raise DerivationError(
                self.name,
                step.number,
                f"expected a remainder of order {step.order}, measured order {slope:.2f}",
                float(near),
                {**shown, str(step.var): 1e-6},
            )
        return slope

    def _check_solution(self, step: Step, dice: random.Random) -> None:
        """Is the solution a point of the unknown's domain, near the edges of the domain too?

        A denominator that changes sign has a zero in between, where there is no solution.
        """
        for unknown, solution in zip(step.lhs, step.rhs, strict=True):
            where = self.domain.get(unknown)
            value = self._unfold(solution)
            for case in self._cases(value):
                signs: dict[Any, Any] = {}
                fixed = self._samples(step, value, sp.S.Zero, case, dice, edges=True)
                for entries, _, point, shown in itertools.islice(fixed, 8 * POINTS):
                    for entry in entries:
                        with mp.workdps(DIGITS):
                            found = mp.mpmathify(_number(entry, point))
                            good = bool(mp.isfinite(found)) and mp.im(found) == 0
                            if good and isinstance(where, sp.Interval):
                                ends = (put(x, case) for x in (where.start, where.end))
                                low, high = (_number(x, point) for x in ends)
                                good = low <= mp.re(found) <= high
                            reason = f"{unknown} = {mp.nstr(found, 6)} is outside its domain"
                            for part in _denominators(entry):
                                sign = mp.sign(mp.re(_number(part, point)))
                                if signs.setdefault(part, sign) != sign:
                                    good, reason = False, f"{part} has a zero in the domain"
                        if not good:
                            raise DerivationError(self.name, step.number, reason, math.inf, shown)

    def _samples(
        self,
        step: Step,
        left: Any,
        right: Any,
        case: Mapping,
        dice: random.Random,
        edges: bool = False,
    ) -> Iterator[tuple[list[Any], list[Any], dict[Any, Any], dict[str, Any]]]:
        """Both sides as scalars, and random points of the domain to evaluate them at, without end.

        Undefined functions are the same in every sample; so are matrices with `edges`, where
        every fourth point is close to an end of the domain.
        """
        case_shown: dict[str, Any] = {str(k): float(v) for k, v in case.items()}
        left, right = put(left, case), put(right, case)
        heads = {f.func for side in (left, right) for f in side.atoms(AppliedUndef)}
        fixed = random.Random(f"{self.name}:{step.number}")
        for head in sorted(heads, key=str):
            instance = _random_function(fixed)
            left, right = left.replace(head, instance), right.replace(head, instance)
        matrices = {m for side in (left, right) for m in side.atoms(sp.MatrixSymbol)}
        kinds = {put(m, case): kind for m, kind in self.domain.items() if kind in MATRIX_KINDS}
        instances: dict[Any, Any] = {}
        for k in itertools.count():
            if k == 0 or (matrices and not edges):
                for m in sorted(matrices, key=str):
                    instances[m] = _random_matrix(m, kinds.get(m, "any"), dice)
                sides = [_scalars(put(side, instances)) for side in (left, right)]
                used = {s for side in sides for x in side for s in x.free_symbols} - {step.var}
            point = self._random_point(used, case, dice, edges and k % 4 == 0)
            shown = {m.name: [[float(x) for x in row] for row in instances[m].tolist()]
                     for m in instances}  # fmt: skip
            shown |= {str(s): float(point[s]) for s in sorted(used, key=str)}
            yield *sides, point, case_shown | shown

    def _random_point(
        self, used: set, case: Mapping, dice: random.Random, edge: bool
    ) -> dict[Any, Any]:
        point: dict[Any, Any] = {}
        with mp.workdps(DIGITS + GUARD):
            listed = [s for s, w in self.domain.items() if isinstance(w, sp.Interval)]
            for symbol in [*listed, *sorted(used - set(listed), key=str)]:
                where = self._where(symbol)
                low, high = (_number(put(x, case), point) for x in (where.start, where.end))
                point[symbol] = _random_number(low, high, dice, edge)
        return point

    # Showing

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """HTML, LaTeX and plain text. Verifies first: what does not follow is not shown."""
        verified = self.verify()
        return {
            "text/html": _as_html(self, verified),
            "text/latex": _as_latex(self),
            "text/plain": _as_text(self),
        }


def _domain_of(symbol: Any, where: Any) -> Any:
    if isinstance(symbol, sp.MatrixSymbol):
        if where not in MATRIX_KINDS:
            raise ValueError(f"domain: expected one of {MATRIX_KINDS} for {symbol}, got {where!r}")
        return where
    if not isinstance(symbol, sp.Symbol | sp.IndexedBase):
        raise ValueError(f"domain: expected a symbol, got {symbol!r}")
    if isinstance(where, sp.Range | sp.Interval):
        return where
    if where == sp.Reals:
        return sp.Interval(-sp.oo, sp.oo)
    if isinstance(where, list | tuple | range | sp.FiniteSet):
        values = tuple(sp.sympify(v) for v in where)
        if values and all(v.is_number for v in values):
            return values
    raise ValueError(
        f"domain: expected an Interval, a Range or a list of values for {symbol}, got {where!r}"
    )


def _sympify(x: Any) -> Any:
    """As a sympy object, left exactly as written; matrices immutable."""
    if isinstance(x, bool | str | float):
        raise ValueError(
            f"expression: expected a sympy expression or an integer, got {x!r} "
            "(write Rational(1, 2) for 0.5)"
        )
    x = sp.sympify(x)
    return sp.ImmutableMatrix(x) if isinstance(x, MatrixBase) else x


def _shape(x: Any) -> tuple:
    shape = tuple(x.shape) if isinstance(x, MatrixExpr | MatrixBase) else ()
    return () if shape == (1, 1) else shape


def _sides(step: Step) -> tuple:
    if step.relation == "solve":
        return (*step.equations, *step.rhs)
    return (step.lhs, step.rhs)


def _uses(x: Any, what: Any) -> bool:
    if isinstance(what, AppliedUndef):
        return x.has(what.func)
    return x.has(what.base) if isinstance(what, sp.Indexed) else what in x.free_symbols


def _unfold_one(x: Any, what: Any, meaning: Any) -> Any:
    if isinstance(what, AppliedUndef):
        return x.replace(
            what.func, lambda *args: put(meaning, dict(zip(what.args, args, strict=True)))
        )
    if isinstance(what, sp.Indexed):
        return x.replace(
            lambda e: isinstance(e, sp.Indexed) and e.base == what.base,
            lambda e: put(meaning, dict(zip(what.indices, e.indices, strict=True))),
        )
    return put(x, {what: meaning})


class _Entry(sp.Symbol):
    """A scalar standing for one entry of an indexed symbol, such as p[2]."""

    def __new__(cls, base: Any, indices: tuple) -> _Entry:
        entry = sp.Symbol.__xnew__(cls, f"{base}_{'_'.join(map(str, indices))}")
        entry.base = base
        return entry


def _scalars(x: Any) -> list[Any]:
    """A side as a list of scalars: matrices entry by entry, and entries of indexed symbols,
    in sums over a listed size too, as symbols."""
    if isinstance(x, MatrixExpr | MatrixBase) or x.has(MatrixExpr):
        x = x.doit()
        x = x.as_explicit() if isinstance(x, MatrixExpr) else x
    x = _spelled_out(x)
    if x.has(sp.Indexed):
        x = x.xreplace({e: _Entry(e.base, e.indices) for e in x.atoms(sp.Indexed)})
    return list(x) if isinstance(x, MatrixBase) else [x]


def _spelled_out(x: Any) -> Any:
    """Sums and products over listed integers term by term: sympy's own way is slow."""

    def finite(e: Any) -> bool:
        return isinstance(e, sp.Sum | sp.Product) and all(n.is_Integer for n in e.limits[-1][1:])

    def terms(e: Any) -> Any:
        *inner, (k, low, high) = e.limits
        body = e.func(e.function, *inner) if inner else e.function
        whole = sp.Add if isinstance(e, sp.Sum) else sp.Mul
        return whole(*(_spelled_out(put(body, {k: i})) for i in range(int(low), int(high) + 1)))

    return x.replace(finite, terms) if x.has(sp.Sum, sp.Product) else x


# Symbols

#: Ways to show that an expression vanishes, cheap ones first.
LADDER: tuple[tuple[str, Any], ...] = (
    ("as written", lambda x: x),
    ("expanded", sp.expand),
    ("common denominator", lambda x: sp.expand(sp.numer(sp.together(x)))),
    ("cancelled", sp.cancel),
    ("logarithms", lambda x: sp.expand(_logs(x))),
    ("logarithms, common denominator", lambda x: sp.expand(sp.numer(sp.together(_logs(x))))),
    ("powers", lambda x: sp.expand(sp.powsimp(sp.expand(sp.powdenest(x))))),
    ("exponentials", lambda x: sp.cancel(sp.expand(x.rewrite(sp.exp), power_exp=True))),
    ("trigonometry", lambda x: sp.trigsimp(x) if sp.count_ops(x) <= 250 else x),
    ("simplified", lambda x: sp.simplify(x) if sp.count_ops(x) <= 250 else x),
)
#: The last rung: on an interval, what has derivative 0 and one value 0 is 0.
CONSTANT = "derivative and one value vanish"
_INVERSES = (sp.log, sp.asin, sp.acos, sp.atan, sp.acot, sp.asinh, sp.acosh, sp.atanh)


def _logs(x: Any) -> Any:
    return sp.expand_log(sp.expand(x))


def _vanishes(x: Any, bounds: Mapping, depth: int = 1) -> str:
    """The name of the method that shows x = 0. Raises Undecided where none does.

    bounds maps symbols to (u, expression in u), u > 0: the symbol written so that its interval
    is built in, which lets logarithms of q and of 1 - q split.
    """
    x = x.doit()
    inside = {s: expression for s, (_, expression) in bounds.items()}
    forms = [x, x.subs(inside)] if x.free_symbols & set(bounds) else [x]
    for name, method in LADDER:
        for form in forms:
            with suppress(sp.PolynomialError, NotImplementedError):
                if method(form) == 0:
                    return name
    for symbol, (u, expression) in bounds.items():
        if depth and x.has(symbol) and x.has(*_INVERSES):
            with suppress(Undecided):
                _vanishes(sp.diff(x, symbol), bounds, depth - 1)
                _vanishes(x.subs(symbol, expression.subs(u, 1)), bounds, depth - 1)
                return CONSTANT
    raise Undecided(f"sympy cannot show that {sp.sstr(x)[:200]} vanishes")


def _vanishes_to_order(x: Any, bounds: Mapping, var: Any, order: int) -> str:
    """As `_vanishes`, for each Taylor coefficient of x in `var` below `order`."""
    methods = []
    x = x.doit()
    for k in range(order):
        coefficient = x.subs(var, 0).doit()
        if coefficient.has(sp.nan, sp.zoo, sp.oo):
            coefficient = sp.limit(x, var, 0)
        methods.append(_vanishes(coefficient, bounds))
        if k + 1 < order:
            x = sp.diff(x, var).doit()
    return _weakest(methods)


def _weakest(methods: list[str]) -> str:
    """The method furthest down the ladder."""
    return max(methods, key=[*(name for name, _ in LADDER), CONSTANT].index)


class _TimeUp(BaseException):
    """Not an Exception, so that nothing inside sympy catches it."""


@contextmanager
def _guarded() -> Iterator[None]:
    """Stops a symbolic check that runs away (in the main thread, where alone it can be stopped)."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(
        signal, "SIGVTALRM"
    ):
        yield
        return

    def stop(*_: Any) -> None:
        raise _TimeUp

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, LIMIT_SECONDS)
    try:
        yield
    except _TimeUp:
        raise Undecided(f"sympy came to no verdict in {LIMIT_SECONDS} s") from None
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


# Numbers


def _number(x: Any, point: Mapping) -> Any:
    """The value of a scalar expression at a point, by mpmath at its present precision.

    Derivatives are taken numerically, integrals by quadrature and sums term by term, so that the
    check does not lean on sympy's own rules for them.
    """
    if x.has(sp.nan, sp.zoo):
        return mp.nan
    names, nodes, function = _plan(x)
    return function(*(point[n] for n in names), *(_evaluate(node, point) for node in nodes))


@lru_cache(maxsize=4000)
def _plan(x: Any) -> tuple[list, list, Any]:
    """The symbols and unevaluated parts of an expression, and the mpmath function of them."""
    nodes = sorted(_outermost(x), key=sp.default_sort_key)
    dummies = [sp.Dummy() for _ in nodes]
    x = x.xreplace(dict(zip(nodes, dummies, strict=True)))
    names = sorted(x.free_symbols - set(dummies), key=str)
    texts = [str(n) for n in names]
    clash = len(set(texts)) < len(texts) or any(hasattr(mp, text) for text in texts)
    return names, nodes, sp.lambdify([*names, *dummies], x, modules="mpmath", dummify=clash)


def _outermost(x: Any) -> set:
    """The unevaluated parts of an expression that are inside no other."""
    if isinstance(x, _UNEVALUATED):
        return {x}
    return set().union(*(_outermost(a) for a in x.args)) if x.args else set()


def _evaluate(node: Any, point: Mapping) -> Any:
    if isinstance(node, E):
        if node.discrete:
            return mp.fsum(_number(w, point) * _number(f, point) for w, f in node.terms())
        node = node.as_integral()
    if isinstance(node, sp.Derivative):
        names, orders = zip(*node.variable_count, strict=True)
        if not all(isinstance(n, sp.Symbol) for n in names):
            raise Undecided(f"{node} is not a derivative in a symbol")
        if not set(names) <= node.expr.free_symbols:
            return mp.mpf(0)

        def value(*coordinates: Any) -> Any:
            return _number(node.expr, {**point, **dict(zip(names, coordinates, strict=True))})

        if len(names) == 1:
            return mp.diff(value, point[names[0]], int(orders[0]))
        return mp.diff(value, tuple(point[n] for n in names), tuple(map(int, orders)))
    if isinstance(node, sp.Subs):
        new = {v: _number(p, point) for v, p in zip(node.variables, node.point, strict=True)}
        return _number(node.expr, {**point, **new})
    *more, (variable, low, high) = node.limits  # the last limits are the outermost
    body = node.func(node.function, *more) if more else node.function
    low, high = _number(low, point), _number(high, point)

    def term(t: Any) -> Any:
        return _number(body, {**point, variable: t})

    if isinstance(node, sp.Integral):
        return mp.quad(term, [low, high])
    if mp.isinf(high):
        return mp.nsum(term, [int(low), mp.inf])
    values = [term(mp.mpf(k)) for k in range(int(low), int(high) + 1)]
    return mp.fsum(values) if isinstance(node, sp.Sum) else mp.fprod(values)


def _residual(
    left: list, right: list, point: Mapping, digits: int | None = None
) -> tuple[Any, Any]:
    """The largest difference of two lists of scalars, and the scale it is judged by."""
    with mp.workdps(digits or DIGITS + GUARD):
        residual, scale = mp.mpf(0), mp.mpf(1)
        for x, y in zip(left, right, strict=True):
            a, b = _number(x, point), _number(y, point)
            residual = max(residual, mp.fabs(a - b)) if mp.isfinite(a - b) else mp.inf
            scale = max(scale, mp.fabs(a), mp.fabs(b))
        return residual, scale


def _by_quadrature(x: Any) -> bool:
    """Does the value of an expression rest on an integral or an infinite sum?"""
    return (
        x.has(sp.Integral)
        or any(not e.discrete for e in x.atoms(E))
        or any(limit[2] == sp.oo for node in x.atoms(sp.Sum) for limit in node.limits)
    )


def _denominators(x: Any) -> list[Any]:
    """The factors of an expression's denominator that hold symbols."""
    factors = sp.Mul.make_args(sp.denom(sp.together(x)))
    return [f.as_base_exp()[0] for f in factors if f.free_symbols]


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


def _size(matrix: Any) -> tuple[int, int]:
    for n in matrix.shape:
        if not n.is_Integer:
            raise ValueError(f"domain: expected sizes for {n}, e.g. {{{n}: [2, 3]}}, got none")
    return tuple(int(n) for n in matrix.shape)


def _written_out(matrix: Any, kind: str) -> sp.ImmutableMatrix:
    """A matrix of symbols."""
    mirrored = kind in ("symmetric", "positive definite")

    def entry(i: int, j: int) -> sp.Symbol:
        i, j = (min(i, j), max(i, j)) if mirrored else (i, j)
        return sp.Symbol(f"{matrix.name}_{i + 1}_{j + 1}", real=True)

    return sp.ImmutableMatrix(*_size(matrix), entry)


def _random_matrix(matrix: Any, kind: str, dice: random.Random) -> sp.ImmutableMatrix:
    """A matrix of rational numbers."""
    rows, columns = _size(matrix)
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
    a, b, c, *weights = (sp.Rational(dice.randint(20, 90), 60) for _ in range(9))

    def instance(*args: Any) -> Any:
        mix = sum(w * x for w, x in zip(itertools.cycle(weights), args, strict=False))
        return a * sp.exp(b * mix / 2) + c * sp.sin(mix + a) + b

    return instance


# Mutants


def mutants(d: Derivation) -> Iterator[tuple[str, Derivation]]:
    """Derivations with one mistake in them, each with what was done: every one must be refused.

    The mistakes: a sign flipped, a factor or a term dropped, a factor inverted, a chart swapped
    (q for 1 - q, two variables exchanged), the order of a remainder raised. A change that leaves
    the line true is no mistake, and is left out: that is decided by sympy's own numerical
    evaluation, apart from `verify`. The same derivation gives the same mutants.
    """
    for step in d.steps:
        seen: set[Any] = {(step.lhs, step.rhs, step.order)}
        kinds: dict[str, list[tuple[str, Step]]] = {}
        for what, changed in _mistakes(d, step):
            kinds.setdefault(what.split(":")[0], []).append((what, changed))
        for found in kinds.values():
            made = 0
            for what, changed in [found[0], *reversed(found[1:])]:  # the outermost, then inner ones
                key = (changed.lhs, changed.rhs, changed.order)
                if made < PER_KIND and key not in seen and _is_wrong(d, changed, step):
                    made += 1
                    yield f"step {step.number}: {what}", d.with_step(changed)
                seen.add(key)


PER_KIND = 2  # mutants of one kind on one side of a line


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
    heads = 1 if isinstance(x, (*_UNEVALUATED, sp.Lambda)) else len(x.args)
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
        pairs = d._pairs(step)
    else:
        sides = ((step.lhs, original.lhs), (step.rhs, original.rhs))
        pairs = [(d._unfold(a), d._unfold(b)) for a, b in sides if a != b]
    try:
        for left, right in pairs:
            for case in d._cases(left, right):
                samples = d._samples(step, left, right, case, dice)
                for a, b, point, _ in itertools.islice(samples, 2):
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
    """The value of a scalar expression, apart from `_number`: derivatives by sympy's rules,
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
    found = sp.N(x.doit() if x.has(*_UNEVALUATED) else x, 60)
    if not found.is_number or found.has(sp.nan, sp.zoo, sp.oo):
        raise ValueError(f"{found} is no number")
    return found


# Printing

STYLE = """<style>
.ngd-derivation{margin:1.4rem 0 1.8rem;container-type:inline-size}
.ngd-derivation figcaption{margin:0 0 .6rem;font-size:.92rem;line-height:1.5;text-align:left;
 font-weight:400;color:inherit}
.ngd-derivation figcaption strong{display:block;font-weight:600}
.ngd-derivation .ngd-chain{overflow-x:auto;overflow-y:hidden;border-left:3px solid
 var(--ngd-metric,#8439a8);padding:.1rem 0 .1rem .9rem}
.ngd-derivation ol{display:grid;column-gap:1.2rem;list-style:none;margin:0;padding:0;
 grid-template-columns:minmax(max-content,1fr) minmax(9rem,16rem)}
.ngd-derivation li{display:grid;grid-column:1/-1;grid-template-columns:subgrid;align-items:end;
 margin:0;padding:.4rem 0}
.ngd-derivation .ngd-chained .ngd-left,.ngd-derivation .ngd-chained .ngd-right,
.ngd-derivation .ngd-long .ngd-left,.ngd-derivation .ngd-long .ngd-right{display:block}
.ngd-derivation .ngd-right{padding-left:.3em}
.ngd-derivation .ngd-chained .ngd-right,.ngd-derivation .ngd-long .ngd-right{padding-left:1.6rem}
.ngd-derivation .ngd-left+.ngd-right{margin-top:.35rem}
.ngd-derivation .ngd-because,.ngd-derivation details{font-size:.88rem;line-height:1.4;
 font-family:var(--pst-font-family-heading,inherit)}
.ngd-derivation .ngd-because{padding-bottom:.3rem}
.ngd-derivation .ngd-mark{font-weight:700;color:var(--ngd-natural,inherit)}
.ngd-derivation details{margin-top:.4rem;color:var(--ngd-muted,inherit)}
.ngd-derivation details ol{display:block;list-style:decimal;padding-left:1.6rem}
.ngd-derivation details li{display:list-item;padding:.1rem 0}
.ngd-stacked .ngd-chain ol,.ngd-stacked .ngd-chain li{display:block}
.ngd-stacked .ngd-because{display:block;padding:.15rem 0 0 1.6rem}
@container (max-width:32rem){
.ngd-derivation .ngd-chain ol,.ngd-derivation .ngd-chain li{display:block}
.ngd-derivation .ngd-left,.ngd-derivation .ngd-right{display:block}
.ngd-derivation .ngd-right,.ngd-derivation .ngd-because{display:block;padding:.15rem 0 0 1.6rem}}
</style>"""
WIDE = 44  # characters of a formula's plain text beyond which reasons go below their lines
LONG = 62  # characters beyond which the right side goes below the left


def _as_text(d: Derivation) -> str:
    lines = [d.title]
    lines += [f"  where {what} := {meaning}" for what, meaning in d.definitions]
    lines += [f"  {s.number}. {s.text}   ({s.because}) ✓" for s in d.steps]
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
    """Prose inside \\text: special characters escaped, `$...$` left as it is."""
    parts = text.split("$")
    parts[::2] = [re.sub(r"([&%#_{}])", r"\\\1", p.replace("\\", "")) for p in parts[::2]]
    return "$".join(parts)


def _prose(text: str) -> str:
    """Prose in HTML: escaped, `$...$` typeset."""
    return re.sub(r"\$([^$]+)\$", r"\\(\1\\)", html.escape(text, quote=False))


def _math(tex: str) -> str:
    return rf"\(\displaystyle {html.escape(tex, quote=False)}\)"


def _as_html(d: Derivation, verified: Verified) -> str:
    """A grid, one formula a row beside its reason and mark; the formulas scroll in their box."""
    tex = Step(0, "equal", 0, 0, "", names=tuple(d.tex.items()))._tex
    about = [f"<strong>{_prose(d.title)}</strong>"]
    if d.buys:
        about.append(_prose(d.buys))
    where = [f"{tex(what)} := {tex(meaning)}" for what, meaning in d.definitions]
    where += [
        rf"{tex(s)} \in {tex(sp.FiniteSet(*w) if isinstance(w, tuple) else w)}"
        for s, w in d.domain.items()
        if not isinstance(w, str) and w != sp.Interval(-sp.oo, sp.oo) and s not in d.sizes
    ]
    kinds = [rf"\({tex(m)}\) {kind}" for m, kind in d.domain.items() if kind in MATRIX_KINDS[1:]]
    if where or kinds:
        about.append("Here " + ", ".join([*(rf"\({w}\)" for w in where), *kinds]) + ".")
    if d.valid_for:
        about.append(f"Verified for {_prose(d.valid_for)}.")
    rows = []
    for step, verdict in zip(d.steps, verified.steps, strict=True):
        goes_on = step.number < len(d.steps) and d.steps[step.number].chained
        kind = "ngd-chained" if step.chained or goes_on else ""
        kind = kind or ("ngd-long" if len(step.text) > LONG else "ngd-short")
        left = f'<span class="ngd-left">{_math(step.left_latex)}</span>' if step.left_latex else ""
        how = html.escape(f"Verified: {verdict}")
        rows.append(
            f'<li><span class="{kind}">{left}'
            f'<span class="ngd-right">{_math(step.right_latex)}</span></span>'
            f'<span class="ngd-because">{_prose(step.because)} <span class="ngd-mark" role="img" '
            f'aria-label="verified" title="{how}">✓</span></span></li>'
        )
    how = "".join(f"<li>{html.escape(str(v)).capitalize()}.</li>" for v in verified.steps)
    longest = max(len(s.text if s.left_latex else f"  = {s.rhs}") for s in d.steps)
    stacked = " ngd-stacked" if longest > WIDE else ""
    label = html.escape(f"Derivation: {re.sub(r'[$]', '', d.title)}")
    return (
        f'{STYLE}<figure class="ngd-derivation{stacked} tex2jax_process mathjax_process" '
        f'id="derivation-{d.name}"><figcaption>{" ".join(about)}</figcaption>'
        f'<div class="ngd-chain" tabindex="0" role="region" aria-label="{label}">'
        f"<ol>{''.join(rows)}</ol></div>"
        f"<details><summary>How each line was verified</summary><ol>{how}</ol></details></figure>"
    )
