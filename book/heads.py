"""One style sheet and one script for all pages, in the place of some twenty.

    join(out)       # in every page below `out`

Sphinx, its extensions and the theme each name their own. A browser asks for them one by one, starts
on the page's body only when the last has come, and reads many rules that no page uses.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from pathlib import Path

SHEET = re.compile(r'[ \t]*<link\b(?=[^>]*\brel="stylesheet")[^>]*\bhref="([^"?]+)[^"]*"[^>]*>\n?')
SCRIPT = re.compile(r'[ \t]*<script\b[^>]*\bsrc="([^"?]+)[^"]*"[^>]*></script>\n?')
PRELOAD = re.compile(r'[ \t]*<link rel="preload" as="script"[^>]*>\n?')
OWN = "_static/host.js"  # demos call it while the page is being read
OPTIONS = "_static/documentation_options.js"  # scripts in the head write to what it makes
SEARCH = ("_static/searchtools.js", "_static/language_data.js", "searchindex.js")
# After any change the theme measures every box of code, which lays out all that is off the screen.
MEASURES = (
    ',new MutationObserver(t).observe(document.getElementById("main-content"),'
    "{subtree:!0,childList:!0})"
)
FIRST = ";window.FontAwesomeConfig = { observeMutations: false };"  # it would watch every frame


def join(out: Path) -> None:
    """Every page in `out` gets the joined files in its head, named by what is in them.

    What all have is what the page of the search has, which Sphinx writes whenever it writes a page;
    a page keeps what it has beyond that.
    """
    pages = {file: file.read_text(encoding="utf-8") for file in sorted(out.rglob("*.html"))}
    everything = "".join(pages.values())
    model = pages[out / "search.html"]
    if "_static/book.css" in model:  # no page was written
        return
    sheets = [name for name in SHEET.findall(model) if used(name, everything)]
    (out / "_static" / "book.css").write_text(
        styles(out, [*sheets, "_static/formulas.css"], icons(out, everything)), encoding="utf-8"
    )
    scripts = [name for name in SCRIPT.findall(model) if used(name, everything)]
    scripts = [name for name in scripts if name not in {OWN, OPTIONS, *SEARCH}]
    texts = [FIRST, *((out / name).read_text(encoding="utf-8") for name in scripts)]
    script = "\n;".join(texts)
    if script.count(MEASURES) != 1:
        raise ValueError("the theme's script has changed: see MEASURES in book/heads.py")
    (out / "_static" / "book.js").write_text(script.replace(MEASURES, ""), encoding="utf-8")
    options = (out / OPTIONS).read_text(encoding="utf-8")
    gone = {*SHEET.findall(model), *SCRIPT.findall(model)} - {OWN, OPTIONS}
    for file, page in pages.items():
        root = "../" * (len(file.relative_to(out).parts) - 1)
        if f"{root}_static/pygments.css" in page:
            page = joined(page, root, gone, options, file.name == "search.html")
        for name in ("book.css", "book.js"):
            content = (out / "_static" / name).read_bytes()
            version = hashlib.sha256(content).hexdigest()[:8]
            page = re.sub(rf"(_static/{name})(\?v=\w+)?\"", rf'\1?v={version}"', page)
        file.write_text(page, encoding="utf-8")


def used(name: str, pages: str) -> bool:
    """Whether some page needs a style sheet or script: tabs, cards and grids, or any other."""
    if "thebe" in name:
        return False
    return not re.search("sphinx-design|design-tabs", name) or bool(
        re.search(r'class="[^"]*\bsd-', pages)
    )


def joined(page: str, root: str, gone: set[str], options: str, searches: bool) -> str:
    """A page as Sphinx wrote it, with the joined files for those of the names in `gone`."""

    def leave(match: re.Match) -> str:
        name = match[1].removeprefix(root)
        if name == OPTIONS:
            return f"<script>{options}</script>\n"
        return "" if name in gone else match[0]

    page = PRELOAD.sub("", page)
    at = SHEET.search(page).start()
    page = SCRIPT.sub(leave, SHEET.sub(leave, page))
    sheet = f'    <link rel="stylesheet" href="{root}_static/book.css" />\n'
    names = ["_static/book.js", *(SEARCH if searches else ())]
    scripts = "".join(f'    <script defer src="{root}{name}"></script>\n' for name in names)
    page = page[:at] + sheet + page[at:]
    return page.replace("</head>", f"{scripts}</head>", 1)


def styles(out: Path, names: list[str], drawn: set[str]) -> str:
    """The style sheets as one, without the icons that no page shows."""

    def keep(rule: re.Match) -> str:
        return rule[0] if set(re.findall(r"\.fa-([\w-]+)", rule[1])) & drawn else ""

    text = '@charset "UTF-8";\n' + "\n".join(sheet(out, name) for name in names)
    return re.sub(r"((?:\.fa-[\w-]+::?before,?)+)\{content:[^}]*\}", keep, text)


def sheet(out: Path, name: str) -> str:
    """A style sheet as it reads from `_static`, with what it imports."""
    text = (out / name).read_text(encoding="utf-8").replace('@charset "UTF-8";', "")
    folder = posixpath.dirname(name)

    def place(match: re.Match) -> str:
        target = posixpath.join(folder, match[2])
        return match[1] + posixpath.relpath(target, "_static")

    def imported(match: re.Match) -> str:
        return sheet(out, posixpath.normpath(posixpath.join(folder, match[1])))

    text = re.sub(r"(url\([\"']?)(?!data:|[\"'#])([^)\"']+)", place, text)
    return re.sub(r'@import "([^"]+)";', imported, text)


def icons(out: Path, pages: str) -> set[str]:
    """The icons that some page, or some script of the theme, names."""
    texts = [pages]
    for script in out.glob("_static/**/*.js"):
        if script.name not in ("fontawesome.js", "book.js"):
            texts.append(script.read_text(encoding="utf-8"))
    return {name for text in texts for name in re.findall(r"fa-([a-z0-9-]+)", text)}
