"""Checks of the chapter "The natural gradient".

Each is fed a statement as data, once as the book makes it and once in a false version, and decides
it by numbers: brute force over directions, the same step taken in several charts, the flow and the
geodesic solved to 1e-12.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from ngdlib import charts, descent
from ngdlib.claims import Evidence, claim
from ngdlib.families import Bernoulli, Categorical, Gaussian
from ngdlib.geodesics import covariant_hessian

COIN, BELL, DIE = Bernoulli("probability"), Gaussian("mu, sigma"), Categorical(3, "probabilities")
HEAD = np.array([1.0])  # the data: one head
FIFTH = np.array([0.2])
BELL_AT, BELL_DATA = np.array([0.0, 2.0]), np.array([1.0, 1.25])  # mean 1, standard deviation 1/2
DIE_AT, DIE_DATA = np.array([0.2, 0.3]), np.array([0.6, 0.3, 0.1])
PROBLEMS = [  # a model, a point, data, and the charts in which its step is taken
    (COIN, FIFTH, HEAD, ("probability", "log-odds", "angle")),
    (BELL, BELL_AT, BELL_DATA, ("mu, sigma", "mu, log sigma", "natural", "expectation")),
    (DIE, DIE_AT, DIE_DATA, ("probabilities", "reduced logits")),
    (BELL, np.array([0.4, 1.5]), BELL_DATA, ("mu, sigma", "natural", "expectation")),
]


def _at(model, theta, mean):
    """Gradient and Fisher matrix of the fit to the data."""
    return descent.data_fit(model, mean).gradient(theta), model.fisher(theta)


def _compass(F, n=3600):
    """n displacements of Fisher length 1, all around a point of a two-parameter model."""
    angle = 2 * np.pi * np.arange(n) / n
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    return np.linalg.solve(np.linalg.cholesky(F).T, circle.T).T


def _in_every_chart(update, ends=False):
    """What an update does to the mean statistics m, from every chart of every problem: triples of
    m, the data mean, and the velocity of m, or where m ends.

    `update(model, objective, theta)` returns a velocity in the chart of `model`, or a point.
    """
    found = []
    for model, theta, mean, names in PROBLEMS:
        to_mean = model.change_to(_mean_chart(model))
        m, target = to_mean.forward(theta), mean[: model.dim]
        for name in names:
            change, there = model.change_to(name), model.in_chart(name)
            φ = change.forward(theta)
            value = update(there, descent.data_fit(there, mean), φ)
            change = there.change_to(_mean_chart(model))
            if ends:
                value = change.forward(value)
            else:
                value = charts.push_forward_velocity(value, change.jacobian(φ))
            found.append((m, target, value))
    return found


def _mean_chart(model):
    """The chart whose parameters are the mean statistics."""
    wanted = ("expectation", "probability", "probabilities")
    return next(name for name in wanted if name in model.charts)


def _worst(found, stated):
    """The largest difference from what is stated of m and the data mean."""
    return max(float(np.abs(value - stated(m, mean)).max()) for m, mean, value in found)


def _spread(found):
    """The largest difference, in a problem, from its first chart."""
    first = {}
    return max(
        float(np.abs(value - first.setdefault(tuple(m), value)).max()) for m, _, value in found
    )


def _natural_velocity(model, objective, theta):
    return descent.natural_direction(model.fisher(theta), objective.gradient(theta))


# What the phrase means


@claim(
    "S0-01",
    verdict="first order only",
    where="ng-what-it-leaves-open",
    paraphrase="Ordinary descent measures its step in the coordinates, natural descent by how far "
    "the model moves.",
    correct="The natural gradient measures the tangent of its step by the Fisher length, which no "
    "chart changes; the step itself is still taken in coordinates, and moves the model by an "
    "amount that depends on them.",
    heard="Natural descent measures its step by how far the model moves.",
    fact="It measures the tangent so. The step is still taken in coordinates: with η = 0.9 from a "
    "fair coin, after a head, its KL is 0.830 in probability and 0.360 in log-odds.",
    truth={"half the squared length": 0.405, "KL, probability": 0.830366, "KL, log-odds": 0.359830},
    control={"half the squared length": 0.405, "KL, probability": 0.405, "KL, log-odds": 0.405},
    control_name="the step moves the model by its measured size, whatever the chart",
)
def measured_by_the_model(stated) -> Evidence:
    """Half the squared length and the KL of one and the same natural step, η = 0.9, fair coin."""
    sizes, kl, η = {}, {}, 0.9
    for name in ("probability", "log-odds"):
        model = COIN.in_chart(name)
        θ = COIN.change_to(name).forward(np.array([0.5]))
        v = η * descent.natural_direction(model.fisher(θ), _at(model, θ, HEAD)[0])
        sizes[name] = 0.5 * float(v @ model.fisher(θ) @ v)
        kl[name] = float(model.kl(θ, θ + v))
    right = all(abs(size - stated["half the squared length"]) < 1e-12 for size in sizes.values())
    right &= all(abs(kl[n] - stated[f"KL, {n}"]) < 1e-6 for n in kl)
    return Evidence(
        right,
        {f"half the squared length in {n}": size for n, size in sizes.items()}
        | {f"KL in {n}": k for n, k in kl.items()},
        "Both charts measure the tangent alike; the two finite steps differ in KL.",
        {"η = 0.9": η, "0.830": kl["probability"], "0.360": kl["log-odds"]},
    )


@claim(
    "S0-08",
    verdict="holds",
    where="ng-steepest-per-what",
    paraphrase="The natural gradient is the direction of steepest descent in the Fisher geometry.",
    correct="Where F is positive definite and the gradient is not zero, no displacement of the "
    "same small Fisher length lowers the loss more than one along −F⁻¹∂L, to leading order as "
    "the length shrinks.",
    truth=descent.natural_direction,
    control=lambda F, g: descent.gradient_direction(g),
    control_name="the ordinary gradient's direction",
    exceptions={
        "scaled": "a direction has no length: only where it points is claimed",
    },
)
def steepest_in_the_fisher_geometry(direction) -> Evidence:
    worst, r = np.inf, 1e-4
    for k, (model, θ, mean, _) in enumerate(PROBLEMS[1:]):
        loss, F = descent.data_fit(model, mean), model.fisher(θ)
        v = direction(F, loss.gradient(θ))
        v = r * v / descent.fisher_length(F, v)
        gain = (loss.value(θ - v) - loss.value(θ + v)) / 2
        worst = min(worst, float(gain / _best_gain(k, r)))
    return Evidence(
        1 - 1e-7 < worst < 1 + 1e-7,
        {"fall of the loss, as a share of the best of 36,000 directions": worst},
        "Steps of Fisher length 0.0001 in every direction, by the loss itself.",
    )


@cache
def _best_gain(k, r):
    """The most that a step of Fisher length r lowers the loss, half forth and half back."""
    model, θ, mean, _ = PROBLEMS[1:][k]
    loss, steps = descent.data_fit(model, mean), r * _compass(model.fisher(θ), 36000)
    return float((loss.value(θ - steps) - loss.value(θ + steps)).max() / 2)


PER_LENGTH = {"power": 0.5, "factor": 2.0}
PER_KL = {"power": 1.0, "factor": 1.0}


@cache
def _gains(r):
    """Fall of the loss and KL of 3,600 steps of Fisher length r, the first along −F⁻¹g."""
    loss, F = descent.data_fit(BELL, BELL_DATA), BELL.fisher(BELL_AT)
    v = descent.natural_direction(F, loss.gradient(BELL_AT))
    ends = BELL_AT + r * np.vstack([v / descent.fisher_length(F, v), _compass(F)])
    return loss.value(BELL_AT) - loss.value(ends), BELL.kl(BELL_AT, ends)


@cache
def _share_at_one_kl(ε):
    """What the natural direction gains, as a share of the best, among steps whose KL is ε."""
    loss, F = descent.data_fit(BELL, BELL_DATA), BELL.fisher(BELL_AT)
    v = descent.natural_direction(F, loss.gradient(BELL_AT))
    compass = np.vstack([v / descent.fisher_length(F, v), _compass(F)])
    gains = loss.value(BELL_AT) - loss.value(BELL_AT + _on_the_kl_sphere(BELL, BELL_AT, ε, compass))
    return float(gains[0] / gains.max())


def _has_a_best_direction(rate) -> Evidence:
    """Is gain over (factor · KL)^power finite as steps shrink, √(gᵀF⁻¹g), and best along −F⁻¹g?"""
    g, F = _at(BELL, BELL_AT, BELL_DATA)
    limit = float(np.sqrt(g @ np.linalg.solve(F, g)))
    best, share, lengths = [], [], (1e-3, 1e-4)
    for r in lengths:
        gain, kl = _gains(r)
        rates = gain / (rate["factor"] * kl) ** rate["power"]
        best.append(float(rates.max()))
        share.append(float(rates[0] / rates.max()))
    growth = np.log10(best[1] / best[0])
    quotients = [float((gain / kl)[0]) for gain, kl in map(_gains, lengths)]
    return Evidence(
        abs(growth) < 1e-3
        and abs(best[1] / limit - 1) < 1e-3
        and share[1] > 1 - 1e-4
        and _share_at_one_kl(1e-8) > 1 - 1e-4
        and quotients[1] > 9 * quotients[0],
        {
            "best fall per √(2KL), steps of length 0.001": best[0],
            "best fall per √(2KL), steps of length 0.0001": best[1],
            "√(gᵀF⁻¹g)": limit,
            "fall over KL along −F⁻¹g, length 0.001": quotients[0],
            "fall over KL along −F⁻¹g, length 0.0001": quotients[1],
            "share of the best along −F⁻¹g, among steps of KL 1e-8": _share_at_one_kl(1e-8),
        },
        "A rate that is to be maximised must not grow as the step shrinks.",
        {"√(2KL)": abs(best[1] / limit - 1) < 1e-3},
    )


@claim(
    "S1-07",
    verdict="false as stated",
    where="ng-steepest-per-what",
    paraphrase="The natural gradient is the direction of steepest descent of the loss per unit of "
    "KL divergence.",
    correct="The quotient of decrease and KL grows without end as steps shrink, so no direction is "
    "steepest by it. Among steps of one and the same small KL, as the source itself then derives "
    "it, the natural direction lowers the loss most, to leading order; and the quotient of "
    "decrease and √(2KL) has a finite limit, largest along −F⁻¹∂L.",
    heard="The natural gradient is the steepest descent per unit of KL divergence.",
    fact="Among steps of one small KL it lowers the loss most. The quotient by KL itself grows "
    "without end: divide by √(2KL).",
    truth=PER_LENGTH,
    control=PER_KL,
    control_name="the quotient taken at its word: decrease divided by KL",
)
def steepest_per_unit_of_kl(rate) -> Evidence:
    return _has_a_best_direction(rate)


@claim(
    "S3-30",
    verdict="holds",
    where="ng-steepest-per-what",
    paraphrase="Particles of the natural flow move where the loss falls fastest per unit of "
    "statistical distance, which the page defines by ds² = dθᵀF dθ and calls, in brackets, KL.",
    correct="Per unit of Fisher length ds = √(2KL), to leading order, the natural flow descends "
    "fastest; the bracket must not be read as a division by KL itself.",
    truth=PER_LENGTH,
    control=PER_KL,
    control_name="the bracket taken at its word: distance = KL",
)
def fastest_per_statistical_distance(rate) -> Evidence:
    return _has_a_best_direction(rate)


# Two problems, one direction


def _matched(F, g, ε, _):
    return np.sqrt(2 * ε / (g @ np.linalg.solve(F, g)))


@claim(
    "S0-09",
    verdict="holds under conditions",
    where="ng-two-problems",
    paraphrase="Equivalently, the natural gradient step solves the trust-region problem of "
    "minimising gᵀΔ + ΔᵀFΔ/(2η).",
    correct="That is the penalised problem, not the trust-region one: both steps point along "
    "−F⁻¹g, and are equal where g ≠ 0, F is positive definite and η = √(2ε/gᵀF⁻¹g), which "
    "changes from point to point.",
    heard="The penalised problem and the trust region are the same.",
    fact="Same direction. The step sizes agree where η = √(2ε/gᵀF⁻¹g), which changes from "
    "point to point.",
    truth=_matched,
    control=lambda F, g, ε, fitted: fitted,
    control_name="one fixed η, fitted at the first point, as the same trust region everywhere",
)
def penalised_is_constrained(step_size) -> Evidence:
    """Does the penalised step have the radius of the trust region, at three points?"""
    fitted, found, true_kl = None, [], []
    for θ, ε in (([0.0, 2.0], 0.005), ([0.6, 1.2], 0.005), ([0.9, 0.7], 0.005), ([0.9, 0.7], 0.1)):
        g, F = _at(BELL, np.array(θ), BELL_DATA)
        fitted = _matched(F, g, ε, None) if fitted is None else fitted
        Δ = step_size(F, g, ε, fitted) * descent.natural_direction(F, g)
        best = (np.sqrt(2 * ε) * _compass(F) @ g).min()  # brute force on the edge of the region
        found.append((0.5 * Δ @ F @ Δ, ε, (g @ Δ) / best))
        true_kl.append(float(BELL.kl(np.array(θ), np.array(θ) + Δ)))
    half, radius, share = np.array(found).T
    matched = bool(np.allclose(half, radius, rtol=1e-9))
    return Evidence(
        bool(matched and np.allclose(share, 1, atol=1e-5)),
        {f"½ΔᵀFΔ of the step at point {i}": k for i, k in enumerate(half[:3], 1)}
        | {f"its KL divergence at point {i}": k for i, k in enumerate(true_kl[:3], 1)},
        "A region of ½ΔᵀFΔ ≤ 0.005 at three points of the way to the data, and one of 0.1.",
        {"√(2ε/gᵀF⁻¹g)": matched, "g ≠ 0": bool(np.all(half > 0))},
    )


@claim(
    "S0-10",
    verdict="holds",
    where="ng-two-problems",
    paraphrase="For an invertible F the penalised problem is solved by −ηF⁻¹∂L.",
    correct="For a positive definite F the penalised problem has exactly one solution, −ηF⁻¹∂L.",
    truth=lambda F, g, η: η * descent.natural_direction(F, g),
    control=lambda F, g, η: -η * F @ g,
    control_name="F in place of its inverse",
)
def solution_of_the_penalised_problem(solution) -> Evidence:
    worst, rng = np.inf, np.random.default_rng(0)
    for (model, θ, mean, _), η in zip(PROBLEMS, (0.3, 0.1, 0.3, 0.7), strict=True):
        g, F = _at(model, θ, mean)
        Δ = solution(F, g, η)
        others = Δ + rng.normal(size=(500, model.dim)) * np.logspace(-4, 0, 500)[:, None]

        def price(v, g=g, F=F, η=η):
            return v @ g + np.einsum("...i,ij,...j", v, F, v) / (2 * η)

        excess = (price(others) - price(Δ)) * 2 * η / descent.fisher_length(F, others - Δ) ** 2
        worst = min(worst, float(excess.min()))
    return Evidence(
        worst > 0.99,
        {"least excess of 500 other steps, over their squared distance/(2η)": worst},
        "Every other step, near or far, costs more: a quadratic with this one minimum.",
    )


@claim(
    "S1-08",
    verdict="holds",
    where="ng-two-problems",
    paraphrase="The natural gradient update is θ − ηF⁻¹∂L.",
    correct="By definition, where F is invertible; its velocity is the same in every chart.",
    truth=descent.natural_direction,
    control=lambda F, g: -F @ g,
    control_name="F in place of its inverse",
)
def the_update_rule(rule) -> Evidence:
    def update(model, objective, θ):
        return rule(model.fisher(θ), objective.gradient(θ))

    gap = _worst(_in_every_chart(update), lambda m, mean: mean - m)
    loss = descent.data_fit(BELL, BELL_DATA)
    state, _ = descent.step(descent.init(BELL_AT), BELL, loss, length=descent.Fixed(0.1))
    miss = float(np.abs(state.theta - (BELL_AT + 0.1 * update(BELL, loss, BELL_AT))).max())
    return Evidence(
        gap < 1e-9 and miss < 1e-12,
        {
            "largest difference of the velocity of the means from data minus mean": gap,
            "distance from the library's step": miss,
        },
        "Three families, each in two to four charts.",
    )


@claim(
    "S1-09",
    verdict="holds",
    where="ng-two-problems",
    paraphrase="Minimising the linearised loss under the quadratic form of a KL constraint gives, "
    "by a Lagrange multiplier, the natural gradient direction.",
    correct="Where F is positive definite and the gradient is not zero, the solution is "
    "−F⁻¹g/β with the multiplier β = √(gᵀF⁻¹g/(2ε)): the direction is the natural one, the "
    "multiplier depends on the radius and on the point.",
    truth=lambda F, g, ε: (-np.linalg.solve(F, g), np.sqrt(g @ np.linalg.solve(F, g) / (2 * ε))),
    control=lambda F, g, ε: (-np.linalg.solve(F, g), 10.0),
    control_name="the multiplier read as the constant 1/η of the update rule",
)
def kl_constrained_step(solution) -> Evidence:
    """The step against brute force, the multiplier against its meaning: gain per unit of ε."""
    excess, priced = 0.0, 0.0
    for model, θ, mean, _ in PROBLEMS[1:]:
        for ε in (0.005, 0.02):
            g, F = _at(model, θ, mean)
            direction, β = solution(F, g, ε)
            Δ = direction / β
            best = np.sqrt(2 * ε) * (_compass(F) @ g).min()
            excess = max(excess, abs(g @ Δ / best - 1), abs(0.5 * Δ @ F @ Δ / ε - 1))
            gain = [np.sqrt(2 * e) * -(_compass(F) @ g).min() for e in (0.999 * ε, 1.001 * ε)]
            priced = max(priced, abs((gain[1] - gain[0]) / (0.002 * ε) / β - 1))
    return Evidence(
        excess < 1e-5 and priced < 1e-4,
        {"worst relative miss of the step": excess, "worst relative miss of β": priced},
        "Two families, two radii, 3,600 steps on the edge of each region.",
        {"√(gᵀF⁻¹g/(2ε))": priced < 1e-4},
    )


@claim(
    "S1-98",
    verdict="holds",
    where="ng-check-yourself",
    paraphrase="Quiz 2: the natural gradient update is derived by minimising a first-order "
    "approximation of the loss under a KL constraint.",
    correct="Of the four options this one gives the natural direction; its step size then follows "
    "from the radius and is not one fixed η.",
    truth={"problem": "linear loss, KL constraint", "over √(2ε/gᵀF⁻¹g)·(−F⁻¹g)": 1.0},
    control={"problem": "second-order Taylor", "over √(2ε/gᵀF⁻¹g)·(−F⁻¹g)": 1.0},
    control_name="option A: minimise a second-order Taylor expansion of the loss",
)
def what_the_update_is_derived_from(stated) -> Evidence:
    """The problem's solution against −F⁻¹g, of the length that the radius gives."""
    worst, ε = 0.0, 1e-8
    for k, (model, θ, mean, _) in enumerate(PROBLEMS[1:]):
        g, F = _at(model, θ, mean)
        n = descent.natural_direction(F, g)
        n = n * np.sqrt(2 * ε) / descent.fisher_length(F, n)
        v = _lowest_on_the_rim(k, ε) if "KL" in stated["problem"] else _newton(k)
        if "KL" not in stated["problem"]:
            v = v * np.sqrt(2 * ε) / descent.fisher_length(F, v)
        miss = v - stated["over √(2ε/gᵀF⁻¹g)·(−F⁻¹g)"] * n
        worst = max(worst, float(descent.fisher_length(F, miss) / np.sqrt(2 * ε)))
    return Evidence(
        worst < 1e-3,
        {"distance from −F⁻¹g of that length, over the length": worst},
        "Gaussian in (μ, σ) and categorical in probabilities, steps whose KL is 1e-8.",
    )


@cache
def _lowest_on_the_rim(k, ε):
    model, θ, mean, _ = PROBLEMS[1:][k]
    g, F = _at(model, θ, mean)
    rim = _on_the_kl_sphere(model, θ, ε, _compass(F, 36000))
    return rim[np.argmin(rim @ g)]


def _newton(k):
    model, θ, mean, _ = PROBLEMS[1:][k]
    loss, h = descent.data_fit(model, mean), 1e-5 * np.eye(model.dim)
    H = np.stack([(loss.gradient(θ + e) - loss.gradient(θ - e)) / 2e-5 for e in h])
    return -np.linalg.solve(H, loss.gradient(θ))


def _on_the_kl_sphere(model, θ, ε, directions):
    """Steps along the directions whose true KL divergence is ε, by two Newton corrections."""
    steps = np.sqrt(2 * ε) * directions
    for _ in range(3):
        steps = steps * np.sqrt(ε / model.kl(θ, θ + steps))[:, None]
    return steps


# What a change of chart does


@claim(
    "S1-10",
    verdict="holds",
    where="ng-transformation-laws",
    paraphrase="Under a smooth invertible change of chart the gradient goes with T⁻ᵀ, the Fisher "
    "matrix with T⁻ᵀ on both sides, the natural gradient with T, and its length is unchanged.",
    correct="So it is, exactly, for the tangent at a point.",
    truth=charts.push_forward_gradient,
    control=charts.push_forward_velocity,
    control_name="the gradient carried over like a velocity, with T",
)
def transformation_of_the_gradient(carry) -> Evidence:
    worst = dict.fromkeys(("gradient", "Fisher matrix", "velocity", "length"), 0.0)
    for model, θ, mean, names in PROBLEMS:
        g, F = _at(model, θ, mean)
        v = descent.natural_direction(F, g)
        for name in names[1:]:
            change, there = model.change_to(name), model.in_chart(name)
            φ, T = change.forward(θ), change.jacobian(θ)
            g_φ, F_φ = _at(there, φ, mean)
            v_φ = descent.natural_direction(F_φ, carry(g, T))
            misses = {
                "gradient": carry(g, T) - g_φ,
                "Fisher matrix": charts.transform_metric(F, T) - F_φ,
                "velocity": charts.push_forward_velocity(v, T) - v_φ,
                "length": descent.fisher_length(F_φ, v_φ) - descent.fisher_length(F, v),
            }
            worst = {k: max(w, float(np.abs(misses[k]).max())) for k, w in worst.items()}
    return Evidence(
        max(worst.values()) < 1e-8,
        {f"worst miss, {k}": w for k, w in worst.items()},
        "Carried over by T, against computed afresh in the other chart.",
    )


@claim(
    "S1-97",
    verdict="holds",
    where="ng-check-yourself",
    paraphrase="Quiz 1: ordinary descent depends on the parameterisation because the Euclidean "
    "inner product does not transform correctly.",
    correct="The identity matrix of one chart is not the identity matrix of another, while the "
    "loss is the same function of the distribution in both.",
    truth={
        "squared length there": lambda v, T: float(v @ T.T @ T @ v),
        "loss there over loss here": 1.0,
    },
    control={
        "squared length there": lambda v, T: float(v @ v),
        "loss there over loss here": 1.0,
    },
    control_name="the Euclidean length is the same number in every chart",
)
def what_changes_with_the_chart(stated) -> Evidence:
    """One velocity and one loss, in two charts: the Euclidean length of one, the value of the
    other."""
    worst, losses, spread = 0.0, 0.0, np.inf
    for model, θ, mean, names in PROBLEMS:
        v = descent.natural_direction(model.fisher(θ), _at(model, θ, mean)[0])
        here = float(descent.data_fit(model, mean).value(θ))
        for name in names[1:]:
            change, there = model.change_to(name), model.in_chart(name)
            T = change.jacobian(θ)
            w = charts.push_forward_velocity(v, T)
            ratio = float(descent.data_fit(there, mean).value(change.forward(θ))) / here
            worst = max(worst, abs(stated["squared length there"](v, T) / float(w @ w) - 1))
            losses = max(losses, abs(ratio - stated["loss there over loss here"]))
            spread = min(spread, abs(float(w @ w) / float(v @ v) - 1))
    return Evidence(
        worst < 1e-9 and losses < 1e-9 and spread > 0.01,
        {
            "smallest relative change of the squared length between two charts": spread,
            "largest relative change of the loss": losses,
        },
        "One velocity, carried from chart to chart, in three families.",
    )


# What is invariant, and what is not


@claim(
    "S1-11",
    verdict="first order only",
    where="ng-same-velocity-different-step",
    paraphrase="So the update is the same step in distribution space in every parameterisation.",
    correct="The velocities are the same; the end points of one step of size η in two charts "
    "differ by c·η² to leading order, for a coin at q and one head c = (1 − q)(1 − 2q)/(2q) "
    "between probability and log-odds; at q = ½, c = 0 and the gap is −η³/6 to leading order.",
    heard="The natural update is the same step in every parameterisation.",
    fact="The velocity is. End points of a step of size η differ by a multiple of η².",
    truth={
        "gap": lambda q, η: η**2 * (1 - q) * (1 - 2 * q) / (2 * q),
        "at q = ½, over η³": -1 / 6,
    },
    control={"gap": lambda q, η: 0.0, "at q = ½, over η³": 0.0},
    control_name="the same step: no gap",
)
def gap_between_two_charts(stated) -> Evidence:
    """The order in η of what is left of the gap when the predicted one is taken away."""

    def found(start, η):
        q = {}
        for name in ("probability", "log-odds"):
            change, there = COIN.change_to(name), COIN.in_chart(name)
            state, _ = descent.step(
                descent.init(change.forward(np.array([start]))),
                there,
                descent.data_fit(there, HEAD),
                length=descent.Fixed(η),
            )
            q[name] = float(change.inverse(state.theta)[0])
        return q["log-odds"] - q["probability"]

    orders = []
    for q in (0.2, 0.7):
        left = [abs(found(q, η) - stated["gap"](q, η)) for η in (0.002, 0.001)]
        orders.append(float(np.log2(left[0] / left[1])))
    order = min(orders)
    coarse, fine = (found(0.5, η) / η**3 for η in (0.02, 0.01))
    at_half = 2 * fine - coarse
    miss = abs(at_half - stated["at q = ½, over η³"])
    return Evidence(
        order > 2.8 and miss < 2e-4,
        {
            "gap at q = 0.2 and η = 0.001, over η²": found(0.2, 0.001) / 1e-6,
            "order in η of what is left beside the stated gap": order,
            "gap at q = ½, over η³": at_half,
        },
        "A coin at q = 0.2, one at q = 0.7 and one at q = ½, one head.",
        {
            "(1 − q)(1 − 2q)/(2q)": order > 2.8,
            "q = ½": 0.5,
            "c = 0": abs(found(0.5, 1e-3)) / 1e-6 < 1e-3,
            "−η³/6": miss < 2e-4,
        },
    )


@claim(
    "S1-18",
    verdict="first order only",
    where="ng-same-velocity-different-step",
    paraphrase="In the table against Newton's method: the natural gradient is fully invariant to "
    "reparameterisation.",
    correct="The velocity and the flow are; a finite step is for affine changes of chart, and "
    "otherwise to first order; damping and diagonals spoil the velocity too.",
    heard="The natural gradient is fully invariant to reparameterisation.",
    fact="Velocity and flow are, and steps under affine changes of chart. Damping and "
    "diagonals spoil even the velocity.",
    truth={"what": "velocity", "data minus mean": lambda m, mean: mean - m},
    control={"what": "step", "data minus mean": lambda m, mean: mean - m},
    control_name="the finite step too, η = 0.5, moves the means by η(data − mean) in every chart",
)
def fully_invariant(stated) -> Evidence:
    """What moves the mean statistics alike from every chart: in an exponential family with the
    data's fit as loss, the velocity data − mean."""
    steps = _in_every_chart(lambda m, L, θ: θ + 0.5 * _natural_velocity(m, L, θ), ends=True)
    steps = [(m, mean, (end - m) / 0.5) for m, mean, end in steps]
    velocities = _in_every_chart(_natural_velocity)
    gap = _worst(velocities if stated["what"] == "velocity" else steps, stated["data minus mean"])
    damped = _in_every_chart(
        lambda m, L, θ: descent.natural_direction(m.fisher(θ), L.gradient(θ), damping=0.1)
    )
    diagonal = _in_every_chart(lambda m, L, θ: -L.gradient(θ) / np.diagonal(m.fisher(θ)))
    spoilt = {
        "a step of η = 0.5": _spread(steps),
        "damped by 0.1": _spread(damped),
        "diagonal": _spread(diagonal),
    }
    return Evidence(
        gap < 1e-9 and min(spoilt.values()) > 0.01,
        {"velocity of the means, largest difference from data − mean": gap}
        | {f"largest difference between charts, {k}": v for k, v in spoilt.items()},
        "Three families, two to four charts each; all compared as velocities of the means.",
    )


@cache
def _ends(steps):
    """Where the means are at time 0.5, from every chart: by the flow, or by so many steps."""

    def update(model, objective, θ):
        if steps == 0:
            return descent.flow(θ, model, objective, np.array([0.0, 0.5]))[-1]
        length = descent.Fixed(0.5 / steps)
        return descent.run(θ, model, objective, steps, length=length)[0][-1]

    return _in_every_chart(update, ends=True)


@claim(
    "S1-93",
    verdict="first order only",
    where="ng-same-velocity-different-step",
    paraphrase="In the summary: fully invariant, the update in probability space is the same in "
    "every coordinate system.",
    correct="True of the flow, in the limit of small steps; ten steps of 0.05 already part.",
    truth={"by": "flow", "end": lambda m, mean: mean + (m - mean) * np.exp(-0.5)},
    control={"by": "ten steps", "end": lambda m, mean: mean + (m - mean) * 0.95**10},
    control_name="ten steps of 0.05 end, in every chart, where they end in the chart of the means",
)
def same_update_in_probability_space(stated) -> Evidence:
    found = _ends(0) if stated["by"] == "flow" else _ends(10)
    gap, apart, η = _worst(found, stated["end"]), _spread(_ends(10)), 0.5 / 10
    return Evidence(
        gap < 1e-9 and apart > 1e-3,
        {"flow at time 0.5, largest error": gap, "ten steps, largest gap between charts": apart},
        "Where the means end, three families, two to four charts each.",
        {"0.05": η},
    )


# The Riemannian words


@claim(
    "S1-12",
    verdict="false as stated",
    where="ng-covariant-derivative",
    paraphrase="The natural gradient is to the gradient what covariant differentiation is to "
    "partial differentiation.",
    correct="The covariant derivative of the loss is its partial derivative: no connection enters "
    "the natural gradient, which raises an index with F⁻¹. The connection repairs the Hessian: "
    "Newton's method with it moves the coin at q = 0.2 by 8/25 per unit in every chart, without "
    "it by 0.2 or 0.8.",
    heard="The natural gradient is to the gradient what the covariant derivative is to the "
    "partial derivative.",
    fact="The covariant derivative of a loss is its partial derivative. The natural gradient "
    "raises an index with F⁻¹, and needs no connection.",
    truth={
        "raised": True,
        "velocity": lambda m, mean: mean - m,
        "Riemannian Newton": 8 / 25,
        "plain Newton": {"probability": 0.2, "log-odds": 0.8},
    },
    control={
        "raised": False,
        "velocity": lambda m, mean: mean - m,
        "Riemannian Newton": 8 / 25,
        "plain Newton": {"probability": 0.2, "log-odds": 0.8},
    },
    control_name="the covariant derivative of the loss, which is its partial derivative, as a step",
)
def what_makes_the_gradient_a_velocity(stated) -> Evidence:
    numbers, miss = {}, 0.0
    for name in ("probability", "log-odds"):
        change, there = COIN.change_to(name), COIN.in_chart(name)
        θ, loss = change.forward(FIFTH), descent.data_fit(there, HEAD)
        g, H, T = loss.gradient(θ), covariant_hessian(there, loss, θ), change.jacobian(FIFTH)
        second = (loss.gradient(θ + 1e-5) - loss.gradient(θ - 1e-5)) / 2e-5
        riemannian = float(charts.pull_back_velocity(-np.linalg.solve(H, g), T)[0])
        plain = float(charts.pull_back_velocity(-g / second, T)[0])
        numbers |= {f"Riemannian Newton in {name}": riemannian, f"plain Newton in {name}": plain}
        miss = max(
            miss,
            abs(riemannian - stated["Riemannian Newton"]),
            abs(plain - stated["plain Newton"][name]),
        )
    raise_index = _natural_velocity if stated["raised"] else lambda m, L, θ: -L.gradient(θ)
    gap = _worst(_in_every_chart(raise_index), stated["velocity"])
    return Evidence(
        gap < 1e-9 and miss < 1e-6,
        {"velocity of the means, largest difference from data − mean": gap, **numbers},
        "Raising the index gives one velocity; differentiating a scalar covariantly gives back "
        "the partial derivatives.",
        {
            "q = 0.2": FIFTH.item(),
            "8/25": stated["Riemannian Newton"],
            "by 0.2": stated["plain Newton"]["probability"],
            "0.8": stated["plain Newton"]["log-odds"],
        },
    )


def _straight_in_probabilities(start, end, times):
    """The mixture geodesic, at the times of the flow: m̄ + (m − m̄)e⁻ᵗ."""
    return end + np.exp(-times)[:, None] * (start - end)


def _levi_civita(start, end, times):
    """The Fisher-Rao geodesic on the sphere of square roots, at a hundredth of its length."""

    def full(p):
        return np.sqrt(np.append(p, 1 - p.sum()))

    a, b = full(start), full(end)
    angle = np.arccos(a @ b)
    u = np.linspace(0, 1, 101)[:, None]
    root = (np.sin((1 - u) * angle) * a + np.sin(u * angle) * b) / np.sin(angle)
    return (root**2)[:, :2]


@claim(
    "S3-31",
    verdict="holds under conditions",
    where="ng-three-straight-lines",
    paraphrase="The natural-gradient flow is neither ordinary steepest descent nor a geodesic of "
    "the manifold.",
    correct="With two parameters or more its track is in general not a geodesic of the Fisher "
    "metric. But in an exponential family the flow of KL(p*‖p) has the track of a mixture "
    "geodesic, and that of KL(p‖p*), with p* in the family, the track of an exponential one; with "
    "one parameter all have the same track.",
    heard="The natural-gradient flow is not a geodesic.",
    fact="Not of the Fisher metric, in general. In an exponential family it follows a straight "
    "line of another connection, at another speed.",
    truth=_straight_in_probabilities,
    control=_levi_civita,
    control_name="the popular error: the natural gradient follows Fisher-Rao geodesics",
)
def track_of_the_flow(track) -> Evidence:
    """How far the flow of a trinomial strays from a track, in Fisher length."""
    strays = []
    for start, end in TRINOMIALS:
        flow, times = _flow_of_a_trinomial(tuple(start), tuple(end))
        gaps = flow[:, None] - track(start, end, times)[None]
        strays.append(descent.fisher_length(DIE.fisher(flow)[:, None], gaps).min(axis=1).max())
    start, end = TRINOMIALS[0]
    g, F = _at(DIE, start, np.append(end, 1 - end.sum()))
    v = descent.natural_direction(F, g)
    cosine = -(v @ F @ g) / descent.fisher_length(F, v) / descent.fisher_length(F, g)
    return Evidence(
        max(strays) < 1e-8,
        {
            "largest distance of the flow from the track": float(max(strays)),
            "angle to ordinary descent at the start, degrees": float(np.degrees(np.arccos(cosine))),
        },
        "A trinomial from (0.8, 0.15, 0.05) towards (0.1, 0.3, 0.6), and one other.",
    )


TRINOMIALS = (
    (np.array([0.8, 0.15]), np.array([0.1, 0.3])),
    (np.array([0.1, 0.2]), np.array([0.5, 0.1])),
)


@cache
def _flow_of_a_trinomial(start, end):
    target, times = np.append(end, 1 - sum(end)), np.linspace(0, 3 - start[0], 13)
    return descent.flow(np.array(start), DIE, descent.data_fit(DIE, target), times), times
