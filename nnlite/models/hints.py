"""Hints: what the arguments of models' methods are called here. What their methods are: `arguments.translations`."""

import difflib
import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from ..arguments.translations import methods

Method = TypeVar("Method", bound=Callable)

_OPTIMIZER = "it is the optimizer's: compile(Adam({}=...), loss)"
_ONE_PROCESS = "batches are made in this process, one after the other: leave it out"
_AS_IT_IS = "there is no graph to compile: leave it out"

ARGUMENTS = {
    "lr": _OPTIMIZER.format("learning_rate"),
    "learning_rate": _OPTIMIZER.format("learning_rate"),
    "clipnorm": _OPTIMIZER.format("clipnorm"),
    "clipvalue": _OPTIMIZER.format("clipvalue"),
    "nb_epoch": "use epochs",
    "n_epochs": "use epochs",
    "num_epochs": "use epochs",
    "max_epochs": "use epochs",
    "bs": "use batch_size",
    "X": "use x",
    "data": "use x and y",
    "target": "use y",
    "targets": "use y",
    "labels": "use y",
    "validation_freq": "validation comes after every epoch: leave it out",
    "workers": _ONE_PROCESS,
    "use_multiprocessing": _ONE_PROCESS,
    "max_queue_size": _ONE_PROCESS,
    "run_eagerly": _AS_IT_IS,
    "jit_compile": _AS_IT_IS,
    "steps_per_execution": _AS_IT_IS,
    "auto_scale_loss": _AS_IT_IS,
    "loss_weights": "a model has one output and one loss: leave it out",
    "weighted_metrics": "metrics count every sample alike, the loss takes sample_weight: use metrics",
    "criterion": "use loss",
    "metric": "use metrics=[...]",
    "device": "all runs on the CPU: leave it out",
}

# How arguments of losses and metrics are named.
_PREDICTED = {
    *("y_pred", "pred", "preds", "predicted", "prediction", "predictions", "p", "y_hat", "yhat", "logits"),
    *("output", "outputs", "out", "input", "inputs"),
}
_TRUE = {"y_true", "true", "y", "t", "target", "targets", "label", "labels"}


def missing(model: Any, name: str) -> AttributeError:
    """The error for an attribute that the model does not have."""
    near: list[str] = []
    if not name.startswith("_") and methods.remedy(type(model), name) is None:
        near = difflib.get_close_matches(name, [known for known in dir(type(model)) if known[0] != "_"], n=1)
    return methods.missing(model, name, near)


def explained(method: Method) -> Method:
    """Decorate a method so that an argument that it does not know is explained.

    Raises:
        TypeError: an unknown argument, or too many without a name; the message says what to write.
    """
    parameters = [*inspect.signature(method).parameters.values()][1:]
    names = [p.name for p in parameters]
    positional = [p.name for p in parameters if p.kind is not p.KEYWORD_ONLY]

    @functools.wraps(method)
    def checked(self, *args, **kwargs):
        for name in kwargs:
            if name not in names:
                near = difflib.get_close_matches(name, names, n=1)
                hint = ARGUMENTS.get(name) or (f"did you mean {near[0]!r}?" if near else f"use {names}")
                raise TypeError(f"{method.__name__}: unknown argument {name!r}: {hint}")
        if len(args) > len(positional):
            raise TypeError(
                f"{method.__name__}: expected at most {len(positional)} arguments without a name "
                f"({', '.join(positional)}), got {len(args)}: give the others by name, such as {names[-1]}=..."
            )
        return method(self, *args, **kwargs)

    return checked  # type: ignore[return-value]


def require_flag(where: str, return_dict: Any) -> None:
    """Refuse another value than True or False: Keras has another argument in this place."""
    if not isinstance(return_dict, bool):
        raise TypeError(
            f"{where}: return_dict: expected True or False, got {return_dict!r}: give verbose and sample_weight by name"
        )


def check_order(what: str, function: Any) -> None:
    """Refuse a loss or a metric whose arguments are named in PyTorch's order: it would get the one for the other.

    Raises:
        TypeError: its first argument is named as predictions are, such as y_pred, and its second as targets.
    """
    try:
        names = [*inspect.signature(getattr(function, "forward", function)).parameters][:2]
    except (TypeError, ValueError):  # a function without a signature
        return
    if len(names) == 2 and names[0] in _PREDICTED and names[1] in _TRUE:
        raise TypeError(
            f"{what}: expected arguments in the order (y_true, y_pred), got ({', '.join(names)}): change their order"
        )
