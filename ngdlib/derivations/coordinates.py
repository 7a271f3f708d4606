"""The derivations of the chapter on coordinates: gradients, velocities, descent and its flow."""

from __future__ import annotations

import sympy as sp
from sympy import Derivative, Eq, Function, Interval, MatrixSymbol, Rational, Subs, Symbol, exp, oo

from ngdlib.derivations import derivation
from ngdlib.derive import Derivation

CHAPTER = "coordinates"
q, z, θ, η, k, t = (Symbol(name) for name in ("q", "z", "theta", "eta", "k", "t"))
ȳ = Symbol("ybar")
σ, L, φ, curve = Function("sigma"), Function("L"), Function("phi"), Function("theta")
HALF = Rational(1, 2)
coin_loss = -ȳ * sp.log(q) - (1 - ȳ) * sp.log(1 - q)
TEX = {ȳ: r"\bar y"}
UNIT = Interval.open(0, 1)
LINE = Interval.open(-oo, oo)
POSITIVE = Interval.open(0, oo)


def logistic(d: Derivation) -> Derivation:
    return d.define(σ(z), 1 / (1 + exp(-z)))


@derivation(chapter=CHAPTER)
def gradients_and_velocities() -> Derivation:
    """One coordinate: the slope in θ, the speed in φ, and the product that both charts share."""
    u = Symbol("u")
    d = Derivation(
        "gradients-and-velocities",
        title="A gradient and a velocity under a change of chart",
        problem="What happens to the slope of a loss, and to the speed of a moving point, when "
        "$\\theta$ is written as $\\phi(\\theta)$?",
        domain={θ: LINE, t: LINE},
    )
    slope = Subs(Derivative(L(u), u), u, φ(θ))
    d.equal(Derivative(L(φ(θ)), θ), Derivative(φ(θ), θ) * slope,
            because=r"gradient: from $\phi$ to $\theta$, times $\phi'(\theta)$")  # fmt: skip
    rate = Subs(Derivative(φ(u), u), u, curve(t))
    d.equal(Derivative(φ(curve(t)), t), rate * Derivative(curve(t), t),
            because=r"velocity: from $\theta$ to $\phi$, times the same")  # fmt: skip
    return d


@derivation(chapter=CHAPTER)
def a_chart_is_a_preconditioner() -> Derivation:
    """Several coordinates: gradients move with Tᵀ, velocities with T, and descent with neither."""
    T, g = MatrixSymbol("T", 2, 2), MatrixSymbol("g", 2, 1)
    G, Δ = MatrixSymbol("g_phi", 2, 1), MatrixSymbol("Delta", 2, 1)
    d = Derivation(
        "chart-as-preconditioner",
        title="What a descent step taken in φ does to θ",
        problem="A gradient obeys $g_\\theta = T^\\top g_\\phi$, a displacement $\\Delta\\phi = "
        "T\\Delta\\theta$. Descend in $\\phi$, by $-\\eta g_\\phi$: what does $\\theta$ do?",
        domain={T: "invertible"},
        valid_for="two parameters",
        tex={g: r"g_{\theta}", G: r"g_{\phi}", Δ: r"\Delta\theta"},
    )
    d.solve(Eq(T.T * G, g), G, T.T.I * g, because=r"the gradient, carried to $\phi$")
    d.solve(Eq(T * Δ, -η * T.T.I * g), Δ, -η * T.I * T.T.I * g,
            because=r"the step there, $-\eta g_\phi$, carried back")  # fmt: skip
    one_matrix = sp.MatMul(-η, sp.Inverse(T.T * T), g)  # as a product with * it would fall apart
    d.solve(Eq((T.T * T) * Δ, -η * g), Δ, one_matrix,
            because=r"the same in one matrix: $T^{-1}T^{-\top} = (T^\top T)^{-1}$")  # fmt: skip
    return d


@derivation(chapter=CHAPTER)
def coin_speeds() -> Derivation:
    """How fast the probability changes along the gradient flow of either chart."""
    d = Derivation(
        "coin-speeds",
        title="One coin, two flows, both seen in probability",
        problem="Each person flows down the slope in a chart of their own. How fast does the "
        "probability move, for the one and for the other?",
        domain={q: UNIT, z: LINE, ȳ: UNIT},
        tex=TEX,
    )
    logistic(d)
    speed = (ȳ - q) / (q * (1 - q))
    d.equal(
        -Derivative(coin_loss, q),
        speed,
        because=r"probability: $\dot q$ is minus the slope of $L$ by $q$",
    )
    d.equal(-Derivative(sp.log(1 + exp(z)) - ȳ * z, z), ȳ - σ(z),
            because=r"log-odds: $\dot z$ is minus the slope of the same loss by $z$")  # fmt: skip
    d.equal(Derivative(σ(z), z) * (ȳ - σ(z)), σ(z) * (1 - σ(z)) * (ȳ - σ(z)),
            because=r"seen in probability: $\dot q = \frac{dq}{dz}\,\dot z$")  # fmt: skip
    second = sp.Mul(q, 1 - q, ȳ - q, evaluate=False)  # in z it would be the line above
    square = sp.Pow(sp.Mul(q, 1 - q, evaluate=False), 2, evaluate=False)
    d.equal(second, sp.Mul(square, speed, evaluate=False),
            because=r"with $\sigma(z) = q$: this factor times the first, "
            r"at the optimum too, where both are 0")  # fmt: skip
    return d


@derivation(chapter=CHAPTER)
def euler_error() -> Derivation:
    """The flow's acceleration; one step of descent and many steps against the flow of a bowl."""
    u = Symbol("u")
    d = Derivation(
        "euler-error",
        title="What a step of descent leaves out",
        problem="How does the flow change its velocity on the way, and how far from it do steps "
        "of size $\\eta$ end: one, and as many as fill a time $t$?",
        domain={t: POSITIVE, η: POSITIVE, k: POSITIVE},
        sampled={η: UNIT},
    )
    slope, bend = (Subs(Derivative(L(u), u, n), u, curve(t)) for n in (1, 2))
    d.equal(Derivative(-slope, t), -bend * Derivative(curve(t), t),
            because=r"any loss: the velocity is $-L'$, so this, its rate, is $L'L''$")  # fmt: skip
    d.expand((1 - η * k) - exp(-η * k), -HALF * η**2 * k**2, var=η, order=3,
             because=r"the bowl $\tfrac12k\theta^2$: step minus flow, at $\theta = 1$")  # fmt: skip
    d.expand((1 - η * k) ** (t / η) * exp(k * t), 1 - HALF * t * k**2 * η, var=η, order=2,
             because=r"$t/\eta$ steps, divided by the flow at time $t$")  # fmt: skip
    return d


@derivation(chapter=CHAPTER)
def stability_limit() -> Derivation:
    """The step size beyond which descent moves away from a minimum, and what it is for a coin."""
    d = Derivation(
        "stability-limit",
        title="How large a step may be",
        problem="On a bowl of curvature $k$ a step takes $\\theta$ to $\\theta - \\eta k\\theta$. "
        "Up to which $\\eta$ is that nearer to the minimum, and what is $k$ for a coin?",
        domain={θ: LINE, η: POSITIVE, k: POSITIVE, q: UNIT, z: LINE, ȳ: UNIT},
        tex=TEX,
    )
    logistic(d)
    d.equal((θ - η * k * θ) ** 2 - θ**2, η * k * (η * k - 2) * θ**2,
            because="squared distance after minus before: negative while it helps")  # fmt: skip
    d.solve(
        Eq(η * k - 2, 0), η, 2 / k, because=r"where it neither shrinks nor grows; beyond, it grows"
    )
    d.equal(Subs(Derivative(coin_loss, q, 2), q, ȳ), 1 / (ȳ * (1 - ȳ)),
            because=r"the coin: curvature at its minimum $q = \bar y$, in probability")  # fmt: skip
    d.equal(Derivative(sp.log(1 + exp(z)) - ȳ * z, z, 2), σ(z) * (1 - σ(z)),
            because=r"in log-odds; at the minimum $\sigma(z) = \bar y$")  # fmt: skip
    return d
