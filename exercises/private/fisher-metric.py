"""Hidden oracle of the set on the Fisher metric, by the book's own model; functions that err."""

import numpy as np

from ngdlib.families import Bernoulli, Categorical

DIE = Categorical(3, "probabilities")


def fisher_length(p1, p2, v1, v2):
    v = np.array([v1, v2])
    return np.sqrt(v @ DIE.fisher(np.array([p1, p2])) @ v)


def faces(p1, p2, v1, v2):
    """The three probabilities and their velocities."""
    return np.array([p1, p2, 1 - p1 - p2]), np.array([v1, v2, -v1 - v2])


def squared(*at):
    p, v = faces(*at)
    return np.sum(v**2 / p)


def two_outcomes(*at):
    p, v = faces(*at)
    return np.sqrt(np.sum(v[:2] ** 2 / p[:2]))


def third_sign(p1, p2, v1, v2):
    return fisher_length(p1, p2, v1, -v2)


def coins(p1, p2, v1, v2):
    coin = Bernoulli("probability")
    F = np.diag([coin.fisher(np.array([q]))[0, 0] for q in (p1, p2)])
    v = np.array([v1, v2])
    return np.sqrt(v @ F @ v)


def covariance(p1, p2, v1, v2):
    v = np.array([v1, v2])
    return np.sqrt(v @ np.linalg.inv(DIE.fisher(np.array([p1, p2]))) @ v)


def euclid(p1, p2, v1, v2):
    return np.hypot(v1, v2)


def euclid_three(*at):
    return np.linalg.norm(faces(*at)[1])


def half(*at):
    return np.sqrt(squared(*at) / 2)


def squared_probabilities(*at):
    p, v = faces(*at)
    return np.linalg.norm(v / p)


def diagonal(p1, p2, v1, v2):
    F = DIE.fisher(np.array([p1, p2]))
    return np.sqrt(F[0, 0] * v1**2 + F[1, 1] * v2**2)
