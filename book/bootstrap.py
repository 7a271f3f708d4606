"""Set up all that the book needs, from a bare machine; called by the Makefile.

Runs on the machine's own Python with nothing but the standard library:

1. `.venv`, holding exactly what `requirements.lock` lists, every file checked by its hash;
2. `_build/vendor`, the JavaScript and the faces that the pages need and the project did not write,
   installed from `book/package-lock.json` by the npm of the environment and checked by the lock's
   hashes;
3. with `--tests`, what the tests drive from the machine's packages: Chromium, Firefox, bubblewrap;
   with `--paper`, Chromium alone, which prints the book.

A finished step leaves a stamp with the hash of its inputs. A step without a matching stamp is
done again from the start, so an interrupted run leaves nothing that the next one would trust. Two
runs at once in one checkout take turns.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VENDOR = ROOT / "_build" / "vendor"
LOCK = ROOT / "requirements.lock"
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
DRIVEN = {  # what the tests drive: Debian's package, and the names that it may run under
    "chromium": CHROMIUM_NAMES,
    "firefox-esr": ("firefox-esr", "firefox"),
    "bubblewrap": ("bwrap",),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tests", action="store_true", help="also what the tests drive")
    parser.add_argument("--paper", action="store_true", help="also what prints the book")
    options = parser.parse_args()
    if sys.version_info < (3, 11):  # noqa: UP036  (any Python may be asked to run this file)
        fail(
            f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}: "
            "install it and run `make PYTHON=python3.11 book`"
        )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # `run` ends what it has started
    with alone(ROOT / ".setup-lock", tell=say):
        environment()
        vendor()
        if options.tests:
            driven(DRIVEN, why="what the tests drive")
        elif options.paper:
            driven({"chromium": CHROMIUM_NAMES}, why="what prints the book")


@contextmanager
def alone(lock: Path, tell=print) -> Iterator[None]:
    """Run while no other process is in here; say so if that means waiting.

    The lock is the system's own and ends with its process, however that ends.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            tell("another make is at work in this checkout; waiting until it is done")
            fcntl.flock(held, fcntl.LOCK_EX)
        yield


def environment() -> None:
    """`.venv` with the locked packages and this project."""
    want = digest(LOCK, ROOT / "pyproject.toml", extra=sys.version)
    stamp = VENV / "ready"
    said = (read(stamp) or "").splitlines()
    if said[:1] == [want] and set(said[1:]) <= installed():
        if answers("import sys; print(sys.version)") == sys.version.strip():
            return
    started = time.monotonic()
    say("setting up the Python environment in .venv")
    stamp.unlink(missing_ok=True) if VENV.is_dir() else None
    damaged = said[:1] == [want]  # it was complete and has lost something
    if damaged or not usable_venv():
        make_venv()
        filled = fill_venv()
    elif not (filled := fill_venv()):
        say("that did not work in the .venv of an earlier run; making it anew")
        make_venv()
        filled = fill_venv()
    if not filled:
        fail("the locked packages could not be installed: see the lines above")
    stamp.write_text("\n".join([want, *sorted(installed())]))
    say(f"the environment is ready ({time.monotonic() - started:.0f} s)")


def fill_venv() -> bool:
    """Install what the lock lists, and this project; whether that worked."""
    uv_block = re.search(r"^uv==.*?(?=^\S)", LOCK.read_text(), flags=re.M | re.S)
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as pinned:
        pinned.write(uv_block.group() if uv_block else "")
        pinned.flush()
        if not pip("--require-hashes", "-r", pinned.name):
            return False
    say("installing the locked packages (about 180, every file checked by its hash)")
    uv = [str(VENV / "bin" / "uv"), "pip"]
    sync = [*uv, "sync", "-q", "--require-hashes", "-p", str(VENV), str(LOCK)]
    if subprocess.run(sync).returncode:
        say("uv could not install them; trying pip, which reads other settings")
        if not pip("--require-hashes", "-r", str(LOCK)):
            return False
    return pip("--no-deps", "--no-build-isolation", "-e", str(ROOT))


def installed() -> set[str]:
    """Names of the packages and commands in `.venv`."""
    folders = [VENV / "bin", *(VENV / "lib").glob("python*/site-packages")]
    return {entry.name for f in folders if f.is_dir() for entry in f.iterdir()} - {"__pycache__"}


def answers(probe: str) -> str:
    """What the environment's Python prints for a piece of code; "" where it does not run."""
    try:
        said = subprocess.run([python(), "-c", probe], capture_output=True, text=True)
    except OSError:
        return ""
    return said.stdout.strip() if said.returncode == 0 else ""


def usable_venv() -> bool:
    """An environment that an earlier run made with this very Python, pip included."""
    return answers("import sys, pip; print(sys.version)") == sys.version.strip()


def make_venv() -> None:
    VENV.unlink() if VENV.is_symlink() or VENV.is_file() else None
    shutil.rmtree(VENV, ignore_errors=True)
    try:
        import ensurepip  # noqa: F401  (Debian ships it in a package of its own)
    except ImportError:
        package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
        install_debian([package], why="Python's venv module")
    run(sys.executable, "-m", "venv", str(VENV))


def vendor() -> None:
    """`_build/vendor`: MathJax for the build and the pages, terser that makes their script small,
    CodeMirror for the page that is run, the faces, axe-core.
    """
    faces = ROOT / "book" / "faces.py"
    want = digest(ROOT / "book" / "package-lock.json", Path(__file__), faces)
    if read(VENDOR / "ready") == want:
        return
    say("fetching MathJax, CodeMirror, the faces, terser and axe-core (pinned, hash-checked)")
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
        codemirror(modules, made / "codemirror")
        run(python(), str(faces), str(modules), str(made / "faces"))
        (made / "axe").mkdir()
        shutil.copy(modules / "axe-core" / "axe.min.js", made / "axe")
        (made / "ready").write_text(want)
        shutil.rmtree(VENDOR, ignore_errors=True)
        made.rename(VENDOR)


def codemirror(modules: Path, made: Path) -> None:
    """CodeMirror's modules, a file each, that ask for one another by file: a browser loads them as
    they are, without a bundler.
    """
    asks = re.compile(r"""^((?:import|export) .*?from )['"]([^'".]+)['"]""", flags=re.M)

    def file(package: str) -> str:
        return f"{package.strip('@').replace('/', '-')}.js"

    made.mkdir()
    wanted = ["@codemirror/commands", "@codemirror/lang-python"]  # they ask for all the others
    for package in wanted:
        folder = modules / package
        entry = json.loads((folder / "package.json").read_text())["exports"]["import"]
        text = (folder / entry).read_text(encoding="utf-8")
        wanted += dict.fromkeys(name for _, name in asks.findall(text) if name not in wanted)
        text = asks.sub(lambda m: f"{m[1]}'./{file(m[2])}'", text)
        licence = (folder / "LICENSE").read_text(encoding="utf-8")
        (made / file(package)).write_text(f"/*! {package}\n\n{licence}*/\n{text}", "utf-8")


def driven(programs: dict[str, tuple[str, ...]], why: str) -> None:
    missing = [p for p, names in programs.items() if not any(map(shutil.which, names))]
    if missing:
        install_debian(missing, why=why)


def install_debian(packages: list[str], why: str) -> None:
    """Install from Debian's packages as root; otherwise say in one sentence what to type."""
    command = f"apt-get install -y {' '.join(packages)}"
    if not shutil.which("apt-get"):
        fail(f"{why} is missing: install {' '.join(packages)} with your system's package manager")
    if os.geteuid() != 0:
        fail(f"{why} is missing: type `sudo {command}` and run make again")
    say(f"installing {why} ({' '.join(packages)})")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    wait = ["-o", "DPkg::Lock::Timeout=600"]
    for _ in range(60):  # the lock of `update` has no such option
        update = ["apt-get", *wait, "update", "-qq"]
        said = subprocess.run(update, env=quiet, stderr=subprocess.PIPE, text=True)
        if "lock" not in said.stderr.lower():
            break
        say("another program is using apt; waiting for it")
        time.sleep(10)
    if said.returncode:
        fail(f"`apt-get update` failed: {said.stderr.strip()}")
    run(
        *command.split(),
        *wait,
        "-qq",
        "--no-install-recommends",
        env=quiet,
        stdout=subprocess.DEVNULL,
    )


def digest(*files: Path, extra: str = "") -> str:
    total = hashlib.sha256(extra.encode())
    for file in files:
        total.update(file.read_bytes())
    return total.hexdigest()


def read(file: Path) -> str | None:
    return file.read_text() if file.exists() else None


def python() -> str:
    return str(VENV / "bin" / "python")


def pip(*arguments: str) -> bool:
    command = [python(), "-m", "pip", "install", "-q", "--disable-pip-version-check", *arguments]
    return subprocess.run(command).returncode == 0


def run(*command: str, **options: object) -> None:
    if subprocess.run(list(command), **options).returncode:
        fail(f"this step failed: {' '.join(command)}")


def say(message: str) -> None:
    print(f"[setup] {message}", flush=True)


def fail(message: str) -> None:
    sys.exit(f"[setup] {message}")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        fail("stopped; the next run begins this step again")
