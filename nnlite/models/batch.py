"""Batch: samples that travel together, from `fit` to the loss."""

import functools
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from .. import checks, sequence_lengths


@dataclass(frozen=True, eq=False)
class Batch:
    """Samples x, their targets y, and for sequences of unequal length how many steps of each are real.

    Args:
        x: (N, ...).
        y: (N, ...); None where only predictions are asked for.
        lengths: (N,) integers; None where all steps are real.
        rows: which of the user's samples these are, where they are a part of them.

    Example:
        >>> import numpy as np
        >>> batch = Batch.checked("fit", np.zeros((5, 3)), np.arange(5))
        >>> [part.y for part in batch.split(2)]
        [array([0, 1]), array([2, 3]), array([4])]
    """

    x: np.ndarray
    y: np.ndarray | None = None
    lengths: np.ndarray | None = None
    rows: slice | np.ndarray | None = None

    @classmethod
    def checked(cls, where: str, x: Any, y: Any = None, lengths: Any = None, has_y: bool = True) -> Self:
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
            if has_y and not lengths.any():
                raise ValueError(f"{where}: lengths: every length is 0: there is not one step")
        return cls(x, y, lengths)

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, rows: slice | np.ndarray) -> "Batch":
        """Some of the samples, in the order of `rows`."""
        return Batch(
            self.x[rows],
            None if self.y is None else self.y[rows],
            None if self.lengths is None else self.lengths[rows],
            rows,
        )

    def place(self, index: tuple[int, ...]) -> tuple[int, ...]:
        """Where the number at this index of x or y is in the user's own array."""
        row, *others = index
        if isinstance(self.rows, slice):
            row += self.rows.start
        elif self.rows is not None:
            row = int(self.rows[row])
        return row, *others

    def split(self, size: int, order: np.ndarray | None = None, first: int = 0) -> Iterator["Batch"]:
        """Batches of so many samples; the last may be smaller.

        Args:
            order: in which the samples are taken; by default as they are.
            first: the number of the first batch that is asked for.
        """
        for start in range(first * size, len(self), size):
            rows = slice(start, start + size)
            yield self[rows if order is None else order[rows]]

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
        return Batch(x, y, self.lengths, self.rows)

    @functools.cached_property
    def checksum(self) -> int:
        """Of all numbers: other data of the same size are another training."""
        arrays = [array for array in (self.x, self.y, self.lengths) if array is not None]
        return functools.reduce(lambda value, array: zlib.crc32(np.ascontiguousarray(array).data, value), arrays, 0)
