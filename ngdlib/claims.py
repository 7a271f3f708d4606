"""The ledger: what the sources claim, what the book's own checks decide.

A check is one function, fed a statement as data:

    @claim("S1-22", verdict="holds", where="the-score", paraphrase="...", correct="...",
           truth=score, control=score_with_the_wrong_sign, control_name="the sign flipped")
    def mean_of_the_score(statement) -> Evidence:
        ...
        return Evidence(passed=worst < 1e-12, numbers={"largest mean": worst}, says="...")

Called with `truth` it must pass; called with `control`, the source's own false version or a named
popular error, it must fail. A check that cannot fail is a defect.
"""

from __future__ import annotations

import html
import importlib.util
import json
import math
import re
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

VERDICTS = (
    "holds",
    "holds under conditions",
    "first order only",
    "false as stated",
    "empirical",
    "opinion",
)


@dataclass(frozen=True)
class Evidence:
    """What a check found.

    passed   does the statement under test agree with what was computed?
    numbers  {what: value}, finite or infinite floats: the numbers that decide
    says     one sentence for the reader
    """

    passed: bool
    numbers: Mapping[str, float] = field(default_factory=dict)
    says: str = ""

    def __post_init__(self) -> None:
        try:
            numbers = {str(name): float(value) for name, value in self.numbers.items()}
        except (TypeError, ValueError):
            raise ValueError(f"numbers: expected one float a name, got {self.numbers!r}") from None
        if any(math.isnan(value) for value in numbers.values()):
            raise ValueError(f"numbers: expected no nan, got {numbers!r}")
        object.__setattr__(self, "passed", bool(self.passed))
        object.__setattr__(self, "numbers", numbers)


@dataclass(frozen=True)
class Claim:
    """A claim of a source, in the book's own words, with the check that decides it."""

    id: str
    verdict: str
    where: str
    paraphrase: str
    correct: str
    check: Callable[[Any], Evidence] | None = None
    truth: Any = None
    control: Any = None
    control_name: str = ""
    reasons: str = ""
    citation: str = ""

    def evidence(self) -> Evidence:
        """The check run now, on the statement that the book asserts."""
        return self.check(self.truth)

    def control_evidence(self) -> Evidence:
        """The check run now, on the false statement that it must refuse."""
        return self.check(self.control)


_COLLECTED: list[Claim] = []


def claim(
    id: str,
    *,
    verdict: str,
    where: str,
    paraphrase: str,
    correct: str,
    truth: Any = None,
    control: Any = None,
    control_name: str = "",
    reasons: str = "",
    citation: str = "",
) -> Callable[[Callable], Callable]:
    """Decide a claim by the decorated check.

    verdict       one of `VERDICTS`
    where         MyST label of the place in the chapter
    paraphrase    the claim in the book's own words
    correct       the correct statement, a full sentence
    truth, control  the statement under test as the book asserts it, and a false version of it
    control_name  what the false version is
    reasons       for an opinion, instead of a check
    citation      for an empirical claim that a publication decides: its key in references.bib

    Raises ValueError for an unknown verdict or an empty text.
    """
    if verdict not in VERDICTS:
        raise ValueError(f"verdict: expected one of {VERDICTS}, got {verdict!r}")
    texts = {"id": id, "where": where, "paraphrase": paraphrase, "correct": correct}
    if verdict == "opinion":
        texts["reasons"] = reasons
    elif not citation:
        texts["control_name"] = control_name
    for name, text in texts.items():
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f"{name}: expected a text for claim {id!r}, got {text!r}")

    if verdict == "opinion" and (truth is not None or control is not None):
        raise ValueError(f"verdict: expected another than 'opinion' for {id!r}, which has a check")
    made = Claim(
        id, verdict, where, paraphrase, correct, None, truth, control, control_name, reasons,
        citation,
    )  # fmt: skip
    _COLLECTED.append(made)

    def attach(check: Callable[[Any], Evidence]) -> Callable[[Any], Evidence]:
        if verdict != "opinion":
            _COLLECTED[_COLLECTED.index(made)] = replace(made, check=check)
        return check

    return attach


def opinion(id: str, *, where: str, paraphrase: str, correct: str, reasons: str) -> None:
    """Record an opinion: no check could decide it, reasons are given instead."""
    claim(
        id, verdict="opinion", where=where, paraphrase=paraphrase, correct=correct, reasons=reasons
    )


# Chapters


CHECKS = Path(__file__).resolve().parent.parent / "chapters" / "checks"


def register(folder: Path = CHECKS) -> dict[str, dict[str, Any]]:
    """{id: entry} of every claim that the book must decide, in the order of the sources.

    An entry has `id`, `source`, `chapter`, `audit` (a first verdict, or None) and, where a second
    audit differs, `second_audit` with a word on how it differs.
    """
    entries = json.loads((Path(folder) / "register.json").read_text(encoding="utf-8"))
    return {entry["id"]: entry for entry in entries}


def written_chapters(folder: Path = CHECKS) -> list[str]:
    """The chapters that have a file of checks, in alphabetical order."""
    files = (f for f in Path(folder).glob("*.py") if f.stem != "__init__")
    return sorted(f.stem.replace("_", "-") for f in files)


def load_chapter(chapter: str, folder: Path = CHECKS) -> list[Claim]:
    """The claims that a chapter decides, in the order of the register.

    Raises ValueError for a chapter without a file of checks, an id that the register does not
    have, and an id decided twice.
    """
    file = Path(folder) / f"{chapter.replace('-', '_')}.py"
    if not file.is_file():
        known = ", ".join(written_chapters(folder)) or "none"
        raise ValueError(f"chapter: expected one of {known}, got {chapter!r}")
    claims = _run_file(file, file.stat().st_mtime_ns)
    known_ids = list(register(folder))
    found: set[str] = set()
    for each in claims:
        if each.id not in known_ids:
            raise ValueError(f"id: expected one of register.json, got {each.id!r} in {file.name}")
        if each.id in found:
            raise ValueError(f"id: expected each claim once, got {each.id!r} twice in {file.name}")
        found.add(each.id)
    return sorted(claims, key=lambda each: known_ids.index(each.id))


@lru_cache(maxsize=64)
def _run_file(file: Path, _changed: int) -> tuple[Claim, ...]:
    kept, _COLLECTED[:] = list(_COLLECTED), []
    try:
        spec = importlib.util.spec_from_file_location(f"checks_{file.stem}", file)
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module  # dataclasses of a check look their module up
        # from the source: compiled files are told apart by the second and the size only
        exec(compile(file.read_bytes(), str(file), "exec"), module.__dict__)
        return tuple(_COLLECTED)
    finally:
        _COLLECTED[:] = kept


def defects(chapter: str, folder: Path = CHECKS) -> list[str]:
    """What is wrong with a chapter's claims, a sentence each; empty when all is well.

    Every claim of the chapter in the register is decided; every check passes with the truth and
    fails with the control: a check that cannot fail is a defect.
    """
    entries = register(folder)
    claims = load_chapter(chapter, folder)
    decided = {each.id for each in claims}
    found = [
        f"{id}: the register puts it in {chapter}, which does not decide it"
        for id, entry in entries.items()
        if entry["chapter"] == chapter and id not in decided
    ]
    for each in claims:
        if entries[each.id]["chapter"] != chapter:
            found.append(f"{each.id}: belongs to {entries[each.id]['chapter']}, not to {chapter}")
        if each.verdict == "opinion" or (each.check is None and each.citation):
            continue
        found += _defects_of_check(each)
    return found


def _defects_of_check(each: Claim) -> list[str]:
    if each.check is None:
        return [f"{each.id}: has no check"]
    found = []
    try:
        if not _run(each, each.truth).passed:
            found.append(f"{each.id}: the check refuses the truth")
    except Exception as error:
        found.append(f"{each.id}: the check of the truth raised {error!r}")
    try:
        if _run(each, each.control).passed:
            found.append(f"{each.id}: the check cannot fail: it passes {each.control_name!r}")
    except Exception as error:
        found.append(f"{each.id}: the check of the control raised {error!r}")
    return found


def _run(each: Claim, statement: Any) -> Evidence:
    evidence = each.check(statement)
    if not isinstance(evidence, Evidence):
        raise TypeError(f"expected Evidence, got {type(evidence).__name__}")
    return evidence


# Counts


def _every_claim(folder: Path) -> list[tuple[str, Claim]]:
    """(chapter, claim) for all that is decided, in the order of the register."""
    found = [(c, each) for c in written_chapters(folder) for each in load_chapter(c, folder)]
    place = {id: i for i, id in enumerate(register(folder))}
    return sorted(found, key=lambda pair: place[pair[1].id])


def disagreements(folder: Path = CHECKS) -> list[dict[str, Any]]:
    """The claims where the book's verdict is not the first audit's: id, chapter, verdict, audit,
    and the second audit's verdict where there is one."""
    entries = register(folder)
    return [
        {
            "id": each.id,
            "chapter": chapter,
            "verdict": each.verdict,
            "audit": entries[each.id]["audit"],
            "second_audit": entries[each.id].get("second_audit"),
        }
        for chapter, each in _every_claim(folder)
        if entries[each.id]["audit"] not in (None, each.verdict)
    ]


def summary(folder: Path = CHECKS) -> dict[str, Any]:
    """Counts: `total` and `decided` claims, `by_verdict` and `by_source` (decided ones), and
    `disagreements` with the first audit."""
    entries, claims = register(folder), [each for _, each in _every_claim(folder)]
    verdicts = Counter(each.verdict for each in claims)
    sources = Counter(entries[each.id]["source"] for each in claims)
    return {
        "total": len(entries),
        "decided": len(claims),
        "by_verdict": {v: verdicts[v] for v in VERDICTS},
        "by_source": dict(sorted(sources.items())),
        "disagreements": len(disagreements(folder)),
    }


# Showing


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
.ngd-filters{display:flex;flex-wrap:wrap;gap:.8rem 1.4rem;align-items:end;margin:0 0 .8rem}
.ngd-filters[hidden]{display:none}
.ngd-filters label{display:block;font-size:.9rem}
.ngd-filters select{display:block;min-height:2.75rem;font:inherit;padding:0 .6rem;max-width:100%;
 color:inherit;background:var(--ngd-panel,Canvas);border:1px solid var(--ngd-muted,currentColor)}
.ngd-filters p{margin:0 0 .6rem}
@media (max-width:620px){.ngd-claims thead{display:none}
.ngd-claims tr,.ngd-claims tbody th,.ngd-claims td,.ngd-claims td:first-of-type{display:block;
 width:auto;padding:.2rem 0}.ngd-claims tr{padding:.7rem 0}.ngd-claims tr[hidden]{display:none}}
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


def chapter_table(chapter: str, folder: Path = CHECKS) -> Table:
    """What a chapter decided: each claim, its verdict, what is true, and the numbers that its
    check finds when this is called."""
    entries = register(folder)
    rows = [(chapter, each, entries[each.id]) for each in load_chapter(chapter, folder)]
    caption = f"{len(rows)} claims of the sources, decided by the checks of this chapter"
    head = f'<div class="ngd-claims tex2jax_process mathjax_process">{STYLE}'
    return Table(f"{head}{_table(rows, caption, here=True)}</div>", _text(rows))


def ledger(folder: Path = CHECKS) -> Table:
    """Every claim decided so far, filterable by source and verdict; each row links to its place.

    Without JavaScript the filters do not show and the table is whole.
    """
    entries = register(folder)
    rows = [(chapter, each, entries[each.id]) for chapter, each in _every_claim(folder)]
    sources = sorted({entry["source"] for *_, entry in rows})
    verdicts = [v for v in VERDICTS if any(each.verdict == v for _, each, _ in rows)]
    caption = f"{len(rows)} of {len(entries)} claims decided"
    filters = "".join(
        f'<label>{label} <select name="{name}"><option value="">all</option>'
        + "".join(f'<option value="{v}">{v.replace("-", " ")}</option>' for v in values)
        + "</select></label>"
        for label, name, values in (("Source", "source", sources), ("Verdict", "verdict", verdicts))
    )
    return Table(
        f'<div class="ngd-claims tex2jax_process mathjax_process" data-ngd-ledger>{STYLE}'
        f'<div class="ngd-filters" role="group" aria-label="Filter the ledger" hidden>{filters}'
        f'<p role="status" aria-live="polite"></p></div>{_table(rows, caption)}</div>{SCRIPT}',
        _text(rows),
    )


def _table(rows: list, caption: str, here: bool = False) -> str:
    body = []
    for chapter, each, entry in rows:
        anchor = re.sub(r"[^a-z0-9]+", "-", each.where.lower()).strip("-")  # as Sphinx makes ids
        link = f"{'' if here else chapter + '.html'}#{anchor}"
        found = "".join(f'<span class="ngd-found">{part}</span>' for part in _found(each))
        body.append(
            f'<tr role="row" id="{"claim" if here else "ledger"}-{each.id}" '
            f'data-source="{entry["source"]}" data-verdict="{each.verdict}">'
            f'<th role="rowheader" scope="row">{prose(each.paraphrase)} '
            f'<span class="ngd-small">{each.id}, {entry["source"].replace("-", " ")}, '
            f'<a href="{link}" aria-label="where {each.id} is decided">decided here</a></span></th>'
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
    """What decides a claim: the evidence of the check run now, or reasons, or a citation."""
    found = []
    if each.check is not None:
        evidence = each.evidence()
        if not evidence.passed:
            raise ValueError(f"{each.id}: the check refuses what the book says")
        if evidence.says:
            found.append(prose(evidence.says))
        numbers = "; ".join(f"{prose(k)}: {number(v)}" for k, v in evidence.numbers.items())
        if numbers:
            found.append(f'<span class="ngd-small">{numbers}</span>')
        found.append(f'<span class="ngd-small">Refused: {prose(each.control_name)}.</span>')
    if each.reasons:
        found.append(prose(each.reasons))
    if each.citation:
        key = html.escape(each.citation)
        found.append(f'Measured by <a href="bibliography.html">{key}</a>.')
    return found


def _text(rows: list) -> str:
    return "\n".join(f"{each.id}  {each.verdict}: {each.correct}" for _, each, _ in rows)


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
