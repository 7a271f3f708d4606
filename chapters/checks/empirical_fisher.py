"""Checks of the chapter "The empirical Fisher".

Each is fed a statement as data, once as the book makes it and once in a false version, and decides
it with the matrices of `ngdlib.fisher`, beside sums over labels or differences of log-likelihoods.
"""

from __future__ import annotations

from functools import cache
from math import comb

import numpy as np
from scipy.integrate import quad
from scipy.stats import chi2
from sklearn.datasets import load_digits

from ngdlib.claims import Evidence, claim
from ngdlib.descent import natural_direction
from ngdlib.fisher import example_gradients, fisher, gradient, loss, regression


def _one_bias(labels):
    """A coin in log-odds, one label a row, and the labels as an array."""
    return regression("bernoulli", np.ones((len(labels), 1))), np.asarray(labels, dtype=float)


def _log_odds(q):
    return np.array([np.log(q / (1 - q))])


def _at_rate(rate, n=1000):
    """n labels, a whole number of which are one."""
    return (np.arange(n) < round(rate * n)).astype(float)


def _ratio(q, rate):
    """Empirical over exact Fisher of a coin q when labels come at a rate."""
    task, y = _one_bias(_at_rate(rate))
    z = _log_odds(q)
    return (fisher(task, z, y, fisher_type="empirical") / fisher(task, z)).item()


def _coin_ratio(q, r):
    return (r * (1 - r) + (q - r) ** 2) / (q * (1 - q))


@claim(
    "S0-31",
    verdict="holds",
    where="ef-story",
    paraphrase="For a Bernoulli model with logit f the empirical Fisher matrix is the mean of "
    "(y − q)² ∇f ∇fᵀ at the observed labels.",
    correct="It is the mean of (y − q)² ∇f ∇fᵀ; the exact one has q(1 − q) for the weight.",
    truth=lambda y, q: (y - q) ** 2,
    control=lambda y, q: q * (1 - q),
    control_name="the model's own weight in place of the squared residual",
)
def weight_of_an_example(weight) -> Evidence:
    """Scores by differences of the log-likelihood of f = a sin x + b² x."""
    x, y = np.array([-1.0, 0.4, 2.0]), np.array([0.0, 1.0, 0.0])
    θ, h = np.array([0.7, -0.6]), 1e-5

    def logit(θ):
        return θ[0] * np.sin(x) + θ[1] ** 2 * x

    def slope(f):
        return np.array([(f(θ + h * e) - f(θ - h * e)) / (2 * h) for e in np.eye(2)]).T

    scores = slope(lambda t: y * logit(t) - np.logaddexp(0, logit(t)))
    found = scores.T @ scores / 3
    q, J = 1 / (1 + np.exp(-logit(θ))), slope(logit)
    w = np.array([weight(a, b) for a, b in zip(y, q, strict=True)])
    error = np.abs(found - (J.T * w) @ J / 3).max() / np.abs(found).max()
    return Evidence(
        error < 1e-7,
        {"largest entry": np.abs(found).max(), "relative difference": error},
        "Outer products of numerical scores have the squared residual for their weight.",
        {"q(1 − q)": np.allclose(_ratio(0.3, 0.3), 1)},
    )


@claim(
    "S0-32",
    verdict="holds",
    where="ef-fits",
    paraphrase="The model's and the empirical Fisher matrix can differ away from an optimum at "
    "which the model is well specified.",
    correct="They can, by any factor; they can also differ at the optimum, where the model is "
    "wrong (30 labels, slope: ratio 11/8), and agree far from it, at q = ½ for every label.",
    heard="The two matrices differ away from a well-specified optimum.",
    fact="Also at the optimum of a model that is wrong, there by 11/8; and with all logits 0 of a "
    "logistic regression they agree, however bad the fit.",
    truth={"at the best fit": 11 / 8, "at logits 0": 1.0, "coin": _coin_ratio},
    control={"at the best fit": 1.0, "at logits 0": 1.0, "coin": _coin_ratio},
    control_name="at the optimum the two agree",
)
def where_they_differ(stated) -> Evidence:
    """x = −1, 0, 1 with 3, 0 and 3 ones of ten: the best logistic line is flat, at 0.2."""
    x = np.repeat([-1.0, 0.0, 1.0], 10)
    y = np.concatenate([_at_rate(r, 10) for r in (0.3, 0.0, 0.3)])
    task = regression("bernoulli", np.c_[np.ones(30), x])
    best = np.array([_log_odds(0.2)[0], 0.0])
    at_best = np.abs(gradient(task, best, y)).max()
    E, F = (fisher(task, best, y, fisher_type="empirical"), fisher(task, best))
    slope = E[1, 1] / F[1, 1]
    zero = np.zeros(2)
    E0, F0 = fisher(task, zero, y, fisher_type="empirical"), fisher(task, zero)
    ratio0 = np.trace(E0) / np.trace(F0)
    places = ((0.1, 0.9), (0.3, 0.7), (0.8, 0.2), (0.7, 0.5))
    off = max(abs(stated["coin"](q, r) / _ratio(q, r) - 1) for q, r in places)
    return Evidence(
        at_best < 1e-12
        and abs(slope - stated["at the best fit"]) < 1e-9
        and abs(ratio0 - stated["at logits 0"]) < 1e-9
        and off < 1e-9,
        {
            "gradient at the best fit": at_best,
            "ratio for the slope there": slope,
            "ratio at logits 0": ratio0,
        },
        "A wrong model has other residuals at its optimum than it says.",
        {"30": len(y), "11/8": slope, "½": 1 / (1 + np.exp(0.0)), "0": np.abs(zero).max()},
    )


@claim(
    "S1-42",
    verdict="holds",
    where="ef-story",
    paraphrase="The empirical Fisher is the average over the batch of the outer products of the "
    "scores.",
    correct="It is the average of outer products, one for each example, at the observed labels. "
    "Some code and papers call by the same name the estimate with sampled labels, or the outer "
    "product of the averaged score; these are other matrices.",
    truth=lambda scores: scores.T @ scores / len(scores),
    control=lambda scores: np.outer(scores.mean(axis=0), scores.mean(axis=0)),
    control_name="the outer product of the average",
)
def average_of_outer_products(average) -> Evidence:
    """Against the scores that differences of each example's own loss give."""
    rng = np.random.default_rng(3)
    worst = 0.0
    for n in (5, 8):
        x, y = rng.standard_normal((n, 2)), (rng.random(n) < 0.5).astype(float)
        task, θ, h = regression("bernoulli", x), np.array([0.4, -1.1]), 1e-5
        scores = np.array(
            [
                [
                    (loss(one, θ - h * e, y[i : i + 1]) - loss(one, θ + h * e, y[i : i + 1]))
                    / (2 * h)
                    for e in np.eye(2)
                ]
                for i in range(n)
                for one in [regression("bernoulli", x[i : i + 1])]
            ]
        )
        found = fisher(task, θ, y, fisher_type="empirical")
        worst = max(worst, np.abs(average(scores) - found).max() / np.abs(found).max())
    return Evidence(
        worst < 1e-6,
        {"relative difference": worst},
        "The library's matrix is the mean of the outer products of numerical scores.",
        {},
    )


@claim(
    "S1-43",
    verdict="holds",
    where="ef-two-readings",
    paraphrase="With the labels of the data the empirical Fisher is not the Fisher matrix, and can "
    "mislead.",
    correct="Two readings 19.9 and 20.1, unit noise: from 120 the unit step is 0.01 instead of "
    "100, from 20.1 it is 5 instead of 0.1. With spread s and distance d it is d/(s² + d²).",
    heard="The empirical Fisher can give misleading curvature.",
    fact="It can, both ways: for two readings 0.2 apart the step is ten thousand times too short "
    "from 100 degrees away, and 50 times too long from 0.1 away.",
    truth=lambda s, d: d / (s**2 + d**2),
    control=lambda s, d: d,
    control_name="the step of the Fisher matrix itself",
)
def step_of_two_readings(step) -> Evidence:
    """Least squares on two readings, by the library."""

    def found(s, d):
        task, y = regression("gaussian", np.ones((2, 1))), np.array([20 - s, 20 + s])
        E = fisher(task, [20 + d], y, fisher_type="empirical")
        return -natural_direction(E, gradient(task, [20 + d], y)).item()

    places = ((0.1, 100.0), (0.1, 0.1), (1.0, 3.0), (0.6, 0.2))
    worst = max(abs(step(s, d) / found(s, d) - 1) for s, d in places)
    far, near = found(0.1, 100.0), found(0.1, 0.1)
    return Evidence(
        worst < 1e-9,
        {"step from 120": far, "step from 20.1": near},
        "The step is long where the residuals are small, and short where they are large.",
        {
            "19.9": 20 - 0.1,
            "20.1": 20.1,
            "120": 120,
            "0.01": far,
            "100": 100,
            "5": near,
            "0.1": 0.1,
            "0.2": 0.2,
            "50": near / 0.1,
        },
    )


@cache
def _inverse_of_sampled(q, n):
    """Mean of F̂/F and of F/F̂ over all samples of n labels of a coin, by enumeration."""
    F, means = q * (1 - q), np.zeros(2)
    for k in range(n + 1):
        task, y = _one_bias(np.arange(n) < k)
        found = fisher(task, _log_odds(q), y, fisher_type="empirical").item()
        means += comb(n, k) * q**k * (1 - q) ** (n - k) * np.array([found / F, F / found])
    return means


@cache
def _mean_inverse(n):
    """The mean of 1/F̂ for n readings, F = 1: n F̂ is chi-square distributed."""
    return quad(lambda c: n / c * chi2.pdf(c, n), 0, np.inf)[0]


@claim(
    "S1-44",
    verdict="holds under conditions",
    where="ef-sampled",
    paraphrase="To get the Fisher matrix right, sample the labels from the model.",
    correct="The estimate is right on average. Its inverse, which the step uses, is too large on "
    "average: for n thermometer readings by the factor n/(n − 2), for 20 tosses of a coin at "
    "q = 0.1 by 2.06.",
    heard="Sample the labels from the model, and the Fisher matrix is right.",
    fact="On average it is; its inverse is too large. From 20 sampled tosses at q = 0.1 the mean "
    "step is 2.06 times as long.",
    truth={"mean": 1.0, "inverse": 2.06242, "readings": lambda n: n / (n - 2)},
    control={"mean": 1.0, "inverse": 1.0, "readings": lambda n: 1.0},
    control_name="an inverse that is right on average",
)
def inverse_of_a_sampled_matrix(stated) -> Evidence:
    """All samples of 20 tosses; an integral over the chi-square density for readings."""
    mean, inverse = _inverse_of_sampled(0.1, 20)
    off = max(abs(_mean_inverse(n) / stated["readings"](n) - 1) for n in (5, 20))
    return Evidence(
        abs(mean - stated["mean"]) < 1e-9
        and abs(inverse - stated["inverse"]) < 1e-3
        and off < 1e-6,
        {"mean of the estimate over F": mean, "mean of its inverse times F": inverse},
        "A sample without a single head makes the estimate nine times too small.",
        {"20": 20, "0.1": 0.1, "2.06": inverse, "n/(n − 2)": off < 1e-6},
    )


@claim(
    "S1-89",
    verdict="holds",
    where="ef-large-numbers",
    paraphrase="For a classifier the Fisher matrix needs labels drawn from the model, not the "
    "labels of the data.",
    correct="Labels must come at the rate σ(z) that the model gives to the input; at any other "
    "rate, but for z = 0, the mean square is another one. The inputs stay those of the data, and "
    "where the labels can be summed over, as here, none need be drawn.",
    heard="The true Fisher needs labels sampled from the model, x ∼ p(x | θ).",
    fact="The labels, yes; the inputs stay those of the data. And a sum over the labels needs no "
    "sampling.",
    truth=lambda z: 1 / (1 + np.exp(-z)),
    control=lambda z: 0.9 + 0 * z,
    control_name="labels at the rate 0.9 of the data, whatever the model says",
)
def rate_of_the_labels(rate) -> Evidence:
    """The rate at which the mean square of the score is the Fisher information: linear in it."""
    task, _ = _one_bias([0.0])
    worst = 0.0
    for z in (-2.0, -0.7, 0.5, 3.0):
        F = fisher(task, [z]).item()
        tails, heads = (fisher(task, [z], [y], fisher_type="empirical").item() for y in (0.0, 1.0))
        worst = max(worst, abs((F - tails) / (heads - tails) - rate(z)))
    even = _ratio(0.5, 0.9)
    return Evidence(
        worst < 1e-4 and abs(even - 1) < 1e-12,
        {"largest difference of rates": worst, "ratio at z = 0, rate 0.9": even},
        "Only one rate gives the Fisher information, that of the model.",
        {"z = 0": abs(even - 1) < 1e-12},
    )


@claim(
    "S1-90",
    verdict="holds under conditions",
    where="ef-fits",
    paraphrase="The empirical Fisher is a valid estimate only when the model is already perfectly "
    "fit.",
    correct="So it is if 'fit' means that labels fall as the model predicts. If it means that the "
    "training labels are predicted with certainty, the two part: at q on heads only, their ratio "
    "is (1 − q)/q, 1/999 at q = 0.999.",
    heard="The empirical Fisher is valid when the model is perfectly fit.",
    fact="If labels fall as the model predicts. If every label is predicted at q = 0.999, it is "
    "999 times too small.",
    truth={"calibrated": 1.0, "interpolating": lambda q: (1 - q) / q},
    control={"calibrated": 1.0, "interpolating": lambda q: 1.0 + 0 * q},
    control_name="the two agree where every training label is predicted",
)
def two_meanings_of_fit(stated) -> Evidence:
    """Labels at the model's rate, and heads only."""
    calibrated = _ratio(0.3, 0.3)
    heads = {q: _ratio(q, 1.0) for q in (0.8, 0.9, 0.999)}
    off = max(abs(stated["interpolating"](q) / ratio - 1) for q, ratio in heads.items())
    return Evidence(
        abs(calibrated - stated["calibrated"]) < 1e-9 and off < 1e-9,
        {"ratio at the model's rate": calibrated, "on heads at 0.999": heads[0.999]},
        "The residuals of a model that interpolates are smaller than it expects them to be.",
        {"(1 − q)/q": off < 1e-9, "1/999": heads[0.999], "0.999": 0.999, "999": 1 / heads[0.999]},
    )


@cache
def _digits(kind, η):
    """Losses after five steps from zero on every third of the digits, 4 × 4; damping 0.001."""
    pictures, y = load_digits(return_X_y=True)
    pictures = pictures.reshape(-1, 4, 2, 4, 2).mean(axis=(2, 4)).reshape(-1, 16)[::3] / 16
    y = y[::3]
    task = regression("softmax", np.c_[np.ones(len(y)), pictures], 10)
    θ, losses = np.zeros(task.size), []
    for _ in range(5):
        F = fisher(task, θ, y if kind == "empirical" else None, fisher_type=kind)
        θ = θ + η * natural_direction(F, gradient(task, θ, y), damping=1e-3)
        losses.append(loss(task, θ, y).item())
    return losses


@claim(
    "S1-91",
    verdict="empirical",
    where="ef-digits",
    paraphrase="Many implementations use the labels of the data all the same; it works, for the "
    "bias is often benign.",
    correct="Measured on the digits: at η = 1 the exact matrix is ahead for five steps (loss 0.286 "
    "against 0.316); at η = 2 it runs away, and the empirical one, whose steps are shorter, has "
    "0.317 after three. On labels that are all predicted at q = 0.999 it is 999 times too long.",
    heard="The labels of the data do as well, for the bias is often benign.",
    fact="It often brakes, and then saves a step size that was too bold: on the digits at η = 2. "
    "On labels that are all predicted at q = 0.999 its step is 999 times too long.",
    truth={"exact": 0.2856, "empirical": 0.3164, "bold": 0.3166, "heads": lambda q: q / (1 - q)},
    control={"exact": 0.2856, "empirical": 0.2856, "bold": 0.3166, "heads": lambda q: 1.0},
    control_name="no difference between the two",
    citation="kunstner2019",
)
def often_benign(stated) -> Evidence:
    """Five steps of softmax regression; the two unit steps of a coin on heads only."""
    η = (1.0, 2.0)
    exact, empirical = _digits("exact", η[0])[-1], _digits("empirical", η[0])[-1]
    away, bold = _digits("exact", η[1])[-1], _digits("empirical", η[1])[2]
    task, y = _one_bias(np.ones(4))

    def longer(q):
        z = _log_odds(q)
        g = gradient(task, z, y)
        E, F = fisher(task, z, y, fisher_type="empirical"), fisher(task, z)
        return (natural_direction(E, g) / natural_direction(F, g)).item()

    off = max(abs(stated["heads"](q) / longer(q) - 1) for q in (0.3, 0.9, 0.999))
    return Evidence(
        abs(exact / stated["exact"] - 1) < 1e-3
        and abs(empirical / stated["empirical"] - 1) < 1e-3
        and abs(bold / stated["bold"] - 1) < 1e-3
        and away > np.log(10)
        and off < 1e-9,
        {
            "exact, η = 1": exact,
            "empirical, η = 1": empirical,
            "empirical, η = 2": bold,
            "exact, η = 2, at the end": away,
        },
        "Where the residuals are large its steps are short, which may save or delay.",
        {
            "η = 1": η[0],
            "0.286": exact,
            "0.316": empirical,
            "η = 2": η[1],
            "0.317": bold,
            "0.999": 0.999,
            "999 times": longer(0.999),
        },
    )


@claim(
    "S1-92",
    verdict="false as stated",
    where="ef-observed",
    paraphrase="Better still is the observed Fisher −∂² log p at the actual labels: a valid "
    "approximation that converges to the Fisher matrix as the model fits.",
    correct="It is the Hessian of the loss. Where the logits are linear in the parameters it is "
    "the Fisher matrix at any labels. Elsewhere it can be negative (−1.46 for 𝒩(θ², 1) at θ = 0.3, "
    "y = 1), and it need not converge: for log-odds log θ and the label 1 it is 2 + 1/θ times F.",
    heard="The observed Fisher converges to the Fisher matrix as the model fits.",
    fact="For log-odds log θ and the label 1 it tends to twice F as p → 1.",
    truth={"ratio": lambda θ: 2 + 1 / θ, "square": -1.46},
    control={"ratio": lambda θ: 1 + 1 / θ, "square": -1.46},
    control_name="a ratio that tends to one",
)
def observed_against_expected(stated) -> Evidence:
    """Second differences of the log-likelihood, and the mean square of numerical scores."""

    def observed(f, θ, h):
        return -(f(θ + h) - 2 * f(θ) + f(θ - h)) / h**2

    def log_p(y):
        return lambda θ: y * np.log(θ) - np.log1p(θ)

    off, h = 0.0, 1e-4
    for θ in (0.5, 2.0, 9.0):
        p = θ / (1 + θ)
        slopes = [(log_p(y)(θ + h) - log_p(y)(θ - h)) / (2 * h) for y in (0, 1)]
        F = (1 - p) * slopes[0] ** 2 + p * slopes[1] ** 2
        found = observed(log_p(1), θ, 1e-3 * θ) / F
        off = max(off, abs(stated["ratio"](θ) / found - 1))
    at, y = 0.3, 1.0
    square = observed(lambda θ: -((y - θ**2) ** 2) / 2, at, 1e-3)
    straight = [observed(lambda z, y=y: y * z - np.log1p(np.exp(z)), 0.7, 1e-3) for y in (0, 1)]
    return Evidence(
        off < 1e-4 and abs(square - stated["square"]) < 1e-4,
        {"observed at θ = 0.3": square, "gap of two labels, linear logit": np.ptp(straight)},
        "The observed information holds the curvature of the logit; at label 1 it stays.",
        {
            "−1.46": square,
            "0.3": 0.3,
            "θ = 0.3": at,
            "y = 1": y,
            "label 1": y,
            "1": 1.0,
            "2 + 1/θ": off < 1e-4,
            "twice": stated["ratio"](1e12),
        },
    )


@claim(
    "S1-111",
    verdict="holds",
    where="ef-large-numbers",
    paraphrase="With training labels the estimate is of the second moment of the score under the "
    "distribution of the data, not of the model.",
    correct="For a coin q and labels that come at the rate r it tends to r(1 − r) + (q − r)², not "
    "to q(1 − q): 0.73 and 0.09 at q = 0.1, r = 0.9. More data bring it nearer to the former.",
    truth=lambda q, r: r * (1 - r) + (q - r) ** 2,
    control=lambda q, r: q * (1 - q),
    control_name="the second moment under the model",
)
def second_moment_of_the_data(moment) -> Evidence:
    """A thousand labels, of which exactly the stated part is one."""
    worst = 0.0
    for q, r in ((0.1, 0.9), (0.3, 0.7), (0.6, 0.2)):
        task, y = _one_bias(_at_rate(r))
        g = example_gradients(task, _log_odds(q), y)
        found = fisher(task, _log_odds(q), y, fisher_type="empirical").item()
        worst = max(worst, abs(moment(q, r) - found), abs((g**2).mean() - found))
    return Evidence(
        worst < 1e-9,
        {"largest difference": worst, "ratio at q = 0.1, rate 0.9": _ratio(0.1, 0.9)},
        "The mean over labels is that of whoever drew the labels.",
        {
            "r(1 − r) + (q − r)²": worst < 1e-9,
            "q(1 − q)": abs(fisher(_one_bias([0.0])[0], _log_odds(0.1)).item() - 0.09) < 1e-12,
            "0.73": moment(0.1, 0.9),
            "0.09": 0.1 * 0.9,
            "q = 0.1": 0.1,
            "r = 0.9": 0.9,
            "0.1": 0.1,
            "0.9": 0.9,
        },
    )
