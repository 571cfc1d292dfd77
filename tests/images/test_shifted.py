"""Shifting: what moves where, and what stays."""

import numpy as np
import pytest

from nnlite.images import shifted

X = np.random.default_rng(0).random((3, 5, 4, 2), dtype="float32")
Y = np.array([4, 7, 1])


def test_whole_pixels():
    x, y = shifted(X, Y, pixels=[1])
    assert x.dtype == X.dtype
    same, up, down, left, right = x.reshape(5, *X.shape)
    assert (same == X).all()
    assert (up[:, :-1] == X[:, 1:]).all()
    assert (down[:, 1:] == X[:, :-1]).all()
    assert (left[:, :, :-1] == X[:, :, 1:]).all()
    assert (right[:, :, 1:] == X[:, :, :-1]).all()
    assert not np.concatenate([up[:, -1], down[:, 0]]).any()
    assert not np.concatenate([left[:, :, -1], right[:, :, 0]]).any()
    assert (y.reshape(5, 3) == Y).all()


def test_parts_of_a_pixel_lie_between_whole_ones():
    quarter, whole = (shifted(X, Y, pixels=[distance])[0] for distance in (0.25, 1))
    np.testing.assert_allclose(quarter, 0.75 * np.tile(X, (5, 1, 1, 1)) + 0.25 * whole, rtol=1e-6)
    more, two = (shifted(X, Y, pixels=[distance])[0] for distance in (1.5, 2))
    np.testing.assert_allclose(more[3:], ((whole + two) / 2)[3:], rtol=1e-6)


def test_several_distances():
    x, y = shifted(X, Y)
    assert len(x) == len(y) == 9 * 3
    assert (x[:15] == shifted(X, Y, [0.5])[0]).all()
    assert (x[15:] == shifted(X, Y, [1])[0][3:]).all()
    assert shifted(X, Y, ())[0] is not X


def test_far_away_nothing_is_left():
    x, _ = shifted(X, Y, [9.5])
    assert not x[3:].any()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((X.tolist(), Y), TypeError, "x: expected a NumPy array, got list"),
        ((X, Y.tolist()), TypeError, "y: expected a NumPy array, got list"),
        ((X.astype("uint8"), Y), TypeError, "x: expected float32 or float64, got uint8"),
        ((X[..., 0], Y), ValueError, r"x and y: expected shapes \(N, H, W, C\)"),
        ((X, Y[:2]), ValueError, r"got \(3, 5, 4, 2\) and \(2,\)"),
        ((X, Y, [0]), ValueError, "pixels: expected finite distances above 0"),
        ((X, Y, [float("inf")]), ValueError, "pixels: expected finite distances above 0"),
    ],
)
def test_refuses(arguments, error, message):
    with pytest.raises(error, match=message):
        shifted(*arguments)
