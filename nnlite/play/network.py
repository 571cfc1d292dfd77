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


def require_sequential(model: Any) -> None:
    """Refuse what no page can run."""
    if not isinstance(model, nnlite.Sequential):
        raise PlayError(f"model: expected a Sequential, got {model!r}: give a model, such as load_model reads")


def require_finite(*arrays: np.ndarray) -> None:
    """Refuse a model whose training has diverged."""
    if not all(np.isfinite(array).all() for array in arrays):
        raise PlayError("model: expected finite weights, got NaN or infinity: the training has diverged")


def network(model: nnlite.Sequential, V: int) -> dict[str, Any]:
    """The layers of a model of characters, without Dropout, and its numbers, as network.js reads them.

    Numbers are float32, as the kernels' are; float16 where that loses nothing.

    Args:
        V: the size of the vocabulary.

    Raises:
        PlayError: the model has no weights yet; a layer is of a kind that network.js does not run, or stands where it
            cannot; the model has another number of characters; or a weight is not finite.
    """
    if not model.built:
        raise PlayError(f"model: expected one with weights, got {model.name}, which is not built: train it first")
    layers: list[dict[str, Any]] = []
    arrays: list[np.ndarray] = []
    for name, layer in _parts(model):
        _require(name, layer, layers)
        settings = {key: getattr(layer, key) for key in KINDS[type(layer)]}
        shapes = {key: list(array.shape) for key, array in layer.params.items()}
        layers.append({"kind": type(layer).__name__, "name": name, **settings, "arrays": shapes})
        arrays += layer.params.values()
    if not any(layer["kind"] in {kind.__name__ for kind in RECURRENT} for layer in layers):
        raise PlayError(f"model: expected an LSTM, GRU or RNN among the layers, got none in {model.name}")
    _require_sizes(layers, V)
    numbers = np.concatenate([array.ravel() for array in arrays]).astype("<f4")
    require_finite(numbers)
    with np.errstate(over="ignore"):
        short = numbers.astype("<f2")
    is_short = bool((short == numbers).all())
    encoded = base64.b64encode((short if is_short else numbers).tobytes()).decode()
    return {"layers": layers, "format": "float16" if is_short else "float32", "numbers": encoded}


def _parts(model):
    """The layers that compute something, with their names; the activation of a Dense layer is one of its own."""
    for name, layer in model.all_layers.items():
        if type(layer) is not nnlite.Dropout:
            yield name, layer
        if isinstance(activation := getattr(layer, "activation", None), nnlite.Layer):
            yield f"{name}.activation", activation


def _require(name, layer, before):
    kind, first = type(layer).__name__, [kind.__name__ for kind in FIRST]
    if type(layer) not in KINDS:
        known = ", ".join(kind.__name__ for kind in (*KINDS, nnlite.Dropout))
        raise PlayError(f"model: expected layers that the page runs ({known}), got {kind} ({name}): use one of these")
    if getattr(layer, "go_backwards", False):
        raise PlayError(
            f"model: expected layers that read forwards, got {name} with go_backwards=True: a text that is being "
            f"written has no end to start from"
        )
    if not before and type(layer) not in FIRST:
        raise PlayError(
            f"model: expected a first layer that reads characters ({', '.join(first)}), got {kind} ({name})"
        )
    if before and type(layer) in (nnlite.OneHot, nnlite.Embedding):
        raise PlayError(f"model: expected {kind} ({name}) as the first layer, got it behind {before[-1]['name']}")
    if before and before[-1]["kind"] == "Softmax":
        raise PlayError(f"model: expected Softmax as the last layer, got {kind} ({name}) behind it")


def _require_sizes(layers, V):
    """Refuse a model that reads or scores another number of characters than the vocabulary has."""
    first = layers[0]
    reads = first.get("vocabulary_size") or next(iter(first["arrays"].values()))[0]
    weights: dict[str, list[int]] = next((layer["arrays"] for layer in reversed(layers) if layer["arrays"]), {})
    scores = weights["Wh"][0] if "Wh" in weights else next(iter(weights.values()))[-1]
    for does, size in (("reads", reads), ("scores", scores)):
        if size != V:
            raise PlayError(
                f"model: expected one that {does} the vocabulary's {V} characters, got one for {size}: give the "
                f"vocabulary that it was trained with"
            )
