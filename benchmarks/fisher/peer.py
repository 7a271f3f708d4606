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


def in_jax(program):
    """A peer: `program(jax, X, shape)` gives the Fisher matrix as a function of the weights in one
    vector; compiled, in float64."""

    def make(x, W):
        import jax
        import jax.numpy as jnp

        jax.config.update("jax_enable_x64", True)
        w = jnp.asarray(W).ravel()
        fisher = jax.jit(program(jax, jnp.asarray(x), W.shape))
        return lambda: np.asarray(fisher(w).block_until_ready())

    return make


def hessian(jax, X, shape):
    """What one line of jax does by itself. Softmax regression is linear in its natural parameters:
    the Hessian of the mean log loss is the Fisher matrix, whatever the labels are."""

    def loss(w):
        return -jax.nn.log_softmax(X @ w.reshape(shape).T)[:, 0].mean()

    return jax.hessian(loss)


def gauss_newton(jax, X, shape):
    """The mean of JᵀHJ, both by automatic differentiation, all examples at once."""

    def logits(w):
        return X @ w.reshape(shape).T

    def fisher(w):
        J = jax.jacfwd(logits)(w)
        H = jax.vmap(jax.hessian(lambda z: -jax.nn.log_softmax(z)[0]))(logits(w))
        return jax.numpy.tensordot(J, H @ J, axes=((0, 1), (0, 1))) / len(X)

    return fisher


def sum_by_hand(jax, X, shape):
    """Σ Hₙ ⊗ xₙxₙᵀ with the Hessian of the log loss in the logits written down."""
    jnp = jax.numpy

    def fisher(w):
        q = jax.nn.softmax(X @ w.reshape(shape).T)
        H = q[:, :, None] * jnp.eye(q.shape[1]) - q[:, :, None] * q[:, None, :]
        return jnp.einsum("nkl,ni,nj->kilj", H, X, X).reshape(w.size, w.size) / len(X)

    return fisher


def blocks_by_hand(jax, X, shape):
    """The formula of ngdlib, blockdiag(Xᵀ diag(q_k) X) − ZᵀZ with Z = q ⊗ x, typed into jax."""
    jnp = jax.numpy

    def fisher(w):
        q = jax.nn.softmax(X @ w.reshape(shape).T)
        Z = (q[:, :, None] * X[:, None, :]).reshape(len(X), w.size)
        own = jnp.einsum("nki,nj->kij", Z.reshape(len(X), *shape), X)
        F = -(Z.T @ Z).reshape(*shape, *shape)
        k = jnp.arange(shape[0])
        return F.at[k, :, k, :].add(own).reshape(w.size, w.size) / len(X)

    return fisher


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


PEERS = {
    "jax, Hessian": in_jax(hessian),
    "jax, Gauss-Newton": in_jax(gauss_newton),
    "curvlinops": by_curvlinops,
    "jax, sum by hand": in_jax(sum_by_hand),
    "jax, our formula by hand": in_jax(blocks_by_hand),
}


def main(given, answers):
    data, out = np.load(given), {}
    for name, make in PEERS.items():
        try:
            out[name], out[f"{name} seconds"] = best(
                make(data["x"], data["W"]), int(data["repeats"])
            )
        except Exception as error:  # what is not installed, or has changed, is not compared
            print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr)
    np.savez(answers, **out)


if __name__ == "__main__":
    main(*sys.argv[1:])
