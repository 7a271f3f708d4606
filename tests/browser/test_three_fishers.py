"""The demo of the empirical Fisher in a real browser: numbers against ngdlib, guess, type, keys."""

import gzip
import json

import numpy as np
import pytest

import ngdlib.demos
from ngdlib.demos import three_fishers
from ngdlib.demos.three_fishers import ThreeFishers
from tests.browser.test_geometry_demos import call, close, opened, state

__all__ = ["opened"]


def test_readings_and_tracks(opened):
    page = opened(ThreeFishers())
    for d, s, n, damping in (
        (100, 0.1, 2, 0),
        (0.1, 0.6, 7, 0),
        (3, 0, 1000, 0.4),
        (0.3, 2.2, 20, 1),
    ):
        for found, expected in zip(
            call(page, "readings", d, s, n, damping),
            three_fishers.readings(d, s, n, damping),
            strict=True,
        ):
            assert close(found, expected)
            assert not close(found, 1.01 * expected)  # negative control
        for kind in "xe":
            found = call(page, "track", kind, d, s, 0.7, damping, 40)
            assert close(found, three_fishers.track(kind, d, s, 0.7, damping, 40))
    assert call(page, "within", 100, 0.1, 1, 0) == 5002
    assert call(page, "within", 100, 0.1, 0.1, 0) is None  # more than 10,000


def test_logistic_matrices_and_steps(opened):
    page = opened(ThreeFishers())
    for fit, noise, n in ((2, 0, 200), (-1.3, 0.2, 57), (0, 0.5, 20), (3, 0.1, 1000)):
        F, g, steps = three_fishers.logistic(fit, noise, n)
        found = call(page, "logistic", fit, noise, n)
        assert close(found["F"], F[:, [0, 0, 1], [0, 1, 1]])
        assert close(found["g"], g)
        assert close(found["steps"], steps)
        assert not close(found["steps"], 1.01 * steps)  # negative control
        edge = np.array(call(page, "ellipse", found["F"][2], [1, 2], 0.05)) - [1, 2]
        assert close(np.einsum("ki,ij,kj->k", edge, F[2], edge), np.full(73, 0.05))


def test_nothing_is_given_away_before_the_guess(opened):
    page = opened(ThreeFishers())
    told = page.locator(".ngd-numbers tbody td")
    assert told.all_inner_texts() == ["?"] * 9
    page.get_by_role("button", name="Show the steps").click()
    page.wait_for_function("document.querySelector('.ngd-told').textContent.includes('5002')")
    assert "119.990" in told.all_inner_texts() and "20.000" in told.all_inner_texts()
    assert state(page, "reveal") == "yes"
    page.get_by_role("button", name="Reset").click()
    page.wait_for_function("document.querySelector('.ngd-numbers td').textContent === '?'")


def test_typed_numbers_keys_and_the_other_model(opened):
    page = opened(ThreeFishers())
    box = page.get_by_label("guess above the mean (degrees), typed")
    box.fill("0,1")
    box.press("Enter")
    page.wait_for_function("document.querySelector('.ngd-numbers').textContent.includes('15.100')")
    slider = page.locator("input[type=range]").first
    slider.focus()
    slider.press("ArrowRight")
    assert state(page, "d") > 0.1
    page.get_by_role("radio", name="logistic regression").check()
    page.wait_for_function("document.querySelector('.ngd-told').textContent.includes('1.50')")
    assert not page.get_by_label("damping λ, typed").is_visible()
    page.get_by_label("part of the labels flipped, typed").fill("0.2")
    page.keyboard.press("Enter")
    assert state(page, "noise") == 0.2


def test_a_shared_view(opened):
    page = opened(ThreeFishers(), "#three-fishers?d=0.1&s=0.6&steps=100")
    page.wait_for_function("document.querySelector('.ngd-told').textContent.includes('20.374')")


def test_weight_and_state():
    host = ngdlib.demos.base.FOLDER / "host.js"
    text = ThreeFishers().figure() + host.read_text(encoding="utf-8")
    assert len(gzip.compress(text.encode(), mtime=0)) <= 30_000
    assert json.loads(json.dumps(ThreeFishers().state()))["d"] == 100


@pytest.mark.parametrize(("name", "value"), [("d", 0), ("s", 3.1), ("n", 2.5), ("view", "other")])
def test_bad_values_are_refused(name, value):
    with pytest.raises(ValueError, match=name):
        ThreeFishers(**{name: value})
