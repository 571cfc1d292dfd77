# cython: boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""Naive Cython.

The loops of the first rung, with types, compiled at -O3: far slower than NumPy with BLAS. Each addition waits for the
one before, and weights that are used one after the other lie 4H numbers apart.
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
            for j in range(4 * H):
                z[j] = b[j]
                for k in range(x.shape[2]):
                    z[j] += x[n, t, k] * Wx[k, j]
                for k in range(H if t else 0):
                    z[j] += y[n, t - 1, k] * Wh[k, j]
            for j in range(H):
                c[j] = c[j] / (1 + expf(-z[H + j])) + tanhf(z[2 * H + j]) / (1 + expf(-z[j]))
                y[n, t, j] = tanhf(c[j]) / (1 + expf(-z[3 * H + j]))
