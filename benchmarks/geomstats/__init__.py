"""Side by side with geomstats 2.8: values to 1e-13, and times as ratios in one run.

geomstats needs an older numpy, so it has its own lock and environment, made here on first use.
Both sides get the same points in turns, each in a process of its own that has one thread; a time
is the least of all turns. geomstats does not look at its arguments: beside the ratio of what a
reader calls stands that of our closed form alone, unchecked.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from benchmarks.peers import BUILD, best, environment

HERE = Path(__file__).resolve().parent
SIZES, TURNS = (20_000, 1_000_000), 3
Row = tuple[str, float, str, float | None]
Operations = dict[str, Callable[[], np.ndarray]]


def measure() -> Iterator[Row]:
    """Rows (what, value, unit, budget): differences in units of 1e-13, times as ours / theirs."""
    for size in SIZES:
        ours, theirs = _both(size)
        for name in (key for key in theirs if f"{key} seconds" in theirs):
            value, other = ours[name].astype(float), theirs[name].astype(float)
            if name == "categorical exponential":  # theirs has the last class as well
                other = other[:, :-1]
            # below 1 in absolute terms: of small distances geomstats has fewer digits
            gap = np.abs(value - other.reshape(value.shape)) / np.maximum(np.abs(value), 1.0)
            yield f"{name} of {size:,}: difference / 1e-13", float(gap.max() / 1e-13), "", 1.0
            for key, budget in ((name, 1.0), (f"{name} unchecked", None)):
                if key in ours:
                    ratio = ours[f"{key} seconds"] / theirs[f"{name} seconds"]
                    yield f"{key} of {size:,}: our time / theirs", float(ratio), "", budget


def _both(size: int) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """What both sides give for so many points, by operation, and '... seconds' of each."""
    sides = {"ours": ({}, sys.executable), "peer": ({}, environment(HERE))}
    alone = os.environ | {"PYTHONPATH": str(BUILD.parent), "OPENBLAS_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as folder:
        given, answers = Path(folder, "points.npz"), Path(folder, "answers.npz")
        np.savez(given, **_points(size))
        for _ in range(TURNS):
            for side, (found, python) in sides.items():
                program = [python, "-m", f"benchmarks.geomstats.{side}", given, answers]
                subprocess.run([str(part) for part in program], check=True, env=alone)
                for key, value in np.load(answers).items():
                    again = key in found and key.endswith(" seconds")
                    found[key] = min(value, found[key]) if again else value
    return sides["ours"][0], sides["peer"][0]


def answer(operations: Callable[[dict[str, np.ndarray]], Operations]) -> None:
    """One side's program: values and least times of its operations on the points of a file."""
    given, answers = sys.argv[1:]
    points, found = dict(np.load(given)), {}
    repeats = max(5, 600_000 // len(points["normal a"]))
    for name, f in operations(points).items():
        found[name], found[f"{name} seconds"] = best(f, repeats)
    np.savez(answers, **found)


def _points(size: int) -> dict[str, np.ndarray]:
    """Two batches of points and one of velocities for each family, in the chart of geomstats."""
    rng = np.random.default_rng(0)
    column = (size, 1)
    p, r = (rng.dirichlet([2.0, 3.0, 4.0], size) for _ in "ab")
    turn = 0.1 * rng.standard_normal((size, 3)) * p
    bells = [np.column_stack([rng.normal(size=size), rng.uniform(0.5, 2, size)]) for _ in "ab"]
    return {
        "normal a": bells[0],
        "normal b": bells[1],
        "normal v": 0.3 * rng.standard_normal((size, 2)),
        "categorical a": p,
        "categorical b": r,
        "categorical v": turn - p * turn.sum(axis=1, keepdims=True),
        "bernoulli a": rng.uniform(0.1, 0.9, column),
        "bernoulli b": rng.uniform(0.1, 0.9, column),
        "bernoulli v": 0.02 * rng.standard_normal(column),
        "poisson a": rng.uniform(0.5, 20, column),
        "poisson b": rng.uniform(25, 40, column),  # between near rates theirs loses digits
        "poisson v": 0.1 * rng.standard_normal(column),
    }
