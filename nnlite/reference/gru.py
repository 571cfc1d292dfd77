"""GRU over whole sequences.

Letters: N batch, T time, F features in, H units, S steps of the output (T, or 1: the last). Arrays are time-major;
y and dy are batch first. Gates stand in the order z, r, h along 3H. Row n has lengths[n] steps; past them its state
stays as it is.
"""

import numpy as np

from ._sequences import Padding, backward_steps, numbers, sigmoid, summed_products, work_size

__all__ = ["backward", "backward_steps", "forward", "gate_gradients", "step", "work_size"]


def _gates(x, Wx, Wh, b, h):  # IN (N,F) (F,3H) (H,3H) (2,3H) (N,H)
    xz, xr, xg = np.split(x @ Wx + b[0], 3, axis=1)  # (1)
    hz, hr, u = np.split(h @ Wh + b[1], 3, axis=1)  # (1)
    z, r = sigmoid(xz + hz), sigmoid(xr + hr)  # (2)
    g = np.tanh(xg + r * u)  # (3)
    return g, z, r, u


def forward(x, lengths, weights, h, gates, y, work):  # IN (T,N,F) or ids (T,N), (N), h[0]  OUT h[1:], (T,N,4H) (N,S,H)
    Wx, Wh, b = weights  # (F,3H) (H,3H) (2,3H)
    x, padding = numbers(x, Wx), Padding(lengths, *x.shape[:2])
    for t in range(len(x)):
        g, z, r, u = _gates(x[t], Wx, Wh, b, h[t])
        h[t + 1] = z * h[t] + (1 - z) * g  # (4)
        gates[t] = np.concatenate([g, z, r, u], axis=1)
        padding.skip(t, [h], [gates])
    y[:] = padding.outputs(h, y.shape[1])


def backward(x, lengths, weights, h, gates, dy, dh, dx, gradients, da, work):  # dh: IN final, OUT initial state's
    (Wx, Wh, _), (dWx, dWh, db) = weights, gradients
    x, padding = numbers(x, dWx), Padding(lengths, *x.shape[:2])
    dh_of_y = padding.gradients(dy)
    for t in reversed(range(len(x))):
        dh_t = dh + dh_of_y[t]
        dz, dr, _, da_g, du = gate_gradients(gates[t], h[t], dh_t)  # undoes (4), (3)
        _, z, r, _ = np.split(gates[t], 4, axis=1)
        da_z, da_r = dz * z * (1 - z), dr * r * (1 - r)  # undoes (2)
        da[t] = np.concatenate([da_g, da_z, da_r, du], axis=1)
        da[t, padding.at[t]] = 0
        before = dh_t * z + da[t, :, len(Wh) :] @ Wh.T  # undoes (4), (1)
        dh[:] = np.where(padding.at[t, :, None], dh_t, before)  # a row that has ended has taken no step
    da_g, da_z, da_r, du = np.split(da, 4, axis=2)
    da_x, da_h = np.concatenate([da_z, da_r, da_g], axis=2), np.concatenate([da_z, da_r, du], axis=2)
    if dx is not None:
        dx[:] = da_x @ Wx.T
    dWx[:] = summed_products(x, da_x)
    dWh[:] = summed_products(h[:-1], da_h)
    db[:] = da_x.sum(axis=(0, 1)), da_h.sum(axis=(0, 1))


def gate_gradients(gates, h_prev, dh):  # IN (...,4H) (...,H), total dh (...,H)
    """dL/d of z, r, g, of g before its tanh, and of u, of one step or of many."""
    g, z, r, u = np.split(gates, 4, axis=-1)
    dz, dg = dh * (h_prev - g), dh * (1 - z)  # undoes (4)
    da_g = dg * (1 - g**2)  # undoes (3)
    dr, du = da_g * u, da_g * r  # undoes (3)
    return dz, dr, dg, da_g, du


def step(x, weights, h, z):  # IN (N,F) or ids (N)  IN and OUT (N,H): one step of forward
    Wx, Wh, b = weights
    g, z, _, _ = _gates(numbers(x, Wx), Wx, Wh, b, h)
    h[:] = z * h + (1 - z) * g  # (4)
