"""What Tanh, Sigmoid, ReLU, LeakyReLU and GELU share: a function of one number, applied to every number of an array."""

import numpy as np

from .. import checks
from ..kernels import backend
from ..layer import Layer


class Activation(Layer):
    """Base of the activation layers: y = f(x) number by number, dx = dy f'(x).

    A subclass names its two functions in `nnlite.kernels.activation`. The second reads y; where f' cannot be written
    with y, it reads x. Both get the `_arguments` last.
    """

    _forward = _backward = ""
    _backward_reads_x = False
    _arguments: tuple[float, ...] = ()

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        x = checks.floats("x", x, self.dtype, (...,), "(N, ...)")
        y = np.empty_like(x)
        getattr(backend.activation, self._forward)(x.reshape(-1), y.reshape(-1), *self._arguments)
        self._keep(x if self._backward_reads_x else y)
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        (kept,) = self._kept()
        dy = checks.floats("dy", dy, self.dtype, kept.shape, "of y")
        dx = np.empty_like(kept)
        arrays = kept.reshape(-1), dy.reshape(-1), dx.reshape(-1)
        getattr(backend.activation, self._backward)(*arrays, *self._arguments)
        return dx
