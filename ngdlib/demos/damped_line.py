"""Damped line: one line through three people, fitted in metres and in centimetres, damped."""

from __future__ import annotations

import numpy as np

from ngdlib.demos.base import (
    Choice,
    Count,
    Demo,
    Linear,
    Log,
    Number,
    axis,
    circle,
    line,
    path,
    shape,
    svg,
    text,
)
from ngdlib.descent import natural_direction
from ngdlib.fisher import fisher, gradient, regression
from ngdlib.plots import sides
from ngdlib.validate import Array

HEIGHTS, WEIGHTS = np.array([1.6, 1.7, 1.8]), np.array([58.0, 68.0, 78.0])  # metres, kilograms
UNITS = {"metres": 1.0, "centimetres": 100.0}  # in a metre
ORIGINS = {"the floor": 0.0, "1.70 m": 1.7}  # where heights are measured from


class DampedLine(Demo):
    """Three people and the line weight = a + b·height, from a = b = 0, by damped natural steps.

    metres, centimetres in [1e-6, 1e3] are the damping of either fit; ``steps`` in [1, 2000] unit
    steps; ``origin`` is where heights are measured from.
    """

    _module = "damped_line.js"
    name = "damped-line"
    title = "One line in metres and in centimetres, damped"
    caption = sides(
        "Left: three people, and the line that damped natural steps (η = 1) have reached from "
        "zero, with heights in metres (thick) and in centimetres (thin). Right: the share of the "
        "exact answer that is taken along each eigenvector of <em>F</em>, against its "
        "eigenvalue. A mark stands at each eigenvalue: discs for metres, diamonds for "
        "centimetres. A share of 1 is undamped."
    )

    metres = Number(1.0, min=1e-6, max=1e3)
    centimetres = Number(1.0, min=1e-6, max=1e3)
    steps = Count(1, min=1, max=2000)
    origin = Choice("the floor", list(ORIGINS))

    def still(self) -> str:
        x, y = Linear((1.55, 1.85), 44, 300), Linear((20, 85), 250, 20)
        u, v = Log((1e-4, 1e5), 380, 690), Linear((0, 1.04), 250, 20)
        grid = np.logspace(-4, 5, 73)
        drawn = []
        for unit, kind, width in (("metres", "disc", 2.6), ("centimetres", "diamond", 1.2)):
            damping = getattr(self, unit)
            a, b = fitted(unit, damping, self.steps, self.origin)[1][[0, 2]]
            ends = [a + (b - a) * (h - 1.6) / 0.2 for h in (1.55, 1.85)]
            drawn.append(
                line(x(1.55), y(ends[0]), x(1.85), y(ends[1]), stroke="natural", width=width)
            )
            drawn.append(text(x(1.56), y(ends[0]) - 10, unit, color="natural", weight=650))
            curve = "M" + "L".join(
                f"{u(e):.1f} {v(s):.1f}"
                for e, s in zip(grid, shares(grid, damping, self.steps), strict=True)
            )
            drawn.append(path(curve, stroke="natural", width=width))
            values = np.linalg.eigvalsh(matrix(unit, self.origin))
            for e, s in zip(values, shares(values, damping, self.steps), strict=True):
                drawn.append(path(shape(kind, u(e), v(s), 5), stroke="natural", fill="natural"))
        people = [circle(x(h), y(w), 5, fill="ink") for h, w in zip(HEIGHTS, WEIGHTS, strict=True)]
        return svg(
            710,
            300,
            axis(x, (1.6, 1.7, 1.8), 250),
            axis(y, (20, 40, 60, 80), 44, side="left"),
            axis(u, (1e-4, 1e-2, 1, 100, 1e4), 250),
            axis(v, (0, 0.5, 1), 380, side="left"),
            *drawn,
            *people,
            text(172, 284, "height (m)", "middle"),
            text(52, 10, "weight (kg)"),
            text(535, 284, "eigenvalue of F", "middle"),
            text(388, 10, "share of the exact answer"),
            label="Two lines below three people: the damped fits in metres and in centimetres; and "
            "the share of each eigenvector that each has taken.",
        )


def matrix(unit: str, origin: str) -> Array:
    """The Fisher matrix of the line in this unit: the mean of (1, t)(1, t)^T, shape (2, 2)."""
    return fisher(_task(unit, origin), np.zeros(2))


def shares(eigenvalue: Array, damping: float, steps: int) -> Array:
    """1 - (damping/(eigenvalue + damping))^steps, the part of the answer taken after the steps."""
    return -np.expm1(-steps * np.log1p(eigenvalue / damping))


def fitted(unit: str, damping: float, steps: int, origin: str) -> tuple[Array, Array]:
    """The line (a, b) after unit steps -(F + damping I)^-1 g from zero, and its weights (3,)."""
    task, theta = _task(unit, origin), np.zeros(2)
    F = fisher(task, theta)
    for _ in range(steps):
        theta = theta + natural_direction(F, gradient(task, theta, WEIGHTS), damping)
    return theta, task.x @ theta


def _task(unit: str, origin: str):
    t = UNITS[unit] * (HEIGHTS - ORIGINS[origin])
    return regression("gaussian", np.stack([np.ones(3), t], axis=1))
