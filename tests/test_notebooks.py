"""The notebooks as they are committed: no outputs, stable ids, one parameters cell that parses."""

import json
import re

import nbformat
import pytest

from book.execute import notebooks
from book.rerun import parameters
from tests.conftest import ROOT

FILES = [*notebooks(), *sorted((ROOT / "exercises").glob("*.ipynb"))]


def faults(book: dict) -> list[str]:
    """What keeps a notebook from being committed."""
    found = []
    ids = [cell.get("id", "") for cell in book["cells"]]
    if len(set(ids)) != len(ids):
        found.append("two cells share an id")
    for cell in book["cells"]:
        name = cell.get("id", "?")
        if not re.fullmatch(r"[a-z][a-z0-9-]*", name):
            found.append(f"cell id {name!r} is not readable: use words and hyphens")
        if cell["cell_type"] == "code" and (cell.get("outputs") or cell.get("execution_count")):
            found.append(f"cell {name} has outputs")
    if not book["metadata"].get("description"):
        found.append("the notebook's metadata has no description")
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_committed_clean(file):
    assert faults(json.loads(file.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_parameters_cell(file):
    """A chapter with a worked example has one parameters cell, each line with a range it meets."""
    book = nbformat.read(file, as_version=4)
    tagged = [c for c in book.cells if "parameters" in c.metadata.get("tags", [])]
    assert len(tagged) <= 1
    if tagged:
        known = parameters(book)
        lines = [x for x in tagged[0].source.splitlines() if x.strip() and not x.startswith("#")]
        assert len(known) == len(lines), "a line is not `name = value  # what, in [low, high]`"
        for parameter in known.values():
            assert parameter.allowed, f"{parameter.name} has no range"
            assert parameter.holds(parameter.default), f"{parameter.name}: default out of range"


def test_faults_are_found():
    """Negative control: each fault is seen in a notebook that has it."""
    cell = {"cell_type": "code", "id": "a1b2C3", "outputs": [{}], "execution_count": 1}
    found = " ".join(faults({"cells": [cell, cell], "metadata": {}}))
    for word in ("share an id", "not readable", "has outputs", "no description"):
        assert word in found
