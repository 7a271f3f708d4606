"""Hidden cases of "A Gaussian and its uncertainty", their oracle, and functions that err."""

import numpy as np

from ngdlib.exercises.sets.hidden import Cases, Hidden


def natural_step(mu, v, g, h, eta):
    """By another way than the item's formula: -F^-1 of the gradient in natural parameters."""
    F = np.array([[v, 2 * mu * v], [2 * mu * v, 4 * mu**2 * v + 2 * v**2]])
    T = np.array([[v, 2 * mu * v], [0, 2 * v**2]])  # d(mu, v)/d(natural parameters)
    a, b = np.array([mu / v, -0.5 / v]) - eta * np.linalg.solve(F, T.T @ [g, h])
    return [-a / (2 * b), -0.5 / b]


def with_the_old_variance(mu, v, g, h, eta):
    return [mu - eta * v * g, natural_step(mu, v, g, h, eta)[1]]


def without_the_two(mu, v, g, h, eta):
    return natural_step(mu, v, g, h / 2, eta)


def straight_in_variance(mu, v, g, h, eta):
    return [mu - eta * v * g, v - 2 * eta * v**2 * h]


def uphill(mu, v, g, h, eta):
    return natural_step(mu, v, -g, -h, eta)


def ordinary(mu, v, g, h, eta):
    return [mu - eta * g, v - eta * h]


def precision_returned(mu, v, g, h, eta):
    mean, variance = natural_step(mu, v, g, h, eta)
    return [mean, 1 / variance]


def with_a_standard_deviation(mu, v, g, h, eta):
    variance = natural_step(mu, v, g, h, eta)[1]
    return [mu - eta * np.sqrt(variance) * g, variance]


def wide(rng):
    mu, g = rng.uniform(-9, 9, 2)
    v, h, eta = rng.uniform(0.05, 6), rng.uniform(0.1, 5), rng.uniform(0.1, 1)
    return {"mu": mu, "v": v, "g": g, "h": h, "eta": eta}


def narrow(rng):
    v = rng.uniform(0.0004, 0.0008)
    mu, g, eta = rng.uniform(-4, 4), rng.uniform(-90, -40), rng.uniform(0.5, 0.95)
    return {"mu": mu, "v": v, "g": g, "h": -rng.uniform(0.3, 0.8) / (2 * v), "eta": eta}


def no_slope(rng):
    mu, v, h, eta = (
        rng.uniform(-3, 3),
        rng.uniform(0.1, 1),
        rng.uniform(0.5, 3),
        rng.uniform(0.1, 1),
    )
    return {"mu": mu, "v": v, "g": 0, "h": h, "eta": eta}


HIDDEN = {
    "q8": Hidden(
        oracle=natural_step,
        cases={
            "wide": Cases(wide, points=2, number=5),
            "narrow": Cases(narrow, points=1, number=1),
            "no-slope": Cases(no_slope, points=1, number=1),
        },
        wrong={
            "old-variance": with_the_old_variance,
            "two-missing": without_the_two,
            "in-variance": straight_in_variance,
            "uphill": uphill,
            "ordinary": ordinary,
            "precision-returned": precision_returned,
            "sigma": with_a_standard_deviation,
        },
    ),
}
