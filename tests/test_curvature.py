"""Curvature through sympy.diffgeom, against surfaces whose curvature everybody knows."""

import pytest
import sympy as sp

from ngdlib.curvature import christoffel, gaussian_curvature

x, y = sp.symbols("x y", positive=True)
μ, σ = sp.Symbol("mu", real=True), sp.Symbol("sigma", positive=True)


@pytest.mark.parametrize(
    ("metric", "K"),
    [
        (sp.eye(2), 0),
        (sp.diag(1, x**2), 0),  # the plane in polar coordinates
        (sp.diag(9, 9 * sp.sin(x) ** 2), sp.Rational(1, 9)),  # a sphere of radius 3
        (sp.eye(2) / y**2, -1),  # the hyperbolic half-plane
        (sp.diag(1 / (x * (1 - x)), 1 / (y * (1 - y))), 0),  # two independent coins
        (sp.Matrix([[1 + 4 * x**2, 2 * x], [2 * x, 1]]), 0),  # the plane again, sheared: y + x²
    ],
)
def test_known_surfaces(metric, K):
    assert gaussian_curvature(metric, (x, y)) == K


def test_gaussians_and_dice():
    p, r = sp.symbols("p_1 p_2", positive=True)
    rest = 1 - p - r
    dice = sp.Matrix([[1 / p + 1 / rest, 1 / rest], [1 / rest, 1 / r + 1 / rest]])
    assert gaussian_curvature(sp.diag(1, 2) / σ**2, (μ, σ)) == -sp.Rational(1, 2)
    assert gaussian_curvature(dice, (p, r)) == sp.Rational(1, 4)


def test_a_scaled_metric_has_another_curvature():
    """Control: the constant in front of the metric is not lost on the way."""
    assert gaussian_curvature(sp.diag(1, 2) / (8 * σ**2), (μ, σ)) == -4


def test_christoffel_symbols_of_gaussians():
    Γ = christoffel(sp.diag(1, 2) / σ**2, (μ, σ))
    assert Γ[0, 0, 1] == Γ[0, 1, 0] == Γ[1, 1, 1] == -1 / σ
    assert Γ[1, 0, 0] == 1 / (2 * σ)
    assert Γ[0, 0, 0] == Γ[0, 1, 1] == Γ[1, 0, 1] == 0


@pytest.mark.parametrize(
    ("metric", "coordinates", "name"),
    [
        (sp.eye(3), (x, y), "metric"),
        (sp.Matrix([[1, x], [0, 1]]), (x, y), "metric"),
        (sp.ones(2, 2), (x, y), "metric"),
        ([[1, 0], [0, 1]], (x, y), "metric"),
        (sp.eye(2), (x,), "coordinates"),
        (sp.eye(2), (x, x), "coordinates"),
    ],
)
def test_bad_input_is_named(metric, coordinates, name):
    with pytest.raises(ValueError, match=f"^{name}: expected"):
        gaussian_curvature(metric, coordinates)
