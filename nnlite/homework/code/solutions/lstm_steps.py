"""The textbook's way: step by step, all gates of a step in one matrix."""

import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def lstm_forward(x, h0, c0, Wx, Wh, b):
    h, c, gates = [h0], [c0], []
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] @ Wx + h[t] @ Wh + b, 4, axis=1)
        i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
        c.append(f * c[t] + i * g)
        h.append(o * np.tanh(c[t + 1]))
        gates.append((i, f, g, o))
    i, f, g, o = (np.stack(gate, axis=1) for gate in zip(*gates, strict=True))
    return np.stack(h, axis=1), np.stack(c, axis=1), i, f, g, o


def lstm_backward(x, h0, c0, Wx, Wh, b, dh):
    T = x.shape[1]
    h, c, *gates = lstm_forward(x, h0, c0, Wx, Wh, b)
    dx, dWx, dWh, db = np.zeros_like(x), np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(b)
    dh_next, dc_next = np.zeros_like(h0), np.zeros_like(c0)
    for t in reversed(range(T)):
        i, f, g, o = (gate[:, t] for gate in gates)
        tanh_c = np.tanh(c[:, t + 1])
        dht = dh[:, t] + dh_next
        dct = dc_next + dht * o * (1 - tanh_c**2)
        do = dht * tanh_c
        di = dct * g
        df = dct * c[:, t]
        dg = dct * i
        dz_i = di * i * (1 - i)
        dz_f = df * f * (1 - f)
        dz_g = dg * (1 - g**2)
        dz_o = do * o * (1 - o)
        dz = np.hstack([dz_i, dz_f, dz_g, dz_o])
        dWx += x[:, t].T @ dz
        dWh += h[:, t].T @ dz
        db += dz.sum(axis=0)
        dx[:, t] = dz @ Wx.T
        dh_next = dz @ Wh.T
        dc_next = dct * f
    return dx, dh_next, dc_next, dWx, dWh, db
