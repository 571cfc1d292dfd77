"""Streams: batches that an iterator makes while a model reads them."""

import array
import functools
from collections.abc import Iterator
from typing import Any

import numpy as np

from .. import checks
from .batch import Batch
from .weighing import weighted


class Stream:
    """Batches that an iterator makes: what `fit` reads instead of a `Batch` of all samples.

    Args:
        where: begins the messages, such as "fit".
        loss: of the model.
        source: gives (x, y) or (x, y, sample_weight): a generator, or what can be read again and again, such as a
            DataLoader of PyTorch, from its beginning in each validation. Its `on_epoch_begin` and `on_epoch_end` are
            called, if it has them.
        steps: batches in an epoch; by default len(source).
        class_weight: see `weighted`.

    Attributes:
        x, y, weights: of the first batch.
        batch_size: its size, at least 1.
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
        self._starts_anew = where == "fit: validation_data"  # a generator, which is its own iterator, goes on
        self._first: Batch | None = None
        self._begin_epoch()
        self._first = self._next()
        self.x, self.y, self.weights = self._first.x, self._first.y, self._first.weights
        self.batch_size = max(1, len(self._first))  # `predict` may get no samples

    def __len__(self) -> int:
        return self.steps * self.batch_size

    def split(self, size: int, order: np.ndarray | None = None, first: int = 0) -> Iterator[Batch]:
        """The batches of an epoch, after which the source may shuffle itself, such as Keras' PyDataset."""
        if self._starts_anew and self._first is None:
            self._items = self._from_start()
        if not self._has_begun:  # as the first epoch has, whose first batch is there
            self._begin_epoch()
        for _ in range(first, self.steps):
            yield self._next()
        self._end_epoch()

    def _begin_epoch(self):
        self._has_begun = True
        if hasattr(self._source, "on_epoch_begin"):
            self._source.on_epoch_begin()

    def _end_epoch(self):
        self._has_begun = False
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
                self._begin_epoch()
            else:
                for _ in self.split(self.batch_size):
                    pass
        if not self._has_begun:
            self._begin_epoch()
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
            raise ValueError(f"{where}: expected (x, y), or (x, y, sample_weight), got {items_of(item)}")
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
            raise ValueError(f"{where}: expected x, or a tuple such as (x,) or (x, y), got {items_of(item)}")
        return item[0] if isinstance(item, tuple) else item


NO_BATCHES = list | tuple | dict | str | bytes | bytearray | memoryview | set | frozenset | range | array.array


def is_stream(x: Any, y: Any) -> bool:
    """Whether x makes batches of x and y, and is no array, nor a sparse one."""
    if y is not None or hasattr(x, "__array__") or hasattr(x, "toarray") or isinstance(x, NO_BATCHES):
        return False
    return hasattr(x, "__next__") or (hasattr(x, "__len__") and (hasattr(x, "__iter__") or hasattr(x, "__getitem__")))


def items_of(value: Any) -> str:
    """What a message says that it got instead of a pair."""
    return f"{len(value)} items" if isinstance(value, tuple | list) else type(value).__name__
