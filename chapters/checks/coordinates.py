"""Checks of the chapter "The gradient depends on the coordinates".

Each is fed a statement as data, once as the book makes it and once in a false version, and decides
it by taking the steps: the same model and data in several charts, every landing carried back.
"""

from __future__ import annotations

import numpy as np

from ngdlib import charts, descent
from ngdlib.claims import Evidence, claim, opinion
from ngdlib.families import Bernoulli, Gaussian

COIN, BELL = Bernoulli("probability"), Gaussian("mu, sigma")
BELL_AT, BELL_DATA = np.array([2.0, 3.0]), np.array([0.0, 1.0])  # data: mean 0, mean square 1


def _landing(chart, q, mean, η):
    """Where one step of ordinary descent in a chart of the coin ends, as a probability."""
    model, change = COIN.in_chart(chart), COIN.change_to(chart)
    objective = descent.data_fit(model, np.array([mean]))
    start = descent.init(change.forward(np.array([q])))
    state, _ = descent.step(start, model, objective, metric="euclidean", length=descent.Fixed(η))
    return float(change.inverse(state.theta)[0])


@claim(
    "S1-01",
    verdict="holds",
    where="coordinates-not-a-distance",
    paraphrase="A parameter space comes without a geometry of its own: the difference of two "
    "parameters does not say how different the two distributions are.",
    correct="A difference of parameters is a number about the chart: equal differences can be "
    "distributions twenty times further apart in KL divergence, and another chart gives other "
    "differences. Where it does mean something, as |Δq| of two coins is their total variation "
    "distance, the chart was chosen so that it would.",
    heard="The difference of two parameters does not say how different two distributions are.",
    fact="True. From 0.98 to 0.99 is about twenty times as far, in KL divergence, as from 0.50 "
    "to 0.51.",
    truth=lambda model, a, b: model.kl(a, b),
    control=lambda model, a, b: np.linalg.norm(b - a, axis=-1),
    control_name="the length of θ₁ − θ₂ as a distance between distributions",
)
def a_ruler_for_distributions(ruler) -> Evidence:
    """Does the ruler give one number to a pair of coins, whatever chart they are written in?"""
    pairs, worst, found = ((0.5, 0.51), (0.98, 0.99)), 0.0, {}
    for pair in pairs:
        readings = []
        for chart in COIN.charts:
            a, b = (COIN.change_to(chart).forward(np.array([q])) for q in pair)
            readings.append(float(ruler(COIN.in_chart(chart), a, b)))
        found[pair] = readings[0]
        worst = max(worst, max(readings) / min(readings) - 1)
    near, far = found.values()
    return Evidence(
        worst < 1e-9,
        {"0.50 to 0.51": near, "0.98 to 0.99": far, "spread between charts": worst},
        "A measure of the difference between distributions cannot depend on how they are written.",
    )


@claim(
    "S1-02",
    verdict="holds",
    where="coordinates-one-coin-two-charts",
    paraphrase="Fit one coin by gradient descent in probability and in log-odds: model and data "
    "are the same, and yet the two behave differently.",
    correct="Seen in probability, descent in log-odds is slower by the factor (q(1−q))², which "
    "is 1/16 at q = ½ and 1/443 at q = 0.05; since it varies from place to place, no constant "
    "step size makes the two agree.",
    heard="One coin, two charts, the same loss, and descent behaves differently.",
    fact="True. In log-odds it is slower by (q(1 − q))²: 1/16 at q = ½, about 1/443 at q = 0.05.",
    truth=lambda q: (q * (1 - q)) ** 2,
    control=lambda q: 1.0,
    control_name="the same loss, hence the same descent in both charts",
)
def two_charts_two_speeds(ratio) -> Evidence:
    """The ratio of the two tangents dq/dη, measured by steps of 1e-6."""
    η, worst, numbers = 1e-6, 0.0, {}
    for q, mean in ((0.5, 1.0), (0.05, 0.75), (0.3, 0.75), (0.95, 0.75)):
        by_q, by_z = ((_landing(c, q, mean, η) - q) / η for c in ("probability", "log-odds"))
        worst = max(worst, abs(by_z / by_q / ratio(q) - 1))
        if q == 0.5:
            numbers = {"dq/dη in probability": by_q, "dq/dη in log-odds": by_z}
    return Evidence(
        worst < 1e-3,
        {**numbers, "largest relative error of the ratio": worst},
        "Tangents at q = 0.5 after one head, and the error of the stated ratio at four coins.",
    )


def _is_orthogonal(T) -> bool:
    return bool(np.allclose(T.T @ T, np.eye(len(T)), atol=1e-12))


def _turn(degrees):
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[c, -s], [s, c]])


@claim(
    "S1-03",
    verdict="holds under conditions",
    where="coordinates-direction",
    paraphrase="Descend in another chart, and the model changes in a different way than it would "
    "have in the first.",
    correct="Descent in φ takes the tangent −(TᵀT)⁻¹g in θ. For every loss that is the tangent "
    "of descent in θ if and only if T = ∂φ/∂θ is orthogonal: shifts, rotations and reflections "
    "change nothing, every other change of chart changes the descent of some loss.",
    heard="Descend in another chart, and the model changes in a different way.",
    fact="For some loss, unless T = ∂φ/∂θ is orthogonal: shifts, rotations and reflections "
    "change nothing.",
    truth=lambda T: not _is_orthogonal(T),
    control=lambda T: True,
    control_name="different after every change of chart, as the source has it",
)
def does_the_step_change(predicts_a_change) -> Evidence:
    """Steps for two losses at one Gaussian, in seven charts, carried back and compared."""
    to_log = BELL.change_to("mu, log sigma").jacobian(BELL_AT)
    several = {
        "shift": np.eye(2),
        "rotation by 30°": _turn(30),
        "reflection": np.diag([1.0, -1.0]),
        "per cent": 100 * np.eye(2),
        "one axis rescaled": np.diag([1.0, 5.0]),
        "shear": np.array([[1.0, 1.0], [0.0, 1.0]]),
        "σ to log σ": to_log,
    }
    wrong, gaps = 0, {}
    for name, T in several.items():
        gaps[name] = 0.0
        for data in (BELL_DATA, np.array([3.0, 10.0])):
            g = descent.data_fit(BELL, data).gradient(BELL_AT)
            there = descent.gradient_direction(charts.push_forward_gradient(g, T))
            back = charts.pull_back_velocity(there, T)
            here = descent.gradient_direction(g)
            gap = float(np.linalg.norm(back - here) / np.linalg.norm(here))
            gaps[name] = max(gaps[name], gap)
        wrong += predicts_a_change(T) != (gaps[name] > 1e-9)
    return Evidence(
        wrong == 0,
        {**gaps, "charts misjudged": wrong},
        "How much the step changes in each of seven charts, relative to its length.",
    )


opinion(
    "S1-04",
    where="coordinates-not-invariant",
    paraphrase="That descent depends on the parameterisation is a fundamental flaw when one "
    "optimises over distributions.",
    correct="That it depends is a fact. It is a fault where the chart was picked for convenience "
    "and nobody meant it to decide anything, and a tool where a chart is chosen so that descent "
    "does well in it.",
    heard="That descent depends on the parameterisation is a fundamental flaw.",
    fact="That it depends is a fact. It is a fault where the chart was picked for convenience, "
    "and a tool where it was chosen well.",
    reasons="For: the result of a fit should not turn on whether a probability is written in per "
    "cent. Against: descent needs some ruler, the Fisher metric is a choice as well, and good "
    "charts (whitened features, normalised layers) are among the cheapest ways to make descent "
    "fast.",
)


@claim(
    "S2-01",
    verdict="holds",
    where="coordinates-descent-and-flow",
    paraphrase="Gradient descent is gradient flow linearised in time, the step size being the "
    "time that a step takes.",
    correct="A step of descent is forward Euler's step of length η along the flow of the same "
    "chart: it leaves out ½η²·L″L′, and all steps up to a fixed time err by O(η). On a bowl of "
    "curvature k, or near a minimum, steps above η = 1/k jump across the minimum, which the flow "
    "never does, and steps above 2/k no longer settle.",
    heard="Gradient descent is gradient flow, taken in steps of time η.",
    fact="To leading order. A step leaves out ½η²L″L′, and a large one jumps over the minimum, "
    "which the flow never does.",
    truth=lambda θ, velocity, flow, η: θ + η * velocity,
    control=lambda θ, velocity, flow, η: flow(η),
    control_name="a step of size η ends where the flow is at time η",
)
def where_a_step_ends(predicted) -> Evidence:
    """The end of one step, predicted and taken, for steps from 0.01 to beyond 2/k in log-odds."""
    model = COIN.in_chart("log-odds")
    objective = descent.data_fit(model, np.array([0.75]))
    θ = np.array([-1.0])
    velocity = descent.gradient_direction(objective.gradient(θ))

    def flow(η):
        return descent.flow(θ, model, objective, [0.0, η], metric="euclidean")[-1]

    sizes = np.array([0.01, 0.02, 1.0, 5.0, 12.0])  # 2/k = 10.67 at the minimum
    misses, strays = [], []
    for η in sizes:
        state, _ = descent.step(
            descent.init(θ), model, objective, metric="euclidean", length=descent.Fixed(η)
        )
        misses.append(float(abs(state.theta - predicted(θ, velocity, flow, η))[0]))
        strays.append(float(abs(state.theta - flow(η))[0]))
    order = float(np.log2(strays[1] / strays[0]))
    return Evidence(
        max(misses) < 1e-12 and abs(order - 2) < 0.02,
        {"largest miss": max(misses), "order of step minus flow": order,
         "step minus flow at η = 12": strays[-1]},
        "How far the prediction is from the step, and the step from the flow, in log-odds.",
    )  # fmt: skip


opinion(
    "S3-01",
    where="coordinates-path",
    paraphrase="Whatever becomes of the label “physical AI”, where a learned policy moves a "
    "machine the path of the optimiser affects stability, samples and energy, and not only the "
    "quality of the final model.",
    correct="The path matters by itself where the machine acts while it learns, for then every "
    "point of the path is used. Where parameters are frozen before they are used, it matters only "
    "through the point at which it ends and the cost of getting there.",
    reasons="A label and an emphasis cannot be checked. The remark on deployment is sound for "
    "learning on the machine; for frozen parameters two paths to one end point are the same "
    "machine. The source reports no measurement of energy or stability that could decide more.",
)


@claim(
    "S3-02",
    verdict="holds",
    where="coordinates-per-what",
    paraphrase="Plain stochastic gradient descent measures parameters with the Euclidean metric "
    "unless told otherwise: every direction costs the same.",
    correct="The step −ηg is, to leading order as the length shrinks, the steepest of all steps of "
    "its length when length is the Euclidean length of the coordinates, and not when it is "
    "measured by a matrix that makes directions cost differently; noise in g changes what is "
    "descended, not the ruler.",
    heard="Plain gradient descent treats all directions as equally costly.",
    fact="Yes: per unit of Euclidean length in its own chart it is the steepest there is. By "
    "another ruler it is not.",
    truth=lambda θ: np.eye(2),
    control=lambda θ: BELL.fisher(θ) * 9,  # at σ = 3: diag(1, 2)
    control_name="steepest whatever the ruler, here the Fisher matrix",
)
def steepest_by_which_ruler(ruler) -> Evidence:
    """Among 3600 directions, is any steeper than the step of descent on a random mini-batch?"""
    rng = np.random.default_rng(2025)
    G, angle = ruler(BELL_AT), np.radians(np.arange(0, 360, 0.1))
    compass = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    compass /= np.sqrt(np.einsum("ni,ij,nj->n", compass, G, compass))[:, None]
    gain = 0.0
    for _ in range(20):
        batch = rng.normal(0.0, 1.0, size=8)
        mean = np.array([batch.mean(), (batch**2).mean()])
        g = descent.data_fit(BELL, mean).gradient(BELL_AT)
        step = descent.gradient_direction(g)
        own = float(g @ step / np.sqrt(step @ G @ step))
        gain = max(gain, float((compass @ g).min() / own) - 1)
    return Evidence(
        gain < 1e-9,
        {"steeper by, at most": gain},
        "How much steeper the best of 3600 directions is than the step of descent, over 20 batches "
        "of eight observations.",
    )
