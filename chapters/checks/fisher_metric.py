"""Checks of the chapter "A ruler for distributions".

Each is fed a statement as data, once as the book makes it and once in a false version, and decides
it by numbers computed here: expectations by quadrature, divergences at small steps, curvature.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

import numpy as np
import sympy as sp
from scipy.integrate import quad

from ngdlib import charts, descent
from ngdlib.claims import Evidence, claim
from ngdlib.curvature import gaussian_curvature
from ngdlib.families import Bernoulli, Categorical, Gaussian
from ngdlib.families.divergences import jeffreys, jensen_shannon, l2_squared
from ngdlib.families.quadrature import expectation, support

COIN, LOGIT, BELL = Bernoulli("probability"), Bernoulli("log-odds"), Gaussian("mu, sigma")
DIE, LOGITS = Categorical(3, "probabilities"), Categorical(3, "logits")
REGULAR = [  # a model, a point, a velocity
    (COIN, np.array([0.3]), np.array([1.0])),
    (LOGIT, np.array([0.8]), np.array([1.0])),
    (BELL, np.array([0.5, 1.4]), np.array([0.6, 0.8])),
    (DIE, np.array([0.5, 0.2]), np.array([0.8, -0.6])),
]
REDUNDANT = (LOGITS, np.array([0.4, -0.2, 1.0]), np.ones(3))
STEPS = 10.0 ** -np.array([2.0, 3.0])


def _squared(F, v):
    return np.einsum("...i,...ij,...j", v, F, v)


def _order(values, steps=STEPS):
    """The slope of log |values| against log steps."""
    return float(np.log10(abs(values[0] / values[1])) / np.log10(steps[0] / steps[1]))


def _entropy(model, θ):
    """In nats, from the cross entropy of a member with itself."""
    return float(model.cross_entropy(θ, expectation(model, θ, model.statistics)))


# Scores and the Gram matrix


@claim(
    "S0-02",
    verdict="holds",
    where="the-score-as-tangent",
    paraphrase="The Fisher matrix of a predictive model averages the outer product of the score "
    "over the inputs, and over outputs drawn from the model.",
    correct="With inputs whose distribution does not depend on θ, it is the Fisher matrix of the "
    "pair of input and output.",
    truth={"drawn from": "the model", "chance of a one, over the model's": 1.0},
    control={"drawn from": "the data", "chance of a one, over the model's": 1.0},
    control_name="outputs taken from the data: the empirical Fisher",
)
def predictive_fisher(stated) -> Evidence:
    """Three inputs, a coin with log-odds w·x for each; the pair is a die with six faces."""
    inputs, share = np.array([[1, -1.0], [1, 0.5], [1, 2.0]]), np.array([0.5, 0.3, 0.2])
    w, labels = np.array([0.2, 0.7]), [1, 0, 1]
    F, faces, T = np.zeros((2, 2)), [], []
    for x, weight, label in zip(inputs, share, labels, strict=True):
        z = np.array([x @ w])
        q = LOGIT.change_to(COIN).forward(z).item()
        one = q if stated["drawn from"] == "the model" else float(label)
        one = one * stated["chance of a one, over the model's"]
        for y, chance in ((0, 1 - one), (1, one)):
            s = LOGIT.score(np.array(y), z) * x
            F += weight * chance * np.outer(s, s)
            faces.append(weight * (q if y else 1 - q))
            T.append(weight * (1 if y else -1) * q * (1 - q) * x)
    die = Categorical(6, "probabilities")
    T = np.array(T[:-1])  # of the faces' probabilities by the two weights
    joint = T.T @ die.fisher(np.array(faces[:-1])) @ T
    gap = np.abs(F - joint).max()
    return Evidence(
        gap < 1e-12,
        {"largest difference from the Fisher matrix of the pair": gap},
        "The pair (input, output) as one categorical variable, its metric pulled back to the "
        "weights.",
    )


def _mean_score_of_the_uniform(top):
    """E of the score of the uniform distribution on (0, θ), at θ = top: d/dθ of −log θ."""
    h = 1e-6
    score = -(np.log(top + h) - np.log(top - h)) / (2 * h)
    return quad(lambda x: score / top, 0, top)[0]


@claim(
    "S0-11",
    verdict="holds",
    where="the-score-as-tangent",
    paraphrase="Under regularity conditions the score has mean zero.",
    correct="Where the support does not depend on the parameters and one may differentiate under "
    "the integral, the score has mean zero under its own model.",
    truth={"regular": 0.0, "uniform, times θ": -1.0},
    control={"regular": 0.0, "uniform, times θ": 0.0},
    control_name="mean zero without the conditions too, as for the uniform distribution on (0, θ)",
)
def mean_of_the_score(stated) -> Evidence:
    means = np.concatenate([expectation(m, θ, partial(m.score, theta=θ)) for m, θ, _ in REGULAR])
    uniform = [top * _mean_score_of_the_uniform(top) for top in (1.0, 2.5)]
    misses = (np.abs(means - stated["regular"]), np.abs(uniform - np.array(stated[UNIFORM])))
    return Evidence(
        misses[0].max() < 1e-12 and misses[1].max() < 1e-8,
        {
            "largest mean of a score, four regular models": np.abs(means).max(),
            "mean of the score of the uniform distribution on (0, 2.5), times 2.5": uniform[1],
        },
        "Enumerated for coins and dice, by quadrature for Gaussians.",
    )


UNIFORM = "uniform, times θ"


@claim(
    "S0-12",
    verdict="holds",
    where="the-score-as-tangent",
    paraphrase="The Fisher matrix is the table of inner products of the scores, in the space of "
    "functions of mean zero.",
    correct="F is the Gram matrix of the scores in L² of the model, hence never negative, and "
    "positive definite exactly where the scores are linearly independent.",
    truth={"under": 1.0, "rank with dependent scores": 2},
    control={"under": 0.8, "rank with dependent scores": 2},
    control_name="the inner product under another member, such as the one that made the data",
)
def gram_matrix(stated) -> Evidence:
    """Inner products of scores at θ under the member at a multiple of θ, against F(θ)."""
    worst = 0.0
    for model, θ, _ in [*REGULAR, REDUNDANT]:

        def products(x, model=model, θ=θ):
            s = model.score(x, θ)
            return s[:, :, None] * s[:, None, :]

        gram = expectation(model, stated["under"] * θ, products)
        worst = max(worst, float(np.abs(gram - model.fisher(θ)).max()))
    rank = np.linalg.matrix_rank(REDUNDANT[0].fisher(REDUNDANT[1]), tol=1e-12)
    return Evidence(
        worst < 1e-10 and rank == stated["rank with dependent scores"],
        {"largest difference from F": worst, "rank for three logits, dependent scores": rank},
        "Five models, one of them with linearly dependent scores.",
    )


def _tangent(model, θ, v):
    return lambda x: model.score(x, θ) @ v


@claim(
    "S0-13",
    verdict="holds",
    where="the-score-as-tangent",
    paraphrase="A velocity of the parameters is a random variable, the velocity times the score; "
    "its mean square is the squared Fisher length, and natural descent is steepest in it.",
    correct="vᵀs is the relative rate at which the probability of each outcome changes; its mean "
    "square is vᵀFv, and −F⁻¹∂L lowers the loss fastest per unit of its root.",
    truth=_tangent,
    control=lambda model, θ, v: (
        lambda x: np.exp(model.log_density(x, θ)) * _tangent(model, θ, v)(x)
    ),
    control_name="the change of the density itself, not the relative one",
)
def tangent_variable(tangent) -> Evidence:
    h, error, length, best = 1e-5, 0.0, 0.0, 0.0
    for model, θ, v in REGULAR:
        x, _ = support(model, θ)
        x = x[np.abs(x) < 4]
        ratio = np.exp(model.log_density(x, θ + h * v) - model.log_density(x, θ - h * v))
        error = max(error, np.abs(np.log(ratio) / (2 * h) - tangent(model, θ, v)(x)).max())

        def mean_square(u, model=model, θ=θ):
            rate = tangent(model, θ, u)
            return float(expectation(model, θ, lambda outcome: rate(outcome) ** 2))

        F = model.fisher(θ)
        length = max(length, abs(mean_square(v) - _squared(F, v)))
        g = np.arange(1.0, model.dim + 1)
        natural = descent.natural_direction(F, g)
        others = np.random.default_rng(0).normal(size=(6, model.dim))
        fall = [-g @ u / np.sqrt(mean_square(u)) for u in others]
        best = max(best, max(fall) - (-g @ natural / np.sqrt(mean_square(natural))))
    return Evidence(
        error < 1e-7 and length < 1e-9 and best < 1e-9,
        {"error of the rate": error, "error of the squared length": length},
        "Rates of log-probability by differences; six random directions tried against −F⁻¹∂L.",
    )


@claim(
    "S0-14",
    verdict="holds",
    where="the-score-as-tangent",
    paraphrase="The inner product is taken under the current model, so it describes motion nearby "
    "and says nothing of the loss surface as a whole.",
    correct="F(θ) is computed from the model at θ alone; losses with the same gradient there have "
    "the same natural direction, wherever their minima lie.",
    truth=lambda F, g, minimum, θ: descent.natural_direction(F, g),
    control=lambda F, g, minimum, θ: minimum - θ,
    control_name="a direction that knows where the minimum is",
)
def only_local(direction) -> Evidence:
    """Quadratic losses ½(θ−m)ᵀH(θ−m) with one gradient at θ and minima far apart: the direction
    of the library's step, at two points."""
    H = [np.diag([1.0, 1.0]), np.array([[2.0, 1.5], [1.5, 2.0]]), np.diag([0.2, 3.0])]
    gap, apart, sideways = 0.0, np.inf, np.inf
    for θ, g in ((np.array([0.0, 2.0]), np.ones(2)), (np.array([1.0, 0.7]), np.array([-2.0, 1.0]))):
        minima = [θ - np.linalg.solve(h, g) for h in H]
        taken = []
        for h, m in zip(H, minima, strict=True):
            loss = descent.Objective(
                lambda t, h=h, m=m: 0.5 * np.einsum("...i,ij,...j", t - m, h, t - m),
                lambda t, h=h, m=m: (t - m) @ h,
            )
            _, info = descent.step(descent.init(θ), BELL, loss, length=descent.Fixed(1e-3))
            stated = direction(BELL.fisher(θ), g, m, θ)
            taken.append(info.direction)
            gap = max(gap, float(np.abs(stated - info.direction).max()))
        gap = max(gap, float(np.abs(np.array(taken) - taken[0]).max()))
        apart = min(apart, *(np.linalg.norm(minima[i] - minima[0]) for i in (1, 2)))
        sideways = min(sideways, *(np.linalg.norm(m - θ - taken[0]) for m in minima))
    return Evidence(
        gap < 1e-12 and apart > 0.5 and sideways > 0.5,
        {
            "largest difference between the natural directions of the losses": gap,
            "least distance between their minima": apart,
        },
        "Three losses, equal to first order at a point, and three at another.",
    )


# KL and the metric


def _along(model, θ, v):
    """KL from θ to θ + tv as a function of t, and the squared speed."""
    return (lambda t: float(model.kl(θ, θ + t * v))), float(_squared(model.fisher(θ), v))


def _along_of(case):
    return _along(*case)


@claim(
    "S0-06",
    verdict="holds under conditions",
    where="kl-to-second-order",
    paraphrase="KL from one member to a near one is half the Fisher quadratic form, up to terms "
    "smaller than the square of the step.",
    correct="In a regular model (common support, three derivatives under the integral) KL is "
    "½vᵀFv plus a term of third order; for the uniform distribution on (0, θ) it is linear to "
    "leading order on one side and infinite on the other.",
    heard="KL to a neighbour is half the Fisher quadratic form.",
    fact="Where the outcomes that can happen stay the same. For the uniform distribution on "
    "(0, θ) it is linear one way and infinite the other.",
    truth={"of the square": 0.5, "order of the rest": 3.0, "order for the uniform": 1.0},
    control={"of the square": 0.5, "order of the rest": 3.0, "order for the uniform": 2.0},
    control_name="quadratic without the conditions too, as for the uniform distribution on (0, θ)",
)
def kl_to_second_order(stated) -> Evidence:
    steps = np.array([1e-3, 5e-4])
    orders = [
        _order([kl(t) - 0.5 * speed * t**2 for t in steps], steps)
        for kl, speed in map(_along_of, REGULAR)
    ]
    halves = _halves_of_the_square()
    uniform = _order([_kl_of_the_uniform(t) for t in steps], steps)
    return Evidence(
        max(abs(order - stated["order of the rest"]) for order in orders) < 0.01
        and max(abs(half - stated["of the square"]) for half in halves) < 1e-4
        and abs(uniform - stated["order for the uniform"]) < 2e-3,
        {
            "KL over vᵀFv, smallest of four models": min(halves),
            "order in the step of what is left, smallest of four models": min(orders),
            "order of KL for the uniform distribution": uniform,
        },
        "Steps of 0.001 and 0.0005; KL in closed form, for the uniform distribution by quadrature.",
        {"½vᵀFv": stated["of the square"], "(0, θ)": abs(uniform - 1) < 2e-3},
    )


def _halves_of_the_square():
    """KL over the squared length as the step goes to zero, for each regular model."""
    found = []
    for kl, speed in map(_along_of, REGULAR):
        one, half = (kl(t) / (speed * t**2) for t in (1e-3, 5e-4))
        found.append(2 * half - one)
    return found


def _kl_of_the_uniform(t):
    """KL from the uniform distribution on (0, 1) to that on (0, 1 + t)."""
    return quad(lambda x: np.log(1.0) - np.log(1 / (1 + t)), 0, 1)[0]


@claim(
    "S1-06",
    verdict="holds under conditions",
    where="kl-to-second-order",
    paraphrase="KL to a neighbour is approximately half the Fisher quadratic form.",
    correct="KL ≈ ½ dθᵀF dθ in regular models; with three derivatives under the integral the "
    "relative error is of the order of the step.",
    truth=0.5,
    control=1.0,
    control_name="the ½ left out",
)
def half_the_quadratic_form(c) -> Evidence:
    halves = _halves_of_the_square()
    gaps = [
        max(abs(kl(t) / (0.5 * speed * t**2) - 1) for kl, speed in map(_along_of, REGULAR))
        for t in STEPS
    ]
    uniform = _kl_of_the_uniform(0.001) / (c * 0.001**2)
    return Evidence(
        max(abs(half - c) for half in halves) < 1e-4 and 0.9 < _order(gaps) < 1.1 and uniform > 100,
        {
            "KL over dθᵀF dθ as the step goes to zero": halves[0],
            "relative error of ½dθᵀF dθ at a step of 0.001": gaps[1],
            "order of that error in the step": _order(gaps),
            "KL over its quadratic form, uniform": uniform,
        },
        "Four regular models, and the uniform one, where no constant fits.",
        {"½ dθᵀF dθ": c},
    )


@claim(
    "S0-07",
    verdict="holds under conditions",
    where="the-score-as-tangent",
    paraphrase="F is the metric tensor of infinitesimal KL; a displacement v has squared length "
    "vᵀFv.",
    correct="Where F is positive definite it is a Riemannian metric whose squared length is twice "
    "the KL to second order; where some velocity changes no probability it is only semi-definite.",
    truth={
        "squared length over KL": 2.0,
        "definite": [True, True, True, True, False],
    },
    control={
        "squared length over KL": 2.0,
        "definite": [True, True, True, True, True],
    },
    control_name="a metric without the condition too, as for a die written by three logits",
)
def metric_tensor(stated) -> Evidence:
    least = [
        float(np.linalg.eigvalsh(model.fisher(θ)).min()) for model, θ, _ in [*REGULAR, REDUNDANT]
    ]
    definite = [bool(value > 1e-12) for value in least]
    twice = [1 / half for half in _halves_of_the_square()]
    return Evidence(
        definite == stated["definite"]
        and max(abs(ratio - stated["squared length over KL"]) for ratio in twice) < 1e-3,
        {
            "smallest eigenvalue of F, four regular models": min(least[:-1]),
            "smallest eigenvalue of F, die in three logits": abs(least[-1]),
            "squared length over KL as the step goes to zero": twice[0],
        },
        "A metric needs every eigenvalue positive.",
        {"twice": stated["squared length over KL"]},
    )


@claim(
    "S1-13",
    verdict="holds under conditions",
    where="the-same-ruler-in-every-chart",
    paraphrase="The Fisher matrix plays the role of the metric tensor.",
    correct="It transforms as a metric tensor does, F_φ = T⁻ᵀF T⁻¹, and is one wherever it is "
    "positive definite.",
    truth=charts.transform_metric,
    control=lambda F, T: F,
    control_name="one and the same matrix in every chart",
)
def transforms_as_a_metric(transform) -> Evidence:
    worst, smallest = 0.0, np.inf
    for model, θ, _ in REGULAR:
        for chart in model.charts:
            if chart == "logits":
                continue  # redundant: no change of chart leads there
            change = model.change_to(chart)
            there = model.in_chart(chart).fisher(change.forward(θ))
            gap = transform(model.fisher(θ), change.jacobian(θ)) - there
            worst = max(worst, float(np.abs(gap).max() / np.abs(there).max()))
            smallest = min(smallest, float(np.linalg.eigvalsh(there).min()))
    redundant = float(np.linalg.eigvalsh(REDUNDANT[0].fisher(REDUNDANT[1])).min())
    return Evidence(
        worst < 1e-10 and smallest > 0 and abs(redundant) < 1e-12,
        {"largest relative error": worst, "smallest eigenvalue, three logits": abs(redundant)},
        "Coins, Gaussians and dice in all their charts.",
    )


@claim(
    "S3-08",
    verdict="holds under conditions",
    where="kl-to-second-order",
    paraphrase="The squared Fisher length of a step is precisely the second-order expansion of KL, "
    "says the sentence; the formula under it has the factor ½.",
    correct="In a regular model the formula holds, KL ≈ ½ds²; the sentence must be read with it, "
    "for the squared length is twice the expansion.",
    heard="The squared Fisher length of a step is precisely KL to second order.",
    fact="The sentence drops a factor: KL is ½ds² to second order.",
    truth=2.0,
    control=1.0,
    control_name="the squared length taken for KL itself",
)
def length_and_kl(factor) -> Evidence:
    ratios = {}
    for t in (0.1, 0.01, 0.001, 0.0005):
        kl, speed = _along(BELL, np.array([0.0, 1.0]), np.array([0.0, 1.0]))
        ratios[f"KL over ds² at step {t:g}"] = kl(t) / (speed * t**2)
    *_, one, half = ratios.values()
    limit = 2 * half - one
    uniform = _kl_of_the_uniform(0.001) / 0.001**2
    return Evidence(
        abs(factor * limit - 1) < 1e-4 and uniform > 100,
        ratios | {"KL over ds² at step 0.001, uniform": uniform},
        "N(0, 1) against N(0, 1 + t), and the uniform distribution on (0, 1), where no factor "
        "fits.",
        {"½ds²": 1 / factor, "twice": factor},
    )


@claim(
    "S3-06",
    verdict="holds",
    where="the-score-as-tangent",
    paraphrase="The mean square of the score equals minus the expected second derivative of the "
    "log-density.",
    correct="Both are the Fisher matrix in a regular model, such as a mixture of two Gaussians, "
    "when both expectations are taken under the model itself.",
    truth={"under": "the model", "second derivative over square": -1.0},
    control={"under": "other data", "second derivative over square": -1.0},
    control_name="both expectations taken under data that the model did not make",
)
def two_forms_of_fisher(stated) -> Evidence:
    """½N(μ₁, 1) + ½N(μ₂, 1) at (−1, 1.5), derivatives of log p by differences."""
    x, h, μ = np.linspace(-13, 13, 1041), 1e-4, np.array([-1.0, 1.5])

    def log_p(shift):
        parts = [BELL.log_density(x, np.array([m, 1.0])) for m in μ + shift]
        return np.logaddexp(*parts) - np.log(2)

    e = h * np.eye(2)
    s = [(log_p(d) - log_p(-d)) / (2 * h) for d in e]
    second = [
        [(log_p(a + b) - log_p(a - b) - log_p(b - a) + log_p(-a - b)) / (4 * h**2) for b in e]
        for a in e
    ]
    made_by_model = stated["under"] == "the model"
    log_weight = log_p(0) if made_by_model else BELL.log_density(x, np.array([0.5, 1.5]))
    weight = np.exp(log_weight) * (x[1] - x[0])
    squares = np.array([[np.sum(weight * s[i] * s[j]) for j in (0, 1)] for i in (0, 1)])
    hessian = np.array([[np.sum(weight * second[i][j]) for j in (0, 1)] for i in (0, 1)])
    gap = float(np.abs(hessian - stated["second derivative over square"] * squares).max())
    return Evidence(
        gap < 1e-6,
        {
            "mean square of the first score": squares[0, 0],
            "minus its mean second derivative": -hessian[0, 0],
            "mean product of the two scores": squares[0, 1],
            "minus the mean mixed derivative": -hessian[0, 1],
        },
        "By quadrature over 1,041 points.",
    )


# Divergences and distances


@claim(
    "S1-05",
    verdict="false as stated",
    where="fisher-what-is-missing",
    paraphrase="Measure distance between distributions by the KL divergence.",
    correct="KL is no distance, not even nearby: it is not symmetric, and a small step costs twice "
    "as much as its two halves. It is √(2 KL) that is one to leading order, the Fisher length; "
    "the length of the shortest path is a distance.",
    heard="Measure the distance between distributions by the KL divergence.",
    fact="KL is no distance: it is not symmetric, and a small step costs twice as much as its "
    "two halves. √(2KL) behaves as one nearby.",
    truth={
        "distance": lambda a, b: 2 * abs(np.arcsin(np.sqrt(a)) - np.arcsin(np.sqrt(b))),
        "KL of a small step over that of its halves": 2.0,
    },
    control={
        "distance": lambda a, b: a * np.log(a / b) + (1 - a) * np.log((1 - a) / (1 - b)),
        "KL of a small step over that of its halves": 2.0,
    },
    control_name="KL itself",
)
def a_distance(stated) -> Evidence:
    """What makes a length of shortest paths: symmetric, additive along the line of coins, and
    √(2KL) from near by. No other function of two coins is all three."""
    d, coins = stated["distance"], (0.03, 0.1, 0.5, 0.6, 0.9)

    def kl(a, b):
        return float(COIN.kl(np.array([a]), np.array([b])))

    asymmetry = max(abs(d(a, b) - d(b, a)) for a in coins for b in coins)
    additive = max(
        abs(d(coins[i], coins[k]) - d(coins[i], coins[j]) - d(coins[j], coins[k]))
        for i in range(5)
        for j in range(i, 5)
        for k in range(j, 5)
    )
    near = max(abs(d(a, a + 1e-5) / np.sqrt(2 * kl(a, a + 1e-5)) - 1) for a in coins)
    halves = kl(0.5, 0.5002) / (kl(0.5, 0.5001) + kl(0.5001, 0.5002))
    miss = abs(halves - stated["KL of a small step over that of its halves"])
    return Evidence(
        asymmetry < 1e-12 and additive < 1e-12 and near < 1e-3 and miss < 1e-3,
        {
            "KL from 0.5 to 0.9": kl(0.5, 0.9),
            "KL from 0.9 to 0.5": kl(0.9, 0.5),
            "KL of a step of 0.0002 from 0.5, over that of its two halves": halves,
            "length of the shortest path from 0.1 to 0.9": d(0.1, 0.9),
            "the same by way of 0.5": d(0.1, 0.5) + d(0.5, 0.9),
        },
        "Five coins: symmetry, pieces that add up, and small steps.",
        {
            "twice": stated["KL of a small step over that of its halves"],
            "√(2 KL)": near < 1e-3,
            "√(2KL)": near < 1e-3,
        },
    )


PAIRS = [(0.5, 0.9), (0.1, 0.9), (0.001, 0.6), (1e-6, 1 - 1e-6)]


def _half_jeffreys():
    """The plain average of the two directions over the Jeffreys divergence: ½ for each pair."""
    a, b = np.array(PAIRS).T[:, :, None]
    ratios = (COIN.kl(a, b) + COIN.kl(b, a)) / 2 / jeffreys(COIN, a, b)
    return float(ratios.mean() + np.ptp(ratios))


def _gap_of_entropies(a, b):
    """Entropy of the mixture minus mean entropy: the Jensen–Shannon divergence (Lin 1991)."""
    return _entropy(COIN, (a + b) / 2) - (_entropy(COIN, a) + _entropy(COIN, b)) / 2


@claim(
    "S2-08",
    verdict="false as stated",
    where="symmetrised-divergences",
    paraphrase="The printed integral, half of KL one way plus KL the other way, is the "
    "Jensen–Shannon divergence.",
    correct="That integral is half the Jeffreys divergence, which is unbounded and whose root is "
    "no distance; the Jensen–Shannon divergence compares both with their midpoint and never "
    "exceeds log 2.",
    heard="The average of the two KL divergences is the Jensen–Shannon divergence.",
    fact="It is half the Jeffreys divergence, without bound. Jensen–Shannon compares both with "
    "their midpoint and stays below log 2.",
    truth=partial(jensen_shannon, COIN),
    control=lambda a, b: jeffreys(COIN, a, b) / 2,
    control_name="the printed formula",
)
def is_it_jensen_shannon(divergence) -> Evidence:
    points = [(np.array([a]), np.array([b])) for a, b in PAIRS]
    found = [float(divergence(a, b)) for a, b in points]
    gap = max(abs(d - _gap_of_entropies(a, b)) for d, (a, b) in zip(found, points, strict=True))
    return Evidence(
        gap < 1e-10 and max(found) < np.log(2),
        {"coins 0.5 and 0.9": found[0], "largest value": max(found), "largest error": gap},
        "Against the definition by entropies.",
        {"half the Jeffreys": _half_jeffreys(), "log 2": max(found) < np.log(2)},
    )


@claim(
    "S2-09",
    verdict="holds under conditions",
    where="symmetrised-divergences",
    paraphrase="The Jensen–Shannon divergence is a symmetrised form of KL.",
    correct="It is the mean KL from the two distributions to their midpoint; the plain average of "
    "the two directions is half the Jeffreys divergence.",
    truth=lambda a, b: ((a + b) / 2, (a + b) / 2),
    control=lambda a, b: (b, a),
    control_name="the plain average: each compared with the other",
)
def symmetrised_to_the_midpoint(compared_with) -> Evidence:
    gap, asymmetry = 0.0, 0.0
    for first, second in PAIRS:
        a, b = np.array([first]), np.array([second])

        def mean(a, b):
            to_a, to_b = compared_with(a, b)
            return float(COIN.kl(a, to_a) + COIN.kl(b, to_b)) / 2

        gap = max(gap, abs(mean(a, b) - _gap_of_entropies(a, b)))
        asymmetry = max(asymmetry, abs(mean(a, b) - mean(b, a)))
    return Evidence(
        gap < 1e-10 and asymmetry < 1e-12,
        {"largest error": gap, "largest asymmetry": asymmetry},
        "Four pairs of coins, against the definition by entropies.",
        {"half the Jeffreys": _half_jeffreys()},
    )


@claim(
    "S2-10",
    verdict="holds under conditions",
    where="symmetrised-divergences",
    paraphrase="The line element of the printed divergence pulls back to the Fisher metric.",
    correct="It does up to a constant: the printed formula is ½ dθᵀF dθ to second order, the "
    "Jensen–Shannon divergence ⅛; read as a squared distance, as the text reads its distance of "
    "functions, they give ½F and ⅛F.",
    heard="A symmetrised KL divergence gives back the Fisher metric.",
    fact="Up to a constant: the average of both directions gives ½dθᵀF dθ, the Jensen–Shannon "
    "divergence ⅛dθᵀF dθ.",
    truth={"printed": 1 / 2, "Jensen–Shannon": 1 / 8},
    control={"printed": 1.0, "Jensen–Shannon": 1.0},
    control_name="the very same matrix, no constant",
)
def induced_metrics(constants) -> Evidence:
    divergences = {
        "printed": lambda *args: jeffreys(*args) / 2,
        "Jensen–Shannon": jensen_shannon,
    }
    measured, worst, t = {}, 0.0, 1e-3
    for name, divergence in divergences.items():
        ratios = []
        for model, θ, v in [*REGULAR, (BELL, np.array([0.0, 1.0]), np.array([1.0, 0.0]))]:
            speed = _squared(model.fisher(θ), v)
            one, half = (divergence(model, θ, θ + h * v) / (h**2 * speed) for h in (t, t / 2))
            ratios.append(2 * half - one)
        measured[f"{name}, over the squared Fisher length"] = float(np.mean(ratios))
        worst = max(worst, max(abs(r - constants[name]) / abs(r) for r in ratios))
    return Evidence(
        worst < 1e-4,
        {**measured, "largest relative error of the constant": worst},
        "Five directions in coins, Gaussians and dice, as the step goes to zero.",
        {"½": constants["printed"], "⅛": constants["Jensen–Shannon"]},
    )


@claim(
    "S2-07",
    verdict="false as stated",
    where="l2-between-densities",
    paraphrase="Between two distributions the L² distance is not well defined.",
    correct="Given a reference measure, and densities that are square-integrable, it is defined; "
    "what fails is that the number depends on how the outcomes are recorded, so it does not belong "
    "to the two distributions alone. Between N(0, 1) and N(1, 1) its square is 0.1248 recorded as "
    "x, 0.0624 as 2x and 0.1533 as eˣ, while KL is ½ each time.",
    heard="Between two distributions the L² distance is not well defined.",
    fact="It is defined, and depends on how the outcomes are recorded: written as 2x instead of "
    "x, its square is half as large.",
    truth=lambda slope: lambda x: 1 / slope(x),
    control=lambda slope: lambda x: 1.0 + 0 * x,
    control_name="a number that every way of recording agrees on",
)
def l2_depends_on_the_recording(leftover) -> Evidence:
    """N(0, 1) and N(1, 1), recorded as x, as 2x, as eˣ: predicted from x alone, and computed."""
    x = np.linspace(-14, 15, 2901)
    p, r = (np.exp(BELL.log_density(x, θ)) for θ in L2_PAIR)
    slopes = {"x": lambda x: 1.0 + 0 * x, "2x": lambda x: 2.0 + 0 * x, "exp x": np.exp}
    predicted = {
        k: float(np.sum((p - r) ** 2 * leftover(slope)(x)) * (x[1] - x[0]))
        for k, slope in slopes.items()
    }
    computed, kl = _l2_as_recorded()
    gap = max(abs(predicted[k] - computed[k]) for k in computed)
    return Evidence(
        gap < 1e-7,
        {f"squared L² distance recorded as {k}": value for k, value in computed.items()}
        | {"KL recorded as x": kl[0], "KL recorded as 2x": kl[1], "largest error": gap},
        "Finite each time, and different each time; KL is the same each time.",
        {
            "N(0, 1) and N(1, 1)": bool(np.all(np.array(L2_PAIR) == [[0, 1], [1, 1]])),
            "0.1248": computed["x"],
            "0.0624": computed["2x"],
            "0.1533": computed["exp x"],
            "as 2x": slopes["2x"](0.0),
            "½": float(np.mean(kl) + np.ptp(kl)),
            "half as": computed["2x"] / computed["x"],
        },
    )


L2_PAIR = (np.array([0.0, 1.0]), np.array([1.0, 1.0]))


@cache
def _l2_as_recorded():
    a, b = L2_PAIR
    doubled = np.array([0.0, 2.0]), np.array([2.0, 2.0])

    def lognormal(y):
        p, r = (np.exp(BELL.log_density(np.array(np.log(y)), θ)) / y for θ in (a, b))
        return (p - r) ** 2

    computed = {
        "x": float(l2_squared(BELL, a, b)),
        "2x": float(l2_squared(BELL, *doubled)),
        "exp x": quad(lognormal, 0, 1, limit=200)[0] + quad(lognormal, 1, np.inf, limit=200)[0],
    }
    return computed, (float(BELL.kl(a, b)), float(BELL.kl(*doubled)))


# Curvature, uniqueness


@cache
def _curvatures() -> dict[str, tuple[Callable, float]]:
    """Metric, as a function of two coordinates, and Gaussian curvature of four families."""
    x, y = sp.symbols("x y", positive=True)
    rest = 1 - x - y
    metrics = {
        "Gaussians": sp.diag(1 / y**2, 2 / y**2),
        "dice": sp.Matrix([[1 / x + 1 / rest, 1 / rest], [1 / rest, 1 / y + 1 / rest]]),
        "two coins": sp.diag(1 / (x * (1 - x)), 1 / (y * (1 - y))),
        "two means": sp.eye(2),
    }
    return {
        name: (sp.lambdify((x, y), g), float(gaussian_curvature(g, (x, y))))
        for name, g in metrics.items()
    }


@claim(
    "S3-03",
    verdict="holds under conditions",
    where="is-it-curved",
    paraphrase="Distributions form a curved manifold, on which the natural metric is not the "
    "Euclidean one.",
    correct="Some families are curved: Gaussians have K = −½, three-sided dice ¼. One-parameter "
    "families, Gaussians of known spread and independent coins are flat.",
    heard="Distributions form a curved space.",
    fact="Some families do: Gaussians have K = −½, three-sided dice ¼. All with one parameter, "
    "and two independent coins, are flat.",
    truth={"Gaussians": -0.5, "dice": 0.25, "two coins": 0.0, "two means": 0.0},
    control={"Gaussians": -0.5, "dice": 0.25, "two coins": 0.25, "two means": -0.5},
    control_name="every family of distributions is curved: coins as dice, known spread as unknown",
)
def which_are_curved(curvature) -> Evidence:
    found, at = _curvatures(), (0.3, 0.4)
    models = {"Gaussians": BELL, "dice": DIE}
    error = max(np.abs(found[k][0](*at) - models[k].fisher(np.array(at))).max() for k in models)
    angle = Bernoulli("angle").fisher(np.array([[0.4], [1.7], [2.9]]))
    miss = max(abs(K - curvature[name]) for name, (_, K) in found.items())
    return Evidence(
        miss < 1e-9 and error < 1e-9 and np.allclose(angle, 1),
        {f"curvature K, {name}": K for name, (_, K) in found.items()}
        | {"F of a coin in the angle, the same everywhere": angle[0, 0, 0]},
        "Through the Riemann tensor of each metric.",
        {"K = −½": found["Gaussians"][1], "¼": found["dice"][1]},
    )


def _after_splitting(metric) -> float:
    """The squared length of a velocity after an outcome is split in two, over that before."""
    p, v = np.array([0.5, 0.3, 0.2]), np.array([0.1, 0.0, -0.1])
    split = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 0.4], [0, 0, 0.6]])
    return metric(split @ p, split @ v) / metric(p, v)


def _in_another_chart(metric) -> float:
    """One tensor, its components carried to another chart: the squared length there over here."""
    θ, v = np.array([0.5, 0.3]), np.array([0.1, -0.05])
    full = np.array([[1, 0], [0, 1], [-1, -1.0]])
    p = np.append(θ, 1 - θ.sum())
    units = np.eye(2)
    G = np.array(
        [
            [(metric(p, full @ (a + b)) - metric(p, full @ (a - b))) / 4 for b in units]
            for a in units
        ]
    )
    T = DIE.change_to("reduced logits").jacobian(θ)
    there = charts.transform_metric(G, T)
    return float(_squared(there, charts.push_forward_velocity(v, T)) / metric(p, full @ v))


SPLIT = {"Fisher": 1.0, "Euclidean in p": 0.76, "Euclidean in log p": 54 / 29}
ONE = {"Fisher": 1.0, "Euclidean in p": 1.0, "Euclidean in log p": 1.0}


@claim(
    "S1-94",
    verdict="false as stated",
    where="chentsovs-theorem",
    paraphrase="As a measure of KL, the Fisher metric gives the only geometrically correct "
    "direction of steepest descent.",
    correct="Every metric tensor gives a direction that no chart can change; on finite sample "
    "spaces Fisher's is, up to a constant, the only continuous one that ignores splitting and "
    "relabelling of outcomes.",
    heard="The Fisher metric gives the only geometrically correct direction of descent.",
    fact="Every metric gives a direction that no chart can change. Fisher’s alone ignores how "
    "outcomes are split and named.",
    truth={"in another chart": ONE, "after splitting": SPLIT},
    control={"in another chart": SPLIT, "after splitting": SPLIT},
    control_name="being geometric, the same in every chart, is what singles Fisher's metric out",
)
def what_singles_fisher_out(stated) -> Evidence:
    def fisher(p, v):
        model = Categorical(len(p), "probabilities")
        return float(_squared(model.fisher(p[:-1]), v[:-1]))

    metrics = {
        "Fisher": fisher,
        "Euclidean in p": lambda p, v: float(v @ v),
        "Euclidean in log p": lambda p, v: float(np.sum((v / p) ** 2)),
    }
    after = {name: _after_splitting(metric) for name, metric in metrics.items()}
    there = {name: _in_another_chart(metric) for name, metric in metrics.items()}
    miss = max(
        max(abs(after[name] - stated["after splitting"][name]) for name in metrics),
        max(abs(there[name] - stated["in another chart"][name]) for name in metrics),
    )
    g = np.array([1.0, 1.0])
    F = BELL.fisher(np.array([0.0, 2.0]))
    u, w = (descent.natural_direction(metric, g) for metric in (F, np.eye(2)))
    angle = np.degrees(np.arccos(u @ w / np.linalg.norm(u) / np.linalg.norm(w)))
    return Evidence(
        miss < 1e-9,
        {f"squared length in another chart, over here, {k}": x for k, x in there.items()}
        | {f"squared length after splitting, over before, {k}": x for k, x in after.items()}
        | {"degrees between descent by Fisher and by Wasserstein at σ = 2, in (μ, σ)": angle},
        "A velocity of a three-sided die; one outcome is split in two, 40 to 60.",
    )


@claim(
    "S3-29",
    verdict="holds",
    where="chentsovs-theorem",
    paraphrase="The information-geometric distance suits likelihoods, but is not the correct one "
    "for every learning problem.",
    correct="For half the squared Wasserstein distance between Gaussians, one unit step of the "
    "Wasserstein gradient taken in (μ, σ) arrives exactly; one of the Fisher gradient does not.",
    truth=np.eye(2),
    control=BELL.fisher(np.array([0.0, 2.0])),
    control_name="the Fisher metric, whatever the loss",
)
def another_loss_another_ruler(G) -> Evidence:
    """Squared Wasserstein distances from quantiles, their gradient by differences; is G the ruler
    of small ones, and does one unit step by it arrive?"""
    nodes, weights = np.polynomial.hermite_e.hermegauss(20)
    weights = weights / weights.sum()

    def squared(a, b):  # of Gaussians, from their quantiles μ + σz
        return float(weights @ ((b[0] - a[0]) + (b[1] - a[1]) * nodes) ** 2)

    θ, target, h = np.array([0.0, 2.0]), np.array([1.0, 1.5]), 1e-3
    e = h * np.eye(2)
    half = 0.5
    g = half * np.array([(squared(θ + d, target) - squared(θ - d, target)) / (2 * h) for d in e])
    left = float(np.linalg.norm(θ + descent.natural_direction(G, g) - target))
    small = np.array([[3e-4, 4e-4], [-5e-4, 0.0], [0.0, 5e-4]])
    local = max(abs(squared(θ, θ + v) / (v @ G @ v) - 1) for v in small)
    by_fisher = θ + descent.natural_direction(BELL.fisher(θ), g)
    to_variance = BELL.change_to("mu, sigma^2")
    step = charts.push_forward_velocity(-g, to_variance.jacobian(θ))  # Wasserstein's, there
    elsewhere = to_variance.inverse(to_variance.forward(θ) + step)
    return Evidence(
        left < 1e-9 and local < 1e-9,
        {
            "Wasserstein distance before": np.sqrt(squared(θ, target)),
            "after one unit step of Wasserstein's gradient": left,
            "after one of the Fisher gradient": np.sqrt(squared(by_fisher, target)),
            "after one of Wasserstein's taken in (μ, σ²)": np.sqrt(squared(elsewhere, target)),
        },
        "From N(0, 2), standard deviation 2, towards N(1, 1.5), in the chart (μ, σ).",
        {"half": half},
    )
