"""What `fit` is given: checked, and made ready for its loop."""

import math
import os
import re
import string
from collections.abc import Collection, Iterator
from typing import Any

import numpy as np

from .. import checks, losses
from ..arguments import is_ours
from ..callbacks import ModelCheckpoint, ProgressBar
from ..callbacks.bars import look_of
from ..callbacks.base import Callback, checked_callbacks
from ..saving.loop_state import is_stopped as is_stopped
from ..turns import computing
from .assembly import parts
from .batch import Batch
from .stream import Stream


def checked_shuffle(model: Any, data: Any, shuffle: Any) -> bool:
    """Whether samples are drawn in another order each epoch."""
    if not isinstance(shuffle, bool | np.bool_):
        hint = ": give validation_split by its name" if isinstance(shuffle, float) else ""
        raise TypeError(f"fit: shuffle: expected True or False, got {shuffle!r:.200}{hint}")
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


def predictions_of(data: Any, loss: Any) -> tuple[float, bool]:
    """How many predictions a sample holds, with lengths their mean, and whether there is one at each of its steps."""
    takes_labels = getattr(loss, "takes_labels", data.y.dtype.kind in "iu")  # of a loss of one's own
    steps = data.y.shape[1:] if takes_labels else data.y.shape[1:-1]
    if steps == (1,) and takes_labels:
        steps = ()
    real = 1.0 if not steps or data.lengths is None else float(data.lengths.mean()) / steps[0]
    return math.prod(steps) * real, bool(steps)


def settle_perplexity(model: Any, *data: Any) -> bool:
    """Whether e^loss is a perplexity: the loss is a mean cross-entropy of all labels, without weights and penalties.

    And what a step of one's own calls the loss may be anything.

    A generator's later batches have to leave it so. A batch of ignored labels alone counts as a loss of 0.
    """
    loss = model.loss
    is_mean = isinstance(loss, losses.SparseCategoricalCrossentropy) and is_ours(type(loss).forward)
    is_mean = is_mean and is_ours(type(model).train_step) and is_ours(type(model).test_step)
    is_mean = is_mean and loss.reduction != "sum" and loss.ignore_class is None
    is_weighted = any(part.weights is not None for part in data if part is not None)
    found = is_mean and not is_weighted and not _is_regularized(model.layers)
    for part in data:
        if isinstance(part, Stream):
            part.may_weigh = not found
    return found


def _is_regularized(layers):
    """Whether a penalty is added to the loss. Before the first batch, layers know only what they were given."""
    names = "regularizers", "kernel_regularizer", "bias_regularizer", "embeddings_regularizer"
    learning = [one for layer in layers for one in parts(layer) if getattr(one, "_trainable", True)]
    return any(getattr(one, name, None) for one in learning for name in names)


def claim(loop: Any) -> None:
    """Tell the callbacks whose they are. One that another training uses now would mix up the two."""
    with computing:
        for callback in loop.callbacks:
            if getattr(callback.loop, "is_running", False):
                what = type(callback).__name__
                raise RuntimeError(
                    f"fit: callbacks: expected one {what} for each training, got one that a fit of "
                    f"{callback.model.name} is using now: make another one, or use copy.deepcopy(callback)"
                )
        for callback in loop.callbacks:
            callback.model, callback.loop = loop.model, loop
        loop.is_running = True


def skip_what_was_read(loop: Any) -> None:
    """Let generators begin where a resumed training left them: once, however many backups it was restored from."""
    for data, batch in ((loop.data, loop.batch), (loop.validation_data, 0)):
        if loop.resumed and isinstance(data, Stream):
            data.skip(loop.epoch - loop.first_epoch, batch)


def batches_to_train(loop: Any, order: np.ndarray | None) -> Iterator[Batch]:
    """The batches of an epoch from `loop.batch` on. As soon as the model is built, it and validation data are tried."""
    for batch in loop.data.split(loop.batch_size, order, first=loop.batch):
        _try_once(loop)
        yield batch
        _try_once(loop)  # as the first batch may have built it


def _try_once(loop):
    if loop.has_tried or not loop.model.built:
        return
    loop.has_tried = True
    if is_ours(type(loop.model).train_step):  # one of your own may train them
        loop.model.refuse_hidden_parts()
    if loop.validation_data:
        _try_validation(loop)


def _try_validation(loop):
    """Measure their first batch, which has to fit: else the epoch before the validation would be lost."""
    data, size, place = loop.validation_data, loop.validation_batch_size, loop.place
    first = Batch(data.x, data.y, data.lengths, data.weights)[:size]
    loop.place = loop.epoch + 1, "validation"
    loop.model._evaluate(first, size, "fit: validation_data")
    loop.place = place


# What is written for a name in braces, as in "{epoch:02d}-{loss:.2f}.safetensors".
_NUMBER = r"(?:[-+ ]*\d[\d.,_]*(?:e[-+]?\d+)?%? *|[-+ ]*(?:nan|inf))"
_MARK = "\ue000"  # stands for it meanwhile: in no path, and no sign of a regular expression


def _check_files(callbacks):
    """Refuse two of nnlite's callbacks that write to one file: each would spoil what the other wrote."""
    writers: list[tuple[Callback, str, str]] = []
    for callback in callbacks:
        path = getattr(callback, "path", getattr(callback, "filepath", None)) if is_ours(type(callback)) else None
        if path is None:
            continue
        real, pattern = _names_of(callback, path)
        for other, its, its_pattern in writers:
            if real == its or re.fullmatch(pattern, its) or re.fullmatch(its_pattern, real):
                raise ValueError(
                    f"fit: callbacks: expected a file for each, got {path!s:.200} for {type(other).__name__} and "
                    f"{type(callback).__name__}: give one of them another path"
                )
        writers.append((callback, real, pattern))


def _names_of(callback, path):
    """The whole path of a callback's file, or what stands for its pattern; and all that this may become, as a pattern.

    Two patterns that are filled in to the same name in the same epoch do no harm: they save the same model.
    """
    real = os.path.realpath(path)
    if not isinstance(callback, ModelCheckpoint):
        return real, re.escape(real)
    try:
        parts = [(text, name) for text, name, *_ in string.Formatter().parse(path)]
    except ValueError:  # which the callback says when it begins
        return real, re.escape(real)
    marked = os.path.realpath("".join(text + _MARK * (name is not None) for text, name in parts))
    return _MARK + real if _MARK in marked else marked, re.escape(marked).replace(_MARK, _NUMBER)


def line_up(callbacks: Any, history: Callback, verbose: Any) -> list[Callback]:
    """All callbacks in the order in which they are called."""
    callbacks = checked_callbacks(callbacks)
    _check_files(callbacks)
    look = look_of("fit", verbose)
    if not look:
        callbacks = [callback for callback in callbacks if not isinstance(callback, ProgressBar)]
    elif not any(isinstance(callback, ProgressBar) for callback in callbacks):
        callbacks = [*callbacks, ProgressBar(look=look)]
    return sorted([history, *callbacks], key=lambda callback: callback.order)


def validation_size(size: int | None, otherwise: int) -> int:
    """How many samples a batch of the validation has."""
    return otherwise if size is None else checks.positive("validation_batch_size", size)


def numbers_of_a_step(model: Any, method: str, numbers: Any, names: Collection[str]) -> dict[str, float]:
    """What `train_step` or `test_step` has returned, as floats; one of your own may return anything."""
    if is_ours(getattr(type(model), method)):
        return numbers
    if not isinstance(numbers, dict) or numbers.keys() != set(names):
        raise TypeError(f"{method}: expected it to return a dict with {', '.join(names)}, got {numbers!r:.200}")
    return {name: checks.returned(f"{method}: {name}", value) for name, value in numbers.items()}


def as_asked(numbers: dict[str, float], return_dict: bool) -> float | list[float] | dict[str, float]:
    """As Keras returns them: the loss alone as a number, with metrics as a list, or all by their names."""
    if return_dict:
        return numbers
    return list(numbers.values()) if len(numbers) > 1 else numbers["loss"]
