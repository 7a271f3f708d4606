"""Derivations of the chapter on the Gaussian: its scale, unit steps, and why one of them lands."""

from __future__ import annotations

from sympy import (
    Derivative,
    Function,
    Integer,
    Interval,
    Mul,
    Pow,
    Rational,
    Symbol,
    exp,
    log,
    oo,
    pi,
    sqrt,
    symbols,
)

from ngdlib.derivations import derivation
from ngdlib.derive import Derivation

CHAPTER = "gaussian"
POSITIVE, LINE = Interval.open(0, oo), Interval.open(-oo, oo)
HALF = Rational(1, 2)
μ, σ, m, Λ, η = symbols("mu sigma m Lambda eta")


def _over(numerator, denominator):
    """A fraction that prints as it is written."""
    return Mul(numerator, Pow(denominator, -1, evaluate=False), evaluate=False)


@derivation(chapter=CHAPTER)
def fisher_of_the_scale() -> Derivation:
    x, r = symbols("x r")
    density = exp(-(r**2) / 2) / sqrt(2 * pi)
    d = Derivation(
        "fisher-of-the-scale",
        title="The Fisher information of a standard deviation",
        problem=r"One outcome $x$ of $\mathrm N(\mu,\sigma)$ has the log density $\ell = "
        r"-\log\sigma - (x-\mu)^2/(2\sigma^2)$, less a constant. How large is the mean square of "
        r"its slope by $\sigma$? Count deviations in standard deviations, $r = (x-\mu)/\sigma$.",
        domain={x: LINE, μ: LINE, σ: POSITIVE, r: LINE},
        sampled={σ: Interval(HALF, 2), x: Interval(-2, 2), μ: Interval(-2, 2)},
    )
    d.equal(
        Derivative(-log(σ) - (x - μ) ** 2 / (2 * σ**2), σ),
        (((x - μ) / σ) ** 2 - 1) / σ,
        because=r"the score: $(r^2 - 1)/\sigma$",
    )
    d.expectation(
        (r**2 - 1) ** 2,
        (r, -oo, oo, density),
        Integer(2),
        because=r"the variance of $r^2$, so $F = 2/\sigma^2$",
    )
    return d


@derivation(chapter=CHAPTER)
def unit_steps() -> Derivation:
    v, ω, P = symbols("v omega P")
    d = Derivation(
        "unit-steps",
        title="A unit natural step, by the coordinate of the scale",
        problem=r"The loss is $-\log\sigma + \tfrac12\Lambda\sigma^2 + \tfrac12\Lambda(\mu-m)^2$: "
        r"the KL divergence to a Gaussian of mean $m$ and precision $\Lambda$, less a constant. "
        r"Where does one step of $-F^{-1}g$ end?",
        domain={μ: LINE, m: LINE, σ: POSITIVE, v: POSITIVE, P: POSITIVE, Λ: POSITIVE, ω: LINE},
    )
    d.equal(
        μ - σ**2 * Derivative(Λ * (μ - m) ** 2 / 2, μ),
        m + (1 - Λ * σ**2) * (μ - m),
        because=r"the mean, with $F = 1/\sigma^2$: it goes the share $\Lambda\sigma^2$ of the way",
    )
    d.equal(
        σ - σ**2 / 2 * Derivative(-log(σ) + Λ * σ**2 / 2, σ),
        σ * (3 - Λ * σ**2) / 2,
        because=r"in $\sigma$, with $F = 2/\sigma^2$",
    )
    d.equal(
        v - 2 * v**2 * Derivative(-log(v) / 2 + Λ * v / 2, v),
        v * (2 - Λ * v),
        because=r"in the variance $v = \sigma^2$, with $F = 1/(2v^2)$",
    )
    d.equal(
        ω - HALF * Derivative(-ω + Λ * exp(2 * ω) / 2, ω),
        ω + (1 - Λ * exp(2 * ω)) / 2,
        because=r"in $\omega = \log\sigma$, with $F = 2$",
    )
    d.equal(
        P - 2 * P**2 * Derivative(log(P) / 2 + Λ / (2 * P), P),
        Λ,
        because=r"in the precision $P = 1/\sigma^2$, with $F = 1/(2P^2)$: there at once",
    )
    return d


@derivation(chapter=CHAPTER)
def why_it_lands() -> Derivation:
    a, b = symbols("m_1 m_2")
    L = Function("L")(a, b)
    V = Symbol("V")
    d = Derivation(
        "why-it-lands",
        title="The natural gradient in natural parameters",
        problem=r"In an exponential family $F^{-1}\partial_\theta L$ is the gradient by the "
        r"expectation parameters, here $m_1 = \mu$ and $m_2 = \mu^2+\sigma^2$. What is it for the "
        r"loss above? The natural parameters are $\mu/\sigma^2$ and $-1/(2\sigma^2)$.",
        domain={a: LINE, b: Interval.open(a**2, oo), Λ: POSITIVE, m: LINE},
        sampled={a: Interval(-2, 2), b: Interval(a**2 + HALF, a**2 + 3)},
        tex={V: r"\sigma^2"},
    )
    d.define(V, b - a**2)
    d.define(L, -log(b - a**2) / 2 + Λ * (b - 2 * m * a) / 2)
    d.equal(
        Derivative(L, a),
        a / V - m * Λ,
        because=r"the first natural parameter of $q$ less that of the target",
    )
    d.equal(
        Derivative(L, b),
        -1 / (2 * V) - (-Λ / 2),
        because=r"the second less the second: $F^{-1}\partial_\theta L = \theta - \theta^*$",
    )
    return d


@derivation(chapter=CHAPTER)
def precision_first() -> Derivation:
    v, g, h, t1, t2 = symbols("v g h theta_1 theta_2")
    d = Derivation(
        "precision-first",
        title="That step, in mean and variance",
        problem=r"Any loss, with the gradients $g$ by the mean $\mu$ and $h$ by the variance $v$. "
        r"By $m_1$ and $m_2$ they are $g - 2\mu h$ and $h$. The natural parameters move against "
        r"them: to $\theta_1$ and $\theta_2$. Which mean and precision are these?",
        domain={
            v: POSITIVE,
            μ: LINE,
            g: LINE,
            η: POSITIVE,
            h: Interval.open(-1 / (2 * η * v), oo),
        },
        why={h: "the new precision is positive"},
        sampled={v: Interval(HALF, 2), η: Interval(HALF, 1), h: Interval(-Rational(1, 8), 2)},
    )
    d.define(t1, μ / v - η * (g - 2 * μ * h)).define(t2, -1 / (2 * v) - η * h)
    d.equal(-2 * t2, 1 / v + 2 * η * h, because=r"the new precision")
    d.equal(
        t1 / (-2 * t2),
        μ - _over(η * g, 1 / v + 2 * η * h),
        because=r"the new mean: $\mu$ less $\eta g$ times the variance, the new one",
    )
    return d
