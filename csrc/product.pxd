"""C = A B on all threads, from register tiles: used by Dense, and for the weight gradients of every layer.

                      cols
              +-------+-------+---       The columns of B are cut into panels, and the rows of A into groups if there
      depth   | panel | panel | ...      are too few panels to keep all threads busy. A thread takes a panel and a
              +-------+-------+---       group, and computes that part of C by itself (panel_product of tile.h). It
      +-----+ +-------+-------+---       packs its own copy of the panel, so no thread waits for another.
      | A   | | group | group | ...
 rows +-----+ +-------+-------+---       Every number of C is a sum over k in one fixed order, whatever the panels,
      | A   | | group | group | ...      groups and threads.
      +-----+ +-------+-------+---
"""

from cython cimport floating
from cython.parallel cimport prange
from libc.string cimport memset

from tile cimport Strides, pack_panel, panel_product, panel_width, threads_for


cdef enum:
    PACK_ROWS = 8  # rows of B that are packed into all panels before the next rows
    GROUP_ROWS = 64  # rows in a group, at least, so that packing a panel is a small part of the work with it
    TASKS = 4  # tasks for each thread, at least, so that all have about the same work


cdef inline Py_ssize_t ceil_div(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    return (a + b - 1) // b


cdef inline Py_ssize_t round_up(Py_ssize_t n, Py_ssize_t multiple) noexcept nogil:
    return ceil_div(n, multiple) * multiple


cdef inline void product(Py_ssize_t rows, Py_ssize_t depth, Py_ssize_t cols, const floating *a, Strides a_at,
                         const floating *b, Strides b_at, floating *c, Py_ssize_t c_row,
                         bint accumulate) noexcept nogil:
    """C (rows, cols) = A B, or C += A B. a_at and b_at say where A(i, k) and B(k, j) lie; rows of C are c_row apart."""
    cdef int width = panel_width(c), threads = threads_for(<double>rows * depth * cols)
    cdef Py_ssize_t panels = ceil_div(cols, width)
    cdef Py_ssize_t groups = max(1, min(ceil_div(TASKS * threads, panels), rows // GROUP_ROWS))
    cdef Py_ssize_t task, i, j
    if depth == 0 and not accumulate:
        for i in range(rows):
            memset(c + i * c_row, 0, cols * sizeof(floating))
        return
    for task in prange(panels * groups, schedule="dynamic", num_threads=threads):
        i = rows * (task % groups) // groups
        j = task // groups * width
        panel_product(rows * (task % groups + 1) // groups - i, depth, min(cols - j, <Py_ssize_t>width),
                      a + i * a_at.row, a_at, b + j * b_at.col, b_at, c + i * c_row + j, c_row, accumulate)


# A factor that is used many times, such as the recurrent weights, is packed once and kept.

cdef inline Py_ssize_t packed_size(Py_ssize_t depth, Py_ssize_t cols, floating *dtype) noexcept nogil:
    """Numbers in the panels of a depth x cols matrix."""
    return depth * round_up(cols, panel_width(dtype))


cdef inline void pack_all(Py_ssize_t depth, Py_ssize_t cols, const floating *b, Strides at,
                          floating *panels) noexcept nogil:
    """Pack a whole depth x cols matrix.

    A few rows at a time are packed into all panels, so that B is read roughly in memory order.
    """
    cdef Py_ssize_t chunks = ceil_div(depth, PACK_ROWS), chunk, k
    cdef int width = panel_width(panels)
    cdef Py_ssize_t p
    for chunk in prange(chunks, schedule="dynamic", num_threads=threads_for(4.0 * depth * cols)):
        k = chunk * PACK_ROWS
        for p in range(ceil_div(cols, width)):
            pack_panel(min(<Py_ssize_t>PACK_ROWS, depth - k), cols - p * width, b + k * at.row + p * width * at.col,
                       at, panels + (p * depth + k) * width, width)
