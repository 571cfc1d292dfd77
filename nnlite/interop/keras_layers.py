"""What a layer of Keras is here, and the reverse, by their configurations.

Arguments mostly have the same names. What nnlite has no counterpart for is refused with the reason: a model that looks
alike and computes something else would be worse than none.
"""

from collections.abc import Callable, Mapping
from typing import Any

import nnlite
from nnlite import layers, regularizers
from nnlite.utils import advice, remedy

KERAS_NAMES = {  # of our classes, where Keras has another
    "RNN": "SimpleRNN",
    "MaxPool2D": "MaxPooling2D",
    "AvgPool2D": "AveragePooling2D",
    "GlobalMaxPool2D": "GlobalMaxPooling2D",
    "GlobalAvgPool2D": "GlobalAveragePooling2D",
    "BatchNorm": "BatchNormalization",
    "LayerNorm": "LayerNormalization",
}

# What says nothing about how a trained layer computes.
_OF_NO_CONSEQUENCE = {
    *("name", "dtype", "trainable", "seed", "unroll", "zero_output_for_mask", "implementation", "unit_forget_bias"),
    *("batch_input_shape", "batch_shape", "build_config", "data_format", "lora_rank", "lora_alpha", "synchronized"),
    *("renorm_momentum", "use_cudnn"),
    *(f"{of}_initializer" for of in ("kernel", "bias", "recurrent", "embeddings", "depthwise", "pointwise")),
    *(f"{of}_initializer" for of in ("beta", "gamma", "moving_mean", "moving_variance")),
}
_REGULARIZERS = "kernel_regularizer", "bias_regularizer", "embeddings_regularizer"
_OF_WINDOWS = "strides", "padding"
_OF_RECURRENT = "units", "return_sequences", "go_backwards", "stateful", "dropout"
_OF_GATES = {"activation": ("tanh",), "recurrent_activation": ("sigmoid",), "use_bias": (True, False)}
_LAST_AXIS = {"axis": (-1, [-1]), "center": (True, False), "scale": (True, False)}

# For each class of Keras: the arguments that are the same here, and the values that others may have. What is in neither
# may be None, False, or 0.
TAKEN: dict[str, tuple[tuple[str, ...], Mapping[str, tuple]]] = {
    "Dense": (("units", "activation", "use_bias", *_REGULARIZERS[:2]), {}),
    "Conv2D": (
        (
            *("filters", "kernel_size", *_OF_WINDOWS, "dilation_rate", "groups", "activation", "use_bias"),
            *_REGULARIZERS[:2],
        ),
        {},
    ),
    "SimpleRNN": ((*_OF_RECURRENT, "activation"), {"use_bias": (True, False)}),
    "LSTM": (_OF_RECURRENT, _OF_GATES),
    "GRU": ((*_OF_RECURRENT, "reset_after"), _OF_GATES),
    "Embedding": (("input_dim", "output_dim", "embeddings_regularizer"), {}),
    "BatchNormalization": (("momentum", "epsilon"), _LAST_AXIS),
    "LayerNormalization": (("epsilon",), _LAST_AXIS),
    "MaxPooling2D": (("pool_size", *_OF_WINDOWS), {}),
    "AveragePooling2D": (("pool_size", *_OF_WINDOWS), {}),
    "GlobalMaxPooling2D": (("keepdims",), {}),
    "GlobalAveragePooling2D": (("keepdims",), {}),
    "ZeroPadding2D": (("padding",), {}),
    "Dropout": (("rate",), {}),
    "Flatten": ((), {}),
    "Reshape": (("target_shape",), {}),
    "RepeatVector": (("n",), {}),
    "Softmax": ((), {"axis": (-1, [-1])}),
    "LeakyReLU": (("negative_slope",), {}),
}
OUR_NAMES = {theirs: ours for ours, theirs in KERAS_NAMES.items()}
_NOTHING = "Identity", "InputLayer"


class UnmappedError(ValueError):
    """A layer of one side has no counterpart on the other; the message says why."""


def ours(kind: str, config: Mapping[str, Any], channels: int | None = None) -> list[nnlite.Layer]:
    """What a layer of Keras is here: mostly one layer; none for what computes nothing.

    Args:
        kind: its class in Keras.
        config: its arguments there.
        channels: C of the images that a depthwise convolution sees.

    Raises:
        UnmappedError: it has no counterpart.
    """
    if kind in _NOTHING or (kind == "Activation" and _activation(config.get("activation")) in (None, "linear")):
        return []
    if config.get("data_format") == "channels_first":
        raise UnmappedError("data_format: images have their channels last here")
    if kind in ("DepthwiseConv2D", "SeparableConv2D"):
        return _depthwise(kind, config, channels)
    if kind in ("Bidirectional", "TimeDistributed"):
        return [_around(kind, config, channels)]
    if kind == "ReLU":
        return [_relu(config)]
    if kind == "Activation":
        return [layers.Activation(_activation(config["activation"]), **_common(config))]
    if kind not in TAKEN:
        raise UnmappedError(f"nnlite has no {kind}{advice(kind)}")
    same, values = TAKEN[kind]
    options = {name: config[name] for name in same if name in config}
    _refuse_others(config, {*same, *values}, getattr(layers, OUR_NAMES.get(kind, kind)))
    for name, allowed in values.items():
        got = _activation(config[name]) if name.endswith("activation") and name in config else config.get(name)
        if name in config and got not in allowed and not (name == "axis" and _is_last(config)):
            raise UnmappedError(f"{name}={got!r}: nnlite's {OUR_NAMES.get(kind, kind)} has {allowed[0]!r}")
    if "activation" in options:
        options["activation"] = _activation(options["activation"])
    for name in _REGULARIZERS:
        if name in options:
            options[name] = _regularizer(name, options[name])
    return [getattr(layers, OUR_NAMES.get(kind, kind))(**options, **_common(config))]


def _common(config):
    """The arguments that all layers have."""
    return {"name": config.get("name"), "trainable": config.get("trainable", True), "dtype": dtype_of(config)}


def dtype_of(config: Mapping[str, Any]) -> str:
    """The dtype of a layer of Keras: its name, or the name of a policy."""
    dtype = config.get("dtype") or "float32"
    name = dtype["config"]["name"] if isinstance(dtype, Mapping) else dtype
    if name not in ("float32", "float64"):
        raise UnmappedError(f"dtype={name!r}: nnlite has float32 and float64")
    return name


def _refuse_others(config, known, cls=nnlite.Layer):
    for name, value in config.items():
        is_usual = not value or (value is not True and value in (1, [1, 1]))
        if name not in known and name not in _OF_NO_CONSEQUENCE and not is_usual:
            shown = value.get("class_name", "...") if isinstance(value, Mapping) else repr(value)
            hint = remedy(cls, name)
            raise UnmappedError(f"{name}={shown:.100}: nnlite has no such argument{f': {hint}' if hint else ''}")


def _is_last(config):
    """Whether the axes are the last one alone, counted from the first; the shape says how many there are."""
    axis, shape = config.get("axis"), (config.get("build_config") or {}).get("input_shape")
    return isinstance(shape, list) and axis in (len(shape) - 1, [len(shape) - 1])


def _activation(given):
    """An activation of Keras as an argument of ours: a name, or a layer."""
    if isinstance(given, Mapping):
        kind, config = given.get("class_name"), given.get("config")
        if kind == "function":
            return _activation(config)
        made = ours(str(kind), config if isinstance(config, Mapping) else {})
        return made[0] if made else None
    if given in (None, "linear"):
        return None
    if given not in ("gelu", "leaky_relu", "relu", "sigmoid", "softmax", "tanh"):
        raise UnmappedError(f"activation={given!r}: nnlite has no such activation{advice(str(given))}")
    return given


def _regularizer(name, given):
    if given is None:
        return None
    kind, config = given.get("class_name"), given.get("config") or {}
    if kind not in ("L1", "L2", "L1L2"):
        raise UnmappedError(f"{name}={kind}: nnlite has L1, L2 and L1L2")
    return getattr(regularizers, kind)(**{key: value for key, value in config.items() if key in ("l1", "l2")})


def _relu(config):
    """Keras' ReLU, whose arguments make other functions of it."""
    _refuse_others(config, {"negative_slope"})
    slope = config.get("negative_slope")
    return layers.LeakyReLU(slope, **_common(config)) if slope else layers.ReLU(**_common(config))


def _depthwise(kind, config, channels):
    """A convolution of each channel by itself; of a separable one also the convolution of 1 x 1 behind it."""
    if channels is None:
        raise UnmappedError("its number of channels is not known: the file has no weights for it")
    is_separable = kind == "SeparableConv2D"
    known = {"kernel_size", *_OF_WINDOWS, "dilation_rate", "depth_multiplier", "activation", "use_bias", "filters"}
    _refuse_others(config, known | {"depthwise_regularizer", "pointwise_regularizer", "bias_regularizer"})
    end = {
        "use_bias": config.get("use_bias", True),
        "activation": _activation(config.get("activation")),
        "bias_regularizer": _regularizer("bias_regularizer", config.get("bias_regularizer")),
    }
    common, name = _common(config), config.get("name")
    if is_separable and name:
        common["name"] = f"{name}_depthwise"
    first = layers.Conv2D(
        channels * (config.get("depth_multiplier") or 1),
        groups=channels,
        kernel_regularizer=_regularizer("depthwise_regularizer", config.get("depthwise_regularizer")),
        **{key: config[key] for key in ("kernel_size", *_OF_WINDOWS, "dilation_rate") if key in config},
        **({"use_bias": False} if is_separable else end),
        **common,
    )
    if not is_separable:
        return [first]
    regularizer = _regularizer("pointwise_regularizer", config.get("pointwise_regularizer"))
    common["name"] = name
    return [first, layers.Conv2D(config["filters"], 1, kernel_regularizer=regularizer, **end, **common)]


def _around(kind, config, channels):
    """A layer around another one."""
    _refuse_others(config, {"layer", "merge_mode", "backward_layer"})
    inner = [] if config["layer"]["class_name"] == "Sequential" else ours(*described(config["layer"]), channels)
    if len(inner) != 1:
        raise UnmappedError(f"layer={config['layer']['class_name']}: nnlite's {kind} takes one layer")
    common = {"name": config.get("name"), "dtype": dtype_of(config["layer"]["config"])}
    if kind == "TimeDistributed":
        return layers.TimeDistributed(inner[0], **common)
    if config.get("backward_layer"):
        (back,) = ours(*described(config["backward_layer"]))
        expected = {**inner[0].get_config(), "go_backwards": True, "name": back.name}
        if type(back) is not type(inner[0]) or back.get_config() != expected:
            raise UnmappedError("backward_layer: nnlite's Bidirectional makes it like the other one")
    return layers.Bidirectional(
        inner[0],  # type: ignore[arg-type]  # which it checks
        config.get("merge_mode", "concat"),
        **common,
    )


def described(entry: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The class and the arguments of a layer in a configuration; with the shape that it was built for."""
    return entry["class_name"], {**entry["config"], "build_config": entry.get("build_config")}


# From nnlite to Keras.


def theirs(layer: Any, input_shape: tuple | None) -> list[tuple[str, dict[str, Any]]]:
    """The layers of Keras, class and arguments, that do what one of ours does.

    Raises:
        UnmappedError: there is none.
    """
    kind = type(layer).__name__
    if getattr(layers, kind, None) is not type(layer):
        raise UnmappedError("Keras has no layer of that class: it is your own")
    config = {key: value for key, value in layer.get_config().items() if key != "seed"}
    make: Callable[..., list] = _MAKERS.get(kind, _alike)
    made = make(layer, config)
    if ids := ids_of(layer, input_shape):
        made = [("Embedding", identity(ids, layer)), *(made if kind != "OneHot" else [])]
    return made


def ids_of(layer: Any, input_shape: tuple | None) -> int | None:
    """V, where a layer takes ids for one-hot vectors, which in Keras a table that is not trained makes of them."""
    if type(layer).__name__ == "OneHot":
        return layer.vocabulary_size
    inner = getattr(layer, "forward_layer", layer)
    is_ids = hasattr(inner, "input_dim") and input_shape is not None and len(input_shape) == 1
    return inner.input_dim if is_ids else None


def identity(V: int, layer: Any) -> dict[str, Any]:
    """The arguments of an Embedding that makes one-hot vectors: its weights are 1 on the diagonal."""
    name = layer.name if type(layer).__name__ == "OneHot" else f"{layer.name}_one_hot"
    return {"name": name, "input_dim": V, "output_dim": V, "trainable": False, "dtype": layer.dtype.name}


def _alike(layer, config, kind=None):
    kind = kind or KERAS_NAMES.get(type(layer).__name__, type(layer).__name__)
    same, _ = TAKEN[kind]
    kept = {key: config[key] for key in (*same, "name", "dtype") if key in config}
    kept["trainable"] = layer.trainable
    for name in _REGULARIZERS:
        if (regularizer := getattr(layer, name, None)) is not None and name in same:
            kept[name] = _their_regularizer(name, regularizer)
    return [(kind, kept)]


def _their_regularizer(name, given):
    kind = type(given).__name__
    if kind not in ("L1", "L2", "L1L2"):
        raise UnmappedError(f"{name}={kind}: Keras has L1, L2 and L1L2")
    config = {key: getattr(given, key) for key in ("l1", "l2") if kind == "L1L2" or key == kind.lower()}
    return {"module": "keras.regularizers", "class_name": kind, "config": config}


def _with_activation(layer, config):
    """A layer, and its activation as one of its own where a name does not say all of it."""
    activation = config.get("activation")
    if activation is None or isinstance(activation, str):
        return _alike(layer, config)
    made = _alike(layer, {**config, "activation": None})
    (kind, more), *_ = theirs(layer.activation, None)
    return [*made, (kind, {**more, "name": f"{layer.name}_activation", "dtype": layer.dtype.name})]


def _conv2d(layer, config):
    padding = config["padding"]
    if isinstance(padding, str):
        return _with_activation(layer, config)
    frame = "ZeroPadding2D", {"padding": padding, "name": f"{layer.name}_padding", "dtype": layer.dtype.name}
    return [frame, *_with_activation(layer, {**config, "padding": "valid"})]


def _pooling(layer, config):
    padding, is_mean = config["padding"], type(layer).__name__ == "AvgPool2D"
    counts = is_mean and layer.count_include_pad
    if padding in ("valid", 0) or (padding == "same" and not counts):
        return _alike(layer, {**config, "padding": padding or "valid", "strides": config["strides"]})
    if not counts or padding == "same":
        raise UnmappedError(f"padding={padding!r}: Keras' {KERAS_NAMES[type(layer).__name__]} has 'valid' and 'same'")
    frame = "ZeroPadding2D", {"padding": padding, "name": f"{layer.name}_padding", "dtype": layer.dtype.name}
    return [frame, *_alike(layer, {**config, "padding": "valid"})]


def _recurrent(layer, config):
    if layer.stateful is True:
        raise UnmappedError("stateful=True: Keras asks for the number of rows: write the model with stateful=False")
    (made,) = _alike(layer, {**config, "stateful": False})
    return [made]


def _activation_layer(layer, config):
    if getattr(layer, "approximate", False):
        raise UnmappedError("approximate=True: Keras' Activation('gelu') is the exact one")
    name = {"Sigmoid": "sigmoid", "Tanh": "tanh", "GELU": "gelu", "ReLU": "relu"}[type(layer).__name__]
    return [("Activation", {"activation": name, "name": layer.name, "dtype": layer.dtype.name})]


def _one_inside(layer, config):
    kind = type(layer).__name__
    inner = layer.layer if kind == "TimeDistributed" else layer.forward_layer
    made = theirs(inner, None)
    if len(made) != 1:
        raise UnmappedError(f"its layer, {inner!r}, is {len(made)} layers in Keras")
    ((inner_kind, inner_config),) = made
    inner_config["dtype"] = layer.dtype.name
    kept = {"layer": entry(inner_kind, inner_config), "name": layer.name}
    if kind == "Bidirectional":  # both layers, as Keras writes: it can mix up the layers that it makes by itself
        back = {**inner_config, "go_backwards": True, "name": f"backward_{inner.name}"}
        kept |= {"merge_mode": layer.merge_mode, "backward_layer": entry(inner_kind, back)}
    return [(kind, {**kept, "dtype": layer.dtype.name, "trainable": layer.trainable})]


def entry(kind: str, config: dict[str, Any]) -> dict[str, Any]:
    """A layer in a configuration of Keras."""
    module = "keras" if kind == "Sequential" else "keras.layers"
    return {"module": module, "class_name": kind, "config": config, "registered_name": None}


_MAKERS: dict[str, Callable[..., list]] = {
    "Dense": _with_activation,
    "Conv2D": _conv2d,
    "MaxPool2D": _pooling,
    "AvgPool2D": _pooling,
    **dict.fromkeys(("RNN", "LSTM", "GRU"), _recurrent),
    **dict.fromkeys(("Sigmoid", "Tanh", "GELU", "ReLU"), _activation_layer),
    **dict.fromkeys(("Bidirectional", "TimeDistributed"), _one_inside),
    "OneHot": lambda layer, config: [],
    "Embedding": lambda layer, config: _alike(
        layer, {**config, "input_dim": layer.vocabulary_size, "output_dim": layer.units}
    ),
}
