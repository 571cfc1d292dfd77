"""How often a prediction is right."""

import numpy as np

from .. import checks


def accuracy(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """The fraction of positions that are predicted right, from 0 to 1; 0 without positions.

    As in Keras, the shapes decide what that means:

        y_pred (N, ..., 1)                       `binary_accuracy`: the probability is above 0.5 where y_true is 1
        y_pred (N, ..., V), y_true (N, ...)      `sparse_categorical_accuracy`: the label has the highest score
        y_pred (N, ..., V), y_true (N, ..., V)   `categorical_accuracy`: the class of the one-hot vector has it

    Args:
        y_true: labels in 0 .. V - 1, of any integer dtype, one-hot vectors, or answers 0 and 1.
        y_pred: scores: probabilities, or with V > 1 also logits.

    Raises:
        TypeError: labels are no integers, or y_pred no numbers.
        ValueError: the shapes do not fit, or one column has numbers outside of [0, 1].
        IndexError: a label is not in 0 .. V - 1; the message says where.

    Example:
        >>> import numpy as np
        >>> from nnlite.metrics import accuracy
        >>> accuracy(np.array([1, 0, 1, 1]), np.array([[0.1, 0.9], [0.8, 0.2], [0.7, 0.3], [0.4, 0.6]]))
        0.75
        >>> accuracy(np.array([1, 0, 1]), np.array([[0.9], [0.2], [0.3]]))
        0.6666666666666666
    """
    y_pred = checks.samples("accuracy: y_pred", y_pred)
    _refuse_labels("accuracy", y_true, y_pred)
    if y_pred.ndim == 1 or y_pred.shape[-1] == 1:
        return _binary("accuracy", y_true, y_pred, 0.5)
    if np.shape(y_true) == y_pred.shape:
        return _categorical("accuracy", y_true, y_pred)
    return _sparse("accuracy", y_true, y_pred)


def binary_accuracy(y_true: np.ndarray, y_pred: np.ndarray, threshold: float = 0.5) -> float:
    """The fraction of answers, 0 or 1, that are predicted right: 1 where y_pred is above the threshold.

    Args:
        y_true: (N, ..., F), 0 or 1, in any dtype; (N,) fits y_pred (N, 1).
        y_pred: (N, ..., F) probabilities; logits have the threshold 0.

    Raises:
        TypeError: no numbers.
        ValueError: the shapes differ, or y_true, or y_pred with a threshold in (0, 1), are not in [0, 1].

    Example:
        >>> import numpy as np
        >>> from nnlite.metrics import binary_accuracy
        >>> binary_accuracy(np.array([1, 0, 1, 1]), np.array([[0.9], [0.8], [0.7], [0.6]]))
        0.75
    """
    return _binary("binary_accuracy", y_true, checks.samples("binary_accuracy: y_pred", y_pred), threshold)


def categorical_accuracy(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """The fraction of positions whose class has the highest score. Of equal ones the first counts.

    Args:
        y_true: (N, ..., V) one-hot vectors, or probabilities of classes.
        y_pred: (N, ..., V) scores: probabilities, or logits.

    Raises:
        TypeError: no numbers.
        ValueError: the shapes differ, or y_true do not sum to 1.

    Example:
        >>> import numpy as np
        >>> from nnlite.metrics import categorical_accuracy
        >>> categorical_accuracy(np.array([[0, 1], [1, 0]]), np.array([[0.1, 0.9], [0.2, 0.8]]))
        0.5
    """
    return _categorical("categorical_accuracy", y_true, y_pred)


def sparse_categorical_accuracy(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """The fraction of positions whose label has the highest score. Of equal ones the first counts.

    Guessing gives about 1 / V.

    Args:
        y_true: (N, ...) or (N, ..., 1) labels in 0 .. V - 1, of any integer dtype.
        y_pred: (N, ..., V) scores: probabilities, or logits.

    Raises:
        TypeError: y_true are no integers, or y_pred no numbers.
        ValueError: the shapes do not fit, or y_pred has scores for fewer than two labels.
        IndexError: a label is not in 0 .. V - 1; the message says where.

    Example:
        >>> import numpy as np
        >>> from nnlite.metrics import sparse_categorical_accuracy
        >>> sparse_categorical_accuracy(np.array([1, 1]), np.array([[0.1, 0.9], [0.8, 0.2]]))
        0.5
    """
    return _sparse("sparse_categorical_accuracy", y_true, y_pred)


def top_k_categorical_accuracy(y_true: np.ndarray, y_pred: np.ndarray, k: int = 5) -> float:
    """The fraction of positions whose class is among the k with the highest scores; equal scores count as among them.

    Args:
        y_true: (N, ..., V) one-hot vectors.
        y_pred: (N, ..., V) scores.
        k: from 1 to V.

    Raises:
        TypeError: no numbers.
        ValueError: the shapes differ, or there are fewer than k classes.

    Example:
        >>> import numpy as np
        >>> from nnlite.metrics import top_k_categorical_accuracy
        >>> top_k_categorical_accuracy(np.array([[0, 1, 0], [1, 0, 0]]), np.array([[0.5, 0.4, 0.1]] * 2), k=1)
        0.5
    """
    name = "top_k_categorical_accuracy"
    y_pred = _scores(name, y_pred)
    return _top_k(name, _classes(name, y_true, y_pred), y_pred, k)


def sparse_top_k_categorical_accuracy(y_true: np.ndarray, y_pred: np.ndarray, k: int = 5) -> float:
    """The fraction of positions whose label is among the k with the highest scores; equal scores count as among them.

    Args:
        y_true: (N, ...) or (N, ..., 1) labels in 0 .. V - 1.
        y_pred: (N, ..., V) scores.
        k: from 1 to V.

    Raises:
        TypeError, IndexError: as `sparse_categorical_accuracy`.
        ValueError: the shapes do not fit, or there are fewer than k classes.

    Example:
        >>> import numpy as np
        >>> from nnlite.metrics import sparse_top_k_categorical_accuracy
        >>> sparse_top_k_categorical_accuracy(np.array([1, 2]), np.array([[0.5, 0.4, 0.1]] * 2), k=2)
        0.5
    """
    name = "sparse_top_k_categorical_accuracy"
    y_pred = _scores(name, y_pred)
    return _top_k(name, checks.labels(f"{name}: y_true", y_true, y_pred.shape), y_pred, k)


def _refuse_labels(name, y_true, y_pred):
    """Refuse labels in the place of scores: what `argmax` gives."""
    shapes = (y_pred.shape, (*y_pred.shape, 1))
    if y_pred.dtype.kind not in "iu" or np.shape(y_true) not in shapes or y_pred.max(initial=0) < 2:
        return
    if y_pred.ndim == 1 or np.max(y_true) > 1:
        raise ValueError(
            f"{name}: y_pred: expected scores, (N, ..., V), got labels, {checks.shape_text(y_pred.shape)}: use "
            f"np.mean(y_true == y_pred), or give what predict gives, without argmax"
        )


def _binary(name, y_true, y_pred, threshold):
    _refuse_labels(name, y_true, y_pred)
    y_true = checks.like(f"{name}: y_true", y_true, y_pred)
    if y_true.shape != y_pred.shape:
        expected, got = checks.shape_text(y_pred.shape), checks.shape_text(y_true.shape)
        order = f": the order is {name}(y_true, y_pred)" if y_true.size > y_pred.size else ""
        raise ValueError(f"{name}: y_true: expected an answer for each of y_pred, shape {expected}, got {got}{order}")
    if 0 < threshold < 1:
        remedy = "end the model with Sigmoid(), or for logits use nnlite.metrics.BinaryAccuracy(threshold=0)"
        checks.between_0_and_1(f"{name}: y_pred", y_pred, "probabilities", remedy)
    remedy = "for labels 0 .. V - 1 y_pred has V scores at each position"
    checks.between_0_and_1(f"{name}: y_true", y_true, "answers", remedy)
    return mean((y_pred > threshold) == y_true)


def _categorical(name, y_true, y_pred):
    y_pred = _scores(name, y_pred)
    return mean(y_pred.argmax(axis=-1) == _classes(name, y_true, y_pred))


def _sparse(name, y_true, y_pred):
    _refuse_labels(name, y_true, checks.samples(f"{name}: y_pred", y_pred))
    y_pred = _scores(name, y_pred)
    return mean(y_pred.argmax(axis=-1) == checks.labels(f"{name}: y_true", y_true, y_pred.shape))


def _top_k(name, labels, y_pred, k):
    if checks.positive("k", k) > y_pred.shape[-1]:
        raise ValueError(f"{name}: k: expected at most the {y_pred.shape[-1]} classes of y_pred, got {k}")
    own = np.take_along_axis(y_pred, labels[..., None], axis=-1)
    return mean((~(y_pred <= own)).sum(axis=-1) < k)  # NaN is never right: nothing is at most NaN


def _scores(name, y_pred):
    y_pred = checks.samples(f"{name}: y_pred", y_pred)
    if y_pred.ndim < 2 or y_pred.shape[-1] < 2:
        raise ValueError(
            f"{name}: y_pred: expected scores for at least two labels, shape (N, ..., V), got "
            f"{checks.shape_text(y_pred.shape)}: the order is {name}(y_true, y_pred); one column has binary_accuracy"
        )
    return y_pred


def _classes(name, y_true, y_pred):
    """The class of each one-hot vector."""
    y_true = checks.numbers(f"{name}: y_true", y_true)
    if y_true.shape != y_pred.shape:
        got = checks.shape_text(y_true.shape)
        raise ValueError(
            f"{name}: y_true: expected one-hot vectors, shape {checks.shape_text(y_pred.shape)}, got {got}: use "
            f"sparse_{name} for labels"
        )
    off = np.argwhere(abs(y_true.sum(axis=-1) - 1) > 1e-3)
    if len(off):
        where = tuple(int(i) for i in off[0])
        raise ValueError(
            f"{name}: y_true: expected one-hot vectors, got one with the sum {y_true[where].sum():g} at {where}: use "
            f"binary_accuracy for several answers of 0 and 1, mean_absolute_error for numbers"
        )
    return y_true.argmax(axis=-1)


def mean(numbers: np.ndarray) -> float:
    """The mean of all; 0 without any."""
    return float(np.mean(numbers)) if numbers.size else 0.0
