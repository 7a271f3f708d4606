"""The drawing of the opening page in a real browser: numbers against ngdlib, drag, keys, reset."""

import gzip
import json

import numpy as np
import pytest

import ngdlib.demos
from ngdlib.demos.one_arrow import DATA, HERE, RHO, OneArrow, arrows
from ngdlib.families import Gaussian
from tests.browser.drawing import drawn
from tests.browser.test_geometry_demos import call, close, opened, state

__all__ = ["opened"]
PLACES = [(0.0, 0.6), (0.75, 0.12), (-0.75, 0.75), (0.3, 0.21)]


def test_arrows(opened):
    page = opened(OneArrow())
    for place in PLACES:
        ordinary, natural = arrows(*place)
        assert close(call(page, "ordinary", *place), ordinary)
        assert close(call(page, "natural", *place), natural)
        assert not close(call(page, "ordinary", *place), 1.01 * ordinary)  # negative control
    assert np.ptp([call(page, "natural", *p) for p in PLACES], axis=0).max() < 1e-12
    assert np.ptp([call(page, "degrees", arrows(*p)[0].tolist()) for p in PLACES]) > 40


def test_the_natural_arrow_ends_on_the_ellipse_and_both_go_downhill():
    model = Gaussian("mu, sigma")
    gradient = model.cross_entropy_gradient(HERE, np.array([DATA[0], DATA[0] ** 2 + DATA[1] ** 2]))
    for place in PLACES:
        ordinary, natural = arrows(*place)
        assert np.isclose(natural @ model.fisher(HERE) @ natural, RHO**2, rtol=1e-12)
        assert gradient @ ordinary < 0 and gradient @ natural < 0


def test_curves_of_equal_loss(opened):
    page, model = opened(OneArrow()), Gaussian("mu, sigma")
    for level in (0.05, 0.9, 5.4):
        points = np.array(call(page, "contour", level))
        found = model.kl(DATA, points)
        assert np.allclose(found, level, rtol=1e-9, atol=1e-9)


def test_one_drag_turns_the_ordinary_arrow_alone(opened):
    page = opened(OneArrow())
    words = page.locator(".ngd-summary strong")
    assert words.all_inner_texts() == ["45.0° from the μ axis", "26.6° from the μ axis"]
    box = page.locator(".ngd-handle .ngd-mark").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 90, box["y"] + 70, steps=5)
    page.mouse.up()
    page.wait_for_function("location.hash.startsWith('#one-arrow?')")
    drawn(page)
    turned, still = words.all_inner_texts()
    assert turned != "45.0° from the μ axis" and still == "26.6° from the μ axis"
    assert state(page, "ux") > 0.2
    page.locator("button", has_text="Reset").click()
    page.wait_for_function("location.hash === ''")
    assert (state(page, "ux"), state(page, "uy")) == (0, 0.6)


def test_keys_and_the_fragment(opened):
    page = opened(OneArrow(), "#one-arrow?ux=0.5&uy=0.3")
    assert (state(page, "ux"), state(page, "uy")) == (0.5, 0.3)
    page.locator("[role=slider]").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowUp")
    assert state(page, "ux") == pytest.approx(0.45) and state(page, "uy") == pytest.approx(0.35)
    assert "across" in page.locator("[role=slider]").get_attribute("aria-valuetext")


def test_it_is_small():
    host = ngdlib.demos.base.FOLDER / "host.js"
    text = OneArrow().figure() + host.read_text(encoding="utf-8")
    assert len(gzip.compress(text.encode(), mtime=0)) <= 30_000
    assert json.dumps(OneArrow().state()) == '{"ux": 0.0, "uy": 0.6}'


@pytest.mark.parametrize(("name", "value"), [("ux", 0.8), ("uy", 0.1), ("uy", float("nan"))])
def test_bad_coordinates_are_refused(name, value):
    with pytest.raises(ValueError, match=name):
        OneArrow(**{name: value})
