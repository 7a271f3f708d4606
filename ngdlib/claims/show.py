"""The box of a chapter, and the ledger: HTML on the page and in Jupyter, text elsewhere."""

from __future__ import annotations

import html
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from ngdlib.claims.attack import KINDS
from ngdlib.claims.registry import (
    CHECKS,
    SOURCES,
    VERDICTS,
    Claim,
    defects,
    every_claim,
    load_chapter,
    places,
    register,
)
from ngdlib.claims.works import works


class Table:
    """A table that shows itself: HTML on the page and in Jupyter, text elsewhere."""

    def __init__(self, markup: str, text: str) -> None:
        self.markup, self.text = markup, text

    def _repr_html_(self) -> str:
        return self.markup

    def __repr__(self) -> str:
        return self.text


STYLE = """<style>
.ngd-claims{margin:1.2rem 0 1.8rem;font-family:var(--pst-font-family-heading,inherit)}
.ngd-claims table{width:100%;border-collapse:collapse;font-size:.9rem;line-height:1.45;margin:0}
.ngd-claims caption{caption-side:top;text-align:left;padding:0 0 .5rem;color:inherit}
.ngd-claims th,.ngd-claims td{text-align:left;vertical-align:top;padding:.6rem .8rem .6rem 0;
 background:none;white-space:normal}
.ngd-claims tr{border-bottom:1px solid var(--ngd-rule,#8888);background:none}
.ngd-claims.ngd-claims :is(th,td){text-align:left;vertical-align:top}/* also in JupyterLab */
.ngd-claims.ngd-claims tr{background:none}
.ngd-claims tbody th{width:36%;font-weight:400}
.ngd-claims td:first-of-type{width:9.5rem}
.ngd-claims .ngd-small{display:block;font-size:.85em;color:var(--ngd-muted,inherit)}
.ngd-claims .ngd-found{display:block;margin-top:.35rem}
.ngd-verdict{display:inline-block;border:1.5px solid currentColor;border-radius:.3rem;
 padding:.05rem .45rem;font-weight:600;font-size:.85em}
.ngd-verdict[data-verdict="holds"]{color:var(--ngd-natural,inherit)}
.ngd-verdict[data-verdict="holds under conditions"],
.ngd-verdict[data-verdict="first order only"]{color:var(--ngd-metric,inherit);border-style:dashed}
.ngd-verdict[data-verdict="false as stated"]{color:var(--ngd-euclidean,inherit);
 border-style:double;border-width:3px}
.ngd-verdict[data-verdict="empirical"],.ngd-verdict[data-verdict="opinion"]{border-style:dotted}
.ngd-gathered td:first-of-type{width:auto}.ngd-gathered td p{margin:0 0 .7rem}
.ngd-gathered .ngd-verdict{margin-right:.35rem}
.ngd-claims.ngd-counts td{text-align:right;width:auto!important}.ngd-counts tbody th{width:auto}
.ngd-filters{display:flex;flex-wrap:wrap;gap:.8rem 1.4rem;align-items:end;margin:0 0 .8rem}
.ngd-filters[hidden]{display:none}
.ngd-filters label{display:block;font-size:.9rem}
.ngd-filters select{display:block;min-height:2.75rem;font:inherit;padding:0 .6rem;
 max-width:min(100%,22rem);
 color:inherit;background:var(--ngd-panel,Canvas);border:1px solid var(--ngd-muted,currentColor)}
.ngd-filters p{margin:0 0 .6rem}
@media (max-width:620px){.ngd-claims thead{display:none}
.ngd-claims tr,.ngd-claims tbody th,.ngd-claims td,.ngd-claims td:first-of-type{display:block;
 width:auto;padding:.2rem 0}.ngd-claims tr{padding:.7rem 0}.ngd-claims tr[hidden]{display:none}
.ngd-counts td::before{content:attr(data-of);float:left}}
</style>"""

SCRIPT = """<script>
document.querySelectorAll("[data-ngd-ledger]:not([data-ready])").forEach(function (ledger) {
  ledger.setAttribute("data-ready", "");
  var form = ledger.querySelector(".ngd-filters"), rows = ledger.querySelectorAll("tbody tr");
  var selects = form.querySelectorAll("select"), count = form.querySelector("[role=status]");
  function show() {
    var shown = 0;
    rows.forEach(function (row) {
      row.hidden = Array.prototype.some.call(selects, function (s) {
        return s.value && row.getAttribute("data-" + s.name) !== s.value;
      });
      if (!row.hidden) shown += 1;
    });
    count.textContent = "Showing " + shown + " of " + rows.length + " decided claims.";
  }
  selects.forEach(function (s) { s.addEventListener("change", show); });
  form.hidden = false;
  show();
});
</script>"""


BOX_STYLE = """<style>
.ngd-heard{margin:1.2rem 0 1.8rem;border:1px solid var(--ngd-rule,#8888);border-radius:.5rem;
 padding:.2rem 1.1rem .8rem}
.ngd-heard table{width:100%;border-collapse:collapse;line-height:1.45;margin:0}
.ngd-heard th,.ngd-heard td{text-align:left;vertical-align:top;padding:.65rem 1rem .65rem 0;
 background:none;white-space:normal}
.ngd-heard tr{border-bottom:1px solid var(--ngd-rule,#8888);background:none}
.ngd-heard.ngd-heard :is(th,td){text-align:left;vertical-align:top}/* also in JupyterLab */
.ngd-heard.ngd-heard tr{background:none}
.ngd-heard thead th{font-family:var(--pst-font-family-heading,inherit)}
.ngd-heard tbody th{width:33%;font-weight:400;font-style:italic}
.ngd-heard td:last-child{width:24%;padding-right:0;font-size:.9em}
.ngd-heard p{margin:.7rem 0 0;font-size:.9em}
@media (max-width:620px){.ngd-heard thead{display:none}
.ngd-heard tr,.ngd-heard tbody th,.ngd-heard td,.ngd-heard td:last-child{display:block;width:auto;
 padding:.15rem 0}.ngd-heard tr{padding:.7rem 0}
.ngd-heard tbody th::before{content:"You may have read: ";font-style:normal;font-weight:600}
.ngd-heard td:nth-child(2)::before{content:"In fact: ";font-weight:600}}
</style>"""
ORDER = (
    "false as stated",
    "first order only",
    "holds under conditions",
    "empirical",
    "opinion",
    "holds",
)
ROWS = range(1, 9)  # of a box


def box(chapter: str, folder: Path = CHECKS) -> Table:
    """'You may have read, in fact, where': the claims of a chapter that have a `heard` and a
    `fact`, false ones first; each links to its section and to its evidence in the ledger.

    Raises ValueError where a claim of the chapter has a defect, with file and line, and for a box
    of no or of more than eight lines.
    """
    _sound(chapter, folder)
    claims = load_chapter(chapter, folder)
    lines = sorted((c for c in claims if c.heard), key=lambda c: ORDER.index(c.verdict))
    if len(lines) not in ROWS:
        raise ValueError(
            f"chapter: expected one to eight claims of {chapter} with `heard` and `fact`, got "
            f"{len(lines)}"
        )
    headings, body = places(chapter, folder), []
    for each in lines:
        section = prose(headings.get(each.where, "in this chapter"))
        body.append(
            f'<tr role="row" data-verdict="{each.verdict}">'
            f'<th role="rowheader" scope="row">{prose(each.heard)}</th>'
            f'<td role="cell">{prose(each.fact)}</td>'
            f'<td role="cell"><a href="#{_anchor(each.where)}">{section}</a> · '
            f'<a href="ledger.html#ledger-{each.id}" aria-label="evidence on {each.id}">evidence'
            "</a></td></tr>"
        )
    head = "".join(
        f'<th role="columnheader" scope="col">{c}</th>'
        for c in ("You may have read", "In fact", "Where")
    )
    markup = (
        f'<div class="ngd-heard tex2jax_process mathjax_process">{BOX_STYLE}<table role="table">'
        f'<thead role="rowgroup"><tr role="row">{head}</tr></thead>'
        f'<tbody role="rowgroup">{"".join(body)}</tbody></table>'
        f"<p>What was claimed, by whom, and the numbers that decide: "
        f'<a href="ledger.html">the ledger</a>.</p></div>'
    )
    text = "\n".join(f"You may have read: {c.heard}\n  In fact: {c.fact}" for c in lines)
    return Table(markup, text)


def _sound(chapter: str, folder: Path) -> None:
    found = defects(chapter, folder)
    if found:
        raise ValueError("\n".join([f"{len(found)} defects in the claims of {chapter}:", *found]))


def _anchor(label: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")  # as Sphinx makes ids


def ledger(folder: Path = CHECKS) -> Table:
    """Every claim decided so far, filterable by source and verdict; each row links to its place.

    Without JavaScript the filters do not show and the table is whole. Raises ValueError where a
    claim has a defect, with file and line.
    """
    entries = register(folder)
    rows = [(chapter, each, entries[each.id]) for chapter, each in every_claim(folder)]
    for chapter in dict.fromkeys(chapter for chapter, *_ in rows):
        _sound(chapter, folder)
    sources = sorted({entry["source"] for *_, entry in rows})
    verdicts = [v for v in VERDICTS if any(each.verdict == v for _, each, _ in rows)]
    caption = f"{len(rows)} of {len(entries)} claims decided"
    filters = "".join(
        f'<label>{label} <select name="{name}"><option value="">all</option>'
        + "".join(f'<option value="{v}">{_source(v)}</option>' for v in values)
        + "</select></label>"
        for label, name, values in (("Source", "source", sources), ("Verdict", "verdict", verdicts))
    )
    return Table(
        f'<div class="ngd-claims tex2jax_process mathjax_process" data-ngd-ledger>{STYLE}'
        f'<div class="ngd-filters" role="group" aria-label="Filter the ledger" hidden>{filters}'
        f'<p role="status" aria-live="polite"></p></div>{_table(rows, caption)}</div>{SCRIPT}',
        "\n".join(f"{each.id}  {each.verdict}: {each.correct}" for _, each, _ in rows),
    )


def gathered(points: Mapping[str, Sequence[str]], folder: Path = CHECKS) -> Table:
    """Statements that are made of several claims, {statement: ids}: each claim with its verdict,
    what is true, and links to its place and its evidence.

    A claim that no chapter has decided yet says so. Raises ValueError for no points, and for an id
    that the register does not have.
    """
    entries = register(folder)
    decided = {each.id: (chapter, each) for chapter, each in every_claim(folder)}
    if not points:
        raise ValueError("points: expected {statement: ids}, got none")
    body, text = [], []
    for statement, ids in points.items():
        parts = []
        text.append(statement)
        for id in ids:
            if id not in entries:
                raise ValueError(f"points: expected ids of register.json, got {id!r}")
            if id not in decided:
                parts.append('<p><span class="ngd-verdict">not decided yet</span></p>')
                text.append(f"  {id}  not decided yet")
                continue
            chapter, each = decided[id]
            text.append(f"  {id}  {each.verdict}: {each.fact or each.correct}")
            title = places(chapter, folder).get(each.where, "in the book")
            parts.append(
                f'<p><span class="ngd-verdict" data-verdict="{each.verdict}">{each.verdict}</span> '
                f"<em>{prose(each.heard or each.paraphrase)}</em> "
                f'{prose(each.fact or each.correct)} <span class="ngd-small">'
                f'<a href="{chapter}.html#{_anchor(each.where)}">{prose(title)}</a> · '
                f'<a href="ledger.html#ledger-{id}" aria-label="evidence on {id}">evidence</a>'
                "</span></p>"
            )
        body.append(
            f'<tr role="row"><th role="rowheader" scope="row">{prose(statement)}</th>'
            f'<td role="cell">{"".join(parts)}</td></tr>'
        )
    head = "".join(
        f'<th role="columnheader" scope="col">{c}</th>'
        for c in ("What is said", "What stands of it, part by part")
    )
    return Table(
        f'<div class="ngd-claims ngd-gathered tex2jax_process mathjax_process">{STYLE}'
        f'<table role="table"><thead role="rowgroup"><tr role="row">{head}</tr></thead>'
        f'<tbody role="rowgroup">{"".join(body)}</tbody></table></div>',
        "\n".join(text),
    )


def counts(folder: Path = CHECKS) -> Table:
    """How many decided claims of each source have each verdict, with the sums."""
    entries = register(folder)
    pairs = Counter((entries[e.id]["source"], e.verdict) for _, e in every_claim(folder))
    verdicts = [v for v in VERDICTS if any(verdict == v for _, verdict in pairs)]
    sources = [s for s in SOURCES if any(source == s for source, _ in pairs)]
    rows = [(SOURCES[s].title, [pairs[s, v] for v in verdicts]) for s in sources]
    rows.append(("all", [sum(pairs[s, v] for s in sources) for v in verdicts]))
    head = "".join(
        f'<th role="columnheader" scope="col">{c}</th>' for c in ("Source", *verdicts, "decided")
    )
    body = "".join(
        f'<tr role="row"><th role="rowheader" scope="row">{html.escape(title, quote=False)}</th>'
        + "".join(
            f'<td role="cell" data-of="{of}">{n}</td>'
            for of, n in zip((*verdicts, "decided"), (*numbers, sum(numbers)), strict=True)
        )
        + "</tr>"
        for title, numbers in rows
    )
    return Table(
        f'<div class="ngd-claims ngd-counts">{STYLE}<div class="ngd-scroll"><table role="table">'
        f'<thead role="rowgroup"><tr role="row">{head}</tr></thead>'
        f'<tbody role="rowgroup">{body}</tbody></table></div></div>',
        "\n".join(f"{title}: {numbers}" for title, numbers in rows),
    )


def exceptions(folder: Path = CHECKS) -> Table:
    """The claims whose check passes a changed truth, with the reason why that is not a defect."""
    rows = [
        (each.id, KINDS[kind], why)
        for _, each in every_claim(folder)
        for kind, why in each.exceptions.items()
    ]
    body = "".join(
        f'<tr><th scope="row"><a href="#ledger-{id}">{id}</a></th>'
        f"<td>{html.escape(what)}</td><td>{prose(why)}</td></tr>"
        for id, what, why in rows
    )
    head = "".join(f'<th scope="col">{c}</th>' for c in ("Claim", "Passes", "Why"))
    caption = f"{len(rows)} exceptions to the rule of one per cent"
    return Table(
        f'<div class="ngd-claims tex2jax_process mathjax_process"><table>'
        f"<caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
        "</table></div>",
        "\n".join(f"{id}  {what}: {why}" for id, what, why in rows) or "none",
    )


def _source(key: str) -> str:
    """A source by its title and author; anything else as it is."""
    if key not in SOURCES:
        return html.escape(key)
    source = SOURCES[key]
    return html.escape(f"{source.title} ({source.author}, {source.year})", quote=False)


def _table(rows: list, caption: str) -> str:
    body = []
    for chapter, each, entry in rows:
        found = "".join(f'<span class="ngd-found">{part}</span>' for part in _found(each))
        body.append(
            f'<tr role="row" id="ledger-{each.id}" '
            f'data-source="{entry["source"]}" data-verdict="{each.verdict}">'
            f'<th role="rowheader" scope="row">{prose(each.paraphrase)} '
            f'<span class="ngd-small">{each.id}, {_source(entry["source"])}. '
            f'<a href="{chapter}.html#{_anchor(each.where)}" '
            f'aria-label="where {each.id} is discussed">In the book</a></span></th>'
            f'<td role="cell"><span class="ngd-verdict" data-verdict="{each.verdict}">'
            f"{each.verdict}</span></td>"
            f'<td role="cell">{prose(each.correct)}{found}</td></tr>'
        )
    columns = ("Claim", "Verdict", "What is true, and what the check found")
    head = "".join(f'<th role="columnheader" scope="col">{c}</th>' for c in columns)
    return (
        f'<table role="table"><caption>{html.escape(caption)}</caption><thead role="rowgroup">'
        f'<tr role="row">{head}</tr></thead><tbody role="rowgroup">{"".join(body)}</tbody></table>'
    )


def _found(each: Claim) -> list[str]:
    """What decides a claim: the evidence of its check, or reasons, or a citation."""
    found = []
    if each.check is not None:
        evidence = each.evidence()
        if evidence.says:
            found.append(prose(evidence.says))
        numbers = "; ".join(f"{prose(k)}: {number(v)}" for k, v in evidence.numbers.items())
        if numbers:
            found.append(f'<span class="ngd-small">{numbers}</span>')
        control = f"The same check refuses this: {prose(each.control_name)}."
        found.append(f'<span class="ngd-small">{control}</span>')
    if each.reasons:
        found.append(prose(each.reasons))
    if each.citation:
        who = html.escape(_cited(each.citation))
        found.append(f'Measured by <a href="bibliography.html">{who}</a>.')
    return found


def _cited(key: str) -> str:
    """Authors and year of an entry of the bibliography; its key where it has no such fields."""
    who, year = works().get(key, (key, ""))
    return f"{who} ({year})" if year else key


def prose(text: str) -> str:
    """Prose in HTML: escaped, `$...$` left to MathJax."""
    return re.sub(r"\$([^$]+)\$", r"\\(\1\\)", html.escape(text.strip(), quote=False))


def number(value: float) -> str:
    """Four digits, with a real minus sign; what is rounding noise only says so."""
    if 0 < abs(value) < 1e-8:
        return f"below 10<sup>−{min(12, -math.ceil(math.log10(abs(value))))}</sup>"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    mantissa, _, exponent = f"{value:.4g}".replace("-", "−").partition("e")
    power = exponent.replace("+", "").lstrip("0").replace("−0", "−")
    return f"{mantissa} · 10<sup>{power}</sup>" if power else mantissa
