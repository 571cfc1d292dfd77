"""Flatten: merges all axes but the batch axis."""

import numpy as np

from .. import checks
from .base.layer import Layer, Shape


class Flatten(Layer):
    """Merges all axes but the first: images (N, H, W, C) become rows (N, H W C) that `Dense` can read.

        y[n, (h W + w) C + c] = x[n, h, w, c]           the order in which the numbers lie in memory

    Letters: N batch; x is (N, ...), y is (N, F), with F the product of all other sizes. y shares the memory of x.

    Args:
        dtype, seed, name, trainable, input_shape: as in `Layer`.

    Raises:
        TypeError: x or dy is not an array of the layer's dtype.
        ValueError: x has no axis, or dy has another shape than y.

    Example:
        >>> import numpy as np
        >>> from nnlite import Flatten
        >>> layer = Flatten()
        >>> layer.forward(np.arange(8, dtype="float32").reshape(2, 2, 2))
        array([[0., 1., 2., 3.],
               [4., 5., 6., 7.]], dtype=float32)
        >>> print(layer.explain((7, 7, 16)))
        Flatten()
          output   (784,): 7 * 7 * 16 = 784 numbers, in the order in which they lie in memory
          parameters   none
    """

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        x = checks.floats("x", x, self.dtype, (...,), "(N, ...)")
        y = x.reshape(len(x), *self.output_shape(x.shape[1:]))
        self._keep(x.shape, y.shape)
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        x_shape, y_shape = self._kept()
        return checks.floats("dy", dy, self.dtype, y_shape, "of y").reshape(x_shape)

    def output_shape(self, input_shape: Shape) -> tuple:
        return (checks.count(input_shape),)

    def _shape_rule(self, input_shape):
        count = checks.count(input_shape)
        if count is None:
            return "the product of all sizes but the batch's, one of which is left open here"
        sizes = " * ".join(map(str, input_shape)) or "1"
        total = f" = {count}" if len(input_shape) > 1 else ""
        return f"{sizes}{total} numbers, in the order in which they lie in memory"
