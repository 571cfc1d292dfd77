"""MeanSquaredError: the mean of squared differences."""

import numpy as np

from .base import Loss, element_weights, pair, weighted


class MeanSquaredError(Loss):
    """The mean squared difference over all elements.

        loss = sum of (y_pred - y_true)^2 / D
        dy_pred = 2 (y_pred - y_true) / D

    y_true and y_pred have the same shape (N, ..., F); y_true may also be (N,) for y_pred (N, 1). D is the number of
    elements. With reduction="sum" D = F: as in Keras, the means over the last axis are summed. With `sample_weight`
    each position's squares, and their gradients, are multiplied by its weight.

    Args:
        reduction: "sum_over_batch_size" or "sum".

    Raises:
        TypeError: no numbers, or integers as y_pred and floats as y_true: the order is (y_true, y_pred).
        ValueError: the shapes differ.

    Example:
        >>> import numpy as np
        >>> from nnlite.losses import MeanSquaredError
        >>> loss = MeanSquaredError()
        >>> loss.forward(np.array([[1.0, 2.0]]), np.array([[2.0, 0.0]]))
        2.5
        >>> loss.backward()
        array([[ 1., -2.]])
    """

    def forward(self, y_true: np.ndarray, y_pred: np.ndarray, sample_weight: np.ndarray | None = None) -> float:
        y_true, y_pred = pair(y_true, y_pred)
        weights, D = element_weights(sample_weight, y_pred), self._elements(y_pred.shape)
        difference = y_pred - y_true
        self._keep(difference, weights, D)
        return float(weighted(np.square(difference, dtype=np.float64), weights).sum() / D)

    def backward(self) -> np.ndarray:
        difference, weights, D = self._kept()
        return weighted(difference * (2 / D), weights)
