"""How far predicted numbers are from the true ones."""

import numpy as np

from .. import checks
from .accuracies import mean


def mean_absolute_error(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """The mean of |y_pred - y_true| over all elements; 0 without any.

    Args:
        y_true, y_pred: numbers of the same shape (N, ..., F); y_true may be (N,) for y_pred (N, 1).

    Raises:
        TypeError: no numbers.
        ValueError: the shapes differ.

    Example:
        >>> import numpy as np
        >>> from nnlite.metrics import mean_absolute_error
        >>> mean_absolute_error(np.array([1.0, 2.0]), np.array([[2.0], [0.0]]))
        1.5
    """
    return mean(np.abs(_difference("mean_absolute_error", y_true, y_pred)))


def mean_squared_error(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """The mean of (y_pred - y_true)^2 over all elements; 0 without any.

    Args:
        y_true, y_pred: as in `mean_absolute_error`.

    Raises:
        TypeError, ValueError: as `mean_absolute_error`.

    Example:
        >>> import numpy as np
        >>> from nnlite.metrics import mean_squared_error
        >>> mean_squared_error(np.array([1.0, 2.0]), np.array([[2.0], [0.0]]))
        2.5
    """
    return mean(np.square(_difference("mean_squared_error", y_true, y_pred)))


def _difference(name, y_true, y_pred):
    y_pred = checks.samples(f"{name}: y_pred", y_pred)
    y_true = checks.like(f"{name}: y_true", y_true, y_pred)
    if y_true.shape != y_pred.shape:
        expected, got = checks.shape_text(y_pred.shape), checks.shape_text(y_true.shape)
        raise ValueError(f"{name}: y_true: expected shape of y_pred = {expected}, got {got}")
    return np.subtract(y_pred, y_true, dtype=np.float64)
