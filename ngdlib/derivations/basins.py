"""Derivations of the chapter on basins: what is provable about where descent ends."""

from __future__ import annotations

from sympy import (
    Add,
    Derivative,
    Eq,
    Interval,
    MatrixSymbol,
    Mul,
    Rational,
    Symbol,
    ZeroMatrix,
    cos,
    oo,
    sin,
    symbols,
)

from ngdlib.derivations import derivation
from ngdlib.derive import Derivation, Formula, formula

CHAPTER = "basins"
POSITIVE, LINE = Interval.open(0, oo), Interval.open(-oo, oo)
HALF = Rational(1, 2)
a, b, c, t, η, θ, λ = symbols("a b c t eta theta lambda")


@derivation(chapter=CHAPTER)
def downhill_in_any_metric() -> Derivation:
    """A flow with any positive definite matrix: where it rests, and how the loss falls along it."""
    n = Symbol("n", integer=True, positive=True)
    g, v, M = MatrixSymbol("g", n, 1), MatrixSymbol("v", n, 1), MatrixSymbol("M", n, n)
    d = Derivation(
        "downhill-in-any-metric",
        title="What every metric has in common",
        problem=r"Let the velocity $v$ solve $g + Mv = 0$, with the gradient $g$ and a positive "
        r"definite matrix $M$: $M = I$ is ordinary descent, $M = F$ the natural one. How fast does "
        r"the loss change along it?",
        domain={n: [2], M: "positive definite"},
        valid_for="n = 2 parameters",
    )
    d.solve(
        Eq(g + M * v, ZeroMatrix(n, 1)),
        v,
        -M.I * g,
        because="so it rests just where $g = 0$, whatever $M$ is",
    )
    d.equal(
        (-M * v).T * v,
        -v.T * M * v,
        because=r"the chain rule, $\dot L = g^\top v$, with $g = -Mv$: minus the squared length "
        r"of the velocity in the metric $M$",
    )
    return d


@derivation(chapter=CHAPTER)
def another_clock() -> Derivation:
    """With one parameter the natural flow is the ordinary one, read on another clock."""
    L, F, v = symbols("L_1 F v")
    d = Derivation(
        "another-clock",
        title="One parameter: the same way at another speed",
        problem=r"One parameter, slope $L'$, Fisher information $F$. Along the natural flow let a "
        r"second clock $s$ run at the rate $1/F$. What is the velocity by that clock?",
        domain={L: LINE, F: POSITIVE},
        tex={L: "L'"},
    )
    d.solve(
        Eq(L + F * v, 0), v, -L / F, because="the natural flow: it has the sign of $-L'$, as ever"
    )
    d.equal(
        Mul(-L / F, 1 / (1 / F), evaluate=False),
        -L,
        because=r"divide by the rate of the clock: this is the ordinary flow, through the same "
        r"points, to the same end",
    )
    return d


@derivation(chapter=CHAPTER)
def the_ridge_of_an_ellipse() -> Derivation:
    """The distance of a point from an ellipse: where the ant turns back."""
    loss = HALF * (a * cos(t)) ** 2 + HALF * (b * sin(t) - c) ** 2
    d = Derivation(
        "the-ridge-of-an-ellipse",
        title="Two minima on a wire",
        problem=r"A model has the means $(a\cos t, b\sin t)$ with $a > b$, the data the mean "
        r"$(0, c)$. The loss is half the squared distance. Besides the top and the bottom of the "
        r"ellipse, where is its slope zero?",
        domain={t: LINE, a: POSITIVE, b: POSITIVE, c: POSITIVE},
    )
    d.equal(
        Derivative(loss, t),
        Mul(-1, cos(t), Add((a**2 - b**2) * sin(t), b * c, evaluate=False), evaluate=False),
        because=r"zero at the top and at the bottom, where $\cos t = 0$, and where the bracket is",
    )
    return d


@derivation(chapter=CHAPTER)
def near_amplitude_zero() -> Derivation:
    """The natural step beside a line on which the Fisher matrix is singular."""
    A, B, C, u, v, w1, w2 = symbols("A B C g_1 g_2 v_1 v_2")
    d = Derivation(
        "near-amplitude-zero",
        title="Beside the line of amplitude 0",
        problem=r"At a small amplitude $a$ the Fisher matrix of the rhythm is "
        r"$F_{11} = A$, $F_{12} = aB$, $F_{22} = a^2C$, and its gradient is $(g_1, a\,g_2)$. What "
        r"becomes of the natural step, $Fv = -g$, as $a \to 0$? (With $D = AC - B^2$, which makes "
        r"the determinant $a^2D$, $C$ is $(B^2 + D)/A$.)",
        domain={a: POSITIVE, A: POSITIVE, B: LINE, (D := symbols("D")): POSITIVE, u: LINE, v: LINE},
    )
    C = (B**2 + D) / A
    d.solve(
        [Eq(A * w1 + a * B * w2, -u), Eq(a * B * w1 + a**2 * C * w2, -a * v)],
        [w1, w2],
        [-(C * u - B * v) / D, -(A * v - B * u) / (a * D)],
        because="$Fv = -g$, two equations: the frequency is thrown by $1/a$",
    )
    return d


@derivation(chapter=CHAPTER)
def damped_near_amplitude_zero() -> Formula:
    """With damping, the frequency's component vanishes with the amplitude instead (B = 0)."""
    C, g = symbols("C g_2")
    return formula(
        -a * g / (a**2 * C + λ),
        -a * g / λ,
        var=a,
        order=2,
        domain={C: POSITIVE, λ: POSITIVE, g: LINE},
        name="damped-near-amplitude-zero",
    )


@derivation(chapter=CHAPTER)
def slope_of_the_double_well() -> Formula:
    return formula(
        Derivative((θ**2 - 1) ** 2 / 4, θ),
        θ * (θ**2 - 1),
        domain={θ: LINE},
        name="slope-of-the-double-well",
    )


@derivation(chapter=CHAPTER)
def variance_of_an_answer() -> Formula:
    p = symbols("p")
    return formula(
        Add(p * (1 - p) ** 2, (1 - p) * p**2, evaluate=False),
        p * (1 - p),
        domain={p: Interval.open(0, 1)},
        name="variance-of-an-answer",
    )
