"""The exact Fisher matrix of softmax regression by jax and by curvlinops, and their times; run in
its own environment by `benchmarks.fisher`:  python peer.py given.npz answers.npz"""

import sys
import time

import numpy as np


def best(f, repeats):
    """The value, and the least of some times in seconds: one call first, uncounted."""
    value, times = f(), []
    for _ in range(repeats):
        start = time.perf_counter()
        f()
        times.append(time.perf_counter() - start)
    return value, min(times)


def by_jax(x, W):
    """Per example JᵀHJ with the Hessian of the log loss in the logits, compiled; in float64."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    X, w = jnp.asarray(x), jnp.asarray(W).ravel()

    @jax.jit
    def fisher(w):
        q = jax.nn.softmax(X @ w.reshape(W.shape).T)
        H = q[:, :, None] * jnp.eye(q.shape[1]) - q[:, :, None] * q[:, None, :]
        return jnp.einsum("nkl,ni,nj->kilj", H, X, X).reshape(w.size, w.size) / len(X)

    return lambda: np.asarray(fisher(w).block_until_ready())


def by_curvlinops(x, W):
    """Its Gauss–Newton operator of the mean cross entropy, times the identity; in float64."""
    import torch
    from curvlinops import GGNLinearOperator

    torch.set_default_dtype(torch.float64)
    model = torch.nn.Linear(x.shape[1], len(W), bias=False)
    with torch.no_grad():
        model.weight.copy_(torch.as_tensor(W))
    data = [(torch.as_tensor(x), torch.zeros(len(x), dtype=torch.long))]  # the labels drop out
    loss = torch.nn.CrossEntropyLoss(reduction="mean")
    parameters = [p for p in model.parameters() if p.requires_grad]
    operator = GGNLinearOperator(model, loss, parameters, data, check_deterministic=False)
    identity = torch.eye(W.size)
    return lambda: (operator @ identity).detach().numpy()


def main(given, answers):
    data, out = np.load(given), {}
    for name, make in (("jax", by_jax), ("curvlinops", by_curvlinops)):
        try:
            out[name], out[f"{name} seconds"] = best(
                make(data["x"], data["W"]), int(data["repeats"])
            )
        except Exception as error:  # what is not installed, or has changed, is not compared
            print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr)
    np.savez(answers, **out)


if __name__ == "__main__":
    main(*sys.argv[1:])
