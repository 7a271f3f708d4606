"""The machinery around the pages: the cache key, reruns, quoted numbers, figures, references."""

import itertools
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn

from book import execute, pages, rerun
from ngdlib import plots
from ngdlib.plots import Figure, apart, figure
from ngdlib.prose import quoted_at
from tests.conftest import ROOT


def chapter(source: str) -> nbformat.NotebookNode:
    cell = nbformat.v4.new_code_cell(source, metadata={"tags": ["parameters"]})
    return nbformat.v4.new_notebook(cells=[cell])


CELL = """
eta = 0.5  # step size, in (0, 10]
y = 1  # the toss, one of {0, 1}
n = 3  # steps, in [1, 9]
"""
KNOWN = rerun.parameters(chapter(CELL))


def test_parameters_are_read():
    assert {n: (p.default, p.allowed) for n, p in KNOWN.items()} == {
        "eta": (0.5, "in (0, 10]"),
        "y": (1, "one of {0, 1}"),
        "n": (3, "in [1, 9]"),
    }
    assert rerun.read_arguments(["eta=2", "y=0", "n=9"], KNOWN) == {"eta": 2.0, "y": 0, "n": 9}


@pytest.mark.parametrize(
    ("argument", "complaint"),
    [
        ("eta=0", r"eta: expected a number in \(0, 10\], got 0.0"),
        ("eta=nan", "eta: expected a number"),
        ("eta=__import__('os')", "eta: expected a number"),
        ("y=2", "y: expected a whole number one of"),
        ("y=0.5", "y: expected a whole number"),
        ("n=10", "n: expected a whole number in"),
        ("lr=1", "no parameter 'lr'"),
        ("eta", "expected name=value"),
        ("eta=1e400", "eta: expected a number"),
        ("eta=$(id)", "eta: expected a number"),
        ("eta=" + "9" * 400, "eta: expected a number"),
    ],
)
def test_bad_parameters_are_refused(argument, complaint):
    with pytest.raises(ValueError, match=complaint):
        rerun.read_arguments([argument], KNOWN)


def test_a_repeated_parameter_is_refused():
    with pytest.raises(ValueError, match="y is given twice"):
        rerun.read_arguments(["y=0", "eta=1", "y=1"], KNOWN)


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        (["NOTEBOOK=bernoulli", "eta=0.5"], "PARAMS=eta=0.5"),
        (["NOTEBOOK=bernoulli", "PARAMS=y=0", "eta=0.5"], "PARAMS='y=0 eta=0.5'"),
        (["NOTEBOOK=bernoulli", "PARAMS=eta=0.5 eta=0.7"], "eta is given twice"),
        (["NOTEBOOK=bernoulli", "PARAMS=eta = 0.5"], "name=value without spaces, got 'eta'"),
        (["NOTEBOOK=bernoulli", "PARAMS=eta=$(shell touch spoiled)"], "got '$(shell'"),
        (["NOTEBOOK=bernoulli", "PARAMS=eta=`touch spoiled`;"], "got '`touch'"),
        (['NOTEBOOK=x"; touch spoiled; "'], "no chapter with parameters is called"),
        (["NOTEBOOK=../chapters/bernoulli.ipynb"], "expected a chapter's name, bernoulli"),
        (["NOTEBOOK=bernouli"], "there are: basins, bernoulli"),
        ([], "say which chapter"),
        (["PARAMS=eta=0.5"], "say which chapter"),
    ],
)
def test_slips_on_the_command_line(typed, answer, tmp_path):
    """make and the shell hand on what was typed, and run nothing of it."""
    text = (ROOT / "Makefile").read_text("utf-8")
    text = text.replace("rerun: setup", "rerun:").replace("$(BIN)/python", sys.executable)
    (tmp_path / "Makefile").write_text(text.replace("book/rerun.py", f"{ROOT}/book/rerun.py"))
    made = subprocess.run(["make", "rerun", *typed], cwd=tmp_path, capture_output=True, text=True)
    assert made.returncode != 0
    assert answer in made.stderr
    assert "Traceback" not in made.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["Makefile"]


def test_rerun_lists_what_there_is():
    """The command names the chapters, and the parameters of a chapter, when asked for another."""
    script = str(ROOT / "book" / "rerun.py")
    for arguments, wanted in ((["nothing"], "bernoulli"), (["bernoulli", "nope=1"], "in [")):
        answer = subprocess.run(
            [sys.executable, script, *arguments], capture_output=True, text=True
        )
        assert answer.returncode != 0
        assert wanted in answer.stderr


def test_rerun_writes_a_page(tmp_path):
    """A chapter runs with every parameter changed, and its page says so without another host."""
    book = nbformat.read(ROOT / "chapters" / "bernoulli.ipynb", as_version=4)
    values = {}
    for p in rerun.parameters(book).values():
        candidates = [0, 1, 2, 3, 5] if type(p.default) is int else [0.3, 0.7, 1.5, -0.5]
        values[p.name] = next(v for v in candidates if v != p.default and p.holds(v))
    arguments = [f"{name}={value}" for name, value in values.items()]
    script = str(ROOT / "book" / "rerun.py")
    proved = execute.cache_folder().parent / "verified"  # by the build; no parameter is in a proof
    proved.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [sys.executable, script, "bernoulli", *arguments, "--output", str(tmp_path)],
        env=os.environ | {"NGD_VERIFIED": str(proved)},
        check=True,
    )
    assert len(list(tmp_path.glob("bernoulli*.ipynb"))) == 1
    page = next(tmp_path.glob("*/bernoulli.html")).read_text(encoding="utf-8")
    assert 'data-rerun="changed"' in page
    assert "The text quotes" in page  # some number of the prose is another one here
    assert not re.search(r'(?:src|href)="https?://[^"]+\.(?:js|css)', page)
    assert not re.search(r'href="[\w-]+\.html(?<!bernoulli\.html)(?<!search\.html)#', page)


@pytest.mark.parametrize("built", [True, False])
def test_links_of_a_rerun_lead_to_the_book_or_are_words(tmp_path, monkeypatch, built):
    monkeypatch.setattr(rerun, "HTML", tmp_path / "html")
    (tmp_path / "html" / "chapters").mkdir(parents=True)
    if built:
        for name in ("objects.inv", "chapters/ledger.html", "chapters/damping.html"):
            (tmp_path / "html" / name).touch()
    v4 = nbformat.v4
    row = '<a href="#here">x</a> · <a href="ledger.html#s1" aria-label="evidence">evidence</a>'
    shown = v4.new_output("display_data", {"text/html": row + ' <a href="gone.html">gone</a>'})
    book = v4.new_notebook(
        cells=[
            v4.new_markdown_cell("See {doc}`damping`, {doc}`that <damping>`, {doc}`no-such`."),
            v4.new_code_cell("box()", outputs=[shown]),
        ]
    )
    rerun.lead_to_book(book, "bernoulli", tmp_path / "reruns" / "one")
    prose, html = book.cells[0].source, book.cells[1].outputs[0]["data"]["text/html"]
    if built:
        doc = "{external+book:doc}`"
        damping = "<chapters/damping>`"
        assert prose == f"See {doc}Damping {damping}, {doc}that {damping}, no-such."
        assert 'href="../../html/chapters/ledger.html#s1" aria-label' in html
    else:
        assert prose == "See Damping, that, no-such."
        assert html.startswith('<a href="#here">x</a> · evidence')
    assert html.endswith(" gone")


@pytest.fixture
def sources(tmp_path, monkeypatch):
    """A small book: a chapter with exercises and checks of its own, another one, and a ledger."""
    files = {
        "requirements.lock": "numpy==2",
        "ngdlib/a.py": "x = 1",
        "ngdlib/demos/a.js": "let x = 1",
        "ngdlib/demos/host.js": "let x = 1",
        "exercises/one-coin.yml": "x: 1",
        "exercises/dice.yml": "x: 1",
        "exercises/one-coin.py": "x: 1",
        "chapters/checks/one_coin.py": "x = 1",
        "chapters/checks/register.json": "[]",
        **{f"chapters/{name}.ipynb": json.dumps(page(name)) for name in PAGES},
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(execute, "ROOT", tmp_path)
    return tmp_path


PAGES = "one-coin", "dice", "ledger"


def page(name: str, cell: str = "1 + 1") -> nbformat.NotebookNode:
    title = nbformat.v4.new_markdown_cell(f"({name})=\n# {name}\n\nText.", id="title")
    cells = [title, nbformat.v4.new_code_cell(cell, id="cell")]
    return nbformat.v4.new_notebook(cells=cells)


@pytest.mark.parametrize(
    ("file", "run_again"),
    [
        ("ngdlib/a.py", set(PAGES)),
        ("ngdlib/demos/a.js", set(PAGES)),
        ("requirements.lock", set(PAGES)),
        ("chapters/checks/register.json", set(PAGES)),
        ("exercises/one-coin.yml", {"one-coin", "ledger"}),
        ("chapters/checks/one_coin.py", {"one-coin", "ledger"}),
        ("exercises/dice.yml", {"dice", "ledger"}),
        ("exercises/new.yml", {"ledger"}),
        ("ngdlib/demos/host.js", set()),  # its hash is among those that `book/pages.py` takes
        ("exercises/one-coin.py", set()),
    ],
)
def test_readers_of_a_file_run_again(sources, file, run_again):
    """Another byte in a file, and a notebook that can read it is not taken from the cache."""

    def keys():
        library = execute.cache_folder(sources).parent
        return {name: (library, execute.inputs(Path(f"{name}.ipynb"))) for name in PAGES}

    before, folder = keys(), execute.cache_folder(sources)
    assert (keys(), execute.cache_folder(sources)) == (before, folder)
    with (sources / file).open("a") as more:
        more.write(" ")
    after = keys()
    assert {name for name in PAGES if after[name] != before[name]} == run_again
    assert (execute.cache_folder(sources) != folder) is bool(run_again)


def test_a_heading_is_read_by_others(sources):
    """A changed cell is the business of its own notebook; a heading stands in others too."""
    file, chapter, ledger = sources / "chapters" / "dice.ipynb", Path("dice.ipynb"), Path("l.ipynb")
    before = execute.cache_folder(sources), execute.inputs(chapter), execute.inputs(ledger)
    file.write_text(json.dumps(page("dice", cell="2 + 2")))
    assert before == (
        execute.cache_folder(sources),
        execute.inputs(chapter),
        execute.inputs(ledger),
    )
    file.write_text(json.dumps(page("two dice")))
    assert execute.cache_folder(sources).parent == before[0].parent
    assert execute.cache_folder(sources) != before[0]
    assert execute.inputs(ledger) != before[2]


def test_a_run_with_the_same_inputs_is_taken_over(sources, tmp_path):
    """From an earlier cache of this library, and neither other cells nor other inputs."""
    file = sources / "chapters" / "one-coin.ipynb"
    first = execute.cache_folder(tmp_path)
    bundle = CacheBundleIn(page("one-coin"), str(file), data={"inputs": execute.inputs(file)})
    get_cache(str(first)).cache_notebook_bundle(bundle, check_validity=False)
    (sources / "exercises" / "dice.yml").write_text("x: 2")
    second = execute.cache_folder(tmp_path)
    assert second != first
    assert execute.taken_over(second, file)
    assert execute.cached(get_cache(str(second)), file)
    (sources / "exercises" / "one-coin.yml").write_text("x: 2")
    assert not execute.taken_over(execute.cache_folder(tmp_path), file)
    (sources / "exercises" / "one-coin.yml").write_text("x: 1")
    file.write_text(json.dumps(page("one-coin", cell="2 + 2")))
    assert not execute.taken_over(execute.cache_folder(tmp_path), file)


CHAPTERS = sorted(file.stem for file in (ROOT / "exercises").glob("*.yml"))


def opened(of: dict[str, list[str]]) -> dict[str, set[str]]:
    """The files of the project that Python opens when it runs the cells under each name.

    Each name has a process of its own, which begins where the library has been imported.
    """
    watch = f"""
import json, os, sys
seen = set()
sys.addaudithook(lambda event, a: event == "open" and isinstance(a[0], str) and seen.add(a[0]))
import ngdlib.claims, ngdlib.demos, ngdlib.derivations, ngdlib.exercises
for name, cells in {of!r}.items():
    if not os.fork():
        space = {{}}
        for cell in cells:
            exec(cell, space)
        seen = [os.path.relpath(name, {str(ROOT)!r}) for name in seen if os.path.isabs(name)]
        print("\\nopened:", json.dumps([name, seen]), flush=True)
        os._exit(0)
    if os.wait()[1]:
        sys.exit(f"the cells of {{name}} fail")"""
    run = subprocess.run([sys.executable, "-c", watch], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    found = re.findall(r"^opened: (.*)", run.stdout, flags=re.M)
    return {name: set(files) for name, files in map(json.loads, found)}


def of_others(chapter: str, files: set[str]) -> set[str]:
    """Those files that a chapter's key does not cover."""
    covered = {f"exercises/{chapter}.yml", f"chapters/checks/{chapter.replace('-', '_')}.py"}
    covered |= {f"chapters/{chapter}.ipynb"}  # its headings
    covered |= {"exercises/schema.json", "chapters/checks/register.json"}
    folders = ("exercises/", "chapters/", "ngdlib/")
    files = {f for f in files if f.startswith(folders) and not f.endswith(".pyc")}
    library = {f for f in files if f.startswith("ngdlib/")}
    return files - covered - {f for f in library if not execute.for_pages_only(ROOT / f)}


def test_a_chapter_reads_its_own_files():
    """What its cells open is in the key of its results."""
    reading = {}
    for chapter in CHAPTERS:
        cells = nbformat.read(ROOT / "chapters" / f"{chapter}.ipynb", as_version=4).cells
        sources = [cell.source for cell in cells if cell.cell_type == "code"]
        reading[chapter] = [s for s in sources if re.search(r"ngdlib.*(exercises|demos|claims)", s)]
    for chapter, files in opened(reading).items():
        assert f"exercises/{chapter}.yml" in files, chapter
        assert of_others(chapter, files) == set(), chapter


def test_a_file_of_another_chapter_is_seen():
    """Negative control."""
    first, second = CHAPTERS[:2]
    files = opened(
        {
            "boxes": ["from ngdlib.exercises import boxes", f"boxes({first!r})"],
            "demo": ["from ngdlib.demos import TwoCharts", "TwoCharts().to_html()"],
        }
    )
    assert of_others(second, files["boxes"]) == {f"exercises/{first}.yml"}
    assert of_others(first, files["demo"]) == {"ngdlib/demos/host.js"}


def test_failing_cell_fails_the_run(tmp_path):
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 / 0")])
    nbformat.write(book, tmp_path / "bad.ipynb")
    assert execute.run_notebook(tmp_path / "bad.ipynb").err is not None
    book.cells[0].source = "1 / 1"
    nbformat.write(book, tmp_path / "good.ipynb")
    assert execute.run_notebook(tmp_path / "good.ipynb").err is None


def test_what_a_slow_cell_prints_is_one_output(tmp_path):
    """A kernel sends it in parts, cut by a clock: the page must not show where."""
    slow = "import sys\nprint('a', end='', flush=True)\nprint(flush=True)\nprint('b')"
    cell = nbformat.v4.new_code_cell(slow)
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "slow.ipynb")
    (output,) = execute.run_notebook(tmp_path / "slow.ipynb").nb.cells[0].outputs
    assert output.text == "a\nb\n"


@pytest.mark.parametrize(
    ("text", "value", "agrees"),
    [
        ("0.622", 0.62245933, True),
        ("0.622", 0.6226, False),
        ("10,203", 10203.0, True),
        ("−1.5", -1.5000001, True),
        ("−1.5", 1.5, False),
        ("2.0e-4", 2.0003e-4, True),
        ("2.0e-4", 2.1e-4, False),
        ("16", 16.2, False),
    ],
)
def test_quoted_numbers(text, value, agrees, capsys):
    if agrees:
        quoted_at(True)(text, value)
    else:
        with pytest.raises(AssertionError, match="the text says"):
            quoted_at(True)(text, value)
    quoted_at(True, False)(text, value)  # away from the defaults nothing fails, a line is printed
    assert bool(capsys.readouterr().out) is not agrees


def test_a_changed_number_is_named(capsys):
    """By the expression that computes it, or by the name that it is given."""
    quoted, steps = quoted_at(False), {"natural η": -0.75}
    quoted("−0.5", steps["natural η"])
    quoted(
        "0.5",
        steps["natural η"] ** 2 + 1,
    )
    quoted("0.5", 2.0, name="the step")
    assert capsys.readouterr().out.splitlines() == [
        "The text quotes −0.5 for the default parameters; here steps['natural η'] is −0.75.",
        "The text quotes 0.5 for the default parameters; "
        "here steps['natural η'] ** 2 + 1 is 1.5625.",
        "The text quotes 0.5 for the default parameters; here the step is 2.",
    ]


def test_quoted_refuses_what_is_no_number():
    with pytest.raises(ValueError, match="text"):
        quoted_at(True)("about six", 6.0)
    with pytest.raises(ValueError, match="value"):
        quoted_at(True)("6", [6.0, 6.0])


def draw(capsys_display: list, name: str = "a-figure", caption: str = "Look at $q$.") -> str:
    with figure(name, caption=caption, alt="A line <from> 0 to 1") as (_, ax):
        ax.plot([0, 1], [0, 1])
    return capsys_display[-1]._repr_html_()


def test_figures_are_the_same_bytes_and_described(monkeypatch):
    shown = []
    monkeypatch.setattr("ngdlib.plots.display", shown.append)
    first, second = draw(shown), draw(shown)
    assert first == second
    assert first != draw(shown, name="another")
    assert 'role="img" aria-label="A line &lt;from&gt; 0 to 1"' in first
    assert r"\(q\)" in first
    assert "<text" in first and "currentColor" in first
    with pytest.raises(ValueError, match="caption"):
        draw(shown, caption=" ")
    with pytest.raises(ValueError, match="name"):
        draw(shown, name="a figure")


def test_off_a_page_the_words_of_a_figure_are_drawn(monkeypatch):
    """In Jupyter the face in which a figure is laid out may be missing; on a page it is there."""
    shown = []
    monkeypatch.setattr("ngdlib.plots.display", shown.append)
    page = draw(shown)
    monkeypatch.delenv("NGD_PAGE")
    drawn = draw(shown)
    assert "<text" in page and "<text" not in drawn and 'aria-label="A line' in drawn
    sizes = {size for size in re.findall(r"scale\(([\d.]+) -", drawn)}
    assert "0.095" in sizes  # 9.5 points, the size in which it was laid out
    axes = [re.findall(r"<path d=\"([^\"]+)\"", svg) for svg in (page, drawn)]
    assert axes[0] and set(axes[0]) <= set(axes[1])  # the drawing is the same


def narrow_of(monkeypatch, **options) -> str:
    shown = []
    monkeypatch.setattr("ngdlib.plots.display", shown.append)
    with figure("two", caption="Look.", alt="Two lines", ncols=2, sharey=True, **options) as (
        _,
        (left, right),
    ):
        left.plot([0, 1], [0, 1])
        right.plot([0, 1], [1, 0])
        left.set_ylabel("height")
        left.text(0.5, 0.5, "here")
    return shown[-1]


def test_a_figure_is_drawn_again_for_a_phone(monkeypatch):
    """Panels one below the other, letters of the same size, labels that a neighbour had shown."""
    drawn = narrow_of(monkeypatch)

    def box(svg: str) -> list[float]:
        return [float(x) for x in re.search(r'viewBox="0 0 (\S+) (\S+)"', svg).groups()]

    def sizes(svg: str) -> set[str]:
        return set(re.findall(r"font(?:-size)?: ([\d.]+)px", svg))

    (wide, low), (narrow, high) = box(drawn.svg), box(drawn.narrow)
    assert (wide, narrow) == (489.6, 259.2) and high > low
    assert sizes(drawn.narrow) == sizes(drawn.svg)
    assert sizes(drawn.svg) and min(map(float, sizes(drawn.svg))) >= 9
    assert drawn.svg.count(">height<") == 1 and drawn.narrow.count(">height<") == 2
    ids = [set(re.findall(r' id="([^"]+)"', svg)) for svg in (drawn.svg, drawn.narrow)]
    assert not ids[0] & ids[1], "an element that is not shown would lend its clip to one that is"
    assert drawn.narrow in drawn._repr_html_()
    moved = narrow_of(monkeypatch, narrow=lambda fig, axes: axes[0].texts[0].set_text("there"))
    assert ">there<" in moved.narrow and ">there<" not in moved.svg
    for options in ({"narrow": False}, {"width": 3.6}):
        assert narrow_of(monkeypatch, **options).narrow == ""


def test_a_caption_names_the_panels_as_they_stand():
    """On a phone the left one is above; which words are seen is for the styles."""

    def caption(narrow):
        words = "Left: $\\left(a\\right)$, to the right. Right, b (left)."
        return Figure("two", "<svg/>", words, "Two lines", narrow)._repr_html_()

    pair = r'"ngd-wide">(\w+)</span><span class="ngd-narrow" hidden>(\w+)<'
    both = re.findall(pair, caption("<svg/>"))
    assert both == [("Left", "Above"), ("Right", "Below"), ("left", "above")]
    assert "ngd-wide" not in caption("")


def strayed(points: np.ndarray, path: str) -> float:
    """How far the points, shape (n, 2), are at most from a path of one start and steps."""
    corners = np.cumsum(np.array(re.findall(r"-?[\d.]+", path), dtype=float).reshape(-1, 2), axis=0)
    begin, chord = corners[:-1], np.diff(corners, axis=0)
    along = ((points[:, None] - begin) * chord).sum(-1) / np.maximum((chord**2).sum(-1), 1e-12)
    nearest = begin + np.clip(along, 0, 1)[..., None] * chord
    return np.hypot(*np.moveaxis(points[:, None] - nearest, -1, 0)).min(1).max()


@pytest.mark.parametrize("radius", [2, 30, 200])
def test_a_line_keeps_the_corners_that_one_sees(radius, monkeypatch):
    t = np.linspace(0, 2 * np.pi, 400)
    points = 250 + radius * np.stack([np.cos(t), np.sin(2 * t)], axis=-1)
    path = "M" + " L ".join(f"{x:.2f} {y:.2f}" for x, y in points)
    thin = plots._thinned("<path", path)
    assert strayed(points, thin) < plots.CHORD + 0.08  # and half a tenth in either direction
    assert len(thin) < len(path) / 2
    square = plots._thinned("<path", "M 0 0 \nL 10 0 \nL 10 10 \nL 5 10 \nL 0 10 \nz\n")
    assert square == "M0 0l10 0 0 10 -10 0z"
    assert plots._thinned("<path", "M 0 0 C 1 1 2 2 3 0") == "M 0 0 C 1 1 2 2 3 0"
    monkeypatch.setattr(plots, "CHORD", 3.0)
    assert strayed(points, plots._thinned("<path", path)) > 0.15


def test_names_of_ends_that_lie_close_move_apart():
    fig, ax = plt.subplots()
    for k in range(5):
        ax.annotate(f"end {k}", (0.5, 0.5 + k / 1000), xytext=(8, -3), textcoords="offset points")
    ax.annotate("far away", (0.1, 0.9), xytext=(8, -3), textcoords="offset points")

    def covered():
        fig.draw_without_rendering()
        boxes = [words.get_window_extent() for words in ax.texts]
        return sum(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))

    assert covered() == 10
    apart(ax.texts)
    assert covered() == 0
    assert [words.xyann for words in ax.texts[-2:]] == [(8, -3)] * 2  # the highest ones stay
    plt.close(fig)


def test_figures_do_not_show_the_last_bits(monkeypatch):
    """Another BLAS rounds otherwise: a figure of the same numbers to 1e-13 is the same bytes."""
    shown = []
    monkeypatch.setattr("ngdlib.plots.display", shown.append)

    def drawn(change: float) -> str:
        with figure("a-figure", caption="Look.", alt="A curve", ncols=2) as (_, axes):
            for k, ax in enumerate(axes):
                x = np.linspace(0.1, 3, 40) * (1 + change)
                ax.plot(x, np.exp(np.sin(x)) ** 3 + k, "o-")
                ax.set_yscale("log")
        return shown[-1]._repr_html_()

    plain = drawn(0.0)
    assert "clip-path" in plain and "<use" in plain
    for change in (1e-15, -3e-14, 1e-13):
        assert drawn(change) == plain
    assert drawn(0.01) != plain  # negative control


def lock_faults(text: str) -> list[str]:
    """What keeps `pip install --require-hashes -r` from working everywhere, or names a host."""
    found = []
    blocks = [b for b in re.split(r"^(?=[\w-])", text, flags=re.M) if re.match(r"\w", b)]
    for block in blocks:
        name = re.match(r"[\w.-]+(?:\[[\w,-]+\])?", block)[0]
        if not re.match(r"[\w.-]+(?:\[[\w,-]+\])?==\S+", block):
            found.append(f"{name} is not pinned")
        if not re.search(r"--hash=sha256:[0-9a-f]{64}", block):
            found.append(f"{name} has no hash")
        if re.match(r"(?:torch|jax)", name):
            found.append(f"{name} belongs to a lock of its own")
    asked = set(re.findall(r"^([\w.-]+\[[\w,-]+\])", text, flags=re.M))
    if not any(name.startswith("jsonschema[") for name in asked):
        found.append("extras are missing (--no-strip-extras): pip 23 refuses the lock")
    return found + (["a host is named"] if "://" in text else [])


def test_the_lock_installs_everywhere():
    text = (ROOT / "requirements.lock").read_text("utf-8")
    assert lock_faults(text) == []
    for lie in (  # negative controls
        re.sub(r"^numpy==\S+", "numpy", text, flags=re.M),
        text.replace("jsonschema[format-nongpl]", "jsonschema"),
        "torch==2.0 \\\n    --hash=sha256:" + "0" * 64 + "\n" + text,
        "--index-url https://example.org\n" + text,
        text + "left==1.0\n",
    ):
        assert lock_faults(lie)


def test_pages_of_removed_chapters_go(tmp_path):
    app = SimpleNamespace(env=SimpleNamespace(found_docs={"chapters/kept"}))
    for name in ("kept", "gone"):
        for place in (f"chapters/{name}.html", f"_sources/chapters/{name}.ipynb"):
            (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / place).touch()
    pages.remove_gone(app, tmp_path)
    left = sorted(str(f.relative_to(tmp_path)) for f in tmp_path.rglob("*.*"))
    assert left == ["_sources/chapters/kept.ipynb", "chapters/kept.html"]


def test_one_point_far_out_does_not_flatten_a_figure(monkeypatch):
    """A legal rerun may end at 1e60: the axis stays near the rest, and a note says how far it goes.

    The controls: an ordinary axis, a curve that falls to 0, and large numbers that belong together.
    """
    shown = []
    monkeypatch.setattr("ngdlib.plots.display", shown.append)
    x = np.linspace(0, 5, 60)
    curves = {
        "far": np.append(x[:-1], -9e61),
        "plain": x,
        "falling": np.exp(-9 * x),
        "large": 1e7 + x,
    }
    limits = {}
    for name, y in curves.items():
        with figure(name, caption="One point.", alt="A line.") as (_, ax):
            ax.plot(x, y)
            before = ax.get_ylim()
        limits[name] = before, ax.get_ylim()
    after = limits.pop("far")[1]
    assert -60 < after[0] < -30 and 4 < after[1] < 10
    words = [re.sub(r"<[^>]+>|\s", "", drawn.svg) for drawn in shown]
    assert ["asfaras−9×1061" in text for text in words] == [True, False, False, False]
    assert all(np.allclose(*pair) for pair in limits.values())
