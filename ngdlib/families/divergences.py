"""Divergences between two members of a model, told apart. KL in both directions is `model.kl`.

All take points of shape (..., d), batches broadcast, and return shape (...); in nats where they
have a unit. Discrete models are summed exactly, Gaussians are in closed form but for Jensen-Shannon
(quadrature). All keep their relative accuracy for near points.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import quad

from ngdlib.families import stable
from ngdlib.families.base import Model
from ngdlib.families.discrete import Discrete
from ngdlib.families.gaussian import Gaussian
from ngdlib.validate import Array, instance


def kl(model: Model, theta0: ArrayLike, theta1: ArrayLike) -> Array:
    """KL(p0 || p1) = E_p0[log p0/p1]."""
    instance("model", model, Model, "a model")
    return model.kl(theta0, theta1)


def reverse_kl(model: Model, theta0: ArrayLike, theta1: ArrayLike) -> Array:
    """KL(p1 || p0)."""
    instance("model", model, Model, "a model")
    theta0, theta1 = model._pair(theta0, theta1)
    return model._kl(theta1, theta0)


def jeffreys(model: Model, theta0: ArrayLike, theta1: ArrayLike) -> Array:
    """KL(p0 || p1) + KL(p1 || p0), the plain symmetrisation (Jeffreys 1946)."""
    return kl(model, theta0, theta1) + reverse_kl(model, theta0, theta1)


def jensen_shannon(model: Model, theta0: ArrayLike, theta1: ArrayLike) -> Array:
    """(KL(p0 || m) + KL(p1 || m))/2 with m = (p0 + p1)/2 (Lin 1991); at most log 2."""
    theta0, theta1 = _members(model, theta0, theta1)
    if isinstance(model, Discrete):
        p0, p1 = model._to_base(theta0), model._to_base(theta1)
        half_ratio = model._log_ratios(theta0, theta1) / 2
        return np.sum((p0 + p1) / 2 * _entropy_gap(half_ratio), axis=-1)
    theta0, theta1 = np.broadcast_arrays(theta0, theta1)
    values = np.empty(theta0.shape[:-1])
    for at in np.ndindex(values.shape):
        values[at] = _gaussian_jensen_shannon(model, theta0[at], theta1[at])
    return values


def hellinger_squared(model: Model, theta0: ArrayLike, theta1: ArrayLike) -> Array:
    """The integral of (sqrt(p0) - sqrt(p1))^2, the squared Hellinger distance; no factor ½."""
    theta0, theta1 = _members(model, theta0, theta1)
    if isinstance(model, Discrete):
        p0, p1 = model._to_base(theta0), model._to_base(theta1)
        roots = stable.root_difference(p0, p1, model._log_ratios(theta0, theta1))
        return np.sum(roots**2, axis=-1)
    shift, ratio = model._differences(theta0, theta1)
    variances = np.exp(_log_variances(model, theta0, theta1))
    exponent = stable.log_cosh(ratio / 2) / 2 + shift**2 / (4 * variances.sum(axis=0))
    return -2 * np.expm1(-exponent)


def hellinger(model: Model, theta0: ArrayLike, theta1: ArrayLike) -> Array:
    """The Hellinger distance, the L2 distance of sqrt(p0) and sqrt(p1): at most sqrt(2)."""
    return np.sqrt(hellinger_squared(model, theta0, theta1))


def l2_squared(model: Model, theta0: ArrayLike, theta1: ArrayLike) -> Array:
    """The integral of (p0 - p1)^2 over the outcomes; depends on how the outcomes are written."""
    theta0, theta1 = _members(model, theta0, theta1)
    if isinstance(model, Discrete):
        p0, p1 = model._to_base(theta0), model._to_base(theta1)
        r = model._log_ratios(theta0, theta1)
        near = r < 1
        difference = np.where(near, p0 * np.expm1(np.where(near, r, 0.0)), p1 - p0)
        return np.sum(difference**2, axis=-1)
    # With sigma0, sigma1 = s e^(+-k): 1/sigma0 + 1/sigma1 - 2 sqrt(2)/sqrt(S) e^(-shift²/2S), as a
    # sum of terms that are not negative; S = sigma0² + sigma1² = 2 s² cosh 2k.
    shift, ratio = model._differences(theta0, theta1)
    log_variances = _log_variances(model, theta0, theta1)
    s, k = np.exp(log_variances.sum(axis=0) / 4), ratio / 4
    S = np.exp(log_variances).sum(axis=0)
    spread = 2 * np.sinh(k / 2) ** 2 - np.expm1(-stable.log_cosh(2 * k) / 2)
    apart = -np.expm1(-(shift**2) / (2 * S)) * np.exp(-stable.log_cosh(2 * k) / 2)
    return (spread + apart) / (s * np.sqrt(np.pi))


def l2(model: Model, theta0: ArrayLike, theta1: ArrayLike) -> Array:
    """The L2 distance of the densities; depends on how the outcomes are written."""
    return np.sqrt(l2_squared(model, theta0, theta1))


def _members(model: Model, theta0: ArrayLike, theta1: ArrayLike) -> tuple[Array, Array]:
    instance("model", model, Discrete | Gaussian, "a Bernoulli, Categorical or Gaussian model")
    return model._pair(theta0, theta1)


def _log_variances(model: Gaussian, theta0: Array, theta1: Array) -> Array:
    both = np.broadcast_arrays(theta0, theta1)
    return 2 * np.log([model._to_base(theta)[..., 1] for theta in both])


def _entropy_gap(x: Array) -> Array:
    """x tanh x - log cosh x: what one outcome adds to Jensen-Shannon, with x = log(p1/p0)/2."""
    small = np.abs(x) < 1
    near = np.where(small, x, 0.0)
    e = np.exp(-2 * np.abs(x))
    far = np.log(2) - 2 * np.abs(x) * e / (1 + e) - np.log1p(e)
    return np.where(small, near * np.tanh(near) - stable.log_cosh(near), far)


def _gaussian_jensen_shannon(model: Gaussian, theta0: Array, theta1: Array) -> float:
    """In units of the first member: x = mu0 + sigma0 u, over twelve standard deviations of each."""
    shift, ratio = model._differences(theta0, theta1)
    mean, scale = shift / model._to_base(theta0)[1], np.exp(-ratio / 2)

    def integrand(u: float) -> float:
        # log p1/p0 from the differences alone
        r = ratio / 2 - (np.expm1(ratio) * u**2 - (2 * u - mean) * mean * np.exp(ratio)) / 2
        p0, p1 = np.exp(-(u**2) / 2), np.exp(-(((u - mean) / scale) ** 2) / 2) / scale
        return float((p0 + p1) / 2 * _entropy_gap(r / 2))

    marks = sorted({c + k * s for c, s in ((0, 1), (mean, scale)) for k in (-12, -4, 0, 4, 12)})
    total = sum(
        quad(integrand, *ab, epsabs=0, epsrel=1e-11, limit=200)[0] for ab in pairwise(marks)
    )
    return total / np.sqrt(2 * np.pi)
