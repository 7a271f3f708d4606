"""Certain answers: where a probability is near 1, what is left of it keeps its digits.

Losses, gradients and Fisher matrices of every model of labels in the library, at logits far out.
The right values are exponentials written for one input by hand; the control is the subtraction
that they replace.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, log_ndtr

from ngdlib import basins, descent, kfac
from ngdlib import fisher as fm

FAR = st.floats(0, 600)


def left(z):
    """1 - sigma(z), and -log sigma(z)."""
    return np.exp(-z) / (1 + np.exp(-z)), np.log1p(np.exp(-z))


def logistic(z):
    """(loss, gradient, exact, empirical) of one input 1 and the label that z bets on."""
    one = fm.regression("bernoulli", [[1.0]])
    yield (
        fm.loss(one, [z], [1]),
        fm.gradient(one, [z], [1])[0],
        fm.fisher(one, [z])[0, 0],
        fm.fisher(one, [z], [1], fisher_type="empirical")[0, 0],
    )
    two = fm.regression("softmax", [[1.0]], 2)
    yield (
        fm.loss(two, [z, 0.0], [0]),
        fm.gradient(two, [z, 0.0], [0])[0],
        fm.fisher(two, [z, 0.0])[0, 0],
        fm.fisher(two, [z, 0.0], [0], fisher_type="empirical")[0, 0],
    )
    for output, sizes, w, y in (
        ("bernoulli", (1, 1), [[0.0, z]], [[1]]),
        ("softmax", (1, 2), [[0.0, z], [0.0, 0.0]], [0]),
    ):
        net, x = kfac.network(sizes, "identity", output), [[0.0]]
        by = {t: kfac.backward(net, [w], x, y, fisher_type=t) for t in ("exact", "empirical")}
        yield (
            kfac.loss(net, [w], x, y),
            kfac.gradient(net, [w], x, y)[0][0, -1],
            kfac.factors(by["exact"][0]).G[0, 0],
            kfac.factors(by["empirical"][0]).G[0, 0],
        )


@settings(max_examples=100)
@given(FAR)
def test_what_is_left_of_certainty_keeps_its_digits(z):
    q, loss = left(z)
    for found in logistic(z):
        np.testing.assert_allclose(found, (loss, -q, q * expit(z), q * q), rtol=1e-12)


@settings(max_examples=100)
@given(FAR)
def test_so_it_does_in_the_basin_experiment(z):
    """f = theta1 sin(theta2 x) at x = 1, theta2 = 1, where sin is s."""
    data, s = basins.Data(np.ones(1), np.ones(1)), np.sin(1.0)
    model, theta = basins.Rhythm(), np.array([z / s, 1.0])
    q, loss = left(basins.response(model, theta, data.x)[0])
    np.testing.assert_allclose(basins.loss(model, theta, data), loss, rtol=1e-12)
    np.testing.assert_allclose(basins.gradient(model, theta, data)[0], -q * s, rtol=1e-12)
    for fisher_type, weight in (("exact", q * (1 - q)), ("empirical", q * q)):
        F = basins.fisher(model, theta, data, fisher_type)
        np.testing.assert_allclose(F[0, 0], weight * s * s, rtol=1e-12)


@settings(max_examples=100)
@given(st.floats(0, 30))
def test_reweighted_least_squares_knows_how_far_it_is(z):
    """The working label of a certain and right answer is z + 1/sigma(z), not z."""
    state = descent.State(np.array([z]), 0)
    _, info = descent.irls_step(state, [[1.0]], [1], descent.LOGIT)
    np.testing.assert_allclose(info.working, z + 1 / expit(z), rtol=1e-12)
    np.testing.assert_allclose(info.gradient, -left(z)[0], rtol=1e-12)
    _, info = descent.irls_step(state, [[1.0]], [1], descent.PROBIT)
    density = np.exp(-z * z / 2) / np.sqrt(2 * np.pi)
    np.testing.assert_allclose(info.gradient, -density / np.exp(log_ndtr(z)), rtol=1e-10)


@pytest.mark.parametrize("z", [20.0, 40.0])
def test_the_plain_subtraction_does_not(z):
    assert abs((1 - expit(z)) / left(z)[0] - 1) > 1e-9
