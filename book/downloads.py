"""What a reader takes along: the notebooks of chapters and exercises, and a wheel of the library.

They stand in `notebooks/` of the site, in one folder, so that they find each other wherever they
are put: `bernoulli.ipynb`, `bernoulli-questions.ipynb`, `ngdlib-….whl`. The first lines of each say
how to install that wheel, from the site or from the folder.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

from hatchling.builders.wheel import WheelBuilder

from ngdlib.exercises.notebook.cells import INSTALL

ROOT = Path(__file__).resolve().parent.parent
HEAD = (
    "*From [The Natural Gradient]({page}). The cell below installs the book's library where it is "
    "missing, from the file `{wheel}` beside this notebook{else_from}. That file is published with "
    "it, in the folder `notebooks` of the book.*"
)


def publish(out: Path, chapters: list[str], url: str) -> None:
    """Write `notebooks/` into the site `out`, anew. url: where the site will be, or ""."""
    folder = out / "notebooks"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    wheel = Path(next(WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])))
    for ignored in folder.glob(".gitignore"):
        ignored.unlink()
    for chapter in chapters:
        for source, name in files(chapter):
            if source.exists():
                page = f"{url}/chapters/{chapter}.html" if url else f"../chapters/{chapter}.html"
                text = notebook(source, page, wheel.name, url)
                (folder / name).write_text(text, encoding="utf-8")


def files(chapter: str) -> tuple[tuple[Path, str], tuple[Path, str]]:
    """(file in the checkout, name in `notebooks/`) of a chapter and of its questions."""
    return (
        (ROOT / "chapters" / f"{chapter}.ipynb", f"{chapter}.ipynb"),
        (ROOT / "exercises" / f"{chapter}.ipynb", f"{chapter}-questions.ipynb"),
    )


def notebook(source: Path, page: str, wheel: str, url: str) -> str:
    """The text of a notebook with its first lines, its links leading to what stands beside it."""
    book = json.loads(source.read_text(encoding="utf-8"))
    there = f"{url}/notebooks/{wheel}" if url else f"../notebooks/{wheel}"
    head = HEAD.format(page=page, wheel=wheel, else_from=f", or from <{there}>" if url else "")
    install = INSTALL.format(wheel=wheel, there=there)
    cells = [
        {"cell_type": "markdown", "id": "where-from", "metadata": {}, "source": head},
        {
            "cell_type": "code",
            "id": "install",
            "metadata": {},
            "execution_count": None,
            "outputs": [],
            "source": install,
        },
    ]
    for cell in book["cells"]:
        if cell["cell_type"] == "markdown":
            text = "".join(cell["source"])
            text = re.sub(r"\]\((?:\.\./)?chapters/([\w-]+\.ipynb)", r"](\1", text)
            text = re.sub(r"\]\((?:\.\./)?exercises/([\w-]+)\.ipynb", r"](\1-questions.ipynb", text)
            cell["source"] = text
    book["cells"] = cells + book["cells"]
    return json.dumps(book, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def link(app, pagename, templatename, context, doctree) -> None:
    """On the page of a notebook: its downloads, and links to the notebook of its questions."""
    chapter = Path(pagename).name
    if os.environ.get("NGD_RERUN") or not pagename.startswith("chapters/"):
        return
    there = [name for source, name in files(chapter) if source.exists()]
    if not there:
        return
    up = "../" * pagename.count("/")
    words = {f"{chapter}.ipynb": "Chapter", f"{chapter}-questions.ipynb": "Questions"}
    buttons = [(name, f"{words[name]}, .ipynb") for name in there]
    buttons.append((f"ngdlib-{version()}-py3-none-any.whl", "Library, .whl"))
    for group in context.get("header_buttons", []):
        if group.get("label") == "download-buttons":
            group["buttons"] = [
                {
                    "type": "link",
                    # the theme writes the address as it is, and has no place for `download`
                    "url": f'{up}notebooks/{name}" download="{name}',
                    "text": text,
                    "tooltip": f"Download {name}",
                    "icon": "fas fa-file",
                    "label": "download-notebook-button",
                }
                for name, text in buttons
            ] + [b for b in group["buttons"] if "source" not in b.get("label", "")]
    context["body"] = re.sub(
        r"<code[^>]*>(?:<span class=\"pre\">)?exercises/([\w-]+)\.ipynb(?:</span>)?</code>",
        rf'<a href="{up}notebooks/\1-questions.ipynb" download><code>\1-questions.ipynb</code></a>',
        context.get("body", ""),
    )


def version() -> str:
    from ngdlib import __version__

    return __version__


def finish(app, exception) -> None:
    if exception is None and app.builder.format == "html" and not os.environ.get("NGD_RERUN"):
        chapters = [Path(name).name for name in sorted(app.env.found_docs)]
        url = os.environ.get("BOOK_URL", "").rstrip("/")
        publish(Path(app.outdir), [c for c in chapters if files(c)[0][0].exists()], url)


def setup(app) -> None:
    app.connect("html-page-context", link, priority=950)
    app.connect("build-finished", finish)
