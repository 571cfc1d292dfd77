"""RNN over whole sequences.

Letters: N batch, T time, F features in, H units, S steps of the output (T, or 1: the last). Arrays are time-major;
y and dy are batch first. Row n has lengths[n] steps; past them its state stays as it is.
"""

import numpy as np


def work_size(H):
    return 0


def forward(x, lengths, weights, h, y, work, relu):  # IN (T,N,F) or ids (T,N), (N), h[0]  OUT h[1:] (T+1,N,H), (N,S,H)
    Wx, Wh, b = weights  # (F,H) (H,H) (H)
    x = _numbers(x, Wx)
    T, S = x.shape[0], y.shape[1]
    for t in range(T):
        z = x[t] @ Wx + b + h[t] @ Wh  # (1)
        h_t = np.maximum(z, 0) if relu else np.tanh(z)  # (2)
        real = _is_real(t, lengths, x)
        h[t + 1] = np.where(real, h_t, h[t])
        if S > 1:
            y[:, t] = np.where(real, h_t, 0)
    if S == 1:
        y[:, 0] = h[T]


def backward_steps(N, T):
    return T  # all of dz


def backward(x, lengths, weights, h, dy, dh, dx, gradients, dz, work, relu):  # dh: IN final, OUT initial state's
    (Wx, Wh, _), (dWx, dWh, db) = weights, gradients
    x = _numbers(x, Wx)
    T, S = x.shape[0], dy.shape[1]
    if S == 1:
        dh += dy[:, 0]
    for t in reversed(range(T)):
        real = _is_real(t, lengths, x)
        dh_t = dh + dy[:, t] if S > 1 else dh
        dz[t] = np.where(real, sum_gradient(h[t + 1], dh_t, relu), 0)  # undoes (2)
        dh[:] = np.where(real, dz[t] @ Wh.T, dh)  # undoes (1)
    if dx is not None:
        dx[:] = dz @ Wx.T
    dWx[:] = np.einsum("tnf,tnz->fz", x, dz)
    dWh[:] = np.einsum("tnh,tnz->hz", h[:-1], dz)
    db[:] = dz.sum(axis=(0, 1))


def sum_gradient(h, dh, relu):  # IN (...,H), total dh (...,H)
    """dL/dz, of one step or of many."""
    return np.where(h > 0, dh, 0) if relu else dh * (1 - h**2)


def step(x, weights, h, z, relu):  # IN (N,F) or ids (N)  IN and OUT (N,H): one step of forward
    Wx, Wh, b = weights
    z = _numbers(x, Wx) @ Wx + b + h @ Wh
    h[:] = np.maximum(z, 0) if relu else np.tanh(z)


def _is_real(t, lengths, x):
    """Which rows have a step t, (N, 1)."""
    return np.ones((x.shape[1], 1), bool) if lengths is None else t < lengths[:, None]


def _numbers(x, Wx):
    """x, or the one-hot vectors that its ids stand for."""
    return np.eye(len(Wx), dtype=Wx.dtype)[x] if x.dtype.kind == "i" else x
