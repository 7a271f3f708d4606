"""K-FAC beside the Fisher matrix that it stands for: one neuron, and a small network."""

from __future__ import annotations

import numpy as np

from ngdlib import kfac
from ngdlib.demos.base import (
    Choice,
    Count,
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
from ngdlib.demos.dice import normals, uniforms
from ngdlib.kfac import Backward, Network
from ngdlib.validate import Array

MOST = 200  # examples
NEURON = kfac.network([1, 1], "identity", "bernoulli")
STRUCTURES = ("block", "diag", "kfac", "ekfac")
FLAWS = ("none", "centred", "swapped", "observed")


class KroneckerFactors(Demo):
    """View "neuron": p = σ(w x + b) shown the inputs ``first`` and ``second``. View "network":
    ``inputs``-``hidden``-``classes`` with tanh, on ``batch`` examples whose inputs are correlated
    by ``correlation``, random weights times ``gain``; ``shown`` is drawn beside the exact matrix.
    ``flaw`` is a mistake made on purpose in K-FAC's factors.
    """

    _module = "kronecker_factors.js"
    _before = ("dice.js",)
    name = "kronecker-factors"
    title = "The Fisher matrix, and K-FAC for it"
    caption = (
        "<strong>One neuron:</strong> how much each input weighs, <em>v</em> = <em>p</em>(1 − "
        "<em>p</em>), and the steps that cost 0.02 nats: by the Fisher matrix (filled) and by "
        "K-FAC (dashed). "
        + moving(
            "Drag the inputs. <strong>A network:</strong> its Fisher matrix and one that stands "
            "for it, entry by entry; large squares are positive, small ones negative, darker is "
            "larger. Errors are relative, by the root of the sum of squared entries; "
            "<em>operations</em> counts <em>n</em>³ for each matrix to be inverted."
        )
    )

    view = Choice("neuron", ("neuron", "network"))
    w = Number(2.0, min=0, max=6)
    b = Number(0.0, min=-4, max=4)
    first = Number(0.0, min=-2, max=2)
    second = Number(2.0, min=-2, max=2)
    inputs = Count(3, min=1, max=4)
    hidden = Count(4, min=1, max=4)
    classes = Count(3, min=2, max=3)
    batch = Count(60, min=1, max=MOST)
    correlation = Number(0.5, min=0, max=0.95)
    gain = Number(1.0, min=0.2, max=5)
    shown = Choice("kfac", STRUCTURES)
    flaw = Choice("none", FLAWS)
    reveal = Choice("no", ("no", "yes"))

    def still(self) -> str:
        F, K = neuron(self.w, self.b, self.first, self.second)
        x, v = Linear((-2.5, 2.5), 50, 330), Linear((0, 0.27), 250, 20)
        places = np.linspace(-2.5, 2.5, 61)
        curve = "M" + "L".join(f"{x(t):.1f} {v(weight(self.w, self.b, t)):.1f}" for t in places)
        a, c = Linear((-2, 2), 400, 680), Linear((-2, 2), 250, 20)
        rings = [
            "M" + "L".join(f"{a(s):.1f} {c(t):.1f}" for s, t in ellipse(M)) + "Z" for M in (F, K)
        ]
        marks = [
            circle(x(t), v(weight(self.w, self.b, t)), 5, fill="ink")
            for t in (self.first, self.second)
        ]
        return svg(
            700,
            300,
            path(curve, width=1.6),
            *marks,
            axis(x, [-2, -1, 0, 1, 2], 250),
            axis(v, [0, 0.1, 0.2], 50, side="left"),
            text(190, 286, "input x", "middle"),
            text(58, 12, "v = p(1 − p)"),
            path(rings[0], stroke="metric", width=2),
            path(rings[1], dash="6 4", width=1.6),
            line(a(0), c(-2), a(0), c(2), width=0.6),
            line(a(-2), c(0), a(2), c(0), width=0.6),
            axis(a, [-2, -1, 0, 1, 2], 250),
            axis(c, [-2, -1, 0, 1, 2], 400, side="left"),
            text(540, 286, "change of w", "middle"),
            text(408, 12, "change of b"),
            label="Left: the weight p(1 − p) falls from 0.25 at the input 0 to 0.018 at the input "
            "2. Right: two ellipses; that of K-FAC is narrow in w where the Fisher matrix allows "
            "nearly three times as much.",
        )


def weight(w: float, b: float, x: float) -> float:
    """p(1 - p) of one neuron at an input."""
    p = 1 / (1 + np.exp(-(w * x + b)))
    return float(p * (1 - p))


def ellipse(M: Array, cost: float = 0.02) -> Array:
    """Displacements u, shape (73, 2), with half uᵀMu equal to ``cost`` nats."""
    p = np.sqrt(M[0, 0])
    q, size = M[0, 1] / p, np.sqrt(2 * cost)
    r = np.sqrt(max(1e-12, M[1, 1] - q * q))
    turn = np.arange(73) * np.pi / 36
    second = size * np.sin(turn) / r
    return np.stack([(size * np.cos(turn) - q * second) / p, second], axis=1)


def neuron(
    w: float, b: float, first: float, second: float, flaw: str = "none"
) -> tuple[Array, Array]:
    """(F, K-FAC's matrix), each (2, 2), of (w, b) on two inputs; observed labels are 1, 0."""
    x, weights = np.array([[first], [second]]), [np.array([[w, b]])]
    return _matrices(NEURON, weights, x, np.array([[1.0], [0.0]]), flaw)[0]


def setting(
    inputs: int, hidden: int, classes: int, batch: int, correlation: float, gain: float
) -> tuple[Network, list[Array], Array, Array]:
    """The network of the demo, its weights, inputs (batch, inputs) and labels (batch,)."""
    net = kfac.network([inputs, hidden, classes])
    drawn = normals(246813579, 64)
    W1 = drawn[: hidden * (inputs + 1)].reshape(hidden, inputs + 1)
    W2 = drawn[20 : 20 + classes * (hidden + 1)].reshape(classes, hidden + 1)
    scale = [np.append(np.full(n, gain / np.sqrt(n)), 0.3) for n in (inputs, hidden)]
    shared = normals(135792468, MOST)[:batch, None]
    own = normals(864297531, 4 * MOST).reshape(MOST, 4)[:batch, :inputs]
    x = np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * own
    y = np.floor(classes * np.array(uniforms(975318642, MOST)[:batch])).astype(int)
    return net, [W1 * scale[0], W2 * scale[1]], x, y


def matrices(
    inputs: int,
    hidden: int,
    classes: int,
    batch: int,
    correlation: float,
    gain: float,
    flaw: str = "none",
) -> dict[str, Array]:
    """Exact and the STRUCTURES, each (P, P), for the network of the demo."""
    net, weights, x, y = setting(inputs, hidden, classes, batch, correlation, gain)
    layers = kfac.backward(net, weights, x)
    found = {"exact": kfac.fisher(layers)}
    found |= {name: kfac.fisher(layers, name) for name in ("block", "diag")}
    parts = _matrices(net, weights, x, y, flaw)
    found["kfac"] = _joined([K for _, K in parts])
    found["ekfac"] = kfac.fisher(layers, "ekfac")
    return found


def errors(found: dict[str, Array]) -> dict[str, float]:
    """The relative error of each structure, in the Frobenius norm."""
    F = found["exact"]
    return {name: float(np.linalg.norm(found[name] - F) / np.linalg.norm(F)) for name in STRUCTURES}


def costs(inputs: int, hidden: int, classes: int) -> dict[str, tuple[int, int]]:
    """(numbers kept, n³ operations to invert) of exact and of each structure, biases included."""
    layers = [kfac.cost(inputs + 1, hidden), kfac.cost(hidden + 1, classes)]
    size = sum(layer.weights for layer in layers)
    factors = sum(c.factor_numbers for c in layers), sum(c.factor_inverse for c in layers)
    return {
        "exact": (size**2, size**3),
        "block": (sum(c.block_numbers for c in layers), sum(c.block_inverse for c in layers)),
        "diag": (size, size),
        "kfac": factors,
        "ekfac": (factors[0] + size, factors[1]),
    }


def _matrices(
    net: Network, weights: list[Array], x: Array, y: Array, flaw: str
) -> list[tuple[Array, Array]]:
    """(F, K-FAC's matrix) of each layer, with the flaw in the factors."""
    if flaw not in FLAWS:
        raise ValueError(f"flaw: expected one of {FLAWS}, got {flaw!r}")
    layers = kfac.backward(net, weights, x)
    observed = kfac.backward(net, weights, x, y, fisher_type="empirical")
    pairs = []
    for layer, seen in zip(layers, observed, strict=True):
        A, G = _factors(layer, seen, flaw)
        pairs.append((kfac.fisher([layer]), np.kron(G, A) if flaw == "swapped" else np.kron(A, G)))
    return pairs


def _factors(layer: Backward, seen: Backward, flaw: str) -> tuple[Array, Array]:
    A, G = kfac.factors(layer)
    if flaw == "centred":
        mean = layer.a.mean(axis=0)
        return A - np.outer(mean, mean), G
    return A, (kfac.factors(seen).G if flaw == "observed" else G)


def _joined(blocks: list[Array]) -> Array:
    whole, at = np.zeros((sum(map(len, blocks)),) * 2), 0
    for block in blocks:
        whole[at : at + len(block), at : at + len(block)] = block
        at += len(block)
    return whole
