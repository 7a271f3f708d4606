"""A chapter in a real JupyterLab: folded cells, live demos, and the panel of its example."""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request

import nbformat
import pytest

from book import authors
from tests.conftest import ROOT

WAIT = 180_000  # milliseconds; a kernel and a browser may share one busy core

DEMO = """from ngdlib.demos import TwoCharts

demo = TwoCharts(q=0.5, mean=1.0, eta=1.0)
demo"""
LIVE = """from ipywidgets import HTML, FloatSlider, link
from ngdlib.panel import live

slider = FloatSlider(demo.eta, min=0.05, max=2, description="η")
link((demo, "eta"), (slider, "value"))  # one number, two controls
heard = HTML(f"{demo.eta}", description="Python hears")
demo.observe(lambda change: setattr(heard, "value", f"η is {change.new}"), "eta")
live(slider, heard)"""
PARAMETERS = """eta = 0.5  # step size, in (0, 4]
start = 3.0  # start, in [0, 9]"""
EXAMPLE = """print(f"the end is {start - eta * slope:.3f}")"""


def small_chapter() -> nbformat.NotebookNode:
    v4 = nbformat.v4

    def code(name: str, source: str, *tags: str) -> nbformat.NotebookNode:
        return v4.new_code_cell(source, id=name, metadata={"tags": [*tags]} if tags else {})

    head = "(small)=\n# A small chapter\n\n{term}`Chart` and $F^{-1}$, see {ref}`small`, by "
    head += "[Amari (1998)](#amari1998) ([Rao, 1945](#rao1945)).\n\n"
    table = "| a | b |\n|---|---|\n| 1 | $x^2$ |"
    return v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        cells=[
            v4.new_markdown_cell(head + table, id="head"),
            code("set-up", "from ngdlib.prose import quoted_at\n\nslope = 2.0", "hide-input"),
            code("demo", DEMO, "remove-input"),
            code("live", LIVE),
            v4.new_markdown_cell("## Worked example", id="worked"),
            code("parameters", PARAMETERS, "parameters"),
            code("box", 'from ngdlib import claims\n\nclaims.box("coordinates")', "remove-input"),
            code("panel", 'from ngdlib.panel import panel\n\npanel("small")', "remove-input"),
            v4.new_markdown_cell(
                'One step. <span class="at-defaults">It ends at 2.000.</span>', id="said"
            ),
            code("step", EXAMPLE),
            code(
                "checked",
                'quoted = quoted_at(eta == 0.5, start == 3)\nquoted("2.000", start - eta * slope)',
                "checks",
            ),
        ],
    )


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The address of a JupyterLab that has the small chapter."""
    folder = tmp_path_factory.mktemp("lab")
    nbformat.write(small_chapter(), folder / "small.ipynb")
    authors.fold(folder / "small.ipynb")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    text = (ROOT / "Makefile").read_text("utf-8")
    target = re.search(r"^lab: setup.*\n\t@\$\(BIN\)/(.+) \$\(OPTIONS\)$", text, flags=re.M)[1]
    options = f"--no-browser --port {port} --IdentityProvider.token= --ServerApp.root_dir={folder}"
    server = subprocess.Popen(
        [f"{sys.prefix}/bin/{target.split()[0]}", *target.split()[1:], *options.split()],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name != "NGD_PAGE"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        end = time.monotonic() + WAIT / 1000
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/api", timeout=5)
                break
            except OSError:
                assert server.poll() is None and time.monotonic() < end
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/lab/tree/small.ipynb"
    finally:
        server.terminate()
        server.wait()


def test_a_chapter_in_jupyterlab(lab, browser, tmp_path):
    page = browser.new_page(viewport={"width": 1280, "height": 2400})
    page.set_default_timeout(WAIT)
    page.goto(lab)
    cells = page.locator(".jp-Notebook .jp-Cell")
    page.get_by_role("heading", name="A small chapter").wait_for()
    assert "{term}" not in cells.first.inner_text()  # jupyterlab-myst reads the roles
    assert "by Amari (1998) (Rao, 1945)." in cells.first.inner_text()
    assert cells.first.locator("table td").count() == 2
    assert cells.first.locator("mjx-container, .katex").count() >= 2
    page.locator("#jp-main-statusbar").get_by_text("| Idle").wait_for()  # Python has started
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.get_by_text("the end is 2.000").wait_for()

    # what the page folds is folded here: set-up, demo, panel, proof-reading
    assert page.locator(".jp-CodeCell .jp-InputPlaceholder").count() == 5

    # names are not cut off, and sentences in tables begin at the left
    name = page.locator(".widget-label", has_text="Python hears")
    assert name.evaluate("node => node.scrollWidth <= node.clientWidth")
    aligned = "cells => cells.map(cell => getComputedStyle(cell).textAlign)"
    assert {*page.locator(".ngd-heard td").evaluate_all(aligned)} == {"left"}

    demo = page.locator(".ngd-demo, .ngd-root").first
    demo.wait_for()
    page.get_by_text("Move a slider or type a value").wait_for()
    assert page.get_by_text("In Jupyter these are sliders").count() == 0  # live, not the still

    # an ipywidgets control moves the demo, and Python hears of it
    value = page.locator(".widget-slider", has_text="η").locator("[role=slider]").first
    value.focus()
    page.keyboard.press("ArrowLeft")
    page.get_by_text("η is 0.9").wait_for()

    # the panel: a value typed, a value refused, a slider moved
    field = page.locator(".widget-text input").first
    field.fill("1")
    field.press("Enter")
    page.get_by_text("the end is 1.000").wait_for()
    page.get_by_text("The text quotes 2.000 for the default parameters").wait_for()
    assert page.get_by_text("the end is 2.000").count() == 1  # the reader's own cell is as it was
    field.fill("7")
    field.press("Enter")
    page.get_by_text("eta: expected a number in (0, 4], got 7.0").wait_for()
    row = page.locator(".widget-hbox", has_text="step size").locator("[role=slider]").first
    row.focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    page.get_by_text("the end is 0.").first.wait_for()
    assert page.get_by_text("Refused.").count() == 0
    page.screenshot(path=tmp_path / "lab.png")
    page.close()
