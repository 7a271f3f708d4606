"""Build the book: execute what changed, then make the pages with warnings as errors."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=ROOT, help="where `_build` goes")
    options = parser.parse_args()
    started = time.monotonic()
    build = options.output.resolve() / "_build"
    execute = [sys.executable, ROOT / "book" / "execute.py", "--build", build]
    if subprocess.run(execute).returncode:
        sys.exit("[book] not built: a notebook failed")
    print("[book] making the pages", flush=True)
    unfinished = build / "unfinished"
    if unfinished.exists():  # an earlier build was interrupted: trust nothing of it
        for folder in ("html", ".doctrees"):
            shutil.rmtree(build / folder, ignore_errors=True)
    unfinished.touch()
    jupyter_book = Path(sys.executable).with_name("jupyter-book")
    pages = [jupyter_book, "build", ROOT, "--path-output", build.parent]
    result = subprocess.run(
        [*pages, "-W", "--keep-going", "-n", "-q"],
        env={**os.environ, "PYTHONHASHSEED": "0"},
    )
    if result.returncode:
        sys.exit("[book] not built: see the warnings above")
    unfinished.unlink()
    print(f"[book] ready in {time.monotonic() - started:.0f} s: {build / 'html' / 'index.html'}")


if __name__ == "__main__":
    main()
