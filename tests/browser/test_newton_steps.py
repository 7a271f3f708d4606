"""Newton's step and its relatives in a real browser: numbers against ngdlib, and controls."""

import gzip

import numpy as np
import pytest

from ngdlib import descent
from ngdlib.demos.base import FOLDER
from ngdlib.demos.newton_steps import CHARTS, MATRICES, NewtonSteps, curvature, loss
from ngdlib.families import Bernoulli, Poisson
from tests.browser.drawing import drawn
from tests.browser.test_geometry_demos import call, close, opened, state

__all__ = ["opened"]
POINTS = {"counter": [(1.0, 5.0), (8.0, 0.7)], "coin": [(0.2, 0.75), (0.9, 0.3)]}


def test_slopes_and_matrices(opened):
    page = opened(NewtonSteps())
    for model, pairs in POINTS.items():
        for chart in CHARTS[model]:
            for mean, data in pairs:
                given = {"counter": {"r": mean, "m": data}, "coin": {"q": mean, "y": data}}[model]
                at = NewtonSteps(model=model, **given).start(chart)
                g, matrices = curvature(model, chart, at, data)
                found = call(page, "curvature", model, chart, at, data)
                assert close(found["g"], g)
                for name in MATRICES:
                    assert close(found[name], matrices[name])
                assert not close(found["hessian"], 1.01 * matrices["hessian"])  # it can fail
                assert close(
                    call(page, "loss", model, chart, at, data), loss(model, chart, at, data)
                )
    for t in (0.3, -1.2, 2.0):
        g, matrices = curvature("square", "mean", t, 1.0)
        found = call(page, "curvature", "square", "mean", t, 1.0)
        assert close(found["g"], g) and all(close(found[k], matrices[k]) for k in MATRICES)


@pytest.mark.parametrize(("model", "family"), [("counter", Poisson), ("coin", Bernoulli)])
def test_paths_are_those_of_the_library(opened, model, family):
    page = opened(NewtonSteps())
    for mean, data in POINTS[model]:
        for name, chart in CHARTS[model].items():
            there = family(chart)
            fit = descent.data_fit(there, [data])
            at = family(CHARTS[model]["mean"]).change_to(chart).forward([mean])
            for matrix, η in (("hessian", 0.5), ("fisher", 0.3), ("none", 0.05)):
                path, state = [at.item()], descent.init(at)
                for _ in range(6):
                    length = descent.Fixed(η)
                    if matrix == "hessian":
                        state, info = descent.newton_step(state, there, fit, length=length)
                    else:
                        metric = {"fisher": "natural", "none": "euclidean"}[matrix]
                        state, info = descent.step(state, there, fit, metric, length)
                    path.append(state.theta.item())
                    if not info.in_domain:
                        break
                found = call(page, "path", model, name, matrix, at.item(), data, η, 6)
                assert len(found) == len(path) and close(found, path)
                assert not close(found, 1.01 * np.array(path))


def test_nothing_is_given_away_before_the_first_step(opened):
    page = opened(NewtonSteps())
    rows = page.locator(".newton-table tbody td")
    assert set(rows.all_inner_texts()) == {"?"}
    page.locator("button", has_text="One step").click()
    page.wait_for_function("location.hash.includes('steps=1')")
    drawn(page)
    assert rows.all_inner_texts() == [
        *("5", "0.8", "1.8", "1.908"),
        *("12", "1.333", "2.778", "0.7167"),
        *("1", "4", "54.6", "37.65"),
    ]
    page.locator("label", has_text="Fisher").click()
    page.wait_for_function("location.hash.includes('matrix=fisher')")
    drawn(page)
    assert rows.all_inner_texts()[1::4] == ["4", "4", "4"]
    page.locator("button", has_text="Back").click()
    page.wait_for_function("!location.hash.includes('steps=1')")
    drawn(page)
    assert set(rows.all_inner_texts()) == {"?"}
    page.locator("button", has_text="Reset").click()
    page.wait_for_function("location.hash === ''")


def test_another_model_is_another_question(opened):
    """Its steps are not shown before the guess; another chart or matrix keeps them."""
    page = opened(NewtonSteps(steps=5))
    rows = page.locator(".newton-table tbody tr:visible td")
    page.locator("label", has_text="log r").click()
    page.wait_for_function("location.hash.includes('chart=natural')")
    assert "?" not in rows.all_inner_texts()
    page.locator("summary", has_text="Other models").click()
    page.locator("label", has_text="coin").click()
    page.wait_for_function("location.hash.includes('model=coin')")
    page.wait_for_function("location.hash.includes('steps=0')")
    assert {*rows.all_inner_texts()} == {"?"}
    page.locator("button", has_text="One step").click()
    page.wait_for_function("location.hash.includes('steps=1')")
    assert "?" not in rows.all_inner_texts()


def test_drag_keys_and_typed_numbers(opened):
    page = opened(NewtonSteps())
    box = page.locator(".ngd-handle .ngd-mark").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y + 40, steps=5)
    page.mouse.up()
    page.wait_for_function("location.hash.startsWith('#newton-steps?')")
    assert state(page, "r") > 2
    before = state(page, "r")
    page.locator("[role=slider]").focus()
    page.keyboard.press("ArrowLeft")
    assert state(page, "r") == pytest.approx(before * np.exp(-0.05), rel=1e-3)
    box = page.get_by_label("start: rate r, typed")
    box.fill("10.1")
    box.press("Enter")
    page.locator("button", has_text="One step").click()
    drawn(page)
    assert page.locator(".newton-table tbody td").nth(2).inner_text() == "outside"
    assert "leaves the model" in page.locator(".ngd-told").inner_text()


@pytest.mark.parametrize("steps", [1, 5])
def test_the_path_stands_in_the_chart_too(opened, steps):
    page = opened(NewtonSteps(steps=steps))
    dots = page.locator("svg path.ngd-dots").evaluate_all(
        "all => all.map(p => p.getAttribute('d'))"
    )
    track, means = (d.count("M") for d in dots)
    assert means == steps + 1 and track == steps - 1  # the first step ends in the square


@pytest.mark.parametrize("model", list(CHARTS))
@pytest.mark.parametrize("matrix", MATRICES)
def test_every_state_draws(opened, model, matrix):
    page = opened(NewtonSteps(model=model, matrix=matrix, steps=50, chart="natural"))
    assert page.locator(".newton-table tbody tr:visible").count() == len(CHARTS[model])
    choices = page.get_by_role("group", name="chart", exact=True).get_by_role("radio")
    assert choices.count() == (0 if len(CHARTS[model]) == 1 else 3)  # no button that means nothing
    html = page.locator(".ngd-live").inner_html()
    assert "NaN" not in html and "undefined" not in html and "Infinity" not in html


def test_it_is_small():
    text = NewtonSteps().figure() + (FOLDER / "host.js").read_text(encoding="utf-8")
    assert len(gzip.compress(text.encode(), mtime=0)) <= 30_000


@pytest.mark.parametrize(
    ("name", "value"), [("r", 0.05), ("m", 30), ("eta", 0), ("matrix", "newton"), ("steps", 51)]
)
def test_bad_values_are_refused(name, value):
    with pytest.raises(ValueError, match=name):
        NewtonSteps(**{name: value})
