"""Checks of the chapter "Three classes on a sphere": logits, their Fisher matrix, steps without it.

Each is fed a statement as data, once as the book makes it and once in a false version.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from ngdlib import simplex
from ngdlib.claims import Evidence, claim
from ngdlib.descent import natural_direction, pseudo_natural_direction
from ngdlib.families import Categorical

FORECAST, TRUTH = np.array([0.90, 0.09, 0.01]), np.array([0.01, 0.09, 0.90])
SIZES = (2, 3, 5, 12)


@cache
def _places():
    """Pairs (p, ȳ) for several K; the first is the forecast of the chapter."""
    rng = np.random.default_rng(11)
    drawn = [tuple(rng.dirichlet(np.full(K, 2.0), size=2)) for K in SIZES]
    return [(FORECAST, TRUTH), *drawn]


def _fisher(p):
    return Categorical(len(p), "logits").fisher(np.log(p))


@claim(
    "S1-28",
    verdict="holds",
    where="categorical-fisher",
    paraphrase="The Fisher matrix of K softmax logits is diag(p) − ppᵀ, and its rank is K − 1.",
    correct="F = diag(p) − ppᵀ has rank K − 1 wherever all probabilities are positive: its only "
    "null direction is all logits up together. Without one row and column its determinant is "
    "the product of all K probabilities, 0.00081 for the forecast of the chapter.",
    heard="The Fisher matrix of softmax logits has rank K − 1.",
    fact="True where all p are positive. Leave out one class, and the determinant is the product "
    "of the p: 0.00081 in the opening.",
    truth={"F": lambda p: np.diag(p) - np.outer(p, p), "K less the rank": 1, "det over Πp": 1.0},
    control={"F": lambda p: np.diag(p), "K less the rank": 0, "det over Πp": 1.0},
    control_name="diag(p), which has full rank: what is left when classes do not compete",
)
def fisher_of_softmax(stated) -> Evidence:
    """The mean of ssᵀ over all outcomes, its rank by singular values, its minors."""
    worst, lacking, minors, here = 0.0, set(), [], np.nan
    for p, _ in _places():
        K, z = len(p), np.log(p)
        model = Categorical(K, "logits")
        s = model.score(np.arange(K), np.broadcast_to(z, (K, K)))
        F = np.einsum("k,ki,kj->ij", p, s, s)
        worst = max(worst, float(np.abs(stated["F"](p) - F).max() / np.abs(F).max()))
        lacking.add(K - int(np.linalg.matrix_rank(F, tol=1e-12)))
        minors += [np.linalg.det(np.delete(np.delete(F, j, 0), j, 1)) / p.prod() for j in range(K)]
        if p is FORECAST:
            here = float(np.linalg.det(F[:2, :2]))
    return Evidence(
        worst < 1e-4
        and lacking == {stated["K less the rank"]}
        and float(np.abs(np.array(minors) - stated["det over Πp"]).max()) < 1e-6,
        {
            "K less the rank, the largest found": max(lacking),
            "largest relative error of the stated F": worst,
            "determinant without a class, over Πp": float(np.mean(minors)),
        },
        "K = 2, 3, 5 and 12 classes; F as the mean of ssᵀ over the outcomes.",
        {"rank K − 1": lacking == {1}, "0.00081": here, "K − 1": lacking == {1}},
    )


@claim(
    "S1-29",
    verdict="false as stated",
    where="categorical-divide-by-p",
    paraphrase="Because the matrix is singular, the natural gradient of softmax logits needs the "
    "pseudoinverse or damping.",
    correct="It needs neither. The gradient of a loss that depends on p alone has entries that sum "
    "to zero, and then F(g/p) = g: divide by p. The pseudoinverse, g/p and the solutions with one "
    "logit held fixed differ by a multiple of 1, which softmax removes, for every step size. "
    "Damping is the one that gives another step.",
    heard="The natural gradient of softmax needs the pseudoinverse or damping.",
    fact="It needs neither: divide the gradient by p. The pseudoinverse gives the same step of p, "
    "and damping another.",
    truth={"v": lambda g, p: g / p, "velocity of p over ȳ − p": 1.0},
    control={
        "v": lambda g, p: np.linalg.solve(_fisher(p) + 0.01 * np.eye(len(p)), g),
        "velocity of p over ȳ − p": 1.0,
    },
    control_name="the damped system with λ = 0.01 as the natural gradient",
)
def divide_by_p(stated) -> Evidence:
    """Fv = g by the stated v, and the steps of p by all other solutions, for three step sizes."""
    residual, apart, ratio = 0.0, 0.0, []
    for p, target in _places():
        g, F = p - target, _fisher(p)
        v = np.asarray(stated["v"](g, p), dtype=float) * np.ones(len(p))
        residual = max(residual, float(np.abs(F @ v - g).max() / np.abs(g).max()))
        moving = np.abs(g) > 0.01
        ratio += list(simplex.velocity(p, -v)[moving] / -g[moving])
        others = [-pseudo_natural_direction(F, g)[0]]
        for j in range(len(p)):
            kept = np.arange(len(p)) != j
            held = np.zeros(len(p))
            held[kept] = -natural_direction(F[np.ix_(kept, kept)], g[kept])
            others.append(held)
        for η in (0.05, 0.5, 3.0):
            ends = [simplex.moved(p, -η * w) for w in (v, *others)]
            apart = max(apart, float(np.ptp(ends, axis=0).max()))
    agree = np.abs(np.array(ratio) - stated["velocity of p over ȳ − p"]).max() < 1e-6
    return Evidence(
        residual < 1e-6 and apart < 1e-6 and bool(agree),
        {
            "largest relative residual of Fv = g": residual,
            "largest difference of p between all solutions": apart,
        },
        "The stated v, the pseudoinverse, and each logit held fixed in turn; steps 0.05, 0.5, 3.",
        {"multiple of 1": residual < 1e-9 and apart < 1e-9},
    )


@claim(
    "S1-30",
    verdict="holds under conditions",
    where="categorical-damping",
    paraphrase="The natural gradient of softmax logits is displayed as (F + λI)⁻¹g.",
    correct="It is the natural gradient in the limit λ → 0 only. λ counts in units of the logits: "
    "of a direction with the eigenvalue h it keeps h/(h + λ). At λ = 0.01 the opening's forecast "
    "moves at (−0.700, 0.164, 0.536) instead of (−0.89, 0, 0.89): snow, which is right, moves too. "
    "No eigenvalue exceeds ½, so at λ = 1 no share exceeds ⅓.",
    heard="(F + λI)⁻¹g is the natural gradient of softmax logits.",
    fact="For λ → 0. At λ = 0.01 the opening's forecast moves at (−0.700, 0.164, 0.536), not at "
    "(−0.89, 0, 0.89).",
    truth={
        "velocity at λ = 0.01": (-0.700046, 0.163958, 0.536088),
        "velocity as λ → 0": (-0.89, 0.0, 0.89),
        "largest eigenvalue": 0.5,
    },
    control={
        "velocity at λ = 0.01": (-0.89, 0.0, 0.89),
        "velocity as λ → 0": (-0.89, 0.0, 0.89),
        "largest eigenvalue": 0.5,
    },
    control_name="the damped formula as the natural gradient, at any λ",
)
def damped_is_another(stated) -> Evidence:
    """Velocities of p by a dense solve of the damped system, and the eigenvalues of F."""
    g, F = FORECAST - TRUTH, _fisher(FORECAST)

    def velocity(λ):
        return F @ natural_direction(F, g, damping=λ)

    small = 1e-6
    limit = 2 * velocity(small / 2) - velocity(small)
    at = velocity(0.01)
    near = _fisher(np.array([0.5 - 1e-9, 0.5 - 1e-9, 2e-9]))
    values, V = np.linalg.eigh(near)
    edge = values[-1]
    rng = np.random.default_rng(3)
    largest = max(np.linalg.eigvalsh(_fisher(p))[-1] for p in rng.dirichlet(np.full(4, 0.3), 200))
    kept = natural_direction(near, -near @ V[:, -1], damping=1.0)  # of a step V, undamped
    share = float(kept @ V[:, -1])
    gaps = [
        np.abs(at - stated["velocity at λ = 0.01"]),
        np.abs(limit - stated["velocity as λ → 0"]),
    ]
    return Evidence(
        max(np.abs(gap).max() for gap in gaps) < 5e-4
        and abs(edge / stated["largest eigenvalue"] - 1) < 1e-3
        and largest <= stated["largest eigenvalue"] * (1 + 1e-9),
        {
            "snow's velocity at λ = 0.01": at[1],
            "snow's velocity as λ → 0": limit[1],
            "largest eigenvalue found near p = (½, ½, 0)": edge,
        },
        "The forecast (0.90, 0.09, 0.01), the truth (0.01, 0.09, 0.90).",
        {
            "λ → 0": bool(np.abs(limit - (TRUTH - FORECAST)).max() < 1e-6),
            "λ = 0.01": 0.01,
            "−0.700": at[0],
            "0.164": at[1],
            "0.536": at[2],
            "(−0.89, 0, 0.89)": bool(np.abs(limit - [-0.89, 0, 0.89]).max() < 1e-6),
            "½": edge,
            "λ = 1": 1.0,
            "⅓": round(share, 7),
        },
    )


@claim(
    "S1-31",
    verdict="holds",
    where="categorical-damping",
    paraphrase="With damping, the natural gradient of softmax is tractable for moderate K.",
    correct="For any K: v = (g − rp)/(p + λ), with r = Σ[g/(p + λ)] / Σ[p/(p + λ)], takes some ten "
    "operations a class and no matrix. At λ = 0 it is the pseudoinverse.",
    heard="With damping it is tractable for a moderate number of classes.",
    fact="For any number: v = (g − rp)/(p + λ), with one number r for all classes. No matrix is "
    "needed.",
    truth=lambda g, p, λ: (g - p * np.sum(g / (p + λ)) / np.sum(p / (p + λ))) / (p + λ),
    control=lambda g, p, λ: g / (p + λ),
    control_name="the matrix without its part −ppᵀ",
)
def damped_without_a_matrix(v) -> Evidence:
    """The stated formula against dense solves, and its residual for 50,000 classes."""
    worst = 0.0
    for p, target in _places():
        g, F = p - target, _fisher(p)
        for λ in (0.01, 1.0):
            wanted = -natural_direction(F, g, damping=λ)
            found = np.asarray(v(g, p, λ), dtype=float) * np.ones(len(p))
            worst = max(worst, float((np.abs(found - wanted) / np.abs(wanted).max()).max()))
        wanted = -pseudo_natural_direction(F, g)[0]
        found = np.asarray(v(g, p, 0.0), dtype=float) * np.ones(len(p))
        worst = max(worst, float((np.abs(found - wanted) / np.abs(wanted).max()).max()))
    p = 1 / np.arange(1.0, 50_001)
    p /= p.sum()
    g = p.copy()
    g[999] -= 1
    many = np.asarray(v(g, p, 0.01), dtype=float) * np.ones(len(p))
    residual = float(np.abs((p + 0.01) * many - p * (p @ many) - g).max())
    return Evidence(
        worst < 5e-4 and residual < 5e-4,
        {"largest relative error, K to 12": worst, "residual at K = 50,000": residual},
        "Dense solves at λ = 0.01 and 1, the pseudoinverse at λ = 0.",
        {
            "λ = 0": worst < 1e-9,
        },
    )
