"""Dense: a fully connected layer."""

from collections.abc import Callable
from typing import Unpack

import numpy as np

from .. import checks
from ..kernels import backend, empty, of_dtype
from .base.layer import Layer, Shape
from .base.weighted import Weighted, WeightOptions, size


class Dense(Weighted):
    """A fully connected layer: each output is a weighted sum of all inputs.

        y = x W + b

    With an activation f, y = f(x W + b): the same as the layer of f after this one.

    Letters: N batch, F features, U units. x is (N, F), or (N, T, F) with the same weights at every time step, or
    any other number of leading axes.

    Args:
        units: U.
        activation: f: a name, such as "relu", or a layer, such as LeakyReLU(0.1); by default none.
        use_bias: add b.
        kernel_initializer, bias_initializer: of W and b: a name of `nnlite.initializers`, or a function of (shape,
            rng). A function is not saved in the configuration: a layer made from it uses the default.
        kernel_regularizer, bias_regularizer: a price on W or b, which is added to the loss: "l1", "l2", or such as
            `regularizers.L2(0.001)`.
        dtype, seed, name, trainable, input_shape: as in `Layer`.

    Parameters: W (F, U), b (U).

    Raises:
        TypeError, ValueError: x is no array of numbers with F in its last axis, or an argument is none of these.

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
        self, units: int, activation: str | Layer | None = None, use_bias: bool = True, **options: Unpack[WeightOptions]
    ) -> None:
        super().__init__(activation, use_bias, **options)
        self.units = checks.positive("units", units)

    units = size("units", "U. It cannot be set any more when the layer is built.")

    def build(self, input_shape: Shape) -> None:
        self.output_shape(input_shape)
        self._add_weights(input_shape[-1], self.units)
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
        (W, b), y = self._arrays("params", "W", "b"), empty((*x.shape[:-1], U), self.dtype)
        of_dtype(backend().dense.forward, self.dtype)(x.reshape(-1, len(W)), W, b, y.reshape(-1, U))
        self._keep(x)
        return y if self.activation is None else self._activate(y, training)

    def backward(self, dy: np.ndarray, needs_dx: bool = True) -> np.ndarray | None:
        (x,), dy = self._kept(), dy if self.activation is None else self.activation.backward(dy)
        (W, _), (dW, db) = self._arrays("params", "W", "b"), self._gradients()
        F, U = W.shape
        dy = checks.floats("dy", dy, self.dtype, (*x.shape[:-1], U), "of y").reshape(-1, U)
        dx = empty((len(dy), F), self.dtype) if needs_dx else None
        of_dtype(backend().dense.backward, self.dtype)(x.reshape(-1, F), W, dy, dx, dW, db)
        return None if dx is None else dx.reshape(x.shape)

    def stepper(self, N: int) -> Callable[[np.ndarray], np.ndarray]:
        if not self.built:
            return self.step
        W, b = self._arrays("params", "W", "b")
        forward = of_dtype(backend().dense.forward, self.dtype)
        y, shape = empty((N, W.shape[1]), self.dtype), (N, len(W))

        def step(x):
            if not checks.fits(x, self.dtype, shape):
                return self.step(x)
            forward(x, W, b, y)
            return y if self.activation is None else self._activate(y)

        return step

    def _shape_rule(self, input_shape):
        return f"the last axis becomes units = {self.units}"

    def _parameter_rule(self, input_shape):
        F, U = input_shape[-1], self.units
        count = None if F is None else F * U
        return self._sum_rule("F * units", f"{'F' if F is None else F} * {U}", "units", count, "F")
