"""The derivations of the chapter "Function space": from a distance of functions to a flow."""

from __future__ import annotations

import sympy as sp
from sympy import (
    Add,
    Derivative,
    Eq,
    Interval,
    MatMul,
    MatrixSymbol,
    Rational,
    Symbol,
    cos,
    exp,
    oo,
    sin,
    symbols,
    tan,
)

from ngdlib.derivations import derivation
from ngdlib.derive import Derivation, Formula, formula

CHAPTER = "function-space"
POSITIVE, LINE = Interval.open(0, oo), Interval.open(-oo, oo)
HALF, THIRD = Rational(1, 2), Rational(1, 3)
n, D = (Symbol(name, integer=True, positive=True) for name in ("N", "D"))
J, r = MatrixSymbol("J", D, n), MatrixSymbol("r", D, 1)
v, g, h = MatrixSymbol("v", n, 1), MatrixSymbol("g", n, n), MatrixSymbol("h", n, 1)
SIZES = {n: [2], D: [3]}
FOR = "two parameters and three data points"


def times(*factors: sp.Expr) -> sp.Expr:
    """The product, printed in this order."""
    return sp.Mul(*factors, evaluate=False)


@derivation(chapter=CHAPTER)
def pull_back() -> Derivation:
    """The metric of parameters from the distance of functions; the same matrix in the loss."""
    ε, T = Symbol("epsilon"), MatrixSymbol("T", n, n)
    Jφ, vφ = MatrixSymbol("J_phi", D, n), MatrixSymbol("v_phi", n, 1)
    d = Derivation(
        "pull-back",
        title="From a distance of functions to a matrix",
        problem=r"The parameters change by $\varepsilon v$, and the three values of $f$, to first "
        r"order, by $\varepsilon Jv$. How large is the mean square of that change? Does it depend "
        r"on the chart? And what does it say about the loss?",
        domain={**SIZES, T: "invertible", ε: POSITIVE},
        valid_for=FOR,
        tex={Jφ: r"J_{\phi}", vφ: r"v_{\phi}"},
    )
    d.define(g, THIRD * J.T * J)
    d.define(h, 2 * THIRD * J.T * r)
    d.define(Jφ, J * T.I)
    d.define(vφ, T * v)
    d.equal(
        THIRD * (ε * J * v).T * (ε * J * v),
        ε**2 * v.T * g * v,
        because=r"a quadratic form in $v$, with the matrix $g = J^\top J/3$",
    )
    d.equal(
        MatMul(THIRD, vφ.T, Jφ.T, Jφ, vφ),
        v.T * g * v,
        because=r"in another chart, $T = \partial\phi/\partial\theta$: the chain rule turns $J$ "
        r"into $JT^{-1}$ and $v$ into $Tv$",
    )
    d.equal(
        THIRD * (r + ε * J * v).T * (r + ε * J * v),
        THIRD * r.T * r + ε * v.T * h + ε**2 * v.T * g * v,
        because=r"the loss, as long as $f$ does not bend: its slope is $h = \tfrac23J^\top r$, "
        r"and its second derivative is $2g$, the Gauss–Newton matrix",
    )
    return d


@derivation(chapter=CHAPTER)
def projection() -> Derivation:
    """The velocity of the parameters whose functions come nearest to the wanted velocity."""
    d = Derivation(
        "projection",
        title="The nearest thing to a free function",
        problem=r"Each value of $f$ should move by $-2r$. Parameters that move by $v$ can give "
        r"$Jv$. For which $v$ is the mean square of $Jv + 2r$ least, and what does the loss do?",
        domain={**SIZES, g: "positive definite"},
        why={g: r"the columns of $J$ are independent"},
        valid_for=FOR,
    )
    d.equal(
        THIRD * J.T * (J * v + 2 * r),
        THIRD * J.T * J * v + 2 * THIRD * J.T * r,
        because=r"what is missed must stand at right angles to all that can be reached, to the "
        r"columns of $J$",
    )
    d.solve(
        Eq(g * v + h, sp.ZeroMatrix(n, 1)),
        v,
        -(g.I * h),
        because=r"with $g = \tfrac13J^\top J$ and the gradient $h = \tfrac23J^\top r$: the natural "
        r"velocity",
    )
    d.equal(
        2 * THIRD * r.T * J * v,
        THIRD * v.T * J.T * (J * v + 2 * r) - THIRD * (J * v).T * (J * v),
        because=r"the rate of the loss. The first term is zero, as was just arranged: the loss "
        r"falls at the mean square of $Jv$",
    )
    return d


@derivation(chapter=CHAPTER)
def exact_solution() -> Derivation:
    """Coefficients of orthonormal functions under both flows."""
    α, β, w, t, λ = symbols("alpha_0 b w_0 t lambda")
    free = β + (α - β) * exp(-2 * t)
    d = Derivation(
        "exact-solution",
        title="One coefficient, two flows",
        problem=r"Of a function $\sum_i\alpha_i\varphi_i$ with orthonormal $\varphi_i$ the loss "
        r"has the part $(\alpha_i - b_i)^2$. How does it fall along the natural flow? And along "
        r"the ordinary one, where the parameter is $w$ with $\alpha_i = \sqrt\lambda\,w$?",
        domain={α: LINE, β: LINE, w: LINE, t: POSITIVE, λ: POSITIVE},
        why={λ: r"a factor that says how strongly this parameter acts"},
        tex={α: r"\alpha_0", w: "w_0"},
    )
    d.equal(
        Derivative(free, t),
        times(-2, Add(free, -β, evaluate=False)),
        because=r"this function of $t$ solves $\dot\alpha = -2(\alpha - b)$, and starts at "
        r"$\alpha_0$",
    )
    d.equal(
        Add(free, -β, evaluate=False) ** 2,
        times((α - β) ** 2, exp(-4 * t)),
        because="the loss is a square, so its rate is twice 2",
    )
    slow = β / sp.sqrt(λ) + (w - β / sp.sqrt(λ)) * exp(-2 * λ * t)
    d.equal(
        Derivative(slow, t),
        times(-2, sp.sqrt(λ), Add(sp.sqrt(λ) * slow, -β, evaluate=False)),
        because=r"the ordinary flow $\dot w = -2\sqrt\lambda(\sqrt\lambda w - b)$: its rate has "
        r"$\lambda$ in it",
    )
    d.equal(
        Add(sp.sqrt(λ) * slow, -β, evaluate=False) ** 2,
        times(Add(sp.sqrt(λ) * w, -β, evaluate=False) ** 2, exp(-4 * λ * t)),
        because=r"so each coefficient has a rate of its own, $4\lambda$",
    )
    return d


@derivation(chapter=CHAPTER)
def circle() -> Derivation:
    """The flow on the circle, for a target at the distance rho from the centre."""
    a, ρ, u = (Symbol(name) for name in ("a", "rho", "u"))
    d = Derivation(
        "circle",
        title="A flow on a circle",
        problem=r"The values $(\cos a, \sin a)$, the target $(\rho, 0)$, and $g = \tfrac12$. How "
        r"does the flow move $a$? How fast does it lose what it can lose, and how fast at the end?",
        domain={a: Interval.open(0, sp.pi), ρ: POSITIVE, u: POSITIVE},
        why={u: r"it is $\tan(a/2)$"},
    )
    loss = HALF * ((cos(a) - ρ) ** 2 + sin(a) ** 2)
    d.equal(
        loss,
        HALF * (1 - ρ) ** 2 + ρ * (1 - cos(a)),
        because="the first term stays: the distance from the circle",
    )
    d.equal(
        -Derivative(loss, a) / HALF,
        -2 * ρ * sin(a),
        because=r"the velocity of $a$, $-g^{-1}\,dL/da$",
    )
    d.equal(
        times(Derivative(tan(a / 2), a), -2 * ρ * sin(a)),
        times(-2, ρ, tan(a / 2)),
        because=r"the velocity of $u = \tan(a/2)$: the factor $e^{-2\rho t}$, exactly",
    )
    d.equal(
        ρ * (1 - (1 - u**2) / (1 + u**2)),
        2 * ρ * u**2 / (1 + u**2),
        because=r"what can be lost, as $\cos a = (1-u^2)/(1+u^2)$",
    )
    d.equal(
        2 * ρ * u * Derivative(sp.log(2 * ρ * u**2 / (1 + u**2)), u),
        4 * ρ / (1 + u**2),
        because=r"its rate, since $\dot u = -2\rho u$: it grows to $4\rho$ as $u$ vanishes",
    )
    return d


@derivation(chapter=CHAPTER)
def final_rate() -> Derivation:
    """The rate at which one parameter loses what it can lose, near the end."""
    A, B, δ, c = symbols("A B delta c")
    d = Derivation(
        "final-rate",
        title="The last rate",
        problem=r"One parameter, at the end of the flow: the mean of $r f'$ is $0$. Call $A$ the "
        r"mean of $f'^2$, and $B$ the mean of $r f''$. How fast does the excess of the loss fall "
        r"from a small distance $\delta$?",
        domain={A: POSITIVE, B: LINE, δ: POSITIVE, c: POSITIVE},
        why={c: r"it is $A + B$, half the second derivative of $L$ at its minimum"},
    )
    d.equal(
        Derivative(c * δ**2, δ) / A,
        2 * c * δ / A,
        because=r"the speed, $g^{-1}$ times the slope of the excess $c\,\delta^2$, with $g = A$",
    )
    d.equal(
        times(2 * c * δ / A, Derivative(sp.log(c * δ**2), δ)),
        4 * c / A,
        because="speed times the slope of the logarithm: the rate of the excess",
    )
    d.equal(
        4 * (A + B) / A,
        4 + 4 * B / A,
        because=r"with $c = A + B$: 4, and a correction for a residual that stands where the "
        r"model bends",
    )
    return d


@derivation(chapter=CHAPTER)
def powers_of_the_metric() -> Formula:
    """What a power of g does along one singular value of J, seen in function space."""
    σ, k, D = symbols("s k D")
    return formula(
        times(σ, (σ**2 / D) ** (-k), σ, 1 / D),
        (σ**2 / D) ** (1 - k),
        name="powers-of-the-metric",
        domain={σ: POSITIVE, k: Interval(0, oo), D: POSITIVE},
    )


@derivation(chapter=CHAPTER)
def inverted_twice() -> Formula:
    """The pseudo-inverse of g along one singular value of J."""
    σ, D = symbols("s D")
    return formula(
        times(D, σ**2, (σ**2) ** -2),
        1 / (σ**2 / D),
        name="inverted-twice",
        domain={σ: POSITIVE, D: POSITIVE},
    )
