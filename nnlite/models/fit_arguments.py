"""What `fit` is given: checked, and made ready for its loop."""

from typing import Any

import numpy as np

from .. import checks
from ..callbacks import ProgressBar
from ..callbacks.bars import look_of
from ..callbacks.base import Callback, checked_callbacks
from .data import Stream


def checked_shuffle(model: Any, data: Any, shuffle: Any) -> bool:
    """Whether samples are drawn in another order each epoch."""
    if not isinstance(shuffle, bool | np.bool_):
        raise TypeError(f"fit: shuffle: expected True or False, got {shuffle!r}: give validation_split by its name")
    if isinstance(data, Stream):  # which has its own order
        return False
    if shuffle and model.stateful_layers:
        names = ", ".join(layer.name for layer in model.stateful_layers)
        raise ValueError(
            f"fit: shuffle=True would tear apart the text that stateful layers ({names}) read from batch to batch: "
            f"use shuffle=False"
        )
    return bool(shuffle)


def checked_start(initial_epoch: int, epochs: int) -> int:
    """The epoch to begin with."""
    if checks.positive("initial_epoch", initial_epoch, least=0) >= epochs:
        raise ValueError(
            f"fit: initial_epoch: expected less than epochs={epochs}, the number of the last epoch, got "
            f"{initial_epoch}: use epochs={initial_epoch + epochs}"
        )
    return initial_epoch


def steps_of(y: Any, loss: Any) -> tuple[int, ...]:
    """The sizes of the axes of y that count predictions, without that of the samples."""
    if not getattr(loss, "takes_labels", y.dtype.kind in "iu"):  # of a loss of one's own
        return y.shape[1:-1]
    return () if y.shape[1:] == (1,) else y.shape[1:]


def is_regularized(layers: Any) -> bool:
    """Whether a penalty is added to the loss. Before the first batch, layers know only what they were given."""
    names = "regularizers", "kernel_regularizer", "bias_regularizer", "embeddings_regularizer"
    return any(
        getattr(layer, "_trainable", True)
        and (any(getattr(layer, name, None) for name in names) or is_regularized(getattr(layer, "layers", ())))
        for layer in layers
    )


def line_up(callbacks: Any, history: Callback, verbose: Any) -> list[Callback]:
    """All callbacks in the order in which they are called."""
    callbacks = checked_callbacks(callbacks)
    look = look_of("fit", verbose)
    if not look:
        callbacks = [callback for callback in callbacks if not isinstance(callback, ProgressBar)]
    elif not any(isinstance(callback, ProgressBar) for callback in callbacks):
        callbacks = [*callbacks, ProgressBar(look=look)]
    return sorted([history, *callbacks], key=lambda callback: callback.order)
