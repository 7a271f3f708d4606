"""KL balls: the half-plane of Gaussians, with exact KL balls, Fisher ellipses, and three ways."""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq

from ngdlib.demos.base import Demo, Linear, Number, axis, circle, path, shape, svg, text
from ngdlib.families import Gaussian
from ngdlib.validate import Array


class KLBalls(Demo):
    """Points A = (``mu``, ``sigma``) and B = (``mu2``, ``sigma2``), and a radius ``epsilon``.

    Means in [-2.5, 2.5], standard deviations in [0.3, 2.5], epsilon in [0.001, 0.9] nats.
    """

    _module = "kl_balls.js"
    name = "kl-balls"
    title = "Balls of equal divergence among Gaussians"
    caption = (
        "Each point is a Gaussian. Drag A and B. Around A: all Gaussians at KL divergence "
        "<em>ε</em> from it (solid), those from which A is at divergence <em>ε</em> (dotted), and "
        "the Fisher ellipse that stands in for both when <em>ε</em> is small (dashed). From A to "
        "B: the Fisher–Rao geodesic, the straight line, and the way that natural-gradient flow "
        "takes when its loss is the divergence from B. Below, the two densities over the same axis."
    )

    mu = Number(-1.2, min=-2.5, max=2.5)
    sigma = Number(1.0, min=0.3, max=2.5)
    mu2 = Number(1.8, min=-2.5, max=2.5)
    sigma2 = Number(0.7, min=0.3, max=2.5)
    epsilon = Number(0.1, min=0.001, max=0.9)

    def still(self) -> str:
        x, y = Linear((-3.2, 3.2), 50, 690), Linear((0, 3), 310, 10)
        a, b = np.array([self.mu, self.sigma]), np.array([self.mu2, self.sigma2])

        def curve(points: Array) -> str:
            return "M" + "L".join(f"{x(p):.2f} {y(q):.2f}" for p, q in points)

        t = np.linspace(0, 1, 61)[:, None]
        moments = (1 - t) * _moments(a) + t * _moments(b)
        way = np.stack([moments[:, 0], np.sqrt(moments[:, 1] - moments[:, 0] ** 2)], axis=1)
        model = Gaussian("mu, sigma")
        drawn = [
            path(curve(kl_ball(a, self.epsilon, n=91)) + "Z", stroke="metric"),
            path(
                curve(kl_ball(a, self.epsilon, reverse=True, n=91)) + "Z",
                stroke="metric",
                dash="2 4",
            ),
            path(curve(fisher_ellipse(model, a, self.epsilon)) + "Z", stroke="metric", dash="7 4"),
            path(curve(np.stack([a, b])), stroke="muted", dash="2 3"),
            path(curve(geodesic(a, b)), stroke="ink"),
            path(curve(way), stroke="natural", width=2.2),
            path(shape("diamond", x(b[0]), y(b[1]), 6), fill="ink"),
            circle(x(a[0]), y(a[1]), 6, fill="ink"),
            text(x(a[0]) + 12, y(a[1]) - 10, "A", weight=600),
            text(x(b[0]) + 12, y(b[1]) - 10, "B", weight=600),
            text(x(way[30, 0]), y(way[30, 1]) - 10, "natural-gradient flow", "middle", "natural"),
            text(x(geodesic(a, b)[30, 0]), y(geodesic(a, b)[30, 1]) + 14, "geodesic", "middle"),
            axis(x, range(-3, 4), 310),
            axis(y, range(4), 50, side="left"),
            text(370, 344, "mean μ", "middle"),
            text(58, 16, "standard deviation σ"),
        ]
        return svg(
            700,
            355,
            *drawn,
            label=f"The Gaussians A, mean {self.mu:g}, standard deviation {self.sigma:g}, and B, "
            f"mean {self.mu2:g}, standard deviation {self.sigma2:g}; around A the KL balls of "
            f"radius {self.epsilon:g} and the Fisher ellipse; from A to B three ways.",
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
