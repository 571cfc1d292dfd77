"""Lengths of padded sequences.

Sequences of different lengths share one array, each padded at its end to the length of the longest. `lengths` gives
the number of real steps in each row. Values in the padding, even NaN, never change a result.
"""

import numpy as np

from . import checks


def checked(where: str, lengths: np.ndarray, N: int, T: int) -> np.ndarray:
    """lengths as a new C-contiguous (N,) array of np.intp.

    Args:
        where: the name of the argument, which begins the messages.

    Raises:
        TypeError: not an array of integers.
        ValueError: not one length for each of N rows.
        IndexError: a length is not in 0 .. T; the message says where.
    """
    lengths = checks.numbers(where, lengths)
    if lengths.shape != (N,):
        got = checks.shape_text(lengths.shape)
        raise ValueError(f"{where}: expected one length for each of the {N} rows, shape ({N},), got {got}")
    if lengths.dtype.kind == "b":
        raise TypeError(f"{where}: expected integers, got bool: of a mask of the real steps, use mask.sum(axis=1)")
    return checks.integers(where, lengths, T + 1, what="length")


def real_steps(lengths: np.ndarray, T: int) -> np.ndarray:
    """The mask of real steps, (N, T): True where t < lengths[n]."""
    return np.arange(T) < lengths[:, None]


def of_sequences(where: str, lengths: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The lengths of the sequences in x (N, T, ...), `checked`."""
    if x.ndim < 2:
        got = checks.shape_text(x.shape)
        raise ValueError(f"{where}: expected x to be an array of sequences, (N, T) or (N, T, F), got shape {got}")
    return checked(where, lengths, *x.shape[:2])


def cleared(x: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A copy of x (N, T, ...) with its padding set to 0, and the lengths, checked."""
    x = checks.numbers("x", x)
    lengths = of_sequences("lengths", lengths, x)
    T = x.shape[1]
    checks.memory("x", x.shape, x.dtype)  # a broadcast array can exceed any memory
    x = x.copy()
    x[~real_steps(lengths, T)] = 0
    return x, lengths


def reversed_steps(x: np.ndarray, lengths: np.ndarray | None = None) -> np.ndarray:
    """x with the real steps of each row reversed, C-contiguous. Padding stays at the end."""
    if lengths is None:
        return np.ascontiguousarray(x[:, ::-1])
    N, T = x.shape[:2]
    t = np.arange(T)
    return x[np.arange(N)[:, None], np.where(t < lengths[:, None], lengths[:, None] - 1 - t, t)]


def spread(rows: np.ndarray, real: np.ndarray) -> np.ndarray:
    """(N, T, ...) with these rows where `real` is True, in order, and 0 in the padding: the inverse of `y[real]`."""
    y = np.zeros((*real.shape, *rows.shape[1:]), rows.dtype)
    y[real] = rows
    return y
