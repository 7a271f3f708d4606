"""Gaussians with a linear mean, and variational steps, against oracles of other make."""

import autograd.numpy as anp
import mpmath as mp
import numpy as np
import pytest
from autograd import grad, hessian
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from ngdlib.descent import Fixed, data_fit, init, natural_direction, step
from ngdlib.families import Gaussian, LinearGaussian, known_covariance
from ngdlib.variational import (
    Belief,
    mean_field_gradients,
    natural_step,
    natural_step_full,
    posterior,
    reverse_kl,
)

X = np.array([[1.0, 0], [1, 1], [1, 2], [1, 3]])
S = np.diag([1.0, 2.0, 1.0, 16.0]) + 0.3
W0, W1, Y = np.array([5.0, -3.0]), np.array([0.4, 1.1]), np.array([0.0, 1, 2, 6])
LINE = LinearGaussian(X, S)


def test_density_and_kl_against_scipy():
    oracle = multivariate_normal(X @ W0, S)
    assert np.isclose(LINE.log_density(Y, W0), oracle.logpdf(Y), rtol=1e-12)
    y = LINE.sample(np.random.default_rng(0), W0, 40_000)
    gap = oracle.logpdf(y) - multivariate_normal(X @ W1, S).logpdf(y)
    error = 4 * gap.std() / np.sqrt(len(y))
    assert abs(gap.mean() - LINE.kl(W0, W1)) < error
    assert abs(gap.mean() - 1.2 * LINE.kl(W0, W1)) > error  # it can fail


def test_score_and_fisher_against_autograd_and_samples():
    P = np.linalg.inv(S)

    def log_density(w):
        r = Y - anp.dot(X, w)
        return -anp.dot(r, anp.dot(P, r)) / 2

    assert np.allclose(LINE.score(Y, W0), grad(log_density)(W0), rtol=1e-11)
    assert np.allclose(LINE.fisher(W0), -hessian(log_density)(W0), rtol=1e-11)
    assert not np.allclose(1.01 * LINE.fisher(W0), -hessian(log_density)(W0), rtol=1e-3)
    s = LINE.score(LINE.sample(np.random.default_rng(1), W0, 200_000), W0)
    assert np.allclose(s.T @ s / len(s), LINE.fisher(W0), rtol=0.03)


def test_the_unit_step_is_generalised_least_squares():
    state, info = step(init(W0), LINE, data_fit(LINE, Y))
    half = np.linalg.inv(np.linalg.cholesky(S))
    assert np.allclose(state.theta, np.linalg.lstsq(half @ X, half @ Y, rcond=None)[0])
    assert not np.allclose(state.theta, np.linalg.lstsq(X, Y, rcond=None)[0], atol=1e-2)
    assert np.isclose(info.kl, info.fisher_length**2 / 2)  # flat: the KL is the metric's, exactly


def test_batches_geodesics_and_known_covariance():
    many = np.stack([W0, W1, W0 + W1])
    assert LINE.fisher(many).shape == (3, 2, 2) and LINE.kl(many, W0).shape == (3,)
    assert LINE.score(Y, many).shape == (3, 2)
    half = LINE.geodesic(W0, W1 - W0, 0.5)
    assert np.allclose(half, (W0 + W1) / 2)
    assert np.isclose(2 * LINE.fisher_rao_distance(W0, half), LINE.fisher_rao_distance(W0, W1))
    known = known_covariance([[2, 1], [1, 2]])
    assert np.allclose(known.fisher([0, 0]), np.array([[2, -1], [-1, 2]]) / 3)


@pytest.mark.parametrize(
    ("design", "covariance", "message"),
    [
        ([1, 2], np.eye(2), "design: expected shape"),
        (np.eye(2), np.eye(3), "covariance: expected shape"),
        (np.eye(2), [[1, 0.5], [0.4, 1]], "covariance: expected a symmetric"),
        (np.eye(2), [[1, 2], [2, 1]], "covariance: .* the variance along .* is negative"),
        (np.eye(2), [[1, np.nan], [0, 1]], "covariance: expected finite"),
    ],
)
def test_bad_models_are_refused(design, covariance, message):
    with pytest.raises(ValueError, match=message):
        LinearGaussian(design, covariance)


numbers = st.floats(-3, 3)
positive = st.floats(0.05, 3)


@settings(max_examples=40)
@given(numbers, positive, numbers, st.integers(0, 20), positive)
def test_the_posterior_is_bayes_rule(mean, sd, data, count, noise):
    """prior times likelihood, up to a constant: log ratios of the densities at three points."""
    total = data * count
    q = posterior(Belief(mean, sd**2), total, count, noise)

    def log_joint(x):
        return -((x - mean) ** 2) / (2 * sd**2) - (count * x**2 - 2 * total * x) / (2 * noise**2)

    def log_q(x):
        return -((x - q.mean) ** 2) / (2 * q.variance)

    for x in (-1.0, 2.0):
        assert np.isclose(log_q(x) - log_q(0.0), log_joint(x) - log_joint(0.0), rtol=1e-9)


@pytest.mark.parametrize("chart", Gaussian.charts)
def test_reverse_kl_and_its_gradient(chart):
    bell, model = Gaussian("mu, sigma"), Gaussian(chart)
    here, goal = np.array([0.3, 0.7]), np.array([1.0, 0.25])
    loss, θ = reverse_kl(model, goal), bell.change_to(model).forward(here)
    with mp.workdps(30):
        (a, s), (b, t) = map(lambda p: tuple(map(mp.mpf, p)), (here, goal))
        wanted = mp.log(t / s) + (s**2 + (a - b) ** 2) / (2 * t**2) - mp.mpf(1) / 2
    assert np.isclose(loss.value(θ), float(wanted), rtol=1e-12)
    assert np.isclose(loss.value(θ), bell.kl(here, goal), rtol=1e-12)
    for h in (1e-5,):  # the slope in every direction
        for v in np.eye(2):
            slope = (loss.value(θ + h * v) - loss.value(θ - h * v)) / (2 * h)
            assert np.isclose(loss.gradient(θ) @ v, slope, rtol=1e-6)
    assert np.allclose(loss.gradient(bell.change_to(model).forward(goal)), 0, atol=1e-12)


@settings(max_examples=40)
@given(numbers, positive, numbers, positive, st.floats(0.05, 1.0))
def test_natural_step_is_the_step_in_natural_parameters(mean, sd, m, s, eta):
    model, bell = Gaussian("natural"), Gaussian("mu, sigma")
    θ = bell.change_to(model).forward([mean, sd])
    loss = reverse_kl(model, np.array([m, s]))
    moved = θ + eta * natural_direction(model.fisher(θ), loss.gradient(θ))
    wanted = model.change_to(bell).forward(moved)
    q = Belief(np.array([mean]), np.array([sd**2]))
    found = natural_step(q, *mean_field_gradients(q, np.array([m]), np.array([[s**-2]])), eta)
    assert np.allclose([found.mean[0], np.sqrt(found.variance[0])], wanted, rtol=1e-6, atol=1e-7)
    if eta == 1.0:
        assert np.allclose(wanted, [m, s], rtol=1e-7)


def test_the_full_step_against_the_hessian_of_the_log_partition():
    """F is that Hessian in natural parameters: autograd takes it there, with no closed form."""
    mean, C = np.array([0.4, -1.0]), np.array([[1.0, 0.3], [0.3, 0.6]])
    m, P = np.array([1.0, 2.0]), np.array([[2.0, 0.9], [0.9, 1.5]])

    def split(θ):  # (P mean, the three entries of -P/2)
        Q = -2 * anp.array([[θ[2], θ[3] / 2], [θ[3] / 2, θ[4]]])
        return θ[:2], Q

    def log_partition(θ):
        b, Q = split(θ)
        return anp.dot(b, anp.linalg.solve(Q, b)) / 2 - anp.log(anp.linalg.det(Q)) / 2

    def loss(θ):
        b, Q = split(θ)
        V = anp.linalg.inv(Q)
        gap = anp.dot(V, b) - m
        return (
            anp.trace(anp.dot(P, V)) + anp.dot(gap, anp.dot(P, gap)) + anp.log(anp.linalg.det(Q))
        ) / 2

    Q = np.linalg.inv(C)
    θ = np.array([*(Q @ mean), -Q[0, 0] / 2, -Q[0, 1], -Q[1, 1] / 2])
    for eta in (0.5, 1.0):
        b, Q1 = split(θ - eta * np.linalg.solve(hessian(log_partition)(θ), grad(loss)(θ)))
        wanted = np.linalg.solve(Q1, b), np.linalg.inv(Q1)
        found = natural_step_full(mean, C, P @ (mean - m), (P - Q) / 2, eta)
        assert np.allclose(found[0], wanted[0]) and np.allclose(found[1], wanted[1])
    assert np.allclose(found[0], m) and np.allclose(found[1], np.linalg.inv(P))
    lie = natural_step_full(mean, C, 1.01 * P @ (mean - m), (P - Q) / 2, 1.0)
    assert not np.allclose(lie[0], m, rtol=1e-3)


def test_mean_field_gradients_against_differences():
    P, m = np.array([[1.0, 0.9], [0.9, 1.0]]), np.array([1.0, -1.0])
    q = Belief(np.array([0.2, 0.5]), np.array([0.5, 2.0]))

    def kl(mean, variance):
        gap = mean - m
        return (np.diagonal(P) @ variance + gap @ P @ gap - np.log(variance).sum()) / 2

    g, g_v = mean_field_gradients(q, m, P)
    for k, e in enumerate(np.eye(2) * 1e-5):
        assert np.isclose(g[k], (kl(q.mean + e, q.variance) - kl(q.mean - e, q.variance)) / 2e-5)
        assert np.isclose(g_v[k], (kl(q.mean, q.variance + e) - kl(q.mean, q.variance - e)) / 2e-5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: natural_step(Belief(0.0, 1.0), 0.0, -2.0, 0.5), "eta: expected a step that ends"),
        (lambda: natural_step(Belief(0.0, 0.0), 0.0, 0.0, 0.5), "variance: expected variances"),
        (lambda: natural_step(Belief(0.0, 1.0), 0.0, 0.0, 0.0), "eta: expected a number > 0"),
        (lambda: natural_step((0.0, 1.0), 0.0, 0.0, 1.0), "q: expected a Belief"),
        (lambda: posterior(Belief(0.0, 1.0), 1.0, -1, 1.0), "count: expected"),
        (lambda: posterior(Belief(0.0, 1.0), 1.0, 1, 0.0), "noise: expected"),
        (lambda: reverse_kl(LINE, [0.0, 1.0]), "model: expected a Gaussian"),
        (lambda: reverse_kl(Gaussian("natural"), [0.0, -1.0]), "target: expected a point"),
        (
            lambda: natural_step_full(np.zeros(2), np.eye(2), np.zeros(2), -np.eye(2), 1.0),
            "eta, the new precision: expected a positive matrix",
        ),
    ],
)
def test_bad_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_fixed_step_through_descent_leaves_the_model_and_says_so():
    bell = Gaussian("mu, sigma")
    state, info = step(init([0.0, 0.5]), bell, reverse_kl(bell, [1.0, 0.25]), length=Fixed(1.0))
    assert np.allclose(state.theta, [4, -0.25]) and not info.in_domain
