"""The faces of the book: from npm's packages to what the pages and the layout of figures read.

    python book/faces.py NODE_MODULES TARGET        # called by the set-up

Source Serif 4, for prose, is taken as it comes: Latin and Greek, four styles. Inter, for headings,
figures, demos and controls, is cut to the characters below, as woff2 for the pages and as ttf for
matplotlib (`ngdlib.plots`). It lends the prose the mathematical signs that Source Serif 4 lacks.
"""

from __future__ import annotations

import shutil
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

SERIF = [
    f"source-serif-4-{script}-{style}.woff2"
    for script in ("latin", "greek")
    for style in ("400-normal", "400-italic", "700-normal")
]
INTER = ("Regular", "SemiBold", "Italic")
LETTERS = {*range(0x20, 0x7F), *range(0xA0, 0x100), *range(0x391, 0x3CA)}
SIGNS = set(
    map(
        ord,
        "ϑϕϵāČčćőřŠšŽžıȳ\u0304\u0302–—‘’“”„†•…′″‖‹›⁄⁰ⁱ⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿ₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₒₓᵢⱼₖₘₙₚₜ€ℓ⅓⅔⅛"
        "←↑→↓↔⇒∂∆∇∈∏∑−∕∙√∞∫≈≠≡≤≥⊤⊥✓✗★▲▼▶◀●○◆■",
    )
)


def main(modules: Path, target: Path) -> None:
    target.mkdir(parents=True)
    serif = modules / "@fontsource" / "source-serif-4"
    for name in SERIF:
        shutil.copy(serif / "files" / name, target)
    shutil.copy(serif / "LICENSE", target / "source-serif-4-LICENSE.txt")
    shutil.copy(modules / "inter-ui" / "LICENSE.txt", target / "inter-LICENSE.txt")
    with ProcessPoolExecutor() as processes:
        made = [processes.submit(cut, modules, style, target) for style in INTER]
        for one in made:
            one.result()


def cut(modules: Path, style: str, target: Path) -> None:
    """Inter in one style, with the characters of the book and nothing that changes them."""
    face = TTFont(modules / "inter-ui" / "web" / f"Inter-{style}.woff2", recalcTimestamp=False)
    options = Options()
    options.layout_features = ["kern", "mark", "mkmk", "ccmp", "tnum"]
    options.hinting = False
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=LETTERS | SIGNS)
    subsetter.subset(face)
    for name in face["name"].names:  # matplotlib knows a face by family and style
        said = {1: "Inter", 2: {"SemiBold": "Bold"}.get(style, style)}.get(name.nameID)
        if said:
            name.string = said
    if style == "SemiBold":  # its bold, for matplotlib; a style sheet says what it is itself
        face["OS/2"].usWeightClass = 700
    for flavor, ending in ((None, "ttf"), ("woff2", "woff2")):
        face.flavor = flavor
        face.save(target / f"inter-{style.lower()}.{ending}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
