"""Checks of the chapter "Trust regions": whose KL is bounded, how exact the step is, what the clip
bounds, and what TRPO and PPO stand on.

Each is fed a statement as data, once as the book makes it and once in a false version.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.optimize import brentq, minimize_scalar

from ngdlib import trust_region as tr
from ngdlib.claims import Evidence, claim
from ngdlib.families import Bernoulli

COIN = Bernoulli("probability")
RARE = 0.01  # how often the rare state is seen


def _kl(old: float, new: float) -> float:
    return float(COIN.kl([old], [new]))


def _near(found, stated, tolerance: float = 1e-3) -> bool:
    return bool(np.all(np.abs(np.asarray(found) / np.asarray(stated) - 1) < tolerance))


@cache
def _rare_state():
    """One TRPO step on two even coins: one seen 99 times of 100, the other with high stakes."""
    start = [1 - RARE, RARE]
    task = tr.problem(np.ones((2, 2, 2)) / 2, [[0.1, 0.0], [10.0, 0.0]], start, 0.0)
    _, info = tr.trpo_step(task, np.zeros((2, 2)), 0.01, cg_damping=1e-12)
    return info


@claim(
    "S1-48",
    verdict="holds under conditions",
    where="trust-regions-mean-or-worst",
    paraphrase="TRPO maximises the expected ratio times advantage subject to KL(old‖new) ≤ δ.",
    correct="A policy has a KL divergence in each state. The practical method bounds their mean "
    "over the visits of the old policy, which leaves a rare state free: at δ = 0.01 a step with "
    "the mean 0.0078 has 0.77 in a state that is seen once in a hundred. The theory behind it "
    "bounds the largest.",
    heard="TRPO keeps the KL divergence between old and new policy below δ.",
    fact="Its mean over the states visited. At δ = 0.01, with the mean at 0.0078, a rare state "
    "may have 0.77.",
    truth={"mean": 0.0078213, "worst": 0.772323},
    control={"mean": 0.0078213, "worst": 0.0078213},
    control_name="a KL divergence that is the same in all states",
)
def mean_over_states(stated) -> Evidence:
    info = _rare_state()
    return Evidence(
        info.accepted and _near([info.kl, info.max_kl], [stated["mean"], stated["worst"]]),
        {"mean KL of the step": info.kl, "largest KL of a state": info.max_kl},
        "Two even coins, seen in 99 and 1 of 100 pulls, stakes 0.1 and 10; one step of TRPO.",
        {
            "δ = 0.01": 0.01,
            "0.0078": info.kl,
            "0.77": info.max_kl,
            "once in a hundred": RARE == 1 / 100,
        },
    )


@cache
def _logit_steps():
    """{δ: KL/δ} of the natural step in log-odds of an arm at 0.1, and the exact optimum."""
    found = {}
    for δ in (0.1, 1e-4, 1e-6, 2.5e-7):
        z = np.log(0.1 / 0.9) + np.sqrt(2 * δ / 0.09)
        found[δ] = _kl(0.1, 1 / (1 + np.exp(-z))) / δ
    exact = brentq(lambda q: _kl(0.1, q) - 0.1, 0.1, 0.9, xtol=1e-14)
    return found, exact


@claim(
    "S1-49",
    verdict="first order only",
    where="trust-regions-miss",
    paraphrase="The constrained problem of TRPO is exactly a natural gradient step with the Fisher "
    "matrix of the policy.",
    correct="It is one to leading order in √δ: after the objective is made linear and the KL "
    "quadratic. From an arm at 0.1 the natural step in logits at δ = 0.1 has 1.466 times the KL "
    "allowed and lands at 0.330; the best allowed policy is at 0.282. At δ = 0.0001 the factor is "
    "1.013. The excess shrinks like √δ, not like δ.",
    heard="TRPO's constrained problem is exactly a natural gradient step.",
    fact="To leading order. In the opening the step has 1.466 times the KL allowed at δ = 0.1, and "
    "1.013 at 0.0001: hence TRPO's line search.",
    truth={"KL over δ at 0.1": 1.465981, "at 0.0001": 1.012655, "excess over √δ": 1.257079},
    control={"KL over δ at 0.1": 1.0, "at 0.0001": 1.0, "excess over √δ": 0.0},
    control_name="a step that has exactly the KL allowed",
)
def exactly_a_natural_step(stated) -> Evidence:
    """The step is TRPO's without its search; the slope is extrapolated from two radii."""
    found, exact = _logit_steps()
    task, logits = tr.bandit([1.0, 0.0, 0.0]), np.log([[0.1, 0.3, 0.6]])
    whole = logits + np.sqrt(2 * 0.1 / 0.09) * tr.natural_policy_gradient(task, logits)
    once = float(tr.state_kl(logits, whole)[0]) / 0.1
    now = tr.evaluate(task, logits)
    best, _ = tr.best_in_region(tr.policy(logits), now.advantage, now.visits, 0.1)
    slopes = [(found[δ] - 1) / np.sqrt(δ) for δ in (1e-6, 2.5e-7)]
    slope = 2 * slopes[1] - slopes[0]
    return Evidence(
        _near(
            [found[0.1], once, found[1e-4], slope],
            [stated["KL over δ at 0.1"]] * 2 + [stated["at 0.0001"], stated["excess over √δ"]],
        )
        if stated["excess over √δ"]
        else False,
        {
            "KL over δ at δ = 0.1": once,
            "KL over δ at δ = 0.0001": found[1e-4],
            "excess over √δ, as δ goes to 0": slope,
            "best allowed probability of the arm": exact,
        },
        "Three arms at 0.1, 0.3, 0.6; the first pays 1.",
        {
            "arm at 0.1": 0.1,
            "δ = 0.1": 0.1,
            "1.466": once,
            "0.330": tr.policy(whole)[0, 0],
            "0.282": best[0, 0],
            "δ = 0.0001": 1e-4,
            "at 0.0001": 1e-4,
            "1.013": found[1e-4],
        },
    )


def _clipped(q: float, clip: float = 0.2) -> float:
    """PPO's objective of a policy that pulls the good arm at q instead of 0.1."""
    pi, new, A = np.array([0.1, 0.9]), np.array([q, 1 - q]), np.array([0.9, -0.1])
    return float(pi @ tr.clipped_surrogate(new / pi, A, clip))


@claim(
    "S1-50",
    verdict="holds under conditions",
    where="trust-regions-clip",
    paraphrase="PPO replaces the hard KL constraint of TRPO by a clipped objective, with the same "
    "motivation.",
    correct="The motive is the same, the bound is not kept. In the opening, with a clip of 0.2, "
    "every policy that pulls the good arm at 0.28 or more maximises the clipped objective: one "
    "with the KL 0.098 at 0.28, one with 1.76 at 0.9. What the clip bounds is the gain that is "
    "credited, here 0.036.",
    heard="PPO's clip does what TRPO's KL constraint does, more simply.",
    fact="It bounds the credited gain, here 0.036, and no KL: among its maximisers are 0.28, with "
    "KL 0.098, and 0.9, with 1.76.",
    truth={"credited at most": 0.036, "from": 0.28, "KL there": 0.0978673, "KL at 0.9": 1.75778},
    control={
        "credited at most": 0.036,
        "from": 0.28,
        "KL there": 0.0978673,
        "KL at 0.9": 0.0978673,
    },
    control_name="a KL that the clip bounds",
)
def what_the_clip_bounds(stated) -> Evidence:
    """The maximum over a grid, the least maximiser by bisection, KL at two maximisers."""
    q = np.linspace(0.001, 0.999, 999)
    top = max(_clipped(x) for x in q)
    least = brentq(lambda x: _clipped(x) - top + 1e-12, 0.1, 0.9, xtol=1e-13)
    flat = abs(_clipped(0.9) - top) < 1e-12 and abs(_clipped(0.999) - top) < 1e-12
    return Evidence(
        flat
        and _near(
            [top, least, _kl(0.1, least), _kl(0.1, 0.9)],
            [stated[k] for k in ("credited at most", "from", "KL there", "KL at 0.9")],
        ),
        {
            "largest clipped objective": top,
            "least probability that reaches it": least,
            "KL there": _kl(0.1, least),
            "KL of another maximiser, at 0.9": _kl(0.1, 0.9),
        },
        "An arm at 0.1 that pays 1, against arms that pay 0.",
        {
            "clip of 0.2": 0.2,
            "at 0.28": least,
            "are 0.28": least,
            "0.098": _kl(0.1, least),
            "1.76": _kl(0.1, 0.9),
            "at 0.9": 0.9,
            "0.9, with": 0.9,
            "0.036": top,
        },
    )


@cache
def _improvement():
    """On a problem of four states: the order in which value and surrogate differ, and the slack
    of the bound with C = 4 gamma max|A|/(1 - gamma)^2 over random policies."""
    rng = np.random.default_rng(3)
    task = tr.problem(
        rng.dirichlet(np.ones(4), (4, 3)),
        rng.standard_normal((4, 3)),
        rng.dirichlet(np.ones(4)),
        0.8,
    )
    logits = rng.standard_normal((4, 3))
    old, v = tr.evaluate(task, logits), tr.natural_policy_gradient(task, logits)

    def apart(t):
        new = logits + t * v
        gain = tr.evaluate(task, new).value - old.value
        return abs(gain - tr.surrogate(task, old, new))

    order = np.log2(apart(2e-4) / apart(1e-4))
    moves = logits + np.exp(rng.uniform(-4, 1, (200, 1, 1))) * rng.standard_normal((200, 4, 3))
    gains = tr.evaluate(task, moves).value - old.value
    promised = np.array([tr.surrogate(task, old, m) for m in moves])
    worst = np.array([tr.state_kl(logits, m).max() for m in moves])
    size = np.abs(old.advantage).max()
    return order, size, gains - promised, worst


@cache
def _guaranteed(C: float, A: float = 0.5, gamma: float = 0.99) -> float:
    """KL of the step x that maximises 2 A x/(1 - gamma) - C KL(1/2, 1/2 + x)."""
    found = minimize_scalar(
        lambda x: C * _kl(0.5, 0.5 + x) - 2 * A * x / (1 - gamma),
        bounds=(0, 0.4), method="bounded", options={"xatol": 1e-14},
    )  # fmt: skip
    return _kl(0.5, 0.5 + found.x)


@claim(
    "S1-95",
    verdict="holds under conditions",
    where="trust-regions-the-bound",
    paraphrase="Natural gradient is the theoretical basis of TRPO and PPO: trust regions in policy "
    "space are KL divergence constraints.",
    correct="It gives TRPO its direction. What makes a region worth trusting is another theorem: "
    "the value differs from the surrogate by a term of order 2, which is at most C = "
    "4γ max|A|/(1−γ)² times the largest KL. Taken at its word, at γ = 0.99 that allows two actions "
    "at ½, worth ±½, a KL of 0.0000032, not 0.01. PPO shares the motive, and neither the "
    "constraint nor the bound.",
    heard="Natural gradient is the theoretical basis of TRPO and PPO.",
    fact="Of TRPO's direction. Its guarantee is a bound on what the policy's value loses; PPO has "
    "neither that nor a KL constraint.",
    truth={
        "C": lambda eps, gamma: 4 * eps * gamma / (1 - gamma) ** 2,
        "order of the difference": 2.0,
        "KL that is guaranteed": 3.188430e-6,
    },
    control={
        "C": lambda eps, gamma: 4 * eps * gamma / (1 - gamma) ** 2,
        "order of the difference": 2.0,
        "KL that is guaranteed": 0.01,
    },
    control_name="δ = 0.01 as what the theorem allows",
)
def theoretical_basis(stated) -> Evidence:
    """The bound over 200 random policies, its order, and the best step that it allows."""
    order, size, slack, worst = _improvement()
    C = float(stated["C"](0.5, 0.99))
    kept = bool(np.all(slack >= -float(stated["C"](size, 0.8)) * worst - 1e-12))
    allowed = _guaranteed(C) if C > 0 else np.nan
    other = float(stated["C"](2.0, 0.95))  # at other advantages and another discount
    again = _guaranteed(other, 2.0, 0.95) if other > 0 else np.nan
    return Evidence(
        kept
        and C > 0
        and _near(
            [order, allowed], [stated["order of the difference"], stated["KL that is guaranteed"]]
        )
        and _near([allowed, again], [0.01**2 / (32 * 0.99**2), 0.05**2 / (32 * 0.95**2)]),
        {
            "order in which value and surrogate differ": order,
            "C for advantages of ±½ at γ = 0.99": C,
            "KL of the guaranteed step": allowed,
        },
        "Four states, three actions, 200 random policies; then two actions in one state.",
        {
            "order 2": round(order, 2),
            "4γ max|A|/(1−γ)²": kept,
            "γ = 0.99": 0.99,
            "at ½, worth": 0.5,
            "±½": 0.5,
            "0.0000032": allowed,
            "not 0.01": 0.01,
        },
    )
