"""NumPy, a sum for each unit and gate.

The loops over the batch, the features and the units of the step before are calls of NumPy. What a call costs, some
microseconds, is now paid once for a gate's unit and step.
"""

import numpy as np


def forward(x, Wx, Wh, b):  # IN (N,T,F) (F,4H) (H,4H) (4H)  OUT (N,T,H)
    (N, T, _), H = x.shape, len(Wh)
    z, c, y = np.empty((N, 4 * H), x.dtype), np.zeros((N, H), x.dtype), np.empty((N, T, H), x.dtype)
    h = np.zeros_like(c)
    for t in range(T):
        for j in range(4 * H):
            z[:, j] = b[j] + (x[:, t] * Wx[:, j]).sum(axis=1) + (h * Wh[:, j]).sum(axis=1)
        i, f, g, o = np.split(z, 4, axis=1)
        i, f, o = (1 / (1 + np.exp(-gate)) for gate in (i, f, o))
        c = f * c + i * np.tanh(g)
        y[:, t] = h = o * np.tanh(c)
    return y
