"""Formulas, typeset when the book is made: all of them, as MathJax would set them in the page."""

import re
from html.parser import HTMLParser

import pytest

from book.formulas import in_page, styles, typeset
from tests.browser.test_pages import HTML, PAGES
from tests.conftest import ROOT

VENDOR = ROOT / "_build" / "vendor"
#: Formulas in every kind of place, and TeX that is none.
BODY = r"""
<h1>A ruler <span class="math notranslate nohighlight">\(F_{ij}\)</span></h1>
<p title="x > \(a\)">Where <span class="math">\(q&lt;\tfrac12\)</span>, and
<span class="math">\(\mathrm{KL}(p\,\Vert\,r)&gt;0\)</span>: <code>\(no\)</code></p>
<div class="math notranslate nohighlight">
\[\begin{split}a &amp;= b\\ c &amp;= \sqrt{\frac{d}{e}}\end{split}\]</div>
<div class="amsmath math notranslate nohighlight">
\begin{align}a &amp;= \{b\}\end{align}</div>
<div class="output_area"><table><tr><td>\(\theta \leftarrow \theta - \eta F^{-1} g\)</td>
<td>\(a\) and \(b\)</td></tr></table></div>
<figcaption class="mathjax_process">Look at \(\sum_{i=1}^n x_i\), not at <!-- \(no\) --> it.
</figcaption>
<div class="highlight"><pre>print("\(no\)")</pre></div>
<script type="application/json">"\\(no\\)"</script>
<template><p><span class="math">\(\hat y\)</span></p></template>
"""
PAGE = '<!DOCTYPE html>\n<html lang="en"><head><title>x</title>{}</head><body>{}</body></html>'
SHEET = '<link rel="stylesheet" href="_static/formulas.css">'
MATHJAX = """<script>window.MathJax = {options: {enableMenu: false,
    processHtmlClass: "tex2jax_process|mathjax_process|math|output_area"}}</script>
<script defer src="_static/vendor/mathjax/tex-chtml.js"></script>"""
UNPACK = "<script>for (const t of document.querySelectorAll('template')) t.replaceWith(t.content)"
DRAWN = """() => [...document.querySelectorAll("mjx-container")].map(e => {
    const box = e.getBoundingClientRect();
    return [e.querySelector("math").outerHTML, box.width, box.height]; })"""


class Texts(HTMLParser):
    """The text of a page outside its head, its scripts and its code."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.inside: list[str] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        if tag in ("head", "script", "style", "pre", "code"):
            self.inside.append(tag)

    def handle_endtag(self, tag):
        if self.inside and self.inside[-1] == tag:
            self.inside.pop()

    def handle_data(self, data):
        if not self.inside:
            self.texts.append(data)


def left_over(page: str) -> list[str]:
    """TeX that a reader would see as such."""
    return [t for t in Texts(page).texts if re.search(r"\\[()\[\]]|\\[a-zA-Z]{2,}|\$\$", t)]


def test_no_tex_is_left_in_any_page():
    count = 0
    for name in PAGES:
        page = (HTML / name).read_text(encoding="utf-8")
        assert in_page(page) == [] and left_over(page) == [], name
        count += page.count("<mjx-container")
    assert count > 1000
    for tex in (r"\(q\)", r"\[q", r"\begin{align}q\end{align}", r"q \) r"):  # negative control
        assert left_over(PAGE.format("", f"<p>{tex}</p>")), tex
    assert left_over(PAGE.format(r"<title>\(q\)</title>", r"<code>\(q\)</code>")) == []


@pytest.fixture
def book(tmp_path):
    """A folder with one page whose formulas are TeX, and what it needs."""
    (tmp_path / "_static" / "vendor").mkdir(parents=True)
    (tmp_path / "_static" / "vendor" / "mathjax").symlink_to(VENDOR / "mathjax")
    return tmp_path


def test_a_page_is_as_mathjax_makes_it_in_the_browser(browser, book):
    """The same formulas in the same places, of the same size, and no others."""
    (book / "live.html").write_text(PAGE.format(MATHJAX, BODY + UNPACK + "</script>"))
    page = browser.new_page()
    page.goto((book / "live.html").as_uri())
    page.wait_for_function("() => window.MathJax?.startup?.promise?.then(() => true)")
    page.evaluate("document.fonts.ready")
    live = page.evaluate(DRAWN)
    (book / "live.html").unlink()

    (book / "made.html").write_text(PAGE.format(SHEET, BODY + UNPACK + "</script>"))
    typeset(book, book / "kept")
    page.goto((book / "made.html").as_uri())
    page.evaluate("document.fonts.ready")
    made = page.evaluate(DRAWN)
    assert [m for m, *_ in made] == [m for m, *_ in live]
    assert len(made) == 10
    for (tex, *size), (_, *wanted) in zip(made, live, strict=True):
        assert size == pytest.approx(wanted, abs=1), tex
    text = (book / "made.html").read_text(encoding="utf-8")
    assert text.count("(no") == BODY.count("(no") and left_over(text) == []
    page.close()


def test_typesetting_again_changes_nothing(book):
    """Not what is typeset already, and not what comes out for the same formula."""
    page = book / "made.html"
    page.write_text(PAGE.format("", BODY))
    typeset(book, book / "kept")
    first = page.read_bytes(), (book / "_static" / "formulas.css").read_bytes()
    typeset(book, book / "kept")
    assert (page.read_bytes(), (book / "_static" / "formulas.css").read_bytes()) == first
    for kept in ("kept", "anew"):
        page.write_text(PAGE.format("", BODY))
        typeset(book, book / kept)
        assert page.read_bytes() == first[0]


@pytest.mark.parametrize(
    "tex", [r"\foo{q}", r"\frac{173}", r"\left( q_{173}", r"\require{cancel}", "q^2^2"]
)
def test_what_mathjax_cannot_read_stops_the_build(book, tex):
    (book / "made.html").write_text(PAGE.format("", rf"<p>\(q\) and \({tex}\)</p>"))
    with pytest.raises(ValueError, match=r"made\.html: ") as error:
        typeset(book, book / "kept")
    assert tex in str(error.value)


def test_the_sheet_has_what_the_pages_use_and_no_more():
    rule = 'mjx-c.mjx-c7%s::before { content: "%s"; }\n'
    sheet = "a { b: c; }\n" + rule % ("B", "{") + rule % ("D", "}") + rule % ("D.TEX-B", "}")
    made = styles(sheet, {"mjx-c7D"})
    assert "a { b: c; }" in made and rule.strip() % ("D", "}") in made
    assert "mjx-c7B" not in made and "TEX-B" not in made
    css = (HTML / "_static" / "book.css").read_text(encoding="utf-8")
    used = {c for name in PAGES for c in re.findall(r"mjx-c[0-9A-F]+\b", (HTML / name).read_text())}
    assert used == set(re.findall(r"mjx-c[0-9A-F]+\b", css))


def test_without_scripts_formulas_are_drawn(browser):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((HTML / "chapters" / "bernoulli.html").as_uri())
    drawn = page.locator("main p mjx-container").first
    box = drawn.bounding_box()
    assert drawn.is_visible() and box["width"] > 20 and box["height"] > 10
    assert "\\(" not in page.locator("main").inner_text()
    context.close()


def test_a_wide_formula_scrolls_shows_it_and_is_a_stop_for_the_keyboard(browser, book):
    """In a line of text and on one of its own, in the theme's styles; a short one is left alone."""
    wide = " + ".join(rf"\frac{{x_{{{k}}}}}{{y}}" for k in range(20))
    static = (HTML / "_static").as_uri()
    head = (
        f'<link rel="stylesheet" href="{static}/book.css"><script src="{static}/host.js"></script>'
    )
    body = rf"""<div class="bd-article"><p id="line">So <span class="math">\({wide}\)</span> and
        <span class="math">\(q\)</span></p><div id="own" class="math">\[{wide}\]</div>
        <div class="math">\[q\]</div></div>"""
    (book / "made.html").write_text(PAGE.format(head, body))
    typeset(book, book / "kept")
    page = browser.new_page(viewport={"width": 400, "height": 600})
    page.goto((book / "made.html").as_uri())
    for place in ("#line span.math >> nth=0", "#own mjx-container"):
        box = page.locator(place)
        page.wait_for_function("e => e.tabIndex === 0", arg=box.element_handle())
        assert box.get_attribute("aria-label") == "Formula, scrolls sideways"
        shade = "e => getComputedStyle(e).backgroundAttachment"
        assert box.evaluate(shade) == "local, local, scroll, scroll"
        box.focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_function("document.activeElement.scrollLeft > 0")
    assert page.locator("[tabindex]").count() == 2
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    page.close()


def test_a_formula_whose_font_has_not_come_is_no_stop_for_the_keyboard(browser, served, book):
    """Its letters are drawn in another font first, wider than their boxes."""
    for name in ("book.css", "host.js"):
        (book / "_static" / name).symlink_to(HTML / "_static" / name)
    head = '<link rel="stylesheet" href="_static/book.css"><script src="_static/host.js"></script>'
    head += "<style>mjx-c::before { letter-spacing: 9px }</style>"  # whatever font stands in
    body = r"""<div class="bd-article"><p>So <span class="math">\(q\)</span> and
        <span class="math">\(W_{ij}\)</span></p><div class="math">\[q\]</div></div>"""
    (book / "made.html").write_text(PAGE.format(head, body))
    typeset(book, book / "kept")
    page, held, holding = browser.new_page(viewport={"width": 400, "height": 600}), [], True
    page.route("**/*.woff*", lambda route: held.append(route) if holding else route.continue_())
    page.goto(f"{served}/made.html", wait_until="commit")
    page.wait_for_function(
        "document.fonts.status === 'loading' && document.readyState !== 'loading'"
    )
    frames = "() => new Promise(f => requestAnimationFrame(() => requestAnimationFrame(f)))"
    page.evaluate(frames)
    q = page.locator("span.math >> nth=0")
    assert held and q.evaluate("e => e.scrollWidth > e.clientWidth + 3"), "the letter sticks out"
    assert page.locator("[tabindex]").count() == 0
    holding = False
    for route in held:
        route.continue_()
    page.wait_for_function("document.fonts.status === 'loaded'")
    page.evaluate(frames)
    assert page.locator("[tabindex]").count() == 0
    page.close()
