"""A model as JSON for network.js: its layers, and all numbers in one text."""

import base64
from typing import Any

import numpy as np

import nnlite

RECURRENT = nnlite.LSTM, nnlite.GRU, nnlite.RNN
FIRST = nnlite.OneHot, nnlite.Embedding, *RECURRENT  # what reads ids

# Each kind of layer that network.js runs, and what it needs to know of one besides its arrays.
KINDS: dict[type, tuple[str, ...]] = {
    nnlite.OneHot: ("vocabulary_size",),
    nnlite.Embedding: (),
    nnlite.LSTM: ("units",),
    nnlite.GRU: ("units", "reset_after"),
    nnlite.RNN: ("units", "activation"),
    nnlite.Dense: (),
    nnlite.LayerNorm: ("epsilon",),
    nnlite.Tanh: (),
    nnlite.Sigmoid: (),
    nnlite.ReLU: (),
    nnlite.LeakyReLU: ("negative_slope",),
    nnlite.Softmax: (),
}


class PlayError(ValueError):
    """The page cannot run this model. The message says which layer is in the way.

    Example:
        >>> from nnlite.play import PlayError
        >>> issubclass(PlayError, ValueError)
        True
    """


def network(model: nnlite.Sequential, V: int) -> dict[str, Any]:
    """The layers of a model of characters, without Dropout, and its numbers, as network.js reads them.

    Numbers are float32, as the kernels' are; float16 where that loses nothing.

    Args:
        V: the size of the vocabulary.

    Raises:
        PlayError: a layer is of a kind that network.js does not run, or stands where it cannot.
    """
    layers: list[dict[str, Any]] = []
    arrays: list[np.ndarray] = []
    for name, layer in model.all_layers.items():
        if type(layer) is nnlite.Dropout:
            continue
        _require(name, layer, bool(layers))
        described = {"kind": type(layer).__name__, "name": name} | {key: getattr(layer, key) for key in KINDS[type(layer)]}
        described["arrays"] = {key: list(array.shape) for key, array in layer.params.items()}
        arrays += layer.params.values()
        layers.append(described)
    if not any(isinstance(layer, RECURRENT) for layer in model.all_layers.values()):
        raise PlayError(f"model: expected an LSTM, GRU or RNN among the layers, got none in {model.name}")
    numbers = np.concatenate([array.ravel() for array in arrays]).astype("<f4")
    short = numbers.astype("<f2")
    is_short = (short == numbers).all()
    encoded = base64.b64encode((short if is_short else numbers).tobytes()).decode()
    return {"layers": layers, "format": "float16" if is_short else "float32", "numbers": encoded}


def _require(name, layer, has_first):
    kind = type(layer).__name__
    known = ", ".join(kind.__name__ for kind in (*KINDS, nnlite.Dropout))
    if type(layer) not in KINDS:
        raise PlayError(f"model: expected layers that the page runs ({known}), got {kind} ({name}): use one of these")
    if getattr(layer, "go_backwards", False):
        raise PlayError(f"model: expected layers that read forwards, got {name} with go_backwards=True: a text that is "
                        f"being written has no end to start from")
    if not has_first and type(layer) not in FIRST:
        first = ", ".join(kind.__name__ for kind in FIRST)
        raise PlayError(f"model: expected a first layer that reads characters ({first}), got {kind} ({name})")
    if has_first and type(layer) in FIRST[:2]:
        raise PlayError(f"model: expected {kind} ({name}) as the first layer, got it behind another one")
