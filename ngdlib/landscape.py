"""Basins of a loss over two parameters: its strict minima, who flows where, what an end is worth.

The landscape is the mean log loss of a model of `ngdlib.basins` on some data, as a rule those that
no optimiser has seen. The label of a point is the strict minimum that the gradient flow
d theta / dt = -grad L reaches from there. A basin is the set of points with one label.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ngdlib.basins import Data, Ends, Model, fisher, fold, gradient, loss
from ngdlib.validate import (
    Array,
    broadcast,
    count,
    instance,
    number,
    real_array,
    representable,
    require,
    vectors,
)

#: What can become of a run, in this order: codes 0 to 3 of `outcomes`.
OUTCOMES = ("good basin", "other basin", "no basin", "still moving")
GOOD, OTHER, OUTSIDE, MOVING = range(4)

#: A run has come to rest where the training gradient is shorter than this (nats per unit).
AT_REST = 5e-3
#: How long a flow is followed, in units of time: a gradient of 1e-4 covers one unit.
LONG = 1e4
#: And how far: so many strides of 0.02.
FAR = 2000
#: A flow has reached a minimum when it is this near.
NEAR = 0.05


class Grid(NamedTuple):
    """Abscissae (a,), ordinates (b,) and the loss on them, shape (a, b)."""

    first: Array
    second: Array
    loss: Array


def survey(model: Model, data: Data, first: ArrayLike, second: ArrayLike) -> Grid:
    """The loss on the grid of all pairs of ``first`` (a,) and ``second`` (b,), increasing."""
    axes = _axes(first, second)
    rows = [
        loss(model, np.stack([np.full_like(axes[1], a), axes[1]], axis=-1), data) for a in axes[0]
    ]
    return Grid(*axes, np.array(rows))


def best_point(grid: Grid) -> Array:
    """The grid point with the lowest loss, shape (2,)."""
    i, j = np.unravel_index(np.argmin(_grid(grid).loss), grid.loss.shape)
    return np.array([grid.first[i], grid.second[j]])


def strict_minima(model: Model, data: Data, grid: Grid) -> Array:
    """The strict minima (K, 2) that lie beside local minima of the grid, the lowest first.

    Newton's method goes from each of them to where the gradient vanishes; what leaves its
    neighbours' square by more than two steps of the grid, or does not curve up both ways, is none.
    """
    grid = _grid(grid)
    steps = 2 * np.array([np.diff(grid.first).max(), np.diff(grid.second).max()])
    found: list[Array] = []
    for i, j in zip(*np.nonzero(_lower_than_neighbours(grid.loss)), strict=True):
        begin = point = np.array([grid.first[i], grid.second[j]])
        for _ in range(30):
            H = _hessian(model, data, point)
            if np.linalg.eigvalsh(H)[0] <= 0:
                break
            point = point - np.linalg.solve(H, gradient(model, point, data))
            if not (np.abs(point - begin) <= steps).all():
                break
        else:
            g = gradient(model, point, data)
            new = all(np.hypot(*(point - other)) > NEAR for other in found)
            if np.hypot(*g) < 1e-10 and new:
                found.append(point)
    found.sort(key=lambda point: loss(model, point, data).item())
    return np.array(found).reshape(-1, 2)


def flow_ends(
    model: Model, data: Data, points: ArrayLike, minima: ArrayLike = (), stride: float = 0.02
) -> Array:
    """Where the gradient flow brings ``points``, shape (N, 2), within the time `LONG`
    and `FAR` strides; folded. A
    flow that comes within `NEAR` of one of ``minima`` (K, 2) is not followed further.

    A step of the flow, of a time h, solves (F + I/h) v = -g: Euler's method made implicit by the
    Gauss-Newton matrix, which for a logit is F, so that narrow valleys do not throw it about. h is
    such that no step is longer than ``stride``.
    """
    stride, points = number("stride", stride), vectors("points", points, 2)
    require("stride", 1e-9 <= stride <= 1e9, "a number from 1e-9 to 1e9", stride)
    ends = points.reshape(-1, 2).copy()
    goals = _minima(minima)
    spent, moving = np.zeros(len(ends)), np.arange(len(ends))
    for _ in range(FAR):
        if not len(moving):
            break
        theta = ends[moving]
        g, F = gradient(model, theta, data), fisher(model, theta, data)
        h = np.minimum(stride / np.maximum(np.hypot(g[:, 0], g[:, 1]), 1e-12), LONG)
        ends[moving] = (
            theta - np.linalg.solve(F + np.eye(2) / h[:, None, None], g[..., None])[..., 0]
        )
        spent[moving] += h
        apart = np.hypot(*np.moveaxis(fold(model, ends[moving])[:, None] - goals, -1, 0))
        moving = moving[(spent[moving] < LONG) & ~(apart < NEAR).any(axis=1)]
    return fold(model, ends.reshape(points.shape))


def flow_labels(
    model: Model, data: Data, minima: ArrayLike, points: ArrayLike, cell: float = 0.01
) -> np.ndarray:
    """The minimum that each of ``points`` (N, 2) flows to: its number in ``minima`` (K, 2), or -1.

    Points of one square of side ``cell`` share a label, that of the square's middle. A point that
    is not finite has -1, and so has one whose flow comes near no minimum within `LONG`.
    """
    minima, cell = _minima(minima), number("cell", cell, above=0)
    points = real_array("points", points, checked=False)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"points: expected shape (N, 2), got {points.shape}")
    labels = np.full(len(points), -1)
    finite = np.isfinite(points).all(axis=1)
    if not finite.any():
        return labels
    with np.errstate(over="ignore"):
        squares = np.round(fold(model, points[finite]) / cell) + 0.0  # no -0 beside a 0
    squares = representable("cell", squares)
    squares, which = np.unique(squares, axis=0, return_inverse=True)
    ends = flow_ends(model, data, squares * cell, minima)
    apart = np.hypot(*np.moveaxis(ends[:, None] - minima, -1, 0))
    if len(minima):
        near = np.where(apart.min(axis=1) < NEAR, apart.argmin(axis=1), -1)
        labels[finite] = near[which.ravel()]
    return labels


def watershed(grid: Grid, reach: int = 4) -> np.ndarray:
    """The grid's own basins, integers of shape (a, b): each node belongs to the lower node that it
    falls to most steeply, of those up to ``reach`` cells away; a node without one is the bottom of
    a basin. Numbered from the lowest bottom.

    With eight neighbours (reach 1) a way has eight directions, and where the slope turns slowly it
    drifts to one side, however fine the grid.
    """
    values, reach = _grid(grid).loss, count("reach", reach, least=1)
    a, b = values.shape
    walled = np.pad(values, reach, constant_values=np.inf)
    around = range(-reach, reach + 1)
    moves = [(i, j) for i in around for j in around if np.gcd(i, j) == 1]
    across, up = np.diff(grid.first).mean(), np.diff(grid.second).mean()
    steepest, down = np.zeros((a, b)), np.arange(a * b).reshape(a, b)
    here = down.copy()
    for i, j in moves:
        there = walled[reach + i : reach + i + a, reach + j : reach + j + b]
        slope = (values - there) / np.hypot(i * across, j * up)
        better = slope > steepest
        steepest[better] = slope[better]
        down[better] = here[better] + i * b + j
    down = down.ravel()
    while not np.array_equal(down, down[down]):
        down = down[down]
    bottoms = np.unique(down)
    ranks = np.empty(len(bottoms), dtype=int)
    ranks[np.argsort(values.ravel()[bottoms], kind="stable")] = np.arange(len(bottoms))
    return ranks[np.searchsorted(bottoms, down)].reshape(a, b)


def outcomes(labels: ArrayLike, ends: Ends, at_rest: float = AT_REST) -> np.ndarray:
    """What became of each run, an index into `OUTCOMES`, from the label of its end (number 0 is
    the good basin) and the length of the training gradient there."""
    length = _ends(ends).gradient_norm
    real_array("labels", labels)
    labels, at_rest = np.asarray(labels), number("at_rest", at_rest, above=0)
    if labels.shape != length.shape or labels.dtype.kind not in "iu":
        raise ValueError(
            f"labels: expected integers of shape {length.shape}, "
            f"got {labels.dtype} of shape {labels.shape}"
        )
    where = np.select([labels == 0, labels > 0], [GOOD, OTHER], OUTSIDE)
    return np.where(length < at_rest, where, MOVING)


def _ends(ends: Ends) -> Ends:
    """Ends of N runs, which may have been made by hand; what is lost is nan in all three fields."""
    instance("ends", ends, Ends, "Ends of a sweep")
    ends = Ends(*(real_array(f"ends.{k}", v, checked=False) for k, v in ends._asdict().items()))
    n = len(ends.theta) if ends.theta.ndim else 0
    if [v.shape for v in ends] != [(n, 2), (n,), (n,)]:
        raise ValueError(
            "ends: expected shapes (N, 2), (N,) and (N,), got "
            f"{ends.theta.shape}, {ends.loss.shape} and {ends.gradient_norm.shape}"
        )
    return ends


def wilson(hits: ArrayLike, runs: ArrayLike, z: float = 1.96) -> tuple[Array, Array]:
    """The ends of Wilson's interval for a share, from ``hits`` of ``runs`` (Wilson 1927)."""
    k, n, z = real_array("hits", hits), real_array("runs", runs), number("z", z, above=0)
    broadcast("hits", k.shape, "runs", n.shape)
    if not ((k >= 0) & (k <= n) & (n > 0)).all():
        raise ValueError(f"hits: expected 0 <= hits <= runs and runs > 0, got {hits} of {runs}")
    with np.errstate(over="ignore"):
        share, lean = k / n, z * (z / n)  # (n + z^2)/n is 1 + lean: no square that may not fit
        representable("z", lean)
    root = np.sqrt(share * ((n - k) / n) + lean / 4) * np.sqrt(lean)

    def lower(share: Array) -> Array:
        """The two ends times one another are share^2/(1 + lean): nothing cancels."""
        top = share + lean / 2 + root
        return share * (share / np.where(top > 0, top, 1.0))

    high = (share + lean / 2 + root) / (1 + lean)
    return lower(share), np.where(share > 0.5, 1 - lower((n - k) / n), high)


def alignment(step: ArrayLike, theta: ArrayLike, target: ArrayLike) -> Array:
    """The cosine between a step and the way from theta to a target, all of shape (..., 2); nan
    where one of them has no length."""
    step, theta, target = (
        vectors(name, value, 2)
        for name, value in (("step", step), ("theta", theta), ("target", target))
    )
    broadcast("target", target.shape, "theta", theta.shape)
    broadcast(
        "step", step.shape, "theta and target", np.broadcast_shapes(theta.shape, target.shape)
    )
    with np.errstate(invalid="ignore"):  # 0 / 0: nan, the cosine is not defined
        one, other = (
            v / np.abs(v).max(axis=-1, keepdims=True)  # a length of 1e300 has a direction, too
            for v in (step, target / 2 - theta / 2)
        )
    lengths = np.hypot(one[..., 0], one[..., 1]) * np.hypot(other[..., 0], other[..., 1])
    return (one * other).sum(axis=-1) / lengths


# -- inside ---------------------------------------------------------------------------------------


def _lower_than_neighbours(values: Array) -> np.ndarray:
    a, b = values.shape
    walled = np.pad(values, 1, constant_values=np.inf)
    around = [
        walled[1 + i : 1 + i + a, 1 + j : 1 + j + b]
        for i in (-1, 0, 1)
        for j in (-1, 0, 1)
        if i or j
    ]
    return values < np.min(around, axis=0)


def _hessian(model: Model, data: Data, point: Array, h: float = 1e-5) -> Array:
    """Central differences of the gradient, symmetric."""
    e = h * np.eye(2)
    H = (gradient(model, point + e, data) - gradient(model, point - e, data)) / (2 * h)
    return (H + H.T) / 2


def _axes(first: ArrayLike, second: ArrayLike) -> list[Array]:
    axes = []
    for name, values in (("first", first), ("second", second)):
        values = real_array(name, values)
        if values.ndim != 1 or len(values) < 3 or not (values[1:] > values[:-1]).all():
            raise ValueError(f"{name}: expected three increasing numbers or more, got {values}")
        with np.errstate(over="ignore"):
            representable(name, values[-1] - values[0])
        axes.append(values)
    return axes


def _grid(grid: Grid) -> Grid:
    """A grid, which may have been made by hand."""
    instance("grid", grid, Grid, "a Grid made by survey")
    first, second = _axes(grid.first, grid.second)
    values = real_array("grid.loss", grid.loss)
    if values.shape != (len(first), len(second)):
        raise ValueError(
            f"grid.loss: expected shape {(len(first), len(second))}, got {values.shape}"
        )
    return Grid(first, second, values)


def _minima(minima: ArrayLike) -> Array:
    """Points (K, 2); none may be given as an empty list."""
    minima = real_array("minima", minima)
    if minima.size and (minima.ndim != 2 or minima.shape[1] != 2):
        raise ValueError(f"minima: expected shape (K, 2), got {minima.shape}")
    return minima.reshape(-1, 2)
