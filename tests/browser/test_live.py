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

from book.live import Kernels, configuration
from tests.browser.drawing import after
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
        status, _, text = self.ask(f"/api/kernels?token={self.token}")
        assert status == 200, text
        return [k["id"] for k in json.loads(text)]

    def settled(self, number: int) -> set[str]:
        """The kernels, once there are so many: those of pages, and the one kept ready."""
        end = time.monotonic() + 120
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
        f"Number(document.documentElement.dataset.ngdRan ?? 0) > {before}", timeout=600_000
    )
    return page.locator(STATUS).inner_text()


def first_code(page):
    """The editor of the first cell, opened where it is folded."""
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    return page.locator(".ngd-editor").first.get_by_role("textbox")


def text(area) -> str:
    """The code that an editor holds, as the page hands it on: not all of it need be drawn."""
    held = area.evaluate("e => e.closest('.ngd-editor').querySelector('pre').textContent")
    return held.removesuffix("\n")


def write(area, source: str) -> None:
    """As a reader does who chooses all and pastes."""
    area.focus()
    area.press("Control+a")
    if not source:
        return area.press("Delete")
    area.evaluate(
        """(e, text) => {
            const clipboardData = new DataTransfer();
            clipboardData.setData("text/plain", text);
            const how = { clipboardData, bubbles: true, cancelable: true };
            e.dispatchEvent(new ClipboardEvent("paste", how));
        }""",
        source,
    )


def run_first(page, source: str) -> str:
    area = first_code(page)
    write(area, source)
    return ran(page, lambda: area.press("Shift+Enter"))


# --- who may drive it ---------------------------------------------------------------------------


def test_reading_is_free_and_kernels_need_the_token(starts):
    live = starts()  # of its own: no page of another test ends or asks for a kernel meanwhile
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


def test_the_list_of_kernels_has_one_that_is_starting():
    """With a state: Jupyter's own has none yet, and the list cannot be asked for."""
    kernels = Kernels(config=configuration(0, browser=False, idle=60))
    kernels._kernels["new"] = kernels.kernel_manager_factory(parent=kernels)
    (said,) = kernels.list_kernels()
    assert said["id"] == "new" and said["execution_state"] == "starting"


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


@pytest.mark.parametrize("name", [CHAPTER, "coordinates", "basins"])
def test_an_unchanged_page_shows_what_is_printed(context, live, name):
    page = context.new_page()
    asked, errors = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(live.page(name))
    still = page.locator("figure.ngd-figure svg").first.inner_html()
    page.get_by_role("button", name="Run this page").click()
    page.wait_for_function("window.ngdBook")
    assert page.locator("figure.ngd-figure svg").first.inner_html() == still
    said = ran(page, lambda: page.get_by_role("button", name="Run all", exact=True).click())
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
    printed = text(area)
    said = run_first(page, printed + "\nprint('changed by the reader')\n1/3")
    box = page.locator("div.cell:has(.ngd-editor)").first
    assert "0.3333333333333333" in box.inner_text() and "changed by the reader" in box.inner_text()
    assert "1 shows something else than is printed" in said
    assert box.locator(".ngd-changed").count() == 1
    box.get_by_role("button", name="Reset").click()
    assert text(area) == printed and box.locator(".ngd-changed").count() == 0
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
    said = ran(page, lambda: page.get_by_role("button", name="Run all", exact=True).click())
    assert said.endswith("division by zero. What follows it was not run.")
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
    assert page.locator(".cell_output").get_by_text("[1, 2]", exact=True).count() == 1
    assert page.evaluate("window.ran") is None, "scripts of an output do not run"


def test_text_as_in_a_terminal(page):
    """A progress bar is one line; help is shown; what asks for input is told what to do."""
    box = page.locator("div.cell:has(.ngd-editor)").first.locator(".cell_output")
    bar = "import time\nfor k in range(30): print(k, end='\\r', flush=True); time.sleep(0.01)\n"
    run_first(page, bar + "print('\\nend'); print('two', end='\\r\\n')")
    assert box.inner_text().split() == ["29", "end", "two"]
    run_first(page, "print?")
    assert "Signature:" in box.inner_text() and "\x1b" not in box.inner_text()
    said = run_first(page, "input('a name? ')")
    assert "asks for input" in said and "write the value into the code." in said
    assert "a page cannot give input" in box.inner_text() and "frontend" not in box.inner_text()


def test_an_answer_that_asks_for_input(page):
    """It is told so in the book's words, when it is run and when it is called."""
    item = page.locator("article.ngd-item:has(.ngd-editor)")
    area, says = item.get_by_role("textbox"), item.locator(".ngd-says")
    write(area, "def landings(q, m, eta):\n    return float(input('q? '))")
    area.press("Shift+Enter")
    says.get_by_text("it asks for input; what it needs is in its arguments.").wait_for()
    write(area, "import getpass\nq = getpass.getpass()")
    area.press("Shift+Enter")
    says.get_by_text("It did not run to its end.").wait_for()
    item.get_by_text("a page cannot give input: write the value into the code.").wait_for()
    assert "frontend" not in item.inner_text()


def test_the_notebook_has_the_changes(page, tmp_path):
    write(first_code(page), "mine = 7")
    with page.expect_download() as download:
        page.get_by_role("button", name="As notebook").click()
    file = tmp_path / "taken.ipynb"
    download.value.save_as(file)
    cells = json.loads(file.read_text())["cells"]
    there = json.loads((HTML / "notebooks" / f"{CHAPTER}.ipynb").read_text())["cells"]
    differ = [(a, b) for a, b in zip(cells, there, strict=True) if a["source"] != b["source"]]
    assert len(differ) == 1 and differ[0][0]["source"] == "mine = 7"
    assert download.value.suggested_filename == f"{CHAPTER}.ipynb"


def test_the_editor_comes_with_the_click(context, live):
    page, asked = context.new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(live.page(), wait_until="load")
    assert not any("codemirror" in url for url in asked)
    page.get_by_role("button", name="Run this page").click()
    page.locator(".ngd-editor").first.wait_for(state="attached")
    assert any("codemirror" in url for url in asked)  # control
    assert all(url.startswith((live.origin, "data:", "blob:")) for url in asked)


def test_an_editor_is_made_when_its_code_comes_near(page):
    """Not all forty with the click, which would wait for them; what is not made looks the same."""
    first_code(page).focus()
    page.locator(".cm-editor").first.wait_for()
    assert page.locator(".cm-editor").count() < page.locator(".ngd-editor").count() / 2
    last = "ngdBook.cells.findLast(c => c.editor).code"
    text = page.evaluate(f"{last}.querySelector('pre').textContent")
    assert page.evaluate(f"{last}.querySelector('.cm-editor')") is None
    heights = "ngdBook.cells.map(c => c.editor?.pre.parentElement.offsetHeight ?? 0)"
    before = page.evaluate(heights)
    page.evaluate("ngdBook.cells.forEach(c => c.editor?.view)")
    after = page.evaluate(heights)  # of long code CodeMirror measures what is seen of it
    pairs = [(a, b) for a, b in zip(before, after, strict=True) if 0 < a < 600]
    assert len(pairs) > 15 and max(abs(a - b) for a, b in pairs) <= 1
    assert page.evaluate(f"{last}.querySelector('.cm-content').textContent") == text.replace(
        "\n", ""
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_code_has_the_colours_of_the_page(page, scheme):
    """Each kind of word as in code that nobody edits; with the system's own colours all of one."""
    page.emulate_media(color_scheme=scheme)
    page.wait_for_function(f"document.documentElement.dataset.theme === '{scheme}'")
    area = first_code(page)
    write(area, "def f(x):\n    return 'a' + 1  # c")
    colours = """kinds => {
        const pre = document.querySelector("div.cell_input:not(:has(.ngd-editor)) pre")
            ?? document.querySelector(".ngd-editor > pre");
        const spans = [...document.querySelectorAll(".cm-line span")];
        return kinds.map(([kind, word]) => {
            const plain = document.createElement("span");
            plain.className = kind;
            pre.append(plain);
            const own = spans.find(span => span.textContent === word);
            const found = [getComputedStyle(own).color, getComputedStyle(plain).color];
            plain.remove();
            return found;
        });
    }"""
    kinds = [["k", "def"], ["nf", "f"], ["s2", "'a'"], ["mi", "1"], ["c1", "# c"], ["o", "+"]]
    found = page.evaluate(colours, kinds)
    assert all(own == plain for own, plain in found) and len({own for own, _ in found}) >= 4
    page.emulate_media(forced_colors="active")
    assert area.evaluate("e => getComputedStyle(e).color") == "rgb(0, 0, 0)" or scheme == "dark"
    assert len({own for own, _ in page.evaluate(colours, kinds)}) == 1


def test_what_is_copied_is_what_stands_there(page, context):
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    area = first_code(page)
    write(area, "mine = [\n    1,\n]")
    cell = page.locator("div.cell:has(.ngd-editor)").first
    cell.locator("button.copybtn").evaluate("b => b.click()")
    lines = area.locator(".cm-line").all_inner_texts()
    assert lines == ["mine = [", "    1,", "]"]
    page.wait_for_function("navigator.clipboard.readText().then(t => t.startsWith('mine'))")
    assert page.evaluate("navigator.clipboard.readText()").split() == "mine = [ 1, ]".split()


def test_by_keyboard(page):
    """Run, indent, leave: the code is no trap."""
    area = first_code(page)
    write(area, "")
    area.focus()
    page.keyboard.type("for k in range(2):\nprint(k)")
    assert text(area) == "for k in range(2):\n    print(k)"
    ran(page, lambda: page.keyboard.press("Control+Enter"))
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.textContent") == "Run"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.role") != "textbox"
    area.focus()
    page.keyboard.press("Control+z")
    assert text(area) != "for k in range(2):\n    print(k)"


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
    for _ in range(2):
        page.get_by_role("button", name="Reset all").click()
        assert page.locator(".ngd-now, [data-rerun], .ngd-changed").count() == 0
        assert marks.count() == 0 and eta.input_value() == "1.0" and "#rerun" not in page.url
    # Python still has the other numbers: what needs the printed ones computes them first
    last = "ngdBook.cells.findLast(c => c.tags.includes('checks'))"
    said = ran(page, lambda: page.evaluate(f"void ngdBook.runTo({last})"))
    assert said.endswith("all as printed.") and not said.startswith("1 cell")


def test_sentences_for_the_defaults_are_marked_however_others_came(context, live):
    """Typed into the cell, or kept from an earlier visit; with the form: above."""
    page = opened(context, live)
    marked = "document.querySelector('.bd-article').dataset.rerun ?? ''"
    cell = f"ngdBook.cells.find(c => c.id === '{PARAMETERS}')"
    other = f"{cell}.set({cell}.source.replace('eta = 1.0', 'eta = 0.5'))"
    go = f"void ngdBook.runTo({cell})"
    ran(page, lambda: page.evaluate(go))
    assert page.evaluate(marked) == ""
    page.evaluate(other)
    ran(page, lambda: page.evaluate(go))
    assert page.evaluate(marked) == "changed"
    page.reload()
    page.get_by_role("button", name="Run this page").click()
    page.wait_for_function("window.ngdBook")
    assert page.evaluate(f"[{marked}, {cell}.changed]") == ["", True]
    ran(page, lambda: page.evaluate(go))
    assert page.evaluate(marked) == "changed"
    page.get_by_role("button", name="Reset all").click()
    assert page.evaluate(marked) == ""


def test_a_run_is_overtaken(page):
    """By one with other numbers, which is overtaken by a reset: each time the last word holds."""
    form = page.locator("form.ngd-parameters")
    eta = form.locator("label", has_text="eta").locator("input")
    go = form.get_by_role("button", name="Run with these")
    cell = f"ngdBook.cells.find(c => c.id === '{PARAMETERS}')"
    eta.fill("0.5")
    go.click()
    page.wait_for_function(f"ngdBook.running === {cell} || {cell}.ran")
    eta.fill("0.25")
    go.click()
    page.wait_for_function(f"{cell}.text.includes('eta = 0.25 ') && {cell}.ran")
    page.get_by_role("button", name="Reset all").click()
    page.wait_for_function("!ngdBook.pumping")
    assert page.locator(STATUS).inner_text() == "Code and outputs are as printed."
    assert not page.evaluate("ngdBook.cells.some(c => c.changed || c.live)")
    assert page.locator(".ngd-now, [data-rerun], [aria-busy]").count() == 0


def test_a_stop_that_comes_late_hits_nothing_else(page, tmp_path):
    """What is run while the page stops waits for the interrupt, and then runs whole."""
    page.evaluate(
        """() => {
            const { kernel } = ngdBook;
            const interrupt = () => kernel.constructor.prototype.interrupt.call(kernel);
            kernel.interrupt = () => new Promise(done => { window.arrive = done; }).then(interrupt);
        }"""
    )
    area, asked = first_code(page), tmp_path / "asked"
    write(area, f"import os, time\nwhile not os.path.exists({str(asked)!r}): time.sleep(0.05)")
    area.press("Shift+Enter")
    page.get_by_role("button", name="Stop", exact=True).click()
    asked.touch()  # it ends by itself, and the interrupt is still under way
    page.wait_for_function("!ngdBook.pumping && !!ngdBook.stopping")
    write(area, "time.sleep(4); print('who' + 'le')")
    area.press("Shift+Enter")
    after(page, 1000)  # long enough to run, if it did not wait
    page.evaluate("arrive()")
    cell = page.locator("div.cell:has(.ngd-editor)").first
    cell.get_by_text("whole", exact=True).wait_for()
    page.wait_for_function("!ngdBook.pumping")
    assert "1 cell ran" in page.locator(STATUS).inner_text()


@pytest.mark.parametrize("press", ["Stop", "Restart"])
def test_a_stop_before_python_has_started(context, live, press):
    """What waits for Python is not sent to it later, and no cell says that it waits."""
    page, held = context.new_page(), []
    page.route(
        "**/api/kernels",
        lambda route: held.append(route) if route.request.method == "POST" else route.continue_(),
    )
    page.goto(live.page())
    page.get_by_role("button", name="Run this page").click()
    page.wait_for_function("window.ngdBook")
    page.get_by_role("button", name="Run all", exact=True).click()
    page.get_by_text("Running cell 1 of").wait_for()
    page.get_by_role("button", name=press, exact=True).click()
    page.wait_for_function("!ngdBook.pumping")
    waiting = page.locator(".ngd-cell-state", has_text=re.compile("waiting|running"))
    assert waiting.count() == 0 and page.locator("[aria-busy=true]").count() == 0
    if press == "Stop":
        assert page.locator(STATUS).inner_text() == "Stopped."
    held.pop().continue_()
    said = "Changes are kept" if press == "Stop" else "Python is fresh"
    page.locator(STATUS).get_by_text(said).wait_for()
    assert not page.evaluate("ngdBook.cells.some(c => c.ran) || ngdBook.kernel.runs.size")
    said = run_first(page, "f'Python has heard of {len(In) - 1}'")
    heard = page.locator("div.cell:has(.ngd-editor)").first.inner_text()
    assert f"Python has heard of {said[0]}" in heard, "of these alone"


@pytest.mark.parametrize("pause", [0, 30])
def test_the_last_word_counts(page, pause):
    """What waits while a run is being ended is ended too by what comes after, and only by that."""
    few, check = "run(ngdBook.cells.slice(0, 3))", "check()"
    for then, says in (
        (["stop()", "run(ngdBook.cells)", "stop()"], "Stopped."),
        (["stop()", "runTo(ngdBook.cells.at(-1))", "stop()"], "Stopped."),
        (["stop()", "run(ngdBook.cells)", "restart()"], "Python is fresh: no cell has run in it."),
        (["stop()", "run(ngdBook.cells)", "reset()"], "Code and outputs are as printed."),
        (["stop()", check, "stop()"], "Stopped."),
        (["stop()", few], "3 cells ran: all as printed."),
        (["restart()", few], "3 cells ran: all as printed."),
    ):
        ended = page.evaluate(
            """async ([then, pause]) => {
                const wait = ms => new Promise(done => setTimeout(done, ms));
                const checks = document.querySelector(".ngd-item:has(.ngd-editor) .ngd-check");
                ngdBook.check = () => checks.click();
                await ngdBook.restart();
                ngdBook.run(ngdBook.cells);
                while (!ngdBook.running) await wait(20);
                for (const step of then) {
                    eval(`ngdBook.${step}`);
                    await wait(pause);
                }
                for (let calm = 0; calm < 8; calm += 1) {
                    await wait(100);
                    if (ngdBook.pumping || ngdBook.stopping) calm = 0;
                }
                return document.querySelector(".ngd-run [role=status]").textContent;
            }""",
            [then, pause],
        )
        assert ended == says, then
        assert page.locator(".ngd-cell-state", has_text="waiting").count() == 0, then


def test_a_reply_that_is_lost_ends_the_run(page):
    """Python interrupted between the end of the code and its reply says only that it is idle."""
    page.evaluate(
        """() => {
            const { kernel } = ngdBook, hear = kernel.hear;
            kernel.hear = message => {
                if (message.header.msg_type !== 'execute_reply') return hear.call(kernel, message);
                kernel.hear = hear;
            };
        }"""
    )
    assert "failed: KeyboardInterrupt: it was stopped just as it ended" in run_first(page, "1 + 1")
    assert "ran: " in run_first(page, "1 + 2")


def test_changes_survive_a_reload(context, live):
    """In this browser, for this page; what the author has printed is back with `Reset all`."""
    page = opened(context, live)
    area = first_code(page)
    printed = text(area)
    write(area, "mine = 3")
    page.reload()
    assert page.locator(".ngd-editor").count() == 0, "what is printed, until the click"
    page.get_by_role("button", name="Run this page").click()
    page.get_by_text("A cell that you changed here is as you left it").wait_for()
    assert text(first_code(page)) == "mine = 3"
    other = opened(context, live, "coordinates")
    assert other.locator(".ngd-changed").count() == 0
    page.get_by_role("button", name="Reset all").click()
    page.reload()
    page.get_by_role("button", name="Run this page").click()
    page.wait_for_function("window.ngdBook")
    assert text(first_code(page)) == printed


# --- demos and questions ------------------------------------------------------------------------


def test_a_demo_and_python_move_each_other(page):
    shown = "document.querySelector('figure[data-demo]').ngd.model"
    live = "ngdBook.cells.find(c => c.id === 'demo-live')"
    before = page.evaluate(f"{shown}.get('q')")
    assert before == 0.2
    said = ran(page, lambda: page.evaluate(f"void ngdBook.runTo({live})"))
    assert said.endswith("all as printed.")
    widgets = page.locator(".ngd-widgets")
    assert widgets.locator("p").inner_text().split() == ["Python", "hears", "q", "=", "0.200"]
    page.locator("figure[data-demo] [role=slider]").first.press("ArrowRight")
    moved = page.evaluate(f"{shown}.get('q')")
    assert moved > before
    page.get_by_text(f"q = {moved:.3f}", exact=True).wait_for()  # Python's own words
    widgets.get_by_role("slider").fill("0.5")
    page.wait_for_function(f"{shown}.get('eta') === 0.5")  # linked in Python
    said = run_first(page, "was, demo.q = (demo.q, demo.eta), 0.7\nwas")
    assert page.evaluate(f"{shown}.get('q')") == 0.7
    assert str((moved, 0.5)) in page.locator("div.cell:has(.ngd-editor)").first.inner_text()
    page.get_by_role("button", name="Restart").click()
    page.get_by_text("Python is fresh").wait_for()
    assert widgets.count() == 0, "a control that moves nothing is not shown"
    page.locator("figure[data-demo] [role=slider]").first.press("ArrowRight")
    assert page.evaluate(f"{shown}.get('q')") > 0.7, "by itself it moves on"


def test_a_reader_may_interact(page):
    """What `interact` makes is alive: Python hears it, and its output is the newest alone."""
    said = run_first(
        page,
        "from ipywidgets import interact\n"
        "def f(k=1, on=True, word=['a', 'b'], text='t'):\n    print(k, on, word, text)\n"
        "interact(f, k=(0, 5));",
    )
    assert " ran: " in said
    box = page.locator("div.cell:has(.ngd-editor)").first
    shown = box.locator(".ngd-tried")
    shown.get_by_text("1 True a t", exact=True).wait_for()
    box.get_by_role("slider").fill("4")
    shown.get_by_text("4 True a t", exact=True).wait_for()
    box.get_by_role("checkbox").uncheck()
    box.get_by_label("word").select_option("b")
    box.get_by_label("text").fill("new")
    shown.get_by_text("4 False b new", exact=True).wait_for()
    assert shown.inner_text().split() == ["4", "False", "b", "new"]
    assert violations(page) == []


WIDGETS = """from ipywidgets import *
press, pick, number = Button(description="Press"), Dropdown(options=["x", "y"]), FloatText(2.5)
pick.description, number.description = "pick", "number"
press.on_click(lambda _: print("pressed", pick.value, number.value))
out = Output()
def heard(change):
    with out:
        print(change["new"])
        1 / (change["new"] != 0)
number.observe(heard, "value")
parts = Tab([Label("one"), VBox([IntSlider(3, 0, 9, description="inner"), Play()])])
parts.titles = "first", "second"
VBox([HBox([press, pick]), number, out, parts])"""


def test_widgets_of_a_readers_cell(page):
    """Plain ones are controls; of one that the page cannot draw a sentence says where it is."""
    run_first(page, WIDGETS)
    box = page.locator("div.cell:has(.ngd-editor)").first
    box.get_by_label("pick").select_option("y")
    box.get_by_label("number").fill("7")
    box.get_by_label("number").press("Tab")  # it waits for the end of the typing, as in Jupyter
    box.locator(".ngd-tried").get_by_text("7.0", exact=True).wait_for()
    box.get_by_role("button", name="Press").click()
    box.get_by_text("pressed y 7.0", exact=True).wait_for()
    box.get_by_label("number").fill("0")
    box.get_by_label("number").press("Tab")
    box.locator(".ngd-tried .ngd-error").get_by_text("ZeroDivisionError").first.wait_for()
    box.get_by_text("second", exact=True).click()
    box.get_by_label("inner").fill("5")
    said = box.get_by_text("A widget of the kind Play is drawn in JupyterLab only: make lab.")
    assert said.is_visible()
    run_first(page, "number.value, number.disabled, parts.children[1].children[0].value")
    assert "(0.0, False, 5)" in box.inner_text()
    run_first(page, WIDGETS + "\nColorPicker()")
    assert (
        box.get_by_text("A widget of the kind ColorPicker is drawn in JupyterLab only").count() == 1
    )
    page.get_by_role("button", name="Restart").click()
    page.get_by_text("Python is fresh").wait_for()
    assert box.locator(".ngd-widgets").count() == 0, "a control that moves nothing is not shown"


LANDINGS = """import numpy as np
def landings(q, m, eta):
    r, v = m - q, q * (1 - q)
    z = np.log(q / (1 - q)) + eta * r / v
    w = 2 * np.arcsin(np.sqrt(q)) + eta * r / np.sqrt(v)
    return [q + eta * r, 1 / (1 + np.exp(-z)), np.sin(w / 2) ** 2]"""


def test_a_question_that_asks_for_code(page, live):
    item = page.locator("article.ngd-item:has(.ngd-editor)")
    area, says = item.get_by_role("textbox"), item.locator(".ngd-says")
    area.press("Shift+Enter")
    says.get_by_text("Not answered yet.").wait_for()
    write(area, "def landings(q, m, eta):\n    return [q + eta * (m - q)] * 3")
    assert says.inner_text() == ""
    area.press("Shift+Enter")
    says.get_by_text("Three times the same coin").wait_for()
    write(area, "def landings(q, m, eta):\n    return q / 0")
    item.get_by_role("button", name="Check").click()
    says.get_by_text("ZeroDivisionError").wait_for()
    write(area, "def landings(q, m, eta)")
    area.press("Shift+Enter")
    says.get_by_text("It did not run to its end.").wait_for()
    assert "SyntaxError" in item.locator(".ngd-error").inner_text()
    write(area, LANDINGS)
    area.press("Shift+Enter")
    item.locator(".ngd-right").wait_for()
    assert "3 of 3 points" in says.inner_text()
    assert item.locator(".ngd-tried img").count() == 1, "the plot that it promises"
    progress = page.locator(".ngd-progress p").first.inner_text()
    assert progress == "3 of 17 points, 1 of 8 questions."
    assert "NameError" in run_first(page, "landings"), "the chapter's names are left alone"
    table = page.context.new_page()
    table.goto(live.page("index"))
    row = table.locator("tr", has_text="One coin, three charts").inner_text().split("\t")
    assert row[1:3] == ["1 of 8", "3 of 17"]
    newton = table.locator("tr", has_text="Newton and its relatives").inner_text().split("\t")
    assert newton[1].startswith("0 of "), "one that is not worked is not counted"
    assert table.locator("tr.ngd-total").inner_text().split("\t")[2].startswith("3 of ")
    table.close()
    page.reload()
    page.get_by_role("button", name="Run this page").click()
    item.locator(".ngd-editor").wait_for()
    assert text(area) == LANDINGS
    item.get_by_role("button", name="Start again").click()
    assert text(area).rstrip().endswith("...")


def test_an_answer_that_is_changed_while_it_is_checked(page):
    """The newer one is checked, and the first is not waited for."""
    item = page.locator("article.ngd-item:has(.ngd-editor)")
    area, says = item.get_by_role("textbox"), item.locator(".ngd-says")
    write(area, "def landings(q, m, eta):\n    while True: pass")
    area.press("Shift+Enter")
    page.wait_for_function("ngdBook.running && !ngdBook.cells.includes(ngdBook.running)")
    write(area, "def landings(q, m, eta):\n    return [q + eta * (m - q)] * 3")
    area.press("Shift+Enter")
    says.get_by_text("Three times the same coin").wait_for()
    assert page.locator(STATUS).inner_text() == "The answer was checked."


# --- when things go wrong -----------------------------------------------------------------------


def test_an_endless_loop_is_stopped(page):
    area = first_code(page)
    write(area, "print('begun')\nwhile True: pass")
    said = ran(
        page,
        lambda: (
            area.press("Shift+Enter"),
            page.get_by_text("begun", exact=True).wait_for(),
            page.get_by_role("button", name="Stop").click(),
        ),
    )
    assert said == "Stopped."
    assert "KeyboardInterrupt" in page.locator(".ngd-error").inner_text()
    assert " ran: " in run_first(page, "2 + 2")


def test_what_does_not_stop_is_restarted(page):
    area = first_code(page)
    forever = "while 1:\n    try:\n        time.sleep(9)\n    except KeyboardInterrupt: pass"
    write(area, f"import time\nprint('begun')\n{forever}")
    area.press("Shift+Enter")
    page.get_by_text("begun", exact=True).wait_for()
    page.get_by_role("button", name="Stop").click()
    page.get_by_text("does not stop when asked to").wait_for()
    page.get_by_role("button", name="Restart").click()
    page.get_by_text("Python is fresh").wait_for()
    assert " ran: " in run_first(page, "2 + 2")


def test_a_kernel_that_dies(page):
    said = run_first(
        page, "import os, time\nprint('before', flush=True)\ntime.sleep(0.3)\nos._exit(1)"
    )
    assert "Python died and has been started anew" in said
    assert " ran: " in run_first(page, "'alive'")


def test_a_flood_is_cut(page):
    said = run_first(page, "for k in range(10_000):\n    print('x' * 10_000)\n'end'")
    assert " ran: " in said
    page.get_by_text("More was printed; it is not shown here.").wait_for()  # drawn a moment later
    longest = page.evaluate("Math.max(...ngdBook.cells.map(c => c.out?.textContent.length ?? 0))")
    assert 10_000 < longest < 1_000_000
    assert " ran: " in run_first(page, "2 + 2")


def test_a_connection_that_is_lost(page, tmp_path):
    """A laptop that sleeps: the page finds its Python again, and hears what it said meanwhile."""
    area, lost = first_code(page), tmp_path / "lost"
    until = f"while not os.path.exists({str(lost)!r}): time.sleep(0.05)"
    write(area, f"import os, time\nmine = 1\n{until}\ntime.sleep(2)\nprint('woke')")
    area.press("Shift+Enter")
    page.wait_for_function("ngdBook.running?.text.includes('sleep')")
    said = ran(page, lambda: page.evaluate("ngdBook.kernel.socket.close()") or lost.touch())
    assert (" ran: " in said and page.get_by_text("woke", exact=True).count() == 1) or (
        "Run it again" in said
    )
    assert " ran: " in run_first(page, "mine")


def test_two_tabs_have_a_kernel_each(context, live):
    one, two = opened(context, live), opened(context, live)
    run_first(one, "mine = 1")
    assert "NameError" in run_first(two, "mine")
    assert " ran: " in run_first(one, "mine")


def test_a_page_that_is_left_ends_its_kernel(context, live):
    page = opened(context, live)
    kernel = page.evaluate("ngdBook.kernel.id")
    page.goto(f"{live.origin}/book/chapters/notation.html")
    end = time.monotonic() + 120
    while kernel in live.kernels() and time.monotonic() < end:
        time.sleep(0.2)
    assert kernel not in live.kernels()


def test_an_idle_kernel_is_ended_and_comes_back(context, starts):
    server = starts("--idle", "4")
    page = opened(context, server)
    run_first(page, "mine = 1")
    page.get_by_text("Python was idle for long").wait_for()
    assert "NameError" in run_first(page, "mine")


def test_the_server_stops(context, starts):
    server = starts()
    page = opened(context, server)
    run_first(page, "mine = 1")
    known = {f"kernel-{kernel}.json" for kernel in server.kernels()}
    kept = (ROOT / "reruns" / "live").glob(".jupyter-*")  # of other tests' servers, too
    own = {f for f in kept for _, _, files in os.walk(f) if known & set(files)}
    assert len(own) == 1
    server.end()
    page.get_by_text("The server has stopped").wait_for()
    area = first_code(page)
    write(area, "mine = 2")
    assert "The server has stopped" in ran(page, lambda: area.press("Shift+Enter"))
    assert text(area) == "mine = 2", "what was written is kept"
    assert not own.pop().exists(), "what it kept is removed"


def catches(process: int, number: int) -> bool:
    """Whether it has a handler of its own for this signal; without /proc, in a second."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except FileNotFoundError:
        time.sleep(1)
        return True
    return bool(int(re.search(r"SigCgt:\s*(\w+)", status)[1], 16) >> (number - 1) & 1)


@pytest.mark.parametrize("seconds", [None, 0.0, 0.5, 2.0])
def test_the_server_stops_without_a_word(home, seconds):
    """At any moment: while it is imported (None), while its first Python starts, and after."""
    server = subprocess.Popen(
        [sys.executable, ROOT / "book" / "live.py", "--port", "0", "--no-browser"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"HOME": str(home)},
    )
    if seconds is None:
        while not catches(server.pid, signal.SIGTERM):
            time.sleep(0.01)
    else:
        server.stdout.readline()
        time.sleep(seconds)
    server.send_signal(signal.SIGINT)
    time.sleep(0.05)
    server.send_signal(signal.SIGINT)  # an impatient reader
    _, said = server.communicate(timeout=60)  # to the end of all that could write there
    assert said == "", "no traceback, of the server or of a Python that was starting"
    assert seconds is None or server.returncode == 0
    assert not [*(ROOT / "reruns" / "live").glob(f".jupyter-{server.pid}-*")], "nothing is left"


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
