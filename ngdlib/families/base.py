"""What every family of distributions shares: a *model* is a family written in a chart.

Parameters have shape (..., d), also for d = 1; leading dimensions are batch dimensions and
broadcast. Functions refuse points outside the open domain of the chart with a ValueError.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from ngdlib.charts import ChangeOfChart, regular
from ngdlib.validate import (
    Array,
    broadcast,
    count,
    finite,
    finite_numbers,
    instance,
    one_of,
    real_array,
    representable,
    require,
    vectors,
)


class Model:
    """A family of distributions in one chart. Immutable; subclasses supply the closed forms.

    A subclass gives `charts` and, for checked float64 arrays, the methods with an underscore.
    """

    family: str
    charts: tuple[str, ...]
    statistic_dim: int
    has_geodesics = has_connection = False  # in closed form

    def __init__(self, chart: str) -> None:
        one_of("chart", chart, self.charts)
        self.chart = chart

    def __setattr__(self, attribute: str, value: object) -> None:
        if attribute in vars(self):
            raise AttributeError(f"{self!r} is immutable: make another one with `in_chart`")
        super().__setattr__(attribute, value)

    def __repr__(self) -> str:
        return f"{self.name} in {self.chart}"

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple:
        """What tells this model from another one of its class."""
        return self.name, self.chart

    @property
    def name(self) -> str:
        """The family, whatever its chart."""
        return self.family

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
        theta, all_inside = self._read("theta", theta)
        return np.ones(theta.shape[:-1], bool) if all_inside else self._inside(theta)

    def log_density(self, x: ArrayLike, theta: ArrayLike) -> Array:
        """log p_theta(x) in nats, shape of ``x`` broadcast with the batch shape of ``theta``."""
        return self._computed("theta", self._log_density, *self._observed(x, theta))

    def score(self, x: ArrayLike, theta: ArrayLike) -> Array:
        """The gradient of log p_theta(x) in theta, shape (..., d)."""
        return self._computed("theta", self._score, *self._observed(x, theta))

    def fisher(self, theta: ArrayLike) -> Array:
        """The Fisher matrix E[s s^T] of one observation, shape (..., d, d)."""
        return self._computed("theta", self._fisher, self._point("theta", theta))

    def christoffel(self, theta: ArrayLike) -> Array:
        """Christoffel symbols of the Fisher metric, ``[..., i, j, k]`` = Gamma^i_jk: closed forms.

        They are symmetric in j and k, and no tensor: under a change of chart they gain a term in
        the second derivatives of the change. ValueError where the Fisher matrix is singular.
        """
        return self._computed("theta", self._christoffel, self._point("theta", theta))

    def kl(self, theta0: ArrayLike, theta1: ArrayLike) -> Array:
        """KL(p_theta0 || p_theta1) in nats, shape (...).

        Keeps its relative accuracy for near points: no large terms are subtracted.
        """
        return self._computed("theta1", self._kl, *self._pair(theta0, theta1))

    def sample(self, rng: np.random.Generator, theta: ArrayLike, n: int) -> np.ndarray:
        """``n`` independent observations for each point, shape (..., n)."""
        instance("rng", rng, np.random.Generator, "a numpy.random.Generator")
        return self._sample(rng, self._point("theta", theta), count("n", n))

    def statistics(self, x: ArrayLike) -> Array:
        """The sufficient statistics of each observation, shape (..., m)."""
        return np.array(self._statistics(self._observations(x)), dtype=float)

    def cross_entropy(self, theta: ArrayLike, mean: ArrayLike) -> Array:
        """E_data[-log p_theta] in nats, from the data mean of the statistics, shape (...).

        mean  shape (..., m): an average of `statistics` over data
        """
        return self._computed("theta", self._cross_entropy, *self._fitted(theta, mean))

    def cross_entropy_gradient(self, theta: ArrayLike, mean: ArrayLike) -> Array:
        """The gradient of `cross_entropy` in theta, shape (..., d)."""
        return self._computed("theta", self._cross_entropy_gradient, *self._fitted(theta, mean))

    def cross_entropy_hessian(self, theta: ArrayLike, mean: ArrayLike) -> Array:
        """The second derivatives of `cross_entropy` in theta, shape (..., d, d)."""
        return self._computed("theta", self._cross_entropy_hessian, *self._fitted(theta, mean))

    def covariant_hessian(self, theta: ArrayLike, mean: ArrayLike) -> Array:
        """The Riemannian Hessian of `cross_entropy`, a tensor: shape (..., d, d).

        The second derivatives less Gamma^k_ij times the gradient, in closed form: what is large in
        both near an edge, and cancels, is never computed. Errors as for `christoffel`.
        """
        return self._computed("theta", self._covariant_hessian, *self._fitted(theta, mean))

    def fisher_rao_distance(self, theta0: ArrayLike, theta1: ArrayLike) -> Array:
        """The length of the shortest path between two members in the Fisher metric, shape (...)."""
        return self._computed("theta1", self._fisher_rao_distance, *self._pair(theta0, theta1))

    def geodesic(self, theta: ArrayLike, velocity: ArrayLike, t: ArrayLike) -> Array:
        """The Fisher-Rao geodesic from ``theta``, shape (..., d); at t = 1 the exponential map.

        velocity  its velocity dtheta/dt at t = 0, shape (..., d)
        t         times, shape (...), broadcast with the points: 9 times and one point give (9, d)
        ValueError for a time at which it has left the model.
        """
        theta, velocity = self._point("theta", theta), vectors("velocity", velocity, self.dim)
        t = real_array("t", t)
        broadcast("velocity", velocity.shape[:-1], "theta", theta.shape[:-1])
        theta, velocity = np.broadcast_arrays(theta, velocity)
        broadcast("t", t.shape, "theta", theta.shape[:-1])
        with np.errstate(all="ignore"):
            there = self._geodesic(theta, velocity, t)
        require("t", inside(self, there), f"a time before the geodesic leaves {self!r}", t)
        return there

    def change_to(self, other: Model | str) -> ChangeOfChart:
        """The change from this chart to another one of the same family.

        It raises ValueError for a point of one chart whose image float64 cannot tell from the edge
        of the other (log-odds 40 are the probability 1.0).
        """
        target = self.in_chart(other) if isinstance(other, str) else other
        if not isinstance(target, Model) or target.in_chart(target.charts[0]) != self.in_chart(
            self.charts[0]
        ):
            raise ValueError(f"other: expected a chart of {self.name}, got {other!r}")

        def forward(theta: ArrayLike) -> Array:
            return _carried("theta", theta, self, target)

        def inverse(phi: ArrayLike) -> Array:
            return _carried("phi", phi, target, self)

        def jacobian(theta: ArrayLike) -> Array:
            theta = self._point("theta", theta)
            with np.errstate(all="ignore"):
                return representable("theta", self._jacobian(theta, target))

        return ChangeOfChart(self.chart, target.chart, self.dim, forward, inverse, jacobian)

    def _carry(self, theta: Array, target: Model) -> Array:
        """The same members in another chart; families with shorter ways between charts say so."""
        return target._from_base(self._to_base(theta))

    def _jacobian(self, theta: Array, target: Model) -> Array:
        """d(target's coordinates)/dtheta, shape (..., d, d)."""
        base = self._to_base(theta)
        return regular(np.linalg.solve(target._base_velocity(base), self._base_velocity(base)))

    def _christoffel(self, theta: Array) -> Array:
        raise ValueError(f"model: expected a family with a closed connection, got {self!r}")

    def _covariant_hessian(self, theta: Array, mean: Array) -> Array:
        H, g = self._cross_entropy_hessian(theta, mean), self._cross_entropy_gradient(theta, mean)
        return H - np.einsum("...kij,...k->...ij", self._christoffel(theta), g)

    def _cross_entropy_hessian(self, theta: Array, mean: Array) -> Array:
        raise ValueError(f"model: expected a family with closed second derivatives, got {self!r}")

    def _computed(self, name: str, f: Callable[..., Array], *arguments: Array) -> Array:
        """``f`` of checked arguments; ValueError where the result does not fit in float64."""
        with np.errstate(all="ignore"):
            return representable(name, f(*arguments))

    # -- checks -------------------------------------------------------------------------------

    def _point(self, name: str, theta: ArrayLike) -> Array:
        theta, all_inside = self._read(name, theta)
        if not all_inside:
            require(name, self._inside(theta), f"a point of {self!r} ({self._domain()})", theta)
        return theta

    def _read(self, name: str, theta: ArrayLike) -> tuple[Array, bool]:
        """Finite points, and whether all are in the domain; what is in a range is finite."""
        ranged = self.dim == 1 and self._range() is not None
        theta = vectors(name, theta, self.dim, copy=False, checked=not ranged)
        all_inside = self._all_inside(theta)
        return theta if all_inside or not ranged else finite_numbers(name, theta), all_inside

    def _pair(self, theta0: ArrayLike, theta1: ArrayLike) -> tuple[Array, Array]:
        theta0, theta1 = self._point("theta0", theta0), self._point("theta1", theta1)
        broadcast("theta0", theta0.shape[:-1], "theta1", theta1.shape[:-1])
        return theta0, theta1

    def _observations(self, x: ArrayLike) -> Array:
        x = real_array("x", x, copy=False)
        require("x", self._possible(x), self._outcomes(), x)
        return x

    def _observed(self, x: ArrayLike, theta: ArrayLike) -> tuple[Array, Array]:
        x, theta = self._observations(x), self._point("theta", theta)
        broadcast("x", x.shape, "theta", theta.shape[:-1])
        return x, theta

    def _range(self) -> tuple[float, float] | None:
        """The ends of the last coordinate, both legal, where the domain says no more than that."""
        return None

    def _inside(self, theta: Array) -> np.ndarray:
        low, high = self._range()
        return (theta[..., -1] >= low) & (theta[..., -1] <= high)

    def _all_inside(self, theta: Array) -> bool:
        """Whether every point is in the domain; a range is told by its ends, nothing written."""
        if self._range() is None or not theta.size:
            return bool(np.all(self._inside(theta)))
        low, high = self._range()
        return bool(theta[..., -1].min() >= low and theta[..., -1].max() <= high)

    def _data_mean(self, mean: ArrayLike) -> Array:
        mean = vectors("mean", mean, self.statistic_dim, copy=False)
        require("mean", self._attainable(mean), self._means(), mean)
        return mean

    def _fitted(self, theta: ArrayLike, mean: ArrayLike) -> tuple[Array, Array]:
        theta, mean = self._point("theta", theta), self._data_mean(mean)
        broadcast("mean", mean.shape[:-1], "theta", theta.shape[:-1])
        return theta, mean


def inside(model: Model, theta: Array) -> np.ndarray:
    """`in_domain` for a computed point, which may have overflowed."""
    if finite(theta):
        return model._inside(theta)
    fits = np.all(np.isfinite(theta), axis=-1)
    return fits & model._inside(np.where(fits[..., None], theta, 0.0))


def _carried(name: str, point: ArrayLike, source: Model, target: Model) -> Array:
    point = source._point(name, point)
    with np.errstate(all="ignore"):
        there = point.copy() if source == target else source._carry(point, target)
    require(name, inside(target, there), f"a point with an image in {target!r}", point)
    return there
