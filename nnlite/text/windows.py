"""Windows: a long text cut into equal pieces, as a recurrent network is trained on them."""

from __future__ import annotations

import operator

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

__all__ = ["windows"]


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
            where the one before it ended, so that a state can be carried from one to the next.

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
    # A view of windows one wider holds both; the copies put each window in one piece of memory.
    both = sliding_window_view(ids, length + 1)[::step]
    return both[:, :-1].copy(), both[:, 1:].copy()


def _require_positive(name: str, value: int) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer, got {value!r}") from None
    if number < 1:
        raise ValueError(f"{name} must be at least 1, got {number}")
    return number
