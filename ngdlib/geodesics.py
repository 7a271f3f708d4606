"""Geodesics of the Fisher metric, for any model: the step that no chart can change.

The Levi-Civita connection is computed from `model.fisher` alone, by central differences of order
eight, so that each chart gets its own Christoffel symbols and agreement between charts is a result,
not an assumption.
"""

from __future__ import annotations

import numpy as np
from scipy.integrate import solve_ivp

_PATIENCE = 2000  # evaluations; a geodesic inside the model takes some hundred
# f'(x) ≈ Σ w_k f(x + kh) / h, exact for polynomials up to degree eight.
_STENCIL = np.array([1, 2, 3, 4, -1, -2, -3, -4])
_WEIGHTS = np.array([4 / 5, -1 / 5, 4 / 105, -1 / 280, -4 / 5, 1 / 5, -4 / 105, 1 / 280])


def christoffel(model, theta) -> np.ndarray:
    """Christoffel symbols ``[..., i, j, k]`` = Γ^i_jk of the Fisher metric at ``theta``.

    ``theta``: shape (..., d), inside the model. They are symmetric in j and k, and no tensor: under
    a change of chart they gain a term in the second derivatives of the change. Accurate to about
    1e-11 relative. Raises ValueError outside the model and where the Fisher matrix is singular.
    """
    theta = _inside(model, theta)
    F = model.fisher(theta)
    dF = _differences(model, theta, model.fisher)  # [..., j, k, l] = ∂_l F_jk
    # Γ_m,jk = ½ (∂_j F_mk + ∂_k F_mj − ∂_m F_jk), then the index m is raised.
    first = np.swapaxes(dF, -1, -2)  # [..., m, j, k] = ∂_j F_mk
    lowered = (first + dF - np.moveaxis(dF, -1, -3)) / 2
    d = model.dim
    return _solve(F, lowered.reshape(*F.shape[:-2], d, d * d)).reshape(lowered.shape)


def exponential(model, theta, velocity) -> np.ndarray:
    """The exponential map: where the geodesic through ``theta`` with this velocity is at time 1.

    ``theta``, ``velocity``: shape (..., d). Returns parameters, shape (..., d): the same
    distribution in every chart, provided that the velocities correspond. Its Fisher length from
    ``theta``, along the geodesic, is that of ``velocity``. Raises as `geodesic` does.
    """
    return geodesic(model, theta, velocity, [1.0])[0]


def geodesic(model, theta, velocity, times) -> np.ndarray:
    """Points of the geodesic θ̈^i = −Γ^i_jk θ̇^j θ̇^k at increasing non-negative ``times``.

    Returns shape (len(times), ..., d). Integrated at relative tolerance 1e-12. Raises ValueError
    outside the model, for times that do not increase, and where the geodesic reaches the edge of
    the model before the last of them.
    """
    theta = _inside(model, theta)
    velocity = np.asarray(velocity, dtype=float)
    if velocity.shape[-1:] != theta.shape[-1:] or not np.isfinite(velocity).all():
        raise ValueError(
            f"velocity: expected finite numbers of shape (..., {model.dim}), "
            f"got shape {velocity.shape}"
        )
    times = np.asarray(times, dtype=float)
    if times.ndim != 1 or times.size == 0 or times[0] < 0 or not (np.diff(times) > 0).all():
        raise ValueError(f"times: expected increasing non-negative numbers, got {times!r}")
    theta, velocity = np.broadcast_arrays(theta, velocity)
    shape = (2, *theta.shape)

    edge = ValueError(
        f"velocity: the geodesic comes to the edge of {model.name} before time {times[-1]:g}"
    )
    patience = iter(range(_PATIENCE))

    def acceleration(_, state):
        if next(patience, None) is None:
            raise edge
        point, speed = state.reshape(shape)
        if not np.all(model.in_domain(point)):  # a trial stage beyond the edge: shorten the step
            return np.full(state.shape, np.nan)
        bend = np.einsum("...ijk,...j,...k->...i", christoffel(model, point), speed, speed)
        return np.stack([speed, -bend]).ravel()

    start = np.stack([theta, velocity]).ravel()
    if times[-1] == 0:
        return theta[None].copy()
    with np.errstate(all="ignore"):
        path = solve_ivp(
            acceleration, (0, times[-1]), start, "DOP853", times, rtol=1e-12, atol=1e-13
        )
    if not path.success or not np.isfinite(path.y).all():
        raise edge
    return np.moveaxis(path.y, -1, 0).reshape(times.size, *shape)[:, 0]


def covariant_hessian(model, objective, theta) -> np.ndarray:
    """The Riemannian Hessian ∂_i ∂_j L − Γ^k_ij ∂_k L of the loss, shape (..., d, d).

    Unlike the matrix of second derivatives alone it is a tensor: it changes under a change of chart
    as the Fisher matrix does. ``objective``: anything with a ``gradient(theta)``. Raises ValueError
    outside the model and where the Fisher matrix is singular.
    """
    theta = _inside(model, theta)
    second = _differences(model, theta, objective.gradient)
    second = (second + np.swapaxes(second, -1, -2)) / 2
    return second - np.einsum(
        "...kij,...k->...ij", christoffel(model, theta), objective.gradient(theta)
    )


def _inside(model, theta) -> np.ndarray:
    theta = np.asarray(theta, dtype=float)
    if theta.shape[-1:] != (model.dim,) or not np.isfinite(theta).all():
        raise ValueError(
            f"theta: expected finite numbers of shape (..., {model.dim}), got shape {theta.shape}"
        )
    if not np.all(model.in_domain(theta)):
        raise ValueError(f"theta: expected points inside {model.name} ({model.chart}), got {theta}")
    return theta


def _differences(model, theta, f) -> np.ndarray:
    """∂f/∂θ, the derivative's index last."""
    diagonal = np.diagonal(model.fisher(theta), axis1=-2, axis2=-1)
    if not (diagonal > 0).all():
        raise ValueError("theta: the Fisher matrix is singular here, and has no connection")
    step = 0.002 / np.sqrt(diagonal)  # (..., d): a small Fisher length along each coordinate
    offsets = _STENCIL[:, None, None] * np.eye(model.dim)  # (8, d, d): multiple, along, coordinate
    while True:
        points = theta[..., None, None, :] + step[..., None, :, None] * offsets
        inside = model.in_domain(points).all(axis=-2)  # (..., d)
        if inside.all():
            break
        step = np.where(inside, step, step / 2)
    values = f(points)  # (..., 8, d, *shape of f)
    rank = values.ndim - theta.ndim - 1
    slopes = np.tensordot(_WEIGHTS, np.moveaxis(values, theta.ndim - 1, 0), axes=1)
    slopes = slopes / step.reshape(step.shape + (1,) * rank)  # (..., d, *shape of f)
    return np.moveaxis(slopes, theta.ndim - 1, -1)


def _solve(F, right) -> np.ndarray:
    if np.any(np.linalg.cond(F) > 1e13):
        raise ValueError("theta: the Fisher matrix is singular here, and has no connection")
    return np.linalg.solve(F, right)
