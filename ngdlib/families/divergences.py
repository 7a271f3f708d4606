"""Divergences between two members of a model, told apart. KL in both directions is `model.kl`.

All take points of shape (..., d), batches broadcast, and return shape (...); in nats where they
have a unit. Discrete models are summed exactly, Gaussians are in closed form but for Jensen-Shannon
(quadrature). All keep their relative accuracy for near points.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ngdlib.families import stable
from ngdlib.families.base import Model
from ngdlib.families.discrete import Discrete
from ngdlib.families.gaussian import Gaussian
from ngdlib.validate import Array, instance, representable

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(40)
_NODES, _WEIGHTS = (_NODES + 1) / 2, _WEIGHTS / 2  # on (0, 1)


def kl(model: Model, theta0: ArrayLike, theta1: ArrayLike) -> Array:
    """KL(p0 || p1) = E_p0[log p0/p1]."""
    instance("model", model, Model, "a model")
    return model.kl(theta0, theta1)


def reverse_kl(model: Model, theta0: ArrayLike, theta1: ArrayLike) -> Array:
    """KL(p1 || p0)."""
    instance("model", model, Model, "a model")
    theta0, theta1 = model._pair(theta0, theta1)
    return model._computed("theta1", model._kl, theta1, theta0)


def jeffreys(model: Model, theta0: ArrayLike, theta1: ArrayLike) -> Array:
    """KL(p0 || p1) + KL(p1 || p0), the plain symmetrisation (Jeffreys 1946)."""
    both = kl(model, theta0, theta1) + reverse_kl(model, theta0, theta1)
    return representable("theta1", both)


def jensen_shannon(model: Model, theta0: ArrayLike, theta1: ArrayLike) -> Array:
    """(KL(p0 || m) + KL(p1 || m))/2 with m = (p0 + p1)/2 (Lin 1991); at most log 2."""
    theta0, theta1 = _members(model, theta0, theta1)
    if isinstance(model, Discrete):
        p0, p1 = model._to_base(theta0), model._to_base(theta1)
        half_ratio = model._log_ratios(theta0, theta1) / 2
        return np.sum((p0 + p1) / 2 * _entropy_gap(half_ratio), axis=-1)
    theta0, theta1 = np.broadcast_arrays(theta0, theta1)
    flat0, flat1 = theta0.reshape(-1, 2), theta1.reshape(-1, 2)
    values = np.empty(len(flat0))
    for k in range(0, len(flat0), 512):
        part = slice(k, k + 512)
        with np.errstate(all="ignore"):
            values[part] = _gaussian_jensen_shannon(model, flat0[part], flat1[part])
    return values.reshape(theta0.shape[:-1])


def hellinger_squared(model: Model, theta0: ArrayLike, theta1: ArrayLike) -> Array:
    """The integral of (sqrt(p0) - sqrt(p1))^2, the squared Hellinger distance; no factor ½."""
    theta0, theta1 = _members(model, theta0, theta1)
    if isinstance(model, Discrete):
        return np.sum(model._root_differences(theta0, theta1) ** 2, axis=-1)
    with np.errstate(all="ignore"):
        shift, ratio = model._differences(theta0, theta1)
        variances = np.exp(_log_variances(model, theta0, theta1))
        apart = shift / np.sqrt(variances.sum(axis=0))  # the square of a shift may underflow
        exponent = stable.log_cosh(ratio / 2) / 2 + apart**2 / 4
        return representable("theta1", -2 * np.expm1(-exponent))


def hellinger(model: Model, theta0: ArrayLike, theta1: ArrayLike) -> Array:
    """The Hellinger distance, the L2 distance of sqrt(p0) and sqrt(p1): at most sqrt(2)."""
    theta0, theta1 = _members(model, theta0, theta1)
    if isinstance(model, Discrete):
        return stable.chord(model._root_differences(theta0, theta1))
    return np.sqrt(hellinger_squared(model, theta0, theta1))


def l2_squared(model: Model, theta0: ArrayLike, theta1: ArrayLike) -> Array:
    """The integral of (p0 - p1)^2 over the outcomes; depends on how the outcomes are written."""
    theta0, theta1 = _members(model, theta0, theta1)
    if isinstance(model, Discrete):
        return np.sum(_changes(model, theta0, theta1) ** 2, axis=-1)
    # With sigma0, sigma1 = s e^(+-k): 1/sigma0 + 1/sigma1 - 2 sqrt(2)/sqrt(S) e^(-shift²/2S), as a
    # sum of terms that are not negative; S = sigma0² + sigma1² = 2 s² cosh 2k.
    with np.errstate(all="ignore"):
        return representable("theta1", _gaussian_l2_squared(model, theta0, theta1))


def l2(model: Model, theta0: ArrayLike, theta1: ArrayLike) -> Array:
    """The L2 distance of the densities; depends on how the outcomes are written."""
    theta0, theta1 = _members(model, theta0, theta1)
    if isinstance(model, Discrete):
        return stable.norm(_changes(model, theta0, theta1))
    return np.sqrt(l2_squared(model, theta0, theta1))


def _changes(model: Discrete, theta0: Array, theta1: Array) -> Array:
    """p1 - p0 of all outcomes, without cancellation for near points."""
    p0, p1 = model._to_base(theta0), model._to_base(theta1)
    r = model._log_ratios(theta0, theta1)
    near = r < 1
    return np.where(near, p0 * np.expm1(np.where(near, r, 0.0)), p1 - p0)


def _gaussian_l2_squared(model: Gaussian, theta0: Array, theta1: Array) -> Array:
    shift, ratio = model._differences(theta0, theta1)
    log_variances = _log_variances(model, theta0, theta1)
    s, k = np.exp(log_variances.sum(axis=0) / 4), ratio / 4
    S = np.exp(log_variances).sum(axis=0)
    spread = 2 * np.sinh(k / 2) ** 2 - np.expm1(-stable.log_cosh(2 * k) / 2)
    apart = -np.expm1(-((shift / np.sqrt(S)) ** 2) / 2) * np.exp(-stable.log_cosh(2 * k) / 2)
    return (spread + apart) / (s * np.sqrt(np.pi))


def _members(model: Model, theta0: ArrayLike, theta1: ArrayLike) -> tuple[Array, Array]:
    instance("model", model, Discrete | Gaussian, "a Bernoulli, Categorical or Gaussian model")
    return model._pair(theta0, theta1)


def _log_variances(model: Gaussian, theta0: Array, theta1: Array) -> Array:
    both = np.broadcast_arrays(theta0, theta1)
    return np.array([2 * model._log_sigma(theta) for theta in both])


def _entropy_gap(x: Array) -> Array:
    """x tanh x - log cosh x: what one outcome adds to Jensen-Shannon, with x = log(p1/p0)/2."""
    small = np.abs(x) < 1
    near = np.where(small, x, 0.0)
    e = np.exp(-2 * np.abs(x))
    far = np.log(2) - 2 * np.abs(x) * e / (1 + e) - np.log1p(e)
    return np.where(small, near * np.tanh(near) - stable.log_cosh(near), far)


def _gaussian_jensen_shannon(model: Gaussian, theta0: Array, theta1: Array) -> Array:
    """The mean, over both members, of what an outcome adds: each in units of its own member.

    What it adds is between 0 and log 2, so neither mean is above log 2, however far apart they are.
    """
    shift, ratio = model._differences(theta0, theta1)
    one = _mean_gap(shift / model._sigma(theta0), ratio)
    other = _mean_gap(-shift / model._sigma(theta1), -ratio)
    return np.minimum((one + other) / 2, np.log(2))


def _mean_gap(mean: Array, ratio: Array) -> Array:
    """E of `_entropy_gap` under N(0, 1), beside a Gaussian of that mean and variance e^-ratio.

    Shape (n,). Where the two densities cross, the gap dips from log 2 to 0; the pieces of the
    Gauss rule are as fine there as the dips are narrow.
    """
    ratio, far = np.clip(ratio, -690, 690), np.sqrt(np.finfo(float).max) / 1e10
    mean = np.clip(mean, -far, far)
    scale, rest = np.exp(-ratio / 2), -np.expm1(-ratio)
    D = np.hypot(mean, np.sqrt(rest * ratio))  # the slope of log p1/p0 at a crossing is D/scale
    width = scale / np.where(D > 0, D, 1.0)
    marks = [np.broadcast_to(np.linspace(-12, 12, 17), (len(mean), 17))]
    for sign in (-1, 1):
        top, bottom = mean + sign * scale * D, mean - sign * scale * D
        other = (mean * mean - ratio * scale**2) / np.where(bottom != 0, bottom, 1.0)
        root = np.where(np.abs(top) > np.abs(bottom), top / np.where(rest != 0, rest, 1.0), other)
        offsets = np.array([-40, -8, -2, 0, 2, 8, 40])
        marks.append(np.clip(root[:, None] + width[:, None] * offsets, -12, 12))
    edges = np.sort(np.nan_to_num(np.concatenate(marks, axis=-1)), axis=-1)
    u = edges[:, :-1, None] + np.diff(edges)[..., None] * _NODES
    m, r = mean[:, None, None], ratio[:, None, None]
    with np.errstate(all="ignore"):
        near = r / 2 - (np.expm1(r) * u**2 - (2 * u - m) * m * np.exp(r)) / 2
        log_ratio = np.where(np.abs(r) < 1, near, (r + u**2 - ((u - m) * np.exp(r / 2)) ** 2) / 2)
        values = np.exp(-(u**2) / 2) * _entropy_gap(np.clip(log_ratio / 2, -1e9, 1e9))
    return ((values @ _WEIGHTS) * np.diff(edges)).sum(axis=-1) / np.sqrt(2 * np.pi)
