"""Windows are the pieces of text that the documentation says, and y is x one character later."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnlite.text import Vocabulary, clean_sonnets, split_poems, windows


@given(st.integers(2, 60), st.integers(1, 20), st.integers(1, 25), st.data())
def test_windows_are_slices(size, length, step, data):
    length = min(length, size - 1)
    ids = np.array(data.draw(st.lists(st.integers(0, 9), min_size=size, max_size=size)))
    x, y = windows(ids, length, step)
    starts = [s for s in range(0, size, step) if s + length + 1 <= size]
    assert x.tolist() == [ids[s : s + length].tolist() for s in starts]
    assert y.tolist() == [ids[s + 1 : s + length + 1].tolist() for s in starts]
    assert len(x) == (size - length - 1) // step + 1


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8"])
def test_windows_are_contiguous_copies_of_the_same_dtype(dtype):
    ids = np.arange(20, dtype=dtype)
    x, y = windows(ids, 4, 3)
    for array in (x, y):
        assert array.dtype == dtype
        assert array.flags.c_contiguous
        assert array.flags.writeable
        array[:] = 0
    assert ids.tolist() == list(range(20))


def test_step_is_one_by_default():
    x, _ = windows(np.arange(6), 3)
    assert x.tolist() == [[0, 1, 2], [1, 2, 3], [2, 3, 4]]


def test_a_step_of_one_length_misses_nothing():
    ids = np.arange(1, 42)
    x, y = windows(ids, 10, 10)
    assert x.ravel().tolist() == ids[:-1].tolist()
    assert y.ravel().tolist() == ids[1:].tolist()


def test_no_window_reaches_into_the_other_part():
    training, validation = split_poems()
    vocabulary = Vocabulary.from_text(clean_sonnets())
    for part, other in ((training, validation), (validation, training)):
        x, y = windows(vocabulary.encode(part), 40, 20)
        rows = [vocabulary.decode(np.append(a, b[-1])) for a, b in zip(x, y, strict=True)]
        assert all(row in part for row in rows)
        assert not any(row in other for row in rows)


@pytest.mark.parametrize(
    ("ids", "length", "step", "error", "message"),
    [
        (np.arange(40), 40, 1, ValueError, "40 ids are too few.*length 40: it takes 41"),
        (np.arange(0), 1, 1, ValueError, "0 ids are too few"),
        ([], 1, 1, ValueError, "0 ids are too few"),
        (np.arange(9), 0, 1, ValueError, "length must be at least 1, got 0"),
        (np.arange(9), 3, 0, ValueError, "step must be at least 1, got 0"),
        (np.arange(9), 3, -2, ValueError, "step must be at least 1, got -2"),
        (np.arange(9), 3.0, 1, TypeError, "length must be an integer, got 3.0"),
        (np.arange(9), 3, "1", TypeError, "step must be an integer, got '1'"),
        (np.arange(9.0), 3, 1, TypeError, "integers.*got dtype float64"),
        (np.zeros((3, 9), int), 3, 1, ValueError, r"one dimension, got shape \(3, 9\)"),
        ("to be or not", 3, 1, ValueError, r"one dimension, got shape \(\)"),
    ],
)
def test_bad_input(ids, length, step, error, message):
    with pytest.raises(error, match=message):
        windows(ids, length, step)
