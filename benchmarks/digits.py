"""Five optimisers on scikit-learn's digits, tuned by the rule of `ngdlib.digits`; writes its file.

    python -m benchmarks digits      some twenty minutes on one core

First all are tuned and run with equal numbers of steps. Then the cheap ones, SGD and AdamW, are
tuned and run once more, with as many steps as fit into the time of K-FAC's. Seconds a step are the
least of THIRTY, taken in turns in one run: on a busy machine their ratios can be trusted more than
they themselves.
"""

from __future__ import annotations

import json
import math
import os
import platform
import time
from collections.abc import Iterator
from datetime import date

import numpy as np

from ngdlib import digits, kfac
from ngdlib.digits import GRID, NET, OPTIMISERS, RESULT, STEPS, TUNING_SEED, Optimiser, train

SEEDS, THIRTY = (1, 2, 3, 4, 5), 30
Row = tuple[str, float, str, float | None]


def measure() -> Iterator[Row]:
    """Rows (what, value, unit, budget): seconds a step, and the median loss of five seeds."""
    settings = {name: tuned(name, STEPS) for name in OPTIMISERS}
    seconds = step_times(settings)
    runs = {name: repeated(name, settings[name], STEPS) for name in OPTIMISERS}
    longer = {}
    for name in ("sgd", "adamw"):
        steps = rounded(STEPS * seconds["kfac"] / seconds[name])
        setting = tuned(name, steps)
        longer[name] = {"steps": steps, "setting": setting, **repeated(name, setting, steps)}
    found = {
        "date": date.today().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, numpy {np.__version__}",
        "network": list(NET.sizes),
        "batch": digits.BATCH,
        "steps": STEPS,
        "settings": settings,
        "seconds": seconds,
        "runs": runs,
        "longer": longer,
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    for name in OPTIMISERS:
        yield f"{name}: a step", 1000 * seconds[name], "ms", None
        yield f"{name}: loss after {STEPS}", median(runs[name]), "nats", None
    for name, run in longer.items():
        yield f"{name}: loss after {run['steps']}", median(run), "nats", None


def tuned(name: str, steps: int) -> dict[str, float]:
    """The setting of GRID with the least training loss at the end."""
    return min(GRID[name], key=lambda setting: train(name, setting, TUNING_SEED, steps).losses[-1])


def repeated(name: str, setting: dict[str, float], steps: int) -> dict:
    """Runs from SEEDS: marks, losses (seed by seed), shares of the test digits read right."""
    all_ = [train(name, setting, seed, steps) for seed in SEEDS]
    return {
        "marks": list(all_[0].marks),
        "losses": [[float(f"{value:.6g}") for value in run.losses] for run in all_],
        "accuracy": [round(run.accuracy, 5) for run in all_],
    }


def median(runs: dict) -> float:
    return float(np.median([losses[-1] for losses in runs["losses"]]))


def step_times(settings: dict[str, dict[str, float]]) -> dict[str, float]:
    """Seconds a step of each, in turns, the least of THIRTY."""
    data, weights = digits.digits(), kfac.initial(np.random.default_rng(0), NET)
    x, y = data.x[: digits.BATCH], data.y[: digits.BATCH]
    made = {name: Optimiser(name, **setting) for name, setting in settings.items()}
    least = dict.fromkeys(made, math.inf)
    for _ in range(THIRTY):
        for name, optimiser in made.items():
            started = time.perf_counter()
            optimiser.step(weights, x, y)
            least[name] = min(least[name], time.perf_counter() - started)
    return least


def rounded(steps: float) -> int:
    """To two digits."""
    unit = 10 ** (math.floor(math.log10(steps)) - 1)
    return unit * round(steps / unit)
