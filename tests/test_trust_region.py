"""Exact policies against automatic differentiation, long sums, dense algebra, a general solver."""

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad, hessian
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from ngdlib import trust_region as tr

RNG = np.random.default_rng(3)
GRID = tr.gridworld(["S..", ".#X", "..G"], slip=0.2, discount=0.9)
RANDOM = tr.problem(
    RNG.dirichlet(np.ones(4), (4, 3)), RNG.standard_normal((4, 3)), RNG.dirichlet(np.ones(4)), 0.8
)
ARMS = tr.bandit([1.0, 0.0, 0.0])
TASKS = {"grid": GRID, "random": RANDOM, "arms": ARMS}
every_task = pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)


def logits_of(task, seed=0):
    return np.random.default_rng(seed).standard_normal(task.rewards.shape)


def value(task, logits):
    """The expected return as a long sum over time, for autograd."""
    pi = anp.exp(logits) / anp.sum(anp.exp(logits), axis=1, keepdims=True)
    P = anp.einsum("sa,sat->st", pi, task.transitions)
    r = anp.sum(pi * task.rewards, axis=1)
    at, total = task.start, 0.0
    for t in range(1 if task.discount == 0 else 400):
        total = total + task.discount**t * anp.dot(at, r)
        at = anp.dot(at, P)
    return total


@every_task
def test_value_and_gradient_are_those_of_the_sum_over_time(task):
    logits = logits_of(task)
    assert tr.evaluate(task, logits).value == pytest.approx(value(task, logits), rel=1e-10)
    want = grad(lambda z: value(task, z))(logits)
    np.testing.assert_allclose(tr.policy_gradient(task, logits), want, rtol=1e-8, atol=1e-12)


@every_task
def test_the_fisher_matrix_is_the_hessian_of_the_mean_kl(task):
    logits, pi = logits_of(task), tr.policy(logits_of(task))
    visits = tr.evaluate(task, logits).visits

    def kl(z):
        log_new = z - anp.log(anp.sum(anp.exp(z), axis=1, keepdims=True))
        return anp.sum(visits[:, None] * pi * (anp.log(pi) - log_new))

    H = hessian(kl)(logits)
    x = logits_of(task, 1)
    want = np.einsum("satb,tb->sa", H, x)
    np.testing.assert_allclose(tr.fisher_product(pi, visits, x), want, atol=1e-12)
    assert visits.sum() == pytest.approx(1, abs=1e-12)
    assert tr.state_kl(logits, x) @ visits == pytest.approx(kl(x), rel=1e-12)


@every_task
def test_the_natural_policy_gradient_is_the_pseudoinverse_step(task):
    logits = logits_of(task)
    now, pi = tr.evaluate(task, logits), tr.policy(logits)
    size = logits.size
    F = np.stack(
        [tr.fisher_product(pi, now.visits, e.reshape(pi.shape)).ravel() for e in np.eye(size)]
    )
    want = np.linalg.pinv(F, rcond=1e-12) @ tr.policy_gradient(task, logits).ravel()
    np.testing.assert_allclose(
        tr.natural_policy_gradient(task, logits).ravel(), want, rtol=1e-7, atol=1e-10
    )


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 8), st.integers(0, 1000))
def test_conjugate_gradients_end_in_as_many_steps_as_there_are_eigenvalues(n, seed):
    rng = np.random.default_rng(seed)
    Q = np.linalg.qr(rng.standard_normal((n, n)))[0]
    A = (Q * rng.uniform(0.5, 2, n)) @ Q.T
    b = rng.standard_normal(n)
    x, residuals = tr.conjugate_gradients(lambda v: A @ v, b, iterations=n + 2, tolerance=1e-12)
    np.testing.assert_allclose(x, np.linalg.solve(A, b), atol=1e-8)
    assert residuals[0] == pytest.approx(np.linalg.norm(b)) and len(residuals) <= n + 3


def test_conjugate_gradients_refuse_what_they_cannot_solve():
    for matrix in (np.diag([1.0, -1.0]), np.diag([1.0, 0.0])):
        with pytest.raises(ValueError, match="positive definite matrix"):
            tr.conjugate_gradients(lambda v, m=matrix: m @ v, [1.0, 1.0])


def kl_of_arms(q, new):
    return q * np.log(q / new) + (1 - q) * np.log((1 - q) / (1 - new))


@pytest.mark.parametrize(("delta", "q"), [(0.5, 0.575), (0.1, 0.282), (0.0001, 0.104)])
def test_the_best_policy_of_three_arms_is_that_of_a_coin(delta, q):
    pi = np.array([[0.1, 0.3, 0.6]])
    now = tr.evaluate(ARMS, np.log(pi))
    new, beta = tr.best_in_region(pi, now.advantage, now.visits, delta)
    assert new[0, 0] == pytest.approx(q, abs=5e-4)
    assert kl_of_arms(0.1, new[0, 0]) == pytest.approx(delta, rel=1e-9)
    assert new[0, 2] / new[0, 1] == pytest.approx(2)  # arms that pay alike keep their ratio
    assert beta > 0


@every_task
def test_the_best_policy_is_found_by_a_general_solver_too(task):
    logits = logits_of(task)
    now, pi = tr.evaluate(task, logits), tr.policy(logits)
    new, beta = tr.best_in_region(pi, now.advantage, now.visits, 0.05)
    np.testing.assert_allclose(new.sum(axis=1), 1, rtol=1e-12)
    each = (pi * np.log(pi / new)).sum(axis=1)
    assert now.visits @ each == pytest.approx(0.05, rel=1e-9)
    gained = float(tr.surrogate(task, now, np.log(new)))
    found = minimize(
        lambda z: -float(tr.surrogate(task, now, z.reshape(pi.shape))),
        logits.ravel(),
        constraints={
            "type": "ineq",
            "fun": lambda z: 0.05 - now.visits @ tr.state_kl(logits, z.reshape(pi.shape)),
        },
        method="SLSQP",
        options={"maxiter": 500, "ftol": 1e-12},
    )
    assert gained == pytest.approx(-found.fun, rel=1e-5)
    # the price of a nat: gain per radius, by a central difference
    more, less = (
        float(
            tr.surrogate(task, now, np.log(tr.best_in_region(pi, now.advantage, now.visits, d)[0]))
        )
        for d in (0.0501, 0.0499)
    )
    assert beta / (1 - task.discount) == pytest.approx((more - less) / 0.0002, rel=1e-4)


@every_task
@pytest.mark.parametrize("delta", [1e-4, 0.01, 0.5])
def test_a_trpo_step_keeps_its_radius_and_gains(task, delta):
    logits = logits_of(task)
    now = tr.evaluate(task, logits)
    new, info = tr.trpo_step(task, logits, delta, cg_iterations=40, cg_damping=1e-8)
    assert info.accepted and info.kl <= delta and info.gain > 0
    assert now.visits @ tr.state_kl(logits, new) == pytest.approx(info.kl)
    best, _ = tr.best_in_region(tr.policy(logits), now.advantage, now.visits, delta)
    assert info.gain <= float(tr.surrogate(task, now, np.log(best))) * (1 + 1e-9)
    assert info.quadratic_kl == pytest.approx(delta, rel=1e-3)
    assert info.max_kl >= info.kl


def test_the_step_of_the_scene():
    """Three arms at 0.1, 0.3, 0.6: a natural step of radius 0.1 costs 0.147; the search ends at
    0.268 for 0.087. (All lengths by hand: sqrt(2 delta/V) in log-odds, V = q(1 - q).)"""
    logits = np.log([[0.1, 0.3, 0.6]])
    q = 1 / (1 + np.exp(-(np.log(0.1 / 0.9) + np.sqrt(0.2 / 0.09))))
    assert (q, kl_of_arms(0.1, q)) == pytest.approx((0.330, 0.147), abs=5e-4)
    new, info = tr.trpo_step(ARMS, logits, 0.1)
    assert tr.policy(new)[0, 0] == pytest.approx(0.268, abs=5e-4)
    assert info.kl == pytest.approx(0.087, abs=5e-4) and info.backtracks == 1


def test_length_by_the_damped_matrix_is_shorter():
    logits = logits_of(GRID)
    lengths = [
        tr.trpo_step(GRID, logits, 1e-5, cg_damping=0.1, cg_iterations=40, length_by=by)[1].kl
        for by in ("fisher", "damped")
    ]
    assert lengths[1] < 0.9 * lengths[0]


def test_the_clip_is_flat_where_it_should_be():
    ratio = np.array([0.5, 0.79, 0.9, 1.0, 1.1, 1.21, 2.0])
    np.testing.assert_allclose(
        tr.clipped_surrogate(ratio, 1.0, 0.2), [0.5, 0.79, 0.9, 1, 1.1, 1.2, 1.2]
    )
    np.testing.assert_allclose(
        tr.clipped_surrogate(ratio, -1.0, 0.2), [-0.8, -0.8, -0.9, -1, -1.1, -1.21, -2]
    )


def test_nothing_to_gain_is_no_step():
    logits = np.zeros((1, 3))
    new, info = tr.trpo_step(tr.bandit([1.0, 1.0, 1.0]), logits, 0.1)
    assert not info.accepted and np.array_equal(new, logits)
    pi, beta = tr.best_in_region(np.full((1, 3), 1 / 3), np.zeros((1, 3)), [1.0], 0.1)
    assert beta == 0 and np.array_equal(pi, np.full((1, 3), 1 / 3))


def test_policies_in_a_batch_are_policies_one_by_one():
    logits = np.stack([logits_of(GRID, s) for s in range(3)])
    whole = tr.evaluate(GRID, logits)
    for k in range(3):
        one = tr.evaluate(GRID, logits[k])
        for a, b in zip(whole, one, strict=True):
            np.testing.assert_allclose(a[k], b, atol=1e-12)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: tr.problem(np.ones((2, 1, 2)), np.zeros((2, 1)), [1, 0], 0.5), "sum to 1"),
        (lambda: tr.problem(np.eye(2)[:, None], np.zeros((2, 1)), [1, 0], 1.0), "discount"),
        (lambda: tr.problem(np.eye(2), np.zeros((2, 1)), [1, 0], 0.5), r"\(S, A, S\)"),
        (lambda: tr.gridworld(["..", "."]), "rows of one length"),
        (lambda: tr.gridworld(["..G"]), "a start S"),
        (lambda: tr.evaluate(ARMS, [[0.0, 1.0]]), r"\(..., 1, 3\)"),
        (lambda: tr.evaluate("arms", [[0.0, 1.0]]), "task.*a problem"),
        (lambda: tr.trpo_step(ARMS, [[0.0, 1.0, 2.0]], 0), "delta.*> 0"),
        (lambda: tr.trpo_step(ARMS, [[0.0, 1.0, 2.0]], 0.1, shrink=1), "shrink"),
        (lambda: tr.trpo_step(ARMS, [[0.0, 1.0, 2.0]], 0.1, length_by="kl"), "length_by"),
        (lambda: tr.best_in_region([[0.0, 1.0]], [[0.0, 1.0]], [1.0], 0.1), "positive prob"),
        (lambda: tr.clipped_surrogate([-1.0], [1.0], 0.2), "ratio"),
        (lambda: tr.state_kl([[0.0, 1.0]], [[0.0, 1.0, 2.0]]), "new: expected 2 actions.*got 3"),
        (lambda: tr.state_kl(np.zeros((2, 2)), np.zeros((3, 2))), "new: expected leading.*old"),
        (lambda: tr.trpo_step(ARMS, [[0.0, 1.0]], 0.1), r"\(1, 3\)"),
        (lambda: tr.trpo_step(ARMS, [[0.0, 1.0, 2.0]], 0.1, old="mine"), "old.*an evaluation"),
        (lambda: tr.walk(ARMS, [[0.0, 1.0, 2.0]], 3, walks=1, steps=1), "rng.*Generator"),
        (
            lambda: tr.walk(ARMS, [[0.0, 1, 2]], np.random.default_rng(0), walks=0, steps=1),
            "walks",
        ),
        (lambda: tr.estimate(ARMS, [[0.0, 1.0, 2.0]], [1]), "walks.*as `walk"),
    ],
)
def test_bad_input_is_refused_in_words(call, words):
    with pytest.raises(ValueError, match=words):
        call()


@pytest.mark.parametrize("task", [GRID, RANDOM], ids=["grid", "random"])
def test_what_is_estimated_comes_to_what_is_exact(task):
    """20,000 walks: five standard errors, and a lie of five per cent is seen in the sum."""
    logits = logits_of(task)
    exact = tr.evaluate(task, logits)
    walks = tr.walk(task, logits, np.random.default_rng(5), walks=20_000, steps=120)
    found = tr.estimate(task, logits, walks)
    spread = 5 / np.sqrt(20_000)
    np.testing.assert_allclose(found.visits, exact.visits, atol=0.4 * spread)
    np.testing.assert_allclose(found.value, exact.value, atol=2.5 * spread)
    assert found.visits.sum() == pytest.approx(1, abs=1e-12)
    weighted = found.visits[:, None] * tr.policy(logits)
    assert np.abs(weighted * (found.q - exact.q)).sum() < 0.02 * np.abs(weighted * exact.q).sum()
    assert (
        np.abs(weighted * (found.q - 1.05 * exact.q)).sum()
        > 0.03 * np.abs(weighted * exact.q).sum()
    )
    np.testing.assert_allclose((tr.policy(logits) * found.advantage).sum(axis=1), 0, atol=1e-12)

    """One state, two actions, discount a half: the returns from each step on, weighted by hand."""
    task = tr.problem(np.ones((1, 2, 1)), [[1.0, 2.0]], [1.0], 0.5)
    logits = np.log([[0.25, 0.75]])
    walks = tr.Walks(np.zeros((1, 2), int), np.array([[0, 1]]), np.array([[1.0, 2.0]]))
    found = tr.estimate(task, logits, walks)
    np.testing.assert_allclose(found.q, [[2.0, 2.0]])  # 1 + 0.5·2, and 2
    walks = tr.Walks(np.zeros((1, 2), int), np.array([[0, 0]]), np.array([[1.0, 4.0]]))
    found = tr.estimate(task, logits, walks)
    mean = (1 * 3.0 + 0.5 * 4.0) / 1.5  # the second visit counts half
    np.testing.assert_allclose(found.q, [[mean, mean]])  # never tried: that of the other
    assert found.value == 3
    np.testing.assert_allclose(found.advantage, 0, atol=1e-15)


def test_an_unseen_state_stays_as_it_was():
    logits = logits_of(GRID)
    walks = tr.walk(GRID, logits, np.random.default_rng(1), walks=1, steps=60)
    found = tr.estimate(GRID, logits, walks)
    unseen = found.visits == 0
    assert unseen.any() and np.all(found.advantage[unseen] == 0)
    new, _ = tr.trpo_step(GRID, logits, 0.01, old=found, cg_damping=1e-6)
    np.testing.assert_array_equal(new[unseen], logits[unseen])
    assert not np.array_equal(new, logits)


def test_walks_are_those_of_the_seed_and_of_the_policy():
    logits = np.log([[0.5, 0.3, 0.2]])
    a, b = (tr.walk(ARMS, logits, np.random.default_rng(7), walks=50_000, steps=1) for _ in "ab")
    assert np.array_equal(a.actions, b.actions)
    share = np.bincount(a.actions[:, 0]) / 50_000
    np.testing.assert_allclose(share, [0.5, 0.3, 0.2], atol=0.012)
    assert np.array_equal(a.rewards[:, 0], a.actions[:, 0] == 0)


def test_the_size_of_the_gradient_does_not_matter():
    """Rewards of 1e-150: the step is that of rewards of 1; nothing underflows."""
    logits = np.log([[0.1, 0.3, 0.6]])
    small = tr.trpo_step(tr.bandit([1e-150, 0, 0]), logits, 0.1)[0]
    np.testing.assert_allclose(small, tr.trpo_step(ARMS, logits, 0.1)[0], rtol=1e-12)


def test_the_committed_runs_of_cartpole_are_whole():
    """Ten seeds; scores between 0 and 500; no step beyond the radius."""
    found = tr.cartpole()
    assert [run["seed"] for run in found["runs"]] == list(range(10))
    for run in found["runs"]:
        scores, kl, steps = (np.array(run[k]) for k in ("scores", "kl", "environment_steps"))
        assert scores.shape == kl.shape == steps.shape and scores.max() <= 500 and scores.min() > 0
        assert np.all(np.diff(steps, prepend=0) >= found["steps_a_sample"])
        assert 0 < kl.max() <= found["delta"]
        assert run["solved_after"] in steps and 0 < run["end"] <= 500
