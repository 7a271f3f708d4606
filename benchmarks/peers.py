"""What the comparisons with other libraries share: their environments, and how a time is taken."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

BUILD = Path(__file__).resolve().parent.parent / "_build"


def environment(folder: Path) -> Path:
    """The python of the peers of a benchmark, made from `folder`'s lock where there is none yet."""
    home = BUILD / f"{folder.name}-venv"
    python = home / "bin" / "python"
    if not python.exists():
        uv = [sys.executable, "-m", "uv"]
        subprocess.run([*uv, "venv", "-q", "--python", sys.executable, home], check=True)
        lock = ["--require-hashes", "-r", folder / "requirements.lock"]
        subprocess.run([*uv, "pip", "install", "-q", "--python", python, *lock], check=True)
    return python


def ask(folder: Path, script: Path, *files: Path) -> None:
    """Run a peer's program in the environment of `folder`; it finds this module, which needs
    nothing that the environment may lack."""
    command = [environment(folder), script, *files]
    at = os.environ | {"PYTHONPATH": str(BUILD.parent)}
    subprocess.run([str(part) for part in command], check=True, env=at)


def best(f: Callable[[], Any], repeats: int) -> tuple[Any, float]:
    """The value, and the least of some times in seconds: one call first, uncounted."""
    value, times = f(), []
    for _ in range(repeats):
        start = time.perf_counter()
        f()
        times.append(time.perf_counter() - start)
    return value, min(times)
