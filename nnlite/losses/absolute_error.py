"""MeanAbsoluteError: the mean of absolute differences."""

import numpy as np

from .base import Loss, element_weights, pair, weighted


class MeanAbsoluteError(Loss):
    """The mean absolute difference over all elements: outliers count less than in `MeanSquaredError`.

        loss = sum of |y_pred - y_true| / D
        dy_pred = sign(y_pred - y_true) / D         0 where they are equal

    Shapes, D, reduction, weights and errors as in `MeanSquaredError`.

    Args:
        reduction: "sum_over_batch_size" or "sum".

    Example:
        >>> import numpy as np
        >>> from nnlite.losses import MeanAbsoluteError
        >>> loss = MeanAbsoluteError()
        >>> loss.forward(np.array([[1.0, 2.0]]), np.array([[2.0, 0.0]]))
        1.5
        >>> loss.backward()
        array([[ 0.5, -0.5]])
    """

    def forward(self, y_true: np.ndarray, y_pred: np.ndarray, sample_weight: np.ndarray | None = None) -> float:
        y_true, y_pred = pair(y_true, y_pred)
        weights, D = element_weights(sample_weight, y_pred), self._elements(y_pred.shape)
        difference = y_pred - y_true
        self._keep(difference, weights, D)
        return float(weighted(np.abs(difference, dtype=np.float64), weights).sum() / D)

    def backward(self) -> np.ndarray:
        difference, weights, D = self._kept()
        return weighted(np.sign(difference) * (1 / D), weights)
