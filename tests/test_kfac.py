"""Fisher matrices of a network against autograd, all labels enumerated, and dense algebra."""

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad, jacobian
from hypothesis import given, settings
from hypothesis import strategies as st

from ngdlib import kfac

NETS = [
    kfac.network([3, 4, 2], "tanh", "gaussian"),
    kfac.network([2, 3, 1], "tanh", "bernoulli"),
    kfac.network([3, 4, 3, 3], "relu", "softmax"),
    kfac.network([4, 3], "identity", "softmax"),
]
every_net = pytest.mark.parametrize("net", NETS, ids=lambda n: f"{n.output} {n.sizes}")


def case(net, n=7, seed=0):
    rng = np.random.default_rng(seed)
    weights = [w + 0.3 * rng.standard_normal(w.shape) for w in kfac.initial(rng, net)]
    x = rng.standard_normal((n, net.sizes[0]))
    y = {
        "gaussian": lambda: rng.standard_normal((n, net.sizes[-1])),
        "bernoulli": lambda: rng.integers(0, 2, (n, 1)).astype(float),
        "softmax": lambda: rng.integers(0, net.sizes[-1], n),
    }[net.output]()
    return weights, x, y


def flat(weights):
    """vec of every layer, one after the other: columns are stacked."""
    return np.concatenate([w.T.ravel() for w in weights])


def apart(net, theta):
    weights, at = [], 0
    for o, i in net.shapes:
        weights.append(anp.reshape(theta[at : at + o * i], (i, o)).T)
        at += o * i
    return weights


# The network again, for autograd.


def outputs(net, theta, x):
    weights = apart(net, theta)
    phi = {"tanh": anp.tanh, "relu": lambda s: s * (s > 0), "identity": lambda s: s}[net.activation]
    for w in weights[:-1]:
        x = phi(x @ w[:, :-1].T + w[:, -1])
    return x @ weights[-1][:, :-1].T + weights[-1][:, -1]


def log_likelihoods(net, theta, x, y):
    f = outputs(net, theta, x)
    if net.output == "gaussian":
        return -anp.sum((f - y) ** 2, axis=1) / 2
    if net.output == "bernoulli":
        return -anp.log(1 + anp.exp(anp.where(y == 1, -f, f)))[:, 0]
    f = f - anp.log(anp.sum(anp.exp(f), axis=1, keepdims=True))
    return f[anp.arange(len(y)), y]


def output_curvature(net, f):
    """The Hessian of one example's loss in its outputs."""
    if net.output == "gaussian":
        return np.eye(len(f))
    if net.output == "bernoulli":
        p = 1 / (1 + np.exp(-f))
        return np.diag(p * (1 - p))
    p = np.exp(f) / np.exp(f).sum()
    return np.diag(p) - np.outer(p, p)


@every_net
def test_loss_and_gradient_are_those_of_automatic_differentiation(net):
    weights, x, y = case(net)
    theta = flat(weights)
    want = -grad(lambda t: anp.mean(log_likelihoods(net, t, x, y)))(theta)
    assert kfac.loss(net, weights, x, y) == pytest.approx(
        -log_likelihoods(net, theta, x, y).mean(), rel=1e-12
    )
    np.testing.assert_allclose(flat(kfac.gradient(net, weights, x, y)), want, rtol=1e-9, atol=1e-13)


@every_net
def test_the_exact_fisher_matrix_is_the_gauss_newton_matrix(net):
    weights, x, _ = case(net)
    theta = flat(weights)
    J = jacobian(lambda t: outputs(net, t, x))(theta)  # (n, K, parameters)
    H = [output_curvature(net, f) for f in outputs(net, theta, x)]
    ggn = sum(j.T @ h @ j for j, h in zip(J, H, strict=True)) / len(x)
    found = kfac.fisher(kfac.backward(net, weights, x))
    np.testing.assert_allclose(found, ggn, rtol=1e-9, atol=1e-13)
    assert not np.allclose(1.01 * found, ggn, rtol=1e-3)


def test_the_exact_fisher_matrix_is_the_mean_over_all_labels_of_the_model():
    net = NETS[2]
    weights, x, _ = case(net)
    theta = flat(weights)
    p = np.exp(np.stack([log_likelihoods(net, theta, x, [k] * len(x)) for k in range(3)], axis=1))
    want = 0
    for k in range(3):
        scores = jacobian(lambda t, k=k: log_likelihoods(net, t, x, [k] * len(x)))(theta)
        want = want + (p[:, k, None] * scores).T @ scores / len(x)
    np.testing.assert_allclose(kfac.fisher(kfac.backward(net, weights, x)), want, atol=1e-12)


@every_net
def test_the_empirical_fisher_matrix_takes_each_example_by_itself(net):
    weights, x, y = case(net)
    theta = flat(weights)
    scores = jacobian(lambda t: log_likelihoods(net, t, x, y))(theta)
    found = kfac.fisher(kfac.backward(net, weights, x, y, fisher_type="empirical"))
    np.testing.assert_allclose(found, scores.T @ scores / len(x), rtol=1e-9, atol=1e-13)
    squared_mean = np.outer(scores.mean(axis=0), scores.mean(axis=0))
    assert not np.allclose(found, squared_mean, rtol=0.1)


@every_net
def test_sampled_labels_converge_to_the_exact_matrix_at_the_rate_of_samples(net):
    weights, x, _ = case(net)
    exact = kfac.fisher(kfac.backward(net, weights, x))
    errors = []
    for samples in (100, 10_000):
        layers = kfac.backward(
            net, weights, x, fisher_type="mc", samples=samples, rng=np.random.default_rng(1)
        )
        errors.append(np.linalg.norm(kfac.fisher(layers) - exact) / np.linalg.norm(exact))
    assert errors[1] < 0.04
    assert 3 < errors[0] / errors[1] < 33  # 10, give or take


@every_net
def test_the_structures_are_parts_of_the_full_matrix(net):
    weights, x, _ = case(net)
    layers = kfac.backward(net, weights, x)
    full, block, diag = (kfac.fisher(layers, s) for s in ("full", "block", "diag"))
    np.testing.assert_allclose(np.diag(np.diag(full)), diag, atol=1e-15)
    size = net.shapes[0][0] * net.shapes[0][1]
    np.testing.assert_allclose(block[:size, :size], full[:size, :size], atol=1e-15)
    assert np.all(block[:size, size:] == 0)


def kfac_error(net, weights, x):
    layers = kfac.backward(net, weights, x)
    block, kron = kfac.fisher(layers, "block"), kfac.fisher(layers, "kfac")
    return np.linalg.norm(kron - block) / np.linalg.norm(block)


def test_kfac_is_exact_for_deep_linear_networks_with_square_loss_and_for_one_datum():
    linear = kfac.network([3, 4, 5, 2], "identity", "gaussian")
    weights, x, _ = case(linear, n=20)
    assert kfac_error(linear, weights, x) < 1e-14
    for net in NETS:
        weights, x, _ = case(net, n=1)
        assert kfac_error(net, weights, x) < 1e-14
    weights, x, _ = case(NETS[0], n=20)
    assert kfac_error(NETS[0], weights, x) > 0.01


def test_one_neuron_by_hand():
    """v = p(1 - p) at inputs 0 and 2: F = E[v a a^T], K-FAC = E[v] E[a a^T]."""
    net = kfac.network([1, 1], "identity", "bernoulli")
    x, weights = [[0.0], [2.0]], [np.array([[2.0, 0.0]])]
    p = 1 / (1 + np.exp(-np.array([0.0, 4.0])))
    v, a = p * (1 - p), np.array([[0.0, 1.0], [2.0, 1.0]])
    layers = kfac.backward(net, weights, x)
    F = (v[:, None, None] * a[:, :, None] * a[:, None, :]).mean(axis=0)
    K = v.mean() * (a[:, :, None] * a[:, None, :]).mean(axis=0)
    np.testing.assert_allclose(kfac.fisher(layers), F)
    np.testing.assert_allclose(kfac.fisher(layers, "kfac"), K)
    assert np.linalg.norm(K - F) / np.linalg.norm(F) == pytest.approx(2.023, abs=5e-4)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 1000), st.sampled_from([1e-6, 1e-2, 10.0]))
def test_preconditioning_is_the_damped_inverse_of_the_dense_matrix(seed, damping):
    net = NETS[2]
    weights, x, y = case(net, seed=seed)
    layer = kfac.backward(net, weights, x)[1]
    factor, v = kfac.factors(layer), kfac.gradient(net, weights, x, y)[1]
    A, G = factor
    n, m = len(G), len(A)

    def dense(matrix):
        return np.linalg.solve(matrix, v.T.ravel()).reshape(m, n).T

    root, pi = np.sqrt(damping), kfac.balance(factor)
    for how, matrix in {
        "exact": np.kron(A, G) + damping * np.eye(n * m),
        "factored": np.kron(A + root * np.eye(m), G + root * np.eye(n)),
        "pi": np.kron(A + pi * root * np.eye(m), G + root / pi * np.eye(n)),
    }.items():
        found = kfac.precondition(factor, v, damping, how)
        scale = np.abs(found).max()
        np.testing.assert_allclose(found, dense(matrix), rtol=1e-7, atol=1e-8 * scale)
    by_rows = np.linalg.solve(np.kron(A, G) + damping * np.eye(n * m), v.ravel()).reshape(n, m)
    assert not np.allclose(by_rows, dense(np.kron(A, G) + damping * np.eye(n * m)), rtol=1e-3)


def test_ekfac_is_the_best_diagonal_in_the_basis_of_kfac():
    net = NETS[2]
    weights, x, _ = case(net, n=30)
    for layer in kfac.backward(net, weights, x):
        basis = kfac.eigen(kfac.factors(layer), layer)
        U = np.kron(basis.U_A, basis.U_G)
        F = kfac.fisher([layer])
        np.testing.assert_allclose(basis.D.T.ravel(), np.diag(U.T @ F @ U), atol=1e-14)
        products = kfac.eigen(kfac.factors(layer)).D.T.ravel()
        error = np.linalg.norm(F - (U * basis.D.T.ravel()) @ U.T)
        assert error < np.linalg.norm(F - (U * products) @ U.T)
        np.testing.assert_allclose((U * products) @ U.T, np.kron(*kfac.factors(layer)), atol=1e-13)


@pytest.mark.parametrize("d", [5, 12])
def test_the_system_of_the_batch_solves_the_system_of_the_inputs(d):
    rng = np.random.default_rng(0)
    a, r = rng.standard_normal((5, d)), rng.standard_normal((5, 3))
    want = (r.T @ a / 5) @ np.linalg.inv(a.T @ a / 5 + 0.1 * np.eye(d))
    np.testing.assert_allclose(kfac.solve_by_examples(a, r, 0.1), want, rtol=1e-10)
    assert np.abs(kfac.solve_by_examples(a, r, 0.101) / want - 1).max() > 1e-3


@pytest.mark.parametrize("fisher_type", kfac.FISHER_TYPES)
@pytest.mark.parametrize("how", ["factored", "pi"])
@every_net
def test_a_step_is_the_factors_one_whichever_system_it_solves(net, how, fisher_type):
    """Fewer examples than inputs, and more: the change is that of A and G written out."""
    for n in (2, 4, 5, 6, 40):
        weights, x, y = case(net, n)
        more = {"fisher_type": fisher_type}
        rng = np.random.default_rng(3)
        after, info = kfac.step(
            net, kfac.start(weights), x, y, eta=1.0, damping=0.05, how=how, rng=rng, **more
        )
        layers = kfac.backward(net, weights, x, y, rng=np.random.default_rng(3), **more)
        V = kfac.gradient(net, weights, x, y)
        for l, (layer, v) in enumerate(zip(layers, V, strict=True)):
            A, G = kfac.factors(layer)
            pi = np.sqrt(np.trace(A) * len(G) / (np.trace(G) * len(A))) if how == "pi" else 1
            root = np.sqrt(0.05)
            left = np.linalg.solve(G + root / pi * np.eye(len(G)), v)
            want = -np.linalg.solve(A + root * pi * np.eye(len(A)), left.T).T
            np.testing.assert_allclose(
                after.weights[l] - weights[l], want, atol=1e-9 * np.abs(want).max()
            )
        norm = np.sqrt(sum((v**2).sum() for v in V))
        assert info.gradient_norm == pytest.approx(norm, rel=1e-12)
        assert after.factors is None


def test_a_step_ignores_affine_charts_of_the_inputs_and_damping_does_not():
    """Inputs replaced by M a with W M^-1: the same function, before and after an undamped step."""
    rng = np.random.default_rng(2)
    net = kfac.network([3, 2], "identity", "gaussian")
    weights, x, y = case(net, n=40)
    M = rng.standard_normal((3, 3)) + 2 * np.eye(3)
    shift = rng.standard_normal(3)
    other_x = x @ M.T + shift
    inverse = np.linalg.inv(M)
    slope = weights[0][:, :-1] @ inverse
    other = [np.column_stack([slope, weights[0][:, -1] - slope @ shift])]

    def gap(damping):
        one, _ = kfac.step(net, kfac.start(weights), x, y, eta=0.5, damping=damping)
        two, _ = kfac.step(net, kfac.start(other), other_x, y, eta=0.5, damping=damping)
        return np.abs(
            kfac.outputs(net, one.weights, x) - kfac.outputs(net, two.weights, other_x)
        ).max()

    assert gap(1e-12) < 1e-8
    assert gap(0.1) > 1e-3


@pytest.mark.parametrize("method", kfac.METHODS)
@pytest.mark.parametrize("fisher_type", kfac.FISHER_TYPES)
def test_steps_descend_and_say_what_they_did(method, fisher_type):
    net = NETS[2]
    weights, x, y = case(net, n=60)
    state, rng = kfac.start(weights), np.random.default_rng(0)
    losses = []
    for _ in range(15):
        state, info = kfac.step(
            net, state, x, y, eta=0.3, damping=0.1, method=method, fisher_type=fisher_type,
            decay=0.0 if method == "full" else 0.9, rng=rng,
        )  # fmt: skip
        losses.append(info.loss)
    assert losses[-1] < losses[0]
    assert state.step == 15 and info.step_norm > 0
    np.testing.assert_array_equal(weights[0], case(net, n=60)[0][0])  # the start is untouched


def test_running_averages_are_weighted_sums():
    net = NETS[0]
    weights, x, y = case(net)
    first, _ = kfac.step(net, kfac.start(weights), x, y, eta=0.1, damping=1.0, decay=0.9)
    second, _ = kfac.step(net, first, x, y, eta=0.1, damping=1.0, decay=0.9)
    fresh = kfac.factors(kfac.backward(net, first.weights, x)[0])
    np.testing.assert_allclose(
        second.factors[0].G, 0.9 * first.factors[0].G + 0.1 * fresh.G, rtol=1e-12
    )
    third, _ = kfac.step(net, second, x, y, eta=0.1, damping=1.0)
    assert third.factors is None  # no mean runs on without a decay


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: kfac.network([3]), "two sizes or more"),
        (lambda: kfac.network([3, 2.5]), "an integer"),
        (lambda: kfac.network([3, 2], "selu"), "activation.*one of"),
        (lambda: kfac.network([3, 2], output="bernoulli"), "one output"),
        (lambda: kfac.loss(NETS[0], [np.eye(2)], [[1, 2, 3]], [[1, 2]]), "list of 2 arrays"),
        (lambda: kfac.loss(NETS[3], [np.ones((3, 5))], [[1, 2, 3, 4]], [3]), "labels 0, ..., 2"),
        (lambda: kfac.loss(NETS[3], [np.ones((3, 5))], [[1, 2, np.nan, 4]], [1]), "finite"),
        (lambda: kfac.backward(NETS[3], [np.ones((3, 5))], [[1, 2, 3]]), r"shape \(N, 4\)"),
        (
            lambda: kfac.backward(NETS[3], [np.ones((3, 5))], np.ones((2, 4)), fisher_type="true"),
            "fisher_type.*one of",
        ),
        (
            lambda: kfac.backward(NETS[3], [np.ones((3, 5))], np.ones((2, 4)), fisher_type="mc"),
            "rng.*Generator",
        ),
        (
            lambda: kfac.precondition(kfac.Factors(np.eye(2), np.eye(3)), np.eye(2), 1.0),
            r"shape \(3, 2\)",
        ),
        (
            lambda: kfac.precondition(kfac.Factors(np.eye(2), np.eye(2)), np.eye(2), 0.0),
            "number > 0",
        ),
    ],
)
def test_bad_input_is_refused_in_words(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_the_full_step_is_the_damped_inverse_of_the_dense_matrix():
    """Through the parameters where the labels are many, through the labels where they are few."""
    net = NETS[2]
    for n in (2, 40):  # 6 and 120 weighted labels for 43 parameters
        weights, x, y = case(net, n=n)
        layers, V = kfac.backward(net, weights, x), kfac.gradient(net, weights, x, y)
        F = kfac.fisher(layers)
        for damping in (1e-3, 1.0):
            want = np.linalg.solve(F + damping * np.eye(len(F)), flat(V))
            found = flat(kfac.solve_full(layers, V, damping))
            np.testing.assert_allclose(found, want, rtol=1e-7, atol=1e-9 * np.abs(want).max())
            assert not np.allclose(1.01 * found, want, rtol=1e-3)
        state, info = kfac.step(net, kfac.start(weights), x, y, eta=0.5, damping=1.0, method="full")
        moved = flat(weights) - flat(state.weights)
        np.testing.assert_allclose(moved, 0.5 * found, rtol=1e-7, atol=1e-12)
        assert info.step_norm == pytest.approx(np.linalg.norm(moved))


def test_the_ekfac_matrix_has_the_right_diagonal_in_the_eigenbasis():
    net = NETS[2]
    weights, x, _ = case(net, n=30)
    layers = kfac.backward(net, weights, x)
    block, kron, ek = (kfac.fisher(layers, s) for s in ("block", "kfac", "ekfac"))
    U = np.kron(*(np.linalg.eigh(m)[1] for m in kfac.factors(layers[0])))
    n = len(U)
    np.testing.assert_allclose(
        np.diag(U.T @ ek[:n, :n] @ U), np.diag(U.T @ block[:n, :n] @ U), atol=1e-14
    )
    assert np.linalg.norm(ek - block) < np.linalg.norm(kron - block)
    assert np.trace(ek) == pytest.approx(np.trace(block))


def test_the_fisher_matrix_is_at_most_the_number_of_examples_times_kfac():
    for net in NETS:
        weights, x, _ = case(net, n=5)
        layers = kfac.backward(net, weights, x)
        block, kron = kfac.fisher(layers, "block"), kfac.fisher(layers, "kfac")
        assert np.linalg.eigvalsh(5 * kron - block)[0] > -1e-12
        assert np.linalg.eigvalsh(0.5 * kron - block)[0] < -1e-6  # negative control


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"method": "newton"}, "method.*one of"),
        ({"method": "ekfac", "how": "pi"}, "how: expected 'exact'"),
        ({"method": "full", "how": "factored"}, "how: expected 'exact'"),
        ({"method": "full", "decay": 0.9}, "decay: expected 0"),
    ],
)
def test_a_step_refuses_what_its_method_does_not_know(more, words):
    net = NETS[3]
    weights, x, y = case(net)
    with pytest.raises(ValueError, match=words):
        kfac.step(net, kfac.start(weights), x, y, eta=0.1, damping=0.1, **more)


def test_the_full_solve_names_wrong_shapes():
    weights, x, _ = case(NETS[3])
    layers = kfac.backward(NETS[3], weights, x)
    with pytest.raises(ValueError, match=r"gradients: expected shapes \[\(3, 5\)\]"):
        kfac.solve_full(layers, [np.ones((5, 3))], 0.1)


def test_costs_are_those_of_the_arrays():
    net = NETS[2]
    weights, x, y = case(net, n=6)
    for layer, v in zip(
        kfac.backward(net, weights, x), kfac.gradient(net, weights, x, y), strict=True
    ):
        found = kfac.cost(*reversed(v.shape), examples=6, labels=layer.g.shape[1])
        A, G = kfac.factors(layer)
        assert found.weights == v.size
        assert found.block_numbers == kfac.fisher([layer]).size
        assert found.factor_numbers == A.size + G.size
        assert found.factor_inverse == len(A) ** 3 + len(G) ** 3
        assert found.block_form == kfac.rows([layer]).size * v.size
        assert found.factor_form == layer.a.size * len(A) + layer.g.size * len(G)
        assert found.factor_apply == G.size * len(A) + A.size * len(G)
    with pytest.raises(ValueError, match="units: expected"):
        kfac.cost(3, 0)
