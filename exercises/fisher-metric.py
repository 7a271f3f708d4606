"""Hidden cases of "A ruler for distributions", their oracle, and functions that err."""

import numpy as np

from ngdlib.exercises.sets.hidden import Cases, Hidden
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


def rare_face(rng):
    v1, v2 = rng.uniform(0.0005, 0.002), rng.uniform(-0.4, -0.2)
    return {"p1": 10 ** rng.uniform(-6, -4), "p2": rng.uniform(0.3, 0.7), "v1": v1, "v2": v2}


def rare_third(rng):
    p1, third = rng.uniform(0.3, 0.7), 10 ** rng.uniform(-5, -3)
    v1, v2 = rng.uniform(0.05, 0.3, 2)
    return {"p1": p1, "p2": 1 - p1 - third, "v1": v1, "v2": v2}


def nearly_at_rest(rng):
    p1, p2, _ = rng.dirichlet([2, 2, 2])
    return {"p1": p1, "p2": p2, "v1": 1e-5, "v2": 2e-5}


def elsewhere(rng):
    p1, p2, _ = rng.dirichlet([2, 2, 2])
    v1, v2 = rng.uniform(0.05, 1, 2) * rng.choice([-1, 1], 2)
    return {"p1": p1, "p2": p2, "v1": v1, "v2": v2}


HIDDEN = {
    "q4": Hidden(
        oracle=fisher_length,
        cases={
            "rare-face": Cases(rare_face, points=1, number=1),
            "rare-third": Cases(rare_third, points=1, number=1),
            "nearly-at-rest": Cases(nearly_at_rest, points=1, number=1),
            "elsewhere": Cases(elsewhere, points=2, number=4),
        },
        wrong={
            "squared": squared,
            "two-outcomes": two_outcomes,
            "third-sign": third_sign,
            "coins": coins,
            "covariance": covariance,
            "euclid": euclid,
            "euclid-three": euclid_three,
            "half": half,
            "squared-probabilities": squared_probabilities,
            "diagonal": diagonal,
        },
    ),
}
