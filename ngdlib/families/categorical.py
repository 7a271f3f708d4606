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
from ngdlib.families.bernoulli import Bernoulli
from ngdlib.families.discrete import TINY, Discrete
from ngdlib.validate import Array, count


class Categorical(Discrete):
    """K >= 2 outcomes. Charts "probabilities", "reduced logits" (d = K-1); "logits" (d = K).

    The sufficient statistics are the K indicators of the outcomes; their data mean is the vector
    of class frequencies.
    """

    family = "Categorical"
    charts = ("probabilities", "logits", "reduced logits")
    in_passes = True

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
            with np.errstate(all="ignore"):
                rest = stable.total(theta)
                inside = (stable.least(theta) >= TINY) & (rest < 1)
                doubtful = inside & (rest > 1 - 1e-12 * self.classes)
                if np.any(doubtful):  # rounding may have moved the sum across 1
                    inside &= self._last(theta) > 0
                return inside
        low, high = theta.min(axis=-1), theta.max(axis=-1)
        if self.chart == "reduced logits":
            low, high = np.minimum(low, 0.0), np.maximum(high, 0.0)
        return high < low + 700

    def _domain(self) -> str:
        if self.chart == "probabilities":
            return f"{self.classes - 1} positive numbers with sum below 1, none below {TINY:.1e}"
        return "logits less than 700 apart"

    def _attainable(self, mean: Array) -> np.ndarray:
        return (mean.min(axis=-1) >= 0) & (np.abs(mean.sum(axis=-1) - 1) < 1e-9)

    def _means(self) -> str:
        return f"{self.classes} frequencies with sum 1"

    def _statistics(self, x: Array) -> Array:
        return (x[..., None] == np.arange(self.classes)).astype(float)

    # The base chart is the vector of all K probabilities; its first K-1 are free.

    def _to_base(self, theta: Array) -> Array:
        if self.chart == "probabilities":
            p = stable.room((*theta.shape[:-1], self.classes))
            p[..., :-1] = theta
            p[..., -1] = self._last(theta)
            return p
        return stable.softmax(self._all_logits(theta))

    def _last(self, theta: Array) -> Array:
        """The last of the probabilities, 1 less the others: exact where it is small."""
        last = np.asarray(1 - stable.total(theta))
        small = last < 0.1
        if np.any(small):
            terms = np.concatenate([np.ones_like(theta[small][:, :1]), -theta[small]], axis=-1)
            last[small] = stable.exact_total(terms)
        return last

    def _all_logits(self, theta: Array) -> Array:
        if self.chart == "logits":
            return theta
        return np.concatenate([theta, np.zeros_like(theta[..., :1])], axis=-1)

    def _log_all(self, theta: Array) -> Array:
        if self.chart != "probabilities":
            return stable.log_softmax(self._all_logits(theta))
        p = self._to_base(theta)
        logs = np.log(p)
        top = p.argmax(axis=-1)[..., None]  # the only one that can be near 1
        largest = np.take_along_axis(p, top, axis=-1)
        others = p.copy()
        np.put_along_axis(others, top, 0.0, axis=-1)
        near = np.log1p(-np.minimum(stable.total(others)[..., None], 0.5))
        better = np.where(largest > 0.5, near, np.take_along_axis(logs, top, axis=-1))
        np.put_along_axis(logs, top, better, axis=-1)
        return logs

    def _from_base(self, base: Array) -> Array:
        if self.chart == "probabilities":
            return base[..., :-1].copy()
        logs = np.log(base)
        if self.chart == "logits":  # of all that give these probabilities, the one with mean zero
            return logs - logs.mean(axis=-1, keepdims=True)
        return logs[..., :-1] - logs[..., -1:]

    def _carry(self, theta: Array, target: Categorical) -> Array:
        if target.chart == "probabilities":
            return self._to_base(theta)[..., :-1].copy()
        if self.chart == "probabilities":
            logs = self._log_all(theta)
        else:
            logs = self._all_logits(theta)
        if target.chart == "logits":
            return logs - logs.mean(axis=-1, keepdims=True)
        if self.chart == "probabilities":
            last = self._to_base(theta)[..., -1:]
            return stable.log_ratio(np.broadcast_to(last, theta.shape), theta, theta - last)
        return logs[..., :-1] - logs[..., -1:]

    def _jacobian(self, theta: Array, target: Categorical) -> Array:
        redundant = [m for m in (self, target) if m.chart == "logits"]
        if redundant and self.chart != target.chart:
            raise ValueError(
                f"theta: expected charts without redundancy, got {redundant[0]!r}, where several "
                "parameters give one distribution: no change of chart is invertible there"
            )
        p = self._to_base(theta)
        if self.chart == target.chart:
            return np.broadcast_to(np.eye(self.dim), (*theta.shape, self.dim)).copy()
        if self.chart == "probabilities":
            return _precision(p)
        return _covariance(p)[..., :-1, :-1].copy()

    def _full_motion(self, velocity: Array, theta: Array, p: Array) -> Array:
        """How fast all K probabilities move when theta moves with this velocity, shape (..., K)."""
        if self.chart == "probabilities":
            return _with_last(velocity)
        velocity = self._all_logits(velocity)
        top = p.argmax(axis=-1)[..., None]
        velocity = velocity - np.take_along_axis(np.broadcast_to(velocity, p.shape), top, -1)
        return p * (velocity - stable.total(p * velocity)[..., None])

    def _steps(self, theta0: Array, theta1: Array, p0: Array) -> Array:
        """p1 - p0 of all outcomes, in the chart of probabilities, given all of p0."""
        step = theta1 - theta0
        both = _with_last(step)
        near = np.abs(both[..., -1]) < 1e-3 * stable.total(np.abs(step))
        if np.any(near & (p0[..., -1] < 0.1)):  # its terms cancel, and it matters
            theta0, theta1 = np.broadcast_arrays(theta0, theta1)
            both[..., -1] = stable.exact_total(np.concatenate([theta0, -theta1], axis=-1))
        return both

    def _log_ratios(self, theta0: Array, theta1: Array) -> Array:
        """log p1/p0 of all outcomes, shape (..., K)."""
        if self.chart != "probabilities":
            return stable.log_ratio_of_logits(self._all_logits(theta0), self._all_logits(theta1))
        p0, p1 = self._to_base(theta0), self._to_base(theta1)
        return stable.log_ratio(p0, p1, self._steps(theta0, theta1, p0))

    def _root_differences(self, theta0: Array, theta1: Array) -> Array:
        if self.chart != "probabilities":
            return super()._root_differences(theta0, theta1)
        p0, p1 = self._to_base(theta0), self._to_base(theta1)
        steps = self._steps(theta0, theta1, p0)
        steps /= np.sqrt(p0) + np.sqrt(p1)
        return steps

    def _log_density(self, x: Array, theta: Array) -> Array:
        logs, x = self._log_all(theta), x.astype(int)
        if logs.ndim == 1:
            return logs[x]
        logs, x = np.broadcast_arrays(logs, x[..., None])
        return np.take_along_axis(logs, x[..., :1], axis=-1)[..., 0]

    def _score(self, x: Array, theta: Array) -> Array:
        return -self._cross_entropy_gradient(theta, self._statistics(x))

    def _fisher(self, theta: Array) -> Array:
        p = self._to_base(theta)
        if self.chart == "probabilities":
            return _precision(p)
        F = _covariance(p)
        return F if self.chart == "logits" else F[..., :-1, :-1].copy()

    def _christoffel(self, theta: Array) -> Array:
        if self.chart == "logits":
            raise ValueError(
                "theta: expected a chart with an invertible Fisher matrix; in logits it is "
                "singular (all logits up together changes nothing), and has no connection"
            )
        if self.classes == 2:  # a coin: its one symbol is 0 at a half, where terms cancel
            coin = Bernoulli("probability" if self.chart == "probabilities" else "log-odds")
            return coin._christoffel(theta)
        p, d = self._to_base(theta)[..., :-1], self.dim
        k = np.arange(d)
        if self.chart == "probabilities":
            G = self._fisher(theta)[..., None, :, :] * p[..., None, None]
            G[..., k, k, k] -= 1 / p
            return G / 2
        G = np.zeros((*theta.shape, d, d))
        for i in range(d):
            G[..., i, i, :] -= p
            G[..., i, :, i] -= p
            G[..., i, i, i] += 1
        return G / 2

    def _cross_entropy(self, theta: Array, mean: Array) -> Array:
        return -stable.total(mean * self._log_all(theta))

    def _cross_entropy_gradient(self, theta: Array, mean: Array) -> Array:
        p = self._to_base(theta)
        if self.chart == "probabilities":
            return mean[..., -1:] / p[..., -1:] - mean[..., :-1] / p[..., :-1]
        # p - m = p (1 - m) - m (1 - p)
        gradient = p * stable.complements(mean) - mean * stable.complements(p)
        return gradient if self.chart == "logits" else gradient[..., :-1]

    def _cross_entropy_hessian(self, theta: Array, mean: Array) -> Array:
        p = self._to_base(theta)
        if self.chart == "probabilities":
            weights = mean / p / p
            return _diagonal(weights[..., :-1]) + weights[..., -1:, None]
        return np.broadcast_to(
            self._fisher(theta), (*np.broadcast_shapes(p.shape, mean.shape)[:-1], *2 * (self.dim,))
        ).copy()

    def _covariant_hessian(self, theta: Array, mean: Array) -> Array:
        p = self._to_base(theta)
        if self.chart == "probabilities":
            weights = (mean / p + 1) / (2 * p)
            return _diagonal(weights[..., :-1]) + weights[..., -1:, None]
        if self.chart == "logits":
            self._christoffel(theta)
        p, mean = np.broadcast_arrays(p, mean)
        both = mean[..., :, None] * p[..., None, :]
        H = -(both + np.swapaxes(both, -1, -2)) / 2
        diagonal = (p * stable.complements(mean) + mean * stable.complements(p)) / 2
        np.einsum("...kk->...k", H)[...] = diagonal
        return H[..., :-1, :-1].copy()


def _with_last(step: Array) -> Array:
    """A step of the first K-1 probabilities, and that of the last: all K together sum to 0."""
    full = stable.room((*step.shape[:-1], step.shape[-1] + 1))
    full[..., :-1] = step
    np.negative(stable.total(step), out=full[..., -1])
    return full


def _diagonal(entries: Array) -> Array:
    """diag(entries), shape (..., d, d)."""
    out = np.zeros((*entries.shape, entries.shape[-1]))
    np.einsum("...kk->...k", out)[...] = entries
    return out


def _precision(p: Array) -> Array:
    """diag(1/p_k) + 1/p_K over the first K-1 classes."""
    d = p.shape[-1] - 1
    F = np.empty((*p.shape[:-1], d, d))
    F[...] = (1 / p[..., -1])[..., None, None]
    diagonal = np.einsum("...kk->...k", F)
    diagonal += 1 / p[..., :-1]
    return F


def _covariance(p: Array) -> Array:
    """diag(p) - p p^T, with 1 - p_k as the sum of the others: accurate when it is small."""
    F = -p[..., :, None] * p[..., None, :]
    np.einsum("...kk->...k", F)[...] = p * stable.complements(p)
    return F
