"""The derivations of the chapter on Newton's method and its relatives."""

from __future__ import annotations

import sympy as sp
from sympy import Derivative, Function, Interval, MatrixSymbol, Rational, Symbol, oo

from ngdlib.derivations import derivation
from ngdlib.derive import Derivation, Formula, formula

CHAPTER = "newton"
POSITIVE = Interval.open(0, oo)
HALF = Rational(1, 2)
θ, r, m, η, δ = (Symbol(name) for name in ("theta", "r", "m", "eta", "delta"))


def minus(a: sp.Expr, b: sp.Expr) -> sp.Expr:
    """a - b, printed in this order."""
    return sp.Add(a, -b, evaluate=False)


def times(*factors: sp.Expr) -> sp.Expr:
    """The product, printed in this order."""
    return sp.Mul(*factors, evaluate=False)


@derivation(chapter=CHAPTER)
def newton_step() -> Derivation:
    """The step that makes the quadratic model stationary, and what the model gains by it."""
    n = Symbol("n", integer=True, positive=True)
    g, v, H = MatrixSymbol("g", n, 1), MatrixSymbol("v", n, 1), MatrixSymbol("H", n, n)
    d = Derivation(
        "newton-step",
        title="The step to the bottom of a parabola",
        problem=r"Replace the loss near $\theta$ by its Taylor polynomial, $L + g^\top v + "
        r"\tfrac12 v^\top H v$. Where is it lowest, and by how much lower is it there?",
        domain={n: [2], H: "positive definite"},
        valid_for="n = 2 parameters",
    )
    d.solve(
        sp.Eq(g + H * v, sp.ZeroMatrix(n, 1)),
        v,
        -H.I * g,
        because="the derivative by $v$ is zero there, and $H$ curves up",
    )
    d.equal(
        sp.MatAdd(
            sp.MatMul(g.T, -H.I * g, evaluate=False),
            sp.MatMul(sp.Pow(2, -1, evaluate=False), g.T, H.I, H, H.I, g, evaluate=False),
        ),
        -HALF * g.T * H.I * g,
        because="put the step in: half of what the slope promised is eaten by the curvature",
    )
    return d


@derivation(chapter=CHAPTER)
def hessian_and_fisher() -> Derivation:
    """What the Hessian of a Poisson model is in any chart, and what it has beside F."""
    R, ell = Function("r")(θ), Function("ell")(θ)
    step, bend = Derivative(ell, θ), Derivative(ell, (θ, 2))
    d = Derivation(
        "hessian-and-fisher",
        title="What the Hessian has and the Fisher matrix has not",
        problem=r"Write the rate of a counter in any chart, $r(\theta)$, and its logarithm "
        r"$\ell = \log r$. The loss for data of mean $m$ is $r - m\ell$. What is its second "
        r"derivative, and how much of it is $F$?",
        domain={m: POSITIVE},
    )
    d.define(R, sp.exp(ell))
    d.equal(
        Derivative(minus(R, m * ell), θ),
        times(minus(R, m), step),
        because=r"the slope: $r' = r\,\ell'$",
    )
    d.equal(
        Derivative(minus(R, m * ell), (θ, 2)),
        R * step**2 + times(minus(R, m), bend),
        because="the product rule, once more",
    )
    d.equal(
        R * step**2,
        Derivative(R, θ) ** 2 / R,
        because=r"the first term is $F$: a count $y$ has the score $(y - r)\,\ell'$, and "
        r"$(y - r)^2$ averages to $r$",
    )
    return d


@derivation(chapter=CHAPTER)
def riemannian_velocity() -> Derivation:
    """Newton's method with a Hessian that is a tensor, for the counter."""
    Γ = Symbol("Gamma")
    d = Derivation(
        "riemannian-velocity",
        title="Newton's method without a chart",
        problem=r"Correct the second derivative of $r - m\log r$ for the bend of the rate chart, "
        r"$\nabla^2 L = L'' - \Gamma L'$ with $\Gamma = \tfrac12 F'/F$. Which velocity results?",
        domain={r: POSITIVE, m: POSITIVE},
        tex={Γ: r"\Gamma"},
    )
    d.equal(
        HALF * Derivative(1 / r, r) / (1 / r),
        -1 / (2 * r),
        because=r"$\Gamma$ of the rate, where $F = 1/r$",
    )
    d.equal(
        m / r**2 + (1 - m / r) / (2 * r),
        (r + m) / (2 * r**2),
        because=r"$L'' = m/r^2$ and $L' = 1 - m/r$, with that $\Gamma$",
    )
    d.then(
        times(HALF, sp.Add(1 / r, m / r**2, evaluate=False)),
        because=r"half the sum of $F$ and of Newton's $H$ in the rate",
    )
    d.equal(
        -(1 - m / r) / ((r + m) / (2 * r**2)),
        2 * r * (m - r) / (r + m),
        because=r"the velocity, $-L'$ over that",
    )
    return d


@derivation(chapter=CHAPTER)
def factor_near_the_optimum() -> Derivation:
    """By what factor a step with another matrix changes a small error."""
    H, F, b, c = (Symbol(name) for name in ("H", "F", "b", "c"))
    slope = H * δ + b * δ**2
    d = Derivation(
        "factor-near-the-optimum",
        title="One step near the best fit",
        problem=r"Stand at a small distance $\delta$ from the best fit, where the slope is "
        r"$H\delta + b\delta^2$ and the Fisher information $F + c\,\delta$. Where does a natural "
        r"step of size $\eta$ lead?",
        domain={H: Interval(-oo, oo), F: POSITIVE, η: POSITIVE, b: Interval(-oo, oo), c: POSITIVE},
    )
    d.expand(
        δ - η * slope / (F + c * δ),
        δ - η * H * δ / F,
        δ,
        2,
        because=r"what $b$ and $c$ say comes later, with $\delta^2$",
    )
    d.equal(
        δ - η * H * δ / F,
        times(minus(1, η * H / F), δ),
        because=r"a factor: between $-1$ and $1$ just where $0 < \eta H < 2F$",
    )
    return d


@derivation(chapter=CHAPTER)
def error_is_squared() -> Formula:
    """Newton in the rate squares the relative error."""
    return formula(
        1 - (2 * r - r**2 / m) / m,
        (1 - r / m) ** 2,
        domain={r: POSITIVE, m: POSITIVE},
        name="error-is-squared",
    )


@derivation(chapter=CHAPTER)
def em_is_a_natural_step() -> Formula:
    """The step of EM for a mixing weight is its natural step with the complete-data Fisher."""
    w, p, q = (Symbol(name) for name in ("w", "p", "q"))
    mix = w * p + (1 - w) * q
    return formula(
        minus(w * p / mix, w),
        times(w * (1 - w), (p - q) / mix),
        domain={w: Interval.open(0, 1), p: POSITIVE, q: POSITIVE},
        name="em-is-a-natural-step",
    )
