"""KL balls: the half-plane of Gaussians, with exact KL balls, Fisher ellipses, and three ways."""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq

from ngdlib.demos.base import (
    Choice,
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
from ngdlib.families import Gaussian
from ngdlib.validate import Array


class KLBalls(Demo):
    """The point A = (``mu``, ``sigma``) and a radius ``epsilon``; ``show`` is "balls" or "all".

    "all" adds B = (``mu2``, ``sigma2``) and three ways to it. Means in [-1.8, 1.8], standard
    deviations in [0.25, 2], epsilon in [0.001, 0.9] nats.
    """

    _module = "kl_balls.js"
    name = "kl-balls"
    title = "Balls of equal divergence among Gaussians"
    caption = (
        "Each point is a Gaussian. Around A: all Gaussians at KL divergence <em>ε</em> from it "
        "(solid), those from which A is at divergence <em>ε</em> (dotted), and the Fisher ellipse "
        "that stands in for both when <em>ε</em> is small (dashed). "
        + moving("Below, the density. Drag A.")
    )

    mu = Number(0.0, min=-1.8, max=1.8)
    sigma = Number(1.0, min=0.25, max=2.0)
    mu2 = Number(1.6, min=-1.8, max=1.8)
    sigma2 = Number(0.6, min=0.25, max=2.0)
    epsilon = Number(0.25, min=0.001, max=0.9)
    show = Choice("balls", ("balls", "all"))

    def still(self) -> str:
        x, y = Linear((-2.6, 2.6), 50, 690), Linear((0, 2.6), 330, 10)
        a, b = np.array([self.mu, self.sigma]), np.array([self.mu2, self.sigma2])

        def curve(points: Array) -> str:
            return "M" + "L".join(f"{x(p):.2f} {y(q):.2f}" for p, q in points)

        model = Gaussian("mu, sigma")
        ball, reverse = (kl_ball(a, self.epsilon, r, n=91) for r in (False, True))
        oval = fisher_ellipse(model, a, self.epsilon)
        drawn = [
            path(curve(ball) + "Z", stroke="metric"),
            path(curve(reverse) + "Z", stroke="metric", dash="2 4"),
            path(curve(oval) + "Z", stroke="metric", dash="7 4"),
            circle(x(a[0]), y(a[1]), 4, fill="ink"),
            text(x(a[0]) + 10, y(a[1]) - 10, "A", weight=600),
            axis(x, range(-2, 3), 330),
            axis(y, range(3), 50, side="left"),
            text(370, 364, "mean μ", "middle"),
            text(58, 16, "standard deviation σ"),
        ]
        ways = ""
        if self.show == "all":
            t = np.linspace(0, 1, 61)[:, None]
            moments = (1 - t) * _moments(a) + t * _moments(b)
            way = np.stack([moments[:, 0], np.sqrt(moments[:, 1] - moments[:, 0] ** 2)], axis=1)
            shortest = geodesic(a, b)
            drawn += [
                path(curve(np.stack([a, b])), stroke="muted", dash="2 3"),
                path(curve(shortest), stroke="metric", width=2.6),
                path(curve(way), stroke="natural", width=2.2),
                path(shape("diamond", x(b[0]), y(b[1]), 6), fill="ink"),
                text(x(b[0]) + 12, y(b[1]) - 10, "B", weight=600),
                text(x(way[30, 0]), y(way[30, 1]) - 10, "natural flow", "middle", "natural"),
                text(x(shortest[30, 0]), y(shortest[30, 1]) + 14, "geodesic", "middle", "metric"),
            ]
            ways = (
                f"; from A three ways to B, mean {self.mu2:g}, standard deviation {self.sigma2:g}"
            )
        return svg(
            700,
            375,
            *drawn,
            label=f"The Gaussian A, mean {self.mu:g}, standard deviation {self.sigma:g}; around it "
            f"the KL balls of radius {self.epsilon:g} and the Fisher ellipse{ways}.",
        )


def _moments(point: Array) -> Array:
    return np.array([point[0], point[0] ** 2 + point[1] ** 2])


def kl_ball(point: Array, epsilon: float, reverse: bool = False, n: int = 181) -> Array:
    """The edge of a KL ball around a Gaussian (mu, sigma): n points, shape (n, 2).

    KL(point || edge) = epsilon, or KL(edge || point) where ``reverse``. Found direction by
    direction on the divergence itself; no closed form is used.
    """
    model = Gaussian("mu, sigma")

    def divergence(edge: Array) -> float:
        return float(model.kl(edge, point) if reverse else model.kl(point, edge))

    found = []
    for angle in np.linspace(0, 2 * np.pi, n):
        ray = point[1] * np.array([np.sin(angle), -np.cos(angle)])
        far = 0.1
        while point[1] + far * ray[1] > 0 and divergence(point + far * ray) < epsilon:
            far *= 1.5
        if point[1] + far * ray[1] <= 0:  # the divergence is unbounded towards sigma = 0
            far = -point[1] / ray[1] * (1 - 1e-9)
        reach = brentq(lambda t, ray=ray: divergence(point + t * ray) - epsilon, 0, far, rtol=1e-14)
        found.append(point + reach * ray)
    return np.array(found)


def fisher_ellipse(model: Gaussian, point: Array, epsilon: float, n: int = 181) -> Array:
    """The displacements v with v^T F v / 2 = epsilon, added to ``point``: shape (n, 2)."""
    angle = np.linspace(0, 2 * np.pi, n)
    circle_points = np.sqrt(2 * epsilon) * np.stack([np.sin(angle), -np.cos(angle)], axis=1)
    root = np.linalg.cholesky(model.fisher(point))
    return point + np.linalg.solve(root.T, circle_points.T).T


def geodesic(a: Array, b: Array, n: int = 61) -> Array:
    """The Fisher-Rao geodesic between two Gaussians (mu, sigma), evenly spaced: shape (n, 2).

    A half circle about the axis sigma = 0 in the coordinates (mu/sqrt(2), sigma), or a vertical
    line (Atkinson and Mitchell 1981).
    """
    (x0, y0), (x1, y1) = (a[0] / np.sqrt(2), a[1]), (b[0] / np.sqrt(2), b[1])
    if abs(x1 - x0) < 1e-9:
        return np.stack([np.full(n, a[0]), y0 * (y1 / y0) ** np.linspace(0, 1, n)], axis=1)
    centre = (x1**2 + y1**2 - x0**2 - y0**2) / (2 * (x1 - x0))
    radius = np.hypot(x0 - centre, y0)
    # along the circle, arc length is the artanh of the cosine of the angle
    ends = np.arctanh(np.array([x0 - centre, x1 - centre]) / radius)
    s = np.linspace(*ends, n)
    return np.stack([np.sqrt(2) * (centre + radius * np.tanh(s)), radius / np.cosh(s)], axis=1)
