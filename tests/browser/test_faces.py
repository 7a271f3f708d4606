"""One type on every machine: the faces come with the book, and nothing moves when they come."""

import re

import pytest
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextToPath

from ngdlib.plots import FACE
from tests.browser.test_pages import HTML, visit

CHAPTER = "chapters/bernoulli.html"
FACES = HTML / "_static" / "vendor" / "faces"
SHOWN = {  # a place, and the faces that its letters may be in
    ".bd-article section > p": {"Source Serif 4"},
    ".bd-article section > p strong": {"Source Serif 4"},
    ".bd-article section > p em": {"Source Serif 4"},
    ".bd-article h1": {"Inter"},
    ".bd-article h2": {"Inter"},
    ".bd-article figcaption": {"Inter"},
    ".ngd-stage text": {"Inter", "Inter SemiBold"},
    ".ngd-button": {"Inter", "Inter SemiBold"},
    ".ngd-figure svg text": {"Inter"},
    ".bd-sidebar-primary li a": {"Inter"},
}


def drawn_in(page, place: str) -> set[str]:
    """The faces that the letters of the first such element are drawn in, as the browser says."""
    cdp = page.context.new_cdp_session(page)
    for domain in ("DOM", "CSS"):
        cdp.send(f"{domain}.enable")
    root = cdp.send("DOM.getDocument")["root"]["nodeId"]
    node = cdp.send("DOM.querySelector", {"nodeId": root, "selector": place})["nodeId"]
    used = cdp.send("CSS.getPlatformFontsForNode", {"nodeId": node})["fonts"]
    cdp.detach()
    return {font["familyName"] for font in used if font["isCustomFont"]} | {
        f"the machine's {font['familyName']}" for font in used if not font["isCustomFont"]
    }


def test_text_is_shown_in_the_faces_of_the_book_and_figures_are_laid_out_in_theirs(browser):
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page, requests, errors = visit(context, (HTML / CHAPTER).as_uri())
    page.evaluate("document.fonts.ready.then(() => 0)")
    assert errors == []
    came = {url.rpartition("/")[2] for url in requests if "/faces/" in url}
    assert {"inter-regular.woff2", "source-serif-4-latin-400-normal.woff2"} <= came
    for place, faces in SHOWN.items():
        page.evaluate("place => document.querySelector(place).scrollIntoView()", place)
        used = drawn_in(page, place)
        assert used and {re.sub(" MJX.*", "", f) for f in used if "MJX" not in f} <= faces, place
    other = "<p id='other' style='font-family: monospace'>code</p>"
    page.evaluate("text => document.body.insertAdjacentHTML('beforeend', text)", other)
    assert "the machine's" in str(drawn_in(page, "#other"))  # negative control

    page.evaluate("document.documentElement.removeAttribute('data-ngd-settled')")
    texts = page.evaluate(
        """() => [...document.querySelectorAll(".ngd-figure .ngd-scroll svg text")]
            .filter(t => !t.children.length && t.textContent.trim().length > 3)
            .map(t => [t.textContent, parseFloat(getComputedStyle(t).fontSize),
                getComputedStyle(t).fontWeight, t.getComputedTextLength()])"""
    )
    assert len(texts) > 10 and FACE == "Inter"
    measure = TextToPath().get_text_width_height_descent
    for text, size, weight, width in texts:
        if all(ord(c) < 0x250 or 0x370 <= ord(c) < 0x400 for c in text):
            told = FontProperties(family="Inter", size=size, weight=int(weight))
            laid_out = measure(text, told, False)[0]
            assert laid_out == pytest.approx(width, rel=0.02, abs=0.5), text
    text, size, _, width = max(texts, key=lambda t: t[3])
    other = measure(text, FontProperties(family="DejaVu Sans", size=size), False)[0]
    assert other > 1.05 * width  # negative control
    context.close()


def test_the_faces_are_light_and_carry_their_licences():
    files = list(FACES.glob("*.woff2"))
    assert len(files) == 9 and sum(file.stat().st_size for file in files) <= 190_000
    assert not list(FACES.glob("*.ttf"))
    for name in ("inter-LICENSE.txt", "source-serif-4-LICENSE.txt"):
        text = (FACES / name).read_text(encoding="utf-8")
        assert "SIL OPEN FONT LICENSE" in text.upper()


SHIFTS = """() => {
    const root = () => document.documentElement.dataset, found = [];
    let settled = Infinity; // then nothing moves
    new MutationObserver(() => { if ("ngdSettled" in root()) settled = performance.now(); })
        .observe(document, { subtree: true, attributeFilter: ["data-ngd-settled"] });
    const note = shifts => found.push(...shifts);
    const observer = new PerformanceObserver(list => note(list.getEntries()));
    observer.observe({ type: "layout-shift", buffered: true });
    window.moved = () => {
        note(observer.takeRecords()); // a busy page is told of them late
        return found.reduce((sum, e) => sum + (e.startTime < settled ? e.value : 0), 0);
    };
}"""


@pytest.mark.parametrize("stand_in", ["as it is", "unmeasured"])
def test_a_page_is_painted_before_its_faces_come_and_stays(browser, served, tmp_path, stand_in):
    """Negative control: with stand-ins as the machine has them it would move."""
    (tmp_path / "book").symlink_to(HTML)
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page, held, holding = context.new_page(), [], True
    page.add_init_script(f"({SHIFTS})()")
    page.route("**/*.woff2", lambda route: held.append(route) if holding else route.continue_())
    if stand_in == "unmeasured":
        css = re.sub(r"size-adjust:[^;]*;", "", (HTML / "_static" / "book.css").read_text("utf-8"))
        page.route("**/book.css*", lambda route: route.fulfill(body=css, content_type="text/css"))
    page.goto(f"{served}/book/{CHAPTER}", wait_until="domcontentloaded")
    page.wait_for_function("() => performance.getEntriesByName('first-contentful-paint').length")
    assert any("source-serif" in route.request.url for route in held), "asked for early"
    page.wait_for_function("document.querySelector('figure[data-ready]')")
    assert "the machine's" in str(drawn_in(page, ".bd-article h1")), "painted in a stand-in"
    holding = False
    for route in held:
        route.continue_()
    page.wait_for_function("document.fonts.status === 'loaded'")
    page.evaluate("new Promise(f => requestAnimationFrame(() => requestAnimationFrame(f)))")
    assert drawn_in(page, ".bd-article h1") == {"Inter"}
    total = page.evaluate("moved()")
    assert total < 0.01 if stand_in == "as it is" else total > 0.02, total
    context.close()
