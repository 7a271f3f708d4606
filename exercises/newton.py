"""Hidden cases of "Newton and its relatives", their oracle, and functions that err."""

from ngdlib.exercises.sets.hidden import Cases, Hidden


def velocities(r, m):
    """By another way than the item's formula: the step is taken in the root, where F is 4."""
    slope = 2 * (r - m) / r**0.5
    natural = -slope / 4 * 2 * r**0.5
    riemannian = -slope / (2 + 2 * m / r) * 2 * r**0.5
    return [natural * r / m, natural, riemannian]


def uphill(r, m):
    return [-v for v in velocities(r, m)]


def swapped(r, m):
    newton, natural, riemannian = velocities(r, m)
    return [natural, newton, riemannian]


def mean_of_velocities(r, m):
    newton, natural, _ = velocities(r, m)
    return [newton, natural, (newton + natural) / 2]


def sum_of_matrices(r, m):
    newton, natural, riemannian = velocities(r, m)
    return [newton, natural, riemannian / 2]


def correction_turned(r, m):
    newton, natural, _ = velocities(r, m)
    return [newton, natural, (m / r - 1) / (m / r**2 - (1 - m / r) / (2 * r))]


def velocities_of_the_logarithm(r, m):
    return [v / r for v in velocities(r, m)]


def slope_for_natural(r, m):
    newton, natural, riemannian = velocities(r, m)
    return [newton, natural / r, riemannian]


def multiplied(r, m):
    slope = 1 - m / r
    return [-slope * m / r**2, -slope / r, -slope * (r + m) / (2 * r**2)]


def wide(rng):
    return {"r": 10 ** rng.uniform(-1.3, 2.3), "m": 10 ** rng.uniform(-1, 2)}


def far_out(rng):
    return {"r": rng.uniform(100, 200), "m": rng.uniform(0.2, 1)}


HIDDEN = {
    "q7": Hidden(
        oracle=velocities,
        cases={
            "wide": Cases(wide, points=2, number=5),
            "far-out": Cases(far_out, points=1, number=1),
        },
        wrong={
            "uphill": uphill,
            "swapped": swapped,
            "arithmetic": mean_of_velocities,
            "sum": sum_of_matrices,
            "minus-gamma": correction_turned,
            "log-velocities": velocities_of_the_logarithm,
            "ordinary": slope_for_natural,
            "multiplied": multiplied,
        },
    ),
}
