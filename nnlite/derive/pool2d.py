"""What the derivations of MaxPool2D and AvgPool2D share: which pixels of the image a window holds."""

import numpy as np

from .written import Quantity


class Windows:
    """The windows of a pool on an image.

    Args:
        layer: the pool.
        x: the image, an array.

    Attributes:
        x: it, as a `Quantity`.
        y_shape: how many windows there are, as the shape of y.
    """

    def __init__(self, layer, x):
        window = layer.window
        self.size, self.strides = window.size, window.strides
        margin = window.pads(*x.shape[1:3])
        self.before = margin[0], margin[2]
        self.x = Quantity("x", x, axes=(1, 2), margin=margin)
        self.y_shape = len(x), *window.output_size(*x.shape[1:3]), x.shape[3]

    def places(self, h, w):
        """The pixels (r, s) of window (h, w), in the padding, too; a list for each of its rows."""
        top, left = (S * k - P for k, S, P in zip((h, w), self.strides, self.before, strict=True))
        return [[(top + i, left + j) for j in range(self.size[1])] for i in range(self.size[0])]

    def pixels(self, h, w):
        """Those that lie on the image."""
        H, W = self.x.shape[1:3]
        rows = [[(r, s) for r, s in row if 0 <= r < H and 0 <= s < W] for row in self.places(h, w)]
        return [row for row in rows if row]

    def seeing(self, r, s):
        """The windows (h, w) that hold a pixel."""
        return [(h, w) for h, w in np.ndindex(self.y_shape[1:3]) if any((r, s) in row for row in self.pixels(h, w))]
