"""Three classes: the triangle of their probabilities, which is an eighth of a sphere under 2√p."""

from __future__ import annotations

import numpy as np
from scipy.integrate import solve_ivp

from ngdlib import simplex
from ngdlib.demos.base import Choice, Demo, Number, circle, moving, path, shape, svg, text
from ngdlib.validate import Array

LEAST = 0.002  # no class gets less
CLASSES = ("rain", "snow", "sun")
TIMES = np.geomspace(0.001, 400, 161)  # at which paths are drawn


class SimplexSphere(Demo):
    """A forecast over rain, snow and sun descends a divergence to its target.

    rain, snow: the start; rain_to, snow_to: the target, each in [0.002, 0.996] (what would leave
    less than 0.002 to sun is scaled down). loss: "forward", KL(target || p), or "reverse",
    KL(p || target). time: of the flows, in [0, 400]; damping of the natural flow, in [0, 1].
    show: "ordinary" | "natural" (both flows) | "all" (and the shortest road, and Fisher circles);
    view: "triangle" | "sphere".
    """

    _module = "simplex_sphere.js"
    name = "simplex-sphere"
    title = "Three classes, two losses, two gradients"
    caption = (
        "Each point is a forecast; the corners are certainty. The disc is where the forecast "
        "starts, the star the truth. Dashed: ordinary gradient descent in three logits. "
        + moving(
            "<strong>Drag them.</strong> <em>Natural too</em> adds the natural gradient of the "
            "same loss; <em>show all</em> adds the shortest road in Fisher length, and circles of "
            "equal Fisher radius. On the sphere all these circles have one size. Dotted: the "
            "forecasts that give snow its true share. The length is the Fisher length of a road "
            "up to the time t, that of the shortest to its end."
        )
    )

    rain = Number(0.90, min=LEAST, max=1 - 2 * LEAST)
    snow = Number(0.09, min=LEAST, max=1 - 2 * LEAST)
    rain_to = Number(0.01, min=LEAST, max=1 - 2 * LEAST)
    snow_to = Number(0.09, min=LEAST, max=1 - 2 * LEAST)
    loss = Choice("forward", ("forward", "reverse"))
    time = Number(2.4, min=0, max=400)
    damping = Number(0.0, min=0, max=1)
    show = Choice("ordinary", ("ordinary", "natural", "all"))
    view = Choice("triangle", ("triangle", "sphere"))

    def start(self) -> Array:
        """The forecast at time 0, shape (3,)."""
        return three(self.rain, self.snow)

    def target(self) -> Array:
        """The truth, shape (3,)."""
        return three(self.rain_to, self.snow_to)

    def still(self) -> str:
        a, b, round_ = self.start(), self.target(), self.view == "sphere"

        def at(p: Array) -> Array:
            return flat(p, round_) * (np.array([1, -1]) * (262 if round_ else 190)) + [350, 244]

        def curve(points: Array) -> str:
            return "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in at(points))

        edge = np.linspace(0, 1, 31)[:, None]
        corners = np.eye(3)
        rim = np.vstack(
            [simplex.great_circle(corners[k], corners[(k + 1) % 3], edge[:, 0]) for k in range(3)]
        )
        drawn = [path(curve(rim), width=1.2)]
        told = f"ordinary gradient descent of the {self.loss} divergence, dashed"
        if self.show == "all":
            drawn += [path(curve(c) + "Z", stroke="metric", width=0.8) for c in circles()]
            road = simplex.great_circle(a, b, edge[:, 0])
            drawn += [path(curve(road), stroke="metric", width=2)]
            told += ", the shortest road"
        ordinary = flow(a, b, self.loss, "ordinary", 0.0, TIMES)
        drawn += [path(curve(ordinary), stroke="euclidean", dash="7 4", width=2.2)]
        if self.show != "ordinary":
            natural = flow(a, b, self.loss, "natural", self.damping, TIMES)
            drawn += [path(curve(natural), stroke="natural", width=2.4)]
            told += ", the natural gradient, solid"
        (x, y), (u, v) = at(a), at(b)
        drawn += [circle(x, y, 5.5, fill="ink"), path(shape("star", u, v, 9), fill="ink")]
        for k, (name, (x, y)) in enumerate(zip(CLASSES, at(corners), strict=True)):
            drawn.append(text(x, y + (-14 if k == 1 else 18), name, "middle", weight=600))
        return svg(700, 390, *drawn, label=f"Forecasts over rain, snow and sun: {told}.")


def three(first: float, second: float) -> Array:
    """Three probabilities from two, none below LEAST, shape (3,)."""
    scale = min(1.0, (1 - LEAST) / (first + second))
    return np.array([first * scale, second * scale, 1 - (first + second) * scale])


def flat(p: Array, round_: bool) -> Array:
    """Where forecasts (..., 3) are drawn, shape (..., 2): in the triangle, or on the sphere."""
    q = np.sqrt(p) if round_ else p
    wide, up = np.sqrt([1 / 2, 1 / 6] if round_ else [1, 1 / 3])
    side = (q[..., 2] - q[..., 0]) * wide
    return np.stack([side, (2 * q[..., 1] - q[..., 0] - q[..., 2]) * up], axis=-1)


def gradient(p: Array, target: Array, loss: str) -> Array:
    """The gradient of the loss by the three logits, shape (3,)."""
    if loss == "forward":
        return p - target
    a = np.log(p / target)
    return p * (a - p @ a)


def flow(start: Array, target: Array, loss: str, rule: str, damping: float, times: Array) -> Array:
    """Forecasts at increasing times, shape (n, 3), under ordinary or natural gradient flow."""
    if rule == "natural" and damping == 0:
        exact = simplex.forward_flow if loss == "forward" else simplex.reverse_flow
        return exact(start, target, times)

    def motion(_: float, z: Array) -> Array:
        p = simplex.moved(np.full(3, 1 / 3), z)
        g = gradient(p, target, loss)
        return -g if rule == "ordinary" else simplex.natural_direction(p, g, damping)

    z = solve_ivp(
        motion, (0, times[-1]), np.log(start), method="DOP853", t_eval=times, rtol=1e-11, atol=1e-12
    ).y.T
    return simplex.moved(np.full(3, 1 / 3), z)


def circles(radius: float = 0.2, n: int = 25) -> Array:
    """Circles of one Fisher radius around ten forecasts, shape (10, n, 3)."""
    found = []
    for i in range(1, 5):
        for j in range(1, 6 - i):
            x = np.sqrt(np.array([i, j, 6 - i - j]) / 6)
            u = np.array([x[1], -x[0], 0]) / np.hypot(x[0], x[1])
            v = np.cross(x, u)
            turn = np.linspace(0, 2 * np.pi, n)[:, None]
            around = np.cos(turn) * u + np.sin(turn) * v
            found.append((np.cos(radius / 2) * x + np.sin(radius / 2) * around) ** 2)
    return np.array(found)
