"""Weights: a layer's parameters as Keras hands them out, and whether they are trained."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ... import checks, regularizers
from ...turns import computing
from .storage import Storage


class HoldsWeights:
    """Base of layers and models: their weights as Keras hands them out."""

    params: Any
    statistics: Any
    parameter_count: Any
    _require_built: Any

    def count_params(self) -> int:
        """`parameter_count` and the number of statistics: what Keras counts, and calls so."""
        return self.parameter_count + sum(array.size for array in self.statistics.values())

    def get_weights(self) -> list[np.ndarray]:
        """Copies of the parameters and then of the statistics, layer by layer, which is the order of Keras.

        Raises:
            ValueError: it is not built.

        Example:
            >>> from nnlite import Dense
            >>> layer = Dense(2)
            >>> layer.build((3,))
            >>> [array.shape for array in layer.get_weights()]
            [(3, 2), (2,)]
        """
        self._require_built("weights")
        with computing:  # not from the middle of another thread's step
            return [array.copy() for array in self._weights().values()]

    def set_weights(self, weights: Sequence[np.ndarray]) -> None:
        """Copy these numbers into the parameters and statistics, in the order of `get_weights`.

        Raises:
            ValueError: it is not built, or these are not as many arrays of the same shapes; nothing has changed.
            TypeError: these are no numbers.
        """
        self._require_built("weights to set")
        arrays = self._weights()
        shapes = ", ".join(f"{name} {checks.shape_text(array.shape)}" for name, array in arrays.items())
        if isinstance(weights, Iterable) and not hasattr(weights, "__len__"):
            weights = list(weights)
        is_row = isinstance(weights, Iterable) and getattr(weights, "ndim", 1) > 0
        if not is_row or len(weights) != len(arrays):
            got = f"{len(weights)} arrays" if is_row else type(weights).__name__
            raise ValueError(f"set_weights: expected a list of {len(arrays)} arrays, {shapes}, got {got}")
        new = [
            checks.floats(f"set_weights: {name}", value, array.dtype, array.shape, "of the layer's array").copy()
            for (name, array), value in zip(arrays.items(), weights, strict=True)
        ]
        with computing:
            for array, value in zip(arrays.values(), new, strict=True):
                array[...] = value

    def _weights(self):
        return {**self.params, **self.statistics}


class Weights(HoldsWeights, Storage):
    """Base of `Layer`: what is asked of its parameters beside its passes.

    Attributes:
        trainable: False freezes the layer: no optimizer changes its parameters. It can be set at any time; it is saved.
        regularizers: dict from a parameter's name to its regularizer, such as {"W": L2(0.01)}.
    """

    regularizers: dict[str, regularizers.Regularizer]
    _trainable = True
    _has_none = False  # whether no layer of the class ever has parameters, though it defines `build`

    def __init__(self) -> None:
        super().__init__()
        self.regularizers = {}

    @property
    def trainable(self) -> bool:
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = checks.boolean("trainable", value)

    @property
    def parameter_count(self) -> int:
        """How many numbers the layer learns.

        Raises:
            ValueError: it is not built, so nobody knows.
        """
        if not self.params:
            self._require_built("parameters")
        return sum(param.size for param in self.params.values())

    def _require_built(self, what):
        from .layer import Layer  # which derives from this class

        if not self.built and not self._has_none and type(self).build is not Layer.build:
            raise ValueError(
                f"{self.name}: its {what} are not known before it is built: give the model input_shape=..., let the "
                f"layer see an input, or call {self.name}.build(input_shape), without the batch axis"
            )
