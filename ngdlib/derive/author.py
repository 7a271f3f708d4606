"""What an author writes: a chain of steps, their reasons, the domain that they hold on."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from collections.abc import Mapping
from copy import copy
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import sympy as sp
from sympy.core.function import AppliedUndef

from ngdlib.derive import compute, decide, domain, names, signs, solving, typeset
from ngdlib.derive.language import (
    MATRIX_KINDS,
    DerivationError,
    E,
    Entry,
    Foreign,
    Undecided,
    Unfit,
    as_sympy,
    canonical,
    names_in,
    put,
    put_back,
    shape,
    unfold_one,
    uses,
)

DEFINITION = "by definition"
OWN = (Undecided, signs.Refuted, DerivationError, Unfit)  # what the engine itself says


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
        return typeset.latex(expression, self.names)

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

    digits is the agreement that was demanded; slope the measured order of the remainder, for an
    expansion: inf where there is none. A line that only says what a name means earns no mark.
    """

    number: int
    symbolic: str
    residual: float
    points: int
    slope: float | None = None
    digits: int = 30

    @property
    def earned(self) -> bool:
        return self.symbolic != DEFINITION

    def __str__(self) -> str:
        if not self.earned:
            return "by definition: both sides are the same once names are replaced by meanings"
        text = f"proved by sympy ({self.symbolic}); checked at {self.points} random points, "
        if self.slope is None:
            return text + f"where the sides agree to {self.digits} digits"
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
    problem    one sentence: what is asked. Never the answer, which the last line gives
    domain     {symbol: set}, where the set is
               an Interval (its ends may use other symbols of the domain);
               a list of values, each of which is tried: `{y: [0, 1]}`, `{K: [2, 3, 4]}`;
               a Range of integers, likewise: `{k: Range(1, K + 1)}`;
               for a MatrixSymbol one of "any", "symmetric", "positive definite", "invertible".
               An IndexedBase takes the Interval of its entries, a value of an undefined function
               such as w(x) that of its values. What is not listed is real.
               A line must be defined, and real, on all of it
    why        {symbol: words}: where a condition comes from, printed behind it in brackets:
               `why={b: "a variance is positive"}`. `$...$` is typeset, as in every text here
    sampled    {symbol: Interval} from which the numbers of the numeric check are drawn, where the
               whole domain would make it slow. Printed only under "how each line was verified":
               what is proved, and printed as the condition, is the domain
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
        problem: str = "",
        domain: Mapping[Any, Any] | None = None,
        why: Mapping[Any, str] | None = None,
        sampled: Mapping[Any, Any] | None = None,
        valid_for: str | None = None,
        tex: Mapping[Any, str] | None = None,
    ) -> None:
        if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*", name):
            raise ValueError(f"name: expected letters, digits and hyphens, got {name!r}")
        for symbol in tex or {}:
            if not isinstance(symbol, sp.Symbol | sp.MatrixSymbol):
                raise ValueError(f"tex: expected a symbol as key, got {symbol!r}")
        self.name, self.title, self.problem = name, title or name, problem
        self.tex = dict(tex or {})
        self.domain = _in_order({s: _domain_of(s, w) for s, w in (domain or {}).items()})
        self.why, self.sampled = dict(why or {}), dict(sampled or {})
        for symbol in self.why:
            if symbol not in self.domain:
                raise ValueError(f"why: expected a symbol of the domain, got {symbol!r}")
        for symbol, where in self.sampled.items():
            if not isinstance(where, sp.Interval):
                raise ValueError(f"sampled: expected an Interval for {symbol}, got {where!r}")
        self.definitions: list[tuple[Any, Any]] = []
        self.steps: list[Step] = []
        self._valid_for = valid_for
        self._forget()

    def _forget(self) -> None:
        self._verdicts: dict[Step, StepVerdict] = {}
        # what was found on the way, shared with the mutants: see `compute` and `domain`
        self.points: dict[Any, compute.Point] = {}
        self.instances: dict[Any, Any] = {}
        self.proved: set[Any] = set()
        self._unfolded: dict[Any, Any] = {}

    # Building

    def define(self, what: Any, meaning: Any) -> Derivation:
        """Give a symbol, or a function applied to symbols, its meaning: printed by name, checked
        by its meaning. `d.define(sigma(z), 1 / (1 + exp(-z)))`, `d.define(p[k], ...)`.

        Raises ValueError for anything else on the left, and for a definition in terms of itself.
        """
        meaning = as_sympy(meaning)
        if isinstance(what, AppliedUndef):
            head, free = what.func, what.args
        elif isinstance(what, sp.Indexed):
            head, free = what.base, what.indices
        else:
            head, free = what, ()
            if not isinstance(what, sp.Symbol | sp.MatrixSymbol):
                raise ValueError(f"what: expected a symbol or a function of them, got {what!r}")
        if not all(isinstance(a, sp.Symbol) for a in free) or len(set(free)) < len(free):
            raise ValueError(f"what: expected symbols as arguments, no two the same, got {what!r}")
        if meaning.has(head):
            raise ValueError(f"meaning: expected an expression without {head}, got {meaning}")
        self.definitions.append((what, meaning))
        self._forget()
        return self

    def equal(self, lhs: Any, rhs: Any, because: str) -> Derivation:
        """A line `lhs = rhs`. Scalars, or matrices of one shape."""
        return self._add("equal", lhs, rhs, because)

    def then(self, rhs: Any, because: str) -> Derivation:
        """The next line of the chain: what stood on the right equals `rhs` (to the same order)."""
        last = self._last()
        if last.order is not None:
            _no_term_beyond(rhs, last.var, last.order)
        return self._add(
            last.relation, last.rhs, rhs, because, chained=True, var=last.var, order=last.order
        )

    def expand(self, lhs: Any, rhs: Any, var: Any, order: int, because: str) -> Derivation:
        """A line `lhs = rhs + O(var**order)`, for every value of the other symbols; under an
        integral one neighbourhood of 0 has to do for all that is summed up. The coefficients below
        `order` are compared symbolically, and the order of the remainder is measured."""
        return self._expand(lhs, rhs, var, order, because, False)

    def then_expand(self, rhs: Any, var: Any, order: int, because: str) -> Derivation:
        """The next line of the chain: what stood on the right equals `rhs + O(var**order)`."""
        last = self._last()
        if last.order is not None and (var != last.var or order > last.order):
            raise ValueError(
                f"order: expected at most O({last.var}**{last.order}), what the line before it "
                f"has left out, got O({var}**{order})"
            )
        return self._expand(last.rhs, rhs, var, order, because, True)

    def _expand(
        self, lhs: Any, rhs: Any, var: Any, order: int, because: str, chained: bool
    ) -> Derivation:
        if not isinstance(var, sp.Symbol):
            raise ValueError(f"var: expected a symbol, got {var!r}")
        if not isinstance(order, int) or isinstance(order, bool) or not 1 <= order <= 7:
            raise ValueError(f"order: expected an integer from 1 to 7, got {order!r}")
        _no_term_beyond(rhs, var, order)
        return self._add("expand", lhs, rhs, because, var=var, order=order, chained=chained)

    def solve(self, equation: Any, unknown: Any, solution: Any, because: str) -> Derivation:
        """A line `equation ⟹ unknown = solution`; lists of the same length for a system.

        It is shown that the solution is one, that it lies in the unknown's domain, and that the
        domain holds no other: see `ngdlib.derive.solving` for what can be shown. A differential
        equation needs an initial value, as a second equation.
        """
        equations, unknowns, solutions = (
            tuple(x) if isinstance(x, list | tuple | sp.Tuple) else (x,)
            for x in (equation, unknown, solution)
        )
        for e in equations:
            if not isinstance(e, sp.Equality):
                raise ValueError(f"equation: expected sympy.Eq(left, right), got {e!r}")
            for side in e.args:
                as_sympy(side)
        if len(unknowns) != len(solutions):
            raise ValueError(
                f"solution: expected one for each of {len(unknowns)} unknowns, got {len(solutions)}"
            )
        for u, s in zip(unknowns, solutions, strict=True):
            if not isinstance(u, sp.Symbol | sp.MatrixSymbol | AppliedUndef):
                raise ValueError(f"unknown: expected a symbol or a function of symbols, got {u!r}")
            if as_sympy(s).has(u):
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
            lhs, rhs = tuple(map(as_sympy, lhs)), tuple(map(as_sympy, rhs))
        else:
            lhs, rhs = as_sympy(lhs), as_sympy(rhs)
            if shape(lhs) != shape(rhs):
                raise ValueError(f"rhs: expected shape {shape(lhs)}, that of lhs, got {shape(rhs)}")
        names = tuple(self.tex.items())
        number = len(self.steps) + 1
        self.steps.append(Step(number, relation, lhs, rhs, because, names=names, **more))
        return self

    def with_step(self, changed: Step) -> Derivation:
        """A copy in which one line (by its number) is another; a chain goes on from it."""
        copy = Derivation(self.name, title=self.title, tex=self.tex)
        copy.problem, copy.why = self.problem, self.why
        copy.sampled = self.sampled
        copy.domain, copy._valid_for = self.domain, self._valid_for
        copy.definitions, copy._verdicts = list(self.definitions), dict(self._verdicts)
        copy.points, copy.instances, copy.proved = self.points, self.instances, self.proved
        copy._unfolded = self._unfolded
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
            for side in sides(step):
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
        names.check(self)
        memory = self._memory()
        if memory and memory.exists():
            kept = json.loads(memory.read_text(encoding="utf-8"))
            verdicts = tuple(StepVerdict(**v) for v in kept)
            self._verdicts |= dict(zip(self.steps, verdicts, strict=True))  # for its copies
            return Verified(self.name, verdicts)
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
            with decide.guarded():
                return self._checked(step)
        except Undecided as why:
            advice = "" if isinstance(why, Foreign) else ": split the step into smaller ones"
            raise DerivationError(self.name, step.number, f"{why}{advice}", 0.0, None) from None
        except signs.Refuted as why:
            raise DerivationError(self.name, step.number, str(why), math.inf, why.witness) from None

    def _checked(self, step: Step) -> StepVerdict:
        try:
            return self._verdict(step)
        except OWN:
            raise
        except Exception as why:  # of sympy or mpmath, about a line that they cannot evaluate
            self._say_why(step)
            raise Foreign("sympy cannot evaluate the line: write it in other functions") from why

    def _say_why(self, step: Step) -> None:
        """Raise what a line's domain lacks, which is often why it cannot be evaluated."""
        try:
            domain.check(self, step, self.written(step))
        except OWN:
            raise
        except Exception:
            return

    def _verdict(self, step: Step) -> StepVerdict:
        sides = list(dict.fromkeys(side for pair in self.pairs(step) for side in pair))
        written = self.written(step)
        domain.known(self, written)
        near = domain.around(self, step.var) if step.relation == "expand" else [1]
        restates = step.relation == "equal" and _restates(step, *self.pairs(step)[0])
        if not restates:
            residual, points, slope, digits = compute.check(self, step, near)
        domain.check(self, step, written)
        decide.check_expectations(self, step, sides)
        if restates:
            return StepVerdict(step.number, DEFINITION, 0.0, 0)
        method = decide.check(self, step)
        if step.relation == "solve":
            solving.check(self, step)
        return StepVerdict(step.number, method, residual, points, slope, digits)

    def written(self, step: Step) -> list[Any]:
        """The sides as they are written, in which nothing has cancelled; of what is solved, also
        with the unknown in it."""
        sides = [side for pair in self.pairs(step, True) for side in pair]
        sides += [self.unfold(side, step.lhs, True) for e in step.equations for side in e.args]
        return list(dict.fromkeys(sides))

    def pairs(self, step: Step, held: bool = False) -> list[tuple[Any, Any]]:
        """The two sides that must agree, definitions unfolded; `held` as in `put`."""
        if step.relation != "solve":
            return [(self.unfold(step.lhs, (), held), self.unfold(step.rhs, (), held))]
        back = dict(zip(step.lhs, step.rhs, strict=True))
        return [
            tuple(self.unfold(put_back(side, back), (), held) for side in e.args)
            for e in step.equations
        ]

    def unfold(self, x: Any, keep: tuple = (), held: bool = False) -> Any:
        """The expression with every defined name replaced by its meaning, but for those to keep."""
        key = (x, keep, held)
        if key not in self._unfolded:
            self._unfolded[key] = self._unfold(*key)
        return self._unfolded[key]

    def _unfold(self, x: Any, keep: tuple, held: bool) -> Any:
        definitions = [(what, m) for what, m in self.definitions if what not in keep]
        for _ in range(len(definitions) + 1):
            before = x
            for what, meaning in definitions:
                x = unfold_one(x, what, meaning, held)
            if x == before and not any(uses(x, what) for what, _ in definitions):
                return x
        raise Unfit("define: expected definitions that do not refer to each other in a circle")

    def cases(self, *expressions: Any) -> list[dict[Any, Any]]:
        """Every combination of the listed values of the symbols in use."""
        used = set().union(*map(names_in, expressions))
        for symbol, where in reversed(self.domain.items()):
            if symbol in used and isinstance(where, sp.Range | sp.Interval):
                used |= where.free_symbols  # what it depends on
        cases: list[dict[Any, Any]] = [{}]
        for symbol, where in self.domain.items():
            if symbol in used and isinstance(where, tuple | sp.Range):
                cases = [
                    {**case, symbol: value}
                    for case in cases
                    for value in (where if isinstance(where, tuple) else put(where, case))
                ]
        if not 0 < len(cases) <= 128:
            raise Unfit(f"domain: expected one and at most 128 combinations, got {len(cases)}")
        return cases

    def where(self, symbol: Any) -> sp.Interval:
        """The interval of a symbol; of an entry of an indexed one, its base's."""
        where = self.domain.get(symbol)
        if where is None and isinstance(symbol, Entry):
            where = self.domain.get(symbol.base)
        if where is None and symbol.is_positive:  # of `decide._written_out`
            return sp.Interval.open(0, sp.oo)
        return where if isinstance(where, sp.Interval) else sp.Interval(-sp.oo, sp.oo)

    def within(self, bound: tuple) -> Derivation:
        """The same inside an integral or a sum: with what it binds, and their intervals."""
        if not bound:
            return self
        inside = copy(self)
        inside.domain, inside.proved = {**self.domain, **dict(bound)}, set()
        return inside

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """HTML, LaTeX and plain text. Verifies first: what does not follow is not shown."""
        verified = self.verify()
        return {
            "text/html": typeset.as_html(self, verified),
            "text/latex": typeset.as_latex(self, verified),
            "text/plain": typeset.as_text(self, verified),
        }


class Formula(Derivation):
    """One verified line that stands in the text, with its small mark: see `formula`."""

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return super()._repr_mimebundle_() | {
            "text/html": typeset.formula_as_html(self, self.verify())
        }


def formula(
    lhs: Any,
    rhs: Any,
    because: str = "",
    *,
    where: Mapping[Any, Any] | None = None,
    var: Any = None,
    order: int | None = None,
    name: str = "formula",
    **more: Any,
) -> Formula:
    """A checked formula in the text: what only confirms, or is one equality, and needs no card.

    formula(Derivative(log(q), q), 1 / q, domain={q: Interval.open(0, oo)})
    formula(loss, value, where={Q(ω): sin(ω / 2) ** 2}, because="the angle")
    formula(cos(h), 1 - h**2 / 2, var=h, order=4)

    where: definitions, {name: meaning}, as of `Derivation.define`; with var and order the sides
    agree but for O(var**order); the other keywords are those of `Derivation`. It is verified when
    it is shown, as a line of a derivation is, and refused as one. Registered with `@derivation`
    it is mutated by the tests, too.
    """
    d = Formula(name, **more)
    for what, meaning in (where or {}).items():
        d.define(what, meaning)
    if order is None:
        d._add("equal", lhs, rhs, because or FORMULA)
    else:
        d.expand(lhs, rhs, var, order, because or FORMULA)
    d.steps[0] = replace(d.steps[0], because=because)
    return d


FORMULA = "a formula in the text"  # the reason of one that gives none; not shown


def _domain_of(symbol: Any, where: Any) -> Any:
    if isinstance(symbol, sp.MatrixSymbol):
        if where not in MATRIX_KINDS:
            raise ValueError(f"domain: expected one of {MATRIX_KINDS} for {symbol}, got {where!r}")
        if where != "any" and symbol.shape[0] != symbol.shape[1]:
            raise ValueError(
                f"domain: expected a square matrix that is {where}, got {symbol.shape}"
            )
        return where
    if not isinstance(symbol, sp.Symbol | sp.IndexedBase | AppliedUndef):
        raise ValueError(f"domain: expected a symbol, got {symbol!r}")
    if isinstance(where, sp.Range | sp.Interval):
        return where
    if where == sp.Reals:
        return sp.Interval(-sp.oo, sp.oo)
    if isinstance(where, list | tuple | range | sp.FiniteSet):
        values = tuple(sp.sympify(v) for v in where)
        if values and all(v.is_number and v.is_real for v in values):
            return values
    raise ValueError(
        f"domain: expected an Interval, a Range or a list of values for {symbol}, got {where!r}"
    )


def _restates(step: Step, left: Any, right: Any) -> bool:
    """Does a line say no more than what its names mean, or nothing at all?"""
    if step.lhs == step.rhs:
        return True
    return canonical(left) == canonical(right) and canonical(step.lhs) != canonical(step.rhs)


def _in_order(domain: dict) -> dict:
    """The domain with each symbol after those that the ends of its interval use."""
    placed: dict[Any, Any] = {}
    rest = dict(domain)
    while rest:
        for symbol, where in rest.items():
            ends = (where.start, where.end) if isinstance(where, sp.Interval) else ()
            used = (
                set().union(*(e.free_symbols | e.atoms(AppliedUndef) for e in ends))
                if ends
                else set()
            )
            if isinstance(symbol, AppliedUndef):
                used -= set(symbol.args)
            else:
                used = {u for u in used if not isinstance(u, AppliedUndef)}
            if not used & set(rest):
                unknown = used - set(placed)
                unknown = {u for u in unknown if isinstance(u, sp.Symbol)}
                if unknown:
                    raise Unfit(
                        f"domain: expected a set for {', '.join(sorted(map(str, unknown)))} too, "
                        f"which the interval of {symbol} uses, got none"
                    )
                break
        else:
            raise Unfit(f"domain: expected no circle, got one through {', '.join(map(str, rest))}")
        placed[symbol] = rest.pop(symbol)
    return placed


def _no_term_beyond(rhs: Any, var: Any, order: int) -> None:
    """What is of the order of the remainder, or smaller, does not stand beside it."""
    x = sp.expand(as_sympy(rhs))
    powers = [
        t.as_independent(var)[1].as_base_exp()[1]
        for t in sp.Add.make_args(x)
        if t.as_independent(var)[1] == 1 or t.as_independent(var)[1].as_base_exp()[0] == var
    ]
    if len(powers) == len(sp.Add.make_args(x)):
        beyond = [p for t, p in zip(sp.Add.make_args(x), powers, strict=True)
                  if t.has(var) and p.is_number and p >= order]  # fmt: skip
        if beyond:
            raise ValueError(
                f"rhs: expected no term of order {beyond[0]} beside O({var}**{order}), got {rhs}"
            )


def sides(step: Step) -> tuple:
    if step.relation == "solve":
        return (*step.equations, *step.rhs)
    return (step.lhs, step.rhs)
