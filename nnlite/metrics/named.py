"""Metrics as objects: with a name of their own, and with arguments."""

from typing import Any

import numpy as np

from .. import checks
from ..arguments import Configured
from . import accuracies, errors


class NamedMetric(Configured):
    """Base of metrics that are objects. It is called like a function, and keeps nothing: `fit` takes the means.

    Args:
        name: in the logs and in the `History`.

    Example:
        >>> import numpy as np
        >>> from nnlite.metrics import NamedMetric
        >>> class Bias(NamedMetric):
        ...     def __call__(self, y_true, y_pred):
        ...         return float(np.mean(y_pred - y_true))
        >>> Bias(name="bias")(np.array([1.0]), np.array([1.5]))
        0.5
    """

    def __init__(self, name: str) -> None:
        if not isinstance(name, str) or not name.isidentifier():
            raise ValueError(f"name: expected a name such as 'accuracy', got {name!r}")
        self.name = name

    def __call__(self, y_true: np.ndarray, y_pred: np.ndarray) -> float:
        """The mean over all positions."""
        raise NotImplementedError(f"{type(self).__name__} has no __call__(y_true, y_pred)")

    def __getattr__(self, attribute: str) -> Any:
        if attribute in ("update_state", "result", "reset_state", "update", "compute", "reset"):
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute {attribute!r}: a metric keeps nothing: call it on "
                f"all samples, metric(y_true, y_pred)"
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {attribute!r}")


class BinaryAccuracy(NamedMetric):
    """`binary_accuracy` with another threshold, such as 0 for logits, or another name.

    Args:
        name: in the logs.
        threshold: y_pred above it count as 1.

    Example:
        >>> import numpy as np
        >>> from nnlite.metrics import BinaryAccuracy
        >>> BinaryAccuracy(threshold=0)(np.array([1, 0]), np.array([[3.7], [-1.2]]))
        1.0
    """

    def __init__(self, name: str = "binary_accuracy", *, threshold: float = 0.5) -> None:
        super().__init__(name)
        self.threshold = checks.between("threshold", threshold, -np.inf, np.inf)

    def __call__(self, y_true: np.ndarray, y_pred: np.ndarray) -> float:
        return accuracies.binary_accuracy(y_true, y_pred, self.threshold)


class CategoricalAccuracy(NamedMetric):
    """`categorical_accuracy`, of one-hot vectors.

    Example:
        >>> import numpy as np
        >>> from nnlite.metrics import CategoricalAccuracy
        >>> CategoricalAccuracy()(np.array([[0, 1]]), np.array([[0.1, 0.9]]))
        1.0
    """

    def __init__(self, name: str = "categorical_accuracy") -> None:
        super().__init__(name)

    def __call__(self, y_true: np.ndarray, y_pred: np.ndarray) -> float:
        return accuracies.categorical_accuracy(y_true, y_pred)


class SparseCategoricalAccuracy(NamedMetric):
    """`sparse_categorical_accuracy`, of labels.

    Example:
        >>> import numpy as np
        >>> from nnlite.metrics import SparseCategoricalAccuracy
        >>> SparseCategoricalAccuracy()(np.array([1]), np.array([[0.1, 0.9]]))
        1.0
    """

    def __init__(self, name: str = "sparse_categorical_accuracy") -> None:
        super().__init__(name)

    def __call__(self, y_true: np.ndarray, y_pred: np.ndarray) -> float:
        return accuracies.sparse_categorical_accuracy(y_true, y_pred)


class TopKCategoricalAccuracy(NamedMetric):
    """`top_k_categorical_accuracy`, of one-hot vectors.

    Args:
        k: how many of the highest scores count.
        name: in the logs.

    Example:
        >>> import numpy as np
        >>> from nnlite.metrics import TopKCategoricalAccuracy
        >>> TopKCategoricalAccuracy(k=2)(np.array([[0, 1, 0]]), np.array([[0.5, 0.4, 0.1]]))
        1.0
    """

    def __init__(self, k: int = 5, name: str = "top_k_categorical_accuracy") -> None:
        super().__init__(name)
        self.k = checks.positive("k", k)

    def __call__(self, y_true: np.ndarray, y_pred: np.ndarray) -> float:
        return accuracies.top_k_categorical_accuracy(y_true, y_pred, self.k)


class SparseTopKCategoricalAccuracy(NamedMetric):
    """`sparse_top_k_categorical_accuracy`, of labels.

    Args:
        k: how many of the highest scores count.
        name: in the logs.

    Example:
        >>> import numpy as np
        >>> from nnlite.metrics import SparseTopKCategoricalAccuracy
        >>> SparseTopKCategoricalAccuracy(k=2)(np.array([1]), np.array([[0.5, 0.4, 0.1]]))
        1.0
    """

    def __init__(self, k: int = 5, name: str = "sparse_top_k_categorical_accuracy") -> None:
        super().__init__(name)
        self.k = checks.positive("k", k)

    def __call__(self, y_true: np.ndarray, y_pred: np.ndarray) -> float:
        return accuracies.sparse_top_k_categorical_accuracy(y_true, y_pred, self.k)


class MeanAbsoluteError(NamedMetric):
    """`mean_absolute_error`, as a metric.

    Example:
        >>> import numpy as np
        >>> from nnlite.metrics import MeanAbsoluteError
        >>> MeanAbsoluteError()(np.array([1.0, 2.0]), np.array([2.0, 0.0]))
        1.5
    """

    def __init__(self, name: str = "mean_absolute_error") -> None:
        super().__init__(name)

    def __call__(self, y_true: np.ndarray, y_pred: np.ndarray) -> float:
        return errors.mean_absolute_error(y_true, y_pred)


class MeanSquaredError(NamedMetric):
    """`mean_squared_error`, as a metric.

    Example:
        >>> import numpy as np
        >>> from nnlite.metrics import MeanSquaredError
        >>> MeanSquaredError()(np.array([1.0, 2.0]), np.array([2.0, 0.0]))
        2.5
    """

    def __init__(self, name: str = "mean_squared_error") -> None:
        super().__init__(name)

    def __call__(self, y_true: np.ndarray, y_pred: np.ndarray) -> float:
        return errors.mean_squared_error(y_true, y_pred)
