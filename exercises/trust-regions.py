"""Hidden cases of "Trust regions", their oracle, and functions that err."""

import numpy as np
from scipy.special import expit, xlogy

from ngdlib.exercises.sets.hidden import Cases, Hidden


def _log_partition_kl(q, h):
    """KL(old || new) of a step h in log-odds, by another way than the solution's."""
    return np.log1p(q * np.expm1(h)) - q * h


def _searched(q, delta, shrink, cost, length):
    k = 0
    while cost(length * shrink**k) > delta * (1 + 1e-12):
        k += 1
    return expit(np.log(q) - np.log1p(-q) + length * shrink**k)


def search(q, delta, shrink):
    length = np.sqrt(2 * delta / (q * (1 - q)))
    return _searched(q, delta, shrink, lambda h: _log_partition_kl(q, h), length)


def unsearched(q, delta, shrink):
    return _searched(q, delta, shrink, lambda h: 0.0, np.sqrt(2 * delta / (q * (1 - q))))


def reversed_kl(q, delta, shrink):
    def cost(h):
        new = expit(np.log(q) - np.log1p(-q) + h)
        return xlogy(new, new / q) + xlogy(1 - new, (1 - new) / (1 - q))

    return _searched(q, delta, shrink, cost, np.sqrt(2 * delta / (q * (1 - q))))


def without_the_two(q, delta, shrink):
    length = np.sqrt(delta / (q * (1 - q)))
    return _searched(q, delta, shrink, lambda h: _log_partition_kl(q, h), length)


def not_inverted(q, delta, shrink):
    length = np.sqrt(2 * delta * q * (1 - q))
    return _searched(q, delta, shrink, lambda h: _log_partition_kl(q, h), length)


def rare(rng):
    q, delta = rng.uniform(0.02, 0.15), rng.uniform(0.1, 0.4)
    return {"q": q, "delta": delta, "shrink": rng.uniform(0.8, 0.9)}


def small(rng):
    q, delta = rng.uniform(0.02, 0.3), 10 ** rng.uniform(-4, -2)
    return {"q": q, "delta": delta, "shrink": rng.uniform(0.5, 0.8)}


HIDDEN = {
    "q8": Hidden(
        oracle=search,
        cases={"rare": Cases(rare, points=2, number=4), "small": Cases(small, points=1, number=2)},
        wrong={
            "unsearched": unsearched,
            "reversed": reversed_kl,
            "half": without_the_two,
            "inverse": not_inverted,
        },
        expects=True,
    ),
}
