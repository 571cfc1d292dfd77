"""What the recurrent nodes of ONNX are in nnlite."""

from typing import Any

import numpy as np

from nnlite import GRU, LSTM, RNN, Bidirectional, OneHot

from .onnx_gates import GATES, weights_from
from .onnx_walk import STATE, Handler, Node, Refused, Side, Value, Walk, floats

USUAL = {"RNN": ["tanh"], "GRU": ["sigmoid", "tanh"], "LSTM": ["sigmoid", "tanh", "tanh"]}
KINDS = {"RNN": RNN, "GRU": GRU, "LSTM": LSTM}


def recurrent(w: Walk, node: Node, x: Value) -> list[Any]:
    """RNN, GRU or LSTM: Y, or Y_h if nobody reads Y; what else it gives is in the layer's state."""
    op, layout = node.op, node.flag("layout")
    if node.given[0] is not x:
        raise Refused("expected X to come from the layers, and nothing else")
    if len(x.axes) != 3 or x.steps:
        raise Refused(f"expected sequences, 3 axes, got {len(x.axes)}")
    x = w.resolved(floats(x), (0, 1, 2) if layout else (1, 0, 2))
    W, R = node.weights(1, "W"), node.weights(2, "R")
    H, G, D = R.shape[-1], len(GATES[op]), len(W)
    B = node.constant(3, "B")
    B = np.zeros((D, 2 * G * H), W.dtype) if B is None else B
    F = W.shape[-1]
    direction = node.choice("direction", "forward", "reverse", "bidirectional")
    expected = (D, G * H, F), (D, G * H, H), (D, 2 * G * H), 1 + (direction == "bidirectional")
    if (W.shape, R.shape, B.shape, D) != expected or node.attribute("hidden_size", H) != H:
        raise Refused(f"its weights W {W.shape}, R {R.shape} and B {B.shape} do not fit each other and {direction}")
    if isinstance(x.dims[2], int) and x.dims[2] != F:
        raise Refused(f"its input has {x.dims[2]} features, and W the shape {W.shape}")
    options = _options(node, D)
    _check_sides(node, x.dims[1])
    sequences = bool(node.consumers(0))
    options["return_sequences"] = sequences
    if w.drafts and w.drafts[-1].kind is OneHot and w.drafts[-1].node == f"{node.name}/one_hot":
        w.drafts.pop()  # which only said that there are ids
        x = x._replace(at=len(w.drafts), dims=x.dims[:2], axes=x.axes[:2])
        options["input_dim"] = F
    shape = (None, F)
    parts = [weights_from(op, *both, has_both=options.get("reset_after", False)) for both in zip(W, R, B, strict=True)]
    axes = _axes(sequences, layout)
    if D == 1:
        back = direction == "reverse"
        y = w.append(
            node, x, KINDS[op], weights=parts[0], shape=shape, axes=axes, units=H, go_backwards=back, **options
        )
        if back and sequences:
            w.drafts[
                -1
            ].backwards = (
                "with direction=reverse ONNX has Y in the order of time, and nnlite's go_backwards in that of reading"
            )
    else:
        both = [
            {f"{way}_{name}": a for name, a in part.items()}
            for way, part in zip(("forward", "backward"), parts, strict=True)
        ]
        layer = KINDS[op](H, **options, dtype=w.dtype)
        y = w.append(node, x, Bidirectional, weights=both[0] | both[1], shape=shape, axes=axes, layer=layer)
    return [y if sequences else STATE, STATE if sequences else y, STATE][: 3 if op == "LSTM" else 2]


def _axes(sequences, layout):
    if sequences:
        return (0, 1, "D", 2) if layout else (1, "D", 0, 2)
    return (0, "D", 1) if layout else ("D", 0, 1)


def _options(node, D):
    """The layer's arguments, from the attributes."""
    if node.attribute("clip") is not None:
        raise Refused("expected no clip")
    node.only(input_forget=0)
    usual, given = USUAL[node.op], [f.lower() for f in node.attribute("activations", USUAL[node.op] * D)]
    if node.op == "RNN" and given in (["relu"] * D, ["tanh"] * D):
        return {"activation": given[0]}
    if given != usual * D:
        raise Refused(f"expected activations {', '.join(usual)}, got {', '.join(given)}")
    return {"reset_after": node.flag("linear_before_reset")} if node.op == "GRU" else {}


def _check_sides(node, steps):
    """Lengths and initial states are given with a call; peepholes are in no layer."""
    for place, what in reversed([*enumerate(("sequence_lens", "initial_h", "initial_c", "P"), 4)]):
        value = node.given[place] if place < len(node.given) else None
        if isinstance(value, np.ndarray) and value.dtype != object:
            says_nothing = (
                not value.any() if what != "sequence_lens" else isinstance(steps, int) and (value == steps).all()
            )
        else:
            says_nothing = value is None or (isinstance(value, Side) and value.kind == "zeros")
        if says_nothing:
            continue
        if what == "P":
            raise Refused("its input P, peepholes, is in no layer of nnlite")
        if not isinstance(value, Side) or value.kind != "input":
            how = "lengths=..." if what == "sequence_lens" else "initial_state=..."
            raise Refused(f"its input {what} is not one of the graph's: nnlite takes it with a call, {how}")


NODES: dict[str, Handler] = dict.fromkeys(GATES, recurrent)
