"""Hidden cases of "Sample", their oracle, and functions that err."""

from ngdlib.exercises.sets.hidden import Cases, Hidden


def take_a_step(q, m, eta):
    return q - eta * (q - m)


def ordinary(q, m, eta):
    return q - eta * (q - m) / (q * (1 - q))


def uphill(q, m, eta):
    return q + eta * (q - m)


def far(rng):
    return {"q": rng.uniform(0.9, 1), "m": rng.uniform(0, 0.1), "eta": rng.uniform(0.5, 1)}


HIDDEN = {
    "take-a-step": Hidden(
        oracle=take_a_step,
        cases={
            "far": Cases(far, points=1, number=4),
        },
        wrong={
            "plain": ordinary,
            "uphill": uphill,
        },
    ),
}
