"""Differences without cancellation: how a divergence between near points keeps its digits.

A divergence between points at distance h is of order h². Written as a difference of logarithms it
loses all its digits near h = 1e-8; written as a sum of terms of one sign it keeps them.
"""

from __future__ import annotations

import numpy as np


def exp_remainder(r):
    """e^r − 1 − r, never negative, to full relative accuracy. Overflows with e^r."""
    r = np.asarray(r, dtype=float)
    near = np.abs(r) < 0.5
    small = np.where(near, r, 0.0)
    series = np.zeros_like(small)
    for k in range(15, 1, -1):  # r²/2 (1 + r/3 (1 + r/4 (...))), from the inside
        series = (1 + series * small) / k
    return np.where(near, small**2 * series, np.expm1(r) - r)


def log_cosh(x):
    """log cosh x, without overflow and with full relative accuracy near 0."""
    x = np.abs(x)
    near = x < 1
    small = np.log1p(2 * np.sinh(np.where(near, x, 0.0) / 2) ** 2)
    return np.where(near, small, x + np.log1p(np.exp(-2 * x)) - np.log(2))


def log_ratio(p0, p1, difference):
    """log(p1/p0), given p1 − p0 more accurately than the two numbers give it."""
    near = np.abs(difference) < p0 / 2
    small = np.log1p(np.where(near, difference, 0.0) / p0)
    return np.where(near, small, np.log(p1) - np.log(p0))


def log_softmax(z):
    """log p of the logits ``z``, over the last axis."""
    z = z - z.max(axis=-1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=-1, keepdims=True))


def log_ratio_of_logits(z0, z1):
    """log(p1/p0) over the last axis, for two sets of logits, near ones included."""
    z0, z1 = np.broadcast_arrays(z0, z1)
    h = z1 - z0
    p0 = np.exp(log_softmax(z0))
    h = h - (p0 * h).sum(axis=-1, keepdims=True)  # a common shift of all logits changes nothing
    near = (np.abs(h) < 1).all(axis=-1, keepdims=True)
    small = np.where(near, h, 0.0)
    small = small - np.log1p((p0 * exp_remainder(small)).sum(axis=-1, keepdims=True))
    return np.where(near, small, log_softmax(z1) - log_softmax(z0))


def kl(p0, p1, r):
    """Σ p0 log(p0/p1) over the last axis, given r = log(p1/p0).

    Since Σ p1 = Σ p0 it is Σ p0 (e^r − 1 − r), and no term of that is negative.
    """
    near = r < 1
    far = p1 - p0 * (1 + np.where(near, 0.0, r))
    return np.where(near, p0 * exp_remainder(np.where(near, r, 0.0)), far).sum(axis=-1)


def root_difference(p0, p1, r):
    """√p1 − √p0, given r = log(p1/p0)."""
    near = r < 1
    return np.where(
        near, np.sqrt(p0) * np.expm1(np.where(near, r, 0.0) / 2), np.sqrt(p1) - np.sqrt(p0)
    )
