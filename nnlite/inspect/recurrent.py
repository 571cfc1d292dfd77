"""The values of a recurrent layer at every step, and their gradients.

No recurrence is implemented a second time here. The values are those that `forward` kept. The gradients of the states
come from the layer's own backward, called for one step at a time, from the last to the first. Those of the gates follow
within a step, by the functions of the reference.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import sequence_lengths
from ..layers.base.recurrent import Recurrent
from ..reference import gru, gru_reset_before, lstm, rnn

Arrays = dict[str, np.ndarray]

_STATE = "output and state after the step"

# By kernel: the gates in the order in which it keeps them.
GATES = {"lstm": "ifgo", "gru": "gzru", "gru_reset_before": "zrgv"}

# By kernel: the names of its values, in order, and what they mean.
MEANINGS = {
    "lstm": {
        "i": "input gate: how much of the candidate goes into the cell",
        "f": "forget gate: how much of the cell stays",
        "g": "candidate, c~: what may go into the cell",
        "o": "output gate: how much of the cell shows",
        "c": "cell state after the step",
        "h": _STATE,
    },
    "gru": {
        "z": "update gate: how much of the state stays",
        "r": "reset gate: fraction of u that the candidate sees",
        "g": "candidate: replaces the rest of the state",
        "u": "the previous state's part in the candidate: h_{t-1} Whh + b1h",
        "h": _STATE,
    },
    "gru_reset_before": {
        "z": "update gate: how much of the state stays",
        "r": "reset gate: fraction of the state that the candidate sees",
        "g": "candidate: replaces the rest of the state",
        "v": "what the candidate sees of the previous state: r_t * h_{t-1}",
        "h": _STATE,
    },
    "rnn": {"z": "weighted sum: x_t Wx + b + h_{t-1} Wh", "h": _STATE},
}


def meanings(layer: Any) -> dict[str, str]:
    """The meanings of a layer's values and gradients, by name."""
    values = MEANINGS[layer.kernel]
    later = ", including what comes back from t + 1"
    return values | {f"d{name}": f"dL/d{name}{later if name in layer.states else ''}" for name in values}


def has_meanings(layer: Any) -> bool:
    """Whether it is a recurrent layer whose values are known here."""
    return isinstance(layer, Recurrent) and getattr(layer, "kernel", None) in MEANINGS


def values(layer: Any) -> tuple[Arrays, Arrays]:
    """The values of all steps of the last forward by name, (T, N, H) each, and the initial states, (N, H) each.

    In padding, states stay as they are, and everything else is 0.
    """
    states, gates = _kept_states(layer)
    found = {name: array[1:] for name, array in states.items()}
    if gates is None:
        x, Wx, Wh, b = layer.kept[0], *(layer.params[name] for name in layer.weights)
        sums = (Wx[x] if x.ndim == 2 else x @ Wx) + b + states["h"][:-1] @ Wh  # which an RNN does not keep
        found["z"] = _without_padding(layer, sums)
    else:
        found |= zip(GATES[layer.kernel], np.split(gates, 4, axis=2), strict=True)
    return {name: found[name] for name in MEANINGS[layer.kernel]}, {name: array[0] for name, array in states.items()}


def gradients(layer: Any, dy: np.ndarray, dstate: Sequence[np.ndarray] | None = None) -> tuple[Arrays, Arrays]:
    """The gradients of `values`, with names such as "df", from dy = dL/dy and dstate, those of the final states.

    Gradients of states are total: they include all later steps.
    """
    states, gates = _kept_states(layer)
    dy = _by_steps(layer, dy)
    coming = _back_through_time(layer, dy, dstate)
    dh = coming["h"][1:] + dy
    totals = {"dh": dh}
    if layer.kernel == "lstm":
        di, df, dg, do, dc = lstm.gate_gradients(gates, states["c"][:-1], states["c"][1:], dh, coming["c"][1:])
        found, totals = {"di": di, "df": df, "dg": dg, "do": do}, {"dc": dc, "dh": dh}
    elif layer.kernel == "gru":
        dz, dr, dg, _, du = gru.gate_gradients(gates, states["h"][:-1], dh)
        found = {"dz": dz, "dr": dr, "dg": dg, "du": du}
    elif layer.kernel == "gru_reset_before":
        dz, dr, dg, _, dv = gru_reset_before.gate_gradients(gates, states["h"][:-1], dh, layer.params["Wh"])
        found = {"dz": dz, "dr": dr, "dg": dg, "dv": dv}
    else:
        found = {"dz": rnn.sum_gradient(states["h"][1:], dh, layer.activation == "relu")}
    found = {name: _without_padding(layer, gradient) for name, gradient in found.items()} | totals
    return found, {f"d{name}": array[0] for name, array in coming.items()}


def _back_through_time(layer, dy, dstate):
    """The gradient of each state as it comes back from later steps, (T + 1, N, H), by name."""
    x, lengths, *kept = layer._kept()
    T, states = len(x), len(layer.states)
    coming = [np.empty_like(state) for state in kept[:states]]
    for array, final in zip(coming, [0] * states if dstate is None else dstate, strict=True):
        array[T] = final
    try:
        for t in reversed(range(T)):
            around = *(state[t : t + 2] for state in kept[:states]), *(gates[t : t + 1] for gates in kept[states:])
            layer._keep(x[t : t + 1], None if lengths is None else (lengths > t).astype(np.intp), *around)
            dy_t = dy[t][:, None] if layer.return_sequences else dy[t]
            layer.backward(dy_t, [array[t + 1] for array in coming], needs_dx=False)
            for array, earlier in zip(coming, layer.dinitial_state, strict=True):
                array[t] = earlier
    finally:
        layer._keep(x, lengths, *kept)
    return dict(zip(layer.states, coming, strict=True))


def _kept_states(layer):
    """The states (T + 1, N, H) by name, and the gates (T, N, 4H), None where the layer keeps none."""
    _, _, *kept = layer.kept
    states = dict(zip(layer.states, kept, strict=False))
    return states, kept[-1] if layer.keeps_gates else None


def _by_steps(layer, dy):
    """dy of all T steps, (T, N, H): 0 where y says nothing."""
    x = layer.kept[0]
    if layer.return_sequences:
        return _without_padding(layer, dy.swapaxes(0, 1))
    steps = np.zeros((*x.shape[:2], layer.units), dy.dtype)
    steps[-1] = dy
    return steps


def _without_padding(layer, array):
    """An array (T, N, H) with 0 in the steps that are padding."""
    lengths = layer.kept[1]
    if lengths is None:
        return array
    return np.where(sequence_lengths.real_steps(lengths, len(array)).T[:, :, None], array, 0)
