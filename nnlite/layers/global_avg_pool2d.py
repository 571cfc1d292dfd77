"""GlobalAvgPool2D: of each channel, the mean."""

from .global_pool2d import GlobalPool2D
from .pooling import Mean


class GlobalAvgPool2D(Mean, GlobalPool2D):
    """Global average pooling: of each channel, the mean over the image remains.

        y[n,c] = sum of x[n,h,w,c] over all pixels h, w, divided by H W
        dx[n,h,w,c] = dy[n,c] / (H W)

    Before the last layer of a network it takes the place of Flatten: that layer then has C inputs instead of H W C, and
    the image may have any size.

    Letters: N batch, H W height and width, C channels. x (N, H, W, C), y (N, C), or (N, 1, 1, C) with keepdims.

    Args:
        keepdims: whether y keeps the axes of height and width, with size 1.
        dtype, seed, name: as in `Layer`.

    Raises:
        TypeError: x or dy is not an array of the layer's dtype; keepdims is not True or False.
        ValueError: x is not (N, H, W, C) with at least one pixel, or dy not of the shape of y.

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
