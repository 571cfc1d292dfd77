"""A layer of float32 as one of float64: central differences need its digits."""

import copy
from typing import Any

import numpy as np

from ..layers.base.layer import Layer
from .model import Model


def in_float64(layer: Any) -> Any:
    """A copy of this layer or model that computes in float64; itself if it does, or has none of nnlite's bases."""
    if not isinstance(layer, Layer | Model) or layer.dtype != np.float32:
        return layer
    copied = copy.deepcopy(layer)
    done: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    for one in layers_inside(copied):
        for name, value in vars(one).items():
            vars(one)[name] = _cast(value, done)
    return copied


def _cast(value, done):
    """The value with float64 for float32; an array that is in two places becomes one array in both."""
    if isinstance(value, np.ndarray) and value.dtype == np.float32:
        if id(value) not in done:
            done[id(value)] = value, value.astype(np.float64)  # the old one, too, so that its id stays taken
        return done[id(value)][1]
    if isinstance(value, np.dtype):
        return np.dtype(np.float64) if value == np.float32 else value
    if isinstance(value, dict):
        for key, item in value.items():
            dict.__setitem__(value, key, _cast(item, done))  # `Parameters` are closed
    if type(value) in (list, tuple):
        return type(value)(_cast(item, done) for item in value)
    return value


def layers_inside(layer: Any) -> list[Any]:
    """The layer and all layers inside it, in attributes or in lists and dicts there."""
    found: list[Any] = []

    def visit(layer):
        if any(layer is other for other in found):
            return
        found.append(layer)
        for value in getattr(layer, "__dict__", {}).values():
            items = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else [value]
            for item in items:
                if hasattr(item, "forward") and hasattr(item, "backward") and not isinstance(item, type):
                    visit(item)

    visit(layer)
    return found
