"""Side by side with jax and curvlinops: the exact Fisher matrix of softmax regression, one run.

The digits of scikit-learn: 1,797 inputs of 65 numbers, 10 classes, 650 parameters. jax and torch
have their own lock and environment, made here on first use. All three get the same inputs and
weights, in float64, one after the other; each time is the least of five, after one call uncounted.

The goal, 20 times, is against the fastest peer that derives the matrix by itself, which is what a
user would call. Against a closed form that a user types into jax there is no goal: those ratios say
how much of the 20 is the formula and how much the code.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from benchmarks.peers import ask, best
from ngdlib.fisher import fisher, regression

HERE = Path(__file__).resolve().parent
REPEATS, GOAL = 5, 20
AUTOMATIC = ("jax, Hessian", "jax, Gauss-Newton", "curvlinops")
BY_HAND = ("jax, sum by hand", "jax, our formula by hand")
Row = tuple[str, float, str, float | None]


def measure() -> Iterator[Row]:
    """Rows (what, value, unit, budget): times, differences, and ours over the best peer's."""
    pictures, _ = load_digits(return_X_y=True)
    x = np.c_[np.ones(len(pictures)), pictures / 16]
    task = regression("softmax", x, 10)
    θ = np.random.default_rng(0).standard_normal(task.size)
    mine, seconds = best(lambda: fisher(task, θ), REPEATS)
    yield "ngdlib", 1000 * seconds, "ms", None
    with tempfile.TemporaryDirectory() as folder:
        given, answers = Path(folder, "given.npz"), Path(folder, "answers.npz")
        np.savez(given, x=x, W=θ.reshape(10, -1), repeats=REPEATS)
        ask(HERE, HERE / "peer.py", given, answers)
        theirs = dict(np.load(answers))
    peers = [name for name in (*AUTOMATIC, *BY_HAND) if name in theirs]
    if not {*peers} & {*AUTOMATIC}:
        raise RuntimeError("fisher: expected an answer of jax or of curvlinops, got none")
    times = {name: float(theirs[f"{name} seconds"]) for name in peers}
    for name in peers:
        gap = np.abs(theirs[name] - mine).max() / np.abs(mine).max()
        yield name, 1000 * times[name], "ms", None
        yield f"{name}: difference / 1e-12", gap / 1e-12, "", 1.0
    for name in peers:
        yield f"{name}, over ours", times[name] / seconds, "x", None
    fastest = min((name for name in peers if name in AUTOMATIC), key=times.get)
    what = f"goal, {GOAL} times faster than the fastest that derives it ({fastest}): {GOAL} / ratio"
    yield what, GOAL * seconds / times[fastest], "", 1.0
