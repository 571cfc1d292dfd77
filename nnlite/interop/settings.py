"""Settings of layers that are no weights, and yet decide what these compute: compared before any weight is copied."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from nnlite import layers
from nnlite.utils import is_model

from .keras_layers import OUR_NAMES
from .weights import WeightsError, listed, short

Settings = dict[str, Any]
OWN = ("a class of your own",)  # of which nothing is known
_CLASSES = {
    "ReLU": "relu",
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "Softmax": "softmax",
    "LogSoftmax": "log_softmax",
    "LeakyReLU": "leaky_relu",
    "GELU": "gelu",
    "ELU": "elu",
    "SELU": "selu",
    "SiLU": "silu",
    "PReLU": "prelu",
    "Softplus": "softplus",
    "Mish": "mish",
    "Hardswish": "hardswish",
    "ReLU6": "relu6",
    "Swish": "silu",
}
_OF_SCORES = {("softmax",), ("log_softmax",), ("sigmoid",)}  # at the end, which a loss of scores does without


def compare(what: str, alone: str, pairs: Iterable[tuple[str, Any, Settings, str, Settings]]) -> None:
    """Refuse settings that are not those of the other side.

    Args:
        what: begins the message.
        alone: what has the weights without the settings.
        pairs: for each layer its name, itself and its settings, the other side's name and settings. What one side does
            not say is not compared.

    Raises:
        WeightsError: some differ; all are listed.
    """
    problems = []
    for name, layer, ours, other, theirs in pairs:
        for key, value in theirs.items():
            if key in ours and ours[key] != value and _is_known(key, ours[key]) and _is_known(key, value):
                problems.append(_line(name, layer, key, ours[key], other, value))
    if problems:
        raise WeightsError(
            f"{what}: expected layers with the same settings, got others, with which the same weights compute "
            f"something else. Make them alike; or, if this is meant, give {alone}, which says nothing of them:"
            f"{listed(problems)}"
        )


def _is_known(key, value):
    return key != "activations" or OWN not in value


def _line(name, layer, key, here, other, there):
    """What a message says of a setting that differs."""
    layer = getattr(layer, "layer", getattr(layer, "forward_layer", layer))
    hint, word = f"{key}={there!r}", key
    if key == "activations":
        is_one = len(there) == 1 and there[0][0] in ("relu", "sigmoid", "tanh", "softmax", "gelu", "leaky_relu")
        typed = _shown(there) if there and there[0][0] == "leaky_relu" else repr(_shown(there))
        typed = "GELU(approximate=True)" if there == (("gelu", "approximate"),) else typed
        takes_it = is_one and isinstance(layer, layers.Dense | layers.Conv2D)
        hint, word = f"activation={typed}" if takes_it else "", "activation"
        here, there = _shown(here), _shown(there)
    elif key == "padding" and isinstance(there, str):
        hint = ""
    end = f": {type(layer).__name__}({hint})" if hint else ""
    return f"{short(name)}: {word} is {here} here and {there} in {short(other)}{end}"


def _shown(activations):
    words = [f"LeakyReLU({given[1]:g})" if given[0] == "leaky_relu" else " ".join(given) for given in activations]
    return ", ".join(words) or "none"


# Ours.


def of_model(model: Any) -> dict[str, Settings]:
    """The settings of each layer with weights, by full names."""
    found: dict[str, Settings] = {}
    last = None
    rows = [*_rows(model, "", model.input_shape)]
    is_framed = any(isinstance(layer, layers.ZeroPadding2D) for _, layer, _ in rows)
    for name, layer, size in rows:
        inner = getattr(layer, "layer", getattr(layer, "forward_layer", layer))
        if layer.params:
            last = found[name] = _of_layer(inner, size)
            if is_framed:  # a frame of its own is a part of the padding
                last.pop("padding", None)
            last["activations"] = () if "activation" in last else activation(getattr(inner, "activation", None))
        elif last is not None:
            last["activations"] += activation(inner)
    if last is not None:
        last["activations"] = of_scores(last["activations"])
    return found


def of_scores(activations: tuple) -> tuple:
    """The activations behind a last layer without those that are often left to the loss."""
    return activations[:-1] if activations and activations[-1] in _OF_SCORES else activations


def _rows(model, path, shape):
    """Full name, layer, and (H, W) of the images that it sees."""
    for layer, below in zip(model.layers, model.shapes(shape), strict=False):
        if is_model(layer):
            yield from _rows(layer, f"{path}{layer.name}.", below)
        else:
            yield f"{path}{layer.name}", layer, tuple(below[-3:-1])


def _of_layer(layer, size):
    if isinstance(layer, layers.BatchNorm | layers.LayerNorm):
        return {"epsilon": layer.epsilon}
    if isinstance(layer, layers.Conv2D):
        window = layer.window
        return {
            "strides": window.strides,
            "dilation_rate": window.dilation,
            "groups": layer.groups,
            "padding": pads(window.size, window.strides, window.padding, window.dilation, size),
        }
    if isinstance(layer, layers.RNN):
        return {"activation": layer.activation, "go_backwards": layer.go_backwards}
    if isinstance(layer, layers.LSTM | layers.GRU):
        return {"activation": "tanh", "go_backwards": layer.go_backwards}
    return {}


def pads(kernel: Any, strides: Any, padding: Any, dilation: Any, size: tuple) -> Any:
    """Padding as ((top, bottom), (left, right)); "same" where that depends on a size that is not known."""
    window = layers.Conv2D(1, kernel, strides=strides, padding=padding, dilation_rate=dilation).window
    if len(size) != 2 or None in size:
        if padding == "same" and max(window.strides) > 1:
            return padding
        size = 99, 99
    top, bottom, left, right = window.pads(*size)
    return (top, bottom), (left, right)


def activation(given: Any) -> tuple:
    """The activations that a layer, a module, or the name of one stands for: none or one, as (name, number)."""
    if given is None or given == "linear":
        return ()
    if isinstance(given, str):
        given = {"swish": "silu"}.get(given, given)
        return ((given, 0.2),) if given == "leaky_relu" else ((given,),)
    kind = type(given).__name__
    if kind in _CLASSES:
        if kind == "LeakyReLU":
            return (("leaky_relu", float(given.negative_slope)),)
        if kind == "GELU" and getattr(given, "approximate", False) not in (False, "none"):
            return (("gelu", "approximate"),)
        return ((_CLASSES[kind],),)
    return () if getattr(layers, kind, None) is type(given) else (OWN,)


# PyTorch's.

_UNLIKE = {
    "ConvTranspose2d": "is a transposed convolution, which nnlite has not",
    "GroupNorm": "is no LayerNorm: it has groups of channels, which nnlite has not",
    "InstanceNorm2d": "is no BatchNorm: it has statistics of each image, which nnlite has not",
    "RMSNorm": "is no LayerNorm: it takes no mean away, which nnlite has not",
    "PReLU": "is an activation with weights, which nnlite has not",
}


def compare_torch(what: str, module: Any, model: Any, units: Iterable[tuple[Any, str, Any]]) -> None:
    """Refuse a module of PyTorch whose settings are others than those of a model.

    Args:
        units: for each layer with weights its unit, its name and itself.
    """
    units, modules, ours = list(units), dict(module.named_modules()), of_model(model)
    theirs: dict[str, Settings] = {}
    for unit, name, layer in units:
        one = modules.get(unit.module)
        kinds = [cls.__name__ for cls in type(one).__mro__]
        if unlike := next((_UNLIKE[kind] for kind in kinds if kind in _UNLIKE), None):
            raise WeightsError(f"{what}: {name}: {short(unit.module)} {unlike}: {layer!r} would compute something else")
        theirs[name] = _of_module(one, kinds)
    if any("Pad" in type(one).__name__ for one in modules.values()):
        for settings in theirs.values():
            settings.pop("padding", None)
    _add_activations(module, modules, theirs, units)
    rows = [(name, layer, ours[name], unit.module or "it", theirs[name]) for unit, name, layer in units]
    compare(what, "module.state_dict()", rows)
    _compare_slopes(what, modules.values(), ours)


def _of_module(module, kinds):
    if {"_BatchNorm", "LayerNorm"} & set(kinds):
        return {"epsilon": module.eps}
    if "Conv2d" in kinds:
        padding = module.padding if isinstance(module.padding, str) else tuple(module.padding)
        found = {"strides": tuple(module.stride), "dilation_rate": tuple(module.dilation), "groups": module.groups}
        found["padding"] = pads(module.kernel_size, module.stride, padding, module.dilation, ())
        if module.padding_mode != "zeros" and found["padding"] != ((0, 0), (0, 0)):
            found["padding"] = f"{module.padding_mode} {module.padding}"
        return found
    if "RNNBase" in kinds or "RNNCellBase" in kinds:
        nonlinearity = getattr(module, "nonlinearity", None) if {"RNN", "RNNCell"} & set(kinds) else None
        return {"activation": nonlinearity or "tanh", "go_backwards": False}
    return {}


def _add_activations(module, modules, theirs, units):
    """Add the activations of a Sequential; elsewhere only its forward knows them."""
    leaves = {name: one for name, one in modules.items() if not any(True for _ in one.children())}
    if not all(type(one).__name__ == "Sequential" for name, one in modules.items() if name not in leaves):
        return
    if type(module).__name__ != "Sequential":
        return
    behind: dict[str, tuple] = {}
    last = None
    for name, one in leaves.items():
        if any(True for _ in one.parameters()):
            behind[last := name] = ()
        elif last is not None and type(one).__name__ in _CLASSES:
            behind[last] += activation(one)
    if last is not None:
        behind[last] = of_scores(behind[last])
    for unit, name, _ in units:
        if unit.module in behind and "activation" not in theirs[name]:  # which a recurrent module of several layers has
            theirs[name]["activations"] = behind[unit.module]


def _compare_slopes(what, modules, ours):
    """Compare the slopes of LeakyReLU, where which is which is not known."""
    there = {float(one.negative_slope) for one in modules if type(one).__name__ == "LeakyReLU"}
    behind = [part for settings in ours.values() for part in settings["activations"] if part[:1] == ("leaky_relu",)]
    here = {part[1] for part in behind}
    if here and there and here != there:
        raise WeightsError(
            f"{what}: LeakyReLU: negative_slope is {_numbers(here)} here and {_numbers(there)} there: "
            f"LeakyReLU({min(there):g})"
        )


def _numbers(values):
    return ", ".join(f"{value:g}" for value in sorted(values))


# Keras'.


def compare_keras(
    what: str, config: Mapping[str, Any], model: Any, pairs: Iterable[tuple[Any, str, Any]], is_row: bool
) -> None:
    """Refuse a model of Keras whose settings are others than those of a model.

    Args:
        config: of Keras' model.
        pairs: for each layer with weights its place, its name and itself.
        is_row: whether Keras' layers stand in a row, so that it is known what is behind what.
    """
    ours, sizes = of_model(model), {name: size for name, _, size in _rows(model, "", model.input_shape)}
    items = [*_items(config)]
    behind, pairs = _behind(items), list(pairs)
    at = len(behind) - sum(place.kind != "pointwise" for place, _, _ in pairs) - 1  # behind tables of one-hot vectors
    is_framed = any(kind == "ZeroPadding2D" for kind, _ in items)
    rows = []
    for place, name, layer in pairs:
        theirs = _of_place(place, sizes[name])
        if is_framed:
            theirs.pop("padding", None)
        at += place.kind != "pointwise"
        if is_row and place.kind != "depthwise":
            theirs["activations"] = behind[at]
        rows.append((name, layer, ours[name], place.name, theirs))
    compare(what, "a .weights.h5 file", rows)


def _of_place(place, size):
    kind, config = place.kind, place.config
    if kind in ("BatchNormalization", "LayerNormalization"):
        return {"epsilon": config["epsilon"]} if "epsilon" in config else {}
    if kind in ("SimpleRNN", "LSTM", "GRU"):
        found: dict[str, Any] = {"go_backwards": bool(config.get("go_backwards"))} if place.back is None else {}
        return found | {"activation": config.get("activation", "tanh")}
    if kind in ("Conv2D", "DepthwiseConv2D", "depthwise") and "kernel_size" in config:
        values = [config.get(key, usual) for key, usual in (("strides", 1), ("padding", "valid"), ("dilation_rate", 1))]
        strides, padding, dilation = values
        window = layers.Conv2D(1, config["kernel_size"], strides=strides, dilation_rate=dilation).window
        found = {"strides": window.strides, "dilation_rate": window.dilation}
        return found | {"padding": pads(config["kernel_size"], strides, padding, dilation, size)}
    return {}


def _items(config: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Class and arguments of all layers, those of models inside, too; of one in a TimeDistributed by its outer name."""
    for item in config["layers"]:
        kind, inner = item["class_name"], item["config"]
        if isinstance(inner.get("layers"), list):
            yield from _items(inner)
        elif kind in ("TimeDistributed", "Bidirectional") and isinstance(inner.get("layer"), Mapping):
            yield inner["layer"]["class_name"], {**inner["layer"]["config"], "name": inner.get("name")}
        else:
            yield kind, inner


_WEIGHTED = {
    *("Dense", "Conv2D", "DepthwiseConv2D", "SeparableConv2D", "SimpleRNN", "LSTM", "GRU", "Embedding"),
    *("BatchNormalization", "LayerNormalization"),
}


def _behind(items):
    """The activations behind each layer with weights, its own first."""
    found: list[tuple] = []
    for kind, config in items:
        if kind in _WEIGHTED:
            is_recurrent = kind in ("SimpleRNN", "LSTM", "GRU")
            found.append(() if is_recurrent else _activation(config.get("activation")))
        elif found:
            found[-1] += _of_item(kind, config)
    if found:
        found[-1] = of_scores(found[-1])
    return found


def _of_item(kind, config):
    if kind == "Activation":
        return _activation(config.get("activation"))
    slope = config.get("negative_slope") or 0
    if kind == "LeakyReLU" or (kind == "ReLU" and slope):
        return (("leaky_relu", float(slope)),)
    if kind in _CLASSES:
        return ((_CLASSES[kind],),)
    known = getattr(layers, OUR_NAMES.get(kind, kind), None) or kind in ("InputLayer", "Identity")
    return () if known else (OWN,)


def _activation(given):
    if isinstance(given, Mapping):
        config = given.get("config")
        if given.get("class_name") == "function":
            return _activation(config)
        return _of_item(str(given.get("class_name")), config if isinstance(config, Mapping) else {})
    return activation(given) if given is None or isinstance(given, str) else (OWN,)
