"""Arguments of functions and calls that Keras' and PyTorch's have, and what to do here."""

import difflib
import functools
import inspect
from collections.abc import Callable
from typing import TypeVar

Function = TypeVar("Function", bound=Callable)

_MASK = "use lengths=... of a recurrent layer or a model, the real steps of each row, such as lengths=mask.sum(axis=1)"

_OF_MODELS = {
    "lr": "it is the optimizer's: compile(Adam(learning_rate=...), loss)",
    **{
        name: f"it is the optimizer's: compile(Adam({name}=...), loss)"
        for name in ("learning_rate", "clipnorm", "clipvalue")
    },
    **dict.fromkeys(("nb_epoch", "n_epochs", "num_epochs", "max_epochs"), "use epochs"),
    "bs": "use batch_size",
    "X": "use x",
    "data": "use x and y",
    **dict.fromkeys(("target", "targets", "labels"), "use y"),
    "validation_freq": "validation comes after every epoch: leave it out",
    **dict.fromkeys(
        ("workers", "use_multiprocessing", "max_queue_size"),
        "batches are made in this process, one after the other: leave it out",
    ),
    **dict.fromkeys(
        ("run_eagerly", "jit_compile", "steps_per_execution", "auto_scale_loss"),
        "there is no graph to compile: leave it out",
    ),
    "loss_weights": "a model has one output and one loss: leave it out",
    "weighted_metrics": "metrics count every sample alike, the loss takes sample_weight: use metrics",
    "criterion": "use loss",
    "metric": "use metrics=[...]",
    "device": "all runs on the CPU: leave it out",
}

# Function -> argument -> what to do.
CALLS: dict[str, dict[str, str]] = {
    "load_model": {
        "compile": "the model comes back compiled as it was saved, and predict needs none of it: leave it out",
        **dict.fromkeys(("safe_mode", "weights_only"), "nothing in the file is run as code: leave it out"),
        "map_location": "it computes on the CPU: leave it out",
    },
    "save": {
        "overwrite": "the file is always overwritten, atomically: leave it out",
        "include_optimizer": "the optimizer is always saved, if there is one: leave it out",
        "save_format": "there is one format, safetensors: leave it out",
    },
    "__call__": {"mask": _MASK},
    "summary": {
        "print_fn": "use contextlib.redirect_stdout(file), as it prints",
        **dict.fromkeys(("line_length", "positions"), "the table is as wide as it has to be: leave it out"),
        **dict.fromkeys(("expand_nested", "show_trainable"), "the table always shows it: leave it out"),
    },
}
_NAMED = "names are fixed: the input is 'x', the output 'y', states 'lstm.initial_h' and so on: leave it out"
_OPSET = "the graph is of opset 20, which onnxruntime 1.17 and newer run: leave it out"
CALLS["to_onnx"] = {
    **dict.fromkeys(("opset_version", "opset", "target_opset"), _OPSET),
    **dict.fromkeys(("input_names", "output_names"), _NAMED),
    **dict.fromkeys(
        ("dynamic_axes", "dynamic_shapes"), "batches may have any size, and sequences any length: leave it out"
    ),
    **dict.fromkeys(
        ("args", "input_signature", "x"), "no example is needed: use input_shape=..., without the batch axis"
    ),
    "f": "use path",
    "external_data": "the weights are always in the file itself: leave it out",
}
CALLS["save_model"] = CALLS["save"]
CALLS |= dict.fromkeys(("compile", "fit", "train_on_batch", "evaluate", "predict"), _OF_MODELS)


def translated(function: Function) -> Function:
    """Decorate a function or a method so that an argument that it does not take is explained.

    Raises:
        TypeError: an unknown argument, or too many without a name; or one twice: without a name and by name.
    """
    table = CALLS.get(function.__name__, {})
    parameters = inspect.signature(function).parameters.values()
    by_place = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    names = [p.name for p in parameters if p.name != "self"]

    @functools.wraps(function)
    def checked(*args, **kwargs):
        for name in kwargs:
            if name not in names:
                owner = type(args[0]).__name__ if function.__name__ == "__call__" and args else function.__name__
                raise TypeError(unknown(owner, name, names, table.get(name)))
            if name in by_place[: len(args)]:
                raise TypeError(twice(function.__name__, by_place, name, args, kwargs[name]))
        if len(args) > len(by_place):
            raise TypeError(_too_many(function.__name__, by_place, names, args))
        return function(*args, **kwargs)

    return checked  # type: ignore[return-value]


def unknown(owner: str, name: str, names: list[str], remedy: str | None = None) -> str:
    """The message for an argument that a function or a class does not take, of those that it does."""
    near = difflib.get_close_matches(name, names, n=1)
    hint = remedy or (f"did you mean {near[0]!r}?" if near else f"use {names}")
    return f"{owner}: unknown argument {name!r}: {hint}"


def _too_many(owner, by_place, names, args):
    known, rest = [name for name in by_place if name in names], [name for name in names if name not in by_place]
    hint = f"give the others by name, such as {rest[-1]}=..." if rest else "leave the others out"
    got = len(args) - (len(by_place) - len(known))  # without self
    most = f"at most {len(known)} argument{'s' * (len(known) != 1)} without a name ({', '.join(known)})"
    return f"{owner}: expected {most}, got {got}: {hint}"


def twice(owner: str, by_place: list[str], name: str, args: tuple, value: object) -> str:
    """The message for an argument that was given without a name and by name, as in Conv2D(3, 16, kernel_size=3)."""
    first = args[by_place.index(name)]
    hint = "leave one out"
    if owner == "Conv2D" and name == "kernel_size":
        hint = "PyTorch's order has in_channels first, which is found from the input: write "
        hint += f"Conv2D({first!r}, {value!r})"
    return f"{owner}: {name}: expected it once, got {first!r} without a name and {name}={value!r}: {hint}"
