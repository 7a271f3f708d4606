"""One coin seen in probability, log-odds and angle at once: steps and flows of descent."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from scipy.special import expit, xlogy

from ngdlib.demos.base import (
    Choice,
    Count,
    Demo,
    Linear,
    Number,
    axis,
    circle,
    line,
    moving,
    path,
    shape,
    svg,
    text,
)
from ngdlib.descent import Fixed, data_fit, flow, run
from ngdlib.families import Bernoulli

CHARTS = {"q": "probability", "z": "log-odds", "ω": "angle"}
METRICS = {"ordinary": "euclidean", "natural": "natural"}
LIMITS = {"q": (0.0, 1.0), "z": (-7.0, 7.0), "ω": (0.0, math.pi)}
RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
MARKS = {"q": "disc", "z": "diamond", "ω": "triangle"}


# what each view shows: lines, methods, charts; only what its question needs, or all there is
VIEWS = {
    "descent": (("q",), ("ordinary",), ("q", "z")),
    "methods": (("q",), tuple(METRICS), tuple(CHARTS)),
    "all": (tuple(CHARTS), tuple(METRICS), tuple(CHARTS)),
}
CAPTIONS = {
    "descent": (
        "Each row is a descent of the coin, the disc, taken in one way of writing and drawn in "
        "probability. The star is the mean of the data. "
        + moving("Drag η or type it; disc and star can be dragged too.")
    ),
    "methods": (
        "Each row is a descent taken in one chart and drawn in probability: ordinary dashed and "
        "hollow, natural solid and filled. The disc is the coin, the star the mean of the data. "
        + moving("Drag η or type it; disc and star can be dragged too.")
    ),
    "all": (
        "Each row is a descent taken in one chart and drawn on all three lines: ordinary dashed "
        "and hollow, natural solid and filled. On the quarter circle the coin stands at (√(1−q), "
        "√q), and the angle ω is twice the angle of its ray. Ordinary descents run outside the "
        "circle and natural ones inside, only so that neither covers the other."
    ),
}


class End(NamedTuple):
    """Where a descent came: `values` in its chart, pairs (q, 1-q) of those in the model."""

    values: np.ndarray
    pairs: np.ndarray
    inside: bool


def to_pairs(chart: str, values: np.ndarray) -> np.ndarray:
    """(q, 1-q), shape (n, 2), of coordinates in a chart; both kept, for the ends of the model."""
    if chart == "q":
        return np.stack([values, 1 - values], axis=-1)
    if chart == "z":
        return np.stack([expit(values), expit(-values)], axis=-1)
    return np.stack([np.sin(values / 2) ** 2, np.cos(values / 2) ** 2], axis=-1)


def from_pairs(chart: str, pairs: np.ndarray) -> np.ndarray:
    """The coordinates in a chart, shape (n,), of pairs (q, 1-q)."""
    q, r = pairs[..., 0], pairs[..., 1]
    if chart == "q":
        return q
    if chart == "z":
        return np.log(np.maximum(q, 1e-300)) - np.log(np.maximum(r, 1e-300))
    return 2 * np.arctan2(np.sqrt(q), np.sqrt(r))


class TwoCharts(Demo):
    """Ordinary and natural descent of one coin, taken in three charts and drawn on all of them.

    q      the coin's probability, in [0.001, 0.999]
    mean   the mean of the data, in [0, 1]
    eta    the step size, in [0.01, 10]
    steps  how many steps, 1 to 1000; a flow runs for the time eta * steps
    mode   "steps" or "flow"
    view   what is shown: "descent" (ordinary, in q and z, on the line of the probability),
           "methods" (both methods in three charts, on that line) or "all" (three lines, a circle)
    answer "hidden" shows no end before the reader asks for it or moves something
    """

    _module = "two_charts.js"
    name = "two-charts"
    title = "One coin in three charts"
    caption = CAPTIONS["all"]

    q = Number(0.3, min=0.001, max=0.999)
    mean = Number(0.8, min=0.0, max=1.0)
    eta = Number(0.2, min=0.01, max=10.0)
    steps = Count(1, min=1, max=1000)
    mode = Choice("steps", ("steps", "flow"))
    view = Choice("all", VIEWS)
    answer = Choice("shown", ("shown", "hidden"))

    def __init__(self, *, view: str = "all", **traits: Any) -> None:
        self.caption = CAPTIONS.get(view, self.caption)
        super().__init__(view=view, **traits)

    def ends(self) -> dict[str, dict[str, End]]:
        """The six end points by method ("ordinary", "natural") and chart ("q", "z", "ω")."""
        return {
            method: {chart: self._end(metric, chart) for chart in CHARTS}
            for method, metric in METRICS.items()
        }

    def _end(self, metric: str, chart: str) -> End:
        model = Bernoulli(CHARTS[chart])
        start = from_pairs(chart, np.array([[self.q, 1 - self.q]]))
        objective = data_fit(model, np.array([self.mean]))
        if self.mode == "steps":
            places, inside = run(start, model, objective, self.steps, metric, Fixed(self.eta))
            last = int(inside.sum())  # one past the last point in the model
            places, stays = places[: last + 1], bool(inside[-1])
        else:
            try:
                reached = flow(start, model, objective, [self.eta * self.steps], metric)
                places, last, stays = np.concatenate([start[None], reached]), 2, True
            except ValueError:  # it comes to the end of the model before its time is over
                low, high = {"q": (0, 1), "z": (-708, 708), "ω": (0, math.pi)}[chart]
                edge = high if self.mean > self.q else low
                places, last, stays = np.stack([start, np.array([float(edge)])]), 1, False
        return End(places[:, 0], to_pairs(chart, places[:last, 0]), stays)

    def still(self) -> str:
        """The lines and the curve of the view at the present state, for print."""
        ends = self.ends()
        lines, methods, charts = VIEWS[self.view]
        parts: list[str] = []
        for k, chart in enumerate(lines):
            parts += self._line(chart, ends, 30 + 142 * k)
        if self.view == "all":
            parts += self._curve(ends)
        how = f"{self.steps} step" + "s" * (self.steps > 1) + f" of η = {self.eta:g}"
        if self.mode == "flow":
            how = f"flow for time {self.eta * self.steps:g}"
        parts.append(text(476, 20, f"q = {self.q:g}, ȳ = {self.mean:g}, {how}"))
        told = {method: _tell({c: ends[method][c] for c in charts}) for method in methods}
        count = ("two", "three")[len(charts) - 2]
        for k, method in enumerate(methods):
            color = METRICS[method]
            parts.append(text(476, 52 + 42 * k, f"{method}: the {count} ends", color=color))
            parts.append(text(476, 69 + 42 * k, told[method], weight=650))
        where = {1: "a number line", 3: "three number lines and a quarter circle"}[len(lines)]
        label = f"A coin on {where}. " + " ".join(
            f"{method.capitalize()} descent in {' and '.join(charts)}: the ends {told[method]}."
            for method in methods
        )
        return svg(740, 452 if self.view == "all" else 176, *parts, label=label)

    def _line(self, chart: str, ends: dict[str, dict[str, End]], top: float) -> list[str]:
        scale = Linear(LIMITS[chart], 116, 380)
        left, right = 104.0, 394.0
        ends_here = np.array([[self.q, 1 - self.q], [self.mean, 1 - self.mean]])
        here, goal = (scale(x) for x in np.clip(from_pairs(chart, ends_here), *LIMITS[chart]))
        floor = top + 108
        parts = [
            line(goal, top - 6, goal, floor, width=1, dash="1 3"),
            line(here, top, here, floor, width=1),
        ]
        remarks: list[str] = []
        _, methods, charts = VIEWS[self.view]
        for m, method in enumerate(methods):
            token, hollow = METRICS[method], "ground" if m == 0 else METRICS[method]
            stops: list[str] = []  # ends on the line, tied by a thin line: upright where they agree
            for k, taken in enumerate(charts):
                y = top + m * 53 + 15 * k + 7.5
                end, own = ends[method][taken], taken == chart
                values = end.values[: len(end.pairs)] if own else from_pairs(chart, end.pairs)
                xs = [min(max(scale(value), left), right) for value in values]
                last = end.values[-1] if own else values[-1]
                beyond = not end.inside or not LIMITS[chart][0] <= last <= LIMITS[chart][1]
                up = end.values[-1] > sum(LIMITS[taken]) / 2
                if beyond:
                    xs = [*(xs if not end.inside else xs[:-1]), right if up else left]
                weight = 650 if own else 400
                name = f"{method}, in {taken}" if k == 0 else f"in {taken}"
                parts.append(line(left, y, right + 8, y, stroke="rule", width=1))
                parts.append(text(96, y, name, "end", token, weight))
                way = "".join(f"M{xs[0]:.2f} {y:g}H{x:.2f}" for x in (max(xs), min(xs)))
                dash = "5 3" if m == 0 else None
                parts.append(path(way, stroke=token, width=2.4 if own else 1.4, dash=dash))
                parts += [circle(x, y, 2, stroke=token, fill=token) for x in _apart(xs)]
                if beyond:
                    tip, back = xs[-1], -6 if up else 6
                    head = f"M{tip + back:.2f} {y - 4.5:g}l{-back} 4.5l{back} 4.5"
                    parts.append(path(head, stroke=token, width=1.7))
                else:
                    stops.append(f"{xs[-1]:.2f} {y:g}")
                    mark = shape(MARKS[taken], xs[-1], y, 4)
                    parts.append(path(mark, stroke=token, width=1.7, fill=hollow))
                known = end.inside and abs(last) < 1e4
                shown = _short(last, {"q": 4, "z": 2, "ω": 3}[chart]) if known else "–"
                parts.append(text(452, y, shown, "end", token, weight))
                if own and beyond:
                    x, anchor = (right - 14, "end") if up else (left + 14, "start")
                    words = _remark(chart, end, self.mean)
                    remarks.append(text(x, y, words, anchor, token, 650, halo=7))
            if len(stops) > 1:
                parts.append(path("M" + "L".join(stops), stroke=token, width=0.6))
        parts += remarks  # above all lines
        ticks = {
            "q": (0, 0.25, 0.5, 0.75, 1),
            "z": (-6, -3, 0, 3, 6),
            "ω": [k * math.pi / 4 for k in range(5)],
        }[chart]
        names = {0: "0", 1: "π/4", 2: "π/2", 3: "3π/4", 4: "π"}
        if chart == "ω":
            parts.append(axis(scale, ticks, floor, lambda t: names[round(4 * t / math.pi)]))
        else:
            parts.append(axis(scale, ticks, floor))
        parts.append(text(96, floor, f"{CHARTS[chart]} {chart}", "end", weight=650))
        parts.append(path(shape("star", goal, floor, 6), stroke="ground", width=1, fill="ink"))
        parts.append(circle(here, floor, 7, stroke="ground", fill="ink"))
        if chart == "q":
            parts.append(text(goal, top - 14, f"data mean ȳ = {self.mean:.2f}", "middle"))
        return parts

    def _curve(self, ends: dict[str, dict[str, End]]) -> list[str]:
        x0, y0, radius = 526.0, 416.0, 150.0

        def at(half: float, r: float) -> tuple[float, float]:
            return x0 + r * math.cos(half), y0 - r * math.sin(half)

        def arc(first: float, last: float, r: float) -> str:
            (a, b), (c, d) = at(first, r), at(last, r)
            return f"M{a:.2f} {b:.2f}A{r:g} {r:g} 0 0 {0 if last > first else 1} {c:.2f} {d:.2f}"

        here = math.asin(math.sqrt(self.q))
        parts = [
            path(f"M{x0} {y0 - 190}V{y0}H{x0 + 190}", stroke="rule", width=1),
            path(arc(0, math.pi / 2, radius)),
            line(x0, y0, *at(here, radius + 36), width=1),
            text(x0 + radius, y0 + 14, "q = 0", "middle", "muted"),
            text(x0 - 8, y0 - radius, "q = 1", "end", "muted"),
            text(x0 + radius / 2, y0 + 14, "√(1−q)", "middle", "muted"),
            text(x0 + 8, y0 - 184, "√q", "start", "muted"),
            text(*at(here / 2, 34), "ω/2", "start", "muted"),
            path(arc(0, here, 26), width=1),
        ]
        for m, method in enumerate(METRICS):
            token = METRICS[method]
            for k, chart in enumerate(CHARTS):
                end, r = ends[method][chart], radius + (-1 if m else 1) * (13 + 9 * (2 - k))
                halves = list(from_pairs("ω", end.pairs) / 2)
                if not end.inside:
                    up = end.values[-1] > sum(LIMITS[chart]) / 2
                    halves.append(math.pi / 2 + 0.1 if up else -0.1)
                way = "".join(arc(halves[0], h, r) for h in (max(halves), min(halves)))
                dash = "5 3" if m == 0 else None
                parts.append(path(way, stroke=token, width=1.4, dash=dash))
                dots = [at(h / r, r) for h in _apart([h * r for h in halves])]
                parts += [circle(*place, 2, stroke=token, fill=token) for place in dots]
                if end.inside:
                    mark = shape(MARKS[chart], *at(halves[-1], r), 3.6)
                    hollow = "ground" if m == 0 else token
                    parts.append(path(mark, stroke=token, width=1.7, fill=hollow))
                else:
                    (x, y), turn = at(halves[-1], r), 1 if halves[-1] > halves[-2] else -1
                    a, b = -math.sin(halves[-1]) * turn * 6, -math.cos(halves[-1]) * turn * 6
                    head = (
                        f"M{x - a - b * 0.75:.2f} {y - b + a * 0.75:.2f}L{x:.2f} {y:.2f}"
                        f"L{x - a + b * 0.75:.2f} {y - b - a * 0.75:.2f}"
                    )
                    parts.append(path(head, stroke=token, width=1.7))
        goal = math.asin(math.sqrt(self.mean))
        parts.append(path(shape("star", *at(goal, radius), 6), stroke="ground", fill="ink"))
        parts.append(circle(*at(here, radius), 7, stroke="ground", fill="ink"))
        return parts


def _apart(places: list[float]) -> list[float]:
    """The places between start and end that show as dots of their own, 5 pixels or more apart."""
    kept, last = [], places[0]
    for place in places[1:-1]:
        if abs(place - last) >= 5 and abs(place - places[-1]) >= 6:
            kept.append(place)
            last = place
    return kept


def _remark(chart: str, end: End, mean: float) -> str:
    """What to say of an end beyond the drawing, in the words of the live demo."""
    value = end.values[-1]
    name = f"{chart} = {_short(value)}"
    if end.inside:
        q = end.pairs[[0, -1]]
        before, after = -(xlogy(mean, q[:, 0]) + xlogy(1 - mean, q[:, 1]))
        return f"{'runs away' if after > before else 'off this line'}: {name}"
    what = _fate(chart, end)
    if what == "lands on the edge":
        top = "π" if chart == "ω" else "1"
        name = f"{chart} = {top if value > 0.5 else 0}"
    return f"{what}: {name}"


def _fate(chart: str, end: End) -> str:
    """What became of a descent that is no longer in the model."""
    value, (low, high) = end.values[-1], LIMITS[chart]
    if chart == "z":
        return "runs away"
    at_edge = min(abs(value - low), abs(value - high)) < 1e-12
    return "lands on the edge" if at_edge else "leaves the model"


def _short(value: float, digits: int = 2) -> str:
    """So many decimals, three digits from 100 on, powers of ten from 10⁵: as the live demo."""
    if abs(value) >= 1e5:
        mantissa, exponent = f"{value:.1e}".split("e")
        shown = f"{mantissa} × 10{str(int(exponent)).translate(RAISED)}"
    elif abs(value) >= 1e4:
        shown = f"{value:.0f}"
    elif abs(value) >= 100:
        shown = f"{float(f'{value:.3g}'):g}"
    else:
        shown = f"{value:.{digits}f}"
        shown = shown.lstrip("-") if float(shown) == 0 else shown
    return shown.replace("-", "−")


def _tell(three: dict[str, End]) -> str:
    """How far apart three end points are, in the words of the live demo."""
    past = {
        "lands on the edge": "on the edge",
        "leaves the model": "left the model",
        "runs away": "ran away",
    }
    gone = {chart: _fate(chart, end) for chart, end in three.items() if not end.inside}
    if gone:
        by_fate = {what: [c for c in gone if gone[c] == what] for what in past}
        return "; ".join(f"{', '.join(cs)} {past[what]}" for what, cs in by_fate.items() if cs)
    qs = [end.pairs[-1, 0] for end in three.values()]
    gap = max(qs) - min(qs)
    if gap < 5e-10:
        return "are one"
    return f"are {gap:.2g} apart in q" if gap < 1e-3 else f"are {gap:.3f} apart in q"
