"""im2col: all windows as the rows of one matrix, and one product."""

import numpy as np


def places(size, kernel, stride):
    """The row, or column, that each tap of each window sees: (windows, taps)."""
    return np.arange(0, size - kernel + 1, stride)[:, None] + np.arange(kernel)


def im2col(x, kh, kw, stride, padding):
    padded = np.pad(x, ((0, 0), (padding,) * 2, (padding,) * 2, (0, 0)))
    rows, cols = places(padded.shape[1], kh, stride), places(padded.shape[2], kw, stride)
    # (N, OH, OW, kh, kw, C)
    return padded.shape, rows, cols, padded[:, rows[:, None, :, None], cols[None, :, None, :]]


def conv2d_forward(x, W, b, stride, padding):
    kh, kw, C, F = W.shape
    _, _, _, windows = im2col(x, kh, kw, stride, padding)
    matrix = windows.reshape(-1, kh * kw * C)
    return (matrix @ W.reshape(-1, F) + b).reshape(*windows.shape[:3], F)


def conv2d_backward(x, W, dy, stride, padding):
    kh, kw, C, F = W.shape
    shape, rows, cols, windows = im2col(x, kh, kw, stride, padding)
    g = dy.reshape(-1, F)
    dW = (windows.reshape(-1, kh * kw * C).T @ g).reshape(W.shape)
    dwindows = (g @ W.reshape(-1, F).T).reshape(windows.shape)
    dpadded = np.zeros(shape, dwindows.dtype)
    np.add.at(dpadded, np.s_[:, rows[:, None, :, None], cols[None, :, None, :]], dwindows)
    dx = dpadded[:, padding : padding + x.shape[1], padding : padding + x.shape[2]]
    return dx, dW, g.sum(axis=0)
