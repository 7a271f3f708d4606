"""Mixture manifold: two equal heaps, the plane of their means with its ellipses, ways down it."""

from __future__ import annotations

import numpy as np
from numpy.polynomial import chebyshev

from ngdlib.demos.base import (
    Choice,
    Count,
    Demo,
    Linear,
    Number,
    axis,
    circle,
    path,
    shape,
    svg,
    text,
)
from ngdlib.families import GaussianMixture

#: Half-separations in units of sigma: beyond, the two eigenvalues are 1/2 to the last digit.
APART = 9.0
PANELS, DEGREE = 12, 16


def eigenvalue_table() -> dict[str, object]:
    """Both eigenvalues for sigma = 1 as Chebyshev sums over panels of a = |mu1 - mu2|/2.

    `plus` is the eigenvalue along (1, 1); `minus` is (1 + a^2)/a^2 times the one along (1, -1),
    which stays away from 0, so that the eigenvalue keeps its digits near the diagonal.
    """
    model, width = GaussianMixture(), APART / PANELS
    nodes = np.cos(np.pi * (np.arange(DEGREE + 1) + 0.5) / (DEGREE + 1))
    table: dict[str, object] = {"apart": APART, "plus": [], "minus": []}
    for k in range(PANELS):
        a = width * (k + (nodes + 1) / 2)
        means = np.stack([-a, a], axis=-1)
        plus = model.fisher(means).sum(axis=(-2, -1)) / 2
        minus = model.determinant(means) / plus  # no difference: it keeps its digits
        values = (plus, minus * (1 + a**2) / a**2)
        for name, value in zip(("plus", "minus"), values, strict=True):
            sums = chebyshev.chebfit(nodes, value, DEGREE)
            table[name].append([float(f"{c:.13g}") for c in sums])
    return table


class MixtureManifold(Demo):
    """Heaps at ``mu1`` and ``mu2``, target at ``t1`` and ``t2``, all in [-12, 12]; equal weights.

    sigma   the common standard deviation, in [0.25, 2]
    reach   the plane shows means in [-reach, reach], in [0.1, 12]
    grid    ellipses a side, in [6, 40];  scale  their size, in [0.3, 2]
    flow    particles: "off", "natural", "ordinary"
    paths   paths from the heaps: "none", "two" (ordinary, natural), "all" (also in v, and EM)
    eta     their step size, in [0.01, 4];  steps  how many, in [1, 3200]
    """

    _module = "mixture_manifold.js"
    _data = eigenvalue_table()
    name = "mixture-manifold"
    title = "The plane of two equal heaps"
    caption = (
        "The density of two equal heaps, with the target dotted; and the plane of their means, "
        "in which each point is such a density. Drag a mean, the disc or the star. Each purple "
        "ellipse holds displacements of one small KL divergence; on the dotted diagonal "
        "both heaps are one. The hollow star is the target with its heaps swapped."
    )

    mu1 = Number(-0.5, min=-12, max=12)
    mu2 = Number(2.0, min=-12, max=12)
    t1 = Number(-1.0, min=-12, max=12)
    t2 = Number(1.0, min=-12, max=12)
    sigma = Number(1.0, min=0.25, max=2)
    reach = Number(4.0, min=0.1, max=12)
    grid = Count(16, min=6, max=40)
    scale = Number(1.0, min=0.3, max=2)
    contours = Choice("on", ("on", "off"))
    flow = Choice("off", ("off", "natural", "ordinary"))
    paths = Choice("none", ("none", "two", "all"))
    eta = Number(2.0, min=0.01, max=4)
    steps = Count(10, min=1, max=3200)

    def still(self) -> str:
        r, model = self.reach, GaussianMixture(sigma=self.sigma)
        x, y = Linear((-r, r), 300, 680), Linear((-r, r), 400, 20)
        n = min(self.grid, 12)
        cell = 380 / n
        at = r * (2 * (np.arange(n) + 0.5) / n - 1)
        first, second = (v.ravel() for v in np.meshgrid(at, at))
        F = model.fisher(np.stack([first, second], axis=-1))
        drawn = []
        for a, b, plus, minus in zip(
            x(first), y(second), F[:, 0, 0] + F[:, 0, 1], F[:, 0, 0] - F[:, 0, 1], strict=True
        ):
            axes = np.sqrt(0.5 / self.sigma**2 / np.maximum([plus, minus], 1e-12))
            axes *= 0.3 * cell * min(1, 1.6 / axes.max())
            drawn.append(_oval(a, b, *axes))
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
        for a, b, kind, fill in (
            (self.t1, self.t2, "star", "ink"),
            (self.t2, self.t1, "star", "none"),
            (self.mu1, self.mu2, "disc", "ink"),
        ):
            if max(abs(a), abs(b)) <= r:
                drawn.append(path(shape(kind, x(a), y(b), 6), fill=fill))
        return svg(
            700,
            440,
            *drawn,
            label=f"Left the density of two equal heaps at {self.mu1:g} and {self.mu2:g}. Right "
            "the plane of their means with Fisher ellipses, all at 45 degrees, longest beside the "
            "diagonal on which the heaps are one.",
        )


def _oval(x: float, y: float, along: float, across: float) -> str:
    """An ellipse with half axes along (1, 1) and (1, -1) of the plane."""
    dx = along / np.sqrt(2)
    arc = f"A{along:.1f} {across:.1f} -45 0 0"
    a, b = f"{x - dx:.1f} {y + dx:.1f}", f"{x + dx:.1f} {y - dx:.1f}"
    return path(f"M{a}{arc} {b}{arc} {a}", stroke="metric", width=0.8)
