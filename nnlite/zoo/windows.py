"""How a long text is cut for training, and read: what exhibits of this name change."""

from collections.abc import Callable
from typing import Any

import numpy as np


def windows(ids: np.ndarray, T: int) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and targets (n, T): one window after the other, and at each place the id that comes next.

    Example:
        >>> import numpy as np
        >>> from nnlite.zoo.windows import windows
        >>> x, y = windows(np.arange(7), 3)
        >>> x.tolist(), y.tolist()
        ([[0, 1, 2], [3, 4, 5]], [[1, 2, 3], [4, 5, 6]])
    """
    starts = range(0, len(ids) - T, T)
    x = np.stack([ids[start : start + T] for start in starts])
    y = np.stack([ids[start + 1 : start + T + 1] for start in starts])
    return x, y


def truncated(step: Callable[[Any, Any, Any], Any], x: np.ndarray, y: np.ndarray) -> None:
    """Truncated backpropagation through time: each window starts from the state in which the one before ended.

    `step(x, y, state)` learns from one window and returns its final state; no gradient passes between two calls.

    Example:
        >>> from nnlite.zoo.windows import truncated
        >>> truncated(lambda x, y, state: print(x, y, state) or x, [1, 2], [2, 3])
        1 2 None
        2 3 1
    """
    state = None
    for window, targets in zip(x, y, strict=True):
        state = step(window, targets, state)
