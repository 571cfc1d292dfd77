"""Dropout: sets a random fraction of activations to 0 in training."""

from typing import Unpack

import numpy as np

from .. import checks
from ..kernels import backend, empty
from .base.layer import Layer, Options


class Dropout(Layer):
    """Sets each activation to 0 with probability `rate` in training, and scales up the rest to keep the mean.

        y = x m / (1 - rate)        m is 0 with probability rate, else 1, drawn anew in every forward pass
        dx = dy m / (1 - rate)      with the same m
        y = x                       outside training

    No unit can rely on a single other one, which may be missing: this reduces overfitting.

    Letters: x, y (N, ...): any shape.

    Args:
        rate: the probability, in [0, 1). 0 drops nothing.
        dtype, seed, name, trainable, input_shape: as in `Layer`. The seed, or the model's, determines the mask.

    Raises:
        TypeError: x or dy is not an array of the layer's dtype; rate is not a number.
        ValueError: rate is not in [0, 1); x has no axis; dy is not of the shape of y.

    Source: Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, Dropout: a simple way to prevent neural
    networks from overfitting, 2014.

    Example:
        >>> import numpy as np
        >>> from nnlite import Dropout
        >>> layer = Dropout(0.5, seed=0)
        >>> x = np.ones((4, 100), "float32")
        >>> np.unique(layer.forward(x, training=True))
        array([0., 2.], dtype=float32)
        >>> np.unique(layer.forward(x))
        array([1.], dtype=float32)
        >>> print(layer.explain((8,)))
        Dropout(rate=0.5)
          output   (8,): the shape of the input; in training each number is 0 with probability 0.5, else times 2
          parameters   none
    """

    def __init__(self, rate: float, **options: Unpack[Options]) -> None:
        super().__init__(**options)
        self.rate = checks.between("rate", rate, 0, 1, closed=False)

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        x = checks.floats("x", x, self.dtype, (...,), "(N, ...)")
        # The key stands for the mask: backward makes the same one from it.
        key = int(self.rng.integers(2**64, dtype=np.uint64)) if training and self.rate else None
        self._keep(x.shape, key)
        return self._drop(x, key)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        shape, key = self._kept()
        return self._drop(checks.floats("dy", dy, self.dtype, shape, "of y"), key)

    def _drop(self, x, key):
        if key is None:
            return x
        y = empty(x.shape, x.dtype)
        backend().dropout.apply(x.reshape(-1), y.reshape(-1), key, self.rate)
        return y

    def _shape_rule(self, input_shape):
        return (
            f"the shape of the input; in training each number is 0 with probability {self.rate:g}, "
            f"else times {1 / (1 - self.rate):.6g}"
        )
