"""Dense: a fully connected layer."""

from collections.abc import Callable
from typing import Any, Unpack

import numpy as np

from .. import checks
from ..initializers import Initializer
from ..kernels import backend, of_dtype
from .base.layer import Layer, Options, Shape


class Dense(Layer):
    """A fully connected layer: each output is a weighted sum of all inputs.

        y = x W + b

    Letters: N batch, F features, U units. x is (N, F), or (N, T, F) with the same weights at every time step, or
    any other number of leading axes.

    Args:
        units: U.
        kernel_initializer: of W, by default "glorot_uniform"; a name, or a function of (shape, rng). A function is not
            saved in the configuration: a layer made from it uses the default.
        dtype, seed, name: as in `Layer`.

    Parameters: W (F, U), b (U).

    Raises:
        TypeError, ValueError: x is not an array of the layer's dtype with F in its last axis.

    Example:
        >>> import numpy as np
        >>> from nnlite import Dense
        >>> layer = Dense(3, seed=0)
        >>> layer.forward(np.ones((2, 4), "float32")).shape
        (2, 3)
        >>> print(layer.explain((4,)))
        Dense(units=3)
          output   (3,): the last axis becomes units = 3
          parameters   F * units + units = 4 * 3 + 3 = 15
    """

    def __init__(
        self, units: int, *, kernel_initializer: Initializer = "glorot_uniform", **options: Unpack[Options]
    ) -> None:
        super().__init__(**options)
        self.units = checks.positive("units", units)
        self.kernel_initializer = kernel_initializer

    def build(self, input_shape: Shape) -> None:
        self.output_shape(input_shape)
        F = input_shape[-1]
        self._add_param("W", (F, self.units), self.kernel_initializer)
        self._add_param("b", (self.units,), "zeros")
        self.built = True

    def output_shape(self, input_shape: Shape) -> tuple:
        if not input_shape:
            raise ValueError("Dense: expected input_shape (..., F), got (): the batch axis is not part of it")
        return (*input_shape[:-1], self.units)

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        F, U = self._shapes["W"] if self.built else (None, self.units)
        x = checks.floats("x", x, self.dtype, (..., F), "(N, ..., F)")
        checks.memory("Dense: y", (*x.shape[:-1], U), self.dtype)
        self._ensure_built(x)
        W, b = self._arrays("params", "W", "b")
        y = np.empty((*x.shape[:-1], U), self.dtype)
        of_dtype(backend().dense.forward, self.dtype)(x.reshape(-1, len(W)), W, b, y.reshape(-1, U))
        self._keep(x)
        return y

    def backward(self, dy: np.ndarray, needs_dx: bool = True) -> np.ndarray | None:
        (x,) = self._kept()
        W, _ = self._arrays("params", "W", "b")
        dW, db = self._arrays("grads", "W", "b")
        F, U = W.shape
        dy = checks.floats("dy", dy, self.dtype, (*x.shape[:-1], U), "of y").reshape(-1, U)
        dx = np.empty((len(dy), F), self.dtype) if needs_dx else None
        of_dtype(backend().dense.backward, self.dtype)(x.reshape(-1, F), W, dy, dx, dW, db)
        return None if dx is None else dx.reshape(x.shape)

    def stepper(self, N: int) -> Callable[[np.ndarray], np.ndarray]:
        if not self.built:
            return self.step
        W, b = self._arrays("params", "W", "b")
        forward = of_dtype(backend().dense.forward, self.dtype)
        y, shape = np.empty((N, len(b)), self.dtype), (N, len(W))
        checked: Any = None  # the layer before hands over the same array at every step

        def step(x):
            nonlocal checked
            if x is not checked or x.shape != shape:
                if not checks.fits(x, self.dtype, shape):
                    return self.step(x)
                checked = x
            forward(x, W, b, y)
            return y

        return step

    def _shape_rule(self, input_shape):
        return f"the last axis becomes units = {self.units}"

    def _parameter_rule(self, input_shape):
        F, U = input_shape[-1], self.units
        if F is None:
            return f"F * units + units = F * {U} + {U}, with F of the first input"
        return f"F * units + units = {F} * {U} + {U} = {F * U + U}"
