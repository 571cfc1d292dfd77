"""Agreement: whether the last layer gives what the loss expects.

A loss that is given something else computes a number all the same, and training follows it to nowhere.
"""

import inspect
from typing import Any

import numpy as np

from .. import checks, losses, sequence_lengths
from ..arguments import is_ours

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
    """Refuse to go on without a loss, or with one that expects something else than the last layer gives."""
    if model.optimizer is None:
        raise RuntimeError(f"{method} needs an optimizer and a loss: call compile(optimizer, loss) first")
    met = model.loss, model.layers[-1:]
    if model._met != met:  # once is enough
        check(model, model.loss)
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
            f"{where}: return_dict: expected True or False, got {return_dict!r}: give verbose and sample_weight by name"
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
    if name == "Softmax" and 1 in [getattr(layer, "units", None) for layer in [*model.all_layers.values()][-2:]]:
        raise ValueError(
            f"loss: {name} of a single number is always 1: use Sigmoid() and BinaryCrossentropy(), or a unit for each "
            f"label"
        )


def last_step(model: Any) -> str | None:
    """The class of the layer, or the name of its activation, that gives the model's numbers; None if nobody knows."""
    for layer in reversed(model.all_layers.values()):
        if type(layer).__name__ == "TimeDistributed":
            layer = getattr(layer, "layer", layer)
        if not is_ours(type(layer)):
            return None
        name = type([layer, *activations(layer)][-1]).__name__
        if name not in MOVES:
            return name
    return None


def activations(layer: Any) -> list[Any]:
    """The layers that are steps of this one, after its own: its activation, if it has one."""
    return layer._steps()[1:] if hasattr(layer, "_steps") else []


def gives_probabilities(model: Any) -> bool:
    """Whether the model's numbers are probabilities of all labels, and not logits."""
    return last_step(model) == "Softmax"


def fitted(judge: Any, y: Any, y_pred: np.ndarray) -> Any:
    """y for a loss or metric; for one of one's own without an axis of size 1 that would broadcast, as nnlite's do.

    (N,) is (N, 1) for such predictions, and (N, 1) is (N,); labels (N, 1) for scores (N, V) are (N,).
    """
    if y.shape == y_pred.shape or is_ours(judge):
        return y
    if (*y.shape, 1) == y_pred.shape or y.shape == (*y_pred.shape, 1):
        return y.reshape(y_pred.shape)
    if y.dtype.kind in "iu" and y.shape == (*y_pred.shape[:-1], 1):
        return y[..., 0]
    return y


def loss(
    judge: Any,
    y: Any,
    y_pred: np.ndarray,
    weights: np.ndarray | None = None,
    readers: set[int] | None = None,
    trained: Any = None,
) -> float:
    """The loss of predictions, as a number.

    Args:
        readers: ids of losses and metrics of one's own that change no array.
        trained: the model whose backward follows: what its layers and its loss keep for it has to stay.
    """
    options = {} if weights is None else {"sample_weight": weights}
    if (getattr(judge, "__module__", None) or "").startswith("nnlite."):  # saves calls
        value = judge.forward(y, y_pred, **options)
        return value if type(value) is float else checks.returned(f"loss: {type(judge).__name__}.forward", value)
    what = f"loss: {type(judge).__name__}.forward"
    keepers = [] if trained is None else [*trained.all_layers.values()]
    return _asked(what, judge, y, y_pred, readers, keepers, lambda y: judge.forward(y, y_pred, **options))


def metric(
    name: str, judge: Any, y: Any, y_pred: np.ndarray, readers: set[int] | None = None, trained: Any = None
) -> float:
    """A metric of predictions, as a number. The other arguments are those of `loss`."""
    if (getattr(judge, "__module__", None) or "").startswith("nnlite."):
        value = judge(y, y_pred)
        return value if type(value) is float else checks.returned(f"metrics: {name}", value)
    keepers = [] if trained is None else [*trained.all_layers.values(), trained.loss]
    return _asked(f"metrics: {name}", judge, y, y_pred, readers, keepers, lambda y: judge(y, y_pred))


def _asked(what, judge, y, y_pred, readers, keepers, call):
    """What a loss or metric of one's own returns, a number; at its first batch also that it reads, and does not write.

    y may be the user's data, and y_pred what the last layer needs in its backward. What the `keepers`, layers and a
    loss, keep for theirs stays at every batch.
    """
    kept = [getattr(one, "_memory", None) for one in keepers]
    value = _called(what, judge, y, y_pred, readers, call)
    for one, old in zip(keepers, kept, strict=True):
        if getattr(one, "_memory", None) is not old:
            name = getattr(one, "name", type(one).__name__)
            raise RuntimeError(
                f"{what}: expected no forward of {name} before its backward, got one, and the gradients would be those "
                f"of other inputs: use a copy, copy.deepcopy(...), or measure in a callback"
            )
    return checks.returned(what, value)


def _called(what, judge, y, y_pred, readers, call):
    if readers is not None and id(judge) in readers:
        return call(fitted(judge, y, y_pred))
    given = {"y_true": y, "y_pred": y_pred}
    before = {name: array.copy() for name, array in given.items()}
    value = call(fitted(judge, y, y_pred))
    for name, array in given.items():
        if not np.array_equal(array, before[name], equal_nan=array.dtype.kind == "f"):
            array[...] = before[name]
            raise ValueError(
                f"{what}: expected {name} to stay as it is, got other numbers in it: compute in a new array, such as "
                f"e = y_pred - y_true instead of y_pred -= y_true"
            )
    if readers is not None:
        readers.add(id(judge))
    return value


def dy(judge: Any, y_pred: np.ndarray, real: np.ndarray | None) -> np.ndarray:
    """dL/dy_pred of the loss, which saw the steps where `real`, (N, T), is True, or all: 0 elsewhere."""
    dy = judge.backward()
    expected = y_pred.shape if real is None else y_pred[real].shape
    if getattr(dy, "shape", None) != expected:
        got = checks.shape_text(dy.shape) if isinstance(dy, np.ndarray) else f"no array, {type(dy).__name__},"
        raise ValueError(
            f"{type(judge).__name__}.backward returned {got} for y_pred {checks.shape_text(expected)}: return "
            f"dL/dy_pred, an array of the shape of y_pred"
        )
    return dy if real is None else sequence_lengths.spread(dy, real)
