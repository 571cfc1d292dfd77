"""Agreement: whether the last layer gives what the loss expects.

A loss that is given something else computes a number all the same, and training follows it to nowhere.
"""

import inspect
from typing import Any

from .. import losses
from ..arguments import is_ours
from ..arguments.classes import refuse_half
from ..layers.base.activation import Activation
from ..layers.bidirectional import Bidirectional
from ..layers.dropout import Dropout
from ..layers.time_distributed import TimeDistributed

PROBABILITIES = "Softmax", "Sigmoid"  # the layers that give some; all others can give any number

# Layers that move numbers, or leave some out, and make no others.
MOVES = (
    *("Flatten", "Reshape", "Dropout", "ZeroPadding2D", "RepeatVector"),
    *("MaxPool2D", "AvgPool2D", "GlobalMaxPool2D", "GlobalAvgPool2D"),
)


# How arguments of losses and metrics are named.
_PREDICTED = {
    *("y_pred", "pred", "preds", "predicted", "prediction", "predictions", "p", "y_hat", "yhat", "logits"),
    *("output", "outputs", "out", "input", "inputs"),
}
_TRUE = {"y_true", "true", "y", "t", "target", "targets", "label", "labels"}


def require_loss(model: Any, method: str) -> None:
    """Refuse to go on without a loss, or with one that expects something else than the last layer gives.

    And to train with a forward of one's own and without its backward.
    """
    if model.optimizer is None:
        raise RuntimeError(f"{method} needs an optimizer and a loss: call compile(optimizer, loss) first")
    met: list[Any] = [*model.layers]
    for one in met:  # which grows by all that may give the numbers, without a Python call, as each step asks
        if hasattr(type(one), "all_layers"):
            met += one.layers
        elif isinstance(one, TimeDistributed | Bidirectional):
            met.append(one.layer if isinstance(one, TimeDistributed) else one.forward_layer)
        elif (activation := getattr(one, "_activation", None)) is not None:
            met.append(activation)
    met += model.loss, getattr(model.loss, "from_logits", None), method == "evaluate"
    if model._met != met:  # once is enough
        check(model, model.loss)
        for kind in {type(one) for one in (model, *met)} if method != "evaluate" else ():
            refuse_half(kind, "forward", "backward", "backward(self, dy)")
        model._met = met


def check_order(what: str, function: Any) -> None:
    """Refuse a loss or a metric whose arguments are named in PyTorch's order: it would get the one for the other."""
    try:
        names = [*inspect.signature(getattr(function, "forward", function)).parameters][:2]
    except (TypeError, ValueError):  # a function without a signature
        return
    if len(names) == 2 and names[0] in _PREDICTED and names[1] in _TRUE:
        raise TypeError(
            f"{what}: expected arguments in the order (y_true, y_pred), got ({', '.join(names)}): change their order"
        )


def require_flag(where: str, return_dict: Any) -> None:
    """Refuse another value than True or False: Keras has another argument in this place."""
    if not isinstance(return_dict, bool):
        raise TypeError(
            f"{where}: return_dict: expected True or False, got {return_dict!r:.200}: give verbose and "
            f"sample_weight by name"
        )


def check(model: Any, loss: Any) -> None:
    """Refuse a loss that expects something else than the last layer gives. Those of one's own may be right."""
    wants_logits, name = getattr(loss, "from_logits", None), last_step(model)
    if wants_logits is None or name is None or not isinstance(loss, losses.Loss):
        return
    kind, is_binary = type(loss).__name__, type(loss).__name__.startswith("Binary")
    gives_any = name not in PROBABILITIES
    if wants_logits and not gives_any:
        raise ValueError(
            f"loss: {name} gives probabilities, {kind}(from_logits=True) expects any numbers (logits), and would turn "
            f"them into probabilities once more: remove {name}, or use {kind}()"
        )
    if not wants_logits and gives_any:
        raise ValueError(
            f"loss: {name} gives any numbers, {kind}() expects probabilities: add "
            f"{'Sigmoid' if is_binary else 'Softmax'}() as the last layer, or use {kind}(from_logits=True)"
        )
    if name == "Sigmoid" and not is_binary:
        raise ValueError(
            f"loss: the numbers that {name} gives do not add up to 1, {kind}() expects the probabilities of all "
            f"labels: use Softmax() instead; for two labels, one unit with Sigmoid() and BinaryCrossentropy()"
        )
    below = (step for step in _last_steps(model)[1:] if not isinstance(step, Activation | Dropout))
    if name == "Softmax" and getattr(next(below, None), "units", None) == 1:
        raise ValueError(
            f"loss: {name} of a single number is always 1: use Sigmoid() and BinaryCrossentropy(), or a unit for each "
            f"label"
        )


def last_step(model: Any) -> str | None:
    """The class of the layer or the activation that gives the model's numbers; None if nobody knows."""
    steps = _last_steps(model)
    return type(steps[0]).__name__ if steps and is_ours(type(steps[0])) else None


def _last_steps(model):
    """Layers and activations, the last one first: from the one on that gives the model's numbers."""
    steps: list[Any] = []
    for layer in model.all_layers.values():
        layer = layer.layer if type(layer) is TimeDistributed else layer
        steps += [layer, *(activations(layer) if is_ours(type(layer)) else ())]
    while steps and is_ours(type(steps[-1])) and type(steps[-1]).__name__ in MOVES:
        steps.pop()
    return steps[::-1]


def activations(layer: Any) -> list[Any]:
    """The layers that are steps of this one, after its own: its activation, if it has one."""
    return layer._steps()[1:] if hasattr(layer, "_steps") else []


def gives_probabilities(model: Any) -> bool:
    """Whether the model's numbers are probabilities of all labels, and not logits."""
    return last_step(model) == "Softmax"
