"""Windows and columns are the pieces of text that the documentation says, and y is x one character later."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numeric import assert_same_bits

from nnlite import LSTM, Dense, Sequential, SparseCategoricalCrossentropy
from nnlite.text import Vocabulary, clean_sonnets, columns, split_poems, windows


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
def test_windows_are_views_of_the_same_dtype(dtype):
    ids = np.arange(20, dtype=dtype)
    for array in windows(ids, 4, 3):
        assert array.dtype == dtype
        assert np.shares_memory(array, ids)
        with pytest.raises(ValueError, match="read-only"):
            array[:] = 0


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
        (np.arange(40), 40, 1, ValueError, "ids: expected at least 41 for a window of length 40.*got 40"),
        (np.arange(0), 1, 1, ValueError, "ids: expected at least 2 for a window of length 1.*got 0"),
        ([], 1, 1, ValueError, "ids: expected at least 2 for a window of length 1.*got 0"),
        (np.arange(9), 0, 1, ValueError, "length: expected at least 1, got 0"),
        (np.arange(9), 3, 0, ValueError, "step: expected at least 1, got 0"),
        (np.arange(9), 3, -2, ValueError, "step: expected at least 1, got -2"),
        (np.arange(9), 3.0, 1, TypeError, "length: expected an integer, got 3.0"),
        (np.arange(9), 3, "1", TypeError, "step: expected an integer, got '1'"),
        (np.arange(9.0), 3, 1, TypeError, "ids: expected integers, got float64"),
        ([[1], [2, 3]], 1, 1, ValueError, "ids: expected lists of one length"),
        (np.zeros((3, 9), int), 3, 1, ValueError, r"ids: expected shape \(L,\), got \(3, 9\)"),
        ("to be or not", 3, 1, TypeError, r"ids: expected integers, got a str: use vocabulary.encode"),
    ],
)
def test_bad_input(ids, length, step, error, message):
    with pytest.raises(error, match=message):
        windows(ids, length, step)


# Columns


@given(st.integers(2, 200), st.integers(1, 12), st.integers(1, 6), st.integers(1, 15))
def test_a_row_goes_on_where_it_ended(size, length, rows, step):
    if size <= max(length, rows * step):
        return
    ring = size - 1
    x, y = columns(np.arange(size), length, rows, step)
    assert (y == x + 1).all()
    assert x.shape == (ring // (rows * step) * rows, length)
    by_row = x.reshape(-1, rows, length).swapaxes(0, 1).reshape(rows, -1)
    assert (np.diff(by_row) % ring == 1 % ring).all()
    column = by_row[1, 0] if rows > 1 else 0
    assert by_row[:, 0].tolist() == [n * column for n in range(rows)]
    if rows > 1:
        assert (column - step) % length == 0  # the windows of two rows begin a step apart
        assert ring // rows - length < column <= ring // rows


def test_a_step_of_one_length_reads_each_column_once():
    ids = np.random.default_rng(0).integers(38, size=1000)
    x, y = columns(ids, 7, 3)
    own = [windows(ids[n * 329 : (n + 1) * 329 + 1], 7, 7) for n in range(3)]  # 329 = 7 * (999 // 21)
    for array, parts in zip((x, y), zip(*own, strict=True), strict=True):
        assert (array.reshape(47, 3, 7) == np.stack(parts, axis=1)).all()


@pytest.mark.parametrize(("step", "times"), [(20, 2), (10, 4)])
def test_a_smaller_step_reads_everything_as_often_as_windows_do(step, times):
    ids = np.arange(84_504)
    x, _ = columns(ids, 40, 16, step)
    assert abs(len(x) - len(windows(ids, 40, step)[0])) < 16
    read = np.bincount(x.ravel(), minlength=len(ids))
    assert (read == times).mean() > 0.96
    assert read[:-1].min() >= times - 1
    assert len(np.unique(x[:, 0])) > 0.99 * len(x)  # at other characters each time


def test_a_stateful_model_reads_columns_as_it_reads_the_text():
    """The loss of all windows is that of the long pieces that they were cut from."""
    ids = np.random.default_rng(0).integers(5, size=241)
    losses = []
    for stateful, (x, y) in ((True, columns(ids, 6, 4)), (False, windows(ids, 60, 60))):
        lstm = LSTM(7, return_sequences=True, stateful=stateful, input_dim=5, dtype="float64")
        model = Sequential([lstm, Dense(5)], dtype="float64", seed=0)
        model.compile("sgd", SparseCategoricalCrossentropy(from_logits=True))
        losses.append(model.evaluate(x, y, batch_size=4))
    assert losses[0] == pytest.approx(losses[1], rel=1e-12)


@pytest.mark.parametrize("dtype", ["int64", "uint8"])
def test_columns_are_contiguous_copies_of_the_same_dtype(dtype):
    ids = np.arange(50, dtype=dtype)
    for array in columns(ids, 4, 3):
        assert (array.dtype, array.flags.c_contiguous) == (dtype, True)
        array[:] = 0
    assert ids.tolist() == list(range(50))


@pytest.mark.parametrize(("step", "classes", "ignored"), [(7, None, None), (3, {1: 2.0}, None), (20, None, 3)])
def test_columns_without_copies_train_to_the_same_bits(step, classes, ignored):
    ids, found = np.random.default_rng(0).integers(5, size=400, dtype=np.uint8), []
    for copy in (True, False):
        x, y = columns(ids, 7, 4, step, copy=copy)
        lstm = LSTM(7, return_sequences=True, stateful=True, input_dim=5)
        model = Sequential([lstm, Dense(5)], seed=0)
        model.compile("adam", SparseCategoricalCrossentropy(from_logits=True, ignore_class=ignored), metrics=["acc"])
        options = {"class_weight": classes, "batch_size": 4, "shuffle": False, "verbose": 0}
        history = model.fit(x, y, epochs=2, validation_data=(x, y), **options).history
        found.append((history, model.evaluate(x, y, batch_size=4), model.params, model.predict(x, batch_size=4)))
    assert found[0][:2] == found[1][:2]
    assert_same_bits(found[0][3], found[1][3])
    for name, param in found[0][2].items():
        assert_same_bits(param, found[1][2][name])


def test_columns_without_copies_are_made_when_asked_for():
    ids = np.random.default_rng(0).integers(5, size=400, dtype=np.uint8)
    for array, lazy in zip(columns(ids, 7, 4, 3), columns(ids, 7, 4, 3, copy=False), strict=True):
        assert (lazy.shape, lazy.ndim, lazy.size, lazy.dtype) == (array.shape, 2, array.size, array.dtype)
        np.testing.assert_array_equal(lazy, array)
        last_first = np.arange(len(array), dtype=np.uint8)[::-1]  # as `fit` shuffles: S times them is 256 and more
        for rows in (slice(3, 11), slice(-2, None), np.array([5, 0, 5]), 3, -1, np.array([-1, -9]), array[:, 0] == 2):
            np.testing.assert_array_equal(lazy[rows], array[rows])
        np.testing.assert_array_equal(lazy[last_first], array[::-1])
        assert len(list(zip(lazy, range(1000)))) == len(array)  # noqa: B905  an iteration ends
        assert np.asarray(lazy, np.int64).dtype == np.int64


@pytest.mark.parametrize("copy", [True, False])
def test_ids_in_columns_that_are_out_of_range_are_found(copy):
    ids = np.random.default_rng(0).integers(5, size=400, dtype=np.uint8)
    ids[123] = 9
    model = Sequential([LSTM(7, return_sequences=True, input_dim=5), Dense(5)])
    model.compile("adam", SparseCategoricalCrossentropy(from_logits=True))
    with pytest.raises(IndexError, match=r"fit: x: expected ids in 0 .. 4, got 9 at \(17, 1\)"):
        model.fit(*columns(ids, 7, 4, 3, copy=copy), batch_size=4, shuffle=False)


@pytest.mark.parametrize(
    ("ids", "length", "rows", "step", "error", "message"),
    [
        (np.arange(40), 40, 1, 1, ValueError, "ids: expected at least 41 for a window of length 40.*got 40"),
        (
            np.arange(80),
            40,
            2,
            None,
            ValueError,
            "ids: expected at least 81 for a batch of 2 rows.*got 80: use a smaller batch_size",
        ),
        (np.arange(9), 3, 0, 1, ValueError, "batch_size: expected at least 1, got 0"),
        (np.arange(9), 3, 1.0, 1, TypeError, "batch_size: expected an integer, got 1.0"),
        (np.arange(9), 3, 1, 0, ValueError, "step: expected at least 1, got 0"),
        (np.arange(9.0), 3, 1, 1, TypeError, "ids: expected integers, got float64"),
    ],
)
def test_bad_input_for_columns(ids, length, rows, step, error, message):
    with pytest.raises(error, match=message):
        columns(ids, length, rows, step)
