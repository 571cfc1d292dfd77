"""BinaryCrossentropy: yes or no, one number for each question."""

import numpy as np

from .. import checks
from .base import SMALLEST_PROBABILITY, Loss, check_probabilities, element_weights, pair, weighted


class BinaryCrossentropy(Loss):
    """Cross-entropy of answers 0 or 1: each element of y_pred is the probability of a 1.

        p = sigmoid(y_pred)                     from logits;  p = y_pred from probabilities
        loss = sum of -(y log p + (1 - y) log(1 - p)) / D
        dy_pred = (p - y) / D                   from logits: predicted minus true probabilities
        dy_pred = ((1 - y) / (1 - p) - y / p) / D           from probabilities
        y = y_true (1 - label_smoothing) + label_smoothing / 2

    y_true and y_pred have the same shape (N, ..., F); y_true may also be (N,) for y_pred (N, 1). y_true are 0 or 1, in
    any dtype, or probabilities. D is the number of elements, F with reduction="sum".

    From logits (the output of a Dense layer) nothing overflows. From probabilities (the output of a Sigmoid layer)
    p and 1 - p below 1e-37 are raised to it; Keras clips p to [1e-7, 1 - 1e-7], which also stops its gradient.

    Args:
        from_logits: whether y_pred holds logits; by default it holds probabilities, as in Keras.
        label_smoothing: from 0 to 1: how far the answers 0 and 1 are moved towards 1/2.
        reduction: "sum_over_batch_size" for the mean, or "sum" of the means over the last axis.

    Raises:
        TypeError: no numbers, or integers as y_pred and floats as y_true: the order is (y_true, y_pred).
        ValueError: the shapes differ, or y_true or probabilities are not in [0, 1].

    Example:
        >>> import numpy as np
        >>> from nnlite.losses import BinaryCrossentropy
        >>> loss = BinaryCrossentropy()
        >>> round(loss.forward(np.array([1, 0]), np.array([[0.5], [0.5]])), 6)
        0.693147
        >>> loss.backward()
        array([[-1.],
               [ 1.]])
        >>> BinaryCrossentropy(from_logits=True).forward(np.array([[1]]), np.array([[-1e4]]))
        10000.0
    """

    def __init__(
        self, from_logits: bool = False, label_smoothing: float = 0.0, reduction: str = "sum_over_batch_size"
    ) -> None:
        super().__init__(reduction)
        self.from_logits = checks.boolean("from_logits", from_logits)
        self.label_smoothing = checks.between("label_smoothing", label_smoothing, 0, 1)

    @np.errstate(under="ignore")  # of what is rounded to 0
    def forward(self, y_true: np.ndarray, y_pred: np.ndarray, sample_weight: np.ndarray | None = None) -> float:
        y_true, y_pred = pair(y_true, y_pred)
        remedy = "use SparseCategoricalCrossentropy for labels; the order is loss(y_true, y_pred)"
        checks.between_0_and_1("y_true", y_true, "answers", remedy)
        if not self.from_logits:
            check_probabilities(self, y_pred, "Sigmoid")
        weights, D = element_weights(sample_weight, y_pred), self._elements(y_pred.shape)
        y, z = y_true.astype(np.float64) * (1 - self.label_smoothing) + self.label_smoothing / 2, y_pred
        self._keep(y_pred, y, weights, D)
        if self.from_logits:
            losses = np.maximum(z, 0) - z * y + np.log1p(np.exp(-np.abs(z, dtype=np.float64)))
        else:
            p, q = _raised(z)
            losses = -(y * np.log(p) + (1 - y) * np.log(q))
        return float(weighted(losses, weights).sum() / D)

    @np.errstate(under="ignore")  # of what is rounded to 0
    def backward(self) -> np.ndarray:
        y_pred, y, weights, D = self._kept()
        if self.from_logits:
            e = np.exp(-np.abs(y_pred, dtype=np.float64))  # at most 1: nothing overflows
            dy_pred = np.where(y_pred >= 0, 1, e) / (1 + e) - y
        else:
            p, q = _raised(y_pred)
            dy_pred = (1 - y) / q - y / p
        return weighted((dy_pred / D).astype(y_pred.dtype), weights)


def _raised(p):
    """p and 1 - p, of which the logarithm is finite."""
    p = p.astype(np.float64)
    return np.maximum(p, SMALLEST_PROBABILITY), np.maximum(1 - p, SMALLEST_PROBABILITY)
