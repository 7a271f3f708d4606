"""One Gaussian in two charts: the steps of each towards the posterior of a conjugate model."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from ngdlib.demos.base import Choice, Count, Demo, Number, moving
from ngdlib.descent import Fixed, run
from ngdlib.families import Gaussian
from ngdlib.plots import INK, STYLE, rc_for, svg_text
from ngdlib.variational import Belief, posterior, reverse_kl

FIRST = "mu, sigma"
OTHERS = ("mu, log sigma", "natural", "mu, sigma^2", "expectation")
PRIOR = Belief(np.array(0.0), np.array(0.25))  # standard deviation 1/2
RADIUS = 0.5


class GaussianSteps(Demo):
    """q = N(``mu``, ``sigma``) in the chart (mu, sigma) and in the ``other`` one.

    The loss is KL(q || posterior); the posterior belongs to the prior N(0, 1/2) and ``count``
    measurements with the sum ``total`` and noise of standard deviation ``noise``. ``steps`` steps
    of size ``eta``; ``answer`` "hidden" shows none before the reader asks or moves something.
    """

    _module = "gaussian_steps.js"
    _before = ("gaussian_charts.js",)
    name = "gaussian-steps"
    title = "One Gaussian, two charts, and a posterior"
    caption = (
        "The disc is <em>q</em>, the star the posterior. From the disc go the steps of each chart, "
        "ordinary (dashed) and natural (solid); a hollow end is no Gaussian, a chevron stands "
        "where a step leaves the drawing. "
        + moving(
            "The outline: the Gaussians at Fisher length ½ from <em>q</em>, as the metric there "
            "measures it. Below: where the steps end, as densities. Drag the disc in either chart."
        )
    )

    mu = Number(0.0, min=-1.0, max=5.0)
    sigma = Number(0.5, min=0.01, max=1.2)
    count = Count(3, min=1, max=20)
    total = Number(4.0, min=-9.0, max=9.0)
    noise = Number(0.5, min=0.2, max=2.0)
    other = Choice("mu, log sigma", OTHERS)
    eta = Number(1.0, min=0.0, max=1.2)
    steps = Count(1, min=1, max=8)
    answer = Choice("hidden", ("hidden", "shown"))

    def goal(self) -> np.ndarray:
        """(mean, standard deviation) of the posterior."""
        found = posterior(PRIOR, self.total, self.count, self.noise)
        return np.array([found.mean, np.sqrt(found.variance)])

    def path(self, chart: str, metric: str) -> np.ndarray:
        """The points of the steps in a chart, shape (n, 2); the last may be outside the model."""
        model = Gaussian(chart)
        theta = Gaussian(FIRST).change_to(chart).forward([self.mu, self.sigma])
        if self.eta == 0:
            return np.repeat(theta[None], self.steps + 1, axis=0)
        loss = reverse_kl(model, self.goal())
        points, inside = run(theta, model, loss, self.steps, metric, Fixed(self.eta))
        return points[: int(inside.sum()) + 1]

    def still(self) -> str:
        with mpl.rc_context(rc_for(self.name)):
            fig = Figure(figsize=(6.8, 3.0), layout="constrained")
            for ax, chart in zip(fig.subplots(ncols=2), (FIRST, self.other), strict=True):
                there = Gaussian(FIRST).change_to(chart)
                for metric in ("euclidean", "natural"):
                    points = self.path(chart, metric)
                    ax.plot(*points.T, **STYLE[metric], marker="o", markersize=4)
                ax.plot(*there.forward([self.mu, self.sigma]), "o", color=INK, markersize=8)
                ax.plot(*there.forward(self.goal()), "*", color=INK, markersize=13)
                ax.set(title=chart.replace("mu", "μ").replace("sigma", "σ").replace("^2", "²"))
                x, y = there.forward([self.mu, self.sigma]), there.forward(self.goal())
                room = 2 * np.abs(x - y) + 0.5
                low, high = np.minimum(x, y) - room, np.maximum(x, y) + 2 * room
                ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
            return svg_text(
                fig,
                "Steps from a Gaussian (disc) towards a posterior (star) in the charts (mu, sigma) "
                f"and {self.other}: ordinary ones dashed, natural ones solid.",
            )
