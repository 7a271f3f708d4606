"""Reading and comparing formulas: one file of vectors for Python and JavaScript, and fuzz."""

import gzip
import json
import math
import re

import mpmath
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from book.scripts import exercises_script, minify
from ngdlib.exercises.judging import intervals
from ngdlib.exercises.judging.compare import CORE, KINDS, compare, nice, sample, show
from ngdlib.exercises.judging.dice import dice, fnv1a
from ngdlib.exercises.judging.intervals import PRECISIONS, Budget, enclose
from ngdlib.exercises.judging.items import (
    FEEDBACK,
    check_item,
    constant,
    draw,
    fill,
    points,
)
from ngdlib.exercises.judging.node import SCRIPTS, PageChecker, Unreadable
from ngdlib.exercises.reading import grammar
from ngdlib.exercises.reading.given import read, read_rows
from ngdlib.exercises.reading.grammar import AnswerError, latex, parse
from tests.conftest import ROOT

VECTORS = json.loads((ROOT / "tests" / "exercise_vectors.json").read_text(encoding="utf-8"))
PACKAGE = ROOT / "ngdlib" / "exercises"


@pytest.fixture(scope="module")
def page():
    with PageChecker() as checker:
        yield checker


def verdict(case):
    names = list(case["domain"])
    where = [parse(w, names) for w in case.get("where", [])]
    student, answer = parse(case["student"], names), parse(case["answer"], names)
    return compare(student, answer, case["domain"], where, case.get("up_to"))


def page_verdict(page, case):
    where = case.get("where", [])
    return page.compare(case["student"], case["answer"], case["domain"], where, case.get("up_to"))


def complaint(text, names):
    with pytest.raises(AnswerError) as caught:
        parse(text, names)
    return caught.value


# --- the vectors ----------------------------------------------------------------------------------


def test_there_are_enough_vectors_of_every_kind():
    pairs = VECTORS["pairs"]
    assert len(pairs) >= 200 and len(VECTORS["unreadable"]) >= 100 and len(VECTORS["items"]) >= 60
    assert {c["kind"] for c in pairs} == set(KINDS)
    assert len({json.dumps(c) for c in pairs}) == len(pairs)


@pytest.mark.parametrize(
    "case", VECTORS["pairs"], ids=lambda c: f"{c['student']}|{c['answer']}"[:60]
)
def test_pair(case, page):
    mine = verdict(case)
    assert (mine.equal, mine.kind) == (case["equal"], case["kind"])
    theirs = page_verdict(page, case)
    assert theirs[:2] == mine[:2] and theirs.detail == mine.detail
    assert (mine.witness is None) == (theirs.witness is None)
    if mine.witness:
        assert theirs.witness.point == mine.witness.point
        for a, b in zip(mine.witness[1:3], theirs.witness[1:3], strict=True):
            assert (a is None and b is None) or math.isclose(a, b, rel_tol=1e-14)


@pytest.mark.parametrize("case", VECTORS["unreadable"], ids=lambda c: ascii(c["text"])[:40])
def test_unreadable(case, page):
    error = complaint(case["text"], case["names"])
    assert error.position == case["position"]
    assert error.message == case.get("message", error.message)
    assert 8 < len(error.message) < 120 and error.message[-1] in ".?"
    with pytest.raises(Unreadable) as caught:
        page.parse(case["text"], case["names"])
    assert caught.value.args == (error.message, error.position)
    line, caret = error.caret(case["text"]).rsplit("\n", 1)
    assert caret.index("^") == case["position"] <= len(line)


@pytest.mark.parametrize(
    "case", VECTORS["items"], ids=lambda c: f"{c['item']['id']} {c['answer']}"[:60]
)
def test_item(case, page):
    mine = check_item(case["item"], case["answer"], case["values"])
    assert (mine.score, mine.kind) == (case["score"], case["kind"])
    theirs = page.check(case["item"], case["answer"], case["values"])
    assert theirs[:3] == mine[:3] and theirs[4:] == mine[4:]
    assert "{" not in mine.feedback and mine.feedback
    assert mine.feedback == case.get("feedback", mine.feedback)
    assert list(mine.wrong) == case.get("wrong", list(mine.wrong))


PAIRS = json.loads((ROOT / "tests" / "formula_pairs.json").read_text(encoding="utf-8"))


def test_pairs_written_without_sight_of_the_checker(page):
    """120 equal and 120 different pairs of formulas, each decided by its author with mpmath."""

    def right(pair):
        domain = {  # ends such as pi/2 are read as in a set
            name: [b if b in ("inf", "-inf") else constant(parse(str(b), ())) for b in ends]
            if isinstance(ends, list)
            else ends
            for name, ends in pair["domain"].items()
        }
        item = {"id": "pair", "kind": "formula", "points": 1, "vars": domain, "mistakes": []}
        item["answer"] = pair["answer"]
        mine, theirs = check_item(item, pair["typed"]), page.check(item, pair["typed"])
        return mine.kind == theirs.kind and (mine.score == 1, mine.score is None) == (
            pair["equal"],
            False,
        )

    assert [p["typed"] for p in PAIRS if not right(p)] == []
    assert [p["equal"] for p in PAIRS].count(True) == 120 == len(PAIRS) / 2
    swapped = [{**p, "equal": not p["equal"]} for p in PAIRS]
    assert not any(right(p) for p in swapped)


def test_a_division_by_zero_between_the_points_is_found(page):
    for text in "x(x-1/3)/(x-1/3)", "tan(2x)*x/tan(2x)", "x*(x-1/7)*(x-1/7)^-1":
        item = {"id": "a", "kind": "formula", "points": 1, "vars": {"x": [0, 1]}, "answer": "x"}
        result = check_item(item, text)
        assert result.kind == "domain" and "division by zero" in result.feedback, text
        assert page.check(item, text).feedback == result.feedback
    # a denominator without a change of sign, and an answer with the same gap, are left alone
    assert check_item({**item, "answer": "x"}, "x*(x^2+1)/(x^2+1)").score == 1
    assert check_item({**item, "answer": "1/(3x-1)"}, "2/(6x-2)").score == 1


def test_the_vectors_can_fail():
    wrong = 0
    for case in VECTORS["pairs"]:
        if case["equal"] and case["domain"]:
            name = next(iter(case["domain"]))
            changed = {**case, "student": f"({case['student']})*(1+({name})^2/10^9)"}
            with_error = verdict(changed)
            wrong += (
                with_error.equal is True
                and compare(
                    parse(case["answer"], case["domain"]), parse("0", ()), case["domain"]
                ).equal
                is not True
                and not case.get("up_to")
            )
    assert wrong == 0


def test_the_script_of_the_page_gives_the_same_results(tmp_path):
    """The very file that the site serves: checker and page in one, minified."""
    script = tmp_path / "page.js"
    script.write_text(exercises_script(), encoding="utf-8")
    with PageChecker(script) as page:
        for case in VECTORS["pairs"]:
            assert page_verdict(page, case)[:2] == (case["equal"], case["kind"])
        for case in VECTORS["unreadable"]:
            with pytest.raises(Unreadable) as caught:
                page.parse(case["text"], case["names"])
            assert caught.value.args[1] == case["position"]
        for case in VECTORS["items"]:
            result = page.check(case["item"], case["answer"], case["values"])
            assert (result.score, result.kind) == (case["score"], case["kind"])


def test_the_script_of_the_page_is_small():
    assert len(gzip.compress(exercises_script().encode(), 9)) <= 25_600


def test_minifying():
    assert minify("function twice(number) { /* a */ return 2 * number - -1; }\n") == (
        "function twice(n){return 2*n- -1}\n"
    )
    with pytest.raises(RuntimeError, match="terser"):
        minify("function (")


# --- no way to run code ---------------------------------------------------------------------------


def test_nothing_evaluates_text():
    banned = re.compile(
        r"\b(eval|exec|sympify|parse_expr|lambdify|Function)\s*\(|(?<!re\.)\bcompile\(|__import__"
    )
    files = [*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.js")]
    files.remove(PACKAGE / "classroom" / "worker.py")  # a student's code, in its sandbox
    files.remove(PACKAGE / "page" / "code.py")  # the reader's own, in the Python of their own cells
    assert len(files) >= 8
    for file in files:
        found = banned.findall(file.read_text(encoding="utf-8"))
        assert not found, f"{file.name}: {found}"
    for bad in (
        "x = eval(text)",
        "sympy.sympify (s)",
        "new Function('x')",
        "compile(s, '', 'eval')",
    ):
        assert banned.search(bad)


ATTACKS = [
    "__import__('os').system('touch owned')",
    "().__class__.__bases__[0].__subclasses__()",
    "eval('1')",
    "exec(1)",
    "open('/etc/passwd').read()",
    "lambda: 0",
    "9**9**9",
    "9^9^9^9^9",
    "2^(10^9)*0",
    "e^e^e^e^e^e",
    "(" * 10_000,
    "[" * 5_000 + "]" * 5_000,
    "|" * 400,
    "-" * 400,
    "√" * 400,
    "\\frac" * 60,
    "\\" * 400,
    "²" * 400,
    "p^" * 199 + "p",
    "((" * 19 + "p" + "))" * 19,
    "1e99^1e99",
    "p" * 400,
    "constructor",
    "__proto__",
    "toString(p)",
    "p.constructor.constructor('return 1')()",
    "${p}",
    "<img src=x onerror=alert(1)>",
    "\u202e\u2066p",
    "\x00" * 50,
    "1" * 400,
    "sin(" * 39 + "p" + ")" * 39,
    "+".join(["tan(p^p)"] * 44),
]


@pytest.mark.parametrize("text", ATTACKS, ids=lambda t: ascii(t)[:30])
def test_attacks_end_and_earn_nothing(text, page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    item = {"id": "a", "kind": "formula", "vars": {"p": [0, 1]}, "answer": "p^3+1"}
    result = check_item(item, text)
    assert not result.score
    assert page.check(item, text)[:3] == result[:3]
    assert not list(tmp_path.iterdir())


def test_the_budget_stops_a_comparison():
    domain = {"p": (0, 1)}
    long = parse("*".join(["√p"] * 80) + "*0*tan(pi/2)", domain)
    assert "operations" in compare(long, parse("p", domain), domain).detail
    with pytest.raises(intervals.OutOfBudget):
        enclose(long, {"p": 0.5}, PRECISIONS[0], Budget(50))


# --- reading --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "case",
    [c for c in VECTORS["pairs"] if c["group"] in ("reading", "equal", "different")],
    ids=lambda c: c["student"][:50],
)
def test_latex_is_read_again_as_the_same_formula(case, page):
    names = list(case["domain"])
    tree = parse(case["student"], names)
    shown = latex(tree, names)
    assert page.parse(case["student"], names) == (tree, shown)
    again = parse(shown, names)
    assert latex(again, names) == shown
    if case["kind"] != "reference":
        assert compare(again, tree, case["domain"]).equal is True


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("1/(p(1-p))", r"\frac{1}{p \left(1 - p\right)}"),
        ("2*3p", r"2 \cdot 3 p"),
        ("-p^2", "-p^{2}"),
        ("2^3^2", "2^{3^{2}}"),
        ("sqrt(p)/2", r"\frac{\sqrt{p}}{2}"),
        ("1e-3*p", r"10^{-3} p"),
        ("2.5e3", r"2.5 \cdot 10^{3}"),
        ("log(p)^2", r"\left(\log\left(p\right)\right)^{2}"),
        ("μ_1", r"\mu_{1}"),
        ("|p-1|", r"\left|p - 1\right|"),
        ("p-(1-p)", r"p - \left(1 - p\right)"),
        ("sigma(p)", r"\sigma\left(p\right)"),
    ],
)
def test_latex(text, shown):
    assert latex(parse(text, ["p", "mu_1"])) == shown


def test_the_logistic_function_is_written_out_where_sigma_is_a_variable():
    tree = parse("logistic(z)+σ(1-z)", ["z", "sigma"])  # a declared name is no function
    assert tree == parse("logistic(z)+σ*(1-z)", ["z", "sigma"])
    shown = latex(tree, ["z", "sigma"])
    assert r"\operatorname{logistic}\left(z\right)" in shown
    assert parse(shown, ["z", "sigma"]) == tree


def test_names_are_checked():
    for names in (
        "pq",
        ["1p"],
        ["e"],
        ["log"],
        ["p", "p"],
        ["mu1", "mu_1"],
        [f"x{i}" for i in range(13)],
    ):
        with pytest.raises(ValueError, match="names"):
            parse("1", names)
    assert parse("sigma + pi", ["sigma", "pi"]) == ("+", ("var", "sigma"), ("var", "pi"))
    with pytest.raises(ValueError, match="text"):
        parse(3, [])


@pytest.mark.parametrize(
    ("limit", "inside", "outside"),
    [
        ("length", "p" + "+p" * 124, "p" * 401),
        ("depth", "(" * 40 + "p" + ")" * 40, "(" * 41 + "p" + ")" * 41),
        ("nodes", "p" + "+p" * 124, "p" + "+p" * 125),
        ("digits", "1" * 20, "1" * 21),
        ("zeros before them", "0." + "0" * 30 + "1" * 20, "0." + "0" * 30 + "1" * 21),
    ],
)
def test_limits(limit, inside, outside):
    parse(inside, ["p"])
    complaint(outside, ["p"])


# --- intervals ------------------------------------------------------------------------------------

mp_functions = {
    "exp": mpmath.exp, "log": mpmath.log, "sqrt": mpmath.sqrt, "sin": mpmath.sin, "cos": mpmath.cos,
    "tan": mpmath.tan, "cot": mpmath.cot, "sinh": mpmath.sinh, "cosh": mpmath.cosh,
    "tanh": mpmath.tanh, "arcsin": mpmath.asin, "arccos": mpmath.acos, "arctan": mpmath.atan,
    "abs": abs, "logistic": lambda x: 1 / (1 + mpmath.exp(-x)),
    "logit": lambda x: mpmath.log(x / (1 - x)),
}  # fmt: skip


@pytest.mark.parametrize("name", mp_functions)
@pytest.mark.parametrize("bits", PRECISIONS)
def test_enclosures_contain_the_value_and_are_narrow(name, bits):
    for x in (1 / 1024, 0.25, 0.7310585786300049, 1 - 2**-20):
        low, high = enclose(("fn", name, ("var", "x")), {"x": x}, bits, Budget())
        with mpmath.workprec(bits + 200):
            value = mp_functions[name](mpmath.mpf(x))
            low, high = mpmath.make_mpf(low), mpmath.make_mpf(high)
            assert low <= value <= high
            assert high - low <= abs(value) * mpmath.mpf(2) ** (25 - bits)
            assert not low <= value * (1 + mpmath.mpf(2) ** (30 - bits)) <= high


@given(st.sampled_from(sorted(mp_functions)), st.integers(1, 2**20 - 1), st.integers(-3, 3))
def test_enclosures_in_python_and_javascript_meet(page, name, k, shift):
    """The difference of f(x) and its first 19 digits is the same to 4 digits in both."""
    x = k / 2**20 * 2.0**shift
    if name in ("arcsin", "arccos", "logit") and x >= 1:
        return
    with mpmath.workdps(90):
        value = mp_functions[name](mpmath.mpf(x))
        digits = mpmath.nstr(abs(value), 19, min_fixed=0, max_fixed=0)
    sign = "-" if value < 0 else ""
    text = f"{name}(x)-({sign}{digits})"
    a = compare(parse(text, ["x"]), parse("0", []), {"x": {"values": [x]}})
    b = page.compare(text, "0", {"x": {"values": [x]}})
    assert a.equal == b.equal and a.kind == b.kind
    assert show(a.witness.yours) == show(b.witness.yours) if a.witness else a.equal


# --- the verdict, on formulas nobody wrote --------------------------------------------------------

NAMES = ["p", "q"]
DOMAIN = {"p": [0, 1], "q": [0.5, 3]}
leaves = st.sampled_from(["p", "q", "1", "2", "3", "1/2", "0.1", "pi", "e"])


def grow(children):
    two = st.tuples(children, st.sampled_from("+-*/"), children)
    return st.one_of(
        two.map(lambda t: f"({t[0]}){t[1]}({t[2]})"),
        st.tuples(children, st.sampled_from(["2", "-1", "1/2", "3"])).map(
            lambda t: f"({t[0]})^({t[1]})"
        ),
        st.tuples(
            st.sampled_from(["exp", "log", "sqrt", "sin", "tanh", "sigma", "arctan", "abs"]),
            children,
        ).map(lambda t: f"{t[0]}({t[1]})"),
        children.map(lambda t: f"-({t})"),
    )


formulas = st.recursive(leaves, grow, max_leaves=8).filter(lambda t: len(t) < 150)

REWRITES = [
    ("{a}+({b})", "({b})+{a}"),
    ("{a}*({b})", "({b})*{a}"),
    ("({a}+{b})^2", "({a})^2+2*({a})*({b})+({b})^2"),
    ("({a}-{b})*({a}+{b})", "({a})^2-({b})^2"),
    ("exp({a})*exp({b})", "exp({a}+({b}))"),
    ("{a}-({b})", "-(({b})-({a}))"),
    ("sin({a})^2+cos({a})^2", "1+0*({a})"),
    ("sigma({a})", "1-sigma(-({a}))"),
    ("tanh({a})", "2*sigma(2*({a}))-1"),
    ("1/(1+({a})^2)", "(1+({a})^2)^-1"),
    ("log(1+({a})^2)*2", "log((1+({a})^2)^2)"),
    ("sqrt(1+({a})^2)", "(1+({a})^2)^(1/2)"),
    ("|{a}|", "sqrt(({a})^2)"),
]


def wrapped(template, a, b):
    return template.replace("{a}", f"({a})").replace("{b}", f"({b})")


@settings(max_examples=80)
@given(formulas, formulas, st.sampled_from(REWRITES))
def test_rewritten_formulas_are_never_different(page, a, b, rewrite):
    left, right = (wrapped(side, a, b) for side in rewrite)
    try:
        x, y = parse(left, NAMES), parse(right, NAMES)
    except AnswerError:
        return  # beyond the limits on length or depth
    v = compare(x, y, DOMAIN)
    assert v.equal is not False, (left, right, v)
    assert page.compare(left, right, DOMAIN)[:2] == v[:2]


@settings(max_examples=80)
@given(formulas, st.sampled_from(["({a})*(1+p/10^12)", "({a})+p*q/10^15", "({a})*(1+sin(q)/10^9)"]))
def test_perturbed_formulas_are_never_equal(page, a, change):
    changed = change.replace("{a}", a)
    tree, other = parse(a, NAMES), parse(changed, NAMES)
    v = compare(other, tree, DOMAIN)
    assert page.compare(changed, a, DOMAIN)[:2] == v[:2]
    if v.equal is True:  # only what the perturbation does not move: 0, and things it underflows in
        assert compare(tree, parse("0", []), DOMAIN).equal is True and "+p*q" not in change


@settings(max_examples=100)
@given(formulas, formulas)
def test_python_and_javascript_agree_on_any_two_formulas(page, a, b):
    mine = compare(parse(a, NAMES), parse(b, NAMES), DOMAIN)
    theirs = page.compare(a, b, DOMAIN)
    assert theirs[:2] == mine[:2] and theirs.detail == mine.detail


ALPHABET = "pq12.e()[]{}|^*/+-−·²√σ \\_,%=" + "½μ₁"
PIECES = st.sampled_from(
    [
        "log",
        "exp(",
        "sin",
        "\\frac{",
        "}{",
        "}",
        "sigma(",
        "mu_1",
        "pq",
        "**",
        "1/2p",
        "(1-p)",
        "^-1",
    ]
)
typed = st.lists(st.one_of(st.sampled_from(ALPHABET), PIECES), max_size=25).map("".join)


@settings(max_examples=250)
@given(st.one_of(typed, st.text(max_size=40)))
def test_any_text_is_read_alike_or_refused_alike(page, text):
    names = ["p", "q", "mu_1"]
    try:
        tree = parse(text, names)
    except AnswerError as error:
        assert 0 <= error.position <= len(text)
        with pytest.raises(Unreadable) as caught:
            page.parse(text, names)
        assert caught.value.args == (error.message, error.position)
    else:
        assert page.parse(text, names) == (tree, latex(tree, names))
        assert parse(latex(tree, names), names) is not None


# --- points, numbers, variants --------------------------------------------------------------------


def test_points_are_in_the_domain_and_the_first_is_easy_to_check_by_hand():
    domain = {
        "p1": [0, 1],
        "p2": [0, 1],
        "x": ["-inf", "inf"],
        "s": [0, "inf"],
        "n": {"integers": [2, 5]},
    }
    drawn = sample(domain, [parse("1-p1-p2", domain)], "seed")
    assert drawn.core == CORE and len(drawn.points) > 25
    for point in drawn.points:
        assert 0 < point["p1"] and 0 < point["p2"] and point["p1"] + point["p2"] < 1
        assert point["s"] > 0 and point["n"] in (2, 3, 4, 5) and math.isfinite(point["x"])
    assert sample({"p": [0, 1]}).points[0] == {"p": 0.25}
    assert any(x["p"] == 0.5 for x in sample({"p": [0, 1]}).points)
    assert sample({"x": [1000, 1000.5]}).points[0]["x"] > 1000


def test_bad_domains_are_refused():
    for bad in (
        {"p": [1, 0]},
        {"p": "01"},
        {"p": {"values": []}},
        {"n": {"integers": [3, 1]}},
        [0, 1],
    ):
        with pytest.raises(ValueError, match="domain"):
            compare(parse("1"), parse("1"), bad)
    with pytest.raises(ValueError, match="up_to"):
        compare(parse("1"), parse("1"), {"p": [0, 1]}, up_to="a constant")


def test_dice_is_the_published_generator():
    assert fnv1a("") == 0x811C9DC5 and fnv1a("a") == 0xE40C292C
    rolls = [dice("bernoulli.q1/7")() for _ in range(2)]
    assert rolls[0] == rolls[1] and 0 <= rolls[0] < 1
    many = np.array([r() for r in [dice("x")] for _ in range(4000)])
    assert abs(many.mean() - 0.5) < 0.02 and abs(many.var() - 1 / 12) < 0.01


VARIED = {
    "id": "b.q1", "kind": "numeric", "points": 1, "answer": "eta*k", "rtol": 1e-3,
    "variant": {"eta": {"range": ["0.1", "0.9", "0.1"]}, "k": {"choices": [2, 5, "-0.5"]},
                "m": {"range": [-1, 1, "0.25"]}},
}  # fmt: skip


@given(st.text(max_size=12))
def test_variants_are_drawn_alike(page, seed):
    values = draw(VARIED, seed)
    assert page.draw(VARIED, seed) == values
    assert values["eta"] in [f"0.{k}" for k in range(1, 10)] and values["k"] in ("2", "5", "-0.5")
    assert -1 <= float(values["m"]) <= 1 and "e" not in values["m"]
    text = "η = {{eta}}, squared {{eta^2}}, {{ k }}"
    assert fill(text, values) == page.fill(text, values)
    exact = str(float(values["eta"]) * float(values["k"]))
    assert check_item(VARIED, exact, values).kind == "equal"
    assert check_item(VARIED, str(float(exact) + 0.3), values).kind != "equal"


def test_all_variants_occur():
    assert len({tuple(draw(VARIED, str(s)).values()) for s in range(300)}) > 100


@pytest.mark.parametrize(
    ("x", "text"),
    [(0, "0"), (0.25, "0.25"), (-5.333333, "−5.333"), (123456.7, "123500"), (1e7, "1e7"),
     (1.25e-7, "1.25e-7"), (0.99999, "1"), (1.0625, "1.063"), (2.5e-4, "0.00025")],
)  # fmt: skip
def test_show(x, text):
    assert show(x) == text


@pytest.mark.parametrize(
    ("x", "text"),
    [(2, "2"), (-0.5, "−1/2"), (math.pi, "π"), (-math.pi / 2, "−(1/2)π"), (3 * math.sqrt(2), "3√2"),
     (1.2345678, "1.235")],
)  # fmt: skip
def test_nice(x, text):
    assert nice(x) == text


# --- answers that are not text --------------------------------------------------------------------

FISHER = {
    "id": "f", "kind": "formula", "points": 2, "vars": {"q": [0, 1]}, "answer": "1/(q(1-q))",
    "hints": [{"text": "a", "cost": 0.5}, {"text": "b", "cost": 2}],
}  # fmt: skip


def test_sympy_numbers_and_arrays_are_read():
    q = sp.Symbol("q")
    for answer in (
        1 / q + 1 / (1 - q),
        sp.together(1 / q + 1 / (1 - q)),
        sp.Abs(1 / (q * (1 - q))),
    ):
        assert check_item(FISHER, answer).kind == "equal"
    assert check_item(FISHER, sp.Rational(1, 3)).kind == "limit"
    assert check_item(FISHER, np.float64(2)).kind == "limit"
    for answer in (sp.Symbol("p"), sp.gamma(q), True, None, math.nan, 1j, object(), q**q * sp.zoo):
        assert check_item(FISHER, answer).kind == "unreadable"
    big = sp.Add(*[sp.sin(k * q) for k in range(1, 400)])
    assert check_item(FISHER, big).kind == "unreadable"
    assert read(sp.exp(-(q**2) / 2), ["q"])[0] in ("fn", "^")


def test_matrices_are_read_in_any_form():
    s = sp.Symbol("sigma")
    item = {
        "id": "m", "kind": "matrix", "points": 1, "vars": {"sigma": [0, "inf"]},
        "answer": [["1/sigma^2", "0"], ["0", "2/sigma^2"]],
    }  # fmt: skip
    right = [
        "[[1/sigma^2, 0], [0, 2/sigma^2]]",
        "[1/sigma^2, 0; 0, 2/sigma^2]",
        r"\begin{pmatrix} \sigma^{-2} & 0 \\ 0 & \frac{2}{\sigma^2} \end{pmatrix}",
        sp.diag(1 / s**2, 2 / s**2),
        [[1 / s**2, 0], [0, 2 / s**2]],
        np.array([[1 / s**2, 0], [0, 2 / s**2]]),
    ]
    for answer in right:
        assert check_item(item, answer).kind == "equal", answer
    assert check_item(item, np.eye(2)).kind == "entry"
    assert check_item(item, "[[1/sigma^2,0],[0,2/sigma2]]").position == 20
    for answer in ("sigma", "[1, 2", "", "[]", 3, [[1], 2], r"\begin{pmatrix} 1"):
        assert check_item(item, answer).kind in ("unreadable", "shape"), answer
    assert read_rows("[f(a, b), [c]]") == [[("f(a, b)", 1), ("[c]", 10)]]


def test_points_and_hints():
    right, wrong = check_item(FISHER, "1/q+1/(1-q)"), check_item(FISHER, "q")
    assert points(FISHER, right) == 2 and points(FISHER, right, 1) == 1.5
    assert points(FISHER, right, 2) == 0 and points(FISHER, wrong) == 0
    assert points(FISHER, check_item(FISHER, "1/2q")) == 0


def test_items_are_checked():
    for bad in ({"kind": "essay"}, {}):
        with pytest.raises(ValueError, match="kind"):
            check_item(bad, "1")
    with pytest.raises(ValueError, match="eta"):
        check_item(VARIED, "1")
    assert "equal" in FEEDBACK


# --- functions ------------------------------------------------------------------------------------

STEP = {
    "id": "step", "kind": "function", "name": "natural_step", "points": 4,
    "arguments": ["q", "m", "eta"], "vars": {"q": [0, 1], "m": [0, 1], "eta": [0, 1]},
    "answer": "q-eta*(q-m)",
    "cases": [{"id": "half", "points": 1, "at": {"q": 0.5, "m": 0.8, "eta": 0.1}},
              {"id": "any", "points": 3, "draw": 5}],
    "mistakes": [
        {"id": "plain", "match": "q-eta*(q-m)/(q(1-q))", "feedback": "That is ordinary descent."},
        {"id": "squared", "match": "q-eta*(q-m)*q(1-q)", "feedback": "F, not its inverse."},
        {"id": "uphill", "match": "q+eta*(q-m)", "feedback": "You climb."},
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("function", "kind", "score"),
    [
        (lambda q, m, eta: q - eta * (q - m), "equal", 1),
        (lambda q, m, eta: np.asarray(q - eta * (q - m)), "equal", 1),
        (lambda q, m, eta: q - eta * (q - m) / (q * (1 - q)), "known:plain", 0),
        (lambda q, m, eta: q + eta * (q - m), "known:uphill", 0),
        (lambda q, m, eta: [q - eta * (q - m)], "shape", 0),
        (lambda q, m, eta: 0.53, "different", 0.25),
        (lambda q, m, eta: math.nan, "different", 0),
        (lambda q, m, eta: None, "error", 0),
        (lambda q: q, "error", 0),
        (lambda q, m, eta: 1 / 0, "error", 0),
        (lambda q, m, eta: "text", "error", 0),
        (3, "unreadable", None),
    ],
)
def test_functions(function, kind, score):
    result = check_item(STEP, function)
    assert (result.kind, result.score) == (kind, score if score is None else pytest.approx(score))


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (None, "natural_step(0.5, 0.8, 0.1): it returns nothing."),
        ([0.5], "natural_step(0.5, 0.8, 0.1): the result is a vector of 1; a number is expected."),
        (
            np.zeros((1, 2)),
            "natural_step(0.5, 0.8, 0.1): the result is a 1 × 2 array; a number is expected.",
        ),
        (1 / 3, "natural_step(0.5, 0.8, 0.1): the result is 0.333333; 0.53 is expected."),
        (0.53 + 1e-6, "natural_step(0.5, 0.8, 0.1): the result is 0.530001; 0.53 is expected."),
        (0.53000055, "natural_step(0.5, 0.8, 0.1): the result is 0.530001; 0.53 is expected."),
    ],
)
def test_words_about_functions(value, says):
    assert check_item(STEP, lambda q, m, eta: value).feedback == says


def test_close_results_of_functions_are_told_apart():
    item = {**STEP, "rtol": 1e-12, "atol": 0, "cases": STEP["cases"][:1]}
    said = check_item(item, lambda q, m, eta: 0.53 + 2e-9).feedback
    assert said.endswith("the result is 0.530000002; 0.53 is expected.")


def test_functions_of_vectors_and_hidden_cases():
    item = {
        "id": "nat", "kind": "function", "name": "direction", "points": 1,
        "arguments": [{"F": [["a", "b"], ["b", "c"]]}, {"g": ["g1", "g2"]}],
        "vars": {"a": [1, 3], "b": [-0.5, 0.5], "c": [1, 3], "g1": [-1, 1], "g2": [-1, 1]},
        "answer": ["-(c*g1-b*g2)/(a*c-b^2)", "-(a*g2-b*g1)/(a*c-b^2)"],
        "cases": [{"id": "any", "draw": 3}],
        "mistakes": [{"id": "F", "match": ["-a*g1-b*g2", "-b*g1-c*g2"], "feedback": "F itself."}],
    }  # fmt: skip
    assert check_item(item, lambda F, g: -np.linalg.solve(F, g)).kind == "equal"
    assert check_item(item, lambda F, g: -F @ g).kind == "known:F"
    assert check_item(item, lambda F, g: np.outer(F, g)).kind == "shape"
    hidden = {"cases": [{"id": "far", "draw": 2}], "vars": {**item["vars"], "a": [50, 60]}}
    cheat = check_item(item, lambda F, g: -np.linalg.solve(F, g) * (F[0, 0] < 10), private=hidden)
    assert cheat.kind == "different" and "hidden" in cheat.feedback and "[" not in cheat.feedback
    assert cheat.score == pytest.approx(1 / 2)


def test_grammar_and_page_share_their_limits():
    source = "".join(script.read_text(encoding="utf-8") for script in SCRIPTS)
    for name in ("MAX_LENGTH", "MAX_DEPTH", "MAX_NODES", "MAX_DIGITS"):
        assert f"{name} = {getattr(grammar, name)}" in source
    assert f"WORK = {intervals.WORK}" in source and "PRECISIONS = [384, 1536]" in source
