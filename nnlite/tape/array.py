"""TapeArray: an array that notes what NumPy does with it, and the rules of differentiation."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.lib.stride_tricks import sliding_window_view


def _slope_of_power(a, b):
    return np.where(b == 0, 0.0, b * a ** np.where(b == 0, 1, b - 1))


# Of y = f(a, ...): dL/da, ... from dL/dy, y, a, ...
RULES: dict[Callable, Callable] = {
    np.add: lambda dy, y, a, b: (dy, dy),
    np.subtract: lambda dy, y, a, b: (dy, -dy),
    np.multiply: lambda dy, y, a, b: (dy * b, dy * a),
    np.true_divide: lambda dy, y, a, b: (dy / b, -dy * y / b),
    np.power: lambda dy, y, a, b: (dy * _slope_of_power(a, b), dy * y * np.log(np.where(a > 0, a, 1))),
    np.matmul: lambda dy, y, a, b: (dy @ b.swapaxes(-1, -2), a.swapaxes(-1, -2) @ dy),
    np.logaddexp: lambda dy, y, a, b: (dy * np.exp(a - y), dy * np.exp(b - y)),
    np.maximum: lambda dy, y, a, b: (dy * (a >= b), dy * (a < b)),
    np.minimum: lambda dy, y, a, b: (dy * (a <= b), dy * (a > b)),
    np.where: lambda dy, y, c, a, b: (None, dy * (c != 0), dy * (c == 0)),
    np.negative: lambda dy, y, a: (-dy,),
    np.absolute: lambda dy, y, a: (dy * np.sign(a),),
    np.square: lambda dy, y, a: (dy * 2 * a,),
    np.sqrt: lambda dy, y, a: (dy / (2 * y),),
    np.reciprocal: lambda dy, y, a: (-dy * y * y,),
    np.exp: lambda dy, y, a: (dy * y,),
    np.log: lambda dy, y, a: (dy / a,),
    np.log1p: lambda dy, y, a: (dy / (1 + a),),
    np.tanh: lambda dy, y, a: (dy * (1 - y * y),),
}
# What only moves numbers, or repeats them. What the numbers are does not matter, so it is tried on their positions.
MOVES = {
    *(np.reshape, np.ravel, np.transpose, np.swapaxes, np.moveaxis, np.expand_dims, np.squeeze, np.broadcast_to),
    *(np.split, np.hsplit, np.vsplit, np.array_split, np.take, np.take_along_axis, np.repeat, np.tile, np.roll),
    *(np.flip, np.copy, np.concatenate, np.stack, np.hstack, np.vstack, sliding_window_view),
}
PADS = ("constant", "edge", "reflect", "symmetric", "wrap")  # those that move numbers
JOINS = {np.concatenate, np.stack, np.hstack, np.vstack}  # these take a list of arrays
# What has no gradient: of these the answer is an ordinary array.
PLAIN = {
    *(np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal, np.sign, np.floor, np.rint),
    *(np.isfinite, np.isnan, np.argmax, np.argmin, np.shape, np.ndim, np.size, np.array_equal, np.allclose),
}


class View(NamedTuple):
    """What an array is a part of. In NumPy both may share their memory."""

    of: "TapeArray"
    function: Callable  # that gives this part of it
    name: str
    index: Any = None  # of a slice
    number: int = -1  # of the result that `of` held then


class TapeArray(NDArrayOperatorsMixin):
    """An array that notes on its tape what NumPy does with it, and has NumPy's methods that move or add numbers.

    Raises:
        TypeError: something is done with it that the tape has no rule for, or that would lose the gradient.
    """

    def __init__(self, tape: Any, value: np.ndarray, number: int) -> None:
        self.tape, self.value, self.number = tape, value, number
        self.view: View | None = None
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
        return f"TapeArray({self.value!r})"

    def __array__(self, *args, **kwargs):
        raise TypeError(
            "Tape: an array of the tape would become an ordinary one here, which loses its gradient: write into memory "
            "made by np.zeros_like(x) or tape.array(...), and call NumPy's functions on it directly"
        )

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **kwargs):
        if method != "__call__" or kwargs:
            raise TypeError(f"Tape: expected a plain call of np.{ufunc.__name__}, got {method} with {sorted(kwargs)}")
        result = _apply(ufunc, inputs)
        if out is None:
            return result
        (into,) = out
        if into.view and into.view.name == "slice":  # a[index] += b
            into.view.of[into.view.index] = result
            return into.view.of[into.view.index]
        into[...] = result
        return into

    def __array_function__(self, function, types, args, kwargs):
        if function in FUNCTIONS:
            return FUNCTIONS[function](*args, **kwargs)
        if function not in MOVES:
            return _apply(function, args, kwargs)
        first, *rest = args
        if function in JOINS:
            return _move(lambda *a: function(a, *rest, **kwargs), first)
        view = View(first, lambda a: function(a, *rest, **kwargs), function.__name__)
        return _move(view.function, [first], view=None if function is np.copy else view)

    def __getitem__(self, index):
        view = View(self, lambda a: a[index], "slice", index)
        return _move(view.function, [self], view=view)

    def __setitem__(self, index, new):
        """The numbers at this place are those of `new` from now on."""
        if self.view:
            raise TypeError(
                f"Tape: expected to write into an array itself, got a {self.view.name} of one: write a[index] = new"
            )

        def written(a, new):
            a = a.copy()
            a[index] = new
            return a

        after = _move(written, [self, new])
        self.writes.append((self.number, index, after.number))
        self.value, self.number = after.value, after.number

    def sum(self, axis=None, dtype=None, keepdims=False):
        value = _value(self)
        kept = value.sum(axis=axis, keepdims=True)
        y = kept if keepdims else value.sum(axis=axis)

        def rule(dy):
            return [np.broadcast_to(dy.reshape(kept.shape), self.shape)]

        return self.tape.note(np.asarray(y), [self.number], rule)

    def mean(self, axis=None, dtype=None, keepdims=False):
        total = self.sum(axis=axis, keepdims=keepdims)
        return total * (total.size / max(1, self.size))

    def var(self, axis=None, dtype=None, keepdims=False):
        return ((self - self.mean(axis=axis, keepdims=True)) ** 2).mean(axis=axis, keepdims=keepdims)

    def max(self, axis=None, keepdims=False, **initial):
        """The gradient goes to the largest number; equal ones share it."""
        value = _value(self)
        is_largest = value == value.max(axis=axis, keepdims=True)
        share = is_largest / is_largest.sum(axis=axis, keepdims=True)
        largest = (self * share).sum(axis=axis, keepdims=keepdims)
        return np.maximum(largest, initial["initial"]) if initial else largest

    def reshape(self, *shape):
        return np.reshape(self, shape[0] if len(shape) == 1 else shape)

    def transpose(self, *axes):
        return np.transpose(self, axes or None)

    def swapaxes(self, a, b):
        return np.swapaxes(self, a, b)

    def ravel(self):
        return np.ravel(self)

    def copy(self):
        return np.copy(self)

    def astype(self, dtype, **kwargs):
        """The numbers stay float64. Whole numbers have no gradient, and are an ordinary array."""
        return self if np.dtype(dtype).kind == "f" else self.value.astype(dtype)


def _value(a):
    """An array of NumPy's. A part of something that was changed since would, in NumPy, have changed with it."""
    if not isinstance(a, TapeArray):
        return np.asarray(a)
    if a.view and (a.view.of.number != a.view.number or a.view.of.view):
        now = a.view.function(_value(a.view.of))
        if not isinstance(now, list | tuple) and not np.array_equal(now, a.value, equal_nan=True):
            raise TypeError(
                f"Tape: expected an array that stays as it is, got a {a.view.name} of one that was written into since: "
                f"in NumPy it may have changed too: make it with .copy()"
            )
    return a.value


def _tape_of(arrays):
    tape, *others = {id(a.tape): a.tape for a in arrays if isinstance(a, TapeArray)}.values()
    if others:
        raise TypeError("Tape: expected arrays of one tape, got arrays of two: make both with the same tape.array")
    return tape


def _apply(function, inputs, kwargs=None):
    """A function of numbers, by its rule."""
    if function is np.matmul and 1 in map(np.ndim, inputs):
        return _product_with_vectors(*inputs)
    values = [_value(a) for a in inputs]
    if function in PLAIN:
        return function(*values, **(kwargs or {}))
    if function not in RULES or kwargs:
        known = ", ".join(sorted({getattr(f, "__name__", "") for f in {*RULES, *MOVES, *PLAIN, *FUNCTIONS}}))
        raise TypeError(
            f"Tape: expected a function that it can differentiate, got np.{function.__name__}"
            f"{f' with {sorted(kwargs)}' if kwargs else ''}: it knows {known}"
        )
    y = np.asarray(function(*values))
    parents = [a.number if isinstance(a, TapeArray) else None for a in inputs]
    return _tape_of(inputs).note(y, parents, lambda dy: RULES[function](dy, y, *values))


def _product_with_vectors(a, b):
    y = np.matmul(a if np.ndim(a) > 1 else a[None], b if np.ndim(b) > 1 else b[:, None])
    y = y if np.ndim(b) > 1 else y[..., 0]
    return y if np.ndim(a) > 1 else y[..., 0, :] if np.ndim(b) > 1 else y[..., 0]


def _move(function, arrays, of_positions=None, view=None):
    """Something that moves numbers, done to the numbers, and to their positions: 1, 2, ..., and 0 for what has none."""
    values, positions, parents, end = [], [], [], 1
    for array in arrays:
        is_noted = isinstance(array, TapeArray)
        value = _value(array)
        first, end = end, end + value.size * is_noted
        values.append(value)
        positions.append(np.arange(first, end).reshape(value.shape) if is_noted else np.zeros(value.shape, int))
        parents.append((array.number if is_noted else None, slice(first, end), value.shape))

    def note(y, places):
        def rule(dy):
            moved_back = np.bincount(places.reshape(-1), dy.reshape(-1), minlength=end)
            return [moved_back[part].reshape(shape) if number is not None else None for number, part, shape in parents]

        result = _tape_of(arrays).note(np.array(y), [number for number, *_ in parents], rule)
        result.view = view and view._replace(number=view.of.number)
        return result

    results, places = function(*values), (of_positions or function)(*positions)
    return [*map(note, results, places)] if isinstance(results, list | tuple) else note(results, places)


def _einsum(subscripts, *arrays):
    """A sum of products. The gradient of each factor is the sum of the products of dy and all other factors."""
    inputs, output = subscripts.replace(" ", "").split("->")
    letters = inputs.split(",")
    values = [_value(a) for a in arrays]
    sizes = {
        letter: n
        for word, value in zip(letters, values, strict=True)
        for letter, n in zip(word, value.shape, strict=True)
    }

    def rule(dy):
        for k, own in enumerate(letters):
            others = [(w, v) for j, (w, v) in enumerate(zip(letters, values, strict=True)) if j != k]
            others.append((own, np.ones([sizes[letter] for letter in own])))  # for letters that stand nowhere else
            yield np.einsum(",".join([output, *(w for w, _ in others)]) + "->" + own, dy, *(v for _, v in others))

    parents = [a.number if isinstance(a, TapeArray) else None for a in arrays]
    return _tape_of(arrays).note(np.asarray(np.einsum(subscripts, *values)), parents, rule)


def _tensordot(a, b, axes=2):
    of_a, of_b = (range(np.ndim(a) - axes, np.ndim(a)), range(axes)) if isinstance(axes, int) else axes
    of_a, of_b = ([i % np.ndim(x) for i in np.atleast_1d(of_x)] for x, of_x in ((a, of_a), (b, of_b)))
    first = "abcdefgh"[: np.ndim(a)]
    second = list("stuvwxyz"[: np.ndim(b)])
    for i, j in zip(of_a, of_b, strict=True):
        second[j] = first[i]
    summed = {first[i] for i in of_a}
    kept = "".join(letter for letter in (*first, *second) if letter not in summed)
    return _einsum(f"{first},{''.join(second)}->{kept}", a, b)


def _like(fill):
    return lambda a: a.tape.array(np.full(a.shape, fill))


def _dot(a, b):
    if max(np.ndim(a), np.ndim(b)) > 2:
        raise TypeError("Tape: np.dot: expected matrices and vectors, got more axes: use np.matmul or np.einsum")
    return np.matmul(a, b) if min(np.ndim(a), np.ndim(b)) else a * b


def _pad(a, width, mode="constant", **options):
    if mode not in PADS:
        raise TypeError(f"Tape: np.pad: expected a mode of {', '.join(PADS)}, got {mode!r}")
    of_positions = {name: option for name, option in options.items() if name != "constant_values"}
    return _move(lambda a: np.pad(a, width, mode, **options), [a], lambda a: np.pad(a, width, mode, **of_positions))


FUNCTIONS: dict[Callable, Callable] = {
    np.sum: lambda a, *args, **kwargs: a.sum(*args, **kwargs),
    np.mean: lambda a, *args, **kwargs: a.mean(*args, **kwargs),
    np.max: lambda a, *args, **kwargs: a.max(*args, **kwargs),
    np.var: lambda a, *args, **kwargs: a.var(*args, **kwargs),
    np.std: lambda a, *args, **kwargs: np.sqrt(a.var(*args, **kwargs)),
    np.clip: lambda a, low, high: np.minimum(np.maximum(a, low), high),
    np.dot: _dot,
    np.pad: _pad,
    np.einsum: _einsum,
    np.tensordot: _tensordot,
    np.zeros_like: _like(0.0),
    np.empty_like: _like(np.nan),
    np.ones_like: _like(1.0),
}
