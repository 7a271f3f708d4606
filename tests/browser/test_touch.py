"""Demos as their reader has them: under a finger, in colours of the system, in larger letters."""

import importlib
import pkgutil

import pytest

import ngdlib.demos
from benchmarks.demo_frames import COUNT_FRAMES
from ngdlib.demos.base import Demo
from tests.browser.drawing import drawn

for module in pkgutil.iter_modules(ngdlib.demos.__path__, "ngdlib.demos."):
    importlib.import_module(module.name)
DEMOS = sorted(Demo.__subclasses__(), key=lambda demo: demo.__name__)
STATE = "JSON.stringify(ngdNames.map(n => document.querySelector('figure').ngd.model.get(n)))"
PLACES = """() => [...document.querySelectorAll(".ngd-handle .ngd-grip")]
    .map(e => e.getBoundingClientRect()).filter(r => r.width)
    .map(r => ({ x: r.x + r.width / 2, y: r.y + r.height / 2 }))"""


class Fingers:
    """What touches the screen: from Chromium's own input, which scrolls as a finger does."""

    def __init__(self, page) -> None:
        self.send, self.down = page.context.new_cdp_session(page).send, []

    def say(self, kind: str) -> None:
        points = [{"x": x, "y": y, "id": n} for n, (x, y) in enumerate(self.down)]
        self.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def touch(self, x: float, y: float) -> None:
        self.down.append((x, y))
        self.say("touchStart")

    def move(self, dx: float, dy: float, finger: int = 0, steps: int = 8) -> None:
        for _ in range(steps):
            x, y = self.down[finger]
            self.down[finger] = (x + dx / steps, y + dy / steps)
            self.say("touchMove")

    def lift(self) -> None:
        self.down = []
        self.say("touchEnd")


@pytest.mark.parametrize("demo", DEMOS, ids=lambda demo: demo.__name__)
def test_a_finger_drags_and_the_page_stays(browser, tmp_path, demo):
    tall = demo().to_html().replace("</main>", "<p style='height:3000px'>below</p></main>")
    (tmp_path / "demo.html").write_text(tall, encoding="utf-8")
    context = browser.new_context(
        viewport={"width": 400, "height": 750}, has_touch=True, is_mobile=True
    )
    page = context.new_page()
    page.add_init_script(COUNT_FRAMES)
    page.goto((tmp_path / "demo.html").as_uri())
    page.wait_for_selector("figure[data-ready]")
    page.evaluate(f"window.ngdNames = {list(demo().state())}")
    page.evaluate("document.querySelector('.ngd-handle')?.scrollIntoView({ block: 'center' })")
    places = page.evaluate(PLACES)
    if not places:  # all of it is sliders and buttons
        assert page.locator("input, button, select").count()
        context.close()
        return
    fingers, start, was = Fingers(page), page.evaluate("scrollY"), page.evaluate(STATE)
    at, dx = places[0], 40 if places[0]["x"] < 200 else -40
    fingers.touch(at["x"], at["y"])
    fingers.move(dx, 0)
    fingers.move(0, -30)
    page.wait_for_function(f"was => {STATE} !== was", arg=was)
    fingers.move(0, 60)
    fingers.move(dx / 4, 0)
    drawn(page)  # a drag is applied in the frame that follows
    held = page.evaluate(STATE)
    other = places[-1] if len(places) > 1 else {"x": at["x"] + dx, "y": at["y"]}
    fingers.touch(other["x"], other["y"])
    fingers.move(-dx, 20, finger=1)
    drawn(page)
    assert page.evaluate(STATE) == held, "a second finger takes over"
    fingers.lift()
    assert page.evaluate("scrollY") == start, "the page scrolls under the drag"

    fingers.touch(3, 740 if at["y"] < 600 else 40)  # negative control: beside the demo it scrolls
    fingers.move(0, -200 if at["y"] < 600 else 200)
    page.wait_for_function("start => scrollY !== start", arg=start)
    fingers.lift()
    context.close()


LOOKS = """() => [...document.querySelectorAll(".ngd-choice")].filter(e => e.clientWidth)
    .map(e => ["input:checked + span", "input:not(:checked) + span"]
        .map(s => getComputedStyle(e.querySelector(s)).backgroundColor))"""
SIZE = "parseFloat(getComputedStyle(document.querySelector('.ngd-stage text')).fontSize)"


@pytest.mark.parametrize("demo", DEMOS, ids=lambda demo: demo.__name__)
def test_colours_of_the_system_and_larger_letters(browser, tmp_path, demo):
    """The chosen option is told from the others; the labels of a drawing grow with the text."""
    (tmp_path / "demo.html").write_text(demo().to_html(), encoding="utf-8")
    context = browser.new_context(forced_colors="active")
    page = context.new_page()
    page.goto((tmp_path / "demo.html").as_uri())
    page.wait_for_selector("figure[data-ready]")
    assert all(chosen != other for chosen, other in page.evaluate(LOOKS))
    if page.locator(".ngd-stage text").count():
        before = page.evaluate(SIZE)
        page.evaluate("document.documentElement.style.fontSize = '150%'")
        assert page.evaluate(SIZE) == pytest.approx(1.5 * before)
    context.close()
