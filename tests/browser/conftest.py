"""A real Chromium for the tests of pages and demos, and a server on loopback."""

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import expect, sync_playwright

from benchmarks.demo_frames import launch

WAIT = 120_000  # ms for what a page is to come to: more than a busy machine takes


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        chromium = launch(playwright)
        chromium.new_context = patient(chromium.new_context)
        chromium.new_page = patient(chromium.new_page)
        expect.set_options(timeout=WAIT)
        yield chromium
        chromium.close()


def patient(make):
    def made(*args, **kwargs):
        new = make(*args, **kwargs)
        new.set_default_timeout(WAIT)
        return new

    return made


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def served(tmp_path):
    """The address at which the files of `tmp_path` are served."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
