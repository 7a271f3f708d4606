"""Checks of the chapter "Damping".

Each is fed a statement as data, once as the book makes it and once in a false version, and decides
it by damped steps that the library takes: in several charts, on matrices with chosen eigenvalues,
on the digits of scikit-learn.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.optimize import minimize_scalar

from ngdlib import charts, fisher
from ngdlib.claims import Evidence, claim
from ngdlib.descent import (
    Improvement,
    Objective,
    ReductionRatio,
    damped_init,
    damped_step,
    data_fit,
    natural_direction,
    pseudo_natural_direction,
)
from ngdlib.families import Bernoulli, Categorical

COIN = Bernoulli("probability")
SPREAD, ONES = np.diag([1.0, 0.1, 0.01]), np.ones(3)


def _tilted(seed, eigenvalues):
    """A matrix with these eigenvalues along random axes, and a random gradient."""
    rng = np.random.default_rng(seed)
    Q = np.linalg.qr(rng.normal(size=(len(eigenvalues),) * 2))[0]
    return Q @ np.diag(eigenvalues) @ Q.T, rng.normal(size=len(eigenvalues))


PAIRS = [_tilted(1, [2.0, 0.5, 0.1]), _tilted(2, [3.0, 1.0]), (SPREAD, ONES)]


def _near(found, stated, tolerance=1e-3):
    found, stated = np.asarray(found, dtype=float), np.asarray(stated, dtype=float)
    if found.shape != stated.shape:
        return False
    return bool(np.all(np.abs(found - stated) <= tolerance * np.maximum(np.abs(found), 1e-9)))


# What it does to covariance


def _coin_velocity(chart, q, mean, λ):
    """dq/dη of the damped natural gradient that is computed in a chart."""
    change, there = COIN.change_to(chart), COIN.in_chart(chart)
    θ = change.forward(np.array([q]))
    g = data_fit(there, np.array([mean])).gradient(θ)
    v = natural_direction(there.fisher(θ), g, λ)
    return float(charts.pull_back_velocity(v, change.jacobian(np.array([q])))[0])


@claim(
    "S0-03",
    verdict="holds under conditions",
    where="damping-one-coin-four-charts",
    paraphrase="The step with (F + λI)⁻¹ is the damped natural-gradient step, the right object for "
    "information geometry.",
    correct="λI is the identity of one chart: with damping even the velocity depends on the chart. "
    "At q = 0.05, with λ = 1 and data ¾, it is 0.668 in probability and 0.0317 in log-odds; "
    "undamped it is 0.7 in both.",
    heard="The damped step (F + λI)⁻¹g is the right object for information geometry.",
    fact="λI is the ruler of a chart. At q = 0.05 with λ = 1 the same coin moves at 0.668 or at "
    "0.0317: in probability, in log-odds.",
    truth={
        "probability": lambda q, m, λ: (m - q) / (1 + λ * q * (1 - q)),
        "log-odds": lambda q, m, λ: (m - q) / (1 + λ / (q * (1 - q))),
        "angle": lambda q, m, λ: (m - q) / (1 + λ),
    },
    control={
        chart: lambda q, m, λ: (m - q) / (1 + λ) for chart in ("probability", "log-odds", "angle")
    },
    control_name="one damped velocity for all charts",
)
def the_damped_velocity_depends_on_the_chart(stated) -> Evidence:
    points = [(0.05, 0.75, 1.0), (0.3, 0.9, 0.1), (0.6, 0.2, 3.0)]
    right = all(
        _near(_coin_velocity(chart, *p), stated[chart](*p), 1e-9)
        for chart in stated
        for p in points
    )
    by_q, by_z = (_coin_velocity(c, *points[0]) for c in ("probability", "log-odds"))
    undamped = _coin_velocity("log-odds", 0.05, 0.75, 0.0)
    return Evidence(
        right,
        {"dq/dη in probability": by_q, "in log-odds": by_z, "undamped": undamped},
        "The same coin, the same λ, three charts, three velocities.",
        {
            "q = 0.05": points[0][0],
            "λ = 1": points[0][2],
            "¾": points[0][1],
            "0.668": by_q,
            "0.0317": by_z,
            "0.7": undamped,
        },
    )


@claim(
    "S0-33",
    verdict="holds",
    where="damping-filter",
    paraphrase="Where F is nearly singular, the undamped inverse makes steps unstable.",
    correct="Along an eigenvector the undamped step is the gradient divided by the eigenvalue: an "
    "eigenvalue ten times smaller makes it 10 times longer. With damping the step tends to g/λ.",
    truth={"growth, undamped": 10.0, "growth, damped": 1.0, "limit": lambda λ: 1 / λ},
    control={"growth, undamped": 10.0, "growth, damped": 10.0, "limit": lambda λ: 1 / λ},
    control_name="a damped step that grows as the undamped one does",
)
def small_eigenvalues(stated) -> Evidence:
    def length(e, λ):
        return float(np.linalg.norm(natural_direction(np.diag([1.0, e]), [0.0, 1.0], λ)))

    undamped = length(1e-7, 0.0) / length(1e-6, 0.0)
    damped = length(1e-7, 0.1) / length(1e-6, 0.1)
    limits = [length(1e-7, λ) for λ in (0.1, 2.0)]
    right = _near([undamped, damped], [stated["growth, undamped"], stated["growth, damped"]])
    right &= _near(limits, [stated["limit"](λ) for λ in (0.1, 2.0)])
    return Evidence(
        right,
        {"growth, undamped": undamped, "growth, damped": damped},
        "The smallest eigenvalue falls from 1e-6 to 1e-7.",
        {"10 times": undamped, "ten times": 1e-6 / 1e-7},
    )


# What it interpolates


@cache
def _out_of_the_plane():
    """The largest angle between damped steps and the plane of both gradients; where it is."""
    plane = np.linalg.qr(np.stack([ONES, natural_direction(SPREAD, ONES)], axis=1))[0]

    def angle(log_λ):
        d = natural_direction(SPREAD, ONES, np.exp(log_λ))
        outside = d - plane @ (plane.T @ d)
        return np.degrees(np.arcsin(np.linalg.norm(outside) / np.linalg.norm(d)))

    found = minimize_scalar(
        lambda x: -angle(x), bounds=(-6, 4), method="bounded", options={"xatol": 1e-10}
    )
    return angle(found.x), np.exp(found.x)


@claim(
    "S0-34",
    verdict="holds under conditions",
    where="damping-interpolation",
    paraphrase="Damping interpolates between the natural and the ordinary gradient.",
    correct="At its ends it does, in direction. In between, a damped step is in general no mixture "
    "of the two: with F = diag(1, 0.1, 0.01) and g = (1, 1, 1) it leaves their plane by up to "
    "15.7°, at λ = 0.236.",
    truth={"degrees out of the plane": 15.70733, "at damping": 0.235961},
    control={"degrees out of the plane": 0.0, "at damping": 0.235961},
    control_name="a mixture of the two gradients, in their plane",
)
def between_the_ends(stated) -> Evidence:
    angle, λ = _out_of_the_plane()
    return Evidence(
        _near([angle, λ], [stated["degrees out of the plane"], stated["at damping"]]),
        {"degrees out of the plane": angle, "at damping": λ},
        "The damped direction against the plane of g and F⁻¹g, at the damping where it is worst.",
        {
            "diag(1, 0.1, 0.01)": bool(np.all(SPREAD == np.diag([1, 0.1, 0.01]))),
            "(1, 1, 1)": bool(np.all(ONES == 1)),
            "15.7": angle,
            "λ = 0.236": λ,
        },
    )


@claim(
    "S1-45",
    verdict="holds under conditions",
    where="damping-interpolation",
    paraphrase="Damping goes from the natural gradient (λ → 0) to the ordinary one (λ → ∞).",
    correct="Where F is positive definite, λ → 0 gives the natural step. As λ → ∞ the direction "
    "becomes the ordinary one and the step vanishes like 1/λ; ordinary descent is left only if η "
    "grows in proportion to λ.",
    heard="Damping interpolates natural descent (λ → 0) and ordinary descent (λ → ∞).",
    fact="Directions at the two ends, yes. The step itself vanishes like 1/λ, and in between it "
    "is no mixture of the two.",
    truth={
        "λ to 0": natural_direction,
        "λ to infinity": lambda F, g: -g,
        "power of λ that keeps its length": 1.0,
    },
    control={
        "λ to 0": natural_direction,
        "λ to infinity": lambda F, g: -g,
        "power of λ that keeps its length": 0.0,
    },
    control_name="ordinary descent with the same η in the limit",
)
def the_two_ends(stated) -> Evidence:
    right, lengths = True, []
    for F, g in PAIRS:
        right &= _near(natural_direction(F, g, 1e-9), stated["λ to 0"](F, g), 1e-5)
        for λ in (1e6, 1e7):
            v = natural_direction(F, g, λ)
            scaled = v * λ ** stated["power of λ that keeps its length"]
            right &= _near(scaled, stated["λ to infinity"](F, g), 1e-4)
            lengths.append(float(np.linalg.norm(v) / np.linalg.norm(g)))
    fall = np.log10(lengths[0] / lengths[1])
    return Evidence(
        right,
        {"length of the step over |g|, λ = 10⁶": lengths[0], "λ = 10⁷": lengths[1]},
        "Both ends on three matrices.",
        {"λ → 0": right, "1/λ": abs(fall - 1) < 1e-3},
    )


@claim(
    "S1-109",
    verdict="holds under conditions",
    where="damping-interpolation",
    paraphrase="As λ → ∞ the update becomes (1/λ)∂L, which is ordinary gradient descent.",
    correct="It becomes ordinary descent with the step size η/λ, which goes to 0: with η held, "
    "it is a way to stand still.",
    heard="A very large λ gives ordinary gradient descent.",
    fact="With the step size η/λ: hold η, raise λ, and it stands still.",
    truth={"step size": lambda η, λ: η / λ},
    control={"step size": lambda η, λ: η},
    control_name="ordinary descent with step size η",
)
def a_very_large_damping(stated) -> Evidence:
    right, lengths = True, {}
    for F, g in PAIRS:
        for η, λ in ((1.0, 1e6), (0.3, 1e5)):
            step = η * natural_direction(F, g, λ)
            right &= _near(step, -stated["step size"](η, λ) * g, 2e-4)
            lengths[λ] = float(np.linalg.norm(step) / np.linalg.norm(g))
    return Evidence(
        right,
        {"step over |g| at η = 1, λ = 10⁶": lengths[1e6], "at η = 0.3, λ = 10⁵": lengths[1e5]},
        "Steps at λ = 10⁵ and 10⁶ on three matrices, and the ordinary ones that they are.",
        {"goes to 0": lengths[1e6] < 1.01e-6},
    )


# What it bounds


@claim(
    "S1-108",
    verdict="holds",
    where="damping-filter",
    paraphrase="The damped inverse has eigenvalues of at most 1/λ, which bounds the step.",
    correct="Where F is positive semidefinite, the largest eigenvalue of (F + λI)⁻¹ is at most "
    "1/λ, and reaches it where F is singular; so |v| ≤ |g|/λ.",
    truth={"largest": lambda λ: 1 / λ},
    control={"largest": lambda λ: 1 / (1 + λ)},
    control_name="a bound that takes every eigenvalue of F for 1 or more",
)
def bound_on_the_inverse(stated) -> Evidence:
    right, worst = True, 0.0
    die = Categorical(3, "logits").fisher([0.3, -1.0, 2.0])
    null = np.ones(3) / np.sqrt(3)
    for λ in (1e-3, 0.1, 2.0):
        reached = float(np.linalg.norm(natural_direction(die, null, λ)))
        right &= _near(reached, stated["largest"](λ), 1e-6)
        for F, g in PAIRS:
            ratio = np.linalg.norm(natural_direction(F, g, λ)) / np.linalg.norm(g)
            right &= bool(ratio <= stated["largest"](λ))
            worst = max(worst, float(ratio * λ))
    return Evidence(
        right,
        {"largest |v| λ/|g| on three regular matrices": worst, "on a singular one": reached * λ},
        "Attained along the free direction of three logits; never exceeded on regular matrices.",
        {"1/λ": right},
    )


@claim(
    "S1-46",
    verdict="holds under conditions",
    where="damping-radius",
    paraphrase="λ says how far the quadratic approximation of KL is trusted.",
    correct="λ is the multiplier of a ball |v| ≤ r in the coordinates at hand. On the quadratic KL "
    "it puts a cap of |g|²/(8λ), reached at the eigenvalue λ; at a tenth of that eigenvalue the "
    "same λ allows 33.1 % of it.",
    heard="λ says how far you trust the quadratic model of KL.",
    fact="It limits |v| in the coordinates, and the KL only by the cap |g|²/(8λ), which is met at "
    "the eigenvalue λ alone.",
    truth={
        "cap": lambda g2, λ: g2 / (8 * λ),
        "at eigenvalue, over λ": 1.0,
        "share at a tenth": 0.330579,
    },
    control={
        "cap": lambda g2, λ: g2 / (8 * λ),
        "at eigenvalue, over λ": 1.0,
        "share at a tenth": 1.0,
    },
    control_name="a λ that fixes the KL divergence, whatever the matrix",
)
def cap_on_the_divergence(stated) -> Evidence:
    def kl(e, g, λ):
        v = natural_direction(np.array([[e]]), np.array([g]), λ)[0]
        return float(e * v * v / 2)

    right, shares = True, []
    for g, λ in ((1.0, 0.1), (2.0, 3.0)):
        found = minimize_scalar(
            lambda x, g=g, λ=λ: -kl(np.exp(x), g, λ),
            bounds=(np.log(λ) - 5, np.log(λ) + 4),
            method="bounded",
            options={"xatol": 1e-9},
        )
        right &= _near(-found.fun, stated["cap"](g * g, λ), 1e-6)
        right &= _near(np.exp(found.x) / λ, stated["at eigenvalue, over λ"], 1e-4)
        shares.append(kl(λ / 10, g, λ) / -found.fun)
        right &= _near(shares[-1], stated["share at a tenth"])
    # in three dimensions the cap holds for any matrix
    for F, g in PAIRS:
        for λ in (0.01, 0.1, 1.0):
            v = natural_direction(F, g, λ)
            right &= bool(v @ F @ v / 2 <= stated["cap"](g @ g, λ) * (1 + 1e-9))
    return Evidence(
        right,
        {"share of the cap at a tenth of λ": shares[0]},
        "The largest quadratic KL over all eigenvalues, found by search.",
        {"|g|²/(8λ)": right, "a tenth": _near(shares, [40 / 121] * 2), "33.1 %": 100 * shares[0]},
    )


# Adapting it


def _coin_trial(z, λ):
    half = data_fit(Bernoulli("log-odds"), np.array([0.5]))
    _, info = damped_step(damped_init([z], λ), half, Bernoulli("log-odds").fisher, ReductionRatio())
    return float(info.trial[0]), float(info.gain), float(info.ratio)


def valley(θ):
    """Residuals of Rosenbrock's function, (..., 2), and their Jacobian."""
    a, b = θ[..., 0], θ[..., 1]
    J = np.zeros((*θ.shape, 2))
    J[..., 0, 0], J[..., 0, 1], J[..., 1, 0] = -20 * a, 10, -1
    return np.stack([10 * (b - a * a), 1 - a], axis=-1), J


@cache
def evaluations(rule, starts=400):
    """Trials that a rule needs on Rosenbrock's function to a loss of 1e-10, from random starts."""
    squares = Objective(
        lambda θ: np.sum(valley(θ)[0] ** 2, axis=-1) / 2,
        lambda θ: np.einsum("...ij,...i->...j", valley(θ)[1], valley(θ)[0]),
    )
    metric = lambda θ: np.einsum("...ki,...kj->...ij", valley(θ)[1], valley(θ)[1])  # noqa: E731
    state = damped_init(np.random.default_rng(0).uniform(-2, 2, (starts, 2)), 1.0)
    count = np.zeros(starts)
    for _ in range(80):
        running = squares.value(state.theta) > 1e-10
        if not running.any():
            break
        count += running
        state, _ = damped_step(state, squares, metric, rule)
    return count


@claim(
    "S1-47",
    verdict="holds under conditions",
    where="damping-adaptive",
    paraphrase="Levenberg-Marquardt: decrease λ if the step improves the loss, else increase it.",
    correct="A loss can fall by accident. From z = 3, with λ = 0.04 and half heads, it falls, but "
    "by 0.168 of what the model promised; a tenth of λ then fails, and ten times λ gets 0.976 of "
    "its promise. The usual rule looks at that ratio. Neither rule wins everywhere: on a curved "
    "valley the simple one needed fewer trials, 7 against 12.5 in the median.",
    heard="Levenberg-Marquardt: decrease λ if the loss fell, increase it if not.",
    fact="Simple and often good. The usual rule asks more: did it fall as the model promised? From "
    "z = 3 a fall of 0.168 of the promise is a warning.",
    truth={"ratio": 0.168407, "with a tenth of λ": -0.058872, "with ten times λ": 0.975650,
           "median, simple": 7.0, "median, ratio": 12.5},
    control={"ratio": 1.0, "with a tenth of λ": 1.0, "with ten times λ": 1.0,
             "median, simple": 7.0, "median, ratio": 12.5},
    control_name="a loss that fell is a model that was right",
)  # fmt: skip
def improvement_is_not_trust(stated) -> Evidence:
    lands, gain, ratio = _coin_trial(3.0, 0.04)
    smaller, larger = _coin_trial(lands, 0.004)[2], _coin_trial(lands, 0.4)[2]
    medians = [float(np.median(evaluations(r))) for r in (Improvement(10), ReductionRatio(10))]
    right = gain > 0 and _near(
        [ratio, smaller, larger, *medians],
        [
            stated[key]
            for key in (
                "ratio",
                "with a tenth of λ",
                "with ten times λ",
                "median, simple",
                "median, ratio",
            )
        ],
    )
    return Evidence(
        right,
        {"ratio": ratio, "then with λ/10": smaller, "then with 10 λ": larger}
        | {"median of the simple rule": medians[0], "of the ratio": medians[1]},
        "One trial of a coin, and 400 starts on Rosenbrock's function, both rules with factor 10.",
        {
            "z = 3": 3.0,
            "λ = 0.04": 0.04,
            "half": 0.5,
            "0.168": ratio,
            "a tenth": smaller < 0,
            "ten times": 0.4 / 0.04,
            "0.976": larger,
            "7 against": medians[0],
            "12.5": medians[1],
        },
    )


# Practice


@cache
def digits_task():
    """Softmax regression on scikit-learn's digits, their 8 × 8 pixels averaged to 4 × 4."""
    from sklearn.datasets import load_digits

    pixels, y = load_digits(return_X_y=True)
    coarse = pixels.reshape(-1, 4, 2, 4, 2).mean(axis=(2, 4)).reshape(-1, 16) / 16
    x = np.concatenate([np.ones((len(y), 1)), coarse], axis=1)
    return fisher.regression("softmax", x, 10), y


@cache
def digits_first_step():
    """The loss after one unit step from zero: by the pseudoinverse, and by damping; the rank."""
    task, y = digits_task()
    zero = np.zeros(task.size)
    F, g = fisher.fisher(task, zero), fisher.gradient(task, zero, y)
    exact, rank = pseudo_natural_direction(F, g)
    losses = {0.0: float(fisher.loss(task, exact, y))}
    for λ in (1e-4, 1e-2, 1.0):
        losses[λ] = float(fisher.loss(task, natural_direction(F, g, λ), y))
    try:
        natural_direction(F, g)
        refused = False
    except ValueError:
        refused = True
    return losses, int(rank), refused


@claim(
    "S1-96",
    verdict="empirical",
    where="damping-digits",
    paraphrase="Damping is essential in practice.",
    correct="Measured on softmax regression of 1,797 digits: F is singular (rank 153 of 170), so "
    "something is needed, but not damping. After one unit step the pseudoinverse has the loss "
    "0.535, λ = 0.0001 has 0.547 and λ = 1 has 2.278, of 2.303 at the start. For networks, where "
    "the model of the loss is worse, damping is the advice of Martens (2020).",
    truth={"pseudoinverse": 0.534778, "λ = 0.0001": 0.546595, "λ = 1": 2.278110, "rank": 153},
    control={"pseudoinverse": 2.302585, "λ = 0.0001": 0.546595, "λ = 1": 2.278110, "rank": 153},
    control_name="a fit that is lost without damping",
)
def on_digits(stated) -> Evidence:
    losses, rank, refused = digits_first_step()
    found = [losses[0.0], losses[1e-4], losses[1.0], rank]
    right = refused and _near(
        found, [stated[k] for k in ("pseudoinverse", "λ = 0.0001", "λ = 1", "rank")]
    )
    task, y = digits_task()
    start = float(fisher.loss(task, np.zeros(task.size), y))
    return Evidence(
        right,
        {"loss, pseudoinverse": losses[0.0], "λ = 0.0001": losses[1e-4], "λ = 1": losses[1.0]}
        | {"rank": rank},
        "One unit step from zero on all digits, 16 pixels and a constant, ten classes.",
        {
            "1,797": len(y),
            "rank 153 of 170": rank == 153 and task.size == 170,
            "0.535": losses[0.0],
            "λ = 0.0001": 1e-4,
            "0.547": losses[1e-4],
            "λ = 1": 1.0,
            "2.278": losses[1.0],
            "2.303": start,
            "(2020)": 2020,
        },
    )


@claim(
    "S1-107",
    verdict="holds under conditions",
    where="damping-filter",
    paraphrase="Why damp? Not to make the Fisher matrix positive definite, but to keep steps from "
    "being too large.",
    correct="Both answers are true of something: F stays as it is, with a smallest eigenvalue of "
    "0 where it is singular; F + λI, which is what one inverts, is positive definite with the "
    "smallest eigenvalue λ, and that is what keeps steps short.",
    heard="Damping is there to shorten steps, not to make the matrix positive definite.",
    fact="It does the one by the other: F stays singular, F + λI has no eigenvalue below λ, and "
    "that is what is inverted.",
    truth={"F": 0.0, "F + λI, over λ": 1.0, "F + λI can be inverted": True},
    control={"F": 0.0, "F + λI, over λ": 0.0, "F + λI can be inverted": False},
    control_name="damping that leaves the matrix as singular as it was",
)
def what_is_positive_definite(stated) -> Evidence:
    F = Categorical(3, "logits").fisher([0.3, -1.0, 2.0])
    smallest = float(np.linalg.eigvalsh(F)[0])
    right, found = abs(smallest - stated["F"]) < 1e-12, []
    for λ in (1e-3, 0.5):
        found.append(float(np.linalg.eigvalsh(F + λ * np.eye(3))[0]))
        right &= _near(found[-1] / λ, stated["F + λI, over λ"], 1e-9)
    try:
        natural_direction(F, np.ones(3), 1e-3)
        inverted = True
    except ValueError:
        inverted = False
    right &= inverted == stated["F + λI can be inverted"]
    return Evidence(
        right,
        {
            "smallest eigenvalue of F": smallest,
            "of F + 0.001 I": found[0],
            "of F + 0.5 I": found[1],
        },
        "Three logits for three classes.",
        {"of 0": 0.0 if abs(smallest) < 1e-12 else smallest},
    )


@claim(
    "S1-110",
    verdict="holds under conditions",
    where="damping-pitfalls",
    paraphrase="Start with λ ≈ 1 and adapt.",
    correct="λ has the unit of F. For a logistic model with inputs ±c, at weights of 0, the share "
    "of the natural step that λ = 1 leaves is c²/(c² + 4): 0.000025 at c = 0.01, 0.2 at c = 1, "
    "0.9996 at c = 100.",
    heard="Start with λ ≈ 1.",
    fact="λ has the unit of F. For inputs of ±0.01 a λ of 1 leaves 0.000025 of a logistic "
    "model's natural step, for ±100 it leaves 0.9996.",
    truth={"share": lambda c: c * c / (c * c + 4)},
    control={"share": lambda c: 0.2 + 0 * c},
    control_name="the same effect whatever the unit of the inputs",
)
def one_has_no_meaning_without_a_unit(stated) -> Evidence:
    design = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    y, shares = np.array([1, 1, 0, 1]), {}
    for c in (0.01, 1.0, 3.0, 100.0):
        task = fisher.regression("bernoulli", c * design)
        F, g = fisher.fisher(task, np.zeros(2)), fisher.gradient(task, np.zeros(2), y)
        damped, natural = natural_direction(F, g, 1.0), natural_direction(F, g)
        shares[c] = float(damped @ natural / (natural @ natural))
    return Evidence(
        all(_near(share, stated["share"](c), 1e-6) for c, share in shares.items()),
        {f"share at c = {c:g}": share for c, share in shares.items()},
        "Four inputs (±c, ±c), a logistic model at zero, λ = 1.",
        {
            "λ = 1": 1.0,
            "λ of 1": 1.0,
            "c²/(c² + 4)": all(_near(s, c * c / (c * c + 4), 1e-6) for c, s in shares.items()),
            "of 0,": 0.0,
            "0.000025": shares[0.01],
            "c = 0.01": 0.01,
            "±0.01": 0.01,
            "0.2": shares[1.0],
            "c = 1,": 1.0,
            "0.9996": shares[100.0],
            "c = 100": 100.0,
            "±100": 100.0,
        },
    )
