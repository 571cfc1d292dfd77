"""Every planted mistake is caught, and no cause is named that is not the true one."""

import re

import pytest
from planted import MISTAKES, UNEXPLAINED

import nnlite
from nnlite.gradcheck import GradientCheckError, gradcheck


@pytest.mark.parametrize("name", MISTAKES)
def test_a_planted_mistake_is_caught_and_called_by_its_name(name):
    mistake = MISTAKES[name]
    with nnlite.use_backend("reference"):
        gradcheck(mistake.case.make(), mistake.case.x, **mistake.case.options)  # without it all is right
    with (
        nnlite.use_backend("reference", **{mistake.kernel: mistake.module()}),
        pytest.raises(GradientCheckError) as error,
    ):
        gradcheck(mistake.case.make(), mistake.case.x, **mistake.case.options)
    assert re.search(mistake.cause, error.value.cause), error.value.cause


def test_most_have_a_name():
    assert sum(UNEXPLAINED in mistake.cause for mistake in MISTAKES.values()) <= 0.2 * len(MISTAKES)
