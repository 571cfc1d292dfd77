"""Softmax of every row, the cross-entropy of labels under it, and a draw from it.

Letters: N rows, V numbers in a row (the vocabulary).
"""

import numpy as np


def forward(x, y):  # IN (N,V) OUT (N,V)
    e = np.exp(x - x.max(axis=1, keepdims=True, initial=-np.inf))
    y[:] = e / e.sum(axis=1, keepdims=True)


def backward(y, dy, dx):  # IN (N,V) (N,V) OUT (N,V)
    dx[:] = y * (dy - (dy * y).sum(axis=1, keepdims=True))


def cross_entropy_forward(x, labels, y, losses):  # IN (N,V) (N) OUT (N,V) (N)
    """Softmax y of the logits x, and the loss of each row in float64."""
    forward(x, y)
    m = x.max(axis=1, initial=-np.inf)
    s = np.exp(x - m[:, None]).sum(axis=1, dtype=np.float64)
    x_label = x[np.arange(len(x)), labels]
    losses[:] = np.log(s) - (x_label.astype(np.float64) - m)
    return losses.sum()


def cross_entropy_backward(y, labels, dx, scale):  # IN (N,V) (N) OUT (N,V)
    dx[:] = scale * (y - (labels[:, None] == np.arange(y.shape[1])))


def sample(x, temperature, u):  # IN (V)
    """The index that u, uniform in [0, 1), draws from softmax(x / temperature); at temperature 0 that of the largest x.

    -1 if there is nothing to draw from: x contains NaN or +infinity, or only -infinity.
    """
    x = x.astype(np.float64)
    m = x.max(initial=-np.inf)
    if not np.isfinite(m):
        return -1
    if temperature == 0:
        return int(x.argmax())
    with np.errstate(over="ignore"):
        e = np.exp((x - m) / temperature)
    sums = e.cumsum()
    last = np.flatnonzero(e)[-1]  # rounding must not lead past the end, nor to an index of probability 0
    return int(min(sums.searchsorted(u * sums[-1], side="right"), last))
