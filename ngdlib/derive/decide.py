"""What decides: sympy shows that a difference vanishes, or gives no mark."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import sympy as sp
from sympy.matrices.expressions.matexpr import MatrixExpr

from ngdlib.derive.domain import (
    Condition,
    Refuted,
    around,
    closed,
    conditions,
    demand,
    expectations,
    kinks,
    spelled,
)
from ngdlib.derive.language import (
    BINDING,
    JUMPS,
    NO_NUMBER,
    E,
    Foreign,
    Undecided,
    nodes,
    put,
    scalars,
    size,
)

if TYPE_CHECKING:
    from ngdlib.derive.author import Derivation, Step

_AREAS = (E, sp.Integral)
LIMIT_SECONDS = 20  # of processor time, after which a symbolic check gives up: "split the step"


def check(d: Derivation, step: Step) -> str:
    """The weakest method that was needed to show that the sides of a line agree.

    Raises Undecided where none does.
    """
    methods = []
    seen: set[Any] = set()
    for left, right in d.pairs(step):
        for case in d.cases(left, right):
            roots = any(
                side.has(sp.log) or any(map(_root, side.atoms(sp.Pow))) for side in (left, right)
            )
            written = {
                m: _written_out(put(m, case), d.domain.get(m, "any"), roots)
                for m in left.atoms(sp.MatrixSymbol) | right.atoms(sp.MatrixSymbol)
            }
            sides = (scalars(put(side, {**case, **written})) for side in (left, right))
            for a, b in zip(*sides, strict=True):
                methods.append(_method(d, step, a - b))
                methods += [_method(d, step, at) for at in _apart(d, step, a - b)]
                seen.update(_outermost(_outcomes(a - b)), _outermost(a), _outermost(b))
    for side in d.written(step):
        for case in d.cases(side):
            if side.has(*BINDING) and not side.has(MatrixExpr, sp.Indexed):
                seen.update(_outermost(spelled(put(side, case, held=True), True)))
    slopes = any(nodes(side, sp.Derivative) for side in d.written(step))
    smooth = slopes or step.relation == "expand"
    for node in sorted(seen, key=str):
        _demand_value(d, node, step.var, smooth)
    return _weakest(methods)


def _demand_value(d: Derivation, node: Any, var: Any, smooth: bool) -> None:
    """An integral or a sum has a value, wherever the letters are that it depends on, though it
    cancels: ∞ − ∞ is no line of mathematics; `smooth` where a derivative is taken of it.

    The integrand goes on to the ends, or there is a closed form, which is defined there. Factors
    in front of it are left out: a² ∫ exp(−a²x) dx is 1, but not at a = 0.
    """
    try:
        if not _has_no_end(node):
            _demand_to_the_ends(d, node, var, smooth)
            return
    except (Refuted, Undecided):
        pass
    known, bounds, _ = _symbols_of(d, node, var)
    for part in _without_factors(node):
        value = _evaluated(put(part, known), bounds)
        if _outermost(value):
            raise Undecided(f"it is not shown that {node} has a value")
        value = value.xreplace({name: s for s, name in known.items()})
        lacking = _lacking(d, value, var, smooth)
        lacking = lacking and _lacking(d, sp.simplify(value), var, smooth)
        if lacking:
            raise Undecided(f"it is not shown that {node} has a value without {lacking}")


def _lacking(d: Derivation, x: Any, var: Any, smooth: bool) -> Condition | None:
    """The first condition that an expression needs and that is not shown; None where all are."""
    for needed in conditions(x, smooth):
        try:
            demand(d, needed, var)
        except (Refuted, Undecided):
            return needed
    return None


def _demand_to_the_ends(
    d: Derivation, node: Any, var: Any, smooth: bool, there: Mapping | None = None
) -> None:
    """What an integrand needs holds at the ends, too, of the intervals that are integrated over."""
    for needed in conditions(node, smooth):
        bound = closed(needed.bound)
        if any(end.is_infinite for _, where in bound for end in where.args[:2]):
            raise Undecided(f"it is not shown that {node} has a value")
        x = put(needed.expression, there or {})
        demand(d, needed._replace(expression=x, bound=bound), None if there else var)


def _without_factors(node: Any) -> list[Any]:
    """An integral or a sum term by term, each without the factors that it does not run over."""
    node = node.as_integral() if isinstance(node, E) else node
    if not isinstance(node, sp.Integral | sp.Sum) or not node.free_symbols:
        return [node]
    bound = [limit[0] for limit in node.limits]
    terms = sp.Add.make_args(sp.expand_mul(node.function))
    return [node.func(t.as_independent(*bound, as_Add=False)[1], *node.limits) for t in terms]


def _apart(d: Derivation, step: Step, difference: Any) -> Iterator[Any]:
    """The difference where it may be another than between: an integral, a sum without end and a
    function that jumps need not go on to the ends that belong to the domain; nor do the first two
    to 0, where what they depend on may vanish."""
    endless = bool(_endless(difference))
    limits = any(isinstance(n, sp.Integral) or not n.discrete for n in nodes(difference, _AREAS))
    if not (endless or limits or difference.has(*JUMPS)):
        return
    for symbol in sorted(difference.free_symbols - {step.var}, key=str):
        where = d.where(symbol)
        places = [] if where.left_open or where.start.is_infinite else [where.start]
        places += [] if where.right_open or where.end.is_infinite else [where.end]
        within = [-where.start, where.end]
        if endless and all(e.is_infinite or e.is_positive for e in within):
            places.append(sp.S.Zero)
        for place in places:
            there = put(difference, {symbol: place})
            yield there
            yield from _apart(d, step, there)


def _outermost(x: Any) -> list[Any]:
    """The integrals, sums and products in an expression that stand in no other."""
    if isinstance(x, E) and x.discrete:
        parts = [part for pair in x.terms(held=True) for part in pair]
    elif isinstance(x, BINDING):
        return [x]
    else:
        parts = x.args
    return list(dict.fromkeys(node for part in parts for node in _outermost(part)))


def _endless(x: Any) -> list[Any]:
    """Those of them that have no end, or hold one that has none."""
    return [node for node in _outermost(x) if _has_no_end(node)]


def _has_no_end(x: Any) -> bool:
    return any(
        end.is_infinite
        for node in nodes(x, BINDING)
        if not (isinstance(node, E) and node.discrete)
        for limit in (node.as_integral() if isinstance(node, E) else node).limits
        for end in limit[1:]
    )


_NO_VALUE = (*NO_NUMBER, sp.AccumBounds)


def _evaluated(x: Any, bounds: Mapping) -> Any:
    """With its integrals, sums and derivatives evaluated. Each integral or sum without end has a
    value: 2·∞ = ∞ + ∞ is no line of mathematics. Raises Undecided."""
    x = _outcomes(x)
    inside = {s: expression for s, (_, expression) in bounds.items()}
    for node in _outermost(x):
        value = node.doit()
        if _endless(value):  # under a condition, which the domain may settle
            value = value.subs(inside)
        if value.has(*_NO_VALUE) or not all(map(_tame, nodes(value, sp.Integral))):
            raise Undecided(f"it is not shown that {node} has a value")
        x = x.xreplace({node: value})
    x = x.doit()
    if x.has(*_NO_VALUE):
        raise Undecided(f"{sp.sstr(x)[:200]} is no number")
    return x


def _tame(integral: Any) -> bool:
    """Does an integral that sympy leaves as it is have a number at each of its ends? What stands
    there is defined between them, says `domain`."""
    body, ((v, *ends), *more) = integral.function, integral.limits
    there = [body.subs(v, end) for end in ends]
    powers = [power for x in there for power in x.atoms(sp.Pow)]
    return not (
        more
        or _outermost(body)
        or any(x.has(*_NO_VALUE) for x in there)
        or any(power.base == 0 for power in powers)
    )


def _outcomes(x: Any) -> Any:
    """With each expectation over outcomes as the sum that it is."""
    if isinstance(x, E) and x.discrete:
        return sp.Add(*(_outcomes(weight * value) for weight, value in x.terms()))
    if not nodes(x, E):
        return x
    return x.func(*(_outcomes(part) for part in x.args))


def _method(d: Derivation, step: Step, difference: Any) -> str:
    """The method that shows that a difference vanishes, in symbols that know their domain; to an
    order in `step.var` where it is also defined, and on one branch, near 0 on a side, wherever the
    other symbols are: |a + h| is not |a| + h sign(a) + O(h²) at a = 0."""
    known, bounds, chained = _symbols_of(d, difference, step.var)
    bound = {v for node in nodes(difference, BINDING) for v in node.bound_symbols}
    difference = put(difference, known) if bound & set(known) else difference.xreplace(known)
    if step.relation == "expand":
        var = known.get(step.var, step.var)
        new = _evaluated(difference, bounds)
        evaluated = new.xreplace({name: s for s, name in known.items()})
        meetings = {m for part in sp.preorder_traversal(evaluated) for m in kinks(part)}
        wanted = [Condition(m, "nonzero") for m in meetings]
        if _outermost(difference):  # it may need what its integrands do not
            wanted += conditions(evaluated)
        for needed in wanted:
            if needed.expression.has(step.var):
                demand(d, needed, step.var)
        for node in _outermost(evaluated):  # all of it smooth, at the ends, too: else h² log h is 0
            if node.has(step.var):
                try:
                    _demand_to_the_ends(d, node, None, True, {step.var: sp.S.Zero})
                except (Refuted, Undecided):
                    raise Undecided(f"{node} is not shown to be smooth at {step.var} = 0") from None
        return _vanishes_to_order(new, bounds, var, step.order, around(d, step.var))
    return _vanishes(difference, bounds, chained)


def _symbols_of(d: Derivation, x: Any, var: Any) -> tuple[dict, dict, dict]:
    """Symbols that know their domain, for those of `x`; these with their intervals built in, as in
    `_vanishes`; and those whose intervals use others."""
    known, bounds, chained = {}, {}, {}
    symbols = sorted(x.free_symbols, key=str)
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
        if symbol == var:
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
    return known, bounds, chained


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
    (
        "factors under roots",
        lambda x: _logs(x.replace(_root, _factored)) if x.has(sp.Abs, sp.Pow, sp.log) else x,
    ),
    ("special functions", lambda x: _special(x) if x.has(*_SPECIAL) else x),
    ("trigonometry", lambda x: sp.trigsimp(x) if sp.count_ops(x) <= 250 else x),
    ("simplified", lambda x: sp.simplify(x) if sp.count_ops(x) <= 250 else x),
)
#: The last rungs: with |a| as a and as −a, which one of them it is everywhere; and on an interval,
#: what has derivative 0 and one value 0 is 0.
CASES = "case by case"
CONSTANT = "derivative and one value vanish"
_SPECIAL = (sp.erfc, sp.gamma, sp.loggamma, sp.polygamma, sp.factorial, sp.LambertW)
_INVERSES = (sp.log, sp.asin, sp.acos, sp.atan, sp.acot, sp.asinh, sp.acosh, sp.atanh)


def _logs(x: Any) -> Any:
    return sp.expand_log(sp.expand(x))


def _root(x: Any) -> bool:
    power = x.is_Pow and x.exp.is_Rational and not x.exp.is_Integer
    return power or isinstance(x, sp.Abs | sp.log)


def _factored(root: Any) -> Any:
    """A root, an absolute value or a logarithm of what is written as a product."""
    inside, *power = root.args
    return root.func(sp.factor(inside), *power) if sp.count_ops(inside) <= 200 else root


def _exp_of_w(x: Any) -> bool:
    return isinstance(x, sp.exp) and isinstance(x.args[0], sp.LambertW)


def _special(x: Any) -> Any:
    """In few functions, each of an argument without a whole number in front."""
    x = x.replace(sp.erfc, lambda a: 1 - sp.erf(a))
    x = x.replace(_exp_of_w, lambda e: e.args[0].args[0] / e.args[0])  # W e^W is its argument
    x = x.replace(sp.loggamma, lambda a: sp.log(sp.gamma(a)))  # of a > 0, as `domain` demands
    return sp.expand(sp.expand_log(sp.expand(sp.expand_func(x)), force=False))


def _vanishes(
    x: Any, bounds: Mapping, chained: Mapping | None = None, depth: int = 1, branches: int = 3
) -> str:
    """The name of the method that shows x = 0. Raises Undecided where none does.

    bounds maps symbols to (u, expression in u), u > 0: the symbol written so that its interval
    is built in, which lets logarithms of q and of 1 - q split.
    """
    x = _evaluated(x, bounds)
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
    if branches > 0 and x.has(sp.Abs, sp.Max, sp.Min):
        x = x.rewrite([sp.Max, sp.Min], sp.Abs)
        kinks = [e for e in sorted(x.atoms(sp.Abs), key=str) if not e.args[0].has(sp.Abs)][:1]
        ways = [x.xreplace({e: way}) for e in kinks for way in (e.args[0], -e.args[0])]
        with suppress(Undecided):
            for way in ways or [x]:
                _vanishes(way, bounds, chained, depth, branches - 1)
            return CASES
    for symbol, (u, expression) in bounds.items():
        if depth and x.has(symbol) and x.has(*_INVERSES) and not x.has(*JUMPS):
            with suppress(Undecided):
                _vanishes(sp.diff(x, symbol), bounds, None, depth - 1, 0)
                here = expression.subs(u, 1) if expression != symbol else _inside(symbol)
                _vanishes(x.subs(symbol, here), bounds, None, depth - 1, 0)
                return CONSTANT
    if x.is_number and x.is_zero is False:
        raise Foreign(f"the two sides differ: {x} is not 0")
    raise Undecided(f"sympy cannot show that {sp.sstr(x)[:200]} vanishes")


def _inside(symbol: Any) -> Any:
    """A number of the half-line or line that a symbol is on."""
    return sp.Integer(-1 if symbol.is_nonpositive else 1)


def _vanishes_to_order(x: Any, bounds: Mapping, var: Any, order: int, sides: list[int]) -> str:
    """As `_vanishes`, for each Taylor coefficient of x in `var` below `order`, on each side of 0;
    the derivative of that order stays finite, so that what is left is O(var**order) by Taylor's
    theorem."""
    if not x.has(sp.Abs, sp.Max, sp.Min, sp.acot, *JUMPS):
        return _coefficients_vanish(x, bounds, var, order)
    u = sp.Dummy("u", positive=True)
    return _weakest([_coefficients_vanish(x.subs(var, s * u), bounds, u, order) for s in sides])


def _coefficients_vanish(x: Any, bounds: Mapping, var: Any, order: int) -> str:
    methods = []
    sides = "+" if var.is_positive else "+-"
    for k in range(order + 1):
        values = [x.subs(var, 0).doit()]
        if values[0].has(*NO_NUMBER):
            values = [sp.limit(x, var, 0, side) for side in sides]
        for value in values:
            if (
                value.has(*_NO_VALUE, sp.Limit)
                or any(power.base == 0 for power in value.atoms(sp.Pow))
            ):  # fmt: skip
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
            for e, bound in expectations(spelled(put(side, case))):
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
                inside, (surplus,) = d.within(bound), scalars(total - 1)
                try:
                    for x in (surplus, *_apart(inside, step, surplus)):
                        _method(inside, replace(step, relation="equal"), x)
                except Undecided:
                    raise Undecided(
                        f"it is not shown that the probabilities of {e} sum to 1"
                    ) from None


def _weakest(methods: list[str]) -> str:
    """The method furthest down the ladder."""
    return max(methods, key=[*(name for name, _ in LADDER), CASES, CONSTANT].index)


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


def _written_out(matrix: Any, kind: str, roots: bool) -> sp.ImmutableMatrix:
    """A matrix of symbols. Under a logarithm or a root a positive definite one is L·Lᵀ, for a lower
    triangular L with a positive diagonal: so its determinant is a product of positive numbers."""

    def entry(i: int, j: int, **known: bool) -> sp.Symbol:
        return sp.Symbol(f"{matrix.name}_{i + 1}_{j + 1}", real=True, **known)

    def below(i: int, j: int) -> Any:
        return entry(i, j) if j < i else (entry(i, i, positive=True) if i == j else 0)

    def mirrored(i: int, j: int) -> sp.Symbol:
        return entry(min(i, j), max(i, j))

    if kind == "positive definite" and roots:
        lower = sp.Matrix(*size(matrix), below)
        return sp.ImmutableMatrix(lower * lower.T)
    mirror = kind in ("symmetric", "positive definite")
    return sp.ImmutableMatrix(*size(matrix), mirrored if mirror else entry)
