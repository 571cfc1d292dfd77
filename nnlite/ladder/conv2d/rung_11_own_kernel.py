"""nnlite's own kernel.

It does less: Winograd's way needs 16 multiplications for four pixels of a 3 x 3 window, where the definition has 36. So
its share of the peak, counted by the definition, can be above 100 %.
"""

import functools

from nnlite import Conv2D


@functools.lru_cache(1)
def layer(filters, kernel_size, input_shape):
    made = Conv2D(filters, kernel_size)
    made.build(input_shape)
    return made


def forward(x, W, b):  # IN (N,H,W,C) (kh,kw,C,F) (F)  OUT (N,OH,OW,F)
    conv2d = layer(W.shape[3], W.shape[:2], x.shape[1:])
    conv2d.params["W"][:], conv2d.params["b"][:] = W, b
    return conv2d.forward(x)
