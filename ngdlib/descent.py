"""Descent: a direction, a step length, a step. Pure functions; state in, (state, info) out.

The direction says where to go, -g or -F^-1 g. The step length is another matter, decided by a rule:
`Fixed(eta)` multiplies the direction by eta; `FisherLength(r)` and `KLRadius(eps)` scale it so that
the step has a given Fisher length, or ends at a given KL divergence from where it began. Damping
that adapts is `damped_step`: it looks at what a step gained and changes lambda by a rule,
`ReductionRatio` or `Improvement`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import solve_ivp
from scipy.optimize import brentq
from scipy.special import expit, ndtr

from ngdlib.families.base import Model, inside
from ngdlib.geodesics import covariant_hessian
from ngdlib.validate import (
    Array,
    broadcast,
    count,
    instance,
    matrices,
    metric,
    number,
    one_of,
    patiently,
    real_array,
    representable,
    require,
    symmetric,
    times_from_zero,
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
    with np.errstate(over="ignore"):
        damped = representable("damping", F + λ * np.eye(F.shape[-1])) if λ else F
    C, scale = metric("F + damping I" if λ else "F", damped)
    if F.shape[-1] == 1:  # one division: half of a ulp, where two roots would cost two
        with np.errstate(over="ignore"):
            return representable("g", -g / damped[..., 0])
    L = np.linalg.cholesky(C)
    with np.errstate(all="ignore"):
        half = np.linalg.solve(L, (g / scale)[..., None])
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
    count("state.step", state.step)
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


class Damped(NamedTuple):
    """Where a damped descent is: ``theta`` (..., d), ``damping`` (...), and the steps tried."""

    theta: Array
    damping: Array
    step: int


class DampedInfo(NamedTuple):
    """What a damped step did, all of batch shape (...) but for trial (..., d).

    loss             at the point where the step began
    trial            the point that it tried
    gain, predicted  the fall of the loss there (nan where it has none), and that of its quadratic
                     model, -g^T v - v^T F v / 2: without lambda, which belongs to no loss
    ratio            gain / predicted: the reduction ratio
    accepted         whether the descent moved there: where the gain is positive
    """

    loss: Array
    trial: Array
    gain: Array
    predicted: Array
    ratio: Array
    accepted: np.ndarray


@dataclass(frozen=True)
class ReductionRatio:
    """Divide lambda by ``factor`` > 1 where the ratio is above ``high``, multiply below ``low``.

    0 < low < high < 1. The quarters are those of More 1978 and of Nocedal and Wright 2006,
    algorithm 4.1, who change a radius by them.
    """

    factor: float = 2.0
    low: float = 0.25
    high: float = 0.75

    def __post_init__(self) -> None:
        number("factor", self.factor, above=1.0)
        low, high = number("low", self.low, above=0.0), number("high", self.high, above=0.0)
        require("low", low < 1, "a number between 0 and 1", low)
        require("high", high < 1, "a number between 0 and 1", high)
        if not low < high:
            raise ValueError(f"low, high: expected low < high, got low = {low:g}, high = {high:g}")

    def _change(self, gain: Array, ratio: Array) -> Array:
        good, bad = ratio > self.high, ~(ratio >= self.low)
        return np.where(good, 1 / self.factor, np.where(bad, self.factor, 1.0))


@dataclass(frozen=True)
class Improvement:
    """Divide lambda by ``factor`` > 1 where the loss fell, else multiply (after Marquardt 1963)."""

    factor: float = 10.0

    def __post_init__(self) -> None:
        number("factor", self.factor, above=1.0)

    def _change(self, gain: Array, ratio: Array) -> Array:
        return np.where(gain > 0, 1 / self.factor, self.factor)


Rule = ReductionRatio | Improvement


def damped_init(theta: ArrayLike, damping: ArrayLike) -> Damped:
    """The state before the first step; damping > 0, a number or one for each point (...)."""
    theta = _vectors("theta", theta)
    λ = real_array("damping", damping)
    require("damping", λ > 0, "numbers above 0", λ)
    if λ.shape not in ((), theta.shape[:-1]):
        raise ValueError(f"damping: expected a number or shape {theta.shape[:-1]}, got {λ.shape}")
    return Damped(theta.copy(), np.broadcast_to(λ, theta.shape[:-1]).copy(), 0)


def damped_step(
    state: Damped, objective: Objective, fisher: Callable[[Array], Array], rule: Rule
) -> tuple[Damped, DampedInfo]:
    """Try v = -(F + lambda I)^-1 g; go there if the loss falls; change lambda by the rule.

    fisher  maps theta (..., d) to the Fisher matrix (..., d, d), which may be singular
    A loss that is nan or infinite at the trial counts as worse. Lambda is kept above 1e-9 of the
    largest diagonal entry of F, below which a singular F + lambda I loses its digits.
    ValueError where F + lambda I is not positive definite, or the gradient not finite.
    """
    instance("state", state, Damped, "a Damped, as `damped_init` gives it")
    count("state.step", state.step)
    instance("objective", objective, Objective, "an Objective")
    instance("fisher", fisher, Callable, "a function of theta")
    instance("rule", rule, Rule, "ReductionRatio or Improvement")
    θ = _vectors("state.theta", state.theta)
    λ = real_array("state.damping", state.damping)
    if λ.shape != θ.shape[:-1]:
        raise ValueError(f"state.damping: expected shape {θ.shape[:-1]}, got {λ.shape}")
    require("state.damping", λ > 0, "numbers above 0", λ)
    loss = real_array("objective.value(theta)", objective.value(θ))
    g = _gradient(objective, θ)
    F = matrices("fisher(theta)", fisher(θ))
    v = natural_direction(F + λ[..., None, None] * np.eye(θ.shape[-1]), g)
    with np.errstate(all="ignore"):
        gain = loss - np.asarray(objective.value(θ + v), dtype=float)
        # -g^T v = v^T F v + lambda v^T v: a sum of squares, so nothing cancels
        predicted = fisher_length(F, v) ** 2 / 2 + λ * np.sum(v * v, axis=-1)
        ratio = gain / predicted
        least = 1e-9 * np.max(np.diagonal(F, axis1=-2, axis2=-1), axis=-1)
        damping = np.clip(λ * rule._change(gain, ratio), np.maximum(least, 1e-300), 1e300)
    accepted = gain > 0
    moved = np.where(accepted[..., None], θ + v, θ)
    info = DampedInfo(loss, θ + v, gain, predicted, ratio, accepted)
    return Damped(moved, damping, state.step + 1), info


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
    ValueError where the flow leaves the model or reaches its boundary before the last time, and
    where it takes more than 400,000 evaluations.
    """
    _check(model, objective, metric, UNIT, 0.0)
    theta = model._point("theta", theta)
    times = times_from_zero(times)
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
            patiently(velocity, times[-1]),
            (0.0, times[-1]),
            start.ravel(),
            "DOP853",
            times,
            rtol=3e-14,
            atol=floor,
        )
    if not solution.success or solution.y.shape[1] != len(times):
        raise ValueError(
            f"times: expected times at which the flow is inside {model!r}; it stops after "
            f"{solution.t[-1] if len(solution.t) else 0.0:.6g} ({solution.message})"
        )
    return solution.y.T.reshape(len(times), *shape)


# -- Newton and its relatives ----------------------------------------------------------------------

HESSIANS = ("plain", "covariant")


def newton_direction(H: ArrayLike, g: ArrayLike) -> Array:
    """-H^-1 g: to where the quadratic model g.v + v.Hv/2 is stationary, be it a minimum or not.

    H  shape (..., d, d), symmetric, of either sign; g  shape (..., d). ValueError where H is not
    symmetric, and where it is singular, with the direction of no curvature.
    """
    H = matrices("H", H)
    g = vectors("g", g, H.shape[-1])
    broadcast("g", g.shape[:-1], "H", H.shape[:-2])
    C, scale, _ = _balanced(H)
    with np.errstate(all="ignore"):
        d = -np.linalg.solve(C, (g / scale)[..., None])[..., 0] / scale
    return representable("g", d)


def _balanced(H: Array) -> tuple[Array, Array, Array]:
    """C, where H = scale_i C_ij scale_j, the scales, and the eigenvalues of C; ValueError if it is
    singular.

    The largest entry of each row of C is near 1, whatever the units: dividing rows and columns by
    the root of it halves its logarithm (Ruiz 2001). A diagonal of zeros may hide a unit.
    """
    scale = np.ones(H.shape[:-1])
    for _ in range(16):
        rows = np.sqrt(np.max(np.abs(H) / scale[..., :, None] / scale[..., None, :], axis=-1))
        rows = np.where(rows > 0, rows, 1.0)
        scale = scale * rows
        if np.all((rows > 0.7) & (rows < 1.4)):
            break
    symmetric("H", H, scale)
    C = (H / 2 + np.swapaxes(H, -1, -2) / 2) / scale[..., :, None] / scale[..., None, :]
    values, V = np.linalg.eigh(C)
    size = np.abs(values)
    flat = size.min(axis=-1) <= 16 * H.shape[-1] * np.finfo(float).eps * size.max(axis=-1)
    if np.any(flat):
        at = tuple(np.argwhere(flat)[0])
        v = V[at][:, np.argmin(size[at])] / scale[at]
        shown = np.array2string(v / v[np.argmax(np.abs(v))], precision=4, separator=", ")
        raise ValueError(
            "H: expected an invertible matrix; this one is singular: "
            f"along {shown} there is no curvature, got {H[at].tolist()}"
        )
    return C, scale, values


class NewtonInfo(NamedTuple):
    """What a Newton step did, of batch shape (...) but for gradient, direction and hessian.

    loss, gradient, hessian   where the step began; the hessian is the one that was used
    direction                 before scaling; step_length multiplies it
    slope                     gradient . direction: positive where the step begins uphill
    negative                  how many directions curve down: 0 where the quadratic has a minimum
    kl                        KL(old || new) in nats; nan where the step left the model
    in_domain                 whether the new point is in the model
    """

    loss: Array
    gradient: Array
    hessian: Array
    direction: Array
    step_length: Array
    slope: Array
    negative: np.ndarray
    kl: Array
    in_domain: np.ndarray


def newton_step(
    state: State,
    model: Model,
    objective: Objective,
    hessian: str = "plain",
    length: Length = UNIT,
) -> tuple[State, NewtonInfo]:
    """One step along -H^-1 g, straight in the chart. Returns the point even if it left the model.

    hessian  "plain": the second derivatives in this chart, Newton's method; "covariant": the
             Riemannian Hessian, a tensor, so that the direction is one velocity in every chart
             (Absil, Mahony & Sepulchre 2008, chapter 6; the straight line is a retraction)
    ValueError for a state outside the model, where the objective lacks second derivatives, and
    where the Hessian is singular. It may be indefinite: see `NewtonInfo.negative`.
    """
    instance("state", state, State, "a State, as `init` gives it")
    count("state.step", state.step)
    _check(model, objective, "natural", length, 0.0)
    one_of("hessian", hessian, HESSIANS)
    theta = model._point("state.theta", state.theta)
    loss = real_array("objective.value(theta)", objective.value(theta))
    g = _gradient(objective, theta)
    if hessian == "covariant":
        H = covariant_hessian(model, objective, theta)
    elif objective.hessian is None:
        raise ValueError("objective: expected one with a hessian, got one without")
    else:
        H = matrices("objective.hessian(theta)", objective.hessian(theta), model.dim)
    direction = newton_direction(H, g)
    theta, direction = np.broadcast_arrays(theta, direction)
    scale = length._scale(model, theta, direction, model._fisher(theta))
    with np.errstate(over="ignore"):
        moved = theta + scale[..., None] * direction
    reached = inside(model, moved)
    kl = model._kl(theta, np.where(reached[..., None], moved, theta))
    info = NewtonInfo(
        loss=loss,
        gradient=g,
        hessian=H,
        direction=direction,
        step_length=scale,
        slope=np.sum(g * direction, axis=-1),
        negative=np.sum(_balanced(H)[2] < 0, axis=-1),
        kl=np.where(reached, kl, np.nan),
        in_domain=reached,
    )
    return State(moved, state.step + 1), info


def gauss_newton(J: ArrayLike, H_out: ArrayLike) -> Array:
    """The generalised Gauss-Newton matrix: the mean of J^T H_out J over examples, (..., d, d).

    J      shape (..., n, m, d): the derivative of each example's m outputs in the parameters
    H_out  shape (..., n, m, m), symmetric: the second derivatives of its loss in its outputs
    What it leaves out of the Hessian is the mean of sum_k dl/df_k d^2 f_k: the curvature of the
    outputs themselves. (Schraudolph 2002; Martens 2020)
    """
    J, H_out = real_array("J", J), matrices("H_out", H_out)
    if J.ndim < 3 or not J.shape[-1] or J.shape[-2] != H_out.shape[-1] or H_out.ndim < 3:
        raise ValueError(
            f"J: expected shape (..., n, m, d) with H_out (..., n, m, m), got {J.shape}, "
            f"{H_out.shape}"
        )
    require("J", J.shape[-3] == H_out.shape[-3] > 0, "as many examples as in H_out", J.shape[-3])
    broadcast("J", J.shape[:-3], "H_out", H_out.shape[:-3])
    symmetric("H_out", H_out, np.sqrt(np.abs(H_out).max(axis=-1)))
    with np.errstate(all="ignore"):
        total = np.einsum("...nka,...nkl,...nlb->...ab", J, H_out, J)
    return representable("J", total / J.shape[-3])


class Link(NamedTuple):
    """How a label's mean mu follows from x.theta = z: ``mean``, its ``slope`` dmu/dz, and the
    ``variance`` of the label as a function of z. Canonical where slope and variance are one."""

    name: str
    mean: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    variance: Callable[[Array], Array]
    labels: Callable[[Array], np.ndarray]
    complement: Callable[[Array], Array] | None = None  # 1 - mean, for labels of 0 and 1

    def residual(self, z: Array, y: Array) -> Array:
        """y - mean(z), which keeps its digits where the mean is near the label."""
        if self.complement is None:
            return y - self.mean(z)
        return np.where(y == 1, self.complement(z), y - self.mean(z))


def _sigma_slope(z: Array) -> Array:
    return expit(z) * expit(-z)


_NO_OR_YES, _COUNTS = (lambda y: (y == 0) | (y == 1)), (lambda y: (y >= 0) & (y == np.floor(y)))
IDENTITY = Link("identity", lambda z: z, np.ones_like, np.ones_like, np.isfinite)
LOGIT = Link("logit", expit, _sigma_slope, _sigma_slope, _NO_OR_YES, lambda z: expit(-z))
LOG = Link("log", np.exp, np.exp, np.exp, _COUNTS)
PROBIT = Link(
    "probit",
    ndtr,
    lambda z: np.exp(-z * z / 2) / np.sqrt(2 * np.pi),
    lambda z: ndtr(z) * ndtr(-z),
    _NO_OR_YES,
    lambda z: ndtr(-z),
)


class IRLSInfo(NamedTuple):
    """A step of reweighted least squares: ``weights`` and ``working`` labels (..., n), the matrix
    ``fisher`` X^T W X (..., d, d) that was solved with, and the ``gradient`` (..., d) of the loss,
    all summed over the examples."""

    weights: Array
    working: Array
    fisher: Array
    gradient: Array


def irls_step(state: State, x: ArrayLike, y: ArrayLike, link: Link) -> tuple[State, IRLSInfo]:
    """One step of iteratively reweighted least squares: the unit natural step of a regression.

    x     inputs, shape (n, d), of rank d under the weights
    y     labels, shape (n,): 0 or 1 with LOGIT and PROBIT, counts with LOG, any with IDENTITY
    The weights are slope^2/variance, the working labels z + (y - mu)/slope; the new parameters are
    their least-squares fit (McCullagh & Nelder 1989). With a canonical link (all but
    PROBIT) this is Newton's step, for any labels. ValueError where X^T W X is singular.
    """
    instance("state", state, State, "a State, as `init` gives it")
    count("state.step", state.step)
    instance("link", link, Link, "IDENTITY, LOGIT, LOG, PROBIT or a Link")
    x, y = real_array("x", x), real_array("y", y)
    if x.ndim != 2 or not x.size:
        raise ValueError(f"x: expected shape (n, d), got {x.shape}")
    if y.shape != x.shape[:1]:
        raise ValueError(f"y: expected shape {x.shape[:1]}, got {y.shape}")
    require("y", link.labels(y), f"labels of the {link.name} link", y)
    theta = vectors("state.theta", state.theta, x.shape[1])
    with np.errstate(all="ignore"):
        z = np.einsum("nd,...d->...n", x, theta)
        slope, miss = link.slope(z), link.residual(z, y)
        weights = slope / link.variance(z) * slope
        pull = np.einsum("nd,...n->...d", x, slope / link.variance(z) * miss)
        working = z + miss / slope
    weights = representable("state.theta", weights)
    F = np.einsum("na,...n,nb->...ab", x, weights, x)
    moved = theta + natural_direction(F, -representable("state.theta", pull))
    return State(moved, state.step + 1), IRLSInfo(weights, working, F, -pull)


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
    one_of("metric", metric, METRICS)
    instance("length", length, Length, "Fixed, FisherLength or KLRadius")
    if number("damping", damping, least=0.0) and metric == "euclidean":
        raise ValueError(f"damping: expected 0 with the euclidean metric, got {damping}")
