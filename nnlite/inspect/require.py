"""require: refuse layers of the wrong kind, with the reason."""

from collections.abc import Mapping
from typing import Any

from ..layers.base.layer import Layer
from ..layers.base.recurrent_pair import RecurrentPair
from ..models.model import Model


def require(
    layer: Any, kinds: tuple[type[Layer], ...], where: str, reasons: Mapping[str, str] | None = None, built: bool = True
) -> None:
    """Refuse a layer of another class (TypeError), or one that is not built although it must be (ValueError).

    Args:
        where: the function that is called, for the message.
        reasons: why other classes are refused, by their names.
    """
    if not isinstance(layer, kinds):
        why = (reasons or {}).get(type(layer).__name__)
        if isinstance(layer, RecurrentPair):
            why = "has two layers: give one of them, its forward_layer or its backward_layer"
        *names, last = (kind.__name__ for kind in kinds)
        hint = f", which {why}" if why else ""
        if isinstance(layer, Model):
            hint = ": give one of its layers, such as model.layers[0]"
        expected = f"an {', '.join(names)}{' or ' if names else ''}{last}"
        raise TypeError(f"{where}: expected {expected}, got {layer!r}{hint}")
    if built and not layer.built:
        raise ValueError(
            f"{where}: expected a layer with weights, got {layer!r}, which is not built: call layer.build((None, F)) "
            f"for F features"
        )
