"""Derivations of the chapter "Three classes": the Fisher matrix of logits, and steps without it."""

from __future__ import annotations

from sympy import (
    Derivative,
    Eq,
    Function,
    Interval,
    MatAdd,
    MatMul,
    Matrix,
    Mul,
    Pow,
    Rational,
    Symbol,
    diag,
    exp,
    log,
    oo,
    sqrt,
    symbols,
)

from ngdlib.derivations import derivation
from ngdlib.derive import Derivation, Formula, formula

CHAPTER = "categorical"
UNIT, POSITIVE = Interval.open(0, 1), Interval.open(0, oo)
p1, p2, p3 = P = symbols("p1 p2 p3")
g1, g2, g3 = G = symbols("g1 g2 g3")
λ, r, t, z = symbols("lambda r t z")
TRIANGLE = {p1: UNIT, p2: Interval.open(0, 1 - p1)}
HALF = Rational(1, 2)


def _over(numerator, denominator):
    """A fraction that prints as it is written."""
    return Mul(numerator, Pow(denominator, -1, evaluate=False), evaluate=False)


def _triangle(d: Derivation) -> Derivation:
    return d.define(p3, 1 - p1 - p2)


@derivation(chapter=CHAPTER)
def fisher_of_logits() -> Derivation:
    """F as a mean over outcomes, its null vector, and a minor that is not zero."""
    d = _triangle(
        Derivation(
            "fisher-of-logits",
            title="The Fisher matrix of three logits",
            problem="The score of an outcome is 1 in its own place and 0 elsewhere, less $p$. What "
            "is the mean of $ss^\\top$, and in which directions is it zero?",
            domain=TRIANGLE,
            why={p2: "what class 1 leaves"},
        )
    )
    scores = [Matrix([int(i == k) - P[i] for i in range(3)]) for k in range(3)]
    terms = [MatMul(P[k], scores[k], scores[k].T, evaluate=False) for k in range(3)]
    p = Matrix(P)
    F = diag(*P) - p * p.T
    d.equal(MatAdd(*terms, evaluate=False), F, because="each outcome with its probability")
    d.equal(MatMul(F, Matrix([1, 1, 1]), evaluate=False), Matrix([0, 0, 0]),
            because="all logits up together: nothing changes, no length")  # fmt: skip
    d.equal(F[:2, :2].det(), Mul(*P, evaluate=False),
            because="the determinant without class 3: not zero, so no other")  # fmt: skip
    return d


@derivation(chapter=CHAPTER)
def damped_direction() -> Derivation:
    """(F + λI)v = g line by line: two numbers are unknown, and the sum of the lines gives both."""
    v1, v2, v3 = V = symbols("v1 v2 v3")
    d = _triangle(
        Derivation(
            "damped-direction",
            title="The damped system, solved without a matrix",
            problem="Line $k$ of $(F + \\lambda I)v = g$ is $(p_k + \\lambda)v_k + r\\,p_k = g_k$, "
            "where all lines share the number $r = -\\sum_j p_jv_j$. What is $v$, if the $g_k$ sum "
            "to zero?",
            domain={**TRIANGLE, λ: POSITIVE},
            valid_for="three classes",
        )
    )
    d.solve(Eq((p1 + λ) * v1 + r * p1, g1), v1, (g1 - r * p1) / (p1 + λ),
            because="class 1; the others likewise")  # fmt: skip
    inner = sum(a * b for a, b in zip(P, V, strict=True))
    lines = sum((a + λ) * b - inner * a for a, b in zip(P, V, strict=True))
    d.equal(lines, λ * (v1 + v2 + v3),
            because="the left sides, added. The $g_k$ add up to zero: so do the $v_k$")  # fmt: skip
    above = sum(b / (a + λ) for a, b in zip(P, G, strict=True))
    below = sum(a / (a + λ) for a in P)
    total = sum((b - r * a) / (a + λ) for a, b in zip(P, G, strict=True))
    d.equal(total, above - r * below, because="the $v_k$ of line 1, added, and sorted by $r$")
    d.solve(Eq(above - r * below, 0), r, _over(above, below),
            because="and this is zero: hence $r$, and with it every $v_k$")  # fmt: skip
    return d


@derivation(chapter=CHAPTER)
def reverse_flow() -> Derivation:
    """The gradient of KL(p‖ȳ) is F times the log ratios; they shrink like e^-t."""
    Y = symbols("y1 y2 y3")
    c2, c3, a = symbols("c2 c3 a")
    q = [Function(f"p{k}")(z) for k in (1, 2, 3)]
    total = exp(z) + c2 + c3
    tex = {y: rf"\bar y_{k}" for k, y in enumerate(Y, 1)}
    d = Derivation(
        "reverse-flow",
        title="The other divergence: what its natural gradient does",
        problem="Move the logit $z$ of class 1, hold the others. How does "
        "$\\mathrm{KL}(p\\Vert\\bar y)$ change, which $v$ solves $Fv = g$, and where does it lead?",
        domain={c2: POSITIVE, c3: POSITIVE, **dict.fromkeys(Y, UNIT), p1: UNIT, t: POSITIVE},
        why={c2: r"$e^{z_2}$", c3: r"$e^{z_3}$"},
        sampled={c2: Interval.open(HALF, 2), c3: Interval.open(HALF, 2)},
        tex=tex,
    )
    for name, above in zip(q, (exp(z), c2, c3), strict=True):
        d.define(name, above / total)
    logs = [log(b / y) for b, y in zip(q, Y, strict=True)]
    kl = sum(b * m for b, m in zip(q, logs, strict=True))
    D = Function("D")(z)
    d.define(D, kl)
    d.equal(Derivative(D, z), q[0] * (logs[0] - D),
            because=r"with $a_k = \log(p_k/\bar y_k)$ it is line 1 of $g = Fa$")  # fmt: skip
    d.equal(Derivative(exp(-t) * a, t), -exp(-t) * a,
            because=r"$v = a$. The flow $\dot a = -a$ is solved by a factor $e^{-t}$")  # fmt: skip
    d.equal(Y[0] * exp(exp(-t) * log(p1 / Y[0])), p1 ** exp(-t) * Y[0] ** (1 - exp(-t)),
            because=r"$p_k$ at time $t$ but for a factor that all classes share")  # fmt: skip
    return d


@derivation(chapter=CHAPTER)
def sphere() -> Formula:
    """Half the metric of the simplex is that of a sphere of radius 1: p = x²."""
    x = Symbol("x")
    return formula(
        _over(Pow(Derivative(x**2, x), 2), x**2),
        4,
        domain={x: POSITIVE},
        name="categorical-sphere",
        problem="What is $\\dot p^2/p$ when $p = x^2$?",
    )


@derivation(chapter=CHAPTER)
def middle() -> Formula:
    """One class of the great circle's middle, before it is normalised."""
    p, y = Symbol("p"), Symbol("y")
    return formula(
        Pow(_over(sqrt(p) + sqrt(y), 2), 2),
        Mul(HALF, _over(p + y, 2) + sqrt(p * y), evaluate=False),
        domain={p: POSITIVE, y: POSITIVE},
        tex={y: r"\bar y"},
        name="categorical-middle",
        problem="Which means make up the middle of a great circle?",
    )
