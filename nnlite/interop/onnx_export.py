"""A model as a graph of ONNX."""

import os
from collections.abc import Iterator, Sequence
from typing import Any

import onnx

from nnlite import Layer, Sequential, __version__, layers
from nnlite.saving import atomic_file

from . import onnx_recurrent
from .onnx_error import OnnxError
from .onnx_graph import INT64, Graph, Value
from .onnx_layers import LAYERS, depends_on_size, exported, has_rule, pads_windows
from .targets import check_path

Shape = Sequence[int | None]


def export(
    model: Any, path: Any, input_shape: Shape | None, states: bool | None, lengths: bool, metadata: dict[str, str]
) -> onnx.ModelProto:
    """What `to_onnx` says."""
    if path is not None:
        try:
            check_path("to_onnx: path", path, ".onnx")
        except ValueError as error:
            raise OnnxError(str(error)) from None
    shape = _shape_of(model, input_shape)
    parts = [*_leaves(model)]
    _refuse_unknown(parts)
    if not parts:
        raise OnnxError(f"to_onnx: {model.name} has no layers")
    sequences = any(isinstance(layer, SEQUENTIAL) for _, layer in parts)
    if lengths and not sequences:
        raise OnnxError("lengths: expected False, as no layer is recurrent, got True")
    ids = _takes_ids(parts[0][1], shape)
    if input_shape is None and _has_open_time([layer for _, layer in parts], shape, ids):
        shape = (None, *shape[1:])
    letters = _letters(shape, ids, parts)
    g = Graph(model.dtype, states)
    axes = tuple(range(len(shape) + 1))
    x = g.input("x", INT64 if ids else g.type, ["N", *letters])
    y = Value(x, axes, shape, onnx_recurrent.graph_lengths(g, x) if lengths else None)
    for name, layer in parts:
        y = exported(g, layer, name, y)
    y = g.plain(y, "")  # the names of layers have no "/": so no layer is called as this node
    has_time = letters[:1] == ["T"] and _keeps_time([layer for _, layer in parts], shape)
    g.output("y", y.name, ["N", *(["T", *y.shape[1:]] if has_time else y.shape)])
    for name, state, H in g.final_states:
        g.output(name, state, ["N", H])
    proto = g.model(model.name, metadata, __version__)
    _check(proto)
    if path is not None:
        _write(path, proto)
    return proto


SEQUENTIAL = layers.RNN | layers.GRU | layers.LSTM | layers.Bidirectional


def _shape_of(model, input_shape):
    if not isinstance(model, Sequential | Layer):
        raise TypeError(f"model: expected a Sequential or a layer, got {type(model).__name__}")
    known = getattr(model, "input_shape", None)
    if input_shape is not None:
        known = tuple(input_shape)
        if not model.built:
            model.build(known)
    if known is None or not model.built:
        raise OnnxError(
            f"to_onnx: {model.name} has no shape of its inputs yet: give input_shape=..., without the batch axis"
        )
    return known


def _leaves(part: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """All layers in their order, with their full names; those of models inside, too."""
    if not isinstance(part, Sequential) or type(part).forward is not Sequential.forward:
        yield prefix + part.name, part
        return
    for layer in part:
        inside = f"{prefix}{layer.name}." if isinstance(layer, Sequential) else prefix
        yield from _leaves(layer, inside)


def _refuse_unknown(parts):
    """Layers of a user's own, as all that is known of them is what they compute."""
    unknown = []
    for name, layer in parts:
        inside = layer.layer if isinstance(layer, layers.TimeDistributed) else layer
        inside = layer.forward_layer if isinstance(layer, layers.Bidirectional) else inside
        f = getattr(inside, "activation", None)
        for kind in (type(layer), type(inside), type(f) if isinstance(f, Layer) else layers.Tanh):
            if kind not in LAYERS and f"{name} ({kind.__name__})" not in unknown:
                unknown.append(f"{name} ({kind.__name__})")
    if unknown:
        raise OnnxError(
            f"to_onnx: expected layers of nnlite, got {', '.join(unknown)}: ONNX has no form for a class of your own: "
            f"write it with nnlite's layers, or export the layers before and after it"
        )


def _takes_ids(layer, shape):
    if isinstance(layer, layers.TimeDistributed):
        layer = layer.layer
    return isinstance(layer, layers.Embedding | layers.OneHot) or (isinstance(layer, SEQUENTIAL) and len(shape) == 1)


def _has_open_time(parts, shape, ids):
    """Whether the first axis is that of steps, of which there may be any number."""
    if len(shape) != (1 if ids else 2) and not isinstance(parts[0], layers.TimeDistributed):
        return False
    shape = (None, *shape[1:])
    for layer in parts:
        inside = layer.layer if isinstance(layer, layers.TimeDistributed) else layer
        reads_ids = isinstance(inside, layers.Embedding | layers.OneHot) or len(shape) == 1 == bool(ids)
        needs_last = not reads_ids and bool(inside.params)
        mixes = isinstance(layer, layers.Reshape) and None in shape
        if mixes or (needs_last and shape[-1] is None) or _needs_size(inside, shape):
            return False
        shape, ids = layer.output_shape(shape), False
    return True


def _keeps_time(parts, shape):
    """Whether y has as many steps as x: seen from a number that comes of no other size."""
    steps = 10007
    shape = (steps, *shape[1:])
    for layer in parts:
        shape = layer.output_shape(shape)
    return shape[:1] == (steps,)


def _needs_size(layer, shape):
    if not isinstance(layer, layers.Conv2D | layers.MaxPool2D | layers.AvgPool2D):
        return False
    H, W = shape[-3:-1]
    return pads_windows(layer.window, H, W) or (depends_on_size(layer.window, H, W) and not has_rule(layer.window))


def _letters(shape, ids, parts):
    """What is written for the sizes of x: numbers, or letters for those that vary."""
    steps = ids or len(shape) == 2 or isinstance(parts[0][1], layers.TimeDistributed)
    names = ["T", "L", "M"] if ids or len(shape) == 2 else ["H", "W", "C"]
    names = ["T", "H", "W", "C"] if steps and len(shape) > 2 else names
    names += [f"D{i}" for i in range(len(names), len(shape))]
    return [name if size is None else size for size, name in zip(shape, names, strict=False)]


def _check(proto):
    try:
        onnx.checker.check_model(proto, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError, ValueError) as error:
        raise OnnxError(f"to_onnx: onnx does not accept the graph: {error}") from error


def _write(path, proto):
    try:
        atomic_file.write(path, proto.SerializeToString())
    except OSError as error:
        raise OnnxError(f"to_onnx: cannot write {os.fspath(path)}: {error.strerror}") from error
