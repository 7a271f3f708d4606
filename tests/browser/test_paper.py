"""The book on paper: printed from the built pages, with what a reader of a PDF expects."""

import html
import re
from io import BytesIO

import pytest
from pypdf import PdfReader

from book import paper
from tests.conftest import ROOT

SITE = ROOT / "_build" / "html"
SOME = {"index", "bernoulli", "bibliography"}


@pytest.fixture(scope="module")
def made(browser):
    return paper.printed_by(browser, SITE, SOME)


@pytest.fixture(scope="module")
def reader(made):
    return PdfReader(BytesIO(made[0]))


def test_nothing_sticks_out_of_the_page(made):
    assert made[1] == []


def test_a_word_that_does_not_fit_is_reported(browser, tmp_path):
    """The control: one long word in a copy of a page."""
    for name in ("chapters/index.html", "chapters/bibliography.html"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        text = (SITE / name).read_text(encoding="utf-8")
        wide = f'<p style="white-space: nowrap">{"wide" * 60}</p>'
        file.write_text(text.replace("<section", f"<section>{wide}</section><section", 1))
    (tmp_path / "_static").symlink_to(SITE / "_static")
    _, out = paper.printed_by(browser, tmp_path, {"index", "bibliography"})
    assert out and "wide" in out[0]


def test_the_outline_and_the_contents_lead_to_the_chapters(reader):
    tops = [entry for entry in reader.outline if not isinstance(entry, list)]
    titles = [entry.title for entry in tops]
    assert titles[:3] == ["The Natural Gradient", "The Natural Gradient", "One coin, three charts"]
    assert "One coin, three charts" in titles and titles[-1] == "Worked solutions"
    shown = {}
    for line in reader.pages[1].extract_text().splitlines():
        if match := re.fullmatch(r"(.+?)\s*_*\s*(\d+)", line.strip()):
            shown[match[1].strip()] = int(match[2])
    where = {entry.title: reader.get_destination_page_number(entry) + 1 for entry in tops}
    for title in ("One coin, three charts", "Bibliography", "Worked solutions"):
        assert shown[title] == where[title] > 2
        assert title in reader.pages[where[title] - 1].extract_text()


def test_every_link_inside_has_a_place(reader):
    places = {name.lstrip("/") for name in reader.named_destinations}
    inside, outside = set(), set()
    for page in reader.pages:
        for annotation in page.get("/Annots", ()):
            link = annotation.get_object()
            if link.get("/Subtype") != "/Link":
                continue
            if "/Dest" in link:
                inside.add(str(link["/Dest"]).lstrip("/"))
            else:
                outside.add(str(link["/A"]["/URI"]))
    assert len(inside) > 30 and inside <= places
    assert any(place.startswith("solution-") for place in inside)
    assert not any(paper.HERE in uri for uri in outside)


def test_it_is_tagged_set_in_the_faces_of_the_book_and_drawn_in_vectors(reader):
    root = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"] and root["/Lang"] == "en" and "/StructTreeRoot" in root
    fonts, pictures = set(), 0
    for page in reader.pages:
        resources = page["/Resources"]
        for font in resources.get("/Font", {}).values():
            font = font.get_object()
            if font["/Subtype"] == "/Type0":
                deep = font["/DescendantFonts"][0].get_object()["/FontDescriptor"]
                assert "/FontFile2" in deep or "/FontFile3" in deep
                fonts.add(str(deep["/FontName"]).split("+")[-1])
        for thing in resources.get("/XObject", {}).values():
            pictures += thing.get_object()["/Subtype"] == "/Image" and "/ImageMask" not in thing
    assert {"SourceSerif4-Regular", "Inter-Regular"} <= fonts
    assert pictures <= len(reader.pages) / 10  # shadows of demos, no text and no formula


def test_dead_controls_are_gone_and_answers_stand_at_the_end(reader):
    texts = [page.extract_text() for page in reader.pages]
    whole = "\n".join(texts)
    for word in ("Show the code", "Code of this figure", "Reset", "numbers checked"):
        assert word not in whole
    solutions = next(
        k for k, text in enumerate(texts) if "Worked solutions" in text.splitlines()[:2]
    )
    assert solutions > len(texts) / 2
    assert "Worked solution" not in "".join(texts[2:solutions])


def test_no_heading_stands_alone_at_the_foot_of_a_page(reader):
    titles = {entry.title for entry in walk(reader.outline)}
    for page in reader.pages:
        lines = [x.strip() for x in page.extract_text().splitlines() if x.strip()]
        last = [x for x in lines if not x.isdigit()][-1:]
        assert not last or last[0] not in titles, last


def walk(outline):
    for entry in outline:
        if isinstance(entry, list):
            yield from walk(entry)
        else:
            yield entry


def test_every_line_of_a_derivation_is_printed(reader):
    """By their reasons, and the short formulas between them; book/paper.js counts them, too."""
    page = (SITE / "chapters" / "bernoulli.html").read_text(encoding="utf-8")
    reasons = re.findall(r'class="ngd-because">([^<]{8,})', page)
    whole = "".join("".join(page.extract_text() for page in reader.pages).split())
    assert len(reasons) > 10
    assert all("".join(html.unescape(reason).split()) in whole for reason in reasons)


def test_the_same_pages_give_the_same_bytes(browser, made):
    assert paper.printed_by(browser, SITE, SOME)[0] == made[0]


def test_the_opening_page_offers_the_file_once_it_is_there(tmp_path):
    page = tmp_path / "chapters" / "index.html"
    page.parent.mkdir()
    page.write_text('<p id="on-paper" hidden><b>On paper.</b></p>')
    paper.offer(tmp_path)
    assert page.read_text() == '<p id="on-paper"><b>On paper.</b></p>'
