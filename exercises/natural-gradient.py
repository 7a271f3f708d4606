"""Hidden cases of "The natural gradient", their oracle, and functions that err."""

import numpy as np

from ngdlib.exercises.sets.hidden import Cases, Hidden


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


def small_gradient(rng):
    a, c = rng.uniform(1, 9, 2)
    b = rng.uniform(-0.9, 0.9) * np.sqrt(a * c)
    g1, g2 = rng.uniform(0.001, 0.01, 2) * rng.choice([-1, 1], 2)
    return {"a": a, "b": b, "c": c, "g1": g1, "g2": g2, "epsilon": rng.uniform(1, 4)}


def nearly_singular(rng):
    b, g = rng.uniform(0.99, 0.9995), rng.uniform(0.5, 2)
    return {"a": 1, "b": b, "c": 1, "g1": g, "g2": -g, "epsilon": rng.uniform(0.05, 0.5)}


def one_direction(rng):
    a, g2 = rng.uniform(2.5, 4), rng.uniform(1, 3)
    return {"a": a, "b": -1, "c": 0.5, "g1": 0, "g2": g2, "epsilon": 10 ** rng.uniform(-3.5, -2)}


HIDDEN = {
    "q4": Hidden(
        oracle=kl_step,
        cases={
            "small-gradient": Cases(small_gradient, points=2, number=5),
            "nearly-singular": Cases(nearly_singular, points=1, number=1),
            "one-direction": Cases(one_direction, points=1, number=1),
        },
        wrong={
            "no-root": without_the_root,
            "no-half": without_the_half,
            "fisher-length": radius_as_length,
            "step-size": radius_as_step_size,
            "unit-step": unit_natural_step,
            "not-inverted": multiplied,
            "ordinary": ordinary_on_the_ellipse,
            "circle": ordinary_on_the_circle,
            "uphill": uphill,
            "diagonal": diagonal_only,
            "euclidean-length": euclidean_length,
            "gradient-norm": euclidean_norm_of_the_gradient,
        },
    ),
}
