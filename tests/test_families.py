"""Families against what does not share their code: mpmath, autograd, quadrature, samples."""

import tracemalloc
from functools import lru_cache
from itertools import pairwise

import autograd.numpy as anp
import mpmath as mp
import numpy as np
import pytest
import sympy as sp
from autograd import grad
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.special import gammaln

from ngdlib import geodesics
from ngdlib.families import (
    Bernoulli,
    Categorical,
    ExponentialFamily,
    Gaussian,
    Poisson,
    base,
    divergences,
)
from ngdlib.families import quadrature as quad

COINS = [
    (Bernoulli("probability"), [0.3]),
    (Bernoulli("probability"), [0.998]),
    (Bernoulli("log-odds"), [-2.5]),
    (Bernoulli("log-odds"), [20.0]),
    (Bernoulli("angle"), [1.0]),
    (Bernoulli("angle"), [3.0]),
]
DICE = [
    (Categorical(3, "probabilities"), [0.2, 0.5]),
    (Categorical(4, "probabilities"), [0.97, 0.01, 0.015]),
    (Categorical(3, "logits"), [0.2, -0.7, 1.5]),
    (Categorical(3, "reduced logits"), [0.4, -3.0]),
    (Categorical(3, "reduced logits"), [-30.0, 4.0]),
]
BELLS = [
    (Gaussian("mu, sigma"), [0.3, 2.0]),
    (Gaussian("mu, sigma^2"), [-1.0, 0.25]),
    (Gaussian("mu, log sigma"), [5.0, -1.0]),
    (Gaussian("natural"), [0.7, -0.4]),
    (Gaussian("expectation"), [0.5, 1.4]),
]
EVERY = COINS + DICE + BELLS
CHARTS = [(model, np.array(theta)) for model, theta in EVERY]
IDS = [f"{model!r} {theta}" for model, theta in EVERY]
every_model = pytest.mark.parametrize(("model", "theta"), CHARTS, ids=IDS)

DIGITS = 50


# The families again, from their definitions, in mpmath.


def mp_members(model, theta):
    """What stands in a density: (1-q, q), all class probabilities, or (mu, sigma)."""
    t = [mp.mpf(x) for x in theta]
    if isinstance(model, Gaussian):
        return {
            "mu, sigma": lambda a, b: (a, b),
            "mu, sigma^2": lambda a, b: (a, mp.sqrt(b)),
            "mu, log sigma": lambda a, b: (a, mp.exp(b)),
            "natural": lambda a, b: (-a / (2 * b), mp.sqrt(-1 / (2 * b))),
            "expectation": lambda a, b: (a, mp.sqrt(b - a**2)),
        }[model.chart](*t)
    if isinstance(model, Bernoulli):
        q = {
            "probability": lambda q: q,
            "log-odds": lambda z: 1 / (1 + mp.exp(-z)),
            "angle": lambda w: mp.sin(w / 2) ** 2,
        }[model.chart](*t)
        return 1 - q, q
    if model.chart == "probabilities":
        return (*t, 1 - sum(t))
    weights = [mp.exp(z) for z in t] + ([mp.mpf(1)] if model.chart == "reduced logits" else [])
    return [w / sum(weights) for w in weights]


def mp_log_density(model, x, theta):
    member = mp_members(model, theta)
    if not isinstance(model, Gaussian):
        return mp.log(member[int(x)])
    mu, sigma = member
    return -(((x - mu) / sigma) ** 2) / 2 - mp.log(sigma) - mp.log(2 * mp.pi) / 2


def mp_score(model, x, theta):
    def along(k):
        return lambda v: mp_log_density(model, x, [*theta[:k], v, *theta[k + 1 :]])

    theta = [mp.mpf(v) for v in theta]
    return [mp.diff(along(k), theta[k]) for k in range(len(theta))]


def mp_expectation(model, theta, f):
    member = mp_members(model, theta)
    if not isinstance(model, Gaussian):
        return sum(p * f(x) for x, p in enumerate(member))
    mu, sigma = member
    edges = [mu + k * sigma for k in (-14, -4, 4, 14)]
    return mp.quad(lambda x: mp.exp(mp_log_density(model, x, theta)) * f(x), edges)


def mp_kl(model, theta0, theta1):
    if not isinstance(model, Gaussian):
        p, r = mp_members(model, theta0), mp_members(model, theta1)
        return sum(a * mp.log(a / b) for a, b in zip(p, r, strict=True))
    (m0, s0), (m1, s1) = mp_members(model, theta0), mp_members(model, theta1)
    return mp.log(s1 / s0) + (s0**2 + (m0 - m1) ** 2) / (2 * s1**2) - mp.mpf(1) / 2


def outcomes(model):
    if isinstance(model, Gaussian):
        return np.array([-1.7, 0.0, 0.4, 3.0])
    return np.arange(model.classes)


def near(value, exact, rel):
    """To relative accuracy alone: pytest.approx would let anything below 1e-12 pass for 0."""
    return bool(np.all(np.abs(np.subtract(value, exact)) <= rel * np.abs(exact)))


def close(computed, exact, rtol=1e-12):
    """Relative to the largest entry: an entry that is 0 cannot be right to its own last digit."""
    computed, exact = np.asarray(computed), np.array(exact, dtype=float)
    return computed.shape == exact.shape and (
        np.max(np.abs(computed - exact)) <= rtol * np.max(np.abs(exact))
    )


# Closed forms against high precision.


@every_model
def test_density_and_score(model, theta):
    with mp.workdps(DIGITS):
        logs = [mp_log_density(model, x, theta) for x in outcomes(model)]
        scores = [mp_score(model, x, theta) for x in outcomes(model)]
    assert close(model.log_density(outcomes(model), theta), logs)
    assert close(model.score(outcomes(model), theta), scores)
    assert not close(-model.score(outcomes(model), theta), scores)
    assert not close(model.log_density(outcomes(model), theta) + 1e-9, logs)


@every_model
def test_fisher_is_the_covariance_of_the_score(model, theta):
    score = lru_cache(None)(lambda x: mp_score(model, x, theta))  # the nodes are always the same
    with mp.workdps(20):

        def entry(i, j):
            return mp_expectation(model, theta, lambda x: score(x)[i] * score(x)[j])

        exact = np.array(
            [[entry(i, j) for j in range(model.dim)] for i in range(model.dim)], dtype=float
        )
    assert close(model.fisher(theta), exact)
    assert close(quad.fisher(model, theta), exact, 1e-11)  # the float64 oracle of the library
    assert not close(2 * model.fisher(theta), exact)  # the popular factor


@every_model
def test_kl_of_distant_points(model, theta):
    other = theta + np.array([0.15, -0.1, 0.05])[: model.dim] * (0.01 if theta[0] > 0.9 else 1)
    if not model.in_domain(other):
        other = theta * 0.9
    with mp.workdps(DIGITS):
        exact = mp_kl(model, theta, other)
        integral = mp_expectation(
            model,
            theta,
            lambda x: mp_log_density(model, x, theta) - mp_log_density(model, x, other),
        )
        assert abs(integral / exact - 1) < 1e-20
    assert near(model.kl(theta, other), float(exact), 1e-12)
    assert not near(model.kl(other, theta), float(exact), 1e-6)


@every_model
@pytest.mark.parametrize("step", [1e-2, 1e-5, 1e-8])
def test_kl_of_near_points_keeps_its_digits(model, theta, step):
    other = theta + step * np.array([1.0, -0.6, 0.3])[: model.dim] * np.minimum(
        1, 0.02 / abs(theta[0])
    )
    with mp.workdps(DIGITS):
        exact = float(mp_kl(model, theta, other))
    # 1-q is itself only known to 1e-16/(1-q) from q in float64
    assert near(model.kl(theta, other), exact, 2e-13)
    if step == 1e-8:
        x, w = quad.support(model, theta)
        naive = np.sum(w * (model.log_density(x, theta) - model.log_density(x, other)))
        assert not near(naive, exact, 1e-3)  # the definition, in float64


@given(st.floats(-600, 600), st.floats(-600, 600))
def test_kl_of_coins_far_out(z0, z1):
    model = Bernoulli("log-odds")
    with mp.workdps(600):
        exact = float(mp_kl(model, [z0], [z1]))
    assert model.kl([z0], [z1]) == pytest.approx(exact, rel=1e-11, abs=1e-320)


@given(st.floats(-8, 0), st.floats(-12, 0), st.booleans())
def test_kl_of_probabilities_near_the_edge(log_q, log_gap, up):
    model, q0 = Bernoulli("probability"), 10**log_q * 0.9
    q1 = q0 * (1 + 10**log_gap) if up and q0 < 0.4 else q0 * (1 - 0.9 * 10**log_gap)
    with mp.workdps(DIGITS):
        exact = float(mp_kl(model, [q0], [q1]))
    assert near(model.kl([q0], [q1]), exact, 1e-11)


def test_distant_probabilities():
    assert near(Bernoulli("probability").kl([0.5], [1e-20]), 22.332703749, 1e-9)
    die = Categorical(3, "probabilities")
    with mp.workdps(DIGITS):
        exact = float(mp_kl(die, [0.3, 0.3], [1e-25, 1e-30]))
    assert near(die.kl([0.3, 0.3], [1e-25, 1e-30]), exact, 1e-13)


def test_large_logits():
    model = Bernoulli("log-odds")
    z = np.array([[-700.0], [-40.0], [40.0], [700.0]])
    with mp.workdps(700):
        exact = [[float(x) for x in mp_members(model, t)] for t in z]
        F = [float(mp.fprod(mp_members(model, t))) for t in z]
        scores = [[float(mp_score(model, y, t)[0]) for y in (0, 1)] for t in z[1:3]]
    assert np.allclose(model.probabilities(z), exact, rtol=1e-13, atol=0)
    assert np.allclose(model.fisher(z)[:, 0, 0], F, rtol=1e-13, atol=0)
    assert np.allclose(model.score([0, 1], z[1:3, None])[..., 0], scores, rtol=1e-13, atol=0)
    assert not np.allclose(1 - model.probabilities(z)[:, 0], np.array(exact)[:, 1], 1e-13, 0)
    die = Categorical(3, "logits")
    F = die.fisher([60.0, 0.0, -3.0])
    p = np.exp(np.array([60.0, 0.0, -3.0]) - 60)
    assert near(F[0, 0], p[1] + p[2], 1e-12)


# Another derivation: autograd, and differences whose error has the right order.


def autograd_log_density(model, x, theta):
    if isinstance(model, Gaussian):
        a, b = theta[0], theta[1]
        mu, s = {
            "mu, sigma": lambda: (a, b),
            "mu, sigma^2": lambda: (a, b**0.5),
            "mu, log sigma": lambda: (a, anp.exp(b)),
            "natural": lambda: (-a / (2 * b), (-1 / (2 * b)) ** 0.5),
            "expectation": lambda: (a, (b - a**2) ** 0.5),
        }[model.chart]()
        return -(((x - mu) / s) ** 2) / 2 - anp.log(s)
    if isinstance(model, Bernoulli):
        q = {
            "probability": lambda: theta[0],
            "log-odds": lambda: 1 / (1 + anp.exp(-theta[0])),
            "angle": lambda: anp.sin(theta[0] / 2) ** 2,
        }[model.chart]()
        return anp.log(q) if x == 1 else anp.log(1 - q)
    if model.chart == "probabilities":
        return anp.log(theta[x] if x < model.classes - 1 else 1 - anp.sum(theta))
    z = theta if model.chart == "logits" else anp.concatenate([theta, anp.zeros(1)])
    return z[x] - anp.log(anp.sum(anp.exp(z)))


@every_model
def test_gradients_by_autograd(model, theta):
    gradient = grad(autograd_log_density, 2)
    x = outcomes(model)
    expected = np.array([gradient(model, each, theta) for each in x])
    rtol = 1e-6 if abs(theta[0]) >= 20 else 1e-11  # autograd's 1-q cancels far out
    assert close(model.score(x, theta), expected, rtol)
    mean = model.statistics(x).mean(axis=0)
    assert close(model.cross_entropy_gradient(theta, mean), -expected.mean(axis=0), rtol)
    assert close(model.cross_entropy(theta, mean), -model.log_density(x, theta).mean(), 1e-13)
    assert not close(model.cross_entropy_gradient(theta, mean), expected.mean(axis=0), rtol)


def slope(errors, steps):
    return np.polyfit(np.log(steps), np.log(errors), 1)[0]


@every_model
def test_orders_of_error(model, theta):
    """Central differences of the density: order 2. KL less ½ dᵀFd: order 3 or above."""
    direction = np.array([1.0, -0.6, 0.3])[: model.dim]
    at_the_edge = theta[0] > 0.9 and model.chart.startswith("probabilit")
    steps = (2e-4 if at_the_edge else 0.02 / max(1, abs(theta[0]))) * 2.0 ** -np.arange(5)
    x = outcomes(model)[-1]
    h = steps[:, None] * direction
    score = model.score(x, theta) @ direction
    central = (model.log_density(x, theta + h) - model.log_density(x, theta - h)) / (2 * steps)
    if np.abs(central - score).min() > 1e-11:  # in the natural chart of logits it may be too good
        assert slope(np.abs(central - score), steps) == pytest.approx(2, abs=0.2)
    assert abs(slope(np.abs(central - 1.01 * score), steps)) < 0.5
    F = model.fisher(theta)
    half = np.einsum("ni,ij,nj->n", h, F, h) / 2
    remainder = np.abs(model.kl(theta, theta + h) - half)
    assert slope(remainder, steps) > 2.8
    assert slope(np.abs(model.kl(theta, theta + h) - 2 * half), steps) < 2.2  # ds² for ½ ds²


# Samples, with a stated error.


@every_model
def test_samples(model, theta):
    """Means of the score and of its square within five standard errors; fixed seed."""
    n = 40_000
    x = model.sample(np.random.default_rng(7), theta, n)
    assert x.shape == (n,)

    def agrees(model, theta):
        s = model.score(x, theta)
        F = model.fisher(theta)
        outer = s[:, :, None] * s[:, None, :]
        mean_error = 5 * np.sqrt(np.diag(F) / n) + 1e-12
        outer_error = 5 * (outer.std(axis=0) + 1e-9 * np.abs(F).max()) / np.sqrt(n)
        rare = np.abs(F) * (1 if abs(theta[0]) >= 20 else 0)  # events too rare for a sample
        return np.all(np.abs(s.mean(axis=0)) <= mean_error) and np.all(
            np.abs(outer.mean(axis=0) - F) <= outer_error + rare
        )

    assert agrees(model, theta)
    if abs(theta[0]) < 20:
        assert not agrees(model, theta * 0.85)


def test_samples_follow_the_distribution():
    rng = np.random.default_rng(3)
    bell = Gaussian("natural").sample(rng, [0.7, -0.4], 20_000)
    spread = np.sqrt(1 / 0.8)
    assert stats.kstest(bell, stats.norm(0.7 / 0.8, spread).cdf).pvalue > 1e-4
    assert stats.kstest(bell, stats.norm(0.95, spread).cdf).pvalue < 1e-4
    die = Categorical(3, "probabilities").sample(rng, [[0.2, 0.5], [0.6, 0.1]], 20_000)
    assert die.shape == (2, 20_000)
    seen = np.array([np.bincount(row, minlength=3) for row in die])
    assert stats.chisquare(seen[0], [4_000, 10_000, 6_000]).pvalue > 1e-4
    assert stats.chisquare(seen[1], [4_000, 10_000, 6_000]).pvalue < 1e-4


# Charts and batches.


FAMILIES = [
    (Bernoulli("probability"), np.array([0.3]), np.array([0.35])),
    (Categorical(3, "probabilities"), np.array([0.2, 0.5]), np.array([0.3, 0.3])),
    (Gaussian("mu, sigma"), np.array([0.3, 2.0]), np.array([1.0, 1.5])),
]


@pytest.mark.parametrize(("model", "a", "b"), FAMILIES)
def test_what_does_not_depend_on_the_chart(model, a, b):
    x = outcomes(model)
    for chart in model.charts:
        change = model.change_to(chart)
        there, a1, b1 = model.in_chart(chart), change.forward(a), change.forward(b)
        assert near(there.kl(a1, b1), model.kl(a, b), 1e-13)
        assert np.allclose(there.log_density(x, a1), model.log_density(x, a), rtol=1e-13)
        d = there.fisher_rao_distance(a1, b1)
        assert near(d, model.fisher_rao_distance(a, b), 1e-13)
        for name in ("jeffreys", "jensen_shannon", "hellinger", "l2"):
            f = getattr(divergences, name)
            assert near(f(there, a1, b1), f(model, a, b), 1e-9)
        if chart != model.chart:
            assert not np.allclose(np.linalg.norm(a1 - b1), np.linalg.norm(a - b))


@every_model
def test_batches(model, theta):
    batch = theta * np.linspace(0.9, 1, 6).reshape(3, 2, 1)
    x = np.resize(outcomes(model), (3, 2))
    for k, at in enumerate(np.ndindex(3, 2)):
        assert k == at[0] * 2 + at[1]
        one = batch[at]
        assert np.array_equal(model.log_density(x, batch)[at], model.log_density(x[at], one))
        assert np.allclose(model.score(x, batch)[at], model.score(x[at], one), rtol=1e-14)
        assert np.allclose(model.fisher(batch)[at], model.fisher(one), rtol=1e-14)
        assert np.allclose(model.kl(batch, theta)[at], model.kl(one, theta), rtol=1e-13)
    assert model.in_domain(batch).shape == (3, 2)
    assert model.sample(np.random.default_rng(0), batch, 5).shape == (3, 2, 5)
    assert model.fisher(batch).shape == (3, 2, model.dim, model.dim)
    assert len(model.parameter_names) == model.dim == theta.size


@pytest.mark.parametrize(
    ("model", "low", "high"),
    [
        (Categorical(3, "probabilities"), 0.01, 0.4),
        (Categorical(3, "reduced logits"), -3.0, 3.0),
        (Gaussian("mu, sigma"), 0.5, 2.0),
        (Bernoulli("probability"), 0.1, 0.9),
    ],
    ids=repr,
)
def test_a_long_list_of_points_is_worked_off_in_blocks(model, low, high):
    """With the numbers of each point, and without memory in proportion to what is on the way."""
    rng, n = np.random.default_rng(1), 8 * base.BLOCK + 3
    a, b = rng.uniform(low, high, (2, n, model.dim))
    v = 0.01 * rng.standard_normal(a.shape) * a
    long = {
        "fisher": lambda s: model.fisher(a[s]),
        "distance": lambda s: model.fisher_rao_distance(a[s], b[s]),
        "kl": lambda s: model.kl(a[s], b[s]),
        "exponential": lambda s: geodesics.exponential(model, a[s], v[s]),
        "three times": lambda s: np.moveaxis(
            geodesics.geodesic(model, a[s], v[s], [0.0, 0.5, 2.0]), 0, 1
        ),
    }
    edges = [0, 1, base.BLOCK, base.BLOCK + 1, n - 2, n]
    for name, f in long.items():
        whole = f(slice(None))
        assert len(whole) == n
        for start, end in pairwise(edges):
            few = slice(start, min(end, start + 200))
            assert np.allclose(whole[few], f(few), rtol=1e-14, atol=0), name
        assert not np.allclose(whole[:200], whole[1:201], rtol=1e-3), name
    tracemalloc.start()
    geodesics.exponential(model, a, v)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 5 * a.nbytes


def test_a_model_is_immutable_and_compared_by_value():
    coin = Bernoulli("angle")
    with pytest.raises(AttributeError, match="immutable"):
        coin.chart = "probability"
    assert coin == Bernoulli("probability").in_chart("angle") != Bernoulli("log-odds")
    assert Categorical(3, "logits") != Categorical(4, "logits")
    assert len({coin, Bernoulli("angle"), Gaussian("natural")}) == 2
    assert (coin.name, coin.chart) == ("Bernoulli", "angle")


# Geodesics, and the divergences told apart.


@pytest.mark.parametrize(("model", "a", "b"), FAMILIES)
def test_geodesics_against_the_differential_equation(model, a, b):
    for chart in model.charts:
        if chart == "logits":
            continue
        there, change = model.in_chart(chart), model.change_to(chart)
        start, v = change.forward(a), change.jacobian(a) @ (b - a)
        t = np.array([0.3, 1.0])
        path = there.geodesic(start, v, t)
        assert np.allclose(path, geodesics.geodesic(there, start, v, t), rtol=1e-8)
        length = np.sqrt(v @ there.fisher(start) @ v)
        assert np.allclose(there.fisher_rao_distance(start, path), t * length, rtol=1e-12)
        back = there.geodesic(start, -v, -t)
        assert np.allclose(back, path, rtol=1e-13)
        straight = start + t[:, None] * v
        bent = not np.allclose(there.fisher_rao_distance(start, straight), t * length, rtol=1e-6)
        assert bent == (chart != "angle")  # a coin's angle is the arc length itself
    assert np.allclose(model.geodesic(a, 0 * a, [0.0, 5.0]), a)


def test_geodesic_of_redundant_logits_and_its_end():
    die = Categorical(3, "logits")
    z, v = np.array([0.2, -0.7, 1.5]), np.array([1.0, 0.3, -0.4])
    plain = die.change_to("probabilities").forward(z)
    p = die.probabilities(z)
    dp = p * (v - p @ v)
    same = Categorical(3, "probabilities").geodesic(plain, dp[:2], 0.7)
    assert np.allclose(die.probabilities(die.geodesic(z, v, 0.7))[:2], same, rtol=1e-13)
    for t in (np.pi - 1, 2 * np.pi):  # past the edge; and past it and back
        with pytest.raises(ValueError, match="t: expected a time before the geodesic leaves"):
            Bernoulli("angle").geodesic([1.0], [1.0], t)
    assert Bernoulli("angle").geodesic([1.0], [1.0], 2.1) == pytest.approx(3.1)


def test_distances_of_near_points_keep_their_digits():
    for model, theta in CHARTS:
        h = 1e-8 * np.ones(model.dim) * min(1, 0.02 / abs(theta[0])) * [1, -0.6, 0.3][: model.dim]
        h = (theta + h) - theta  # as float64 holds it
        ds2 = h @ model.fisher(theta) @ h
        assert near(model.fisher_rao_distance(theta, theta + h) ** 2, ds2, 1e-5)
        for name, factor in (
            ("kl", 1 / 2),
            ("reverse_kl", 1 / 2),
            ("jeffreys", 1),
            ("jensen_shannon", 1 / 8),
            ("hellinger_squared", 1 / 4),
        ):
            value = getattr(divergences, name)(model, theta, theta + h)
            assert near(value, factor * ds2, 1e-5), (model, name)
            assert not near(value, 1.01 * factor * ds2, 1e-5)


def test_divergences_against_integrals():
    """Each from its definition, at 25 digits."""
    with mp.workdps(25):
        for model, a, b in FAMILIES:

            def p(x, at, model=model):
                return mp.exp(mp_log_density(model, x, at))

            def total(f, model=model):
                if not isinstance(model, Gaussian):
                    return float(sum(f(x) for x in range(model.classes)))
                return float(mp.quad(f, [-30, -10, -3, 0, 3, 10, 30]))

            def js(x, a=a, b=b, p=p):
                u, v = p(x, a), p(x, b)
                return (u * mp.log(2 * u / (u + v)) + v * mp.log(2 * v / (u + v))) / 2

            exact = {
                "jensen_shannon": total(js),
                "jeffreys": total(
                    lambda x, a=a, b=b, p=p: (p(x, a) - p(x, b)) * mp.log(p(x, a) / p(x, b))
                ),
                "hellinger": total(
                    lambda x, a=a, b=b, p=p: (mp.sqrt(p(x, a)) - mp.sqrt(p(x, b))) ** 2
                )
                ** 0.5,
                "l2": total(lambda x, a=a, b=b, p=p: (p(x, a) - p(x, b)) ** 2) ** 0.5,
                "reverse_kl": float(mp_kl(model, b, a)),
            }
            for name, value in exact.items():
                computed = getattr(divergences, name)(model, a, b)
                assert near(computed, value, 1e-10), (model, name)
                other = getattr(divergences, name)(model, a, a + 0.5 * (b - a))
                assert not near(other, value, 1e-3)


def test_divergences_of_distant_gaussians():
    bell = Gaussian("mu, sigma")
    far = [[0.0, 1.0], [60.0, 0.01]]
    assert near(divergences.jensen_shannon(bell, *far), np.log(2), 1e-9)
    assert near(divergences.hellinger_squared(bell, *far), 2, 1e-12)
    narrow = divergences.jensen_shannon(bell, [0.0, 1.0], [0.3, 1e-3])
    swapped = divergences.jensen_shannon(bell, [0.3, 1e-3], [0.0, 1.0])
    assert near(narrow, swapped, 1e-9)
    assert divergences.jensen_shannon(bell, [[0, 1], [0, 2]], [1, 1]).shape == (2,)


def test_expectation_oracle():
    bell, coin = Gaussian("mu, sigma"), Bernoulli("log-odds")
    fourth = quad.expectation(bell, [1.0, 2.0], lambda x: (x - 1) ** 4)
    assert near(fourth, 3 * 2**4, 1e-12)
    assert quad.expectation(coin, [0.5], lambda y: y) == pytest.approx(1 / (1 + np.exp(-0.5)))
    assert quad.integral(lambda x: mp.exp(-(x**2)), -mp.inf, mp.inf) ** 2 == pytest.approx(np.pi)


# The general exponential family reproduces the others.

η, η1, η2 = sp.symbols("eta eta1 eta2", real=True)


def general(name):
    one = {"start": [0.0], "mean_domain": lambda m: m[..., 0] > 0}
    if name == "Bernoulli":
        return ExponentialFamily(
            sp.log(1 + sp.exp(η)),
            [η],
            lambda x: x[..., None],
            lambda x: np.where((x == 0) | (x == 1), 0.0, -np.inf),
            lambda e: np.isfinite(e[..., 0]),
            start=[0.0],
            mean_domain=lambda m: (m[..., 0] > 0) & (m[..., 0] < 1),
        )
    if name == "Gaussian":
        return ExponentialFamily(
            -(η1**2) / (4 * η2) - sp.log(-2 * η2) / 2,
            [η1, η2],
            lambda x: np.stack([x, x**2], axis=-1),
            lambda x: np.full(x.shape, -np.log(2 * np.pi) / 2),
            lambda e: e[..., 1] < 0,
            start=[0.0, -0.5],
        )
    if name == "Poisson":
        return ExponentialFamily(
            sp.exp(η),
            [η],
            lambda x: x[..., None],
            lambda x: np.where((x >= 0) & (x == np.round(x)), -gammaln(np.abs(x) + 1), -np.inf),
            lambda e: np.isfinite(e[..., 0]),
            sampler=lambda rng, e, n: rng.poisson(np.exp(e), (*e.shape[:-1], n)),
            **one,
        )
    return ExponentialFamily(
        -sp.log(-η),
        [η],
        lambda x: x[..., None],
        lambda x: np.where(x >= 0, 0.0, -np.inf),
        lambda e: e[..., 0] < 0,
        start=[-1.0],
        mean_domain=lambda m: m[..., 0] > 0,
        sampler=lambda rng, e, n: rng.exponential(-1 / e, (*e.shape[:-1], n)),
    )


@settings(max_examples=30, deadline=None)
@given(st.floats(-36, 36))
def test_a_mean_near_the_edge_has_its_member(eta):
    """Beside 1 the rounding of a mean moves eta by more than eta's own."""
    family = general("Bernoulli").in_chart("expectation")
    m = Bernoulli("log-odds").change_to("probability").forward([eta])
    found = family.change_to("natural").forward(m)
    assert found == pytest.approx(Bernoulli("probability").change_to("log-odds").forward(m), 1e-14)
    assert family.fisher(m) == pytest.approx(Bernoulli("probability").fisher(m), rel=1e-13)


def test_a_mean_that_the_solver_does_not_reach_is_refused_in_words():
    family = general("exponential").in_chart("expectation")
    assert family.change_to("natural").forward([1e9]) == pytest.approx([-1e-9], rel=1e-14)
    for far in ([1e15], [[1.0], [1e15]]):
        for f in (family.fisher, family.christoffel, family.change_to("natural")):
            with pytest.raises(ValueError, match="theta: expected means that the family attains"):
                f(far)
        with pytest.raises(ValueError, match="expected means that the family attains"):
            family.kl([1.0], far)


@pytest.mark.parametrize("name", ["Bernoulli", "Gaussian"])
@pytest.mark.parametrize("shape", [(0,), (2, 0), (0, 3)])
def test_no_points_of_a_general_family(name, shape):
    family = general(name).in_chart("expectation")
    none, d = np.zeros((*shape, family.dim)), family.dim
    assert family.in_domain(none).shape == shape
    assert family.fisher(none).shape == (*shape, d, d)
    assert family.change_to("natural").forward(none).shape == (*shape, d)


@pytest.mark.parametrize(
    ("name", "own", "at", "other"),
    [
        ("Bernoulli", Bernoulli("log-odds"), [-1.2], [0.4]),
        ("Gaussian", Gaussian("natural"), [0.7, -0.4], [0.1, -0.9]),
    ],
)
def test_general_family_reproduces(name, own, at, other):
    family, x = general(name), outcomes(own)
    means = family.change_to("expectation")
    expectation = family.in_chart("expectation")
    assert np.allclose(family.log_density(x, at), own.log_density(x, at), rtol=1e-13)
    assert np.allclose(family.score(x, at), own.score(x, at), rtol=1e-12)
    assert np.allclose(family.fisher(at), own.fisher(at), rtol=1e-13)
    assert near(family.kl(at, other), own.kl(at, other), 1e-12)
    m = means.forward(at)
    assert np.allclose(means.inverse(m), at, rtol=1e-12)
    assert np.allclose(expectation.fisher(m) @ family.fisher(at), np.eye(family.dim), atol=1e-11)
    assert np.allclose(means.jacobian(at), family.fisher(at), rtol=1e-12)  # dm/deta = F
    assert not np.allclose(expectation.fisher(m), family.fisher(at), rtol=1e-3)
    data = own.statistics(x).mean(axis=0)
    g = own.cross_entropy_gradient(at, data)
    assert np.allclose(family.cross_entropy_gradient(at, data), g, rtol=1e-12)
    beside = np.array(at) + 1e-8
    assert near(family.kl(at, beside), own.kl(at, beside), 1e-12)
    # in the expectation chart the points are rounded first
    there = own.change_to("probability" if name == "Bernoulli" else "expectation")
    nearby = m * (1 + 1e-7)
    expected = own.in_chart(there.target).kl(m, nearby)
    assert near(expectation.kl(m, nearby), expected, 1e-11)


@pytest.mark.parametrize(
    ("name", "at", "law", "variance"),
    [
        ("Poisson", 0.8, stats.poisson(np.exp(0.8)), np.exp(0.8)),
        ("exponential", -2.0, stats.expon(scale=0.5), 0.25),
    ],
)
def test_general_family_of_classical_laws(name, at, law, variance):
    family = general(name)
    x = np.arange(5.0)
    expected = law.logpmf(x) if name == "Poisson" else law.logpdf(x)
    assert np.allclose(family.log_density(x, [at]), expected, rtol=1e-12)
    assert near(family.fisher([at])[0, 0], variance, 1e-14)
    m = family.change_to("expectation").forward([at])
    assert m[0] == pytest.approx(law.mean())
    assert family.in_chart("expectation").fisher(m)[0, 0] == pytest.approx(1 / variance)
    seen = family.sample(np.random.default_rng(1), [at], 20_000)
    assert abs(seen.mean() - law.mean()) < 5 * law.std() / np.sqrt(20_000)
    assert abs(seen.mean() - 1.1 * law.mean()) > 5 * law.std() / np.sqrt(20_000)
    tiny = family.in_chart("expectation").kl([1e-12], [1e-12 * (1 + 1e-6)])
    scale = 1e-12 / 2 * 1e-12 if name == "Poisson" else 1e-12 / 2
    assert near(tiny, scale, 1e-5)
    with pytest.raises(ValueError, match="theta"):
        family.in_chart("expectation").fisher([-1.0])


def test_general_family_finds_the_edge_of_its_means():
    bell = general("Gaussian").in_chart("expectation")
    inside = bell.in_domain([[0.5, 0.26], [0.5, 0.25], [0.5, 0.2], [100.0, 10_001.0]])
    assert inside.tolist() == [True, False, False, True]


def test_a_family_written_by_its_log_partition_far_out_and_told_apart():
    """log(1 + e^eta) at eta = 40, where 1 + e^eta rounds; families that differ are not equal."""
    (η,) = symbols = sp.symbols("eta:1", real=True)

    def family(statistic, domain):
        return ExponentialFamily(
            sp.log(1 + sp.exp(η)), symbols, statistic, np.zeros_like, domain=domain, start=[0.0]
        )

    def itself(x):
        return x[..., None]

    def everywhere(theta):
        return np.ones(theta.shape[:-1], bool)

    model = family(itself, everywhere)
    for z in (-700.0, -40.0, 40.0, 700.0):
        exact = float(mp.exp(-abs(z)) / (1 + mp.exp(-abs(z))) ** 2)
        assert model.fisher([z]).item() == pytest.approx(exact, rel=1e-12) and exact > 0
    assert model == family(itself, everywhere)
    assert model != family(lambda x: 1 - x[..., None], everywhere)
    assert model != family(itself, lambda theta: theta[..., 0] < 100)


def test_a_fisher_matrix_that_is_not_looked_at_fits():
    """Out to the ends of the domain; where it may overflow it is looked at, and refused."""
    tiny, looked_at = np.finfo(float).tiny, []
    dice = [Categorical(3, chart) for chart in Categorical.charts]
    for model in (*dice, *(f(c) for f in (Bernoulli, Gaussian, Poisson) for c in f.charts)):
        if not model.fisher_fits:
            looked_at.append(model)
            continue
        if model._range() is not None:
            ends = [[1e300] * (model.dim - 1) + [end] for end in model._range()]
        elif model.chart == "probabilities":
            ends = [[tiny, tiny], [1 - 2**-52, tiny], [0.5, 0.5 - 2**-53]]
        else:
            ends = [699.0 * sign * np.eye(model.dim)[0] for sign in (1, -1)]
        assert np.all(model.in_domain(ends)), model
        assert np.isfinite(model.fisher(ends)).all(), model
    assert looked_at == [Gaussian("natural"), Gaussian("expectation")]
    with pytest.raises(ValueError, match="the result fits in float64"):
        Gaussian("natural").fisher([1e200, -1e-100])


def test_many_classes_need_no_square_of_memory():
    """A gradient, a divergence and a distance at K = 5000, where K x K doubles take 200 MB."""
    K = 5000
    p = np.full(K, 1 / K)
    model, θ = Categorical(K, "probabilities"), p[:-1]
    logits, z = Categorical(K, "logits"), np.linspace(-1, 1, K)
    tracemalloc.start()
    for at, coordinates in ((model, θ), (logits, z)):
        at.cross_entropy_gradient(coordinates, p)
        at.kl(coordinates, coordinates)
        at.fisher_rao_distance(coordinates, coordinates)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 100 * 8 * K


def test_the_variance_of_a_coin_tells_where_its_probability_is_one():
    """Fisher's matrix refuses what `in_domain` does, at every float near the ends."""
    coin, tiny = Bernoulli("probability"), np.finfo(float).tiny
    near = [tiny * (1 + k * 2.0**-52) for k in range(3)] + [1 - k * 2.0**-53 for k in range(3)]
    near += [tiny * (1 - 2.0**-52), 5e-324, 0.0, -0.0, -5e-324, -1e-300, -1e300, 2.0, 1e300]
    near += [float(np.nextafter(1, 2)), 0.3]
    legal = [q for q in near if coin.in_domain([q])]
    assert 3 + 2 + 1 == len(legal)
    for q in near:
        batch = [[0.5], [q]]
        if q in legal:
            assert coin.fisher(batch)[1, 0, 0] == 1 / ((1 - q) * q)
        else:
            with pytest.raises(ValueError, match="theta: expected a point of Bernoulli"):
                coin.fisher(batch)
    assert coin.fisher(np.zeros((0, 1))).shape == (0, 1, 1)
    for bad in (np.nan, np.inf, -np.inf):
        with pytest.raises(ValueError, match="theta: expected finite numbers"):
            coin.fisher([[0.5], [bad]])
