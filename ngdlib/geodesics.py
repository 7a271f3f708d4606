"""Geodesics of the Fisher metric, for any model: the step that no chart can change.

What the family has in closed form is taken from it; the rest comes from exact derivatives (its
Christoffel symbols) and, for geodesics, from the differential equation. Each chart has its own
symbols, so that agreement between charts is a result, not an assumption.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import solve_ivp

from ngdlib.families.base import Model, in_blocks, inside
from ngdlib.validate import (
    Array,
    broadcast,
    instance,
    metric,
    real_array,
    require,
    times_from_zero,
    vectors,
)

_PATIENCE = 4000  # evaluations; a geodesic inside the model takes some hundred
# f'(x) ≈ Σ w_k f(x + kh) / h, exact for polynomials up to degree eight; and up to degree six.
_MULTIPLES = np.array([1, 2, 3, 4, -1, -2, -3, -4])
_EIGHT = np.array([4 / 5, -1 / 5, 4 / 105, -1 / 280, -4 / 5, 1 / 5, -4 / 105, 1 / 280])
_SIX = np.array([3 / 4, -3 / 20, 1 / 60, 0, -3 / 4, 3 / 20, -1 / 60, 0])


def christoffel(model: Model, theta: ArrayLike) -> Array:
    """Christoffel symbols ``[..., i, j, k]`` = Γ^i_jk of the Fisher metric at ``theta``.

    ``theta``: shape (..., d), inside the model. They are symmetric in j and k, and no tensor: under
    a change of chart they gain a term in the second derivatives of the change. Exact to rounding,
    everywhere in the model, where the family has them in closed form; else from differences of
    the Fisher matrix, to 1e-7 or better. ValueError outside the model, where the Fisher matrix is
    singular, and where differences do not reach that accuracy.
    """
    instance("model", model, Model, "a model")
    return model.christoffel(theta) if model.has_connection else _from_metric(model, theta)


def _from_metric(model: Model, theta: ArrayLike) -> Array:
    """Γ_m,jk = ½ (∂_j F_mk + ∂_k F_mj − ∂_m F_jk), then the index m is raised."""
    theta, d = model._point("theta", theta), model.dim
    F = model.fisher(theta)
    C, scale = metric("theta", F)
    unit = (scale[..., :, None] * scale[..., None, :]).reshape(*theta.shape[:-1], d * d)

    def entries(points: Array) -> Array:
        return model.fisher(points).reshape(*points.shape[:-1], d * d)

    dF = _differences(model, theta, entries, unit, "fisher(theta)")
    dF = np.moveaxis(dF.reshape(*theta.shape, d, d), -3, -1)  # [..., j, k, l] = ∂_l F_jk
    lowered = (np.swapaxes(dF, -1, -2) + dF - np.moveaxis(dF, -1, -3)) / 2
    right = lowered.reshape(*theta.shape, d * d) / scale[..., None]
    return (np.linalg.solve(C, right) / scale[..., None]).reshape(lowered.shape)


def exponential(model: Model, theta: ArrayLike, velocity: ArrayLike) -> Array:
    """The exponential map: where the geodesic through ``theta`` with this velocity is at time 1.

    ``theta``, ``velocity``: shape (..., d). Returns parameters, shape (..., d): the same
    distribution in every chart, provided that the velocities correspond. Its Fisher length from
    ``theta``, along the geodesic, is that of ``velocity``. Raises as `geodesic` does.
    """
    return geodesic(model, theta, velocity, np.ones(1))[0]


def geodesic(model: Model, theta: ArrayLike, velocity: ArrayLike, times: ArrayLike) -> Array:
    """Points of the geodesic θ̈^i = −Γ^i_jk θ̇^j θ̇^k at increasing non-negative ``times``.

    Returns shape (len(times), ..., d). In closed form where the family has one; else integrated,
    each geodesic for itself, to an error of about 1e-10 of its own Fisher length. ValueError
    outside the model, for times that do not increase, and where a geodesic reaches the edge of the
    model before the last of them.
    """
    theta, velocity, times = _start(model, theta, velocity, times)
    if not model.has_geodesics:
        return integrated_geodesic(model, theta, velocity, times)
    t = times.reshape(-1, *[1] * (theta.ndim - 1))
    with np.errstate(all="ignore"):
        there = in_blocks(lambda *start: model._geodesic(*start, t), theta, velocity, axis=1)
    _within(inside(model, there), model, times)
    return there


def integrated_geodesic(
    model: Model, theta: ArrayLike, velocity: ArrayLike, times: ArrayLike
) -> Array:
    """`geodesic`, always by its differential equation: what a closed form is compared with.

    Arguments, result and errors as there. Error about 1e-10 of the Fisher length of the geodesic.
    """
    theta, velocity, times = _start(model, theta, velocity, times)
    path = np.empty((times.size, *theta.shape))
    for at in np.ndindex(theta.shape[:-1]):
        path[(slice(None), *at)] = _integrate(model, theta[at], velocity[at], times)
    return path


def _start(model, theta, velocity, times) -> tuple[Array, Array, Array]:
    instance("model", model, Model, "a model")
    theta = model._point("theta", theta)
    velocity = vectors("velocity", velocity, model.dim, copy=False)
    broadcast("velocity", velocity.shape[:-1], "theta", theta.shape[:-1])
    times = times_from_zero(times)
    if theta.shape != velocity.shape:
        theta, velocity = np.broadcast_arrays(theta, velocity)
    return theta, velocity, times


def _within(stays: np.ndarray, model: Model, times: Array) -> None:
    if not np.all(stays):
        raise ValueError(
            f"velocity: expected a geodesic that stays in the model; this one comes to the edge of "
            f"{model.name} before time {times[-1]:g}"
        )


def _integrate(model: Model, theta: Array, velocity: Array, times: Array) -> Array:
    """One geodesic, in units of its own Fisher length, so that errors are relative to it."""
    F = model.fisher(theta)
    C, scale = metric("theta", F)
    speed = np.sqrt(max((velocity * scale) @ C @ (velocity * scale), 0.0))
    if speed == 0 or times[-1] == 0:
        return np.broadcast_to(theta, (times.size, theta.size)).copy()
    unit = speed / scale
    patience = iter(range(_PATIENCE))

    def acceleration(_, state):
        shift, motion = state.reshape(2, -1)
        point = theta + shift * unit
        if next(patience, None) is None:
            _within(np.False_, model, times)
        if not inside(model, point):  # a trial stage beyond the edge: shorten the step
            return np.full(state.shape, np.nan)
        motion = motion * unit
        bend = np.einsum("ijk,j,k->i", christoffel(model, point), motion, motion)
        return np.concatenate([motion, -bend]) / np.tile(unit, 2)

    with np.errstate(all="ignore"):
        begin = np.concatenate([np.zeros(theta.size), velocity / unit])
        path = solve_ivp(
            acceleration, (0, times[-1]), begin, "DOP853", times, rtol=1e-13, atol=1e-13
        )
    _within(path.success and np.isfinite(path.y).all(), model, times)
    return theta + path.y[: theta.size].T * unit


def covariant_hessian(model: Model, objective, theta: ArrayLike) -> Array:
    """The Riemannian Hessian ∂_i ∂_j L − Γ^k_ij ∂_k L of the loss, shape (..., d, d).

    Unlike the matrix of second derivatives alone it is a tensor: it changes under a change of chart
    as the Fisher matrix does. ``objective``: an `Objective`, or anything with a
    ``gradient(theta)``. In closed form for `data_fit`; from its ``hessian`` where it has one; else
    from differences of the gradient, to 1e-7 relative or better. ValueError outside the model,
    where the Fisher matrix is singular, and where differences do not reach that accuracy.
    """
    instance("model", model, Model, "a model")
    theta = model._point("theta", theta)
    gradient = getattr(objective, "gradient", None)
    if not callable(gradient):
        raise ValueError(f"objective: expected one with a gradient(theta), got {objective!r}")
    closed = getattr(objective, "covariant_hessian", None)
    if closed is not None:
        return real_array("objective.covariant_hessian(theta)", closed(theta))
    g = vectors("objective.gradient(theta)", gradient(theta), model.dim)
    broadcast("objective.gradient(theta)", g.shape[:-1], "theta", theta.shape[:-1])
    theta, g = np.broadcast_arrays(theta, g)
    bend = np.einsum("...kij,...k->...ij", christoffel(model, theta), g)
    plain = getattr(objective, "hessian", None)
    if plain is not None:
        return real_array("objective.hessian(theta)", plain(theta)) - bend
    scale = np.sqrt(np.diagonal(model.fisher(theta), axis1=-2, axis2=-1))
    second = _differences(model, theta, gradient, scale, "objective.gradient(theta)")
    return (second + np.swapaxes(second, -1, -2)) / 2 - bend


def _differences(model: Model, theta: Array, f: Callable, unit: Array, name: str) -> Array:
    """∂f/∂θ, shape (..., d, m), for f (..., d) -> (..., m); ``unit`` makes its entries comparable.

    Central differences of order eight at shorter and shorter steps, each checked by order six.
    """
    d, m = model.dim, unit.shape[-1]
    scale = np.sqrt(np.diagonal(model.fisher(theta), axis1=-2, axis2=-1))
    require("theta", scale > 0, "a point where the Fisher matrix is not singular", theta)
    best, error = np.zeros((*theta.shape, m)), np.full(theta.shape[:-1], np.inf)
    # Steps of one coordinate at a time, of this Fisher length and shorter ones.
    for length in 0.01 * 4.0 ** -np.arange(16):
        step = length / scale
        offsets = _MULTIPLES.reshape(-1, *[1] * theta.ndim, 1) * step[..., None] * np.eye(d)
        points = np.moveaxis(theta[..., None, :] + offsets, -2, 1)  # (8, d, ..., d)
        fits = np.all(inside(model, points), axis=(0, 1))
        points = np.where(fits[..., None], points, theta)
        values = vectors(name, f(points), m)
        rows, rough = (
            np.moveaxis(np.tensordot(w, values, 1), 0, -2) / step[..., :, None]
            for w in (_EIGHT, _SIX)
        )
        each = scale[..., :, None] * unit[..., None, :]
        size = np.max(np.abs(rows) / each, axis=(-2, -1))
        size = np.where(size > 0, size, 1.0)
        rounding = 1e-15 / length * np.max(np.abs(f(theta)) / unit, axis=-1)
        noise = (np.max(np.abs(rows - rough) / each, axis=(-2, -1)) + rounding) / size
        better = fits & (noise < error)
        best = np.where(better[..., None, None], rows, best)
        error = np.where(better, noise, error)
        if np.all(error < 1e-11):
            break
    require("theta", error < 1e-7, f"a point where differences of {name} are good to 1e-7", theta)
    return best
