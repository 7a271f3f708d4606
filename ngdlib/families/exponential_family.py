"""The general exponential family, given by its log-partition function A.

p_eta(x) = h(x) exp(eta . T(x) - A(eta)). Mean of T: m = grad A. Fisher matrix in the natural
parameters: the Hessian of A; in the expectation parameters m: its inverse. KL divergence: the
Bregman divergence of A, KL(p_0 || p_1) = A(eta_1) - A(eta_0) - grad A(eta_0) . (eta_1 - eta_0).
(Amari & Nagaoka 2000, section 3.5; Wainwright & Jordan 2008, section 3.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import mpmath as mp
import numpy as np
import sympy as sp
from numpy.typing import ArrayLike

from ngdlib.families import careful
from ngdlib.families.base import Model
from ngdlib.validate import Array, instance, invertible, one_of, require, vectors


class ExponentialFamily(Model):
    """An exponential family from a sympy log-partition function.

    log_partition  A, an expression in ``symbols``
    symbols        the natural parameters eta_1, ..., eta_d
    statistic      x -> T(x), arrays of shape (...) -> (..., d)
    log_base       x -> log h(x), shape (...) -> (...); -inf outside the support
    domain         eta (..., d) -> bool (...): where A is finite
    chart          "natural" or "expectation"
    start          a point of the domain, from which expectation parameters are solved for
    mean_domain    optional m (..., d) -> bool (...): the means that members have; without it a
                   mean near the edge counts where the solver finds a member within rounding
    sampler        optional (rng, eta, n) -> (..., n); without it `sample` raises ValueError

    What comes from A holds to a relative 1e-13: where float64 cannot give that, and always in the
    expectation chart and for Christoffel symbols, it is computed by mpmath, about a millisecond a
    point. Two families are equal where A, symbols, statistic, base and domain are the same.
    """

    family = "Exponential family"
    has_connection = True
    charts = ("natural", "expectation")

    def __init__(
        self,
        log_partition: sp.Expr,
        symbols: Sequence[sp.Symbol],
        statistic: Callable[[Array], Array],
        log_base: Callable[[Array], Array],
        domain: Callable[[Array], np.ndarray],
        chart: str = "natural",
        *,
        start: ArrayLike,
        mean_domain: Callable[[Array], np.ndarray] | None = None,
        sampler: Callable[..., np.ndarray] | None = None,
    ) -> None:
        instance("log_partition", log_partition, sp.Expr, "a sympy expression")
        symbols = tuple(symbols) if isinstance(symbols, Iterable) else (symbols,)
        if not symbols or not all(isinstance(s, sp.Symbol) for s in symbols):
            raise ValueError(f"symbols: expected sympy symbols, got {symbols!r}")
        extra = log_partition.free_symbols - set(symbols)
        if extra:
            raise ValueError(f"log_partition: expected only {symbols}, got also {extra}")
        for name, given in (("statistic", statistic), ("log_base", log_base), ("domain", domain)):
            instance(name, given, Callable, "a function")
        self.log_partition, self.symbols = log_partition, symbols
        self.statistic, self.log_base, self.domain = statistic, log_base, domain
        self.mean_domain, self.sampler = mean_domain, sampler
        self.start = vectors("start", start, len(symbols))
        require("start", np.asarray(domain(self.start)), "a point of the domain", self.start)
        self.statistic_dim = len(symbols)
        super().__init__(chart)
        gradient = [sp.diff(log_partition, s) for s in symbols]
        hessian = [sp.diff(g, s) for g in gradient for s in symbols]
        third = [sp.diff(h, s) for h in hessian for s in symbols]
        self._A = careful.evaluator(symbols, [log_partition])
        self._mean = careful.evaluator(symbols, gradient)
        self._hessian = careful.evaluator(symbols, hessian)
        self._digits = [careful.digits(symbols, e) for e in ([log_partition], gradient, hessian)]
        self._roots: dict[tuple[float, ...], tuple[float, ...]] = {}
        self._third = careful.digits(symbols, third)

    @property
    def name(self) -> str:
        return f"{self.family} with A = {self.log_partition}"

    def _key(self) -> tuple:
        functions = self.statistic, self.log_base, self.domain, self.mean_domain
        return self.chart, self.log_partition, self.symbols, *functions

    def in_chart(self, chart: str) -> ExponentialFamily:
        one_of("chart", chart, self.charts)
        twin = object.__new__(type(self))  # what was compiled is shared
        vars(twin).update(vars(self) | {"chart": chart})
        return twin

    @property
    def parameter_names(self) -> tuple[str, ...]:
        letter = "eta" if self.chart == "natural" else "m"
        return tuple(f"{letter}{k + 1}" for k in range(len(self.symbols)))

    # The base chart is the natural one.

    def _to_base(self, theta: Array) -> Array:
        if self.chart == "natural":
            return theta
        return self._settled(lambda m: list(self._exact(m)), theta)

    def _point(self, name: str, theta: ArrayLike) -> Array:
        theta = super()._point(name, theta)
        if self.chart == "expectation":  # a mean that is too far for the solver is refused in words
            for m in theta.reshape(-1, self.dim):
                self._root(tuple(m.tolist()))
        return theta

    def _root(self, m: tuple[float, ...]) -> tuple[float, ...]:
        """`_solve`, remembered: one point is asked for again with more and more digits."""
        if m not in self._roots:
            if len(self._roots) > 1000:
                self._roots.clear()
            self._roots[m] = tuple(self._solve(np.array(m)).tolist())
        return self._roots[m]

    def _solve(self, m: Array) -> Array:
        """The natural parameters whose mean is ``m``: the unique root of grad A(eta) - m.

        Newton's method on the convex function A(eta) - eta . m.
        """
        eta = self.start.copy()
        for _ in range(500):
            gap = self._mean(eta) - m
            covariance = self._covariance(eta)
            if not (np.all(np.isfinite(gap)) and invertible(covariance)):
                break
            step = -np.linalg.solve(covariance, gap)
            size, decrease = 1.0, gap @ step
            # Short beside the unit of Fisher length, or all rounding: `_exact` goes the rest.
            if -decrease < 1e-16 or np.all(np.abs(step) <= 1e-13 * np.abs(eta)):
                return eta
            while size > 1e-12:
                trial = eta + size * step
                # Near the root the values of A - eta . m are all rounding: a full step is right.
                if self.domain(trial) and (
                    -decrease < 1e-6 or self._rise(eta, size * step, m) <= 0.25 * size * decrease
                ):
                    break
                size /= 2
            else:
                break
            eta = trial
        raise ValueError(
            "theta: expected means that the family attains, and the solver from `start` on, "
            f"got {m.tolist()}"
        )

    def _rise(self, eta: Array, step: Array, m: Array) -> float:
        return (self._A(eta + step) - self._A(eta)).item() - step @ m

    def _exact(self, theta: list) -> mp.matrix:
        """The natural parameters of a point, in mpmath numbers at the precision in force."""
        if self.chart == "natural":
            return mp.matrix(theta)
        eta = mp.matrix(list(self._root(tuple(float(x) for x in theta))))
        _, mean, _ = self._digits
        for _ in range(60):
            gap = mp.matrix(mean(list(eta))) - mp.matrix(theta)
            step = mp.lu_solve(self._exact_covariance(eta), gap)
            eta = eta - step
            if mp.norm(step, mp.inf) <= mp.eps * 100 * (1 + mp.norm(eta, mp.inf)):
                break
        return eta

    def _exact_covariance(self, eta: mp.matrix) -> mp.matrix:
        d, entries = self.dim, self._digits[2](list(eta))
        return mp.matrix([entries[k * d : (k + 1) * d] for k in range(d)])

    def _settled(self, f: Callable, *points: Array) -> Array:
        """``f`` of mpmath parameters, point by point, each to 1e-16: see `careful.settled`."""
        points = np.broadcast_arrays(*points)
        shape = points[0].shape[:-1]
        flat = [point.reshape(-1, point.shape[-1]) for point in points]
        values = [careful.settled(f, *each) for each in zip(*flat, strict=True)]
        if not values:  # an empty batch: the shape of one result, from a member that there is
            member = self._from_base(self.start)
            return np.empty((*shape, *np.shape(careful.settled(f, *(member for _ in points)))))
        one = max(map(np.shape, values), key=len)  # what no digits settle is an infinite number
        values = [np.broadcast_to(value, one) for value in values]
        return np.array(values).reshape((*shape, *one))

    def _from_base(self, base: Array) -> Array:
        return base.copy() if self.chart == "natural" else self._mean(base)

    def _jacobian(self, theta: Array, target: ExponentialFamily) -> Array:
        if self.chart == target.chart:
            return np.broadcast_to(np.eye(self.dim), (*theta.shape, self.dim)).copy()
        return self._fisher(theta)  # dm/deta = F; in the expectation chart deta/dm is F, too

    def _covariance(self, eta: Array) -> Array:
        return self._hessian(eta).reshape(*eta.shape[:-1], self.dim, self.dim)

    def _inside(self, theta: Array) -> np.ndarray:
        if self.chart == "natural":
            return np.logical_and(np.ones(theta.shape[:-1]), self.domain(theta))
        if self.mean_domain is not None:
            return np.logical_and(np.ones(theta.shape[:-1]), self.mean_domain(theta))
        members = [self._has_member(m) for m in theta.reshape(-1, self.dim)]
        return np.array(members, dtype=bool).reshape(theta.shape[:-1])

    def _has_member(self, m: Array) -> bool:
        try:
            return bool(self._root(tuple(m.tolist())))
        except ValueError:
            return False

    def _domain(self) -> str:
        return "where A is finite" if self.chart == "natural" else "a mean that some member has"

    def _possible(self, x: Array) -> np.ndarray:
        return np.isfinite(self.log_base(x))

    def _outcomes(self) -> str:
        return "outcomes of positive base density"

    def _attainable(self, mean: Array) -> np.ndarray:
        return np.ones(mean.shape[:-1], dtype=bool)

    def _means(self) -> str:
        return "means of the statistics"

    def _statistics(self, x: Array) -> Array:
        return self.statistic(x)

    def _log_density(self, x: Array, theta: Array) -> Array:
        eta = self._to_base(theta)
        return self.log_base(x) + np.sum(self.statistic(x) * eta, axis=-1) - self._A(eta)[..., 0]

    def _score(self, x: Array, theta: Array) -> Array:
        return -self._cross_entropy_gradient(theta, self.statistic(x))

    def _fisher(self, theta: Array) -> Array:
        if self.chart == "natural":
            return self._covariance(theta)
        return self._settled(lambda m: self._inverse(self._exact(m)).tolist(), theta)

    def _inverse(self, eta: mp.matrix) -> mp.matrix:
        """The Fisher matrix in the expectation chart: that in the natural one, inverted."""
        return mp.inverse(self._exact_covariance(eta))

    def _cube(self, eta: mp.matrix) -> np.ndarray:
        """The third derivatives of A."""
        return np.array(self._third(list(eta)), dtype=object).reshape((self.dim,) * 3)

    def _christoffel(self, theta: Array) -> Array:
        """F^-1 T/2 with T the third derivatives; in the other chart -T/2 with F^-1 on two sides."""

        def symbols(point: list) -> list:
            eta = self._exact(point)
            G = np.array(self._inverse(eta).tolist(), dtype=object)
            T = self._cube(eta) / 2
            if self.chart == "natural":
                return np.einsum("il,ljk->ijk", G, T).tolist()
            return (-np.einsum("ibc,bj,ck->ijk", T, G, G)).tolist()

        return self._settled(symbols, theta)

    def _cross_entropy_hessian(self, theta: Array, mean: Array) -> Array:
        shape = np.broadcast_shapes(theta.shape, mean.shape)
        if self.chart == "natural":
            return np.broadcast_to(self._covariance(theta), (*shape, self.dim)).copy()
        return self._hessian_of_loss(theta, mean, 1)

    def _covariant_hessian(self, theta: Array, mean: Array) -> Array:
        return self._hessian_of_loss(theta, mean, 0)

    def _hessian_of_loss(self, theta: Array, mean: Array, plain: int) -> Array:
        """F - T F^-1 g/2 in the natural chart, g = m - mean; in the other one F^-1 on both sides.

        There the plain second derivatives have T F^-1 g where the covariant ones have half of it.
        """

        def hessian(point: list, data: list) -> list:
            eta = self._exact(point)
            F = np.array(self._exact_covariance(eta).tolist(), dtype=object)
            G = np.array(self._inverse(eta).tolist(), dtype=object)
            g = np.array(self._digits[1](list(eta)), dtype=object) - np.array(data, dtype=object)
            H = F - self._cube(eta) @ G @ g / (1 if plain else 2)
            return (H if self.chart == "natural" else G @ H @ G).tolist()

        return self._settled(hessian, theta, mean)

    def _kl(self, theta0: Array, theta1: Array) -> Array:
        theta0, theta1 = np.broadcast_arrays(theta0, theta1)
        if self.chart == "expectation":
            apart = np.any(theta0 != theta1, axis=-1)
            values = np.zeros(apart.shape)
            if apart.any():
                values[apart] = self._settled(self._bregman, theta0[apart], theta1[apart])
            return values
        # The integral form of the Bregman divergence has no cancellation for near points:
        # KL = int_0^1 (1-t) d^T Hess A(eta0 + t d) d dt with d = eta1 - eta0.
        d = theta1 - theta0
        few, many = (self._integral(theta0, d, n) for n in (12, 20))
        good = (np.abs(few[0] - many[0]) <= 1e-14 * many[0]) & (many[1] <= 1e-14 * many[0])
        values = many[0]
        if not np.all(good):
            values = np.where(good, values, 0.0)
            values[~good] = self._settled(self._bregman, theta0[~good], theta1[~good])
        return values

    def _integral(self, eta: Array, d: Array, nodes: int) -> tuple[Array, Array]:
        """KL(eta || eta + d) by a Gauss rule, and its rounding error."""
        t, weight = np.polynomial.legendre.leggauss(nodes)
        t, weight = (t + 1) / 2, weight / 2
        with np.errstate(all="ignore"):
            along = self._covariance(eta[..., None, :] + t[:, None] * d[..., None, :])
            terms = d[..., None, :, None] * along * d[..., None, None, :]
            bend = terms.sum(axis=(-2, -1)) @ (weight * (1 - t))
            lost = np.abs(terms).sum(axis=(-2, -1)) @ (weight * (1 - t)) * 2e-16
        return bend, lost

    def _bregman(self, point0: list, point1: list) -> mp.mpf:
        a, b = self._exact(point0), self._exact(point1)
        A, mean, _ = self._digits
        m = mean(list(a))
        return A(list(b))[0] - A(list(a))[0] - mp.fdot(m, list(b - a))

    def _fisher_rao_distance(self, theta0: Array, theta1: Array) -> Array:
        raise ValueError(f"model: expected a family with a closed form, got {self!r}")

    def _geodesic(self, theta: Array, velocity: Array, t: Array) -> Array:
        raise ValueError(f"model: no closed form for {self!r}; see ngdlib.geodesics")

    def _sample(self, rng: np.random.Generator, theta: Array, n: int) -> np.ndarray:
        if self.sampler is None:
            raise ValueError("sampler: expected a family made with a sampler, got None")
        return self.sampler(rng, self._to_base(theta), n)

    def _cross_entropy(self, theta: Array, mean: Array) -> Array:
        """Up to the data mean of -log h(x), which no parameter changes."""
        eta = self._to_base(theta)
        return self._A(eta)[..., 0] - np.sum(mean * eta, axis=-1)

    def _cross_entropy_gradient(self, theta: Array, mean: Array) -> Array:
        if self.chart == "natural":
            return self._mean(theta) - mean
        return np.einsum("...ij,...j->...i", self._fisher(theta), theta - mean)
