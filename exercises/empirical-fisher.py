"""Hidden cases of "The empirical Fisher", their oracle, and functions that err."""

import numpy as np

from ngdlib.exercises.sets.hidden import Cases, Hidden


def empirical_step(theta, y, eta, damping):
    """By mean and variance of the readings, another way than the item's formula."""
    d = theta - np.mean(y)
    return theta - eta * d / (np.var(y) + d**2 + damping)


def exact_fisher(theta, y, eta, damping):
    return theta - eta * (theta - np.mean(y)) / (1 + damping)


def variance(theta, y, eta, damping):
    return theta - eta * (theta - np.mean(y)) / (np.var(y) + damping)


def square_of_the_mean(theta, y, eta, damping):
    d = theta - np.mean(y)
    return theta - eta * d / (d**2 + damping)


def summed_matrix(theta, y, eta, damping):
    d = theta - np.mean(y)
    return theta - eta * d / (3 * (np.var(y) + d**2) + damping)


def root_of_the_mean_square(theta, y, eta, damping):
    d = theta - np.mean(y)
    return theta - eta * d / (np.sqrt(np.var(y) + d**2) + damping)


def uphill(theta, y, eta, damping):
    return 2 * theta - empirical_step(theta, y, eta, damping)


def far(rng):
    y = {"y1": rng.uniform(-1, -0.3), "y2": rng.uniform(-0.2, 0.2), "y3": rng.uniform(0.4, 1)}
    eta, damping = rng.uniform(0.1, 1), rng.uniform(0.001, 0.1)
    return {"theta": rng.uniform(2, 6), **y, "eta": eta, "damping": damping}


def one_place(rng):
    y = rng.uniform(0.5, 2)
    return {"theta": 0.5 * y, "y1": y, "y2": y, "y3": y, "eta": rng.uniform(1, 3), "damping": 0.25}


HIDDEN = {
    "q8": Hidden(
        oracle=empirical_step,
        cases={
            "far": Cases(far, points=2, number=4),
            "one-place": Cases(one_place, points=1, number=1),
        },
        wrong={
            "exact": exact_fisher,
            "centred": variance,
            "squared-mean": square_of_the_mean,
            "summed-matrix": summed_matrix,
            "root": root_of_the_mean_square,
            "uphill": uphill,
        },
    ),
}
