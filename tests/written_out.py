"""Recurrent layers written out, step by step, for NumPy as for PyTorch: a witness for what can be seen inside of them.

To every number that a layer computes a nudge is added, which is 0: the gradient of a loss with respect to the nudge is
its gradient with respect to the number.
"""

import numpy as np

NAMES = {"LSTM": ("i", "f", "g", "o", "c", "h"), "GRU": ("z", "r", "g", "u", "h"), "RNN": ("z", "h")}
STATES = {"LSTM": ("h", "c"), "GRU": ("h",), "RNN": ("h",), "GRU, reset before": ("h",)}
NAMES["GRU, reset before"] = ("z", "r", "g", "v", "h")


def nudges(kind, N, T, H):
    """Zeros: for each number of all steps (N, T, H), and for each initial state (N, H), "h0" for one."""
    return {name: np.zeros((N, T, H)) for name in NAMES[kind]} | {f"{s}0": np.zeros((N, H)) for s in STATES[kind]}


def run(xp, kind, x, real, weights, start, nudge, relu=False):
    """What a layer computes, by name, (N, T, H) each, without what its padding does not have.

    Args:
        xp: NumPy or PyTorch.
        kind: the layer's class.
        x, real: (N, T, F), and 1 for a step that is no padding, else 0, (N, T, 1).
        weights: Wx, Wh and b.
        start: the initial states by name, (N, H) each.
        nudge: as `nudges` makes them.
    """
    state = {name: start[name] + nudge[f"{name}0"] for name in STATES[kind]}
    steps = []
    for t in range(x.shape[1]):
        values = _STEPS[kind](xp, x[:, t], *weights, state, {k: v[:, t] for k, v in nudge.items() if v.ndim == 3}, relu)
        for name in STATES[kind]:  # a state that the step after it sees, nudged where it stands
            values[name] = real[:, t] * values[name] + (1 - real[:, t]) * (state[name] + nudge[name][:, t])
        state = {name: values[name] for name in STATES[kind]}
        steps.append({k: v if k in state else v * real[:, t] for k, v in values.items()})
    return {name: xp.stack([step[name] for step in steps], 1) for name in NAMES[kind]}


def cross_entropy(xp, logits, one_hot, weight):
    """The sum of the cross-entropies of all positions, each times its weight."""
    surprise = xp.log(xp.exp(logits).sum(-1)) - (logits * one_hot).sum(-1)
    return (surprise * weight).sum()


def _lstm(xp, x, Wx, Wh, b, state, nudge, relu):
    z_i, z_f, z_g, z_o = _blocks(x @ Wx + b + state["h"] @ Wh, 4)
    i, f, o = (_sigmoid(xp, z) + nudge[name] for z, name in ((z_i, "i"), (z_f, "f"), (z_o, "o")))
    g = xp.tanh(z_g) + nudge["g"]
    c = f * state["c"] + i * g + nudge["c"]
    return {"i": i, "f": f, "g": g, "o": o, "c": c, "h": o * xp.tanh(c) + nudge["h"]}


def _gru(xp, x, Wx, Wh, b, state, nudge, relu):
    (x_z, x_r, x_h), (h_z, h_r, h_h) = _blocks(x @ Wx + b[0], 3), _blocks(state["h"] @ Wh + b[1], 3)
    z, r, u = _sigmoid(xp, x_z + h_z) + nudge["z"], _sigmoid(xp, x_r + h_r) + nudge["r"], h_h + nudge["u"]
    g = xp.tanh(x_h + r * u) + nudge["g"]
    return {"z": z, "r": r, "g": g, "u": u, "h": z * state["h"] + (1 - z) * g + nudge["h"]}


def _gru_reset_before(xp, x, Wx, Wh, b, state, nudge, relu):
    (x_z, x_r, x_h), (W_z, W_r, W_h) = _blocks(x @ Wx + b, 3), _blocks(Wh, 3)
    z = _sigmoid(xp, x_z + state["h"] @ W_z) + nudge["z"]
    r = _sigmoid(xp, x_r + state["h"] @ W_r) + nudge["r"]
    v = r * state["h"] + nudge["v"]
    g = xp.tanh(x_h + v @ W_h) + nudge["g"]
    return {"z": z, "r": r, "g": g, "v": v, "h": z * state["h"] + (1 - z) * g + nudge["h"]}


def _rnn(xp, x, Wx, Wh, b, state, nudge, relu):
    z = x @ Wx + b + state["h"] @ Wh + nudge["z"]
    return {"z": z, "h": (z * (z > 0) if relu else xp.tanh(z)) + nudge["h"]}


_STEPS = {"LSTM": _lstm, "GRU": _gru, "RNN": _rnn, "GRU, reset before": _gru_reset_before}


def _sigmoid(xp, z):
    return 1 / (1 + xp.exp(-z))


def _blocks(z, n):
    H = z.shape[1] // n
    return [z[:, k * H : (k + 1) * H] for k in range(n)]
