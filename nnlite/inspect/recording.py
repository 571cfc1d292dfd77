"""Copy a model, and record the inputs and outputs of its layers.

The model itself never runs, so nothing in it changes, whatever its layers do, and also after an error. No layer has
code for being recorded, so training does not become slower.
"""

import copy
from typing import Any

import numpy as np

from .. import layers
from ..layers.base.layer import Layer
from ..layers.base.recurrent_pair import RecurrentPair
from ..layers.base.weighted import Weighted
from ..models.model import Model
from ..turns import computing
from . import recurrent

NNLITE_LAYERS = tuple(getattr(layers, name) for name in layers.__all__)

# Attributes of a model that its copy does not need: they are None in it.
LEFT_OUT = ("optimizer", "history")


def private_copy(model: Any, where: str) -> Any:
    """A copy of a model or layer that shares nothing with it. If not built, it draws the weights the original would.

    TypeError, with `where`, the function that is called, if it is neither or cannot be copied.
    """
    if not isinstance(model, Model | Layer):
        hint = f"make one, {model.__name__}(...)" if isinstance(model, type) else "give one of these"
        raise TypeError(f"{where}: expected a model or a layer, got {model!r}: {hint}")
    left_out = map(vars(model).get, LEFT_OUT) if isinstance(model, Model) else ()
    memo: dict[int, Any] = {id(value): None for value in left_out}  # deepcopy takes None for these
    try:
        with computing:
            return copy.deepcopy(model, memo)
    except Exception as error:
        raise TypeError(
            f"{where}: expected a model that can be copied, got {model!r}: {error}: remove what cannot be copied"
        ) from error


class Recording:
    """Copies of a layer's y and dy.

    Args:
        before: to record what the layer computes before its activation, and the gradient there: the activation's x, dx.

    Attributes:
        name: the layer's name in the trace.
        is_recurrent: whether it has gates or states.
        makes_images: whether y holds images, (N, H, W, C), and is not x itself. Known after `forward`.
        reads_backwards: whether it reads sequences from their end.
        y, dy: from its last forward and backward; None before.
    """

    def __init__(self, layer: Any, name: str, reads_backwards: bool = False, before: bool = False) -> None:
        self.layer, self.name, self.reads_backwards = layer, name, reads_backwards
        self.is_recurrent, self.makes_images = recurrent.has_meanings(layer), False
        self.y: np.ndarray | None = None
        self.dy: np.ndarray | None = None
        runs = layer.activation if before else layer
        forward, backward = runs.forward, runs.backward

        def recorded_forward(x, *arguments, **options):
            y = forward(x, *arguments, **options)
            self.makes_images = y.ndim == 4 and (before or y is not x)
            self.y = (x if before else y).copy()
            return y

        def recorded_backward(dy, *arguments, **options):
            dx = backward(dy, *arguments, **options)
            self.dy = (dx if before else dy).copy()
            return dx

        runs.forward, runs.backward = recorded_forward, recorded_backward


def record(model: Model) -> list[Recording]:
    """Start a `Recording` of every nnlite layer in a model, both layers in a Bidirectional, and activations."""
    recordings = []
    for name, layer in model.all_layers.items():
        if isinstance(layer, RecurrentPair):
            recordings.append(Recording(layer.forward_layer, f"{name}.forward"))
            recordings.append(Recording(layer.backward_layer, f"{name}.backward", reads_backwards=True))
        elif isinstance(layer, Weighted) and layer.activation is not None:
            recordings.append(Recording(layer, name, before=True))
            recordings.append(Recording(layer.activation, f"{name}.{layer.activation.name}"))
        elif isinstance(layer, NNLITE_LAYERS):
            recordings.append(Recording(layer, name, getattr(layer, "go_backwards", False)))
    return recordings
