"""Derivations of the chapter "A ruler for distributions": what the Fisher metric measures."""

from __future__ import annotations

from sympy import (
    Add,
    Derivative,
    Eq,
    Function,
    Integer,
    Integral,
    Interval,
    MatMul,
    Matrix,
    MatrixSymbol,
    Mul,
    Piecewise,
    Rational,
    Subs,
    Sum,
    Symbol,
    cos,
    diag,
    exp,
    log,
    oo,
    pi,
    sin,
    sqrt,
    symbols,
)

from ngdlib.derivations import derivation
from ngdlib.derive import Derivation, E

CHAPTER = "fisher-metric"
UNIT, POSITIVE = Interval.open(0, 1), Interval.open(0, oo)
LINE = Interval(-oo, oo)
HALF = Rational(1, 2)

θ, h, x, u = symbols("theta h x u")
s, s1, s2 = symbols("s s_1 s_2")  # the score, its first and second derivative in θ
p, w = Function("p"), Function("w")
WORLD = (x, [1, 2, 3], [p(1, θ), p(2, θ), p(3, θ)])  # three outcomes
TEX = {s1: r"\partial s", s2: r"\partial^2 s"}


def mean(f):
    """The expectation over the three outcomes, at θ."""
    return E(f, WORLD)


def as_written(*terms):
    """A sum that prints in this order."""
    return Add(*terms, evaluate=False)


def three_outcomes(d: Derivation, derivatives: int = 1) -> Derivation:
    """p(x, θ) for x = 1, 2, 3: two smooth functions of θ, and what they leave of one."""
    first, second = w(1, θ), w(2, θ)
    d.define(p(x, θ), Piecewise((first, Eq(x, 1)), (second, Eq(x, 2)), (1 - first - second, True)))
    for k, symbol in enumerate((s, s1, s2)[:derivatives], start=1):
        d.define(symbol, Derivative(log(p(x, θ)), (θ, k)))
    return d


@derivation(chapter=CHAPTER)
def score_and_fisher() -> Derivation:
    """The score has mean zero; its mean square is minus the expected second derivative."""
    d = Derivation(
        "score-and-fisher",
        title="The score has mean zero, and its mean square is a curvature",
        buys="The zero mean, and a second way to compute the Fisher information.",
        domain={θ: LINE},
        valid_for="three outcomes, whose probabilities are any smooth functions of θ",
        tex=TEX,
    )
    three_outcomes(d, derivatives=2)
    d.equal(mean(s), Sum(Derivative(p(x, θ), θ), (x, 1, 3)), because="p s = ∂p")
    d.then(Derivative(Sum(p(x, θ), (x, 1, 3)), θ), because="a sum of derivatives")
    d.then(Integer(0), because="the probabilities always sum to one")
    d.equal(
        mean(-s1),
        as_written(mean(s**2), -Sum(Derivative(p(x, θ), (θ, 2)), (x, 1, 3))),
        because="−∂s = −∂²log p = s² − ∂²p / p",
    )
    d.then(mean(s**2), because="a constant total has no second derivative either")
    return d


@derivation(chapter=CHAPTER)
def kl_third_order() -> Derivation:
    """KL between neighbours, to the third order in the step."""
    d = Derivation(
        "kl-third-order",
        title="KL between neighbours",
        buys="Half the squared Fisher length, and the term that makes a KL ball an egg.",
        domain={θ: LINE},
        valid_for="three outcomes, whose probabilities are any smooth functions of θ",
        tex=TEX,
    )
    three_outcomes(d, derivatives=3)
    d.equal(
        mean(s2),
        as_written(-3 * mean(s * s1), -mean(s**3)),
        because="differentiate 𝔼[s] = 0 twice",
    )
    d.expand(
        mean(log(p(x, θ) / p(x, θ + h))),
        as_written(-h * mean(s), -(h**2) / 2 * mean(s1), -(h**3) / 6 * mean(s2)),
        var=h,
        order=4,
        because="KL from θ to θ + h; Taylor in h",
    )
    d.then_expand(
        as_written(
            h**2 / 2 * mean(s**2),
            h**3 * as_written(HALF * mean(s * s1), Rational(1, 6) * mean(s**3)),
        ),
        h,
        4,
        because="𝔼[s] = 0; −𝔼[∂s] = 𝔼[s²]; the first line",
    )
    return d


@derivation(chapter=CHAPTER)
def kl_and_cumulants() -> Derivation:
    """In the natural chart of an exponential family the coefficients of KL are cumulants."""
    z, t = symbols("z t")
    A1, A2, A3 = symbols("A_1 A_2 A_3")
    A = Function("A")
    values = symbols("t_1:4")
    total = sum(exp(z * v) for v in values)
    family = (t, list(values), [exp(z * v) / total for v in values])
    d = Derivation(
        "kl-and-cumulants",
        title="KL and the cumulants",
        buys="The second cumulant is the Fisher information; the third tells KL forwards from KL "
        "backwards.",
        valid_for="three outcomes with any statistic t",
        tex={A1: "A'", A2: "A''", A3: r"A^{\prime\prime\prime}"},
    )
    d.define(A(z), log(total))
    for k, symbol in enumerate((A1, A2, A3), start=1):
        d.define(symbol, Derivative(A(z), (z, k)))
    d.equal(E(t, family), A1, because="the log-partition function A, differentiated")
    d.equal(E((t - A1) ** 2, family), A2, because="the variance κ₂: Fisher information")
    d.equal(E((t - A1) ** 3, family), A3, because="the third cumulant κ₃: skewness")
    d.expand(
        as_written(A(z + h), -A(z), -h * A1),
        as_written(h**2 / 2 * A2, h**3 / 6 * A3),
        var=h,
        order=4,
        because="KL from z to z + h is 𝔼[log p(z) − log p(z + h)]",
    )
    d.expand(
        as_written(A(z), -A(z + h), h * Subs(Derivative(A(u), u), u, z + h)),
        as_written(h**2 / 2 * A2, h**3 / 3 * A3),
        var=h,
        order=4,
        because="KL from z + h back to z",
    )
    return d


@derivation(chapter=CHAPTER)
def uniform_is_not_regular() -> Derivation:
    """The uniform distribution on (0, θ): score, its moments, and a KL that is linear."""
    density = 1 / θ
    d = Derivation(
        "uniform-is-not-regular",
        title="A support that moves",
        buys="What each of the formulas says where the condition fails.",
        domain={θ: POSITIVE, x: Interval.open(0, θ)},
    )
    over = (x, 0, θ, density)
    score = Derivative(log(1 / θ), θ)
    d.equal(E(score, over), -1 / θ, because="mean of the score: not zero")
    d.equal(E(score**2, over), 1 / θ**2, because="its mean square")
    d.equal(
        -E(Derivative(log(1 / θ), (θ, 2)), over),
        -1 / θ**2,
        because="minus the expected second derivative: the other sign",
    )
    d.expand(
        log(1 / θ) - log(1 / (θ + h)),
        h / θ,
        var=h,
        order=2,
        because="KL from θ to θ + h, h > 0: linear",
    )
    return d


@derivation(chapter=CHAPTER)
def metric_under_change_of_chart() -> Derivation:
    """Scores obey the chain rule; the Gram matrix follows; lengths do not change."""
    n, K = (Symbol(name, integer=True, positive=True) for name in ("n", "K"))
    T, S, P = MatrixSymbol("T", n, n), MatrixSymbol("S", n, K), MatrixSymbol("P", K, K)
    Sφ, F = MatrixSymbol("S_phi", n, K), MatrixSymbol("F", n, n)
    v, vφ, σ = MatrixSymbol("v", n, 1), MatrixSymbol("v_phi", n, 1), Symbol("sigma")
    d = Derivation(
        "metric-under-change-of-chart",
        title="The Fisher matrix in another chart",
        buys="A length that every chart agrees on.",
        domain={n: [2], K: [3], T: "invertible", P: "symmetric", σ: POSITIVE},
        valid_for="two parameters and three outcomes",
        tex={Sφ: r"S_{\phi}", vφ: r"v_{\phi}"},
    )
    d.define(Sφ, T.T.I * S)
    d.define(F, S * P * S.T)
    d.define(vφ, T * v)
    d.equal(
        Sφ * P * Sφ.T,
        T.T.I * F * T.I,
        because="S: the scores, one column an outcome; P: the probabilities; chain rule for S",
    )
    d.equal(
        vφ.T * (T.T.I * F * T.I) * vφ, v.T * F * v, because="a velocity turns into Tv: same length"
    )
    inverse = Matrix(diag(1, σ)).as_immutable()
    d.equal(
        MatMul(inverse.T, diag(1 / σ**2, 2 / σ**2).as_immutable(), inverse, evaluate=False),
        diag(1 / σ**2, 2),
        because="Gaussian, (μ, σ) to (μ, log σ): T⁻¹ = diag(1, σ)",
    )
    return d


@derivation(chapter=CHAPTER)
def divergences_second_order() -> Derivation:
    """Divergences of the form 𝔼[f(r/p)]: one number of f survives to second order."""
    f = Function("f")
    d = Derivation(
        "divergences-second-order",
        title="One metric, many constants",
        buys="For each divergence, its constant c: half the second derivative of f at 1.",
        domain={u: POSITIVE},
        valid_for="three outcomes, whose probabilities are any smooth functions of θ",
    )
    three_outcomes(d)

    def at_one(function):
        return Subs(Derivative(function, (u, 2)), u, 1)

    d.expand(
        mean(f(p(x, θ + h) / p(x, θ))),
        as_written(f(1), HALF * at_one(f(u)) * h**2 * mean(s**2)),
        var=h,
        order=3,
        because="the terms with 𝔼[∂p/p] and 𝔼[∂²p/p] vanish",
    )
    d.equal(at_one(-log(u)), Integer(1), because="KL forwards, so c = ½")
    d.equal(at_one(u * log(u)), Integer(1), because="KL backwards, c = ½")
    d.equal(at_one((u - 1) * log(u)), Integer(2), because="Jeffreys, c = 1")
    d.equal(
        at_one(HALF * log(2 / (1 + u)) + HALF * u * log(2 * u / (1 + u))),
        Rational(1, 4),
        because="Jensen–Shannon, c = ⅛",
    )
    d.equal(at_one((1 - sqrt(u)) ** 2), HALF, because="squared Hellinger, c = ¼")
    return d


@derivation(chapter=CHAPTER)
def root_jeffreys_triangle() -> Derivation:
    """For coins, the square root of Jeffreys breaks the triangle inequality at every stop."""
    a, b = symbols("a b")
    x1, x2, z1, z2 = symbols("x_1 x_2 z_1 z_2")
    d = Derivation(
        "root-jeffreys-triangle",
        title="Why √J is no distance",
        buys="The direct way is never shorter than the way with a stop; it should never be longer.",
        domain={a: UNIT, b: UNIT, **dict.fromkeys((x1, x2, z1, z2), POSITIVE)},
    )
    d.equal(
        as_written((b - a) * log(b / a), (a - b) * log((1 - b) / (1 - a))),
        (b - a) * as_written(log(b / (1 - b)), -log(a / (1 - a))),
        because="J of two coins, Σ(r − p) log(r/p): gap in probability × gap in log-odds",
    )
    d.equal(
        as_written((x1 + x2) * (z1 + z2), -((sqrt(x1 * z1) + sqrt(x2 * z2)) ** 2)),
        (sqrt(x1 * z2) - sqrt(x2 * z1)) ** 2,
        because="J direct, minus (√J + √J)² with a stop: gaps x₁, x₂ and z₁, z₂ add up",
    )
    return d


@derivation(chapter=CHAPTER)
def l2_depends_on_units() -> Derivation:
    """The squared L² distance of N(0, 1) and N(μ, 1), recorded in units that are c times finer."""
    μ, c, y = symbols("mu c y")

    def density(mean):
        return exp(-((y - mean) ** 2) / (2 * c**2)) / (c * sqrt(2 * pi))

    d = Derivation(
        "l2-depends-on-units",
        title="L² between two Gaussians, recorded as y = cx",
        buys="The factor by which the choice of units changes the answer.",
        domain={μ: Interval.open(0, 3), c: Interval.open(HALF, 3)},
    )
    d.equal(
        Integral((density(0) - density(c * μ)) ** 2, (y, -oo, oo)),
        (1 - exp(-(μ**2) / 4)) / (c * sqrt(pi)),
        because="N(0, 1) and N(μ, 1), recorded as y = cx: a factor 1/c",
    )
    return d


@derivation(chapter=CHAPTER)
def curvatures() -> Derivation:
    """Gaussian curvature of a coin's family (none), of Gaussians and of three-sided dice."""
    r, ω, β, t = symbols("r omega beta t")
    d = Derivation(
        "curvatures",
        title="Flat, hyperbolic, spherical",
        buys="The curvature of three families, by K = −b″/b wherever ds² = dr² + b(r)² dx².",
        domain={
            r: Interval.open(0, pi),
            ω: Interval.open(0, pi),
            β: Interval.open(0, pi / 2),
        },
    )
    q = sin(ω / 2) ** 2
    d.equal(
        Derivative(q, ω) ** 2 / (q * (1 - q)),
        Integer(1),
        because="coin, q = sin²(ω/2): F = 1, a straight line",
    )
    σ = exp(r / sqrt(2))
    d.equal(
        2 * (Derivative(σ, r) / σ) ** 2,
        Integer(1),
        because="Gaussian, 2dσ²/σ² = dr² with σ = exp(r/√2); the rest is dμ²/σ², so b = 1/σ",
    )
    d.equal(-exp(r / sqrt(2)) * Derivative(exp(-r / sqrt(2)), (r, 2)), -HALF, because="K = −b″/b")
    d.equal(
        Derivative(w(t), t) ** 2 / w(t),
        Derivative(2 * sqrt(w(t)), t) ** 2,
        because="die: ds² = Σ dp²/p is the Euclidean length of the points 2√p",
    )
    point = 2 * Matrix([sin(r / 2) * cos(β), sin(r / 2) * sin(β), cos(r / 2)])
    J = MatrixSymbol("J", 3, 2)
    d.define(J, point.jacobian([r, β]).as_immutable())
    d.equal(
        J.T * J,
        diag(1, 4 * sin(r / 2) ** 2),
        because="J: of 2√p = 2(sin ½r cos β, sin ½r sin β, cos ½r) by r and β; b = 2 sin ½r",
    )
    d.equal(
        -Derivative(2 * sin(r / 2), (r, 2)) / (2 * sin(r / 2)),
        Rational(1, 4),
        because="K = −b″/b: a sphere of radius 2",
    )
    return d


@derivation(chapter=CHAPTER)
def chentsov_by_splitting() -> Derivation:
    """Invariance under splitting leaves the Fisher metric and one constant."""
    m, n, c = symbols("m n c")
    v1, v2, v3 = symbols("v_1:4")
    k1, k2, k3 = symbols("k_1:4")
    p1, p2 = symbols("p_1:3")
    Cn, Cm = symbols("C_n C_nm")
    d = Derivation(
        "chentsov-by-splitting",
        title="Splitting leaves no choice",
        buys="The Fisher metric, up to a constant, out of symmetry alone.",
        valid_for="three outcomes; all probabilities rational, the rest by continuity",
        tex={Cn: "C_n", Cm: "C_{nm}"},
    )
    d.equal(
        Mul(Cm, m, as_written((v1 / m) ** 2, (v2 / m) ** 2, (v3 / m) ** 2), evaluate=False),
        Cm / m * (v1**2 + v2**2 + v3**2),
        because="n equally likely outcomes: symmetry leaves a constant Cₙ times Σv². Split each "
        "into m equal parts",
    )
    d.solve(Eq(Cm / m, Cn), Cm, m * Cn, because="it must be Cₙ Σv², so Cₙ = c·n")
    d.equal(
        c * n * as_written(*(k * (v / k) ** 2 for k, v in ((k1, v1), (k2, v2), (k3, v3)))),
        c * as_written(*(v**2 / (k / n) for k, v in ((k1, v1), (k2, v2), (k3, v3)))),
        because="pᵢ = kᵢ/n: split outcome i into kᵢ equal parts, and all n are equally likely; "
        "so c Σ v²/p",
    )
    last = 1 - p1 - p2
    F = Matrix([[1 / p1 + 1 / last, 1 / last], [1 / last, 1 / p2 + 1 / last]]).as_immutable()
    v = Matrix([v1, v2]).as_immutable()
    d.equal(
        c * as_written(v1**2 / p1, v2**2 / p2, (v1 + v2) ** 2 / last),
        MatMul(c, v.T, F, v, evaluate=False),
        because="c times the Fisher metric, with p₃ and v₃ written by the others",
    )
    return d
