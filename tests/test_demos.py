"""The Python side of the demos: traits, links, the HTML form and its weight."""

import gzip
import json
import re
import xml.etree.ElementTree as ET

import ipywidgets
import numpy as np
import pytest
import traitlets
from hypothesis import given, settings
from hypothesis import strategies as st

from ngdlib.demos import TwoCharts
from ngdlib.demos.base import Demo, Linear, Log, axis, module_text, paint, shape


def test_python_sets_and_observes():
    demo, seen = TwoCharts(q=0.4), []
    demo.observe(lambda change: seen.append((change["name"], change["new"])), ["q", "steps"])
    demo.q = 0.5
    demo.steps = 3
    demo.set_state({"q": 0.6})  # as it arrives from the browser
    assert seen == [("q", 0.5), ("steps", 3), ("q", 0.6)]


def test_links_to_a_slider():
    demo, slider = TwoCharts(), ipywidgets.FloatSlider(min=0.01, max=10, value=1)
    ipywidgets.link((slider, "value"), (demo, "eta"))
    assert demo.eta == 1
    slider.value = 0.5
    assert demo.eta == 0.5
    demo.eta = 2
    assert slider.value == 2
    assert ipywidgets.jslink((slider, "value"), (demo, "eta")).source == (slider, "value")


@pytest.mark.parametrize(
    ("trait", "bad"),
    [
        ("q", 0.0),
        ("q", float("nan")),
        ("q", "x"),
        ("q", True),
        ("mean", 1.1),
        ("eta", 0),
        ("eta", np.inf),
        ("steps", 0),
        ("steps", 2.5),
        ("steps", None),
        ("mode", "run"),
    ],
)
def test_values_out_of_range_are_refused(trait, bad):
    with pytest.raises(ValueError, match=f"{trait}: expected .*, got "):
        TwoCharts(**{trait: bad})
    demo = TwoCharts()
    before = demo.state()
    with pytest.raises(traitlets.TraitError):
        setattr(demo, trait, bad)
    assert demo.state() == before


def test_unknown_arguments_are_refused():
    with pytest.raises(TypeError, match=r"no trait named 'lr'.*eta"):
        TwoCharts(lr=0.1)
    with pytest.raises(ValueError, match="name: expected letters"):
        TwoCharts(name='a"b')


@settings(max_examples=25)
@given(
    q=st.floats(0.001, 0.999),
    mean=st.floats(0, 1),
    eta=st.floats(0.01, 10),
    steps=st.integers(1, 50),
    mode=st.just("steps"),
)
def test_every_state_has_a_still(q, mean, eta, steps, mode):
    """Well-formed, all numbers finite, wherever the steps end."""
    picture = TwoCharts(q=q, mean=mean, eta=eta, steps=steps, mode=mode).still()
    ET.fromstring(picture)
    for coordinates in re.findall(r' d="([^"]*)"', picture):
        assert "nan" not in coordinates and "inf" not in coordinates


@pytest.mark.parametrize(("q", "mean"), [(0.3, 0.8), (0.2, 1.0), (0.9, 0.0), (0.5, 0.5)])
def test_flows_have_a_still(q, mean):
    demo = TwoCharts(q=q, mean=mean, mode="flow", steps=20)
    ET.fromstring(demo.still())
    ends = demo.ends()
    natural = [end.pairs[-1, 0] for end in ends["natural"].values()]
    wanted = mean + (q - mean) * np.exp(-demo.eta * 20)
    assert np.allclose(natural, wanted, rtol=0, atol=1e-9)
    # and not so the ordinary ones, except from where there is nothing to do
    ordinary = [end.pairs[-1, 0] for end in ends["ordinary"].values()]
    assert np.allclose(ordinary, wanted, rtol=0, atol=1e-9) == (q == mean)


def test_caption_says_what_is_so():
    """Natural ends come together about a hundredfold when eta shrinks tenfold; ordinary tenfold."""

    def gap(method, eta):
        qs = [end.pairs[-1, 0] for end in TwoCharts(eta=eta).ends()[method].values()]
        return max(qs) - min(qs)

    assert 80 < gap("natural", 0.2) / gap("natural", 0.02) < 125
    assert 8 < gap("ordinary", 0.2) / gap("ordinary", 0.02) < 12.5


def test_html_form():
    demo = TwoCharts(q=0.25)
    data, _ = demo._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    page = data["text/html"]
    assert page == TwoCharts(q=0.25).figure(), "nothing in it depends on the run"
    assert data["text/plain"].startswith("TwoCharts(") and "q=0.25" in data["text/plain"]
    state = json.loads(re.search(r'<script type="application/json">(.*?)</script>', page)[1])
    numbers = {"eta": 0.2, "mean": 0.8, "q": 0.25, "steps": 1}
    assert state == {"state": {**numbers, "mode": "steps", "view": "all", "answer": "shown"}}
    assert "<svg" in page and "<figcaption>" in page
    assert page.count("</script>") == 3, "the module's text does not end its script element"
    assert not re.search(r"https?://(?!www\.w3\.org)", page)


def test_weight():
    """A demo's code and data are at most 60 kB, gzipped."""
    assert len(gzip.compress(TwoCharts().figure().encode(), 9)) <= 60_000


def test_module_is_base_and_own_code():
    text = module_text("two_charts.js")
    assert text.index("const ngd =") < text.index("\nexport const math")
    assert TwoCharts()._esm == text and "--ngd-natural" in TwoCharts()._css
    assert not re.search(r"^ *(//|/\*\*)", text, re.MULTILINE)  # comments stay in the files


def test_a_demo_without_a_still_says_so():
    class Bare(Demo):
        _module = "two_charts.js"
        name = title = caption = "bare"

    with pytest.raises(NotImplementedError):
        Bare().figure()


def test_drawing_helpers():
    assert Linear((0, 2), 10, 110)(0.5) == 35
    assert abs(Log((0.01, 1), 0, 100)(0.1) - 50) < 1e-12
    assert axis(Linear((0, 1), 0, 100), (0, 1), 50).count("<text") == 2
    assert paint("ink") == "currentColor" and "--ngd-natural" in paint("natural")
    for call in (
        lambda: paint("teal"),
        lambda: shape("heart", 0, 0, 1),
        lambda: axis(None, (), 0, side="top"),
    ):
        with pytest.raises(ValueError, match="expected"):
            call()
