"""What Flatten and Reshape share: the same numbers, in the same order, under another shape."""

import math

import numpy as np

from .. import checks
from ..layer import Layer, Shape


class View(Layer):
    """Base of the layers that change nothing but the shape: a subclass defines `output_shape`.

    No number is moved: y is a view of x, and dx of dy. Layers never write to what they are given, so this is safe as
    long as the caller keeps to what `Layer.kept` asks, and leaves x and y as they are until `backward` has run.
    """

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        x = checks.floats("x", x, self.dtype, (...,), "(N, ...)")
        y = x.reshape(len(x), *self.output_shape(x.shape[1:]))
        self._keep(x.shape, y.shape)
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        x_shape, y_shape = self._kept()
        return checks.floats("dy", dy, self.dtype, y_shape, "of y").reshape(x_shape)

    @staticmethod
    def _count(shape: Shape) -> int | None:
        """How many numbers one example of this shape holds; None where a size varies."""
        return None if None in shape else math.prod(shape)
