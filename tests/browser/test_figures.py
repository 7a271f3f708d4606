"""Figures in a real browser: on a narrow screen a wide one scrolls, and the keyboard reaches it."""

from pathlib import Path

import ngdlib.demos
from ngdlib.plots import Figure
from ngdlib.style import tokens_css

ROOT = Path(__file__).parents[2]
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
