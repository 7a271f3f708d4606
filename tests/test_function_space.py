"""Metrics, kernels and flows of functions against autograd, dense algebra, closed forms, sympy."""

import autograd.numpy as anp
import numpy as np
import pytest
import sympy as sp
from autograd import hessian, jacobian
from hypothesis import given, settings
from hypothesis import strategies as st

from ngdlib import curvature
from ngdlib import function_space as fs

X = np.array([-1.0, 0.0, 2.0])
X5 = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])


def basis(x):
    return np.stack([np.ones_like(x), np.sqrt(1.5) * x], axis=-1)


def net(theta, x):
    w = anp.reshape(theta, (-1, 3))
    return anp.tanh(anp.outer(x, w[:, 0]) + w[:, 1]) @ w[:, 2]


AGAIN = {
    "neuron": (fs.neuron(), lambda t, x: anp.tanh(t[0] * x + t[1])),
    "scaled": (fs.scaled_neuron(), lambda t, x: t[1] * anp.tanh(t[0] * x)),
    "cosine": (fs.shifted_cosine(), lambda t, x: anp.cos(t[0] - x)),
    "linear": (fs.linear(basis, 2), lambda t, x: t[0] + t[1] * anp.sqrt(1.5) * x),
    "net": (fs.hidden_layer(4), net),
}
every_model = pytest.mark.parametrize("name", AGAIN)


def point(size, seed=0):
    return np.random.default_rng(seed).standard_normal(size)


@every_model
def test_derivatives_are_those_of_automatic_differentiation(name):
    model, again = AGAIN[name]
    theta = point(model.size)
    np.testing.assert_allclose(model.value(theta, X), again(theta, X), atol=1e-14)
    J = jacobian(lambda t: again(t, X))(theta)
    np.testing.assert_allclose(model.jacobian(theta, X), J, atol=1e-13)
    if model.hessian:
        H = hessian(lambda t: again(t, X))(theta)
        np.testing.assert_allclose(model.hessian(theta, X), H, atol=1e-13)
    batch = np.stack([theta, theta + 1])
    np.testing.assert_allclose(model.jacobian(batch, X)[0], J, atol=1e-13)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 99), st.sampled_from([1e-4, 1.0]))
def test_metric_and_kernel_share_their_spectrum_and_three_ways_solve_alike(D, N, seed, damping):
    J = np.random.default_rng(seed).standard_normal((D, N))
    one = np.linalg.eigvalsh(fs.metric(J))[::-1]
    two = np.linalg.eigvalsh(fs.tangent_kernel(J) / D)[::-1]
    k = min(D, N)
    np.testing.assert_allclose(one[:k], two[:k], atol=1e-12)
    v = np.random.default_rng(seed + 1).standard_normal(N)
    want = np.linalg.solve(fs.metric(J) + damping * np.eye(N), v)
    for how in ("dense", "woodbury", "cg"):
        found = fs.damped_solve(J, v, damping, how)
        np.testing.assert_allclose(found, want, rtol=1e-6, atol=1e-7 * np.abs(want).max())


def test_the_natural_velocity_is_the_pseudoinverse_and_says_its_rank():
    model = fs.hidden_layer(10)
    theta, y = point(30), point(5, 1)
    J, r = model.jacobian(theta, X5), model.value(theta, X5) - y
    velocity, rank = fs.natural_velocity(J, r)
    assert rank == 5
    np.testing.assert_allclose(J @ velocity, -2 * r, atol=1e-8)  # full row rank: the residual falls
    g, gradient = fs.metric(J), 2 * J.T @ r / 5
    np.testing.assert_allclose(velocity, -np.linalg.pinv(g, rcond=1e-11) @ gradient, rtol=1e-5)
    K = fs.tangent_kernel(J)
    inverted_twice = 5 * J.T @ np.linalg.solve(K, np.linalg.solve(K, J))
    np.testing.assert_allclose(np.linalg.pinv(g, rcond=1e-11), inverted_twice, rtol=1e-4, atol=1e-3)
    assert fs.tangent_share(J, r) == pytest.approx(1)


@pytest.mark.parametrize("rho", [0.5, 1.0, 2.0])
def test_the_circle_has_its_closed_form(rho):
    """f = (cos a, sin a), target (rho, 0): tan(a/2) = tan(a0/2) e^(-2 rho t)."""
    times = np.array([0.0, 0.5, 1.0, 2.0, 3.0])
    path = fs.flow(fs.shifted_cosine(), [2.0], [0.0, np.pi / 2], [rho, 0.0], times)
    a = 2 * np.arctan(np.tan(1.0) * np.exp(-2 * rho * times))
    np.testing.assert_allclose(path.theta[:, 0], a, atol=1e-7)
    plateau = (1 - rho) ** 2 / 2
    np.testing.assert_allclose(path.loss, plateau + 2 * rho * np.sin(a / 2) ** 2, atol=1e-7)
    assert not np.allclose(path.theta[1:, 0], 1.01 * a[1:], atol=1e-7)


def test_a_linear_model_falls_like_e_to_minus_4t_to_its_plateau():
    times = np.array([0.0, 0.5, 1.0])
    path = fs.flow(fs.linear(basis, 2), [0.0, 0.0], [-1.0, 0.0, 1.0], [1.0, 0.0, 1.0], times)
    np.testing.assert_allclose(path.loss, 2 / 9 + 4 / 9 * np.exp(-4 * times), rtol=1e-7)


def test_a_wide_net_falls_like_e_to_minus_4t_exactly():
    times = np.array([0.0, 1.0, 3.0])
    path = fs.flow(fs.hidden_layer(10), point(30, 2), X5, [0.5, -0.5, 0.8, -0.2, 0.3], times)
    np.testing.assert_allclose(path.loss / path.loss[0], np.exp(-4 * times), rtol=1e-5)


def test_the_tangent_share_is_a_quarter_of_the_rate():
    model, theta, y = fs.neuron(), np.array([0.7, 0.3]), np.array([0.834, -0.6, 0.0])
    J, r = model.jacobian(theta, X), model.value(theta, X) - y
    path = fs.flow(model, theta, X, y, [0.0, 1e-5])
    rate = -np.log(path.loss[1] / path.loss[0]) / 1e-5
    assert rate == pytest.approx(4 * fs.tangent_share(J, r), rel=1e-4)


@pytest.mark.parametrize("kind", ["natural", "euclidean", "damped"])
def test_decay_is_the_flow_of_a_linear_model(kind):
    times, y = np.array([0.0, 0.4, 2.0]), np.array([0.5, -1.0, 0.2])
    model = fs.linear(lambda x: np.stack([np.ones_like(x), x, x**2], axis=-1), 3)
    damping = {"damping": 0.3} if kind == "damped" else {}
    path = fs.flow(model, np.zeros(3), X, y, times, kind, **damping)
    J = model.jacobian(np.zeros(3), X)
    values, vectors = np.linalg.eigh(J @ J.T / 3)
    left = fs.decay(values, times, kind, **damping)
    want = (left * (vectors.T @ -y)) @ vectors.T
    np.testing.assert_allclose(path.values - y, want, atol=1e-9)
    assert not np.allclose(path.values - y, 1.01 * want, atol=1e-9)
    parts = fs.spectrum(J, -y)[1]
    np.testing.assert_allclose(np.abs(parts), np.abs(vectors.T @ y)[::-1])


def test_a_component_that_no_parameter_moves_stays():
    for kind, damping in (("natural", 0.0), ("euclidean", 0.0), ("damped", 0.1)):
        assert fs.decay([0.0, 1.0], [3.0], kind, damping=damping)[0, 0] == 1


def test_the_final_rates_are_those_of_the_excess():
    model, y = fs.neuron(), np.array([0.834, -0.6, 0.0])
    path = fs.flow(model, [0.7, 0.3], X, y, [0.0, 6.0, 7.0, 20.0])
    rates = fs.final_rates(model, path.theta[-1], X, y)
    excess = path.loss[1:3] - path.loss[3]
    assert np.log(excess[0] / excess[1]) == pytest.approx(rates[0], rel=5e-3)
    H = hessian(lambda t: anp.mean((anp.tanh(t[0] * X + t[1]) - y) ** 2))(path.theta[-1])
    g = fs.metric(model.jacobian(path.theta[-1], X))
    want = np.sort(2 * np.linalg.eigvals(np.linalg.solve(g, H)).real)
    np.testing.assert_allclose(rates, want, rtol=1e-9)
    for rho in (0.5, 1.0, 2.0):  # the circle: 4 rho
        at = fs.final_rates(fs.shifted_cosine(), [0.0], [0.0, np.pi / 2], [rho, 0.0])
        np.testing.assert_allclose(at, [4 * rho])


def test_ordinary_flow_and_damping_are_their_definitions():
    model, theta, y = fs.neuron(), np.array([0.7, 0.3]), np.array([0.8, 0.6, 0.0])
    J, r = model.jacobian(theta, X), model.value(theta, X) - y
    for kind, damping in (("euclidean", 0.0), ("damped", 0.1), ("damped", 1e6)):
        path = fs.flow(model, theta, X, y, [0.0, 1e-6], kind, damping=damping)
        measured = (path.theta[1] - path.theta[0]) / 1e-6
        want = fs.euclidean_velocity(J, r)
        if kind == "damped":
            want = np.linalg.solve(fs.metric(J) + damping * np.eye(2), want)
        np.testing.assert_allclose(measured, want, rtol=1e-4, atol=1e-9)
    values, parts = fs.spectrum(J, r)
    assert np.sum(parts**2) == pytest.approx(r @ r) and np.all(np.diff(values) <= 0)


def test_curvature_agrees_with_the_metric_alone():
    """The equation of Gauss against sympy's Riemann tensor of the pulled-back metric."""
    w, b = sp.symbols("w b", positive=True)
    inputs = [-1, 0, 2]
    for model, f in (
        (fs.neuron(), lambda x: sp.tanh(w * x + b)),
        (fs.scaled_neuron(), lambda x: b * sp.tanh(w * x)),
    ):
        J = sp.Matrix([[sp.diff(f(x), s) for s in (w, b)] for x in inputs])
        here = {w: sp.Rational(7, 10), b: sp.Rational(3, 10)}
        want = _curvature_at(J.T * J / 3, (w, b), here)
        assert fs.gaussian_curvature(model, [0.7, 0.3], inputs) == pytest.approx(want, abs=1e-10)
    assert fs.gaussian_curvature(fs.scaled_neuron(), [0.7, 0.3], inputs) == pytest.approx(0)
    assert fs.gaussian_curvature(fs.neuron(), [0.7, 0.3], inputs) == pytest.approx(-1.753, abs=1e-3)
    assert curvature.gaussian_curvature(sp.Matrix([[1, 0], [0, sp.sin(w) ** 2]]), (w, b)) == 1


def _curvature_at(g, symbols, here):
    """Brioschi's formula: K from E, F, G and their derivatives."""
    u, v = symbols
    E, F, G = g[0, 0], g[0, 1], g[1, 1]

    def d(e, *s):
        return sp.diff(e, *s)

    first = sp.Matrix(
        [
            [-d(E, v, 2) / 2 + d(F, u, v) - d(G, u, 2) / 2, d(E, u) / 2, d(F, u) - d(E, v) / 2],
            [d(F, v) - d(G, u) / 2, E, F],
            [d(G, v) / 2, F, G],
        ]
    )
    second = sp.Matrix([[0, d(E, v) / 2, d(G, u) / 2], [d(E, v) / 2, E, F], [d(G, u) / 2, F, G]])
    numbers = [m.subs(here).evalf(40).det() for m in (first, second)]
    return float((numbers[0] - numbers[1]) / (E * G - F**2).subs(here).evalf(40) ** 2)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: fs.metric([1.0, 2.0]), r"\(..., D, N\)"),
        (lambda: fs.natural_velocity(np.eye(2), [1.0]), r"\(D,\)"),
        (lambda: fs.damped_solve(np.eye(2), [1.0, 2.0], 0), "damping.*> 0"),
        (lambda: fs.damped_solve(np.eye(2), [1.0, 2.0], 1, "inv"), "how"),
        (lambda: fs.flow(fs.neuron(), [1.0], X, X, [0, 1]), r"expected shape \(2,\)"),
        (lambda: fs.flow(fs.neuron(), [1.0, 0.0], X, X, [1, 0]), "increasing"),
        (lambda: fs.flow(fs.neuron(), [1.0, 0.0], X, X, [0, 1], "newton"), "kind"),
        (lambda: fs.decay([-1.0], [0.0]), "eigenvalues"),
        (lambda: fs.decay([[1.0]], [0.0]), "eigenvalues"),
        (lambda: fs.decay([1.0], [-1.0]), "times"),
        (lambda: fs.decay([1.0], [1.0], "newton"), "kind"),
        (lambda: fs.decay([1.0], [1.0], "damped"), "damping"),
        (lambda: fs.final_rates("neuron", [1.0, 0.0], X, X), "model"),
        (lambda: fs.final_rates(fs.hidden_layer(1), [1.0, 0.0, 1.0], X, X), "Hessian"),
        (lambda: fs.final_rates(fs.scaled_neuron(), [0.7, 0.0], X, X), "positive definite"),
        (lambda: fs.flow("neuron", [1.0, 0.0], X, X, [0, 1]), "model"),
        (lambda: fs.gaussian_curvature(fs.hidden_layer(1), [1, 1, 1], X), "two parameters"),
        (lambda: fs.gaussian_curvature(fs.scaled_neuron(), [0.7, 0.0], X), "regular point"),
    ],
)
def test_bad_input_is_refused_in_words(call, words):
    with pytest.raises(ValueError, match=words):
        call()
