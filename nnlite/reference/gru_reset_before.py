"""GRU(reset_after=False) over whole sequences: the reset gate acts on the state, before the product with Wh.

Letters: N batch, T time, F features in, H units, S steps of the output (T, or 1: the last). Arrays are time-major;
y and dy are batch first. Gates stand in the order z, r, h along 3H. Row n has lengths[n] steps; past them its state
stays as it is.
"""

import numpy as np

from ._sequences import Padding, backward_steps, numbers, sigmoid, summed_products, work_size

__all__ = ["backward", "backward_steps", "forward", "gate_gradients", "step", "work_size"]


def _gates(x, Wx, Wh, b, h):  # IN (N,F) (F,3H) (H,3H) (3H) (N,H)
    H = len(Wh)
    az, ar, ag = np.split(x @ Wx + b, 3, axis=1)  # (1)
    hz, hr = np.split(h @ Wh[:, : 2 * H], 2, axis=1)  # (2)
    z, r = sigmoid(az + hz), sigmoid(ar + hr)
    v = r * h  # (3)
    g = np.tanh(ag + v @ Wh[:, 2 * H :])
    return z, r, g, v


def forward(x, lengths, weights, h, gates, y, work):  # IN (T,N,F) or ids (T,N), (N), h[0]  OUT h[1:], (T,N,4H) (N,S,H)
    Wx, Wh, b = weights  # (F,3H) (H,3H) (3H)
    x, padding = numbers(x, Wx), Padding(lengths, *x.shape[:2])
    for t in range(len(x)):
        z, r, g, v = _gates(x[t], Wx, Wh, b, h[t])
        h[t + 1] = z * h[t] + (1 - z) * g  # (4)
        gates[t] = np.concatenate([z, r, g, v], axis=1)
        padding.skip(t, [h], [gates])
    y[:] = padding.outputs(h, y.shape[1])


def backward(x, lengths, weights, h, gates, dy, dh, dx, gradients, da, work):  # dh: IN final, OUT initial state's
    (Wx, Wh, _), (dWx, dWh, db), H = weights, gradients, len(weights[1])
    x, padding = numbers(x, dWx), Padding(lengths, *x.shape[:2])
    dh_of_y = padding.gradients(dy)
    for t in reversed(range(len(x))):
        dh_t = dh + dh_of_y[t]
        dz, dr, _, da_g, dv = gate_gradients(gates[t], h[t], dh_t, Wh)  # undoes (4), (3)
        z, r, _, _ = np.split(gates[t], 4, axis=1)
        da_z, da_r = dz * z * (1 - z), dr * r * (1 - r)  # undoes (2)
        da[t] = np.concatenate([da_z, da_r, da_g, dv], axis=1)
        da[t, padding.at[t]] = 0
        before = dh_t * z + dv * r + da[t, :, : 2 * H] @ Wh[:, : 2 * H].T  # undoes (4), (3), (2)
        dh[:] = np.where(padding.at[t, :, None], dh_t, before)  # a row that has ended has taken no step
    da, v = da[:, :, : 3 * H], gates[:, :, 3 * H :]
    if dx is not None:
        dx[:] = da @ Wx.T
    dWx[:] = summed_products(x, da)
    dWh[:, : 2 * H] = summed_products(h[:-1], da[:, :, : 2 * H])
    dWh[:, 2 * H :] = summed_products(v, da[:, :, 2 * H :])
    db[:] = da.sum(axis=(0, 1))


def gate_gradients(gates, h_prev, dh, Wh):  # IN (...,4H) (...,H), total dh (...,H), (H,3H)
    """dL/d of z, r, g, of g before its tanh, and of v, of one step or of many."""
    z, _, g, _ = np.split(gates, 4, axis=-1)
    dz, dg = dh * (h_prev - g), dh * (1 - z)  # undoes (4)
    da_g = dg * (1 - g**2)  # undoes (3)
    dv = da_g @ Wh[:, 2 * len(Wh) :].T
    dr = dv * h_prev
    return dz, dr, dg, da_g, dv


def step(x, weights, h, z):  # IN (N,F) or ids (N)  IN and OUT (N,H): one step of forward
    Wx, Wh, b = weights
    z, _, g, _ = _gates(numbers(x, Wx), Wx, Wh, b, h)
    h[:] = z * h + (1 - z) * g
