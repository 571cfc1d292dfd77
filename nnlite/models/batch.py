"""Batch: samples that travel together, from `fit` to the loss."""

import functools
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from .. import checks, sequence_lengths

CHECKED = 100_000  # numbers whose checksum is taken together: as int64, and with their places, they take 3 MB


@dataclass(frozen=True, eq=False)
class Batch:
    """Samples x, their targets y, and for sequences of unequal length how many steps of each are real.

    Args:
        x: (N, ...).
        y: (N, ...); None where only predictions are asked for.
        lengths: (N,) integers; None where all steps are real.
        weights: of the samples in the loss, (N,), or of the positions of y, (N, T); None where all count alike.
        rows: which samples of the user's arrays these are, a range or (N,), for messages; None where they are all.

    Example:
        >>> import numpy as np
        >>> batch = Batch.checked("fit", np.zeros((5, 3)), np.arange(5))
        >>> [part.y for part in batch.split(2)]
        [array([0, 1]), array([2, 3]), array([4])]
    """

    x: np.ndarray
    y: np.ndarray | None = None
    lengths: np.ndarray | None = None
    weights: np.ndarray | None = None
    rows: range | np.ndarray | None = None

    @classmethod
    def checked(
        cls, where: str, x: Any, y: Any = None, lengths: Any = None, weights: Any = None, has_y: bool = True
    ) -> Self:
        """A batch of what a user has handed in.

        Args:
            where: begins the messages, such as "fit".
            has_y: whether there have to be targets.

        Raises:
            TypeError, ValueError, IndexError: these are no samples, or do not fit together.
        """
        x = checks.samples(f"{where}: x", x)
        if has_y:
            y = checks.samples(f"{where}: y", y)
            if len(x) != len(y):
                raise ValueError(f"{where}: y: expected one label for each of the {len(x)} samples of x, got {len(y)}")
            if len(x) == 0:
                raise ValueError(f"{where}: x: expected at least one sample, got none")
        if lengths is not None:
            lengths = sequence_lengths.of_sequences(f"{where}: lengths", lengths, x)
        return cls(x, y, lengths, None if weights is None else _checked_weights(f"{where}: sample_weight", weights, y))

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, rows: slice | np.ndarray) -> "Batch":
        """Some of the samples, in the order of `rows`."""
        y, lengths, weights = [None if part is None else part[rows] for part in (self.y, self.lengths, self.weights)]
        # A range takes no memory, however many they are.
        numbers: Any = range(len(self)) if self.rows is None else self.rows
        if isinstance(rows, slice) or isinstance(numbers, np.ndarray):
            numbers = numbers[rows]
        else:
            numbers = numbers.start + numbers.step * rows
        return Batch(self.x[rows], y, lengths, weights, numbers)

    def split(self, size: int, order: np.ndarray | None = None, first: int = 0) -> Iterator["Batch"]:
        """Batches of so many samples; the last may be smaller.

        Args:
            order: in which the samples are taken, see `nnlite.models.order`; by default as they are.
            first: the number of the first batch that is asked for.
        """
        for start in range(first * size, len(self) or 1, size):
            rows = slice(start, start + size)
            yield self[rows if order is None else order[rows]]
            checks.give_back(self.x, self.y, self.weights)

    @property
    def options(self) -> dict[str, Any]:
        """What a model's `forward` takes beside x: the lengths, if there are any."""
        return {} if self.lengths is None else {"lengths": self.lengths}

    def real_steps(self) -> np.ndarray | None:
        """Which steps of y are real, True or False (N, T); None where all are."""
        if self.lengths is None or self.y is None:
            return None
        if self.y.shape[:2] != self.x.shape[:2]:
            expected, got = checks.shape_text(self.x.shape[:2]), checks.shape_text(self.y.shape)
            raise ValueError(f"y: expected something for each step of x, shape {expected}, got {got}")
        return sequence_lengths.real_steps(self.lengths, self.x.shape[1])

    def counted(self, y_pred: np.ndarray, real: np.ndarray) -> tuple[Any, np.ndarray, np.ndarray | None]:
        """y, its predictions and its weights, of the steps where `real`, (N, T), is True."""
        weights = self.weights
        if weights is not None:
            weights = np.broadcast_to(weights.reshape(len(weights), -1), real.shape)[real]
        return None if self.y is None else self.y[real], y_pred[real], weights

    def weight(self, keeps_steps: bool) -> int:
        """How much the batch counts in a mean: as many samples, or where y has a step for each of x, real steps."""
        return len(self) if self.lengths is None or not keeps_steps else int(self.lengths.sum())

    def without_padding(self, keeps_steps: bool) -> "Batch":
        """The same with zeros for padding, whatever stands there."""
        if self.lengths is None:
            return self
        x, y = sequence_lengths.cleared(self.x, self.lengths)[0], self.y
        if keeps_steps and y is not None:
            y = sequence_lengths.cleared(y, self.lengths)[0]
        return replace(self, x=x, y=y)

    def place(self, index: tuple[int, ...]) -> tuple[int, ...]:
        """An index into x or y as one into the user's own array."""
        return index if self.rows is None else (int(self.rows[index[0]]), *index[1:])

    @functools.cached_property
    def checksum(self) -> int:
        """Of all numbers: other data of the same size are another training. Integers of any dtype count as int64."""
        value = 0
        for array in (array for array in (self.x, self.y, self.lengths, self.weights) if array is not None):
            rows = max(1, CHECKED // max(1, array[:1].size))
            for start in range(0, len(array), rows):
                part = array[start : start + rows]
                part = part.astype(np.int64) if part.dtype.kind in "iu" else part
                value = zlib.crc32(np.ascontiguousarray(part).data, value)
                checks.give_back(array)
        return value


def _checked_weights(name, weights, y):
    """Weights as float64. Whether only the first axis of y has weights, or others too, is the loss' decision."""
    weights = checks.samples(name, weights)
    while weights.ndim > 1 and weights.shape[-1] == 1 and weights.shape != y.shape[: weights.ndim]:
        weights = weights[..., 0]
    if weights.shape != y.shape[: weights.ndim]:
        raise ValueError(
            f"{name}: expected a weight for each sample, shape ({len(y)},), or for each step, got "
            f"{checks.shape_text(weights.shape)} beside y {checks.shape_text(y.shape)}"
        )
    weights = weights.astype(np.float64)
    for wrong, expected in ((~np.isfinite(weights), "finite numbers"), (weights < 0, "numbers of at least 0")):
        if wrong.any():
            where = tuple(int(i) for i in np.argwhere(wrong)[0])
            raise ValueError(f"{name}: expected {expected}, got {weights[where]} at {where}")
    return weights
