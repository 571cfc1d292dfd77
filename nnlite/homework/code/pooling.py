"""Pooling's forward and backward."""

from functools import partial
from typing import Any

import numpy as np

from nnlite import AvgPool2D, MaxPool2D
from nnlite.gradcheck.wrong_line import Witness

from .convolution import OVERWRITTEN
from .question import Case, CodeQuestion

LAYERS = {"max": MaxPool2D, "average": AvgPool2D}


def forward(x: Any, size: int, stride: int, kind: str) -> tuple[np.ndarray, ...]:
    return (LAYERS[kind](size, stride, dtype="float64").forward(np.asarray(x, np.float64)),)


def backward(x: Any, dy: Any, size: int, stride: int, kind: str) -> tuple[np.ndarray, ...]:
    layer = LAYERS[kind](size, stride, dtype="float64")
    layer.forward(np.asarray(x, np.float64))
    return (layer.backward(np.asarray(dy, np.float64)),)


# Name, size, stride, whether all numbers are negative, whether the last window leaves a rest.
SORTS = (
    ("size 2, stride 2", 2, 2, False, False),
    ("size 2, stride 2, negative numbers", 2, 2, True, False),
    ("size 3, stride 2: windows overlap", 3, 2, False, False),
    ("size 3, stride 1: windows overlap", 3, 1, False, False),
    ("size 2, stride 2, and pixels that no window sees", 2, 2, False, True),
    ("size 2, stride 3: windows with gaps", 2, 3, False, False),
)


def _forward_cases(rng):
    cases = []
    for kind in LAYERS:
        for name, size, stride, is_negative, leaves_rest in SORTS:
            OH, OW = (int(out) for out in rng.permutation([2, 3]) + rng.integers(0, 2))
            N, C = (int(number) for number in rng.integers(2, 4, 2))
            shape = (N, (OH - 1) * stride + size + leaves_rest, (OW - 1) * stride + size + leaves_rest, C)
            x = rng.permutation(np.prod(shape)).reshape(shape) / 8.0  # no two are equal
            x = x - (x.max() + 1 if is_negative else x.mean())
            cases.append(Case(f"{kind}, {name}", {"x": x, "size": size, "stride": stride, "kind": kind}))
    first = cases[0]
    return [*cases, Case("max, float32", first.arguments | {"x": first.arguments["x"].astype(np.float32)})]


def _backward_cases(rng):
    return [_with_dy(rng, case) for case in _forward_cases(rng)]


def _with_dy(rng, case):
    x, rest = case.arguments["x"], {name: case.arguments[name] for name in ("size", "stride", "kind")}
    dy = rng.normal(size=forward(**case.arguments)[0].shape).astype(x.dtype)
    return Case(case.name, {"x": x, "dy": dy, **rest})


# What students write instead.


def _other_kind(x, size, stride, kind):
    return forward(x, size, stride, "max" if kind == "average" else "average")


def _max_from_zero(x, size, stride, kind):
    (y,) = forward(x, size, stride, kind)
    return (np.maximum(y, 0) if kind == "max" else y,)


def _sum(x, size, stride, kind):
    (y,) = forward(x, size, stride, kind)
    return (y * size**2 if kind == "average" else y,)


def _side_by_side(x, size, stride, kind):
    return forward(x, size, size, kind)


def _whole_gradient(x, dy, size, stride, kind):
    (dx,) = backward(x, dy, size, stride, kind)
    return (dx * size**2 if kind == "average" else dx,)


def _to_all(x, dy, size, stride, kind):
    (dx,) = backward(x, dy, size, stride, "average")
    return (dx * size**2 if kind == "max" else dx,)


def _to_all_equally(x, dy, size, stride, kind):
    return backward(x, dy, size, stride, "average")


def _overwritten(x, dy, size, stride, kind, of_average=True, with_zeros=False):
    """A backward in which each window overwrites what others have given; of the maximum alone, or with zeros, too."""
    if kind == "average" and not of_average:
        return backward(x, dy, size, stride, kind)
    dx = np.zeros(x.shape)
    for p, q in np.ndindex(dy.shape[1:3]):
        window = np.s_[:, p * stride : p * stride + size, q * stride : q * stride + size]
        (of_window,) = backward(x[window], dy[:, p : p + 1, q : q + 1], size, size, kind)
        dx[window] = of_window if with_zeros else np.where(of_window, of_window, dx[window])
    return (dx,)


def _overwritten_position_by_position(x, dy, size, stride, kind):
    """The same for the maximum, where the loop goes over the positions in a window."""
    if kind == "average":
        return backward(x, dy, size, stride, kind)
    (y,), dx = forward(x, size, stride, kind), np.zeros(x.shape)
    for i, j in np.ndindex(size, size):
        at = np.s_[:, i : i + (y.shape[1] - 1) * stride + 1 : stride, j : j + (y.shape[2] - 1) * stride + 1 : stride]
        dx[at] = np.where(x[at] == y, dy, dx[at])
    return (dx,)


class Layer:
    """A pooling whose backward is a student's."""

    def __init__(self, function: Any, case: Case) -> None:
        self.function = function
        self.settings = {name: case.arguments[name] for name in ("size", "stride", "kind")}

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.x = x
        return forward(x, **self.settings)[0]

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return self.function(x=self.x, dy=dy, **self.settings)[0]


def _layer(function, case):
    return Layer(function, case), np.asarray(case.arguments["x"], np.float64)


def _windows(x, size, stride, kind):
    """y, one pixel of the windows at a time."""
    OH, OW = ((x.shape[k] - size) // stride + 1 for k in (1, 2))
    ends = stride * (OH - 1) + 1, stride * (OW - 1) + 1
    seen = [x[:, i : i + ends[0] : stride, j : j + ends[1] : stride] for i, j in np.ndindex(size, size)]
    y = np.stack(seen).max(axis=0) if kind == "max" else np.stack(seen).mean(axis=0)
    return y


def _on_tape(witness: Witness, arguments: dict[str, Any]) -> list[np.ndarray]:
    x, *others = (arguments[name] for name in ("x", "size", "stride", "kind"))
    noted = witness.array(x)
    witness.backward(witness.call(_windows, noted, *others), arguments["dy"])
    return [witness.gradient(noted)]


FORWARD = CodeQuestion(
    name="pool_forward",
    title="Pooling, forward",
    statement="Write `pool_forward(x, size, stride, kind)`: the maximum or the mean of each window.",
    file="pool.py",
    results=("y",),
    right=forward,
    draw=_forward_cases,
    mistakes=(
        ("the maximum begins at 0, so that it is never negative: begin with a pixel of the window", _max_from_zero),
        ("the sum of a window stands for its mean: divide by the number of its pixels", _sum),
        ("maximum and mean are exchanged", _other_kind),
        ("the stride is not used: windows stand side by side", _side_by_side),
    ),
)
BACKWARD = CodeQuestion(
    name="pool_backward",
    title="Pooling, backward",
    statement="Write `pool_backward(x, dy, size, stride, kind)`: the gradient for the image.",
    file="pool.py",
    results=("dx",),
    right=backward,
    draw=_backward_cases,
    mistakes=(
        ("each pixel of a window gets the whole gradient instead of its share of the mean", _whole_gradient),
        ("every pixel of a window gets the gradient; only the largest one has made the output", _to_all),
        ("every pixel of a window gets a share; only the largest one has made the output", _to_all_equally),
        *(
            (OVERWRITTEN, partial(_overwritten, of_average=a, with_zeros=z))
            for a in (True, False)
            for z in (True, False)
        ),
        (OVERWRITTEN, _overwritten_position_by_position),
    ),
    kernels=("pool2d",),
    layer=_layer,
    forward=_on_tape,
)
