"""Adaptive damping: steps, ratios and rules against closed forms and an independent derivation."""

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ngdlib import fisher
from ngdlib.descent import (
    Damped,
    Improvement,
    Objective,
    ReductionRatio,
    damped_init,
    damped_step,
    data_fit,
    natural_direction,
)
from ngdlib.families import Bernoulli

COIN = Bernoulli("log-odds")
HALF = data_fit(COIN, [0.5])


def valley(theta):
    """Residuals of Rosenbrock's function and their Jacobian."""
    a, b = theta[..., 0], theta[..., 1]
    J = np.zeros((*theta.shape[:-1], 2, 2))
    J[..., 0, 0], J[..., 0, 1], J[..., 1, 0] = -20 * a, 10, -1
    return np.stack([10 * (b - a * a), 1 - a], axis=-1), J


def gauss_newton(theta):
    J = valley(theta)[1]
    return np.swapaxes(J, -1, -2) @ J


ROSENBROCK = Objective(
    lambda θ: np.sum(valley(θ)[0] ** 2, axis=-1) / 2,
    lambda θ: np.einsum("...ij,...i->...j", valley(θ)[1], valley(θ)[0]),
)


@pytest.mark.parametrize(("z", "λ"), [(3.0, 0.04), (-2.0, 0.3), (0.7, 1e-6), (5.0, 20.0)])
def test_the_reduction_ratio_of_a_coin(z, λ):
    state, info = damped_step(damped_init([z], λ), HALF, COIN.fisher, ReductionRatio())
    with mp.workdps(40):
        z, λ = mp.mpf(z), mp.mpf(λ)
        loss = lambda x: (mp.log(1 + mp.exp(-x)) + mp.log(1 + mp.exp(x))) / 2  # noqa: E731
        σ = 1 / (1 + mp.exp(-z))
        g, F = σ - mp.mpf("0.5"), σ * (1 - σ)
        v = -g / (F + λ)
        gain, predicted = loss(z) - loss(z + v), -g * v - F * v * v / 2
    assert float(info.trial[0]) == pytest.approx(float(z + v), rel=1e-12)
    assert float(info.predicted) == pytest.approx(float(predicted), rel=1e-12)
    assert float(info.ratio) == pytest.approx(float(gain / predicted), rel=1e-9)
    assert not float(info.ratio) == pytest.approx(float(1.01 * gain / predicted), rel=1e-9)
    assert bool(info.accepted) == (gain > 0)
    assert float(state.theta[0]) == pytest.approx(float(z + v if gain > 0 else z), rel=1e-12)


@given(st.integers(0, 10**6), st.floats(1e-6, 1e6))
def test_where_the_model_is_the_loss_the_ratio_is_one(seed, λ):
    rng = np.random.default_rng(seed)
    task = fisher.regression("gaussian", rng.normal(size=(7, 3)))
    y, θ = rng.normal(size=7), rng.normal(size=3)
    squares = Objective(lambda t: fisher.loss(task, t, y), lambda t: fisher.gradient(task, t, y))
    state, info = damped_step(
        damped_init(θ, λ), squares, lambda t: fisher.fisher(task, t), ReductionRatio(3.0)
    )
    g, F = squares.gradient(θ), fisher.fisher(task, θ)
    v = natural_direction(F, g, λ)
    assert np.allclose(info.trial, θ + v, rtol=1e-12, atol=1e-14)
    assert info.predicted == pytest.approx(-g @ v - v @ F @ v / 2, rel=1e-7)
    assert info.gain == pytest.approx(info.predicted, rel=1e-6, abs=1e-14)
    # the step is the least of loss model and ridge: both derivatives along random lines vanish
    for w in rng.normal(size=(3, 3)):
        slope = g @ w + v @ F @ w + λ * v @ w
        assert abs(slope) < 1e-9 * (1 + abs(g @ w))
    if info.gain > 1e-9:
        assert state.damping == pytest.approx(λ / 3, rel=1e-12)


def test_the_rules_look_at_what_they_say():
    ratios, gains = np.array([-1.0, 0.1, 0.25, 0.5, 0.75, 0.9, np.nan]), np.array([-1.0] + 6 * [1])
    assert list(ReductionRatio(4.0)._change(gains, ratios)) == [4, 4, 1, 1, 1, 0.25, 4]
    assert list(ReductionRatio(4.0, 0.05, 0.6)._change(gains, ratios))[1:5] == [1, 1, 1, 0.25]
    assert list(Improvement(5.0)._change(gains, ratios)) == [5, *6 * [0.2]]


def test_fooled_by_an_improvement():
    """Half heads, z = 3: the loss falls and the model is wrong; only one of the rules hears it."""
    start = damped_init([3.0], 0.04)
    for rule, after, accepted in ((Improvement(), 0.004, False), (ReductionRatio(10), 0.4, True)):
        state, info = damped_step(start, HALF, COIN.fisher, rule)
        assert info.accepted and 0.16 < info.ratio < 0.18
        assert state.damping == pytest.approx(after)
        stayed, info = damped_step(state, HALF, COIN.fisher, rule)
        assert info.accepted == accepted
        if not accepted:
            assert stayed.theta == state.theta and stayed.damping == pytest.approx(10 * after)


@pytest.mark.parametrize("rule", [ReductionRatio(2.0), ReductionRatio(10.0), Improvement(2.0)])
def test_a_batch_is_its_members_and_reaches_the_minimum(rule):
    starts = np.random.default_rng(5).uniform(-2, 2, (2, 3, 2))
    batch = damped_init(starts, 1.0)
    one = damped_init(starts[1, 2], 1.0)
    loss = ROSENBROCK.value(starts)
    for _ in range(80):
        batch, info = damped_step(batch, ROSENBROCK, gauss_newton, rule)
        one, _ = damped_step(one, ROSENBROCK, gauss_newton, rule)
        assert np.all(ROSENBROCK.value(batch.theta) <= loss)
        loss = ROSENBROCK.value(batch.theta)
    assert info.trial.shape == starts.shape and info.ratio.shape == (2, 3)
    assert np.allclose(batch.theta[1, 2], one.theta, rtol=1e-12)
    assert np.allclose(batch.theta, 1, atol=1e-4)


def test_a_trial_without_a_loss_is_refused():
    wall = Objective(lambda θ: np.where(θ[..., 0] < 1, -θ[..., 0], np.nan), lambda θ: -1 + 0 * θ)
    flat = lambda θ: np.zeros((*θ.shape, 1))  # noqa: E731  a singular matrix: damping is all there is
    for rule in (Improvement(), ReductionRatio()):
        state, info = damped_step(damped_init([0.5], 0.1), wall, flat, rule)
        assert not info.accepted and state.theta == 0.5 and state.damping > 0.1
        assert info.trial == pytest.approx(10.5)


def test_a_singular_matrix_never_runs_out_of_damping():
    """Three logits for three classes: F is singular, and lambda shrinks at each step."""
    task = fisher.regression("softmax", np.ones((3, 1)), 3)
    y = np.array([0, 1, 2])
    fit = Objective(lambda t: fisher.loss(task, t, y), lambda t: fisher.gradient(task, t, y))
    state = damped_init([2.0, 0.0, -1.0], 1.0)
    for _ in range(60):
        state, _ = damped_step(state, fit, lambda t: fisher.fisher(task, t), ReductionRatio(10))
    assert np.allclose(state.theta, 1 / 3, atol=1e-6)  # the sum of the logits never moved


def test_what_is_refused():
    good = damped_init([1.0], 0.1)
    for bad in (0.0, -1.0, np.nan, [0.1, 0.2], "a"):
        with pytest.raises(ValueError, match="damping"):
            damped_init([1.0], bad)
    for arguments in (
        (None, HALF, COIN.fisher, Improvement()),
        (Damped(np.array([1.0]), np.array(-0.1), 0), HALF, COIN.fisher, Improvement()),
        (good, None, COIN.fisher, Improvement()),
        (good, HALF, None, Improvement()),
        (good, HALF, COIN.fisher, "ratio"),
        (good, HALF, lambda θ: -COIN.fisher(θ), Improvement()),
    ):
        with pytest.raises(ValueError, match="expected"):
            damped_step(*arguments)
    for make in (
        lambda: Improvement(1.0),
        lambda: ReductionRatio(0.5),
        lambda: ReductionRatio(2.0, 0.8, 0.7),
        lambda: ReductionRatio(2.0, 0.0, 0.7),
        lambda: ReductionRatio(2.0, 0.2, 1.0),
    ):
        with pytest.raises(ValueError, match="expected"):
            make()
