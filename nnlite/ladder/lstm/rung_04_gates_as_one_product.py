"""BLAS, the four gates as one product.

All gates see the same x and h, so their weights stand side by side in one matrix: two products in each step in place of
eight, four times as wide. BLAS is called less often; what it computes is the same.
"""

import numpy as np


def forward(x, Wx, Wh, b):  # IN (N,T,F) (F,4H) (H,4H) (4H)  OUT (N,T,H)
    (N, T, _), H = x.shape, len(Wh)
    y, c = np.empty((N, T, H), x.dtype), np.zeros((N, H), x.dtype)
    h = np.zeros_like(c)
    for t in range(T):
        i, f, g, o = np.split(x[:, t] @ Wx + h @ Wh + b, 4, axis=1)
        i, f, o = (1 / (1 + np.exp(-gate)) for gate in (i, f, o))
        c = f * c + i * np.tanh(g)
        y[:, t] = h = o * np.tanh(c)
    return y
