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
by_q, by_z = Symbol("qdot_prob"), Symbol("qdot_logodds")
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
        buys="Gradient and velocity pick up the same factor on opposite sides, "
        "so that their product has no chart.",
        domain={θ: LINE, t: LINE},
    )
    slope = Subs(Derivative(L(u), u), u, φ(θ))
    d.equal(Derivative(L(φ(θ)), θ), Derivative(φ(θ), θ) * slope,
            because="gradient: from φ to θ, times ∂φ/∂θ")  # fmt: skip
    rate = Subs(Derivative(φ(u), u), u, curve(t))
    d.equal(Derivative(φ(curve(t)), t), rate * Derivative(curve(t), t),
            because="velocity: from θ to φ, times ∂φ/∂θ")  # fmt: skip
    return d


@derivation(chapter=CHAPTER)
def a_chart_is_a_preconditioner() -> Derivation:
    """Several coordinates: gradients move with Tᵀ, velocities with T, and descent with neither."""
    T, g = MatrixSymbol("T", 2, 2), MatrixSymbol("g", 2, 1)
    G, Δ = MatrixSymbol("g_phi", 2, 1), MatrixSymbol("Delta", 2, 1)
    d = Derivation(
        "chart-as-preconditioner",
        title="What a descent step taken in φ does to θ",
        buys="A matrix that says, for any chart, how descent in it looks from another one.",
        domain={T: "invertible"},
        valid_for="two parameters",
        tex={g: r"g_{\theta}", G: r"g_{\phi}", Δ: r"\Delta\theta"},
    )
    d.solve(Eq(T.T * G, g), G, T.T.I * g, because="gradients: the chain rule, solved for g_φ")
    d.solve(Eq(T * Δ, -η * T.T.I * g), Δ, -η * T.I * T.T.I * g,
            because="velocities: the step −ηg_φ is TΔθ")  # fmt: skip
    one_matrix = sp.MatMul(-η, sp.Inverse(T.T * T), g)  # as a product with * it would fall apart
    d.solve(Eq((T.T * T) * Δ, -η * g), Δ, one_matrix,
            because="the same step, in one matrix")  # fmt: skip
    return d


@derivation(chapter=CHAPTER)
def coin_speeds() -> Derivation:
    """How fast the probability changes along the gradient flow of either chart."""
    d = Derivation(
        "coin-speeds",
        title="One coin, two flows, both seen in probability",
        buys="The factor between the two walkers, and why no constant step size removes it.",
        domain={q: UNIT, z: LINE, ȳ: UNIT},
        tex={**TEX, by_q: r"\dot q_{\text{prob}}", by_z: r"\dot q_{\text{log-odds}}"},
    )
    logistic(d)
    speed = (ȳ - q) / (q * (1 - q))
    d.define(by_q, speed).define(by_z, q * (1 - q) * (ȳ - q))
    d.equal(-Derivative(coin_loss, q), speed, because="probability: dq/dt is minus the slope")
    d.equal(-Derivative(sp.log(1 + exp(z)) - ȳ * z, z), ȳ - σ(z),
            because="log-odds: dz/dt is minus the slope")  # fmt: skip
    d.equal(Derivative(σ(z), z) * (ȳ - σ(z)), σ(z) * (1 - σ(z)) * (ȳ - σ(z)),
            because="seen in probability: dq/dt = dq/dz · dz/dt")  # fmt: skip
    d.equal(by_z / by_q, (q * (1 - q)) ** 2, because="that speed divided by the first")
    return d


@derivation(chapter=CHAPTER)
def euler_error() -> Derivation:
    """One step of descent against the flow after time η, and many steps after time t."""
    slope, bend = sp.symbols("L_1 L_2")  # L' and L'' where the step begins
    d = Derivation(
        "euler-error",
        title="What a step of descent leaves out",
        buys="The size of the error of one step, and of all the steps up to a fixed time.",
        domain={t: POSITIVE, η: Interval.open(0, 1), k: POSITIVE},
        tex={slope: "L'", bend: "L''"},
    )
    d.equal(Derivative(-η * slope + HALF * η**2 * slope * bend, η), -(slope + bend * (-η * slope)),
            because="the flow to second order, L′ and L″ at the start: "
            "its slope in η is −L′ at θ − ηL′, that is −L′ + ηL′L″ + O(η²)")  # fmt: skip
    d.expand((1 - η * k) - exp(-η * k), -HALF * η**2 * k**2, var=η, order=3,
             because="the bowl ½kθ²: step minus flow, per unit of θ")  # fmt: skip
    d.expand((1 - η * k) ** (t / η) * exp(k * t), 1 - HALF * t * k**2 * η, var=η, order=2,
             because="t/η steps against the flow at time t")  # fmt: skip
    return d


@derivation(chapter=CHAPTER)
def stability_limit() -> Derivation:
    """The step size beyond which descent moves away from a minimum, and what it is for a coin."""
    d = Derivation(
        "stability-limit",
        title="How large a step may be",
        buys="The step size at which descent stops settling, in each chart of the coin.",
        domain={θ: LINE, η: POSITIVE, k: POSITIVE, q: UNIT, z: LINE, ȳ: UNIT},
        tex=TEX,
    )
    logistic(d)
    d.equal((θ - η * k * θ) ** 2 - θ**2, η * k * (η * k - 2) * θ**2,
            because="is the distance to the minimum smaller after a step?")  # fmt: skip
    d.solve(Eq(η * k - 2, 0), η, 2 / k, because="it stays the same; beyond, it grows")
    d.equal(Subs(Derivative(coin_loss, q, 2), q, ȳ), 1 / (ȳ * (1 - ȳ)),
            because="curvature at the minimum, in probability")  # fmt: skip
    d.equal(Derivative(sp.log(1 + exp(z)) - ȳ * z, z, 2), σ(z) * (1 - σ(z)),
            because="in log-odds; at the minimum σ(z) = ȳ")  # fmt: skip
    return d
