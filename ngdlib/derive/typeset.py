"""How a derivation is printed: HTML for the page, LaTeX, plain text."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import sympy as sp
from sympy.core.function import AppliedUndef
from sympy.printing.latex import LatexPrinter

from ngdlib.derive.language import UNEVALUATED

if TYPE_CHECKING:
    from ngdlib.derive.author import Derivation, Verified


def latex(expression: Any, names: tuple = ()) -> str:
    """The LaTeX of an expression; names are pairs (symbol, LaTeX of its name)."""
    settings = {"order": "none", "inv_trig_style": "full", "symbol_names": dict(names)}
    return Printer(settings).doprint(expression)


class Printer(LatexPrinter):
    """Sympy's LaTeX in the order of the textbooks: what an author ordered with `evaluate=False`
    stays as it is; in what sympy has ordered, a sum does not begin with a minus sign where it need
    not, and in a product come symbols, then sums, then functions."""

    def _as_ordered_terms(self, expr: Any, order: Any = None) -> list:
        terms = list(expr.args)
        if tuple(terms) == sp.Add(*terms).args and terms[0].could_extract_minus_sign():
            first = next((t for t in terms if not t.could_extract_minus_sign()), terms[0])
            terms.remove(first)
            terms.insert(0, first)
        return terms

    def _print_Transpose(self, expr: Any) -> str:
        return super()._print_Transpose(expr).replace("^{T}", r"^{\top}")

    def _print_Mul(self, expr: Any) -> str:
        if expr.args != sp.Mul(*expr.args).args or not expr.is_commutative:
            return super()._print_Mul(expr)
        if expr.args[0].is_Number and expr.args[0] < 0:
            rest = -expr
            tex = self._print(rest)
            return rf"- \left({tex}\right)" if rest.is_Add else f"- {tex}"
        args = sorted(expr.args, key=_place)
        return super()._print_Mul(sp.Mul(*args, evaluate=False))


def _place(factor: Any) -> int:
    base = factor.as_base_exp()[0]
    if factor.is_Number:
        return 0
    if base.is_Add:
        return 2
    if isinstance(factor, sp.exp) or isinstance(base, sp.Function) != isinstance(
        base, AppliedUndef
    ):
        return 3
    return 4 if isinstance(base, UNEVALUATED) else 1


STYLE = """<style>
.ngd-derivation{margin:1.4rem 0 1.8rem;container-type:inline-size}
.ngd-derivation figcaption{margin:0 0 .6rem;font-size:.92rem;line-height:1.5;text-align:left;
 font-weight:400;color:inherit}
.ngd-derivation figcaption strong{display:block;font-weight:600}
.ngd-derivation .ngd-chain{overflow-x:auto;overflow-y:hidden;border-left:3px solid
 var(--ngd-metric,#8439a8);padding:.1rem 0 .1rem .9rem}
.ngd-derivation ol{display:grid;column-gap:1.2rem;list-style:none;margin:0;padding:0;
 grid-template-columns:minmax(max-content,1fr) minmax(9rem,16rem)}
.ngd-derivation li{display:grid;grid-column:1/-1;grid-template-columns:subgrid;align-items:end;
 margin:0;padding:.4rem 0}
.ngd-derivation .ngd-chained .ngd-left,.ngd-derivation .ngd-chained .ngd-right,
.ngd-derivation .ngd-long .ngd-left,.ngd-derivation .ngd-long .ngd-right{display:block}
.ngd-derivation .ngd-right{padding-left:.3em}
.ngd-derivation .ngd-chained .ngd-right,.ngd-derivation .ngd-long .ngd-right{padding-left:1.6rem}
.ngd-derivation .ngd-left+.ngd-right{margin-top:.35rem}
.ngd-derivation .ngd-because,.ngd-derivation details{font-size:.88rem;line-height:1.4;
 font-family:var(--pst-font-family-heading,inherit)}
.ngd-derivation .ngd-because{padding-bottom:.3rem}
.ngd-derivation .ngd-mark{font-weight:700;color:var(--ngd-natural,inherit)}
.ngd-derivation .ngd-kept{font-style:italic;color:var(--ngd-muted,inherit)}
.ngd-derivation .ngd-part{display:inline-block;max-width:100%}
.ngd-derivation details{margin-top:.4rem;color:var(--ngd-muted,inherit)}
.ngd-derivation details ol{display:block;list-style:decimal;padding-left:1.6rem}
.ngd-derivation details li{display:list-item;padding:.1rem 0}
.ngd-stacked .ngd-chain ol,.ngd-stacked .ngd-chain li{display:block}
.ngd-stacked .ngd-because{display:block;padding:.15rem 0 0 1.6rem}
@container (max-width:32rem){
.ngd-derivation .ngd-chain ol,.ngd-derivation .ngd-chain li{display:block}
.ngd-derivation .ngd-left,.ngd-derivation .ngd-right{display:block}
.ngd-derivation .ngd-right,.ngd-derivation .ngd-because{display:block;padding:.15rem 0 0 1.6rem}}
</style>"""
FORMULA_STYLE = """<style>
.ngd-formula{display:flex;flex-wrap:wrap;align-items:center;justify-content:center;gap:.2rem .5rem;
 margin:.6rem 0 1rem;max-width:100%;overflow-x:auto;overflow-y:hidden}
.ngd-formula .ngd-part{display:inline-block;max-width:100%}
.ngd-formula .ngd-because{font-size:.88rem;color:var(--ngd-muted,inherit)}
.ngd-formula .ngd-mark{font-weight:700;color:var(--ngd-natural,inherit)}
</style>"""
WIDE = 44  # characters of a formula's plain text beyond which reasons go below their lines
BREAKABLE = 60  # characters of LaTeX below which a formula is never broken
LONG = 62  # characters beyond which the right side goes below the left


def as_text(d: Derivation, verified: Verified) -> str:
    lines = [d.title]
    lines += [f"  where {what} := {meaning}" for what, meaning in d.definitions]
    lines += [
        f"  {s.number}. {s.text}   ({s.because}) {'✓' if v.earned else '(by definition)'}"
        for s, v in zip(d.steps, verified.steps, strict=True)
    ]
    if d.valid_for:
        lines.append(f"  Verified for {d.valid_for}.")
    return "\n".join(lines)


def as_latex(d: Derivation, verified: Verified) -> str:
    rows = [
        rf"{s.left_latex} &{s.right_latex} && \text{{{_tex_text(s.because)}}}"
        + (r"\ \checkmark" if v.earned else r"\ \text{(by definition)}")
        for s, v in zip(d.steps, verified.steps, strict=True)
    ]
    return "\\begin{align*}\n" + " \\\\\n".join(rows) + "\n\\end{align*}"


def _tex_text(text: str) -> str:
    """Prose inside \\text: special characters escaped, `$...$` left as it is."""
    parts = text.split("$")
    parts[::2] = [re.sub(r"([&%#_{}])", r"\\\1", p.replace("\\", "")) for p in parts[::2]]
    return "$".join(parts)


def _prose(text: str) -> str:
    """Prose in HTML: escaped, `$...$` typeset."""
    return re.sub(r"\$([^$]+)\$", r"\\(\1\\)", html.escape(text, quote=False))


def _math(tex: str) -> str:
    return rf"\(\displaystyle {html.escape(tex, quote=False)}\)"


def _inline(tex: str) -> str:
    return rf"\({html.escape(tex, quote=False)}\)"


def _parts(tex: str) -> str:
    return _pieces(tex, _math)


def _pieces(tex: str, shown: Callable[[str], str]) -> str:
    """A formula in pieces, between which a narrow page may break the line: before + and − and
    relation signs that stand in no bracket, fraction or index."""
    if len(tex) < BREAKABLE:
        return shown(tex)
    pieces, start, depth, opened = [], 0, 0, 0
    for found in re.finditer(r"\\left|\\right|\\begin|\\end|\\[a-zA-Z]+|\\.|[{}]| [+=-] ", tex):
        token = found.group()
        depth += {"{": 1, "}": -1}.get(token, 0)
        opened += {r"\left": 1, r"\begin": 1, r"\right": -1, r"\end": -1}.get(token, 0)
        if token.startswith(" ") and not depth and not opened and tex[start : found.start()]:
            pieces.append(tex[start : found.start()])
            start = found.start()
    pieces.append(tex[start:])
    joined = [re.sub(r"^ ([+-]) ", r"{} \1 ", piece) for piece in pieces if piece.strip()]
    return " ".join(f'<span class="ngd-part">{shown(piece)}</span>' for piece in joined)


def _conditions(d: Derivation) -> list[str]:
    """What the mathematics needs, as formulas; nothing for a symbol that may be any real."""

    def tex(expression: Any) -> str:
        return latex(expression, tuple(d.tex.items()))

    said = []
    for symbol, where in d.domain.items():
        name = tex(symbol)
        if isinstance(where, str):
            text = f"\\({name}\\) {where}" if where != "any" else ""
        elif symbol in d.sizes:
            text = ""
        elif isinstance(where, tuple):
            text = rf"\({name} \in {tex(sp.FiniteSet(*where))}\)"
        elif isinstance(where, sp.Range):
            text = rf"\({name} = {tex(where.start)}, \dots, {tex(where.stop - where.step)}\)"
        else:
            text = _inequality(name, where, tex)
        if text:
            reason = d.why.get(symbol)
            said.append(text + (f" ({_prose(reason)})" if reason else ""))
    return said


def _inequality(name: str, where: sp.Interval, tex: Any) -> str:
    low, high = where.start, where.end
    below, above = ("<" if is_open else r"\le" for is_open in (where.left_open, where.right_open))
    if low == -sp.oo and high == sp.oo:
        return ""
    if high == sp.oo:
        return _inline(f"{name} {'>' if where.left_open else chr(92) + 'ge'} {tex(low)}")
    if low == -sp.oo:
        return _inline(f"{name} {above} {tex(high)}")
    return _inline(f"{tex(low)} {below} {name} {above} {tex(high)}")


def _mark(verdict: Any) -> str:
    how = html.escape(f"Verified: {verdict}", quote=True)
    if not verdict.earned:
        return f'<span class="ngd-kept" title="{html.escape(str(verdict))}">by definition</span>'
    return f'<span class="ngd-mark" role="img" aria-label="verified" title="{how}">✓</span>'


def as_html(d: Derivation, verified: Verified) -> str:
    """A grid, one formula a row beside its reason and mark; the formulas scroll in their box."""

    def tex(expression: Any) -> str:
        return latex(expression, tuple(d.tex.items()))

    about = [f"<strong>{_prose(d.title)}</strong>"]
    if d.problem:
        about.append(_prose(d.problem))
    where = [_pieces(f"{tex(what)} := {tex(meaning)}", _inline) for what, meaning in d.definitions]
    where += _conditions(d)
    if where:
        about.append("Here " + ", ".join(where) + ".")
    if d.valid_for:
        about.append(f"Verified for {_prose(d.valid_for)}.")
    rows = []
    for step, verdict in zip(d.steps, verified.steps, strict=True):
        goes_on = step.number < len(d.steps) and d.steps[step.number].chained
        kind = "ngd-chained" if step.chained or goes_on else ""
        kind = kind or ("ngd-long" if len(step.text) > LONG else "ngd-short")
        left = f'<span class="ngd-left">{_parts(step.left_latex)}</span>' if step.left_latex else ""
        rows.append(
            f'<li><span class="{kind}">{left}'
            f'<span class="ngd-right">{_parts(step.right_latex)}</span></span>'
            f'<span class="ngd-because">{_prose(step.because)} {_mark(verdict)}</span></li>'
        )
    how = "".join(f"<li>{html.escape(str(v)).capitalize()}.</li>" for v in verified.steps)
    drawn = [_inequality(tex(s), w, tex) for s, w in d.sampled.items()]
    drawn = f"<p>Points drawn from {', '.join(drawn)}.</p>" if drawn else ""
    longest = max(len(s.text if s.left_latex else f"  = {s.rhs}") for s in d.steps)
    stacked = " ngd-stacked" if longest > WIDE else ""
    label = html.escape(f"Derivation: {re.sub(r'[$]', '', d.title)}")
    return (
        f'{STYLE}<figure class="ngd-derivation{stacked} tex2jax_process mathjax_process" '
        f'id="derivation-{d.name}"><figcaption>{" ".join(about)}</figcaption>'
        f'<div class="ngd-chain" tabindex="0" role="region" aria-label="{label}">'
        f"<ol>{''.join(rows)}</ol></div>"
        f"<details><summary>How each line was verified</summary><ol>{how}</ol>{drawn}"
        "</details></figure>"
    )


def formula_as_html(d: Derivation, verified: Verified) -> str:
    """One line in the text, with its mark and, where there is one, its reason."""
    (step,), (verdict,) = d.steps, verified.steps
    conditions = ", ".join(_conditions(d))
    said = "; ".join(part for part in (_prose(step.because), conditions) if part)
    said = f'<span class="ngd-because">{said}</span>' if said else ""
    return (
        f'{FORMULA_STYLE}<div class="ngd-formula tex2jax_process mathjax_process">'
        f"<span>{_parts(step.left_latex)} {_parts(step.right_latex)}</span>"
        f"{said}{_mark(verdict)}</div>"
    )
