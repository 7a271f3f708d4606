"""The demo two charts in a real browser: its numbers against ngdlib, every way to operate it."""

import itertools
import re

import numpy as np
import pytest

from benchmarks.demo_frames import COUNT_FRAMES
from ngdlib.demos import TwoCharts
from ngdlib.demos.two_charts import CHARTS, METRICS
from ngdlib.descent import Fixed, data_fit, flow, run
from ngdlib.families import Bernoulli
from tests.browser.drawing import after, drawn

FIGURE = "figure#two-charts"
STATES = [(0.3, 0.8, 0.2), (0.5, 0.8, 0.1), (0.02, 0.5, 0.05), (0.9, 0.0, 0.4), (0.2, 1.0, 2.5)]


@pytest.fixture
def opened(browser, tmp_path):
    """Opens the demo; at the end fails if a page logged an error or asked for another file."""
    contexts, complaints = [], []

    def open_(demo=None, fragment="", url=None, page_html=None, **options):
        file = tmp_path / "demo.html"
        file.write_text(page_html or (demo or TwoCharts()).to_html(), encoding="utf-8")
        context = browser.new_context(**{"viewport": {"width": 1100, "height": 800}, **options})
        contexts.append(context)
        page = context.new_page()
        page.add_init_script(COUNT_FRAMES)
        page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda r: complaints.append(r.url) if outside(r.url) else None)
        page.goto((url or file.as_uri()) + fragment)
        if options.get("java_script_enabled", True):
            page.wait_for_selector(f"{FIGURE}[data-ready]")
        return page

    yield open_
    for context in contexts:
        context.close()
    assert complaints == []


def outside(url):
    return not url.startswith(("file:", "blob:", "http://127.0.0.1"))


def get(page, name):
    return page.evaluate("name => document.querySelector('figure').ngd.model.get(name)", name)


def change(page, **values):
    page.evaluate(
        "v => { const m = document.querySelector('figure').ngd.model;"
        " for (const k in v) m.set(k, v[k]); }",
        values,
    )
    drawn(page)


def words(page):
    return page.locator(f"{FIGURE} .ngd-live").inner_text().replace("\n", " ")


# --- mathematics -------------------------------------------------------------------------------


def reference(metric, chart, q, mean, eta, steps):
    """Values in the chart by `ngdlib.descent`, up to the first that is outside the model."""
    model = Bernoulli(CHARTS[chart])
    start = Bernoulli("probability").change_to(model).forward(np.array([q]))
    path, inside = run(start, model, data_fit(model, np.array([mean])), steps, metric, Fixed(eta))
    return path[: int(inside.sum()) + 1, 0], bool(inside[-1])


def closeness(found, wanted):
    """Largest difference, relative where the value is beyond 1."""
    found, wanted = np.asarray(found, float), np.asarray(wanted, float)
    assert found.shape == wanted.shape
    return float(np.max(np.abs(found - wanted) / np.maximum(1, np.abs(wanted))))


def test_steps_are_those_of_ngdlib(opened):
    page = opened()
    for (q, mean, eta), chart, method in itertools.product(STATES, CHARTS, METRICS):
        found = page.evaluate(
            "a => document.querySelector('figure').ngd.module.math.walk(...a)",
            [method, chart, q, mean, eta, 6],
        )
        wanted, inside = reference(METRICS[method], chart, q, mean, eta, 6)
        assert found["inside"] is inside, (method, chart, q, mean, eta)
        assert closeness(found["values"], wanted) < 1e-9, (method, chart, q, mean, eta)
    # the comparison can fail: ordinary steps in z are not those in the angle
    wanted, _ = reference("euclidean", "ω", 0.3, 0.8, 0.2, 6)
    found = page.evaluate(
        "() => document.querySelector('figure').ngd.module.math"
        ".walk('ordinary', 'z', 0.3, 0.8, 0.2, 6).values"
    )
    assert closeness(found, wanted) > 1e-2


def test_flows_are_those_of_ngdlib(opened):
    page = opened()
    for (q, mean, _), chart, method in itertools.product(STATES[:3], CHARTS, METRICS):
        model = Bernoulli(CHARTS[chart])
        start = Bernoulli("probability").change_to(model).forward(np.array([q]))
        objective = data_fit(model, np.array([mean]))
        times = [0.01, 0.7, 12.0]
        wanted = flow(start, model, objective, times, METRICS[method])[:, 0]
        found = page.evaluate(
            "([method, chart, q, mean, times]) => times.map(t => document.querySelector('figure')"
            ".ngd.module.math.flow(method, chart, q, mean, t).values[1])",
            [method, chart, q, mean, times],
        )
        assert closeness(found, wanted) < 1e-9, (method, chart, q, mean)
        assert closeness(np.array(found) + 1e-6, wanted) > 1e-9


def test_ordinary_flow_with_one_outcome_reaches_the_edge_in_finite_time(opened):
    """With all heads dq/dt = 1/q, so q reaches 1 at t = (1 - q0^2)/2, and only then."""
    page = opened()
    q0 = 0.2
    at = (1 - q0**2) / 2
    before, after = page.evaluate(
        "([q, t, u]) => [t, u].map(x => document.querySelector('figure').ngd.module.math"
        ".flow('ordinary', 'q', q, 1, x))",
        [q0, 0.9 * at, 1.1 * at],
    )
    assert abs(before["values"][1] - np.sqrt(q0**2 + 2 * 0.9 * at)) < 1e-9 and before["inside"]
    assert after["values"][1] == 1 and not after["inside"]


def test_ode(opened):
    """The solver of the base on a circle and on a blow-up that it must refuse."""
    page = opened()
    found = page.evaluate(
        "() => document.querySelector('figure').ngd.module.math"
        ".ode(([x, y]) => [-y, x], [1, 0], [0.5, 2, 20])"
    )
    assert closeness(found, [[np.cos(t), np.sin(t)] for t in (0.5, 2, 20)]) < 1e-9
    found = page.evaluate(
        "() => document.querySelector('figure').ngd.module.math"
        ".ode(([x]) => [x * x], [1], [0.5, 2])"
    )
    assert len(found) == 1 and abs(found[0][0] - 2) < 1e-8


# --- what is seen ------------------------------------------------------------------------------


def test_ready_from_file_and_over_http(opened, tmp_path, served):
    page = opened()
    assert 0 < float(page.get_attribute(FIGURE, "data-ready"))
    assert page.locator(".ngd-still").is_hidden()
    page = opened(url=f"{served}/demo.html")
    assert page.url.startswith("http://127.0.0.1") and "0.776" in words(page)


def test_ordinary_ends_differ_and_natural_ends_agree(opened):
    page = opened()
    gaps = page.locator(".ngd-summary strong").all_inner_texts()
    assert gaps == ["are 0.455 apart in q", "are 0.008 apart in q"]
    change(page, mode="flow", steps=10)
    ordinary, natural = page.locator(".ngd-summary strong").all_inner_texts()
    assert natural == "are one" and ordinary != "are one"


def test_still_and_live_say_the_same(opened):
    """Printed from Python and drawn by the script: the same numbers, in the same words."""
    for demo in (
        TwoCharts(),
        TwoCharts(q=0.05, mean=0.75, eta=5.78, view="descent"),
        TwoCharts(q=0.2, mean=1.0, eta=1.0, view="methods"),
        TwoCharts(eta=2.0),
        TwoCharts(q=0.5, mean=1.0, eta=1.0),
        TwoCharts(q=0.01, mean=0.5, eta=1.0),
        TwoCharts(q=0.999, mean=0.0, eta=10.0, steps=2),
        TwoCharts(mode="flow", steps=7, q=0.6, mean=0.1),
    ):
        page = opened(demo)
        still = page.locator(".ngd-still text").all_text_contents()
        for text in page.locator(".ngd-summary strong").all_inner_texts():
            assert text in still
        for text in page.locator(".ngd-number, .ngd-remark").all_text_contents():
            assert not text or text in still, text


def test_steps_that_leave_the_model_say_so(opened):
    page = opened(TwoCharts(eta=2.0))
    said = [t for t in page.locator(".ngd-remark").all_text_contents() if t]
    assert "leaves the model: q = 5.06" in said and "leaves the model: q = 1.30" in said
    heads = page.locator(".ngd-lines .ngd-open").evaluate_all(
        "all => all.map(e => e.getAttribute('d').split('M').length - 1)"
    )
    assert heads == [6, 6], "in q and in the angle both kinds of step leave, on all three lines"
    change(page, mean=1.0, eta=1.0)
    assert "lands on the edge: q = 1" in page.locator(".ngd-remark").all_text_contents()
    change(page, q=0.01, mean=0.5)
    assert any(
        t.startswith("runs away: z = 44.9") for t in page.locator(".ngd-remark").all_text_contents()
    )
    change(page, q=0.3, mean=0.8, eta=0.2)
    assert not any(page.locator(".ngd-remark").all_text_contents())
    assert page.locator(".ngd-open[d]").count() == 0


def test_light_and_dark_without_script(opened):
    seen = {}
    for scheme in ("light", "dark"):
        page = opened(color_scheme=scheme)
        seen[scheme] = page.evaluate(
            "() => ['.ngd-natural .ngd-end', '.ngd-euclidean .ngd-way'].map(s =>"
            " getComputedStyle(document.querySelector(s)).stroke)"
        )
    assert seen["light"] == ["rgb(0, 124, 137)", "rgb(196, 78, 0)"]
    assert seen["dark"] == ["rgb(63, 214, 224)", "rgb(255, 154, 82)"]


def test_print_and_no_script_show_the_still(opened):
    page = opened(java_script_enabled=False)
    assert page.locator(".ngd-still svg").is_visible() and page.locator("figcaption").is_visible()
    page = opened()
    page.emulate_media(media="print")
    assert page.locator(".ngd-still svg").is_visible() and page.locator(".ngd-live").is_hidden()


@pytest.mark.parametrize("width", [320, 400, 700])
def test_narrow(opened, width):
    page = opened(viewport={"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    # all that is drawn is within the page, too
    change(page, eta=2.0, steps=3)
    out = page.evaluate(
        "() => [...document.querySelectorAll('.ngd-live svg *')]"
        ".map(e => e.getBoundingClientRect())"
        ".filter(b => b.width && (b.left < -1 || b.right > innerWidth + 1)).length"
    )
    assert out == 0


def test_views_show_what_their_question_needs(opened):
    """Two rows on one line, six, or all; what is left out is out of the tab order, too."""
    page = opened(TwoCharts(view="descent"))

    def shown():
        numbers = page.locator(".ngd-number").all()
        return sum(n.is_visible() and bool(n.text_content()) for n in numbers)

    assert shown() == 2 and page.locator("[role=slider]:visible").count() == 2
    assert not page.locator(".ngd-arc").is_visible() and not page.get_by_role("radio").count()
    page.get_by_role("button", name="Show all").click()
    drawn(page)
    assert shown() == 18 and page.locator(".ngd-arc").is_visible()
    page.get_by_role("radio", name="flow").press("Space")
    page.get_by_role("button", name="Show less").click()
    drawn(page)
    assert shown() == 2 and get(page, "mode") == "steps", "no control is out of sight and on"
    page = opened(TwoCharts(view="methods"))
    assert shown() == 6
    assert page.locator(".ngd-summary strong:visible").count() == 2


def test_the_answer_waits_for_the_guess(opened):
    """Nothing shows where a step ends, in pixels, words or speech, before the reader wants it."""

    def told(page):
        drawn(page)
        return "".join(page.locator(".ngd-number").all_text_contents())

    for move in ("button", "key", "type"):
        page = opened(TwoCharts(q=0.05, mean=0.75, eta=0.02, view="descent", answer="hidden"))
        assert told(page) == "" and page.locator(".ngd-lines .ngd-end[d]").count() == 0
        assert not page.locator(".ngd-summary").is_visible()
        reveal = page.get_by_role("button", name="Show where the step ends")
        if move == "button":
            reveal.click()
        elif move == "key":
            page.get_by_label("step size η", exact=True).press("ArrowRight")
        else:
            page.get_by_label("step size η, typed").fill("0.03")
            page.keyboard.press("Enter")
        assert told(page) != "" and page.locator(".ngd-lines .ngd-end[d]").count() == 1
        assert not reveal.is_visible() and page.locator(".ngd-summary").is_visible()
        page.get_by_role("button", name="Reset").click()
        assert told(page) == ""
        page.wait_for_function(
            "document.querySelector('[role=status]').textContent.includes('not shown')"
        )


def test_every_number_can_be_typed(opened):
    """What the chapter quotes between two places of the slider, and what is no number."""
    page = opened(TwoCharts(q=0.05, mean=0.75, eta=0.02, view="descent"))
    eta, steps = (page.get_by_label(f"{n}, typed") for n in ("step size η", "number of steps"))
    for text, value, shown in (("5.78", 5.78, "5.78"), ("0,0475", 0.0475, "0.0475"),
                               ("rubbish", 0.0475, "0.0475"), ("99", 10, "10")):  # fmt: skip
        eta.fill(text)
        page.keyboard.press("Enter")
        drawn(page)
        assert get(page, "eta") == value and eta.input_value() == shown, text
    eta.fill("0.02")
    steps.fill("648")
    page.keyboard.press("Enter")
    drawn(page)
    assert get(page, "steps") == 648
    assert page.locator(".ngd-number").nth(1).text_content() == "0.7000"
    # the slider reaches every number of steps up to ten, once
    page.get_by_label("number of steps", exact=True).press("Home")
    for n in range(2, 11):
        page.keyboard.press("ArrowRight")
        drawn(page)
        assert get(page, "steps") == n


@pytest.mark.parametrize("view", ["descent", "methods"])
def test_control_and_what_it_changes_are_on_one_screen_of_a_phone(opened, view):
    page = opened(TwoCharts(view=view), viewport={"width": 400, "height": 800})
    top = page.locator(".ngd-lines").bounding_box()["y"]
    bottom = max(
        page.get_by_label(name, exact=True).bounding_box()["y"] + 44
        for name in ("step size η", "number of steps")
    )
    assert bottom - top < 640


# --- operation ---------------------------------------------------------------------------------


def centre(page, selector, index=0):
    box = page.locator(selector).nth(index).bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def let_go(page):
    """Ends a drag, and waits until the page shows it."""
    page.mouse.up()
    drawn(page)
    page.wait_for_selector(".ngd-root:not([data-moving])")


def test_drag_on_every_line_and_on_the_curve(opened):
    page = opened()
    for index in (0, 2, 3, 4):  # coin on q (1 is the star), on z, on the angle, on the curve
        before = get(page, "q")
        x, y = centre(page, ".ngd-handle", index)
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + (20 if index < 4 else -20), y - (0 if index < 4 else 20), steps=4)
        let_go(page)
        assert get(page, "q") > before + 0.01, index
    x, y = centre(page, ".ngd-handle", 1)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 60, y, steps=4)
    let_go(page)
    page.mouse.move(x, y)  # released: moving on changes nothing
    assert 0.5 < get(page, "mean") < 0.75


def test_keyboard_alone(opened):
    page = opened()
    visited = []
    for _ in range(10):
        page.keyboard.press("Tab")
        visited.append(
            page.evaluate(
                "document.activeElement.ariaLabel || document.activeElement.name"
                " || document.activeElement.type + document.activeElement.textContent"
            )
        )
    assert visited[:2] == ["The coin, by its probability", "Mean of the data"]
    assert visited[2:4] == ["The coin, by its log-odds", "The coin, by its angle"]
    assert visited[4:8] == ["step size η, typed", "range", "number of steps, typed", "range"]
    page.locator("[role=slider]").first.focus()
    for key, q in [
        ("ArrowRight", 0.31),
        ("ArrowDown", 0.3),
        ("PageUp", 0.4),
        ("Home", 0.001),
        ("End", 0.999),
    ]:
        page.keyboard.press(key)
        drawn(page)
        assert abs(get(page, "q") - q) < 1e-9, key
        now = page.locator("[role=slider]").first.get_attribute("aria-valuetext")
        assert now == f"q = {q:.4f}"
    assert visited[9] == "buttonReset"
    page.get_by_label("step size η", exact=True).focus()
    page.keyboard.press("ArrowRight")
    assert get(page, "eta") == 0.211
    page.get_by_role("radio", name="flow").press("Space")
    assert get(page, "mode") == "flow"
    page.get_by_role("button", name="Reset").press("Enter")
    assert [get(page, n) for n in ("q", "eta", "mode")] == [0.3, 0.2, "steps"]


def test_touch(browser, opened):
    """Handles are 44 px to the finger and keep its drag; elsewhere the page scrolls."""
    page = opened(viewport={"width": 400, "height": 800}, has_touch=True, is_mobile=True)
    touch = page.evaluate(
        "() => ['.ngd-lines', '.ngd-arc', '.ngd-handle'].map(s =>"
        " getComputedStyle(document.querySelector(s)).touchAction)"
    )
    assert touch == ["pan-y pinch-zoom", "pan-y pinch-zoom", "none"]
    sizes = page.evaluate(
        "() => ['.ngd-grip', '.ngd-choice label', '.ngd-button', '.ngd-typed',"
        " '[type=range]'].flatMap(s => [...document.querySelectorAll(s)])"
        ".map(e => e.getBoundingClientRect()).filter(b => b.width)"
        ".map(b => Math.min(b.width, b.height))"
    )
    assert min(sizes) >= 44
    session = page.context.new_cdp_session(page)

    def swipe(x, y, dx, dy):
        session.send(
            "Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]}
        )
        for k in range(1, 6):
            point = {"x": x + dx * k / 5, "y": y + dy * k / 5}
            session.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
        session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        drawn(page)

    x, y = centre(page, ".ngd-handle")
    swipe(x, y, 60, 30)
    assert get(page, "q") > 0.45 and page.evaluate("scrollY") == 0
    swipe(x + 120, y - 60, 0, -200)
    assert page.evaluate("scrollY") > 50 and get(page, "mean") == 0.8


def test_values_are_announced_once_at_rest(opened):
    page = opened()
    status = page.locator("[role=status]")
    assert status.text_content() == ""
    page.evaluate(  # when something is said: how long ago the last key was, in ms
        """() => {
            let pressed, status = document.querySelector('[role=status]');
            addEventListener('keydown', () => { pressed = performance.now(); }, true);
            window.rests = [];
            new MutationObserver(() => rests.push(performance.now() - pressed))
                .observe(status, { childList: true, characterData: true, subtree: true });
        }"""
    )
    page.locator("[role=slider]").first.focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    status.get_by_text("q = 0.350").wait_for(state="attached")
    assert "natural: in probability q = 0.440" in status.text_content()
    assert min(page.evaluate("rests")) > 500, "in the midst of a change nothing is said"


def sorted_fragment(page):
    name, query = page.url.split("#")[1].split("?")
    return f"{name}?{'&'.join(sorted(query.split('&')))}"


def test_state_in_the_fragment(opened):
    page = opened(fragment="#two-charts?q=0.6&eta=99&steps=x&mode=flow&other=1")
    assert [get(page, n) for n in ("q", "eta", "steps", "mode")] == [0.6, 10, 1, "flow"]
    page.locator("[role=slider]").first.press("ArrowRight")
    page.wait_for_function("location.hash.includes('q=0.61')")
    assert sorted_fragment(page) == (
        "two-charts?answer=shown&eta=10&mean=0.8&mode=flow&q=0.61&steps=1&view=all"
    )
    page.get_by_role("button", name="Reset").click()
    page.wait_for_function("!location.href.includes('#')")
    assert get(page, "q") == 0.3
    page.evaluate("location.hash = 'two-charts?q=0.9'")
    drawn(page)
    assert get(page, "q") == 0.9
    page = opened(fragment="#kl-balls?q=0.6")  # another demo's
    assert get(page, "q") == 0.3


def test_nothing_runs_at_rest_or_off_screen(opened):
    tall = TwoCharts().to_html().replace("</main>", '<p style="height:4000px"></p></main>')
    page = opened(page_html=tall)
    drawn(page)

    def asked(wait=500):
        before = page.evaluate("window.framesAsked")
        page.wait_for_timeout(wait)
        return page.evaluate("window.framesAsked") - before

    assert asked() == 0
    page.evaluate("scrollTo(0, 3000)")
    drawn(page)
    before = page.evaluate("window.framesAsked")
    set_q = "q => document.querySelector('figure').ngd.model.set('q', q)"
    page.evaluate(set_q, 0.55)
    page.wait_for_timeout(200)
    assert page.evaluate("window.framesAsked") == before, "off-screen nothing is drawn"
    assert "0.550" not in page.locator(".ngd-lines").text_content()
    page.evaluate("scrollTo(0, 0)")
    drawn(page)
    assert "0.550" in page.locator(".ngd-lines").text_content()
    # the counter can count: ten changes within a frame ask for one
    asked_for = page.evaluate(
        f"() => {{ const before = window.framesAsked; for (let k = 1; k < 11; k += 1)"
        f" ({set_q})(0.4 + k / 100); return window.framesAsked - before; }}"
    )
    assert asked_for == 1


def test_the_demo_is_there_before_the_page_is_painted(opened):
    """The still never flashes: the demo has taken its place when its html has been parsed."""
    seen = "<script>window.atParse = document.querySelector('figure').dataset.ready</script></main>"
    page = opened(page_html=TwoCharts().to_html().replace("</main>", seen))
    assert page.evaluate("window.atParse") is not None


def test_host_imports_what_it_cannot_run_at_once(opened):
    own = "const view = { render: ({ el }) => el.append('imported') };\nexport { view as default };"
    figure = re.sub(
        r'(class="ngd-module">).*?(</script>)',
        lambda m: m[1] + own + m[2],
        TwoCharts().to_html(),
        flags=re.S,
    )
    page = opened(page_html=figure)
    assert page.locator(".ngd-live").inner_text() == "imported"


def test_a_module_that_fails_leaves_the_still(browser, tmp_path):
    broken = TwoCharts().to_html().replace("export default ngd.demo(", "export default nothing(")
    (tmp_path / "broken.html").write_text(broken, encoding="utf-8")
    page, errors = browser.new_page(), []
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    page.goto((tmp_path / "broken.html").as_uri())
    while not errors:
        page.wait_for_timeout(50)
    after(page, 300)
    assert page.locator(".ngd-still svg").is_visible() and len(errors) == 1
    page.close()


def test_two_on_a_page(opened):
    """Each has its own state and its own fragment, and the module is loaded once."""
    second = TwoCharts(name="at-the-edge", q=0.9)
    both = TwoCharts().to_html().replace("</main>", second.figure() + "</main>")
    page = opened(page_html=both, fragment="#at-the-edge?q=0.7")
    page.wait_for_selector("#at-the-edge[data-ready]")
    assert page.evaluate(
        "() => [...document.querySelectorAll('figure')].map(f => f.ngd.model.get('q'))"
    ) == [0.3, 0.7]
    assert (
        page.evaluate(
            "() => new Set([...document.querySelectorAll('figure')].map(f => f.ngd.module)).size"
        )
        == 1
    )
    ids = page.evaluate("() => [...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))
