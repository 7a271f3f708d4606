"""Derivations of the chapter "The natural gradient": steepest descent with the Fisher ruler."""

from __future__ import annotations

from sympy import (
    Derivative,
    Eq,
    Integer,
    Interval,
    Matrix,
    MatrixSymbol,
    Rational,
    Symbol,
    cos,
    diag,
    exp,
    log,
    oo,
    sin,
    sqrt,
    symbols,
)

from ngdlib.derivations import derivation
from ngdlib.derive import Derivation

CHAPTER = "natural-gradient"
POSITIVE = Interval.open(0, oo)
UNIT = Interval.open(0, 1)


def _quadratic_model(sizes=(2,)):
    """g, F, v of a problem in n dimensions, and the domain they live in."""
    n = Symbol("n", integer=True, positive=True)
    g, v = MatrixSymbol("g", n, 1), MatrixSymbol("v", n, 1)
    F = MatrixSymbol("F", n, n)
    return g, v, F, {n: list(sizes), F: "positive definite"}


@derivation(chapter=CHAPTER)
def constrained_problem() -> Derivation:
    g, v, F, domain = _quadratic_model()
    ν, ε, N = symbols("nu epsilon N")
    d = Derivation(
        "constrained-problem",
        title="The steepest step of a given KL",
        buys="the natural direction, and the multiplier that the usual account leaves open",
        domain={**domain, N: POSITIVE, ν: POSITIVE, ε: POSITIVE},
        valid_for="n = 2 parameters",
    )
    d.solve(
        Eq(ν * F * v, -g),
        v,
        -F.I * g / ν,
        because="the gradient of 𝓛 = gᵀv + ν(½vᵀFv − ε) vanishes",
    )
    d.equal(
        Rational(1, 2) * (F.I * g / ν).T * F * (F.I * g / ν),
        g.T * F.I * g / (2 * ν**2),
        because="the KL of that step, to leading order",
    )
    d.solve(
        Eq(N**2 / (2 * ν**2), ε),
        ν,
        N / sqrt(2 * ε),
        because="it must be ε; N² is short for gᵀF⁻¹g",
    )
    d.equal(
        N**2 / (N / sqrt(2 * ε)),
        N * sqrt(2 * ε),
        because="the decrease −gᵀv = N²/ν that the step buys",
    )
    return d


@derivation(chapter=CHAPTER)
def penalised_problem() -> Derivation:
    g, v, F, domain = _quadratic_model()
    η, ε, N = symbols("eta epsilon N")
    d = Derivation(
        "penalised-problem",
        title="The step with a price on KL",
        buys="the update rule, and the KL radius that a fixed η amounts to at one point",
        domain={**domain, η: POSITIVE, N: POSITIVE, ε: POSITIVE},
        valid_for="n = 2 parameters",
    )
    d.solve(
        Eq(F * v / η, -g),
        v,
        -η * F.I * g,
        because="the gradient of gᵀv + vᵀFv/(2η) vanishes",
    )
    d.equal(
        Rational(1, 2) * (η * F.I * g).T * F * (η * F.I * g),
        η**2 / 2 * g.T * F.I * g,
        because="the KL of that step: it shrinks with the gradient",
    )
    d.solve(
        Eq(η**2 * N**2 / 2, ε),
        η,
        sqrt(2 * ε) / N,
        because="the one η whose step has KL ε here; N² = gᵀF⁻¹g",
    )
    return d


@derivation(chapter=CHAPTER)
def transformation_laws() -> Derivation:
    n = Symbol("n", integer=True, positive=True)
    g, v = MatrixSymbol("g", n, 1), MatrixSymbol("v", n, 1)
    F, T = MatrixSymbol("F", n, n), MatrixSymbol("T", n, n)
    d = Derivation(
        "transformation-laws",
        title="What a change of chart does to the natural gradient",
        buys="F⁻¹g is a velocity: it moves with T, as the point does",
        domain={n: [2], F: "positive definite", T: "invertible"},
        valid_for="n = 2 parameters",
    )
    d.equal(
        (T.T.I * F * T.I).I * (T.T.I * g),
        T * F.I * T.T * T.T.I * g,
        because="Fisher and gradient in the chart φ; the inverse of a product",
    )
    d.then(T * F.I * g, because="TᵀT⁻ᵀ = I")
    d.equal(
        (T * v).T * (T.T.I * F * T.I) * (T * v),
        v.T * F * v,
        because="the Fisher length of a velocity is the same in both",
    )
    return d


@derivation(chapter=CHAPTER)
def bernoulli_gap() -> Derivation:
    q, η = symbols("q eta")
    z = log(q / (1 - q)) + η / q
    d = Derivation(
        "bernoulli-gap",
        title="One head, one natural step, two charts",
        buys="the exact price of a finite step: η² times a number that depends on where you are",
        domain={q: UNIT, η: UNIT},
    )
    d.equal(
        1 / (1 + exp(-z)),
        q / (q + (1 - q) * exp(-η / q)),
        because="the natural step in log-odds is η/q; back to a probability",
    )
    d.then_expand(
        q + η * (1 - q) + η**2 * (1 - q) * (1 - 2 * q) / (2 * q),
        η,
        3,
        because="Taylor in η",
    )
    d.expand(
        q / (q + (1 - q) * exp(-η / q)) - (q + η * (1 - q)),
        η**2 * (1 - q) * (1 - 2 * q) / (2 * q),
        η,
        3,
        because="subtract the natural step in probability",
    )
    return d


@derivation(chapter=CHAPTER)
def gaussian_gap() -> Derivation:
    σ, S, η = symbols("sigma S eta")
    u = (S / σ - σ) / 2
    d = Derivation(
        "gaussian-gap",
        title="One natural step for a standard deviation, or for a variance",
        buys="a gap that is η² and nothing else, for every η",
        domain={σ: POSITIVE, S: POSITIVE, η: POSITIVE},
    )
    d.equal(
        -(σ**2 / 2) * Derivative(log(σ) + S / (2 * σ**2), σ),
        u,
        because="natural velocity of σ: F = 2/σ², S the mean square about μ",
    )
    d.equal(
        (σ + η * u) ** 2 - (σ**2 + η * (2 * σ * u)),
        η**2 * u**2,
        because="step in σ and square; step in σ² with the velocity 2σu",
    )
    d.equal(
        (σ + u),
        (σ + S / σ) / 2,
        because="with η = 1 in σ: Heron's rule for √S",
    )
    return d


@derivation(chapter=CHAPTER)
def flow_in_every_chart() -> Derivation:
    q, t, m = symbols("q_0 t m")
    path = m + (q - m) * exp(-t)
    d = Derivation(
        "flow-in-every-chart",
        title="The natural flow of a coin, in three charts",
        buys="the flow has no chart: one curve of coins, written three ways",
        domain={q: UNIT, m: UNIT, t: POSITIVE},
    )
    d.equal(Derivative(path, t), m - path, because="in probability: velocity m − q")
    d.equal(
        Derivative(log(path / (1 - path)), t),
        (m - path) / (path * (1 - path)),
        because="in log-odds: velocity (m − q)/(q(1 − q)), the same path",
    )
    return d


@derivation(chapter=CHAPTER)
def exponential_step() -> Derivation:
    ω, w, t = symbols("omega w t")
    q = sin((ω + w * t) / 2) ** 2
    slope = w * sin((ω + w * t) / 2) * cos((ω + w * t) / 2)
    d = Derivation(
        "exponential-step",
        title="The geodesic of the coin",
        buys="a finite step that every chart agrees on, in closed form",
        domain={ω: Interval.open(0, 1), w: Interval.open(0, 1), t: Interval.open(0, 1)},
        tex={ω: r"\omega_0"},
    )
    d.equal(
        Derivative(q, t),
        slope,
        because="move at a constant speed in the angle; q = sin²(ω/2)",
    )
    d.equal(
        Derivative(slope, t) + (2 * q - 1) / (2 * q * (1 - q)) * slope**2,
        Integer(0),
        because="the geodesic equation in probability, Γ = ½F′/F = (2q − 1)/(2q(1 − q))",
    )
    return d


@derivation(chapter=CHAPTER)
def geodesic_correction() -> Derivation:
    q, η = symbols("q eta")
    in_probability = q + η * (1 - q) + η**2 * (1 - q) * (1 - 2 * q) / (4 * q)
    exponent = -η / q + η**2 * (1 - 2 * q) / (4 * q**2)
    d = Derivation(
        "geodesic-correction",
        title="Half the connection buys one more order",
        buys="a step as cheap as the plain one whose charts differ by η³ only",
        domain={q: UNIT, η: UNIT},
    )
    velocity = 1 - q
    d.equal(
        q + η * velocity - η**2 / 2 * (2 * q - 1) / (2 * q * (1 - q)) * velocity**2,
        in_probability,
        because="q + ηv − ½η²Γv², Γ = (2q − 1)/(2q(1 − q)) in probability",
    )
    d.equal(
        η / q - η**2 / 2 * ((1 - 2 * q) / 2) / q**2,
        -exponent,
        because="the same in log-odds, where Γ = (1 − 2q)/2 and v = 1/q",
    )
    d.expand(
        q / (q + (1 - q) * exp(exponent)),
        in_probability,
        η,
        3,
        because="the second-order terms agree",
    )
    return d


@derivation(chapter=CHAPTER)
def riemannian_newton() -> Derivation:
    q = Symbol("q")
    L = -log(q)
    d = Derivation(
        "riemannian-newton",
        title="Newton's method with and without the connection",
        buys="what covariant differentiation repairs: the Hessian",
        domain={q: UNIT},
    )
    d.equal(
        -Derivative(L, q) / Derivative(L, (q, 2)),
        q,
        because="plain Newton in probability, loss −log q",
    )
    d.equal(
        q * (1 - q) * (1 - q) / (q * (1 - q)),
        1 - q,
        because="plain Newton in log-odds: gradient q − 1, Hessian q(1 − q), dq = q(1 − q)dz",
    )
    d.equal(
        Derivative(L, (q, 2)) - (2 * q - 1) / (2 * q * (1 - q)) * Derivative(L, q),
        1 / (2 * q**2 * (1 - q)),
        because="covariant Hessian in probability: L″ − ΓL′",
    )
    d.equal(
        -Derivative(L, q) * (2 * q**2 * (1 - q)),
        2 * q * (1 - q),
        because="Riemannian Newton in probability",
    )
    d.equal(
        q * (1 - q) * (1 - q) / (q * (1 - q) - (1 - 2 * q) / 2 * (q - 1)),
        2 * q * (1 - q),
        because="and in log-odds, where Γ = (1 − 2q)/2: the same",
    )
    return d


@derivation(chapter=CHAPTER)
def mixture_flow() -> Derivation:
    a, b, A, B = symbols("m_1 m_2 a b")
    variance = b - a**2
    loss = log(variance) / 2 + (B - 2 * a * A + a**2) / (2 * variance)
    F_inverse = Matrix(
        [
            [variance, 2 * a * variance],
            [2 * a * variance, 4 * a**2 * variance + 2 * variance**2],
        ]
    )
    gradient = Matrix([Derivative(loss, a), Derivative(loss, b)])
    d = Derivation(
        "mixture-flow",
        title="The flow of a Gaussian in its expectation chart",
        buys="natural gradient flow that is straight, and a unit step that arrives",
        domain={a: Interval(-oo, oo), b: Interval.open(a**2, oo)},
        tex={A: r"\bar x", B: r"\overline{x^2}"},
    )
    d.equal(
        F_inverse * gradient,
        Matrix([a - A, b - B]),
        because="F⁻¹∂L = m − m̄: the velocity points straight at the data",
    )
    return d


@derivation(chapter=CHAPTER)
def exponential_flow() -> Derivation:
    θ, A = symbols("theta_1:3"), symbols("a_1:3")
    Z = 1 + exp(θ[0]) + exp(θ[1])
    p = [exp(t) / Z for t in θ]
    loss = sum(pk * (t - a) for pk, t, a in zip(p, θ, A, strict=True)) - log(Z)
    F = diag(*p) - Matrix(p) * Matrix(p).T
    d = Derivation(
        "exponential-flow",
        title="The reverse divergence, in natural parameters",
        buys="the flow of KL(p ‖ p*) is straight too, in the other straight chart",
        valid_for="K = 3 classes, reduced logits θ; target logits a",
    )
    d.equal(
        Matrix([Derivative(loss, t) for t in θ]),
        F * Matrix([t - a for t, a in zip(θ, A, strict=True)]),
        because="∂KL(p ‖ p*) = F(θ − a), so F⁻¹∂ points straight at the target",
    )
    return d
