"""Holding out: some images to judge by, which a model does not learn from."""

from __future__ import annotations

import numpy as np

__all__ = ["hold_out"]

Samples = tuple[np.ndarray, np.ndarray]


def hold_out(x: np.ndarray, y: np.ndarray, every: int = 5) -> tuple[Samples, Samples]:
    """Split samples in two, by counting: every fifth of each label is held out.

    So each label has the same part in both, no random number is drawn, and everybody who splits the same data holds out
    the same samples: results can be compared.

    Args:
        x: (N, ...) samples.
        y: (N,) labels, integers.
        every: 5 holds out the 5th, the 10th, the 15th ... sample of each label, in the order of the data.

    Returns:
        (x, y) to learn from and (x, y) held out, all new, in the order of the data.

    Raises:
        TypeError: x or y is no array, y does not hold integers, or every is no whole number.
        ValueError: y has not one label for each sample of x, every is below 2, or nothing is held out.

    Example:
        >>> import numpy as np
        >>> from nnlite.images import hold_out
        >>> x, y = np.arange(100, 108), np.array([3, 3, 3, 3, 7, 7, 7, 7])
        >>> training, held_out = hold_out(x, y, every=4)
        >>> training[0].tolist(), held_out[0].tolist(), held_out[1].tolist()
        ([100, 101, 102, 104, 105, 106], [103, 107], [3, 7])
    """
    for name, array in (("x", x), ("y", y)):
        if not isinstance(array, np.ndarray):
            raise TypeError(f"{name} must be a NumPy array, got {type(array).__name__}")
    if y.dtype.kind not in "iu":
        raise TypeError(f"y must hold integers, got {y.dtype.name}")
    if y.ndim != 1 or y.shape != x.shape[:1]:
        raise ValueError(f"each sample needs one label, but x has shape {x.shape} and y {y.shape}")
    if isinstance(every, bool) or not isinstance(every, int | np.integer):
        raise TypeError(f"every must be a whole number, got {every!r}")
    if every < 2:
        raise ValueError(f"every must be at least 2, to leave something to learn from, got {every}")
    held_out = np.zeros(len(y), bool)
    for label in np.unique(y):
        held_out[np.flatnonzero(y == label)[every - 1 :: every]] = True
    if not held_out.any():
        raise ValueError(f"no label has {every} samples, so none can be held out: every must be smaller")
    return (x[~held_out], y[~held_out]), (x[held_out], y[held_out])
