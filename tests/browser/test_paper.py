"""The book on paper: printed from the built pages, with what a reader of a PDF expects."""

import html
import re
from io import BytesIO

import pytest
from pypdf import PdfReader

from book import paper
from tests.conftest import ROOT

SITE = ROOT / "_build" / "html"
SOME = {"index", "bernoulli", "key-terms", "bibliography"}


@pytest.fixture(scope="module")
def made(browser):
    return paper.printed_by(browser, SITE, SOME)


@pytest.fixture(scope="module")
def reader(made):
    return PdfReader(BytesIO(made[0]))


@pytest.fixture(scope="module")
def texts(reader):
    """What stands on each page."""
    return [page.extract_text() for page in reader.pages]


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


def test_the_outline_and_the_contents_lead_to_the_chapters(reader, texts):
    tops = [entry for entry in reader.outline if not isinstance(entry, list)]
    titles = [entry.title for entry in tops]
    assert titles[:3] == ["The Natural Gradient", "The Natural Gradient", "One coin, three charts"]
    assert "One coin, three charts" in titles and titles[-1] == "Worked solutions"
    shown = {}
    for line in texts[1].splitlines():
        if match := re.fullmatch(r"(.+?)\s*_*\s*(\d+)", line.strip()):
            shown[match[1].strip()] = int(match[2])
    where = {entry.title: reader.get_destination_page_number(entry) + 1 for entry in tops}
    for title in ("One coin, three charts", "Bibliography", "Worked solutions"):
        assert shown[title] == where[title] > 2
        assert title in texts[where[title] - 1]


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


def test_a_link_names_the_page_where_it_leads(reader, texts):
    """Read from the print: the question's page beside the solution, and the other way."""
    whole = list(enumerate(texts, 1))
    there = {n: re.findall(r"worked solution \(p\. *(\d+)\)", text) for n, text in whole}
    start = next(n for n, text in whole if text.startswith("Worked solutions\n"))
    back = {
        n: re.findall(r"^\d\. .* \(p\. *(\d+)\)$", text, flags=re.M)
        for n, text in whole[start - 1 :]
    }
    pairs = [(n, int(page)) for n, pages in there.items() for page in pages]
    assert len(pairs) == 8 and all(start <= page <= len(texts) for _, page in pairs)
    assert sorted(pairs) == sorted((int(page), n) for n, pages in back.items() for page in pages)
    where = {name.lstrip("/"): place for name, place in reader.named_destinations.items()}
    roads = reader.get_destination_page_number(where["index--roads"]) + 1
    assert re.search(rf"a way through the book\s+\(p\. *{roads}\)", "\n".join(texts))
    assert not re.search(r"\(p\. *000\)", "".join(texts))


def test_a_page_that_has_no_room_is_an_error(browser, monkeypatch):
    """The control: numbers of another colour are not found, and one room too many is missed."""
    kept = []
    monkeypatch.setattr(
        paper, "with_numbers", lambda book, rooms: kept.append((book, rooms)) or book
    )
    paper.printed_by(browser, SITE, {"index", "bibliography"})
    monkeypatch.undo()
    (book, rooms), blue = kept[0], b"0 0 1"
    assert paper.with_numbers(book, rooms)
    with pytest.raises(ValueError, match="no page could be put in"):
        paper.with_numbers(book, [*rooms, "index--top"])
    monkeypatch.setattr(paper, "NUMBER", blue)
    with pytest.raises(ValueError, match="no page could be put in"):
        paper.with_numbers(book, rooms)


def test_solutions_have_a_running_head(texts):
    start = next(k for k, text in enumerate(texts) if "1. The information in one toss (p" in text)
    assert start < len(texts) - 1
    assert all(text.startswith("Worked solutions\n") for text in texts[start:])


def last_lines(texts: list[str], paragraphs: list[str]) -> list[str]:
    """What stands first on a page and is no more than the end of a paragraph."""
    words = [[x for x in text.splitlines() if x.strip() and not x.isdigit()] for text in texts]
    lines = [" ".join(page[1].split()) for page in words if len({*page[:2]}) > 1]  # below its head
    return [x for x in lines if any(p.endswith(x) and p != x for p in paragraphs)]


def test_no_line_stands_alone_at_the_head_of_a_page(texts):
    pages = [(SITE / "chapters" / f"{name}.html").read_text(encoding="utf-8") for name in SOME]
    found = re.findall(r"<p>(.*?)</p>", "".join(pages), flags=re.S)
    plain = [" ".join(html.unescape(re.sub(r"<[^>]+>", "", p)).split()) for p in found]
    assert len(plain) > 200
    assert last_lines(texts, plain) == []
    # control
    assert last_lines(["Head\n7\nthe end.\nNew"], ["It is the end."]) == ["the end."]


def test_no_line_of_code_is_broken(browser):
    """Columns stay columns: code is set smaller where a line is longer than the page is wide."""
    made, out = paper.printed_by(browser, SITE, {"library"})
    text = "".join("".join(x.extract_text() for x in PdfReader(BytesIO(made)).pages).split(" "))
    page = (SITE / "chapters" / "library.html").read_text(encoding="utf-8")
    code = re.findall(r"<pre>(.*?)</pre>", page, flags=re.S)
    lines = [html.unescape(re.sub(r"<[^>]+>", "", x)) for one in code for x in one.splitlines()]
    long = [x.replace(" ", "") for x in lines if len(x) > 85]
    assert out == [] and len(long) > 20
    assert [line for line in long if line not in text] == []


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
    assert {"SourceSerif4-Regular", "Inter-Regular", "DejaVuSansMono"} <= fonts
    assert pictures <= len(reader.pages) / 10  # shadows of demos, no text and no formula


def test_dead_controls_are_gone_and_answers_stand_at_the_end(texts):
    whole = "\n".join(texts)
    for word in ("Show the code", "Code of this figure", "Reset", "numbers checked"):
        assert word not in whole
    solutions = next(
        k for k, text in enumerate(texts) if "Worked solutions" in text.splitlines()[:2]
    )
    assert solutions > len(texts) / 2
    assert "Worked solution" not in "".join(texts[2:solutions])


def test_no_heading_stands_alone_at_the_foot_of_a_page(reader, texts):
    titles = {entry.title for entry in walk(reader.outline)}
    for text in texts:
        lines = [x.strip() for x in text.splitlines() if x.strip()]
        last = [x for x in lines if not x.isdigit()][-1:]
        assert not last or last[0] not in titles, last


def test_no_term_stands_alone_at_the_foot_of_a_page(texts):
    page = (SITE / "chapters" / "key-terms.html").read_text(encoding="utf-8")
    terms = {re.sub(r"<[^>]+>|#", "", term).strip() for term in re.findall(r"<dt.*?</dt>", page)}
    feet = [[x for x in text.splitlines() if x.strip()][-2:] for text in texts]
    assert len(terms) > 80 and any(len(foot) == 2 for foot in feet)
    assert not [foot for foot in feet if foot and foot[0].strip() in terms]


def test_questions_begin_where_they_are_announced(texts):
    page = next(text for text in texts if "Check yourself" in text)
    assert "1. The information in one toss" in page


def test_the_contents_with_numbers_have_the_tags_of_those_without(reader):
    page = reader.pages[1]
    marks = [int(n) for n in re.findall(rb"/MCID (\d+)", page.get_contents().get_data())]
    parents = reader.trailer["/Root"]["/StructTreeRoot"]["/ParentTree"]
    of = dict(zip(*[iter(nums(parents))] * 2, strict=True))[page["/StructParents"]].get_object()
    assert sorted(marks) == list(range(len(of))) and len(marks) > 8


def nums(tree):
    if "/Nums" in tree:
        return list(tree["/Nums"])
    return [n for kid in tree["/Kids"] for n in nums(kid.get_object())]


def walk(outline):
    for entry in outline:
        if isinstance(entry, list):
            yield from walk(entry)
        else:
            yield entry


def test_every_line_of_a_derivation_is_printed(texts):
    """By their reasons, and the short formulas between them; book/paper.js counts them, too."""
    page = (SITE / "chapters" / "bernoulli.html").read_text(encoding="utf-8")
    reasons = re.findall(r'class="ngd-because">([^<]{8,})', page)
    whole = "".join("".join(texts).split())
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
