"""Padding: sequences of unequal length in one array, each filled up at its end to the length of the longest.

`lengths` says how many steps of each row are real. What stands beyond them never changes a result, even if it is NaN.
"""

import numpy as np

from . import checks


def checked(where, lengths, N, T):
    """lengths as a new C-contiguous array of np.intp, of shape (N,).

    Args:
        where: the name of the argument, with which the messages begin.

    Raises:
        TypeError: not an array of integers.
        ValueError: not one length for each of N rows.
        IndexError: a length is not in 0 .. T; the message says where.
    """
    if isinstance(lengths, np.ndarray) and lengths.shape != (N,):
        got = checks.shape_text(lengths.shape)
        raise ValueError(f"{where}: expected one length for each of the {N} rows, shape ({N},), got {got}")
    return checks.integers(where, lengths, T + 1, what="length")


def real_steps(lengths, T):
    """Which steps are no padding: True where t < lengths[n], of shape (N, T)."""
    return np.arange(T) < lengths[:, None]


def of_sequences(where, lengths, x):
    """lengths, `checked`, of the sequences in x, (N, T, ...)."""
    if not isinstance(x, np.ndarray) or x.ndim < 2:
        got = f"shape {checks.shape_text(x.shape)}" if isinstance(x, np.ndarray) else type(x).__name__
        raise ValueError(f"{where}: expected x to be an array of sequences, (N, T) or (N, T, F), got {got}")
    return checked(where, lengths, *x.shape[:2])


def cleared(x, lengths):
    """A copy of x (N, T, ...) with zeros for padding, whatever stood there, and the lengths, checked."""
    lengths = of_sequences("lengths", lengths, x)
    T = x.shape[1]
    checks.memory("x", x.shape, x.dtype)  # a broadcast array can be larger than any memory
    x = x.copy(order="C")
    x[~real_steps(lengths, T)] = 0
    return x, lengths


def reversed_steps(x, lengths=None):
    """x with the steps of each row from its own last to its first, C-contiguous. Padding stays where it is."""
    if lengths is None:
        return np.ascontiguousarray(x[:, ::-1])
    N, T = x.shape[:2]
    t = np.arange(T)
    return x[np.arange(N)[:, None], np.where(t < lengths[:, None], lengths[:, None] - 1 - t, t)]


def spread(rows, real):
    """(N, T, ...) with these rows where `real` is True, in order, and zeros for padding: undoes `y[real]`."""
    y = np.zeros((*real.shape, *rows.shape[1:]), rows.dtype)
    y[real] = rows
    return y
