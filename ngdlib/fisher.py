"""The Fisher matrix of a regression on data: exact, sampled, empirical; whole or its diagonal.

Three models of labels y given inputs x (n, d):

    gaussian    y ~ N(x theta, 1)                 theta (..., d);    loss (y - f)^2/2, least squares
    bernoulli   P(y = 1) = sigma(x theta)         theta (..., d);    logistic regression
    softmax     P(y = k) proportional to exp(x w_k)   theta (..., K d): the rows w_1, ..., w_K of W,
                one after the other (W.ravel() of numpy)

A constant is a column of ones in x. With s_n(y) the score of example n at label y,

    exact       mean over n of E[s s^T] over the model's own labels
    mc          the same with labels drawn from the model
    empirical   mean over n of s s^T at the observed labels (uncentred, each example by itself)

`reduction` "sum" gives n times that, as a summed loss has it; g, F and damping must agree on it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from ngdlib.families import stable
from ngdlib.validate import (
    Array,
    count,
    instance,
    one_of,
    real_array,
    representable,
    require,
    vectors,
)

MODELS = ("gaussian", "bernoulli", "softmax")
FISHER_TYPES = ("exact", "mc", "empirical")
STRUCTURES = ("full", "diag")
REDUCTIONS = ("mean", "sum")


class Regression(NamedTuple):
    """A model of labels on inputs x (n, d); ``classes`` outputs (1, but for softmax)."""

    model: str
    x: Array
    classes: int

    @property
    def size(self) -> int:
        """Number of parameters."""
        return self.classes * self.x.shape[1]


def regression(model: str, x: ArrayLike, classes: int | None = None) -> Regression:
    """A checked `Regression`. ``classes`` K >= 2 for softmax, None for the others."""
    return _regression(model, x, classes, copy=True)


def _regression(model: str, x: ArrayLike, classes: int | None, *, copy: bool) -> Regression:
    one_of("model", model, MODELS)
    x = real_array("x", x, copy=copy)
    if x.ndim != 2 or not x.size:
        raise ValueError(f"x: expected shape (n, d), got {x.shape}")
    if model != "softmax":
        if classes is not None:
            raise ValueError(f"classes: expected None for {model}, got {classes!r}")
        return Regression(model, x, 1)
    return Regression(model, x, count("classes", classes, least=2))


def _task(task: Regression) -> Regression:
    """``task``, checked as `regression` checks it: it may have been made by hand, or changed."""
    instance("task", task, Regression, "a regression, as `regression(...)` makes it")
    one_of("task.model", task.model, MODELS)
    classes = task.classes if task.model == "softmax" else None
    return _regression(task.model, task.x, classes, copy=False)


@np.errstate(all="ignore")
def loss(task: Regression, theta: ArrayLike, y: ArrayLike, reduction: str = "mean") -> Array:
    """The negative log likelihood in nats (gaussian: without its constant), shape (...)."""
    task = _task(task)
    f, y = outputs(task, theta), labels(task, y)
    if task.model == "gaussian":
        each = (f[..., 0] - y) ** 2 / 2
    elif task.model == "bernoulli":
        each = np.logaddexp(0, np.where(y == 1, -f[..., 0], f[..., 0]))
    else:
        each = -stable.log_softmax(f)[..., np.arange(len(y)), y]
    return _reduced(each.sum(axis=-1), len(y), reduction)


def outputs(task: Regression, theta: ArrayLike) -> Array:
    """Means or logits of every example, shape (..., n, classes)."""
    task = _task(task)
    theta = vectors("theta", theta, task.size)
    W = theta.reshape(*theta.shape[:-1], task.classes, task.x.shape[1])
    with np.errstate(all="ignore"):
        return representable("theta", task.x @ np.swapaxes(W, -1, -2))


@np.errstate(all="ignore")
def gradient(task: Regression, theta: ArrayLike, y: ArrayLike, reduction: str = "mean") -> Array:
    """The gradient of `loss`, shape (..., P)."""
    task = _task(task)
    r = residuals(task, theta, y)
    g = np.swapaxes(r, -1, -2) @ task.x
    return _reduced(g.reshape(*g.shape[:-2], task.size), len(task.x), reduction)


def residuals(task: Regression, theta: ArrayLike, y: ArrayLike) -> Array:
    """The derivative of each example's loss in its outputs, shape (..., n, classes)."""
    task = _task(task)
    f, y = outputs(task, theta), labels(task, y)
    if task.model == "gaussian":
        return f - y[:, None]
    if task.model == "bernoulli":
        return stable.logistic_residual(f, y[:, None])
    return stable.softmax_residual(f, y)


@np.errstate(all="ignore")
def example_gradients(task: Regression, theta: ArrayLike, y: ArrayLike) -> Array:
    """The gradient of each example's loss, one a row: shape (..., n, P)."""
    task = _task(task)
    r = residuals(task, theta, y)
    rows = r[..., :, None] * task.x[:, None, :]
    return representable("theta", rows.reshape(*r.shape[:-1], task.size))


@np.errstate(all="ignore")
def fisher(
    task: Regression,
    theta: ArrayLike,
    y: ArrayLike | None = None,
    *,
    fisher_type: str = "exact",
    structure: str = "full",
    reduction: str = "mean",
    rng: np.random.Generator | None = None,
    samples: int = 1,
) -> Array:
    """The Fisher matrix, shape (..., P, P), or its diagonal, (..., P).

    y        observed labels (n,): for "empirical" only
    samples  labels drawn for each example by ``rng``: for "mc" only
    For softmax the exact matrix is the block diagonal of X^T diag(q_k) X less Z^T Z, where a row
    of Z is all class probabilities of an example times its inputs: n K d numbers instead of
    n K^2 d.
    """
    task, samples = _task(task), count("samples", samples, least=1)
    y = None if y is None else labels(task, y)
    for name, value, among in (
        ("fisher_type", fisher_type, FISHER_TYPES),
        ("structure", structure, STRUCTURES),
        ("reduction", reduction, REDUCTIONS),
    ):
        one_of(name, value, among)
    if fisher_type == "exact":
        found = _exact(task, outputs(task, theta), structure)
    elif fisher_type == "empirical":
        if y is None:
            raise ValueError("y: expected the observed labels for the empirical Fisher, got None")
        found = _outer(task, residuals(task, theta, y), structure)
    else:
        drawn = draw(task, theta, rng, samples)
        found = 0.0
        for labels_drawn in np.moveaxis(drawn, -1, 0):
            found = found + _outer(task, _at(task, theta, labels_drawn), structure) / samples
    return _reduced(found, len(task.x), reduction)


def draw(task: Regression, theta: ArrayLike, rng: np.random.Generator, samples: int = 1) -> Array:
    """Labels from the model at theta: shape (..., n, samples)."""
    instance("rng", rng, np.random.Generator, "a numpy.random.Generator")
    task = _task(task)
    f, samples = outputs(task, theta), count("samples", samples, least=1)
    if task.model == "gaussian":
        return f + rng.standard_normal((*f.shape[:-1], samples))
    uniform = rng.random((*f.shape[:-1], samples))
    if task.model == "bernoulli":
        return (uniform < expit(f)).astype(float)
    edges = np.cumsum(stable.softmax(f), axis=-1)[..., None, :-1]
    return (uniform[..., None] >= edges).sum(axis=-1)


def labels(task: Regression, y: ArrayLike) -> Array:
    """Observed labels, checked: shape (n,), of the kind that the model has."""
    task, y = _task(task), real_array("y", y)
    if y.shape != task.x.shape[:1]:
        raise ValueError(f"y: expected shape {task.x.shape[:1]}, got {y.shape}")
    if task.model == "bernoulli":
        require("y", (y == 0) | (y == 1), "labels 0 or 1", y)
    if task.model == "softmax":
        good = (y == np.round(y)) & (y >= 0) & (y < task.classes)
        require("y", good, f"labels 0, ..., {task.classes - 1}", y)
        return y.astype(int)
    return y


def _at(task: Regression, theta: ArrayLike, drawn: Array) -> Array:
    """`residuals` at drawn labels, which may differ from one theta of a batch to the next."""
    f = outputs(task, theta)
    if task.model == "gaussian":
        return f - drawn[..., None]
    if task.model == "bernoulli":
        return stable.logistic_residual(f, drawn[..., None])
    return stable.softmax_residual(f, drawn)


def _outer(task: Regression, r: Array, structure: str) -> Array:
    """The sum over examples of s s^T, s = r x, or its diagonal."""
    if structure == "diag":
        squares = np.swapaxes(r**2, -1, -2) @ task.x**2
        return squares.reshape(*r.shape[:-2], task.size)
    rows = (r[..., :, None] * task.x[:, None, :]).reshape(*r.shape[:-1], task.size)
    return np.swapaxes(rows, -1, -2) @ rows


def _exact(task: Regression, f: Array, structure: str) -> Array:
    x, d = task.x, task.x.shape[1]
    if task.model == "gaussian":
        variance = np.ones_like(f)
    elif task.model == "bernoulli":
        variance = expit(f) * expit(-f)
    else:
        q = stable.softmax(f)
        variance = q * stable.complements(q)
    if structure == "diag":
        return (np.swapaxes(variance, -1, -2) @ x**2).reshape(*f.shape[:-2], task.size)
    if task.model != "softmax":
        return np.swapaxes(x * variance, -1, -2) @ x
    Z = (q[..., :, None] * x[:, None, :]).reshape(*f.shape[:-1], task.size)
    whole = -(np.swapaxes(Z, -1, -2) @ Z)
    for k in range(task.classes):
        block = np.swapaxes(x * variance[..., k : k + 1], -1, -2) @ x
        whole[..., k * d : (k + 1) * d, k * d : (k + 1) * d] = block
    return whole


def _reduced(total: Array, n: int, reduction: str) -> Array:
    one_of("reduction", reduction, REDUCTIONS)
    return representable("theta", total / n if reduction == "mean" else total)
