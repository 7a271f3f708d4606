"""The Gaussian with a linear mean and a known covariance: y ~ N(Xw, Sigma), parameters w.

With X the identity it is the multivariate Gaussian whose mean is sought. With Sigma the identity it
is least squares; with another Sigma it is generalised least squares. All closed forms in nats.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ngdlib.families import stable
from ngdlib.families.base import Model
from ngdlib.validate import (
    VARIANCE,
    Array,
    broadcast,
    matrices,
    metric,
    one_of,
    real_array,
    require,
    vectors,
)


class LinearGaussian(Model):
    """N(Xw, Sigma) of k numbers at once, for a fixed design and a fixed covariance.

    design      X, shape (k, d); one row an observation
    covariance  Sigma, shape (k, k), symmetric and positive definite, also as float64 sees it: with
                the scales divided out, its smallest eigenvalue is above 16 k rounding errors

    An observation is a vector of shape (..., k), and its own statistic: `data_fit(model, y)` is
    -log p_w(y). (Of several observations it takes the mean; their -log p_w then differs from it by
    a number that does not depend on w.) Its Fisher matrix, X^T Sigma^-1 X, is that of all k numbers
    together, and the same everywhere. ValueError for a design or a covariance of another form.
    """

    charts = ("weights",)

    def __init__(self, design: ArrayLike, covariance: ArrayLike) -> None:
        super().__init__("weights")
        X = real_array("design", design)
        if X.ndim != 2 or 0 in X.shape:
            raise ValueError(f"design: expected shape (k, d), got shape {X.shape}")
        S = matrices("covariance", covariance, len(X))
        require("covariance", S.ndim == 2, "one matrix", S)
        C, scale = metric("covariance", S, words=VARIANCE)
        root = scale[:, None] * np.linalg.cholesky(C)
        self.design, self.covariance, self._root = X, S, root
        self.statistic_dim = len(X)
        with np.errstate(over="ignore"):  # where that matters, what is computed from it says so
            self._whitened = np.linalg.solve(root, X)  # rows with independent noise of variance 1

    family = "LinearGaussian"

    def __repr__(self) -> str:
        return (
            f"LinearGaussian(design={self.design.tolist()}, covariance={self.covariance.tolist()})"
        )

    @property
    def name(self) -> str:
        return repr(self)

    @property
    def parameter_names(self) -> tuple[str, ...]:
        return tuple(f"w{k + 1}" for k in range(self.design.shape[1]))

    def in_chart(self, chart: str) -> LinearGaussian:
        """This model: it has one chart, "weights"."""
        one_of("chart", chart, self.charts)
        return self

    def _inside(self, theta: Array) -> np.ndarray:
        return np.ones(theta.shape[:-1], dtype=bool)

    def _domain(self) -> str:
        return "any weights"

    def _observations(self, x: ArrayLike) -> Array:
        return vectors("x", x, len(self.design))

    def _observed(self, x: ArrayLike, theta: ArrayLike) -> tuple[Array, Array]:
        x, theta = self._observations(x), self._point("theta", theta)
        broadcast("x", x.shape[:-1], "theta", theta.shape[:-1])
        return x, theta

    def _attainable(self, mean: Array) -> np.ndarray:
        return np.ones(mean.shape[:-1], dtype=bool)

    def _means(self) -> str:
        return "real numbers"

    def _statistics(self, x: Array) -> Array:
        return x

    def _to_base(self, theta: Array) -> Array:
        return theta

    def _from_base(self, base: Array) -> Array:
        return base

    def _base_velocity(self, base: Array) -> Array:
        return np.broadcast_to(np.eye(self.dim), (*base.shape, self.dim))

    def _residual(self, x: Array, theta: Array) -> Array:
        """Sigma^-1/2 (x - Xw), shape (..., k)."""
        gap = x - theta @ self.design.T
        return np.linalg.solve(self._root, gap[..., None])[..., 0]

    def _log_density(self, x: Array, theta: Array) -> Array:
        r = self._residual(x, theta)
        log_volume = 2 * np.log(np.diagonal(self._root)).sum() + len(self.design) * np.log(
            2 * np.pi
        )
        return -(np.sum(r**2, axis=-1) + log_volume) / 2

    def _score(self, x: Array, theta: Array) -> Array:
        return self._residual(x, theta) @ self._whitened

    def _fisher(self, theta: Array) -> Array:
        F = self._whitened.T @ self._whitened
        return np.broadcast_to(F, (*theta.shape, self.dim)).copy()

    def _kl(self, theta0: Array, theta1: Array) -> Array:
        return np.sum(self._steps(theta0, theta1) ** 2, axis=-1) / 2

    def _steps(self, theta0: Array, theta1: Array) -> Array:
        """Sigma^-1/2 X (w1 - w0), shape (..., k)."""
        return (theta1 - theta0) @ self._whitened.T

    def _sample(self, rng: np.random.Generator, theta: Array, n: int) -> np.ndarray:
        """Shape (..., n, k)."""
        noise = rng.standard_normal((*theta.shape[:-1], n, len(self.design))) @ self._root.T
        return (theta @ self.design.T)[..., None, :] + noise

    def _cross_entropy(self, theta: Array, mean: Array) -> Array:
        return -self._log_density(mean, theta)

    def _cross_entropy_gradient(self, theta: Array, mean: Array) -> Array:
        return -self._score(mean, theta)

    def _fisher_rao_distance(self, theta0: Array, theta1: Array) -> Array:
        return stable.norm(self._steps(theta0, theta1))

    def _geodesic(self, theta: Array, velocity: Array, t: Array) -> Array:
        return theta + t[..., None] * velocity


def known_covariance(covariance: ArrayLike) -> LinearGaussian:
    """The multivariate Gaussian N(mu, Sigma) with parameters mu: F = Sigma^-1."""
    S = matrices("covariance", covariance)
    require("covariance", S.ndim == 2, "one matrix", S)
    return LinearGaussian(np.eye(len(S)), S)
