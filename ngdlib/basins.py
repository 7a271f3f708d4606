"""Where optimisers end: many starts of a two-parameter yes/no model, five optimisers, one sweep.

A model gives the logit f_theta(x) of a yes at x; data are pairs (x, y), y in {0, 1}; the loss is
the mean log loss in nats. With r = p - y, p = sigma(f) and J = df/dtheta, for one theta:

    gradient   mean of r J
    Fisher     exact: mean of p (1 - p) J J^T;  empirical: mean of r^2 J J^T

An optimiser is a NamedTuple of its constants. `step` is one pure step; `run` follows starts and
keeps their paths; `sweep` takes many starts to their ends, block by block, on any executor of
`concurrent.futures`. A block's arithmetic does not depend on who computes it or on what else is
computed: results are the same bytes whatever the number of workers, and a sweep with a `store`
goes on where it was interrupted.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future, as_completed
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from ngdlib.families import stable
from ngdlib.validate import (
    Array,
    count,
    instance,
    number,
    one_of,
    real_array,
    representable,
    require,
    vectors,
)

#: Starts in one block: its arrays (starts x data) stay in the processor's cache.
BLOCK = 128
#: So many steps apart a block is looked through for runs that have come to rest.
REST = 10
#: Blocks that wait at an executor at once, so that a large sweep does not fill memory.
AHEAD = 64


class Data(NamedTuple):
    """Inputs x, shape (n,), and answers y in {0, 1}, shape (n,)."""

    x: Array
    y: Array


class Rhythm(NamedTuple):
    """A rhythm heard in yes/no answers: f = theta1 sin(theta2 x), amplitude and frequency.

    (theta1, theta2) and (-theta1, -theta2) are the same model. On theta1 = 0 and on theta2 = 0
    the Fisher matrix is singular.
    """

    names = ("amplitude", "frequency")

    def fill(self, theta: Array, x: Array, f: Array, d1: Array, d2: Array) -> None:
        """Writes f and its derivatives, each (B, n). With t = tan(u/2): sin u = 2t/(1 + t^2) and
        cos u = 2/(1 + t^2) - 1, one transcendental function for two."""
        amplitude, frequency = theta[:, :1], theta[:, 1:]
        np.multiply(frequency / 2, x, out=d1)
        np.tan(d1, out=d1)
        np.multiply(d1, d1, out=d2)
        d2 += 1
        np.divide(2, d2, out=d2)
        d1 *= d2
        d2 -= 1
        d2 *= x
        d2 *= amplitude
        np.multiply(d1, amplitude, out=f)


class Bump(NamedTuple):
    """An event around an unknown moment: f = height exp(-(x - theta1)^2 / (2 width^2)) + theta2.

    theta1 is the moment, theta2 the level elsewhere; height and width are known.
    """

    height: float = 4.0
    width: float = 0.5

    names = ("moment", "level")

    def fill(self, theta: Array, x: Array, f: Array, d1: Array, d2: Array) -> None:
        np.subtract(x, theta[:, :1], out=d1)
        d1 /= self.width
        np.multiply(d1, d1, out=f)
        f *= -0.5
        np.exp(f, out=f)
        f *= self.height
        d1 *= f
        d1 /= self.width
        f += theta[:, 1:]
        d2[...] = 1.0


Model = Rhythm | Bump


class SGD(NamedTuple):
    """v <- momentum v + g, theta <- theta - eta v: Polyak's heavy ball (Polyak 1964)."""

    eta: float
    momentum: float = 0.9


class AdamW(NamedTuple):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019, Algorithm 2)."""

    eta: float
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    weight_decay: float = 0.01


class Natural(NamedTuple):
    """theta <- theta - eta (F + damping I)^-1 g, F the mean over the data.

    fisher_type "exact" | "empirical"; structure "full" | "diag"
    """

    eta: float
    damping: float = 1e-3
    fisher_type: str = "exact"
    structure: str = "full"


Optimiser = SGD | AdamW | Natural
#: How many arrays (B, 2) an optimiser remembers.
MEMORIES = {SGD: 1, AdamW: 2, Natural: 0}


class State(NamedTuple):
    """Points theta (B, 2), the optimiser's memory (0, 1 or 2 arrays (B, 2)), steps taken."""

    theta: Array
    memory: tuple[Array, ...]
    count: int


class Info(NamedTuple):
    """At the point that a step left: the loss (B,), the gradient (B, 2); whether the new point is
    finite, bool (B,)."""

    loss: Array
    gradient: Array
    finite: np.ndarray


class Ends(NamedTuple):
    """Where runs end: theta (N, 2), and there the training loss (N,) and the norm of its gradient
    (N,). A run that left the numbers has nan in all three."""

    theta: Array
    loss: Array
    gradient_norm: Array


def simulate(
    model: Model, theta: ArrayLike, n: int, rng: np.random.Generator, *, reach: float = 3.0
) -> Data:
    """``n`` inputs uniform on (-reach, reach) and answers drawn from the model at ``theta``."""
    instance("rng", rng, np.random.Generator, "a numpy.random.Generator")
    theta, reach = vectors("theta", theta, 2), number("reach", reach, above=0)
    representable("reach", 2 * reach)
    x = rng.uniform(-reach, reach, count("n", n, least=1))
    p = expit(response(model, theta, x))
    return Data(x, (rng.random(n) < p).astype(float))


def response(model: Model, theta: ArrayLike, x: ArrayLike) -> Array:
    """The logits f, shape (..., n), for theta (..., 2) and x (n,)."""
    return _on_rows(model, theta, x)[0]


def jacobian(model: Model, theta: ArrayLike, x: ArrayLike) -> Array:
    """df/dtheta, shape (..., n, 2)."""
    _, d1, d2 = _on_rows(model, theta, x)
    return np.stack([d1, d2], axis=-1)


def loss(model: Model, theta: ArrayLike, data: Data) -> Array:
    """The mean log loss in nats, shape (...)."""
    data = _data(data)
    f = response(model, theta, data.x)
    with np.errstate(over="ignore"):
        mean = np.logaddexp(0, np.where(data.y == 1, -f, f)).mean(axis=-1)
    return representable("theta", mean)


def gradient(model: Model, theta: ArrayLike, data: Data) -> Array:
    """The gradient of `loss`, shape (..., 2)."""
    data = _data(data)
    f, d1, d2 = _on_rows(model, theta, data.x)
    r = stable.logistic_residual(f, data.y)
    with np.errstate(over="ignore"):
        slope = np.stack([(r * d1).mean(axis=-1), (r * d2).mean(axis=-1)], axis=-1)
    return representable("theta", slope)


def fisher(model: Model, theta: ArrayLike, data: Data, fisher_type: str = "exact") -> Array:
    """The Fisher matrix, mean over the data, shape (..., 2, 2). "exact" does not look at y."""
    one_of("fisher_type", fisher_type, ("exact", "empirical"))
    data = _data(data)
    f, d1, d2 = _on_rows(model, theta, data.x)
    if fisher_type == "exact":
        w = expit(f) * expit(-f)
    else:
        w = stable.logistic_residual(f, data.y) ** 2
    J = np.stack([d1, d2], axis=-1)
    with np.errstate(all="ignore"):
        total = np.einsum("...n,...ni,...nj->...ij", w, J, J)
    return representable("theta", total / len(data.x))


def fold(model: Model, theta: ArrayLike) -> Array:
    """One name for one model, shape (..., 2): of (theta1, theta2) and (-theta1, -theta2), which say
    the same of a `Rhythm`, the one with a frequency >= 0. Other models have one name as it is."""
    _model(model)
    theta = vectors("theta", theta, 2)
    return np.where(theta[..., 1:] < 0, -theta, theta) if isinstance(model, Rhythm) else theta


def start(optimiser: Optimiser, theta: ArrayLike) -> State:
    """The state before the first step, from starts of shape (B, 2)."""
    _checked(optimiser)
    theta = _starts(theta)
    memory = tuple(np.zeros_like(theta) for _ in range(MEMORIES[type(optimiser)]))
    return State(theta.copy(), memory, 0)


def step(model: Model, data: Data, optimiser: Optimiser, state: State) -> tuple[State, Info]:
    """One step of every row. The point computed is returned also where it is no longer finite."""
    data, model = _data(data), _model(model)
    state = _state(_checked(optimiser), state)
    work = _Work(len(state.theta), len(data.x))
    new = State(state.theta.copy(), tuple(m.copy() for m in state.memory), state.count + 1)
    with np.errstate(all="ignore"):
        at, slope = work.loss_and_gradient(model, state.theta, data)
        _advance(model, data, optimiser, new, work)
    return new, Info(at, slope, np.isfinite(new.theta).all(axis=-1))


def run(
    model: Model, data: Data, optimiser: Optimiser, theta: ArrayLike, steps: int
) -> tuple[Array, Array]:
    """Follow starts (B, 2): their paths, shape (steps + 1, B, 2), and losses (steps + 1, B)."""
    data, model, state = _data(data), _model(model), start(optimiser, theta)
    steps = count("steps", steps)
    work = _Work(len(state.theta), len(data.x))
    path, losses = (
        np.empty((steps + 1, *state.theta.shape)),
        np.empty((steps + 1, len(state.theta))),
    )
    with np.errstate(all="ignore"):
        for k in range(steps + 1):
            path[k] = state.theta
            losses[k] = work.loss_and_gradient(model, state.theta, data)[0]
            if k < steps:
                state = state._replace(count=k + 1)
                _advance(model, data, optimiser, state, work)
    return path, losses


def sweep(
    model: Model,
    data: Data,
    optimisers: Mapping[str, Optimiser],
    starts: ArrayLike,
    steps: int,
    *,
    executor: Executor | None = None,
    store: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Ends]:
    """Every optimiser from every start, shape (N, 2), ``steps`` steps far.

    executor  of `concurrent.futures`: threads, processes, or a cluster's (dask.distributed:
              `Client.get_executor()`); None computes here
    store     a folder for finished blocks: what is there is not computed again
    progress  called with (blocks done, blocks in all)
    """
    data, model = _data(data), _model(model)
    starts, steps = _starts(starts), count("steps", steps)
    instance("optimisers", optimisers, Mapping, "a dict of optimisers by name")
    tasks = [
        (name, at, (model, data, _checked(optimiser), starts[at : at + BLOCK], steps))
        for name, optimiser in optimisers.items()
        for at in range(0, max(len(starts), 1), BLOCK)  # no starts: one empty block
    ]
    found: dict[tuple[str, int], Ends] = {}

    def keep(name: str, at: int, ends: Ends, file: Path | None) -> None:
        found[name, at] = ends
        if file is not None:
            _write(file, ends)
        if progress is not None:
            progress(len(found), len(tasks))

    waiting = []
    for name, at, task in tasks:
        file = None if store is None else Path(store) / f"{_digest(task)}.npz"
        if file is not None and (ends := _read(file)) is not None:
            keep(name, at, ends, None)
        elif executor is None:
            keep(name, at, _block(*task), file)
        else:
            waiting.append((name, at, task, file))
    if waiting and executor is not None:
        _hand_out(executor, waiting, keep)
    return {
        name: Ends(
            *(
                np.concatenate([found[one, at][k] for one, at, _ in tasks if one == name])
                for k in range(3)
            )
        )
        for name in optimisers
    }


# -- inside ---------------------------------------------------------------------------------------


class _Work:
    """Arrays (B, n) that every step of a block writes anew."""

    def __init__(self, rows: int, n: int) -> None:
        self.f, self.d1, self.d2, self.p, self.w = np.empty((5, rows, n))

    def probabilities(self, model: Model, theta: Array, x: Array) -> None:
        model.fill(theta, x, self.f, self.d1, self.d2)
        np.negative(self.f, out=self.p)
        np.exp(self.p, out=self.p)
        self.p += 1
        np.divide(1, self.p, out=self.p)

    def gradient(self, data: Data) -> Array:
        """From what `probabilities` left; w is p - y afterwards."""
        np.subtract(self.p, data.y, out=self.w)
        slope = [np.vecdot(self.w, self.d1), np.vecdot(self.w, self.d2)]
        return np.stack(slope, axis=-1) / len(data.x)

    def loss_and_gradient(self, model: Model, theta: Array, data: Data) -> tuple[Array, Array]:
        self.probabilities(model, theta, data.x)
        slope = self.gradient(data)
        f, w = self.f, self.w
        np.logaddexp(0, f, out=w)
        f *= data.y
        w -= f
        return w.mean(axis=-1), slope

    def fisher(self, data: Data, fisher_type: str) -> tuple[Array, Array, Array]:
        """F11, F12, F22; to be called after `gradient`."""
        if fisher_type == "exact":
            np.multiply(self.p, self.p, out=self.w)
            np.subtract(self.p, self.w, out=self.w)
        else:
            self.w *= self.w
        np.multiply(self.w, self.d1, out=self.f)
        self.w *= self.d2
        n = len(data.x)
        return (
            np.vecdot(self.f, self.d1) / n,
            np.vecdot(self.f, self.d2) / n,
            np.vecdot(self.w, self.d2) / n,
        )


def _advance(model: Model, data: Data, optimiser: Optimiser, state: State, work: _Work) -> None:
    """One step, written into the state's arrays; `state.count` is that of the step."""
    theta, memory = state.theta, state.memory
    work.probabilities(model, theta, data.x)
    g = work.gradient(data)
    if isinstance(optimiser, SGD):
        (v,) = memory
        v *= optimiser.momentum
        v += g
        theta -= optimiser.eta * v
    elif isinstance(optimiser, AdamW):
        m, v = memory
        m += (1 - optimiser.beta1) * (g - m)
        v += (1 - optimiser.beta2) * (g * g - v)
        mean = m / (1 - optimiser.beta1**state.count)
        root = np.sqrt(v / (1 - optimiser.beta2**state.count))
        theta *= 1 - optimiser.eta * optimiser.weight_decay
        theta -= optimiser.eta * mean / (root + optimiser.eps)
    else:
        f11, f12, f22 = work.fisher(data, optimiser.fisher_type)
        if optimiser.structure == "diag":
            f12 = np.zeros_like(f12)
        # Cholesky by hand: F + damping I = L diag(a, b) L^T, L = [[1, 0], [c, 1]]
        a = f11 + optimiser.damping
        c = f12 / a
        b = f22 + optimiser.damping - c * f12
        second = (g[:, 1] - c * g[:, 0]) / b
        theta[:, 0] -= optimiser.eta * (g[:, 0] / a - c * second)
        theta[:, 1] -= optimiser.eta * second


def _block(model: Model, data: Data, optimiser: Optimiser, starts: Array, steps: int) -> Ends:
    """The ends of one block. A module's function of plain data: any executor can send it."""
    state = start(optimiser, starts)
    theta, rows = state.theta.copy(), np.arange(len(starts))  # rows: those that still move
    work = _Work(len(starts), len(data.x))
    with np.errstate(all="ignore"):
        for k in range(steps):
            look = isinstance(optimiser, Natural) and k % REST == REST - 1
            before = state.theta.copy() if look else None
            _advance(model, data, optimiser, state._replace(count=k + 1), work)
            # without a memory, what a step has not moved by one bit stays where it is for ever
            if look and (still := (state.theta == before).all(axis=-1)).any():
                theta[rows[still]] = state.theta[still]
                rows, state = rows[~still], state._replace(theta=state.theta[~still])
                work = _Work(len(rows), len(data.x))
        theta[rows] = state.theta
        work = _Work(len(theta), len(data.x))
        at, slope = work.loss_and_gradient(model, theta, data)
        norm = np.hypot(slope[:, 0], slope[:, 1])
    lost = ~(np.isfinite(theta).all(axis=-1) & np.isfinite(at) & np.isfinite(norm))
    return Ends(
        np.where(lost[:, None], np.nan, theta),
        np.where(lost, np.nan, at),
        np.where(lost, np.nan, norm),
    )


def _hand_out(executor: Executor, waiting: Sequence[tuple], keep: Callable) -> None:
    """Blocks to an executor, a bounded number ahead; each is kept as it comes back."""
    queue, running = iter(waiting), dict[Future, tuple]()
    try:
        while True:
            while len(running) < AHEAD and (following := next(queue, None)) is not None:
                name, at, task, file = following
                running[executor.submit(_block, *task)] = (name, at, file)
            if not running:
                return
            done = next(as_completed(running))
            name, at, file = running.pop(done)
            keep(name, at, done.result(), file)
    finally:
        for future in running:
            future.cancel()


def _digest(task: tuple) -> str:
    """What a block depends on, as a name: the same for the same numbers."""
    model, data, optimiser, starts, steps = task
    total = hashlib.sha256(repr((model, optimiser, steps, starts.shape)).encode())
    for array in (*data, starts):
        total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()[:32]


def _write(file: Path, ends: Ends) -> None:
    """All or nothing: an interrupted write leaves no block that would be trusted."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=file.parent, suffix=".part", delete=False) as part:
        np.savez(part, **ends._asdict())
    os.replace(part.name, file)


def _read(file: Path) -> Ends | None:
    if not file.exists():
        return None
    with np.load(file) as kept:
        return Ends(*(kept[name] for name in Ends._fields))


def _on_rows(model: Model, theta: ArrayLike, x: ArrayLike) -> tuple[Array, Array, Array]:
    theta, x = vectors("theta", theta, 2), real_array("x", x)
    if x.ndim != 1:
        raise ValueError(f"x: expected shape (n,), got {x.shape}")
    rows = theta.reshape(-1, 2)
    out = np.empty((3, len(rows), len(x)))
    with np.errstate(all="ignore"):
        _model(model).fill(rows, x, *out)
    representable("theta", out)
    return tuple(out.reshape(3, *theta.shape[:-1], len(x)))


def _model(model: Model) -> Model:
    instance("model", model, Model, "a model of this module")
    if isinstance(model, Bump):
        number("model.height", model.height)
        number("model.width", model.width, above=0)
    return model


def _state(optimiser: Optimiser, state: State) -> State:
    """A state that fits the optimiser. Its rows need not be finite: a run may have been lost."""
    instance("state", state, State, "a State, as `start` gives it")
    count("state.count", state.count)
    instance("state.memory", state.memory, tuple, "a tuple of arrays")
    kept = (state.theta, *state.memory)
    good = all(isinstance(a, np.ndarray) and a.dtype == float for a in kept)
    if (
        not good
        or {a.shape for a in kept} != {(len(state.theta), 2)}
        or len(kept) != (1 + MEMORIES[type(optimiser)])
    ):
        raise ValueError(
            f"state: expected theta (B, 2) and {MEMORIES[type(optimiser)]} such arrays as memory"
        )
    return state


def _data(data: Data) -> Data:
    instance("data", data, Data, "Data(x, y)")
    x, y = real_array("x", data.x), real_array("y", data.y)
    if x.ndim != 1 or x.shape != y.shape or not len(x):
        raise ValueError(f"data: expected x and y of one shape (n,), got {x.shape} and {y.shape}")
    require("y", (y == 0) | (y == 1), "answers 0 or 1", y)
    return Data(x, y)


def _starts(theta: ArrayLike) -> Array:
    theta = vectors("starts", theta, 2)
    if theta.ndim != 2:
        raise ValueError(f"starts: expected shape (B, 2), got {theta.shape}")
    return theta


def _checked(optimiser: Optimiser) -> Optimiser:
    instance("optimiser", optimiser, Optimiser, "SGD, AdamW or Natural")
    number("eta", optimiser.eta, above=0)
    if isinstance(optimiser, SGD):
        _share("momentum", optimiser.momentum)
    elif isinstance(optimiser, AdamW):
        _share("beta1", optimiser.beta1)
        _share("beta2", optimiser.beta2)
        number("eps", optimiser.eps, above=0)
        number("weight_decay", optimiser.weight_decay, least=0)
    else:
        number("damping", optimiser.damping, above=0)
        one_of("fisher_type", optimiser.fisher_type, ("exact", "empirical"))
        one_of("structure", optimiser.structure, ("full", "diag"))
    return optimiser


def _share(name: str, value: float) -> None:
    if not number(name, value, least=0) < 1:
        raise ValueError(f"{name}: expected a number in [0, 1), got {value:g}")
