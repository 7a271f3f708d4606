"""Descent: a direction, a step length, a step. Pure functions; state in, (state, info) out.

The direction says where to go, -g or -F^-1 g. The step length is another matter, decided by a rule:
`Fixed(eta)` multiplies the direction by eta; `FisherLength(r)` and `KLRadius(eps)` scale it so that
the step has a given Fisher length, or ends at a given KL divergence from where it began.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from ngdlib.families.base import Model, inside
from ngdlib.validate import (
    Array,
    broadcast,
    count,
    instance,
    matrices,
    metric,
    number,
    real_array,
    representable,
    require,
    vectors,
)

METRICS = ("natural", "euclidean")


class Objective(NamedTuple):
    """A loss: ``value`` maps theta (..., d) to (...), ``gradient`` to (..., d).

    Optional, (..., d) to (..., d, d): ``hessian``, the second derivatives, and
    ``covariant_hessian``, the Riemannian ones of the model's Fisher metric.
    """

    value: Callable[[Array], Array]
    gradient: Callable[[Array], Array]
    hessian: Callable[[Array], Array] | None = None
    covariant_hessian: Callable[[Array], Array] | None = None


def data_fit(model: Model, mean: ArrayLike) -> Objective:
    """The mean negative log likelihood of data whose statistics have the given mean (..., m)."""
    instance("model", model, Model, "a model")
    mean = model._data_mean(mean).copy()
    return Objective(
        lambda theta: model.cross_entropy(theta, mean),
        lambda theta: model.cross_entropy_gradient(theta, mean),
        lambda theta: model.cross_entropy_hessian(theta, mean),
        lambda theta: model.covariant_hessian(theta, mean),
    )


def gradient_direction(g: ArrayLike) -> Array:
    """-g: steepest descent where length is that of the coordinates."""
    return -_vectors("g", g)


def natural_direction(F: ArrayLike, g: ArrayLike, damping: float = 0.0) -> Array:
    """-(F + damping I)^-1 g: steepest descent where length is Fisher length (Amari 1998, eq. 1).

    F  shape (..., d, d); g  shape (..., d); damping >= 0. Solved by Cholesky, with the scales of
    the coordinates divided out. ValueError where F + damping I is not symmetric and positive
    definite; where it is singular or indefinite, with the direction that shows it. (A singular F
    wants damping, a chart without redundancy, or `pseudo_natural_direction`.)
    """
    F = matrices("F", F)
    g = vectors("g", g, F.shape[-1])
    broadcast("g", g.shape[:-1], "F", F.shape[:-2])
    λ = number("damping", damping, least=0.0)
    damped = F + λ * np.eye(F.shape[-1]) if λ else F
    C, scale = metric("F + damping I" if λ else "F", damped)
    if F.shape[-1] == 1:  # one division: half of a ulp, where two roots would cost two
        return representable("g", -g / damped[..., 0])
    L = np.linalg.cholesky(C)
    half = np.linalg.solve(L, (g / scale)[..., None])
    with np.errstate(all="ignore"):
        d = -np.linalg.solve(np.swapaxes(L, -1, -2), half)[..., 0] / scale
    return representable("g", d)


def pseudo_natural_direction(
    F: ArrayLike, g: ArrayLike, cutoff: float = 1e-10
) -> tuple[Array, np.ndarray]:
    """-F^+ g with the pseudoinverse, shape (..., d), and the rank that was used, shape (...).

    Eigenvalues below ``cutoff`` (0 < cutoff < 1) times the largest count as zero. Of all directions
    with F d = -g it is the shortest in these coordinates; what of g lies in the null space is
    dropped. ValueError where F is not symmetric, or indefinite.
    """
    F = matrices("F", F)
    g = vectors("g", g, F.shape[-1])
    broadcast("g", g.shape[:-1], "F", F.shape[:-2])
    cutoff = number("cutoff", cutoff, above=0.0)
    require("cutoff", cutoff < 1, "a number below 1", cutoff)
    metric("F", F, singular=True)
    values, V = np.linalg.eigh(F)
    kept = values > cutoff * values[..., -1:]
    with np.errstate(all="ignore"):
        along = np.einsum("...ij,...i->...j", V, g)
        along = np.where(kept, along / np.where(kept, values, 1.0), 0.0)
        d = -np.einsum("...ij,...j->...i", V, along)
    return representable("g", d), kept.sum(axis=-1) + np.zeros(d.shape[:-1], dtype=int)


@dataclass(frozen=True)
class Fixed:
    """The step is ``eta`` > 0 times the direction."""

    eta: float

    def __post_init__(self) -> None:
        number("eta", self.eta, above=0.0)

    def _scale(self, model: Model, theta: Array, direction: Array, F: Array) -> Array:
        return np.full(direction.shape[:-1], float(self.eta))


@dataclass(frozen=True)
class FisherLength:
    """The step has Fisher length sqrt(d^T F d) = ``r`` > 0; zero where the direction is zero."""

    r: float

    def __post_init__(self) -> None:
        number("r", self.r, above=0.0)

    def _scale(self, model: Model, theta: Array, direction: Array, F: Array) -> Array:
        length = fisher_length(F, direction)
        return np.divide(self.r, length, out=np.zeros_like(length), where=length > 0)


@dataclass(frozen=True)
class KLRadius:
    """The step ends where KL(p_theta || p_new) = ``eps`` > 0: solved on the true divergence.

    The crossing is bracketed by doubling and found by Brent's method, to rounding; zero where the
    direction is zero. ValueError where float64 runs into the edge of the model before ``eps``.
    """

    eps: float

    def __post_init__(self) -> None:
        number("eps", self.eps, above=0.0)

    def _scale(self, model: Model, theta: Array, direction: Array, F: Array) -> Array:
        first = FisherLength(np.sqrt(2 * self.eps))._scale(model, theta, direction, F)
        scales = np.zeros(first.shape)
        for at in np.ndindex(first.shape):
            if first[at] > 0:
                scales[at] = _at_radius(model, theta[at], direction[at], self.eps, first[at])
        return scales


def _at_radius(model: Model, theta: Array, direction: Array, eps: float, first: float) -> float:
    """The multiple of ``direction`` at which the KL divergence from ``theta`` is ``eps``."""

    def excess(t: float) -> float:
        """KL/eps - 1, infinite outside the model."""
        point = theta + t * direction
        return float(model._kl(theta, point)) / eps - 1 if inside(model, point) else np.inf

    low, high = 0.0, first
    while excess(high) < 0:
        low, high = high, 2 * high
    while not np.isfinite(excess(high)):  # outside the model: halve towards its edge
        middle = (low + high) / 2
        if middle in (low, high):
            raise ValueError(
                f"eps: expected a divergence that is reached inside {model!r}, got {eps:g}; "
                f"in this direction the largest is {(excess(low) + 1) * eps:g}"
            )
        low, high = (middle, high) if excess(middle) < 0 else (low, middle)
    return brentq(excess, low, high, xtol=1e-15 * high, rtol=4 * np.finfo(float).eps)


def fisher_length(F: ArrayLike, v: ArrayLike) -> Array:
    """sqrt(v^T F v), shape (...): to leading order sqrt(2 KL) of a displacement v.

    F  shape (..., d, d), symmetric; it may be singular. ValueError where it is indefinite.
    """
    F = matrices("F", F)
    v = vectors("v", v, F.shape[-1])
    broadcast("v", v.shape[:-1], "F", F.shape[:-2])
    C, scale = metric("F", F, singular=True)
    with np.errstate(all="ignore"):
        v = v * scale
        size = np.max(np.abs(v), axis=-1)  # v is scaled first: its square may not fit in float64
        unit = v / np.where(size > 0, size, 1.0)[..., None]
        square = np.einsum("...i,...ij,...j->...", unit, C, unit)
        # rounding may give -1e-17 where F is singular
        return representable("v", size * np.sqrt(np.maximum(square, 0.0)))


Length = Fixed | FisherLength | KLRadius
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
    return State(_vectors("theta", theta).copy(), 0)


def step(
    state: State,
    model: Model,
    objective: Objective,
    metric: str = "natural",
    length: Length = UNIT,
    damping: float = 0.0,
) -> tuple[State, Info]:
    """One step. Returns the point it computed even if that left the model: see `Info.in_domain`.

    metric   "natural" for the direction -(F + damping I)^-1 g, "euclidean" for -g
    damping  >= 0, and 0 with the euclidean metric, which has no use for it
    ValueError for a state outside the model, and where F + damping I is singular.
    """
    instance("state", state, State, "a State, as `init` gives it")
    _check(model, objective, metric, length, damping)
    theta = model._point("state.theta", state.theta)
    loss, g, F, direction = _direction(theta, model, objective, metric, damping)
    theta, direction = np.broadcast_arrays(theta, direction)
    scale = length._scale(model, theta, direction, F)
    with np.errstate(over="ignore"):  # a step that overflows has left the model
        moved = theta + scale[..., None] * direction
        length_taken = scale * fisher_length(F, direction)
    reached = inside(model, moved)
    kl = model._kl(theta, np.where(reached[..., None], moved, theta))
    info = Info(
        loss=loss,
        gradient=g,
        direction=direction,
        step_length=scale,
        fisher_length=length_taken,
        kl=np.where(reached, kl, np.nan),
        in_domain=reached,
    )
    return State(moved, state.step + 1), info


def run(
    theta: ArrayLike | State,
    model: Model,
    objective: Objective,
    steps: int,
    metric: str = "natural",
    length: Length = UNIT,
    damping: float = 0.0,
) -> tuple[Array, np.ndarray]:
    """Several steps: the path, shape (steps + 1, ..., d), and whether each point is in the model.

    theta  where to start: points inside the model, or a `State`
    A path that leaves the model stays at the point where it landed outside, and the rest of the
    batch goes on. ``in_domain`` has shape (steps + 1, ...). Errors as in `step`.
    """
    _check(model, objective, metric, length, damping)
    start = model._point("theta", theta.theta if isinstance(theta, State) else theta)
    shape = np.broadcast_shapes(start.shape, _gradient(objective, start).shape)
    here = np.broadcast_to(start, shape).copy()
    path, in_domain = [here], [model.in_domain(here)]
    for k in range(count("steps", steps)):
        # A point outside is held; its step is computed from the start instead, and not used.
        safe = np.where(in_domain[-1][..., None], path[-1], here)
        state, info = step(State(safe, k), model, objective, metric, length, damping)
        path.append(np.where(in_domain[-1][..., None], state.theta, path[-1]))
        in_domain.append(in_domain[-1] & info.in_domain)
    return np.stack(path), np.stack(in_domain)


def flow(
    theta: ArrayLike,
    model: Model,
    objective: Objective,
    times: ArrayLike,
    metric: str = "natural",
) -> Array:
    """The continuous descent d theta/dt = direction, at the given times: (len(times), ..., d).

    times  increasing, from 0 on, in units of the step size
    Each coordinate is right to a relative 1e-11; one that may pass through zero (mu, log-odds), to
    1e-11 of |theta_i| or of its Fisher unit 1/sqrt(F_ii) at the start, whichever is more. Raises
    ValueError where the flow leaves the model or reaches its boundary before the last time.
    """
    _check(model, objective, metric, UNIT, 0.0)
    theta = model._point("theta", theta)
    times = real_array("times", times)
    if times.ndim != 1 or times.size == 0 or times[0] < 0 or np.any(np.diff(times) <= 0):
        raise ValueError(f"times: expected increasing numbers >= 0, shape (n,), got {times}")
    shape = np.broadcast_shapes(theta.shape, _gradient(objective, theta).shape)
    start = np.broadcast_to(theta, shape)

    def velocity(_: float, flat: Array) -> Array:
        point = flat.reshape(shape)
        if not np.all(inside(model, point)):
            return np.full_like(flat, np.nan)  # the solver takes a shorter step
        return np.ravel(_direction(point, model, objective, metric, 0.0)[-1])

    # A coordinate that cannot be zero inside the model keeps its digits however small it gets.
    free = np.stack(
        [inside(model, np.where(np.arange(model.dim) == i, 0.0, start)) for i in range(model.dim)],
        axis=-1,
    )
    unit = 1 / np.sqrt(np.diagonal(model.fisher(start), axis1=-2, axis2=-1))
    floor = np.where(free, 1e-14 * unit, 1e-300).ravel()

    if times[-1] == 0:
        return start[None].copy()
    with np.errstate(all="ignore"):
        solution = solve_ivp(
            velocity, (0.0, times[-1]), start.ravel(), "DOP853", times, rtol=3e-14, atol=floor
        )
    if not solution.success or solution.y.shape[1] != len(times):
        raise ValueError(
            f"times: expected times at which the flow is inside {model!r}; it stops after "
            f"{solution.t[-1] if len(solution.t) else 0.0:.6g} ({solution.message})"
        )
    return solution.y.T.reshape(len(times), *shape)


def _direction(
    theta: Array, model: Model, objective: Objective, metric: str, damping: float
) -> tuple[Array, Array, Array, Array]:
    """Loss, gradient, Fisher matrix and direction at a point."""
    loss = real_array("objective.value(theta)", objective.value(theta))
    g, F = _gradient(objective, theta), model._fisher(theta)
    direction = natural_direction(F, g, damping) if metric == "natural" else -g
    return loss, g, F, direction


def _gradient(objective: Objective, theta: Array) -> Array:
    return vectors("objective.gradient(theta)", objective.gradient(theta), theta.shape[-1])


def _vectors(name: str, value: ArrayLike) -> Array:
    array = real_array(name, value)
    if array.ndim == 0 or array.shape[-1] == 0:
        raise ValueError(f"{name}: expected shape (..., d), got shape {array.shape}")
    return array


def _check(model: Model, objective: Objective, metric: str, length: object, damping: float) -> None:
    instance("model", model, Model, "a model")
    instance("objective", objective, Objective, "an Objective")
    instance("objective.value", objective.value, Callable, "a function")
    instance("objective.gradient", objective.gradient, Callable, "a function")
    if metric not in METRICS:
        raise ValueError(f"metric: expected one of {METRICS}, got {metric!r}")
    instance("length", length, Length, "Fixed, FisherLength or KLRadius")
    if number("damping", damping, least=0.0) and metric == "euclidean":
        raise ValueError(f"damping: expected 0 with the euclidean metric, got {damping}")
