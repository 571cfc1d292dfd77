"""Sigmoid: the logistic function."""

import numpy as np

from ..kernels import backend
from .base.activation import Activation


class Sigmoid(Activation):
    """The logistic function of every number, as in gates.

        y = 1 / (1 + e^-x)          between 0 and 1, and 1/2 at 0
        dx = dy y (1 - y)           the slope is 1/4 at 0, its largest, and vanishes where |x| is large

    Letters: x, y (N, ...): any shape.

    Args:
        dtype, seed, name, trainable, input_shape: as in `Layer`.

    Raises:
        TypeError: x or dy is not an array of the layer's dtype.
        ValueError: x has no axis, or dy has another shape than y.

    Example:
        >>> import numpy as np
        >>> from nnlite import Sigmoid
        >>> layer = Sigmoid(dtype="float64")
        >>> layer.forward(np.array([[-100.0, 0.0, 2.0]])).round(3)
        array([[0.   , 0.5  , 0.881]])
        >>> layer.backward(np.ones((1, 3))).round(3)
        array([[0.   , 0.25 , 0.105]])
    """

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        x, y = self._checked(x)
        backend().activation.sigmoid_forward(x.reshape(-1), y.reshape(-1))
        self._keep(y)
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        y, dy, dx = self._checked_gradient(dy)
        backend().activation.sigmoid_backward(y.reshape(-1), dy.reshape(-1), dx.reshape(-1))
        return dx
