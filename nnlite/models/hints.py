"""Hints: what is said of a model's attributes, and of losses and metrics; of arguments: `arguments.translations`."""

import difflib
import inspect
from typing import Any

from ..arguments.translations import methods

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
