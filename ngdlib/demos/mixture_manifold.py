"""Mixture manifold: two heaps, the plane of their means with its ellipses, ways down it."""

from __future__ import annotations

import numpy as np

from ngdlib.demos.base import (
    Choice,
    Count,
    Demo,
    Linear,
    Number,
    axis,
    circle,
    moving,
    path,
    shape,
    svg,
    text,
)
from ngdlib.families import GaussianMixture


class MixtureManifold(Demo):
    """Heaps at ``mu1`` and ``mu2``, target at ``t1`` and ``t2``, all in [-12, 12].

    sigma   the common standard deviation, in [0.25, 2]
    weight  of the first heap, of the target's too, in [0.05, 0.95]
    reach   the plane shows means in [-reach, reach], in [0.1, 12]
    grid    ellipses a side, in [6, 40];  scale  their size, in [0.3, 2]
    flow    particles: "off", "natural", "ordinary"
    paths   paths from the heaps: "none", "two" (ordinary, natural), "all" (also in v, and EM)
    eta     step size of ordinary steps, eta_natural of natural ones, in [0.01, 4]
    steps   how many, in [1, 3200]
    """

    _module = "mixture_manifold.js"
    name = "mixture-manifold"
    title = "The plane of two heaps"
    caption = (
        "The density of two heaps, with the target dotted; and the plane of their means, "
        f"in which each point is such a density. {moving('Drag a mean, the disc or the star. ')}"
        "Each purple ellipse holds displacements of one small KL divergence; on the dotted "
        "diagonal both heaps are one. The hollow star is the target with its heaps swapped: with "
        "equal weights the same density."
    )

    mu1 = Number(-0.5, min=-12, max=12)
    mu2 = Number(2.0, min=-12, max=12)
    t1 = Number(-1.0, min=-12, max=12)
    t2 = Number(1.0, min=-12, max=12)
    sigma = Number(1.0, min=0.25, max=2)
    weight = Number(0.5, min=0.05, max=0.95)
    reach = Number(4.0, min=0.1, max=12)
    grid = Count(16, min=6, max=40)
    scale = Number(1.0, min=0.3, max=2)
    contours = Choice("on", ("on", "off"))
    flow = Choice("off", ("off", "natural", "ordinary"))
    paths = Choice("none", ("none", "two", "all"))
    eta = Number(2.0, min=0.01, max=4)
    eta_natural = Number(1.0, min=0.01, max=4)
    steps = Count(10, min=1, max=3200)

    def still(self) -> str:
        r, model = self.reach, GaussianMixture(sigma=self.sigma, weight=self.weight)
        x, y = Linear((-r, r), 300, 680), Linear((-r, r), 400, 20)
        n = min(self.grid, 12)
        cell = 380 / n
        at = r * (2 * (np.arange(n) + 0.5) / n - 1)
        first, second = (v.ravel() for v in np.meshgrid(at, at))
        values, vectors = np.linalg.eigh(model.fisher(np.stack([first, second], axis=-1)))
        drawn = []
        for a, b, least, axes in zip(x(first), y(second), values, vectors, strict=True):
            half = np.sqrt(0.5 / self.sigma**2 / np.maximum(least, 1e-12))
            half *= 0.3 * cell * min(1, 1.6 / half.max())
            drawn.append(_oval(a, b, *half, axes[:, 0]))
        across = Linear((-r - 1, r + 1), 30, 250)
        u = np.linspace(-r - 1, r + 1, 121)
        high = 0.42 / self.sigma

        def curve(means: tuple[float, float]) -> str:
            p = np.exp(model.log_density(u, np.array(means)))
            return "M" + "L".join(
                f"{across(s):.1f} {200 - 150 * q / high:.1f}" for s, q in zip(u, p, strict=True)
            )

        ticks = [t for t in np.linspace(-r, r, 5)]
        drawn += [
            path(f"M{x(-r):g} {y(-r):g}L{x(r):g} {y(r):g}", dash="1 3"),
            axis(x, ticks, 400),
            axis(y, ticks, 300, side="left"),
            text(490, 432, "μ₁", "middle"),
            text(308, 12, "μ₂"),
            path(curve((self.mu1, self.mu2))),
            path(curve((self.t1, self.t2)), dash="1 3"),
            axis(across, ticks, 200),
            text(140, 232, "outcome x, and the means", "middle"),
        ]
        for mean in (self.mu1, self.mu2):
            if abs(mean) <= r + 1:
                drawn.append(circle(across(mean), 200, 4, fill="ink"))
        marks = [(self.t1, self.t2, "star", "ink"), (self.mu1, self.mu2, "disc", "ink")]
        if self.weight == 0.5:
            marks.append((self.t2, self.t1, "star", "none"))
        for a, b, kind, fill in marks:
            if max(abs(a), abs(b)) <= r:
                drawn.append(path(shape(kind, x(a), y(b), 6), fill=fill))
        return svg(
            700,
            440,
            *drawn,
            label=f"Left the density of two heaps at {self.mu1:g} and {self.mu2:g}. Right the "
            "plane of their means with Fisher ellipses, longest beside the diagonal on which the "
            "heaps are one.",
        )


def _oval(x: float, y: float, long: float, wide: float, along: np.ndarray) -> str:
    """An ellipse whose long half axis points along a direction (dx, dy) of the plane, y upwards."""
    dx, dy = long * along[0], -long * along[1]
    arc = f"A{long:.1f} {wide:.1f} {np.degrees(np.arctan2(dy, dx)):.1f} 0 0"
    a, b = f"{x - dx:.1f} {y - dy:.1f}", f"{x + dx:.1f} {y + dy:.1f}"
    return path(f"M{a}{arc} {b}{arc} {a}", stroke="metric", width=0.8)
