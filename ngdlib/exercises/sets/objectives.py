"""Which learning objective is tested where: a table computed from the exercise sets."""

from __future__ import annotations

import html
from collections.abc import Mapping
from pathlib import Path

from ngdlib.claims import Table, prose
from ngdlib.exercises.notebook.answers import FOLDER, chapters
from ngdlib.exercises.notebook.cells import amount
from ngdlib.exercises.sets.files import load

KINDS = {
    "formula": "formula",
    "numeric": "number",
    "matrix": "matrix",
    "choice": "choice",
    "function": "code",
    "derivation": "derivation",
    "manual": "text",
}

STYLE = """<style>
.ngd-objectives{margin:1.2rem 0 1.8rem;font-family:var(--pst-font-family-heading,inherit)}
.ngd-objectives table{width:100%;border-collapse:collapse;font-size:.9rem;line-height:1.45;margin:0}
.ngd-objectives caption{caption-side:top;text-align:left;padding:0 0 .5rem;color:inherit}
.ngd-objectives th,.ngd-objectives td{text-align:left;vertical-align:top;
 padding:.6rem .8rem .6rem 0;background:none;white-space:normal;font-weight:400}
.ngd-objectives tr{border-bottom:1px solid var(--ngd-rule,#8888);background:none}
.ngd-objectives.ngd-objectives :is(th,td){text-align:left;vertical-align:top}/* in JupyterLab */
.ngd-objectives.ngd-objectives tr{background:none}
.ngd-objectives thead th,.ngd-objectives .ngd-chapter{font-weight:600}
.ngd-objectives .ngd-chapter{padding-top:1.6rem;font-size:1rem}
.ngd-objectives tbody th[scope=row]{width:48%}
.ngd-objectives ul{list-style:none;margin:0;padding:0}
.ngd-objectives li{margin:0 0 .5rem}
.ngd-objectives li:last-child{margin:0}
.ngd-objectives .ngd-small{display:block;font-weight:400;font-size:.85rem;
 color:var(--ngd-muted,inherit)}
@media (max-width:620px){.ngd-objectives thead{display:none}
.ngd-objectives tr,.ngd-objectives th,.ngd-objectives td,.ngd-objectives tbody th[scope=row]{
 display:block;width:auto;padding:.25rem 0}
.ngd-objectives tr{padding:.6rem 0}.ngd-objectives .ngd-chapter{padding-top:1rem}
.ngd-objectives li{padding:.25rem 0}}
</style>"""


def objectives(*names: str, folder: Path = FOLDER) -> Table:
    """Each objective of these chapters' sets, with the questions that test it, their kind and
    points. Raises ValueError for a chapter without a set."""
    known = chapters(folder)
    for name in names:
        if name not in known:
            raise ValueError(f"names: expected some of {', '.join(known)}, got {name!r}")
    sets = [load(Path(folder) / f"{name}.yml").data for name in names]
    items = [item for data in sets for item in data["items"]]
    caption = (
        f"{sum(len(data['objectives']) for data in sets)} objectives, {len(items)} questions, "
        f"{amount(sum(item['points'] for item in items))}"
    )
    head = "".join(
        f'<th role="columnheader" scope="col">{c}</th>'
        for c in ("After the chapter you can", "The questions that test it")
    )
    return Table(
        f'<div class="ngd-objectives tex2jax_process mathjax_process">{STYLE}'
        f'<table role="table"><caption>{caption}</caption>'
        f'<thead role="rowgroup"><tr role="row">{head}</tr></thead>'
        f"{''.join(map(_chapter, sets))}</table></div>",
        "\n".join(map(_text, sets)),
    )


def _chapter(data: Mapping) -> str:
    name, items = data["chapter"], data["items"]
    count = f"{len(items)} questions, {amount(sum(item['points'] for item in items))}"
    rows = [
        f'<tr role="row"><th role="rowheader" class="ngd-chapter" colspan="2" scope="rowgroup">'
        f'<a href="{name}.html">{prose(data["title"])}</a> <span class="ngd-small">{count}</span>'
        "</th></tr>"
    ]
    for objective in data["objectives"]:
        tests = "".join(
            f'<li><a href="{name}.html#exercise-{name}-{item["id"]}">{number}. '
            f'{prose(item["title"])}</a> <span class="ngd-small">{KINDS[item["kind"]]}, '
            f"{amount(item['points'])}</span></li>"
            for number, item in _tests(data, objective)
        )
        rows.append(
            f'<tr role="row"><th role="rowheader" scope="row">{prose(objective["text"])}</th>'
            f'<td role="cell"><ul>{tests}</ul></td></tr>'
        )
    return f'<tbody role="rowgroup" id="objectives-{html.escape(name)}">{"".join(rows)}</tbody>'


def _tests(data: Mapping, objective: Mapping) -> list[tuple[int, Mapping]]:
    """(number, item) of the items that test an objective."""

    def named(item: Mapping) -> list[str]:
        return [item["objective"]] if isinstance(item["objective"], str) else item["objective"]

    items = enumerate(data["items"], 1)
    return [(number, item) for number, item in items if objective["id"] in named(item)]


def _text(data: Mapping) -> str:
    lines = [data["title"]]
    for objective in data["objectives"]:
        names = ", ".join(f"{data['chapter']}.{item['id']}" for _, item in _tests(data, objective))
        lines.append(f"  {objective['text'].strip()} ({names})")
    return "\n".join(lines)
