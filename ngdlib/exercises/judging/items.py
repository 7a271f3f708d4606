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
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from ngdlib.exercises.judging import intervals
from ngdlib.exercises.judging.compare import (
    TOO_MUCH,
    TOO_VAGUE,
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
from ngdlib.exercises.judging.intervals import Budget, OutOfBudget, Undefined, Unknown
from ngdlib.exercises.judging.tutor import explain, listed
from ngdlib.exercises.reading.given import read, rows_of
from ngdlib.exercises.reading.grammar import NOTHING, AnswerError, Tree, parse

FIRST = "1"  # the seed of the variant that page and notebook show first
KINDS = ("formula", "numeric", "matrix", "choice", "function", "derivation", "manual")

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
    "terms": "{detail}",
    "power": "{detail}",
    "limit": "{detail}",
    "unknown": "I cannot tell whether this is right: {detail}. Try a simpler form.",
    "reference": "This question cannot be checked: its answer is not defined. Please report it.",
    "close": "This is close, but not close enough: keep more digits on the way.",
    "digits": "Right as far as it goes: give more digits.",
    "shape": "The shape is {detail}.",
    "transposed": "This is the transpose: rows and columns are exchanged.",
    "inverse": "This is the inverse of the answer.",
    "entry": "{good}{place} is not right. {detail}",
    "incomplete": "{detail}",
    "order": "{detail}",
    "error": "{detail}",
    "notebook": "This one is for the notebook: its answer is a function.",
}
READ = "A person reads this one. What is looked at: {rubric}."


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
    if "range" in spec and set(spec) <= {"range", "except"} and len(spec["range"]) == 3:
        left_out = {float(x) for x in spec.get("except", [])}
        texts = [str(x) for x in spec["range"]]
        places = max(len(t.partition(".")[2]) for t in texts)
        low, high, step = (round(float(t) * 10**places) for t in texts)
        if step > 0 and low <= high:
            values = [_decimal(k, places) for k in range(low, high + 1, step)]
            return [v for v in values if float(v) not in left_out]
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


# --- the check ------------------------------------------------------------------------------------


def check_item(
    item: Mapping, answer: Any, values: Mapping[str, str] | None = None, private: Any = None
) -> Result:
    """The result of one answer to one item.

    item     as in `exercises/SCHEMA.md`
    answer   formula, numeric: a string, number or sympy expression; matrix: a string, nested lists,
             an array or a sympy matrix; choice: an option's id, or a list of ids; function: a
             callable; derivation: a list of step ids, or {blank: formula}; manual: a text
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
    return _checked(item, answer, values, Budget(), private)


def _checked(
    item: Mapping, answer: Any, values: Mapping[str, str], budget: Budget, private: Any = None
) -> Result:
    try:
        if item["kind"] == "function":
            result = _check_function(item, answer, values, private)
        else:
            result = _CHECKS[item["kind"]](item, answer, values, budget)
    except AnswerError as error:
        return Result(None, "unreadable", error.message, None, error.position)
    except OutOfBudget:
        return _say(item, "unknown", detail=TOO_MUCH)
    except (Undefined, Unknown):
        return _say(item, "unknown", detail=TOO_VAGUE)
    if result.kind == "equal" or result.kind.startswith("known:"):  # the set's own words
        return result._replace(feedback=fill(result.feedback, values))
    return result


def _say(item: Mapping, kind: str, witness: Witness | None = None, **more: Any) -> Result:
    """The result of a kind that has no words of its own in the item."""
    score: float | None = item.get("partial", {}).get(kind, more.pop("score", 0.0))
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


def _known(mistake: Mapping, share: float = 0.0) -> Result:
    """The set's own words; share: of what is right beside the mistake, where no score is set."""
    score = float(mistake.get("score", share))
    return Result(score, f"known:{mistake['id']}", mistake["feedback"].strip())


def _judged(item: Mapping, verdict: Verdict, reference: Reference, mine: Values) -> Result:
    """The words for a verdict; where it has no name, what is right and what is off."""
    if verdict.kind == "different":
        part = explain(reference, mine)
        if part:
            return _say(item, part.kind, verdict.witness, detail=part.text, score=part.score)
    return _say(item, verdict.kind, verdict.witness, detail=verdict.detail)


class _Names(NamedTuple):
    """What a reader may write: the variables, and names that stand for a formula of them."""

    names: list[str]
    also: dict[str, Tree]
    polynomial: bool

    def tree(self, answer: Any) -> Tree:
        """An answer as it was read. Raises AnswerError."""
        return read(answer, [*self.names, *self.also], self.polynomial)

    def values(self, answer: Any, sampled: Sample, budget: Budget) -> Values:
        """An answer at the points of a sample. Raises AnswerError."""
        return Values(_replaced(self.tree(answer), self.also), sampled.points, budget)


def as_read(item: Mapping, answer: Any) -> Tree:
    """The tree of a formula, or of an entry of a matrix, as the check of the item reads it.

    Raises AnswerError.
    """
    if item["kind"] == "numeric":
        return read(answer, ())
    return _names(item, draw(item, FIRST)).tree(answer)


def undoubled(text: str) -> str:
    """Feedback without the "Correct." or "Not yet." that the verdict above it says already."""
    said = re.match(r"(Correct|Not yet)[.:,!]\s*", text.strip())
    rest = text.strip()[said.end() :] if said else text.strip()
    return rest[:1].upper() + rest[1:] if said else rest


def _names(item: Mapping, values: Mapping[str, str]) -> _Names:
    also = {n: trees(item, values, text) for n, text in item.get("also", {}).items()}
    return _Names(list(item.get("vars", {})), also, item.get("polynomial", False))


def _replaced(tree: Tree, also: Mapping[str, Tree]) -> Tree:
    if tree[0] == "var":
        return also.get(tree[1], tree)
    return tuple(_replaced(part, also) if isinstance(part, tuple) else part for part in tree)


class _Formula(NamedTuple):
    reference: Reference
    mistakes: list[Reference]
    names: _Names


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
    answer = reference(item["answer"])
    return _Formula(answer, mistakes, _names(item, values))


def sample_of(item: Mapping, values: Mapping[str, str]) -> tuple[Sample, Any]:
    up_to = item.get("up_to")
    within = next(iter(up_to.values())) if isinstance(up_to, Mapping) else None
    where = [trees(item, values, w) for w in item.get("where", [])]
    return sample(item.get("vars", {}), where, item.get("id", ""), within), up_to


def _spec(item: Mapping, values: Mapping[str, str]) -> str:
    kept = ("id", "vars", "where", "answer", "up_to", "also", "polynomial")
    spec = {k: item[k] for k in kept if k in item}
    spec["mistakes"] = [{"match": m["match"]} for m in item.get("mistakes", [])]
    return json.dumps([spec, values], sort_keys=False)


def _check_formula(item: Mapping, answer: Any, values: Mapping[str, str], budget: Budget) -> Result:
    formula = _formula(_spec(item, values))
    mine = formula.names.values(answer, formula.reference.sample, budget)
    verdict = formula.reference.compare(mine)
    if verdict.equal is not True:
        for mistake, known in zip(item.get("mistakes", []), formula.mistakes, strict=True):
            if known.matches(mine):
                return _known(mistake)._replace(witness=verdict.witness)
    return _judged(item, verdict, formula.reference, mine)


# --- numbers --------------------------------------------------------------------------------------


def _check_numeric(item: Mapping, answer: Any, values: Mapping[str, str], budget: Budget) -> Result:
    tree = read(answer, ())
    mine = Values(tree, [{}], budget)
    right_tree = trees(item, values, item["answer"])
    right = constant(right_tree)
    if right is None:
        return _say(item, "reference")
    x = mine.double(0)
    if x is None:
        if mine.defined(0) is False:
            reason = Reference(right_tree, {}).reason(mine, 0)
            return _say(item, "no value", detail=reason)
        return _say(item, "unknown", detail=TOO_VAGUE)
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
    if _rounds_to(tree, right):
        return _say(item, "digits")
    for mistake in item.get("mistakes", []):  # a mistake is one too when it is rounded
        if _rounds_to(tree, constant(trees(item, values, mistake["match"]))):
            return _known(mistake)
    if near(right, min(3 * rtol, 0.005), 3 * atol):
        return _say(item, "close")
    if near(-right):
        return _say(item, "sign")
    for factor in (2, 0.5, 10, 0.1, 100, 0.01, 1000, 0.001):
        if near(factor * right):
            return _say(item, "factor", detail=nice(factor))
    if right and near(1 / right):
        return _say(item, "reciprocal")
    return _say(item, "different")


def _rounds_to(tree: Tree, right: float | None) -> bool:
    """Whether a typed decimal is this number, rounded or cut off at its own last digit."""
    number = tree[1] if tree[0] == "neg" else tree
    if number[0] != "num" or "e" in number[1].lower():
        return False
    digits = len(number[1].replace(".", "").lstrip("0"))
    if not right or not math.isfinite(right) or not 2 <= digits <= 12:
        return False
    x, exact = Decimal(number[1]) * (-1 if tree[0] == "neg" else 1), Decimal(right)
    if not 0.5 < float(x) / right < 2:  # nor has a number far away so many places
        return False
    unit = Decimal(1).scaleb(-len(number[1].partition(".")[2]))
    return any(exact.quantize(unit, how) == x for how in (ROUND_HALF_UP, ROUND_DOWN))


# --- matrices -------------------------------------------------------------------------------------


class _Matrix(NamedTuple):
    shape: tuple[int, int]
    answer: list[Reference]
    mistakes: list[list[Reference]]
    names: _Names


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
    answer = references(item["answer"])
    names = _names(item, values)
    return _Matrix(shape(item["answer"]), answer, mistakes, names)


def _check_matrix(item: Mapping, answer: Any, values: Mapping[str, str], budget: Budget) -> Result:
    spec = _matrix(_spec(item, values))
    rows = rows_of(answer)
    n, m = spec.shape
    got = len(rows), len(rows[0])
    if m == 1 and got == (1, n):
        rows, got = [[entry] for entry in rows[0]], (n, 1)
    mine = []
    part = budget.left // (len(rows) * len(rows[0]))  # each entry may cost as much as the others
    for row in rows:
        for entry, start in row:
            try:
                own = Budget(part)
                mine.append(spec.names.values(entry, spec.answer[0].sample, own))
            except AnswerError as error:
                raise AnswerError(error.message, error.position + start) from None
    if got != (n, m):
        return _say(item, "shape", detail=f"{got[0]} × {got[1]}; {n} × {m} is expected")
    verdicts = [r.compare(v) for r, v in zip(spec.answer, mine, strict=True)]
    right = [v.kind == "equal" for v in verdicts]
    if all(right):
        return _say(item, "equal")
    trivial = [r.values.tree == ("num", "0") for r in spec.answer]
    counted = [ok for ok, zero in zip(right, trivial, strict=True) if not (ok and zero)]
    share = 0.0 if item.get("up_to") else sum(counted) / len(counted)
    numbers = not item.get("vars") and not _close(list(zip(spec.answer, mine, strict=True)))
    for mistake, known in zip(item.get("mistakes", []), spec.mistakes, strict=True):
        pairs = list(zip(known, mine, strict=True)) if known else []
        if pairs and (all(r.matches(v) for r, v in pairs) or (numbers and _close(pairs))):
            return _known(mistake, share)
    wrong = next((k for k, v in enumerate(verdicts) if v.equal is False), None)
    if wrong is None:
        k = next(k for k, v in enumerate(verdicts) if v.equal is None)
        return _judged(item, verdicts[k], spec.answer[k], mine[k])
    relation = _matrix_relation(spec, mine, verdicts)
    if relation:
        kind, detail = relation
        if _forgiven(item.get("up_to"), detail, kind):
            return _say(item, "equal")
        return _say(
            item, kind, verdicts[wrong].witness if kind == "factor" else None, detail=detail
        )
    inner = _judged({}, verdicts[wrong], spec.answer[wrong], mine[wrong])
    words = inner.feedback.removeprefix("Not yet.").strip()
    good, place = _places(spec.shape, right, wrong)
    witness = verdicts[wrong].witness
    return _say(item, "entry", witness, detail=words, good=good, place=place, score=share)


def _close(pairs: Sequence[tuple[Reference, Values]]) -> bool:
    """Whether all entries are these numbers, typed to three digits."""
    both = [(v.double(0), r.values.double(0)) for r, v in pairs]
    return all(x is not None and y is not None and abs(x - y) <= 5e-3 * abs(y) for x, y in both)


ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth")


def _places(shape: tuple[int, int], right: Sequence[bool], wrong: int) -> tuple[str, str]:
    """(what is right, the place that is not), in words: components of a vector, entries of a
    matrix."""
    count, m = sum(right), shape[1]
    if 1 in shape and len(right) <= len(ORDINALS):
        names = [name for name, ok in zip(ORDINALS, right, strict=False) if ok]
        many = f"component{'s are' if count > 1 else ' is'} right. "
        good = f"The {listed(names)} {many}" if names else ""
        return good, f"The {ORDINALS[wrong]} component"
    good = (
        f"{count} of {len(right)} entries {'are' if count > 1 else 'is'} right. " if count else ""
    )
    if count == len(right) - 1:
        good = "All entries but one are right. "
    return good, f"The entry in row {wrong // m + 1}, column {wrong % m + 1}"


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


def _check_choice(item: Mapping, answer: Any, values: Mapping[str, str], budget: Budget) -> Result:
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
    if len(set(chosen)) > 1:  # every wrong one is explained
        said = [f"{o}: {options[o]['feedback'].strip()}" for o in wrong]
        text = f"Of your {len(set(chosen))} choices {len(wrong)} {_are(wrong)} wrong"
        more = "" if right <= set(chosen) else ", and there is more to choose"
        result = result._replace(feedback=" ".join([*said, f"{text}{more}."]))
    return result._replace(wrong=tuple(wrong))


def _are(things: Sequence) -> str:
    return "is" if len(things) == 1 else "are"


def _check_derivation(
    item: Mapping, answer: Any, values: Mapping[str, str], budget: Budget
) -> Result:
    if item.get("mode") == "fill":
        return _check_blanks(item, answer, values, budget)
    steps = {s["id"]: s for s in item["steps"]}
    distractors = {s["id"]: s for s in item.get("distractors", [])}
    if not isinstance(answer, (list, tuple)):
        raise AnswerError("A list of steps is expected.", 0)
    for name in answer:
        if not isinstance(name, str) or not (name in steps or name in distractors):
            raise AnswerError(f"“{name}” is not known here.", 0)
    if not answer:
        raise AnswerError("No step is placed yet.", 0)
    if len(set(answer)) < len(answer):
        raise AnswerError("Each line can stand only once.", 0)
    if is_order(item, answer):
        return _say(item, "equal")
    right, needed = in_order(item, answer)
    share = right / max(len(steps), len(answer))  # of the lines up to the first that is wrong
    if right < len(answer) and answer[right] in distractors:
        return _known(distractors[answer[right]], share)._replace(wrong=(answer[right],))
    if right == len(answer):
        detail = f"Right so far: {right} of {len(steps)} steps."
        return _say(item, "incomplete", detail=detail, score=share)
    before = f"The first {right} of {len(steps)} steps are right. " if right > 1 else ""
    before = "Step 1 is right. " if right == 1 else before
    if needed is not None:
        step = steps[answer[right]]
        named = f"“{step['because']}”" if step.get("because") else f"“{step['id']}”"
        other = steps[needed].get("because") or needed
        detail = f"{before}Step {right + 1}, {named}, uses “{other}”, which is not there yet."
        detail += f" {step['without']}" if step.get("without") else ""
        result = _say(item, "order", detail=detail, score=share)
        return result._replace(wrong=(answer[right], needed))
    if not right:
        return _say(item, "order", detail="The first line is not where the derivation starts.")
    follows = f"Step {right + 1} does not follow from what stands before it."
    return _say(item, "order", detail=f"{before}{follows}", score=share)


def is_order(item: Mapping, order: Sequence[str]) -> bool:
    """Whether an order of all steps is right: each after what it needs, or one of those listed."""
    steps = [s["id"] for s in item["steps"]]
    return sorted(order) == sorted(steps) and in_order(item, order)[0] == len(order)


def in_order(item: Mapping, order: Sequence[str]) -> tuple[int, str | None]:
    """(how many lines stand right, what the next one needs that does not stand before it).

    Where a step says `needs`, any order is right in which each step stands after those it needs;
    else the order of `steps` and those of `alternatives`.
    """
    needs = {s["id"]: s.get("needs", []) for s in item["steps"]}
    if any("needs" in s for s in item["steps"]):
        for k, step in enumerate(order):
            if step not in needs:
                return k, None
            missing = next((n for n in needs[step] if n not in order[:k]), None)
            if missing is not None:
                return k, missing
        return len(order), None
    orders = [list(needs), *item.get("alternatives", [])]
    return max(_common(order, other) for other in orders), None


def _common(a: Sequence, b: Sequence) -> int:
    return next(
        (k for k, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b))
    )


def blank_item(item: Mapping, blank: Mapping) -> dict[str, Any]:
    """One blank of a derivation as a formula item."""
    shared = {k: item[k] for k in ("vars", "where", "variant", "also") if k in item}
    return {"kind": "formula", **shared, **blank, "id": f"{item['id']}.{blank['id']}"}


def _check_blanks(item: Mapping, answer: Any, values: Mapping[str, str], budget: Budget) -> Result:
    if not isinstance(answer, Mapping):
        raise AnswerError("A formula for each blank is expected.", 0)
    right, empty, said, wrong = [], [], [], []
    score, first = 0.0, None
    for blank in item["blanks"]:
        given = answer.get(blank["id"], "")
        part = Budget(budget.left // len(item["blanks"]))
        result = _checked(blank_item(item, blank), given, values, part)
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
    for name, weight, at, case, secret in cases:
        if "expect" in case:
            expected = np.asarray(case["expect"], dtype=float)
        else:
            expected = np.asarray(evaluate(trees(item, values, item["answer"]), at))
        try:
            value = answer(*arguments_at(item, at))
            missing = value is None or value is ...
            value = "it returns nothing." if missing else np.asarray(value, dtype=float)
        except KeyboardInterrupt:  # the reader has stopped it: the other cases are not tried
            detail = f"{_call(item, at)}: it was interrupted."
            return Result(None, "error", "A hidden case was interrupted." if secret else detail)
        except BaseException as error:  # the reader's code may raise anything; say what it was
            value = _stopped(error)
        got.append(value)
        problem = _problem(item, value, expected)
        if problem is None:
            earned += weight
        elif failed is None:
            kind, detail = problem
            hidden = f"A hidden case fails: {name.rstrip(' 0123456789').replace('-', ' ')}."
            failed = kind, hidden if secret else f"{_call(item, at)}: {detail}"
    if failed is None:
        return _say(item, "equal")
    score = earned / sum(case[1] for case in cases)
    for mistake in item.get("mistakes", []):
        if _is_mistake(item, mistake, values, cases, got):
            known = _known(mistake)
            return known._replace(score=max(score, known.score or 0.0))
    return Result(score, *failed)


def _stopped(error: BaseException) -> str:
    kind = type(error).__name__
    if kind == "StdinNotImplementedError":  # IPython's, where nobody can type
        return "it asks for input; what it needs is in its arguments."
    try:
        text = str(error)[:200]
    except BaseException:  # an exception of the reader's own may fail even to say what it is
        text = ""
    return f"it stopped with {kind}{f': {text}' if text else '.'}"


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


# --- texts ----------------------------------------------------------------------------------------


def _check_manual(item: Mapping, answer: Any, values: Mapping[str, str], budget: Budget) -> Result:
    """Nothing is decided here; whoever works alone compares with the rubric."""
    rubric = "; ".join(f"{part['text'].strip()} ({part['points']:g})" for part in item["rubric"])
    return Result(None, "manual", READ.format(rubric=rubric))


_CHECKS: dict[str, Callable[..., Result]] = {
    "formula": _check_formula,
    "numeric": _check_numeric,
    "matrix": _check_matrix,
    "choice": _check_choice,
    "function": _check_function,
    "derivation": _check_derivation,
    "manual": _check_manual,
}
