"""Are two formulas the same on their domain? Equal, different at a witness point, or cannot tell.

    domain = {"p": (0, 1)}
    compare(parse("1/p + 1/(1-p)", domain), parse("1/(p(1-p))", domain), domain)
    # Verdict(equal=True, kind="equal", ...)

Both are enclosed in intervals at points of the domain: two with short decimals (a witness should be
easy to check by hand), eight at random, and, unless these have decided, points near the ends, at
0, 1/2, 1, where two variables are equal, and spread over the domain, since a formula may agree here
and be undefined or take another branch there. Intervals that are disjoint prove a difference. Equal
means: at every point the intervals meet and are known to a relative 2^-300, and at one of them they
still meet at 1536 bits. A denominator that has both signs on the domain has a zero there, which no
sample of points would meet. Where the precision does not suffice it is raised once, to 1536 bits;
then the verdict is "cannot tell".

A difference is named where it has a name: see `KINDS`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import Any, NamedTuple

from ngdlib.exercises.judging import intervals
from ngdlib.exercises.judging.dice import dice
from ngdlib.exercises.judging.intervals import (
    PRECISIONS,
    ROUGH,
    Budget,
    Interval,
    OutOfBudget,
    Undefined,
    Unknown,
    enclose,
)
from ngdlib.exercises.reading.grammar import Tree

KINDS = {
    "equal": "the same formula",
    "domain": "agrees where it is defined, but is not defined everywhere the answer is",
    "undefined": "not defined at any point tried",
    "partial": "agrees at some points and not at others",
    "sign": "the negative of the answer",
    "factor": "a constant multiple of the answer",
    "reciprocal": "one over the answer",
    "square": "the square of the answer",
    "root": "the square root of the answer",
    "offset": "the answer plus a constant",
    "rounded": "close to the answer, but not it",
    "different": "none of these",
    "unknown": "cannot tell",
    "reference": "the answer itself is not defined at enough points: an error of the author",
}
TIGHT = 300  # bits to which two values must be known, and meet, to count as equal
CORE = 10  # points that always count: two with short decimals, eight at random
SPREAD = 8  # points spread over the domain
EXTREMES = (2.0**-60, 2.0**-30, 2.0**-10, 1000.25, 2.0**20 + 0.5)  # and their negatives
CROSSINGS = 8  # zeros of sums that are looked for
AMPLE = 10**9  # units of work that the author's own formulas may cost
ROUNDED = 2e-3  # relative difference that looks like rounding
TOO_MUCH = "it takes too many operations to evaluate"
TOO_VAGUE = "its value cannot be told exactly enough"

Point = dict[str, float]
Domain = Mapping[str, Any]
Pair = Callable[[int, int], Interval]


class Witness(NamedTuple):
    """A point and both values there; None stands for a value that is not defined.

    since: under a condition, the point that the values are relative to: what is compared is how
    much both change from there (or by what factor).
    """

    point: Point
    yours: float | None
    expected: float | None
    since: Point | None = None


class Verdict(NamedTuple):
    """equal: True, False, or None for "cannot tell"; kind: one of KINDS; detail: the factor or
    offset, or why the formula is not defined, in words."""

    equal: bool | None
    kind: str
    witness: Witness | None = None
    detail: str = ""


# --- points ---------------------------------------------------------------------------------------


def check_domain(domain: Domain, names: Sequence[str] | None = None) -> dict[str, tuple[str, Any]]:
    """{name: ("interval", (low, high)) or ("values", [..])} from what a set declares:
    an open interval `[low, high]` (`"-inf"` and `"inf"` allowed), `{"values": [..]}` or
    `{"integers": [first, last]}`. Raises ValueError."""
    if not isinstance(domain, Mapping):
        raise ValueError(f"domain: expected a mapping from names to ranges, got {domain!r}")
    out: dict[str, tuple[str, Any]] = {}
    for name, where in domain.items():
        if isinstance(where, Mapping) and set(where) == {"values"} and where["values"]:
            out[name] = ("values", [float(v) for v in where["values"]])
            continue
        if isinstance(where, Mapping) and set(where) == {"integers"}:
            first, last = (int(v) for v in where["integers"])
            if first <= last <= first + 1000:
                out[name] = ("values", [float(v) for v in range(first, last + 1)])
                continue
        elif isinstance(where, Sequence) and not isinstance(where, str) and len(where) == 2:
            low, high = (float(v) for v in where)
            if low < high:
                out[name] = ("interval", (low, high))
                continue
        raise ValueError(
            f"domain: expected [low, high], {{values: [..]}} or {{integers: [first, last]}} "
            f"for {name}, got {where!r}"
        )
    return out


def _grid(width: float, parts: float) -> float:
    """The power of two next below width / parts."""
    g = 1.0
    while g > width / parts:
        g /= 2
    while g * 2 <= width / parts:
        g *= 2
    return g


def _place(where: tuple[str, Any], u: float, parts: float) -> float:
    """The number at the fraction u of a range: a double with few digits, strictly inside."""
    kind, values = where
    if kind == "values":
        return values[int(u * len(values))]
    low, high = values
    if math.isinf(low) and math.isinf(high):
        v = (2 * u - 1) * 0.875
        x, g = v / (1 - abs(v)), 4 / parts
    elif math.isinf(high):
        v = 0.125 + 0.75 * u
        x, g = low + v / (1 - v), 4 / parts
    elif math.isinf(low):
        v = 0.875 - 0.75 * u
        x, g = high - v / (1 - v), 4 / parts
    else:
        x, g = low + (high - low) * u, _grid(high - low, parts)
    x = math.floor(x / g) * g or g  # 0 is a special point, tried by itself
    while x <= low:
        x += g
    while x >= high:
        x -= g
    return x if x > low else (low + high) / 2


_NICE = ((0.27, 0.66, 0.42, 0.83, 0.55, 0.15), (0.71, 0.34, 0.86, 0.2, 0.46, 0.6))
_STRIDES = (0.6180339887498949, 0.7548776662466927, 0.8191725133961645, 0.8566748838545029)
_SPECIAL = (0.0, 0.5, 1.0, -1.0, 2.0, 23.75, -23.75)


class Sample(NamedTuple):
    """points; core: how many of them always count; base: for each, the point of its group; box:
    the domain is a product of intervals."""

    points: list[Point]
    core: int
    base: list[int]
    box: bool


def sample(
    domain: Domain, where: Sequence[Tree] = (), seed: str = "", within: Sequence[str] | None = None
) -> Sample:
    """Test points: all in the domain and with every formula of `where` positive.

    within: vary only these variables, in groups that share the others (for "up to a constant that
    may depend on the others"). Every coordinate is a double, the same in JavaScript.
    """
    ranges = check_domain(domain)
    names = list(ranges)
    roll = dice(seed)
    fixed = [] if within is None else [n for n in names if n not in within]
    points: list[Point] = []
    base: list[int] = []

    def accept(point: Point, group: int) -> bool:
        if group < len(points):
            point = {n: points[group][n] if n in fixed else point[n] for n in names}
        try:
            budget = Budget()
            if not all(
                intervals.is_positive(enclose(w, point, PRECISIONS[0], budget)) for w in where
            ):
                return False
        except (Undefined, Unknown, OutOfBudget):
            return False
        base.append(min(group, len(points)))
        points.append(point)
        return True

    def group() -> int:
        return len(points) - len(points) % 4 if fixed else 0

    for u in _NICE:
        accept({n: _place(ranges[n], u[i % 6], 8) for i, n in enumerate(names)}, group())
    tries = 0
    while len(points) < CORE and tries < 500:
        tries += 1
        accept({n: _place(ranges[n], roll(), 2**20) for n in names}, group())
    core = len(points)
    if not core or not names:
        return Sample(points[:1], min(core, 1), base[:1], False)
    for near in (10, 20):
        for u in (2**-near, 1 - 2**-near):
            accept({n: _place(ranges[n], u, 2 ** (near + 10)) for n in names}, 0)
    special = 0
    for i, n in enumerate(names):
        if ranges[n][0] == "values":
            continue
        low, high = ranges[n][1]
        for x in _SPECIAL:
            if low < x < high and special < 12:
                special += accept({**points[(2 + i) % core], n: x}, 0)
        for m in names[:i]:
            if ranges[m][0] == "interval" and ranges[m][1] == ranges[n][1] and special < 15:
                special += accept({**points[2 % core], n: points[2 % core][m]}, 0)
    for k in range(1, SPREAD + 1):
        u = [(0.5 + k * _STRIDES[i % 4] + 0.37 * (i // 4)) % 1.0 for i in range(len(names))]
        accept({n: _place(ranges[n], u[i], 2**12) for i, n in enumerate(names)}, 0)
    extreme = 0
    for size in EXTREMES:
        for i, n in enumerate(names):
            for x in (size, -size):
                if ranges[n][0] == "interval" and _inside(ranges[n], x) and extreme < 16:
                    extreme += accept({**points[i % core], n: x}, 0)
    return Sample(
        points, core, base, not where and all(r[0] == "interval" for r in ranges.values())
    )


def _inside(where: tuple[str, Any], x: float) -> bool:
    return where[1][0] < x < where[1][1]


def _parts(tree: Tree) -> list[Tree]:
    return [part for part in tree[1:] if isinstance(part, tuple)]


def vanishing(tree: Tree) -> list[tuple[Tree, str]]:
    """What must not be zero for a formula to be defined, and what it would be: the divisors,
    negative powers, arguments of logarithms, taken apart into factors."""
    kind, *parts = tree
    found = [d for part in _parts(tree) for d in vanishing(part)]
    if kind == "/":
        found += [(d, "a division by zero") for d in _factors(parts[1])]
    elif kind == "^" and parts[1][0] == "neg":
        found += [(d, "a division by zero") for d in _factors(parts[0])]
    elif kind == "fn" and parts[0] in ("tan", "cot"):
        found.append(
            (("fn", "cos" if parts[0] == "tan" else "sin", parts[1]), "a division by zero")
        )
    elif kind == "fn" and parts[0] == "log":
        found += [(d, "the logarithm of zero") for d in _factors(parts[1])]
    return found


def _factors(tree: Tree) -> list[Tree]:
    """What a formula vanishes with: |x-1| (x+2)^2 with x-1 and with x+2."""
    kind = tree[0]
    if kind == "*":
        return _factors(tree[1]) + _factors(tree[2])
    if kind in ("/", "^", "neg"):
        return _factors(tree[1])
    if kind == "fn" and tree[1] in ("abs", "sqrt"):
        return _factors(tree[2])
    return [tree]


def sums(tree: Tree) -> list[Tree]:
    """The sums and differences in a formula that hold a variable: what may vanish."""
    found = [s for part in _parts(tree) for s in sums(part)]
    return [*found, tree] if tree[0] in ("+", "-") and variables(tree) else found


def variables(tree: Tree) -> list[str]:
    if tree[0] == "var":
        return [tree[1]]
    return list(dict.fromkeys(n for part in _parts(tree) for n in variables(part)))


def crossings(trees: Sequence[Tree], sampled: Sample, domain: Domain, budget: Budget) -> list:
    """Points at, beside and between the zeros of the sums of some formulas: there |x - 0.1| takes
    another branch, and a formula that is right elsewhere may not be."""
    ranges = check_domain(domain)
    found = list(dict.fromkeys(s for tree in trees for s in sums(tree)))
    pairs = [(s, n) for s in found for n in variables(s) if ranges[n][0] == "interval"]
    zeros: dict[str, list[float]] = {}
    start, other = sampled.points[0], sampled.points[min(1, sampled.core - 1)]
    for tree, n in pairs[:CROSSINGS]:
        x = _zero(tree, n, start, other[n], ranges[n], budget)
        if x is not None and x not in zeros.setdefault(n, []):
            zeros[n].append(x)
    points = []
    for n, at in zeros.items():
        at.sort()
        near = [x * (1 + step) for x in at for step in (0, 2**-7, -(2**-7), 2**-24, -(2**-24))]
        near += [(a + b) / 2 for a, b in pairwise(at)]
        points += [{**start, n: x} for x in near if _inside(ranges[n], x)]
    return points


def _zero(
    tree: Tree, name: str, start: Point, second: float, where: tuple, budget: Budget
) -> float | None:
    """A zero of `tree` in one variable, to twelve digits, by the secant from two points."""

    def at(x: float) -> float:
        return intervals.to_double(enclose(tree, {**start, name: x}, ROUGH, budget))

    try:
        a, b = start[name], second
        f, g = at(a), at(b)
        for _ in range(8):
            if g == 0 or f == g:
                break
            a, f, b = b, g, b - g * (b - a) / (g - f)
            if not _inside(where, b) or not 1e-30 < abs(b) < 1e30:
                return None
            g = at(b)
            if abs(b - a) <= 1e-11 * abs(b):
                break
        else:
            return None
        return float(f"{b:.12g}") if abs(g) < 1e-6 and b else None
    except (Undefined, Unknown, OverflowError, ZeroDivisionError):
        return None


def sign(tree: Tree, point: Point, budget: Budget) -> int:
    """1 or -1 where that is certain, else 0."""
    try:
        value = enclose(tree, point, ROUGH, budget)
    except (Undefined, Unknown):
        return 0
    if intervals.contains_zero(value):
        return 0
    return 1 if intervals.is_positive(value) else -1


# --- values at points -----------------------------------------------------------------------------


class Values:
    """The enclosures of one formula at the points of a sample, each computed once."""

    def __init__(self, tree: Tree, points: list[Point], budget: Budget | None = None) -> None:
        self.tree, self.points = tree, points
        self.budget = budget or Budget()
        self.known: dict[tuple[int, int], Any] = {}

    def __call__(self, i: int, bits: int) -> Interval:
        key = i, bits
        if key not in self.known:
            try:
                self.known[key] = enclose(self.tree, self.points[i], bits, self.budget)
            except (Undefined, Unknown) as stop:
                self.known[key] = stop
        value = self.known[key]
        if isinstance(value, Exception):
            raise value
        return value

    def double(self, i: int) -> float | None:
        for bits in PRECISIONS:
            try:
                value = intervals.to_double(self(i, bits))
                return value if math.isfinite(value) else None
            except Unknown:
                continue
            except (Undefined, OutOfBudget):
                break
        return None

    def defined(self, i: int) -> bool | None:
        """Whether there is a value; None where that cannot be told."""
        for bits in PRECISIONS:
            try:
                self(i, bits)
                return True
            except Undefined:
                return False
            except Unknown:
                continue
        return None


def settle(f: Pair, g: Pair, i: int, precisions: Sequence[int] = PRECISIONS) -> str:
    """agree, differ, undefined (f is not defined) or unknown, at point i."""
    for bits in precisions:
        try:
            x, y = f(i, bits), g(i, bits)
        except Undefined:
            return "undefined"
        except Unknown:
            continue
        if intervals.disjoint(x, y):
            return "differ"
        if intervals.tight(x, y, TIGHT):
            return "agree"
    return "unknown"


# --- the verdict ----------------------------------------------------------------------------------

CONDITIONS = ("additive constant", "constant factor", "positive factor")


def check_condition(up_to: Any) -> tuple[str | None, list[str] | None]:
    """(condition, variables the constant must not depend on or None for all). Raises ValueError."""
    if up_to is None:
        return None, None
    if isinstance(up_to, str):
        up_to = {up_to: None}
    if isinstance(up_to, Mapping) and len(up_to) == 1:
        ((kind, within),) = up_to.items()
        if kind in CONDITIONS and (within is None or isinstance(within, list)):
            return kind, within
    raise ValueError(f"up_to: expected one of {', '.join(CONDITIONS)}, got {up_to!r}")


class Reference:
    """A right answer on its domain, ready to be compared with.

    domain, where, up_to and seed as in `compare`.
    """

    def __init__(
        self,
        tree: Tree,
        domain: Domain,
        where: Sequence[Tree] = (),
        up_to: Any = None,
        seed: str = "",
        sampled: Sample | None = None,
    ) -> None:
        self.domain, self.up_to = domain, up_to
        self.condition, within = check_condition(up_to)
        self.constant = not domain
        self.sample = sampled or sample(domain, where, seed, within)
        self.values = Values(tree, self.sample.points, Budget(AMPLE))

    def compare(self, student: Tree | Values) -> Verdict:
        """The verdict on a tree (or its values at this sample); never raises on a read tree."""
        mine = self.read(student)
        try:
            return self.decide(mine)
        except OutOfBudget:
            return Verdict(None, "unknown", None, TOO_MUCH)
        except (Undefined, Unknown):
            return Verdict(None, "unknown", None, TOO_VAGUE)

    def matches(self, student: Tree | Values) -> bool:
        """Whether the verdict is "equal": quick where it is not."""
        mine = self.read(student)
        try:
            if self.condition is None:
                core = range(self.sample.core)
                told = (settle(mine, self.values, i) for i in core if self.values.defined(i))
            else:
                core = self.defined()
                f, g, at = self.conditioned(mine, core)
                told = (settle(f, g, i) for i in core if at[i] != i)
            if any(status != "agree" for status in told):
                return False
        except (OutOfBudget, Undefined, Unknown):
            return False
        return self.compare(mine).equal is True

    def read(self, student: Tree | Values) -> Values:
        return student if isinstance(student, Values) else Values(student, self.sample.points)

    def defined(self) -> list[int]:
        """The core points at which the answer is defined."""
        return [i for i in range(self.sample.core) if self.values.defined(i)]

    def decide(self, a: Values) -> Verdict:
        b, sampled = self.values, self.sample
        core = self.defined()
        if len(core) < (1 if self.constant else 3):
            return Verdict(None, "reference")
        f, g, at = self.conditioned(a, core)
        if self.condition not in (None, "additive constant"):
            for i in core:
                if at[i] == i and a.defined(i) and intervals.contains_zero(a(i, PRECISIONS[-1])):
                    return Verdict(
                        False, "different", Witness(self.sample.points[i], 0.0, b.double(i))
                    )
        status = {i: settle(f, g, i) for i in core if at[i] is not None}
        seen = list(status.values())
        if seen.count("undefined") == len(seen):
            bad = next((i for i in core if a.defined(i) is False), core[0])
            return Verdict(False, "undefined", self.witness(a, bad), self.reason(a, bad))
        if "differ" not in seen:
            if "agree" in seen:
                wide, a = self.widened(a)
                f, g, at = wide.conditioned(a, core)
                hole = wide.hole(a)
                try:
                    for i in range(sampled.core, len(wide.sample.points)):
                        if at[i] is not None and wide.values.defined(i):
                            status[i] = settle(f, g, i, PRECISIONS[:1])
                            if status[i] in ("differ", "undefined"):
                                break
                except OutOfBudget:  # a long answer that agrees at the core points
                    pass
                last, agreed = core[-1], set(status.values()) <= {"agree", "unknown"}
                told = at[last] is not None and agreed and "unknown" not in seen
                if told and apart(f, g, last):  # p + 10^-200 is not p
                    return Verdict(False, "rounded", self.witness(a, last, at[last]))
                return wide.without_difference(a, at, status, seen, hole)
            return self.without_difference(a, at, status, seen)
        return self.with_difference(a, f, g, at, core, status)

    def widened(self, a: Values) -> tuple[Reference, Values]:
        """The same, with points at the zeros of the sums that stand in the two formulas."""
        sampled = self.sample
        try:
            more = crossings((self.values.tree, a.tree), sampled, self.domain, a.budget)
        except OutOfBudget:
            more = []
        if not sampled.box or not more or len(set(sampled.base)) > 1:
            return self, a
        points = sampled.points + more
        sampled = sampled._replace(points=points, base=sampled.base + [0] * len(more))
        wide = Reference(self.values.tree, self.domain, up_to=self.up_to, sampled=sampled)
        wide.values.known = dict(self.values.known)
        mine = Values(a.tree, points, a.budget)
        mine.known = a.known if a.points is self.sample.points else {}
        return wide, mine

    def conditioned(self, a: Values, core: list[int]) -> tuple[Pair, Pair, list[int | None]]:
        """Both formulas with what the condition forgives taken away; for each point, the one that
        its values are relative to (None: its group has none)."""
        base, b = self.sample.base, self.values
        if self.condition is None:
            return a, b, [-1] * len(base)
        additive = self.condition == "additive constant"
        starts: dict[int, int] = {}
        for i in core:
            if base[i] not in starts and a.defined(i) is not False:
                if additive or not intervals.contains_zero(b(i, PRECISIONS[-1])):
                    starts[base[i]] = i
        at = [starts.get(group) for group in base]
        combine = intervals.subtract if additive else intervals.divide

        def relative(values: Values) -> Pair:
            return lambda i, bits: combine(values(i, bits), values(at[i], bits), bits)

        return relative(a), relative(b), at

    def witness(self, a: Values, i: int, since: int | None = -1) -> Witness:
        mine, right = a.double(i), self.values.double(i)
        if since in (None, -1, i):
            return Witness(self.sample.points[i], mine, right)
        x, y = a.double(since), self.values.double(since)
        if None in (mine, right, x, y) or not (x and y):
            return Witness(self.sample.points[i], mine, right)
        if self.condition == "additive constant":
            mine, right = mine - x, right - y
        else:
            mine, right = mine / x, right / y
        return Witness(self.sample.points[i], mine, right, self.sample.points[since])

    def reason(self, a: Values, i: int) -> str:
        for bits in PRECISIONS:
            try:
                a(i, bits)
            except Undefined as stop:
                return str(stop)
            except Unknown:
                continue
        return ""

    def without_difference(
        self,
        a: Values,
        at: list[int | None],
        status: dict[int, str],
        seen: list[str],
        hole: tuple[Point, str] | None = None,
    ) -> Verdict:
        differ = [i for i, s in status.items() if s == "differ"]
        undefined = [i for i, s in status.items() if s == "undefined"]
        if differ:
            return Verdict(False, "partial", self.witness(a, differ[0], at[differ[0]]))
        if undefined and "agree" in seen:
            i = undefined[0]
            return Verdict(False, "domain", self.witness(a, i), self.reason(a, i))
        if "unknown" in seen or undefined:
            return Verdict(None, "unknown", None, TOO_VAGUE)
        if self.condition == "positive factor":
            for i in self.defined():
                mine, right = a.double(i), self.values.double(i)
                if mine is not None and right is not None and mine * right < 0:
                    return Verdict(False, "sign", self.witness(a, i))
        if hole and not self.hole(Values(self.values.tree, self.sample.points, Budget(AMPLE))):
            point, reason = hole
            witness = Witness(point, None, Values(self.values.tree, [point]).double(0))
            return Verdict(False, "domain", witness, reason)
        return Verdict(True, "equal")

    def hole(self, a: Values) -> tuple[Point, str] | None:
        """A point next to a zero of what must not vanish, such as a denominator, where that has
        both signs on the domain: somewhere between two points of different sign the formula is not
        defined; and why. None where there is none, or where the domain is not a box, so that the
        way between two points may leave it."""
        points = self.sample.points
        try:
            for tree, reason in vanishing(a.tree) if self.sample.box else []:
                if tree[0] in ("num", "const", "var"):
                    continue  # the end of a domain, or the point 0, which is tried by itself
                signs = [sign(tree, point, a.budget) for point in points]
                if not {-1, 1} <= set(signs):
                    continue
                below, above = points[signs.index(-1)], points[signs.index(1)]
                for _ in range(30):
                    middle = {n: (below[n] + above[n]) / 2 for n in below}
                    side = sign(tree, middle, a.budget)
                    if side == 0:
                        return middle, reason
                    below, above = (middle, above) if side < 0 else (below, middle)
                return below, reason
        except OutOfBudget:
            pass
        return None

    def with_difference(
        self,
        a: Values,
        f: Pair,
        g: Pair,
        at: list[int | None],
        core: list[int],
        status: dict[int, str],
    ) -> Verdict:
        # Where both are zero they agree whatever the factor: such points do not count as agreement.
        telling = [i for i in status if at[i] != i and not (status[i] == "agree" and zero(g, i))]
        seen = [status[i] for i in telling]
        first = next(i for i in core if status.get(i) == "differ")
        witness = self.witness(a, first, at[first])
        if seen.count("agree") >= 2:
            return Verdict(False, "partial", witness)
        if seen.count("differ") < len(seen):
            return Verdict(False, "different", witness)
        moved = [i for i in core if at[i] is not None and at[i] != i]
        kind, detail = self.relation(f, g, moved)
        return Verdict(False, kind, witness, detail)

    def relation(self, f: Pair, g: Pair, at: list[int]) -> tuple[str, str]:
        """The name of the difference, tried from the likely to the rare."""
        times = intervals.multiply
        try:
            x = [intervals.to_double(f(i, PRECISIONS[0])) for i in at]
            y = [intervals.to_double(g(i, PRECISIONS[0])) for i in at]
        except (Undefined, Unknown):
            return "different", ""
        if not all(math.isfinite(u) for u in (*x, *y)):
            return "different", ""
        if all(abs(u - v) <= ROUNDED * abs(v) for u, v in zip(x, y, strict=True)):
            return "rounded", ""
        if self.condition in (None, "additive constant"):
            ratio = constant_ratio(f, g, at, x, y)
            if ratio == -1:
                return "sign", ""
            if ratio is not None and (not self.constant or abs(ratio) in (2, 0.5)):
                return "factor", nice(ratio)
        if self.condition != "additive constant":
            if everywhere(lambda i, bits: times(f(i, bits), g(i, bits), bits), one, at):
                return "reciprocal", ""
            if everywhere(f, lambda i, bits: times(g(i, bits), g(i, bits), bits), at):
                return "square", ""
            if min(x) >= 0 and everywhere(
                lambda i, bits: times(f(i, bits), f(i, bits), bits), g, at
            ):
                return "root", ""
        if self.condition is None and not self.constant:
            i0 = at[0]
            if everywhere(
                lambda i, bits: intervals.add(f(i, bits), g(i0, bits), bits),
                lambda i, bits: intervals.add(g(i, bits), f(i0, bits), bits),
                at,
            ):
                return "offset", nice(x[0] - y[0])
        return "different", ""


def apart(f: Pair, g: Pair, i: int) -> bool:
    """Whether f and g certainly differ at point i, by the highest precision."""
    try:
        return intervals.disjoint(f(i, PRECISIONS[-1]), g(i, PRECISIONS[-1]))
    except (Undefined, Unknown, OutOfBudget):
        return False


def zero(g: Pair, i: int) -> bool:
    try:
        return intervals.contains_zero(g(i, PRECISIONS[0]))
    except (Undefined, Unknown):
        return False


def one(i: int, bits: int) -> Interval:
    return intervals.ONE


def everywhere(f: Pair, g: Pair, at: Sequence[int]) -> bool:
    return all(settle(f, g, i) == "agree" for i in at)


def constant_ratio(
    f: Pair, g: Pair, at: Sequence[int], x: Sequence[float], y: Sequence[float]
) -> float | None:
    """c where f = c g at all points and c is not 0, else None; x, y: their values in doubles."""
    pivot = next((k for k in range(len(at)) if y[k]), None)
    if pivot is None or not x[pivot]:
        return None
    p, c = at[pivot], x[pivot] / y[pivot]
    if abs(c + 1) < 1e-9 and everywhere(f, lambda i, bits: intervals.negative(g(i, bits)), at):
        return -1.0
    same = everywhere(
        lambda i, bits: intervals.multiply(f(i, bits), g(p, bits), bits),
        lambda i, bits: intervals.multiply(g(i, bits), f(p, bits), bits),
        at,
    )
    return c if same else None


def compare(
    student: Tree,
    answer: Tree,
    domain: Domain,
    where: Sequence[Tree] = (),
    up_to: Any = None,
    seed: str = "",
) -> Verdict:
    """The verdict on `student` as a way to write `answer`.

    domain  {name: range} as in `check_domain`; intervals are open
    where   formulas that are positive on the domain, such as 1 - p1 - p2
    up_to   None, one of CONDITIONS, or {condition: [names]}: what need not agree, here a constant
            that does not depend on those names (on any, where no names are given)
    seed    of the random points

    Raises ValueError where domain or up_to are not well formed.
    """
    return Reference(answer, domain, where, up_to, seed).compare(student)


# --- numbers in words -----------------------------------------------------------------------------


def show(x: float, digits: int = 4) -> str:
    """A number for a sentence: at most `digits` significant digits, a true minus."""
    if x == 0:
        return "0"
    if x < 0:
        return "\N{MINUS SIGN}" + show(-x, digits)
    if math.isinf(x):
        return "∞"
    exact = Decimal(x)
    exponent = exact.adjusted()
    rounded = exact.quantize(Decimal(1).scaleb(exponent - digits + 1), ROUND_HALF_UP)
    exponent = rounded.adjusted()
    if -4 <= exponent < 6:
        text = f"{rounded:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    mantissa = f"{rounded.scaleb(-exponent):f}"
    return f"{mantissa.rstrip('0').rstrip('.')}e{exponent}"


_UNITS = (
    ("", 1.0),
    ("π", math.pi),
    ("√2", math.sqrt(2)),
    ("√π", math.sqrt(math.pi)),
    ("e", math.e),
)


def nice(x: float) -> str:
    """x as a small fraction, possibly times π, √2, √π or e, where it is one; else to 4 digits."""
    if x < 0:
        return "\N{MINUS SIGN}" + nice(-x)
    for name, unit in _UNITS if x < 1e4 else ():
        for below in range(1, 25):
            above = math.floor(x / unit * below + 0.5)
            if 0 < above <= 1000 and abs(x / unit * below - above) < 1e-11 * above:
                number = str(above) if below == 1 else f"{above}/{below}"
                if name and number == "1":
                    return name
                return number + name if below == 1 or not name else f"({number}){name}"
    return show(x)
