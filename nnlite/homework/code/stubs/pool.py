"""Pooling and its gradient, in NumPy.

Fill in the functions. You may write others, and import numpy and what comes with Python. Leave arguments unchanged:
work on copies. Try your code by `nnlite homework check`.

Letters: N images of H x W pixels with C channels; y has OH x OW pixels.
"""

import numpy as np


def pool_forward(x, size, stride, kind):
    """The maximum, or the mean, of each window of size x size pixels, in every channel by itself.

    Window (p, q) begins at row p*stride and column q*stride. With a stride below the size windows overlap. Windows that
    do not fit into the image are left out: OH = (H - size) // stride + 1, and OW likewise.

    x: (N,H,W,C); size and stride are integers; kind is "max" or "average".
    Returns y: (N,OH,OW,C).
    """
    raise NotImplementedError("pool_forward is yours to write")


def pool_backward(x, dy, size, stride, kind):
    """The gradient of a loss L for x, from dy (N,OH,OW,C), its gradient for y, the result of pool_forward.

    No two numbers of x are equal. Returns dx: (N,H,W,C).
    """
    raise NotImplementedError("pool_backward is yours to write")
