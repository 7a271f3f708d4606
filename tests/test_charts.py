"""Changes of chart: Jacobians, composition, inverse, and what transforms how."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ngdlib import charts
from ngdlib.families import Bernoulli, Categorical, Gaussian

FAMILIES = [
    (Bernoulli("probability"), [0.3]),
    (Gaussian("mu, sigma"), [0.7, 1.6]),
    (Categorical(4, "probabilities"), [0.2, 0.3, 0.4]),
]
CHANGES = [
    (model.in_chart(a), model.in_chart(b), model.change_to(a).forward(point))
    for model, point in FAMILIES
    for a in model.charts
    for b in model.charts
    if a != b and "logits" not in (a, b)
]
every_change = pytest.mark.parametrize(
    ("source", "target", "theta"), CHANGES, ids=[f"{a!r} to {b.chart}" for a, b, _ in CHANGES]
)


@every_change
def test_forward_and_back(source, target, theta):
    change = source.change_to(target)
    batch = theta * np.linspace(0.97, 1, 4)[:, None]
    assert np.allclose(change.inverse(change.forward(batch)), batch, rtol=1e-12)
    assert np.allclose(change.inverted().forward(change.forward(batch)), batch, rtol=1e-12)
    assert np.array_equal(change(theta), change.forward(theta))
    assert not np.allclose(change.forward(theta), theta, rtol=1e-3)
    product = change.inverted().jacobian(change.forward(batch)) @ change.jacobian(batch)
    assert np.allclose(product, np.eye(source.dim), atol=1e-10)


@every_change
def test_jacobian_by_central_differences(source, target, theta):
    """The error of the differences falls with the square of the step."""
    change = source.change_to(target)
    T = change.jacobian(theta)
    steps = 0.01 * 2.0 ** -np.arange(1, 6)

    def errors(T):
        out = []
        for h in steps:
            up, down = (change.forward(theta + s * h * np.eye(source.dim)) for s in (1, -1))
            out.append(np.abs(((up - down) / (2 * h)).T - T).max())
        return np.array(out)

    exact = errors(T)
    if exact.max() > 1e-11:  # a linear change has no error at all
        assert np.polyfit(np.log(steps), np.log(exact), 1)[0] == pytest.approx(2, abs=0.15)
    assert errors(1.01 * T).min() > 1e-3 * np.abs(T).max()
    if source.dim > 1 and not np.allclose(T, T.T):
        assert errors(T.T).min() > 1e-3


@pytest.mark.parametrize(("model", "point"), FAMILIES)
def test_composition_is_the_chain_rule(model, point):
    names = [name for name in model.charts if name != "logits"]
    first, last = names[0], names[-1]
    direct = model.in_chart(first).change_to(last)
    theta = model.change_to(first).forward(point)
    for middle in names:
        there = model.in_chart(middle)
        path = model.in_chart(first).change_to(middle).then(there.change_to(last))
        assert (path.source, path.target, path.dim) == (first, last, model.dim)
        assert np.allclose(path.forward(theta), direct.forward(theta), rtol=1e-12)
        assert np.allclose(path.inverse(direct.forward(theta)), theta, rtol=1e-12)
        assert np.allclose(path.jacobian(theta), direct.jacobian(theta), rtol=1e-11)
    with pytest.raises(ValueError, match="other: expected a change from"):
        direct.then(direct)


@every_change
def test_what_transforms_how(source, target, theta):
    """Against the family's own gradient and Fisher matrix in the other chart."""
    change = source.change_to(target)
    phi, T = change.forward(theta), change.jacobian(theta)
    mean = source.statistics([0, 1, 1] if not isinstance(source, Gaussian) else [0.1, 3]).mean(0)
    g, g_phi = (m.cross_entropy_gradient(t, mean) for m, t in ((source, theta), (target, phi)))
    F, F_phi = source.fisher(theta), target.fisher(phi)
    assert np.allclose(charts.pull_back_gradient(g_phi, T), g, rtol=1e-10)
    assert np.allclose(charts.push_forward_gradient(g, T), g_phi, rtol=1e-10)
    assert np.allclose(charts.transform_metric(F, T), F_phi, rtol=1e-10, atol=1e-12)
    assert np.allclose(charts.pull_back_metric(F_phi, T), F, rtol=1e-10, atol=1e-12)
    v = -np.linalg.solve(F, g)
    v_phi = charts.push_forward_velocity(v, T)
    assert np.allclose(v_phi, -np.linalg.solve(F_phi, g_phi), rtol=1e-10)  # a velocity
    assert np.allclose(charts.pull_back_velocity(v_phi, T), v, rtol=1e-10)
    assert g @ v == pytest.approx(g_phi @ v_phi, rel=1e-10)
    # The popular confusion: a gradient is not carried like a velocity.
    assert not np.allclose(charts.push_forward_velocity(g, T), g_phi, rtol=1e-2)


@given(st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_laws_for_any_invertible_matrix(d, seed):
    rng = np.random.default_rng(seed)
    T = rng.normal(size=(3, d, d)) + 3 * np.eye(d)
    if not (np.linalg.cond(T) < 1e4).all():
        return
    g, v = rng.normal(size=(2, 3, d))
    A = rng.normal(size=(3, d, d))
    F = A @ np.swapaxes(A, -1, -2)
    assert np.allclose(
        np.sum(charts.push_forward_gradient(g, T) * charts.push_forward_velocity(v, T), -1),
        np.sum(g * v, -1),
        atol=1e-9,
    )
    there = charts.transform_metric(F, T)
    assert np.allclose(charts.pull_back_metric(there, T), F, atol=1e-7)
    w = charts.push_forward_velocity(v, T)
    length = np.einsum("ni,nij,nj->n", v, F, v)
    assert np.allclose(np.einsum("ni,nij,nj->n", w, there, w), length, rtol=1e-7, atol=1e-9)


def test_affine():
    change = charts.affine([[2.0, 1.0], [0.0, 0.5]], [1.0, -1.0], "theta", "phi")
    theta = np.array([[0.3, 4.0], [1.0, 2.0]])
    assert np.allclose(change.forward(theta), [[5.6, 1.0], [5.0, 0.0]])
    assert np.allclose(change.inverse(change.forward(theta)), theta)
    assert np.array_equal(change.jacobian(theta)[1], [[2.0, 1.0], [0.0, 0.5]])
    assert np.allclose(change.then(change.inverted()).forward(theta), theta)


def test_singular_jacobians_are_refused():
    ones = np.ones(2)
    for T in ([[1.0, 2.0], [2.0, 4.0]], np.zeros((2, 2)), [[0.1, 0.3], [0.1 * 3, 0.3 * 3]]):
        for refuses in (
            lambda T: charts.pull_back_gradient(ones, T),
            lambda T: charts.push_forward_gradient(ones, T),
            lambda T: charts.push_forward_velocity(ones, T),
            lambda T: charts.pull_back_velocity(ones, T),
            lambda T: charts.transform_metric(np.eye(2), T),
            lambda T: charts.pull_back_metric(np.eye(2), T),
        ):
            with pytest.raises(ValueError, match="T: expected an invertible Jacobian"):
                refuses(T)
    with pytest.raises(ValueError, match="T: expected an invertible"):
        charts.affine([[1.0, 2.0], [2.0, 4.0]], [0.0, 0.0], "theta", "phi")

    def cube(theta):
        return np.asarray(theta) ** 3

    folded = charts.ChangeOfChart("x", "x^3", 1, cube, np.cbrt, lambda x: (3 * x**2)[..., None])
    with pytest.raises(ValueError, match="T: expected an invertible Jacobian"):
        folded.inverted().jacobian(np.array([0.0]))
    assert folded.inverted().jacobian(np.array([8.0])) == pytest.approx(1 / 12)
    # Units alone do not make a matrix singular.
    assert np.allclose(charts.pull_back_velocity([1.0, 1.0], np.diag([1e-150, 1e100])), [1e150, 0])


def test_redundant_logits_have_points_but_no_jacobian():
    die = Categorical(3, "probabilities")
    change = die.change_to("logits")
    z = change.forward([0.2, 0.5])
    assert z.sum() == pytest.approx(0, abs=1e-15)
    assert np.allclose(change.inverse(z + 7), [0.2, 0.5])  # one number for all changes nothing
    for refused, at in ((change, [0.2, 0.5]), (change.inverted(), z)):
        with pytest.raises(ValueError, match="theta: expected charts without redundancy"):
            refused.jacobian(at)


def test_points_that_fall_on_the_edge_are_refused():
    change = Bernoulli("log-odds").change_to("probability")
    assert change.forward([36.0]) < 1
    with pytest.raises(ValueError, match="theta: expected a point with an image"):
        change.forward([40.0])
    assert change.forward([-600.0]) == pytest.approx(np.exp(-600))
    with pytest.raises(ValueError, match="other: expected a chart of Bernoulli"):
        Bernoulli("angle").change_to(Gaussian("natural"))
    with pytest.raises(ValueError, match="other: expected a chart of Categorical with 3"):
        Categorical(3, "logits").change_to(Categorical(4, "logits"))
