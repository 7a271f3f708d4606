"""Hidden oracle of the set "newton", and functions that make its known mistakes."""


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
