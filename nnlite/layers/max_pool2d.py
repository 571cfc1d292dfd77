"""MaxPool2D: the maximum of each window."""

from typing import Any, Unpack

import numpy as np

from ..kernels import backend, empty
from .base.layer import Options
from .base.pooling import Pooling, where_it_was


class MaxPool2D(Pooling):
    """Max pooling: the maximum of each channel over each window.

        y[n,i,j,c] = max of x[n,h,w,c] over the pixels h, w of window i, j
        dx[n,h,w,c] = sum of dy[n,i,j,c] over the windows i, j whose largest number is x[n,h,w,c]

    It tells whether a feature is present, not where in the window. Padding counts as -infinity, never the maximum.
    Of equal numbers the first, from left to right and from top to bottom, receives the gradient. A window
    with a NaN gives NaN, and the gradient goes to the last one.

    Letters: N batch, H W height and width, C channels. x (N, H, W, C), y (N, H_out, W_out, C); with a window of F,
    stride S and padding P

        W_out = (W - F + 2P)/S + 1, rounded down: what is left over at the right and the bottom is not read

    Args:
        pool_size: F: a whole number, or (height, width).
        strides: S: the same; by default the pool_size, so that windows lie side by side.
        padding: "valid": none. "same": so much that H_out = H/S, rounded up, as in Keras. Or P: a whole number,
            (height, width), or ((top, bottom), (left, right)).
        dtype, seed, name, trainable, input_shape: as in `Layer`.

    Raises:
        TypeError: x or dy is not an array of the layer's dtype.
        ValueError: an argument is none of these; the window does not fit on the image, or one would lie wholly in the
            padding; x is not (N, H, W, C), or dy has another shape than y.

    Source: Zhou and Chellappa, Computation of optical flow using a neural network, 1988; Goodfellow, Bengio and
    Courville, Deep Learning, 2016, section 9.3.

    Example: in which corner the block lies, the maximum does not see.
        >>> import numpy as np
        >>> from nnlite import MaxPool2D
        >>> x = np.zeros((2, 4, 4, 1), "float32")
        >>> x[0, :3, :3] = 1  # a block in the corner at the top left
        >>> x[1, :3, 1:] = 1  # and at the top right
        >>> layer = MaxPool2D(2)
        >>> layer.forward(x)[..., 0].tolist()
        [[[1.0, 1.0], [1.0, 1.0]], [[1.0, 1.0], [1.0, 1.0]]]
        >>> print(layer.explain((4, 4, 1)))
        MaxPool2D()
          output   (2, 2, 1): H_out = W_out = (W - F + 2P)/S + 1 = (4 - 2 + 2*0)/2 + 1 = 2
          parameters   none
    """

    def __init__(
        self, pool_size: Any = 2, strides: Any = None, padding: Any = "valid", **options: Unpack[Options]
    ) -> None:
        super().__init__(**options)
        self._slide(pool_size, strides, padding)

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
