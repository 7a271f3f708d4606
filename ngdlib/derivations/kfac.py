"""Derivations of the chapter on K-FAC: means of products, products of means, and what they cost."""

from __future__ import annotations

from sympy import (
    Add,
    Derivative,
    Eq,
    Integer,
    Interval,
    MatrixSymbol,
    Mul,
    Rational,
    Symbol,
    oo,
    sqrt,
    symbols,
)

from ngdlib.derivations import derivation
from ngdlib.derive import Derivation, E

CHAPTER = "kfac"
POSITIVE, LINE = Interval.open(0, oo), Interval(-oo, oo)
HALF, QUARTER = Rational(1, 2), Rational(1, 4)


def as_written(*terms):
    """A sum that prints in this order."""
    return Add(*terms, evaluate=False)


def times(*factors):
    """A product that prints as it is written."""
    return Mul(*factors, evaluate=False)


@derivation(chapter=CHAPTER)
def two_inputs() -> Derivation:
    """Mean of products less product of means, for one neuron and two inputs."""
    x, z, v, u = symbols("x z v u")
    d = Derivation(
        "two-inputs",
        title="What averaging the factors gets wrong",
        problem="A neuron is shown two inputs, $x$ and $z$, each with a constant 1 for the bias. "
        "They weigh $v$ and $u$: each is the mean square of its gradient. By how much does the "
        "product of the two means miss the mean of the products?",
        domain={x: LINE, z: LINE, v: POSITIVE, u: POSITIVE},
    )
    mean = as_written(v * x**2, u * z**2) / 2
    product = times(HALF, as_written(v, u), HALF, as_written(x**2, z**2))
    d.equal(
        as_written(mean, -product),
        times(QUARTER, as_written(v, -u), as_written(x**2, -(z**2))),
        because="the entry of the slope: multiply out, and half of each product is left",
    )
    d.equal(
        as_written(
            as_written(v * x, u * z) / 2, -times(HALF, as_written(v, u), HALF, as_written(x, z))
        ),
        times(QUARTER, as_written(v, -u), as_written(x, -z)),
        because="the entry of slope and bias, in the same way",
    )
    d.equal(
        as_written(as_written(v, u) / 2, -times(HALF, as_written(v, u), HALF, Integer(2))),
        Integer(0),
        because="the entry of the bias, whose input is always 1: no error",
    )
    return d


@derivation(chapter=CHAPTER)
def kronecker_undone() -> Derivation:
    """(A ⊗ G) vec V by columns, and the way back."""
    n = Symbol("n", integer=True, positive=True)
    G, A = MatrixSymbol("G", n, n), MatrixSymbol("A", 2, 2)
    W, D, X = MatrixSymbol("W", n, 2), MatrixSymbol("D", n, 2), MatrixSymbol("X", 2, n)
    v, u = (MatrixSymbol(name, n, 1) for name in "vu")
    a, b, c = symbols("a b c")
    d = Derivation(
        "kronecker-undone",
        title="Two small matrices for a large one",
        problem=r"A layer with two inputs: $V$ has two columns, $v$ and $u$, and "
        r"$A = \bigl(\begin{smallmatrix}a&c\\c&b\end{smallmatrix}\bigr)$. What does $A\otimes G$ "
        r"make of the columns, stacked one upon the other? And which $V$ does it take to a "
        r"given $D$?",
        domain={n: [2], G: "invertible", A: "positive definite", a: LINE, b: LINE, c: LINE},
        valid_for="two inputs and two outputs",
    )
    d.equal(
        a * G * v + c * G * u,
        G * (a * v + c * u),
        because="the upper block: $G$ times the first column of $VA$",
    )
    d.equal(
        c * G * v + b * G * u,
        G * (c * v + b * u),
        because="the lower block, $G$ times the second: the stack is that of $GVA$",
    )
    d.solve(
        Eq(G * W, D),
        W,
        G.I * D,
        because=r"for $GVA = D$ undo the left side first, for $W = VA$",
    )
    d.solve(
        Eq(A * X, W.T),
        X,
        A.I * W.T,
        because=r"then the right side, transposed, $X = V^\top$ and $A^\top = A$: $V = WA^{-1} = "
        r"G^{-1}DA^{-1}$",
    )
    return d


@derivation(chapter=CHAPTER)
def dependent_and_exact() -> Derivation:
    """Dependence that costs nothing, and a missing correlation that costs a factor of three."""
    a, x = symbols("a x")
    sixth, root = Rational(1, 6), sqrt(3)
    spread = (x, [-root, 0, root], [sixth, 4 * sixth, sixth])
    toss = (a, [-1, 1], [HALF, HALF])
    d = Derivation(
        "dependent-and-exact",
        title="Two ways to depend",
        problem=r"With one input $a$ and one gradient $g$, K-FAC asks whether "
        r"$\mathbb E[a^2g^2] = \mathbb E[a^2]\,\mathbb E[g^2]$. Let $x$ be $0$ in four cases of "
        r"six and $\sqrt3$ or $-\sqrt3$ in one each. Take first $a = x$ and $g = \pm x$ with a "
        r"tossed sign; then $a = \pm1$, tossed, and $g = ax$.",
        domain={a: [-1, 1], x: LINE},
    )
    d.expectation(x**2, spread, Integer(1), because="the mean square of $x$")
    d.expectation(
        x**2 * x**2,
        spread,
        Integer(3),
        because=r"the first pair: $\mathbb E[x^4]$. K-FAC has $1\cdot1$, a third of it, though $a$ "
        r"and $g$ are uncorrelated",
    )
    d.expectation(
        times(a**2, (a * x) ** 2),
        toss,
        x**2,
        because="the second pair, at a given $x$: $a^2$ is 1 always",
    )
    d.equal(
        times(E(a**2, toss), x**2),
        x**2,
        because="K-FAC has the same, though $g$ knows the sign of $a$",
    )
    return d


@derivation(chapter=CHAPTER)
def blocks_overshoot() -> Derivation:
    """Each layer mends the whole error."""
    r, L, w, P, v = symbols("r L w P v")
    d = Derivation(
        "blocks-overshoot",
        title="Each layer mends the whole error",
        problem=r"A chain of $L$ weights has the output $f = w_1w_2\cdots w_L$, the mean of a "
        r"Gaussian of variance 1. All weights are 1, and the target is $1 + r$. Where does a unit "
        r"step land by the blocks, and where by the whole Fisher matrix?",
        domain={r: Interval.open(-1, oo), L: Interval(1, oo), w: LINE, P: LINE, v: LINE},
        why={L: "a whole number"},
        sampled={r: Interval(-HALF, 2), L: Interval(1, 5)},
    )
    d.equal(
        Derivative(P * w, w),
        P,
        because="$f$ by one weight is the product $P$ of the others, here 1: all entries of $F$ "
        "are 1",
    )
    d.expand(
        (1 + r) ** L,
        as_written(Integer(1), L * r),
        var=r,
        order=2,
        because="by blocks each weight moves by $r$, as if it were alone: $L$ times too far, to "
        "first order",
    )
    d.solve(
        Eq(L * v, r),
        v,
        r / L,
        because="by the whole matrix, $Fv = r\\,(1,\\dots,1)$ asks only that the moves add up to "
        "$r$; the shortest way is to share it",
    )
    d.expand(
        (1 + r / L) ** L,
        as_written(Integer(1), r),
        var=r,
        order=2,
        because="the target, to first order",
    )
    return d


@derivation(chapter=CHAPTER)
def cost_law() -> Derivation:
    """n³ operations of both factors, over the 3/2 power of the number of weights."""
    m, n, s = symbols("m n s")
    d = Derivation(
        "cost-law",
        title="The cost of both inverses",
        problem=r"A layer has $m$ inputs and $n$ units, so $d = mn$ weights. Count $k^3$ "
        r"operations for a matrix of $k$ rows. How many times $d^{3/2}$ do both factors cost, and "
        r"what is the least?",
        domain={m: POSITIVE, n: POSITIVE, s: POSITIVE},
        sampled={m: Interval(HALF, 3), n: Interval(HALF, 3), s: Interval(HALF, 3)},
    )
    d.equal(
        as_written(m**3, n**3) / (m * n) ** Rational(3, 2),
        as_written((m / n) ** Rational(3, 2), (n / m) ** Rational(3, 2)),
        because="each term over its denominator: only the shape is left",
    )
    d.equal(
        as_written(s ** Rational(3, 2), s ** Rational(-3, 2), Integer(-2)),
        (s ** Rational(3, 4) - s ** Rational(-3, 4)) ** 2,
        because="for a shape $s = m/n$: never below 2, and 2 for a square only",
    )
    return d


@derivation(chapter=CHAPTER)
def splitting_a_damping() -> Derivation:
    """Why root lambda is multiplied by pi on one side and divided by it on the other."""
    α, γ, r, π = symbols("alpha gamma r varpi")
    d = Derivation(
        "splitting-a-damping",
        title="How to split a damping",
        problem=r"Along a pair of eigenvectors, with eigenvalues $\alpha$ of $A$ and $\gamma$ of "
        r"$G$, exact damping makes $\alpha\gamma + \lambda$ of $\alpha\gamma$. To damp the factors "
        r"apart, add $r\varpi$ to the one and $r/\varpi$ to the other, $r = \sqrt\lambda$. What is "
        r"too much, and which $\varpi$ makes it least?",
        domain={α: POSITIVE, γ: POSITIVE, r: POSITIVE, π: POSITIVE},
        why={r: r"the root of $\lambda$"},
    )
    extra = r * as_written(α / π, γ * π)
    d.equal(
        as_written(times(as_written(α, r * π), as_written(γ, r / π)), -as_written(α * γ, r**2)),
        extra,
        because="multiply out: two terms too many, and never negative",
    )
    d.equal(
        Derivative(extra, π),
        r * as_written(γ, -α / π**2),
        because=r"their slope in $\varpi$: down, then up",
    )
    d.solve(
        Eq(as_written(γ, -α / π**2), 0),
        π,
        sqrt(α / γ),
        because=r"where it is zero: the root of the ratio of the eigenvalues",
    )
    return d
