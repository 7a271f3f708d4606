"""Expectations by enumeration and quadrature: the slow oracle beside every closed form."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real

import mpmath as mp
import numpy as np
from numpy.typing import ArrayLike

from ngdlib.families.base import Model
from ngdlib.families.discrete import Discrete
from ngdlib.families.gaussian import Gaussian
from ngdlib.validate import Array, count, instance, real_array

#: Nodes of the Gauss-Hermite rule: exact for polynomials of degree below 2 * 80.
NODES = 80


def support(model: Model, theta: ArrayLike) -> tuple[Array, Array]:
    """Outcomes and weights that give expectations under one member: sum(weights * f(outcomes)).

    All outcomes and their probabilities for a discrete model; Gauss-Hermite nodes for a Gaussian.
    theta  one point, shape (d,). ValueError for other families.
    """
    instance("model", model, Model, "a model")
    theta = model._point("theta", theta)
    if theta.ndim != 1:
        raise ValueError(f"theta: expected one point, shape ({model.dim},), got {theta.shape}")
    if isinstance(model, Discrete):
        x = np.arange(float(model.classes))
        return x, np.exp(model.log_density(x, theta))
    if isinstance(model, Gaussian):
        nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
        mu, sigma = model._to_base(theta)
        return mu + sigma * nodes, weights / np.sqrt(2 * np.pi)
    raise ValueError(f"model: expected Bernoulli, Categorical or Gaussian, got {model!r}")


def expectation(model: Model, theta: ArrayLike, f: Callable[[Array], Array]) -> Array:
    """E f(x) under one member. ``f``: outcomes (n,) -> values (n, ...); returns shape (...)."""
    x, weights = support(model, theta)
    instance("f", f, Callable, "a function")
    values = real_array("f(x)", f(x))
    if values.shape[:1] != x.shape:
        raise ValueError(f"f(x): expected shape ({len(x)}, ...), got shape {values.shape}")
    return np.tensordot(weights, values, axes=(0, 0))


def fisher(model: Model, theta: ArrayLike) -> Array:
    """The Fisher matrix from its definition, E[s s^T], shape (d, d)."""
    instance("model", model, Model, "a model")

    def outer(x: Array) -> Array:
        s = model.score(x, theta)
        return s[:, :, None] * s[:, None, :]

    return expectation(model, theta, outer)


def integral(f: Callable, *edges: float, digits: int = 30) -> float:
    """The integral of a scalar function over consecutive intervals, by mpmath at ``digits``.

    ``f`` takes and returns mpmath numbers; at least two edges, infinite ones allowed.
    """
    instance("f", f, Callable, "a function")
    count("digits", digits, least=1)
    if len(edges) < 2 or not all(isinstance(e, Real | mp.mpf) and not mp.isnan(e) for e in edges):
        raise ValueError(f"edges: expected two real numbers or more, got {edges}")
    with mp.workdps(digits):
        try:
            edges = [e if isinstance(e, int | float | mp.mpf) else float(e) for e in edges]
            return float(mp.quad(f, [mp.mpf(edge) for edge in edges]))
        except TypeError:
            raise ValueError("f: expected a function of mpmath numbers with real values") from None
