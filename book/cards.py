"""Preview cards: the picture that a link to a page shows elsewhere."""

from __future__ import annotations

import textwrap
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from ngdlib.plots import FACE
from ngdlib.style import TOKENS


def draw(file: Path, title: str) -> None:
    """Write a 1200 x 630 PNG: the page's title over Fisher circles of the Bernoulli model."""
    colour = {name: value["dark"] for name, value in TOKENS.items()}
    fig = Figure(figsize=(12, 6.3), dpi=100, facecolor=colour["ground"])
    ax = fig.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, 12), ylim=(0, 6.3))
    ax.axis("off")
    q = np.sin(np.linspace(0.12, np.pi / 2 - 0.12, 15)) ** 2
    radius = 1.1 * np.sqrt(q * (1 - q))
    ax.plot([0.9, 11.1], [1.5, 1.5], color=colour["muted"], lw=1.5)
    for x, r in zip(0.9 + 10.2 * q, radius, strict=True):
        angle = np.linspace(0, 2 * np.pi, 90)
        ax.plot(x + r * np.cos(angle), 1.5 + r * np.sin(angle), color=colour["metric"], lw=1.6)
    ax.plot(0.9 + 10.2 * q, np.full_like(q, 1.5), "o", ms=5, color=colour["natural"])
    if title != "The Natural Gradient":
        ax.text(0.9, 5.3, "The Natural Gradient", color=colour["natural"], fontsize=22, va="center")
    lines = textwrap.fill(title, 34)
    ax.text(0.9, 4.1, lines, color=colour["ink"], fontsize=38, va="center", weight="bold")
    file.parent.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context({"font.family": FACE}):  # read when it is drawn
        fig.savefig(file, metadata={"Software": None})
