"""RNN over whole sequences.

Letters: N batch, T time, F features in, H units, S steps of the output (T, or 1: the last). Arrays are time-major;
y and dy are batch first. Row n has lengths[n] steps; past them its state stays as it is.
"""

import numpy as np

from ._sequences import Padding, backward_steps, numbers, summed_products, work_size

__all__ = ["backward", "backward_steps", "forward", "step", "sum_gradient", "work_size"]


def forward(x, lengths, weights, h, y, work, relu):  # IN (T,N,F) or ids (T,N), (N), h[0]  OUT h[1:] (T+1,N,H), (N,S,H)
    Wx, Wh, b = weights  # (F,H) (H,H) (H)
    x, padding = numbers(x, Wx), Padding(lengths, *x.shape[:2])
    for t in range(len(x)):
        z = x[t] @ Wx + b + h[t] @ Wh  # (1)
        h[t + 1] = np.maximum(z, 0) if relu else np.tanh(z)  # (2)
        padding.skip(t, [h])
    y[:] = padding.outputs(h, y.shape[1])


def backward(x, lengths, weights, h, dy, dh, dx, gradients, dz, work, relu):  # dh: IN final, OUT initial state's
    (Wx, Wh, _), (dWx, dWh, db) = weights, gradients
    x, padding = numbers(x, dWx), Padding(lengths, *x.shape[:2])
    dh_of_y = padding.gradients(dy)
    for t in reversed(range(len(x))):
        dh_t = dh + dh_of_y[t]
        dz[t] = sum_gradient(h[t + 1], dh_t, relu)  # undoes (2)
        dz[t, padding.at[t]] = 0
        dh[:] = np.where(padding.at[t, :, None], dh_t, dz[t] @ Wh.T)  # undoes (1), unless the row has ended
    if dx is not None:
        dx[:] = dz @ Wx.T
    dWx[:] = summed_products(x, dz)
    dWh[:] = summed_products(h[:-1], dz)
    db[:] = dz.sum(axis=(0, 1))


def sum_gradient(h, dh, relu):  # IN (...,H), total dh (...,H)
    """dL/dz, of one step or of many."""
    return np.where(h <= 0, 0, dh) if relu else dh * (1 - h**2)  # so that a NaN in h shows


def step(x, weights, h, z, relu):  # IN (N,F) or ids (N)  IN and OUT (N,H): one step of forward
    Wx, Wh, b = weights
    z = numbers(x, Wx) @ Wx + b + h @ Wh
    h[:] = np.maximum(z, 0) if relu else np.tanh(z)
