"""Hidden oracle of the set on coordinates, by the book's own model, and functions that err."""

import numpy as np

from ngdlib import descent
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
