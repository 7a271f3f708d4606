"""Derivations of the chapter "A ruler for distributions": what the Fisher metric measures."""

from __future__ import annotations

from sympy import (
    Add,
    Derivative,
    Eq,
    Function,
    Integer,
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
    diag,
    log,
    oo,
    pi,
    sin,
    sinh,
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
# p(1, θ) and p(2, θ), and what they leave of one, are probabilities
FACES = {w(1, θ): UNIT, w(2, θ): Interval.open(0, 1 - w(1, θ))}
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
        problem="What are the mean and the mean square of the score, if all we know is that the "
        "probabilities add up to 1?",
        domain={θ: LINE, **FACES},
        valid_for="three outcomes, whose probabilities are any smooth functions of θ",
        tex=TEX,
    )
    three_outcomes(d, derivatives=2)
    d.equal(
        mean(s),
        Sum(Derivative(p(x, θ), θ), (x, 1, 3)),
        because=r"$p\,s = \partial p$, for $s = \partial p / p$",
    )
    d.then(
        Derivative(Sum(p(x, θ), (x, 1, 3)), θ),
        because="a sum of derivatives is the derivative of the sum",
    )
    d.then(Integer(0), because="the sum is 1, whatever $\\theta$ is")
    d.equal(
        mean(-s1),
        as_written(mean(s**2), -Sum(Derivative(p(x, θ), (θ, 2)), (x, 1, 3))),
        because=r"quotient rule: $-\partial s = -\partial(\partial p/p) = s^2 - \partial^2 p/p$",
    )
    d.then(mean(s**2), because="a constant sum has no second derivative either")
    return d


@derivation(chapter=CHAPTER)
def kl_third_order() -> Derivation:
    """KL between neighbours, to the third order in the step."""
    F, C, B = symbols("F C B")
    d = Derivation(
        "kl-third-order",
        title="KL between neighbours",
        problem="How far is it, in nats, from $\\theta$ to $\\theta + h$?",
        domain={θ: LINE, **FACES},
        valid_for="three outcomes, whose probabilities are any smooth functions of θ",
        tex=TEX,
    )
    three_outcomes(d, derivatives=3)
    d.define(F, mean(s**2)).define(C, mean(s**3)).define(B, mean(s * s1))
    d.expand(
        mean(log(p(x, θ) / p(x, θ + h))),
        as_written(-h * mean(s), -(h**2) / 2 * mean(s1), -(h**3) / 6 * mean(s2)),
        var=h,
        order=4,
        because=r"Taylor in $h$: $\log p + h s + \tfrac12 h^2 \partial s + \dots$",
    )
    d.equal(mean(s), Integer(0), because="the mean of a score, so the linear term is gone")
    d.equal(mean(s1), -F, because="the second fact about scores, so the next one is half of $F$")
    d.equal(
        mean(s2),
        as_written(-3 * B, -C),
        because=r"differentiate $\sum_x p\,s = 0$ twice more: $\partial p = p\,s$ each time",
    )
    d.expand(
        mean(log(p(x, θ) / p(x, θ + h))),
        as_written(F * h**2 / 2, as_written(B / 2, C / 6) * h**3),
        var=h,
        order=4,
        because="the three put in",
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
        problem="What must $F$ become, when the parameters are written in another way? Collect the "
        "scores in a matrix $S$, a row for each parameter and a column for each outcome, and the "
        "probabilities in the diagonal matrix $P$.",
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
        because=r"chain rule for scores, $S_\phi = T^{-\top} S$; it enters twice",
    )
    d.equal(
        vφ.T * (T.T.I * F * T.I) * vφ,
        v.T * F * v,
        because="a velocity turns into $Tv$: what stood twice, cancels twice",
    )
    inverse = Matrix(diag(1, σ)).as_immutable()
    d.equal(
        MatMul(inverse.T, diag(1 / σ**2, 2 / σ**2).as_immutable(), inverse, evaluate=False),
        diag(1 / σ**2, 2),
        because=r"Gaussian, $(\mu, \sigma)$ to $(\mu, \log\sigma)$: $T^{-1} = \mathrm{diag}(1, "
        r"\sigma)$",
    )
    return d


@derivation(chapter=CHAPTER)
def divergences_second_order() -> Derivation:
    """Divergences of the form 𝔼[f(r/p)]: one number of f survives to second order."""
    f = Function("f")
    d = Derivation(
        "divergences-second-order",
        title="One metric, many constants",
        problem="How much of $f$ is left between neighbours?",
        domain={u: POSITIVE, **FACES},
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
        because=r"Taylor; $\mathbb E[\partial p/p]$ and $\mathbb E[\partial^2 p/p]$ vanish, "
        r"$\mathbb E[(\partial p/p)^2] = \mathbb E[s^2]$",
    )
    d.equal(at_one(-log(u)), Integer(1), because="KL forwards: $c = \\tfrac12$")
    d.equal(at_one(u * log(u)), Integer(1), because="KL backwards: $c = \\tfrac12$")
    d.equal(at_one((u - 1) * log(u)), Integer(2), because="Jeffreys: $c = 1$")
    d.equal(
        at_one(HALF * log(2 / (1 + u)) + HALF * u * log(2 * u / (1 + u))),
        Rational(1, 4),
        because="Jensen–Shannon: $c = \\tfrac18$",
    )
    d.equal(at_one((1 - sqrt(u)) ** 2), HALF, because="squared Hellinger: $c = \\tfrac14$")
    return d


@derivation(chapter=CHAPTER)
def root_jeffreys_triangle() -> Derivation:
    """For coins, the square root of Jeffreys breaks the triangle inequality at every stop."""
    a, b = symbols("a b")
    x1, x2, z1, z2 = symbols("x_1 x_2 z_1 z_2")
    d = Derivation(
        "root-jeffreys-triangle",
        title="Why √J is no distance",
        problem="Is the direct way ever longer than the way with a stop?",
        domain={a: UNIT, b: UNIT, **dict.fromkeys((x1, x2, z1, z2), POSITIVE)},
    )
    d.equal(
        as_written((b - a) * log(b / a), (a - b) * log((1 - b) / (1 - a))),
        (b - a) * as_written(log(b / (1 - b)), -log(a / (1 - a))),
        because=r"$J = \sum (r-p)\log(r/p)$ of two coins: the gap in probability times the gap "
        r"in log-odds",
    )
    d.equal(
        as_written((x1 + x2) * (z1 + z2), -((sqrt(x1 * z1) + sqrt(x2 * z2)) ** 2)),
        (sqrt(x1 * z2) - sqrt(x2 * z1)) ** 2,
        because=r"with a stop the gaps $x_1, x_2$ in probability and $z_1, z_2$ in log-odds add "
        r"up: "
        r"$J$ direct less $(\sqrt J + \sqrt J)^2$ by the stop is a square, and never negative",
    )
    return d


@derivation(chapter=CHAPTER)
def curvatures() -> Derivation:
    """Circumferences of small circles among dice and among Gaussians, and so their curvature."""
    r, t, σ = symbols("r t sigma")
    μ, abscissa = Function("mu")(t), Function("u")(t)
    d = Derivation(
        "curvatures",
        title="Circles among dice, circles among Gaussians",
        problem=r"In a plane a circle of radius $r$ measures $2\pi r$. Where it measures "
        r"$2\pi r - \tfrac{\pi}{3} K r^3 + \dots$, $K$ is the Gaussian curvature. How long are "
        "circles of a small Fisher radius?",
        domain={r: POSITIVE, σ: POSITIVE, w(t): POSITIVE},
        sampled={r: Interval.open(0, pi)},
    )
    d.define(abscissa, μ / sqrt(2))
    d.equal(
        Derivative(w(t), t) ** 2 / w(t),
        Derivative(2 * sqrt(w(t)), t) ** 2,
        because=r"dice: Fisher lengths are ordinary lengths between the points $2\sqrt{p_k}$, "
        r"whose "
        r"squares add up to 4: they lie on a sphere of radius 2",
    )
    d.expand(
        2 * pi * (2 * sin(r / 2)),
        as_written(2 * pi * r, -pi / 3 * Rational(1, 4) * r**3),
        var=r,
        order=5,
        because=r"a circle on that sphere, $r$ away from its centre, has the radius "
        r"$2\sin(r/2)$ in "
        r"space: too short, $K = \tfrac14$",
    )
    d.equal(
        Derivative(μ, t) ** 2 / σ**2,
        2 * Derivative(abscissa, t) ** 2 / σ**2,
        because=r"Gaussians: with $u = \mu/\sqrt2$ for the abscissa, $ds^2$ is twice that of the "
        r"hyperbolic half-plane",
    )
    d.expand(
        sqrt(2) * 2 * pi * sinh(r / sqrt(2)),
        as_written(2 * pi * r, -pi / 3 * -HALF * r**3),
        var=r,
        order=5,
        because=r"there a circle of radius $\rho$ measures $2\pi\sinh\rho$; here lengths are "
        r"$\sqrt2$ times as long: too long, $K = -\tfrac12$",
    )
    return d


@derivation(chapter=CHAPTER)
def chentsov_by_splitting() -> Derivation:
    """Invariance under splitting leaves the Fisher metric and one constant."""
    m, n, k, a, b, c = symbols("m n k a b c")
    v1, v2, v3, p = symbols("v_1:4 p")
    Cn, Cm, Cnm = symbols("C_n C_m C_nm")
    squares = as_written(v1**2, v2**2, v3**2)
    d = Derivation(
        "chentsov-by-splitting",
        title="Splitting leaves no choice",
        problem="Which squared length can a motion $v$ of a die have, if neither renaming its "
        "faces "
        "nor splitting them may change it? Begin with the fair die of $n$ faces, then split.",
        domain={m: POSITIVE, n: POSITIVE, k: POSITIVE, p: UNIT},
        valid_for="three faces in the first line",
        tex={Cn: "C_n", Cm: "C_m", Cnm: "C_{nm}"},
    )
    d.equal(
        as_written(a * squares, b * as_written(2 * v1 * v2, 2 * v1 * v3, 2 * v2 * v3)),
        as_written((a - b) * squares, b * (v1 + v2 + v3) ** 2),
        because=r"fair die: renaming allows one coefficient for squares and one for products. "
        r"The velocities add up to 0, so $C_n\sum v^2$ is left, with $C_n = a - b$",
    )
    d.equal(
        Mul(Cnm, m, as_written((v1 / m) ** 2, (v2 / m) ** 2, (v3 / m) ** 2), evaluate=False),
        Mul(Cnm / m, squares, evaluate=False),
        because=r"split each face into $m$ equal ones: $nm$ faces, each velocity in $m$ parts",
    )
    d.solve(
        Eq(Cnm / m, Cn),
        Cnm,
        m * Cn,
        because="the length must not have changed",
    )
    d.solve(
        Eq(m * Cn, n * Cm),
        Cn,
        Mul(n, Cm / m, evaluate=False),
        because="the same with $n$ and $m$ swapped: $C_{nm} = nC_m$ too. So $C_n/n = C_m/m$, one "
        "number $c$ for all dice: $C_n = cn$",
    )
    d.equal(
        Mul(c, n, k, (v1 / k) ** 2, evaluate=False),
        c * v1**2 / (k / n),
        because=r"any die with $p = k/n$: split that face into $k$, the others likewise, and it is "
        r"fair. Each face gives $c\,v^2/p$; dice that are not rational follow by continuity",
    )
    return d
