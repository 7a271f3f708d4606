"""The library's reference, made from its docstrings.

library()       # shows itself: every public name, its signature, what its docstring says
"""

from __future__ import annotations

import html
import importlib
import inspect
import pkgutil
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import ngdlib

LEFT_OUT = {"ngdlib.derivations", "ngdlib.reference", "ngdlib.style", "ngdlib.validate"}


class Shown(NamedTuple):
    """HTML that shows itself."""

    text: str

    def _repr_html_(self) -> str:
        return self.text


def reference() -> Shown:
    """The reference of all public modules, as HTML."""
    parts = [_module(module, names) for module, names in modules()]
    return Shown(f'<div class="ngd-reference">{"".join(parts)}</div>')


def modules() -> Iterator[tuple[ModuleType, dict[str, Any]]]:
    """Each public module with its public names, in alphabetical order.

    A package that lists what it offers (`__all__`) is shown as that list; its inner modules are its
    own business.
    """
    closed: list[str] = []
    for found in sorted(pkgutil.walk_packages(ngdlib.__path__, "ngdlib."), key=lambda m: m.name):
        private = any(part.startswith("_") for part in found.name.split("."))
        inside = any(found.name.startswith(f"{name}.") for name in (*closed, *LEFT_OUT))
        if private or inside or found.name in LEFT_OUT:
            continue
        module = importlib.import_module(found.name)
        if hasattr(module, "__all__"):
            closed.append(found.name)
        names = _public(module)
        if names:
            yield module, names


def _public(module: ModuleType) -> dict[str, Any]:
    listed = getattr(module, "__all__", None)
    if listed is not None:
        names = {name: getattr(module, name) for name in sorted(listed)}
    else:
        names = {
            name: value
            for name, value in vars(module).items()
            if not name.startswith("_") and getattr(value, "__module__", "") == module.__name__
        }
    return {k: v for k, v in names.items() if inspect.isclass(v) or inspect.isfunction(v)}


def _module(module: ModuleType, names: dict[str, Any]) -> str:
    short = module.__name__
    entries = "".join(_entry(short, name, value) for name, value in names.items())
    many = f"{len(names)} name{'s' * (len(names) != 1)}"
    return (
        f'<details id="{short.replace(".", "-")}"><summary><code>{short}</code> '
        f"<span>{_inline(_first(inspect.getdoc(module)))} ({many})</span></summary>"
        f"{_prose(_rest(inspect.getdoc(module)))}<dl>{entries}</dl></details>"
    )


def _entry(module: str, name: str, value: Any) -> str:
    doc = inspect.getdoc(value) if value.__doc__ else ""
    if doc and inspect.isclass(value) and doc.startswith(f"{name}("):
        doc = ""  # what NamedTuple says where nothing else is said
    more = ""
    if inspect.isclass(value):
        own = {
            k: getattr(v, "__func__", v)
            for k, v in vars(value).items()
            if not k.startswith("_") and inspect.isfunction(getattr(v, "__func__", v))
        }
        rows = [_entry(f"{module}.{name}", k, v) for k, v in own.items() if v.__doc__]
        more = f"<dl>{''.join(rows)}</dl>" if rows else ""
    identity = f"{module}.{name}".replace(".", "-")
    return (
        f'<dt id="{identity}"><code>{name}{html.escape(_signature(value))}</code></dt>'
        f"<dd>{_prose(doc)}{more}</dd>"
    )


def _signature(value: Any) -> str:
    """Names and defaults of the arguments; their types are in the docstring's words."""
    try:
        signature = inspect.signature(value)
    except (TypeError, ValueError):
        return ""
    plain = [
        p.replace(annotation=p.empty, default=_shown(p.default, p.empty))
        for p in signature.parameters.values()
    ]
    last_default = False
    shown = []
    for p in plain:
        text = str(p)
        if p.default is p.empty and last_default and p.kind is p.POSITIONAL_OR_KEYWORD:
            text += "=…"
        last_default = last_default or p.default is not p.empty
        shown.append(re.sub(r" at 0x[0-9a-f]+", "", text))
    return f"({', '.join(shown)})"


def _shown(default: Any, empty: Any) -> Any:
    """A default as it reads on every machine: paths from the book's folder on, no functions."""
    if isinstance(default, Path):
        return default.relative_to(ngdlib.HOME).as_posix()
    return empty if callable(default) else default


def _first(doc: str | None) -> str:
    return (doc or "").partition("\n\n")[0].replace("\n", " ")


def _rest(doc: str | None) -> str:
    return (doc or "").partition("\n\n")[2]


def _inline(text: str) -> str:
    """Text with `code` marked."""
    return re.sub(r"(`+)(.+?)\1", r"<code>\2</code>", html.escape(text, quote=False))


def _prose(doc: str) -> str:
    """A docstring as HTML: paragraphs, and what is indented or in columns as it is written."""
    found = []
    for block in re.split(r"\n\s*\n", doc.strip("\n")):
        lines = block.splitlines()
        as_written = all(line.startswith("  ") for line in lines) or any(
            re.search(r"\S {2,}\S", line) or line.startswith("    ") for line in lines
        )
        if not block.strip():
            continue
        if as_written:
            found.append(f"<pre>{html.escape(textwrap.dedent(block), quote=False)}</pre>")
        else:
            found.append(f"<p>{_inline(' '.join(line.strip() for line in lines))}</p>")
    return "".join(found)
