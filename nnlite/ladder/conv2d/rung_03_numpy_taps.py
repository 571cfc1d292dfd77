"""NumPy, a product for each tap.

What all windows see at one of the nine taps is one slice of x. So there are nine calls in all, and nothing is left of
what a call costs: this is the speed of a plain loop in C, which `einsum` runs.
"""

import numpy as np


def forward(x, W, b):  # IN (N,H,W,C) (kh,kw,C,F) (F)  OUT (N,OH,OW,F)
    (kh, kw, _, F), (N, OH, OW) = W.shape, (len(x), x.shape[1] - len(W) + 1, x.shape[2] - W.shape[1] + 1)
    y = np.broadcast_to(b, (N, OH, OW, F)).copy()
    for i in range(kh):
        for j in range(kw):
            y += np.einsum("nhwc,cf->nhwf", x[:, i : i + OH, j : j + OW], W[i, j])
    return y
