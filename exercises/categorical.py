"""Hidden cases of "Three classes on a sphere", their oracle, and functions that err."""

import numpy as np

from ngdlib.exercises.sets.hidden import Cases, Hidden

LABEL = np.array([0.0, 0.0, 1.0])


def _parts(w):
    p = np.asarray(w, dtype=float) / np.sum(w)
    return p, p - LABEL, np.diag(p) - np.outer(p, p)


def damped(w, lam):
    """By another way than the item's formula: the dense system."""
    _, g, F = _parts(w)
    return -np.linalg.solve(F + lam * np.eye(3), g)


def without_the_outer_product(w, lam):
    p, g, _ = _parts(w)
    return -g / (p + lam)


def diagonal_only(w, lam):
    _, g, F = _parts(w)
    return -g / (np.diag(F) + lam)


def pseudoinverse(w, lam):
    p, g, _ = _parts(w)
    return -(g / p - np.mean(g / p))


def divided_by_p(w, lam):
    p, g, _ = _parts(w)
    return -g / p


def divided_by_one_more(w, lam):
    return pseudoinverse(w, lam) / (1 + lam)


def ordinary(w, lam):
    return -_parts(w)[1]


def uphill(w, lam):
    return -damped(w, lam)


def rare(rng):
    w1, w2, w3 = rng.uniform(1, 50), rng.uniform(0.01, 1), rng.uniform(0.01, 1)
    return {"w1": w1, "w2": w2, "w3": w3, "lam": rng.uniform(0.001, 0.1)}


def large_damping(rng):
    w = {f"w{k}": rng.uniform(0.5, 5) for k in (1, 2, 3)}
    return {**w, "lam": rng.uniform(5, 40)}


HIDDEN = {
    "q7": Hidden(
        oracle=damped,
        cases={
            "rare": Cases(rare, points=2, number=5),
            "large-damping": Cases(large_damping, points=1, number=2),
        },
        wrong={
            "no-outer": without_the_outer_product,
            "diagonal": diagonal_only,
            "undamped": pseudoinverse,
            "divided": divided_by_p,
            "relative": divided_by_one_more,
            "ordinary": ordinary,
            "uphill": uphill,
        },
    ),
}
