"""Base of Bidirectional: two recurrent layers of one kind as one layer."""

from typing import Any, Self, Unpack

import numpy as np

from ...arguments.classes import class_name, is_model
from ...arguments.kinds import takes_config
from . import named
from .has_states import HasStates
from .inner import inner, of_both
from .layer import Options, Shape
from .parameters import Parameters
from .recurrent import Recurrent


class RecurrentPair(HasStates):
    """Base of `Bidirectional`: holds a layer twice, and is what a layer has to be but for its two passes.

    The parameters of both are its own, under names such as "forward_Wx" and "backward_Wx".
    """

    def __init__(self, layer: Recurrent, **options: Unpack[Options]) -> None:
        what = type(self).__name__
        if not isinstance(layer, Recurrent):
            hint = f": make one, {layer.__name__}(...)" if isinstance(layer, type) else ""
            hint = f": wrap each of the model's recurrent layers in a {what}" if is_model(layer) else hint
            raise TypeError(f"{what}: expected a recurrent layer, such as LSTM(32), got {layer!r}{hint}")
        self._refuse_settings(layer)
        if layer.built:
            raise ValueError(f"{what}: {layer!r} has its weights already, and would not share them: give a new one")
        layer.check_saving()  # no argument may be lost
        self.forward_layer, self.backward_layer = (type(layer).from_config(layer.get_config()) for _ in range(2))
        theirs = {"dtype", "name", "trainable", "input_shape"}  # which `_equip` hands on, or that may differ
        self._common = [name for name in layer.get_config() if name not in theirs and _is_plain(layer, name)]
        own = {"dtype": layer.dtype, "seed": layer.rng, "input_shape": layer._input_shape}
        own |= {name: value for name, value in options.items() if value is not None}
        super().__init__(**own)  # type: ignore[arg-type]
        self._is_seeded = layer._is_seeded or options.get("seed") is not None
        self.state = self.dinitial_state = None

    forward_layer = inner("forward_layer", "The layer that reads from the start.")
    backward_layer = inner("backward_layer", "The layer that reads from the end.")
    return_sequences = of_both("return_sequences", "Whether y holds every step.")
    return_state = of_both("return_state", "Whether `layer(x)` returns (y, *state).")

    @property
    def _trainable(self) -> bool:
        return self.forward_layer.trainable or self.backward_layer.trainable

    @_trainable.setter
    def _trainable(self, value: bool) -> None:
        self.forward_layer.trainable = self.backward_layer.trainable = value

    def build(self, input_shape: Shape) -> None:
        self._equip()
        for direction, layer in self._both():
            if not layer.built:
                layer._saved = self._saved and {
                    name.removeprefix(f"{direction}_"): array
                    for name, array in self._saved.items()
                    if name.startswith(f"{direction}_")
                }
                layer.build(input_shape)
                layer._saved = None
            for name, param in layer.params.items():
                key = f"{direction}_{name}"
                self.params.add(key, param)
                self.grads.add(key, layer.grads[name])
                self._shapes[key] = param.shape
        self.built = True
        self._equip()

    def ids_below(self, x: np.ndarray) -> int | None:
        return self.forward_layer.ids_below(x)

    def get_config(self) -> dict[str, Any]:
        self._check_common()
        config = self.forward_layer.get_config() | {"dtype": self.dtype.name}
        layer = {"class": class_name(self.forward_layer), "config": config}
        return {"layer": layer, **super().get_config()}

    @classmethod
    @takes_config("layer")
    def from_config(cls, config: dict[str, Any]) -> Self:
        kind = named.layer_class(config["layer"]["class"], Recurrent, "recurrent layer")
        return cls(**{**config, "layer": kind.from_config(config["layer"]["config"])})

    def _both(self):
        return ("forward", self.forward_layer), ("backward", self.backward_layer)

    def _equip(self, with_grads=False):
        """Hand this layer's own on to the two: a model, a user or a checkpoint may have exchanged it, here."""
        self._check_common()
        first, second = self.forward_layer.trainable, self.backward_layer.trainable
        if with_grads and first != second:
            raise ValueError(
                f"trainable: expected the same of forward_layer and backward_layer, got {first} and {second}: set that "
                f"of {self.name}, which is for both"
            )
        for direction, layer in self._both():
            layer.dtype, layer.rng = self.dtype, self.rng
            if self.built:
                names = [f"{direction}_{name}" for name in layer.params]
                arrays = dict(zip(layer.params, self._arrays("params", *names), strict=True))
                is_ours = getattr(layer.params, "closed", False)  # a user's own layer may set its arrays in its passes
                layer.params = _OfOne(direction, arrays) if is_ours else arrays
                if with_grads:
                    layer.grads = dict(zip(layer.params, self._arrays("grads", *names), strict=True))

    def _check_common(self):
        """Refuse what was set on one of the two alone: a file has the settings of the first."""
        first, second = self.forward_layer, self.backward_layer
        self._refuse_settings(first)
        self._refuse_settings(second)
        for name in self._common:
            one, other = getattr(first, name), getattr(second, name)
            if one != other:
                raise ValueError(
                    f"{name}: expected the same of forward_layer and backward_layer of {self.name}, got {one!r} and "
                    f"{other!r}: set it on both, or make a new {type(self).__name__}"
                )

    def _refuse_settings(self, layer):
        if layer.stateful:
            raise ValueError(
                f"{type(self).__name__}: {layer!r}: stateful goes on where the batch before ended, but what is read "
                f"from its end comes from the batch that follows: use stateful=False"
            )
        if layer.go_backwards:
            raise ValueError(
                f"{type(self).__name__}: {layer!r}: one of its two layers reads from the end in any case: leave "
                f"go_backwards out"
            )

    def _split(self, name, state):
        """The states of the first layer, and of the second."""
        if state is None:
            return None, None
        states = self.forward_layer.states
        if not isinstance(state, tuple | list) or len(state) != 2 * len(states):
            raise ValueError(f"{name}: expected ({', '.join(2 * states)}), each of shape (N, H), got {state!r}")
        return tuple(state[: len(states)]), tuple(state[len(states) :])

    def _parameter_rule(self, input_shape):
        rule = self.forward_layer._parameter_rule(input_shape)
        return f"2 * ({rule})" + (f" = {self.parameter_count}" if self.built else "")


class _OfOne(Parameters):
    """The weights of one of the two layers: to be set in the dict of the layer that holds both, which has them, too."""

    def __init__(self, direction: str, arrays: dict[str, np.ndarray]) -> None:
        super().__init__("params", arrays, closed=True)
        self.direction = direction

    def __setitem__(self, name: str, array: np.ndarray) -> None:
        if name in self and array is not self[name]:  # as it is after params["Wx"] *= 2
            raise ValueError(
                f"params: expected weights of a Bidirectional to be set in its own params, got {name} for its "
                f"{self.direction}_layer: use bidirectional.params['{self.direction}_{name}'] = ..."
            )
        super().__setitem__(name, array)

    def __reduce__(self) -> tuple:
        return _OfOne, (self.direction, dict(self))


def _is_plain(layer, name):
    """Whether an argument is kept, and is no object: one of a user's own may be an array."""
    return isinstance(getattr(layer, name, ()), str | int | float | None)
