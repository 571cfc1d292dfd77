"""Windows: a long text cut into equal pieces, as a recurrent network is trained on them."""

from __future__ import annotations

import operator

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

__all__ = ["columns", "windows"]


def windows(ids: np.ndarray, length: int, step: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Cut ids into windows x, and into y, what to predict at *every* step of x: the id one step later.

        x[n] = ids[n step : n step + T]
        y[n] = ids[n step + 1 : n step + T + 1]         n = 0 .. N - 1, with N = (L - T - 1) // step + 1

    Letters: L ids, N windows, as many as fit, T time. ids is (L,); x and y are (N, T).

    A window may begin in one poem and end in the next. To keep training and validation apart, split first
    (`split_poems`) and cut each part by itself.

    Args:
        ids: integers, such as those of `Vocabulary.encode`.
        length: T.
        step: from the start of a window to that of the next. Below `length` windows overlap; at `length` each begins
            where the one before it ended, so that a state can be carried from one to the next, one window at a time.
            For batches of several, see `columns`.

    Returns:
        (x, y): both new, C-contiguous, and of the dtype of ids.

    Raises:
        TypeError: ids are not integers, or length or step is not one.
        ValueError: ids have not one dimension, length or step is below 1, or not even one window fits.

    Example:
        >>> import numpy as np
        >>> from nnlite.text import windows
        >>> x, y = windows(np.arange(7), length=3, step=2)
        >>> x
        array([[0, 1, 2],
               [2, 3, 4]])
        >>> y
        array([[1, 2, 3],
               [3, 4, 5]])
    """
    ids, length, step = _require_fitting(ids, length, step)
    # A view of windows one wider holds both; the copies put each window in one piece of memory.
    both = sliding_window_view(ids, length + 1)[::step]
    return both[:, :-1].copy(), both[:, 1:].copy()


def columns(ids: np.ndarray, length: int, batch_size: int, step: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Cut ids into windows for `stateful` layers: row n of a batch goes on where row n of the batch before it ended.

        x[k N + n] = ids[s : s + T]
        y[k N + n] = ids[s + 1 : s + T + 1]         s = n S + k T;  k = 0 .. K - 1;  n = 0 .. N - 1

    Letters: L ids, N rows of a batch, K batches, T time. ids is (L,); x and y are (K N, T), for `fit` with the same
    batch_size and shuffle=False.

    The text stands in N columns of S characters, side by side, and a batch is one window of each. With step = T a row
    reads its own column, once. With a smaller step it reads on in the next column, and after the last in the first,
    until every character has been read T / step times; S is such that each time the windows begin `step` characters
    further on. With a larger step a row reads the beginning of its column alone.

    Args:
        ids: integers, such as those of `Vocabulary.encode`.
        length: T.
        batch_size: N.
        step: there are as many windows as `windows` would cut with this step, but for some that are left out to fill
            whole batches; by default T.

    Returns:
        (x, y): both new, C-contiguous, and of the dtype of ids.

    Raises:
        TypeError: ids are not integers, or length, batch_size or step is not one.
        ValueError: ids have not one dimension, length, batch_size or step is below 1, or ids are too few for a batch.

    Example:
        >>> import numpy as np
        >>> from nnlite.text import columns
        >>> x, y = columns(np.arange(13), length=3, batch_size=2)
        >>> x.reshape(2, 2, 3)  # two batches: row 0 reads from 0 on, and row 1 from 6 on
        array([[[ 0,  1,  2],
                [ 6,  7,  8]],
        <BLANKLINE>
               [[ 3,  4,  5],
                [ 9, 10, 11]]])
        >>> from nnlite import LSTM, Dense, Sequential, SparseCategoricalCrossentropy
        >>> model = Sequential([LSTM(8, return_sequences=True, stateful=True, input_dim=13), Dense(13)], seed=0)
        >>> model.compile("adam", SparseCategoricalCrossentropy(from_logits=True))
        >>> history = model.fit(x, y, batch_size=2, shuffle=False, verbose=0)
    """
    ids, length, step = _require_fitting(ids, length, length if step is None else step)
    N = _require_positive("batch_size", batch_size)
    ring = len(ids) - 1  # all ids but the last, which is in y alone: it has no next one
    if ring < N * step:
        raise ValueError(
            f"{len(ids)} ids are too few for a batch of {N} rows at step {step}: it takes {N * step + 1}. Use a "
            f"smaller batch_size, or a smaller step"
        )
    S = ring // N
    S -= (S - step) % length  # to a step further than where a window of the column before begins
    K = ring // (N * step)
    starts = np.arange(N) * S + np.arange(K)[:, None] * length
    places = (starts.reshape(-1, 1) + np.arange(length)) % ring
    return ids[places], ids[places + 1]


def _require_fitting(ids: np.ndarray, length: int, step: int) -> tuple[np.ndarray, int, int]:
    """ids, length and step, checked: at least one window fits."""
    ids = np.asarray(ids)
    length = _require_positive("length", length)
    step = _require_positive("step", step)
    if ids.ndim != 1:
        raise ValueError(f"ids must have one dimension, got shape {ids.shape}")
    if len(ids) <= length:
        raise ValueError(
            f"{len(ids)} ids are too few for a window of length {length}: it takes {length + 1}, as the last character "
            f"of a window has a next one to predict"
        )
    if ids.dtype.kind not in "iu":
        raise TypeError(f"ids must be integers, as Vocabulary.encode gives, got dtype {ids.dtype}")
    return ids, length, step


def _require_positive(name: str, value: int) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer, got {value!r}") from None
    if number < 1:
        raise ValueError(f"{name} must be at least 1, got {number}")
    return number
