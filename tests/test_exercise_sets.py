"""The book's exercise sets: every variant, not only those that the validator draws."""

from __future__ import annotations

import itertools
import math
import re
import shutil
from pathlib import Path

import pytest

from ngdlib.exercises.judging.items import all_choices, blank_item, check_item, constant, trees
from ngdlib.exercises.judging.node import PageChecker
from ngdlib.exercises.reading.given import read
from ngdlib.exercises.sets.author import FOLDER, Validator
from ngdlib.exercises.sets.files import load

SETS = sorted(FOLDER.glob("*.yml"))


ROLE = re.compile(r"(?<!`)\{[a-z:]+\}`")


@pytest.mark.parametrize("file", SETS, ids=lambda file: file.stem)
def test_no_markup_of_the_chapters_in_a_set(file):
    """Items are Markdown with formulas: a role such as {term}`chart` would stand there raw."""
    assert ROLE.findall("a {term}`chart <chart>` moves") and not ROLE.findall("${{c}}$ or `{a}`")
    assert ROLE.findall(file.read_text(encoding="utf-8")) == []


def _variants(item):
    names = sorted(item.get("variant", {}))
    spaces = [all_choices(item["variant"][n]) for n in names]
    return [dict(zip(names, v, strict=True)) for v in itertools.product(*spaces)]


def _ambiguities(item):
    """What a reader would find unfair in a numeric item, over all its variants."""
    found = []
    digits = 3 if "three digits" in item["prompt"] else 6
    for values in _variants(item):
        right = constant(trees(item, values, item["answer"]))
        for answer in (right, float(f"{right:.{digits}g}")):
            kind = check_item(item, answer, values).kind
            if kind != "equal":
                found.append(f"{values}: the right answer {answer} is {kind}")
        for mistake in item["mistakes"]:
            wrong = constant(trees(item, values, mistake["match"]))
            kind = check_item(item, wrong, values).kind
            if kind != f"known:{mistake['id']}":
                found.append(f"{values}: {mistake['id']} is {kind}")
            if check_item(item, float(f"{wrong:.{digits}g}"), values).kind == "equal":
                found.append(f"{values}: {mistake['id']} rounded is right")
    return found


def _numeric(path):
    return [item for item in load(path).data["items"] if item["kind"] == "numeric"]


@pytest.mark.parametrize("path", SETS, ids=lambda path: path.stem)
def test_numbers_are_told_apart_in_every_variant(path):
    """The right answer in the digits asked for is right; each mistake is itself, never right."""
    assert {item["id"]: _ambiguities(item) for item in _numeric(path) if _ambiguities(item)} == {}


def test_a_variant_in_which_a_wrong_way_gives_the_right_number_is_found():
    """From q = 0.4 with η = 0.5 the steps in log-odds and in probability end at 0.699 and 0.7."""
    (item,) = (i for i in _numeric(FOLDER / "bernoulli.yml") if i["id"] == "q4")
    item["variant"] = {"q0": {"choices": ["0.4", "0.2"]}, "eta": {"choices": ["0.5", "0.4"]}}
    assert any("in-probability is equal" in found for found in _ambiguities(item))


@pytest.mark.parametrize("size", [1.0, -1.0, 1e-5, 1e9])
def test_every_double_can_be_given_as_an_answer(size):
    """0.00013477088948787063 has 21 digits as Python writes it, 17 of them significant."""
    for k in range(1, 200):
        x = size / (7420 + k)
        assert math.isclose(constant(read(x, ())), x, rel_tol=1e-15)


def test_a_symmetric_matrix_may_name_an_entry_twice(tmp_path):
    source = FOLDER / "natural-gradient.yml"
    copy = Path(shutil.copy(source, tmp_path))
    with PageChecker() as page:
        item = next(i for i in load(copy).data["items"] if i["id"] == "q4")
        assert item["arguments"][0] == {"F": [["a", "b"], ["b", "c"]]}
        assert Validator(load(copy), page, {}).run() == []
        copy.write_text(source.read_text().replace("[b, c]]}", "[d, c]]}"))
        (fault,) = Validator(load(copy), page, {}).run()
    assert "components and vars differ" in fault.message


# --- names that the chapter uses ------------------------------------------------------------------

OTHER_CHART = {"q": ("z", "logistic(z)"), "z": ("q", "logit(q)")}


def _formulas(path):
    for item in load(path).data["items"]:
        if item["kind"] == "formula":
            yield item, item
        for blank in item.get("blanks", []):
            yield item, blank_item(item, blank)


def _unknown_names(item, part):
    """Names of the other chart that the question's own texts use, but an answer may not."""
    told = [item["prompt"], item["solution"], *(s.get("tex", "") for s in item.get("steps", []))]
    told += [m["feedback"] for m in part["mistakes"]]
    for name, (other, formula) in OTHER_CHART.items():
        used = re.search(
            rf"(?<![\w\\]){other}(?![\w])", " ".join(re.findall(r"\$(.+?)\$", " ".join(told)))
        )
        if name in part["vars"] and other not in part["vars"] and used:
            written = re.sub(rf"(?<![a-z]){name}(?![a-z])", f"({formula})", part["answer"])
            if check_item(part, written).kind != "equal":
                yield f"{part['id']}: {other}, in {written}"


@pytest.mark.parametrize("path", SETS, ids=lambda path: path.stem)
def test_a_coin_may_be_written_in_the_other_chart(path):
    """Where a question speaks of q and of z, an answer may be written with either."""
    assert [name for pair in _formulas(path) for name in _unknown_names(*pair)] == []


def test_a_question_that_refuses_the_other_chart_is_found():
    item = next(i for i in load(FOLDER / "bernoulli.yml").data["items"] if i["id"] == "q1")
    assert not list(_unknown_names(item, item))
    assert list(_unknown_names(item, {k: v for k, v in item.items() if k != "also"}))


@pytest.mark.parametrize("path", SETS, ids=lambda path: path.stem)
def test_every_other_name_is_read_as_what_it_stands_for(path):
    for _, part in _formulas(path):
        for name, formula in part.get("also", {}).items():
            answer = f"({part['answer']}) + {name} - ({formula})"
            assert check_item(part, answer).kind == "equal", (part["id"], answer)


def test_no_set_has_markup_that_only_a_chapter_knows():
    """`{term}` and its like are MyST's: a question would show them as they are typed."""
    role = re.compile(r"\{[a-z:]+\}`")
    assert role.search("A change of {term}`chart <chart>`.")
    assert [path.name for path in SETS if role.search(path.read_text(encoding="utf-8"))] == []
