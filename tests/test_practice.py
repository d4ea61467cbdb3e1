"""Individual variants: the same for a name on every machine, different for two names."""

import re

import numpy as np
import pytest

from gpat_lib import practice


def test_a_name_always_gives_the_same_numbers():
    drawn = practice.variant("ada", "03_gradient_penalty").integers(0, 10**6, 3)
    np.testing.assert_array_equal(drawn, [829052, 739015, 113140])
    again = practice.variant(" Ada ", "03_gradient_penalty").integers(0, 10**6, 3)
    np.testing.assert_array_equal(drawn, again)


def test_other_names_and_other_assignments_give_others():
    names = [("ada", "03_a"), ("bob", "03_a"), ("ada", "04_b"), ("a", "da03_a"), ("ada0", "3_a")]
    assert len({practice.variant(*pair).random() for pair in names}) == len(names)


@pytest.mark.parametrize("student", ["", "  ", None, 3])
def test_a_missing_name_is_named(student):
    with pytest.raises(ValueError, match="student must be a name; got"):
        practice.variant(student, "03")
    with pytest.raises(ValueError, match="assignment must be a name"):
        practice.variant("ada", student)


def said(capsys, *arguments, **options):
    practice.check("it", *arguments, **options)
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("answer", "right", "words"),
    [
        (..., 1.0, "not answered yet"),
        (None, 1.0, "not answered yet"),
        (1.005, 1, "it: right."),
        ([1, 2.01], [1, 2], "it: right."),
        (" B", "b", "it: right."),
        (0.0, 0, "it: right."),
        ("a", "b", "it is not 'a'"),
        (3, "b", "a word was expected, in quotes; this is int"),
        ("three", 3, "a number was expected; this is str"),
        ({}, [3], "an array of numbers was expected; this is dict"),
        ([3.0], 3.0, r"its shape is \(1,\); expected was \(\)"),
        (np.nan, 3, "not all of it is a finite number"),
        (1.02, 1, "it is too large"),
        (-0.5, 1, "it is too small"),
        (-1, 1, "its sign is wrong"),
        ([2, 4.0], [1, 2], "it is 2 times as large as it should be"),
        ([1, 2.0, 4], [1, 2, 3], "1 of 3 numbers are wrong"),
        ([1, 1.0], [0, 0], "2 of 2 numbers are wrong"),
    ],
)
def test_an_answer_is_judged_in_words(capsys, answer, right, words):
    assert re.search(words, said(capsys, answer, right))


def test_a_known_mistake_is_named(capsys):
    mistakes = {"That is without the half.": 6.0}
    assert said(capsys, 6, 3.0, mistakes=mistakes) == "it: That is without the half.\n"
    assert said(capsys, 3, 3.0, mistakes=mistakes) == "it: right.\n"
    assert said(capsys, 5, 3.0, mistakes=mistakes) == "it: it is too large.\n"
    with pytest.raises(ValueError, match="called 'no mistake' is right"):
        practice.check("it", ..., 3.0, mistakes={"no mistake": 3.001})


def norm(x):
    return np.linalg.norm(x, axis=1)


def not_yet(x): ...


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (norm, "norm: right."),
        (not_yet, "not_yet: not answered yet."),
        (lambda x: np.linalg.norm(x, axis=0), "The norm is taken over the batch."),
        (lambda x: (x**2).sum(1), "2 of 2 numbers are wrong, for an array of shape (2, 3)."),
        (lambda x: x.no, "it stops with AttributeError: "),
        (lambda x: norm(x)[:, None], "its shape is (2, 1); expected was (2,), for an array"),
    ],
)
def test_a_function_is_judged_in_words(capsys, function, words):
    cases = [(np.arange(6.0).reshape(2, 3),), (np.ones((3, 3)) * 2,)]
    mistakes = {"The norm is taken over the batch.": lambda x: np.linalg.norm(x, axis=0)}
    practice.check_function(function, norm, cases, mistakes=mistakes)
    assert words in capsys.readouterr().out


def test_cases_must_tell_a_mistake_from_the_right_function():
    with pytest.raises(ValueError, match="called 'axis' is right in all cases"):
        practice.check_function(
            norm, norm, [(np.ones((2, 2)),)], mistakes={"axis": lambda x: norm(x.T)}
        )
