"""Holding out: the same samples for everybody, and the same part of each label."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnlite.images import hold_out


@given(labels=st.lists(st.integers(0, 4), min_size=30), every=st.integers(2, 6))
def test_each_label_in_the_same_part(labels, every):
    y = np.array(labels)
    x = np.arange(len(y))
    (x_training, y_training), (x_test, y_test) = hold_out(x, y, every)
    assert sorted([*x_training, *x_test]) == x.tolist()  # nothing is lost, nothing is in both
    for found in (x_training, x_test):
        assert (np.diff(found) > 0).all()
    assert (y[x_training] == y_training).all()
    assert (y[x_test] == y_test).all()
    for label in range(5):
        assert (y_test == label).sum() == (y == label).sum() // every


def test_the_data_stay_as_they_are():
    x, y = np.zeros((10, 2)), np.zeros(10, int)
    (a, _), (b, _) = hold_out(x, y)
    a[:], b[:] = 1, 2
    assert not x.any()


X, Y = np.zeros((8, 2)), np.array([0, 0, 0, 0, 1, 1, 1, 1])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((X.tolist(), Y), TypeError, "x: expected a NumPy array, got list"),
        ((X, Y.tolist()), TypeError, "y: expected a NumPy array, got list"),
        ((X, Y.astype(float)), TypeError, "y: expected integers, got float64"),
        ((X, Y[:7]), ValueError, r"y: expected one label for each sample of x \(8, 2\), shape \(8,\), got \(7,\)"),
        ((X, X.astype(int)), ValueError, "y: expected one label for each sample"),
        ((np.zeros(()), Y), ValueError, "y: expected one label for each sample"),
        ((X, Y, 1), ValueError, "every: expected at least 2, got 1"),
        ((X, Y, 5), ValueError, "every: expected at most the samples of some label, got 5"),
        ((X, Y, 2.0), TypeError, "every: expected an integer"),
        ((X, Y, True), TypeError, "every: expected an integer"),
    ],
)
def test_refuses(arguments, error, message):
    with pytest.raises(error, match=message):
        hold_out(*arguments)
