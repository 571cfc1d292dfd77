"""One tap of the kernel at a time, in float32, with results in a dict."""

import numpy as np


def _slices(shape, i, j, stride):
    return np.s_[:, i : i + (shape[1] - 1) * stride + 1 : stride, j : j + (shape[2] - 1) * stride + 1 : stride]


def conv2d_forward(x, W, b, stride, padding):
    x, W, b = (np.float32(array) for array in (x, W, b))
    X = np.zeros((len(x), x.shape[1] + 2 * padding, x.shape[2] + 2 * padding, x.shape[3]), "f")
    X[:, padding : padding + x.shape[1], padding : padding + x.shape[2]] = x
    y = np.empty((len(x), *[(X.shape[k] - W.shape[k - 1]) // stride + 1 for k in (1, 2)], W.shape[3]), "f")
    y[:] = b
    for i, j in np.ndindex(W.shape[:2]):
        y += X[_slices(y.shape, i, j, stride)] @ W[i, j]
    return y


def conv2d_backward(x, W, dy, stride, padding):
    x, W, dy = (np.float32(array) for array in (x, W, dy))
    P = padding
    X = np.pad(x, ((0, 0), (P, P), (P, P), (0, 0)))
    dX, dW = np.zeros_like(X), np.empty_like(W)
    for i, j in np.ndindex(W.shape[:2]):
        seen = _slices(dy.shape, i, j, stride)
        dX[seen] += dy @ W[i, j].T
        dW[i, j] = np.tensordot(X[seen], dy, ((0, 1, 2), (0, 1, 2)))
    return {"db": dy.sum(axis=(0, 1, 2)), "dx": dX[:, P : P + x.shape[1], P : P + x.shape[2]], "dW": dW}
