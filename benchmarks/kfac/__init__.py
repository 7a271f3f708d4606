"""One K-FAC step of 784-256-10 on a batch of 512, beside torch by hand, curvlinops and kfac-jax, in
one run.

All have the same weights, inputs and labels, in float64, and the exact Fisher factors of the batch
(ten weighted labels an example); the first two have factored damping, root lambda on each factor,
kfac-jax has pi beside it. Each must give our update with its damping. Times are the least of five
repeats, one after the other. torch's environment is that of `benchmarks.fisher`; kfac-jax runs with
an older jax, so it has its own.

A batch of 512 is smaller than the 785 inputs, so the step solves for A by the examples. What can be
reached with numpy and scipy is measured too: the large BLAS and LAPACK calls of such a step alone,
on one thread, so that no threads wait for each other.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from benchmarks.peers import ask, best
from ngdlib import kfac

HERE = Path(__file__).resolve().parent
SIZES, BATCH, DAMPING, REPEATS = (784, 256, 10), 512, 0.01, 5
Row = tuple[str, float, str, float | None]


def measure() -> Iterator[Row]:
    """Rows (what, value, unit, budget): times, differences, ours over the fastest peer's."""
    net = kfac.network(SIZES, "tanh", "softmax")
    rng = np.random.default_rng(0)
    weights = kfac.initial(rng, net)
    x, y = rng.normal(size=(BATCH, SIZES[0])), rng.integers(0, 10, BATCH)

    def step(how: str) -> np.ndarray:
        start = kfac.start(weights)
        after, _ = kfac.step(net, start, x, y, eta=1.0, damping=DAMPING, how=how)
        return np.concatenate(
            [(a - w).ravel() for a, w in zip(after.weights, weights, strict=True)]
        )

    mine, seconds = {}, {}
    for how in ("factored", "pi"):
        mine[how], seconds[how] = best(lambda how=how: step(how), REPEATS)
        yield f"ngdlib, {how}", 1000 * seconds[how], "ms", None
    yield "its large BLAS calls alone, one thread, processor time", 1000 * floor(), "ms", None
    given = {"x": x, "y": y, "W1": weights[0], "W2": weights[1], "damping": DAMPING}
    theirs = _asked(HERE.parent / "fisher", "peer.py", given) | _asked(HERE, "peer_jax.py", given)
    fastest = {}
    for name, how in (("torch", "factored"), ("curvlinops", "factored"), ("kfac_jax", "pi")):
        if name not in theirs:
            continue
        gap = np.abs(theirs[name] - mine[how]).max() / np.abs(mine[how]).max()
        took = float(theirs[f"{name}_seconds"])
        yield name, 1000 * took, "ms", None
        yield f"{name}: difference / 1e-9", gap / 1e-9, "", 1.0
        fastest[how] = min(took, fastest.get(how, took))
    if not fastest:
        raise RuntimeError("kfac: expected an answer of one peer or more, got none")
    for how, took in fastest.items():
        yield f"our time / the fastest peer's, {how}", seconds[how] / took, "", 1.0


def floor() -> float:
    """Seconds of processor time of the large calls of a step, on one thread: in a process of its
    own, since the number of threads is read when numpy is imported."""
    at = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-c", f"from {__name__} import calls; print(calls())"]
    return float(subprocess.run(command, check=True, env=at, capture_output=True).stdout)


def calls() -> float:
    """The least processor time of REPEATS of each call, summed over the calls."""
    rng = np.random.default_rng(0)
    inputs, hidden, outputs = SIZES
    a, h = (rng.normal(size=(BATCH, n + 1)) for n in (inputs, hidden))
    labels, W2 = rng.normal(size=(BATCH * outputs, outputs)), rng.normal(size=(outputs, hidden))
    g, W1 = labels @ W2, rng.normal(size=(hidden, inputs + 1))
    r = g[:BATCH]
    gram, G = a @ a.T / BATCH + np.eye(BATCH), g.T @ g / BATCH + np.eye(hidden)
    root_gram, root_G = cho_factor(gram), cho_factor(G)
    large = (
        lambda: a @ W1.T,
        lambda: labels @ W2,
        lambda: r.T @ a,  # the gradient
        lambda: g.T @ g,
        lambda: cho_factor(G),
        lambda: cho_solve(root_G, r.T),
        lambda: a @ a.T,
        lambda: cho_factor(gram),
        lambda: cho_solve(root_gram, r),
        lambda: r.T @ a,  # the direction
        lambda: h.T @ h,
    )
    total = 0.0
    for call in large:
        took = []
        for _ in range(REPEATS + 1):
            begun = time.process_time()
            call()
            took.append(time.process_time() - begun)
        total += min(took)
    return total


def _asked(folder: Path, script: str, given: dict) -> dict[str, np.ndarray]:
    """What a peer of this folder answers, in the environment of ``folder``."""
    with tempfile.TemporaryDirectory() as temporary:
        question, answers = Path(temporary, "given.npz"), Path(temporary, "answers.npz")
        np.savez(question, **given)
        ask(folder, HERE / script, question, answers)
        return dict(np.load(answers))
