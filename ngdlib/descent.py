"""Descent: a direction, a step length, a step. Pure functions; state in, (state, info) out.

The direction says where to go, -g or -F^-1 g. The step length is another matter, decided by a rule:
`Fixed(eta)` multiplies the direction by eta; `FisherLength(r)` and `KLRadius(eps)` scale it so that
the step has a given Fisher length, or ends at a given KL divergence from where it began.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from ngdlib.families.base import Model
from ngdlib.validate import Array, count, matrices, number, real_array, vectors

METRICS = ("natural", "euclidean")


class Objective(NamedTuple):
    """A loss: ``value`` maps theta (..., d) to (...), ``gradient`` to (..., d)."""

    value: Callable[[Array], Array]
    gradient: Callable[[Array], Array]


def data_fit(model: Model, mean: ArrayLike) -> Objective:
    """The mean negative log likelihood of data whose statistics have the given mean (..., m)."""
    mean = vectors("mean", mean, model.statistic_dim)
    return Objective(
        lambda theta: model.cross_entropy(theta, mean),
        lambda theta: model.cross_entropy_gradient(theta, mean),
    )


def gradient_direction(g: ArrayLike) -> Array:
    """-g: steepest descent where length is that of the coordinates."""
    return -real_array("g", g)


def natural_direction(F: ArrayLike, g: ArrayLike, damping: float = 0.0) -> Array:
    """-(F + damping I)^-1 g: steepest descent where length is Fisher length (Amari 1998, eq. 1).

    F  shape (..., d, d); g  shape (..., d); damping >= 0. ValueError where the matrix is singular.
    """
    F = matrices("F", F)
    g = vectors("g", g, F.shape[-1])
    damped = F + number("damping", damping, least=0.0) * np.eye(F.shape[-1])
    if np.any(~(np.linalg.cond(damped) < 1e15)):
        raise ValueError(
            "F: expected a nonsingular Fisher matrix, got one with condition number "
            f"{np.max(np.linalg.cond(damped)):.3g}; use damping, or a chart without redundancy"
        )
    return -np.linalg.solve(damped, g[..., None])[..., 0]


class Fixed(NamedTuple):
    """The step is ``eta`` times the direction."""

    eta: float

    def scale(self, model: Model, theta: Array, direction: Array, F: Array) -> Array:
        return np.full(direction.shape[:-1], number("eta", self.eta, above=0.0))


class FisherLength(NamedTuple):
    """The step has Fisher length sqrt(d^T F d) = ``r``; zero where the direction is zero."""

    r: float

    def scale(self, model: Model, theta: Array, direction: Array, F: Array) -> Array:
        length = fisher_length(F, direction)
        r = number("r", self.r, above=0.0)
        return np.divide(r, length, out=np.zeros_like(length), where=length > 0)


class KLRadius(NamedTuple):
    """The step ends where KL(p_theta || p_new) = ``eps``, found on the true divergence.

    Where the model ends before the divergence reaches ``eps``, the step ends just inside.
    """

    eps: float

    def scale(self, model: Model, theta: Array, direction: Array, F: Array) -> Array:
        eps = number("eps", self.eps, above=0.0)
        first = FisherLength(np.sqrt(2 * eps)).scale(model, theta, direction, F)
        scales = np.zeros(first.shape)
        for at in np.ndindex(first.shape):
            if first[at] > 0:
                scales[at] = _at_radius(model, theta[at], direction[at], eps, first[at])
        return scales


def _at_radius(model: Model, theta: Array, direction: Array, eps: float, first: float) -> float:
    """The multiple of ``direction`` at which the KL divergence from ``theta`` is ``eps``."""

    def excess_kl(t: float) -> float:
        point = theta + t * direction
        return float(model.kl(theta, point)) - eps if model.in_domain(point) else np.inf

    high = first
    while excess_kl(high) < 0:
        high *= 2
    low = 0.0
    while not np.isfinite(excess_kl(high)):  # outside the model: halve towards its edge
        middle = (low + high) / 2
        if middle in (low, high):
            return low
        if excess_kl(middle) < 0:
            low = middle
        else:
            high = middle
    return brentq(excess_kl, low, high, xtol=1e-300, rtol=1e-14)


def fisher_length(F: ArrayLike, v: ArrayLike) -> Array:
    """sqrt(v^T F v), shape (...): to leading order sqrt(2 KL) of a displacement v."""
    F = matrices("F", F)
    v = vectors("v", v, F.shape[-1])
    return np.sqrt(np.maximum(np.einsum("...i,...ij,...j->...", v, F, v), 0.0))


UNIT = Fixed(1.0)


class State(NamedTuple):
    """Where a descent is: ``theta`` (..., d) and how many steps it has taken."""

    theta: Array
    step: int


class Info(NamedTuple):
    """What a step did, all of batch shape (...) but for gradient and direction (..., d).

    loss, gradient   at the point where the step began
    direction        before scaling; step_length multiplies it
    fisher_length    of the whole step, by the metric at its beginning
    kl               KL(old || new) in nats; nan where the step left the model
    in_domain        whether the new point is in the model
    """

    loss: Array
    gradient: Array
    direction: Array
    step_length: Array
    fisher_length: Array
    kl: Array
    in_domain: np.ndarray


def init(theta: ArrayLike) -> State:
    """The state before the first step."""
    theta = real_array("theta", theta)
    if theta.ndim == 0:
        raise ValueError("theta: expected shape (..., d), got one number")
    return State(theta, 0)


def step(
    state: State,
    model: Model,
    objective: Objective,
    metric: str = "natural",
    length: Fixed | FisherLength | KLRadius = UNIT,
    damping: float = 0.0,
) -> tuple[State, Info]:
    """One step. Returns the point it computed even if that left the model: see `Info.in_domain`.

    ``damping`` adds to the Fisher matrix of the natural metric. ValueError for a state outside the
    model, an unknown metric, or a singular Fisher matrix.
    """
    theta = vectors("state.theta", state.theta, model.dim)
    _known(metric)
    F, g = model.fisher(theta), objective.gradient(theta)
    if metric == "natural":
        direction = natural_direction(F, g, damping)
    else:
        direction = gradient_direction(g)
    theta, direction = np.broadcast_arrays(theta, direction)
    scale = length.scale(model, theta, direction, F)
    moved = theta + scale[..., None] * direction
    inside = model.in_domain(moved)
    kl = model.kl(theta, np.where(inside[..., None], moved, theta))
    info = Info(
        loss=objective.value(theta),
        gradient=g,
        direction=direction,
        step_length=scale,
        fisher_length=fisher_length(F, scale[..., None] * direction),
        kl=np.where(inside, kl, np.nan),
        in_domain=inside,
    )
    return State(moved, state.step + 1), info


def run(
    theta: ArrayLike,
    model: Model,
    objective: Objective,
    steps: int,
    metric: str = "natural",
    length: Fixed | FisherLength | KLRadius = UNIT,
    damping: float = 0.0,
) -> tuple[Array, np.ndarray]:
    """Several steps: the path, shape (steps + 1, ..., d), and whether each point is in the model.

    A path that leaves the model stays at the point where it landed outside. ``in_domain`` has shape
    (steps + 1, ...).
    """
    state = init(theta)
    start = vectors("theta", theta, model.dim)
    shape = np.broadcast_shapes(start.shape, objective.gradient(start).shape)
    here = np.broadcast_to(start, shape).copy()
    path, inside = [here], [model.in_domain(here)]
    for _ in range(count("steps", steps)):
        # a point outside is held; its step is computed from the start instead, and not used
        safe = np.where(inside[-1][..., None], path[-1], here)
        state, info = step(State(safe, state.step), model, objective, metric, length, damping)
        keep = inside[-1][..., None]
        path.append(np.where(keep, state.theta, path[-1]))
        inside.append(inside[-1] & info.in_domain)
    return np.stack(path), np.stack(inside)


def flow(
    theta: ArrayLike,
    model: Model,
    objective: Objective,
    times: ArrayLike,
    metric: str = "natural",
) -> Array:
    """The continuous descent d theta/dt = direction, at the given times: (len(times), ..., d).

    times  increasing, from 0 on, in units of the step size; relative error about 1e-10.
    Raises ValueError where the flow leaves the model or reaches its boundary before the last time.
    """
    theta = vectors("theta", theta, model.dim)
    model.fisher(theta)  # refuses a point outside
    times = real_array("times", times)
    if times.ndim != 1 or times.size == 0 or times[0] < 0 or np.any(np.diff(times) <= 0):
        raise ValueError("times: expected increasing numbers >= 0, shape (n,)")
    _known(metric)
    shape = np.broadcast_shapes(theta.shape, objective.gradient(theta).shape)
    start = np.broadcast_to(theta, shape)

    def velocity(_: float, flat: Array) -> Array:
        point = flat.reshape(shape)
        if not np.all(model.in_domain(point)):
            return np.full_like(flat, np.nan)  # the solver takes a shorter step
        g = objective.gradient(point)
        v = natural_direction(model.fisher(point), g) if metric == "natural" else -g
        return np.ravel(v)

    if times[-1] == 0:
        return start[None].copy()
    solution = solve_ivp(
        velocity,
        (0.0, times[-1]),
        start.ravel(),
        method="DOP853",
        t_eval=times,
        rtol=1e-12,
        atol=1e-13,
    )
    if not solution.success or solution.y.shape[1] != len(times):
        raise ValueError(
            f"times: expected times at which the flow is inside {model!r}; it stops after "
            f"{solution.t[-1] if solution.t.size else 0.0:.6g} ({solution.message})"
        )
    return solution.y.T.reshape(len(times), *shape)


def _known(metric: str) -> None:
    if metric not in METRICS:
        raise ValueError(f"metric: expected one of {METRICS}, got {metric!r}")
