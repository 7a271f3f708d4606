"""One style sheet and one script for all pages, in the place of some twenty.

    join(out, first)    # in every page below `out`

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
INLINE = re.compile(r'[ \t]*<script(?: data-cfasync="false")?>(.*?)</script>\n?', re.S)
THEBE = re.compile(
    r'\s*<script type="text/x-thebe-config">.*?</script>|\s*<script>kernelName = .*?</script>', re.S
)
OWN = "_static/host.js"  # demos call it while the page is being read
OPTIONS = "_static/documentation_options.js"  # scripts in the head write to what it makes
PAGENAME = "DOCUMENTATION_OPTIONS.pagename ="  # for a menu of versions
CALLS = {"window.print()": "print", "toggleFullScreen()": "full-screen"}  # page.js hears of them
SEARCH = ("_static/searchtools.js", "_static/language_data.js", "searchindex.js")
# After any change the theme measures every box of code, which lays out all that is off the screen.
MEASURES = (
    ',new MutationObserver(t).observe(document.getElementById("main-content"),'
    "{subtree:!0,childList:!0})"
)
# The theme puts the sidebar beside the text from 960 pixels on; its button thinks from 992 on.
WIDE = '"(min-width: 992px)"'
FIRST = ";window.FontAwesomeConfig = { observeMutations: false };"  # it would watch every frame


def join(out: Path, first: str) -> None:
    """Every page in `out` gets the joined files in its head, named by what is in them.

    `first` is a script that runs before all others. What the pages say in scripts of their own
    follows it, in the one file that is read before the page's body: so the pages work where such
    scripts are forbidden.

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
    for known, better in ((MEASURES, ""), (WIDE, WIDE.replace("992", "960"))):
        if script.count(known) != 1:
            raise ValueError(f"the theme's script has changed: book/heads.py looks for {known}")
        script = script.replace(known, better)
    (out / "_static" / "book.js").write_text(script, encoding="utf-8")
    heads = "".join(page.partition("</head>")[0] for page in pages.values())
    said = [text for text in dict.fromkeys(INLINE.findall(heads)) if PAGENAME not in text]
    options, own = ((out / name).read_text(encoding="utf-8") for name in (OPTIONS, OWN))
    (out / "_static" / "first.js").write_text(
        "\n;".join([first, options, *said, own]), encoding="utf-8"
    )
    gone = {*SHEET.findall(model), *SCRIPT.findall(model)} - {OWN}
    for file, page in pages.items():
        root = "../" * (len(file.relative_to(out).parts) - 1)
        if f"{root}_static/pygments.css" in page:
            page = joined(page, root, gone, file.name == "search.html")
        for name in ("book.css", "book.js", "first.js"):
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


def joined(page: str, root: str, gone: set[str], searches: bool) -> str:
    """A page as Sphinx wrote it, with the joined files for those of the names in `gone`."""

    def leave(match: re.Match) -> str:
        name = match[1].removeprefix(root)
        if name == OWN:
            return f'    <script src="{root}_static/first.js"></script>\n'
        return "" if name in gone else match[0]

    head, end, body = PRELOAD.sub("", page).partition("</head>")
    page = INLINE.sub("", head) + end + THEBE.sub("", body)
    for call, name in CALLS.items():
        page = page.replace(f'onclick="{call}"', f'data-ngd-press="{name}"')
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
    text = text.replace("(min-width:992px)", "(min-width:960px)")  # see WIDE
    text = text.replace("(max-width:992px)", "(max-width:959.98px)")
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
