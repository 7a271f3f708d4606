"""Hidden oracle of the set "bernoulli", and functions that make its known mistakes."""

import numpy as np

from ngdlib.descent import Fixed, data_fit, init, step
from ngdlib.families import Bernoulli

COIN = Bernoulli("probability")


def landings(q, m, eta):
    """Each end by the book's own step, so that this does not repeat the item's formulas."""
    return [_end(chart, q, m, eta) for chart in ("probability", "log-odds", "angle")]


def _end(chart, q, m, eta, metric="natural"):
    if eta == 0:
        return q
    model, change = COIN.in_chart(chart), COIN.change_to(chart)
    start = init(change.forward(np.array([q])))
    state, _ = step(start, model, data_fit(model, np.array([m])), metric, Fixed(eta))
    return state.theta[0] if chart == "probability" else change.inverse(state.theta)[0]


def ordinary_steps(q, m, eta):
    return [_end(c, q, m, eta, "euclidean") for c in ("probability", "log-odds", "angle")]


def always_in_probability(q, m, eta):
    return np.full(3, q + eta * (m - q))


def follow_the_flow(q, m, eta):
    return np.full(3, m + (q - m) * np.exp(-eta))


def _from_charts(p, z, w):
    return [p, 1 / (1 + np.exp(-z)), np.sin(w / 2) ** 2]


def _starts(q):
    return q, np.log(q / (1 - q)), 2 * np.arcsin(np.sqrt(q))


def multiplied(q, m, eta):
    p, z, w = _starts(q)
    r, v = eta * (m - q), q * (1 - q)
    return _from_charts(p + r / v**2, z + r * v, w + r / np.sqrt(v))


def uphill(q, m, eta):
    p, z, w = _starts(q)
    r, v = eta * (m - q), q * (1 - q)
    return _from_charts(p - r, z - r / v, w - r / np.sqrt(v))


def left_in_their_charts(q, m, eta):
    p, z, w = _starts(q)
    r, v = eta * (m - q), q * (1 - q)
    return [p + r, z + r / v, w + r / np.sqrt(v)]


def whole_step_of_half_the_angle(q, m, eta):
    p, z, w = _starts(q)
    r, v = eta * (m - q), q * (1 - q)
    return _from_charts(p + r, z + r / v, w + 2 * r / np.sqrt(v))


def without_eta(q, m, eta):
    p, z, w = _starts(q)
    r, v = m - q, q * (1 - q)
    return _from_charts(p + r, z + r / v, w + r / np.sqrt(v))
