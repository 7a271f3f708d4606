"""Numbers quoted in the text: the digits that it prints, or the number that it means."""

import math

import numpy as np
import pytest

from ngdlib.prose import quoted_at, said_at, short

quoted = quoted_at()


@pytest.mark.parametrize(
    ("text", "right", "wrong", "how"),
    [
        ("0.622", 0.6224, 0.6226, {}),
        ("−1.5", -1.54, -1.56, {}),
        ("2.0e-4", 2.04e-4, 2.06e-4, {}),
        ("−1.2e239", -1.21e239, -1.26e239, {}),
        ("4", 4.0, 4.49, {}),
        ("4", 4.0, 4.04, {}),
        ("−2", -2.0, -1.98, {}),
        ("10,203", 10203, 10203.4, {}),
        ("0", 0.0, 1e-6, {}),
        ("½", 0.5, 0.505, {}),
        ("−3/2", -1.5, -1.485, {}),
        ("1/3", 1 / 3, 0.3333, {}),
        ("0.5", 0.5, 0.504, {"exactly": True}),
        ("440", 440.43, 440.51, {"rounded": True}),
        ("-75", -75.07, -75.6, {"rounded": True}),
    ],
)
def test_a_quoted_number_is_the_one_that_the_text_means(text, right, wrong, how):
    quoted(text, right, **how)
    with pytest.raises(AssertionError, match="the text says"):
        quoted(text, wrong, **how)


def test_elsewhere_than_at_the_defaults_it_is_said_what_the_number_is(capsys):
    quoted_at(False)("4", 5)
    assert "quotes 4 for the default parameters; here it is 5" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "how", "complaint"),
    [
        (("four", 4), {}, "text: expected a number"),
        (("4", [4, 4]), {}, "value: expected one number"),
        (("1,5", 15), {}, "text: expected a number"),
        (("0,622", 622), {}, "text: expected a number"),
        (("12,34,567", 1234567), {}, "text: expected a number"),
        (("1e400", math.inf), {}, "text: expected a number"),
        ((4, 4), {}, "text: expected a number"),
        (("1", 1 == 1.0), {}, "value: expected one number, got True"),
        (("4", None), {}, "value: expected real numbers"),
        (("4", "4"), {}, "value: expected real numbers"),
        (("4", 4), {"exactly": True, "rounded": True}, "rounded: expected"),
        (("½", 0.5), {"rounded": True}, "rounded: expected"),
    ],
)
def test_what_is_no_number_is_refused(arguments, how, complaint):
    with pytest.raises(ValueError, match=complaint):
        quoted(*arguments, **how)


def test_what_is_no_sentence_and_what_is_no_truth_are_refused():
    said = said_at(True)
    for sentence, true in ((None, True), ("It is ahead.", "no"), ("It is ahead.", 0.3)):
        with pytest.raises(ValueError, match="expected"):
            said(sentence, true)
    said("It is ahead.", np.bool_(True))


def test_a_table_stays_readable_at_every_legal_value():
    values = [0.12345, -3.0, 99_999.4, 1e5, -2.17e20, 9.4e40, math.nan, math.inf]
    words = [short(v) for v in values]
    assert words == ["0.123", "-3.000", "99999.400", "1.0e+05", "-2.2e+20", "9.4e+40", "—", "—"]
    assert max(map(len, words)) <= 10 and short(1 / 3, 2) == "0.33"


def test_a_sentence_is_asserted_at_the_defaults_and_reported_elsewhere(capsys):
    said_at(True)("The first is ahead.", True)
    with pytest.raises(AssertionError, match="the first is ahead"):
        said_at(True, True)("the first is ahead", False)
    said_at(True, False)("The first is ahead.", True)
    assert capsys.readouterr().out == ""
    said_at(False)("The first is ahead.", False)
    assert "In this run it is not so" in capsys.readouterr().out
