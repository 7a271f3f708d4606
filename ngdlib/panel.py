"""Controls in Jupyter: a panel that reruns a worked example, and controls beside a demo.

    panel("bernoulli")      # in a chapter, below its `parameters` cell
    live(slider, readout)   # ipywidgets that a cell has linked to a demo

In Jupyter both are alive. On a page, where there is no kernel, each is a still that says so.
"""

from __future__ import annotations

import ast
import asyncio
import html
import json
import linecache
import math
import os
from pathlib import Path
from typing import Any

import ipywidgets as widgets
from IPython import get_ipython
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import display
from IPython.utils.capture import capture_output

from ngdlib.parameters import Parameter, example, parameters

PAUSE = 0.15  # seconds without a change before the example runs


class Live(widgets.VBox):
    """Widgets one below the other; where no kernel is, ``still`` (HTML) stands for them."""

    def __init__(self, children: list[widgets.Widget], still: str) -> None:
        super().__init__(children)
        self.still = still

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        data = super()._repr_mimebundle_(**kwargs)
        data = data[0] if isinstance(data, tuple) else data
        return {**data, "text/html": self.still}


def live(*children: widgets.Widget) -> Live:
    """ipywidgets in a column; on the page a still of them.

    Raises ValueError for anything that is no widget.
    """
    for child in children:
        if not isinstance(child, widgets.Widget):
            raise ValueError(f"children: expected ipywidgets, got {child!r}")
        if hasattr(getattr(child, "style", None), "description_width"):
            child.style.description_width = "initial"  # the whole name, not its first letters
    shown = [
        (child.description or child.trait_values().get("name", ""), str(child.value))
        for child in children
        if child.has_trait("description") and child.has_trait("value")
    ]
    words = "These controls are alive in Jupyter, where they and the demo above move each other."
    return Live(list(children), _still(shown, words))


def panel(name: str) -> Live:
    """Controls for the parameters of the chapter ``name``, whose notebook stands beside the kernel.

    Moving one runs the worked example's cells again, in a copy of the reader's variables, and shows
    what they show; a value out of range is refused in the words of `make rerun`. Raises ValueError
    where there is no such notebook, or none with a `parameters` cell.
    """
    file, book = _notebook(name)
    known = parameters(book)
    shell = get_ipython()
    values = {p.name: p.default for p in known.values()}
    if shell is not None:
        values |= {k: shell.user_ns[k] for k in known if k in shell.user_ns}
    shown = [(p.name, f"{values[p.name]!r} · {p.about}, {p.allowed}") for p in known.values()]
    one = next(iter(known))
    words = (
        "In Jupyter these are sliders, and what follows is computed anew as they move. Or type "
        f'<code>make rerun NOTEBOOK={name} PARAMS="{one}={values[one]!r}"</code> with your number.'
    )
    return Panel(name, known, values, file, shell, _still(shown, words))


class Panel(Live):
    """The controls of one worked example; made by `panel`."""

    def __init__(
        self,
        name: str,
        known: dict[str, Parameter],
        values: dict[str, object],
        file: Path,
        shell: InteractiveShell | None,
        still: str,
    ) -> None:
        self.name, self.known, self.values, self.file = name, known, dict(values), file
        self.shell = shell
        self.before = dict(shell.user_ns) if shell else {}  # what the chapter has defined so far
        self.task: asyncio.Task | None = None
        self.state = widgets.HTML("Move a slider or type a value, and the example runs again.")
        self.refused = widgets.HTML()
        self.shown = widgets.Output()
        self.fields = {p.name: self._field(p) for p in known.values()}
        super().__init__(
            [*(self._row(p) for p in known.values()), self.refused, self.state, self.shown], still
        )

    def _field(self, p: Parameter) -> widgets.Text:
        field = widgets.Text(
            _plain(self.values[p.name]), continuous_update=False, layout={"width": "8em"}
        )
        field.observe(lambda change: self._take(p, change.new), "value")
        return field

    def _row(self, p: Parameter) -> widgets.HBox:
        field, slider = self.fields[p.name], _slider(p, self.values[p.name])
        words = widgets.HTML(f"{html.escape(p.about)}, {html.escape(p.allowed)}")
        label = widgets.Label(p.name, layout={"width": "6em"})
        if slider is None:
            return widgets.HBox([label, field, words])

        def moved(change: Any) -> None:
            if not _same_notch(slider, _number(field.value), change.new):
                field.value = _plain(change.new)

        def typed(change: Any) -> None:
            value = _number(change.new)
            if value is not None and p.holds(value):
                with slider.hold_trait_notifications():
                    slider.value = value

        slider.observe(moved, "value")
        field.observe(typed, "value")
        return widgets.HBox([label, slider, field, words])

    def _take(self, p: Parameter, text: str) -> None:
        try:
            self.values[p.name] = p.parse(text)
        except ValueError as error:
            self.refused.value = f"<strong>Refused.</strong> {html.escape(str(error))}"
            return
        self.refused.value = ""
        self.rerun()

    def rerun(self) -> None:
        """Run the example soon; a run that is under way ends after its present cell."""
        if self.task is not None:
            self.task.cancel()
        self.task = asyncio.ensure_future(self._run(dict(self.values)))

    async def _run(self, values: dict[str, object]) -> None:
        said = ", ".join(f"{k} = {_plain(v)}" for k, v in values.items())
        self.state.value = f"<em>running with {html.escape(said)} …</em>"
        await asyncio.sleep(PAUSE)  # what is moved meanwhile starts anew: the last one wins
        cells = example(json.loads(self.file.read_text(encoding="utf-8")))
        names, outputs = {**self.before, **values}, []
        for k, (cell, source) in enumerate(cells, 1):
            self.state.value = (
                f"<em>running with {html.escape(said)}: cell {k} of {len(cells)} …</em>"
            )
            await asyncio.sleep(0.02)
            try:
                outputs += _outputs(source, f"{self.name}, cell {cell}", names)
            except Exception as error:  # whatever the example's own code raises
                self.shown.outputs = tuple(outputs)
                where = f"cell {cell} failed with these parameters"
                what = html.escape(f"{type(error).__name__}: {error}")
                self.state.value = f"<strong>{where}.</strong> {what}"
                return
        self.shown.outputs = tuple(outputs)
        self.state.value = f"The worked example with {html.escape(said)}:"


def _notebook(name: str) -> tuple[Path, dict[str, Any]]:
    """(file, content) of a chapter: the one that Jupyter has open under whatever name, or the one
    of this name beside the kernel."""
    opened = Path(os.environ.get("JPY_SESSION_NAME", "")).name
    for file in (Path(opened), Path(f"{name}.ipynb"), Path("chapters", f"{name}.ipynb")):
        if file.suffix == ".ipynb" and file.is_file():
            book = json.loads(file.read_text(encoding="utf-8"))
            if parameters(book):
                return file, book
    raise ValueError(
        f"name: expected a notebook {name}.ipynb with a `parameters` cell in {Path.cwd()}"
    )


def _outputs(source: str, where: str, names: dict[str, object]) -> list[dict[str, Any]]:
    """Run the source of a cell in a namespace; what it shows, as a notebook has it."""
    linecache.cache[where] = (len(source), None, source.splitlines(keepends=True), where)
    tree = ast.parse(source, where)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    with capture_output() as caught:
        exec(compile(tree, where, "exec"), names)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), where, "eval"), names)
            if value is not None:
                display(value)
    printed = [("stdout", caught.stdout), ("stderr", caught.stderr)]
    found = [{"output_type": "stream", "name": n, "text": t} for n, t in printed if t]
    return found + [
        {"output_type": "display_data", "data": rich.data, "metadata": rich.metadata or {}}
        for rich in caught.outputs
    ]


def _slider(p: Parameter, value: Any) -> widgets.Widget | None:
    """A control whose every position is a legal value; None where there is no range."""
    if (choices := p.choices()) is not None:
        return widgets.SelectionSlider(options=choices, value=value)
    if (interval := p.interval()) is None:
        return None
    low, high, with_low, with_high = interval
    if type(p.default) is int:
        low, high = math.floor(low) + (not with_low), math.ceil(high) - (not with_high)
        return widgets.IntSlider(value, low, high, readout=False)
    if low > 0 and high / low >= 1000:
        ends = math.log10(low), math.log10(high)
        step = (ends[1] - ends[0]) / 200
        ends = ends[0] + step * (not with_low), ends[1] - step * (not with_high)
        return widgets.FloatLogSlider(value, min=ends[0], max=ends[1], step=step, readout=False)
    step = 10.0 ** math.floor(math.log10((high - low) / 50))
    low, high = low + step * (not with_low), high - step * (not with_high)
    return widgets.FloatSlider(value, min=low, max=high, step=step, readout=False)


def _same_notch(slider: widgets.Widget, shown: Any, new: Any) -> bool:
    """Whether the slider stands at the value that is shown, or as near to it as its notches allow.

    A front end puts the handle on the nearest notch, and reports that as a move of the reader's.
    """
    if isinstance(slider, widgets.FloatSlider | widgets.FloatLogSlider) and _is_real(shown):
        place = math.log10 if isinstance(slider, widgets.FloatLogSlider) and shown > 0 else float
        return abs(place(new) - place(shown)) < 0.51 * slider.step
    return _plain(new) == _plain(shown)


def _is_real(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _plain(value: object) -> str:
    """A value as one types it, without the noise of a slider's position."""
    return f"{value:.6g}" if type(value) is float else str(value)


def _number(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return None


def _still(rows: list[tuple[str, str]], words: str) -> str:
    lines = "".join(
        f"<li><code>{html.escape(name)}</code> {html.escape(value)}</li>" for name, value in rows
    )
    return f'<aside class="ngd-sliders"><ul>{lines}</ul><p>{words}</p></aside>'
