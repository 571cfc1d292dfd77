"""ReLU: the positive part."""

import numpy as np

from ..kernels import backend
from .base.activation import Activation


class ReLU(Activation):
    """The rectified linear unit: of every number, the positive part.

        y = max(x, 0)
        dx = dy where y > 0, else 0     the slope is 1 or 0: it does not shrink with a network's depth

    At x = 0, where the function is not differentiable, the slope is taken as 0. NaN stays NaN.

    Letters: x, y (N, ...): any shape.

    Args:
        dtype, seed, name, trainable, input_shape: as in `Layer`.

    Raises:
        TypeError: x or dy is not an array of the layer's dtype.
        ValueError: x has no axis, or dy has another shape than y.

    Source: Nair and Hinton, Rectified linear units improve restricted Boltzmann machines, 2010.

    Example:
        >>> import numpy as np
        >>> from nnlite import ReLU
        >>> layer = ReLU(dtype="float64")
        >>> layer.forward(np.array([[-2.0, 0.0, 3.0]]))
        array([[0., 0., 3.]])
        >>> layer.backward(np.ones((1, 3)))
        array([[0., 0., 1.]])
    """

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        x, y = self._checked(x)
        backend().activation.relu_forward(x.reshape(-1), y.reshape(-1))
        self._keep(y)
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        y, dy, dx = self._checked_gradient(dy)
        backend().activation.relu_backward(y.reshape(-1), dy.reshape(-1), dx.reshape(-1))
        return dx
