"""Max and average pooling on a small image, forward and backward."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from nnlite import AvgPool2D, MaxPool2D, derive

from .question import Question
from .writing import arrays, code

LAYERS = {"maximum": MaxPool2D, "average": AvgPool2D}


@dataclass(frozen=True)
class PoolGradient(Question):
    """Both kinds of pooling on an image without equal numbers, forward and backward."""

    kind = "pool_gradient"
    title = "Pooling, forward and backward"

    def draw(self, draws):
        values = draws.shuffled([number for number in range(-12, 13) if number])[:16]
        return {"x": [values[row : row + 4] for row in range(0, 16, 4)], "dy": draws.integers((2, 2), -8, 8)}

    def is_degenerate(self, numbers):
        """The largest number is in four different places of the four windows, and the four gradients differ."""
        places = _windows(numbers["x"]).reshape(4, 4).argmax(axis=1)
        return len(set(places)) < 3 or len(set(np.ravel(numbers["dy"]))) < 4

    def statement(self, numbers):
        return f"""\
An image of one channel is pooled with windows of 2 × 2 and stride 2, once by the maximum and once by the average:

{arrays(**numbers)}

Give both outputs, `maximum` and `average`. From `dy`, the gradient of the loss with respect to the output, give the
gradients with respect to x: `dx_maximum` and `dx_average`."""

    def key(self, numbers):
        x, dy = (np.array(numbers[name], float)[None, ..., None] for name in ("x", "dy"))
        found: Any = {name: (layer.forward(x), layer.backward(dy)) for name, layer in _layers().items()}
        outputs = {name: y[0, ..., 0].tolist() for name, (y, _) in found.items()}
        return outputs | {f"dx_{name}": dx[0, ..., 0].tolist() for name, (_, dx) in found.items()}

    def worked(self, numbers):
        x, dy = (np.array(numbers[name], float)[None, ..., None] for name in ("x", "dy"))
        passes = [(derive.forward(layer, x), derive.backward(layer, x, dy)) for layer in _layers().values()]
        return "\n\n".join(code(str(derived)) for both in passes for derived in both)

    def operations(self, numbers):
        return 4 * 3 + 4 * 4 + 4 + 4

    def mistakes(self, numbers):
        key = self.key(numbers)
        spread = np.kron(numbers["dy"], np.ones((2, 2)))
        return {
            "every place of a window gets the gradient": {"dx_maximum": spread.tolist()},
            "the gradient is not divided by 4": {"dx_average": spread.tolist()},
            "the sum is not divided by 4": {"average": (4 * np.array(key["average"])).tolist()},
            "the gradient is multiplied by the number that it reaches": {
                "dx_maximum": (np.array(key["dx_maximum"]) * numbers["x"]).tolist()
            },
            "the gradient goes to the smallest number": {
                "dx_maximum": PoolGradient.key(self, {"x": (-np.array(numbers["x"])).tolist(), "dy": numbers["dy"]})[
                    "dx_maximum"
                ]
            },
        }


def _layers():
    """New ones each time: papers are marked in several threads."""
    return {name: layer(2, dtype="float64") for name, layer in LAYERS.items()}


def _windows(rows):
    """(2, 2, 2, 2): the windows of an image of 4 × 4, by row and column."""
    return np.array(rows).reshape(2, 2, 2, 2).swapaxes(1, 2)
