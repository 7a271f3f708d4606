"""A question that asks for code, worked in a page that `make live` serves.

The page's script sends what the reader wrote to Python as ``work("bernoulli.q6", source)``. It runs
in names of its own, so that the chapter's are left alone; what it prints, the verdict and the plot
that the question promises go back as outputs.
"""

from __future__ import annotations

import ast
import linecache
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from IPython import get_ipython
from IPython.display import display

from ngdlib.exercises.notebook.answers import FOLDER, _item, check

VERDICT = "application/vnd.ngd.checked+json"


def work(name: str, source: str, *, hints: int = 0, folder: Path = FOLDER) -> None:
    """Run the source of an answer, check it, show the verdict and what the question then draws.

    name    of a question that asks for a function, such as "bernoulli.q6"
    source  what the reader wrote
    hints   how many hints were opened

    An error in the source is shown as the notebook shows it, and there is no verdict. Raises
    ValueError for an unknown name, another kind of question, or a wrong number of hints.
    """
    item, _ = _item(name, "1", folder)
    if item["kind"] != "function":
        raise ValueError(f"name: expected a question that asks for a function, got {name!r}")
    names: dict[str, Any] = {"__name__": "__main__", "np": np}
    if not _run(source, f"your answer to {name}", names):
        return
    checked = check(name, names.get(item["name"]), hints=hints, folder=folder)
    display({VERDICT: _verdict(checked.result._asdict())}, raw=True)
    if checked.result.kind not in ("empty", "error") and "after" in item:
        _run(item["after"], f"the plot of {name}", names)


def _verdict(result: Mapping[str, Any]) -> dict[str, Any]:
    """What the script reads of a result."""
    return {key: result[key] for key in ("score", "kind", "feedback")} | {
        "wrong": list(result["wrong"])
    }


def _run(source: str, where: str, names: dict[str, Any]) -> bool:
    """Whether it ran to its end; the value of its last expression is shown."""
    linecache.cache[where] = (len(source), None, source.splitlines(keepends=True), where)
    try:
        tree = ast.parse(source, where)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, where, "exec"), names)
        value = last and eval(compile(ast.Expression(last.value), where, "eval"), names)
        if value is not None:
            display(value)
        return True
    except (Exception, KeyboardInterrupt) as error:
        shell = get_ipython()
        if shell is None:
            raise
        mine = error.__traceback__.tb_next  # the reader's own lines
        shell.showtraceback(
            (type(error), error.with_traceback(mine), mine), running_compiled_code=True
        )
        return False
