"""Checks of the chapter on mixtures: the Fisher matrix, paths and curvature of two equal heaps.

Each is fed a statement as data, once as the book makes it and once in a false version, and decides
it by `GaussianMixture`: limits are extrapolated, roots and extrema are found, paths are walked.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.optimize import brentq, minimize_scalar

from ngdlib.claims import Evidence, claim
from ngdlib.families import GaussianMixture

HEAPS = GaussianMixture()
TARGET, ONE = np.array([-1.0, 1.0]), np.array([0.0, 0.0])
GAP = float(HEAPS.separation(TARGET))
ORDINARY = 2.0  # the step size of ordinary descent
GRID = np.linspace(-16, 16, 3201)


def at(gap, middle=0.0):
    """The means at this separation."""
    return np.array([middle - gap / 2, middle + gap / 2])


def along(gap, model=HEAPS):
    """The eigenvalues along (1, 1) and (1, -1)."""
    F = model.fisher(at(gap))
    plus = float(F[0, 0] + F[0, 1])
    return plus, float(model.determinant(at(gap)) / plus)


def kappa(gap):
    small, large = HEAPS.eigenvalues(at(gap))
    return float(large / small)


def near(stated, found, tolerance=1e-3):
    """Does every stated number agree with the one found, to a relative tolerance?"""
    return all(abs(stated[k] - v) <= tolerance * abs(v) for k, v in found.items())


def power(f, x):
    """The exponent p of f ~ c x^p as x falls, extrapolated."""
    p = [np.log2(f(x / 2**k) / f(x / 2 ** (k + 1))) for k in (0, 1)]
    return float((4 * p[1] - p[0]) / 3)


def limit(f, x):
    """The limit of f at 0, where f is even in x."""
    return float((4 * f(x / 2) - f(x)) / 3)


def walk(start, target, stop, rule, eta, most=4000):
    """How many steps until stop(separation)."""
    theta = np.array(start, dtype=float)
    for k in range(most):
        if stop(abs(theta[1] - theta[0])):
            return k
        theta = theta - eta * getattr(HEAPS, rule)(theta, target)
    return most


@cache
def steps(which):
    if which == "leave":
        return walk((-0.05, 0.05), TARGET, lambda d: d >= 1.8, "kl_gradient", ORDINARY)
    rule, eta = ("kl_gradient", ORDINARY) if which == "arrive" else ("natural_gradient", 1.0)
    return walk((-1, 1), ONE, lambda d: d <= 0.1, rule, eta)


@cache
def curvature(gap):
    """The Gaussian curvature, from E(v) dm^2 + G(v) dv^2 with v the square of the half-gap."""
    v0 = gap**2 / 4
    v = np.linspace(max(v0 - 0.15, 1e-3), max(v0, 0.15) + 0.15, 41)
    plus, minus = np.array([along(2 * np.sqrt(x)) for x in v]).T
    fit = np.polynomial.Chebyshev.fit
    E, G = fit(v, 2 * plus, 12), fit(v, minus / (2 * v), 12)
    inner = E.deriv()(v) / (2 * np.sqrt(E(v) * G(v)))
    slope = fit(v, inner, 12).deriv()(v0)
    return float(-slope / np.sqrt(E(v0) * G(v0)))


def hellinger(theta0, theta1, weight):
    model = GaussianMixture(weight=weight)
    a, b = (np.exp(model.log_density(GRID, t) / 2) for t in (theta0, theta1))
    return float(np.sqrt(((a - b) ** 2).sum() * (GRID[1] - GRID[0])))


# The plane


@claim(
    "S3-04",
    verdict="false as stated",
    where="mixture",
    paraphrase="The canvas is the plane of the two means, and its two draggable handles are μ1 and "
    "μ2.",
    correct="A model is one point of the plane and has 2 coordinates, μ1 and μ2; two handles in "
    "the plane would hold 4 numbers.",
    truth={"coordinates of a model": 2.0},
    control={"coordinates of a model": 4.0},
    control_name="two points of the plane for one model",
)
def one_point_is_a_model(stated) -> Evidence:
    dim = float(HEAPS.dim)
    return Evidence(
        stated["coordinates of a model"] == dim,
        {"coordinates of a model": dim},
        "The parameter of the family is a pair of means.",
        {"2": dim, "4": 2 * dim},
    )


@claim(
    "S3-05",
    verdict="holds under conditions",
    where="mix-diagonal",
    paraphrase="The densities form a smooth manifold, each point of the plane a density.",
    correct="The densities form a smooth surface with an edge, in the mean and "
    "v = δ²/4: F along v is ½ at the edge. The plane itself lies over it twice.",
    truth={"F along v at the edge": 0.5},
    control={"F along v at the edge": 0.0},
    control_name="the metric along v vanishes as the one along the half-gap does",
)
def smooth_in_the_square(stated) -> Evidence:
    found = limit(lambda d: along(d)[1] / (2 * (d / 2) ** 2), 0.02)
    same = float(np.abs(HEAPS.log_density(GRID, [2, -1]) - HEAPS.log_density(GRID, [-1, 2])).max())
    return Evidence(
        abs(stated["F along v at the edge"] - found) < 1e-4 and same < 1e-12,
        {"F along v at the edge": found, "swapped heaps differ by": same},
        "The entry of F along v, extrapolated to the edge.",
        {"½": found, "twice": 2, "v = δ²/4": abs(found - 0.5) < 1e-4},
    )


@claim(
    "S3-07",
    verdict="holds",
    where="mix-diagonal",
    paraphrase="F is positive definite almost everywhere.",
    correct="It is, exactly off the diagonal: det F is δ²/8 to leading order and 0 only there.",
    truth={"coefficient": 0.125, "power": 2.0},
    control={"coefficient": 0.125, "power": 0.0},
    control_name="a determinant that does not vanish",
)
def definite_off_the_diagonal(stated) -> Evidence:
    found = {
        "coefficient": limit(lambda d: float(HEAPS.determinant(at(d))) / d**2, 0.1),
        "power": power(lambda d: float(HEAPS.determinant(at(d))), 0.1),
    }
    least = min(float(HEAPS.determinant(at(d))) for d in np.linspace(0.01, 30, 200))
    return Evidence(
        near(stated, found) and least > 0 and float(HEAPS.determinant(at(0))) == 0,
        found | {"least determinant from 0.01 to 30": least},
        "The determinant on and off the diagonal.",
        {"δ²/8": abs(found["coefficient"] - 1 / 8) < 1e-4, "0": float(HEAPS.determinant(at(0)))},
    )


@claim(
    "S3-09",
    verdict="holds under conditions",
    where="mix-fisher",
    paraphrase="The ellipses are confidence ellipses of the metric.",
    correct="They are level sets. A 95% confidence ellipse for n observations is the one with "
    "squared length 5.991/n, for large n.",
    truth={"n times the squared length": 5.991, "holds": 0.95},
    control={"n times the squared length": 1.0, "holds": 0.95},
    control_name="a level of one for every confidence",
)
def confidence_level(stated) -> Evidence:
    # the estimate's law for large n: normal, with the covariance of the step F⁻¹ (mean score),
    # where the scores' own covariance is summed over x, not read off F
    F, n = HEAPS.fisher(TARGET), 1000.0
    s, p = HEAPS.score(GRID, TARGET), np.exp(HEAPS.log_density(GRID, TARGET))
    scores = np.einsum("n,ni,nj->ij", p, s, s) * (GRID[1] - GRID[0])
    precision = n * F @ np.linalg.inv(scores) @ F
    # the mass of that law on {v : n v·Fv <= level}, direction by direction
    angle = np.linspace(0, 2 * np.pi, 720, endpoint=False)
    u = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    drawn, law = (np.einsum("ni,ij,nj->n", u, M, u) for M in (n * F, precision))

    def mass(level):
        each = (1 - np.exp(-level / drawn * law / 2)) / law
        return np.sqrt(np.linalg.det(precision)) * each.mean()

    held = mass(stated["n times the squared length"])
    level = brentq(lambda c: mass(c) - 0.95, 1, 20)
    return Evidence(
        abs(held - stated["holds"]) < 1e-4,
        {"n times the squared length": level, "its mass": mass(5.991)},
        "The mass that the estimate's normal law has on the ellipse, its covariance from scores.",
        {
            "95% confidence ellipse for n observations is the one with squared length 5.991/n": (
                abs(mass(5.991) - 0.95) < 2e-5
            )
        },
    )


@claim(
    "S3-10",
    verdict="holds",
    where="mix-fisher",
    paraphrase="The axes of an ellipse are eigenvectors of F, its semi-axes as 1/√λ.",
    correct="They are; and with equal weights the eigenvectors are (1, 1) and (1, −1) everywhere, "
    "so that F depends on the separation alone.",
    truth=lambda eigenvalue, level: np.sqrt(level / eigenvalue),
    control=lambda eigenvalue, level: level / eigenvalue,
    control_name="semi-axes as 1/λ",
)
def axes(semi_axis) -> Evidence:
    worst, diagonal = 0.0, True
    for gap, level in ((0.5, 0.1), (3.0, 0.02)):
        F = HEAPS.fisher(at(gap, 0.7))
        diagonal &= bool(np.allclose(np.abs(np.linalg.eigh(F)[1]), np.sqrt(0.5)))
        for v, eigenvalue in zip(([1, 1], [1, -1]), along(gap), strict=True):
            v = np.array(v) / np.sqrt(2) * semi_axis(eigenvalue, level)
            worst = max(worst, abs(float(v @ F @ v) / level - 1))
    tilt = abs(float(HEAPS.fisher(at(2, 5))[0, 0] - HEAPS.fisher(at(2, -1))[1, 1]))
    return Evidence(
        worst < 1e-8 and tilt < 1e-10 and diagonal,
        {"worst error of the level at an end": worst, "F11 less F22": tilt},
        "The ends of the semi-axes lie on the level set.",
        {"1": 1, "−1": -1, "(1, 1)": diagonal, "(1, −1)": diagonal},
    )


@claim(
    "S3-11",
    verdict="holds",
    where="mix-diagonal",
    paraphrase="Along a long axis a large step of the parameters costs little KL.",
    correct="It does; across the diagonal itself KL is not even quadratic: it is ε⁴/4 at the "
    "separation 2ε.",
    truth={"power": 4.0, "coefficient": 0.25},
    control={"power": 2.0, "coefficient": 0.25},
    control_name="a quadratic KL across the diagonal",
)
def quartic(stated) -> Evidence:
    def cost(e):
        return float(HEAPS.kl(ONE, at(2 * e)))

    found = {"power": power(cost, 0.2), "coefficient": limit(lambda e: cost(e) / e**4, 0.05)}
    return Evidence(
        near(stated, found, 2e-3),
        found,
        "KL from one heap to two, extrapolated to half-gap 0.",
        {
            "ε⁴/4": abs(found["coefficient"] - 1 / 4) < 1e-3 and abs(found["power"] - 4) < 1e-2,
            "2ε": bool(np.isclose(HEAPS.separation(at(2 * 0.1)), 2 * 0.1)),
        },
    )


@claim(
    "S3-12",
    verdict="false as stated",
    where="mix-fisher",
    paraphrase="Drag the handles together and the ellipses elongate.",
    correct="The ellipse at a place of the plane depends on that place and on σ only. What changes "
    "with the handles is where in the field one stands.",
    heard="Drag the means together and the ellipses elongate.",
    fact="No ellipse changes: each belongs to its place. The model moves to where they are longer.",
    truth=lambda place, handles: kappa(abs(place[1] - place[0])),
    control=lambda place, handles: kappa(abs(handles[1] - handles[0])),
    control_name="an ellipse that follows the handles",
)
def ellipses_stay(condition) -> Evidence:
    worst = 0.0
    for place, handles in (((0.0, 0.4), (1.0, 3.0)), ((-1.0, 2.0), (0.0, 0.2))):
        s = HEAPS.score(GRID, np.array(place)[None, :])
        p = np.exp(HEAPS.log_density(GRID, place)) * (GRID[1] - GRID[0])
        small, large = np.linalg.eigvalsh(np.einsum("n,ni,nj->ij", p, s, s))
        worst = max(worst, abs(condition(place, handles) / (large / small) - 1))
    return Evidence(
        worst < 1e-6, {"worst error of κ": worst}, "κ by integrating the scores at the place."
    )


@claim(
    "S3-13",
    verdict="holds under conditions",
    where="mix-fisher",
    paraphrase="The ellipses are elongated along the line on which the means exchange.",
    correct="Only below a separation of 1.636σ, where they are circles. Beyond, the long axis is "
    "that of the common shift, with κ up to 1.67.",
    heard="The ellipses are stretched along μ1↔μ2.",
    fact="Up to a separation of 1.636σ, where they are circles. Then along (1, 1), κ up to 1.67.",
    truth={"circle": 1.6363, "largest κ beyond": 1.66636},
    control={"circle": 9.0, "largest κ beyond": 1.0},
    control_name="one long axis for all separations",
)
def long_axis_turns(stated) -> Evidence:
    circle = brentq(lambda d: along(d)[0] - along(d)[1], 0.5, 2.5)
    top = minimize_scalar(lambda d: -kappa(d), bounds=(2, 5), method="bounded")
    found = {"circle": circle, "largest κ beyond": -top.fun}
    return Evidence(
        near(stated, found) and along(1)[1] < along(1)[0] and along(3)[0] < along(3)[1],
        found,
        "Where the two eigenvalues cross, and how far they part after that.",
        {
            "1.636σ": circle,
            "1.636": circle,
            "1.67": -top.fun,
            "(1, 1)": along(3)[0] < along(3)[1],
        },
    )


@claim(
    "S3-14",
    verdict="first order only",
    where="mix-diagonal",
    paraphrase="Where μ1 ≈ μ2 the model reduces to N(μ1, σ²).",
    correct="It does on the diagonal. Beside it the one Gaussian to compare with has the midpoint "
    "for its mean: KL from N(μ1, 1) to the two heaps is δ²/8, from the midpoint's δ⁴/64.",
    truth={"from μ1": 0.125, "from the midpoint": 1 / 64},
    control={"from μ1": 1 / 64, "from the midpoint": 1 / 64},
    control_name="N(μ1, σ²) as good as the midpoint's",
)
def one_gaussian(stated) -> Evidence:
    one = [float(HEAPS.kl(np.full(2, -d / 2), at(d))) / d**2 for d in (0.1, 0.05)]
    found = {
        "from μ1": (4 * one[1] - one[0]) / 3,
        "from the midpoint": limit(lambda d: float(HEAPS.kl(ONE, at(d))) / d**4, 0.1),
    }
    return Evidence(
        near(stated, found),
        found,
        "Both divergences over their powers of the separation, extrapolated.",
        {
            "δ²/8": abs(found["from μ1"] - 1 / 8) < 1e-4,
            "δ⁴/64": abs(found["from the midpoint"] - 1 / 64) < 1e-5,
            "N(μ1, 1)": bool(np.allclose(HEAPS.score(GRID, [2.0, 2.0]).sum(axis=-1), GRID - 2)),
        },
    )


@claim(
    "S3-15",
    verdict="false as stated",
    where="mix-diagonal",
    paraphrase="The parameters are not identifiable there because swapping gives the same density.",
    correct="Swapping gives the same density everywhere, and F(2, −1) is regular, with eigenvalues "
    "0.278 and 0.458. Points of the diagonal are the ones whose parameter is unique.",
    heard="Swapping the means makes the model singular.",
    fact="One can swap everywhere, and F(2, −1) has eigenvalues 0.278 and 0.458. Only points of "
    "the diagonal have one θ.",
    truth={"smaller": 0.27810, "larger": 0.45792},
    control={"smaller": 0.0, "larger": 0.45792},
    control_name="a singular matrix wherever one can swap",
)
def swapping(stated) -> Evidence:
    small, large = HEAPS.eigenvalues([2, -1])
    found = {"smaller": float(small), "larger": float(large)}
    same = float(HEAPS.kl([2, -1], [-1, 2]))
    return Evidence(
        near(stated, found) and same < 1e-14,
        found | {"KL to the swapped": same},
        "The eigenvalues at a point far from the diagonal, which can be swapped as well.",
        {
            "0.278": float(small),
            "0.458": float(large),
            "F(2, −1)": bool(
                np.allclose(np.linalg.eigvalsh(HEAPS.fisher([2, -1])), [small, large])
            ),
        },
    )


# The eigenvalues


@claim(
    "S3-16",
    verdict="holds",
    where="mix-diagonal",
    paraphrase="F loses rank: the eigenvalue along (1, −1) goes to 0.",
    correct="It goes as δ²/4. With weights w and 1 − w it is δ² times 2w²(1−w)²/(w²+(1−w)²), along "
    "another direction.",
    truth={"coefficient": 0.25, "power": 2.0, "at weight 0.7": 2 * 0.21**2 / 0.58},
    control={"coefficient": 0.25, "power": 1.0, "at weight 0.7": 2 * 0.21**2 / 0.58},
    control_name="an eigenvalue that vanishes linearly",
)
def small_eigenvalue(stated) -> Evidence:
    def by_weight(w):
        return 2 * w**2 * (1 - w) ** 2 / (w**2 + (1 - w) ** 2)

    other = GaussianMixture(weight=0.7)
    f = [float(other.eigenvalues([0, d])[0]) / d**2 for d in (0.04, 0.02)]
    found = {
        "coefficient": limit(lambda d: along(d)[1] / d**2, 0.1),
        "power": power(lambda d: along(d)[1], 0.1),
        "at weight 0.7": (4 * f[1] - f[0]) / 3,
    }
    return Evidence(
        near(stated, found),
        found,
        "The smaller eigenvalue over δ², extrapolated.",
        {
            "δ²/4": abs(found["coefficient"] - 1 / 4) < 1e-4,
            "2w²(1−w)²/(w²+(1−w)²)": abs(found["at weight 0.7"] - by_weight(0.7)) < 1e-4,
            "1 − w": bool(np.isclose(1 - other.responsibility(0.0, [5.0, 5.0]), 1 - 0.7)),
        },
    )


@claim(
    "S3-17",
    verdict="holds",
    where="mix-fisher",
    paraphrase="The eigenvalue along (1, 1) stays bounded.",
    correct="It is ½ where the heaps are one and again far apart, with a least value of 0.2602 at "
    "separation 2.456 (σ = 1).",
    truth={"merged": 0.5, "far": 0.5, "least": 0.26024, "where": 2.456},
    control={"merged": 0.5, "far": 0.5, "least": 0.5, "where": 2.456},
    control_name="an eigenvalue that does not change",
)
def shift_eigenvalue(stated) -> Evidence:
    low = minimize_scalar(lambda d: along(d)[0], bounds=(1, 4), method="bounded")
    found = {
        "merged": along(1e-6)[0],
        "far": along(30)[0],
        "least": float(low.fun),
        "where": float(low.x),
    }
    return Evidence(
        near(stated, found),
        found,
        "The eigenvalue at both ends and its minimum.",
        {"½": along(30)[0], "0.2602": low.fun, "2.456": low.x, "1": 1},
    )


@claim(
    "S3-18",
    verdict="holds under conditions",
    where="mix-diagonal",
    paraphrase="The condition number diverges, as the panel lets one verify.",
    correct="It goes as 2/δ², so it is 200.5 at separation 0.1; a panel shows it if it computes F.",
    truth={"coefficient": 2.0, "at 0.1": 200.5},
    control={"coefficient": 2.0, "at 0.1": 20.0},
    control_name="a panel whose κ stops at 20",
)
def condition_number(stated) -> Evidence:
    found = {"coefficient": limit(lambda d: kappa(d) * d**2, 0.1), "at 0.1": kappa(0.1)}
    return Evidence(
        near(stated, found),
        found,
        "κ times δ², extrapolated.",
        {"2/δ²": abs(found["coefficient"] - 2) < 1e-3, "200.5": found["at 0.1"], "0.1": 0.1},
    )


@claim(
    "S3-19",
    verdict="holds under conditions",
    where="mix-diagonal",
    paraphrase="The singularity is a genuine geometric property of the manifold, not an artefact.",
    correct="It is genuine for the parameters: no number is at fault. With equal weights the "
    "surface itself is regular at its edge, with curvature −½, and v removes the singularity.",
    truth={"curvature at the edge": -0.5},
    control={"curvature at the edge": -50.0},
    control_name="a curvature that blows up",
)
def regular_edge(stated) -> Evidence:
    found = {"curvature at the edge": 2 * curvature(0.1) - curvature(0.1 * np.sqrt(2))}
    return Evidence(
        near(stated, found, 2e-3),
        found,
        "The Gaussian curvature near the edge, extrapolated in v.",
        {"−½": round(found["curvature at the edge"], 3)},
    )


@claim(
    "S3-20",
    verdict="false as stated",
    where="mix-weights",
    paraphrase="The manifold has a cusp-like structure near the diagonal.",
    correct="With equal weights it has a smooth edge, for the branches on both sides are the same. "
    "With unequal ones there is a cusp: the way to the tip is of order δ², the branches part by "
    "δ³.",
    heard="The manifold has a cusp where the heaps merge.",
    fact="With equal weights it has a smooth edge. At other weights it is a cusp: the branches "
    "part like δ³, at a distance like δ² from the tip.",
    truth={"tip": 2.0, "gap": 3.0},
    control={"tip": 1.0, "gap": 1.0},
    control_name="branches that leave in two directions",
)
def cusp(stated) -> Evidence:
    def branch(d):
        return np.array([0.3 * d, -0.7 * d])  # mean 0 at weights 0.7, 0.3

    found = {
        "tip": power(lambda d: hellinger(branch(d), branch(0), 0.7), 0.1),
        "gap": power(lambda d: hellinger(branch(d), branch(-d), 0.7), 0.1),
    }
    equal = hellinger([0.1, -0.1], [-0.1, 0.1], 0.5)
    return Evidence(
        near(stated, found, 2e-3) and equal < 1e-12,
        found | {"gap at equal weights": equal},
        "Hellinger distances at one mean, as powers of the separation.",
        {},
    )


# Descent


@claim(
    "S3-21",
    verdict="holds under conditions",
    where="mix-slow",
    paraphrase="Ordinary descent slows catastrophically because of the degenerate geometry.",
    correct="Only where the target is on the diagonal, or almost. With η = 2, leaving separation "
    "0.1 for a target at 2 takes 6 steps; arriving at 0.1 from 2, for a target on the "
    "diagonal, 201.",
    heard="Ordinary descent is catastrophically slow near the diagonal.",
    fact="Past it, 6 steps to a target at separation 2. Into it, 201 steps to a target on it.",
    truth={"leave": 6.0, "arrive": 201.0},
    control={"leave": 201.0, "arrive": 201.0},
    control_name="slow in both directions",
)
def leave_and_arrive(stated) -> Evidence:
    found = {"leave": float(steps("leave")), "arrive": float(steps("arrive"))}
    return Evidence(
        stated == found,
        found,
        "The steps of ordinary descent, counted.",
        {
            "η = 2": ORDINARY,
            "6": found["leave"],
            "201": found["arrive"],
            "0.1": 0.1,
            "2": 2,
            "at 2": GAP,
        },
    )


@claim(
    "S3-22",
    verdict="holds under conditions",
    where="mix-slow",
    paraphrase="Natural descent puts the singular region right.",
    correct="It goes as 1/δ beside the diagonal and is undefined on it: at separation 0.1 a unit "
    "step towards a target at 2 lands at 20.03.",
    heard="Natural descent cures the singularity.",
    fact="Its arrow grows like 1/δ: a unit step from separation 0.1, for a target at 2, ends at "
    "20.03. On the diagonal there is none.",
    truth={"power": -1.0, "lands": 20.03},
    control={"power": 0.0, "lands": 2.0},
    control_name="a natural step that is tame at the diagonal",
)
def natural_beside_the_diagonal(stated) -> Evidence:
    def size(d):
        return float(np.linalg.norm(HEAPS.natural_gradient(at(d), TARGET)))

    end = at(0.1) - HEAPS.natural_gradient(at(0.1), TARGET)
    found = {"power": power(size, 0.1), "lands": float(end[1] - end[0])}
    return Evidence(
        near(stated, found),
        found,
        "The length of the natural gradient, and where its unit step ends.",
        {
            "1/δ": abs(found["power"] + 1) < 1e-2,
            "0.1": 0.1,
            "20.03": found["lands"],
            "at 2": GAP,
            "2": GAP,
        },
    )


@claim(
    "S3-23",
    verdict="holds",
    where="mix-fisher",
    paraphrase="Far apart, F approaches I/(2σ²).",
    correct="It does; the ½ is the weight of a heap. At separation 8σ the largest entry of the "
    "difference is 0.000396, for σ = 1.",
    truth={"diagonal": 0.5, "off by at 8": 3.958e-4},
    control={"diagonal": 1.0, "off by at 8": 3.958e-4},
    control_name="the information of a heap of weight 1",
)
def far_apart(stated) -> Evidence:
    found = {
        "diagonal": float(HEAPS.fisher(at(40))[0, 0]),
        "off by at 8": float(np.abs(HEAPS.fisher(at(8)) - np.eye(2) / 2).max()),
    }
    right = abs(stated["diagonal"] - found["diagonal"]) < 1e-9
    return Evidence(
        right and near(stated, found),
        found,
        "F at separations 40 and 8.",
        {"½": 0.5, "8σ": float(HEAPS.separation(at(8))), "0.000396": found["off by at 8"], "1": 1},
    )


@claim(
    "S3-24",
    verdict="holds under conditions",
    where="mix-fisher",
    paraphrase="Pulled apart, the ellipses become nearly circular.",
    correct="Far enough apart: at 3σ, κ is still 1.65; it stays below 1.1 from 5.23σ on.",
    heard="Beyond 3σ the ellipses are nearly circles.",
    fact="At 3σ κ is still 1.65; it stays below 1.1 only from 5.23σ on.",
    truth={"at 3": 1.64659, "below 1.1 from": 5.22567},
    control={"at 3": 1.0, "below 1.1 from": 3.0},
    control_name="circles from 3σ on",
)
def nearly_circular(stated) -> Evidence:
    found = {"at 3": kappa(3), "below 1.1 from": brentq(lambda d: kappa(d) - 1.1, 4, 8)}
    return Evidence(
        near(stated, found),
        found,
        "κ at 3, and where it falls below 1.1.",
        {
            "3σ": float(HEAPS.separation(at(3))),
            "1.65": kappa(3),
            "1.1": 1.1,
            "5.23σ": found["below 1.1 from"],
        },
    )


@claim(
    "S3-25",
    verdict="holds",
    where="mix-fisher",
    paraphrase="Far apart, each mean is informed by the data of its own heap.",
    correct="At separation 12 all but a share of 10⁻⁶ of F11 comes from outcomes of the "
    "first heap.",
    truth={"share": 1.0, "F11": 0.5},
    control={"share": 0.5, "F11": 0.5},
    control_name="both heaps inform it alike",
)
def own_heap(stated) -> Evidence:
    s = HEAPS.score(GRID, at(12)[None, :])[:, 0]
    own = np.exp(-((GRID + 6) ** 2) / 2) / np.sqrt(2 * np.pi) / 2 * (GRID[1] - GRID[0])
    F11 = float(HEAPS.fisher(at(12))[0, 0])
    found = {"share": float(own @ s**2) / F11, "F11": F11}
    return Evidence(
        near(stated, found) and 1 - found["share"] < 1e-6,
        found,
        "F11 over the first heap's outcomes only.",
        {"12": 12, "10⁻⁶": 1 - found["share"] < 1e-6},
    )


@claim(
    "S3-26",
    verdict="holds under conditions",
    where="mix-diagonal",
    paraphrase="Where the heaps are apart the manifold is locally flat.",
    correct="Only in the limit: its curvature is −1.514 at separation 2, 0.206 at 5, 0.010 at 8.",
    truth={"at 2": -1.514, "at 5": 0.206},
    control={"at 2": 0.0, "at 5": 0.0},
    control_name="no curvature once the heaps are apart",
)
def curved(stated) -> Evidence:
    found = {"at 2": curvature(2.0), "at 5": curvature(5.0)}
    return Evidence(
        near(stated, found, 3e-3),
        found | {"at 8": curvature(8.0)},
        "The Gaussian curvature from the two eigenvalues.",
        {
            "−1.514": found["at 2"],
            "2": 2,
            "0.206": found["at 5"],
            "5": 5,
            "0.010": curvature(8.0),
            "8": 8,
        },
    )


@claim(
    "S3-27",
    verdict="holds under conditions",
    where="mix-arrows",
    paraphrase="Far apart the natural gradient coincides with the ordinary one.",
    correct="In direction. The natural one is 2σ² times as long.",
    truth=lambda sigma: 2 * sigma**2,
    control=lambda sigma: 1.0,
    control_name="equal lengths too",
)
def same_direction(factor) -> Evidence:
    worst = 0.0
    for sigma in (1.0, 0.5):
        model, theta = GaussianMixture(sigma=sigma), sigma * np.array([-7.0, 7.0])
        target = theta + sigma * np.array([0.5, -1.0])
        n, g = model.natural_gradient(theta, target), model.kl_gradient(theta, target)
        worst = max(worst, float(np.abs(n - factor(sigma) * g).max() / np.abs(n).max()))
    return Evidence(
        worst < 1e-3,
        {"worst difference": worst},
        "Both gradients at 14σ.",
        {"2σ²": worst < 1e-3 and bool(np.isclose(factor(0.5), 2 * 0.5**2))},
    )


@claim(
    "S3-28",
    verdict="holds under conditions",
    where="mix-arrows",
    paraphrase="The angle of the arrows is near 0° when separated and can exceed 45° near the "
    "singularity.",
    correct="It can exceed 45° only where κ > 3 + 2√2, below a separation of 0.608σ; and whether "
    "it does depends on the loss.",
    heard="Near the singularity the arrows can differ by more than 45°.",
    fact="Only where κ > 3 + 2√2, below a separation of 0.608σ, and not for every loss: from "
    "(−0.05, 0.05) to (−1, 1) they agree.",
    truth={"κ": 3 + 2 * np.sqrt(2), "separation": 0.6083},
    control={"κ": 2.0, "separation": 1.0},
    control_name="45° from κ = 2 on",
)
def more_than_45_degrees(stated) -> Evidence:
    turns = np.linspace(0, np.pi / 2, 200001)

    def largest(k):
        return float(np.max(np.arctan(k * np.tan(turns[:-1])) - turns[:-1])) - np.pi / 4

    level = brentq(largest, 2, 20)
    found = {"κ": level, "separation": brentq(lambda d: kappa(d) - level, 0.1, 1.5)}
    n, g = (f(at(0.1), TARGET) for f in (HEAPS.natural_gradient, HEAPS.kl_gradient))
    agree = float(n @ g / np.linalg.norm(n) / np.linalg.norm(g))
    return Evidence(
        near(stated, found) and agree > 1 - 1e-9,
        found | {"cosine from (−0.05, 0.05)": agree},
        "The largest turn over all directions, as a function of κ.",
        {
            "45°": float(np.degrees(largest(level) + np.pi / 4)),
            "3 + 2√2": abs(level - (3 + 2 * np.sqrt(2))) < 1e-6,
            "κ > 3 + 2√2": largest(1.01 * level) > 0 > largest(0.99 * level),
            "0.608σ": found["separation"],
            "(−0.05, 0.05)": bool(np.allclose(at(0.1), [-0.05, 0.05])),
            "(−1, 1)": bool(np.allclose(TARGET, [-1, 1])),
        },
    )


@claim(
    "S3-32",
    verdict="empirical",
    where="mix-arrows",
    paraphrase="Particles near the singularity are deflected instead of heading to the nearest "
    "handle.",
    correct="At (0.45, 0.55), with the target at (−1, 1), the natural velocity stands 25° from the "
    "straight line to the target and 81° from the ordinary one.",
    truth={"from the line": 25.459, "from the ordinary": 80.619},
    control={"from the line": 0.0, "from the ordinary": 80.619},
    control_name="no deflection",
)
def deflected(stated) -> Evidence:
    theta = np.array([0.45, 0.55])
    n, g = (-f(theta, TARGET) for f in (HEAPS.natural_gradient, HEAPS.kl_gradient))

    def degrees(v, w):
        return float(np.degrees(np.arccos(v @ w / np.linalg.norm(v) / np.linalg.norm(w))))

    found = {"from the line": degrees(n, TARGET - theta), "from the ordinary": degrees(n, g)}
    return Evidence(
        near(stated, found),
        found,
        "The natural velocity of KL to the target at one point.",
        {
            "(0.45, 0.55)": bool(np.allclose(theta, [0.45, 0.55])),
            "(−1, 1)": bool(np.allclose(TARGET, [-1, 1])),
            "25°": round(found["from the line"]),
            "81°": round(found["from the ordinary"]),
        },
    )


@claim(
    "S3-33",
    verdict="empirical",
    where="mix-slow",
    paraphrase="Natural descent and K-FAC exploit this geometry to converge faster.",
    correct="Here, to a target on the diagonal, unit natural steps take a separation of 2 "
    "to 0.1 in "
    "5 steps, ordinary ones with η = 2 in 201. Of networks this says nothing.",
    truth={"natural": 5.0, "ordinary": 201.0},
    control={"natural": 201.0, "ordinary": 201.0},
    control_name="no gain",
    citation="martens2015",
)
def faster_here(stated) -> Evidence:
    found = {"natural": float(steps("natural")), "ordinary": float(steps("arrive"))}
    return Evidence(
        stated == found,
        found,
        "Steps counted until the separation is 0.1.",
        {"2": 2, "0.1": 0.1, "5": found["natural"], "η = 2": ORDINARY, "201": found["ordinary"]},
    )


@claim(
    "S3-34",
    verdict="holds",
    where="mix-fisher",
    paraphrase="A smaller σ raises the information as 1/σ² and narrows the singular band.",
    correct="It does: F at means σ times as far apart is F/σ², so any band of the separation has a "
    "width proportional to σ.",
    truth=lambda sigma: 1 / sigma**2,
    control=lambda sigma: 1 / sigma,
    control_name="information as 1/σ",
)
def scaling(factor) -> Evidence:
    worst = 0.0
    for sigma in (0.5, 2.0):
        F = GaussianMixture(sigma=sigma).fisher(sigma * at(0.6))
        worst = max(worst, float(np.abs(F / (factor(sigma) * HEAPS.fisher(at(0.6))) - 1).max()))
    return Evidence(
        worst < 1e-9,
        {"worst difference": worst},
        "F at scaled means.",
    )


@claim(
    "S3-35",
    verdict="holds",
    where="mix-fisher",
    paraphrase="Grid density and ellipse scale change the display only.",
    correct="They do: the eigenvalues come from the means and σ.",
    truth={"display only": True},
    control={"display only": False},
    control_name="a scale that changes the eigenvalues",
    exceptions={"no number": "it is a yes or no about what enters a formula"},
)
def display_only(stated) -> Evidence:
    from ngdlib.demos import MixtureManifold

    small, large = MixtureManifold(grid=6, scale=0.5), MixtureManifold(grid=12, scale=2)
    same = small._esm == large._esm and small.still() != large.still()
    return Evidence(
        stated["display only"] is same,
        {"the eigenvalues are the same table": float(same)},
        "Two drawings of one table of eigenvalues.",
    )
