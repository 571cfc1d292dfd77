"""The confusion matrix."""

import numpy as np

from .. import checks


def confusion_matrix(y_true: np.ndarray, y_pred: np.ndarray, classes: int | None = None) -> np.ndarray:
    """Count how often each label was predicted as each label.

        matrix[i, j] = number of positions with label i and prediction j

    The diagonal counts correct predictions; a row sums to the label's count. `nnlite.plot.confusion_matrix` draws it.

    Args:
        y_true: labels, integers from 0, of any shape.
        y_pred: predicted labels of the same shape; for scores (N, ..., V) use `scores.argmax(axis=-1)`.
        classes: V, the number of labels; by default the largest label plus 1.

    Returns:
        matrix: (V, V) int64.

    Raises:
        TypeError: y_true or y_pred is not an array of integers.
        ValueError: the shapes differ.
        IndexError: a label is not in 0 .. V - 1; the message says where.

    Example:
        >>> import numpy as np
        >>> from nnlite.metrics import confusion_matrix
        >>> confusion_matrix(np.array([0, 0, 1, 2, 2]), np.array([0, 1, 1, 2, 0]))
        array([[1, 1, 0],
               [0, 1, 0],
               [1, 0, 1]])
    """
    upper = np.iinfo(np.intp).max if classes is None else checks.positive("classes", classes)
    labels = checks.integers("confusion_matrix: y_true", y_true, upper, what="label")
    _refuse_scores(labels, y_pred)
    predicted = checks.integers("confusion_matrix: y_pred", y_pred, upper, what="label")
    if labels.shape != predicted.shape:
        raise ValueError(
            f"confusion_matrix: y_pred: expected one label for each in y_true, shape "
            f"{checks.shape_text(labels.shape)}, got {checks.shape_text(predicted.shape)}"
        )
    V = upper if classes is not None else int(max(labels.max(initial=-1), predicted.max(initial=-1))) + 1
    checks.memory("confusion_matrix", (V, V), np.int64)
    counts = np.bincount(labels.ravel() * V + predicted.ravel(), minlength=V * V)
    return counts.astype(np.int64, copy=False).reshape(V, V)


def _refuse_scores(labels, y_pred):
    """Refuse what `predict` gives: scores, with one more axis than the labels have."""
    scores = checks.numbers("confusion_matrix: y_pred", y_pred)
    if scores.dtype.kind == "f" and scores.ndim == labels.ndim + 1 and scores.shape[-1] > 1:
        raise TypeError(
            f"confusion_matrix: y_pred: expected labels, got scores {checks.shape_text(scores.shape)}: use "
            f"y_pred.argmax(axis=-1)"
        )
