"""Every derivation of the book follows, and no derivation with a mistake in it does."""

import pytest
import sympy as sp

from book.execute import cache_folder
from ngdlib.derivations import all_derivations, derivation
from ngdlib.derive import Derivation, DerivationError, Formula, mutants
from ngdlib.derive.typeset import latex

BOOK = all_derivations()
PROVED = cache_folder().parent / "verified"
PROVED.mkdir(parents=True, exist_ok=True)


def survivors(d: Derivation) -> tuple[int, list[str]]:
    """How many mutants there are, and which of them `verify` accepts."""
    count, accepted = 0, []
    for what, mutant in mutants(d):
        count += 1
        try:
            mutant.verify()
        except DerivationError:
            continue
        accepted.append(what)
    return count, accepted


@pytest.mark.parametrize("key", BOOK)
def test_derivation_follows_and_its_mutants_do_not(key, monkeypatch):
    d = BOOK[key]()
    monkeypatch.setenv("NGD_VERIFIED", str(PROVED))  # by the build, of this state of the library
    verified = d.verify()
    monkeypatch.delenv("NGD_VERIFIED")
    assert len(verified.steps) == len(d.steps)
    count, accepted = survivors(d)
    assert accepted == []
    assert count >= 2 * len(d.steps)
    assert d.problem or isinstance(d, Formula), "say in one sentence what is asked"


def eulers(d: Derivation) -> list[str]:
    """The symbols of a derivation that print as Euler's number does."""
    return [str(s) for s in d.domain if latex(s, tuple(d.tex.items())) == "e"]


def test_no_letter_stands_for_itself_and_for_eulers_number():
    assert {key: found for key in BOOK if (found := eulers(BOOK[key]()))} == {}
    e, a = sp.symbols("e a")
    for symbol, found in ((e, ["e"]), (a, [])):  # negative control
        d = Derivation("x", title="t", domain={symbol: sp.Interval(0, 1)})
        assert eulers(d) == found


def test_names_are_unique_and_pages_the_same_twice():
    made = [build() for build in BOOK.values()]
    assert len({d.name for d in made}) == len(made)
    if made:
        first = next(iter(BOOK.values()))
        assert first()._repr_mimebundle_() == made[0]._repr_mimebundle_()
        assert made[0]._repr_mimebundle_() != made[-1]._repr_mimebundle_() or len(made) == 1


def test_a_mutant_that_is_accepted_is_reported(monkeypatch):
    """Negative control: with a `verify` that accepts everything, every mutant survives."""
    q = sp.Symbol("q")
    d = Derivation("x", problem="x", domain={q: sp.Interval.open(0, 1)})
    d.equal(q / 2 + q / 3, sp.Rational(5, 6) * q, because="sum")
    assert survivors(d)[1] == []
    monkeypatch.setattr(Derivation, "verify", lambda self: None)
    count, accepted = survivors(d)
    assert len(accepted) == count > 4


def test_registry_refuses_two_of_one_name():
    with pytest.raises(ValueError, match="chapter: expected a chapter's name"):
        derivation("")
    if BOOK:
        key = next(iter(BOOK))
        chapter, name = key.split(".")

        def another() -> Derivation:
            raise AssertionError

        another.__name__ = name
        with pytest.raises(ValueError, match="got two"):
            derivation(chapter)(another)
        assert all_derivations()[key] is BOOK[key]
    assert set(all_derivations("no such chapter")) == set()
