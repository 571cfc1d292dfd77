"""Data: what `fit`, `evaluate` and `predict` are given, checked: arrays, parts of them, or a generator."""

import contextlib
import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from .. import checks
from ..callbacks.bars import watched
from . import blame
from .alone import apart
from .batch import Batch
from .ranges import require_ranges
from .stream import Stream, is_stream, items_of
from .weighing import weighted


def _arrays_or_stream(where, loss, x, y, lengths, sample_weight, class_weight, steps, size):
    """What `fit` or `evaluate` was given, checked."""
    if is_stream(x, y):
        for name, value in (("lengths", lengths), ("sample_weight", sample_weight)):
            if value is not None:
                raise ValueError(f"{where}: {name}: a generator gives (x, y, sample_weight) itself: leave it out")
        _refuse_size(where, "batch_size", size)
        return Stream(where, loss, x, steps, class_weight)
    if callable(x) and not hasattr(x, "__array__"):
        got = f"the function {x.__name__}: call it, x()" if hasattr(x, "__name__") else f"{x!r}: give what it returns"
        raise TypeError(f"{where}: x: expected an array or a generator, got {got}")
    _refuse_steps(where, "steps_per_epoch" if where == "fit" else "steps", steps)
    if y is None:
        _refuse_pairs(where, x)
    return _with_steps(where, Batch.checked(where, x, y, lengths, sample_weight))


def _refuse_steps(where, name, steps):
    if steps is not None:
        raise ValueError(f"{where}: {name} is for generators, and x is an array: use batch_size, or leave it out")


def _refuse_size(where, name, size):
    if size is not None:
        raise ValueError(f"{where}: {name}: a generator makes batches of a size of its own: leave it out")


def _refuse_pairs(where, x):
    """Refuse x that holds y, too: as a pair, or as a list of batches."""
    if not isinstance(x, tuple | list):
        return
    if x and all(isinstance(item, tuple | list) and len(item) in (2, 3) and _are_arrays(item[:2]) for item in x):
        raise TypeError(
            f"{where}: x: expected an array or a generator, got a list of batches (x, y): give a generator, such as "
            f"itertools.cycle(batches), and {'steps_per_epoch' if where == 'fit' else 'steps'}={len(x)}"
        )
    if len(x) == 2 and _are_arrays(x):
        raise TypeError(f"{where}: x holds a pair (x, y): use {where}(x, y)")


def _are_arrays(items):
    """Whether these are arrays, frames or tensors with an axis of samples, and of as many."""
    counts = [np.shape(item)[:1] for item in items if hasattr(item, "__array__")]
    return len(counts) == len(items) and counts[0] == counts[1] != ()


def _with_steps(where, batch):
    """The batch, of which at least one step has to be real."""
    if batch.lengths is not None and not batch.lengths.any():
        raise ValueError(f"{where}: lengths: every length is 0: there is not one step")
    return batch


def for_fit(
    model: Any,
    x: Any,
    y: Any,
    lengths: Any,
    sample_weight: Any,
    class_weight: Any,
    steps: int | None,
    validation_data: Any,
    validation_split: float,
    validation_steps: int | None,
    sizes: tuple[int | None, int | None],
) -> tuple[Batch | Stream, Batch | Stream | None]:
    """What `fit` trains on, and what it validates with, checked."""
    data = _arrays_or_stream("fit", model.loss, x, y, lengths, sample_weight, class_weight, steps, sizes[0])
    validation = _validation(model.loss, validation_data, validation_steps, sizes[1])
    require_ranges(model, "fit", data)
    require_ranges(model, "fit: validation_data", validation)
    given = 0.0 if validation_split is None else validation_split
    if fraction := checks.between("fit: validation_split", given, 0, 1, closed=False):
        if validation is not None:
            raise ValueError("fit: validation_split: there are validation_data, too: give one of the two")
        data, validation = _split_off(data, fraction)
    # As in Keras the weights of classes count in training alone, those of samples in the validation, too.
    return weighted(data, class_weight, model.loss, "fit") if isinstance(data, Batch) else data, validation


def for_evaluate(
    model: Any, x: Any, y: Any, lengths: Any, sample_weight: Any, steps: int | None, size: int | None
) -> Batch | Stream:
    """What `evaluate` measures, checked."""
    data = _arrays_or_stream("evaluate", model.loss, x, y, lengths, sample_weight, None, steps, size)
    require_ranges(model, "evaluate", data)
    return weighted(data, None, model.loss, "evaluate") if isinstance(data, Batch) else data


def for_predict(model: Any, x: Any, lengths: Any, steps: int | None, size: int | None) -> Batch | Stream:
    """What `predict` is given, checked."""
    if isinstance(lengths, int | str):
        raise TypeError(f"predict: lengths: expected an array, got {lengths!r}: give verbose by its name")
    if is_stream(x, None):
        if lengths is not None:
            raise ValueError(
                "predict: lengths: a generator gives x alone: predict its batches one by one, with lengths"
            )
        _refuse_size("predict", "batch_size", size)
        return Stream("predict", None, x, steps)
    _refuse_steps("predict", "steps", steps)
    data = Batch.checked("predict", x, lengths=lengths, has_y=False)
    require_ranges(model, "predict", data)
    return data


def batch_size(model: Any, where: str, data: Batch | Stream, size: int | None, training: bool = False) -> int:
    """The number of samples in a batch. Stateful layers need all batches to be of that size."""
    size = 32 if size is None else checks.positive("batch_size", size)
    if isinstance(data, Stream):
        return data.batch_size
    count, left = len(data), len(data) % size
    stateful = [layer for layer in model.stateful_layers if training or layer.stateful != "training"]
    if left and count > size and stateful:
        names = ", ".join(layer.name for layer in stateful)
        raise ValueError(
            f"{where}: stateful layers ({names}) carry a state for each row of a batch, so all batches must have "
            f"batch_size={size} rows, but {count} samples leave {left} for the last: drop {left} samples, or choose a "
            f"batch_size that divides {count}"
        )
    return size


@contextlib.contextmanager
def batches(
    model: Any,
    where: str,
    data: Batch | Stream,
    size: int | None,
    verbose: str | int,
    numbers: Callable[[], dict[str, float]] = dict,
) -> Iterator[Iterator[Batch]]:
    """What `evaluate` and `predict` go through, apart from a training, with a bar as they are asked for.

    An error says which batch it came at, where there are several.
    """
    size = batch_size(model, where, data, size)
    count = max(1, -(-len(data) // size))
    shown = watched(where, verbose, data.split(size), count, numbers)
    number = 0

    def counted(batches):
        nonlocal number
        for place, batch in enumerate(batches, 1):
            number = place
            yield batch
            number = 0  # the next one may fail to be made

    found: Any = apart(model, shown, isinstance(data, Stream))
    with contextlib.closing(found):
        try:
            yield counted(found)
        except Exception as error:
            if count > 1 and number:
                blame.of_batch(error, number)
            raise


def joined(parts: Iterable[np.ndarray], rows: int) -> np.ndarray:
    """Arrays one after the other in a new one, made at once where they have so many rows together."""
    y: Any = None
    done = 0
    for number, part in enumerate(parts, 1):
        if y is not None and part.shape[1:] != y.shape[1:]:
            expected, got = checks.shape_text(("N", *y.shape[1:])), checks.shape_text(part.shape)
            raise ValueError(
                f"predict: batch {number}: expected to give y {expected}, as the batches before, got {got}: predict "
                f"batches of other shapes one by one, or pad them"
            )
        end = done + len(part)
        if y is None or end > len(y):
            longer = checks.empty("y", (max(rows, 2 * done, end), *part.shape[1:]), part.dtype)
            longer[:done] = y[:done] if done else 0
            y = longer
        y[done:end] = part
        done = end
    return y if done == len(y) else y[:done]


def _split_off(data, fraction):
    """The samples to train on, and the last fraction of them, to validate with: Keras' validation_split."""
    if not isinstance(data, Batch):
        raise ValueError("fit: validation_split: a generator cannot be split: give validation_data")
    first = math.floor(len(data) * (1 - fraction))
    if not 0 < first < len(data):
        raise ValueError(
            f"fit: validation_split: expected a fraction that leaves samples on both sides, got {fraction} of "
            f"{len(data)} samples"
        )
    training = _with_steps("fit: validation_split: the samples to train on", data[:first])
    return training, _with_steps("fit: validation_split: the samples to validate with", data[first:])


def _validation(loss, given, steps, size):
    """validation_data as a batch: (x, y), (x, y, lengths), (x, y, sample_weight) or a generator.

    The third item is lengths where it holds an integer for each sample of some steps, else the weights.
    """
    where = "fit: validation_data"
    if given is None:
        return None
    if is_stream(given, None):
        _refuse_size("fit", "validation_batch_size", size)
        return Stream(where, loss, given, steps)
    if not isinstance(given, tuple | list) or len(given) not in (2, 3):
        hint = ": give verbose by its name, verbose=..." if isinstance(given, int | str) else ""
        raise ValueError(f"{where}: expected a pair (x, y), or (x, y, lengths), got {items_of(given)}{hint}")
    x, y, third = (*given, None)[:3]
    if third is None:
        return Batch.checked(where, x, y)
    x, third = checks.samples(f"{where}: x", x), checks.numbers(f"{where}: lengths", third)
    has_steps = x.ndim > 2 or (x.ndim == 2 and x.dtype.kind in "iu")  # as ids
    if has_steps and third.ndim == 1 and third.dtype.kind in "iu":
        return _with_steps(where, Batch.checked(where, x, y, third))
    return weighted(Batch.checked(where, x, y, weights=third), None, loss, where)
