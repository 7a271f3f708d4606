"""Gaussian variational inference: the loss KL(q || posterior), and its natural step for q.

q is N(mean, variance), elementwise ("mean field"), or N(mean, covariance). The natural step in the
natural parameters has a closed form in mean and variance (Khan & Rue 2023): the precision moves
first, and the mean with the variance that is new.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ngdlib.descent import Objective
from ngdlib.families import Gaussian
from ngdlib.validate import (
    LENGTH,
    VARIANCE,
    Array,
    broadcast,
    instance,
    matrices,
    metric,
    number,
    real_array,
    representable,
    require,
    symmetric,
    vectors,
)


class Belief(NamedTuple):
    """Independent Gaussians: mean and variance of each, shape (..., d)."""

    mean: Array
    variance: Array


def posterior(prior: Belief, total: ArrayLike, count: ArrayLike, noise: ArrayLike) -> Belief:
    """What to believe of a location after measurements: exact, a Gaussian again.

    prior  mean and variance, each (...); total  the sum of the measurements, (...)
    count  how many they are, >= 0, (...); noise  the standard deviation of one, > 0, (...)
    """
    mean, variance = _belief(prior)
    total, count, noise = (
        real_array(name, value)
        for name, value in (("total", total), ("count", count), ("noise", noise))
    )
    require("count", count >= 0, "a number of measurements >= 0", count)
    require("noise", noise > 0, "a standard deviation > 0", noise)
    for name, value in (("total", total), ("count", count), ("noise", noise)):
        broadcast(name, value.shape, "prior", mean.shape)
    with np.errstate(all="ignore"):
        precision = 1 / variance + count / noise**2
        mean = (mean / variance + total / noise**2) / precision
    return _representable("noise", mean, precision)


def reverse_kl(model: Gaussian, target: ArrayLike) -> Objective:
    """The loss KL(q || N(m, s)) of a Gaussian q in the model's chart; its minimum is the target.

    target  (m, s), mean and standard deviation, shape (..., 2)
    """
    instance("model", model, Gaussian, "a Gaussian")
    base = Gaussian("mu, sigma")
    target = base._point("target", target)
    goal = base.change_to(model).forward(target)

    def gradient(theta: Array) -> Array:
        theta = model._point("theta", theta)
        shift, ratio = model._differences(theta, goal)  # m - mu, log sigma²/s²: no cancellation
        sigma, s = model._sigma(theta), target[..., 1]
        return model._pull(-shift / s**2, np.expm1(ratio) / sigma, theta)

    return Objective(lambda theta: model.kl(theta, goal), gradient)


def mean_field_gradients(q: Belief, m: ArrayLike, precision: ArrayLike) -> tuple[Array, Array]:
    """The gradients of KL(q || N(m, precision^-1)) by means and by variances, each (..., d).

    q  shape (..., d) each; m  shape (..., d); precision  shape (..., d, d), positive definite
    """
    mean, variance = _belief(q)
    P = matrices("precision", precision, mean.shape[-1] if mean.ndim else None)
    metric("precision", P)
    m = vectors("m", m, P.shape[-1])
    broadcast("m", m.shape[:-1], "q", mean.shape[:-1])
    with np.errstate(all="ignore"):
        g_mean = np.einsum("...ij,...j->...i", P, mean - m)
        g_variance = (np.diagonal(P, axis1=-2, axis2=-1) - 1 / variance) / 2
        return representable("m", g_mean), representable("q", g_variance)


def natural_step(q: Belief, g_mean: ArrayLike, g_variance: ArrayLike, eta: float) -> Belief:
    """A natural step of size ``eta`` > 0, taken in the natural parameters of each q_i.

    g_mean, g_variance  the gradients of the loss by mean and by variance, shape (..., d)
    ValueError where the new precision is not positive: there the step leaves the model.
    """
    mean, variance = _belief(q)
    g_mean, g_variance = real_array("g_mean", g_mean), real_array("g_variance", g_variance)
    for name, value in (("g_mean", g_mean), ("g_variance", g_variance)):
        broadcast(name, value.shape, "q", mean.shape)
    eta = number("eta", eta, above=0.0)
    with np.errstate(all="ignore"):
        precision = 1 / variance + 2 * eta * g_variance
        require("eta", precision > 0, "a step that ends at a precision > 0", precision)
        mean = mean - eta * g_mean / precision
    return _representable("eta", mean, precision)


def natural_step_full(
    mean: ArrayLike, covariance: ArrayLike, g_mean: ArrayLike, g_covariance: ArrayLike, eta: float
) -> tuple[Array, Array]:
    """The same for q = N(mean, covariance): the new mean (..., d) and covariance (..., d, d).

    g_covariance  shape (..., d, d), symmetric: the loss changes by tr(g_covariance dS)
    """
    S = matrices("covariance", covariance)
    d = S.shape[-1]
    mean, g = vectors("mean", mean, d), vectors("g_mean", g_mean, d)
    G, eta = matrices("g_covariance", g_covariance, d), number("eta", eta, above=0.0)
    for name, value in (("mean", mean), ("g_mean", g), ("g_covariance", G[..., 0])):
        broadcast(name, value.shape[:-1], "covariance", S.shape[:-2])
    symmetric("g_covariance", G, np.sqrt(np.abs(G).max(axis=-1)))
    with np.errstate(all="ignore"):
        precision = _inverse("covariance", S, VARIANCE) + 2 * eta * G
        S = _inverse("eta, the new precision", representable("eta", precision))
        mean = mean - eta * np.einsum("...ij,...j->...i", S, g)
        return representable("eta", mean), representable("eta", S)


def _inverse(name: str, matrix: Array, words: tuple[str, str] = LENGTH) -> Array:
    """The inverse of symmetric positive definite matrices, by Cholesky."""
    C, scale = metric(name, matrix, words=words)
    half = np.linalg.solve(np.linalg.cholesky(C), np.eye(matrix.shape[-1])) / scale[..., None, :]
    return np.swapaxes(half, -1, -2) @ half


def _representable(name: str, mean: Array, precision: Array) -> Belief:
    with np.errstate(all="ignore"):
        return Belief(representable(name, mean), representable(name, 1 / precision))


def _belief(q: Belief) -> tuple[Array, Array]:
    instance("q", q, Belief, "a Belief(mean, variance)")
    mean, variance = real_array("mean", q.mean), real_array("variance", q.variance)
    require("variance", variance > 0, "variances > 0", variance)
    broadcast("mean", mean.shape, "variance", variance.shape)
    return np.broadcast_arrays(mean, variance)
