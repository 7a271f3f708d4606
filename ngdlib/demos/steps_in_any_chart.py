"""Steps in any chart: descent taken in two charts of one family, and the gap between the ends."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from ngdlib.demos.base import Choice, Demo, Number, moving
from ngdlib.descent import Fixed, data_fit, natural_direction, run
from ngdlib.families import Bernoulli, Categorical, Gaussian, Model
from ngdlib.geodesics import exponential
from ngdlib.plots import STYLE, rc_for, svg_text

FAMILIES: dict[str, Model] = {
    "bernoulli": Bernoulli("probability"),
    "gaussian": Gaussian("mu, sigma"),
    "trinomial": Categorical(3, "probabilities"),
}
TARGETS = {"bernoulli": (0.8,), "gaussian": (1.0, 0.5), "trinomial": (0.55, 0.3)}
CHARTS = {
    "bernoulli": ("probability", "log-odds", "angle"),
    "gaussian": ("mu, sigma", "mu, sigma^2", "mu, log sigma", "natural", "expectation"),
    "trinomial": ("probabilities", "reduced logits"),
}
_ALL = tuple(dict.fromkeys(chart for charts in CHARTS.values() for chart in charts))


class StepsInAnyChart(Demo):
    """A ``family``, two of its charts, ``first`` and ``second``, and a step size ``eta``.

    ``steps`` is "zero" (nothing is given away yet), "one" or "ten"; ``view`` "step" (the step
    divided by eta) or "whole"; ``third`` "on" adds the step along the geodesic. The starting
    point is (``q``), (``mu``, ``sigma``) or (``p1``, ``p2``), by family; p2 is cut to 0.97 - p1.
    A chart that the family does not have gives way to its first or second one.
    """

    _module = "steps_in_any_chart.js"
    _before = ("gaussian_charts.js",)
    name = "steps-in-any-chart"
    title = "Steps in any chart"
    caption = (
        "How far apart two steps from one Gaussian towards the data end, one taken in one chart "
        "and one in another: ordinary steps (dashed) and natural ones (solid). "
        + moving(
            "Above, the steps as each chart sees them, from the disc towards the star, with ends "
            "in a disc and in a square: the map, or the step divided by <em>η</em>. Below, the "
            "densities (dotted: the data's)."
        )
    )

    family = Choice("gaussian", tuple(FAMILIES))
    first = Choice("mu, sigma", _ALL)
    second = Choice("mu, log sigma", _ALL)
    steps = Choice("zero", ("zero", "one", "ten"))
    view = Choice("step", ("step", "whole"))
    third = Choice("off", ("off", "on"))
    eta = Number(0.01, min=0.001, max=2.0)
    q = Number(0.3, min=0.02, max=0.98)
    mu = Number(-1.2, min=-2.5, max=2.5)
    sigma = Number(1.5, min=0.3, max=2.8)
    p1 = Number(0.15, min=0.02, max=0.9)
    p2 = Number(0.25, min=0.02, max=0.9)

    def charts(self) -> tuple[str, str]:
        """The two charts in use."""
        known = CHARTS[self.family]
        return tuple(
            chart if chart in known else known[k]
            for k, chart in enumerate((self.first, self.second))
        )

    def start(self) -> np.ndarray:
        """The starting point in the family's first chart, shape (d,)."""
        return np.array(
            {
                "bernoulli": (self.q,),
                "gaussian": (self.mu, self.sigma),
                "trinomial": (self.p1, min(self.p2, 0.97 - self.p1)),
            }[self.family]
        )

    def end(self, chart: str, metric: str, eta: float) -> np.ndarray | None:
        """Where the steps end, in the family's first chart; None where one leaves the model.

        ``metric``: "euclidean", "natural", or "geodesic": along the geodesic, whichever the chart.
        """
        base = FAMILIES[self.family]
        model = base.in_chart(chart)
        target = np.array(TARGETS[self.family])
        if self.family == "gaussian":
            mean = np.array([target[0], target[0] ** 2 + target[1] ** 2])
        else:
            mean = target if self.family == "bernoulli" else np.append(target, 1 - target.sum())
        count = 10 if self.steps == "ten" else 1
        there = base.change_to(chart)
        fit = data_fit(model, mean)
        if metric == "geodesic":
            theta = there.forward(self.start())
            for _ in range(count):
                v = natural_direction(model.fisher(theta), fit.gradient(theta))
                try:
                    theta = exponential(model, theta, eta * v)
                except ValueError:  # it reaches the edge of the model
                    return None
            return there.inverse(theta)
        try:
            path, inside = run(there.forward(self.start()), model, fit, count, metric, Fixed(eta))
        except ValueError:  # so near the edge of the model that its Fisher matrix is singular
            return None
        return there.inverse(path[-1]) if inside[-1] else None

    def gap(self, metric: str, eta: float) -> float:
        """The Fisher-Rao distance between the ends in the two charts; nan where one left."""
        ends = [self.end(chart, metric, eta) for chart in self.charts()]
        if any(point is None for point in ends):
            return float("nan")
        return float(FAMILIES[self.family].fisher_rao_distance(*ends))

    def still(self) -> str:
        eta = np.geomspace(0.001, 2, 25)
        with mpl.rc_context(rc_for(self.name)):
            fig = Figure(figsize=(6.8, 3.4), layout="constrained")
            ax = fig.subplots()
            for metric, words in (("euclidean", "ordinary"), ("natural", "natural")):
                gaps = np.array([self.gap(metric, step) for step in eta])
                ax.loglog(eta, gaps, **STYLE[metric])
                ax.annotate(
                    f" {words}",
                    (eta[5], gaps[5]),
                    color=STYLE[metric]["color"],
                    xytext=(0, 8),
                    textcoords="offset points",
                    ha="right",
                )
            ax.set(xlabel="step size η", ylabel="distance between the ends", ylim=(1e-8, 10))
            first, second = self.charts()
            return svg_text(
                fig,
                f"Distance between the ends of steps taken in the charts {first} and {second} of "
                f"the {self.family} family, against the step size, on logarithmic axes: the line "
                "of the natural gradient is steeper than that of the ordinary one.",
            )
