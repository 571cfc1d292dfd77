"""What the nodes of ONNX that arrange axes are in nnlite: layers, or nothing but another order."""

import math
from typing import Any

import numpy as np

from nnlite import Bidirectional, Flatten, RepeatVector, Reshape

from .onnx_walk import LARGEST, STATE, Handler, Node, Refused, Side, Value, Walk, floats


def transpose(w: Walk, node: Node, x: Value) -> Value:
    perm = node.attribute("perm", [*range(len(x.axes))][::-1])
    w.transposed = node.label
    return x._replace(axes=tuple(x.axes[axis] for axis in perm))


def flatten(w: Walk, node: Node, x: Value) -> Value:
    rank = len(x.axes)
    if node.attribute("axis", 1) not in (1, 1 - rank):
        raise Refused(f"expected axis=1, got {node.attribute('axis')}: the batch keeps its axis")
    return _flattened(w, node, floats(x))


def _flattened(w, node, x):
    x = w.as_given(x)
    if x.axes[0] != 0:
        raise Refused("expected the batch to come first")
    y = w.append(node, x, Flatten, axes=(0, 1))
    if x.axes == tuple(range(len(x.axes))):
        return y
    sizes = x.dims[1:]
    if any(isinstance(size, str) for size in sizes) or math.prod(sizes) > LARGEST:
        raise Refused("it flattens channels first, and images of unknown height and width, or too large ones")
    order = np.arange(math.prod(sizes)).reshape(sizes).transpose([axis - 1 for axis in x.axes[1:]]).ravel()
    return y if np.array_equal(order, np.arange(len(order))) else y._replace(order=order)


def reshape(w: Walk, node: Node, x: Value) -> Value:
    given = node.given[1] if len(node.given) > 1 else np.array(node.attribute("shape"))
    if not isinstance(given, np.ndarray):
        raise Refused("its shape is computed from numbers, not from sizes")
    target = [size if isinstance(size, str) else int(size) for size in given.ravel()]
    if node.flag("allowzero") and 0 in target:
        raise Refused("expected allowzero=0: its output is empty")
    return reshaped(w, node, x, target)


def reshaped(w: Walk, node: Node, x: Value, target: list[Any]) -> Value:
    """x with this shape; 0 and -1 have ONNX's meaning."""
    if "D" in x.axes:
        return _side_by_side(x, target)
    x = w.as_given(floats(x))
    sizes = w.stored(x)
    target = [sizes[i] if size == 0 else size for i, size in enumerate(target)]
    if x.steps and target[:2] == [*x.steps]:  # the end of what is done at each step
        axes = (0, 1, *(axis + 1 for axis in x.axes[1:]))
        return x._replace(axes=axes, dims=(*x.steps, *x.dims[1:]), steps=None)
    rest, known = sizes[1:], all(isinstance(size, int) for size in sizes[1:])
    if target[:1] not in ([sizes[0]], [-1]) or x.axes[0] != 0:
        raise Refused(f"its shape is {_shown(target)} of {_shown(sizes)}: expected the batch to keep its axis")
    is_flat = len(target) == 2 and (target[1] == -1 or (known and target[1] == math.prod(rest)))
    if is_flat and target[0] != target[1]:
        return _flattened(w, node, x)
    if target[0] == -1 and len(sizes) > 2 and target[1:] == [*sizes[2:]] and x.axes[1] == 1 and not x.steps:
        axes = (0, *(axis - 1 for axis in x.axes[2:]))  # each step an example
        return x._replace(axes=axes, dims=(w.fresh(), *x.dims[2:]), steps=(x.dims[0], x.dims[1]))
    if (
        known
        and -1 not in target[1:]
        and target[0] == -1
        and math.prod(rest) != math.prod(n for n in target[1:] if n != -1)
    ):
        raise Refused(f"its shape is {_shown(target)} of {_shown(sizes)}: expected the batch to keep its axis")
    x, target = w.plain(x), _without_rest(target[1:], rest)
    return w.append(node, x, Reshape, axes=tuple(range(len(target) + 1)), target_shape=tuple(target))


def _without_rest(target, sizes):
    """The target with at most one -1, for a size that varies; that of ONNX is what is left over."""
    names = [size for size in sizes if isinstance(size, str)]
    if -1 in target and sorted(size for size in target if isinstance(size, str)) == sorted(names):
        left = math.prod(size for size in sizes if isinstance(size, int))
        left //= max(1, math.prod(size for size in target if isinstance(size, int) and size != -1))
        target = [left if size == -1 else size for size in target]
    return [-1 if isinstance(size, str) else size for size in target]


def _shown(sizes):
    return "(" + ", ".join("?" if isinstance(size, str) else str(size) for size in sizes) + ")"


def squeeze(w: Walk, node: Node, x: Value) -> Value:
    axes = node.axes(1, len(x.axes))
    if axes is None:
        raise Refused("expected axes")
    if [x.axes[axis] for axis in axes] == ["D"]:
        return one_direction(w, x)
    x = w.as_given(floats(x))
    sizes = [size for axis, size in enumerate(w.stored(x)) if axis not in axes]
    return reshaped(w, node, x, sizes)


def unsqueeze(w: Walk, node: Node, x: Value) -> Value:
    axes = node.axes(1, len(x.axes) + len(node.ints("axes", 1) or [])) or []
    x = w.as_given(floats(x))
    if len(axes) == 1 and {*node.consumers()} <= {"Expand", "Tile"} and x.axes == tuple(range(len(x.axes))):
        return x._replace(axes=(*x.axes[: axes[0]], "R", *x.axes[axes[0] :]))
    sizes = [*w.stored(x)]
    for axis in axes:
        sizes.insert(axis, 1)
    return reshaped(w, node, x, sizes)


def repeat(w: Walk, node: Node, x: Value) -> Value:
    """Expand, or Tile, along an axis that Unsqueeze has made."""
    rank, counts = len(x.axes), node.ints("", 1) or []
    counts = [1] * (rank - len(counts)) + counts
    others = {count for axis, count in zip(x.axes, counts, strict=False) if axis != "R"}
    if "R" not in x.axes or others != {1} or rank not in (3, 4):
        raise Refused("expected a vector that is repeated along a new axis, as steps")
    place = rank - 2  # of the steps, in nnlite
    axes = tuple(place if axis == "R" else axis + (axis >= place) for axis in x.axes)
    n = counts[x.axes.index("R")]
    x = x._replace(axes=tuple(range(rank - 1)))
    return w.append(node, x, RepeatVector, n=n, axes=axes, at_steps=rank == 4)


# What follows a recurrent node: its directions become one axis of features.


def one_direction(w, x):
    if w.drafts[-1].kind is Bidirectional:
        raise Refused("expected both directions, as one axis with the units")
    return x._replace(axes=tuple(axis for axis in x.axes if axis != "D"))


def stacked(w: Walk, node: Node, x: Value) -> Value:
    """The final states of recurrent nodes upon each other, of which that of the last is read: h[-1] in PyTorch."""
    *below, last = node.given
    are_states = all(isinstance(value, Side) and value == STATE for value in below)
    if not (are_states and last is x and x.axes[0] == "D" and node.axis(3) == 0) or w.drafts[-1].kind is Bidirectional:
        raise Refused("expected the final states of recurrent nodes, that of the last one behind the others")
    return x._replace(axes=("L", *x.axes[1:]))


def where(w: Walk, node: Node, x: Value) -> Value:
    """The final state, where to_onnx takes the initial one of rows without steps: as nnlite's layers do."""
    if node.given[2] is not x or "D" not in x.axes or not node.name.endswith("_or_initial"):
        raise Refused("expected the final state of a recurrent node")
    return x


def merged(w, node, x, axes):
    modes = {"ReduceSum": "sum", "ReduceProd": "mul", "ReduceMean": "ave"}
    last = w.drafts[-1]
    if [x.axes[axis] for axis in axes] != ["D"] or node.op not in modes or node.flag("keepdims", True):
        raise Refused("expected to merge the two directions")
    if last.kind is not Bidirectional:
        raise Refused("expected two directions")
    last.options["merge_mode"] = modes[node.op]
    left = tuple(axis for axis in x.axes if axis != "D")
    return x._replace(axes=left, dims=(*x.dims[:-1], x.dims[-1] // 2))


def _side_by_side(x, target):
    """Directions and units as one axis."""
    left = tuple(axis for axis in x.axes if axis != "D")
    place = x.axes.index("D")
    if x.axes[place + 1 :] != (len(left) - 1,) or len(target) != len(left) or target[-1] not in (-1, x.dims[-1]):
        raise Refused("expected the directions and the units to become one axis")
    return x._replace(axes=left)


def reverse(w: Walk, node: Node, x: Value) -> Value:
    """The steps of a recurrent node that goes backwards, in the order of reading."""
    if node.op == "Slice":
        starts, ends = node.ints("starts", 1), node.ints("ends", 2)
        axes, steps = node.ints("axes", 3), node.ints("steps", 4)
        turns = starts == [-1] and steps == [-1] and ends is not None and axes is not None and ends[0] < -(2**31)
        axis = axes[0] if turns and axes else None
    else:
        axis = node.axis(len(x.axes), "time_axis")
    last = w.drafts[-1] if w.drafts else None
    if axis is None or x.axes[axis] != 1 or last is None or not last.backwards:
        raise Refused("expected the steps of a recurrent node, which goes backwards, in the order of reading")
    last.backwards = ""
    return x


NODES: dict[str, Handler] = {
    "Transpose": transpose,
    "Flatten": flatten,
    "Reshape": reshape,
    "Squeeze": squeeze,
    "Unsqueeze": unsqueeze,
    "Expand": repeat,
    "Tile": repeat,
    "Concat": stacked,
    "Where": where,
    "Slice": reverse,
    "ReverseSequence": reverse,
}
