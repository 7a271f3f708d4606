"""One arrow: a model's coordinates are dragged; the ordinary gradient turns, the other stays."""

from __future__ import annotations

import numpy as np

from ngdlib.charts import push_forward_gradient, transform_metric
from ngdlib.demos.base import Demo, Linear, Number, axis, line, moving, path, shape, svg, text
from ngdlib.families import Gaussian
from ngdlib.validate import Array

HERE = np.array([-0.6, 1.2])  # the model: mean and standard deviation
DATA = np.array([1.2, 0.6])
UNIT = 0.6  # of the first coordinate: a change of the mean
OUT = 1.6  # the ring is so many units out
RHO = 0.5  # the Fisher length of the natural arrow


class OneArrow(Demo):
    """A Gaussian written in coordinates (a, b): mean and standard deviation are
    ``HERE + a (UNIT, 0) + b (ux, uy)``.

    ux in [-0.75, 0.75] and uy in [0.12, 0.75] are what one unit of the second coordinate changes.
    """

    _module = "one_arrow.js"
    name = "one-arrow"
    title = "One model in coordinates of your choice"
    caption = (
        "Each point is a Gaussian, the star is the one that the data ask for; thin curves join "
        f"models of equal loss. {moving('<strong>Drag the ring.</strong> ')}The grid is only a way "
        "to write the models as numbers. The ordinary gradient (dashed) is steepest per unit of "
        "the grid, and turns with it. The natural gradient (solid) is steepest per unit of change "
        "<em>in what the model predicts</em>, the purple ellipse, and stays."
    )

    ux = Number(0.0, min=-0.75, max=0.75)
    uy = Number(0.6, min=0.12, max=0.75)

    def still(self) -> str:
        x, y = Linear((-2.4, 2.2), 40, 692), Linear((0.02, 2.42), 346, 6)
        ordinary, natural = arrows(self.ux, self.uy)
        around = np.linspace(0, 2 * np.pi, 73)[:, None]
        circle = np.hstack([np.cos(around), np.sin(around)])
        fisher = Gaussian("mu, sigma").fisher(HERE)
        rulers = circle @ units(self.ux, self.uy).T, RHO * circle / np.sqrt(np.diag(fisher))

        def curve(points: Array) -> str:
            return "M" + "L".join(f"{x(p):.2f} {y(q):.2f}" for p, q in points)

        def arrow(v: Array, role: str, name: str, dash: str | None) -> str:
            end = HERE + v
            drawn = line(
                x(HERE[0]), y(HERE[1]), x(end[0]), y(end[1]), stroke=role, width=3, dash=dash
            )
            head = path(shape("disc", x(end[0]), y(end[1]), 4), stroke=role, fill=role)
            return drawn + head + text(x(end[0]) + 10, y(end[1]), name, color=role, weight=650)

        ring = HERE + OUT * np.array([self.ux, self.uy])
        return svg(
            700,
            390,
            path(curve(HERE + rulers[0]) + "Z", stroke="euclidean", width=1.2, dash="2 3"),
            path(curve(HERE + rulers[1]) + "Z", stroke="metric", width=1.2),
            line(x(HERE[0]), y(HERE[1]), x(ring[0]), y(ring[1]), width=1.2),
            arrow(ordinary, "euclidean", "ordinary", "7 4"),
            arrow(natural, "natural", "natural", None),
            path(shape("disc", x(ring[0]), y(ring[1]), 7), stroke="ink", fill="ground"),
            path(shape("disc", x(HERE[0]), y(HERE[1]), 5.5), fill="ink"),
            path(shape("star", x(DATA[0]), y(DATA[1]), 8), fill="ink"),
            text(x(DATA[0]), y(DATA[1]) + 20, "the data", "middle"),
            axis(x, range(-2, 3), 346),
            axis(y, (1, 2), 40, side="left"),
            text(366, 378, "mean μ", "middle"),
            text(48, 14, "standard deviation σ"),
            label="A Gaussian and two arrows: the ordinary gradient ends on the ellipse that is "
            "the unit circle of the coordinates, the natural gradient on the Fisher ellipse.",
        )


def units(ux: float, uy: float) -> Array:
    """What one unit of each coordinate changes in (mean, standard deviation): the columns."""
    return np.array([[UNIT, ux], [0.0, uy]])


def arrows(ux: float, uy: float) -> tuple[Array, Array]:
    """The ordinary and the natural arrow, as changes of (mean, standard deviation), shape (2,).

    Both are computed in the coordinates with these units: steepest descent of the divergence of
    the data's Gaussian from the model, one unit long by the coordinates' ruler, and `RHO` long by
    the Fisher metric.
    """
    model, change = Gaussian("mu, sigma"), np.linalg.inv(units(ux, uy))
    moments = np.array([DATA[0], DATA[0] ** 2 + DATA[1] ** 2])
    gradient = push_forward_gradient(model.cross_entropy_gradient(HERE, moments), change)
    fisher = transform_metric(model.fisher(HERE), change)
    ordinary = -gradient / np.linalg.norm(gradient)
    natural = -np.linalg.solve(fisher, gradient)
    natural *= RHO / np.sqrt(natural @ fisher @ natural)
    return units(ux, uy) @ ordinary, units(ux, uy) @ natural
