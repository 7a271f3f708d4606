"""Three Fisher matrices on data (exact, sampled, empirical) and their steps."""

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
    moving,
    path,
    svg,
    text,
)
from ngdlib.demos.dice import normals, uniforms
from ngdlib.descent import natural_direction
from ngdlib.fisher import fisher, gradient, regression
from ngdlib.validate import Array

MEAN = 20.0  # degrees: the mean of the readings
TRUTH = np.array([1.5, -1.0])  # the weights that the world draws its labels with
MOST = 1000  # examples and drawn labels


class ThreeFishers(Demo):
    """View "readings": a guess ``d`` above the mean of the readings, half of them ``s`` below it
    and half above; step size ``eta``, ``damping``, ``steps`` of the track. View "logistic": weights
    that are ``fit`` times the true ones, ``n`` examples, a part ``noise`` of the labels flipped.
    """

    _module = "three_fishers.js"
    _before = ("dice.js",)
    name = "three-fishers"
    title = "Three Fisher matrices, three steps"
    caption = (
        f"<strong>Readings:</strong> {moving('one step from the guess (above), and ')}the distance "
        f"after each of many steps{moving(' (below)')}, with the exact Fisher (solid) and the "
        "empirical one (dashed). "
        + moving("The sampled one (dotted) takes readings that the model draws. ")
        + moving(
            "<strong>Logistic regression:</strong> what each matrix takes for one and the same "
            "distance, drawn around the present weights, and its unit step. The star has the true "
            "weights. More examples bring the sampled matrix to the exact one. They bring the "
            "empirical one there only if the labels fall as the model says, or all weights are 0."
        )
    )

    view = Choice("readings", ("readings", "logistic"))
    d = Number(100.0, min=0.001, max=200)
    s = Number(0.1, min=0, max=3)
    eta = Number(1.0, min=0.001, max=2)
    damping = Number(0.0, min=0, max=1)
    steps = Count(30, min=1, max=6000)
    readings = Count(2, min=2, max=MOST)
    n = Count(200, min=20, max=MOST)
    fit = Number(2.0, min=-2, max=3)
    noise = Number(0.0, min=0, max=0.5)
    reveal = Choice("no", ("no", "yes"))

    def still(self) -> str:
        x, y = Linear((0, self.steps), 56, 680), Log((1e-3, 300), 290, 12)
        marks = np.arange(self.steps + 1)
        shown = np.unique(np.linspace(0, self.steps, 120).astype(int))

        def curve(distances: Array) -> str:
            points = [
                f"{x(marks[k]):.1f} {y(min(max(abs(distances[k]), 1e-3), 300)):.1f}" for k in shown
            ]
            return "M" + "L".join(points)

        exact, labels = (track(k, self.d, self.s, self.eta, self.damping, self.steps) for k in "xe")
        return svg(
            700,
            340,
            path(curve(exact), stroke="natural", width=2.2),
            path(curve(labels), dash="6 4", width=1.8),
            text(x(self.steps), y(max(abs(labels[-1]), 2e-3)) - 14, "empirical", "end"),
            text(80, 276, "exact", color="natural"),
            axis(x, [0, self.steps], 290),
            axis(y, [0.001, 0.1, 10], 56, side="left"),
            text(368, 324, "step", "middle"),
            text(64, 10, "degrees from the mean"),
            label="Distance from the mean of the readings against the step: with the exact Fisher "
            "it vanishes, with the empirical Fisher it hardly changes.",
        )


def readings(d: float, s: float, n: int, damping: float = 0.0) -> tuple[Array, Array]:
    """(F, step), exact, sampled, empirical: each (3,); unit steps from MEAN + d, n even."""
    n = 2 * (n // 2)
    task, guess = regression("gaussian", np.ones((n, 1))), [MEAN + d]
    y = MEAN + s * np.sign(2 * np.arange(n) - n + 1.0)
    drawn = guess[0] + normals(918273645, n)
    F = [
        fisher(task, guess),
        *(fisher(task, guess, t, fisher_type="empirical") for t in (drawn, y)),
    ]
    g = gradient(task, guess, y)
    steps = [_direction(matrix, g, damping).item() for matrix in F]
    return np.array([matrix.item() for matrix in F]), np.array(steps)


def _direction(F: Array, g: Array, damping: float) -> Array:
    """-(F + damping)⁻¹ g; zero where both vanish."""
    return natural_direction(F, g, damping) if (F + damping).any() else np.zeros_like(g)


def track(kind: str, d: float, s: float, eta: float, damping: float, steps: int) -> Array:
    """Distances from the mean after 0, ..., steps steps; kind "x" exact, "e" empirical."""
    found = np.empty(steps + 1)
    for k in range(steps + 1):
        found[k] = d
        F = (1.0 if kind == "x" else s * s + d * d) + damping
        d -= eta * d / F if F else 0.0
    return found


def logistic(fit: float, noise: float, n: int) -> tuple[Array, Array, Array]:
    """Matrices (3, 2, 2) exact, sampled, empirical; the gradient (2,); unit steps (3, 2)."""
    x = normals(123456789, 2 * MOST).reshape(-1, 2)[:n]
    u, turned, v = (
        np.array(uniforms(seed, MOST)[:n]) for seed in (987654321, 192837465, 564738291)
    )
    y = (u < 1 / (1 + np.exp(-x @ TRUTH))) ^ (turned < noise)
    task, w = regression("bernoulli", x), fit * TRUTH
    drawn = v < 1 / (1 + np.exp(-x @ w))
    F = np.stack(
        [
            fisher(task, w),
            *(fisher(task, w, t.astype(float), fisher_type="empirical") for t in (drawn, y)),
        ]
    )
    g = gradient(task, w, y.astype(float))
    return F, g, np.stack([natural_direction(matrix, g) for matrix in F])
