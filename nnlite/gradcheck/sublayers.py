"""Find the wrong part: check the loss alone, and every layer of a model alone."""

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import regularizers
from .checked_layer import CheckedLayer
from .report import GradientCheckError

Check = Callable[[CheckedLayer], Any]  # checks a layer, and raises what it finds


def error_of_a_part(checked: CheckedLayer, check: Check) -> GradientCheckError | None:
    """The error of the loss, or of the layer in a model, that is wrong when checked alone; None without such parts."""
    return _without_loss(checked, check) or _inside(checked, check)


def _without_loss(checked, check):
    """The error that the layer has without its loss, or the error of the loss."""
    if checked.loss is None:
        return None
    y_pred = checked.forward()
    try:
        check(checked.other(checked.layer, checked.x, state=checked.state, title=checked.title))
        check(checked.other(_LossLayer(checked.loss, checked.y), y_pred, title=type(checked.loss).__name__))
    except GradientCheckError as error:
        return error
    except ValueError:  # nothing but kinks there
        pass
    if regularizers.penalty([checked.layer]):
        cause = "gradient(W) of a regularizer has to be the derivative of its penalty(W)"
        return checked.error("model", cause, problem="the gradients are right but for what the regularizers add")
    return None


class _LossLayer:
    """A loss as a layer whose input is y_pred."""

    input_name = "y_pred"

    def __init__(self, loss: Any, y: np.ndarray) -> None:
        self.loss, self.y = loss, y

    def forward(self, x: np.ndarray) -> np.ndarray:
        return np.array([self.loss.forward(self.y, x)], np.float64)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return self.loss.backward() * dy[0]


def _inside(checked, check):
    """The error of the last layer of a model that is wrong when checked alone; if none is, the model's own."""
    layers = getattr(checked.layer, "layers", [])
    if not isinstance(layers, list | tuple) or not layers:  # a layer of one's own may have a number of them
        return None
    inputs = [checked.x]
    checked.restore()
    try:
        for layer in layers:
            inputs.append(layer.forward(inputs[-1], *([True] if checked.training else [])))
    except Exception:  # the layers are not called one after the other
        return None
    for layer, x in zip(reversed(layers), reversed(inputs[:-1]), strict=True):
        title = f"{type(layer).__name__} {getattr(layer, 'name', '')!r} of {checked.title}"
        try:
            check(checked.other(layer, x, title=title))
        except GradientCheckError as error:
            return error
        except (TypeError, ValueError):  # nothing to check in this layer
            continue
    cause = (
        "each layer is right by itself, so the model connects them wrongly: backward must go through the layers from "
        "last to first and pass each one what the layer after it returned"
    )
    return checked.error("model", cause, problem="the gradients are wrong")
