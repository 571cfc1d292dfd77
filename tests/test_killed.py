"""Trainings that are killed at random, also on a full disk: nothing is lost, and they end with the same bits."""

import os
import random

import killed
import pytest

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")


def test_a_few():
    counts, finished, _ = killed.main(6, random.randrange(2**32), kinds=("stateful", "train"))
    assert counts.total() == 6
    assert finished.total() > 0


@pytest.mark.long
@pytest.mark.parametrize(("number", "disk"), [(100, killed.small_disk), (40, killed.LimitedSize)])
def test_a_hundred(number, disk):
    counts, finished, kind = killed.main(number, random.randrange(2**32), disk=disk)
    print(kind, counts, finished)
    assert counts.total() == number
