"""Windows: a long text cut into equal pieces, as a recurrent network is trained on them."""

from __future__ import annotations

import operator

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

__all__ = ["windows"]


def windows(ids: np.ndarray, length: int, step: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Cut ids into windows; return `(x, y)`, where y is x one character later.

    ids    integers, shape (L,)
    x      shape (N, T): window n is `ids[n*step : n*step + T]`
    y      shape (N, T): `ids[n*step + 1 : n*step + T + 1]`, what to predict at *every* step of x

    with T = `length` and as many windows as fit: N = (L - T - 1) // step + 1. Both are new,
    C-contiguous, and of the dtype of ids. With `step < length` windows overlap; with
    `step == length` each begins where the one before it ended, so that a state can be carried
    from one to the next.

    A window may begin in one poem and end in the next. To keep training and validation apart,
    split first (`split_poems`) and cut each part by itself.

    ValueError where ids are not one-dimensional, length or step is below 1, or not even one window
    fits; TypeError where something is not an integer.

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
            f"{len(ids)} ids are too few for a window of length {length}: it takes {length + 1}, "
            "as the last character of a window has a next one to predict"
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
