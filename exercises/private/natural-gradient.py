"""Hidden oracle of the set "natural-gradient", and functions that make its known mistakes."""

import numpy as np


def kl_step(F, g, epsilon):
    """By another way than the item's formula: steepest descent in coordinates where F is I."""
    C = np.linalg.cholesky(F)
    there = np.linalg.solve(C, g)  # the gradient where the ellipse is a circle
    return np.linalg.solve(C.T, -np.sqrt(2 * epsilon) * there / np.linalg.norm(there))


def without_the_root(F, g, epsilon):
    n = np.linalg.solve(F, g)
    return -2 * epsilon / (g @ n) * n


def without_the_half(F, g, epsilon):
    return kl_step(F, g, epsilon / 2)


def radius_as_length(F, g, epsilon):
    n = np.linalg.solve(F, g)
    return -epsilon * n / np.sqrt(g @ n)


def radius_as_step_size(F, g, epsilon):
    return -epsilon * np.linalg.solve(F, g)


def unit_natural_step(F, g, epsilon):
    return -np.linalg.solve(F, g)


def multiplied(F, g, epsilon):
    return -np.sqrt(2 * epsilon / (g @ F @ g)) * F @ g


def ordinary_on_the_ellipse(F, g, epsilon):
    return -np.sqrt(2 * epsilon / (g @ F @ g)) * g


def ordinary_on_the_circle(F, g, epsilon):
    return -np.sqrt(2 * epsilon) * g / np.linalg.norm(g)


def uphill(F, g, epsilon):
    return -kl_step(F, g, epsilon)


def diagonal_only(F, g, epsilon):
    return kl_step(np.diag(np.diag(F)), g, epsilon)


def euclidean_length(F, g, epsilon):
    n = np.linalg.solve(F, g)
    return -np.sqrt(2 * epsilon) * n / np.linalg.norm(n)


def euclidean_norm_of_the_gradient(F, g, epsilon):
    return -np.sqrt(2 * epsilon) / np.linalg.norm(g) * np.linalg.solve(F, g)
