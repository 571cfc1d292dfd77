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

from rows cimport BLOCK, sum_rows
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


def split(const Py_ssize_t[::1] ids, Py_ssize_t[::1] places,          # IN (N), OUT (N)
          Py_ssize_t[::1] seen, Py_ssize_t[::1] owners):              # scratch (V), OUT (at least V + N // BLOCK)
    """For sums over very many rows (rows.pxd): each BLOCK rows of an id get a place of their own. The first of id v is
    v; the others come after all ids. `owners` receives the id of each place. Returns how many places there are."""
    cdef Py_ssize_t N = ids.shape[0], V = seen.shape[0], count = V, n, v
    with nogil:
        for v in range(V):
            owners[v] = v
            seen[v] = v * BLOCK  # the place, times BLOCK, and how many rows it has
        for n in range(N):
            v = ids[n]
            places[n] = seen[v] // BLOCK
            seen[v] += 1
            if seen[v] % BLOCK == 0:
                seen[v] = count * BLOCK
                owners[count] = v
                count += 1
    return count
