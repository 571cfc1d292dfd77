"""Data: what `fit` is given, as batches: arrays and parts of them, weights, and batches from a generator."""

import array
import contextlib
import functools
import inspect
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from .. import checks, losses
from ..callbacks.bars import watched
from .alone import apart
from .batch import Batch
from .ranges import require_ranges


class Stream:
    """Batches that an iterator makes: what `fit` reads instead of a `Batch` of all samples.

    Args:
        where: begins the messages, such as "fit".
        loss: of the model.
        source: gives (x, y) or (x, y, sample_weight): a generator, or what can be read again and again, such as a
            DataLoader of PyTorch, from its beginning in each validation. Its `on_epoch_end` is called, if it has one.
        steps: batches in an epoch; by default len(source).
        class_weight: see `weighted`.

    Attributes:
        x, y, weights: of the first batch.
        batch_size: its size.
        may_weigh: whether batches may have weights.
    """

    lengths = None
    may_weigh = True

    def __init__(self, where: str, loss: Any, source: Any, steps: int | None, class_weight: Any = None) -> None:
        name = {"fit": "steps_per_epoch", "fit: validation_data": "validation_steps"}.get(where, "steps")
        if steps is None and not hasattr(source, "__len__"):
            raise ValueError(f"{where}: {name}: a generator does not say how many batches to read: use {name}=100")
        self.where, self._source = where, source
        self.steps = checks.positive(f"{where}: {name}", len(source) if steps is None else steps)
        self._class_weight, self._loss = class_weight, loss
        self._number = 0
        self._is_numbered = not hasattr(source, "__iter__") and not hasattr(source, "__next__")
        self._items = self._from_start()
        self._starts_anew = where == "fit: validation_data" and self._items is not source
        self._first: Batch | None = None
        self._first = self._next()
        self.x, self.y, self.weights = self._first.x, self._first.y, self._first.weights
        self.batch_size = len(self._first)

    def __len__(self) -> int:
        return self.steps * self.batch_size

    def split(self, size: int, order: np.ndarray | None = None, first: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, after which the source may shuffle itself, such as Keras' PyDataset."""
        if self._starts_anew and self._first is None:
            self._items = self._from_start()
        for _ in range(first, self.steps):
            yield self._next()
        self._end_epoch()

    def _end_epoch(self):
        if hasattr(self._source, "on_epoch_end"):
            self._source.on_epoch_end()

    def without_padding(self, keeps_steps: bool) -> Batch:
        """The first batch: what can be looked at."""
        return Batch(self.x, self.y)

    @functools.cached_property
    def checksum(self) -> int:
        """Of the first batch: all that can be compared of what is made on the way."""
        return Batch(self.x, self.y, weights=self.weights).checksum

    def skip(self, epochs: int, batches: int) -> None:
        """Go to where another training was after so many epochs and batches: what has no numbers is read until then."""
        epochs = max(0, epochs)
        for _ in range(epochs):
            if self._is_numbered:
                self._end_epoch()
            else:
                for _ in self.split(self.batch_size):
                    pass
        if not self._is_numbered:
            for _ in range(batches):
                self._next()
        elif epochs or batches:
            self._first, self._number = None, epochs * self.steps + batches
            self._items = self._from_start(self._number % len(self._source))

    def _from_start(self, first=0):
        if self._is_numbered:
            return (self._source[i] for i in range(first, len(self._source)))
        return iter(self._source) if hasattr(self._source, "__iter__") else self._source

    def _next(self):
        if self._first is not None:
            batch, self._first = self._first, None
            return batch
        try:
            item = next(self._items)
        except StopIteration:
            self._items = self._from_start()
            try:
                item = next(self._items)
            except StopIteration:
                raise ValueError(
                    f"{self.where}: the generator ended after {self._number} batches: let it go on for ever, with "
                    f"`while True:`, or ask for fewer"
                ) from None
        self._number += 1
        return self._batch(item)

    def _batch(self, item):
        where = f"{self.where}: batch {self._number} of the generator"
        if self.where == "predict":
            return Batch.checked(where, self._inputs(where, item), has_y=False)
        if not isinstance(item, tuple | list) or len(item) not in (2, 3):
            raise ValueError(f"{where}: expected (x, y), or (x, y, sample_weight), got {_got(item)}")
        x, y, *weights = item
        batch = Batch.checked(where, x, y, weights=weights[0] if weights else None)
        if batch.weights is not None and not self.may_weigh:
            raise ValueError(
                f"{where}: sample_weight: expected none, as in the first batch, got some, and the history would have a "
                f"perplexity that weights make wrong: give the first batch weights, too, np.ones(len(x))"
            )
        return weighted(batch, self._class_weight, self._loss, where)

    def _inputs(self, where, item):
        """x of what `predict` reads: the first of a tuple, as in Keras, or of a loader's list of arrays; else all."""
        if isinstance(item, list) and 0 < len(item) <= 3 and all(hasattr(part, "__array__") for part in item):
            if self._items is self._source and not hasattr(item[0], "numpy"):  # as PyTorch's tensors have it
                raise TypeError(
                    f"{where}: expected x, or a tuple such as (x, y), got a list of {len(item)} arrays, which may be "
                    f"either: use np.stack(batch), or tuple(batch)"
                )
            item = tuple(item)
        if isinstance(item, tuple) and len(item) not in (1, 2, 3):
            raise ValueError(f"{where}: expected x, or a tuple such as (x,) or (x, y), got {_got(item)}")
        return item[0] if isinstance(item, tuple) else item


NO_BATCHES = list | tuple | dict | str | bytes | bytearray | memoryview | set | frozenset | range | array.array


def is_stream(x: Any, y: Any) -> bool:
    """Whether x makes batches of x and y, and is no array, nor a sparse one."""
    if y is not None or hasattr(x, "__array__") or hasattr(x, "toarray") or isinstance(x, NO_BATCHES):
        return False
    return hasattr(x, "__next__") or (hasattr(x, "__len__") and (hasattr(x, "__iter__") or hasattr(x, "__getitem__")))


def _arrays_or_stream(where, loss, x, y, lengths, sample_weight, class_weight, steps, size):
    """What `fit` or `evaluate` was given, checked."""
    if is_stream(x, y):
        for name, value in (("lengths", lengths), ("sample_weight", sample_weight)):
            if value is not None:
                raise ValueError(f"{where}: {name}: a generator gives (x, y, sample_weight) itself: leave it out")
        _refuse_size(where, "batch_size", size)
        return Stream(where, loss, x, steps, class_weight)
    if callable(x) and not hasattr(x, "__array__"):
        raise TypeError(f"{where}: x: expected an array or a generator, got the function {x.__name__}: call it, x()")
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
    if validation_split:
        if validation is not None:
            raise ValueError("fit: validation_split: there are validation_data, too: give one of the two")
        data, validation = _split_off(data, validation_split)
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


def batches(
    model: Any,
    where: str,
    data: Batch | Stream,
    size: int | None,
    verbose: str | int,
    numbers: Callable[[], dict[str, float]] = dict,
) -> contextlib.closing:
    """What `evaluate` and `predict` go through, apart from a training, with a bar as they are asked for."""
    size = batch_size(model, where, data, size)
    count = max(1, -(-len(data) // size))
    shown = watched(where, verbose, data.split(size), count, numbers)
    return contextlib.closing(apart(model, shown, isinstance(data, Stream)))


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
            longer = np.empty((max(rows, 2 * done, end), *part.shape[1:]), part.dtype)
            longer[:done] = y[:done] if done else 0
            y = longer
        y[done:end] = part
        done = end
    return y if done == len(y) else y[:done]


def _split_off(data, fraction):
    """The samples to train on, and the last fraction of them, to validate with: Keras' validation_split."""
    fraction = checks.between("fit: validation_split", fraction, 0, 1, closed=False)
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

    The third item is lengths where it holds integers, else the weights.
    """
    where = "fit: validation_data"
    if given is None:
        return None
    if is_stream(given, None):
        _refuse_size("fit", "validation_batch_size", size)
        return Stream(where, loss, given, steps)
    if not isinstance(given, tuple | list) or len(given) not in (2, 3):
        hint = ": give verbose by its name, verbose=..." if isinstance(given, int | str) else ""
        raise ValueError(f"{where}: expected a pair (x, y), or (x, y, lengths), got {_got(given)}{hint}")
    x, y, third = (*given, None)[:3]
    if third is not None and checks.numbers(f"{where}: lengths", third).dtype.kind == "f":
        return weighted(Batch.checked(where, x, y, weights=third), None, loss, where)
    return _with_steps(where, Batch.checked(where, x, y, third))


def weighted(batch: Batch, class_weight: Any, loss: Any, where: str) -> Batch:
    """The batch with the weights of its labels' classes, as Keras has them: those not named count 1."""
    if class_weight is None:
        if batch.weights is not None:
            _require_weights(loss, where)
        return batch
    if batch.weights is not None:
        raise ValueError(f"{where}: class_weight: there is a sample_weight, too: multiply them into one sample_weight")
    if not isinstance(class_weight, dict):
        raise TypeError(f"{where}: class_weight: expected a dict such as {{0: 1.0, 1: 5.0}}, got {class_weight!r}")
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


def _got(value):
    return f"{len(value)} items" if isinstance(value, tuple | list) else type(value).__name__
