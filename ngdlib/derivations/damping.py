"""Derivations of the chapter "Damping": what the added multiple of the identity does to a step."""

from __future__ import annotations

from sympy import (
    Eq,
    Identity,
    Interval,
    MatrixSymbol,
    Mul,
    Rational,
    Symbol,
    ZeroMatrix,
    exp,
    log,
    oo,
    symbols,
)

from ngdlib.derivations import derivation
from ngdlib.derive import Derivation

CHAPTER = "damping"
POSITIVE, LINE = Interval.open(0, oo), Interval.open(-oo, oo)
HALF = Rational(1, 2)
γ, ℓ, λ = symbols("gamma ell lambda")


@derivation(chapter=CHAPTER)
def damped_problem() -> Derivation:
    n = Symbol("n", integer=True, positive=True)
    g, v, F = MatrixSymbol("g", n, 1), MatrixSymbol("v", n, 1), MatrixSymbol("F", n, n)
    d = Derivation(
        "damped-problem",
        title="Which problem the damped step solves",
        problem=r"Make $g^\top v + \tfrac12 v^\top F v + \tfrac12\lambda v^\top v$ as small as it "
        r"gets: the natural step's problem, and a price on every displacement as such.",
        domain={n: [2], F: "positive definite", λ: POSITIVE},
        valid_for="n = 2 parameters",
    )
    d.solve(
        Eq(g + F * v + λ * v, ZeroMatrix(n, 1)),
        v,
        -(F + λ * Identity(n)).I * g,
        because="the derivative by $v$ is zero: both prices are quadratic, so they add up in one "
        "matrix",
    )
    d.equal(
        v.T * (F + λ * Identity(n)) * v - HALF * v.T * F * v,
        HALF * v.T * F * v + λ * v.T * v,
        because=r"what the model without the extra price promises, "
        r"$-g^\top v - \tfrac12v^\top Fv$, for that step: two squares, so it promises a fall",
    )
    return d


@derivation(chapter=CHAPTER)
def one_eigenvector() -> Derivation:
    v, k = symbols("v k")
    d = Derivation(
        "one-eigenvector",
        title="What damping leaves of a step",
        problem=r"Along a unit eigenvector of $F$, with eigenvalue $\ell$, the gradient has the "
        r"component $\gamma$. Undamped, the step has the component $-\gamma/\ell$. How much of it "
        r"does a damped step take? And what do $k$ unit steps leave of the way, where the loss "
        r"is quadratic and $F$ its second derivative?",
        domain={ℓ: POSITIVE, λ: POSITIVE, γ: LINE, k: POSITIVE},
    )
    d.solve(
        Eq(γ + ℓ * v + λ * v, 0), v, -γ / (ℓ + λ), because="$(F + \\lambda I)v = -g$, one component"
    )
    d.equal(
        -γ / (ℓ + λ),
        Mul(ℓ / (ℓ + λ), -γ / ℓ, evaluate=False),
        because=r"a share of the undamped component: the filter",
    )
    d.equal(1 - ℓ / (ℓ + λ), λ / (ℓ + λ), because="what one step leaves of the way")
    d.equal(
        (λ / (ℓ + λ)) ** k,
        exp(-k * log(1 + ℓ / λ)),
        because="each further step leaves the same part of the rest",
    )
    return d


@derivation(chapter=CHAPTER)
def cap_on_the_divergence() -> Derivation:
    d = Derivation(
        "cap-on-the-divergence",
        title="How far a damped step can move the model",
        problem=r"To second order the KL divergence of a damped step is $\tfrac12 v^\top F v$; "
        r"along an eigenvector that is $\tfrac12\ell\gamma^2/(\ell+\lambda)^2$. For which $\ell$ "
        r"is it largest, and how large?",
        domain={ℓ: POSITIVE, λ: POSITIVE, γ: POSITIVE},
        why={γ: "its sign does not matter"},
    )
    size = HALF * ℓ * γ**2 / (ℓ + λ) ** 2
    d.equal(
        size.diff(ℓ),
        γ**2 * (λ - ℓ) / (2 * (ℓ + λ) ** 3),
        because=r"the slope in $\ell$: up to $\ell = \lambda$, then down",
    )
    d.equal(
        size.subs(ℓ, λ),
        γ**2 / (8 * λ),
        because=r"the value there",
    )
    d.equal(
        γ**2 / (8 * λ) - size,
        γ**2 * (ℓ - λ) ** 2 / (8 * λ * (ℓ + λ) ** 2),
        because=r"no eigenvalue is above it: the difference is a square",
    )
    return d


@derivation(chapter=CHAPTER)
def one_damping_in_two_charts() -> Derivation:
    g, F, r, w = symbols("g F r w")
    d = Derivation(
        "one-damping-in-two-charts",
        title="A damping carried to another chart",
        problem=r"One parameter $\theta$, with gradient $g$ and Fisher information $F$. In a chart "
        r"$\phi$ with $r = d\theta/d\phi$ they are $rg$ and $r^2F$. Take the damped velocity "
        r"there and read it in $\theta$: which damping does it have here?",
        domain={F: POSITIVE, λ: POSITIVE, r: POSITIVE, g: LINE},
        why={r: "or negative: only its square enters"},
    )
    d.solve(
        Eq(r * g + r**2 * F * w + λ * w, 0),
        w,
        -r * g / (r**2 * F + λ),
        because=r"the damped velocity of $\phi$",
    )
    d.equal(
        Mul(r, -r * g / (r**2 * F + λ), evaluate=False),
        -g / (F + λ / r**2),
        because=r"the velocity of $\theta$ is $r$ times that",
    )
    return d
