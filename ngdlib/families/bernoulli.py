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

from ngdlib.families.base import Model, excess
from ngdlib.validate import Array


class Bernoulli(Model):
    """Outcomes 0 and 1. Charts "probability" (0, 1), "log-odds" (all reals), "angle" (0, pi)."""

    family = "Bernoulli"
    charts = ("probability", "log-odds", "angle")
    statistic_dim = 1

    @property
    def parameter_names(self) -> tuple[str, ...]:
        return ({"probability": "q", "log-odds": "z", "angle": "omega"}[self.chart],)

    def geodesic(self, theta, velocity, t) -> Array:
        """The Fisher-Rao geodesic from ``theta`` with ``velocity``, at time ``t``: shape (..., 1).

        In the angle chart the metric is 1, so the geodesic is a straight line there. ValueError
        where it would leave (0, pi).
        """
        theta = self._point("theta", theta)
        base = self._to_base(theta)
        q, r = base[..., :1], base[..., 1:]
        angular = self._base_velocity(base)[..., 0, :] * velocity / np.sqrt(q * r)
        omega = Bernoulli("angle")._from_base(base) + t * angular
        return self._from_base(
            Bernoulli("angle")._to_base(Bernoulli("angle")._point("theta", omega))
        )

    def fisher_rao_distance(self, theta0, theta1) -> Array:
        """The length of the geodesic between two points: the difference of their angles."""
        to_angle = Bernoulli("angle")._from_base
        omega0 = to_angle(self._to_base(self._point("theta0", theta0)))
        omega1 = to_angle(self._to_base(self._point("theta1", theta1)))
        return np.abs(omega1 - omega0)[..., 0]

    # The base chart is the pair (q, 1-q), both kept: near the ends one is lost in the other.

    def _to_base(self, theta: Array) -> Array:
        if self.chart == "probability":
            return np.concatenate([theta, 1 - theta], axis=-1)
        if self.chart == "log-odds":
            return np.concatenate([expit(theta), expit(-theta)], axis=-1)
        return np.concatenate([np.sin(theta / 2) ** 2, np.cos(theta / 2) ** 2], axis=-1)

    def _from_base(self, base: Array) -> Array:
        q, r = base[..., :1], base[..., 1:]
        if self.chart == "probability":
            return q.copy()
        if self.chart == "log-odds":
            return np.log(q) - np.log(r)
        return 2 * np.arctan2(np.sqrt(q), np.sqrt(r))

    def _base_velocity(self, base: Array) -> Array:
        """dq/dtheta, shape (..., 1, 1)."""
        v = base[..., :1] * base[..., 1:]
        power = {"probability": 0.0, "log-odds": 1.0, "angle": 0.5}[self.chart]
        return (v**power)[..., None]

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

    def _possible(self, x: Array) -> np.ndarray:
        return (x == 0) | (x == 1)

    def _outcomes(self) -> str:
        return "outcomes 0 or 1"

    def _attainable(self, mean: Array) -> np.ndarray:
        return (mean[..., 0] >= 0) & (mean[..., 0] <= 1)

    def _means(self) -> str:
        return "a mean of outcomes, in [0, 1]"

    def _statistics(self, x: Array) -> Array:
        return x[..., None]

    def _log_both(self, theta: Array) -> tuple[Array, Array]:
        """log q and log(1-q), shape (...)."""
        if self.chart == "log-odds":
            z = theta[..., 0]
            return -np.logaddexp(0, -z), -np.logaddexp(0, z)
        base = self._to_base(theta)
        return np.log(base[..., 0]), np.log(base[..., 1])

    def _log_density(self, x: Array, theta: Array) -> Array:
        log_q, log_r = self._log_both(theta)
        return np.where(x == 1, log_q, log_r)

    def _score(self, x: Array, theta: Array) -> Array:
        return -self._cross_entropy_gradient(theta, x[..., None])

    def _fisher(self, theta: Array) -> Array:
        base = self._to_base(theta)
        v = base[..., :1] * base[..., 1:]
        power = {"probability": -1.0, "log-odds": 1.0, "angle": 0.0}[self.chart]
        return (v**power)[..., None]

    def _kl(self, theta0: Array, theta1: Array) -> Array:
        base = self._to_base(theta0)
        step = self._probability_step(theta0, theta1)
        total = np.zeros(step.shape)
        logs = zip(self._log_both(theta0), self._log_both(theta1), strict=True)
        for part, change, (before, after) in zip(
            np.moveaxis(base, -1, 0), (step, -step), logs, strict=True
        ):
            ratio = change / part
            near = np.abs(ratio) < 0.5  # further off, 1 + ratio may have lost all its digits
            far = ratio - (after - before)
            total = total + part * np.where(near, excess(np.where(near, ratio, 0.0)), far)
        return total

    def _probability_step(self, theta0: Array, theta1: Array) -> Array:
        """q1 - q0 without cancellation."""
        a, b = theta0[..., 0], theta1[..., 0]
        if self.chart == "probability":
            return b - a
        if self.chart == "angle":
            return np.sin((b - a) / 2) * np.sin((b + a) / 2)
        near = np.abs(b - a) < 1
        careful = np.expm1(np.where(near, b - a, 0.0)) * expit(a) * expit(-b)
        apart = np.where(a + b > 0, expit(-a) - expit(-b), expit(b) - expit(a))
        return np.where(near, careful, apart)

    def _sample(self, rng: np.random.Generator, theta: Array, n: int) -> np.ndarray:
        q = self._to_base(theta)[..., :1]
        return (rng.random((*theta.shape[:-1], n)) < q).astype(int)

    def _cross_entropy(self, theta: Array, mean: Array) -> Array:
        log_q, log_r = self._log_both(theta)
        return -mean[..., 0] * log_q - (1 - mean[..., 0]) * log_r

    def _cross_entropy_gradient(self, theta: Array, mean: Array) -> Array:
        base = self._to_base(theta)
        q, r = base[..., :1], base[..., 1:]
        difference = r * mean - q * (1 - mean)  # mean - q, exact at both ends
        power = {"probability": 1.0, "log-odds": 0.0, "angle": 0.5}[self.chart]
        return -difference / (q * r) ** power
