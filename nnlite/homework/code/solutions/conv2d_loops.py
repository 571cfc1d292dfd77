"""Loops over everything, one number at a time."""

import numpy as np


def conv2d_forward(x, W, b, stride, padding):
    N, H, width, C = x.shape
    kh, kw, _, F = W.shape
    OH, OW = (H + 2 * padding - kh) // stride + 1, (width + 2 * padding - kw) // stride + 1
    y = np.zeros((N, OH, OW, F))
    for n in range(N):
        for p in range(OH):
            for q in range(OW):
                for f in range(F):
                    total = b[f]
                    for i in range(kh):
                        for j in range(kw):
                            r, s = p * stride + i - padding, q * stride + j - padding
                            if 0 <= r < H and 0 <= s < width:
                                for c in range(C):
                                    total += x[n, r, s, c] * W[i, j, c, f]
                    y[n, p, q, f] = total
    return y


def conv2d_backward(x, W, dy, stride, padding):
    N, H, width, C = x.shape
    kh, kw, _, F = W.shape
    dx, dW, db = np.zeros(x.shape), np.zeros(W.shape), np.zeros(F)
    for n in range(N):
        for p in range(dy.shape[1]):
            for q in range(dy.shape[2]):
                for f in range(F):
                    g = dy[n, p, q, f]
                    db[f] += g
                    for i in range(kh):
                        for j in range(kw):
                            r, s = p * stride + i - padding, q * stride + j - padding
                            if 0 <= r < H and 0 <= s < width:
                                for c in range(C):
                                    dx[n, r, s, c] += g * W[i, j, c, f]
                                    dW[i, j, c, f] += g * x[n, r, s, c]
    return dx, dW, db
