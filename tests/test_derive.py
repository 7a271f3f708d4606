"""The derivation engine: what follows is marked, what does not is refused with a witness."""

import json
import re

import pytest
import sympy as sp
from sympy import (
    Derivative,
    Eq,
    Function,
    IndexedBase,
    Integral,
    Interval,
    KroneckerDelta,
    Matrix,
    MatrixSymbol,
    Range,
    Rational,
    Subs,
    Sum,
    Symbol,
    acos,
    asin,
    exp,
    eye,
    log,
    oo,
    pi,
    sin,
    sqrt,
    symbols,
)

from ngdlib.derive import (
    Derivation,
    DerivationError,
    E,
    Undecided,
    compute,
    decide,
    formula,
    mutants,
    put,
)

q, y, z, h, x, t, μ, s = symbols("q y z h x t mu s")
n, K = symbols("n K", integer=True, positive=True)
i, j, k = symbols("i j k", integer=True)
F, g, δ = MatrixSymbol("F", n, n), MatrixSymbol("g", n, 1), MatrixSymbol("delta", n, 1)
p, w = IndexedBase("p"), IndexedBase("w")
σ, L = Function("sigma"), Function("L")
UNIT, POSITIVE = Interval.open(0, 1), Interval.open(0, oo)
DOMAIN = {q: UNIT, y: [0, 1], s: POSITIVE, n: [1, 2], F: "positive definite", K: [2, 3],
          i: Range(1, K + 1), k: Range(1, K + 1)}  # fmt: skip
SCORE = (y - q) / (q * (1 - q))
TOSS = (y, [0, 1], [1 - q, q])
DENSITY = exp(-((x - μ) ** 2) / (2 * s**2)) / (sqrt(2 * pi) * s)
SOFTMAX = exp(w[k]) / Sum(exp(w[j]), (j, 1, K))
KL = q * log(q / (q + h)) + (1 - q) * log((1 - q) / (1 - q - h))


def line(relation, *args, domain=DOMAIN, **more):
    d = Derivation("a-line", title="A line", problem="A test.", domain=domain)
    d.define(σ(z), 1 / (1 + exp(-z))).define(p[k], SOFTMAX)
    return getattr(d, relation)(*args, because="a reason", **more)


# Each true line, and a false one that differs by a slip.
EQUALITIES = {
    "algebra": (y / q - (1 - y) / (1 - q), SCORE, (y + q) / (q * (1 - q))),
    "derivative": (Derivative(y * log(q), q), y / q, -y / q),
    "logarithms": (log(q / (1 - q)), log(q) - log(1 - q), log(q) + log(1 - q)),
    "definition": (Derivative(σ(z), z), σ(z) * (1 - σ(z)), σ(z) * (1 + σ(z))),
    "half angle": (2 * asin(sqrt(q)), acos(1 - 2 * q), acos(1 - q)),
    "exponentials": (sp.cosh(z) ** 2 - sp.sinh(z) ** 2, 1, Rational(1, 2)),
    "roots of a positive symbol": (sqrt(s**2), s, -s),
    "any smooth function": (
        Derivative(L(σ(z)), z),
        σ(z) * (1 - σ(z)) * Subs(Derivative(L(q), q), q, σ(z)),
        Subs(Derivative(L(q), q), q, σ(z)),
    ),
    "expectation by a sum": (E(SCORE**2, TOSS), 1 / (q * (1 - q)), q * (1 - q)),
    "expectation by an integral": (
        E((x - μ) ** 2, (x, -oo, oo, DENSITY)),
        s**2,
        s**2 / 2,
    ),
    "integral": (Integral(exp(-s * x), (x, 0, oo)), 1 / s, s),
    "infinite sum": (Sum(q**j, (j, 0, oo)), 1 / (1 - q), q / (1 - q)),
    "matrix": (
        sp.MatMul(Matrix([[q, 1], [0, 1]]), Matrix([[1 / q, -1 / q], [0, 1]]), evaluate=False),
        eye(2),
        q * eye(2),
    ),
    "matrix of any size": (g.T * F.I * F * F.I * g, g.T * F.I * g, g.T * F * g),
    "indexed": (
        Derivative(log(p[k]), w[i]),
        KroneckerDelta(i, k) - p[i],
        KroneckerDelta(i, k) - p[k],
    ),
    "sum over a listed size": (Sum(p[j], (j, 1, K)), 1, K),
}


@pytest.mark.parametrize("name", EQUALITIES)
def test_equality(name):
    left, right, wrong = EQUALITIES[name]
    verified = line("equal", left, right).verify()
    assert verified.residual < 1e-15
    with pytest.raises(DerivationError) as caught:
        line("equal", left, wrong).verify()
    assert caught.value.step == 1
    assert caught.value.residual > 1e-6
    assert caught.value.witness


def test_witness_is_where_the_sides_differ():
    with pytest.raises(DerivationError, match="step 2") as caught:
        line("equal", q, q).then(q**2, because="wrong").verify()
    at = caught.value.witness["q"]
    assert 0 < at < 1
    assert caught.value.residual == pytest.approx(at - at**2)


def test_expansion():
    good = line("expand", KL, h**2 / (2 * q * (1 - q)), var=h, order=3)
    assert good.verify().steps[0].slope == pytest.approx(3, abs=0.01)
    third = (2 * q - 1) * h**3 / (3 * q**2 * (1 - q) ** 2)
    better = line("expand", KL, h**2 / (2 * q * (1 - q)) - third, var=h, order=4)
    with pytest.raises(DerivationError, match=r"measured order 3\.00"):
        better.verify()  # the sign of the third order is the other one
    line("expand", KL, h**2 / (2 * q * (1 - q)) + third, var=h, order=4).verify()
    with pytest.raises(DerivationError, match=r"measured order 2\.00"):
        line("expand", KL, h**2 / (q * (1 - q)), var=h, order=3).verify()
    with pytest.raises(DerivationError, match=r"measured order 3\.00"):
        line("expand", KL, h**2 / (2 * q * (1 - q)), var=h, order=4).verify()


def test_expansion_goes_on_to_the_same_order():
    d = line("expand", exp(h) - 1, h * (1 + h / 2), var=h, order=3)
    with pytest.raises(ValueError, match="no term of order 3"):
        d.then(h + h**2 / 2 + h**3, because="what is dropped does not stand beside the remainder")
    d.then(h + h**2 / 2, because="multiply out").verify()
    assert d.steps[1].right_latex.endswith(r"O\left(h^{3}\right)")
    with pytest.raises(DerivationError):
        d.then(h + h**2, because="but not this").verify()
    line("equal", q, q + 0).then_expand(q, h, 2, because="no remainder").verify()


def test_solution():
    a = Symbol("a")
    line("solve", Eq(z, log(q / (1 - q))), q, 1 / (1 + exp(-z))).verify()
    line("solve", Eq(g + s * F * δ, sp.ZeroMatrix(n, 1)), δ, -F.I * g / s).verify()
    line("solve", [Eq(a + z, 3 * s), Eq(a - z, s)], [a, z], [2 * s, s]).verify()
    with pytest.raises(DerivationError, match="the two sides differ"):
        line("solve", Eq(z, log(q / (1 - q))), q, 1 / (1 + exp(z))).verify()
    with pytest.raises(DerivationError, match="does not hold on the whole domain"):
        line("solve", Eq(s**2, exp(z)), s, -exp(z / 2)).verify()
    with pytest.raises(DerivationError, match="does not hold on the whole domain"):
        line("solve", Eq(a * (1 - 2 * q), 1), a, 1 / (1 - 2 * q)).verify()
    with pytest.raises(DerivationError, match="does not hold on the whole domain"):
        line("solve", Eq(a**2, q - Rational(1, 50)), a, sqrt(q - Rational(1, 50))).verify()


def test_numbers_alone_never_earn_the_mark(monkeypatch):
    """Sides that agree to 50 digits, in a form that sympy is kept from deciding, are refused."""
    d = line("equal", sin(z) ** 2 + sp.cos(z) ** 2, 1)
    monkeypatch.setattr(decide, "LADDER", (("as written", lambda e: e),))
    with pytest.raises(DerivationError, match="split the step") as caught:
        d.verify()
    assert caught.value.residual == 0
    monkeypatch.undo()
    d.verify()


@pytest.mark.parametrize("name", ["algebra", "logarithms", "definition", "matrix of any size"])
def test_symbols_alone_refuse_too(name):
    """The symbolic check is no rubber stamp: without any numbers it refuses the false lines."""
    left, right, wrong = EQUALITIES[name]
    d = line("equal", left, wrong)
    with pytest.raises(Undecided):
        decide.check(d, d.steps[0])
    d = line("equal", left, right)
    assert decide.check(d, d.steps[0])


def test_numbers_do_not_lean_on_sympys_rules(monkeypatch):
    """Derivatives are numeric: a wrong rule in sympy would be seen."""
    wrong = Function("sin_")

    class Crooked(wrong):
        def fdiff(self, argindex=1):
            return sp.sin(self.args[0])  # the derivative of a sine, with a mistake

        def _mpmathcode(self, printer):
            return f"mpmath.sin({printer._print(self.args[0])})"

    d = line("equal", Derivative(Crooked(z), z), sp.sin(z))
    assert decide.check(d, d.steps[0])
    with pytest.raises(DerivationError, match="the two sides differ"):
        compute.check(d, d.steps[0])


def test_runaway_check_is_stopped(monkeypatch):
    def forever(e):
        while True:
            pass

    monkeypatch.setattr(decide, "LADDER", (("forever", forever),))
    monkeypatch.setattr(decide, "LIMIT_SECONDS", 0.05)
    with pytest.raises(DerivationError, match=r"no verdict in 0\.05 s: split the step"):
        line("equal", log(q), log(q**2) / 2).verify()


def test_listed_values_are_all_tried():
    line("equal", y**2, y, domain={y: [0, 1]}).verify()
    with pytest.raises(DerivationError) as caught:
        line("equal", y**2, y, domain={y: [0, 1, 2]}).verify()
    assert caught.value.witness["y"] == 2


def test_domain_is_used():
    line("equal", sqrt(z**2), z, domain={z: POSITIVE}).verify()
    with pytest.raises(DerivationError):
        line("equal", sqrt(z**2), z, domain={}).verify()
    shifted = Interval.open(-q, 1 - q)  # where q + h is a probability
    line("equal", exp(log(q + h)), q + h, domain={q: UNIT, h: shifted}).verify()


def test_says_for_which_sizes():
    assert line("equal", g.T * F * g, g.T * F.T * g).valid_for == "n = 1, 2"
    assert line("equal", Sum(p[j], (j, 1, K)), 1).valid_for == "K = 2, 3"
    assert line("equal", y, y).valid_for == ""
    assert Derivation("x", valid_for="K = 3").valid_for == "K = 3"


# Printing


def test_prints_what_was_verified():
    d = line("equal", Derivative(y * log(q) + (1 - y) * log(1 - q), q), y / q - (1 - y) / (1 - q))
    d.then(SCORE, because="common denominator: $q(1-q)$ & more")
    d.expectation(SCORE, TOSS, 0, because="mean zero")
    d.solve(Eq(z, log(q / (1 - q))), q, σ(z), because="invert")
    bundle = d._repr_mimebundle_()
    page = bundle["text/html"]
    for step in d.steps:
        assert step.right_latex.replace("&", "&amp;") in page
        assert step.right_latex in bundle["text/latex"]
    assert page.count("✓") == 4
    assert page.count("proved by sympy") >= 4
    assert r"common denominator: \(q(1-q)\) &amp; more" in page
    assert r"common denominator: $q(1-q)$ \& more" in bundle["text/latex"]
    assert r"\frac{\partial}{\partial q}" in d.steps[0].left_latex
    assert r"\mathbb{E}_{y}\left[\frac{y - q}" in d.steps[2].latex
    assert r"\;\Longrightarrow\; q = \sigma{\left(z \right)}" in d.steps[3].latex
    assert 'tabindex="0" role="region" aria-label="Derivation: A line"' in page
    assert "(common denominator" in bundle["text/plain"]


def test_nothing_false_is_printed():
    with pytest.raises(DerivationError):
        line("equal", q, 2 * q)._repr_mimebundle_()


def test_order_of_terms_and_factors():
    ȳ = Symbol("ybar")
    d = Derivation("order", tex={ȳ: r"\bar y"})
    written = {
        -q + y: "y - q",
        1 - q: "1 - q",
        σ(z) * (1 - σ(z)): r"\sigma{\left(z \right)} \left(1 - \sigma{\left(z \right)}\right)",
        (1 - y) * log(q): r"\left(1 - y\right) \log{\left(q \right)}",
        -2 * h * (1 - q): r"- 2 h \left(1 - q\right)",
        ȳ / q: r"\frac{\bar y}{q}",
        sp.Add(-q, y, 1, evaluate=False): "- q + y + 1",
        sp.Add(h**2, h, evaluate=False): "h^{2} + h",
    }
    for expression, tex in written.items():
        d.equal(expression, 0, because="shown only")
        assert d.steps[-1].left_latex == tex


def test_steps_are_data():
    d = line("expand", KL, h**2 / (2 * q * (1 - q)), var=h, order=3)
    d.solve(Eq(2 * s, z), s, z / 2, because="halve")
    data = json.loads(json.dumps([step.as_dict() for step in d.steps]))
    assert [row["number"] for row in data] == [1, 2]
    assert data[0]["rhs"] == "h**2/(2*q*(1 - q))"
    assert data[1]["text"] == "2*s = z  =>  s = z/2"
    assert data[1]["relation"] != data[0]["relation"]


def test_same_output_twice():
    def make(factor=1):
        return line("equal", E(SCORE**2, TOSS), factor / (factor * q * (1 - q)))

    assert make()._repr_mimebundle_() == make()._repr_mimebundle_()
    assert line("equal", q, q)._repr_mimebundle_() != make()._repr_mimebundle_()


# Mutants


def test_mutants_of_every_kind_are_made_and_caught():
    d = line("equal", E(SCORE**2, TOSS), 1 / (q * (1 - q)))
    d.expand(KL, h**2 / (2 * q * (1 - q)), h, 3, because="Taylor")
    d.solve(Eq(2 * s, exp(z)), s, exp(z) / 2, because="halve")
    d.equal(q + z / 2, z / 2 + q, because="order")
    d.verify()
    made = list(mutants(d))
    text = "\n".join(what for what, _ in made)
    for kind in ("sign flipped", "term dropped", "factor dropped", "factor inverted",
                 "chart swapped", "order of the remainder raised"):  # fmt: skip
        assert kind in text
    for what, mutant in made:
        with pytest.raises(DerivationError):
            mutant.verify()
        assert what.startswith("step ")
    assert [what for what, _ in mutants(d)] == [what for what, _ in made]


def test_what_leaves_a_line_true_is_no_mutant():
    """q(1 - q) is the same in the chart 1 - q, and -0 is 0: neither change is a mistake."""
    d = line("equal", q - q**2, q * (1 - q)).equal(E(SCORE, TOSS), 0, because="mean zero")
    swapped = [m for what, m in mutants(d) if "q for 1 - q" in what]
    assert swapped == []
    for _, mutant in mutants(d):
        assert any(a != b for a, b in zip(mutant.steps, d.steps, strict=True))
    d = line("equal", q**2 - q**3, q**2 * (1 - q))
    assert [what for what, _ in mutants(d) if "q for 1 - q" in what] != []


def test_a_chain_goes_on_from_a_mutant():
    d = line("equal", q + z, z + q).then(z + q, because="again")
    for what, mutant in mutants(d):
        if what.startswith("step 1") and "right" in what:
            assert mutant.steps[1].lhs == mutant.steps[0].rhs


# Bad input


@pytest.mark.parametrize(
    ("build", "complaint"),
    [
        (lambda: Derivation("a b"), "name: expected letters"),
        (lambda: Derivation("a", domain={q: "unit"}), "domain: expected an Interval"),
        (lambda: Derivation("a", domain={q: []}), "domain: expected an Interval"),
        (lambda: Derivation("a", domain={"q": UNIT}), "domain: expected a symbol"),
        (lambda: Derivation("a", domain={F: UNIT}), "domain: expected one of"),
        (lambda: Derivation("a", tex={q + 1: "x"}), "tex: expected a symbol"),
        (lambda: Derivation("a").verify(), "expected at least one step"),
        (lambda: Derivation("a").then(q, because="x"), "then: expected a line"),
        (lambda: line("solve", Eq(z, q), z, q).then(q, because="x"), "then: expected a line"),
        (lambda: Derivation("a").equal(q, q, because=" "), "because: expected a reason"),
        (lambda: line("equal", q, 0.5), "expression: expected a sympy expression"),
        (lambda: line("equal", q, "q"), "expression: expected a sympy expression"),
        (lambda: line("equal", eye(2), eye(3)), r"rhs: expected shape \(2, 2\)"),
        (lambda: line("equal", eye(2), q), r"rhs: expected shape \(2, 2\)"),
        (lambda: line("expand", q, q, var=2, order=3), "var: expected a symbol"),
        (lambda: line("expand", q, q, var=h, order=0), "order: expected an integer"),
        (lambda: line("solve", q - 1, q, 1), "equation: expected sympy.Eq"),
        (lambda: line("solve", Eq(q, z), q, [1, 2]), "solution: expected one for each"),
        (lambda: line("solve", Eq(q, z), q, q), "solution: expected no q"),
        (lambda: line("solve", Eq(q, z), s, q), "unknown: expected a part"),
        (lambda: line("solve", Eq(q + z, 1), q + z, 1), "unknown: expected a symbol"),
        (lambda: E(q, (y, [0, 1], [q])), "over: expected one probability"),
        (lambda: E(q, (1, [0, 1], [q, q])), "over: expected a symbol"),
        (lambda: E(q, y), "over: expected"),
        (lambda: Derivation("a").define(q + 1, z), "what: expected a symbol"),
        (lambda: Derivation("a").define(σ(z + 1), z), "what: expected symbols"),
        (lambda: Derivation("a").define(q, q + 1), "meaning: expected an expression without q"),
        (lambda: Derivation("a").define(q, z).define(z, q).equal(q, 1, "x").verify(), "circle"),
        (
            lambda: line("equal", g.T * F, g.T * F.T, domain={}).verify(),
            "expected sizes for n",
        ),
        (lambda: line("equal", y, y, domain={y: range(200)}).verify(), "at most 128"),
    ],
)
def test_bad_input_is_refused(build, complaint):
    with pytest.raises(ValueError, match=complaint):
        build()


def test_put_leaves_bound_variables_alone():
    sums = Sum(y * q, (y, 0, 1))
    assert put(sums, {y: 3, q: 2}) == Sum(y * 2, (y, 0, 1))
    assert put(E(y * q, TOSS), {y: 3}) == E(y * q, TOSS)
    taken = put(Derivative(L(q), q), {q: z**2})
    assert taken == Subs(Derivative(L(q), q), q, z**2)
    assert put(y * q, {y: 3}) != y * q


def test_html_is_balanced():
    page = line("equal", q, q)._repr_mimebundle_()["text/html"]
    page = re.sub(r"<style>.*?</style>", "", page, flags=re.S)

    def unbalanced(markup):
        names = re.findall(r"</?([a-z]+)", markup)
        return [x for x in set(names) if markup.count(f"<{x}") != markup.count(f"</{x}>")]

    assert unbalanced(page) == []
    assert unbalanced(page.replace("</li>", "", 1)) == ["li"]


def test_a_build_verifies_a_derivation_once(monkeypatch, tmp_path):
    """Its verdicts are kept for the very same derivation, and for no other."""

    def build(right=q * (1 - q), where=(0, 1)):
        d = Derivation("variance", domain={q: sp.Interval.open(*where)})
        return d.expectation((y - q) ** 2, TOSS, right, because="two outcomes")

    monkeypatch.setenv("NGD_VERIFIED", str(tmp_path))
    first = build().verify()
    with monkeypatch.context() as patched:
        patched.setattr(Derivation, "_check", lambda self, step: 1 / 0)
        assert build().verify() == first
        for other in build(q - q**2), build(where=(0, sp.Rational(1, 2))):
            with pytest.raises(ZeroDivisionError):  # it is checked
                other.verify()
    with pytest.raises(DerivationError):
        build(q * (1 + q)).verify()
    assert len(list(tmp_path.iterdir())) == 1, "what does not follow is not kept"


def test_a_checked_formula_stands_in_the_text():
    f = formula(Derivative(log(q), q), 1 / q, r"since $q > 0$", domain={q: UNIT})
    page = f._repr_mimebundle_()["text/html"]
    assert "ngd-formula" in page and page.count("✓") == 1
    assert r"since \(q &gt; 0\); \(0 &lt; q &lt; 1\)" in page
    formula(sp.cos(h), 1 - h**2 / 2, var=h, order=4).verify()
    formula(s, exp(z), where={s: exp(z)}).verify()
    for wrong in (formula(q, 2 * q), formula(sp.cos(h), 1 - h**2, var=h, order=4)):
        with pytest.raises(DerivationError):
            wrong._repr_mimebundle_()


def test_conditions_are_the_mathematics_not_the_numbers():
    m, v, t = symbols("m v t")
    d = Derivation(
        "conditions",
        problem="What is $v - m^2$?",
        domain={m: Interval(-oo, oo), v: Interval.open(m**2, oo), t: POSITIVE},
        why={v: "a variance is positive"},
        sampled={t: Interval.open(0, 3)},
    )
    d.equal(t * (v - m**2), t * v - t * m**2, because="multiply out")
    page = d._repr_mimebundle_()["text/html"]
    caption, rest = page.split("</figcaption>")
    assert r"What is \(v - m^2\)?" in caption
    assert r"\(v &gt; m^{2}\) (a variance is positive), \(t &gt; 0\)" in caption
    assert "3" not in caption.split("Here")[1]
    assert r"Points drawn from \(0 &lt; t &lt; 3\)" in rest
    with pytest.raises(ValueError, match="why: expected a symbol of the domain"):
        Derivation("x", why={q: "a reason"})
    with pytest.raises(ValueError, match="sampled: expected an Interval"):
        Derivation("x", sampled={q: 3})


def test_one_sign_for_the_transpose():
    page = line("equal", g.T * F * g, g.T * F.T * g)._repr_mimebundle_()["text/html"]
    assert r"g^{\top} F g" in page and "^{T}" not in page


def test_a_long_line_can_be_broken_where_terms_meet():
    terms = sum(sp.Symbol(f"a_{i}") * q**i for i in range(1, 9))
    page = line("equal", terms, terms + 0)._repr_mimebundle_()["text/html"]
    assert page.count("ngd-part") > 10


def test_a_pole_under_an_integral_is_refused():
    """Quadrature meets r = 0: that is a line that does not follow, and no crash."""
    r = Symbol("r")
    d = Derivation("pole", problem="?", domain={r: Interval.open(-oo, oo)})
    density = exp(-(r**2) / 2) / sqrt(2 * pi)
    d.expectation(1 / r**2, (r, -oo, oo, density), sp.Integer(1), because="false")
    with pytest.raises(DerivationError):
        d.verify()
