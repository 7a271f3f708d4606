"""Derivations of the chapter "A ruler for distributions": what the Fisher metric measures."""

from __future__ import annotations

from sympy import (
    Derivative,
    Eq,
    Function,
    Integer,
    Integral,
    Interval,
    Matrix,
    MatrixSymbol,
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
p, w = Function("p"), Function("w")
WORLD = (x, [1, 2, 3], [p(1, θ), p(2, θ), p(3, θ)])  # three outcomes


def three_outcomes(d: Derivation) -> Derivation:
    """p(x, θ) for x = 1, 2, 3: two smooth functions of θ, and what they leave of one."""
    first, second = w(1, θ), w(2, θ)
    share = {1: first, 2: second, 3: 1 - first - second}
    picks = {1: (x - 2) * (x - 3) / 2, 2: -(x - 1) * (x - 3), 3: (x - 1) * (x - 2) / 2}
    return d.define(p(x, θ), sum(picks[k] * share[k] for k in share))  # share[k] at x = k


def log_p(order: int):
    """The derivative of log p(x, θ) in θ of that order, unevaluated."""
    return Derivative(log(p(x, θ)), (θ, order))


@derivation(chapter=CHAPTER)
def score_and_fisher() -> Derivation:
    """The score has mean zero; its mean square is minus the expected second derivative."""
    d = Derivation(
        "score-and-fisher",
        title="The score has mean zero, and its mean square is a curvature",
        buys="The zero mean, and a second way to compute the Fisher information.",
        valid_for="three outcomes, whose probabilities are any smooth functions of θ",
    )
    three_outcomes(d)
    d.equal(E(log_p(1), WORLD), Sum(Derivative(p(x, θ), θ), (x, 1, 3)), because="p ∂log p = ∂p")
    d.then(Derivative(Sum(p(x, θ), (x, 1, 3)), θ), because="a sum of derivatives")
    d.then(Integer(0), because="the probabilities always sum to one")
    d.equal(
        E(-log_p(2), WORLD),
        E(log_p(1) ** 2, WORLD) - Sum(Derivative(p(x, θ), (θ, 2)), (x, 1, 3)),
        because="−∂²log p = (∂log p)² − ∂²p / p",
    )
    d.then(E(log_p(1) ** 2, WORLD), because="the sum of one has no second derivative either")
    return d


@derivation(chapter=CHAPTER)
def kl_third_order() -> Derivation:
    """KL between neighbours, to the third order in the step."""
    d = Derivation(
        "kl-third-order",
        title="KL between neighbours",
        buys="Half the squared Fisher length, and the term that makes a KL ball an egg.",
        valid_for="three outcomes, whose probabilities are any smooth functions of θ",
    )
    three_outcomes(d)
    s, s2, s3 = log_p(1), log_p(2), log_p(3)
    d.equal(
        E(s3, WORLD),
        -3 * E(s * s2, WORLD) - E(s**3, WORLD),
        because="differentiate 𝔼[s] = 0 twice",
    )
    d.expand(
        E(log(p(x, θ)) - log(p(x, θ + h)), WORLD),
        -h * E(s, WORLD) - h**2 / 2 * E(s2, WORLD) - h**3 / 6 * E(s3, WORLD),
        var=h,
        order=4,
        because="KL from θ to θ + h; Taylor in h",
    )
    d.then_expand(
        h**2 / 2 * E(s**2, WORLD)
        + h**3 * (HALF * E(s * s2, WORLD) + Rational(1, 6) * E(s**3, WORLD)),
        h,
        4,
        because="the score has mean zero; −𝔼[∂s] = 𝔼[s²]; the first line",
    )
    return d


@derivation(chapter=CHAPTER)
def kl_and_cumulants() -> Derivation:
    """In the natural chart of an exponential family the coefficients of KL are cumulants."""
    z, t = symbols("z t")
    A = Function("A")
    values = symbols("t_1:4")
    total = sum(exp(z * v) for v in values)
    probabilities = [exp(z * v) / total for v in values]
    family = (t, list(values), probabilities)
    d = Derivation(
        "kl-and-cumulants",
        title="KL and the cumulants",
        buys="The second cumulant is the Fisher information; the third tells KL forwards from KL "
        "backwards.",
        valid_for="three outcomes with any statistic t",
    )
    d.define(A(z), log(total))
    first, second, third = (Derivative(A(z), (z, k)) for k in (1, 2, 3))
    d.equal(E(t, family), first, because="the log-partition function A, differentiated")
    d.equal(E((t - first) ** 2, family), second, because="the variance κ₂: Fisher information")
    d.equal(E((t - first) ** 3, family), third, because="the third cumulant κ₃: skewness")
    d.expand(
        A(z + h) - A(z) - h * first,
        h**2 / 2 * second + h**3 / 6 * third,
        var=h,
        order=4,
        because="KL from z to z + h is 𝔼[log p(z) − log p(z + h)]",
    )
    d.expand(
        A(z) - A(z + h) + h * Subs(Derivative(A(u), u), u, z + h),
        h**2 / 2 * second + h**3 / 3 * third,
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
    v, σ = MatrixSymbol("v", n, 1), Symbol("sigma")
    d = Derivation(
        "metric-under-change-of-chart",
        title="The Fisher matrix in another chart",
        buys="A length that every chart agrees on.",
        domain={n: [2], K: [3], T: "invertible", P: "symmetric", σ: POSITIVE},
        valid_for="two parameters and three outcomes",
    )
    d.equal(
        (T.T.I * S) * P * (T.T.I * S).T,
        T.T.I * (S * P * S.T) * T.I,
        because="S: the scores, a column an outcome; P: the probabilities. F = S P Sᵀ, and the "
        "chain rule turns S into T⁻ᵀS",
    )
    d.equal(
        (T * v).T * (T.T.I * (S * P * S.T) * T.I) * (T * v),
        v.T * (S * P * S.T) * v,
        because="a velocity turns into Tv: the squared length is the same",
    )
    d.equal(
        diag(1, σ) * diag(1 / σ**2, 2 / σ**2) * diag(1, σ),
        diag(1 / σ**2, 2),
        because="Gaussian, from (μ, σ) to (μ, log σ): T⁻¹ = diag(1, σ)",
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
        E(f(p(x, θ + h) / p(x, θ)), WORLD),
        f(1) + HALF * at_one(f(u)) * h**2 * E(log_p(1) ** 2, WORLD),
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
        a * log(a / b)
        + (1 - a) * log((1 - a) / (1 - b))
        + b * log(b / a)
        + (1 - b) * log((1 - b) / (1 - a)),
        (b - a) * (log(b / (1 - b)) - log(a / (1 - a))),
        because="J of two coins: gap in probability × gap in log-odds",
    )
    d.equal(
        (x1 + x2) * (z1 + z2) - (sqrt(x1 * z1) + sqrt(x2 * z2)) ** 2,
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


def _curvature(a, b, coordinates):
    """Gaussian curvature of a²·dx² + b²·dy², derivatives left unevaluated."""
    x, y = coordinates
    return -(Derivative(Derivative(b, x) / a, x) + Derivative(Derivative(a, y) / b, y)) / (a * b)


@derivation(chapter=CHAPTER)
def curvatures() -> Derivation:
    """Gaussian curvature of a coin's family (none), of Gaussians and of three-sided dice."""
    μ, σ, ω, α, β = symbols("mu sigma omega alpha beta")
    d = Derivation(
        "curvatures",
        title="Flat, hyperbolic, spherical",
        buys="The curvature of three families.",
        domain={
            μ: LINE,
            σ: POSITIVE,
            ω: Interval.open(0, pi),
            α: Interval.open(0, pi / 2),
            β: Interval.open(0, pi / 2),
        },
    )
    q = sin(ω / 2) ** 2
    d.equal(
        Derivative(q, ω) ** 2 / (q * (1 - q)),
        Integer(1),
        because="coin, q = sin²(ω/2): F = 1, a straight line",
    )
    d.equal(
        _curvature(1 / σ, sqrt(2) / σ, (μ, σ)),
        -HALF,
        because="Gaussian, ds² = (dμ² + 2dσ²)/σ²: Gauss's formula for K",
    )
    faces = ((sin(α) * cos(β)) ** 2, (sin(α) * sin(β)) ** 2, cos(α) ** 2)
    d.equal(
        Matrix(
            2,
            2,
            lambda i, j: sum(
                Derivative(p, (α, β)[i]) * Derivative(p, (α, β)[j]) / p for p in faces
            ),
        ),
        diag(4, 4 * sin(α) ** 2),
        because="die with √p₁ = sin α cos β, √p₂ = sin α sin β, √p₃ = cos α: ds² = Σ dp²/p",
    )
    d.equal(
        _curvature(Integer(2), 2 * sin(α), (α, β)),
        Rational(1, 4),
        because="a sphere of radius 2",
    )
    return d


@derivation(chapter=CHAPTER)
def chentsov_by_splitting() -> Derivation:
    """Invariance under splitting leaves the Fisher metric and one constant."""
    m, n, c = symbols("m n c")
    v1, v2, v3 = symbols("v_1:4")
    k1, k2, k3 = symbols("k_1:4")
    p1, p2, p3 = symbols("p_1:4")
    Cn, Cm = symbols("C_n C_nm")
    d = Derivation(
        "chentsov-by-splitting",
        title="Splitting leaves no choice",
        buys="The Fisher metric, up to a constant, out of symmetry alone.",
        domain=dict.fromkeys((m, n, c, k1, k2, k3, p1, p2, p3, Cn, Cm), POSITIVE),
        valid_for="three outcomes; all probabilities rational, the rest by continuity",
        tex={Cn: "C_n", Cm: "C_{nm}"},
    )
    d.equal(
        Cm * (m * (v1 / m) ** 2 + m * (v2 / m) ** 2 + m * (v3 / m) ** 2),
        Cm / m * (v1**2 + v2**2 + v3**2),
        because="n equally likely outcomes: symmetry leaves a constant Cₙ times Σv². Split each "
        "into m equal parts",
    )
    d.solve(Eq(Cm / m, Cn), Cm, m * Cn, because="it must be Cₙ Σv², so Cₙ = c·n")
    d.equal(
        c * n * (k1 * (v1 / k1) ** 2 + k2 * (v2 / k2) ** 2 + k3 * (v3 / k3) ** 2),
        c * (v1**2 / (k1 / n) + v2**2 / (k2 / n) + v3**2 / (k3 / n)),
        because="probabilities pᵢ = kᵢ/n: split outcome i into kᵢ equal parts, and all n are "
        "equally likely",
    )
    last = 1 - p1 - p2
    F = Matrix([[1 / p1 + 1 / last, 1 / last], [1 / last, 1 / p2 + 1 / last]])
    v = Matrix([v1, v2])
    d.equal(
        c * (v1**2 / p1 + v2**2 / p2 + (-v1 - v2) ** 2 / last),
        (c * v.T * F * v)[0],
        because="c times the Fisher metric, written with p₁ and p₂",
    )
    return d
