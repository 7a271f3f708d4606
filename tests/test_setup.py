"""Set-up and builds that are interrupted, started twice, or find something broken."""

import ast
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

from book import bootstrap
from tests.conftest import ROOT


def wait_for(met, seconds: float = 120) -> bool:
    end = time.monotonic() + seconds
    while not (answer := met()) and time.monotonic() < end:
        time.sleep(0.1)
    return bool(answer)


HOLD = """
import sys, time
sys.path.insert(0, {root!r})
from pathlib import Path
from book.bootstrap import alone
with alone(Path("lock")):
    print("in", flush=True)
    sys.stdin.readline()
"""


def test_a_second_make_waits_and_says_so(tmp_path):
    def start():
        return subprocess.Popen(
            [sys.executable, "-c", HOLD.format(root=str(ROOT))],
            cwd=tmp_path,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    first = start()
    assert first.stdout.readline() == "in\n"
    second = start()
    assert "another make is at work" in second.stdout.readline()
    first.kill()  # however the first one ends, the second goes on
    first.wait()
    assert second.stdout.readline() == "in\n"
    second.communicate("\n")
    assert second.returncode == 0


@pytest.fixture(scope="module")
def fresh(tmp_path_factory) -> Path:
    """What `python -m venv` makes, made once."""
    folder = tmp_path_factory.mktemp("fresh") / ".venv"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    return folder


@pytest.fixture
def venv(fresh, tmp_path, monkeypatch):
    """A project whose environment is made by standing in for what fetches packages."""
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(bootstrap, "LOCK", tmp_path / "requirements.lock")
    (tmp_path / "requirements.lock").write_text("uv==1\n")
    (tmp_path / "pyproject.toml").write_text("")
    made = []

    def run(*command: str) -> None:
        assert command[1:] == ("-m", "venv", str(tmp_path / ".venv"))
        shutil.copytree(fresh, tmp_path / ".venv", symlinks=True)

    monkeypatch.setattr(bootstrap, "run", run)

    def fill() -> bool:
        made.append("filled")
        site = next((tmp_path / ".venv" / "lib").glob("python*/site-packages"))
        (site / "numpy").mkdir(exist_ok=True)
        return True

    monkeypatch.setattr(bootstrap, "fill_venv", fill)
    bootstrap.environment()
    assert made == ["filled"]
    made.clear()
    bootstrap.environment()
    assert made == []  # it is as it was left
    return tmp_path / ".venv", made


def no_python(venv: Path) -> None:
    for name in ("python", "python3"):
        (venv / "bin" / name).unlink()
        (venv / "bin" / name).symlink_to("/nowhere/python3")


def not_executable(venv: Path) -> None:
    (venv / "bin" / "python").unlink()
    (venv / "bin" / "python").write_text("")


def no_package(venv: Path) -> None:
    next(venv.glob("lib/python*/site-packages/numpy")).rmdir()


def no_folder(venv: Path) -> None:
    subprocess.run(["rm", "-rf", str(venv)], check=True)
    venv.write_text("what a careless command left")


@pytest.mark.parametrize("damage", [no_python, not_executable, no_package, no_folder])
def test_a_broken_environment_heals(venv, damage):
    folder, made = venv
    damage(folder)
    bootstrap.environment()
    assert made == ["filled"]
    assert bootstrap.usable_venv()
    assert next(folder.glob("lib/python*/site-packages/numpy")).is_dir()


def test_apt_is_waited_for(tmp_path, monkeypatch, capsys):
    """While another program holds apt's lock; and what else fails is reported as it is."""
    tries = tmp_path / "tries"
    apt = tmp_path / "apt-get"
    apt.write_text(
        f"#!/bin/sh\necho x >> {tries}\n"
        f'case "$*" in *update*) if [ $(wc -l < {tries}) -lt 3 ]; then\n'
        'echo "E: Could not get lock /var/lib/apt/lists/lock" >&2; exit 100; fi;; esac\n'
        f'echo "$*" >> {tmp_path}/said\n'
    )
    apt.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(bootstrap.os, "geteuid", lambda: 0)
    monkeypatch.setattr(bootstrap.time, "sleep", lambda seconds: None)
    bootstrap.install_debian(["chromium"], why="Chromium")
    assert capsys.readouterr().out.count("another program is using apt") == 2
    said = (tmp_path / "said").read_text()
    assert "install -y chromium" in said and "DPkg::Lock::Timeout" in said
    apt.write_text('#!/bin/sh\necho "E: no network" >&2; exit 100\n')
    with pytest.raises(SystemExit, match="no network"):
        bootstrap.install_debian(["chromium"], why="Chromium")


RUN = """
import sys
sys.path.insert(0, {root!r})
from pathlib import Path
from book import execute
execute.ROOT = Path.cwd()
execute.notebooks = lambda: [Path.cwd() / "slow.ipynb"]
execute.cache_folder = lambda build: Path.cwd() / "cache" / "a"
execute.inputs = lambda file: ""
sys.argv[1:] = ["--build", "build"]
execute.main()
"""


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT], ids=lambda s: s.name)
def test_no_worker_outlives_a_stopped_build(tmp_path, how):
    """Neither the workers nor their kernels."""
    source = "import os, time\nopen('pids', 'w').write(f'{os.getpid()} {os.getppid()}')"
    cell = nbformat.v4.new_code_cell(source + "\nwhile True:\n    time.sleep(0.1)")
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "slow.ipynb")
    run = subprocess.Popen(
        [sys.executable, "-c", RUN.format(root=str(ROOT))],
        cwd=tmp_path,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    pids = tmp_path / "pids"
    assert wait_for(lambda: pids.exists() and len(pids.read_text().split()) == 2)
    run.send_signal(how)
    said, _ = run.communicate(timeout=120)
    assert run.returncode == 128 + how
    assert said.splitlines() == ["[execute] stopped"]
    kernel, worker = map(int, pids.read_text().split())

    def gone(pid: int) -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except (FileNotFoundError, ProcessLookupError):
            return True

    assert wait_for(lambda: gone(worker)) and wait_for(lambda: gone(kernel))


def test_codemirror_asks_only_for_files_that_are_there():
    """Its modules name one another by file, each with its licence: no bundler, no map of names."""
    folder = bootstrap.VENDOR / "codemirror"
    files = {file.name: file.read_text(encoding="utf-8") for file in folder.glob("*.js")}
    asks = re.compile(r"^(?:import|export)\b[^;]*?\bfrom\s*['\"]([^'\"]+)['\"]", flags=re.M)
    asked = {name for text in files.values() for name in asks.findall(text)}
    assert len(files) > 10 and asked <= {f"./{name}" for name in files}
    assert all("MIT" in text or "Permission is hereby granted" in text for text in files.values())
    live = (bootstrap.ROOT / "book" / "static" / "live.js").read_text(encoding="utf-8")
    wanted = re.findall(r'from "\./vendor/codemirror/([^"]+)"', live)
    assert len(wanted) == 6 and set(wanted) <= set(files)


def silent(source: str) -> list[int]:
    """Lines that add an argument to a command and do not say what it is."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    added = [c for c in calls if getattr(c.func, "attr", "") == "add_argument"]
    return [c.lineno for c in added if "help" not in {word.arg for word in c.keywords}]


def test_every_argument_of_a_command_says_what_it_is():
    files = [f for part in ("book", "ngdlib", "benchmarks") for f in (ROOT / part).rglob("*.py")]
    sources = {f: f.read_text(encoding="utf-8") for f in files}
    assert sum("add_argument" in text for text in sources.values()) > 8
    assert [f"{f}:{line}" for f, text in sources.items() for line in silent(text)] == []
    assert silent("parser.add_argument('--steps', type=int)") == [1]  # control
