"""Layers inside of another one, which hands on their weights and settings."""

import operator
from typing import Any


def inner(name: str, meaning: str) -> Any:
    """The property of a layer inside of another one: it is set once, as its weights become those of the other one."""

    def set_layer(self, layer):
        if vars(self).setdefault(f"_{name}", layer) is not layer:
            what = type(self).__name__
            raise ValueError(
                f"{name}: expected the layer that this {what} was made with, as its weights are those of the {what}, "
                f"got {layer!r}: make a new one, {what}(...)"
            )

    return property(operator.attrgetter(f"_{name}"), set_layer, doc=meaning)


def of_both(name: str, meaning: str) -> Any:
    """The property of a setting of both `forward_layer` and `backward_layer`."""

    def set_both(self, value):
        setattr(self.forward_layer, name, value)
        setattr(self.backward_layer, name, value)

    return property(operator.attrgetter(f"forward_layer.{name}"), set_both, doc=meaning)
