"""How fast the demos are: weight, readiness after navigation, frame times while dragging."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import statistics
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

#: Parts of Chromium that are off: those that Playwright turns off by itself, since of two such
#: switches the last one counts, and the two pages behind the box for addresses, which no one sees
#: here and which take longer to open, for each new context, than a page of the book.
OFF = """AvoidUnnecessaryBeforeUnloadCheckSync DestroyProfileOnBrowserClose HttpsUpgrades
    HttpsFirstBalancedModeAutoEnable LensOverlay MediaRouter PaintHolding
    ThirdPartyStoragePartitioning AvoidCorsURLLoaderRestartOnRedirect TcpPortRandomizationWin
    OptimizationHints NetworkTimeServiceQuerying AimEnabled PreconnectToSearch
    WebUIOmniboxPopup WebUIOmniboxAimPopup"""

#: Runs before the page: counts the frames that its scripts ask for.
COUNT_FRAMES = """
    window.framesAsked = 0;
    const ask = window.requestAnimationFrame.bind(window);
    window.requestAnimationFrame = f => { window.framesAsked += 1; return ask(f); };
"""

RECORD_FRAMES = """() => {
    const times = window.frameTimes = [];
    const tick = now => {
        times.push(now);
        if (window.frameTimes === times) requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
}"""


class Frames(NamedTuple):
    """Milliseconds from one frame to the next while dragging."""

    median: float
    p95: float
    count: int


def launch(playwright: Playwright) -> Browser:
    """The machine's Chromium without a GPU; FileNotFoundError where there is none."""
    found = next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if found is None:
        raise FileNotFoundError("no Chromium on this machine; on Debian: apt-get install chromium")
    quiet = ["--disable-gpu", "--no-first-run", "--disable-background-networking"]
    quiet += ["--disable-component-update", "--disable-sync"]
    quiet.append(f"--disable-features={','.join(OFF.split())}")
    if os.geteuid() == 0:
        quiet.append("--no-sandbox")  # which Chromium requires of root
    return playwright.chromium.launch(executable_path=found, args=quiet)


def drag_frames(page: Page, handle: str, throttle: float = 1, seconds: float = 2.0) -> Frames:
    """Drag what the selector names back and forth with the mouse, recording every frame.

    `throttle` slows the page's processor by that factor, as on a phone.
    """
    place = page.locator(handle).first
    place.scroll_into_view_if_needed()
    box = place.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": throttle})
    page.mouse.move(x, y)
    page.mouse.down()
    page.evaluate(RECORD_FRAMES)
    end, k = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        k += 1
        page.mouse.move(x + 80 * (1 - abs(k % 80 - 40) / 20), y + k % 5)
    times = page.evaluate(
        "() => { const t = window.frameTimes; window.frameTimes = null; return t; }"
    )
    page.mouse.up()
    session.send("Emulation.setCPUThrottlingRate", {"rate": 1})
    session.detach()
    gaps = [b - a for a, b in pairwise(times)]
    p95 = statistics.quantiles(gaps, n=20)[-1]
    return Frames(round(statistics.median(gaps), 1), round(p95, 1), len(gaps))


def measure(html: Path) -> Iterator[tuple[str, float, str, float | None]]:
    """Rows (what, value, unit, budget) for every demo of the book built in the folder `html`."""
    with sync_playwright() as playwright:
        browser = launch(playwright)
        for file in sorted((html / "chapters").glob("*.html")):
            text = file.read_text(encoding="utf-8")
            for figure in re.findall(
                r'<figure class="ngd-demo" id="([\w-]+)".*?</figure>', text, re.S
            ):
                yield from _measure(browser, file, figure, text)
        browser.close()


def _held(page: Page, figure: str) -> str:
    """What a reader drags: the first handle, or where there is none the first slider."""
    handle = f"{figure} .ngd-handle:visible"
    return handle if page.locator(handle).count() else f"{figure} input[type=range]:visible"


def _measure(browser: Browser, file: Path, name: str, text: str) -> Iterator[tuple]:
    part = re.search(rf'<figure class="ngd-demo" id="{name}".*?</figure>', text, re.S)[0]
    yield f"{name}: code and data, gzipped", len(gzip.compress(part.encode(), 9)) / 1000, "kB", 60
    figure = f"figure#{name}"

    def ready(page: Page) -> float:
        page.goto(file.as_uri(), wait_until="load")
        page.wait_for_selector(f"{figure}[data-ready]")
        return float(page.get_attribute(figure, "data-ready"))

    def opened() -> tuple[BrowserContext, Page]:
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        return context, context.new_page()

    first, waits = [], []
    for _ in range(5):  # the browser makes the tab in the same moment
        context, page = opened()
        first.append(ready(page))
        context.close()
    yield f"{name}: usable in a tab just made, median of 5", statistics.median(first), "ms", None
    context, page = opened()
    page.add_init_script(COUNT_FRAMES)
    for _ in range(5):  # from another page of the book, when that one rests
        page.goto(file.with_name("notation.html").as_uri(), wait_until="load")
        page.wait_for_selector("html[data-ngd-settled]")
        waits.append(ready(page))
    yield f"{name}: usable after navigation, median of 5", statistics.median(waits), "ms", 300
    for throttle in (1, 4):
        frames = drag_frames(page, _held(page, figure), throttle)
        slow = "" if throttle == 1 else ", processor slowed 4x"
        # 60 a second are 16.7 ms apart, and the browser tells times to 0.1 ms
        yield f"{name}: frame, median{slow}", frames.median, "ms", 16.8
        yield f"{name}: frame, 95th percentile{slow}", frames.p95, "ms", 16.8
    page.wait_for_timeout(1500)
    before = page.evaluate("window.framesAsked")
    page.wait_for_timeout(1000)
    asked = page.evaluate("window.framesAsked") - before
    yield f"{name}: frames asked for in an idle second", asked, "", 0
    context.close()
