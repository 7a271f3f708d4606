"""Figures in one style: SVG with text as text, in colours that follow the page, light or dark.

A chapter writes ``with figure("id", caption=..., alt=...) as (fig, ax):`` and draws with
matplotlib. The colours are the tokens of ``ngdlib.style``; in the SVG each becomes a CSS variable
with the light value as fallback, so that one drawing serves both schemes, on the page and in
Jupyter.
"""

from __future__ import annotations

import html
import io
import re
from collections.abc import Callable, Iterator
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
    "svg.fonttype": "none",
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
    """matplotlib's settings for the figure called ``name``; its ids depend on the name alone."""
    return {**_RC, "svg.hashsalt": name}


class Figure:
    """A finished drawing: inline SVG with a caption. Shows itself in Jupyter and on the page."""

    def __init__(self, name: str, svg: str, caption: str, alt: str, narrow: str = "") -> None:
        self.name, self.svg, self.caption, self.alt = name, svg, caption, alt
        self.narrow = narrow  # the same drawn for a phone, if it was; shown there by the styles

    def _repr_html_(self) -> str:
        caption = re.sub(r"\$([^$]+)\$", r"\\(\1\\)", html.escape(self.caption, quote=False))
        small = f'<div class="ngd-narrow" hidden>{self.narrow}</div>' if self.narrow else ""
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


FAR = 1e4  # an axis beyond it, and beyond so many times the bulk of the data, is cut


def readable(ax: mpl.axes.Axes) -> None:
    """Keeps each linear axis near its data: what leaves it far behind is cut, and told in words.

    A legal rerun may end at 1e60, and would flatten all else. The axis then ends at ten times the
    size of four in five of the lines' points, and a note at that end says how far they go.
    """
    for axis, k, (low_at, high_at) in (
        (ax.xaxis, 0, ((0.02, 0.02, "left", "bottom"), (0.98, 0.02, "right", "bottom"))),
        (ax.yaxis, 1, ((0.02, 0.02, "left", "bottom"), (0.02, 0.98, "left", "top"))),
    ):
        values = [np.asarray(line.get_data()[k], dtype=float).ravel() for line in ax.lines]
        values = np.concatenate([v[np.isfinite(v)] for v in values] or [np.zeros(1)])
        middle = np.quantile(np.abs(values), 0.8) if values.size else 0.0
        ends = np.array(axis.get_view_interval())
        if axis.get_scale() != "linear" or not np.ptp(ends) > FAR * max(middle, 1.0):
            continue
        for j, (x, y, across, up) in enumerate((low_at, high_at)):
            most = (values.min(), values.max())[j]
            ends[j] = most + (j - 0.5) * middle
            if abs(most) > 10 * middle:
                ends[j] = np.sign(most) * 10 * middle
                digit, power = f"{most:.0e}".split("e")
                note = f"{'←→↓↑'[2 * k + j]} as far as ${digit} \\times 10^{{{int(power)}}}$"
                ax.text(x, y, note, ha=across, va=up, transform=ax.transAxes)
        (ax.set_xlim, ax.set_ylim)[k](*ends)


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
    svg = re.sub(r"<[^>]+>", lambda tag: re.sub(r"\.(\d\d)\d+", r".\1", tag[0]), svg)
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
