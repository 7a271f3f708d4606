"""How soon a page of `make live` shows what a cell prints, after the first click."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import sync_playwright

from benchmarks.demo_frames import launch

ROOT = Path(__file__).resolve().parent.parent


def measure() -> Iterator[tuple[str, float, str, float | None]]:
    """Seconds from the click on the button to Python's answer, and to the first output shown."""
    command = [sys.executable, ROOT / "book" / "live.py", "--port", "0", "--no-browser"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        address = re.search(r"http\S+", server.stdout.readline())[0]
        time.sleep(10)  # a reader does not press in the second in which the server starts
        with sync_playwright() as playwright:
            browser = launch(playwright)
            page = browser.new_page()
            page.goto(address.replace("index.html", "bernoulli.html"), wait_until="load")
            started = time.monotonic()
            page.get_by_role("button", name="Run this page").click()
            page.get_by_role("button", name="Run all").wait_for()
            yield "live page: click to editable code", time.monotonic() - started, "s", None
            page.evaluate("() => { ngdBook.run([ngdBook.cells.find(c => c.code)]); }")
            page.wait_for_function("ngdBook.cells.some(cell => cell.ran)")
            yield "live page: click to first output", time.monotonic() - started, "s", 1.5
            browser.close()
    finally:
        server.terminate()
        server.wait()
