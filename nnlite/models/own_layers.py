"""What a layer of one's own has to keep to in a model: checked at every pass, with the line that is missing."""

from typing import Any

import numpy as np

from .. import checks
from ..arguments import is_ours


def is_own(layer: Any) -> bool:
    """Whether the layer is a user's own class."""
    return not is_ours(type(layer))


def forward(layer: Any, x: np.ndarray, training: bool) -> np.ndarray:
    """y of the layer's own forward, checked; in its first training batch also that it leaves x as it is."""
    before = x.copy() if training and not getattr(layer, "_leaves_x", False) else None
    y = layer.forward(x, training)
    if before is not None:
        if not np.array_equal(x, before, equal_nan=x.dtype.kind == "f"):
            x[...] = before  # it may be the user's data
            raise ValueError(
                "forward: expected x to stay as it is, as the layer before needs it in its backward, got other numbers "
                "in it: compute in a new array, such as x = x * 2 instead of x *= 2, or in x.copy()"
            )
        layer._leaves_x = True
    _check_y(layer, x, y)
    layer._x_shape = x.shape if x.dtype.kind == "f" else None
    return y


def _check_y(layer: Any, x: np.ndarray, y: Any) -> None:
    """Refuse what `forward` may not return.

    Raises:
        TypeError: no array, or one of floats of another dtype.
        ValueError: another shape than `output_shape` says.
    """
    if not isinstance(y, np.ndarray):
        remedy = "add `return y` at its end" if y is None else "return an array, np.asarray(...)"
        raise TypeError(f"forward: expected it to return an array, got {type(y).__name__}: {remedy}")
    if y.dtype.kind == "f" and y.dtype != layer.dtype:
        raise TypeError(
            f"forward: expected it to return {layer.dtype.name}, the layer's dtype, got {y.dtype.name}: make its "
            f"arrays with dtype=self.dtype, or add `return y.astype(self.dtype)`"
        )
    promised = (len(x), *layer.output_shape(x.shape[1:]))
    if len(promised) != y.ndim or any(p not in (None, s) for p, s in zip(promised, y.shape, strict=True)):
        remedy = f"add `def output_shape(self, input_shape): return {checks.shape_text(y.shape[1:])}`"
        if y.ndim == 0 or len(y) != len(x):
            remedy = "the first axis is that of the samples, and stays as it is"
        raise ValueError(
            f"forward: expected it to return {checks.shape_text(promised, 'any')}, as output_shape says, got "
            f"{checks.shape_text(y.shape)}: {remedy}"
        )


def backward(layer: Any, dy: np.ndarray) -> Any:
    """dx of the layer's own backward, checked; of ids it may be anything."""
    dx = layer.backward(dy)
    if getattr(layer, "_x_shape", None) is not None:
        _check_dx(layer._x_shape, dx)
    return dx


def _check_dx(shape, dx):
    """Refuse what `backward` may not return, for an x of this shape.

    Raises:
        TypeError: None, or no array.
        ValueError: another shape.
    """
    if not isinstance(dx, np.ndarray):
        remedy = "add `return dx` at its end" if dx is None else "return an array, np.asarray(...)"
        raise TypeError(f"backward: expected it to return dx, an array, got {type(dx).__name__}: {remedy}")
    if dx.shape != shape:
        raise ValueError(
            f"backward: expected it to return dx with the shape of x, {checks.shape_text(shape)}, got "
            f"{checks.shape_text(dx.shape)}: dx = dL/dx has a number for each of x"
        )
