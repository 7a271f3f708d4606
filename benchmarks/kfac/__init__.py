"""One K-FAC step of 784-256-10 on a batch of 512, beside torch by hand and curvlinops, in one run.

All have the same weights, inputs and labels, in float64, the exact Fisher factors of the batch (ten
weighted labels an example), and factored damping: root lambda on each factor. They must give the
same update. Times are the least of five repeats, one after the other. The peers' environment is
that of `benchmarks.fisher`.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.fisher import best, environment
from ngdlib import kfac

HERE = Path(__file__).resolve().parent
SIZES, BATCH, DAMPING = (784, 256, 10), 512, 0.01
Row = tuple[str, float, str, float | None]


def measure() -> Iterator[Row]:
    """Rows (what, value, unit, budget): times, differences, ours over the fastest peer's."""
    net = kfac.network(SIZES, "tanh", "softmax")
    rng = np.random.default_rng(0)
    weights = kfac.initial(rng, net)
    x, y = rng.normal(size=(BATCH, SIZES[0])), rng.integers(0, 10, BATCH)

    def step():
        return kfac.step(net, kfac.start(weights), x, y, eta=1.0, damping=DAMPING, how="factored")[
            0
        ].weights

    mine, seconds = best(step)
    with tempfile.TemporaryDirectory() as folder:
        given, answers = Path(folder, "given.npz"), Path(folder, "answers.npz")
        np.savez(given, x=x, y=y, W1=weights[0], W2=weights[1], damping=DAMPING)
        command = [environment(), HERE / "peer.py", given, answers]
        subprocess.run([str(part) for part in command], check=True)
        theirs = dict(np.load(answers))
    moved = np.concatenate([(a - w).ravel() for a, w in zip(mine, weights, strict=True)])
    yield "ngdlib", 1000 * seconds, "ms", None
    peers = [name for name in ("torch", "curvlinops") if name in theirs]
    if not peers:
        raise RuntimeError("kfac: expected an answer of torch or of curvlinops, got none")
    for name in peers:
        gap = np.abs(theirs[name] - moved).max() / np.abs(moved).max()
        yield name, 1000 * float(theirs[f"{name} seconds"]), "ms", None
        yield f"{name}: difference / 1e-9", gap / 1e-9, "", 1.0
    fastest = min(float(theirs[f"{name} seconds"]) for name in peers)
    yield "our time / the fastest peer's", seconds / fastest, "", 1.0
