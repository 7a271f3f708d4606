"""A sympy expression in numbers: in float64 where that is right, with more digits where it is not.

log(1 + e^eta) and its derivatives are harmless to the eye; at eta = 40 the second one is a
difference of two numbers near 1 and comes out negative. Beside each value its rounding error is
carried along, to first order. Where it is too large, that point is computed again by mpmath, with
more and more digits until two results agree.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import mpmath as mp
import numpy as np
import sympy as sp

from ngdlib.validate import Array

_EPS = float(np.finfo(float).eps)
#: Relative error up to which float64 will do.
ENOUGH = 2e-14
_DIGITS = (30, 60, 120, 240, 480, 960)


def evaluator(symbols: Sequence[sp.Symbol], entries: Sequence[sp.Expr]) -> Callable[[Array], Array]:
    """eta (..., d) -> the entries, shape (..., number of entries), each to a relative 2e-14."""
    symbols = tuple(symbols)
    in_floats = [_compiled(symbols, entry) for entry in entries]
    in_digits = digits(symbols, entries)

    def evaluate(eta: Array) -> Array:
        flat = eta.reshape(-1, len(symbols))
        columns = dict(zip(symbols, flat.T, strict=True))
        out = np.empty((len(flat), len(in_floats)))
        with np.errstate(all="ignore"):
            for k, entry in enumerate(in_floats):
                value, error = entry(columns)
                out[:, k] = value
                good = np.isfinite(value) & (error <= ENOUGH * np.abs(value))
                for at in np.argwhere(~np.broadcast_to(good, len(flat)))[:, 0]:
                    out[at, k] = settled(lambda point, k=k: in_digits(point)[k], flat[at])
        return out.reshape(*eta.shape[:-1], len(in_floats))

    return evaluate


def digits(symbols: Sequence[sp.Symbol], entries: Sequence[sp.Expr]) -> Callable:
    """mpmath numbers -> the entries, a list, at whatever precision is in force."""
    return sp.lambdify([tuple(symbols)], list(entries), modules="mpmath", cse=True)


def settled(f: Callable, *points: Array) -> Array | float:
    """f of mpmath numbers, with more and more digits until two results agree to 1e-16.

    ``f`` takes a list of mpmath numbers for each point and returns a number or a nested list.
    Infinite where 960 digits do not settle it.
    """
    last = None
    for dps in _DIGITS:
        with mp.workdps(dps):
            try:
                value = f(*([mp.mpf(float(x)) for x in point] for point in points))
                value = np.array(value, dtype=object)
                if last is not None and _agree(last, value, dps):
                    return value.astype(float)
                last = value
            except (ZeroDivisionError, ValueError, TypeError, OverflowError):
                last = None
    return np.full(np.shape(last) if last is not None else (), np.inf)


def _agree(a: np.ndarray, b: np.ndarray, dps: int) -> bool:
    """To 1e-16 each. Zero is believed only when it still is zero with a great many digits."""
    zero = mp.mpf(10) ** -400
    return all(
        (y != 0 and abs(x - y) <= 1e-16 * abs(y)) or (dps == _DIGITS[-1] and abs(y) < zero)
        for x, y in zip(a.flat, b.flat, strict=True)
    )


def _compiled(symbols: tuple[sp.Symbol, ...], expression: sp.Expr) -> Callable:
    """{symbol: array} -> the value and a bound, to first order, of its rounding error."""
    if expression in symbols:
        return lambda columns: (columns[expression], 0.0)
    if not expression.free_symbols:
        number = float(expression)
        return lambda columns: (number, 0.0 if expression.is_Integer else _EPS * abs(number))
    if expression.is_Add or expression.is_Mul:
        parts = [_compiled(symbols, part) for part in expression.args]
        return lambda columns: _folded([part(columns) for part in parts], expression.is_Add)
    given = {part: sp.Dummy(real=True) for part in expression.args if part.free_symbols}
    outer = expression.func(*(given.get(part, part) for part in expression.args))
    dummies, parts = list(given.values()), [_compiled(symbols, part) for part in given]
    value = sp.lambdify(dummies, outer, modules=["scipy", "numpy"])
    slopes = [sp.lambdify(dummies, outer.diff(x), modules=["scipy", "numpy"]) for x in dummies]

    def evaluate(columns):
        inner = [part(columns) for part in parts]
        arguments = [x for x, _ in inner]
        result = value(*arguments)
        error = 2 * _EPS * np.abs(result)
        for slope, (_, lost) in zip(slopes, inner, strict=True):
            error = error + np.abs(slope(*arguments)) * lost
        return result, error

    return evaluate


def _folded(parts: list, add: bool) -> tuple:
    (value, error), *rest = parts
    for x, lost in rest:
        if add:
            value, error = value + x, error + lost
        else:
            value, error = value * x, np.abs(value) * lost + np.abs(x) * error
        error = error + _EPS * np.abs(value)
    return value, error
