"""Activation: an activation layer by its name."""

from typing import Unpack

from .base import activation as by_name
from .base.layer import Layer, Options


def Activation(activation: str | Layer, **options: Unpack[Options]) -> Layer:
    """The activation layer of this name, as Keras makes it: Activation("relu") is ReLU().

    Raises:
        ValueError, TypeError: no activation has this name.

    Example:
        >>> from nnlite.layers import Activation
        >>> Activation("tanh")
        Tanh()
    """
    layer = by_name.get(activation, "Activation")
    if layer is None:
        raise ValueError(f"activation: expected a name, got {activation!r}: leave the layer out")
    return type(layer)(**{**layer._shown_config(), **options}) if isinstance(activation, str) else layer
