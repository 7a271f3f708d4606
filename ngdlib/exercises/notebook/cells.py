"""The reader's notebook of an exercise set: prompts, folded hints, cells to answer in, checks.

    write(Path("exercises/bernoulli.yml"))      # exercises/bernoulli.ipynb; True if it has changed
    source(public(load(...)))                   # the text of the file
    source(data, seeds={"q4": "7"}, head=...)   # with other numbers, as a class hands it out

Each part is written out by name, so what is not named here (answers, mistakes, feedback, worked
solutions, cases) cannot get into a notebook. The same set gives the same bytes.
"""

from __future__ import annotations

import ast
import json
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ngdlib.exercises.judging.items import FIRST, draw, fill, nested
from ngdlib.exercises.sets.files import load, public

WIDTH = 100  # of a line of code, as ruff has it

HOW = (
    "These questions belong to the chapter [{title}](../chapters/{chapter}.ipynb). Write each "
    "answer into its cell and run it. The check below says whether it is right and, where it can, "
    "which mistake was made. A wrong try costs nothing.",
    '- **Formulas** are text in quotes, typed as usual: `"1/(p(1-p))"`, `"p^2"`, `"sqrt(p)"`, '
    '`"log(p)"` (the natural one). LaTeX and sympy expressions will do as well.\n'
    "- **Hints** are folded under the question, each with its price. Say how many you opened: "
    "`hints=1`.\n"
    "{variants}"
    '- **Worked solutions:** `solution("{example}")` shows one. Try first.',
    "What is practised here:",
    "{objectives}",
    "The last cell adds up your points.",
)
VARIANTS = (
    '- **Other numbers:** `variant("{example}", seed="2")` asks the same with other numbers. '
    'Check your answer to that with `seed="2"`. This works for {those}.\n'
)


INSTALL = """import importlib.util
from pathlib import Path

wheel = "{wheel}"
if not Path(wheel).exists():
    wheel = "{there}"
if importlib.util.find_spec("ngdlib") is None:
    %pip install --quiet {{wheel}}"""


def source(
    data: Mapping,
    seeds: Mapping[str, str] | None = None,
    head: str = "",
    metadata: Mapping | None = None,
) -> str:
    """The notebook of a set, as the text of its file.

    data      as `public` gives it
    seeds     {item: seed} of the variants, where a class is asked: then nothing is said of hints
    head      what stands in the first cell, in the place of what a reader is told
    metadata  more for the notebook's own
    """
    book = {
        "cells": _cells(data, seeds, head),
        "metadata": {
            **(metadata or {}),
            "description": f"Questions to work on the chapter {data['chapter']}: {data['title']}.",
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(book, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def target(path: Path) -> Path:
    """Where the notebook of the set in `path` stands: beside it."""
    return Path(path).with_suffix(".ipynb")


def is_current(path: Path) -> bool:
    """Whether the notebook beside a set is the one that would be written."""
    file = target(path)
    return file.is_file() and file.read_text(encoding="utf-8") == source(public(load(path)))


def write(path: Path) -> bool:
    """Write the notebook beside a set. True if the file is new or has changed."""
    text, file = source(public(load(path))), target(path)
    if file.is_file() and file.read_text(encoding="utf-8") == text:
        return False
    file.write_text(text, encoding="utf-8")
    return True


# --- cells ----------------------------------------------------------------------------------------


def _cells(data: Mapping, seeds: Mapping[str, str] | None, head: str) -> list[dict[str, Any]]:
    chapter, items = data["chapter"], data["items"]
    drawn = {item["id"]: (seeds or {}).get(item["id"], FIRST) for item in items}
    varied = [item["id"] for item in items if "variant" in item]
    variants = varied and VARIANTS.format(
        example=f"{chapter}.{varied[0]}", those=_and([f"`{chapter}.{i}`" for i in varied])
    )
    how = "\n\n".join(HOW).format(
        title=data["title"].strip(),
        chapter=chapter,
        example=f"{chapter}.{items[0]['id']}",
        variants=variants or "",
        objectives="\n".join(f"- {o['text'].strip()}" for o in data["objectives"]),
    )
    names = ["check", "solution", "summary", *(["variant"] if varied else [])]
    wanted = [f"from ngdlib.exercises import {', '.join(names)}"]
    for item in items:
        if item["kind"] == "function":
            values = draw(item, drawn[item["id"]])
            code = [_filled(item.get(part, ""), values) for part in ("starter", "after")]
            wanted += ["import numpy as np", *_parted(code[0])[0], *_parted(code[1])[0]]
    cells = [
        _markdown("title", head or f"# {data['title'].strip()}: questions\n\n{how}"),
        _code("set-up", _imports(wanted)),
    ]
    for number, item in enumerate(items, 1):
        cells += _item(chapter, number, item, drawn[item["id"]], graded=seeds is not None)
    cells += [
        _markdown("points-title", "## Your points"),
        _code("points", _call("summary", [_result(item) for item in items])),
    ]
    return cells


def _item(
    chapter: str, number: int, item: Mapping, seed: str, graded: bool
) -> list[dict[str, Any]]:
    values = draw(item, seed)
    name, result = item["id"].lower().replace("_", "-"), _result(item)
    title = f"## {number}. {_filled(item['title'], values)}"
    text = "\n\n".join([title, question(item, values), *hints(item, values)])
    more = [f'seed="{seed}"'] if values else []
    more += ["hints=0"] if item["hints"] and not graded else []
    given = item["name"] if item["kind"] == "function" else variable(item)
    checked = _call(f"{result} = check", [f'"{chapter}.{item["id"]}"', given, *more])
    cells = [
        _markdown(f"{name}-question", text),
        _code(f"{name}-answer", answer_cell(item, values)),
        _code(f"{name}-check", f"{checked}\n{result}"),
    ]
    if "after" in item:
        cells.append(_code(f"{name}-after", _parted(_filled(item["after"], values))[1]))
    return cells


def variable(item: Mapping) -> str:
    """The name of an item's answer in the notebook."""
    return item["id"].replace("-", "_")


def _result(item: Mapping) -> str:
    return f"result_{variable(item)}"


def question(item: Mapping, values: Mapping[str, str]) -> str:
    """An item as Markdown: points, prompt, and the options, lines or blanks to choose from."""
    parts = [f"*{amount(item['points'])}.* {_filled(item['prompt'], values)}"]
    if item["kind"] == "choice":
        parts.append(_listed((o["id"], _filled(o["text"], values)) for o in item["options"]))
    elif item["kind"] == "manual":
        parts.append(rubric(item))
    elif item["kind"] == "derivation":
        lines = [*item["steps"], *item.get("distractors", [])]
        if item["mode"] == "order":
            lines = sorted(lines, key=lambda line: line["id"])  # their ids say nothing of the order
            parts.append(_listed((line["id"], _line(line)) for line in lines))
        else:
            parts.append("\n".join(f"{n}. {_line(line)}" for n, line in enumerate(lines, 1)))
            blanks = ((b["id"], f"{b['label']}: {b['prompt']}") for b in item["blanks"])
            parts.append(_listed((i, _filled(text, values)) for i, text in blanks))
    return "\n\n".join(parts)


def rubric(item: Mapping) -> str:
    """What a person looks at who reads the answer, as Markdown."""
    return "\n".join(f"- {amount(r['points'])}: {r['text'].strip()}" for r in item["rubric"])


def _listed(pairs: Any) -> str:
    return "\n".join(f"- `{name}`: {textwrap.indent(text, '  ').strip()}" for name, text in pairs)


def _line(step: Mapping) -> str:
    because = f" ({step['because'].strip()})" if step.get("because") else ""
    return f"$\\displaystyle {step['tex'].strip()}$" + because


def hints(item: Mapping, values: Mapping[str, str]) -> list[str]:
    """The hints of an item as Markdown, folded."""
    return [
        f"<details>\n<summary>{hint_name(item, k)}: {price(hint)}</summary>\n\n"
        f"{_filled(hint['text'], values)}\n\n</details>"
        for k, hint in enumerate(item["hints"])
    ]


def price(hint: Mapping) -> str:
    return amount(hint["cost"]) if hint.get("cost") else "free"


def hint_name(item: Mapping, k: int) -> str:
    """What the hint with index k is called: Hint 1 of 2, or Hint where there is one."""
    many = len(item["hints"])
    return "Hint" if many == 1 else f"Hint {k + 1} of {many}"


def amount(x: float) -> str:
    """1 point, 2 points, 0.5 points."""
    return f"{x:g} point{'' if x == 1 else 's'}"


def _filled(text: str, values: Mapping[str, str]) -> str:
    return fill(text, values).strip()


# --- the cell to answer in ------------------------------------------------------------------------


def answer_cell(item: Mapping, values: Mapping[str, str]) -> str:
    """An empty answer, with a comment that says what to type."""
    kind, name = item["kind"], variable(item)
    if kind == "function":
        return _parted(_filled(item["starter"], values))[1]
    if kind == "manual":
        return _answer("Your text, between the quotes.", f'{name} = """\n"""')
    if kind == "numeric":
        unit = f", in {item['unit'].strip()}" if item.get("unit") else ""
        return _answer(f"A number, or a formula for it in quotes{unit}.", f'{name} = ""')
    if kind == "formula":
        return _answer(f"A formula{_in(item)}, in quotes.", f'{name} = ""')
    if kind == "matrix":
        rows = nested(item["answer"])
        entries = "Formulas" + _in(item) if item.get("vars") else "Numbers, or formulas for them"
        if len(rows[0]) == 1:
            row = ", ".join('""' for _ in rows)
            return _answer(f"{entries}, in quotes: a vector of {len(rows)}.", f"{name} = [{row}]")
        empty = "\n".join("    [" + ", ".join('""' for _ in row) + "]," for row in rows)
        size = f"{len(rows)} × {len(rows[0])}"
        return _answer(f"{entries}, in quotes: {size}, row by row.", f"{name} = [\n{empty}\n]")
    if kind == "choice":
        ids = ", ".join(f'"{o["id"]}"' for o in item["options"])
        if sum(bool(o.get("right")) for o in item["options"]) > 1:
            return _answer(f"All that are right, of {ids}.", f"{name} = []")
        return _answer(f"One of {ids}.", f'{name} = ""')
    if item["mode"] == "order":
        spare = " Not all of them belong." if item.get("distractors") else ""
        return _answer(f"The names of the lines in quotes, in order.{spare}", f"{name} = []")
    empty = "\n".join(f'    "{blank["id"]}": "",' for blank in item["blanks"])
    return _answer(f"For each blank a formula{_in(item)}, in quotes.", f"{name} = {{\n{empty}\n}}")


def _answer(comment: str, code: str) -> str:
    return "\n".join([*(f"# {line}" for line in textwrap.wrap(comment, WIDTH - 12)), code])


def _in(item: Mapping) -> str:
    names = list(item.get("vars", {}))
    return f" in {_and(names)}" if names else ""


def _and(names: Sequence[str]) -> str:
    """a, b and c."""
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _call(function: str, arguments: Sequence[str]) -> str:
    """A call, broken where ruff breaks it."""
    flat = ", ".join(arguments)
    if len(f"{function}({flat})") <= WIDTH:
        return f"{function}({flat})"
    if len(flat) + 4 <= WIDTH:
        return f"{function}(\n    {flat}\n)"
    return f"{function}(\n" + "".join(f"    {a},\n" for a in arguments) + ")"


# --- imports --------------------------------------------------------------------------------------


def _parted(code: str) -> tuple[list[str], str]:
    """(import statements with which a piece of code begins, the rest of it)."""
    statements, lines, end = [], code.splitlines(), 0
    for node in ast.parse(code).body:
        if not isinstance(node, (ast.Import, ast.ImportFrom)):
            break
        statements.append(ast.unparse(node))
        end = node.end_lineno
    return statements, "\n".join(lines[end:]).strip("\n")


def _imports(statements: Iterable[str]) -> str:
    """These imports once each, in ruff's order: libraries first, then ngdlib."""
    plain, members = set(), {}
    for statement in statements:
        node = ast.parse(statement).body[0]
        for alias in node.names:
            text = f"{alias.name} as {alias.asname}" if alias.asname else alias.name
            if isinstance(node, ast.ImportFrom):
                members.setdefault(node.module, set()).add(text)
            else:
                plain.add(text)
    blocks: tuple[list[str], list[str]] = [], []
    for text in sorted(plain):
        blocks[text.split(".")[0] == "ngdlib"].append(f"import {text}")
    for module in sorted(members):
        names = ", ".join(sorted(members[module], key=_by_type))
        blocks[module.split(".")[0] == "ngdlib"].append(f"from {module} import {names}")
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _by_type(name: str) -> tuple[int, str]:
    """CONSTANTS, then Classes, then functions."""
    return (0 if name.isupper() and len(name) > 1 else 1 if name[0].isupper() else 2), name


# --- cells as data --------------------------------------------------------------------------------


def _markdown(name: str, text: str) -> dict[str, Any]:
    return {
        "cell_type": "markdown",
        "id": name,
        "metadata": {},
        "source": text.splitlines(keepends=True),
    }


def _code(name: str, text: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": name,
        "metadata": {},
        "outputs": [],
        "source": text.splitlines(keepends=True),
    }
