"""What is written for people: a page for each student, and a report on the class.

    feedback(released, key, results)     # feedback/<student>.html: the words of the page, solutions
    report(released, results, strays)    # report.html: which question, which mistake, how often

A page is one file that needs nothing else. What a student wrote stands in it as text, never as
HTML, and of hidden cases no number.
"""

from __future__ import annotations

import html
import json
import re
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ngdlib.exercises.classroom.release import Released, same_for_all
from ngdlib.exercises.judging.items import draw, fill
from ngdlib.exercises.judging.node import node_path
from ngdlib.exercises.notebook.cells import amount
from ngdlib.exercises.page.boxes import as_html
from ngdlib.exercises.sets.files import ROOT

MATHJAX = ROOT / "_build" / "vendor" / "node_modules" / "mathjax" / "es5"
STYLE = """
:root { color-scheme: light dark }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem }
h2 { font-size: 1.1rem; margin: 2rem 0 .3rem } pre { overflow-x: auto }
table { border-collapse: collapse } td, th { padding: .2rem .8rem .2rem 0; text-align: left }
td.n, th.n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums }
p:has(math) { overflow: auto hidden } p, li, td { overflow-wrap: anywhere }
ul, ol { padding-left: 1.5em } .wide { overflow-x: auto }
.notes { padding-left: .8rem; border-left: 3px solid; list-style: none }
math { font-size: 1.05em } details { margin: .5rem 0 }
"""
_DRIVER = """
const [mathjax] = process.argv.slice(1), tex = JSON.parse(require('fs').readFileSync(0));
require(mathjax + '/node-main.js').init({
  loader: { paths: { mathjax }, load: ['input/tex-base', '[tex]/ams'] },
  tex: { packages: ['base', 'ams'] },
}).then(M => process.stdout.write(JSON.stringify(tex.map(([t, display]) =>
  M.tex2mml(t, { display })))));
"""
_FORMULA = re.compile(r'<span class="math[^"]*">(?:\\\((.*?)\\\)|\\\[(.*?)\\\])</span>', flags=re.S)


def feedback(released: Released, key: bytes, results: Sequence[Mapping]) -> None:
    """A page for each student who handed something in."""
    out = released.folder / "feedback"
    out.mkdir(exist_ok=True)
    names = {s.id: s.name for s in released.roster.students}
    pages = {}
    for result in results:
        seeds = released.seeds(key, result["student"])
        pages[result["student"]] = _student(released, seeds, names[result["student"]], result)
    for student, text in _typeset(pages).items():
        (out / f"{student}.html").write_text(text, encoding="utf-8", errors="replace")


def _student(
    released: Released, seeds: Mapping[str, str], name: str, result: Mapping[str, Any]
) -> str:
    items = {item["id"]: item for item in released.data["items"]}
    earned, possible, waiting = total(result)
    parts = [
        f"<p>{html.escape(name)}: <strong>{earned:g} of {amount(possible)}</strong>"
        f"{', and some wait for your instructor' if waiting else ''}.</p>",
        _listed([_told(note) for note in result.get("notes", ())] + result["stopped"]),
    ]
    for number, got in enumerate(result["items"], 1):
        item, values = items[got["id"]], draw(items[got["id"]], seeds[got["id"]])
        parts.append(f"<h2>{number}. {as_html(fill(item['title'], values), inline=True)}</h2>")
        if got["kind"] == "manual":
            parts.append(_manual(item, got))
        else:
            parts.append(as_html(got["says"]))
        if got.get("trouble"):
            parts.append(f"<p>{html.escape(got['trouble'])}.</p>")
        solution = as_html(fill(item["solution"], values))
        parts.append(f"<details><summary>Worked solution</summary>{solution}</details>")
    return _page(f"{released.data['title'].strip()}: feedback", "".join(parts))


def _told(note: str) -> str:
    """A note in the words of a student, who does not hear of others."""
    return re.sub(r"this is the notebook of .*", "this is another student's notebook", note)


def _manual(item: Mapping, got: Mapping) -> str:
    rows = "".join(
        f"<li>{amount(r['points'])}: {as_html(r['text'], True)}</li>" for r in item["rubric"]
    )
    said = f"<p>{html.escape(got['says'])}</p>" if got["says"] else ""
    points = "waits for your instructor" if got["earned"] is None else f"{got['earned']:g}"
    answer = html.escape(got["answer"])
    return (
        f"<p><strong>{points}</strong> of {amount(got['possible'])}</p>{said}"
        f"<blockquote>{answer}</blockquote><ul>{rows}</ul>"
    )


def total(result: Mapping[str, Any]) -> tuple[float, float, bool]:
    """(points earned, points possible, whether an item waits for the instructor)."""
    earned = [item["earned"] for item in result["items"]]
    possible = sum(item["possible"] for item in result["items"])
    return round(sum(e or 0.0 for e in earned), 4), possible, None in earned


def report(released: Released, results: Sequence[Mapping], strays: Sequence[str]) -> str:
    """Write `report.html`, and return what the terminal shows."""
    sums = [total(r)[0] for r in results]
    possible = total(results[0])[1]
    text = [f"{len(results)} students, mean {sum(sums) / len(sums):.2f} of {possible:g} points"]
    rows, meant, alike = [], [], same_for_all(released.data)
    for k, item in enumerate(released.data["items"]):
        got = [r["items"][k] for r in results]
        right = sum(g["earned"] == g["possible"] for g in got)
        empty = sum(g["kind"] in ("empty", "unreadable") for g in got)
        mean = sum(g["earned"] or 0.0 for g in got) / len(got)
        kinds = Counter(g["kind"] for g in got if g["kind"] not in ("equal", "empty", "manual"))
        often = [(kind.removeprefix("known:"), n) for kind, n in kinds.most_common(6)]
        named = ", ".join(f"{name} {n}" for name, n in often)
        meant += _meant(k + 1, item, [name for name, _ in often])
        rows.append(
            f"<tr><td>{k + 1}. {as_html(fill(item['title'], draw(item, '1')), True)}</td>"
            f'<td class="n">{mean:.2f} of {item["points"]:g}</td><td class="n">{right}</td>'
            f'<td class="n">{empty}</td><td>{html.escape(named)}</td></tr>'
        )
        mistakes = f": {named}" if named else ""
        text.append(f"  {item['id']:12} {mean:.2f} of {item['points']:g}, right {right}{mistakes}")
    noted = [f"{r['student']}: {note}" for r in results for note in r["notes"] + r["stopped"]]
    text += [f"{len(noted) + len(strays)} notes, in report.html"] if noted or strays else []
    one = "".join(f"<li>{html.escape(i)}: {as_html(why, True)}</li>" for i, why in alike.items())
    words = (
        f"<details><summary>What these mistakes are</summary><ul>{''.join(meant)}</ul></details>"
    )
    body = (
        f"<p>{html.escape(text[0])}.</p><div class='wide'><table><thead><tr><th>Question</th>"
        f"<th class='n'>Mean</th>"
        f"<th class='n'>Right</th><th class='n'>Empty</th><th>Mistakes, how often</th></tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div>{words if meant else ''}<h2>To look at</h2>"
        + (_listed([*strays, *noted]) or "<p>Nothing.</p>")
        + f"<h2>Questions with one answer for all</h2><ul>{one}</ul>"
    )
    page = _typeset({"": _page(f"{released.data['title'].strip()}: the class", body)})[""]
    (released.folder / "report.html").write_text(page, encoding="utf-8", errors="replace")
    return "\n".join(text)


def _meant(number: int, item: Mapping, names: Sequence[str]) -> list[str]:
    """What is told to a student who made one of these mistakes of an item."""
    known = [*item.get("mistakes", []), *item.get("options", []), *item.get("steps", [])]
    said = {m["id"]: m["feedback"] for m in known if m.get("feedback")}
    values = draw(item, "1")
    return [
        f"<li>{number}, {html.escape(name)}: {as_html(fill(said[name], values), True)}</li>"
        for name in names
        if name in said
    ]


def _listed(notes: Sequence[str]) -> str:
    rows = "".join(f"<li>{html.escape(note)}</li>" for note in notes)
    return f'<ul class="notes">{rows}</ul>' if notes else ""


def _page(title: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}</style><main><h1>{html.escape(title)}</h1>{body}</main></html>\n"
    )


def _typeset(pages: Mapping[str, str]) -> dict[str, str]:
    """Pages with their formulas as MathML; as TeX where MathJax is not installed."""
    found = {m.groups() for page in pages.values() for m in _FORMULA.finditer(page)}
    wanted = sorted(found, key=str)
    made: dict[tuple, str] = {}
    if MATHJAX.is_dir() and node_path() and wanted:
        asked = json.dumps([[html.unescape(a or b), a is None] for a, b in wanted])
        command = [node_path(), "-e", _DRIVER, str(MATHJAX)]
        said = subprocess.run(command, input=asked, capture_output=True, text=True, check=True)
        made = dict(zip(wanted, json.loads(said.stdout), strict=True))
    return {
        name: _FORMULA.sub(lambda m: made.get(m.groups(), m[0]), page)
        for name, page in pages.items()
    }
