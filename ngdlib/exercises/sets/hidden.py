"""Hidden cases of function items: how they are drawn, the oracle, known wrong functions.

They stand in `exercises/<chapter>.py`, in plain sight:

    HIDDEN = {
        "q6": Hidden(
            oracle=landings,
            cases={"near-the-edge": Cases(near_the_edge, points=2, number=5)},
            wrong={"flow": follow_the_flow},
        )
    }

What a student cannot know is which cases come: a class draws them with the instructor's key.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np


class Cases(NamedTuple):
    """draw: a function of a `numpy.random.Generator` that gives the value of each component of
    the arguments, {name: number}; points: what these cases are worth together; number: how many."""

    draw: Callable[[np.random.Generator], Mapping[str, float]]
    points: float = 1.0
    number: int = 3


class Hidden(NamedTuple):
    """oracle: a right function; cases: {what is special about them: Cases}; wrong: {id of a known
    mistake of the item: a function that makes it}; expects: for an item without a formula of the
    answer, whose arguments are all numbers, what the oracle returns is what is expected."""

    oracle: Callable
    cases: Mapping[str, Cases]
    wrong: Mapping[str, Callable]
    expects: bool = False

    def drawn(self, rng: np.random.Generator) -> dict[str, Any]:
        """Hidden cases as `check_item` takes them: the same generator gives the same cases."""
        out = []
        for name, kind in self.cases.items():
            for k in range(kind.number):
                at = {part: float(x) for part, x in kind.draw(rng).items()}
                worth = kind.points / kind.number
                out.append({"id": f"{name} {k + 1}", "points": worth, "at": at})
                if self.expects:
                    out[-1]["expect"] = float(self.oracle(**at))
                    out[-1]["mistakes"] = {m: float(f(**at)) for m, f in self.wrong.items()}
        return {"cases": out}


def hidden_of(path: Path) -> dict[str, Hidden]:
    """{item: its hidden part} of the set in `path`, from the Python file beside it; {} without one.

    It is the authors' own code and is run. Raises ValueError where it defines no `HIDDEN`.
    """
    file = Path(path).with_suffix(".py")
    if not file.exists():
        return {}
    found = getattr(_module(file), "HIDDEN", None)
    if not isinstance(found, dict) or not all(isinstance(h, Hidden) for h in found.values()):
        raise ValueError(f"{file}: expected HIDDEN = {{item: Hidden(...)}}")
    return found


def _module(file: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"hidden_{file.stem.replace('-', '_')}", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
