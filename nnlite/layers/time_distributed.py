"""TimeDistributed: the same layer at every time step."""

from collections.abc import Callable
from typing import Any, Self, Unpack

import numpy as np

from .. import checks
from ..arguments.classes import class_name, is_model
from ..arguments.kinds import takes_config
from .base import named
from .base.inner import inner
from .base.layer import Layer, Options, Shape


class TimeDistributed(Layer):
    """Applies a layer to every time step by itself, with the same weights.

        y[n,t] = layer(x[n,t])

    The N sequences of T steps are N T examples to the layer. `Dense` does so by itself; convolutions and pools need it
    for sequences of images.

    Letters: N batch, T time. x is (N, T, ...), y is (N, T, ...).

    Args:
        layer: the layer, not a recurrent one.
        dtype, seed: by default those of `layer`.
        name, input_shape: as in `Layer`; input_shape begins with T.
        trainable: False freezes `layer`. The flag is that of `layer`, wherever it is set.

    Parameters: those of `layer`, under the same names.

    Attributes:
        layer: the layer. It cannot be exchanged: its weights are those of this one.

    Raises:
        TypeError: `layer` is none, or a recurrent one.
        ValueError: x has no axis of time, or not the steps that `layer` takes; dy has another shape than y.

    Example:
        >>> import numpy as np
        >>> from nnlite import Conv2D, Dense, TimeDistributed
        >>> layer = TimeDistributed(Conv2D(4, 3))
        >>> layer.forward(np.ones((2, 10, 8, 8, 1), "float32")).shape
        (2, 10, 6, 6, 4)
        >>> print(TimeDistributed(Dense(8)).explain((10, 4)))
        TimeDistributed(Dense(units=8))
          output   (10, 8): at each of T = 10 steps the last axis becomes units = 8
          parameters   F * units + units = 4 * 8 + 8 = 40
    """

    def __init__(self, layer: Layer, **options: Unpack[Options]) -> None:
        if not isinstance(layer, Layer) or layer.takes_lengths:
            hint = f": make one, {layer.__name__}(...)" if isinstance(layer, type) else ""
            hint = ": a recurrent layer reads the steps by itself" if isinstance(layer, Layer) else hint
            if is_model(layer):
                hint = ": wrap each of the model's layers that needs it, as TimeDistributed(Conv2D(...)), in its place"
            raise TypeError(f"TimeDistributed: expected a layer, such as Dense(8), got {layer!r}{hint}")
        self.layer = layer  # first, as it has the flag `trainable`
        super().__init__(**{"dtype": layer.dtype, "seed": layer.rng, **options})  # type: ignore[arg-type]
        self._is_seeded = layer._is_seeded or options.get("seed") is not None
        self.params, self.grads, self.statistics = layer.params, layer.grads, layer.statistics
        self.regularizers, self.built = layer.regularizers, layer.built

    layer = inner("layer", "The layer of each step.")

    @property
    def _trainable(self) -> bool:
        return self.layer.trainable

    @_trainable.setter
    def _trainable(self, value: bool) -> None:
        self.layer.trainable = value

    def build(self, input_shape: Shape) -> None:
        self.output_shape(input_shape)
        if not self.layer.built:
            self._equip()._saved = self._saved
            self.layer.build(input_shape[1:])
            self.layer._saved = None
        self.built = True

    def output_shape(self, input_shape: Shape) -> tuple:
        if len(input_shape) < 2:
            got = checks.shape_text(input_shape, "any")
            raise ValueError(f"TimeDistributed: expected input_shape (T, ...) with the shape of a step, got {got}")
        return (input_shape[0], *self.layer.output_shape(input_shape[1:]))

    def ids_below(self, x: np.ndarray) -> int | None:
        return self.layer.ids_below(x[:, 0]) if x.ndim > 2 and x.shape[1] else None

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        x = checks.samples("x", x)
        if x.ndim < 3:
            raise ValueError(
                f"x: expected shape (N, T, ...) with the shape of a step, got {checks.shape_text(x.shape)}"
            )
        self._ensure_built(x)
        y = self._equip().forward(x.reshape(-1, *x.shape[2:]), training)
        self._keep(x.shape[:2], y.shape[1:])
        return y.reshape(*x.shape[:2], *y.shape[1:])

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        NT, step = self._kept()
        dy = checks.floats("dy", dy, self.dtype, (*NT, *step), "of y")
        dx = self._equip().backward(dy.reshape(-1, *step))
        return None if dx is None else dx.reshape(*NT, *dx.shape[1:])

    def stepper(self, N: int) -> Callable[[np.ndarray], np.ndarray]:
        return self._equip().stepper(N)

    def step(self, x: np.ndarray) -> np.ndarray:
        return self._equip().step(x)

    def _equip(self):
        """The layer, with what a model has given to this one."""
        self.layer.dtype, self.layer.rng = self.dtype, self.rng
        return self.layer

    def _forget(self) -> None:
        super()._forget()
        self.layer._forget()

    def get_config(self) -> dict[str, Any]:
        layer = {"class": class_name(self.layer), "config": self.layer.get_config() | {"dtype": self.dtype.name}}
        return {**super().get_config(), "layer": layer}

    @classmethod
    @takes_config("layer")
    def from_config(cls, config: dict[str, Any]) -> Self:
        layer = named.layer_class(config["layer"]["class"]).from_config(config["layer"]["config"])
        return cls(**{**config, "layer": layer})

    def __repr__(self):
        return f"TimeDistributed({self.layer!r})"

    def _shape_rule(self, input_shape):
        steps = "any number T of" if input_shape[0] is None else f"each of T = {input_shape[0]}"
        return f"at {steps} steps {self.layer._shape_rule(input_shape[1:])}"

    def _parameter_rule(self, input_shape):
        return self.layer._parameter_rule(input_shape[1:])
