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
import html
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import nbformat
import yaml

ROOT = Path(__file__).resolve().parent.parent
HTML = ROOT / "_build" / "html"
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
    print("[rerun] making the page", flush=True)
    page = to_html(executed, name, known, values, changed)
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
            extra_arguments=["--log-level=ERROR"],
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
) -> Path:
    """The executed notebook as a page like those of the book, beside the notebook; its path.

    It is a book of one page, made by the same tools. Links lead to the built book where there is
    one.
    """
    folder = executed.with_suffix("")
    notebook = nbformat.read(executed, as_version=4)
    references = "## References\n\n```{bibliography}\n:filter: docname in docnames\n```"
    notebook.cells.append(nbformat.v4.new_markdown_cell(references))
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    config["title"] = "The Natural Gradient, rerun"
    config["execute"] = {"execute_notebooks": "off"}
    config["bibtex_bibfiles"] = [str(ROOT / "references.bib")]
    config["sphinx"]["local_extensions"] = {"book.pages": str(ROOT)}
    config["sphinx"]["config"] |= {"suppress_warnings": ["ref", "myst", "bibtex", "mystnb"]}
    if (HTML / "objects.inv").exists():
        config["sphinx"].setdefault("extra_extensions", []).append("sphinx.ext.intersphinx")
        inventory = [os.path.relpath(HTML, folder), str(HTML / "objects.inv")]
        config["sphinx"]["config"]["intersphinx_mapping"] = {"book": inventory}
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch)
        nbformat.write(notebook, source / f"{name}.ipynb")
        (source / "_config.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
        (source / "_toc.yml").write_text(f"format: jb-book\nroot: {name}\n", encoding="utf-8")
        command = [Path(sys.executable).with_name("jupyter-book"), "build", source, "-qq"]
        note = banner(name, known, values, changed)
        made = subprocess.run(
            command, env={**os.environ, "NGD_RERUN": note}, stdout=subprocess.DEVNULL
        )
        if made.returncode:
            sys.exit(f"[rerun] the page could not be made; the notebook is {executed}")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.move(source / "_build" / "html", folder)
    return folder / f"{name}.html"


def banner(
    name: str,
    known: dict[str, Parameter],
    values: dict[str, object],
    changed: dict[str, object],
) -> str:
    """What stands at the head of the page: the parameters, and what the marks in the text mean."""
    rows = []
    for p in known.values():
        default = f" <strong>(default {p.default!r})</strong>" if p.name in changed else ""
        value = values.get(p.name, p.default)
        rows.append(f"<li><code>{p.name} = {value!r}</code>{default}, {html.escape(p.about)}</li>")
    note = (
        'Sentences marked like <span class="at-defaults">this</span> quote numbers for the '
        "default parameters; the cell beside each says what the number is here."
        if changed
        else "All parameters have their defaults."
    )
    return (
        '<aside class="ngd-rerun" aria-label="What was rerun">'
        f"<p><strong>A rerun of the chapter {html.escape(name)}</strong> with</p>"
        f"<ul>{''.join(rows)}</ul><p>{note}</p></aside>"
    )


if __name__ == "__main__":
    main()
