"""The mixture manifold in a real browser: its numbers against ngdlib, its controls, its frames."""

import gzip
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from benchmarks.demo_frames import COUNT_FRAMES
from ngdlib.demos import MixtureManifold
from ngdlib.families import GaussianMixture

CASES = [  # means, target, sigma
    ((-0.5, 2.0), (-1.0, 1.0), 1.0),
    ((0.3, 0.30001), (-1.0, 1.0), 0.5),
    ((-0.05, 0.05), (0.0, 0.0), 1.0),
    ((3.0, -2.5), (-1.0, 2.0), 2.0),
    ((-12.0, 11.0), (4.0, 1.0), 1.0),
    ((-1.0, 1.001), (-1.0, 1.0), 0.25),
]


@pytest.fixture
def opened(browser, tmp_path):
    """Opens the demo from the file system; fails at the end if the page logged an error."""
    contexts, complaints = [], []

    def open_(fragment="", **options):
        file = tmp_path / "manifold.html"
        file.write_text(MixtureManifold().to_html(), encoding="utf-8")
        context = browser.new_context(**{"viewport": {"width": 900, "height": 1200}, **options})
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.add_init_script(COUNT_FRAMES)
        page.goto(file.as_uri() + (f"#mixture-manifold?{fragment}" if fragment else ""))
        page.wait_for_selector("figure[data-ready]")
        return page

    yield open_
    for context in contexts:
        context.close()
    assert complaints == []


def call(page, function, *arguments):
    return page.evaluate(
        "([f, a]) => document.querySelector('figure').ngd.module.math[f](...a)",
        [function, [list(a) if isinstance(a, tuple) else a for a in arguments]],
    )


def state(page, name):
    return page.evaluate("n => document.querySelector('figure').ngd.model.get(n)", name)


def close(found, wanted, tolerance=1e-9):
    return np.allclose(np.asarray(found, float), wanted, rtol=tolerance, atol=1e-300)


def apart(found, wanted):
    """The largest difference of two arrows, against the longer entry of the second."""
    return np.abs(np.subtract(found, wanted)).max() / np.abs(wanted).max()


def test_numbers_agree_with_the_library(opened):
    page = opened()
    for theta, target, sigma in CASES:
        model = GaussianMixture(sigma=sigma)
        gap = (theta[1] - theta[0]) / 2
        plus, minus, per = call(page, "eigen", gap, sigma)
        assert close(sorted([plus, minus]), model.eigenvalues(theta))
        assert close(per * gap**2, minus)
        g, n = model.kl_gradient(theta, target), model.natural_gradient(theta, target)
        assert apart(call(page, "gradient", theta, target, sigma), g) < 1e-9
        assert apart(call(page, "natural", theta, target, sigma), n) < 1e-9
        damped = np.linalg.solve(model.fisher(theta) + 0.01 * np.eye(2), g)
        assert apart(call(page, "natural", theta, target, sigma, 0.01), damped) < 1e-9
        assert abs(call(page, "kl", target, theta, sigma) / model.kl(target, theta) - 1) < 1e-7
        cosine = g @ n / np.linalg.norm(g) / np.linalg.norm(n)
        found = np.cos(np.radians(call(page, "angle", tuple(g), tuple(n))))
        assert abs(found - cosine) < 1e-9
    assert apart(np.multiply(n, [1, 1.01]), n) > 1e-3
    assert not close(plus * 1.01, model.eigenvalues(theta)[1])  # it can fail


def test_eigenvalues_over_the_whole_table(opened):
    page = opened()
    gaps = [*np.geomspace(1e-9, 12, 200)]
    found = page.evaluate(
        "g => g.map(e => document.querySelector('figure').ngd.module.math.eigen(e, 1).slice(0, 2))",
        gaps,
    )
    wanted = GaussianMixture().eigenvalues(np.stack([-np.array(gaps), gaps], axis=-1))
    assert np.abs(np.sort(found, axis=1) / wanted - 1).max() < 1e-9


def test_paths_are_the_steps_they_say(opened):
    page = opened()
    model, theta, target, eta = GaussianMixture(), (-0.2, 0.4), (-1.0, 1.0), 0.3
    walked = np.array(call(page, "path", "ordinary", theta, target, 1, eta, 5))
    here = np.array(theta)
    for point in walked[1:]:
        here = here - eta * model.kl_gradient(here, target)
        assert close(point, here)
    first = call(page, "path", "natural", theta, target, 1, eta, 1)[1]
    natural = np.array(theta) - eta * model.natural_gradient(theta, target)
    assert close(first, natural)
    # the natural step in (m, v): the same velocity, carried to v = (half-gap)^2
    n = -model.natural_gradient(theta, target)
    v = 0.3**2 + eta * 2 * 0.3 * (n[1] - n[0]) / 2
    there = call(page, "path", "natural in v", theta, target, 1, eta, 1)[1]
    assert close((there[1] - there[0]) / 2, np.sqrt(v), 1e-8)
    # EM about one centre is ordinary descent with a step of two
    em = call(page, "path", "EM", (-0.3, 0.3), target, 1, eta, 3)
    assert close(em[1:], call(page, "path", "ordinary", (-0.3, 0.3), target, 1, 2, 3)[1:])
    assert not close(em[1:], call(page, "path", "ordinary", (-0.3, 0.3), target, 1, 1.98, 3)[1:])


def test_click_keys_and_typing_move_the_model(opened):
    page = opened()
    box = page.locator(".mix-right svg").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.7, box["y"] + box["height"] * 0.6)
    assert state(page, "mu1") > 0.5 and state(page, "mu2") < 0
    before = state(page, "mu2")
    page.get_by_role("slider", name="the model").focus()
    page.keyboard.press("ArrowUp")
    assert abs(state(page, "mu2") - before - 0.05) < 1e-3
    page.get_by_role("slider", name="mean μ1").focus()
    page.keyboard.press("ArrowLeft")
    assert state(page, "mu1") != pytest.approx(-0.5)
    page.get_by_text("More numbers").click()
    page.get_by_label("μ₁, typed").fill("-7,25")
    page.keyboard.press("Enter")
    assert state(page, "mu1") == -7.25
    page.get_by_role("button", name="Reset").click()
    assert state(page, "mu1") == -0.5


def test_every_view_draws_in_light_and_dark(opened):
    for scheme in ("light", "dark"):
        page = opened(color_scheme=scheme)
        options = page.locator("select option").count()
        assert options > 10
        for k in range(options - 1):
            page.locator("select").select_option(str(k))
            page.wait_for_timeout(30)
            told = page.locator(".ngd-told").first.inner_text()
            assert "NaN" not in page.locator(".mix").inner_text()
            assert "ellipse" in told or "F is" in told


def test_near_the_diagonal_the_arrow_gives_way(opened):
    page = opened("mu1=0.5&mu2=0.5")
    assert "undefined" in page.locator(".ngd-told").first.inner_text()
    page = opened("mu1=0.5&mu2=0.52")
    assert "not drawn" in page.locator(".ngd-told").first.inner_text()
    shown = page.locator(".mix-right .ngd-natural .ngd-way").evaluate_all(
        """nodes => nodes.filter(n => !n.closest('[visibility=hidden]'))
        .map(n => n.style.strokeDasharray)"""
    )
    assert "2, 4" in " ".join(shown).replace("2 4", "2, 4")
    page = opened("mu1=0&mu2=1")
    assert "not drawn" not in page.locator(".ngd-told").first.inner_text()


def test_the_sentence_comes_from_F(opened):
    page = opened()
    for gap in (0.1, 1.0, 3.0, 3.4, 6.0):
        plus, minus, _ = call(page, "eigen", gap / 2, 1)
        said = call(page, "told", gap / 2, 1)
        assert f"{np.sqrt(max(plus / minus, minus / plus)):.3g}" in said
        assert ("along (1, −1)" in said) == (minus < plus)
    assert "circle" in call(page, "told", 5.0, 1)


def test_it_rests_when_nothing_moves(opened):
    page = opened()
    page.wait_for_timeout(700)
    start = page.evaluate("framesAsked")
    page.wait_for_timeout(400)
    assert page.evaluate("framesAsked") == start
    page.get_by_role("radio", name="natural", exact=True).check(force=True)
    page.wait_for_timeout(300)
    assert page.evaluate("framesAsked") > start + 3  # the particles run, and stop
    page.get_by_role("button", name="Pause").click()
    page.wait_for_timeout(700)
    start = page.evaluate("framesAsked")
    page.wait_for_timeout(300)
    assert page.evaluate("framesAsked") == start


def test_reduced_motion_gets_a_still_flow(opened):
    page = opened("flow=natural", reduced_motion="reduce")
    page.wait_for_timeout(700)
    start = page.evaluate("framesAsked")
    page.wait_for_timeout(300)
    assert page.evaluate("framesAsked") == start
    inked = page.evaluate(
        """() => { const c = document.querySelectorAll('.mix-canvas')[2];
        return c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(v => v); }"""
    )
    assert inked


def test_weight_and_still():
    demo = MixtureManifold()
    assert len(gzip.compress(demo.figure().encode(), 9)) <= 60_000
    for view in (demo, MixtureManifold(mu1=0, mu2=0, reach=0.2), MixtureManifold(mu1=9, t2=-11)):
        picture = view.still()
        ET.fromstring(picture)
        assert "nan" not in picture and "inf" not in picture
