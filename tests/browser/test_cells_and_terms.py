"""A page's small marks in a real browser: proof-reading, figure code, terms."""

import pytest

from book.cells import WIDTH
from tests.browser.drawing import after
from tests.browser.test_pages import HTML

CHAPTER = (HTML / "chapters" / "coordinates.html").as_uri()


@pytest.fixture
def page(browser):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(CHAPTER)
    yield page
    page.close()


def test_proof_reading_opens_from_its_mark(page):
    mark = page.locator(".ngd-checks > summary").first
    assert mark.inner_text().startswith("✓ ") and " checked" in mark.inner_text()
    code = page.locator(".ngd-checks .highlight").first
    assert not code.is_visible()
    mark.focus()
    page.keyboard.press("Enter")
    assert code.is_visible() and "quoted(" in code.inner_text()


def test_the_code_of_a_figure_opens_in_its_figure(page):
    fold = page.locator("figure#two-walkers > details.ngd-code")
    fold.locator("summary").click()
    assert "figure(" in fold.locator(".highlight").inner_text()
    assert page.locator("details.hide").count() == 0, "a toggle of another kind"


def test_the_widest_line_of_open_code_fits_its_column(page):
    """And one a twentieth wider does not: the limit is no smaller than it must be."""
    fits = """([e, n]) => { const code = e.cloneNode(); code.textContent = "0".repeat(n);
        e.after(code); const wide = code.scrollWidth > code.clientWidth; code.remove();
        return !wide; }"""
    box = page.locator("div.cell > .cell_input pre").first.element_handle()
    assert page.evaluate(fits, [box, WIDTH])
    assert not page.evaluate(fits, [box, round(WIDTH * 1.05)])


def test_a_term_opens_its_meaning_in_place(page):
    word = page.locator("a.ngd-term.ngd-first").first
    shown = page.locator(".ngd-meaning")
    meaning = page.locator(f"#{word.get_attribute('aria-describedby')}")
    said = " ".join(meaning.text_content().split())
    assert len(said) > 40

    word.hover()
    shown.wait_for(state="visible")
    assert " ".join(shown.text_content().split()).startswith(said)
    shown.hover()
    after(page, 400)
    assert shown.is_visible(), "the pointer may go to what it has opened"
    page.keyboard.press("Escape")
    assert not shown.is_visible()
    page.mouse.move(5, 5)

    word.click()
    assert shown.is_visible() and page.url == CHAPTER
    page.mouse.click(640, 5)
    assert not shown.is_visible()

    word.focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    assert shown.is_visible() and word.evaluate("e => e === document.activeElement")
    page.keyboard.press("Enter")
    page.wait_for_url("**/key-terms.html#term-*")


def test_a_tap_opens_a_meaning_within_the_screen(browser):
    context = browser.new_context(viewport={"width": 400, "height": 800}, has_touch=True)
    page = context.new_page()
    page.goto(CHAPTER)
    word = page.locator("a.ngd-term").first
    word.tap()
    box = page.locator(".ngd-meaning").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 400 and page.url == CHAPTER
    context.close()


def test_without_scripts_a_term_leads_to_the_list(browser):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(CHAPTER)
    word = page.locator("a.ngd-term").first
    assert not page.locator(".ngd-meanings").is_visible()
    word.click()
    assert "key-terms.html#term-" in page.url
    context.close()
