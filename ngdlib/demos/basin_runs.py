"""Five optimisers from one start: where each of them ends, on the landscape of a rhythm."""

from __future__ import annotations

from functools import cache

import numpy as np

from ngdlib import basins, experiment, landscape
from ngdlib.demos.base import (
    Choice,
    Count,
    Demo,
    Linear,
    Number,
    axis,
    moving,
    path,
    shape,
    svg,
    text,
)
from ngdlib.plots import sides
from ngdlib.validate import Array

#: Starts of the text: what it calls them, amplitude, frequency.
PRESETS = (
    ("the opening: out of phase", -2.0, 2.3),
    ("easy", 2.5, 1.3),
    ("medium, first", -1.5, 2.0),
    ("medium, second", -2.5, 1.6),
    ("hard", 1.0, 3.5),
)
#: The settings that the rule of tuning chose (the chapter asserts it), as the demo's traits.
TUNED = {
    "eta_sgd": 0.3,
    "momentum": 0.9,
    "eta_adamw": 0.6,
    "decay": 0.01,
    "eta_exact": 0.3,
    "damping_exact": 0.001,
    "eta_empirical": 0.3,
    "damping_empirical": 0.001,
    "eta_diagonal": 0.6,
    "damping_diagonal": 0.001,
}


@cache
def tables() -> dict[str, object]:
    case = experiment.rhythm()
    minima, best = experiment.validation_minima(case)
    sets = {
        name: {
            "x": data.x.round(12 if name == "training" else 10).tolist(),
            "y": data.y.astype(int).tolist(),
        }
        for name, data in (("training", case.training), ("validation", case.validation))
    }
    return {
        **sets,
        "minima": minima.round(9).tolist(),
        "best": best.round(9).tolist(),
        "presets": PRESETS,
        "tuned": TUNED,
    }


class BasinRuns(Demo):
    """Runs of ``steps`` steps from the amplitude ``a`` and the frequency ``b``.

    eta_...       step sizes of the five, in [0.01, 1]
    momentum      of SGD, in [0, 0.99];  decay  of AdamW, in [0, 0.1]
    damping_...   of the three that invert a Fisher matrix, in [0.0001, 0.1]
    view          the loss whose level lines are drawn: "training" or "validation"
    who           whose sliders are shown;  run  "yes" shows the runs
    """

    _module = "basin_runs.js"
    _data = staticmethod(tables)
    name = "basin-runs"
    title = "Five optimisers, one start"
    caption = (
        "The runs of five optimisers from one start, over amplitude and frequency, and the best "
        "point of the validation loss (star). A frequency below 0 is drawn at its mirror image, "
        "which is the same model. "
        + moving(
            sides(
                "Left, with level lines of the loss (dashed: two very shallow levels); right, how "
                "far each is from the star. Click, drag or type the start."
            )
        )
    )

    a = Number(-2.0, min=-3.5, max=3.5)
    b = Number(2.3, min=0.2, max=5.8)
    steps = Count(400, min=1, max=400)
    view = Choice("training", ("training", "validation"))
    run = Choice("no", ("no", "yes"))
    who = Choice("exact", experiment.FIVE)
    eta_sgd = Number(0.3, min=0.01, max=1)
    eta_adamw = Number(0.6, min=0.01, max=1)
    eta_exact = Number(0.3, min=0.01, max=1)
    eta_empirical = Number(0.3, min=0.01, max=1)
    eta_diagonal = Number(0.6, min=0.01, max=1)
    momentum = Number(0.9, min=0, max=0.99)
    decay = Number(0.01, min=0, max=0.1)
    damping_exact = Number(0.001, min=1e-4, max=0.1)
    damping_empirical = Number(0.001, min=1e-4, max=0.1)
    damping_diagonal = Number(0.001, min=1e-4, max=0.1)

    def optimisers(self) -> dict[str, basins.Optimiser]:
        """The five as they are set, for `ngdlib.basins`."""
        return {
            "SGD": basins.SGD(self.eta_sgd, self.momentum),
            "AdamW": basins.AdamW(self.eta_adamw, weight_decay=self.decay),
            "exact": basins.Natural(self.eta_exact, self.damping_exact),
            "empirical": basins.Natural(self.eta_empirical, self.damping_empirical, "empirical"),
            "diagonal": basins.Natural(self.eta_diagonal, self.damping_diagonal, "exact", "diag"),
        }

    def still(self) -> str:
        x, y = Linear((-4, 4), 48, 680), Linear((0, 6.6), 400, 12)
        case = experiment.rhythm()
        drawn = []
        styles = {
            "SGD": {"stroke": "euclidean", "dash": "5 3"},
            "AdamW": {"stroke": "muted", "dash": "9 3 2 3"},
            "exact": {"stroke": "natural", "width": 2.3},
            "empirical": {"dash": "6 4"},
            "diagonal": {"stroke": "natural", "dash": "2 3"},
        }
        for name, optimiser in self.optimisers().items():
            way = basins.run(case.model, case.training, optimiser, [[self.a, self.b]], self.steps)[
                0
            ][:, 0]
            way = way[np.isfinite(way).all(axis=1)]
            drawn.append(path(_folded(way, x, y), **styles[name]))
            end = basins.fold(case.model, way[-1])
            if abs(end[0]) <= 4 and end[1] <= 6.6:
                drawn.append(path(shape("square", x(end[0]), y(end[1]), 4), **styles[name]))
        best = tables()["best"]
        return svg(
            700,
            440,
            *drawn,
            path(shape("star", x(best[0]), y(best[1]), 8), fill="ink"),
            path(shape("disc", x(self.a), y(self.b), 5), fill="ink"),
            text(x(self.a) + 10, y(self.b), "start"),
            axis(x, [-4, -2, 0, 2, 4], 400),
            axis(y, [0, 2, 4, 6], 48, side="left"),
            text(364, 432, "amplitude θ₁", "middle"),
            text(56, 12, "frequency θ₂"),
            label="Five runs from one start over amplitude and frequency, and the best point.",
        )


def outcome(point: Array) -> int:
    """The class of an end, as `ngdlib.landscape.outcomes` says it."""
    case = experiment.rhythm()
    point = np.asarray(point, dtype=float)[None]
    g = basins.gradient(case.model, point, case.training)
    ends = basins.Ends(point, np.zeros(1), np.hypot(*g.T))
    minima = np.array(tables()["minima"])
    labels = landscape.flow_labels(case.model, case.validation, minima, point, cell=1e-9)
    return int(landscape.outcomes(labels, ends)[0])


def _folded(way: Array, x: Linear, y: Linear) -> str:
    """A way, folded to frequencies >= 0, as path data; cut where it changes sides, every third
    point of a long one."""
    sides = np.where(way[:, 1] < 0, -1, 1)
    keep = np.arange(len(way)) % max(1, len(way) // 130) == 0
    keep[-1] = True
    parts, last = [], 0
    for (a, b), side, kept in zip(way, sides, keep, strict=True):
        if kept:
            here = f"{x(np.clip(side * a, -9, 9)):.1f} {y(np.clip(side * b, -2, 12)):.1f}"
            parts.append(("L" if side == last else "M") + here)
            last = side
    return "".join(parts)
