"""The worked examples at other legal parameters: at the ends of their ranges, and inside.

What a reader of a rerun needs: no cell fails; each number of the text that is another one is in a
marked sentence, and is given its new value under a name of its own; no table holds what is no
number, or one of twenty digits; the words of a figure cover neither one another nor leave it.
"""

import ast
import itertools
import json
import random
import re
import warnings

import matplotlib as mpl
import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from matplotlib.backends.backend_agg import FigureCanvasAgg

from ngdlib import plots
from ngdlib.panel import _outputs
from ngdlib.parameters import example, is_tagged, parameters, text
from tests.conftest import ROOT

CHAPTERS = [
    file.stem
    for file in sorted((ROOT / "chapters").glob("*.ipynb"))
    if parameters(json.loads(file.read_text("utf-8")))
]
SLOW = {"basins": 2, "damping": 3, "trust-regions": 3}  # how many settings, where a run takes long
SETTINGS = 5
KNOWN = {  # settings that once made a page that nobody could read
    "bernoulli": [dict(eta=3.5, y=0.2, q0=0.97)],
    "categorical": [
        dict(rain=0.3, snow=0.02, rain_true=0.6, snow_true=0.3, damping=0.8),
        dict(rain=0.5, snow=0.09, rain_true=0.5, snow_true=0.09, damping=0.01),
    ],
    "coordinates": [
        dict(mu=1.7, sigma=0.6, data_mean=1.7, data_sd=1.8, eta=0.95),
        dict(mu=0.0, sigma=1.0, data_mean=0.0, data_sd=1.0, eta=0.5),
    ],
    "empirical-fisher": [dict(n=4000, fit=1.0, noise=0.0, eta=1.0), dict(n=20, fit=0.0)],
    "function-space": [dict(w=0.0, b=0.0, left=0.0, middle=0.0, right=0.0, duration=0.5)],
    "mixture": [dict(delta=3.6, eta=0.15, sigma=0.6)],
    "natural-gradient": [
        dict(mu=-1.0, sigma=0.5, mean=-1.0, sd=4.0, eta=0.5),
        dict(mu=-2.0, sigma=4.0, mean=2.0, sd=0.3, eta=0.01),
        dict(mu=2.0, sigma=4.0, mean=2.0, sd=4.0, eta=1.0),
        dict(mu=0.0, sigma=4.0, mean=-2.0, sd=0.3, eta=1.5),
        dict(mu=1.8, sigma=0.6, mean=-1.9, sd=3.5, eta=1.4),
        dict(mu=0.226, sigma=2.43, mean=0.916, sd=3.85, eta=0.0998),
        dict(mu=-2.0, sigma=4.0, mean=2.0, sd=3.96, eta=1.5),
        dict(mu=-2.0, sigma=3.89, mean=-2.0, sd=4.0, eta=1.5),
    ],
    "newton": [dict(r=3.16, m=10.3, eta=0.0633)],
    "trust-regions": [dict(radius=0.5, discount=0.99, slip=0.0, shrink=0.5, steps=30)],
}
WORDS = dict(
    zip(
        "two three four five six seven eight nine ten eleven twelve thirteen fourteen".split(),
        range(2, 15),
        strict=True,
    )
)
FRACTIONS = {r"\tfrac12": "½", r"\tfrac14": "¼", r"\tfrac34": "¾", "half": "½", "No step": "0"}


# --- running one ----------------------------------------------------------------------------------


def names(source: str) -> tuple[set[str], set[str]]:
    """What a cell defines for those after it, and every name that it reads."""
    defined, read, todo = set(), set(), [(ast.parse(source), True)]
    while todo:
        node, outside = todo.pop()
        if isinstance(node, ast.Name):
            (read if isinstance(node.ctx, ast.Load) else defined if outside else set()).add(node.id)
        elif isinstance(node, ast.Import | ast.ImportFrom) and outside:
            defined |= {(a.asname or a.name).split(".")[0] for a in node.names}
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            defined |= {node.name} if outside else set()
            outside = False
        elif isinstance(node, ast.Lambda | ast.comprehension | ast.ListComp | ast.DictComp):
            outside = False
        todo += [(child, outside) for child in ast.iter_child_nodes(node)]
    return defined, read


def needed(cells: list[dict], after: list[str]) -> list[str]:
    """Of the code cells before an example, in order, those that define what it reads."""
    wanted = set().union(*(names(source)[1] for source in after))
    kept = []
    for cell in reversed(cells):
        source = text(cell)
        if cell["cell_type"] != "code" or re.search(r"^(panel|boxes|live)\(", source, re.M):
            continue
        defined, read = names(source)
        if defined & wanted:
            wanted |= read
            kept.append(source)
    return kept[::-1]


def prepared(name: str, monkeypatch) -> tuple[dict, list[tuple[str, str, str]]]:
    """The names that stand when a chapter's example begins, and the cells from there to the last
    that quotes its numbers: (kind, id, source)."""
    monkeypatch.chdir(ROOT / "chapters")
    InteractiveShell.instance()
    book = json.loads((ROOT / "chapters" / f"{name}.ipynb").read_text("utf-8"))
    at = next(k for k, cell in enumerate(book["cells"]) if is_tagged(cell))
    inside, last = dict(example(book)), at + 1
    made = set().union(*(names(source)[0] for source in inside.values())) - {"quoted", "said"}
    for k, cell in enumerate(book["cells"][at + 1 :], at + 1):
        source = text(cell)
        if "quoted_at()" in source:
            break  # from here on what is quoted has nothing to do with the parameters
        quotes = cell["cell_type"] == "code" and re.search(r"^\s*(quoted|said)\(", source, re.M)
        if cell["id"] in inside or (quotes and names(source)[1] & made):
            last = k
    cells = [
        (cell["cell_type"], cell["id"], text(cell))
        for cell in book["cells"][at + 1 : last + 1]
        if not re.search(r"^(panel|boxes|live|claims\.box)\(", text(cell), re.M)
    ]
    stand: dict = {"__name__": "__main__"}
    code = [source for kind, _, source in cells if kind == "code"]
    for k, source in enumerate(needed(book["cells"][:at], code)):
        _outputs(source, f"{name}, before {k}", stand)
    return stand, cells


def settings(name: str) -> list[dict[str, object]]:
    """Legal parameters: each all at one end, each at the other, and mixtures, some inside."""
    known = parameters(json.loads((ROOT / "chapters" / f"{name}.ipynb").read_text("utf-8")))
    chance = random.Random(name)

    def at(p, where: float) -> object:
        low, high, with_low, with_high = p.interval()
        inset = 1e-3 * (high - low)
        low, high = low + inset * (not with_low), high - inset * (not with_high)
        if low > 0 and high / low > 100:
            value = low * (high / low) ** where
        else:
            value = low + where * (high - low)
        if type(p.default) is int:
            return round(value)
        return float(np.clip(float(f"{value:.3g}"), low, high))

    ends = [dict.fromkeys(known, 0.0), dict.fromkeys(known, 1.0)]
    while len(ends) < SLOW.get(name, SETTINGS):
        inside = {p: chance.random() for p in known}
        corner = {p: chance.choice([0.0, 1.0, chance.random()]) for p in known}
        ends.append(corner if len(ends) % 2 else inside)
    drawn = [{p: at(known[p], where) for p, where in places.items()} for places in ends]
    defaults = {p.name: p.default for p in known.values()}
    return [defaults | values for values in KNOWN.get(name, []) + drawn]


def run(name: str, cells, stand: dict, values: dict, found: list[str], drawn: list) -> list:
    """[(kind, id, text)] of one run: prose as it is written, and what was printed."""
    here, said = {**stand, **values}, []
    for kind, cell, source in cells:
        if kind == "markdown":
            said.append((kind, cell, source))
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                outputs = _outputs(source, f"{name}, cell {cell}", here)
        except Exception as error:  # whatever the example's own code raises
            found.append(f"{cell} fails: {type(error).__name__}: {error}")
            return said
        said += [("out", cell, o["text"]) for o in outputs if o["output_type"] == "stream"]
    return said


# --- what a reader would stumble over -------------------------------------------------------------


def plain(prose: str) -> str:
    """Prose with its numbers as `quoted` writes them."""
    for word, n in WORDS.items():
        prose = re.sub(rf"\b{word}\b", str(n), prose, flags=re.I)
    for formula, sign in FRACTIONS.items():
        prose = prose.replace(formula, sign)
    return prose.replace("{,}", ",").replace("−", "-")


def faults_of_words(said: list[tuple[str, str, str]]) -> list[str]:
    """Numbers that are another one here and are not marked in the prose; names that do not tell;
    what is printed and no reader can use."""
    found, prose = [], ""
    for kind, cell, words in said:
        if kind == "markdown":
            prose = words
            continue
        marked = plain(" ".join(re.findall(r'<span class="at-defaults">(.*?)</span>', prose, re.S)))
        given: dict[str, tuple[str, str]] = {}
        for line in words.splitlines():
            told = re.match(r"The text quotes (\S+) for the default parameters; here (.*)\.$", line)
            if told is None:
                if re.search(r"\b(nan|inf)\b|-?\b\d[\d.]{15,}", line):
                    found.append(f"{cell} prints {line.strip()!r}")
                continue
            number, (name, value) = told[1], re.fullmatch(r"(.*) is (.*)", told[2]).groups()
            if " is " in name:  # a live page reads the value after the first "is"
                found.append(f"{cell}: a number is called {name!r}")
            if not re.search(rf"(?<![\d.,]){re.escape(plain(number))}(?![\d]|[.,]\d)", marked):
                found.append(f"{cell}: {number} is {value} here, and stands in no marked sentence")
            if name in given and given[name] != value:
                found.append(f"{cell}: two numbers are called {name!r}")
            given[name] = value
            if re.search(r"\w\(.*\)|\w\[|[*/]", name):
                found.append(f"{cell}: a number is called {name!r}, which is code")
    return found


def faults_of_figure(name: str, fig: mpl.figure.Figure) -> list[str]:
    """Words of a figure that cover one another or leave it; axes that nobody can read."""
    found, boxes = [], []
    render = FigureCanvasAgg(fig).get_renderer()
    for ax in fig.axes:
        words = [*ax.texts, ax.xaxis.label, ax.yaxis.label, ax.title]
        for axis in (ax.xaxis, ax.yaxis):
            low, high = sorted(axis.get_view_interval())
            ticks = [t for t in axis.get_major_ticks() if low <= t.get_loc() <= high]
            words += [label for t in ticks for label in (t.label1, t.label2)]
            if axis.get_scale() == "log" and high / low > 1e31:
                found.append(f"{name}: an axis from {low:.0e} to {high:.0e}")
            if max(abs(low), abs(high)) > 1e6 and axis.get_scale() == "linear":
                found.append(f"{name}: an axis from {low:.0e} to {high:.0e}")
        if ax.get_legend():
            words += ax.get_legend().get_texts()
        for word in words:
            shown = word.get_text().strip() and word.get_visible()
            if isinstance(word, mpl.text.Annotation):
                shown = shown and word._check_xy(
                    render
                )  # not drawn where its point is out of sight
            if shown:
                extent = mpl.text.Text.get_window_extent(word, render)  # without an arrow
                boxes.append((word.get_text(), extent))
    width, height = fig.bbox.width, fig.bbox.height
    for word, box in boxes:  # letters are as wide as whole pixels: 3 do not count
        if not (-3 < box.x0 and -3 < box.y0 and box.x1 < width + 3 and box.y1 < height + 3):
            found.append(f"{name}: {word!r} leaves the figure")
    for (word, box), (other, its) in itertools.combinations(boxes, 2):
        wide = min(box.x1, its.x1) - max(box.x0, its.x0)
        high = min(box.y1, its.y1) - max(box.y0, its.y0)
        if wide > 1.5 and high > 3:  # boxes have room above and below the letters
            found.append(f"{name}: {word!r} and {other!r} cover one another")
    return found


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_worked_example_reads_well_at_every_legal_value(name, monkeypatch):
    found: list[str] = []
    drawn: list[str] = []
    write = plots.svg_text

    def watched(fig, alt):
        svg = write(fig, alt)
        drawn.extend(faults_of_figure(mpl.rcParams["svg.hashsalt"], fig))
        return svg

    stand, cells = prepared(name, monkeypatch)
    monkeypatch.setattr(plots, "svg_text", watched)
    for values in settings(name):
        mine: list[str] = []
        mine += faults_of_words(run(name, cells, stand, values, mine, drawn))
        found += [f"{values}: {fault}" for fault in dict.fromkeys([*mine, *drawn])]
        drawn.clear()
    assert not found, "\n".join(found)


# --- the controls: what is not fit to read is seen ------------------------------------------------

PROSE = '<span class="at-defaults">It ends at $0.5$, half of \\tfrac12.</span> The other is 0.7.'


@pytest.mark.parametrize(
    ("printed", "wrong"),
    [
        ("The text quotes 0.5 for the default parameters; here the end is 0.3.", None),
        ("The text quotes ½ for the default parameters; here the half is no number.", None),
        ("The text quotes 0.7 for the default parameters; here the end is 0.3.", "no marked"),
        ("The text quotes 5 for the default parameters; here the end is 0.3.", "no marked"),
        ("The text quotes 0.5 for the default parameters; here ends['q'] is 0.3.", "is code"),
        (
            "The text quotes 0.5 for the default parameters; here what it is worth is 0.3.",
            "is called",
        ),
        ("end   0.25", None),
        ("end   nan", "prints"),
        ("end   217000000000000000.25", "prints"),
    ],
)
def test_what_a_reader_would_stumble_over_is_seen(printed, wrong):
    found = faults_of_words([("markdown", "a", PROSE), ("out", "b", printed)])
    assert (found == []) if wrong is None else (len(found) == 1 and wrong in found[0])


def test_two_numbers_of_one_name_are_seen():
    line = "The text quotes 0.5 for the default parameters; here the end is {}."
    said = [("markdown", "a", PROSE), ("out", "b", f"{line.format(1)}\n{line.format(2)}")]
    assert faults_of_words(said) == ["b: two numbers are called 'the end'"]


def drawing(*words: tuple[float, float, str]) -> tuple[mpl.figure.Figure, mpl.axes.Axes]:
    fig = mpl.figure.Figure(figsize=(4, 3), layout="constrained")
    ax = fig.add_subplot()
    ax.plot([0, 1], [0, 1])
    for x, y, word in words:
        ax.annotate(word, (x, y), xytext=(2, 2), textcoords="offset points")
    FigureCanvasAgg(fig).draw()
    return fig, ax


def test_words_that_cover_one_another_are_seen_and_moved_apart():
    fig, ax = drawing((0.2, 0.5, "one"), (0.22, 0.51, "two"), (0.7, 0.5, "three"))
    assert faults_of_figure("f", fig) == ["f: 'one' and 'two' cover one another"]
    plots.apart(ax.texts)
    assert faults_of_figure("f", fig) == []


def test_words_beyond_the_edge_are_seen_and_moved_inwards():
    fig, ax = drawing()
    fig.set_layout_engine("none")
    ax.annotate("a name that leaves", (0.9, 0.5), xytext=(2, 2), textcoords="offset points")
    FigureCanvasAgg(fig).draw()
    assert "leaves the figure" in faults_of_figure("f", fig)[0]
    plots.apart(ax.texts)
    assert faults_of_figure("f", fig) == []


def test_an_axis_of_eighty_powers_of_ten_is_seen_and_cut():
    fig, ax = drawing()
    ax.clear()
    ax.semilogy([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [0.6, 0.7, 0.8, 1.2, 1e-43, 1e38], "o")
    assert "an axis from" in faults_of_figure("f", fig)[0]
    plots.readable(ax)
    assert faults_of_figure("f", fig) == []
    low, high = ax.get_ylim()
    assert 1e-6 < low < 0.6 and 1.2 < high < 1e6
    notes = [word.get_text() for word in ax.texts]
    assert notes == ["↓ as far as $10^{-43}$", "↑ as far as $10^{38}$"]


def test_a_fall_by_forty_powers_of_ten_is_seen_and_cut():
    fig, ax = drawing()
    ax.clear()
    ax.semilogy(np.arange(41), 10.0 ** -np.arange(41), "o")
    assert "an axis from" in faults_of_figure("f", fig)[0]
    plots.readable(ax)
    assert faults_of_figure("f", fig) == []
    assert [word.get_text() for word in ax.texts] == ["↓ as far as $10^{-40}$"]
    assert 1e-25 < ax.get_ylim()[0] < 1e-20


def test_an_axis_of_rounding_noise_is_widened():
    _, ax = drawing()
    ax.clear()
    ax.plot([-1.0, -1.0 + 1e-13], [0.0, 1.0])
    ax.set_xlim(-1.0 - 1e-13, -1.0 + 2e-13)
    plots.readable(ax)
    assert np.allclose(ax.get_xlim(), (-1.1, -0.9))
    labels = [tick.label1.get_text() for tick in ax.xaxis.get_major_ticks()]
    assert max(map(len, labels)) < 8
