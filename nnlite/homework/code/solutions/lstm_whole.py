"""In float32, time first; the weights' gradients as one product over all steps at the end."""

import numpy as np


def run(x, h0, c0, Wx, Wh, b):
    T, N, H = x.shape[1], len(x), len(Wh)
    hs, cs, acts = (np.zeros(shape, np.float32) for shape in ((T + 1, N, H), (T + 1, N, H), (T, N, 4, H)))
    hs[0], cs[0] = h0, c0
    for t in range(T):
        z = (x[:, t] @ Wx + hs[t] @ Wh + b).reshape(N, 4, H)
        acts[t] = 1 / (1 + np.exp(-z))
        acts[t, :, 2] = np.tanh(z[:, 2])
        cs[t + 1] = acts[t, :, 1] * cs[t] + acts[t, :, 0] * acts[t, :, 2]
        hs[t + 1] = acts[t, :, 3] * np.tanh(cs[t + 1])
    return hs, cs, acts


def lstm_backward(x, h0, c0, Wx, Wh, b, dh):
    x, h0, c0, Wx, Wh, b, dh = (array.astype(np.float32) for array in (x, h0, c0, Wx, Wh, b, dh))
    T, N, H = x.shape[1], len(x), len(Wh)
    hs, cs, acts = run(x, h0, c0, Wx, Wh, b)
    slopes = acts * (1 - acts)
    slopes[:, :, 2] = 1 - acts[:, :, 2] ** 2
    tanhs = np.tanh(cs[1:])
    dZ = np.zeros((T, N, 4, H), np.float32)
    from_h, from_c = np.zeros((N, H), "f"), np.zeros((N, H), "f")
    for t in range(T)[::-1]:
        from_h = from_h + dh[:, t]
        from_c = from_c + from_h * acts[t, :, 3] * (1 - tanhs[t] ** 2)
        factors = np.stack([acts[t, :, 2], cs[t], acts[t, :, 0], tanhs[t]], axis=1)
        upper = np.stack([from_c, from_c, from_c, from_h], axis=1)
        dZ[t] = upper * factors * slopes[t]
        from_h = dZ[t].reshape(N, 4 * H) @ Wh.T
        from_c = from_c * acts[t, :, 1]
    flat = dZ.reshape(T * N, 4 * H)
    dWx = x.swapaxes(0, 1).reshape(T * N, -1).T @ flat
    dWh = hs[:-1].reshape(T * N, H).T @ flat
    dx = (flat @ Wx.T).reshape(T, N, -1).swapaxes(0, 1)
    return dx, from_h, from_c, dWx, dWh, flat.sum(axis=0)
