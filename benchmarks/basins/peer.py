"""The basin sweep by plain batched numpy, torch and jax, and their times; run in the environment
of `benchmarks.fisher`:  python peer.py given.npz answers.npz"""

import sys
import time

import numpy as np

NAMES = ("SGD", "AdamW", "exact", "empirical", "diagonal")


def step(xp, name, k, x, y, a, b, m, v):
    """One step of all starts; a, b, m = (m1, m2), v = (v1, v2) are arrays (N,)."""
    u = b[:, None] * x
    s, c = xp.sin(u), xp.cos(u) * x * a[:, None]
    p = 1 / (1 + xp.exp(-a[:, None] * s))
    r, n = p - y, len(x)
    g = ((r * s).sum(1) / n, (r * c).sum(1) / n)
    if name == "SGD":
        m = tuple(0.9 * old + new for old, new in zip(m, g, strict=True))
        return a - 0.1 * m[0], b - 0.1 * m[1], m, v
    if name == "AdamW":
        m = tuple(old + 0.1 * (new - old) for old, new in zip(m, g, strict=True))
        v = tuple(old + 0.001 * (new * new - old) for old, new in zip(v, g, strict=True))
        a, b = (
            t * (1 - 0.03 * 0.01)
            - 0.03 * (one / (1 - 0.9**k)) / (xp.sqrt(two / (1 - 0.999**k)) + 1e-8)
            for t, one, two in zip((a, b), m, v, strict=True)
        )
        return a, b, m, v
    w = r * r if name == "empirical" else p * (1 - p)
    f11, f22 = (w * s * s).sum(1) / n + 0.01, (w * c * c).sum(1) / n + 0.01
    f12 = 0 * f11 if name == "diagonal" else (w * s * c).sum(1) / n
    det = f11 * f22 - f12 * f12
    a = a - 0.1 * (f22 * g[0] - f12 * g[1]) / det
    b = b - 0.1 * (f11 * g[1] - f12 * g[0]) / det
    return a, b, m, v


def looped(xp, x, y, starts, steps):
    """Plain batched arrays, one step after the other."""

    def sweep():
        found = {}
        for name in NAMES:
            a, b = starts[:, 0], starts[:, 1]
            m = v = (0 * a, 0 * a)
            for k in range(1, steps + 1):
                a, b, m, v = step(xp, name, k, x, y, a, b, m, v)
            found[name] = np.stack([np.asarray(a), np.asarray(b)], axis=1)
        return found

    return sweep


def by_numpy(x, y, starts, steps):
    return looped(np, x, y, starts, steps)


def by_torch(x, y, starts, steps):
    import torch

    return looped(torch, *(torch.as_tensor(part) for part in (x, y, starts)), steps)


def by_jax(x, y, starts, steps):
    """All steps in one compiled loop for each optimiser."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    X, Y = jnp.asarray(x), jnp.asarray(y)

    def run(name):
        @jax.jit
        def whole(a, b):
            zero = (0 * a, 0 * a)
            return jax.lax.fori_loop(
                1, steps + 1, lambda k, now: step(jnp, name, k, X, Y, *now), (a, b, zero, zero)
            )[:2]

        return whole

    runs = {name: run(name) for name in NAMES}

    def sweep():
        begin = jnp.asarray(starts[:, 0]), jnp.asarray(starts[:, 1])
        return {name: np.stack([np.asarray(t) for t in f(*begin)], 1) for name, f in runs.items()}

    return sweep


def main(given, answers):
    data, out = np.load(given), {}
    x, y, starts, steps = (data[name] for name in ("x", "y", "starts", "steps"))
    for name, make in (("numpy", by_numpy), ("torch", by_torch), ("jax", by_jax)):
        try:
            sweep, times = make(x, y, starts, int(steps)), []
            for _ in range(3):
                began = time.perf_counter()
                ends = sweep()
                times.append(time.perf_counter() - began)
            out |= {f"{name} {method}": ends[method] for method in NAMES}
            out |= {f"{name} first": times[0], f"{name} warm": min(times[1:])}
        except Exception as error:  # what is not installed, or has changed, is not compared
            print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr)
    np.savez(answers, **out)


if __name__ == "__main__":
    main(*sys.argv[1:])
