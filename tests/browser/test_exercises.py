"""The exercises as a reader meets them, in a real browser: verdicts, hints, variants, progress."""

import json
import re
import shutil

import pytest

from book.formulas import typeset
from book.scripts import exercises_script
from ngdlib.exercises.judging.items import draw
from ngdlib.exercises.page.boxes import boxes, progress
from ngdlib.exercises.sets.files import load, public
from ngdlib.style import tokens_css
from tests.browser.drawing import after
from tests.conftest import ROOT

VENDOR = ROOT / "_build" / "vendor"
KEY = "ngd-exercises-1"
MORE = """
- id: order
  kind: derivation
  points: 2
  objective: fisher
  title: In order
  prompt: Put the lines in order.
  mode: order
  derivation: bernoulli.score_and_fisher
  steps:
  - {id: s1, tex: "a < b", because: given}
  - {id: s2, tex: "b = c", because: the *definition*}
  - {id: s3, tex: "a < c", because: so}
  distractors:
  - {id: d1, tex: "a > c", because: so, feedback: It points the other way.}
  partial: {incomplete: 0.5}
  hints: []
  solution: First the first.
- id: several
  kind: choice
  points: 1
  objective: story
  title: Several
  prompt: Which hold?
  options:
  - {id: one, text: $1 < 2$, right: true, feedback: "It does: $1<2$."}
  - {id: two, text: $2 < 1$, feedback: The *other* way round.}
  - {id: three, text: $2 < 3$, right: true, feedback: It does too.}
  hints: []
  solution: The first and the third.
- id: vector
  kind: matrix
  points: 1
  objective: step
  title: A vector
  prompt: Double and halve $q$.
  vars: {q: [0, 1]}
  answer: [2*q, q/2]
  mistakes:
  - {id: halved, match: [q/2, 2*q], feedback: The other way round.}
  - {id: same, match: [q, q], feedback: Neither.}
  - {id: squares, match: [q^2, sqrt(q)], feedback: Those are powers.}
  hints: []
  solution: $(2q, q/2)$.
- id: blanks
  kind: derivation
  points: 2
  objective: fisher
  title: Blanks
  prompt: Fill in.
  mode: fill
  derivation: bernoulli.score_and_fisher
  steps:
  - {id: s1, step: 1}
  - {id: s2, step: 2}
  vars: {q: [0, 1]}
  blanks:
  - {id: b1, label: Blank 1, prompt: "$q+q=$", answer: 2*q, mistakes:
     [{id: one, match: q, feedback: "One $q$ is missing."}]}
  - {id: b2, label: Blank 2, prompt: "$q q=$", answer: q^2, mistakes:
     [{id: sum, match: 2*q, feedback: That is the sum.}]}
  - {id: b3, label: Blank 3, prompt: "$q-q=$", answer: "0", mistakes:
     [{id: same, match: q, feedback: Subtract it.}]}
  - {id: b4, label: Blank 4, prompt: "$q/q=$", answer: "1", mistakes:
     [{id: same, match: q, feedback: Divide by it.}]}
  hints: []
  solution: $2q, q^2, 0, 1$.
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a set of every kind and pages: its boxes typeset ("sample"), its boxes with the
    formulas left as they are, which is ready at once ("plain"), and the table of progress."""
    made = tmp_path_factory.mktemp("exercises")
    sample = (ROOT / "tests" / "exercise_sets" / "sample.yml").read_text(encoding="utf-8")
    (made / "sample.yml").write_text(sample + MORE, encoding="utf-8")
    static = made / "_static"
    (static / "vendor").mkdir(parents=True)
    (static / "vendor" / "mathjax").symlink_to(VENDOR / "mathjax")
    (static / "exercises.js").write_text(exercises_script(), encoding="utf-8")
    demos = ROOT / "ngdlib" / "demos"
    shutil.copy(demos / "host.js", static)
    sheets = [demos / "demo.css", ROOT / "ngdlib" / "exercises" / "page" / "page.css"]
    styles = tokens_css() + "".join(sheet.read_text(encoding="utf-8") for sheet in sheets)
    (made / "empty.html").write_text("<title>empty</title>", encoding="utf-8")
    plain = (
        "body{margin:1rem;background:var(--ngd-ground);color:var(--ngd-ink)}a{color:inherit}"
        ".output.text_html{overflow-x:auto}"  # as in the book
    )
    for name, shown, more in (
        ("sample", boxes("sample", made), ""),
        ("progress", progress("sample", folder=made), ""),
        ("plain", boxes("sample", made), "<script>window.ngdTypeset = async () => {}</script>"),
    ):
        if name == "plain":
            typeset(made, ROOT / "_build" / "formulas")
        (made / f"{name}.html").write_text(
            '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f'<link rel="icon" href="data:,"><title>{name}</title><style>{styles}{plain}</style>'
            '<link rel="stylesheet" href="_static/formulas.css">'
            '<script src="_static/host.js"></script>'
            f'{more}<script defer src="_static/exercises.js"></script></head>'
            f'<body><main class="tex2jax_ignore mathjax_ignore"><h1>{name}</h1><h2>Check</h2>'
            '<div class="cell_output"><div class="output text_html">'
            f"{shown.text}</div></div></main></body></html>\n",
            encoding="utf-8",
        )
    return made


SIZE = {"width": 900, "height": 900}


@pytest.fixture(scope="module")
def tab(browser):
    """One tab for all tests: a new one takes longer than most of them. Nothing moves smoothly, so
    that nothing has to be waited for."""
    context = browser.new_context(reduced_motion="reduce", viewport=SIZE)
    complaints = []
    yield listened(context.new_page(), complaints), complaints
    context.close()


def listened(page, complaints):
    """The page; what it complains of, and what it fetches from elsewhere, is written down."""
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "request",
        lambda r: None if r.url.startswith(("file:", "blob:")) else complaints.append(r.url),
    )
    return page


@pytest.fixture
def opened(tab, folder):
    """Opens a page from the file system; at the end no error and no request elsewhere is let by.
    beside: a page, to which another tab with the same storage is opened."""
    (first, complaints), others = tab, []

    def open_(name="plain", beside=None, context=None):
        page = first
        if beside or context:
            page = listened((context or beside.context).new_page(), complaints)
            others.append(page)
        page.goto((folder / f"{name}.html").as_uri())
        settle(page)
        return page

    yield open_
    for page in others:
        page.close()
    first.goto((folder / "empty.html").as_uri())  # no page keeps what was typed after the clearing
    first.evaluate("() => localStorage.clear()")
    first.emulate_media(media="null", color_scheme="null")
    first.set_viewport_size(SIZE)
    said, complaints[:] = list(complaints), []
    assert said == []


def settle(page):
    """Waits until what a page shows at its start is typeset."""
    page.wait_for_function("() => !document.querySelector('.ngd-draft')")


def item(page, name):
    return page.locator(f"#exercise-sample-{name}")


def verdict(page, name):
    """What the live region says, once its formulas are typeset."""
    page.wait_for_function("() => !document.querySelector('.ngd-draft')")
    return item(page, name).locator(".ngd-says").inner_text()


def answer(page, name, *texts):
    """What is said to these texts. They are put into the boxes at once; typing, tabbing and
    clicking have tests of their own."""
    return item(page, name).evaluate(
        """async (item, texts) => {
          const boxes = [...item.querySelectorAll('[type=text]')];
          if (boxes.length !== texts.length) throw Error('as many texts as boxes');
          boxes.forEach((box, k) => {
            box.value = texts[k];
            box.dispatchEvent(new Event('input', { bubbles: true }));
          });
          item.querySelector('.ngd-check').click();
          const drafts = () => document.querySelector('.ngd-draft');
          while (drafts()) await new Promise(done => setTimeout(done, 5));
          return item.querySelector('.ngd-says').innerText;
        }""",
        texts,
    )


def choose(page, name, *letters):
    for box in item(page, name).locator(".ngd-options li").all():
        if (box.locator("b").inner_text() in letters) != box.locator("input").is_checked():
            box.locator("input").click()
    item(page, name).get_by_role("button", name="Check").click()
    return verdict(page, name)


def worth(page, name):
    return item(page, name).locator(".ngd-worth").inner_text()


def total(page):
    return page.locator(".ngd-sum").first.inner_text()


def stored(page):
    return json.loads(page.evaluate("k => localStorage.getItem(k)", KEY) or '{"items": {}}')


def counted(page):
    """What is stored of each item, but for what is only typed: that is kept a little after it."""
    entries = {
        key: {part: value for part, value in entry.items() if part not in ("draft", "variant")}
        for key, entry in stored(page)["items"].items()
    }
    return {key: entry for key, entry in entries.items() if any(entry.values())}


def violations(page, where="html"):
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate((VENDOR / "axe" / "axe.min.js").read_text(encoding="utf-8"))
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
    options = {"runOnly": {"type": "tag", "values": tags}, "resultTypes": ["violations"]}
    options["preload"] = False  # style sheets, which it may not read from the file system
    found = page.evaluate(
        "([where, options]) => axe.run(where, options).then(r => r.violations)", [where, options]
    )
    return [f"{v['id']}: {v['nodes'][0]['html'][:200]}" for v in found]


# --- verdicts -------------------------------------------------------------------------------------


TYPED = {
    "fisher-q": [
        (["q(1-q)"], "◐ Partly right. 0.5 of 2 points. That is the variance"),
        (["1/q"], "✗ Not yet. You averaged over heads only."),
        (["q+1"], "✗ Not yet. As \\(q \\to 0\\) the answer grows without bound"),  # where it fails
        (["-1/(q(1-q))"], "✗ Not yet. The sign is the wrong way round. At q = "),
        (["1/2q"], "? I cannot read this yet. This can be read in two ways"),
        ([""], "? I cannot read this yet. Nothing is written yet."),
        (["1/q+1/(1-q)"], "✓ Correct. 2 of 2 points."),
        ([r"\frac{1}{q(1-q)}"], "✓ Correct. 2 of 2 points."),
    ],
    "fit": [
        (["-m ln q - (1-m) ln(1-q)"], "? I cannot read this yet. Write ln(q), with"),
        (["7m -m*ln(q) - (1-m)*ln(1-q)"], "✓ Correct. 1 of 1 point."),
    ],
    "lands": [
        (["q"], "? I cannot read this yet. A number is asked, without letters or units."),
        (["0.5"], "✗ Not yet. Try the hint."),
        (["0.65"], "✓ Correct. 1 of 1 point. Exactly: 0.5 − 0.5·(0.5 − 0.8)."),
    ],
    "gaussian": [
        (
            ["1/sigma^2", "0", "0", "1/(2sigma^4)"],
            "◐ Partly right. 1 of 2 points. That is the chart (μ, σ²).",
        ),
        (
            ["1/sigma^2", "1", "0", "2/sigma^2"],
            "◐ Partly right. 1.33 of 2 points. All entries but one are right.",
        ),
        (["1/sigma^2", "0", "(", "1"], "? I cannot read this yet. In row 2, column 1: "),
        (["1/σ²", "0", "0", "2/sigma^2"], "✓ Correct. 2 of 2 points."),
    ],
    "vector": [
        (["q/2", "2q"], "✗ Not yet. The other way round."),
        (["2q", "q/2"], "✓ Correct. 1 of 1 point."),
    ],
    "score": [
        (["1/(1-q)"], "✗ Not yet. The score of tails: The inner derivative of"),
        (["1/("], "? I cannot read this yet. In The score of tails: The formula ends too early."),
        (["1"], "✗ Not yet. The score of tails: As \\(q \\to 0\\) the answer goes to −1"),
        (["-1/(1-q)"], "✓ Correct. 2 of 2 points."),
    ],
}


@pytest.mark.parametrize("name", TYPED)
def test_typed_answers(opened, name):
    page = opened()
    for texts, said in TYPED[name]:
        before = counted(page)
        assert answer(page, name, *texts).startswith(said)
        unread = said.startswith("?")
        assert counted(page) == before if unread else f"sample.{name}" in counted(page)
    page.reload()  # the best answer comes back, not the last
    best = TYPED[name][-1][0]
    assert answer(page, name, *best).startswith("✓")
    answer(page, name, *["1"] * len(best))
    page.reload()
    assert [box.input_value() for box in item(page, name).locator("[type=text]").all()] == best


def test_chosen_answers(opened):
    page = opened("sample")
    assert "Nothing is chosen yet." in choose(page, "invariant")
    assert "Not yet. It pulls back with the Jacobian." in choose(page, "invariant", "A")
    assert choose(page, "invariant", "B").startswith("✓ Correct. 1 of 1 point.")
    assert explained(page, "invariant") == [
        "A ✗ wrong It pulls back with the Jacobian.",
        "B ✓ right Its tangent is a vector of the manifold.",
        "C ✗ wrong Only to first order in η: a straight line in one chart is bent in another.",
    ]
    assert "Not yet. Right so far, but there is more" in choose(page, "several", "A")
    said = choose(page, "several", "A", "B")
    assert said.startswith("✗ Not yet. Of your 2 choices 1 is wrong, and there is more to choose.")
    assert explained(page, "several") == ["B ✗ wrong The other way round."]
    assert page.locator(".ngd-says em").inner_text() == "other"
    # all of them at once: the wrong one is explained, and how many are wrong
    said = choose(page, "several", "A", "B", "C")
    assert said.startswith("✗ Not yet. Of your 3 choices 1 is wrong.")
    assert explained(page, "several") == ["B ✗ wrong The other way round."]
    assert choose(page, "several", "A", "C").startswith("✓ Correct. 1 of 1 point.")
    assert [row[:9] for row in explained(page, "several")] == [
        "A ✓ right",
        "B ✗ wrong",
        "C ✓ right",
    ]
    assert page.locator("#exercise-sample-several .ngd-says mjx-container").count() == 1  # typeset


def explained(page, name):
    rows = item(page, name).locator(".ngd-says li").all_inner_texts()
    return [" ".join(row.split()) for row in rows]


def test_lines_are_put_in_order_by_keyboard(opened):
    page = opened()
    box = item(page, "order")
    letters = {
        line.get_attribute("data-line"): line.get_attribute("data-letter")
        for line in box.locator("[data-line]").all()
    }
    assert "No step is placed yet." in press(page, box, "Check")
    add = {step: f"Add line {letter} to the derivation" for step, letter in letters.items()}
    first = press(page, box, add["s2"], "Check")
    assert "The first line is not where the derivation starts." in first
    assert press(page, box, f"Take line {letters['s2']} out") == ""  # what was said goes
    assert "1 of 3 steps" in press(page, box, add["s1"], "Check")
    assert "Partly right. 1 of 2 points. Right so far" in verdict(page, "order")
    said = press(page, box, add["d1"], "Check")
    assert "Partly right. 0.67 of 2 points. It points the other way." in said  # one line of three
    press(page, box, f"Take line {letters['d1']} out", add["s3"], add["s2"])
    moved = box.locator(".ngd-sr[role=status]")
    assert moved.inner_text() == f"Line {letters['s2']} is now step 3 of 3."
    assert "Step 1 is right. Step 2 does not follow" in press(page, box, "Check")
    up = box.get_by_role("button", name=f"Move line {letters['s2']} up")
    up.focus()
    page.keyboard.press("ArrowUp")
    assert moved.inner_text() == f"Line {letters['s2']} is now step 2 of 3."
    assert up.evaluate("b => b === document.activeElement")
    assert "Correct. 2 of 2 points." in press(page, box, "Check")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("ArrowDown")  # the last line, which is s3, stays where it is
    assert moved.inner_text() == f"Line {letters['s3']} is now step 3 of 3."
    page.reload()
    settle(page)
    placed = box.locator(".ngd-placed [data-line]").all()
    assert [line.get_attribute("data-line") for line in placed] == ["s1", "s2", "s3"]


def press(page, box, *names):
    for name in names:
        box.get_by_role("button", name=name).focus()
        page.keyboard.press("Enter")
    page.wait_for_function("() => !document.querySelector('.ngd-draft')")
    return box.locator(".ngd-says").inner_text()


def test_the_caret_shows_and_says_where(opened):
    page = opened()
    box = item(page, "fisher-q")
    typed = box.locator("input")
    typed.fill("1/(q(1-q)) + 1/2q + 1/(q(1-q))")
    typed.press("Enter")
    line, caret = box.locator("pre").inner_text().rstrip("\n").split("\n")
    assert line[caret.index("^")] == "q" and line[caret.index("^") - 1] == "2"
    assert line.startswith("…") or "1/(q" in line
    assert box.locator("pre").get_attribute("aria-hidden") == "true"
    assert "At character 17." in box.locator(".ngd-says").inner_text()
    assert typed.evaluate("i => [i.selectionStart, i.selectionEnd]") == [16, 16]
    assert typed.get_attribute("aria-invalid") == "true"
    typed.fill("q")
    typed.press("Enter")
    assert typed.get_attribute("aria-invalid") is None
    typed.fill("𝑞+𝑞+#")  # letters outside the first plane count once
    typed.press("Enter")
    assert "At character 5." in verdict(page, "fisher-q")
    assert typed.evaluate("i => i.selectionStart") == 6
    typed.fill("<img src=x onerror=alert(1)>")
    typed.press("Enter")
    assert box.locator(".ngd-says img").count() == 0


def test_formulas_are_typeset_as_they_are_typed(opened):
    page = opened("sample")
    box = item(page, "fisher-q")
    shown = box.locator(".ngd-preview")
    box.locator("input").press_sequentially("1/(q(1-q))")
    page.wait_for_function("() => document.querySelector('.ngd-preview mjx-mfrac')")
    box.locator("input").press_sequentially("+(")  # not readable yet: nothing old stays
    page.wait_for_function("() => !document.querySelector('.ngd-preview').childNodes.length")
    box.locator("input").press("Enter")
    assert "I cannot read this yet." in verdict(page, "fisher-q")
    assert shown.inner_text() == ""
    after(page, 200)  # longer than the pause before a preview
    assert shown.inner_text() == ""
    box.locator("input").fill("")
    page.wait_for_function("() => !document.querySelector('.ngd-preview').childNodes.length")
    cells = item(page, "gaussian").locator("input")
    cells.nth(0).fill("1/sigma^2")
    page.wait_for_selector("#exercise-sample-gaussian .ngd-preview mjx-mtable")
    assert "\\" not in shown.inner_text()


def test_mathjax_comes_with_the_first_touch_and_sets_formulas_as_the_book_does(opened):
    """The same formula, typeset for the page and in the page: drawn alike, to the pixel."""
    page = opened("sample")
    prompt = item(page, "lands").locator(".ngd-prompt")
    page.wait_for_timeout(300)
    assert page.locator("script[src*=mathjax]").count() == 0
    assert prompt.locator("mjx-container").count() == 3
    item(page, "lands").locator("input").focus()
    page.wait_for_function("() => window.MathJax && MathJax.typesetPromise")
    assert page.locator("script[src*=mathjax]").count() == 1
    sizes = """async made => {
      const book = document.querySelector('#exercise-sample-fisher-q .ngd-solution mjx-container');
      const box = book.closest('.ngd-solution').querySelector('p');
      book.closest('details').open = true;
      const again = document.createElement('p');
      again.innerHTML = made;
      box.after(again);
      await ngdTypeset(again);
      return [book, again.firstChild].map(e => [e.getBoundingClientRect().width,
        e.getBoundingClientRect().height, getComputedStyle(e).fontSize, e.textContent]);
    }"""
    solution = load(ROOT / "tests" / "exercise_sets" / "sample.yml").data["items"][0]["solution"]
    tex = re.search(r"\$([^$]+)\$", solution)[1]
    book, again = page.evaluate(sizes, rf"\({tex}\)")
    assert book[0] > 20 and book == again


def test_each_blank_is_judged_and_the_wrong_ones_are_marked(opened):
    page = opened()
    marked = item(page, "blanks").locator("[type=text]")

    def marks():
        return [box.get_attribute("aria-invalid") for box in marked.all()]

    said = answer(page, "blanks", "2q", "2q", "q", "1")
    assert said == (
        "◐ Partly right. 1 of 2 points. Blank 1 and Blank 4 are right."
        " Blank 2: That is the sum. Blank 3: Subtract it."
    )
    assert marks() == [None, "true", "true", None]
    marked.nth(1).press("End")
    marked.nth(1).type("+")  # whoever writes on has seen it
    assert marks() == [None, None, "true", None]
    before = counted(page)["sample.blanks"]
    said = answer(page, "blanks", "q", "", " ", "1")
    assert said == (
        r"? Not complete yet. Blank 4 is right. Blank 1: One \(q\) is missing."
        " Blank 2 and Blank 3 are still empty."
    )
    assert marks() == ["true", None, None, None] and counted(page)["sample.blanks"] == before
    said = answer(page, "blanks", "", "1/(", "", "")
    assert said.startswith("? I cannot read this yet. In Blank 2: The formula ends too early.")
    assert answer(page, "blanks", *[""] * 4).startswith(
        "? I cannot read this yet. In Blank 1: Nothing is written yet."
    )
    assert answer(page, "blanks", "q+q", "q*q", "0", "1") == "✓ Correct. 2 of 2 points."
    assert marks() == [None] * 4


@pytest.mark.parametrize(("width", "height"), [(400, 500), (1280, 400)])
def test_the_verdict_comes_into_view(opened, width, height):
    page = opened()
    page.set_viewport_size({"width": width, "height": height})
    for name in ("gaussian", "several", "fisher-q"):
        first = item(page, name).locator("input").first
        first.focus()
        page.evaluate(  # the control at the lower edge: what is said to it stands below
            "() => scrollBy(0, document.activeElement.getBoundingClientRect().bottom - innerHeight)"
        )
        says = item(page, name).locator(".ngd-says")
        below = "says => says.getBoundingClientRect().bottom - innerHeight"
        assert says.evaluate(below) > -9  # what is said would be out of sight
        page.keyboard.press("Enter")
        verdict(page, name)
        assert says.evaluate(below) < 0, name
        assert first.evaluate("box => box === document.activeElement")  # focus has not moved


# --- hints, solutions, variants -------------------------------------------------------------------


def test_hints_cost_what_they_say(opened):
    page = opened()
    box = item(page, "fisher-q")
    hints = box.locator(".ngd-hint summary")
    assert hints.nth(0).inner_text() == "Hint 1 of 2, free"
    assert not hints.nth(1).is_visible()  # in order
    hints.nth(0).click()
    assert worth(page, "fisher-q") == "up to 2 of 2 points"
    assert hints.nth(0).inner_text() == "Hint 1 of 2"
    assert hints.nth(1).inner_text() == "Hint 2 of 2, costs 0.5 points"
    hints.nth(1).click()
    assert worth(page, "fisher-q") == "up to 1.5 of 2 points"
    hints.nth(1).click()
    hints.nth(1).click()  # closing and opening again is free
    assert stored(page)["items"]["sample.fisher-q"]["hints"] == 2
    page.reload()
    settle(page)
    assert worth(page, "fisher-q") == "up to 1.5 of 2 points"
    assert "Correct. 1.5 of 2 points." in answer(page, "fisher-q", "1/(q(1-q))")
    assert hints.nth(1).inner_text() == "Hint 2 of 2"  # nothing costs now
    hints.nth(1).click()
    assert "Correct. 1.5 of 2 points." in answer(page, "fisher-q", "1/(q(1-q))")
    assert worth(page, "fisher-q") == "✓ 1.5 of 2 points"
    assert total(page) == "1.5 of 15"


def test_the_solution_ends_the_points_until_other_numbers(opened):
    page = opened("sample")
    box = item(page, "lands")
    solution = box.locator(".ngd-solution summary")
    assert solution.inner_text() == "Worked solution, ends the points for these numbers"
    solution.click()
    assert worth(page, "lands") == "0 of 1 point"
    assert "No points: the solution was open." in answer(page, "lands", "0.65")
    assert total(page) == "0 of 15"
    before = box.locator(".ngd-prompt").inner_text()
    answer(page, "lands", "1/")
    assert box.locator("input").get_attribute("aria-invalid") == "true"
    box.get_by_role("button", name="Another one like this").click()
    assert box.locator("input").get_attribute("aria-invalid") is None
    assert "New numbers." in verdict(page, "lands")
    assert box.locator("input").evaluate("i => i === document.activeElement && i.value === ''")
    assert not box.locator(".ngd-solution[open]").count() and worth(page, "lands") == "1 point"
    entry = stored(page)["items"]["sample.lands"]
    sample = public(load(ROOT / "tests" / "exercise_sets" / "sample.yml"))
    values = draw(sample["items"][2], str(entry["variant"]))
    prompt = box.locator(".ngd-prompt")
    assert prompt.inner_text() != before and prompt.locator("mjx-container").count() == 3
    page.reload()
    settle(page)
    q0, eta = float(values["q0"]), float(values["eta"])
    assert "Correct. 1 of 1 point." in answer(page, "lands", str(q0 - eta * (q0 - 0.8)))
    plain = q0 - eta * (q0 - 0.8) / (q0 * (1 - q0))
    length = f"{eta * (0.8 - q0) / (q0 * (1 - q0)):.4g}"
    assert f"ordinary step, of length {length}" in answer(page, "lands", str(plain))
    assert worth(page, "lands") == "✓ 1 of 1 point"  # the best try counts
    solution.click()
    assert worth(page, "lands") == "✓ 1 of 1 point"  # solved: looking is free


def test_another_one_never_repeats_the_numbers(opened):
    page = opened()
    box = item(page, "lands")
    last = box.locator(".ngd-prompt").get_attribute("data-template")
    assert "{{q0}}" in last
    for _ in range(8):
        before = box.locator(".ngd-prompt").inner_text()
        box.get_by_role("button", name="Another one like this").click()
        verdict(page, "lands")
        assert box.locator(".ngd-prompt").inner_text() != before


def test_code_is_sent_to_the_notebook(opened):
    page = opened()
    box = item(page, "take-a-step")
    assert "def natural_step(q, m, eta):" in box.inner_text()
    assert 'check("sample.take-a-step", natural_step)' in box.inner_text()
    assert box.locator("input, button").count() == 0


# --- progress -------------------------------------------------------------------------------------


def earn(page):
    answer(page, "fisher-q", "1/(q(1-q))")
    answer(page, "vector", "2q", "q/2")


def test_progress_is_kept_and_shown(opened):
    page = opened("sample")
    assert page.locator(".ngd-progress p").first.inner_text() == (
        "0 of 15 points, 0 of 10 questions, and one question in the notebook (3 points)."
    )
    earn(page)
    page.reload()
    settle(page)
    assert total(page) == "3 of 15" and page.locator(".ngd-done").inner_text() == "2 of 10"
    assert page.locator("progress").first.evaluate("p => [p.value, p.max]") == [3, 15]
    assert item(page, "fisher-q").locator("input").input_value() == "1/(q(1-q))"
    assert page.locator("#exercise-sample-fisher-q .ngd-preview mjx-mfrac").count() == 1
    table = opened("progress", beside=page)
    rows = table.locator("tbody tr")
    assert [r.locator("td").all_inner_texts()[:2] for r in rows.all()] == [
        ["2 of 10", "3 of 15"]
    ] * 2
    answer(page, "score", "-1/(1-q)")  # in the other tab
    table.wait_for_function("() => document.querySelector('.ngd-sum').textContent === '5 of 15'")


def test_two_tabs_do_not_forget_for_each_other(opened):
    one = opened()
    two = opened(beside=one)
    answer(one, "fisher-q", "1/(q(1-q))")
    answer(two, "vector", "2q", "q/2")
    one.wait_for_function("() => document.querySelector('.ngd-sum').textContent === '3 of 15'")
    earned = [key for key, entry in stored(one)["items"].items() if entry["best"]]
    assert total(two) == "3 of 15" and sorted(earned) == ["sample.fisher-q", "sample.vector"]


def test_progress_is_saved_to_a_file_erased_and_restored(opened, tmp_path):
    page = opened()
    earn(page)
    tools = page.locator(".ngd-tools")
    tools.locator("summary").click()
    with page.expect_download() as download:
        tools.get_by_role("button", name="Save to a file").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    assert file.name == "natural-gradient-progress.json"
    assert json.loads(file.read_text())["items"]["sample.fisher-q"]["best"] == 2

    tools.get_by_role("button", name="Erase", exact=True).click()
    assert total(page) == "3 of 15"  # it asks first
    assert page.get_by_role("button", name="Keep it").evaluate("b => b === document.activeElement")
    page.keyboard.press("Enter")
    assert "Nothing was erased." in tools.locator(".ngd-said").inner_text()
    for _ in range(2):
        assert page.evaluate("() => document.activeElement.textContent") == "Erase"
        assert not page.get_by_role("button", name="Erase it").is_visible()
        page.keyboard.press("Enter")
        page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Erase it").click()
    assert total(page) == "0 of 15" and stored(page)["items"] == {}
    assert item(page, "fisher-q").locator("input").input_value() == ""
    assert not page.get_by_role("button", name="Erase it").is_visible()

    answer(page, "score", "-1/(1-q)")
    page.set_input_files("input[type=file]", file)
    page.wait_for_function("() => document.querySelector('.ngd-sum').textContent === '5 of 15'")
    assert "Restored: 2 questions." in tools.locator(".ngd-said").inner_text()


BAD = [
    "",
    "not JSON",
    "[]",
    "null",
    '{"items": {}}',
    '{"naturalGradientProgress": 2, "items": {}}',
    '{"naturalGradientProgress": 1, "items": {"sample.fisher-q": {"best": "many"}}}',
    '{"naturalGradientProgress": 1, "items": {"sample.fisher-q": {"best": -3}}}',
    '{"naturalGradientProgress": 1, "items": {"sample.fisher-q": null}}',
    '{"naturalGradientProgress": 1, "items": {"__proto__x": {"best": 1}}}',
]


def test_other_files_are_refused(opened, tmp_path):
    page = opened()
    earn(page)
    after(page, 400)  # what was typed is kept after a pause
    before = stored(page)
    page.locator(".ngd-tools summary").click()
    for k, text in enumerate(BAD):
        file = tmp_path / f"bad{k}.json"
        file.write_text(text)
        page.evaluate("() => document.querySelector('.ngd-said').textContent = ''")
        page.set_input_files("input[type=file]", file)
        page.wait_for_function("() => document.querySelector('.ngd-said').textContent")
        said = page.locator(".ngd-said").inner_text()
        assert "This file " in said and "Nothing was changed." in said, text
        assert stored(page) == before and total(page) == "3 of 15"
    file.write_text('{"naturalGradientProgress": 1, "items": {"sample.score": {"best": 99}}}')
    page.set_input_files("input[type=file]", file)  # points that no question has are not counted
    page.wait_for_function("() => document.querySelector('.ngd-sum').textContent === '5 of 15'")


def test_whatever_stands_in_the_storage_the_page_works(opened):
    page = opened()
    for text in [*BAD, '{"naturalGradientProgress": 1, "items": 3}', '"\\ud800']:
        page.evaluate("([k, t]) => localStorage.setItem(k, t)", [KEY, text])
        page.reload(wait_until="domcontentloaded")
        assert total(page) == "0 of 15", text
        assert page.locator(".ngd-trouble").is_visible(), text  # said in plain sight
        kept = page.evaluate("() => Object.values(localStorage)")
        newer = any('"naturalGradientProgress": 2' in k for k in kept)
        assert text in kept or "__proto__x" in text or newer  # and nothing is destroyed
    page.evaluate("() => localStorage.clear()")
    page.reload(wait_until="domcontentloaded")
    earn(page)
    assert total(page) == "3 of 15"


def test_a_browser_that_keeps_nothing(opened, browser):
    context = browser.new_context()
    context.add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() { throw new Error('denied'); }})"
    )
    page = opened(context=context)
    earn(page)
    assert total(page) == "3 of 15"
    assert "lets the page keep nothing" in page.locator(".ngd-trouble").inner_text()
    context.close()


def test_a_full_storage_is_said(opened):
    page = opened()
    page.evaluate("() => { Storage.prototype.setItem = () => { throw new Error('full'); }; }")
    earn(page)
    assert total(page) == "3 of 15"
    assert "full or closed" in page.locator(".ngd-trouble").inner_text()


def test_one_poisoned_entry_costs_no_other(opened):
    page = opened()
    earn(page)
    found = stored(page)
    found["items"]["sample.lands"] = {"best": "many"}
    page.evaluate("([k, t]) => localStorage.setItem(k, t)", [KEY, json.dumps(found)])
    page.reload()
    settle(page)
    assert total(page) == "3 of 15"
    assert "1 question cannot be read here" in page.locator(".ngd-trouble").inner_text()
    answer(page, "score", "-1/(1-q)")
    assert stored(page)["items"]["sample.lands"] == {"best": "many"}  # left as it is


def test_what_is_typed_and_not_checked_survives_a_reload(opened):
    page = opened()
    answer(page, "fisher-q", "q(1-q)")
    box = item(page, "fisher-q").locator("input")
    box.fill("1/q + ")
    assert item(page, "fisher-q").locator(".ngd-says").inner_text() == ""  # the old verdict goes
    page.wait_for_function(
        "k => (JSON.parse(localStorage.getItem(k)).items['sample.fisher-q'].draft || [''])[0] "
        "=== '1/q + '",
        arg=KEY,
    )
    page.reload()
    settle(page)
    assert item(page, "fisher-q").locator("input").input_value() == "1/q + "


# --- everyone can use it --------------------------------------------------------------------------


ROOM = """() => {
  const at = e => e.getBoundingClientRect().left, focused = document.activeElement;
  let room = at(focused), e = focused;
  while ((e = e.parentElement))
    if (getComputedStyle(e).overflowX !== 'visible') room = Math.min(room, at(focused) - at(e));
  return room;
}"""


def test_by_keyboard_alone(opened):
    page = opened()
    reached = []
    page.keyboard.press("Tab")
    for _ in range(12):
        reached.append(page.evaluate("() => document.activeElement.textContent"))
        assert page.evaluate(
            "() => getComputedStyle(document.activeElement).outlineStyle !== 'none'"
        ), "no visible focus"
        assert page.evaluate(ROOM) >= 5, "the ring is cut off"
        if page.evaluate("() => document.activeElement.id === 'sample-fisher-q-answer'"):
            break
        page.keyboard.press("Tab")
    assert any("Keep, restore" in r for r in reached) and len(reached) == 3
    page.keyboard.type("1/q")
    page.keyboard.press("Enter")
    assert "averaged over heads only" in verdict(page, "fisher-q")
    page.keyboard.press("ControlOrMeta+A")  # focus has stayed in the box
    page.keyboard.type("1/(q(1-q))")
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.textContent") == "Check"
    page.keyboard.press("Enter")
    assert "Correct." in verdict(page, "fisher-q")
    assert page.evaluate("() => document.activeElement.textContent") == "Check"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert item(page, "fisher-q").locator(".ngd-hint[open]").count() == 1


def test_names_for_a_screen_reader(opened):
    page = opened("sample")
    for box in page.locator(".ngd-item").all():
        if not box.locator("form").count():
            continue
        assert box.locator("fieldset > legend").inner_text().startswith("Your answer to question")
        assert box.locator(".ngd-says").get_attribute("role") == "status"
    assert page.get_by_label("row 2, column 1").count() == 1
    assert page.get_by_role("radio", name="the ordinary gradient").count() == 1
    assert page.get_by_role("textbox", name=re.compile("Your formula in")).count() == 2
    assert page.get_by_role("progressbar", name="Points in this chapter").count() == 1
    # the region is there before it speaks, and nothing untypeset is ever put into it
    page.evaluate(
        """() => { window.heard = [];
        const watch = new MutationObserver(list => list.forEach(m => m.addedNodes.forEach(
          n => heard.push(n.textContent))));
        const regions = document.querySelectorAll('.ngd-says');
        for (const region of regions) watch.observe(region, {childList: true}); }"""
    )
    choose(page, "several", "A")
    answer(page, "score", "1/(1-q)")
    heard = page.evaluate("() => window.heard")
    assert len(heard) == 2 and "\\(" not in "".join(heard) and "Right so far" in heard[0]


@pytest.mark.parametrize("name", ["sample", "progress"])
def test_no_barriers(opened, name):
    page = opened(name)
    if name == "sample":
        choose(page, "invariant", "B")
        answer(page, "fisher-q", "1/q")
        answer(page, "fit", "1/2m")
        answer(page, "gaussian", "1/sigma^2", "0", "0", "2/sigma^2")
        choose(page, "several", "A", "B")
        for fold in page.locator("details:visible > summary").all():
            fold.click()
        page.get_by_role("button", name="Erase", exact=True).click()
        page.locator("[data-move=add]").first.click()
        verdict(page, "fit")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert violations(page) == [], scheme
    page.evaluate("() => document.querySelector('.ngd-button').replaceChildren()")
    assert violations(page, ".ngd-exercises .ngd-row") != []  # it would be seen


def test_targets_and_width_on_a_small_screen(opened):
    page = opened("sample")
    page.set_viewport_size({"width": 400, "height": 800})
    answer(page, "fit", "1/2m" + "+m" * 60)
    answer(page, "fisher-q", "+".join(f"1/(q+{k})" for k in range(20)))
    page.locator("[data-move=add]").first.click()
    for fold in page.locator("details:visible > summary").all():
        fold.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    small = page.evaluate(
        """() => ['button', 'summary', 'label.ngd-button', '.ngd-options label', 'input[type=text]']
        .flatMap(what => [...document.querySelectorAll(what)])
        .filter(e => e.offsetParent && e.getBoundingClientRect().height < 43.5)
        .map(e => e.outerHTML.slice(0, 80))"""
    )
    assert small == []


def test_without_scripts_all_of_it_can_be_read(browser, folder):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((folder / "sample.html").as_uri())
    assert page.locator("form, input, button").count() == 0
    assert page.locator(".ngd-elsewhere").first.is_visible()
    assert page.locator(".ngd-item").count() == 11
    page.locator(".ngd-solution summary").first.click()
    assert page.get_by_text("The squared score is").is_visible()
    page.goto((folder / "progress.html").as_uri())
    assert page.locator("tbody tr").first.inner_text().split() == (
        "A coin, by its probability and by its log-odds 10 15".split()
    )
    context.close()


def test_on_paper_there_are_questions_and_room(opened):
    page = opened()
    answer(page, "fisher-q", "1/q")
    page.locator(".ngd-hint summary").first.click()
    page.emulate_media(media="print")
    for gone in ("button", "summary", ".ngd-says", ".ngd-preview", "progress"):
        assert not any(e.is_visible() for e in page.locator(gone).all()), gone
    assert page.locator(".ngd-prompt").first.is_visible()
    line = page.locator("#sample-fisher-q-answer")
    assert line.evaluate("i => getComputedStyle(i).color") == "rgba(0, 0, 0, 0)"
    assert line.evaluate("i => getComputedStyle(i).borderBottomStyle") == "solid"


def test_the_script_leaves_no_global(opened, browser, folder):
    page = opened()
    names = page.evaluate("() => Object.keys(window)")
    assert not {"check", "parse", "latex", "ngdChecker", "state"} & set(names)
    assert [n for n in names if n.lower().startswith("ngd")] == [
        "ngdTypeset",
        "ngdFaces",
        "ngdHost",
    ]
