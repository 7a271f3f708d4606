"""Geodesics of the Fisher metric, against closed forms and against themselves in other charts."""

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ngdlib.descent import Objective, data_fit, fisher_length
from ngdlib.families import Bernoulli, Categorical, Gaussian, Poisson
from ngdlib.geodesics import christoffel, covariant_hessian, exponential, geodesic

COIN, BELL, DIE = Bernoulli("probability"), Gaussian("mu, sigma"), Categorical(3, "probabilities")
inner = st.floats(0.1, 0.9)


@settings(max_examples=20)
@given(q=st.floats(0.01, 0.99))
def test_christoffel_of_a_coin(q):
    found = christoffel(COIN, np.array([q]))[0, 0, 0]
    assert found == pytest.approx((2 * q - 1) / (2 * q * (1 - q)), rel=1e-9, abs=1e-9)
    assert christoffel(Bernoulli("angle"), np.array([3 * q])) == pytest.approx(0, abs=1e-12)
    # negative control: the sign is seen
    assert abs(found + (2 * q - 1) / (2 * q * (1 - q))) > 1e-6 or abs(q - 0.5) < 1e-5


@settings(max_examples=20)
@given(mu=st.floats(-3, 3), sigma=st.floats(0.05, 5))
def test_christoffel_of_a_gaussian(mu, sigma):
    """Γ^μ_μσ = −1/σ, Γ^σ_μμ = 1/(2σ), Γ^σ_σσ = −1/σ, all others zero."""
    expected = np.zeros((2, 2, 2))
    expected[0, 0, 1] = expected[0, 1, 0] = expected[1, 1, 1] = -1 / sigma
    expected[1, 0, 0] = 1 / (2 * sigma)
    found = christoffel(BELL, np.array([mu, sigma]))
    assert np.allclose(found * sigma, expected * sigma, atol=1e-9)
    assert not np.allclose(found * sigma, -expected * sigma, atol=0.1)


@settings(max_examples=15)
@given(q=inner, turn=st.floats(-0.5, 0.5))
def test_geodesic_of_a_coin(q, turn):
    """Constant speed in the angle."""
    start = COIN.change_to("angle").forward(np.array([q]))
    end = COIN.change_to("angle").inverse(start + turn)
    speed = turn * np.sqrt(q * (1 - q))
    assert exponential(COIN, np.array([q]), np.array([speed])) == pytest.approx(end, abs=1e-10)
    assert abs(q + speed - end[0]) > 1e-5 or abs(turn) < 0.05 or abs(q - 0.5) < 0.05


def test_geodesic_of_a_trinomial_is_a_great_circle():
    start, v = np.array([0.5, 0.3]), np.array([-0.15, 0.25])
    root = np.sqrt(np.append(start, 1 - start.sum()))
    speed = np.append(v, -v.sum()) / (2 * root)  # of the square roots, on the unit sphere
    angle = np.linalg.norm(speed)
    for t, point in zip((0.4, 1.0), geodesic(DIE, start, v, [0.4, 1.0]), strict=True):
        circle = np.cos(angle * t) * root + np.sin(angle * t) * speed / angle
        assert np.allclose(point, circle[:2] ** 2, atol=1e-10)
        assert not np.allclose(point, start + t * v, atol=1e-3)


@pytest.mark.parametrize("q", [1e-300, 1e-9, 0.3, 1 - 1e-9])
@pytest.mark.parametrize("turn", [1e-12, 0.4, -0.4])
def test_a_coin_far_out_turns_as_mpmath_says(q, turn):
    """A turn of the angle by a part of itself, towards 0 or away from it, in two charts."""
    with mp.workdps(340):
        end, back = 2 * mp.asin(mp.sqrt(mp.mpf(q))), 2 * mp.asin(mp.sqrt(1 - mp.mpf(q)))
        turn *= float(min(end, back))
        size = mp.sqrt(mp.mpf(q) * (1 - mp.mpf(q)))
        v = float(turn * size)
        there = mp.sin((end + v / size) / 2) ** 2
        assert abs(exponential(COIN, [q], [v]).item() / there - 1) < 2e-15
        z = float(mp.log(mp.mpf(q) / (1 - mp.mpf(q))))
        p = 1 / (1 + mp.exp(-mp.mpf(z)))
        v = float(turn / mp.sqrt(p * (1 - p)))
        half = mp.asin(mp.sqrt(p)) + v * mp.sqrt(p * (1 - p)) / 2
        odds = 2 * mp.log(mp.tan(half))
        assert abs(exponential(Bernoulli("log-odds"), [z], [v]).item() - odds) < 4e-15 * abs(odds)


@pytest.mark.parametrize("chart", Poisson.charts)
@pytest.mark.parametrize("rate", [1e-149, 1.0, 1e149])
@pytest.mark.parametrize("growth", [1e-17, 0.3, -0.5])
def test_a_counter_grows_by_its_root_as_mpmath_says(chart, rate, growth):
    model = Poisson(chart)
    theta = Poisson("rate").change_to(chart).forward([rate]).item()
    slope = {"rate": 2 * theta, "root": theta, "log-rate": 2.0}[chart]  # dtheta/d log(root)
    end = exponential(model, [theta], [growth * slope]).item()
    with mp.workdps(60):
        grown = 1 + mp.mpf(growth * slope) / slope
        if chart == "log-rate":
            assert abs(end - theta - 2 * mp.log(grown)) < 4e-16 * max(abs(theta), abs(2 * growth))
        else:
            assert abs(end / theta / grown ** (2 if chart == "rate" else 1) - 1) < 1e-12
    with pytest.raises(ValueError, match="edge"):  # through 0, and in the rate up again
        exponential(model, [theta], [-2.5 * slope])


@settings(max_examples=12)
@given(mu=st.floats(-2, 2), sigma=st.floats(0.3, 3), turn=st.floats(0, 6.28))
def test_exponential_is_the_same_in_every_chart(mu, sigma, turn):
    start = np.array([mu, sigma])
    v = 0.6 * sigma * np.array([np.cos(turn), np.sin(turn) / np.sqrt(2)])
    end = exponential(BELL, start, v)
    assert BELL.fisher_rao_distance(start, end) == pytest.approx(0.6, rel=1e-9)
    for chart in ("mu, log sigma", "natural", "expectation"):
        change = BELL.change_to(chart)
        there = exponential(BELL.in_chart(chart), change.forward(start), change.jacobian(start) @ v)
        assert np.allclose(change.inverse(there), end, rtol=1e-7, atol=1e-8)
    straight = BELL.change_to("natural")
    plain = straight.forward(start) + straight.jacobian(start) @ v
    if straight.target and BELL.in_chart("natural").in_domain(plain):
        assert not np.allclose(straight.inverse(plain), end, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("q", [0.2, 0.4, 0.83])
def test_covariant_hessian_is_a_tensor(q):
    """1/(2q²(1 − q)) for one head in probability; as T⁻ᵀHT⁻¹ in log-odds."""
    head, here = np.array([1.0]), np.array([q])
    H = covariant_hessian(COIN, data_fit(COIN, head), here)[0, 0]
    assert pytest.approx(1 / (2 * q**2 * (1 - q)), rel=1e-9) == H
    there, change = Bernoulli("log-odds"), COIN.change_to("log-odds")
    T = change.jacobian(here)[0, 0]
    moved = covariant_hessian(there, data_fit(there, head), change.forward(here))[0, 0]
    assert moved * T**2 == pytest.approx(H, rel=1e-9)
    assert 1 / q**2 / T**2 != pytest.approx(q * (1 - q), rel=1e-3)  # plain second derivatives


def test_batches():
    starts = np.array([[0.0, 1.0], [1.0, 2.0]])
    v = np.array([0.3, -0.2])
    ends = exponential(BELL, starts, v)
    assert np.allclose(ends[1], exponential(BELL, starts[1], v), atol=1e-9)
    assert christoffel(BELL, starts).shape == (2, 2, 2, 2)
    lengths = fisher_length(BELL.fisher(starts), np.broadcast_to(v, (2, 2)))
    assert np.allclose(BELL.fisher_rao_distance(starts, ends), lengths, rtol=1e-8)


@pytest.mark.parametrize("model", [COIN, BELL, DIE, Poisson("rate")])
def test_arguments_are_read_and_not_written(model):
    """As they come, without a copy; the result is memory of its own, row by row."""
    points, v = np.full((5, model.dim), 0.3), np.full((5, model.dim), 0.01)
    given = points.copy(), v.copy()
    for array in (points, v):
        array.flags.writeable = False
    end = exponential(model, points, v)
    assert np.array_equal(points, given[0]) and np.array_equal(v, given[1])
    assert end.flags.c_contiguous and end.flags.writeable
    assert not np.shares_memory(end, points) and not np.shares_memory(end, v)
    assert np.array_equal(end, exponential(model, np.asfortranarray(points), v[::-1]))


@pytest.mark.parametrize(
    "call, named",
    [
        (lambda: christoffel(COIN, np.array([1.5])), "theta"),
        (lambda: christoffel(COIN, np.array([np.nan])), "theta"),
        (lambda: christoffel(Categorical(3, "logits"), np.zeros(3)), "singular"),
        (lambda: exponential(COIN, np.array([0.5]), np.array([0.1, 0.2])), "velocity"),
        (lambda: exponential(COIN, np.array([0.5]), np.array([np.inf])), "velocity"),
        (lambda: exponential(COIN, np.array([0.5]), np.array([2.0])), "edge"),
        (lambda: geodesic(COIN, np.array([0.5]), np.array([0.1]), [1.0, 0.5]), "times"),
    ],
)
def test_refusals(call, named):
    with pytest.raises(ValueError, match=named):
        call()


def test_a_family_without_closed_forms():
    """From differences of the Fisher matrix: as the closed form gives it, and near an edge, too."""

    class Plain(Gaussian):
        has_geodesics = has_connection = False

    class Coin(Bernoulli):
        has_geodesics = has_connection = False

    for closed, bare, theta in (
        (BELL, Plain("mu, sigma"), [0.3, 1.2]),
        (Gaussian("natural"), Plain("natural"), [[0.3, -1.2], [2.0, -0.4]]),
        (COIN, Coin("probability"), [[1e-6], [1e-12], [0.2], [0.99]]),
    ):
        assert np.allclose(christoffel(bare, theta), christoffel(closed, theta), rtol=1e-7)
    bend = christoffel(COIN, [1e-6])[0, 0, 0]
    assert bend == pytest.approx(-499999.5, rel=1e-6) and bend > -500001
    end = exponential(Plain("mu, sigma"), [0.3, 1.2], [0.2, 0.1])
    assert np.allclose(end, exponential(BELL, [0.3, 1.2], [0.2, 0.1]), rtol=1e-9)
    plain = Objective(lambda t: t[..., 0] ** 4, lambda t: np.stack([4 * t[..., 0] ** 3], -1))
    found = covariant_hessian(COIN, plain, [[1e-6], [0.3]])
    q = np.array([1e-6, 0.3])
    exact = 12 * q**2 - (q - 0.5) / (q * (1 - q)) * 4 * q**3
    assert np.allclose(found[:, 0, 0], exact, rtol=1e-7, atol=0)


def test_covariant_hessian_of_several_objectives():
    """A batch of data, a batch of points: each pair as alone."""
    means, points = np.array([[[0.1]], [[0.9]]]), np.array([[0.2], [1e-6], [0.7]])
    together = covariant_hessian(COIN, data_fit(COIN, means), points)
    assert together.shape == (2, 3, 1, 1)
    for i, mean in enumerate(means[:, 0]):
        for j, point in enumerate(points):
            alone = covariant_hessian(COIN, data_fit(COIN, mean), point)
            assert together[i, j] == pytest.approx(alone, rel=1e-14)
            bare = Objective(*data_fit(COIN, mean)[:2])
            assert covariant_hessian(COIN, bare, point) == pytest.approx(alone, rel=1e-6)
