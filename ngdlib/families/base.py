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
    bound,
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

#: Points in one pass of `in_blocks`.
BLOCK = 16384


class Model:
    """A family of distributions in one chart. Immutable; subclasses supply the closed forms.

    A subclass gives `charts` and, for checked float64 arrays, the methods with an underscore.
    """

    family: str
    charts: tuple[str, ...]
    statistic_dim: int
    has_geodesics = has_connection = False  # in closed form
    fisher_fits = False  # in float64, at every point of the domain: it need not be looked at
    in_passes = False  # closed forms write much on the way: long lists of points by `in_blocks`

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
        theta = vectors("theta", theta, self.dim, copy=False, checked=False)
        if self._sure(theta):
            return np.ones(theta.shape[:-1], dtype=bool)
        return np.asarray(self._inside(finite_numbers("theta", theta)))

    def log_density(self, x: ArrayLike, theta: ArrayLike) -> Array:
        """log p_theta(x) in nats, shape of ``x`` broadcast with the batch shape of ``theta``."""
        return self._computed("theta", self._log_density, *self._observed(x, theta))

    def score(self, x: ArrayLike, theta: ArrayLike) -> Array:
        """The gradient of log p_theta(x) in theta, shape (..., d)."""
        return self._computed("theta", self._score, *self._observed(x, theta))

    def fisher(self, theta: ArrayLike) -> Array:
        """The Fisher matrix E[s s^T] of one observation, shape (..., d, d)."""
        theta = self._point("theta", theta)
        return self._computed("theta", self._fisher, theta, fits=self.fisher_fits)

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
        return np.array(self._computed("x", self._statistics, self._observations(x)), dtype=float)

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

    def _computed(
        self, name: str, f: Callable[..., Array], *arguments: Array, fits: bool = False
    ) -> Array:
        """``f`` of checked arguments; ValueError where the result does not fit in float64."""
        with np.errstate(all="ignore"):
            value = in_blocks(f, *arguments) if self.in_passes else f(*arguments)
        return value if fits else representable(name, value)

    # -- checks -------------------------------------------------------------------------------

    def _point(self, name: str, theta: ArrayLike) -> Array:
        theta = vectors(name, theta, self.dim, copy=False, checked=False)
        if not self._sure(theta):
            inside = self._inside(finite_numbers(name, theta))
            if not inside.all():
                require(name, inside, f"a point of {self!r} ({self._domain()})", theta)
        return theta

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

    def _sure(self, theta: Array) -> bool:
        """Whether two readings, in which no memory is written, show that all points are inside."""
        if (ends := self._range()) is None or not theta.size:
            return False
        (low, high), last = ends, theta[..., -1]
        if self.dim == 1:
            return last.min() >= low and last.max() <= high
        most = bound(theta)  # often it makes one of the ends sure
        above = -most >= low or last.min() >= low
        return above and most < np.inf and (most <= high or last.max() <= high)

    def _inside(self, theta: Array) -> np.ndarray:
        """Where finite points are in the domain; if that is a range, no other point is in it."""
        (low, high), last = self._range(), theta[..., -1]
        inside = (last >= low) & (last <= high)
        return inside if finite(theta) else inside & np.all(np.isfinite(theta), axis=-1)

    def _data_mean(self, mean: ArrayLike) -> Array:
        mean = vectors("mean", mean, self.statistic_dim, copy=False)
        require("mean", self._attainable(mean), self._means(), mean)
        return mean

    def _fitted(self, theta: ArrayLike, mean: ArrayLike) -> tuple[Array, Array]:
        theta, mean = self._point("theta", theta), self._data_mean(mean)
        broadcast("mean", mean.shape[:-1], "theta", theta.shape[:-1])
        return theta, mean


def in_blocks(f: Callable[..., Array], *points: Array, axis: int = 0) -> Array:
    """``f`` of long lists of points, shapes (n, d), a block of rows at a time.

    What it writes on the way is small then: it stays in the processor's cache, and in memory that
    the process has already. ``axis``: that of the n results. Fewer than four blocks, and arrays of
    other shapes, go in whole.
    """
    n = len(points[0]) if points[0].ndim else 0
    if n < 4 * BLOCK or any(each.ndim != 2 or len(each) != n for each in points):
        return f(*points)
    whole = None
    for start in range(0, n, BLOCK):
        rows = slice(start, start + BLOCK)
        part = f(*(each[rows] for each in points))
        if whole is None:
            whole = np.empty((*part.shape[:axis], n, *part.shape[axis + 1 :]))
        whole[(slice(None),) * axis + (rows,)] = part
    return whole


def inside(model: Model, theta: Array) -> np.ndarray:
    """`in_domain` for a computed point, which may have overflowed."""
    if model._sure(theta):
        return np.ones(theta.shape[:-1], dtype=bool)
    if model._range() is not None or finite(theta):
        return model._inside(theta)
    fits = np.all(np.isfinite(theta), axis=-1)
    return fits & model._inside(np.where(fits[..., None], theta, 0.0))


def _carried(name: str, point: ArrayLike, source: Model, target: Model) -> Array:
    point = source._point(name, point)
    with np.errstate(all="ignore"):
        there = point.copy() if source == target else source._carry(point, target)
    require(name, inside(target, there), f"a point with an image in {target!r}", point)
    return there
