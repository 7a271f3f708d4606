"""Derivations of the chapter "Trust regions": what a new policy gains, the best one allowed, how
far a natural step misses it, and the step that the bound allows."""

from __future__ import annotations

from sympy import (
    Derivative,
    Eq,
    Identity,
    Interval,
    MatrixSymbol,
    Mul,
    Pow,
    Rational,
    Symbol,
    cosh,
    exp,
    log,
    oo,
    sqrt,
    symbols,
)

from ngdlib.derivations import derivation
from ngdlib.derive import Derivation, Formula, formula

CHAPTER = "trust-regions"
UNIT, POSITIVE, LINE = Interval.open(0, 1), Interval.open(0, oo), Interval.open(-oo, oo)
HALF, THIRD = Rational(1, 2), Rational(1, 3)
q, β, γ, δ, ν = symbols("q beta gamma delta nu")


def _over(numerator, denominator):
    """A fraction that prints as it is written."""
    return Mul(numerator, Pow(denominator, -1, evaluate=False), evaluate=False)


@derivation(chapter=CHAPTER)
def gain_of_a_new_policy() -> Derivation:
    """The values of a new policy less those of the old one, as advantages passed on."""
    n = Symbol("n", integer=True, positive=True)
    P, M = MatrixSymbol("P", n, n), MatrixSymbol("M", n, n)
    r, u, v = (MatrixSymbol(name, n, 1) for name in "ruv")
    d = Derivation(
        "gain-of-a-new-policy",
        title="What a new policy gains, state by state",
        problem=r"Under a new policy the states have the mean rewards $r$ and are left by the "
        r"transitions $P$, so its values $v$ obey $v = r + \gamma Pv$. The old policy has the "
        r"values $u$. How much more is $v$, written in what each single decision gains?",
        domain={n: [2], M: "invertible", γ: UNIT},
        why={M: r"it will be $1 - \gamma P$"},
        valid_for="n = 2 states",
    )
    d.solve(Eq(M * v, r), v, M.I * r, because=r"with $M = 1 - \gamma P$")
    d.equal(M.I * r - u, M.I * (r - M * u), because=r"$u = M^{-1}Mu$")
    d.equal(
        r - (Identity(n) - γ * P) * u,
        r + γ * P * u - u,
        because=r"the bracket: one decision by the new policy, then on with the old values, less "
        r"the old value. That is the mean advantage $\bar A$",
    )
    return d


@derivation(chapter=CHAPTER)
def best_policy() -> Derivation:
    """The best policy within the ball, from Lagrange's two multipliers; and a natural step's."""
    p, x, A, s = symbols("p x A s")
    d = Derivation(
        "best-policy",
        title="The best policy within the ball",
        problem=r"Among all policies with $\sum_a p_a\log(p_a/x_a) \le \delta$, which has the "
        r"largest $\sum_a x_aA_a$? (Advantages: under $p$ their mean is 0.) The "
        r"multiplier β is the price of a nat, ν keeps $\sum_a x_a = "
        r"1$. How does it differ from $p\,e^{A/\beta}$, the shape of a natural step in logits?",
        domain={
            p: UNIT,
            x: POSITIVE,
            β: POSITIVE,
            A: LINE,
            ν: Interval.open(A, oo),
            s: Interval.open(-1, 1),
        },
        why={ν: "else it would be no probability"},
    )
    d.equal(
        Derivative(x * A - β * p * log(p / x) - ν * x, x),
        A + β * p / x - ν,
        because="the part of one action, by its probability",
    )
    d.solve(Eq(A + β * p / x - ν, 0), x, β * p / (ν - A), because="where that is 0")
    d.expand(
        p / (1 - s) - p * exp(s),
        HALF * p * s**2,
        s,
        3,
        because=r"for a small δ, ν is near β, as the mean of $A$ is 0: with $s = A/\beta$ the two "
        "agree to first order only",
    )
    return d


@derivation(chapter=CHAPTER)
def what_the_step_misses() -> Derivation:
    """KL of a natural step to third order, for all charts with dq/dt = V^k at once."""
    x, h, k, s, V = symbols("x h k s V")
    d = Derivation(
        "what-the-step-misses",
        title="By how much a natural step misses its radius",
        problem=r"A coin, $V = q(1-q)$ and $s = 1-2q$. Let a chart $t$ have $dq/dt = V^k$: "
        r"log-odds for $k = 1$, the angle for ½, the probability for 0. A step $h$ in it whose "
        r"quadratic KL is δ: what is its KL?",
        domain={q: UNIT, x: Interval.open(0, 1 - q), V: POSITIVE, s: LINE, k: LINE,
                h: POSITIVE, δ: POSITIVE},
        sampled={k: Interval.open(0, 1), V: Interval.open(Rational(1, 10), HALF)},
    )  # fmt: skip
    kl = q * log(q / (q + x)) + (1 - q) * log((1 - q) / (1 - q - x))
    v = q * (1 - q)
    d.expand(kl, x**2 / (2 * v) - (1 - 2 * q) * x**3 / (3 * v**2), x, 4,
             because="Taylor, for a displacement $x$ of the probability")  # fmt: skip
    d.equal(
        Derivative(v**k, q) * v**k,
        k * (1 - 2 * q) * v ** (2 * k - 1),
        because=r"$d^2q/dt^2$, by the chain rule: $x = V^kh + \tfrac12ksV^{2k-1}h^2$",
    )
    moved = V**k * h + HALF * k * s * V ** (2 * k - 1) * h**2
    d.expand(
        moved**2 / (2 * V) - s * moved**3 / (3 * V**2),
        HALF * V ** (2 * k - 1) * h**2 + (k / 2 - THIRD) * s * V ** (3 * k - 2) * h**3,
        h, 4,
        because=r"put in. The Fisher information of $t$ is $V^{2k-1}$",
    )  # fmt: skip
    step = sqrt(2 * δ / V ** (2 * k - 1))
    d.equal(
        (k / 2 - THIRD) * s * V ** (3 * k - 2) * step**3 / δ,
        (k - Rational(2, 3)) * s * sqrt(2 * δ / V),
        because=r"the second term over δ, for $h = \sqrt{2\delta/V^{2k-1}}$",
    )
    return d


@derivation(chapter=CHAPTER)
def guaranteed_step() -> Derivation:
    x, A, C = symbols("x A C")
    d = Derivation(
        "guaranteed-step",
        title="The step that the bound allows",
        problem=r"Two actions at ½ each, with the advantages $\pm A$, in one state. A "
        r"policy at $\tfrac12 + x$ gains at least $2Ax/(1-\gamma)$ less $C$ times its "
        r"KL, which is $2x^2$ to second order. With $C = 4\gamma A/(1-\gamma)^2$, where "
        r"is that largest, and what is the KL there?",
        domain={A: POSITIVE, γ: UNIT, x: POSITIVE, C: POSITIVE},
        why={x: "towards the better action"},
    )
    d.solve(
        Eq(2 * A / (1 - γ) - 4 * C * x, 0),
        x,
        A / (2 * C * (1 - γ)),
        because="the derivative by $x$ is zero",
    )
    bound = _over(4 * A * γ, (1 - γ) ** 2)
    allowed = _over(1 - γ, 8 * γ)
    d.equal(
        _over(A, Mul(2, bound, 1 - γ, evaluate=False)),
        allowed,
        because="with that $C$: the advantages cancel",
    )
    d.equal(
        Mul(2, Pow(allowed, 2, evaluate=False), evaluate=False),
        _over((1 - γ) ** 2, 32 * γ**2),
        because="its KL, $2x^2$",
    )
    return d


@derivation(chapter=CHAPTER)
def kl_from_one_half() -> Formula:
    """KL of an even coin from one with probability x."""
    x = Symbol("x")
    return formula(
        HALF * log(_over(HALF, x)) + HALF * log(_over(HALF, 1 - x)),
        -HALF * log(1 - (2 * x - 1) ** 2),
        domain={x: UNIT},
        name="trust-kl-from-one-half",
        problem="How does the KL divergence from an even coin depend on the probability?",
    )


@derivation(chapter=CHAPTER)
def logit_step_from_one_half() -> Formula:
    """KL of the coin ½ from the coin with log-odds z is log cosh z/2."""
    x, z = symbols("x z")
    return formula(
        Mul(-HALF, log(4 * x * (1 - x)), evaluate=False),
        log(cosh(z / 2)),
        where={x: 1 / (1 + exp(-z))},
        domain={z: LINE},
        name="trust-logit-step",
        problem="What is the KL divergence of a coin with log-odds z from an even one?",
    )
