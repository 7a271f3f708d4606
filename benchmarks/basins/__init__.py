"""The basin sweep beside plain batched numpy, torch and jax: five optimisers, 2000 starts, 200
steps, 200 data, float64, in one run. jax and torch have the environment of `benchmarks.fisher`.

Ratios to the time of jax, compiled and warm; its first call is given too. Then how our time grows
with starts, steps and data. All ends are compared first: a faster wrong sweep is none.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from benchmarks.peers import environment
from ngdlib import basins, experiment

HERE = Path(__file__).resolve().parent
STARTS, STEPS, GOAL = 2000, 200, 0.7
PEERS = ("numpy", "torch", "jax")
Row = tuple[str, float, str, float | None]
FIVE = {  # calm settings: after so few steps no rounding error has grown
    "SGD": basins.SGD(0.1, 0.9),
    "AdamW": basins.AdamW(0.03),
    "exact": basins.Natural(0.1, 0.01),
    "empirical": basins.Natural(0.1, 0.01, "empirical"),
    "diagonal": basins.Natural(0.1, 0.01, "exact", "diag"),
}


def measure() -> Iterator[Row]:
    """Rows (what, value, unit, budget)."""
    case = experiment.rhythm()
    low, high = np.array(experiment.WINDOW).T
    starts = np.random.default_rng(0).uniform(low, high, (STARTS, 2))
    mine, seconds = timed(case, starts, STEPS)
    yield "ngdlib, one thread", seconds, "s", None
    with ThreadPoolExecutor(2) as pool:
        _, two = timed(case, starts, STEPS, pool)
    yield "ngdlib, two threads", two, "s", None
    with tempfile.TemporaryDirectory() as folder:
        given, answers = Path(folder, "given.npz"), Path(folder, "answers.npz")
        x, y = case.training
        np.savez(given, x=x, y=y, starts=starts, steps=STEPS)
        command = [environment(HERE.parent / "fisher"), HERE / "peer.py", given, answers]
        subprocess.run([str(part) for part in command], check=True)
        theirs = dict(np.load(answers))
    for name in PEERS:
        if f"{name} warm" not in theirs:
            continue
        yield f"{name}, warm", float(theirs[f"{name} warm"]), "s", None
        yield f"{name}, first call", float(theirs[f"{name} first"]), "s", None
        gap = [np.median(np.abs(theirs[f"{name} {m}"] - mine[m].theta).max(axis=1)) for m in FIVE]
        yield f"{name}: median difference of an end / 1e-9", max(gap) / 1e-9, "", 1.0
    if "jax warm" not in theirs:
        raise RuntimeError("basins: expected an answer of jax, got none")
    yield "our time / jax warm", seconds / float(theirs["jax warm"]), "", GOAL
    for what, few, many in (
        ("twice the starts", (starts[:500], STEPS, 1), (starts[:1000], STEPS, 1)),
        ("twice the steps", (starts[:500], 100, 1), (starts[:500], 200, 1)),
        ("twice the data", (starts[:500], 100, 1), (starts[:500], 100, 2)),
    ):
        times = []
        for some, steps, copies in (few, many):
            data = basins.Data(*(np.tile(part, copies) for part in case.training))
            times.append(timed(case._replace(training=data), some, steps)[1])
        yield f"our time for {what}", times[1] / times[0], "x", None


def timed(case, starts, steps, executor=None) -> tuple[dict[str, basins.Ends], float]:
    """The ends, and the lesser time of two."""
    times = []
    for _ in range(2):
        began = time.perf_counter()
        ends = basins.sweep(case.model, case.training, FIVE, starts, steps, executor=executor)
        times.append(time.perf_counter() - began)
    return ends, min(times)
