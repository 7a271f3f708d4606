"""Checking an answer to one item of an exercise set: score, kind, feedback, witness.

    item = {"id": "q1", "kind": "formula", "vars": {"q": [0, 1]}, "answer": "1/(q(1-q))",
            "mistakes": [{"id": "variance", "match": "q(1-q)", "feedback": "That is ..."}]}
    check_item(item, "1/q + 1/(1-q)")        # Result(score=1.0, kind="equal", feedback="Correct.")

An item is the mapping that its YAML gives (`exercises/SCHEMA.md`). Answers may be strings, numbers,
sympy expressions, arrays, functions. Nothing in an answer is evaluated by Python; only a function
item calls the function that it is given.
"""

from __future__ import annotations

import json
import math
import numbers
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from ngdlib.exercises.judging import intervals
from ngdlib.exercises.judging.compare import (
    Reference,
    Sample,
    Values,
    Verdict,
    Witness,
    constant_ratio,
    everywhere,
    nice,
    sample,
    show,
)
from ngdlib.exercises.judging.dice import dice
from ngdlib.exercises.reading.grammar import (
    MAX_NODES,
    NOTHING,
    AnswerError,
    Tree,
    canonical,
    parse,
    unknown_name,
)

FIRST = "1"  # the seed of the variant that page and notebook show first
KINDS = ("formula", "numeric", "matrix", "choice", "function", "derivation")

FEEDBACK = {
    "equal": "Correct.",
    "domain": "This agrees with the answer wherever it is defined, but at {point} it is not"
    " defined: {detail}.",
    "undefined": "This is not defined at {point}, which belongs to the question: {detail}.",
    "no value": "This has no value: {detail}.",
    "partial": "This agrees with the answer at some points, but not everywhere. {witness}",
    "sign": "The sign is the wrong way round. {witness}",
    "factor": "A constant factor is off: this is {detail} times the answer. {witness}",
    "reciprocal": "This is one over the answer. {witness}",
    "square": "This is the square of the answer. {witness}",
    "root": "This is the square root of the answer. {witness}",
    "offset": "This differs from the answer by the constant {detail}. {witness}",
    "rounded": "This is close to the answer, but not the same: give the exact form.",
    "different": "Not yet. {witness}",
    "unknown": "I cannot tell whether this is right: {detail}. Try a simpler form.",
    "reference": "This question cannot be checked: its answer is not defined. Please report it.",
    "close": "This is close, but not close enough: keep more digits on the way.",
    "shape": "The shape is {detail}.",
    "transposed": "This is the transpose: rows and columns are exchanged.",
    "inverse": "This is the inverse of the answer.",
    "entry": "The entry in row {row}, column {column} is not right. {detail}",
    "incomplete": "{detail}",
    "order": "{detail}",
    "error": "{detail}",
    "notebook": "This one is for the notebook: its answer is a function.",
}


class Result(NamedTuple):
    """What a check gives back.

    score     fraction of the item's points, 0 to 1; None where nothing was graded: the answer
              cannot be read, is not complete, or the checker cannot tell
    kind      "equal", "known:<id of the mistake>", "unreadable", or a kind of FEEDBACK
    feedback  a sentence or two for the reader
    witness   a point at which answer and formula differ, or None
    position  for "unreadable": index of the character that the message is about
    wrong     ids of the parts that are found wrong: blanks, or the option that is explained
    """

    score: float | None
    kind: str
    feedback: str
    witness: Witness | None = None
    position: int | None = None
    wrong: tuple[str, ...] = ()


def points(item: Mapping, result: Result, hints: int = 0) -> float:
    """Points earned: the item's points times the score, less what the opened hints cost."""
    cost = sum(h.get("cost", 0) for h in item.get("hints", [])[:hints])
    return max(0.0, item["points"] * (result.score or 0.0) - cost)


# --- variants -------------------------------------------------------------------------------------


def draw(item: Mapping, seed: str) -> dict[str, str]:
    """The parameters of one variant of an item, as decimal strings: the same in JavaScript.

    The dice are seeded with "<item id>/<seed>" and rolled once for each parameter in the order of
    their names. {} where the item has no variants.
    """
    roll = dice(f"{item['id']}/{seed}")
    variant = item.get("variant", {})
    return {name: _choose(variant[name], roll()) for name in sorted(variant)}


def all_choices(spec: Mapping) -> list[str]:
    """The values that one parameter of a variant can take, in order. Raises ValueError."""
    if set(spec) == {"choices"} and spec["choices"]:
        return [str(c) for c in spec["choices"]]
    if set(spec) == {"range"} and len(spec["range"]) == 3:
        texts = [str(x) for x in spec["range"]]
        places = max(len(t.partition(".")[2]) for t in texts)
        low, high, step = (round(float(t) * 10**places) for t in texts)
        if step > 0 and low <= high:
            return [_decimal(k, places) for k in range(low, high + 1, step)]
    raise ValueError(
        f"variant: expected {{choices: [..]}} or {{range: [first, last, step]}}, got {dict(spec)!r}"
    )


def _choose(spec: Mapping, u: float) -> str:
    values = all_choices(spec)
    return values[int(u * len(values))]


def _decimal(k: int, places: int) -> str:
    text = f"{abs(k):0{places + 1}d}"
    text = text[:-places] + "." + text[-places:] if places else text
    text = text.rstrip("0").rstrip(".") if places else text
    return f"-{text}" if k < 0 else text


def fill(text: str, values: Mapping[str, str]) -> str:
    """`text` with {{eta}} replaced by the drawn value, {{eta^2}} by its value to 4 digits."""

    def one(match: re.Match) -> str:
        inner = match[1].strip()
        if inner in values:
            return values[inner]
        number = constant(_substituted(parse(inner, values), values))
        return "?" if number is None else show(number)

    return re.sub(r"\{\{([^{}]+)\}\}", one, text)


def _substituted(tree: Tree, values: Mapping[str, str]) -> Tree:
    if tree[0] == "var" and tree[1] in values:
        text = values[tree[1]]
        return ("neg", ("num", text[1:])) if text.startswith("-") else ("num", text)
    return tuple(_substituted(part, values) if isinstance(part, tuple) else part for part in tree)


@lru_cache(maxsize=2048)
def constant(tree: Tree) -> float | None:
    """The value of a formula without variables, None where it has none."""
    return Values(tree, [{}]).double(0)


# --- reading --------------------------------------------------------------------------------------


def read(answer: Any, names: Sequence[str]) -> Tree:
    """The tree of a string, a number or a sympy expression. Raises AnswerError."""
    if isinstance(answer, str):
        return parse(answer, names)
    if isinstance(answer, np.ndarray) and answer.size == 1:
        answer = answer.item()
    if isinstance(answer, numbers.Real) and not isinstance(answer, (bool, np.bool_)):
        if isinstance(answer, numbers.Rational):
            return parse(f"({answer.numerator})/({answer.denominator})", ())
        if not math.isfinite(answer):
            raise AnswerError("A finite number is expected.", 0)
        return parse(repr(float(answer)), ())
    sympy = sys.modules.get("sympy")
    if sympy is not None and isinstance(answer, sympy.Expr):
        return _Sympy(sympy, names).tree(answer)
    raise AnswerError(f"A formula is expected here, not {type(answer).__name__}.", 0)


class _Sympy:
    """A sympy expression as a tree of the grammar: a walk over its nodes, nothing evaluated."""

    def __init__(self, sympy: Any, names: Sequence[str]) -> None:
        self.sp = sympy
        self.names = {canonical(n): n for n in names}
        self.left = 2 * MAX_NODES

    def tree(self, x: Any) -> Tree:
        sp = self.sp
        self.left -= 1
        if self.left < 0:
            raise AnswerError("This formula is too long: simplify it.", 0)
        if isinstance(x, sp.Symbol):
            if canonical(x.name) not in self.names:
                raise AnswerError(unknown_name(x.name, self.names), 0)
            return ("var", self.names[canonical(x.name)])
        if isinstance(x, sp.Rational):
            return parse(f"({x.p})/({x.q})" if x.q != 1 else f"({x.p})", ())
        if isinstance(x, sp.Float):
            return read(float(x), ())
        if x is sp.pi or x is sp.E:
            return ("const", "pi" if x is sp.pi else "e")
        if isinstance(x, (sp.Add, sp.Mul)):
            op = "+" if isinstance(x, sp.Add) else "*"
            out = self.tree(x.args[0])
            for part in x.args[1:]:
                out = (op, out, self.tree(part))
            return out
        if isinstance(x, sp.Pow):
            return ("^", self.tree(x.base), self.tree(x.exp))
        name = {"Abs": "abs", "asin": "arcsin", "acos": "arccos", "atan": "arctan"}.get(
            type(x).__name__, type(x).__name__
        )
        if isinstance(x, sp.Function) and name in intervals.FUNCTIONS and len(x.args) == 1:
            return ("fn", name, self.tree(x.args[0]))
        raise AnswerError(f"“{type(x).__name__[:20]}” is not known here.", 0)


def read_rows(text: str) -> list[list[tuple[str, int]]]:
    """The entries of a matrix and where each begins: [[a, b], [c, d]], [a, b; c, d], or a LaTeX
    matrix environment. Raises AnswerError."""
    begin = re.match(r"\s*\$*\s*\\begin\{([a-zA-Z]*matrix)\}", text)
    if begin:
        end = text.find(f"\\end{{{begin[1]}}}")
        if end < 0:
            raise AnswerError("This matrix is never closed.", 0)
        rows = _split(text, begin.end(), end, "\\\\")
        rows = [r for r in rows if text[r[0] : r[1]].strip()]
        return [[_entry(text, *e) for e in _split(text, a, b, "&")] for a, b in rows]
    low, high = _strip(text, 0, len(text))
    if text[low : low + 1] != "[" or text[high - 1 : high] != "]" or high - low < 2:
        raise AnswerError("Write a matrix as [[a, b], [c, d]].", low)
    low, high = low + 1, high - 1
    inner = _strip(text, low, high)
    if text[inner[0] : inner[0] + 1] == "[" and text[inner[1] - 1] == "]":
        rows = []
        for a, b in _split(text, *inner, ","):
            a, b = _strip(text, a, b)
            if b - a < 2 or text[a] != "[" or text[b - 1] != "]":
                raise AnswerError("Write a matrix as [[a, b], [c, d]].", a)
            rows.append((a + 1, b - 1))
    else:
        rows = _split(text, low, high, ";")
    return [[_entry(text, *e) for e in _split(text, a, b, ",")] for a, b in rows]


def _entry(text: str, low: int, high: int) -> tuple[str, int]:
    low, high = _strip(text, low, high)
    return text[low:high], low


def _strip(text: str, low: int, high: int) -> tuple[int, int]:
    while low < high and text[low] in " \t\n\r":
        low += 1
    while low < high and text[high - 1] in " \t\n\r":
        high -= 1
    return low, high


def _split(text: str, low: int, high: int, at: str) -> list[tuple[int, int]]:
    """The parts of text[low:high] between `at`s that stand in no bracket."""
    out, depth, start, i = [], 0, low, low
    while i < high:
        c = text[i]
        depth += (c in "([{") - (c in ")]}")
        if depth == 0 and text.startswith(at, i):
            out.append((start, i))
            i += len(at)
            start = i
        else:
            i += 1
    return [*out, (start, high)]


# --- the check ------------------------------------------------------------------------------------


def check_item(
    item: Mapping, answer: Any, values: Mapping[str, str] | None = None, private: Any = None
) -> Result:
    """The result of one answer to one item.

    item     as in `exercises/SCHEMA.md`
    answer   formula, numeric: a string, number or sympy expression; matrix: a string, nested lists,
             an array or a sympy matrix; choice: an option's id, or a list of ids; function: a
             callable; derivation: a list of step ids, or {blank: formula}
    values   the parameters of the variant, as `draw` gives them
    private  for a function item: more cases, in the form of the item's own

    Raises ValueError where the item is not well formed; never because of the answer.
    """
    kind = item.get("kind")
    if kind not in _CHECKS:
        raise ValueError(f"item: expected a kind among {', '.join(KINDS)}, got {kind!r}")
    values = dict(values or {})
    missing = set(item.get("variant", {})) - set(values)
    if missing:
        raise ValueError(f"values: expected a value for {', '.join(sorted(missing))}")
    try:
        if kind == "function":
            result = _check_function(item, answer, values, private)
        else:
            result = _CHECKS[kind](item, answer, values)
    except AnswerError as error:
        return Result(None, "unreadable", error.message, None, error.position)
    if result.kind == "equal" or result.kind.startswith("known:"):  # the set's own words
        return result._replace(feedback=fill(result.feedback, values))
    return result


def _say(item: Mapping, kind: str, witness: Witness | None = None, **more: Any) -> Result:
    """The result of a kind that has no words of its own in the item."""
    score: float | None = item.get("partial", {}).get(kind, 0.0)
    if kind == "undefined" and not (witness and witness.point):
        kind = "no value"
    if kind == "equal":
        score = 1.0
        text = item.get("right", FEEDBACK["equal"])
    elif kind in ("unknown", "reference", "notebook"):
        score, text = None, FEEDBACK[kind]
    else:
        text = FEEDBACK[kind]
    more.setdefault("detail", "")
    for name, value in more.items():
        text = text.replace(f"{{{name}}}", str(value))
    text = text.replace("{point}", _at(witness.point) if witness else "")
    text = text.replace("{witness}", describe(witness))
    return Result(score, kind, text.replace(": .", ".").strip(), witness)


def _at(point: Mapping[str, float]) -> str:
    return ", ".join(f"{name} = {show(x, 6)}" for name, x in point.items())


def describe(witness: Witness | None) -> str:
    """A witness in a sentence, to be checked by hand."""
    if witness is None or witness.yours is None or witness.expected is None:
        return ""
    yours, right = show(witness.yours), show(witness.expected)
    if yours == right:
        return ""
    if witness.since is not None:
        return (
            f"From {_at(witness.since)} to {_at(witness.point)} the answer changes by {right},"
            f" yours by {yours}."
        )
    if not witness.point:
        return ""
    return f"At {_at(witness.point)} the answer is {right}, yours is {yours}."


def _known(mistake: Mapping) -> Result:
    return Result(
        float(mistake.get("score", 0.0)), f"known:{mistake['id']}", mistake["feedback"].strip()
    )


def _judged(item: Mapping, verdict: Verdict) -> Result:
    return _say(item, verdict.kind, verdict.witness, detail=verdict.detail)


class _Formula(NamedTuple):
    reference: Reference
    mistakes: list[Reference]
    names: list[str]


def trees(item: Mapping, values: Mapping[str, str], field: Any) -> Any:
    """A formula, or nested lists of formulas, of the item itself, with the drawn values put in."""
    if isinstance(field, (list, tuple)):
        return [trees(item, values, part) for part in field]
    return _substituted(_of_a_set(str(field), (*item.get("vars", {}), *values)), values)


_of_a_set = lru_cache(maxsize=2048)(parse)  # what a set says is read once, what readers type is not


@lru_cache(maxsize=512)
def _formula(spec: str) -> _Formula:
    item, values = json.loads(spec)
    sampled, up_to = sample_of(item, values)

    def reference(field: Any) -> Reference:
        tree = trees(item, values, field)
        return Reference(tree, item.get("vars", {}), up_to=up_to, sampled=sampled)

    mistakes = [reference(m["match"]) for m in item.get("mistakes", [])]
    return _Formula(reference(item["answer"]), mistakes, list(item.get("vars", {})))


def sample_of(item: Mapping, values: Mapping[str, str]) -> tuple[Sample, Any]:
    up_to = item.get("up_to")
    within = next(iter(up_to.values())) if isinstance(up_to, Mapping) else None
    where = [trees(item, values, w) for w in item.get("where", [])]
    return sample(item.get("vars", {}), where, item.get("id", ""), within), up_to


def _spec(item: Mapping, values: Mapping[str, str]) -> str:
    kept = ("id", "vars", "where", "answer", "up_to", "mistakes")
    return json.dumps([{k: item[k] for k in kept if k in item}, values], sort_keys=False)


def _check_formula(item: Mapping, answer: Any, values: Mapping[str, str]) -> Result:
    formula = _formula(_spec(item, values))
    mine = Values(read(answer, formula.names), formula.reference.sample.points)
    verdict = formula.reference.compare(mine)
    if verdict.equal is not True:
        for mistake, known in zip(item.get("mistakes", []), formula.mistakes, strict=True):
            if known.matches(mine):
                return _known(mistake)._replace(witness=verdict.witness)
    return _judged(item, verdict)


# --- numbers --------------------------------------------------------------------------------------


def _check_numeric(item: Mapping, answer: Any, values: Mapping[str, str]) -> Result:
    tree = read(answer, ())
    mine = Values(tree, [{}])
    right_tree = trees(item, values, item["answer"])
    right = constant(right_tree)
    if right is None:
        return _say(item, "reference")
    x = mine.double(0)
    if x is None:
        if mine.defined(0) is False:
            reason = Reference(right_tree, {}).reason(mine, 0)
            return _say(item, "no value", detail=reason)
        return _say(item, "unknown", detail="its value cannot be told exactly enough")
    rtol, atol = float(item.get("rtol", 1e-3)), float(item.get("atol", 0.0))

    def near(y: float | None, r: float = rtol, a: float = atol) -> bool:
        return y is not None and abs(x - y) <= a + r * abs(y)

    if near(right):
        result = _say(item, "equal")
        if "exact" in item and tree[0] in ("num", "neg"):
            result = result._replace(feedback=f"{result.feedback} Exactly: {item['exact']}.")
        return result
    for mistake in item.get("mistakes", []):
        if near(constant(trees(item, values, mistake["match"]))):
            return _known(mistake)
    if near(right, min(20 * rtol, 0.02), 20 * atol):
        return _say(item, "close")
    if near(-right):
        return _say(item, "sign")
    for factor in (2, 0.5, 10, 0.1, 100, 0.01, 1000, 0.001):
        if near(factor * right):
            return _say(item, "factor", detail=nice(factor))
    if right and near(1 / right):
        return _say(item, "reciprocal")
    return _say(item, "different")


# --- matrices -------------------------------------------------------------------------------------


def _rows(answer: Any) -> list[list[tuple[Any, int]]]:
    """Rows of (entry, position); a vector is a row of its own."""
    if isinstance(answer, str):
        return read_rows(answer)
    sympy = sys.modules.get("sympy")
    if sympy is not None and isinstance(answer, sympy.MatrixBase):
        answer = answer.tolist()
    if isinstance(answer, np.ndarray):
        answer = answer.tolist()
    if not isinstance(answer, (list, tuple)) or not answer:
        raise AnswerError("A matrix is expected: [[a, b], [c, d]].", 0)
    if not any(isinstance(row, (list, tuple)) for row in answer):
        answer = [answer]
    if not all(isinstance(row, (list, tuple)) for row in answer):
        raise AnswerError("All rows of a matrix must be lists.", 0)
    return [[(entry, 0) for entry in row] for row in answer]


class _Matrix(NamedTuple):
    shape: tuple[int, int]
    answer: list[Reference]
    mistakes: list[list[Reference]]
    names: list[str]


def nested(field: Any) -> list[list[Any]]:
    return field if isinstance(field[0], (list, tuple)) else [[x] for x in field]


@lru_cache(maxsize=512)
def _matrix(spec: str) -> _Matrix:
    item, values = json.loads(spec)
    sampled, _ = sample_of({**item, "up_to": None}, values)

    def references(field: Any) -> list[Reference]:
        rows = trees(item, values, nested(field))
        return [
            Reference(tree, item.get("vars", {}), sampled=sampled) for row in rows for tree in row
        ]

    def shape(field: Any) -> tuple[int, int]:
        rows = nested(field)
        return len(rows), len(rows[0])

    mistakes = [
        references(m["match"]) if shape(m["match"]) == shape(item["answer"]) else []
        for m in item.get("mistakes", [])
    ]
    return _Matrix(
        shape(item["answer"]), references(item["answer"]), mistakes, list(item.get("vars", {}))
    )


def _check_matrix(item: Mapping, answer: Any, values: Mapping[str, str]) -> Result:
    spec = _matrix(_spec(item, values))
    rows = _rows(answer)
    n, m = spec.shape
    got = len(rows), len(rows[0])
    if any(len(row) != got[1] for row in rows):
        return _say(item, "shape", detail="not that of a matrix: its rows differ in length")
    if m == 1 and got == (1, n):
        rows, got = [[entry] for entry in rows[0]], (n, 1)
    if got != (n, m):
        return _say(item, "shape", detail=f"{got[0]} × {got[1]}; {n} × {m} is expected")
    mine = []
    for row in rows:
        for entry, start in row:
            try:
                mine.append(Values(read(entry, spec.names), spec.answer[0].sample.points))
            except AnswerError as error:
                raise AnswerError(error.message, error.position + start) from None
    verdicts = [r.compare(v) for r, v in zip(spec.answer, mine, strict=True)]
    kinds = [v.kind for v in verdicts]
    if all(k == "equal" for k in kinds):
        return _say(item, "equal")
    for mistake, known in zip(item.get("mistakes", []), spec.mistakes, strict=True):
        if known and all(r.matches(v) for r, v in zip(known, mine, strict=True)):
            return _known(mistake)
    wrong = next((k for k, v in enumerate(verdicts) if v.equal is False), None)
    if wrong is None:
        return _judged(item, next(v for v in verdicts if v.equal is None))
    relation = _matrix_relation(spec, mine, verdicts)
    if relation:
        kind, detail = relation
        if _forgiven(item.get("up_to"), detail, kind):
            return _say(item, "equal")
        return _say(
            item, kind, verdicts[wrong].witness if kind == "factor" else None, detail=detail
        )
    inner = _say({}, kinds[wrong], verdicts[wrong].witness, detail=verdicts[wrong].detail)
    words = inner.feedback.removeprefix("Not yet.").strip()
    place = {"row": wrong // m + 1, "column": wrong % m + 1}
    return _say(item, "entry", verdicts[wrong].witness, detail=words, **place)


def _forgiven(up_to: Any, factor: str, kind: str) -> bool:
    if up_to == "constant factor":
        return kind in ("factor", "sign")
    return up_to == "positive factor" and kind == "factor" and factor[0] != "\N{MINUS SIGN}"


def _matrix_relation(
    spec: _Matrix, mine: list[Values], verdicts: list[Verdict]
) -> tuple[str, str] | None:
    """transposed, sign, factor or inverse, where the whole matrix is that."""
    (n, m), answer = spec.shape, spec.answer
    core = answer[0].sample.core
    if any(v.kind in ("unknown", "domain", "undefined", "reference") for v in verdicts):
        return None
    if n == m > 1 and all(answer[(k % m) * m + k // m].matches(mine[k]) for k in range(n * m)):
        return "transposed", ""
    cells = n * m  # entry e at point i is number i * cells + e

    def f(k: int, bits: int) -> intervals.Interval:
        return mine[k % cells](k // cells, bits)

    def g(k: int, bits: int) -> intervals.Interval:
        return answer[k % cells].values(k // cells, bits)

    at = list(range(cells * core))
    x = [mine[k % cells].double(k // cells) for k in at]
    y = [answer[k % cells].values.double(k // cells) for k in at]
    if None in x or None in y:
        return None
    ratio = constant_ratio(f, g, at, x, y)
    if ratio is not None:
        return ("sign", "") if ratio == -1 else ("factor", nice(ratio))
    if n == m > 1 and _is_inverse(f, g, n, core):
        return "inverse", ""
    return None


def _is_inverse(f: Callable, g: Callable, n: int, core: int) -> bool:
    def product(k: int, bits: int) -> intervals.Interval:
        i, row, column = k // (n * n), k // n % n, k % n
        total = intervals.ZERO
        for j in range(n):
            term = intervals.multiply(
                f(i * n * n + row * n + j, bits), g(i * n * n + j * n + column, bits), bits
            )
            total = intervals.add(total, term, bits)
        return total

    def identity(k: int, bits: int) -> intervals.Interval:
        return intervals.ONE if k // n % n == k % n else intervals.ZERO

    return everywhere(product, identity, range(n * n * core))


# --- choices and derivations ----------------------------------------------------------------------


def _check_choice(item: Mapping, answer: Any, values: Mapping[str, str]) -> Result:
    options = {o["id"]: o for o in item["options"]}
    chosen = [answer] if isinstance(answer, str) else answer
    if not isinstance(chosen, (list, tuple, set)) or not all(
        isinstance(c, str) and c in options for c in chosen
    ):
        raise AnswerError(f"Choose among {', '.join(options)}.", 0)
    if not chosen:
        raise AnswerError("Nothing is chosen yet.", 0)
    right = {o for o, spec in options.items() if spec.get("right")}
    if set(chosen) == right:
        return _say(item, "equal")
    wrong = [o for o in options if o in chosen and o not in right]
    if not wrong:
        return _say(item, "incomplete", detail="Right so far, but there is more to choose.")
    result = _known(options[wrong[0]])
    if len(set(chosen)) > 1:
        text = f"Of your {len(set(chosen))} choices {len(wrong)} {_are(wrong)} wrong"
        more = "" if right <= set(chosen) else ", and there is more to choose"
        result = result._replace(feedback=f"{result.feedback} {text}{more}.")
    return result._replace(wrong=(wrong[0],))


def _are(things: Sequence) -> str:
    return "is" if len(things) == 1 else "are"


def _check_derivation(item: Mapping, answer: Any, values: Mapping[str, str]) -> Result:
    if item.get("mode") == "fill":
        return _check_blanks(item, answer, values)
    steps = {s["id"] for s in item["steps"]}
    distractors = {s["id"]: s for s in item.get("distractors", [])}
    if not isinstance(answer, (list, tuple)) or not all(
        isinstance(a, str) and (a in steps or a in distractors) for a in answer
    ):
        raise AnswerError("A list of steps is expected.", 0)
    if not answer:
        raise AnswerError("No step is placed yet.", 0)
    orders = [[s["id"] for s in item["steps"]], *item.get("alternatives", [])]
    if list(answer) in orders:
        return _say(item, "equal")
    right = max(_common(answer, order) for order in orders)
    if right < len(answer) and answer[right] in distractors:
        return _known(distractors[answer[right]])
    if right == len(answer):
        detail = f"Right so far: {right} of {len(steps)} steps."
        return _say(item, "incomplete", detail=detail)
    if not right:
        return _say(item, "order", detail="The first line is not where the derivation starts.")
    before = f"The first {right} of {len(steps)} steps are" if right > 1 else "Step 1 is"
    follows = f"Step {right + 1} does not follow from what stands before it."
    return _say(item, "order", detail=f"{before} right. {follows}")


def _common(a: Sequence, b: Sequence) -> int:
    return next(
        (k for k, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b))
    )


def blank_item(item: Mapping, blank: Mapping) -> dict[str, Any]:
    """One blank of a derivation as a formula item."""
    shared = {k: item[k] for k in ("vars", "where", "variant") if k in item}
    return {"kind": "formula", **shared, **blank, "id": f"{item['id']}.{blank['id']}"}


def _check_blanks(item: Mapping, answer: Any, values: Mapping[str, str]) -> Result:
    if not isinstance(answer, Mapping):
        raise AnswerError("A formula for each blank is expected.", 0)
    right, empty, said, wrong = [], [], [], []
    score, first = 0.0, None
    for blank in item["blanks"]:
        given = answer.get(blank["id"], "")
        result = check_item(blank_item(item, blank), given, values)
        label = fill(blank["label"], values)
        if result.feedback == NOTHING:
            empty.append(label)
            continue
        if result.score is None:
            return result._replace(feedback=f"{label}: {result.feedback}")
        score += result.score / len(item["blanks"])
        if result.kind == "equal":
            right.append(label)
            continue
        first = first or result
        wrong.append(blank["id"])
        said.append(f"{label}: {result.feedback}")
    if len(empty) == len(item["blanks"]):
        raise AnswerError(NOTHING, 0)
    parts = [_listed(right, "right."), *said, _listed(empty, "still empty.")]
    text = " ".join(part for part in parts if part)
    if empty:
        return Result(None, "incomplete", text, wrong=tuple(wrong))
    if first is None:
        return _say(item, "equal")
    return first._replace(score=score, feedback=text, wrong=tuple(wrong))


def _listed(labels: Sequence[str], words: str) -> str:
    """Blank 1 and Blank 4 are right."""
    names = " and ".join(filter(None, [", ".join(labels[:-1]), *labels[-1:]]))
    return f"{names} {_are(labels)} {words}" if labels else ""


# --- functions ------------------------------------------------------------------------------------


def argument_names(item: Mapping) -> list[tuple[str, Any]]:
    """(argument, None for a number | its components' names, nested for a matrix)."""
    return [(a, None) if isinstance(a, str) else next(iter(a.items())) for a in item["arguments"]]


def function_cases(
    item: Mapping, values: Mapping[str, str], seed: str = ""
) -> list[tuple[str, float, dict[str, float], Mapping]]:
    """(id, points, value of each component, case) of an item's cases; a case that says `draw: n`
    becomes n cases at random points of the domain."""
    where = [trees(item, values, w) for w in item.get("where", [])]
    out = []
    for case in item["cases"]:
        weight = float(case.get("points", 1))
        if "draw" not in case:
            at = {k: float(v) for k, v in case["at"].items()}
            out.append((case["id"], weight, at, case))
            continue
        drawn = sample(item["vars"], where, f"{item['id']}/{case['id']}/{seed}").points[2:]
        for k, at in enumerate(drawn[: case["draw"]]):
            out.append((f"{case['id']} {k + 1}", weight / case["draw"], at, {}))
    return out


def _array(names: Any, at: Mapping[str, float]) -> Any:
    if isinstance(names, str):
        return at[names]
    return np.array([_array(n, at) for n in names])


def arguments_at(item: Mapping, at: Mapping[str, float]) -> list[Any]:
    return [at[a] if names is None else _array(names, at) for a, names in argument_names(item)]


def evaluate(tree: Any, at: Mapping[str, float]) -> Any:
    """Nested lists of trees at a point, in doubles; nan where there is no value."""
    if isinstance(tree, list):
        return np.array([evaluate(t, at) for t in tree])
    value = Values(tree, [dict(at)]).double(0)
    return math.nan if value is None else value


def _check_function(item: Mapping, answer: Any, values: Mapping[str, str], private: Any) -> Result:
    if not callable(answer):
        raise AnswerError(f"A function {item['name']} is expected.", 0)
    cases = [(*case, False) for case in function_cases(item, values)]
    if private:
        hidden = function_cases({**item, **private}, values, "private")
        cases += [(*case, True) for case in hidden]
    earned, failed, got = 0.0, None, []
    for _, weight, at, case, secret in cases:
        if "expect" in case:
            expected = np.asarray(case["expect"], dtype=float)
        else:
            expected = np.asarray(evaluate(trees(item, values, item["answer"]), at))
        try:
            value = answer(*arguments_at(item, at))
            missing = value is None or value is ...
            value = "it returns nothing." if missing else np.asarray(value, dtype=float)
        except Exception as error:  # the reader's code may raise anything; say what it was
            value = f"it stopped with {type(error).__name__}: {str(error)[:200]}"
        got.append(value)
        problem = _problem(item, value, expected)
        if problem is None:
            earned += weight
        elif failed is None:
            kind, detail = problem
            failed = kind, "A hidden case fails." if secret else f"{_call(item, at)}: {detail}"
    if failed is None:
        return _say(item, "equal")
    score = earned / sum(case[1] for case in cases)
    for mistake in item.get("mistakes", []):
        if _is_mistake(item, mistake, values, cases, got):
            known = _known(mistake)
            return known._replace(score=max(score, known.score or 0.0))
    return Result(score, *failed)


def _call(item: Mapping, at: Mapping[str, float]) -> str:
    return f"{item['name']}({', '.join(_array_text(a) for a in arguments_at(item, at))})"


def _array_text(value: Any, digits: int = 6) -> str:
    if np.ndim(value):
        return "[" + ", ".join(_array_text(v, digits) for v in value) + "]"
    return show(float(value), digits).replace("\N{MINUS SIGN}", "-")  # as it is typed


def _shape_text(shape: tuple[int, ...]) -> str:
    if len(shape) < 2:
        return f"a vector of {shape[0]}" if shape else "a number"
    return f"a {' × '.join(map(str, shape))} array"


def _problem(item: Mapping, value: Any, expected: np.ndarray) -> tuple[str, str] | None:
    if isinstance(value, str):
        return "error", value
    if value.shape != expected.shape:
        got, wanted = _shape_text(value.shape), _shape_text(expected.shape)
        return "shape", f"the result is {got}; {wanted} is expected."
    if not np.all(np.isfinite(value)):
        return "different", "the result is not finite."
    rtol, atol = float(item.get("rtol", 1e-6)), float(item.get("atol", 1e-9))
    if np.allclose(value, expected, rtol=rtol, atol=atol):
        return None
    digits = next((n for n in (6, 12) if _array_text(value, n) != _array_text(expected, n)), 17)
    mine, right = _array_text(value, digits), _array_text(expected, digits)
    return "different", f"the result is {mine}; {right} is expected."


def _is_mistake(
    item: Mapping,
    mistake: Mapping,
    values: Mapping[str, str],
    cases: Sequence,
    got: Sequence,
) -> bool:
    for (_, _, at, case, _), value in zip(cases, got, strict=True):
        if "match" in mistake:
            wrong = evaluate(trees(item, values, mistake["match"]), at)
        elif mistake["id"] in case.get("mistakes", {}):
            wrong = case["mistakes"][mistake["id"]]
        else:
            continue
        if isinstance(value, str) or _problem(item, value, np.asarray(wrong, dtype=float)):
            return False
    return True


_CHECKS: dict[str, Callable[..., Result]] = {
    "formula": _check_formula,
    "numeric": _check_numeric,
    "matrix": _check_matrix,
    "choice": _check_choice,
    "function": _check_function,
    "derivation": _check_derivation,
}
