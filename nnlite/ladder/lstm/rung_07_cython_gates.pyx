# cython: boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""Cython, with the inner loop over the gates.

The same multiplications in another order: neighbours in memory follow each other, no sum waits for another one, and the
compiler makes vectors of the loops. But each multiplication loads a sum and stores it again.
"""
import numpy as np
from libc.math cimport expf, tanhf


def forward(const float[:, :, ::1] x, const float[:, ::1] Wx, const float[:, ::1] Wh, const float[::1] b,
            float[:, :, ::1] y):
    cdef Py_ssize_t n, t, j, k, H = Wh.shape[0]
    cdef float[::1] z = np.empty(4 * H, np.float32), c = np.empty(H, np.float32)
    for n in range(x.shape[0]):
        c[:] = 0
        for t in range(x.shape[1]):
            z[:] = b
            for k in range(x.shape[2]):
                for j in range(4 * H):
                    z[j] += x[n, t, k] * Wx[k, j]
            for k in range(H if t else 0):
                for j in range(4 * H):
                    z[j] += y[n, t - 1, k] * Wh[k, j]
            for j in range(H):
                c[j] = c[j] / (1 + expf(-z[H + j])) + tanhf(z[2 * H + j]) / (1 + expf(-z[j]))
                y[n, t, j] = tanhf(c[j]) / (1 + expf(-z[3 * H + j]))
