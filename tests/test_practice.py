"""Individual variants: the same for a name on every machine, different for two names."""

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
