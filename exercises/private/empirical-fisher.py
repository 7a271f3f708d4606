"""Hidden oracle of the set "empirical-fisher", and functions that make its known mistakes."""

import numpy as np


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
