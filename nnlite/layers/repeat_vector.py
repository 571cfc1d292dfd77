"""RepeatVector: one vector becomes a sequence."""

from typing import Unpack

import numpy as np

from .. import checks
from .base.layer import Layer, Options, Shape


class RepeatVector(Layer):
    """Repeats each example's vector T times, as a sequence.

        y[n,t,f] = x[n,f]
        dx[n,f] = sum over t of dy[n,t,f]

    So the last state of one recurrent layer becomes the input of the next at every step.

    Letters: N batch, T time, F features. x is (N, F), y is (N, T, F).

    Args:
        n: T.
        dtype, seed, name, trainable, input_shape: as in `Layer`.

    Raises:
        TypeError: x or dy is no array of numbers.
        ValueError: x is not (N, F), dy has another shape than y, or n is not a whole number of at least 1.

    Example:
        >>> import numpy as np
        >>> from nnlite import RepeatVector
        >>> layer = RepeatVector(3)
        >>> layer.forward(np.array([[1, 2]]))
        array([[[1., 2.],
                [1., 2.],
                [1., 2.]]], dtype=float32)
        >>> print(layer.explain((200,)))
        RepeatVector(n=3)
          output   (3, 200): n = 3 times the same 200 numbers
          parameters   none
    """

    def __init__(self, n: int, **options: Unpack[Options]) -> None:
        super().__init__(**options)
        self.n = checks.positive("n", n)

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        x = checks.floats("x", x, self.dtype, (None, None), "(N, F)")
        N, F = x.shape
        checks.memory("RepeatVector: y", (N, self.n, F), self.dtype)
        self._keep((N, self.n, F))
        return np.repeat(x[:, None], self.n, axis=1)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        (shape,) = self._kept()
        return checks.floats("dy", dy, self.dtype, shape, "of y").sum(axis=1)

    def output_shape(self, input_shape: Shape) -> tuple:
        if len(input_shape) != 1:
            raise ValueError(f"RepeatVector: expected input_shape (F,), got {checks.shape_text(input_shape, 'any')}")
        return (self.n, *input_shape)

    def _shape_rule(self, input_shape):
        F = "F" if input_shape[0] is None else input_shape[0]
        return f"n = {self.n} times the same {F} numbers"
