"""Contents: a model as a container of layers, and of their weights."""

from collections.abc import Iterator
from typing import Any, overload

import numpy as np

from ..arguments import is_ours
from ..layers.base import own
from ..layers.base.layer import Layer
from ..layers.base.parameters import ModelParameters
from ..layers.base.weights import HoldsWeights
from . import alone


def _of_all_layers(what: str) -> property:
    """All layers' arrays of one kind as a property of a model: a dict with names such as "dense.W"."""

    def gathered(self: Any) -> dict[str, np.ndarray]:
        return self._gathered(what, self.all_layers)

    def set_all(self: Any, value: dict[str, np.ndarray]) -> None:
        # model.params |= {...} has already set the arrays.
        if getattr(value, "model", None) is not self:
            raise AttributeError(f"{what}: expected arrays to be set by name, as in {what}['dense.W'] = W, got a dict")

    return property(gathered, set_all)


class Contents(HoldsWeights):
    """Base of `Model`: adding and finding its layers, by name or number, and reading and setting their weights."""

    layers: list[Any]
    name: str
    input_shape: tuple | None
    forward: Any
    _arrange: Any

    params, grads, statistics = map(_of_all_layers, ("params", "grads", "statistics"))

    @property
    def all_layers(self) -> dict[str, Any]:
        """Every layer by its full name; a layer of a model inside this one as "inner.dense"."""
        found: dict[str, Any] = {}
        count = 0
        for layer in self.layers:
            if isinstance(layer, Contents):
                inside = layer.all_layers
                found |= {f"{layer.name}.{name}": part for name, part in inside.items()}
                count += len(inside)
            else:
                found[layer.name] = layer
                count += 1
        if len(found) < count:  # one of two layers of one name would be lost
            names = [layer.name for layer in self.layers]
            twice = next((name for name in names if names.count(name) > 1), names[0])
            raise ValueError(
                f"{self.name}: two of its layers are named {twice!r}: another model, or you, gave one of them this "
                f"name: set the name of one, such as layer.name = 'other'"
            )
        return found

    def _gathered(self, what, layers):
        arrays = {
            f"{full}.{name}": array for full, layer in layers.items() for name, array in getattr(layer, what).items()
        }
        return ModelParameters(what, arrays, self)

    def learned(self) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """The gradients and parameters that an optimizer steps: all but those of layers with trainable=False."""
        grads, params = {}, {}
        for full, layer in self.all_layers.items():
            if getattr(layer, "_trainable", True):
                for name, array in layer.grads.items():
                    grads[f"{full}.{name}"] = array
                for name, array in layer.params.items():
                    params[f"{full}.{name}"] = array
        return ModelParameters("grads", grads, self), ModelParameters("params", params, self)

    @property
    def trainable(self) -> bool:
        """Whether any layer learns. Set it to False, and back, for all layers at once."""
        return any(getattr(layer, "trainable", True) for layer in self.all_layers.values())

    @trainable.setter
    def trainable(self, value: bool) -> None:
        for layer in self.all_layers.values():
            layer.trainable = value

    def get_layer(self, name: str | None = None, index: int | None = None) -> Any:
        """The layer with this name, or number.

        Raises:
            ValueError: there is none; the message lists the names.
        """
        if isinstance(name, int):
            raise TypeError(f"get_layer: name: expected a text, got {name}: use index={name}, or model[{name}]")
        if (name is None) == (index is None):
            raise ValueError("get_layer: expected a name or an index: give one of the two")
        if name is not None:
            return self[name]
        return self[index]  # type: ignore[index]

    @overload
    def __getitem__(self, index: int | str) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> list[Any]: ...

    def __getitem__(self, index):
        """A layer by its number or name, or with a slice a list of layers: Sequential(model[:2]) shares their weights.

        Raises:
            IndexError, ValueError: there is none; the message lists the names.
        """
        if isinstance(index, str):
            found = {layer.name: layer for layer in self.layers} | self.all_layers
            if index not in found:
                raise ValueError(f"{self.name}: expected the name of a layer, {self._names()}, got {index!r}")
            return found[index]
        try:
            return self.layers[index]
        except IndexError:
            raise IndexError(f"{self.name} has {len(self.layers)} layers, {self._names()}, got index {index}") from None

    def add(self, layer: Any) -> None:
        """Add a layer at the end, or `Input(shape)` at the beginning. It is built at once where its input is known."""
        alone.require_rest(self, "add")
        before = self.layers
        try:
            self._arrange([*before, layer], self.input_shape)
        except Exception:
            self.layers = before
            raise

    def pop(self) -> Any:
        """Remove the last layer, and return it."""
        alone.require_rest(self, "pop")
        if not self.layers:
            raise IndexError(f"pop: {self.name} has no layers")
        return self.layers.pop()

    def __len__(self) -> int:
        return len(self.layers)

    def __bool__(self) -> bool:  # a model without layers is one, too
        return True

    def __iter__(self) -> Iterator[Any]:
        return iter(self.layers)

    def refuse_hidden_parts(self) -> None:
        """Refuse layers in attributes, which a forward of one's own may use, and which are not among the layers."""
        if not is_ours(type(self).forward):
            own.refuse_hidden_parts(self)
        for layer in self.layers:
            if isinstance(layer, Contents):
                layer.refuse_hidden_parts()

    def _names(self):
        return ", ".join(layer.name for layer in self.layers) or "none"

    @property
    def parameter_count(self) -> int:
        """How many numbers the model learns.

        Raises:
            ValueError: it is not built, so nobody knows yet.
        """
        self._require_built("parameters")
        return sum(array.size for array in self.params.values())

    def _require_built(self, _):
        for layer in self.all_layers.values():
            if not layer.built and type(layer).build is not Layer.build:
                raise ValueError(
                    f"{self.name} is not built, so the size of {layer.name} is not known: give it an input_shape, as "
                    f"in {self.name}.build((F,)), or call it once"
                )

    def _weights(self):
        return {
            f"{full}.{name}": array
            for full, layer in self.all_layers.items()
            for what in ("params", "statistics")
            for name, array in getattr(layer, what).items()
        }
