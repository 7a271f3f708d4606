"""What every family of distributions shares: a *model* is a family written in a chart.

Parameters have shape (..., d), also for d = 1; leading dimensions are batch dimensions and
broadcast. Functions refuse points outside the open domain of the chart with a ValueError.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ngdlib.charts import ChangeOfChart
from ngdlib.validate import Array, broadcast, count, real_array, require, vectors


class Model:
    """A family of distributions in one chart. Immutable; subclasses supply the closed forms.

    A subclass gives `charts` and, for checked float64 arrays, the methods with an underscore.
    """

    family: str
    charts: tuple[str, ...]
    statistic_dim: int

    def __init__(self, chart: str) -> None:
        if chart not in self.charts:
            raise ValueError(f"chart: expected one of {self.charts}, got {chart!r}")
        self.chart = chart

    def __repr__(self) -> str:
        return f"{self.family} in {self.chart}"

    def __eq__(self, other: object) -> bool:
        return repr(self) == repr(other)

    def __hash__(self) -> int:
        return hash(repr(self))

    @property
    def name(self) -> str:
        return repr(self)

    @property
    def parameter_names(self) -> tuple[str, ...]:
        raise NotImplementedError

    @property
    def dim(self) -> int:
        """Number of parameters in this chart."""
        return len(self.parameter_names)

    def in_chart(self, chart: str) -> Model:
        """The same family in another of its charts."""
        return type(self)(chart)

    def in_domain(self, theta: ArrayLike) -> np.ndarray:
        """Whether each point lies in the open domain: bool, shape (...)."""
        return self._inside(vectors("theta", theta, self.dim))

    def log_density(self, x: ArrayLike, theta: ArrayLike) -> Array:
        """log p_theta(x) in nats, shape of ``x`` broadcast with the batch shape of ``theta``."""
        return self._log_density(*self._observed(x, theta))

    def score(self, x: ArrayLike, theta: ArrayLike) -> Array:
        """The gradient of log p_theta(x) in theta, shape (..., d)."""
        return self._score(*self._observed(x, theta))

    def fisher(self, theta: ArrayLike) -> Array:
        """The Fisher matrix E[s s^T] of one observation, shape (..., d, d)."""
        return self._fisher(self._point("theta", theta))

    def kl(self, theta0: ArrayLike, theta1: ArrayLike) -> Array:
        """KL(p_theta0 || p_theta1) in nats, shape (...).

        Keeps its relative accuracy for near points: no large terms are subtracted.
        """
        theta0, theta1 = self._point("theta0", theta0), self._point("theta1", theta1)
        broadcast("theta0", theta0.shape[:-1], "theta1", theta1.shape[:-1])
        return self._kl(theta0, theta1)

    def sample(self, rng: np.random.Generator, theta: ArrayLike, n: int) -> np.ndarray:
        """``n`` independent observations for each point, shape (..., n)."""
        if not isinstance(rng, np.random.Generator):
            raise ValueError(f"rng: expected a numpy.random.Generator, got {type(rng).__name__}")
        return self._sample(rng, self._point("theta", theta), count("n", n))

    def statistics(self, x: ArrayLike) -> Array:
        """The sufficient statistics of each observation, shape (..., m)."""
        return self._statistics(self._observations(x))

    def cross_entropy(self, theta: ArrayLike, mean: ArrayLike) -> Array:
        """E_data[-log p_theta] in nats, from the data mean of the statistics, shape (...).

        mean  shape (..., m): an average of `statistics` over data
        """
        return self._cross_entropy(*self._fitted(theta, mean))

    def cross_entropy_gradient(self, theta: ArrayLike, mean: ArrayLike) -> Array:
        """The gradient of `cross_entropy` in theta, shape (..., d)."""
        return self._cross_entropy_gradient(*self._fitted(theta, mean))

    def change_to(self, other: Model | str) -> ChangeOfChart:
        """The change from this chart to another one of the same family."""
        target = self.in_chart(other) if isinstance(other, str) else other
        if not isinstance(target, Model) or target.in_chart(self.chart) != self:
            raise ValueError(f"other: expected a chart of {self.family}, got {other!r}")

        def forward(theta: ArrayLike) -> Array:
            return target._from_base(self._to_base(self._point("theta", theta)))

        def inverse(phi: ArrayLike) -> Array:
            return self._from_base(target._to_base(target._point("phi", phi)))

        def jacobian(theta: ArrayLike) -> Array:
            base = self._to_base(self._point("theta", theta))
            into, out = self._base_velocity(base), target._base_velocity(base)
            if into.shape[-2] != into.shape[-1] or out.shape[-2] != out.shape[-1]:
                redundant = self if into.shape[-2] != into.shape[-1] else target
                raise ValueError(
                    f"{redundant!r} is redundant: several parameters give one distribution, so "
                    "there is no invertible change of chart; use another chart"
                )
            return np.linalg.solve(out, into)

        return ChangeOfChart(self.chart, target.chart, self.dim, forward, inverse, jacobian)

    # -- checks -------------------------------------------------------------------------------

    def _point(self, name: str, theta: ArrayLike) -> Array:
        theta = vectors(name, theta, self.dim)
        require(name, self._inside(theta), f"a point of {self!r} ({self._domain()})", theta)
        return theta

    def _observations(self, x: ArrayLike) -> Array:
        x = real_array("x", x)
        require("x", self._possible(x), self._outcomes(), x)
        return x

    def _observed(self, x: ArrayLike, theta: ArrayLike) -> tuple[Array, Array]:
        x, theta = self._observations(x), self._point("theta", theta)
        broadcast("x", x.shape, "theta", theta.shape[:-1])
        return x, theta

    def _fitted(self, theta: ArrayLike, mean: ArrayLike) -> tuple[Array, Array]:
        theta, mean = self._point("theta", theta), vectors("mean", mean, self.statistic_dim)
        require("mean", self._attainable(mean), self._means(), mean)
        broadcast("mean", mean.shape[:-1], "theta", theta.shape[:-1])
        return theta, mean


def excess(x: Array) -> Array:
    """x - log(1 + x) for x > -1, without cancellation near 0. Every KL here is a sum of these."""
    small = np.abs(x) < 0.05
    t = np.where(small, x, 0.0)
    series = np.zeros_like(t)
    for k in range(13, 1, -1):  # x²/2 - x³/3 + x⁴/4 - ...
        series = series * t + (-1.0) ** k / k
    with np.errstate(divide="ignore"):
        return np.where(small, series * t**2, x - np.log1p(x))
