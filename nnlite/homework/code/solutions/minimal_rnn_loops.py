"""Karpathy's way: dicts by time, a loop forward and one backward."""

import numpy as np


def rnn_loss(inputs, targets, h, Wx, Wh, b, Wy, by):
    xs, hs, ps, loss = {}, {-1: h}, {}, 0
    for t in range(len(inputs)):
        xs[t] = np.zeros(len(Wx))
        xs[t][inputs[t]] = 1
        hs[t] = np.tanh(xs[t] @ Wx + hs[t - 1] @ Wh + b)
        ys = hs[t] @ Wy + by
        ps[t] = np.exp(ys) / np.sum(np.exp(ys))
        loss += -np.log(ps[t][targets[t]])
    dWx, dWh, db, dWy, dby = (np.zeros(w.shape) for w in (Wx, Wh, b, Wy, by))
    dhnext = np.zeros(h.shape)
    for t in reversed(range(len(inputs))):
        dy = np.copy(ps[t])
        dy[targets[t]] -= 1
        dWy += np.outer(hs[t], dy)
        dby += dy
        dh = dy @ Wy.T + dhnext
        dhraw = (1 - hs[t] * hs[t]) * dh
        db += dhraw
        dWx += np.outer(xs[t], dhraw)
        dWh += np.outer(hs[t - 1], dhraw)
        dhnext = dhraw @ Wh.T
    return loss, dWx, dWh, db, dWy, dby, hs[len(inputs) - 1]


def train(loss_function, params, ids, length, steps, learning_rate):
    n, p, hprev = 0, 0, None
    mem = {key: np.zeros_like(params[key]) for key in params}
    losses = []
    while n < steps:
        if p + length + 1 > len(ids):
            hprev, p = None, 0
        inputs = [ch for ch in ids[p : p + length]]
        targets = [ch for ch in ids[p + 1 : p + length + 1]]
        loss, grads, hprev = loss_function(inputs, targets, hprev, params)
        losses.append(loss)
        for key in params:
            dparam = np.clip(grads[key], -5, 5)
            mem[key] += dparam * dparam
            params[key] += -learning_rate * dparam / np.sqrt(mem[key] + 1e-8)
        p += length
        n += 1
    return params, losses
