"""Ranges: ids, labels and weights that no layer and no loss can take are refused before the first batch."""

from typing import Any

import numpy as np

from .. import checks, losses, sequence_lengths
from ..arguments import is_ours
from ..losses.base import weights_of
from . import blame
from .batch import Batch


def require_ranges(model: Any, where: str, data: Any) -> None:
    """Refuse ids in x and labels in y that are out of range for a model of layers in a row, as far as it knows.

    And weights of another shape than the loss takes.

    What a generator makes is checked when it comes. `where` begins the messages, which have the place in the user's x.
    """
    if not isinstance(data, Batch) or not model.layers or not is_ours(type(model).forward):
        return  # in a forward of one's own, what goes where is its own affair
    x = data.x
    below = model.ids_below(x)
    if where.endswith("validation_data") and below is None:
        _require_features(model, f"{where}: x", x)
    if below is not None and x.dtype.kind in "iu":
        real = None if data.lengths is None else sequence_lengths.real_steps(data.lengths, x.shape[1])
        checks.require_below(f"{where}: x", x, below, "id", real)
    scores = _scores(model, x)
    if data.weights is not None and scores and isinstance(model.loss, losses.Loss):
        try:
            weights_of(data.weights, scores[:-1] or scores, data.weights.dtype)
        except ValueError as error:
            name = type(model.loss).__name__
            raise ValueError(f"{where}: {error}: {name} takes one weight for all numbers of an answer") from error
    if data.y is not None and scores and getattr(model.loss, "takes_labels", False):
        _require_labels(model, f"{where}: y", data, scores)


def _require_features(model, name, x):
    """Refuse an x with another number of features than the first layer's weights take, before an epoch is spent."""
    first, expected = model.layers[0], model.input_shape
    W = None if not is_ours(type(first)) else first.params.get("W", first.params.get("Wx"))
    if W is None or not expected or x.ndim != len(expected) + 1 or expected[-1] == x.shape[-1]:
        return
    raise ValueError(
        f"{name}: expected {checks.shape_text(('N', *expected), 'any')}, as the model's input, got "
        f"{checks.shape_text(x.shape)}: give it the features of the x to train on"
    )


def _require_labels(model, name, data, scores):
    y: Any = data.y
    *positions, V = scores
    if V == 1:
        raise ValueError(
            f"{name}: the model gives one number for each label, and {type(model.loss).__name__} expects one for each "
            f"possible label: use as many units, or for two labels Sigmoid() and BinaryCrossentropy()"
        )
    if y.dtype.kind not in "iu" or y.shape not in (tuple(positions), (*positions, 1)):
        try:
            checks.labels(name, data.without_padding(model.keeps_steps).y, scores)
        except ValueError as error:
            blame.loss(error, model, y.shape, scores)
            raise
        return
    real, ignored = model._real_steps(data), getattr(model.loss, "ignore_class", None)
    if ignored is not None:
        counts = np.asarray(y) != ignored
        real = counts if real is None else real & counts
    checks.require_below(name, y, V, "label", real)


def _scores(model, x):
    """The shape of the scores for labels; None where a layer of one's own does not say, or x does not fit."""
    if not all(is_ours(type(layer)) for layer in model.all_layers.values()):
        return None
    try:
        return len(x), *model.output_shape(x.shape[1:])
    except (TypeError, ValueError):  # forward says it better: with the layer, and what it got
        return None
