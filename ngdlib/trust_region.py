"""Policies on problems small enough to be exact: natural policy gradient, TRPO, PPO's clip.

A problem has S states and A actions with known transitions; a policy is a softmax of logits, shape
(..., S, A). Every expectation is a sum or a linear system; `walk` and `estimate` are the sampled
version of the same. With d the discounted visits (they sum to 1) and A the advantage of the old
policy,

    gradient      d pi A / (1 - discount)                     (Sutton et al. 2000)
    Fisher        mean over d of diag(pi) - pi pi^T            (Kakade 2001)
    surrogate     sum of d pi_new A / (1 - discount)           (Schulman et al. 2015)
    trust region  mean over d of KL(pi_old || pi_new) <= delta

`trpo_step` takes the surrogate linear and the KL quadratic, solves by conjugate gradients, and
repairs the step by a search along its line that looks at the KL itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import log_softmax

from ngdlib.families import stable
from ngdlib.validate import (
    Array,
    broadcast,
    count,
    instance,
    number,
    one_of,
    real_array,
    representable,
    require,
)

#: The smallest number that float64 keeps to all its digits.
TINY = float(np.finfo(float).tiny)

#: What `python -m benchmarks cartpole` writes: TRPO with a small network on gymnasium's CartPole.
CARTPOLE = Path(__file__).resolve().parent / "measured" / "cartpole.json"


class Problem(NamedTuple):
    """transitions (S, A, S): P(next | state, action); rewards (S, A); start (S,): probabilities of
    the first state; discount in [0, 1). Make one with `problem`, `bandit` or `gridworld`."""

    transitions: Array
    rewards: Array
    start: Array
    discount: float


class Evaluation(NamedTuple):
    """value (...): the expected discounted return; v (..., S); q and advantage (..., S, A);
    visits (..., S): (1 - discount) times the expected discounted number of visits."""

    value: Array
    v: Array
    q: Array
    advantage: Array
    visits: Array


class Walks(NamedTuple):
    """N sampled walks of T steps: states, actions (N, T), integers; rewards (N, T)."""

    states: NDArray[np.int64]
    actions: NDArray[np.int64]
    rewards: Array


class Solution(NamedTuple):
    """Of conjugate gradients: x; the norms of the residuals, from that of b on."""

    x: Array
    residuals: Array


class Info(NamedTuple):
    """What a step did. kl and max_kl: KL(old || new), mean over the old visits and the largest of
    a state; quadratic_kl: what its quadratic model said of the step before the search; gain and
    predicted: change of the surrogate, and of its linear model; residual: of the linear system,
    relative; backtracks: times that the step was shortened; accepted: False leaves the policy."""

    kl: float
    max_kl: float
    quadratic_kl: float
    gain: float
    predicted: float
    residual: float
    backtracks: int
    accepted: bool

    @property
    def ratio(self) -> float:
        """gain over predicted gain."""
        return self.gain / self.predicted if self.predicted else float("nan")


def problem(
    transitions: ArrayLike, rewards: ArrayLike, start: ArrayLike, discount: float
) -> Problem:
    """A checked `Problem`. ValueError for shapes that do not fit and rows that are no
    probabilities."""
    P, r, d = (
        real_array(name, value)
        for name, value in (("transitions", transitions), ("rewards", rewards), ("start", start))
    )
    if P.ndim != 3 or P.shape[0] != P.shape[2] or not P.size:
        raise ValueError(f"transitions: expected shape (S, A, S), got {P.shape}")
    if r.shape != P.shape[:2] or d.shape != P.shape[:1]:
        raise ValueError(
            f"rewards: expected {P.shape[:2]} and start {P.shape[:1]}, got {r.shape}, {d.shape}"
        )
    for name, rows in (("transitions", P), ("start", d)):
        require(name, _shares(rows, 1e-12), "probabilities that sum to 1", rows)
    discount = number("discount", discount, least=0)
    if discount >= 1:
        raise ValueError(f"discount: expected a number in [0, 1), got {discount:g}")
    return Problem(P, r, d, discount)


def bandit(rewards: ArrayLike) -> Problem:
    """One state, an arm for each expected reward, one pull."""
    rewards = real_array("rewards", rewards)
    if rewards.ndim != 1 or not len(rewards):
        raise ValueError(f"rewards: expected shape (A,), got {rewards.shape}")
    return problem(np.ones((1, len(rewards), 1)), rewards[None], [1.0], 0.0)


MOVES = ((-1, 0), (0, 1), (1, 0), (0, -1))  # up, right, down, left


def gridworld(rows: Sequence[str], *, slip: float = 0.1, discount: float = 0.95) -> Problem:
    """A walk on a map: S start, G goal, X trap, # wall, . floor; up, right, down, left.

    The goal pays 1 and the trap -1 when left, and both end the walk in a last state that pays
    nothing. With probability ``slip`` one of the four moves is made at random; a move into a wall
    or off the map stays. States are the cells that are no walls, row by row, then the last.
    """
    slip = number("slip", slip, least=0)
    if slip > 1:
        raise ValueError(f"slip: expected a probability, got {slip:g}")
    lines = isinstance(rows, list | tuple) and all(isinstance(row, str) for row in rows)
    if not lines or len({len(row) for row in rows}) != 1 or set("".join(rows)) - set("SGX#."):
        raise ValueError(f"rows: expected rows of one length made of S G X # . , got {rows!r}")
    cells = [(i, j) for i, row in enumerate(rows) for j, c in enumerate(row) if c != "#"]
    starts = [k for k, (i, j) in enumerate(cells) if rows[i][j] == "S"]
    if not starts:
        raise ValueError("rows: expected a start S")
    index, last = {cell: k for k, cell in enumerate(cells)}, len(cells)
    P, r = np.zeros((last + 1, 4, last + 1)), np.zeros((last + 1, 4))
    P[last, :, last] = 1
    for k, (i, j) in enumerate(cells):
        if rows[i][j] in "GX":
            P[k, :, last], r[k] = 1, 1.0 if rows[i][j] == "G" else -1.0
            continue
        there = [index.get((i + di, j + dj), k) for di, dj in MOVES]
        for action in range(4):
            P[k, action, there[action]] += 1 - slip
            for target in there:
                P[k, action, target] += slip / 4
    start = np.zeros(last + 1)
    start[starts] = 1 / len(starts)
    return problem(P, r, start, discount)


def policy(logits: ArrayLike) -> Array:
    """The probabilities of the actions in each state, shape (..., S, A)."""
    return _policy(_logits(logits))


def _policy(logits: Array) -> Array:
    with np.errstate(over="ignore"):
        return np.exp(log_softmax(logits, axis=-1))


@np.errstate(all="ignore")
def evaluate(task: Problem, logits: ArrayLike) -> Evaluation:
    """The exact value, advantages and visits of a policy, by two linear systems.

    As the discount nears 1 they lose digits: a relative 1e-16/(1 - discount).
    """
    task, pi = _task(task), policy(logits)
    P, r, start, gamma = task
    if pi.shape[-2:] != r.shape:
        raise ValueError(
            f"logits: expected shape (..., {r.shape[0]}, {r.shape[1]}), got {pi.shape}"
        )
    P_pi = np.einsum("...sa,sat->...st", pi, P)
    system = np.eye(len(start)) - gamma * P_pi
    v = np.linalg.solve(system, (pi * r).sum(axis=-1)[..., None])[..., 0]
    q = r + gamma * np.einsum("sat,...t->...sa", P, v)
    visits = np.linalg.solve(
        np.swapaxes(system, -1, -2),
        np.broadcast_to((1 - gamma) * start, v.shape)[..., None],
    )[..., 0]
    found = Evaluation(v @ start, v, q, _advantage(pi, q), visits)
    return Evaluation(*(representable("rewards", part) for part in found))


def _advantage(pi: Array, q: Array) -> Array:
    """q less its mean over the actions: one that is nearly certain keeps its digits."""
    q = q - np.take_along_axis(q, pi.argmax(axis=-1)[..., None], axis=-1)
    return q - (pi * q).sum(axis=-1, keepdims=True)


def walk(
    task: Problem, logits: ArrayLike, rng: np.random.Generator, *, walks: int, steps: int
) -> Walks:
    """Sampled walks of the policy with logits (S, A), all from the start, ``steps`` long each."""
    task, pi = _task(task), policy(_one(task, logits))
    instance("rng", rng, np.random.Generator, "a numpy.random.Generator")
    n, T = count("walks", walks, least=1), count("steps", steps, least=1)
    acts, moves = np.cumsum(pi, axis=-1), np.cumsum(task.transitions, axis=-1)
    states, actions = np.empty((n, T), dtype=np.int64), np.empty((n, T), dtype=np.int64)
    at = _drawn(np.broadcast_to(np.cumsum(task.start), (n, len(task.start))), rng)
    for t in range(T):
        states[:, t] = at
        actions[:, t] = _drawn(acts[at], rng)
        at = _drawn(moves[at, actions[:, t]], rng)
    return Walks(states, actions, task.rewards[states, actions])


def _drawn(cumulated: Array, rng: np.random.Generator) -> NDArray[np.int64]:
    """An outcome for each row (n, K) of cumulated probabilities."""
    u = rng.random(len(cumulated)) * cumulated[:, -1]
    return (cumulated[:, :-1] <= u[:, None]).sum(axis=1)


@np.errstate(all="ignore")
def estimate(task: Problem, logits: ArrayLike, walks: Walks) -> Evaluation:
    """What `evaluate` computes, estimated from walks of the same policy with logits (S, A).

    q is the mean return from a state and action on, as long as the walk was; where an action was
    never tried in a state, that of the others there. Of a state that was never visited nothing is
    known: its advantages are 0, and so are its visits. The transitions are not used.
    """
    task, pi = _task(task), policy(_one(task, logits))
    instance("walks", walks, Walks, "walks, as `walk(...)` makes them")
    states, actions, rewards = _walks(task, walks)
    S, A = task.rewards.shape
    weight = np.broadcast_to(task.discount ** np.arange(states.shape[1]), states.shape)
    returns = np.empty_like(rewards)
    ahead = np.zeros(len(states))
    for t in reversed(range(states.shape[1])):
        ahead = returns[:, t] = rewards[:, t] + task.discount * ahead
    pair = (states * A + actions).ravel()
    tried = np.bincount(pair, weight.ravel(), S * A).reshape(S, A)
    got = np.bincount(pair, (weight * returns).ravel(), S * A).reshape(S, A)
    known = tried > 0
    q = np.divide(got, tried, out=np.zeros((S, A)), where=known)
    share = (pi * known).sum(axis=-1)
    mean = np.divide((pi * q).sum(axis=-1), share, out=np.zeros(S), where=share > 0)
    q = np.where(known, q, mean[:, None])
    v = (pi * q).sum(axis=-1)
    visits = tried.sum(axis=-1) / tried.sum()
    found = Evaluation(np.asarray(returns[:, 0].mean()), v, q, _advantage(pi, q), visits)
    return Evaluation(*(representable("walks.rewards", part) for part in found))


def policy_gradient(task: Problem, logits: ArrayLike) -> Array:
    """The gradient of the value in the logits, shape (..., S, A)."""
    now = evaluate(task, logits)
    with np.errstate(all="ignore"):
        g = now.visits[..., None] * policy(logits) * now.advantage / (1 - task.discount)
        return representable("task", g)


def fisher_product(pi: ArrayLike, visits: ArrayLike, x: ArrayLike) -> Array:
    """The Fisher matrix of the logits, mean over the visits, times x.

    pi, x  (..., S, A), probabilities and any numbers; visits  (..., S)
    """
    pi, x, visits = real_array("pi", pi), real_array("x", x), real_array("visits", visits)
    if pi.ndim < 2 or x.shape[-2:] != pi.shape[-2:] or visits.shape[-1:] != pi.shape[-2:-1]:
        raise ValueError(
            f"pi: expected pi and x (..., S, A) and visits (..., S), got {pi.shape}, {x.shape}, "
            f"{visits.shape}"
        )
    broadcast("x", x.shape[:-2], "pi", pi.shape[:-2])
    broadcast("visits", visits.shape[:-1], "pi", pi.shape[:-2])
    require("pi", _shares(pi, 1e-9), "probabilities that sum to 1", pi)
    with np.errstate(all="ignore"):
        return representable("x", _fisher_product(pi, visits, x))


def _fisher_product(pi: Array, visits: Array, x: Array) -> Array:
    pi, x = np.broadcast_arrays(pi, x)
    top = pi.argmax(axis=-1)[..., None]
    x = x - np.take_along_axis(x, top, axis=-1)  # an action that is nearly certain keeps its digits
    return visits[..., None] * pi * (x - (pi * x).sum(axis=-1, keepdims=True))


def natural_policy_gradient(task: Problem, logits: ArrayLike) -> Array:
    """F^+ times the gradient, shape (..., S, A) (Kakade 2001).

    Solved by hand: in a state that is visited it is the advantage over (1 - discount) with its
    mean over the actions removed, for one number added to all logits of a state changes nothing;
    in a state that is never visited it is 0.
    """
    now = evaluate(task, logits)
    with np.errstate(all="ignore"):
        a = now.advantage / (1 - task.discount)
        a = representable("task", a - a.mean(axis=-1, keepdims=True))
    return np.where(now.visits[..., None] > 0, a, 0.0)


def state_kl(old: ArrayLike, new: ArrayLike) -> Array:
    """KL(old || new) of the action in each state, in nats, from two sets of logits (..., S, A)."""
    old, new = _logits(old), _logits(new)
    if old.shape[-1:] != new.shape[-1:]:
        raise ValueError(f"new: expected {old.shape[-1]} actions, as in old, got {new.shape[-1]}")
    broadcast("new", new.shape, "old", old.shape)
    with np.errstate(all="ignore"):
        ratio = stable.log_ratio_of_logits(old, new)
        return representable("new", stable.kl(_policy(old), _policy(new), ratio))


def surrogate(task: Problem, old: Evaluation, logits: ArrayLike) -> Array:
    """What the new policy would gain if it were visited as the old one is, shape (...); 0 at the
    old policy, to 1e-16 of the advantages. Its gradient there is that of the value."""
    task, pi = _task(task), policy(logits)
    old = _evaluation(task, old)
    if pi.shape[-2:] != task.rewards.shape:
        S, A = task.rewards.shape
        raise ValueError(f"logits: expected shape (..., {S}, {A}), got {pi.shape}")
    broadcast("logits", pi.shape[:-2], "old", old.visits.shape[:-1])
    with np.errstate(all="ignore"):
        gained = (pi * old.advantage).sum(axis=-1)
        total = (old.visits * gained).sum(axis=-1) / (1 - task.discount)
        return representable("old.advantage", total)


def clipped_surrogate(ratio: ArrayLike, advantage: ArrayLike, clip: float) -> Array:
    """PPO's objective an action (Schulman et al. 2017, eq. 7): min(rA, clip(r, 1-eps, 1+eps) A)."""
    clip = number("clip", clip, above=0)
    ratio, advantage = real_array("ratio", ratio), real_array("advantage", advantage)
    require("ratio", ratio >= 0, "ratios of probabilities, >= 0", ratio)
    broadcast("advantage", advantage.shape, "ratio", ratio.shape)
    with np.errstate(over="ignore"):
        least = np.minimum(ratio * advantage, np.clip(ratio, 1 - clip, 1 + clip) * advantage)
        return representable("ratio", least)


def conjugate_gradients(
    product: Callable[[Array], Array],
    b: ArrayLike,
    *,
    iterations: int = 10,
    tolerance: float = 1e-10,
) -> Solution:
    """x with product(x) = b, started at 0 (Hestenes & Stiefel 1952).

    product     x of the shape of b -> a symmetric positive semidefinite matrix times x
    iterations  at most; it stops before where the residual falls to tolerance times |b|
    ValueError where a direction of no or negative curvature is met while a residual is left: the
    matrix is singular along it, or indefinite. Damping helps the first.
    """
    instance("product", product, Callable, "a function of x")
    b, tolerance = real_array("b", b), number("tolerance", tolerance, least=0)
    size = np.abs(b).max(initial=0.0) or 1.0  # its squares might not fit in float64
    x, r = np.zeros_like(b), b / size
    d, square = r.copy(), float(np.vdot(r, r))
    residuals = [np.sqrt(square)]
    for _ in range(count("iterations", iterations)):
        if residuals[-1] <= tolerance * residuals[0]:
            break
        along = real_array("product(x)", product(d.copy()))
        if along.shape != b.shape:
            raise ValueError(f"product(x): expected shape {b.shape}, got {along.shape}")
        curvature = float(np.vdot(d, along))
        if not curvature > 0:
            raise ValueError(
                f"product: expected a positive definite matrix, got curvature {curvature:.3g} "
                f"along a direction of the residual (norm {size * residuals[-1]:.3g} left)"
            )
        step = square / curvature
        x, r = x + step * d, r - step * along
        square, before = float(np.vdot(r, r)), square
        d = r + square / before * d
        residuals.append(np.sqrt(square))
    with np.errstate(over="ignore"):
        return Solution(representable("b", size * x), size * np.array(residuals))


@np.errstate(all="ignore")
def trpo_step(
    task: Problem,
    logits: ArrayLike,
    delta: float,
    *,
    cg_iterations: int = 10,
    cg_damping: float = 0.0,
    length_by: str = "fisher",
    shrink: float = 0.8,
    backtracks: int = 20,
    old: Evaluation | None = None,
) -> tuple[Array, Info]:
    """One step of trust-region policy optimisation (Schulman et al. 2015, appendix C).

    logits      (S, A)
    delta       the radius: mean KL(old || new) over the old visits, in nats, > 0
    cg_damping  added to the Fisher matrix in the linear system, >= 0
    length_by   the matrix whose quadratic form sets the length to sqrt(2 delta / x^T F x):
                "fisher", or "damped" as many programs do
    shrink      the step is shortened by this factor, at most ``backtracks`` times, until its true
                KL is within delta and the surrogate gains
    old         what is known of the policy, as `estimate` gives it; exact where it is left out
    Returns the logits after the step, shifted along no null direction, and what happened; where
    no length is accepted, the old logits.
    """
    delta = number("delta", delta, above=0)
    cg_damping = number("cg_damping", cg_damping, least=0)
    shrink, tries = number("shrink", shrink, above=0), count("backtracks", backtracks)
    if shrink >= 1:
        raise ValueError(f"shrink: expected a number in (0, 1), got {shrink:g}")
    one_of("length_by", length_by, ("fisher", "damped"))
    task = _task(task)
    logits = _one(task, logits)
    old = evaluate(task, logits) if old is None else _evaluation(task, old)
    pi = _policy(logits)
    g = old.visits[:, None] * pi * old.advantage / (1 - task.discount)
    still = Info(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0, False)
    if not np.any(g):
        return logits, still

    def damped(x: Array) -> Array:
        return _fisher_product(pi, old.visits, x) + cg_damping * x

    # the length is set below, so the gradient's own size does not count, and must not underflow
    x, residuals = conjugate_gradients(damped, g / np.abs(g).max(), iterations=cg_iterations)
    fisher_form = float(np.vdot(x, _fisher_product(pi, old.visits, x)))
    form = fisher_form if length_by == "fisher" else float(np.vdot(x, damped(x)))
    if not form > 0:
        return logits, still
    length = np.sqrt(2 * delta / form)
    for k in range(tries + 1):
        new = representable("delta", logits + shrink**k * length * x)
        ratio, there = stable.log_ratio_of_logits(logits, new), _policy(new)
        each = stable.kl(pi, there, ratio)
        info = Info(
            kl=float(old.visits @ each),
            max_kl=float(each.max()),
            quadratic_kl=float(length**2 * fisher_form / 2),
            gain=_gain(task, old, pi, there, ratio),
            predicted=float(shrink**k * length * np.vdot(g, x)),
            residual=float(residuals[-1] / residuals[0]),
            backtracks=k,
            accepted=True,
        )
        if info.kl <= delta and info.gain > 0:
            return new, info
    return logits, info._replace(kl=0.0, max_kl=0.0, gain=0.0, predicted=0.0, accepted=False)


def _gain(task: Problem, old: Evaluation, pi: Array, new: Array, r: Array) -> float:
    """The surrogate's change from pi to new, r = log(new/pi), from those of the probabilities: a
    short step keeps its digits."""
    near = r < 1
    change = np.where(near, pi * np.expm1(np.where(near, r, 0.0)), new - pi)
    return float((old.visits * (change * old.advantage).sum(axis=-1)).sum() / (1 - task.discount))


def best_in_region(
    pi: ArrayLike, advantage: ArrayLike, visits: ArrayLike, delta: float
) -> tuple[Array, float]:
    """The policy that maximises the surrogate where mean KL(pi || new) <= delta, and the
    multiplier beta, the price of a nat: what a step within the trust region approximates.

    pi, advantage  (S, A), all probabilities > 0; visits (S,); delta >= 2.3e-308
    Stationarity gives new = beta pi/(nu - A) in every visited state, with nu such that it sums
    to 1; beta is found from the radius. States that are not visited, or where all actions are
    equally good, keep their policy; where that is all of them, beta is 0. Where the radius is not
    reached before a probability is as small as float64 has them, the policy is the one there: it
    lies in the region, and no other is better by more than such a probability.
    """
    pi, advantage = real_array("pi", pi), real_array("advantage", advantage)
    visits, delta = real_array("visits", visits), number("delta", delta, least=TINY)
    if pi.ndim != 2 or advantage.shape != pi.shape or visits.shape != pi.shape[:1]:
        raise ValueError(
            f"pi: expected pi and advantage (S, A) and visits (S,), got {pi.shape}, "
            f"{advantage.shape}, {visits.shape}"
        )
    good = np.all(pi > 0, axis=-1) & _shares(pi, 1e-9)
    require("pi", good, "positive probabilities that sum to 1", pi)
    _visits("visits", visits)
    with np.errstate(over="ignore"):
        representable("advantage", np.ptp(advantage, axis=-1))
    spread = np.ptp(advantage, axis=-1)
    moves = np.flatnonzero((visits > 0) & (spread > 0))
    if not len(moves):
        return pi.copy(), 0.0

    def solved(beta: float) -> Array:
        """log(pi/new) of all states and actions, at a multiplier."""
        logs = np.zeros_like(pi)
        for s in moves:
            with np.errstate(over="ignore"):
                logs[s] = _log_fall(pi[s], (advantage[s].max() - advantage[s]) / beta)
        return logs

    def excess(log_beta: float) -> float:
        logs = solved(np.exp(log_beta))
        # pi log(pi/new) + new - pi: the same sum, and no term is negative
        each = (pi * stable.exp_remainder(-logs)).sum(axis=-1)
        return float(visits @ each) / delta - 1

    def chosen(log_beta: float) -> Array:
        return pi * np.exp(-solved(np.exp(log_beta)))

    def fits(log_beta: float) -> bool:
        return log_beta > -700 and bool(np.all(chosen(log_beta) >= TINY))

    scale = np.log(spread[moves].max())
    low, high, down = scale - 1, scale + 1, 2.0
    require("pi", fits(low), "probabilities that float64 can still divide", pi)
    while excess(low) < 0:
        while down > 1 and not fits(low - down):
            down /= 2
        if not fits(low - down):
            return chosen(low), float(np.exp(low))
        low, down = low - down, 2 * down
    while excess(high) > 0:
        high += 2
    log_beta = brentq(excess, low, high, xtol=1e-13)
    return chosen(log_beta), float(np.exp(log_beta))


def _log_fall(pi: Array, gap: Array) -> Array:
    """log(pi/new) of the best policy of a state, from its gaps (max A - A)/beta >= 0.

    new = pi/(e + gap) with e in (0, 1]; where the gaps are small e is near 1, and s = 1 - e is
    sought in its place.
    """
    if gap.max() < 1:

        def left(s: float) -> float:
            return float((pi * (gap - s) / (1 + gap - s)).sum())

        s = brentq(left, 0.0, gap.max(), xtol=1e-300, rtol=1e-14)
        return np.log1p(gap - s)
    least = np.log(pi[gap == 0].sum()) - 1  # sought in log e, which may be far below 0
    log_e = brentq(
        lambda u: (pi / (np.exp(u) + gap)).sum() - 1, least, 1e-8, xtol=1e-15, maxiter=1000
    )
    return np.log(np.exp(log_e) + gap)


def cartpole() -> dict[str, Any]:
    """The committed result of TRPO on CartPole: date, machine, settings, and the runs of all seeds.

    A run: environment_steps, scores, kl, one a step; solved_after in environment steps; end, the
    mean score of 100 fresh episodes after the last step.
    """
    return json.loads(CARTPOLE.read_text(encoding="utf-8"))


def _logits(logits: ArrayLike) -> Array:
    logits = real_array("logits", logits)
    if logits.ndim < 2 or not logits.shape[-1]:
        raise ValueError(f"logits: expected shape (..., S, A), got {logits.shape}")
    return logits


def _one(task: Problem, logits: ArrayLike) -> Array:
    """The logits of one policy of the task."""
    logits = _logits(logits)
    if logits.shape != task.rewards.shape:
        raise ValueError(f"logits: expected shape {task.rewards.shape}, got {logits.shape}")
    return logits


# Records may be made by hand, or changed: their contents are checked where they are used.


def _task(task: Problem) -> Problem:
    instance("task", task, Problem, "a problem, as `problem(...)` makes it")
    return problem(*task)


def _shares(rows: Array, tolerance: float) -> NDArray[np.bool_]:
    """Whether each row (..., n) has no entry below 0 and the sum 1."""
    with np.errstate(over="ignore"):
        return np.all(rows >= 0, axis=-1) & (np.abs(rows.sum(axis=-1) - 1) < tolerance)


def _visits(name: str, visits: Array) -> None:
    require(name, _shares(visits, 1e-3), "shares of the visits, that sum to 1", visits)


def _evaluation(task: Problem, old: Evaluation) -> Evaluation:
    instance("old", old, Evaluation, "an evaluation, as `evaluate` or `estimate` gives it")
    old = Evaluation(*(real_array(f"old.{k}", v) for k, v in old._asdict().items()))
    S, A = task.rewards.shape
    for name, value, shape in (("advantage", old.advantage, (S, A)), ("visits", old.visits, (S,))):
        if value.shape[-len(shape) :] != shape:
            raise ValueError(f"old.{name}: expected shape (..., {shape}), got {value.shape}")
    broadcast("old.advantage", old.advantage.shape[:-2], "old.visits", old.visits.shape[:-1])
    _visits("old.visits", old.visits)
    return old


def _walks(task: Problem, walks: Walks) -> Walks:
    instance("walks", walks, Walks, "walks, as `walk(...)` makes them")
    rewards, found = real_array("walks.rewards", walks.rewards), []
    for name, value, size in zip(("states", "actions"), walks[:2], task.rewards.shape, strict=True):
        value = real_array(f"walks.{name}", value)
        good = (value == np.floor(value)) & (value >= 0) & (value < size)
        require(f"walks.{name}", good, f"integers 0, ..., {size - 1}", value)
        if value.ndim != 2 or value.shape != rewards.shape or not value.size:
            raise ValueError(
                f"walks.{name}: expected shape (N, T), as rewards have it, got {value.shape} and "
                f"{rewards.shape}"
            )
        found.append(value.astype(np.int64))
    return Walks(*found, rewards)
