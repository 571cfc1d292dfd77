"""All windows as one view, and masks; the result is a list with one array."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def pool_forward(x, size, stride, kind):
    windows = sliding_window_view(x, (size, size), axis=(1, 2))[:, ::stride, ::stride]
    return [windows.max((-2, -1)) if kind == "max" else windows.mean((-2, -1))]


def pool_backward(x, dy, size, stride, kind):
    grad = np.zeros_like(x)
    OH, OW = dy.shape[1:3]
    y = sliding_window_view(x, (size, size), axis=(1, 2))[:, ::stride, ::stride].max((-2, -1))
    for i in range(size):
        for j in range(size):
            at = np.s_[:, i : i + stride * (OH - 1) + 1 : stride, j : j + stride * (OW - 1) + 1 : stride]
            if kind == "max":
                grad[at] += np.where(x[at] == y, dy, 0)
            else:
                grad[at] += dy / (size * size)
    return grad
