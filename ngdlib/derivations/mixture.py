"""Derivations of the chapter on mixtures: the exact Fisher matrix, the fold, the largest angle."""

from __future__ import annotations

from sympy import (
    Add,
    Derivative,
    Eq,
    Integer,
    Interval,
    Mul,
    Pow,
    Rational,
    cosh,
    exp,
    log,
    oo,
    pi,
    sinh,
    sqrt,
    symbols,
    tanh,
)

from ngdlib.derivations import derivation
from ngdlib.derive import Derivation

CHAPTER = "mixture"
POSITIVE, LINE, UNIT = Interval.open(0, oo), Interval(-oo, oo), Interval.open(0, 1)


@derivation(chapter=CHAPTER)
def scores() -> Derivation:
    x, m, a = symbols("x m a")
    u = x - m
    d = Derivation(
        "mixture-scores",
        title="The scores along the mean and along the half-gap",
        problem=r"Write two equal heaps with $\sigma = 1$ by their mean $m$ and half-gap $a$. How "
        r"does the log density of an outcome $x$ change with each?",
        domain={x: LINE, m: LINE, a: LINE},
        sampled={x: Interval(-3, 3), m: Interval(-1, 1), a: Interval(-2, 2)},
    )
    d.equal(
        exp(-((u + a) ** 2) / 2) / 2 + exp(-((u - a) ** 2) / 2) / 2,
        exp(-(u**2) / 2 - a**2 / 2) * cosh(a * u),
        because=r"the two squares have $u^2 + a^2$ in common, $u = x - m$; what is left are "
        r"$e^{\pm au}$",
    )
    d.equal(
        Derivative(-(u**2) / 2 - a**2 / 2 + log(cosh(a * u)), m),
        u - a * tanh(a * u),
        because="its logarithm by the mean",
    )
    d.equal(
        Derivative(-(u**2) / 2 - a**2 / 2 + log(cosh(a * u)), a),
        u * tanh(a * u) - a,
        because="and by the half-gap: odd in $a$, so it vanishes at 0",
    )
    return d


@derivation(chapter=CHAPTER)
def one_dimensional_form() -> Derivation:
    u, a = symbols("u a")
    t, bell = tanh(a * u), exp(-(u**2) / 2) / sqrt(2 * pi)
    d = Derivation(
        "mixture-one-dimensional",
        title="The Fisher matrix as two integrals",
        problem=r"Let $u = x - m$. With the scores $u - a t$ "
        r"and $ut - a$, $t = \tanh au$, and the density "
        r"$\varphi(u)\,e^{-a^2/2}\cosh au$: which integrals are the entries of $F$?",
        domain={u: LINE, a: POSITIVE},
        sampled={u: Interval(-3, 3), a: Interval.open(0, 2)},
    )
    d.equal(
        ((u - a * t) ** 2 - (u * t - a) ** 2) * cosh(a * u),
        (u**2 - a**2) / cosh(a * u),
        because=r"the difference, for $F_{12}$: one $\operatorname{sech}$ is left",
    )
    d.equal(
        ((u - a * t) ** 2 + (u * t - a) ** 2) * cosh(a * u),
        2 * (u**2 + a**2) * cosh(a * u) - 4 * a * u * sinh(a * u) - (u**2 + a**2) / cosh(a * u),
        because=r"the sum, for $F_{11}$: the last term again, and two with moments",
    )
    d.expectation(
        exp(a * u), (u, -oo, oo, bell), exp(a**2 / 2), because=r"these moments in closed form"
    )
    d.equal(
        Derivative(exp(a**2 / 2), a),
        a * exp(a**2 / 2),
        because=r"by $a$ once: the mean of $u\sinh au$",
    )
    d.equal(
        Derivative(a * exp(a**2 / 2), a),
        (1 + a**2) * exp(a**2 / 2),
        because=r"by $a$ twice: the mean of $u^2\cosh au$",
    )
    d.equal(
        Add(2 * (1 + a**2), 2 * a**2, -4 * a**2, evaluate=False),
        Integer(2),
        because=r"times $e^{-a^2/2}$, all that is not $\operatorname{sech}$ adds to a constant",
    )
    return d


@derivation(chapter=CHAPTER)
def near_the_diagonal() -> Derivation:
    x, a, v = symbols("x a v")
    bell = exp(-(x**2) / 2) / sqrt(2 * pi)
    score = (x**2 - 1) / 2
    d = Derivation(
        "mixture-near-the-diagonal",
        title="Where the heaps merge, the coordinate that counts is the square",
        problem=r"At what rate does the smaller eigenvalue vanish with the half-gap $a$?",
        domain={x: LINE, a: POSITIVE, v: POSITIVE},
        sampled={x: Interval(-2, 2), a: Interval.open(0, 1)},
    )
    d.expand(
        -(a**2) / 2 + log(cosh(a * x)),
        a**2 * (x**2 - 1) / 2,
        a,
        4,
        because=r"the log density less that of one heap: it moves with $v = a^2$, at the rate "
        r"$\tfrac12(x^2-1)$",
    )
    d.expectation(score, (x, -oo, oo, bell), 0, because=r"that is a score in $v$: its mean is zero")
    d.expectation(
        score**2, (x, -oo, oo, bell), Rational(1, 2), because=r"and $F_{vv} = \tfrac12$ at $v = 0$"
    )
    d.equal(
        Derivative(a**2, a) ** 2 / 2,
        2 * a**2,
        because=r"in the half-gap: $F_{aa} = (dv/da)^2 F_{vv}$",
    )
    return d


@derivation(chapter=CHAPTER)
def folded_coin() -> Derivation:
    θ, q, p = symbols("theta q p")
    d = Derivation(
        "mixture-folded-coin",
        title="A coin with a fold",
        problem=r"A coin falls heads with probability $q = \tfrac12 + \theta^2$; the loss is the "
        r"cross entropy to a coin $p$. Which velocity of $q$ do the two gradients give?",
        domain={θ: Interval.open(0, Rational(1, 2)), p: UNIT, q: UNIT},
    )
    loss = -p * log(q) - (1 - p) * log(1 - q)
    half, slope, F = Rational(1, 2), (q - p) / (q * (1 - q)), 4 * θ**2 / (q * (1 - q))
    d.equal(
        Derivative(loss, q),
        slope,
        because="the slope by the probability",
    )
    d.equal(
        Derivative(half + θ**2, θ) ** 2 / (q * (1 - q)),
        F,
        because=r"$F_\theta = (dq/d\theta)^2 F_q$: it vanishes at the fold",
    )
    d.equal(
        -(Derivative(half + θ**2, θ) ** 2) * slope,
        4 * θ**2 * (p - q) / (q * (1 - q)),
        because=r"ordinary: the slope and the velocity each bring a factor $2\theta$",
    )
    d.equal(
        -Mul(q * (1 - q) / (4 * θ**2), 4 * θ**2 * slope, evaluate=False),
        p - q,
        because=r"natural: $F^{-1}$, and no root of it, cancels both",
    )
    return d


@derivation(chapter=CHAPTER)
def largest_angle() -> Derivation:
    k, t, s = symbols("kappa t s")
    turn = (k - 1) * t / (1 + k * t**2)
    d = Derivation(
        "mixture-largest-angle",
        title="How far the natural arrow can turn",
        problem=r"$F^{-1}$ makes the part of an arrow along the long axis $\kappa$ times larger "
        r"against the other. An arrow with slope $t$ against the short axis gets the slope $\kappa "
        r"t$. By how much can it turn?",
        domain={k: Interval.open(1, oo), t: POSITIVE, s: Interval.open(1, oo)},
    )
    d.equal(
        (k * t - t) / (1 + k * t * t),
        turn,
        because=r"the tangent of a difference of two angles",
    )
    d.equal(
        Derivative(turn, t),
        (k - 1) * (1 - k * t**2) / (1 + k * t**2) ** 2,
        because=r"it rises until $t = 1/\sqrt\kappa$, then falls",
    )
    d.equal(
        Mul(k - 1, 1 / sqrt(k), Pow(Add(1, 1, evaluate=False), -1, evaluate=False), evaluate=False),
        (k - 1) / (2 * sqrt(k)),
        because=r"the largest tangent",
    )
    d.solve(
        Eq(s**2 - 1, 2 * s),
        s,
        1 + sqrt(2),
        because=r"it is 1, that is 45°, where $\kappa = s^2$ has",
    )
    d.equal(Pow(1 + sqrt(2), 2, evaluate=False), 3 + 2 * sqrt(2), because=r"so $\kappa$ is")
    return d
