"""BLAS, a product for each gate and step.

As one writes it from the equations: `@` hands each product to BLAS. There are eight of them in each step, all small.
"""

import numpy as np


def forward(x, Wx, Wh, b):  # IN (N,T,F) (F,4H) (H,4H) (4H)  OUT (N,T,H)
    (N, T, _), H = x.shape, len(Wh)
    y, c = np.empty((N, T, H), x.dtype), np.zeros((N, H), x.dtype)
    h, gates = np.zeros_like(c), [slice(gate * H, (gate + 1) * H) for gate in range(4)]
    for t in range(T):
        i, f, g, o = (x[:, t] @ Wx[:, gate] + h @ Wh[:, gate] + b[gate] for gate in gates)
        i, f, o = (1 / (1 + np.exp(-gate)) for gate in (i, f, o))
        c = f * c + i * np.tanh(g)
        y[:, t] = h = o * np.tanh(c)
    return y
