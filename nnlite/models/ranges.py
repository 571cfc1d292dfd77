"""Ranges: ids and labels that no layer and no loss can take are refused before the first batch, with their place."""

from typing import Any

from .. import checks, sequence_lengths
from ..layers.base.layer import Layer
from .batch import Batch


def require_ranges(model: Any, where: str, data: Batch) -> None:
    """Refuse ids in x and labels in y that are out of range for a model of layers in a row, as far as it knows.

    Args:
        where: begins the messages, such as "fit".

    Raises:
        IndexError: the message says what is out of range, and where in the user's own array.
    """
    x, y = data.x, data.y
    below = model.layers[0].ids_below(x)
    if below is not None and x.dtype.kind in "iu":
        real = None if data.lengths is None else sequence_lengths.real_steps(data.lengths, x.shape[1])
        checks.require_below(f"{where}: x", x, below, "id", real)
    if y is not None and y.dtype.kind in "iu" and getattr(model.loss, "takes_labels", False):
        below = _scores(model, x.shape[1:])
        if below is not None:
            checks.require_below(f"{where}: y", y, below, "label", model._real_steps(data))


def _scores(model, input_shape):
    """How many labels the model has scores for; None where a layer of one's own does not say, or x does not fit."""
    for layer in model.layers:
        if type(layer).output_shape is Layer.output_shape and not type(layer).__module__.startswith("nnlite."):
            return None
    try:
        shape = model.output_shape(input_shape)
    except ValueError:  # forward says it better: with the layer, and what it got
        return None
    return shape[-1] if shape else None
