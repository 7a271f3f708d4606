"""The value of a formula at a point, enclosed: an interval that certainly contains it.

    tree = parse("sqrt(p)", ["p"])
    enclose(tree, {"p": 0.25}, bits=384, budget=Budget())     # an mpmath interval, here exactly 1/2

mpmath's interval arithmetic does the work. Its elementary functions are correct to a fraction of a
unit in the last place but not rigorously rounded, so they are computed with bits to spare and
their results widened; enclosures computed in two ways then always meet where the values are equal.

Three things can happen other than a value: `Undefined` (certainly not a real number there: the
logarithm of a negative number), `Unknown` (this precision does not tell, or the value is beyond
any use: 9^9^9), `OutOfBudget`. `intervals.js` follows the same rules with enclosures of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from mpmath.libmp import (
    from_float,
    from_int,
    from_man_exp,
    from_rational,
    mpf_abs,
    mpf_add,
    mpf_atan,
    mpf_cos_sin,
    mpf_div,
    mpf_exp,
    mpf_floor,
    mpf_le,
    mpf_log,
    mpf_lt,
    mpf_mul,
    mpf_shift,
    mpf_sign,
    mpf_sub,
    round_ceiling,
    round_floor,
    to_float,
    to_int,
)
from mpmath.libmp.libmpi import (
    mpi_abs,
    mpi_add,
    mpi_div,
    mpi_mul,
    mpi_neg,
    mpi_pi,
    mpi_sqrt,
    mpi_sub,
)

from ngdlib.exercises.reading.grammar import Tree

PRECISIONS = (384, 1536)  # bits
ROUGH = 64  # bits, to find where a formula changes its sign
LEVELS = {ROUGH: 0, PRECISIONS[0]: 1, PRECISIONS[1]: 2}
WORK = 15_000  # units of work, some microseconds each, that one answer may cost
COST = {  # of an operation at ROUGH and the two precisions, in the slower language
    **dict.fromkeys(("var", "neg"), (1, 1, 1)),
    **dict.fromkeys(("+", "-", "*"), (3, 4, 6)),
    **dict.fromkeys(("num", "const"), (8, 10, 15)),
    "/": (6, 10, 25),
    "square": (12, 20, 40),  # or another power that is a whole number
    "^": (25, 70, 700),
    "fn": (25, 70, 600),
}
SLOW = {"arctan": 3, "arcsin": 4, "arccos": 4, "arsinh": 2, "arcosh": 2, "artanh": 2}
MAX_POWER = 1024  # integer powers up to here are multiplied out
MAX_MAGNITUDE = 1 << 18  # a value other than 0 lies between 2^-this and 2^this
MAX_EXPONENT = 16  # exp refuses arguments of more bits before the point
MAX_ANGLE = 40  # and so do sin, cos and tan

Interval = tuple  # (lower, upper), mpmath's raw numbers


class Undefined(Exception):
    """The formula has no real value at this point; the argument says why."""


class Unknown(Exception):
    """The value, or whether there is one, is not known at this precision."""


class OutOfBudget(Exception):
    """The comparison has used up its operations."""


class Budget:
    """Counts work; raises OutOfBudget beyond `units`."""

    def __init__(self, units: int = WORK) -> None:
        self.left = units

    def spend(self, units: int) -> None:
        self.left -= units
        if self.left < 0:
            raise OutOfBudget


ONE = from_int(1), from_int(1)
ZERO = from_int(0), from_int(0)
_HALF = from_man_exp(1, -1), from_man_exp(1, -1)


def enclose(tree: Tree, point: Mapping[str, float], bits: int, budget: Budget) -> Interval:
    """The interval that contains the value of `tree` at `point` (doubles, taken as exact)."""
    kind = tree[0]
    times = SLOW.get(tree[1], 1) if kind == "fn" else 1
    simple = kind == "^" and tree[2][0] == "num" and tree[2][1].isdigit()
    budget.spend(COST["square" if simple else kind][LEVELS[bits]] * times)
    if kind == "num":
        return _number(tree[1], bits)
    if kind == "var":
        x = from_float(point[tree[1]])
        return x, x
    if kind == "const":
        return mpi_pi(bits) if tree[1] == "pi" else _exp(ONE, bits)
    if kind == "neg":
        return mpi_neg(enclose(tree[1], point, bits, budget))
    inner = [enclose(part, point, bits, budget) for part in tree[1:] if isinstance(part, tuple)]
    try:
        value = (FUNCTIONS[tree[1]] if kind == "fn" else _OPERATIONS[kind])(*inner, bits)
    except (ArithmeticError, ValueError):  # an argument too wide for mpmath's own functions
        raise Unknown from None
    for end in value:
        if end[1] and abs(end[2] + end[3]) > MAX_MAGNITUDE:
            raise Unknown
    return value


def is_exact(x: Interval) -> bool:
    return x[0] == x[1]


def contains_zero(x: Interval) -> bool:
    return mpf_sign(x[0]) <= 0 <= mpf_sign(x[1])


def disjoint(x: Interval, y: Interval) -> bool:
    """Whether the values are certainly different."""
    return mpf_lt(x[1], y[0]) or mpf_lt(y[1], x[0])


def magnitude(x: Interval) -> int:
    """The least n with |x| <= 2^n (-10^9 for zero)."""
    return max(end[2] + end[3] if end[1] else -(10**9) for end in x)


def tight(x: Interval, y: Interval, bits: int) -> bool:
    """Whether x and y, which meet, are known so well that they count as equal."""
    gap = magnitude(mpi_sub(x, y, 64))
    if contains_zero(x) and contains_zero(y):
        return gap <= -bits
    return gap <= max(magnitude(x), magnitude(y)) - bits


def to_double(x: Interval) -> float:
    """The middle of an interval; 0 for one that contains 0."""
    if contains_zero(x):
        return 0.0
    middle = mpf_mul(mpf_add(x[0], x[1], 100, round_floor), from_man_exp(1, -1))
    return to_float(middle, rnd="n")


add, subtract, multiply, negative = mpi_add, mpi_sub, mpi_mul, mpi_neg


def is_positive(x: Interval) -> bool:
    return mpf_sign(x[0]) > 0


def _number(text: str, bits: int) -> Interval:
    value = Fraction(text)
    p, q = value.numerator, value.denominator
    return from_rational(p, q, bits, round_floor), from_rational(p, q, bits, round_ceiling)


def _around(low: tuple, spread: tuple, bits: int) -> Interval:
    """[low - 2^-bits |low|, high + 2^-bits |high|] where the value is at most `spread` from low.

    `low` is a number computed at the lower end of an argument, correct to 2^-bits; `spread` bounds
    how far the function moves over the argument: one evaluation instead of one at each end.
    """
    reach = mpf_add(mpf_mul(mpf_abs(low), from_man_exp(1, -bits)), spread, 64, round_ceiling)
    return mpf_sub(low, reach, bits + 4, round_floor), mpf_add(low, reach, bits + 4, round_ceiling)


def _width(a: Interval) -> tuple:
    """Upper bound of the width of an argument; refuses one too wide to be of use."""
    width = mpf_sub(a[1], a[0], 64, round_ceiling)
    if mpf_lt(_HALF[0], width):
        raise Unknown
    return width


def divide(a: Interval, b: Interval, bits: int) -> Interval:
    if contains_zero(b):
        raise Undefined("a division by zero") if is_exact(b) else Unknown
    return mpi_div(a, b, bits)


def _exp(a: Interval, bits: int) -> Interval:
    if a == ZERO:
        return ONE
    if magnitude(a) > MAX_EXPONENT:
        raise Unknown
    low = mpf_exp(a[0], bits + 4)
    return _around(low, mpf_shift(mpf_mul(_width(a), low), 1), bits)  # e^w - 1 <= 2w up to 1/2


def _log(a: Interval, bits: int) -> Interval:
    if mpf_sign(a[1]) <= 0:
        zero = is_exact(a) and mpf_sign(a[0]) == 0
        raise Undefined("the logarithm of zero" if zero else "the logarithm of a negative number")
    if mpf_sign(a[0]) <= 0:
        raise Unknown
    spread = mpf_div(mpf_sub(a[1], a[0], 64, round_ceiling), a[0], 64, round_ceiling)
    return _around(mpf_log(a[0], bits + 4), spread, bits)


def _sqrt(a: Interval, bits: int) -> Interval:
    if mpf_sign(a[1]) < 0:
        raise Undefined("the square root of a negative number")
    if mpf_sign(a[0]) < 0:
        raise Unknown
    return mpi_sqrt(a, bits)


def _cos_sin(a: Interval, bits: int) -> tuple[Interval, Interval]:
    if magnitude(a) > MAX_ANGLE:
        raise Unknown
    if a == ZERO:
        return ONE, ZERO
    width = _width(a)
    cos, sin = mpf_cos_sin(a[0], bits + 4)
    return _around(cos, width, bits), _around(sin, width, bits)


def _tan(a: Interval, bits: int) -> Interval:
    cos, sin = _cos_sin(a, bits)
    return divide(sin, cos, bits)


def _cot(a: Interval, bits: int) -> Interval:
    cos, sin = _cos_sin(a, bits)
    return divide(cos, sin, bits)


def _cosh_sinh(a: Interval, bits: int) -> tuple[Interval, Interval]:
    grow, fall = _exp(a, bits), _exp(mpi_neg(a), bits)
    cosh = mpi_mul(_HALF, mpi_add(grow, fall, bits), bits)
    return cosh, mpi_mul(_HALF, mpi_sub(grow, fall, bits), bits)


def _tanh(a: Interval, bits: int) -> Interval:
    cosh, sinh = _cosh_sinh(a, bits)
    return mpi_div(sinh, cosh, bits)


def _logistic(a: Interval, bits: int) -> Interval:
    return divide(ONE, mpi_add(ONE, _exp(mpi_neg(a), bits), bits), bits)


def _logit(a: Interval, bits: int) -> Interval:
    rest = mpi_sub(ONE, a, bits)
    if mpf_sign(a[1]) < 0 or mpf_sign(rest[1]) < 0:
        raise Undefined("the log-odds of a number outside (0, 1)")
    return _log(divide(a, rest, bits), bits)


def _atan(a: Interval, bits: int) -> Interval:
    if a == ZERO:
        return ZERO
    if magnitude(a) > 200:  # so wide that only its inverse is narrow
        half_pi = mpi_mul(mpi_pi(bits), _HALF, bits)
        quarter = half_pi if mpf_sign(a[0]) > 0 else mpi_neg(half_pi)
        return mpi_sub(quarter, _atan(divide(ONE, a, bits), bits), bits)
    return _around(mpf_atan(a[0], bits + 4), _width(a), bits)


def _asin(a: Interval, bits: int) -> Interval:
    rest = mpi_sub(ONE, mpi_mul(a, a, bits), bits)
    if mpf_sign(rest[1]) < 0:
        raise Undefined("the arcsine of a number outside [-1, 1]")
    if rest == ZERO:
        half_pi = mpi_mul(mpi_pi(bits), _HALF, bits)
        return half_pi if mpf_sign(a[0]) > 0 else mpi_neg(half_pi)
    if mpf_sign(rest[0]) <= 0:
        raise Unknown
    return _atan(mpi_div(a, mpi_sqrt(rest, bits), bits), bits)


def _acos(a: Interval, bits: int) -> Interval:
    half_pi = mpi_mul(mpi_pi(bits), _HALF, bits)
    return mpi_sub(half_pi, _asin(a, bits), bits)


def _arsinh(a: Interval, bits: int) -> Interval:
    if mpf_sign(a[1]) < 0:
        return mpi_neg(_arsinh(mpi_neg(a), bits))
    root = _sqrt(mpi_add(mpi_mul(a, a, bits), ONE, bits), bits)
    return _log(mpi_add(a, root, bits), bits)


def _arcosh(a: Interval, bits: int) -> Interval:
    if mpf_lt(a[1], ONE[0]):
        raise Undefined("the inverse cosh of a number below 1")
    square = mpi_mul(mpi_sub(a, ONE, bits), mpi_add(a, ONE, bits), bits)
    return _log(mpi_add(a, _sqrt(square, bits), bits), bits)


def _artanh(a: Interval, bits: int) -> Interval:
    above, below = mpi_add(ONE, a, bits), mpi_sub(ONE, a, bits)
    if mpf_sign(above[1]) <= 0 or mpf_sign(below[1]) <= 0:
        raise Undefined("the inverse tanh of a number outside (-1, 1)")
    return mpi_mul(_HALF, _log(divide(above, below, bits), bits), bits)


def _power(a: Interval, b: Interval, bits: int) -> Interval:
    whole = mpf_floor(b[0]) == b[0]
    if is_exact(b) and whole and magnitude(b) < 64:
        return _integer_power(a, to_int(b[0]), bits)
    if is_exact(a) and mpf_sign(a[0]) == 0 and mpf_sign(b[0]) > 0:
        return ZERO
    if mpf_sign(a[1]) < 0:
        if whole or (mpf_le(mpf_floor(b[0]), b[0]) and mpf_floor(b[0]) != mpf_floor(b[1])):
            raise Unknown
        raise Undefined("a fractional power of a negative number")
    if is_exact(a) and mpf_sign(a[0]) == 0 and mpf_sign(b[1]) < 0:
        raise Undefined("a negative power of zero")
    if mpf_sign(a[0]) <= 0:
        raise Unknown
    return _exp(mpi_mul(b, _log(a, bits), bits), bits)


def _integer_power(a: Interval, n: int, bits: int) -> Interval:
    if n < 0:
        if contains_zero(a):
            raise Undefined("a negative power of zero") if is_exact(a) else Unknown
        return mpi_div(ONE, _integer_power(a, -n, bits), bits)
    if n > MAX_POWER:
        if contains_zero(a):
            if is_exact(a):
                return ZERO
            raise Unknown
        exponent = mpi_mul((from_int(n),) * 2, _log(mpi_abs(a, bits), bits), bits)
        value = _exp(exponent, bits)
        return mpi_neg(value) if n % 2 and mpf_sign(a[1]) < 0 else value
    base = mpi_abs(a, bits) if n % 2 == 0 else a
    value = ONE
    while n:
        if n & 1:
            value = mpi_mul(value, base, bits)
        n >>= 1
        if n:
            base = mpi_mul(base, base, bits)
        if magnitude(base) > MAX_MAGNITUDE:
            raise Unknown
    return value


_OPERATIONS = {"+": mpi_add, "-": mpi_sub, "*": mpi_mul, "/": divide, "^": _power}
FUNCTIONS = {
    "exp": _exp,
    "log": _log,
    "sqrt": _sqrt,
    "abs": mpi_abs,
    "sin": lambda a, bits: _cos_sin(a, bits)[1],
    "cos": lambda a, bits: _cos_sin(a, bits)[0],
    "tan": _tan,
    "cot": _cot,
    "sinh": lambda a, bits: _cosh_sinh(a, bits)[1],
    "cosh": lambda a, bits: _cosh_sinh(a, bits)[0],
    "tanh": _tanh,
    "logistic": _logistic,
    "logit": _logit,
    "arctan": _atan,
    "arcsin": _asin,
    "arccos": _acos,
    "arsinh": _arsinh,
    "arcosh": _arcosh,
    "artanh": _artanh,
}
