"""Embedding: each id is exchanged for its row of a table.

Letters: N ids, V vocabulary, U units.

    forward     (1) y_n = W[id_n]
    backward        dW[v] = sum over all n with id_n = v of dy_n      undoes (1)

Design: threads share out the ids forward, and the columns backward. There, each of them walks through all ids in their
order: two of the same id are never added at the same time, and every sum has one order for any number of threads.
Few columns stay with one thread: where two add to neighbouring numbers they wait for each other's cache lines (200
columns took 85 us on one thread and 105 us on two).
"""

from cython cimport floating
from cython.parallel cimport prange
from libc.string cimport memcpy, memset

from tile cimport threads_for

cdef enum:
    MOVE = 4       # what a number costs, in multiplications: enough of them are worth a second thread
    COLUMNS = 256  # that a thread has backward, at least
    LINE = 16      # its columns begin where, in an aligned table, a cache line does


cdef inline void add_rows(Py_ssize_t N, Py_ssize_t V, Py_ssize_t U, Py_ssize_t width, const Py_ssize_t *ids,
                          const floating *dy, floating *dW) noexcept nogil:
    """The first `width` columns, of U, of dW (V,U) from those of dy (N,U)."""
    cdef Py_ssize_t n, v, u
    cdef floating *row
    for v in range(V):
        memset(dW + v * U, 0, width * sizeof(floating))
    for n in range(N):
        row = dW + ids[n] * U
        for u in range(width):
            row[u] += dy[n * U + u]


def forward(const floating[:, ::1] W, const Py_ssize_t[::1] ids, floating[:, ::1] y):  # IN (V,U) (N) OUT (N,U)
    cdef Py_ssize_t N = ids.shape[0], U = W.shape[1], n
    if N == 0 or U == 0:
        return
    for n in prange(N, nogil=True, schedule="static", num_threads=threads_for(MOVE * N * U)):
        memcpy(&y[n, 0], &W[ids[n], 0], U * sizeof(floating))  # (1)


def backward(const Py_ssize_t[::1] ids, const floating[:, ::1] dy, floating[:, ::1] dW):  # IN (N) (N,U) OUT (V,U)
    cdef Py_ssize_t N = ids.shape[0], V = dW.shape[0], U = dW.shape[1], u, width
    cdef Py_ssize_t threads = max(<Py_ssize_t>1, min(<Py_ssize_t>threads_for(MOVE * (N + V) * U), U // COLUMNS))
    if N == 0 or V == 0 or U == 0:
        dW[:] = 0
        return
    width = (U + threads * LINE - 1) // (threads * LINE) * LINE
    for u in prange(0, U, width, nogil=True, schedule="static", num_threads=<int>threads):
        add_rows(N, V, U, min(width, U - u), &ids[0], &dy[0, u], &dW[0, u])
