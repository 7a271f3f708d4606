"""Hidden cases of "Damping", their oracle, and functions that err."""

import numpy as np

from ngdlib.exercises.sets.hidden import Cases, Hidden


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


def large_range(rng):
    a, c = rng.uniform(1, 9, 2)
    g1, g2 = rng.uniform(0.2, 3, 2) * rng.choice([-1, 1], 2)
    b, lam = rng.uniform(0.2, 0.9), 10 ** rng.uniform(-3, 1.7)
    return {"a": a, "b": b, "c": c, "g1": g1, "g2": g2, "lam": lam}


def nearly_singular(rng):
    b, g = rng.uniform(0.99, 0.9995), rng.uniform(0.5, 2)
    return {"a": 1, "b": b, "c": 1, "g1": g, "g2": -g, "lam": rng.uniform(0.005, 0.05)}


def heavy(rng):
    a, c, g1, g2 = rng.uniform(0.5, 4, 4)
    return {
        "a": a,
        "b": -rng.uniform(0.1, 0.4),
        "c": c,
        "g1": g1,
        "g2": g2,
        "lam": rng.uniform(20, 60),
    }


HIDDEN = {
    "q8": Hidden(
        oracle=damped_direction,
        cases={
            "large-range": Cases(large_range, points=2, number=5),
            "nearly-singular": Cases(nearly_singular, points=1, number=1),
            "heavy": Cases(heavy, points=1, number=1),
        },
        wrong={
            "undamped": undamped,
            "added-after": added_after,
            "scaled-diagonal": scaled_diagonal,
            "mixture": mixture,
            "every-entry": every_entry,
            "diagonal-only": diagonal_only,
            "uphill": uphill,
            "multiplied": multiplied,
            "ordinary": ordinary,
        },
    ),
}
