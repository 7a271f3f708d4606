"""A small multilayer perceptron and the Fisher matrices of its weights: full, by blocks, diagonal,
K-FAC (Martens & Grosse 2015), EK-FAC (George et al. 2018).

Layer l maps its input a (with a 1 appended, so that the bias is the last column of W) to s = W a
and hands phi(s) on. For one example the gradient of the log-likelihood in W is g a^T, where g is
its gradient in s. vec stacks columns, so vec(g a^T) = a ⊗ g and a layer's block is

    F_l = E[(a a^T) ⊗ (g g^T)],    K-FAC:  A ⊗ G  with  A = E[a a^T],  G = E[g g^T],

both second moments, not covariances. Parameters of the network are the layers' vec(W), one after
the other; numpy flattens rows, so code that flattens transposes first.

All Fisher matrices come from the same backward pass. What differs is which gradients in the
outputs are sent back (`label_gradients`): `exact` sends those of all labels, each weighted by the
root of its probability under the model; `mc` those of labels drawn from the model; `empirical`
that of the observed label.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from ngdlib.families import stable
from ngdlib.validate import (
    Array,
    count,
    instance,
    matrices,
    number,
    one_of,
    real_array,
    representable,
    require,
    symmetric,
)

ACTIVATIONS = ("tanh", "relu", "identity")
OUTPUTS = ("gaussian", "bernoulli", "softmax")
FISHER_TYPES = ("exact", "mc", "empirical")
DAMPINGS = ("exact", "factored", "pi")
METHODS = ("kfac", "ekfac", "full")


class Network(NamedTuple):
    """Sizes of the layers from input to output, the nonlinearity between, the model of the labels.

    The slope of tanh is taken from its value, 1 - a^2: to an absolute 1e-16, as it is elsewhere.

    output  "gaussian": y (N, K) with unit variance, so the loss is half the squared error;
            "bernoulli": y (N, 1) in {0, 1}, the output is a logit; "softmax": labels y (N,)
            in {0, ..., K-1}, the outputs are logits. Losses are means over examples, in nats
            (gaussian: without its constant).
    """

    sizes: tuple[int, ...]
    activation: str = "tanh"
    output: str = "softmax"

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """The shape of each layer's W: (units, inputs + 1)."""
        return [(o, i + 1) for i, o in zip(self.sizes[:-1], self.sizes[1:], strict=True)]

    @property
    def parameters(self) -> int:
        return sum(o * i for o, i in self.shapes)


class Backward(NamedTuple):
    """One layer's part of the gradients: inputs a (N, inputs + 1), and g (N, R, units), the
    gradients in s of R weighted labels an example."""

    a: Array
    g: Array


class Factors(NamedTuple):
    """A layer's Kronecker factors: A (inputs + 1, inputs + 1), G (units, units)."""

    A: Array
    G: Array


class Eigen(NamedTuple):
    """A layer's block in the eigenbasis of its factors: U_A diag U_A^T, U_G likewise, and the
    second moments D (units, inputs + 1) along that basis (K-FAC: products of eigenvalues)."""

    U_A: Array
    U_G: Array
    D: Array


class Cost(NamedTuple):
    """What a layer of W (units, inputs) asks for: numbers kept, and multiplications.

    An inverse of k rows counts k^3. ``form``: the block from R weighted labels an example, both
    factors; ``apply``: the inverse to one gradient.
    """

    weights: int
    block_numbers: int
    factor_numbers: int
    block_inverse: int
    factor_inverse: int
    block_form: int
    factor_form: int
    block_apply: int
    factor_apply: int


class State(NamedTuple):
    """Weights, running averages of the factors (None where there are none yet, or none are kept),
    steps taken."""

    weights: list[Array]
    factors: list[Factors] | None
    step: int


class Info(NamedTuple):
    """What a step saw: the loss before it, the norm of its gradient, of its change of weights."""

    loss: float
    gradient_norm: float
    step_norm: float


def network(sizes: Sequence[int], activation: str = "tanh", output: str = "softmax") -> Network:
    """A checked `Network`: two sizes or more, each at least 1. ValueError otherwise."""
    instance("sizes", sizes, list | tuple | np.ndarray, "a list of integers")
    sizes = tuple(count("sizes", size, least=1) for size in sizes)
    if len(sizes) < 2:
        raise ValueError(f"sizes: expected two sizes or more, got {sizes}")
    one_of("activation", activation, ACTIVATIONS)
    one_of("output", output, OUTPUTS)
    if output == "bernoulli" and sizes[-1] != 1:
        raise ValueError(f"sizes: expected one output for labels 0 and 1, got {sizes[-1]}")
    return Network(sizes, activation, output)


def initial(rng: np.random.Generator, net: Network, gain: float = 1.0) -> list[Array]:
    """Weights with entries N(0, gain^2/inputs), biases 0."""
    instance("rng", rng, np.random.Generator, "a numpy.random.Generator")
    net, gain = _net(net), number("gain", gain, least=0)
    with np.errstate(over="ignore"):
        weights = [gain / np.sqrt(i - 1) * rng.standard_normal((o, i)) for o, i in net.shapes]
    for w in weights:
        w[:, -1] = 0.0
    return [representable("gain", w) for w in weights]


def outputs(net: Network, weights: Sequence[ArrayLike], x: ArrayLike) -> Array:
    """The outputs f, shape (N, K): means or logits."""
    net = _net(net)
    weights, x = _weights(net, weights), _inputs(net, x)
    return _forward(net, weights, x)[1]


def loss(net: Network, weights: Sequence[ArrayLike], x: ArrayLike, y: ArrayLike) -> float:
    """The mean loss over examples, in nats."""
    net = _net(net)
    weights, x = _weights(net, weights), _inputs(net, x)
    y = _labels(net, y, len(x))
    return _loss(net, _forward(net, weights, x)[1], y)


def gradient(net: Network, weights: Sequence[ArrayLike], x: ArrayLike, y: ArrayLike) -> list[Array]:
    """The gradient of the mean loss: one array a layer, of the shape of its W."""
    return [
        _mean_gradient(layer) for layer in backward(net, weights, x, y, fisher_type="empirical")
    ]


def label_gradients(
    net: Network,
    f: ArrayLike,
    y: ArrayLike | None = None,
    *,
    fisher_type: str = "exact",
    rng: np.random.Generator | None = None,
    samples: int = 1,
) -> Array:
    """Gradients of the loss in the outputs whose outer products add up to a Fisher matrix of the
    outputs, shape (N, R, K).

    f            outputs, shape (N, K)
    fisher_type  "exact": R = K, the sum is E[g g^T] over the model's own labels;
                 "mc": R = ``samples`` labels drawn with ``rng`` from the model, over root R;
                 "empirical": R = 1, at the observed labels ``y``
    """
    one_of("fisher_type", fisher_type, FISHER_TYPES)
    net, f = _net(net), real_array("f", f, copy=False)
    if f.ndim != 2 or f.shape[1] != net.sizes[-1] or not len(f):
        raise ValueError(f"f: expected shape (N, {net.sizes[-1]}) with N > 0, got {f.shape}")
    n, k = f.shape
    if fisher_type == "empirical":
        if y is None:
            raise ValueError("y: expected observed labels for the empirical Fisher, got None")
        return representable("f", _residual(net, f, _labels(net, y, n)))[:, None, :]
    if fisher_type == "mc":
        instance("rng", rng, np.random.Generator, "a numpy.random.Generator")
        count("samples", samples, least=1)
        drawn = [_residual(net, f, _draw(net, f, rng)) for _ in range(samples)]
        return np.stack(drawn, axis=1) / np.sqrt(samples)
    if net.output == "gaussian":
        return np.broadcast_to(np.eye(k), (n, k, k))
    if net.output == "bernoulli":  # one column: the root of the variance p (1 - p)
        return np.sqrt(expit(f) * expit(-f))[:, None, :]
    return np.sqrt(stable.softmax(f))[:, :, None] * stable.softmax_residual(
        f[:, None, :], np.arange(k)
    )


def backward(
    net: Network,
    weights: Sequence[ArrayLike],
    x: ArrayLike,
    y: ArrayLike | None = None,
    *,
    fisher_type: str = "exact",
    rng: np.random.Generator | None = None,
    samples: int = 1,
) -> list[Backward]:
    """`label_gradients` sent back through the network: a and g of each layer."""
    net = _net(net)
    weights, x = _weights(net, weights), _inputs(net, x)
    inputs, f = _forward(net, weights, x)
    g = label_gradients(net, f, y, fisher_type=fisher_type, rng=rng, samples=samples)
    return _send_back(net, weights, inputs, g)


def rows(layers: Sequence[Backward]) -> Array:
    """The gradients of all layers, vec by vec, one row a label: shape (N R, parameters)."""
    layers = _layers(layers)
    with np.errstate(all="ignore"):
        each = [np.einsum("ni,nro->nrio", layer.a, layer.g) for layer in layers]
    sizes = [layer.a.shape[1] * layer.g.shape[2] for layer in layers]
    flat = [e.reshape(-1, size) for e, size in zip(each, sizes, strict=True)]
    return representable("layers", np.concatenate(flat, axis=1))


def fisher(layers: Sequence[Backward], structure: str = "full") -> Array:
    """The Fisher matrix of all weights, shape (parameters, parameters).

    structure  "full"; "block": blocks of layers only; "diag": the diagonal only; "kfac": blocks
               A ⊗ G; "ekfac": the eigenbasis of those, and the right diagonal in it. All as full
               arrays, to be looked at and compared: for small networks.
    With `fisher_type` "exact" it equals the generalised Gauss-Newton matrix of the mean loss.
    """
    one_of("structure", structure, ("full", "block", "diag", "kfac", "ekfac"))
    layers = _layers(layers)
    with np.errstate(all="ignore"):
        return representable("layers", _fisher(layers, structure))


def _fisher(layers: list[Backward], structure: str) -> Array:
    if structure == "full":
        r = rows(layers)
        return r.T @ r / len(layers[0].a)
    if structure == "kfac":
        return _blocks([np.kron(A, G) for A, G in map(factors, layers)])
    if structure == "ekfac":
        bases = [eigen(factors(layer), layer) for layer in layers]
        kron = [np.kron(basis.U_A, basis.U_G) for basis in bases]
        return _blocks([(U * b.D.T.ravel()) @ U.T for U, b in zip(kron, bases, strict=True)])
    blocks = [_fisher([layer], "full") for layer in layers]
    return (
        _blocks(blocks)
        if structure == "block"
        else np.diag(np.concatenate(list(map(np.diag, blocks))))
    )


def factors(layer: Backward) -> Factors:
    """K-FAC's A = E[a a^T] and G = E[g g^T] of a layer."""
    layer = _layers([layer])[0]
    n = len(layer.a)
    g = layer.g.reshape(-1, layer.g.shape[-1])
    with np.errstate(all="ignore"):
        A, G = layer.a.T @ layer.a / n, g.T @ g / n
    return Factors(representable("layer", A), representable("layer", G))


def cost(inputs: int, units: int, examples: int = 1, labels: int = 1) -> Cost:
    """Counts for a layer: ``inputs`` columns of W, the one of the biases among them, if it has one.

    examples  in the batch; labels  R, weighted labels an example
    """
    m, n = count("inputs", inputs, least=1), count("units", units, least=1)
    N, R = count("examples", examples, least=1), count("labels", labels, least=1)
    d = m * n
    return Cost(
        weights=d,
        block_numbers=d**2,
        factor_numbers=m**2 + n**2,
        block_inverse=d**3,
        factor_inverse=m**3 + n**3,
        block_form=N * R * d**2,
        factor_form=N * m**2 + N * R * n**2,
        block_apply=d**2,
        factor_apply=d * (m + n),
    )


def eigen(factor: Factors, layer: Backward | None = None) -> Eigen:
    """The eigenbasis of a layer's factors and the second moments along it.

    Without ``layer`` they are K-FAC's, products of eigenvalues; with it they are measured,
    E[(u_G^T g)^2 (u_A^T a)^2]: EK-FAC, the best diagonal in that basis (George et al. 2018).
    ValueError where a factor is not symmetric, or indefinite.
    """
    factor = _factors("factor", factor)
    if layer is not None:
        layer = _layers([layer])[0]
        if (layer.a.shape[1], layer.g.shape[2]) != (len(factor.A), len(factor.G)):
            raise ValueError(
                f"layer: expected {len(factor.A)} inputs and {len(factor.G)} units, as in factor, "
                f"got {layer.a.shape[1]} and {layer.g.shape[2]}"
            )
    with np.errstate(all="ignore"):
        basis = _eigen(factor, layer)
    return basis._replace(D=representable("layer", basis.D))


def _eigen(factor: Factors, layer: Backward | None = None) -> Eigen:
    (a, U_A), (b, U_G) = np.linalg.eigh(factor.A), np.linalg.eigh(factor.G)
    _positive(factor, a, b)
    if layer is None:
        return Eigen(U_A, U_G, np.outer(np.maximum(b, 0), np.maximum(a, 0)))
    along_a, along_g = (layer.a @ U_A) ** 2, ((layer.g @ U_G) ** 2).sum(axis=1)
    return Eigen(U_A, U_G, along_g.T @ along_a / len(layer.a))


def _positive(factor: Factors, a: Array, b: Array) -> None:
    """ValueError unless the ascending eigenvalues a of A and b of G are those of second moments."""
    for name, values, matrix in (("A", a, factor.A), ("G", b, factor.G)):
        good = values[0] >= -1e-10 * values[-1]
        require(f"factor.{name}", good, "a positive matrix, with no eigenvalue below 0", matrix)


def precondition(
    factor: Factors | Eigen, gradient: ArrayLike, damping: float, how: str = "exact"
) -> Array:
    """A damped inverse of a layer's block times a gradient of the shape of its W.

    damping  lambda > 0
    how      "exact": (A ⊗ G + lambda I)^-1, in the eigenbasis (an `Eigen` is always damped so);
             "factored": (A + root lambda I)^-1 ⊗ (G + root lambda I)^-1;
             "pi": the same with root lambda times pi and over pi, where pi^2 is the ratio of the
             mean eigenvalues of A and G (Martens & Grosse 2015)
    """
    one_of("how", how, DAMPINGS)
    damping, V = number("damping", damping, above=0), real_array("gradient", gradient)
    if isinstance(factor, Eigen):
        factor = _eigenbasis(factor)
        expected = factor.D.shape
    else:
        factor = _factors("factor", factor)
        expected = (len(factor.G), len(factor.A))
        if how != "exact":
            _positive(factor, *map(np.linalg.eigvalsh, factor))
    if V.shape != expected:
        raise ValueError(f"gradient: expected shape {expected}, got {V.shape}")
    with np.errstate(all="ignore"):
        return representable("gradient", _precondition(factor, V, damping, how))


def _precondition(factor: Factors | Eigen, V: Array, damping: float, how: str) -> Array:
    if isinstance(factor, Factors) and how != "exact":
        pi = _balance(*map(_mean_eigenvalue, factor)) if how == "pi" else 1.0
        on_A, on_G = _split(damping, pi)
        left = _solve("factor.G", factor.G, on_G, V)
        return _solve("factor.A", factor.A, on_A, left.T).T
    basis = _eigen(factor) if isinstance(factor, Factors) else factor
    return basis.U_G @ ((basis.U_G.T @ V @ basis.U_A) / (basis.D + damping)) @ basis.U_A.T


def balance(factor: Factors) -> float:
    """pi: the root of the ratio of the mean eigenvalues of A and G; 1 where one of them is 0."""
    factor = _factors("factor", factor)
    _positive(factor, *map(np.linalg.eigvalsh, factor))
    return _balance(*map(_mean_eigenvalue, factor))


def solve_by_examples(a: ArrayLike, r: ArrayLike, damping: float) -> Array:
    """V (A + lambda I)^-1 for a mean gradient V = r^T a/N and A = a^T a/N, from the examples.

    a  inputs (N, d); r  gradients (N, units). Neither V nor A is formed: the system to be solved
    has the size of the batch, since (A + lambda I)^-1 a^T = a^T (a a^T/N + lambda I)^-1. Cheaper
    where N < d; not for running averages.
    """
    a, r = real_array("a", a, copy=False), real_array("r", r, copy=False)
    damping = number("damping", damping, above=0)
    if a.ndim != 2 or not len(a):
        raise ValueError(f"a: expected shape (N, d) with N > 0, got {a.shape}")
    if r.ndim != 2 or len(r) != len(a):
        raise ValueError(f"r: expected shape ({len(a)}, units), got {r.shape}")
    with np.errstate(all="ignore"):
        gram = representable("a", a @ a.T / len(a))
        return representable("r", _solve("a a^T/N", gram, damping, r).T @ a / len(a))


def solve_full(
    layers: Sequence[Backward], gradients: Sequence[ArrayLike], damping: float
) -> list[Array]:
    """(F + lambda I)^-1 times the gradients of all layers, F the full Fisher matrix of a batch.

    No block and no factor: through whichever system is smaller, that of the parameters or that of
    the weighted labels, (F + lambda I)^-1 g = (g - R^T (R R^T + N lambda I)^-1 R g) / lambda.
    Digits are lost as lambda falls below the eigenvalues of F: a relative 1e-16 times their ratio.

    layers     as `backward` gives them; gradients one array (units, inputs + 1) a layer
    """
    damping, layers = number("damping", damping, above=0), _layers(layers)
    V = [real_array("gradients", v) for v in _list("gradients", gradients)]
    shapes = [(layer.g.shape[-1], layer.a.shape[-1]) for layer in layers]
    if [v.shape for v in V] != shapes:
        raise ValueError(f"gradients: expected shapes {shapes}, got {[v.shape for v in V]}")
    R, n = rows(layers), len(layers[0].a)
    g = np.concatenate([v.T.ravel() for v in V])
    with np.errstate(all="ignore"):
        if len(R) < R.shape[1]:
            gram = representable("layers", R @ R.T)
            right = representable("gradients", R @ g)
            inside = _solve("R R^T", gram, n * damping, right)
            solved = representable("damping", (g - R.T @ inside) / damping)
        else:
            F = representable("layers", R.T @ R / n)
            solved = representable("damping", _solve("F", F, damping, g))
    ends = np.cumsum([v.size for v in V])
    parts = np.split(solved, ends[:-1])
    return [part.reshape(v.shape[::-1]).T for part, v in zip(parts, V, strict=True)]


def average(old: Factors | None, new: Factors, decay: float) -> Factors:
    """decay times ``old`` plus (1 - decay) times ``new``; ``new`` where there is no old one."""
    decay = _decay(decay)
    new = _factors("new", new)
    if old is None:
        return new
    old = _factors("old", old)
    if [o.shape for o in old] != [n.shape for n in new]:
        shapes = [n.shape for n in new]
        raise ValueError(f"old: expected shapes {shapes}, as in new, got {[o.shape for o in old]}")
    return _average(old, new, decay)


def _average(old: Factors | None, new: Factors, decay: float) -> Factors:
    if old is None:
        return new
    with np.errstate(over="ignore"):
        both = (decay * o + (1 - decay) * n for o, n in zip(old, new, strict=True))
        return Factors(*(representable("new", factor) for factor in both))


def start(weights: Sequence[ArrayLike]) -> State:
    """The state before the first step, from one weight matrix a layer; no running means yet."""
    weights = [real_array("weights", w) for w in _list("weights", weights)]
    for w in weights:
        if w.ndim != 2:
            raise ValueError(f"weights: expected shapes (units, inputs + 1), got {w.shape}")
    return State(weights, None, 0)


@np.errstate(all="ignore")
def step(
    net: Network,
    state: State,
    x: ArrayLike,
    y: ArrayLike,
    *,
    eta: float,
    damping: float,
    how: str = "exact",
    method: str = "kfac",
    fisher_type: str = "exact",
    decay: float = 0.0,
    rng: np.random.Generator | None = None,
) -> tuple[State, Info]:
    """One step of W -= eta G^-1 V A^-1 for every layer, V the gradient of the batch's mean loss.

    method  "kfac"; "ekfac", which measures the diagonal in the eigenbasis on the batch; "full",
            the batch's Fisher matrix with nothing dropped (`solve_full`), for small networks
    how     see `precondition`; of "kfac" alone, as the others have but one damping
    decay   of the running averages of the factors; 0 takes the batch's own, as "full" must, keeps
            none, and solves factored damping by the examples where they are fewer than the inputs
    The labels of G are ``fisher_type``'s: the model's own by default, not the observed ones.
    """
    one_of("method", method, METHODS)
    one_of("how", how, DAMPINGS)
    if method != "kfac" and how != "exact":
        raise ValueError(f"how: expected 'exact' with the method {method!r}, got {how!r}")
    if method == "full" and decay != 0:
        raise ValueError(f"decay: expected 0 with the method 'full', got {decay!r}")
    eta, damping = number("eta", eta, above=0), number("damping", damping, above=0)
    decay = _decay(decay)
    net = _net(net)
    instance("state", state, State, "a State, as `start` gives it")
    count("state.step", state.step)
    weights, x = _weights(net, state.weights), _inputs(net, x)
    kept = _kept(net, state.factors)
    y = _labels(net, y, len(x))
    inputs, f = _forward(net, weights, x)
    g = label_gradients(net, f, y, fisher_type=fisher_type, rng=rng)
    layers = _send_back(net, weights, inputs, g)
    observed = layers
    if fisher_type != "empirical":
        observed = _send_back(net, weights, inputs, _residual(net, f, y)[:, None, :])
    V = [_mean_gradient(layer) for layer in observed]
    new = None
    if method == "full":
        solved = solve_full(layers, V, damping)
    elif decay == 0 and how != "exact":
        solved = [
            _precondition_by_examples(layer, seen.g[:, 0], damping, how)
            if len(layer.a) < layer.a.shape[1]
            else _precondition(factors(layer), v, damping, how)
            for layer, seen, v in zip(layers, observed, V, strict=True)
        ]
    else:
        used = [_average(o, factors(layer), decay) for o, layer in zip(kept, layers, strict=True)]
        bases = used
        if method == "ekfac":
            bases = [_eigen(factor, layer) for factor, layer in zip(used, layers, strict=True)]
        solved = [_precondition(b, v, damping, how) for b, v in zip(bases, V, strict=True)]
        new = used if decay else None
    moved = [representable("eta", -eta * v) for v in solved]
    info = Info(_loss(net, f, y), _norm(V), _norm(moved))
    weights = [representable("eta", w + m) for w, m in zip(weights, moved, strict=True)]
    return State(weights, new, state.step + 1), info


# -- inside ---------------------------------------------------------------------------------------


def _split(damping: float, pi: float) -> tuple[float, float]:
    """What factored damping adds to the diagonals of A and of G."""
    return np.sqrt(damping) * pi, np.sqrt(damping) / pi


def _balance(mean_A: float, mean_G: float) -> float:
    """Root by root: the ratio of the two may not fit in float64."""
    return float(np.sqrt(mean_A) / np.sqrt(mean_G)) if mean_A > 0 and mean_G > 0 else 1.0


def _mean_eigenvalue(matrix: Array) -> float:
    return np.sum(np.diagonal(matrix) / len(matrix))


def _precondition_by_examples(layer: Backward, r: Array, damping: float, how: str) -> Array:
    """`precondition` of the mean gradient r^T a/N, with factored damping and the batch's A."""
    n, g = len(layer.a), layer.g.reshape(-1, layer.g.shape[-1])
    G = g.T @ g / n
    mean_A = np.sum(layer.a**2 / n) / layer.a.shape[1]
    pi = _balance(mean_A, _mean_eigenvalue(G)) if how == "pi" else 1.0
    on_A, on_G = _split(damping, pi)
    return solve_by_examples(layer.a, _solve("G", G, on_G, r.T).T, on_A)


@np.errstate(all="ignore")
def _forward(net: Network, weights: Sequence[Array], x: Array) -> tuple[list[Array], Array]:
    """The inputs of each layer, a 1 appended, and the outputs."""
    inputs, ones = [], np.ones((len(x), 1))
    for l, w in enumerate(weights):
        inputs.append(np.hstack([x, ones]))
        x = inputs[-1] @ w.T
        if l < len(weights) - 1:
            x = {"tanh": np.tanh, "relu": lambda s: np.maximum(s, 0), "identity": lambda s: s}[
                net.activation
            ](x)
    return inputs, representable("weights", x)


@np.errstate(all="ignore")
def _send_back(
    net: Network, weights: Sequence[Array], inputs: Sequence[Array], g: Array
) -> list[Backward]:
    """Gradients in the outputs, (N, R, K), sent back to every layer."""
    layers = []
    for l in range(len(weights) - 1, -1, -1):
        layers.append(Backward(inputs[l], representable("weights", g)))
        if l:
            n, labels, units = g.shape
            g = (g.reshape(-1, units) @ weights[l][:, :-1]).reshape(n, labels, -1)
            g *= _slope(net, inputs[l][:, :-1])[:, None, :]
    return layers[::-1]


def _mean_gradient(layer: Backward) -> Array:
    with np.errstate(all="ignore"):
        return representable("weights", layer.g[:, 0, :].T @ layer.a / len(layer.a))


def _slope(net: Network, a: Array) -> Array:
    """phi'(s), from a = phi(s)."""
    if net.activation == "tanh":
        return 1 - a**2
    return (a > 0).astype(float) if net.activation == "relu" else np.ones_like(a)


@np.errstate(over="ignore")
def _residual(net: Network, f: Array, y: Array) -> Array:
    """The gradient of the loss in the outputs."""
    if net.output == "gaussian":
        return f - y
    if net.output == "bernoulli":
        return stable.logistic_residual(f, y)
    return stable.softmax_residual(f, y)


@np.errstate(all="ignore")
def _loss(net: Network, f: Array, y: Array) -> float:
    if net.output == "gaussian":
        each = ((f - y) ** 2).sum(axis=-1) / 2
    elif net.output == "bernoulli":
        each = np.logaddexp(0, np.where(y == 1, -f, f))[:, 0]
    else:
        each = -stable.log_softmax(f)[np.arange(len(y)), y]
    return float(representable("weights", each.mean()))


def _draw(net: Network, f: Array, rng: np.random.Generator) -> Array:
    if net.output == "gaussian":
        return f + rng.standard_normal(f.shape)
    if net.output == "bernoulli":
        return (rng.random(f.shape) < expit(f)).astype(float)
    edges = np.cumsum(stable.softmax(f), axis=-1)[:, :-1]
    return (rng.random((len(f), 1)) >= edges).sum(axis=-1)


def _blocks(blocks: Sequence[Array]) -> Array:
    ends = np.cumsum([len(block) for block in blocks])
    whole = np.zeros((ends[-1], ends[-1]))
    for end, block in zip(ends, blocks, strict=True):
        whole[end - len(block) : end, end - len(block) : end] = block
    return whole


def _norm(arrays: Sequence[Array]) -> float:
    size = max(np.abs(a).max() for a in arrays)  # its square may not fit in float64
    return float(size * np.sqrt(sum(((a / size) ** 2).sum() for a in arrays))) if size else 0.0


def _solve(name: str, matrix: Array, damping: float, right: Array) -> Array:
    """(matrix + damping I)^-1 right.

    Cholesky's only says whether the matrix is positive definite. scipy's solver, which would use
    its factor, has threads beside numpy's, and those that wait for work keep the others from
    theirs: a step of 784-256-10 took twice as long.
    """
    damped = matrix.copy()
    damped.flat[:: len(damped) + 1] += damping
    try:
        np.linalg.cholesky(damped)
        return np.linalg.solve(damped, right)
    except np.linalg.LinAlgError:
        raise ValueError(
            f"damping: expected one that makes {name} + {damping:.3g} I positive definite in "
            f"float64; the smallest eigenvalue of {name} is {np.linalg.eigvalsh(matrix)[0]:.3g}"
        ) from None


def _decay(decay: float) -> float:
    decay = number("decay", decay, least=0)
    if decay >= 1:
        raise ValueError(f"decay: expected a number in [0, 1), got {decay:g}")
    return decay


# Records may be made by hand, or changed: their contents are checked where they are used.


def _net(net: Network) -> Network:
    instance("net", net, Network, "a network, as `network(...)` makes it")
    return network(*net)


def _list(name: str, value: object) -> list:
    instance(name, value, list | tuple, "a list of arrays, one a layer")
    return list(value)


def _layers(layers: Sequence[Backward]) -> list[Backward]:
    instance("layers", layers, list | tuple, "a list of layers, as `backward` gives them")
    checked = []
    for layer in layers:
        instance("layer", layer, Backward, "a layer, as `backward` gives it")
        a, g = (real_array(f"layer.{k}", v, copy=False) for k, v in layer._asdict().items())
        if a.ndim != 2 or g.ndim != 3 or len(a) != len(g) or not a.size or not g.size:
            raise ValueError(
                "layer: expected a of shape (N, inputs + 1) and g of shape (N, R, units), "
                f"got {a.shape} and {g.shape}"
            )
        checked.append(Backward(a, g))
    if len({layer.g.shape[:2] for layer in checked}) != 1:
        raise ValueError("layers: expected one layer or more, all of the same examples and labels")
    return checked


def _factors(name: str, factor: Factors) -> Factors:
    """Square symmetric matrices; whether they are positive is seen where they are taken apart."""
    instance(name, factor, Factors, "Factors(A, G)")
    checked = Factors(matrices(f"{name}.A", factor.A), matrices(f"{name}.G", factor.G))
    for letter, matrix in zip("AG", checked, strict=True):
        if matrix.ndim != 2:
            raise ValueError(f"{name}.{letter}: expected one matrix, got shape {matrix.shape}")
        symmetric(f"{name}.{letter}", matrix, np.sqrt(np.abs(matrix).max(axis=-1)))
    return checked


def _eigenbasis(basis: Eigen) -> Eigen:
    basis = Eigen(*(real_array(f"factor.{k}", v) for k, v in basis._asdict().items()))
    shapes = [v.shape for v in basis]
    if basis.D.ndim != 2 or shapes[:2] != [2 * shapes[2][1:], 2 * shapes[2][:1]]:
        raise ValueError(
            "factor: expected U_A (inputs + 1, inputs + 1), U_G (units, units) and "
            f"D (units, inputs + 1), got {shapes}"
        )
    require("factor.D", basis.D >= 0, "second moments, none below 0", basis.D)
    return basis


def _kept(net: Network, kept: Sequence[Factors] | None) -> list[Factors | None]:
    """The running averages of a state, one a layer; None before the first step."""
    if kept is None:
        return [None] * len(net.shapes)
    checked = []
    for factor in _list("state.factors", kept):
        instance("state.factors", factor, Factors, "Factors(A, G)")
        checked.append(Factors(*(real_array("state.factors", m, copy=False) for m in factor)))
    if [(A.shape, G.shape) for A, G in checked] != [(2 * (i,), 2 * (o,)) for o, i in net.shapes]:
        raise ValueError(f"state.factors: expected those of layers of shapes {net.shapes}")
    return checked


def _weights(net: Network, weights: Sequence[ArrayLike]) -> list[Array]:
    weights = _list("weights", weights)
    if len(weights) != len(net.shapes):
        raise ValueError(
            f"weights: expected a list of {len(net.shapes)} arrays, one a layer, got {len(weights)}"
        )
    weights = [real_array(f"weights[{l}]", w) for l, w in enumerate(weights)]
    for l, (w, shape) in enumerate(zip(weights, net.shapes, strict=True)):
        if w.shape != shape:
            raise ValueError(f"weights[{l}]: expected shape {shape}, got {w.shape}")
    return weights


def _inputs(net: Network, x: ArrayLike) -> Array:
    x = real_array("x", x)
    if x.ndim != 2 or x.shape[1] != net.sizes[0] or not len(x):
        raise ValueError(f"x: expected shape (N, {net.sizes[0]}) with N > 0, got {x.shape}")
    return x


def _labels(net: Network, y: ArrayLike, n: int) -> Array:
    y = real_array("y", y)
    if net.output == "softmax":
        if y.shape != (n,):
            raise ValueError(f"y: expected labels of shape ({n},), got {y.shape}")
        good = (y == np.round(y)) & (y >= 0) & (y < net.sizes[-1])
        require("y", good, f"labels 0, ..., {net.sizes[-1] - 1}", y)
        return y.astype(int)
    if y.shape != (n, net.sizes[-1]):
        raise ValueError(f"y: expected shape ({n}, {net.sizes[-1]}), got {y.shape}")
    if net.output == "bernoulli":
        require("y", (y == 0) | (y == 1), "labels 0 or 1", y)
    return y
