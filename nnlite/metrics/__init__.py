"""Metrics for people to read. Training minimizes the loss, not these."""

import difflib
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..arguments.translations.names import missing
from .accuracies import (
    accuracy,
    binary_accuracy,
    categorical_accuracy,
    sparse_categorical_accuracy,
    sparse_top_k_categorical_accuracy,
    top_k_categorical_accuracy,
)
from .confusion import confusion_matrix
from .errors import mean_absolute_error, mean_squared_error
from .named import (
    BinaryAccuracy,
    CategoricalAccuracy,
    MeanAbsoluteError,
    MeanSquaredError,
    NamedMetric,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
)

__all__ = [
    "BinaryAccuracy",
    "CategoricalAccuracy",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "MetricFunction",
    "NamedMetric",
]
__all__ += ["SparseCategoricalAccuracy", "SparseTopKCategoricalAccuracy", "TopKCategoricalAccuracy", "accuracy"]
__all__ += ["binary_accuracy", "categorical_accuracy", "confusion_matrix", "get", "mean_absolute_error"]
__all__ += ["mean_squared_error", "sparse_categorical_accuracy", "sparse_top_k_categorical_accuracy"]
__all__ += ["top_k_categorical_accuracy"]

# Maps (y_true, y_pred) to a mean over all positions.
MetricFunction = Callable[[np.ndarray, np.ndarray], float]

_FUNCTIONS = (
    *(accuracy, binary_accuracy, categorical_accuracy, mean_absolute_error, mean_squared_error),
    *(sparse_categorical_accuracy, sparse_top_k_categorical_accuracy, top_k_categorical_accuracy),
)
_BY_NAME: dict[str, MetricFunction] = {
    **{function.__name__: function for function in _FUNCTIONS},
    "acc": accuracy,
    "mae": mean_absolute_error,
    "mse": mean_squared_error,
}


# Keras' metrics that are no means over positions, and so no means over batches.
_COUNT = "count with confusion_matrix(y_true, y_pred.argmax(axis=-1)), or write a function of (y_true, y_pred)"
_WRITE = {"rmse": "use 'mse', and take its root"} | dict.fromkeys(
    ("mape", "msle"), "write a function of (y_true, y_pred)"
)
_NOT_HERE = ("auc", "f1", "f1score", "f1_score", "meaniou", "precision", "recall")


# What fit and the loggers write under these names.
_IN_LOGS = ("batch", "epoch", "learning_rate", "step")


def __getattr__(name: str) -> Any:
    if name.lower() in _NOT_HERE:
        raise AttributeError(f"nnlite.metrics has no {name}: {_COUNT}")
    raise missing(__name__, name, __all__)


def get(metrics: Sequence[str | MetricFunction] | None) -> dict[str, MetricFunction]:
    """The metric functions for `compile(metrics=...)`, by their names in the logs: what was given, as in Keras.

    Raises:
        TypeError: not a list, or an item is neither a name nor a named function.
        ValueError: no metric has this name, or two have the same name.

    Example:
        >>> from nnlite import metrics
        >>> list(metrics.get(["acc", metrics.SparseTopKCategoricalAccuracy(k=3)]))
        ['acc', 'sparse_top_k_categorical_accuracy']
    """
    if metrics is None:
        return {}
    if isinstance(metrics, str) or not isinstance(metrics, Sequence):
        hint = f": use [{metrics!r}]" if isinstance(metrics, str) else ""
        raise TypeError(f"metrics: expected a list such as ['accuracy'], got {metrics!r}{hint}")
    found: dict[str, MetricFunction] = {}
    for metric in metrics:
        name, function = _named(metric)
        if name in found or name in ("loss", "perplexity"):
            raise ValueError(f"metrics: expected different names, got {name!r} twice: give one another name")
        if name.startswith("val_") or name in _IN_LOGS:
            raise ValueError(
                f"metrics: expected a name of its own, got {name!r}, under which the logs hold something else: give it "
                f"another name"
            )
        found[name] = function
    return found


def is_name(name: str) -> bool:
    """Whether `get` knows a metric of this name."""
    return name.lower() in _BY_NAME


def _named(metric):
    """The name of a metric in the logs, and its function."""
    if isinstance(metric, str):
        lower = metric.lower()
        if lower not in _BY_NAME:
            near = difflib.get_close_matches(lower, _BY_NAME, n=1, cutoff=0.7)
            known = _COUNT if lower in _NOT_HERE else _WRITE.get(lower)
            hint = f": {known}" if known else f": use {near[0]!r}" if near else ""
            raise ValueError(f"metrics: expected a function, or one of {sorted(_BY_NAME)}, got {metric!r}{hint}")
        return metric, _BY_NAME[lower]
    if inspect.isclass(metric):
        raise TypeError(f"metrics: expected an object, got the class {metric.__name__}: use {metric.__name__}()")
    name = getattr(metric, "name", None) or getattr(metric, "__name__", "")
    is_function = callable(metric) and not hasattr(metric, "params")  # a layer is called with x alone
    if not is_function or not isinstance(name, str) or not name.isidentifier():
        if not is_function:
            hint = "write a function of them with `def`, or give its class a __call__(self, y_true, y_pred) and a name"
        elif inspect.isfunction(metric):
            hint = "define it with `def`: its name is used in the logs"
        else:
            hint = "give it a name for the logs, an attribute such as metric.name = 'mine'"
        raise TypeError(f"metrics: expected names, or functions of (y_true, y_pred), got {metric!r}: {hint}")
    return name, metric
