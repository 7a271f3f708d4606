"""The sweep against automatic differentiation, dense algebra, AdamW written again; and its ways of
being computed: rows, blocks, threads, processes, a cluster, interrupted and resumed."""

import asyncio
import threading
import warnings
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import autograd.numpy as anp
import distributed
import numpy as np
import pytest
from autograd import elementwise_grad, jacobian
from hypothesis import given, settings
from hypothesis import strategies as st

from ngdlib import basins

MODELS = [basins.Rhythm(), basins.Bump(), basins.Bump(height=-2.0, width=0.3)]
every_model = pytest.mark.parametrize("model", MODELS, ids=lambda m: repr(m))
FIVE = {
    "SGD": basins.SGD(0.1),
    "AdamW": basins.AdamW(0.05),
    "exact": basins.Natural(0.3),
    "empirical": basins.Natural(0.3, 1e-3, "empirical"),
    "diagonal": basins.Natural(0.3, 1e-3, "exact", "diag"),
}
STARTS = np.random.default_rng(5).uniform([-3.5, 0.2], [3.5, 5.8], (300, 2))


def data_of(model, n=60):
    return basins.simulate(model, [2.5, 2.0], n, np.random.default_rng(0))


def f_of(model, theta, x):
    if isinstance(model, basins.Rhythm):
        return theta[0] * anp.sin(theta[1] * x)
    return model.height * anp.exp(-(((x - theta[0]) / model.width) ** 2) / 2) + theta[1]


def loss_of(model, theta, data):
    f = f_of(model, theta, data.x)
    return anp.mean(anp.log(1 + anp.exp(f)) - data.y * f)


@every_model
@settings(deadline=None, max_examples=30)
@given(st.floats(-4, 4), st.floats(-8, 8))
def test_loss_gradient_and_fisher_are_those_of_the_definition(model, t1, t2):
    theta, data = np.array([t1, t2]), data_of(model)
    J = jacobian(lambda t: f_of(model, t, data.x))(theta)
    p = 1 / (1 + np.exp(-f_of(model, theta, data.x)))
    np.testing.assert_allclose(basins.jacobian(model, theta, data.x), J, atol=1e-12)
    assert basins.loss(model, theta, data) == pytest.approx(loss_of(model, theta, data), rel=1e-12)
    g = ((p - data.y)[:, None] * J).mean(axis=0)
    np.testing.assert_allclose(basins.gradient(model, theta, data), g, atol=1e-13)
    for kind, w in {"exact": p * (1 - p), "empirical": (p - data.y) ** 2}.items():
        want = (J.T * w) @ J / len(data.x)
        np.testing.assert_allclose(basins.fisher(model, theta, data, kind), want, atol=1e-12)
    slope = elementwise_grad(lambda t: loss_of(model, t, data))(theta)
    np.testing.assert_allclose(g, slope, atol=1e-12)


@every_model
@pytest.mark.parametrize("kind", ["exact", "empirical", "diagonal"])
def test_a_natural_step_solves_the_damped_system(model, kind):
    data, optimiser = data_of(model), FIVE[kind]
    state = basins.start(optimiser, STARTS[:20])
    new, info = basins.step(model, data, optimiser, state)
    F = basins.fisher(model, STARTS[:20], data, optimiser.fisher_type)
    if optimiser.structure == "diag":
        F = F * np.eye(2)
    g = basins.gradient(model, STARTS[:20], data)
    want = STARTS[:20] - 0.3 * np.linalg.solve(F + 1e-3 * np.eye(2), g[..., None])[..., 0]
    np.testing.assert_allclose(new.theta, want, rtol=1e-10)
    np.testing.assert_allclose(info.gradient, g, atol=1e-14)
    np.testing.assert_allclose(info.loss, basins.loss(model, STARTS[:20], data), rtol=1e-12)
    assert info.finite.all() and np.array_equal(state.theta, STARTS[:20])


def adamw_again(g, theta, steps, eta, b1, b2, eps, decay):
    """Algorithm 2 of Loshchilov & Hutter 2019, one number at a time."""
    theta, m, v = list(theta), [0.0, 0.0], [0.0, 0.0]
    for t in range(1, steps + 1):
        slope = g(np.array(theta))
        for i in range(2):
            m[i] = b1 * m[i] + (1 - b1) * slope[i]
            v[i] = b2 * v[i] + (1 - b2) * slope[i] ** 2
            m_hat, v_hat = m[i] / (1 - b1**t), v[i] / (1 - b2**t)
            theta[i] -= eta * m_hat / (v_hat**0.5 + eps) + eta * decay * theta[i]
    return theta


def test_adamw_and_momentum_are_their_published_definitions():
    model, data = MODELS[0], data_of(MODELS[0])

    def g(theta):
        return basins.gradient(model, theta, data)

    optimiser = basins.AdamW(0.07, 0.8, 0.95, 1e-6, 0.1)
    path, losses = basins.run(model, data, optimiser, STARTS[:3], 25)
    for k in range(3):
        want = adamw_again(g, STARTS[k], 25, 0.07, 0.8, 0.95, 1e-6, 0.1)
        np.testing.assert_allclose(path[-1, k], want, rtol=1e-10)
        wrong = adamw_again(g, STARTS[k], 25, 0.07, 0.8, 0.95, 1e-6, 0.0)
        assert not np.allclose(path[-1, k], wrong, rtol=1e-3)
    np.testing.assert_allclose(losses[7], basins.loss(model, path[7], data), rtol=1e-12)
    path, _ = basins.run(model, data, basins.SGD(0.2, 0.7), STARTS[:1], 3)
    theta, v = STARTS[0].copy(), np.zeros(2)
    for k in range(3):
        v = 0.7 * v + g(theta)
        theta = theta - 0.2 * v
        np.testing.assert_allclose(path[k + 1, 0], theta, rtol=1e-12)


@every_model
def test_a_row_does_not_depend_on_the_rows_beside_it(model):
    data = data_of(model)
    whole = basins.sweep(model, data, FIVE, STARTS, 40)
    part = basins.sweep(model, data, FIVE, STARTS[100:103], 40)
    for name, ends in whole.items():
        np.testing.assert_array_equal(ends.theta[100:103], part[name].theta)
        path, losses = basins.run(model, data, FIVE[name], STARTS[100:103], 40)
        np.testing.assert_array_equal(path[-1], part[name].theta)
        np.testing.assert_array_equal(losses[-1], part[name].loss)


def same(one, two):
    return all(
        np.array_equal(a, b, equal_nan=True)
        for name in one
        for a, b in zip(one[name], two[name], strict=True)
    )


@pytest.mark.parametrize("executor", [ThreadPoolExecutor, ProcessPoolExecutor])
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_results_are_the_same_bytes_whatever_the_workers(executor, workers):
    model, data = MODELS[0], data_of(MODELS[0])
    alone = basins.sweep(model, data, FIVE, STARTS, 30)
    with executor(workers) as pool:
        assert same(alone, basins.sweep(model, data, FIVE, STARTS, 30, executor=pool))


def test_an_interrupted_sweep_goes_on_and_repeats_nothing(tmp_path):
    model, data = MODELS[0], data_of(MODELS[0])
    whole = basins.sweep(model, data, FIVE, STARTS, 30)
    seen = []

    def interrupt(done, total):
        seen.append((done, total))
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), ThreadPoolExecutor(2) as pool:
        basins.sweep(
            model, data, FIVE, STARTS, 30, executor=pool, store=tmp_path, progress=interrupt
        )
    assert seen == [(k, 15) for k in range(1, 5)]
    kept = {file: file.stat().st_mtime_ns for file in tmp_path.glob("*.npz")}
    assert len(kept) == 4
    (tmp_path / "torn.part").write_bytes(b"PK")  # what an interrupted write leaves
    assert same(whole, basins.sweep(model, data, FIVE, STARTS, 30, store=tmp_path))
    assert len(list(tmp_path.glob("*.npz"))) == 15
    assert all(file.stat().st_mtime_ns == then for file, then in kept.items())
    other = basins.sweep(model, data, {"SGD": basins.SGD(0.11)}, STARTS, 30, store=tmp_path)
    assert not np.array_equal(other["SGD"].theta, whole["SGD"].theta)  # another eta, another file


def test_a_cluster_gives_the_same_bytes_though_a_worker_dies_on_the_way(tmp_path):
    asyncio.set_event_loop(asyncio.new_event_loop())  # a browser test may have left none
    model, data = MODELS[0], data_of(MODELS[0])
    alone = basins.sweep(model, data, FIVE, STARTS, 400)
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        victim, killed = next(iter(cluster.workers.values())), threading.Event()

        def kill(done, total):
            if not killed.is_set():
                killed.set()
                victim.process.process.kill()

        found = basins.sweep(
            model, data, FIVE, STARTS, 400, executor=client.get_executor(), progress=kill
        )
        assert killed.is_set()
    assert same(alone, found)


def test_no_starts_have_no_ends(tmp_path):
    none = np.zeros((0, 2))
    for store in (None, tmp_path):
        ends = basins.sweep(
            MODELS[0], data_of(MODELS[0]), {"it": basins.SGD(0.3)}, none, 3, store=store
        )
        assert [part.shape for part in ends["it"]] == [(0, 2), (0,), (0,)]


def test_far_out_nothing_overflows():
    """Logits of 1e6, where exp(-f) is not a number: the probability is 0 or 1, without a word."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        far = basins.gradient(basins.Rhythm(), [-1e6, 1.0], data_of(MODELS[0]))
        assert np.isfinite(far).all() and np.hypot(*far) > 1
        assert np.isfinite(basins.fisher(basins.Rhythm(), [-1e6, 1.0], data_of(MODELS[0]))).all()


def test_a_run_that_leaves_the_numbers_says_so():
    model, data = MODELS[1], data_of(MODELS[1])
    ends = basins.sweep(model, data, {"SGD": basins.SGD(1e308)}, STARTS[:5], 30)["SGD"]
    assert np.isnan(ends.theta).all() and np.isnan(ends.loss).all()
    new, info = basins.step(model, data, basins.SGD(1e308), basins.start(FIVE["SGD"], [[0, 1e308]]))
    assert info.finite.tolist() == [np.isfinite(new.theta).all()]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda d: basins.loss("sine", [0, 1], d), "model.*a model of this module"),
        (lambda d: basins.loss(MODELS[0], [0, 1, 2], d), r"shape \(..., 2\)"),
        (lambda d: basins.loss(MODELS[0], [0, 1], basins.Data([1.0], [2.0])), "answers 0 or 1"),
        (lambda d: basins.loss(MODELS[0], [0, 1], basins.Data([], [])), "one shape"),
        (lambda d: basins.fisher(MODELS[0], [0, 1], d, "mc"), "fisher_type.*empirical"),
        (lambda d: basins.run(MODELS[0], d, basins.SGD(0), [[0, 1]], 1), "eta.*> 0"),
        (lambda d: basins.run(MODELS[0], d, basins.SGD(1, 1.0), [[0, 1]], 1), "momentum"),
        (lambda d: basins.run(MODELS[0], d, basins.Natural(1, 0), [[0, 1]], 1), "damping.*> 0"),
        (lambda d: basins.run(MODELS[0], d, basins.SGD(1), [0, 1], 1), r"shape \(B, 2\)"),
        (lambda d: basins.run(MODELS[0], d, basins.SGD(1), [[0, 1]], -1), "steps"),
        (lambda d: basins.sweep(MODELS[0], d, {"a": "b"}, [[0, 1]], 1), "optimiser"),
    ],
)
def test_bad_input_is_refused_in_words(call, words):
    with pytest.raises(ValueError, match=words):
        call(data_of(MODELS[0]))
