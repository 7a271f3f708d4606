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

from ngdlib.families import stable
from ngdlib.families.discrete import Discrete
from ngdlib.validate import Array, count


class Categorical(Discrete):
    """K >= 2 outcomes. Charts "probabilities", "reduced logits" (d = K-1); "logits" (d = K).

    The sufficient statistics are the K indicators of the outcomes; their data mean is the vector
    of class frequencies.
    """

    family = "Categorical"
    charts = ("probabilities", "logits", "reduced logits")

    def __init__(self, classes: int, chart: str) -> None:
        self.classes = count("classes", classes, least=2)
        self.statistic_dim = self.classes
        super().__init__(chart)

    @property
    def name(self) -> str:
        return f"{self.family} with {self.classes} classes"

    def in_chart(self, chart: str) -> Categorical:
        return Categorical(self.classes, chart)

    @property
    def parameter_names(self) -> tuple[str, ...]:
        letter = "p" if self.chart == "probabilities" else "z"
        last = self.classes + (self.chart == "logits")
        return tuple(f"{letter}{k}" for k in range(1, last))

    def _inside(self, theta: Array) -> np.ndarray:
        if self.chart == "probabilities":
            return np.all(theta > 0, axis=-1) & (theta.sum(axis=-1) < 1)
        logits = self._all_logits(theta)
        return np.max(logits, axis=-1) < np.min(logits, axis=-1) + 700

    def _domain(self) -> str:
        if self.chart == "probabilities":
            return f"{self.classes - 1} positive numbers with sum below 1"
        return "logits less than 700 apart"

    def _attainable(self, mean: Array) -> np.ndarray:
        return np.all(mean >= 0, axis=-1) & (np.abs(mean.sum(axis=-1) - 1) < 1e-9)

    def _means(self) -> str:
        return f"{self.classes} frequencies with sum 1"

    def _statistics(self, x: Array) -> Array:
        return (x[..., None] == np.arange(self.classes)).astype(float)

    # The base chart is the vector of all K probabilities; its first K-1 are free.

    def _to_base(self, theta: Array) -> Array:
        if self.chart == "probabilities":
            return np.concatenate([theta, 1 - theta.sum(axis=-1, keepdims=True)], axis=-1)
        return np.exp(self._log_all(theta))

    def _all_logits(self, theta: Array) -> Array:
        if self.chart == "logits":
            return theta
        return np.concatenate([theta, np.zeros_like(theta[..., :1])], axis=-1)

    def _log_all(self, theta: Array) -> Array:
        if self.chart == "probabilities":
            return np.log(self._to_base(theta))
        return stable.log_softmax(self._all_logits(theta))

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
        B = _covariance(p)
        return B if self.chart == "logits" else B[..., :-1]

    def _base_velocity(self, base: Array) -> Array:
        return self._full_velocity(base)[..., :-1, :]

    def _log_ratios(self, theta0: Array, theta1: Array) -> Array:
        """log p1/p0 of all outcomes, shape (..., K)."""
        if self.chart != "probabilities":
            return stable.log_ratio_of_logits(self._all_logits(theta0), self._all_logits(theta1))
        step = theta1 - theta0
        full = np.concatenate([step, -step.sum(axis=-1, keepdims=True)], axis=-1)
        return stable.log_ratio(self._to_base(theta0), self._to_base(theta1), full)

    def _log_density(self, x: Array, theta: Array) -> Array:
        logs, x = np.broadcast_arrays(self._log_all(theta), x[..., None])
        return np.take_along_axis(logs, x[..., :1].astype(int), axis=-1)[..., 0]

    def _score(self, x: Array, theta: Array) -> Array:
        return -self._cross_entropy_gradient(theta, self._statistics(x))

    def _fisher(self, theta: Array) -> Array:
        p = self._to_base(theta)
        if self.chart == "probabilities":
            return np.eye(self.classes - 1) / p[..., :-1, None] + 1 / p[..., -1:, None]
        F = _covariance(p)
        return F if self.chart == "logits" else F[..., :-1, :-1]

    def _cross_entropy(self, theta: Array, mean: Array) -> Array:
        return -np.sum(mean * self._log_all(theta), axis=-1)

    def _cross_entropy_gradient(self, theta: Array, mean: Array) -> Array:
        p = self._to_base(theta)
        if self.chart == "probabilities":
            return mean[..., -1:] / p[..., -1:] - mean[..., :-1] / p[..., :-1]
        others = np.eye(self.classes) == 0  # p - m = p sum(m of others) - m sum(p of others)
        gradient = p * (mean @ others) - mean * (p @ others)
        return gradient if self.chart == "logits" else gradient[..., :-1]


def _covariance(p: Array) -> Array:
    """diag(p) - p p^T, with p_k(1 - p_k) as the sum of p_k p_j: accurate when p_k is near 1."""
    products = p[..., :, None] * p[..., None, :]
    others = np.eye(p.shape[-1]) == 0
    return np.sum(products * others, axis=-1)[..., None] * ~others - products * others
