"""Five optimisers train one small network on scikit-learn's digits, by one stated rule.

    sgd    W -= eta M,  M = momentum M + V
    adamw  Adam with decoupled weight decay (Loshchilov & Hutter 2019), betas 0.9 and 0.999
    full   the batch's exact Fisher matrix, damped      kfac, ekfac   as in `ngdlib.kfac`

The rule: the same network, the same first weights, the same batches for all. Each optimiser has
sixteen settings, is run with each from one seed, and keeps the one whose training loss after
STEPS steps is the least. What is reported are runs with other seeds. The second-order ones take
the batch's own matrix, without momentum and without running averages.

`python -m benchmarks digits` tunes, runs, times, and writes `measured/kfac_digits.json`, which
`measured()` reads: the build trains a little, and times nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ngdlib import kfac
from ngdlib.kfac import Network
from ngdlib.validate import Array, count, instance, number, one_of

NET = kfac.network([64, 16, 10], "tanh", "softmax")
BATCH, STEPS, TUNING_SEED = 128, 160, 0
OPTIMISERS = ("sgd", "adamw", "full", "kfac", "ekfac")
RESULT = Path(__file__).resolve().parent / "measured" / "kfac_digits.json"

#: Sixteen settings an optimiser: step sizes, and the one other number that each has.
GRID: dict[str, list[dict[str, float]]] = {
    name: [{"eta": eta, other: value} for eta, value in product(etas, values)]
    for name, other, etas, values in (
        ("sgd", "momentum", (0.01, 0.03, 0.1, 0.2, 0.4, 0.6, 1.0, 2.0), (0.9, 0.95)),
        ("adamw", "decay", (1e-3, 3e-3, 0.01, 0.02, 0.03, 0.05, 0.1, 0.3), (0.0, 0.01)),
        *((m, "damping", (0.05, 0.1, 0.3, 1.0), (1e-4, 1e-3, 0.01, 0.1)) for m in kfac.METHODS),
    )
}


class Digits(NamedTuple):
    """Pixels in [0, 1], shape (N, 64), and labels (N,): 1,437 to train on, 360 kept for a test."""

    x: Array
    y: Array
    test_x: Array
    test_y: Array


class Run(NamedTuple):
    """Training losses at `marks`, the share of the test digits that are read right at the end."""

    marks: tuple[int, ...]
    losses: list[float]
    accuracy: float
    weights: list[Array]


@cache
def digits() -> Digits:
    """scikit-learn's digits in an order shuffled once."""
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))
    x, y = pixels[order] / 16, labels[order]
    return Digits(x[:1437], y[:1437], x[1437:], y[1437:])


def batches(seed: int, steps: int) -> Iterator[Array]:
    """Indices of the examples of each step, (BATCH,): every example once in a pass."""
    seed, steps = count("seed", seed), count("steps", steps)
    rng, waiting = np.random.default_rng([seed, 1]), np.empty(0, dtype=int)
    for _ in range(steps):
        if len(waiting) < BATCH:
            waiting = rng.permutation(len(digits().y))
        yield waiting[:BATCH]
        waiting = waiting[BATCH:]


class Optimiser:
    """One of OPTIMISERS with its setting; `step(weights, x, y)` returns the next weights."""

    def __init__(self, name: str, net: Network = NET, *, eta: float, **other: float) -> None:
        one_of("name", name, OPTIMISERS)
        instance("net", net, Network, "a network, as `kfac.network(...)` makes it")
        expected = {"sgd": "momentum", "adamw": "decay"}.get(name, "damping")
        if set(other) != {expected}:
            raise ValueError(f"{expected}: expected for {name!r}, got {sorted(other)}")
        self.name, self.net, self.eta = name, net, number("eta", eta, above=0)
        self.other = number(expected, other[expected], least=0)
        self.first: list[Array] = [np.zeros(shape) for shape in net.shapes]
        self.second: list[Array] = [np.zeros(shape) for shape in net.shapes]
        self.taken = 0

    def step(self, weights: list[Array], x: Array, y: Array) -> list[Array]:
        self.taken += 1
        if self.name in kfac.METHODS:
            state, _ = kfac.step(
                self.net,
                kfac.start(weights),
                x,
                y,
                eta=self.eta,
                damping=self.other,
                method=self.name,
            )
            return state.weights
        V = kfac.gradient(self.net, weights, x, y)
        if self.name == "sgd":
            self.first = [self.other * m + v for m, v in zip(self.first, V, strict=True)]
            return [w - self.eta * m for w, m in zip(weights, self.first, strict=True)]
        self.first = [0.9 * m + 0.1 * v for m, v in zip(self.first, V, strict=True)]
        self.second = [0.999 * s + 0.001 * v**2 for s, v in zip(self.second, V, strict=True)]
        one, two = 1 - 0.9**self.taken, 1 - 0.999**self.taken
        return [
            w - self.eta * (m / one / (np.sqrt(s / two) + 1e-8) + self.other * w)
            for w, m, s in zip(weights, self.first, self.second, strict=True)
        ]


def train(
    name: str,
    setting: dict[str, float],
    seed: int,
    steps: int = STEPS,
    until: int | None = None,
) -> Run:
    """A run of an optimiser: the weights of ``seed``, its batches, ``steps`` steps.

    until  the number of marks after which it may end, where the beginning of a run is enough.
    A run whose loss is no longer finite ends there, with the loss inf.
    """
    count("seed", seed, least=0)
    count("steps", steps, least=0)
    instance("setting", setting, dict, "a dict of constants, as those of GRID")
    if "eta" not in setting or not all(isinstance(key, str) for key in setting):
        raise ValueError(f"setting: expected names, eta among them, got {setting!r}")
    until = None if until is None else count("until", until, least=1)
    data, optimiser = digits(), Optimiser(name, **setting)
    weights = kfac.initial(np.random.default_rng(seed), NET)
    marks = tuple(sorted({round(steps * (k / 16) ** 2) for k in range(17)}))[:until]
    losses = [kfac.loss(NET, weights, data.x, data.y)]
    for k, chosen in enumerate(batches(seed, marks[-1]), start=1):
        with np.errstate(all="ignore"):
            try:
                weights = optimiser.step(weights, data.x[chosen], data.y[chosen])
            except (ValueError, np.linalg.LinAlgError):
                break
        if not all(np.isfinite(w).all() for w in weights):
            break
        if k in marks:
            losses.append(kfac.loss(NET, weights, data.x, data.y))
    losses += [float("inf")] * (len(marks) - len(losses))
    finite = all(np.isfinite(w).all() for w in weights)
    guess = kfac.outputs(NET, weights, data.test_x).argmax(axis=1) if finite else -1
    return Run(marks, losses, float(np.mean(guess == data.test_y)), weights)


def measured() -> dict[str, Any]:
    """The committed result: date, machine, settings, runs, seconds a step."""
    return json.loads(RESULT.read_text(encoding="utf-8"))
