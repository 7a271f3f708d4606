"""Every closed form against high precision, over the whole legal range: corners, edges, near pairs.

The oracle shares nothing with the library but the definitions: densities as sympy expressions in
each chart, differentiated by sympy, in mpmath numbers of 60 to 900 digits at the very floats that
the library gets.
"""

from functools import lru_cache

import mpmath as mp
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from ngdlib import geodesics
from ngdlib.descent import data_fit
from ngdlib.families import Bernoulli, Categorical, Gaussian, divergences

MODELS = [
    *(Bernoulli(chart) for chart in Bernoulli.charts),
    *(Categorical(k, c) for k in (3, 4) for c in ("probabilities", "reduced logits")),
    Categorical(3, "logits"),
    *(Gaussian(chart) for chart in Gaussian.charts),
]
TOLERANCE = 2e-12


class Oracle:
    """One model in sympy, evaluated by mpmath."""

    def __init__(self, model):
        self.model, d = model, model.dim
        self.θ = θ = sp.symbols(f"t0:{d}", real=True)
        self.discrete = not isinstance(model, Gaussian)
        self.base = base = sp.Matrix(self.members(model, θ))
        B = base.jacobian(θ)
        if self.discrete:
            weights = sp.diag(*(1 / p for p in base))
            m = sp.symbols(f"m0:{model.statistic_dim}", real=True)
            data = (1 - m[0], m[0]) if isinstance(model, Bernoulli) else m
            loss = -sum(a * sp.log(p) for a, p in zip(data, base, strict=True))
        else:
            weights = sp.diag(1 / base[1] ** 2, 2 / base[1] ** 2)
            m = sp.symbols("m0:2", real=True)
            loss = (m[1] - 2 * m[0] * base[0] + base[0] ** 2) / (2 * base[1] ** 2)
            loss += sp.log(base[1]) + sp.log(2 * sp.pi) / 2
        F = B.T * weights * B
        dF = [F.diff(t) for t in θ] if model.chart != "logits" else []
        g = [loss.diff(t) for t in θ]
        H = [a.diff(t) for a in g for t in θ]
        self._base = sp.lambdify([θ], list(base), "mpmath")
        self._F = sp.lambdify([θ], [list(F), *(list(x) for x in dF)], "mpmath", cse=True)
        self._loss = sp.lambdify([θ, m], [loss, g, H], "mpmath", cse=True)
        self._B = sp.lambdify([θ], list(B), "mpmath", cse=True)

    @staticmethod
    def members(model, θ):
        if isinstance(model, Bernoulli):
            q = {
                "probability": lambda q: q,
                "log-odds": lambda z: 1 / (1 + sp.exp(-z)),
                "angle": lambda w: sp.sin(w / 2) ** 2,
            }[model.chart](*θ)
            return [1 - q, q]
        if isinstance(model, Categorical):
            if model.chart == "probabilities":
                return [*θ, 1 - sum(θ)]
            w = [*map(sp.exp, θ), *([sp.Integer(1)] if model.chart != "logits" else [])]
            return [x / sum(w) for x in w]
        a, b = θ
        return {
            "mu, sigma": (a, b),
            "mu, sigma^2": (a, sp.sqrt(b)),
            "mu, log sigma": (a, sp.exp(b)),
            "natural": (-a / (2 * b), sp.sqrt(-1 / (2 * b))),
            "expectation": (a, sp.sqrt(b - a**2)),
        }[model.chart]

    def member(self, θ):
        return self._base([mp.mpf(float(t)) for t in θ])

    def jet(self, θ, mean):
        """Fisher, Christoffel, loss, gradient, Hessian, covariant Hessian."""
        d = self.model.dim
        θ, mean = ([mp.mpf(float(t)) for t in x] for x in (θ, mean))
        F, *dF = (np.array(x, dtype=object).reshape(d, d) for x in self._F(θ))
        loss, g, H = self._loss(θ, mean)
        g, H = np.array(g, dtype=object), np.array(H, dtype=object).reshape(d, d)
        if self.model.chart == "logits":
            return F, None, loss, g, H, None
        dF = np.stack(dF, axis=-1)
        low = (np.swapaxes(dF, 1, 2) + dF - np.moveaxis(dF, -1, 0)) / 2
        inverse = np.array(mp.inverse(mp.matrix(F.tolist())).tolist(), dtype=object)
        Γ = np.einsum("im,mjk->ijk", inverse, low)
        return F, Γ, loss, g, H, H - np.einsum("kij,k->ij", Γ, g)

    def divergences(self, θ0, θ1):
        a, b = self.member(θ0), self.member(θ1)
        if self.discrete:
            pairs = list(zip(a, b, strict=True))
            kl = sum(p * mp.log(p / r) for p, r in pairs)
            js = sum(p * mp.log(2 * p / (p + r)) + r * mp.log(2 * r / (p + r)) for p, r in pairs)
            chord = sum((mp.sqrt(p) - mp.sqrt(r)) ** 2 for p, r in pairs)
            l2 = sum((p - r) ** 2 for p, r in pairs)
            return kl, chord, l2, 4 * mp.asin(mp.sqrt(chord) / 2), js / 2
        (m0, s0), (m1, s1) = a, b
        kl = mp.log(s1 / s0) + (s0**2 + (m0 - m1) ** 2) / (2 * s1**2) - mp.mpf(1) / 2
        S = s0**2 + s1**2
        chord = 2 - 2 * mp.sqrt(2 * s0 * s1 / S) * mp.exp(-((m0 - m1) ** 2) / (4 * S))
        cross = mp.sqrt(2 / S) * mp.exp(-((m0 - m1) ** 2) / (2 * S))
        l2 = (1 / s0 + 1 / s1 - 2 * cross) / (2 * mp.sqrt(mp.pi))
        half = ((m1 - m0) ** 2 / 2 + (s1 - s0) ** 2) / (4 * s0 * s1)
        return kl, chord, l2, 2 * mp.sqrt(2) * mp.asinh(mp.sqrt(half)), None


oracle = lru_cache(None)(Oracle)


def worst(found, exact, unit=1.0, floor=0.0):
    """The largest error, relative to the largest entry or to ``floor``; ``unit`` makes entries
    comparable."""
    found = np.asarray(found, dtype=float)
    exact = np.array(exact, dtype=object).reshape(found.shape)
    unit = np.broadcast_to(np.array(unit, dtype=object), found.shape)
    pairs = [
        (mp.mpf(float(f)), e, u) for f, e, u in zip(found.flat, exact.flat, unit.flat, strict=True)
    ]
    size = max((abs(e * u) for _, e, u in pairs), default=0)
    size = max(size, floor)
    error = max((abs((f - e) * u) for f, e, u in pairs), default=0)
    return float(error / size) if size else float(error)


def comparisons(model, θ0, θ1, mean):
    """(what, relative error) of each closed form at these floats."""
    o, θ0, θ1 = oracle(model), np.asarray(θ0, float), np.asarray(θ1, float)
    with mp.workdps(420 if "log" in model.chart and o.discrete else 340):
        F, Γ, loss, g, H, covariant = o.jet(θ0, mean)
        u = np.array([mp.sqrt(F[i, i]) for i in range(model.dim)], dtype=object)
        two = 1 / u[:, None] / u
        yield "fisher", worst(model.fisher(θ0), F, two)
        fit = data_fit(model, mean)
        yield "gradient", worst(fit.gradient(θ0), g, 1 / u, 0 if o.discrete else 1)
        if o.discrete:
            yield "loss", worst(fit.value(θ0), loss)
        if Γ is not None:
            unit = u[:, None, None] / u[:, None] / u
            yield "christoffel", worst(geodesics.christoffel(model, θ0), Γ, unit, 1e-6)
            found = geodesics.covariant_hessian(model, fit, θ0)
            yield "covariant hessian", worst(found, covariant, two)
        if hasattr(fit, "hessian"):
            # as far as the entries say it: near an edge a small one comes from two large ones
            size = abs(covariant * two).max() / abs(H * two).max() if Γ is not None else 1
            yield "hessian", worst(fit.hessian(θ0), H, two) / max(1, size)
        for x in range(len(o.member(θ0))) if o.discrete else ():
            exact = mp.log(o.member(θ0)[x])
            yield f"log p({x})", worst(model.log_density(x, θ0), exact)
        kl, chord, l2, distance, js = o.divergences(θ0, θ1)
        if kl > 1e-290 and kl < 1e290:
            yield "kl", worst(model.kl(θ0, θ1), kl)
        if chord > 1e-290 and 1e-290 < l2 < 1e290:
            yield "hellinger²", worst(divergences.hellinger_squared(model, θ0, θ1), chord)
            yield "distance", worst(model.fisher_rao_distance(θ0, θ1), distance)
            yield "l2²", worst(divergences.l2_squared(model, θ0, θ1), l2)
        if js is not None and js > 1e-290:
            found = float(divergences.jensen_shannon(model, θ0, θ1))
            yield "js", worst(found, js)
            yield "js bound", 0.0 if 0 <= found <= np.log(2) * (1 + 1e-15) else 1.0
        if model.chart == "logits":
            return
        for chart in model.charts:
            if chart in ("logits", model.chart):
                continue
            there = model.in_chart(chart)
            change = model.change_to(there)
            try:
                φ = change.forward(θ0)
            except ValueError:  # float64 cannot tell the image from the edge
                continue
            exact = image(o.member(θ0), there)
            T = np.array(o._B([mp.mpf(float(t)) for t in θ0]), dtype=object).reshape(-1, model.dim)
            with mp.workdps(420):
                back = np.array(oracle_B(there, exact), dtype=object).reshape(-1, model.dim)
                d = model.dim
                T = mp.inverse(mp.matrix(back[-d:].tolist())) * mp.matrix(T[-d:].tolist())
                F_ = T_F(T, F)
                w = np.array([mp.sqrt(F_[i, i]) for i in range(d)], dtype=object)
            yield f"to {chart}", worst_of_points(φ, exact, w)
            unit = w[:, None] / u
            yield f"jacobian to {chart}", worst(change.jacobian(θ0), T.tolist(), unit)


def T_F(T, F):
    inverse = mp.inverse(T)
    return np.array((inverse.T * mp.matrix(F.tolist()) * inverse).tolist(), dtype=object)


def worst_of_points(found, exact, w):
    """Relative error of each coordinate, or in Fisher units, whichever is less."""
    return max(
        float(min(abs(f - e) / abs(e) if e else mp.inf, abs(f - e) * u))
        for f, e, u in zip(map(mp.mpf, map(float, found)), exact, w, strict=True)
    )


def oracle_B(model, θ):
    return oracle(model)._B(list(θ))


def image(member, target):
    """The coordinates of a member in another chart."""
    if isinstance(target, Bernoulli):
        r, q = member
        return {
            "probability": lambda: [q],
            "log-odds": lambda: [mp.log(q / r)],
            "angle": lambda: [2 * mp.atan2(mp.sqrt(q), mp.sqrt(r))],
        }[target.chart]()
    if isinstance(target, Categorical):
        if target.chart == "probabilities":
            return list(member[:-1])
        return [mp.log(p / member[-1]) for p in member[:-1]]
    m, s = member
    return {
        "mu, sigma": [m, s],
        "mu, sigma^2": [m, s**2],
        "mu, log sigma": [m, mp.log(s)],
        "natural": [m / s**2, -1 / (2 * s**2)],
        "expectation": [m, m**2 + s**2],
    }[target.chart]


# Points anywhere in the legal range, and means that data have.


def point(model, rng):
    """A random legal point: in the middle, near an edge, in a corner."""
    kind, d = rng.integers(4), model.dim
    if isinstance(model, Bernoulli):
        small = 10 ** -rng.uniform(0, 300 if kind else 5)
        if model.chart == "log-odds":
            return [rng.choice([-1, 1]) * rng.uniform(0, 707) ** rng.choice([1, 0.3, -1])]
        if model.chart == "angle":
            return [
                rng.choice([np.sqrt(small), np.pi - 10 ** -rng.uniform(0, 15), 3 * rng.random()])
            ]
        return [rng.choice([small * 0.9, 1 - 10 ** -rng.uniform(0.1, 15.5), rng.random()])]
    if isinstance(model, Categorical):
        if model.chart != "probabilities":
            return rng.uniform(-1, 1, d) * rng.choice([1, 30, 340])
        p = 10 ** -rng.uniform(0, [1, 5, 15, 280][kind], d + 1)
        p = p / p.sum()
        if rng.random() < 0.3:  # the last class all but lost
            p[0] -= p[:-1].sum() - 1 + rng.choice([2.0**-52, 3e-16, 1e-12, 1e-8])
        return np.abs(p[:-1])
    σ = np.exp(rng.uniform(-1, 1) * [1, 10, 80, 160][kind])
    μ = rng.choice([0, 1, -1e-3, 30, -1e5]) * σ * rng.random()
    if model.chart == "expectation":
        return [μ, μ**2 + σ**2]
    return {
        "mu, sigma": [μ, σ],
        "mu, sigma^2": [μ, σ**2],
        "mu, log sigma": [μ, np.log(σ)],
        "natural": [μ / σ**2, -1 / (2 * σ**2)],
    }[model.chart]


def beside(model, θ, rng):
    """A point near another one, at a relative distance from 1e-15 to 1."""
    θ = np.asarray(θ, float)
    step = 10 ** -rng.uniform(0, 15) * rng.standard_normal(θ.size)
    if rng.random() < 0.3:  # one coordinate moves much more than the others
        step[rng.integers(θ.size)] *= 1e5
    if rng.random() < 0.2:
        step[:] = step[0]
    size = np.maximum(np.abs(θ), 1) if "log" in model.chart else np.abs(θ)
    return θ + size * step


def data(model, θ, rng):
    """A mean of the statistics: at an outcome, near the member, or anywhere."""
    if isinstance(model, Gaussian):
        with np.errstate(all="ignore"):
            base = model.change_to("mu, sigma").forward(θ)
        m = base[0] + base[1] * rng.choice([0, 1e-6, 1, -30])
        return [m, m**2 + base[1] ** 2 * rng.choice([0, 1.0, 4])]
    k = model.statistic_dim
    if isinstance(model, Bernoulli):
        return [rng.choice([0, 1, rng.random()])]
    return np.eye(k)[rng.integers(k)] if rng.random() < 0.5 else rng.dirichlet(np.ones(k))


def cases(model, rng, n):
    while n:
        θ0 = point(model, rng)
        if not model.in_domain(θ0):
            continue
        θ1 = beside(model, θ0, rng) if rng.random() < 0.7 else point(model, rng)
        try:
            mean = data(model, θ0, rng)
            good = model.in_domain(θ1) and np.isfinite(mean).all() and model._data_mean(mean).size
        except ValueError:
            continue
        if good:
            n -= 1
            yield θ0, θ1, mean


@pytest.mark.parametrize("model", MODELS, ids=repr)
@settings(max_examples=1, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_closed_forms(model, seed):
    """All closed forms, at random legal floats; a new seed in each profile that is not fixed."""
    for case in cases(model, np.random.default_rng(seed), 4):
        for what, error in comparisons(model, *case):
            assert error < TOLERANCE, (what, error, case)


def test_the_comparison_sees_a_lie():
    """Negative control: an error of 1e-9 in one entry is seen, whatever its unit."""
    model = Gaussian("mu, sigma")
    with mp.workdps(60):
        F, *_ = oracle(model).jet([1e3, 1e-40], [0.0, 1.0])
        u = np.array([mp.sqrt(F[i, i]) for i in range(2)], dtype=object)
        found = model.fisher([1e3, 1e-40])
        assert worst(found, F, 1 / u[:, None] / u) < 1e-15
        found[1, 1] *= 1 + 1e-9
        assert worst(found, F, 1 / u[:, None] / u) > TOLERANCE
