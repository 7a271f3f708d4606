"""The validator of exercise sets, which also writes their notebooks.

    python -m ngdlib.exercises.sets.author                       # every set in exercises/
    python -m ngdlib.exercises.sets.author exercises/bernoulli.yml
    python -m ngdlib.exercises.sets.author --check               # write nothing, compare only

Each complaint names file and line. A set is fit to publish when: it follows the schema; every
answer is defined on the whole of its domain; every known mistake differs from the answer and from
the other mistakes, and is recognised; no hint contains the answer; every option and mistake has its
words; Python and the page give the same results; the oracle is right and the functions that err are
recognised on whatever hidden cases are drawn. `exercises/SCHEMA.md` explains the fields. The
notebook of a set that is in order is written beside it.
"""

from __future__ import annotations

import argparse
import ast
import itertools
import keyword
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ngdlib.exercises.judging.compare import Reference, check_domain
from ngdlib.exercises.judging.items import (
    Result,
    all_choices,
    argument_names,
    blank_item,
    check_item,
    constant,
    draw,
    evaluate,
    fill,
    function_cases,
    is_order,
    nested,
    sample_of,
    trees,
)
from ngdlib.exercises.judging.node import PageChecker
from ngdlib.exercises.notebook import cells as notebook
from ngdlib.exercises.reading.grammar import AnswerError, canonical, declared, latex, parse
from ngdlib.exercises.sets.files import (
    ROOT,
    ExerciseSet,
    Fault,
    SetError,
    derivation_steps,
    load,
    public,
)
from ngdlib.exercises.sets.hidden import Hidden, hidden_of

VARIANTS = 2000  # of an item: all are tried, so there may be no more of them
COMPARED = 6  # of them are tried in the page's checker too
DRAWS = 5  # of hidden cases
DIGITS = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6}
FOLDER = ROOT / "exercises"

Where = tuple[Any, ...]


class Validator:
    """Collects the faults of one set."""

    def __init__(
        self, loaded: ExerciseSet, page: PageChecker, hidden: Mapping[str, Hidden]
    ) -> None:
        self.set, self.page, self.hidden = loaded, page, hidden
        self.compared = True
        self.variant = ""  # the drawn values, where a fault is found with them
        self.faults: list[Fault] = []

    def say(self, message: str, *where: Any) -> None:
        fault = self.set.fault(message + self.variant, *where)
        if fault not in self.faults:
            self.faults.append(fault)

    def run(self) -> list[Fault]:
        data = self.set.data
        if data["chapter"] != self.set.path.stem:
            self.say(f"chapter: the file is called {self.set.path.name}", "chapter")
        self.distinct(data["objectives"], ("objectives",), "objective")
        self.distinct(data["items"], ("items",), "item")
        self.names(data["items"])
        self.objectives(data)
        for i, item in enumerate(data["items"]):
            self.item(item, ("items", i))
        if not self.faults:
            for name, part in self.hidden.items():
                self.hidden_part(name, part)
            public(self.set)  # can be made
        return sorted(self.faults, key=lambda f: (f.line, f.message))

    def distinct(self, things: Sequence[Mapping], where: Where, what: str) -> None:
        seen: set[str] = set()
        for i, thing in enumerate(things):
            if thing["id"] in seen:
                self.say(f"id: another {what} is called {thing['id']}", *where, i, "id")
            seen.add(thing["id"])

    def names(self, items: Sequence[Mapping]) -> None:
        """In the notebook each answer has a name of its own."""
        seen: dict[str, str] = {}
        for i, item in enumerate(items):
            name = notebook.variable(item)
            if keyword.iskeyword(name):
                self.say(f"id: {name} is a word of Python", "items", i, "id")
            other = seen.setdefault(name.lower(), item["id"])
            if other != item["id"]:
                self.say(f"id: too much like {other} for the notebook", "items", i, "id")

    def objectives(self, data: Mapping) -> None:
        known = {o["id"] for o in data["objectives"]}
        used: set[str] = set()
        for i, item in enumerate(data["items"]):
            named = item["objective"]
            for name in [named] if isinstance(named, str) else named:
                if name not in known:
                    self.say(f"objective: {name} is not declared above", "items", i, "objective")
                used.add(name)
        for i, objective in enumerate(data["objectives"]):
            if objective["id"] not in used:
                self.say(f"objective: no item tests {objective['id']}", "objectives", i)

    # --- an item --------------------------------------------------------------------------------

    def item(self, item: Mapping, where: Where) -> None:
        if not self.declarations(item, where) or not self.readable(item, where):
            return
        alike = "variant" not in item and item["kind"] in ("formula", "numeric", "matrix")
        if alike and "one_for_all" not in item:
            self.say("one_for_all: why does it have no variant?", *where)
        cost = sum(hint["cost"] for hint in item["hints"])
        if cost >= item["points"]:
            self.say(
                f"hints: they cost {cost:g} of {item['points']:g} points: nothing is left",
                *where,
                "hints",
            )
        check = getattr(self, item["kind"])
        for k, values in enumerate(self.variants(item)):
            self.compared = k < COMPARED
            before = len(self.faults)
            drawn = ", ".join(f"{name} = {value}" for name, value in values.items())
            self.variant = f" (with {drawn})" if drawn else ""
            check(item, where, values)
            self.never(item, where, values)
            self.hints(item, where, values)
            if len(self.faults) > before:
                break  # one variant with a fault is enough to read about
        self.variant = ""

    def never(self, item: Mapping, where: Where, values: Mapping) -> None:
        """No wrong rule leads to the right answer."""
        for k, rule in enumerate(item.get("never", [])):
            got = check_item(item, _shown(item, values, rule), values)
            if got.kind == "equal" or got.score is None:
                what = "gives the right answer" if got.kind == "equal" else f"is {got.kind}"
                self.say(f"never: the wrong rule {rule} {what}", *where, "never", k)

    def variants(self, item: Mapping) -> list[dict[str, str]]:
        variant = item.get("variant")
        if not variant:
            return [{}]
        names = sorted(variant)
        spaces = [all_choices(variant[n]) for n in names]
        ends = [{n: s[k] for n, s in zip(names, spaces, strict=True)} for k in (0, -1)]
        first: list[dict[str, str]] = []
        for values in [*ends, *(draw(item, str(k)) for k in range(4 * COMPARED))]:
            if values not in first and len(first) < COMPARED:
                first.append(values)
        if np.prod([len(s) for s in spaces]) > VARIANTS:
            self.say(f"{item['id']}: more than {VARIANTS} combinations to try", "items")
            return first
        all_of_them = [dict(zip(names, v, strict=True)) for v in itertools.product(*spaces)]
        return first + [values for values in all_of_them if values not in first]

    def alike(self, item: Mapping, answer: Any, values: Mapping, *where: Any) -> Result:
        """What Python says to an answer; a fault if the page says something else."""
        mine = check_item(item, answer, values)
        theirs = self.page.check(item, answer, values) if self.compared else mine
        if (theirs[:3], theirs.wrong) != (mine[:3], mine.wrong):
            self.say(f"{answer!r}: Python says {mine.kind}, the page {theirs.kind}", *where)
        return mine

    def declarations(self, item: Mapping, where: Where) -> bool:
        before = len(self.faults)
        try:
            for name, spec in item.get("variant", {}).items():
                if len(all_choices(spec)) < 2:
                    self.say(f"variant: {name} has one value only", *where, "variant", name)
            declared([*item.get("vars", {}), *item.get("variant", {})])
            check_domain(item.get("vars", {}))
        except ValueError as error:
            self.say(str(error), *where, "vars" if "vars" in item else "variant")
        for name in item.get("variant", {}):
            texts = [item["prompt"], item.get("starter", "")]
            if not any(f"{{{{{name}" in text.replace(" ", "") for text in texts):
                self.say(f"prompt: it does not show {{{{{name}}}}}", *where, "prompt")
        return len(self.faults) == before

    def readable(self, item: Mapping, where: Where) -> bool:
        """Every formula can be read, and every {{name}} in a text has a value."""
        before = len(self.faults)
        names = [*item.get("vars", {}), *item.get("variant", {})]
        try:
            declared([*names, *item.get("also", {})])
        except ValueError as error:
            self.say(str(error), *where, "also")
        if ("polynomial" in item) != ("polynomial" in item["prompt"]):
            self.say("polynomial: true where the prompt asks for one, and only there", *where)
        for keys, text in _formulas(item):
            try:
                parse(text, names)
            except AnswerError as error:
                at = f" (at character {error.position + 1})"
                self.say(f"{'.'.join(map(str, keys))}: {text!r}: {error}{at}", *where, *keys)
        for keys, text in _texts(item):
            try:
                fill(text, draw(item, "a"))
            except AnswerError as error:
                self.say(f"{'.'.join(map(str, keys))}: {error}", *where, *keys)
        return len(self.faults) == before

    # --- kinds ----------------------------------------------------------------------------------

    def formula(self, item: Mapping, where: Where, values: Mapping) -> None:
        tree = trees(item, values, item["answer"])
        reference = self.defined(item, where, values, tree)
        if reference is None:
            return
        mistakes = [
            Reference(
                trees(item, values, m["match"]),
                item["vars"],
                up_to=item.get("up_to"),
                sampled=reference.sample,
            )
            for m in item["mistakes"]
        ]
        self.different(item, where, [reference], [[m] for m in mistakes])
        shown = _shown(item, values, item["answer"])
        tries = [
            f"{shape.replace('a', shown)}" for shape in ("(a)", "2*(a)", "-(a)", "1/(a)", "(a)+1")
        ]
        tries += [latex(parse(shown, item["vars"]), item["vars"])]
        self.agreement(item, where, values, tries[0], tries[1:])

    def defined(
        self, item: Mapping, where: Where, values: Mapping, tree: Any, keys: Where = ("answer",)
    ) -> Reference | None:
        """The answer as a reference, if it is defined at every test point of its domain."""
        sampled, up_to = sample_of(item, values)
        if sampled.core < (3 if item.get("vars") else 1):
            self.say("where: it leaves hardly any point of the domain", *where, "where")
            return None
        reference = Reference(tree, item.get("vars", {}), up_to=up_to, sampled=sampled)
        for i, point in enumerate(sampled.points):
            if reference.values.defined(i) is False:
                at = ", ".join(f"{n} = {x:.6g}" for n, x in point.items()) or "all"
                self.say(
                    f"answer: it is not defined at {at}, which is in the domain", *where, *keys
                )
                return None
        return reference

    def different(
        self,
        item: Mapping,
        where: Where,
        answer: Sequence[Reference],
        mistakes: Sequence[Sequence[Reference]],
        key: str = "mistakes",
    ) -> None:
        """No mistake is the answer or another mistake."""
        for k, mistake in enumerate(mistakes):
            name = item[key][k]["id"]
            if len(mistake) != len(answer):
                continue
            verdicts = [a.compare(m.values) for a, m in zip(answer, mistake, strict=True)]
            if all(v.equal for v in verdicts):
                self.say(f"mistakes.{name}: it is the answer itself", *where, key, k, "match")
            elif not any(v.equal is False for v in verdicts):
                self.say(
                    f"mistakes.{name}: not to be told from the answer", *where, key, k, "match"
                )
            for j in range(k):
                if len(mistakes[j]) == len(mistake) and all(
                    a.matches(m.values) for a, m in zip(mistakes[j], mistake, strict=True)
                ):
                    other = item[key][j]["id"]
                    self.say(f"mistakes.{name}: the same as {other}", *where, key, k, "match")

    def agreement(
        self, item: Mapping, where: Where, values: Mapping, right: Any, others: Sequence[Any] = ()
    ) -> None:
        """The answer earns all points, each mistake is recognised, the page says the same."""
        mistakes = [(m["id"], _shown(item, values, m["match"])) for m in item.get("mistakes", [])]
        for name, answer in [(None, right), *mistakes, *((..., other) for other in others)]:
            mine = self.alike(item, answer, values, *where, "answer")
            if name is None and mine.kind != "equal":
                self.say(
                    f"answer: given as an answer it is {mine.kind}: {mine.feedback}",
                    *where,
                    "answer",
                )
            if isinstance(name, str) and mine.kind != f"known:{name}":
                k = [m["id"] for m in item["mistakes"]].index(name)
                other = mine.kind.removeprefix("known:")
                what = "the right answer" if mine.kind == "equal" else other
                self.say(f"mistakes.{name}: it gives {what}", *where, "mistakes", k)

    def numeric(self, item: Mapping, where: Where, values: Mapping) -> None:
        right = constant(trees(item, values, item["answer"]))
        if right is None:
            self.say("answer: it has no value", *where, "answer")
            return
        for k, mistake in enumerate(item["mistakes"]):
            if constant(trees(item, values, mistake["match"])) is None:
                self.say(
                    f"mistakes.{mistake['id']}: it has no value", *where, "mistakes", k, "match"
                )
                return
        named = re.search(rf"\b({'|'.join(DIGITS)})( significant)? digits", item["prompt"])
        digits = DIGITS[named[1]] if named else 3
        for k, mistake in enumerate(item["mistakes"]):
            wrong = constant(trees(item, values, mistake["match"]))
            if check_item(item, f"{wrong:.{digits}g}", values).kind == "equal":
                self.say(
                    f"mistakes.{mistake['id']}: to {digits} digits it gives the right answer",
                    *where,
                    "mistakes",
                    k,
                )
        rounded = f"{right:.{digits}g}"
        if check_item(item, rounded, values).kind != "equal":
            self.say(
                f"prompt: {rounded}, the answer to {digits} digits, is not accepted: say how many"
                " digits are asked, or set rtol",
                *where,
                "prompt",
            )
        self.agreement(
            item,
            where,
            values,
            _shown(item, values, item["answer"]),
            [f"{right:.3g}", f"{-right:.12g}", f"{10 * right:.12g}", f"{right + 1:.12g}", "1/0"],
        )

    def matrix(self, item: Mapping, where: Where, values: Mapping) -> None:
        rows = nested(item["answer"])
        if len({len(row) for row in rows}) > 1:
            self.say("answer: its rows differ in length", *where, "answer")
            return
        answer = [
            self.defined({**item, "up_to": None}, where, values, trees(item, values, entry))
            for row in rows
            for entry in row
        ]
        if None in answer:
            return
        sampled = answer[0].sample
        mistakes = []
        for k, mistake in enumerate(item["mistakes"]):
            wrong = nested(mistake["match"])
            if [len(r) for r in wrong] != [len(r) for r in rows]:
                self.say(
                    f"mistakes.{mistake['id']}: not the shape of the answer", *where, "mistakes", k
                )
                return
            mistakes.append(
                [
                    Reference(trees(item, values, entry), item.get("vars", {}), sampled=sampled)
                    for row in wrong
                    for entry in row
                ]
            )
        self.different(item, where, answer, mistakes)
        shown = [[_shown(item, values, entry) for entry in row] for row in rows]
        changed = [[f"-({entry})" for entry in row] for row in shown]
        self.agreement(
            item, where, values, shown, [changed, [list(r) for r in zip(*shown, strict=True)]]
        )

    def choice(self, item: Mapping, where: Where, values: Mapping) -> None:
        self.distinct(item["options"], (*where, "options"), "option")
        right = [o["id"] for o in item["options"] if o.get("right")]
        for o in item["options"]:
            for answer in ([o["id"]], right, [o["id"], *right]):
                self.alike(item, answer, values, *where)
        if right and check_item(item, right, values).score != 1:
            self.say("options: the right ones do not earn all points", *where, "options")

    def function(self, item: Mapping, where: Where, values: Mapping) -> None:
        components = _components(item)
        if set(map(canonical, components)) != set(map(canonical, item["vars"])):
            self.say("arguments: their components and vars differ", *where, "arguments")
            return
        if item["starter"].strip() and not re.search(rf"\bdef {item['name']}\(", item["starter"]):
            self.say(f"starter: it does not define {item['name']}", *where, "starter")
        for part in ("starter", "after"):
            try:
                ast.parse(fill(item.get(part, ""), values))
            except SyntaxError as error:
                self.say(f"{part}: not Python: {error.msg}, line {error.lineno}", *where, part)
        for k, case in enumerate(item["cases"]):
            if "at" in case and set(case["at"]) != set(item["vars"]):
                self.say(
                    f"cases.{case['id']}: at must give {', '.join(item['vars'])}",
                    *where,
                    "cases",
                    k,
                )
                return
            if "answer" not in item and "expect" not in case:
                self.say(
                    f"cases.{case['id']}: without an answer it needs expect", *where, "cases", k
                )
                return
            for mistake in item["mistakes"]:
                if "match" not in mistake and mistake["id"] not in case.get("mistakes", {}):
                    self.say(
                        f"cases.{case['id']}: what does {mistake['id']} give here?",
                        *where,
                        "cases",
                        k,
                    )
                    return
        if "answer" not in item:
            return
        if any(
            not np.all(np.isfinite(evaluate(trees(item, values, item["answer"]), at)))
            for _, _, at, _ in function_cases(item, values)
        ):
            self.say("answer: it is not finite in every case", *where, "answer")
            return
        self.implementation(item, where, values, item["answer"], "equal", "answer")
        for k, mistake in enumerate(item["mistakes"]):
            if "match" in mistake:
                kind = f"known:{mistake['id']}"
                self.implementation(item, where, values, mistake["match"], kind, "mistakes", k)

    def implementation(
        self, item: Mapping, where: Where, values: Mapping, formula: Any, kind: str, *keys: Any
    ) -> None:
        """A formula of the item, made a function, gets the result `kind`."""
        wanted = trees(item, values, formula)

        def function(*arguments: Any) -> Any:
            flat = [x for a in arguments for x in np.ravel(a)]
            return evaluate(wanted, dict(zip(_components(item), map(float, flat), strict=True)))

        got = check_item(item, function, values)
        if got.kind != kind:
            self.say(f"{keys[0]}: as a function it is {got.kind}, not {kind}", *where, *keys)

    def derivation(self, item: Mapping, where: Where, values: Mapping) -> None:
        try:
            known = len(derivation_steps(item["derivation"]))
        except ValueError as error:
            self.say(str(error), *where, "derivation")
            return
        for k, step in enumerate(item["steps"]):
            if step.get("step", 1) > known:
                self.say(f"step: {item['derivation']} has {known} steps", *where, "steps", k)
        self.distinct([*item["steps"], *item.get("distractors", [])], (*where, "steps"), "step")
        order = [s["id"] for s in item["steps"]]
        for k, other in enumerate(item.get("alternatives", [])):
            if sorted(other) != sorted(order):
                self.say(
                    "alternatives: an order of the same steps is needed", *where, "alternatives", k
                )
        for k, step in enumerate(item["steps"]):
            for need in step.get("needs", []):
                if need not in order[:k]:
                    self.say(
                        f"steps.{step['id']}: {need} does not stand before it", *where, "steps", k
                    )
        if any("needs" in s for s in item["steps"]) and "alternatives" in item:
            self.say("alternatives: what each step needs says it already", *where, "alternatives")
        if item["mode"] == "order":
            if is_order(item, sorted(order)):
                self.say("steps: the alphabet puts their ids in the right order", *where, "steps")
            tries = [order, order[::-1], order[:1], *item.get("alternatives", [])]
            tries += [[order[0], d["id"]] for d in item.get("distractors", [])]
        else:
            self.distinct(item["blanks"], (*where, "blanks"), "blank")
            right = {b["id"]: _shown(item, values, b["answer"]) for b in item["blanks"]}
            tries = [right]
            for k, blank in enumerate(item["blanks"]):
                inner = {**blank_item(item, blank), "hints": [], "points": 1}
                self.formula(inner, (*where, "blanks", k), values)
                tries += [
                    {**right, blank["id"]: _shown(item, values, m["match"])}
                    for m in blank["mistakes"]
                ]
        for k, answer in enumerate(tries):
            mine = self.alike(item, answer, values, *where)
            if k == 0 and mine.kind != "equal":
                self.say(f"steps: in their order they are {mine.kind}", *where, "steps")

    def manual(self, item: Mapping, where: Where, values: Mapping) -> None:
        total = sum(part["points"] for part in item["rubric"])
        if total != item["points"]:
            said = f"rubric: it gives {total:g} points, the item {item['points']:g}"
            self.say(said, *where, "rubric")

    # --- hints ----------------------------------------------------------------------------------

    def hints(self, item: Mapping, where: Where, values: Mapping) -> None:
        for k, hint in enumerate(item["hints"]):
            text = fill(hint["text"], values)
            for piece in _pieces(text):
                if self.gives_away(item, values, piece):
                    self.say(f"hints: {piece!r} is the answer", *where, "hints", k)
                    break

    def gives_away(self, item: Mapping, values: Mapping, piece: str) -> bool:
        if item["kind"] in ("formula", "numeric"):
            targets = [item]
        elif item["kind"] == "matrix":
            return check_item(item, piece, values).kind == "equal"
        elif item["kind"] == "derivation" and item["mode"] == "fill":
            targets = [blank_item(item, b) for b in item["blanks"]]
        elif item["kind"] == "function" and isinstance(item.get("answer"), str):
            targets = [{**item, "kind": "formula", "mistakes": []}]
        else:
            return False
        return any(check_item(t, piece, values).kind == "equal" for t in targets)

    # --- hidden cases ---------------------------------------------------------------------------

    def hidden_part(self, name: str, part: Hidden) -> None:
        items = {item["id"]: item for item in self.set.data["items"]}
        if name not in items or items[name]["kind"] != "function":
            self.elsewhere(name, f"{name}: no function item of the set has this id")
            return
        item, values = items[name], draw(items[name], "a")
        for k in range(DRAWS):
            cases = part.drawn(np.random.default_rng(k))
            if odd := [c for c in cases["cases"] if set(c["at"]) != set(item["vars"])]:
                wanted = ", ".join(item["vars"])
                self.elsewhere(name, f"{name}: {odd[0]['id']} must give {wanted}")
                return
            got = check_item(item, part.oracle, values, cases)
            if got.kind != "equal":
                self.elsewhere(name, f"{name}: the oracle is {got.kind}: {got.feedback}")
            for mistake, wrong in part.wrong.items():
                got = check_item(item, wrong, values, cases)
                if got.kind != f"known:{mistake}":
                    what = f"{wrong.__name__} is {got.kind}, not known:{mistake}"
                    self.elsewhere(name, f"{name}: {what}")

    def elsewhere(self, name: str, message: str) -> None:
        """A fault in the Python file, at the line that names the item."""
        file = self.set.path.with_suffix(".py")
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        line = next((k for k, text in enumerate(lines, 1) if f'"{name}": Hidden(' in text), 1)
        fault = Fault(file, line, message)
        if fault not in self.faults:
            self.faults.append(fault)


# --- pieces of a set ------------------------------------------------------------------------------


def _formulas(item: Mapping) -> Iterator[tuple[Where, str]]:
    """(keys, text) of every formula of an item."""

    def walk(field: Any, keys: Where) -> Iterator[tuple[Where, str]]:
        if isinstance(field, list):
            for k, part in enumerate(field):
                yield from walk(part, (*keys, k))
        else:
            yield keys, str(field)

    if item["kind"] not in ("choice",):
        for key in ("answer", "where", "never"):
            if key in item:
                yield from walk(item[key], (key,))
        for name, text in item.get("also", {}).items():
            yield ("also", name), text
    for key in ("mistakes", "blanks"):
        for k, part in enumerate(item.get(key, [])):
            for field in ("match", "answer"):
                if field in part:
                    yield from walk(part[field], (key, k, field))
            for j, mistake in enumerate(part.get("mistakes", [])):
                yield from walk(mistake["match"], (key, k, "mistakes", j, "match"))


def _texts(item: Mapping) -> Iterator[tuple[Where, str]]:
    """(keys, text) of everything in which {{eta}} stands for a drawn value."""
    for key in ("prompt", "solution", "right", "exact", "starter", "after"):
        if key in item:
            yield (key,), item[key]
    for key, field in (
        ("hints", "text"),
        ("mistakes", "feedback"),
        ("options", "feedback"),
        ("options", "text"),
    ):
        for k, part in enumerate(item.get(key, [])):
            yield (key, k, field), part[field]


def _components(item: Mapping) -> list[str]:
    flat = []
    for name, components in argument_names(item):
        flat += [name] if components is None else list(np.ravel(components))
    return [str(n) for n in flat]


def _shown(item: Mapping, values: Mapping, field: Any) -> Any:
    """A formula of the item as a reader would type it: with the drawn values put in."""
    if isinstance(field, list):
        return [_shown(item, values, part) for part in field]
    tree = trees(item, values, field)
    return latex(tree, item.get("vars", {})) if values else str(field)


_PIECE = re.compile(r"\$\$?([^$]+)\$\$?|`([^`]+)`|\{math\}`([^`]+)`")


def _pieces(text: str) -> Iterator[str]:
    """What in a hint might be the answer: formulas and code, sides of equations, numbers."""
    for match in _PIECE.finditer(text):
        inside = next(g for g in match.groups() if g)
        yield inside
        yield from re.split(r"=|\\approx|≈|\\propto", inside)
    yield from re.findall(r"(?<![\w.])-?\d+\.?\d*(?![\w.]*\w)", text)


# --- files ----------------------------------------------------------------------------------------


def validate(path: Path, page: PageChecker) -> list[Fault]:
    """All faults of one set, its hidden cases included."""
    try:
        loaded = load(path)
    except SetError as error:
        return error.faults
    try:
        hidden = hidden_of(path)
    except Exception as error:  # the file is the author's: it may raise anything
        return [Fault(path.with_suffix(".py"), 1, f"{type(error).__name__}: {error}")]
    return Validator(loaded, page, hidden).run()


def notebooks(paths: Sequence[Path], compare: bool, out: Callable[[str], None]) -> int:
    """Write the notebooks of these sets, or only compare them. How many are not as they should
    be."""
    stale = 0
    for path in paths:
        if compare:
            current = notebook.is_current(path)
            stale += not current
            state = "up to date" if current else f"not what {path.name} gives: run `make exercises`"
        else:
            state = "written" if notebook.write(path) else "up to date"
        out(f"{notebook.target(path)}: {state}")
    return stale


def main(arguments: Sequence[str] | None = None, out: Callable[[str], None] = print) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m ngdlib.exercises.sets.author",
        description="Check exercise sets and write the notebooks of those that are in order. "
        "Complaints name file and line; exit status 1 if any.",
        epilog="The fields of a set are explained in exercises/SCHEMA.md.",
    )
    parser.add_argument("sets", nargs="*", type=Path, help="YAML files (default: exercises/*.yml)")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; complain of notebooks that are stale"
    )
    options = parser.parse_args(arguments)
    paths = options.sets or sorted(FOLDER.glob("*.yml"))
    faults, sound, items, marks = [], [], 0, 0.0
    with PageChecker() as page:
        for path in paths:
            if not path.is_file():
                faults.append(Fault(path, 1, "there is no such file"))
                continue
            of_this = validate(path, page)
            faults += of_this
            if not of_this:
                data = load(path).data
                sound.append(path)
                items += len(data["items"])
                marks += sum(item["points"] for item in data["items"])
    for fault in faults:
        out(str(fault))
    stale = notebooks(sound, options.check, out)
    if faults:
        out(f"{len(faults)} to put right in {len({f.path for f in faults})} of {len(paths)} sets.")
    elif not stale:
        out(f"{len(paths)} sets, {items} items, {marks:g} points: all in order.")
    return 1 if faults or stale else 0


if __name__ == "__main__":
    sys.exit(main())
