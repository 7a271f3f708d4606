"""The mixture manifold in a real browser: its numbers against ngdlib, its controls, its frames."""

import gzip
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from benchmarks.demo_frames import COUNT_FRAMES
from ngdlib.demos import MixtureManifold
from ngdlib.families import GaussianMixture
from tests.browser.drawing import drawn
from tests.browser.test_touch import Fingers

CASES = [  # means, target, sigma
    ((-0.5, 2.0), (-1.0, 1.0), 1.0),
    ((0.3, 0.30001), (-1.0, 1.0), 0.5),
    ((-0.05, 0.05), (0.0, 0.0), 1.0),
    ((3.0, -2.5), (-1.0, 2.0), 2.0),
    ((-12.0, 11.0), (4.0, 1.0), 1.0),
    ((-1.0, 1.001), (-1.0, 1.0), 0.25),
]
WEIGHTS = (0.5, 0.7, 0.05)


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


@pytest.mark.parametrize("weight", WEIGHTS)
def test_numbers_agree_with_the_library(opened, weight):
    page = opened()
    for theta, target, sigma in CASES:
        model = GaussianMixture(sigma=sigma, weight=weight)
        gap, F = (theta[1] - theta[0]) / 2, model.fisher(theta)
        f11, f12, f22, det = call(page, "fisher", gap, sigma, weight)
        assert apart([f11, f12, f22], [F[0, 0], F[0, 1], F[1, 1]]) < 1e-9
        large, small, along = call(page, "eigen", gap, sigma, weight)
        assert close([small, large], model.eigenvalues(theta)) and close(det, small * large)
        if large > 1.01 * small:  # the long axis of the ellipse is where F is least
            assert close(along @ F @ along, small, 1e-6 * large / small)
        g, n = model.kl_gradient(theta, target), model.natural_gradient(theta, target)
        assert apart(call(page, "gradient", theta, target, sigma, weight), g) < 1e-9
        assert apart(call(page, "natural", theta, target, sigma, 0, weight), n) < 1e-9
        damped = np.linalg.solve(F + 0.01 * np.eye(2), g)
        assert apart(call(page, "natural", theta, target, sigma, 0.01, weight), damped) < 1e-9
        found = call(page, "kl", target, theta, sigma, weight)
        assert abs(found / model.kl(target, theta) - 1) < 1e-9
        cosine = g @ n / np.linalg.norm(g) / np.linalg.norm(n)
        found = np.cos(np.radians(call(page, "angle", tuple(g), tuple(n))))
        assert abs(found - cosine) < 1e-9
    assert apart(np.multiply(n, [1, 1.01]), n) > 1e-3
    assert not close(large * 1.01, model.eigenvalues(theta)[1])  # it can fail
    theta, target, sigma = CASES[0]  # ... on the weight too
    n = GaussianMixture(sigma=sigma, weight=weight).natural_gradient(theta, target)
    assert apart(call(page, "natural", theta, target, sigma, 0, weight + 0.01), n) > 1e-4


@pytest.mark.parametrize("weight", WEIGHTS)
def test_eigenvalues_over_the_whole_table(opened, weight):
    page = opened()
    gaps = [*np.geomspace(1e-9, 12, 200)]
    found = page.evaluate(
        "([g, w]) => g.map(e => "
        "document.querySelector('figure').ngd.module.math.eigen(e, 1, w).slice(0, 2))",
        [gaps, weight],
    )
    model = GaussianMixture(weight=weight)
    wanted = model.eigenvalues(np.stack([-np.array(gaps), gaps], axis=-1))
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


@pytest.mark.parametrize("weight", WEIGHTS[1:])
def test_paths_with_unequal_weights(opened, weight):
    page = opened()
    model, theta, target, eta = GaussianMixture(weight=weight), (-0.2, 0.4), (-1.0, 1.0), 0.3
    here, there = np.array(theta), np.array(theta)
    ordinary = call(page, "path", "ordinary", theta, target, 1, eta, 4, weight)
    natural = call(page, "path", "natural", theta, target, 1, eta, 4, weight)
    for a, b in zip(ordinary[1:], natural[1:], strict=True):
        here = here - eta * model.kl_gradient(here, target)
        there = there - eta * model.natural_gradient(there, target)
        assert apart(a, here) < 1e-9 and apart(b, there) < 1e-8
    # the natural step in (m, v): the same velocity, carried to v = (half-gap)^2
    n = -model.natural_gradient(theta, target)
    v = 0.3**2 + eta * 2 * 0.3 * (n[1] - n[0]) / 2
    mean = weight * (theta[0] + eta * n[0]) + (1 - weight) * (theta[1] + eta * n[1])
    found = call(page, "path", "natural in v", theta, target, 1, eta, 1, weight)
    if v < 0:
        assert len(found) == 1  # it leaves the chart
    else:
        assert close((found[1][1] - found[1][0]) / 2, np.sqrt(v), 1e-8)
        assert close(weight * found[1][0] + (1 - weight) * found[1][1], mean, 1e-8)
    # EM: the means of the target's points, shared out by the model
    x = np.linspace(-11, 11, 4001)
    p, share = np.exp(model.log_density(x, target)), model.responsibility(x, theta)
    means = [(p * r * x).sum() / (p * r).sum() for r in (share, 1 - share)]
    em = call(page, "path", "EM", theta, target, 1, eta, 1, weight)
    assert apart(em[1], means) < 1e-9
    assert apart(call(page, "path", "EM", theta, target, 1, eta, 1, 0.5)[1], means) > 1e-3


def test_a_weight_is_typed_and_the_mirror_image_goes(opened):
    page = opened()
    image = page.locator(".mix-right .ngd-open")
    assert image.get_attribute("d")
    type_in(page, "weight w of the first, typed", "0.7")
    assert state(page, "weight") == 0.7 and not image.get_attribute("d")
    page.get_by_text("More numbers").click()
    shown, model = page.evaluate(NUMBERS), GaussianMixture(weight=0.7)
    F = model.fisher([-0.5, 2.0])
    values = [float(v) for v in shown["F₁₁, F₂₂"][0].split(", ")]
    assert values == pytest.approx([F[0, 0], F[1, 1]], rel=1e-3)
    assert float(shown["F₁₂"][0]) == pytest.approx(F[0, 1], rel=1e-3)
    assert float(shown["det F"][0]) == pytest.approx(model.determinant([-0.5, 2.0]), rel=1e-3)
    axes = [float(v[0]) for k, v in shown.items() if k.startswith("λ along")]
    assert sorted(axes) == pytest.approx(model.eigenvalues([-0.5, 2.0]), rel=1e-3)
    kl = model.kl([-1.0, 1.0], [-0.5, 2.0])
    assert float(shown["KL to the target"][0]) == pytest.approx(kl, rel=5e-3)
    page.get_by_role("button", name="Reset").click()
    drawn(page)
    assert image.get_attribute("d") and "F₁₁ = F₂₂" in page.evaluate(NUMBERS)


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
            drawn(page)
            told = page.locator(".ngd-told").first.inner_text()
            assert "NaN" not in page.locator(".mix").inner_text()
            assert "ellipse" in told or "F is" in told


NUMBERS = """() => Object.fromEntries([...document.querySelectorAll('.ngd-figures tr')]
    .filter(row => row.offsetParent).map(row => [row.firstChild.textContent,
        [...row.children].slice(1).map(cell => cell.textContent.replace('−', '-'))]))"""


def type_in(page, label, value):
    box = page.get_by_label(label, exact=True)
    box.fill(value)
    box.press("Enter")
    drawn(page)


def test_each_view_shows_what_it_is_named_for(opened):
    page = opened()

    def go(name):
        page.locator("select").select_option(label=name)
        drawn(page)
        return page.evaluate(NUMBERS), page.locator(".ngd-told").first.inner_text()

    def separation(path):
        return float(page.evaluate(NUMBERS)[path][2])

    near, told = go("Nearly merged: long ellipses")
    assert float(near["condition number κ"][0]) > 20 and "along (1, −1)" in told
    narrow, _ = go("Half the σ: fewer long ellipses")
    assert float(narrow["condition number κ"][0]) < float(near["condition number κ"][0]) / 3
    go("A: leave the diagonal")
    for steps, left in (("5", False), ("6", True)):
        type_in(page, "steps, typed", steps)
        assert (separation("ordinary") >= 1.8) is left
    for steps, there in (("1", 20.034), ("2", 2.3293), ("3", 2.0154)):
        type_in(page, "steps, typed", steps)
        assert separation("natural") == pytest.approx(there, rel=1e-4)
    go("B: arrive at it")
    for steps, there in (("200", False), ("201", True)):
        type_in(page, "steps, typed", steps)
        assert (separation("ordinary") <= 0.1) is there
    type_in(page, "steps, typed", "5")
    assert separation("natural") == pytest.approx(0.0573, rel=2e-3)
    assert "is a circle" in go("A circle at 1.636")[1]
    assert "along (1, 1)" in go("The long axis has turned")[1]
    far, told = go("Far apart")
    assert "is a circle" in told
    assert float(far["length, natural : ordinary"][0]) == pytest.approx(2, rel=0.02)
    apart, _ = go("More than 45° apart")
    assert float(apart["angle of the arrows"][0][:-1]) > 80
    assert "is not drawn" in go("In the band: the damped arrow")[1]
    place, target = (0.47, 0.53), (-1, 1)
    damped = call(page, "natural", place, target, 1, 0.01)
    assert 30 < call(page, "angle", call(page, "gradient", place, target, 1), damped) < 80
    none, told = go("On the diagonal")
    assert none["angle of the arrows"] == ["undefined"] and "F is singular" in told
    ends, _ = go("EM, and one natural step in v")
    assert [ends[k][2] for k in ("ordinary", "natural", "natural in v", "EM")] == [
        "0.14959",
        "20.034",
        "1.9992",
        "0.19917",
    ]
    go("From (1, 4), in small steps")
    assert separation("natural") == pytest.approx(2, rel=1e-3)
    for name, look in (("natural", "natural"), ("ordinary", "euclidean")):
        go(f"Flow: {name}")
        page.wait_for_function(f"{INKED}('--ngd-{look}')")


INKED = """(name => {
    const probe = document.querySelector('.ngd-root').appendChild(document.createElement('span'));
    probe.style.color = `var(${name})`;
    const ink = getComputedStyle(probe).color.match(/[0-9]+/g).map(Number);
    const c = document.querySelectorAll('.mix-canvas')[2];
    probe.remove();
    const { data } = c.getContext('2d').getImageData(0, 0, c.width, c.height);
    for (let k = 0; k < data.length; k += 4)
        if (data[k + 3] > 200 && ink.every((v, n) => Math.abs(v - data[k + n]) < 12))
            return true;
    return false;
})"""


def test_a_handle_stays_in_the_plane_as_drawn(opened):
    """Home and End, a drag across the edge: the handle can be taken again."""
    page = opened()
    for name, words in (("the model", "mean μ1"), ("mean μ1", "mean μ1"), ("target", "first mean")):
        handle = page.get_by_role("slider", name=name, exact=True)
        handle.focus()
        for key, end in (("Home", "−4"), ("End", "4")):
            page.keyboard.press(key)
            drawn(page)
            assert f"{words} {end}" in handle.get_attribute("aria-valuetext")
            assert handle.evaluate("node => node === document.activeElement")
            assert handle.is_visible()
    box = page.get_by_role("slider", name="the model").locator(".ngd-grip").bounding_box()
    page.mouse.move(box["x"] + 22, box["y"] + 22)
    page.mouse.down()
    page.mouse.move(box["x"] + 400, box["y"] - 400, steps=4)
    page.mouse.up()
    assert (state(page, "mu1"), state(page, "mu2")) == (4, 4)
    page.get_by_text("More numbers").click()
    type_in(page, "μ₁, typed", "9")
    assert "outside the plane" in page.locator(".ngd-told").first.inner_text()


def test_a_finger_moves_disc_and_star_and_taps(opened):
    page = opened(viewport={"width": 400, "height": 750}, has_touch=True, is_mobile=True)
    fingers = Fingers(page)
    for name, keys in (("the model", ("mu1", "mu2")), ("target", ("t1", "t2"))):
        handle = page.get_by_role("slider", name=name, exact=True)
        handle.evaluate("node => node.scrollIntoView({ block: 'center' })")
        box, top = handle.locator(".ngd-grip").bounding_box(), page.evaluate("scrollY")
        before = [state(page, key) for key in keys]
        fingers.touch(box["x"] + 22, box["y"] + 22)
        fingers.move(40, 0)
        fingers.move(0, 30)
        fingers.lift()
        drawn(page)
        assert state(page, keys[0]) > before[0] and state(page, keys[1]) < before[1]
        assert page.evaluate("scrollY") == top
    plane = page.locator(".mix-right svg").bounding_box()
    page.touchscreen.tap(plane["x"] + plane["width"] * 0.3, plane["y"] + plane["height"] * 0.7)
    drawn(page)
    assert state(page, "mu1") < 0 and state(page, "mu2") < 0
    top = page.evaluate("scrollY")
    fingers.touch(plane["x"] + plane["width"] * 0.8, plane["y"] + plane["height"] * 0.8)
    fingers.move(0, -150)  # negative control: beside the handles the page scrolls
    page.wait_for_function("top => scrollY !== top", arg=top)
    fingers.lift()


def test_colours_of_the_system_reach_the_canvas(opened):
    """What is painted, not styled, is seen too: ellipses, contours and particles on the ground."""
    for scheme in ("light", "dark"):
        page = opened(
            "flow=natural", forced_colors="active", color_scheme=scheme, reduced_motion="reduce"
        )
        drawn(page)
        contrasts = page.evaluate(
            """() => [...document.querySelectorAll('.mix-canvas')].map(c => {
                const linear = v => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
                const light = rgb => [0.2126, 0.7152, 0.0722]
                    .reduce((sum, w, n) => sum + w * linear(rgb[n] / 255), 0.05);
                const paper = getComputedStyle(document.body).backgroundColor;
                const ground = light(paper.match(/[0-9]+/g).map(Number));
                const { data } = c.getContext('2d').getImageData(0, 0, c.width, c.height);
                let best = 1;
                for (let k = 0; k < data.length; k += 4) {
                    if (data[k + 3] < 120) continue;  // a thin line has no full pixel
                    const ink = light(data.slice(k, k + 3));
                    best = Math.max(best, ink / ground, ground / ink);
                }
                return best;
            })"""
        )
        assert min(contrasts) >= 3, (scheme, contrasts)


def test_in_jupyter_python_moves_it_and_hears_of_it(browser, tmp_path):
    """As anywidget renders it: two views of one model, and a state that the front end saves."""
    (tmp_path / "lab.html").write_text("<div id=a></div><div id=b></div>", encoding="utf-8")
    context = browser.new_context(viewport={"width": 900, "height": 1800})
    page, complaints = context.new_page(), []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto((tmp_path / "lab.html").as_uri())
    demo = MixtureManifold()
    page.add_style_tag(content=demo._css)
    page.evaluate(
        """async ([code, state]) => {
            const heard = {}, told = [];
            const model = window.model = { get: name => state[name], set: (name, value) => {
                    if (state[name] === value) return;
                    state[name] = value;
                    [...(heard[`change:${name}`] ?? []), ...(heard.change ?? [])].forEach(f => f());
                }, save_changes: () => told.push({ ...state }),
                on: (names, f) => names.split(' ').forEach(n => (heard[n] ??= []).push(f)),
                off: (names, f) => names?.split(' ').forEach(n => {
                    heard[n] = (heard[n] ?? []).filter(g => g !== f);
                }) };
            window.told = told;
            const file = URL.createObjectURL(new Blob([code], { type: 'text/javascript' }));
            const { default: widget } = await import(file);
            for (const id of 'ab') await widget.render({ model, el: document.getElementById(id) });
        }""",
        [demo._esm, demo.state()],
    )
    views = [page.locator(f"#{name}") for name in "ab"]
    page.evaluate("model.set('mu1', -1), model.set('mu2', 1)")  # Python sets it
    for view in views:
        row = view.locator("tr", has_text="KL to the target").locator("td")
        page.wait_for_function("cell => cell.textContent === '0'", arg=row.element_handle())
    handle = views[0].get_by_role("slider", name="the model")
    handle.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("told.at(-1)?.mu1 > -1")  # Python hears of it
    moved = page.evaluate("told.at(-1).mu1")
    assert moved == pytest.approx(-0.95)
    other = views[1].get_by_role("slider", name="the model")
    page.wait_for_function("e => e.ariaValueText.includes('−0.95')", arg=other.element_handle())
    context.close()
    assert complaints == []


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
        F = GaussianMixture().fisher([0, gap])
        plus, minus = F[0, 0] + F[0, 1], F[0, 0] - F[0, 1]  # along (1, 1), along (1, −1)
        said = call(page, "told", gap / 2, 1)
        assert f"{np.sqrt(max(plus / minus, minus / plus)):.3g}" in said
        assert ("along (1, −1)" in said) == (minus < plus)
    assert "circle" in call(page, "told", 5.0, 1)
    F = GaussianMixture(weight=0.7).fisher([0, 0.5])
    (small, large), axes = np.linalg.eigh(F)
    x, y = axes[:, 0] * np.sign(axes[0, 0])
    said = call(page, "told", 0.25, 1, 0.7)
    assert f"is {np.sqrt(large / small):.3g} times" in said
    assert f"along ({x:.3g}, −{-y:.3g})" in said


def test_it_rests_when_nothing_moves(opened):
    page = opened()
    drawn(page)
    start = page.evaluate("framesAsked")
    page.wait_for_timeout(400)
    assert page.evaluate("framesAsked") == start
    page.get_by_role("radio", name="natural", exact=True).check(force=True)
    # the particles run (seen by a clock: to look at each frame would ask for frames), and stop
    page.wait_for_function("start => framesAsked > start + 3", arg=start, polling=50)
    page.get_by_role("button", name="Pause").click()
    drawn(page)
    start = page.evaluate("framesAsked")
    page.wait_for_timeout(300)
    assert page.evaluate("framesAsked") == start


def test_reduced_motion_gets_a_still_flow(opened):
    page = opened("flow=natural", reduced_motion="reduce")
    drawn(page)
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
