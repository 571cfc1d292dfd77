"""Sliding windows: which pixels each window sees, and which windows see a pixel."""

import itertools

import numpy as np

from ...layers import Conv2D
from ...layers.base.pooling import Pooling
from ..engine import Quantity

Pixel = tuple[int, int]


class Windows:
    """The windows of a layer on an image x."""

    def __init__(self, layer: Conv2D | Pooling, x: np.ndarray) -> None:
        window = layer.window
        assert window is not None  # no global pooling
        self.size, self.strides, self.dilation = window.size, window.strides, window.dilation
        margin = window.pads(*x.shape[1:3])
        self.before = margin[0], margin[2]  # the padding at the top and at the left
        self.x = Quantity("x", x, axes=(1, 2), margin=margin)
        # How many there are, as (height, width); no size is None here.
        self.count: tuple[int, ...] = tuple(n or 0 for n in window.output_size(*x.shape[1:3]))

    def pixel(self, h: int, w: int, i: int, j: int) -> Pixel:
        """The pixel (r, s) under tap (i, j) of window (h, w), which may be in the padding."""
        r, s = (S * h - P for S, h, P in zip(self.strides, (h, w), self.before, strict=True))
        return r + self.dilation[0] * i, s + self.dilation[1] * j

    def places(self, h: int, w: int) -> list[Pixel]:
        """All pixels of window (h, w)."""
        return [self.pixel(h, w, i, j) for i, j in np.ndindex(self.size)]

    def pixels(self, h: int, w: int) -> list[Pixel]:
        """Those inside the image."""
        H, W = self.x.shape[1:3]
        return [(r, s) for r, s in self.places(h, w) if 0 <= r < H and 0 <= s < W]

    def seeing(self, r: int, s: int) -> list[tuple[int, int, int, int]]:
        """Every (h, w, i, j) whose window sees the pixel."""
        found: tuple[list[Pixel], list[Pixel]] = [], []
        for axis, pixel in enumerate((r, s)):
            for i in range(self.size[axis]):
                h, between = divmod(pixel + self.before[axis] - self.dilation[axis] * i, self.strides[axis])
                if not between and 0 <= h < self.count[axis]:
                    found[axis].append((h, i))
        return sorted((h, w, i, j) for (h, i), (w, j) in itertools.product(*found))
