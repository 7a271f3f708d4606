"""The training runs on scikit-learn's digits: the rule, the optimisers, the committed result."""

import numpy as np
import pytest

from ngdlib import digits, kfac


def test_every_optimiser_has_as_many_settings():
    assert {len(settings) for settings in digits.GRID.values()} == {16}
    assert set(digits.GRID) == set(digits.OPTIMISERS)
    for name, settings in digits.GRID.items():
        for setting in settings:
            digits.Optimiser(name, **setting)


def test_batches_show_every_example_once_in_a_pass():
    whole = len(digits.digits().y) // digits.BATCH
    seen = np.concatenate(list(digits.batches(3, whole)))
    assert len(seen) == whole * digits.BATCH and len(set(seen)) == len(seen)
    again = np.concatenate(list(digits.batches(3, whole)))
    np.testing.assert_array_equal(seen, again)
    assert not np.array_equal(seen, np.concatenate(list(digits.batches(4, whole))))


def test_sgd_and_adamw_by_hand():
    """Two steps on one batch, written out."""
    data = digits.digits()
    x, y = data.x[:9], data.y[:9]
    w0 = kfac.initial(np.random.default_rng(1), digits.NET)
    g0 = kfac.gradient(digits.NET, w0, x, y)
    sgd = digits.Optimiser("sgd", eta=0.1, momentum=0.9)
    w1 = sgd.step(w0, x, y)
    g1 = kfac.gradient(digits.NET, w1, x, y)
    w2 = sgd.step(w1, x, y)
    for a, b, c, g, h in zip(w0, w1, w2, g0, g1, strict=True):
        np.testing.assert_allclose(b, a - 0.1 * g, rtol=1e-12)
        np.testing.assert_allclose(c, b - 0.1 * (0.9 * g + h), rtol=1e-12)
    adamw = digits.Optimiser("adamw", eta=0.01, decay=0.5)
    first = adamw.step(w0, x, y)
    for a, b, g in zip(w0, first, g0, strict=True):  # the first step is the sign
        want = a - 0.01 * (g / (np.abs(g) + 1e-8) + 0.5 * a)
        np.testing.assert_allclose(b, want, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", digits.OPTIMISERS)
def test_a_short_run_learns_and_repeats(name):
    setting = digits.measured()["settings"][name]
    one, two = (digits.train(name, setting, 1, 4) for _ in range(2))
    assert one.losses == two.losses and one.losses[-1] < one.losses[0]
    assert one.marks[0] == 0 and one.marks[-1] == 4 and len(one.marks) == len(one.losses)


def test_the_committed_result_is_what_the_runs_give():
    """The first marks of seed 1, trained again; a file that is 1 % off would show."""
    found = digits.measured()
    for name in ("sgd", "kfac"):
        run = digits.train(name, found["settings"][name], 1, until=9)
        want = found["runs"][name]
        assert list(run.marks) == want["marks"][:9]
        np.testing.assert_allclose(run.losses, want["losses"][0][:9], rtol=1e-3)
    for name, setting in found["settings"].items():
        assert setting in digits.GRID[name]
        assert found["seconds"][name] > 0


def test_a_run_that_breaks_says_so(monkeypatch):
    def broken(self, weights, x, y):
        return [w * np.nan for w in weights]

    monkeypatch.setattr(digits.Optimiser, "step", broken)
    run = digits.train("sgd", {"eta": 0.1, "momentum": 0.9}, 0, 4)
    assert np.isfinite(run.losses[0]) and set(run.losses[1:]) == {float("inf")}
    assert run.accuracy == 0


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: digits.Optimiser("lion", eta=0.1, momentum=0.9), "name: expected one of"),
        (lambda: digits.Optimiser("sgd", eta=0.1, damping=0.9), "momentum: expected for 'sgd'"),
        (lambda: digits.Optimiser("kfac", eta=0.0, damping=0.9), "eta: expected"),
        (lambda: digits.train("sgd", {"eta": 0.1, "momentum": 0.9}, 0, 2.5), "steps"),
    ],
)
def test_bad_input_is_refused_in_words(call, words):
    with pytest.raises(ValueError, match=words):
        call()
