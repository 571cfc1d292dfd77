"""LSTM over whole sequences.

Letters: N batch, T time, F features in, H units, S steps of the output (T, or 1: the last). Arrays are time-major;
y and dy are batch first. Gates stand in the order i, f, g, o along 4H.

With lengths, row n has lengths[n] steps; in the rest, padding, its state stays as it is, and y_t, gates and dz are 0.
"""

import numpy as np

from ._sequences import Padding, backward_steps, numbers, sigmoid, summed_products, work_size

__all__ = ["backward", "backward_steps", "forward", "gate_gradients", "step", "work_size"]


def forward(x, lengths, weights, h, c, gates, y, work):  # IN (T,N,F) or ids (T,N), (N), h[0], c[0]  OUT the rest
    Wx, Wh, b = weights  # (F,4H) (H,4H) (4H)
    x, padding = numbers(x, Wx), Padding(lengths, *x.shape[:2])
    for t in range(len(x)):
        i, f, g, o = np.split(x[t] @ Wx + b + h[t] @ Wh, 4, axis=1)  # (1)
        i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)  # (2)
        c[t + 1] = f * c[t] + i * g  # (3)
        h[t + 1] = o * np.tanh(c[t + 1])  # (4)
        gates[t] = np.concatenate([i, f, g, o], axis=1)
        padding.skip(t, [h, c], [gates])
    y[:] = padding.outputs(h, y.shape[1])


def backward(x, lengths, weights, h, c, gates, dy, dh, dc, dx, gradients, dz, work):  # dh, dc: IN final, OUT initial
    (Wx, Wh, _), (dWx, dWh, db) = weights, gradients
    x, padding = numbers(x, dWx), Padding(lengths, *x.shape[:2])
    dh_of_y = padding.gradients(dy)
    for t in reversed(range(len(x))):
        dh_t = dh + dh_of_y[t]
        di, df, dg, do, dc_t = gate_gradients(gates[t], c[t], c[t + 1], dh_t, dc)  # undoes (4), (3)
        i, f, g, o = np.split(gates[t], 4, axis=1)
        di, df, dg, do = di * i * (1 - i), df * f * (1 - f), dg * (1 - g**2), do * o * (1 - o)  # undoes (2)
        dz[t] = np.concatenate([di, df, dg, do], axis=1)
        ended = padding.at[t, :, None]  # rows that have taken no step
        dh[:] = np.where(ended, dh_t, dz[t] @ Wh.T)  # undoes (1)
        dc[:] = np.where(ended, dc, dc_t * f)  # undoes (3)
    if dx is not None:
        dx[:] = dz @ Wx.T
    dWx[:] = summed_products(x, dz)
    dWh[:] = summed_products(h[:-1], dz)
    db[:] = dz.sum(axis=(0, 1))


def gate_gradients(gates, c_prev, c, dh, dc):  # IN (...,4H) (...,H) ..., total dh, of dc what came from t + 1
    """dL/d of i, f, g and o, and the total dL/dc, of one step or of many."""
    i, _, g, o = np.split(gates, 4, axis=-1)
    tanh_c = np.tanh(c)
    dc = dc + dh * o * (1 - tanh_c**2)  # undoes (4); for padding o is 0
    do = dh * tanh_c
    di, df, dg = dc * g, dc * c_prev, dc * i  # undoes (3)
    return di, df, dg, do, dc


def step(x, weights, h, c, z):  # IN (N,F) or ids (N)  IN and OUT (N,H) (N,H): one step of forward
    Wx, Wh, b = weights
    i, f, g, o = np.split(numbers(x, Wx) @ Wx + b + h @ Wh, 4, axis=1)
    c[:] = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    h[:] = sigmoid(o) * np.tanh(c)
