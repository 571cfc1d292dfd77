"""Tanh: the hyperbolic tangent."""

import numpy as np

from ..kernels import backend
from .base.activation import Activation


class Tanh(Activation):
    """The hyperbolic tangent of every number.

        y = tanh(x)                 between -1 and 1, and 0 at 0
        dx = dy (1 - y^2)           the slope is 1 at 0, and vanishes where |x| is large

    Letters: x, y (N, ...): any shape.

    Args:
        dtype, seed, name, trainable, input_shape: as in `Layer`.

    Raises:
        TypeError: x or dy is not an array of the layer's dtype.
        ValueError: x has no axis, or dy has another shape than y.

    Example:
        >>> import numpy as np
        >>> from nnlite import Tanh
        >>> layer = Tanh(dtype="float64")
        >>> layer.forward(np.array([[-100.0, 0.0, 0.5]])).round(3)
        array([[-1.   ,  0.   ,  0.462]])
        >>> layer.backward(np.ones((1, 3))).round(3)
        array([[0.   , 1.   , 0.786]])
    """

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        x, y = self._checked(x)
        backend().activation.tanh_forward(x.reshape(-1), y.reshape(-1))
        self._keep(y)
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        y, dy, dx = self._checked_gradient(dy)
        backend().activation.tanh_backward(y.reshape(-1), dy.reshape(-1), dx.reshape(-1))
        return dx
