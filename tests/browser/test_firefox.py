"""The book in Firefox: pages, demos, search, copying, print and the faces; one window for all."""

import json

import pytest

from tests.browser.firefox import Firefox
from tests.browser.test_pages import HTML, STRANDED, TWICE

CHAPTERS = sorted(
    file.stem
    for file in (HTML / "chapters").glob("*.html")
    if '<figure class="ngd-demo' in file.read_text(encoding="utf-8")
)


@pytest.fixture(scope="module")
def firefox(tmp_path_factory):
    with Firefox(tmp_path_factory.mktemp("firefox")) as firefox:
        yield firefox


# Firefox says this of a formula that it draws before it has read the whole of it, and then draws it
# again. So the page as read counts.
HALF_READ = "Invalid markup: Incorrect number of children"
CHILDREN = """
    Object.entries({ 2: "msub, msup, mfrac, mroot, munder, mover", 3: "msubsup, munderover" })
        .flatMap(([n, names]) => [...document.querySelectorAll(names)]
            .filter(e => e.children.length != n)).map(e => e.outerHTML.slice(0, 200))"""


READY = """new Promise((done, failed) => {
    const late = performance.now() + 60000;
    const look = () => {
        const waiting = document.querySelector("figure.ngd-demo:not([data-ready])");
        if (!waiting) return document.fonts.ready.then(() => done(0));
        if (performance.now() > late) return failed(new Error(`${waiting.id} did not start`));
        setTimeout(look, 20);
    };
    look();
})"""


def settled(firefox) -> None:
    """Its demos have started and its faces are there."""
    firefox.run(READY)


def test_every_chapter_with_a_demo(firefox):
    """Its demos start, its faces come, nothing is an error, at 1280 and at 400 px."""
    assert len(CHAPTERS) >= 3
    for name in CHAPTERS:
        firefox.open((HTML / "chapters" / f"{name}.html").as_uri(), 400, 800)
        settled(firefox)
        assert [e for e in firefox.errors if not e.startswith(HALF_READ)] == [], name
        assert firefox.run(CHILDREN) == [], name
        assert firefox.run("document.documentElement.scrollWidth") <= 401, name
        assert firefox.run("document.querySelector('figure.ngd-demo').dataset.ready"), name
        loaded = "[...document.fonts].filter(f => f.status === 'loaded').map(f => f.family).join()"
        assert "Inter" in firefox.run(loaded) and "Source Serif 4" in firefox.run(loaded), name
        assert firefox.run(f"({TWICE})()") == [] and firefox.run(f"({STRANDED})()") == [], name


STATE = """(() => { const { model } = document.querySelector("figure.ngd-demo").ngd;
    return model.get("q") })()"""


@pytest.mark.parametrize("kind", ["mouse", "touch"])
def test_a_handle_is_dragged(firefox, kind):
    firefox.open((HTML / "chapters" / "bernoulli.html").as_uri())
    settled(firefox)
    place = """(() => { const grip = document.querySelector(".ngd-handle[role=slider] .ngd-grip");
        grip.scrollIntoView({ block: "center" });
        const { x, y, width, height } = grip.getBoundingClientRect();
        return [Math.round(x + width / 2), Math.round(y + height / 2)] })()"""
    x, y = firefox.run(place)
    was, start = firefox.run(STATE), firefox.run("scrollY")
    move = [{"type": "pointerMove", "x": x + 8 * k, "y": y + 3 * k} for k in range(8)]
    down, up = ({"type": f"pointer{what}", "button": 0} for what in ("Down", "Up"))
    firefox.act(kind, move[0], down, *move[1:], up)
    assert abs(firefox.run(STATE) - was) > 0.05
    assert firefox.run("scrollY") == start


SELECTED = """place => {
    const range = document.createRange();
    range.selectNodeContents(document.querySelector(place));
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    addEventListener("copy", e => { window.copied = e.clipboardData.getData("text/plain") });
    return 0;
}"""


def test_what_a_page_offers(firefox, served, tmp_path):
    """Copying gives TeX, print is light, the search shows where the words are."""
    (tmp_path / "book").symlink_to(HTML)
    firefox.open(f"{served}/book/chapters/bernoulli.html")
    settled(firefox)
    place = json.dumps(".bd-article section > p:has(mjx-container)")
    firefox.run(f"({SELECTED})({place})")
    key = [{"type": what, "value": k} for what in ("keyDown", "keyUp") for k in ("\ue009", "c")]
    firefox.act("key", *key)  # Control and c
    copied = firefox.run("window.copied")
    assert "$q = 0.2$. You toss" in copied
    theme = "document.documentElement.dataset.theme"
    firefox.run(f"{theme} = 'dark'")
    for event, shown in (("beforeprint", "light"), ("afterprint", "dark")):
        firefox.run(f"dispatchEvent(new Event('{event}'))")
        assert firefox.run(theme) == shown
    firefox.open(f"{served}/book/search.html?q=entropy")
    shown = firefox.run("""new Promise(done => {
        const look = () => {
            const all = [...document.querySelectorAll("#search-results p.context")];
            all.length > 1 ? done(all.map(e => e.innerText)) : setTimeout(look, 50);
        };
        look();
    })""")
    assert all("entrop" in text.lower() for text in shown)
    assert firefox.errors == []
