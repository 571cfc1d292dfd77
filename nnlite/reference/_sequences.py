"""What the recurrent references share beside their equations: sigmoid, ids, unequal lengths, scratch memory.

Letters: N batch, T time, S steps of the output (T, or 1: the last).
"""

import numpy as np


def work_size(H):
    return 0  # NumPy brings its own


def backward_steps(N, T):
    return T  # of scratch memory: all


def sigmoid(z):
    return np.exp(-np.logaddexp(0, -z))  # 1 / (1 + e^-z), without overflow


def numbers(x, Wx):
    """x (T,N,F), or the one-hot vectors that its ids (T,N) are shorthand for."""
    return np.eye(len(Wx), dtype=Wx.dtype)[x] if x.dtype.kind == "i" else x


def summed_products(a, b):
    """The sum over all steps and rows of a^T b: (A,B), from a (T,N,A) and b (T,N,B)."""
    return np.tensordot(a, b, axes=((0, 1), (0, 1)))  # np.einsum can return NaN where N = 0: it reads before it counts


class Padding:
    """The steps of each row beyond its length: its states stay as they are, and all else is 0."""

    def __init__(self, lengths, T, N):
        ends = np.full(N, T) if lengths is None else lengths
        self.at = np.arange(T)[:, None] >= ends  # (T,N)

    def skip(self, t, states, kept=()):
        """Undo step t of the rows that have ended: states (T+1,N,H) and what is kept of each step (T,N,...)."""
        for state in states:
            state[t + 1, self.at[t]] = state[t, self.at[t]]
        for array in kept:
            array[t, self.at[t]] = 0

    def outputs(self, h, S):
        """y (N,S,H) from h (T+1,N,H)."""
        y = h[len(h) - S :].swapaxes(0, 1).copy()
        if S > 1:
            y[self.at.T] = 0
        return y

    def gradients(self, dy):
        """What y contributes to dh at each step, (T,N,H), from dy (N,S,H)."""
        (T, N), S = self.at.shape, dy.shape[1]
        dh = np.zeros((T, N, dy.shape[2]), dy.dtype)
        dh[T - S :] = dy.swapaxes(0, 1)
        if S > 1:
            dh[self.at] = 0
        return dh
