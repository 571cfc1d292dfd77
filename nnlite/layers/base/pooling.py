"""Where the windows of the four pooling layers stand on an image."""

from typing import Any

import numpy as np

from ... import checks
from ...kernels import empty
from .layer import Layer, Shape
from .sliding_window import Window2D, image_shape, pair


class Pooling(Layer):
    """Base of the pooling layers: what a layer takes of each window is its own.

    `window` slides over the image. Where it is None, the window is the image itself, and `keepdims` says whether y
    keeps the axes of height and width, with size 1.
    """

    window: Window2D | None = None
    keepdims = True
    _has_none = True

    def _slide(self, pool_size, strides, padding):
        size = pair("pool_size", pool_size)
        self.window = Window2D(type(self).__name__, size, size if strides is None else strides, padding)

    def _keep_axes(self, keepdims):
        self.keepdims = checks.boolean("keepdims", keepdims)

    def build(self, input_shape: Shape) -> None:
        self.output_shape(input_shape)
        super().build(input_shape)

    def output_shape(self, input_shape: Shape) -> tuple:
        H, W, C = image_shape(type(self).__name__, input_shape)
        if self.window is None:
            if H == 0 or W == 0:
                raise ValueError(f"{type(self).__name__}: expected an image of at least 1 pixel, got H = {H}, W = {W}")
            return (1, 1, C) if self.keepdims else (C,)
        OH, OW = self.window.output_size(H, W, C)
        self.window.refuse_padding_alone(H, W)
        return OH, OW, C

    def _windows(self, x):
        """x checked; for the kernels y as (N, OH, OW, C), and the windows as (kh, kw, sh, sw, top, left)."""
        x = checks.floats("x", x, self.dtype, (None, None, None, None), "(N, H, W, C)")
        self._ensure_built(x)
        N, H, W, C = x.shape
        self.output_shape((H, W, C))
        if self.window is None:
            return x, self._empty("y", N, 1, 1, C), (H, W, H, W, 0, 0)
        top, _, left, _ = self.window.pads(H, W)
        y = self._empty("y", N, *self.window.output_size(H, W), C)
        return x, y, (*self.window.size, *self.window.strides, top, left)

    def _shown(self, y):
        """y (N, OH, OW, C) as the layer returns it."""
        return y if self.keepdims else y[:, 0, 0]

    def _dy(self, dy, y_shape):
        """dy checked, as (N, OH, OW, C)."""
        shape = y_shape if self.keepdims else (y_shape[0], y_shape[3])
        return checks.floats("dy", dy, self.dtype, shape, "of y").reshape(y_shape)

    def _shape_rule(self, input_shape):
        H, W = input_shape[:2]
        if self.window is not None:
            return self.window.rule(H, W)
        pixels = "H * W" if None in (H, W) else f"H * W = {H} * {W} = {H * W}"
        return f"one number of each channel's {pixels} pixels"

    def get_config(self) -> dict[str, Any]:
        if self.window is None:
            return super().get_config()
        window = self.window.config("pool_size")
        del window["dilation_rate"]
        window["strides"] = None if window["strides"] == window["pool_size"] else window["strides"]
        return {**super().get_config(), **window}


def where_it_was(y: np.ndarray, geometry: tuple[int, ...], owner: str) -> np.ndarray:
    """Room for the place in its window, a number, of each largest number in y."""
    kh, kw = geometry[:2]
    if kh * kw >= 2**31:
        raise ValueError(f"{owner}: expected windows of less than 2**31 pixels, got {kh} * {kw}")
    return empty(y.shape, np.dtype(np.int32))
