"""Numbers that are typed into a demo: what a box cannot take as typed, it says below itself."""

import re

import pytest

import ngdlib.demos
from ngdlib.demos import BasinRuns, MixtureManifold, TrustRegion
from ngdlib.demos.base import Count, Number
from tests.browser.drawing import drawn
from tests.browser.test_geometry_demos import opened, state

__all__ = ["opened"]
DEMOS = [getattr(ngdlib.demos, name) for name in ngdlib.demos.__all__]
#: Types into every box of the page, and tells what then stands in it and below it.
TYPE = """texts => [...document.querySelectorAll(".ngd-typed")].map(box => {
    const first = box.value;
    const type = text => {
        box.value = text;
        box.dispatchEvent(new Event("change"));
        const note = document.getElementById(box.getAttribute("aria-describedby"));
        return [box.value, note.textContent];
    };
    return { label: box.ariaLabel, first, told: texts.map(type), again: type(first) };
})"""


def number(text: str) -> float:
    raised = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹−", "-0123456789-")
    return float(re.sub(r" × 10(\S+)", r"e\1", text).translate(raised))


@pytest.mark.parametrize("demo", DEMOS, ids=lambda demo: demo.__name__)
def test_nothing_is_clipped_silently(opened, demo):
    page = opened(demo())
    drawn(page)
    traits = [t for t in demo.class_traits().values() if isinstance(t, (Number, Count))]
    ranges = {(t.min, t.max, isinstance(t, Count)) for t in traits}
    for box in page.evaluate(TYPE, ["1e9", "-1e9", "often", ""]):
        many = len(box["first"].split()) > 1
        for (there, note), end in zip(box["told"], ("high", "low", None, None), strict=True):
            if many:
                assert re.fullmatch(r"Possible: three numbers .*\. Kept: .*\.", note), box
                continue
            form = r"Possible: a (whole )?number from (.*) to (.*)\. (Taken|Kept): (.*)\."
            whole, low, high, what, value = re.fullmatch(form, note).groups()
            assert (number(low), number(high), bool(whole)) in ranges, box
            assert what == ("Taken" if end else "Kept") and value == there
            if end:
                assert number(there) == number(high if end == "high" else low), box
        assert box["again"][1] == "", box  # what is possible is taken without a word


def test_a_whole_number_and_a_fraction(opened):
    page = opened(BasinRuns())
    box = page.get_by_label("steps, typed").last
    box.fill("20.6")
    box.press("Enter")
    note = page.get_by_text("a whole number from")
    assert note.is_visible() and note.inner_text().endswith("Taken: 21.")
    page.get_by_role("button", name="Reset").first.click()
    drawn(page)
    assert page.get_by_text("Possible:").count() == 0  # it goes with the number that it spoke of
    page = opened(MixtureManifold())
    box = page.get_by_label("weight w of the first, typed")
    for text, value in (("1/3", 1 / 3), ("0,3", 0.3), ("3e-1", 0.3)):
        box.fill(text)
        box.press("Enter")
        assert state(page, "weight") == value and page.get_by_text("Possible:").count() == 0


def test_three_numbers_that_had_to_be_scaled(opened):
    page = opened(TrustRegion())
    box = page.get_by_label("policy: arms 1, 2, 3")
    box.fill("1 2 2")
    box.press("Enter")
    note = page.get_by_text("Possible:")
    assert note.inner_text() == (
        "Possible: three numbers of 0.002 or more that sum to 1. Taken: 0.2 0.4 0.4."
    )
    box.fill("1/3 1/3 1/3")
    box.press("Enter")
    assert note.count() == 0
    pays = page.get_by_label("rewards: arms 1, 2, 3")
    pays.fill("0 2 1")
    pays.press("Enter")
    assert note.inner_text() == "Possible: three numbers from 0 to 1. Taken: 0 1 1."
