"""LayerNorm: normalizes each position over its channels."""

from typing import Unpack

import numpy as np

from .. import checks
from ..kernels import backend, empty
from .base.layer import Layer, Options, Shape


class LayerNorm(Layer):
    """Normalizes each position over its channels, then applies a learned scale and shift to each channel.

        m = mean over c of x_c, v = mean over c of (x_c - m)^2    of each position of each example
        y_c = gamma_c (x_c - m) / sqrt(v + epsilon) + beta_c

    Unlike `BatchNorm`, it treats each example by itself: training and inference are the same, for any batch size. It
    suits sequences. Where values of a position differ by more than about 1e18, their squares overflow in float32: y is
    beta then, as PyTorch's is, or NaN.

    Letters: N batch, C channels; x and y are (N, ..., C): any number of leading axes.

    Args:
        epsilon: keeps the root above 0 where all values of a position are equal.
        dtype, seed, name, trainable, input_shape: as in `Layer`.

    Parameters: gamma (C), initially 1; beta (C), initially 0.

    Raises:
        TypeError, ValueError: x is not an array of the layer's dtype with C in its last axis.

    Source: Ba, Kiros and Hinton, Layer normalization, 2016.

    Example:
        >>> import numpy as np
        >>> from nnlite import LayerNorm
        >>> layer = LayerNorm(dtype="float64")
        >>> layer.forward(np.array([[1.0, 3.0, 5.0], [7.0, 7.0, 7.0]])).round(3)
        array([[-1.225,  0.   ,  1.225],
               [ 0.   ,  0.   ,  0.   ]])
        >>> print(layer.explain((40, 200)))
        LayerNorm()
          output   (40, 200): the shape of the input; each row of 200 numbers normalised
          parameters   gamma and beta: 2 * C = 2 * 200 = 400
    """

    def __init__(self, *, epsilon: float = 1e-3, **options: Unpack[Options]) -> None:
        super().__init__(**options)
        self.epsilon = checks.above_zero("epsilon", epsilon)

    def build(self, input_shape: Shape) -> None:
        self.output_shape(input_shape)
        C = input_shape[-1]
        self._add_param("gamma", (C,), "ones")
        self._add_param("beta", (C,), "zeros")
        self.built = True

    def output_shape(self, input_shape: Shape) -> tuple:
        if not input_shape:
            raise ValueError("LayerNorm: expected input_shape (..., C), got (): the batch axis is not part of it")
        return tuple(input_shape)

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        C = self._shapes["gamma"][0] if self.built else None
        x = checks.floats("x", x, self.dtype, (..., C), "(N, ..., C)")
        self._ensure_built(x)
        gamma, beta = self._arrays("params", "gamma", "beta")
        rows, y = x.reshape(-1, len(gamma)), empty(x.shape, x.dtype)
        backend().norm.layer_forward(rows, gamma, beta, y.reshape(rows.shape), self.epsilon)
        self._keep(x)
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        (x,) = self._kept()
        dy = checks.floats("dy", dy, self.dtype, x.shape, "of y")
        (gamma,), (dgamma, dbeta) = self._arrays("params", "gamma"), self._arrays("grads", "gamma", "beta")
        rows, dx = x.reshape(-1, len(gamma)), empty(x.shape, x.dtype)
        work = self._buffer("work", backend().norm.layer_work_size(*rows.shape))
        dy, dx_rows = dy.reshape(rows.shape), dx.reshape(rows.shape)
        backend().norm.layer_backward(rows, gamma, dy, dx_rows, dgamma, dbeta, work, self.epsilon)
        return dx

    def _shape_rule(self, input_shape):
        C = "C" if input_shape[-1] is None else input_shape[-1]
        return f"the shape of the input; each row of {C} numbers normalised"

    def _parameter_rule(self, input_shape):
        C = input_shape[-1]
        return "gamma and beta: 2 * " + ("C, with C of the first input" if C is None else f"C = 2 * {C} = {2 * C}")
