"""Weights: a layer's parameters as Keras hands them out, and whether they are trained."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ... import checks, regularizers
from .storage import Storage


class Weights(Storage):
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

    def count_params(self) -> int:
        """How many numbers the layer learns: `parameter_count`, as Keras calls it."""
        return self.parameter_count

    def get_weights(self) -> list[np.ndarray]:
        """Copies of the parameters and then of the statistics, in the order of the dicts, which is that of Keras.

        Raises:
            ValueError: the layer is not built.

        Example:
            >>> from nnlite import Dense
            >>> layer = Dense(2)
            >>> layer.build((3,))
            >>> [array.shape for array in layer.get_weights()]
            [(3, 2), (2,)]
        """
        self._require_built("weights")
        return [array.copy() for array in (*self.params.values(), *self.statistics.values())]

    def set_weights(self, weights: Sequence[np.ndarray]) -> None:
        """Copy these numbers into the parameters and statistics, in the order of `get_weights`.

        Raises:
            ValueError: the layer is not built, or these are not as many arrays of the same shapes; nothing has changed.
            TypeError: these are no numbers.
        """
        self._require_built("weights to set")
        arrays = {**self.params, **self.statistics}
        shapes = ", ".join(f"{name} {checks.shape_text(array.shape)}" for name, array in arrays.items())
        if not isinstance(weights, Iterable) or len(weights := list(weights)) != len(arrays):
            got = f"{len(weights)} arrays" if isinstance(weights, list) else type(weights).__name__
            raise ValueError(f"set_weights: expected a list of {len(arrays)} arrays, {shapes}, got {got}")
        new = [
            checks.floats(f"set_weights: {name}", value, array.dtype, array.shape, "of the layer's array").copy()
            for (name, array), value in zip(arrays.items(), weights, strict=True)
        ]
        for array, value in zip(arrays.values(), new, strict=True):
            array[...] = value

    def _require_built(self, what):
        if not self.built and not self._has_none and type(self).build is not _plain_build():
            raise ValueError(
                f"{self.name}: its {what} are not known before it is built: give the model input_shape=..., let the "
                f"layer see an input, or call {self.name}.build(input_shape), without the batch axis"
            )


class WeightsOfLayers:
    """Base of models: the same of all their layers together."""

    layers: list[Any]
    name: str

    @property
    def trainable(self) -> bool:
        """Whether any layer is. Set, it is that of every layer."""
        return any(getattr(layer, "trainable", True) for layer in self.layers)

    @trainable.setter
    def trainable(self, value: bool) -> None:
        value = checks.boolean("trainable", value)
        for layer in self.layers:
            layer.trainable = value

    def count_params(self) -> int:
        """How many numbers the model learns: `parameter_count`, as Keras calls it."""
        return sum(layer.count_params() for layer in self.layers)

    def get_weights(self) -> list[np.ndarray]:
        """Copies of all layers' parameters and statistics, layer by layer, in the order of Keras.

        Raises:
            ValueError: the model is not built.
        """
        return [array for layer in self.layers for array in layer.get_weights()]

    def set_weights(self, weights: Sequence[np.ndarray]) -> None:
        """Copy these numbers into the layers, in the order of `get_weights`.

        Raises:
            ValueError, TypeError: the model is not built, or these do not fit; nothing has changed.
        """
        before = [layer.get_weights() for layer in self.layers]
        expected = sum(map(len, before))
        if not isinstance(weights, Iterable) or len(weights := list(weights)) != expected:
            got = f"{len(weights)} arrays" if isinstance(weights, list) else type(weights).__name__
            raise ValueError(f"set_weights: expected a list of the {expected} arrays of {self.name}, got {got}")
        rest = iter(weights)
        parts = [[next(rest) for _ in arrays] for arrays in before]
        for i, (layer, part) in enumerate(zip(self.layers, parts, strict=True)):
            try:
                layer.set_weights(part)
            except (TypeError, ValueError) as error:
                for earlier, arrays in zip(self.layers[:i], before, strict=False):
                    earlier.set_weights(arrays)
                raise type(error)(f"{layer.name}: {error}") from error


def _plain_build():
    """`build` of a layer that makes no parameters."""
    from .layer import Layer

    return Layer.build
