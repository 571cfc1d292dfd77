"""What is computed of constants and of shapes while a graph is read, with NumPy."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from onnx import helper, numpy_helper

from .onnx_walk import LARGEST, Node, Refused, Unknown


def _sizes(array):
    """Whole numbers, for the shape of an array to be made."""
    if array.dtype == object and any(isinstance(size, str) for size in array.ravel()):
        raise Unknown
    sizes = [int(size) for size in array.ravel()]
    _allow(math.prod(abs(size) for size in sizes))
    return sizes


def _allow(count):
    if count > LARGEST:
        raise Refused(f"its output would have {count} numbers")


def constant(node: Node) -> Any:
    value = node.attribute("value")
    if value is not None:
        return numpy_helper.to_array(value)
    for name, dtype in (
        ("value_float", np.float32),
        ("value_floats", np.float32),
        ("value_int", int),
        ("value_ints", int),
    ):
        if (value := node.attribute(name)) is not None:
            return np.array(value, dtype)
    raise Refused("expected numbers")


def constant_of_shape(node: Node, shape: Any) -> Any:
    value = node.attribute("value")
    value = np.zeros(1, np.float32) if value is None else numpy_helper.to_array(value)
    try:
        return np.full(_sizes(shape), value.ravel()[0], value.dtype)
    except Unknown:
        if value.any():
            raise Refused("it makes other numbers than zeros, as many as are known at run time alone") from None
        raise


def cast(node: Node, array: Any) -> Any:
    return array if array.dtype == object else array.astype(helper.tensor_dtype_to_np_dtype(node.attribute("to")))


def concat(node: Node, *arrays: Any) -> Any:
    _allow(sum(array.size for array in arrays))
    return np.concatenate(arrays, node.attribute("axis"))


def gather(node: Node, array: Any, indices: Any) -> Any:
    indices = indices.astype(int)
    _allow(indices.size * array.size)
    return np.asarray(np.take(array, indices, node.attribute("axis", 0)), array.dtype)  # a name stays an object


def unsqueeze(node: Node, array: Any, *_: Any) -> Any:
    return np.expand_dims(array, tuple(node.ints("axes", 1) or ()))


def squeeze(node: Node, array: Any, *_: Any) -> Any:
    axes = node.ints("axes", 1)
    return np.squeeze(array, None if axes is None else tuple(axes))


def slice_(node: Node, array: Any, *_: Any) -> Any:
    starts, ends = node.ints("starts", 1) or [], node.ints("ends", 2) or []
    axes, steps = node.ints("axes", 3) or [*range(len(starts))], node.ints("steps", 4) or [1] * len(starts)
    index = [slice(None)] * array.ndim
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        index[axis] = slice(start, None if step < 0 and end < -array.shape[axis] else end, step)
    return array[tuple(index)]


def reshape(node: Node, array: Any, shape: Any) -> Any:
    sizes = [array.shape[i] if size == 0 else size for i, size in enumerate(_sizes(shape))]
    return array.reshape(sizes)


def transpose(node: Node, array: Any) -> Any:
    return array.transpose(node.attribute("perm"))


def expand(node: Node, array: Any, shape: Any) -> Any:
    wide = np.broadcast_shapes(array.shape, tuple(_sizes(shape)))
    _allow(math.prod(wide))
    return np.array(np.broadcast_to(array, wide))


def _both(a, b):
    """Refuse what two arrays make of each other, if it is large."""
    _allow(math.prod(np.broadcast_shapes(a.shape, b.shape)))


def equal(node: Node, a: Any, b: Any) -> Any:
    _both(a, b)
    return a == b


def shape_of(node: Node, array: Any) -> Any:
    return np.array(array.shape)[slice(node.attribute("start", 0), node.attribute("end"))]


def mul(node: Node, a: Any, b: Any) -> Any:
    """Of sizes."""
    _both(a, b)
    if any(array.dtype.kind not in "iO" or any(isinstance(n, str) for n in array.flat) for array in (a, b)):
        raise Unknown
    return a * b


def unknown(node: Node, *_: Any) -> Any:
    """Of these only what becomes of zeros, or of an input, is of interest."""
    raise Unknown


FOLDS: dict[str, Callable[..., Any]] = {
    "Constant": constant, "ConstantOfShape": constant_of_shape, "Cast": cast, "Concat": concat, "Gather": gather,
    "Unsqueeze": unsqueeze, "Squeeze": squeeze, "Slice": slice_, "Reshape": reshape, "Transpose": transpose,
    "Expand": expand, "Equal": equal, "Shape": shape_of, "Identity": lambda node, array: array,
    "Min": unknown,
    "Max": unknown,
    "Mul": mul,
    "Sub": unknown,
    "Div": unknown, "Where": unknown,
}  # fmt: skip
