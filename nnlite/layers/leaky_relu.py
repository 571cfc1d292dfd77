"""LeakyReLU: a ReLU with a slope for negative numbers."""

import math
from typing import Unpack

import numpy as np

from .. import checks
from ..kernels import backend
from .base.activation import Activation
from .base.layer import Options


class LeakyReLU(Activation):
    """A rectified linear unit with a small slope for negative numbers.

        y = x where x >= 0, else a x
        dx = dy where x > 0, else a dy

    Where ReLU has the slope 0, a unit that is negative for every example stops learning; here the slope is a.
    At x = 0, where the function is not differentiable, the slope is taken as a. NaN stays NaN.

    Letters: x, y (N, ...): any shape; a is negative_slope.

    Args:
        negative_slope: a, at least 0; 0 is ReLU. (Below 0 the function would not rise on the left, and from y alone
            backward could not tell on which side x was.)
        dtype, seed, name, trainable, input_shape: as in `Layer`.

    Raises:
        TypeError: x or dy is not an array of the layer's dtype; negative_slope is not a number.
        ValueError: negative_slope is below 0 or infinite; x has no axis, or dy has another shape than y.

    Source: Maas, Hannun and Ng, Rectifier nonlinearities improve neural network acoustic models, 2013.

    Example:
        >>> import numpy as np
        >>> from nnlite import LeakyReLU
        >>> layer = LeakyReLU(0.1, dtype="float64")
        >>> layer.forward(np.array([[-2.0, 0.0, 3.0]]))
        array([[-0.2,  0. ,  3. ]])
        >>> layer.backward(np.ones((1, 3)))
        array([[0.1, 0.1, 1. ]])
    """

    def __init__(self, negative_slope: float = 0.3, **options: Unpack[Options]) -> None:
        super().__init__(**options)
        self.negative_slope = checks.between("negative_slope", negative_slope, 0, math.inf, closed=False)

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        x, y = self._checked(x)
        backend().activation.leaky_relu_forward(x.reshape(-1), y.reshape(-1), self.negative_slope)
        self._keep(y)
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        y, dy, dx = self._checked_gradient(dy)
        backend().activation.leaky_relu_backward(y.reshape(-1), dy.reshape(-1), dx.reshape(-1), self.negative_slope)
        return dx
