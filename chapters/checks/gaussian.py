"""Checks of the chapter "A Gaussian, and what its uncertainty does".

Each is fed a statement as data and decides it by numbers: curvatures of the KL divergence, steps
taken by `ngdlib.descent` and `ngdlib.variational`, designs whose moments are those of the text.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from ngdlib import charts, descent
from ngdlib.claims import Evidence, claim
from ngdlib.families import Gaussian, LinearGaussian, known_covariance
from ngdlib.variational import Belief, mean_field_gradients, natural_step, posterior

BELL = Gaussian("mu, sigma")
SIGMA = np.array([[2.0, 1.0], [1.0, 2.0]])  # the covariance of the course's second example
PAIR, Y, ORIGIN = known_covariance(SIGMA), np.array([1.0, 2.0]), np.zeros(2)
MEAN_X, COV_X = np.array([2.0, 0.0]), np.array([[1.0, 0.9], [0.9, 0.9]])
SECOND_MOMENT = COV_X + np.outer(MEAN_X, MEAN_X)
ROWS = np.array([[1.0, 0], [1, 1], [1, 2], [1, 3]])  # an intercept and a slope
SEEN, START = np.array([0.0, 1, 2, 6]), np.array([5.0, -3.0])
NOISES = np.array([1.0, 1, 1, 4])


def near(found, stated, rel=1e-4) -> bool:
    """Every number to a relative 1e-4 (absolutely, where 0 is stated)."""
    found, stated = np.asarray(found, float), np.asarray(stated, float)
    return found.shape == stated.shape and bool(
        np.all(np.abs(found - stated) <= rel * np.where(stated == 0, 1, np.abs(stated)))
    )


def _degrees(u, v) -> float:
    cosine = u @ v / np.linalg.norm(u) / np.linalg.norm(v)
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def _square_loss(mu):
    return 0.5 * float(np.sum((mu - Y) ** 2))


@cache
def _second_example():
    """Gradient, Fisher matrix and natural direction of the course's second example."""
    g, F = ORIGIN - Y, PAIR.fisher(ORIGIN)
    return g, F, descent.natural_direction(F, g)


def _kl_length(covariance, direction) -> float:
    """How far the mean moves along a direction for a KL divergence of 1."""
    model, unit = known_covariance(covariance), direction / np.linalg.norm(direction)
    return float(1 / np.sqrt(model.kl(np.zeros(2), unit)))


@cache
def _design():
    """Four rows with the mean and the covariance of the text: the mean ± √2 times a root of it."""
    root = np.linalg.cholesky(COV_X).T * np.sqrt(2)
    return MEAN_X + np.vstack([root, -root])


# Mean field


@claim(
    "S1-25",
    verdict="holds",
    where="gaussian-scale",
    paraphrase="For a Gaussian with independent entries the Fisher matrix I(μ, σ) is diagonal, "
    "with 1/σ² for each mean and 2/σ² for each scale.",
    correct="In the coordinates (μ, σ), which the course names, it is so. In the variance the "
    "second entry is 1/(2σ⁴), in log σ it is 2.",
    truth=lambda s: [1 / s**2, 0.0, 2 / s**2],
    control=lambda s: [1 / s**2, 0.0, 1 / (2 * s**4)],
    control_name="the information of the variance, as the course's q(z | μ, σ²) would suggest",
)
def mean_field_fisher(entries) -> Evidence:
    """Second differences of the KL divergence, the Hessian of which is F."""

    def curvature(model, θ, u, v, h=2e-4):
        ends = (u + v, u - v, v - u, -u - v)
        a, b, c, d = (float(model.kl(θ, θ + h * e)) for e in ends)
        return (a - b - c + d) / (4 * h * h)

    worst, right = 0.0, True
    for s in (0.4, 1.0, 2.5):
        θ, (e1, e2) = np.array([0.3, s]), np.eye(2)
        found = [curvature(BELL, θ, *pair) for pair in ((e1, e1), (e1, e2), (e2, e2))]
        right &= near(found, entries(s), 1e-3)
        worst = max(worst, abs(found[1]))
    logged, spread = Gaussian("mu, log sigma"), Gaussian("mu, sigma^2")
    in_log = logged.fisher(np.array([0.0, np.log(0.4)]))[1, 1]
    in_variance = spread.fisher(np.array([0.0, 0.16]))[1, 1]
    return Evidence(
        right,
        {"largest mixed entry": worst, "log σ": in_log, "variance, σ = 0.4": in_variance},
        "The Hessian of the KL divergence, by differences, at three scales.",
        {
            "1/(2σ⁴)": bool(np.isclose(in_variance, 1 / (2 * 0.4**4))),
            "it is 2": in_log,
        },
    )


@claim(
    "S1-26",
    verdict="holds",
    where="gaussian-by-hand",
    paraphrase="The natural gradient by a mean μ is σ² times the ordinary one.",
    correct="It is, in every chart that has μ and a scale as coordinates; the one by σ is σ²/2 "
    "times the ordinary one, which the course does not state.",
    truth=lambda s, g: s**2 * g,
    control=lambda s, g: s * g,
    control_name="σ in place of σ²",
)
def natural_gradient_of_a_mean(rule) -> Evidence:
    right, scale = True, []
    for s in (0.3, 1.0, 1.7):
        for g in (-16.0, 0.7):
            for chart in ("mu, sigma", "mu, sigma^2", "mu, log sigma"):
                model = Gaussian(chart)
                F = model.fisher(BELL.change_to(model).forward([0.2, s]))
                v = -descent.natural_direction(F, np.array([g, 1.0]))
                right &= near(v[0], rule(s, g))
            F = BELL.fisher(np.array([0.2, s]))
            scale.append(-descent.natural_direction(F, np.array([0.0, g]))[1] / (s**2 / 2 * g))
    return Evidence(
        right,
        {"natural by σ, in units of σ²/2 times the gradient": max(scale)},
        "The Fisher matrix inverted, in three charts and at three scales.",
        {"σ²/2": near(scale, np.ones(6))},
    )


@claim(
    "S1-27",
    verdict="holds under conditions",
    where="gaussian-by-hand",
    paraphrase="Parameters of high uncertainty get larger updates: the model's own uncertainty "
    "adapts the learning rate.",
    correct="At equal gradients they do, by the factor σ². But the gradient depends on the target: "
    "towards a Gaussian target of precision Λ the mean goes the share Λσ² of the way, so where "
    "σ² = 1/Λ the step is the whole way, whatever σ is.",
    heard="High uncertainty means larger updates.",
    fact="At equal gradients. A step goes the share Λσ² of the way to a target of precision Λ: at "
    "σ² = 1/Λ the whole way, for a wide q and for a narrow one.",
    truth=lambda precision, s, way: precision * s**2 * way,
    control=lambda precision, s, way: s**2 * way,
    control_name="the step is set by the model's own uncertainty alone",
)
def step_of_the_mean(rule) -> Evidence:
    right, whole = True, []
    for Λ, s, way in ((16.0, 0.5, 1.0), (16.0, 0.025, -2.0), (0.3, 1.4, 3.0), (4.0, 0.5, 0.7)):
        q = Belief(np.zeros(1), np.array([s**2]))
        g, _ = mean_field_gradients(q, np.array([way]), np.array([[Λ]]))
        moved = descent.natural_direction(np.array([[s**-2]]), g)[0]
        right &= near(moved, rule(Λ, s, way))
        if np.isclose(s**2, 1 / Λ):
            whole.append(moved / way)
    return Evidence(
        right,
        {"share of the way at σ² = 1/Λ": whole[0]},
        "The mean's natural step for four targets and scales.",
        {"1/Λ": near(whole, np.ones(len(whole)))},
    )


@claim(
    "S1-103",
    verdict="holds under conditions",
    where="gaussian-by-hand",
    paraphrase="Quiz: the factor σ² means that parameters with higher uncertainty get larger "
    "updates; σ² is the uncertainty about μ.",
    correct="Per unit of gradient the update grows as σ to the power 2. For a loss whose precision "
    "matches the variance, σ² = 1/Λ, it does not grow: the power is 0 and the step the whole way. "
    "And σ² is the variance of what q describes; μ is a parameter of q and has none.",
    truth={"power at equal gradients": 2.0, "share at a matched scale": 1.0},
    control={"power at equal gradients": 2.0, "share at a matched scale": 4.0},
    control_name="a higher uncertainty makes larger updates whatever the loss",
)
def updates_and_uncertainty(stated) -> Evidence:
    def unit(s, Λ=None):
        """The step of the mean, one away: at gradient 1, or for a target of precision Λ."""
        g = 1.0 if Λ is None else Λ
        return -descent.natural_direction(BELL.fisher([0.0, s]), np.array([g, 0.0]))[0]

    power = np.log2(unit(0.8) / unit(0.4))
    shares = [unit(s, 1 / s**2) for s in (0.1, 0.8)]
    flat = np.log2(shares[1] / shares[0])
    return Evidence(
        near(power, stated["power at equal gradients"])
        and near(shares, np.full(2, stated["share at a matched scale"])),
        {
            "power": power,
            "share at σ = 0.1": shares[0],
            "share at σ = 0.8": shares[1],
            "power there": flat,
        },
        "The same two scales, with equal gradients and with losses that match them.",
        {"power 2": power, "1/Λ": near(shares, [1.0, 1.0]), "power is 0": near(flat, 0.0)},
    )


@claim(
    "S1-104",
    verdict="holds under conditions",
    where="gaussian-annealing",
    paraphrase="As one becomes confident, σ² goes to 0 and the step size shrinks: the learning "
    "rate anneals by itself.",
    correct="If data keep coming σ² goes to 0, and the gains are ½, ⅓, ¼. For a fixed posterior of "
    "precision Λ it goes to 1/Λ and the multiplier Λσ² to 1: at η = 0.1, with gradient noise of "
    "standard deviation 8 and Λ = 16, the mean jitters by 0.115 for ever.",
    heard="As σ² → 0 the learning rate anneals by itself.",
    fact="On a fixed posterior Λσ² tends to 1, and a noisy mean jitters for ever. Only where new "
    "data keep coming do the gains fall.",
    truth={"jitter": 0.1147079, "gains": [1 / 2, 1 / 3, 1 / 4]},
    control={"jitter": 0.0, "gains": [1 / 2, 1 / 3, 1 / 4]},
    control_name="the jitter dies out",
)
def does_it_anneal(stated) -> Evidence:
    Λ, η, τ = 16.0, 0.1, 8.0
    q = Belief(np.array([0.0]), np.array([1 / Λ]))

    def moved(mean, noise):
        here = Belief(np.array([mean]), q.variance)
        g, g_v = mean_field_gradients(here, np.zeros(1), np.array([[Λ]]))
        return natural_step(here, g + noise, g_v, η).mean[0]

    keep, kick = moved(1.0, 0.0), moved(0.0, 1.0)
    jitter = abs(kick) * τ / np.sqrt(1 - keep**2)  # where the variance repeats itself
    belief, gains = Belief(np.array(0.0), np.array(1.0)), []
    for _ in range(3):
        ends = [posterior(belief, y, 1, 1.0) for y in (0.0, 1.0)]
        gains.append(float(ends[1].mean - ends[0].mean))
        belief = ends[0]
    settled = Belief(np.zeros(1), np.array([0.01]))
    for _ in range(200):
        g = mean_field_gradients(settled, np.zeros(1), np.array([[Λ]]))
        settled = natural_step(settled, *g, η)
    return Evidence(
        near(jitter, stated["jitter"]) and near(gains, stated["gains"]),
        {
            "jitter": jitter,
            "first gain": gains[0],
            "third gain": gains[2],
            "Λσ² after 200 steps": settled.variance[0] * Λ,
        },
        "One step is linear in mean and noise: its two coefficients give the stationary spread.",
        {
            "to 0, and the gains are ½, ⅓, ¼": near(gains, [1 / 2, 1 / 3, 1 / 4]),
            "1/Λ": near(settled.variance[0], 1 / Λ),
            "Λσ² to 1": near(settled.variance[0] * Λ, 1.0),
            "Λσ² tends to 1": near(settled.variance[0] * Λ, 1.0),
            "η = 0.1": η,
            "deviation 8": τ,
            "Λ = 16": Λ,
            "0.115": jitter,
        },
    )


# A known covariance


@claim(
    "S1-58",
    verdict="holds",
    where="gaussian-known-covariance",
    paraphrase="Example 2: the Fisher matrix is Σ⁻¹ = ⅓[[2, −1], [−1, 2]], and the natural "
    "gradient at the origin is (−4, −5).",
    correct="Both are right. The natural gradient stands at an angle of 12.1° to the ordinary one.",
    truth={"three F": [[2.0, -1.0], [-1.0, 2.0]], "natural gradient": [-4.0, -5.0]},
    control={"three F": [[2.0, -1.0], [-1.0, 2.0]], "natural gradient": [0.0, -1.0]},
    control_name="the gradient multiplied by F and not by its inverse",
)
def second_example(stated) -> Evidence:
    g, F, v = _second_example()
    return Evidence(
        near(3 * F, stated["three F"]) and near(-v, stated["natural gradient"]),
        {"first of the natural gradient": -v[0], "second": -v[1]},
        "The library's Fisher matrix and direction at the course's numbers.",
        {"12.1": _degrees(g, -v)},
    )


@claim(
    "S1-59",
    verdict="holds under conditions",
    where="gaussian-known-covariance",
    paraphrase="Example 2: standard descent points toward (−1, −2), natural descent toward "
    "(−4, −5).",
    correct="Those are the gradients, and descent goes against them: towards (1, 2) and (4, 5). "
    "For the first the course says so in the same sentence.",
    truth={"ordinary": [1.0, 2.0], "natural": [4.0, 5.0]},
    control={"ordinary": [-1.0, -2.0], "natural": [-4.0, -5.0]},
    control_name="the gradients taken for directions of descent",
)
def which_way_is_down(stated) -> Evidence:
    g, _, v = _second_example()
    falls = [_square_loss(1e-3 * np.array(stated[k])) - _square_loss(ORIGIN) for k in stated]
    right = near(stated["ordinary"], -g) and near(stated["natural"], v)
    return Evidence(
        right and all(fall < 0 for fall in falls),
        {"change of the loss, ordinary": falls[0], "change of the loss, natural": falls[1]},
        "The loss a thousandth of the stated arrows away, and the arrows themselves.",
        {"(1, 2) and (4, 5)": near(-g, [1, 2]) and near(v, [4, 5])},
    )


ROOT_6, ROOT_2 = float(np.sqrt(6)), float(np.sqrt(2))


@claim(
    "S1-60",
    verdict="false as stated",
    where="gaussian-known-covariance",
    paraphrase="Example 2: moving along the negatively correlated direction needs the larger "
    "change of the parameters for the same change of the distribution.",
    correct="It needs the smaller one. For a KL divergence of 1 the mean moves 1.41 along (1, −1), "
    "where the two entries go opposite ways, and 2.45 along (1, 1), where they go together, as the "
    "positive correlation has them do.",
    heard="The negatively correlated direction needs the larger parameter change.",
    fact="The smaller: for a KL of 1, 1.41 along (1, −1) against 2.45 along (1, 1). Against the "
    "grain of the data a small shift shows.",
    truth={"along (1, 1)": ROOT_6, "along (1, −1)": ROOT_2},
    control={"along (1, 1)": ROOT_2, "along (1, −1)": ROOT_6},
    control_name="the larger change along (1, −1)",
)
def lengths_for_one_kl(stated) -> Evidence:
    together, apart = (_kl_length(SIGMA, np.array(d)) for d in ((1.0, 1.0), (1.0, -1.0)))
    return Evidence(
        near(together, stated["along (1, 1)"]) and near(apart, stated["along (1, −1)"]),
        {"along (1, 1)": together, "along (1, −1)": apart},
        "The distance along each direction at which the KL divergence is 1.",
        {
            "divergence of 1": float(PAIR.kl(ORIGIN, np.array([1.0, 1.0]) * ROOT_6 / ROOT_2)),
            "KL of 1": float(PAIR.kl(ORIGIN, np.array([1.0, -1.0]) * ROOT_2 / ROOT_2)),
            "1.41 along (1, −1)": near(apart, 1.41, 0.004),
            "2.45 along (1, 1)": near(together, 2.45, 0.004),
        },
    )


@claim(
    "S1-61",
    verdict="holds under conditions",
    where="gaussian-known-covariance",
    paraphrase="Example 2: highly correlated dimensions require larger parameter changes for the "
    "same effect on the distribution.",
    correct="Along the direction of the correlation they do. With unit variances and correlation ρ "
    "a KL divergence of 1 takes √(2(1 + ρ)) along (1, 1) and √(2(1 − ρ)) along (1, −1): at "
    "ρ = 0.99, 1.99 and 0.141.",
    truth=lambda ρ: [np.sqrt(2 * (1 + ρ)), np.sqrt(2 * (1 - ρ))],
    control=lambda ρ: [np.sqrt(2 * (1 + ρ)), np.sqrt(2 * (1 + ρ))],
    control_name="the larger change in every direction",
)
def correlated_lengths(lengths) -> Evidence:
    found = {}
    for ρ in (0.0, 0.5, 0.99):
        S = np.array([[1, ρ], [ρ, 1]])
        found[ρ] = [_kl_length(S, np.array(d)) for d in ((1.0, 1.0), (1.0, -1.0))]
    right = all(near(value, lengths(ρ)) for ρ, value in found.items())
    return Evidence(
        right,
        {"along (1, 1), ρ = 0.99": found[0.99][0], "along (1, −1), ρ = 0.99": found[0.99][1]},
        "Three correlations, two directions.",
        {
            "divergence of 1": 1.0,
            "√(2(1 + ρ)) along (1, 1)": right,
            "√(2(1 − ρ)) along (1, −1)": right,
            "ρ = 0.99": 0.99,
            "1.99": found[0.99][0],
            "0.141": found[0.99][1],
        },
    )


@claim(
    "S1-62",
    verdict="holds under conditions",
    where="gaussian-known-covariance",
    paraphrase="Example 2, implied by its setting: the natural step is an improvement for the "
    "loss ½|μ − y|².",
    correct="For small η it is. At η = 1 it ends at (4, 5), where the loss is 9 in place of 2.5, "
    "and steps of η above ⅔ diverge; the ordinary step lands on y. The loss is not the model's own "
    "log likelihood, for which the unit natural step lands.",
    heard="The natural step helps with the loss ½|μ − y|².",
    fact="At η = 1 it takes the loss from 2.5 to 9, and above η = ⅔ it diverges. The loss is not "
    "the model's own.",
    truth={"before": 2.5, "after": 9.0, "largest stable η": 2 / 3},
    control={"before": 2.5, "after": 0.0, "largest stable η": 2.0},
    control_name="the unit step lands on y, as it does for the likelihood",
)
def a_step_for_another_loss(stated) -> Evidence:
    _, F, v = _second_example()
    fastest = max(np.linalg.eigvals(np.linalg.solve(F, np.eye(2))).real)
    limit = 2 / fastest

    def left(η):
        """The loss after 60 steps."""
        mu = ORIGIN
        for _ in range(60):
            mu = mu + η * descent.natural_direction(F, mu - Y)
        return _square_loss(mu)

    own = descent.step(descent.init(ORIGIN), PAIR, descent.data_fit(PAIR, Y))[0].theta
    return Evidence(
        near([_square_loss(ORIGIN), _square_loss(v)], [stated["before"], stated["after"]])
        and near(limit, stated["largest stable η"])
        and left(0.99 * limit) < 2.5 < left(1.01 * limit),
        {"before": _square_loss(ORIGIN), "after": _square_loss(v), "largest stable η": limit},
        "The loss before and after; 60 steps a little below and above the limit.",
        {
            "η = 1 it ends at (4, 5)": near(v, [4, 5]),
            "9 in place of 2.5": near(_square_loss(v), 9) and near(_square_loss(ORIGIN), 2.5),
            "above ⅔": limit,
            "unit natural step lands": near(own, Y),
            "η = 1 it takes": 1.0,
            "2.5 to 9": near(_square_loss(v), 9),
            "η = ⅔": limit,
        },
    )


@claim(
    "S1-74",
    verdict="holds",
    where="gaussian-known-covariance",
    paraphrase="Problem 2: for N(θ, 1) the Fisher information is 1, and natural and ordinary "
    "gradient are the same.",
    correct="They are, for this model in this coordinate. With noise of standard deviation 2 the "
    "natural gradient is 4 times the ordinary one.",
    truth={"F": 1.0, "natural over ordinary": 1.0},
    control={"F": 0.25, "natural over ordinary": 4.0},
    control_name="the numbers of noise 2",
)
def unit_noise(stated) -> Evidence:
    def ratio(noise):
        model = known_covariance([[noise**2]])
        F = model.fisher([0.3])
        return F[0, 0], -descent.natural_direction(F, np.array([0.7]))[0] / 0.7

    F, same = ratio(1.0)
    return Evidence(
        near([F, same], [stated["F"], stated["natural over ordinary"]]),
        {"F": F, "natural over ordinary": same},
        "The model of the problem.",
        {"deviation 2": 2.0, "4 times": ratio(2.0)[1]},
    )


@claim(
    "S1-75",
    verdict="holds under conditions",
    where="gaussian-known-covariance",
    paraphrase="Problem 2 calls ½(θ − μ)² ridge regression on a single parameter.",
    correct="A ridge objective of one weight is a parabola, of curvature Σx² + λ and with its "
    "minimum at Σxy/(Σx² + λ): it is ½(θ − μ)², less a constant, if Σx² + λ = 1 and μ is that "
    "shrunk estimate. A penalty is nowhere to be seen in it.",
    truth={
        "curvature": lambda xx, λ: xx + λ,
        "minimum": lambda xx, xy, λ: xy / (xx + λ),
    },
    control={"curvature": lambda xx, λ: xx, "minimum": lambda xx, xy, λ: xy / xx},
    control_name="the penalty left out",
)
def one_weight_ridge(stated) -> Evidence:
    right, unit = True, None
    for x, y, λ in (
        (np.array([0.3, -0.5, 0.4]), np.array([1.0, 0.2, -0.4]), 0.5),
        (np.array([1.0, 0.2, -2.0]), np.array([0.5, 2.0, 1.0]), 2.0),
    ):
        model = LinearGaussian(x[:, None], np.eye(3))

        def ridge(w, model=model, y=y, λ=λ):
            return float(-model.log_density(y, [w])) + λ * w * w / 2

        bend = ridge(1.0) + ridge(-1.0) - 2 * ridge(0.0)
        slope = (ridge(1.0) - ridge(-1.0)) / 2
        right &= near(bend, stated["curvature"](x @ x, λ))
        right &= near(-slope / bend, stated["minimum"](x @ x, x @ y, λ))
        unit = bend if unit is None else unit
    return Evidence(
        right,
        {"curvature, first case": unit, "Σx² + λ there": 0.5 + 0.5},
        "Differences of a ridge objective with three data, which for a parabola are exact.",
        {"½(θ − μ)²": near(unit, 1.0), "λ = 1": near(unit, 1.0)},
    )


ANGLE = 12.0947571


@claim(
    "S1-76",
    verdict="false as stated",
    where="gaussian-known-covariance",
    paraphrase="Problem 2: the metric is flat, the manifold Euclidean; that is why natural and "
    "ordinary gradient do not differ.",
    correct="Flat is not enough. N(μ, Σ) with Σ known has one and the same F everywhere, so it is "
    "flat, and in the second example the two gradients stand at an angle of 12.1°. What makes them "
    "equal in the problem is F = 1 in its coordinate.",
    heard="The metric is flat, so natural and ordinary gradient do not differ.",
    fact="N(μ, Σ) with Σ known is flat, and the two directions stand at 12.1°. They agree where F "
    "is the identity in the coordinates at hand.",
    truth={"degrees": ANGLE, "flat": True},
    control={"degrees": 0.0, "flat": True},
    control_name="flat, so no angle",
)
def flat_and_yet(stated) -> Evidence:
    g, F, v = _second_example()
    points = np.array([[0.0, 0.0], [3.0, -1.0], [-2.0, 5.0]])
    same = all(np.allclose(PAIR.fisher(p), F) for p in points)
    a, b, c = points
    sides = [float(PAIR.fisher_rao_distance(*p)) for p in ((a, b), (b, c), (a, c))]
    u, w = b - a, c - a
    cosine = u @ F @ w / sides[0] / sides[2]  # the law of cosines holds in the plane alone
    law = sides[0] ** 2 + sides[2] ** 2 - 2 * sides[0] * sides[2] * cosine
    flat = same and np.isclose(law, sides[1] ** 2)
    one = known_covariance([[1.0]]).fisher([0.0])[0, 0]
    return Evidence(
        near(_degrees(g, -v), stated["degrees"]) and flat == stated["flat"],
        {
            "degrees": _degrees(g, -v),
            "third side squared": sides[1] ** 2,
            "by the plane's law": law,
        },
        "F at three points, the law of cosines in their triangle, and the angle.",
        {"12.1": _degrees(g, -v), "F = 1": one},
    )


@claim(
    "S1-77",
    verdict="holds under conditions",
    where="gaussian-known-covariance",
    paraphrase="Problem 2: the natural gradient's benefits appear only when the metric is not "
    "trivial.",
    correct="If 'trivial' means a multiple of the identity in the coordinates at hand: with F = 4 "
    "times the identity the direction is the same, and the step a quarter as long. A constant F of "
    "another shape turns the direction, in the second example by 12.1°.",
    truth={"step, F four times the identity": 0.25, "degrees, F constant": ANGLE},
    control={"step, F four times the identity": 0.25, "degrees, F constant": 0.0},
    control_name="a constant metric counted as trivial",
)
def trivial_metrics(stated) -> Evidence:
    g, _, v = _second_example()
    model = known_covariance(np.eye(2) / 4)
    w = descent.natural_direction(model.fisher(ORIGIN), g)
    ratio = float(np.linalg.norm(w) / np.linalg.norm(g))
    return Evidence(
        near(ratio, stated["step, F four times the identity"])
        and near(_degrees(g, -v), stated["degrees, F constant"])
        and _degrees(g, -w) < 1e-5,
        {"step, F four times the identity": ratio, "degrees, F constant": _degrees(g, -v)},
        "Two constant metrics and one gradient.",
        {"F = 4": model.fisher(ORIGIN)[0, 0], "12.1": _degrees(g, -v)},
    )


# Linear regression


@claim(
    "S1-83",
    verdict="holds",
    where="gaussian-regression",
    paraphrase="Problem 4: for y = wᵀx + ε with unit noise the Fisher matrix of w is E[xxᵀ].",
    correct="It is, for one observation whose label is drawn from the model; with noise of "
    "standard deviation s it is E[xxᵀ]/s².",
    truth=lambda X, s: (X.T @ X / len(X) / s**2).tolist(),
    control=lambda X, s: (np.cov(X.T, bias=True) / s**2).tolist(),
    control_name="the covariance of x",
)
def regression_fisher(rule) -> Evidence:
    """The curvature of the KL divergence of all rows together, divided by their number."""
    right, e = True, np.eye(2)
    for X in (_design(), ROWS):
        for s in (1.0, 2.0):
            model = LinearGaussian(X, s**2 * np.eye(len(X)))
            bend = [[model.kl(-(u + v), ORIGIN) - model.kl(u, v) for v in e] for u in e]
            right &= near(np.array(bend) / 2 / len(X), rule(X, s))
    return Evidence(
        right,
        {"rows of the second design": len(ROWS)},
        "Differences of the KL divergence, exact for a parabola, for two designs and two noises.",
        {},
    )


@claim(
    "S1-84",
    verdict="holds under conditions",
    where="gaussian-regression",
    paraphrase="Problem 4: that matrix is exactly the covariance of the data.",
    correct="It is the mean of xxᵀ, which is the covariance only if x has the mean 0. With the "
    "mean (2, 0) the first entry is 5, and that of the covariance 1.",
    heard="The Fisher matrix of linear regression is the covariance of x.",
    fact="It is E[xxᵀ], not centred: with mean (2, 0) its first entry is 5, the covariance's 1.",
    truth={"Fisher": [[5.0, 0.9], [0.9, 0.9]], "covariance": [[1.0, 0.9], [0.9, 0.9]]},
    control={"Fisher": [[1.0, 0.9], [0.9, 0.9]], "covariance": [[1.0, 0.9], [0.9, 0.9]]},
    control_name="the covariance",
)
def second_moment_not_covariance(stated) -> Evidence:
    X = _design()
    F = LinearGaussian(X, np.eye(len(X))).fisher(ORIGIN) / len(X)
    C = np.cov(X.T, bias=True)
    return Evidence(
        near(F, stated["Fisher"]) and near(C, stated["covariance"]),
        {"first entry of F": F[0, 0], "first entry of the covariance": C[0, 0]},
        "Four rows with the stated mean and covariance.",
        {
            "mean 0": round(float(np.mean(X - X.mean(0))), 12),
            "(2, 0)": near(X.mean(0), [2, 0]),
            "entry is 5": F[0, 0],
            "covariance 1": C[0, 0],
            "covariance's 1": C[0, 0],
        },
    )


@cache
def _with_data_labels(distance, n=40) -> tuple[float, float]:
    """First entry of E[(y − wᵀx)²xxᵀ] for labels of weights at (distance, 0), and by what factor
    of E[xxᵀ] the matrix is off. Gauss–Hermite, exact for polynomials."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(n)
    weights = weights / weights.sum()
    grid = np.stack(np.meshgrid(nodes, nodes, indexing="ij"), -1).reshape(-1, 2)
    mass = np.outer(weights, weights).ravel()
    x = MEAN_X + grid @ np.linalg.cholesky(COV_X).T
    square = 1 + (x @ np.array([distance, 0.0])) ** 2  # of the residual, averaged over the noise
    M = np.einsum("n,n,ni,nj->ij", mass, square, x, x)
    return float(M[0, 0]), float(np.linalg.norm(M - SECOND_MOMENT) / np.linalg.norm(SECOND_MOMENT))


@claim(
    "S1-85",
    verdict="holds",
    where="gaussian-regression",
    paraphrase="Problem 4, proof: E[(y − wᵀx)²xxᵀ] = E[ε²xxᵀ].",
    correct="With y drawn from the model at the same w, as the problem has it, the residual is the "
    "noise. With labels from other weights it is not: for x of mean (2, 0) and the covariance of "
    "the text, at distance 1 in the first weight the matrix is off by 905.9 %, at 3 by 8,152.9 %.",
    truth={"first entry, same w": 5.0, "off at 1": 9.058795, "off at 3": 81.529157},
    control={"first entry, same w": 5.0, "off at 1": 0.0, "off at 3": 0.0},
    control_name="the same with the labels of the data, wherever w is",
)
def residuals_and_noise(stated) -> Evidence:
    first, none = _with_data_labels(0.0)
    off = [_with_data_labels(d)[1] for d in (1.0, 3.0)]
    return Evidence(
        near(first, stated["first entry, same w"])
        and none < 1e-9
        and near(off, [stated["off at 1"], stated["off at 3"]]),
        {"first entry, same w": first, "off at 1": off[0], "off at 3": off[1]},
        "The population's numbers, by quadrature; the audit's 910 and 8195 were one sample.",
        {
            "(2, 0)": near(MEAN_X, [2, 0]),
            "distance 1": 1.0,
            "905.9": 100 * off[0],
            "at 3": 3.0,
            "8,152.9": 100 * off[1],
        },
    )


@claim(
    "S1-86",
    verdict="false as stated",
    where="gaussian-regression",
    paraphrase="Problem 4: the natural-gradient update is that of generalised least squares.",
    correct="With the noise of the problem, equal and independent, the unit step lands on ordinary "
    "least squares: from (5, −3) on (−0.6, 1.9). Generalised least squares belongs to unequal "
    "noise, and there it is the unit natural step of that model: with standard deviations "
    "(1, 1, 1, 4) it is (−0.11, 1.16).",
    heard="The natural-gradient update of linear regression is generalised least squares.",
    fact="With equal noise it is ordinary least squares, in one step. With unequal noise the "
    "natural step of that model is the generalised one.",
    truth={"unit step": [-0.6, 1.9], "unequal noise": [-6 / 55, 64 / 55]},
    control={"unit step": [-6 / 55, 64 / 55], "unequal noise": [-6 / 55, 64 / 55]},
    control_name="generalised least squares for both",
)
def which_least_squares(stated) -> Evidence:
    ends = []
    for noise in (np.ones(4), NOISES):
        model = LinearGaussian(ROWS, np.diag(noise**2))
        ends.append(
            descent.step(descent.init(START), model, descent.data_fit(model, SEEN))[0].theta
        )
    ordinary = np.linalg.lstsq(ROWS, SEEN, rcond=None)[0]
    return Evidence(
        near(ends[0], stated["unit step"])
        and near(ends[1], stated["unequal noise"])
        and near(ends[0], ordinary),
        {"slope, equal noise": ends[0][1], "slope, unequal noise": ends[1][1]},
        "One unit step in each model, and the least-squares solution by QR.",
        {
            "(5, −3)": near(START, [5, -3]),
            "(−0.6, 1.9)": near(ends[0], [-0.6, 1.9]),
            "(1, 1, 1, 4)": near(NOISES, [1, 1, 1, 4]),
            "(−0.11, 1.16)": near(ends[1], [-0.11, 1.16], 1e-2),
        },
    )


@claim(
    "S1-87",
    verdict="holds under conditions",
    where="gaussian-regression",
    paraphrase="Problem 4: the gradient that is displayed is that of one example, while the "
    "matrix is averaged over x.",
    correct="Averaged over the data the displayed steps give the natural step of the mean loss, "
    "here (−5.6, 4.9) from (5, −3). One example's step is another, and its own Fisher matrix, xxᵀ, "
    "has rank 1 and no inverse.",
    truth={"mean of the steps": [-5.6, 4.9], "rank of one": 1.0, "rank of all": 2.0},
    control={"mean of the steps": [-5.6, 4.9], "rank of one": 2.0, "rank of all": 2.0},
    control_name="the matrix of one example, inverted",
)
def one_example_or_all(stated) -> Evidence:
    F = LinearGaussian(ROWS, np.eye(4)).fisher(START) / len(ROWS)
    steps = []
    for x, y in zip(ROWS, SEEN, strict=True):
        one = LinearGaussian(x[None], [[1.0]])
        g = -one.score([y], START)
        steps.append(descent.natural_direction(F, g))
    ranks = [
        float(np.linalg.matrix_rank(LinearGaussian(rows, np.eye(len(rows))).fisher(START)))
        for rows in (ROWS[:1], ROWS)
    ]
    mean = np.mean(steps, axis=0)
    return Evidence(
        near(mean, stated["mean of the steps"])
        and near(ranks, [stated["rank of one"], stated["rank of all"]]),
        {
            "first entry of the mean": mean[0],
            "of the first example's step": steps[0][0],
        },
        "Four examples, the displayed step for each, and their mean.",
        {
            "(−5.6, 4.9)": near(mean, [-5.6, 4.9]),
            "(5, −3)": near(START, [5, -3]),
            "rank 1": ranks[0],
        },
    )


@claim(
    "S1-88",
    verdict="holds",
    where="gaussian-regression",
    paraphrase="Problem 4: natural gradient descent whitens correlated inputs.",
    correct="In the weights u of whitened inputs, those with E[xxᵀ] = I, the natural step is the "
    "ordinary one. The ratio of the largest to the smallest curvature falls from 7.3 to 1.",
    truth={"before": 7.296553, "after": 1.0},
    control={"before": 7.296553, "after": 7.296553},
    control_name="nothing changed",
)
def whitening(stated) -> Evidence:
    X = _design()
    model, root = LinearGaussian(X, np.eye(len(X))), np.linalg.cholesky(SECOND_MOMENT).T
    w, y = np.array([0.4, -1.0]), np.array([1.0, 0.5, -2.0, 0.3])
    F, g = model.fisher(w) / len(X), -model.score(y, w) / len(X)
    v = descent.natural_direction(F, g)
    u = descent.gradient_direction(charts.push_forward_gradient(g, root))  # ordinary, in u = root w
    agree = np.allclose(charts.pull_back_velocity(u, root), v)
    after = np.linalg.cond(charts.transform_metric(F, root))
    return Evidence(
        near([np.linalg.cond(F), after], [stated["before"], stated["after"]]) and agree,
        {"before": np.linalg.cond(F), "after": after},
        "The curvature of the loss is F; both are carried to the whitened weights.",
        {"from 7.3 to 1": near([np.linalg.cond(F), after], [7.3, 1.0], 1e-3)},
    )
