"""Whole arrays where no step waits for another; the text is cut beforehand."""

import numpy as np


def log_softmax(z):
    z = z - z.max(axis=-1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=-1, keepdims=True))


def rnn_loss(inputs, targets, h, Wx, Wh, b, Wy, by):
    T = len(inputs)
    states = np.empty((T + 1, len(h)), h.dtype)
    states[0] = h
    for t, row in enumerate(Wx[inputs] + b):
        states[t + 1] = np.tanh(row + states[t] @ Wh)
    before, after = states[:-1], states[1:]
    log_p = log_softmax(after @ Wy + by)
    loss = -log_p[np.arange(T), targets].sum()
    dlogits = np.exp(log_p)
    dlogits[np.arange(T), targets] -= 1
    dstates = dlogits @ Wy.T
    dsums = np.empty_like(after)
    later = np.zeros_like(h)
    for t in range(T - 1, -1, -1):
        dsums[t] = (dstates[t] + later) * (1 - after[t] ** 2)
        later = Wh @ dsums[t]
    dWx = np.zeros_like(Wx)
    np.add.at(dWx, inputs, dsums)
    return loss, dWx, before.T @ dsums, dsums.sum(0), after.T @ dlogits, dlogits.sum(0), after[-1]


def train(loss_function, params, ids, length, steps, learning_rate):
    starts = range(0, len(ids) - length, length)
    windows = [(ids[start : start + length], ids[start + 1 : start + 1 + length]) for start in starts]
    squares = {name: 1e-8 * np.ones(value.shape) for name, value in params.items()}
    weights, losses, state = dict(params), [], None
    for step in range(steps):
        x, y = windows[step % len(windows)]
        state = state if step % len(windows) else None
        loss, gradients, state = loss_function(x, y, state, weights)
        losses += [loss]
        for name, gradient in gradients.items():
            gradient = np.minimum(np.maximum(gradient, -5), 5)
            squares[name] = squares[name] + gradient**2
            weights[name] = weights[name] - learning_rate * gradient * squares[name] ** -0.5
    return weights, np.array(losses)
