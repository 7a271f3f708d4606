"""Curvature of a two-parameter model from its metric, through ``sympy.diffgeom``.

The metric is a symmetric 2 x 2 matrix of expressions in two coordinate symbols, such as the Fisher
matrix of a Gaussian in (mu, sigma). Nothing here is special to Fisher matrices.
"""

from __future__ import annotations

import random

import sympy as sp
from sympy.diffgeom import (
    CoordSystem,
    Manifold,
    Patch,
    TensorProduct,
    metric_to_Christoffel_2nd,
    metric_to_Riemann_components,
)

from ngdlib.validate import instance


def christoffel(metric: sp.Matrix, coordinates: tuple[sp.Symbol, sp.Symbol]) -> sp.Array:
    """Christoffel symbols of the second kind, ``[i, j, k]`` for Γ^i_jk, of the metric.

    ``metric``: symmetric 2 x 2 sympy matrix in the two ``coordinates``. Raises ValueError where it
    is not, where its determinant vanishes identically, or where it is positive definite nowhere.
    """
    field, back = _tensor_field(metric, coordinates)
    symbols = metric_to_Christoffel_2nd(field).xreplace(back)
    return symbols.applyfunc(sp.simplify)


def gaussian_curvature(metric: sp.Matrix, coordinates: tuple[sp.Symbol, sp.Symbol]) -> sp.Expr:
    """Gaussian curvature K = R_1212 / det g: −1 for the hyperbolic plane, 1/r² for a sphere.

    Arguments and errors as for `christoffel`. K does not depend on the coordinates; multiplying the
    metric by a constant c divides it by c.
    """
    field, back = _tensor_field(metric, coordinates)
    riemann = metric_to_Riemann_components(field).xreplace(back)  # R^i_jkl
    lowered = sum(metric[0, i] * riemann[i, 1, 0, 1] for i in range(2))
    return sp.simplify(lowered / metric.det())


def _positive_somewhere(metric: sp.Matrix) -> bool:
    """Whether it is positive definite at any of some points that the symbols' assumptions allow."""
    symbols = sorted(metric.free_symbols, key=str)
    rng = random.Random(0)
    for _ in range(50):
        values = {s: sp.Rational(rng.randint(1, 4000), 1000) for s in symbols}
        for s in symbols:
            if s.is_negative or (not s.is_positive and rng.random() < 0.5):
                values[s] = -values[s]
        try:
            a, d = (complex(x.xreplace(values)) for x in (metric[0, 0], metric.det()))
        except (TypeError, ZeroDivisionError, OverflowError):
            continue  # outside the domain of the entries
        if a.real > 0 and d.real > 0 and abs(a.imag) + abs(d.imag) < 1e-9:
            return True
    return False


def _tensor_field(metric: sp.Matrix, coordinates: tuple[sp.Symbol, sp.Symbol]):
    """The metric as a tensor field of sympy.diffgeom, and the way back to plain symbols."""
    instance("coordinates", coordinates, tuple | list, "two different symbols")
    coordinates = tuple(coordinates)
    symbols = all(isinstance(x, sp.Symbol) for x in coordinates)
    if len(coordinates) != 2 or not symbols or coordinates[0] == coordinates[1]:
        raise ValueError(f"coordinates: expected two different symbols, got {coordinates!r}")
    instance("metric", metric, sp.MatrixBase, "a 2 x 2 sympy matrix")
    if metric.shape != (2, 2):
        raise ValueError(f"metric: expected a 2 x 2 sympy matrix, got shape {metric.shape}")
    if any(x.has(sp.I, sp.nan, sp.zoo, sp.oo) or x.is_real is False for x in metric):
        raise ValueError(f"metric: expected finite real entries, got {metric.tolist()}")
    if sp.simplify(metric[0, 1] - metric[1, 0]) != 0:
        raise ValueError("metric: expected a symmetric matrix, its off-diagonal entries differ")
    if sp.simplify(metric.det()) == 0:
        raise ValueError("metric: expected an invertible matrix, its determinant is zero")
    if not _positive_somewhere(metric):
        raise ValueError(
            "metric: expected a positive matrix; this one is indefinite, and gives some directions "
            f"the square of a length below zero: {metric.tolist()}"
        )
    # The assumptions of the caller's symbols (positive, real) help simplify: keep them.
    chart = CoordSystem("chart", Patch("patch", Manifold("model", 2)), coordinates)
    functions, forms = chart.base_scalars(), chart.base_oneforms()
    there = dict(zip(coordinates, functions, strict=True))
    back = {function: symbol for symbol, function in there.items()}
    field = sum(
        metric[i, j].xreplace(there) * TensorProduct(forms[i], forms[j])
        for i in range(2)
        for j in range(2)
    )
    return field, back
