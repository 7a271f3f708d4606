"""Hidden oracle of the set "gaussian", and functions that make its known mistakes."""

import numpy as np


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
