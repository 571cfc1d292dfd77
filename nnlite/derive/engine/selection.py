"""Which numbers a derivation writes out: all, or those that `at` names."""

import operator

import numpy as np

from ... import checks


class Choice:
    """The argument `at`, checked.

    Args:
        at: None for all; a dict from the names of arrays to an index for each. An index has a whole number for an axis,
            or None for all of it, and may leave out the last axes. A tuple alone is an index into the first array.
        shapes: dict from the names that there are to their shapes.

    Raises:
        TypeError: at, or an index, is none of these.
        ValueError: no array has that name, or the index has more axes than it.
        IndexError: a number lies beyond its axis.
    """

    def __init__(self, at, shapes):
        self.shapes = shapes
        if isinstance(at, tuple) and next(iter(shapes)) in ("y", "h"):
            at = {next(iter(shapes)): at}
        if at is not None and not isinstance(at, dict):
            raise TypeError(f"at: expected {self.hint()}, got {at!r}")
        if at == {}:
            raise ValueError(f"at: expected {self.hint()}, got an empty dict")
        self.indices = None if at is None else {name: self._checked(name, index) for name, index in at.items()}

    def all(self, name):
        """The indices that were chosen of this array, in their order."""
        if self.indices is None:
            return list(np.ndindex(self.shapes[name]))
        if name not in self.indices:
            return []
        chosen = zip(self.indices[name], self.shapes[name], strict=True)
        ranges = [range(size) if i is None else (i,) for i, size in chosen]
        return [tuple(ranges[axis][i] for axis, i in enumerate(index)) for index in np.ndindex(*map(len, ranges))]

    def rows(self, name):
        """The same along the last axis: a dict from the indices before it to those that were chosen of it."""
        rows = {}
        for *n, last in self.all(name):
            rows.setdefault(tuple(n), []).append(last)
        return rows

    def hint(self):
        """What one may write for `at`."""
        name, shape = next(iter(self.shapes.items()))
        first = (0,) * len(shape)
        if name in ("y", "h"):
            return f"an index into {name} {checks.shape_text(shape)} such as at={first}"
        names = ", ".join(f"{name} {checks.shape_text(shape)}" for name, shape in self.shapes.items())
        return f"a dict such as at={{{name!r}: {first}}}, with indices into {names}"

    def _checked(self, name, index):
        if name not in self.shapes:
            raise ValueError(f"at: expected {self.hint()}, got the name {name!r}")
        shape = self.shapes[name]
        if not isinstance(index, tuple):
            raise TypeError(f"at: expected a tuple as index into {name}, such as {(0,) * len(shape)}, got {index!r}")
        if len(index) > len(shape):
            raise ValueError(f"at: {name} has the shape {checks.shape_text(shape)}, and {index} has more axes")
        return tuple(
            None if i is None else self._within(name, i, size, index)
            for i, size in zip((*index, *(None,) * (len(shape) - len(index))), shape, strict=True)
        )

    def _within(self, name, i, size, index):
        try:
            i = operator.index(i)
        except TypeError as error:
            raise TypeError(
                f"at: expected whole numbers, or None for all, as index into {name}, got {index}"
            ) from error
        if not 0 <= i < size:
            raise IndexError(
                f"at: {index} lies outside of {name}, whose shape is {checks.shape_text(self.shapes[name])}"
            )
        return i
