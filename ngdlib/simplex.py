"""K class probabilities without a K x K matrix: natural steps in O(K), flows and great circles.

p is the softmax of K logits, and the Fisher matrix of the logits is diag(p) - p p^T. It is singular
(one number added to all logits changes no p), and it need never be built: for a gradient g whose
entries sum to zero, F (g/p) = g. Everything here maps arrays (..., K), K >= 2, to such arrays.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ngdlib.families import stable
from ngdlib.validate import Array, broadcast, number, real_array, representable, require, vectors

ROUNDING = 1e-9  # how far from 1 the sum of given probabilities may be


def natural_direction(p: ArrayLike, g: ArrayLike, damping: float = 0.0) -> Array:
    """-(F + damping I)^-1 g in all K logits, for F = diag(p) - p p^T; the pseudoinverse at 0.

    p  probabilities (..., K), all positive; g  the gradient by the logits (..., K), whose entries
    sum to zero, as those of every loss that depends on p alone; damping >= 0. Shape (..., K), with
    entries that sum to zero. By the Sherman-Morrison formula, O(K): with a number r such that the
    entries of the answer sum to zero,

        -(g - r p) / (p + damping),    r = sum g/(p + damping) / sum p/(p + damping).

    The usual form of the formula divides by 1 - sum p^2/(p + damping), which loses its digits as
    damping goes to 0 and lets all logits drift together; this one is exact at 0. ValueError where p
    are no positive probabilities or the entries of g do not sum to zero.
    """
    p, λ = probabilities("p", p), number("damping", damping, least=0.0)
    g = _like("g", g, p)
    with np.errstate(all="ignore"):
        total, size = g.sum(axis=-1), representable("g", np.abs(g).sum(axis=-1))
    require("g", np.abs(total) <= 2 * ROUNDING * (1 + size), "entries that sum to zero", total)
    with np.errstate(all="ignore"):
        charge = p + λ
        r = (g / charge).sum(axis=-1) / (p / charge).sum(axis=-1)
        v = (g - r[..., None] * p) / charge
        v = v - v.mean(axis=-1, keepdims=True)
    return representable("g", -v)


def velocity(p: ArrayLike, v: ArrayLike) -> Array:
    """How fast p moves when the logits move at v: F v = p (v - sum p v). Shapes (..., K).

    ValueError where p are no positive probabilities.
    """
    p = probabilities("p", p)
    v, p = np.broadcast_arrays(_like("v", v, p), p)
    top = p.argmax(axis=-1)[..., None]
    with np.errstate(all="ignore"):
        v = v - np.take_along_axis(v, top, axis=-1)  # no class that is nearly certain loses digits
        return representable("v", p * (v - (p * v).sum(axis=-1, keepdims=True)))


def moved(p: ArrayLike, v: ArrayLike) -> Array:
    """The probabilities after the logits have moved by v: p e^v, normalised. Shapes (..., K).

    With a log likelihood for v this is the rule of Bayes. Classes may underflow to 0. ValueError
    where p are no positive probabilities.
    """
    p = probabilities("p", p)
    v = _like("v", v, p)
    with np.errstate(over="ignore"):  # logits that are too far apart for float64: all but one are 0
        return stable.softmax(np.log(p) + v)


def forward_flow(p: ArrayLike, target: ArrayLike, t: ArrayLike) -> Array:
    """The natural-gradient flow of KL(target || p) at times t >= 0: p e^-t + target (1 - e^-t).

    Straight in the probabilities. p, target (..., K): the target may have zeros. t: shape (...);
    all three broadcast. ValueError for other arguments.
    """
    p, target, t = _flow(p, target, t, zeros=True)
    return p * np.exp(-t) + target * -np.expm1(-t)


def reverse_flow(p: ArrayLike, target: ArrayLike, t: ArrayLike) -> Array:
    """The natural-gradient flow of KL(p || target) at times t >= 0: p^(e^-t) target^(1 - e^-t),
    normalised.

    Straight in the logits. p, target (..., K), positive; t: shape (...); all three broadcast.
    ValueError for other arguments.
    """
    p, target, t = _flow(p, target, t, zeros=False)
    return stable.softmax(np.log(p) * np.exp(-t) + np.log(target) * -np.expm1(-t))


def great_circle(p: ArrayLike, target: ArrayLike, s: ArrayLike) -> Array:
    """The shortest road from p to the target, s in [0, 1] of its Fisher length along it.

    On the sphere of radius 2 with the points 2 sqrt(p) it is an arc. p, target (..., K), zeros
    allowed; s: shape (...); all three broadcast. ValueError for other arguments.
    """
    p, target = probabilities("p", p, zeros=True), probabilities("target", target, zeros=True)
    s = _share("s", s, p, target)
    require("s", (s >= 0) & (s <= 1), "numbers in [0, 1]", s)
    a, b = np.sqrt(p), np.sqrt(target)
    angle = fisher_distance(p, target)[..., None] / 2
    with np.errstate(all="ignore"):
        there = np.where(angle > 0, np.sin(s * angle) / np.sin(angle), s)
        here = np.where(angle > 0, np.sin((1 - s) * angle) / np.sin(angle), 1 - s)
    return (here * a + there * b) ** 2


def fisher_distance(p: ArrayLike, target: ArrayLike) -> Array:
    """The Fisher-Rao distance 2 arccos(sum sqrt(p target)) (Rao 1945), accurate for neighbours.

    p, target (..., K), zeros allowed. Shape (...). ValueError for other arguments.
    """
    p, target = probabilities("p", p, zeros=True), probabilities("target", target, zeros=True)
    broadcast("target", target.shape, "p", p.shape)
    sums = np.sqrt(p) + np.sqrt(target)
    roots = (p - target) / np.where(sums > 0, sums, 1.0)  # their difference, to its last digit
    return 4 * np.arcsin(np.minimum(stable.chord(roots) / 2, 1.0))


def probabilities(name: str, value: ArrayLike, *, zeros: bool = False) -> Array:
    """An array (..., K), K >= 2, of positive numbers (or zeros, if allowed) that sum to 1.

    The sum may be off by 1e-9. ValueError, with the argument's name, otherwise.
    """
    p = real_array(name, value)
    require(name, p.ndim > 0 and p.shape[-1] >= 2, "at least two probabilities", p)
    good = (p >= 0) if zeros else (p > 0)
    require(name, good, "probabilities that are " + ("not negative" if zeros else "positive"), p)
    require(name, p <= 1 + ROUNDING, "probabilities with sum 1", p)
    require(name, np.abs(p.sum(axis=-1) - 1) <= ROUNDING, "probabilities with sum 1", p)
    return p


def _like(name: str, value: ArrayLike, p: Array) -> Array:
    value = vectors(name, value, p.shape[-1])
    broadcast(name, value.shape[:-1], "p", p.shape[:-1])
    return value


def _share(name: str, value: ArrayLike, p: Array, target: Array) -> Array:
    value = real_array(name, value)[..., None]
    broadcast("target", target.shape, "p", p.shape)
    broadcast(name, value.shape, "p and target", np.broadcast_shapes(p.shape, target.shape))
    return value


def _flow(p: ArrayLike, target: ArrayLike, t: ArrayLike, *, zeros: bool) -> tuple:
    p, target = probabilities("p", p), probabilities("target", target, zeros=zeros)
    t = _share("t", t, p, target)
    require("t", t >= 0, "times that are not negative", t)
    return p, target, t
