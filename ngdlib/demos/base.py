"""What every demo stands on: one class that is a widget in Jupyter and a figure on a static page.

A demo is a Python class and a JavaScript module beside it::

    class KLBalls(Demo):
        _module = "kl_balls.js"          # base.js is put before it; it calls ngd.demo({...})
        _data = staticmethod(tables)     # what computes tables for it, if it needs any: its DATA
        name = "kl-balls"                # id on the page and name of its URL fragment
        title = "Balls of equal divergence"           # its accessible name
        caption = "What to look at." + moving(" Drag it.")  # may hold <em>, <sub>, entities
        mu = Number(0.0, min=-3, max=3)  # every synchronised trait is part of the demo's state
        epsilon = Number(0.1, min=0.01, max=1)

        def still(self) -> str:          # the print form, drawn from the same formulas
            return svg(700, 420, line(...), text(...), label="What the picture shows.")

In Jupyter, Python sets and observes the traits and ``ipywidgets.link`` ties them to controls. On a
page without a kernel ``host.js`` gives the module its model. The page must have ``host.js`` in its
head and ``demo.css`` and the colour tokens in its styles; `Demo.to_html` writes such a page.

Helpers for stills: `svg`, `line`, `path`, `text`, `circle`, `shape`, `axis`, `Linear`, `Log`, and
`paint`, the CSS colour of a token. Coordinates are pixels at the size of the live drawing.
"""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import anywidget
import traitlets

from ngdlib.style import TOKENS, tokens_css

FOLDER = Path(__file__).resolve().parent
#: A comment on lines of its own: for who reads the file, not for the page.
COMMENT = re.compile(r"^ *(//.*|/\*\*[\s\S]*?\*/)\n", re.MULTILINE)


def moving(text: str) -> str:
    """A part of a caption that is only true of the live drawing; it is not printed."""
    return f'<span class="ngd-on-screen">{text}</span>'


class BadValue(traitlets.TraitError, ValueError):
    """A trait was given a value outside its range; a ValueError like the library's others."""


class Number(traitlets.Float):
    """A finite float in the closed interval [min, max], synchronised with the JavaScript side."""

    def __init__(self, default: float, *, min: float, max: float) -> None:
        super().__init__(default, min=min, max=max)
        self.tag(sync=True)

    def validate(self, obj: Any, value: Any) -> float:
        if isinstance(value, bool) or not _is_real(value) or not self.min <= value <= self.max:
            raise BadValue(
                f"{self.name}: expected a finite number in [{self.min:g}, {self.max:g}], "
                f"got {value!r}"
            )
        return float(value)


class Count(traitlets.Int):
    """An integer in [min, max], synchronised with the JavaScript side."""

    def __init__(self, default: int, *, min: int, max: int) -> None:
        super().__init__(default, min=min, max=max)
        self.tag(sync=True)

    def validate(self, obj: Any, value: Any) -> int:
        whole = _is_real(value) and not isinstance(value, bool) and float(value).is_integer()
        if not whole or not self.min <= value <= self.max:
            raise BadValue(
                f"{self.name}: expected an integer in [{self.min}, {self.max}], got {value!r}"
            )
        return int(value)


class Choice(traitlets.Enum):
    """One of the given strings, synchronised with the JavaScript side."""

    def __init__(self, default: str, options: Iterable[str]) -> None:
        super().__init__(tuple(options), default_value=default)
        self.tag(sync=True)

    def validate(self, obj: Any, value: Any) -> str:
        if value not in self.values:
            raise BadValue(f"{self.name}: expected one of {list(self.values)}, got {value!r}")
        return value


def _is_real(value: Any) -> bool:
    try:
        return math.isfinite(value)
    except TypeError:
        return False


class Demo(anywidget.AnyWidget):
    """An `anywidget.AnyWidget` whose HTML form works on a page without a kernel.

    Subclasses define ``_module``, ``name``, ``title``, ``caption``, their traits and `still`.
    Keyword arguments are the initial values of the traits; ``name`` tells two demos of one class
    on one page apart (letters, digits, hyphens). Raises ValueError (also a TraitError) for a
    value out of range, and TypeError for a name that is no trait.
    """

    _module: ClassVar[str]
    _before: ClassVar[tuple[str, ...]] = ()  # modules that it shares with other demos
    #: Computes the module's DATA, when a demo is first made and not for who only imports it.
    _data: ClassVar[Callable[[], dict[str, Any]]] = dict
    name: ClassVar[str]
    title: ClassVar[str]
    caption: ClassVar[str]

    _title = traitlets.Unicode().tag(sync=True)
    _caption = traitlets.Unicode().tag(sync=True)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        if "_module" in cls.__dict__:
            cls._css = tokens_css() + (FOLDER / "demo.css").read_text(encoding="utf-8")
        super().__init_subclass__(**kwargs)

    def __init__(self, *, name: str | None = None, **traits: Any) -> None:
        if unknown := sorted(set(traits) - set(self.state_names())):
            raise TypeError(
                f"{type(self).__name__}: no trait named {unknown[0]!r}; "
                f"it has {', '.join(self.state_names())}"
            )
        if name is not None:
            if not name.replace("-", "").isalnum() or not name[0].isalpha():
                raise ValueError(f"name: expected letters, digits and hyphens, got {name!r}")
            self.name = name
        cls = next(c for c in type(self).__mro__ if "_module" in c.__dict__)
        if "_esm" not in cls.__dict__:
            cls._esm = module_text(*cls._before, cls._module, data=cls._data())
        super().__init__(_title=self.title, _caption=self.caption, **traits)

    @classmethod
    def state_names(cls) -> list[str]:
        """Names of the traits that make up the state of the demo, sorted."""
        inherited = set(anywidget.AnyWidget.class_trait_names())
        names = cls.class_trait_names(sync=True)
        return sorted(n for n in names if n not in inherited and not n.startswith("_"))

    def state(self) -> dict[str, Any]:
        """The state of the demo as the JavaScript side sees it."""
        return {name: getattr(self, name) for name in self.state_names()}

    def still(self) -> str:
        """The picture for print and for pages without scripts: one ``<svg>`` element."""
        raise NotImplementedError

    def figure(self) -> str:
        """The static HTML form: still, caption, state, module, and the call that starts it."""
        payload = _script_safe(json.dumps({"state": self.state()}, sort_keys=True))
        return (
            f'<figure class="ngd-demo" id="{self.name}" data-demo="{type(self).__name__}" '
            f'aria-label="{html.escape(self.title)}">'
            f'<div class="ngd-still">{self.still()}</div>'
            f"<figcaption>{self.caption}</figcaption>"
            f'<script type="application/json">{payload}</script>'
            f'<script type="text/plain" class="ngd-module">{_script_safe(self._esm)}</script>'
            "<script>window.ngdHost && ngdHost.start(document.currentScript.parentNode)</script>"
            "</figure>"
        )

    def to_html(self) -> str:
        """A complete page that holds this demo and needs no other file and no network."""
        styles = tokens_css() + (FOLDER / "demo.css").read_text(encoding="utf-8")
        host = (FOLDER / "host.js").read_text(encoding="utf-8")
        return (
            '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            '<link rel="icon" href="data:,">'
            f"<title>{html.escape(self.title)}</title>"
            f"<style>{styles}body{{margin:1rem auto;max-width:46rem;padding:0 1rem;"
            "font:1rem/1.5 system-ui,sans-serif;background:var(--ngd-ground);color:var(--ngd-ink)}"
            f"</style><script>{_script_safe(host)}</script></head>"
            f"<body><main><h1>{html.escape(self.title)}</h1>{self.figure()}</main></body></html>\n"
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self.state().items())})"

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        data, metadata = super()._repr_mimebundle_(**kwargs)
        return {**data, "text/html": self.figure()}, metadata


def module_text(*modules: str, data: dict[str, Any] | None = None) -> str:
    """The ES module of a demo: the shared helpers, then its own code, in one scope, without the
    comments that stand on lines of their own.

    data  tables that Python computed, as plain lists and numbers: `DATA` of the module
    """
    parts = ("moving.js", "base.js", *modules)
    texts = [COMMENT.sub("", (FOLDER / name).read_text(encoding="utf-8")) for name in parts]
    if data:
        texts.insert(2, f"const DATA = {json.dumps(data, separators=(',', ':'))};")
    return "\n".join(texts)


def _script_safe(text: str) -> str:
    """Text that cannot end the script element it stands in; the same program, the same JSON."""
    return text.replace("</", "<\\/").replace("<!--", "<\\!--")


# --- drawing stills -------------------------------------------------------------------------------


def paint(token: str) -> str:
    """CSS colour of a token of `ngdlib.style` ('euclidean', 'ink', ...), or 'none'."""
    if token == "none":
        return "none"
    if token not in TOKENS:
        raise ValueError(f"token: expected one of {sorted(TOKENS)}, got {token!r}")
    return "currentColor" if token == "ink" else f"var(--ngd-{token}, {TOKENS[token]['light']})"


def svg(width: float, height: float, *parts: str, label: str) -> str:
    """An ``<svg>`` of the given size in pixels that shrinks with its column."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img" '
        f'aria-label="{html.escape(label)}" style="width:100%;max-width:{width:g}px;height:auto" '
        f'font-size="12" fill="currentColor">{"".join(parts)}</svg>'
    )


def _num(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _style(**given: object) -> str:
    return ";".join(f"{k.replace('_', '-')}:{v}" for k, v in given.items() if v is not None)


def path(
    d: str, stroke: str = "ink", width: float = 1.5, dash: str | None = None, fill: str = "none"
) -> str:
    """A path in token colours; `dash` as in stroke-dasharray."""
    style = _style(
        fill=paint(fill), stroke=paint(stroke), stroke_width=width, stroke_dasharray=dash
    )
    return f'<path d="{d}" style="{style}"/>'


def line(x0: float, y0: float, x1: float, y1: float, **given: Any) -> str:
    """A straight line; keywords as for `path`."""
    return path(f"M{_num(x0)} {_num(y0)}L{_num(x1)} {_num(y1)}", **given)


def circle(x: float, y: float, radius: float, **given: Any) -> str:
    """A circle; keywords as for `path`."""
    return path(shape("disc", x, y, radius), **given)


def text(
    x: float,
    y: float,
    words: str,
    anchor: str = "start",
    color: str = "ink",
    weight: int = 400,
    halo: float = 3,
) -> str:
    """A line of text, its middle height at y, kept clear of lines by `halo` pixels of ground."""
    style = _style(
        fill=paint(color),
        font_weight=weight,
        stroke=paint("ground"),
        stroke_width=halo,
        paint_order="stroke",
        stroke_linejoin="round",
    )
    return (
        f'<text x="{_num(x)}" y="{_num(y)}" dy=".35em" text-anchor="{anchor}" style="{style}">'
        f"{html.escape(words)}</text>"
    )


def shape(kind: str, x: float, y: float, r: float) -> str:
    """Path data of a marker: 'disc', 'diamond', 'triangle', 'square' or 'star'."""
    if kind == "disc":
        return (
            f"M{_num(x - r)} {_num(y)}a{_num(r)} {_num(r)} 0 1 0 {_num(2 * r)} 0"
            f"a{_num(r)} {_num(r)} 0 1 0 {_num(-2 * r)} 0Z"
        )
    corners: dict[str, list[tuple[float, float]]] = {
        "diamond": [(0, -1.25), (1.25, 0), (0, 1.25), (-1.25, 0)],
        "triangle": [(0, -1.25), (1.15, 0.8), (-1.15, 0.8)],
        "square": [(-0.95, -0.95), (0.95, -0.95), (0.95, 0.95), (-0.95, 0.95)],
        "star": [
            (
                (1.3 if k % 2 == 0 else 0.55) * math.sin(k * math.pi / 5),
                -(1.3 if k % 2 == 0 else 0.55) * math.cos(k * math.pi / 5),
            )
            for k in range(10)
        ],
    }
    if kind not in corners:
        raise ValueError(f"kind: expected 'disc' or one of {sorted(corners)}, got {kind!r}")
    return "M" + "L".join(f"{_num(x + a * r)} {_num(y + b * r)}" for a, b in corners[kind]) + "Z"


class Linear(NamedTuple):
    """Linear map of the interval `domain` onto pixels from `start` to `end`."""

    domain: tuple[float, float]
    start: float
    end: float

    def __call__(self, value: float) -> float:
        low, high = self.domain
        return self.start + (value - low) / (high - low) * (self.end - self.start)


class Log(NamedTuple):
    """Logarithmic map of the positive interval `domain` onto pixels from `start` to `end`."""

    domain: tuple[float, float]
    start: float
    end: float

    def __call__(self, value: float) -> float:
        low, high = (math.log(edge) for edge in self.domain)
        return self.start + (math.log(value) - low) / (high - low) * (self.end - self.start)


def axis(
    scale: Linear | Log,
    ticks: Iterable[float],
    at: float,
    words: Callable[[float], str] = lambda tick: f"{tick:g}".replace("-", "−"),
    side: str = "bottom",
) -> str:
    """An axis with ticks: `side` 'bottom' (at height `at`) or 'left' (at abscissa `at`)."""
    if side not in ("bottom", "left"):
        raise ValueError(f"side: expected 'bottom' or 'left', got {side!r}")
    flat = side == "bottom"
    ends = (scale.start, at, scale.end, at) if flat else (at, scale.start, at, scale.end)
    drawn = [line(*ends, width=1.2)]
    for tick in ticks:
        place = scale(tick)
        if flat:
            drawn += [line(place, at, place, at + 5, width=1)]
            drawn += [text(place, at + 14, words(tick), anchor="middle")]
        else:
            drawn += [line(at - 5, place, at, place, width=1)]
            drawn += [text(at - 8, place, words(tick), anchor="end")]
    return "".join(drawn)
