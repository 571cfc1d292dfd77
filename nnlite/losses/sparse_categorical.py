"""SparseCategoricalCrossentropy: one of V classes, given as labels 0 .. V - 1."""

import math

import numpy as np

from .. import checks
from ..kernels import backend, empty, of_dtype
from .base import SMALLEST_PROBABILITY, Loss, check_probabilities, predictions, weights_of


class SparseCategoricalCrossentropy(Loss):
    """Cross-entropy with integer labels: the mean of -log(probability of the label).

    In nats; exp(loss) is the perplexity. A model that predicts all labels with equal probability has a loss of log V.

        p = softmax(y_pred)                     from logits;  p = y_pred from probabilities
        loss = sum of -log p[label] / D
        dy_pred = (p - onehot(label)) / D       from logits: predicted minus true probabilities
        dy_pred[label] = -1 / (p[label] D)      from probabilities, and 0 elsewhere

    N positions on any number of axes, V scores each; D = N, or 1 with reduction="sum". y_pred is (N, ..., V); y_true is
    (N, ...) or (N, ..., 1), labels in 0 .. V - 1 of any integer dtype. With `sample_weight` each position's loss, and
    its gradient, is multiplied by its weight.

    From logits (the output of a Dense layer) nothing overflows and no gradient underflows. Probabilities (the output
    of a Softmax layer) are used unchanged; those below 1e-37 (`SMALLEST_PROBABILITY`) are raised to it.

    Args:
        from_logits: whether y_pred holds logits; by default it holds probabilities, as in Keras.
        ignore_class: a label whose positions count nothing, such as -1 for padding: the mean of a batch is over the
            others. The mean of an epoch is over its samples, as in Keras, however many of their positions count; `fit`
            and `evaluate` with `lengths` instead take it over the real steps.
        reduction: "sum_over_batch_size" for the mean over all positions, or "sum".

    Raises:
        TypeError: y_pred are no numbers, or y_true no integers, or the two are in the wrong order.
        ValueError: the shapes do not fit, or probabilities are not in [0, 1].
        IndexError: a label is not in 0 .. V - 1; the message says where.

    Example:
        >>> import numpy as np
        >>> from nnlite.losses import SparseCategoricalCrossentropy
        >>> loss = SparseCategoricalCrossentropy()
        >>> round(loss.forward(np.array([2]), np.array([[0.25, 0.25, 0.5]])), 6)
        0.693147
        >>> loss.backward()
        array([[ 0.,  0., -2.]])
        >>> loss = SparseCategoricalCrossentropy(from_logits=True)
        >>> loss.forward(np.array([1]), np.array([[1e4, -1e4]]))
        20000.0
        >>> loss.backward()
        array([[ 1., -1.]])
    """

    takes_labels = True

    def __init__(
        self, from_logits: bool = False, ignore_class: int | None = None, reduction: str = "sum_over_batch_size"
    ) -> None:
        super().__init__(reduction)
        self.from_logits = checks.boolean("from_logits", from_logits)
        is_label = isinstance(ignore_class, int | np.integer) and not isinstance(ignore_class, bool)
        if not (ignore_class is None or is_label):
            raise TypeError(f"ignore_class: expected a label, a whole number, or None, got {ignore_class!r}")
        self.ignore_class = ignore_class

    def forward(self, y_true: np.ndarray, y_pred: np.ndarray, sample_weight: np.ndarray | None = None) -> float:
        y_pred = predictions(y_true, y_pred, (..., None), "(N, ..., V)")
        shape = y_pred.shape
        if not self.from_logits:
            check_probabilities(self, y_pred, "Softmax")
        weights, count = None, math.prod(shape[:-1])
        if sample_weight is not None:
            weights = weights_of(sample_weight, shape[:-1], y_pred.dtype).reshape(-1)
        if self.ignore_class is not None:
            y_true, weights, count = _without(self.ignore_class, y_true, weights, y_pred.dtype)
        if shape[-1] == 1:
            _check_one_score(y_true)
        labels = checks.labels("y_true", y_true, shape).reshape(-1)
        D = 1 if self.reduction == "sum" else max(1, count)
        y_pred = y_pred.reshape(labels.size, shape[-1])
        losses = np.empty(labels.size)
        if self.from_logits:
            p = empty(y_pred.shape, y_pred.dtype)
            total = of_dtype(backend().softmax.cross_entropy_forward, p.dtype)(y_pred, labels, p, losses)
        else:
            p = np.maximum(y_pred[np.arange(labels.size), labels], y_pred.dtype.type(SMALLEST_PROBABILITY))
            total = np.negative(np.log(p, dtype=np.float64), out=losses).sum()
        self._keep(shape, labels, p, weights, D)
        return float(total if weights is None else (losses * weights).sum()) / D

    def backward(self) -> np.ndarray:
        shape, labels, p, weights, D = self._kept()
        if self.from_logits:
            dy_pred = empty(p.shape, p.dtype)
            of_dtype(backend().softmax.cross_entropy_backward, p.dtype)(p, labels, dy_pred, 1 / D)
        else:
            dy_pred = np.zeros((labels.size, shape[-1]), p.dtype)
            dy_pred[np.arange(labels.size), labels] = -1 / (p * D)
        dy_pred = dy_pred if weights is None else dy_pred * weights[:, None]
        return dy_pred.reshape(shape)


def _check_one_score(y_true):
    """Refuse labels above 0 where y_pred has one score for each position."""
    y_true = checks.numbers("y_true", y_true)
    if np.max(y_true, initial=0) > 0:
        raise IndexError(
            f"y_true: expected labels in 0 .. 0, got {np.max(y_true)}: y_pred has one score at each position: use "
            f"BinaryCrossentropy, or Dense(2)"
        )


def _without(ignored, y_true, weights, dtype):
    """Labels and weights where one class counts nothing: its labels are 0, with a weight of 0. And how many others."""
    y_true = checks.numbers("y_true", y_true)
    counts = y_true != ignored
    one = counts.reshape(-1).astype(dtype)
    return np.where(counts, y_true, 0), one if weights is None else weights * one, int(counts.sum())
