"""Hidden cases of "Function space", their oracle, and functions that err."""

import numpy as np

from ngdlib.exercises.sets.hidden import Cases, Hidden


def natural_velocity(J, r):
    """Another road than the item's formula: by the singular values of J."""
    U, s, Vt = np.linalg.svd(np.asarray(J, dtype=float), full_matrices=False)
    return -2 * Vt.T @ ((U.T @ np.asarray(r, dtype=float)) / s)


def ordinary(J, r):
    return -2 / len(r) * np.asarray(J).T @ r


def summed(J, r):
    return natural_velocity(J, r) / 2


def uphill(J, r):
    return -natural_velocity(J, r)


def diagonal(J, r):
    J = np.asarray(J, dtype=float)
    return -2 * (J.T @ r) / np.sum(J * J, axis=0)


def kernel_diagonal(J, r):
    J = np.asarray(J, dtype=float)
    return -2 * J.T @ (np.asarray(r) / np.sum(J * J, axis=1))


def no_inverse_length(J, r):
    return -2 * np.asarray(J).T @ r


def _case(first, second, rng):
    """Two rows of a Jacobian by their names, and a residual."""
    r1, r2 = rng.uniform(0.5, 4, 2) * [1, rng.choice([-1, 1])]
    return dict(zip("abcdmf", (*first, *second), strict=True)) | {"r1": r1, "r2": r2}


def larger(rng):
    """Two rows at some 50 to 70 degrees, of unlike lengths."""
    first = rng.uniform(0.5, 2, 3)
    across = np.cross(first, [rng.uniform(2, 4), rng.uniform(-1, 1), rng.uniform(-4, -2)])
    across = across * np.linalg.norm(first) / np.linalg.norm(across)
    return _case(first, rng.uniform(1.5, 2.5) * (0.6 * first + rng.uniform(0.8, 1.4) * across), rng)


def nearly_parallel(rng):
    first = rng.uniform(0.8, 1.6, 3)
    return _case(first, first + rng.uniform(0.1, 0.2, 3) * [1, -1, 1], rng)


HIDDEN = {
    "q8": Hidden(
        oracle=natural_velocity,
        cases={
            "larger": Cases(larger, points=2, number=5),
            "nearly-parallel": Cases(nearly_parallel, points=1, number=2),
        },
        wrong={
            "ordinary": ordinary,
            "summed": summed,
            "uphill": uphill,
            "diagonal": diagonal,
            "kernel-diagonal": kernel_diagonal,
            "no-inverse-length": no_inverse_length,
        },
    ),
}
