"""One small random generator, the same in Python and JavaScript.

mulberry32 on a 32-bit state; the state is the FNV-1a hash of the seed's UTF-8 bytes. Good enough
to draw test points and variants, and 12 lines in either language. Not for secrets.
"""

from __future__ import annotations

from collections.abc import Callable

_MASK = 0xFFFFFFFF


def fnv1a(text: str) -> int:
    """The 32-bit FNV-1a hash of the UTF-8 bytes of `text`."""
    h = 0x811C9DC5
    for byte in text.encode("utf-8", "replace"):
        h = ((h ^ byte) * 0x01000193) & _MASK
    return h


def dice(seed: str) -> Callable[[], float]:
    """A function that returns the next number in [0, 1), a multiple of 2^-32."""
    state = fnv1a(seed)

    def roll() -> float:
        nonlocal state
        state = (state + 0x6D2B79F5) & _MASK
        t = state
        t = ((t ^ (t >> 15)) * (t | 1)) & _MASK
        t ^= (t + ((t ^ (t >> 7)) * (t | 61) & _MASK)) & _MASK
        return (t ^ (t >> 14)) / 4294967296

    return roll
