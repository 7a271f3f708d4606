"""A drag on a slow machine: the worker paints what the page would show, and the page gets it."""

import io
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ngdlib.demos.base import FOLDER, Demo
from ngdlib.demos.damped_line import DampedLine
from ngdlib.demos.kl_balls import KLBalls
from ngdlib.demos.steps_in_any_chart import StepsInAnyChart
from ngdlib.demos.two_charts import TwoCharts
from tests.browser.drawing import after

HTML = Path(__file__).resolve().parents[2] / "_build" / "html"
DEMOS = [TwoCharts, KLBalls, StepsInAnyChart]
#: A motion of the test's own over the drawing of a demo at rest; what reaches the page is kept.
COVER = """source => {
    window.told = [];
    const moving = new Function(`${source}; return moving`)();
    const write = (...change) => told.push(change.slice(1));
    window.motion = moving(document.querySelector(".ngd-root"), write);
    return motion.start();
}"""
#: Every frame takes 40 ms, as on a slow machine.
SLOW = """() => {
    const wait = () => {
        const begun = performance.now();
        while (performance.now() - begun < 40);
        if (!window.quick) requestAnimationFrame(wait);
    };
    requestAnimationFrame(wait);
}"""


STATE = """names => Object.fromEntries(
    names.map(name => [name, document.querySelector("figure").ngd.model.get(name)]))"""
DRAWN = """() => [...document.querySelectorAll(".ngd-root > :not(.ngd-moving)")].map(
    part => part.outerHTML.replace(/ngd-[a-z0-9]+-\\d+|steps-(first|second)-\\w+/g, ""))"""


def opened(browser, tmp_path, demo: Demo, scheme: str = "light"):
    (tmp_path / "demo.html").write_text(demo.to_html(), encoding="utf-8")
    context = browser.new_context(color_scheme=scheme, viewport={"width": 1000, "height": 900})
    page = context.new_page()
    page.goto((tmp_path / "demo.html").as_uri())
    page.wait_for_selector("figure[data-ready]")
    return page


def test_the_live_words_of_a_caption_are_read_on_screen_and_not_printed(browser, tmp_path):
    page = opened(browser, tmp_path, KLBalls())
    words = page.locator("figcaption span").all()
    assert words and all(part.is_visible() for part in words)
    page.emulate_media(media="print")
    assert not any(part.is_visible() for part in words)


def covered(page) -> None:
    assert page.evaluate(COVER, (FOLDER / "moving.js").read_text(encoding="utf-8"))
    page.wait_for_selector("[data-moving]")


def pixels(page) -> np.ndarray:
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    return np.asarray(picture, dtype=int)


def soon(condition) -> bool:
    """Whether it comes to hold within a minute."""
    end = time.monotonic() + 60
    while not (holds := condition()) and time.monotonic() < end:
        time.sleep(0.05)
    return holds


def share_off(a: np.ndarray, b: np.ndarray) -> float:
    """Of all pixels, those that differ by more than an edge drawn a tenth of a pixel off."""
    return float((np.abs(a - b).max(axis=-1) > 40).mean())


@pytest.mark.parametrize("demo, scheme", [*((demo, "light") for demo in DEMOS), (KLBalls, "dark")])
def test_worker_paints_what_the_page_shows(browser, tmp_path, demo, scheme):
    page = opened(browser, tmp_path, demo(), scheme)
    in_page = pixels(page)
    covered(page)
    assert page.locator(".ngd-stage").first.evaluate("s => getComputedStyle(s).opacity") == "0"
    assert soon(lambda: share_off(in_page, pixels(page)) < 0.001)
    # negative control: the drawing 2 px to the right is not that drawing
    page.evaluate(
        "document.querySelectorAll('.ngd-stage').forEach("
        "stage => motion.takes(stage, 'transform', 'translate(2 0)'))"
    )
    assert soon(lambda: share_off(in_page, pixels(page)) > 0.005)
    page.context.close()


def test_changes_go_to_the_canvas_and_reach_the_page_at_rest(browser, tmp_path):
    page = opened(browser, tmp_path, TwoCharts())
    covered(page)
    before = pixels(page)
    taken = page.evaluate(
        """() => {
            const [here, words] = [".ngd-here", "strong"].map(s => document.querySelector(s));
            window.stood = here.getAttribute("d");
            return [motion.takes(here, "d", "M0 0L400 400"), motion.takes(words, "text", "apart"),
                motion.takes(here, "aria-label", "x"), motion.takes(document.body, "text", "x")];
        }"""
    )
    assert taken == [True, True, False, False]  # the last two are no part of the drawing
    assert soon(lambda: share_off(before, pixels(page)) > 0.0003)
    assert page.evaluate("document.querySelector('.ngd-here').getAttribute('d') === stood")
    # words beside the drawing are written once a second; on a busy machine that second may be over
    assert page.evaluate("told") in ([], [["text", "apart"]])
    page.evaluate("motion.stop()")
    assert sorted(page.evaluate("told")) == [["d", "M0 0L400 400"], ["text", "apart"]]
    assert page.locator("[data-moving]").count() == 0
    assert soon(lambda: share_off(before, pixels(page)) < 0.001)
    page.context.close()


def drag(page, by: int) -> None:
    """Takes the first handle, or else the first slider, so far and holds it there."""
    box = page.locator(".ngd-handle, input[type=range]").first.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + by, y, steps=30)


@pytest.mark.parametrize("demo", [*DEMOS, DampedLine])
def test_slow_drag_ends_where_a_quick_one_does(browser, tmp_path, demo):
    page = opened(browser, tmp_path, demo())
    began = page.evaluate(DRAWN)
    page.evaluate(SLOW)
    page.evaluate(
        """() => { window.seen = 0;
            new MutationObserver(() => { seen += 1; }).observe(document.querySelector(".ngd-root"),
                { attributes: true, attributeFilter: ["data-moving"] }); }"""
    )
    drag(page, 60)
    assert page.evaluate("seen") > 0, "the worker never took over"
    page.evaluate("window.quick = true")
    page.mouse.up()
    page.wait_for_selector(".ngd-root:not([data-moving])")
    values = page.evaluate(STATE, list(demo().state()))
    assert values != demo().state()
    at_rest = opened(browser, tmp_path, demo(**values))
    quick = at_rest.evaluate(DRAWN)
    assert quick != began
    assert soon(lambda: page.evaluate(DRAWN) == quick)
    at_rest.context.close()
    page.context.close()


@pytest.mark.parametrize(
    "obstacle",
    [
        "delete window.Worker; window.Worker = undefined",
        "document.querySelector('.ngd-stage').append(document.createElementNS("
        "'http://www.w3.org/2000/svg', 'image'))",
    ],
)
def test_without_a_worker_the_page_draws(browser, tmp_path, obstacle):
    """Where there are no workers, or a drawing holds what the worker cannot paint."""
    page = opened(browser, tmp_path, TwoCharts())
    page.evaluate(obstacle)
    assert not page.evaluate(COVER, (FOLDER / "moving.js").read_text(encoding="utf-8"))
    before = page.locator(".ngd-here").first.get_attribute("d")
    page.evaluate(SLOW)
    drag(page, 60)
    assert soon(lambda: page.locator(".ngd-here").first.get_attribute("d") != before)
    assert page.locator("[data-moving]").count() == 0
    page.context.close()


def test_a_change_of_a_page_measures_nothing(browser):
    """The theme would ask each box of code for its width, which lays out the whole chapter."""
    context = browser.new_context()
    page = context.new_page()
    page.add_init_script(
        """window.asked = 0;
        const { get } = Object.getOwnPropertyDescriptor(Element.prototype, "scrollWidth");
        Object.defineProperty(Element.prototype, "scrollWidth", { get() {
            window.asked += this.tagName === "PRE";
            return get.call(this);
        } });"""
    )
    page.goto((HTML / "chapters" / "bernoulli.html").as_uri(), wait_until="load")
    page.wait_for_selector("html[data-ngd-settled]")
    before = page.evaluate("asked")
    assert before > 0  # once, when the page has come
    page.evaluate("document.querySelector('.ngd-root').append(document.createElement('i'))")
    after(page, 600)  # the theme waits 300 ms
    assert page.evaluate("asked") == before
    page.evaluate("window.dispatchEvent(new Event('resize'))")  # negative control
    page.wait_for_function("before => asked > before", arg=before)
    context.close()
