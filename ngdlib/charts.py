"""Coordinates: a change of chart, and how gradients, velocities and metrics change with it.

Throughout, T is the Jacobian of the new coordinates in the old, T[..., i, j] = dphi_i / dtheta_j,
shape (..., d, d). A gradient is a covector: its components are per unit of coordinate. A velocity
is a vector: its components are in units of coordinate. They change in opposite ways, and a metric,
which turns one into the other, changes twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ngdlib.validate import (
    Array,
    broadcast,
    count,
    instance,
    invertible,
    matrices,
    representable,
    require,
    vectors,
)


@dataclass(frozen=True)
class ChangeOfChart:
    """A change of coordinates phi = forward(theta) with its inverse and its Jacobian.

    source, target  names of the two charts
    dim             number of coordinates d
    forward, inverse  maps of arrays of shape (..., d); ValueError outside their domain
    jacobian        theta -> T = dphi/dtheta, shape (..., d, d)
    """

    source: str
    target: str
    dim: int
    forward: Callable[[ArrayLike], Array]
    inverse: Callable[[ArrayLike], Array]
    jacobian: Callable[[ArrayLike], Array]

    def __post_init__(self) -> None:
        count("dim", self.dim, least=1)
        for name in ("source", "target"):
            instance(name, getattr(self, name), str, "the name of a chart")
        for name in ("forward", "inverse", "jacobian"):
            instance(name, getattr(self, name), Callable, "a function")

    def __call__(self, theta: ArrayLike) -> Array:
        return self.forward(vectors("theta", theta, self.dim))

    def inverted(self) -> ChangeOfChart:
        """The change back, from `target` to `source`."""

        def jacobian(phi: ArrayLike) -> Array:
            T = regular(self.jacobian(self.inverse(phi)))
            return np.linalg.solve(T, np.broadcast_to(np.eye(self.dim), T.shape))

        return ChangeOfChart(
            self.target, self.source, self.dim, self.inverse, self.forward, jacobian
        )

    def then(self, other: ChangeOfChart) -> ChangeOfChart:
        """First this change, then ``other``, which must start where this one ends."""
        instance("other", other, ChangeOfChart, "a ChangeOfChart")
        if other.source != self.target or other.dim != self.dim:
            raise ValueError(
                f"other: expected a change from {self.target!r} in {self.dim} coordinates, got one "
                f"from {other.source!r} in {other.dim}"
            )
        return ChangeOfChart(
            self.source,
            other.target,
            self.dim,
            lambda theta: other.forward(self.forward(theta)),
            lambda psi: self.inverse(other.inverse(psi)),
            lambda theta: other.jacobian(self.forward(theta)) @ self.jacobian(theta),
        )


def affine(matrix: ArrayLike, offset: ArrayLike, source: str, target: str) -> ChangeOfChart:
    """The change phi = matrix @ theta + offset; matrix shape (d, d), offset shape (d,)."""
    T = regular(matrices("matrix", matrix))
    if T.ndim != 2:
        raise ValueError(f"matrix: expected shape (d, d), got shape {T.shape}")
    c = vectors("offset", offset, len(T))
    if c.ndim != 1:
        raise ValueError(f"offset: expected shape ({len(T)},), got shape {c.shape}")
    c = c.copy()

    def jacobian(theta: ArrayLike) -> Array:
        return np.broadcast_to(T, (*vectors("theta", theta, len(T)).shape[:-1], *T.shape)).copy()

    return ChangeOfChart(
        source,
        target,
        len(T),
        lambda theta: vectors("theta", theta, len(T)) @ T.T + c,
        lambda phi: np.linalg.solve(T, (vectors("phi", phi, len(T)) - c)[..., None])[..., 0],
        jacobian,
    )


def pull_back_gradient(g_phi: ArrayLike, T: ArrayLike) -> Array:
    """The gradient in theta of a function with gradient ``g_phi`` in phi: T^T g_phi."""
    g, T = _with_jacobian("g_phi", g_phi, T)
    return representable("g_phi", np.einsum("...ij,...i->...j", T, g))


def push_forward_gradient(g_theta: ArrayLike, T: ArrayLike) -> Array:
    """The gradient in phi of a function with gradient ``g_theta`` in theta: T^-T g_theta."""
    g, T = _with_jacobian("g_theta", g_theta, T)
    return representable("g_theta", np.linalg.solve(np.swapaxes(T, -1, -2), g[..., None])[..., 0])


def push_forward_velocity(v_theta: ArrayLike, T: ArrayLike) -> Array:
    """The velocity in phi of a motion with velocity ``v_theta`` in theta: T v_theta."""
    v, T = _with_jacobian("v_theta", v_theta, T)
    return representable("v_theta", np.einsum("...ij,...j->...i", T, v))


def pull_back_velocity(v_phi: ArrayLike, T: ArrayLike) -> Array:
    """The velocity in theta of a motion with velocity ``v_phi`` in phi: T^-1 v_phi."""
    v, T = _with_jacobian("v_phi", v_phi, T)
    return representable("v_phi", np.linalg.solve(T, v[..., None])[..., 0])


def transform_metric(F_theta: ArrayLike, T: ArrayLike) -> Array:
    """The metric in phi of one with matrix ``F_theta`` in theta: T^-T F_theta T^-1."""
    T = regular(T)
    F, T = np.broadcast_arrays(_metric("F_theta", F_theta, T), T)
    transposed = np.swapaxes(T, -1, -2)
    with np.errstate(all="ignore"):  # solved from the left, then from the right
        half = np.swapaxes(np.linalg.solve(transposed, F), -1, -2)
        return representable("F_theta", np.swapaxes(np.linalg.solve(transposed, half), -1, -2))


def pull_back_metric(F_phi: ArrayLike, T: ArrayLike) -> Array:
    """The metric in theta of one with matrix ``F_phi`` in phi: T^T F_phi T."""
    T = regular(T)
    F = _metric("F_phi", F_phi, T)
    with np.errstate(all="ignore"):
        return representable("F_phi", np.swapaxes(T, -1, -2) @ F @ T)


def regular(T: ArrayLike) -> Array:
    """``T`` as checked Jacobians, shape (..., d, d); ValueError where one is singular."""
    T = matrices("T", T)
    require("T", invertible(T), "an invertible Jacobian (elsewhere phi is no chart)", T)
    return T.copy()


def _with_jacobian(name: str, vector: ArrayLike, T: ArrayLike) -> tuple[Array, Array]:
    T = regular(T)
    vector = vectors(name, vector, T.shape[-1])
    broadcast(name, vector.shape[:-1], "T", T.shape[:-2])
    return vector, T


def _metric(name: str, F: ArrayLike, T: Array) -> Array:
    F = matrices(name, F, T.shape[-1])
    broadcast(name, F.shape[:-2], "T", T.shape[:-2])
    return F
