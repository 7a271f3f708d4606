"""A phone 400 pixels wide: a page scrolls up and down, and nothing on it sideways but code."""

import gzip

import pytest

from tests.browser.test_pages import HTML, PAGES

CHAPTERS = [name for name in PAGES if 'class="ngd-exercises"' in (HTML / name).read_text("utf-8")]

SIDEWAYS = """() => [...document.querySelectorAll('.bd-article *')].filter(e => {
    const style = getComputedStyle(e);
    return e.scrollWidth > e.clientWidth + 3 && e.clientWidth > 12 && style.display !== 'inline'
        && !/^(PRE|MJX-|LEGEND)/.test(e.tagName) && e.getClientRects().length
        && !e.closest('svg, .ngd-sr, [data-ready] .ngd-still');
}).map(e => `${e.tagName}.${e.className}: ${e.textContent.trim().slice(0, 60)}`)"""

# Demos drawn, faces there.
READY = """() => document.fonts.status === 'loaded'
    && [...document.querySelectorAll('figure.ngd-demo')].every(f => f.dataset.ready)"""


@pytest.fixture(params=CHAPTERS)
def phone(browser, request):
    context = browser.new_context(viewport={"width": 400, "height": 800})
    page = context.new_page()
    page.goto((HTML / request.param).as_uri())
    page.evaluate("document.querySelectorAll('.bd-article details').forEach(d => (d.open = true))")
    page.add_style_tag(
        content="mjx-assistive-mml { display: none !important; }"  # out of sight
        ".bd-article * { content-visibility: visible !important; }"  # measured where not on screen
    )
    # laid out: the faces have been asked for
    page.evaluate("new Promise(f => requestAnimationFrame(() => requestAnimationFrame(f)))")
    page.wait_for_function(READY)
    yield page
    context.close()


def test_nothing_scrolls_sideways(phone):
    assert phone.evaluate("document.documentElement.scrollWidth") == 400
    assert phone.evaluate(SIDEWAYS) == []
    phone.evaluate("document.querySelector('.bd-article p').innerHTML = '1234567890'.repeat(9)")
    assert phone.evaluate(SIDEWAYS)  # negative control


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_is_no_heavier_than_promised(name):
    assert len(gzip.compress((HTML / name).read_bytes(), 9, mtime=0)) <= 190_000
