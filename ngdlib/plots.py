"""Figures in one style: SVG with text as text on a page, in colours that follow it, light or dark.

A chapter writes ``with figure("id", caption=..., alt=...) as (fig, ax):`` and draws with
matplotlib. The colours are the tokens of ``ngdlib.style``; in the SVG each becomes a CSS variable
with the light value as fallback, so that one drawing serves both schemes, on the page and in
Jupyter.
"""

from __future__ import annotations

import html
import io
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display
from matplotlib import font_manager
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.gridspec import GridSpec

from ngdlib.style import TOKENS

EUCLIDEAN, NATURAL, METRIC, INK, MUTED, RULE, GROUND = (
    TOKENS[name]["light"]
    for name in ("euclidean", "natural", "metric", "ink", "muted", "rule", "ground")
)

#: Line styles by role. Colour never carries a meaning alone: each role has its own dash.
STYLE: dict[str, dict[str, Any]] = {
    "euclidean": {"color": EUCLIDEAN, "linestyle": (0, (5, 2)), "linewidth": 1.9},
    "natural": {"color": NATURAL, "linestyle": "-", "linewidth": 2.1},
    "metric": {"color": METRIC, "linestyle": "-", "linewidth": 1.2},
    "ink": {"color": INK, "linestyle": "-", "linewidth": 1.3},
    "muted": {"color": MUTED, "linestyle": (0, (1, 2)), "linewidth": 1.2},
}

#: Inter, in which the pages show figures, as the set-up of a checkout leaves it; elsewhere figures
#: are laid out, and ask to be shown, in the face that comes with matplotlib.
_FACES = sorted((Path(__file__).resolve().parents[1] / "_build/vendor/faces").glob("*.ttf"))
for _face in _FACES:
    font_manager.fontManager.addfont(_face)
#: The face of figures.
FACE = "Inter" if _FACES else "DejaVu Sans"

_RC = {
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "font.family": "sans-serif",
    "font.sans-serif": [FACE, "DejaVu Sans"],
    "font.size": 10,
    "axes.titlesize": 10.5,
    "axes.labelsize": 10,
    "xtick.labelsize": 9.5,
    "ytick.labelsize": 9.5,
    "legend.fontsize": 9.5,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "lines.solid_capstyle": "round",
    "axes.unicode_minus": True,
    "mathtext.fontset": "custom",
    "mathtext.fallback": "stixsans",
    **dict.fromkeys(["mathtext.rm", "mathtext.sf", "mathtext.tt", "mathtext.cal"], FACE),
    "mathtext.it": f"{FACE}:italic",
    **dict.fromkeys(["mathtext.bf", "mathtext.bfit"], f"{FACE}:bold"),
    "figure.constrained_layout.use": True,
    **dict.fromkeys(
        ["text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"], INK
    ),
    "grid.color": RULE,
}


def rc_for(name: str) -> dict[str, Any]:
    """matplotlib's settings for the figure called ``name``; its ids depend on the name alone.

    A page brings the face, and its words are text: whoever makes pages sets NGD_PAGE. Elsewhere, as
    in Jupyter, the face may be missing, and the words are drawn as they were laid out.
    """
    return {
        **_RC,
        "svg.hashsalt": name,
        "svg.fonttype": "none" if os.environ.get("NGD_PAGE") else "path",
    }


_SIDE = re.compile(r"\b(Left|Right)(?=[:,])|(?<=\()(left|right)(?=[);])|(?<=; )right(?=,)")
_ON_A_PHONE = {"left": "above", "right": "below", "Left": "Above", "Right": "Below"}


def sides(caption: str) -> str:
    """A caption in HTML whose "Left:" and "(right)" are "Above:" and "(below)" on a phone.

    There the panels of a figure stand one below the other. The styles of the book choose.
    """
    return _SIDE.sub(
        lambda found: (
            f'<span class="ngd-wide">{found[0]}</span>'
            f'<span class="ngd-narrow" hidden>{_ON_A_PHONE[found[0]]}</span>'
        ),
        caption,
    )


class Figure:
    """A finished drawing: inline SVG with a caption. Shows itself in Jupyter and on the page."""

    def __init__(self, name: str, svg: str, caption: str, alt: str, narrow: str = "") -> None:
        self.name, self.svg, self.caption, self.alt = name, svg, caption, alt
        self.narrow = narrow  # the same drawn for a phone, if it was; shown there by the styles

    def _repr_html_(self) -> str:
        caption = re.sub(r"\$([^$]+)\$", r"\\(\1\\)", html.escape(self.caption, quote=False))
        small = ""
        if self.narrow:
            small = f'<div class="ngd-narrow" hidden>{self.narrow}</div>'
            caption = sides(caption)
        return (
            f'<figure class="ngd-figure" id="{self.name}"><div class="ngd-scroll">{self.svg}</div>'
            f"{small}"
            f'<figcaption class="tex2jax_process mathjax_process">{caption}</figcaption></figure>'
        )

    def __repr__(self) -> str:
        return f"Figure {self.name}: {self.alt}"


@contextmanager
def figure(
    name: str,
    *,
    caption: str,
    alt: str,
    width: float = 6.8,
    height: float = 3.4,
    narrow: bool | Callable[[mpl.figure.Figure, Any], object] = True,
    **subplots: Any,
) -> Iterator[tuple[mpl.figure.Figure, Any]]:
    """Draw one figure: yields matplotlib's ``(fig, axes)`` and displays the result at the end.

    name      identifier, unique on the page (letters, digits, hyphens)
    caption   what to look at, then what it means; ``$...$`` is typeset
    alt       what the figure shows, for a reader who cannot see it
    width, height   inches at 10 pt; the text column is 6.8 inches wide
    narrow    a second drawing, for a phone: 3.6 inches, panels one below the other, letters as
              large as before. A function is given ``(fig, axes)`` when they stand so, and moves
              what would collide (``lambda fig, ax: ax.texts[0].set_position((0.1, 2))``). False:
              none, and on a phone the wide one scrolls sideways
    subplots  passed on to ``matplotlib.pyplot.subplots`` (``ncols=2``, ``sharey=True``, ...)

    Raises ValueError for a malformed name or an empty caption or alt text.
    """
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*", name):
        raise ValueError(f"name: expected letters, digits and hyphens, got {name!r}")
    for argument, text in (("caption", caption), ("alt", alt)):
        if not text.strip():
            raise ValueError(f"{argument}: expected a sentence, got an empty string")
    with mpl.rc_context(rc_for(name)):
        fig, axes = plt.subplots(figsize=(width, height), **subplots)
        try:
            yield fig, axes
            for ax in fig.axes:
                readable(ax)
            svg, small = svg_text(fig, alt), ""
            panels = np.atleast_1d(axes).ravel()
            if narrow and width > NARROW and len(panels) == len(fig.axes):
                mpl.rcParams["svg.hashsalt"] = f"{name}-narrow"
                stack(fig, panels)
                if callable(narrow):
                    narrow(fig, axes)
                small = svg_text(fig, alt)
        finally:
            plt.close(fig)
    display(Figure(name, svg, caption, alt, small))


FAR = 100  # an axis beyond it, and beyond so many times the bulk of the data, is cut
DECADES = 20  # the same of a logarithmic axis, in powers of ten
NOISE = 1e-9  # an axis shorter than this part of its numbers shows how they were rounded


def readable(ax: mpl.axes.Axes) -> None:
    """Keeps each axis near its data: what leaves it far behind is cut, and told in words.

    A legal rerun may end at 1e60, and would flatten all else. A linear axis then ends at ten times
    the size of four in five of the lines' points, a logarithmic one three powers of ten beyond
    them, and 25 below its upper end where the whole would be more than 30; a note at that end says
    how far they go. An axis on which all is one number but for rounding gets a tenth of that number
    on either side.
    """
    for axis, k, (low_at, high_at) in (
        (ax.xaxis, 0, ((0.02, 0.02, "left", "bottom"), (0.98, 0.02, "right", "bottom"))),
        (ax.yaxis, 1, ((0.02, 0.02, "left", "bottom"), (0.02, 0.98, "left", "top"))),
    ):
        scale = axis.get_scale()
        values = [np.asarray(line.get_data()[k], dtype=float).ravel() for line in ax.lines]
        values = np.concatenate(values or [np.zeros(0)])
        values = values[np.isfinite(values) & ((values > 0) | (scale != "log"))]
        if not values.size or scale not in ("linear", "log"):
            continue
        ends = np.array(axis.get_view_interval())
        set_ends = (ax.set_xlim, ax.set_ylim)[k]
        if scale == "log":
            ends, values = np.log10(ends), np.log10(values)
            low, high = np.quantile(values, (0.2, 0.8))
            high_far = ends[1] > high + DECADES
            top = high + 3 if high_far else ends[1]
            cut = max(low - 3, top - 25), high + 3
            far = ends[0] < max(low - DECADES, top - 30), high_far
        else:
            middle = np.quantile(np.abs(values), 0.8)
            if np.ptp(ends) < NOISE * middle:
                set_ends(ends.mean() - middle / 10, ends.mean() + middle / 10)
                continue
            cut = -10 * middle, 10 * middle
            long = np.ptp(ends) > FAR * max(middle, 1.0)
            far = [long and abs(most) > 10 * middle for most in (values.min(), values.max())]
        if not any(far):
            continue
        for j, (x, y, across, up) in enumerate((low_at, high_at)):
            most = (values.min(), values.max())[j]
            if far[j]:
                ends[j] = cut[j]
                power, digit = int(np.round(most)), ""
                if scale == "linear":
                    digit, power = f"{most:.0e}".split("e")
                    digit += " \\times "
                note = f"{'←→↓↑'[2 * k + j]} as far as ${digit}10^{{{int(power)}}}$"
                box = dict(facecolor=GROUND, edgecolor="none", pad=1.5)
                ax.text(x, y, note, ha=across, va=up, transform=ax.transAxes, bbox=box)
            elif scale == "linear":
                ends[j] = most + (j - 0.5) * middle
        set_ends(*(10.0**ends if scale == "log" else ends))


NARROW = 3.6  # inches: the column of a screen 400 pixels wide


def stack(fig: mpl.figure.Figure, panels: np.ndarray) -> None:
    """Makes a drawn figure narrow: its panels, shape (n,), lower and one below the other."""
    grid = GridSpec(len(panels), 1, figure=fig)
    rows = panels[0].get_subplotspec().get_gridspec().nrows
    height = fig.get_size_inches()[1] * 0.8 * len(panels) / rows
    for place, ax in zip(grid, panels, strict=True):
        ax.set_subplotspec(place)
        for axis, shared in (("x", ax.get_shared_x_axes()), ("y", ax.get_shared_y_axes())):
            if ax is not panels[0] and shared.joined(ax, panels[0]):  # its labels were left out
                ax.tick_params(**{"labelbottom" if axis == "x" else "labelleft": True})
                if axis == "y" and not ax.get_ylabel():
                    ax.set_ylabel(panels[0].get_ylabel())
    fig.set_size_inches(NARROW, height)
    fig.set_layout_engine("constrained")


def apart(words: Sequence[mpl.text.Annotation]) -> None:
    """Moves annotations until none covers another, or leaves the figure at the right or the axes at
    the left: the names of ends that lie close go down, those beyond an edge inwards."""
    extent = mpl.text.Text.get_window_extent  # of the words alone, without an arrow

    def move(label: mpl.text.Annotation, x: float, y: float) -> mpl.transforms.Bbox:
        box = extent(label).translated(x, y)
        label.xyann = tuple(np.array(label.xyann) + np.array([x, y]) * 72 / fig.dpi)
        return box

    for _ in range(6):  # what moves inwards leaves more room to the axes
        if not words:
            return
        fig, boxes, moved = words[0].get_figure(), [], False
        fig.draw_without_rendering()
        for label in sorted(words, key=lambda w: -extent(w).y1):
            box = extent(label)
            inwards = max(0.0, label.axes.bbox.x0 + 2 - box.x0)
            inwards += min(0.0, fig.bbox.width - 5 - box.x1)
            if inwards:
                box, moved = move(label, inwards, 0), True
            for other in boxes:  # from the top
                if box.overlaps(other):
                    box, moved = move(label, 0, other.y0 - box.y1 - 1), True
            boxes.append(box)
        if not moved:
            return


def svg_text(fig: mpl.figure.Figure, alt: str) -> str:
    """The figure as a self-contained ``<svg>`` element: the same bytes for the same drawing."""
    fig.get_layout_engine().execute(fig)
    fig.set_layout_engine("none")
    buffer = io.StringIO()  # `fig.savefig` would draw twice
    FigureCanvasSVG(fig).print_svg(buffer, metadata={"Date": None, "Creator": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"\s*<metadata>.*?</metadata>", "", svg, flags=re.S)
    # a hundredth of a point is enough for coordinates; the text between the tags stays as it is
    svg = re.sub(r"<[^>]+>", lambda tag: re.sub(_LONG, _shorter, tag[0]), svg)
    svg = re.sub(r'(<path\b[^>]* d=")([^"]+)', lambda path: path[1] + _thinned(*path.groups()), svg)
    svg = re.sub(r' transform="rotate\(-0 [^)]*\)"', "", svg)
    svg = re.sub(r'<g( clip-path="[^"]*")?>\s*((?:<use [^>]*/>\s*)+)</g>', _marked, svg)
    svg = re.sub(
        r'<g id="[^"]*"', "<g", svg
    )  # the same names in every figure, and nothing uses them
    svg = re.sub(r"\n\s*", "\n", svg)
    # matplotlib's ids are hashes of floats to the last bit, which differ from one BLAS to the next
    for n, identity in enumerate(dict.fromkeys(re.findall(r'\bid="(\w[0-9a-f]{10})"', svg))):
        svg = svg.replace(identity, f"{mpl.rcParams['svg.hashsalt']}-{n}")
    width, height = fig.get_size_inches()
    svg = re.sub(
        r"<svg [^>]*>",
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="0 0 {width * 72:g} {height * 72:g}" role="img" '
        f'aria-label="{html.escape(alt)}" style="width:100%;max-width:{width * 96:g}px">',
        svg,
        count=1,
    )
    for token, value in TOKENS.items():
        css = "currentColor" if token == "ink" else f"var(--ngd-{token}, {value['light']})"
        svg = svg.replace(value["light"], css)
    return svg.strip()


_LONG = re.compile(r"scale\([^)]*\)|\.(\d\d)\d+")


def _shorter(number: re.Match) -> str:
    """Two digits of a number; the size of a drawn letter as it is."""
    return f".{number[1]}" if number[1] else number[0]


CHORD = 0.04  # points: how far a line may run from the drawn one


def _thinned(tag: str, path: str) -> str:
    """A path of straight pieces without the corners that no eye would miss.

    To a tenth of a point, and to a hundredth where it is a mark that is placed elsewhere; from
    corner to corner, which repeats itself more than the places do.
    """
    if re.search(r"[^MLz\d\s.-]", path):
        return path
    out, places = [], 2 if " id=" in tag else 1
    for piece, closed in re.findall(r"(M[^Mz]*)(z?)", path):
        points = np.array(re.findall(r"-?[\d.]+", piece), dtype=float).reshape(-1, 2)
        points = np.round(points[_corners(points)], places)
        steps = np.round(np.diff(points, axis=0), places) + 0.0
        start, *way = (f"{x:g} {y:g}" for x, y in [points[0] + 0.0, *steps])
        out.append(f"M{start}l{' '.join(way)}{closed}" if way else f"M{start}{closed}")
    return "".join(out)


def _corners(points: np.ndarray) -> np.ndarray:
    """Indices of the points, shape (n, 2), that a line within CHORD of theirs has to pass.

    Douglas and Peucker's way: keep the ends, and between two that are kept the farthest, if it is
    too far from the straight line.
    """
    kept, parts = {0, len(points) - 1}, [(0, len(points) - 1)]
    while parts:
        i, j = parts.pop()
        if j - i < 2:
            continue
        between, chord = points[i + 1 : j] - points[i], points[j] - points[i]
        along = np.clip(between @ chord / max(chord @ chord, 1e-12), 0, 1)
        off = np.hypot(*(between - along[:, None] * chord).T)
        if off.max() > CHORD:
            k = i + 1 + int(off.argmax())
            kept.add(k)
            parts += [(i, k), (k, j)]
    return np.array(sorted(kept))


def _marked(group: re.Match) -> str:
    """A group of marks of one style says it once, and places them to a tenth of a point."""
    marks = re.sub(r'( [xy]="-?\d+\.\d)\d"', r'\1"', group[2])
    styles = set(re.findall(r' style="[^"]*"', marks))
    if len(styles) != 1 or re.search(r'[" ]opacity', *styles):
        return f"<g{group[1] or ''}>{marks}</g>"
    (style,) = styles
    return f"<g{group[1] or ''}{style}>{marks.replace(style, '')}</g>"
