"""How the book's pages are made: the Sphinx extension behind `_config.yml`.

It keys the execution cache on the library, serves every script of the book from the book itself,
gives each page its description and preview card, and takes from the theme what slows a page down.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
import posixpath
import re
import shutil
from pathlib import Path

import yaml
from docutils import nodes
from jinja2 import FileSystemBytecodeCache
from sphinx.errors import SphinxError
from sphinx.util.index_entries import split_index_msg

from book import cells, citations, downloads, terms
from book.execute import cache_folder
from book.formulas import as_text, typeset
from book.heads import icons, join
from book.scripts import exercises_script
from ngdlib.style import tokens_css

ROOT = Path(__file__).resolve().parent.parent
DEMOS = ROOT / "ngdlib" / "demos"
EXERCISES = ROOT / "ngdlib" / "exercises"
PAGE_CSS = EXERCISES / "page" / "page.css"
STATIC = ROOT / "book" / "static"
SCRIPTS = [STATIC / "terms.js", STATIC / "page.js"]
FIRST_JS = STATIC / "first.js"
LIVE = [STATIC / "live.js", STATIC / "live.css"]  # asked for by the page that is run
SHEETS = [STATIC / "faces.css", *sorted(DEMOS.glob("*.css")), PAGE_CSS, STATIC / "book.css"]


def note_own_files(app, config) -> None:
    """A page made with other styles, scripts or tools than the present ones is made again."""
    parts = [*SHEETS, DEMOS / "host.js", *sorted(EXERCISES.rglob("*.js"))]
    parts += [
        *SCRIPTS,
        *LIVE,
        FIRST_JS,
        terms.LIST,
        *sorted((ROOT / "book").glob("*.py")),
        ROOT / "book" / "package-lock.json",
    ]
    content = b"\0".join(part.read_bytes() for part in parts) + tokens_css().encode()
    config.ngd_own_files = hashlib.sha256(content).hexdigest()


def key_cache_on_library(app, config) -> None:
    config.nb_execution_cache_path = str(cache_folder(Path(app.outdir).parent))
    config.html_baseurl = os.environ.get("BOOK_URL", "")  # where it is published, if anywhere


def keep_templates(app) -> None:
    """The theme's templates are compiled once, not in every build."""
    kept = Path(app.doctreedir).parent / "templates"
    kept.mkdir(parents=True, exist_ok=True)
    app.builder.templates.environment.bytecode_cache = FileSystemBytecodeCache(str(kept))


def add_own_files(app) -> None:
    """Styles and scripts made from the library, and the vendored ones, below `_static`.

    Jupyter Book puts every script below a static path of `_config.yml` on every page, so folders
    with scripts that only some pages load are added here.
    """
    made = Path(app.doctreedir).parent / "static"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    styles = [tokens_css(), *(sheet.read_text(encoding="utf-8") for sheet in SHEETS)]
    (made / "ngd.css").write_text("\n".join(styles), encoding="utf-8")
    shutil.copy(DEMOS / "host.js", made)
    app.add_js_file("host.js", priority=100)
    for script in SCRIPTS:
        shutil.copy(script, made)
        app.add_js_file(script.name, priority=700)
    for part in LIVE:
        shutil.copy(part, made)
    (made / "exercises.js").write_text(exercises_script(), encoding="utf-8")
    (made / "faces.js").write_text(face_bytes(), encoding="utf-8")
    served = shutil.ignore_patterns("node_modules", "axe", "ready", "*.ttf")
    shutil.copytree(ROOT / "_build" / "vendor", made / "vendor", ignore=served)
    app.config.html_static_path.append(str(made))
    app.add_css_file("ngd.css", priority=600)


def face_bytes() -> str:
    """A script that gives the bytes of Inter, in base64, to what cannot ask for the files: see
    host.js."""
    faces = ROOT / "_build" / "vendor" / "faces"
    given = [
        ["Inter", weight, base64.b64encode(file.read_bytes()).decode()]
        for name, weight in (("regular", "400"), ("semibold", "600 800"))
        if (file := faces / f"inter-{name}.woff2").exists()
    ]
    return f"window.ngdFaceBytes = {json.dumps(given)};\n"


def page_head(app, pagename, templatename, context, doctree) -> None:
    """Description and preview card; each script once; a colour scheme that the theme accepts; links
    that a notebook's output makes to another notebook, which Jupyter follows, lead to its page."""

    def to_page(link: re.Match) -> str:
        page = posixpath.normpath(posixpath.join(posixpath.dirname(pagename), link[1]))
        return f'href="{link[1]}.html' if page in app.env.found_docs else link[0]

    if 'class="ngd-exercises"' in context.get("body", ""):
        app.add_js_file("exercises.js", priority=150, defer="defer")
    seen, scripts = set(), []
    for script in context.get("script_files", []):
        body = getattr(script, "attributes", {}).get("body")
        if body and body in seen:
            continue  # two extensions write theirs twice, and a second `const` is an error
        if "THEBE" in (body or "") or "sphinx-thebe" in str(script):
            continue  # it offers hosted kernels, which this book does without
        if "MathJax" in (body or "") or "mathjax" in str(script):
            continue  # `finish` typesets; host.js loads it where a script makes formulas
        seen.add(body)
        scripts.append(script)
    context["script_files"] = scripts
    context["default_mode"] = context.get("default_mode") or "auto"

    body = context.get("body", "")  # docutils gives citations roles that WAI-ARIA has withdrawn
    context["body"] = body.replace(' role="doc-biblioentry"', "").replace(
        '<div role="list" class="citation-list">', '<div class="citation-list">'
    )
    context["body"] = re.sub(r'href="([^":#]+)\.ipynb', to_page, context["body"])
    if "cell_input " in context["body"] and not os.environ.get("NGD_RERUN"):
        context["body"] = context["body"].replace("</h1>", "</h1>\n" + RUN, 1)
    if note := os.environ.get("NGD_RERUN"):  # this is the page of a rerun: say so, and mark it
        state = "changed" if "at-defaults" in note else "defaults"
        context["body"] = f'<div data-rerun="{state}">{note}{context.get("body", "")}</div>'

    title = html.unescape(re.sub(r"<[^>]+>", "", context.get("title") or app.config.html_title))
    about = description(app, pagename)
    base = app.config.html_baseurl.rstrip("/")
    card = f"_static/cards/{pagename.replace('/', '-')}.png"
    url = f"{base}/{card}" if base else context["pathto"](card, 1)
    tags = {
        "description": about,
        "og:title": title,
        "og:description": about,
        "og:type": "article",
        "og:site_name": app.config.html_title,
        "og:image": url,
        "twitter:card": "summary_large_image",
    }
    context["metatags"] = re.sub(
        r'<meta (?:name|property)="(?:description|og:[^"]*|twitter:[^"]*)"[^>]*>\s*',
        "",
        context.get("metatags", ""),
    ) + "".join(
        f'<meta {"property" if name.startswith("og:") else "name"}="{name}" '
        f'content="{html.escape(value)}" />\n'
        for name, value in tags.items()
    )
    app.env.ngd_cards = getattr(app.env, "ngd_cards", {}) | {pagename: title}


def description(app, pagename: str) -> str:
    """The sentence a page gives of itself: notebook metadata or front matter `description`."""
    default = (
        "An interactive textbook in which every formula, number and figure is checked by code."
    )
    if pagename not in app.env.found_docs:
        return default
    source = Path(app.env.doc2path(pagename))
    text = source.read_text(encoding="utf-8")
    if source.suffix == ".ipynb":
        meta = json.loads(text)["metadata"]
    else:
        front = re.match(r"---\n(.*?)\n---\n", text, flags=re.S)
        meta = yaml.safe_load(front[1]) if front else {}
    return (meta or {}).get("description", default)


def finish(app, exception) -> None:
    """After the pages: formulas, preview cards, an opening page at the root, the icons in use."""
    if exception is not None or app.builder.format != "html":
        return
    out = Path(app.outdir)
    try:
        typeset(out, out.parent / "formulas")
    except ValueError as error:
        raise SphinxError(str(error)) from error
    terms.explain(out)
    for pagename, title in sorted(getattr(app.env, "ngd_cards", {}).items()):
        place_card(out, title, out / "_static" / "cards" / f"{pagename.replace('/', '-')}.png")
    first = f"{app.config.root_doc}.html"
    (out / "index.html").write_text(ROOT_PAGE.format(first=first), encoding="utf-8")
    keep_used_icons(out)
    join(out, FIRST_JS.read_text(encoding="utf-8"))
    forget_earlier_builds(app, out)
    remove_gone(app, out)


def place_card(out: Path, title: str, target: Path) -> None:
    """The preview card of a title, drawn unless an earlier build has drawn it."""
    source = (ROOT / "book" / "cards.py").read_bytes()
    made = out.parent / "cards" / f"{hashlib.sha256(source + title.encode()).hexdigest()[:16]}.png"
    if not made.exists():
        from book import cards  # matplotlib: a second that most builds can do without

        unfinished = made.with_suffix(".unfinished.png")
        cards.draw(unfinished, title)
        unfinished.replace(made)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(made, target)


def remove_gone(app, out: Path) -> None:
    """Pages and sources of chapters that are no more, which an earlier build has left."""
    for folder, pattern in ((out / "chapters", "*.html"), (out / "_sources" / "chapters", "*")):
        for file in folder.glob(pattern):
            if f"chapters/{file.name.split('.')[0]}" not in app.env.found_docs:
                file.unlink()


def forget_earlier_builds(app, out: Path) -> None:
    """Make a build over an earlier one give the same bytes as a build from nothing.

    In the search index, words that have gone stay, found on no page, and the terms of pages that
    were not written again are lost.
    """
    file = out / "searchindex.js"
    index = json.loads(file.read_text(encoding="utf-8").removeprefix("Search.setIndex(")[:-1])
    for kind in ("terms", "titleterms"):
        index[kind] = {word: where for word, where in sorted(index[kind].items()) if where != []}
    terms: dict[str, list] = {}
    for page, entries in app.env.get_domain("index").entries.items():
        for kind, value, target, main, _ in entries:
            for term in split_index_msg(kind, value):
                place = [index["docnames"].index(page), target, main == "main"]
                terms.setdefault(term.lower(), []).append(place)
    # a list of results shows no formulas, and a word is looked for in what it shows
    index["titles"] = [as_text(title) for title in index["titles"]]
    index["alltitles"] = {as_text(title): place for title, place in index["alltitles"].items()}
    index["indexentries"] = {term: sorted(places) for term, places in sorted(terms.items())}
    text = json.dumps(index, separators=(",", ":"), ensure_ascii=False)
    file.write_text(f"Search.setIndex({text})", encoding="utf-8")


def one_id_each(app, doctree) -> None:
    """A heading makes room for a figure, a demo or an exercise that bears the name it would get."""
    taken = {
        identity
        for raw in doctree.findall(nodes.raw)
        for identity in re.findall(r'\bid="([^"]+)"', raw.astext())
    }
    for section in doctree.findall(nodes.section):
        for k, identity in enumerate(section["ids"]):
            if identity in taken:
                section["ids"][k] = new = f"{identity}-section"
                doctree.ids[new] = section
                for name in [n for n, own in doctree.nameids.items() if own == identity]:
                    doctree.nameids[name] = new


RUN = (
    '<div class="ngd-run"><button type="button" data-ngd-press="run">Run this page</button>'
    '<span role="status"></span></div>'
)

ROOT_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8" />
<meta name="viewport" content="width=device-width, initial-scale=1" />
<title>The Natural Gradient</title>
<meta name="description" content="An interactive textbook on natural gradient descent." />
<meta http-equiv="refresh" content="0; url={first}" />
<link rel="canonical" href="{first}" />
</head>
<body><main><h1>The Natural Gradient</h1><p><a href="{first}">Open the book</a></p></main></body>
</html>
"""

ICON = re.compile(
    r'(?:"([\w-]+)"|([A-Za-z_$][\w$]*)):\[\d+,\d+,\[([^\]]*)\],"[0-9a-f]+",(?:"[^"]*"|\[[^\]]*\])\],?'
)


def keep_used_icons(out: Path) -> None:
    """The theme's icon script holds 1.5 MB of drawings; keep those that some page names."""
    script = out / "_static" / "scripts" / "fontawesome.js"
    if not script.exists():
        return
    pages = "".join(page.read_text(encoding="utf-8") for page in out.rglob("*.html"))
    used = icons(out, pages)

    def keep(icon: re.Match) -> str:
        aliases = set(re.findall(r'"([\w-]+)"', icon[3])) | {icon[1] or icon[2]}
        return icon[0] if aliases & used else ""

    script.write_text(ICON.sub(keep, script.read_text(encoding="utf-8")), encoding="utf-8")


def setup(app) -> dict[str, object]:
    citations.setup(app)
    cells.setup(app)
    terms.setup(app)
    downloads.setup(app)
    app.add_config_value("ngd_own_files", "", "html")
    app.connect("config-inited", note_own_files)
    app.connect("config-inited", key_cache_on_library, priority=900)
    app.connect("builder-inited", keep_templates)
    app.connect("builder-inited", add_own_files)
    app.connect("doctree-read", one_id_each, priority=100)  # before anyone notes the ids
    app.connect("html-page-context", page_head, priority=900)
    app.connect("build-finished", finish, priority=900)  # the theme writes styles then, too
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
