"""Where Keras keeps the weights of each layer in its files, and how they are paired with a model's.

A file has a group for each layer, named after its class: the first LSTM of a model is "layers/lstm", the second
"layers/lstm_1". Below it are "vars/0", "vars/1" ..., without names; of recurrent layers below "cell".

A model's layers are read off its configuration where there is one, in a .keras file. A file of weights alone has no
order but that of layers of one class. It is read as the layers of the model that it is for would be written.
"""

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nnlite import layers
from nnlite.utils import is_model

from .keras_layers import KERAS_NAMES
from .weights import Link, Store, WeightsError, constant, listed, short

# Classes of Keras that have weights, and ours.
WEIGHTED = {
    "Dense": layers.Dense,
    "Conv2D": layers.Conv2D,
    "DepthwiseConv2D": layers.Conv2D,
    "SeparableConv2D": layers.Conv2D,
    "SimpleRNN": layers.RNN,
    "LSTM": layers.LSTM,
    "GRU": layers.GRU,
    "Embedding": layers.Embedding,
    "BatchNormalization": layers.BatchNorm,
    "LayerNormalization": layers.LayerNorm,
}
RECURRENT = "SimpleRNN", "LSTM", "GRU"
CONVOLUTIONS = "conv2d", "depthwise_conv2d", "separable_conv2d"


@dataclass(frozen=True)
class Place:
    """A layer of Keras with weights, or the part of one that is a layer here.

    Args:
        kind: its class; "depthwise" and "pointwise" for the parts of a SeparableConv2D.
        path: of the group that "vars" is in.
        name: what Keras calls it, for messages.
        config: its arguments, as far as they are known.
        back: of a Bidirectional: the path of its other layer.
    """

    kind: str
    path: str
    name: str
    config: Mapping[str, Any] = field(default_factory=dict)
    back: str | None = None

    def names(self, store: Store, path: str | None = None) -> list[str]:
        """The names of its arrays that there are, in Keras' order."""
        path = self.path if path is None else path
        found: list[str] = []
        while f"{path}/vars/{len(found)}" in store.arrays:
            found.append(f"{path}/vars/{len(found)}")
        return found


def snake_case(kind: str) -> str:
    """A class as Keras names groups after it: "simple_rnn" for SimpleRNN."""
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", kind))
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


class Groups:
    """Gives each layer of a model the name of its group, in their order."""

    def __init__(self, path: str) -> None:
        self.path = f"{path}layers/"
        self.counts: dict[str, int] = {}

    def next(self, stem: str) -> str:
        """The path of the next layer of that class."""
        count = self.counts[stem] = self.counts.get(stem, -1) + 1
        return f"{self.path}{stem}_{count}" if count else f"{self.path}{stem}"


def of_config(config: Mapping[str, Any], path: str = "") -> Iterator[Place]:
    """The places of a model's layers, from its configuration, in the order of its list of layers."""
    groups = Groups(path)
    for item in config["layers"]:
        kind, inner = item["class_name"], item["config"]
        group = groups.next(snake_case(kind))
        if kind in ("Sequential", "Functional", "Model"):
            yield from of_config(inner, f"{group}/")
        else:
            yield from of_layer(kind, inner, group)


def of_layer(kind: str, config: Mapping[str, Any], group: str) -> Iterator[Place]:
    """The places of a layer whose group is known. Of an unknown class there may be some, and nobody knows."""
    name = config.get("name") or group.rpartition("/")[2]
    if kind == "TimeDistributed":
        item = config["layer"]
        yield from of_layer(item["class_name"], {**item["config"], "name": name}, f"{group}/layer")
    elif kind == "Bidirectional":
        item = config["layer"]
        ends = (f"{group}/{end}_layer/cell" for end in ("forward", "backward"))
        yield Place(item["class_name"], next(ends), name, item["config"], next(ends))
    elif kind == "SeparableConv2D":
        yield Place("depthwise", group, name, config)
        yield Place("pointwise", group, name, config)
    elif kind in RECURRENT:
        yield Place(kind, f"{group}/cell", name, config)
    else:
        yield Place(kind, group, name, config)


def weighted(model: Any) -> Iterator[tuple[str, Any]]:
    """The layers of a model that have weights, those of models inside it too, with their full names."""
    for name, layer in model.all_layers.items():
        if kind_of(layer) or layer.params:
            yield name, layer


def kind_of(layer: Any) -> str | None:
    """The class of Keras that one of our layers with weights is; None for one's own."""
    inner = getattr(layer, "layer", getattr(layer, "forward_layer", layer))
    names = {ours: theirs for theirs, ours in reversed(WEIGHTED.items())}
    return names.get(type(inner))


def of_model(model: Any, store: Store | None = None, path: str = "") -> list[Place]:
    """The places of a model's layers as `to_keras` writes them; with a store, as the file in it has convolutions.

    A convolution in groups may be a DepthwiseConv2D there, and two together a SeparableConv2D.
    """
    groups, found = Groups(path), list[Place]()
    kinds = _convolutions(model, store, path) if store else None
    for layer in model.layers:
        if is_model(layer):
            found += of_model(layer, store, f"{groups.next('sequential')}/")
            continue
        kind = kind_of(layer)
        if kind is None:
            if layer.params:
                raise WeightsError(f"{layer.name}: Keras has no layer of your own class {type(layer).__name__}")
            groups.next(snake_case(KERAS_NAMES.get(type(layer).__name__, type(layer).__name__)))
            continue
        config = {"name": layer.name}
        if type(layer) is layers.Conv2D and kinds:
            kind = kinds.pop(0)
            if kind == "pointwise":  # with the depthwise part, which is there already
                continue
        outer = type(layer).__name__
        if outer in ("TimeDistributed", "Bidirectional"):
            config = {**config, "layer": {"class_name": kind, "config": {}}}
            kind = outer
        group = groups.next(snake_case(kind))
        if store and _is_depthwise(layer, f"{group}/layer", store):
            config["layer"]["class_name"] = "DepthwiseConv2D"
        found += of_layer(kind, config, group)
    return found


def _is_depthwise(layer, group, store):
    """Whether the convolution in a TimeDistributed has the weights of a DepthwiseConv2D."""
    inner = getattr(layer, "layer", None)
    if type(inner) is not layers.Conv2D or f"{group}/vars/0" not in store.arrays:
        return False
    W, there = layer.params["W"], store.arrays[f"{group}/vars/0"].shape
    return there != W.shape and there == _to_depthwise(inner.groups, W)[0].shape


def _convolutions(model, store, path):
    """Which classes of Keras a model's Conv2D are in a file, in their order; None if all are Conv2D."""
    start = f"{path}layers/"
    there = [name.removeprefix(start).split("/")[0] for name in store.arrays if name.startswith(start)]
    counts = [len({name for name in there if re.fullmatch(rf"{stem}(_\d+)?", name)}) for stem in CONVOLUTIONS]
    convolutions = [layer for layer in model.layers if type(layer) is layers.Conv2D]
    if not any(counts[1:]):
        return None

    def shape(stem, number, i):
        return getattr(store.arrays.get(f"{start}{stem}{f'_{number}' if number else ''}/vars/{i}"), "shape", None)

    @functools.cache
    def ways(at, *used):
        """Up to two ways to read the layers from number `at` on."""
        if at == len(convolutions):
            return ((),) if list(used) == counts else ()
        W, found = convolutions[at].params["W"].shape, []
        depthwise = (*W[:2], convolutions[at].groups, W[3] // convolutions[at].groups)
        is_depthwise = W[2] == 1
        plain, deep, separable = used
        if shape("conv2d", plain, 0) == W:
            found += [("Conv2D", *rest) for rest in ways(at + 1, plain + 1, deep, separable)]
        if is_depthwise and shape("depthwise_conv2d", deep, 0) == depthwise:
            found += [("DepthwiseConv2D", *rest) for rest in ways(at + 1, plain, deep + 1, separable)]
        if is_depthwise and at + 1 < len(convolutions) and shape("separable_conv2d", separable, 0) == depthwise:
            after = convolutions[at + 1].params["W"].shape
            if shape("separable_conv2d", separable, 1) == after:
                rest = ways(at + 2, plain, deep, separable + 1)
                found += [("SeparableConv2D", "pointwise", *kinds) for kinds in rest]
        return tuple(found[:2])

    found = ways(0, 0, 0, 0)
    if len(found) > 1:
        raise WeightsError(
            "which convolutions are a DepthwiseConv2D or a SeparableConv2D cannot be told from the shapes: save the "
            "model by model.save('model.keras'), which says so"
        )
    return list(found[0]) if found else None


def paired(
    places: Iterable[Place], model: Any, store: Store | None, is_read: bool = True
) -> tuple[list[Link], list[Place]]:
    """The links of all weights of a model, with the places of Keras' layers in the same order.

    Args:
        store: the weights that there are.
        is_read: whether they are to be read, so that it counts what they are.

    Returns:
        The links, and the places of tables for one-hot vectors, which are no layers with weights here.

    Raises:
        WeightsError: there are not as many layers, or they are of other kinds; both are listed.
    """
    pairs, tables = matched(places, model, store, is_read)
    return [link for place, name, layer in pairs for link in links(place, f"{name}.", layer, store)], tables


def matched(
    places: Iterable[Place], model: Any, store: Store | None, is_read: bool = True
) -> tuple[list[tuple[Place, str, Any]], list[Place]]:
    """Keras' layers with the names of ours, and ours; and the tables. See `paired`."""
    known = [place for place in places if place.kind in WEIGHTED or place.kind in ("depthwise", "pointwise")]
    own = list(weighted(model))
    has_table = bool(own) and isinstance(own[0][1], layers.Embedding)
    tables = [] if has_table else [place for place in known[:1] if is_identity(place, store if is_read else None)]
    known = known[len(tables) :]
    if len(known) != len(own) or not all(_fits(place, layer) for place, (_, layer) in zip(known, own, strict=True)):
        raise WeightsError(f"the layers with weights are not the same:{listed(_side_by_side(known, own))}")
    return [(place, name, layer) for place, (name, layer) in zip(known, own, strict=True)], tables


def is_identity(place: Place, store: Store | None) -> bool:
    """Whether a place is a table that gives one-hot vectors, and is not trained; without a store, may be one."""
    config, name = place.config, f"{place.path}/vars/0"
    if place.kind != "Embedding" or config.get("trainable") is not False:
        return False
    if store is None:
        return config.get("input_dim") == config.get("output_dim")
    if name not in store.arrays:
        return False
    shape = store.arrays[name].shape
    if len(shape) != 2 or shape[0] != shape[1]:
        return False
    W = store.read(name)
    return bool((W.diagonal() == 1).all() and np.count_nonzero(W) == len(W))


def _fits(place, layer):
    kind = kind_of(layer)
    is_both = hasattr(layer, "forward_layer")
    if place.kind in ("depthwise", "pointwise", "DepthwiseConv2D"):
        return kind == "Conv2D"
    return place.kind == kind and (place.back is not None) == is_both


def _side_by_side(known, own):
    """Both sides' layers in a table, for a message."""
    left = [f"{place.kind} {short(place.name)}" for place in known]
    right = [f"{layer!r} {name}" for name, layer in own]
    rows = max(len(left), len(right))
    left += ["-"] * (rows - len(left))
    right += ["-"] * (rows - len(right))
    width = max([len("Keras"), *map(len, left)])
    return [f"{a:{width}}  {b}" for a, b in zip(["Keras", *left], ["nnlite", *right], strict=True)]


def links(place: Place, prefix: str, layer: Any, store: Store | None) -> list[Link]:
    """The links between the weights of a place and those of a layer of ours, which may not be built.

    Args:
        prefix: of our names, such as "lstm.".
    """
    if place.back is not None:
        ends = (("forward", place.path, layer.forward_layer), ("backward", place.back, layer.backward_layer))
        found = []
        for end, path, inner in ends:
            one = Place(place.kind, path, place.name, place.config)
            found += links(one, f"{prefix}{end}_", inner, store)
        return found
    inner = getattr(layer, "layer", layer)
    there = place.names(store) if store else None
    at = [f"{place.path}/vars/{i}" for i in range(4)]

    def shape(i):
        return store.arrays[at[i]].shape if store and at[i] in store.arrays else ()

    if place.kind in ("BatchNormalization", "LayerNormalization"):
        return _normalization(place, prefix, there, shape, at)
    if place.kind == "Embedding":
        return [Link(f"{prefix}W", (at[0],))]
    if place.kind in RECURRENT:
        bias = Link(f"{prefix}b", (at[2],))
        if place.config.get("use_bias") is False or (there is not None and len(there) == 2):
            H = shape(1)[0] if shape(1) else inner.units
            rows = (2,) if getattr(inner, "biases", 1) == 2 else ()
            bias = constant(f"{prefix}b", 0, (*rows, inner.gates * H))
        return [Link(f"{prefix}Wx", (at[0],)), Link(f"{prefix}Wh", (at[1],)), bias]
    if place.kind == "pointwise":
        at = at[1:]
    to = (_from_depthwise, functools.partial(_to_depthwise, inner.groups)) if "epthwise" in place.kind else ()
    found = [Link(f"{prefix}W", (at[0],), *to)]
    has_bias = place.kind != "depthwise" and inner.use_bias
    return [*found, Link(f"{prefix}b", (at[1],))] if has_bias else found


def _from_depthwise(W):
    """(kh, kw, C, m) as filters in C groups, (kh, kw, 1, C m)."""
    return W.reshape(*W.shape[:2], 1, -1)


def _to_depthwise(groups, W):
    return (W.reshape(*W.shape[:2], groups, -1),)


def _normalization(place, prefix, there, shape, at):
    """gamma and beta, which Keras may leave out, and the running statistics behind them."""
    has = {"gamma": place.config.get("scale"), "beta": place.config.get("center")}
    statistics = ["moving_mean", "moving_variance"] if place.kind == "BatchNormalization" else []
    count = len(there) - len(statistics) if there else len(has)
    if None in has.values():
        if count == 1:
            raise WeightsError(
                f"{short(place.name)}: whether it has a scale and no shift, or a shift and no scale, a file of weights "
                f"does not say: save the model by model.save('model.keras'), which does"
            )
        has = dict.fromkeys(has, count > 0)
    found, left = [], iter(at)
    for (key, is_there), value in zip(has.items(), (1.0, 0.0), strict=True):
        found.append(Link(prefix + key, (next(left),)) if is_there else constant(prefix + key, value, shape(0)))
    return found + [Link(prefix + key, (next(left),)) for key in statistics]
