"""Embedding: a learned vector for each id."""

from typing import Unpack

import numpy as np

from .. import checks, initializers
from ..initializers import Given
from ..kernels import backend, empty
from ..regularizers import Regularizer
from .base import by_id
from .base.layer import Layer, Options, Shape
from .base.weighted import regularizer


class Embedding(Layer):
    """A table with a row of weights for each id of a vocabulary.

        y = W[x]
        dW[v] = sum of dy over all places where x is v

    Equivalent to `OneHot` followed by a Dense layer without bias, without the multiplications by 0.

    Letters: N batch, V vocabulary, U units. x holds ids in 0 .. V - 1, of shape (N, ...); y is (N, ..., U).

    Args:
        vocabulary_size: V; Keras' input_dim is taken, too.
        units: U; Keras' output_dim is taken, too.
        embeddings_initializer: of W, by default "uniform": uniformly in ±0.05; a name, or a function of (shape, rng).
            A function is not saved in the configuration: a layer made from it uses the default.
        embeddings_regularizer: a price on W, such as "l2" or `regularizers.L2(0.001)`, which is added to the loss.
        dtype, seed, name, trainable, input_shape: as in `Layer`.

    Parameters: W (V, U).

    Ids have no gradient: `backward` returns None.

    Raises:
        TypeError: x holds no integers, or dy no numbers.
        IndexError: an id is outside 0 .. V - 1.
        ValueError: x has no axis, or dy has another shape than y.

    Source: Bengio, Ducharme, Vincent and Jauvin, A neural probabilistic language model, 2003.

    Example:
        >>> import numpy as np
        >>> from nnlite import Embedding
        >>> layer = Embedding(38, 8, seed=0)
        >>> layer.forward(np.array([[3, 1, 3]])).shape
        (1, 3, 8)
        >>> print(layer.explain((40,)))
        Embedding(vocabulary_size=38, units=8)
          output   (40, 8): each id becomes its row of W, units = 8 numbers
          parameters   vocabulary_size * units = 38 * 8 = 304
    """

    also_called = {"input_dim": "vocabulary_size", "output_dim": "units"}  # noqa: RUF012  never changed
    fixed = "vocabulary_size", "units"
    added = (*Layer.added, "embeddings_regularizer")

    def __init__(
        self,
        vocabulary_size: int,
        units: int,
        *,
        embeddings_initializer: Given = "uniform",
        embeddings_regularizer: str | Regularizer | None = None,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(**options)
        self.vocabulary_size = checks.positive("vocabulary_size", vocabulary_size)
        self.units = checks.positive("units", units)
        self.embeddings_initializer = initializers.given("embeddings_initializer", embeddings_initializer)
        self.embeddings_regularizer = embeddings_regularizer

    embeddings_regularizer = regularizer("embeddings_regularizer", "W")

    def build(self, input_shape: Shape) -> None:
        W = (self.vocabulary_size, self.units)
        self._add_param("W", W, self.embeddings_initializer)
        self.built = True

    def output_shape(self, input_shape: Shape) -> tuple:
        return (*input_shape, self.units)

    def ids_below(self, x: np.ndarray) -> int:
        return self._shapes["W"][0] if self.built else self.vocabulary_size

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        V, U = self._shapes["W"] if self.built else (self.vocabulary_size, self.units)
        x = checks.integers("x", x, V)
        checks.memory("Embedding: y", (*x.shape, U), self.dtype)
        self._ensure_built(x)
        (W,) = self._arrays("params", "W")
        y = empty((*x.shape, W.shape[1]), self.dtype)
        backend().embedding.forward(W, x.reshape(-1), y.reshape(-1, U))
        self._keep(x)
        return y

    def backward(self, dy: np.ndarray) -> None:
        (x,) = self._kept()
        (dW,) = self._arrays("grads", "W")
        dy = checks.floats("dy", dy, self.dtype, (*x.shape, dW.shape[1]), "of y")
        places, table, owners = by_id.spread(x.reshape(-1), dW)
        backend().embedding.backward(places, dy.reshape(-1, dW.shape[1]), table)
        by_id.collect(table, owners, dW)

    def _shape_rule(self, input_shape):
        return f"each id becomes its row of W, units = {self.units} numbers"

    def _parameter_rule(self, input_shape):
        V, U = self.vocabulary_size, self.units
        return f"vocabulary_size * units = {V} * {U} = {V * U}"
