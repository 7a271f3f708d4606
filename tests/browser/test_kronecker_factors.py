"""The demo of K-FAC in a real browser: numbers against ngdlib, guess, drag, type, keys."""

import gzip
import json

import numpy as np
import pytest

import ngdlib.demos
from ngdlib.demos import KroneckerFactors, kronecker_factors
from ngdlib.demos.kronecker_factors import FLAWS, STRUCTURES
from tests.browser.test_geometry_demos import call, close, opened, state

__all__ = ["opened"]


def test_the_neuron_is_that_of_the_library(opened):
    page = opened(KroneckerFactors())
    for case in ((2, 0, 0, 2), (6, -1.5, -1.2, 0.7), (0, 0.3, 1, -2), (1.3, 4, 2, 2)):
        for flaw in FLAWS:
            F, K = kronecker_factors.neuron(*case, flaw)
            found = call(page, "neuron", *case, flaw)
            assert close(found["F"], F) and close(found["K"], K)
            assert not close(found["F"], 1.01 * F)  # negative control
    F, _ = kronecker_factors.neuron(2, 0, 0, 2)
    u = np.array(call(page, "ellipse", F.tolist()))
    assert close(u, kronecker_factors.ellipse(F))
    assert close(np.einsum("ki,ij,kj->k", u, F, u) / 2, np.full(73, 0.02))


def test_the_network_is_that_of_the_library(opened):
    page = opened(KroneckerFactors())
    cases = (
        (3, 4, 3, 60, 0.5, 1),
        (1, 1, 2, 1, 0, 0.2),
        (4, 2, 3, 200, 0.95, 5),
        (2, 3, 2, 7, 0.3, 2),
    )
    for case in cases:
        for flaw in FLAWS:
            wanted = kronecker_factors.matrices(*case, flaw)
            found = call(page, "matrices", *case, flaw)
            for name in ("exact", *STRUCTURES):
                assert close(found[name], wanted[name]), (case, flaw, name)
        assert not close(found["ekfac"], 1.01 * wanted["ekfac"])  # negative control
        errors = call(page, "errors", found)
        assert close(
            [errors[k] for k in STRUCTURES], list(kronecker_factors.errors(wanted).values())
        )
        costs = kronecker_factors.costs(*case[:3])
        assert call(page, "costs", *case[:3]) == {k: list(v) for k, v in costs.items()}


def test_nothing_is_given_away_before_the_guess(opened):
    page = opened(KroneckerFactors())
    cells = page.locator(".ngd-numbers").first.locator("tbody td")
    assert cells.all_inner_texts()[3:] == ["?"] * 6
    page.get_by_role("button", name="Show K-FAC").click()
    page.wait_for_function("document.querySelector('.ngd-told').textContent.includes('202.3 %')")
    assert cells.all_inner_texts()[3:6] == ["0.2677", "0.1338", "0.1338"]
    page.get_by_role("button", name="Reset").click()
    page.wait_for_function("document.querySelectorAll('.ngd-numbers td')[4].textContent === '?'")


def test_dragging_keys_typing_and_the_network(opened):
    page = opened(KroneckerFactors())
    handle = page.get_by_role("slider", name="first input", exact=True).first
    handle.focus()
    handle.press("PageDown")
    assert state(page, "first") == pytest.approx(-0.5)
    box = page.get_by_label("first input, typed")
    box.fill("-2")
    box.press("Enter")
    page.wait_for_function("document.querySelector('.ngd-told').textContent.includes(': 0.0 %')")
    page.get_by_role("radio", name="a network").check()
    page.get_by_label("examples, typed").fill("1")
    page.keyboard.press("Enter")
    table = page.locator(".ngd-numbers").nth(1)
    page.wait_for_function(
        "document.querySelectorAll('.ngd-numbers')[1].textContent.includes('0.422')"
    )
    assert table.locator("tbody tr").nth(3).inner_text().split()[:2] == ["K-FAC", "0.422"]
    row = table.locator("tbody tr").nth(4).inner_text().split()
    assert row[:3] == ["EK-FAC", "0.422", "0"]  # and not what rounding leaves
    page.get_by_role("radio", name="A centred").check()
    page.wait_for_function(
        "document.querySelectorAll('.ngd-numbers')[1].textContent.includes('K-FAC, A centred')"
    )


def test_a_shared_view(opened):
    page = opened(KroneckerFactors(), "#kronecker-factors?view=network&gain=3&shown=diag")
    page.wait_for_function(
        "document.querySelectorAll('.ngd-numbers')[1].textContent.includes('0.861')"
    )


def test_weight_and_state():
    host = ngdlib.demos.base.FOLDER / "host.js"
    text = KroneckerFactors().figure() + host.read_text(encoding="utf-8")
    assert len(gzip.compress(text.encode(), mtime=0)) <= 30_000
    assert json.loads(json.dumps(KroneckerFactors().state()))["w"] == 2


@pytest.mark.parametrize(
    ("name", "value"), [("w", 7), ("inputs", 5), ("correlation", 1.0), ("flaw", "other")]
)
def test_bad_values_are_refused(name, value):
    with pytest.raises(ValueError, match=name):
        KroneckerFactors(**{name: value})
