"""Hidden cases of "K-FAC", their oracle, and functions that err."""

import numpy as np

from ngdlib.exercises.sets.hidden import Cases, Hidden


def _matrices(w, x1, x2):
    a = np.array([[x1, 1.0], [x2, 1.0]])
    v = 0.25 / np.cosh(w * a[:, 0] / 2) ** 2
    return (a.T * v) @ a / 2, v.mean() * (a.T @ a) / 2


def kfac_error(w, x1, x2):
    """Another road than the item's formula: both matrices, and their norms."""
    F, K = _matrices(w, x1, x2)
    return np.linalg.norm(K - F) / np.linalg.norm(F)


def over_kfac(w, x1, x2):
    F, K = _matrices(w, x1, x2)
    return np.linalg.norm(K - F) / np.linalg.norm(K)


def absolute(w, x1, x2):
    F, K = _matrices(w, x1, x2)
    return np.linalg.norm(K - F)


def one_corner(w, x1, x2):
    F, K = (M[np.triu_indices(2)] for M in _matrices(w, x1, x2))
    return np.linalg.norm(K - F) / np.linalg.norm(F)


def slope_only(w, x1, x2):
    F, K = _matrices(w, x1, x2)
    return abs(K[0, 0] - F[0, 0]) / F[0, 0]


def nothing(w, x1, x2):
    return 0.0


def wide(rng):
    x1 = rng.uniform(-1.5, 0.8)
    return {"w": rng.uniform(0.5, 5), "x1": x1, "x2": abs(x1) + rng.uniform(0.3, 1.2)}


def decided(rng):
    return {"w": rng.uniform(3, 5), "x1": rng.uniform(0.05, 0.2), "x2": rng.uniform(1.5, 2)}


def both_sides(rng):
    return {"w": rng.uniform(1, 2), "x1": -rng.uniform(0.8, 1.2), "x2": rng.uniform(1.5, 2)}


HIDDEN = {
    "q8": Hidden(
        oracle=kfac_error,
        cases={
            "wide": Cases(wide, points=2, number=5),
            "decided": Cases(decided, points=1, number=1),
            "both-sides": Cases(both_sides, points=1, number=1),
        },
        wrong={
            "over-kfac": over_kfac,
            "absolute": absolute,
            "one-corner": one_corner,
            "slope-only": slope_only,
            "nothing": nothing,
        },
    ),
}
