"""A graph of ONNX as a chain of layers."""

import os
import warnings
from typing import Any

import onnx

from nnlite import Sequential
from nnlite.saving.regular_file import open_regular

from . import onnx_axes_nodes, onnx_image_nodes, onnx_nodes, onnx_recurrent_nodes
from .onnx_error import OnnxError
from .onnx_folds import FOLDS
from .onnx_walk import MALFORMED, Refused, Value, Walk, label

NODES = onnx_nodes.NODES | onnx_image_nodes.NODES | onnx_axes_nodes.NODES | onnx_recurrent_nodes.NODES
OLDEST = 7  # before this opset, operators broadcast by other rules


def imported(source: Any) -> Sequential:
    """What `from_onnx` says."""
    where, model = _read(source)
    try:
        walk = Walk(model, NODES, FOLDS)
    except (Refused, *MALFORMED) as error:
        raise OnnxError(f"from_onnx: {where}: {error}") from error
    if walk.opset < OLDEST:
        raise OnnxError(f"from_onnx: {where}: expected opset {OLDEST} or newer, got {walk.opset}: export it anew")
    y = walk.run()
    _finish(walk, y)
    if walk.problems:
        count = f"{len(walk.problems)} of {len(walk.nodes)} nodes" if len(walk.nodes) > 1 else "its node"
        lines = "; ".join(f"{name}: {reason}" for name, reason in walk.problems)
        raise OnnxError(f"from_onnx: {where}: nnlite has no counterpart for {count}: {lines}")
    if walk.left_out:
        warnings.warn(f"from_onnx: {where}: a model gives one array: left out {', '.join(walk.left_out)}", stacklevel=3)
    try:
        return _model(walk, model.graph.name)
    except MALFORMED as error:
        raise OnnxError(f"from_onnx: {where}: {error}") from error


def _read(source):
    """The model, and what messages call it."""
    if isinstance(source, onnx.ModelProto):
        where, model = "the model", source
    else:
        where, model = _parsed(source)
    try:
        onnx.checker.check_model(_with_shapes(model))
    except (onnx.checker.ValidationError, ValueError) as error:
        reason = " ".join(str(error).split()) or "it is empty"
        raise OnnxError(f"from_onnx: {where} is no valid ONNX model, or a damaged one: {reason}") from error
    return where, model


def _with_shapes(model):
    """The model, or a copy of it: the checker wants that all outputs have a shape, and runtimes do not."""
    if all(output.type.tensor_type.HasField("shape") for output in model.graph.output):
        return model
    copied = onnx.ModelProto()
    copied.CopyFrom(model)
    for output in copied.graph.output:
        if output.type.HasField("tensor_type"):
            output.type.tensor_type.shape.SetInParent()
    return copied


def _parsed(source):
    if not isinstance(source, str | os.PathLike | bytes):
        raise TypeError(f"source: expected a path, bytes or an onnx.ModelProto, got {type(source).__name__}")
    where = "the model"
    try:
        if not isinstance(source, bytes):
            where = os.fspath(source)
            with open_regular(source) as file:
                source, folder = file.read(), os.path.dirname(os.path.abspath(where))
        else:
            folder = None
        model = onnx.load_model_from_string(source)
        _require_data(where, model, folder)
        if folder is not None:
            onnx.load_external_data_for_model(model, folder)
    except OnnxError:
        raise
    except OSError as error:
        raise OnnxError(f"from_onnx: cannot read {where}: {error.strerror or error}") from error
    except Exception as error:  # protobuf has an error of its own for each of its versions
        raise OnnxError(f"from_onnx: {where} is no ONNX model, or a damaged one: {error}") from error
    return where, model


def _require_data(where, model, folder):
    """Refuse a graph whose weights are in another file, which is not there."""
    for tensor in model.graph.initializer:
        entries = {entry.key: entry.value for entry in tensor.external_data}
        name = entries.get("location", "")
        if tensor.data_location != onnx.TensorProto.EXTERNAL or os.path.basename(name) != name or not name:
            continue
        if folder is None:
            raise OnnxError(
                f"from_onnx: {where} has its weights in another file, {name}: give the path of the model's file beside "
                f"it, or export with external_data=False"
            )
        if not os.path.exists(os.path.join(folder, name)):
            raise OnnxError(
                f"from_onnx: {where} has its weights in another file, which is not there: bring {name} into the same "
                f"folder, or export with external_data=False"
            )


def _finish(walk: Walk, y: Value | None) -> None:
    """Whether what comes out is what a model gives."""
    if y is None:
        if not walk.problems:
            walk.problems.append(("the output", "no layer gives it"))
        return
    for draft in walk.drafts:
        if draft.backwards:
            walk.problems.append((draft.label, draft.backwards))
    order = walk.input_order
    axes = tuple(axis for axis in y.axes if axis != "D")  # of one direction, or of two side by side
    rank = len(axes)
    alike = {(*range(rank),)}
    if order == (0, *range(2, len(order or ())), 1):
        alike.add((0, rank - 1, *range(1, rank - 1)))
    if order and order[:2] == (1, 0):
        alike.add((1, 0, *range(2, rank)))
    if y.steps or axes not in alike:
        where = walk.transposed or "the output"
        walk.problems.append((where, "its axes are in an order that nnlite's layers do not give"))
    if y.order is not None:
        walk.problems.append(("the output", "it is flattened with the channels first, as no layer of nnlite gives it"))
    if not walk.drafts and not walk.problems:
        where = label(walk.nodes[-1]) if walk.nodes else "the output"
        walk.problems.append((where, "it leaves the input as it is, and a model needs a layer"))


def _model(walk: Walk, name: str) -> Any:
    names: dict[str, int] = {}  # and how often each was wanted: thousands of nodes may have the same
    layers = []
    for draft in walk.drafts:
        name_ = stem = ".".join(filter(None, draft.node.split("/")))
        while name_ in names and name_:
            names[stem] += 1
            name_ = f"{stem}_{names[stem]}"
        names[name_] = 0
        layers.append(draft.made(name_ or None, walk.dtype))
    order = walk.input_order or tuple(range(len(walk.x.dims)))
    sizes = [walk.x.dims[axis] for axis in order if axis < len(walk.x.dims)][1:]
    shape = tuple(None if isinstance(size, str) else size for size in sizes)
    return Sequential(layers, shape, walk.dtype, name=name or None)
