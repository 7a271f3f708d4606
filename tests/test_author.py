"""The validator of exercise sets: a sound set passes, and each thing that can be wrong is found at
its line."""

import json
import re
import shutil

import jsonschema
import pytest

from ngdlib.exercises.judging.items import check_item, draw
from ngdlib.exercises.judging.node import PageChecker
from ngdlib.exercises.sets.author import main, validate
from ngdlib.exercises.sets.files import SCHEMA, SetError, load, public, with_steps
from tests.conftest import ROOT

SETS = ROOT / "tests" / "exercise_sets"
SAMPLE = (SETS / "sample.yml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page():
    with PageChecker() as checker:
        yield checker


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(SETS, tmp_path / "sets")
    return tmp_path / "sets"


def test_the_sample_set_is_in_order(page, folder):
    assert validate(folder / "sample.yml", page) == []


def test_the_schema_is_a_schema():
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    documented = (SCHEMA.parent / "SCHEMA.md").read_text(encoding="utf-8")
    for part in schema["$defs"]["item"]["allOf"]:
        for field in part["then"].get("properties", {}):
            assert f"`{field}`" in documented, f"SCHEMA.md does not explain {field}"


FISHER = "  answer: 1/(q*(1-q))\n"
BREAKS = [
    # what to change, into what, what is said, at the line that holds ...
    ("chapter: sample", "chapter: other", "the file is called sample.yml", "chapter:"),
    ("  one_for_all: A law", "  right: A law", "why does it have no variant", "- id: fisher-q"),
    ("  points: 2\n", "  points: many\n", "'many' is not of type 'number'", "points: many"),
    ("  points: 2\n", "", "'points' is a required property", "- id: fisher-q"),
    ("  points: 2\n", "  points: 2\n  marks: 3\n", "marks: no such field", "marks: 3"),
    ("  points: 2\n", "  points: 2\n  points: 2\n", "points stands here twice", "points: 2\n  obj"),
    ("kind: choice", "kind: essay", "'essay' is not one of", "kind: essay"),
    ("title: Your numbers", "title: [", "not YAML", "prompt: The coin"),
    (
        "- id: fit",
        "- id: fisher-q",
        "another item is called fisher-q",
        "- id: fisher-q\n  kind: formula\n  points: 1",
    ),
    ("  objective: story", "  objective: tale", "tale is not declared", "objective: tale"),
    ("  objective: story", "  objective: step", "no item tests story", "{id: story,"),
    (
        "vars: {q: [0, 1]}\n  answer: 1/(q",
        "vars: {q: [1, 0]}\n  answer: 1/(q",
        "expected \\[low, high\\]",
        "vars: {q: [1, 0]}",
    ),
    (
        "vars: {q: [0, 1]}\n  answer: 1/(q",
        "vars: {log: [0, 1]}\n  answer: 1/(q",
        "already has a meaning",
        "vars: {log",
    ),
    (
        "vars: {q: [0, 1]}\n  answer: 1/(q",
        "vars: {q: [0, 1+]}\n  answer: 1/(q",
        "ends too early",
        "vars: {q: [0, 1+",
    ),
    (FISHER, "  answer: 1/2q\n", "read in two ways.*character 4", "answer: 1/2q"),
    (FISHER, "  answer: 1/(r*(1-r))\n", "not known here", "answer: 1/(r"),
    (FISHER, "  answer: 1/(q*(1-2*q))\n", "not defined at q = 0.5", "answer: 1/(q*(1-2*q))"),
    (
        FISHER,
        "  answer: q-q^2\n",
        "mistakes.variance: it is the answer itself",
        "{id: variance, match: q*",
    ),
    (
        "match: 1/q,",
        "match: q-q^2,",
        "mistakes.heads-only: the same as variance",
        "{id: heads-only, match: q-q^2",
    ),
    (
        "match: 1/q,",
        "match: 1/q+0*tan(pi/2),",
        "not to be told from|as an answer",
        "id: heads-only, match: 1/q+0",
    ),
    (
        "  - {id: square, match: 1/(q*(1-q))^2,",
        "  #",
        "at least 3 are needed, here are 2",
        "mistakes:\n  - {id: variance, match: q*",
    ),
    (
        "square it and average.",
        "so it is $\\\\frac{1}{q} + \\\\frac{1}{1-q}$.",
        "is the answer",
        "so it is",
    ),
    ("square it and average.", "it is `1/q+1/(1-q)`.", "is the answer", "it is `1/q+"),
    (
        "weight $1-q$., cost: 0.5",
        "weight $1-q$., cost: 2.1",
        "nothing is left",
        'hints:\n  - {text: "The score',
    ),
    ("$., cost: 0.5}", "$., cost: -1}", "-1 is less than the minimum of 0", "cost: -1}"),
    (
        "up_to: {additive constant: [q]}",
        "up_to: {a constant: [q]}",
        "not valid under|does not match|is not one of",
        "up_to: {a constant",
    ),
    ("up_to: {additive constant: [q]}", "where: [q - 2]", "hardly any point", "where: [q - 2]"),
    (
        "match: q0 + eta*(q0 - 0.8),",
        "match: q0 - eta*(q0 - 0.8) + 0,",
        "mistakes.uphill: it gives the right answer \\(with eta = ",
        "{id: uphill",
    ),
    (
        "answer: q0 - eta*(q0 - 0.8)",
        "answer: q0 - eta*(q0 - 0.8)/3",
        "prompt: 0.[0-9]*, the answer to 3 digits, is not accepted",
        "prompt: The coin",
    ),
    ("match: q0 + eta*(q0 - 0.8),", "match: log(q0-1),", "has no value", "match: log(q0-1)"),
    (
        'range: ["0.10", "0.50", "0.05"]',
        'range: ["0.50", "0.10", "0.05"]',
        "expected {choices",
        "variant:",
    ),
    ("$\\eta = {{eta}}$", "$\\eta$ as you like", "does not show {{eta}}", "prompt: The coin"),
    ("length {{eta*", "length {{etta*", "not known here", "{id: plain, match: q0"),
    ("times the gradient is $q - m$", "gives {{q0 - eta*(q0-0.8)}}", "is the answer", "gives {{q0"),
    (
        '[[1/sigma^2, "0"], ["0", 2/sigma^2]]',
        '[[1/sigma^2, "0"], ["0"]]',
        "rows differ in length",
        'answer: [[1/sigma^2, "0"], ["0"]]',
    ),
    (
        'match: [[sigma^2, "0"], ["0", sigma^2/2]]',
        'match: [[sigma^2, "0"]]',
        "not the shape of the answer",
        '{id: covariance, match: [[sigma^2, "0"]]',
    ),
    (
        'match: [[1/sigma^2, "0"], ["0", 1/sigma^2]]',
        'match: [[sigma^-2, "0"], ["0", 2*sigma^-2]]',
        "is the answer itself",
        "{id: no-two",
    ),
    (", right: true", "", "does not contain items matching|right", "options:"),
    (
        ", feedback: It pulls back with the Jacobian.",
        "",
        "'feedback' is a required",
        "{id: gradient",
    ),
    (
        "arguments: [q, m, eta]",
        "arguments: [q, m]",
        "components and vars differ",
        "arguments: [q, m]",
    ),
    (
        "def natural_step(q, m, eta)",
        "def step(q, m, eta)",
        "does not define natural_step",
        "starter:",
    ),
    ('towards the data mean m."""', "towards m.", "starter: not Python", "starter:"),
    ("trace = [0.1]", "trace = [0.1", "after: not Python", "after:"),
    ("- id: fit", "- id: if", "a word of Python", "- id: if"),
    ("- id: fit", "- id: Fisher_q", "too much like fisher-q", "- id: Fisher_q"),
    ("at: {q: 0.5, m: 0.8, eta: 0.1}", "at: {q: 0.5, m: 0.8}", "at must give", "{id: by-hand"),
    (
        "answer: q - eta*(q - m)",
        "answer: q - eta*(q - m)/log(-q)",
        "not finite",
        "answer: q - eta*(q - m)/log",
    ),
    (
        "match: q + eta*(q-m)",
        "match: q - eta*q + eta*m",
        "as a function it is equal",
        "{id: uphill, match: q - eta*q",
    ),
    (
        "bernoulli.score_and_fisher",
        "bernoulli.no_such_thing",
        "expected one of",
        "derivation: bernoulli.no",
    ),
    ("step: 1}", "step: 99}", "has \\d+ steps", "{id: s1, step: 99}"),
    (
        "    answer: -1/(1-q)",
        "    answer: -1/(1-2*q)",
        "not defined at q = 0.5",
        "    answer: -1/(1-2*q)",
    ),
    (
        'match: 1/(1-q), feedback: "The inner',
        'match: 1/(q-1), feedback: "The inner',
        "is the answer itself",
        "{id: sign, match: 1/(q-1)",
    ),
]


def only_what_differs(sound, broken):
    """The set with the first item and the broken ones: the others only cost time."""
    before, after = (re.split(r"(?m)^(?=- id: )", text) for text in (sound, broken))
    kept = [b for i, (a, b) in enumerate(zip(before, after, strict=True)) if i < 2 or a != b]
    return "".join(kept)


@pytest.mark.parametrize(("old", "new", "says", "line"), BREAKS, ids=lambda x: str(x)[:30])
def test_each_fault_is_found_at_its_line(page, folder, old, new, says, line):
    assert SAMPLE.count(old) >= 1
    broken = only_what_differs(SAMPLE, SAMPLE.replace(old, new, 1))
    (folder / "sample.yml").write_text(broken, encoding="utf-8")
    faults = validate(folder / "sample.yml", page)
    where = broken[: broken.index(line)].count("\n") + 1
    assert faults, "nothing was found"
    said = [f for f in faults if re.search(says, f.message)]
    assert said, [str(f) for f in faults]
    assert where in [f.line for f in said], (where, [str(f) for f in faults])
    assert str(said[0]).startswith(f"{folder / 'sample.yml'}:{said[0].line}: ")


HIDDEN = [
    ('"take-a-step": Hidden', '"no-such-item": Hidden', "no function item"),
    ("oracle=take_a_step", "oracle=missing", "NameError"),
    ("oracle=take_a_step", "oracle=ordinary", "the oracle is known:plain"),
    ('"plain": ordinary', '"plain": uphill', "uphill is known:uphill, not known:plain"),
    ('"m": rng.uniform(0, 0.1), ', "", "far 1 must give q, m, eta"),
    ("HIDDEN = {", "OTHER = {", "expected HIDDEN"),
]


@pytest.mark.parametrize(("old", "new", "says"), HIDDEN)
def test_faults_of_the_hidden_cases(page, folder, old, new, says):
    file = folder / "sample.py"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")
    faults = validate(folder / "sample.yml", page)
    assert any(says in f.message and f.path == file for f in faults), [str(f) for f in faults]
    assert all(f"{file}:{f.line}: " in str(f) for f in faults)


def test_the_public_part_is_what_the_file_says_with_the_derivation_put_in():
    loaded = load(SETS / "sample.yml")
    data = public(loaded)
    assert json.loads(json.dumps(data)) == data
    step = data["items"][-1]["steps"][0]
    assert "\\" in step["tex"] and step["because"]
    assert "oracle" not in json.dumps(data)
    item = loaded.data["items"][-1]
    with pytest.raises(ValueError, match="step"):
        with_steps({**item, "steps": [{"id": "s", "step": 99}]})


def test_formulas_stay_as_typed_and_lines_are_kept(tmp_path):
    loaded = load(SETS / "sample.yml")
    lands = loaded.data["items"][2]
    assert lands["variant"]["eta"]["range"] == ["0.10", "0.50", "0.05"] and lands["rtol"] == 1e-6
    lines = SAMPLE.splitlines()
    assert lines[loaded.line("items", 2, "answer") - 1].strip().startswith("answer: q0")
    assert loaded.line("items", 2, "no such", 3) == loaded.line("items", 2)
    (tmp_path / "x.yml").write_text(
        SAMPLE.replace("mu: [-inf, inf]", "mu: [0, 2*pi]"), encoding="utf-8"
    )
    mu = load(tmp_path / "x.yml").data["items"][3]["vars"]["mu"]
    assert mu[1] == pytest.approx(6.283185307179586)
    for bad in ("", "- 1", "a: {b: [}", "\x00", "? [a]\n: 1"):
        (tmp_path / "x.yml").write_text(bad, encoding="utf-8")
        with pytest.raises(SetError, match=r"x\.yml:1"):
            load(tmp_path / "x.yml")


def test_all_variants_are_tried_and_six_in_the_page(page, folder, monkeypatch):
    item = load(SETS / "sample.yml").data["items"][2]
    at = {"q0": "0.4", "eta": "0.15"}
    assert at not in [draw(item, str(k)) for k in range(6)]
    wrong = "match: q0 - eta*(q0 - 0.8) + (q0 - 0.4)^2 + (eta - 0.15)^2,"
    broken = only_what_differs(SAMPLE, SAMPLE.replace("match: q0 + eta*(q0 - 0.8),", wrong))
    (folder / "sample.yml").write_text(broken, encoding="utf-8")
    faults = validate(folder / "sample.yml", page)
    said = "mistakes.uphill: it gives the right answer (with eta = 0.15, q0 = 0.4)"
    assert said in [f.message for f in faults]
    asked = []
    monkeypatch.setattr(page, "check", lambda i, a, v: asked.append(v) or check_item(i, a, v))
    assert validate(SETS / "sample.yml", page) == []
    of_this = [tuple(sorted(v.items())) for v in asked if "q0" in v]
    assert len(set(of_this)) == 6


def test_a_page_that_says_something_else_is_found(page, monkeypatch):
    def other(item, answer, values):
        result = check_item(item, answer, values)
        return result._replace(wrong=()) if item["kind"] == "choice" else result

    monkeypatch.setattr(page, "check", other)
    faults = [f.message for f in validate(SETS / "sample.yml", page)]
    assert "['gradient']: Python says known:gradient, the page known:gradient" in faults


def test_ids_of_steps_do_not_tell_their_order(page, folder):
    text = SAMPLE[: SAMPLE.index("- id: score\n")] + ORDER
    (folder / "sample.yml").write_text(text, encoding="utf-8")
    assert validate(folder / "sample.yml", page) == []
    telling = text.replace("id: square", "id: a-square")
    (folder / "sample.yml").write_text(telling, encoding="utf-8")
    (fault,) = validate(folder / "sample.yml", page)
    assert "the alphabet" in fault.message
    assert fault.line == telling[: telling.index("  steps:")].count("\n") + 1


ORDER = """
- id: order
  kind: derivation
  points: 1
  objective: fisher
  title: In order
  prompt: Put the lines in order.
  mode: order
  derivation: bernoulli.score_and_fisher
  steps:
  - {id: square, tex: "s(y)^2", because: square the score}
  - {id: average, tex: "q s(1)^2 + (1-q) s(0)^2", because: average it}
  distractors:
  - {id: first, tex: "s(y)^4", because: square twice, feedback: Once is enough.}
  hints: []
  solution: Square, then average.
"""


def test_every_variant_of_the_sample_can_be_solved():
    item = load(SETS / "sample.yml").data["items"][2]
    for seed in range(40):
        values = draw(item, str(seed))
        q, eta = float(values["q0"]), float(values["eta"])
        assert check_item(item, repr(q - eta * (q - 0.8)), values).kind == "equal"
        assert (
            check_item(item, repr(q - eta * (q - 0.8) / (q * (1 - q))), values).kind
            == "known:plain"
        )


def test_the_command(folder, capsys):
    assert main([str(folder / "sample.yml")]) == 0
    assert "1 sets, 7 items, 12 points: all in order." in capsys.readouterr().out
    (folder / "sample.yml").write_text(
        SAMPLE.replace("answer: 1/(q*(1-q))", "answer: 1/2q"), encoding="utf-8"
    )
    assert main([str(folder / "sample.yml"), str(folder / "gone.yml")]) == 1
    out = capsys.readouterr().out
    line = SAMPLE[: SAMPLE.index(FISHER)].count("\n") + 1
    assert (
        f"sample.yml:{line}: answer: '1/2q'" in out and "gone.yml:1: there is no such file" in out
    )
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "--check" in capsys.readouterr().out
