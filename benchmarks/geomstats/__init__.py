"""Side by side with geomstats 2.8: values to 1e-13, and times as ratios in one run.

geomstats needs an older numpy, so it has its own lock and environment, made here on first use.
Both get the same 100,000 points, one after the other; each time is the least of sixty.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from benchmarks.peers import ask, best
from ngdlib import geodesics
from ngdlib.families import Bernoulli, Categorical, Gaussian

HERE = Path(__file__).resolve().parent
POINTS, REPEATS = 100_000, 60
Row = tuple[str, float, str, float | None]


def measure() -> Iterator[Row]:
    """Rows (what, value, unit, budget): differences in units of 1e-13, times as ours / theirs."""
    points = _points()
    with tempfile.TemporaryDirectory() as folder:
        given, answers = Path(folder, "points.npz"), Path(folder, "answers.npz")
        np.savez(given, **points)
        ask(HERE, HERE / "peer.py", given, answers)
        theirs = dict(np.load(answers))
    for name, f in _operations(points).items():
        if name not in theirs:
            continue
        value, seconds = best(f, REPEATS)
        other = theirs[name]
        if name == "categorical exponential":  # theirs has the last class as well
            other = other[:, :-1]
        other = other.reshape(value.shape)
        size = np.maximum(np.abs(other.astype(float)), 1e-3)
        gap = np.abs(value.astype(float) - other) / size
        yield f"{name}: difference / 1e-13", float(gap.max() / 1e-13), "", 1.0
        yield f"{name}: our time / theirs", seconds / float(theirs[f"{name} seconds"]), "", 1.0


def _points() -> dict[str, np.ndarray]:
    """Two batches of points and one of velocities for each family, in the chart of geomstats."""
    rng = np.random.default_rng(0)
    column = (POINTS, 1)
    p, r = (rng.dirichlet([2.0, 3.0, 4.0], POINTS) for _ in "ab")
    turn = 0.1 * rng.standard_normal((POINTS, 3)) * p
    bells = [np.column_stack([rng.normal(size=POINTS), rng.uniform(0.5, 2, POINTS)]) for _ in "ab"]
    return {
        "normal a": bells[0],
        "normal b": bells[1],
        "normal v": 0.3 * rng.standard_normal((POINTS, 2)),
        "categorical a": p,
        "categorical b": r,
        "categorical v": turn - p * turn.sum(axis=1, keepdims=True),
        "bernoulli a": rng.uniform(0.1, 0.9, column),
        "bernoulli b": rng.uniform(0.1, 0.9, column),
        "bernoulli v": 0.02 * rng.standard_normal(column),
    }


def _operations(points: dict[str, np.ndarray]) -> dict[str, Callable]:
    models = {
        "normal": Gaussian("mu, sigma"),
        "categorical": Categorical(3, "probabilities"),
        "bernoulli": Bernoulli("probability"),
    }
    operations = {}
    for name, model in models.items():
        a, b, v = (points[f"{name} {key}"] for key in "abv")
        if name == "categorical":
            a, b, v = (np.ascontiguousarray(x[:, :-1]) for x in (a, b, v))
        operations |= {
            f"{name} distance": lambda m=model, a=a, b=b: m.fisher_rao_distance(a, b),
            f"{name} exponential": lambda m=model, a=a, v=v: geodesics.exponential(m, a, v),
            f"{name} inside": lambda m=model, a=a: m.in_domain(a),
            f"{name} fisher": lambda m=model, a=a: m.fisher(a),
        }
    return operations
