"""GELU as older files have it, before ONNX had a node for it: x (1 + erf(x / sqrt 2)) / 2, in five nodes."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import helper, numpy_helper


def with_gelus(nodes: Sequence[Any], arrays: dict[str, np.ndarray]) -> list[Any]:
    """The nodes, with a Gelu in the place of the last of such five; nobody reads the others any more.

    Args:
        arrays: the constants of the graph.
    """
    made_by = {output: node for node in nodes for output in node.output}
    constants = {name: array.item() for name, array in arrays.items() if array.size == 1 and array.dtype.kind == "f"}
    for node in nodes:
        for attribute in node.attribute if node.op_type == "Constant" else ():
            value = numpy_helper.to_array(attribute.t) if attribute.name == "value" else np.zeros(0)
            if value.size == 1 and value.dtype.kind == "f":
                constants[node.output[0]] = value.item()

    def without(name, op, constant, either_side=True):
        """x, where `name` is op of x and this constant; else None."""
        node = made_by.get(name)
        if node is None or node.op_type != op or len(node.input) != 2:
            return None
        pairs = [(*node.input,), (*node.input[::-1],)][: 1 + either_side]
        return next((x for x, c in pairs if math.isclose(constants.get(c, math.nan), constant, rel_tol=1e-4)), None)

    def factors(name, depth):
        node = made_by.get(name)
        if depth == 0 or node is None or node.op_type != "Mul" or len(node.input) != 2:
            return [name]
        return [factor for part in node.input for factor in factors(part, depth - 1)]

    def gelu_of(output):
        """x, where `output` is its GELU; else None."""
        parts = factors(output, 2)
        halves = [part for part in parts if constants.get(part) == 0.5]
        for one in parts if len(parts) == 3 and len(halves) == 1 else ():
            erf = made_by.get(without(one, "Add", 1.0))
            if erf is not None and erf.op_type == "Erf":
                inner = erf.input[0]
                x = without(inner, "Div", math.sqrt(2), either_side=False) or without(inner, "Mul", math.sqrt(0.5))
                if x in parts and x != one:
                    return x
        return None

    found = []
    for node in nodes:
        x = gelu_of(node.output[0]) if node.op_type == "Mul" else None
        found.append(node if x is None else helper.make_node("Gelu", [x], [*node.output], name=node.name))
    return found
