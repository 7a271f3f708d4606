"""Fisher matrices of regressions against automatic differentiation and enumerated labels."""

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad, jacobian
from hypothesis import given, settings
from hypothesis import strategies as st

from ngdlib import fisher as fm

X = np.random.default_rng(0).standard_normal((9, 3))
TASKS = [
    fm.regression("gaussian", X),
    fm.regression("bernoulli", X),
    fm.regression("softmax", X, 4),
]
every_task = pytest.mark.parametrize("task", TASKS, ids=lambda t: t.model)
THETA = np.random.default_rng(1).standard_normal(12)


def labels_of(task, seed=2):
    rng = np.random.default_rng(seed)
    if task.model == "gaussian":
        return rng.standard_normal(9)
    return rng.integers(0, max(task.classes, 2), 9)


def log_likelihoods(task, theta, y):
    f = task.x @ anp.reshape(theta, (task.classes, -1)).T
    if task.model == "gaussian":
        return -((f[:, 0] - y) ** 2) / 2
    if task.model == "bernoulli":
        return -anp.log(1 + anp.exp(anp.where(anp.array(y) == 1, -f[:, 0], f[:, 0])))
    f = f - anp.log(anp.sum(anp.exp(f), axis=1, keepdims=True))
    return f[anp.arange(len(f)), anp.array(y)]


def enumerated(task, theta):
    """E[s s^T] over the model's labels: all of them, or two that have the moments of a normal."""
    f = task.x @ theta.reshape(task.classes, -1).T
    if task.model == "gaussian":
        every = [(0.5, f[:, 0] - 1), (0.5, f[:, 0] + 1)]  # mean f, variance 1
    else:
        k = max(task.classes, 2)
        every = [
            (np.exp(log_likelihoods(task, theta, np.full(9, c))), np.full(9, c)) for c in range(k)
        ]
    total = 0
    for weight, y in every:
        s = jacobian(lambda t, y=y: log_likelihoods(task, t, y))(theta)
        total = total + (np.broadcast_to(weight, 9)[:, None] * s).T @ s / 9
    return total


@every_task
@pytest.mark.parametrize("reduction", fm.REDUCTIONS)
def test_loss_and_gradient_are_those_of_automatic_differentiation(task, reduction):
    theta, y = THETA[: task.size], labels_of(task)
    scale = 1 if reduction == "sum" else 1 / 9
    want = -scale * log_likelihoods(task, theta, y).sum()
    assert fm.loss(task, theta, y, reduction) == pytest.approx(want, rel=1e-12)
    slope = grad(lambda t: -scale * anp.sum(log_likelihoods(task, t, y)))(theta)
    np.testing.assert_allclose(fm.gradient(task, theta, y, reduction), slope, rtol=1e-10)


@every_task
def test_the_exact_matrix_is_the_mean_over_the_models_labels(task):
    theta = THETA[: task.size]
    want = enumerated(task, theta)
    found = fm.fisher(task, theta)
    np.testing.assert_allclose(found, want, atol=1e-13)
    np.testing.assert_allclose(fm.fisher(task, theta, structure="diag"), np.diag(want), atol=1e-13)
    np.testing.assert_allclose(fm.fisher(task, theta, reduction="sum"), 9 * want, atol=1e-12)
    assert not np.allclose(1.01 * found, want, rtol=1e-3)


@every_task
def test_the_empirical_matrix_squares_before_it_averages(task):
    theta, y = THETA[: task.size], labels_of(task)
    s = jacobian(lambda t: log_likelihoods(task, t, y))(theta)
    found = fm.fisher(task, theta, y, fisher_type="empirical")
    np.testing.assert_allclose(found, s.T @ s / 9, atol=1e-13)
    np.testing.assert_allclose(-s, fm.example_gradients(task, theta, y), atol=1e-13)
    diagonal = fm.fisher(task, theta, y, fisher_type="empirical", structure="diag")
    np.testing.assert_allclose(diagonal, (s**2).mean(axis=0), atol=1e-13)
    assert not np.allclose(found, np.outer(s.mean(axis=0), s.mean(axis=0)), rtol=0.1)


@every_task
@pytest.mark.parametrize("structure", fm.STRUCTURES)
def test_sampled_matrices_converge_to_the_exact_one(task, structure):
    theta = THETA[: task.size]
    exact = fm.fisher(task, theta, structure=structure)
    errors = []
    for samples in (50, 5000):
        rng = np.random.default_rng(3)
        sampled = fm.fisher(
            task, theta, fisher_type="mc", structure=structure, rng=rng, samples=samples
        )
        errors.append(np.linalg.norm(sampled - exact) / np.linalg.norm(exact))
    assert errors[1] < 0.06 and errors[1] < errors[0] / 3


@every_task
def test_a_batch_gives_what_its_points_give(task):
    theta = np.random.default_rng(4).standard_normal((2, 3, task.size))
    y = labels_of(task)
    for f in (
        lambda t: fm.loss(task, t, y),
        lambda t: fm.gradient(task, t, y),
        lambda t: fm.fisher(task, t),
        lambda t: fm.fisher(task, t, structure="diag"),
        lambda t: fm.fisher(task, t, y, fisher_type="empirical"),
    ):
        np.testing.assert_allclose(f(theta)[1, 2], f(theta[1, 2]), atol=1e-13)


@settings(deadline=None, max_examples=40)
@given(st.floats(0, 600))
def test_saturated_classes_keep_their_digits(z):
    """One input 1, logits (z, 0): the variance is q (1 - q), however small."""
    task = fm.regression("softmax", [[1.0]], 2)
    want = np.exp(-z) / (1 + np.exp(-z)) ** 2
    np.testing.assert_allclose(np.diag(fm.fisher(task, [z, 0.0])), want, rtol=1e-12)
    one = fm.regression("bernoulli", [[1.0]])
    np.testing.assert_allclose(fm.fisher(one, [z])[0, 0], want, rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: fm.regression("poisson", X), "model.*one of"),
        (lambda: fm.regression("softmax", X), "classes"),
        (lambda: fm.regression("gaussian", X, 2), "classes: expected None"),
        (lambda: fm.regression("gaussian", X[0]), r"\(n, d\)"),
        (lambda: fm.fisher(TASKS[0], [1.0]), r"shape \(..., 3\)"),
        (lambda: fm.fisher(TASKS[0], THETA[:3], fisher_type="true"), "fisher_type.*one of"),
        (lambda: fm.fisher(TASKS[0], THETA[:3], structure="kfac"), "structure.*one of"),
        (lambda: fm.fisher(TASKS[0], THETA[:3], fisher_type="empirical"), "observed labels"),
        (lambda: fm.fisher(TASKS[0], THETA[:3], fisher_type="mc"), "rng.*Generator"),
        (lambda: fm.loss(TASKS[1], THETA[:3], np.full(9, 2)), "labels 0 or 1"),
        (lambda: fm.loss(TASKS[2], THETA, np.full(9, 4)), "labels 0, ..., 3"),
        (lambda: fm.loss(TASKS[2], THETA, [0, 1]), r"shape \(9,\)"),
        (lambda: fm.outputs("softmax", THETA), "task.*a regression"),
    ],
)
def test_bad_input_is_refused_in_words(call, words):
    with pytest.raises(ValueError, match=words):
        call()
