"""What decides: sympy shows that a difference vanishes, or gives no mark."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import sympy as sp

from ngdlib.derive.domain import Condition, demand, expectations
from ngdlib.derive.language import Undecided, put, scalars, size

if TYPE_CHECKING:
    from ngdlib.derive.author import Derivation, Step

LIMIT_SECONDS = 20  # of processor time, after which a symbolic check gives up: "split the step"


def check(d: Derivation, step: Step) -> str:
    """The weakest method that was needed to show that the sides of a line agree.

    Raises Undecided where none does.
    """
    methods = []
    for left, right in d.pairs(step):
        for case in d.cases(left, right):
            written = {
                m: _written_out(put(m, case), d.domain.get(m, "any"))
                for m in left.atoms(sp.MatrixSymbol) | right.atoms(sp.MatrixSymbol)
            }
            sides = (scalars(put(side, {**case, **written})) for side in (left, right))
            for a, b in zip(*sides, strict=True):
                methods.append(_method(d, step, a - b))
    return _weakest(methods)


def _method(d: Derivation, step: Step, difference: Any) -> str:
    """The method that shows that a difference vanishes, in symbols that know their domain."""
    known, bounds, chained = {}, {}, {}
    symbols = sorted(difference.free_symbols, key=str)
    listed = [s for s in d.domain if isinstance(d.domain[s], sp.Interval)]
    for symbol in symbols:
        ends = d.where(symbol).args[:2]
        symbols += [s for e in ends for s in e.free_symbols if s not in symbols]
    place = {s: k for k, s in enumerate(listed)}
    symbols = [s for s in sorted(symbols, key=lambda s: (place.get(s, -1), str(s)))]
    for symbol in symbols:
        where = d.where(symbol)
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
        if not (where.start.is_number and where.end.is_number):
            low, high = (e.xreplace(known).xreplace(chained) for e in (where.start, where.end))
            if high == sp.oo:
                chained[name] = low + u
            elif low == -sp.oo:
                chained[name] = high - u
            else:
                chained[name] = (low + high * u) / (1 + u)
            continue
        if low.is_finite and high.is_finite:
            bounds[name] = (u, (low + high * u) / (1 + u))
        elif low.is_finite and low != 0:
            bounds[name] = (u, low + u)
        elif high.is_finite and high != 0:
            bounds[name] = (u, high - u)
        else:
            bounds[name] = (u, name)
    difference = difference.xreplace(known)
    if step.relation == "expand":
        var = known.get(step.var, step.var)
        sided = "+" if d.where(step.var).start.is_nonnegative else "+-"
        return _vanishes_to_order(difference, bounds, var, step.order, sided)
    return _vanishes(difference, bounds, chained)


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


def _vanishes(x: Any, bounds: Mapping, chained: Mapping | None = None, depth: int = 1) -> str:
    """The name of the method that shows x = 0. Raises Undecided where none does.

    bounds maps symbols to (u, expression in u), u > 0: the symbol written so that its interval
    is built in, which lets logarithms of q and of 1 - q split.
    """
    x = x.doit()
    inside = {s: expression for s, (_, expression) in bounds.items()}
    forms = [x]
    if chained:
        x = x.xreplace(chained)
        for _ in chained:
            x = x.xreplace(chained)
        forms.append(x)
    if x.free_symbols & {s for s, new in inside.items() if s != new}:
        forms.append(x.subs(inside))
    for name, method in LADDER:
        for form in forms:
            with suppress(sp.PolynomialError, NotImplementedError):
                if method(form) == 0:
                    return name
    for symbol, (u, expression) in bounds.items():
        if depth and x.has(symbol) and x.has(*_INVERSES):
            with suppress(Undecided):
                _vanishes(sp.diff(x, symbol), bounds, None, depth - 1)
                here = expression.subs(u, 1) if expression != symbol else _inside(symbol)
                _vanishes(x.subs(symbol, here), bounds, None, depth - 1)
                return CONSTANT
    raise Undecided(f"sympy cannot show that {sp.sstr(x)[:200]} vanishes")


def _inside(symbol: Any) -> Any:
    """A number of the half-line or line that a symbol is on."""
    return sp.Integer(-1 if symbol.is_nonpositive else 1)


def _vanishes_to_order(x: Any, bounds: Mapping, var: Any, order: int, sided: str = "+-") -> str:
    """As `_vanishes`, for each Taylor coefficient of x in `var` below `order`; the derivative of
    that order stays finite, so that what is left is O(var**order) by Taylor's theorem."""
    methods = []
    x = x.doit()
    rough = x.has(sp.Abs, sp.sign, sp.Piecewise, sp.Max, sp.Min)
    for k in range(order + 1):
        values = [x.subs(var, 0).doit()]
        if rough or values[0].has(sp.nan, sp.zoo, sp.oo, -sp.oo):
            values = [sp.limit(x, var, 0, side) for side in sided]
        for value in values:
            if value.has(sp.nan, sp.zoo, sp.oo, -sp.oo, sp.AccumBounds) or value.has(sp.Limit):
                raise Undecided(f"derivative {k} in {var} has no finite limit at 0")
            if k < order:
                methods.append(_vanishes(value, bounds))
        if k < order:
            x = sp.diff(x, var).doit()
    return _weakest(methods)


def check_expectations(d: Derivation, step: Step, sides: list) -> None:
    """The weights of every expectation are not negative and sum to 1; limits are in order.

    Raises domain.Refuted or Undecided.
    """
    seen: set[Any] = set()
    for side in sides:
        for case in d.cases(side):
            for e, bound in expectations(put(side, case)):
                if (e.args[1], bound) in seen:
                    continue
                seen.add((e.args[1], bound))
                if e.discrete:
                    weights = [w for w, _ in e.terms()]
                    total, within = sp.Add(*weights), bound
                else:
                    variable, low, high, density = e.args[1]
                    if low == sp.oo or high == -sp.oo:
                        raise Undecided(f"the limits of {e} are not in order")
                    within = (*bound, (variable, sp.Interval.open(low, high)))
                    weights, total = [density], sp.Integral(density, (variable, low, high))
                for weight in weights:
                    demand(d, Condition(weight, "nonnegative", within), step.var, case)
                try:
                    _method(d, replace(step, relation="equal"), scalars(total - 1)[0])
                except Undecided:
                    raise Undecided(
                        f"it is not shown that the probabilities of {e} sum to 1"
                    ) from None


def _weakest(methods: list[str]) -> str:
    """The method furthest down the ladder."""
    return max(methods, key=[*(name for name, _ in LADDER), CONSTANT].index)


class _TimeUp(BaseException):
    """Not an Exception, so that nothing inside sympy catches it."""


@contextmanager
def guarded() -> Iterator[None]:
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


def _written_out(matrix: Any, kind: str) -> sp.ImmutableMatrix:
    """A matrix of symbols."""
    mirrored = kind in ("symmetric", "positive definite")

    def entry(i: int, j: int) -> sp.Symbol:
        i, j = (min(i, j), max(i, j)) if mirrored else (i, j)
        return sp.Symbol(f"{matrix.name}_{i + 1}_{j + 1}", real=True)

    return sp.ImmutableMatrix(*size(matrix), entry)
