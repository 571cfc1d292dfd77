"""to_onnx and from_onnx: models as graphs of ONNX, and graphs as models. The first call loads the package onnx."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from nnlite import Layer, Sequential
from nnlite.utils import translated


@translated
def to_onnx(
    model: Sequential | Layer,
    path: str | os.PathLike | None = None,
    *,
    input_shape: Sequence[int | None] | None = None,
    states: bool | None = None,
    lengths: bool = False,
    metadata: Mapping[str, str] | None = None,
) -> Any:
    """A model as a graph of ONNX, an `onnx.ModelProto`, which onnxruntime and many other programs run.

    The graph computes what `predict` does. Its input "x" and its output "y" have nnlite's axes, channels last, and the
    model's dtype; ids are int64. Batches may have any size N, and sequences any number T of steps, unless a layer needs
    it fixed, such as Flatten before Dense. Nodes have the names of the layers: "lstm", and "lstm/transpose" for what
    is around it; so Netron shows them. Opset 20, IR version 9: onnxruntime 1.17 or newer. `onnx.checker` has checked
    the graph.

    Args:
        model: built, or with `input_shape`. A layer alone is taken, too.
        path: of a file to write, as well; its name ends in ".onnx".
        input_shape: without the batch axis, None for a size that varies; by default that of the model, with T open.
        states: True for the states of the recurrent layers as inputs, such as "lstm.initial_h" and "lstm.initial_c",
            zeros if left out, and as outputs "lstm.final_h" and "lstm.final_c", each (N, H); of a Bidirectional
            "bidirectional.initial_forward_h" and so on. A graph does not remember: so by default those of layers with
            stateful=True are there, and those of a layer with return_state.
        lengths: True for an input "lengths", integers (N,): how many steps of each row are real; if left out, all.
        metadata: names and texts for the file, its `metadata_props`, such as a vocabulary.

    Raises:
        OnnxError: the model is not built; a layer is of a class of your own; the path has another ending;
            the file cannot be written.
        ImportError: onnx is not installed.

    Example:
        >>> from nnlite import LSTM, Dense, Sequential
        >>> from nnlite.interop import to_onnx
        >>> model = Sequential([LSTM(8, return_sequences=True), Dense(3)], input_shape=(None, 5), seed=0)
        >>> for node in to_onnx(model).graph.node:
        ...     print(node.name, node.op_type)
        lstm/transpose Transpose
        lstm LSTM
        lstm/squeeze Squeeze
        dense MatMul
        dense/bias Add
        /transpose Transpose
    """
    _check_order(model, path)
    _require()
    from .onnx_export import export

    return export(model, path, input_shape, states, lengths, dict(metadata or {}))


def from_onnx(source: Any) -> Sequential:
    """A model of nnlite's layers that computes what a graph of ONNX does.

    The graph has to be a chain, each node of which is a layer or a part of one. Images go in as (N, H, W, C) and
    sequences as (N, T, F), also where the graph wants (N, C, H, W) or (T, N, F), and come out so: the weights are
    turned to fit. Layers have the names of the nodes. Of a recurrent node with Y_h or Y_c the states are in
    `layer.state`; its sequence_lens and initial states, if they are inputs of the graph, are given with a call:
    `model(x, lengths=...)`. What else a node tells in an output of the graph, such as the mask of a Dropout, is left
    out, with a warning.

    Args:
        source: a path, the bytes of a file, or an `onnx.ModelProto`.

    Raises:
        OnnxError: no such file, no ONNX model, or nodes that are no layers here: the message lists all, and says why.
        ImportError: onnx is not installed.

    Example:
        >>> import numpy as np
        >>> from nnlite import LSTM, Dense, Sequential
        >>> from nnlite.interop import from_onnx, to_onnx
        >>> model = Sequential([LSTM(8), Dense(3)], input_shape=(None, 5), seed=0)
        >>> again = from_onnx(to_onnx(model))
        >>> again
        Sequential([LSTM(units=8), Dense(units=3)])
        >>> x = np.ones((2, 4, 5), "float32")
        >>> np.array_equal(model(x), again(x))
        True
    """
    _require()
    from .onnx_import import imported

    return imported(source)


def _check_order(model, path):
    if isinstance(model, str | os.PathLike) and not isinstance(path, str | os.PathLike | None):
        raise TypeError(
            f"to_onnx: model: expected a Sequential or a layer, got the path {os.fsdecode(model)!r}: the model comes "
            f"first, to_onnx(model, {os.fsdecode(model)!r})"
        )
    if not isinstance(path, str | os.PathLike | None):
        raise TypeError(
            f"to_onnx: path: expected the path of a file to write, got {type(path).__name__}: an example of x is not "
            f"needed: to_onnx(model, 'model.onnx'), with input_shape=... for a model that is not built"
        )


def _require():
    try:
        import onnx  # noqa: F401
    except ModuleNotFoundError as error:
        raise ImportError("ONNX files need the package onnx: pip install 'nnlite-learn[onnx]'") from error
