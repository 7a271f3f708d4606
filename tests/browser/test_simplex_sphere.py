"""The demo of three classes in a real browser: numbers, drag, keys, typing, reset."""

import gzip

import numpy as np
import pytest
from scipy.integrate import quad

import ngdlib.demos
from ngdlib import simplex
from ngdlib.demos.simplex_sphere import TIMES, SimplexSphere, circles, flat, flow, gradient, three
from tests.browser.drawing import drawn
from tests.browser.test_geometry_demos import call, close, opened, state

__all__ = ["opened"]
PAIRS = [((0.9, 0.09, 0.01), (0.01, 0.09, 0.9)), ((0.3, 0.5, 0.2), (0.3, 0.1, 0.6))]
SCENE = SimplexSphere()


def test_numbers_are_those_of_ngdlib(opened):
    page = opened(SCENE)
    for a, b in PAIRS:
        p, y = np.array(a), np.array(b)
        for loss in ("forward", "reverse"):
            g = gradient(p, y, loss)
            assert close(call(page, "gradient", a, b, loss), g)
            for λ in (1.0, 0.01, 1e-9, 0.0):
                wanted = simplex.natural_direction(p, g, λ)
                found = np.array(call(page, "damped", a, g.tolist(), λ))
                assert close(found - found.mean(), wanted)
                assert not close(1.01 * (found - found.mean()), wanted)
        assert close(call(page, "distance", a, b), simplex.fisher_distance(p, y))
        for s in (0, 0.3, 0.5, 1):
            assert close(call(page, "road", a, b, s), simplex.great_circle(p, y, s))
        for view in (False, True):
            assert close(call(page, "flat", a, view), flat(p, view))
            assert close(call(page, "under", flat(p, view).tolist(), view), p)
    assert close(call(page, "circles"), circles())
    assert close(call(page, "three", 0.9, 0.3), three(0.9, 0.3))
    assert close(three(0.9, 0.3).sum(), 1)


def test_flows_are_those_of_ngdlib(opened):
    page, times = opened(SCENE), [0.01, 0.7, 2.4, 30, 400]
    for a, b in PAIRS:
        for loss in ("forward", "reverse"):
            for rule, λ in (("ordinary", 0), ("natural", 0), ("natural", 0.01), ("natural", 1)):
                found = call(page, "flow", a, b, loss, rule, λ, times, 1e-12)
                wanted = flow(np.array(a), np.array(b), loss, rule, λ, np.array(times))
                assert close(found, wanted), (loss, rule, λ)
                drawn = call(page, "flow", a, b, loss, rule, λ, times)
                assert close(drawn, wanted, 2e-6)


def test_circles_have_one_radius():
    for i, around in enumerate(circles()):
        centre = [(i, j, 6 - i - j) for i in range(1, 5) for j in range(1, 6 - i)][i]
        assert np.allclose(simplex.fisher_distance(np.array(centre) / 6, around), 0.2, rtol=1e-9)


def test_lengths_of_roads(opened):
    page = opened(SCENE)
    a, b = (np.array(x) for x in PAIRS[0])
    straight = quad(lambda s: np.sqrt(((b - a) ** 2 / (a + s * (b - a))).sum()), 0, 1)[0]
    points = call(page, "flow", *PAIRS[0], "forward", "natural", 0, TIMES.tolist())
    found = call(page, "walked", [PAIRS[0][0], *points])
    assert abs(found / straight - 1) < 1e-3 and abs(straight - 2.5962) < 1e-4
    assert found > simplex.fisher_distance(a, b)


def numbers(page):
    rows = page.locator(".simplex-numbers tbody tr:visible")
    return [rows.nth(k).locator("td").all_inner_texts() for k in range(rows.count())]


def test_what_the_text_tells_to_do(opened):
    """Every number that the chapter quotes of the demo is on it."""
    page = opened(SCENE)
    assert numbers(page) == [["0.524 0.240 0.235", "0.240", "1.00"]]  # and no answer
    assert not page.locator("input[aria-label^='damping']").is_visible()
    page.locator("label", has_text="natural too").click()
    page.wait_for_function("document.querySelectorAll('.simplex-numbers tr[hidden]').length === 1")
    assert numbers(page)[1][1] == "0.090"
    page.locator("label", has_text="KL(p ‖ truth)").click()
    page.locator("label", has_text="show all").click()
    page.locator("input[aria-label='time t, typed']").fill("400")
    page.keyboard.press("Tab")
    page.wait_for_function("!document.querySelector('.simplex-numbers tr[hidden]')")
    drawn(page)
    most = [row[1] for row in numbers(page)]
    assert most == ["0.761", "0.322", "0.141"]
    assert [row[2] for row in numbers(page)][1:] == ["2.74", "2.57"]
    assert numbers(page)[2][0] == "0.430 0.141 0.430"
    page.locator("input[aria-label^='damping']").fill("0.01")
    page.keyboard.press("Tab")
    page.wait_for_function(
        "document.querySelectorAll('.simplex-numbers td')[4].innerText !== '0.322'"
    )
    page.locator("button", has_text="Reset").click()
    page.wait_for_function("location.hash === ''")
    assert (state(page, "time"), state(page, "show")) == (2.4, "ordinary")


def test_typed_forecasts(opened):
    page = opened(SCENE)
    box = page.locator("input[aria-label^='start']")
    for text, wanted in (("0.2, 0.5, 0.3", (0.2, 0.5)), ("2 1 1", (0.5, 0.25)), ("nonsense", None)):
        before = state(page, "rain"), state(page, "snow")
        box.fill(text)
        page.keyboard.press("Enter")
        assert (state(page, "rain"), state(page, "snow")) == pytest.approx(wanted or before)
    box.fill("1 0 0")
    page.keyboard.press("Enter")
    assert state(page, "rain") == pytest.approx(0.996) and state(page, "snow") == 0.002


@pytest.mark.parametrize("view", ["triangle", "sphere"])
def test_drag_and_keys(opened, view):
    page = opened(SCENE, f"#simplex-sphere?view={view}")
    box = page.locator(".ngd-handle .ngd-mark").nth(1).bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 100, y - 60, steps=4)
    page.mouse.up()
    assert state(page, "snow") > 0.15 and state(page, "rain") < 0.8
    drawn(page)
    box = page.locator(".ngd-handle .ngd-mark").nth(1).bounding_box()
    assert abs(box["x"] + box["width"] / 2 - x - 100) < 1.5  # it stays under the pointer
    snow = state(page, "snow")
    handle = page.locator("[role=slider][aria-label^='The forecast']")
    handle.focus()
    page.keyboard.press("ArrowUp")
    assert state(page, "snow") == pytest.approx(snow + 0.01, abs=1e-4)
    page.keyboard.press("End")
    drawn(page)
    assert "sun" in handle.get_attribute("aria-valuetext")
    assert state(page, "rain") == pytest.approx(0.002, abs=1e-4)


def test_it_fits_a_phone(opened):
    page = opened(SCENE, "#simplex-sphere?show=all")
    page.set_viewport_size({"width": 400, "height": 800})
    drawn(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    top = page.locator(".ngd-stage").bounding_box()["y"]
    slider = page.locator("input[type=range]").first.bounding_box()
    assert slider["y"] + slider["height"] - top < 620  # the time and what it moves on one screen


def test_it_is_small_and_has_stills():
    host = ngdlib.demos.base.FOLDER / "host.js"
    text = SCENE.figure() + host.read_text(encoding="utf-8")
    assert len(gzip.compress(text.encode(), mtime=0)) <= 30_000
    for show in ("ordinary", "natural", "all"):
        for view in ("triangle", "sphere"):
            drawn = SimplexSphere(show=show, view=view, damping=0.1).still()
            assert ("solid" in drawn) == (show != "ordinary")
    assert "solid" not in SCENE.still()  # the print form of the question has no answer


@pytest.mark.parametrize(
    ("name", "value"),
    [("rain", 0.0), ("snow_to", 1.0), ("time", -1), ("damping", -0.1)],
)
def test_bad_values_are_refused(name, value):
    with pytest.raises(ValueError, match=name):
        SimplexSphere(**{name: value})


def test_the_slider_of_time_begins_at_the_start(opened):
    page = opened(SimplexSphere())
    slider = page.get_by_label("time t", exact=True)
    slider.focus()
    slider.press("Home")
    page.wait_for_function("document.querySelector('.ngd-live').textContent.includes('0.900')")
    assert state(page, "time") == 0
    slider.press("ArrowRight")
    assert state(page, "time") == 0.001
