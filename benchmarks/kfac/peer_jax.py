"""One K-FAC step by kfac-jax, and its time; run in its own environment by `benchmarks.kfac`:
python peer_jax.py given.npz answers.npz

The step is compiled; damping is factored with pi, the only factored damping that it has."""

import sys
import time

import jax
import jax.numpy as jnp
import kfac_jax
import numpy as np

REPEATS = 5
jax.config.update("jax_enable_x64", True)


def loss(parameters, batch):
    (w1, b1), (w2, b2) = parameters
    x, y = batch
    logits = jnp.tanh(x @ w1 + b1) @ w2 + b2
    kfac_jax.register_softmax_cross_entropy_loss(logits, y)
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], 1))


def main(given, answers):
    data = np.load(given)
    start = [(jnp.asarray(W[:, :-1].T), jnp.asarray(W[:, -1])) for W in (data["W1"], data["W2"])]
    batch, key = (jnp.asarray(data["x"]), jnp.asarray(data["y"])), jax.random.PRNGKey(0)
    damping = float(data["damping"])
    optimiser = kfac_jax.Optimizer(
        jax.value_and_grad(loss),
        l2_reg=0.0,
        initial_damping=damping,
        damping_schedule=lambda step: damping,
        learning_rate_schedule=lambda step: 1.0,
        momentum_schedule=lambda step: 0.0,
        min_damping=0.0,
        num_burnin_steps=0,
        estimation_mode="fisher_exact",
        curvature_ema=0.0,
        inverse_update_period=1,
    )
    state = optimiser.init(start, key, batch)

    def step():  # it gives its arguments' memory away, so it gets copies
        copies = (jax.tree_util.tree_map(jnp.copy, tree) for tree in (start, state))
        moved, _, _ = optimiser.step(*copies, key, batch=batch, global_step_int=0)
        return jax.block_until_ready(moved)

    there, times = step(), []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        step()
        times.append(time.perf_counter() - begun)
    moved = [
        np.hstack([np.asarray(w - w0).T, np.asarray(b - b0)[:, None]]).ravel()
        for (w, b), (w0, b0) in zip(there, start, strict=True)
    ]
    np.savez(answers, kfac_jax=np.concatenate(moved), kfac_jax_seconds=min(times))


if __name__ == "__main__":
    main(*sys.argv[1:])
