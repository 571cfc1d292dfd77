"""Metrics for people to read. Training minimizes the loss, not these."""

import inspect
from collections.abc import Callable, Sequence

import numpy as np

from . import checks

# Maps (y_true, y_pred) to a mean over all positions.
Metric = Callable[[np.ndarray, np.ndarray], float]


def accuracy(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """The fraction of positions whose label has the highest score, from 0 to 1; 0 without positions.

    Guessing gives about 1 / V. Of equal highest scores the first counts, as in `numpy.argmax`.

    Args:
        y_true: (N, ...) labels in 0 .. V - 1, of any integer dtype.
        y_pred: (N, ..., V) scores: probabilities, or logits.

    Raises:
        TypeError: y_true are no integers, or y_pred no numbers.
        ValueError: the shapes do not fit, or y_pred has scores for fewer than two labels.
        IndexError: a label is not in 0 .. V - 1; the message says where.

    Example:
        >>> import numpy as np
        >>> from nnlite.metrics import accuracy
        >>> accuracy(np.array([1, 0, 1, 1]), np.array([[0.1, 0.9], [0.8, 0.2], [0.7, 0.3], [0.4, 0.6]]))
        0.75
    """
    y_pred = checks.samples("accuracy: y_pred", y_pred)
    if y_pred.shape[-1] < 2:
        raise ValueError(
            f"accuracy: y_pred: expected scores for at least two labels, shape (N, ..., V), got "
            f"{checks.shape_text(y_pred.shape)}"
        )
    labels = checks.labels("accuracy: y_true", y_true, y_pred.shape)
    return float(np.mean(y_pred.argmax(axis=-1) == labels)) if labels.size else 0.0


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


_BY_NAME = {"accuracy": accuracy}


def get(metrics: Sequence[str | Metric] | None) -> dict[str, Metric]:
    """The metric functions for `compile(metrics=...)`, by their names in the logs.

    Raises:
        TypeError: not a list, or an item is neither a name nor a named function.
        ValueError: no metric has this name, or two have the same name.

    Example:
        >>> from nnlite import metrics
        >>> list(metrics.get(["accuracy"]))
        ['accuracy']
    """
    if metrics is None:
        return {}
    if isinstance(metrics, str) or not isinstance(metrics, Sequence):
        raise TypeError(f"metrics: expected a list such as ['accuracy'], got {metrics!r}")
    found: dict[str, Metric] = {}
    for metric in metrics:
        name = metric if isinstance(metric, str) else getattr(metric, "__name__", "")
        if isinstance(metric, str):
            if metric not in _BY_NAME:
                raise ValueError(f"metrics: expected a function, or one of {sorted(_BY_NAME)}, got {metric!r}")
            metric = _BY_NAME[metric]
        elif not callable(metric) or inspect.isclass(metric) or not name.isidentifier():
            raise TypeError(
                f"metrics: expected names, or functions of (y_true, y_pred), got {metric!r}: define it with `def`: its "
                f"name is used in the logs"
            )
        if name in found or name in ("loss", "perplexity"):
            raise ValueError(f"metrics: expected different names, got {name!r} twice: rename the function")
        found[name] = metric
    return found
