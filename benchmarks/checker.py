"""The checker of exercises: milliseconds a check, the size of its script, and sympy beside it.

Every reference answer and every known mistake of the book's sets is checked once, in Python and in
node. The formulas among them are also decided by sympy's `simplify` and `equals`, in the same run:
each reference against itself written otherwise, and against each mistake. Runs that take longer
than 10 s are stopped and count as 10 s and as undecided.
"""

from __future__ import annotations

import gzip
import json
import signal
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import sympy as sp

from ngdlib.exercises.judging.items import FIRST, blank_item, check_item, draw, nested, trees
from ngdlib.exercises.judging.node import MODULE, SCRIPTS, node_path
from ngdlib.exercises.notebook.answers import FOLDER
from ngdlib.exercises.reading.grammar import AnswerError, latex, parse
from ngdlib.exercises.sets.files import load

Row = tuple[str, float, str, float | None]
LIMIT = 10  # seconds for one decision of sympy

_TIMER = """
const { check } = api;
const tasks = JSON.parse(require('fs').readFileSync(0, 'utf8'));
console.log(JSON.stringify(tasks.map(([item, answer, values]) => {
  const start = process.hrtime.bigint(), r = check(item, answer, values);
  return [Number(process.hrtime.bigint() - start) / 1e6, r.kind];
})));
"""


def measure(site: Path) -> Iterator[Row]:
    """Rows (what, value, unit, budget). site: the built book."""
    script = site / "_static" / "exercises.js"
    if script.exists():
        size = len(gzip.compress(script.read_bytes(), 9, mtime=0)) / 1000
        yield "the page's script, gzipped", size, "kB", 25.6
    else:
        print(f"  the page's script is not built: there is no {script.name} in the site")
    tasks = list(_tasks())
    mine = [_timed(lambda t=t: check_item(*t).kind) for t in tasks]
    theirs = _in_node([script] if script.exists() else SCRIPTS, tasks)
    differ = sum(a[1] != b[1] for a, b in zip(mine, theirs, strict=True))
    yield "answers and mistakes checked", len(tasks), "", None
    yield "of these, different in Python and JavaScript", differ, "", 0
    for name, runs in (("Python", mine), ("JavaScript", theirs)):
        times = [ms for ms, _ in runs]
        yield f"{name}, median", statistics.median(times), "ms", None
        yield f"{name}, 95th percentile", _percentile(times, 95), "ms", None
        yield f"{name}, slowest", max(times), "ms", None
    yield from _beside_sympy()


def _timed(decide: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    decided = decide()
    return 1000 * (time.perf_counter() - start), decided


def _percentile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


# --- what is checked ------------------------------------------------------------------------------


def _tasks() -> Iterator[tuple[Mapping, Any, dict[str, str]]]:
    """(item, answer, values) for each reference answer and known mistake of the book's sets."""
    for path in sorted(FOLDER.glob("*.yml")):
        for item in load(path).data["items"]:
            values = draw(item, FIRST)
            if item["kind"] == "choice":
                yield item, [o["id"] for o in item["options"] if o.get("right")], values
                yield from ((item, [o["id"]], values) for o in item["options"])
            elif item["kind"] == "derivation" and item["mode"] == "order":
                order = [step["id"] for step in item["steps"]]
                yield item, order, values
                yield from (
                    (item, [order[0], d["id"]], values) for d in item.get("distractors", [])
                )
            elif item["kind"] == "derivation":
                right = {b["id"]: _typed(b, item, values, b["answer"]) for b in item["blanks"]}
                yield item, right, values
                for blank in item["blanks"]:
                    for mistake in blank["mistakes"]:
                        wrong = _typed(blank, item, values, mistake["match"])
                        yield item, {**right, blank["id"]: wrong}, values
            elif item["kind"] != "function":
                for field in (item["answer"], *(m["match"] for m in item["mistakes"])):
                    yield item, _typed(item, item, values, field), values


def _typed(part: Mapping, item: Mapping, values: Mapping[str, str], field: Any) -> Any:
    if isinstance(field, list):
        return [_typed(part, item, values, entry) for entry in field]
    return latex(trees(item, values, field), item.get("vars", {})) if values else str(field)


def _in_node(scripts: Sequence[Path], tasks: list) -> list[tuple[float, str]]:
    run = subprocess.run(
        [node_path(), "-e", MODULE + _TIMER, *map(str, scripts)],
        input=json.dumps(tasks),
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    return [tuple(pair) for pair in json.loads(run.stdout)]


# --- sympy beside it ------------------------------------------------------------------------------


class Pair(NamedTuple):
    """A formula item, an answer to it as text and as sympy expressions, and whether it is equal."""

    item: Mapping
    answer: str
    a: sp.Expr
    b: sp.Expr
    equal: bool


def _beside_sympy() -> Iterator[Row]:
    pairs = [pair for item in _formulas() for pair in _pairs(item)]
    yield "pairs of formulas, all deciders", len(pairs), "", None
    ours = [_timed(lambda p=p: _kind(check_item(p.item, p.answer))) for p in pairs]
    yield "the checker, median", statistics.median(ms for ms, _ in ours), "ms", None
    yield "the checker, wrong or undecided", _wrong(pairs, ours), "", 0
    for name, decide in (
        ("simplify", lambda p: sp.simplify(p.a - p.b) == 0),
        ("equals", lambda p: p.a.equals(p.b)),
    ):
        runs = [_timed(lambda p=p, d=decide: _within(LIMIT, lambda: d(p))) for p in pairs]
        ratio = statistics.median(ms for ms, _ in runs) / statistics.median(ms for ms, _ in ours)
        whole = sum(ms for ms, _ in runs) / sum(ms for ms, _ in ours)
        yield f"sympy {name}, median over ours", ratio, "x", None
        yield f"sympy {name}, all pairs together over ours", whole, "x", None
        yield f"sympy {name}, slowest", max(ms for ms, _ in runs), "ms", None
        yield f"sympy {name}, wrong or undecided", _wrong(pairs, runs), "", None


def _formulas() -> Iterator[dict[str, Any]]:
    """Every formula of the book's sets that is asked for as it is, as an item of its own."""
    for path in sorted(FOLDER.glob("*.yml")):
        for item in load(path).data["items"]:
            if item.get("variant") or item.get("up_to"):
                continue
            if item["kind"] == "formula":
                yield item
            elif item["kind"] == "derivation" and item["mode"] == "fill":
                yield from (blank_item(item, b) for b in item["blanks"] if not b.get("up_to"))
            elif item["kind"] == "matrix":
                for k, row in enumerate(nested(item["answer"])):
                    for j, entry in enumerate(row):
                        wrong = [nested(m["match"]) for m in item["mistakes"]]
                        mistakes = [
                            {"id": str(n), "match": w[k][j], "feedback": "x"}
                            for n, w in enumerate(wrong)
                            if len(w) > k and len(w[k]) > j and w[k][j] != entry
                        ]
                        kept = {key: item[key] for key in ("vars", "where") if key in item}
                        yield {
                            **kept,
                            "id": f"{item['id']}-{k}{j}",
                            "kind": "formula",
                            "answer": entry,
                            "mistakes": mistakes,
                        }


def _pairs(item: Mapping) -> Iterator[Pair]:
    """The reference against itself, expanded and factored, and against each mistake."""
    names = item.get("vars", {})
    right = _sympy(parse(str(item["answer"]), names), names)
    for other in dict.fromkeys((sp.expand(right), sp.factor(right), sp.together(right))):
        text = str(other)
        try:
            parse(text, names)
        except AnswerError:
            continue
        yield Pair(item, text, _sympy(parse(text, names), names), right, True)
    for mistake in item["mistakes"]:
        text = str(mistake["match"])
        yield Pair(item, text, _sympy(parse(text, names), names), right, False)


_FUNCTIONS = {
    "abs": sp.Abs,
    "arcsin": sp.asin,
    "arccos": sp.acos,
    "arctan": sp.atan,
    "logistic": lambda x: 1 / (1 + sp.exp(-x)),
    "logit": lambda x: sp.log(x / (1 - x)),
}
_OPERATIONS: dict[str, Callable] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "^": lambda a, b: a**b,
}


def _sympy(tree: tuple, names: Mapping) -> sp.Expr:
    """A tree of the grammar as sympy has it: real names, positive where the domain says so."""
    kind = tree[0]
    if kind == "num":
        return sp.Rational(tree[1])
    if kind == "var":
        where = names[tree[1]]
        positive = True if isinstance(where, list) and float(where[0]) >= 0 else None
        return sp.Symbol(tree[1], real=True, positive=positive)
    if kind == "const":
        return sp.pi if tree[1] == "pi" else sp.E
    if kind == "neg":
        return -_sympy(tree[1], names)
    if kind == "fn":
        function = _FUNCTIONS.get(tree[1]) or getattr(sp, tree[1])
        return function(_sympy(tree[2], names))
    return _OPERATIONS[kind](_sympy(tree[1], names), _sympy(tree[2], names))


def _kind(result: Any) -> bool | None:
    """Equal, different, or None for undecided."""
    return None if result.score is None else result.kind == "equal"


def _wrong(pairs: list[Pair], runs: list[tuple[float, Any]]) -> int:
    return sum(decided is not p.equal for p, (_, decided) in zip(pairs, runs, strict=True))


def _within(seconds: int, decide: Callable[[], Any]) -> Any:
    """What `decide` returns, or None where it takes longer."""

    def stop(*_: Any) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        return decide()
    except TimeoutError:
        return None
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
