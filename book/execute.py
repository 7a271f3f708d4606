"""Execute every notebook of the book, in parallel, into the cache that the build reads.

Jupyter Book runs a notebook again only when its own cells change. Here the cache stands in a folder
named by the hash of all that an output can depend on besides those cells. Change `ngdlib` or the
lock, and every notebook runs again. Change the exercises or the checks of a chapter, and only the
notebooks that read them do: the new folder takes the others from an earlier one.
A notebook with a failing cell is not cached, and the command fails.

With `--again`, every notebook runs once more, cell by cell under nbval: each has to show what the
pages show.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import signal
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import nbformat
import yaml
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.cache.main import JupyterCacheBase, NbCacheRecord
from jupyter_cache.executors.utils import ExecutionResult, single_nb_execution

ROOT = Path(__file__).resolve().parent.parent


def for_pages_only(file: Path) -> bool:
    """Styles and scripts that no notebook reads: `book/pages.py` answers for them."""
    return file.name == "host.js" or (
        file.suffix in (".js", ".css") and "exercises" in file.relative_to(ROOT).parts
    )


def cache_folder(build: Path = ROOT / "_build") -> Path:
    """The cache for the sources as they are now, in the folder of the library as it is now."""
    library = [ROOT / "requirements.lock", ROOT / "exercises" / "schema.json"]
    library += [ROOT / "chapters" / "checks" / "register.json", *(ROOT / "ngdlib").rglob("*")]
    parts = [f for f in library if not for_pages_only(f) and "__pycache__" not in f.parts]
    return build / "executed" / digest(parts) / digest(read_by_chapters() + headings())


def inputs(notebook: Path) -> str:
    """The hash of what a notebook can read besides the library: a chapter its own headings, the
    exercises and checks that bear its name; any other notebook those of all chapters."""
    own = [f for f in read_by_chapters() if f.stem.replace("_", "-") == notebook.stem]
    return digest([*own, notebook] if own else read_by_chapters() + headings())


def read_by_chapters() -> list[Path]:
    return [*(ROOT / "exercises").glob("*.yml"), *(ROOT / "chapters" / "checks").glob("*.py")]


def headings() -> list[Path]:
    """The notebooks, whose headings the box of claims and the ledger read."""
    return list((ROOT / "chapters").glob("*.ipynb"))


def digest(files: list[Path]) -> str:
    """The hash of names and contents; of a notebook, of its headings and their labels."""
    total = hashlib.sha256()
    for file in sorted(f for f in files if f.is_file()):
        content = file.read_bytes()
        if file.suffix == ".ipynb":
            cells = json.loads(content)["cells"]
            text = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
            lines = re.findall(
                r"^#+ .*|^\([\w-]+\)=|^[`:]{3,}\{admonition\}.*|^:name:.*", text, flags=re.M
            )
            content = "\n".join(lines).encode()
        total.update(f"{file.relative_to(ROOT)}\0{len(content)}\0".encode() + content)
    return total.hexdigest()[:16]


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
        timeout=600,  # of a cell that never ends; on a busy machine the ledger takes two minutes
        allow_errors=False,
        shutdown_kernel="immediate",
        store_widget_state=False,  # widget ids are random; the pages carry their own form
        coalesce_streams=True,  # a kernel sends what a cell prints in as many parts as it took time
        extra_arguments=["--log-level=ERROR"],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=Path, default=ROOT / "_build", help="the build folder")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many at once")
    parser.add_argument("--again", action="store_true", help="compare another run with the first")
    options = parser.parse_args()
    # every kernel sees the same hash seed, one BLAS thread, and no display
    os.environ.update(
        PYTHONHASHSEED="0",
        OPENBLAS_NUM_THREADS="1",
        MPLBACKEND="agg",
        NGD_PAGE="1",  # see ngdlib.plots.rc_for
        PYDEVD_DISABLE_FILE_VALIDATION="1",
    )
    folder = cache_folder(options.build)
    verified = folder.parent / "verified"  # derivations verified with this state of the library
    verified.mkdir(parents=True, exist_ok=True)
    os.environ["NGD_VERIFIED"] = str(verified)
    cache = get_cache(str(folder))
    stale = [file for file in notebooks() if not (cached(cache, file) or taken_over(folder, file))]
    if not stale:
        print("[execute] all notebooks are up to date")
        return again(options) if options.again else None
    read = {file: inputs(file) for file in stale}  # as it is now, before any kernel starts
    done = 0
    failures = []
    with ProcessPoolExecutor(min(options.jobs, len(stale)), initializer=as_worker) as pool:
        end_with(pool)
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
            data = {"execution_seconds": result.time, "inputs": read[file]}
            bundle = CacheBundleIn(result.nb, str(file), data=data)
            cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
            print(f"[execute] {name}: {result.time:.1f} s", flush=True)
    if failures:
        sys.exit("\n\n".join(["[execute] a cell failed:", *failures]))
    if options.again:
        again(options)


def again(options: argparse.Namespace) -> None:
    """Goes on as nbval, over the notebooks with what they have shown."""
    cache, printed = get_cache(str(cache_folder(options.build))), options.build / "printed"
    shutil.rmtree(printed, ignore_errors=True)
    (printed / "chapters").mkdir(parents=True)
    (printed / "exercises").symlink_to(ROOT / "exercises")  # the opening page looks for the sets
    for file in notebooks():
        _, shown = cache.merge_match_into_notebook(nbformat.read(file, as_version=4))
        nbformat.write(shown, printed / file.relative_to(ROOT))
    workers = ("-n", str(options.jobs), "--dist", "loadfile")
    command = [sys.executable, "-m", "pytest", "-q", *workers, "--nbval", str(printed / "chapters")]
    os.execv(sys.executable, command)


def as_worker() -> None:
    """Ctrl-C is the business of the process that started this one, and ends it too."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def end_with(pool: ProcessPoolExecutor) -> None:
    """Told to end, end the workers too; their kernels notice within a second and end."""

    def stop(number: int, frame: object) -> None:
        for worker in list(pool._processes.values()):
            worker.kill()
        print("[execute] stopped", flush=True)
        os._exit(128 + number)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)


def cached(cache: JupyterCacheBase, file: Path) -> NbCacheRecord | None:
    """The record of a notebook that has run with these cells."""
    try:
        return cache.match_cache_notebook(nbformat.read(file, as_version=4))
    except KeyError:
        return None


def taken_over(folder: Path, file: Path) -> bool:
    """Whether an earlier cache of this library has the notebook, run with the same inputs; if so,
    it is put into the cache in `folder`."""
    for other in sorted(folder.parent.glob("*/global.db")):
        earlier = get_cache(str(other.parent))
        record = cached(earlier, file)
        if record and record.data.get("inputs") == inputs(file):
            notebook = earlier.get_cache_bundle(record.pk).nb
            bundle = CacheBundleIn(notebook, str(file), data=record.data)
            get_cache(str(folder)).cache_notebook_bundle(bundle, check_validity=False)
            return True
    return False


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)  # all is cached; the build need not wait until Python has freed its memory
