"""Pages that are run where they are read: `make live` in a real Chromium, and who may drive it."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.browser.test_pages import HTML, ROOT, violations

CHAPTER = "bernoulli"
PARAMETERS = "example-parameters"


class Server:
    """`book/live.py` at a free port, with a home of its own."""

    def __init__(self, home: Path, *options: str) -> None:
        command = [sys.executable, ROOT / "book" / "live.py", "--port", "0", "--no-browser"]
        self.process = subprocess.Popen(
            [*command, *options],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"HOME": str(home)},
        )
        said = self.process.stdout.readline()
        self.origin, self.token = re.search(r"(http://[\d.:]+)/\S+token=(\S+)", said).groups()

    def page(self, name: str = CHAPTER) -> str:
        return f"{self.origin}/book/chapters/{name}.html?token={self.token}"

    def ask(self, path: str, method: str = "GET", body: str | None = None, **headers: str):
        """(status, headers, text); headers with _ for -."""
        given = {k.replace("_", "-"): v for k, v in headers.items()}
        request = urllib.request.Request(
            self.origin + path, body and body.encode(), given, method=method
        )
        try:
            answer = urllib.request.urlopen(request)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            return answer.status, answer.headers, answer.read().decode()

    def kernels(self) -> list[str]:
        return [k["id"] for k in json.loads(self.ask(f"/api/kernels?token={self.token}")[2])]

    def settled(self, number: int) -> set[str]:
        """The kernels, once there are so many: those of pages, and the one kept ready."""
        end = time.monotonic() + 60
        while len(found := self.kernels()) < number and time.monotonic() < end:
            time.sleep(0.2)
        return set(found)

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def live(home):
    server = Server(home)
    yield server
    server.end()


@pytest.fixture
def starts(home):
    """Starts servers of a test's own."""
    servers = []

    def start(*options: str) -> Server:
        servers.append(Server(home, *options))
        return servers[-1]

    yield start
    for server in servers:
        server.end()


def opened(context, server: Server, name: str = CHAPTER):
    """A page whose cells can be run."""
    page = context.new_page()
    page.goto(server.page(name))
    page.get_by_role("button", name="Run this page").click()
    page.wait_for_function("window.ngdBook?.kernel.socket?.readyState === 1")
    return page


@pytest.fixture
def context(browser):
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(60_000)
    yield context
    for page in context.pages:
        page.goto("about:blank")  # a page that is left ends its kernel
    context.close()


@pytest.fixture
def page(context, live):
    return opened(context, live)


STATUS = ".ngd-run [role=status]"


def ran(page, act) -> str:
    """What the page says after a run that `act` starts."""
    before = page.evaluate("Number(document.documentElement.dataset.ngdRan ?? 0)")
    act()
    page.wait_for_function(
        f"Number(document.documentElement.dataset.ngdRan ?? 0) > {before}", timeout=120_000
    )
    return page.locator(STATUS).inner_text()


def first_code(page):
    """The textarea of the first cell, opened where it is folded."""
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    return page.locator(".ngd-editor > textarea").first


def run_first(page, source: str) -> str:
    area = first_code(page)
    area.fill(source)
    return ran(page, lambda: area.press("Shift+Enter"))


# --- who may drive it ---------------------------------------------------------------------------


def test_reading_is_free_and_kernels_need_the_token(live):
    status, headers, text = live.ask(f"/book/chapters/{CHAPTER}.html")
    assert status == 200 and "data-ngd-kernels" in text
    assert headers["Content-Security-Policy"] == "frame-ancestors 'none'"
    with_token, before = f"?token={live.token}", live.settled(1)
    assert live.ask("/api/kernels", "POST", "{}")[0] == 403
    assert live.ask("/api/kernels")[0] == 403 and live.ask(f"/live/{CHAPTER}.json")[0] == 403
    assert live.ask("/api/kernels?token=guess", "POST", "{}")[0] == 403
    for origin in ("http://evil.example", "http://127.0.0.1:1", "null"):
        status = live.ask("/api/kernels" + with_token, "POST", "{}", Origin=origin)[0]
        assert status in (403, 404), origin
    assert live.ask("/api/kernels" + with_token, "POST", "{}", Host="evil.example")[0] == 403
    assert set(live.kernels()) == before
    # control: the same request from the book's own pages
    status, _, said = live.ask("/api/kernels" + with_token, "POST", "{}", Origin=live.origin)
    assert status == 201
    assert live.ask(f"/api/kernels/{json.loads(said)['id']}{with_token}", "DELETE")[0] == 204


def test_nothing_else_of_jupyter_answers(live):
    for path in (
        "api/contents",
        "api/sessions",
        "api/terminals",
        "files/x",
        "api/kernelspecs",
        "lab",
    ):
        assert live.ask(f"/{path}?token={live.token}")[0] == 404, path
    for path in (
        "../live.py",
        "%2e%2e/%2e%2e/Makefile",
        "chapters/../../../Makefile",
        "/etc/hosts",
    ):
        assert live.ask(f"/book/{path}")[0] in (403, 404), path


def test_it_listens_on_this_machine_only(live):
    port = int(live.origin.rpartition(":")[2])
    found = [
        line.split()[1]
        for name in ("tcp", "tcp6")
        for line in Path("/proc/net", name).read_text().splitlines()[1:]
        if line.split()[3] == "0A" and line.split()[1].endswith(f":{port:04X}")
    ]
    assert found == [f"0100007F:{port:04X}"]


DRIVE = """async ([origin, kernel]) => {
    const xsrf = document.cookie.match(/_xsrf=([^;]*)/)?.[1] ?? "";
    const done = [];
    const attempt = async (name, path, options) => {
        const answer = await fetch(origin + path, options).catch(() => null);
        if (answer?.ok) done.push(name);
    };
    const json = { "Content-Type": "application/json", "X-XSRFToken": decodeURIComponent(xsrf) };
    const mine = { credentials: "include" }, post = { ...mine, method: "POST", body: "{}" };
    await attempt("read", "/live/bernoulli.json", mine);
    await attempt("list", "/api/kernels", mine);
    await attempt("start", "/api/kernels", { ...post, headers: json });
    await attempt("simple", `/api/kernels?_xsrf=${xsrf}`, { ...post, mode: "no-cors" });
    await attempt("stop", `/api/kernels/${kernel}`, { ...mine, method: "DELETE", headers: json });
    await new Promise(end => {
        const path = `/api/kernels/${kernel}/channels?session_id=x`;
        const socket = new WebSocket(origin.replace("http", "ws") + path);
        socket.onopen = () => { done.push("socket"); socket.close(); end(); };
        socket.onerror = end;
    });
    return done;
}"""


def test_a_page_of_another_origin_cannot_drive_it(context, starts, served, tmp_path):
    """From another port of this machine, whose pages have the browser's cookies of this one."""
    live = starts()
    page = opened(context, live)
    kernel = page.evaluate("ngdBook.kernel.id")
    before = live.settled(2)
    (tmp_path / "evil.html").write_text("<title>another</title>")
    evil = context.new_page()
    evil.goto(f"{served}/evil.html")
    assert evil.evaluate("document.cookie").count("_xsrf=") == 1, "the attack has what it needs"
    assert evil.evaluate(DRIVE, [live.origin, kernel]) == []
    assert set(live.kernels()) == before and kernel in before
    evil.evaluate(
        "src => document.body.append(Object.assign(document.createElement('iframe'), { src }))",
        live.page(),
    )
    evil.wait_for_timeout(500)
    assert not any(
        frame.url.startswith(live.origin) and frame.query_selector(".ngd-run")
        for frame in evil.frames
    )
    # control: the same script in a page of the book does all of it
    assert set(page.evaluate(DRIVE, [live.origin, kernel])) >= {"read", "list", "start", "stop"}


def test_no_cell_runs_without_a_click(context, live):
    page = context.new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(live.page() + "#rerun?eta=0.5", wait_until="load")
    page.wait_for_timeout(300)
    assert not any(part in url for url in asked for part in ("/api/", "/live/", "live.js"))


def test_nothing_is_written_outside_reruns(home, live, page):
    """What Jupyter, IPython and a cell write by themselves."""
    run_first(page, "open('mine.txt', 'w').write('x')\nimport os\nos.getcwd()")
    mine = ROOT / "reruns" / "live" / "mine.txt"
    assert mine.exists()
    mine.unlink()
    left = [str(f.relative_to(home)) for f in home.rglob("*") if f.is_file()]
    assert [
        name for name in left if not re.match(r"\.(cache|config)/matplotlib|\.cache/", name)
    ] == []


# --- running ------------------------------------------------------------------------------------


def test_an_unchanged_page_shows_what_is_printed(context, live):
    page = context.new_page()
    asked, errors = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(live.page())
    still = page.locator("figure.ngd-figure svg").first.inner_html()
    page.get_by_role("button", name="Run this page").click()
    page.wait_for_function("window.ngdBook")
    assert page.locator("figure.ngd-figure svg").first.inner_html() == still
    said = ran(page, lambda: page.get_by_role("button", name="Run all").click())
    odd = page.evaluate(
        "ngdBook.cells.filter(c => c.differs !== false).map(c => [c.id, c.failure])"
    )
    assert odd == [] and said.endswith("cells ran: all as printed.")
    assert not any("mathjax" in u and u.endswith(".js") for u in asked), (
        "what is as printed is not typeset again"
    )
    assert [url for url in asked if not url.startswith((live.origin, "data:", "blob:"))] == []
    assert errors == []


def test_change_run_and_reset(page):
    area = first_code(page)
    printed = area.input_value()
    said = run_first(page, printed + "\nprint('changed by the reader')\n1/3")
    box = page.locator("div.cell:has(.ngd-editor)").first
    assert "0.3333333333333333" in box.inner_text() and "changed by the reader" in box.inner_text()
    assert "1 shows something else than is printed" in said
    assert box.locator(".ngd-changed").count() == 1
    box.get_by_role("button", name="Reset").click()
    assert area.input_value() == printed and box.locator(".ngd-changed").count() == 0
    page.get_by_role("button", name="Reset all").click()
    assert "changed by the reader" not in box.inner_text()


def test_a_cell_runs_after_those_above_it(page):
    """The first click anywhere works: names of earlier cells are there."""
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    run = page.get_by_role("button", name=re.compile("^Run the cell")).nth(3)
    said = ran(page, run.click)
    assert re.match(r"\d+ cells ran: all as printed", said)
    assert ran(page, run.click).startswith("1 cell ran")  # the others need not run twice


def test_an_error_is_shown_and_mended(page):
    said = run_first(page, "x = 1\nx / 0")
    assert "ZeroDivisionError: division by zero" in said
    error = page.locator(".ngd-error").inner_text()
    assert "ZeroDivisionError" in error and "x / 0" in error and "\x1b" not in error
    assert page.locator(".ngd-error .ngd-red").count() > 0
    assert " ran: " in run_first(page, "x = 1\nx / 2")
    assert page.locator(".ngd-error").count() == 0


def test_kinds_of_output(page):
    run_first(
        page,
        "from IPython.display import SVG, Latex, HTML, display\n"
        "display(Latex(r'$$\\frac{a}{b}$$'))\n"
        'display(SVG(\'<svg xmlns="http://www.w3.org/2000/svg" width="9" id="mine"/>\'))\n'
        "display(HTML('<b id=\"bold\">yes</b><script>window.ran = 1</script>'))\n"
        "import sys; print('warned', file=sys.stderr)\n[1, 2]",
    )
    page.wait_for_selector(".cell_output .text_latex mjx-container")
    assert page.locator("svg#mine").count() == 1 and page.locator("#bold").inner_text() == "yes"
    assert page.locator(".ngd-stderr").inner_text().strip() == "warned"
    assert page.get_by_text("[1, 2]", exact=True).count() == 1
    assert page.evaluate("window.ran") is None, "scripts of an output do not run"


def test_the_notebook_has_the_changes(page, tmp_path):
    first_code(page).fill("mine = 7")
    with page.expect_download() as download:
        page.get_by_role("button", name="As notebook").click()
    file = tmp_path / "taken.ipynb"
    download.value.save_as(file)
    cells = json.loads(file.read_text())["cells"]
    there = json.loads((HTML / "notebooks" / f"{CHAPTER}.ipynb").read_text())["cells"]
    differ = [(a, b) for a, b in zip(cells, there, strict=True) if a["source"] != b["source"]]
    assert len(differ) == 1 and differ[0][0]["source"] == "mine = 7"
    assert download.value.suggested_filename == f"{CHAPTER}.ipynb"


def test_by_keyboard(page):
    """Run, indent, leave: the code is no trap."""
    area = first_code(page)
    area.fill("")
    area.focus()
    page.keyboard.type("for k in range(2):\nprint(k)")
    assert area.input_value() == "for k in range(2):\n    print(k)"
    ran(page, lambda: page.keyboard.press("Control+Enter"))
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.textContent") == "Run"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") != "TEXTAREA"
    area.focus()
    page.keyboard.press("Control+z")
    assert area.input_value() != "for k in range(2):\n    print(k)"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_barriers(page, scheme):
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.wait_for_function(f"document.documentElement.dataset.theme === '{scheme}'")
    run_first(page, "print('x')\n1/0")
    assert violations(page) == []


def test_on_a_phone_nothing_scrolls_sideways(page):
    page.set_viewport_size({"width": 400, "height": 800})
    run_first(page, "print('x' * 3000)")
    assert page.evaluate("document.documentElement.scrollWidth") <= 401


# --- the worked example -------------------------------------------------------------------------


def test_other_parameters(page):
    form = page.locator("form.ngd-parameters")
    eta, q0 = (form.locator("label", has_text=n).locator("input") for n in ("eta", "q0"))
    eta.fill("99")
    form.get_by_role("button", name="Run with these").click()
    page.wait_for_function("document.querySelector('.ngd-refused').textContent")
    assert page.locator(".ngd-refused").inner_text() == "eta: expected a number in (0, 4], got 99.0"
    eta.fill("0.5")
    q0.fill("0.3")
    form.get_by_role("button", name="As command").click()
    page.wait_for_selector(".ngd-command code")
    assert (
        page.locator(".ngd-command").inner_text()
        == 'make rerun NOTEBOOK=bernoulli PARAMS="eta=0.5 q0=0.3"'
    )
    said = ran(page, form.get_by_role("button", name="Run with these").click)
    assert "show something else than is printed" in said
    assert "eta = 0.5  #" in page.evaluate(f"ngdBook.cells.find(c => c.id === '{PARAMETERS}').text")
    assert page.evaluate("location.hash").startswith("#rerun?") and "eta=0.5" in page.url
    assert (
        page.locator(".ngd-now").count() > 0 and "→" in page.locator(".ngd-now").first.inner_text()
    )
    marks = page.locator(".ngd-checks > summary", has_text="with another result than in the text")
    assert marks.count() > 0
    assert page.locator(".bd-article[data-rerun=changed]").count() == 1


# --- when things go wrong -----------------------------------------------------------------------


def test_an_endless_loop_is_stopped(page):
    area = first_code(page)
    area.fill("while True: pass")
    said = ran(
        page,
        lambda: (
            area.press("Shift+Enter"),
            page.wait_for_function("ngdBook.running?.text.startsWith('while')"),
            page.wait_for_timeout(300),
            page.get_by_role("button", name="Stop").click(),
        ),
    )
    assert said == "Stopped."
    assert "KeyboardInterrupt" in page.locator(".ngd-error").inner_text()
    assert " ran: " in run_first(page, "2 + 2")


# --- where nothing runs -------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["file", "server"])
def test_without_a_kernel_the_button_says_what_to_do(browser, served, tmp_path, how):
    page = browser.new_page()
    if how == "file":
        page.goto((HTML / "chapters" / f"{CHAPTER}.html").as_uri())
    else:
        for part in HTML.iterdir():
            (tmp_path / part.name).symlink_to(part)
        page.goto(f"{served}/chapters/{CHAPTER}.html")
    errors = []
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    page.get_by_role("button", name="Run this page").click()
    said = page.locator(STATUS)
    assert "make live" in said.inner_text() and "make lab" in said.inner_text()
    link = said.locator("a").get_attribute("href")
    assert link == f"../notebooks/{CHAPTER}.ipynb" and (HTML / "chapters" / link).exists()
    icon = "404" if how == "server" else "no such error"  # the server of the test has no icon
    assert [e for e in errors if icon not in e] == []
    page.close()


def test_its_help():
    said = subprocess.run(
        [sys.executable, ROOT / "book" / "live.py", "--help"], capture_output=True, text=True
    )
    assert said.returncode == 0 and "make live PORT=8001" in said.stdout


def test_a_port_in_use_is_named(live):
    port = live.origin.rpartition(":")[2]
    said = subprocess.run(
        [sys.executable, ROOT / "book" / "live.py", "--port", port, "--no-browser"],
        capture_output=True,
        text=True,
    )
    assert said.returncode == 1 and f"port {port} cannot be used" in said.stderr
