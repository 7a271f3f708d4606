"""Hidden cases of "The gradient depends on the coordinates": oracle, functions that err."""

import numpy as np

from ngdlib import descent
from ngdlib.exercises.sets.hidden import Cases, Hidden
from ngdlib.families import Bernoulli

COIN = Bernoulli("probability")
CHANGE = COIN.change_to("log-odds")


def step_in_log_odds(q, m, eta):
    model = COIN.in_chart("log-odds")
    loss = descent.data_fit(model, np.array([m]))
    start = descent.init(CHANGE.forward(np.array([q])))
    state, _ = descent.step(start, model, loss, metric="euclidean", length=descent.Fixed(eta))
    return CHANGE.inverse(state.theta)[0]


def logit(q):
    return np.log(q / (1 - q))


def logistic(z):
    return np.exp(-np.logaddexp(0, -z))


def tangent(q, m, eta):
    return q + eta * q * (1 - q) * (m - q)


def in_probability(q, m, eta):
    return q + eta * (m / q - (1 - m) / (1 - q))


def mixed(q, m, eta):
    return q - eta * (q - m)


def uphill(q, m, eta):
    return logistic(logit(q) + eta * (q - m))


def not_back(q, m, eta):
    return logit(q) - eta * (q - m)


def slope_in_q(q, m, eta):
    return logistic(logit(q) + eta * (m / q - (1 - m) / (1 - q)))


def slope_divided(q, m, eta):
    return logistic(logit(q) + eta * (m / q - (1 - m) / (1 - q)) / (q * (1 - q)))


def not_there(q, m, eta):
    return logistic(q + eta * (m - q))


def carried_twice(q, m, eta):
    return logistic(logit(q) + eta * q * (1 - q) * (m - q))


def surprised(rng):
    return {"q": rng.uniform(0.9, 0.98), "m": rng.uniform(0.01, 0.1), "eta": rng.uniform(8, 16)}


def nearly_never(rng):
    return {"q": rng.uniform(0.01, 0.02), "m": 1, "eta": rng.uniform(1, 3)}


def near_the_target(rng):
    q = rng.uniform(0.2, 0.8)
    return {"q": q, "m": q + 0.001, "eta": rng.uniform(1, 4)}


def far(rng):
    q, m = rng.uniform(0.02, 0.98, 2)
    return {"q": q, "m": m, "eta": rng.uniform(0.1, 20)}


HIDDEN = {
    "q6": Hidden(
        oracle=step_in_log_odds,
        cases={
            "surprised": Cases(surprised, points=1, number=1),
            "nearly-never": Cases(nearly_never, points=1, number=1),
            "near-the-target": Cases(near_the_target, points=1, number=1),
            "far": Cases(far, points=2, number=4),
        },
        wrong={
            "tangent": tangent,
            "in-probability": in_probability,
            "mixed": mixed,
            "uphill": uphill,
            "not-back": not_back,
            "slope-in-q": slope_in_q,
            "slope-divided": slope_divided,
            "not-there": not_there,
            "carried-twice": carried_twice,
        },
    ),
}
