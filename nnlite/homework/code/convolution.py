"""The convolution's forward and backward."""

from functools import partial
from typing import Any

import numpy as np

from nnlite import Conv2D
from nnlite.gradcheck.wrong_line import Witness

from .question import Case, CodeQuestion


def layer_of(W: np.ndarray, b: np.ndarray | None, stride: int, padding: int, x_shape: tuple[int, ...]) -> Conv2D:
    """nnlite's layer with these weights, in float64."""
    layer = Conv2D(W.shape[3], W.shape[:2], stride, padding, dtype="float64")
    layer.build(x_shape[1:])
    layer.params["W"][:], layer.params["b"][:] = W, 0 if b is None else b
    return layer


def forward(x: Any, W: Any, b: Any, stride: int, padding: int) -> tuple[Any, ...]:
    return (layer_of(W, b, stride, padding, x.shape).forward(np.asarray(x, np.float64)),)


def backward(x: Any, W: Any, dy: Any, stride: int, padding: int) -> tuple[Any, ...]:
    layer = layer_of(W, None, stride, padding, x.shape)
    layer.forward(np.asarray(x, np.float64))
    return layer.backward(np.asarray(dy, np.float64)), layer.grads["W"], layer.grads["b"]


# Name, stride, padding, kernel of 1 x 1, whether the last window leaves a rest.
SORTS = (
    ("stride 1, no padding", 1, 0, False),
    ("stride 2", 2, 0, False),
    ("padding 1", 1, 1, False),
    ("padding 2, stride 2", 2, 2, False),
    ("stride 2, and pixels that no window sees", 2, 0, True),
    ("float32", 1, 1, False),
)


def _drawn(rng, stride, padding, leaves_rest):
    """x, W and b; height and width, and the kernel's sides, differ, so that mixing them up shows."""
    kh, kw = (int(size) for size in rng.permutation([2, 3]))
    N, C, F = (int(size) for size in rng.integers(2, 4, 3))
    OH, OW = (int(size) for size in rng.permutation([2, 3]) + rng.integers(0, 2))
    H, width = ((out - 1) * stride + k - 2 * padding + leaves_rest for out, k in ((OH + 2, kh), (OW + 2, kw)))
    return rng.normal(size=(N, H, width, C)), rng.normal(size=(kh, kw, C, F)), rng.normal(size=F)


def _forward_cases(rng):
    cases = []
    for name, stride, padding, leaves_rest in SORTS:
        x, W, b = _drawn(rng, stride, padding, leaves_rest)
        cases.append(Case(name, {"x": x, "W": W, "b": b, "stride": stride, "padding": padding}))
    return [_in_float32(case) for case in cases]


def _backward_cases(rng):
    cases = []
    for case in _forward_cases(rng):
        dy = rng.normal(size=forward(**case.arguments)[0].shape).astype(case.arguments["x"].dtype)
        arguments = {"x": case.arguments["x"], "W": case.arguments["W"], "dy": dy}
        cases.append(Case(case.name, arguments | {name: case.arguments[name] for name in ("stride", "padding")}))
    return cases


def _in_float32(case):
    if case.name != "float32":
        return case
    arguments = {k: v.astype(np.float32) if isinstance(v, np.ndarray) else v for k, v in case.arguments.items()}
    return Case(case.name, arguments)


# What students write instead.


def _flipped(x, W, b, stride, padding):
    return forward(x, W[::-1, ::-1], b, stride, padding)


def _without_bias(x, W, b, stride, padding):
    return forward(x, W, 0 * b, stride, padding)


def _bias_in_every_tap(x, W, b, stride, padding):
    return forward(x, W, b * W.shape[0] * W.shape[1], stride, padding)


def _bias_in_every_product(x, W, b, stride, padding):
    return forward(x, W, b * W[..., 0].size, stride, padding)


def _without_stride(x, W, b, stride, padding):
    return forward(x, W, b, 1, padding)


def _stride_of_the_output_alone(x, W, b, stride, padding):
    (right,), (y,) = forward(x, W, b, stride, padding), forward(x, W, b, 1, padding)
    return (y[:, : right.shape[1], : right.shape[2]],)


def _padding_at_the_end(x, W, b, stride, padding):
    around = np.pad(x, ((0, 0), (0, 2 * padding), (0, 2 * padding), (0, 0)))
    return forward(around, W, b, stride, 0)


def _without_padding(x, W, b, stride, padding):
    return forward(x, W, b, stride, 0)


def _padded_with_edge(x, W, b, stride, padding):
    around = np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)), mode="edge")
    return forward(around, W, b, stride, 0)


def _first_channel(x, W, b, stride, padding):
    return forward(x[..., :1], W[:, :, :1], b, stride, padding)


def _with_other_dx(x, W, dy, stride, padding, *, step=None, last_filter=False, adds=False):
    """A backward with another dx, window by window: `step` apart, overwriting what others have given, or adding."""
    _, dW, db = backward(x, W, dy, stride, padding)
    (kh, kw), step = W.shape[:2], step or stride
    W, dy = (W[..., -1:], dy[..., -1:]) if last_filter else (W, dy)
    dX = np.zeros((len(x), x.shape[1] + 2 * padding, x.shape[2] + 2 * padding, x.shape[3]))
    for p, q in np.ndindex(dy.shape[1:3]):
        window = np.s_[:, p * step : p * step + kh, q * step : q * step + kw]
        dX[window] = adds * dX[window] + np.einsum("nf,ijcf->nijc", dy[:, p, q], W)
    return dX[:, padding : padding + x.shape[1], padding : padding + x.shape[2]], dW, db


class Layer:
    """A convolution whose backward is a student's."""

    def __init__(self, function: Any, stride: int, padding: int, x: np.ndarray, W: np.ndarray) -> None:
        self.function, self.stride, self.padding, self.x = function, stride, padding, x
        self.params = {"W": W.copy(), "b": np.linspace(0.3, 0.9, W.shape[3])}
        self.grads = {name: np.zeros_like(array) for name, array in self.params.items()}

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.x = x
        return forward(x, **self.params, stride=self.stride, padding=self.padding)[0]

    def backward(self, dy: np.ndarray) -> np.ndarray:
        dx, dW, db = self.function(
            x=self.x, W=self.params["W"], dy=dy, stride=self.stride, padding=self.padding
        )  # fmt: skip
        self.grads["W"][...], self.grads["b"][...] = dW, db
        return dx


def _layer(function, case):
    arguments = case.arguments
    x, W = (np.asarray(arguments[name], np.float64) for name in ("x", "W"))
    return Layer(function, arguments["stride"], arguments["padding"], x, W), x


OVERWRITTEN = "windows overlap, and each overwrites what others have given to a pixel: add to it"
FORWARD = CodeQuestion(
    name="conv2d_forward",
    title="A convolution, forward",
    statement="Write `conv2d_forward(x, W, b, stride, padding)`: the convolution of images with filters.",
    file="conv2d.py",
    results=("y",),
    right=forward,
    draw=_forward_cases,
    mistakes=(
        ("the filters are flipped: a tap (i, j) multiplies the pixel at (i, j) of its window", _flipped),
        ("the bias is missing", _without_bias),
        ("the bias is added once for every tap; it belongs to a window once", _bias_in_every_tap),
        ("the bias is added once for every product; it belongs to a window once", _bias_in_every_product),
        ("the stride is not used: windows begin at every pixel", _without_stride),
        ("the stride is not used: windows begin at every pixel", _stride_of_the_output_alone),
        ("the padding is missing", _without_padding),
        ("all padding is at the end: row i of the image is row i + padding of X", _padding_at_the_end),
        ("the padding repeats the image's edge; it should be zeros", _padded_with_edge),
        ("the first channel alone is used: sum over all channels", _first_channel),
    ),
)


def _windows(x, W, b, stride, padding):
    """y, one tap of the filters at a time. The tape knows its variables by the names that students use."""
    padded = np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    OH, OW = ((padded.shape[k] - W.shape[k - 1]) // stride + 1 for k in (1, 2))
    y = b
    for i, j in np.ndindex(W.shape[:2]):
        rows, columns = slice(i, i + stride * (OH - 1) + 1, stride), slice(j, j + stride * (OW - 1) + 1, stride)
        y = y + padded[:, rows, columns] @ W[i, j]
    return y


def _on_tape(witness: Witness, arguments: dict[str, Any]) -> list[np.ndarray]:
    noted = [witness.array(array) for array in (arguments["x"], arguments["W"], np.zeros(arguments["W"].shape[3]))]
    y = witness.call(_windows, *noted, arguments["stride"], arguments["padding"])
    witness.backward(y, arguments["dy"])
    return [witness.gradient(array) for array in noted]


BACKWARD = CodeQuestion(
    name="conv2d_backward",
    title="A convolution, backward",
    statement="Write `conv2d_backward(x, W, dy, stride, padding)`: the gradients for the image, the filters and the "
    "biases.",
    file="conv2d.py",
    results=("dx", "dW", "db"),
    right=backward,
    draw=_backward_cases,
    mistakes=(
        (OVERWRITTEN, _with_other_dx),
        (OVERWRITTEN, partial(_with_other_dx, last_filter=True)),
        ("dx forgets the strides", partial(_with_other_dx, step=1, adds=True)),
    ),
    kernels=("conv2d",),
    layer=_layer,
    forward=_on_tape,
)
