"""Loops over everything."""

import numpy as np


def pool_forward(x, size, stride, kind):
    N, H, W, C = x.shape
    OH, OW = (H - size) // stride + 1, (W - size) // stride + 1
    y = np.empty((N, OH, OW, C))
    for n in range(N):
        for p in range(OH):
            for q in range(OW):
                for c in range(C):
                    best, total = -np.inf, 0.0
                    for i in range(size):
                        for j in range(size):
                            pixel = x[n, p * stride + i, q * stride + j, c]
                            best, total = max(best, pixel), total + pixel
                    y[n, p, q, c] = best if kind == "max" else total / size**2
    return y


def pool_backward(x, dy, size, stride, kind):
    dx = np.zeros(x.shape)
    for n, p, q, c in np.ndindex(*dy.shape):
        r, s = p * stride, q * stride
        if kind == "max":
            window = x[n, r : r + size, s : s + size, c]
            i, j = np.unravel_index(window.argmax(), window.shape)
            dx[n, r + i, s + j, c] += dy[n, p, q, c]
        else:
            for i in range(size):
                for j in range(size):
                    dx[n, r + i, s + j, c] += dy[n, p, q, c] / size**2
    return dx
