"""Oracle and known wrong implementations of "Damping"."""

import numpy as np


def damped_direction(F, g, lam):
    """Another road than the item's formula: a filter along the eigenvectors."""
    values, V = np.linalg.eigh(F)
    return -V @ ((V.T @ g) / (values + lam))


def undamped(F, g, lam):
    return -np.linalg.solve(F, g)


def added_after(F, g, lam):
    return undamped(F, g, lam) - lam * np.asarray(g)


def scaled_diagonal(F, g, lam):
    return -np.linalg.solve(F + lam * np.diag(np.diag(F)), g)


def mixture(F, g, lam):
    return (1 - lam) * undamped(F, g, lam) - lam * np.asarray(g)


def every_entry(F, g, lam):
    return -np.linalg.solve(np.asarray(F) + lam, g)


def diagonal_only(F, g, lam):
    return -np.asarray(g) / (np.diag(F) + lam)


def uphill(F, g, lam):
    return -damped_direction(F, g, lam)


def multiplied(F, g, lam):
    return -(F + lam * np.eye(2)) @ g


def ordinary(F, g, lam):
    return -np.asarray(g) / lam
