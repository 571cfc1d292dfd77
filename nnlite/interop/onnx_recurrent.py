"""How recurrent layers are said in ONNX: the axes, the states, the lengths. Their weights are in `onnx_gates`."""

import itertools
from typing import Any

import numpy as np

from nnlite import layers

from .onnx_gates import weights_for
from .onnx_graph import INT64, Graph, Value
from .onnx_layers import LAYERS, ids_as_vectors

# Bidirectional's ways to merge two outputs, but "concat": along the axis of the directions.
MERGES = {"sum": "ReduceSum", "mul": "ReduceProd", "ave": "ReduceMean"}


def recurrent(g: Graph, layer: Any, name: str, x: Value, lead: int) -> Value:
    """One node RNN, GRU or LSTM for one or both directions; nodes around it hold the axes as nnlite has them."""
    directions = _directions(layer)
    first = directions[0][1]
    op, H = type(first).__name__, first.units
    x = g.arranged(x, (1, 0, *range(2, len(x.axes))), name)  # (T, N, F), or ids (T, N)
    if len(x.axes) == 2:
        x = ids_as_vectors(g, f"{name}/one_hot", x, first.input_dim)
    arrays = [weights_for(op, *(layer.params[f"{prefix}{n}"] for n in ("Wx", "Wh", "b"))) for prefix, _ in directions]
    given = [g.weights(f"{name}.{n}", np.stack(both)) for n, both in zip("WRB", zip(*arrays, strict=True), strict=True)]
    starts = _initial_states(g, layer, name, x) if _shows_states(g, layer) else []
    lengths = x.lengths and g.node("Cast", f"{name}/lengths", x.lengths, to=6)  # int32
    kind = "bidirectional" if len(directions) == 2 else "reverse" if layer.go_backwards else "forward"
    options = {"hidden_size": H, "direction": kind}
    if op == "RNN":
        options["activations"] = [first.activation.capitalize()] * len(directions)
    if op == "GRU":
        options["linear_before_reset"] = int(first.reset_after)
    needs = {"Y": layer.return_sequences, "Y_h": not layer.return_sequences or starts, "Y_c": starts and op == "LSTM"}
    needed = [name if need else "" for name, need in needs.items()]
    while not needed[-1]:
        needed.pop()
    inputs = [x.name, *given, lengths or "", *starts] if lengths or starts else [x.name, *given]
    g.node(op, name, *inputs, outputs=needed, **options)
    finals = [f"{name}/{output}" for output in needed[1:]]
    if lengths:
        zeros = [g.weights(f"{name}/zeros", np.zeros(())) for _ in finals]
        finals = [_where_none(g, name, x, *pair) for pair in zip(finals, starts or zeros, strict=True)]
    if starts:
        _final_states(g, layer, name, finals)
    if layer.return_sequences:
        y = _merged(g, layer, name, f"{name}/Y", place=1)
        y = _in_order_of_reading(g, name, y, x) if kind == "reverse" else y
        return x._replace(name=y, axes=(1, 0, 2))
    return x._replace(name=_merged(g, layer, name, finals[0], place=0), axes=(0, 1), lengths=None)


def _directions(layer):
    """The layers of one direction, with what their parameters' names begin with."""
    if isinstance(layer, layers.Bidirectional):
        return [("forward_", layer.forward_layer), ("backward_", layer.backward_layer)]
    return [("", layer)]


def _merged(g, layer, name, y, place):
    """One array of the directions', which are along the axis `place`."""
    if not isinstance(layer, layers.Bidirectional):
        return g.node("Squeeze", f"{name}/squeeze", y, g.constant(f"{name}/direction", [place]))
    if layer.merge_mode != "concat":
        axis = g.constant(f"{name}/direction", [place])
        return g.node(MERGES[layer.merge_mode], f"{name}/{layer.merge_mode}", y, axis, keepdims=0)
    y = g.node("Transpose", f"{name}/side_by_side", y, perm=[0, 2, 1, 3] if place else [1, 0, 2])
    shape = [0] * (place + 1) + [2 * layer.forward_layer.units]
    return g.node("Reshape", f"{name}/concat", y, g.constant(f"{name}/shape", shape))


def _in_order_of_reading(g, name, y, x):
    """y (T, N, H) of a layer that goes backwards: ONNX has it in the order of time."""
    if x.lengths:  # a row without steps is as one with one, as some runtimes do not take 0
        lengths = g.node("Max", f"{name}/at_least", x.lengths, g.constant(f"{name}/one_step", [1]))
        return g.node("ReverseSequence", f"{name}/reverse", y, lengths, time_axis=0, batch_axis=1)
    ends = [
        g.constant(f"{name}/{what}", [n]) for what, n in (("last", -1), ("end", -(2**62)), ("time", 0), ("back", -1))
    ]
    return g.node("Slice", f"{name}/reverse", y, *ends)


# States. As inputs and outputs of the graph they are (N, H), one for each direction.


def _shows_states(g, layer):
    always = getattr(layer, "stateful", False) is True or layer.return_state
    return always if g.states is None else g.states


def _initial_states(g, layer, name, x):
    """Inputs such as "lstm.initial_h", which may be left out, as (D, N, H), one for each state of ONNX."""
    directions = _directions(layer)
    states, H = directions[0][1].states, directions[0][1].units
    one, axis = g.constant(f"{name}/one", [1]), g.constant(f"{name}/state_axis", [0])
    shape = g.node("Concat", f"{name}/state_shape", one, g.size(x.name, 1, f"{name}/N"), one, axis=0)
    parts: dict[str, list[str]] = {state: [] for state in states}
    for prefix, state in itertools.product([prefix for prefix, _ in directions], states):
        start = g.input(f"{name}.initial_{prefix}{state}", g.type, ["N or 1", H])
        g.weights(start, np.zeros((1, H)))
        start = g.node("Unsqueeze", f"{name}/{prefix}{state}_direction", start, axis)
        parts[state].append(g.node("Expand", f"{name}/{prefix}{state}_rows", start, shape))
    return [p[0] if len(p) == 1 else g.node("Concat", f"{name}/{state}", *p, axis=0) for state, p in parts.items()]


def _final_states(g, layer, name, finals):
    """Outputs such as "lstm.final_h", declared after y."""
    for i, (prefix, part) in enumerate(_directions(layer)):
        number = g.constant(f"{name}/{prefix}number", i)
        for state, final in zip(part.states, finals, strict=True):
            row = g.node("Gather", f"{name}/final_{prefix}{state}", final, number, axis=0)
            g.final_states.append((f"{name}.final_{prefix}{state}", row, part.units))


def _where_none(g, name, x, final, start):
    """The final state; of a row without steps the initial one, where runtimes give zeros, or worse."""
    state = final.rpartition("_")[2]
    zero, axis = g.constant(f"{name}/zero", [0]), g.constant(f"{name}/last_axis", [-1])
    none = g.node("Equal", f"{name}/{state}_is_empty", x.lengths, zero)
    none = g.node("Unsqueeze", f"{name}/{state}_empty_rows", none, axis)
    return g.node("Where", f"{name}/{state}_or_initial", none, start, final)


def graph_lengths(g: Graph, x: str) -> str:
    """The input "lengths", which may be left out: then all T steps of all N rows are real. As (N,)."""
    g.input("lengths", INT64, ["N or 1"])
    g.constant("lengths", [2**31 - 1])
    T, N = g.size(x, 1, "/lengths/T"), g.size(x, 0, "/lengths/N")
    return g.node("Expand", "/lengths/rows", g.node("Min", "/lengths/at_most", "lengths", T), N)


LAYERS |= dict.fromkeys((layers.RNN, layers.GRU, layers.LSTM, layers.Bidirectional), recurrent)
