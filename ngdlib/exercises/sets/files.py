"""Exercise sets: reading the YAML with its lines, and the part of it that is public.

    bernoulli = load(Path("exercises/bernoulli.yml"))
    bernoulli.data["items"][0]["answer"]
    bernoulli.line("items", 0, "answer")        # where that stands in the file
    public(bernoulli)                           # what the page and the notebook get, as JSON

`exercises/SCHEMA.md` says what a set holds and `exercises/schema.json` says it to programs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from ngdlib import HOME
from ngdlib.exercises.judging.items import constant
from ngdlib.exercises.reading.grammar import AnswerError, parse

ROOT = HOME
SCHEMA = ROOT / "exercises" / "schema.json"
AS_TEXT = {
    "answer",
    "match",
    "where",
    "choices",
    "range",
    "except",
    "also",
    "never",
}  # formulas: 1/2 and 0.10 as they are typed


class Fault(NamedTuple):
    """Something an author must change: `path:line: message`."""

    path: Path
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


class SetError(ValueError):
    """A file that cannot be read as a set; `faults` says where."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = faults


class ExerciseSet(NamedTuple):
    """path; data: the set as plain data; lines: {path of keys: line}, lines from 1."""

    path: Path
    data: dict[str, Any]
    lines: dict[tuple, int]

    def line(self, *keys: Any) -> int:
        """The line of what stands under `keys`, or of the nearest thing around it."""
        where = tuple(keys)
        while where and where not in self.lines:
            where = where[:-1]
        return self.lines.get(where, 1)

    def fault(self, message: str, *keys: Any) -> Fault:
        return Fault(self.path, self.line(*keys), message)


def load(path: Path) -> ExerciseSet:
    """The set in a file, valid by the schema.

    Bounds of variables that are formulas (`pi/2`) are replaced by numbers. Raises SetError with
    the file and line of everything that is wrong.
    """
    path = Path(path)
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SetError([Fault(path, line, f"not YAML: {error.problem}")]) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SetError([Fault(path, 1, f"not YAML: {error}")]) from error
    lines: dict[tuple, int] = {}
    faults: list[Fault] = []
    data = _plain(node, (), lines, faults, path) if node else {}
    loaded = ExerciseSet(path, data, lines)
    faults += [] if faults else _schema_faults(loaded)
    if faults:
        raise SetError(faults)
    for item in data["items"]:
        for k, hint in enumerate(item["hints"]):  # the first nudge is free
            hint["cost"] = hint.get("cost", 0) if k else 0
    faults = [fault for i, item in enumerate(data["items"]) for fault in _bounds(loaded, i, item)]
    if faults:
        raise SetError(faults)
    return loaded


def _plain(
    node: yaml.Node, where: tuple, lines: dict, faults: list, path: Path, text: bool = False
) -> Any:
    lines.setdefault(where, node.start_mark.line + 1)
    if isinstance(node, yaml.ScalarNode):
        if text:
            return node.value
        return yaml.SafeLoader("").construct_object(node)
    if isinstance(node, yaml.SequenceNode):
        return [
            _plain(child, (*where, i), lines, faults, path, text)
            for i, child in enumerate(node.value)
        ]
    out: dict[str, Any] = {}
    for key_node, child in node.value:
        key, line = key_node.value, key_node.start_mark.line + 1
        if not isinstance(key, str):
            faults.append(Fault(path, line, "a key must be a word"))
            continue
        if key in out:
            faults.append(Fault(path, line, f"{key} stands here twice"))
        lines[(*where, key)] = line
        out[key] = _plain(child, (*where, key), lines, faults, path, text or key in AS_TEXT)
    return out


@cache
def _schema() -> dict[str, Any]:
    return json.loads(SCHEMA.read_text(encoding="utf-8"))


def _schema_faults(loaded: ExerciseSet) -> list[Fault]:
    import jsonschema  # only authors need it

    part = _schema()
    found: dict[tuple[int, str], Fault] = {}
    for error in jsonschema.Draft202012Validator(part).iter_errors(loaded.data):
        keys, message = list(error.absolute_path), error.message
        if error.validator == "unevaluatedProperties":
            known = error.instance
            extra = [k for k in known if f"'{k}'" in message]
            keys += extra[:1]
            message = (
                f"{', '.join(extra)}: no such field in a {known.get('kind', 'part')} like this"
            )
        elif error.validator == "minItems":
            message = f"at least {error.validator_value} are needed, here are {len(error.instance)}"
        elif len(message) > 160:
            message = f"{message[:60]} … {message[-80:]}"
        name = ".".join(str(k) for k in keys)
        fault = loaded.fault(f"{name}: {message}" if name else message, *keys)
        found.setdefault((fault.line, fault.message), fault)
    return sorted(found.values(), key=lambda f: (f.line, f.message))


def _bounds(loaded: ExerciseSet, i: int, item: Mapping) -> list[Fault]:
    faults = []
    for name, where in item.get("vars", {}).items():
        if not isinstance(where, list):
            continue
        for k, bound in enumerate(where):
            if isinstance(bound, str) and bound not in ("inf", "-inf"):
                try:
                    value = constant(parse(bound, ()))
                except AnswerError as error:
                    value = None
                    faults.append(loaded.fault(f"{bound}: {error}", "items", i, "vars", name))
                where[k] = value
    return faults


def public(loaded: ExerciseSet) -> dict[str, Any]:
    """The set as the page and the reader's notebook get it: all of the public file, with the lines
    of a derivation put in."""
    data = json.loads(json.dumps(loaded.data))
    data["items"] = [with_steps(item) for item in data["items"]]
    return data


def with_steps(item: Mapping) -> dict[str, Any]:
    """A derivation item with `tex` and `because` of each step taken from the book's derivation.

    Raises ValueError where there is no such derivation or step.
    """
    out = dict(item)
    if "derivation" not in item:
        return out
    steps = derivation_steps(item["derivation"])
    out["steps"] = []
    for step in item["steps"]:
        number = step.get("step")
        if number is None:
            out["steps"].append(step)
            continue
        if not 1 <= number <= len(steps):
            raise ValueError(
                f"step: expected 1 to {len(steps)} of {item['derivation']}, got {number}"
            )
        tex, because = steps[number - 1]
        out["steps"].append({"tex": tex, "because": because, **step})
    return out


@cache
def derivation_steps(name: str) -> list[tuple[str, str]]:
    """[(LaTeX, reason)] of a derivation of the book. Raises ValueError."""
    from ngdlib.derivations import all_derivations  # sympy: only where a derivation is asked for

    known = all_derivations()
    if name not in known:
        raise ValueError(f"derivation: expected one of {', '.join(known)}, got {name!r}")
    return [(step.latex, step.because) for step in known[name]().steps]
