"""A copy of a model, and what goes through its layers while it computes.

The model itself is never run: whatever its layers, the user's own too, change as they compute, stays as it was in it,
also after an error. And no layer knows that it can be watched, so that training pays nothing for it.
"""

import copy

from .. import layers
from ..layers.base.layer import Layer
from ..layers.base.recurrent_pair import RecurrentPair
from ..models.model import Model
from ..models.sequential import Sequential
from ..turns import computing
from . import recurrent

NNLITE_LAYERS = tuple(getattr(layers, name) for name in layers.__all__)


# What a copy starts without: no pass needs it.
LUGGAGE = {"optimizer": None, "history": None}


def private_copy(model, where):
    """A copy of a model or layer that shares nothing with it. What was not built yet draws the weights it would have.

    Args:
        where: the name of the function, with which messages begin.

    Raises:
        TypeError: neither a model nor a layer, or one of its parts cannot be copied.
    """
    if not isinstance(model, Model | Layer):
        hint = f": make one, {model.__name__}(...)" if isinstance(model, type) else ""
        raise TypeError(f"{where}: expected a model or a layer, got {model!r}{hint}")
    layers = getattr(model, "layers", [model])
    pairs = [layer for layer in layers if isinstance(layer, RecurrentPair)]
    twins = [one for pair in pairs for one in (pair.forward_layer, pair.backward_layer)]
    copies = {}  # from the id of what is copied: each object once, whoever refers to it
    try:
        with computing:
            for part in (*twins, *layers, model):
                if id(part) not in copies:
                    copies[id(part)] = copy.deepcopy(_without_luggage(part), copies)
    except Exception as error:
        raise TypeError(f"{where} works on a copy of {model!r}, which cannot be copied: {error}") from error
    return copies[id(model)]


def _without_luggage(part):
    light = copy.copy(part)
    for name in vars(part).keys() & LUGGAGE.keys():
        setattr(light, name, LUGGAGE[name])
    return light


def as_model(copied):
    """The copy of a layer as a model of one layer; a model as it is."""
    if isinstance(copied, Model):
        return copied
    return Sequential([copied], seed=copied.rng, name=copied.name)


class Watch:
    """What goes through a layer, copied.

    Attributes:
        name: what the layer is called in a trace.
        is_recurrent: whether there are gates or states to look at.
        makes_images: whether y are images, (N, H, W, C), and other ones than x. Known after `forward`.
        reads_backwards: whether it reads a sequence from its end.
        y, dy: of its last forward and backward.
    """

    def __init__(self, layer, name, reads_backwards=False):
        self.layer, self.name, self.reads_backwards = layer, name, reads_backwards
        self.is_recurrent, self.makes_images = recurrent.can_be_looked_into(layer), False
        self.y = self.dy = None
        forward, backward = layer.forward, layer.backward

        def watched_forward(x, *arguments, **options):
            y = forward(x, *arguments, **options)
            self.makes_images = y.ndim == 4 and y is not x
            self.y = y.copy()
            return y

        def watched_backward(dy, *arguments, **options):
            self.dy = dy.copy()
            return backward(dy, *arguments, **options)

        layer.forward, layer.backward = watched_forward, watched_backward


def watch(model):
    """A `Watch` for every layer of nnlite in a model, and for both of a Bidirectional one."""
    watches = []
    for layer in model.layers:
        if isinstance(layer, RecurrentPair):
            watches.append(Watch(layer.forward_layer, f"{layer.name}.forward"))
            watches.append(Watch(layer.backward_layer, f"{layer.name}.backward", reads_backwards=True))
        elif isinstance(layer, NNLITE_LAYERS):
            watches.append(Watch(layer, layer.name))
    return watches
