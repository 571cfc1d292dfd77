"""How each layer is said in ONNX. Recurrent layers are in `onnx_recurrent`.

ONNX has images as (N, C, H, W), and sequences as (T, N, F). A tensor stays as the last layer needed it, and
`Value.axes` says how that is: so there is a Transpose only where two layers differ.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from nnlite import layers

from .onnx_error import OnnxError
from .onnx_graph import Graph, Value

# Each takes the graph, the layer, its name, x, and how many axes come before those that the layer works on: 1 for the
# batch, 2 in a TimeDistributed. It returns y, whose shape is set by whoever called it.
Export = Callable[[Graph, Any, str, Value, int], Value]


def dense(g: Graph, layer: Any, name: str, x: Value, lead: int) -> Value:
    """y = x W + b: Gemm of rows, MatMul and Add of anything else."""
    x = g.features_last(x, name)
    W = g.weights(f"{name}.W", layer.params["W"])
    bias = [g.weights(f"{name}.b", layer.params["b"])] if layer.use_bias else []
    if len(x.axes) == 2:
        y = g.node("Gemm", name, x.name, W, *bias)
    else:
        y = g.node("MatMul", name, x.name, W)
        y = g.node("Add", f"{name}/bias", y, *bias) if bias else y
    return _activated(g, layer, name, x._replace(name=y), lead)


def conv2d(g: Graph, layer: Any, name: str, x: Value, lead: int) -> Value:
    """Conv takes W as (filters, C/groups, kh, kw)."""
    inputs = [g.weights(f"{name}.W", layer.params["W"].transpose(3, 2, 0, 1))]
    inputs += [g.weights(f"{name}.b", layer.params["b"])] if layer.use_bias else []
    options = {"dilations": layer.window.dilation, "group": layer.groups}
    y = _windows(g, "Conv", layer, name, x, lead, *inputs, **options)
    return _activated(g, layer, name, y, lead)


def max_pool(g: Graph, layer: Any, name: str, x: Value, lead: int) -> Value:
    """Padding is never the maximum, as here."""
    return _windows(g, "MaxPool", layer, name, x, lead)


def avg_pool(g: Graph, layer: Any, name: str, x: Value, lead: int) -> Value:
    """Padding counts, or does not, as here."""
    return _windows(g, "AveragePool", layer, name, x, lead, count_include_pad=int(layer.count_include_pad))


def _windows(g, op, layer, name, x, lead, *inputs, **options):
    """An operator whose windows slide over images, channels first."""
    *before, H, W, C = range(len(x.axes))
    x = g.arranged(x, (*before, C, H, W), name)
    options |= {"kernel_shape": layer.window.size, "strides": layer.window.strides} | _pads(
        name, layer.window, x.shape[-3:]
    )
    if lead == 1:
        return x._replace(name=g.node(op, name, x.name, *inputs, **options))
    # N sequences of T images are N T images.
    tail = g.node("Shape", f"{name}/image", x.name, start=2)
    merged = g.node("Concat", f"{name}/merged", g.constant(f"{name}/all", [-1]), tail, axis=0)
    images = g.node("Reshape", f"{name}/merge", x.name, merged)
    y = g.node(op, name, images, *inputs, **options)
    steps, tail = g.node("Shape", f"{name}/steps", x.name, end=2), g.node("Shape", f"{name}/output", y, start=1)
    split = g.node("Concat", f"{name}/divided", steps, tail, axis=0)
    return x._replace(name=g.node("Reshape", f"{name}/divide", y, split))


def _pads(name, window, shape):
    """Padding as ONNX has it: (top, left, bottom, right); by a rule where it depends on a size that varies."""
    H, W, _ = shape
    if pads_windows(window, H, W):
        raise OnnxError(
            f"to_onnx: {name}: expected images of known height and width, as the padding is as large as a window: "
            f"runtimes refuse so much, and what no window meets of it depends on them: give input_shape=..."
        )
    if not depends_on_size(window, H, W):
        # With strides of 1 "same" is the same for any size. At the end without what no window reaches: runtimes refuse
        # much padding.
        top, bottom, left, right = window.pads(H or 1, W or 1)
        if None not in (H, W):
            axes = zip((H, W), window.size, window.strides, window.dilation, (top, left), strict=True)
            last = [
                (n - 1) * S + D * (F - 1) + 1 for n, (_, F, S, D, _) in zip(window.output_size(H, W), axes, strict=True)
            ]
            bottom, right = max(0, last[0] - top - H), max(0, last[1] - left - W)
        return {"pads": [top, left, bottom, right]}
    if not has_rule(window):
        raise OnnxError(
            f"to_onnx: {name}: expected images of known height and width, as padding='same' with these strides depends "
            f"on them, and runtimes have no rule for it: give input_shape=..."
        )
    return {"auto_pad": "SAME_UPPER"}


def depends_on_size(window: Any, H: int | None, W: int | None) -> bool:
    """Whether how much is padded depends on a size that varies."""
    return window.padding == "same" and any(n is None and S > 1 for n, S in zip((H, W), window.strides, strict=True))


def pads_windows(window: Any, H: int | None, W: int | None) -> bool:
    """Whether pooling is padded by as much as a window, where a size varies. Else what no window meets is left out."""
    top, bottom, left, right = window.pads(1, 1)
    sides = zip((H, W), window.size, ((top, bottom), (left, right)), strict=True)
    return "Pool" in window.owner and any(n is None and max(pads) >= F for n, F, pads in sides)


def has_rule(window: Any) -> bool:
    """Whether onnxruntime can pad by the rule "same": not for dilated windows, nor for such as leave gaps."""
    return window.dilation == (1, 1) and all(F >= S for F, S in zip(window.size, window.strides, strict=True))


def zero_padding(g: Graph, layer: Any, name: str, x: Value, lead: int) -> Value:
    """Pad, in whatever order the axes are."""
    pads = np.zeros((2, len(x.axes)), np.int64)
    for axis, sides in zip((len(x.axes) - 3, len(x.axes) - 2), layer.padding, strict=True):
        pads[:, x.axes.index(axis)] = sides
    return x._replace(name=g.node("Pad", name, x.name, g.constant(f"{name}/pads", pads.ravel())))


def _over_image(op):
    """A global pool: one number of each channel's pixels, in whatever order the axes are."""

    def export(g: Graph, layer: Any, name: str, x: Value, lead: int) -> Value:
        rank = len(x.axes)
        H, W = rank - 3, rank - 2
        places = g.constant(f"{name}/axes", sorted((x.axes.index(H), x.axes.index(W))))
        y = g.node(op, name, x.name, places, keepdims=int(layer.keepdims))
        if layer.keepdims:
            return x._replace(name=y)
        return x._replace(name=y, axes=tuple(H if axis == rank - 1 else axis for axis in x.axes if axis not in (H, W)))

    return export


def batch_norm(g: Graph, layer: Any, name: str, x: Value, lead: int) -> Value:
    """BatchNormalization wants the channels second, wherever the other axes are."""
    C = len(x.axes) - 1
    first, *rest = (axis for axis in x.axes if axis != C)
    x = g.arranged(x, (first, C, *rest), name)
    arrays = {**layer.params, **layer.statistics}
    inputs = [g.weights(f"{name}.{n}", arrays[n]) for n in ("gamma", "beta", "moving_mean", "moving_variance")]
    options = {"epsilon": layer.epsilon, "momentum": layer.momentum}
    return x._replace(name=g.node("BatchNormalization", name, x.name, *inputs, **options))


def layer_norm(g: Graph, layer: Any, name: str, x: Value, lead: int) -> Value:
    """LayerNormalization normalizes what comes last."""
    x = g.features_last(x, name)
    inputs = [g.weights(f"{name}.{n}", layer.params[n]) for n in ("gamma", "beta")]
    return x._replace(name=g.node("LayerNormalization", name, x.name, *inputs, axis=-1, epsilon=layer.epsilon))


def softmax(g: Graph, layer: Any, name: str, x: Value, lead: int) -> Value:
    """Over nnlite's last axis, wherever it is."""
    return x._replace(name=g.node("Softmax", name, x.name, axis=x.axes.index(len(x.axes) - 1)))


def _each_number(op, **options):
    """An operator on each number by itself; options are functions of the layer."""

    def export(g: Graph, layer: Any, name: str, x: Value, lead: int) -> Value:
        return x._replace(name=g.node(op, name, x.name, **{key: of(layer) for key, of in options.items()}))

    return export


def dropout(g: Graph, layer: Any, name: str, x: Value, lead: int) -> Value:
    """Nothing, outside of training; the node keeps the rate."""
    return x._replace(name=g.node("Dropout", name, x.name, g.constant(f"{name}/rate", layer.rate, np.float32)))


def flatten(g: Graph, layer: Any, name: str, x: Value, lead: int) -> Value:
    """In nnlite's order of the axes."""
    x = g.plain(x, name)
    if lead == 1:
        return x._replace(name=g.node("Flatten", name, x.name, axis=1), axes=(0, 1))
    y = g.node("Reshape", name, x.name, g.constant(f"{name}/shape", [0] * lead + [-1]))
    return x._replace(name=y, axes=tuple(range(lead + 1)))


def reshape(g: Graph, layer: Any, name: str, x: Value, lead: int) -> Value:
    """0 keeps an axis."""
    x = g.plain(x, name)
    shape = [-1 if size is None else size for size in layer.output_shape(x.shape[lead - 1 :])]
    y = g.node("Reshape", name, x.name, g.constant(f"{name}/shape", [0] * lead + shape))
    return x._replace(name=y, axes=tuple(range(lead + len(shape))))


def repeat_vector(g: Graph, layer: Any, name: str, x: Value, lead: int) -> Value:
    """A new axis, and then its one step n times: first, where it is a sequence that a recurrent layer may read next."""
    x = g.plain(x, name)
    axes = (1, 0, 2) if lead == 1 else (0, 1, 2, 3)
    place = axes.index(lead)
    step = g.node("Unsqueeze", f"{name}/step", x.name, g.constant(f"{name}/axis", [place]))
    shape = [layer.n if axis == lead else 1 for axis in axes]
    return x._replace(name=g.node("Expand", name, step, g.constant(f"{name}/shape", shape)), axes=axes)


def embedding(g: Graph, layer: Any, name: str, x: Value, lead: int) -> Value:
    """Gather picks rows of W."""
    y = g.node("Gather", name, g.weights(f"{name}.W", layer.params["W"]), x.name)
    return x._replace(name=y, axes=(*x.axes, len(x.axes)))


def one_hot(g: Graph, layer: Any, name: str, x: Value, lead: int) -> Value:
    """Ids as one-hot vectors."""
    return ids_as_vectors(g, name, x, layer.vocabulary_size)


def ids_as_vectors(g: Graph, name: str, x: Value, V: int) -> Value:
    """The node OneHot; onnxruntime has it for float32 alone."""
    values = g.constant(f"{name}/values", [0, 1], np.float32)
    y = g.node("OneHot", name, x.name, g.constant(f"{name}/depth", V), values)
    if g.dtype != np.float32:
        y = g.node("Cast", f"{name}/cast", y, to=g.type)
    return x._replace(name=y, axes=(*x.axes, len(x.axes)))


def time_distributed(g: Graph, layer: Any, name: str, x: Value, lead: int) -> Value:
    """The layer inside, with one more axis before those that it works on."""
    return exported(g, layer.layer, name, x, lead + 1)


LAYERS: dict[type, Export] = {
    layers.Dense: dense,
    layers.Conv2D: conv2d,
    layers.MaxPool2D: max_pool,
    layers.AvgPool2D: avg_pool,
    layers.ZeroPadding2D: zero_padding,
    layers.GlobalMaxPool2D: _over_image("ReduceMax"),
    layers.GlobalAvgPool2D: _over_image("ReduceMean"),
    layers.BatchNorm: batch_norm,
    layers.LayerNorm: layer_norm,
    layers.Softmax: softmax,
    layers.ReLU: _each_number("Relu"),
    layers.Sigmoid: _each_number("Sigmoid"),
    layers.Tanh: _each_number("Tanh"),
    layers.LeakyReLU: _each_number("LeakyRelu", alpha=lambda layer: layer.negative_slope),
    layers.GELU: _each_number("Gelu", approximate=lambda layer: "tanh" if layer.approximate else "none"),
    layers.Dropout: dropout,
    layers.Flatten: flatten,
    layers.Reshape: reshape,
    layers.RepeatVector: repeat_vector,
    layers.Embedding: embedding,
    layers.OneHot: one_hot,
    layers.TimeDistributed: time_distributed,
}


def exported(g: Graph, layer: Any, name: str, x: Value, lead: int = 1) -> Value:
    """y of a layer."""
    y = LAYERS[type(layer)](g, layer, name, x, lead)
    return y._replace(shape=(*x.shape[: lead - 1], *layer.output_shape(x.shape[lead - 1 :])))


def _activated(g, layer, name, y, lead):
    """The activation that Dense and Conv2D may have, as a node of its own."""
    f = layer.activation
    if f is None:
        return y
    what = type(f).__name__.lower()
    return LAYERS[type(f)](g, f, f"{name}/{what}", y, lead)
