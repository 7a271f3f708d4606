"""The instructor's key, and all that is drawn from it.

    key = create(folder)                             # a new key file; read(folder) finds it again
    seed(key, "bernoulli", "ada", "q4")              # of the student's variant of an item
    hidden(key, part, "bernoulli", "ada", "q6")      # the student's hidden cases of a function

A draw is the HMAC-SHA256 of its purpose, set, student and item. Whoever has the key can compute all
of them again; without it none can be predicted, not even from all the others.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ngdlib import HOME

NAME = "key"
SIZE = 32  # bytes


def create(folder: Path) -> bytes:
    """A new key in `<folder>/key`, which only its owner may read.

    Raises ValueError where there is one already, or inside the checkout: what stands there is
    published sooner or later.
    """
    folder = Path(folder).expanduser().resolve()
    if folder.is_relative_to(HOME.resolve()):
        raise ValueError(f"CLASS: expected a folder outside of {HOME}, got {folder}")
    if (folder / NAME).exists():
        raise ValueError(f"{folder / NAME} is there already; each class has one key")
    folder.mkdir(parents=True, exist_ok=True)
    key = secrets.token_bytes(SIZE)
    file = os.open(folder / NAME, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(file, "w") as out:
        out.write(key.hex() + "\n")
    return key


def read(folder: Path) -> bytes:
    """The key of a class. Raises ValueError where there is none, or what is there is no key."""
    file = Path(folder).expanduser() / NAME
    if not file.is_file():
        raise ValueError(f"{file} is missing: `make class` creates it")
    try:
        key = bytes.fromhex(file.read_text(encoding="ascii").strip())
    except ValueError:
        key = b""
    if len(key) != SIZE:
        raise ValueError(f"{file}: expected {SIZE} bytes in hexadecimal")
    return key


def _drawn(key: bytes, *what: str) -> str:
    return hmac.new(key, json.dumps(what).encode(), hashlib.sha256).hexdigest()


def seed(key: bytes, chapter: str, student: str, item: str) -> str:
    """The seed of a student's variant, for `check(..., seed=...)`. It tells nothing of the rest."""
    return _drawn(key, "variant", chapter, student, item)[:8]


def seal(key: bytes, chapter: str, student: str) -> str:
    """What a released notebook carries, and only the key can make: whose notebook it is."""
    return _drawn(key, "seal", chapter, student)[:32]


def hidden(key: bytes, part: Any, chapter: str, student: str, item: str) -> Mapping[str, Any]:
    """A student's hidden cases of a function item, in the form of the item's own.

    part: the item's `Hidden`, from `exercises/<chapter>.py`.
    """
    return part.drawn(np.random.default_rng(int(_drawn(key, "hidden", chapter, student, item), 16)))
