"""Windows on an image: which pixels each of them sees, and which of them see a pixel."""

import itertools

from ..engine.expression import Quantity


class Windows:
    """The windows of a layer on an image.

    Args:
        layer: with a `window`.
        x: the image, an array.

    Attributes:
        x: it, as a `Quantity`.
        size, strides, dilation, before: of the window; the last is the padding at the top and at the left.
        count: how many windows there are, as (height, width).
    """

    def __init__(self, layer, x):
        window = layer.window
        self.size, self.strides, self.dilation = window.size, window.strides, window.dilation
        margin = window.pads(*x.shape[1:3])
        self.before = margin[0], margin[2]
        self.x = Quantity("x", x, axes=(1, 2), margin=margin)
        self.count = window.output_size(*x.shape[1:3])

    def pixel(self, h, w, i, j):
        """The pixel (r, s) that window (h, w) sees at its (i, j), in the padding, too."""
        steps = zip((h, w), (i, j), self.strides, self.dilation, self.before, strict=True)
        return tuple(S * h + D * i - P for h, i, S, D, P in steps)

    def places(self, h, w):
        """All pixels of window (h, w); a list for each of its rows."""
        return [[self.pixel(h, w, i, j) for j in range(self.size[1])] for i in range(self.size[0])]

    def pixels(self, h, w):
        """Those that lie on the image."""
        H, W = self.x.shape[1:3]
        rows = [[(r, s) for r, s in row if 0 <= r < H and 0 <= s < W] for row in self.places(h, w)]
        return [row for row in rows if row]

    def seeing(self, r, s):
        """Every (h, w, i, j) from where a pixel is seen."""
        found = [[], []]
        for axis, pixel in enumerate((r, s)):
            for i in range(self.size[axis]):
                h, between = divmod(pixel + self.before[axis] - self.dilation[axis] * i, self.strides[axis])
                if not between and 0 <= h < self.count[axis]:
                    found[axis].append((h, i))
        return sorted((h, w, i, j) for (h, i), (w, j) in itertools.product(*found))
