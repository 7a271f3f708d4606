"""The reference page holds every public name of the library, with its docstring."""

import html
import inspect
import re
import sys
from types import ModuleType

import ngdlib
from ngdlib.reference import modules, reference


def undocumented(pairs) -> list[str]:
    return [
        f"{module.__name__}.{name}"
        for module, names in pairs
        for name, value in names.items()
        if not (inspect.getdoc(value) or "").strip()
    ]


def test_every_public_name_has_a_docstring():
    assert undocumented(modules()) == []
    bare = ModuleType("bare")
    bare.f = lambda: None
    assert undocumented([(bare, {"f": bare.f})]) == ["bare.f"]  # negative control


def test_the_page_holds_them_all():
    page = reference()._repr_html_()
    assert page == reference()._repr_html_()
    identities = re.findall(r'id="([^"]+)"', page)
    assert len(identities) == len(set(identities)) > 100
    for module, names in modules():
        for name in names:
            assert f"{module.__name__}.{name}".replace(".", "-") in identities
    for name in ("ngdlib-descent-step", "ngdlib-families-Gaussian", "ngdlib-panel-panel"):
        assert name in identities
    assert str(ngdlib.HOME) not in page and "PosixPath" not in page
    assert " at 0x" not in page and "/ngdlib/" not in html.unescape(page)
    assert sys.modules["ngdlib"].__version__ == ngdlib.__version__ == "0.1.0"
