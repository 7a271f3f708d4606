"""A process in which a student's code can do no harm: bubblewrap around `worker.py`.

It has no network, sees no file but Python, the packages and the book's library, writes into 16 MB
that vanish with it, is nobody, and is limited in memory, time and processes. The parent asks it by
lines of JSON and believes nothing: a reply is data of bounded size, or the worker is dead.
"""

from __future__ import annotations

import json
import math
import os
import re
import secrets
import select
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ngdlib

WORKER = Path(__file__).with_name("worker.py")
LIMITS = {  # of resource.setrlimit
    "AS": 1 << 30,  # memory
    "CPU": 60,
    "NPROC": 4,  # processes and threads, those of bubblewrap included
    "FSIZE": 8 << 20,
    "NOFILE": 64,
    "CORE": 0,
}
START = 20.0  # seconds until Python and numpy are there, on a busy machine
REPLY = 1 << 18  # bytes
UNSAFE = (
    "without a sandbox the code of every student runs as you, with your files and your network: "
    "one of them can read the key, change all grades, and delete or send what you have"
)


ENDED = "the process ended: it used too much memory, or ended itself"


class Dead(Exception):
    """The worker has ended, hangs or talks nonsense. The message is for the student."""

    def __init__(self, words: str, hung: bool = False) -> None:
        super().__init__(words)
        self.hung = hung


class Failed(Exception):
    """The student's code raised: args are (type, message)."""


def command(unsafe: bool = False) -> list[str]:
    """The command that starts a worker."""
    site, book = sysconfig.get_path("purelib"), str(Path(ngdlib.__file__).parent)
    if unsafe:
        limits = {k: v for k, v in LIMITS.items() if k != "NPROC"}
        return [sys.executable, "-I", str(WORKER), json.dumps([limits, 0, []])]
    root = os.geteuid() == 0
    alone = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"]
    if root:  # stays root until the worker gives it up: the limit on processes binds no root
        uid = 60000 + os.getpid() % 5000
        alone += ["--unshare-cgroup-try", "--cap-drop", "ALL"]
        alone += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        uid = 0
        alone += ["--unshare-user", "--disable-userns", "--unshare-cgroup-try"]
        alone += ["--cap-drop", "ALL", "--uid", "65534", "--gid", "65534"]
    seen = ["--ro-bind", "/usr", "/usr", "--symlink", "usr/bin", "/bin"]
    seen += [a for lib in ("lib", "lib64") for a in ("--symlink", f"usr/{lib}", f"/{lib}")]
    prefix, name = Path(sys.base_prefix).resolve(), f"python3.{sys.version_info.minor}"
    python = f"{prefix}/bin/{name}"
    if not prefix.is_relative_to("/usr"):
        seen += ["--ro-bind", str(prefix), "/python", "--setenv", "LD_LIBRARY_PATH", "/python/lib"]
        python = f"/python/bin/{name}"
    seen += ["--ro-bind", site, "/packages"]
    seen += ["--perms", "0755", "--dir", "/book", "--ro-bind", book, "/book/ngdlib"]
    seen += ["--ro-bind", str(WORKER), "/worker.py", "--proc", "/proc", "--dev", "/dev"]
    seen += ["--size", "16000000", "--perms", "1777", "--tmpfs", "/tmp", "--chdir", "/tmp"]
    seen += ["--remount-ro", "/dev", "--remount-ro", "/"]
    env = {"PATH": "/usr/bin", "HOME": "/tmp", "LANG": "C.UTF-8"}
    env |= {f"{lib}_NUM_THREADS": "1" for lib in ("OPENBLAS", "OMP", "MKL")}
    told = [a for name, value in env.items() for a in ("--setenv", name, value)]
    job = json.dumps([LIMITS, uid, ["/packages", "/book"]])
    ends = ["--die-with-parent", "--new-session", "--clearenv"]
    return ["bwrap", *alone, *ends, *told, *seen, python, "-I", "/worker.py", job]


def trouble() -> str:
    """Why there is no sandbox here; "" where it works."""
    if sys.platform != "linux":
        return "bubblewrap needs Linux: grade in a Linux machine or container"
    if not shutil.which("bwrap"):
        return "bubblewrap is not installed: `apt-get install bubblewrap`"
    try:
        with Worker() as worker:
            worker.ask("run", code="import numpy", name="trial", seconds=START)
    except Dead as error:
        said = subprocess.run(command(), stdin=subprocess.DEVNULL, capture_output=True, text=True)
        return f"bubblewrap does not work here ({error}): {said.stderr.strip()[-300:]}"
    return ""


def _reply(line: bytes, nonce: str) -> dict[str, Any] | None:
    """What a line says, if it is the reply to the question with this number."""
    try:
        reply = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return reply if isinstance(reply, dict) and reply.get("id") == nonce else None


class Worker:
    """One process for one student's code. Used as a context, or closed."""

    def __init__(self, unsafe: bool = False) -> None:
        self.process = subprocess.Popen(
            command(unsafe),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )
        self.left = b""

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(self, do: str, *, seconds: float, **more: Any) -> Any:
        """The value of a reply. Raises Failed if the code raised, Dead for anything else."""
        nonce = secrets.token_hex(8)
        line = json.dumps({"id": nonce, "do": do, **more}) + "\n"
        until = time.monotonic() + seconds
        self.heard = 0
        try:
            self._send(line.encode(), until)
            while (reply := _reply(self._line(until, seconds), nonce)) is None:
                pass  # it was not asked for
        except Dead:
            self.close()
            raise
        except OSError:
            self.close()
            raise Dead(ENDED) from None
        if reply.get("ok") is True:
            return reply.get("value")
        error = reply.get("error")
        kind, words = error if isinstance(error, list) and len(error) == 2 else ("Error", "")
        kind = (
            kind if isinstance(kind, str) and re.fullmatch(r"[A-Za-z]\w{0,60}", kind) else "Error"
        )
        raise Failed(kind, str(words)[:200])

    def _send(self, data: bytes, until: float) -> None:
        pipe = self.process.stdin.fileno()
        os.set_blocking(pipe, False)
        while data:
            if not select.select([], [pipe], [], max(0.0, until - time.monotonic()))[1]:
                raise Dead("it did not come to an end in time", hung=True)
            data = data[os.write(pipe, data) :]

    def _line(self, until: float, seconds: float) -> bytes:
        pipe = self.process.stdout.fileno()
        while b"\n" not in self.left:
            left = until - time.monotonic()
            if left <= 0 or not select.select([pipe], [], [], left)[0]:
                raise Dead(f"it did not come to an end within {seconds:g} seconds", hung=True)
            got = os.read(pipe, 1 << 16)
            if not got:
                raise Dead(ENDED)
            self.left, self.heard = self.left + got, self.heard + len(got)
            if self.heard > REPLY:
                raise Dead("the result is too large")
        line, self.left = self.left.split(b"\n", 1)
        return line

    def close(self) -> None:
        """End it, and all that it has started."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            try:
                pipe.close()
            except OSError:
                pass


class Session:
    """A student's cells, run in order in a sandbox.

    What hangs or kills its process is left out when the others are run again, so that it costs only
    what it was to give. All together may take `ALL` seconds; then the rest is not run.

    cells: [(name, code)]; errors: {name of a cell: what stopped it}; lethal: the cells that ended
    their process. Raises RuntimeError where no sandbox starts, which is not the student's fault.
    """

    CELL, CALL, ALL = 10.0, 3.0, 60.0  # seconds

    def __init__(self, cells: Sequence[tuple[str, str]], unsafe: bool = False) -> None:
        self.cells, self.unsafe = list(cells), unsafe
        self.errors: dict[str, str] = {}
        self.lethal: set[str] = set()
        self.worker: Worker | None = None
        self.until = time.monotonic() + self.ALL

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.restart()

    def restart(self) -> None:
        """End the process; the next question starts a new one, with nothing left of the old."""
        if self.worker:
            self.worker.close()
            self.worker = None

    def ask(self, do: str, name: str, **more: Any) -> Any:
        """As Worker.ask; runs the cells first where there is no process."""
        while self.worker is None:
            self._seconds(0)  # there is time
            self._run()
        try:
            return self.worker.ask(do, name=name, seconds=self._seconds(self.CALL), **more)
        except Dead:
            self.worker = None
            raise

    def _run(self) -> None:
        self.worker = Worker(self.unsafe)
        try:
            self.worker.ask("run", name="start", code="", seconds=START)
        except Dead as error:
            self.worker = None
            raise RuntimeError(f"the sandbox did not start: {error}") from None
        for name, code in self.cells:
            if name in self.lethal:
                continue
            seconds = self._seconds(self.CELL)
            try:
                self.worker.ask("run", name=name, code=code, seconds=seconds)
            except Failed as error:
                self.errors[name] = ": ".join(filter(None, error.args))
            except Dead as error:
                self.restart()
                self.errors[name] = str(error)
                self.lethal.add(name)
                return

    def _seconds(self, most: float) -> float:
        left = self.until - time.monotonic()
        if left <= 0:
            raise Dead(f"the notebook used up its {self.ALL:g} seconds", hung=True)
        return min(most, math.ceil(10 * left) / 10)
