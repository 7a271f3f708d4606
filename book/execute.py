"""Execute every notebook of the book, in parallel, into the cache that the build reads.

Jupyter Book runs a notebook again only when its own cells change. Here the cache stands in a folder
named by the hash of all that an output can depend on besides those cells: `ngdlib`, the chapters'
checks and the lock. Change `ngdlib`, and the folder is a new one, so every notebook runs again.
A notebook with a failing cell is not cached, and the command fails.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import nbformat
import yaml
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.executors.utils import ExecutionResult, single_nb_execution

ROOT = Path(__file__).resolve().parent.parent
SOURCES = (("ngdlib", "*"), ("chapters/checks", "*"), ("exercises", "*.yml"))


def cache_folder(build: Path = ROOT / "_build") -> Path:
    """The cache for the library as it is now."""
    total = hashlib.sha256((ROOT / "requirements.lock").read_bytes())
    for folder, pattern in SOURCES:
        for file in sorted((ROOT / folder).rglob(pattern)):
            if file.is_file() and "__pycache__" not in file.parts:
                total.update(f"{file.relative_to(ROOT)}\0".encode() + file.read_bytes())
    return build / "executed" / total.hexdigest()[:16]


def notebooks() -> list[Path]:
    """The notebooks that the table of contents names, in its order."""
    names: list[str] = []

    def walk(entry: object) -> None:
        if isinstance(entry, dict):
            names.extend(entry[key] for key in ("root", "file") if key in entry)
            for value in entry.values():
                walk(value)
        elif isinstance(entry, list):
            for value in entry:
                walk(value)

    walk(yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8")))
    files = [ROOT / f"{name.removesuffix('.ipynb')}.ipynb" for name in names]
    return [file for file in files if file.exists()]


def run_notebook(file: Path) -> ExecutionResult:
    """Execute one notebook in its own folder; the result carries the error of a failing cell."""
    return single_nb_execution(
        nbformat.read(file, as_version=4),
        cwd=str(file.parent),
        timeout=120,
        allow_errors=False,
        shutdown_kernel="immediate",
        store_widget_state=False,  # widget ids are random; the pages carry their own form
        extra_arguments=["--log-level=ERROR"],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=Path, default=ROOT / "_build", help="the build folder")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many at once")
    options = parser.parse_args()
    # every kernel sees the same hash seed, one BLAS thread, and no display
    os.environ.update(
        PYTHONHASHSEED="0",
        OPENBLAS_NUM_THREADS="1",
        MPLBACKEND="agg",
        PYDEVD_DISABLE_FILE_VALIDATION="1",
    )
    folder = cache_folder(options.build)
    verified = folder / "verified"  # derivations verified with this state of the library
    verified.mkdir(parents=True, exist_ok=True)
    os.environ["NGD_VERIFIED"] = str(verified)
    cache = get_cache(str(folder))
    stale = [file for file in notebooks() if not cached(cache, file)]
    if not stale:
        print("[execute] all notebooks are up to date")
        return
    done = 0
    failures = []
    with ProcessPoolExecutor(min(options.jobs, len(stale))) as pool:
        jobs = {pool.submit(run_notebook, file): file for file in stale}
        for job in as_completed(jobs):
            file, done = jobs[job], done + 1
            name = f"[{done}/{len(stale)}] {file.relative_to(ROOT)}"
            result = job.result()
            if result.err is not None:
                message = re.sub(r"\x1b\[[0-9;]*m", "", str(result.err))  # plain text, no colours
                failures.append(f"{file.relative_to(ROOT)}\n{message}")
                print(f"[execute] {name}: FAILED", flush=True)
                continue
            bundle = CacheBundleIn(result.nb, str(file), data={"execution_seconds": result.time})
            cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
            print(f"[execute] {name}: {result.time:.1f} s", flush=True)
    if failures:
        sys.exit("\n\n".join(["[execute] a cell failed:", *failures]))


def cached(cache: object, file: Path) -> bool:
    try:
        cache.match_cache_notebook(nbformat.read(file, as_version=4))
    except KeyError:
        return False
    return True


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)  # all is cached; the build need not wait until Python has freed its memory
