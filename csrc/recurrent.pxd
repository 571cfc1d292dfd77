"""What the recurrent kernels share: how their rows are cut into blocks, and which steps of a row are real.

A block of batch rows as high as the register tile goes through all T steps on its own. Threads take whole blocks, so
they never wait for each other between steps, and since a row's sums do not depend on its block, nor does the result on
the number of threads.
"""

from cython cimport floating

from product cimport ceil_div
from tile cimport TILE_ROWS, threads_for


cdef inline int block_threads(Py_ssize_t N, double work) noexcept nogil:
    """How many threads N rows deserve that have this many multiplications to do: each takes a row, at least."""
    return <int>max(<Py_ssize_t>1, min(N, <Py_ssize_t>threads_for(work)))


cdef inline Py_ssize_t block_count(Py_ssize_t N, int threads) noexcept nogil:
    """Blocks of at most TILE_ROWS rows, the same number for every thread where there are rows enough."""
    cdef Py_ssize_t blocks = ceil_div(N, TILE_ROWS)
    return min(N, ceil_div(blocks, threads) * threads)


cdef inline bint all_zero(Py_ssize_t n, const floating *x) noexcept nogil:
    cdef Py_ssize_t j
    for j in range(n):
        if x[j] != 0:
            return False
    return True


# Rows of unequal length: row n has lengths[n] steps, and the rest of its T is padding. Without lengths (NULL) none is.

cdef inline const Py_ssize_t *address(const Py_ssize_t[::1] lengths) noexcept nogil:
    """Of the first length; NULL for None."""
    return &lengths[0] if lengths is not None and lengths.shape[0] else NULL


cdef inline bint is_padding(const Py_ssize_t *lengths, Py_ssize_t n, Py_ssize_t t) noexcept nogil:
    return lengths != NULL and t >= lengths[n]


cdef inline Py_ssize_t shortest(Py_ssize_t first, int rows, Py_ssize_t T, const Py_ssize_t *lengths) noexcept nogil:
    """From this step on, some of the rows are padding."""
    cdef Py_ssize_t n, least = T
    if lengths != NULL:
        for n in range(first, first + rows):
            least = min(least, lengths[n])
    return least


cdef inline Py_ssize_t longest(Py_ssize_t first, int rows, Py_ssize_t T, const Py_ssize_t *lengths) noexcept nogil:
    """From this step on, all of them are: there is nothing to multiply."""
    cdef Py_ssize_t n, most = T if lengths == NULL else 0
    if lengths != NULL:
        for n in range(first, first + rows):
            most = max(most, lengths[n])
    return most
