"""Every built page in a real Chromium: no other host, no error, no barrier, no dead link."""

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import pytest

from book.formulas import as_text, kept_together
from book.heads import join
from book.pages import FIRST_JS

ROOT = Path(__file__).resolve().parents[2]
HTML = ROOT / "_build" / "html"
PAGES = sorted(
    str(file.relative_to(HTML))
    for file in HTML.rglob("*.html")
    if "_static" not in file.parts and file.name != "webpack-macros.html"
)
AXE = ROOT / "_build" / "vendor" / "axe" / "axe.min.js"
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]


def visit(context, url: str):
    """Open a page; returns it with what it asked for and logged."""
    page, requests, errors = context.new_page(), [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(url, wait_until="load")
    return page, requests, errors


# Of what is alike a thousand times over, one is examined: of the words of code in one kind of box
# each class, of the drawings inside formulas (hidden from a screen reader) each colour, of the
# MathML inside them (hidden from the eye) each kind. Shapes of a drawing that have no name and no
# role are left out: no rule reads them, and words over them can be told from the ground.
ONE_OF_A_KIND = """() => {
    const seen = new Set();
    const again = key => seen.has(key) || !seen.add(key);
    for (const word of document.querySelectorAll(".highlight span"))
        if (again(word.className + "|" + word.closest("[class*=cell_], .highlight").className))
            word.replaceWith(...word.childNodes);
    for (const drawing of document.querySelectorAll("mjx-container > mjx-math"))
        if (again(getComputedStyle(drawing).color)) drawing.replaceChildren();
    for (const read of document.querySelectorAll("mjx-assistive-mml > math"))
        if (again(read.getAttribute("display"))) read.replaceChildren();
    for (const shape of [...document.querySelectorAll("svg :not(a, text, tspan, title)")].reverse())
        if (!shape.children.length && !shape.textContent.trim()
            && !shape.getAttributeNames().some(name => /^(role|tabindex|aria-)/.test(name)))
            shape.remove();
}"""


# Animations that move what is beside them.
SLIDES = """() => new Promise(requestAnimationFrame).then(() => document.getAnimations()
    .map(a => a.transitionProperty || a.animationName)
    .filter(name => /margin|width|left|right/.test(name)))"""


# Of words alike in colour, size, weight and ground, one element: whoever judges colours looks at
# each place on its own, and a page has thousands. What lies over something else is always judged.
ONE_OF_A_COLOUR = """() => {
    const grounds = new Map([[null, ""]]), seen = new Set();
    const ground = e => {
        if (!grounds.has(e)) {
            const s = getComputedStyle(e);
            const own = [s.backgroundColor, s.backgroundImage, s.opacity, s.filter, s.mixBlendMode];
            if (/absolute|fixed|sticky/.test(s.position)) own.push(grounds.size);
            const above = ground(e.parentElement);
            const plain = own.join() === "rgba(0, 0, 0, 0),none,1,none,normal";
            grounds.set(e, plain ? above : `${above}|${own}`);
        }
        return grounds.get(e);
    };
    const speaks = e => /^(input|textarea|select|button)$/i.test(e.tagName)
        || [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim());
    return [...document.body.querySelectorAll("*")].filter(e => {
        if (!speaks(e) || !e.checkVisibility({ visibilityProperty: true })) return false;
        const { color, fontSize, fontWeight, textShadow } = getComputedStyle(e);
        const kind = [color, fontSize, fontWeight, textShadow, ground(e)].join();
        return !seen.has(kind) && seen.add(kind);
    });
}"""


def violations(page, colours_only: bool = False) -> list[str]:
    """What axe-core finds against WCAG 2.1 A and AA, or its rule of contrast; the first of each.

    Leaves the page thinned out.
    """
    page.evaluate(AXE.read_text(encoding="utf-8"))
    page.evaluate(ONE_OF_A_KIND)
    found = page.evaluate(
        """async ([tags, chosen]) => {
            const ask = async (where, options) => (await axe.run(where,
                { ...options, resultTypes: ["violations"], selectors: false })).violations;
            const rest = tags.length && await ask(document, {
                runOnly: { type: "tag", values: tags },
                rules: { "color-contrast": { enabled: false } },
            });
            const colours = { runOnly: { type: "rule", values: ["color-contrast"] } };
            return (rest || []).concat(await ask({ include: eval(chosen)() }, colours));
        }""",
        [[] if colours_only else WCAG, ONE_OF_A_COLOUR],
    )
    return [
        f"{v['id']} ({len(v['nodes'])}x): {v['nodes'][0]['html'][:160]} -- "
        f"{v['nodes'][0]['failureSummary'][:240]}"
        for v in found
    ]


def test_there_are_pages():
    assert "chapters/index.html" in PAGES and "chapters/bernoulli.html" in PAGES


# Ids that stand twice, and scripts in attributes, which some sites forbid.
TWICE = """() => {
    const ids = [...document.querySelectorAll("[id]")].map(e => e.id);
    const calls = [...document.querySelectorAll("*")].flatMap(e => e.getAttributeNames())
        .filter(name => /^on/.test(name));
    return [...ids.filter((id, k) => ids.indexOf(id) !== k), ...calls];
}"""

# Marks that stand on another line than the formula before them.
STRANDED = """() => [...document.querySelectorAll(".bd-article mjx-container:not([display])")]
    .filter(made => {
        let node = made;
        while (!node.nextSibling && /^(span|a|em|strong)$/i.test(node.parentNode.tagName))
            node = node.parentNode;
        const next = node.nextSibling;
        if (next?.nodeType !== 3 || !/^[.,;:!?)\\]’”…-]/.test(next.data)) return false;
        const range = document.createRange();
        range.setStart(next, 0);
        range.setEnd(next, 1);
        const mark = range.getBoundingClientRect(), own = (made.closest("span.math") ?? made)
            .getBoundingClientRect(); // which scrolls where it is wider than the column
        return own.width && mark.width && mark.right < own.right - 1;
    }).map(made => made.parentNode.parentNode.textContent.slice(-80))"""

# Displayed formulas whose letters reach above or below the box that cuts them off.
CUT_OFF = """() => [...document.querySelectorAll("div.math > mjx-container")].filter(box => {
    const own = box.getBoundingClientRect();
    return own.height && [...box.querySelectorAll("mjx-c")].some(letter => {
        const { top, bottom } = letter.getBoundingClientRect();
        return top < own.top + 1 || bottom > own.bottom - 1; // strokes are wider than their boxes
    });
}).map(box => box.dataset.tex)"""


ONE_BY_ONE = """() => {
    for (const formula of document.querySelectorAll(".bd-article span.math")) {
        formula.style.fontSize = "99%";
        formula.getBoundingClientRect();
    }
}"""


def test_formulas_are_measured_together(browser):
    """As a page opens it is laid out some times, not once for each formula that is fitted."""
    page = browser.new_page()
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")

    def layouts() -> int:
        page.evaluate("new Promise(f => requestAnimationFrame(() => requestAnimationFrame(f)))")
        found = session.send("Performance.getMetrics")["metrics"]
        return next(metric["value"] for metric in found if metric["name"] == "LayoutCount")

    page.goto((HTML / "chapters" / "bernoulli.html").as_uri())
    opened = layouts()
    page.evaluate(ONE_BY_ONE)
    assert opened < 100 < layouts() - opened
    page.close()


@pytest.mark.parametrize("name", [name for name in PAGES if name != "index.html"])
def test_page(browser, name):
    """From the file system, so that nothing can depend on a server; light, dark and narrow."""
    context = browser.new_context(color_scheme="light", reduced_motion="reduce")
    page, requests, errors = visit(context, (HTML / name).as_uri())
    elsewhere = [url for url in requests if urlsplit(url).scheme not in ("file", "data", "blob")]
    assert elsewhere == [], "a page asks another host"
    assert not any("mathjax" in u and u.endswith(".js") for u in requests), "nothing to typeset"
    assert errors == []
    theme = "document.documentElement.dataset.theme"
    assert page.evaluate(theme) == "light"
    assert page.title() and page.evaluate("document.documentElement.lang") == "en"
    for tag in ('name="description"', 'property="og:title"', 'property="og:image"'):
        assert page.locator(f"meta[{tag}]").get_attribute("content")
    assert page.locator("mjx-merror").count() == 0, "a formula does not parse"
    assert page.evaluate(TWICE) == []
    assert page.evaluate(STRANDED) == [] and page.evaluate(CUT_OFF) == []
    wide_page = page.viewport_size
    page.set_viewport_size({"width": 400, "height": 800})
    assert beyond_the_edge(page) == [], "a narrow page scrolls sideways"
    assert page.evaluate(STRANDED) == []
    page.set_viewport_size(wide_page)
    assert page.evaluate(SLIDES) == [], "the page is laid out anew for frames on end"
    assert violations(page) == []
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"{theme} === 'dark'")
    assert violations(page, colours_only=True) == []  # the schemes differ in their colours only
    page.emulate_media(media="print", color_scheme="dark")
    page.wait_for_function(f"{theme} === 'light'")
    assert page.evaluate(DEAD_ON_PAPER) == []
    context.close()


# What one would press, were it not printed; and letters that are too pale for white paper.
DEAD_ON_PAPER = """() => [...document.querySelectorAll("button, summary")]
    .filter(e => e.checkVisibility({ visibilityProperty: true }) && e.clientWidth > 1)
    .map(e => e.outerHTML.slice(0, 120))
    .concat([...document.querySelectorAll(".bd-article p, .bd-article pre, .bd-article h2")]
        .filter(e => {
            const ink = getComputedStyle(e).color.match(/[\\d.]+/g).slice(0, 3).map(Number);
            return ink.reduce((a, b) => a + b) > 3 * 130;
        }).slice(0, 3).map(e => e.outerHTML.slice(0, 120)))"""


def test_the_root_leads_to_the_opening_page(browser):
    """By itself, and by a link where a browser does not follow."""
    context = browser.new_context()
    page = context.new_page()
    page.goto((HTML / "index.html").as_uri(), wait_until="commit")
    page.wait_for_url("**/chapters/index.html")
    context.close()
    root = (HTML / "index.html").read_text(encoding="utf-8")
    assert '<html lang="en">' in root and "<title>" in root and 'name="description"' in root
    assert Links(root).targets.count("chapters/index.html") == 2


def beyond_the_edge(page) -> list[str]:
    """What makes a page scroll sideways: the first elements that reach over its right edge."""
    return page.evaluate(
        "document.documentElement.scrollWidth <= innerWidth + 1 ? [] :"
        " [...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect()"
        ".right > innerWidth + 1).slice(0, 3).map(e => e.outerHTML.slice(0, 90))"
    )


def test_no_rerun_line_at_the_defaults():
    """The built pages show the default parameters, so no quoted number may be off."""
    for name in PAGES:
        text = (HTML / name).read_text(encoding="utf-8")
        assert "The text quotes" not in text, name


class Links(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.ids: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.targets += [given[k] for k in ("href", "src") if given.get(k)]
        self.ids |= {given[k] for k in ("id", "name") if given.get(k)}


def broken_links(folder: Path, names: list[str]) -> list[str]:
    """Links within the book that lead to no file, or to no place in it."""
    read = {name: Links((folder / name).read_text(encoding="utf-8")) for name in names}
    broken = []
    for name, links in read.items():
        for target in links.targets:
            if urlsplit(target).scheme or target.startswith("//"):
                continue
            path, fragment = urldefrag(urljoin("/" + name, target))
            file = unquote(urlsplit(path).path).lstrip("/") or "index.html"
            if not (folder / file).exists():
                broken.append(f"{name} -> {target}")
            elif fragment and file in read and unquote(fragment) not in read[file].ids:
                broken.append(f"{name} -> {target} (no such place)")
    return sorted(set(broken))


def test_internal_links():
    # a fragment that a demo reads (its state) starts with its name and a question mark
    broken = [b for b in broken_links(HTML, PAGES) if not re.search(r"#[\w-]+\?", b)]
    opening = (HTML / "chapters" / "index.html").read_text(encoding="utf-8")
    if '<p id="on-paper" hidden' in opening:  # the book on paper is offered once it is printed
        broken.remove("chapters/index.html -> ../natural-gradient.pdf")
    assert broken == []


def test_faults_are_found(browser, tmp_path):
    """Negative controls: an error, a request, a slide, a barrier and a dead link are each seen."""
    (tmp_path / "bad.html").write_text(
        "<style>p { transition: margin-left 2s }"
        " @media (max-width: 500px) { p { margin-left: 9px } }</style>"
        '<html><body><main class="bd-article"><p class="too-wide" style="width:600px">wide</p>'
        '<img src="missing.png"><a href="#nowhere">x</a><a href="gone.html">y</a>'
        "<div style='width:40px'>so <mjx-container style='display:inline-block;width:38px'>q"
        "</mjx-container>,</div></main>"
        "<div class='math'><mjx-container display='true' style='display:block;height:9px'>"
        "<mjx-c style='display:block;height:12px'>T</mjx-c></mjx-container></div>"
        "<b id='twice' onclick=''></b><i id='twice'></i><button>dead</button>"
        "<div class='highlight'><span class='a'>one</span> <span class='a'>two</span>"
        "<span class='b' style='color:#eee'>pale</span></div>"
        "<i>as it should be</i><i>again</i><b style='background:#555'><i>on dark ground</i></b>"
        "<script>console.error('seen')</script></body></html>"
    )
    context = browser.new_context()
    page, requests, errors = visit(context, (tmp_path / "bad.html").as_uri())
    assert any("seen" in error for error in errors)
    assert any("missing.png" in request for request in requests)
    page.set_viewport_size({"width": 400, "height": 800})
    assert any("too-wide" in element for element in beyond_the_edge(page))
    assert page.evaluate(SLIDES) == ["margin-left"]
    assert page.evaluate(TWICE) == ["twice", "onclick"]
    assert len(page.evaluate(DEAD_ON_PAPER)) == 1
    assert len(page.evaluate(STRANDED)) == len(page.evaluate(CUT_OFF)) == 1
    found = violations(page)
    assert any("image-alt" in violation for violation in found)
    assert any("color-contrast (2x)" in violation and "pale" in violation for violation in found)
    context.close()
    assert len(broken_links(tmp_path, ["bad.html"])) == 3


def test_search_index_is_local():
    """The search box works from the book's own index."""
    text = (HTML / "searchindex.js").read_text(encoding="utf-8")
    assert text.startswith("Search.setIndex(")
    assert "fisher" in json.dumps(text).lower()


NO_STORE = """for (const name of ["localStorage", "sessionStorage"])
    Object.defineProperty(window, name, { configurable: true,
        get() { throw new DOMException("denied", "SecurityError"); } });"""


def strict(route) -> None:
    """Sends a page with a policy that allows it no scripts but the site's files."""
    answer = route.fetch()
    policy = {"content-security-policy": "script-src 'self'"}
    route.fulfill(response=answer, headers={**answer.headers, **policy})


@pytest.mark.parametrize("scheme", ["file", "http", "strict"])
def test_what_the_theme_offers_works(browser, served, tmp_path, scheme):
    """Search, colour schemes, sidebars, copying, folded code, icons, the full screen; from a file,
    from a site, and from one whose policy and whose reader allow it neither scripts in its pages
    nor data that it keeps."""
    (tmp_path / "book").symlink_to(HTML)
    base = HTML.as_uri() if scheme == "file" else f"{served}/book"
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    if scheme == "strict":
        context.add_init_script(NO_STORE)
        context.route("**/*.html*", strict)
    page, _, errors = visit(context, f"{base}/chapters/bernoulli.html")
    page.wait_for_selector("svg.fa-magnifying-glass", state="attached")
    assert page.locator("i[class*='fa-']").count() == 0, "an icon is not drawn"

    switch, mode = page.locator(".theme-switch-button:visible"), "document.documentElement.dataset"
    seen = set()
    for _ in range(3):
        switch.first.click()
        seen.add(page.evaluate(f"{mode}.mode"))
        assert page.evaluate(f"{mode}.theme") in ("light", "dark")
    assert seen == {"auto", "light", "dark"}

    sidebar = page.locator("#pst-primary-sidebar")
    for width in (975, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        for shown in (False, True):
            page.locator(".primary-toggle:visible").first.click()
            assert sidebar.is_visible() is shown
            assert page.locator("dialog:visible").count() == 0

    fold = page.locator("details.ngd-code").first
    fold.locator("summary").click()
    code = fold.locator(".highlight").first
    assert code.is_visible()
    code.hover()
    button = code.locator("button.copybtn")
    button.evaluate(  # it says so for two seconds
        """button => { window.succeeded = new Promise(done =>
            new MutationObserver(() => button.classList.contains('success') && done(true))
                .observe(button, { attributes: true })); }"""
    )
    button.click()
    assert page.evaluate("succeeded")
    assert page.evaluate("document.activeElement.className").startswith("copybtn")
    copied = page.evaluate(COPIED, ".bd-article section > p:has(mjx-container)")
    assert "$q = 0.2$. You toss" in copied and "\u2062" not in copied

    page.locator("button[data-ngd-press=full-screen]:visible").first.click()
    page.wait_for_selector(":fullscreen")
    page.evaluate("document.exitFullscreen()")

    page.keyboard.press("Control+k")
    page.locator("#pst-search-dialog input[name=q]").fill("entropy")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=entropy*")
    page.wait_for_selector("#search-results li a")
    if scheme == "http":
        page.wait_for_selector("#search-results li p.context")
        for shown in page.locator("#search-results li p.context").all_inner_texts():
            assert "entrop" in shown.lower(), "its stem is entropi"
        page.goto(f"{base}/search.html?q=Kullback")
        page.wait_for_selector("#search-results li a[href*=key-terms]")
        page.wait_for_function(
            "[...document.querySelectorAll('#search-results .context')]"
            ".some(e => /Kullback.Leibler divergence/.test(e.innerText))"
        )
    # an icon of the site, and from the file system the summaries of what is found, may be missing;
    # a demo needs a script of its own, and is a picture where there may be none
    allowed = ["Failed to", "Access to fetch"]
    allowed += ["Executing inline", "EvalError"] if scheme == "strict" else []
    assert [e for e in errors if not e.startswith(tuple(allowed))] == []
    context.unroute_all(behavior="ignoreErrors")  # a page that was left may still be on its way
    context.close()


# What a reader copies of a place; null where the browser does not let a script copy just now.
COPIED = """place => new Promise(done => {
    const range = document.createRange();
    range.selectNodeContents(document.querySelector(place));
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    addEventListener("copy", e => done(e.clipboardData.getData("text/plain")), { once: true });
    document.execCommand("copy") || done(null);
})"""


def test_lists_of_the_search_show_formulas_as_text():
    text = (HTML / "searchindex.js").read_text(encoding="utf-8")
    index = json.loads(text.removeprefix("Search.setIndex(")[:-1])
    titles = [*index["titles"], *index["alltitles"]]
    assert len(titles) > 50 and [t for t in titles if re.search(r"[\\{}$^]", t)] == []
    for tex, plain in {
        r"Why not simply \int(p-r)^2?": "Why not simply ∫(p−r)²?",
        r"F^{-1}\nabla L": "F⁻¹∇L",
        r"\theta_{ij}, K-FAC and log-odds": "θᵢⱼ, K-FAC and log-odds",
        r"\tfrac12 v^\top F v": "1/2 vᵀF v",
    }.items():
        assert as_text(tex) == plain


def test_a_mark_is_kept_with_the_formula_before_it():
    made = "<mjx-container><i></i></mjx-container>"
    kept = f'<span class="ngd-kept">(<span class="math">{made}</span>),</span> x'
    assert kept_together(f'(<span class="math">{made}</span>), x') == kept
    link = f'<a href="#"><span class="math">{made}</span></a>'
    assert kept_together(f"a {link}.") == f'a <span class="ngd-kept">{link}.</span>'
    for alone in (made, f"{made} x", f"<em>x {made}</em>, y"):
        assert kept_together(alone) == alone


def test_one_style_sheet_and_few_scripts():
    """All pages share one style sheet; a script that stops the page's body from being read is the
    host of the demos, or none. What they ask for is there."""
    for name in PAGES:
        head = (HTML / name).read_text(encoding="utf-8").partition("</head>")[0]
        if name != "index.html":
            assert len(re.findall(r'rel="stylesheet"', head)) == 1, name
            stops = re.findall(r'<script(?![^>]*\bdefer)[^>]* src="([^"?]+)', head)
            assert [Path(s).name for s in stops] == ["first.js"], name
            assert re.findall(r"<script(?![^>]*\bsrc=)", head) == [], name
    css = (HTML / "_static" / "book.css").read_text(encoding="utf-8")
    asked = [
        u for u in re.findall(r"url\(\"?([^)\"']+)", css) if not u.startswith(("data:", "%23", "#"))
    ]
    assert asked and [u for u in asked if not (HTML / "_static" / u).exists()] == []


def test_a_build_that_writes_no_page_leaves_the_joined_files(tmp_path):
    folder = tmp_path / "html"
    shutil.copytree(HTML, folder, ignore=shutil.ignore_patterns("vendor", "_sources"))
    for _ in range(2):
        join(folder, FIRST_JS.read_text(encoding="utf-8"))
    for name in ("_static/book.css", "_static/book.js", "chapters/bernoulli.html"):
        assert (folder / name).read_bytes() == (HTML / name).read_bytes(), name
