# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""Cython, with the inner loop over filters.

The same multiplications in another order. Neighbours in memory follow each other, and no sum waits for another one: so
the compiler makes vectors of the inner loop. But each multiplication loads a sum and stores it again.
"""


def forward(const float[:, :, :, ::1] x, const float[:, :, :, ::1] W, const float[::1] b, float[:, :, :, ::1] y):
    cdef Py_ssize_t n, h, w, f, i, j, c
    cdef float pixel
    for n in range(y.shape[0]):
        for h in range(y.shape[1]):
            for w in range(y.shape[2]):
                y[n, h, w, :] = b
                for i in range(W.shape[0]):
                    for j in range(W.shape[1]):
                        for c in range(W.shape[2]):
                            pixel = x[n, h + i, w + j, c]
                            for f in range(y.shape[3]):
                                y[n, h, w, f] += pixel * W[i, j, c, f]
