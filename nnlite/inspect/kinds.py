"""Refuse a layer of another kind than a function is for, and say why."""

from ..layer import Layer
from ..twins import Twins

TWINS = "is two layers: give one of them, its forward_layer or its backward_layer"


def require(layer, kind, where, reasons):
    """Refuse what is not a layer of the class `kind` that has its weights.

    Args:
        where: the name of the function, with which messages begin.
        reasons: why it is for no other kind, by the names of the other classes.

    Raises:
        TypeError: another kind.
        ValueError: not built yet.
    """
    name = type(layer).__name__
    if not isinstance(layer, kind):
        why = reasons.get(name) or (TWINS if isinstance(layer, Twins) else None)
        if isinstance(layer, Layer) and why:
            raise TypeError(f"{where}: {layer!r} {why}")
        raise TypeError(f"{where}: expected a layer of the class {kind.__name__}, got {layer!r}")
    if not layer.built:
        raise ValueError(f"{where}: {layer!r} has no weights yet: layer.build((None, F)) makes them for F features")
