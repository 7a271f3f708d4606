"""Serve the book with Python behind it.

One address of this machine gives the pages and, to a browser that was opened with the token,
kernels: a Jupyter server of which nothing answers but the kernels. `_static/live.js` makes the
cells of a page editable and talks to them.

- Pages are read without a token. A kernel is started, driven and ended only with it, and only by
  pages of this very address: another host's name, another origin or port is refused, token or not.
- Each page that asks has a kernel of its own. One more is kept ready, with the library imported and
  no cell run, so that the first output comes soon. One that is idle for long is ended.
- Kernels work in `reruns/live`; what Jupyter and IPython keep stands there too, and is removed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import secrets
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

STOPS = signal.SIGINT, signal.SIGTERM
if __name__ == "__main__":  # Ctrl-C comes as well while what follows is imported
    for number in STOPS:
        signal.signal(number, lambda *_: sys.exit(130))

import nbformat
from jupyter_cache import get_cache
from jupyter_server._tz import utcnow
from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.auth.identity import IdentityProvider
from jupyter_server.base.handlers import APIHandler, JupyterHandler
from jupyter_server.serverapp import ServerApp
from jupyter_server.services.kernels.kernelmanager import (
    AsyncMappingKernelManager,
    ServerKernelManager,
)
from tornado import web
from traitlets import default
from traitlets.config import Config

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT))

from book.execute import cache_folder, cached
from ngdlib import parameters as worked

BUILD = ROOT / "_build"
HTML = BUILD / "html"
WORK = ROOT / "reruns" / "live"
IDLE = 20 * 60  # seconds
HOW = """ways to call it:
    make live                          build if needed, serve, open the browser
    make live PORT=8001                at another port of this machine
    make live OPTIONS=--no-browser     print the address, open nothing"""
LIBRARY = "ngdlib.plots", "ngdlib.derive", "ngdlib.claims", "ngdlib.exercises", "ngdlib.demos"
IMPORTED = f"--IPKernelApp.exec_lines=assert all(map(__import__, {LIBRARY!r}))"
QUIET = "--HistoryManager.enabled=False", "--log-level=CRITICAL"  # else its end is told


class Identity(IdentityProvider):
    """Jupyter's own, which would let a request with the token come from any origin."""

    def should_check_origin(self, handler: web.RequestHandler) -> bool:
        return True


class Kernel(ServerKernelManager):
    """One kernel. Jupyter lists it before it gives it its state: so it has one from the start, and
    the list can be asked for at any time. One that is starting runs nothing that could be
    interrupted: it would print where it was, in the window of `make live`."""

    @default("execution_state")
    def _starting(self) -> str:
        return "starting"

    @default("last_activity")
    def _now(self) -> datetime:
        return utcnow()

    async def _async_launch_kernel(self, *args: Any, **kwargs: Any) -> None:
        self.execution_state = "starting"  # also when it is started anew
        await super()._async_launch_kernel(*args, **kwargs)

    async def _async_interrupt_kernel(self) -> None:
        if self.execution_state != "starting":
            await super()._async_interrupt_kernel()

    interrupt_kernel = _async_interrupt_kernel


class Kernels(AsyncMappingKernelManager):
    """Kernels of the environment that serves the book, one of them started ahead."""

    ahead: asyncio.Task | None = None

    async def start_kernel(self, **_: object) -> str:
        """The id of a fresh kernel: whatever was asked for, it is of one kind and in one folder."""
        task, self.ahead = self.ahead, None
        fresh = await task if task else None
        if fresh not in self:
            fresh = await self._start()
        self.get_kernel(fresh).last_activity = utcnow()  # it has waited, but not for this reader
        asyncio.get_running_loop().call_later(2, self.start_ahead)  # not while the page is waiting
        return fresh

    def start_ahead(self) -> None:
        self.ahead = self.ahead or asyncio.ensure_future(self._start())

    async def _start(self) -> str:
        return await super().start_kernel(path="", extra_arguments=[*QUIET, IMPORTED])

    async def shutdown_all(self, now: bool = False) -> None:
        if self.ahead:
            await asyncio.wait([self.ahead])
        self.ahead = asyncio.get_running_loop().create_future()  # no other one
        await super().shutdown_all(now=now)

    async def cull_kernel_if_idle(self, kernel_id: str) -> None:
        """One that is starting, or that waits for a reader, is not idle."""
        waits = self.ahead and self.ahead.done() and self.ahead.result() == kernel_id
        if not waits and self.get_kernel(kernel_id).execution_state != "starting":
            await super().cull_kernel_if_idle(kernel_id)


class BookFile(JupyterHandler, web.StaticFileHandler):
    """A file of the built book. Its pages learn that there are kernels; no frame may hold them."""

    @allow_unauthenticated
    async def get(self, path: str, include_body: bool = True) -> None:
        if self.get_argument("token", None):  # the cookie is set: the address need not show it
            return self.redirect(self.request.path)
        if not path.endswith(".html"):
            return await web.StaticFileHandler.get(self, path, include_body)
        root = Path(self.root)
        self.absolute_path = self.get_absolute_path(str(root), path)
        file = Path(self.absolute_path).resolve()
        if root not in file.parents or not file.is_file():
            raise web.HTTPError(404)
        if match := re.fullmatch(r"chapters/([\w-]+)\.html", path):  # its cells will be asked for
            asyncio.get_running_loop().run_in_executor(None, chapter, self.settings, match[1])
        self.xsrf_token  # noqa: B018  (the cookie that the page's requests give back)
        text = file.read_text(encoding="utf-8")
        self.set_header("Content-Type", "text/html; charset=UTF-8")
        self.set_header("Cache-Control", "no-cache")
        self.finish(text.replace("<html ", f'<html data-ngd-kernels="{self.base_url}" ', 1))

    @allow_unauthenticated
    async def head(self, path: str) -> None:
        await self.get(path, include_body=False)

    @property
    def content_security_policy(self) -> str:
        return "frame-ancestors 'none'"

    def set_extra_headers(self, path: str) -> None:
        self.set_header("Cache-Control", "no-cache")


class Made(NamedTuple):
    """What a page was made from: the notebook, its parameters, and what its script asks for."""

    book: nbformat.NotebookNode
    known: dict[str, worked.Parameter]
    answer: str


def chapter(settings: Mapping[str, Any], name: str) -> Made | None:
    """A chapter of the built book, read once in each state of its file; None for another name."""
    file = settings["ngd_build"] / "jupyter_execute" / "chapters" / f"{name}.ipynb"
    if not file.is_file():
        return None
    return _made(file, settings["ngd_cache"], file.stat().st_mtime_ns)


@lru_cache(maxsize=32)
def _made(file: Path, kept: Path, changed: int) -> Made:
    book = nbformat.read(file, as_version=4)
    known = worked.parameters(book)
    code = [(k, cell) for k, cell in enumerate(book.cells) if cell.cell_type == "code"]
    record = cached(cache := get_cache(str(kept)), file)
    ran = cache.get_cache_bundle(record.pk).nb.cells if record else []  # its code cells
    cells = [
        {
            "at": k,
            "id": cell.id,
            "source": cell.source,
            "tags": cell.metadata.get("tags", []),
            "printed": executed.outputs,
        }
        for (k, cell), executed in zip(code, ran or [c for _, c in code], strict=True)
    ]
    fields = [
        {
            "name": p.name,
            "default": repr(p.default),
            "about": p.about,
            "allowed": p.allowed,
            "choices": [repr(choice) for choice in p.choices() or ()],
        }
        for p in known.values()
    ]
    return Made(book, known, json.dumps({"cells": cells, "parameters": fields}))


class Chapter(APIHandler):
    """What the built page of a chapter was made from: its cells, what each printed, its parameters.

    With arguments, `?eta=0.5&y=0`: the `parameters` cell with these values and the command that
    reruns the chapter so, or 400 and the words of `make rerun`.
    """

    @web.authenticated
    async def get(self, name: str) -> None:
        loop = asyncio.get_running_loop()
        made = await loop.run_in_executor(None, chapter, self.settings, name)
        if made is None:
            raise web.HTTPError(404)
        given = self.arguments()
        self.finish(self.changed(name, made.book, made.known, given) if given else made.answer)

    def arguments(self) -> dict[str, str]:
        return {k: self.get_argument(k) for k in self.request.arguments if k != "token"}

    def changed(self, name: str, book: dict, known: dict, given: dict) -> dict[str, object]:
        try:
            values = worked.read_arguments([f"{k}={v}" for k, v in given.items()], known)
        except ValueError as error:
            self.set_status(400)
            return {"refused": str(error)}
        cell = next(cell for cell in book["cells"] if worked.is_tagged(cell))
        other = {k: v for k, v in values.items() if v != known[k].default}
        words = " ".join(f"{k}={v}" for k, v in other.items())
        return {
            "source": worked.with_values(worked.text(cell), values),
            "changed": list(other),
            "command": f'make rerun NOTEBOOK={name} PARAMS="{words}"',
        }


class BookServer(ServerApp):
    """Of a Jupyter server only the kernels, and the book."""

    name = "book"
    default_services = ("kernels",)

    def init_webapp(self) -> None:
        super().init_webapp()
        files = {"path": str(self.tornado_settings["ngd_html"]), "default_filename": "index.html"}
        handlers = [
            (r"/live/([\w-]+)\.json", Chapter),
            (r"/book/(.*)", BookFile, files),
        ]
        self.web_app.add_handlers(".*$", handlers)

    def init_signal(self) -> None:
        """Ctrl-C ends it without a question, and once, however often it is pressed."""
        for number in STOPS:
            signal.signal(number, lambda *_: self._stopping or self.stop(from_signal=True))

    async def cleanup_kernels(self) -> None:
        """Jupyter's own leaves one alone that is starting while there is no other."""
        await self.kernel_manager.shutdown_all()

    def start_app(self) -> None:
        self.io_loop.add_callback(self.kernel_manager.start_ahead)
        self.io_loop.add_callback(self.say)  # it listens by then
        super().start_app()

    def say(self) -> None:
        page = (
            f"http://127.0.0.1:{self.port}{self.default_url}?token={self.identity_provider.token}"
        )
        print(f"[live] the book, with Python: {page} (Ctrl-C ends it)", flush=True)


def configuration(port: int, browser: bool, idle: int) -> Config:
    """What the server is told, and nothing else: no file of the reader's is read."""
    return Config(
        ServerApp={
            "ip": "127.0.0.1",
            "port": port,
            "port_retries": 0,
            "allow_root": True,  # as `make lab`
            "open_browser": browser,
            "root_dir": str(WORK),
            "default_url": "/book/chapters/index.html",
            "log_level": "ERROR",
            "identity_provider_class": Identity,
            "kernel_manager_class": Kernels,
            "answer_yes": True,
            "tornado_settings": {
                "ngd_html": HTML,
                "ngd_build": BUILD,
                "ngd_cache": cache_folder(BUILD),
            },
        },
        IdentityProvider={
            "token": secrets.token_urlsafe(24),
            "cookie_options": {"samesite": "Strict"},
        },
        ContentsManager={"files_handler_class": None},
        MappingKernelManager={
            "kernel_manager_class": f"{__name__}.Kernel",
            "cull_idle_timeout": idle,
            "cull_interval": max(1, min(60, idle // 2)),
            "cull_connected": True,
            "transport_encryption": "auto",
        },
        KernelManager={"shutdown_wait_time": 1.0},
        KernelRestarter={"time_to_dead": 1.0},
        ZMQChannelsWebsocketConnection={"iopub_data_rate_limit": 4e6, "kernel_info_timeout": 20},
    )


def private_folder() -> Path:
    """Where Jupyter and IPython keep what they keep while the server runs."""
    WORK.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".jupyter-{os.getpid()}-", dir=WORK))
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
        os.environ[name] = str(folder / name.lower())
        Path(os.environ[name]).mkdir()
    known = cache_folder(BUILD).parent / "verified"  # a copy: a build trusts what it has verified
    if known.is_dir():
        shutil.copytree(known, folder / "verified")
    (folder / "verified").mkdir(exist_ok=True)
    os.environ.update(  # as book/execute.py has it: what runs unchanged shows what is printed
        NGD_VERIFIED=str(folder / "verified"),
        JUPYTER_PREFER_ENV_PATH="1",
        PYTHONHASHSEED="0",
        OPENBLAS_NUM_THREADS="1",
        MPLBACKEND="module://matplotlib_inline.backend_inline",  # a reader's own plots are seen
        NGD_PAGE="1",
        PYDEVD_DISABLE_FILE_VALIDATION="1",
    )
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=HOW, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--port", type=int, default=8000, help="on 127.0.0.1 (8000; 0: any free)")
    parser.add_argument("--no-browser", action="store_true", help="open no browser")
    idle = f"seconds after which an idle kernel is ended ({IDLE})"
    parser.add_argument("--idle", type=int, default=IDLE, help=idle)
    options = parser.parse_args()
    if not (HTML / "index.html").exists():
        parser.exit(1, "there is no built book yet: run `make live`, which builds it\n")
    try:
        socket.create_server(("127.0.0.1", options.port)).close()
    except OSError as error:
        parser.exit(1, f"port {options.port} cannot be used ({error.strerror}): try PORT=8001\n")
    folder = private_folder()
    try:
        server = BookServer.instance(
            config=configuration(options.port, not options.no_browser, options.idle)
        )
        server.initialize(argv=[], find_extensions=False)
        server.start()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
