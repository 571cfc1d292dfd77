"""Softmax: probabilities from logits."""

import numpy as np

from .. import checks
from ..kernels import backend, empty
from .base.layer import Layer, Shape


class Softmax(Layer):
    """The probabilities that V scores (logits) stand for.

        y_v = e^x_v / sum over w of e^x_w               all above 0, and 1 together
        dx_v = y_v (dy_v - sum over w of dy_w y_w)      raising one score lowers the other probabilities

    Only differences of scores count, so the largest is taken off first: e^1000 would be infinite.

    To train, a model may end in the scores themselves, with the loss `SparseCategoricalCrossentropy(from_logits=True)`:
    the two together are faster, and exact also where a probability is too small for a float.

    Letters: x, y (N, ..., V): the last axis is that of the scores.

    Args:
        dtype, seed, name, trainable, input_shape: as in `Layer`.

    Raises:
        TypeError: x or dy is not an array of the layer's dtype.
        ValueError: x has no axis of scores, or dy has another shape than y.

    Example:
        >>> import numpy as np
        >>> from nnlite import Softmax
        >>> layer = Softmax(dtype="float64")
        >>> layer.forward(np.log([[1.0, 1.0, 2.0]]))
        array([[0.25, 0.25, 0.5 ]])
        >>> layer.backward(np.array([[1.0, 0.0, 0.0]]))
        array([[ 0.1875, -0.0625, -0.125 ]])
    """

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        x = checks.floats("x", x, self.dtype, (..., None), "(N, ..., V)")
        rows, y = x.reshape(-1, x.shape[-1] or 1), empty(x.shape, x.dtype)
        backend().softmax.forward(rows, y.reshape(rows.shape))
        self._keep(y)
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        (y,) = self._kept()
        dy = checks.floats("dy", dy, self.dtype, y.shape, "of y")
        rows, dx = y.reshape(-1, y.shape[-1] or 1), empty(y.shape, y.dtype)
        backend().softmax.backward(rows, dy.reshape(rows.shape), dx.reshape(rows.shape))
        return dx

    def output_shape(self, input_shape: Shape) -> tuple:
        if not input_shape:
            raise ValueError("Softmax: expected input_shape (..., V), got (): the batch axis is not part of it")
        return tuple(input_shape)

    def _shape_rule(self, input_shape):
        V = "V" if input_shape[-1] is None else input_shape[-1]
        return f"the shape of the input; each row of {V} numbers has the sum 1"
