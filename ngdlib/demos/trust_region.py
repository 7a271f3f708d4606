"""A policy over three arms and its trust region: the natural step, the search, the clip."""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq

from ngdlib.demos.base import Choice, Demo, Number, circle, moving, path, shape, svg, text
from ngdlib.demos.simplex_sphere import LEAST, three
from ngdlib.validate import Array

CHARTS = ("logits", "angle", "probabilities")


class TrustRegion(Demo):
    """A policy that pulls one of three arms, and what a step within a KL ball makes of it.

    first, second: probabilities of arms 1 and 2, each in [0.002, 0.996] (what would leave less than
    0.002 to arm 3 is scaled down); reward1, reward2, reward3: what the arms pay, in [0, 1]. delta:
    the radius in nats, in [1e-5, 0.5]. chart: "logits", "angle" (the sphere of the square roots) or
    "probabilities", in which the step is straight. shrink: the factor of the line search, in
    [0.5, 0.9]; clip: that of PPO, in [0.05, 0.5]. show: "region" | "step" | "search" | "clip", each
    more than the one before; view: "triangle", or "near", magnified around the policy.
    """

    _module = "trust_region.js"
    name = "trust-region"
    title = "A policy, the region that is allowed, and a natural step"
    caption = (
        "Each point is a policy over three arms; at a corner one arm is pulled always. The disc "
        "is the policy now; around it, shaded, the policies within the radius δ. "
        + moving(
            "<strong>Drag it.</strong> <em>Step</em> draws the quadratic model of that region "
            "(dotted), the natural step whose model KL is δ (solid) and the best policy of the "
            "region (star). <em>Search</em> shortens the step until its KL is allowed (circle). "
            "<em>Clip</em> shades all policies at which the clipped objective of PPO is largest, "
            "and marks the nearest of them (square). "
            "<em>Near</em> magnifies what is around the policy."
        )
    )

    first = Number(0.1, min=LEAST, max=1 - 2 * LEAST)
    second = Number(0.3, min=LEAST, max=1 - 2 * LEAST)
    reward1 = Number(1.0, min=0, max=1)
    reward2 = Number(0.0, min=0, max=1)
    reward3 = Number(0.0, min=0, max=1)
    delta = Number(0.1, min=1e-5, max=0.5)
    chart = Choice("logits", CHARTS)
    shrink = Number(0.8, min=0.5, max=0.9)
    clip = Number(0.2, min=0.05, max=0.5)
    show = Choice("region", ("region", "step", "search", "clip"))
    view = Choice("triangle", ("triangle", "near"))

    def policy(self) -> Array:
        """The policy now, shape (3,)."""
        return three(self.first, self.second)

    def rewards(self) -> Array:
        """What the arms pay, shape (3,)."""
        return np.array([self.reward1, self.reward2, self.reward3])

    def still(self) -> str:
        p, r = self.policy(), self.rewards()
        zoom = magnification(p, self.delta) if self.view == "near" else 1.0

        def at(q: Array) -> Array:
            centre = flat(p) if self.view == "near" else np.array([0, 0.433])
            return (flat(q) - centre) * zoom * [380, -380] + [350, 200]

        def curve(points: Array) -> str:
            return "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in at(points))

        drawn, told = [], f"the policies within KL {self.delta:g}, shaded"
        if self.view == "triangle":
            drawn.append(path(curve(np.eye(3)) + "Z", width=1.2))
        if self.show == "clip":
            area, last = flat_set(p, r, self.clip), at(nearest(p, r, self.clip))
            drawn.append(path(curve(area) + "Z", width=1, dash="1 3", fill="panel"))
            drawn.append(path(shape("square", *last, 5.5), width=1.8))
            told += ", the flat set of the clip and the nearest of it"
        drawn.append(path(curve(ball(p, self.delta)) + "Z", stroke="metric", width=1.2))
        if self.show != "region":
            drawn.append(path(curve(ellipse(p, self.delta)) + "Z", stroke="metric", dash="2 3"))
            road = [step(p, r, self.delta, self.chart, s) for s in np.linspace(0, 1, 17)]
            inside = np.array([q for q in road if q is not None])
            (x, y), best_at = at(inside[-1]), at(best(p, r, self.delta))
            drawn += [path(curve(inside), stroke="natural", width=2.4)]
            drawn += [circle(x, y, 4.5, fill="natural", stroke="natural")]
            drawn += [path(shape("star", *best_at, 8), fill="ink")]
            told += ", its quadratic model, the natural step and the best policy"
        drawn.append(circle(*at(p), 5, fill="ink"))
        if self.view == "triangle":
            for k, (x, y) in enumerate(at(np.eye(3))):
                words = f"arm {k + 1}, pays {r[k]:g}"
                drawn.append(text(x, y + (18 if k else -14), words, "middle", weight=600))
        return svg(700, 400, *drawn, label=f"Policies over three arms: {told}.")


def flat(q: Array) -> Array:
    """Where policies (..., 3) are drawn, shape (..., 2): arm 1 on top, the side of length 1."""
    return np.stack([(q[..., 2] - q[..., 1]) / 2, q[..., 0] * np.sqrt(3) / 2], axis=-1)


def kl(p: Array, q: Array) -> float:
    """KL(p || q) in nats; infinite where q is no policy with all arms."""
    if q is None or not np.all(q > 0):
        return np.inf
    return float(np.sum(p * np.log(p / q)))


def advantage(p: Array, r: Array) -> Array:
    """What each arm pays above the mean, shape (3,); exactly 0 where all pay alike."""
    return r - p @ r if np.ptp(r) > 0 else np.zeros(3)


def length(p: Array, r: Array, delta: float) -> float:
    """What the advantages are multiplied by in a step of quadratic KL delta; 0 if all are 0."""
    variance = p @ advantage(p, r) ** 2
    return float(np.sqrt(2 * delta / variance)) if variance > 0 else 0.0


def step(p: Array, r: Array, delta: float, chart: str, share: float = 1.0) -> Array | None:
    """The natural step of quadratic KL delta, straight in a chart, shape (3,); a share of its way.

    None where it leaves the policies. "angle" is straight on the sphere of the square roots.
    """
    a, s = advantage(p, r), share * length(p, r, delta)
    if s == 0:
        return p.copy()
    if chart == "logits":
        q = p * np.exp(s * (a - a.max()))
        return q / q.sum()
    if chart == "probabilities":
        q = p * (1 + s * a)
        return q if np.all(q > 0) else None
    turn = s * np.sqrt(p @ a**2) / 2
    x = np.sqrt(p) * (np.cos(turn) + np.sin(turn) * a / np.sqrt(p @ a**2))
    return x**2 if np.all(x > 0) else None


def best(p: Array, r: Array, delta: float) -> Array:
    """The policy of the highest mean reward with KL(p || q) <= delta, shape (3,)."""
    gap = r.max() - r
    if not np.any(gap > 0):
        return p.copy()

    def at(u: float) -> Array:
        w = p / (np.exp(u) + gap)
        return w / w.sum()

    return at(brentq(lambda u: kl(p, at(u)) - delta, -600, 30, xtol=1e-13))


def search(p: Array, r: Array, delta: float, chart: str, shrink: float) -> tuple[Array, int]:
    """The step after the line search, and how often it was shortened."""
    for k in range(200):
        q = step(p, r, delta, chart, shrink**k)
        if kl(p, q) <= delta * (1 + 1e-12):
            return q, k
    return p.copy(), 200


def directions(p: Array, n: int) -> Array:
    """n directions of unit Fisher length in the plane of the policies, shape (n, 3)."""
    x = np.sqrt(p)
    u = np.array([x[1], -x[0], 0]) / np.hypot(x[0], x[1])
    v = np.cross(x, u)
    turn = 2 * np.pi * np.arange(n)[:, None] / n
    return x * (np.cos(turn) * u + np.sin(turn) * v)


def ellipse(p: Array, delta: float, n: int = 72) -> Array:
    """The edge of the quadratic model of the region, shape (n, 3); it may leave the triangle."""
    return p + np.sqrt(2 * delta) * directions(p, n)


def ball(p: Array, delta: float, n: int = 72) -> Array:
    """The edge of the region KL(p || q) <= delta, in the same directions, shape (n, 3)."""
    found = []
    for d in directions(p, n):
        far = np.min(p[d < 0] / -d[d < 0])
        t = brentq(lambda t, d=d: min(kl(p, p + t * d), 1e3) - delta, 0, far, xtol=1e-15)
        found.append(p + t * d)
    return np.array(found)


def magnification(p: Array, delta: float) -> float:
    """How much larger than the triangle's the scale of the near view is."""
    reach = np.abs(flat(directions(p, 72))).max() * np.sqrt(2 * delta)
    return max(1.0, 0.23 / reach)


def credited(p: Array, r: Array, q: Array, clip: float) -> float:
    """The clipped objective of PPO at q: the mean over the arms pulled now."""
    a, ratio = advantage(p, r), q / p
    return float(p @ np.minimum(ratio * a, np.clip(ratio, 1 - clip, 1 + clip) * a))


def flat_set(p: Array, r: Array, clip: float) -> Array:
    """The corners of the set where the clipped objective is largest, shape (n, 3); one for a point.

    Where good arms can all get 1 + clip of what they have, it is all policies that give them that
    or more, and bad arms 1 - clip or less. Else bad arms get nothing, good ones are filled up, the
    best first.
    """
    a = advantage(p, r)
    good, bad = a > 0, a < 0
    if (1 + clip) * p[good].sum() > 1:
        left, q = 1.0, np.zeros(3)
        for k in np.argsort(-a, kind="stable"):
            q[k] = min(left, (1 + clip) * p[k]) if good[k] else 0.0
            left -= q[k]
        return q[None]
    corners = list(np.eye(3))
    for k in range(3):  # cut the triangle by one line after the other
        if not (good[k] or bad[k]):
            continue
        side = np.array([(q[k] - (1 + clip) * p[k]) if good[k] else (1 - clip) * p[k] - q[k]
                         for q in corners])  # fmt: skip
        kept = []
        for i, q in enumerate(corners):
            j = (i + 1) % len(corners)
            if side[i] >= 0:
                kept.append(q)
            if side[i] * side[j] < 0:
                kept.append(q + (corners[j] - q) * side[i] / (side[i] - side[j]))
        corners = kept
    return np.array(corners)


def nearest(p: Array, r: Array, clip: float) -> Array:
    """The policy of the flat set with the least KL(p || q), shape (3,)."""
    a = advantage(p, r)
    good, bad = a > 0, a < 0
    if (1 + clip) * p[good].sum() > 1:
        return flat_set(p, r, clip)[0]
    low = np.where(good, (1 + clip) * p, 0.0)
    high = np.where(bad, (1 - clip) * p, np.inf)

    def at(u: float) -> Array:
        return np.clip(p * np.exp(-u), low, high)

    if not np.any(good):
        return p.copy()
    q = at(brentq(lambda u: at(u).sum() - 1, -30, 30, xtol=1e-14))
    return q / q.sum()
