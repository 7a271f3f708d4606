"""The ledger: every claim of a written chapter is decided by a check that can fail."""

import json
import re
import shutil

import pytest

from ngdlib import claims
from ngdlib.claims import CHECKS, VERDICTS, Evidence, claim, opinion, registry

WRITTEN = claims.written_chapters()

HEAD = """
from ngdlib.claims import Evidence, claim, opinion
TEXTS = dict(where="a-place", paraphrase="It <is> $q^2$.", correct="It is so.")
"""
GOOD = """
@claim("T-1", verdict="holds", truth=2.0, control=3.0, control_name="three for two",
       heard="A <square> of $2$.", fact="It is 4.", **TEXTS)
def square(root):
    return Evidence(abs(root**2 - 4) < 1e-12, {"square": root**2, "noise": 1e-16}, "Two squared.")
"""
OPINION = 'opinion("T-2", reasons="A matter of taste.", **TEXTS)\n'


@pytest.fixture
def folder(tmp_path):
    """A chapter of two claims in a folder of its own."""
    entries = [
        {"id": "T-1", "source": "one", "chapter": "my-chapter", "audit": "false as stated"},
        {"id": "T-2", "source": "two", "chapter": "my-chapter", "audit": None},
        {"id": "T-3", "source": "two", "chapter": "unwritten", "audit": "holds"},
    ]
    (tmp_path / "register.json").write_text(json.dumps(entries))
    write(tmp_path, GOOD + OPINION)
    return tmp_path


def write(folder, source, where="a-place"):
    (folder / "my_chapter.py").write_text(HEAD.replace("a-place", where) + source)
    registry._run_file.cache_clear()  # the same file within the clock's resolution


def test_register_is_whole():
    entries = claims.register()
    assert len(entries) == 222
    for entry in entries.values():
        assert entry["audit"] in (*VERDICTS, None)
        assert entry.get("second_audit") in (*VERDICTS, None)
        assert not set(entry) - {
            "id", "source", "chapter", "audit", "second_audit", "second_audit_says",
        }  # fmt: skip
    assert sum("second_audit" in entry for entry in entries.values()) == 22
    assert len({entry["chapter"] for entry in entries.values()}) == 14


@pytest.mark.parametrize("chapter", WRITTEN)
def test_written_chapters_have_no_defects(chapter):
    assert claims.defects(chapter) == []


@pytest.mark.parametrize("chapter", WRITTEN)
def test_boxes_have_five_to_eight_lines_false_ones_first(chapter):
    """Of what one may have read; the first line is no claim that simply holds."""
    lines = [c for c in claims.load_chapter(chapter) if c.heard]
    assert 5 <= len(lines) <= 8
    rows = re.findall('<tr role="row" data-verdict="([^"]+)"', claims.box(chapter)._repr_html_())
    assert len(rows) == len(lines)
    assert rows == sorted(rows, key=claims.show.ORDER.index)
    assert rows[0] != "holds"


def test_files_of_checks_belong_to_chapters_of_the_register():
    chapters = {entry["chapter"] for entry in claims.register().values()}
    assert set(WRITTEN) <= chapters
    assert "nothing" not in chapters


def test_good_chapter_has_no_defects(folder):
    assert claims.defects("my-chapter", folder) == []
    first, second = claims.load_chapter("my-chapter", folder)
    assert first.evidence().passed and not first.control_evidence().passed
    assert second.check is None and second.reasons == "A matter of taste."


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        (GOOD.replace("< 1e-12", "< 1e12") + OPINION, "T-1: the check cannot fail"),
        (GOOD.replace("truth=2.0", "truth=2.1") + OPINION, "T-1: the check refuses the truth"),
        (GOOD.replace("control=3.0", "control=None") + OPINION, "check of the control raised"),
        (GOOD.replace("return Evidence", "assert Evidence") + OPINION, "check of the truth raised"),
        (GOOD, "T-2: the register puts it in my-chapter"),
        (GOOD + OPINION + OPINION.replace("T-2", "T-3"), "T-3: belongs to unwritten"),
        (
            'claim("T-1", verdict="holds", control_name="x", **TEXTS)\n' + OPINION,
            "T-1: has no check",
        ),
    ],
)
def test_defects_are_reported(folder, source, complaint):
    """Negative control: a check that cannot fail, and every other defect, is named."""
    write(folder, source)
    assert any(complaint in defect for defect in claims.defects("my-chapter", folder))


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        (GOOD + GOOD, "'T-1' twice"),
        (GOOD.replace("T-1", "T-9"), "got 'T-9'"),
        (GOOD.replace("holds", "true"), "verdict: expected one of"),
        (GOOD.replace("three for two", " "), "control_name: expected a text"),
        (OPINION.replace("A matter of taste.", ""), "reasons: expected a text"),
        (GOOD.replace("holds", "opinion").replace("**T", "reasons='r', **T"), "which has a check"),
    ],
)
def test_malformed_claims_are_refused(folder, source, complaint):
    write(folder, source)
    with pytest.raises(ValueError, match=re.escape(complaint)):
        claims.load_chapter("my-chapter", folder)


def test_unknown_chapter_is_refused():
    with pytest.raises(ValueError, match=r"chapter: expected one of .*bernoulli"):
        claims.load_chapter("bernouli")


@pytest.mark.parametrize("numbers", [{"a": float("nan")}, {"a": "many"}, {"a": [1.0, 2.0]}])
def test_evidence_refuses_what_is_no_number(numbers):
    with pytest.raises(ValueError, match="numbers: expected"):
        Evidence(True, numbers)
    assert Evidence(1, {"a": 1}).numbers == {"a": 1.0}


def test_summary_counts(folder):
    assert claims.summary(folder) == {
        "total": 3,
        "decided": 2,
        "by_verdict": dict.fromkeys(VERDICTS, 0) | {"holds": 1, "opinion": 1},
        "by_source": {"one": 1, "two": 1},
        "disagreements": 1,
    }
    assert [d["id"] for d in claims.disagreements(folder)] == ["T-1"]
    write(folder, GOOD.replace('"holds"', '"false as stated"') + OPINION)
    assert claims.disagreements(folder) == []
    real = claims.summary()
    assert real["total"] == 222
    assert real["decided"] == sum(real["by_verdict"].values()) == sum(real["by_source"].values())


def test_every_claim_of_the_book_is_decided_once():
    decided = [each.id for chapter in WRITTEN for each in claims.load_chapter(chapter)]
    wanted = [e["id"] for e in claims.register(CHECKS).values() if e["chapter"] in WRITTEN]
    assert sorted(decided) == sorted(wanted)
    assert sorted([*decided, decided[0]]) != sorted(wanted)


def test_box_shows_what_was_heard_and_links_to_its_heading(folder):
    write(folder, GOOD + OPINION)
    table = claims.box("my-chapter", folder)
    markup = table._repr_html_()
    assert markup == claims.box("my-chapter", folder)._repr_html_()
    assert markup.count("<tr") == 2  # the opinion was not heard
    assert r"A &lt;square&gt; of \(2\)." in markup
    assert "T-1" not in re.sub(r'href="[^"]*"|aria-label="[^"]*"', "", markup)
    assert '<a href="#a-place">in this chapter</a>' in markup
    assert 'href="ledger.html#ledger-T-1"' in markup
    assert "In fact: It is 4." in repr(table)


def test_a_box_with_a_defect_is_not_shown(folder):
    write(folder, GOOD.replace("truth=2.0", "truth=2.1") + OPINION)
    with pytest.raises(ValueError, match="refuses the truth"):
        claims.box("my-chapter", folder)
    with pytest.raises(ValueError, match="refuses the truth"):
        claims.ledger(folder)
    write(folder, re.sub("heard=.*, ", "", GOOD) + OPINION)
    with pytest.raises(ValueError, match="got 0"):
        claims.box("my-chapter", folder)


def test_a_wrong_place_is_named_with_file_and_line(tmp_path, folder):
    """Only a labelled heading or admonition of the chapter will do."""
    checks = tmp_path / "book" / "checks"
    shutil.copytree(folder, checks, ignore=shutil.ignore_patterns("book"))
    write(checks, GOOD + OPINION)
    source = "(a-place)=\n## The $q$ place\n\n```{note}\n:name: no-place\n```\n"
    source += '```{admonition} "Heard"\n:class: note\n:name: a-box\n```'
    book = {"cells": [{"cell_type": "markdown", "source": source}]}
    (checks.parent / "my-chapter.ipynb").write_text(json.dumps(book))
    assert claims.places("my-chapter", checks) == {"a-place": "The $q$ place", "a-box": '"Heard"'}
    assert claims.defects("my-chapter", checks) == []
    markup = claims.box("my-chapter", checks)._repr_html_()
    assert r'<a href="#a-place">The \(q\) place</a>' in markup
    for wrong in ("no-place", "nowhere"):
        write(checks, GOOD + OPINION, where=wrong)
        with pytest.raises(ValueError, match=r"my_chapter\.py:5: T-1: where: expected the label"):
            claims.box("my-chapter", checks)


def test_ledger_links_and_filters(folder):
    markup = claims.ledger(folder)._repr_html_()
    assert 'href="my-chapter.html#a-place"' in markup
    assert "2 of 3 claims decided" in markup
    assert "square: 4; noise: below 10<sup>−12</sup>" in markup
    assert '<span class="ngd-verdict" data-verdict="opinion">opinion</span>' in markup
    assert "T-1  holds: It is so." in repr(claims.ledger(folder))
    assert 'data-source="one" data-verdict="holds"' in markup
    assert 'aria-label="Filter the ledger" hidden' in markup  # shown by the script alone
    assert re.findall(r'<option value="([^"]+)"', markup) == ["one", "two", "holds", "opinion"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.25, "−0.25"),
        (1e-13, "below 10<sup>−12</sup>"),
        (4.4e-11, "below 10<sup>−10</sup>"),
        (-4.6e-9, "below 10<sup>−8</sup>"),
        (-3.2e-7, "−3.2 · 10<sup>−7</sup>"),
        (123456.0, "1.235 · 10<sup>5</sup>"),
        (float("inf"), "∞"),
    ],
)
def test_numbers(value, text):
    assert claims.number(value) == text
    assert claims.number(-value - 1) != text


def test_claims_made_here_stay_out_of_the_book():
    texts = {"where": "w", "paraphrase": "p", "correct": "c"}
    opinion("X-1", reasons="none", **texts)
    claim("X-2", verdict="holds", truth=1, control=2, control_name="x", **texts)(bool)
    loaded = {id for chapter in WRITTEN for id in map(id_of, claims.load_chapter(chapter))}
    assert not loaded & {"X-1", "X-2"}
    assert {c.id for c in registry._COLLECTED} >= {"X-1", "X-2"}
    registry._COLLECTED.clear()


def id_of(each):
    return each.id
