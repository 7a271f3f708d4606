"""Checks of the chapter "K-FAC".

Each is fed a statement as data, once as the book makes it and once in a false version, and decides
it on Fisher matrices that the library builds in full: of one neuron, of the network of the course's
third example, of a small network drawn in the chapter, and on runs on the digits of scikit-learn.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from ngdlib import digits, kfac
from ngdlib.claims import Evidence, claim, opinion
from ngdlib.descent import natural_direction
from ngdlib.kfac import Backward, Factors

NEURON = kfac.network([1, 1], "identity", "bernoulli")
COURSE = kfac.network([100, 50, 10], "relu", "softmax")  # the network of its example 3
REFERENCES = Path(__file__).resolve().parents[2] / "references.bib"


def _near(found, stated, tolerance=1e-3):
    found, stated = np.asarray(found, dtype=float), np.asarray(stated, dtype=float)
    if found.shape != stated.shape:
        return False
    return bool(np.all(np.abs(found - stated) <= tolerance * np.maximum(np.abs(found), 1e-9)))


def _error(matrix, F):
    return float(np.linalg.norm(matrix - F) / np.linalg.norm(F))


def _neuron(w, x=(0.0, 2.0), y=None):
    """The layer of p = σ(w x) on inputs x; with labels y the observed ones."""
    x = np.asarray(x)[:, None]
    if y is None:
        return kfac.backward(NEURON, [np.array([[w, 0.0]])], x)[0]
    y = np.asarray(y)[:, None]
    return kfac.backward(NEURON, [np.array([[w, 0.0]])], x, y, fisher_type="empirical")[0]


def _curve(w):
    layer = _neuron(w)
    return _error(kfac.fisher([layer], "kfac"), kfac.fisher([layer]))


@cache
def _course(examples=200):
    """Weights by He's rule, normal inputs, random labels; the layers, model's labels and data's."""
    rng = np.random.default_rng(0)
    weights = kfac.initial(rng, COURSE, gain=np.sqrt(2))
    x, y = rng.normal(size=(200, 100)), rng.integers(0, 10, 200)
    x, y = x[:examples], y[:examples]
    layers = kfac.backward(COURSE, weights, x)
    observed = kfac.backward(COURSE, weights, x, y, fisher_type="empirical")
    return layers, observed, kfac.gradient(COURSE, weights, x, y)


@cache
def _output_block():
    layer = _course()[0][1]
    return kfac.fisher([layer]), kfac.factors(layer)


def _rank(matrix):
    """Of a symmetric matrix that is positive semidefinite."""
    return float(np.sum(np.linalg.eigvalsh(matrix) > 1e-10))


@cache
def _ranks():
    """Ranks of the output block and of A ⊗ G: on 200 inputs, on five."""
    found = []
    for examples in (200, 5):
        layer = _course(examples)[0][1]
        found.append((_rank(kfac.fisher([layer])), _rank(kfac.fisher([layer], "kfac"))))
    return found


def _centred(layer):
    mean = layer.a.mean(axis=0)
    return kfac.factors(layer).A - np.outer(mean, mean)


def _random(seed, m=3, n=2):
    """Positive definite A (m, m) and G (n, n), and V (n, m)."""
    rng = np.random.default_rng(seed)
    A, G = rng.normal(size=(m, 2 * m)), rng.normal(size=(n, 2 * n))
    return A @ A.T, G @ G.T, rng.normal(size=(n, m))


CASES = [_random(0), _random(1), _random(2, 4, 3)]


def _root(matrix):
    values, U = np.linalg.eigh(matrix)
    return (U / np.sqrt(values)) @ U.T


# The identity


@claim(
    "S0-25",
    verdict="holds under conditions",
    where="kfac-identity",
    paraphrase="K-FAC approximates a layer's Fisher block by A ⊗ G, A = E[aaᵀ], G = E[δδᵀ].",
    correct="With columns stacked, and with gradients δ at labels of the model. In the network of "
    "the course's example it is off by 27.5 %; flatten rows, as numpy does, and A ⊗ G is off by "
    "134.6 %; with the labels of the data by 64.9 %.",
    truth={"columns": 0.275296, "rows": 1.345813, "data's labels": 0.648604},
    control={"columns": 0.275296, "rows": 0.275296, "data's labels": 0.648604},
    control_name="an order of vec that does not matter",
)
def order_of_vec(stated) -> Evidence:
    F, (A, G) = _output_block()
    observed = kfac.factors(_course()[1][1]).G
    found = {
        "columns": _error(np.kron(A, G), F),
        "rows": _error(np.kron(G, A), F),
        "data's labels": _error(np.kron(A, observed), F),
    }
    return Evidence(
        _near(list(found.values()), [stated[k] for k in found]),
        found,
        "The output layer of 100-50-10 with biases, untrained, on 200 inputs.",
        {
            "27.5 %": 100 * found["columns"],
            "134.6 %": 100 * found["rows"],
            "64.9 %": 100 * found["data's labels"],
        },
    )


@claim(
    "S0-26",
    verdict="holds",
    where="kfac-identity",
    paraphrase="The step of a layer is ΔW ∝ −G⁻¹ (∂L/∂W) A⁻¹.",
    correct="Where A and G are invertible it is the step by A ⊗ G, in either order of vec: full "
    "inverses on both sides, no roots.",
    truth={"step": lambda A, G, V: -np.linalg.solve(G, V) @ np.linalg.inv(A)},
    control={"step": lambda A, G, V: -_root(G) @ V @ _root(A)},
    control_name="inverse roots on both sides, as in Shampoo",
)
def step_of_a_layer(stated) -> Evidence:
    right = True
    for A, G, V in CASES:
        n, m = V.shape
        dense = -np.linalg.solve(np.kron(A, G), V.T.ravel()).reshape(m, n).T
        right &= _near(stated["step"](A, G, V), dense, 1e-6)
        rows = -np.linalg.solve(np.kron(G, A), V.ravel()).reshape(n, m)
        right &= _near(dense, rows, 1e-6)
    return Evidence(
        right, {"cases": len(CASES)}, "Against the dense systems, columns stacked and rows.", {}
    )


@claim(
    "S0-27",
    verdict="holds",
    where="kfac-factors",
    paraphrase="The Kronecker factors do not decide which basin should be selected.",
    correct="The factors of the exact Fisher matrix contain no label of the data, so labels that "
    "favour another basin leave them as they are. (Which basin a path ends in can change: they "
    "bend the path.) Taken at the data's labels, G would be 0.206 of itself when the labels of one "
    "neuron are turned round.",
    truth={"exact": 1.0, "at the data's labels": 0.20617},
    control={"exact": 0.20617, "at the data's labels": 0.20617},
    control_name="factors that follow the labels",
)
def factors_hold_no_label(stated) -> Evidence:
    """One neuron at w = 2, inputs 0 and 2: labels (1, 0), then (0, 1)."""
    x = np.array([[0.0], [2.0]])
    found = {}
    for name, kind in (("exact", "exact"), ("at the data's labels", "empirical")):
        one, two = (
            kfac.factors(
                kfac.backward(NEURON, [np.array([[2.0, 0.0]])], x, y, fisher_type=kind)[0]
            ).G.item()
            for y in ([[1.0], [0.0]], [[0.0], [1.0]])
        )
        found[name] = two / one
    return Evidence(
        _near(list(found.values()), [stated[k] for k in found]),
        found,
        "G with the labels turned round, over G.",
        {"0.206": found["at the data's labels"]},
    )


@claim(
    "S1-38",
    verdict="holds under conditions",
    where="kfac-damping",
    paraphrase="(A ⊗ G)⁻¹ = A⁻¹ ⊗ G⁻¹, so two small inverses do.",
    correct="Where both are invertible; and it does not survive damping. For the course's network "
    "with λ = 0.01, λ on both factors misses (A ⊗ G + λI)⁻¹ by 355.9 %, its root on both by 70.7 "
    "%, π-corrected by 57.9 %. In the eigenbasis exact damping is cheap.",
    heard="The inverse of A ⊗ G factorises, so damp each factor.",
    fact="It factorises undamped. λ = 0.01 on both factors misses (A ⊗ G + λI)⁻¹ by 355.9 %, its "
    "root by 70.7 %; in the eigenbasis damping is exact.",
    truth={"λ on both": 3.559415, "root": 0.706611, "pi": 0.578688},
    control={"λ on both": 0.0, "root": 0.0, "pi": 0.0},
    control_name="a damped inverse that factorises",
)
def damping_does_not_factorise(stated) -> Evidence:
    found, exact = _damped_errors()
    return Evidence(
        exact < 1e-9 and _near(list(found.values()), [stated[k] for k in found]),
        found | {"in the eigenbasis": exact},
        "Relative errors of whole inverses, 510 × 510.",
        {
            "λ = 0.01": 0.01,
            "355.9 %": 100 * found["λ on both"],
            "70.7 %": 100 * found["root"],
            "57.9 %": 100 * found["pi"],
        },
    )


@cache
def _damped_errors(λ=0.01):
    A, G = _output_block()[1]
    exact = np.linalg.inv(np.kron(A, G) + λ * np.eye(510))
    values, U = np.linalg.eigh(A)
    others, Q = np.linalg.eigh(G)
    both = np.kron(U, Q)
    rotated = (both / (np.kron(values, others) + λ)) @ both.T
    found, π = {}, kfac.balance(Factors(A, G))
    for name, left, right in (
        ("λ on both", λ, λ),
        ("root", λ**0.5, λ**0.5),
        ("pi", π * λ**0.5, λ**0.5 / π),
    ):
        inverse = [np.linalg.inv(M + d * np.eye(len(M))) for M, d in ((A, left), (G, right))]
        found[name] = _error(np.kron(*inverse), exact)
    return found, _error(rotated, exact)


@claim(
    "S3-40",
    verdict="holds under conditions",
    where="kfac-identity",
    paraphrase="The inverse of a Kronecker product is the product of the inverses.",
    correct="Where both inverses exist. A softmax layer's G does not have one: of 510 eigenvalues "
    "of its A ⊗ G 51 are zero.",
    truth={
        "inverse": lambda A, G: np.kron(np.linalg.inv(A), np.linalg.inv(G)),
        "zeros": 51.0,
    },
    control={"inverse": lambda A, G: np.kron(np.linalg.inv(A), np.linalg.inv(G)), "zeros": 0.0},
    control_name="a softmax block that can be inverted",
)
def inverse_of_a_product(stated) -> Evidence:
    right = True
    for A, G, _ in CASES:
        undone = stated["inverse"](A, G) @ np.kron(A, G)
        right &= bool(np.abs(undone - np.eye(len(undone))).max() < 1e-8)
    A, G = _output_block()[1]
    zeros = 510 - _ranks()[0][1]
    return Evidence(
        right and _near(zeros, stated["zeros"]),
        {"eigenvalues that are zero": zeros},
        "Three pairs of matrices, and the output layer of 100-50-10.",
        {"510": float(len(A) * len(G)), "51": zeros},
    )


# What A and G are


@claim(
    "S1-35",
    verdict="holds under conditions",
    where="kfac-one-neuron",
    paraphrase="In feedforward networks the Fisher matrix of a layer approximately factorises.",
    correct="It does where aaᵀ and ggᵀ are uncorrelated, and it can fail altogether: one neuron "
    "with inputs 0 and 2 is exact at w = 0, off by 202.3 % at w = 2, and the error tends to √6 "
    "times the matrix itself.",
    truth={
        "error": lambda w: _by_formula(w),
        "limit": np.sqrt(6.0),
    },
    control={"error": lambda w: 0.0, "limit": 0.0},
    control_name="a factorisation that is exact",
)
def error_of_a_neuron(stated) -> Evidence:
    at = (0.5, 1.0, 2.0, 4.0)
    far = _curve(30.0)
    return Evidence(
        _near([_curve(w) for w in at], [stated["error"](w) for w in at], 1e-6)
        and _near(far, stated["limit"]),
        {f"w = {w:g}": _curve(w) for w in at},
        "F and A ⊗ G built in full, the error in the Frobenius norm.",
        {
            "w = 0": _curve(0.0) < 1e-12,
            "w = 2": at[2],
            "202.3 %": 100 * _curve(2.0),
            "√6": _near(far, np.sqrt(6)),
            "0": _neuron(0.0).a[0, 0],
            "2": _neuron(0.0).a[1, 0],
        },
    )


def _by_formula(w):
    """¼ (v₀ − v₂)(a₀a₀ᵀ − a₂a₂ᵀ) over F, by hand."""
    p = 1 / (1 + np.exp(-2 * w))
    v, u = 0.25, p * (1 - p)
    return (v - u) * np.sqrt(24) / 2 / np.sqrt(24 * u**2 + (u + v) ** 2)


@claim(
    "S1-36",
    verdict="holds under conditions",
    where="kfac-factors",
    paraphrase="A = E[aaᵀ] is the covariance of the activations.",
    correct="The formula is right and the name is not: it is the second moment, not centred. In "
    "the course's network centring takes away 91.6 % of A, and raises the error of the block from "
    "27.5 % to 92.2 %.",
    heard="A is the covariance of the activations.",
    fact="It is their second moment. Centre it, and the error of the block in the course's network "
    "goes from 27.5 % to 92.2 %.",
    truth={"second moment": 0.275296, "covariance": 0.922224, "gone": 0.915537},
    control={"second moment": 0.275296, "covariance": 0.275296, "gone": 0.0},
    control_name="activations of mean zero",
)
def not_a_covariance(stated) -> Evidence:
    F, (A, G) = _output_block()
    centred = _centred(_course()[0][1])
    found = {
        "second moment": _error(np.kron(A, G), F),
        "covariance": _error(np.kron(centred, G), F),
        "gone": _error(centred, A),
    }
    return Evidence(
        _near(list(found.values()), [stated[k] for k in found]),
        found,
        "The output layer of 100-50-10 after ReLU, with the constant input of the bias.",
        {
            "91.6 %": 100 * found["gone"],
            "27.5 %": 100 * found["second moment"],
            "92.2 %": 100 * found["covariance"],
        },
    )


@claim(
    "S1-37",
    verdict="holds under conditions",
    where="kfac-factors",
    paraphrase="G is the covariance of the gradients in the pre-activations.",
    correct="With labels of the model, for then each gradient has mean zero and covariance and "
    "second moment agree. With the labels of the data they do not: for one neuron at w = 2 and "
    "labels 1, 0 the second moment is 0.607, the covariance 0.549; the model's own is 0.134.",
    truth={"second moment": 0.607176, "covariance": 0.549078, "model": 0.133831},
    control={"second moment": 0.607176, "covariance": 0.607176, "model": 0.607176},
    control_name="one matrix for both, whoever's the labels",
)
def covariance_of_gradients(stated) -> Evidence:
    g = _neuron(2.0, y=(1.0, 0.0)).g.ravel()
    found = {
        "second moment": float(np.mean(g**2)),
        "covariance": float(np.var(g)),
        "model": kfac.factors(_neuron(2.0)).G.item(),
    }
    p = 1 / (1 + np.exp(-np.array([0.0, 4.0])))
    mean = p * _neuron(2.0, y=(1, 1)).g.ravel() + (1 - p) * _neuron(2.0, y=(0, 0)).g.ravel()
    return Evidence(
        bool(np.abs(mean).max() < 1e-15)
        and _near(list(found.values()), [stated[k] for k in found]),
        found,
        "Under the model's own labels each example's mean gradient is 0, to the last digit.",
        {
            "w = 2": 2.0,
            "1, 0": bool(g[0] < 0 < g[1]),
            "0.607": found["second moment"],
            "0.549": found["covariance"],
            "0.134": found["model"],
        },
    )


@claim(
    "S3-39",
    verdict="holds under conditions",
    where="kfac-factors",
    paraphrase="A is the covariance of a layer's inputs, G that of the gradients at its outputs.",
    correct="Both are second moments. The bias is an input that is always 1: as a covariance A "
    "would have a row of zeros there, and no inverse; as a second moment the inputs 0 and 2 give "
    "(2, 1; 1, 1), whose determinant is 1.",
    truth={
        "A": lambda x, z: np.array([[(x * x + z * z) / 2, (x + z) / 2], [(x + z) / 2, 1.0]]),
        "determinant": 1.0,
    },
    control={
        "A": lambda x, z: np.array([[(x - z) ** 2 / 4, 0.0], [0.0, 0.0]]),
        "determinant": 0.0,
    },
    control_name="the covariance of the inputs, that of the bias among them",
)
def the_bias_among_the_inputs(stated) -> Evidence:
    right = all(
        _near(stated["A"](*x), kfac.factors(_neuron(1.0, x)).A, 1e-9)
        for x in ((0.0, 2.0), (-1.3, 0.4), (3.0, 1.0))
    )
    a, A = _neuron(1.0).a, kfac.factors(_neuron(1.0)).A
    covariance = float(np.linalg.det(np.cov(a.T, bias=True)))
    return Evidence(
        right and _near(np.linalg.det(A), stated["determinant"]) and covariance == 0,
        {"determinant": float(np.linalg.det(A)), "of the covariance": covariance},
        "A of one neuron on three pairs of inputs.",
        {"always 1": bool(np.all(a[:, 1] == 1)), "0 and 2": bool(np.all(a[:, 0] == [0, 2])),
         "(2, 1; 1, 1)": _near(A, [[2, 1], [1, 1]]),
         "is 1": float(np.linalg.det(A))},
    )  # fmt: skip


@claim(
    "S1-105",
    verdict="holds under conditions",
    where="kfac-factors",
    paraphrase="In A ⊗ G, A is the activation covariance and G the pre-activation gradient "
    "covariance.",
    correct="The best of the four answers, with 'second moment' for 'covariance': A is the mean of "
    "aaᵀ, the constant input of the bias among the a.",
    truth={"A": lambda a: a.T @ a / len(a)},
    control={"A": lambda a: np.cov(a.T, bias=True)},
    control_name="the covariance",
)
def what_a_is(stated) -> Evidence:
    rng = np.random.default_rng(3)
    right, apart = True, 0.0
    for n, m in ((6, 3), (20, 4)):
        net = kfac.network([m, 2])
        x = rng.normal(size=(n, m)) + 1
        layer = kfac.backward(net, kfac.initial(rng, net), x)[0]
        A = kfac.factors(layer).A
        right &= _near(A, stated["A"](layer.a), 1e-9)
        apart = max(apart, float(np.abs(A - np.cov(layer.a.T, bias=True)).max()))
        right &= bool(np.all(layer.a[:, -1] == 1))
    return Evidence(
        right,
        {"largest difference from the covariance": apart},
        "A of two layers beside the mean of aaᵀ.",
        {},
    )


@claim(
    "S1-106",
    verdict="holds under conditions",
    where="kfac-independence",
    paraphrase="K-FAC assumes that activations and gradients are independent.",
    correct="Independence is enough and not needed: what must vanish is the covariance of aaᵀ and "
    "ggᵀ. With a = ±1 and g = ax they depend, and K-FAC is exact; with a normal and g = ±a they "
    "are uncorrelated, and the block is 3 times K-FAC's. (And the product is Kronecker's, not an "
    "outer one.)",
    truth={"dependent": 1.0, "uncorrelated": 3.0},
    control={"dependent": 1.0, "uncorrelated": 1.0},
    control_name="uncorrelated a and g, so exact",
)
def independence(stated) -> Evidence:
    nodes, weights = np.polynomial.hermite_e.hermegauss(20)
    weights = weights / weights.sum()

    def ratio(a, g, p):
        """E[a²g²]/(E[a²] E[g²]): the library's block, its examples weighted through their roots."""
        root = np.sqrt(len(p) * p)[:, None]

        def mean_square(a, g):
            return kfac.fisher([Backward(a[:, None], (root * g[:, None])[:, None])]).item()

        one = np.ones_like(a)
        return mean_square(a, g) / (mean_square(a, one) * mean_square(one, g))

    a = np.repeat(nodes, 2)
    g = a * np.tile([1.0, -1.0], len(nodes))
    p = np.repeat(weights, 2) / 2
    tossed = np.tile([1.0, -1.0], len(nodes))
    found = {"dependent": ratio(tossed, tossed * a, p), "uncorrelated": ratio(a, g, p)}
    return Evidence(
        abs(float(np.sum(p * a * g))) < 1e-12
        and _near(list(found.values()), [stated[k] for k in found]),
        found,
        "Exact sums over the nodes of a normal distribution.",
        {"±1": bool(np.all(np.abs(tossed) == 1)), "3 times": found["uncorrelated"]},
    )


# What is dropped


@claim(
    "S1-33",
    verdict="holds",
    where="kfac-popular-story",
    paraphrase="The diagonal approximation scales each component, −η g_i/F_ii, and ignores "
    "correlations.",
    correct="So it does. With F = (1, 0.99; 0.99, 1) and g = (1, −1) the whole step is (−100, 100) "
    "and the diagonal one (−1, 1): the direction that hardly changes the model is not seen.",
    truth={"whole": natural_direction, "diagonal": lambda F, g: -g / np.diag(F), "longer": 100.0},
    control={
        "whole": natural_direction,
        "diagonal": lambda F, g: -g * np.diag(np.linalg.inv(F)),
        "longer": 1.0,
    },
    control_name="the diagonal of the inverse, which knows the correlations",
)
def diagonal_step(stated) -> Evidence:
    cases = [(np.array([[1.0, 0.99], [0.99, 1.0]]), np.array([1.0, -1.0]))]
    cases += [(A, A[0] + 1) for A, _, _ in CASES]
    right = True
    for F, g in cases:
        whole = -np.linalg.solve(F, g)
        diagonal = natural_direction(np.diag(np.diag(F)), g)
        right &= _near(stated["whole"](F, g), whole, 1e-6)
        right &= _near(stated["diagonal"](F, g), diagonal, 1e-6)
    F, g = cases[0]
    whole, diagonal = -np.linalg.solve(F, g), natural_direction(np.diag(np.diag(F)), g)
    longer = float(np.linalg.norm(whole) / np.linalg.norm(diagonal))
    return Evidence(
        right and _near(longer, stated["longer"]),
        {"whole step over diagonal step": longer},
        "Steps by the library, whole and diagonal.",
        {
            "(1, 0.99; 0.99, 1)": _near(F, [[1, 0.99], [0.99, 1]], 1e-9),
            "(1, −1)": _near(g, [1, -1], 1e-9),
            "(−100, 100)": _near(whole, [-100, 100], 1e-9),
            "(−1, 1)": _near(diagonal, [-1, 1]),
        },
    )


@claim(
    "S1-34",
    verdict="empirical",
    where="kfac-one-neuron",
    paraphrase="The diagonal approximation works surprisingly well for some problems.",
    correct="Measured on two: for one neuron at w = 2 the diagonal is off by 17.8 % where K-FAC is "
    "off by 202.3 %; for the output layer of the course's network it is off by 93.2 %, K-FAC by "
    "27.5 %.",
    truth={"neuron": 0.177595, "K-FAC": 2.023123, "network": 0.932158, "K-FAC there": 0.275296},
    control={"neuron": 0.177595, "K-FAC": 0.177595, "network": 0.177595, "K-FAC there": 0.275296},
    control_name="a diagonal that is good everywhere",
)
def diagonal_is_good_at_times(stated) -> Evidence:
    layer = _neuron(2.0)
    one, (F, (A, G)) = kfac.fisher([layer]), _output_block()
    found = {
        "neuron": _error(kfac.fisher([layer], "diag"), one),
        "K-FAC": _error(kfac.fisher([layer], "kfac"), one),
        "network": _error(np.diag(np.diag(F)), F),
        "K-FAC there": _error(np.kron(A, G), F),
    }
    return Evidence(
        _near(list(found.values()), [stated[k] for k in found]),
        found,
        "Relative errors in the Frobenius norm.",
        {
            "w = 2": 2.0,
            "17.8 %": 100 * found["neuron"],
            "202.3 %": 100 * found["K-FAC"],
            "93.2 %": 100 * found["network"],
            "27.5 %": 100 * found["K-FAC there"],
        },
    )


@claim(
    "S1-65",
    verdict="holds",
    where="kfac-blocks",
    paraphrase="Each layer has its own factors, so the preconditioner is block-diagonal.",
    correct="It is, and what joins the layers is dropped: a chain of L weights with f = 1 and "
    "target 2 lands at 2ᴸ instead of near 2, at 16 for four.",
    truth={"lands": lambda L: 2.0**L},
    control={"lands": lambda L: (1 + 1 / L) ** L},
    control_name="blocks that share the error",
)
def chain_by_blocks(stated) -> Evidence:
    found = {L: _chain(L)[0] for L in (2, 3, 4)}
    return Evidence(
        _near(list(found.values()), [stated["lands"](L) for L in found], 1e-5),
        {f"{L} layers": f for L, f in found.items()} | {"whole matrix, 2": _chain(2)[1]},
        "A deep linear network of one unit a layer, without biases, through the library's blocks.",
        {
            "f = 1": 1.0,
            "target 2": 2.0,
            "2ᴸ": 2.0,
            "near 2": abs(_chain(2)[1] - 2) < 0.5,
            "at 16": found[4],
        },
    )


def _chain(L, r=1.0):
    """Outputs after a unit step by blocks and by the whole matrix, damping tending to zero."""
    net = kfac.network([1] * (L + 1), "identity", "gaussian")
    weights = [np.array([[1.0, 0.0]]) for _ in range(L)]
    layers = kfac.backward(net, weights, [[1.0]])
    bare = [Backward(layer.a[:, :1], layer.g) for layer in layers]  # the biases stay at 0
    F, block = kfac.fisher(bare), kfac.fisher(bare, "block")
    g = -r * np.array([float(layer.g[0, 0, 0] * layer.a[0, 0]) for layer in bare])
    ends = [1 - np.linalg.solve(M + 1e-9 * np.eye(L), g) for M in (block, F)]
    return [float(np.prod(end)) for end in ends]


@claim(
    "S3-38",
    verdict="false as stated",
    where="kfac-blocks",
    paraphrase="Block-diagonal means that weights in different layers are assumed independent.",
    correct="The weights are numbers, not random. What is set to zero is the correlation of the "
    "layers' *scores*, and it is not zero: in the course's network, on 60 inputs, the joining "
    "block has 0.671 of the size that the two others allow.",
    heard="Block-diagonal: weights in different layers are independent.",
    fact="Nothing is random about weights. Dropped is what joins the layers' scores; in the "
    "course's network that block has 0.671 of the size that the two others allow.",
    truth={"joining block": 0.670879},
    control={"joining block": 0.0},
    control_name="layers without anything in common",
)
def layers_are_joined(stated) -> Evidence:
    share = _joining_block()
    return Evidence(
        _near(share, stated["joining block"]),
        {"|F₁₂| over √(|F₁₁||F₂₂|)": share},
        "Frobenius norms of the blocks, through the Gram matrices of their rows.",
        {"60": 60.0, "0.671": share},
    )


@claim(
    "S2-30",
    verdict="false as stated",
    where="kfac-rank",
    paraphrase="K-FAC replaces the inverse metric by a low-rank approximation.",
    correct="It keeps few numbers, not a low rank. The rank of A ⊗ G is never below that of the "
    "block: both are 459 of 510 for the course's output layer, whose factors hold 2,701 numbers.",
    heard="K-FAC is a low-rank approximation.",
    fact="Few numbers, full rank: 459 of 510, as many as the block itself, from 2,701 numbers.",
    truth={"block": 459.0, "K-FAC": 459.0, "numbers": 2701.0, "five examples": (45.0, 45.0)},
    control={"block": 459.0, "K-FAC": 60.0, "numbers": 2701.0, "five examples": (45.0, 14.0)},
    control_name="the rank of both factors, added",
)
def not_of_low_rank(stated) -> Evidence:
    F, (A, G) = _output_block()
    (block, product), few = _ranks()
    found = {
        "block": block,
        "K-FAC": product,
        "numbers": float(A.size + G.size),
        "five examples": few,
    }
    return Evidence(
        all(_near(found[k], stated[k]) for k in found),
        {k: found[k] for k in ("block", "K-FAC", "numbers")},
        "Ranks at a tolerance of 1e-10, on 200 inputs and on five.",
        {"459 of 510": block == 459 and len(F) == 510, "459": found["K-FAC"], "510": float(len(F)),
         "2,701": found["numbers"]},
    )  # fmt: skip


@cache
def _joining_block():
    rows = [kfac.rows([layer]) for layer in _course(60)[0]]
    first, second = (r @ r.T for r in rows)  # |F_kl|² = tr(gram_k gram_l)
    size = np.sqrt(np.sum(first * second))
    return float(size / np.sqrt(np.linalg.norm(first) * np.linalg.norm(second)))


# Counting


@claim(
    "S1-32",
    verdict="holds under conditions",
    where="kfac-cost",
    paraphrase="The Fisher matrix is d × d with d in the millions, so exact inversion is "
    "impossible.",
    correct="As a dense matrix. On a batch its rank is small, and damped it is inverted through "
    "the batch: the course's network has 5,560 parameters, on 32 examples its matrix has the rank "
    "288, and a system of 320 rows gives the exact damped step.",
    heard="d is in the millions, so the exact natural step is out of reach.",
    fact="Dense, yes. On 32 examples the matrix of 5,560 parameters has the rank 288; a system of "
    "320 rows gives the exact damped step.",
    truth={"parameters": 5560.0, "rank": 288.0, "rows": 320.0},
    control={"parameters": 5560.0, "rank": 5560.0, "rows": 5560.0},
    control_name="a matrix of full rank",
)
def through_the_batch(stated) -> Evidence:
    found, residual = _solved_through_the_batch()
    return Evidence(
        residual < 1e-10 and _near(list(found.values()), [stated[k] for k in found]),
        found | {"residual of the step": float(residual)},
        "The step is put back into (F + λI)v = g without F.",
        {"5,560": found["parameters"], "32": 32.0, "288": found["rank"], "320": found["rows"]},
    )


@cache
def _solved_through_the_batch():
    layers, _, V = _course(32)
    R = kfac.rows(layers)
    rank = _rank(R @ R.T / 32)
    found = {"parameters": float(R.shape[1]), "rank": rank, "rows": float(len(R))}
    g = np.concatenate([v.T.ravel() for v in V])
    u = np.concatenate([v.T.ravel() for v in kfac.solve_full(layers, V, 0.01)])
    residual = np.linalg.norm(R.T @ (R @ u) / 32 + 0.01 * u - g) / np.linalg.norm(g)
    return found, residual


@cache
def _shapes(inputs, units):
    """Sizes of A, G and A ⊗ G, of arrays that the library made."""
    rng = np.random.default_rng(0)
    A, G = kfac.factors(Backward(rng.normal(size=(2, inputs)), rng.normal(size=(2, 1, units))))
    return [float(len(A)), float(len(G)), float(len(A) * len(G))]


@claim(
    "S1-39",
    verdict="holds",
    where="kfac-cost",
    paraphrase="Two 1000 × 1000 matrices are inverted instead of one of 10⁶ × 10⁶.",
    correct="For 1,000 inputs and 1,000 units, without biases. Counting n³ that is 2·10⁹ for 10¹⁸.",
    truth={"sizes": (1000.0, 1000.0, 1e6), "operations": (2e9, 1e18)},
    control={"sizes": (1000.0, 1000.0, 2000.0), "operations": (2e9, 8e9)},
    control_name="a block of as many rows as both factors together",
)
def two_small_for_a_large_one(stated) -> Evidence:
    sizes, cost = _shapes(1000, 1000), kfac.cost(1000, 1000)
    counted = (cost.factor_inverse, cost.block_inverse)
    return Evidence(
        _near(sizes, stated["sizes"]) and _near(counted, stated["operations"]),
        {"rows of A": sizes[0], "of G": sizes[1], "of A ⊗ G": sizes[2]},
        "Sizes of the library's arrays, and its counts.",
        {"1,000": sizes[0], "2·10⁹": counted[0] / 1e9 == 2, "10¹⁸": counted[1] == 10**18},
    )


@claim(
    "S3-41",
    verdict="holds",
    where="kfac-cost",
    paraphrase="Instead of a matrix of 1,000,000 rows, two of 1,000 rows are inverted.",
    correct="So it is, without biases; with them A has 1,001 rows and the block 1,001,000. "
    "Counting n³, both factors together are 5·10⁸ times cheaper.",
    truth={"with biases": (1001.0, 1000.0, 1_001_000.0), "cheaper": 5e8},
    control={"with biases": (1001.0, 1000.0, 1_001_000.0), "cheaper": 1e6},
    control_name="a saving of the square",
)
def five_hundred_million_times(stated) -> Evidence:
    cost = kfac.cost(1000, 1000)
    cheaper = cost.block_inverse / cost.factor_inverse
    sizes = _shapes(1001, 1000)
    return Evidence(
        _near(sizes, stated["with biases"]) and _near(cheaper, stated["cheaper"]),
        {"times cheaper": cheaper, "rows of the block, with biases": sizes[2]},
        "Sizes of the library's arrays, and its counts.",
        {"1,001": sizes[0], "1,001,000": sizes[2], "5·10⁸": cheaper == 5e8},
    )


@claim(
    "S3-37",
    verdict="holds",
    where="kfac-cost",
    paraphrase="For 1,000 inputs and 1,000 outputs the Fisher matrix has 10⁶ × 10⁶ elements.",
    correct="The layer's block has, without biases: 10¹² numbers, 8 terabytes at eight bytes each.",
    truth={"numbers": 1e12, "terabytes": 8.0},
    control={"numbers": 2e6, "terabytes": 1.6e-5},
    control_name="the numbers of both factors",
)
def numbers_of_a_block(stated) -> Evidence:
    numbers = kfac.cost(1000, 1000).block_numbers
    bytes_ = numbers * np.dtype(float).itemsize / 1e12
    return Evidence(
        _near([numbers, bytes_], [stated["numbers"], stated["terabytes"]]),
        {"numbers": float(numbers), "terabytes": float(bytes_)},
        "The library's count; one number takes eight bytes.",
        {
            "10¹²": numbers == 10**12,
            "8": float(bytes_),
            "eight bytes": np.dtype(float).itemsize == 8,
        },
    )


@claim(
    "S3-36",
    verdict="holds under conditions",
    where="kfac-cost",
    paraphrase="Computing, storing and inverting the n × n Fisher matrix costs O(n³).",
    correct="Inverting does. Storing grows with the power 2, and so does forming it from a batch "
    "of a given size: each example adds an outer product.",
    truth={"storing": 2.0, "forming": 2.0, "inverting": 3.0},
    control={"storing": 3.0, "forming": 3.0, "inverting": 3.0},
    control_name="the third power for all",
)
def powers_of_the_block(stated) -> Evidence:
    one, two = kfac.cost(20, 10, examples=7), kfac.cost(40, 10, examples=7)
    longer = np.log(two.weights / one.weights)
    found = {
        name: float(np.log(getattr(two, field) / getattr(one, field)) / longer)
        for name, field in (
            ("storing", "block_numbers"),
            ("forming", "block_form"),
            ("inverting", "block_inverse"),
        )
    }
    return Evidence(
        _near(list(found.values()), [stated[k] for k in found]),
        found,
        "Exponents, from the counts of two layers of 200 and 400 weights.",
        {"power 2": found["storing"]},
    )


@claim(
    "S1-40",
    verdict="holds under conditions",
    where="kfac-cost",
    paraphrase="Inversion costs O(d√d) per layer instead of O(d³), with d weights.",
    correct="For layers of one shape. Both factors cost r√r + 1/(r√r) times d√d, with r inputs for "
    "each unit: twice for a square layer, 11.3 times for the course's 50 × 10; and a layer of "
    "1,000 inputs and one unit costs d³ and saves nothing.",
    heard="K-FAC brings the inverse from O(d³) to O(d√d).",
    fact="In square layers. The course's own 50 × 10 costs 11.3 times d√d, and a layer with one "
    "unit the whole d³.",
    truth={"times": lambda m, n: (m / n) ** 1.5 + (n / m) ** 1.5, "saved by one unit": 1.0},
    control={"times": lambda m, n: 2.0, "saved by one unit": 1e9},
    control_name="every layer as good as a square one",
)
def law_of_the_cost(stated) -> Evidence:
    def times(m, n):
        cost = kfac.cost(m, n)
        return cost.factor_inverse / cost.weights**1.5

    thin = kfac.cost(1000, 1)
    saved = thin.block_inverse / thin.factor_inverse
    pairs = [(50, 10), (1000, 1000), (784, 256), (3, 40)]
    return Evidence(
        all(_near(times(*p), stated["times"](*p), 1e-9) for p in pairs)
        and _near(saved, stated["saved by one unit"]),
        {"50 × 10": times(50, 10), "784 × 256": times(784, 256), "1000 × 1, d³ over it": saved},
        "The library's counts over the 3/2 power.",
        {
            "r√r + 1/(r√r)": _near(times(50, 10), 5 * 5**0.5 + 1 / (5 * 5**0.5), 1e-9),
            "twice": times(1000, 1000),
            "11.3": times(50, 10),
            "50 × 10": kfac.cost(50, 10).weights == 50 * 10,
            "1,000": 1000.0,
        },
    )


@claim(
    "S1-63",
    verdict="holds",
    where="kfac-worked-example",
    paraphrase="W₂ is 10 × 50: 500 parameters, 250,000 entries; A has 2,500, G 100, together "
    "2,600.",
    correct="Without biases. With them A is 51 × 51: 2,701 numbers for a block of 260,100.",
    truth={"d": 500.0, "block": 250_000.0, "factors": 2600.0, "with biases": (2701.0, 260_100.0)},
    control={"d": 500.0, "block": 250_000.0, "factors": 250_000.0,
             "with biases": (2701.0, 260_100.0)},
    control_name="as many numbers in the factors as in their product",
)  # fmt: skip
def entries_of_example_three(stated) -> Evidence:
    bare, cost = kfac.cost(50, 10), kfac.cost(51, 10)
    found = {
        "d": bare.weights,
        "block": bare.block_numbers,
        "factors": bare.factor_numbers,
        "with biases": (cost.factor_numbers, cost.block_numbers),
    }
    F, (A, G) = _output_block()
    right = F.size == cost.block_numbers and A.size + G.size == cost.factor_numbers
    return Evidence(
        right and all(_near(found[k], stated[k]) for k in found),
        {k: float(found[k]) for k in ("d", "block", "factors")},
        "The library's counts; those with biases also as sizes of its arrays.",
        {"51 × 51": A.size == 51 * 51, "2,701": float(A.size + G.size), "260,100": float(F.size)},
    )


@claim(
    "S1-64",
    verdict="holds",
    where="kfac-worked-example",
    paraphrase="125 million operations become 126,000, a factor of about 1000.",
    correct="Counting n³ for a matrix of n rows: a factor of 992.06. Forming the factors from 512 "
    "examples costs more than inverting them: 1,792,000.",
    truth={"block": 125e6, "factors": 126_000.0, "times": 992.063, "forming": 1_792_000.0},
    control={"block": 125e6, "factors": 11_180.34, "times": 11_180.34, "forming": 1_792_000.0},
    control_name="d to the power 3/2 for the factors",
)
def operations_of_example_three(stated) -> Evidence:
    cost = kfac.cost(50, 10, examples=512, labels=10)
    found = {
        "block": cost.block_inverse,
        "factors": cost.factor_inverse,
        "times": cost.block_inverse / cost.factor_inverse,
        "forming": cost.factor_form,
    }
    return Evidence(
        _near(list(found.values()), [stated[k] for k in found], 1e-4),
        {k: float(v) for k, v in found.items()},
        "The library's counts, ten weighted labels an example.",
        {"992.06": found["times"], "512": 512.0, "1,792,000": float(found["forming"])},
    )


@claim(
    "S1-70",
    verdict="false as stated",
    where="kfac-worked-example",
    paraphrase="The inverse of the example's block needs only a 50 × 50 and a 10 × 10 inversion.",
    correct="Its G has no inverse: the gradients of a softmax add up to zero, so G is 10 × 10 with "
    "the rank 9. Damp it first.",
    heard="Just invert the 50 × 50 and the 10 × 10 matrix.",
    fact="The 10 × 10 one has the rank 9: gradients of a softmax add up to zero. Damp first.",
    truth={"rank": 9.0, "rows": 10.0},
    control={"rank": 10.0, "rows": 10.0},
    control_name="an invertible G",
)
def softmax_factor_is_singular(stated) -> Evidence:
    G = _output_block()[1].G
    along = float(np.abs(G @ np.ones(10)).max())
    return Evidence(
        along < 1e-14 and _near([_rank(G), len(G)], [stated["rank"], stated["rows"]]),
        {"rank of G": _rank(G), "largest entry of G times ones": along},
        "The output layer of 100-50-10.",
        {"10 × 10": len(G) == 10, "9": _rank(G)},
    )


@claim(
    "S1-112",
    verdict="holds under conditions",
    where="kfac-cost",
    paraphrase="Natural gradient is faster per step, but a step costs O(d²) to O(d³), not O(d).",
    correct="The powers are right for the dense matrix: 2 for keeping, 3 for inverting. K-FAC of a "
    "square layer keeps 2d numbers and inverts with the power 3/2. And faster per step it need not "
    "be: by blocks the chain of two weights goes from 1 to 4 for the target 2.",
    truth={"keeping": 2.0, "inverting": 3.0, "K-FAC keeps": 1.0, "K-FAC inverts": 1.5,
           "chain": 4.0},
    control={"keeping": 2.0, "inverting": 3.0, "K-FAC keeps": 2.0, "K-FAC inverts": 3.0,
             "chain": 2.0},
    control_name="the dense powers for K-FAC, and a step that lands",
)  # fmt: skip
def powers_and_a_step(stated) -> Evidence:
    one, two = kfac.cost(30, 30), kfac.cost(60, 60)
    longer = np.log(two.weights / one.weights)
    fields = ("block_numbers", "block_inverse", "factor_numbers", "factor_inverse")
    found = [float(np.log(getattr(two, f) / getattr(one, f)) / longer) for f in fields]
    found.append(_chain(2)[0])
    keys = ("keeping", "inverting", "K-FAC keeps", "K-FAC inverts", "chain")
    return Evidence(
        _near(found, [stated[k] for k in keys]),
        dict(zip(keys, found, strict=True)),
        "Exponents from counts of two square layers; one unit step of a chain.",
        {"2 for keeping": found[0], "2": found[0], "3 for inverting": found[1], "3": found[1],
         "2d": one.factor_numbers == 2 * one.weights, "3/2": found[3],
         "1 to 4": _near(found[4], 4.0, 1e-5), "4": round(found[4], 6)},
    )  # fmt: skip


# In use


def _median(run):
    return float(np.median([losses[-1] for losses in run["losses"]]))


@claim(
    "S1-113",
    verdict="empirical",
    where="kfac-digits",
    paraphrase="Well-tuned Adam or SGD with momentum often matches or exceeds natural gradient.",
    correct="Measured on the digits. Per step K-FAC wins: after 160 steps its loss is 0.00061, "
    "AdamW's 0.0106, SGD's 0.0205. Per second AdamW wins: in the time of those steps it comes to "
    "0.000298. Broad benchmarks find Adam hard to beat.",
    heard="Well-tuned Adam or SGD often matches natural gradient.",
    fact="On the digits K-FAC wins per step (0.00061 against AdamW's 0.0106), and AdamW per second "
    "(0.000298 in the same time).",
    truth={"kfac": 0.00061209, "adamw": 0.0105793, "sgd": 0.020455,
           "adamw, same time": 0.000298106},
    control={"kfac": 0.00061209, "adamw": 0.00061209, "sgd": 0.00061209,
             "adamw, same time": 0.0105793},
    control_name="no difference per step, and none from more steps",
    citation="schmidt2021",
)  # fmt: skip
def who_wins_on_the_digits(stated) -> Evidence:
    measured = digits.measured()
    found = {name: _median(measured["runs"][name]) for name in ("kfac", "adamw", "sgd")}
    found["adamw, same time"] = _median(measured["longer"]["adamw"])
    again = _first_losses()
    same = all(_near(again[name], measured["runs"][name]["losses"][0][:9]) for name in again)
    return Evidence(
        same and _near(list(found.values()), [stated[k] for k in found]),
        found,
        "Medians of five seeds in the committed result; the first marks of two runs, trained "
        "again.",
        {
            "160": float(measured["steps"]),
            "0.00061": found["kfac"],
            "0.0106": found["adamw"],
            "0.0205": found["sgd"],
            "0.000298": found["adamw, same time"],
        },
    )


@cache
def _first_losses():
    settings = digits.measured()["settings"]
    return {
        name: digits.train(name, settings[name], 1, until=9).losses for name in ("kfac", "adamw")
    }


opinion(
    "S1-41",
    where="kfac-digits",
    paraphrase="K-FAC is the most successful practical natural-gradient method for deep learning.",
    correct="It is the best known one, and has been used in reinforcement learning and for "
    "Bayesian networks. Whether it succeeds as a natural gradient is another question.",
    reasons="For: ACKTR (Wu and others 2017) and Laplace approximations (Ritter and others 2018) "
    "are built on it. Against: Benzing (2022) finds it ahead of exact second-order updates, and "
    "better explained as descent on neurons; on this chapter's digits, too, it beats the exact "
    "matrix of the batch. 'Most successful' has no agreed measure.",
)


@claim(
    "S3-42",
    verdict="holds",
    where="kfac-other-rulers",
    paraphrase="There are variants of K-FAC for convolutional and recurrent networks and for "
    "Transformers.",
    correct="For convolutions since 2016, for recurrent networks since 2018, for the shared linear "
    "layers of Transformers since 2023.",
    truth={"grosse2016": 2016, "martens2018": 2018, "eschenhagen2023": 2023},
    control={"grosse2016": 2015, "martens2018": 2015, "eschenhagen2023": 2015},
    control_name="all of them in the paper of 2015",
    citation="eschenhagen2023",
)
def variants(stated) -> Evidence:
    text = REFERENCES.read_text(encoding="utf-8")
    words = {"grosse2016": "convolution", "martens2018": "recurrent", "eschenhagen2023": "Modern"}
    found = {}
    for key, word in words.items():
        entry = text.split("{" + key + ",", 1)[1].split("\n}", 1)[0]
        assert word in entry, key
        found[key] = int(entry.split("year", 1)[1].split("{", 1)[1][:4])
    return Evidence(
        all(stated[k] == found[k] for k in found),
        {k: float(v) for k, v in found.items()},
        "Years of the publications in the bibliography.",
        {"2016": 2016.0, "2018": 2018.0, "2023": 2023.0},
    )
