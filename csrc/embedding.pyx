"""Embedding: each id is replaced by its row of a table.

Letters: N ids, V vocabulary, U units.

    forward     (1) y_n = W[id_n]
    backward        dW[v] = sum over all n with id_n = v of dy_n      undoes (1)

Design: threads share the ids in forward, and the columns in backward, where two rows with the same id must not be added
at the same time (rows.pxd).
"""

from cython cimport floating
from cython.parallel cimport prange
from libc.string cimport memcpy

from rows cimport sum_rows
from tile cimport threads_for

cdef enum:
    MOVE = 4  # the cost of a number, in multiplications, from which the number of threads follows


def forward(const floating[:, ::1] W, const Py_ssize_t[::1] ids, floating[:, ::1] y):  # IN (V,U) (N) OUT (N,U)
    cdef Py_ssize_t N = ids.shape[0], U = W.shape[1], n
    if N == 0 or U == 0:
        return
    for n in prange(N, nogil=True, schedule="static", num_threads=threads_for(MOVE * N * U)):
        memcpy(&y[n, 0], &W[ids[n], 0], U * sizeof(floating))  # (1)


def backward(const Py_ssize_t[::1] ids, const floating[:, ::1] dy, floating[:, ::1] dW):  # IN (N) (N,U) OUT (V,U)
    cdef Py_ssize_t N = ids.shape[0], V = dW.shape[0], U = dW.shape[1]
    dW[:] = 0
    if N == 0 or V == 0 or U == 0:
        return
    with nogil:
        sum_rows(N, U, &dy[0, 0], U, &ids[0], NULL, &dW[0, 0], U, N)
