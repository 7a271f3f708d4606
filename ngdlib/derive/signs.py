"""Which sign an expression has on its domain: by sympy's knowledge of signs, with each interval
built into its symbol, and where that says nothing by interval arithmetic over subdivided boxes,
with Taylor's theorem where a factor vanishes at an open end. Sample points, many of them near the
ends and far out, only refuse.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import mpmath as mp
import sympy as sp
from mpmath import iv
from sympy.core.function import AppliedUndef
from sympy.simplify.fu import TR5, TR6

from ngdlib.derive.compute import number
from ngdlib.derive.language import JUMPS, put

if TYPE_CHECKING:
    from ngdlib.derive.author import Derivation

BOXES = 600  # that interval arithmetic may look at before it gives up
REALS = sp.Interval(-sp.oo, sp.oo)
_HYPERBOLIC = [sp.sinh, sp.cosh, sp.tanh, sp.sech]
_ONE = sp.S.One


class Condition(NamedTuple):
    """What an expression needs: `sign` is "positive", "nonnegative", "nonzero" or "invertible";
    `bound` holds the variables of integrals and sums around it, with their intervals."""

    expression: Any
    sign: str
    bound: tuple = ()

    def __str__(self) -> str:
        said = {"positive": "> 0", "nonnegative": "≥ 0", "nonzero": "≠ 0"}
        return f"{self.expression} {said.get(self.sign, 'is invertible')}"


class Refuted(Exception):
    """A condition that does not hold, and a point of the domain that shows it, or what does."""

    def __init__(self, condition: Condition, witness: Mapping, how: str = "") -> None:
        super().__init__(f"{condition} does not hold on the whole domain{how}")
        self.witness = {str(name): value for name, value in witness.items()}


class Space:
    """The domain of one expression: its symbols, with the interval of each, in an order in which
    an interval's ends use only symbols before it."""

    def __init__(self, d: Derivation, x: Any, bound: tuple, case: Mapping) -> None:
        self.where: dict[Any, sp.Interval] = {}
        self._d, self._bound, self._case = d, dict(bound), case
        self._atoms: dict[Any, Any] = {}
        self.expression = self._flat(x)
        for symbol in sorted(self.expression.free_symbols, key=str):
            self._add(symbol)
        signs, built, powers = {}, {}, {}
        for symbol, where in self.where.items():
            signs[symbol] = _signed(symbol, where)
            built[symbol] = _built_in(where, built)
            powers[symbol] = _built_in(where, powers, through_log=True)
        self._signs, self._built, self._powers = signs, built, powers

    def _flat(self, x: Any) -> Any:
        """Values of undefined functions, and their derivatives, as symbols."""
        x = x.replace(
            lambda e: isinstance(e, sp.Derivative | sp.Subs) and e.has(AppliedUndef),
            lambda e: self._atoms.setdefault(e, sp.Dummy("D", real=True)),
        )
        for f in sorted(x.atoms(AppliedUndef), key=str):
            if f not in self._atoms:
                self._atoms[f] = sp.Dummy(str(f), real=True)
        return x.xreplace(self._atoms)

    def _add(self, symbol: Any) -> None:
        if symbol in self.where:
            return
        function = self.named(symbol)
        if symbol in self._bound:
            where = self._bound[symbol]
        elif isinstance(function, AppliedUndef):
            where = self._range(function)
        else:
            where = self._d.where(symbol)
        low, high = (self._flat(put(end, self._case)) for end in (where.start, where.end))
        for end in (low, high):
            for other in sorted(end.free_symbols, key=str):
                self._add(other)
        self.where[symbol] = (low, high, bool(where.left_open), bool(where.right_open))

    def _range(self, function: Any) -> sp.Interval:
        for what, where in self._d.domain.items():
            if isinstance(what, AppliedUndef) and what.func == function.func:
                same = dict(zip(what.args, function.args, strict=True))
                if all(a == b or self._within(b, a) for a, b in same.items()):
                    ends = (put(e, same) for e in (where.start, where.end))
                    return sp.Interval(*ends, where.left_open, where.right_open)
        return REALS

    def _within(self, place: Any, symbol: Any) -> bool:
        """Is a place among those of a symbol? That w(x) > 0 for 0 < x < 1 says nothing of w(5)."""
        if not isinstance(symbol, sp.Symbol):
            return False
        low, high = self._d.where(symbol).args[:2]
        gaps = [place - low] * (low != -sp.oo) + [high - place] * (high != sp.oo)
        bound = tuple(self._bound.items())
        spaces = (Space(self._d, gap, bound, self._case) for gap in gaps)
        return all(space.sign(space.expression) == 1 for space in spaces)

    def named(self, symbol: Any) -> Any:
        """What a symbol stands for: itself, or a value of a function."""
        return next((f for f, name in self._atoms.items() if name == symbol), symbol)

    def closed_ends(self) -> Iterator[tuple[Any, Any]]:
        """The ends that belong to the domain: all that is shown of a sign is shown between them."""
        for symbol, (low, high, left_open, right_open) in self.where.items():
            if not left_open and not low.is_infinite:
                yield symbol, low
            if not right_open and not high.is_infinite:
                yield symbol, high

    # Refusing

    def refute(self, needed: Condition, wanted: str, written: Mapping) -> None:
        """Raise Refuted where some point of the domain shows that a condition fails, which comes to
        the sign that is wanted here; `written` are its matrices in the symbols of this space."""
        dice = random.Random(str(self.expression))
        signs: dict[int, Any] = {}
        jumps = self.expression.has(*JUMPS)
        for k in range(60):
            point: dict[Any, Any] = {}
            with mp.workdps(40):
                for symbol, (low, high, *_) in self.where.items():
                    ends = (_as_mp(e.subs(point), 40) for e in (low, high))
                    point[symbol] = _draw(*ends, dice, k)
            sign = _sign_at(self.expression, point, 40)
            if sign is None:  # some other condition says what is wrong here
                continue
            changes = wanted == "nonzero" and -sign in signs and not jumps
            wrong = {"positive": sign <= 0, "nonnegative": sign < 0, "nonzero": sign == 0}[wanted]
            if changes and self._surely(sign, point) and self._surely(-sign, signs[-sign]):
                raise Refuted(needed, {}, ": it has either sign there")
            if wrong and self._surely(sign, point):
                shown = {self.named(s): float(v) for s, v in point.items()}
                for m, entries in written.items():
                    used = entries.free_symbols & set(shown)
                    if used:
                        at = {s: shown.get(s, 0.5) for s in entries.free_symbols}
                        shown[m] = [[float(e) for e in row] for row in entries.subs(at).tolist()]
                        shown = {s: v for s, v in shown.items() if s not in used}
                raise Refuted(needed, shown)
            signs.setdefault(sign, point)

    def _surely(self, sign: int, point: Mapping) -> bool:
        """Is a sign that was found in floating point no matter of rounding?"""
        if sign != 0:
            return _sign_at(self.expression, point, 1000) == sign
        exact = {s: sp.Rational(sp.Float(v, 45)) for s, v in point.items()}
        if all(v.q <= 10**4 and abs(v) <= 10**4 for v in exact.values()):
            with suppress(Exception):
                return sp.simplify(self.expression.subs(exact)) == 0
        return False

    # Proving

    def sign(self, x: Any, depth: int = 0) -> float | None:
        """1, -1: strictly positive, negative on the domain; 0.5, -0.5: not negative, not positive;
        None where that is not known."""
        weak = None
        for found in self._signs_found(x, depth):
            if found in (1, -1):
                return found
            weak = weak or found
        return weak

    def _signs_found(self, x: Any, depth: int) -> Iterator[float | None]:
        """What one way after another finds of the sign, cheap ones first."""
        signed = x.xreplace(self._signs)
        yield _known(signed)
        yield _known(sp.factor_terms(signed))
        wavy = x.has(sp.sin, sp.cos)
        if isinstance(x, sp.sin | sp.cos) and depth < 4:
            angle = x.args[0] if isinstance(x, sp.sin) else sp.pi / 2 - x.args[0]
            inside = all(self.sign(a, depth + 2) == 1 for a in (angle, sp.pi - angle))
            yield 1 if inside else None
        if x.has(sp.erf, sp.erfc):
            for form in _tails(x):
                yield _known(sp.factor_terms(form.xreplace(self._signs)))
        if x.has(sp.LambertW) and depth < 4:  # above 0 where its argument is
            above = [w for w in x.atoms(sp.LambertW) if self.sign(w.args[0], depth + 2) == 1]
            names = {w: sp.Dummy("w", positive=True) for w in above}
            yield _known(sp.factor_terms(x.xreplace(names).xreplace(self._signs)))
        if isinstance(x, sp.log) and depth < 4:
            yield self.sign(sp.together(x.args[0] - 1), depth + 2)
        if depth == 0 and wavy and sp.count_ops(x) <= 60:
            for way in (TR5, TR6, sp.trigsimp):  # 1 - sin² is cos²
                form = sp.expand(way(x))
                yield self.sign(form, 1) if form != x else None
        forms = [x.xreplace(self._built)]
        if x.has(sp.exp, *_HYPERBOLIC):
            powers = x.xreplace(self._powers).rewrite(_HYPERBOLIC, sp.exp)
            forms.append(sp.expand(powers, power_exp=True))
        for form in forms:
            for way in (sp.together, sp.factor, sp.simplify)[: 1 if wavy else 3]:
                if sp.count_ops(form) <= 300:
                    with suppress(sp.PolynomialError, NotImplementedError):
                        new = way(form)
                        yield _known(new) or _product(new, _known)
        factors = sp.factor(x) if depth == 0 and sp.count_ops(x) <= 200 else x
        if depth < 2 and (factors.is_Mul or factors.is_Pow):
            yield _product(factors, lambda e: self.sign(e, depth + 1))
        if depth < 2:
            yield self._by_a_square(factors, depth)
            yield self._by_a_root(factors, depth)
        yield self._by_counting_roots(x)
        yield self._by_boxes(x)
        if depth == 0 and wavy and sp.count_ops(x) <= 60:
            form = sp.factor(sp.expand_trig(x))
            yield self.sign(form, 1) if form != x else None

    def _by_a_square(self, x: Any, depth: int) -> float | None:
        """The sign of a t² + b t + c, where a and 4ac − b² are positive."""
        above, below = sp.fraction(sp.together(x))
        if not above.is_Add or self.sign(below, depth + 1) != 1:
            return None
        for t in sorted(above.free_symbols, key=str):
            if above.is_polynomial(t) and sp.degree(above, t) == 2:
                c, b, a = (sp.expand(above).coeff(t, k) for k in range(3))
                if all(
                    self.sign(part, depth + 1) == 1 for part in (a, sp.factor(4 * a * c - b**2))
                ):
                    return 1
        return None

    def _by_a_root(self, x: Any, depth: int) -> float | None:
        """The sign of r + c √b: that of c where c² b is larger than r², that of r where smaller."""
        roots = [p for p in x.atoms(sp.Pow) if p.exp == sp.S.Half]
        if len(roots) != 1 or not x.is_Add:
            return None
        x = sp.expand(x)
        c, r = x.coeff(roots[0], 1), x.coeff(roots[0], 0)
        if sp.expand(c * roots[0] + r - x) != 0:
            return None
        larger = self.sign(sp.factor(sp.expand(c**2 * roots[0].base - r**2)), depth + 1)
        return self.sign(c if larger == 1 else r, depth + 1) if larger in (1, -1) else None

    def _by_counting_roots(self, x: Any) -> float | None:
        """The sign of a polynomial in one symbol that has no root in its interval (Sturm)."""
        if len(x.free_symbols) != 1:
            return None
        (symbol,) = x.free_symbols
        low, high, *_ = self.where.get(symbol, (sp.nan, sp.nan))
        rational = all(e.is_Rational or e.is_infinite for e in (low, high))
        if not rational or not x.is_polynomial(symbol):
            return None
        p = sp.Poly(x, symbol)
        if not all(c.is_Rational for c in p.all_coeffs()):
            return None
        ends = [e for e in (low, high) if not e.is_infinite and p.eval(e) == 0]
        low_end, high_end = (None if e.is_infinite else e for e in (low, high))
        if p.count_roots(low_end, high_end) > len(ends):
            return None
        inside = (
            (low + high) / 2
            if low_end is not None and high_end is not None
            else (
                low + 1
                if low_end is not None
                else (high - 1 if high_end is not None else sp.S.Zero)
            )
        )
        return 1 if p.eval(inside) > 0 else -1

    def _by_boxes(self, x: Any) -> float | None:
        """The sign of `x` by interval arithmetic over boxes that are divided until it is seen."""
        x, box, ends = self._boxed(x)
        if x is None or len(box) > 4:
            return None
        zeros: dict[Any, Any] = {}
        stack, total = [box], 0.0
        for _ in range(BOXES):
            if not stack:
                return total or None
            here = stack.pop()
            value = _interval(x, here)
            if value is None or value[0] <= 0 <= value[1]:
                found = self._at_an_end(x, here, ends, zeros)
            else:
                found = 1 if value[0] > 0 else -1
            if found is None and not here:
                return None
            if found is None:
                stack += _halves(here)
            elif total and found != total:
                return None
            else:
                total = found
        return None

    def _boxed(self, x: Any) -> tuple[Any, dict, dict]:
        """The expression in symbols whose intervals are numbers, and these."""
        box, ends = {}, {}
        inside: dict[Any, Any] = {}
        for symbol, (low, high, *_) in self.where.items():
            low, high = low.xreplace(inside), high.xreplace(inside)
            if low.is_number and high.is_number:
                box[symbol] = (_end(low, -1), _end(high, 1))
                ends[symbol] = (low, high)
            else:
                t = sp.Dummy("t", real=True)
                if high == sp.oo:
                    inside[symbol], box[t] = low + t, (mp.mpf(0), mp.inf)
                    ends[t] = (sp.S.Zero, sp.oo)
                elif low == -sp.oo:
                    inside[symbol], box[t] = high - t, (mp.mpf(0), mp.inf)
                    ends[t] = (sp.S.Zero, sp.oo)
                else:
                    inside[symbol], box[t] = low + (high - low) * t, (mp.mpf(0), mp.mpf(1))
                    ends[t] = (sp.S.Zero, _ONE)
        x = x.xreplace(inside)
        box = {s: w for s, w in box.items() if s in x.free_symbols}
        return (x, box, ends) if x.free_symbols <= set(box) else (None, {}, {})

    def _at_an_end(self, x: Any, here: Mapping, ends: Mapping, zeros: dict) -> float | None:
        """The sign of `x` in a box at an open end of the domain where `x` vanishes: that of its
        first derivative which does not vanish there, by Taylor's theorem."""
        for symbol, (a, b) in here.items():
            for side, end, place in ((1, ends[symbol][0], a), (-1, ends[symbol][1], b)):
                if end.is_infinite or place != _end(end, -side):
                    continue
                key = (symbol, side)
                if key not in zeros:
                    zeros[key] = _first_derivative(x, symbol, end)
                if zeros[key] is None:
                    continue
                order, derivative = zeros[key]
                value = _interval(derivative, here)
                if value is not None and not value[0] <= 0 <= value[1]:
                    return (1 if value[0] > 0 else -1) * side**order
        return None


def _sign_at(x: Any, point: Mapping, digits: int) -> int | None:
    with mp.workdps(digits):
        try:
            found = mp.mpmathify(number(x, point))
        except Exception:
            return None
        if not mp.isfinite(found) or mp.im(found) != 0:
            return None
        return int(mp.sign(mp.re(found)))


def _as_mp(x: Any, digits: int = 20) -> Any:
    if x.is_infinite:
        return mp.inf if x > 0 else -mp.inf
    return mp.mpmathify(sp.N(x, digits))


def _end(x: Any, side: int) -> Any:
    """The end of an interval, and no number that lies inside of it."""
    if x.is_Rational:
        low, high = _ends(iv.mpf(int(x.p)) / int(x.q))
        return low if side < 0 else high
    end = _as_mp(x, 30)
    with mp.workdps(40):
        return end if mp.isinf(end) else end + side * abs(end) * mp.mpf(10) ** -28


def _first_derivative(x: Any, symbol: Any, end: Any) -> tuple[int, Any] | None:
    for order in range(1, 5):
        try:
            if sp.simplify(x.subs(symbol, end)) != 0:
                return None if order == 1 else (order - 1, x)
            x = sp.diff(x, symbol)
        except Exception:
            return None
    return None


def _signed(symbol: Any, where: tuple) -> sp.Dummy:
    low, high, *_ = where
    known = {"integer": True} if symbol.is_integer else {"real": True}
    if low.is_nonnegative:
        known["positive"] = True
    elif high.is_nonpositive:
        known["negative"] = True
    return sp.Dummy(symbol.name, **known)


def _built_in(where: tuple, built: Mapping, through_log: bool = False) -> Any:
    """A symbol as an expression in one that is positive, its open interval built in;
    `through_log` makes rational functions of exponentials."""
    low, high = (end.xreplace(built) for end in where[:2])
    u = sp.Dummy("u", positive=True)
    if low.is_infinite and high.is_infinite:
        return sp.log(u) if through_log else sp.Dummy("x", real=True)
    if high.is_infinite:
        return low + (sp.log(1 + u) if through_log else u)
    if low.is_infinite:
        return high - (sp.log(1 + u) if through_log else u)
    return (low + high * u) / (1 + u)


def _known(x: Any) -> float | None:
    """What sympy knows of a sign."""
    if x.is_positive:
        return 1
    if x.is_negative:
        return -1
    if x.is_nonnegative:
        return 0.5
    return -0.5 if x.is_nonpositive else None


def _tails(x: Any) -> list[Any]:
    """Forms in which 1 − erf, or 1 + erf, is one positive number."""
    tail = sp.Function("tail", positive=True)
    right = x.replace(sp.erfc, tail).replace(sp.erf, lambda a: 1 - tail(a))
    left = x.replace(sp.erfc, lambda a: 2 - tail(a)).replace(sp.erf, lambda a: tail(a) - 1)
    return [sp.expand(form) for form in (right, left)]


def _product(x: Any, sign: Any) -> float | None:
    """The sign of a product or power, by the signs of its factors."""
    total = 1.0
    for factor in sp.Mul.make_args(x):
        base, power = factor.as_base_exp() if factor.is_Pow else (factor, _ONE)
        found = sign(base)
        if not found and factor.is_Pow and power.is_even and base.is_real:
            found = None if power.is_negative else 0.5
        elif found and power.is_even:
            found = abs(found)
        elif found and not power.is_integer:
            found = found if found > 0 else None
        if not found:
            return None
        total *= found
    return total if abs(total) == 1 else (0.5 if total > 0 else -0.5)


def _draw(low: Any, high: Any, dice: random.Random, k: int) -> Any:
    """A point of the open interval: inside, near its ends, far out, or a round number in it."""
    style = dice.randrange(4) if k >= 8 else k % 4
    near = mp.mpf(10) ** -dice.choice((1, 2, 3, 5, 8, 13))
    part = mp.mpf(dice.random()) if style == 0 else (near if style == 1 else 1 - near)
    if style == 3:
        round_ones = [mp.mpf(r) for r in (0, 1, -1, 0.5, 2, -0.5, -2, 3) if low < r < high]
        if round_ones:
            return dice.choice(round_ones)
    if mp.isinf(low) and mp.isinf(high):
        far = mp.mpf(dice.choice((1, 10, 1000)))
        return far * (2 * part - 1)
    if mp.isinf(high):
        return low + min(part / (1 - part), mp.mpf(10) ** 6)
    if mp.isinf(low):
        return high - min(part / (1 - part), mp.mpf(10) ** 6)
    return low + (high - low) * part


# Interval arithmetic


def _halves(box: Mapping) -> list[dict]:
    def size(ends: tuple) -> Any:
        return mp.inf if mp.isinf(ends[0]) or mp.isinf(ends[1]) else ends[1] - ends[0]

    symbol = max(box, key=lambda s: size(box[s]))
    a, b = box[symbol]
    if mp.isinf(a) and mp.isinf(b):
        middle = mp.mpf(0)
    elif mp.isinf(b):
        middle = 2 * abs(a) + 1
    elif mp.isinf(a):
        middle = -(2 * abs(b) + 1)
    else:
        middle = (a + b) / 2
    return [{**box, symbol: (a, middle)}, {**box, symbol: (middle, b)}]


def _monotone(function: Any, x: Any) -> Any:
    widen = mp.mpf(10) ** -12
    low, high = _ends(x)
    return iv.mpf([function(low) - widen, function(high) + widen])


def _clipped(x: Any) -> Any:
    """A part of the interval: a root or a logarithm is asked only where it has been shown real."""
    low, high = _ends(x)
    return iv.mpf([max(low, mp.mpf(0)), high])


def _cut(x: Any) -> Any:
    low, high = _ends(x)
    return iv.mpf([max(low, mp.mpf(-1)), min(high, mp.mpf(1))])


_IV: dict[Any, Any] = {
    sp.exp: lambda x: iv.exp(x),
    sp.log: lambda x: iv.log(_clipped(x)),
    sp.sin: lambda x: iv.sin(x),
    sp.cos: lambda x: iv.cos(x),
    sp.tan: lambda x: iv.sin(x) / iv.cos(x),
    sp.cot: lambda x: iv.cos(x) / iv.sin(x),
    sp.sinh: lambda x: (iv.exp(x) - iv.exp(-x)) / 2,
    sp.cosh: lambda x: (iv.exp(x) + iv.exp(-x)) / 2,
    sp.tanh: lambda x: 1 - 2 / (iv.exp(2 * x) + 1),
    sp.atan: lambda x: _monotone(mp.atan, x),
    sp.asinh: lambda x: _monotone(mp.asinh, x),
    sp.asin: lambda x: _monotone(mp.asin, _cut(x)),
    sp.acos: lambda x: iv.pi / 2 - _monotone(mp.asin, _cut(x)),
    sp.erf: lambda x: _monotone(mp.erf, x),
    sp.Abs: lambda x: abs(x),
}


def _interval(x: Any, box: Mapping) -> tuple[Any, Any] | None:
    """The ends of an interval that holds all values of `x` in the box; None where none is known."""
    try:
        low, high = _ends(_enclosure(x, box))
    except Exception:  # a function that is not defined on the whole box, or not known here
        return None
    return None if mp.isnan(low) or mp.isnan(high) else (low, high)


def _ends(x: Any) -> tuple[Any, Any]:
    low, high = x._mpi_
    return mp.make_mpf(low), mp.make_mpf(high)


def _enclosure(x: Any, box: Mapping) -> Any:
    if x in box:
        a, b = box[x]
        return iv.mpf([a, b])
    if x.is_Rational:
        return iv.mpf(int(x.p)) / int(x.q)
    if x == sp.pi:
        return iv.pi
    if x == sp.E:
        return iv.e
    if x.is_Add:
        return sum((_enclosure(a, box) for a in x.args), iv.mpf(0))
    if x.is_Mul:
        total = iv.mpf(1)
        for a in x.args:
            total = total * _enclosure(a, box)
        return total
    if isinstance(x, sp.Pow):
        base, power = x.args
        inside = _enclosure(base, box)
        if power.is_Integer:
            inside = inside ** abs(int(power))
            if power > 0:
                return inside
            low, high = _ends(inside)
            if low < 0 < high:
                raise ZeroDivisionError
            return 1 / inside
        if power == sp.S.Half:
            return iv.sqrt(_clipped(inside))
        if power.is_integer and _ends(inside)[0] < 0:
            raise ValueError("a power of an interval that reaches below 0")
        return iv.exp(_enclosure(power, box) * iv.log(_clipped(inside)))
    return _IV[x.func](_enclosure(x.args[0], box))
