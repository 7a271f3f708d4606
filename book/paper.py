"""Print the built book as one PDF: `make pdf`.

A headless Chromium gathers the pages in the order of `_toc.yml` (book/paper.js), sets them with the
pages' own styles and faces (and book/paper.css), and prints. Only then are the numbers of the pages
known that the contents and the links name. To print once more would take as long as the first time:
the digits that were printed in their room are exchanged. The same book gives the same bytes.
"""

from __future__ import annotations

import argparse
import html
import json
import re
import sys
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from urllib.parse import unquote, urlsplit

import matplotlib
import yaml
from playwright.sync_api import Browser, Route, sync_playwright
from pypdf import PdfReader, PdfWriter

ROOT = Path(__file__).resolve().parent.parent
HERE = "http://book.invalid"  # no such host: every request is answered from the folder of the site
ABOUT = (
    "Gradient descent depends on the coordinates in which a model is written. "
    "The Fisher information matrix is the ruler that does not."
)


def main() -> None:
    parser = argparse.ArgumentParser(description="Print the built book as one PDF.")
    parser.add_argument("--site", type=Path, default=ROOT / "_build" / "html", help="built pages")
    parser.add_argument("--output", type=Path, help="default: natural-gradient.pdf in the site")
    options = parser.parse_args()
    site = options.site.resolve()
    if not (site / "index.html").is_file():
        sys.exit(f"[pdf] no book in {site}: run `make book` first")
    output = options.output or site / "natural-gradient.pdf"
    started = time.monotonic()
    made, out = printed(site)
    output.write_bytes(made)
    if output.parent == site:
        offer(site)
    for line in out:
        print(f"[pdf] sticks out of the page: {line}")
    pages = len(PdfReader(BytesIO(made)).pages)
    size = len(made) / 1e6
    print(f"[pdf] {pages} pages, {size:.1f} MB, {time.monotonic() - started:.0f} s: {output}")


def offer(site: Path) -> None:
    """The opening page has the link; it shows once there is something to fetch."""
    page = site / "chapters" / "index.html"
    text = page.read_text(encoding="utf-8")
    page.write_text(re.sub(r'(<p id="on-paper") hidden(="")?', r"\1", text), encoding="utf-8")


def printed(site: Path, only: set[str] | None = None) -> tuple[bytes, list[str]]:
    """`printed_by` a Chromium of its own."""
    with sync_playwright() as playwright:
        return printed_by(launch(playwright), site, only)


def printed_by(
    chromium: Browser, site: Path, only: set[str] | None = None
) -> tuple[bytes, list[str]]:
    """The PDF of the site, or of some chapters, and what does not fit on its pages."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    pages = list(chapters(site, only))
    front = {
        "title": config["title"],
        "about": ABOUT,
        "small": f"{config['author']}\nText under CC BY 4.0, code under the MIT licence.\n"
        "On paper the demos stand still: the book on a screen moves, checks answers and reruns.",
    }
    page = chromium.new_page(viewport={"width": 643, "height": 900})  # the column of the paper
    page.emulate_media(media="print", color_scheme="light")
    page.route("**/*", lambda route: answer(route, site, pages))
    page.goto(f"{HERE}/chapters/the-book.html")
    out, rooms = page.evaluate("([pages, front]) => gather(pages, front)", [pages, front])
    book = page.pdf(prefer_css_page_size=True, print_background=True, outline=True, tagged=True)
    page.close()
    year = str(config["copyright"])
    book = re.sub(rb"\(D:\d{14}", b"(D:" + year.encode() + b"0101000000", book)
    return with_numbers(book, rooms), out


def chapters(site: Path, only: set[str] | None) -> Iterator[dict]:
    """The pages in the order of the table of contents: url, name, title, part."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    files = [(toc["root"], None)]
    files += [(c["file"], part["caption"]) for part in toc["parts"] for c in part["chapters"]]
    for file, part in files:
        name = file.split("/")[-1]
        if only is not None and name not in only:
            continue
        text = (site / f"{file}.html").read_text(encoding="utf-8")
        article = text[text.index('bd-article"') :]
        heading = re.search(r"<h1>(.*?)(?:<a class=\"headerlink\"|</h1>)", article, flags=re.S)
        title = html.unescape(re.sub(r"<[^>]+>", "", heading[1])) if heading else file
        yield {"url": f"/{file}.html", "name": name, "title": title.strip(), "part": part}


def launch(playwright):
    """Chromium as the tests find it."""
    sys.path.append(str(ROOT))
    from benchmarks.demo_frames import launch

    return launch(playwright)


def answer(route: Route, site: Path, pages: list[dict]) -> None:
    path = unquote(urlsplit(route.request.url).path)
    if path == "/chapters/the-book.html":
        route.fulfill(body=skeleton(site, pages), content_type="text/html; charset=utf-8")
        return
    if path.startswith("/code/"):  # code is set in the face that matplotlib brings, on any machine
        site, path = Path(matplotlib.get_data_path(), "fonts", "ttf"), path.removeprefix("/code/")
    file = (site / path.lstrip("/")).resolve()
    if route.request.url.startswith(HERE) and file.is_relative_to(site) and file.is_file():
        route.fulfill(path=file)
    else:
        route.abort()


def skeleton(site: Path, pages: list[dict]) -> str:
    """An empty document with the styles of the pages, and a running head for each chapter."""
    example = (site / pages[0]["url"].lstrip("/")).read_text(encoding="utf-8")
    sheets = re.findall(r"<link[^>]*rel=\"stylesheet\"[^>]*>", example[: example.index("</head>")])
    heads = "\n".join(
        f"@page chapter-{k} {{ @top-right {{ content: {json.dumps(title)}; "
        "font: 9pt Inter; color: #555; } }"
        for k, title in enumerate([*(page["title"] for page in pages), "Worked solutions"])
    )
    here = Path(__file__).parent
    style, script = ((here / f"paper.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))
    return (
        '<!doctype html><html lang="en" data-theme="light" data-mode="light"><head>'
        f'<meta charset="utf-8">{"".join(sheets)}<style>{style}{heads}</style>'
        f"<script>{script}</script></head><body></body></html>"
    )


NUMBER = b".3333 .3373 .3412"  # the colour of .paper-number
DRAWN = re.compile(rb"RG ([\d. ]+) rg\n|BT\n(.*?)ET\n", re.DOTALL)


def with_numbers(book: bytes, rooms: list[str]) -> bytes:
    """The book with the page of each named place in the room that is kept for it, where the number
    of the room was printed. The first text of this colour shows how each digit is drawn."""
    reader = PdfReader(BytesIO(book))
    pages = numbers(reader, set(rooms))
    writer = PdfWriter(clone_from=reader)
    glyphs: list[bytes] = []
    empty = dict(enumerate(rooms))
    colour = b""

    def exchanged(drawn: re.Match[bytes]) -> bytes:
        nonlocal colour
        if drawn[1] is not None:
            colour = drawn[1]
        if drawn[1] is not None or colour != NUMBER:
            return drawn[0]
        found = re.findall(rb"<(\w{4})> Tj", drawn[2])
        if not glyphs:
            glyphs.extend(found)
            return b""
        own = int("".join(str(glyphs.index(glyph)) for glyph in found))
        full = len(rooms) - len(empty)  # a table's last row may be drawn before its first
        name = empty.pop(own + 1000 * round((full - own) / 1000))
        new = [b"<%s> Tj" % glyphs[int(d)] if d != " " else b"" for d in f"{pages[name]:3}"]
        return re.sub(rb"<\w{4}> Tj", lambda _: new.pop(0), drawn[0])

    for page in writer.pages:
        stream = page.raw_get("/Contents").get_object()
        if NUMBER in (drawn := stream.get_data()):
            stream.set_data(DRAWN.sub(exchanged, drawn))
    if empty:
        raise ValueError(f"no page could be put in for {[*empty.values()]}")
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


def numbers(reader: PdfReader, names: set[str]) -> dict[str, int]:
    """On which page, from 1, each named place stands."""
    places = {name.lstrip("/"): where for name, where in reader.named_destinations.items()}
    return {name: reader.get_destination_page_number(places[name]) + 1 for name in names}


if __name__ == "__main__":
    main()
