"""Checks of the chapter "Function space".

Each is fed a statement as data, once as the book makes it and once in a false version, and decides
it by Jacobians, metrics, kernels and flows of small models that the library computes.
"""

from __future__ import annotations

from functools import cache
from math import factorial

import numpy as np
from scipy.special import zeta

from ngdlib import fisher
from ngdlib import function_space as fs
from ngdlib.claims import Evidence, claim, opinion
from ngdlib.demos.function_space import START_OF_TEN
from ngdlib.descent import natural_direction, pseudo_natural_direction
from ngdlib.families import Bernoulli, Categorical, Gaussian, Poisson

X, X5 = np.array([-1.0, 0.0, 2.0]), np.linspace(-1, 1, 5)
START, OFF = np.array([0.7, 0.3]), np.array([0.834, -0.6, 0.0])
Y5 = np.array([0.5, -0.5, 0.8, -0.2, 0.3])
NEURON, TEN = fs.neuron(), fs.hidden_layer(10)
RIGHT_ANGLE = np.array([0.0, np.pi / 2])


def _near(found, stated, tolerance=1e-3):
    found, stated = np.asarray(found, dtype=float), np.asarray(stated, dtype=float)
    if found.shape != stated.shape:
        return False
    return bool(np.all(np.abs(found - stated) <= tolerance * np.maximum(np.abs(found), 1e-9)))


def _random(D, N, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(D, N)), rng.normal(size=D)


def _line():
    """1 and x times the root of 3/2: orthonormal at -1, 0, 1."""
    return fs.linear(lambda x: np.stack([np.ones_like(x), np.sqrt(1.5) * x], axis=-1), 2)


@cache
def _ten():
    """Jacobian and residual of ten neurons at their start."""
    return TEN.jacobian(START_OF_TEN, X5), TEN.value(START_OF_TEN, X5) - Y5


@cache
def _off_the_model():
    """The natural flow of one neuron to targets that it cannot reach: its end, start and loss."""
    path = fs.flow(NEURON, START, X, OFF, [0.0, 12.0])
    share = fs.tangent_share(NEURON.jacobian(START, X), path.values[0] - OFF)
    return path.loss[-1], share, fs.final_rates(NEURON, path.theta[-1], X, OFF), path.loss[0]


# The metric


@cache
def _online(times_the_step: float) -> float:
    """n F times the variance of a Gaussian mean that is learned online, by its exact recursion."""
    F = Gaussian("mu, sigma").fisher([0.0, 2.0])[0, 0]
    gain = -float(natural_direction(np.array([[F]]), np.array([1.0]))[0])  # 1/F
    found = []
    for n in (2000, 4000):
        v = 0.0
        for t in range(1, n + 1):
            step = times_the_step * gain / t  # of the score, (x - mean) F
            v = (1 - step * F) ** 2 * v + step * step * F
        found.append(n * F * v)
    return 2 * found[1] - found[0]


@claim(
    "S2-02",
    verdict="holds under conditions",
    where="function-space-popular-story",
    paraphrase="The literature claims that the natural gradient's metric is the optimal one for "
    "descent and flow.",
    correct="What Amari proves is about learning from a stream: with steps of 1/t on the log "
    "loss the natural gradient reaches the least variance that is possible, 1/(nF). At twice that "
    "step 4/3 of it is left. About one loss on fixed data no such theorem holds.",
    truth={"n F variance, at a times the natural step": lambda a: a * a / (2 * a - 1)},
    control={"n F variance, at a times the natural step": lambda a: 1.0},
    control_name="every multiple of the natural step as good as the natural one",
    citation="amari1998",
)
def optimal_for_what(stated) -> Evidence:
    """A Gaussian mean from a stream, at the natural step and at multiples of it."""
    found = {a: _online(a) for a in (1.0, 2.0, 1.5)}
    law = stated["n F variance, at a times the natural step"]
    return Evidence(
        all(_near(value, law(a), 1e-3) for a, value in found.items()),
        {f"n F variance at {a:g} times the step": value for a, value in found.items()},
        "A Gaussian mean from a stream, with steps of a/(tF).",
        {
            "1/t": abs(found[1.0] - 1) < 1e-6,
            "1/(nF)": abs(found[1.0] - 1) < 1e-6,
            "twice": 2.0,
            "4/3": found[2.0],
        },
    )


@claim(
    "S2-03",
    verdict="holds under conditions",
    where="function-space-metric",
    paraphrase="For a function f one should use the metric E[∂f ∂fᵀ], over the data.",
    correct="It is the Fisher matrix of f read as the mean of a Gaussian with variance 1. Read f "
    "as log-odds and each example has the weight σ(f)(1 − σ(f)) besides: ¼ at f = 0.",
    truth={"Gaussian": lambda f: 1.0 + 0 * f, "log-odds": lambda f: 1 / (2 + 2 * np.cosh(f))},
    control={"Gaussian": lambda f: 1.0 + 0 * f, "log-odds": lambda f: 1.0 + 0 * f},
    control_name="one metric for all readings of f",
    exceptions={"constant": "the Gaussian's weight is the constant 1"},
)
def which_model_a_function_stands_for(stated) -> Evidence:
    right, at_zero = True, None
    for f in (0.0, 0.8, -2.0):
        theta, x = np.array([f / 1.25, f / 2.5]), np.array([[1.0, 0.5]])
        g = fs.metric(x)
        gaussian = fisher.fisher(fisher.regression("gaussian", x), theta)[0, 0] / g[0, 0]
        odds = fisher.fisher(fisher.regression("bernoulli", x), theta)[0, 0] / g[0, 0]
        right &= _near([gaussian, odds], [stated["Gaussian"](f), stated["log-odds"](f)], 1e-9)
        at_zero = odds if f == 0 else at_zero
    return Evidence(
        right,
        {"weight of log-odds 0": at_zero},
        "One example, with f as a mean and as log-odds.",
        {"variance 1": 1.0, "σ(f)(1 − σ(f))": right, "¼": at_zero, "f = 0": 0.0},
    )


@claim(
    "S2-04",
    verdict="holds under conditions",
    where="function-space-kernel",
    paraphrase="The flow takes the inverse gⁱʲ of the metric gᵢⱼ.",
    correct="The rank of g is at most the number D of data points, so with N > D parameters it has "
    "no inverse: of thirty parameters and D = 5 points it has rank 5. The pseudo-inverse takes its "
    "place; the velocity of f does not depend on the choice.",
    truth={"rank": lambda D, N: min(D, N)},
    control={"rank": lambda D, N: N},
    control_name="a metric of full rank, whatever the data",
)
def the_rank_of_the_metric(stated) -> Evidence:
    J, r = _ten()
    rank = fs.natural_velocity(J, r).rank
    right = rank == stated["rank"](5, 30)
    for D, N in ((3, 2), (4, 4), (2, 6)):
        right &= np.linalg.matrix_rank(fs.metric(_random(D, N)[0])) == stated["rank"](D, N)
    kernel = np.linalg.svd(J)[2][-1]  # a direction that moves nothing
    moved = fs.natural_velocity(J, r).value + 3 * kernel
    right &= _near(J @ moved, -2 * r, 1e-9)
    return Evidence(
        right,
        {"rank of g": rank, "parameters": J.shape[1]},
        "Ten tanh units on five inputs, and random Jacobians.",
        {"N > D": J.shape[1] > J.shape[0], "D = 5": J.shape[0], "rank 5": rank},
    )


@claim(
    "S2-05",
    verdict="holds",
    where="function-space-probability",
    paraphrase="For a probability density the metric is E[∂log ρ ∂log ρᵀ], the Fisher information "
    "matrix.",
    correct="It is: the mean square of the score, and the second derivative of the KL divergence.",
    truth={"F of a coin": lambda q: 1 / (q * (1 - q)), "KL over half of F h²": 1.0},
    control={"F of a coin": lambda q: q * (1 - q), "KL over half of F h²": 1.0},
    control_name="the variance in place of its inverse",
)
def fisher_of_a_density(stated) -> Evidence:
    coin, right, ratios = Bernoulli("probability"), True, []
    for q in (0.2, 0.7):
        square = sum(
            p * coin.score(np.array(y), [q]).item() ** 2 for p, y in ((1 - q, 0.0), (q, 1.0))
        )
        right &= _near(square, stated["F of a coin"](q), 1e-9)
        half, whole = (coin.kl([q], [q + h]).item() / (square * h * h / 2) for h in (1e-4, 2e-4))
        ratios.append(2 * half - whole)
        right &= _near(ratios[-1], stated["KL over half of F h²"], 1e-5)
    return Evidence(right, {"KL over half of F h²": ratios[0]}, "Two coins, by their two outcomes.")


@claim(
    "S2-06",
    verdict="holds",
    where="function-space-metric",
    paraphrase="The mean square of δf is a line element on functions; pulled back to the "
    "parameters it gives g = E[∂f ∂fᵀ].",
    correct="It does. The mean is over the measure of the data: other inputs, another metric.",
    truth=lambda v, x: np.mean((1 - np.tanh(0.7 * x + 0.3) ** 2) ** 2 * (v[0] * x + v[1]) ** 2),
    control=lambda v, x: np.sum((1 - np.tanh(0.7 * x + 0.3) ** 2) ** 2 * (v[0] * x + v[1]) ** 2),
    control_name="the sum over the data in place of the mean",
)
def the_line_element(stated) -> Evidence:
    right, off = True, 0.0
    for x in (X, np.array([0.5, 1.5])):
        g = fs.metric(NEURON.jacobian(START, x))
        for v in (np.array([1.0, 0.0]), np.array([-0.4, 1.3])):
            half, whole = (
                fs.loss(NEURON.value(START + h * v, x), NEURON.value(START, x)) / h**2
                for h in (1e-4, 2e-4)
            )
            measured = 2 * half - whole
            off = max(off, abs(measured / (v @ g @ v) - 1))
            right &= _near(measured, stated(v, x), 1e-5)
    return Evidence(
        right and off < 1e-5,
        {"largest relative gap between distance and metric": off},
        "One neuron moved a little in two directions, on two sets of inputs.",
    )


@claim(
    "S2-12",
    verdict="holds",
    where="function-space-exact",
    paraphrase="g is the identity just where the functions ∂f/∂θⁱ are orthonormal.",
    correct="That is what the entries of g say, at the θ where they are taken. On −1, 0 and 1 the "
    "functions 1 and 1.2247 x are orthonormal.",
    truth={"second function": lambda x: np.sqrt(1.5) * x},
    control={"second function": lambda x: x},
    control_name="1 and x, which are orthogonal and not normalised",
)
def orthonormal_derivatives(stated) -> Evidence:
    right = True
    for x in (np.array([-1.0, 0.0, 1.0]), np.array([0.0, 1.0, -1.0])):
        f = stated["second function"](x)
        g = fs.metric(np.stack([np.ones(3), f], axis=-1))
        right &= _near(np.diag(g), np.ones(2), 1e-9) and abs(g[0, 1]) < 1e-12
        right &= _near(f @ x, np.sqrt(1.5) * 2, 1e-9)  # along x itself
    return Evidence(
        right,
        {"g₁₁": g[0, 0], "g₁₂": g[0, 1], "g₂₂": g[1, 1]},
        "The metric of two functions on three points.",
        {
            "−1, 0 and 1": bool(np.all(np.sort(x) == [-1, 0, 1])),
            "functions 1": 1.0,
            "1.2247": np.sqrt(1.5),
        },
    )


@claim(
    "S2-13",
    verdict="holds",
    where="function-space-exact",
    paraphrase="Written by coefficients of orthonormal functions, the metric is the identity.",
    correct="It is, everywhere, for as many orthonormal functions as there are data points, or "
    "fewer. Not only there: a circle of functions by its arc length has g = 1 everywhere too, and "
    "bends.",
    truth={"g₁₁": 1.0, "g₂₂": 1.0, "g of the circle, by arc length": 1.0, "mean square bend": 0.5},
    control={
        "g₁₁": 1.0,
        "g₂₂": 2 / 3,
        "g of the circle, by arc length": 1.0,
        "mean square bend": 0.5,
    },
    control_name="1 and x as coefficients' functions",
)
def orthonormal_coefficients(stated) -> Evidence:
    g = fs.metric(_line().jacobian(np.array([0.3, -2.0]), np.array([-1.0, 0.0, 1.0])))
    circle, right = fs.shifted_cosine(), True
    for a in (0.4, 2.0):
        speed = fs.metric(circle.jacobian(np.array([a]), RIGHT_ANGLE))[0, 0]
        bend = fs.loss(circle.hessian(np.array([a]), RIGHT_ANGLE)[:, 0, 0], np.zeros(2))
        right &= _near(
            [2 * speed, bend],
            [stated["g of the circle, by arc length"], stated["mean square bend"]],
        )
    right &= _near([g[0, 0], g[1, 1]], [stated["g₁₁"], stated["g₂₂"]]) and abs(g[0, 1]) < 1e-12
    return Evidence(
        right,
        {"g₂₂ of the line": g[1, 1], "g of the circle in a": speed},
        "A line on three points; cos(a − x) on two, where arc length is a over the root of 2.",
        {"g = 1": 2 * speed},
    )


@claim(
    "S2-14",
    verdict="false as stated",
    where="function-space-exact",
    paraphrase="Orthonormal bases of functions do not exist on every manifold; compactness is "
    "sufficient.",
    correct="Every L² of a manifold has one: it is separable, and Gram and Schmidt do the rest. On "
    "the whole line, which is not compact, with a normal density, the Hermite polynomials over √k! "
    "are one, and the squared coefficients of exp(x/2) sum to its mean square, 1.6487.",
    heard="Orthonormal bases of functions do not exist on every manifold.",
    fact="Every L² of a manifold has one. The line is not compact and has the Hermite polynomials.",
    truth={"mean square of Hermite k": lambda k: factorial(k), "sum of squares": 1.648721},
    control={"mean square of Hermite k": lambda k: factorial(k), "sum of squares": 1.324389},
    control_name="a system that misses the odd part of exp(x/2)",
)
def a_basis_on_the_line(stated) -> Evidence:
    x, weight = np.polynomial.hermite_e.hermegauss(60)
    weight = weight / weight.sum()
    basis = np.stack([np.polynomial.hermite_e.hermeval(x, np.eye(16)[k]) for k in range(16)], -1)
    g = fs.metric(basis * np.sqrt(weight * len(x))[:, None])  # a mean with these weights
    scaled = g / np.sqrt(np.outer(np.diag(g), np.diag(g)))
    f = np.exp(x / 2)
    coefficients = (weight * f) @ basis / np.sqrt(np.diag(g))
    total, mean_square = float(coefficients @ coefficients), float(weight @ f**2)
    right = np.abs(scaled - np.eye(16)).max() < 1e-9 and abs(total - mean_square) < 1e-9
    for k in (0, 3, 7):
        right &= _near(g[k, k], stated["mean square of Hermite k"](k), 1e-9)
    return Evidence(
        right and _near(total, stated["sum of squares"]),
        {"sum of squared coefficients": total, "mean square of e^(x/2)": mean_square},
        "Sixteen Hermite polynomials under a normal density, by quadrature.",
        {"√k!": right, "exp(x/2)": abs(mean_square - np.exp(0.5)) < 1e-9, "1.6487": total},
    )


@claim(
    "S2-35",
    verdict="holds",
    where="function-space-exact",
    paraphrase="Any finite amount of data could have come from a compact manifold, so such a basis "
    "may be assumed.",
    correct="It could. Nothing has to be assumed, though: the functions on D data points are D "
    "numbers each, a space of dimension D.",
    truth={"dimension": lambda D: D},
    control={"dimension": lambda D: D + 1},
    control_name="one independent function more than there are points",
    exceptions={"identity": "the dimension is the argument, D"},
)
def functions_on_finite_data(stated) -> Evidence:
    ranks = {}
    for D in (3, 5, 8):
        x = np.random.default_rng(D).normal(size=D)
        many = np.cos(np.outer(x, np.arange(12)) + np.arange(12))
        ranks[D] = int(np.linalg.matrix_rank(fs.metric(many), tol=1e-10))
    return Evidence(
        all(rank == stated["dimension"](D) for D, rank in ranks.items()),
        {f"independent functions on {D} points": rank for D, rank in ranks.items()},
        "Twelve cosines, restricted to a few points.",
    )


# Projection


@claim(
    "S2-11",
    verdict="holds",
    where="function-space-projection",
    paraphrase="The natural flow is the flow of parameters that comes closest to the free flow of "
    "the function.",
    correct="It is its least-squares projection: of all Jv, the nearest to −2r in the mean square "
    "over the data.",
    truth={"velocity": lambda J, r: -2 * np.linalg.lstsq(J, r, rcond=None)[0]},
    control={"velocity": lambda J, r: -2 * J.T @ r / len(r)},
    control_name="the ordinary gradient as the projection",
)
def the_nearest_velocity(stated) -> Evidence:
    right, left = True, 0.0
    for seed, (D, N) in enumerate(((3, 2), (6, 3), (4, 1))):
        J, r = _random(D, N, seed)
        v = fs.natural_velocity(J, r).value
        right &= _near(v, stated["velocity"](J, r), 1e-9)
        left = max(left, float(np.abs(J.T @ (J @ v + 2 * r)).max()))
        for push in np.eye(N) * 1e-3:  # nothing near it is nearer
            right &= bool(fs.loss(J @ (v + push), -2 * r) > fs.loss(J @ v, -2 * r))
    return Evidence(
        right and left < 1e-12,
        {"largest inner product of what is missed with a column of J": left},
        "Three random Jacobians.",
        {"−2r": right},
    )


@cache
def _free_coefficients() -> float:
    """The loss that the natural flow of three free values leaves at t = 12."""
    free = fs.linear(lambda x: np.eye(3), 3)
    return float(fs.flow(free, NEURON.value(START, X), X, OFF, [0.0, 12.0]).loss[-1])


@claim(
    "S2-16",
    verdict="holds under conditions",
    where="function-space-projection",
    paraphrase="Expanding the function in coefficients α(θ) is just a change of coordinates.",
    correct="Only if θ reaches all of them. One neuron on three inputs reaches a surface of "
    "values: free coefficients bring the loss to 0, those that it can have to 0.2889.",
    truth={"loss left, free coefficients": 0.0, "loss left, one neuron": 0.288941},
    control={"loss left, free coefficients": 0.0, "loss left, one neuron": 0.0},
    control_name="a neuron that reaches every value",
)
def a_change_of_coordinates(stated) -> Evidence:
    loss, end = _free_coefficients(), _off_the_model()[0]
    return Evidence(
        abs(loss - stated["loss left, free coefficients"]) < 1e-9
        and _near(end, stated["loss left, one neuron"]),
        {"loss left, free coefficients": loss, "loss left, one neuron": end},
        "The natural flow of three free values and of one neuron, from the same function.",
        {"to 0,": 0.0 if loss < 1e-9 else loss, "0.2889": end},
    )


@claim(
    "S2-17",
    verdict="holds",
    where="function-space-exact",
    paraphrase="The flow of the coefficients α in the Euclidean metric is the natural flow of θ.",
    correct="The same curve, where α and θ are two charts of one model. Finite steps part: with "
    "α = θ + θ³/3, from 0 to the target 1, a step of η = 0.4 lands at α = 0.8 or at 0.9707.",
    truth={"velocity of α": lambda α, b: -2 * (α - b), "step in α": 0.8, "step in θ": 0.970667},
    control={"velocity of α": lambda α, b: -2 * (α - b), "step in α": 0.8, "step in θ": 0.8},
    control_name="finite steps that agree in both charts",
)
def one_flow_in_two_charts(stated) -> Evidence:
    cubic = fs.Curve(
        "t + t^3/3",
        1,
        lambda t, x: (t + t**3 / 3) * np.ones_like(x),
        lambda t, x: ((1 + t**2) * np.ones_like(x))[..., None],
    )
    one, right = np.array([0.0]), True
    for t, b in ((0.0, 1.0), (0.9, -0.5), (-2.0, 0.3)):
        theta = np.array([t])
        J, α = cubic.jacobian(theta, one), cubic.value(theta, one)
        v = fs.natural_velocity(J, α - b).value
        right &= _near((J @ v)[0], stated["velocity of α"](α[0], b), 1e-9)
    v = fs.natural_velocity(cubic.jacobian(np.zeros(1), one), np.array([-1.0])).value
    free = fs.linear(lambda x: np.ones((len(x), 1)), 1)
    by_α = float(
        0.4 * fs.natural_velocity(free.jacobian(np.zeros(1), one), np.array([-1.0])).value[0]
    )
    by_θ = float(cubic.value(0.4 * v, one)[0])
    right &= _near([by_α, by_θ], [stated["step in α"], stated["step in θ"]])
    return Evidence(
        right,
        {"a step of 0.4 in α": by_α, "in θ": by_θ},
        "A model of one parameter with a curved chart.",
        {
            "α = θ + θ³/3": right,
            "from 0": 0.0,
            "target 1": 1.0,
            "η = 0.4": 0.4,
            "α = 0.8": by_α,
            "0.9707": by_θ,
        },
    )


@claim(
    "S2-33",
    verdict="holds",
    where="function-space-kernel",
    paraphrase="Where α(θ) is not invertible the equalities are only approximate, less so with "
    "many parameters; symmetries are taken to be divided out.",
    correct="So it is: what the model cannot reach is lost, and what changes no function makes g "
    "singular. Of c d tanh x, g has the rank 1, and its other eigenvalue is (c² + d²) times the "
    "mean of tanh².",
    truth={"rank": 1, "eigenvalue": lambda c, d: (c * c + d * d) * np.mean(np.tanh(X) ** 2)},
    control={"rank": 2, "eigenvalue": lambda c, d: (c * c + d * d) * np.mean(np.tanh(X) ** 2)},
    control_name="a redundant parameter that counts",
)
def a_redundant_parameter(stated) -> Evidence:
    right, values = True, None
    for c, d in ((1.0, 2.0), (0.3, -0.7)):
        J = np.stack([d * np.tanh(X), c * np.tanh(X)], axis=-1)
        values = np.linalg.eigvalsh(fs.metric(J))
        rank = fs.natural_velocity(J, np.array([0.1, 0.2, -0.3])).rank
        right &= rank == stated["rank"] and _near(values[1], stated["eigenvalue"](c, d), 1e-9)
    return Evidence(
        right,
        {"eigenvalues": values[1], "and": max(values[0], 0.0), "rank": rank},
        "Two factors in front of one function.",
        {
            "rank 1": rank,
            "(c² + d²)": right,
            "tanh²": _near(values[1], (c * c + d * d) * np.mean(np.tanh(X) ** 2), 1e-9),
        },
    )


# Exact solutions


@cache
def _line_flow(start, y):
    """The target's coefficients, and the natural flow of a line through three points."""
    x, model = np.array([-1.0, 0.0, 1.0]), _line()
    b = model.jacobian(np.zeros(2), x).T @ np.array(y) / 3
    return b, fs.flow(model, start, x, y, [0.0, 0.3, 1.0])


@claim(
    "S2-18",
    verdict="holds",
    where="function-space-exact",
    paraphrase="The coefficients run to the target's as αᵢ(t) = (αᵢ(0) − βᵢ)e⁻²ᵗ + βᵢ.",
    correct="Yes, for orthonormal functions and a loss without ½. (The book writes b for β.)",
    truth=lambda start, b, t: (start - b) * np.exp(-2 * t) + b,
    control=lambda start, b, t: (start - b) * np.exp(-t) + b,
    control_name="the rate of a loss with a half",
)
def coefficients_in_time(stated) -> Evidence:
    right, off = True, 0.0
    for start, y in (((0.5, -1.0), (1.0, 0.0, 1.0)), ((2.0, 0.3), (0.2, -0.4, 1.5))):
        b, path = _line_flow(start, y)
        for t, α in zip(path.times, path.theta, strict=True):
            off = max(off, float(np.abs(α - ((start - b) * np.exp(-2 * t) + b)).max()))
            right &= _near(α, stated(np.array(start), b, t), 1e-6)
    return Evidence(right, {"largest gap": off}, "A line through three points.", {"½": 0.5})


@claim(
    "S2-19",
    verdict="holds",
    where="function-space-exact",
    paraphrase="So the loss goes as e⁻⁴ᵗ.",
    correct="Of a target that the orthonormal functions span, as the source has it. Of another, "
    "what can be lost goes so: for the targets (1, 0, 1) and a line, L = 2/9 + 4/9 e⁻⁴ᵗ.",
    truth={"loss": lambda t: 2 / 9 + 4 / 9 * np.exp(-4 * t), "spanned": lambda t: np.exp(-4 * t)},
    control={"loss": lambda t: 2 / 3 * np.exp(-4 * t), "spanned": lambda t: np.exp(-4 * t)},
    control_name="no plateau for a target that is no line",
)
def the_loss_in_time(stated) -> Evidence:
    off, on = (_line_flow((0.0, 0.0), y)[1] for y in ((1.0, 0.0, 1.0), (-0.5, 0.5, 1.5)))
    right = all(
        _near(loss, stated["loss"](t), 1e-6) and _near(fall, stated["spanned"](t), 1e-6)
        for t, loss, fall in zip(off.times, off.loss, on.loss / on.loss[0], strict=True)
    )
    return Evidence(
        right,
        {"L(1), no line": off.loss[2], "L(1)/L(0), a line": on.loss[2] / on.loss[0]},
        "The natural flow of a line to two targets.",
        {"(1, 0, 1)": _near(off.loss[0], 2 / 3, 1e-9), "L = 2/9 + 4/9 e⁻⁴ᵗ": right},
    )


@cache
def _measured_rates() -> tuple[float, np.ndarray]:
    """The rate at which the natural flow loses L at its start, and its last excess near the end:
    from losses along the flow, and from differences of its velocity."""
    h = 1e-4
    path = fs.flow(NEURON, START, X, OFF, [0.0, h, 2 * h])
    one, two = np.log(path.loss[0] / path.loss[1:]) / [h, 2 * h]
    end = fs.flow(NEURON, START, X, OFF, [12.0]).theta[-1]

    def velocity(θ):
        return fs.natural_velocity(NEURON.jacobian(θ, X), NEURON.value(θ, X) - OFF).value

    slopes = [(velocity(end + h * e) - velocity(end - h * e)) / (2 * h) for e in np.eye(2)]
    return float(2 * one - two), np.sort(-2 * np.linalg.eigvals(np.transpose(slopes)).real)


@claim(
    "S2-20",
    verdict="holds under conditions",
    where="function-space-projection",
    paraphrase="Training with the natural metric should reach the optimum exponentially quickly.",
    correct="L falls at 4 times the share of the squared residual that lies along the model. One "
    "neuron with its middle target at −0.6 starts at 3.95, stops at 0.2889 for good, and loses its "
    "last excess at rates of 3.43 and 4.75.",
    heard="Training with this metric reaches the optimum exponentially, as e⁻⁴ᵗ.",
    fact="If the model can follow the residual. One neuron whose middle target is at −0.6 starts "
    "at the rate 3.95 and stops at 0.2889.",
    truth={"start": 3.952878, "plateau": 0.288941, "slow": 3.425700, "fast": 4.747967},
    control={"start": 4.0, "plateau": 0.0, "slow": 4.0, "fast": 4.0},
    control_name="e⁻⁴ᵗ down to nothing",
)
def how_fast_and_how_far(stated) -> Evidence:
    plateau, share, closed, _ = _off_the_model()
    start, (slow, fast) = _measured_rates()
    found = [start, plateau, slow, fast]
    return Evidence(
        _near(found, [stated[k] for k in ("start", "plateau", "slow", "fast")])
        and _near(closed, [slow, fast]),
        {"rate at the start": start, "plateau": plateau, "last rates": slow, "and": fast},
        "One neuron on three inputs, from (0.7, 0.3): losses and velocities along the flow.",
        {
            "4 times": round(start / share, 5),
            "−0.6": OFF[1],
            "3.95": start,
            "0.2889": plateau,
            "3.43": slow,
            "4.75": fast,
        },
    )


@cache
def _slopes():
    """d log L/d log t of the ordinary flow: a power-law spectrum, and 100 of its modes."""
    k = np.arange(1, 200_001.0)
    tail = float(zeta(1.5, len(k) + 1))  # modes that have not moved yet

    def loss(t, n, rest):
        left = fs.decay(k[:n] ** -2.0, [t], "euclidean")[0]
        return float((k[:n] ** -1.5 * left**2).sum() + rest)

    def slope(t, n, rest):
        return np.log(loss(t * 1.01, n, rest) / loss(t / 1.01, n, rest)) / (2 * np.log(1.01))

    return slope(1e6, len(k), tail), slope(1e5, 100, 0.0)


@claim(
    "S2-21",
    verdict="holds under conditions",
    where="function-space-exact",
    paraphrase="That is in stark contrast to the power laws that are observed when networks are "
    "trained with the flat metric.",
    correct="On fixed data the contrast is real where the kernel's eigenvalues follow a power law "
    "without end: with λ = k⁻² and b² = k^(−3/2) the ordinary flow falls like t^(−¼). Of 100 such "
    "modes it falls exponentially too: at t = 100,000 the log-log slope is −40.6. Laws in the "
    "number of data or parameters are another matter.",
    heard="Exponential decay stands against the power laws of ordinary training.",
    fact="In time, for a spectrum with a power law. With 100 modes ordinary descent is exponential "
    "too; laws in the number of data are another matter.",
    truth={
        "slope, endless": -0.25,
        "slope, 100 modes": -40.6373,
        "natural, ln L": lambda t: -4 * t,
    },
    control={"slope, endless": -0.25, "slope, 100 modes": -0.25, "natural, ln L": lambda t: -4 * t},
    control_name="a power law for a finite number of modes",
    citation="kaplan2020",
)
def power_laws(stated) -> Evidence:
    endless, finite = _slopes()
    right = _near([endless, finite], [stated["slope, endless"], stated["slope, 100 modes"]])
    for t in (0.5, 2.0):
        left = fs.decay(np.arange(1, 101.0) ** -2.0, [t])[0]
        right &= _near(np.log((left**2).mean()), stated["natural, ln L"](t), 1e-9)
    return Evidence(
        right,
        {"slope, endless": endless, "slope, 100 modes": finite},
        "Modes with constant J, by their closed forms.",
        {
            "λ = k⁻²": _near(endless, (1 - 3 / 2) / 2),
            "b² = k^(−3/2)": _near(endless, (1 - 3 / 2) / 2),
            "t^(−¼)": abs(endless + 0.25) < 1e-3,
            "100 such": 100.0,
            "With 100": 100.0,
            "100,000": 1e5,
            "−40.6": finite,
        },
    )


# Flat or curved


@claim(
    "S2-15",
    verdict="holds under conditions",
    where="function-space-flat",
    paraphrase="The natural gradient's metric is a flat metric on the loss landscape, written in "
    "awkward coordinates.",
    correct="Where the model fills the space of functions, as the source supposes, or is linear. "
    "The surface of tanh(wx + b) on three inputs has the Gaussian curvature −1.753 at (0.7, 0.3); "
    "on two inputs it fills the plane, and has 0; b tanh(wx) is a cone, and has 0.",
    heard="The natural gradient's metric is flat; only the coordinates are awkward.",
    fact="If the model fills the space of functions. The surface of tanh(wx + b) on three inputs "
    "has the curvature −1.753.",
    truth={
        "tanh(wx + b), three inputs": -1.753018,
        "radius of the same, in place of its curvature": 0.755268,
        "two inputs": 0.0,
        "cone": 0.0,
    },
    control={
        "tanh(wx + b), three inputs": 0.0,
        "radius of the same, in place of its curvature": 0.755268,
        "two inputs": 0.0,
        "cone": 0.0,
    },
    control_name="every model flat",
)
def flat_or_curved(stated) -> Evidence:
    K = fs.gaussian_curvature(NEURON, START, X)
    plane = fs.gaussian_curvature(NEURON, START, np.array([-1.0, 2.0]))
    cone = fs.gaussian_curvature(fs.scaled_neuron(), START, X)
    radius = 1 / np.sqrt(-K)
    curved, length, *flat = stated.values()
    return Evidence(
        _near([K, radius], [curved, length])
        and abs(plane - flat[0]) < 1e-9
        and abs(cone - flat[1]) < 1e-9,
        {"three inputs": K, "two inputs": plane, "b tanh(wx)": cone},
        "Gaussian curvature by the equation of Gauss.",
        {
            "−1.753": K,
            "(0.7, 0.3)": bool(np.all(START == [0.7, 0.3])),
            "plane, and has 0": 0.0 if abs(plane) < 1e-9 else plane,
            "cone, and has 0": 0.0 if abs(cone) < 1e-9 else cone,
        },
    )


# Probabilities


@cache
def _die_rates():
    die = Categorical(3, "logits")
    logits, target = np.log([0.2, 0.2, 0.6]), np.array([0.7, 0.3, 0.0])
    p = die.probabilities(logits)
    F = die.fisher(logits)
    v, _ = pseudo_natural_direction(F, p - target)
    return F @ v  # dp/dt, as F is dp/dz


@claim(
    "S2-22",
    verdict="false as stated",
    where="function-space-probability",
    paraphrase="With probability distributions the calculation seems much harder, and there is no "
    "equivalent of an orthonormal basis.",
    correct="It is shorter. The model of all distributions on finitely many classes, under the log "
    "loss, has the natural flow p(t) = p* + (p(0) − p*)e⁻ᵗ, exactly, classes of probability 0 "
    "in p* included. The linear coordinates are the probabilities.",
    heard="With probabilities the exact solution is much harder.",
    fact="For all distributions on some classes it is shorter: p(t) = p* + (p(0) − p*)e⁻ᵗ, "
    "zeros in p* included.",
    truth={"velocity": lambda p, target: target - p},
    control={"velocity": lambda p, target: 2 * (target - p)},
    control_name="the rate of the squared loss",
)
def straight_in_probabilities(stated) -> Evidence:
    right, die = True, Categorical(3, "logits")
    for start, target in (([0.2, 0.2, 0.6], [0.7, 0.3, 0.0]), ([0.5, 0.1, 0.4], [0.2, 0.3, 0.5])):
        z, target = np.log(start), np.array(target)
        F, p = die.fisher(z), die.probabilities(z)
        v, _ = pseudo_natural_direction(F, p - target)
        right &= _near(F @ v, stated["velocity"](p, target), 1e-9)
    found = _die_rates()
    return Evidence(
        right,
        {"velocity of the third class, 0.6 at a target of 0": found[2]},
        "Two flows of three classes, velocities computed in logits.",
        {"p(t) = p* + (p(0) − p*)e⁻ᵗ": right, "probability 0": 0.0},
    )


@claim(
    "S2-23",
    verdict="holds under conditions",
    where="function-space-probability",
    paraphrase="If probabilities are kept from 0 and 1, an analogous argument works in the logits.",
    correct="For the reverse divergence KL(p‖p*), in every exponential family: its natural "
    "parameters run straight, θ(t) = θ* + (θ(0) − θ*)e⁻ᵗ. For the log loss they do not.",
    truth={"velocity of the natural parameter": lambda θ, target: target - θ},
    control={"velocity of the natural parameter": lambda θ, target: np.exp(target - θ) - 1},
    control_name="the log loss of a Poisson model in its place",
)
def straight_in_logits(stated) -> Evidence:
    right, gap = True, 0.0
    for model in (Poisson("log-rate"), Bernoulli("log-odds")):
        for θ, target in ((0.3, 1.1), (-0.5, 0.4)):
            h = 1e-4
            slope = (model.kl([θ + h], [target]).item() - model.kl([θ - h], [target]).item()) / (
                2 * h
            )
            v = -slope / model.fisher([θ]).item()
            gap = max(gap, abs(v / (target - θ) - 1))
            right &= _near(v, stated["velocity of the natural parameter"](θ, target), 1e-5)
    return Evidence(
        right,
        {"largest relative gap to a straight run": gap},
        "A Poisson model by its log-rate and a coin by its log-odds.",
        {"θ(t) = θ* + (θ(0) − θ*)e⁻ᵗ": right},
    )


# The kernel


@claim(
    "S2-24",
    verdict="holds under conditions",
    where="function-space-kernel",
    paraphrase="The natural gradient's metric looks like a trace over the neural tangent kernel.",
    correct="Both come from J: g = JᵀJ/D sums over the data, the kernel JJᵀ over the parameters. "
    "They have one trace and one set of eigenvalues other than 0, up to the factor D; neither is "
    "a trace of the other.",
    truth={"trace over trace": lambda D: 1 / D, "eigenvalue over eigenvalue": lambda D: 1 / D},
    control={"trace over trace": lambda D: 1.0, "eigenvalue over eigenvalue": lambda D: 1.0},
    control_name="equal without the factor D",
)
def two_sides_of_a_jacobian(stated) -> Evidence:
    right, shown = True, {}
    for D, N in ((5, 30), (6, 3)):
        J = _ten()[0] if N == 30 else _random(D, N)[0]
        g, K = fs.metric(J), fs.tangent_kernel(J)
        k = min(D, N)
        ratio = np.linalg.eigvalsh(g)[-k:] / np.linalg.eigvalsh(K)[-k:]
        right &= np.linalg.matrix_rank(g) == np.linalg.matrix_rank(K) == k
        right &= _near(np.trace(g) / np.trace(K), stated["trace over trace"](D), 1e-9)
        right &= _near(ratio, np.full(k, stated["eigenvalue over eigenvalue"](D)), 1e-7)
        shown[f"trace of g, D = {D}, N = {N}"] = float(np.trace(g))
    return Evidence(
        right,
        shown,
        "Ten tanh units on five inputs, and a random Jacobian.",
        {"other than 0": bool(right)},
    )


@claim(
    "S2-25",
    verdict="holds under conditions",
    where="function-space-kernel",
    paraphrase="Natural gradient goes from a flow of functions to one of parameters; the kernel "
    "from a flow of parameters to one of functions, with the kernel as the inverse of a metric.",
    correct="With the functional derivative 2r taken with respect to the measure of the data: "
    "ordinary descent moves f by −(2/D)JJᵀr, natural descent by −2Pr. The kernel is the inverse of "
    "a metric only where its rank is D.",
    truth={
        "ordinary": lambda J, r: -2 / len(r) * J @ J.T @ r,
        "natural": lambda J, r: -2 * J @ np.linalg.pinv(J) @ r,
        "rank": lambda D, N: min(D, N),
    },
    control={
        "ordinary": lambda J, r: -2 / len(r) * J @ J.T @ r,
        "natural": lambda J, r: -2 * r,
        "rank": lambda D, N: min(D, N),
    },
    control_name="a function that is free to follow",
)
def two_roads(stated) -> Evidence:
    def _by_value(r, h=1e-4):
        """D times the derivative of L by each value: the measure of the data gives each 1/D."""
        moves = h * np.eye(len(r))
        return len(r) * (fs.loss(r + moves, 0 * moves) - fs.loss(r - moves, 0 * moves)) / (2 * h)

    right = True
    for seed, (D, N) in enumerate(((3, 2), (6, 4), (3, 5))):
        J, r = _random(D, N, seed)
        right &= _near(J @ fs.euclidean_velocity(J, r), stated["ordinary"](J, r), 1e-9)
        right &= _near(J @ fs.natural_velocity(J, r).value, stated["natural"](J, r), 1e-9)
        rank = np.linalg.matrix_rank(fs.tangent_kernel(J))
        right &= rank == stated["rank"](D, N)
    return Evidence(
        right,
        {"rank of the kernel of 3 points and 5 parameters": rank},
        "Three random Jacobians.",
        {"2r": _near(_by_value(r), 2 * r, 1e-6), "−(2/D)JJᵀr": right, "−2Pr": right},
    )


@claim(
    "S2-26",
    verdict="holds",
    where="function-space-kernel",
    paraphrase="gⁱʲ has similarities to an inverse of the neural tangent kernel.",
    correct="Its eigenvalues other than 0 are D over those of the kernel. Written out it holds the "
    "kernel's inverse twice, g⁺ = D Jᵀ(JJᵀ)⁻²J, where JJᵀ is invertible.",
    heard="The inverse metric resembles an inverse of the neural tangent kernel.",
    fact="It holds that inverse twice: g⁺ = D Jᵀ(JJᵀ)⁻²J, where JJᵀ is invertible.",
    truth={"eigenvalue of g⁺": lambda D, k: D / k, "power of the kernel": -2},
    control={"eigenvalue of g⁺": lambda D, k: D / k, "power of the kernel": -1},
    control_name="one inverse, as the resemblance suggests",
)
def inverted_twice(stated) -> Evidence:
    right, off = True, 0.0
    for J in (_ten()[0], _random(3, 7)[0]):
        D = len(J)
        values, V = np.linalg.eigh(fs.tangent_kernel(J))
        plus = np.linalg.pinv(fs.metric(J), rcond=1e-11)
        power = (V * values ** float(stated["power of the kernel"])) @ V.T
        gap = np.abs(D * J.T @ power @ J - plus).max() / np.abs(plus).max()
        off = max(off, float(gap))
        found = np.linalg.eigvalsh(plus)[-D:][::-1]
        right &= gap < 1e-6 and np.linalg.matrix_rank(fs.metric(J)) == D
        right &= _near(found, stated["eigenvalue of g⁺"](D, values), 1e-6)
    return Evidence(
        bool(right),
        {"largest relative gap": off},
        "Ten tanh units on five inputs, and a random Jacobian.",
        {"other than 0": bool(right), "twice": 2.0, "g⁺ = D Jᵀ(JJᵀ)⁻²J": bool(right)},
    )


@cache
def _kernel_change(units: int, mean_field: bool) -> float:
    """The relative change of the kernel of a layer of tanh units by ordinary descent to t = 20."""
    model, changes = fs.hidden_layer(units), []
    for seed in range(4):
        w = np.random.default_rng(seed).normal(size=(units, 3))
        scale = np.tile([1.0, 1.0, 1 / (units if mean_field else np.sqrt(units))], units)
        speed = units if mean_field else 1.0

        def at(w, scale=scale, speed=speed):
            theta = w.ravel() * scale
            J = model.jacobian(theta, X5) * scale
            return J, speed * fs.tangent_kernel(J), model.value(theta, X5) - Y5

        start = at(w)[1]
        for _ in range(100):
            J, _, r = at(w)
            w = w + 0.2 * speed * fs.euclidean_velocity(J, r).reshape(units, 3)
        changes.append(np.linalg.norm(at(w)[1] - start) / np.linalg.norm(start))
    return float(np.mean(changes))


@claim(
    "S1-114",
    verdict="holds under conditions",
    where="function-space-kernel",
    paraphrase="Infinitely wide networks behave exactly like kernel machines.",
    correct="In the limit of one scaling, 1/√m for m units, where the kernel stops moving: from "
    "m = 64 to 1,024 its relative change in training falls from 1.60 % to 0.25 %. Scaled by 1/m, "
    "with m times the time, so that the function moves, the kernel still changes by 4.75 %, and "
    "features are learned.",
    heard="Infinitely wide networks are exactly kernel machines.",
    fact="With outputs scaled by 1/√m. Scaled by 1/m, in a time in which the function moves, the "
    "kernel moves as well, however wide the network.",
    truth={"64 units": 0.015971, "1024 units": 0.002501, "1024 units, 1/m": 0.047546},
    control={"64 units": 0.015971, "1024 units": 0.002501, "1024 units, 1/m": 0.002501},
    control_name="a kernel that stops moving in any scaling",
    citation="jacot2018",
)
def wide_networks(stated) -> Evidence:
    found = [_kernel_change(64, False), _kernel_change(1024, False), _kernel_change(1024, True)]
    names = ("64 units", "1024 units", "1024 units, 1/m")
    return Evidence(
        _near(found, [stated[name] for name in names]),
        dict(zip(names, found, strict=True)),
        "Tanh units, five inputs, ordinary descent to t = 20 (20 m with 1/m), mean of four starts.",
        {
            "1/√m": found[1] < found[0] / 4,
            "m = 64": 64.0,
            "1,024": 1024.0,
            "1.60 %": 100 * found[0],
            "0.25 %": 100 * found[1],
            "1/m": found[2] > 10 * found[1],
            "4.75 %": 100 * found[2],
        },
    )


# Cost


class _Counted:
    """A number that counts the products it enters."""

    products = 0

    def __init__(self, value: float) -> None:
        self.value = value

    def __mul__(self, other):
        _Counted.products += 1
        return _Counted(self.value * other.value)

    def __add__(self, other):
        return _Counted(self.value + other.value)


def _counted(array):
    return np.vectorize(_Counted, otypes=[object])(array)


def _plain(array):
    return np.vectorize(lambda c: c.value, otypes=[float])(array)


def _products(work) -> tuple[int, np.ndarray]:
    _Counted.products = 0
    result = work()
    return _Counted.products, _plain(result)


@claim(
    "S2-27",
    verdict="holds",
    where="function-space-cost",
    paraphrase="Forming the metric costs O(DN²).",
    correct="Formed and dense, D N² products, or half of them by symmetry, and room for N² "
    "numbers.",
    truth={"products": lambda D, N: D * N * N},
    control={"products": lambda D, N: D * N},
    control_name="the cost of one product with J",
)
def forming_the_metric(stated) -> Evidence:
    right, found = True, {}
    for D, N in ((3, 4), (5, 2)):
        J = _random(D, N)[0]
        count, g = _products(lambda J=J: _counted(J.T) @ _counted(J))
        right &= count == stated["products"](D, N) and np.allclose(g / D, fs.metric(J))
        found[f"products at D = {D}, N = {N}"] = count
    return Evidence(right, found, "The products of JᵀJ, counted.", {"half": 0.5})


@claim(
    "S2-28",
    verdict="holds under conditions",
    where="function-space-cost",
    paraphrase="Even given the inverse metric, an update needs N² operations.",
    correct="Only where the inverse is stored. By Woodbury's identity (g + λI)⁻¹v takes about "
    "2DN products: for N = 10⁶ and D = 1,000 about 2 × 10⁹ instead of 10¹², after 10¹² once.",
    heard="Even with the inverse given, each update needs N² operations.",
    fact="If it is stored. By Woodbury's identity about 2DN products: for N = 10⁶ and D = 1,000 "
    "some 2 × 10⁹ in place of 10¹².",
    truth={
        "stored": lambda D, N: N * N,
        "Woodbury": lambda D, N: 2 * D * N + D * D + N,
        "once": lambda D, N: D * D * N,
    },
    control={
        "stored": lambda D, N: N * N,
        "Woodbury": lambda D, N: N * N,
        "once": lambda D, N: D * D * N,
    },
    control_name="no way round the stored inverse",
)
def applying_the_inverse(stated) -> Evidence:
    right, found = True, {}
    for D, N in ((2, 5), (3, 8)):
        J, v = _random(D, N)[0], np.random.default_rng(9).normal(size=N)
        A = np.linalg.inv(D * 0.3 * np.eye(D) + fs.tangent_kernel(J))
        Jc, JT = _counted(J), _counted(J.T)
        full = _counted(np.linalg.inv(fs.metric(J) + 0.3 * np.eye(N)))
        stored, one = _products(lambda full=full, v=v: full @ _counted(v))
        minus, scale = _counted(np.array(-1.0)).item(), _Counted(1 / 0.3)

        def short(A=A, Jc=Jc, JT=JT, v=v, minus=minus, scale=scale):
            inside = _counted(-A) @ (Jc @ _counted(v))
            return (_counted(v) + JT @ inside) * scale

        count, two = _products(short)
        once, K = _products(lambda Jc=Jc, JT=JT: Jc @ JT)
        wanted = fs.damped_solve(J, v, 0.3, "dense")
        right &= np.allclose(one, wanted) and np.allclose(two, wanted)
        right &= np.allclose(K, fs.tangent_kernel(J))
        right &= stored == stated["stored"](D, N) and count == stated["Woodbury"](D, N)
        right &= once == stated["once"](D, N)
        found[f"products at D = {D}, N = {N}: stored"] = stored
        found[f"D = {D}, N = {N}: Woodbury"] = count
    return Evidence(
        bool(right),
        found,
        "Products counted, results equal to a dense solve.",
        {
            "2DN": bool(right),
            "N = 10⁶": stated["stored"](1000, 10**6) == 10**12,
            "1,000": 1000.0,
            "2 × 10⁹": abs(stated["Woodbury"](1000, 10**6) / 2e9 - 1) < 0.005,
            "10¹²": stated["once"](1000, 10**6) == 10**12,
        },
    )


opinion(
    "S2-29",
    where="function-space-cost",
    paraphrase="Is this practical? Very much no.",
    correct="Formed and stored, it is not, for a large network. Products with J, solves on the "
    "side of the data, and factors in place of the matrix are what people use.",
    reasons="For: the matrix of a million parameters does not fit any memory, and its damped "
    "inverse changes at every step. Against: nobody has to form it. Conjugate gradients and "
    "Woodbury's identity apply the inverse with products that cost as much as a few gradients, and "
    "K-FAC stores factors. Whether that pays is a matter of the problem, and of what a step of the "
    "cheap method costs.",
)

opinion(
    "S2-32",
    where="function-space-popular-story",
    paraphrase="The natural gradient's metric is less arbitrary than others.",
    correct="For distributions there is a theorem behind it, Chentsov's. For functions the metric "
    "depends on the inputs that one averages over, and on what counts as a unit of f.",
    reasons="For: the distance between functions is what one cares about, and parameters are only "
    "names. Against: the mean square over the training inputs is one of many distances between "
    "functions; weights, other norms, derivatives of f would give other metrics, and no invariance "
    "singles it out. The claim is a matter of how much weight one gives to either.",
)


@claim(
    "S2-31",
    verdict="empirical",
    where="function-space-popular-story",
    paraphrase="The metric of loss-landscape plots, as a preconditioner, slightly beat Adam at "
    "negligible cost.",
    correct="That is what its author's preprint reports. What can be checked here: "
    "the metric I + ∇L∇Lᵀ of the plotted surface turns no gradient, it shortens it to "
    "∇L/(1 + |∇L|²).",
    truth=lambda gradient: gradient / (1 + gradient @ gradient),
    control=lambda gradient: gradient / np.sqrt(1 + gradient @ gradient),
    control_name="a gradient clipped to the length 1",
    citation="harvey2025induced",
)
def the_metric_of_the_plot(stated) -> Evidence:
    right, lengths = True, []
    for gradient in (np.array([0.3, -0.4]), np.array([3.0, 1.0, -2.0])):
        found = fs.damped_solve(gradient[None], gradient, 1.0)  # (ggᵀ + I)⁻¹g
        lengths.append(float(np.linalg.norm(found)))
        right &= _near(found, stated(gradient), 1e-9)
    return Evidence(
        right,
        {"length of a gradient of 0.5": lengths[0], "of 3.74": lengths[1]},
        "Two gradients under the metric of the graph of the loss.",
        {"∇L/(1 + |∇L|²)": right},
    )


@cache
def _adam(gradients, β1=0.9, β2=0.999):
    m = v = 0.0
    for t, g in enumerate(gradients, 1):
        m, v = β1 * m + (1 - β1) * g, β2 * v + (1 - β2) * g * g
        step = -(m / (1 - β1**t)) / np.sqrt(v / (1 - β2**t))
    return step


@claim(
    "S2-34",
    verdict="holds under conditions",
    where="function-space-flat",
    paraphrase="Adam is a metric that changes during training, flat at each step.",
    correct="The matrix that Adam divides by is constant at each step, and a constant matrix is "
    "flat; so is every other. But Adam steps along a mean of past gradients, and no metric does: "
    "after gradients 1, 1, 1 and −1 it still steps by −0.418 η, uphill.",
    truth={"first step": -1.0, "step after the turn": -0.418436},
    control={"first step": -1.0, "step after the turn": 1.0},
    control_name="a step downhill, as every metric gives",
)
def adam_and_metrics(stated) -> Evidence:
    first, turned = _adam((1.0,)), _adam((1.0, 1.0, 1.0, -1.0))
    by_metric = -float(natural_direction(np.array([[1.0]]), np.array([-1.0]))[0])
    return Evidence(
        _near([first, turned], [stated["first step"], stated["step after the turn"]])
        and by_metric * turned > 0,
        {"first step over η": first, "after gradients 1, 1, 1, −1": turned},
        "Adam with its usual constants, and one gradient under a metric.",
        {"1, 1, 1 and −1": by_metric * turned > 0, "−0.418": turned},
    )
