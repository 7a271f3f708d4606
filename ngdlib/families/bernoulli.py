"""The Bernoulli model, a coin, in three charts. All closed forms in nats.

With q the probability of a one: log-odds z = log(q/(1-q)), angle w = 2 asin(sqrt(q)).

    chart         dq/dtheta        score                           Fisher
    probability   1                y/q - (1-y)/(1-q)               1/(q(1-q))
    log-odds      q(1-q)           y - q                           q(1-q)
    angle         sqrt(q(1-q))     (y-q)/sqrt(q(1-q))              1
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from ngdlib.families import stable
from ngdlib.families.discrete import TINY, Discrete
from ngdlib.validate import Array, vectors

#: Below this angle the probability would be below `TINY`.
LEAST_ANGLE = 3e-154

_BELOW = {end: float(np.nextafter(end, 0)) for end in (1.0, 708.0, np.pi)}
_RANGES = {
    "probability": (TINY, _BELOW[1.0]),
    "log-odds": (-_BELOW[708.0], _BELOW[708.0]),  # beyond, q or 1-q is no longer a normal float
    "angle": (LEAST_ANGLE, _BELOW[np.pi]),
}


class Bernoulli(Discrete):
    """Outcomes 0 and 1. Charts "probability" (0, 1), "log-odds" (all reals), "angle" (0, pi).

    The sufficient statistic is the outcome itself.
    """

    family = "Bernoulli"
    charts = ("probability", "log-odds", "angle")
    classes = 2
    dim = statistic_dim = 1

    @property
    def parameter_names(self) -> tuple[str, ...]:
        return ({"probability": "q", "log-odds": "z", "angle": "omega"}[self.chart],)

    def _range(self) -> tuple[float, float]:
        return _RANGES[self.chart]

    def _domain(self) -> str:
        return {
            "probability": f"0 < q < 1, q at least {TINY:.1e}",
            "log-odds": "|z| < 708, beyond which q or 1-q underflows",
            "angle": f"0 < omega < pi, omega at least {LEAST_ANGLE:g}",
        }[self.chart]

    def _attainable(self, mean: Array) -> np.ndarray:
        return (mean[..., 0] >= 0) & (mean[..., 0] <= 1)

    def _means(self) -> str:
        return "a mean of outcomes, in [0, 1]"

    def _statistics(self, x: Array) -> Array:
        return x[..., None]

    # The base chart is the pair (1-q, q), both kept: near the ends one is lost in the other.

    def _to_base(self, theta: Array) -> Array:
        return np.concatenate(self._both(theta), axis=-1)

    def _both(self, theta: Array) -> tuple[Array, Array]:
        """1-q and q, shape (..., 1)."""
        if self.chart == "probability":
            return 1 - theta, theta
        if self.chart == "log-odds":
            return expit(-theta), expit(theta)
        cosine, sine = np.cos(theta / 2), np.sin(theta / 2)
        return cosine * cosine, sine * sine

    def _from_base(self, base: Array) -> Array:
        r, q = base[..., :1], base[..., 1:]
        if self.chart == "probability":
            return q.copy()
        return _log_odds(r, q, q - r) if self.chart == "log-odds" else _angle(r, q)

    def _carry(self, theta: Array, target: Bernoulli) -> Array:
        ways = {self.chart, target.chart}
        if ways == {"log-odds", "angle"}:
            if target.chart == "angle":
                return 2 * np.arctan(np.exp(theta / 2))
            middle = np.abs(theta - np.pi / 2) < 0.5
            near = -2 * np.arctanh(np.where(middle, np.cos(theta), 0.0))
            return np.where(middle, near, 2 * np.log(np.tan(theta / 2)))
        if self.chart == "probability" and target.chart == "log-odds":
            return _log_odds(1 - theta, theta, 2 * theta - 1)
        return target._from_base(self._to_base(theta))

    def _variance(self, theta: Array) -> Array:
        """q(1-q), shape (..., 1)."""
        r, q = self._both(theta)
        r *= q
        return r

    def _power(self, theta: Array, power: float) -> Array:
        """(q(1-q))^power, shape (..., 1); power a multiple of one half."""
        if power == 0:
            return np.ones_like(theta)
        if self.chart == "angle":  # sqrt(q(1-q)) = sin(omega)/2
            half, power = np.sin(theta) / 2, 2 * power
        elif power % 1:
            half, power = self._variance(theta), 2 * power
            np.sqrt(half, out=half)
        else:
            half = self._variance(theta)
        whole = np.multiply(half, half, out=half) if abs(power) == 2 else half
        return np.divide(1, whole, out=whole) if power < 0 else whole

    def _speed(self) -> float:
        """dq/dtheta is q(1-q) to this power."""
        return {"probability": 0.0, "log-odds": 1.0, "angle": 0.5}[self.chart]

    def _jacobian(self, theta: Array, target: Bernoulli) -> Array:
        return self._power(theta, self._speed() - target._speed())[..., None]

    def _full_motion(self, velocity: Array, theta: Array, p: Array) -> Array:
        """How fast (1-q, q) moves when theta moves with this velocity, shape (..., 2)."""
        step = velocity * self._power(theta, self._speed())
        return np.concatenate([-step, step], axis=-1)

    def _log_both(self, theta: Array) -> tuple[Array, Array]:
        """log(1-q) and log q, shape (...)."""
        t = theta[..., 0]
        if self.chart == "log-odds":
            return -np.logaddexp(0, t), -np.logaddexp(0, -t)
        if self.chart == "probability":
            return np.log1p(-t), np.where(t > 0.5, np.log1p(t - 1), np.log(t))
        r, q = (each[..., 0] for each in self._both(theta))
        return (
            np.where(q < 0.5, np.log1p(-np.minimum(q, 0.5)), np.log(r)),
            np.where(r < 0.5, np.log1p(-np.minimum(r, 0.5)), np.log(q)),
        )

    def _log_ratios(self, theta0: Array, theta1: Array) -> Array:
        """log p1/p0 of both outcomes, shape (..., 2)."""
        if self.chart == "log-odds":
            logits = (np.concatenate([np.zeros_like(z), z], axis=-1) for z in (theta0, theta1))
            return stable.log_ratio_of_logits(*logits)
        step = self._steps(theta0, theta1)
        both = np.concatenate([-step, step], axis=-1)
        return stable.log_ratio(self._to_base(theta0), self._to_base(theta1), both)

    def _steps(self, theta0: Array, theta1: Array) -> Array:
        """q1 - q0, shape (..., 1), without cancellation for near points."""
        if self.chart == "probability":
            return theta1 - theta0
        if self.chart == "angle":
            twice, lost = stable.two_sum(theta1, theta0)
            middle = np.sin(twice / 2) + np.cos(twice / 2) * lost / 2
            return np.sin((theta1 - theta0) / 2) * middle
        (r0, _), (_, q1) = self._both(theta0), self._both(theta1)
        return q1 * r0 * -np.expm1(theta0 - theta1)

    def _log_density(self, x: Array, theta: Array) -> Array:
        no, yes = self._log_both(theta)
        return np.where(x == 1, yes, no)

    def _score(self, x: Array, theta: Array) -> Array:
        return -self._cross_entropy_gradient(theta, x[..., None])

    def fisher(self, theta: ArrayLike) -> Array:
        """The Fisher matrix E[s s^T] of one observation, shape (..., 1, 1)."""
        if self.chart != "probability":
            return super().fisher(theta)
        theta = vectors("theta", theta, 1, copy=False, checked=False)
        with np.errstate(all="ignore"):
            v = self._variance(theta)
        if not v.min(initial=1.0) >= TINY:  # it is, exactly where q is in the domain
            self._point("theta", theta)
        return np.divide(1, v, out=v)[..., None]

    def _fisher(self, theta: Array) -> Array:
        return self._power(theta, 2 * self._speed() - 1)[..., None]

    def _christoffel(self, theta: Array) -> Array:
        if self.chart == "angle":
            symbol = np.zeros_like(theta)
        elif self.chart == "log-odds":
            symbol = -np.tanh(theta / 2) / 2
        else:
            symbol = (theta - 0.5) / (theta * (1 - theta))
        return symbol[..., None, None]

    def _cross_entropy(self, theta: Array, mean: Array) -> Array:
        no, yes = self._log_both(theta)
        return -mean[..., 0] * yes - (1 - mean[..., 0]) * no

    def _cross_entropy_gradient(self, theta: Array, mean: Array) -> Array:
        r, q = self._both(theta)
        if self.chart == "probability":
            return (q - mean) * self._power(theta, -1)  # F times what a unit natural step moves
        if self.chart == "log-odds":
            return q * (1 - mean) - r * mean  # q - mean, exact at both ends
        cotangent = 1 / np.tan(theta / 2)
        return (1 - mean) / cotangent - mean * cotangent

    def _cross_entropy_hessian(self, theta: Array, mean: Array) -> Array:
        if self.chart == "angle":  # no curve: the plain Hessian is the covariant one
            return self._covariant_hessian(theta, mean)
        r, q = self._both(theta)
        if self.chart == "log-odds":
            return np.broadcast_to(r * q, np.broadcast_shapes(r.shape, mean.shape))[
                ..., None
            ].copy()
        return (mean / q / q + (1 - mean) / r / r)[..., None]

    def _covariant_hessian(self, theta: Array, mean: Array) -> Array:
        r, q = self._both(theta)
        if self.chart == "log-odds":
            return ((q * (1 - mean) + r * mean) / 2)[..., None]
        if self.chart == "angle":
            return (mean / (2 * q) + (1 - mean) / (2 * r))[..., None]
        return ((mean / q + (1 - mean) / r) / (2 * q * r))[..., None]

    def _fisher_rao_distance(self, theta0: Array, theta1: Array) -> Array:
        """The difference of the angles, from whichever parameters there are."""
        t0, t1 = theta0[..., 0], theta1[..., 0]
        if self.chart == "angle":
            return np.abs(t1 - t0)
        if self.chart == "log-odds":
            # tan of half the distance, with both sides divided by what could overflow
            across = np.abs(t1 - t0) / 4
            middle = np.abs(t1 + t0) / 4
            rise = -np.expm1(-2 * across)
            return 2 * np.arctan2(rise * np.exp(across - middle), 1 + np.exp(-2 * middle))
        # With s = sqrt(q(1-q)) = sin(omega)/2, tan of half the distance is |q1 - q0| / (s0 + s1).
        sides = (self._power(theta0, 0.5) + self._power(theta1, 0.5))[..., 0]
        return 2 * np.arctan(np.abs(t1 - t0) / sides)

    def _geodesic(self, theta: Array, velocity: Array, t: Array) -> Array:
        """A straight line in the angle."""
        if self.chart == "angle":
            return theta + velocity * t[..., None]
        r, q = self._both(theta)
        s = np.sqrt(r * q)
        turn = velocity / s if self.chart == "probability" else velocity * s
        r, q = np.sqrt(r), np.sqrt(q)
        half = turn * (t[..., None] / 2)
        tangent = np.tan(half)  # the cosine of half the turn is divided out of both roots
        up = np.multiply(r, tangent)
        up += q
        down = np.multiply(q, tangent)
        np.subtract(r, down, out=down)
        stays = (up > 0) & (down > 0) & (np.abs(half) < np.pi / 2)
        if self.chart == "log-odds":
            there = 2 * np.log(np.divide(up, down, out=up))
        else:
            up *= up
            tangent *= tangent
            tangent += 1
            there = np.divide(up, tangent, out=up)
        return there if stays.all() else np.where(stays, there, np.nan)


def _angle(r: Array, q: Array) -> Array:
    return 2 * np.arctan2(np.sqrt(q), np.sqrt(r))


def _log_odds(r: Array, q: Array, difference: Array) -> Array:
    """log(q/r), given q - r."""
    near = np.abs(difference) < r / 2
    return np.where(near, np.log1p(np.where(near, difference / r, 0.0)), np.log(q) - np.log(r))
