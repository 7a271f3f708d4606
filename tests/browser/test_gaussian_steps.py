"""The Gaussian in two charts, in a real browser: its numbers against ngdlib, and its controls."""

import numpy as np
import pytest

from ngdlib.demos.gaussian_steps import FIRST, OTHERS, RADIUS, GaussianSteps
from ngdlib.families import Gaussian
from ngdlib.variational import reverse_kl
from tests.browser.drawing import drawn
from tests.browser.test_geometry_demos import call, opened, state

__all__ = ["opened"]

CHARTS = (FIRST, *OTHERS)


def rows(page):
    found = page.locator("figure .ngd-root tbody tr").all()
    return {r.locator("th").inner_text(): r.locator("td").all_inner_texts() for r in found}


def close(found, wanted):
    return np.allclose(np.asarray(found, float), wanted, rtol=1e-9, atol=1e-9)


def test_posterior_steps_and_ellipse_are_those_of_ngdlib(opened):
    page = opened(GaussianSteps())
    for given in (
        {},
        {"sigma": 0.025, "eta": 0.99},
        {"mu": 2.0, "sigma": 0.9, "count": 7, "total": -3.0, "noise": 1.3, "eta": 0.3, "steps": 6},
    ):
        demo = GaussianSteps(**given)
        q, goal = [demo.mu, demo.sigma], demo.goal()
        assert close(call(page, "posterior", demo.count, demo.total, demo.noise), goal)
        assert close(call(page, "divergence", q, goal.tolist()), Gaussian(FIRST).kl(q, goal))
        for chart in CHARTS:
            model = Gaussian(chart)
            here = Gaussian(FIRST).change_to(chart).forward(q)
            for metric in ("euclidean", "natural"):
                wanted = demo.path(chart, metric)
                args = (chart, metric, q, goal.tolist(), demo.eta, demo.steps)
                assert close(call(page, "path", *args), wanted), (given, chart, metric)
                assert not close(call(page, "path", *args[:4], 1.01 * demo.eta, demo.steps), wanted)
            g = reverse_kl(model, goal).gradient(here)
            assert close(call(page, "direction", chart, "euclidean", q, goal.tolist()), -g)
            v = np.array(call(page, "ellipse", chart, q)) - here
            assert close(np.einsum("ni,ij,nj->n", v, model.fisher(here), v), RADIUS**2)


def test_nothing_is_given_away_before_the_guess(opened):
    page = opened(GaussianSteps())
    assert all(cell == "?" for cells in rows(page).values() for cell in cells)
    assert not any(
        page.locator("figure .ngd-way").evaluate_all("n => n.map(p => p.getAttribute('d'))")
    )
    page.get_by_role("button", name="Show the steps").click()
    page.wait_for_function("document.querySelector('figure td').textContent !== '?'")
    assert rows(page) == {
        "(μ, σ)": ["no Gaussian: mean 16.00, σ = −5.50", "no Gaussian: mean 4.00, σ = −0.25"],
        "(μ, log σ)": ["mean 16.00, σ 0.025", "mean 4.00, σ 0.112"],
    }
    assert not page.get_by_role("button", name="Show the steps").is_visible()


def test_the_numbers_of_the_text_can_be_reached(opened):
    for fragment, chart, words in (
        ("?other=natural", "natural parameters", "mean 1.00, σ 0.250"),
        ("?other=natural&sigma=0.025", "natural parameters", "mean 1.00, σ 0.250"),
        ("?sigma=0.025", "(μ, log σ)", "mean 0.010, σ 0.041"),
        ("?sigma=0.025&other=natural&eta=0.99", "natural parameters", "mean 0.50, σ 0.177"),
        ("?steps=5", "(μ, log σ)", "mean 1.01, σ 0.250"),
    ):
        page = opened(GaussianSteps(), f"#gaussian-steps{fragment}")
        page.wait_for_function("document.querySelector('figure td').textContent !== '?'")
        assert rows(page)[chart][1] == words, fragment
    box = page.get_by_role("textbox", name="step size η, typed")
    box.fill("0,99")
    box.press("Enter")
    assert state(page, "eta") == 0.99


def test_keyboard_and_drags_in_both_charts(opened):
    page = opened(GaussianSteps(), "#gaussian-steps?answer=shown")
    handles = page.locator("figure .ngd-handle")
    assert handles.count() == 2
    handles.first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    assert (state(page, "mu"), state(page, "sigma")) == (0.05, 0.525)
    for k in range(2):
        drawn(page)
        before = state(page, "mu"), state(page, "sigma")
        box = handles.nth(k).locator(".ngd-mark").bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + 30, y - 12, steps=4)
        page.mouse.up()
        drawn(page)
        assert state(page, "mu") > before[0] and state(page, "sigma") > before[1]
        after = handles.nth(k).locator(".ngd-mark").bounding_box()
        assert abs(after["x"] - box["x"] - 30) < 2  # it stays under the pointer
    page.wait_for_function(
        "document.querySelector('[role=status]').innerText.includes('natural mean')"
    )
    page.wait_for_function("location.hash.includes('mu=')")
    page.get_by_role("button", name="Reset").click()
    assert state(page, "mu") == 0.0


@pytest.mark.parametrize("other", OTHERS)
def test_on_a_phone_nothing_leaves_the_column(opened, other):
    page = opened(GaussianSteps(), f"#gaussian-steps?answer=shown&other={other}", width=400)
    page.wait_for_function("document.querySelector('figure td').textContent !== '?'")
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    top = page.locator("figure .ngd-stage").bounding_box()["y"]
    below = page.get_by_role("slider", name="step size η").bounding_box()
    assert below["y"] + below["height"] - top < 760


def test_still_in_print(opened):
    page = opened(GaussianSteps())
    assert not page.locator(".ngd-still").is_visible()
    page.emulate_media(media="print")
    assert page.locator(".ngd-still svg").is_visible()
