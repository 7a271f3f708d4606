"""The experiment of the chapter on basins: its constants, its starts, its rule of tuning.

A rhythm is heard in yes/no answers (`ngdlib.basins.Rhythm`), or an event around an unknown moment
(`ngdlib.basins.Bump`, the second model). `make sweep` and the chapter read the same constants.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ngdlib import landscape
from ngdlib.basins import SGD, AdamW, Bump, Data, Ends, Model, Natural, Optimiser, Rhythm, simulate
from ngdlib.validate import Array, count, instance, number, one_of, real_array, vectors

#: The five, in the order in which figures show them.
FIVE = ("SGD", "AdamW", "exact", "empirical", "diagonal")
#: What a figure calls them.
TITLES = {
    "SGD": "SGD, momentum",
    "AdamW": "AdamW",
    "exact": "natural, exact F",
    "empirical": "natural, empirical F",
    "diagonal": "natural, diagonal F",
}
REGIMES = ("easy", "medium", "hard")
STEPS = 400
#: The file that `make sweep` writes.
RESULTS = Path(__file__).resolve().parent / "results" / "basins.npz"
#: Starts lie in this window: (amplitudes, frequencies).
WINDOW = ((-3.5, 3.5), (0.2, 5.8))
#: The second model's starts: (moments, levels).
SECOND_WINDOW = ((-3.0, 3.0), (-3.0, 1.0))
#: Fifteen settings for each of the five: every eta with every second constant.
ETAS = (0.03, 0.1, 0.3, 0.6, 1.0)
SECOND = {
    "SGD": ("momentum", (0.0, 0.5, 0.9)),
    "AdamW": ("beta1", (0.0, 0.5, 0.9)),
    "exact": ("damping", (1e-4, 1e-3, 1e-2)),
    "empirical": ("damping", (1e-4, 1e-3, 1e-2)),
    "diagonal": ("damping", (1e-4, 1e-3, 1e-2)),
}


class Case(NamedTuple):
    """A model, the parameters that made its data, training and validation data, and the reach:
    inputs lie in (-reach, reach)."""

    model: Model
    truth: tuple[float, float]
    training: Data
    validation: Data
    reach: float


def rhythm(
    truth: tuple[float, float] = (2.5, 2.0), n: int = 200, seed: int = 1, reach: float = 3.0
) -> Case:
    """The rhythm: n training answers from the seed, 2n validation answers from the next one."""
    return _case(Rhythm(), truth, n, seed, reach)


def bump(
    truth: tuple[float, float] = (1.0, -2.0), n: int = 200, seed: int = 1, reach: float = 3.0
) -> Case:
    """The event: n training answers from the seed, 2n validation answers from the next one."""
    return _case(Bump(), truth, n, seed, reach)


def optimiser(name: str, eta: float, second: float) -> Optimiser:
    """One of `FIVE` with a step size and its second constant of `SECOND`."""
    one_of("name", name, FIVE)
    eta, second = number("eta", eta, above=0), number("second", second, least=0)
    if name == "SGD":
        return SGD(eta, second)
    if name == "AdamW":
        return AdamW(eta, second)
    kind = "empirical" if name == "empirical" else "exact"
    return Natural(eta, second, kind, "diag" if name == "diagonal" else "full")


def settings() -> dict[tuple[str, float, float], Optimiser]:
    """All settings that are tried: 15 for each of the five."""
    return {
        (name, eta, second): optimiser(name, eta, second)
        for name in FIVE
        for eta in ETAS
        for second in SECOND[name][1]
    }


def tuned(tried: Iterable[tuple[str, float, float]], losses: ArrayLike) -> dict[str, Optimiser]:
    """The rule: of each one's settings, that with the lowest mean training loss over all starts.

    tried    names, step sizes, second constants: the keys of `settings`
    losses   training losses at the ends, shape (settings, starts); a nan counts as infinite
    """
    instance("tried", tried, Iterable, "keys of `settings`")
    tried, losses = list(tried), real_array("losses", losses, checked=False)
    if losses.ndim != 2 or len(losses) != len(tried) or not losses.size:
        raise ValueError(f"losses: expected shape ({len(tried)}, starts), got {losses.shape}")
    with np.errstate(over="ignore"):
        mean = np.where(np.isnan(losses), np.inf, losses).mean(axis=-1)
    chosen: dict[str, tuple[float, Optimiser]] = {}
    for key, value in zip(tried, mean, strict=True):
        if not isinstance(key, tuple) or len(key) != 3:
            raise ValueError(f"tried: expected (name, eta, second constant), got {key!r}")
        name, eta, second = key
        one_of("tried", name, FIVE)
        if name not in chosen or value < chosen[name][0]:
            chosen[name] = (value, optimiser(name, eta, second))
    return {name: found for name, (_, found) in chosen.items()}


def regimes(starts: ArrayLike, frequency: float, reach: float = 3.0) -> np.ndarray:
    """Easy 0, medium 1, hard 2 for starts (N, 2) of a rhythm; looks at no outcome.

    Sines on (-reach, reach) hear each other within a main lobe, |theta2 - frequency| < pi/reach.
    Easy: in the lobe and in phase, theta1 > 0. Medium: in the lobe, out of phase. Hard: the rest.
    """
    starts, lobe = vectors("starts", starts, 2), np.pi / number("reach", reach, above=0)
    inside = np.abs(starts[..., 1] - number("frequency", frequency, above=0)) < lobe
    return np.where(inside, np.where(starts[..., 0] > 0, 0, 1), 2)


def balanced_starts(
    each: int, rng: np.random.Generator, frequency: float = 2.0, reach: float = 3.0
) -> Array:
    """``each`` starts of every regime, uniform in its part of the window, shape (3 each, 2).

    ValueError where the window has hardly a start of some kind.
    """
    each = count("each", each, least=1)
    instance("rng", rng, np.random.Generator, "a numpy.random.Generator")
    found: list[list[Array]] = [[], [], []]
    low, high = np.array(WINDOW).T
    lobe = np.pi / number("reach", reach, above=0)
    frequency = number("frequency", frequency, above=0)
    near = np.clip(frequency + np.array([-lobe, lobe]), low[1], high[1])
    if not 0.01 < np.diff(near)[0] / (high[1] - low[1]) < 0.99:
        raise ValueError(
            f"frequency: expected one with starts of every kind in the window, got {frequency:g} "
            f"with reach {reach:g}"
        )
    while min(map(len, found)) < each:
        start = rng.uniform(low, high)
        found[regimes(start[None], frequency, reach)[0]].append(start)
    return np.concatenate([part[:each] for part in found])


def grid_starts(across: int, up: int) -> Array:
    """The middles of ``across`` x ``up`` equal cells of the window, shape (across * up, 2)."""
    axes = [
        low + (np.arange(k) + 0.5) * (high - low) / k
        for (low, high), k in zip(WINDOW, (count("across", across), count("up", up)), strict=True)
    ]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)


def validation_minima(case: Case) -> tuple[Array, Array]:
    """The strict minima (K, 2) of the validation loss, the lowest first, and the best grid point
    (2,), on a grid of steps 0.1 and 0.05 (the rhythm) that reaches well beyond the window."""
    instance("case", case, Case, "a Case, as `rhythm` makes it")
    low, high = (0.0, 12.0) if isinstance(case.model, Rhythm) else (-6.0, 6.0)
    grid = landscape.survey(
        case.model,
        case.validation,
        np.linspace(-4.0, 4.0, 81),
        np.linspace(low, high, 241),
    )
    return landscape.strict_minima(case.model, case.validation, grid), landscape.best_point(grid)


def judged(case: Case, minima: Array, ends: Ends) -> np.ndarray:
    """What became of runs: `ngdlib.landscape.outcomes` on the validation landscape of a case."""
    instance("case", case, Case, "a Case, as `rhythm` makes it")
    instance("ends", ends, Ends, "Ends of a sweep")
    labels = landscape.flow_labels(case.model, case.validation, minima, ends.theta)
    return landscape.outcomes(labels, ends)


def results() -> dict[str, np.ndarray]:
    """What `make sweep` wrote last: see `book/sweep.py`.

    day               when it was written
    tuning_losses     training losses at the ends, (75, 150), in the order of `settings`
    tuning_outcomes   counts of `landscape.OUTCOMES` in each regime, (75, 3, 4)
    chosen            step size and second constant of each of the five, (5, 2)
    maps              outcomes from the starts of `grid_starts(side, side)`, (5, side, side)
    second_starts     starts of the second model, (300, 2);  second_outcomes, (5, 300)
    """
    with np.load(RESULTS) as file:
        return {name: file[name] for name in file.files}


def _case(model: Model, truth: tuple[float, float], n: int, seed: int, reach: float) -> Case:
    n, seed = count("n", n, least=1), count("seed", seed)
    sets = [
        simulate(model, truth, size, np.random.default_rng(s), reach=reach)
        for size, s in ((n, seed), (2 * n, seed + 1))
    ]
    return Case(model, tuple(truth), *sets, reach)
