"""The Poisson model, a counter, in three charts. All closed forms in nats.

With r the rate, the mean number of events:

    chart      r            dr/dtheta     score            Fisher    Gamma
    rate       theta        1             (y - r)/r        1/r       -1/(2r)
    root       theta^2      2 sqrt(r)     2(y - r)/sqrt(r) 4         0
    log-rate   exp(theta)   r             y - r            r         1/2
"""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln

from ngdlib.families import stable
from ngdlib.families.base import Model
from ngdlib.families.gaussian import LOG_2PI
from ngdlib.validate import Array, require

#: Rates from 1/LARGEST to LARGEST: beyond, a square no longer fits in float64.
LARGEST = 1e150
#: From this count on, Stirling's series gives log y! to its last digit.
MANY = 16.0
_STIRLING = 1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188  # over y, y^3, y^5, ...


class Poisson(Model):
    """Counts 0, 1, 2, ... Charts "rate" (0, inf), "root" (0, inf), "log-rate" (all reals).

    The sufficient statistic is the count itself, and the rate is its mean. The root is half the
    Fisher length from the rate 0: in it every geodesic is straight.
    """

    family = "Poisson"
    charts = ("rate", "root", "log-rate")
    dim = statistic_dim = 1
    has_geodesics = has_connection = fisher_fits = True

    @property
    def parameter_names(self) -> tuple[str, ...]:
        return ({"rate": "r", "root": "s", "log-rate": "l"}[self.chart],)

    def _range(self) -> tuple[float, float]:
        if self.chart == "log-rate":
            return -float(np.log(LARGEST)), float(np.log(LARGEST))
        most = LARGEST if self.chart == "rate" else float(np.sqrt(LARGEST))
        return 1 / most, most

    def _domain(self) -> str:
        return f"a rate from {1 / LARGEST:g} to {LARGEST:g}"

    def _attainable(self, mean: Array) -> np.ndarray:
        return (mean[..., 0] >= 0) & (mean[..., 0] <= LARGEST)

    def _means(self) -> str:
        return f"a mean of counts, from 0 to {LARGEST:g}"

    def _possible(self, x: Array) -> np.ndarray:
        return (x >= 0) & (x == np.floor(x))

    def _outcomes(self) -> str:
        return "counts 0, 1, 2, ..."

    def _statistics(self, x: Array) -> Array:
        return x[..., None]

    def _to_base(self, theta: Array) -> Array:
        if self.chart == "rate":
            return theta.copy()
        return theta * theta if self.chart == "root" else np.exp(theta)

    def _from_base(self, base: Array) -> Array:
        if self.chart == "rate":
            return base.copy()
        return np.sqrt(base) if self.chart == "root" else np.log(base)

    def _carry(self, theta: Array, target: Poisson) -> Array:
        ways = self.chart, target.chart
        if ways == ("root", "log-rate"):
            return 2 * np.log(theta)
        if ways == ("log-rate", "root"):
            return np.exp(theta / 2)
        return target._from_base(self._to_base(theta))

    def _slope(self, theta: Array) -> Array:
        """dr/dtheta, shape (..., 1)."""
        if self.chart == "rate":
            return np.ones_like(theta)
        return 2 * theta if self.chart == "root" else np.exp(theta)

    def _jacobian(self, theta: Array, target: Poisson) -> Array:
        there = target._slope(self._carry(theta, target))
        return (self._slope(theta) / there)[..., None]

    def _log_density(self, x: Array, theta: Array) -> Array:
        """y log r - r - log y!; of a large count the three cancel, and what is left is the KL
        divergence from the rate y, and the rest of Stirling's series (Loader 2000)."""
        r = self._to_base(theta)[..., 0]
        logs = self.chart == "log-rate"
        many = x >= MANY
        few, n = np.where(many, 0.0, x), np.where(many, x, MANY)
        plain = few * (theta[..., 0] if logs else np.log(r)) - r - gammaln(few + 1)
        u = theta[..., 0] - np.log(n) if logs else stable.log_ratio(n, r, r - n)
        rest = np.polynomial.polynomial.polyval((1 / n) ** 2, _STIRLING) / n
        return np.where(many, -_kl(n, r, u) - (np.log(n) + LOG_2PI) / 2 - rest, plain)

    def _score(self, x: Array, theta: Array) -> Array:
        return -self._cross_entropy_gradient(theta, x[..., None])

    def _fisher(self, theta: Array) -> Array:
        if self.chart == "root":
            return np.full((*theta.shape, 1), 4.0)
        return (1 / theta if self.chart == "rate" else np.exp(theta))[..., None]

    def _christoffel(self, theta: Array) -> Array:
        if self.chart == "rate":
            return (-0.5 / theta)[..., None, None]
        return np.full((*theta.shape, 1, 1), 0.0 if self.chart == "root" else 0.5)

    def _log_step(self, theta0: Array, theta1: Array) -> Array:
        """log(r1/r0), shape (...), without cancellation for near points."""
        t0, t1 = theta0[..., 0], theta1[..., 0]
        if self.chart == "log-rate":
            return t1 - t0
        near = np.abs(t1 - t0) < 0.5 * t0
        step = np.where(
            near, np.log1p(np.where(near, (t1 - t0) / t0, 0.0)), np.log(t1) - np.log(t0)
        )
        return 2 * step if self.chart == "root" else step

    def _kl(self, theta0: Array, theta1: Array) -> Array:
        r0, r1 = self._to_base(theta0)[..., 0], self._to_base(theta1)[..., 0]
        return _kl(r0, r1, self._log_step(theta0, theta1))

    def _sample(self, rng: np.random.Generator, theta: Array, n: int) -> np.ndarray:
        r = self._to_base(theta)
        require("theta", r < 9.2e18, "a rate below 9.2e18: draws are integers of 64 bits", theta)
        return rng.poisson(np.broadcast_to(r, (*theta.shape[:-1], n))).astype(float)

    def _cross_entropy(self, theta: Array, mean: Array) -> Array:
        """Up to the data mean of log y!, which no parameter changes."""
        r = self._to_base(theta)[..., 0]
        log_r = theta[..., 0] if self.chart == "log-rate" else np.log(r)
        return r - mean[..., 0] * log_r

    def _cross_entropy_gradient(self, theta: Array, mean: Array) -> Array:
        if self.chart == "rate":
            return (theta - mean) / theta
        if self.chart == "root":
            return 2 * (theta - mean / theta)
        return np.exp(theta) - mean

    def _cross_entropy_hessian(self, theta: Array, mean: Array) -> Array:
        if self.chart == "rate":
            H = mean / theta / theta
        elif self.chart == "root":
            H = 2 + 2 * mean / theta / theta
        else:
            H = np.exp(theta) + 0 * mean
        return H[..., None]

    def _covariant_hessian(self, theta: Array, mean: Array) -> Array:
        if self.chart == "root":
            return self._cross_entropy_hessian(theta, mean)
        if self.chart == "rate":
            return ((1 + mean / theta) / theta / 2)[..., None]
        return ((np.exp(theta) + mean) / 2)[..., None]

    def _fisher_rao_distance(self, theta0: Array, theta1: Array) -> Array:
        """Twice the difference of the roots."""
        t0, t1 = theta0[..., 0], theta1[..., 0]
        if self.chart == "root":
            return 2 * np.abs(t1 - t0)
        if self.chart == "rate":
            sides = np.sqrt(t0) + np.sqrt(t1)
            sides /= 2
            return np.abs(t1 - t0) / sides
        return 4 * np.exp((t0 + t1) / 4) * np.sinh(np.abs(t1 - t0) / 4)

    def _geodesic(self, theta: Array, velocity: Array, t: Array) -> Array:
        """A straight line in the root."""
        t = t[..., None]
        if self.chart == "root":
            return theta + velocity * t
        growth = velocity * (t / 2)  # of the root, as a part of it
        if self.chart == "log-rate":
            return theta + 2 * np.log1p(growth)
        growth /= theta
        growth += 1
        there = theta * growth
        there *= np.abs(growth)  # negative, so outside, where the root is beyond 0
        return there


def _kl(r0: Array, r1: Array, u: Array) -> Array:
    """r1 - r0 - r0 u, with u = log(r1/r0) more accurate than the two rates give it."""
    far = np.abs(u) > 1  # there it loses no more than a digit, and cannot overflow
    return np.where(far, r1 - r0 - r0 * u, r0 * stable.exp_remainder(np.where(far, 0.0, u)))
