"""A convolution's y, dx and dW on a small image."""

from dataclasses import dataclass

import numpy as np

from nnlite import Conv2D, derive

from .question import Question, whole
from .writing import arrays, code, padded


@dataclass(frozen=True)
class Convolution(Question):
    """A convolution on a small image of one channel, forward and backward.

    Settings:
        size: height and width of the image.
        kernel: height and width of the filter.
        stride, padding: of the convolution.
    """

    size: int = 4
    kernel: int = 3
    stride: int = 1
    padding: int = 0
    kind = "convolution"
    title = "A convolution, forward and backward"

    def __post_init__(self):
        whole("size", self.size, 2, 8)
        whole("kernel", self.kernel, 2, 5)
        whole("stride", self.stride, 1, 3)
        whole("padding", self.padding, 0, 2)
        if self.outputs < 1:
            raise ValueError(f"kernel: expected one that fits into the image of {self.size}, got {self.kernel}")

    @property
    def outputs(self) -> int:
        """Height and width of the output."""
        return (self.size + 2 * self.padding - self.kernel) // self.stride + 1

    def draw(self, draws):
        return {
            "x": draws.integers((self.size, self.size), -3, 3),
            "W": draws.integers((self.kernel, self.kernel), -3, 3),
            "b": draws.decimals((), -3, 3, digits=0),
            "dy": draws.integers((self.outputs, self.outputs), -3, 3),
        }

    def is_degenerate(self, numbers):
        key = self.key(numbers)
        return not (np.all(key["y"]) and np.any(key["dx"]) and np.all(key["dW"]) and key["db"])

    def statement(self, numbers):
        return f"""\
A convolution of one filter reads an image of one channel, {padded(self.padding)}, with stride {self.stride}. As in all
neural networks the kernel is not flipped: the first output is the sum of `W[i][j] * x[i][j]`, plus the bias, where the
window lies in the top left corner.

{arrays(**numbers)}

Give the output `y`. From `dy`, the gradient of the loss with respect to y, give the gradients `dx`, `dW` and `db`."""

    def key(self, numbers):
        return _passes(self, numbers, numbers["W"])

    def worked(self, numbers):
        layer, x, dy = _layer(self, numbers["W"], numbers["b"]), _image(numbers["x"]), _image(numbers["dy"])
        at = {"dx": (), "dW": (), "db": ()}
        return "\n\n".join(
            code(str(derived)) for derived in (derive.forward(layer, x), derive.backward(layer, x, dy, at=at))
        )

    def operations(self, numbers):
        products = self.outputs**2 * self.kernel**2
        return 3 * 2 * products + self.outputs**2

    def mistakes(self, numbers):
        flipped = _passes(self, numbers, np.flip(numbers["W"]))
        key = self.key(numbers)
        return {
            "the kernel is flipped, by 180 degrees": {"y": flipped["y"]},
            "the kernel's taps are taken in the opposite order in the backward pass": {"dx": flipped["dx"]},
            "dW is flipped, by 180 degrees": {"dW": np.flip(key["dW"]).tolist()},
            "the bias is left out": {"y": (np.array(key["y"]) - numbers["b"]).tolist()},
            "the bias is added once for each tap": {
                "y": (np.array(key["y"]) + (self.kernel**2 - 1) * numbers["b"]).tolist()
            },
        }


def _layer(question, W, b):
    layer = Conv2D(1, question.kernel, strides=question.stride, padding=question.padding, dtype="float64")
    layer.build((question.size, question.size, 1))
    layer.params["W"][..., 0, 0] = W
    layer.params["b"][...] = b
    return layer


def _image(rows):
    """(1, H, W, 1)."""
    return np.array(rows, float)[None, ..., None]


def _passes(question, numbers, W):
    layer = _layer(question, W, numbers["b"])
    y = layer.forward(_image(numbers["x"]))
    dx = layer.backward(_image(numbers["dy"]))
    dW, db = layer.grads["W"][..., 0, 0], layer.grads["b"][0]
    return {"y": y[0, ..., 0].tolist(), "dx": dx[0, ..., 0].tolist(), "dW": dW.tolist(), "db": float(db)}
