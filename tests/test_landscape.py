"""Minima, flows, watersheds and intervals of a landscape; the constants and rules of the
experiment; what `make sweep` writes."""

import subprocess
import sys
from pathlib import Path

import mpmath as mp
import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from ngdlib import basins, experiment, landscape

ROOT = Path(__file__).resolve().parent.parent
CASE = experiment.rhythm()
MINIMA, BEST = experiment.validation_minima(CASE)
ENDS = basins.Ends(np.zeros((1, 2)), np.zeros(1), np.zeros(1))


def test_strict_minima_are_flat_and_curve_up():
    for point in MINIMA:
        assert np.hypot(*basins.gradient(CASE.model, point, CASE.validation)) < 1e-9
        around = point + 0.01 * np.array([[1, 0], [-1, 0], [0, 1], [0, -1], [1, 1], [-1, 1]])
        here = basins.loss(CASE.model, point, CASE.validation)
        assert (basins.loss(CASE.model, around, CASE.validation) > here).all()
    losses = basins.loss(CASE.model, MINIMA, CASE.validation)
    assert (np.diff(losses) > 0).all()
    assert np.hypot(*(BEST - MINIMA[0])) < 0.1
    assert not (MINIMA[:, 1] < 1).any()  # the valley of the trends has no lowest point


def test_flows_end_where_an_accurate_solver_ends():
    low, high = np.array(experiment.WINDOW).T
    points = np.random.default_rng(2).uniform(low, high, (12, 2))
    labels = landscape.flow_labels(CASE.model, CASE.validation, MINIMA, points, cell=1e-6)
    for point, label in zip(points, labels, strict=True):
        end = solve_ivp(
            lambda _, theta: -basins.gradient(CASE.model, theta, CASE.validation),
            (0, 3000),
            point,
            method="LSODA",
            rtol=1e-6,
            atol=1e-8,
        ).y[:, -1]
        apart = np.hypot(*(basins.fold(CASE.model, end) - MINIMA).T)
        assert (apart.argmin() if apart.min() < 0.1 else -1) == label
    fine = landscape.flow_ends(CASE.model, CASE.validation, points, MINIMA, stride=0.005)
    again = landscape.flow_labels(CASE.model, CASE.validation, MINIMA, fine, cell=1e-6)
    assert (again == labels).sum() >= 11
    assert landscape.flow_labels(CASE.model, CASE.validation, MINIMA, [[np.nan, 1]]).tolist() == [
        -1
    ]


def test_the_watershed_of_known_valleys():
    x, y = np.linspace(-2, 2, 81), np.linspace(-1, 1, 41)
    values = (x[:, None] ** 2 - 1) ** 2 + 0.1 * x[:, None] + y**2
    shed = landscape.watershed(landscape.Grid(x, y, values))
    ridge = brentq(lambda t: 4 * t * (t**2 - 1) + 0.1, -0.5, 0.5)
    assert shed.max() == 1  # two basins, the lower one is number 0
    assert (shed[x < ridge - 0.05] == 0).all() and (shed[x > ridge + 0.05] == 1).all()


def test_wilson_solves_its_equation():
    for k, n in ((0, 20), (7, 20), (73, 100), (300, 300)):
        low, high = landscape.wilson(k, n)
        for p in (low, high):  # (p - k/n)^2 = z^2 p (1 - p) / n
            assert (p - k / n) ** 2 == pytest.approx(1.96**2 * p * (1 - p) / n, abs=1e-12)
        assert low <= k / n <= high
        assert landscape.wilson(k, n, 2.6)[1] >= high


@pytest.mark.parametrize("z", [1e-6, 1.96, 1e10])
@pytest.mark.parametrize(("k", "n"), [(0, 1), (1, 1e12), (1e12 - 1, 1e12), (5e99, 1e200)])
def test_wilson_keeps_its_digits(k, n, z):
    with mp.workdps(60):
        K, N, Z = mp.mpf(k), mp.mpf(n), mp.mpf(z)
        middle = K + Z**2 / 2
        half = Z * mp.sqrt(K * (N - K) / N + Z**2 / 4)
        for found, wanted in zip(
            landscape.wilson(k, n, z), (middle - half, middle + half), strict=True
        ):
            assert abs(found - wanted / (N + Z**2)) <= 1e-13 * wanted / (N + Z**2)


def test_a_run_that_ends_far_out_keeps_its_place():
    """A square is named by a number: an integer of 64 bits would not hold the one of 1e18."""
    labels = landscape.flow_labels(CASE.model, CASE.training, [[-2e18, 0.0]], [[-2e18, 0.0]])
    assert labels.tolist() == [0]


def test_alignment_is_the_cosine_of_an_angle():
    step = np.array([[3.0, 4.0], [0.0, 2.0], [0.0, 0.0]])
    found = landscape.alignment(step, np.zeros((3, 2)), [1.0, 0.0])
    assert found[:2] == pytest.approx([0.6, 0.0]) and np.isnan(found[2])


def test_alignment_knows_no_size():
    step, way = np.array([3.0, 4.0]), np.array([1.0, 0.5])
    cosine = 5 / 5 / np.sqrt(1.25)
    for size in (1e-300, 1.0, 1e300):
        for other in (1e-300, 1.0, 1e300):
            found = landscape.alignment(size * step, -other * way, other * way)
            assert found == pytest.approx(cosine, rel=1e-14)
    assert landscape.alignment(np.zeros((0, 2)), np.zeros((0, 2)), [1, 1]).shape == (0,)


def test_outcomes_are_disjoint_and_rest_comes_first():
    norms = np.array([1e-3, 1e-3, 1e-3, 0.1, np.nan])
    ends = basins.Ends(np.zeros((5, 2)), np.zeros(5), norms)
    found = landscape.outcomes(np.array([0, 3, -1, 0, -1]), ends)
    assert found.tolist() == [0, 1, 2, 3, 3]
    assert len(landscape.OUTCOMES) == 4


def test_the_mirror_image_is_the_same_model():
    theta = np.array([[2.0, -1.5], [-1.0, 0.5]])
    folded = basins.fold(CASE.model, theta)
    assert folded.tolist() == [[-2.0, 1.5], [-1.0, 0.5]]
    np.testing.assert_allclose(
        basins.loss(CASE.model, theta, CASE.training),
        basins.loss(CASE.model, folded, CASE.training),
        rtol=1e-14,
    )
    assert basins.fold(basins.Bump(), theta).tolist() == theta.tolist()


def test_starts_are_balanced_and_their_kind_looks_at_no_outcome():
    starts = experiment.balanced_starts(40, np.random.default_rng(0))
    kinds = experiment.regimes(starts, 2.0)
    assert np.bincount(kinds).tolist() == [40, 40, 40]
    low, high = np.array(experiment.WINDOW).T
    assert ((starts > low) & (starts < high)).all()
    lobe = np.pi / 3
    rows = [[1, 2 + 0.99 * lobe], [-1, 2 - 0.99 * lobe], [1, 2 + 1.01 * lobe], [-1, 0.5]]
    assert experiment.regimes(rows, 2.0).tolist() == [0, 1, 2, 2]


def test_the_rule_takes_the_lowest_mean_training_loss():
    tried = experiment.settings()
    assert len(tried) == 75
    losses = np.ones((75, 4))
    losses[7] = 0.5
    losses[20] = [0.1, 0.1, 0.1, np.nan]  # left the numbers: never chosen
    losses[22] = 0.9
    chosen = experiment.tuned(tried, losses)
    keys = list(tried)
    assert chosen["SGD"] == tried[keys[7]] and chosen["AdamW"] == tried[keys[22]]
    results = experiment.results()
    kept = experiment.tuned(tried, results["tuning_losses"])
    assert [tuple(kept[n])[:2] for n in experiment.FIVE] == [tuple(c) for c in results["chosen"]]


def test_make_sweep_writes_what_the_chapter_reads(tmp_path):
    """A small map: the same tuning and the same starts as in the file of the book."""
    out = tmp_path / "small.npz"
    command = [sys.executable, "book/sweep.py", "--side", "2", "--workers", "1", "--out", str(out)]
    command += ["--store", str(tmp_path / "store"), "--starts", "1", "--steps", "20"]
    told = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert "block 75 of 75" in told
    with np.load(out) as made:
        assert set(made.files) == set(experiment.results())
        assert made["maps"].shape == (5, 2, 2)
    assert len(list((tmp_path / "store").glob("*.npz"))) == 75 + 5 + 5  # to go on from


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: landscape.survey(CASE.model, CASE.training, [0, 1], [0, 1, 2]), "first.*three"),
        (lambda: landscape.wilson(3, 2), "hits"),
        (lambda: landscape.watershed("grid"), "grid"),
        (lambda: landscape.outcomes([0.5], ENDS), "labels"),
        (
            lambda: landscape.outcomes([0], ENDS._replace(theta=np.zeros(1))),
            "ends: expected shapes",
        ),
        (lambda: experiment.judged("a case", MINIMA, ENDS), "case"),
        (lambda: experiment.judged(CASE, MINIMA, "ends"), "ends"),
        (lambda: experiment.validation_minima("a case"), "case"),
        (lambda: experiment.tuned([("SGD", 0.1, 0.9)], [[1.0], [2.0]]), "losses"),
        (lambda: experiment.tuned(["SGD"], [[1.0]]), "tried"),
        (lambda: experiment.rhythm(n=2.5), "n: expected an integer"),
        (lambda: landscape.wilson([1, 2], [3, 4, 5]), "hits: expected leading dimensions"),
        (lambda: landscape.flow_ends(CASE.model, CASE.training, [[1, 2]], "minima"), "minima"),
        (lambda: landscape.best_point(landscape.Grid([0, 1, 2], [0, 1, 2], [[1]])), "grid.loss"),
        (lambda: landscape.flow_labels(CASE.model, CASE.training, MINIMA, [1, 2]), "points"),
        (lambda: experiment.optimiser("newton", 0.1, 0.1), "name"),
        (lambda: landscape.wilson("a", 3), "hits"),
        (lambda: experiment.balanced_starts(0, np.random.default_rng(0)), "each"),
        (lambda: experiment.balanced_starts(3, np.random.default_rng(0), 50.0), "every kind"),
        (lambda: experiment.balanced_starts(3, np.random.default_rng(0), 3.0, 0.1), "every kind"),
    ],
)
def test_bad_input_is_refused_in_words(call, words):
    with pytest.raises(ValueError, match=words):
        call()
