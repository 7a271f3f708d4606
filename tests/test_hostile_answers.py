"""Answers as an enemy would type them: Python and the page side by side."""

import json
import random
import re

import pytest

from ngdlib.exercises.judging import items
from ngdlib.exercises.judging.intervals import WORK, Budget
from ngdlib.exercises.judging.items import check_item, constant, points
from ngdlib.exercises.judging.node import PageChecker, Unreadable
from ngdlib.exercises.reading.grammar import AnswerError, latex, parse
from tests.conftest import ROOT

PAIRS = json.loads((ROOT / "tests" / "formula_pairs.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def page():
    with PageChecker() as checker:
        yield checker


def formula(answer, domain, **more):
    return {"id": "a", "kind": "formula", "points": 1, "vars": domain, "answer": answer, **more}


def both(page, item, answer):
    mine, theirs = check_item(item, answer), page.check(item, answer)
    assert theirs[:3] == mine[:3] and theirs[4:] == mine[4:], answer
    return mine


# --- reading --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "names", "same"),
    [
        ("σ(2μσg)", ["mu", "sigma", "g"], "sigma*(2*mu*sigma*g)"),
        ("σ²(z)", ["z"], "logistic(z)^2"),
        (r"\sigma^2(z)", ["z"], "logistic(z)^2"),
        (r"\sigma^{2}\left(z\right)", ["z"], "logistic(z)^2"),
        ("σ²(1-z)", ["z", "sigma"], "sigma^2*(1-z)"),
        ("sech(z)", ["z"], "1/cosh(z)"),
        ("sech²(z)", ["z"], "(1/cosh(z))^2"),
        ("log1p(z)", ["z"], "log(1+z)"),
        ("z\u200d+\u00ad1\ufe0f", ["z"], "z+1"),
        ("zˆ2", ["z"], "z^2"),
        (r"\frac1z", ["z"], "1/z"),
        (r"\sqrt2 z", ["z"], "sqrt(2)*z"),
        (r"\mathbf{z}\,\bigg(1-z\bigg)", ["z"], "z*(1-z)"),
        ("arctanh(z)", ["z"], "artanh(z)"),
        ("x^{23}", ["x"], "x^(23)"),
    ],
)
def test_students_spellings(text, names, same, page):
    tree = parse(text, names)
    assert tree == parse(same, names)
    assert page.parse(text, names) == (tree, latex(tree, names))


@pytest.mark.parametrize(
    "text",
    "e^z/1+e^z √k(1+T) 8^1/2 2^(1)/(2) T^23 (1/6)^(1/3)^4 1/2k k^-1/2 e^-z^2/2 1/1-k k/k+T "
    "√2(1+T) z^1/2".split(),
)
def test_what_has_two_readings_is_asked_back(text, page):
    names = ["z", "k", "T"]
    with pytest.raises(AnswerError) as mine:
        parse(text, names)
    with pytest.raises(Unreadable) as theirs:
        page.parse(text, names)
    assert theirs.value.args == (mine.value.message, mine.value.position)


def test_a_polynomial_may_be_written_as_the_page_writes_it(page):
    item = formula("h^2-5*h^3/3", {"h": [0, 1]}, polynomial=True)
    assert both(page, item, "h^2 - 5/3 h^3").score == 1
    silent = formula("h^2-5*h^3/3", {"h": [0, 1]})  # the answer is one, but the prompt says nothing
    assert both(page, silent, "h^2 - 5/3 h^3").kind == "unreadable"
    assert both(page, formula("1/(2h)", {"h": [0, 1]}), "1/2 h").kind == "unreadable"


def test_names_of_the_chapter_are_accepted(page):
    item = formula("sigma(z)*(1-sigma(z))", {"z": ["-inf", "inf"]}, also={"q": "sigma(z)"})
    assert both(page, item, "q(1-q)").score == 1
    assert both(page, item, "q^2").score == 0
    assert "is not known here" in both(page, formula("z", {"z": [0, 1]}), "q").feedback


MATRIX = {"id": "m", "kind": "matrix", "points": 1, "vars": {"x": [0, 1]}, "answer": ["x", "2*x"]}


UNREADABLE = ["", "[x, 2x", "[x), 2x]", "[x, 2x,]", "[[x], [2x, 1]]", "[[]]", "[[x, 2x], [1]]"]
UNREADABLE += ["x, 2x", [], [[]], None, {"x": 1}, [["x"], []], [["x", ["y"]]]]


@pytest.mark.parametrize("text", [*UNREADABLE, r"\begin{pmatrix} x & 2x"])
def test_a_matrix_that_cannot_be_read_is_not_wrong(text):
    assert check_item(MATRIX, text).score is None


# --- deciding -------------------------------------------------------------------------------------

SLIVERS = [
    ("T", "|T-0.1|+0.1", [0, "inf"]),
    ("T", "|T-1e-7|+1e-7", [0, "inf"]),
    ("q", "q+|q-0.3|+|q-0.3001|-2|q-0.30005|", [0, 1]),
    ("1/(q(1-q))", "1/(q(1-q)) + 0*log|q-1/3|", [0, 1]),
    ("q", "q+0/(q-1/3)^2", [0, 1]),
    ("q", "q*sqrt((q-1/7)^2)/|q-1/7|", [0, 1]),
    ("q", "(|q-5000|-5000)*(-1)", [0, "inf"]),
    ("q", "q+exp(-(1000(q-0.3))^2)", [0, 1]),
    ("q", "sqrt((q-0.999)^2)+0.999-2*0", [0, 1]),
    ("x^2", "x*|x-1e-3|+1e-3*x", [0, 1]),
    ("x", "x+(|x^2-0.25|+0.25-x^2)", [0, 1]),
]


@pytest.mark.parametrize(("answer", "text", "where"), SLIVERS, ids=[s[1] for s in SLIVERS])
def test_slivers_and_holes(answer, text, where, page):
    name = re.search("[Tqx]", answer)[0]
    assert both(page, formula(answer, {name: where}), text).score == 0
    assert both(page, formula(answer, {name: where}), f"({answer})*2/2").score == 1  # the control


def test_a_millionth_and_a_ten_billionth_are_seen(page):
    """150 of the equal pairs, each a little off."""
    equal = [p for p in PAIRS if p["equal"]]
    tried = 0
    for k, pair in enumerate((equal * 2)[:150]):
        domain = {
            n: [b if b in ("inf", "-inf") else constant(parse(str(b), ())) for b in ends]
            if isinstance(ends, list)
            else ends
            for n, ends in pair["domain"].items()
        }
        off = "1e-6" if k < len(equal) else "1e-10"
        result = both(page, formula(pair["answer"], domain), f"({pair['typed']})*(1+{off})")
        assert result.score == 0 or result.kind in ("unknown", "unreadable"), pair
        tried += result.score == 0
    assert tried >= 140


# --- never hangs, never throws --------------------------------------------------------------------

NASTY = [
    "(((sqrt(2)-2^(1/2))*sqrt(3))^101)^1023",
    "1e99³",
    "((1e99^3)^3)^3",
    "tan(x^(x^(x^x)))",
    "arsinh((exp(x)-exp(x))*1e-99)",
    "((sqrt(x)-x^(1/2))*1e99)^1023",
    "arcsin(x^1024)/arcsin(x^1024)",
    "+".join(["arctan(x)"] * 30),
    "*".join(["(x+1)^9"] * 40),
    "log(exp(log(exp(x))))" * 5,
    "2^(2^(2^(2^2)))*x",
    "arctan(2^(2^(2^(2^2))))",
    "2^1023",
    "-2^1023",
]
ITEMS = [
    formula("x^3+1", {"x": [0, 1]}, mistakes=[{"id": "b", "match": "1/x", "feedback": "B."}]),
    formula("sqrt(x)*log(1+x)", {"x": [0, "inf"]}),
    formula("2*x/y", {"x": [0, "inf"], "y": [0, "inf"]}),
    formula("x^2", {"x": [-1, 1]}, up_to="constant factor"),
    formula("x^2", {"x": [-1, 1]}, up_to="additive constant"),
    {"id": "n", "kind": "numeric", "points": 1, "answer": "2/3"},
    {**MATRIX, "answer": [["x", "1"], ["0", "1/x"]]},
]


def _answer(item, text):
    return [[text, "1"], ["0", text]] if item["kind"] == "matrix" else text


@pytest.mark.parametrize("text", NASTY, ids=lambda t: t[:30])
def test_work_is_limited(text, page, monkeypatch):
    made = []

    class Counted(Budget):
        def __init__(self, units=WORK):
            super().__init__(units)
            made.append((self, units))

    monkeypatch.setattr(items, "Budget", Counted)
    for item in ITEMS:
        made.clear()
        both(page, item, _answer(item, text))
        spent = [units - max(budget.left, 0) for budget, units in made if units <= WORK]
        assert sum(spent) <= WORK


def test_mutants_are_judged_alike(page):
    rng = random.Random(8)
    grow = ["({0})^1023", "({0})*1e99", "exp({0})", "({0})-({0})", "log|{0}|", "1/({0})", "√({0})"]
    grow += ["arctan({0})", "({0})^({0})", "sin(1e9*({0}))", "({0})/({0})", "logit({0})"]
    pool, graded = [*NASTY, "x", "x^3+1", "sqrt(x)*log(1+x)"], 0
    for _ in range(250):
        text = rng.choice(pool)
        if rng.random() < 0.6:
            text = rng.choice(grow).format(text)
        for _ in range(rng.randrange(3)):
            at = rng.randrange(len(text) + 1)
            text = text[:at] + rng.choice("x()^*/+-12.e√²|σ\u200d") + text[at + rng.randrange(2) :]
        item = rng.choice(ITEMS)
        graded += both(page, item, _answer(item, text)).score is not None
        if len(text) < 200:
            pool.append(text)
    assert graded > 15


class _Silent(BaseException):
    def __str__(self):
        raise RuntimeError


@pytest.mark.parametrize("error", [SystemExit(1), GeneratorExit(), _Silent(), KeyboardInterrupt()])
def test_whatever_a_function_raises_is_named(error):
    item = {"id": "f", "kind": "function", "name": "f", "points": 1, "arguments": ["x"]}
    item |= {"vars": {"x": [0, 1]}, "answer": "x", "cases": [{"id": "a", "at": {"x": 0.5}}]}

    def f(x):
        raise error

    result = check_item(item, f)
    assert result.kind == "error" and not result.score
    named = "interrupted" if isinstance(error, KeyboardInterrupt) else type(error).__name__
    assert named in result.feedback


# --- feedback is tutoring -------------------------------------------------------------------------


QM = {"q": [0, 1], "m": [0, 1]}


@pytest.mark.parametrize(
    ("answer", "domain", "text", "kind", "score", "words"),
    [
        ("h^2-5h^3/3", {"h": [0, 1]}, "h²/2-(5/3)h³", "terms", 0.5, "in $h^{3}$ is right; the"),
        ("h^2-5h^3/3", {"h": [0, 1]}, "h²/2-(5/3)h³", "terms", 0.5, "1/2 times what is asked"),
        ("2x*y+y", {"x": [0, 1], "y": [0, 1]}, "2x*y-y", "terms", 0.5, "the wrong sign"),
        ("sin(x)+log(x)", {"x": [0, 1]}, "sin(x)-log(x)", "terms", 0.5, "the wrong sign"),
        # one right among more that are wrong is there by chance
        ("(q(1-q))^2", QM, "(m-q)^2", "terms", 0, "The term in $q^{2}$ is right"),
        ("(q(1-q))^2", QM, "q^2", "terms", 0, "the term in $q^{3}$ is missing"),
        ("q(1-q)(m-q)", QM, "q(1-q)m", "terms", 0.5, "the term in $q^{2}$ is missing"),
        ("1-q*m^2", QM, "1-m^2", "terms", 0, "The constant term is right"),
        ("2/sigma^2", {"sigma": [0, "inf"]}, "2/sigma", "power", 0, r"power of $\sigma$"),
        ("1/(q(1-q))", {"q": [0, 1]}, "4+q", "limit", 0, r"As $q \to 0$ the answer grows"),
        ("1/(q(1-q))", {"q": [0, 1]}, "1/(q(1-q))+sin(9q)", "different", 0, "At q ="),
        # a limit is told of what moves the answer, with the names that are seen, where it says more
        ("v/s", {"g": [0, 1], "v": [0, "inf"], "s": [0, 1]}, "log(s)", "limit", 0, "(at $s = "),
        ("exp(h)", {"h": [-0.5, 0.5]}, "0", "different", 0, "At h ="),
    ],
)
def test_what_is_right_and_what_is_off(answer, domain, text, kind, score, words, page):
    result = both(page, formula(answer, domain), text)
    assert (result.kind, result.score) == (kind, score) and words in result.feedback


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("0.6137", "known:z"),
        ("0.614", "known:z"),
        ("0.61", "known:z"),
        ("0.6", "different"),  # one digit is of many numbers
        ("0.62", "different"),
        ("-1.39", "known:start"),
        ("1.39", "different"),
        ("0.65", "digits"),  # what is right comes first
        ("0.649", "equal"),
    ],
)
def test_a_mistake_is_known_when_it_is_rounded(text, kind, page):
    mistakes = [("z", "log(1/4)+2"), ("start", "log(1/4)"), ("near", "0.6512"), ("huge", "1e30")]
    item = {
        "id": "a",
        "kind": "numeric",
        "points": 1,
        "answer": "1/(1+4exp(-2))",
        "mistakes": [{"id": n, "match": m, "feedback": "That is it."} for n, m in mistakes],
    }
    assert both(page, item, text).kind == kind


def test_components_in_words(page):
    result = both(page, MATRIX, [["x", "x"]])
    assert result.score == 0.5
    assert result.feedback.startswith("The first component is right. The second component is not")


def test_every_chosen_wrong_option_is_explained(page):
    options = [{"id": i, "text": i, "feedback": f"About {i}."} for i in "abc"]
    options[0]["right"] = True
    item = {"id": "c", "kind": "choice", "points": 1, "options": options}
    result = both(page, item, ["a", "b", "c"])
    assert result.wrong == ("b", "c")
    assert "About b." in result.feedback and "About c." in result.feedback


def test_any_order_that_respects_what_is_needed_is_right(page):
    steps = [{"id": "F", "needs": [], "because": "the metric"}, {"id": "C", "needs": []}]
    steps += [{"id": "E", "needs": ["F", "C"], "without": "Both are used here."}]
    item = {"id": "o", "kind": "derivation", "mode": "order", "points": 1, "steps": steps}
    for order in (["F", "C", "E"], ["C", "F", "E"]):
        assert both(page, item, order).score == 1
    result = both(page, item, ["C", "E", "F"])
    assert result.score == 1 / 3 and result.wrong == ("E", "F")
    assert "uses “the metric”" in result.feedback and "Both are used here." in result.feedback
    assert both(page, item, ["C", "F"]).kind == "incomplete"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (["a", "B"], "“B” is not known here."),
        (["a", 1], "“1” is not known here."),
        ("a, b", "A list of steps is expected."),
        ({"a": "b"}, "A list of steps is expected."),
    ],
)
def test_a_line_that_is_none_is_named(answer, words, page):
    steps = [{"id": n, "tex": n, "because": n} for n in "abc"]
    item = {"id": "a", "kind": "derivation", "mode": "order", "points": 1, "steps": steps}
    result = both(page, item, answer)
    assert (result.kind, result.feedback) == ("unreadable", words)


def test_lines_in_order_earn_their_share_up_to_the_first_wrong_one(page):
    steps = [{"id": name} for name in "abcde"]
    lure = {"id": "x", "tex": "x", "because": "", "feedback": "No."}
    item = {"id": "o", "kind": "derivation", "mode": "order", "points": 5, "steps": steps}
    item["distractors"] = [lure, {**lure, "id": "y", "score": 0.1}]
    for order, kind, right in (
        ("abcd", "incomplete", 4),
        ("abced", "order", 3),
        ("ab", "incomplete", 2),
        ("baced", "order", 0),
        ("abcdx", "known:x", 4),
        ("xabcd", "known:x", 0),
        ("abcdy", "known:y", 0.5),  # a share of its own
    ):
        result = both(page, item, list(order))
        assert (result.kind, round(points(item, result), 9)) == (kind, right), order
    assert both(page, item, list("abcdex")).score == 5 / 6, "a line too many is not right"
    assert both(page, {**item, "partial": {"order": 0.25}}, list("abced")).score == 0.25


def test_close_is_only_within_rounding(page):
    item = {"id": "n", "kind": "numeric", "points": 1, "answer": "0.68123", "rtol": 1e-3}
    assert both(page, item, "0.68").kind == "digits"
    assert both(page, item, "0.6786").kind == "different"
    assert both(page, item, "0.6795").kind == "close"
    assert both(page, item, "0.6812").score == 1


def test_the_first_nudge_is_free():
    item = {"points": 2, "hints": [{"cost": 0}, {"cost": 0.5}]}
    right = check_item({"id": "n", "kind": "numeric", "points": 2, "answer": "1"}, "1")
    assert [points(item, right, k) for k in (0, 1, 2)] == [2, 2, 1.5]


@pytest.mark.parametrize("text", ["Λ", r"\Lambda", "Lambda"])
def test_capital_greek_is_read_as_the_page_writes_it(text, page):
    tree = parse(text, ["Lambda"])
    assert tree == ("var", "Lambda") and latex(tree, ["Lambda"]) == r"\Lambda"
    assert page.parse(text, ["Lambda"]) == (tree, r"\Lambda")


def test_a_reply_gives_no_factor_away_and_makes_none_up(page):
    item = formula("(r*(1-r)+(q-r)^2)/(q*(1-q))", {"q": [0, 1], "r": [0, 1]})
    for answer in ("1/(q(1-q))", "2", "r/q"):  # the first factor was named, as what is off
        assert "(q - r)" not in both(page, item, answer).feedback.replace("\\left", "")
        assert both(page, item, answer).kind != "power"
    assert both(page, item, "(r(1-r)+(q-r)^2)/q").kind == "power"
    numbers = {**MATRIX, "vars": {}, "answer": [["10", "-3"], ["-3", "1"]]}
    assert "term" not in both(page, numbers, [["1", "0"], ["0", "1"]]).feedback
