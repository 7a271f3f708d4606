"""The book's derivations, a module for each chapter, each a function that returns a Derivation.

    @derivation(chapter="bernoulli")
    def fisher_in_log_odds() -> Derivation:
        ...

`all_derivations()` finds them all; the tests verify each one and mutate each one.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable

from ngdlib.derive import Derivation

_REGISTRY: dict[str, tuple[str, Callable[[], Derivation]]] = {}


def derivation(chapter: str) -> Callable[[Callable[[], Derivation]], Callable[[], Derivation]]:
    """Register a zero-argument function under `<chapter>.<function name>`.

    Raises ValueError where two functions would share a name.
    """
    if not isinstance(chapter, str) or not chapter:
        raise ValueError(f"chapter: expected a chapter's name, got {chapter!r}")

    def register(function: Callable[[], Derivation]) -> Callable[[], Derivation]:
        key = f"{chapter}.{function.__name__}"
        known = _REGISTRY.get(key)
        if known and known[1].__code__.co_filename != function.__code__.co_filename:
            raise ValueError(f"chapter: expected one derivation named {key}, got two")
        _REGISTRY[key] = (chapter, function)
        return function

    return register


def all_derivations(chapter: str | None = None) -> dict[str, Callable[[], Derivation]]:
    """{id: function} of every derivation of the book, or of one chapter, sorted by id."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return {
        key: function
        for key, (where, function) in sorted(_REGISTRY.items())
        if chapter in (None, where)
    }
