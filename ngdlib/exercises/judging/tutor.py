"""What to say to a formula that is wrong and has no name: which part is right, which is off.

    explain(reference, mine)    # Part(kind="terms", score=0.5, text="The term in $h^{3}$ is ...")

In the order of worth: the coefficients of a polynomial, the terms of a sum, the power of a factor,
a limit in which the answer fails. None where there is nothing better to say than a point with two
numbers. `tutor.js` says the same in the page.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ngdlib.exercises.judging import intervals
from ngdlib.exercises.judging.compare import (
    AMPLE,
    TIGHT,
    Reference,
    Values,
    check_domain,
    constant_ratio,
    everywhere,
    nice,
    show,
    variables,
)
from ngdlib.exercises.judging.intervals import (
    ONE,
    PRECISIONS,
    ZERO,
    Budget,
    Interval,
    OutOfBudget,
    Undefined,
    Unknown,
    enclose,
)
from ngdlib.exercises.reading.grammar import Tree, latex, latex_name

TERMS = 24  # of a polynomial that is written out
PRODUCTS = 400  # of coefficients, to write it out
DEGREE = 12  # of a power that is multiplied out

Polynomial = dict[tuple[int, ...], Interval]


class Part(NamedTuple):
    """kind: terms, power or limit; score: the share of what is right; text: a sentence."""

    kind: str
    score: float
    text: str


def explain(reference: Reference, mine: Values) -> Part | None:
    """What is right and what is off in a formula that is not the reference."""
    for way in (_by_coefficients, _by_terms, _by_power, _by_limit):
        try:
            part = way(reference, mine)
        except (Undefined, Unknown, OutOfBudget, ArithmeticError):
            part = None
        if part:
            return part
    return None


# --- polynomials ----------------------------------------------------------------------------------


def polynomial(tree: Tree, names: Sequence[str]) -> Polynomial | None:
    """{powers of the names: coefficient, enclosed}, or None for what is no polynomial."""
    try:
        terms = _Expansion(names).of(tree)
    except (Undefined, Unknown, OutOfBudget):
        return None
    return {powers: c for powers, c in terms.items() if not intervals.contains_zero(c)}


class _Expansion:
    def __init__(self, names: Sequence[str]) -> None:
        self.names, self.left, self.budget = list(names), PRODUCTS, Budget(2000)

    def of(self, tree: Tree) -> Polynomial:
        kind = tree[0]
        if not variables(tree):
            return {(0,) * len(self.names): enclose(tree, {}, PRECISIONS[0], self.budget)}
        if kind == "var":
            return {tuple(int(n == tree[1]) for n in self.names): ONE}
        if kind == "neg":
            return {p: intervals.negative(c) for p, c in self.of(tree[1]).items()}
        if kind in ("+", "-"):
            out, other = dict(self.of(tree[1])), self.of(tree[2])
            for p, c in other.items():
                c = c if kind == "+" else intervals.negative(c)
                out[p] = intervals.add(out.get(p, ZERO), c, PRECISIONS[0])
            return out
        if kind == "*":
            return self.product(self.of(tree[1]), self.of(tree[2]))
        if kind == "/" and not variables(tree[2]):
            below = enclose(tree[2], {}, PRECISIONS[0], self.budget)
            above = self.of(tree[1])
            return {p: intervals.divide(c, below, PRECISIONS[0]) for p, c in above.items()}
        if kind == "^" and tree[2][0] == "num" and tree[2][1].isdigit():
            if int(tree[2][1]) <= DEGREE:
                out, base = {(0,) * len(self.names): ONE}, self.of(tree[1])
                for _ in range(int(tree[2][1])):
                    out = self.product(out, base)
                return out
        raise Unknown

    def product(self, a: Polynomial, b: Polynomial) -> Polynomial:
        self.left -= len(a) * len(b)
        out: Polynomial = {}
        if self.left < 0:
            raise OutOfBudget
        for p, c in a.items():
            for q, d in b.items():
                powers = tuple(x + y for x, y in zip(p, q, strict=True))
                term = intervals.multiply(c, d, PRECISIONS[0])
                out[powers] = intervals.add(out.get(powers, ZERO), term, PRECISIONS[0])
        if len(out) > TERMS:
            raise OutOfBudget
        return out


def _by_coefficients(reference: Reference, mine: Values) -> Part | None:
    if reference.condition is not None:
        return None
    names = list(reference.domain)
    right = polynomial(reference.values.tree, names)
    yours = polynomial(mine.tree, names) if right else None
    if not yours or len(right) + len(yours) < 3 or not any(map(any, right)):
        return None
    good, said = [], []
    for powers in sorted({*right, *yours}, key=lambda p: (sum(p), tuple(-x for x in p))):
        x, y, name = yours.get(powers), right.get(powers), _monomial(powers, names)
        if y is None:
            said.append(f"{name} does not belong here")
        elif x is None:
            said.append(f"{name} is missing")
        elif intervals.tight(x, y, TIGHT):
            good.append(name)
        else:
            said.append(f"{name} {_off_by(intervals.to_double(x) / intervals.to_double(y))}")
    if not said:
        return None
    verb = "is" if len(good) == 1 else "are"
    parts = [f"{listed(good)} {verb} right"] if good else []
    share = len(good) / (len(good) + len(said))
    score = share if share >= 0.5 else 0.0  # fewer are right by chance
    return Part("terms", score, sentence("; ".join(parts + said[:3])))


def _off_by(ratio: float) -> str:
    if not ratio or not math.isfinite(ratio):
        raise Unknown
    return "has the wrong sign" if ratio == -1 else f"is {nice(ratio)} times what is asked"


def _monomial(powers: Sequence[int], names: Sequence[str]) -> str:
    factors = [
        latex_name(n) + (f"^{{{k}}}" if k > 1 else "")
        for n, k in zip(names, powers, strict=True)
        if k
    ]
    return f"the term in ${' '.join(factors)}$" if factors else "the constant term"


def listed(things: Sequence[str]) -> str:
    """a, b and c"""
    return " and ".join(filter(None, [", ".join(things[:-1]), things[-1]]))


def sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."


# --- sums and products ----------------------------------------------------------------------------


def _terms(tree: Tree) -> list[Tree]:
    if tree[0] == "neg":
        return [("neg", t) for t in _terms(tree[1])]
    if tree[0] == "+":
        return _terms(tree[1]) + _terms(tree[2])
    if tree[0] == "-":
        return _terms(tree[1]) + [("neg", t) for t in _terms(tree[2])]
    return [tree]


def _by_terms(reference: Reference, mine: Values) -> Part | None:
    terms = _terms(reference.values.tree)
    if reference.condition is not None or reference.constant or not 2 <= len(terms) <= 6:
        return None
    core, answer = reference.defined(), reference.values
    for tree in terms:
        term = Values(tree, answer.points, Budget(AMPLE))

        def rest(i: int, bits: int, term: Values = term) -> Interval:
            off = intervals.subtract(mine(i, bits), answer(i, bits), bits)
            return intervals.add(off, term(i, bits), bits)

        score = (len(terms) - 1) / len(terms)
        if everywhere(rest, _nothing, core):
            return Part("terms", score, "One term is missing; the rest is right.")
        x = [intervals.to_double(rest(i, PRECISIONS[0])) for i in core]
        y = [intervals.to_double(term(i, PRECISIONS[0])) for i in core]
        ratio = constant_ratio(rest, term, core, x, y)
        if ratio is not None:
            return Part("terms", score, f"One term {_off_by(ratio)}; the rest is right.")
    return None


def _nothing(i: int, bits: int) -> Interval:
    return ZERO


def _bases(tree: Tree) -> list[Tree]:
    """The factors of a product, above and below the line, without their powers."""
    if tree[0] in ("*", "/"):
        return _bases(tree[1]) + _bases(tree[2])
    if tree[0] in ("^", "neg"):
        return _bases(tree[1])
    return [tree] if variables(tree) else []


def _plain(base: Tree) -> bool:
    """Whether a factor is a name, or a name and a number, as q and 1 - q."""
    return base[0] == "var" or (
        base[0] in ("+", "-") and {base[1][0], base[2][0]} == {"var", "num"}
    )


def _by_power(reference: Reference, mine: Values) -> Part | None:
    if reference.condition is not None or reference.constant:
        return None
    core, answer = reference.defined(), reference.values
    names = sorted({*variables(answer.tree), *variables(mine.tree)})
    own = _bases(mine.tree)  # a factor that is nowhere in the formula would be given away
    bases = [b for b in _bases(answer.tree) if b in own or _plain(b)] if own else []
    bases = list(dict.fromkeys([*bases, *(("var", n) for n in names if own)]))
    x = [intervals.to_double(mine(i, PRECISIONS[0])) for i in core]
    for base in bases[:6]:
        factor = Values(base, answer.points, Budget(AMPLE))
        for power in (1, -1, 2, -2):

            def shifted(i: int, bits: int, factor: Values = factor, power: int = power) -> Interval:
                value = answer(i, bits)
                for _ in range(abs(power)):
                    how = intervals.multiply if power > 0 else intervals.divide
                    value = how(value, factor(i, bits), bits)
                return value

            y = [intervals.to_double(shifted(i, PRECISIONS[0])) for i in core]
            ratio = constant_ratio(mine, shifted, core, x, y)
            if ratio is not None:
                more = "" if abs(ratio - 1) < 1e-9 else ", up to a constant factor"
                text = f"Only the power of ${latex(base)}$ is off; the rest is right{more}."
                return Part("power", 0.0, text)
    return None


# --- limits ---------------------------------------------------------------------------------------


def _by_limit(reference: Reference, mine: Values) -> Part | None:
    if reference.condition is not None or not reference.sample.box:
        return None
    start, answer = reference.sample.points[0], reference.values.tree
    for name, (_, (low, high)) in list(check_domain(reference.domain).items())[:3]:
        if name not in variables(answer):
            continue  # the answer goes nowhere as this changes
        width = 1.0 if math.isinf(high - low) else high - low
        for end, side in ((low, 1), (high, -1)):
            near = (
                [-side * 2.0**k for k in (12, 20)]
                if math.isinf(end)
                else [end + side * width * 2.0**-k for k in (16, 24)]
            )
            if not all(low < x < high for x in near):
                continue
            points = [{**start, name: x} for x in near]
            right, yours = (
                _trend(answer, points, Budget(AMPLE)),
                _trend(mine.tree, points, mine.budget),
            )
            if right and yours and right != yours and _telling(end, right, yours):
                to = ("-" if end < 0 else "") + "\\infty" if math.isinf(end) else _typeset(end)
                seen = {*variables(answer), *variables(mine.tree)} - {name}
                rest = _where({n: x for n, x in start.items() if n in seen})
                text = f"As ${latex_name(name)} \\to {to}${rest} the answer {right}, yours {yours}."
                return Part("limit", 0.0, text)
    return None


def _telling(end: float, right: str, yours: str) -> bool:
    """Whether an end of the domain says more than a point inside: where the answer vanishes or one
    of the two is unbounded, and at 0 and infinity, which a reader tries by heart."""
    special = {"goes to 0", "grows without bound", "falls without bound"}
    return end == 0 or math.isinf(end) or right in special or yours in special - {"goes to 0"}


def _typeset(x: float) -> str:
    return show(x).replace("\N{MINUS SIGN}", "-")


def _where(point: Mapping[str, float]) -> str:
    others = [f"${latex_name(n)} = {_typeset(x)}$" for n, x in point.items()]
    return f" (at {', '.join(others)})" if others else ""


def _trend(tree: Tree, points: Sequence[Mapping], budget: Budget) -> str | None:
    """Where a formula goes along two points near an end of the domain, in words."""
    a, b = (Values(tree, [dict(p)], budget).double(0) for p in points)
    if a is None or b is None:
        return None
    if abs(b) > 1e3 and abs(b) > 2 * abs(a):
        return "grows without bound" if b > 0 else "falls without bound"
    if abs(b) < 1e-3 and abs(b) <= abs(a) / 2:
        return "goes to 0"
    if abs(a - b) <= 1e-3 * abs(b) or a == b:
        return f"goes to {show(b, 3)}"
    return None
