"""Python loops.

The definition, word by word. Each multiplication costs a hundred nanoseconds: Python looks up what `*` means for these
two objects, and makes a new one for the result.
"""

import numpy as np


def forward(x, W, b):  # IN (N,H,W,C) (kh,kw,C,F) (F)  OUT (N,OH,OW,F)
    (kh, kw, C, F), (N, OH, OW) = W.shape, (len(x), x.shape[1] - len(W) + 1, x.shape[2] - W.shape[1] + 1)
    y = np.empty((N, OH, OW, F), x.dtype)
    for n in range(N):
        for h in range(OH):
            for w in range(OW):
                for f in range(F):
                    total = b[f]
                    for i in range(kh):
                        for j in range(kw):
                            for c in range(C):
                                total += x[n, h + i, w + j, c] * W[i, j, c, f]
                    y[n, h, w, f] = total
    return y
