"""What Tanh, Sigmoid and ReLU share: a function of one number, applied to every number of an array."""

import numpy as np

from .. import checks
from ..kernels import backend
from ..layer import Layer


class Activation(Layer):
    """Base of the activation layers: y = f(x) number by number, dx = dy f'(x) with f' written in terms of y.

    A subclass names its two functions in `nnlite.kernels.activation`.
    """

    _forward = _backward = ""

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        x = checks.floats("x", x, self.dtype, (...,), "(N, ...)")
        y = np.empty_like(x)
        getattr(backend.activation, self._forward)(x.reshape(-1), y.reshape(-1))
        self.kept = y
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        y = self._kept()
        dy = checks.floats("dy", dy, self.dtype, y.shape, "of y")
        dx = np.empty_like(y)
        getattr(backend.activation, self._backward)(y.reshape(-1), dy.reshape(-1), dx.reshape(-1))
        return dx
