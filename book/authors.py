"""What an author slips on, found before anything runs, each with file and line.

    python book/authors.py            # says what is wrong
    python book/authors.py --fold     # also folds in JupyterLab what the page folds

A notebook that is no JSON, a `$` without its partner, a formula's macro that MathJax has not, a
citation that would not read in JupyterLab.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT))

from book import citations  # noqa: E402

FOLDED = {"hide-input", "remove-input", "checks"}
CODE = re.compile(r"^(```+|~~~+).*?^\1|(`+)(?!`).*?(?<!`)\2(?!`)", flags=re.M | re.S)


def faults(root: Path = ROOT) -> list[str]:
    """`file:line: what is wrong` for the notebooks and texts below `root`, in order."""
    found = []
    for file in sources(root):
        name = file.relative_to(root)
        for line, text in passages(file):
            if text is None:
                return [*found, f"{name}:{line[0]}: not a notebook: {line[1]}"]
            slips = [*dollars(text), *citations.faults(text, root)]
            found += [f"{name}:{line + k}: {what}" for k, what in sorted(slips)]
    return found


def sources(root: Path) -> list[Path]:
    return [
        *sorted((root / "chapters").glob("*.ipynb")),
        *sorted((root / "chapters").glob("*.md")),
        *sorted((root / "exercises").glob("*.ipynb")),
        *sorted((root / "exercises").glob("*.yml")),
    ]


def passages(file: Path) -> Iterator[tuple]:
    """(first line in the file, text) of all prose; ((line, message), None) for a broken file."""
    text = file.read_text(encoding="utf-8")
    if file.suffix != ".ipynb":
        yield 1, text
        return
    try:
        cells = json.loads(text)["cells"]
    except json.JSONDecodeError as error:
        yield (error.lineno, error.msg), None
        return
    except (KeyError, TypeError):
        yield (1, "it has no cells"), None
        return
    lines, at = text.splitlines(), 0
    for cell in cells:
        source = cell["source"]
        parts = source if isinstance(source, list) else [source]
        first = None
        for part in parts:  # each line of a cell is a line of the file, in order
            written = json.dumps(part, ensure_ascii=False)
            at = next((k for k in range(at, len(lines)) if written in lines[k]), at)
            first = at if first is None else first
            at += 1
        if cell["cell_type"] == "markdown" and first is not None:
            yield first + 1, "".join(parts)


def dollars(text: str) -> Iterator[tuple[int, str]]:
    """(line from 0, what) of each paragraph in which a `$` has no partner."""
    prose = CODE.sub(lambda code: re.sub(r"[^\n]", " ", code[0]), text)
    for block in re.finditer(r"(?:[^\n]*\S[^\n]*(?:\n|\Z))+", prose):
        signs = [m.start() for m in re.finditer(r"(?<!\\)\$", block[0])]
        if len(signs) % 2:
            line = prose.count("\n", 0, block.start() + signs[-1])
            yield line, "a `$` without its partner in this paragraph"


def places(tex: str, root: Path = ROOT) -> list[str]:
    """`file:line` of each source line that holds a formula, spaces aside."""
    wanted, found = re.sub(r"\s", "", tex), []
    for file in sources(root):
        for k, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            plain = line.replace("\\\\", "\\") if file.suffix == ".ipynb" else line
            if wanted in re.sub(r"\s", "", plain):
                found.append(f"{file.relative_to(root)}:{k}")
    return found


def fold(file: Path) -> bool:
    """Fold in JupyterLab the cells that the page folds; whether the file has changed."""
    text = file.read_text(encoding="utf-8")
    book = json.loads(text)
    for cell in book["cells"]:
        if cell["cell_type"] != "code":
            continue
        jupyter = cell["metadata"].pop("jupyter", {})
        jupyter.pop("source_hidden", None)
        if FOLDED & set(cell["metadata"].get("tags", [])):
            jupyter["source_hidden"] = True
        if jupyter:
            cell["metadata"]["jupyter"] = jupyter
    made = json.dumps(book, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    if json.loads(text) == book:
        return False
    file.write_text(made, encoding="utf-8")
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--fold", action="store_true", help="fold cells in JupyterLab, too")
    options = parser.parse_args()
    if found := faults():
        sys.exit("\n".join(found))
    for file in sorted((ROOT / "chapters").glob("*.ipynb")) if options.fold else ():
        if fold(file):
            print(f"[lint] folded in JupyterLab: {file.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
