"""Descent: directions, lengths, steps and flows, against closed forms."""

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ngdlib import descent
from ngdlib.descent import FisherLength, Fixed, KLRadius, Objective, data_fit, init, run, step
from ngdlib.families import Bernoulli, Categorical, Gaussian

PROBLEMS = [
    (model.in_chart(chart), model.change_to(chart).forward(point), np.array(mean))
    for model, point, mean in (
        (Bernoulli("probability"), [0.3], [0.8]),
        (Gaussian("mu, sigma"), [0.0, 1.0], [0.7, 2.0]),
        (Categorical(3, "probabilities"), [0.2, 0.5], [0.5, 0.1, 0.4]),
    )
    for chart in model.charts
    if chart != "logits"
]
every_problem = pytest.mark.parametrize(
    ("model", "theta", "mean"), PROBLEMS, ids=[repr(model) for model, *_ in PROBLEMS]
)


@every_problem
def test_directions(model, theta, mean):
    fit = data_fit(model, mean)
    F, g = model.fisher(theta), fit.gradient(theta)
    d = descent.natural_direction(F, g)
    assert np.allclose(F @ d, -g, rtol=1e-11)
    assert g @ d < 0
    damped = descent.natural_direction(F, g, damping=0.3)
    assert np.allclose((F + 0.3 * np.eye(model.dim)) @ damped, -g, rtol=1e-11)
    assert np.allclose(1e9 * descent.natural_direction(F, g, 1e9), -g, rtol=1e-6)
    if model.chart != "angle":  # there F = 1
        assert not np.allclose(d, descent.gradient_direction(g), rtol=1e-2)
    assert descent.fisher_length(F, d) ** 2 == pytest.approx(-g @ d, rel=1e-11)


def test_a_singular_fisher_matrix_is_refused():
    die = Categorical(3, "logits")
    F, g = die.fisher([0.3, -1.0, 2.0]), np.array([0.2, -0.1, -0.1])
    with pytest.raises(ValueError, match="F: expected an invertible"):
        descent.natural_direction(F, g)
    assert np.isfinite(descent.natural_direction(F, g, damping=1e-3)).all()
    units = np.diag([1e-30, 1e40])  # units alone do not make it singular
    assert np.allclose(descent.natural_direction(units, [1.0, 1.0]), [-1e30, -1e-40], rtol=1e-14)
    assert descent.fisher_length(np.diag([1.0, 0.0]), [3e200, 5.0]) == pytest.approx(3e200)


@every_problem
@pytest.mark.parametrize("metric", descent.METRICS)
def test_step_is_direction_times_length(model, theta, mean, metric):
    fit, before = data_fit(model, mean), theta.copy()
    for length in (Fixed(0.1), FisherLength(0.2), KLRadius(0.01)):
        state, info = step(init(theta), model, fit, metric, length)
        assert state.step == 1
        assert np.allclose(state.theta, theta + info.step_length * info.direction, rtol=1e-15)
        assert info.loss == pytest.approx(model.cross_entropy(theta, mean))
        assert info.kl == pytest.approx(model.kl(theta, state.theta), rel=1e-12)
        moved = state.theta - theta
        assert info.fisher_length**2 == pytest.approx(moved @ model.fisher(theta) @ moved, rel=1e-9)
        assert fit.value(state.theta) < info.loss
        expected, got = {
            Fixed: (0.1, info.step_length),
            FisherLength: (0.2, info.fisher_length),
            KLRadius: (0.01, info.kl),
        }[type(length)]
        assert got == pytest.approx(expected, rel=1e-12)
        others = {info.step_length.item(), info.fisher_length.item(), info.kl.item()} - {got.item()}
        assert not any(np.isclose(other, expected, rtol=1e-6) for other in others)
    assert np.array_equal(theta, before)  # pure


@every_problem
def test_kl_radius_is_solved_on_the_true_divergence(model, theta, mean):
    """√(2 KL) of a step of Fisher length r is r only to first order; the solved radius is exact."""
    fit = data_fit(model, mean)
    radii = 4.0 ** -np.arange(4, 9)
    gaps = []
    for eps in radii:
        _, exact = step(init(theta), model, fit, length=KLRadius(eps))
        _, usual = step(init(theta), model, fit, length=FisherLength(np.sqrt(2 * eps)))
        assert exact.kl == pytest.approx(eps, rel=1e-13)
        gaps.append(abs(usual.kl / eps - 1))
    if model.chart != "angle":  # where the error starts one order later
        assert np.polyfit(np.log(radii), np.log(gaps), 1)[0] == pytest.approx(0.5, abs=0.15)
    assert gaps[0] > 1e-4
    _, tiny = step(init(theta), model, fit, length=KLRadius(1e-18))
    assert abs(tiny.kl / 1e-18 - 1) < 1e-6  # theta + step is rounded


@given(st.floats(0.01, 0.99), st.floats(-6, 0.4), st.booleans())
def test_kl_radius_against_mpmath(q, log_eps, up):
    model, eps = Bernoulli("probability"), 10**log_eps
    slope = Objective(lambda t: t[..., 0], lambda t: np.full(t.shape, -1.0 if up else 1.0))
    edge = 1 - mp.mpf(10) ** -9 if up else mp.mpf(10) ** -9

    def kl(r):
        return q * mp.log(q / r) + (1 - mp.mpf(q)) * mp.log((1 - mp.mpf(q)) / (1 - r))

    if kl(edge) < eps:  # nearer to the edge than float64 can step with accuracy
        return
    state, info = step(init([q]), model, slope, "euclidean", KLRadius(eps))
    with mp.workdps(40):
        low, high = mp.mpf(q), edge
        for _ in range(120):
            middle = (low + high) / 2
            low, high = (middle, high) if kl(middle) < eps else (low, middle)
        assert abs(float(low) - state.theta[0]) < 1e-13 * max(1, 1 / eps**0.5)
    assert info.kl == pytest.approx(eps, rel=1e-6)
    assert abs(float(kl(mp.mpf(q) + 0.999 * (low - q)) / eps - 1)) > 1e-6


def test_a_radius_that_cannot_be_reached_is_refused():
    coin = Bernoulli("probability")
    with pytest.raises(ValueError, match=r"eps: expected a divergence that is reached inside"):
        step(init([0.5]), coin, data_fit(coin, [1.0]), length=KLRadius(50.0))
    _, info = step(init([0.5]), coin, data_fit(coin, [1.0]), length=KLRadius(10.0))
    assert info.in_domain and info.kl == pytest.approx(10, rel=1e-6)


@every_problem
def test_stationary_points_stay(model, theta, mean):
    x = [0, 1] if not isinstance(model, Gaussian) else [-0.5, 1.5]
    mean = model.statistics(x).mean(axis=0)
    if isinstance(model, Categorical):
        mean = np.array([0.25, 0.5, 0.25])
    best = {
        "Bernoulli": ("probability", [0.5]),
        "Gaussian": ("mu, sigma", [0.5, 1.0]),
    }.get(model.name, ("probabilities", [0.25, 0.5]))
    theta = model.in_chart(best[0]).change_to(model.chart).forward(best[1])
    for length in (FisherLength(0.1), KLRadius(0.1), Fixed(1.0)):
        state, info = step(init(theta), model, data_fit(model, mean), length=length)
        if np.all(info.gradient == 0):
            assert info.fisher_length == 0
            assert np.array_equal(state.theta, theta)
    moved, _ = step(init(theta), model, data_fit(model, mean), length=Fixed(1.0))
    assert np.allclose(moved.theta, theta, atol=1e-14)


def test_unit_natural_steps_of_a_coin():
    coin = Bernoulli("probability")
    state, info = step(init([0.5]), coin, data_fit(coin, [1.0]))
    assert state.theta == 1.0 and not info.in_domain and np.isnan(info.kl)
    with pytest.raises(ValueError, match=r"state.theta: expected a point of Bernoulli"):
        step(state, coin, data_fit(coin, [1.0]))
    logit = Bernoulli("log-odds")
    state, info = step(init([0.0]), logit, data_fit(logit, [1.0]))
    assert state.theta == pytest.approx(2.0) and info.in_domain
    plain, _ = step(init([0.0]), logit, data_fit(logit, [1.0]), "euclidean")
    assert plain.theta == pytest.approx(0.5)


def test_run_holds_what_has_left_and_goes_on_with_the_rest():
    coin = Bernoulli("probability")
    starts = np.array([[0.05], [0.5], [0.7]])
    path, inside = run(starts, coin, data_fit(coin, [0.75]), 5, "euclidean", Fixed(0.1))
    assert path.shape == (6, 3, 1) and inside.shape == (6, 3)
    assert inside[:, 0].tolist() == [True] + [False] * 5
    assert np.all(path[1:, 0] == path[1, 0]) and path[1, 0] > 1
    assert inside[:, 1:].all() and abs(path[-1, 2, 0] - 0.75) < abs(path[0, 2, 0] - 0.75)
    state = init(starts[1])
    for point in path[1:, 1]:
        state, _ = step(state, coin, data_fit(coin, [0.75]), "euclidean", Fixed(0.1))
        assert np.array_equal(state.theta, point)
    again, _ = run(init(starts), coin, data_fit(coin, [0.75]), 5, "euclidean", Fixed(0.1))
    assert np.array_equal(again, path)
    many, inside = run([0.5], coin, data_fit(coin, [[0.6], [0.9]]), 3, length=Fixed(0.5))
    assert many.shape == (4, 2, 1) and inside.all()


def test_a_step_that_overflows_has_left_the_model():
    bell = Gaussian("mu, sigma")
    steep = Objective(lambda t: t[..., 0], lambda t: np.full(t.shape, 1e200))
    state, info = step(init([0.0, 1.0]), bell, steep, "euclidean", Fixed(1e200))
    assert not np.isfinite(state.theta).all() and not info.in_domain


@every_problem
def test_natural_flow_is_straight_in_the_expectation_parameters(model, theta, mean):
    """d(mean)/dt = data mean − mean, whatever the chart: m(t) = m̄ + (m − m̄)e^(−t)."""
    times = np.array([0.0, 0.5, 1.0, 4.0])
    path = descent.flow(theta, model, data_fit(model, mean), times)

    def means(theta):
        if isinstance(model, Gaussian):
            return model.change_to("expectation").forward(theta)
        return model.probabilities(theta)[..., model.classes - mean.size :]

    expected = mean + (means(theta) - mean) * np.exp(-times)[:, None]
    assert np.allclose(means(path), expected, rtol=1e-10)
    assert np.array_equal(path[0], theta)
    plain = descent.flow(theta, model, data_fit(model, mean), times, "euclidean")
    if model.chart != "angle":
        assert not np.allclose(means(plain), expected, rtol=1e-2)
    finite, _ = run(theta, model, data_fit(model, mean), 2, length=Fixed(0.25))
    assert not np.allclose(means(finite[-1]), expected[1], rtol=1e-4) or model.chart in (
        "probability",
        "probabilities",
        "expectation",
    )


def test_ordinary_flows_of_a_coin():
    """Outcome 1: z + e^z grows with slope 1; q² with slope 2, until the flow leaves at q = 1."""
    times = np.array([0.5, 3.0, 40.0])
    logit = Bernoulli("log-odds")
    z = descent.flow([-1.0], logit, data_fit(logit, [1.0]), times, "euclidean")[:, 0]
    assert np.allclose(z + np.exp(z), -1 + np.exp(-1) + times, rtol=1e-11)
    coin = Bernoulli("probability")
    times = np.array([0.0, 0.2, 0.4])
    q = descent.flow([0.3], coin, data_fit(coin, [1.0]), times, "euclidean")[:, 0]
    assert np.allclose(q**2, 0.09 + 2 * times, rtol=1e-12)
    with pytest.raises(ValueError, match="times: expected times at which the flow is inside"):
        descent.flow([0.3], coin, data_fit(coin, [1.0]), [0.4, 0.5], "euclidean")


@pytest.mark.parametrize("start", [1e-3, 1e-8, 1e-12, 1e-100])
def test_a_flow_near_an_edge_keeps_its_digits(start):
    """The natural flow of a coin is straight in q: m + (q - m) e^-t, and tiny q keep 11 digits."""
    coin, mean = Bernoulli("probability"), 2 * start
    times = np.array([1e-6, 0.1, 1.0, 5.0])
    q = descent.flow([start], coin, data_fit(coin, [mean]), times)[:, 0]
    exact = [mp.mpf(mean) - start * mp.exp(-mp.mpf(t)) for t in times]
    assert max(abs(float(a / b - 1)) for a, b in zip(map(mp.mpf, q), exact, strict=True)) < 1e-11


@every_problem
def test_steps_approach_the_flow(model, theta, mean):
    """One step is off by order η², the way in n steps by order η."""
    fit = data_fit(model, mean)
    exact = descent.flow(theta, model, fit, [0.4])[-1]
    counts = np.array([16, 32, 64, 128])
    ends = np.array([run(theta, model, fit, n, length=Fixed(0.4 / n))[0][-1] for n in counts])
    errors = np.abs(ends - exact).max(axis=1)
    assert np.polyfit(np.log(0.4 / counts), np.log(errors), 1)[0] == pytest.approx(1, abs=0.1)
    etas = 0.1 * 2.0 ** -np.arange(5)
    flown = descent.flow(theta, model, fit, etas[::-1])[::-1]
    once = np.array([step(init(theta), model, fit, length=Fixed(e))[0].theta for e in etas])
    local = np.abs(flown - once).max(axis=1)
    assert np.polyfit(np.log(etas), np.log(local), 1)[0] == pytest.approx(2, abs=0.15)


def test_flows_in_a_batch():
    coin = Bernoulli("angle")
    starts = np.array([[0.5], [1.0], [2.9]])
    path = descent.flow(starts, coin, data_fit(coin, [0.3]), [1.0, 2.0])
    assert path.shape == (2, 3, 1)
    for start, end in zip(starts, path[-1], strict=True):
        alone = descent.flow(start, coin, data_fit(coin, [0.3]), [2.0])[-1]
        assert np.allclose(alone, end, rtol=1e-11)
    several = descent.flow([1.0], coin, data_fit(coin, [[0.3], [0.6]]), [0.0])
    assert several.shape == (1, 2, 1)


def test_in_one_dimension_a_natural_step_is_one_division():
    """From any q a unit step on one head lands on the edge, 1, to two ulps."""
    coin, q = Bernoulli("probability"), np.linspace(0.05, 0.95, 19)[:, None]
    F, g = coin.fisher(q), -1 / q
    np.testing.assert_array_equal(descent.natural_direction(F, g), -g / F[..., 0])
    state, _ = step(init(q), coin, data_fit(coin, [1.0]))
    np.testing.assert_allclose(state.theta, 1, rtol=4e-16)
