"""The categorical model with K outcomes 0, ..., K-1, in two charts and one redundant form. In nats.

With p the class probabilities and e_x the indicator of the outcome:

    form             parameters                     score               Fisher matrix
    probabilities    p_1 ... p_{K-1}                e_i/p_i - e_K/p_K   diag(1/p_i) + 1/p_K
    logits           z_1 ... z_K, p = softmax(z)    e_x - p             diag(p) - p p^T
    reduced logits   z_k = log(p_k/p_K), k < K      the same, without the last row and column

Adding one number to all K logits changes nothing, so that form is no chart: its Fisher matrix is
singular, and changes of chart from and to it are refused where they need an inverse.
"""

from __future__ import annotations

import numpy as np
from scipy.special import log_softmax, softmax

from ngdlib.families.base import Model, excess
from ngdlib.validate import Array, count


class Categorical(Model):
    """K >= 2 outcomes. Charts "probabilities", "reduced logits" (d = K-1); "logits" (d = K)."""

    family = "Categorical"
    charts = ("probabilities", "logits", "reduced logits")

    def __init__(self, classes: int, chart: str) -> None:
        self.classes = count("classes", classes, least=2)
        self.statistic_dim = self.classes
        super().__init__(chart)

    def __repr__(self) -> str:
        return f"{self.family} with {self.classes} classes in {self.chart}"

    def in_chart(self, chart: str) -> Categorical:
        return Categorical(self.classes, chart)

    @property
    def parameter_names(self) -> tuple[str, ...]:
        letter = "p" if self.chart == "probabilities" else "z"
        last = self.classes + (self.chart == "logits")
        return tuple(f"{letter}{k}" for k in range(1, last))

    def probabilities(self, theta) -> Array:
        """All K class probabilities, shape (..., K)."""
        return self._to_base(self._point("theta", theta))

    def geodesic(self, theta, velocity, t) -> Array:
        """The Fisher-Rao geodesic from ``theta`` with ``velocity``, at time ``t``: shape (..., d).

        A great circle in the coordinates 2 sqrt(p). ValueError where it has left the simplex.
        """
        p = self._to_base(self._point("theta", theta))
        root = np.sqrt(p)
        tangent = np.einsum("...ij,...j->...i", self._full_velocity(p), velocity) / root  # of 2√p
        speed = np.linalg.norm(tangent, axis=-1, keepdims=True)
        angle = t * speed / 2
        arc = np.sin(angle) * np.divide(tangent, speed, out=np.zeros_like(tangent), where=speed > 0)
        moved = np.cos(angle) * root + arc
        if np.any(moved <= 0):
            raise ValueError("t: expected a time at which the geodesic is inside the simplex")
        return self._from_base(moved**2)

    def fisher_rao_distance(self, theta0, theta1) -> Array:
        """The geodesic distance: an arc of the sphere of radius 2; shape (...)."""
        p = self._to_base(self._point("theta0", theta0))
        r = self._to_base(self._point("theta1", theta1))
        chord = np.linalg.norm(np.sqrt(p) - np.sqrt(r), axis=-1)
        return 4 * np.arcsin(np.minimum(chord / 2, 1))

    # The base chart is the vector of all K probabilities; its first K-1 are free.

    def _to_base(self, theta: Array) -> Array:
        if self.chart == "probabilities":
            return np.concatenate([theta, 1 - theta.sum(axis=-1, keepdims=True)], axis=-1)
        return softmax(self._all_logits(theta), axis=-1)

    def _all_logits(self, theta: Array) -> Array:
        if self.chart == "logits":
            return theta
        return np.concatenate([theta, np.zeros_like(theta[..., :1])], axis=-1)

    def _from_base(self, base: Array) -> Array:
        if self.chart == "probabilities":
            return base[..., :-1].copy()
        logs = np.log(base)
        if self.chart == "logits":  # of all that give these probabilities, the one with mean zero
            return logs - logs.mean(axis=-1, keepdims=True)
        return logs[..., :-1] - logs[..., -1:]

    def _full_velocity(self, p: Array) -> Array:
        """dp/dtheta of all K probabilities, shape (..., K, d)."""
        K = self.classes
        if self.chart == "probabilities":
            rows = np.vstack([np.eye(K - 1), -np.ones(K - 1)])
            return np.broadcast_to(rows, (*p.shape[:-1], K, K - 1))
        B = p[..., :, None] * (np.eye(K) - p[..., None, :])
        return B if self.chart == "logits" else B[..., :-1]

    def _base_velocity(self, base: Array) -> Array:
        return self._full_velocity(base)[..., :-1, :]

    def _inside(self, theta: Array) -> np.ndarray:
        if self.chart == "probabilities":
            return np.all(theta > 0, axis=-1) & (theta.sum(axis=-1) < 1)
        return np.ptp(self._all_logits(theta), axis=-1) < 700

    def _domain(self) -> str:
        if self.chart == "probabilities":
            return f"{self.classes - 1} positive numbers with sum below 1"
        return "logits less than 700 apart"

    def _possible(self, x: Array) -> np.ndarray:
        return (x == np.round(x)) & (x >= 0) & (x < self.classes)

    def _outcomes(self) -> str:
        return f"outcomes 0, ..., {self.classes - 1}"

    def _attainable(self, mean: Array) -> np.ndarray:
        return np.all(mean >= 0, axis=-1) & (np.abs(mean.sum(axis=-1) - 1) < 1e-9)

    def _means(self) -> str:
        return f"{self.classes} frequencies with sum 1"

    def _statistics(self, x: Array) -> Array:
        return (x[..., None] == np.arange(self.classes)).astype(float)

    def _log_all(self, theta: Array) -> Array:
        if self.chart == "probabilities":
            return np.log(self._to_base(theta))
        return log_softmax(self._all_logits(theta), axis=-1)

    def _log_density(self, x: Array, theta: Array) -> Array:
        logs, x = np.broadcast_arrays(self._log_all(theta), x[..., None])
        return np.take_along_axis(logs, x[..., :1].astype(int), axis=-1)[..., 0]

    def _score(self, x: Array, theta: Array) -> Array:
        return -self._cross_entropy_gradient(theta, self._statistics(x))

    def _fisher(self, theta: Array) -> Array:
        p = self._to_base(theta)
        if self.chart == "probabilities":
            K = self.classes
            return np.eye(K - 1) / p[..., :-1, None] + 1 / p[..., -1:, None]
        if self.chart == "reduced logits":
            p = p[..., :-1]
        return p[..., None] * np.eye(p.shape[-1]) - p[..., :, None] * p[..., None, :]

    def _kl(self, theta0: Array, theta1: Array) -> Array:
        p = self._to_base(theta0)
        if self.chart == "probabilities":
            step = theta1 - theta0
            ratio = np.concatenate([step, -step.sum(axis=-1, keepdims=True)], axis=-1) / p
            return np.sum(p * excess(ratio), axis=-1)
        step = self._all_logits(theta1) - self._all_logits(theta0)
        step = step - np.sum(p * step, axis=-1, keepdims=True)
        # KL = log E exp(step) for centred steps: log(1 + E[exp(step) - 1 - step])
        mean = np.sum(p * (np.expm1(step) - step), axis=-1)
        near = np.max(np.abs(step), axis=-1) < 1e-2
        series = sum(
            np.sum(p * step**k, axis=-1) / f
            for k, f in ((2, 2), (3, 6), (4, 24), (5, 120), (6, 720), (7, 5040))
        )
        direct = np.sum(p * (self._log_all(theta0) - self._log_all(theta1)), axis=-1)
        far = np.max(np.abs(step), axis=-1) > 1
        return np.where(far, direct, np.log1p(np.where(near, series, np.where(far, 0.0, mean))))

    def _sample(self, rng: np.random.Generator, theta: Array, n: int) -> np.ndarray:
        edges = np.cumsum(self._to_base(theta), axis=-1)[..., None, :-1]
        return np.sum(rng.random((*theta.shape[:-1], n))[..., None] > edges, axis=-1)

    def _cross_entropy(self, theta: Array, mean: Array) -> Array:
        return -np.sum(mean * self._log_all(theta), axis=-1)

    def _cross_entropy_gradient(self, theta: Array, mean: Array) -> Array:
        p = self._to_base(theta)
        if self.chart == "probabilities":
            return mean[..., -1:] / p[..., -1:] - mean[..., :-1] / p[..., :-1]
        gradient = p - mean
        return gradient if self.chart == "logits" else gradient[..., :-1]
