"""CategoricalCrossentropy: one of V classes, given as one-hot vectors or probabilities."""

import math

import numpy as np

from .. import checks
from .base import SMALLEST_PROBABILITY, Loss, check_probabilities, element_weights, predictions, weighted


class CategoricalCrossentropy(Loss):
    """Cross-entropy with one-hot labels, or with the probability of each class.

        p = softmax(y_pred)                     from logits;  p = y_pred from probabilities
        loss = sum of -y log p / D
        dy_pred = (p - y) / D                   from logits, where y sums to 1: predicted minus true probabilities
        dy_pred = -y / (p D)                    from probabilities
        y = y_true (1 - label_smoothing) + label_smoothing / V

    y_true and y_pred are (N, ..., V): N positions on any number of axes, V classes; D = N, or 1 with reduction="sum".
    `SparseCategoricalCrossentropy` is the same for labels 0 .. V - 1 and needs less memory.

    Probabilities are used unchanged; those below 1e-37 are raised to it. (Keras first divides them by their sum, which
    changes nothing behind a Softmax layer.)

    Args:
        from_logits: whether y_pred holds logits; by default it holds probabilities, as in Keras.
        label_smoothing: from 0 to 1: how much of the probability is spread over all classes.
        reduction: "sum_over_batch_size" for the mean over all positions, or "sum".

    Raises:
        TypeError: no numbers, or integers as y_pred and floats as y_true: the order is (y_true, y_pred).
        ValueError: the shapes differ, or y_true or probabilities are not in [0, 1].

    Example:
        >>> import numpy as np
        >>> from nnlite.losses import CategoricalCrossentropy
        >>> loss = CategoricalCrossentropy()
        >>> round(loss.forward(np.array([[0, 0, 1]]), np.array([[0.25, 0.25, 0.5]])), 6)
        0.693147
        >>> loss.backward()
        array([[-0., -0., -2.]])
    """

    def __init__(
        self, from_logits: bool = False, label_smoothing: float = 0.0, reduction: str = "sum_over_batch_size"
    ) -> None:
        super().__init__(reduction)
        self.from_logits = checks.boolean("from_logits", from_logits)
        self.label_smoothing = checks.between("label_smoothing", label_smoothing, 0, 1)

    @np.errstate(under="ignore")  # of what is rounded to 0
    def forward(self, y_true: np.ndarray, y_pred: np.ndarray, sample_weight: np.ndarray | None = None) -> float:
        y_pred = predictions(y_true, y_pred, (..., None), "(N, ..., V)")
        y_true = _one_hot(y_true, y_pred)
        if not self.from_logits:
            check_probabilities(self, y_pred, "Softmax")
        *positions, V = y_pred.shape
        weights, D = element_weights(sample_weight, y_pred), self._divisor(math.prod(positions))
        y = y_true.astype(np.float64) * (1 - self.label_smoothing) + self.label_smoothing / max(1, V)
        if self.from_logits:
            z = y_pred - y_pred.max(axis=-1, keepdims=True, initial=-np.inf)  # at most 0: nothing overflows
            e = np.exp(z, dtype=np.float64)
            s = np.maximum(e.sum(axis=-1, keepdims=True), 1)  # which it is, but where there are no classes
            losses, p = y * (np.log(s) - z), e / s
        else:
            p = np.maximum(y_pred.astype(np.float64), SMALLEST_PROBABILITY)
            losses = -y * np.log(p)
        self._keep(y, p, y_pred.dtype, weights, D)
        return float(weighted(losses, weights).sum() / D)

    @np.errstate(under="ignore")  # of what is rounded to 0
    def backward(self) -> np.ndarray:
        y, p, dtype, weights, D = self._kept()
        dy_pred = p * y.sum(axis=-1, keepdims=True) - y if self.from_logits else -y / p
        return weighted((dy_pred / D).astype(dtype), weights)


def _one_hot(y_true, y_pred):
    """One-hot vectors or probabilities of y_pred's shape and dtype."""
    y_true = checks.numbers("y_true", y_true)
    if y_true.shape in (y_pred.shape[:-1], (*y_pred.shape[:-1], 1)) and y_true.shape != y_pred.shape:
        raise ValueError(
            f"y_true: expected one-hot vectors {checks.shape_text(y_pred.shape)}, got labels "
            f"{checks.shape_text(y_true.shape)}: use SparseCategoricalCrossentropy, or "
            f"np.eye({y_pred.shape[-1]})[y_true]"
        )
    y_true = checks.floats("y_true", y_true, y_pred.dtype, y_pred.shape, "of y_pred")
    checks.between_0_and_1("y_true", y_true, "probabilities of classes", "the order is loss(y_true, y_pred)")
    return y_true
