"""A million Fisher matrices of two equal heaps beside scipy and jax, and errors against mpmath.

The means are a million pairs, their separations spread evenly in the logarithm from 1e-6 to 20
sigma. All times are of one run: ours, the memory floor (reading the means and writing as many
numbers as the matrices have), scipy's adaptive quadrature (over a few pairs, scaled up), and jax in
its own environment, compiled: once with scores by its automatic derivatives, once with the
one-dimensional form that the chapter derives. Errors are those of 40 pairs.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import mpmath as mp
import numpy as np
from scipy.integrate import quad

from benchmarks.peers import ask, best
from ngdlib.families import GaussianMixture

HERE = Path(__file__).resolve().parent
PAIRS, BY_QUAD, BY_MPMATH, REPEATS = 1_000_000, 60, 40, 5
Row = tuple[str, float, str, float | None]


def measure() -> Iterator[Row]:
    """Rows (what, value, unit, budget)."""
    model = GaussianMixture()
    rng = np.random.default_rng(0)
    gap = 10 ** rng.uniform(-6, np.log10(20), PAIRS)
    θ = rng.uniform(-3, 3, PAIRS)[:, None] + gap[:, None] * np.array([-0.5, 0.5])
    _, floor = best(lambda: written(θ), REPEATS)
    F, ours = best(lambda: model.fisher(θ), REPEATS)
    start = time.perf_counter()
    by_quad = np.array([quadrature(pair) for pair in θ[:BY_QUAD]])
    scipys = (time.perf_counter() - start) * PAIRS / BY_QUAD
    with tempfile.TemporaryDirectory() as folder:
        given, answers = Path(folder, "given.npy"), Path(folder, "answers.npz")
        np.save(given, θ)
        ask(HERE, HERE / "peer.py", given, answers)
        theirs = dict(np.load(answers))
    yield "ngdlib", 1000 * ours, "ms", None
    yield "the memory floor", 1000 * floor, "ms", None
    yield "our time / the floor's", ours / floor, "", 5
    yield f"scipy's quad, from {BY_QUAD} pairs", scipys, "s", None
    yield "scipy's time / ours", scipys / ours, "", None
    for name in ("derivatives", "one dimension"):
        seconds = float(theirs[f"{name} seconds"])
        yield f"jax, {name}", 1000 * seconds, "ms", None
        yield f"jax's time / ours, {name}", seconds / ours, "", None
    yield "500 × our time / jax's, derivatives", 500 * ours / theirs["derivatives seconds"], "", 1

    few = np.argsort(gap)[np.linspace(0, PAIRS - 1, BY_MPMATH).astype(int)]
    true = [exact(*θ[k]) for k in few]
    found = {
        "F": F[few],
        "eigenvalues": model.eigenvalues(θ[few]),
        "F⁻¹": model.inverse_fisher(θ[few]),
    }
    for name, values in found.items():
        yield f"{name}: error / 1e-11", worst(values, [t[name] for t in true]) / 1e-11, "", 1
    quads = worst(by_quad, [exact(*pair)["F"] for pair in θ[: BY_MPMATH // 2]])
    yield "scipy's quad, F: error / 1e-11", quads / 1e-11, "", None
    for name in ("derivatives", "one dimension"):
        F = theirs[name][few]
        yield f"jax, {name}, F: error / 1e-11", worst(F, [t["F"] for t in true]) / 1e-11, "", None
        small = np.linalg.eigvalsh(F)[:, 0]
        lost = max(abs(s / t["eigenvalues"][0] - 1) for s, t in zip(small, true, strict=True))
        yield f"jax, {name}, smaller eigenvalue: relative error", lost, "", None


def written(θ: np.ndarray) -> np.ndarray:
    """As much memory traffic as the matrices need: the means read, 2 by 2 numbers written."""
    out = np.empty((len(θ), 2, 2))
    out[...] = θ[:, :, None]
    return out


def quadrature(pair: np.ndarray) -> np.ndarray:
    """The Fisher matrix of two heaps by adaptive quadrature of its definition."""
    low, high = pair.min() - 10, pair.max() + 10

    def integrand(x: float, i: int, j: int) -> float:
        heaps = np.exp(-((x - pair) ** 2) / 2) / np.sqrt(8 * np.pi)
        s = heaps / heaps.sum() * (x - pair)
        return heaps.sum() * s[i] * s[j]

    F = [quad(integrand, low, high, (i, j), epsabs=1e-12)[0] for i, j in ((0, 0), (0, 1), (1, 1))]
    return np.array([[F[0], F[1]], [F[1], F[2]]])


def exact(mu1: float, mu2: float) -> dict[str, np.ndarray]:
    """F, its eigenvalues and its inverse from the definition, by a fine sum in 40 digits."""
    with mp.workdps(40):
        e = (mp.mpf(mu2) - mp.mpf(mu1)) / 2
        reach, n = abs(e) + 14, int(40 * (abs(e) + 14))
        h, plus, minus = reach / n, mp.mpf(0), mp.mpf(0)
        for k in range(-n, n + 1):
            u = k * h
            p = mp.exp(-(u * u + e * e) / 2) * mp.cosh(e * u) * h / mp.sqrt(2 * mp.pi)
            t = mp.tanh(e * u)
            plus += p * (u - e * t) ** 2 / 2
            minus += p * (u * t - e) ** 2 / 2
        both = (plus + minus) / 2, (plus - minus) / 2
        turned = (1 / plus + 1 / minus) / 2, (1 / plus - 1 / minus) / 2
        return {
            "F": np.array([both, both[::-1]], dtype=float),
            "eigenvalues": np.array(sorted([plus, minus]), dtype=float),
            "F⁻¹": np.array([turned, turned[::-1]], dtype=float),
        }


def worst(found, wanted) -> float:
    """The largest error: of a matrix relative to its largest entry, of eigenvalues to each."""
    errors = []
    for f, t in zip(found, wanted, strict=False):
        errors.append(np.max(np.abs(f - t) / (np.abs(t) if t.ndim == 1 else np.abs(t).max())))
    return max(errors)
