"""The book in Firefox: pages, demos, search, copying, print and the faces; one window for all."""

import json

import pytest

from tests.browser.firefox import Firefox
from tests.browser.test_pages import COPIED, HTML, STRANDED, TWICE

CHAPTERS = sorted(
    file.stem
    for file in (HTML / "chapters").glob("*.html")
    if '<figure class="ngd-demo' in file.read_text(encoding="utf-8")
)


@pytest.fixture(scope="module")
def firefox(tmp_path_factory):
    with Firefox(tmp_path_factory.mktemp("firefox")) as firefox:
        yield firefox


def settled(firefox) -> None:
    firefox.run("document.fonts.ready.then(() => 0)")


def test_every_chapter_with_a_demo(firefox):
    """Its demos start, its faces come, nothing is an error, at 1280 and at 400 px."""
    assert len(CHAPTERS) >= 3
    for name in CHAPTERS:
        firefox.open((HTML / "chapters" / f"{name}.html").as_uri(), 400, 800)
        settled(firefox)
        assert firefox.errors == [], name
        assert firefox.run("document.documentElement.scrollWidth") <= 401, name
        demos = "[...document.querySelectorAll('figure.ngd-demo')]"
        assert firefox.run(f"{demos}.every(f => f.dataset.ready)"), name
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


def test_what_a_page_offers(firefox, served, tmp_path):
    """Copying gives TeX, print is light, the search shows where the words are."""
    (tmp_path / "book").symlink_to(HTML)
    firefox.open(f"{served}/book/chapters/bernoulli.html")
    settled(firefox)
    copied = firefox.run(f"({COPIED})({json.dumps('.bd-article section > p:has(mjx-container)')})")
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
