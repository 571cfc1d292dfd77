"""A graph of ONNX while it is written: nodes, constants, and how arrays lie in it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

# Gelu came with opset 20, of 2023; 9 is the file format of the same year. Newer ones would shut out older runtimes.
OPSET, IR_VERSION = 20, 9


class Value(NamedTuple):
    """An array in the graph.

    Attributes:
        name: of the tensor.
        axes: which axis of nnlite's array each axis of the tensor is: (0, 3, 1, 2) where the channels come first.
        shape: of nnlite's array without the batch axis; None is a size that varies.
        lengths: the name of the lengths of its sequences, None without them.
    """

    name: str
    axes: tuple[int, ...]
    shape: tuple[int | None, ...]
    lengths: str | None = None


class Graph:
    """Collects the nodes. A node's name is that of its layer, or begins with it: "conv2d", "conv2d/transpose"."""

    def __init__(self, dtype: np.dtype, states: bool | None) -> None:
        self.dtype, self.states = dtype, states
        self.type = helper.np_dtype_to_tensor_dtype(dtype)
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}
        self.inputs: list[onnx.ValueInfoProto] = []
        self.outputs: list[onnx.ValueInfoProto] = []
        self.final_states: list[tuple[str, str, int]] = []  # name of the output, tensor, H

    def node(self, op: str, name: str, *inputs: str, outputs: Sequence[str] = ("y",), **attributes: Any) -> str:
        """Add a node; returns the name of its first output that is used."""
        names = [output and f"{name}/{output}" for output in outputs]
        self.nodes.append(helper.make_node(op, inputs, names, name=name, **attributes))
        return next(filter(None, names))

    def constant(self, name: str, array: Any, dtype: Any = None) -> str:
        """Add a constant; by default integers for a list of them."""
        array = np.array(array, np.int64 if dtype is None else dtype, order="C")
        self.constants[name] = numpy_helper.from_array(array, name)
        return name

    def weights(self, name: str, array: np.ndarray) -> str:
        """Add a constant of the model's dtype."""
        return self.constant(name, array, self.dtype)

    def input(self, name: str, type_: int, shape: Sequence[Any]) -> str:
        """Declare an input of the graph. It may be left out where there is a constant of its name."""
        self.inputs.append(helper.make_tensor_value_info(name, type_, shape))
        return name

    def output(self, name: str, value: str, shape: Sequence[Any]) -> None:
        """Declare an output of the graph, and give the tensor `value` its name."""
        renamed = value in {output for node in self.nodes for output in node.output}
        renamed &= value not in {output.name for output in self.outputs}
        if not renamed:
            self.nodes.append(helper.make_node("Identity", [value], [name], name=f"{name}/identity"))
        for node in self.nodes if renamed else ():
            for names in (node.input, node.output):
                names[:] = [name if n == value else n for n in names]
        self.outputs.append(helper.make_tensor_value_info(name, self.type, shape))

    def arranged(self, x: Value, axes: Sequence[int], name: str) -> Value:
        """x with its axes in this order: a Transpose, if they are not."""
        axes = tuple(axes)
        if axes == x.axes:
            return x
        y = self.node("Transpose", f"{name}/transpose", x.name, perm=[x.axes.index(axis) for axis in axes])
        return x._replace(name=y, axes=axes)

    def plain(self, x: Value, name: str) -> Value:
        """x with its axes as nnlite has them."""
        return self.arranged(x, range(len(x.axes)), name)

    def features_last(self, x: Value, name: str) -> Value:
        """x with its last axis last; the others as they are."""
        last = len(x.axes) - 1
        return x if x.axes[-1] == last else self.plain(x, name)

    def size(self, x: str, axis: int, name: str) -> str:
        """The size of an axis of a tensor, an array of one number."""
        return self.node("Shape", name, x, start=axis, end=axis + 1)

    def model(self, name: str, metadata: dict[str, str], version: str) -> onnx.ModelProto:
        """All of it as ONNX's own object."""
        graph = helper.make_graph(self.nodes, name, self.inputs, self.outputs, [*self.constants.values()])
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="nnlite",
            producer_version=version,
        )  # fmt: skip
        helper.set_model_props(model, metadata)
        return model


INT64 = TensorProto.INT64
