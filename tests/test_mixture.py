"""The mixture of two heaps against its definition, in mpmath, up to the singular diagonal."""

from functools import lru_cache

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ngdlib.families import GaussianMixture
from ngdlib.families.quadrature import integral

CASES = [
    (0.5, 1.0, (-0.3, 0.9)),
    (0.5, 1.0, (0.05, -0.05)),
    (0.5, 0.25, (1.0, 1.000001)),
    (0.5, 2.0, (-4.0, 5.0)),
    (0.7, 1.0, (-1.0, 1.0)),
    (0.3, 0.5, (0.2, 0.2001)),
    (0.001, 1.0, (-0.4, 0.7)),
    (0.999, 1.0, (0.0, 3.0)),
    (0.5, 1.0, (-30.0, 30.0)),
]
cases = pytest.mark.parametrize(("weight", "sigma", "means"), CASES)


def member(weight, sigma, means):
    """The density and its score in (mu1, mu2), in mpmath."""
    w, s = mp.mpf(weight), mp.mpf(sigma)
    m1, m2 = map(mp.mpf, means)

    def heap(x, m):
        return mp.exp(-(((x - m) / s) ** 2) / 2) / s / mp.sqrt(2 * mp.pi)

    def p(x):
        return w * heap(x, m1) + (1 - w) * heap(x, m2)

    def score(x):
        r = w * heap(x, m1) / p(x)
        return r * (x - m1) / s**2, (1 - r) * (x - m2) / s**2

    return p, score


@lru_cache
def over(weight, sigma, means):
    """Nodes and weights of a fine trapezoidal rule under one member, at 40 digits."""
    low, high = min(means) - 14 * sigma, max(means) + 14 * sigma
    n = int((high - low) / sigma * 30)
    step = (mp.mpf(high) - mp.mpf(low)) / n
    p, _ = member(weight, sigma, means)
    nodes = [mp.mpf(low) + k * step for k in range(n + 1)]
    return [(x, p(x) * step) for x in nodes]


@lru_cache
def fisher_of(weight, sigma, means):
    with mp.workdps(40):
        _, score = member(weight, sigma, means)
        total = mp.zeros(2, 2)
        for x, p in over(weight, sigma, means):
            s = score(x)
            for i in range(2):
                for j in range(2):
                    total[i, j] += p * s[i] * s[j]
        return total


def relative(found, want):
    want = np.array(want.tolist(), dtype=float).reshape(np.shape(found))
    return np.max(np.abs(found - want)) / np.max(np.abs(want))


@cases
def test_the_fisher_matrix_its_eigenvalues_and_its_inverse_are_those_of_the_definition(
    weight, sigma, means
):
    model = GaussianMixture(sigma=sigma, weight=weight)
    with mp.workdps(40):
        want = fisher_of(weight, sigma, means)
        assert relative(model.fisher(means), want) < 1e-11
        eigenvalues = sorted(mp.eigsy(want, eigvals_only=True))
        for found, value in zip(model.eigenvalues(means), eigenvalues, strict=True):
            assert abs(found / value - 1) < 1e-11
            assert not abs(1.01 * found / value - 1) < 1e-11
        assert abs(model.determinant(means) / mp.det(want) - 1) < 1e-11
        assert relative(model.inverse_fisher(means), want**-1) < 1e-11


@settings(deadline=None, max_examples=60)
@given(st.floats(-150, 0.5), st.sampled_from([0.5, 0.7, 0.999]))
def test_the_small_eigenvalue_keeps_its_digits_as_the_heaps_merge(exponent, weight):
    a = 10.0**exponent
    model = GaussianMixture(weight=weight)
    small, large = model.eigenvalues([-a, a])
    assert small > 0 and large > 0
    if exponent < -6:  # the leading term, by hand: F_dd = 4 (w(1-w))^2 a^2 V, V = (var of x^2)/2
        norm = weight**2 + (1 - weight) ** 2
        assert small == pytest.approx(2 * (weight * (1 - weight)) ** 2 * 4 * a**2 / norm, rel=1e-9)
        assert large == pytest.approx(norm, rel=1e-9)


@pytest.mark.parametrize("weight", [0.5, 0.8])
@pytest.mark.parametrize("gap", [3.0, 0.1, 1e-4, 1e-9])
def test_the_natural_gradient_keeps_its_digits_beside_the_diagonal(weight, gap):
    means, target = (0.2 - gap / 2, 0.2 + gap / 2), (-1.0, 1.5)
    model = GaussianMixture(weight=weight)
    with mp.workdps(40):
        _, score = member(weight, 1.0, means)
        g = mp.zeros(2, 1)
        for x, p in over(weight, 1.0, target):
            s = score(x)
            g -= p * mp.matrix(s)
        natural = mp.lu_solve(fisher_of(weight, 1.0, means), g)
        assert relative(model.kl_gradient(means, target), g) < 1e-12
        assert relative(model.natural_gradient(means, target), natural) < 1e-11


@pytest.mark.parametrize("weight", [0.5, 0.3])
@pytest.mark.parametrize(
    ("target", "means"),
    [((-1, 1), (-0.5, 2)), ((-1, 1), (-1, 1.000001)), ((0, 0), (-3, 3)), ((5, -5), (-20, 20))],
)
def test_kl_is_the_integral_also_between_near_points(weight, target, means):
    p, _ = member(weight, 1.0, target)
    q, _ = member(weight, 1.0, means)
    edges = [min(target) - 16, *np.linspace(min(target) - 4, max(target) + 4, 12)]
    want = integral(lambda x: p(x) * mp.log(p(x) / q(x)), *edges, max(target) + 16)
    model = GaussianMixture(weight=weight)
    assert model.kl(target, means) == pytest.approx(want, rel=1e-9)
    assert model.kl(target, target) == 0


def test_a_batch_of_any_shape_gives_what_its_points_give():
    model = GaussianMixture(weight=0.7)
    theta = np.random.default_rng(1).normal(size=(5, 200, 2)) * 3
    target = [-1.0, 1.0]
    for f in (
        model.fisher,
        model.eigenvalues,
        model.inverse_fisher,
        lambda t: model.kl(target, t),
        lambda t: model.natural_gradient(t, target),
    ):
        whole = f(theta)
        np.testing.assert_allclose(whole[3, 7], f(theta[3, 7]), rtol=1e-12, atol=1e-15)
        assert f(np.empty((0, 2))).shape[0] == 0


def test_the_charts_carry_points_gradients_and_metrics_over():
    means = GaussianMixture(weight=0.7, sigma=0.5)
    change = means.change_to("mean, difference")
    theta, target = np.array([0.4, -0.3]), np.array([1.0, 0.0])
    other, T = means.in_chart("mean, difference"), change.jacobian(theta)
    phi, phi_target = change.forward(theta), change.forward(target)
    np.testing.assert_allclose(phi, [0.7 * 0.4 - 0.3 * 0.3, 0.7])
    np.testing.assert_allclose(T.T @ other.fisher(phi) @ T, means.fisher(theta), rtol=1e-11)
    natural = means.natural_gradient(theta, target)
    np.testing.assert_allclose(other.natural_gradient(phi, phi_target), T @ natural, rtol=1e-11)
    np.testing.assert_allclose(other.inverse_fisher(phi) @ other.fisher(phi), np.eye(2), atol=1e-10)


def test_score_density_and_samples_belong_together():
    model = GaussianMixture(weight=0.3, sigma=0.7)
    theta, x = np.array([-0.5, 1.2]), np.linspace(-3, 3, 7)
    p, score = member(0.3, 0.7, theta)
    np.testing.assert_allclose(model.log_density(x, theta), [float(mp.log(p(v))) for v in x])
    np.testing.assert_allclose(
        model.score(x, theta), [[float(s) for s in score(v)] for v in x], rtol=1e-11
    )
    sample = model.sample(np.random.default_rng(0), theta, 200_000)
    assert sample.mean() == pytest.approx(0.3 * -0.5 + 0.7 * 1.2, abs=0.01)
    np.testing.assert_allclose(model.score(sample, theta).mean(axis=0), 0, atol=0.01)


def test_what_is_not_there_is_refused_in_words():
    model = GaussianMixture()
    for call in (
        lambda: model.inverse_fisher([1.0, 1.0]),
        lambda: model.natural_gradient([1.0, 1.0], [0.0, 2.0]),
    ):
        with pytest.raises(ValueError, match="two different means"):
            call()
    with pytest.raises(ValueError, match="within 100 sigma"):
        model.kl([0.0, 101.0], [0.0, 1.0])
    with pytest.raises(ValueError, match=r"weight.*0\.001"):
        GaussianMixture(weight=1.0)
    with pytest.raises(ValueError, match="sigma"):
        GaussianMixture(sigma=0.0)
    for name in ("cross_entropy", "cross_entropy_gradient", "cross_entropy_hessian"):
        for mean in ([0.5], []):
            with pytest.raises(ValueError, match="expected a family with sufficient statistics"):
                getattr(model, name)([0.0, 1.0], mean)
    np.testing.assert_array_equal(model.determinant([2.0, 2.0]), 0.0)
    assert model != GaussianMixture(weight=0.4)
