"""Where the mistake is: in the loss, or in one layer of a model, by checking each by itself."""

import numpy as np

from .report import GradientCheckError


def error_of_a_part(subject, fast, tolerance, run):
    """The error of the one part that is wrong by itself; None where there are no parts.

    Args:
        run: checks a subject, and raises what it finds.
    """
    return _without_loss(subject, fast, tolerance, run) or _inside(subject, fast, tolerance, run)


def _without_loss(subject, fast, tolerance, run):
    """The error that the layer has without its loss, or the loss' own."""
    if subject.loss is None:
        return None
    subject.restore()
    y_pred = subject.forward()
    try:
        run(subject.beside(subject.layer, subject.x, state=subject.state, title=subject.title), fast, tolerance)
        loss = _LossLayer(subject.loss, subject.y)
        run(subject.beside(loss, y_pred, title=type(subject.loss).__name__), fast, tolerance)
    except GradientCheckError as error:
        return error
    except ValueError:  # nothing but kinks there
        return None
    return None


class _LossLayer:
    """A loss as a layer, of which y_pred is the input."""

    input_name = "y_pred"

    def __init__(self, loss, y):
        self.loss, self.y = loss, y

    def forward(self, x):
        return np.array([self.loss.forward(self.y, x)], np.float64)

    def backward(self, dy):
        return self.loss.backward() * dy[0]


def _inside(subject, fast, tolerance, run):
    """The error of the last layer of a model that is wrong by itself; where none is, the model's own."""
    layers = list(getattr(subject.layer, "layers", []))
    if not layers:
        return None
    inputs = [subject.x]
    subject.restore()
    try:
        for layer in layers:
            inputs.append(layer.forward(inputs[-1], *([True] if subject.training else [])))
    except Exception:  # not a row of layers after all
        return None
    for layer, x in zip(reversed(layers), reversed(inputs[:-1]), strict=True):
        title = f"{type(layer).__name__} {getattr(layer, 'name', '')!r} of {subject.title}"
        try:
            run(subject.beside(layer, x, title=title), fast, tolerance)
        except GradientCheckError as error:
            return error
        except (TypeError, ValueError):  # nothing to check in this layer
            continue
    cause = (
        "each layer is right by itself, so the model puts them together wrongly: backward must go through the layers "
        "from last to first and hand each one what the one after it returned"
    )
    return GradientCheckError(subject.title, "model", cause, problem="the gradients are wrong")
