"""Checks of the chapter "The natural gradient".

Each is fed a statement as data, once as the book makes it and once in a false version, and decides
it by numbers: brute force over directions, the same step taken in several charts, the flow and the
geodesic solved to 1e-12.
"""

from __future__ import annotations

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
]


def _at(model, theta, mean):
    """Gradient and Fisher matrix of the fit to the data."""
    return descent.data_fit(model, mean).gradient(theta), model.fisher(theta)


def _compass(F, n=3600):
    """n displacements of Fisher length 1, all around a point of a two-parameter model."""
    angle = 2 * np.pi * np.arange(n) / n
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    return np.linalg.solve(np.linalg.cholesky(F).T, circle.T).T


def _in_every_chart(update):
    """The largest Fisher distance, over the problems, between an update in two charts.

    `update(model, objective, theta)` returns a velocity or a point in the chart of `model`: all
    are brought to the first chart before they are compared.
    """
    worst = 0.0
    for model, theta, mean, names in PROBLEMS:
        found = []
        for name in names:
            change = model.change_to(name)
            there = model.in_chart(name)
            kind, value = update(there, descent.data_fit(there, mean), change.forward(theta))
            if kind == "velocity":
                value = charts.pull_back_velocity(value, change.jacobian(theta))
            else:
                value = change.inverse(value)
            found.append(value)
        gaps = np.array(found) - found[0]
        worst = max(worst, float(descent.fisher_length(model.fisher(theta), gaps).max()))
    return worst


def _natural_velocity(model, objective, theta):
    direction = descent.natural_direction(model.fisher(theta), objective.gradient(theta))
    return "velocity", direction


def _natural_step(η):
    def update(model, objective, theta):
        _, direction = _natural_velocity(model, objective, theta)
        return "point", theta + η * direction

    return update


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
    fact="It measures the tangent so. The step is still taken in coordinates: two charts, two "
    "KL divergences.",
    truth=lambda model, θ, v: 0.5 * np.einsum("i,ij,j", v, model.fisher(θ), v),
    control=lambda model, θ, v: model.kl(θ, θ + v),
    control_name="the step's own KL divergence, in place of the tangent's",
)
def measured_by_the_model(size) -> Evidence:
    """Is the size of one and the same natural step, η = 0.9 for a fair coin, one number?"""
    sizes, kl = {}, {}
    for name in ("probability", "log-odds"):
        model = COIN.in_chart(name)
        θ = COIN.change_to(name).forward(np.array([0.5]))
        v = 0.9 * descent.natural_direction(model.fisher(θ), _at(model, θ, HEAD)[0])
        sizes[name], kl[name] = float(size(model, θ, v)), float(model.kl(θ, θ + v))
    return Evidence(
        abs(sizes["probability"] - sizes["log-odds"]) < 1e-12,
        {f"size in {n}": s for n, s in sizes.items()} | {f"KL in {n}": k for n, k in kl.items()},
        "Both charts measure the tangent alike; the two finite steps differ in KL.",
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
)
def steepest_in_the_fisher_geometry(direction) -> Evidence:
    worst, r = np.inf, 1e-4
    for model, θ, mean, _ in PROBLEMS[1:]:
        loss, F = descent.data_fit(model, mean), model.fisher(θ)
        v = direction(F, loss.gradient(θ))
        gains = loss.value(θ) - loss.value(θ + r * _compass(F))
        gain = loss.value(θ) - loss.value(θ + r * v / descent.fisher_length(F, v))
        worst = min(worst, float(gain / gains.max()))
    return Evidence(
        worst > 1 - 1e-3,
        {"gain, as a share of the best of 3,600 directions": worst},
        "Steps of Fisher length 0.0001 in every direction, by the loss itself.",
    )


def _per_length(gain, kl):
    return gain / np.sqrt(2 * kl)


def _per_kl(gain, kl):
    return gain / kl


def _has_a_best_direction(rate) -> Evidence:
    """Is the best rate finite as steps shrink, and attained along the natural direction?"""
    loss, F = descent.data_fit(BELL, BELL_DATA), BELL.fisher(BELL_AT)
    v = descent.natural_direction(F, loss.gradient(BELL_AT))
    compass = np.vstack([v / descent.fisher_length(F, v), _compass(F)])
    best, share = [], []
    for r in (1e-2, 1e-3):
        ends = BELL_AT + r * compass
        rates = rate(loss.value(BELL_AT) - loss.value(ends), BELL.kl(BELL_AT, ends))
        best.append(float(rates.max()))
        share.append(float(rates[0] / rates.max()))
    return Evidence(
        abs(best[1] / best[0] - 1) < 0.02 and share[1] > 1 - 1e-3,
        {"best rate at length 0.01": best[0], "best rate at length 0.001": best[1],
         "share along the natural direction": share[1]},
        "A rate that is to be maximised must not grow as the step shrinks.",
    )  # fmt: skip


@claim(
    "S1-07",
    verdict="holds under conditions",
    where="ng-steepest-per-what",
    paraphrase="The natural gradient is the direction of steepest descent of the loss per unit of "
    "KL divergence.",
    correct="Among steps of one and the same small KL divergence the natural direction lowers the "
    "loss most, to leading order as the steps shrink; the quotient of decrease and KL then grows "
    "without end, the quotient of decrease and √(2KL) has a finite limit, largest along −F⁻¹∂L.",
    heard="The natural gradient is the steepest descent per unit of KL divergence.",
    fact="Among steps of one small KL it lowers the loss most. The quotient by KL itself grows "
    "without end: divide by √(2KL).",
    truth=_per_length,
    control=_per_kl,
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
    truth=_per_length,
    control=_per_kl,
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
    ε, fitted, found = 0.005, None, []
    for θ in ([0.0, 2.0], [0.6, 1.2], [0.9, 0.7]):
        g, F = _at(BELL, np.array(θ), BELL_DATA)
        fitted = _matched(F, g, ε, None) if fitted is None else fitted
        Δ = step_size(F, g, ε, fitted) * descent.natural_direction(F, g)
        best = (np.sqrt(2 * ε) * _compass(F) @ g).min()  # brute force on the edge of the region
        found.append((0.5 * Δ @ F @ Δ, (g @ Δ) / best))
    kl, share = np.array(found).T
    return Evidence(
        bool(np.allclose(kl, ε, rtol=1e-9) and np.allclose(share, 1, atol=1e-5)),
        {f"KL of the step at point {i + 1}": k for i, k in enumerate(kl)},
        "A region of KL 0.005 at three points of the way to the data.",
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
    worst, η, rng = np.inf, 0.3, np.random.default_rng(0)
    for model, θ, mean, _ in PROBLEMS:
        g, F = _at(model, θ, mean)
        Δ = solution(F, g, η)
        others = Δ + rng.normal(size=(500, model.dim)) * np.logspace(-4, 0, 500)[:, None]

        def price(v, g=g, F=F):
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
        return "velocity", rule(model.fisher(θ), objective.gradient(θ))

    gap = _in_every_chart(update)
    loss = descent.data_fit(BELL, BELL_DATA)
    state, _ = descent.step(descent.init(BELL_AT), BELL, loss, length=descent.Fixed(0.1))
    _, v = update(BELL, loss, BELL_AT)
    miss = float(np.abs(state.theta - (BELL_AT + 0.1 * v)).max())
    return Evidence(
        gap < 1e-9 and miss < 1e-12,
        {"largest difference between charts": gap, "distance from the library's step": miss},
        "Three families, each in two to four charts.",
    )


@claim(
    "S1-09",
    verdict="holds",
    where="ng-two-problems",
    paraphrase="Minimising the linearised loss under the quadratic form of a KL constraint gives, "
    "by a Lagrange multiplier, the natural gradient direction.",
    correct="Where F is positive definite and the gradient is not zero, the solution is "
    "−F⁻¹g/ν with the multiplier ν = √(gᵀF⁻¹g/(2ε)): the direction is the natural one, the "
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
            direction, ν = solution(F, g, ε)
            Δ = direction / ν
            best = np.sqrt(2 * ε) * (_compass(F) @ g).min()
            excess = max(excess, abs(g @ Δ / best - 1), abs(0.5 * Δ @ F @ Δ / ε - 1))
            gain = [np.sqrt(2 * e) * -(_compass(F) @ g).min() for e in (0.999 * ε, 1.001 * ε)]
            priced = max(priced, abs((gain[1] - gain[0]) / (0.002 * ε) / ν - 1))
    return Evidence(
        excess < 1e-5 and priced < 1e-4,
        {"worst relative miss of the step": excess, "worst relative miss of ν": priced},
        "Two families, two radii, 3,600 steps on the edge of each region.",
    )


@claim(
    "S1-98",
    verdict="holds",
    where="ng-check-yourself",
    paraphrase="Quiz 2: the natural gradient update is derived by minimising a first-order "
    "approximation of the loss under a KL constraint.",
    correct="Of the four options this one gives the natural direction; its step size then follows "
    "from the radius and is not one fixed η.",
    truth="linear loss, KL constraint",
    control="second-order Taylor expansion of the loss",
    control_name="option A: minimise a second-order Taylor expansion of the loss",
)
def what_the_update_is_derived_from(problem) -> Evidence:
    """The angle, in the Fisher geometry, between the problem's solution and −F⁻¹g."""
    worst = 0.0
    for model, θ, mean, _ in PROBLEMS[1:]:
        loss = descent.data_fit(model, mean)
        g, F = loss.gradient(θ), model.fisher(θ)
        if problem == "linear loss, KL constraint":
            rim = _on_the_kl_sphere(model, θ, 1e-8, _compass(F, 36000))
            v = rim[np.argmin(rim @ g)]
        else:
            h = 1e-5 * np.eye(model.dim)
            H = np.stack([(loss.gradient(θ + e) - loss.gradient(θ - e)) / 2e-5 for e in h])
            v = -np.linalg.solve(H, g)
        n = descent.natural_direction(F, g)
        cosine = v @ F @ n / descent.fisher_length(F, v) / descent.fisher_length(F, n)
        worst = max(worst, float(np.degrees(np.arccos(np.clip(cosine, -1, 1)))))
    return Evidence(worst < 0.1, {"angle to the natural direction, degrees": worst},
                    "Gaussian in (μ, σ) and categorical in probabilities.")  # fmt: skip


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
    truth=lambda model, objective, θ, v: float(v @ v),
    control=lambda model, objective, θ, v: float(objective.value(θ)),
    control_name="option C: the value of the loss changes",
)
def what_changes_with_the_chart(quantity) -> Evidence:
    """Does the quantity differ between charts for one point and one and the same velocity?"""
    spread = np.inf
    for model, θ, mean, names in PROBLEMS:
        v = descent.natural_direction(model.fisher(θ), _at(model, θ, mean)[0])
        values = []
        for name in names:
            change, there = model.change_to(name), model.in_chart(name)
            w = charts.push_forward_velocity(v, change.jacobian(θ))
            values.append(quantity(there, descent.data_fit(there, mean), change.forward(θ), w))
        spread = min(spread, (max(values) - min(values)) / max(map(abs, values)))
    return Evidence(
        spread > 0.01,
        {"smallest relative spread over the charts": spread},
        "One velocity, carried from chart to chart, in three families.",
    )


# What is invariant, and what is not


@claim(
    "S1-11",
    verdict="first order only",
    where="ng-same-velocity-different-step",
    paraphrase="So the update is the same step in distribution space in every parameterisation.",
    correct="The velocities are the same; the end points of one step of size η in two charts "
    "differ by c·η² to leading order, for a coin at q and one head c = (1−q)(1−2q)/(2q) between "
    "probability and log-odds; at q = ½, c = 0 and the gap is −η³/6 to leading order.",
    heard="The natural update is the same step in every parameterisation.",
    fact="The velocity is. End points of a step of size η differ by a multiple of η².",
    truth=lambda q, η: η**2 * (1 - q) * (1 - 2 * q) / (2 * q),
    control=lambda q, η: 0.0,
    control_name="the same step: no gap",
)
def gap_between_two_charts(gap) -> Evidence:
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

    left = [abs(found(0.2, η) - gap(0.2, η)) for η in (0.002, 0.001)]
    order = float(np.log2(left[0] / left[1]))
    at_half = found(0.5, 0.01) / 0.01**3
    return Evidence(
        order > 2.8 and abs(at_half + 1 / 6) < 1e-3,
        {
            "gap at η = 0.001, over η²": found(0.2, 0.001) / 1e-6,
            "order of what is left": order,
            "gap at q = ½, over η³": at_half,
        },
        "A coin at q = 0.2 and one at q = ½, one head.",
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
    truth=_natural_velocity,
    control=_natural_step(0.5),
    control_name="the finite step, η = 0.5",
)
def fully_invariant(update) -> Evidence:
    gap = _in_every_chart(update)
    damped = _in_every_chart(
        lambda m, L, θ: (
            "velocity",
            descent.natural_direction(m.fisher(θ), L.gradient(θ), damping=0.1),
        )
    )
    diagonal = _in_every_chart(
        lambda m, L, θ: ("velocity", -L.gradient(θ) / np.diagonal(m.fisher(θ)))
    )
    return Evidence(
        gap < 1e-9,
        {"largest difference between charts": gap, "damped by 0.1": damped, "diagonal": diagonal},
        "Fisher length of the difference, three families, two to four charts each.",
    )


def _flow_for(total):
    def update(model, objective, θ):
        return "point", descent.flow(θ, model, objective, np.array([0.0, total]))[-1]

    return update


def _ten_steps_for(total):
    def update(model, objective, θ):
        path, _ = descent.run(θ, model, objective, 10, length=descent.Fixed(total / 10))
        return "point", path[-1]

    return update


@claim(
    "S1-93",
    verdict="first order only",
    where="ng-same-velocity-different-step",
    paraphrase="In the summary: fully invariant, the update in probability space is the same in "
    "every coordinate system.",
    correct="True of the flow, in the limit of small steps; ten steps of 0.05 already part.",
    truth=_flow_for(0.5),
    control=_ten_steps_for(0.5),
    control_name="ten steps of 0.05 in place of the flow for a time of 0.5",
)
def same_update_in_probability_space(update) -> Evidence:
    gap = _in_every_chart(update)
    return Evidence(
        gap < 1e-7,
        {"largest difference between charts": gap},
        "Fisher length of the difference, three families, two to four charts each.",
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
    truth=_natural_velocity,
    control=lambda model, objective, θ: ("velocity", -objective.gradient(θ)),
    control_name="the covariant derivative of the loss, which is its partial derivative, as a step",
)
def what_makes_the_gradient_a_velocity(operation) -> Evidence:
    newton = {}
    for name in ("probability", "log-odds"):
        change, there = COIN.change_to(name), COIN.in_chart(name)
        θ, loss = change.forward(FIFTH), descent.data_fit(there, HEAD)
        g, H = loss.gradient(θ), covariant_hessian(there, loss, θ)
        T = change.jacobian(FIFTH)
        dq = charts.pull_back_velocity(-np.linalg.solve(H, g), T)
        newton[f"Riemannian Newton, {name}"] = float(dq[0])
        second = (loss.gradient(θ + 1e-5) - loss.gradient(θ - 1e-5)) / 2e-5
        newton[f"plain Newton, {name}"] = float(charts.pull_back_velocity(-g / second, T)[0])
    gap = _in_every_chart(operation)
    return Evidence(
        gap < 1e-9,
        {"largest difference between charts": gap, **newton},
        "Raising the index gives one velocity; differentiating a scalar covariantly gives back "
        "the partial derivatives.",
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
    start, end = np.array([0.8, 0.15]), np.array([0.1, 0.3])
    target = np.append(end, 1 - end.sum())
    times = np.linspace(0, 3, 13)
    flow = descent.flow(start, DIE, descent.data_fit(DIE, target), times)
    gaps = flow[:, None] - track(start, end, times)[None]
    strays = descent.fisher_length(DIE.fisher(flow)[:, None], gaps).min(axis=1)
    g, F = _at(DIE, start, target)
    v = descent.natural_direction(F, g)
    cosine = -(v @ F @ g) / descent.fisher_length(F, v) / descent.fisher_length(F, g)
    return Evidence(
        strays.max() < 1e-8,
        {
            "largest distance of the flow from the track": float(strays.max()),
            "angle to ordinary descent at the start, degrees": float(np.degrees(np.arccos(cosine))),
        },
        "A trinomial from (0.8, 0.15, 0.05) towards (0.1, 0.3, 0.6).",
    )
