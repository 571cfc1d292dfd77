"""GlobalAvgPool2D: of each channel, the mean."""

from typing import Unpack

import numpy as np

from ..kernels import backend, empty
from .base.layer import Options
from .base.pooling import Pooling


class GlobalAvgPool2D(Pooling):
    """Global average pooling: of each channel, the mean over the image remains.

        y[n,c] = sum of x[n,h,w,c] over all pixels h, w, divided by H W
        dx[n,h,w,c] = dy[n,c] / (H W)

    Before the last layer of a network it takes the place of Flatten: that layer then has C inputs instead of H W C, and
    the image may have any size.

    Letters: N batch, H W height and width, C channels. x (N, H, W, C), y (N, C), or (N, 1, 1, C) with keepdims.

    Args:
        keepdims: whether y keeps the axes of height and width, with size 1.
        dtype, seed, name, trainable, input_shape: as in `Layer`.

    Raises:
        TypeError: x or dy is not an array of the layer's dtype; keepdims is not True or False.
        ValueError: x is not (N, H, W, C) with at least one pixel, or dy has another shape than y.

    Source: Lin, Chen and Yan, Network in network, 2013, section 3.2.

    Example:
        >>> import numpy as np
        >>> from nnlite import GlobalAvgPool2D
        >>> x = np.arange(10.0, dtype="float32").reshape(1, 1, 5, 2)
        >>> layer = GlobalAvgPool2D()
        >>> layer.forward(x).tolist()
        [[4.0, 5.0]]
        >>> print(layer.explain((28, 28, 8)))
        GlobalAvgPool2D()
          output   (8,): one number of each channel's H * W = 28 * 28 = 784 pixels
          parameters   none
    """

    def __init__(self, *, keepdims: bool = False, **options: Unpack[Options]) -> None:
        super().__init__(**options)
        self._keep_axes(keepdims)

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        x, y, geometry = self._windows(x)
        backend().pool2d.average_forward(x, y, *geometry, False)
        self._keep(x.shape, y.shape, geometry)
        return self._shown(y)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        x_shape, y_shape, geometry = self._kept()
        dx = empty(x_shape, self.dtype)
        backend().pool2d.average_backward(self._dy(dy, y_shape), dx, *geometry, False)
        return dx
