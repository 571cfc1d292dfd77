"""A convolution and its gradients, in NumPy.

Fill in the functions. You may write others, and import numpy and what comes with Python. Leave arguments unchanged:
work on copies. Try your code by `nnlite homework check`.

Letters: N images of H x W pixels with C channels; F filters of kh x kw taps; y has OH x OW pixels.
"""

import numpy as np


def conv2d_forward(x, W, b, stride, padding):
    """Convolve images with filters. Nothing is flipped, as in all frameworks.

        y[n,p,q,f] = b[f] + sum over i, j, c of X[n, p*stride + i, q*stride + j, c] * W[i,j,c,f]

    X is x with `padding` rows and columns of zeros on each of its four sides. Windows that do not fit into X are left
    out: OH = (H + 2*padding - kh) // stride + 1, and OW likewise.

    x: (N,H,W,C), W: (kh,kw,C,F), b: (F); stride and padding are integers.
    Returns y: (N,OH,OW,F).
    """
    raise NotImplementedError("conv2d_forward is yours to write")


def conv2d_backward(x, W, dy, stride, padding):
    """The gradients of a loss L, from dy, its gradient for y, the result of conv2d_forward.

    x, W, stride, padding: as above; dy: (N,OH,OW,F).
    Returns dx (N,H,W,C), dW (kh,kw,C,F), db (F): the gradients of L for x, W and b.
    """
    raise NotImplementedError("conv2d_backward is yours to write")
