"""Checks of the chapter "Which valley?".

Each is fed a statement as data, once as the book makes it and once in a false version, and decides
it by runs of the five optimisers on the chapter's landscape, or on models small enough to count by.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from ngdlib import basins, experiment, landscape
from ngdlib.basins import Natural
from ngdlib.claims import Evidence, claim, opinion
from ngdlib.demos.basin_runs import BasinRuns
from ngdlib.experiment import FIVE

EACH, SEED = 100, 12


def _near(found, stated, tolerance=1e-3):
    found, stated = np.asarray(found, dtype=float), np.asarray(stated, dtype=float)
    if found.shape != stated.shape:
        return False
    return bool(np.all(np.abs(found - stated) <= tolerance * np.maximum(np.abs(found), 1e-9)))


@cache
def _setting():
    case = experiment.rhythm()
    minima, best = experiment.validation_minima(case)
    starts = experiment.balanced_starts(EACH, np.random.default_rng(SEED))
    return case, minima, best, starts, experiment.regimes(starts, case.truth[1])


@cache
def _count():
    """What became of 100 starts of each kind under the five: {name: (300,) outcomes}."""
    case, minima, _, starts, _ = _setting()
    ends = basins.sweep(
        case.model, case.training, BasinRuns().optimisers(), starts, experiment.STEPS
    )
    return {name: experiment.judged(case, minima, ends[name]) for name in FIVE}


def _hits(kind):
    regime = _setting()[-1]
    return [int((_count()[name][regime == kind] == landscape.GOOD).sum()) for name in FIVE]


@cache
def _slow_hits():
    """How many of the medium starts the exact natural gradient brings home with η = 0.03."""
    case, minima, _, starts, regime = _setting()
    slow = Natural(0.03, 0.001)
    ends = basins.sweep(case.model, case.training, {"it": slow}, starts[regime == 1], 400)["it"]
    return int((experiment.judged(case, minima, ends) == landscape.GOOD).sum())


@cache
def _from(name_or_eta, start):
    """One run: its path, its losses, and what became of it."""
    case, minima, *_ = _setting()
    it = BasinRuns().optimisers().get(name_or_eta) or Natural(name_or_eta, 1e-6)
    path, losses = basins.run(case.model, case.training, it, [start], experiment.STEPS)
    ends = basins.sweep(case.model, case.training, {"it": it}, [start], experiment.STEPS)["it"]
    return path[:, 0], losses[:, 0], int(experiment.judged(case, minima, ends)[0])


# What can be proved


@cache
def _bowl():
    """Ends of small steps, natural and ordinary, from four starts around a poor minimum."""
    case, *_ = _setting()
    starts = np.array([-0.236, 3.543]) + 0.06 * np.array([[1, 0], [-1, 0], [0, 1], [0, -1]])
    rules = {"natural": Natural(0.05, 1e-6), "ordinary": basins.SGD(0.3, 0.0)}
    ends = basins.sweep(case.model, case.training, rules, starts, 4000)
    return {name: (ends[name].theta, ends[name].loss) for name in rules}


@claim(
    "S0-05",
    verdict="holds",
    where="basins-provable",
    paraphrase="A correct local Fisher metric does not guarantee the desired basin.",
    correct="A strict minimum with no other resting point near by attracts a neighbourhood, "
    "whatever the metric. From around "
    "(−0.24, 3.54) the natural flow and the ordinary one both end there, at loss 0.690, where the "
    "best fit has 0.499.",
    heard="Natural gradient has the model's own ruler, so it finds the right valley.",
    fact="Every strict minimum keeps its bowl, whatever the ruler: from around (−0.24, 3.54) both "
    "flows end at loss 0.690; the best fit has 0.499.",
    truth={"end of both flows": (-0.2362, 3.5427), "loss there": 0.68984, "best loss": 0.49947},
    control={"end of both flows": (2.1337, 1.9894), "loss there": 0.49947, "best loss": 0.49947},
    control_name="both flows end at the best fit",
)
def a_bad_bowl_keeps_what_is_in_it(stated) -> Evidence:
    case, *_ = _setting()
    best = float(basins.loss(case.model, _from("exact", (-2.0, 2.3))[0][-1], case.training))
    right = _near(best, stated["best loss"])
    for ends, losses in _bowl().values():
        right &= all(_near(end, stated["end of both flows"]) for end in ends)
        right &= all(_near(value, stated["loss there"]) for value in losses)
    ends, losses = _bowl()["natural"]
    return Evidence(
        right,
        {"loss at the end": float(losses[0]), "loss of the best fit": best},
        "Eight runs of 4,000 small steps, natural and ordinary, from four starts around it.",
        {"(−0.24, 3.54)": _near(ends[0], (-0.2362, 3.5427)), "0.690": losses[0], "0.499": best},
    )


def _valleys_of(wire, data, count=4000):
    """Local minima of the distance from data to a closed wire, given as a function of t."""
    t = 2 * np.pi * np.arange(count) / count
    squares = ((np.stack(wire(t), axis=-1) - data) ** 2).sum(axis=-1)
    lower = (squares < np.roll(squares, 1)) & (squares < np.roll(squares, -1))
    return int(lower.sum())


@claim(
    "S0-15",
    verdict="holds",
    where="basins-wire",
    paraphrase="A logit that is nonlinear in θ can give the loss several basins.",
    correct="It can, and need not. The rhythm has 4 strict validation minima with frequencies up "
    "to 6.8. Of two curved wires with F = 1 along them the ellipse has 2 valleys, the circle 1.",
    heard="A nonlinear model makes several valleys.",
    fact="It can. The ellipse has 2 valleys and the circle of the same length 1, with F = 1 along "
    "both.",
    truth={"rhythm": 4, "ellipse": 2, "circle": 1},
    control={"rhythm": 4, "ellipse": 2, "circle": 2},
    control_name="curved, and so several valleys",
)
def nonlinear_can_have_several(stated) -> Evidence:
    def _by_length(a, b):
        """Is F = 1 along the closed curve (a cos t, b sin t) of 9.69, by its length?"""
        t = np.linspace(0, 2 * np.pi, 20_001)
        x, y = a * np.cos(t), b * np.sin(t)
        s = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])
        F = np.gradient(x, s) ** 2 + np.gradient(y, s) ** 2
        return bool(np.abs(F - 1).max() < 1e-6) and abs(s[-1] - 9.69) < 0.005

    _, minima, *_ = _setting()
    found = {
        "rhythm": int((minima[:, 1] < 6.8).sum()),
        "ellipse": _valleys_of(lambda t: (2 * np.cos(t), np.sin(t)), [0, 0.6]),
        "circle": _valleys_of(lambda t: (1.542 * np.cos(t), 1.542 * np.sin(t)), [0, 0.6]),
    }
    return Evidence(
        all(found[key] == stated[key] for key in found),
        found,
        "Strict minima counted: on the validation landscape, and along two closed wires.",
        {
            "4": found["rhythm"],
            "6.8": 6.8,
            "2": found["ellipse"],
            "1": found["circle"],
            "F = 1": _by_length(2.0, 1.0) and _by_length(1.542, 1.542),
        },
    )


@claim(
    "S0-16",
    verdict="holds",
    where="basins-model",
    paraphrase="The exact Fisher matrix on the training inputs is the mean of p(1−p)JJᵀ.",
    correct="It is: the mean over labels drawn from the model of the squared score. It need not be "
    "invertible: on θ₁ = 0 and on θ₂ = 0 its rank is 1.",
    heard="The exact Fisher matrix can be inverted.",
    fact="On θ₁ = 0, where the frequency of a silent wave means nothing, its rank is 1. Damping is "
    "what makes the step exist.",
    truth={"weight": lambda p: p * (1 - p), "rank on the lines": 1},
    control={"weight": lambda p: p**2, "rank on the lines": 1},
    control_name="p² as the weight",
)
def the_exact_matrix(stated) -> Evidence:
    case, *_ = _setting()
    x, right = case.training.x, True
    for theta in (np.array([1.3, 2.2]), np.array([-2.0, 0.7])):
        # the expectation over both labels of the outer product of the loss's own gradient
        F = np.zeros((2, 2))
        for one in x:
            p = 1 / (1 + np.exp(-basins.response(case.model, theta, [one])[0]))
            for y, chance in ((1.0, p), (0.0, 1 - p)):
                g = basins.gradient(case.model, theta, basins.Data(np.array([one]), np.array([y])))
                F += chance * np.outer(g, g) / len(x)
        p = 1 / (1 + np.exp(-basins.response(case.model, theta, x)))
        J = basins.jacobian(case.model, theta, x)
        right &= _near(np.einsum("n,ni,nj->ij", stated["weight"](p), J, J) / len(x), F, 1e-9)
        right &= _near(basins.fisher(case.model, theta, case.training), F, 1e-9)
    ranks = [
        int(np.linalg.matrix_rank(basins.fisher(case.model, theta, case.training)))
        for theta in ([0.0, 2.3], [2.0, 0.0])
    ]
    return Evidence(
        right and all(rank == stated["rank on the lines"] for rank in ranks),
        {"rank on θ₁ = 0": ranks[0], "rank on θ₂ = 0": ranks[1]},
        "Labels summed over with the model's probabilities, at two points.",
        {"θ₁ = 0": ranks[0] == 1, "θ₂ = 0": ranks[1] == 1, "is 1": ranks[0]},
    )


# What was counted


def _intervals(counts):
    """Counts of 100 with the ends of their 95 % intervals, in per cent, by name."""
    found = {}
    for name, count in counts.items():
        low, high = landscape.wilson(count, EACH)
        found |= {
            name: count,
            f"{name}, from %": 100 * float(low),
            f"{name}, to %": 100 * float(high),
        }
    return found


@claim(
    "S0-18",
    verdict="empirical",
    where="basins-worked",
    paraphrase="Easy starts: every method can reach the good basin.",
    correct="Measured: of 100 easy starts SGD, AdamW, the exact and the empirical natural gradient "
    "bring 100 home each (95% interval from 96.3 %), the diagonal one 87.",
    truth=dict(zip(FIVE, (100, 100, 100, 100, 87), strict=True)),
    control=dict(zip(FIVE, (100, 100, 100, 100, 100), strict=True)),
    control_name="all five from every easy start",
)
def easy_starts(stated) -> Evidence:
    hits = _hits(0)
    low, _ = landscape.wilson(EACH, EACH)
    return Evidence(
        all(value == stated[name] for name, value in zip(FIVE, hits, strict=True)),
        _intervals(dict(zip(FIVE, hits, strict=True))),
        "400 steps on the chapter's landscape, settings by the rule, intervals by Wilson.",
        {
            "100 easy": EACH,
            "100 home": min(hits[:4]),
            "95%": abs(math.erf(1.96 / 2**0.5) - 0.95) < 1e-4,
            "96.3 %": 100 * float(low),
            "87": hits[4],
        },
    )


@claim(
    "S0-19",
    verdict="empirical",
    where="basins-worked",
    paraphrase="Medium starts: the methods select different basins.",
    correct="Measured: of 100 medium starts the diagonal brings 78 home, the exact matrix 73, the "
    "empirical one 49, SGD 34 and AdamW 16. But η separates one from itself: with η = 0.03 the "
    "exact one brings 12.",
    heard="From ambiguous starts the methods differ.",
    fact="They do: 73 of 100 for the exact matrix, 16 for AdamW. And so does one method from "
    "itself: η = 0.03 brings the exact one from 73 to 12.",
    truth=dict(zip(FIVE, (34, 16, 73, 49, 78), strict=True)) | {"exact, η = 0.03": 12},
    control=dict(zip(FIVE, (34, 16, 73, 49, 78), strict=True)) | {"exact, η = 0.03": 73},
    control_name="a basin that depends on the metric and not on the stride",
)
def medium_starts(stated) -> Evidence:
    hits, slow_hits = _hits(1), _slow_hits()
    right = all(value == stated[name] for name, value in zip(FIVE, hits, strict=True))
    return Evidence(
        right and slow_hits == stated["exact, η = 0.03"],
        _intervals(dict(zip(FIVE, hits, strict=True)) | {"exact, η = 0.03": slow_hits}),
        "400 steps on the chapter's landscape, settings by the rule, intervals by Wilson.",
        {
            "of 100": EACH,
            "78": hits[4],
            "73": hits[2],
            "49": hits[3],
            "34": hits[0],
            "16": hits[1],
            "η = 0.03": 0.03,
            "12": slow_hits,
        },
    )


@claim(
    "S0-20",
    verdict="empirical",
    where="basins-worked",
    paraphrase="Hard starts: local preconditioning is still pulled to bad attractors.",
    correct="Measured: of 100 hard starts the exact matrix loses 88, the empirical 86, the "
    "diagonal 89; SGD loses 86 as well, AdamW 51.",
    truth=dict(zip(FIVE, (86, 51, 88, 86, 89), strict=True)),
    control=dict(zip(FIVE, (86, 51, 0, 86, 89), strict=True)),
    control_name="a metric that saves every hard start",
)
def hard_starts(stated) -> Evidence:
    lost = [EACH - value for value in _hits(2)]
    return Evidence(
        all(value == stated[name] for name, value in zip(FIVE, lost, strict=True)),
        _intervals(dict(zip(FIVE, lost, strict=True))),
        "400 steps on the chapter's landscape, settings by the rule, intervals by Wilson.",
        {
            "100 hard": EACH,
            "88": lost[2],
            "empirical 86": lost[3],
            "89": lost[4],
            "SGD loses 86": lost[0],
            "51": lost[1],
        },
    )


@claim(
    "S0-21",
    verdict="holds",
    where="basins-worked",
    paraphrase="No optimiser here turns local geometry into a global guarantee.",
    correct="None reaches the good basin from all 300 starts: SGD from 148, AdamW 165, the exact "
    "natural gradient 185, the empirical 163, the diagonal 176.",
    heard="Preconditioned well enough, descent finds the good valley.",
    fact="Of 300 starts the best of five optimisers brings 185 home.",
    truth=dict(zip(FIVE, (148, 165, 185, 163, 176), strict=True)),
    control=dict(zip(FIVE, (148, 165, 300, 163, 176), strict=True)),
    control_name="the exact metric as a guarantee",
)
def no_guarantee(stated) -> Evidence:
    pooled = [sum(_hits(kind)[k] for kind in range(3)) for k in range(5)]
    right = all(value == stated[name] for name, value in zip(FIVE, pooled, strict=True))
    return Evidence(
        right and max(pooled) < 3 * EACH,
        dict(zip(FIVE, pooled, strict=True)),
        "100 starts of each kind.",
        {
            "300": 3 * EACH,
            "148": pooled[0],
            "165": pooled[1],
            "185": pooled[2],
            "163": pooled[3],
            "176": pooled[4],
        },
    )


@cache
def _first_steps():
    """Alignment of the first exact step from all starts, and which runs succeeded."""
    case, _, best, starts, _ = _setting()
    it = BasinRuns().optimisers()["exact"]
    state, _ = basins.step(case.model, case.training, it, basins.start(it, starts))
    nearer = np.hypot(*(starts - best).T) < np.hypot(*(starts + best).T)
    goal = np.where(nearer, 1, -1)[:, None] * best
    aligned = landscape.alignment(state.theta - starts, starts, goal)
    return aligned, _count()["exact"] == landscape.GOOD


@claim(
    "S0-23",
    verdict="holds",
    where="basins-alignment",
    paraphrase="Locally misaligned steps can belong to a good run, well-aligned ones to a bad run.",
    correct="Of 185 successes of the exact natural gradient 48 begin with a negative cosine; of "
    "115 failures 53 begin with one above 0.5.",
    heard="A step that points to the goal belongs to a run that gets there.",
    fact="Of 115 failures 53 begin with a cosine above 0.5, and 48 of 185 successes with a "
    "negative one.",
    truth={"successes": 185, "begin away": 48, "failures": 115, "aim well": 53},
    control={"successes": 185, "begin away": 0, "failures": 115, "aim well": 0},
    control_name="the first step as a verdict",
)
def alignment_is_no_verdict(stated) -> Evidence:
    aligned, good = _first_steps()
    found = {
        "successes": int(good.sum()),
        "begin away": int((good & (aligned < 0)).sum()),
        "failures": int((~good).sum()),
        "aim well": int((~good & (aligned > 0.5)).sum()),
    }
    return Evidence(
        all(found[key] == stated[key] for key in found),
        found,
        "The first exact step from 100 starts of each kind, against the nearer image of the best "
        "validation grid point.",
        {
            "185": found["successes"],
            "48": found["begin away"],
            "115": found["failures"],
            "53": found["aim well"],
            "0.5": 0.5,
        },
    )


@claim(
    "S0-28",
    verdict="holds",
    where="basins-pitfalls",
    paraphrase="A low loss, a short Fisher step or a locally natural direction is not reaching the "
    "basin.",
    correct="From amplitude 1 and frequency 3.5 exact natural steps lower the training loss from "
    "0.778 to 0.690, and come to rest with a gradient below 1e-12, in another basin.",
    truth={"loss at the start": 0.778009, "loss at the end": 0.689838, "good basin": False},
    control={"loss at the start": 0.778009, "loss at the end": 0.499469, "good basin": True},
    control_name="converged, and so arrived",
)
def converged_is_not_arrived(stated) -> Evidence:
    case, *_ = _setting()
    path, losses, kind = _from("exact", (1.0, 3.5))
    size = float(np.hypot(*basins.gradient(case.model, path[-1], case.training)))
    right = _near([losses[0], losses[-1]], [stated["loss at the start"], stated["loss at the end"]])
    right &= size < 1e-12 and (kind == landscape.GOOD) is stated["good basin"]
    return Evidence(
        right,
        {
            "loss before": float(losses[0]),
            "after": float(losses[-1]),
            "length of the gradient": size,
        },
        "400 exact natural steps with the chapter's setting.",
        {
            "amplitude 1": path[0, 0],
            "3.5": path[0, 1],
            "0.778": losses[0],
            "0.690": losses[-1],
            "1e-12": size < 1e-12,
        },
    )


@claim(
    "S0-35",
    verdict="holds",
    where="basins-alignment",
    paraphrase="align is the cosine between the update and the direction to the best point.",
    correct="It is, where both have a length; at a resting point it is not defined.",
    truth={
        "align": lambda step, theta, goal: (
            step @ (goal - theta) / (np.linalg.norm(step) * np.linalg.norm(goal - theta))
        ),
        "defined at rest": False,
    },
    control={"align": lambda step, theta, goal: step @ (goal - theta), "defined at rest": False},
    control_name="an inner product that is not divided by the lengths",
)
def alignment_is_a_cosine(stated) -> Evidence:
    rng = np.random.default_rng(3)
    right, shown = True, 0.0
    for _ in range(5):
        step, theta, goal = rng.normal(size=(3, 2))
        angle = np.arctan2(*step[::-1]) - np.arctan2(*(goal - theta)[::-1])
        shown = float(np.cos(angle))
        right &= _near(stated["align"](step, theta, goal), shown, 1e-9)
        right &= _near(landscape.alignment(step, theta, goal), shown, 1e-9)
    at_rest = landscape.alignment([0.0, 0.0], [1.0, 2.0], [2.0, 2.0])
    return Evidence(
        right and bool(np.isfinite(at_rest)) is stated["defined at rest"],
        {"a cosine": shown},
        "Against the angle between the two, at five random points.",
    )


# Opinions

opinion(
    "S0-22",
    where="basins-defined",
    paraphrase="The label of the basin at the end is stricter than the final training loss.",
    correct="It asks another question, of other data, and is as strict as its definition.",
    reasons="Whether a label is strict depends on how a basin is defined. The chapter defines one "
    "that no grid enters: rest, then the flow of the validation loss.",
)
opinion(
    "S0-24",
    where="basins-alignment",
    paraphrase="The distance to the best grid point is easier to read than the alignment.",
    correct="Readers differ. The chapter shows both side by side.",
    reasons="Ease is the reader's. Neither of the two decides in advance how a run ends, though "
    "on the chapter's landscape successes start nearer more often than they aim better.",
)
opinion(
    "S0-29",
    where="basins-shows",
    paraphrase="Where the geometry does not point to the right basin, there is no reason to expect "
    "natural gradient to beat AdamW.",
    correct="A fair expectation, and no theorem.",
    reasons="What can be expected depends on the problem and on both tunings. On the chapter's "
    "hard starts AdamW was ahead, on its medium ones far behind.",
)
