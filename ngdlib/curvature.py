"""Curvature of a two-parameter model from its metric, through ``sympy.diffgeom``.

The metric is a symmetric 2 x 2 matrix of expressions in two coordinate symbols, such as the Fisher
matrix of a Gaussian in (mu, sigma). Nothing here is special to Fisher matrices.
"""

from __future__ import annotations

import sympy as sp
from sympy.diffgeom import (
    CoordSystem,
    Manifold,
    Patch,
    TensorProduct,
    metric_to_Christoffel_2nd,
    metric_to_Riemann_components,
)


def christoffel(metric: sp.Matrix, coordinates: tuple[sp.Symbol, sp.Symbol]) -> sp.Array:
    """Christoffel symbols of the second kind, ``[i, j, k]`` for Γ^i_jk, of the metric.

    ``metric``: symmetric 2 x 2 sympy matrix in the two ``coordinates``. Raises ValueError where it
    is not, or where its determinant vanishes identically.
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


def _tensor_field(metric: sp.Matrix, coordinates: tuple[sp.Symbol, sp.Symbol]):
    """The metric as a tensor field of sympy.diffgeom, and the way back to plain symbols."""
    coordinates = tuple(coordinates)
    if len(coordinates) != 2 or len(set(coordinates)) != 2:
        raise ValueError(f"coordinates: expected two different symbols, got {coordinates!r}")
    if getattr(metric, "shape", None) != (2, 2):
        raise ValueError(
            f"metric: expected a 2 x 2 sympy matrix, got shape {getattr(metric, 'shape', None)}"
        )
    if sp.simplify(metric[0, 1] - metric[1, 0]) != 0:
        raise ValueError("metric: expected a symmetric matrix, its off-diagonal entries differ")
    if sp.simplify(metric.det()) == 0:
        raise ValueError("metric: expected an invertible matrix, its determinant is zero")
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
