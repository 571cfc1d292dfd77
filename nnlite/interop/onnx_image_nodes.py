"""What the nodes of ONNX that work on images are in nnlite."""

import numpy as np

from nnlite import AvgPool2D, Conv2D, GlobalAvgPool2D, GlobalMaxPool2D, Layer, MaxPool2D, ZeroPadding2D

from .onnx_axes_nodes import merged
from .onnx_walk import Handler, Node, Refused, Value, Walk, floats


def conv(w: Walk, node: Node, x: Value) -> Value:
    W, b = node.weights(1, "W"), node.constant(2, "B")
    x = _images(w, node, x)
    if W.ndim != 4:
        raise Refused(f"its W has the shape {W.shape}: expected that of images, (filters, C, kh, kw)")
    kernel, groups = W.shape[2:], node.attribute("group", 1)
    if isinstance(x.dims[3], int) and x.dims[3] != W.shape[1] * groups:
        raise Refused(f"its input has {x.dims[3]} channels, and W the shape {W.shape} with group={groups}")
    if tuple(node.attribute("kernel_shape", kernel)) != kernel:
        raise Refused(f"expected kernel_shape={kernel}, as W has it")
    options = {"filters": W.shape[0], "groups": groups, "use_bias": b is not None}
    options |= {"dilation_rate": _pair(node, "dilations")} | _window(node, x, "kernel_size", kernel)
    weights = {"W": W.transpose(2, 3, 1, 0)} | ({} if b is None else {"b": b})
    return w.append(node, x, Conv2D, weights=weights, shape=(None, None, W.shape[1] * groups), **options)


def pool(w: Walk, node: Node, x: Value, kind: type[Layer]) -> Value:
    x = _images(w, node, x)
    node.only(storage_order=0)
    if _pair(node, "dilations") != (1, 1):
        raise Refused("expected dilations of 1")
    size = tuple(node.attribute("kernel_shape", ()))
    options = {"count_include_pad": node.flag("count_include_pad")} if kind is AvgPool2D else {}
    window = _window(node, x, "pool_size", size, counts_pads=any(options.values()))
    return w.append(node, x, kind, **options, **window)


def _images(w, node, x):
    if len(x.axes) != 4:
        raise Refused(f"expected images, 4 axes, got {len(x.axes)}")
    return w.resolved(floats(x), (0, 3, 1, 2))


def _pair(node, name):
    pair = tuple(node.attribute(name, (1, 1)))
    if len(pair) != 2:
        raise Refused(f"expected two {name}, of height and width, got {pair}")
    return pair


def _window(node, x, size_name, size, counts_pads=False):
    """The arguments of a layer that slides a window of this size over the images x."""
    if len(size) != 2:
        raise Refused(f"expected a window of two axes, got kernel_shape={size}")
    strides, dilations = _pair(node, "strides"), _pair(node, "dilations")
    window = {size_name: size, "strides": strides}
    rule = node.choice("auto_pad", "NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER")
    pads = node.attribute("pads", [0] * 4)
    if rule == "SAME_UPPER":
        return window | {"padding": "same"}
    top, left, bottom, right = pads if rule == "NOTSET" else [0] * 4
    ends = []
    for n, F, S, D, before, after in zip(
        x.dims[1:3], size, strides, dilations, (top, left), (bottom, right), strict=True
    ):
        span, more = D * (F - 1) + 1, 0
        if rule == "SAME_LOWER" or node.flag("ceil_mode"):
            if isinstance(n, str):
                raise Refused("SAME_LOWER and ceil_mode need images of known height and width")
            if rule == "SAME_LOWER":
                total = max(0, (-(-n // S) - 1) * S + span - n)
                before, after = total - total // 2, total // 2
            else:
                left_over = (n + before + after - span) % S
                count = (n + before + after - span) // S + 1
                # One window more, where it begins on the image or in the padding before it.
                more = S - left_over if left_over and count * S < n + before else 0
        if more and counts_pads:
            raise Refused("expected ceil_mode=0, as what lies beyond the padding does not count")
        ends.append((before, after + more))
    return window | {"padding": tuple(ends) if any(map(any, ends)) else "valid"}


def global_pool(w: Walk, node: Node, x: Value, kind: type[Layer]) -> Value:
    return w.append(node, _images(w, node, x), kind, keepdims=True)


def reduce(w: Walk, node: Node, x: Value) -> Value:
    """ReduceMean and ReduceMax over an image; over the directions of a recurrent node, its merge mode."""
    axes = node.axes(1, len(x.axes)) or [*range(len(x.axes))]
    if "D" in x.axes:
        return merged(w, node, x, axes)
    kind = {"ReduceMean": GlobalAvgPool2D, "ReduceMax": GlobalMaxPool2D}.get(node.op)
    rank = len(x.axes)
    if kind is None or rank not in (4, 5):
        raise Refused("expected the mean or the maximum over the height and width of images")
    if w.input_order is None:
        x = w.resolved(floats(x), (0, 3, 1, 2)) if axes == [2, 3] and rank == 4 else w.plain(floats(x))
    H, W = rank - 3, rank - 2
    if sorted(x.axes[axis] for axis in axes) != [H, W]:
        raise Refused(f"expected to go over height and width, got axes={axes}")
    keepdims = node.flag("keepdims", True)
    left = x.axes if keepdims else tuple(H if a == rank - 1 else a for a in x.axes if a not in (H, W))
    return w.append(node, x, kind, keepdims=keepdims, axes=left, at_steps=rank == 5)


def pad(w: Walk, node: Node, x: Value) -> Value:
    node.only(mode="constant")
    rank, pads, value, axes = len(x.axes), node.ints("pads", 1), node.constant(2, "value"), node.ints("axes", 3)
    if node.attribute("value", 0.0) or (value is not None and value.any()):
        raise Refused("expected zeros")
    if rank not in (4, 5) or pads is None:
        raise Refused(f"expected images, 4 axes, got {rank}")
    sides = np.zeros((2, rank), int)  # before and after
    sides[:, slice(None) if axes is None else axes] = np.reshape(pads, (2, -1))
    if w.input_order is None:
        x = w.plain(floats(x)) if sides[:, 1].any() or rank == 5 else w.resolved(floats(x), (0, 3, 1, 2))
    sides = sides[:, np.argsort(x.axes)]
    if sides[:, :-3].any() or sides[:, -1].any() or sides.min() < 0:
        raise Refused(f"expected zeros above, below and beside images alone, got pads={pads}")
    padding = tuple(map(tuple, sides[:, -3:-1].T.tolist()))
    return w.append(node, x, ZeroPadding2D, padding=padding, at_steps=rank == 5)


NODES: dict[str, Handler] = {
    "Conv": conv,
    "Pad": pad,
    "MaxPool": lambda w, node, x: pool(w, node, x, MaxPool2D),
    "AveragePool": lambda w, node, x: pool(w, node, x, AvgPool2D),
    "GlobalMaxPool": lambda w, node, x: global_pool(w, node, x, GlobalMaxPool2D),
    "GlobalAveragePool": lambda w, node, x: global_pool(w, node, x, GlobalAvgPool2D),
    **dict.fromkeys(("ReduceMean", "ReduceMax", "ReduceSum", "ReduceProd"), reduce),
}
