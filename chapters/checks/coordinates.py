"""Checks of the chapter "The gradient depends on the coordinates".

Each is fed a statement as data, once as the book makes it and once in a false version, and decides
it by taking the steps: the same model and data in several charts, every landing carried back.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from ngdlib import charts, descent
from ngdlib.claims import Evidence, claim, opinion
from ngdlib.families import Bernoulli, Gaussian

COIN, LOGIT, BELL = Bernoulli("probability"), Bernoulli("log-odds"), Gaussian("mu, sigma")
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
    "distributions 19.6 times further apart in KL divergence, and another chart gives other "
    "differences. Where it does mean something, as |Δq| of two coins is their total variation "
    "distance, the chart was chosen so that it would.",
    heard="The difference of two parameters does not say how different two distributions are.",
    fact="True. From 0.98 to 0.99 is 19.6 times as far, in KL divergence, as from 0.50 to 0.51.",
    truth={"KL": 19.5642, "|Δq|": 1.0, "|Δz|": 17.580, "total variation over |Δq|": 1.0},
    control={"KL": 1.0, "|Δq|": 1.0, "|Δz|": 1.0, "total variation over |Δq|": 1.0},
    control_name="equal differences of parameters are equally different distributions",
)
def a_ruler_for_distributions(stated) -> Evidence:
    """0.98 to 0.99 over 0.50 to 0.51: KL, the difference in two charts, total variation."""
    (near, far), kl, gaps = ((0.50, 0.51), (0.98, 0.99)), [], {"|Δq|": [], "|Δz|": []}
    for pair in (near, far):
        readings = []
        for chart in COIN.charts:
            a, b = (COIN.change_to(chart).forward(np.array([q])) for q in pair)
            readings.append(float(COIN.in_chart(chart).kl(a, b)))
            if chart != "angle":
                name = "|Δq|" if chart == "probability" else "|Δz|"
                gaps[name].append(float(abs(b - a)[0]))
        kl.append(readings)
    kl = np.array(kl)
    masses = np.exp([[COIN.log_density(y, np.array([q])) for y in (0, 1)] for q in far])
    variation = np.abs(masses[1] - masses[0]).sum() / 2
    found = {"KL": kl[1, 0] / kl[0, 0], "total variation over |Δq|": variation / gaps["|Δq|"][1]}
    found |= {name: two[1] / two[0] for name, two in gaps.items()}
    spread = float((kl.max(axis=1) / kl.min(axis=1) - 1).max())
    return Evidence(
        all(abs(found[name] / stated[name] - 1) < 1e-4 for name in stated if stated[name])
        and all(stated.values())
        and spread < 1e-9,
        {f"{name}, far pair over near pair": found[name] for name in ("KL", "|Δq|", "|Δz|")}
        | {"spread of KL between three charts": spread},
        "From 0.98 to 0.99, against from 0.50 to 0.51.",
        {
            "19.6": found["KL"],
            "0.98": far[0],
            "0.99": far[1],
            "0.50": near[0],
            "0.51": near[1],
        },
    )


@claim(
    "S1-02",
    verdict="holds",
    where="coordinates-one-coin-two-charts",
    paraphrase="Fit one coin by gradient descent in probability and in log-odds: model and data "
    "are the same, and yet the two behave differently.",
    correct="Seen in probability, descent in log-odds is slower by the factor (q(1 − q))², which "
    "is 1/16 at q = ½ and about 1/443 at q = 0.05; since it varies from place to place, no "
    "constant step size makes the two agree.",
    heard="One coin, two charts, the same loss, and descent behaves differently.",
    fact="True. In log-odds it is slower by (q(1 − q))²: 1/16 at q = ½, about 1/443 at q = 0.05.",
    truth=lambda q: (q * (1 - q)) ** 2,
    control=lambda q: 1.0,
    control_name="the same loss, hence the same descent in both charts",
)
def two_charts_two_speeds(ratio) -> Evidence:
    """The ratio of the two velocities dq/dη, by steps of 1e-4 and half of that."""

    def velocity(chart, q, mean, η=1e-4):
        one, half = ((_landing(chart, q, mean, h) - q) / h for h in (η, η / 2))
        return 2 * half - one

    worst, measured = 0.0, {}
    for q, mean in ((0.5, 1.0), (0.05, 0.75), (0.3, 0.75), (0.95, 0.75)):
        by_q, by_z = (velocity(chart, q, mean) for chart in ("probability", "log-odds"))
        measured[q] = by_z / by_q
        worst = max(worst, abs(measured[q] / ratio(q) - 1))
    return Evidence(
        worst < 1e-4,
        {f"speed in log-odds over speed in probability, q = {q:g}": r for q, r in measured.items()}
        | {"largest relative error of the stated ratio": worst},
        "Velocities of the probability, after one head at q = ½ and three heads in four elsewhere.",
        {
            "(q(1 − q))²": worst < 1e-4,
            "1/16": ratio(0.5),
            "q = ½": 0.5,
            "1/443": measured[0.05],
            "q = 0.05": 0.05,
        },
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
    truth={
        "tangent": lambda T, g: -np.linalg.solve(T.T @ T, g),
        "changes": lambda T: not _is_orthogonal(T),
    },
    control={
        "tangent": lambda T, g: -np.linalg.solve(T.T @ T, g),
        "changes": lambda T: True,
    },
    control_name="different after every change of chart, as the source has it",
)
def does_the_step_change(stated) -> Evidence:
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
    wrong, gaps, miss = 0, {}, 0.0
    for name, T in several.items():
        gaps[name] = 0.0
        for data in (BELL_DATA, np.array([3.0, 10.0])):
            g = descent.data_fit(BELL, data).gradient(BELL_AT)
            there = descent.gradient_direction(charts.push_forward_gradient(g, T))
            back = charts.pull_back_velocity(there, T)
            here = descent.gradient_direction(g)
            gap = float(np.linalg.norm(back - here) / np.linalg.norm(here))
            gaps[name] = max(gaps[name], gap)
            error = np.linalg.norm(stated["tangent"](T, g) - back) / np.linalg.norm(back)
            miss = max(miss, float(error))
        wrong += stated["changes"](T) != (gaps[name] > 1e-9)
    return Evidence(
        wrong == 0 and miss < 1e-9,
        {f"change of the step, {name}": gap for name, gap in gaps.items()}
        | {"error of the stated tangent": miss, "charts misjudged": wrong},
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


START, ELSEWHERE, MEAN = np.array([-1.0]), np.array([2.0]), np.array([0.75])
BEST = np.log(MEAN / (1 - MEAN))


def _slopes(z):
    """L′ and L″, in log-odds."""
    return float(LOGIT.cross_entropy_gradient(z, MEAN)[0]), float(LOGIT.fisher(z)[0, 0])


def _log_odds_step(z, η):
    state, _ = descent.step(
        descent.init(z), LOGIT, descent.data_fit(LOGIT, MEAN), "euclidean", descent.Fixed(η)
    )
    return state.theta


def _log_odds_flow(z, time):
    objective = descent.data_fit(LOGIT, MEAN)
    return descent.flow(z, LOGIT, objective, [0.0, time], metric="euclidean")[-1]


@cache
def _left_out(z, η):
    return float((_log_odds_flow(np.array([z]), η) - _log_odds_step(np.array([z]), η))[0])


@cache
def _order_of_many_steps():
    """The slope of log error against log η, after time 2 in 100, 200 and 400 steps."""
    end, errors = _log_odds_flow(START, 2.0), []
    for n in (100, 200, 400):
        path, _ = descent.run(
            START, LOGIT, descent.data_fit(LOGIT, MEAN), n, "euclidean", descent.Fixed(2.0 / n)
        )
        errors.append(float(abs(path[-1] - end)[0]))
    first, second = np.log2(errors[0] / errors[1]), np.log2(errors[1] / errors[2])
    return float(2 * second - first)


@claim(
    "S2-01",
    verdict="holds",
    where="coordinates-descent-and-flow",
    paraphrase="Gradient descent is gradient flow linearised in time, the step size being the "
    "time that a step takes.",
    correct="A step of descent is forward Euler's step of length η along the flow of the same "
    "chart: it leaves out ½η²L″L′, and all steps up to a fixed time err by O(η). On a bowl of "
    "curvature k, or near a minimum, steps above η = 1/k jump across the minimum, which the flow "
    "never does, and steps above 2/k no longer settle.",
    heard="Gradient descent is gradient flow, taken in steps of time η.",
    fact="To leading order. A step leaves out ½η²L″L′, and a large one jumps over the minimum, "
    "which the flow never does.",
    truth={
        "left out": lambda η, first, second: η**2 * second * first / 2,
        "jumps above": 1.0,
        "unsettled above": 2.0,
        "order of the error": 1.0,
    },
    control={
        "left out": lambda η, first, second: 0.0,
        "jumps above": 1.0,
        "unsettled above": 2.0,
        "order of the error": 1.0,
    },
    control_name="nothing is left out: a step of size η ends where the flow is at time η",
)
def where_a_step_ends(stated) -> Evidence:
    """Steps and flow of a coin in log-odds: what one step leaves out, what many add up to, and
    where steps near the minimum begin to jump and cease to settle, in units of 1/k."""
    k = float(LOGIT.fisher(BEST)[0, 0])  # the curvature at the minimum
    shares = []
    for z in (START, ELSEWHERE):
        one, half = (
            stated["left out"](η, *_slopes(z)) / _left_out(z.item(), η) for η in (0.01, 0.005)
        )
        shares.append(float(2 * half - one))
    share = max(shares, key=lambda value: abs(value - 1))
    order = _order_of_many_steps()

    def after(η, start=1e-5):
        return float((_log_odds_step(BEST + start, η) - BEST)[0]) / start

    jump, settle, near = stated["jumps above"] / k, stated["unsettled above"] / k, 0.002
    thresholds = after(jump * (1 - near)) > 0 > after(jump * (1 + near)) and abs(
        after(settle * (1 - near))
    ) < 1 < abs(after(settle * (1 + near)))
    return Evidence(
        abs(share - 1) < 1e-3 and abs(order - stated["order of the error"]) < 0.003 and thresholds,
        {
            "½η²L″L′ over flow minus step, as η goes to 0": share,
            "order in η of the error after time 2": order,
            "distance to the minimum after a step of 1/k, over that before": after(1 / k),
            "after a step of 2/k": after(2 / k),
        },
        "A coin in log-odds, three heads in four.",
        {
            "½η²L″L′": abs(share - 1) < 1e-3,
            "η = 1/k": thresholds,
            "2/k": thresholds,
        },
    )


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
    truth=np.eye(2),
    control=BELL.fisher(BELL_AT) * 9,  # at σ = 3: diag(1, 2)
    control_name="steepest whatever the ruler, here the Fisher matrix",
)
def steepest_by_which_ruler(G) -> Evidence:
    """Among 3600 directions, is any steeper than the step of descent on a random mini-batch?"""
    rng = np.random.default_rng(2025)
    angle = np.radians(np.arange(0, 360, 0.1))
    compass = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    compass /= np.sqrt(np.einsum("ni,ij,nj->n", compass, G, compass))[:, None]
    gain = miss = 0.0
    for _ in range(20):
        batch = rng.normal(0.0, 1.0, size=8)
        mean = np.array([batch.mean(), (batch**2).mean()])
        g = descent.data_fit(BELL, mean).gradient(BELL_AT)
        step = descent.gradient_direction(g)
        own = float(g @ step / np.sqrt(step @ G @ step))
        gain = max(gain, float((compass @ g).min() / own) - 1)
        miss = max(miss, abs(own / -np.linalg.norm(g) - 1))
    return Evidence(
        gain < 1e-9 and miss < 1e-9,
        {"the best of 3,600 directions is steeper by, at most": gain,
         "error of |g| as the fall per unit of length": miss},
        "How much steeper the best of 3600 directions is than the step of descent, over 20 batches "
        "of eight observations.",
    )  # fmt: skip
