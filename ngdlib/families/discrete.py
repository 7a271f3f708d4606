"""What Bernoulli and categorical models share: every expectation is a sum over K outcomes.

The points 2 sqrt(p) lie on a sphere of radius 2, and the Fisher metric is that of the sphere:
geodesics are great circles.
"""

from __future__ import annotations

import numpy as np

from ngdlib.families import stable
from ngdlib.families.base import Model
from ngdlib.validate import Array

#: The least positive normal number: probabilities below it have lost digits.
TINY = float(np.finfo(float).tiny)


class Discrete(Model):
    """A model with outcomes 0, ..., K-1. The base chart is the vector of all K probabilities.

    Each probability is kept to full relative accuracy: near 1, its complement is not lost.
    """

    classes: int
    has_geodesics = has_connection = fisher_fits = True

    def probabilities(self, theta) -> Array:
        """All K class probabilities, shape (..., K)."""
        return self._to_base(self._point("theta", theta))

    def _possible(self, x: Array) -> np.ndarray:
        return (x == np.round(x)) & (x >= 0) & (x < self.classes)

    def _outcomes(self) -> str:
        return "outcomes 0 or 1" if self.classes == 2 else f"outcomes 0, ..., {self.classes - 1}"

    def _kl(self, theta0: Array, theta1: Array) -> Array:
        return stable.kl(
            self._to_base(theta0), self._to_base(theta1), self._log_ratios(theta0, theta1)
        )

    def _sample(self, rng: np.random.Generator, theta: Array, n: int) -> np.ndarray:
        edges = np.cumsum(self._to_base(theta), axis=-1)[..., :-1]
        draws = rng.random((*theta.shape[:-1], n))
        if self.classes == 2:
            return (draws >= edges).astype(int)
        outcomes = np.empty(draws.shape, dtype=int)
        for at in np.ndindex(draws.shape[:-1]):
            outcomes[at] = np.searchsorted(edges[at], draws[at], side="right")
        return outcomes

    def _root_differences(self, theta0: Array, theta1: Array) -> Array:
        """sqrt(p1) - sqrt(p0) of all outcomes, without cancellation for near points."""
        p0, p1 = self._to_base(theta0), self._to_base(theta1)
        return stable.root_difference(p0, p1, self._log_ratios(theta0, theta1))

    def _fisher_rao_distance(self, theta0: Array, theta1: Array) -> Array:
        return 4 * np.arcsin(stable.chord(self._root_differences(theta0, theta1)) / 2)

    def _geodesic(self, theta: Array, velocity: Array, t: Array) -> Array:
        p = self._to_base(theta)
        roots = np.sqrt(p)
        tangent = self._full_motion(velocity, theta, p)
        tangent /= roots  # of 2 sqrt(p), on the sphere of radius 2
        speed = np.sqrt(stable.total(tangent * tangent))[..., None]
        angle = (t[..., None] / 2) * speed
        sine, cosine = _sine_and_cosine(angle)
        there = cosine * roots
        there += (sine / np.where(speed > 0, speed, 1.0)) * tangent
        # Beyond half a turn all roots may be positive again, but on the way some were not.
        stays = (stable.least(there)[..., None] > 0) & (np.abs(angle) < np.pi)
        if stays.all():
            there *= there
            return self._from_base(there)
        return np.where(stays, self._from_base(np.where(stays, there, 1.0) ** 2), np.nan)


def _sine_and_cosine(angle: Array) -> tuple[Array, Array]:
    """By the tangent of the half angle, which numpy computes faster than either."""
    u = np.tan(angle / 2)
    square = u * u
    return 2 * u / (1 + square), (1 - square) / (1 + square)
