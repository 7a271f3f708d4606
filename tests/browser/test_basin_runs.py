"""The demo of the basins in a real browser: its steps against ngdlib, guess, type, keys, click."""

import gzip
import json

import numpy as np
import pytest

from ngdlib import basins, experiment, landscape
from ngdlib.demos import basin_runs
from ngdlib.demos.base import FOLDER
from ngdlib.demos.basin_runs import BasinRuns
from tests.browser.test_geometry_demos import call, close, opened, state

__all__ = ["opened"]
CASE = experiment.rhythm()
STARTS = [(-2.0, 2.3), (1.0, 3.5), (2.5, 1.3), (-1.2, 4.4)]


def test_losses_gradients_and_matrices(opened):
    page = opened(BasinRuns())
    for theta in STARTS:
        for name, data in (("training", CASE.training), ("validation", CASE.validation)):
            found = call(page, "loss", name, *theta)
            assert close(found, basins.loss(CASE.model, theta, data))
            assert not close(found, 1.01 * basins.loss(CASE.model, theta, data))  # it can fail
        for kind in ("exact", "empirical"):
            found = call(page, "sums", "training", *theta, kind == "empirical")
            F = basins.fisher(CASE.model, theta, CASE.training, kind)
            assert close(found["g"], basins.gradient(CASE.model, theta, CASE.training))
            assert close(found["F"], [F[0, 0], F[0, 1], F[1, 1]])


@pytest.mark.parametrize("name", experiment.FIVE)
def test_a_run_is_the_librarys_step_by_step(opened, name):
    page = opened(BasinRuns())
    for settings in ({}, {"eta_exact": 0.03, "eta_sgd": 0.1, "momentum": 0.5, "decay": 0.1}):
        demo = BasinRuns(**settings)
        optimiser = demo.optimisers()[name]
        second = {"SGD": "momentum", "AdamW": "weight_decay"}.get(name, "damping")
        given = [optimiser.eta, getattr(optimiser, second)]
        for start in STARTS:
            found = call(page, "run", name, *given, start, 20)
            path, _ = basins.run(CASE.model, CASE.training, optimiser, [start], 20)
            assert close(found, path[:, 0])
            assert not close(found, 1.01 * path[:, 0])


def test_ends_are_judged_as_by_the_library(opened):
    page = opened(BasinRuns())
    for name, optimiser in BasinRuns().optimisers().items():
        for start in ((-2.0, 2.3), (-2.5, 1.6)):
            ends = basins.sweep(CASE.model, CASE.training, {name: optimiser}, [start], 400)[name]
            assert call(page, "outcome", ends.theta[0].tolist()) == basin_runs.outcome(
                ends.theta[0]
            )
    assert call(page, "outcome", [1.0, 1.0]) == landscape.MOVING
    assert basin_runs.outcome([1.0, 1.0]) == landscape.MOVING


def reached(page):
    return page.locator(".basins-table tbody td:last-child").all_inner_texts()


def test_nothing_is_given_away_before_the_run(opened):
    page = opened(BasinRuns())
    assert set(page.locator(".basins-table tbody td").all_inner_texts()) == {"?"}
    page.get_by_role("button", name="Run all five").click()
    page.wait_for_function("!document.querySelector('.basins-table td').textContent.includes('?')")
    other = "other basin"
    assert reached(page) == [other, other, "good basin", other, "good basin"]
    box = page.get_by_label("exact: step size η, typed")
    box.fill("0,03")
    box.press("Enter")
    page.wait_for_function(
        "document.querySelectorAll('.basins-table tr')[3].textContent.includes('other')"
    )
    page.get_by_label("a start of the text").select_option(label="hard")
    page.wait_for_function(
        "document.querySelectorAll('.basins-table tr')[2].textContent.includes('good')"
    )
    assert reached(page) == [other, "good basin", other, "good basin", other]
    page.get_by_role("button", name="Reset").click()
    page.wait_for_function("document.querySelector('.basins-table td').textContent === '?'")


def test_click_keys_and_the_settings_of_another(opened):
    page = opened(BasinRuns())
    stage = page.locator(".basins-stage").bounding_box()
    page.mouse.click(stage["x"] + 300, stage["y"] + 200)
    page.wait_for_function("location.hash.startsWith('#basin-runs?')")
    assert state(page, "a") > 0
    page.locator("[role=slider]").focus()
    before = state(page, "b")
    page.keyboard.press("ArrowUp")
    assert state(page, "b") == pytest.approx(before + 0.05, abs=1e-3)
    assert not page.get_by_label("SGD: momentum, typed").is_visible()
    page.get_by_label("whose settings").select_option("SGD")
    page.get_by_label("SGD: momentum, typed").fill("0.5")
    page.keyboard.press("Enter")
    assert state(page, "momentum") == 0.5
    page.get_by_role("radio", name="validation").check()
    page.wait_for_function(
        "document.querySelector('.ngd-title').textContent.includes('validation')"
    )


def test_on_a_phone_the_whole_table_is_seen(opened):
    page = opened(BasinRuns(run="yes"))
    page.set_viewport_size({"width": 400, "height": 900})
    page.wait_for_function("!document.querySelector('.basins-table td').textContent.includes('?')")
    ends = page.locator(".basins-table tr > :last-child").evaluate_all(
        "cells => cells.map(c => c.getBoundingClientRect().right)"
    )
    root = page.locator(".ngd-root").bounding_box()
    assert len(ends) == 6 and max(ends) <= root["x"] + root["width"]


def test_weight_and_state():
    text = BasinRuns().figure() + (FOLDER / "host.js").read_text(encoding="utf-8")
    assert len(gzip.compress(text.encode(), mtime=0)) <= 30_000
    assert json.loads(json.dumps(BasinRuns().state()))["eta_exact"] == 0.3
    assert np.isfinite(basin_runs.tables()["minima"]).all()


@pytest.mark.parametrize(
    ("name", "value"), [("a", 4), ("b", 0.1), ("eta_sgd", 2), ("who", "newton"), ("steps", 401)]
)
def test_bad_values_are_refused(name, value):
    with pytest.raises(ValueError, match=name):
        BasinRuns(**{name: value})
