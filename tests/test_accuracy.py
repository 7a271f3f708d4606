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
from ngdlib.families import Bernoulli, Categorical, Gaussian, Poisson, divergences, stable
from ngdlib.families.linear_gaussian import known_covariance

MODELS = [
    *(Bernoulli(chart) for chart in Bernoulli.charts),
    *(Categorical(k, c) for k in (2, 3, 4) for c in ("probabilities", "reduced logits")),
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
            if abs(covariant).max() < 1e300:
                found = geodesics.covariant_hessian(model, fit, θ0)
                yield "covariant hessian", worst(found, covariant, two)
        if abs(H).max() < 1e300:
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


# Corners that random points seldom come to. Each with the way that a careless program goes.


def near(found, exact, tolerance=1e-13):
    return worst(found, exact) < tolerance


@pytest.mark.parametrize("chart", Poisson.charts)
@settings(max_examples=40, deadline=None)
@given(st.floats(0, 15), st.floats(-4, 4), st.floats(0, 1))
def test_the_log_density_of_a_large_count(chart, size, spread, away):
    """The three terms of x log r - r - log x! cancel: at x = 10^10 the answer is -12."""
    r = 10.0**size
    x = np.floor(abs(r + spread * np.sqrt(r)) * 10.0 ** (away - 0.5 if away > 0.5 else 0))
    model = Poisson(chart)
    θ = Poisson("rate").change_to(chart).forward([r])
    t = mp.mpf(float(θ[0]))
    with mp.workdps(60):
        rate = {"rate": t, "root": t**2, "log-rate": mp.exp(t)}[chart]
        exact = x * mp.log(rate) - rate - mp.loggamma(mp.mpf(x) + 1)
        moved = abs((x - rate) * t / exact) * (1 if chart == "log-rate" else 1 / t)
    # what one rounding of the parameter changes, too: log r of a large rate has few digits left
    assert near(model.log_density(x, θ), exact, 1e-13 + 1e-15 * float(moved))


def test_three_large_terms_would_not_do():
    with mp.workdps(60):
        exact = 10**10 * mp.log(10**10) - 10**10 - mp.loggamma(10**10 + 1)
    careless = 1e10 * np.log(1e10) - 1e10 - float(mp.loggamma(1e10 + 1))
    assert not near(careless, exact, 1e-8) and near(
        Poisson("rate").log_density(1e10, [1e10]), exact
    )


@settings(max_examples=40, deadline=None)
@given(st.floats(-307, 0), st.sampled_from([0.0, 1e-200, 1e-20, 0.5]))
def test_the_curvature_at_a_rare_outcome(size, y):
    """The square of its probability may not fit in float64 where the answer does."""
    q = 10.0**size / 2
    r, m = 1 - mp.mpf(q), mp.mpf(y)
    with mp.workdps(340):
        plain = m / mp.mpf(q) ** 2 + (1 - m) / r**2
        covariant = m / (2 * mp.mpf(q) ** 2 * r) + (1 - m) / (2 * q * r**2)
        wide = [[m / mp.mpf(q) ** 2 + (1 - m) / r**2]]
    coin, pair = Bernoulli("probability"), Categorical(2, "probabilities")
    if plain < 1e300:
        assert near(coin.cross_entropy_hessian([q], [y]), plain)
        assert near(pair.cross_entropy_hessian([q], [y, 1 - y]), wide)
    if covariant < 1e300:
        assert near(coin.covariant_hessian([q], [y]), covariant)
    assert size > -162 or q * q == 0  # by which a careless program divides


@pytest.mark.parametrize("chart", ["probabilities", "reduced logits"])
@settings(max_examples=30, deadline=None)
@given(st.floats(-15, 0), st.sampled_from([-1, 1]))
def test_the_symbol_of_two_classes_beside_a_half(chart, size, sign):
    step = sign * 10.0**size
    if chart == "probabilities":
        p = mp.mpf(0.5 + step / 4)
        found, exact = 0.5 + step / 4, (2 * p - 1) / (2 * p * (1 - p))
        careless = float(p) * (1 / float(p) + 1 / float(1 - p)) / 2 - 1 / (2 * float(p))
    else:
        found, exact = step, -mp.tanh(mp.mpf(step) / 2) / 2
        careless = 0.5 - stable.softmax(np.array([step, 0.0]))[0]
    assert near(Categorical(2, chart).christoffel([found]), exact)
    assert size > -8 or chart == "probabilities" or not near(careless, exact)


@settings(max_examples=40, deadline=None)
@given(st.floats(-300, -5), st.floats(-15, 0), st.integers(2, 14))
def test_lengths_whose_squares_underflow(size, part, classes):
    """Two rare outcomes trade what they have, and no other changes."""
    p = np.full(classes - 1, 0.5 / classes)
    p[0] = 10.0**size
    other = p.copy()
    other[0] *= 1 + 10.0**part
    model = Categorical(classes, "probabilities")
    with mp.workdps(700):
        a, b = ([mp.mpf(float(x)) for x in each] for each in (p, other))
        a, b = ([*each, 1 - sum(each)] for each in (a, b))
        chord = mp.sqrt(sum((mp.sqrt(x) - mp.sqrt(y)) ** 2 for x, y in zip(a, b, strict=True)))
        l2 = mp.sqrt(sum((x - y) ** 2 for x, y in zip(a, b, strict=True)))
        distance = 4 * mp.asin(chord / 2)
    assert near(model.fisher_rao_distance(p, other), distance, TOLERANCE)
    assert near(divergences.hellinger(model, p, other), chord, TOLERANCE)
    assert near(divergences.l2(model, p, other), l2, TOLERANCE)
    careless = np.sqrt((p - other) @ (p - other))
    assert size > -170 or careless == 0 < l2


@settings(max_examples=40, deadline=None)
@given(st.floats(-72, 0), st.floats(-125, -60))
def test_a_shift_that_is_small_beside_a_small_sigma(scale, part):
    σ = 10.0**scale
    θ0, θ1 = [0.0, σ], [10.0 ** (scale + part), σ]
    model = Gaussian("mu, sigma")
    with mp.workdps(340):
        u = (mp.mpf(θ1[0]) / mp.mpf(σ)) ** 2
        chord, l2 = -2 * mp.expm1(-u / 8), -mp.expm1(-u / 4) / (mp.mpf(σ) * mp.sqrt(mp.pi))
    if l2 > 1e-290:
        assert near(divergences.hellinger_squared(model, θ0, θ1), chord)
        assert near(divergences.l2_squared(model, θ0, θ1), l2)
    careless = θ1[0] ** 2 / (8 * σ**2)
    assert scale + part > -162 or careless == 0


@settings(max_examples=60, deadline=None)
@given(
    st.one_of(st.floats(-73, -60), st.floats(60, 73), st.floats(-60, 60)),
    st.floats(-70, 70),
    st.floats(-3, 0),
)
def test_natural_parameters_of_any_size(scale, place, part):
    """Products of two of them do not fit in float64, and their ratio does."""
    v, mu = 10.0 ** (2 * scale), 10.0**place
    θ0, θ1 = ([x / v, -0.5 / v] for x in (mu, mu * (1 + 10.0**part)))
    model = Gaussian("natural")
    with mp.workdps(340):
        a, b = ([mp.mpf(x) for x in θ] for θ in (θ0, θ1))
        (m0, v0), (m1, v1) = ((-x[0] / (2 * x[1]), -1 / (2 * x[1])) for x in (a, b))
        kl = (v0 / v1 - 1 - mp.log(v0 / v1) + (m1 - m0) ** 2 / v1) / 2
        distance = 2 * mp.sqrt(2) * mp.asinh(abs(m1 - m0) / mp.sqrt(8 * v0))
        slope = [(m1 - m0), m1**2 - m0**2 - v0]
    if 1e-290 < kl < 1e290:
        assert near(model.kl(θ0, θ1), kl, TOLERANCE)
        assert near(model.fisher_rao_distance(θ0, θ1), distance, TOLERANCE)
    x = float(m1)
    if abs(x) < 1e70:
        with mp.workdps(340):
            slope = [mp.mpf(x) - m0, mp.mpf(x) ** 2 - m0**2 - v0]
            units = [1 / mp.sqrt(v0), 1 / mp.sqrt(2 * v0 * (2 * m0**2 + v0))]
        if max(abs(s * u) for s, u in zip(slope, units, strict=True)) < 1e140:
            assert worst(model.score(x, θ0), slope, units, 1) < TOLERANCE
    with np.errstate(all="ignore"):
        careless = θ0[0] * θ1[1]
    assert place - 4 * scale < 309 or not np.isfinite(careless)


@pytest.mark.parametrize("step", [1e-200, 1.0, 1e200])
def test_the_distance_of_two_means_knows_no_unit(step):
    model = known_covariance(np.eye(2))
    assert near(model.fisher_rao_distance([0, 0], [3 * step, 4 * step]), 5 * mp.mpf(step))
