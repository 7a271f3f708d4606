"""Checks of the chapter "One coin, three charts".

Each is fed a statement as data, once as the book makes it and once in a false version, and decides
it with the closed forms of `ngdlib.families.Bernoulli` and the steps of `ngdlib.descent`.
"""

from __future__ import annotations

import numpy as np

from ngdlib import descent
from ngdlib.claims import Evidence, claim
from ngdlib.families import Bernoulli
from ngdlib.families.quadrature import expectation

COIN, LOGIT = Bernoulli("probability"), Bernoulli("log-odds")


def _start(chart, q):
    return COIN.change_to(chart).forward(np.array([q]))


def _gradient_and_fisher(chart, q, mean):
    model, θ = COIN.in_chart(chart), _start(chart, q)
    return model.cross_entropy_gradient(θ, np.array([mean])).item(), model.fisher(θ).item()


def _step(chart, metric, q=0.5, mean=1.0, η=1.0):
    """Where one step ends: as a number in its chart, and as a probability (nan outside)."""
    model, change = COIN.in_chart(chart), COIN.change_to(chart)
    objective = descent.data_fit(model, np.array([mean]))
    start = descent.init(_start(chart, q))
    state, info = descent.step(start, model, objective, metric, descent.Fixed(η))
    q_after = change.inverse(state.theta).item() if info.in_domain else np.nan
    return state.theta.item(), q_after


@claim(
    "S0-30",
    verdict="holds",
    where="bernoulli-the-score-and-the-fisher-information",
    paraphrase="If the logit of a Bernoulli model is a function f of parameters, its score is "
    "(y − q)∇f; the model gives y − q the mean square q(1 − q), so the Fisher matrix is the mean "
    "of q(1 − q) ∇f ∇fᵀ.",
    correct="The score is (y − q)∇f and the Fisher matrix is the mean over inputs of "
    "q(1 − q) ∇f ∇fᵀ, for every differentiable f.",
    truth=lambda q, label: q * (1 - q),
    control=lambda q, label: (label - q) ** 2,
    control_name="the squared residual at the observed label in place of its mean under the model",
)
def fisher_behind_a_logit(weight) -> Evidence:
    """The Fisher matrix of f = a sin x + b²x from differences of the log-density alone."""
    inputs, labels = np.array([-1.0, 0.4, 2.0]), np.array([0.0, 1.0, 0.0])
    θ, h = np.array([0.7, -0.6]), 1e-5

    def f(θ, x):
        return np.array([θ[0] * np.sin(x) + θ[1] ** 2 * x])

    def slope(g):
        return np.array([(g(θ + h * e) - g(θ - h * e)) / (2 * h) for e in np.eye(2)])

    fisher, claimed = np.zeros((2, 2)), np.zeros((2, 2))
    for x, label in zip(inputs, labels, strict=True):
        z = f(θ, x)
        q = LOGIT.change_to("probability").forward(z).item()
        scores = [slope(lambda t, y=y, x=x: LOGIT.log_density(y, f(t, x)).item()) for y in (0, 1)]
        fisher += expectation(LOGIT, z, lambda y, s=scores: [np.outer(v, v) for v in s]) / 3
        row = slope(lambda t, x=x: f(t, x).item())
        claimed += weight(q, label) * np.outer(row, row) / 3
    error = np.abs(fisher - claimed).max() / np.abs(fisher).max()
    return Evidence(
        error < 1e-8,
        {"largest entry of the Fisher matrix": np.abs(fisher).max(), "relative error": error},
        "Both labels, weighted by the model, leave exactly the variance of a toss.",
    )


@claim(
    "S1-22",
    verdict="holds",
    where="bernoulli-the-coin-in-closed-form",
    paraphrase="For a coin written by its logit z the gradient of the log loss is σ(z) − y, the "
    "Fisher information σ(z)(1 − σ(z)), and the natural gradient their quotient.",
    correct="In log-odds the gradient is q − ȳ, the Fisher information q(1 − q) and the natural "
    "gradient (q − ȳ)/(q(1 − q)), with q = σ(z).",
    truth=lambda g, F: g / F,
    control=lambda g, F: g * F,
    control_name="F in place of its inverse",
)
def three_formulas_in_log_odds(precondition) -> Evidence:
    """Gradient by differences of the loss, Fisher information as the mean square of the score."""
    worst = 0.0
    for z in (-3.0, -0.4, 0.0, 2.0):
        for mean in (0.0, 0.3, 1.0):
            point, ȳ, h = np.array([z]), np.array([mean]), 1e-5
            loss = [LOGIT.cross_entropy(point + d, ȳ).item() for d in (h, -h)]
            g = (loss[0] - loss[1]) / (2 * h)
            F = expectation(LOGIT, point, lambda y, p=point: LOGIT.score(y, p)[:, 0] ** 2).item()
            q = 1 / (1 + np.exp(-z))
            worst = max(worst, abs(g - (q - mean)), abs(F / (q * (1 - q)) - 1))
            step = descent.natural_direction(LOGIT.fisher(point), np.array([g])).item()
            worst = max(worst, abs(step + precondition(q - mean, q * (1 - q))) / (1 + abs(step)))
    return Evidence(
        worst < 1e-8,
        {"largest difference": worst},
        "The formulas agree with differences of the loss and sums over the two outcomes.",
    )


@claim(
    "S1-23",
    verdict="false as stated",
    where="bernoulli-the-columns-change-places",
    paraphrase="The natural gradient of a coin's log-odds is exactly the error in log-odds.",
    correct="It is the error in probability divided by the slope of the logistic function, which "
    "is the error in log-odds, z − log(ȳ/(1 − ȳ)), only to first order near the optimum. With as "
    "many heads as tails the two are sinh z and z; after a single head the error is infinite and "
    "the natural gradient is not.",
    heard="The natural gradient of a coin’s log-odds is the error in log-odds.",
    fact="Only near the optimum. At z = 3, with as many heads as tails, it is 10.02, and the "
    "error in log-odds is 3.",
    truth=lambda z, target: (1 - 2 * target) + (1 - target) * np.exp(z) - target * np.exp(-z),
    control=lambda z, target: z - np.log(target / (1 - target)),
    control_name="the error in log-odds itself, as the source has it",
)
def error_in_log_odds(formula) -> Evidence:
    worst = 0.0
    for z in (-2.0, 0.5, 3.0):
        for mean in (0.2, 0.5, 0.9):
            θ, ȳ = np.array([z]), np.array([mean])
            g = LOGIT.cross_entropy_gradient(θ, ȳ)
            natural = -descent.natural_direction(LOGIT.fisher(θ), g).item()
            worst = max(worst, abs(formula(z, mean) / natural - 1))
            if (z, mean) == (3.0, 0.5):
                numbers = {"natural gradient at z = 3, ȳ = ½": natural, "error in log-odds": z}
    return Evidence(
        worst < 1e-12,
        numbers | {"largest relative difference": worst},
        "Dividing by the slope undoes the logistic function only as far as its tangent reaches.",
    )


def _unit_step_against_irls():
    """The largest difference between a unit natural step and a weighted least-squares fit."""
    X = np.column_stack([np.ones(6), [-2.0, -1.0, 0.0, 0.5, 1.0, 3.0]])
    y, w = np.array([0.0, 1.0, 0.0, 0.0, 1.0, 1.0]), np.array([0.3, -0.2])
    z = (X @ w)[:, None]
    g = X.T @ LOGIT.cross_entropy_gradient(z, y[:, None])[:, 0]
    F = X.T @ (LOGIT.fisher(z)[:, 0] * X)
    natural = w + descent.natural_direction(F, g)
    q = LOGIT.change_to("probability").forward(z)[:, 0]
    root = np.sqrt(q * (1 - q))[:, None]
    fit = np.linalg.lstsq(root * X, root[:, 0] * (X @ w - (q - y) / (q * (1 - q))))[0]
    return np.abs(natural - fit).max()


@claim(
    "S1-24",
    verdict="false as stated",
    where="bernoulli-the-columns-change-places",
    paraphrase="Natural gradient descent on logistic regression is the same as ordinary gradient "
    "descent on the log-odds; it undoes the sigmoid by itself.",
    correct="The natural gradient in the log-odds equals the ordinary gradient in the probability, "
    "and the other way round, because F_z = dq/dz. With features a unit natural step is one "
    "iteration of IRLS, which is also Newton's.",
    heard="In logistic regression, natural gradient descent is ordinary descent on the log-odds.",
    fact="It is the other chart’s: the natural gradient in log-odds equals the ordinary "
    "gradient in probability.",
    truth="probability",
    control="log-odds",
    control_name="the ordinary gradient in the log-odds, as the source has it",
)
def whose_ordinary_gradient(chart) -> Evidence:
    """In which chart is the ordinary gradient equal to the natural gradient in log-odds?"""
    worst = 0.0
    for q in (0.0067, 0.2, 0.5, 0.8):
        for mean in (0.0, 0.6, 1.0):
            g, F = _gradient_and_fisher("log-odds", q, mean)
            ordinary, _ = _gradient_and_fisher(chart, q, mean)
            worst = max(worst, abs(ordinary / (g / F) - 1))
    g, F = _gradient_and_fisher("log-odds", 0.5, 1.0)
    irls = _unit_step_against_irls()
    return Evidence(
        worst < 1e-12 and irls < 1e-12,
        {
            "natural gradient in log-odds, one head, fair coin": g / F,
            "ordinary gradient there": g,
            "largest relative difference": worst,
            "unit natural step against IRLS, with features": irls,
        },
        "The slope of the logistic function is the Fisher information, so the chain rule cancels "
        "it.",
    )


@claim(
    "S1-51",
    verdict="holds",
    where="bernoulli-popular-story",
    paraphrase="One head, start at logit 0, η = 1: the ordinary step goes to 0.5, a probability of "
    "0.622, and the natural step to 2, a probability of 0.881.",
    correct="In log-odds one step from 0 goes to 0.5 (q = 0.622459) for the ordinary and to 2 "
    "(q = 0.880797) for the natural gradient; in other charts the numbers are others.",
    truth="log-odds",
    control="probability",
    control_name="the same numbers in the probability chart",
)
def one_step_from_the_fair_coin(chart) -> Evidence:
    ordinary, natural = (_step(chart, metric)[0] for metric in ("euclidean", "natural"))
    q_ordinary, q_natural = (_step(chart, metric)[1] for metric in ("euclidean", "natural"))
    fits = (
        abs(ordinary - 0.5) < 1e-12
        and abs(natural - 2) < 1e-12
        and abs(q_ordinary - 0.622) < 5e-4
        and abs(q_natural - 0.881) < 5e-4
    )
    return Evidence(
        fits,
        {"ordinary step ends at": ordinary, "natural step ends at": natural},
        "The numbers are those of the log-odds chart.",
    )


@claim(
    "S1-52",
    verdict="holds under conditions",
    where="bernoulli-really-computed",
    paraphrase="The natural step is much larger than the ordinary one and ends much closer to the "
    "optimum.",
    correct="In log-odds, at equal η, the natural step is 1/(q(1 − q)), at least four, times the "
    "ordinary one; in probability it is at least four times shorter, and in the angle they are "
    "equal. Equal η means nothing across methods, since the two have different units.",
    heard="The natural step is much larger than the ordinary one.",
    fact="In log-odds, at equal η, at least four times. In probability it is at least four "
    "times shorter, and in the angle the two are equal.",
    truth="log-odds",
    control="probability",
    control_name="the same comparison in the probability chart",
)
def longer_and_closer(chart) -> Evidence:
    """Is every natural step at least four times the ordinary one, and the example's nearer?"""
    ratios = []
    for q in np.linspace(0.02, 0.98, 49):
        g, F = _gradient_and_fisher(chart, q, 1.0)
        ratios.append(abs(g / F) / abs(g))
    after = {metric: _step(chart, metric)[1] for metric in ("euclidean", "natural")}
    closer = abs(1 - after["natural"]) < abs(1 - after["euclidean"])  # False for nan
    return Evidence(
        min(ratios) >= 4 - 1e-9 and closer,
        {"smallest ratio of step lengths": min(ratios), "largest": max(ratios)},
        "Which of two steps is longer depends on the chart as long as η is held equal.",
    )


@claim(
    "S1-53",
    verdict="false as stated",
    where="bernoulli-what-the-fisher-information-says",
    paraphrase="At logit 0 the Fisher information calls the parameter highly uncertain, which is "
    "why one should move boldly there.",
    correct="At logit 0 the Fisher information in log-odds has its maximum, ¼: data say most about "
    "the logit there, and the multiplier 1/F = 4 is the smallest of all. What is most uncertain "
    "at logit 0 is the next toss.",
    heard="At logit 0 the Fisher information calls the parameter most uncertain, so move boldly.",
    fact="There data say most about the logit: F = ¼ is its maximum. What is uncertain is the "
    "next toss.",
    truth=np.argmax,
    control=np.argmin,
    control_name="logit 0 as the point of least information, hence of greatest uncertainty",
)
def information_at_logit_zero(where) -> Evidence:
    """Is logit 0 where the information, a mean square of scores, is extreme in the stated way?"""
    grid = np.linspace(-6, 6, 121)
    F = np.array(
        [
            expectation(LOGIT, np.array([z]), lambda y, z=z: LOGIT.score(y, [z])[:, 0] ** 2).item()
            for z in grid
        ]
    )
    at = dict(zip(grid.round(10), F, strict=True))
    return Evidence(
        abs(grid[where(F)]) < 1e-12,
        {f"F at logit {z:g}": at[z] for z in (0.0, 1.0, 3.0, 5.0)},
        "In log-odds the Fisher information is the variance of a toss, largest for the fair coin.",
    )


@claim(
    "S1-54",
    verdict="false as stated",
    where="bernoulli-really-computed",
    paraphrase="Change from θ to φ = log(θ/(1 − θ)); the starting point θ = 0 becomes φ = 0.",
    correct="That map takes a probability to its log-odds, so the start that becomes φ = 0 is "
    "θ = ½. The example's θ = 0 is already a log-odds; as a probability it is not in the model, "
    "and its log-odds is −∞.",
    truth=0.5,
    control=0.0,
    control_name="the map applied to θ = 0",
)
def start_of_the_second_chart(θ) -> Evidence:
    point = np.array([θ])
    inside = bool(COIN.in_domain(point))
    φ = COIN.change_to("log-odds").forward(point).item() if inside else -np.inf
    return Evidence(
        inside and abs(φ) < 1e-12,
        {"log-odds of the start": φ},
        "The change of chart acts on probabilities.",
    )


def _by_flow(chart):
    """The probability after following the natural-gradient flow for time 1."""
    model, change = COIN.in_chart(chart), COIN.change_to(chart)
    objective = descent.data_fit(model, np.array([1.0]))
    return change.inverse(descent.flow(_start(chart, 0.5), model, objective, [1.0])[-1]).item()


def _by_one_step(chart):
    """The probability after one natural step with η = 1."""
    value, q = _step(chart, "natural")
    return value if chart == "probability" else q


@claim(
    "S1-55",
    verdict="false as stated",
    where="bernoulli-a-velocity-not-a-place",
    paraphrase="The natural gradient step gives the same result in log-odds and in probability.",
    correct="The velocity and the flow are the same in every chart; a finite step is not. One unit "
    "step from the fair coin after one head ends at 1, on the boundary, in probability, at 0.8808 "
    "in log-odds and at 0.9207 in the angle; the flow is at 0.8161 after time 1 in all three.",
    heard="A natural gradient step ends at the same place in log-odds and in probability.",
    fact="The velocity is the same. One unit step from a fair coin after a head ends at 1 in "
    "probability and at 0.881 in log-odds.",
    truth=_by_flow,
    control=_by_one_step,
    control_name="one natural step with η = 1, as the source has it",
)
def same_result_in_every_chart(move) -> Evidence:
    ends = {chart: move(chart) for chart in COIN.charts}
    spread = max(ends.values()) - min(ends.values())
    return Evidence(
        spread < 1e-8,
        {f"in {chart}": q for chart, q in ends.items()} | {"spread": spread},
        "Only the limit of many small steps forgets the chart.",
    )


@claim(
    "S1-56",
    verdict="holds",
    where="bernoulli-really-computed",
    paraphrase="The ordinary step does not give the same result in log-odds and in probability "
    "(though the source's working shows 0.622 both times).",
    correct="In log-odds the ordinary step ends at q = 0.622; in probability it ends at 2.5, "
    "outside the model. The source's conclusion is right; its working stays in the log-odds chart "
    "and could not have shown it.",
    truth=("log-odds", "probability"),
    control=("log-odds", "log-odds"),
    control_name="the source's working, which computes the log-odds chart twice",
)
def ordinary_steps_differ(pair) -> Evidence:
    ends = []
    for chart in pair:
        value, q = _step(chart, "euclidean")
        ends.append(value if chart == "probability" else q)
    return Evidence(
        abs(ends[0] - ends[1]) > 0.1,
        {"first": ends[0], "second": ends[1]},
        "Computed in two charts, the ordinary step ends in two places.",
    )


@claim(
    "S1-57",
    verdict="first order only",
    where="bernoulli-a-velocity-not-a-place",
    paraphrase="The natural gradient overcomes the compression of the sigmoid.",
    correct="The natural gradient sets the coin off at the velocity ȳ − q, free of the factor "
    "q(1 − q) that slows ordinary descent in log-odds. A finite step in log-odds follows that "
    "velocity to first order only: from z = 3 with as many heads as tails a unit step flies past "
    "the optimum to z = −7.02.",
    heard="The natural gradient overcomes the squashing of the sigmoid.",
    fact="As a velocity it does. A unit step from z = 3, with as many heads as tails, flies "
    "past the optimum to z = −7.02.",
    truth=1e-6,
    control=1.0,
    control_name="a unit step instead of a small one",
)
def compression_overcome(η) -> Evidence:
    """Does a natural step in log-odds of size η move the probability by η(ȳ − q)?"""
    worst, from_3 = 0.0, LOGIT.change_to("probability").forward(np.array([3.0])).item()
    for q in (0.02, 0.3, from_3):
        _, after = _step("log-odds", "natural", q=q, mean=0.5, η=η)
        worst = max(worst, abs((after - q) / η - (0.5 - q)) / abs(0.5 - q))
    flown, _ = _step("log-odds", "natural", q=from_3, mean=0.5, η=1.0)
    return Evidence(
        worst < 1e-3 and abs(flown + 7.02) < 0.005,
        {"largest relative error of the velocity": worst, "z after a unit step from 3": flown},
        "As a velocity the compression is gone; as a step it is overshot.",
    )
