"""Python loops.

The definition, word by word: of each unit four gates, each a sum over all features and all units of the step before.
Each multiplication costs a hundred nanoseconds: Python looks up what `*` means for these two objects, and makes a new
one for the result.
"""

from math import exp, tanh

import numpy as np


def forward(x, Wx, Wh, b):  # IN (N,T,F) (F,4H) (H,4H) (4H)  OUT (N,T,H)
    (N, T, F), H = x.shape, len(Wh)
    y = np.empty((N, T, H), x.dtype)
    for n in range(N):
        h, c = [0.0] * H, [0.0] * H
        for t in range(T):
            z = [b[j] for j in range(4 * H)]
            for j in range(4 * H):
                for k in range(F):
                    z[j] += x[n, t, k] * Wx[k, j]
                for k in range(H):
                    z[j] += h[k] * Wh[k, j]
            for j in range(H):
                i, f, o = (1 / (1 + exp(-z[gate * H + j])) for gate in (0, 1, 3))
                c[j] = f * c[j] + i * tanh(z[2 * H + j])
                h[j] = o * tanh(c[j])
            y[n, t] = h
    return y
