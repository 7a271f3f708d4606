"""Checks of the chapter "One coin, three charts".

Each is fed a statement as data, once as the book makes it and once in a false version, and decides
it with the closed forms of `ngdlib.families.Bernoulli` and the steps of `ngdlib.descent`.
"""

from __future__ import annotations

from functools import cache

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

    fisher, claimed, score_error = np.zeros((2, 2)), np.zeros((2, 2)), 0.0
    for x, label in zip(inputs, labels, strict=True):
        z = f(θ, x)
        q = LOGIT.change_to("probability").forward(z).item()
        row = slope(lambda t, x=x: f(t, x).item())
        scores = [slope(lambda t, y=y, x=x: LOGIT.log_density(y, f(t, x)).item()) for y in (0, 1)]
        score_error = max(score_error, *(np.abs(scores[y] - (y - q) * row).max() for y in (0, 1)))
        fisher += expectation(LOGIT, z, lambda y, s=scores: [np.outer(v, v) for v in s]) / 3
        claimed += weight(q, label) * np.outer(row, row) / 3
    error = np.abs(fisher - claimed).max() / np.abs(fisher).max()
    return Evidence(
        error < 1e-8 and score_error < 1e-8,
        {"largest entry of the Fisher matrix": np.abs(fisher).max(), "relative error": error},
        "Both labels, weighted by the model, leave exactly the variance of a toss.",
        {"q(1 − q)": error < 1e-8},
    )


@claim(
    "S1-22",
    verdict="holds",
    where="bernoulli-the-coin-in-closed-form",
    paraphrase="For a coin written by its logit z the gradient of the log loss is σ(z) − y, the "
    "Fisher information σ(z)(1 − σ(z)), and the natural gradient their quotient.",
    correct="In log-odds the gradient is q − ȳ, the Fisher information q(1 − q) and the natural "
    "gradient (q − ȳ)/(q(1 − q)), with q = σ(z).",
    truth={
        "gradient": lambda q, ȳ: q - ȳ,
        "Fisher": lambda q: q * (1 - q),
        "natural": lambda q, ȳ: (q - ȳ) / (q * (1 - q)),
    },
    control={
        "gradient": lambda q, ȳ: q - ȳ,
        "Fisher": lambda q: q * (1 - q),
        "natural": lambda q, ȳ: (q - ȳ) * q * (1 - q),
    },
    control_name="the gradient multiplied by F in place of divided",
)
def three_formulas_in_log_odds(formulas) -> Evidence:
    """Gradient by differences of the loss, Fisher information as the mean square of the score."""
    worst, h = 0.0, 1e-5
    for z in (-3.0, -0.4, 0.0, 2.0):
        for mean in (0.0, 0.3, 1.0):
            point, ȳ = np.array([z]), np.array([mean])
            loss = [LOGIT.cross_entropy(point + d, ȳ).item() for d in (h, -h)]
            g = (loss[0] - loss[1]) / (2 * h)
            F = expectation(LOGIT, point, lambda y, p=point: LOGIT.score(y, p)[:, 0] ** 2).item()
            q = 1 / (1 + np.exp(-z))
            natural = -descent.natural_direction(LOGIT.fisher(point), np.array([g])).item()
            worst = max(
                worst,
                abs(g - formulas["gradient"](q, mean)),
                abs(F - formulas["Fisher"](q)),
                abs(natural - formulas["natural"](q, mean)) / (1 + abs(natural)),
            )
    return Evidence(
        worst < 1e-8,
        {"largest difference between formula and computation": worst},
        "The formulas agree with differences of the loss and sums over the two outcomes.",
        {"(q − ȳ)/(q(1 − q))": worst < 1e-8, "q(1 − q)": worst < 1e-8},
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
    """Against −F⁻¹g of the library; near the optimum also against the error in log-odds."""

    def natural_gradient(z, mean):
        θ = np.array([z])
        g = LOGIT.cross_entropy_gradient(θ, np.array([mean]))
        return -descent.natural_direction(LOGIT.fisher(θ), g).item()

    worst, near = 0.0, 0.0
    for mean in (0.2, 0.5, 0.9):
        for z in (-2.0, 0.5, 3.0):
            worst = max(worst, abs(formula(z, mean) / natural_gradient(z, mean) - 1))
        best = np.log(mean / (1 - mean))
        near = max(near, abs(natural_gradient(best + 1e-5, mean) / 1e-5 - 1))
    z, after_a_head = 3.0, natural_gradient(3.0, 1.0)
    far = natural_gradient(z, 0.5)
    return Evidence(
        worst < 1e-12 and near < 1e-4 and np.isfinite(after_a_head),
        {
            "natural gradient at z = 3, as many heads as tails": far,
            "error in log-odds there": z,
            "natural gradient at z = 3 after a single head": after_a_head,
            "largest relative difference from the formula": worst,
        },
        "Dividing by the slope undoes the logistic function only as far as its tangent reaches.",
        {
            "z − log(ȳ/(1 − ȳ))": near < 1e-4,
            "z = 3": z,
            "10.02": far,
            "log-odds is 3": z,
        },
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
    truth={"chart": "probability", "ordinary over natural": 1.0},
    control={"chart": "log-odds", "ordinary over natural": 1.0},
    control_name="the ordinary gradient in the log-odds, as the source has it",
)
def whose_ordinary_gradient(stated) -> Evidence:
    """In which chart is the ordinary gradient the natural gradient in log-odds? And back?"""
    worst = 0.0
    for q in (0.0067, 0.2, 0.5, 0.8):
        for mean in (0.0, 0.6, 1.0):
            gradients, natural = {}, {}
            for chart in ("probability", "log-odds"):
                gradients[chart], F = _gradient_and_fisher(chart, q, mean)
                natural[chart] = gradients[chart] / F
            there = stated["chart"]
            back = "log-odds" if there == "probability" else "probability"
            for a, b in ((there, "log-odds"), (back, "probability")):
                found = gradients[a] / natural[b]
                worst = max(worst, abs(found - stated["ordinary over natural"]))
    g, F = _gradient_and_fisher("log-odds", 0.5, 1.0)
    irls = _unit_step_against_irls()
    return Evidence(
        worst < 1e-12 and irls < 1e-12,
        {
            "natural gradient in log-odds, one head, fair coin": g / F,
            "ordinary gradient in log-odds": g,
            "largest error of the stated ratio": worst,
            "unit natural step against IRLS, with features": irls,
        },
        "The slope of the logistic function is the Fisher information, so the chain rule cancels "
        "it.",
    )


@claim(
    "S1-51",
    verdict="holds",
    where="bernoulli-really-computed",
    paraphrase="One head, start at logit 0, η = 1: the ordinary step goes to 0.5, a probability of "
    "0.622, and the natural step to 2, a probability of 0.881.",
    correct="In log-odds one step from 0 goes to 0.5 (q = 0.622459) for the ordinary and to 2 "
    "(q = 0.880797) for the natural gradient; in other charts the numbers are others.",
    truth={"chart": "log-odds", "ends": (0.5, 2.0), "probabilities": (0.622459, 0.880797)},
    control={"chart": "probability", "ends": (0.5, 2.0), "probabilities": (0.622459, 0.880797)},
    control_name="the same numbers in the probability chart",
)
def one_step_from_the_fair_coin(stated) -> Evidence:
    steps = [_step(stated["chart"], metric) for metric in ("euclidean", "natural")]
    ends, after = zip(*steps, strict=True)
    fits = np.allclose(ends, stated["ends"], rtol=0, atol=1e-12)
    fits &= np.allclose(after, stated["probabilities"], rtol=0, atol=5e-7)
    return Evidence(
        bool(fits),
        {"ordinary step ends at": ends[0], "natural step ends at": ends[1]},
        "The numbers are those of the log-odds chart.",
        {
            "from 0 goes": 0.0,
            "0.5 (": ends[0],
            "0.622459": after[0],
            "to 2 (": ends[1],
            "0.880797": after[1],
        },
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
    truth={
        "log-odds": lambda q: 1 / (q * (1 - q)),
        "probability": lambda q: q * (1 - q),
        "angle": 1.0,
    },
    control={
        "log-odds": lambda q: 1 / (q * (1 - q)),
        "probability": lambda q: 1 / (q * (1 - q)),
        "angle": lambda q: 1 / (q * (1 - q)),
    },
    control_name="the natural step the longer one, whatever the chart",
)
def longer_and_closer(times_the_ordinary) -> Evidence:
    """The ratio of the two steps in three charts, and which step of the example is nearer."""
    worst, ratios = 0.0, {}
    for chart, stated in times_the_ordinary.items():
        found = []
        for q in np.linspace(0.02, 0.98, 49):
            g, F = _gradient_and_fisher(chart, q, 1.0)
            found.append(abs(g / F) / abs(g))
            expected = stated(q) if callable(stated) else stated
            worst = max(worst, abs(found[-1] / expected - 1))
        ratios[chart] = found
    after = {metric: _step("log-odds", metric)[1] for metric in ("euclidean", "natural")}
    closer = abs(1 - after["natural"]) < abs(1 - after["euclidean"])
    least, most = min(ratios["log-odds"]), 1 / max(ratios["probability"])
    return Evidence(
        worst < 1e-12 and closer and abs(least - most) < 1e-12,
        {
            "natural over ordinary step in log-odds, at least": least,
            "ordinary over natural step in probability, at least": most,
            "natural over ordinary step in the angle": ratios["angle"][0],
        },
        "Which of two steps is longer depends on the chart as long as η is held equal.",
        {"1/(q(1 − q))": worst < 1e-12, "four times": least},
    )


@claim(
    "S1-53",
    verdict="false as stated",
    where="bernoulli-what-the-fisher-information-says",
    paraphrase="At logit 0 the Fisher information calls the parameter highly uncertain, which is "
    "why one should move boldly there.",
    correct="At logit 0 the Fisher information in log-odds has its maximum, ¼: data say most about "
    "the logit there, and the multiplier F⁻¹ = 4 is the smallest of all. What is most uncertain "
    "at logit 0 is the next toss.",
    heard="At logit 0 the Fisher information calls the parameter most uncertain, so move boldly.",
    fact="There data say most about the logit: F = ¼ is its maximum. What is uncertain is the "
    "next toss.",
    truth={"logit": 0.0, "F": 0.25, "most": True},
    control={"logit": 0.0, "F": 0.25, "most": False},
    control_name="logit 0 as the point of least information, hence of greatest uncertainty",
)
def information_at_logit_zero(stated) -> Evidence:
    """Is the information, a mean square of scores, stationary there, and more than elsewhere?"""

    def F(z):
        return expectation(
            LOGIT, np.array([z]), lambda y: LOGIT.score(y, np.array([z]))[:, 0] ** 2
        ).item()

    z, h = stated["logit"], 1e-4
    slope = (F(z + h) - F(z - h)) / (2 * h)
    here, elsewhere = F(z), [F(x) for x in np.linspace(-6, 6, 24)]
    return Evidence(
        abs(slope) < 1e-6
        and abs(here - stated["F"]) < 1e-12
        and all((x < here) == stated["most"] for x in elsewhere),
        {"F at logit 0": F(0.0)} | {f"F at logit {x:g}": F(x) for x in (1.0, 3.0, 5.0)},
        "In log-odds the Fisher information is the variance of a toss, largest for the fair coin.",
        {"logit 0": z, "¼": here, "= 4": 1 / here},
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
        {"φ = 0": φ, "½": θ, "θ = 0": 0.0},
    )


@cache
def _by_flow(chart, q, mean, time):
    """The probability after following the natural-gradient flow for a time."""
    model, change = COIN.in_chart(chart), COIN.change_to(chart)
    objective = descent.data_fit(model, np.array([mean]))
    return change.inverse(descent.flow(_start(chart, q), model, objective, [time])[-1]).item()


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
    truth=lambda q, ȳ, t: ȳ + (q - ȳ) * np.exp(-t),
    control=lambda q, ȳ, t: ȳ + (q - ȳ) * (1 - t),
    control_name="the end of one natural step, the same in every chart, as the source has it",
)
def same_result_in_every_chart(end) -> Evidence:
    """Where the flow is, in three charts, from two starts; and where one unit step ends."""
    gaps = [
        abs(_by_flow(chart, q, mean, t) - end(q, mean, t))
        for chart in COIN.charts
        for q, mean, t in ((0.5, 1.0, 1.0), (0.2, 0.6, 0.5))
    ]
    steps = {chart: _step(chart, "natural") for chart in COIN.charts}
    after = {chart: v if chart == "probability" else q for chart, (v, q) in steps.items()}
    return Evidence(
        max(gaps) < 1e-8,
        {f"one unit step in {chart}": q for chart, q in after.items()}
        | {"flow for time 1, in every chart": end(0.5, 1.0, 1.0), "largest error": max(gaps)},
        "Only the limit of many small steps forgets the chart.",
        {
            "ends at 1": after["probability"],
            "0.8808": after["log-odds"],
            "0.881": after["log-odds"],
            "0.9207": after["angle"],
            "0.8161": _by_flow("angle", 0.5, 1.0, 1.0),
            "time 1": 1.0,
        },
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
    truth={"log-odds": 0.622459, "probability": 2.5},
    control={"log-odds": 0.622459, "probability": 0.622459},
    control_name="0.622 in both charts, as the source's working has it",
)
def ordinary_steps_differ(ends) -> Evidence:
    value, _ = _step("probability", "euclidean")
    found = {"log-odds": _step("log-odds", "euclidean")[1], "probability": value}
    return Evidence(
        all(abs(found[chart] - ends[chart]) < 1e-6 for chart in found),
        {f"q after the ordinary step in {chart}": q for chart, q in found.items()},
        "Computed in two charts, the ordinary step ends in two places.",
        {"0.622": found["log-odds"], "2.5": found["probability"]},
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
    truth={
        "natural velocity": lambda q, ȳ: ȳ - q,
        "ordinary velocity": lambda q, ȳ: q * (1 - q) * (ȳ - q),
        "z after a unit step from 3": 3 - np.sinh(3),
    },
    control={
        "natural velocity": lambda q, ȳ: ȳ - q,
        "ordinary velocity": lambda q, ȳ: q * (1 - q) * (ȳ - q),
        "z after a unit step from 3": 0.0,
    },
    control_name="the unit step, freed from the compression, ends at the optimum z = 0",
)
def compression_overcome(stated) -> Evidence:
    """The velocity dq/dη of steps in log-odds, by two small steps; and one unit step from z = 3."""

    def velocity(metric, q, mean, η=1e-4):
        one, half = ((_step("log-odds", metric, q, mean, h)[1] - q) / h for h in (η, η / 2))
        return 2 * half - one

    from_3 = LOGIT.change_to("probability").forward(np.array([3.0])).item()
    worst = max(
        abs(velocity(metric, q, mean) / stated[name](q, mean) - 1)
        for q, mean in ((0.02, 0.5), (0.3, 0.8), (from_3, 0.5))
        for metric, name in (("natural", "natural velocity"), ("euclidean", "ordinary velocity"))
    )
    flown, _ = _step("log-odds", "natural", q=from_3, mean=0.5, η=1.0)
    miss = abs(flown - stated["z after a unit step from 3"])
    return Evidence(
        worst < 1e-4 and miss < 1e-9,
        {"largest relative error of the velocities": worst, "z after a unit step from 3": flown},
        "As a velocity the compression is gone; as a step it is overshot.",
        {"q(1 − q)": worst < 1e-4, "z = 3": 3.0, "z = −7.02": flown},
    )
