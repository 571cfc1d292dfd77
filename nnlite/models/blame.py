"""Blame: which layer of a model an error comes from, what it was given, and by whom.

The error stays the same object: its message begins with the layer.
"""

import re
from typing import Any

import numpy as np

from .. import checks
from ..arguments.classes import is_model


def forward(error: Exception, model: Any, layer: Any, x: Any) -> None:
    """Say in the error that this layer of the model could not take x: an array, or a shape without the batch axis."""
    number = _number(model, layer)
    before = model.layers[number - 1] if number else None
    if (silent := _gives_one_step(model, number, x)) is not None:
        text = (
            f"{layer.name} expects (N, T, F) but {silent.name} gives (N, H): use return_sequences=True in {silent.name}"
        )
        _set_message(error, text)
        return
    source = f"from {_named(before)}" if before is not None else "as the model's input"
    _prefix(error, f"{_named(layer)}, which got {_described(x)} {source}", _batch_axis(model, before, x, str(error)))


def _batch_axis(model, before, x, message):
    """What to do where an axis is missing in the model's input x, or where a shape has that of the batch, as Keras'."""
    if before is not None:
        return ""
    if isinstance(x, tuple):
        if len(x) == 2 and "(H, W, C)" in message:
            return f". Images of one channel need {checks.shape_text((*x, 1), 'any')}, and x[..., None]"
        return ". Is the None the batch axis? It is not part of input_shape" if x[:1] == (None,) else ""
    if not isinstance(x, np.ndarray):
        return ""
    if x.ndim == 1 and model.input_shape in (None, (1,)) and "(N, ..., F)" in message:
        single = "" if model.input_shape else f"; for a single sample use x[None], (1, {len(x)})"
        return f". For samples of one number, x[:, None] makes ({len(x)}, 1) of it{single}"
    if x.ndim == 3 and "(N, H, W, C)" in message and x.shape != model.input_shape:
        return ". Images of one channel need it as their last axis: use x[..., None]"
    is_sample = model.input_shape is not None and x.shape == model.input_shape
    return ". For a single sample use x[None], a batch of one" if is_sample else ""


def training(error: Exception, epoch: int, batch: int | str | None, data: Any) -> None:
    """Say in the error at which epoch and batch of `fit`, or in its validation, it came.

    Args:
        data: the `Batch`, if the error is of one: whose rows, where a message names one, are those of the user's x.
    """
    if getattr(error, "epoch", None) is not None:  # a NonFiniteLossError that knows it
        return
    place = f"epoch {epoch}" + (f", batch {batch}" if isinstance(batch, int) else ", validation_data" if batch else "")
    row, sample = re.search(r" at \((\d+),", str(error)), ""
    if row and data is not None and data.lengths is None and data.rows is not None and int(row[1]) < len(data):
        sample = f" (row {row[1]} of the batch is sample {data.rows[int(row[1])]} of x)"
    _prefix(error, place, sample)


def of_batch(error: Exception, number: int) -> None:
    """Say in the error at which batch of `evaluate`, `predict` or a validation it came, unless it knows a batch."""
    if not re.search(r"\bbatch \d", str(error)) and not hasattr(error, "of_rank"):
        _prefix(error, f"batch {number}")


def backward(error: Exception, model: Any, layer: Any, dy: Any) -> None:
    """Say in the error that this layer of the model could not go back from dy."""
    number = _number(model, layer)
    after = model.layers[number + 1] if number + 1 < len(model.layers) else None
    source = f"from {_named(after)}" if after is not None else "as the model's dy"
    _prefix(error, f"{_named(layer)}, whose backward got {_described(dy)} {source}")


def loss(error: Exception, model: Any, true: tuple[int, ...], predicted: tuple[int, ...]) -> None:
    """Say in the error for y of these shapes where the model keeps pixels or steps, or gives one step and not all.

    And where a metric found a label that the loss ignores.
    """
    ignored = getattr(model.loss, "ignore_class", None)
    if type(error) is IndexError and ignored is not None and f", got {ignored} at " in str(error):
        hint = f"the loss ignores {ignored}, metrics count every position: use lengths=... for padding, or a metric of "
        _set_message(error, f"{error}: {hint}your own, def accuracy_of_others(y_true, y_pred)")
        return
    layers = [*model.all_layers.values()]
    dense = next((layer for layer in reversed(layers) if type(layer).__name__ == "Dense"), None)
    if type(error) is ValueError and dense is not None and len(predicted) == 4 and len(true) <= 2:
        _set_message(error, f"{error}; {dense.name} works on each pixel by itself: put Flatten() before {dense.name}")
        return
    recurrent = [layer for layer in layers if hasattr(layer, "return_sequences")]
    if type(error) is not ValueError or not recurrent or true in (predicted, predicted[:-1]):
        return
    layer = recurrent[-1]
    if layer.return_sequences and len(true) < len(predicted):
        hint = "every step: if y has one target for each sample, use return_sequences=False in it"
    elif not layer.return_sequences and len(true) >= len(predicted):
        hint = "its last step alone: if y has a target for each step, use return_sequences=True in it"
    else:
        return
    _set_message(error, f"{error}; {layer.name} gives {hint}")


def _number(model, layer):
    return next(number for number, other in enumerate(model.layers) if other is layer)


def _named(layer):
    kind = type(layer).__name__
    return layer.name if layer.name == kind.lower() else f"{layer.name} ({kind})"


def _described(x):
    if isinstance(x, np.ndarray):
        return f"{x.dtype.name} {checks.shape_text(x.shape)}"
    return checks.shape_text(("N", *x), "any") if isinstance(x, tuple) else type(x).__name__


def _gives_one_step(model, number, x):
    """The recurrent layer that gives its last step alone to one that reads sequences, as x says; else None."""
    axes = x.ndim if isinstance(x, np.ndarray) and x.dtype.kind == "f" else len(x) + 1 if isinstance(x, tuple) else 0
    reader = model.layers[number]
    while is_model(reader) and reader.layers:
        reader = reader.layers[0]
    if axes != 2 or not reader.takes_lengths:
        return None
    before = [layer for layer in model.layers[:number] if hasattr(layer, "return_sequences")]
    return before[-1] if before and not before[-1].return_sequences else None


def _prefix(error, text, hint=""):
    _set_message(error, f"{text}: {error}{hint}")


def _set_message(error, text):
    """Let str(error) be this text; where its class makes its own, or of something else, the text becomes a note."""
    old = error.args
    if len(old) <= 1 and all(isinstance(argument, str) for argument in old):
        error.args = (text,)
        if text in str(error):
            return
        error.args = old
    error.add_note(text)
