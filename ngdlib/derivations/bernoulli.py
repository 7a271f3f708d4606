"""The derivations of the chapter on the Bernoulli model."""

from __future__ import annotations

import sympy as sp
from sympy import Derivative, Function, Interval, Rational, Symbol, cos, exp, log, oo, sin, sqrt

from ngdlib.derivations import derivation
from ngdlib.derive import Derivation, E

q, z, ω, y, h, η, t = (Symbol(name) for name in ("q", "z", "omega", "y", "h", "eta", "t"))
ȳ = Symbol("ybar")
σ, Q = Function("sigma"), Function("Q")
HALF = Rational(1, 2)
TEX = {ȳ: r"\bar y"}
UNIT = Interval.open(0, 1)
LINE = Interval.open(-oo, oo)
ARC = Interval.open(0, sp.pi)
POSITIVE = Interval.open(0, oo)


def minus(a: sp.Expr, b: sp.Expr) -> sp.Expr:
    """a - b, printed in this order."""
    return sp.Add(a, -b, evaluate=False)


def times(*factors: sp.Expr) -> sp.Expr:
    """The product, printed in this order."""
    return sp.Mul(*factors, evaluate=False)


def logistic(d: Derivation) -> Derivation:
    return d.define(σ(z), 1 / (1 + exp(-z)))


def from_angle(d: Derivation) -> Derivation:
    """Q(ω), the probability at an angle."""
    return d.define(Q(ω), sin(ω / 2) ** 2)


VARIANCE = times(σ(z), 1 - σ(z))  # of a toss, in log-odds


@derivation(chapter="bernoulli")
def score_and_fisher() -> Derivation:
    """Score, its mean and its mean square in the three charts."""
    d = Derivation(
        "bernoulli-score-and-fisher",
        title="Score and Fisher information of a coin in three charts",
        problem="The score is the derivative of the log-probability of a toss $y$, one or zero. "
        "What is it in each chart, and what is its mean square?",
        domain={q: UNIT, z: LINE, ω: ARC, y: [0, 1]},
    )
    logistic(d)
    toss = (y, [0, 1], [1 - q, q])
    score = (y - q) / (q * (1 - q))
    d.equal(
        Derivative(y * log(q) + (1 - y) * log(1 - q), q),
        y / q - (1 - y) / (1 - q),
        because="probability: differentiate the log-probability of $y$",
    )
    d.then(score, because="common denominator")
    d.expectation(score, toss, 0, because="the score has mean zero")
    d.expectation(score**2, toss, 1 / (q * (1 - q)), because="$y$ has the variance $q(1-q)$")

    toss = (y, [0, 1], [1 - σ(z), σ(z)])
    d.equal(
        Derivative(minus(y * z, log(1 + exp(z))), z),
        y - σ(z),
        because="log-odds: the same log-probability",
    )
    d.expectation((y - σ(z)) ** 2, toss, VARIANCE, because="the variance itself")

    from_angle(d)
    score = minus(y, Q(ω)) / (sin(ω / 2) * cos(ω / 2))
    d.equal(
        Derivative(y * log(Q(ω)) + (1 - y) * log(1 - Q(ω)), ω),
        score,
        because="angle: the same once more",
    )
    d.expectation(score**2, (y, [0, 1], [1 - Q(ω), Q(ω)]), 1, because=r"$1 - Q = \cos^2(\omega/2)$")
    return d


@derivation(chapter="bernoulli")
def natural_gradient_in_three_charts() -> Derivation:
    """The natural gradient in the three charts, and F_z = dq/dz, by which two change places."""
    d = Derivation(
        "bernoulli-natural-gradient",
        title="The natural gradient in three charts, and a duality",
        problem="Differentiate the loss by $q$, by $z$ and by $\\omega$, and divide each by the "
        "Fisher information of its chart. Why do two results change places?",
        domain={q: UNIT, z: LINE, ω: ARC, ȳ: UNIT},
        tex=TEX,
    )
    logistic(d)
    Fq, Fz = sp.symbols("F_q F_z")
    d.define(Fq, 1 / (q * (1 - q))).define(Fz, VARIANCE)
    loss = minus(-ȳ * log(q), (1 - ȳ) * log(1 - q))
    gradient = (q - ȳ) / (q * (1 - q))
    d.equal(Derivative(loss, q), gradient, because="probability: differentiate the loss")
    d.equal(gradient / Fq, q - ȳ, because="divide by the Fisher information")

    gradient = minus(σ(z), ȳ)
    d.equal(
        Derivative(minus(log(1 + exp(z)), ȳ * z), z), gradient, because="log-odds: the same loss"
    )
    d.equal(gradient / Fz, gradient / (σ(z) * (1 - σ(z))), because="divide")

    from_angle(d)
    d.equal(
        Derivative(minus(-ȳ * log(Q(ω)), (1 - ȳ) * log(1 - Q(ω))), ω),
        minus(Q(ω), ȳ) / (sin(ω / 2) * cos(ω / 2)),
        because="angle: $F = 1$, nothing to divide by",
    )

    L = Function("L")
    slope = sp.Subs(Derivative(L(q), q), q, σ(z))
    d.equal(
        Derivative(σ(z), z),
        Fz,
        because=r"why they swap: the slope of $\sigma$ is the Fisher information",
    )
    d.equal(Derivative(L(σ(z)), z), times(Fz, slope), because="chain rule, any loss $L$")
    d.equal(times(1 / Fz, Derivative(L(σ(z)), z)), slope, because="divide")
    return d


@derivation(chapter="bernoulli")
def one_natural_step() -> Derivation:
    """Where one natural step of size η ends, as a probability, to second order in η."""
    d = Derivation(
        "bernoulli-one-step",
        title="Where one natural step ends",
        problem="Take one natural step of size $\\eta$ in each chart, and read the end as a "
        "probability. Where is it, to second order, and where is the flow after time $\\eta$?",
        domain={q: UNIT, ȳ: UNIT, η: POSITIVE, t: POSITIVE, z: LINE},
        sampled={η: UNIT, t: Interval.open(0, 3)},
        tex=TEX,
    )
    logistic(d)
    r, v = ȳ - q, q * (1 - q)
    d.equal(minus(q, η * (q - ȳ)), q + η * r, because="a step in the probability: nothing more")
    d.expand(
        σ(log(q / (1 - q)) + η * r / v),
        q + η * r + η**2 * (1 - 2 * q) * r**2 / (2 * v),
        var=η,
        order=3,
        because="a step in the log-odds",
    )
    d.expand(
        sin(sp.asin(sqrt(q)) + η * r / (2 * sqrt(v))) ** 2,
        q + η * r + η**2 * (1 - 2 * q) * r**2 / (4 * v),
        var=η,
        order=3,
        because="a step in the angle",
    )
    flow = ȳ + (q - ȳ) * exp(-t)
    d.equal(
        Derivative(flow, t), ȳ - flow, because=r"the flow has the velocity $\bar y - q$ all along"
    )
    d.expand(
        flow.subs(t, η),
        q + η * r - η**2 * r / 2,
        var=η,
        order=3,
        because=r"the flow after time $\eta$",
    )
    return d


@derivation(chapter="bernoulli")
def kl_to_third_order() -> Derivation:
    """KL divergence between neighbours: ½Fh² in each chart, and the first term that differs."""
    d = Derivation(
        "bernoulli-kl",
        title="KL divergence between neighbouring coins",
        problem="Expand the KL divergence between a coin and its neighbour in the displacement "
        "$h$, in each chart. What comes after $\\tfrac12Fh^2$?",
        domain={q: UNIT, z: LINE, ω: ARC, h: Interval.open(-ω, sp.pi - ω)},
        why={h: "so that the angle stays an angle of a coin"},
    )
    A, Fz = Function("A"), Symbol("F_z")
    logistic(d).define(A(z), log(1 + exp(z))).define(Fz, VARIANCE)
    d.equal(
        E(
            minus(y * z - A(z), y * (z + h) - A(z + h)),
            (y, [0, 1], [1 - σ(z), σ(z)]),
        ),
        A(z + h) - A(z) - h * σ(z),
        because="log-odds: the log-probability is $yz - A(z)$",
    )
    d.then_expand(
        Fz * h**2 / 2 + Fz * (1 - 2 * σ(z)) * h**3 / 6,
        var=h,
        order=4,
        because=r"$A$ has the derivatives $\sigma$, $F$, $F(1-2\sigma)$",
    )
    d.expand(
        minus(-q * log(1 + h / q), (1 - q) * log(1 - h / (1 - q))),
        h**2 / (2 * q * (1 - q)) - (1 - 2 * q) * h**3 / (3 * q**2 * (1 - q) ** 2),
        var=h,
        order=4,
        because="probability: two logarithms",
    )

    from_angle(d)
    ones, zeros = (log(f(ω) / f(ω + h)) for f in (Q, lambda x: 1 - Q(x)))
    d.equal(
        E(y * ones + (1 - y) * zeros, (y, [0, 1], [1 - Q(ω), Q(ω)])),
        sp.Add(times(Q(ω), ones), times(1 - Q(ω), zeros), evaluate=False),
        because=r"angle: the mean of $y$ is $Q(\omega)$",
    )
    d.then_expand(h**2 / 2 - sp.cot(ω) * h**3 / 6, var=h, order=4, because="expand")
    return d


@derivation(chapter="bernoulli")
def unit_steps() -> Derivation:
    """The map of natural steps in log-odds, and when it brings a coin nearer to the optimum."""
    d = Derivation(
        "bernoulli-unit-steps",
        title="Natural steps in log-odds as a map",
        problem="With as many heads as tails, which starts does a natural step in log-odds bring "
        "nearer to the fair coin? And how does a unit step map $z$ for any data mean?",
        domain={z: LINE, η: POSITIVE, ȳ: UNIT},
        sampled={η: Interval.open(0, 3)},
        tex=TEX,
    )
    logistic(d)
    sinh = sp.sinh(z)
    step = z - η * sinh
    d.equal(
        minus(σ(z), HALF) / (σ(z) * (1 - σ(z))),
        sinh,
        because=r"the natural gradient, $\bar y = \tfrac12$",
    )
    d.expand(z - sinh, -(z**3) / 6, var=z, order=5, because="a unit step near the optimum")
    d.equal(
        minus(step**2, z**2),
        times(η * sinh, minus(η * sinh, 2 * z)),
        because=r"squared distance after minus before: for $z > 0$ nearer "
        r"while $\sinh z < \tfrac2\eta z$",
    )
    N = Function("N")
    d.define(N(z), minus(σ(z), ȳ) / (σ(z) * (1 - σ(z))))
    d.equal(
        N(z),
        (1 - 2 * ȳ) + (1 - ȳ) * exp(z) - ȳ * exp(-z),
        because=r"the natural gradient, any $\bar y$",
    )
    d.equal(
        Derivative(minus(z, N(z)), z),
        times(1 - exp(z), 1 - ȳ - ȳ * exp(-z)),
        because="slope of a unit step: positive between 0 and the optimum, negative outside",
    )
    return d


@derivation(chapter="bernoulli")
def irls() -> Derivation:
    """A reweighted least-squares fit is one unit natural step, with any features."""
    n, k = 3, 2
    X, S = sp.MatrixSymbol("X", n, k), sp.MatrixSymbol("S", n, n)
    w, v, g = (sp.MatrixSymbol(name, k, 1) for name in "wvg")
    r, F = sp.MatrixSymbol("r", n, 1), sp.MatrixSymbol("F", k, k)
    d = Derivation(
        "bernoulli-irls",
        title="Where a reweighted least-squares fit ends",
        problem="Fit the numbers $Xw - r$ by $X(w+v)$, with weights $S$. For which $v$ is the "
        "weighted sum of squares smallest?",
        domain={S: "symmetric", F: "positive definite"},
        valid_for=f"{n} observations and {k} features",
    )
    d.equal(
        X.T * S * ((X * w - r) - X * (w + v)),
        -(X.T * S * r) - X.T * S * X * v,
        because="weighted errors against each feature: zero where the sum of squares is smallest",
    )
    d.solve(
        sp.Eq(-g - F * v, sp.ZeroMatrix(k, 1)),
        v,
        -(F.I * g),
        because=r"with $F = X^\top SX$ and $g = X^\top Sr = X^\top(q-y)$: the unit natural step",
    )
    return d
