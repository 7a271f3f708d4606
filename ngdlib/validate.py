"""Checks at the public boundary: every refusal names the argument, what was expected, what came."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def real_array(name: str, value: ArrayLike, *, copy: bool = True, checked: bool = True) -> Array:
    """``value`` as a float64 array of finite real numbers; ValueError otherwise.

    A masked entry has no value, and is refused. copy=False returns a float64 array as it is, for
    those who only read it. checked=False leaves it to the caller to see that all are finite.
    """
    if type(value) is np.ndarray and value.dtype == np.float64:
        array = np.array(value) if copy else value
    else:
        array = _converted(name, value, copy)
    return finite_numbers(name, array) if checked else array


def _converted(name: str, value: ArrayLike, copy: bool) -> Array:
    if _masked(value):
        raise ValueError(f"{name}: expected no masked entries, got {_show(value)}")
    try:
        array = np.asarray(value)
        if array.dtype.kind not in "biuf":
            raise TypeError
        with np.errstate(over="ignore"):
            return np.array(array, dtype=float, copy=True if copy else None)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name}: expected real numbers, got {_show(value)}") from None


def finite_numbers(name: str, array: Array) -> Array:
    """``array``; ValueError unless every entry is finite."""
    if not finite(array):
        raise ValueError(f"{name}: expected finite numbers, got {_show(array)}")
    return array


def finite(array: Array) -> bool:
    """Whether every entry is finite; no memory is written."""
    if bound(array) < math.inf:
        return True
    return not array.size or bool(np.isfinite(array.min()) and np.isfinite(array.max()))


def bound(array: Array) -> float:
    """What no entry exceeds in size, from one reading and no writing of memory: the root of the sum
    of squares, and more than rounding can lose of it. Infinite or NaN where an entry is not finite,
    and where nothing is known: the squares overflow, or the array is not contiguous."""
    return 2 * math.sqrt(np.vdot(array, array)) + 1e-150 if array.flags.c_contiguous else math.inf


def _masked(value: object) -> bool:
    if isinstance(value, np.ma.MaskedArray):
        return bool(np.ma.getmaskarray(value).any())
    return isinstance(value, list | tuple) and any(map(_masked, value))


def vectors(
    name: str, value: ArrayLike, dim: int, *, copy: bool = True, checked: bool = True
) -> Array:
    """A finite array of shape (..., dim), as by `real_array`; ValueError otherwise."""
    array = real_array(name, value, copy=copy, checked=checked)
    if array.ndim == 0 or array.shape[-1] != dim:
        raise ValueError(f"{name}: expected shape (..., {dim}), got shape {array.shape}")
    return array


def matrices(name: str, value: ArrayLike, dim: int | None = None) -> Array:
    """A finite array of square matrices, shape (..., dim, dim); ValueError otherwise."""
    array = real_array(name, value)
    size = "d" if dim is None else dim
    square = array.ndim >= 2 and array.shape[-1] == array.shape[-2] > 0
    if not square or (dim is not None and array.shape[-1] != dim):
        raise ValueError(f"{name}: expected shape (..., {size}, {size}), got shape {array.shape}")
    return array


def times_from_zero(value: ArrayLike) -> Array:
    """Increasing times, none below 0, shape (n,), n > 0; ValueError otherwise."""
    times = real_array("times", value)
    if times.ndim != 1 or not times.size or times[0] < 0 or not (times[1:] > times[:-1]).all():
        raise ValueError(f"times: expected increasing numbers >= 0, shape (n,), got {times}")
    return times


#: Evaluations that a flow may take; those of the book take some thousand.
PATIENCE = 400_000


def patiently(velocity: Callable[[float, Array], Array], end: float) -> Callable:
    """``velocity``, for a solver on its way to the time ``end``: ValueError, where it stands, once
    it has been asked for `PATIENCE` times."""
    left = iter(range(PATIENCE))

    def counted(t: float, state: Array) -> Array:
        if next(left, None) is None:
            raise ValueError(
                f"times: expected times that the flow reaches in {PATIENCE:,} evaluations, got "
                f"{end:g}; it is at {t:g}"
            )
        return velocity(t, state)

    return counted


def representable(name: str, value: Array) -> Array:
    """``value``, or ValueError where it overflowed: what does not fit in float64 is no answer."""
    if not finite(np.asarray(value)):
        raise ValueError(f"{name}: expected a point where the result fits in float64; it overflows")
    return value


def symmetric(name: str, value: Array, scale: Array) -> None:
    """ValueError unless each entry agrees with its mirror image to 1e-8, beside the product of the
    scales (..., d) of its row and column: one large entry hides no other pair."""
    gap = np.abs(value - np.swapaxes(value, -1, -2))
    near = gap <= 1e-8 * scale[..., :, None] * scale[..., None, :]
    require(name, np.all(near, axis=(-2, -1)), "a symmetric matrix", value)


#: What is negative, or zero, along a direction that shows that a matrix is not positive.
LENGTH = ("the square of the length of {} is negative", "{} has length zero")
VARIANCE = ("the variance along {} is negative", "the variance along {} is zero")


def metric(
    name: str, value: Array, *, singular: bool = False, words: tuple[str, str] = LENGTH
) -> tuple[Array, Array]:
    """Checked square matrices as metrics: symmetric and positive, definite unless ``singular``.

    Returns them symmetrised, with the scale of each coordinate divided out, and these scales:
    F = scale_i C_ij scale_j. ValueError that says in ``words`` along which direction it fails.
    """
    diagonal = np.diagonal(value, axis1=-2, axis2=-1)
    null = ~(diagonal > 0)  # no unit of its own: it is seen beside the largest entry there is
    if null.any():
        largest = np.max(np.abs(value), axis=(-2, -1))[..., None]
        scale = np.sqrt(np.where(null, np.where(largest > 0, largest, 1.0), diagonal))
    else:
        scale = np.sqrt(diagonal)
    symmetric(name, value, scale)
    C = (value / 2 + np.swapaxes(value, -1, -2) / 2) / scale[..., :, None] / scale[..., None, :]
    if not finite(C):
        raise ValueError(f"{name}: expected a positive matrix, got {_show(value)}")
    lengths, directions = np.linalg.eigh(C)
    lowest, rounding = lengths[..., 0], 16 * value.shape[-1] * np.finfo(float).eps
    negative = lowest < -1e-10
    if null.any():  # without a length of its own it has a part in no other, but for rounding
        row = np.max(np.where(null[..., None], np.abs(C), 0.0), axis=(-2, -1))
        negative |= (row > rounding) | np.any(diagonal < -1e-10, axis=-1)
    bad = negative if singular else lowest <= rounding
    if np.any(bad):
        at = tuple(np.argwhere(negative if negative.any() else bad)[0])
        v = directions[at][:, 0] / scale[at]
        v = v / v[np.argmax(np.abs(v))]
        shown = np.array2string(v, precision=4, separator=", ", threshold=8)
        what = (
            f"a positive matrix; this one is indefinite: {words[0].format(shown)}"
            if negative.any()
            else f"an invertible matrix; this one is singular: {words[1].format(shown)}"
        )
        raise ValueError(f"{name}: expected {what}, got {_show(value[at])}")
    return C, scale


def invertible(matrix: Array) -> np.ndarray:
    """Where square matrices can be inverted in float64: bool, shape (...).

    Rows and columns are scaled first: a mere difference of units, a variance near 1e-20 beside a
    mean near 1, does not make a matrix singular.
    """
    with np.errstate(all="ignore"):
        scaled = matrix / np.max(np.abs(matrix), axis=-1, keepdims=True)
        scaled = scaled / np.max(np.abs(scaled), axis=-2, keepdims=True)
    good = np.all(np.isfinite(scaled), axis=(-2, -1))
    scaled = np.where(good[..., None, None], scaled, np.eye(matrix.shape[-1]))
    singular_values = np.linalg.svd(scaled, compute_uv=False)
    limit = 16 * matrix.shape[-1] * np.finfo(float).eps
    return good & (singular_values[..., -1] > limit * singular_values[..., 0])


def number(name: str, value: ArrayLike, *, above: float = -np.inf, least: float = -np.inf) -> float:
    """One finite real number, > ``above`` and >= ``least``; ValueError otherwise."""
    array = real_array(name, value)
    if array.ndim:
        raise ValueError(f"{name}: expected one number, got shape {array.shape}")
    if not (array > above and array >= least):
        bound = f"> {above:g}" if above > -np.inf else f">= {least:g}"
        raise ValueError(f"{name}: expected a number {bound}, got {array.item():g}")
    return array.item()


def instance(name: str, value: object, kind: type, expected: str) -> None:
    """ValueError unless ``value`` is of that kind."""
    if not isinstance(value, kind):
        raise ValueError(f"{name}: expected {expected}, got {_show(value)}")


def count(name: str, value: int, least: int = 0) -> int:
    """An integer of at least ``least``; ValueError otherwise."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ValueError(f"{name}: expected an integer >= {least}, got {value!r}")
    if value > np.iinfo(np.int64).max:
        bits = int(value).bit_length()
        raise ValueError(f"{name}: expected an integer that fits in 64 bits, got one of {bits}")
    return int(value)


def require(name: str, holds: ArrayLike, expected: str, value: ArrayLike) -> None:
    """ValueError unless ``holds`` is true everywhere; the message shows the first offender."""
    holds = np.asarray(holds)
    if not np.all(holds):
        array = np.asarray(value)
        if array.ndim >= holds.ndim and holds.ndim:
            array = np.broadcast_to(array, holds.shape + array.shape[holds.ndim :])
            array = array[tuple(np.argwhere(~holds)[0])]
        raise ValueError(f"{name}: expected {expected}, got {_show(array)}")


def one_of(name: str, value: object, among: Sequence[str]) -> None:
    """ValueError unless ``value`` is one of these words."""
    if not isinstance(value, str) or value not in among:
        raise ValueError(f"{name}: expected one of {tuple(among)}, got {_show(value)}")


def broadcast(name: str, shape: tuple[int, ...], other_name: str, other: tuple[int, ...]) -> None:
    """ValueError where two batch shapes do not broadcast."""
    if shape == other:
        return
    try:
        np.broadcast_shapes(shape, other)
    except ValueError:
        raise ValueError(
            f"{name}: expected leading dimensions that broadcast with those of {other_name} "
            f"{other}, got {shape}"
        ) from None


def _show(value: object) -> str:
    if isinstance(value, np.ndarray) and value.size > 20:
        return f"an array of shape {value.shape} and type {value.dtype}"
    plain = value.tolist() if isinstance(value, np.ndarray | np.generic) else value
    text = " ".join(repr(plain).split())
    return text if len(text) <= 80 else text[:77] + "..."
