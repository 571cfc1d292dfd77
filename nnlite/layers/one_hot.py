"""OneHot: ids as one-hot vectors."""

from typing import Unpack

import numpy as np

from .. import checks
from .base.layer import Layer, Options, Shape


class OneHot(Layer):
    """Each id becomes a vector of size V: 1 at the id, and 0 elsewhere.

        y[..., v] = 1 where x is v, else 0

    The product of a one-hot vector with W is row x of W. Layers that take ids, `Embedding` and `LSTM`, give the same
    result without the multiplications by 0; OneHot makes them visible.

    Letters: N batch, V vocabulary. x holds ids in 0 .. V - 1, of shape (N, ...); y is (N, ..., V).

    Args:
        vocabulary_size: V.
        dtype, seed, name, trainable, input_shape: as in `Layer`.

    Ids have no gradient: `backward` returns None.

    Raises:
        TypeError: x holds no integers, or dy no numbers.
        IndexError: an id is outside 0 .. V - 1.
        ValueError: x has no axis, or dy has another shape than y.

    Example:
        >>> import numpy as np
        >>> from nnlite import OneHot
        >>> layer = OneHot(4)
        >>> layer.forward(np.array([[2, 0]]))
        array([[[0., 0., 1., 0.],
                [1., 0., 0., 0.]]], dtype=float32)
        >>> print(layer.explain((40,)))
        OneHot(vocabulary_size=4)
          output   (40, 4): each id becomes vocabulary_size = 4 numbers, a 1 and 3 times 0
          parameters   none
    """

    def __init__(self, vocabulary_size: int, **options: Unpack[Options]) -> None:
        super().__init__(**options)
        self.vocabulary_size = checks.positive("vocabulary_size", vocabulary_size)

    def output_shape(self, input_shape: Shape) -> tuple:
        return (*input_shape, self.vocabulary_size)

    def ids_below(self, x: np.ndarray) -> int:
        return self.vocabulary_size

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        V = self.vocabulary_size
        x = checks.integers("x", x, V)
        shape = (*x.shape, V)
        checks.memory("OneHot: y", shape, self.dtype)
        y = np.zeros(shape, self.dtype)
        y.reshape(-1, V)[np.arange(x.size), x.reshape(-1)] = 1
        self._keep(shape)
        return y

    def backward(self, dy: np.ndarray) -> None:
        checks.floats("dy", dy, self.dtype, self._kept()[0], "of y")

    def _shape_rule(self, input_shape):
        V = self.vocabulary_size
        return f"each id becomes vocabulary_size = {V} numbers, a 1 and {V - 1} times 0"
