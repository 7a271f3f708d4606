"""Two Gaussian heaps of known width on the real line: w N(mu1, sigma^2) + (1 - w) N(mu2, sigma^2).

    chart               coordinates                         where the Fisher matrix is singular
    means               mu1, mu2                            on the diagonal mu1 = mu2
    mean, difference    w mu1 + (1 - w) mu2, mu1 - mu2      where the difference is 0

The Fisher matrix depends on one number, a = |mu1 - mu2|/(2 sigma). Along the two directions of
the second chart its entries are expectations of smooth functions, each computed by itself:

    F_mm = E[s_m^2],    F_md = a E[s_m (s_d/a)],    F_dd = a^2 E[(s_d/a)^2]      (sigma = 1)

so nothing is subtracted as the heaps merge: F_dd ~ 4 (w(1-w))^2 a^2 keeps its digits down to the
smallest a. Expectations are sums by the trapezoidal rule, which converges geometrically for
analytic integrands on the line (Trefethen & Weideman 2014); over many points the three functions
of a are read from a table of piecewise cubics.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import ArrayLike
from scipy.special import expit

from ngdlib.families import stable
from ngdlib.families.base import Model
from ngdlib.validate import Array, bound, number, representable, require

LOG_2PI = float(np.log(2 * np.pi))

#: Half-separations in units of sigma beyond which the heaps do not overlap in float64.
APART = 9.0
#: Cells of the table on [0, APART], and panels of the polynomials that it is made from.
CELLS, PANELS, DEGREE = 4608, 48, 20
#: Points in one pass: their table rows and temporaries stay in the processor's cache.
BLOCK = 4096
#: Quadratures over a target reach this many sigma beyond its outer means.
REACH = 9.5
#: Members whose means are so many sigma apart at most are compared by what changes between them.
NEAR = 0.03
#: Two members are compared (KL, its gradients) while all their means lie within so many sigma.
FARTHEST = 100.0


class GaussianMixture(Model):
    """w N(mu1, sigma^2) + (1 - w) N(mu2, sigma^2), with w and sigma known.

    sigma   the common standard deviation, in [1e-50, 1e50]
    weight  w, the weight of the first heap, in [0.001, 0.999]

    The Fisher matrix, its eigenvalues, determinant and inverse are accurate to relative 1e-11
    (entries: relative to the largest), however near the heaps are. Where they are one, the matrix
    is singular: what needs its inverse raises ValueError. This is no exponential family: it has
    no sufficient statistics, and its distances and geodesics have no closed form here.
    """

    family = "Gaussian mixture"
    charts = ("means", "mean, difference")
    statistic_dim = 0

    def __init__(self, chart: str = "means", *, sigma: float = 1.0, weight: float = 0.5) -> None:
        super().__init__(chart)
        self.sigma = number("sigma", sigma, above=0)
        if not 1e-50 <= self.sigma <= 1e50:
            raise ValueError(f"sigma: expected a number in [1e-50, 1e50], got {sigma!r}")
        self.weight = number("weight", weight)
        if not 1e-3 <= self.weight <= 1 - 1e-3:
            raise ValueError(f"weight: expected a number in [0.001, 0.999], got {weight!r}")

    @property
    def name(self) -> str:
        return f"{self.family} (sigma = {self.sigma!r}, weight = {self.weight!r})"

    @property
    def parameter_names(self) -> tuple[str, ...]:
        return ("mu1", "mu2") if self.chart == "means" else ("mean", "difference")

    def in_chart(self, chart: str) -> GaussianMixture:
        return GaussianMixture(chart, sigma=self.sigma, weight=self.weight)

    # -- what only this family has --------------------------------------------------------------

    def separation(self, theta: ArrayLike) -> Array:
        """|mu1 - mu2| / sigma, shape (...)."""
        return 2 * np.abs(self._half_gap(self._point("theta", theta)))

    def eigenvalues(self, theta: ArrayLike) -> Array:
        """The eigenvalues of the Fisher matrix, ascending, shape (..., 2).

        Equal weights, chart means: the eigenvectors are (1, -1) and (1, 1); which of them has the
        smaller eigenvalue depends on the separation.
        """
        theta = self._point("theta", theta)
        f = self._fisher(theta) * self.sigma**2
        trace = f[..., 0, 0] + f[..., 1, 1]
        gap = np.hypot(f[..., 0, 0] - f[..., 1, 1], 2 * f[..., 0, 1])
        large = (trace + gap) / 2
        return np.stack([self._unit_determinant(theta) / large, large], axis=-1) / self.sigma**2

    def determinant(self, theta: ArrayLike) -> Array:
        """det F, shape (...), to relative 1e-11; 0 on the diagonal and where it underflows."""
        return self._determinant(self._point("theta", theta))

    def inverse_fisher(self, theta: ArrayLike) -> Array:
        """F^-1, shape (..., d, d). ValueError where the heaps are one and F is singular."""
        theta = self._apart(self._point("theta", theta))
        a = np.abs(self._half_gap(theta))
        mm, md, dd = _parts(a, self.weight)
        det = mm * dd - md**2
        inverse = np.empty((*a.shape, 2, 2))
        inverse[..., 0, 0] = dd / det
        inverse[..., 0, 1] = inverse[..., 1, 0] = -md / det / a
        inverse[..., 1, 1] = mm / det / a**2
        back = self._from_differences()
        with np.errstate(over="ignore", invalid="ignore"):
            inverse = self.sigma**2 * np.einsum("ik,...kl,jl->...ij", back, inverse, back)
        return representable("theta", inverse)

    def kl_gradient(self, theta: ArrayLike, target: ArrayLike) -> Array:
        """The gradient of KL(p_target || p_theta) in theta, shape (..., d).

        target  a point of this chart, shape (..., d); all means within 100 sigma of each other
        """
        theta, target = self._targeted(theta, target)
        g_m, g_d = self._gradient(theta, target)
        along = np.stack([g_m, g_d * self._half_gap(theta)], axis=-1) / self.sigma
        return np.einsum("...j,ji->...i", along, self._to_differences())

    def natural_gradient(self, theta: ArrayLike, target: ArrayLike) -> Array:
        """F^-1 times the gradient of KL(p_target || p_theta), shape (..., d).

        Solved along mean and difference, and so as accurate beside the diagonal as far from it.
        ValueError where the heaps of theta are one: the slope along the difference is 0 there
        and so is F, and their quotient depends on the way one came.
        """
        theta, target = self._targeted(theta, target)
        half = self._half_gap(self._apart(theta))
        g_m, g_d = self._gradient(theta, target)
        mm, md, dd = _parts(np.abs(half), self.weight)
        md = np.sign(half) * md
        # [mm, h md; h md, h^2 dd] n = [g_m, h g_d], the second row divided by h
        det = mm * dd - md**2
        n_m = (dd * g_m - md * g_d) / det
        n_d = (mm * g_d - md * g_m) / det / half
        n = self.sigma * np.stack([n_m, n_d], axis=-1)
        return np.einsum("ij,...j->...i", self._from_differences(), n)

    def responsibility(self, x: ArrayLike, theta: ArrayLike) -> Array:
        """The probability that x came from the first heap, shape of x and theta broadcast."""
        u, half = self._centred(*self._observed(x, theta))
        return expit(-2 * (u * half) - np.log(1 / self.weight - 1))

    # -- Model ----------------------------------------------------------------------------------

    def _inside(self, theta: Array) -> np.ndarray:
        limit = 1e50 * self.sigma
        if self.chart == "means" and bound(theta) < limit:
            return np.ones(theta.shape[:-1], dtype=bool)
        with np.errstate(all="ignore"):
            return np.all(np.abs(self._to_base(theta)) < limit, axis=-1)

    def _domain(self) -> str:
        return "means below 1e50 sigma"

    def _possible(self, x: Array) -> np.ndarray:
        return np.abs(x) < 1e100

    def _outcomes(self) -> str:
        return "real numbers below 1e100"

    def _statistics(self, x: Array) -> Array:
        raise ValueError(
            f"model: expected a family with sufficient statistics of fixed size, got {self!r}"
        )

    def _data_mean(self, mean: ArrayLike) -> Array:
        return self._statistics(mean)

    def _cross_entropy(self, theta: Array, mean: Array) -> Array:
        return self._statistics(mean)

    _cross_entropy_gradient = _cross_entropy

    def _fisher_rao_distance(self, theta0: Array, theta1: Array) -> Array:
        raise ValueError(
            f"model: expected a family with closed distances, got {self!r}; see ngdlib.geodesics"
        )

    def _geodesic(self, theta: Array, velocity: Array, t: Array) -> Array:
        raise ValueError(
            f"model: expected a family with closed geodesics, got {self!r}; see ngdlib.geodesics"
        )

    # The base chart is that of the means.

    def _to_base(self, theta: Array) -> Array:
        if self.chart == "means":
            return theta
        return np.einsum("ij,...j->...i", self._base_matrix(), theta)

    def _from_base(self, base: Array) -> Array:
        if self.chart == "means":
            return base.copy()
        w = self.weight
        mean = w * base[..., 0] + (1 - w) * base[..., 1]
        return np.stack([mean, base[..., 0] - base[..., 1]], axis=-1)

    def _base_velocity(self, base: Array) -> Array:
        return np.broadcast_to(self._base_matrix(), (*base.shape[:-1], 2, 2))

    def _base_matrix(self) -> Array:
        """d(mu1, mu2)/dtheta."""
        w = self.weight
        return np.eye(2) if self.chart == "means" else np.array([[1.0, 1 - w], [1.0, -w]])

    def _to_differences(self) -> Array:
        """d(mean, difference)/dtheta."""
        w = self.weight
        return np.array([[w, 1 - w], [1.0, -1.0]]) if self.chart == "means" else np.eye(2)

    def _from_differences(self) -> Array:
        """dtheta/d(mean, difference)."""
        w = self.weight
        return np.array([[1.0, 1 - w], [1.0, -w]]) if self.chart == "means" else np.eye(2)

    def _half_gap(self, theta: Array) -> Array:
        """h = (mu2 - mu1)/(2 sigma), with its sign."""
        gap = theta[..., 0] - theta[..., 1] if self.chart == "means" else theta[..., 1]
        return -gap / (2 * self.sigma)

    def _centred(self, x: Array, theta: Array) -> tuple[Array, Array]:
        """x from the midpoint of the means, and the half-gap, in units of sigma."""
        means = self._to_base(theta)
        return (x - (means[..., 0] + means[..., 1]) / 2) / self.sigma, self._half_gap(theta)

    def _log_density(self, x: Array, theta: Array) -> Array:
        return _log_density(*self._centred(x, theta), self.weight) - np.log(self.sigma)

    def _score(self, x: Array, theta: Array) -> Array:
        u, half = self._centred(x, theta)
        s_m, s_d = _scores(u, half, self.weight)
        along = np.stack([s_m, half * s_d], axis=-1) / self.sigma
        return np.einsum("...j,ji->...i", along, self._to_differences())

    def _fisher(self, theta: Array) -> Array:
        points, entries = theta.reshape(-1, 2), _entries(self.weight, self.chart)
        twins = self.weight == 0.5 and self.chart == "means"  # F22 = F11
        fisher = np.empty((len(points), 4))
        for start in range(0, len(points), BLOCK):
            here = fisher[start : start + BLOCK]
            a = np.abs(self._half_gap(points[start : start + BLOCK]))
            cell, passed = _cell(a)
            for k, cubics in zip((0, 1, 3), entries, strict=True):
                here[:, k] = here[:, 0] if twins and k == 3 else _value(cubics, cell, passed)
            if self.chart != "means":  # the entry along the difference grows from a^2 to a constant
                here[:, 1] *= a
            here[:, 2] = here[:, 1]
            here /= self.sigma**2
        return fisher.reshape(*theta.shape[:-1], 2, 2)

    def _determinant(self, theta: Array) -> Array:
        return self._unit_determinant(theta) / self.sigma**4

    def _unit_determinant(self, theta: Array) -> Array:
        """det F for sigma = 1."""
        a = np.abs(self._half_gap(theta))
        mm, md, dd = _parts(a, self.weight)
        return np.linalg.det(self._to_differences()) ** 2 * a**2 * (mm * dd - md**2)

    def _kl(self, theta0: Array, theta1: Array) -> Array:
        theta0, theta1 = np.broadcast_arrays(theta0, theta1)
        total = np.zeros(theta0.shape[:-1])
        close = self._close(theta0, theta1)
        for x, dx in self._grid(theta0, theta1):
            l0 = self._log_density(x, theta0[..., None, :])
            r = self._log_density(x, theta1[..., None, :]) - l0
            if close.any():
                at = x[close], theta0[close][:, None], theta1[close][:, None]
                r[close] = self._near_ratio(*at)
            # p0 (e^r - 1 - r) = p1 - p0 - p0 r: the same integral, and no term is negative
            near = np.exp(l0) * stable.exp_remainder(np.minimum(r, 1.0))
            far = np.exp(r + l0) - np.exp(l0) * (1 + r)
            total += dx * np.where(r < 1, near, far).sum(axis=-1)
        return total

    def _close(self, theta0: Array, theta1: Array) -> np.ndarray:
        """Where `_near_ratio` tells two members apart."""
        return np.abs(self._to_base(theta1 - theta0)).max(axis=-1) < NEAR * self.sigma

    def _near_ratio(self, x: Array, theta0: Array, theta1: Array) -> Array:
        """log p1/p0 of near members, where a difference of logarithms would lose its digits.

        p1/p0 is the mean of e^d over the heaps that x may be from, d the log ratio of a heap:
        1 + (its linear part, the score times the step) + (what is left, of second order).
        """
        steps = self._to_base(theta1 - theta0) / self.sigma
        along = np.einsum("ij,...j->...i", self._to_differences(), theta1 - theta0) / self.sigma
        d = steps * (x[..., None] - self._to_base(theta0)) / self.sigma - steps**2 / 2
        u, half = self._centred(x, theta0)
        r = expit(-2 * u * half - np.log(1 / self.weight - 1))
        s_m, s_d = _scores(u, half, self.weight)
        rest = stable.exp_remainder(d) - steps**2 / 2
        linear = s_m * along[..., 0] + half * s_d * along[..., 1]
        return np.log1p(linear + r * rest[..., 0] + (1 - r) * rest[..., 1])

    def _gradient(self, theta: Array, target: Array) -> tuple[Array, Array]:
        """-E_target of the scores along m and, divided by h, along d; in units of sigma."""
        theta, target = np.broadcast_arrays(theta, target)
        g_m, g_d = np.zeros((2, *theta.shape[:-1]))
        close = self._close(theta, target)
        for x, dx in self._grid(target, theta):
            p = np.exp(self._log_density(x, target[..., None, :]))
            if close.any():  # p less p_theta, under which the scores have mean zero
                at = x[close], theta[close][:, None], target[close][:, None]
                p[close] = np.exp(self._log_density(*at[:2])) * np.expm1(self._near_ratio(*at))
            s_m, s_d = _scores(*self._centred(x, theta[..., None, :]), self.weight)
            g_m -= dx * (p * s_m).sum(axis=-1)
            g_d -= dx * (p * s_d).sum(axis=-1)
        return g_m, g_d

    def _grid(self, theta0: Array, theta1: Array) -> Iterator[tuple[Array, Array]]:
        """Nodes x, shape (..., n), and weights of the trapezoidal rule for integrals of what two
        members give; in passes that keep temporaries small."""
        means = np.concatenate([self._to_base(theta0), self._to_base(theta1)], axis=-1) / self.sigma
        low, high = means.min(axis=-1) - REACH, means.max(axis=-1) + REACH
        largest = max(np.max(np.abs(self._half_gap(t)), initial=0.0) for t in (theta0, theta1))
        n = int(np.ceil(np.max(high - low, initial=1.0) / _step(largest)))
        dx = self.sigma * (high - low) / n
        at_once = max(1, 2**18 // max(1, low.size))
        for start in range(0, n + 1, at_once):
            k = np.arange(start, min(start + at_once, n + 1))
            yield self.sigma * low[..., None] + dx[..., None] * k, dx

    def _sample(self, rng: np.random.Generator, theta: Array, n: int) -> np.ndarray:
        means, size = self._to_base(theta)[..., None, :], (*theta.shape[:-1], n)
        centre = np.where(rng.random(size) < self.weight, means[..., 0], means[..., 1])
        return centre + self.sigma * rng.standard_normal(size)

    # -- checks ---------------------------------------------------------------------------------

    def _apart(self, theta: Array) -> Array:
        apart = np.abs(self._half_gap(theta)) > 1e-150
        require("theta", apart, "two different means (F is singular on mu1 = mu2)", theta)
        return theta

    def _pair(self, theta0: ArrayLike, theta1: ArrayLike) -> tuple[Array, Array]:
        theta0, theta1 = super()._pair(theta0, theta1)
        b0, b1 = np.broadcast_arrays(self._to_base(theta0), self._to_base(theta1))
        reach = np.ptp(np.concatenate([b0, b1], axis=-1), axis=-1)
        expected = f"two members whose means lie within {FARTHEST:g} sigma of each other"
        require("theta1", reach < FARTHEST * self.sigma, expected, b1)
        return theta0, theta1

    def _targeted(self, theta: ArrayLike, target: ArrayLike) -> tuple[Array, Array]:
        target, theta = self._pair(target, theta)
        return theta, target


def _log_density(u: Array, half: Array, w: float) -> Array:
    """The log density at u from the midpoint, for sigma = 1: no large terms are subtracted."""
    z, c = u * half, np.log(1 / w - 1) / 2
    side = np.where(z < 0, -c, c)
    mixed = np.logaddexp(side, -2 * np.abs(z) - side)  # log(2 cosh(z + c)) - |z|
    return mixed - (np.abs(u) - np.abs(half)) ** 2 / 2 + (np.log(w * (1 - w)) - LOG_2PI) / 2


def _scores(u: Array, half: Array, w: float) -> tuple[Array, Array]:
    """The score along the mean and, divided by ``half``, along the difference; sigma = 1.

    With r the responsibility of the first heap: s_m = u + h (2 r - 1) and
    s_d/h = u (r - w)/h + r (1 - w) + (1 - r) w, where (r - w)/h is a quotient of sinh: finite at 0.
    """
    z = u * half
    r = expit(-2 * z - np.log(1 / w - 1))
    twice = 2 * np.abs(z)
    sinhc = np.where(twice > 0, -np.expm1(-twice) / np.where(twice > 0, twice, 1.0), 1.0)
    falls, rises = np.exp(np.minimum(-2 * z, 0.0)), np.exp(np.minimum(2 * z, 0.0))
    lean = -2 * w * (1 - w) * u * sinhc / (w * falls + (1 - w) * rises)
    return u + half * (2 * r - 1), u * lean + r * (1 - w) + (1 - r) * w


def _step(a: float) -> float:
    """The step of the trapezoidal rule: the integrands have poles at distance pi/(2a)."""
    return min(1 / 16, np.pi**2 / (38 * max(a, 1e-9)))


def _exact_parts(a: Array, w: float) -> Array:
    """E s_m^2, E s_m s_d/a and E (s_d/a)^2 at half-gaps ``a``, shape (3, n), by quadrature."""
    n = int(np.ceil((APART + REACH) / _step(APART)))
    u = np.linspace(-APART - REACH, APART + REACH, 2 * n + 1)
    a = a[:, None]
    p = np.exp(_log_density(u, a, w)) * (u[1] - u[0])
    s_m, s_d = _scores(u, a, w)
    return np.stack([(p * f).sum(axis=-1) for f in (s_m**2, s_m * s_d, s_d**2)])


def _cubics(f: Callable[[Array], Array], beyond: Sequence[float]) -> Array:
    """Functions of a as cubics in the part of a cell that is passed: shape (k, 4, CELLS + 1).

    f       a (n,) -> values (k, n); interpolated by polynomials of high degree on a few panels,
            from which each cell takes its cubic
    beyond  the k constants that serve from APART on
    """
    width, panel, per_panel = APART / CELLS, APART / PANELS, CELLS // PANELS
    nodes = np.cos(np.pi * (np.arange(DEGREE + 1) + 0.5) / (DEGREE + 1))
    at = np.cos(np.pi * (np.arange(4) + 0.5) / 4)  # in a cell, from -1 to 1
    to_powers = np.linalg.inv(((at[:, None] + 1) / 2) ** np.arange(4))
    inside = (np.arange(per_panel)[:, None] + (at + 1) / 2) * width / panel * 2 - 1
    cubics = np.zeros((len(beyond), 4, CELLS + 1))
    for k in range(PANELS):
        values = f(panel * (k + (nodes + 1) / 2))
        cells = chebyshev.chebval(inside, chebyshev.chebfit(nodes, values.T, DEGREE))
        here = slice(k * per_panel, (k + 1) * per_panel)
        cubics[:, :, here] = np.moveaxis(cells @ to_powers.T, 2, 1)
    cubics[:, 0, CELLS] = beyond
    return cubics


@lru_cache(maxsize=32)
def _table(w: float) -> Array:
    """The three functions of `_exact_parts`, the last one times 1 + a^2: it falls like 1/a^2."""

    def f(a: Array) -> Array:
        mm, md, dd = _exact_parts(a, w)
        return np.stack([mm, md, dd * (1 + a**2)])

    return _cubics(f, (1.0, 0.0, w * (1 - w)))


@lru_cache(maxsize=32)
def _entries(w: float, chart: str) -> Array:
    """F11, F12, F22 for sigma = 1 in a chart (along mean and difference: F12/a)."""

    def f(a: Array) -> Array:
        mm, md, dd = _exact_parts(a, w)
        if chart != "means":
            return np.stack([mm, md, dd * a**2])
        mixed, between = md * a, dd * a**2
        return np.stack(
            [
                w**2 * mm + 2 * w * mixed + between,
                w * (1 - w) * mm + (1 - 2 * w) * mixed - between,
                (1 - w) ** 2 * mm - 2 * (1 - w) * mixed + between,
            ]
        )

    return _cubics(f, (w, 0.0, 1 - w) if chart == "means" else (1.0, 0.0, w * (1 - w)))


def _cell(a: Array) -> tuple[Array, Array]:
    passed = np.minimum(a * (CELLS / APART), float(CELLS))
    cell = passed.astype(np.intp)
    passed -= cell
    return cell, passed


def _value(cubics: Array, cell: Array, passed: Array) -> Array:
    value = cubics[3].take(cell)
    for k in (2, 1, 0):
        value *= passed
        value += cubics[k].take(cell)
    return value


def _parts(a: Array, w: float) -> Array:
    """The three functions of `_exact_parts` at half-gaps ``a`` >= 0, shape (3, ...)."""
    cell, passed = _cell(np.atleast_1d(a))
    mm, md, dd = (_value(cubics, cell, passed) for cubics in _table(w))
    beyond = cell == CELLS
    dd = dd / np.where(beyond, np.inf, 1 + np.minimum(a, APART) ** 2)
    dd += np.where(beyond, w * (1 - w) / np.maximum(a, APART) ** 2, 0.0)
    return np.stack([mm, md, dd]).reshape(3, *np.shape(a))
