"""TRPO on a real environment: gymnasium's CartPole, a small numpy policy, several seeds; writes the
file that the chapter on trust regions draws.

    python -m benchmarks cartpole      some ten minutes on one core

gymnasium has its own lock and folder, made here on first use. The policy is Bernoulli: its log-odds
are one hidden layer of 16 tanh units over the four numbers of the state. The advantages are returns
less a linear baseline. Each step: conjugate gradients with the exact Fisher matrix of the sample,
the length set by that matrix, a line search on the sample's own mean KL. A seed has solved the task
when 100 fresh episodes score 475 in the mean, which is gymnasium's own threshold; 500 is the most.
It is tested when the last 20 episodes of a sample score as much; all seeds go on to the last step.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.special import expit, xlogy

from ngdlib.trust_region import CARTPOLE, conjugate_gradients
from ngdlib.validate import Array

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ROOT / "_build" / "gymnasium"
SEEDS, STEPS, ITERATIONS, SOLVED = 10, 4000, 60, 475
HIDDEN, DELTA, DAMPING, DISCOUNT = 16, 0.01, 1e-3, 0.99
Row = tuple[str, float, str, float | None]


class Sample(NamedTuple):
    """States (N, 4), actions (N,), rewards-to-go (N,), step in the episode (N,), episode scores."""

    states: Array
    actions: Array
    returns: Array
    times: Array
    scores: Array


def measure(seeds: int = SEEDS) -> Iterator[Row]:
    """Rows (what, value, unit, budget): scores and steps of all seeds, and the KL of the steps."""
    runs = [learn(seed) for seed in range(seeds)]
    found = {
        "date": date.today().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, numpy {np.__version__}",
        "delta": DELTA,
        "hidden": HIDDEN,
        "steps_a_sample": STEPS,
        "solved": SOLVED,
        "runs": runs,
    }
    CARTPOLE.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    solved = [run["solved_after"] for run in runs if run["solved_after"] is not None]
    ends = np.array([run["end"] for run in runs])
    yield f"seeds of {seeds} that reach {SOLVED}", len(solved), "", None
    yield "seeds that never do", seeds - len(solved), "", 0
    if solved:
        for name, share in (("fewest", 0), ("median", 50), ("most", 100)):
            steps = np.percentile(solved, share) / 1000
            yield f"thousands of environment steps until then, {name}", steps, "", None
    yield f"score after {ITERATIONS} steps: median of the seeds", float(np.median(ends)), "", None
    yield "score then: the worst seed", float(ends.min()), "", None
    yield "largest KL of a step, over δ", max(max(run["kl"]) for run in runs) / DELTA, "", 1.0


def learn(seed: int) -> dict:
    """A run of ITERATIONS steps, step by step and at its end.

    environment_steps  taken when the sample was complete;  scores  the mean of its episodes, before
    the step;  kl  of the step;  solved_after  environment steps at the first passed test, or None;
    end  the mean score of 100 fresh episodes after the last step
    """
    world, rng = environment(), np.random.default_rng(seed)
    θ, used, solved, curve = start(rng), 0, None, []

    def test() -> float:
        return float(episodes(world, θ, rng, seed=seed + 10_000, count=100).scores.mean())

    for _ in range(ITERATIONS):
        sample = episodes(world, θ, rng, seed=int(rng.integers(2**31)), steps=STEPS)
        used += len(sample.actions)
        θ, kl = step(θ, sample)
        curve.append((used, round(sample.scores.mean(), 1), float(f"{kl:.4g}")))
        if solved is None and sample.scores[-20:].mean() >= SOLVED and test() >= SOLVED:
            solved = used
    used_, scores, kls = (list(column) for column in zip(*curve, strict=True))
    return {"seed": seed, "environment_steps": used_, "scores": scores, "kl": kls,
            "solved_after": solved, "end": test()}  # fmt: skip


def start(rng: np.random.Generator) -> Array:
    """Weights (HIDDEN, 4), biases (HIDDEN,), output weights (HIDDEN,) and bias, in one vector."""
    hidden = rng.standard_normal((HIDDEN, 4)) / 2
    return np.concatenate([hidden.ravel(), np.zeros(HIDDEN), np.zeros(HIDDEN), [0.0]])


def log_odds(θ: Array, states: Array) -> tuple[Array, Array]:
    """The log-odds of action 1 in each state, shape (N,), and their Jacobian, (N, parameters)."""
    W, b = θ[: 4 * HIDDEN].reshape(HIDDEN, 4), θ[4 * HIDDEN : 5 * HIDDEN]
    u, c = θ[5 * HIDDEN : 6 * HIDDEN], θ[-1]
    h = np.tanh(states @ W.T + b)
    back = u * (1 - h**2)
    J = [(back[:, :, None] * states[:, None, :]).reshape(len(states), -1), back, h]
    return h @ u + c, np.concatenate([*J, np.ones((len(states), 1))], axis=1)


def step(θ: Array, sample: Sample) -> tuple[Array, float]:
    """One step of TRPO on a sample: the new parameters and the mean KL of the step."""
    f, J = log_odds(θ, sample.states)
    p, A = expit(f), advantages(sample)
    g = J.T @ (A * (sample.actions - p)) / len(A)

    def product(x: Array) -> Array:
        return J.T @ (p * (1 - p) * (J @ x)) / len(A) + DAMPING * x

    x, _ = conjugate_gradients(product, g, iterations=10)
    form = ((J @ x) ** 2 * p * (1 - p)).mean()
    length = np.sqrt(2 * DELTA / form)
    for _ in range(20):
        new, _ = log_odds(θ + length * x, sample.states)
        kl = float(mean_kl(f, new))
        ratio = np.exp(log_probability(new, sample.actions) - log_probability(f, sample.actions))
        if kl <= DELTA and ((ratio - 1) * A).mean() > 0:
            return θ + length * x, kl
        length *= 0.8
    return θ, 0.0


def log_probability(f: Array, actions: Array) -> Array:
    return -np.logaddexp(0, np.where(actions == 1, -f, f))


def mean_kl(old: Array, new: Array) -> Array:
    """The mean of KL(old || new) over states, from two sets of log-odds."""
    p = expit(old)
    entropy = -xlogy(p, p) - xlogy(1 - p, 1 - p)
    return (np.logaddexp(0, new) - p * new - entropy).mean()


def advantages(sample: Sample) -> Array:
    """Returns less a ridge regression on the state, its squares and the time; standardised."""
    s, t = sample.states, sample.times[:, None] / 100
    X = np.concatenate([s, s**2, t, t**2, t**3, np.ones_like(t)], axis=1)
    w = np.linalg.solve(X.T @ X + 1e-5 * np.eye(X.shape[1]), X.T @ sample.returns)
    A = sample.returns - X @ w
    return (A - A.mean()) / A.std()


def episodes(world, θ: Array, rng: np.random.Generator, *, seed: int, steps: int = 0,
             count: int = 0) -> Sample:  # fmt: skip
    """Whole episodes of the policy: until ``steps`` are taken, or so many as ``count`` says."""
    parts, scores, taken = [], [], 0
    state, _ = world.reset(seed=seed)
    while taken < steps or len(scores) < count:
        states, actions, over = [], [], False
        while not over:
            states.append(state)
            action = int(rng.random() < expit(log_odds_of(θ, state)))
            actions.append(action)
            state, _, fell, late, _ = world.step(action)
            over = fell or late
        n = len(actions)
        returns = -np.expm1(np.arange(n, 0, -1) * np.log(DISCOUNT)) / (1 - DISCOUNT)
        parts.append((states, actions, returns, np.arange(n)))
        scores.append(n)
        taken += n
        state, _ = world.reset()
    joined = (np.concatenate([np.asarray(p[k], float) for p in parts]) for k in range(4))
    return Sample(*joined, np.array(scores))


def log_odds_of(θ: Array, state: Array) -> float:
    """As `log_odds`, of one state and without the Jacobian."""
    W, b = θ[: 4 * HIDDEN].reshape(HIDDEN, 4), θ[4 * HIDDEN : 5 * HIDDEN]
    return np.tanh(W @ state + b) @ θ[5 * HIDDEN : 6 * HIDDEN] + θ[-1]


def environment():
    """CartPole-v1; gymnasium is fetched by its lock where it is not there yet."""
    if not PACKAGES.exists():
        lock = ["--require-hashes", "-r", ROOT / "benchmarks" / "requirements.lock"]
        uv = [sys.executable, "-m", "uv", "pip", "install", "-q", "--target", PACKAGES]
        subprocess.run([str(part) for part in (*uv, *lock)], check=True)
    if str(PACKAGES) not in sys.path:
        sys.path.append(str(PACKAGES))  # last: numpy stays the book's own
    import gymnasium

    return gymnasium.make("CartPole-v1")
