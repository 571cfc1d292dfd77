"""C = A B on all threads: used by Dense, and for the weight gradients of every layer.

                      cols
              +-------+-------+---       The rows of A are cut into groups, of as many rows as the blocked product
      depth   | part  | part  | ...      (block.h) takes, and the columns of B into parts, if there are too few groups
              +-------+-------+---       to keep all threads busy. A thread takes a group and a part, and computes that
      +-----+ +-------+-------+---       piece of C by itself. It packs its own copy of the part, so no thread waits
      | A   | | group | group | ...      for another.
 rows +-----+ +-------+-------+---
      | A   | | group | group | ...      Every number of C is a sum over k in one fixed order, whatever the parts,
      +-----+ +-------+-------+---       groups and threads.
"""

from cython cimport floating
from cython.parallel cimport prange
from libc.string cimport memset

from tile cimport APART, PACK_ROWS, Strides, block_product, block_rows, pack_panels, panel_width, threads_for


cdef enum:
    GROUP_ROWS = 64  # rows in a group, at least, so that packing a panel is a small part of the work with it
    TASKS = 2  # for each thread, at least, so that all have about the same work


cdef inline Py_ssize_t ceil_div(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    return (a + b - 1) // b


cdef inline Py_ssize_t round_up(Py_ssize_t n, Py_ssize_t multiple) noexcept nogil:
    return ceil_div(n, multiple) * multiple


cdef inline void product(Py_ssize_t rows, Py_ssize_t depth, Py_ssize_t cols, const floating *a, Strides a_at,
                         const floating *b, Strides b_at, const floating *start, floating *c,
                         Py_ssize_t c_row) noexcept nogil:
    """C (rows, cols) = start + A B, with rows of C c_row apart.

    `start` is NULL for zero, C to add to what is there (or APART, to add sums of their own: block.h), or one row for
    all rows. a_at and b_at say where A(i, k) and B(k, j) lie: the one is plain or transposed, the other as it likes.
    """
    cdef int width = panel_width(c), threads = threads_for(<double>rows * depth * cols)
    cdef Py_ssize_t panels = ceil_div(cols, width), groups = ceil_div(rows, block_rows(c))
    cdef Py_ssize_t parts = 1, task, i, j, end
    cdef const floating *start_j
    if threads > 1:
        parts = max(1, min(panels, ceil_div(TASKS * threads, groups)))
        groups = max(groups, min(ceil_div(TASKS * threads, parts), rows // GROUP_ROWS))
    if depth == 0 and start == NULL:
        for i in range(rows):
            memset(c + i * c_row, 0, cols * sizeof(floating))
        return
    for task in prange(groups * parts, schedule="dynamic", num_threads=threads):
        i = rows * (task % groups) // groups
        j = panels * (task // groups) // parts * width
        end = min(cols, panels * (task // groups + 1) // parts * width)
        start_j = start
        if start != NULL and start != APART:
            start_j = start + (i * c_row if start == c else 0) + j
        block_product(rows * (task % groups + 1) // groups - i, depth, end - j, a + i * a_at.row, a_at,
                      b + j * b_at.col, b_at, start_j, c + i * c_row + j, c_row)


# A factor that is used many times, such as the recurrent weights, is packed once and kept.

cdef inline Py_ssize_t packed_size(Py_ssize_t depth, Py_ssize_t cols, floating *dtype) noexcept nogil:
    """Numbers in the panels of a depth x cols matrix."""
    return depth * round_up(cols, panel_width(dtype))


cdef inline void pack_all(Py_ssize_t depth, Py_ssize_t cols, const floating *b, Strides at,
                          floating *panels) noexcept nogil:
    """Pack a whole depth x cols matrix.

    Each thread packs a few rows at a time into all panels, so that B is read roughly in memory order.
    """
    cdef Py_ssize_t chunks = ceil_div(depth, PACK_ROWS), chunk, k
    for chunk in prange(chunks, schedule="dynamic", num_threads=threads_for(4.0 * depth * cols)):
        k = chunk * PACK_ROWS
        pack_panels(min(<Py_ssize_t>PACK_ROWS, depth - k), cols, b + k * at.row, at, panels + k * panel_width(panels),
                    depth)
