"""KL balls and steps in any chart in a real browser: numbers against ngdlib, and controls."""

import numpy as np
import pytest
from scipy.integrate import quad

from benchmarks.demo_frames import COUNT_FRAMES
from ngdlib.demos.kl_balls import KLBalls, geodesic
from ngdlib.demos.steps_in_any_chart import CHARTS, FAMILIES, TARGETS, StepsInAnyChart
from ngdlib.descent import data_fit, flow
from ngdlib.families import Gaussian
from tests.browser.drawing import drawn

GAUSSIAN = Gaussian("mu, sigma")
PAIRS = [((0.3, 1.2), (-1.0, 0.5)), ((0.0, 1.0), (0.0, 2.0)), ((-1.2, 1.0), (-1.2 + 1e-7, 1.0))]


@pytest.fixture
def opened(browser, tmp_path):
    """Opens a demo from the file system; fails at the end if the page logged an error."""
    contexts, complaints = [], []

    def open_(demo, fragment="", width=900, **options):
        file = tmp_path / f"{demo.name}.html"
        file.write_text(demo.to_html(), encoding="utf-8")
        context = browser.new_context(viewport={"width": width, "height": 1000}, **options)
        contexts.append(context)
        page = context.new_page()
        page.add_init_script(COUNT_FRAMES)
        page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(file.as_uri() + fragment)
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


def speed(t, start, move):
    """The Fisher speed of the straight way from ``start`` by ``move``, at time t."""
    return float(np.sqrt(move @ GAUSSIAN.fisher(start + t * move) @ move))


def close(found, wanted, tolerance=1e-9):
    return np.allclose(np.asarray(found, float), wanted, rtol=tolerance, atol=tolerance)


def test_divergences_and_distances(opened):
    page = opened(KLBalls())
    for a, b in PAIRS:
        assert close(call(page, "kl", a, b), GAUSSIAN.kl(a, b))
        assert close(call(page, "distance", a, b), GAUSSIAN.fisher_rao_distance(a, b))
    near = GAUSSIAN.kl(*PAIRS[2])  # 5e-15: only a form without cancellation gets it
    assert abs(call(page, "kl", *PAIRS[2]) / near - 1) < 1e-6
    assert not close(call(page, "kl", *PAIRS[0]), GAUSSIAN.kl(*PAIRS[0][::-1]))  # it can fail


@pytest.mark.parametrize("epsilon", [0.001, 0.1, 0.9])
def test_balls_have_their_radius(opened, epsilon):
    """Each point of an edge is at divergence epsilon; each of the ellipse at that of the metric."""
    page = opened(KLBalls())
    a = np.array([0.3, 1.2])
    forward = np.array(call(page, "ball", tuple(a), epsilon, "forward"))
    reverse = np.array(call(page, "ball", tuple(a), epsilon, "reverse"))
    assert close(GAUSSIAN.kl(a, forward) / epsilon, 1)
    assert close(GAUSSIAN.kl(reverse, a) / epsilon, 1)
    assert not close(GAUSSIAN.kl(reverse, a) / epsilon, 1.01)
    ellipse = np.array(call(page, "ellipse", tuple(a), epsilon)) - a
    assert close(np.einsum("ni,ij,nj->n", ellipse, GAUSSIAN.fisher(a), ellipse) / 2, epsilon)
    error = call(page, "ellipseError", tuple(a), epsilon)
    fine = np.array(call(page, "ellipse", tuple(a), epsilon, 361))
    assert close(error, np.max(np.abs(GAUSSIAN.kl(a, fine) / epsilon - 1)))


def test_a_large_error_is_told_as_a_factor(opened):
    page = opened(KLBalls())
    assert call(page, "offBy", 0.999, " %") == "up to 99.9 %"
    assert call(page, "offBy", 206.1, " %") == "a factor of up to 207"


def test_ways_between_two_gaussians(opened):
    page = opened(KLBalls())
    for a, b in PAIRS[:2]:
        along = [call(page, "geodesic", a, b, t) for t in np.linspace(0, 1, 61)]
        assert close(along, geodesic(np.array(a), np.array(b)))
        # the flow at the fraction t = 1 - exp(-time) of its way
        fit = data_fit(GAUSSIAN, [b[0], b[0] ** 2 + b[1] ** 2])
        for time in (0.1, 1.0):
            wanted = flow(a, GAUSSIAN, fit, [time])[0]
            assert close(call(page, "flow", a, b, 1 - np.exp(-time)), wanted)

        straight = quad(speed, 0, 1, args=(np.array(a), np.subtract(b, a)), epsrel=1e-13)[0]
        assert close(call(page, "straightLength", a, b), straight)
        points = np.array([call(page, "flow", a, b, t) for t in np.linspace(0, 1, 401)])
        chords = GAUSSIAN.fisher_rao_distance(points[:-1], points[1:]).sum()
        assert close(call(page, "flowLength", a, b), chords, 1e-4)
        assert chords >= GAUSSIAN.fisher_rao_distance(a, b) - 1e-12


def test_steps_are_those_of_ngdlib(opened):
    """Ends and gaps for every family, chart and metric, one and ten steps."""
    for family, charts in CHARTS.items():
        page = opened(StepsInAnyChart(family=family))
        for steps, count in (("one", 1), ("ten", 10)):
            demo = StepsInAnyChart(family=family, steps=steps)
            start, target = demo.start().tolist(), list(TARGETS[family])
            for metric in ("euclidean", "natural", "geodesic"):
                tolerance = 1e-8 if metric == "geodesic" else 1e-9  # there, an equation is solved
                for chart in charts:
                    for eta in (0.01, 0.08):
                        given = (family, chart, metric, start, target, eta, count)
                        path = page.evaluate(
                            "a => { const m = document.querySelector('figure').ngd.module.math;"
                            "return m.end(a[0], a[1], m.path(...a)); }",
                            list(given),
                        )
                        wanted = demo.end(chart, metric, eta)
                        if wanted is None:
                            assert path is None, given
                        else:
                            assert close(path, wanted, tolerance), given
    assert not close(path, np.array(wanted) + 1e-7)  # the comparison can fail


def test_order_of_the_gap(opened):
    """Slope 1 for the ordinary gradient, 2 for the natural one; 3 from a fair coin."""
    page = opened(StepsInAnyChart())
    fair = ("bernoulli", "probability", "log-odds")
    for given, orders in (
        (("gaussian", "mu, sigma", "mu, log sigma", (-1.2, 1.5)), (1, 2)),
        (("trinomial", "probabilities", "reduced logits", (0.15, 0.25)), (1, 2)),
        ((*fair, (0.3,)), (1, 2)),
        ((*fair, (0.5,)), (1, 3)),
    ):
        *names, start = given
        for metric, order in zip(("euclidean", "natural"), orders, strict=True):
            target = TARGETS[names[0]]
            found = call(page, "slope", *names, metric, start, target, 0.002, 1)
            assert abs(found - order) < 0.03, (given, metric, found)
    assert set(FAMILIES) == set(CHARTS) == set(TARGETS)


@pytest.mark.parametrize(
    ("demo", "key", "low"), [(KLBalls, "mu", 0.0), (StepsInAnyChart, "mu", -1.2)]
)
def test_operated_by_keyboard_mouse_and_address(opened, demo, key, low):
    page = opened(demo(), f"#{demo.name}?eta=0.05&epsilon=0.2&mu=1")
    assert state(page, key) == 1.0  # from the fragment
    handle = page.locator("[role=slider]").first if demo is StepsInAnyChart else None
    handle = handle or page.get_by_role("slider", name="first Gaussian A")
    handle.focus()
    page.keyboard.press("ArrowRight")
    assert state(page, key) > 1.0
    page.keyboard.press("ArrowUp")
    assert state(page, "sigma") != demo().sigma
    page.get_by_role("button", name="Reset").click()
    assert state(page, key) in (1.0, low)
    drawn(page)
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 40, y - 20, steps=4)
    page.mouse.up()
    moved = state(page, key)
    assert moved != low and moved < 1.0
    page.wait_for_function(
        "([name, key, value]) => location.hash.startsWith(`#${name}?`)"
        " && Number(new URLSearchParams(location.hash.split('?')[1]).get(key)) === value",
        arg=[demo.name, key, moved],
    )
    page.wait_for_function("document.querySelector('[role=status]').innerText")  # said
    assert page.locator("figure svg[role=group]").bounding_box()["width"] > 300


@pytest.mark.parametrize("demo", [KLBalls, StepsInAnyChart])
def test_still_in_print_and_without_scripts(opened, browser, tmp_path, demo):
    page = opened(demo())
    assert not page.locator(".ngd-still").is_visible()
    page.emulate_media(media="print")
    assert page.locator(".ngd-still").is_visible()
    file = tmp_path / "still.html"
    file.write_text(demo().to_html(), encoding="utf-8")
    context = browser.new_context(java_script_enabled=False)
    plain = context.new_page()
    plain.goto(file.as_uri())
    assert plain.locator(".ngd-still svg").is_visible()
    context.close()


def test_every_family_and_chart_draws(opened):
    page = opened(StepsInAnyChart())
    more = page.get_by_text("Other models and charts")
    sign = "e => getComputedStyle(e, '::after').content"
    assert more.evaluate(sign) == '"▸"'  # there is more to open
    more.click()
    assert more.evaluate(sign) == '"▾"'
    for family, charts in CHARTS.items():
        page.locator(f"input[value={family}]").check()
        for chart in charts:
            page.get_by_label("another chart").select_option(chart)
            drawn(page)
            assert state(page, "second") == chart
    page.locator("input[value=ten]").check()
    page.wait_for_function("document.querySelector('figure td').textContent !== '?'")


def table(page):
    """What the tables of a demo say: the first word of a row, then its cells."""
    rows = page.locator("figure .ngd-root tbody tr:visible").all()
    return {r.locator("th").inner_text().strip(): r.locator("td").all_inner_texts() for r in rows}


def test_the_text_of_the_chapter_can_be_seen(opened):
    """Drag A down to σ = 0.3, as told: its place and the reach of each outline are displayed."""
    page = opened(KLBalls())
    said = table(page)
    assert said["KL(A ‖ ·) = ε"] == ["0.651 … 1.821"]
    assert said["Fisher ellipse"] == ["0.500 … 1.500"]
    assert said["KL(· ‖ A) = ε"] == ["0.549 … 1.535"]
    handle = page.get_by_role("slider", name="first Gaussian A").locator(".ngd-mark")
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    # 2.6 units of σ are as high as the frame of the upper drawing
    per_unit = page.locator("figure clipPath rect").first.get_attribute("height")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y + 0.7 * float(per_unit) / 2.6, steps=6)
    page.mouse.up()
    assert abs(state(page, "sigma") - 0.3) < 0.011
    page.goto(page.url.split("#")[0] + "#kl-balls?sigma=0.3")
    page.wait_for_function("document.querySelector('figure td').textContent === '0.195 … 0.546'")
    assert "σ = 0.30" in page.locator("figure thead").first.inner_text()


def test_nothing_covers_the_balls(opened):
    """At σ = 0.3 the mark is small beside the balls; arrows and ring stand around them."""
    page = opened(KLBalls(), "#kl-balls?sigma=0.3")
    handle = page.get_by_role("slider", name="first Gaussian A")
    balls = [path.bounding_box() for path in page.locator("figure path.ngd-metric").all()[:3]]
    low, high = min(b["y"] for b in balls), max(b["y"] + b["height"] for b in balls)
    left, right = min(b["x"] for b in balls), max(b["x"] + b["width"] for b in balls)
    mark = handle.locator(".ngd-mark").bounding_box()
    assert mark["height"] < 0.35 * min(b["height"] for b in balls)
    for arrow in handle.locator(".ngd-hints").all():
        at = arrow.bounding_box()
        clear = at["y"] > high or at["y"] + at["height"] < low
        assert clear or at["x"] > right or at["x"] + at["width"] < left
    handle.locator(".ngd-mark").hover()
    page.mouse.down()
    page.mouse.up()
    assert not handle.locator(".ngd-halo").is_visible()  # a mouse draws no ring of focus
    page.keyboard.press("ArrowUp")
    assert handle.locator(".ngd-halo").is_visible()
    halo = handle.locator(".ngd-halo").bounding_box()
    assert halo["y"] < low and halo["y"] + halo["height"] > high


def test_the_ways_wait_for_show_all(opened):
    page = opened(KLBalls())
    assert "geodesic" not in table(page)
    page.locator("input[value=all]").check()
    drawn(page)
    demo = KLBalls()
    a, b = np.array([demo.mu, demo.sigma]), np.array([demo.mu2, demo.sigma2])
    assert table(page)["geodesic"] == [f"{GAUSSIAN.fisher_rao_distance(a, b):.3f}"]


@pytest.mark.parametrize("epsilon", [0.001, 0.1, 0.9])
def test_the_reach_is_that_of_the_outlines(opened, epsilon):
    page = opened(KLBalls())
    found = call(page, "reach", 1.2, epsilon)
    for key in ("forward", "reverse"):
        heights = np.array(call(page, "ball", (0.0, 1.2), epsilon, key))[:, 1]
        assert close(found[key], [heights.min(), heights.max()])
    low = GAUSSIAN.kl(np.array([0.0, 1.2]), np.array([0.0, found["forward"][0]]))
    assert close(low, epsilon) and not close(1.01 * low, epsilon)


def test_nothing_is_given_away_before_a_step(opened):
    """Gaps and curves are hidden until a step is taken; it can be taken back."""
    page = opened(StepsInAnyChart(mu=0.0, sigma=2.0))
    curves = page.locator("figure .ngd-stage > g").nth(2).locator(".ngd-way")
    assert all(cell == "?" for cells in table(page).values() for cell in cells)
    assert not any(curves.evaluate_all("c => c.map(p => p.getAttribute('d'))"))
    page.locator("input[value=one]").check()
    page.wait_for_function("document.querySelector('figure td').textContent !== '?'")
    said, demo = table(page), StepsInAnyChart(mu=0.0, sigma=2.0, steps="one")
    for metric, words in (("euclidean", "ordinary"), ("natural", "natural")):
        at, half, ratio = map(float, said[words])
        assert np.isclose(at, demo.gap(metric, 0.01), rtol=5e-3)
        assert np.isclose(half, demo.gap(metric, 0.005), rtol=5e-3)
        assert np.isclose(ratio, demo.gap(metric, 0.01) / demo.gap(metric, 0.005), rtol=2e-3)
    assert said["geodesic"] == ["?", "?", "?"]
    page.locator("input[value=on]").check()
    page.wait_for_function("document.querySelectorAll('figure td')[6].textContent === '0'")
    page.locator("input[value=zero]").check()
    page.wait_for_function("document.querySelector('figure td').textContent === '?'")


@pytest.mark.parametrize("start", [(0.0, 2.0), (-1.0, 0.5)])
def test_the_rates_at_the_start_are_numbers(opened, start):
    """Of the step in each chart, seen in the first: by the gradient, that of the other chart, and
    F^-1 times the gradient."""
    page = opened(StepsInAnyChart(mu=start[0], sigma=start[1]))
    rates = """() => [...document.querySelectorAll('.ngd-rates tbody tr')]
        .map(row => row.innerText.split('\\t').slice(1))"""
    assert page.evaluate(rates) == [["?", "?"]] * 3
    page.locator("input[value=one]").check()
    drawn(page)
    shown = [[float(x.replace("−", "-")) for x in row] for row in page.evaluate(rates)]
    mean, deviation = TARGETS["gaussian"]
    slope = data_fit(GAUSSIAN, [mean, mean**2 + deviation**2]).gradient(start)
    in_log = slope * [1, start[1] ** 2]  # J J^T, J = diag(1, σ)
    natural = np.linalg.solve(GAUSSIAN.fisher(np.array(start)), slope)
    assert close(shown, [-slope, -in_log, -natural], 1e-4)
    assert not close(shown, [-slope, -in_log, -1.01 * natural], 1e-4)  # negative control


def test_ends_do_not_pile_up(opened):
    """Divided by η, the ends of the opening stand apart, and clear of the start, at every η."""
    for eta in (0.001, 0.01, 0.3):
        page = opened(StepsInAnyChart(mu=0.0, sigma=2.0, eta=eta, steps="one"))
        panel = page.locator("figure .ngd-stage > g").first
        marks = [*panel.locator(".ngd-euclidean .ngd-end").all(), panel.locator(".ngd-star").first]
        boxes = [mark.bounding_box() for mark in marks]
        places = np.array([(b["x"] + b["width"] / 2, b["y"] + b["height"] / 2) for b in boxes])
        apart = np.linalg.norm(places[:, None] - places, axis=-1)
        assert apart[np.triu_indices(3, 1)].min() > 20


@pytest.mark.parametrize("width", [400, 1280])
def test_control_and_picture_are_on_one_screen(opened, width):
    page = opened(StepsInAnyChart(mu=0.0, sigma=2.0))
    page.set_viewport_size({"width": width, "height": 900})
    drawn(page)
    top = page.locator("figure .ngd-stage").bounding_box()["y"]
    below = page.get_by_role("slider", name="step size η").bounding_box()
    assert below["y"] + below["height"] - top < 760
