"""Set up all that the book needs, from a bare machine; called by the Makefile.

Runs on the machine's own Python with nothing but the standard library:

1. `.venv`, holding exactly what `requirements.lock` lists, every file checked by its hash;
2. `_build/vendor`, the JavaScript that the pages need and the project did not write, installed
   from `book/package-lock.json` by the npm of the environment and checked by the lock's hashes;
3. with `--tests`, Chromium (and whatever else the tests drive) from the machine's packages.

A finished step leaves a stamp with the hash of its inputs. A step without a matching stamp is
done again from the start, so an interrupted run leaves nothing that the next one would trust.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VENDOR = ROOT / "_build" / "vendor"
LOCK = ROOT / "requirements.lock"
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tests", action="store_true", help="also what the tests drive: Chromium")
    options = parser.parse_args()
    if sys.version_info < (3, 11):  # noqa: UP036  (any Python may be asked to run this file)
        fail(
            f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}: "
            "install it and run `make PYTHON=python3.11 book`"
        )
    environment()
    vendor()
    if options.tests:
        chromium()


def environment() -> None:
    """`.venv` with the locked packages and this project."""
    want = digest(LOCK, ROOT / "pyproject.toml", extra=sys.version)
    stamp = VENV / "ready"
    if read(stamp) == want:
        return
    started = time.monotonic()
    say("setting up the Python environment in .venv")
    stamp.unlink(missing_ok=True)
    if not usable_venv():
        make_venv()
    uv_block = re.search(r"^uv==.*?(?=^\S)", LOCK.read_text(), flags=re.M | re.S)
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as pinned:
        pinned.write(uv_block.group() if uv_block else "")
        pinned.flush()
        pip("--require-hashes", "-r", pinned.name)
    say("installing the locked packages (about 170, every file checked by its hash)")
    uv = [str(VENV / "bin" / "uv"), "pip"]
    sync = [*uv, "sync", "-q", "--require-hashes", "-p", str(VENV), str(LOCK)]
    if subprocess.run(sync).returncode:
        say("uv could not install them; trying pip, which reads other settings")
        pip("--require-hashes", "-r", str(LOCK))
    pip("--no-deps", "--no-build-isolation", "-e", str(ROOT))
    stamp.write_text(want)
    say(f"the environment is ready ({time.monotonic() - started:.0f} s)")


def usable_venv() -> bool:
    """An environment that an earlier run made with this very Python, pip included."""
    probe = "import sys, pip; print(sys.version)"
    if not (VENV / "bin" / "python").exists():
        return False
    answer = subprocess.run([python(), "-c", probe], capture_output=True, text=True)
    return answer.returncode == 0 and answer.stdout.strip() == sys.version.strip()


def make_venv() -> None:
    shutil.rmtree(VENV, ignore_errors=True)
    try:
        import ensurepip  # noqa: F401  (Debian ships it in a package of its own)
    except ImportError:
        package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
        install_debian([package], why="Python's venv module")
    run(sys.executable, "-m", "venv", str(VENV))


def vendor() -> None:
    """`_build/vendor`: MathJax for the build and the pages, terser that makes their script small,
    axe-core.
    """
    want = digest(ROOT / "book" / "package-lock.json", Path(__file__))
    if read(VENDOR / "ready") == want:
        return
    say("fetching MathJax, terser and axe-core (pinned, hash-checked)")
    VENDOR.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=VENDOR.parent) as scratch:
        work, made = Path(scratch, "npm"), Path(scratch, "made")
        work.mkdir()
        for name in ("package.json", "package-lock.json"):
            shutil.copy(ROOT / "book" / name, work)
        npm = [
            str(VENV / "bin" / "npm"),
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--silent",
        ]
        path = f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
        run(*npm, cwd=work, env={**os.environ, "PATH": path})
        modules = work / "node_modules"
        fonts = Path("output", "chtml", "fonts", "woff-v2")
        shutil.copytree(modules / "mathjax" / "es5" / fonts, made / "mathjax" / fonts)
        shutil.copy(modules / "mathjax" / "es5" / "tex-chtml.js", made / "mathjax")
        shutil.copy(modules / "mathjax" / "LICENSE", made / "mathjax")
        for name in ("mathjax", "terser", "@jridgewell"):  # modules of node, and what they ask for
            shutil.copytree(modules / name, made / "node_modules" / name)
        (made / "axe").mkdir()
        shutil.copy(modules / "axe-core" / "axe.min.js", made / "axe")
        (made / "ready").write_text(want)
        shutil.rmtree(VENDOR, ignore_errors=True)
        made.rename(VENDOR)


def chromium() -> None:
    if not any(shutil.which(name) for name in CHROMIUM_NAMES):
        install_debian(["chromium"], why="Chromium, in which the pages are tested")


def install_debian(packages: list[str], why: str) -> None:
    """Install from Debian's packages as root; otherwise say in one sentence what to type."""
    command = f"apt-get install -y {' '.join(packages)}"
    if not shutil.which("apt-get"):
        fail(f"{why} is missing: install {' '.join(packages)} with your system's package manager")
    if os.geteuid() != 0:
        fail(f"{why} is missing: type `sudo {command}` and run make again")
    say(f"installing {why} ({' '.join(packages)})")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run("apt-get", "update", "-qq", env=quiet)
    run(*command.split(), "-qq", "--no-install-recommends", env=quiet, stdout=subprocess.DEVNULL)


def digest(*files: Path, extra: str = "") -> str:
    total = hashlib.sha256(extra.encode())
    for file in files:
        total.update(file.read_bytes())
    return total.hexdigest()


def read(file: Path) -> str | None:
    return file.read_text() if file.exists() else None


def python() -> str:
    return str(VENV / "bin" / "python")


def pip(*arguments: str) -> None:
    run(python(), "-m", "pip", "install", "-q", "--disable-pip-version-check", *arguments)


def run(*command: str, **options: object) -> None:
    if subprocess.run(list(command), **options).returncode:
        fail(f"this step failed: {' '.join(command)}")


def say(message: str) -> None:
    print(f"[setup] {message}", flush=True)


def fail(message: str) -> None:
    sys.exit(f"[setup] {message}")


if __name__ == "__main__":
    main()
