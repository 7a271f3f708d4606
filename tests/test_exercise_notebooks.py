"""The readers' notebooks: empty they give no points, filled in they give all, and they hold no
answer; `check` says in the notebook what the checker says in the page."""

import ast
import json
import re
import shutil
from functools import cache, partial

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
import sympy as sp

from ngdlib.exercises import check, solution, summary, variant
from ngdlib.exercises.judging.items import FIRST, check_item, draw, evaluate, trees
from ngdlib.exercises.judging.node import PageChecker
from ngdlib.exercises.notebook.answers import is_blank
from ngdlib.exercises.notebook.cells import is_current, source, target, variable
from ngdlib.exercises.page.code import work
from ngdlib.exercises.reading.grammar import latex
from ngdlib.exercises.sets.author import main, validate
from ngdlib.exercises.sets.files import load, public
from ngdlib.exercises.sets.hidden import hidden_of
from ngdlib.exercises.sets.objectives import objectives
from tests.conftest import ROOT

matplotlib.use("agg")

FOLDER = ROOT / "tests" / "exercise_sets"
BOOK = sorted((ROOT / "exercises").glob("*.yml"))
SETS = [*BOOK, FOLDER / "sample.yml"]
each_set = pytest.mark.parametrize("path", SETS, ids=lambda path: path.stem)


@pytest.fixture(scope="module")
def page():
    with PageChecker() as checker:
        yield checker


@cache
def data_of(path):
    return public(load(path))


@cache
def cells_of(path):
    return json.loads(source(data_of(path)))["cells"]


def typed(item, values, field):
    """A formula of the set as a reader would type it."""
    if isinstance(field, list):
        return [typed(item, values, part) for part in field]
    if not values:
        return str(field)
    return latex(trees(item, values, field), item.get("vars", {}))


def right_answer(item, values):
    kind = item["kind"]
    if kind == "choice":
        right = [o["id"] for o in item["options"] if o.get("right")]
        return right if len(right) > 1 else right[0]
    if kind == "derivation" and item["mode"] == "order":
        return [step["id"] for step in item["steps"]]
    if kind == "derivation":
        return {b["id"]: typed(item, values, b["answer"]) for b in item["blanks"]}
    return typed(item, values, item["answer"])


def wrong_answers(item, values):
    """(kind of the result, answer) for everything that an item knows to be wrong."""
    if item["kind"] == "choice":
        return [(f"known:{o['id']}", o["id"]) for o in item["options"] if not o.get("right")]
    if item["kind"] == "derivation" and item["mode"] == "order":
        first = item["steps"][0]["id"]
        return [(f"known:{d['id']}", [first, d["id"]]) for d in item.get("distractors", [])]
    if item["kind"] == "derivation":
        right = right_answer(item, values)
        return [
            (f"known:{m['id']}", {**right, blank["id"]: typed(item, values, m["match"])})
            for blank in item["blanks"]
            for m in blank["mistakes"]
        ]
    wrong = [(f"known:{m['id']}", m["match"]) for m in item["mistakes"] if "match" in m]
    if item["kind"] == "function":
        return [(kind, function_of(item, values, match)) for kind, match in wrong]
    return [(kind, typed(item, values, match)) for kind, match in wrong]


def function_of(item, values, formula):
    """A function of the item's arguments that computes a formula of their components."""
    tree, names = trees(item, values, formula), list(item["vars"])
    flat = [
        name
        for argument in item["arguments"]
        for name in (
            [argument]
            if isinstance(argument, str)
            else np.ravel(next(iter(argument.values()))).tolist()
        )
    ]
    assert set(flat) == set(names)

    def function(*arguments):
        given = [x for argument in arguments for x in np.ravel(argument)]
        return evaluate(tree, dict(zip(flat, map(float, given), strict=True)))

    return function


def run(path, answers=None):
    """Execute the notebook of a set from the top: {cell id: what its last line shows}.

    answers: {item id: answer}, typed into the answer cells; functions are put there as they are.
    """
    names, shown = {"__name__": "notebook"}, {}
    items = {item["id"].lower(): item for item in data_of(path)["items"]}
    for cell in cells_of(path):
        if cell["cell_type"] != "code":
            continue
        code, item = "".join(cell["source"]), items.get(cell["id"].removesuffix("-answer"))
        if answers and item and cell["id"].endswith("-answer"):
            answer = answers[item["id"]]
            if callable(answer):
                names[item["name"]] = answer
                continue
            code = f"{variable(item)} = {answer!r}"
        tree = ast.parse(code)
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, cell["id"], "exec"), names)
        if last:
            code = compile(ast.Expression(last.value), cell["id"], "eval")
            shown[cell["id"]] = eval(code, names)
        if cell["id"] == "set-up" and path not in BOOK:
            for name in ("check", "solution", "variant"):
                names[name] = partial(names[name], folder=path.parent)
    plt.close("all")
    return shown


# --- empty, filled in -----------------------------------------------------------------------------


@each_set
def test_an_empty_notebook_runs_and_gives_no_points(path):
    shown = run(path)
    total = shown["points"]
    items = data_of(path)["items"]
    assert total.earned == 0
    assert total.possible == sum(item["points"] for item in items)
    assert [c.name for c in total.checks] == [f"{path.stem}.{item['id']}" for item in items]
    for one in total.checks:
        assert not one.answered and one.result.score is None
        assert "Not answered yet" in one._repr_markdown_() and "Not answered yet" in repr(one)


@each_set
def test_with_the_solutions_filled_in_it_gives_all_points(path):
    hidden, answers = hidden_of(path), {}
    for item in data_of(path)["items"]:
        if item["kind"] == "function":
            answers[item["id"]] = hidden[item["id"]].oracle
        else:
            answers[item["id"]] = right_answer(item, draw(item, FIRST))
    total = run(path, answers)["points"]
    assert {c.name: c.earned for c in total.checks} == {c.name: c.possible for c in total.checks}
    assert total.earned == total.possible > 0
    assert all("✓ Right" in c._repr_markdown_() for c in total.checks)


@each_set
def test_every_known_mistake_gets_its_words(path):
    for item in data_of(path)["items"]:
        values = draw(item, "5")
        for kind, answer in wrong_answers(item, values):
            one = check(f"{path.stem}.{item['id']}", answer, seed="5", folder=path.parent)
            assert one.result.kind == kind, (item["id"], answer)
            assert one.earned < one.possible and len(one.result.feedback) > 10
            assert one.result.feedback in one._repr_markdown_()
            assert one.result.feedback in repr(one)


@each_set
def test_check_says_what_the_page_says(page, path):
    for item in data_of(path)["items"]:
        if item["kind"] == "function":
            continue
        values = draw(item, "3")
        tries = [right_answer(item, values), *(a for _, a in wrong_answers(item, values)[:1])]
        if item["kind"] in ("formula", "numeric"):
            tries += ["1/2q", "log(", "0.123", "-1"]
        for answer in tries:
            mine = check(f"{path.stem}.{item['id']}", answer, seed="3", folder=path.parent).result
            theirs = page.check(
                item,
                [answer] if isinstance(answer, str) and item["kind"] == "choice" else answer,
                values,
            )
            assert theirs[:3] == mine[:3] and theirs.position == mine.position


# --- what is committed ----------------------------------------------------------------------------


@pytest.mark.parametrize("path", BOOK, ids=lambda path: path.stem)
def test_the_book_s_sets_are_in_order_and_their_notebooks_up_to_date(page, path):
    assert [str(fault) for fault in validate(path, page)] == []
    assert is_current(path), f"{target(path).name} is stale: run `make exercises`"


def test_every_notebook_has_its_set():
    assert [f.stem for f in sorted((ROOT / "exercises").glob("*.ipynb"))] == [f.stem for f in BOOK]


def test_the_command_writes_and_compares(tmp_path):
    shutil.copytree(FOLDER, tmp_path / "sets")
    file, said = tmp_path / "sets" / "sample.yml", []
    command = [str(file)]
    assert main([*command, "--check"], said.append) == 1
    assert "run `make exercises`" in said[-1] and not target(file).exists()
    assert main(command, said.append) == 0 and f"{target(file)}: written" in said
    before = target(file).read_bytes()
    assert main(command, said.append) == 0 and f"{target(file)}: up to date" in said
    assert target(file).read_bytes() == before and main([*command, "--check"], said.append) == 0
    target(file).write_bytes(before + b"\n")
    assert not is_current(file)
    file.write_text(file.read_text(encoding="utf-8").replace("points: 3", "points: many"))
    assert main(command, said.append) == 1
    assert target(file).read_bytes() == before + b"\n", "a set with faults is not written"


# --- no answer inside -----------------------------------------------------------------------------

SHOWN = ("prompt", "starter", "after", "title", "label", "text", "tex", "because", "name", "unit")


def texts(part, keys=None):
    """The texts in a part of a set; keys: only what stands under these."""
    if isinstance(part, dict):
        for key, inner in part.items():
            yield from texts(inner, keys if keys is None or key not in keys else None)
    elif isinstance(part, list):
        for inner in part:
            yield from texts(inner, keys)
    elif keys is None and isinstance(part, str):
        yield part


def secrets(data):
    """What a notebook must not hold: worked solutions, feedback, and every answer that is not a
    part of what the reader is shown anyway."""
    kept = re.sub(r"\s+", "", " ".join(texts(data["items"], SHOWN)))
    for item in data["items"]:
        for where in (item, *item.get("blanks", [])):
            yield from texts([where.get("solution", ""), where.get("right", "")])
            for key in ("mistakes", "options", "distractors"):
                yield from (part["feedback"] for part in where.get(key, []))
            for key in ("answer", "mistakes"):
                for formula in texts(where.get(key, []), None if key == "answer" else ("match",)):
                    if re.sub(r"\s+", "", formula) not in kept:
                        yield formula


def found_in(cells, data, more=()):
    """The secrets of a set that stand in a notebook."""
    text = re.sub(r"\s+", "", "\n".join("".join(cell["source"]) for cell in cells))
    hidden = {re.sub(r"\s+", "", secret) for secret in (*secrets(data), *more)}
    return [secret for secret in hidden if len(secret) > 2 and secret in text]


@each_set
def test_no_answer_and_no_hidden_case_inside(path):
    cells, data = cells_of(path), data_of(path)
    more = ["oracle", "HIDDEN", *(p.oracle.__name__ + "(" for p in hidden_of(path).values())]
    names = {item.get("name", "") for item in data["items"]}
    more = [m for m in more if m.rstrip("(") not in names]
    assert found_in(cells, data, more) == []
    for cell in cells:
        assert cell["cell_type"] == "markdown" or not cell["outputs"]
    # an answer put into any of the cells to answer in is found
    for item in data["items"]:
        if "solution" in item:
            leaked = [*cells, {"source": ["see: ", item["solution"]]}]
            assert found_in(leaked, data, more)
    assert found_in([*cells, {"source": ["HIDDEN = {}"]}], data, more) == ["HIDDEN"]


def test_an_answer_inside_is_found():
    """Negative control: each way in which an answer could get in."""
    data, cells = data_of(FOLDER / "sample.yml"), cells_of(FOLDER / "sample.yml")
    for leak in (
        "1/(q*(1-q))",
        "q0 - eta*(q0 - 0.8)",
        "[['1/sigma^2', '0'], ['0', '2/sigma^2']]",
        "return q - eta*(q - m)",
        '"tails": "-1/(1-q)"',
        "q*(1-q)",
    ):
        assert found_in([*cells, {"source": [f"answer = {leak}"]}], data), leak


@each_set
def test_lines_of_a_derivation_do_not_stand_in_their_order(path):
    for item in data_of(path)["items"]:
        if item["kind"] == "derivation" and item["mode"] == "order":
            name = f"{item['id'].lower()}-question"
            text = next("".join(c["source"]) for c in cells_of(path) if c["id"] == name)
            steps = [step["id"] for step in item["steps"]]
            at = sorted(steps, key=lambda step: text.index(f"- `{step}`: "))
            assert at != steps and at not in item.get("alternatives", [])


# --- check by name --------------------------------------------------------------------------------

here = partial(check, folder=FOLDER)
ANSWERS = {
    "fisher-q": "1/(q(1-q))",
    "lands": "0.65",
    "gaussian": [["1/sigma^2", 0], [0, "2/sigma^2"]],
    "invariant": "flow",
    "take-a-step": lambda q, m, eta: q - eta * (q - m),
    "score": {"tails": "-1/(1-q)"},
}
BLANK = [
    "",
    "  ",
    None,
    ...,
    [],
    {},
    [["", None], [...]],
    ("", ""),
    {"tails": ""},
    {"tails": None},
    np.array(["", ""]),
    np.array([None, None]),
    set(),
    [[], []],
]


@pytest.mark.parametrize("name", ANSWERS)
def test_what_is_not_filled_in_is_not_answered_yet(name):
    for blank in BLANK:
        one = here(f"sample.{name}", blank)
        assert not one.answered and one.earned == 0 and one.result.score is None
    assert here(f"sample.{name}", ANSWERS[name], seed="1").result.kind == "equal"  # the control


@pytest.mark.parametrize("empty", [None, ...])
def test_a_function_that_is_not_written_yet(empty):
    one = here("sample.take-a-step", lambda q, m, eta: empty)
    assert not one.answered and one.earned == 0
    half = here("sample.take-a-step", lambda q, m, eta: empty if q == 0.5 else 1.0)
    assert half.answered and half.earned == 0
    assert "natural_step returns nothing yet." in repr(one)
    assert "it returns nothing." in repr(half)
    raises = here("sample.take-a-step", lambda q: None)
    assert raises.answered and "TypeError" in repr(raises)


def test_kinds_of_answers():
    q, s = sp.symbols("q sigma", positive=True)
    assert here("sample.fisher-q", 1 / q + 1 / (1 - q)).earned == 2
    assert here("sample.fisher-q", r"\frac{1}{q(1-q)}").read == r"\frac{1}{q \left(1 - q\right)}"
    assert here("sample.lands", np.float64(0.65)).earned == 1
    assert here("sample.lands", 1).result.kind != "equal"
    assert here("sample.gaussian", sp.diag(1 / s**2, 2 / s**2)).earned == 2
    assert here("sample.gaussian", "[[1/sigma^2, 0], [0, 2/sigma^2]]").earned == 2
    assert here("sample.gaussian", np.eye(2)).earned == 0
    assert here("sample.invariant", ["flow"]).earned == here("sample.invariant", "flow").earned == 1


def test_hostile_answers_are_only_wrong():
    knot = []
    knot.append(knot)
    strange = [
        knot,
        {"tails": knot},
        object(),
        b"q",
        10**400,
        float("nan"),
        np.zeros((2, 2, 2)),
        [[1, 2], [3]],
        "q" * 500,
        "(" * 99,
        "`" * 5 + "$_*<b>",
        sp.Integral(sp.Symbol("q")),
        {1, 2},
        {"other": "q"},
        ["flow", 3],
        sp.eye(3),
        True,
        dict,
        "\n1/2q\n",
    ]
    for name in ANSWERS:
        for answer in strange:
            one = here(f"sample.{name}", answer)
            assert one.earned == 0 and one.answered
            assert one._repr_markdown_() and repr(one)


def test_what_cannot_be_read_is_shown_with_a_caret():
    for name, answer in (
        ("fisher-q", "1/2q"),
        ("gaussian", [["1/sigma^2", 0], [0, "1/2sigma"]]),
        ("gaussian", "[[1, 0], [0, 1/2sigma]]"),
        ("score", {"tails": "1/2q"}),
    ):
        one = here(f"sample.{name}", answer)
        assert one.result.kind == "unreadable" and one.earned == 0
        line, mark = one.caret.split("\n")
        text = answer if isinstance(answer, str) else line
        assert line == text and line[mark.index("^") - 1 : mark.index("^") + 1] in ("2q", "2s")
        assert f"```text\n{one.caret}\n```" in one._repr_markdown_() and one.caret in repr(one)
    far = here("sample.fisher-q", "1+" * 60 + "1/2q+" + "1+" * 30 + "1")
    line, mark = far.caret.split("\n")
    assert line[mark.index("^")] == "q" and len(line) < 100 and line[0] == line[-1] == "…"
    assert here("sample.gaussian", "").caret == here("sample.invariant", "no").caret == ""


def test_the_checker_s_own_words_are_shown_as_they_are():
    def broken(q, m, eta):
        raise KeyError("a_b*c* {{eta}} <b>")

    one = here("sample.take-a-step", broken)
    assert "KeyError: 'a_b*c* {{eta}} <b>'" in repr(one)
    assert r"a\_b\*c\* \{\{eta\}\} \<b\>" in one._repr_markdown_()
    item = {**data_of(FOLDER / "sample.yml")["items"][5], "variant": {"n": {"choices": ["1", "2"]}}}
    assert "{{eta}}" in check_item(item, broken, {"n": "1"}).feedback
    blank = here("sample.score", {"tails": "1/(1-q)"})  # the set's words keep their formulas
    assert "$1-q$" in blank._repr_markdown_()


def test_a_choice_is_explained_once_it_is_right():
    wrong, right = here("sample.invariant", "gradient"), here("sample.invariant", "flow")
    for shown in (repr(wrong), wrong._repr_markdown_()):
        assert "`gradient` is wrong: It pulls back" in shown and "Its tangent" not in shown
    for shown in (repr(right), right._repr_markdown_()):
        assert "✗ `gradient`: It pulls back with the Jacobian." in shown
        assert "✓ `flow`: Its tangent" in shown and "✗ `step`: Only to first order" in shown


def test_a_bare_verdict_says_where_to_go_on():
    bare = here("sample.lands", "0.123")
    assert bare.result.feedback == "Not yet." and "Try the hint." in repr(bare)
    assert "Try the hint" not in repr(here("sample.lands", "0.123", hints=1))  # it is open
    assert "Try the hint" not in repr(here("sample.lands", "0.65"))
    assert "Try the hint" not in repr(here("sample.lands", ""))
    assert "Hint 1 of 2: free" in source(data_of(FOLDER / "sample.yml"))
    assert "Hint 2 of 2: 0.5 points" in source(data_of(FOLDER / "sample.yml"))


def test_blanks_in_the_notebook():
    item = next(
        i for i in data_of(ROOT / "exercises" / "bernoulli.yml")["items"] if i["id"] == "q3"
    )
    right = right_answer(item, {})
    names = [blank["id"] for blank in item["blanks"]]
    some = check("bernoulli.q3", {names[0]: right[names[0]], names[1]: "σ(z)"})
    assert some.answered and some.earned == 0 and some.verdict == "Not complete yet"
    said = some._repr_markdown_()
    assert "Blank 1 is right. Blank 2: That is the logistic function, not its slope." in said
    assert "Blank 3 and Blank 4 are still empty." in said


@pytest.mark.parametrize("answer", [{"problem": "1"}, "problem", ["Problem"], [None], {}])
def test_an_order_of_another_form_is_told_what_is_expected(answer):
    checked = check("natural-gradient.q3", answer)
    assert checked.result.kind in ("unreadable", "empty") and checked.result.score is None


def test_hints_cost_and_a_second_check_counts():
    first = here("sample.fisher-q", "q*(1-q)", hints=2)
    assert (first.earned, first.possible) == (0, 2)
    assert here("sample.fisher-q", "1/(q(1-q))", hints=1).earned == 2  # the first is free
    last = here("sample.fisher-q", "1/(q(1-q))", hints=2)
    assert last.earned == 1.5 and "2 hints opened" in repr(last)
    other = here("sample.invariant", "")
    total = summary(first, other, last)
    assert (total.earned, total.possible) == (1.5, 3)
    assert "| **in all** | | **1.5** | **3** |" in total._repr_markdown_()
    assert repr(total).splitlines()[-1].split() == ["in", "all", "1.5", "of", "3"]
    for wrong in (-1, 3, 0.5, "1"):
        with pytest.raises(ValueError, match="hints: expected 0 to 2, got"):
            here("sample.fisher-q", "q", hints=wrong)
    with pytest.raises(ValueError, match=r"results of check\(\), got str"):
        summary("sample.fisher-q")


def test_code_that_is_worked_in_a_page(capsys):
    """Python sends back the check's own verdict, or an error and no verdict."""
    folder, step = ROOT / "tests" / "exercise_sets", "natural_step = lambda q, m, eta: "
    for code, said in (
        ("", "'score': None, 'kind': 'empty'"),
        (step + "q - eta * (q - m)", "'score': 1.0, 'kind': 'equal'"),
        (step + "q - eta * (q - m) / (q * (1 - q))", "That is ordinary gradient descent."),
        (step + "np.nan", "'score': 0.0, 'kind': 'different'"),  # np is there
        (step + "q / 0", "it stopped with ZeroDivisionError"),
    ):
        work("sample.take-a-step", code, folder=folder)
        assert said in capsys.readouterr().out, code
    with pytest.raises(ZeroDivisionError):
        work("sample.take-a-step", "1 / 0", folder=folder)
    assert "kind" not in capsys.readouterr().out
    for name in ("sample.q1", "sample.none", "none.q1"):
        with pytest.raises(ValueError, match="name"):
            work(name, "x = 1", folder=folder)


def test_other_numbers_and_worked_solutions():
    seeds = [str(seed) for seed in range(12)]
    asked = {
        str(variant("sample.lands", seed=seed, folder=FOLDER)).split("Check it")[0]
        for seed in seeds
    }
    assert len(asked) > 3
    item = data_of(FOLDER / "sample.yml")["items"][2]
    for seed in seeds:
        values = draw(item, seed)
        text = variant("sample.lands", seed=seed, folder=FOLDER)._repr_markdown_()
        assert f"$q = {values['q0']}$" in text and "{{" not in text and f'seed="{seed}"' in text
        q, eta = float(values["q0"]), float(values["eta"])
        assert here("sample.lands", q - eta * (q - 0.8), seed=seed).earned == 1
    assert variant("sample.lands", seed=7, folder=FOLDER) == variant(
        "sample.lands", seed="7", folder=FOLDER
    )
    assert "$1/(1-q)^2$" in str(solution("sample.fisher-q", folder=FOLDER))
    with pytest.raises(ValueError, match=r"with variants \(sample.lands\), got 'sample.fit'"):
        variant("sample.fit", seed="1", folder=FOLDER)


def test_unknown_names():
    with pytest.raises(ValueError, match=r"among sample, got 'nothing\.q1'"):
        here("nothing.q1", "q")
    with pytest.raises(ValueError, match=r"expected one of sample.fisher-q, .*, got 'sample.q9'"):
        here("sample.q9", "q")
    for path in BOOK:
        with pytest.raises(ValueError, match=path.stem):
            check("nothing.q1", "q")
    assert is_blank("") and not is_blank(0) and not is_blank(np.zeros(2))


# --- objectives -----------------------------------------------------------------------------------


def test_every_objective_and_every_question_stands_in_the_table():
    notebook = json.loads((ROOT / "chapters" / "objectives.ipynb").read_text(encoding="utf-8"))
    code = "".join(notebook["cells"][-1]["source"])
    named = re.findall(r'"([a-z-]+)"', code)
    assert sorted(named) == [path.stem for path in BOOK], "a set is not on the page"
    table = objectives(*named)._repr_html_()
    points = 0
    for path in BOOK:
        data = data_of(path)
        points += sum(item["points"] for item in data["items"])
        part = table.split(f'id="objectives-{path.stem}"')[1].split("</tbody>")[0]
        assert part.count("<tr") == 1 + len(data["objectives"])
        for item in data["items"]:
            named = item["objective"]
            expected = 1 if isinstance(named, str) else len(named)
            link = f'href="{path.stem}.html#exercise-{path.stem}-{item["id"]}"'
            assert part.count(link) == expected, item["id"]
    assert f"{points:g} points</caption>" in table
    with pytest.raises(ValueError, match="got 'nothing'"):
        objectives("nothing")
