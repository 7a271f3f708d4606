"""Newton's step and its relatives: one model, one chart, one matrix; where the steps lead."""

from __future__ import annotations

from collections.abc import Callable

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from ngdlib.demos.base import Choice, Count, Demo, Number, moving
from ngdlib.descent import gauss_newton
from ngdlib.families import Bernoulli, Model, Poisson
from ngdlib.plots import INK, STYLE, rc_for, svg_text
from ngdlib.validate import Array

#: The charts of each model, the mean first: name, and the name of the library's chart.
CHARTS = {
    "counter": {"mean": "rate", "root": "root", "natural": "log-rate"},
    "coin": {"mean": "probability", "root": "angle", "natural": "log-odds"},
    "square": {"mean": "theta"},
}
MATRICES = ("hessian", "fisher", "ggn", "none")


class NewtonSteps(Demo):
    """A ``model`` in a ``chart``, steps with a ``matrix``: theta - eta M^-1 g.

    model   "counter" (Poisson, rate ``r``, data mean ``m``), "coin" (``q``, data mean ``y``) or
            "square", the normal distribution with mean theta^2 and variance 1 (``t``, truth 1)
    chart   "mean" (of the square: theta itself), "root" (of the coin: the angle), "natural"
    matrix  "hessian", "fisher", "ggn" (cut at the mean) or "none" (the number 1)
    steps   how many have been taken; 0 gives nothing away
    """

    _module = "newton_steps.js"
    name = "newton-steps"
    title = "Newton's step and its relatives"
    caption = (
        f"The loss in the chart{moving(' (left)')}, and the parabola that the first step trusts: "
        "it has the slope of the loss at the disc, and the chosen matrix, divided by <em>η</em>, "
        "for its curvature. The step ends at its lowest point. "
        + moving(
            "Dots show where further steps lead. (<em>GGN</em>, a matrix of a later section, is "
            "cut at the mean; <em>none</em> is an ordinary step.) Right: the distributions that "
            "the steps reach, by their mean (the star line is the data's), in the chosen chart "
            "(filled) and in the others."
        )
    )

    model = Choice("counter", tuple(CHARTS))
    chart = Choice("mean", ("mean", "root", "natural"))
    matrix = Choice("hessian", MATRICES)
    r = Number(1.0, min=0.1, max=100.0)
    m = Number(5.0, min=0.5, max=20.0)
    q = Number(0.2, min=0.01, max=0.99)
    y = Number(0.75, min=0.05, max=0.95)
    t = Number(0.3, min=-1.5, max=2.5)
    eta = Number(1.0, min=0.05, max=2.0)
    steps = Count(0, min=0, max=50)

    def charts(self) -> tuple[str, ...]:
        """The charts that the model has."""
        return tuple(CHARTS[self.model])

    def start(self, chart: str) -> float:
        """The starting point in a chart."""
        if self.model == "square":
            return self.t
        mean = self.r if self.model == "counter" else self.q
        base = _family(self.model, "mean")
        return base.change_to(CHARTS[self.model][chart]).forward([mean]).item()

    def data(self) -> float:
        """The mean of the data."""
        return {"counter": self.m, "coin": self.y, "square": 1.0}[self.model]

    def path(self, chart: str, steps: int | None = None) -> list[float]:
        """The points of the steps in a chart; ends where a step has left the model."""
        points = [self.start(chart)]
        for _ in range(self.steps if steps is None else steps):
            if not inside(self.model, chart, points[-1]):
                break
            g, matrices = curvature(self.model, chart, points[-1], self.data())
            M = matrices[self.matrix]
            points.append(points[-1] - self.eta * g / M if M else np.inf)
        return points

    def still(self) -> str:
        with mpl.rc_context(rc_for(self.name)):
            fig = Figure(figsize=(6.8, 3.2), layout="constrained")
            axes = fig.subplots(ncols=len(self.charts()), sharey=True, squeeze=False)[0]
            for ax, chart in zip(axes, self.charts(), strict=True):
                here = self.start(chart)
                g, matrices = curvature(self.model, chart, here, self.data())
                low, high = sorted((here, self.path(chart, 1)[-1]))
                room = 0.4 * (high - low) + 0.1
                grid = np.linspace(low - room, high + room, 60)
                grid = grid[[inside(self.model, chart, x) for x in grid]]
                ax.plot(grid, [loss(self.model, chart, x, self.data()) for x in grid], color=INK)
                began, v = loss(self.model, chart, here, self.data()), grid - here
                for name, role in (("hessian", "muted"), ("fisher", "natural")):
                    bend = matrices[name] / self.eta
                    ax.plot(grid, began + g * v + bend * v**2 / 2, **STYLE[role])
                ax.plot(here, began, "o", color=INK)
                ax.set(xlabel=CHARTS[self.model][chart], ylim=(-0.5 * began - 0.2, 2 * began + 0.2))
            axes[0].set_ylabel("loss above the best (nats)")
            return svg_text(
                fig,
                f"The loss of the {self.model} in its charts, with the parabola of the Hessian "
                "(dotted) and that of the Fisher information (solid) at the starting point.",
            )


def _family(model: str, chart: str) -> Model:
    family = {"counter": Poisson, "coin": Bernoulli}[model]
    return family(CHARTS[model][chart])


def inside(model: str, chart: str, at: float) -> bool:
    """Whether a number is a point of the model in a chart."""
    if not np.isfinite(at):
        return False
    return abs(at) < 1e6 if model == "square" else bool(_family(model, chart).in_domain([at]))


def loss(model: str, chart: str, at: float, mean: float) -> float:
    """The KL divergence from the member with the data's mean, in nats."""
    if model == "square":
        return (at * at - mean) ** 2 / 2
    there = _family(model, chart)
    best = _family(model, "mean").change_to(CHARTS[model][chart]).forward([mean])
    return float(there.kl(best, [at]))


def curvature(model: str, chart: str, at: float, mean: float) -> tuple[float, dict[str, float]]:
    """The slope of the loss at a point, and the four matrices, each a number."""
    if model == "square":
        ggn = gauss_newton(np.full((1, 1, 1), 2 * at), np.ones((1, 1, 1))).item()
        g, H, F = 2 * at * (at * at - mean), 6 * at * at - 2 * mean, 4 * at * at
    else:
        there, here = _family(model, chart), np.array([at])
        base = _family(model, "mean")
        slope = there.change_to(base).jacobian(here)
        second: Callable[..., Array] = base.cross_entropy_hessian
        out = second(there.change_to(base).forward(here), [mean])
        ggn = gauss_newton(slope[None], out[None]).item()
        g = there.cross_entropy_gradient(here, [mean]).item()
        H = there.cross_entropy_hessian(here, [mean]).item()
        F = there.fisher(here).item()
    return g, {"hessian": H, "fisher": F, "ggn": ggn, "none": 1.0}
