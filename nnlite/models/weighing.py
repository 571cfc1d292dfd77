"""Weighing: the weights of samples, and of labels' classes, in the loss."""

import inspect
import math
from dataclasses import replace
from typing import Any

import numpy as np

from .. import checks, losses
from .batch import Batch


def weighted(batch: Batch, class_weight: Any, loss: Any, where: str) -> Batch:
    """The batch with the weights of its labels' classes, as Keras has them: those not named count 1."""
    if class_weight is None:
        if batch.weights is not None:
            _require_weights(loss, where)
        return batch
    if batch.weights is not None:
        raise ValueError(f"{where}: class_weight: there is a sample_weight, too: multiply them into one sample_weight")
    if not isinstance(class_weight, dict):
        raise TypeError(f"{where}: class_weight: expected a dict such as {{0: 1.0, 1: 5.0}}, got {class_weight!r:.200}")
    for label, weight in class_weight.items():
        if isinstance(label, bool) or not isinstance(label, int | np.integer):
            raise TypeError(f"{where}: class_weight: expected whole numbers as labels, got {label!r}")
        checks.between(f"{where}: class_weight[{label}]", weight, 0, math.inf, closed=False)
    _require_weights(loss, where)
    y = _labels(batch, loss, where)
    weights = np.ones(y.shape)
    for label, weight in class_weight.items():
        weights[y == label] = weight
    return replace(batch, weights=weights)


def _require_weights(loss, where):
    """Refuse a loss of one's own that takes no weights."""
    if "sample_weight" not in inspect.signature(loss.forward).parameters:
        raise TypeError(
            f"{where}: sample_weight: {type(loss).__name__}.forward does not take it: write "
            f"forward(self, y_true, y_pred, sample_weight=None)"
        )


def _labels(batch, loss, where):
    """The labels that y holds: one-hot vectors are numbered; CategoricalCrossentropy's may be soft, as in Keras."""
    if isinstance(loss, losses.MeanSquaredError | losses.MeanAbsoluteError):
        name = type(loss).__name__
        raise ValueError(f"{where}: class_weight is for labels, and {name} takes none: use sample_weight")
    y = np.asarray(batch.y)
    if y.dtype.kind == "f" and not isinstance(loss, losses.CategoricalCrossentropy):
        real = batch.without_padding(y.shape[:2] == batch.x.shape[:2]).y
        wrong = np.argwhere(real != np.round(real))
        if len(wrong):
            place = tuple(int(i) for i in wrong[0])
            raise ValueError(
                f"{where}: class_weight is for labels, and y holds {y[place]:g} at {place}: use sample_weight"
            )
    if not isinstance(loss, losses.SparseCategoricalCrossentropy) and y.ndim > 1 and y.shape[-1] > 1:
        return y.argmax(axis=-1)
    return y[..., 0] if y.ndim > 1 and y.shape[-1] == 1 else y
