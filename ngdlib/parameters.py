"""The parameters of a worked example, defined once: by the cell tagged `parameters`.

Each line of that cell is an assignment with a comment that says what it is and which values are
allowed:

    eta = 1.0  # step size, in (0, 10]
    y = 1  # the toss, one of {0, 1}

`make rerun` and the panel of a chapter read this one definition and refuse in the same words.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ngdlib.validate import instance

NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
SPOKEN = {"float": "a number", "int": "a whole number", "str": "a word", "bool": "True or False"}


class Parameter(NamedTuple):
    """One line of the `parameters` cell."""

    name: str
    default: object
    about: str
    allowed: str

    def parse(self, text: str) -> object:
        """The value that ``text`` gives, of the default's type; ValueError outside the range."""
        kind = type(self.default)
        if not isinstance(text, str):
            raise ValueError(f"{self.name}: expected {self.expects()} as text, got {text!r}")
        try:
            value = ast.literal_eval(text.strip().replace("\N{MINUS SIGN}", "-"))
        except (SyntaxError, ValueError, MemoryError, RecursionError):
            value = text if kind is str else None
        if kind is float and type(value) is int and abs(value) < 2**1023:
            value = float(value)
        if type(value) is not kind or (kind is float and not math.isfinite(value)):
            raise ValueError(f"{self.name}: expected {self.expects()}, got {text!r}")
        if not self.holds(value):
            raise ValueError(f"{self.name}: expected {self.expects()}, got {value!r}")
        return value

    def expects(self) -> str:
        kind = type(self.default).__name__
        return f"{SPOKEN.get(kind, kind)} {self.allowed}".strip()

    def choices(self) -> list | None:
        """The values of `one of {...}`, sorted; None for an interval."""
        if not self.allowed.startswith("one of"):
            return None
        return sorted(ast.literal_eval(self.allowed.removeprefix("one of").strip()))

    def interval(self) -> tuple[float, float, bool, bool] | None:
        """(low, high, low included, high included) of `in [low, high)`, else None."""
        found = re.fullmatch(rf"in ([\[(])({NUMBER}), ({NUMBER})([\])])", self.allowed)
        return found and (float(found[2]), float(found[3]), found[1] == "[", found[4] == "]")

    def holds(self, value: object) -> bool:
        """Whether the value is in the range that the comment gives."""
        if (choices := self.choices()) is not None:
            return value in choices
        if (interval := self.interval()) is None:
            return True
        low, high, with_low, with_high = interval
        if not isinstance(value, int | float):
            return False
        above = value >= low if with_low else value > low
        return above and (value <= high if with_high else value < high)


def is_tagged(cell: Mapping[str, Any]) -> bool:
    """Whether a cell is the one that holds the parameters."""
    _has("cell", cell, "cell_type", "metadata")
    return cell["cell_type"] == "code" and "parameters" in cell["metadata"].get("tags", [])


def text(cell: Mapping[str, Any]) -> str:
    """The source of a cell, which a file may hold as lines."""
    _has("cell", cell, "source")
    return "".join(cell["source"])


def parameters(notebook: Mapping[str, Any]) -> dict[str, Parameter]:
    """What a notebook (as JSON has it) lets a reader change, from its `parameters` cell."""
    _has("notebook", notebook, "cells")
    tagged = [text(cell) for cell in notebook["cells"] if is_tagged(cell)]
    found = {}
    for line in tagged[0].splitlines() if tagged else ():
        match = re.fullmatch(r"(\w+)\s*=\s*(.+?)\s*#\s*(.+)", line.strip())
        if match is None:
            continue
        allowed = re.search(r"(?:^|,\s*)((?:in [\[(].+[\])])|(?:one of \{.+\}))\s*$", match[3])
        found[match[1]] = Parameter(
            match[1],
            ast.literal_eval(match[2]),
            match[3][: allowed.start()] if allowed else match[3],
            allowed[1] if allowed else "",
        )
    return found


def example(notebook: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(id, source) of the worked example's code cells: those after the `parameters` cell, up to
    the next heading of the chapter's first two levels, without the panel itself."""
    _has("notebook", notebook, "cells")
    cells = iter(notebook["cells"])
    if not any(is_tagged(cell) for cell in cells):
        return []
    found = []
    for cell in cells:
        source = text(cell)
        if cell["cell_type"] == "markdown" and re.search(r"^##? ", source, flags=re.M):
            break
        if cell["cell_type"] == "code" and not re.search(r"^panel\(", source, flags=re.M):
            found.append((cell.get("id", "cell"), source))
    return found


def read_arguments(given: Iterable[str], known: Mapping[str, Parameter]) -> dict[str, object]:
    """``["eta=0.5"]`` as values. ValueError: a name unknown or repeated, a bad value or form."""
    values: dict[str, object] = {}
    instance("known", known, Mapping, "the parameters of a notebook")
    instance("given", given, Iterable, "texts such as 'eta=0.5'")
    for argument in given:
        instance("given", argument, str, "texts such as 'eta=0.5'")
        name, equals, value = argument.partition("=")
        name = name.strip()
        if not equals:
            raise ValueError(f"expected name=value without spaces, got {argument!r}")
        if name not in known:
            raise ValueError(f"there is no parameter {name!r}")
        if name in values:
            raise ValueError(f"{name} is given twice")
        values[name] = known[name].parse(value)
    return values


def with_values(source: str, values: Mapping[str, object]) -> str:
    """The source of a `parameters` cell with these values in the place of its own.

    ValueError for a name that no line of it assigns.
    """
    instance("source", source, str, "the source of a cell")
    instance("values", values, Mapping, "values by name")
    for name, value in values.items():
        line = re.compile(rf"^(\s*{re.escape(name)}\s*=\s*)(.+?)(\s*#.*)$", flags=re.M)
        if not line.search(source):
            raise ValueError(f"there is no parameter {name!r}")
        source = line.sub(lambda m, value=value: f"{m[1]}{value!r}{m[3]}", source, count=1)
    return source


def describe(known: Mapping[str, Parameter]) -> str:
    """The parameters as lines of text."""
    instance("known", known, Mapping, "the parameters of a notebook")
    rows = [f"  {p.name} = {p.default!r:<8} {p.about}; {p.expects()}" for p in known.values()]
    return "\n".join(rows) or "  (this notebook has no parameters)"


def _has(name: str, given: object, *keys: str) -> None:
    """ValueError unless it is a dict, as JSON has it, with these keys."""
    instance(name, given, Mapping, f"a dict with {', '.join(keys)}")
    if missing := [key for key in keys if key not in given]:
        raise ValueError(f"{name}: expected a dict with {', '.join(keys)}, got none of {missing}")
