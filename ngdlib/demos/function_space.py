"""Function space: one neuron or ten, fitted to a few points, by flows seen from three sides."""

from __future__ import annotations

import numpy as np

from ngdlib.demos.base import (
    Choice,
    Demo,
    Linear,
    Number,
    axis,
    circle,
    line,
    moving,
    path,
    svg,
    text,
)
from ngdlib.function_space import Curve, Path, flow, hidden_layer, neuron
from ngdlib.validate import Array


def _start_of_ten() -> Array:
    """The 30 parameters at which the ten neurons start, drawn once."""
    drawn = np.random.default_rng(0).normal(size=(10, 3)) * [2, 1, 1 / np.sqrt(10)]
    return drawn.ravel()


INPUTS = {"one neuron": np.array([-1.0, 0.0, 2.0]), "ten neurons": np.linspace(-1, 1, 5)}
MODELS: dict[str, Curve] = {"one neuron": neuron(), "ten neurons": hidden_layer(10)}
NAMES = {"one neuron": ("left", "middle", "right"), "ten neurons": ("y1", "y2", "y3", "y4", "y5")}
START_OF_TEN = _start_of_ten()


class FunctionSpace(Demo):
    """Flows of the squared loss among functions, among values and among parameters.

    ``network`` is "one neuron" or "ten neurons"; targets ``left``, ``middle``, ``right`` of the
    one and ``y1`` ... ``y5`` of the other in [-1.5, 1.5]; ``w``, ``b`` in [-3, 3] are where the
    one neuron starts; ``time`` in [0, 6]; ``show`` is "two flows" or "three flows", the third with
    ``damping`` in [1e-4, 10].
    """

    _module = "function_space.js"
    _data = staticmethod(
        lambda: {
            "neuron": INPUTS["one neuron"].tolist(),
            "net": INPUTS["ten neurons"].tolist(),
            "start": START_OF_TEN.tolist(),
        }
    )
    name = "function-space"
    title = "A flow of functions, of values, of parameters"
    caption = (
        "Thin ink is the start, solid the natural flow (which is the Gauss–Newton flow, at twice "
        "its pace), dashed the ordinary one. "
        + moving(
            "The same flows are seen five times. For one neuron the three values of <em>f</em> lie "
            "on a surface in space; the star is the target, the dotted line what is left of the "
            "residual. Level lines of the loss lie under the parameters. The bars are the "
            "residual's components along the eigenvectors of <em>JJ</em><sup>⊤</sup>/<em>D</em> at "
            "the start: outlined then, filled now. Drag the targets, the start, or the time."
        )
    )

    network = Choice("one neuron", list(MODELS))
    left = Number(0.834, min=-1.5, max=1.5)
    middle = Number(0.664, min=-1.5, max=1.5)
    right = Number(0.0, min=-1.5, max=1.5)
    y1 = Number(0.5, min=-1.5, max=1.5)
    y2 = Number(-0.5, min=-1.5, max=1.5)
    y3 = Number(0.8, min=-1.5, max=1.5)
    y4 = Number(-0.2, min=-1.5, max=1.5)
    y5 = Number(0.3, min=-1.5, max=1.5)
    w = Number(0.7, min=-3, max=3)
    b = Number(0.3, min=-3, max=3)
    time = Number(1.5, min=0, max=6)
    show = Choice("two flows", ["two flows", "three flows"])
    damping = Number(0.1, min=1e-4, max=10)

    def targets(self) -> Array:
        """The targets of the network that is shown."""
        return np.array([getattr(self, name) for name in NAMES[self.network]])

    def start(self) -> Array:
        """The parameters at which the flows start."""
        return np.array([self.w, self.b]) if self.network == "one neuron" else START_OF_TEN

    def paths(self, times: Array) -> dict[str, Path]:
        """The ordinary and the natural flow at increasing times from 0 on."""
        model, x = MODELS[self.network], INPUTS[self.network]
        given = (model, self.start(), x, self.targets(), times)
        return {kind: flow(*given, kind) for kind in ("euclidean", "natural")}

    def still(self) -> str:
        x = INPUTS[self.network]
        low, high = (-1.6, 2.6) if len(x) == 3 else (-1.3, 1.3)
        across, up = Linear((low, high), 44, 330), Linear((-1.7, 1.7), 250, 20)
        later, fall = Linear((0, 6), 410, 690), Linear((-12, 0.4), 250, 20)
        grid, drawn = np.linspace(low, high, 61), []
        times = np.linspace(0, max(self.time, 0.05), 41)

        def curve(theta: Array, color: str, width: float, dash: str | None = None) -> str:
            f = np.clip(MODELS[self.network].value(theta, grid), -1.7, 1.7)
            points = (f"{across(a):.1f} {up(v):.1f}" for a, v in zip(grid, f, strict=True))
            return path("M" + "L".join(points), stroke=color, width=width, dash=dash)

        drawn.append(curve(self.start(), "ink", 1))
        for kind, found in self.paths(times).items():
            dash = "7 4" if kind == "euclidean" else None
            drawn.append(curve(found.theta[-1], kind, 2.4, dash))
            logs = np.clip(np.log(np.maximum(found.loss, 1e-300) / found.loss[0]), -12, 0.4)
            points = (f"{later(t):.1f} {fall(v):.1f}" for t, v in zip(times, logs, strict=True))
            drawn.append(path("M" + "L".join(points), stroke=kind, width=2.4, dash=dash))
        discs = [
            circle(across(a), up(v), 5, fill="ink") for a, v in zip(x, self.targets(), strict=True)
        ]
        return svg(
            710,
            300,
            axis(across, (-1, 0, 1, 2) if len(x) == 3 else (-1, 0, 1), 250),
            axis(up, (-1, 0, 1), 44, side="left"),
            axis(later, (0, 2, 4, 6), 250),
            axis(fall, (-12, -8, -4, 0), 410, side="left"),
            line(later(0), fall(0), later(3), fall(-12), stroke="muted", dash="1 3"),
            *drawn,
            *discs,
            text(187, 284, "x", "middle"),
            text(52, 10, "the function"),
            text(550, 284, "time t", "middle"),
            text(418, 10, "ln of the loss over its start, and −4t"),
            label="A function at the start and after two flows, with its targets; and how the "
            "loss has fallen.",
        )
