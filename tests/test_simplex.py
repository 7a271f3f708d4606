"""Class probabilities without a matrix: against mpmath, dense linear algebra and integration."""

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from ngdlib import simplex
from ngdlib.descent import natural_direction, pseudo_natural_direction
from ngdlib.families import Categorical

FORECAST, TRUTH = np.array([0.90, 0.09, 0.01]), np.array([0.01, 0.09, 0.90])


@st.composite
def pairs(draw):
    """Two points of a simplex, some of them near its edge."""
    K, seed = draw(st.integers(2, 9)), draw(st.integers(0, 10**6))
    rng = np.random.default_rng(seed)
    p, target = rng.dirichlet(np.full(K, draw(st.sampled_from([0.1, 1.0, 20.0]))), size=2)
    return tuple(q / q.sum() for q in (p + 1e-9, target + 1e-9))


def fisher(p):
    return np.diag(p) - np.outer(p, p)


@given(pairs(), st.sampled_from([1e-3, 0.1, 1.0, 30.0]))
@settings(max_examples=40, deadline=None)
def test_damped_direction_solves_its_equation(pair, damping):
    p, target = pair
    v = simplex.natural_direction(p, p - target, damping)
    residual = (fisher(p) + damping * np.eye(len(p))) @ v + (p - target)
    assert np.abs(residual).max() < 1e-12
    dense = natural_direction(fisher(p), p - target, damping)
    assert np.allclose(v, dense, rtol=1e-7, atol=1e-9)
    assert not np.allclose(1.01 * v, dense, rtol=1e-4)


@pytest.mark.parametrize("damping", [1e-2, 1e-8, 1e-12, 1e-300, 0.0])
def test_damped_direction_at_sixty_digits(damping):
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(10))
    g = p - np.eye(10)[3]
    with mp.workdps(700 if damping < 1e-100 else 60):
        P, G = (mp.matrix([mp.mpf(x) for x in a]) for a in (p, g))
        P, total = P / mp.fsum(P), mp.fsum(G)
        for i in range(10):  # what rounding left of the sum would be divided by the damping
            G[i] -= total / 10
        A = mp.diag(list(P)) - P * P.T + mp.mpf(damping) * mp.eye(10)
        A += mp.ones(10) if damping == 0 else mp.zeros(10)  # lifts the null vector alone
        wanted = np.array([float(x) for x in mp.lu_solve(A, -G)])
    found = simplex.natural_direction(p, g, damping)
    assert np.abs(found - wanted).max() < 1e-13 * np.abs(wanted).max()
    assert abs(found.mean()) < 1e-13 * np.abs(found).max()  # no drift of all logits together


def test_a_gradient_of_rounding_errors_is_a_gradient():
    """Near the optimum p - target is rounding, and its sum no smaller than its entries."""
    for λ in (0.0, 0.01):
        v = simplex.natural_direction(FORECAST, [2e-16, 1e-16, -1e-16], λ)
        assert np.abs(v).max() < 1e-13


def test_the_usual_form_drifts_and_this_one_does_not():
    rng = np.random.default_rng(0)
    p, λ = rng.dirichlet(np.ones(10)), 1e-12
    g = p - np.eye(10)[3]
    u, w = g / (p + λ), p / (p + λ)
    usual = -(u + w * (p @ u) / (1 - p @ w))
    here = simplex.natural_direction(p, g, λ)
    assert abs(usual.mean()) > 1e-5 and abs(here.mean()) < 1e-12
    assert np.allclose(simplex.velocity(p, usual), simplex.velocity(p, here), atol=1e-12)


@given(pairs())
@settings(max_examples=30, deadline=None)
def test_undamped_it_is_the_pseudoinverse_and_moves_p_straight_at_the_data(pair):
    p, target = pair
    v = simplex.natural_direction(p, p - target)
    assert np.allclose(simplex.velocity(p, v), target - p, rtol=1e-9, atol=1e-12)
    assert abs(v.sum()) <= 1e-12 * np.abs(v).sum()
    if p.min() > 1e-5:
        dense, rank = pseudo_natural_direction(fisher(p), p - target, cutoff=1e-14)
        assert rank == len(p) - 1
        assert np.allclose(v, dense, rtol=1e-6)


def test_velocity_and_moved_agree_with_differences():
    rng = np.random.default_rng(2)
    p, v, h = rng.dirichlet(np.ones(6), size=4), rng.normal(size=(4, 6)), 1e-6
    slope = (simplex.moved(p, h * v) - simplex.moved(p, -h * v)) / (2 * h)
    assert np.allclose(slope, simplex.velocity(p, v), atol=1e-10)
    assert np.allclose(simplex.moved(p, v), simplex.moved(p, v + 3.0), rtol=1e-13)
    prior, likelihood = np.array([0.5, 0.3, 0.2]), np.array([0.1, 0.4, 0.7])
    posterior = prior * likelihood / (prior @ likelihood)
    assert np.allclose(simplex.moved(prior, np.log(likelihood)), posterior, rtol=1e-14)


def gradient_of_reverse(p, target):
    a = np.log(p / target)
    return p * (a - p @ a)


FLOWS = {
    "forward": (simplex.forward_flow, lambda p, y: p - y),
    "reverse": (simplex.reverse_flow, gradient_of_reverse),
}


@pytest.mark.parametrize("name", FLOWS)
def test_flows_solve_their_equations(name):
    flow, gradient = FLOWS[name]
    rng = np.random.default_rng(5)
    for K in (2, 3, 7):
        p, target = rng.dirichlet(np.ones(K), size=2)

        def motion(_, q, target=target):
            q = q / q.sum()
            return simplex.velocity(q, simplex.natural_direction(q, gradient(q, target)))

        times = [0.2, 0.7, 2.0]
        found = solve_ivp(motion, (0, 2), p, t_eval=times, rtol=1e-10, atol=1e-13).y.T
        assert np.allclose(flow(p, target, times), found, atol=1e-8)
        assert not np.allclose(flow(p, target, 1.01 * np.array(times)), found, atol=1e-6)
    assert np.allclose(flow(FORECAST, TRUTH, 0.0), FORECAST, rtol=1e-15)
    assert np.allclose(flow(FORECAST, TRUTH, 60.0), TRUTH, rtol=1e-14)


@given(pairs(), st.floats(0, 1))
@settings(max_examples=40, deadline=None)
def test_great_circles_are_the_geodesics_of_the_family(pair, s):
    p, target = pair
    there = simplex.great_circle(p, target, s)
    length = simplex.fisher_distance(p, target)
    assert np.isclose(there.sum(), 1, rtol=1e-12)
    assert np.isclose(simplex.fisher_distance(p, there), s * length, atol=2e-8)
    assert np.isclose(simplex.fisher_distance(there, target), (1 - s) * length, atol=2e-8)
    model = Categorical(len(p), "probabilities")
    assert np.isclose(length, model.fisher_rao_distance(p[:-1], target[:-1]), atol=1e-7)


@given(pairs())
@settings(max_examples=40, deadline=None)
def test_the_middle_of_a_great_circle(pair):
    """(m + B e) / (1 + B): between the arithmetic and the normalised geometric mean."""
    p, target = pair
    B = np.sqrt(p * target).sum()
    m, e = (p + target) / 2, np.sqrt(p * target) / B
    middle = simplex.great_circle(p, target, 0.5)
    assert np.allclose(middle, (m + B * e) / (1 + B), atol=1e-13)


def test_edges_of_the_simplex():
    corner, other = np.eye(3)[0], np.eye(3)[2]
    assert np.allclose(simplex.great_circle(corner, other, 0.5), [0.5, 0, 0.5])
    assert np.isclose(simplex.fisher_distance(corner, other), np.pi, rtol=1e-15)
    assert np.allclose(simplex.great_circle(corner, corner, 0.3), corner)
    assert np.allclose(simplex.forward_flow(FORECAST, corner, 60.0), corner)
    near = FORECAST + 1e-9 * np.array([1, -2, 1])
    exact = 1e-9 * np.sqrt((np.array([1, -2, 1]) ** 2 / FORECAST).sum())
    assert np.isclose(simplex.fisher_distance(FORECAST, near), exact, rtol=1e-5)


def test_batches_broadcast():
    rng = np.random.default_rng(1)
    p, target, t = rng.dirichlet(np.ones(4), size=5), rng.dirichlet(np.ones(4)), np.ones((3, 1))
    for flow in (simplex.forward_flow, simplex.reverse_flow, simplex.great_circle):
        assert flow(p, target, t).shape == (3, 5, 4)
    assert simplex.natural_direction(p, p - target, 0.1).shape == (5, 4)
    one = [simplex.natural_direction(q, q - target, 0.1) for q in p]
    assert np.array_equal(simplex.natural_direction(p, p - target, 0.1), one)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: simplex.natural_direction([0.5, 0.6], [1, -1]), "p"),
        (lambda: simplex.natural_direction([1.0], [0.0]), "p"),
        (lambda: simplex.natural_direction([1.0, 0.0], [1, -1]), "p"),
        (lambda: simplex.natural_direction([0.5, 0.5], [1, -0.9]), "g"),
        (lambda: simplex.natural_direction([0.5, 0.5], [1, -1, 0]), "g"),
        (lambda: simplex.natural_direction([0.5, 0.5], [1, np.nan]), "g"),
        (lambda: simplex.natural_direction([0.5, 0.5], [1, -1], -0.1), "damping"),
        (lambda: simplex.velocity([0.5, 0.5], [1]), "v"),
        (lambda: simplex.moved([0.5, 0.5], 1.0), "v"),
        (lambda: simplex.forward_flow(FORECAST, TRUTH, -1), "t"),
        (lambda: simplex.forward_flow(FORECAST, [0.5, 0.5], 1), "target"),
        (lambda: simplex.reverse_flow(FORECAST, [0, 0.5, 0.5], 1), "target"),
        (lambda: simplex.great_circle(FORECAST, TRUTH, 1.1), "s"),
        (lambda: simplex.great_circle(FORECAST, [-0.1, 0.1, 1], 0.5), "target"),
        (lambda: simplex.fisher_distance("half", TRUTH), "p"),
    ],
)
def test_bad_arguments_are_refused(call, name):
    with pytest.raises(ValueError, match=rf"^{name}: expected"):
        call()
