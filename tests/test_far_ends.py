"""Near pairs, tiny and huge numbers, saturation: closed forms of the later modules against mpmath.

Each comes with the way that a careless program goes, which has to miss: the bound tells them apart.
"""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ngdlib import descent, function_space, kfac, simplex, trust_region, variational
from ngdlib.families import Gaussian, GaussianMixture
from ngdlib.families.linear_gaussian import known_covariance

mp.mp.dps = 60
exact = np.vectorize(lambda x: mp.mpf(float(x)), otypes=[object])


def off(found, wanted) -> float:
    """The largest difference, relative to the largest entry."""
    found, wanted = np.ravel(exact(found)), np.ravel(np.asarray(wanted, dtype=object))
    return float(max(abs(found - wanted)) / max(abs(wanted)))


# Near pairs


@given(st.floats(-15, -1), st.floats(0.05, 0.9))
@settings(max_examples=40, deadline=None)
def test_the_distance_of_neighbours_on_the_simplex(size, q):
    p, e = np.array([q, 1 - q]), q * 10**size
    target = np.array([q - e, 1 - q + e])
    roots = [mp.sqrt(a) - mp.sqrt(b) for a, b in zip(exact(p), exact(target), strict=True)]
    wanted = 4 * mp.asin(mp.sqrt(sum(r * r for r in roots)) / 2)
    assert off(simplex.fisher_distance(p, target), wanted) < 1e-14


@pytest.mark.parametrize("p", [1e-150, 1e-300, 5e-324])
def test_the_distance_of_rare_outcomes_on_the_simplex(p):
    wanted = 2 * mp.sqrt(mp.mpf(p))
    assert off(simplex.fisher_distance([p, 1.0], [0.0, 1.0]), wanted) < 1e-14
    a = 1e-300 if p < 1e-300 else p
    wanted = 2 * (mp.sqrt(mp.mpf(a * (1 + 1e-13))) - mp.sqrt(mp.mpf(a)))
    assert off(simplex.fisher_distance([a, 1.0], [a * (1 + 1e-13), 1.0]), wanted) < 1e-12


def test_a_difference_of_roots_would_not_do():
    p, target = np.array([0.3, 0.7]), np.array([0.3 + 1e-12, 0.7 - 1e-12])
    careless = 2 * np.linalg.norm(np.sqrt(p) - np.sqrt(target))
    assert abs(careless / simplex.fisher_distance(p, target) - 1) > 1e-7


def _mixture_kl(theta0, theta1, w):
    def logs(x):
        for a, b in (exact(theta0), exact(theta1)):
            yield mp.log(w * mp.exp(-((x - a) ** 2) / 2) + (1 - w) * mp.exp(-((x - b) ** 2) / 2))

    def each(x):
        one, other = logs(x)
        return mp.exp(one) * (one - other) / mp.sqrt(2 * mp.pi)

    with mp.workdps(50):
        return mp.quad(each, [-14, -4, 0, 4, 15])


@pytest.mark.parametrize("weight", [0.5, 0.3, 0.999])
@pytest.mark.parametrize(
    ("theta0", "theta1"),
    [
        ([0, 0], [1e-7, -1e-7]),  # across the diagonal the KL divergence is of fourth order
        ([0, 1], [0, 1 + 1e-9]),
        ([0, 1e-6], [1e-6, 0]),
        ([0, 1], [0.2, 1.4]),
        ([0, 0], [0.0299, -0.0299]),  # on either side of what counts as near
        ([0, 0], [0.0301, -0.0301]),
    ],
)
def test_the_divergence_of_near_mixtures(weight, theta0, theta1):
    if weight == 0.5 and theta0 == [0, 1e-6]:
        theta0 = [0, 2e-6]  # with equal weights swapped heaps are one model
    wanted = _mixture_kl(theta0, theta1, mp.mpf(weight))
    assert off(GaussianMixture(weight=weight).kl(theta0, theta1), wanted) < 1e-10


def _mixture_slope(theta, target, w):
    """The gradient of KL(target || theta) in the two means, by the trapezoidal rule."""
    (a, b), (c, d) = exact(theta), exact(target)
    low, high, n = min(a, b, c, d) - 14, max(a, b, c, d) + 14, 700
    slope = [mp.mpf(0), mp.mpf(0)]
    for k in range(n + 1):
        x = low + (high - low) * k / n
        one, other = w * mp.exp(-((x - a) ** 2) / 2), (1 - w) * mp.exp(-((x - b) ** 2) / 2)
        p = w * mp.exp(-((x - c) ** 2) / 2) + (1 - w) * mp.exp(-((x - d) ** 2) / 2)
        for i, part in enumerate((one * (x - a), other * (x - b))):
            slope[i] -= p * part / (one + other) * (high - low) / n / mp.sqrt(2 * mp.pi)
    return slope


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(-12, -1), st.floats(-6, 0.5))
def test_the_slope_of_a_mixture_beside_its_target(seed, away, apart):
    rng = np.random.default_rng(seed)
    theta = rng.normal(size=2) * 10.0**apart
    target = theta + rng.normal(size=2) * 10.0**away
    for weight in (0.5, 0.999):
        wanted = _mixture_slope(theta, target, mp.mpf(weight))
        heaps = GaussianMixture(weight=weight)
        assert off(heaps.kl_gradient(theta, target), wanted) < 1e-11
        long = heaps.kl_gradient(theta, np.stack([target, theta + 1, theta]))
        assert off(long[0], wanted) < 1e-11 and not long[2].any()


def test_an_expectation_of_scores_would_not_do():
    x, dx = np.linspace(-9, 9, 3001, retstep=True)
    heaps, theta, target = GaussianMixture(), [0.6, -1.4], [0.6, -1.4 + 1e-10]
    p = np.exp(heaps.log_density(x, target))
    careless = -(p[:, None] * heaps.score(x, theta)).sum(axis=0) * dx
    assert off(careless, _mixture_slope(theta, target, mp.mpf(0.5))) > 1e-8


def test_near_and_far_mixtures_in_one_long_batch():
    heaps = GaussianMixture(weight=0.3)
    theta = np.random.default_rng(2).normal(size=(3, 900, 2)) * [[[1e-6]], [[0.03]], [[3.0]]]
    together = heaps.kl([0.0, 0.0], theta)
    assert together[1, 7] == pytest.approx(float(heaps.kl([0.0, 0.0], theta[1, 7])), rel=1e-11)
    assert np.allclose(together[0, :9], [heaps.kl([0.0, 0.0], t) for t in theta[0, :9]], rtol=1e-9)
    assert np.allclose(together[2, :9], [heaps.kl([0.0, 0.0], t) for t in theta[2, :9]], rtol=1e-11)


def test_a_difference_of_log_densities_would_not_do():
    heaps, x = GaussianMixture(), np.linspace(-9, 9, 3001)
    l0, l1 = (heaps.log_density(x, t) for t in ([0, 0], [1e-7, -1e-7]))
    careless = float((np.exp(l0) * (np.expm1(l1 - l0) - (l1 - l0))).sum() * (x[1] - x[0]))
    assert abs(careless / heaps.kl([0, 0], [1e-7, -1e-7]) - 1) > 1e-4


@pytest.mark.parametrize("chart", ["mu, sigma", "mu, sigma^2", "natural"])
def test_the_slope_of_reverse_kl_beside_its_target(chart):
    model = Gaussian(chart)
    theta = Gaussian("mu, sigma").change_to(model).forward([0.5, 2 * (1 + 1e-10)])

    def kl(a, b):
        mu, v = {
            "mu, sigma": lambda: (a, b**2),
            "mu, sigma^2": lambda: (a, b),
            "natural": lambda: (-a / (2 * b), -1 / (2 * b)),
        }[chart]()
        return (v / 4 + (mu - 0.5) ** 2 / 4 - 1 - mp.log(v / 4)) / 2

    wanted = [mp.diff(kl, tuple(exact(theta)), n) for n in ((1, 0), (0, 1))]
    assert off(variational.reverse_kl(model, [0.5, 2.0]).gradient(theta), wanted) < 1e-13


# Tiny and huge


@given(st.integers(-300, 300))
@settings(max_examples=40, deadline=None)
def test_conjugate_gradients_know_no_unit(k):
    A, b = np.array([[2.0, 1.0], [1.0, 3.0]]), np.array([1.0, -1.0]) * 10.0**k
    found = trust_region.conjugate_gradients(lambda x: A @ x, b)
    assert np.allclose(found.x / 10.0**k, [0.8, -0.6], rtol=1e-12)
    assert np.isclose(found.residuals[0] / 10.0**k, np.sqrt(2))


def test_a_product_that_writes_into_its_argument_does_no_harm():
    found = trust_region.conjugate_gradients(lambda x: x.__imul__(2), [1.0, 2.0])
    assert np.allclose(found.x, [0.5, 1.0])


@pytest.mark.parametrize("delta", [1e-2, 1e-16, 1e-24, 1e-30])
def test_a_short_step_of_trpo_gains_what_it_says(delta):
    task, logits = trust_region.bandit([1.0, 0.0, 0.3]), np.array([[3.0, -2.0, 0.0]])
    new, info = trust_region.trpo_step(task, logits, delta)
    p, q = ([mp.exp(z) for z in exact(row[0])] for row in (logits, new))
    p, q = ([a / sum(row) for a in row] for row in (p, q))
    gain = q[0] - p[0] + mp.mpf(0.3) * (q[2] - p[2])
    assert info.accepted
    assert off(info.gain, gain) < 1e-12
    careless = float(trust_region.surrogate(task, trust_region.evaluate(task, logits), new))
    assert delta > 1e-20 or abs(careless / float(gain) - 1) > 1e-5


@pytest.mark.parametrize("delta", [1e-300, 1e-30, 1e-12, 1e-3, 1.0, 100.0])
def test_the_best_policy_of_any_radius(delta):
    pi, A = np.array([[0.2, 0.3, 0.5]]), np.array([[1.0, 0.0, -0.3]])
    new, beta = trust_region.best_in_region(pi, A, [1.0], delta)
    with mp.workdps(700):
        p, a, price = exact(pi[0]), exact(A[0]), mp.mpf(beta)
        least = mp.mpf(1) + price * p[0] / 2  # nu is above max A, where the sum is above 1

        def total(nu):
            return sum(price * q / (nu - x) for q, x in zip(p, a, strict=True)) - sum(p)

        nu = mp.findroot(total, (least, 2 + price), solver="anderson", tol=mp.mpf(10) ** -650)
        best = [price * q / (nu - x) for q, x in zip(p, a, strict=True)]
        kl = sum(q * mp.log(q / r) + r - q for q, r in zip(p, best, strict=True))
    assert off(new, best) < 1e-12
    assert abs(kl / delta - 1) < 1e-9


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(-460, 0), min_size=2, max_size=4),
    st.floats(-12, 3),
    st.integers(0, 2**32 - 1),
)
def test_the_best_policy_fills_its_region_or_all_of_float64(logs, log_delta, seed):
    """Nearly settled policies, and radii that no probability of float64 reaches, are legal."""
    pi, delta = np.exp(logs)[None], 10.0**log_delta
    pi /= pi.sum()
    A = np.random.default_rng(seed).normal(size=pi.shape)
    new, beta = trust_region.best_in_region(pi, A, [1.0], delta)
    kl = mp.fsum(
        p * mp.log(p / q) + q - p for p, q in zip(exact(pi[0]), exact(new[0]), strict=True)
    )
    assert abs(new.sum() - 1) < 1e-12 and beta > 0
    if abs(kl / delta - 1) > 1e-6:  # the region holds what is best of all
        assert kl < delta and new[0].max() > 1 - 1e-12 and new[0].argmax() == A[0].argmax()
        assert new.min() < 1e-300


@pytest.mark.parametrize("sigma", [1e-50, 1.0, 1e50])
@pytest.mark.parametrize("gap", [1e-60, 1e-8, 1.0, 30.0])
def test_eigenvalues_of_a_mixture_know_no_unit(sigma, gap):
    unit, scaled = GaussianMixture(weight=0.3), GaussianMixture(sigma=sigma, weight=0.3)
    wanted = unit.eigenvalues([0, gap])
    assert np.allclose(scaled.eigenvalues([0, gap * sigma]) * sigma**2, wanted, rtol=1e-12, atol=0)


def test_an_inverse_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="the result fits in float64"):
        GaussianMixture(sigma=1e50).inverse_fisher([0, 1e-80])


@pytest.mark.parametrize("size", [1e-200, 1.0, 1e200])
def test_the_share_along_a_model_knows_no_unit(size):
    assert np.isclose(function_space.tangent_share([[1.0], [0.0]], [size, size]), 0.5)


# Saturation


@pytest.mark.parametrize("w", [1.0, 8.0, 20.0, 300.0])
def test_the_slope_of_a_saturated_unit(w):
    x, θ = np.array([0.5, -1.0, 1.1]), np.array([w, 0.25])
    u = [w * a + mp.mpf(0.25) for a in exact(x)]
    slope = np.array([mp.sech(a) ** 2 for a in u])
    J = function_space.neuron().jacobian(θ, x)
    assert all(off(J[k], [slope[k] * exact(x)[k], slope[k]]) < 1e-13 for k in range(3))
    one = function_space.hidden_layer(1).jacobian(np.array([w, 0.25, 2.0]), x)
    assert all(off(one[k, 1], 2 * slope[k]) < 1e-13 for k in range(3))
    bend = [-2 * mp.tanh(a) * s for a, s in zip(u, slope, strict=True)]
    H = function_space.neuron().hessian(θ, x)
    assert all(off(H[k, 1, 1], bend[k]) < 1e-13 for k in range(3))
    careless = 1 - np.tanh(float(u[1])) ** 2
    assert w < 10 or abs(careless / J[1, 1] - 1) > 1e-3


def test_the_fisher_product_of_a_policy_that_is_nearly_certain():
    found = trust_region.fisher_product(trust_region.policy([[0.0, -40.0]]), [1.0], [[1.0, 1.001]])
    rare = mp.exp(-40) / (1 + mp.exp(-40))
    change = rare * (1 - rare) * (mp.mpf(1.001) - 1)
    assert all(off(found[0, k], sign * change) < 1e-12 for k, sign in ((0, -1), (1, 1)))


# What only looks legal


HIDDEN = np.array([[1e20, 0, 0], [0, 1, 0.9], [0, 0, 1]])


@pytest.mark.parametrize(
    "f",
    [
        descent.natural_direction,
        descent.pseudo_natural_direction,
        descent.newton_direction,
        descent.fisher_length,
    ],
)
def test_a_large_entry_hides_no_asymmetry(f):
    with pytest.raises(ValueError, match="expected a symmetric matrix"):
        f(HIDDEN, [0.0, 1.0, 1.0])
    rounded = HIDDEN.copy()
    rounded[2, 1] = 0.9 * (1 + 1e-12)
    f(rounded, [0.0, 1.0, 1.0])


def test_a_covariance_that_float64_cannot_invert_is_refused():
    def correlated(c):
        return known_covariance(c + (1 - c) * np.eye(3)).fisher(np.zeros(3))

    assert np.allclose(correlated(1 - 1e-9) @ (np.full((3, 3), 1 - 1e-9) + 1e-9 * np.eye(3)),
                       np.eye(3), atol=1e-5)  # fmt: skip
    with pytest.raises(ValueError, match="this one is singular: the variance along"):
        correlated(1 - 1e-15)


@pytest.mark.parametrize(
    ("A", "message"),
    [
        ([[1, 0.9], [0, 1]], "factor.A: expected a symmetric matrix"),
        ([[1, 2], [2, 1]], "factor.A: expected a positive matrix|damping: expected one that makes"),
    ],
)
@pytest.mark.parametrize("how", kfac.DAMPINGS)
def test_factors_that_are_no_second_moments_are_refused(A, message, how):
    factor = kfac.Factors(np.array(A, dtype=float), np.eye(1))
    with pytest.raises(ValueError, match=message):
        kfac.precondition(factor, [[1.0, 1.0]], 0.1, how)
    good = kfac.Factors(np.array([[1.0, 0.9], [0.9, 1.0]]), np.eye(1))
    assert np.all(np.isfinite(kfac.precondition(good, [[1.0, 1.0]], 0.1, how)))


def test_a_map_is_a_list_of_rows():
    with pytest.raises(ValueError, match="rows: expected rows"):
        trust_region.gridworld("S.G")
    assert trust_region.gridworld(["S.G"]).rewards.shape == (4, 4)


# Differences that cancel, matrices that are none


@pytest.mark.parametrize("t", [0.0, 1e-20, 0.5, 50.0, 1e10])
def test_a_rare_class_of_the_target_is_reached(t):
    p, target = np.array([0.2, 0.3, 0.5]), np.array([1e-300, 1 - 1e-5, 1e-5])
    found = simplex.forward_flow(p, target, t)
    fall = mp.exp(-mp.mpf(t))
    for k in range(3):
        wanted = mp.mpf(p[k]) * fall - mp.mpf(target[k]) * mp.expm1(-mp.mpf(t))
        assert off(found[k], wanted) < 1e-15
    careless = p[0] + (target[0] - p[0]) * -np.expm1(-t)
    assert t < 10 or careless != found[0]


@pytest.mark.parametrize("z", [1.0, 20.0, 40.0, 300.0])
def test_the_advantage_of_an_action_that_is_nearly_certain(z):
    """What it gains on the mean is the loss of the others, however rare they are."""
    task, logits = trust_region.bandit([1.0, 0.25]), np.array([[z, 0.0]])
    with mp.workdps(400):
        rare = 1 / (1 + mp.exp(z))
        wanted = [rare * mp.mpf(0.75), (rare - 1) * mp.mpf(0.75)]
        slope = [q * a for q, a in zip((1 - rare, rare), wanted, strict=True)]
        advantage = trust_region.evaluate(task, logits).advantage[0]
        gradient = trust_region.policy_gradient(task, logits)[0]
        assert all(off(advantage[k], wanted[k]) < 1e-13 for k in range(2))
        assert all(off(gradient[k], slope[k]) < 1e-13 for k in range(2))
    pi = trust_region.policy(logits)[0]
    assert z < 40 or 1.0 - pi @ [1.0, 0.25] == 0  # what the difference of the two would give


def test_the_spectrum_of_a_jacobian_keeps_its_small_end():
    rng = np.random.default_rng(3)
    U, V = (np.linalg.qr(rng.normal(size=(4, 4)))[0] for _ in range(2))
    s, r = np.array([1.0, 1e-3, 1e-7, 1e-9]), rng.normal(size=4)
    values, parts = function_space.spectrum(U * s @ V.T, r)
    assert np.allclose(values, s**2 / 4, rtol=1e-5, atol=0)
    assert np.allclose(np.abs(parts), np.abs(U.T @ r), atol=1e-6)
    careless = np.linalg.eigvalsh((U * s**2) @ U.T / 4)
    assert abs(careless[0] / (s[-1] ** 2 / 4) - 1) > 1
    for D, N in ((5, 2), (2, 5)):  # as many as there are data, zeros among them
        J = rng.normal(size=(D, N))
        values, _ = function_space.spectrum(J, rng.normal(size=D))
        assert np.allclose(values, np.linalg.eigvalsh(J @ J.T / D)[::-1]) and (values >= 0).all()


def test_the_final_rates_of_a_nearly_singular_metric():
    """Two functions of which one is nearly the other, and a bend along it."""
    e, x = 1e-7, np.array([-1.0, 0.0, 1.0])
    J = np.stack([np.ones(3), 1 + e * x], axis=-1)
    H = np.zeros((3, 2, 2))
    H[:, 1, 1] = e**2
    model = function_space.Curve(
        "near", 2, lambda t, x: 0 * x + 0.1, lambda t, x: J, lambda t, x: H
    )
    rates = function_space.final_rates(model, [0.0, 0.0], x, np.zeros(3))
    exact_J = mp.matrix(J.tolist())
    g = exact_J.T * exact_J / 3
    bend = mp.matrix([[0, 0], [0, mp.mpf(0.1) * mp.mpf(e**2)]])
    wanted = sorted(mp.re(v) for v in mp.eig(mp.inverse(g) * (g + bend), right=False))
    assert off(rates, [4 * v for v in wanted]) < 1e-7


@pytest.mark.parametrize("size", [1e-300, 1e-11, 1.0, 1e150])
def test_a_matrix_is_indefinite_in_every_unit(size):
    for F in ([[-1.0]], [[0.0, 1.0], [1.0, 1.0]], [[1.0, 0.0], [0.0, -1e-5]]):
        F = np.array(F) * size
        v = np.ones(len(F))
        for f in (descent.fisher_length, descent.pseudo_natural_direction):
            with pytest.raises(ValueError, match="F: expected a positive matrix"):
                f(F, v)
    singular = np.array([[1.0, 0.0], [0.0, 0.0]]) * size
    assert descent.fisher_length(singular, [0.0, 1.0]) == 0
    rounded = np.array([[1.0, 1e-17], [1e-17, -1e-17]]) * min(size, 1.0)
    assert descent.fisher_length(rounded, [0.0, 1.0]) == 0


def test_a_zero_on_the_diagonal_has_a_row_of_zeros():
    with pytest.raises(ValueError, match="this one is indefinite"):
        descent.fisher_length([[0.0, 1e-6], [1e-6, 1.0]], [1e6, -1.0])


@pytest.mark.parametrize("size", [1e-150, 1.0, 1e150])
def test_the_balance_of_factors_of_any_size(size):
    factor = kfac.Factors(np.eye(2) * size**2, np.eye(1) / size**2 * 4)
    assert np.isclose(kfac.balance(factor), size**2 / 2, rtol=1e-14)


def test_an_option_that_nothing_reads_is_refused():
    J, v = np.eye(2), [1.0, 2.0]
    for how, options in (("dense", {"iterations": 3}), ("cg", {"iteration": 3})):
        with pytest.raises(ValueError, match="options: expected some of"):
            function_space.damped_solve(J, v, 0.1, how, **options)
    assert function_space.damped_solve(J, v, 0.1, "cg", iterations=3).shape == (2,)
