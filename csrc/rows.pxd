"""Rows of numbers: added, summed, and scattered by their ids.

Threads share a sum over many rows by its columns: each goes through all rows in order. So every sum has one order for
any number of threads, and no two threads write to the same number.

Over a million rows of 0.1 a running sum in float32 was wrong by 1 %: it is rounded at each, and has grown large. So
where rows are many, each BLOCK of them is summed by itself, and then added. For rows that are scattered by their ids
the layers see to that (nnlite/layers/base/by_id.py): an id of many rows gets several places.
"""

from cython cimport floating
from cython.parallel cimport prange
from libc.string cimport memset

from tile cimport DEEP, threads_for

# Two threads that add to neighbouring numbers wait for each other's cache lines: 200 columns took 85 us on one thread
# and 105 us on two.
cdef enum:
    MOVE = 4     # the cost of a number, in multiplications, from which the number of threads follows
    STRIP = 256  # columns of a thread, at least
    LINE = 16    # a thread's columns begin at a multiple: in an aligned table, at a cache line
    BLOCK = 256  # rows, as in a panel of a product (block.h),
    PIECE = 256  # and columns of them that are summed at a time


cdef inline void add_row(Py_ssize_t n, const floating *x, floating *y) noexcept nogil:
    cdef Py_ssize_t j
    for j in range(n):
        y[j] += x[j]


cdef inline void sum_rows(Py_ssize_t rows, Py_ssize_t cols, const floating *x, Py_ssize_t x_row,
                          const Py_ssize_t *ids, floating *total, floating *by_id, Py_ssize_t by_id_row,
                          Py_ssize_t many) noexcept nogil:
    """total += the sum of all rows of x; where there are ids, also by_id[id] += the sum of the rows with that id.

    Rows begin x_row apart, and those of by_id by_id_row. Without a total (NULL) that sum is left out. `many` counts the
    rows of the whole sum, of which these may be a part.
    """
    cdef int threads = max(1, min(threads_for(<double>MOVE * rows * cols), <int>(cols // STRIP)))
    cdef Py_ssize_t strip = (cols + threads * LINE - 1) // (threads * LINE) * LINE, j
    for j in prange(0, cols, strip, schedule="static", num_threads=threads):
        sum_strip(rows, min(strip, cols - j), x + j, x_row, ids, NULL if total == NULL else total + j,
                  NULL if ids == NULL else by_id + j, by_id_row, many)


cdef inline void sum_strip(Py_ssize_t rows, Py_ssize_t cols, const floating *x, Py_ssize_t x_row,
                           const Py_ssize_t *ids, floating *total, floating *by_id, Py_ssize_t by_id_row,
                           Py_ssize_t many) noexcept nogil:
    """`sum_rows` on one thread."""
    cdef const floating *row
    cdef floating *sums
    cdef Py_ssize_t r, j
    if total != NULL and many >= DEEP:
        sum_blocks(rows, cols, x, x_row, total)
        if ids == NULL:
            return
        total = NULL
    for r in range(rows):
        row = x + r * x_row
        if ids == NULL:
            add_row(cols, row, total)
        elif total == NULL:
            add_row(cols, row, by_id + ids[r] * by_id_row)
        else:  # both, while the row is at hand
            sums = by_id + ids[r] * by_id_row
            for j in range(cols):
                sums[j] += row[j]
                total[j] += row[j]


cdef inline void sum_blocks(Py_ssize_t rows, Py_ssize_t cols, const floating *x, Py_ssize_t x_row,
                            floating *total) noexcept nogil:
    """total += the sum of all rows, block by block."""
    cdef floating sums[PIECE]
    cdef Py_ssize_t first = 0, j, width, r
    while first < rows:
        j = 0
        while j < cols:
            width = min(cols - j, <Py_ssize_t>PIECE)
            memset(sums, 0, width * sizeof(floating))
            for r in range(first, min(rows, first + BLOCK)):
                add_row(width, x + r * x_row + j, sums)
            add_row(width, sums, total + j)
            j += PIECE
        first += BLOCK
