"""Divergences other than KL, from their definitions: by enumeration, or by quadrature on the line.

All take one pair of points of one model, each of shape (d,), and return a float; in nats where they
have a unit. Discrete models are summed exactly; for a Gaussian the integral is taken by adaptive
quadrature over twelve standard deviations beyond both means (relative error about 1e-10).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import quad

from ngdlib.families.base import Model, excess
from ngdlib.families.gaussian import Gaussian
from ngdlib.families.quadrature import support
from ngdlib.validate import Array


def jeffreys(model: Model, theta0: ArrayLike, theta1: ArrayLike) -> float:
    """KL(p0 || p1) + KL(p1 || p0), the plain symmetrisation (Jeffreys 1946)."""
    return float(model.kl(theta0, theta1) + model.kl(theta1, theta0))


def jensen_shannon(model: Model, theta0: ArrayLike, theta1: ArrayLike) -> float:
    """(KL(p0 || m) + KL(p1 || m))/2 with m = (p0 + p1)/2 (Lin 1991); at most log 2."""

    def term(p: Array, r: Array) -> Array:
        m = (p + r) / 2
        return (p * excess((m - p) / p) + r * excess((m - r) / r)) / 2

    return _over_outcomes(model, theta0, theta1, term)


def hellinger_squared(model: Model, theta0: ArrayLike, theta1: ArrayLike) -> float:
    """The integral of (sqrt(p0) - sqrt(p1))^2, the squared Hellinger distance; no factor ½."""
    return _over_outcomes(model, theta0, theta1, lambda p, r: ((p - r) / (p**0.5 + r**0.5)) ** 2)


def l2_squared(model: Model, theta0: ArrayLike, theta1: ArrayLike) -> float:
    """The integral of (p0 - p1)^2 over the outcomes; depends on how the outcomes are written."""
    return _over_outcomes(model, theta0, theta1, lambda p, r: (p - r) ** 2)


def _over_outcomes(
    model: Model, theta0: ArrayLike, theta1: ArrayLike, f: Callable[[Array, Array], Array]
) -> float:
    a, b = model._point("theta0", theta0), model._point("theta1", theta1)
    for name, point in (("theta0", a), ("theta1", b)):
        if point.ndim != 1:
            raise ValueError(f"{name}: expected one point, shape ({model.dim},), got {point.shape}")
    if not isinstance(model, Gaussian):
        x, p = support(model, a)
        return float(np.sum(f(p, np.exp(model.log_density(x, b)))))
    (mu0, s0), (mu1, s1) = model._to_base(a), model._to_base(b)
    low = min(mu0 - 12 * s0, mu1 - 12 * s1)
    high = max(mu0 + 12 * s0, mu1 + 12 * s1)

    def integrand(x: float) -> float:
        p, r = np.exp(model.log_density(x, a)), np.exp(model.log_density(x, b))
        return float(f(p, r)) if p > 0 and r > 0 else 0.0

    inner = sorted({mu0, mu1, mu0 - 2 * s0, mu0 + 2 * s0, mu1 - 2 * s1, mu1 + 2 * s1})
    value, _ = quad(integrand, low, high, points=inner, epsabs=0, epsrel=1e-11, limit=400)
    return value
