"""The Gaussian model on the real line, N(mu, sigma^2), in five charts. All closed forms in nats.

    chart            coordinates                       Fisher matrix
    mu, sigma        mu, sigma                         diag(1/sigma^2, 2/sigma^2)
    mu, sigma^2      mu, sigma^2                       diag(1/sigma^2, 1/(2 sigma^4))
    mu, log sigma    mu, log sigma                     diag(1/sigma^2, 2)
    natural          mu/sigma^2, -1/(2 sigma^2)        Cov of (x, x^2)
    expectation      mu, mu^2 + sigma^2                its inverse

In the coordinates (mu/sqrt(2), sigma) the Fisher metric is twice that of the hyperbolic half-plane
(Atkinson & Mitchell 1981): geodesics are vertical lines and half circles.
"""

from __future__ import annotations

import numpy as np

from ngdlib.families import stable
from ngdlib.families.base import Model
from ngdlib.validate import Array

LOG_2PI = float(np.log(2 * np.pi))

#: Points are refused unless |log sigma| is below this: sigma^4 and 1/sigma^4 must fit in float64.
LIMIT = 170.0


class Gaussian(Model):
    """N(mu, sigma^2), sigma > 0, with sufficient statistics (x, x^2).

    The expectation chart holds sigma^2 as a difference, and so to a relative accuracy of
    1e-16 (1 + mu^2/sigma^2) only.
    """

    family = "Gaussian"
    charts = ("mu, sigma", "mu, sigma^2", "mu, log sigma", "natural", "expectation")
    statistic_dim = 2

    @property
    def parameter_names(self) -> tuple[str, ...]:
        return {
            "mu, sigma": ("mu", "sigma"),
            "mu, sigma^2": ("mu", "sigma^2"),
            "mu, log sigma": ("mu", "log sigma"),
            "natural": ("eta1", "eta2"),
            "expectation": ("m1", "m2"),
        }[self.chart]

    def _inside(self, theta: Array) -> np.ndarray:
        b = theta[..., 1]
        if self.chart == "mu, log sigma":
            return np.abs(b) < LIMIT
        with np.errstate(all="ignore"):
            variance = {
                "mu, sigma": np.sign(b) * b**2,
                "mu, sigma^2": b,
                "natural": -1 / (2 * b),
                "expectation": b - theta[..., 0] ** 2,
            }[self.chart]
        return (variance > np.exp(-2 * LIMIT)) & (variance < np.exp(2 * LIMIT))

    def _domain(self) -> str:
        sign = {
            "natural": "eta2 < 0",
            "expectation": "m2 > m1^2",
            "mu, log sigma": "any log sigma",
            "mu, sigma^2": "sigma^2 > 0",
        }.get(self.chart, "sigma > 0")
        return f"{sign}, with sigma between e^-{LIMIT:g} and e^{LIMIT:g}"

    def _possible(self, x: Array) -> np.ndarray:
        return np.isfinite(x)

    def _outcomes(self) -> str:
        return "real numbers"

    def _attainable(self, mean: Array) -> np.ndarray:
        return mean[..., 1] >= mean[..., 0] ** 2 * (1 - 1e-12)

    def _means(self) -> str:
        return "means of (x, x^2), so mean[1] >= mean[0]^2"

    def _statistics(self, x: Array) -> Array:
        return np.stack([x, x**2], axis=-1)

    # The base chart is (mu, sigma).

    def _to_base(self, theta: Array) -> Array:
        a, b = theta[..., 0], theta[..., 1]
        if self.chart == "natural":
            mu, sigma = -a / (2 * b), np.sqrt(-1 / (2 * b))
        elif self.chart == "expectation":
            mu, sigma = a, np.sqrt(b - a**2)
        elif self.chart == "mu, log sigma":
            mu, sigma = a, np.exp(b)
        else:
            mu, sigma = a, b if self.chart == "mu, sigma" else np.sqrt(b)
        return np.stack([mu, sigma], axis=-1)

    def _from_base(self, base: Array) -> Array:
        mu, sigma = base[..., 0], base[..., 1]
        if self.chart == "natural":
            return np.stack([mu / sigma**2, -1 / (2 * sigma**2)], axis=-1)
        second = {
            "mu, sigma": lambda: sigma,
            "mu, sigma^2": lambda: sigma**2,
            "mu, log sigma": lambda: np.log(sigma),
            "expectation": lambda: mu**2 + sigma**2,
        }[self.chart]()
        return np.stack([mu, second], axis=-1)

    def _base_velocity(self, base: Array) -> Array:
        """d(mu, sigma)/dtheta, shape (..., 2, 2)."""
        mu, sigma = base[..., 0], base[..., 1]
        one, zero = np.ones_like(mu), np.zeros_like(mu)
        rows = {
            "mu, sigma": ((one, zero), (zero, one)),
            "mu, sigma^2": ((one, zero), (zero, 1 / (2 * sigma))),
            "mu, log sigma": ((one, zero), (zero, sigma)),
            "natural": ((sigma**2, 2 * mu * sigma**2), (zero, sigma**3)),
            "expectation": ((one, zero), (-mu / sigma, 1 / (2 * sigma))),
        }[self.chart]
        return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)

    def _log_density(self, x: Array, theta: Array) -> Array:
        base = self._to_base(theta)
        mu, sigma = base[..., 0], base[..., 1]
        return -(((x - mu) / sigma) ** 2) / 2 - np.log(sigma) - LOG_2PI / 2

    def _score(self, x: Array, theta: Array) -> Array:
        base = self._to_base(theta)
        u = (x - base[..., 0]) / base[..., 1]
        score = np.stack([u, u**2 - 1], axis=-1) / base[..., 1:]
        return np.einsum("...i,...ij->...j", score, self._base_velocity(base))

    def _fisher(self, theta: Array) -> Array:
        base = self._to_base(theta)
        B = self._base_velocity(base)
        weights = np.array([1.0, 2.0]) / base[..., 1:] ** 2
        return np.einsum("...ki,...k,...kj->...ij", B, weights, B)

    def _kl(self, theta0: Array, theta1: Array) -> Array:
        shift, ratio = self._differences(theta0, theta1)
        sigma = self._to_base(theta1)[..., 1]
        return (stable.exp_remainder(ratio) + (shift / sigma) ** 2) / 2

    def _differences(self, theta0: Array, theta1: Array) -> tuple[Array, Array]:
        """mu1 - mu0 and log(sigma0^2/sigma1^2), without cancellation for near points."""
        (a0, b0), (a1, b1) = np.moveaxis(theta0, -1, 0), np.moveaxis(theta1, -1, 0)
        shift = a1 - a0
        if self.chart == "mu, log sigma":
            return shift, 2 * (b0 - b1)
        if self.chart == "mu, sigma":
            return shift, 2 * stable.log_ratio(b1, b0, b0 - b1)
        if self.chart == "mu, sigma^2":
            return shift, stable.log_ratio(b1, b0, b0 - b1)
        if self.chart == "natural":
            mu0 = -a0 / (2 * b0)
            return -(shift + 2 * mu0 * (b1 - b0)) / (2 * b1), stable.log_ratio(-b0, -b1, b0 - b1)
        v0, v1 = b0 - a0**2, b1 - a1**2
        return shift, stable.log_ratio(v1, v0, (b0 - b1) + shift * (a0 + a1))

    def _sample(self, rng: np.random.Generator, theta: Array, n: int) -> np.ndarray:
        base = self._to_base(theta)
        return base[..., :1] + base[..., 1:] * rng.standard_normal((*theta.shape[:-1], n))

    def _cross_entropy(self, theta: Array, mean: Array) -> Array:
        base = self._to_base(theta)
        mu, sigma = base[..., 0], base[..., 1]
        spread = (mean[..., 1] - mean[..., 0] ** 2) + (mean[..., 0] - mu) ** 2
        return spread / (2 * sigma**2) + np.log(sigma) + LOG_2PI / 2

    def _cross_entropy_gradient(self, theta: Array, mean: Array) -> Array:
        base = self._to_base(theta)
        mu, sigma = base[..., 0], base[..., 1]
        spread = (mean[..., 1] - mean[..., 0] ** 2) + (mean[..., 0] - mu) ** 2
        gradient = np.stack(
            [(mu - mean[..., 0]) / sigma**2, (1 - spread / sigma**2) / sigma], axis=-1
        )
        return np.einsum("...i,...ij->...j", gradient, self._base_velocity(base))

    def _fisher_rao_distance(self, theta0: Array, theta1: Array) -> Array:
        shift, ratio = self._differences(theta0, theta1)
        middle = self._to_base(theta0)[..., 1] * self._to_base(theta1)[..., 1]
        half = np.hypot(shift / np.sqrt(8 * middle), np.sinh(ratio / 4))
        return 2 * np.sqrt(2) * np.arcsinh(half)

    def _geodesic(self, theta: Array, velocity: Array, t: Array) -> Array:
        base = self._to_base(theta)
        sigma = base[..., 1]
        a, b = np.moveaxis(
            np.einsum("...ij,...j->...i", self._base_velocity(base), velocity), -1, 0
        )
        a = a / np.sqrt(2)
        norm = np.hypot(a, b)
        scale = np.where(norm > 0, norm, 1.0)
        a, b = np.sign(t) * a / scale, np.sign(t) * b / scale  # a unit vector, for |t|
        s = np.abs(t) * norm / sigma
        # In the half-plane: y / (cosh s - b sinh s), with 1 - b = a²/(1 + b) where b is near 1.
        gap = np.where(b > 0, a**2 / (1 + np.abs(b)), 1 - b)
        fall = np.exp(-s) + gap * np.sinh(s)
        mu = base[..., 0] + np.sqrt(2) * sigma * a * np.sinh(s) / fall
        return self._from_base(np.stack([mu, sigma / fall], axis=-1))
