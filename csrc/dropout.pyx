"""Dropout: each number is dropped with probability p, and what is kept is scaled up to keep the mean.

    forward     (1) h = hash(i, key), evenly over 0 .. 2^32 - 1, for the i-th number
                (2) y_i = x_i / (1 - p) where h >= p 2^32, else 0
    backward        dx_i = dy_i / (1 - p) where h >= p 2^32, else 0        undoes (2): the same function

Design: the mask is not stored. Whether the i-th number is kept depends on i and the key alone. So backward computes it
again, threads may split the numbers in any way, and the loop is vectorised, which a sequential generator would not be.
(1) is the finalizer of MurmurHash3, twice, with a part of the key before each: it multiplies and shifts so that each
input bit flips half of the output bits.

Source: Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, Dropout: a simple way to prevent neural networks
from overfitting, 2014; Appleby, MurmurHash3, 2011.
"""

from cython cimport floating
from cython.parallel cimport prange
from libc.stdint cimport uint32_t, uint64_t

from tile cimport threads_for


cdef inline uint32_t mixed(uint32_t h) noexcept nogil:
    h = (h ^ (h >> 16)) * <uint32_t>0x85EBCA6B
    h = (h ^ (h >> 13)) * <uint32_t>0xC2B2AE35
    return h ^ (h >> 16)


def apply(const floating[::1] x, floating[::1] y, uint64_t key, double p):  # IN (n) OUT (n)
    cdef Py_ssize_t n = x.shape[0], i
    cdef uint32_t first = <uint32_t>key, second = mixed(~first) ^ <uint32_t>(key >> 32)
    cdef uint32_t h, threshold = <uint32_t>(p * 4294967296.0)
    cdef floating scale = 1 / (1 - p)
    for i in prange(n, nogil=True, schedule="static", num_threads=threads_for(16.0 * n)):
        h = mixed(mixed(<uint32_t>i ^ first) ^ second ^ <uint32_t>(<uint64_t>i >> 32))  # (1)
        y[i] = x[i] * scale if h >= threshold else 0  # (2)
