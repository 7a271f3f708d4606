"""Regression seen in the space of functions: metric, neural tangent kernel, flows, curvature.

A model maps parameters theta (N,) to its values at D inputs, one point f of R^D; J = df/dtheta is
D x N. The loss is L = mean (f - y)^2 (no half), the distance in function space is the mean square,
and the metric that the parameters inherit from it, the pull-back, is

    g = J^T J / D     (N x N),      beside it the neural tangent kernel  J J^T  (D x D):

one and the same matrix of inner products read from two sides, with the same nonzero eigenvalues up
to the factor D. Natural descent moves f by -2 P (f - y), P the projection on the columns of J.
Jacobians are written out: each model has two lines of them, and the tests differentiate by machine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import solve_ivp
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from ngdlib.families.stable import sech_squared
from ngdlib.trust_region import conjugate_gradients
from ngdlib.validate import (
    Array,
    broadcast,
    count,
    instance,
    number,
    one_of,
    patiently,
    real_array,
    representable,
    times_from_zero,
    vectors,
)

METRICS = ("natural", "euclidean", "damped")
#: Singular values of J below this part of the largest one count as 0.
CUTOFF = 1e-12


class Curve(NamedTuple):
    """A model: ``size`` parameters; value(theta, x) -> (..., D); jacobian -> (..., D, size);
    hessian -> (..., D, size, size), None where it is not written out."""

    name: str
    size: int
    value: Callable[[Array, Array], Array]
    jacobian: Callable[[Array, Array], Array]
    hessian: Callable[[Array, Array], Array] | None = None


class Velocity(NamedTuple):
    """dtheta/dt, shape (N,), and the rank of J: where it is below N, velocities that give the same
    df/dt form a family, and this is its shortest member."""

    value: Array
    rank: int


class Path(NamedTuple):
    """At each time: parameters (T, N), values (T, D), loss (T,)."""

    times: Array
    theta: Array
    values: Array
    loss: Array


def neuron() -> Curve:
    """tanh(w x + b), theta = (w, b): a curved surface for three inputs or more."""

    def value(theta: Array, x: Array) -> Array:
        return np.tanh(theta[..., :1] * x + theta[..., 1:])

    def jacobian(theta: Array, x: Array) -> Array:
        slope = sech_squared(theta[..., :1] * x + theta[..., 1:])
        return np.stack([slope * x, slope], axis=-1)

    def hessian(theta: Array, x: Array) -> Array:
        bend = -2 * value(theta, x) * sech_squared(theta[..., :1] * x + theta[..., 1:])
        rows = ((bend * x**2, bend * x), (bend * x, bend))
        return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)

    return _curve("tanh(w x + b)", 2, value, jacobian, hessian)


def scaled_neuron() -> Curve:
    """b tanh(w x), theta = (w, b): a cone without its tip, flat everywhere."""

    def value(theta: Array, x: Array) -> Array:
        return theta[..., 1:] * np.tanh(theta[..., :1] * x)

    def jacobian(theta: Array, x: Array) -> Array:
        u = theta[..., :1] * x
        return np.stack([theta[..., 1:] * sech_squared(u) * x, np.tanh(u)], axis=-1)

    def hessian(theta: Array, x: Array) -> Array:
        h, slope = np.tanh(theta[..., :1] * x), sech_squared(theta[..., :1] * x) * x
        rows = ((-2 * theta[..., 1:] * h * slope * x, slope), (slope, np.zeros_like(slope)))
        return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)

    return _curve("b tanh(w x)", 2, value, jacobian, hessian)


def shifted_cosine() -> Curve:
    """cos(a - x), theta = (a,): a circle, or an ellipse, of functions."""

    def value(theta: Array, x: Array) -> Array:
        return np.cos(theta - x)

    def jacobian(theta: Array, x: Array) -> Array:
        return -np.sin(theta - x)[..., None]

    def hessian(theta: Array, x: Array) -> Array:
        return -np.cos(theta - x)[..., None, None]

    return _curve("cos(a - x)", 1, value, jacobian, hessian)


def linear(basis: Callable[[Array], Array], size: int) -> Curve:
    """A sum of ``size`` fixed functions; ``basis`` maps x (D,) to their values (D, size)."""
    size = count("size", size, least=1)
    instance("basis", basis, Callable, "a function of x")

    def columns(x: Array) -> Array:
        B = real_array("basis(x)", basis(x))
        if B.shape != (len(x), size):
            raise ValueError(f"basis(x): expected shape {(len(x), size)}, got {B.shape}")
        return B

    def value(theta: Array, x: Array) -> Array:
        return theta @ columns(x).T

    def jacobian(theta: Array, x: Array) -> Array:
        return np.broadcast_to(columns(x), (*theta.shape[:-1], len(x), size))

    def hessian(theta: Array, x: Array) -> Array:
        return np.zeros((*theta.shape[:-1], len(x), size, size))

    return _curve("linear", size, value, jacobian, hessian)


def hidden_layer(units: int) -> Curve:
    """sum of c_k tanh(w_k x + b_k), theta = (w_1, b_1, c_1, w_2, ...)."""
    units = count("units", units, least=1)

    def parts(theta: Array, x: Array) -> tuple[Array, Array]:
        w = theta.reshape(*theta.shape[:-1], units, 3)
        return x[:, None] * w[..., None, :, 0] + w[..., None, :, 1], w[..., None, :, 2]

    def value(theta: Array, x: Array) -> Array:
        u, c = parts(theta, x)
        return (c * np.tanh(u)).sum(axis=-1)

    def jacobian(theta: Array, x: Array) -> Array:
        u, c = parts(theta, x)
        slope = c * sech_squared(u)
        J = np.stack([slope * x[:, None], slope, np.tanh(u)], axis=-1)
        return J.reshape(*J.shape[:-2], 3 * units)

    return _curve(f"{units} tanh units", 3 * units, value, jacobian)


def loss(f: ArrayLike, y: ArrayLike) -> Array:
    """mean (f - y)^2 over the last axis, shape (...), of f and y (..., D)."""
    f, y = real_array("f", f), real_array("y", y)
    if not f.ndim or not y.ndim or f.shape[-1:] != y.shape[-1:] or not f.shape[-1]:
        raise ValueError(f"y: expected f and y of shape (..., D), got {f.shape} and {y.shape}")
    broadcast("y", y.shape[:-1], "f", f.shape[:-1])
    with np.errstate(over="ignore"):
        return representable("f", ((f - y) ** 2).mean(axis=-1))


def _curve(
    name: str, size: int, value: Callable, jacobian: Callable, hessian: Callable | None = None
) -> Curve:
    """A `Curve` whose functions check what they are given: theta (..., size) and x (D,)."""

    def checked(f: Callable) -> Callable[[Array, Array], Array]:
        def of(theta: ArrayLike, x: ArrayLike) -> Array:
            theta, x = vectors("theta", theta, size, copy=False), _inputs(x)
            with np.errstate(all="ignore"):
                return representable("theta", f(theta, x))

        return of

    return Curve(name, size, checked(value), checked(jacobian), hessian and checked(hessian))


def metric(J: ArrayLike) -> Array:
    """g = J^T J / D, shape (..., N, N), from J (..., D, N)."""
    J = _jacobian(J)
    with np.errstate(all="ignore"):
        return representable("J", np.swapaxes(J, -1, -2) @ J / J.shape[-2])


def tangent_kernel(J: ArrayLike) -> Array:
    """The neural tangent kernel J J^T, shape (..., D, D) (Jacot et al. 2018)."""
    J = _jacobian(J)
    with np.errstate(all="ignore"):
        return representable("J", J @ np.swapaxes(J, -1, -2))


def natural_velocity(J: ArrayLike, r: ArrayLike) -> Velocity:
    """-g^+ times the gradient of L, which is -2 J^+ r, for residuals r = f - y (D,).

    By the singular values of J: of g they would be squared first, and half the digits lost.
    """
    with np.errstate(all="ignore"):
        velocity, rank = _natural(*_one(J, r))
    return Velocity(representable("r", velocity), rank)


def euclidean_velocity(J: ArrayLike, r: ArrayLike) -> Array:
    """-gradient of L in the parameters, -2 J^T r / D, shape (N,)."""
    with np.errstate(all="ignore"):
        return representable("J", _euclidean(*_one(J, r)))


def damped_solve(
    J: ArrayLike, v: ArrayLike, damping: float, how: str = "woodbury", **options: object
) -> Array:
    """(g + damping I)^-1 v for v (N,), never forming the smaller of its two ways' large matrix.

    how  "dense":    Cholesky of the N x N matrix, O(N^2 D + N^3)
         "woodbury": (v - J^T (D damping I + J J^T)^-1 J v)/damping, O(D^2 N + D^3) once, then
                     O(D N) a vector
         "cg":       conjugate gradients, O(D N) an iteration; options as there
    All lose digits as damping falls below the eigenvalues of g, a relative 1e-16 times their ratio;
    ValueError where none is left to see that the matrix is positive definite.
    """
    one_of("how", how, ("dense", "woodbury", "cg"))
    J, damping = _jacobian(J), number("damping", damping, above=0)
    v = real_array("v", v)
    if J.ndim != 2 or v.shape != J.shape[1:]:
        raise ValueError(f"v: expected shape {J.shape[1:]} beside J {J.shape}, got {v.shape}")
    D, N = J.shape
    known = {"iterations": N, "tolerance": 1e-12} if how == "cg" else {}
    if unknown := set(options) - set(known):
        raise ValueError(f"options: expected some of {sorted(known)} for {how!r}, got {unknown}")
    with np.errstate(all="ignore"):
        if how == "cg":
            known |= options
            return conjugate_gradients(lambda u: J.T @ (J @ u) / D + damping * u, v, **known).x
        if how == "woodbury":
            representable("J", J @ J.T)
            return representable("damping", _woodbury(J, v, damping))
        return representable("v", cho_solve(_root(metric(J), damping, damping), v))


def tangent_share(J: ArrayLike, r: ArrayLike) -> float:
    """The part of the squared residual that lies along the model, |P r|^2/|r|^2, in [0, 1]. The
    natural flow loses 4 times it of L in unit time, relative to L. 0 where r is 0."""
    J, r = _one(J, r)
    U, s, _ = np.linalg.svd(J, full_matrices=False)
    rank = int(np.sum(s > CUTOFF * s.max(initial=0.0)))
    if not r.any():
        return 0.0
    r = r / np.abs(r).max()  # its squares might not fit in float64
    return float(np.sum((U[:, :rank].T @ r) ** 2) / (r @ r))


def spectrum(J: ArrayLike, r: ArrayLike) -> tuple[Array, Array]:
    """Eigenvalues of J J^T / D, descending, and the residual's components in its eigenbasis,
    both (D,). Under the ordinary flow component i falls like e^(-2 lambda_i t) while J stays."""
    J, r = _one(J, r)
    # By the singular values of J: of the kernel they would be squared first.
    basis, s, _ = np.linalg.svd(J / np.sqrt(len(r)), full_matrices=len(r) > J.shape[1])
    values = np.zeros(len(r))
    with np.errstate(all="ignore"):
        values[: len(s)] = representable("J", s**2)
        return values, representable("r", basis.T @ r)


def decay(
    eigenvalues: ArrayLike, times: ArrayLike, kind: str = "natural", *, damping: float = 0.0
) -> Array:
    """What a flow leaves of the residual's components where J is constant: (T, D) from the
    eigenvalues of J J^T / D (D,) and times (T,) >= 0. A component falls like e^(-2 t) under the
    natural flow, e^(-2 lambda t) under the ordinary one, e^(-2 t lambda/(lambda + damping)) under
    the damped one; where lambda is 0 it stays."""
    values, times = real_array("eigenvalues", eigenvalues), real_array("times", times)
    if values.ndim != 1 or np.any(values < 0):
        raise ValueError(f"eigenvalues: expected shape (D,), none negative, got {eigenvalues}")
    if times.ndim != 1 or np.any(times < 0):
        raise ValueError(f"times: expected shape (T,), none negative, got {times}")
    damping = _damping(kind, damping)
    if kind == "damped":
        rates = values / (values + damping)
    else:
        rates = values if kind == "euclidean" else np.where(values > 0, 1.0, 0.0)
    with np.errstate(over="ignore"):
        return np.exp(-2 * times[:, None] * rates)


def _damping(kind: str, damping: float) -> float:
    """A checked damping: above 0 for the damped flow, 0 for the others, which do not use it."""
    one_of("kind", kind, METRICS)
    if kind == "damped":
        return number("damping", damping, above=0)
    if number("damping", damping) != 0:
        raise ValueError(f"damping: expected 0 with the {kind} flow, got {damping:g}")
    return 0.0


def final_rates(model: Curve, theta: ArrayLike, x: ArrayLike, y: ArrayLike) -> Array:
    """The rates, ascending, at which the natural flow loses its last excess near a minimum theta:
    4 times the eigenvalues of GGN^-1 H (N,), where H is the Hessian of L. All are 4 where the
    residual is 0 or the model does not bend. ValueError where the metric is not positive definite.
    """
    theta, x, y = _regression(model, theta, x, y)
    if model.hessian is None:
        raise ValueError(f"model: expected one with a Hessian, got {model.name}")
    J, r = model.jacobian(theta, x), model.value(theta, x) - y
    _, s, Vt = np.linalg.svd(J / np.sqrt(len(r)), full_matrices=False)
    if len(s) < model.size or not s[-1] > CUTOFF * s[0]:
        raise ValueError(
            f"theta: expected a positive definite metric, got one of rank below {model.size} "
            f"at {theta.tolist()}"
        )
    with np.errstate(all="ignore"):
        bend = np.einsum("d,dij->ij", r, model.hessian(theta, x)) / len(r)
        bend = representable("theta", (Vt / s[:, None]) @ bend @ (Vt / s[:, None]).T)
    return 4 * (1 + np.linalg.eigvalsh((bend + bend.T) / 2))


def flow(
    model: Curve,
    theta: ArrayLike,
    x: ArrayLike,
    y: ArrayLike,
    times: ArrayLike,
    kind: str = "natural",
    *,
    damping: float = 0.0,
) -> Path:
    """The flow of L from ``theta`` at time 0: "natural", "euclidean", or "damped" by
    (g + damping I)^-1. Integrated to some 1e-11.

    times  ascending, from 0 on, shape (T,). The units of time differ: natural time has none,
    ordinary time is in (parameter/value)^2, so that equal times compare nothing.
    ValueError where the flow is not finite, or takes more than 400,000 evaluations.
    """
    theta, x, y = _regression(model, theta, x, y)
    times = times_from_zero(times)
    damping = _damping(kind, damping)

    def velocity(_: float, theta: Array) -> Array:
        J, r = model.jacobian(theta, x), model.value(theta, x) - y
        if kind == "natural":
            return _natural(J, r)[0]
        v = _euclidean(J, r)
        return v if kind == "euclidean" else _woodbury(J, v, damping)

    # What the model gives is checked here, once, not at each of the flow's thousands of points.
    J, r = model.jacobian(theta, x), model.value(theta, x) - y
    natural_velocity(J, r) if kind == "natural" else euclidean_velocity(J, r)
    span = (0.0, max(float(times[-1]), 1e-12))
    with np.errstate(all="ignore"):
        found = solve_ivp(
            patiently(velocity, span[1]), span, theta, "DOP853", times, rtol=1e-11, atol=1e-13
        )
    if not found.success:
        raise ValueError(
            "times: expected times at which the flow is finite; it stops after "
            f"{found.t[-1] if len(found.t) else 0:g}"
        )
    values = model.value(found.y.T, x)
    return Path(times, found.y.T, values, loss(values, y))


def gaussian_curvature(model: Curve, theta: ArrayLike, x: ArrayLike) -> float:
    """The curvature of the surface of functions of a two-parameter model, in the metric g.

    By the equation of Gauss: what of the second derivatives stands at right angles to the surface
    is II, and K = (<II_11, II_22> - |II_12|^2)/det g. It is intrinsic: g alone determines it.
    ValueError where det g is 0.
    """
    theta, x, _ = _regression(model, theta, x, np.zeros_like(_inputs(x)))
    if model.size != 2 or model.hessian is None:
        raise ValueError(f"model: expected two parameters and a Hessian, got {model.name}")
    D = len(x)
    J = model.jacobian(theta, x) / np.sqrt(D)
    Q, R = np.linalg.qr(J)
    if D < 2 or not abs(R[0, 0] * R[1, 1]) > 1e-10 * np.linalg.norm(J) ** 2:
        raise ValueError(f"theta: expected a regular point, but det g is 0 at {theta}")
    H = model.hessian(theta, x) / np.sqrt(D)
    H = H - np.einsum("dk,ek,eij->dij", Q, Q, H)
    return float((H[:, 0, 0] @ H[:, 1, 1] - H[:, 0, 1] @ H[:, 0, 1]) / (R[0, 0] * R[1, 1]) ** 2)


# Of checked arrays: what the flows ask for thousands of times.


def _natural(J: Array, r: Array) -> tuple[Array, int]:
    U, s, Vt = np.linalg.svd(J, full_matrices=False)
    rank = int(np.sum(s > CUTOFF * s.max(initial=0.0)))
    return -2 * Vt[:rank].T @ (U[:, :rank].T @ r / s[:rank]), rank


def _euclidean(J: Array, r: Array) -> Array:
    return -2 * J.T @ r / len(r)


def _woodbury(J: Array, v: Array, damping: float) -> Array:
    root = _root(J @ J.T, len(J) * damping, damping)
    return (v - J.T @ cho_solve(root, J @ v)) / damping


def _root(matrix: Array, added: float, damping: float) -> tuple[Array, bool]:
    """The Cholesky factor of the matrix with ``added`` on its diagonal."""
    damped = representable("damping", matrix + added * np.eye(len(matrix)))
    try:
        return cho_factor(damped, check_finite=False)
    except LinAlgError:
        raise ValueError(
            f"damping: expected one that float64 can tell from 0 beside J, got {damping:g}"
        ) from None


def _inputs(x: ArrayLike) -> Array:
    x = real_array("x", x, copy=False)
    if x.ndim != 1 or not len(x):
        raise ValueError(f"x: expected shape (D,) with D > 0, got {x.shape}")
    return x


def _regression(
    model: Curve, theta: ArrayLike, x: ArrayLike, y: ArrayLike
) -> tuple[Array, Array, Array]:
    """One point of a model, inputs and targets of one shape."""
    instance("model", model, Curve, "a model of this module")
    count("model.size", model.size, least=1)
    theta, x, y = real_array("theta", theta), _inputs(x), real_array("y", y)
    if theta.shape != (model.size,):
        raise ValueError(f"theta: expected shape ({model.size},), got {theta.shape}")
    if y.shape != x.shape:
        raise ValueError(f"y: expected shape {x.shape}, as x has it, got {y.shape}")
    return theta, x, y


def _jacobian(J: ArrayLike) -> Array:
    J = real_array("J", J)
    if J.ndim < 2 or not J.shape[-1] or not J.shape[-2]:
        raise ValueError(f"J: expected shape (..., D, N), got {J.shape}")
    return J


def _one(J: ArrayLike, r: ArrayLike) -> tuple[Array, Array]:
    J, r = _jacobian(J), real_array("r", r)
    if J.ndim != 2 or r.shape != J.shape[:1]:
        raise ValueError(f"r: expected shape (D,) beside J (D, N), got {r.shape} and {J.shape}")
    return J, r
