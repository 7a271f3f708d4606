"""Function space in a real browser: flows against ngdlib, dragging, typing, keys, the fragment."""

import gzip
import re

import numpy as np
import pytest
from playwright.sync_api import expect

import ngdlib.demos
from ngdlib import function_space as fs
from ngdlib.demos.function_space import INPUTS, MODELS, START_OF_TEN, FunctionSpace
from tests.browser.drawing import drawn
from tests.browser.test_geometry_demos import call, close, opened, state

__all__ = ["opened"]
CASES = [
    ("one neuron", [0.7, 0.3], [0.834, 0.664, 0.0]),
    ("one neuron", [0.7, 0.3], [0.834, -0.6, 0.0]),
    ("one neuron", [-1.2, 0.9], [0.2, -0.7, 0.9]),
    ("ten neurons", START_OF_TEN.tolist(), [0.5, -0.5, 0.8, -0.2, 0.3]),
    ("ten neurons", START_OF_TEN.tolist(), [-0.4, 0.1, 0.9, 0.0, -1.2]),
]
KINDS = {"ordinary": "euclidean", "natural": "natural", "damped": "damped"}
TIMES = [0.3, 1.0, 1.5]


def cells(page, row):
    shown = page.locator(".ngd-figures tbody tr").nth(row).locator("td:not([hidden])")
    return [float(text.replace("−", "-")) for text in shown.all_inner_texts()]


def test_jacobians_velocities_and_directions(opened):
    page = opened(FunctionSpace())
    for network, theta, y in CASES:
        model, x = MODELS[network], INPUTS[network]
        J, r = model.jacobian(np.array(theta), x), model.value(np.array(theta), x) - y
        assert close(call(page, "jacobian", network, theta), J)
        found = call(page, "spectrum", J.tolist())
        values, parts = fs.spectrum(J, r)
        assert close([e for e, _ in found], values)
        assert close(np.abs([np.dot(v, r) for _, v in found]), np.abs(parts))
        assert not close(np.abs([np.dot(v, r) for _, v in found]), 1.01 * np.abs(parts))
        natural = fs.natural_velocity(J, r).value
        for kind, wanted in (
            ("natural", natural),
            ("ordinary", fs.euclidean_velocity(J, r)),
            ("damped", fs.damped_solve(J, fs.euclidean_velocity(J, r), 0.03)),
        ):
            v = call(page, "velocity", J.tolist(), r.tolist(), kind, 0.03)
            assert np.allclose(v, wanted, rtol=1e-9, atol=1e-9 * np.abs(wanted).max())
            assert close(
                call(page, "rate", J.tolist(), r.tolist(), kind, 0.03),
                -2 * r @ J @ wanted / (r @ r),
            )


@pytest.mark.parametrize("kind", KINDS)
def test_flows_are_those_of_the_library(opened, kind):
    page = opened(FunctionSpace())
    for network, theta, y in CASES:
        more = {"damping": 0.03} if kind == "damped" else {}
        path = fs.flow(MODELS[network], theta, INPUTS[network], y, TIMES, KINDS[kind], **more)
        found = call(page, "flow", network, theta, y, TIMES, kind, 0.03, 1e-12)
        assert close(found, path.theta)
        assert not close(found, 1.01 * path.theta)
        values = [call(page, "values", network, p) for p in found]
        assert close(values, path.values)


def test_what_the_text_quotes_can_be_read(opened):
    page = opened(FunctionSpace())
    assert cells(page, 0) == [0.01843, 0.00236]
    assert "82.7 %" in page.locator(".ngd-told").inner_text()
    for label, value in (("target at x = 0, typed", "−0,6"), ("time t, typed", "6")):
        box = page.get_by_label(label).locator("visible=true")
        box.fill(value)
        box.press("Enter")
    page.wait_for_function("location.hash.includes('time=6')")
    drawn(page)
    assert state(page, "middle") == -0.6
    assert cells(page, 0)[1] == 0.28894
    assert "98.8 %" in page.locator(".ngd-told").inner_text()
    page.locator("label", has_text="ten neurons").click()
    box = page.get_by_label("time t, typed")
    box.fill("1")
    box.press("Enter")
    page.wait_for_function("location.hash.includes('time=1&')")
    drawn(page)
    assert cells(page, 1) == [-0.612, -4.0]
    assert not page.get_by_label("w at the start, typed").is_visible()


def test_a_target_is_dragged_and_moved_by_keys(opened):
    page = opened(FunctionSpace())
    handle = page.get_by_role("slider", name="target at x = 0", exact=True)
    box = handle.locator(".ngd-grip").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 30, y + 60, steps=4)
    page.mouse.up()
    dragged = state(page, "middle")
    assert dragged < 0
    page.keyboard.press("ArrowUp")
    assert state(page, "middle") == pytest.approx(dragged + 0.05, abs=1e-9)
    start = page.get_by_role("slider", name="start", exact=True)
    start.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowUp")
    assert (state(page, "w"), state(page, "b")) == (0.6, 0.4)
    page.locator("button", has_text="Reset").click()
    page.wait_for_function("location.hash === ''")
    assert state(page, "middle") == 0.664


def test_the_fragment_and_the_damped_flow(opened):
    page = opened(FunctionSpace(), "#function-space?network=ten neurons&time=1&show=three flows")
    assert len(cells(page, 0)) == 3
    page.get_by_label("damping λ of the third flow, typed").fill("0.0001")
    page.get_by_label("damping λ of the third flow, typed").press("Enter")
    page.wait_for_function("location.hash.includes('damping=0.0001')")
    drawn(page)
    _, natural, damped = cells(page, 1)
    assert natural == -4 and -4 < damped < -3.5


def test_far_targets_leave_no_error_and_a_number_or_a_word(opened):
    page = opened(FunctionSpace(), "#function-space?left=1.5&middle=1.5&right=-1.5&time=6&w=3&b=-3")
    assert page.locator(".ngd-figures tbody tr").first.locator("td").nth(1).inner_text()


def test_a_flow_that_is_over_has_no_numbers(opened):
    """It leaves every sheet at t = 1.05; beside it the ordinary flow goes on."""
    page = opened(FunctionSpace(), "#function-space?middle=1.5&time=1.04")
    ordinary, natural = cells(page, 0)
    assert natural == pytest.approx(0.127, abs=1e-3)
    assert "at t = 1.04, on the natural flow, 86.1 %" in page.locator(".ngd-told").inner_text()
    box, said = page.get_by_label("time t, typed"), page.locator(".ngd-sr[role=status]").first
    for time in ("1.1", "6"):
        box.fill(time)
        box.press("Enter")
        page.wait_for_function(f"location.hash.includes('time={time}&')")
        drawn(page)
        table = page.locator(".ngd-figures tbody tr")
        told = [table.nth(row).locator("td").nth(1).inner_text() for row in range(3)]
        assert told == ["flow over", "–", "–"]
        assert "is over" in page.locator(".ngd-told").inner_text()
        assert float(table.first.locator("td").first.inner_text()) < ordinary
        expect(said).to_have_text(re.compile(rf"t {time}\..* natural over\.$"))
    box.fill("1.04")
    box.press("Enter")
    expect(said).to_have_text(re.compile(r"t 1\.04\..* natural 0\.127\.$"))  # negative control


def test_the_exponential_can_be_read_to_the_last_time(opened):
    """Ten neurons: to three digits at t = 6, where the loss is 4e-11 of what it was."""
    page = opened(FunctionSpace(), "#function-space?network=ten neurons&time=6")
    assert cells(page, 1)[1] == -24
    assert cells(page, 2)[1] == 4


def test_it_is_small():
    host = ngdlib.demos.base.FOLDER / "host.js"
    text = FunctionSpace().figure() + host.read_text(encoding="utf-8")
    assert len(gzip.compress(text.encode(), mtime=0)) <= 30_000


@pytest.mark.parametrize(
    ("name", "value"),
    [("time", -1), ("middle", 2), ("y5", -1.6), ("w", 3.1), ("damping", 0), ("network", "three")],
)
def test_bad_values_are_refused(name, value):
    with pytest.raises(ValueError, match=name):
        FunctionSpace(**{name: value})
