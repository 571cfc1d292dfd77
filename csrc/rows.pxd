"""Rows of numbers: added, summed, and scattered by their ids.

Threads share a sum over many rows by its columns: each goes through all rows in order. So every sum has one order for
any number of threads, and no two threads write to the same number.
"""

from cython cimport floating
from cython.parallel cimport prange

from tile cimport threads_for

# Two threads that add to neighbouring numbers wait for each other's cache lines: 200 columns took 85 us on one thread
# and 105 us on two.
cdef enum:
    MOVE = 4     # the cost of a number, in multiplications, from which the number of threads follows
    STRIP = 256  # columns of a thread, at least
    LINE = 16    # a thread's columns begin at a multiple: in an aligned table, at a cache line


cdef inline void add_row(Py_ssize_t n, const floating *x, floating *y) noexcept nogil:
    cdef Py_ssize_t j
    for j in range(n):
        y[j] += x[j]


cdef inline void sum_rows(Py_ssize_t rows, Py_ssize_t cols, const floating *x, Py_ssize_t x_row,
                          const Py_ssize_t *ids, floating *total, floating *by_id, Py_ssize_t by_id_row) noexcept nogil:
    """total += the sum of all rows of x; where there are ids, also by_id[id] += the sum of the rows with that id.

    Rows begin x_row apart, and those of by_id by_id_row. Without a total (NULL) that sum is left out.
    """
    cdef int threads = max(1, min(threads_for(<double>MOVE * rows * cols), <int>(cols // STRIP)))
    cdef Py_ssize_t strip = (cols + threads * LINE - 1) // (threads * LINE) * LINE, j
    for j in prange(0, cols, strip, schedule="static", num_threads=threads):
        sum_strip(rows, min(strip, cols - j), x + j, x_row, ids, NULL if total == NULL else total + j,
                  NULL if ids == NULL else by_id + j, by_id_row)


cdef inline void sum_strip(Py_ssize_t rows, Py_ssize_t cols, const floating *x, Py_ssize_t x_row,
                           const Py_ssize_t *ids, floating *total, floating *by_id,
                           Py_ssize_t by_id_row) noexcept nogil:
    """`sum_rows` on one thread."""
    cdef const floating *row
    cdef floating *sums
    cdef Py_ssize_t r, j
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
