"""Newton and its relatives, and the Poisson model: mpmath, autograd and their definitions."""

import autograd.numpy as anp
import mpmath as mp
import numpy as np
import pytest
from autograd import grad, jacobian
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import norm, poisson

from ngdlib import charts, descent, geodesics
from ngdlib.descent import IDENTITY, LOG, LOGIT, PROBIT, Fixed, Objective, data_fit, init
from ngdlib.families import Bernoulli, Categorical, Gaussian, Poisson

RATES = {"rate": lambda t: t, "root": lambda t: t * t, "log-rate": mp.exp}
AT = {"rate": 2.3, "root": 0.7, "log-rate": -1.2}
every_chart = pytest.mark.parametrize("chart", Poisson.charts)


def close(computed, exact, rtol=1e-12):
    return np.allclose(np.asarray(computed, dtype=float), float(exact), rtol=rtol, atol=1e-300)


@every_chart
@pytest.mark.parametrize("scale", [1e-6, 1.0, 300.0])
def test_the_poisson_model_against_mpmath(chart, scale):
    """Every closed form from the definition p(y) = r^y e^-r / y!, at 40 digits."""
    model, rate = Poisson(chart), RATES[chart]
    t = Poisson("rate").change_to(chart).forward([float(rate(AT[chart])) * scale])
    with mp.workdps(40):
        m, y, at = mp.mpf("5.5"), 3, mp.mpf(float(t[0]))

        def loss(s):
            return rate(s) - m * mp.log(rate(s))

        def log_p(s):
            return y * mp.log(rate(s)) - rate(s) - mp.log(mp.factorial(y))

        slope, bend = mp.diff(rate, at), mp.diff(rate, at, 2)
        F = slope**2 / rate(at)
        Γ = mp.diff(lambda s: mp.diff(rate, s) ** 2 / rate(s), at) / (2 * F)
        assert close(model.log_density(3.0, t), log_p(at))
        assert close(model.score(3.0, t), mp.diff(log_p, at))
        assert close(model.fisher(t), F)
        assert np.allclose(model.christoffel(t), float(Γ), rtol=1e-12, atol=1e-12)
        assert close(model.cross_entropy(t, [5.5]), loss(at))
        assert close(model.cross_entropy_gradient(t, [5.5]), mp.diff(loss, at))
        assert close(model.cross_entropy_hessian(t, [5.5]), mp.diff(loss, at, 2))
        H = mp.diff(loss, at, 2) - Γ * mp.diff(loss, at)
        assert close(model.covariant_hessian(t, [5.5]), H)
        assert not close(model.cross_entropy_hessian(t, [5.5]), 1.01 * mp.diff(loss, at, 2))
        assert bend == pytest.approx(float(mp.diff(rate, at, 2)))
        for factor in (1 + 1e-9, 1.4, 8.0, 1e-3):
            there = model.change_to("rate").inverse(model.change_to("rate").forward(t) * factor)
            a, b = rate(at), rate(mp.mpf(float(there[0])))
            assert close(
                model.kl(t, there), a * mp.log(a / b) - a + b, 3e-6 if factor < 1.1 else 1e-12
            )
            root = 2 * abs(mp.sqrt(a) - mp.sqrt(b))
            assert close(model.fisher_rao_distance(t, there), root, 3e-6 if factor < 1.1 else 1e-12)


@every_chart
def test_sums_over_counts_and_samples(chart):
    model, t = Poisson(chart), np.array([AT[chart]])
    r = model.change_to("rate").forward(t)[0]
    y = np.arange(200.0)
    p = np.exp(model.log_density(y, t))
    assert np.allclose(p, poisson.pmf(y, r), rtol=1e-12)
    assert p @ model.score(y, t)[:, 0] == pytest.approx(0, abs=1e-12)
    assert p @ model.score(y, t)[:, 0] ** 2 == pytest.approx(model.fisher(t)[0, 0], rel=1e-12)
    drawn = model.sample(np.random.default_rng(0), t, 20_000)
    assert drawn.shape == (20_000,) and abs(drawn.mean() - r) < 4 * np.sqrt(r / 20_000)
    batch = np.repeat(t, 3)[:, None]
    assert model.sample(np.random.default_rng(0), batch, 5).shape == (3, 5)


def test_poisson_geodesics_are_straight_in_the_root():
    start, v = np.array([1.0]), np.array([0.8])
    rate = Poisson("rate")
    assert rate.geodesic(start, v, 1.0) == pytest.approx(1.4**2)
    assert geodesics.integrated_geodesic(rate, start, v, [1.0])[0] == pytest.approx(
        1.4**2, rel=1e-10
    )
    for chart in Poisson.charts:
        change = rate.change_to(chart)
        there = rate.in_chart(chart)
        pushed = charts.push_forward_velocity(v, change.jacobian(start))
        end = change.inverse(there.geodesic(change.forward(start), pushed, 1.0))
        assert end == pytest.approx(1.4**2, rel=1e-12)
        assert there.change_to("rate").jacobian(change.forward(start)) == pytest.approx(
            1 / change.jacobian(start)[0, 0]
        )
    with pytest.raises(ValueError, match="t: expected a time before the geodesic leaves"):
        rate.geodesic(start, [-3.0], 1.0)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Poisson("mean"), "chart: expected one of"),
        (lambda: Poisson("rate").fisher([0.0]), "theta: expected a point of Poisson in rate"),
        (lambda: Poisson("root").fisher([-1.0]), "theta: expected a point of Poisson in root"),
        (lambda: Poisson("log-rate").fisher([400.0]), "theta: expected a point"),
        (lambda: Poisson("rate").score(1.5, [1.0]), "x: expected counts 0, 1, 2"),
        (lambda: Poisson("rate").score(-1, [1.0]), "x: expected counts"),
        (lambda: data_fit(Poisson("rate"), [-0.1]), "mean: expected a mean of counts"),
        (lambda: Poisson("rate").fisher([1.0, 2.0]), "theta: expected shape"),
    ],
)
def test_the_poisson_model_refuses_in_words(call, words):
    with pytest.raises(ValueError, match=words):
        call()


PROBLEMS = [
    (model.in_chart(chart), model.change_to(chart).forward(point), np.array(mean))
    for model, point, mean in (
        (Bernoulli("probability"), [0.3], [0.8]),
        (Poisson("rate"), [1.0], [5.0]),
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
@pytest.mark.parametrize("hessian", descent.HESSIANS)
def test_a_newton_step_zeroes_its_own_quadratic(model, theta, mean, hessian):
    fit = data_fit(model, mean)
    state, info = descent.newton_step(init(theta), model, fit, hessian)
    v = state.theta - theta
    assert np.allclose(
        info.gradient + info.hessian @ v, 0, atol=1e-10 * np.abs(info.gradient).max()
    )
    assert not np.allclose(info.gradient + 1.01 * info.hessian @ v, 0, atol=1e-4)
    assert info.slope == pytest.approx(info.gradient @ v)
    assert info.negative == (np.linalg.eigvalsh(info.hessian) < 0).sum()
    half, _ = descent.newton_step(init(theta), model, fit, hessian, Fixed(0.5))
    assert np.allclose(half.theta - theta, v / 2, rtol=1e-12)
    if hessian == "plain":
        step = 1e-4 * np.eye(model.dim)
        slopes = (fit.gradient(theta + step) - fit.gradient(theta - step)) / 2e-4
        assert np.allclose(info.hessian, slopes, rtol=1e-5, atol=1e-5 * np.abs(slopes).max())


def velocities(family, point, mean, names, direction):
    base = family(names[0])
    for name in names:
        there, change = base.in_chart(name), base.change_to(name)
        v = direction(there, data_fit(there, mean), change.forward(np.array(point)))
        yield charts.pull_back_velocity(v, change.jacobian(np.array(point)))


@pytest.mark.parametrize(
    ("family", "point", "mean"),
    [
        (Poisson, [1.0], [5.0]),
        (Bernoulli, [0.2], [0.9]),
        (Gaussian, [0.3, 1.4], [0.5, 1.1]),
    ],
)
def test_the_riemannian_velocity_is_one_in_every_chart_and_newtons_is_not(family, point, mean):
    def velocity(kind):
        def direction(model, fit, theta):
            return descent.newton_step(init(theta), model, fit, kind)[1].direction

        return np.array(list(velocities(family, point, mean, family.charts, direction)))

    riemannian, newton = velocity("covariant"), velocity("plain")
    assert np.ptp(riemannian, axis=0).max() < 1e-12
    assert np.ptp(newton, axis=0).max() > 0.1


def test_both_steps_are_affine_invariant():
    """theta -> B theta + c, with the Hessian and the Fisher matrix carried along."""
    rng = np.random.default_rng(0)
    for d in (1, 2, 5):
        B, A, g = rng.normal(size=(d, d)), rng.normal(size=(d, d)), rng.normal(size=d)
        H = A + A.T
        there = np.linalg.solve(B.T, np.linalg.solve(B.T, H).T)
        v = descent.newton_direction(there, np.linalg.solve(B.T, g))
        assert np.allclose(np.linalg.solve(B, v), descent.newton_direction(H, g), rtol=1e-8)


def test_newton_direction_on_matrices_of_either_sign():
    H, g = np.array([[1.0, 0.0], [0.0, -2.0]]), np.array([1.0, 1.0])
    assert np.allclose(descent.newton_direction(H, g), [-1.0, 0.5])
    saddle = np.array([[0.0, 3.0], [3.0, 0.0]])
    assert np.allclose(descent.newton_direction(saddle, [3.0, 6.0]), [-2.0, -1.0])
    units = np.diag([1e-30, -1e40])
    assert np.allclose(descent.newton_direction(units, g), [-1e30, 1e-40], rtol=1e-14)
    for singular in (np.ones((2, 2)), np.zeros((2, 2)), np.diag([1.0, 0.0])):
        with pytest.raises(ValueError, match=r"H: expected an invertible matrix.*no curvature"):
            descent.newton_direction(singular, g)
    with pytest.raises(ValueError, match="H: expected a symmetric matrix"):
        descent.newton_direction([[1.0, 0.5], [0.0, 1.0]], g)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0, 70))
def test_newton_direction_knows_no_unit(seed, size):
    """Coordinates in other units give the same step in those units, to rounding."""
    rng = np.random.default_rng(seed)
    A, g = rng.normal(size=(3, 3)), rng.normal(size=3)
    H = A + A.T
    assume(np.linalg.cond(H) < 100 and np.abs(np.diagonal(H)).min() > 0.1)
    unit = 10.0 ** (size * rng.uniform(-1, 1, 3))
    found = descent.newton_direction(H * unit[:, None] * unit, g * unit) * unit
    assert np.allclose(found, -np.linalg.solve(H, g), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("sigma", [1e-20, 1.0, 1e20])
def test_newton_steps_at_any_scale(sigma):
    """In units of sigma it is one step: its Hessian is, but for its units, well conditioned."""
    model = Gaussian("mu, sigma^2")
    fit = data_fit(model, [sigma, 2.5 * sigma**2])
    state, _ = descent.newton_step(init([0.0, sigma**2]), model, fit)
    one, _ = descent.newton_step(init([0.0, 1.0]), model, data_fit(model, [1.0, 2.5]))
    assert np.allclose(state.theta / [sigma, sigma**2], one.theta, rtol=1e-13)


def test_a_step_that_leaves_the_model_says_so():
    state, info = descent.newton_step(
        init([10.1]), Poisson("rate"), data_fit(Poisson("rate"), [5.0])
    )
    assert state.theta == pytest.approx(-0.202) and not info.in_domain and np.isnan(info.kl)
    bare = Objective(lambda t: t[..., 0] ** 2, lambda t: 2 * t)
    with pytest.raises(ValueError, match="objective: expected one with a hessian"):
        descent.newton_step(init([1.0]), Poisson("rate"), bare)
    with pytest.raises(ValueError, match="hessian: expected one of"):
        descent.newton_step(init([1.0]), Poisson("rate"), bare, "fisher")


def net(W, x):
    """Two outputs of a small network with weights W (12,)."""
    hidden = anp.tanh(x @ W[:6].reshape(2, 3))
    return hidden @ W[6:].reshape(3, 2)


def test_gauss_newton_is_the_hessian_less_the_curvature_of_the_outputs():
    rng = np.random.default_rng(3)
    W, x, y = rng.normal(size=12), rng.normal(size=(4, 2)), rng.normal(size=(4, 2))

    def loss(w):
        return anp.mean(anp.sum((net(w, x) - y) ** 2, axis=1)) / 2

    J, H = jacobian(net)(W, x), jacobian(grad(loss))(W)
    GGN = descent.gauss_newton(J, np.broadcast_to(np.eye(2), (4, 2, 2)))
    bend = jacobian(jacobian(net))(W, x)
    rest = np.einsum("nk,nkab->ab", net(W, x) - y, bend) / 4
    assert np.allclose(H, GGN + rest, rtol=1e-10, atol=1e-12)
    assert not np.allclose(H, 1.01 * GGN + rest, rtol=1e-4, atol=1e-6)
    assert not np.allclose(H, GGN, atol=0.05)
    assert np.linalg.eigvalsh(GGN).min() > -1e-12
    for bad in (J[0], J[:3], J[:, :1], np.zeros((0, 2, 12))):
        with pytest.raises(ValueError, match="J: expected"):
            descent.gauss_newton(bad, np.broadcast_to(np.eye(2), (4, 2, 2)))


LOSSES = {  # of one label, as a function of z
    "identity": lambda z, y: (z - y) ** 2 / 2,
    "logit": lambda z, y: anp.log(1 + anp.exp(z)) - y * z,
    "log": lambda z, y: anp.exp(z) - y * z,
}


@given(st.integers(0, 10**6), st.sampled_from([IDENTITY, LOGIT, LOG]))
def test_irls_is_newton_with_a_canonical_link_for_any_labels(seed, link):
    rng = np.random.default_rng(seed)
    x, θ = rng.normal(size=(30, 3)), rng.normal(size=3) / 2
    y = {"identity": rng.normal(size=30), "logit": rng.integers(0, 2, 30)}.get(
        link.name, rng.integers(0, 9, 30)
    )
    loss = lambda t: anp.sum(LOSSES[link.name](x @ t, y))  # noqa: E731
    state, info = descent.irls_step(init(θ), x, y, link)
    H, g = jacobian(grad(loss))(θ), grad(loss)(θ)
    assert np.allclose(info.fisher, H, rtol=1e-9) and np.allclose(info.gradient, g, rtol=1e-9)
    assert np.allclose(state.theta, θ - np.linalg.solve(H, g), rtol=1e-8)
    root = np.sqrt(info.weights)  # the definition: least squares on the working labels
    fit = np.linalg.lstsq(root[:, None] * x, root * info.working, rcond=None)[0]
    assert np.allclose(state.theta, fit, rtol=1e-8)


def test_irls_is_not_newton_with_a_probit_link():
    rng = np.random.default_rng(1)
    x, y, θ = rng.normal(size=(40, 2)), rng.integers(0, 2, 40), np.array([0.5, -0.3])

    def gradient(t):
        z = x @ t
        return -x.T @ (norm.pdf(z) * (y - norm.cdf(z)) / (norm.cdf(z) * norm.sf(z)))

    step = 1e-5 * np.eye(2)
    H = np.array([(gradient(θ + e) - gradient(θ - e)) / 2e-5 for e in step])
    _, info = descent.irls_step(init(θ), x, y, PROBIT)
    assert np.allclose(info.gradient, gradient(θ), rtol=1e-10)
    assert np.linalg.norm(info.fisher - H) > 0.01 * np.linalg.norm(H)
    p = norm.cdf(x @ θ)  # the mean of the Hessian over the model's own labels is the Fisher matrix
    s = norm.pdf(x @ θ)[:, None] * x
    assert np.allclose(info.fisher, (s / (p * (1 - p))[:, None]).T @ s, rtol=1e-10)
    state = init(np.zeros(2))
    for _ in range(30):
        state, info = descent.irls_step(state, x, y, PROBIT)
    assert np.abs(info.gradient).max() < 1e-8


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"state": None}, "state: expected"),
        ({"state": init([0.0])}, "state.theta: expected shape"),
        ({"x": [1.0, 2.0]}, "x: expected shape"),
        ({"y": [0, 1]}, "y: expected shape"),
        ({"y": [0, 1, 2]}, "y: expected labels of the logit link"),
        ({"link": "logit"}, "link: expected"),
        ({"x": [[1, 1], [2, 2], [3, 3]]}, "singular"),
    ],
)
def test_irls_refuses_in_words(given, words):
    good = {"state": init([0.0, 0.0]), "x": [[1, 0], [1, 1], [1, 2]], "y": [0, 1, 1], "link": LOGIT}
    assert np.isfinite(descent.irls_step(**good)[0].theta).all()
    with pytest.raises(ValueError, match=words):
        descent.irls_step(**{**good, **given})
