"""Derivations of the chapter on the empirical Fisher."""

from __future__ import annotations

from sympy import Add, Derivative, Eq, Interval, Mul, Rational, Symbol, log, oo, symbols

from ngdlib.derivations import derivation
from ngdlib.derive import Derivation

CHAPTER = "empirical-fisher"
UNIT, POSITIVE, LINE = Interval.open(0, 1), Interval.open(0, oo), Interval(-oo, oo)
HALF = Rational(1, 2)
q, r, d, s, y, θ = symbols("q r d s y theta")


def as_written(*terms):
    """A sum that prints in this order."""
    return Add(*terms, evaluate=False)


@derivation(chapter=CHAPTER)
def whose_labels() -> Derivation:
    """The mean square of a coin's score, for labels of the world and of the model."""
    v = Derivation(
        "whose-labels",
        title="A mean square, and whose labels it is taken over",
        problem="A model says heads with probability $q$; in the world heads come at the rate $r$. "
        "What does the mean of the squared score in log-odds, $(y-q)^2$, tend to, and by how much "
        "does it miss the Fisher information?",
        domain={q: UNIT, r: UNIT},
    )
    world, model = (y, [0, 1], [1 - r, r]), (y, [0, 1], [1 - q, q])
    v.expectation(
        (y - q) ** 2, world, (1 - r) * q**2 + r * (1 - q) ** 2, because="labels of the world"
    )
    v.then(
        as_written(r * (1 - r), (q - r) ** 2),
        because="variance of a toss, and the square of the miss",
    )
    v.expectation((y - q) ** 2, model, q * (1 - q), because="labels of the model: $r = q$")
    v.equal(
        as_written(r * (1 - r), (q - r) ** 2, -q * (1 - q)),
        Mul(r - q, 1 - 2 * q, evaluate=False),
        because="the difference has two zeros",
    )
    return v


@derivation(chapter=CHAPTER)
def two_readings() -> Derivation:
    """The empirical Fisher and its unit step for two readings about a mean."""
    v = Derivation(
        "two-readings",
        title="One temperature, two readings",
        problem="The readings lie $s$ below and $s$ above their mean, the guess $d$ above it; "
        "the scores are readings minus guess. How long is the unit step with the empirical Fisher?",
        domain={d: POSITIVE, s: POSITIVE},
    )
    empirical = s**2 + d**2
    v.equal(
        Mul(HALF, as_written((-s - d) ** 2, (s - d) ** 2), evaluate=False),
        empirical,
        because="mean of the squared scores; the cross terms cancel",
    )
    v.equal(
        Mul(HALF, as_written(d + s, d - s), evaluate=False), d, because="the mean of the gradients"
    )
    v.equal(
        as_written(1 / (2 * s), -d / empirical),
        (d - s) ** 2 / (2 * s * empirical),
        because=r"so the step $d/(s^2+d^2)$ is never longer than $1/(2s)$",
    )
    v.equal(
        Derivative(d - d / (s**2 + d**2), d),
        1 - (s**2 - d**2) / (s**2 + d**2) ** 2,
        because="what a step does to a small difference of two guesses",
    )
    return v


@derivation(chapter=CHAPTER)
def one_nat() -> Derivation:
    """The empirical step solves a regression: each example's loss is to fall by one nat."""
    g1, g2, g3, v_, g, F = symbols("g_1 g_2 g_3 v g Fhat")
    examples = (y, [g1, g2, g3], [Rational(1, 3)] * 3)
    v = Derivation(
        "one-nat",
        title="What the empirical step asks of each example",
        problem="Three examples have the gradients $g_1, g_2, g_3$ in a direction that is not flat "
        "for all. A step $-v$ lowers their losses by $g_iv$, to first order. Which step comes "
        "closest to lowering each of them by one nat, in the mean square?",
        domain={g1: POSITIVE, g2: LINE, g3: LINE, v_: LINE},
        why={g1: "so that $\\hat F > 0$"},
        tex={F: r"\hat F"},
    )
    v.define(g, (g1 + g2 + g3) / 3).define(F, (g1**2 + g2**2 + g3**2) / 3)
    v.expectation(
        (y * v_ - 1) ** 2,
        examples,
        as_written(F * v_**2, -2 * g * v_, 1),
        because=r"$\hat F$ is the mean square of the $g_i$, $g$ their mean",
    )
    slope = as_written(2 * F * v_, -2 * g)
    v.equal(
        Derivative(as_written(F * v_**2, -2 * g * v_, 1), v_),
        slope,
        because="slope of the parabola",
    )
    v.solve(Eq(slope, 0), v_, g / F, because="its lowest point")
    v.equal(
        as_written(F * (g / F) ** 2, -2 * g * (g / F), 1),
        1 - g**2 / F,
        because=r"put it in: what is left is a mean square, so $g^2/\hat F \le 1$",
    )
    return v


@derivation(chapter=CHAPTER)
def observed_information() -> Derivation:
    """Observed against expected information where the logit is log θ and the label 1."""
    θ, F = Symbol("theta"), Symbol("F")
    p = θ / (1 + θ)
    v = Derivation(
        "observed-information",
        title="Observed information of a model that fits",
        problem=r"Let the log-odds be $\log\theta$, so $p = \theta/(1+\theta)$, and let the "
        r"label be $1$. As the model fits, $p \to 1$, does the observed information approach $F$?",
        domain={θ: POSITIVE},
    )
    v.define(F, 1 / (θ * (1 + θ) ** 2))
    v.expectation(
        Derivative(y * log(θ) - log(1 + θ), θ) ** 2,
        (y, [0, 1], [1 - p, p]),
        F,
        because="the mean square of the score",
    )
    v.equal(
        -Derivative(log(θ) - log(1 + θ), (θ, 2)),
        1 / θ**2 - 1 / (1 + θ) ** 2,
        because="the observed information at the label 1",
    )
    v.equal(
        (1 / θ**2 - 1 / (1 + θ) ** 2) / F,
        as_written(2, 1 / θ),
        because=r"their ratio tends to 2 as $\theta\to\infty$",
    )
    return v
