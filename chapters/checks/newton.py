"""Checks of the chapter "Newton and its relatives".

Each is fed a statement as data and decides it by numbers: the Poisson counter, a coin, a normal
distribution with mean theta^2, regressions with labels that neither link can give, the mixing
weight of EM.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from ngdlib import descent
from ngdlib.claims import Evidence, claim, opinion
from ngdlib.descent import LOGIT, PROBIT, data_fit, init, irls_step, newton_step, step
from ngdlib.families import Bernoulli, Categorical, Gaussian, Poisson
from ngdlib.families.quadrature import expectation

RATE, LOG_RATE, COIN = Poisson("rate"), Poisson("log-rate"), Bernoulli("probability")
ONE, FIVE = np.array([1.0]), np.array([5.0])


def _agree(stated, found, rtol=1e-6):
    return set(stated) == set(found) and all(
        bool(np.all(np.abs(np.subtract(stated[k], v)) <= rtol * np.abs(v)))
        for k, v in found.items()
    )


def _poisson(chart, r, m):
    """Slope, Hessian and Fisher information of a counter in a chart, and dr/dθ."""
    model, θ = Poisson(chart), RATE.change_to(chart).forward([r])
    fit = data_fit(model, [m])
    slope = model.change_to("rate").jacobian(θ).item()
    return fit.gradient(θ).item(), fit.hessian(θ).item(), model.fisher(θ).item(), slope


def _landing(chart, rule, r=1.0, m=5.0):
    """Where a unit step ends, as a rate."""
    model, θ = Poisson(chart), RATE.change_to(chart).forward([r])
    move = newton_step if rule == "Newton" else step
    state, _ = move(init(θ), model, data_fit(model, [m]))
    return model.change_to("rate").forward(state.theta).item()


def _square(θ, mean=1.0):
    """N(θ², 1), data of this mean: slope, Hessian, Fisher information, Gauss-Newton number."""
    J = np.full((1, 1, 1), 2 * θ)
    F = expectation(Gaussian("mu, sigma"), [θ**2, 1.0], lambda x: (2 * θ * (x - θ**2)) ** 2)
    h = 1e-3  # the loss is a polynomial of degree four: these differences are exact

    def loss(t):
        return (t * t - mean) ** 2 / 2

    g = (8 * (loss(θ + h) - loss(θ - h)) - loss(θ + 2 * h) + loss(θ - 2 * h)) / (12 * h)
    rows = 16 * (loss(θ + h) + loss(θ - h)) - loss(θ + 2 * h) - loss(θ - 2 * h)
    H = (rows - 30 * loss(θ)) / (12 * h * h)
    return g, H, float(F), descent.gauss_newton(J, np.ones((1, 1, 1))).item()


@cache
def _same_sign(link):
    """tr(F⁻¹H)/d of a regression on three inputs, labels 1 where two have the same sign.

    No weights give these labels their probabilities, with either link: the model is wrong, and not
    only where it stands, as it would be for labels from a coin (all weights 0 give those).
    """
    x, θ = np.random.default_rng(0).normal(size=(40, 3)), np.array([0.5, -1.0, 0.3])
    y = (x[:, 0] * x[:, 1] > 0).astype(float)
    rule = {"logit": LOGIT, "probit": PROBIT}[link]

    def gradient(t):
        return irls_step(init(t), x, y, rule)[1].gradient

    h = 1e-4 * np.eye(3)
    H = np.array(
        [
            (8 * (gradient(θ + e) - gradient(θ - e)) - gradient(θ + 2 * e) + gradient(θ - 2 * e))
            / 12e-4
            for e in h
        ]
    )
    F = irls_step(init(θ), x, y, rule)[1].fisher
    return float(np.trace(np.linalg.solve(F, H)) / 3)


@claim(
    "S0-04",
    verdict="holds under conditions",
    where="newton-when-they-coincide",
    paraphrase="A method that uses the Hessian is not natural descent unless the Fisher matrix is "
    "computed or approximated.",
    correct="In the natural parameters of an exponential family, as in logistic regression, the "
    "Hessian is the Fisher matrix, whatever the labels; with another link it is not.",
    truth={"logit": 1.0, "probit": 1.7384428},
    control={"logit": 1.0, "probit": 1.0},
    control_name="the Hessian is the Fisher matrix with every link",
)
def hessian_is_fisher_with_a_canonical_link(stated) -> Evidence:
    found = {link: _same_sign(link) for link in ("logit", "probit")}
    return Evidence(
        _agree(stated, found),
        {f"mean eigenvalue of F⁻¹H, {link}": v for link, v in found.items()},
        "Labels 1 where two of three inputs have the same sign, forty examples.",
    )


@cache
def _bent_logit():
    """Lowest eigenvalues of the Hessian, the Fisher matrix, its mean Hessian and Gauss-Newton."""
    a, b, x, y = 1.5, 0.8, np.array([-1.0, 0.5, 2.0]), np.array([1.0, 0.0, 0.0])
    t, s = np.tanh(b * x), 1 / np.cosh(b * x) ** 2
    J = np.stack([t, a * x * s], axis=-1)
    bend = np.zeros((3, 2, 2))
    bend[:, 0, 1] = bend[:, 1, 0] = x * s
    bend[:, 1, 1] = -2 * a * x**2 * t * s
    logit = Bernoulli("log-odds")
    z = (a * t)[:, None]
    q, weight = logit.change_to("probability").forward(z)[:, 0], logit.fisher(z)
    GGN = descent.gauss_newton(J[:, None, :], weight)
    H = GGN + np.einsum("n,nab->ab", q - y, bend) / 3
    means, F = np.zeros((2, 2)), np.zeros((2, 2))
    for label in (0.0, 1.0):  # over the model's own labels
        p = np.exp(logit.log_density(label, z))
        each = np.einsum("n,na,nb->nab", weight[:, 0, 0], J, J)
        each = each + (q - label)[:, None, None] * bend
        means += np.einsum("n,nab->ab", p, each) / 3
        scores = logit.score(np.full(3, label), z) * J
        F += np.einsum("n,na,nb->ab", p, scores, scores) / 3
    return [float(np.linalg.eigvalsh(M)[0]) for M in (H, F, means, GGN)]


@claim(
    "S0-17",
    verdict="holds under conditions",
    where="newton-ggn",
    paraphrase="The Fisher matrix of the model is not a proxy of the Hessian.",
    correct="It is the Gauss–Newton matrix of the logits exactly, and the mean of the Hessian over "
    "the model's own labels; at the labels of the data the Hessian may differ even in sign.",
    truth={"Hessian": -0.8383137, "Fisher": 0.00952454017, "mean Hessian": 0.00952454017},
    control={"Hessian": 0.00952454017, "Fisher": 0.00952454017, "mean Hessian": 0.00952454017},
    control_name="the Fisher matrix as the Hessian at the observed labels",
)
def fisher_and_hessian_of_a_bent_logit(stated) -> Evidence:
    """A coin for each of three inputs x, with the logit a tanh(bx)."""
    H, F, mean, GGN = _bent_logit()
    same = abs(GGN - F) < 1e-12
    return Evidence(
        same and _agree(stated, {"Hessian": H, "Fisher": F, "mean Hessian": mean}),
        {
            "lowest eigenvalue, Hessian": H,
            "Fisher matrix": F,
            "mean Hessian": mean,
            "Gauss–Newton": GGN,
        },
        "Logit a tanh(bx) at a = 1.5, b = 0.8, three inputs and labels.",
    )


@claim(
    "S1-14",
    verdict="holds",
    where="newton-table",
    paraphrase="Newton's method preconditions with the Hessian of the loss, natural descent with "
    "the Fisher matrix of the model.",
    correct="So they are defined: Newton's matrix contains the data, the Fisher matrix does not.",
    truth={"Newton": lambda r, m: m / r**2, "natural": lambda r, m: 1 / r},
    control={"Newton": lambda r, m: 1 / r, "natural": lambda r, m: m / r**2},
    control_name="the two exchanged",
)
def two_matrices(stated) -> Evidence:
    worst = 0.0
    for r, m in ((1.0, 5.0), (2.0, 5.0), (3.0, 0.7)):
        θ, fit = np.array([r]), data_fit(RATE, [m])
        g = fit.gradient(θ).item()
        for name, info in (
            ("Newton", newton_step(init(θ), RATE, fit)[1]),
            ("natural", step(init(θ), RATE, fit)[1]),
        ):
            worst = max(worst, abs(stated[name](r, m) * info.direction.item() / -g - 1))
    return Evidence(
        worst < 1e-9,
        {"largest relative difference of matrix times step from the slope": worst},
        "A counter in its rate, three rates and data means.",
    )


def _ratios():
    return {c: _poisson(c, 1.0, 5.0)[1] / _poisson(c, 1.0, 5.0)[2] for c in Poisson.charts}


@claim(
    "S1-15",
    verdict="holds under conditions",
    where="newton-when-they-coincide",
    paraphrase="The two preconditioners are fundamentally different.",
    correct="As a rule they differ. In the natural parameters of an exponential family they are "
    "one matrix, for any data: one counter has H/F = 5 in its rate and 1 in the logarithm of it.",
    heard="Newton and natural gradient are fundamentally different.",
    fact="In natural parameters they are one matrix. One counter has H/F = 5 in r, 3 in √r, "
    "1 in log r.",
    truth={"rate": 5.0, "root": 3.0, "log-rate": 1.0},
    control={"rate": 5.0, "root": 3.0, "log-rate": 5.0},
    control_name="different in every chart",
)
def different_or_one(stated) -> Evidence:
    found = _ratios()
    return Evidence(
        _agree(stated, found),
        {f"H/F in the {c}": v for c, v in found.items()},
        "A counter at rate one, data of mean five.",
        {
            "H/F = 5": found["rate"],
            "1 in the logarithm": found["log-rate"],
            "3 in √r": found["root"],
            "1 in log r": found["log-rate"],
        },
    )


@cache
def _order(chart, which):
    """The order in v of what L + gv + Mv²/2 leaves out, from v and v/2, extrapolated."""
    g, H, F, _ = _poisson(chart, 1.0, 5.0)
    model, θ = Poisson(chart), RATE.change_to(chart).forward([1.0])
    fit, M = data_fit(model, FIVE), {"H": H, "F": F}[which]

    def left_out(v):
        return abs((fit.value(θ + v) - fit.value(θ)).item() - g * v - M * v * v / 2)

    def slope(v):
        return np.log2(left_out(v) / left_out(v / 2))

    return float(2 * slope(5e-3) - slope(1e-2))


@claim(
    "S1-16",
    verdict="holds under conditions",
    where="newton-table",
    paraphrase="Newton minimises the second-order Taylor expansion of the loss; the natural "
    "gradient takes a first-order step in the space of distributions.",
    correct="The natural step minimises the linear part of the loss plus KL to second order. In "
    "the natural parameters that sum is the second-order Taylor expansion itself.",
    truth={"H in r": 3.0, "F in r": 2.0, "F in log r": 3.0},
    control={"H in r": 3.0, "F in r": 2.0, "F in log r": 2.0},
    control_name="first order in every chart",
)
def orders_of_the_two_models(stated) -> Evidence:
    found = {"H in r": _order("rate", "H"), "F in r": _order("rate", "F")}
    found["F in log r"] = _order("log-rate", "F")
    return Evidence(
        _agree(stated, found, 1e-3),
        {f"order of what is left out, {k}": v for k, v in found.items()},
        "Loss against slope and half the matrix, at two small steps.",
    )


@cache
def _coin_velocities():
    found, head = {}, ONE
    for chart in ("probability", "log-odds"):
        model, change = COIN.in_chart(chart), COIN.change_to(chart)
        θ = change.forward([0.2])
        fit = data_fit(model, head)
        slope = change.jacobian([0.2]).item()
        found[f"Newton, {chart}"] = newton_step(init(θ), model, fit)[1].direction.item() / slope
        found[f"natural, {chart}"] = step(init(θ), model, fit)[1].direction.item() / slope
    fit = data_fit(COIN, head)
    g, H = fit.gradient([0.2]), fit.hessian([0.2])
    found["Newton, percent"] = descent.newton_direction(H / 1e4, g / 100).item() / 100
    return found


@claim(
    "S1-17",
    verdict="holds under conditions",
    where="newton-table",
    paraphrase="Newton's method is not invariant under reparameterisation; natural descent is.",
    correct="A change of units leaves both alone, whole steps included. Under a curved change "
    "Newton's velocity changes and the natural one does not; finite natural steps change too.",
    truth={
        "Newton, probability": 0.2,
        "natural, probability": 0.8,
        "Newton, log-odds": 0.8,
        "natural, log-odds": 0.8,
        "Newton, percent": 0.2,
    },
    control={
        "Newton, probability": 0.2,
        "natural, probability": 0.8,
        "Newton, log-odds": 0.8,
        "natural, log-odds": 0.8,
        "Newton, percent": 20.0,
    },
    control_name="Newton's step changed by a mere change of units",
)
def newton_under_a_change_of_chart(stated) -> Evidence:
    found = _coin_velocities()
    return Evidence(
        _agree(stated, found),
        {f"velocity of q, {k}": v for k, v in found.items()},
        "A coin with probability one fifth, one head.",
    )


@claim(
    "S1-19",
    verdict="holds",
    where="newton-table",
    paraphrase="The Fisher matrix is always positive semidefinite, the Hessian can be indefinite.",
    correct="A mean of squares is never negative, though it may be zero in a direction; the "
    "Hessian of N(θ², 1) is −1.46 at θ = 0.3, where F = 0.36.",
    truth={"H": -1.46, "F": 0.36},
    control={"H": 0.36, "F": -1.46},
    control_name="the signs exchanged",
)
def signs(stated) -> Evidence:
    _, H, F, _ = _square(0.3)
    die = Categorical(3, "logits")
    low = np.linalg.eigvalsh(die.fisher(np.random.default_rng(0).normal(size=(50, 3))))[:, 0]
    return Evidence(
        _agree(stated, {"H": H, "F": F}) and bool(np.abs(low).max() < 1e-12),
        {"Hessian": H, "Fisher information": F, "lowest eigenvalue, softmax": float(low[0])},
        "Mean θ², variance one, truth one; and three logits at fifty points.",
        {"−1.46": H, "θ = 0.3": 0.3, "F = 0.36": F, "N(θ², 1)": abs(F - 4 * 0.3**2) < 1e-9},
    )


def _cholesky_solve(F, g):
    """F x = g by Cholesky and two triangular solves, and how many products and quotients."""
    d, count = len(g), 0

    def times(a, b):
        nonlocal count
        count += 1
        return a * b

    L = np.zeros((d, d))
    for j in range(d):
        for i in range(j, d):
            s = F[i, j] - sum(times(L[i, k], L[j, k]) for k in range(j))
            L[i, j] = np.sqrt(s) if i == j else times(s, 1 / L[j, j])
    x = np.array(g, dtype=float)
    for i in range(d):
        x[i] = times(x[i] - sum(times(L[i, k], x[k]) for k in range(i)), 1 / L[i, i])
    for i in reversed(range(d)):
        x[i] = times(x[i] - sum(times(L[k, i], x[k]) for k in range(i + 1, d)), 1 / L[i, i])
    return x, count


@cache
def _products(d):
    F, g = np.diag(np.arange(2.0, d + 2)) + 1 / d, np.ones(d)
    x, count = _cholesky_solve(F, g)
    return count if np.allclose(x, -descent.natural_direction(F, g)) else np.nan


@claim(
    "S1-20",
    verdict="holds",
    where="newton-table",
    paraphrase="Both need O(d²) memory and O(d³) time for the inverse.",
    correct="For dense matrices solved directly both hold d² numbers and take about d³/6 "
    "multiplications and divisions, once the matrix is there.",
    truth={"numbers": lambda d: d**2, "products": lambda d: (d**3 + 9 * d**2 + 2 * d) / 6},
    control={"numbers": lambda d: d**2, "products": lambda d: d**2},
    control_name="the solution counted as d² of them",
)
def memory_and_time(stated) -> Evidence:
    sizes = (3, 8, 12)
    right = all(
        abs(stated["products"](d) - _products(d)) < 1e-9
        and abs(stated["numbers"](d) - Categorical(d, "logits").fisher(np.zeros(d)).size) < 1e-9
        for d in sizes
    )
    third = _products(5) - 3 * _products(4) + 3 * _products(3) - _products(2)
    return Evidence(
        right,
        {f"multiplications and divisions for d = {d}": _products(d) for d in sizes},
        "Cholesky and two triangular solves, counted one by one.",
        {"d²": right, "d³/6": third / 6 == 1 / 6},
    )


opinion(
    "S1-21",
    where="newton-table",
    paraphrase="The natural gradient is more principled for probabilistic models.",
    correct="A matter of taste: one method looks at the model, the other at the loss.",
    reasons="For it: its velocity belongs to the model and needs no chart. Against it: it does not "
    "look at the loss's own curvature, and a finite step depends on the chart as any other does. "
    "The Riemannian Hessian uses both; which of the three serves a problem best is a matter of the "
    "problem.",
)


@claim(
    "S1-71",
    verdict="holds",
    where="newton-em",
    paraphrase="In an exponential family the score is T − E[T], the Fisher matrix Cov[T] = ∇²A, "
    "and the gradient of the forward KL divergence E_p[T] − E_p*[T].",
    correct="Score, Fisher matrix and gradient are so in natural parameters; the Fisher matrix can "
    "be inverted where the statistics are not tied to one another.",
    truth={
        "score": lambda T, mean: T - mean,
        "Fisher": lambda second, mean: second - np.outer(mean, mean),
        "gradient": lambda mean, target: mean - target,
    },
    control={
        "score": lambda T, mean: T - mean,
        "Fisher": lambda second, mean: second - np.outer(mean, mean),
        "gradient": lambda mean, target: target - mean,
    },
    control_name="the gradient turned round",
)
def exponential_family_facts(stated) -> Evidence:
    """A Gaussian in its natural parameters; gradient by differences of KL itself."""
    bell, worst = Gaussian("natural"), 0.0
    to = Gaussian("mu, sigma").change_to("natural")
    for point, other in (((0.3, 1.4), (-0.5, 0.9)), ((1.0, 0.7), (0.2, 1.5))):
        θ, target = to.forward(point), to.forward(other)
        mean = np.array([point[0], point[0] ** 2 + point[1] ** 2])
        wanted = np.array([other[0], other[0] ** 2 + other[1] ** 2])
        for x in (-1.0, 0.4, 2.0):
            T = np.array([x, x * x])
            worst = max(worst, np.abs(stated["score"](T, mean) / bell.score(x, θ) - 1).max())
        second = expectation(bell, θ, lambda x: x[:, None, None] ** [[2, 3], [3, 4]])
        F = bell.fisher(θ)
        worst = max(worst, np.abs(stated["Fisher"](second, mean) / F - 1).max())
        h = 1e-5 * np.eye(2)
        g = [(bell.kl(target, θ + e) - bell.kl(target, θ - e)) / 2e-5 for e in h]
        worst = max(worst, np.abs(stated["gradient"](mean, wanted) / np.array(g) - 1).max())
    return Evidence(
        worst < 1e-6,
        {"largest relative difference": worst},
        "Two Gaussians and two targets.",
    )


@cache
def _m_steps():
    found = {f"Poisson, {c}": _landing(c, "natural") for c in ("rate", "log-rate")}
    bell = Gaussian("natural")
    θ = Gaussian("mu, sigma").change_to("natural").forward([0.0, 1.0])
    state, _ = step(init(θ), bell, data_fit(bell, [0.0, 3.0]))
    found["variance"] = -1 / (2 * state.theta[1])
    logit = Bernoulli("log-odds")
    state, _ = step(init([0.0]), logit, data_fit(logit, [0.9]))
    found["coin"] = logit.change_to("probability").forward(state.theta).item()
    return found


@claim(
    "S1-72",
    verdict="first order only",
    where="newton-em",
    paraphrase="A unit natural step on the forward KL divergence is the M-step of EM.",
    correct="To leading order in the distance; exactly in the mean parameters. In natural "
    "parameters it is one Newton step: a counter at 1 with data of mean 5 lands on 54.6.",
    heard="A unit natural step on the forward KL divergence is the M-step.",
    fact="Only in mean parameters. In log r a counter at 1 with data of mean 5 lands on 54.6; a "
    "variance of 1 towards 3 lands on −1.",
    truth={
        "Poisson, rate": 5.0,
        "Poisson, log-rate": 54.5981500,
        "variance": -1.0,
        "coin": 0.8320184,
    },
    control={"Poisson, rate": 5.0, "Poisson, log-rate": 5.0, "variance": 3.0, "coin": 0.9},
    control_name="the M-step in every chart",
)
def unit_step_and_m_step(stated) -> Evidence:
    found = _m_steps()
    return Evidence(
        _agree(stated, found),
        {f"lands on, {k}": v for k, v in found.items()},
        "From one towards five, from variance one towards three, from a fair coin towards 0.9.",
        {
            "at 1 with": 1.0,
            "mean 5": FIVE.item(),
            "54.6": found["Poisson, log-rate"],
            "variance of 1": 1.0,
            "towards 3": 3.0,
            "on −1": found["variance"],
        },
    )


@cache
def em_numbers():
    """The weight of N(1, 1) against N(0, 1) from ½, truth 0.3: EM, its natural form, F of both."""
    x = np.linspace(-12, 13, 5001)
    bell = Gaussian("mu, sigma")
    f1, f0 = (np.exp(bell.log_density(x, [c, 1.0])) for c in (1.0, 0.0))
    dx, data = x[1] - x[0], 0.3 * f1 + 0.7 * f0

    def em(w):
        return float(np.sum(data * w * f1 / (w * f1 + (1 - w) * f0)) * dx)

    def gradient(w):
        return float(-np.sum(data * (f1 - f0) / (w * f1 + (1 - w) * f0)) * dx)

    def observed(w):
        return float(np.sum((f1 - f0) ** 2 / (w * f1 + (1 - w) * f0)) * dx)

    complete = COIN.fisher([0.5]).item()  # which component it was, a coin
    w, steps = 0.5, 0
    while abs(w / 0.3 - 1) > 0.01:
        w, steps = em(w), steps + 1
    return {
        "EM": em(0.5),
        "complete-data step": 0.5 - gradient(0.5) / complete,
        "observed-data step": 0.5 - gradient(0.5) / observed(0.5),
        "EM steps": float(steps),
        "observed F": observed(0.3),
        "complete F": COIN.fisher([0.3]).item(),
    }


@claim(
    "S1-73",
    verdict="holds under conditions",
    where="newton-em",
    paraphrase="It is exactly the M-step when p* is the posterior over the latent variables.",
    correct="It is, with the Fisher matrix of the complete data and in their mean parameters. The "
    "Fisher matrix of what is observed gives a longer step.",
    heard="EM is natural gradient descent.",
    fact="With the Fisher matrix of the complete data, in its mean parameters. For a mixing weight "
    "EM needs 20 steps where the observed-data natural step needs one.",
    truth={"EM": 0.4591863, "complete-data step": 0.4591863, "observed-data step": 0.3000000},
    control={"EM": 0.4591863, "complete-data step": 0.4591863, "observed-data step": 0.4591863},
    control_name="EM as the natural step of the observed data",
)
def em_and_the_natural_step(stated) -> Evidence:
    found = em_numbers()
    first = abs(found["observed-data step"] / 0.3 - 1) < 0.01
    return Evidence(
        _agree(stated, {k: found[k] for k in stated}, 2e-5),
        found,
        "Weight of N(1, 1) against N(0, 1), from one half, truth 0.3.",
        {"20 steps": found["EM steps"], "needs one": first},
    )


@claim(
    "S1-78",
    verdict="holds",
    where="newton-em",
    paraphrase="The natural gradient of the negative log-likelihood is I⁻¹(E[s] − s(y)).",
    correct="It is, since the mean score E[s] is zero: the bracket is −s(y).",
    truth=lambda F, mean_score, s: np.linalg.solve(F, mean_score - s),
    control=lambda F, mean_score, s: np.linalg.solve(F, s - mean_score),
    control_name="the score less its mean",
)
def natural_gradient_from_scores(formula) -> Evidence:
    bell, worst = Gaussian("mu, sigma"), 0.0
    for θ, y in (([0.3, 1.4], 2.0), ([-1.0, 0.6], -0.2)):
        F, s = bell.fisher(θ), bell.score(y, θ)
        mean = expectation(bell, θ, lambda x, t=θ: bell.score(x, t))
        fit = data_fit(bell, [y, y * y])
        wanted = -descent.natural_direction(F, fit.gradient(θ))
        worst = max(worst, np.abs(formula(F, mean, s) / wanted - 1).max())
    return Evidence(worst < 1e-6, {"largest relative difference": worst}, "One observation each.")


@claim(
    "S1-79",
    verdict="holds under conditions",
    where="newton-convergence",
    paraphrase="At the maximum of the likelihood the natural gradient vanishes.",
    correct="Where there is a maximum inside the model and F is positive. After one head there is "
    "none: in log-odds the natural velocity tends to 1, not to 0.",
    truth={"slope at the maximum": -1.0, "velocity of z far out": 1.0},
    control={"slope at the maximum": -1.0, "velocity of z far out": 1e-9},
    control_name="a natural gradient that vanishes after one head, too",
)
def natural_gradient_at_the_maximum(stated) -> Evidence:
    def v(r):
        return step(init([r]), RATE, data_fit(RATE, FIVE))[1].direction.item()

    at = v(5.0)
    logit = Bernoulli("log-odds")
    far = step(init([30.0]), logit, data_fit(logit, ONE))[1].direction.item()
    found = {"slope at the maximum": (v(5.01) - v(4.99)) / 0.02, "velocity of z far out": far}
    return Evidence(
        abs(at) < 1e-12 and _agree(stated, found),
        {"velocity at the maximum": at, **found},
        "A counter with data of mean five, and a coin after one head at z = 30.",
        {"tends to 1": round(far, 9), "not to 0": 0.0},
    )


@cache
def cauchy_numbers():
    """Unit natural steps of a Cauchy location on normal data of standard deviation ½."""
    bell = Gaussian("mu, sigma")

    def slope(c):
        return float(expectation(bell, [0.0, 0.5], lambda x: 2 * (c - x) / (1 + (x - c) ** 2)))

    H = float(
        expectation(bell, [0.0, 0.5], lambda x: 2 * (1 - x * x) / (1 + x * x) ** 2)
    )  # F = ½ everywhere
    c, trail = 0.01, [0.01]
    for _ in range(40):
        c = c - 2 * slope(c)
        trail.append(c)
    return {"H": H, "factor": 1 - 2 * H, "largest step": 1 / H, "cycle": abs(c)}, trail


@claim(
    "S1-80",
    verdict="holds under conditions",
    where="newton-convergence",
    paraphrase="Natural descent converges to the maximum of the likelihood just like ordinary "
    "descent.",
    correct="Near it, where ηH < 2F; a step of η = 1 may bounce away. A Cauchy location on normal "
    "data of standard deviation ½ has 1 − H/F = −1.52 and ends in a cycle.",
    heard="Natural descent converges just like ordinary descent.",
    fact="Near the optimum it does where ηH < 2F. A Cauchy location on normal data has "
    "1 − H/F = −1.52: its unit steps bounce away.",
    truth={"factor": -1.5162, "largest step": 0.79485, "cycle": 0.75709},
    control={"factor": 0.0, "largest step": 2.0, "cycle": 0.0},
    control_name="a unit step that lands on the optimum, as for a true model",
)
def convergence(stated) -> Evidence:
    found, _ = cauchy_numbers()
    return Evidence(
        _agree(stated, {k: found[k] for k in stated}, 1e-4),
        found,
        "Started 0.01 from the optimum; forty unit steps.",
        {
            "η = 1": 1.0,
            "½": 0.5,
            "1 − H/F = −1.52": abs(found["factor"] + 1.52) < 0.005,
            "ηH < 2F": abs(found["largest step"] * found["H"] - 2 * 0.5) < 1e-9,
        },
    )


@claim(
    "S1-81",
    verdict="holds under conditions",
    where="newton-convergence",
    paraphrase="Natural descent follows a different, more efficient path.",
    correct="With one parameter all follow the same track. Efficient it is in the long run, with "
    "step sizes 1/t in the mean parameters, where it is the running mean; a unit step may also "
    "raise the loss, from 4.05 to 37.6.",
    truth={"before": 4.0471896, "after": 37.6453396, "running mean": 4.4},
    control={"before": 4.0471896, "after": 0.0, "running mean": 4.4},
    control_name="one unit step to the optimum in every chart",
)
def efficient_path(stated) -> Evidence:
    r = _landing("log-rate", "natural")
    state, counts = init([1.0]), np.array([3.0, 7.0, 2.0, 6.0, 4.0])
    for t, y in enumerate(counts, 1):
        state, _ = step(state, RATE, data_fit(RATE, [y]), length=descent.Fixed(1 / t))
    found = {
        "before": RATE.kl(FIVE, ONE).item(),
        "after": RATE.kl(FIVE, [r]).item(),
        "running mean": state.theta.item(),
    }
    return Evidence(
        _agree(stated, found),
        found,
        "A counter at one, data of mean five; then five counts, one after the other.",
        {"1/t": abs(found["running mean"] - counts.mean()) < 1e-12}
        | {"4.05": found["before"], "37.6": found["after"]},
    )


@claim(
    "S1-82",
    verdict="holds under conditions",
    where="newton-convergence",
    paraphrase="The natural gradient does not change the fixed points.",
    correct="Where F is positive and finite. At an edge F grows without end and the velocity "
    "vanishes though the slope does not; a pseudoinverse drops what lies in the null space.",
    truth={"slope": -1.0, "velocity at 0.001": 0.000999, "dropped": 0.0346410},
    control={"slope": -1.0, "velocity at 0.001": 1.0, "dropped": 0.0346410},
    control_name="a velocity as large as the slope",
)
def fixed_points(stated) -> Evidence:
    """L = −q on a coin; and three logits with weight decay, solved by the pseudoinverse."""
    v = descent.natural_direction(COIN.fisher([0.001]), [-1.0]).item()
    die, z = Categorical(3, "logits"), np.array([1.0, 2.0, 3.0])
    together = np.ones(3) / np.sqrt(3)
    g = die.cross_entropy_gradient(z, [0.6, 0.3, 0.1]) + 0.01 * z
    d, rank = descent.pseudo_natural_direction(die.fisher(z), g)
    left = float(together @ g)
    found = {"slope": -1.0, "velocity at 0.001": v, "dropped": left}
    return Evidence(
        _agree(stated, found) and rank == 2 and abs(float(together @ d)) < 1e-12,
        {**found, "rank": float(rank)},
        "The loss −q at 0.001, and weight decay 0.01 on logits 1, 2, 3.",
    )


@cache
def _newton_on_kl(chart, h=1e-3):
    """Newton's step for KL(p*‖p) over the natural one, from values of KL alone."""
    model, change = Poisson(chart), RATE.change_to(chart)
    θ, best = change.forward(ONE), change.forward(FIVE)
    k = [model.kl(best, θ + i * h).item() for i in (-2, -1, 0, 1, 2)]
    g = (8 * (k[3] - k[1]) - k[4] + k[0]) / (12 * h)
    H = (16 * (k[3] + k[1]) - k[4] - k[0] - 30 * k[2]) / (12 * h * h)
    natural = step(init(θ), model, data_fit(model, FIVE))[1].direction.item()
    return float(-g / H / natural)


@claim(
    "S1-99",
    verdict="false as stated",
    where="newton-when-they-coincide",
    paraphrase="'The Newton step for the KL divergence' does not make sense: Newton's step is on "
    "the loss.",
    correct="A KL divergence to the model is a loss. For KL(p*‖p) in the natural parameters of an "
    "exponential family Newton's step is the unit natural step; in another chart it is not.",
    heard="“Newton's step for the KL divergence” makes no sense.",
    fact="For KL(p*‖p) in natural parameters it is exactly the unit natural step.",
    truth={"log-rate": 1.0, "rate": 0.2, "root": 0.3333333},
    control={"log-rate": 0.2, "rate": 0.2, "root": 0.3333333},
    control_name="no chart in which the two are one",
)
def newton_for_kl(stated) -> Evidence:
    found = {c: _newton_on_kl(c) for c in ("log-rate", "rate", "root")}
    return Evidence(
        _agree(stated, found),
        {f"Newton's step for KL over the natural one, {c}": v for c, v in found.items()},
        "Differences of KL alone, counter at one, data of mean five.",
    )


@cache
def _options():
    """What decides the four options: ratios of matrices, steps needed, and a full matrix."""
    needed = {}
    for rule in (newton_step, step):
        state, fit = init([0.0]), data_fit(LOG_RATE, FIVE)
        while abs(np.exp(state.theta.item()) / 5 - 1) > 0.01:
            state, _ = rule(state, LOG_RATE, fit)
        needed[rule] = state.step
    bell = Gaussian("natural")
    θ = Gaussian("mu, sigma").change_to("natural").forward([1.0, 0.7])
    F = bell.fisher(θ)
    return {
        "A: H/F in log r": _ratios()["log-rate"],
        "A and C: H/F in r": _ratios()["rate"],
        "B: natural steps over Newton's": needed[step] / needed[newton_step],
        "D: correlation of the statistics": float(F[0, 1] / np.sqrt(F[0, 0] * F[1, 1])),
    }


@claim(
    "S1-100",
    verdict="holds",
    where="newton-when-they-coincide",
    paraphrase="Of four statements on Newton and the natural gradient the true one is that Newton "
    "uses the Hessian of the loss, the natural gradient the Fisher matrix of the model.",
    correct="C it is. A, that they are identical for a likelihood, is true as well where the "
    "model is an exponential family in its natural parameters.",
    truth={
        "A: H/F in log r": 1.0,
        "A and C: H/F in r": 5.0,
        "B: natural steps over Newton's": 1.0,
        "D: correlation of the statistics": 0.8962214,
    },
    control={
        "A: H/F in log r": 1.0,
        "A and C: H/F in r": 1.0,
        "B: natural steps over Newton's": 1.0,
        "D: correlation of the statistics": 0.8962214,
    },
    control_name="A in every chart",
)
def question_three(stated) -> Evidence:
    found = _options()
    return Evidence(
        _agree(stated, found), found, "A counter in two charts, and a Gaussian with a full matrix."
    )


@claim(
    "S1-101",
    verdict="false as stated",
    where="newton-when-they-coincide",
    paraphrase="Newton and the natural gradient coincide only when the model is well specified and "
    "the loss its negative log-likelihood, and then asymptotically.",
    correct="It is neither necessary nor enough. Logistic regression has H = F for labels that no "
    "logistic model can give; N(θ², 1) with true data has H = −1.46 and F = 0.36 at θ = 0.3. "
    "What decides is the residual times the bend of the natural parameter.",
    heard="They coincide only for a well-specified model, and then asymptotically.",
    fact="Logistic regression has H = F for labels that no logistic model can give. N(θ², 1) with "
    "true data has H = −1.46, F = 0.36 at θ = 0.3.",
    truth={"labels of no logistic model, H/F": 1.0, "true model, H": -1.46, "true model, F": 0.36},
    control={
        "labels of no logistic model, H/F": 1.7384428,
        "true model, H": 0.36,
        "true model, F": 0.36,
    },
    control_name="equal for the true model, unequal for labels of a wrong one",
)
def when_they_coincide(stated) -> Evidence:
    _, H, F, _ = _square(0.3)
    found = {
        "labels of no logistic model, H/F": _same_sign("logit"),
        "true model, H": H,
        "true model, F": F,
    }
    return Evidence(
        _agree(stated, found),
        found,
        "Forty labels, 1 where two inputs have the same sign; and the population of N(1, 1).",
        {
            "H = F": abs(found["labels of no logistic model, H/F"] - 1) < 1e-6,
            "N(θ², 1)": abs(F - 4 * 0.3**2) < 1e-9,
            "H = −1.46": H,
            "F = 0.36": F,
            "θ = 0.3": 0.3,
        },
    )


@claim(
    "S1-102",
    verdict="holds under conditions",
    where="newton-when-they-coincide",
    paraphrase="For a well-specified model and its likelihood Hessian and Fisher matrix are "
    "asymptotically equal, by Bartlett's identity.",
    correct="At the true parameters, and at estimates that tend to them. Bartlett's identity "
    "averages over the model where one stands: elsewhere the data come from another member.",
    truth={"own labels at 0.3": 1.0, "truth 1, at 1": 1.0, "truth 1, at 0.3": -1.46 / 0.36},
    control={"own labels at 0.3": 1.0, "truth 1, at 1": 1.0, "truth 1, at 0.3": 1.0},
    control_name="equal wherever one stands",
)
def bartlett(stated) -> Evidence:
    def ratio(θ, mean):
        _, H, F, _ = _square(θ, mean)
        return H / F

    found = {
        "own labels at 0.3": ratio(0.3, 0.09),
        "truth 1, at 1": ratio(1.0, 1.0),
        "truth 1, at 0.3": ratio(0.3, 1.0),
    }
    return Evidence(
        _agree(stated, found),
        {f"mean Hessian over F, {k}": v for k, v in found.items()},
        "N(θ², 1), population means.",
    )
