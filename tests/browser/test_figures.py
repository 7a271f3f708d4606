"""Figures in a real browser: on a narrow screen a wide one scrolls, and the keyboard reaches it."""

from pathlib import Path

import pytest

import ngdlib.demos
from ngdlib.plots import Figure
from ngdlib.style import tokens_css

ROOT = Path(__file__).parents[2]
HTML = ROOT / "_build" / "html"
HOST = Path(ngdlib.demos.__file__).with_name("host.js").read_text(encoding="utf-8")
CSS = tokens_css() + (ROOT / "book" / "static" / "book.css").read_text(encoding="utf-8")
THEME = "[hidden] { display: none !important; }"  # as the theme has it
WIDE = '<svg viewBox="0 0 650 200" style="width:100%;max-width:650px"><path d="M0 0h650"/></svg>'
NAMES = ["tabindex", "role", "aria-label"]


def test_a_wide_figure_is_a_stop_for_the_keyboard_where_it_scrolls(browser):
    figure = Figure("wide", WIDE, "a caption", "a line")._repr_html_()
    page = browser.new_page(viewport={"width": 400, "height": 600})
    page.set_content(
        f"<!doctype html><style>{CSS}</style><script>{HOST}</script>"
        f'<div class="bd-article">{figure}</div>'
    )
    box = page.locator(".ngd-scroll")
    page.wait_for_selector(".ngd-scroll[tabindex]")
    assert [box.get_attribute(name) for name in NAMES] == ["0", "group", "Figure, scrolls sideways"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    shade = "e => getComputedStyle(e).backgroundAttachment"
    assert box.evaluate(shade) == "local, local, scroll, scroll"
    page.keyboard.press("Tab")
    assert box.evaluate("e => e === document.activeElement")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.activeElement.scrollLeft > 0")

    page.set_viewport_size({"width": 900, "height": 600})  # it fits, and is no stop any more
    page.wait_for_selector(".ngd-scroll:not([tabindex])")
    assert [box.get_attribute(name) for name in NAMES] == [None] * 3
    assert box.evaluate(shade) == "scroll"
    page.close()


def test_on_a_phone_the_narrow_drawing_stands_for_the_wide_one(browser):
    small = (
        '<svg viewBox="0 0 260 300" style="width:100%;max-width:345px"><path d="M0 0h260"/></svg>'
    )
    figure = Figure("two", WIDE, "a caption", "a line", small)._repr_html_()
    page = browser.new_page(viewport={"width": 400, "height": 600})
    page.set_content(
        f'<!doctype html><style>{THEME}{CSS}</style><div class="bd-article">{figure}</div>'
    )
    shown = "[...document.querySelectorAll('svg')].map(e => e.getBoundingClientRect().width > 0)"
    assert page.evaluate(shown) == [False, True]
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    page.set_viewport_size({"width": 900, "height": 600})
    assert page.evaluate(shown) == [True, False]
    page.close()


# Words of a figure, [figure, words], that one of its curves runs through.
CROSSED = """() => {
    const found = [];
    for (const svg of document.querySelectorAll('figure.ngd-figure svg')) {
        const texts = [...svg.querySelectorAll('text')];
        const words = texts.filter(t => /[A-Za-zµμσ]{3}|[μσ],/.test(t.textContent));
        if (!svg.getBoundingClientRect().width || !words.length) continue;
        const points = [];
        for (const path of svg.querySelectorAll('path[clip-path]')) {
            const length = path.getTotalLength(), to = path.getScreenCTM();
            if (getComputedStyle(path).stroke === 'none' || length < 30) continue;
            const name = path.getAttribute('clip-path').slice(4, -1);
            const box = svg.querySelector(name).firstElementChild.getBBox();
            for (let s = 0; s <= length; s += 1.5) {
                const p = path.getPointAtLength(s);
                const x = p.x - box.x, y = p.y - box.y;
                if (x >= 0 && x <= box.width && y >= 0 && y <= box.height)
                    points.push(p.matrixTransform(to));
            }
        }
        for (const word of words) {
            const box = word.getBBox(), to = word.getScreenCTM().inverse();
            const inside = points.filter(point => {
                const { x, y } = point.matrixTransform(to);
                const up = (y - box.y) / box.height; // not the room for accents and descenders
                return x > box.x + 1 && x < box.x + box.width - 1 && up > 0.25 && up < 0.85;
            });
            if (inside.length > 1) found.push([svg.closest('figure').id, word.textContent.trim()]);
        }
    }
    return found;
}"""


# The first words of each figure, moved to the middle of its first curve.
MOVED = """() => {
    for (const svg of document.querySelectorAll('figure.ngd-figure svg')) {
        const word = [...svg.querySelectorAll('text')].find(t => /[A-Za-z]{3}/.test(t.textContent));
        const curve = [...svg.querySelectorAll('path[clip-path]')].find(path =>
            getComputedStyle(path).stroke !== 'none' && path.getTotalLength() > 30);
        if (!svg.getBoundingClientRect().width || !word || !curve) continue;
        const at = curve.getPointAtLength(curve.getTotalLength() / 2);
        const middle = at.matrixTransform(curve.getScreenCTM());
        const to = middle.matrixTransform(word.getScreenCTM().inverse()), box = word.getBBox();
        const by = [to.x - box.x - box.width / 2, to.y - box.y - box.height * 0.55];
        const shift = word.ownerSVGElement.createSVGTransform();
        shift.setTranslate(...by);
        word.transform.baseVal.appendItem(shift);
    }
}"""


@pytest.mark.parametrize("width", [1280, 400])
def test_no_curve_runs_through_a_word(browser, width):
    page = browser.new_page(viewport={"width": width, "height": 900})
    crossed = []
    for chapter in sorted(HTML.glob("chapters/*.html")):
        if '<figure class="ngd-figure"' in chapter.read_text(encoding="utf-8"):
            page.goto(chapter.as_uri())
            crossed += page.evaluate(CROSSED)
    # the basins' runs cross the whole plane, and their names stand on it
    assert [found for found in crossed if found[0] != "trajectories"] == []
    page.evaluate(MOVED)
    assert page.evaluate(CROSSED), "a word on a curve is seen"
    page.close()
