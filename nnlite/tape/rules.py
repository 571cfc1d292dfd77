"""What the tape knows of NumPy: a table of derivatives, of what only moves numbers, and of what is made of others."""

from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

# Of y = f(a, ...): dL/da, ... from dL/dy, y, a, ...
RULES: dict[Callable, Callable] = {
    np.add: lambda dy, y, a, b: (dy, dy),
    np.subtract: lambda dy, y, a, b: (dy, -dy),
    np.multiply: lambda dy, y, a, b: (dy * b, dy * a),
    np.true_divide: lambda dy, y, a, b: (dy / b, -dy * y / b),
    np.power: lambda dy, y, a, b: (
        dy * np.where(b == 0, 0.0, b * a ** np.where(b == 0, 1, b - 1)),
        dy * y * np.log(np.where(a > 0, a, 1)),
    ),
    np.matmul: lambda dy, y, a, b: (dy @ b.swapaxes(-1, -2), a.swapaxes(-1, -2) @ dy),
    np.logaddexp: lambda dy, y, a, b: (dy * np.exp(a - y), dy * np.exp(b - y)),
    np.maximum: lambda dy, y, a, b: (dy * (a >= b), dy * (a < b)),
    np.minimum: lambda dy, y, a, b: (dy * (a <= b), dy * (a > b)),
    np.where: lambda dy, y, c, a, b: (None, dy * (c != 0), dy * (c == 0)),
    np.negative: lambda dy, y, a: (-dy,),
    np.absolute: lambda dy, y, a: (dy * np.sign(a),),
    np.square: lambda dy, y, a: (dy * 2 * a,),
    np.sqrt: lambda dy, y, a: (dy / (2 * y),),
    np.exp: lambda dy, y, a: (dy * y,),
    np.log: lambda dy, y, a: (dy / a,),
    np.tanh: lambda dy, y, a: (dy * (1 - y * y),),
}
# What only moves numbers, or repeats them. What the numbers are does not matter, so it is tried on their positions.
MOVES = {
    *(np.reshape, np.ravel, np.transpose, np.swapaxes, np.moveaxis, np.expand_dims, np.squeeze, np.broadcast_to),
    *(np.split, np.take, np.repeat, np.flip, np.copy, np.pad, sliding_window_view),
}
JOINS = {np.concatenate, np.stack, np.hstack, np.vstack}  # these take a list of arrays
# What has no gradient: of these the answer is an ordinary array.
PLAIN = {
    *(np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal, np.sign, np.isfinite, np.isnan),
    *(np.argmax, np.argmin, np.shape, np.ndim, np.size),
}


def _sum(a, axis=None, dtype=None, keepdims=False):
    kept = a.current().sum(axis=axis, keepdims=True)
    y = kept if keepdims else kept.reshape(a.value.sum(axis=axis).shape)
    return a.tape.note(y, [a.number], lambda dy: [np.broadcast_to(dy.reshape(kept.shape), a.shape)])


def _mean(a, axis=None, dtype=None, keepdims=False):
    total = np.sum(a, axis=axis, keepdims=keepdims)
    return total * (total.size / max(1, a.size))


def _max(a, axis=None, keepdims=False, **initial):
    """The gradient goes to the largest number; equal ones share it."""
    is_largest = a.current() == a.value.max(axis=axis, keepdims=True)
    largest = np.sum(a * (is_largest / is_largest.sum(axis=axis, keepdims=True)), axis=axis, keepdims=keepdims)
    return np.maximum(largest, initial["initial"]) if initial else largest


def _dot(a, b):
    if max(np.ndim(a), np.ndim(b)) > 2:
        raise TypeError("Tape: np.dot: expected matrices and vectors, got more axes: use np.matmul")
    return np.matmul(a, b) if min(np.ndim(a), np.ndim(b)) else a * b


# What is made of the others.
COMPOSED: dict[Callable, Callable] = {
    np.sum: _sum,
    np.mean: _mean,
    np.var: lambda a, axis=None, keepdims=False: _mean((a - _mean(a, axis, None, True)) ** 2, axis, None, keepdims),
    np.max: _max,
    np.clip: lambda a, low, high: np.minimum(np.maximum(a, low), high),
    np.dot: _dot,
    np.zeros_like: lambda a: a.tape.array(np.zeros(a.shape)),
    np.empty_like: lambda a: a.tape.array(np.full(a.shape, np.nan)),
}
