"""C = A B on all threads, from register tiles: what Dense, and the weight gradients of every layer, are made of.

                      cols
              +-------+-------+---       The columns of B are cut into panels, and the rows of A into groups where
      depth   | panel | panel | ...      there are fewer panels than keep all threads busy. A thread takes a panel and
              +-------+-------+---       a group, and computes that part of C alone (panel_product of tile.h): it packs
      +-----+ +-------+-------+---       the panel for itself, so that no thread waits for another.
      | A   | | group | group | ...
 rows +-----+ +-------+-------+---       Every number of C is a sum over k in one fixed order, so neither the panels and
      | A   | | group | group | ...      groups nor the threads change a bit of it.
      +-----+ +-------+-------+---
"""

from cython cimport floating
from cython.parallel cimport prange
from libc.string cimport memset

from tile cimport pack_panel, panel_product, panel_width, prefetch, threads_for, tile


cdef enum:
    PACK_ROWS = 8  # of B, that go through all panels before the next ones do
    GROUP_ROWS = 64  # at least, so that packing a panel is a small part of the work with it
    TASKS = 4  # for a thread, at least, so that all have about the same work


cdef inline Py_ssize_t ceil_div(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    return (a + b - 1) // b


cdef inline Py_ssize_t round_up(Py_ssize_t n, Py_ssize_t multiple) noexcept nogil:
    return ceil_div(n, multiple) * multiple


cdef inline void product(Py_ssize_t rows, Py_ssize_t depth, Py_ssize_t cols,
                         const floating *a, Py_ssize_t a_row, Py_ssize_t a_depth,
                         const floating *b, Py_ssize_t b_depth, Py_ssize_t b_col,
                         floating *c, bint accumulate) noexcept nogil:
    """C (rows, cols) = A B, or C += A B. A(i, k) = a[i * a_row + k * a_depth]; B(k, j) = b[k * b_depth + j * b_col]."""
    product_into(rows, depth, cols, a, a_row, a_depth, b, b_depth, b_col, c, cols, accumulate)


cdef inline void product_into(Py_ssize_t rows, Py_ssize_t depth, Py_ssize_t cols,
                              const floating *a, Py_ssize_t a_row, Py_ssize_t a_depth,
                              const floating *b, Py_ssize_t b_depth, Py_ssize_t b_col,
                              floating *c, Py_ssize_t c_row, bint accumulate) noexcept nogil:
    """`product` into columns of a wider matrix, whose rows begin c_row apart."""
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
        panel_product(rows * (task % groups + 1) // groups - i, depth, min(cols - j, <Py_ssize_t>width), a + i * a_row,
                      a_row, a_depth, b + j * b_col, b_depth, b_col, c + i * c_row + j, c_row, accumulate)


# Where one factor is used many times over, as the recurrent weights are, it is packed once and kept.

cdef inline Py_ssize_t packed_size(Py_ssize_t depth, Py_ssize_t cols, floating *dtype) noexcept nogil:
    """Numbers in the panels of a depth x cols matrix."""
    return depth * round_up(cols, panel_width(dtype))


cdef inline void pack_all(Py_ssize_t depth, Py_ssize_t cols, const floating *b, Py_ssize_t b_depth,
                          Py_ssize_t b_col, floating *panels) noexcept nogil:
    """Pack a whole depth x cols matrix, B(k, j) = b[k * b_depth + j * b_col].

    A few rows at a time go through all panels, so that B is read about in the order of memory.
    """
    cdef Py_ssize_t chunks = ceil_div(depth, PACK_ROWS), chunk, k
    cdef int width = panel_width(panels)
    cdef Py_ssize_t p
    for chunk in prange(chunks, schedule="dynamic", num_threads=threads_for(4.0 * depth * cols)):
        k = chunk * PACK_ROWS
        for p in range(ceil_div(cols, width)):
            pack_panel(min(<Py_ssize_t>PACK_ROWS, depth - k), cols - p * width, b + k * b_depth + p * width * b_col,
                       b_depth, b_col, panels + (p * depth + k) * width, width)


cdef inline void rows_by_panels(int rows, Py_ssize_t depth, Py_ssize_t cols, const floating *a, Py_ssize_t a_row,
                                const floating *panels, floating *c, Py_ssize_t c_row, bint accumulate,
                                const floating *next, Py_ssize_t next_size) noexcept nogil:
    """C (+)= A B for at most TILE_ROWS rows of A, whose numbers lie in the order of k, and all panels of B.

    The memory `next` that the caller will touch afterwards is fetched meanwhile, a part with each panel: at once, the
    fetches would wait for each other.
    """
    cdef int width = panel_width(c)
    cdef Py_ssize_t p, panel_count = ceil_div(cols, width), share = ceil_div(next_size, panel_count)
    for p in range(panel_count):
        prefetch(next + p * share, share * sizeof(floating))
        tile(rows, <int>min(<Py_ssize_t>width, cols - p * width), 1, 0, depth, a, a_row, 1, panels + p * width * depth,
             width, c + p * width if accumulate else NULL, c_row, c + p * width, c_row)
