"""The static HTML of the exercises: complete without scripts, safe, the same each time."""

import json
import re
from html.parser import HTMLParser

import pytest

from book.scripts import PAGE
from ngdlib.exercises.judging.items import FIRST, draw
from ngdlib.exercises.judging.node import SCRIPTS
from ngdlib.exercises.page.boxes import READ, boxes, for_script, progress, shuffled
from ngdlib.exercises.sets.files import load, public
from tests.conftest import ROOT

SETS = ROOT / "tests" / "exercise_sets"
SAMPLE = SETS / "sample.yml"
ORDER = """
- id: order
  kind: derivation
  points: 2
  objective: fisher
  title: In order, with <b>no</b> markup
  prompt: "Is $a<b$? Put `x</script>` where **it** belongs."
  mode: order
  derivation: bernoulli.score_and_fisher
  steps:
  - {id: s1, tex: "a < b", because: given}
  - {id: s2, tex: "b = c", because: the *definition*}
  - {id: s3, tex: "a < c", because: so}
  alternatives: [[s2, s1, s3]]
  distractors:
  - {id: d1, tex: "a > c", because: so, feedback: It points the other way.}
  hints: []
  solution: "First <i>this</i>, then the rest."
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "sample.yml").write_text(SAMPLE.read_text(encoding="utf-8") + ORDER)
    return tmp_path


class Page(HTMLParser):
    """ids, data attributes, text outside <template> and <script>, and tags left open."""

    VOID = ("input", "br", "hr", "img")

    def __init__(self, text):
        super().__init__()
        self.ids, self.open, self.text, self.inside, self.tags = [], [], "", [], set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.add(tag if "template" not in self.open else f"template {tag}")
        self.ids += [given["id"]] if "id" in given else []
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"template", "script"} & set(self.open):
            self.text += data


def test_everything_can_be_read_without_scripts(folder):
    page = Page(boxes("sample", folder).text)
    assert page.open == []
    data = public(load(folder / "sample.yml"))
    for k, item in enumerate(data["items"], 1):
        assert f"{k}. " in page.text and f"exercise-sample-{item['id']}" in page.ids
    for words in (
        "1. Fisher information 2 points",
        "Hint 1 of 2, free",
        "The squared score is",
        "one finite natural step",
        "a straight line in one chart is bent in another",  # the explanation of an option
        "def natural_step(q, m, eta):",
        'check("sample.take-a-step", natural_step)',
        "The score of tails: \\(s(0) =\\)",
        "average of the squared score",
        "a > c",
        "exercises/sample.ipynb",
    ):
        assert words in page.text, words
    assert len(page.ids) == len(set(page.ids))
    assert "{{" not in page.text and "$" not in page.text
    assert not {"form", "input", "button", "progress"} & page.tags
    assert {"template form", "template input", "template button"} <= page.tags


def test_the_first_variant_has_the_numbers_of_python(folder):
    item = next(i for i in public(load(folder / "sample.yml"))["items"] if i["id"] == "lands")
    values = draw(item, FIRST)
    text = Page(boxes("sample", folder).text).text
    assert f"q = {values['q0']}" in text and f"\\eta = {values['eta']}" in text
    template = re.search(
        r'class="ngd-prompt" data-template="([^"]*)"', boxes("sample", folder).text
    )
    assert "{{q0}}" in template[1] and "{{eta}}" in template[1]


def test_the_set_goes_along_as_json(folder):
    text = boxes("sample", folder).text
    found = re.findall(r'<script type="application/json">(.*?)</script>', text, flags=re.S)
    assert len(found) == 1 and "<" not in found[0]
    kept, data = json.loads(found[0]), public(load(folder / "sample.yml"))
    assert kept == for_script(data)
    assert [i["id"] for i in kept["items"]] == [
        i["id"] for i in data["items"] if i["kind"] != "function"
    ]
    for banned in ("title", "prompt", "solution", "objective", "starter", "cases", "text", "tex"):
        assert f'"{banned}"' not in found[0]
    script = "".join(s.read_text() for s in [*SCRIPTS, PAGE])
    for field in READ:  # nothing that the page does not use
        assert re.search(rf"\.{field}\b|'{field}'|[{{,] {field} [,}}=]", script), field


def test_a_field_that_no_script_reads_would_be_found():
    script = "".join(s.read_text() for s in [*SCRIPTS, PAGE])
    for field in ("objective", "prompt", "solution", "starter"):
        assert not re.search(rf"\bitem\.{field}\b", script)


def test_nothing_in_a_text_becomes_markup(folder):
    text = boxes("sample", folder).text
    assert "<b>no</b>" not in text and "<i>this" not in text
    assert "In order, with &lt;b&gt;no&lt;/b&gt; markup" in text
    assert "<strong>it</strong>" in text and "<em>definition</em>" in text
    assert r"\(a&lt;b\)" in text and "<code>x&lt;/script&gt;</code>" in text


def test_lines_are_mixed_the_same_way_each_time_and_in_no_right_order(folder):
    item = public(load(folder / "sample.yml"))["items"][-1]
    right = [["s1", "s2", "s3"], ["s2", "s1", "s3"]]
    for name in [f"q{k}" for k in range(40)]:
        mixed = [line["id"] for line in shuffled({**item, "id": name})]
        assert sorted(mixed) == ["d1", "s1", "s2", "s3"]
        assert [m for m in mixed if m != "d1"] not in right
        assert mixed == [line["id"] for line in shuffled({**item, "id": name})]
    orders = {tuple(line["id"] for line in shuffled({**item, "id": f"q{k}"})) for k in range(40)}
    assert len(orders) > 5


def test_the_same_bytes_each_time(folder):
    assert boxes("sample", folder).text == boxes("sample", folder).text
    assert boxes("sample", folder)._repr_html_() == boxes("sample", folder).text
    assert repr(boxes("sample", folder)) == "boxes('sample')"


def test_unknown_sets_are_refused():
    for make in (boxes, progress):
        with pytest.raises(
            ValueError, match=r"expected one of .*bernoulli, .*coordinates, .*'coin'"
        ):
            make("coin")


def test_the_table_of_progress_adds_up(folder):
    shown = progress("sample", folder=folder)
    page = Page(shown.text)
    items = public(load(folder / "sample.yml"))["items"]
    counts = [json.loads(c) for c in re.findall(r"data-counts='([^']*)'", shown.text)]
    assert counts[0] == counts[1]  # one chapter and the sum of all
    assert counts[0] == {f"sample.{i['id']}": i["points"] for i in items if i["kind"] != "function"}
    assert f"{len(counts[0])}{sum(counts[0].values())}" in page.text
    assert "The questions that ask for code, 3 points" in page.text
    assert repr(shown) == "progress('sample')"


@pytest.mark.parametrize("path", sorted((ROOT / "exercises").glob("*.yml")), ids=lambda p: p.stem)
def test_every_set_of_the_book(path):
    page = Page(text := boxes(path.stem).text)
    coded = [i for i in load(path).data["items"] if i["kind"] == "function"]
    more = f", and one question in the notebook ({sum(i['points'] for i in coded):g} points)."
    assert (more in page.text) == (len(coded) == 1)
    calls = re.findall(
        r"where <code>check\(&quot;([\w.-]+)&quot;, (\w+)\)</code>", boxes(path.stem).text
    )
    assert calls == [(f"{path.stem}.{i['id']}", i["name"]) for i in coded]  # page.js reads them
    assert text.count('<pre class="ngd-code"><code>') == len(coded)
    assert page.open == [] and "{{" not in page.text
    assert len(page.ids) == len(set(page.ids))
    toc = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    assert f"chapters/{path.stem}\n" in toc, "no chapter shows the set"
    chapter = json.loads((ROOT / "chapters" / f"{path.stem}.ipynb").read_text(encoding="utf-8"))
    code = ["".join(c["source"]) for c in chapter["cells"] if c["id"] == "exercises"]
    assert code == [f'from ngdlib.exercises import boxes\n\nboxes("{path.stem}")']
