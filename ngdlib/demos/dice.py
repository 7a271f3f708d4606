"""Random numbers that Python and JavaScript draw alike (dice.js has the same two functions)."""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from ngdlib.validate import Array


@cache
def uniforms(seed: int, n: int) -> tuple[float, ...]:
    """n numbers in (0, 1): x → 16807 x mod 2³¹ − 1."""
    found = []
    for _ in range(n):
        seed = 16807 * seed % 2147483647
        found.append(seed / 2147483647)
    return tuple(found)


def normals(seed: int, n: int) -> Array:
    """n standard normal numbers, shape (n,), two of them from two uniform ones."""
    u = np.array(uniforms(seed, n + n % 2)).reshape(-1, 2)
    radius, turn = np.sqrt(-2 * np.log(u[:, 0])), 2 * math.pi * u[:, 1]
    return np.stack([radius * np.cos(turn), radius * np.sin(turn)], axis=1).ravel()[:n]
