"""LSTM over whole sequences.

Letters: N batch, T time, F features in, H units, S steps of the output (T, or 1: the last). Arrays are time-major;
y and dy are batch first. Gates stand in the order i, f, g, o along 4H.

With lengths, row n has lengths[n] steps; in the rest, padding, its state stays as it is, and y_t, gates and dz are 0.
"""

import numpy as np


def work_size(H):
    return 0


def sigmoid(z):
    return np.exp(-np.logaddexp(0, -z))  # 1 / (1 + e^-z), without overflow


def forward(x, lengths, weights, h, c, gates, y, work):  # IN (T,N,F) or ids (T,N), (N), h[0], c[0]  OUT the rest
    Wx, Wh, b = weights  # (F,4H) (H,4H) (4H)
    x = _numbers(x, Wx)
    T, S = x.shape[0], y.shape[1]
    live = _live(lengths, *x.shape[:2])
    for t in range(T):
        i, f, g, o = np.split(x[t] @ Wx + b + h[t] @ Wh, 4, axis=1)  # (1)
        i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)  # (2)
        c[t + 1] = np.where(live[t], f * c[t] + i * g, c[t])  # (3)
        h[t + 1] = np.where(live[t], o * np.tanh(c[t + 1]), h[t])  # (4)
        gates[t] = np.where(live[t], np.concatenate([i, f, g, o], axis=1), 0)
    y[:] = h[T - S + 1 :].swapaxes(0, 1)
    if S > 1:
        y *= live.swapaxes(0, 1)


def backward_steps(N, T):
    return T  # all of dz


def backward(x, lengths, weights, h, c, gates, dy, dh, dc, dx, gradients, dz, work):  # dh, dc: IN final, OUT initial
    (Wx, Wh, _), (dWx, dWh, db) = weights, gradients
    x = _numbers(x, Wx)
    T, S = x.shape[0], dy.shape[1]
    live = _live(lengths, *x.shape[:2])
    for t in reversed(range(T)):
        if t >= T - S:
            dh += np.where(live[t] | (S == 1), dy[:, t - (T - S)], 0)
        di, df, dg, do, dc_t = gate_gradients(gates[t], c[t], c[t + 1], dh, dc)  # undoes (4), (3)
        i, f, g, o = np.split(gates[t], 4, axis=1)
        dc[:] = dc_t * np.where(live[t], f, 1)
        di, df, dg, do = di * i * (1 - i), df * f * (1 - f), dg * (1 - g**2), do * o * (1 - o)  # undoes (2)
        dz[t] = np.concatenate([di, df, dg, do], axis=1)
        dh[:] = np.where(live[t], dz[t] @ Wh.T, dh)  # undoes (1)
    if dx is not None:
        dx[:] = dz @ Wx.T
    dWx[:] = np.einsum("tnf,tnz->fz", x, dz)
    dWh[:] = np.einsum("tnh,tnz->hz", h[:T], dz)
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
    i, f, g, o = np.split(_numbers(x, Wx) @ Wx + b + h @ Wh, 4, axis=1)
    c[:] = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    h[:] = sigmoid(o) * np.tanh(c)


def _live(lengths, T, N):
    """Which steps are no padding, (T, N, 1)."""
    return np.full((T, N, 1), True) if lengths is None else (np.arange(T)[:, None] < lengths)[:, :, None]


def _numbers(x, Wx):
    """x, or the one-hot vectors that its ids stand for."""
    return np.eye(len(Wx), dtype=Wx.dtype)[x] if x.dtype.kind == "i" else x
