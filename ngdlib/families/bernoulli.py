"""The Bernoulli model, a coin, in three charts. All closed forms in nats.

With q the probability of a one: log-odds z = log(q/(1-q)), angle w = 2 asin(sqrt(q)).

    chart         dq/dtheta        score                           Fisher
    probability   1                y/q - (1-y)/(1-q)               1/(q(1-q))
    log-odds      q(1-q)           y - q                           q(1-q)
    angle         sqrt(q(1-q))     (y-q)/sqrt(q(1-q))              1
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from ngdlib.families import stable
from ngdlib.families.discrete import Discrete
from ngdlib.validate import Array


class Bernoulli(Discrete):
    """Outcomes 0 and 1. Charts "probability" (0, 1), "log-odds" (all reals), "angle" (0, pi).

    The sufficient statistic is the outcome itself.
    """

    family = "Bernoulli"
    charts = ("probability", "log-odds", "angle")
    classes = 2
    statistic_dim = 1

    @property
    def parameter_names(self) -> tuple[str, ...]:
        return ({"probability": "q", "log-odds": "z", "angle": "omega"}[self.chart],)

    def _inside(self, theta: Array) -> np.ndarray:
        if self.chart == "log-odds":  # beyond, one of q and 1-q is no longer a normal float
            return np.abs(theta[..., 0]) < 708
        top = 1.0 if self.chart == "probability" else np.pi
        return (theta[..., 0] > 0) & (theta[..., 0] < top)

    def _domain(self) -> str:
        return {
            "probability": "0 < q < 1",
            "log-odds": "|z| < 708, beyond which q or 1-q underflows",
            "angle": "0 < omega < pi",
        }[self.chart]

    def _attainable(self, mean: Array) -> np.ndarray:
        return (mean[..., 0] >= 0) & (mean[..., 0] <= 1)

    def _means(self) -> str:
        return "a mean of outcomes, in [0, 1]"

    def _statistics(self, x: Array) -> Array:
        return x[..., None]

    # The base chart is the pair (1-q, q), both kept: near the ends one is lost in the other.

    def _to_base(self, theta: Array) -> Array:
        if self.chart == "probability":
            return np.concatenate([1 - theta, theta], axis=-1)
        if self.chart == "log-odds":
            return np.concatenate([expit(-theta), expit(theta)], axis=-1)
        return np.concatenate([np.cos(theta / 2) ** 2, np.sin(theta / 2) ** 2], axis=-1)

    def _from_base(self, base: Array) -> Array:
        r, q = base[..., :1], base[..., 1:]
        if self.chart == "probability":
            return q.copy()
        if self.chart == "log-odds":
            return np.log(q) - np.log(r)
        return 2 * np.arctan2(np.sqrt(q), np.sqrt(r))

    def _base_velocity(self, base: Array) -> Array:
        """dq/dtheta, shape (..., 1, 1)."""
        power = {"probability": 0.0, "log-odds": 1.0, "angle": 0.5}[self.chart]
        return (_variance(base) ** power)[..., None]

    def _full_velocity(self, base: Array) -> Array:
        """d(1-q, q)/dtheta, shape (..., 2, 1)."""
        return np.array([[-1.0], [1.0]]) * self._base_velocity(base)

    def _log_both(self, theta: Array) -> Array:
        """log(1-q) and log q, shape (..., 2)."""
        if self.chart == "log-odds":
            return -np.logaddexp(0, np.concatenate([theta, -theta], axis=-1))
        return np.log(self._to_base(theta))

    def _log_ratios(self, theta0: Array, theta1: Array) -> Array:
        """log p1/p0 of both outcomes, shape (..., 2)."""
        if self.chart == "log-odds":
            logits = (np.concatenate([np.zeros_like(z), z], axis=-1) for z in (theta0, theta1))
            return stable.log_ratio_of_logits(*logits)
        step = theta1 - theta0  # of q
        if self.chart == "angle":
            step = np.sin(step / 2) * np.sin((theta1 + theta0) / 2)
        both = np.concatenate([-step, step], axis=-1)
        return stable.log_ratio(self._to_base(theta0), self._to_base(theta1), both)

    def _log_density(self, x: Array, theta: Array) -> Array:
        logs = self._log_both(theta)
        return np.where(x == 1, logs[..., 1], logs[..., 0])

    def _score(self, x: Array, theta: Array) -> Array:
        return -self._cross_entropy_gradient(theta, x[..., None])

    def _fisher(self, theta: Array) -> Array:
        power = {"probability": -1.0, "log-odds": 1.0, "angle": 0.0}[self.chart]
        return (_variance(self._to_base(theta)) ** power)[..., None]

    def _cross_entropy(self, theta: Array, mean: Array) -> Array:
        logs = self._log_both(theta)
        return -mean[..., 0] * logs[..., 1] - (1 - mean[..., 0]) * logs[..., 0]

    def _cross_entropy_gradient(self, theta: Array, mean: Array) -> Array:
        base = self._to_base(theta)
        r, q = base[..., :1], base[..., 1:]
        difference = r * mean - q * (1 - mean)  # mean - q, exact at both ends
        power = {"probability": 1.0, "log-odds": 0.0, "angle": 0.5}[self.chart]
        return -difference / _variance(base) ** power


def _variance(base: Array) -> Array:
    """q(1-q), shape (..., 1)."""
    return base[..., 1:] * base[..., :1]
