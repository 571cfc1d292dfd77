"""AvgPool2D: the mean of each window."""

from typing import Any, Unpack

import numpy as np

from .. import checks
from ..kernels import backend, empty
from .base.layer import Options
from .base.pooling import Pooling


class AvgPool2D(Pooling):
    """Average pooling: the mean of each channel over each window.

        y[n,i,j,c] = sum of x[n,h,w,c] over the k pixels h, w of window i, j, divided by k
        dx[n,h,w,c] = sum of dy[n,i,j,c] / k over the windows i, j with the pixel h, w, each with its k

    Letters: N batch, H W height and width, C channels. x (N, H, W, C), y (N, H_out, W_out, C); with a window of F,
    stride S and padding P

        W_out = (W - F + 2P)/S + 1, rounded down: what is left over at the right and the bottom is not read

    Args:
        pool_size: F: a whole number, or (height, width).
        strides: S: the same; by default the pool_size, so that windows lie side by side.
        padding: "valid": none. "same": so much that H_out = H/S, rounded up, as in Keras. Or P: a whole number,
            (height, width), or ((top, bottom), (left, right)).
        count_include_pad: whether padding counts, as pixels of 0. If not, as in Keras, the sum of a window at a border
            is divided by the number of pixels that it has of the image.
        dtype, seed, name, trainable, input_shape: as in `Layer`.

    Raises:
        TypeError: x or dy is not an array of the layer's dtype; count_include_pad is not True or False.
        ValueError: an argument is none of these; the window does not fit on the image, or one would lie wholly in the
            padding; x is not (N, H, W, C), or dy has another shape than y.

    Source: LeCun, Bottou, Bengio and Haffner, Gradient-based learning applied to document recognition, 1998.

    Example: in which corner the block lies, the means tell.
        >>> import numpy as np
        >>> from nnlite import AvgPool2D
        >>> x = np.zeros((2, 4, 4, 1), "float32")
        >>> x[0, :3, :3] = 1  # a block in the corner at the top left
        >>> x[1, :3, 1:] = 1  # and at the top right
        >>> layer = AvgPool2D(2)
        >>> layer.forward(x)[..., 0].tolist()
        [[[1.0, 0.5], [0.5, 0.25]], [[0.5, 1.0], [0.25, 0.5]]]
        >>> print(layer.explain((4, 5, 1)))
        AvgPool2D()
          output   (2, 2, 1): H_out = (H - F + 2P)/S + 1 = (4 - 2 + 2*0)/2 + 1 = 2; \
W_out = (W - F + 2P)/S + 1 = (5 - 2 + 2*0)/2 + 1 = 2.5, rounded down to 2
          parameters   none
    """

    def __init__(
        self,
        pool_size: Any = 2,
        strides: Any = None,
        padding: Any = "valid",
        *,
        count_include_pad: bool = False,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(**options)
        self._slide(pool_size, strides, padding)
        self.count_include_pad = checks.boolean("count_include_pad", count_include_pad)

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        x, y, geometry = self._windows(x)
        backend().pool2d.average_forward(x, y, *geometry, self.count_include_pad)
        self._keep(x.shape, y.shape, geometry)
        return self._shown(y)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        x_shape, y_shape, geometry = self._kept()
        dx = empty(x_shape, self.dtype)
        backend().pool2d.average_backward(self._dy(dy, y_shape), dx, *geometry, self.count_include_pad)
        return dx
