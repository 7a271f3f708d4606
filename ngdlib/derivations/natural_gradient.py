"""Derivations of the chapter "The natural gradient": steepest descent with the Fisher ruler."""

from __future__ import annotations

from sympy import (
    Derivative,
    Eq,
    Expr,
    Function,
    Integer,
    Interval,
    MatAdd,
    MatMul,
    Matrix,
    MatrixSymbol,
    Mul,
    Pow,
    Rational,
    Symbol,
    cos,
    diag,
    exp,
    log,
    oo,
    sin,
    symbols,
)

from ngdlib.derivations import derivation
from ngdlib.derive import Derivation

CHAPTER = "natural-gradient"
POSITIVE, UNIT = Interval.open(0, oo), Interval.open(0, 1)
HALF = Rational(1, 2)
STRENGTH = r"\lVert g\rVert_{*}"  # √(gᵀF⁻¹g)


def _over(numerator: Expr, denominator: Expr) -> Expr:
    """A fraction that prints as it is written."""
    return Mul(numerator, Pow(denominator, -1, evaluate=False), evaluate=False)


def _root(x: Expr, y: Expr) -> Expr:
    """√(xy), not √x √y."""
    return Pow(Mul(x, y, evaluate=False), HALF, evaluate=False)


@derivation(chapter=CHAPTER)
def constrained_problem() -> Derivation:
    n = Symbol("n", integer=True, positive=True)
    g, v, F = MatrixSymbol("g", n, 1), MatrixSymbol("v", n, 1), MatrixSymbol("F", n, n)
    ν, ε, N = symbols("nu varepsilon N")
    d = Derivation(
        "constrained-problem",
        title="The steepest step of a given KL divergence",
        buys="The natural direction, and the multiplier that the usual account leaves open.",
        domain={n: [2], F: "positive definite", N: POSITIVE, ν: POSITIVE, ε: POSITIVE},
        valid_for="n = 2 parameters",
        tex={N: STRENGTH},
    )
    d.define(v, -F.I * g / ν).define(ν, _over(N, _root(Integer(2), ε)))
    d.solve(
        Eq(ν * F * v, -g),
        v,
        -F.I * g / ν,
        because="stationary 𝓛 = gᵀv + ν(½vᵀFv − ε)",
    )
    d.equal(v.T * F * v, g.T * F.I * g / ν**2, because="twice the KL of that step")
    d.solve(
        Eq(N**2 / ν**2, 2 * ε),
        ν,
        _over(N, _root(Integer(2), ε)),
        because="it must be 2ε; the norm is √(gᵀF⁻¹g)",
    )
    d.equal(
        N**2 / ν,
        Mul(N, _root(Integer(2), ε), evaluate=False),
        because="what it buys: −gᵀv = gᵀF⁻¹g/ν",
    )
    return d


@derivation(chapter=CHAPTER)
def penalised_problem() -> Derivation:
    n = Symbol("n", integer=True, positive=True)
    g, v, F = MatrixSymbol("g", n, 1), MatrixSymbol("v", n, 1), MatrixSymbol("F", n, n)
    η, ε, N = symbols("eta varepsilon N")
    d = Derivation(
        "penalised-problem",
        title="The step with a price on KL divergence",
        buys="The update rule, and the KL radius that a fixed η amounts to at one point.",
        domain={n: [2], F: "positive definite", η: POSITIVE, N: POSITIVE, ε: POSITIVE},
        valid_for="n = 2 parameters",
        tex={N: STRENGTH},
    )
    d.define(v, -η * F.I * g)
    d.solve(
        Eq(F * v / η, -g),
        v,
        -η * F.I * g,
        because="stationary gᵀv + vᵀFv/(2η)",
    )
    d.equal(
        v.T * F * v,
        η**2 * g.T * F.I * g,
        because="twice its KL: it shrinks with the gradient",
    )
    d.solve(
        Eq(η**2 * N**2, 2 * ε),
        η,
        _over(_root(Integer(2), ε), N),
        because="the one η whose step has KL ε here",
    )
    return d


@derivation(chapter=CHAPTER)
def transformation_laws() -> Derivation:
    n = Symbol("n", integer=True, positive=True)
    g, v, gφ = (MatrixSymbol(name, n, 1) for name in ("g", "v", "g_phi"))
    F, T, Fφ = (MatrixSymbol(name, n, n) for name in ("F", "T", "F_phi"))
    d = Derivation(
        "transformation-laws",
        title="What a change of chart does to the natural gradient",
        buys="If v is the natural velocity in θ, then Tv is the one in φ.",
        domain={n: [2], Fφ: "positive definite", T: "invertible"},
        valid_for="n = 2 parameters",
        tex={gφ: r"g_\phi", Fφ: r"F_\phi"},
    )
    d.define(g, T.T * gφ).define(F, T.T * Fφ * T)
    d.equal(g.T * v, MatMul(gφ.T, T * v), because="the change of the loss is kept")
    d.equal(v.T * F * v, MatMul((T * v).T, Fφ, T * v), because="the Fisher length is kept")
    d.equal(
        F * v + g,
        MatMul(T.T, MatAdd(MatMul(Fφ, T, v), gφ)),
        because="so Fv = −g just when Fφ(Tv) = −gφ: T is invertible",
    )
    return d


@derivation(chapter=CHAPTER)
def bernoulli_gap() -> Derivation:
    q, η, z = symbols("q eta z")
    in_log_odds = q / (q + (1 - q) * exp(-η / q))
    d = Derivation(
        "bernoulli-gap",
        title="One head, one natural step, two charts",
        buys="The exact price of a finite step: η² times a number that depends on where you are.",
        domain={q: UNIT, η: UNIT},
    )
    d.define(z, log(q / (1 - q)))
    d.equal(
        1 / (1 + exp(-(z + η / q))),
        in_log_odds,
        because="a step of η/q in log-odds, read as a probability",
    )
    d.then_expand(
        q + η * (1 - q) + η**2 * (1 - q) * (1 - 2 * q) / (2 * q), η, 3, because="Taylor in η"
    )
    d.expand(
        in_log_odds - (q + η * (1 - q)),
        η**2 * (1 - q) * (1 - 2 * q) / (2 * q),
        η,
        3,
        because="less a step of η(1 − q) in probability",
    )
    return d


@derivation(chapter=CHAPTER)
def gaussian_gap() -> Derivation:
    σ, S, η, u = symbols("sigma S eta u")
    d = Derivation(
        "gaussian-gap",
        title="One natural step for a standard deviation, or for a variance",
        buys="A gap that is η² and nothing else, for every η.",
        domain={σ: POSITIVE, S: POSITIVE, η: POSITIVE},
    )
    d.define(u, (S / σ - σ) / 2)
    d.equal(
        -(σ**2 / 2) * Derivative(log(σ) + S / (2 * σ**2), σ),
        Mul(HALF, S / σ - σ, evaluate=False),
        because="velocity of σ: F = 2/σ²; call it u",
    )
    d.equal(
        (σ + η * u) ** 2 - (σ**2 + η * (2 * σ * u)),
        η**2 * u**2,
        because="step in σ, squared, less the step in σ²",
    )
    d.equal(
        σ + u,
        Mul(HALF, σ + S / σ, evaluate=False),
        because="η = 1 in σ: Heron's rule for √S",
    )
    d.equal(σ**2 + 2 * σ * u, S, because="η = 1 in σ²: there at once")
    return d


@derivation(chapter=CHAPTER)
def flow_in_every_chart() -> Derivation:
    q0, t, m = symbols("q_0 t m")
    q = Function("q")(t)
    d = Derivation(
        "flow-in-every-chart",
        title="The natural flow of a coin",
        buys="The flow has no chart: one curve of coins, however it is written.",
        domain={q0: UNIT, m: UNIT, t: POSITIVE},
        tex={m: r"\bar y"},
    )
    d.define(q, m + (q0 - m) * exp(-t))
    d.equal(q, m + (q0 - m) * exp(-t), because="a curve of coins")
    d.equal(Derivative(q, t), m - q, because="its velocity is the natural one in probability")
    d.equal(
        Derivative(log(q) - log(1 - q), t),
        (m - q) / (q * (1 - q)),
        because="and in log-odds",
    )
    return d


@derivation(chapter=CHAPTER)
def exponential_step() -> Derivation:
    ω, w, t = symbols("omega_0 w t")
    q, z = Function("q")(t), Function("z")(t)
    d = Derivation(
        "exponential-step",
        title="The geodesic of the coin",
        buys="A finite step that every chart agrees on, in closed form.",
        domain={ω: UNIT, w: UNIT, t: UNIT},
    )
    d.define(q, sin((ω + w * t) / 2) ** 2).define(z, log(q / (1 - q)))
    d.equal(
        q,
        sin((ω + w * t) / 2) ** 2,
        because="constant speed w in the angle",
    )
    d.equal(
        Derivative(q, t),
        w * sin((ω + w * t) / 2) * cos((ω + w * t) / 2),
        because="its velocity in probability",
    )
    d.equal(
        Derivative(q, (t, 2)) + (2 * q - 1) / (2 * q * (1 - q)) * Derivative(q, t) ** 2,
        Integer(0),
        because="the geodesic equation there, Γ = ½F′/F",
    )
    return d


@derivation(chapter=CHAPTER)
def geodesic_correction() -> Derivation:
    q, η, z, v, w, Γq, Γz = symbols("q eta z v w Gamma_q Gamma_z")
    d = Derivation(
        "geodesic-correction",
        title="Half the connection buys one more order",
        buys="A step hardly dearer than the plain one, whose charts differ by η³ only.",
        domain={q: UNIT, η: UNIT},
    )
    d.define(z, log(q / (1 - q))).define(v, 1 - q).define(w, 1 / q)
    d.define(Γq, (2 * q - 1) / (2 * q * (1 - q))).define(Γz, (1 - 2 * q) / 2)
    d.equal(
        q + η * v - η**2 * Γq * v**2 / 2,
        q + η * (1 - q) + η**2 * (1 - q) * (1 - 2 * q) / (4 * q),
        because="in probability: v = 1 − q, Γ = (2q − 1)/(2q(1 − q))",
    )
    d.equal(
        z + η * w - η**2 * Γz * w**2 / 2,
        z + η / q - η**2 * (1 - 2 * q) / (4 * q**2),
        because="in log-odds: w = 1/q, Γ = (1 − 2q)/2",
    )
    d.expand(
        1 / (1 + exp(-(z + η / q - η**2 * (1 - 2 * q) / (4 * q**2)))),
        q + η * (1 - q) + η**2 * (1 - q) * (1 - 2 * q) / (4 * q),
        η,
        3,
        because="read as a probability: the η² terms agree",
    )
    return d


@derivation(chapter=CHAPTER)
def riemannian_newton() -> Derivation:
    q, z = symbols("q z")
    L, K, s = Function("L")(q), Function("L_z")(z), Function("sigma")(z)
    Γq, Γz = Function("Gamma_q")(q), Function("Gamma_z")(z)
    dq = Derivative(s, z)
    d = Derivation(
        "riemannian-newton",
        title="Newton's method without and with the connection",
        buys="What covariant differentiation repairs: the Hessian.",
        domain={q: UNIT, z: Interval(-oo, oo)},
    )
    d.define(L, -log(q)).define(K, -log(s)).define(s, 1 / (1 + exp(-z)))
    d.define(Γq, (2 * q - 1) / (2 * q * (1 - q))).define(Γz, (1 - 2 * s) / 2)
    first, second = Derivative(L, q), Derivative(L, (q, 2))
    d.equal(-first / second, q, because="plain, in probability; the loss is −log q")
    d.equal(
        -Derivative(K, z) / Derivative(K, (z, 2)) * dq,
        1 - s,
        because="plain, in log-odds; dq = σ′(z) dz",
    )
    d.equal(
        -first / (second - Γq * first),
        2 * q * (1 - q),
        because="covariant Hessian, in probability",
    )
    d.equal(
        -Derivative(K, z) / (Derivative(K, (z, 2)) - Γz * Derivative(K, z)) * dq,
        2 * s * (1 - s),
        because="covariant Hessian, in log-odds: the same",
    )
    return d


@derivation(chapter=CHAPTER)
def mixture_flow() -> Derivation:
    μ, σ, a, b, A, B, V = symbols("mu sigma m_1 m_2 a b V")
    T = Matrix([[1, 0], [2 * μ, 2 * σ]])
    L = Function("L")(a, b)
    d = Derivation(
        "mixture-flow",
        title="The flow of a Gaussian in its expectation chart",
        buys="Natural gradient flow that is straight, and a unit step that arrives.",
        domain={
            μ: Interval(-oo, oo),
            σ: POSITIVE,
            a: Interval(-oo, oo),
            b: Interval.open(a**2, oo),
        },
        tex={A: r"\bar x", B: r"\overline{x^2}"},
    )
    d.define(L, log(b - a**2) / 2 + (B - 2 * a * A + a**2) / (2 * (b - a**2)))
    d.define(V, b - a**2)
    d.equal(
        MatMul(T, diag(σ**2, σ**2 / 2), T.T, evaluate=False),
        Matrix([[σ**2, 2 * μ * σ**2], [2 * μ * σ**2, 4 * μ**2 * σ**2 + 2 * σ**4]]),
        because="F⁻¹ for m = (μ, μ² + σ²), by TF⁻¹Tᵀ",
    )
    d.equal(
        V * Derivative(L, a) + 2 * a * V * Derivative(L, b),
        a - A,
        because="first row of F⁻¹∂L; V is σ²",
    )
    d.equal(
        2 * a * V * Derivative(L, a) + (4 * a**2 * V + 2 * V**2) * Derivative(L, b),
        b - B,
        because="second row: F⁻¹∂L = m − m̄",
    )
    return d


@derivation(chapter=CHAPTER)
def exponential_flow() -> Derivation:
    θ, a, p = (symbols(f"{name}_1:3") for name in ("theta", "a", "p"))
    Z, Z_a, K = symbols("Z Z_a K")
    F, D = MatrixSymbol("F", 2, 2), Function("D")(*θ)
    d = Derivation(
        "exponential-flow",
        title="The reverse divergence, in natural parameters",
        buys="The flow of KL(p ‖ p*) is straight too, in the other straight chart.",
        valid_for="K = 3 classes, logits θ relative to class 3; a those of the target",
    )
    d.define(K, log(Z_a) - log(Z))
    d.define(Z, 1 + exp(θ[0]) + exp(θ[1])).define(Z_a, 1 + exp(a[0]) + exp(a[1]))
    d.define(p[0], exp(θ[0]) / Z).define(p[1], exp(θ[1]) / Z)
    d.define(F, Matrix([[p[0] - p[0] ** 2, -p[0] * p[1]], [-p[0] * p[1], p[1] - p[1] ** 2]]))
    d.define(D, p[0] * (θ[0] - a[0]) + p[1] * (θ[1] - a[1]) + K)
    d.equal(
        Matrix([Derivative(D, t) for t in θ]),
        F * Matrix([θ[0] - a[0], θ[1] - a[1]]),
        because="D = KL(p ‖ p*); so F⁻¹∂D = θ − a",
    )
    return d
