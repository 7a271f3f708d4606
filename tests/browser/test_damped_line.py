"""The damped line in a real browser: numbers against ngdlib and 40 digits, keys, typing, reset."""

import gzip

import mpmath as mp
import numpy as np
import pytest

import ngdlib.demos
from ngdlib.demos.damped_line import (
    HEIGHTS,
    ORIGINS,
    UNITS,
    WEIGHTS,
    DampedLine,
    fitted,
    matrix,
    shares,
)
from tests.browser.drawing import drawn
from tests.browser.test_geometry_demos import call, close, opened, state

__all__ = ["opened"]
WAYS = [(unit, origin) for unit in UNITS for origin in ORIGINS]


def exactly(unit, damping, steps, origin):
    """The fitted weights at 60 digits, by powers of the matrix that one step applies."""
    with mp.workdps(60):
        zero = mp.mpf(17) / 10 if ORIGINS[origin] else 0
        t = [int(UNITS[unit]) * (mp.mpf(round(10 * h)) / 10 - zero) for h in HEIGHTS]
        X = mp.matrix([[1, x] for x in t])
        F, y = X.T * X / 3, mp.matrix([int(w) for w in WEIGHTS])
        A = (F + mp.mpf(damping) * mp.eye(2)) ** -1
        θ, left = F**-1 * (X.T * y / 3), mp.eye(2) - A * F
        return np.array([float(w) for w in X * (θ - left**steps * θ)])


def test_lines_shares_and_eigenvalues(opened):
    page = opened(DampedLine())
    for unit, origin in WAYS:
        F = matrix(unit, origin)
        found = call(page, "spectrum", unit, origin)
        values, V = np.array(found["values"]), np.array(found["vectors"])
        assert close(V @ V.T, np.eye(2)) and close(V.T @ np.diag(values) @ V / F.max(), F / F.max())
        assert np.isclose(values.prod(), np.linalg.det(F), rtol=1e-9)
        for damping in (1e-6, 0.0097, 1.0, 700.0):
            assert close(
                [call(page, "share", e, damping, 7) for e in values], shares(values, damping, 7)
            )
            for steps in (1, 779, 2000):
                at = call(page, "fit", unit, damping, steps, origin)["at"]
                wanted = exactly(unit, damping, steps, origin)
                assert close(at, wanted)
                assert not close(at, 1.01 * wanted)  # negative control
            assert close(
                call(page, "fit", unit, damping, 1, origin)["at"],
                fitted(unit, damping, 1, origin)[1],
                1e-7,  # a condition number of 12 million, undone by damping only from 1e-2 on
            )


def test_what_the_text_quotes_can_be_read(opened):
    page = opened(DampedLine())
    cells = page.locator(".ngd-figures tbody td").all_inner_texts()
    assert cells[:2] == ["0.001712; 3.895", "0.002301; 28968"]
    assert cells[4:] == ["54.27", "68.23", "23.85", "40.27"]
    box = page.get_by_label("damping λ, metres, typed")
    box.fill("0,0097")
    box.press("Enter")
    page.wait_for_function("document.querySelector('.ngd-told').textContent.includes('0.23 kg')")
    for steps, unit, slope in (("1140", 0, 90), ("779", 1, 90)):
        page.locator("button", has_text="Reset").click()
        typed = page.get_by_label("unit steps, typed")
        typed.fill(steps)
        typed.press("Enter")
        drawn(page)
        read = page.locator(".ngd-figures tbody tr").last.locator("td").nth(unit).inner_text()
        assert slope <= float(read) < slope + 0.1


def test_keys_choice_reset_and_the_fragment(opened):
    page = opened(DampedLine(), "#damped-line?metres=0.5&steps=12&origin=1.70 m")
    assert (state(page, "metres"), state(page, "steps")) == (0.5, 12)
    page.get_by_label("damping λ, centimetres", exact=True).focus()
    page.keyboard.press("ArrowLeft")
    assert state(page, "centimetres") < 1
    page.locator("label", has_text="the floor").click()
    assert state(page, "origin") == "the floor"
    page.locator("button", has_text="Reset").click()
    page.wait_for_function("location.hash === ''")
    assert (state(page, "metres"), state(page, "origin")) == (1, "the floor")


def test_it_is_small():
    host = ngdlib.demos.base.FOLDER / "host.js"
    text = DampedLine().figure() + host.read_text(encoding="utf-8")
    assert len(gzip.compress(text.encode(), mtime=0)) <= 30_000


@pytest.mark.parametrize(
    ("name", "value"),
    [("metres", 0), ("centimetres", 2e3), ("steps", 0), ("steps", 1.5), ("origin", "sea")],
)
def test_bad_values_are_refused(name, value):
    with pytest.raises(ValueError, match=name):
        DampedLine(**{name: value})
