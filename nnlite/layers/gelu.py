"""GELU: a smooth ReLU."""

from typing import Unpack

import numpy as np

from .. import checks
from ..kernels import backend
from .base.activation import Activation
from .base.layer import Options


class GELU(Activation):
    """The Gaussian error linear unit: each number times the probability that a standard normal one is smaller.

        y = x Phi(x)                            Phi(x) = (1 + erf(x / sqrt 2)) / 2
        dx = dy (Phi(x) + x phi(x))             phi(x) = e^(-x^2/2) / sqrt(2 pi), the derivative of Phi

    On the right y is near x, on the left near 0, with a minimum of -0.17 at x = -0.75 in between. Also where Phi(x) is
    tiny, y has (nearly) all digits of its dtype; where it is below the smallest normal number, left of -12.9 in float32
    and of -37.5 in float64, y is -0 (PyTorch's is left of -5.5). At infinity y is infinity; NaN stays NaN.

    Letters: x, y (N, ...): any shape.

    Args:
        approximate: True for y = x (1 + tanh u) / 2 with u = sqrt(2/pi) (x + 0.044715 x^3), which differs from x Phi(x)
            by less than 0.0005. Weights that were trained with it want it again. PyTorch's "tanh" is taken for it, and
            its "none" for False.
        dtype, seed, name, trainable, input_shape: as in `Layer`.

    Raises:
        TypeError: x or dy is not an array of the layer's dtype.
        ValueError: x has no axis, or dy has another shape than y.

    Source: Hendrycks and Gimpel, Gaussian error linear units, 2016.

    Example:
        >>> import numpy as np
        >>> from nnlite import GELU
        >>> layer = GELU(dtype="float64")
        >>> layer.forward(np.array([[-2.0, 0.0, 3.0]])).round(3)
        array([[-0.046,  0.   ,  2.996]])
        >>> layer.backward(np.ones((1, 3))).round(3)
        array([[-0.085,  0.5  ,  1.012]])
    """

    def __init__(self, approximate: bool | str = False, **options: Unpack[Options]) -> None:
        super().__init__(**options)
        if approximate in ("none", "tanh"):  # as PyTorch spells it
            approximate = approximate == "tanh"
        self.approximate = checks.boolean("approximate", approximate)

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        x, y = self._checked(x)
        kernel = backend().activation.gelu_tanh_forward if self.approximate else backend().activation.gelu_forward
        kernel(x.reshape(-1), y.reshape(-1))
        self._keep(x)
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        x, dy, dx = self._checked_gradient(dy)
        kernel = backend().activation.gelu_tanh_backward if self.approximate else backend().activation.gelu_backward
        kernel(x.reshape(-1), dy.reshape(-1), dx.reshape(-1))
        return dx
