"""Differences without cancellation: how a divergence between near points keeps its digits.

A divergence between points at distance h is of order h². Written as a difference of logarithms it
loses all its digits near h = 1e-8; written as a sum of terms of one sign it keeps them. Where a
difference cannot be avoided it is taken exactly, of the numbers and of what their sums and products
round off (Dekker 1971).
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit

_FEW = 12  # columns: a sum over so few of them is faster one column at a time


def two_sum(a, b):
    """a + b as rounded, and what the rounding lost: together they are the exact sum."""
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)


def two_product(a, b):
    """a b as rounded, and what the rounding lost; for factors below 1e150."""
    p = a * b
    (a, a_), (b, b_) = _halves(a), _halves(b)
    return p, ((a * b - p) + a * b_ + a_ * b) + a_ * b_


def _halves(x):
    """x as the sum of two numbers of 26 bits."""
    c = 134217729.0 * x
    high = c - (c - x)
    return high, x - high


def difference_of_products(a, b, c, d):
    """a b − c d, as if rounded only at the end."""
    (p, p_), (q, q_) = two_product(a, b), two_product(c, d)
    s, s_ = two_sum(p, -q)
    return s + (s_ + (p_ - q_))


def total(x):
    """The sum over the last axis."""
    if x.shape[-1] > _FEW or x.shape[-1] == 0:
        return x.sum(axis=-1)
    s = x[..., 0].copy()
    for k in range(1, x.shape[-1]):
        s += x[..., k]
    return s


def least(x):
    """The smallest entry over the last axis."""
    if x.shape[-1] > _FEW or x.shape[-1] == 0:
        return x.min(axis=-1)
    s = x[..., 0].copy()
    for k in range(1, x.shape[-1]):
        np.minimum(s, x[..., k], out=s)
    return s


def exact_total(x):
    """The sum over the last axis, as if rounded only at the end."""
    s, lost = x, 0.0
    while s.shape[-1] > 1:
        half = s.shape[-1] // 2
        odd = s[..., 2 * half :]
        s, e = two_sum(s[..., :half], s[..., half : 2 * half])
        lost = lost + e.sum(axis=-1)
        if odd.shape[-1]:
            s = np.concatenate([s, odd], axis=-1)
    return s[..., 0] + lost


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


def sech_squared(x):
    """1/cosh² x, the slope of tanh: to full relative accuracy also where tanh is 1 in float64."""
    e = np.exp(-2 * np.abs(x))
    return 4 * e / (1 + e) ** 2


def log_ratio(p0, p1, difference):
    """log(p1/p0), given p1 − p0 more accurately than the two numbers give it."""
    near = np.abs(difference) < p0 / 2
    if np.all(near):
        return np.log1p(difference / p0)
    small = np.log1p(np.where(near, difference, 0.0) / p0)
    return np.where(near, small, np.log(p1) - np.log(p0))


def complements(p):
    """1 − p_k as the sum of the others over the last axis: accurate when p_k is near 1."""
    rest = 1 - p
    top = p.argmax(axis=-1)[..., None]  # only one can be near 1
    others = p.copy()
    np.put_along_axis(others, top, 0.0, axis=-1)
    np.put_along_axis(rest, top, total(others)[..., None], axis=-1)
    return rest


def logistic_residual(f, y):
    """σ(f) − y for labels y of 0 and 1: it keeps its digits where σ(f) is near 1."""
    return np.where(y == 1, -expit(-f), expit(f))


def softmax_residual(z, y):
    """softmax(z) less 1 at the class y, over the last axis; it keeps its digits where p is near 1.

    y  integers that broadcast with the leading dimensions of ``z``
    """
    p = softmax(z)
    at = np.asarray(y)[..., None] == np.arange(z.shape[-1])
    return np.where(at, -complements(p), p)


def softmax(z):
    """p of the logits ``z``, over the last axis."""
    p = np.exp(z - z.max(axis=-1, keepdims=True))
    p /= total(p)[..., None]
    return p


def log_softmax(z):
    """log p of the logits ``z``, over the last axis; it keeps its digits where p is near 1."""
    top = z.argmax(axis=-1)[..., None]
    z = z - np.take_along_axis(z, top, axis=-1)
    others = np.exp(z)
    np.put_along_axis(others, top, 0.0, axis=-1)
    return z - np.log1p(total(others))[..., None]


def log_ratio_of_logits(z0, z1):
    """log(p1/p0) over the last axis, for two sets of logits, near ones included."""
    z0, z1 = np.broadcast_arrays(z0, z1)
    p0 = softmax(z0)
    top = p0.argmax(axis=-1)[..., None]
    h, lost = two_sum(z1, -z0)
    h = (h - np.take_along_axis(h, top, -1)) + (lost - np.take_along_axis(lost, top, -1))
    h = h - total(p0 * h)[..., None]  # a common shift of all logits changes nothing
    near = (h < 500).all(axis=-1, keepdims=True)
    small = np.where(near, h, 0.0)
    # log of the sum of p0 e^h, less the sum of p0 h, which is 0: no term of it is negative
    small = small - np.log1p(total(p0 * exp_remainder(small)))[..., None]
    return small if near.all() else np.where(near, small, log_softmax(z1) - log_softmax(z0))


def kl(p0, p1, r):
    """Σ p0 log(p0/p1) over the last axis, given r = log(p1/p0).

    Since Σ p1 = Σ p0 it is Σ p0 (e^r − 1 − r), and no term of that is negative.
    """
    near = r < 1
    if near.all():
        return total(p0 * exp_remainder(r))
    far = p1 - p0 * (1 + np.where(near, 0.0, r))
    return total(np.where(near, p0 * exp_remainder(np.where(near, r, 0.0)), far))


def root_difference(p0, p1, r):
    """√p1 − √p0, given r = log(p1/p0)."""
    near = r < 1
    return np.where(
        near, np.sqrt(p0) * np.expm1(np.where(near, r, 0.0) / 2), np.sqrt(p1) - np.sqrt(p0)
    )


def norm(x):
    """The root of the sum of squares over the last axis, also where the squares underflow."""
    size = np.abs(x).max(axis=-1)
    unit = x / np.where(size > 0, size, 1.0)[..., None]
    return size * np.sqrt(total(unit * unit))


def chord(roots):
    """`norm`, for differences of roots of probabilities: all of them fit in one unit. Overwrites
    its argument."""
    roots *= 2.0**500
    roots *= roots
    return np.sqrt(total(roots)) / 2.0**500


def room(shape):
    """An empty array (..., K). Few columns lie one after the other: numpy is fast along the points,
    and keeps that order in what it computes from them; sums over many columns want rows."""
    if shape[-1] > _FEW:
        return np.empty(shape)
    return np.moveaxis(np.empty((shape[-1], *shape[:-1])), 0, -1)


def columns(*entries):
    """Arrays stacked along a new last axis."""
    out = np.empty((*np.broadcast_shapes(*map(np.shape, entries)), len(entries)))
    for k, entry in enumerate(entries):
        out[..., k] = entry
    return out


def symmetric(a, b, c):
    """The 2 × 2 matrices ((a, b), (b, c)); ``a``, ``b``, ``c`` broadcast."""
    out = np.zeros((*np.broadcast_shapes(*map(np.shape, (a, b, c))), 2, 2))
    out[..., 0, 0], out[..., 1, 1] = a, c
    if np.ndim(b) or b:
        out[..., 0, 1], out[..., 1, 0] = b, b
    return out
