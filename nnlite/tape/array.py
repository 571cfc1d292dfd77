"""TapeArray: an array that notes on its tape what NumPy does with it."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from .rules import COMPOSED, JOINS, MOVES, PLAIN, RULES

METHODS = {"sum", "mean", "var", "max", "reshape", "transpose", "swapaxes", "ravel", "copy", "dot", "clip"}


class TapeArray(NDArrayOperatorsMixin):
    """An array that notes on its tape what NumPy does with it, and has NumPy's methods that move or add numbers.

    Raises:
        TypeError: something is done with it that the tape has no rule for, or that would lose the gradient.
    """

    def __init__(self, tape: Any, value: np.ndarray, number: int) -> None:
        self.tape, self.value, self.number = tape, value, number
        self.source: Callable[[], np.ndarray] | None = None  # of a part of another array: what it is in NumPy
        self.place: tuple[TapeArray, Any] | None = None  # of a slice: the array and the index
        self.writes: list[tuple[int, Any, int]] = []  # (result before, index, result after)

    shape = property(lambda self: self.value.shape)
    ndim = property(lambda self: self.value.ndim)
    size = property(lambda self: self.value.size)
    dtype = property(lambda self: self.value.dtype)
    T = property(lambda self: np.transpose(self))

    def __len__(self):
        return len(self.value)

    def __bool__(self):
        return bool(self.value)

    def __repr__(self):
        return f"TapeArray({self.value})"

    def __array__(self, *args, **kwargs):
        raise TypeError(
            "Tape: expected an array of the tape, got one that would become an ordinary one here, and lose its "
            "gradient: make the arrays that are written into with tape.array or np.zeros_like, and use no np.asarray"
        )

    def __getattr__(self, name):
        if name not in METHODS:
            raise AttributeError(f"Tape: expected one of the methods {', '.join(sorted(METHODS))}, got {name}")
        flat = name in ("reshape", "transpose")  # a.reshape(2, 3) is np.reshape(a, (2, 3))
        return lambda *args, **kwargs: getattr(np, name)(self, *([args] if flat and len(args) > 1 else args), **kwargs)

    def astype(self, dtype: Any, **kwargs: Any) -> Any:
        """The numbers stay float64. Whole numbers have no gradient, and are an ordinary array."""
        return self if np.dtype(dtype).kind == "f" else self.value.astype(dtype)

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **kwargs):
        if method != "__call__" or kwargs:
            raise TypeError(f"Tape: expected a plain call of np.{ufunc.__name__}, got {method} with {sorted(kwargs)}")
        result = _apply(ufunc, inputs, {})
        if out is None:
            return result
        (into,) = out
        array, index = getattr(into, "place", None) or (into, ...)  # a[index] += b writes into a
        array[index] = result
        return into if array is into else array[index]

    def __array_function__(self, function, types, args, kwargs):
        if function in JOINS:
            return _move(lambda *arrays: function(arrays, *args[1:], **kwargs), args[0])
        if function in MOVES:
            return self._part(lambda a: function(a, *args[1:], **kwargs), function is not np.copy)
        return _apply(function, args, kwargs)

    def __getitem__(self, index):
        part = self._part(lambda a: a[index])
        part.place = self, index
        return part

    def _part(self, function, is_view=True):
        part = _move(function, [self])
        if is_view and isinstance(part, TapeArray):
            part.source = lambda: function(self.current())
        return part

    def current(self) -> np.ndarray:
        """Its numbers. A part of something that was changed since would, in NumPy, have changed with it."""
        if self.source and not np.array_equal(self.source(), self.value, equal_nan=True):
            raise TypeError(
                "Tape: expected an array that stays as it is, got a part of one that was written into since: in NumPy "
                "it may have changed too: make it with .copy()"
            )
        return self.value

    def __setitem__(self, index, new):
        """The numbers at this place are those of `new` from now on."""
        if self.source:
            raise TypeError("Tape: expected to write into an array itself, got a part of one: write a[index] = new")

        def written(a, new):
            a = a.copy()
            a[index] = new
            return a

        after = _move(written, [self, new])
        self.writes.append((self.number, index, after.number))
        self.value, self.number = after.value, after.number


def _current(a):
    return a.current() if isinstance(a, TapeArray) else np.asarray(a)


def _noted(arrays, y, rule):
    """The result of a function of arrays, noted on their tape."""
    tape, *others = {id(a.tape): a.tape for a in arrays if isinstance(a, TapeArray)}.values()
    if others:
        raise TypeError("Tape: expected arrays of one tape, got arrays of two: make both with the same tape.array")
    return tape.note(y, [a.number if isinstance(a, TapeArray) else None for a in arrays], rule)


def _apply(function, inputs, kwargs):
    """A function of numbers, by its rule."""
    if function in COMPOSED:
        return COMPOSED[function](*inputs, **kwargs)
    if function is np.matmul and 1 in map(np.ndim, inputs):  # a vector is a matrix of one row, or column
        (a, b), y = inputs, np.matmul(*map(np.zeros, map(np.shape, inputs)))
        return np.reshape((a if np.ndim(a) > 1 else a[None]) @ (b if np.ndim(b) > 1 else b[:, None]), y.shape)
    values = [_current(a) for a in inputs]
    if function in PLAIN:
        return function(*values, **kwargs)
    if function not in RULES or kwargs:
        known = ", ".join(sorted(getattr(f, "__name__", "") for f in {*RULES, *MOVES, *JOINS, *PLAIN, *COMPOSED}))
        raise TypeError(
            f"Tape: expected a function that it can differentiate, got np.{function.__name__}"
            f"{f' with {sorted(kwargs)}' if kwargs else ''}: it knows {known}"
        )
    y = np.asarray(function(*values))
    return _noted(inputs, y, lambda dy: RULES[function](dy, y, *values))


def _move(function, arrays):
    """Something that moves numbers, done to the numbers, and to their positions: 1, 2, ..., and 0 for what has none."""
    values, ends = [_current(a) for a in arrays], np.cumsum([1, *map(np.size, arrays)])
    positions = [np.arange(end, end + v.size).reshape(v.shape) * isinstance(a, TapeArray)
                 for a, v, end in zip(arrays, values, ends, strict=False)]  # fmt: skip
    numbers = np.concatenate([[0.0], *(v.reshape(-1) for v in values)])

    def noted(y, places):
        is_from = (places > 0) & (places < len(numbers))
        if np.any(places * ~is_from) or not np.array_equal(
            y[is_from], numbers[places[is_from].astype(int)], equal_nan=True
        ):
            raise TypeError("Tape: expected a function that moves numbers, got one that makes new ones of them")

        def rule(dy):
            back = np.bincount(places.reshape(-1), dy.reshape(-1), minlength=len(numbers))
            return [part.reshape(v.shape) for part, v in zip(np.split(back, ends)[1:], values, strict=False)]

        return _noted(arrays, np.array(y), rule)

    y, places = function(*values), function(*positions)
    return [*map(noted, y, places)] if isinstance(y, list | tuple) else noted(y, places)
