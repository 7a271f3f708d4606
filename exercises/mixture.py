"""Hidden cases of "Two heaps that merge", their oracle, and functions that err."""

import numpy as np

from ngdlib.exercises.sets.hidden import Cases, Hidden


def em_step(h, x1, x2):
    """By the definition: shares of all four outcomes, then their mean."""
    x = np.array([-x1, x1, -x2, x2])
    share = 1 / (1 + np.exp(-2 * h * x))
    return float(share @ x / share.sum())


def not_divided(h, x1, x2):
    return 2 * em_step(h, x1, x2)


def positive_only(h, x1, x2):
    x = np.array([x1, x2])
    return float(np.mean(x / (1 + np.exp(-2 * h * x))))


def half_the_log_odds(h, x1, x2):
    return em_step(h / 2, x1, x2)


def nearer_heap(h, x1, x2):
    return (x1 + x2) / 2


def half_the_way(h, x1, x2):
    return (h + em_step(h, x1, x2)) / 2


def close(rng):
    x1, x2 = rng.uniform(0.5, 2, 2)
    return {"h": rng.uniform(0.005, 0.05), "x1": x1, "x2": x2}


def elsewhere(rng):
    h, x1, x2 = rng.uniform(0.05, 1.5), rng.uniform(0.1, 2), rng.uniform(0.1, 2)
    return {"h": h, "x1": x1, "x2": x2}


HIDDEN = {
    "q8": Hidden(
        oracle=em_step,
        cases={
            "close": Cases(close, points=1, number=2),
            "elsewhere": Cases(elsewhere, points=2, number=5),
        },
        wrong={
            "sum": not_divided,
            "one-sided": positive_only,
            "half-argument": half_the_log_odds,
            "hard": nearer_heap,
            "half-step": half_the_way,
        },
    ),
}
