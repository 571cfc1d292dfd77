"""The numbers that a derivation writes out: all, or those in `at`."""

import itertools
import operator
from collections.abc import Mapping

from ... import checks

At = Mapping[str, tuple[int | None, ...]] | tuple[int | None, ...] | None


class Choice:
    """The argument `at`, checked.

    Args:
        at: None for all; or a dict from names of arrays to indices. An index has a whole number for each axis, or None
            for the whole axis; the last axes may be left out. A tuple alone is an index of the only output.
        shapes: dict from all names to shapes.
    """

    def __init__(self, at: At, shapes: dict[str, tuple[int, ...]]) -> None:
        self.shapes = shapes
        if isinstance(at, tuple) and next(iter(shapes)) in ("y", "h"):
            at = {next(iter(shapes)): at}
        if at is not None and not isinstance(at, dict):
            raise TypeError(f"at: expected {self.hint()}, got {at!r}: choose an index, or leave it out")
        if at == {}:
            raise ValueError(f"at: expected {self.hint()}, got an empty dict: leave it out for all numbers")
        at = dict.fromkeys(shapes, ()) if at is None else at
        self.indices = {name: self._checked(name, index) for name, index in at.items()}

    def all(self, name: str) -> list[tuple[int, ...]]:
        """The chosen indices of an array, in order."""
        shape = self.shapes[name]
        if name not in self.indices:
            return []
        chosen = zip(self.indices[name], shape, strict=True)
        return list(itertools.product(*(range(size) if i is None else (i,) for i, size in chosen)))

    def rows(self, name: str) -> dict[tuple[int, ...], list[int]]:
        """The chosen indices by row: a dict from indices without the last axis to those along the last axis."""
        rows: dict[tuple[int, ...], list[int]] = {}
        for *n, last in self.all(name):
            rows.setdefault(tuple(n), []).append(last)
        return rows

    def hint(self) -> str:
        """What `at` may be, for messages."""
        name, shape = next(iter(self.shapes.items()))
        first = (0,) * len(shape)
        if name in ("y", "h"):
            return f"an index into {name} {checks.shape_text(shape)} such as at={first}"
        names = ", ".join(f"{name} {checks.shape_text(shape)}" for name, shape in self.shapes.items())
        return f"a dict such as at={{{name!r}: {first}}}, with indices into {names}"

    def _checked(self, name, index):
        if name not in self.shapes:
            raise ValueError(f"at: expected {self.hint()}, got the name {name!r}: use one of these")
        shape = self.shapes[name]
        if not isinstance(index, tuple):
            raise TypeError(
                f"at: expected a tuple as index into {name}, such as {(0,) * len(shape)}, got {index!r}: use tuple(...)"
            )
        if len(index) > len(shape):
            raise ValueError(
                f"at: expected an index into {name} of shape {checks.shape_text(shape)}, got {index}, which has more "
                f"axes: leave out {len(index) - len(shape)}"
            )
        whole = itertools.zip_longest(index, shape)  # the last axes may be left out
        return tuple(None if i is None else self._within(name, i, size, index) for i, size in whole)

    def _within(self, name, i, size, index):
        try:
            i = operator.index(i)
        except TypeError as error:
            raise TypeError(
                f"at: expected whole numbers, or None for all, as index into {name}, got {index}: use int(...)"
            ) from error
        if not 0 <= i < size:
            shape = checks.shape_text(self.shapes[name])
            raise IndexError(f"at: expected an index into {name} of shape {shape}, got {index}: count from 0")
        return i
