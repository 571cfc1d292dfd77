"""ZeroPadding2D: zeros around an image."""

from typing import Any, Unpack

import numpy as np

from .. import checks
from .base import sliding_window
from .base.layer import Layer, Options, Shape

EXPECTED = "a whole number, (height, width) or ((top, bottom), (left, right))"


class ZeroPadding2D(Layer):
    """Puts rows and columns of zeros around each image.

        y[n, top + h, left + w, c] = x[n, h, w, c], and 0 in the frame
        dx is the part of dy inside of the frame

    `Conv2D` and the pools can pad by themselves; as a layer of its own, the padded image can be inspected.

    Letters: N batch, H height, W width, C channels. x is (N, H, W, C), y is (N, top + H + bottom, left + W + right, C).

    Args:
        padding: a whole number for all four sides, (height, width), or ((top, bottom), (left, right)).
        dtype, seed, name, trainable, input_shape: as in `Layer`.

    Raises:
        TypeError: x or dy is not an array of the layer's dtype.
        ValueError: x is not of four axes, dy has another shape than y, or padding is none of these.

    Example:
        >>> import numpy as np
        >>> from nnlite import ZeroPadding2D
        >>> layer = ZeroPadding2D(((1, 0), (2, 1)))
        >>> layer.forward(np.ones((1, 1, 2, 1), "float32"))[0, :, :, 0]
        array([[0., 0., 0., 0., 0.],
               [0., 0., 1., 1., 0.]], dtype=float32)
        >>> print(ZeroPadding2D(2).explain((28, 28, 1)))
        ZeroPadding2D(padding=2)
          output   (32, 32, 1): H_out = top + H + bottom = 2 + 28 + 2 = 32; W_out = left + W + right = 2 + 28 + 2 = 32
          parameters   none
    """

    def __init__(self, padding: Any = 1, **options: Unpack[Options]) -> None:
        super().__init__(**options)
        self.padding = sliding_window.sides("padding", padding, EXPECTED)

    def output_shape(self, input_shape: Shape) -> tuple:
        H, W, C = sliding_window.image_shape("ZeroPadding2D", input_shape)
        sides = zip((H, W), self.padding, strict=True)
        return *(None if size is None else before + size + after for size, (before, after) in sides), C

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        x = checks.floats("x", x, self.dtype, (None,) * 4, "(N, H, W, C)")
        shape = len(x), *self.output_shape(x.shape[1:])
        checks.memory("ZeroPadding2D: y", shape, self.dtype)
        y = np.zeros(shape, self.dtype)
        self._inside(y)[...] = x
        self._keep(shape)
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return self._inside(checks.floats("dy", dy, self.dtype, self._kept()[0], "of y")).copy()

    def _inside(self, y):
        """The part of y inside of the frame, as a view."""
        (top, bottom), (left, right) = self.padding
        return y[:, top : y.shape[1] - bottom, left : y.shape[2] - right]

    def _shape_rule(self, input_shape):
        sides = zip("HW", ("top", "left"), ("bottom", "right"), input_shape, self.padding, strict=False)
        rules = []
        for letter, first, last, size, (before, after) in sides:
            rule = f"{letter}_out = {first} + {letter} + {last} = {before} + {size or letter} + {after}"
            rules.append(f"{rule} = {before + size + after}" if size else rule)
        return "; ".join(rules)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "padding": sliding_window.short(self.padding)}
