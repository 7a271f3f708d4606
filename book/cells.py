"""How a code cell shows on a page, by what it is for; and what a chapter's cells may be.

Code is of three kinds (CONTRIBUTING.md, *Add a chapter*). Code that argues stands open. Code that
draws (`hide-input`) opens from the caption of what it draws; where it shows nothing it is one quiet
line, and a call that only shows something from the library is no line at all. Proof-reading
(`checks`) is a small mark at the paragraph that it checks, and opens too.

    check(files)        # ValueError: every fault, with file, cell and line
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from html import escape
from pathlib import Path

import nbformat
from docutils import nodes
from sphinx.errors import SphinxError
from sphinx.transforms.post_transforms import SphinxPostTransform

from book.execute import notebooks

LINES = 12  # of open code in one cell, blank ones not counted
WIDTH = 76  # characters of code that fit the column of a page 1280 pixels wide
FOLDED = {"hide-input", "remove-input", "remove-cell", "checks"}
QUOTE = re.compile(r"quoted|stated")  # what a chapter calls its `quoted_at(...)`


# --- what a chapter's cells may be ----------------------------------------------------------------


def check(files: Iterable[Path]) -> None:
    """Raises ValueError with a line for each fault in the cells of some notebooks."""
    found = [fault for file in files for fault in faults(nbformat.read(file, 4), file.name)]
    if found:
        raise ValueError("\n".join(found))


def faults(book: nbformat.NotebookNode, name: str) -> list[str]:
    """What keeps the cells of a notebook from the form of a chapter: `name, cell, line: what`."""
    found = []
    code = [n for n, cell in enumerate(book.cells) if cell.cell_type == "code"]
    for n in code:
        cell = book.cells[n]
        tags = set(cell.metadata.get("tags", []))
        lines = cell.source.splitlines()

        def fault(line: int, what: str, cell=cell) -> None:
            found.append(f"{name}, cell {cell.id}, line {line}: {what}")

        checks = proofs(cell.source)
        if "checks" in tags:
            if not checks:
                fault(1, "a cell tagged `checks` that checks nothing")
            if draws := re.search(r"^with (plots\.)?figure\(", cell.source, re.M):
                line = cell.source[: draws.start()].count("\n") + 1
                fault(line, "a cell tagged `checks` draws a figure: give the figure its own cell")
        if tags & FOLDED:
            continue
        written = [k for k, line in enumerate(lines, 1) if line.strip()]
        if len(written) > LINES:
            fault(written[LINES], f"open code of {len(written)} lines, {LINES} at most")
        for k, line in enumerate(lines, 1):
            if len(line) > WIDTH:
                fault(k, f"open code {len(line)} characters wide, {WIDTH} at most")
        reading = [node.lineno for node in checks]
        reading += [k for k, line in enumerate(lines, 1) if "quoted_at" in line]
        if reading:
            fault(min(reading), "proof-reading in open code: tag a cell of its own `checks`")
    if code and code[0] + 1 < len(book.cells):
        after = book.cells[code[0] + 1]
        if after.cell_type != "markdown":
            found.append(f"{name}, cell {after.id}, line 1: prose must follow the opening hook")
    return found


def proofs(source: str) -> list[ast.stmt]:
    """The statements, at any depth, that compare a number or assert something."""
    return [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Assert)
        or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and _quotes(node.value))
    ]


def _quotes(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and bool(QUOTE.fullmatch(call.func.id))


def counted(source: str) -> tuple[int, int]:
    """How many numbers, and how many other statements, a cell checks.

    A check in a loop over something written out in the cell counts once for each; in another loop
    it counts once.
    """
    count = {True: 0, False: 0}

    def walk(node: ast.AST, times: int) -> None:
        if isinstance(node, ast.Assert):
            count[False] += times
        elif isinstance(node, ast.Call) and _quotes(node):
            count[True] += times
        if isinstance(node, ast.For):
            times *= _length(node.iter)
        for child in ast.iter_child_nodes(node):
            walk(child, times)

    walk(ast.parse(source), 1)
    return count[True], count[False]


def _length(node: ast.expr) -> int:
    """The length of a tuple, a list, or a zip of some, that is written out; else 1."""
    if isinstance(node, ast.Tuple | ast.List):
        return len(node.elts) or 1
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "zip":
        return max(_length(arg) for arg in node.args)
    return 1


# --- how they show --------------------------------------------------------------------------------


class Fold(nodes.General, nodes.Element):
    """A disclosure: `label` opens what is in it."""


def visit_fold(self, node: Fold) -> None:
    self.body.append(f'<details class="{" ".join(node["classes"])}">')
    self.body.append(f"<summary>{escape(node['label'])}</summary>\n")


def depart_fold(self, node: Fold) -> None:
    self.body.append("</details>\n")


def label(sources: list[str], output: str) -> str:
    """What the mark of proof-reading says."""
    numbers, others = (sum(n) for n in zip(*map(counted, sources), strict=True))
    parts = [
        f"{n} {word}{'s' * (n != 1)}"
        for n, word in ((numbers, "number"), (others, "statement"))
        if n
    ]
    off = output.count("The text quotes")  # a rerun with other parameters; each turn of a loop
    untrue = output.count("In this run it is not so.")
    differ = [f"{off} number{'s' * (off != 1)} with another result than in the text"] if off else []
    differ += [f"{untrue} statement{'s' * (untrue != 1)} not true here"] if untrue else []
    if differ:
        return f"checked: {' and '.join(differ)}"
    return f"✓ {' and '.join(parts)} checked"


class ShowCells(SphinxPostTransform):
    """Puts the code of each cell where its kind belongs, before myst-nb folds what is hidden."""

    default_priority = 190
    formats = ("html",)

    def run(self, **kwargs) -> None:
        cells = [
            cell
            for cell in self.document.findall(nodes.container)
            if cell.get("nb_element") == "cell_code" and cell.children
        ]
        for cell in cells:
            for part in cell.children:  # live.js finds the code and the output of a cell by it
                part["classes"].append(f"at-{cell['cell_index']}")
            if "tag_checks" in cell["classes"]:
                self.proof_reading(cell)
            elif "tag_hide-input" in cell["classes"]:
                self.figure_code(cell)

    def proof_reading(self, cell: nodes.container) -> None:
        code, *output = cell.children
        said = "\n".join(part.astext() for part in output)
        before = cell.parent[cell.parent.index(cell) - 1]
        fold = before[0] if before.get("checks") and len(before) == 1 else None
        if fold is None:
            fold = Fold(classes=["ngd-checks"], sources=[], said="")
            cell["checks"] = True
            cell.replace(code, fold)
        else:  # two in a row are one mark
            cell.remove(code)
            before.extend(output)
            cell.parent.remove(cell)
        fold.append(code)
        fold["sources"].append(code.astext())
        fold["said"] += said
        fold["label"] = label(fold["sources"], fold["said"])

    def figure_code(self, cell: nodes.container) -> None:
        del cell["hide_mode"]
        code, *output = cell.children
        shown = [raw for part in output for raw in part.findall(nodes.raw)]
        html = "".join(raw.astext() for raw in shown)
        source = code.astext().strip()
        if output and len(source.splitlines()) <= 4 and 'class="ngd-figure"' not in html:
            cell.remove(code)  # a call that shows something from the library
            return
        fold = Fold("", code, classes=["ngd-code"], label="Code of this figure")
        cell.remove(code)
        if not output and len(source.splitlines()) <= 2:
            cell.parent.remove(cell)  # `quoted = quoted_at(...)`
        elif not output:
            fold["label"] = "Code for what follows"
            fold["classes"].append("ngd-plumbing")
            cell.insert(0, fold)
        elif html.endswith("</figure>"):
            last = shown[-1]
            end = nodes.raw("", "</figure>", format="html")
            start = nodes.raw("", last.astext().removesuffix("</figure>"), format="html")
            box = nodes.container("", start, fold, end, classes=last["classes"])
            box["nb_element"] = "figure"
            last.parent.replace(last, box)
        else:
            fold["label"] = "Code of this output"
            cell.append(fold)


def check_chapters(app, config) -> None:
    try:
        check(notebooks())
    except ValueError as error:
        raise SphinxError(f"cells that are not as CONTRIBUTING.md says:\n{error}") from None


def setup(app) -> None:
    app.connect("config-inited", check_chapters)
    app.add_node(Fold, html=(visit_fold, depart_fold))
    app.add_post_transform(ShowCells)
