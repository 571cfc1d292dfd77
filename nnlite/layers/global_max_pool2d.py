"""GlobalMaxPool2D: the maximum of each channel."""

from typing import Unpack

import numpy as np

from ..kernels import backend, empty
from .base.layer import Options
from .base.pooling import Pooling, where_it_was


class GlobalMaxPool2D(Pooling):
    """Global max pooling: the maximum of each channel over the whole image.

        y[n,c] = max of x[n,h,w,c] over all pixels h, w
        dx[n,h,w,c] = dy[n,c] where x[n,h,w,c] is the largest number, else 0

    It tells whether a feature is present anywhere in the image, which may have any size. Of equal numbers the
    first, from left to right and from top to bottom, receives the gradient. A channel with a NaN gives NaN, and the
    gradient goes to the last one.

    Letters: N batch, H W height and width, C channels. x (N, H, W, C), y (N, C), or (N, 1, 1, C) with keepdims.

    Args:
        keepdims: whether y keeps the axes of height and width, with size 1.
        dtype, seed, name, trainable, input_shape: as in `Layer`.

    Raises:
        TypeError: x or dy is not an array of the layer's dtype; keepdims is not True or False.
        ValueError: x is not (N, H, W, C) with at least one pixel, or dy has another shape than y.

    Source: Oquab, Bottou, Laptev and Sivic, Is object localization for free? Weakly-supervised learning with
    convolutional neural networks, 2015.

    Example:
        >>> import numpy as np
        >>> from nnlite import GlobalMaxPool2D
        >>> x = np.arange(10.0, dtype="float32").reshape(1, 1, 5, 2)
        >>> layer = GlobalMaxPool2D()
        >>> layer.forward(x).tolist()
        [[8.0, 9.0]]
        >>> print(layer.explain((28, 28, 8)))
        GlobalMaxPool2D()
          output   (8,): one number of each channel's H * W = 28 * 28 = 784 pixels
          parameters   none
    """

    def __init__(self, *, keepdims: bool = False, **options: Unpack[Options]) -> None:
        super().__init__(**options)
        self._keep_axes(keepdims)

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        x, y, geometry = self._windows(x)
        index = where_it_was(y, geometry, type(self).__name__)
        backend().pool2d.max_forward(x, y, index, *geometry)
        self._keep(x.shape, index, geometry)
        return self._shown(y)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        x_shape, index, geometry = self._kept()
        dx = empty(x_shape, self.dtype)
        backend().pool2d.max_backward(self._dy(dy, index.shape), index, dx, *geometry)
        return dx
