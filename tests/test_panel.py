"""The panel of a worked example: what it runs, what it refuses, what it shows."""

import asyncio
import html
import json
import re

import nbformat
import pytest
from ipywidgets import FloatSlider, Text

from ngdlib.panel import Panel, live, panel
from ngdlib.parameters import Parameter, example, parameters, with_values
from tests.conftest import ROOT

CHAPTERS = [
    file
    for file in sorted((ROOT / "chapters").glob("*.ipynb"))
    if parameters(json.loads(file.read_text("utf-8")))
]


def chapter(*more: nbformat.NotebookNode) -> nbformat.NotebookNode:
    v4 = nbformat.v4
    source = "eta = 1.0  # step size, in (0, 4]\nn = 2  # steps, in [1, 9]"
    return v4.new_notebook(
        cells=[
            v4.new_code_cell("print('before')", id="before"),
            v4.new_code_cell(source, id="p", metadata={"tags": ["parameters"]}),
            v4.new_code_cell("from ngdlib.panel import panel\n\npanel('small')", id="panel"),
            v4.new_code_cell("quoted = quoted_at(eta == 1, n == 2)", id="defaults"),
            v4.new_code_cell("total = eta * n\nprint(total)", id="total"),
            v4.new_code_cell("quoted('2.0', total)\ntotal + 1", id="quoted"),
            *more,
            v4.new_markdown_cell("## Pitfalls", id="pitfalls"),
            v4.new_code_cell("print('after')", id="after"),
        ]
    )


@pytest.fixture
def small(tmp_path, monkeypatch) -> Panel:
    from ngdlib.prose import quoted_at

    monkeypatch.chdir(tmp_path)
    nbformat.write(chapter(), "small.ipynb")
    made = panel("small")
    made.before = {"quoted_at": quoted_at}
    return made


def written(made: Panel) -> str:
    return "".join(str(output.get("text", output.get("data"))) for output in made.shown.outputs)


def test_it_runs_the_example_and_no_more(small):
    assert [name for name, _ in example(chapter())] == ["defaults", "total", "quoted"]

    async def use() -> None:
        small.fields["eta"].value = "1.5"
        await small.task

    asyncio.run(use())
    assert written(small).startswith("3.0\n")
    assert "The text quotes 2.0 for the default parameters; here total is 3." in written(small)
    assert "4.0" in written(small)  # the value of the last line
    assert "before" not in written(small) and "after" not in written(small)
    assert "total" not in small.before  # the reader's variables are as they were


@pytest.mark.parametrize("typed", ["0", "4.1", "nan", "__import__('os')", "", "1e999"])
def test_a_bad_value_is_refused_as_on_the_command_line(small, typed):
    known = parameters(chapter())
    with pytest.raises(ValueError) as complaint:
        known["eta"].parse(typed)
    small.fields["eta"].value = typed
    assert small.task is None
    assert small.values["eta"] == 1.0
    assert str(complaint.value) in html.unescape(small.refused.value)


def test_the_last_of_many_wins(small):
    async def use() -> None:
        for value in ("0.5", "2", "3"):
            small.fields["eta"].value = value
            await asyncio.sleep(0)
        assert "running with eta = 3" in small.state.value
        await small.task

    asyncio.run(use())
    assert written(small).startswith("6.0\n")
    assert small.state.value == "The worked example with eta = 3, n = 2:"


def test_the_nearest_notch_is_no_move(tmp_path, monkeypatch):
    """A front end puts a handle on its nearest notch and reports that: it changes nothing."""
    monkeypatch.chdir(tmp_path)
    book = chapter()
    for cell in book.cells:
        if "parameters" in cell.metadata.get("tags", []):
            cell.source += "\ndamping = 0.001  # its λ, in [0.0001, 0.1]"
    nbformat.write(book, "small.ipynb")
    made = panel("small")
    sliders = {
        row.children[0].value: row.children[1]
        for row in made.children
        if hasattr(row, "children") and len(row.children) == 4
    }

    async def use() -> None:
        sliders["damping"].value = 0.00101158  # where JupyterLab puts it
        assert made.task is None and made.values["damping"] == 0.001
        assert made.fields["damping"].value == "0.001"
        sliders["damping"].value = 0.00101158 * 10 ** sliders["damping"].step  # one notch further
        await made.task

    asyncio.run(use())
    assert made.values["damping"] == pytest.approx(0.0010471, rel=1e-3)


def test_a_failing_cell_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    bad = nbformat.v4.new_code_cell("1 / (eta - 2)", id="bad")
    book = chapter(bad)
    book.cells = [cell for cell in book.cells if cell.id not in ("defaults", "quoted")]
    nbformat.write(book, "small.ipynb")
    made = panel("small")

    async def use() -> None:
        made.fields["eta"].value = "2"
        await made.task

    asyncio.run(use())
    assert "cell bad failed" in made.state.value and "ZeroDivisionError" in made.state.value


@pytest.mark.parametrize(
    ("allowed", "default"),
    [
        ("in (0, 4]", 1.0),
        ("in [0.0001, 0.9]", 0.25),
        ("in (0, 1)", 0.5),
        ("in [1, 9]", 3),
        ("in (0, 9)", 3),
        ("one of {0, 1, 5}", 1),
        ("in (0.001, 1000)", 2.0),
    ],
)
def test_every_position_of_a_slider_is_legal(allowed, default):
    from ngdlib.panel import _slider

    p = Parameter("x", default, "", allowed)
    slider = _slider(p, default)
    if p.choices() is not None:
        assert all(p.holds(value) for value in slider.options)
    elif hasattr(slider, "base"):
        assert p.holds(slider.base**slider.min) and p.holds(slider.base**slider.max)
    else:
        assert p.holds(slider.min) and p.holds(slider.max)


@pytest.mark.parametrize("file", CHAPTERS, ids=lambda file: file.stem)
def test_every_chapter_has_a_panel_of_its_example(file, monkeypatch):
    monkeypatch.chdir(file.parent)
    made = panel(file.stem)
    assert set(made.fields) == set(parameters(json.loads(file.read_text("utf-8"))))
    still = made._repr_mimebundle_()["text/html"]
    assert "In Jupyter" in still and f"NOTEBOOK={file.stem}" in still
    assert "<input" not in still  # no dead control
    assert example(json.loads(file.read_text("utf-8")))


def test_what_is_no_chapter_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="expected a notebook nothing"):
        panel("nothing")


def test_live_controls_have_a_still():
    shown = live(FloatSlider(0.5, description="η"))._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in shown
    assert "η" in shown["text/html"] and "0.5" in shown["text/html"]
    assert "alive in Jupyter" in shown["text/html"]
    with pytest.raises(ValueError, match="expected ipywidgets"):
        live(Text("a"), "b")


def sources(file) -> list[str]:
    cells = json.loads(file.read_text("utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


@pytest.mark.parametrize("file", CHAPTERS, ids=lambda file: file.stem)
def test_every_chapter_shows_how_a_demo_lives_in_jupyter(file):
    """Python sets it and hears of it, an ipywidgets control is linked; and the example's panel."""
    code = sources(file)
    (live_cell,) = [source for source in code if "\nlive(" in source]
    assert "demo.observe(" in live_cell and "link((demo," in live_cell
    assert re.search(r"^demo\.\w+ = ", live_cell, flags=re.M)
    named = [source for source in code if re.search(r"^demo = \w+\(", source, flags=re.M)]
    assert len(named) == 1 and code.index(named[0]) < code.index(live_cell)
    assert sum(f'panel("{file.stem}")' in source for source in code) == 1


def test_a_parameters_cell_takes_other_values():
    source = "eta = 1.0  # step size, in (0, 4]\nn = 2  # steps, in [1, 9]\nnote = n  # not one"
    other = with_values(source, {"eta": 0.25, "n": 7})
    assert other == source.replace("1.0 ", "0.25 ").replace("n = 2", "n = 7")
    assert parameters(chapter())["eta"].default == 1.0
    with pytest.raises(ValueError, match="there is no parameter 'et'"):
        with_values(source, {"et": 1.0})


@pytest.mark.parametrize("file", CHAPTERS, ids=lambda file: file.stem)
def test_every_chapter_takes_its_own_values(file):
    book = json.loads(file.read_text("utf-8"))
    cell = next(c for c in book["cells"] if "parameters" in c["metadata"].get("tags", []))
    source, known = "".join(cell["source"]), parameters(book)
    same = with_values(source, {p.name: p.default for p in known.values()})
    cell["source"] = same
    assert parameters(book) == known
