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
from scipy.linalg import cho_factor, cho_solve
from scipy.special import expit, log_softmax

from ngdlib.validate import Array, count, instance, number, real_array, require

ACTIVATIONS = ("tanh", "relu", "identity")
OUTPUTS = ("gaussian", "bernoulli", "softmax")
FISHER_TYPES = ("exact", "mc", "empirical")
DAMPINGS = ("exact", "factored", "pi")
METHODS = ("kfac", "ekfac", "full")


class Network(NamedTuple):
    """Sizes of the layers from input to output, the nonlinearity between, the model of the labels.

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
    """Weights, running averages of the factors (None before the first step), steps taken."""

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
    try:
        sizes = tuple(count("sizes", size, least=1) for size in sizes)
    except TypeError:
        raise ValueError(f"sizes: expected integers, got {sizes!r}") from None
    if len(sizes) < 2:
        raise ValueError(f"sizes: expected two sizes or more, got {sizes}")
    _one_of("activation", activation, ACTIVATIONS)
    _one_of("output", output, OUTPUTS)
    if output == "bernoulli" and sizes[-1] != 1:
        raise ValueError(f"sizes: expected one output for labels 0 and 1, got {sizes[-1]}")
    return Network(sizes, activation, output)


def initial(rng: np.random.Generator, net: Network, gain: float = 1.0) -> list[Array]:
    """Weights with entries N(0, gain^2/inputs), biases 0."""
    instance("rng", rng, np.random.Generator, "a numpy.random.Generator")
    gain = number("gain", gain, least=0)
    weights = [gain / np.sqrt(i - 1) * rng.standard_normal((o, i)) for o, i in net.shapes]
    for w in weights:
        w[:, -1] = 0.0
    return weights


def outputs(net: Network, weights: Sequence[ArrayLike], x: ArrayLike) -> Array:
    """The outputs f, shape (N, K): means or logits."""
    weights, x = _weights(net, weights), _inputs(net, x)
    return _forward(net, weights, x)[1]


def loss(net: Network, weights: Sequence[ArrayLike], x: ArrayLike, y: ArrayLike) -> float:
    """The mean loss over examples, in nats."""
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
    f: Array,
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
    _one_of("fisher_type", fisher_type, FISHER_TYPES)
    n, k = f.shape
    if fisher_type == "empirical":
        if y is None:
            raise ValueError("y: expected observed labels for the empirical Fisher, got None")
        return _residual(net, f, _labels(net, y, n))[:, None, :]
    if fisher_type == "mc":
        instance("rng", rng, np.random.Generator, "a numpy.random.Generator")
        count("samples", samples, least=1)
        drawn = [_residual(net, f, _draw(net, f, rng)) for _ in range(samples)]
        return np.stack(drawn, axis=1) / np.sqrt(samples)
    if net.output == "gaussian":
        return np.broadcast_to(np.eye(k), (n, k, k))
    if net.output == "bernoulli":  # one column: the root of the variance p (1 - p)
        return np.sqrt(expit(f) * expit(-f))[:, None, :]
    p = np.exp(log_softmax(f, axis=-1))
    return np.sqrt(p)[:, :, None] * (p[:, None, :] - np.eye(k))


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
    weights, x = _weights(net, weights), _inputs(net, x)
    inputs, f = _forward(net, weights, x)
    g = label_gradients(net, f, y, fisher_type=fisher_type, rng=rng, samples=samples)
    return _send_back(net, weights, inputs, g)


def rows(layers: Sequence[Backward]) -> Array:
    """The gradients of all layers, vec by vec, one row a label: shape (N R, parameters)."""
    return np.concatenate(
        [
            np.einsum("ni,nro->nrio", layer.a, layer.g).reshape(
                -1, layer.a.shape[1] * layer.g.shape[2]
            )
            for layer in layers
        ],
        axis=1,
    )


def fisher(layers: Sequence[Backward], structure: str = "full") -> Array:
    """The Fisher matrix of all weights, shape (parameters, parameters).

    structure  "full"; "block": blocks of layers only; "diag": the diagonal only; "kfac": blocks
               A ⊗ G; "ekfac": the eigenbasis of those, and the right diagonal in it. All as full
               arrays, to be looked at and compared: for small networks.
    With `fisher_type` "exact" it equals the generalised Gauss-Newton matrix of the mean loss.
    """
    _one_of("structure", structure, ("full", "block", "diag", "kfac", "ekfac"))
    if structure == "full":
        r = rows(layers)
        return r.T @ r / len(layers[0].a)
    if structure == "kfac":
        return _blocks([np.kron(A, G) for A, G in map(factors, layers)])
    if structure == "ekfac":
        bases = [eigen(factors(layer), layer) for layer in layers]
        kron = [np.kron(basis.U_A, basis.U_G) for basis in bases]
        return _blocks([(U * b.D.T.ravel()) @ U.T for U, b in zip(kron, bases, strict=True)])
    blocks = [fisher([layer]) for layer in layers]
    return (
        _blocks(blocks)
        if structure == "block"
        else np.diag(np.concatenate(list(map(np.diag, blocks))))
    )


def factors(layer: Backward) -> Factors:
    """K-FAC's A = E[a a^T] and G = E[g g^T] of a layer."""
    n = len(layer.a)
    g = layer.g.reshape(-1, layer.g.shape[-1])
    return Factors(layer.a.T @ layer.a / n, g.T @ g / n)


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
    """
    (a, U_A), (b, U_G) = np.linalg.eigh(factor.A), np.linalg.eigh(factor.G)
    if layer is None:
        return Eigen(U_A, U_G, np.outer(np.maximum(b, 0), np.maximum(a, 0)))
    along_a, along_g = (layer.a @ U_A) ** 2, ((layer.g @ U_G) ** 2).sum(axis=1)
    return Eigen(U_A, U_G, along_g.T @ along_a / len(layer.a))


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
    _one_of("how", how, DAMPINGS)
    damping = number("damping", damping, above=0)
    V = real_array("gradient", gradient)
    basis = factor
    if isinstance(factor, Factors):
        if V.shape != (len(factor.G), len(factor.A)):
            expected = (len(factor.G), len(factor.A))
            raise ValueError(f"gradient: expected shape {expected}, got {V.shape}")
        if how != "exact":
            pi = balance(factor) if how == "pi" else 1.0
            root = np.sqrt(damping)
            left = cho_solve(cho_factor(factor.G + root / pi * np.eye(len(factor.G))), V)
            return cho_solve(cho_factor(factor.A + root * pi * np.eye(len(factor.A))), left.T).T
        basis = eigen(factor)
    return basis.U_G @ ((basis.U_G.T @ V @ basis.U_A) / (basis.D + damping)) @ basis.U_A.T


def balance(factor: Factors) -> float:
    """pi: the root of the ratio of the mean eigenvalues of A and G; 1 where one of them is 0."""
    a, g = np.trace(factor.A) / len(factor.A), np.trace(factor.G) / len(factor.G)
    return float(np.sqrt(a / g)) if a > 0 and g > 0 else 1.0


def solve_by_examples(a: ArrayLike, v: ArrayLike, damping: float) -> Array:
    """v (A + lambda I)^-1 for A = a^T a/N, through a system of the size of the batch.

    a  inputs (N, d); v (..., d). Cheaper than A itself where N < d; not for running averages.
    """
    a, v = real_array("a", a), real_array("v", v)
    damping = number("damping", damping, above=0)
    if a.ndim != 2 or v.ndim == 0 or v.shape[-1] != a.shape[-1] or not len(a):
        raise ValueError(f"v: expected shape (..., {a.shape[-1:]}), got {v.shape}")
    gram = a @ a.T / len(a) + damping * np.eye(len(a))
    inside = cho_solve(cho_factor(gram), (v.reshape(-1, a.shape[1]) @ a.T).T / len(a)).T
    return (v - (inside @ a).reshape(v.shape)) / damping


def solve_full(
    layers: Sequence[Backward], gradients: Sequence[ArrayLike], damping: float
) -> list[Array]:
    """(F + lambda I)^-1 times the gradients of all layers, F the full Fisher matrix of a batch.

    No block and no factor: through whichever system is smaller, that of the parameters or that of
    the weighted labels, (F + lambda I)^-1 g = (g - R^T (R R^T + N lambda I)^-1 R g) / lambda.

    layers     as `backward` gives them; gradients one array (units, inputs + 1) a layer
    """
    damping = number("damping", damping, above=0)
    V = [real_array("gradients", v) for v in gradients]
    shapes = [(layer.g.shape[-1], layer.a.shape[-1]) for layer in layers]
    if [v.shape for v in V] != shapes:
        raise ValueError(f"gradients: expected shapes {shapes}, got {[v.shape for v in V]}")
    R, n = rows(layers), len(layers[0].a)
    g = np.concatenate([v.T.ravel() for v in V])
    if len(R) < R.shape[1]:
        inside = cho_solve(cho_factor(R @ R.T + n * damping * np.eye(len(R))), R @ g)
        solved = (g - R.T @ inside) / damping
    else:
        solved = cho_solve(cho_factor(R.T @ R / n + damping * np.eye(len(g))), g)
    ends = np.cumsum([v.size for v in V])
    parts = np.split(solved, ends[:-1])
    return [part.reshape(v.shape[::-1]).T for part, v in zip(parts, V, strict=True)]


def average(old: Factors | None, new: Factors, decay: float) -> Factors:
    """decay times ``old`` plus (1 - decay) times ``new``; ``new`` where there is no old one."""
    decay = number("decay", decay, least=0)
    if decay >= 1:
        raise ValueError(f"decay: expected a number in [0, 1), got {decay:g}")
    if old is None:
        return new
    return Factors(*(decay * o + (1 - decay) * n for o, n in zip(old, new, strict=True)))


def start(weights: Sequence[ArrayLike]) -> State:
    """The state before the first step, from one weight matrix a layer; no running means yet."""
    return State([real_array("weights", w) for w in weights], None, 0)


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
    decay   of the running averages of the factors; 0 takes the batch's own, as "full" must
    The labels of G are ``fisher_type``'s: the model's own by default, not the observed ones.
    """
    _one_of("method", method, METHODS)
    _one_of("how", how, DAMPINGS)
    if method != "kfac" and how != "exact":
        raise ValueError(f"how: expected 'exact' with the method {method!r}, got {how!r}")
    if method == "full" and decay:
        raise ValueError(f"decay: expected 0 with the method 'full', got {decay!r}")
    eta = number("eta", eta, above=0)
    weights, x = _weights(net, state.weights), _inputs(net, x)
    y = _labels(net, y, len(x))
    inputs, f = _forward(net, weights, x)
    g = label_gradients(net, f, y, fisher_type=fisher_type, rng=rng)
    layers = _send_back(net, weights, inputs, g)
    observed = layers
    if fisher_type != "empirical":
        observed = _send_back(net, weights, inputs, _residual(net, f, y)[:, None, :])
    V = [_mean_gradient(layer) for layer in observed]
    if method == "full":
        new, moved = None, [-eta * v for v in solve_full(layers, V, damping)]
    else:
        old = state.factors or [None] * len(layers)
        new = [average(o, factors(layer), decay) for o, layer in zip(old, layers, strict=True)]
        moved = []
        for layer, factor, v in zip(layers, new, V, strict=True):
            basis = eigen(factor, layer) if method == "ekfac" else factor
            moved.append(-eta * precondition(basis, v, damping, how))
    info = Info(_loss(net, f, y), _norm(V), _norm(moved))
    weights = [w + m for w, m in zip(weights, moved, strict=True)]
    return State(weights, new, state.step + 1), info


# -- inside ---------------------------------------------------------------------------------------


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
    return inputs, x


def _send_back(
    net: Network, weights: Sequence[Array], inputs: Sequence[Array], g: Array
) -> list[Backward]:
    """Gradients in the outputs, (N, R, K), sent back to every layer."""
    layers = []
    for l in range(len(weights) - 1, -1, -1):
        layers.append(Backward(inputs[l], g))
        if l:
            g = (g @ weights[l][:, :-1]) * _slope(net, inputs[l][:, :-1])[:, None, :]
    return layers[::-1]


def _mean_gradient(layer: Backward) -> Array:
    return layer.g[:, 0, :].T @ layer.a / len(layer.a)


def _slope(net: Network, a: Array) -> Array:
    """phi'(s), from a = phi(s)."""
    if net.activation == "tanh":
        return 1 - a**2
    return (a > 0).astype(float) if net.activation == "relu" else np.ones_like(a)


def _residual(net: Network, f: Array, y: Array) -> Array:
    """The gradient of the loss in the outputs."""
    if net.output == "gaussian":
        return f - y
    if net.output == "bernoulli":
        return expit(f) - y
    p = np.exp(log_softmax(f, axis=-1))
    p[np.arange(len(y)), y] -= 1
    return p


def _loss(net: Network, f: Array, y: Array) -> float:
    if net.output == "gaussian":
        each = ((f - y) ** 2).sum(axis=-1) / 2
    elif net.output == "bernoulli":
        each = np.logaddexp(0, np.where(y == 1, -f, f))[:, 0]
    else:
        each = -log_softmax(f, axis=-1)[np.arange(len(y)), y]
    return float(each.mean())


def _draw(net: Network, f: Array, rng: np.random.Generator) -> Array:
    if net.output == "gaussian":
        return f + rng.standard_normal(f.shape)
    if net.output == "bernoulli":
        return (rng.random(f.shape) < expit(f)).astype(float)
    edges = np.cumsum(np.exp(log_softmax(f, axis=-1)), axis=-1)[:, :-1]
    return (rng.random((len(f), 1)) >= edges).sum(axis=-1)


def _blocks(blocks: Sequence[Array]) -> Array:
    ends = np.cumsum([len(block) for block in blocks])
    whole = np.zeros((ends[-1], ends[-1]))
    for end, block in zip(ends, blocks, strict=True):
        whole[end - len(block) : end, end - len(block) : end] = block
    return whole


def _norm(arrays: Sequence[Array]) -> float:
    return float(np.sqrt(sum((a**2).sum() for a in arrays)))


def _one_of(name: str, value: str, among: Sequence[str]) -> None:
    if value not in among:
        raise ValueError(f"{name}: expected one of {tuple(among)}, got {value!r}")


def _weights(net: Network, weights: Sequence[ArrayLike]) -> list[Array]:
    instance("net", net, Network, "a network, as `network(...)` makes it")
    if isinstance(weights, np.ndarray) or len(weights) != len(net.shapes):
        raise ValueError(f"weights: expected a list of {len(net.shapes)} arrays, one a layer")
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
