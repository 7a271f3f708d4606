"""Run one chapter again with other parameters: `make rerun NOTEBOOK=bernoulli PARAMS="eta=0.5"`.

A chapter's worked example has its parameters in one cell, which `ngdlib.parameters` reads. Names
and values are checked against it before anything runs. The executed notebook and an HTML page go to
`reruns/`; on the page, sentences that quote numbers for the defaults are marked.
"""

from __future__ import annotations

import argparse
import html
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT))

from ngdlib.parameters import Parameter, describe, is_tagged, parameters, read_arguments  # noqa: E402

HTML = ROOT / "_build" / "html"
HOW = 'make rerun NOTEBOOK=bernoulli PARAMS="eta=0.5 y=0"'
OF_MAKE = {"PYTHON", "PORT", "BIN"}


def from_make(flags: str) -> tuple[str, list[str]]:
    """(chapter, parameters) of a command line as make passes it on, which no shell has expanded.

    ValueError for a parameter that stands outside PARAMS.
    """
    words = re.findall(r"(?:\\.|[^\s\\])+", flags.partition(" -- ")[2].replace("$$", "$"))
    given = [re.sub(r"\\(.)", r"\1", word) for word in words]
    named = dict(argument.partition("=")[::2] for argument in given if "=" in argument)
    if lost := [k for k in named if k not in {"NOTEBOOK", "PARAMS", *OF_MAKE}]:
        inside = " ".join([*named.get("PARAMS", "").split(), *(f"{k}={named[k]}" for k in lost)])
        chapter = named.get("NOTEBOOK", "bernoulli")
        raise ValueError(
            f"{lost[0]} stands outside PARAMS and would be lost; type\n"
            f"    make rerun NOTEBOOK={chapter} PARAMS={shlex.quote(inside)}"
        )
    if not named.get("NOTEBOOK"):
        raise ValueError(f"say which chapter, as in\n    {HOW}")
    return named["NOTEBOOK"], named.get("PARAMS", "").split()


def chapter_named(name: str) -> Path:
    """The notebook of a chapter with parameters. ValueError for any other name, or a path."""
    chapters = {
        file.stem: file
        for file in sorted((ROOT / "chapters").glob("*.ipynb"))
        if parameters(nbformat.read(file, as_version=4))
    }
    if name in chapters:
        return chapters[name]
    if Path(name).stem in chapters:
        raise ValueError(f"expected a chapter's name, {Path(name).stem}, got the path {name!r}")
    raise ValueError(
        f"no chapter with parameters is called {name!r}; there are: {', '.join(chapters)}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("notebook", nargs="?", help="a chapter's name, such as bernoulli")
    parser.add_argument("params", nargs="*", metavar="name=value", help="parameters to change")
    parser.add_argument(
        "--output", type=Path, default=ROOT / "reruns", help="where the result goes (reruns)"
    )
    options = parser.parse_args()
    known: dict[str, Parameter] = {}
    try:
        if options.notebook is None:  # called by the Makefile
            options.notebook, options.params = from_make(os.environ.get("MAKEFLAGS", ""))
        source = chapter_named(options.notebook)
        known = parameters(nbformat.read(source, as_version=4))
        values = read_arguments(options.params, known)
    except ValueError as error:
        there_are = f"\nThe parameters of {source.stem}:\n{describe(known)}" if known else ""
        sys.exit(f"[rerun] {error}{there_are}")
    rerun(source, known, values, options.output)


def rerun(
    source: Path, known: dict[str, Parameter], values: dict[str, object], output: Path
) -> None:
    """Execute the notebook with these values and write its page."""
    name = source.stem
    changed = {k: v for k, v in values.items() if v != known[k].default}
    stem = "-".join([name, *(f"{k}={v}" for k, v in sorted(values.items()))])
    executed = output / (re.sub(r"[^-=.+\w]", "_", stem) + ".ipynb")
    output.mkdir(parents=True, exist_ok=True)
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

    os.environ["NGD_PAGE"] = "1"  # its figures go on a page
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
    except KeyboardInterrupt:
        unfinished.unlink(missing_ok=True)
        raise
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
    lead_to_book(notebook, name, folder)
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
        note = banner(name, worked_example(notebook), folder, known, values, changed)
        made = subprocess.run(
            command,
            env={**os.environ, "NGD_RERUN": note},
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C reaches this process alone, which ends that one
        )
        if made.returncode:
            sys.exit(f"[rerun] the page could not be made; the notebook is {executed}")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.move(source / "_build" / "html", folder)
    return folder / f"{name}.html"


def lead_to_book(notebook: nbformat.NotebookNode, name: str, folder: Path) -> None:
    """Links to other pages of the book, in the text and in what cells show, lead to the built book
    from a page in ``folder``; a link to a page that is not built becomes its words."""
    chapters = HTML / "chapters"
    way = os.path.relpath(chapters, folder)

    def built(page: str) -> bool:
        return (HTML / "objects.inv").exists() and (chapters / f"{page}.html").exists()

    def in_text(link: re.Match) -> str:
        words, page = link["words"] or title(link["page"]), link["page"]
        return f"{{external+book:doc}}`{words} <chapters/{page}>`" if built(page) else words

    def shown(link: re.Match) -> str:
        if link["page"] == name:
            return link[0]
        if not built(link["page"]):
            return link["words"]
        return link[0].replace('href="', f'href="{html.escape(way)}/', 1)

    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            to_page = r"{doc}`(?:(?P<words>[^`<]+?)\s*<)?(?P<page>[\w-]+)>?`"
            cell.source = re.sub(to_page, in_text, cell.source)
        for output in cell.get("outputs", []):
            if "text/html" in (data := output.get("data", {})):
                to_page = r'<a href="(?P<page>[\w-]+)\.html[^>]*>(?P<words>.*?)</a>'
                data["text/html"] = re.sub(to_page, shown, data["text/html"], flags=re.S)


def title(chapter: str) -> str:
    """The heading of a chapter; its name where there is no such notebook."""
    file = ROOT / "chapters" / f"{chapter}.ipynb"
    cells = nbformat.read(file, as_version=4).cells if file.exists() else []
    found = (re.search(r"^# (.+)$", cell.source, flags=re.M) for cell in cells)
    return next((heading[1] for heading in found if heading), chapter)


def worked_example(notebook: nbformat.NotebookNode) -> str:
    """The label of the heading under which the parameters stand; "" where it has none."""
    label = ""
    for cell in notebook.cells:
        if is_tagged(cell):
            break
        if cell.cell_type == "markdown":
            label = (re.findall(r"^\(([\w-]+)\)=\n##? ", cell.source, flags=re.M) or [label])[-1]
    return label


def banner(
    name: str,
    example: str,
    folder: Path,
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
        'Sentences marked like <span class="at-defaults">this</span> hold for the default '
        "parameters; below each stands what its numbers are here."
        if changed
        else "All parameters have their defaults."
    )
    ways = [f'<a href="#{example}">To the worked example</a>'] if example else []
    book = HTML / "chapters" / f"{name}.html"
    if book.exists():
        back = os.path.relpath(book, folder)
        ways.append(f'<a href="{html.escape(back)}">The chapter in the book</a>')
    note += f"</p><p>{' · '.join(ways)}" if ways else ""
    return (
        '<aside class="ngd-rerun" aria-label="What was rerun">'
        f"<p><strong>A rerun of the chapter {html.escape(name)}</strong> with</p>"
        f"<ul>{''.join(rows)}</ul><p>{note}</p></aside>"
    )


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("\n[rerun] stopped; nothing was written")
