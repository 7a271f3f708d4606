"""The questions of a set as they stand in a chapter's page.

    boxes("bernoulli")                          # the questions of exercises/bernoulli.yml
    progress("coordinates", "bernoulli")        # a table of chapters, questions and points

Both show themselves as HTML that reads well without scripts, in JupyterLab too: prompts, options,
lines, folded hints and worked solutions. What answers back stands in `<template>` elements, which
only the script of the page (`page.js`) unpacks; it reads the set from the JSON at the end. The same
set gives the same bytes.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from ngdlib.exercises.judging.dice import dice
from ngdlib.exercises.judging.items import FIRST, draw, fill, is_order, nested
from ngdlib.exercises.notebook.cells import hint_name, rubric
from ngdlib.exercises.reading.grammar import latex, parse
from ngdlib.exercises.sets.files import ROOT, load, public

FOLDER = ROOT / "exercises"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Shown:
    """HTML that shows itself in Jupyter and in the book."""

    def __init__(self, name: str, text: str) -> None:
        self.name, self.text = name, text

    def _repr_html_(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return self.name


def boxes(name: str, folder: Path = FOLDER) -> Shown:
    """The questions of the set `<folder>/<name>.yml`. Raises ValueError for an unknown set."""
    return Shown(f"boxes({name!r})", _section(_public(name, folder)))


def progress(*names: str, folder: Path = FOLDER) -> Shown:
    """A table with a row for each set: its chapter, its questions, its points.

    In the page the script fills in what the reader has done. Questions that ask for code count once
    they are worked (book/static/first.js). Raises ValueError for an unknown set.
    """
    sets = [_public(name, folder) for name in names]
    rows = [
        f'<tr {_counted([data])} {_coded([data])}><th scope="row"><a href="{data["chapter"]}.html#'
        f'exercises-{data["chapter"]}">{_chapter_title(data, folder)}</a></th>{_counts([data])}'
        f"<td><template>{_bar([data], data['title'])}</template></td></tr>"
        for data in sets
    ]
    counted = f"{_counted(sets)} {_coded(sets)}"
    total = f'<tr class="ngd-total" {counted}><th scope="row">Together</th>{_counts(sets)}'
    coded = sum(item["points"] for data in sets for item in data["items"] if not _in_page(item))
    note = (
        f"The questions that ask for code, {_points(coded)}, are worked in the notebooks, or in a "
        "page that <code>make live</code> serves: those that you answer there count here, too."
    )
    return Shown(
        f"progress({', '.join(map(repr, names))})",
        '<section class="ngd-exercises" aria-label="Your progress"><table class="ngd-table">'
        '<thead><tr><th scope="col">Chapter</th><th scope="col">Questions</th>'
        '<th scope="col">Points</th><td></td></tr></thead>'
        f"<tbody>{''.join(rows)}{total}<td></td></tr></tbody></table>"
        f'<p class="ngd-note">{note if coded else ""}</p>'
        f"<template>{TOOLS.replace('<details', '<details open')}</template></section>",
    )


def _public(name: str, folder: Path) -> dict[str, Any]:
    known = sorted(path.stem for path in folder.glob("*.yml"))
    if name not in known:
        raise ValueError(f"name: expected one of {', '.join(known)}, got {name!r}")
    return public(load(folder / f"{name}.yml"))


def _chapter_title(data: Mapping, folder: Path) -> str:
    """The heading of the chapter's notebook, else the title of the set."""
    path = folder.parent / "chapters" / f"{data['chapter']}.ipynb"
    text = path.read_text(encoding="utf-8") if path.exists() else '{"cells": []}'
    source = "\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"][:1])
    heading = re.search(r"^# (.+)$", source, flags=re.M)
    return _inline(heading[1] if heading else data["title"])


# --- one set --------------------------------------------------------------------------------------


def _section(data: Mapping) -> str:
    name, items = data["chapter"], data["items"]
    coded = [item["points"] for item in items if not _in_page(item)]
    asked = "one question" if len(coded) == 1 else f"{len(coded)} questions"
    more = f", and {asked} in the notebook ({_points(sum(coded))})" if coded else ""
    kept = json.dumps(for_script(data), ensure_ascii=False, sort_keys=True, allow_nan=False)
    return (
        f'<section class="ngd-exercises" id="exercises-{name}" '
        f'aria-label="Questions: {html.escape(_plain(data["title"]))}">'
        f'<p class="ngd-elsewhere">Your answers to these questions are checked in the notebook '
        f"<code>exercises/{name}.ipynb</code>.</p>"
        f'<div class="ngd-progress" {_counted([data])}><p><strong><span class="ngd-sum">'
        f"{_number(_total([data]))}</span> points</strong>, "
        f'<span class="ngd-done">{_questions([data])}</span> questions{more}.</p>'
        f"<template>{_bar([data], 'Points in this chapter')}{TOOLS}</template></div>{HELP}"
        f"{''.join(_item(data, k) for k in range(len(items)))}"
        f'<script type="application/json">{kept.replace("<", chr(92) + "u003c")}</script></section>'
    )


READ = set(  # of an item, by the script; titles, prompts, code and solutions stand in the page
    "id kind points vars where answer mistakes up_to partial right variant rtol atol exact also "
    "polynomial mode alternatives match feedback score cost needs without label because options "
    "steps distractors blanks hints".split()
)


def for_script(data: Mapping) -> dict[str, Any]:
    """What the script of the page reads of a set, and nothing else."""
    items = [_read(item) for item in data["items"] if _in_page(item)]
    return {"chapter": data["chapter"], "items": items}


def _read(part: Mapping) -> dict[str, Any]:
    out = {}
    for key, value in part.items():
        if key in ("vars", "variant", "partial", "also"):  # names, not fields
            out[key] = value
        elif key in READ:
            parts = isinstance(value, list) and all(isinstance(v, Mapping) for v in value)
            out[key] = [_read(v) for v in value] if parts else value
    if part.get("kind") == "derivation" and part["mode"] == "fill":
        out.pop("steps", None)
    return out


def _item(data: Mapping, index: int) -> str:
    item = data["items"][index]
    values = draw(item, FIRST) if item.get("variant") else {}
    name, number = f"{data['chapter']}-{item['id']}", index + 1
    parts = [
        f'<h3>{number}. {_inline(item["title"])} <small class="ngd-worth">'
        f"{_points(item['points'])}</small></h3>",
        _filled("div", "ngd-prompt", _markdown(item["prompt"]), values),
        _BODIES[item["kind"]](item, name, values),
        f"<template>{_form(item, name, number, values)}</template>"
        if _in_page(item)
        else _for_notebook(data["chapter"], item),
    ]
    for k, hint in enumerate(item.get("hints", [])):
        parts.append(
            f'<details class="ngd-hint"><summary><span>{hint_name(item, k)}</span>'
            f'<span class="ngd-cost">, {_cost(hint)}</span></summary>'
            + _filled("div", "", _markdown(hint["text"]), values)
            + "</details>"
        )
    ends = f"ends the points for {'these numbers' if values else 'this question'}"
    cost = f'<span class="ngd-cost" hidden>, {ends}</span>' if _in_page(item) else ""
    parts.append(
        f'<details class="ngd-solution"><summary>Worked solution{cost}</summary>'
        + _filled("div", "", _markdown(item["solution"]) + _explained(item), values)
        + "</details>"
    )
    return f'<article class="ngd-item" id="exercise-{name}">{"".join(parts)}</article>'


def _cost(hint: Mapping) -> str:
    return f"costs {_points(hint['cost'])}" if hint.get("cost") else "free"


def _in_page(item: Mapping) -> bool:
    """Whether the page can check it; code is checked in the notebook only, texts by a person."""
    return item["kind"] not in ("function", "manual")


# --- what the reader sees of each kind ------------------------------------------------------------


def _no_body(item: Mapping, name: str, values: Mapping) -> str:
    return ""


def _options(item: Mapping, name: str, values: Mapping) -> str:
    kind = "checkbox" if _several(item) else "radio"
    rows = []
    for letter, option in zip(LETTERS, item["options"], strict=False):
        given = f'id="{name}-{option["id"]}" name="{name}" value="{option["id"]}"'
        rows.append(
            f'<li><template><input type="{kind}" {given}></template>'
            f'<label for="{name}-{option["id"]}"><b>{letter}</b> '
            + _filled("span", "", _inline(option["text"]), values)
            + "</label></li>"
        )
    return f'<ul class="ngd-options">{"".join(rows)}</ul>'


def _several(item: Mapping) -> bool:
    return sum(bool(option.get("right")) for option in item["options"]) > 1


def _derivation(item: Mapping, name: str, values: Mapping) -> str:
    if item["mode"] == "order":
        return f'<ul class="ngd-steps">{"".join(_lines_to_order(item, values))}</ul>'
    rows = "".join(f"<li>{_line(step, values)}</li>" for step in item["steps"])
    blanks = "".join(
        _filled("li", "", f"{_blank_label(blank)} …", values) for blank in item["blanks"]
    )
    return f'<ol class="ngd-steps">{rows}</ol><ul class="ngd-elsewhere">{blanks}</ul>'


def _blank_label(blank: Mapping) -> str:
    return f"{_inline(blank['label'])}: {_inline(blank['prompt'])}"


def _lines_to_order(item: Mapping, values: Mapping) -> list[str]:
    lines = shuffled(item)
    rows = []
    for letter, line in zip(LETTERS, lines, strict=False):
        moves = "".join(
            f'<button type="button" class="ngd-button" data-move="{move}" '
            f'aria-label="{words.replace("line", f"line {letter}")}">{shown}</button>'
            for move, words, shown in MOVES
        )
        rows.append(
            f'<li data-line="{line["id"]}" data-letter="{letter}"><b>{letter}</b>'
            f'{_line(line, values)}<template><span class="ngd-moves">{moves}</span></template></li>'
        )
    return rows


MOVES = (
    ("add", "Add line to the derivation", "Add"),
    ("up", "Move line up", "↑"),
    ("down", "Move line down", "↓"),
    ("out", "Take line out", "×"),
)


def shuffled(item: Mapping) -> list[dict]:
    """Steps and distractors of an `order` item, mixed: always the same, and in no right order."""
    lines = [*item["steps"], *item.get("distractors", [])]
    roll = dice(f"{item['id']}/order")
    for k in range(len(lines) - 1, 0, -1):
        other = int(roll() * (k + 1))
        lines[k], lines[other] = lines[other], lines[k]
    wrong = {line["id"] for line in item.get("distractors", [])}
    while is_order(item, [line["id"] for line in lines if line["id"] not in wrong]) and lines[1:]:
        lines = lines[1:] + lines[:1]
    return lines


def _line(line: Mapping, values: Mapping) -> str:
    tex = _math(r"\displaystyle " + html.escape(line["tex"], quote=False))
    because = _inline(line.get("because", ""))
    return (
        f'<span class="ngd-line">{_filled("span", "ngd-tex", tex, values)} '
        f"{_filled('span', 'ngd-why', because, values)}</span>"
    )


def _starter(item: Mapping, name: str, values: Mapping) -> str:
    code = html.escape(item.get("starter", "").strip("\n"), quote=False)
    return f'<pre class="ngd-code"><code>{code}</code></pre>' if code else ""


def _rubric(item: Mapping, name: str, values: Mapping) -> str:
    return _markdown(rubric(item))


def _for_notebook(chapter: str, item: Mapping) -> str:
    if item["kind"] == "manual":
        return (
            '<p class="ngd-note">No program reads this answer: write it down, and compare it with '
            "the list above and with the worked solution.</p>"
        )
    check = f'check("{chapter}.{item["id"]}", {item["name"]})'
    return (
        f'<p class="ngd-note">Code runs in a notebook: write the function in '
        f"<code>exercises/{chapter}.ipynb</code>, where <code>{html.escape(check)}</code> tries it "
        "out and says what it finds. A page that <code>make live</code> serves can do it, too.</p>"
    )


_BODIES = {
    "formula": _no_body,
    "numeric": _no_body,
    "matrix": _no_body,
    "choice": _options,
    "function": _starter,
    "derivation": _derivation,
    "manual": _rubric,
}


def _explained(item: Mapping) -> str:
    """Every option of a choice item with its explanation."""
    if item["kind"] != "choice":
        return ""
    rows = (
        f"<li><b>{letter}</b> {'✓' if option.get('right') else '✗'} "
        f'<span class="ngd-sr">{"right" if option.get("right") else "wrong"}: </span>'
        f"{_inline(option['feedback'])}</li>"
        for letter, option in zip(LETTERS, item["options"], strict=False)
    )
    return f'<ul class="ngd-explained">{"".join(rows)}</ul>'


# --- the controls, unpacked by the script ---------------------------------------------------------


def _form(item: Mapping, name: str, number: int, values: Mapping) -> str:
    buttons = '<button class="ngd-button ngd-check">Check</button>'
    if values:
        buttons += (
            '<button type="button" class="ngd-button ngd-another">Another one like this</button>'
        )
    more = ", one or more" if item["kind"] == "choice" and _several(item) else ""
    fields = _FIELDS[item["kind"]](item, name, values)
    if item["kind"] in ("formula", "numeric"):  # the buttons stand beside the box
        fields, row = fields.replace("</span><div", f"{buttons}</span><div"), ""
    else:
        row = f'<div class="ngd-row">{buttons}</div>'
    return (
        f'<form class="ngd-answer" autocomplete="off" novalidate><fieldset>'
        f'<legend class="ngd-sr">Your answer to question {number}{more}</legend>{fields}</fieldset>'
        f'{row}<div class="ngd-says" role="status"></div></form>'
    )


def _formula_field(item: Mapping, name: str, values: Mapping) -> str:
    return _box(f"Your formula{_names(item)}", f"{name}-answer")


def _numeric_field(item: Mapping, name: str, values: Mapping) -> str:
    unit = _filled("span", "ngd-unit", _inline(item["unit"]), values) if "unit" in item else ""
    return _box("Your number, or a formula for it", f"{name}-answer", unit)


def _box(label: str, name: str, unit: str = "", blank: str = "") -> str:
    return (
        f'<div class="ngd-box"{blank}><label for="{name}">{label}</label>'
        f'<span class="ngd-in">{_input(name)}{unit}</span><div class="ngd-preview"></div></div>'
    )


def _input(name: str, more: str = "") -> str:
    return (
        f'<input type="text" id="{name}"{more} maxlength="600" spellcheck="false" '
        'autocapitalize="off" autocorrect="off">'
    )


def _matrix_field(item: Mapping, name: str, values: Mapping) -> str:
    rows = nested(item["answer"])
    n, m = len(rows), len(rows[0])
    what = "vector" if m == 1 else f"{n} × {m} matrix"
    cells = []
    for k in range(n * m):
        place = f"row {k // m + 1}, column {k % m + 1}" if m > 1 else f"component {k + 1}"
        cells.append(_input(f"{name}-{k}", f' aria-label="{place}"'))
    return (
        f'<div class="ngd-box" data-columns="{m}">'
        f'<p class="ngd-label">Your {what}{_names(item)}</p>'
        f'<div class="ngd-grid" style="--columns:{m}">{"".join(cells)}</div>'
        '<div class="ngd-preview"></div></div>'
    )


def _choice_field(item: Mapping, name: str, values: Mapping) -> str:
    return '<div data-holds=".ngd-options"></div>'


def _derivation_field(item: Mapping, name: str, values: Mapping) -> str:
    if item["mode"] == "order":
        return (
            '<p class="ngd-label">Lines to choose from</p><div data-holds=".ngd-steps"></div>'
            '<p class="ngd-label">Your derivation</p><ol class="ngd-placed"></ol>'
            '<p class="ngd-sr" role="status"></p>'
        )
    return "".join(
        _box(
            _filled("span", "", _blank_label(blank), values),
            f"{name}-{blank['id']}",
            blank=f' data-blank="{blank["id"]}"',
        )
        for blank in item["blanks"]
    )


_FIELDS = {
    "formula": _formula_field,
    "numeric": _numeric_field,
    "matrix": _matrix_field,
    "choice": _choice_field,
    "derivation": _derivation_field,
}


def _names(item: Mapping) -> str:
    """ " in q and η": the names that an answer may hold."""
    names = list(item.get("vars", {}))
    shown = [_math(latex(parse(name, names), names)) for name in names]
    if not shown:
        return ""
    return f" in {', '.join(shown[:-1])}{' and ' if shown[1:] else ''}{shown[-1]}"


# --- progress -------------------------------------------------------------------------------------

TOOLS = (
    '<p class="ngd-trouble" role="status" hidden></p>'
    '<details class="ngd-tools"><summary>Keep, restore or erase your progress</summary>'
    "<p>Progress is kept in this browser and sent nowhere. Save it to a file to take it along.</p>"
    '<div class="ngd-row"><button type="button" class="ngd-button" data-do="save">Save to a file'
    '</button><label class="ngd-button">Restore from a file<input type="file" '
    'accept=".json,application/json" class="ngd-sr"></label>'
    '<button type="button" class="ngd-button" data-do="ask">Erase</button></div>'
    '<div class="ngd-ask" role="group" aria-label="Erase all progress?" hidden>'
    "<p>Erase the progress of all chapters in this browser? This cannot be undone.</p>"
    '<div class="ngd-row"><button type="button" class="ngd-button" data-do="erase">Erase it'
    '</button><button type="button" class="ngd-button" data-do="keep">Keep it</button></div></div>'
    '<p class="ngd-said" role="status"></p></details>'
)

HELP = (
    '<details class="ngd-help"><summary>How to write a formula</summary><p>As you would type it: '
    "<code>1/(q(1-q))</code>, <code>q^2</code>, <code>sqrt(q)</code>, <code>|x|</code>, "
    "<code>exp(-x)</code>, <code>ln(q)</code>; <code>log</code> is the natural logarithm, "
    "<code>σ(z)</code> or <code>sigma(z)</code> the logistic function. Greek letters may be spelt "
    "out: <code>eta</code>, <code>mu_1</code>. LaTeX is understood too. What could be read in two "
    "ways, such as <code>1/2q</code>, is asked back and costs nothing. Any equivalent form is "
    "right.</p></details>"
)


def _counted(sets: Sequence[Mapping]) -> str:
    return f"data-counts='{_points_of(sets, in_page=True)}'"


def _coded(sets: Sequence[Mapping]) -> str:
    return f"data-code='{_points_of(sets, in_page=False)}'"


def _points_of(sets: Sequence[Mapping], in_page: bool) -> str:
    points = {
        f"{data['chapter']}.{item['id']}": item["points"]
        for data in sets
        for item in data["items"]
        if _in_page(item) == in_page
    }
    return json.dumps(points, separators=(",", ":"))


def _counts(sets: Sequence[Mapping]) -> str:
    return (
        f'<td><span class="ngd-done">{_questions(sets)}</span></td>'
        f'<td><span class="ngd-sum">{_number(_total(sets))}</span></td>'
    )


def _bar(sets: Sequence[Mapping], label: str) -> str:
    label = html.escape(_plain(label))
    return f'<progress max="{_number(_total(sets))}" value="0" aria-label="{label}"></progress>'


def _total(sets: Sequence[Mapping]) -> float:
    return sum(item["points"] for data in sets for item in data["items"] if _in_page(item))


def _questions(sets: Sequence[Mapping]) -> int:
    return sum(_in_page(item) for data in sets for item in data["items"])


def _number(x: float) -> str:
    return f"{x:g}"


def _points(x: float) -> str:
    return f"{x:g} point{'' if x == 1 else 's'}"


# --- texts ----------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _parser() -> Any:
    from markdown_it import MarkdownIt  # only where the book is made
    from mdit_py_plugins.dollarmath import dollarmath_plugin

    parser = MarkdownIt("commonmark", {"html": False}).use(dollarmath_plugin)
    parser.add_render_rule("math_inline", _formula_rule(display=False))
    parser.add_render_rule("math_block", _formula_rule(display=True))
    return parser


def _formula_rule(display: bool) -> Any:
    def render(_self: Any, tokens: Sequence, index: int, *_: Any) -> str:
        return _math(html.escape(tokens[index].content.strip(), quote=False), display)

    return render


def _math(tex: str, display: bool = False) -> str:
    """A formula as the book's MathJax reads it. tex: already escaped."""
    inside = rf"\[{tex}\]" if display else rf"\({tex}\)"
    return f'<span class="math notranslate nohighlight">{inside}</span>'


def _rendered(text: str, inline: bool) -> str:
    """Markdown as HTML; what stands in {{ }} passes through untouched."""
    kept: list[str] = []

    def away(match: re.Match) -> str:
        kept.append(match[0])
        return f"\ue000{len(kept)}\ue001"

    text = re.sub(r"\{\{[^{}]+\}\}", away, text)
    made = (_parser().renderInline if inline else _parser().render)(text.strip())
    return re.sub("\ue000(\\d+)\ue001", lambda m: html.escape(kept[int(m[1]) - 1]), made)


def as_html(text: str, inline: bool = False) -> str:
    """Markdown as HTML, with its formulas as TeX; HTML in it is shown as text."""
    return _rendered(re.sub("[\ue000\ue001]", "", text), inline)


def _markdown(text: str) -> str:
    return _rendered(text, inline=False)


def _inline(text: str) -> str:
    return _rendered(text, inline=True)


def _filled(tag: str, name: str, text: str, values: Mapping) -> str:
    """An element with the drawn numbers in its text, and the text without them where it has any."""
    known = f' class="{name}"' if name else ""
    if not values or "{{" not in text:
        return f"<{tag}{known}>{fill(text, values)}</{tag}>"
    template = html.escape(text)
    return f'<{tag}{known} data-template="{template}">{fill(text, values)}</{tag}>'


def _plain(text: str) -> str:
    return re.sub(r"[$*`\\]", "", text)
