"""Hidden cases of "One coin, three charts", their oracle, and functions that err."""

import numpy as np

from ngdlib.descent import Fixed, data_fit, init, step
from ngdlib.exercises.sets.hidden import Cases, Hidden
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


def near_the_edge(rng):
    return {"q": rng.uniform(0.02, 0.1), "m": rng.uniform(0, 1), "eta": rng.uniform(0.01, 0.1)}


def near_the_optimum(rng):
    q = rng.uniform(0.2, 0.8)
    return {"q": q, "m": q + 0.001, "eta": rng.uniform(0.1, 0.5)}


def tails_only(rng):
    return {"q": rng.uniform(0.6, 0.9), "m": 0, "eta": rng.uniform(0.1, 0.5)}


HIDDEN = {
    "q6": Hidden(
        oracle=landings,
        cases={
            "near-the-edge": Cases(near_the_edge, points=2, number=5),
            "near-the-optimum": Cases(near_the_optimum, points=1, number=1),
            "tails-only": Cases(tails_only, points=1, number=2),
        },
        wrong={
            "invariant": always_in_probability,
            "flow": follow_the_flow,
            "ordinary": ordinary_steps,
            "times-fisher": multiplied,
            "uphill": uphill,
            "not-translated": left_in_their_charts,
            "half-angle": whole_step_of_half_the_angle,
            "unit-step": without_eta,
        },
    ),
}
