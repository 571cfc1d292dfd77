"""Hold out samples for testing."""

import numpy as np

Samples = tuple[np.ndarray, np.ndarray]


def hold_out(x: np.ndarray, y: np.ndarray, every: int = 5) -> tuple[Samples, Samples]:
    """Split samples by counting: hold out every fifth sample of each label.

    Returns (x, y) for training and (x, y) held out, new arrays in the order of the data. Each label has the same share
    in both. No random numbers are used, so everyone who splits the same data holds out the same samples, and results
    can be compared.

    Args:
        x: (N, ...) samples.
        y: (N,) integer labels.
        every: 5 holds out the 5th, the 10th, the 15th ... sample of each label, in the order of the data.

    Raises:
        TypeError: x or y is not an array, y is not integers, or every is not an integer.
        ValueError: y does not have one label for each sample of x, every is below 2, or nothing is held out.

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
            raise TypeError(f"{name}: expected a NumPy array, got {type(array).__name__}: use np.asarray(...)")
    if y.dtype.kind not in "iu":
        raise TypeError(f"y: expected integers, got {y.dtype.name}")
    if y.ndim != 1 or y.shape != x.shape[:1]:
        raise ValueError(f"y: expected one label for each sample of x {x.shape}, shape {x.shape[:1]}, got {y.shape}")
    if isinstance(every, bool) or not isinstance(every, int | np.integer):
        raise TypeError(f"every: expected an integer, got {every!r}")
    if every < 2:
        raise ValueError(f"every: expected at least 2, got {every}: 1 would leave nothing to train on")
    held_out = np.zeros(len(y), bool)
    for label in np.unique(y):
        held_out[np.flatnonzero(y == label)[every - 1 :: every]] = True
    if not held_out.any():
        raise ValueError(f"every: expected at most the samples of some label, got {every}: use a smaller one")
    return (x[~held_out], y[~held_out]), (x[held_out], y[held_out])
