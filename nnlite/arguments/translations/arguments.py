"""Arguments of constructors: what Keras and PyTorch call them, and in which order they take them."""

from typing import Any

_FOUND = "the size of the input is found from it: leave it out"
_LAST_AXIS = "it always works on the last axis: leave it out"
_ACTIVATION = "its activations are those of its equations: leave it out"
_DECAY = "it is not here: use weight_decay of the optimizer"
_START = "it starts as in Keras by default; for others set params once it is built"
_RECURRENT = {
    "input_size": _FOUND,
    "hidden_size": "use units",
    "num_layers": "use one layer for each, [CLASS(H, return_sequences=True), CLASS(H)]",
    **dict.fromkeys(("bias", "use_bias"), "it always has a bias: leave it out"),
    **dict.fromkeys(("batch_first", "time_major"), "all of this is always (N, T, F), batch first: leave it out"),
    "bidirectional": "use Bidirectional(layer)",
    "nonlinearity": "use activation",
    **dict.fromkeys(("activation", "recurrent_activation"), _ACTIVATION),
    "implementation": "there is one: leave it out",
    "unroll": "it computes the same: leave it out",
    "unit_forget_bias": "it is always 1 at the start: leave it out",
    "recurrent_dropout": "it is not here: use a Dropout layer before or after it",
    **dict.fromkeys(("kernel_regularizer", "recurrent_regularizer", "bias_regularizer"), _DECAY),
    **dict.fromkeys(("kernel_initializer", "recurrent_initializer", "bias_initializer"), _START),
}
_POOL = {"kernel_size": "use pool_size", "stride": "use strides", "size": "use pool_size"}
_NORM = {
    "axis": _LAST_AXIS,
    "eps": "use epsilon",
    **dict.fromkeys(("affine", "elementwise_affine"), "gamma and beta are always there: leave it out"),
    "center": "beta is always there: leave it out",
    "scale": "gamma is always there: leave it out",
}
_CHANNELS_LAST = "images are always (N, H, W, C), channels last: leave it out"

# Class -> argument -> what to do. Those of a base hold for all classes below it.
REMEDIES: dict[str, dict[str, str]] = {
    "Layer": {
        "data_format": _CHANNELS_LAST,
        **dict.fromkeys(("batch_input_shape", "batch_shape"), "use input_shape=..., without the batch axis"),
        "input_dim": "use input_shape=(F,), on the first layer",
        "bias": "use use_bias",
        "device": "it computes on the CPU: leave it out",
        "inplace": "nothing is computed in place: leave it out",
        **dict.fromkeys(("activity_regularizer", "kernel_constraint"), "it is not here: use kernel_regularizer"),
        "bias_constraint": "it is not here: use bias_regularizer",
        "weights": "use layer.set_weights([...]) once it is built",
    },
    "Input": {
        **dict.fromkeys(("batch_shape", "batch_input_shape"), "use shape=..., without the batch axis"),
        **dict.fromkeys(("sparse", "ragged", "tensor"), "inputs are arrays: leave it out"),
    },
    "Dense": {"in_features": _FOUND, "out_features": "use units", "input_size": _FOUND, "output_dim": "use units"},
    "Conv2D": {
        "in_channels": _FOUND,
        "out_channels": "use filters",
        "stride": "use strides",
        "dilation": "use dilation_rate",
        "padding_mode": "pixels outside the image are 0: leave it out",
        "kernel": "use kernel_size",
        "border_mode": "use padding",
    },
    "Pooling": {**_POOL, "ceil_mode": "what is left over at the border is not read: leave it out"},
    "Recurrent": _RECURRENT,
    "Dropout": {"p": "use rate", "noise_shape": "each number is dropped by itself: leave it out"},
    "Embedding": {
        "num_embeddings": "use vocabulary_size",
        "embedding_dim": "use units",
        "input_length": "any length will do: leave it out",
        **dict.fromkeys(("padding_idx", "mask_zero"), "give fit lengths=... instead"),
    },
    "OneHot": dict.fromkeys(("num_classes", "num_tokens"), "use vocabulary_size"),
    "BatchNorm": {**_NORM, "num_features": _FOUND, "track_running_stats": "they are always kept: leave it out"},
    "LayerNorm": {**_NORM, "normalized_shape": _FOUND},
    "Softmax": dict.fromkeys(("axis", "dim"), _LAST_AXIS),
    "LeakyReLU": {"alpha": "use negative_slope"},
    "ReLU": {
        "negative_slope": "use LeakyReLU(negative_slope)",
        **dict.fromkeys(("max_value", "threshold"), "it is not here: leave it out"),
    },
    "Optimizer": {
        "lr": "use learning_rate",
        "params": "an optimizer gets the parameters from compile, or from apply(grads, params): leave it out",
        "decay": "use weight_decay for smaller weights, or a schedule as learning_rate, such as Adam(CosineDecay(...))",
        "betas": "use beta_1 and beta_2",
        "eps": "use epsilon",
        "alpha": "use rho",
        "dampening": "there is none here, as in Keras: leave it out",
        "maximize": "let the loss be the negative of what is to grow: leave it out",
        "max_grad_norm": "use global_clipnorm",
        "amsgrad": "there is no AMSGrad here: leave it out",
        "gradient_accumulation_steps": "every batch makes a step here: use a larger batch_size",
        "loss_scale_factor": "float32 needs no scaled loss: leave it out",
        "name": "an optimizer has no name here: leave it out",
        **dict.fromkeys(("use_ema", "ema_momentum"), "there is no average of the weights here: leave it out"),
    },
    "Schedule": {
        "name": "a schedule has no name here: leave it out",
        "warmup_steps": "use WarmUp(schedule, warmup_steps=...)",
        "warmup_target": "use WarmUp(schedule, warmup_steps=...), which rises to the schedule's own first rate",
    },
    "Loss": {
        "axis": "the scores of a position are on the last axis: use np.moveaxis for another",
        "ignore_index": "use SparseCategoricalCrossentropy(ignore_class=...)",
        "label_smoothing": "use CategoricalCrossentropy, with one-hot labels, or BinaryCrossentropy",
        "name": "a loss has no name here: leave it out",
        **dict.fromkeys(("weight", "pos_weight"), "use class_weight of fit, or sample_weight of forward"),
        **dict.fromkeys(("size_average", "reduce"), "use reduction"),
    },
    **{
        loss: {"weight": "use sample_weight of fit, or of forward"}
        for loss in ("MeanSquaredError", "MeanAbsoluteError")
    },
    "BackupAndRestore": {
        "backup_dir": "use path, which is a file",
        "double_checkpoint": "one file is always complete: leave it out",
    },
    "JSONLogger": {"filename": "use path", "separator": "use CSVLogger for columns"},
    "ReduceLROnPlateau": {"epsilon": "use min_delta", "threshold": "use min_delta"},
    "Initializer": {"seed": "give the layer or the model a seed: leave it out", "std": "use stddev"},
}

# The arguments without a name in other frameworks' order, of classes that take fewer of them here.
ORDERS: dict[str, dict[str, tuple[str, ...]]] = {
    "LSTM": {
        "Keras": ("units", "activation", "recurrent_activation", "use_bias"),
        "PyTorch": ("input_size", "hidden_size", "num_layers", "bias", "batch_first"),
    },
    "RNN": {
        "Keras": ("units", "activation", "use_bias"),
        "PyTorch": ("input_size", "hidden_size", "num_layers", "nonlinearity"),
    },
    "Dense": {"Keras": ("units", "activation", "use_bias"), "PyTorch": ("in_features", "out_features", "bias")},
    "BatchNorm": {"Keras": ("axis", "momentum", "epsilon"), "PyTorch": ("num_features", "eps", "momentum")},
    "LayerNorm": {"Keras": ("axis", "epsilon"), "PyTorch": ("normalized_shape", "eps", "elementwise_affine")},
    "Softmax": {"Keras": ("axis",), "PyTorch": ("dim",)},
    "ReLU": {"Keras": ("max_value", "negative_slope", "threshold"), "PyTorch": ("inplace",)},
    "LeakyReLU": {"PyTorch": ("negative_slope", "inplace")},
    "Dropout": {"Keras": ("rate", "noise_shape", "seed"), "PyTorch": ("p", "inplace")},
    "Conv2D": {
        "Keras": ("filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate", "groups"),
        "PyTorch": ("in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "groups", "bias"),
    },
    "AvgPool2D": {
        "Keras": ("pool_size", "strides", "padding", "data_format"),
        "PyTorch": ("kernel_size", "stride", "padding", "ceil_mode"),
    },
    "GlobalAvgPool2D": {"Keras": ("data_format", "keepdims")},
}
ORDERS["GRU"] = ORDERS["LSTM"]
ORDERS["MaxPool2D"] = ORDERS["AvgPool2D"]
ORDERS["GlobalMaxPool2D"] = ORDERS["GlobalAvgPool2D"]

# Where what looks like several arguments is one.
TUPLES = {
    "Reshape": "Give the sizes as one tuple, such as Reshape((28, 28, 1))",
    "ZeroPadding2D": "Give the padding as one tuple, such as ZeroPadding2D(((1, 1), (2, 2)))",
}

_SIZES = {"in_channels", "out_channels", "input_size", "hidden_size", "num_layers"}
_SIZES |= {"in_features", "out_features", "num_features"}
_NO_NUMBERS = {"activation", "recurrent_activation"}
_TRUTHS = {"ceil_mode", "bias", "use_bias", "batch_first", "inplace"}


def remedy(cls: type, name: str) -> str | None:
    """What to do instead of giving this class an argument of this name; None if nothing is known of it."""
    tables = (REMEDIES.get(base.__name__, {}) for base in cls.__mro__)
    found = next((table[name] for table in tables if name in table), None)
    return found and found.replace("CLASS", cls.__name__)


def orders(cls: type, known: list[str], by_place: list[str], values: tuple[Any, ...]) -> str:
    """What these values without a name would be in Keras' and PyTorch's order, and what to do; may be empty.

    Args:
        known: the arguments that the class has.
        by_place: those of them that need no name.

    Example:
        >>> from nnlite import LSTM
        >>> orders(LSTM, ["units"], ["units"], (64, "relu"))
        "In Keras' order activation='relu': its activations are those of its equations: leave it out"
    """
    if cls.__name__ in TUPLES:
        return TUPLES[cls.__name__]
    texts = []
    for framework, names in ORDERS.get(cls.__name__, {}).items():
        given = list(zip(names, values, strict=False))
        if len(given) < len(values) or not all(_fits(*pair) for pair in given):
            continue
        lines = []
        for i, (name, value) in enumerate(given):
            by_name = None if name in by_place[i : i + 1] else "give it by name"
            advice = by_name if name in known else remedy(cls, name)
            if advice and advice not in [f"use {ours}" for ours in by_place[i : i + 1]]:
                lines.append(f"{name}={value!r}: {advice}")
        texts.append(f"In {framework}{chr(39) if framework[-1] == 's' else chr(39) + 's'} order {'; '.join(lines)}")
    return ". ".join(texts)


def size_first(owner: str, value: Any) -> str:
    """The end of a message where PyTorch has the size of the output, after that of the input; else empty."""
    if isinstance(value, int) and not isinstance(value, bool):
        return f": if {value} is the size of the output, after that of the input, as in PyTorch, write {owner}({value})"
    return ""


def refuse_pytorchs_order(conv2d: Any, C: int | None, by_place: int) -> None:
    """Refuse Conv2D(1, 8, 3) of one channel: in PyTorch that is 8 filters of 3 x 3, here one of 8 x 8 in steps of 3.

    Smaller windows than 6 x 6 are taken for what they are here: few layers have so few filters.
    """
    filters, size, strides = conv2d.filters, conv2d.window.size, conv2d.window.strides
    if by_place > 2 and filters == C and size[0] == size[1] >= 6 and strides[0] == strides[1] > 1:
        order = f"Conv2D({filters}, {size[0]}, {strides[0]})"
        raise ValueError(
            f"{order}: expected (filters, kernel_size, strides), got what looks like PyTorch's (in_channels, "
            f"out_channels, kernel_size), as the input has {C} channels: write Conv2D({size[0]}, {strides[0]}); or, if "
            f"a window of {size[0]} x {size[0]} is meant, strides={strides[0]} by name"
        )


def _fits(name, value):
    """Whether a value can be meant as this argument of another framework."""
    if name in _TRUTHS:
        return isinstance(value, bool)
    if isinstance(value, str) and name in ("kernel_size", "stride", "strides", "dilation", "groups"):
        return False
    if name == "data_format":
        return isinstance(value, str)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number if name in _SIZES else not (is_number and name in _NO_NUMBERS)
