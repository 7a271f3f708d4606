"""Hidden cases of "Which valley?", their oracle, and functions that err."""

import numpy as np

from ngdlib.exercises.sets.hidden import Cases, Hidden


def exact_fisher(J, p):
    """Another road than the item's formula: both answers of each input, with their chances."""
    J, p, F = np.asarray(J), np.asarray(p), np.zeros((2, 2))
    for y, chance in ((1, p), (0, 1 - p)):
        scores = (y - p)[:, None] * J
        F = F + (chance[:, None] * scores).T @ scores / len(p)
    return F


def _weighted(J, w):
    J = np.asarray(J)
    return np.einsum("n,ni,nj->ij", w, J, J) / len(w)


def no_weight(J, p):
    return _weighted(J, np.ones(2))


def probability(J, p):
    return _weighted(J, np.asarray(p))


def total(J, p):
    return 2 * exact_fisher(J, p)


def all_yes(J, p):
    return _weighted(J, (1 - np.asarray(p)) ** 2)


def diagonal(J, p):
    return np.diag(np.diag(exact_fisher(J, p)))


def transposed(J, p):
    return exact_fisher(np.asarray(J).T, p)


def drawn(rng, p1, p2):
    size = rng.uniform(0.2, 5, 4) * rng.choice([-1, 1], 4)
    return dict(zip("abcd", size, strict=True)) | {"p1": p1, "p2": p2}


def large_range(rng):
    return drawn(rng, rng.uniform(0.05, 0.4), rng.uniform(0.6, 0.95))


def parallel(rng):
    a, b = rng.uniform(0.5, 2, 2)
    return {"a": a, "b": -b, "c": 2 * a, "d": -2 * b, "p1": 0.3, "p2": rng.uniform(0.7, 0.9)}


def nearly_sure(rng):
    return drawn(rng, rng.uniform(0.01, 0.03), rng.uniform(0.97, 0.99))


HIDDEN = {
    "q8": Hidden(
        oracle=exact_fisher,
        cases={
            "large-range": Cases(large_range, points=2, number=5),
            "parallel": Cases(parallel, points=1, number=1),
            "nearly-sure": Cases(nearly_sure, points=1, number=1),
        },
        wrong={
            "no-weight": no_weight,
            "probability": probability,
            "sum": total,
            "all-yes": all_yes,
            "diagonal": diagonal,
            "transposed": transposed,
        },
    ),
}
