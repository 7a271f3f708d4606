"""Run one chapter again with other parameters: `make rerun NOTEBOOK=bernoulli PARAMS="eta=0.5"`.

A chapter's worked example has its parameters in one cell tagged `parameters`, each line an
assignment with a comment that says what it is and which values are allowed:

    eta = 1.0  # step size, in (0, 10]
    y = 1  # the toss, one of {0, 1}

Names and values are checked against that cell before anything runs. The executed notebook and an
HTML page go to `reruns/`; on the page, sentences that quote numbers for the defaults are marked.
"""

from __future__ import annotations

import argparse
import ast
import math
import re
import sys
from pathlib import Path
from typing import NamedTuple

import nbformat

ROOT = Path(__file__).resolve().parent.parent
NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"


class Parameter(NamedTuple):
    """One line of the `parameters` cell."""

    name: str
    default: object
    about: str
    allowed: str

    def parse(self, text: str) -> object:
        """The value that ``text`` gives, of the default's type; ValueError outside the range."""
        kind = type(self.default)
        try:
            value = ast.literal_eval(text)
        except (SyntaxError, ValueError):
            value = text if kind is str else None
        if kind is float and type(value) is int:
            value = float(value)
        if type(value) is not kind or (kind is float and not math.isfinite(value)):
            raise ValueError(f"{self.name}: expected {self.expects()}, got {text!r}")
        if not self.holds(value):
            raise ValueError(f"{self.name}: expected {self.expects()}, got {value!r}")
        return value

    def expects(self) -> str:
        return f"{type(self.default).__name__} {self.allowed}".strip()

    def holds(self, value: object) -> bool:
        """Whether the value is in the range that the comment gives."""
        if self.allowed.startswith("one of"):
            return value in ast.literal_eval(self.allowed.removeprefix("one of").strip())
        interval = re.fullmatch(rf"in ([\[(])({NUMBER}), ({NUMBER})([\])])", self.allowed)
        if interval is None:
            return True
        low, high = float(interval[2]), float(interval[3])
        above = value >= low if interval[1] == "[" else value > low
        return above and (value <= high if interval[4] == "]" else value < high)


def parameters(notebook: nbformat.NotebookNode) -> dict[str, Parameter]:
    """What the notebook lets a reader change, read from its `parameters` cell."""
    cells = [c for c in notebook.cells if "parameters" in c.metadata.get("tags", [])]
    found = {}
    for line in cells[0].source.splitlines() if cells else ():
        match = re.fullmatch(r"(\w+)\s*=\s*(.+?)\s*#\s*(.+)", line.strip())
        if match is None:
            continue
        allowed = re.search(r"(?:^|,\s*)((?:in [\[(].+[\])])|(?:one of \{.+\}))\s*$", match[3])
        found[match[1]] = Parameter(
            match[1],
            ast.literal_eval(match[2]),
            match[3][: allowed.start()] if allowed else match[3],
            allowed[1] if allowed else "",
        )
    return found


def describe(known: dict[str, Parameter]) -> str:
    rows = [f"  {p.name} = {p.default!r:<8} {p.about}; {p.expects()}" for p in known.values()]
    return "\n".join(rows) or "  (this notebook has no parameters)"


def read_arguments(given: list[str], known: dict[str, Parameter]) -> dict[str, object]:
    """``["eta=0.5"]`` as values; ValueError for an unknown name, a bad value or a bad form."""
    values = {}
    for argument in given:
        name, equals, text = argument.partition("=")
        if not equals:
            raise ValueError(f"expected name=value, got {argument!r}")
        if name not in known:
            raise ValueError(f"there is no parameter {name!r}")
        values[name] = known[name].parse(text)
    return values


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n")[0], formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("notebook", help="a chapter's name, such as bernoulli")
    parser.add_argument("params", nargs="*", metavar="name=value", help="parameters to change")
    parser.add_argument(
        "--output", type=Path, default=ROOT / "reruns", help="where the result goes"
    )
    options = parser.parse_args()
    chapters = sorted(
        f.stem
        for f in (ROOT / "chapters").glob("*.ipynb")
        if parameters(nbformat.read(f, as_version=4))
    )
    name = Path(options.notebook).stem
    if name not in chapters:
        sys.exit(
            f"[rerun] no chapter with parameters is called {options.notebook!r}; there are: "
            + ", ".join(chapters)
        )
    source = ROOT / "chapters" / f"{name}.ipynb"
    known = parameters(nbformat.read(source, as_version=4))
    try:
        values = read_arguments(options.params, known)
    except ValueError as error:
        sys.exit(f"[rerun] {error}\nThe parameters of {name}:\n{describe(known)}")
    changed = {k: v for k, v in values.items() if v != known[k].default}
    stem = "-".join([name, *(f"{k}={v}" for k, v in sorted(values.items()))])
    executed = options.output / f"{stem}.ipynb"
    options.output.mkdir(parents=True, exist_ok=True)
    print(
        f"[rerun] {name} with "
        + (", ".join(f"{k} = {v!r}" for k, v in values.items()) or "its defaults"),
        flush=True,
    )
    execute(source, executed, values)
    page = executed.with_suffix(".html")
    page.write_text(to_html(executed, name, known, values, changed), encoding="utf-8")
    print(f"[rerun] wrote {executed}")
    print(f"[rerun] read {page}")


def execute(source: Path, target: Path, values: dict[str, object]) -> None:
    """Run the notebook through papermill, with its progress bar; exits where a cell fails."""
    import papermill

    unfinished = target.with_suffix(".unfinished.ipynb")
    try:
        papermill.execute_notebook(
            str(source),
            str(unfinished),
            parameters=values,
            cwd=str(source.parent),
            kernel_name="python3",
            progress_bar=True,
            log_output=False,
        )
    except papermill.PapermillExecutionError as error:
        sys.exit(
            f"[rerun] cell {error.cell_index} failed with these parameters: "
            f"{error.ename}: {error.evalue}\n[rerun] what ran is in {unfinished}"
        )
    unfinished.replace(target)


def to_html(
    executed: Path,
    name: str,
    known: dict[str, Parameter],
    values: dict[str, object],
    changed: dict[str, object],
) -> str:
    """One self-contained page: the executed notebook, the book's style, no other host."""
    import html

    from nbconvert import HTMLExporter
    from traitlets.config import Config

    from ngdlib.style import tokens_css

    vendor = ROOT / "_build" / "vendor" / "mathjax" / "tex-chtml.js"
    exporter = HTMLExporter(
        config=Config(TagRemovePreprocessor={"enabled": True, "remove_input_tags": {"hide-input"}}),
        mathjax_url=vendor.as_uri(),
        require_js_url="",
        jquery_url="",
        mermaid_js_url="",
        embed_images=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
    )
    notebook = nbformat.read(executed, as_version=4)
    for cell in notebook.cells:  # the pages carry each demo's own form instead of a widget view
        for output in cell.get("outputs", ()):
            output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)
    notebook.metadata.pop("widgets", None)
    body, _ = exporter.from_notebook_node(notebook)
    demos = ROOT / "ngdlib" / "demos"
    styles = [tokens_css(), *(f.read_text("utf-8") for f in sorted(demos.glob("*.css")))]
    styles.append((ROOT / "book" / "static" / "book.css").read_text("utf-8"))
    rows = "".join(
        f"<li><code>{p.name} = {values.get(p.name, p.default)!r}</code> "
        f"{'' if p.name not in changed else f'<strong>(default {p.default!r})</strong>'} "
        f"{html.escape(p.about)}</li>"
        for p in known.values()
    )
    note = (
        "Sentences marked like <span class='at-defaults'>this</span> quote numbers for the default "
        "parameters; the cell beside each says what the number is here."
        if changed
        else "All parameters have their defaults."
    )
    banner = (
        f'<aside class="ngd-rerun" aria-label="What was rerun"><p><strong>A rerun of the chapter '
        f"{html.escape(name)}</strong> with</p><ul>{rows}</ul><p>{note}</p></aside>"
    )
    host = (demos / "host.js").read_text("utf-8")
    head = (
        f"<style>{''.join(styles)}</style><script>{host}</script>"
        f"<script>window.MathJax={{options:{{enableMenu:false}}}}</script>"
    )
    body = re.sub(r"<title>.*?</title>", f"<title>Rerun of {html.escape(name)}</title>", body)
    body = body.replace("<html>", '<html lang="en">', 1)
    body = body.replace("<head>", f"<head>{head}", 1)
    state = "changed" if changed else "defaults"
    return re.sub(
        r"<body([^>]*)>",
        rf'<body\1 data-rerun="{state}">' + banner.replace("\\", r"\\"),
        body,
        count=1,
    )


if __name__ == "__main__":
    main()
