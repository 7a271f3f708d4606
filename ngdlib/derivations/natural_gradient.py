"""Derivations of the chapter "The natural gradient": steepest descent with the Fisher ruler."""

from __future__ import annotations

from sympy import (
    Derivative,
    Eq,
    Expr,
    Function,
    Integer,
    Interval,
    MatAdd,
    MatMul,
    Matrix,
    MatrixSymbol,
    Mul,
    Pow,
    Rational,
    Symbol,
    ZeroMatrix,
    cos,
    diag,
    exp,
    log,
    oo,
    pi,
    sin,
    symbols,
)

from ngdlib.derivations import derivation
from ngdlib.derive import Derivation

CHAPTER = "natural-gradient"
POSITIVE, UNIT = Interval.open(0, oo), Interval.open(0, 1)
HALF = Rational(1, 2)
STRENGTH = r"\lVert g\rVert_{*}"  # √(gᵀF⁻¹g)


def _over(numerator: Expr, denominator: Expr) -> Expr:
    """A fraction that prints as it is written."""
    return Mul(numerator, Pow(denominator, -1, evaluate=False), evaluate=False)


def _root(x: Expr, y: Expr) -> Expr:
    """√(xy), not √x √y."""
    return Pow(Mul(x, y, evaluate=False), HALF, evaluate=False)


@derivation(chapter=CHAPTER)
def constrained_problem() -> Derivation:
    n = Symbol("n", integer=True, positive=True)
    g, v, F = MatrixSymbol("g", n, 1), MatrixSymbol("v", n, 1), MatrixSymbol("F", n, n)
    β, ε, N = symbols("beta varepsilon N")
    step = -F.I * g / β
    d = Derivation(
        "constrained-problem",
        title="The steepest step of a given KL divergence",
        problem=r"Make $g^\top v$ as small as it gets with $\tfrac12 v^\top F v \le "
        r"\varepsilon$. At "
        r"every $v$ inside, a little more of $-g$ lowers it further, so the best $v$ lies on the "
        r"rim. There $\mathcal L = g^\top v + \beta(\tfrac12 v^\top F v - \varepsilon)$ is "
        r"stationary, with a price $\beta > 0$ on KL.",
        domain={n: [2], F: "positive definite", N: POSITIVE, β: POSITIVE, ε: POSITIVE},
        valid_for="n = 2 parameters",
        tex={N: STRENGTH},
    )
    d.solve(
        Eq(g + β * F * v, ZeroMatrix(n, 1)),
        v,
        step,
        because=r"$\partial_v \mathcal L = 0$: the direction is found, the price not yet",
    )
    d.equal(
        MatMul(1 / β**2, g.T, F.I, F, F.I, g, evaluate=False),
        g.T * F.I * g / β**2,
        because=r"$v^\top F v$ of that step, twice its KL. Write $\lVert g\rVert_*^2 = g^\top "
        r"F^{-1} g$",
    )
    d.solve(
        Eq(N**2 / β**2, 2 * ε),
        β,
        _over(N, _root(Integer(2), ε)),
        because=r"on the rim it is $2\varepsilon$: the price",
    )
    d.equal(
        _over(N**2, _over(N, _root(Integer(2), ε))),
        Mul(N, _root(Integer(2), ε), evaluate=False),
        because=r"and the gain, $-g^\top v = \lVert g\rVert_*^2/\beta$",
    )
    return d


@derivation(chapter=CHAPTER)
def penalised_problem() -> Derivation:
    n = Symbol("n", integer=True, positive=True)
    g, v, F = MatrixSymbol("g", n, 1), MatrixSymbol("v", n, 1), MatrixSymbol("F", n, n)
    η, ε, N = symbols("eta varepsilon N")
    step = -η * F.I * g
    d = Derivation(
        "penalised-problem",
        title="The step with a price on KL divergence",
        problem=r"Make $g^\top v + \tfrac{1}{2\eta} v^\top F v$ as small as it gets.",
        domain={n: [2], F: "positive definite", η: POSITIVE, N: POSITIVE, ε: POSITIVE},
        valid_for="n = 2 parameters",
        tex={N: STRENGTH},
    )
    d.solve(
        Eq(g + F * v / η, ZeroMatrix(n, 1)),
        v,
        step,
        because="its derivative by $v$ is zero: the update rule",
    )
    d.equal(
        MatMul(η**2, g.T, F.I, F, F.I, g, evaluate=False),
        η**2 * g.T * F.I * g,
        because="$v^\\top F v$, twice its KL: it shrinks with the gradient",
    )
    d.solve(
        Eq(η**2 * N**2, 2 * ε),
        η,
        _over(_root(Integer(2), ε), N),
        because=r"the one $\eta$ whose step has KL $\varepsilon$ here: $1/\beta$",
    )
    return d


@derivation(chapter=CHAPTER)
def transformation_laws() -> Derivation:
    n = Symbol("n", integer=True, positive=True)
    g, v, gφ = (MatrixSymbol(name, n, 1) for name in ("g", "v", "g_phi"))
    F, T, Fφ = (MatrixSymbol(name, n, n) for name in ("F", "T", "F_phi"))
    d = Derivation(
        "transformation-laws",
        title="What a change of chart does to the natural gradient",
        problem=r"Let $v$ solve $Fv = -g$ in the chart $\theta$. Does $Tv$ solve $F_\phi w = "
        r"-g_\phi$ "
        r"in the chart $\phi$, with $T = \partial\phi/\partial\theta$?",
        domain={n: [2], Fφ: "positive definite", T: "invertible"},
        valid_for="n = 2 parameters",
        tex={gφ: r"g_\phi", Fφ: r"F_\phi"},
    )
    d.define(g, T.T * gφ).define(F, T.T * Fφ * T)
    d.equal(g.T * v, MatMul(gφ.T, T * v), because="the change of the loss is kept")
    d.equal(v.T * F * v, MatMul((T * v).T, Fφ, T * v), because="the Fisher length is kept")
    d.equal(
        F * v + g,
        MatMul(T.T, MatAdd(MatMul(Fφ, T, v), gφ)),
        because=r"it does: $T$ is invertible, so one side is zero just when the other is",
    )
    return d


@derivation(chapter=CHAPTER)
def bernoulli_gap() -> Derivation:
    q, η, z = symbols("q eta z")
    in_log_odds = q / (q + (1 - q) * exp(-η / q))
    d = Derivation(
        "bernoulli-gap",
        title="One head, one natural step, two charts",
        problem=r"A step of $\eta(1-q)$ in probability, a step of $\eta/q$ in log-odds: how far "
        r"apart do they end?",
        domain={q: UNIT, η: POSITIVE},
        sampled={η: UNIT},
    )
    d.define(z, log(q / (1 - q)))
    d.equal(
        1 / (1 + exp(-(z + η / q))),
        in_log_odds,
        because=r"a step of $\eta/q$ in log-odds, read as a probability",
    )
    d.then_expand(
        q + η * (1 - q) + η**2 * (1 - q) * (1 - 2 * q) / (2 * q), η, 3, because=r"Taylor in $\eta$"
    )
    d.expand(
        in_log_odds - (q + η * (1 - q)),
        η**2 * (1 - q) * (1 - 2 * q) / (2 * q),
        η,
        3,
        because=r"less the step of $\eta(1 - q)$ in probability",
    )
    return d


@derivation(chapter=CHAPTER)
def gaussian_gap() -> Derivation:
    σ, S, η, u = symbols("sigma S eta u")
    d = Derivation(
        "gaussian-gap",
        title="One natural step for a standard deviation, or for a variance",
        problem=r"The data have mean square $S$ about the fixed mean. Take the step in $\sigma$, "
        r"or in "
        r"$\sigma^2$. How far apart do they end?",
        domain={σ: POSITIVE, S: POSITIVE, η: POSITIVE},
    )
    d.define(u, (S / σ - σ) / 2)
    d.equal(
        -(σ**2 / 2) * Derivative(log(σ) + S / (2 * σ**2), σ),
        Mul(HALF, S / σ - σ, evaluate=False),
        because=r"the velocity of $\sigma$, as $F = 2/\sigma^2$; call it $u$",
    )
    d.equal(
        (σ + η * u) ** 2 - (σ**2 + η * (2 * σ * u)),
        η**2 * u**2,
        because=r"the step in $\sigma$, squared, less the step in $\sigma^2$, whose velocity is "
        r"$2\sigma u$",
    )
    d.equal(
        σ + u,
        Mul(HALF, σ + S / σ, evaluate=False),
        because=r"$\eta = 1$ in $\sigma$: Heron's rule for $\sqrt S$",
    )
    d.equal(σ**2 + 2 * σ * u, S, because=r"$\eta = 1$ in $\sigma^2$: there at once")
    return d


@derivation(chapter=CHAPTER)
def flow_in_every_chart() -> Derivation:
    q0, t, m = symbols("q_0 t m")
    q = Function("q")(t)
    d = Derivation(
        "flow-in-every-chart",
        title="The natural flow of a coin",
        problem=r"Coins $q(t)$ that approach the mean of the data, $\bar y$, ever more slowly. Is "
        r"this "
        r"the flow in both charts?",
        domain={q0: UNIT, m: UNIT, t: POSITIVE},
        tex={m: r"\bar y"},
    )
    d.define(q, m + (q0 - m) * exp(-t))
    d.equal(
        Derivative(q, t),
        m - q,
        because=r"probability: $-F^{-1}\partial_q L = \bar y - q$, at every moment",
    )
    d.equal(
        Derivative(log(q) - log(1 - q), t),
        (m - q) / (q * (1 - q)),
        because=r"log-odds: $-F^{-1}\partial_z L = (\bar y - q)/(q(1-q))$, at every moment",
    )
    return d


@derivation(chapter=CHAPTER)
def exponential_step() -> Derivation:
    ω, w, t = symbols("omega_0 w t")
    q = Function("q")(t)
    d = Derivation(
        "exponential-step",
        title="The geodesic of the coin",
        problem=r"Walk at constant speed $w$ in the angle $\omega = 2\arcsin\sqrt q$, where $F "
        r"= 1$. "
        r"Does this walk solve the geodesic equation in probability, where $F = 1/(q(1-q))$?",
        domain={ω: Interval.open(0, pi), w: POSITIVE, t: Interval.open(0, (pi - ω) / w)},
    )
    d.define(q, sin((ω + w * t) / 2) ** 2)
    d.equal(
        Derivative(q, t),
        w * sin((ω + w * t) / 2) * cos((ω + w * t) / 2),
        because="its velocity in probability: it is not constant",
    )
    d.equal(
        Derivative(q, (t, 2)) + (2 * q - 1) / (2 * q * (1 - q)) * Derivative(q, t) ** 2,
        Integer(0),
        because=r"and yet $\ddot q + \Gamma\dot q^2 = 0$, with $\Gamma = \tfrac12 F'/F$",
    )
    return d


@derivation(chapter=CHAPTER)
def geodesic_correction() -> Derivation:
    q, η, z, v, w, Γq, Γz = symbols("q eta z v w Gamma_q Gamma_z")
    d = Derivation(
        "geodesic-correction",
        title="One correction, one more order",
        problem=r"The geodesic to second order is $\theta + \eta v - \tfrac12\eta^2\Gamma(v,v)$. "
        r"Do the "
        r"two charts of the coin now agree up to $\eta^2$?",
        domain={q: UNIT, η: POSITIVE},
        sampled={η: UNIT},
    )
    d.define(z, log(q / (1 - q))).define(v, 1 - q).define(w, 1 / q)
    d.define(Γq, (2 * q - 1) / (2 * q * (1 - q))).define(Γz, (1 - 2 * q) / 2)
    d.equal(
        q + η * v - η**2 * Γq * v**2 / 2,
        q + η * (1 - q) + η**2 * (1 - q) * (1 - 2 * q) / (4 * q),
        because=r"probability: $v = 1 - q$, $\Gamma = (2q-1)/(2q(1-q))$",
    )
    d.equal(
        z + η * w - η**2 * Γz * w**2 / 2,
        z + η / q - η**2 * (1 - 2 * q) / (4 * q**2),
        because=r"log-odds: $w = 1/q$, $\Gamma = (1-2q)/2$",
    )
    d.expand(
        1 / (1 + exp(-(z + η / q - η**2 * (1 - 2 * q) / (4 * q**2)))),
        q + η * (1 - q) + η**2 * (1 - q) * (1 - 2 * q) / (4 * q),
        η,
        3,
        because=r"the second, read as a probability: up to $\eta^2$ it is the first",
    )
    return d


@derivation(chapter=CHAPTER)
def mixture_flow() -> Derivation:
    μ, σ, a, b, A, B, V = symbols("mu sigma m_1 m_2 a b V")
    T = Matrix([[1, 0], [2 * μ, 2 * σ]])
    L = Function("L")(a, b)
    d = Derivation(
        "mixture-flow",
        title="The flow of a Gaussian in its expectation chart",
        problem=r"In the chart $m = (\mu, \mu^2 + \sigma^2)$, with data $\bar m$: where does "
        r"$-F^{-1}\partial_m L$ point?",
        domain={
            μ: Interval(-oo, oo),
            σ: POSITIVE,
            a: Interval(-oo, oo),
            b: Interval.open(a**2, oo),
        },
        tex={A: r"\bar x", B: r"\overline{x^2}"},
    )
    d.define(L, log(b - a**2) / 2 + (B - 2 * a * A + a**2) / (2 * (b - a**2)))
    d.define(V, b - a**2)
    d.equal(
        MatMul(T, diag(σ**2, σ**2 / 2), T.T, evaluate=False),
        Matrix([[σ**2, 2 * μ * σ**2], [2 * μ * σ**2, 4 * μ**2 * σ**2 + 2 * σ**4]]),
        because=r"$F^{-1}$ there, by $T F^{-1} T^\top$",
    )
    d.equal(
        V * Derivative(L, a) + 2 * a * V * Derivative(L, b),
        a - A,
        because=r"the first component of $F^{-1}\partial_m L$, with $V = \sigma^2$",
    )
    d.equal(
        2 * a * V * Derivative(L, a) + (4 * a**2 * V + 2 * V**2) * Derivative(L, b),
        b - B,
        because=r"the second: together $m - \bar m$, so downhill is straight at the data",
    )
    return d


@derivation(chapter=CHAPTER)
def exponential_flow() -> Derivation:
    θ, a, p = (symbols(f"{name}_1:3") for name in ("theta", "a", "p"))
    Z, Z_a = symbols("Z Z_a")
    F, D = MatrixSymbol("F", 2, 2), Function("D")(*θ)
    d = Derivation(
        "exponential-flow",
        title="The reverse divergence, in natural parameters",
        problem=r"Now the loss is $D = \mathrm{KL}(p\,\Vert\,p^*)$, and the target $p^*$ has the "
        r"natural "
        r"parameters $a$. Where does $-F^{-1}\partial_\theta D$ point?",
        valid_for=r"three classes, logits θ relative to class 3",
    )
    d.define(Z, 1 + exp(θ[0]) + exp(θ[1])).define(Z_a, 1 + exp(a[0]) + exp(a[1]))
    d.define(p[0], exp(θ[0]) / Z).define(p[1], exp(θ[1]) / Z)
    d.define(F, Matrix([[p[0] - p[0] ** 2, -p[0] * p[1]], [-p[0] * p[1], p[1] - p[1] ** 2]]))
    d.define(D, p[0] * (θ[0] - a[0]) + p[1] * (θ[1] - a[1]) + log(Z_a) - log(Z))
    d.equal(
        Matrix([Derivative(D, t) for t in θ]),
        F * Matrix([θ[0] - a[0], θ[1] - a[1]]),
        because=r"so $-F^{-1}\partial_\theta D = a - \theta$: straight at the target",
    )
    return d
