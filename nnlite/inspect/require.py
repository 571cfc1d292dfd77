"""Refuse a layer of another kind than a function is for, and say why."""

from ..layers.base.layer import Layer
from ..layers.base.recurrent_pair import RecurrentPair
from ..models.model import Model


def require(layer, kinds, where, reasons=None, built=True):
    """Refuse what is not a layer of one of these classes, or has no weights yet.

    Args:
        kinds: a tuple of classes.
        where: the name of the function, with which messages begin.
        reasons: why it is for no other kind, by the names of the other classes.
        built: whether it has to have its weights.

    Raises:
        TypeError: another kind.
        ValueError: not built yet.
    """
    if not isinstance(layer, kinds):
        why = (reasons or {}).get(type(layer).__name__)
        if isinstance(layer, RecurrentPair):
            why = "is two layers: give one of them, its forward_layer or its backward_layer"
        if isinstance(layer, Layer) and why:
            raise TypeError(f"{where}: {layer!r} {why}")
        *names, last = (kind.__name__ for kind in kinds)
        hint = ": give one of its layers, such as model.layers[0]" if isinstance(layer, Model) else ""
        raise TypeError(f"{where}: expected an {', '.join(names)}{' or ' if names else ''}{last}, got {layer!r}{hint}")
    if built and not layer.built:
        raise ValueError(f"{where}: {layer!r} has no weights yet: layer.build((None, F)) makes them for F features")
