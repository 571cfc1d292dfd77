"""One matrix for each gate, one sequence at a time, other names."""

import numpy as np


def squash(a):
    return 0.5 * (1 + np.tanh(a / 2))


def lstm_backward(x, h0, c0, Wx, Wh, b, dh):
    U = len(Wh)
    cut = [slice(k * U, (k + 1) * U) for k in range(4)]
    IN, FORGET, NEW, OUT = range(4)
    grad_x, grad_h0, grad_c0 = np.zeros(x.shape), np.zeros(h0.shape), np.zeros(c0.shape)
    grad_Wx, grad_Wh, grad_b = np.zeros(Wx.shape), np.zeros(Wh.shape), np.zeros(b.shape)
    for n, sequence in enumerate(x):
        memory, cell = h0[n], c0[n]
        kept = []
        for letter in sequence:
            a = [letter @ Wx[:, s] + memory @ Wh[:, s] + b[s] for s in cut]
            gate = [squash(a[IN]), squash(a[FORGET]), np.tanh(a[NEW]), squash(a[OUT])]
            cell_after = gate[FORGET] * cell + gate[IN] * gate[NEW]
            memory_after = gate[OUT] * np.tanh(cell_after)
            kept.append((memory, cell, gate, cell_after, memory_after))
            memory, cell = memory_after, cell_after
        back_h, back_c = np.zeros(U), np.zeros(U)
        for step in range(len(sequence) - 1, -1, -1):
            letter = sequence[step]
            memory, cell, gate, cell_after, memory_after = kept[step]
            g_h = back_h + dh[n, step]
            squashed = np.tanh(cell_after)
            g_c = back_c + g_h * gate[OUT] * (1 - squashed * squashed)
            g_a = [None] * 4
            g_a[IN] = g_c * gate[NEW] * gate[IN] * (1 - gate[IN])
            g_a[FORGET] = g_c * cell * gate[FORGET] * (1 - gate[FORGET])
            g_a[NEW] = g_c * gate[IN] * (1 - gate[NEW] ** 2)
            g_a[OUT] = g_h * squashed * gate[OUT] * (1 - gate[OUT])
            back_h = np.zeros(U)
            for s, g in zip(cut, g_a, strict=True):
                grad_Wx[:, s] += np.outer(letter, g)
                grad_Wh[:, s] += np.outer(memory, g)
                grad_b[s] += g
                grad_x[n, step] += Wx[:, s] @ g
                back_h += Wh[:, s] @ g
            back_c = g_c * gate[FORGET]
        grad_h0[n], grad_c0[n] = back_h, back_c
    return grad_x, grad_h0, grad_c0, grad_Wx, grad_Wh, grad_b
