"""The Gaussian model on the real line, N(mu, sigma^2), in five charts. All closed forms in nats.

chart            coordinates                       Fisher matrix
mu, sigma        mu, sigma                         diag(1/sigma^2, 2/sigma^2)
mu, sigma^2      mu, sigma^2                       diag(1/sigma^2, 1/(2 sigma^4))
mu, log sigma    mu, log sigma                     diag(1/sigma^2, 2)
natural          mu/sigma^2, -1/(2 sigma^2)        Cov of (x, x^2)
expectation      mu, mu^2 + sigma^2                its inverse
"""

from __future__ import annotations

import numpy as np

from ngdlib.families.base import Model, excess
from ngdlib.validate import Array

LOG_2PI = float(np.log(2 * np.pi))


class Gaussian(Model):
    """N(mu, sigma^2), sigma > 0, with sufficient statistics (x, x^2)."""

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

    def fisher_rao_distance(self, theta0, theta1) -> Array:
        """The geodesic distance: sqrt(2) times the hyperbolic one of the points (mu/sqrt(2), sigma).

        (Atkinson & Mitchell 1981.) sigma and distance in their own units; shape (...).
        """
        a = self._to_base(self._point("theta0", theta0))
        b = self._to_base(self._point("theta1", theta1))
        square = (b[..., 0] - a[..., 0]) ** 2 / 2 + (b[..., 1] - a[..., 1]) ** 2
        half = np.sqrt(square / (4 * a[..., 1] * b[..., 1]))
        return np.sqrt(2) * 2 * np.arcsinh(half)

    # The base chart is (mu, sigma).

    def _to_base(self, theta: Array) -> Array:
        a, b = theta[..., 0], theta[..., 1]
        if self.chart == "natural":
            return np.stack([-a / (2 * b), np.sqrt(-1 / (2 * b))], axis=-1)
        if self.chart == "expectation":
            return np.stack([a, np.sqrt(b - a**2)], axis=-1)
        sigma = {"mu, sigma": b, "mu, sigma^2": np.sqrt(np.abs(b)), "mu, log sigma": None}[
            self.chart
        ]
        return np.stack([a, np.exp(b) if sigma is None else sigma], axis=-1)

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

    def _inside(self, theta: Array) -> np.ndarray:
        a, b = theta[..., 0], theta[..., 1]
        if self.chart == "natural":
            return b < 0
        if self.chart == "expectation":
            return b > a**2
        if self.chart == "mu, log sigma":  # beyond, sigma^2 is no longer a normal float
            return np.abs(b) < 340
        return b > 0

    def _domain(self) -> str:
        return {
            "natural": "eta2 < 0",
            "expectation": "m2 > m1^2",
            "mu, log sigma": "|log sigma| < 340",
        }.get(self.chart, "sigma > 0")

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
        a, b = self._to_base(theta0), self._to_base(theta1)
        ratio = (a[..., 1] - b[..., 1]) * (a[..., 1] + b[..., 1]) / b[..., 1] ** 2
        return (excess(ratio) + ((a[..., 0] - b[..., 0]) / b[..., 1]) ** 2) / 2

    def _sample(self, rng: np.random.Generator, theta: Array, n: int) -> Array:
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
