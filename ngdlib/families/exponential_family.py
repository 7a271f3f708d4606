"""The general exponential family, given by its log-partition function A.

p_eta(x) = h(x) exp(eta . T(x) - A(eta)). Mean of T: m = grad A. Fisher matrix in the natural
parameters: the Hessian of A; in the expectation parameters m: its inverse. KL divergence: the
Bregman divergence of A, KL(p_0 || p_1) = A(eta_1) - A(eta_0) - grad A(eta_0) . (eta_1 - eta_0).
(Amari & Nagaoka 2000, section 3.5; Wainwright & Jordan 2008, section 3.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike

from ngdlib.families.base import Model
from ngdlib.validate import Array, instance, invertible, require, vectors


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
    """

    family = "Exponential family"
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
        self._A = _vectorised(self.symbols, [log_partition])
        self._mean = _vectorised(self.symbols, gradient)
        self._hessian = _vectorised(self.symbols, hessian)

    def __repr__(self) -> str:
        return f"{self.family} with A = {self.log_partition} in {self.chart}"

    def in_chart(self, chart: str) -> ExponentialFamily:
        return ExponentialFamily(
            self.log_partition,
            self.symbols,
            self.statistic,
            self.log_base,
            self.domain,
            chart,
            start=self.start,
            mean_domain=self.mean_domain,
            sampler=self.sampler,
        )

    @property
    def parameter_names(self) -> tuple[str, ...]:
        letter = "eta" if self.chart == "natural" else "m"
        return tuple(f"{letter}{k + 1}" for k in range(len(self.symbols)))

    # The base chart is the natural one.

    def _to_base(self, theta: Array) -> Array:
        if self.chart == "natural":
            return theta
        flat = theta.reshape(-1, self.dim)
        return np.array([self._solve(m) for m in flat]).reshape(theta.shape)

    def _solve(self, m: Array) -> Array:
        """The natural parameters whose mean is ``m``: the unique root of grad A(eta) - m.

        Newton's method on the convex function A(eta) - eta . m, until its step no longer moves eta.
        """
        eta = self.start.copy()
        for _ in range(500):
            gap = self._mean(eta) - m
            covariance = self._covariance(eta)
            if not (np.all(np.isfinite(gap)) and invertible(covariance)):
                break
            step = -np.linalg.solve(covariance, gap)
            size, decrease = 1.0, gap @ step
            if np.all(np.abs(step) <= 1e-15 * (1 + np.abs(eta))):
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
            if size == 1.0 and np.all(np.abs(step) <= 1e-13 * (1 + np.abs(eta))):
                return trial
            eta = trial
        raise ValueError(f"theta: expected means that the family attains, got {m.tolist()}")

    def _rise(self, eta: Array, step: Array, m: Array) -> float:
        return (self._A(eta + step) - self._A(eta)).item() - step @ m

    def _from_base(self, base: Array) -> Array:
        return base.copy() if self.chart == "natural" else self._mean(base)

    def _base_velocity(self, base: Array) -> Array:
        """d eta/dtheta: the identity, or the inverse of the Hessian of A."""
        if self.chart == "natural":
            return np.broadcast_to(np.eye(self.dim), (*base.shape[:-1], self.dim, self.dim))
        return np.linalg.inv(self._covariance(base))

    def _covariance(self, eta: Array) -> Array:
        return self._hessian(eta).reshape(*eta.shape[:-1], self.dim, self.dim)

    def _inside(self, theta: Array) -> np.ndarray:
        if self.chart == "natural":
            return np.asarray(self.domain(theta))
        if self.mean_domain is not None:
            return np.asarray(self.mean_domain(theta))
        return np.apply_along_axis(self._has_member, -1, theta)

    def _has_member(self, m: Array) -> bool:
        try:
            return bool(self._solve(m).size)
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
        covariance = self._covariance(self._to_base(theta))
        return covariance if self.chart == "natural" else np.linalg.inv(covariance)

    def _kl(self, theta0: Array, theta1: Array) -> Array:
        # The integral form of the Bregman divergence has no cancellation for near points:
        # KL = int_0^1 (1-t) d^T Hess A(eta0 + t d) d dt with d = eta1 - eta0.
        theta0, theta1 = np.broadcast_arrays(theta0, theta1)
        a, b = self._to_base(theta0), self._to_base(theta1)
        d = b - a
        t, weight = np.polynomial.legendre.leggauss(40)
        t, weight = (t + 1) / 2, weight / 2
        along = self._covariance(a[..., None, :] + t[:, None] * d[..., None, :])
        if self.chart == "expectation":  # eta is known to rounding only, its difference better:
            mean = np.einsum("k,...kij->...ij", weight, along)  # m1 - m0 = mean Hessian . d
            d = np.linalg.solve(mean, (theta1 - theta0)[..., None])[..., 0]
        bend = np.einsum("...i,...kij,...j->...k", d, along, d)
        near = np.sum(weight * (1 - t) * bend, axis=-1)
        far = (self._A(b) - self._A(a))[..., 0] - np.sum(self._mean(a) * (b - a), axis=-1)
        return np.where(near < 1e-2, near, far)

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
        eta = self._to_base(theta)
        gradient = self._mean(eta) - mean
        return np.einsum("...i,...ij->...j", gradient, self._base_velocity(eta))


def _vectorised(symbols: tuple[sp.Symbol, ...], entries: list[sp.Expr]) -> Callable:
    """eta (..., d) -> the entries, shape (..., number of entries)."""
    functions = [sp.lambdify(symbols, entry, modules=["scipy", "numpy"]) for entry in entries]

    def evaluate(eta: Array) -> Array:
        columns = [eta[..., k] for k in range(len(symbols))]
        values = [np.broadcast_to(f(*columns), eta.shape[:-1]) for f in functions]
        return np.stack(values, axis=-1).astype(float)

    return evaluate
